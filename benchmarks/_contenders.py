"""Solvers of QUBOs side by side: this project's by name, and other libraries at their best.

What a library needs before it searches (converting the model, in every call) is measured apart and
not charged to it; what this project's solvers need is.
"""

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from inspect import signature
from math import floor, log2
from typing import Any, Literal

import numpy as np

from qopt import registry
from qopt.errors import UnknownNameError
from qopt.forms import Qubo
from qopt.solver import Budget, Progress

OURS = ("sa", "tabu", "path-relinking", "tempering", "portfolio", "branch-and-bound")
"""This project's solvers that are measured, as far as they are registered."""

Plan = Literal["default", "filled", "ladder"]
"""How a library without a time limit, or without news on the way, is given its time.

default: reads of the library's own length, one after the other. filled: one read as long as the
time, its length calibrated before. ladder: reads that double in length, so that a target that is
met early is seen early.
"""

_DEFAULT_SWEEPS = 1000
_FEWEST_SWEEPS = 64
_SHORTEST_RUNG = 1.0 / 64.0
MOST_PAIRS = 1_000_000
"""Pairs up to which a model is handed to a library that takes dictionaries."""

_MOST_DENSE = 5000
"""Variables up to which a model is handed to a library as a full matrix."""

_MOST_TABU = 20_000
"""Variables up to which the library's own full matrix, in double precision, is no trouble."""

_AGENTS = (128, 32, 8)
_RAMP = 1000
_MOST_STEPS = 10_000
"""Simulated bifurcation: agents, the most that fit; steps of its ramp; its default of steps."""

_SINGLE = 1e-4
_DOUBLE = 1e-6
"""To which a library's own energies hold, in single and in double precision."""


@dataclass
class Run:
    """What a run of a contender came to.

    Parameters
    ----------
    samples : ndarray of int8, shape (samples, n)
        Everything that was returned.
    claimed : ndarray of float64, shape (samples,), optional
        The library's own energies, of the penalised model.
    times : ndarray of float64, shape (samples,), optional
        Seconds charged until each was there.
    trace : list of (float, float), optional
        Seconds and energies of incumbents, instead of `times`, where the solver reports them.
    wall, cpu : float
        Seconds that the whole call took.
    tolerance : float
        To which the claims hold, relative.
    """

    samples: np.ndarray
    claimed: np.ndarray | None = None
    times: np.ndarray | None = None
    trace: list[tuple[float, float]] | None = None
    wall: float = 0.0
    cpu: float = 0.0
    tolerance: float = _DOUBLE


Runner = Callable[[int], Run]
"""Runs a prepared contender once, with a seed."""


@dataclass(frozen=True)
class Contender:
    """One solver in one use.

    Parameters
    ----------
    name : str
    prepare : callable
        ``prepare(qubo, seconds, threads)`` gives a `Runner`, or why there is none in words.
    module, package : str
        What it needs beside this project's own requirements.
    uses : tuple of str
        The sections that it is measured in.
    """

    name: str
    prepare: Callable[[Qubo, float, int], Runner | str] = field(repr=False)
    module: str = ""
    package: str = ""
    uses: tuple[str, ...] = ("quality", "target")

    @property
    def missing(self) -> str:
        """Why it cannot be run here; empty where it can."""
        if not self.module or find_spec(self.module) is not None:
            return ""
        return f"not installed: pip install {self.package}"


def contenders() -> tuple[list[Contender], list[str]]:
    """All that can be run here, and a sentence for each that cannot."""
    able, told = [], []
    for name in OURS:
        try:
            registry.find("solver", name)
        except UnknownNameError:
            told.append(f"{name}: no such solver yet")
        else:
            able.append(Contender(name, partial(_own, name)))
    for peer in PEERS:
        if peer.missing:
            told.append(f"{peer.name}: {peer.missing}")
        else:
            able.append(peer)
    return able, told


# -- this project -------------------------------------------------------------------------------


def _own(name: str, qubo: Qubo, seconds: float, threads: int) -> Runner:
    solver = registry.find("solver", name).load()()
    solver.solve(qubo, Budget(0.05, threads=threads), 0, Progress())  # machine code

    def run(seed: int) -> Run:
        progress, begin = Progress(), _Stopwatch()
        outcome = solver.solve(qubo, Budget(seconds, threads=threads), seed, progress)
        wall, cpu = begin.read()
        samples = np.asarray(outcome.answers, dtype=np.int8).reshape(-1, qubo.num_variables)
        return Run(samples, trace=progress.trace.incumbents, wall=wall, cpu=cpu)

    return run


class _Stopwatch:
    """Wall and CPU seconds since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        return time.perf_counter() - self._wall, time.process_time() - self._cpu


# -- how libraries are given their time ---------------------------------------------------------


def calibrate(call: Callable[[int], object], least: float) -> tuple[float, float]:
    """Seconds of a call beside its work, and those of a unit of it.

    Parameters
    ----------
    call : callable
        Does so many units of work.
    least : float
        Seconds that the difference of two calls takes at least.
    """
    count = 1
    while True:
        first, second = (_seconds(partial(call, k)) for k in (count, 3 * count))
        if second - first >= least:
            unit = (second - first) / (2 * count)
            return max(0.0, first - count * unit), unit
        count *= 4


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def rungs(total: float, shortest: float) -> list[float]:
    """Lengths that double, the first one twice, and together are `total`."""
    doublings = max(0, floor(log2(max(1.0, total / shortest))))
    first = total / 2**doublings
    return [first, *(first * 2**k for k in range(doublings))]


@dataclass
class _Reads:
    """The reads of one run as they come in, with the seconds charged for them."""

    samples: list[np.ndarray] = field(default_factory=list)
    claimed: list[np.ndarray] = field(default_factory=list)
    times: list[np.ndarray] = field(default_factory=list)
    charged: float = 0.0
    watch: _Stopwatch = field(default_factory=_Stopwatch)

    def add(self, samples: Any, claimed: Any, seconds: float) -> None:
        """Add what a call returned."""
        self.charged += seconds
        self.samples.append(np.asarray(samples, dtype=np.int8))
        self.claimed.append(np.asarray(claimed, dtype=np.float64).reshape(-1))
        self.times.append(np.full(len(self.samples[-1]), self.charged))

    def run(self, tolerance: float = _DOUBLE) -> Run:
        """All of it."""
        wall, cpu = self.watch.read()
        return Run(
            np.concatenate(self.samples), np.concatenate(self.claimed), np.concatenate(self.times),
            wall=wall, cpu=cpu, tolerance=tolerance,
        )


def _least(seconds: float) -> float:
    return min(0.3, max(0.02, 0.05 * seconds))


# -- dwave-samplers -----------------------------------------------------------------------------


def _ordered(found: Any) -> tuple[np.ndarray, np.ndarray]:
    """Samples of a dimod sample set in the order of the variables, and their energies."""
    order = np.argsort(np.array(list(found.variables), dtype=np.int64))
    return found.record.sample[:, order], found.record.energy


def bqm_of(qubo: Qubo) -> Any:
    """The penalised model as dimod's, with variables 0 to n - 1."""
    import dimod

    model = qubo.penalised()
    return dimod.BinaryQuadraticModel.from_numpy_vectors(
        model.linear, (model.row, model.col, model.value), model.offset, "BINARY"
    )


def _dwave_sa(plan: Plan, qubo: Qubo, seconds: float, threads: int) -> Runner:
    from dwave.samplers import SimulatedAnnealingSampler

    from qopt.solvers.dwave import default_betas

    sampler, bqm = SimulatedAnnealingSampler(), bqm_of(qubo)
    # Its own rule of temperatures, computed from arrays: its own loop over the couplings is slow.
    sample = partial(sampler.sample, bqm, beta_range=default_betas(qubo.penalised()))
    fixed, unit = calibrate(
        lambda sweeps: sample(num_reads=1, num_sweeps=sweeps, seed=1), _least(seconds)
    )

    def reads_of_its_own(seed: int) -> Run:
        reads, stamps = _Reads(), []
        begin = time.perf_counter() + fixed

        def over() -> bool:
            stamps.append(max(0.0, time.perf_counter() - begin))
            return stamps[-1] >= seconds

        count = 2 + int(1.5 * seconds / (unit * _DEFAULT_SWEEPS))
        found = sample(
            num_reads=count, num_sweeps=_DEFAULT_SWEEPS, seed=seed, interrupt_function=over
        )
        reads.add(*_ordered(found), time.perf_counter() - begin)
        stamps += [reads.charged] * len(found)
        reads.times = [np.array(stamps[: len(found)])]
        return reads.run()

    def of_lengths(lengths: Sequence[float], seed: int) -> Run:
        reads = _Reads()
        for k, sweeps in enumerate(lengths):
            begin = time.perf_counter() + fixed
            found = sample(num_reads=1, num_sweeps=max(1, round(sweeps)), seed=seed + 1000 * k)
            reads.add(*_ordered(found), max(0.0, time.perf_counter() - begin))
        return reads.run()

    return reads_of_its_own if plan == "default" else partial(
        of_lengths, _lengths(plan, seconds / unit, _FEWEST_SWEEPS)
    )


def _lengths(plan: Plan, total: float, shortest: float) -> list[float]:
    return [total] if plan == "filled" else rungs(total, shortest)


def _dwave_tabu(
    plan: Plan, wide: bool, qubo: Qubo, seconds: float, threads: int
) -> Runner | str:
    from dwave.samplers import TabuSampler

    n = qubo.num_variables
    if n > _MOST_TABU:
        return f"takes a full matrix, and there are {n} variables"
    tenure = min(n // 4, max(20, n // 13)) if wide else min(n // 4, 20)
    if wide and tenure <= 20:
        return "the longer tenure is the default one"
    sample = partial(TabuSampler().sample, bqm_of(qubo), num_reads=1, tenure=tenure)
    fixed = _seconds(lambda: sample(
        timeout=1, num_restarts=0, coefficient_z_first=1, lower_bound_z=1, seed=1
    ))

    def run(seed: int) -> Run:
        reads = _Reads()
        for k, length in enumerate(_lengths(plan, seconds, _SHORTEST_RUNG * seconds)):
            begin = time.perf_counter() + fixed
            found = sample(
                timeout=max(1, round(1000 * length)), num_restarts=1_000_000, seed=seed + 1000 * k
            )
            reads.add(*_ordered(found), max(length, time.perf_counter() - begin))
        return reads.run()

    return run


# -- OpenJij ------------------------------------------------------------------------------------


def openjij_model(qubo: Qubo, unit: float = 1.0) -> Any:
    """The model as OpenJij's, its energies in multiples of `unit`; dense where that is faster."""
    import openjij

    pairs = zip(qubo.row.tolist(), qubo.col.tolist(), strict=True)
    return openjij.model.model.BinaryQuadraticModel(
        dict(enumerate((qubo.linear / unit).tolist())),
        dict(zip(pairs, (qubo.value / unit).tolist(), strict=True)),
        qubo.offset / unit, "BINARY", sparse=is_sparse(qubo),
    )


def is_sparse(qubo: Qubo) -> bool:
    """Whether OpenJij is given its sparse layout."""
    return qubo.density < 0.25


def _openjij(
    quantum: bool, plan: Plan, qubo: Qubo, seconds: float, threads: int
) -> Runner | str:
    import openjij

    model = qubo.penalised()
    if model.num_interactions > MOST_PAIRS:
        return f"takes a dictionary of couplings, and there are {model.num_interactions}"
    # The simulated quantum annealing has a fixed temperature, made for couplings of about one.
    unit_of_energy = max(1e-300, float(np.abs(model.to_ising().J).max(initial=0.0))) \
        if quantum else 1.0
    taken = openjij_model(model, unit_of_energy)
    sampler = openjij.SQASampler() if quantum else openjij.SASampler()
    more = {"sparse": is_sparse(model)}

    def read(sweeps: int, seed: int) -> tuple[Any, float]:
        # One read a call: with a seed, all reads of a call are the same.
        found = sampler.sample(taken, num_reads=1, num_sweeps=sweeps, seed=seed, **more)
        return found, float(sum(found.info["list_exec_times"])) * 1e-6

    unit = _unit(read, _least(seconds))

    def run(seed: int) -> Run:
        reads, k = _Reads(), 0
        lengths = (
            [_DEFAULT_SWEEPS] * 100_000 if plan == "default"
            else _lengths(plan, seconds / unit, _FEWEST_SWEEPS)
        )
        for k, sweeps in enumerate(lengths):
            found, spent = read(max(1, round(sweeps)), seed + 1000 * k)
            samples, energies = _ordered(found)
            reads.add(samples, unit_of_energy * energies, spent)
            late = reads.watch.read()[0] > 3.0 * seconds
            if plan == "default" and (reads.charged >= seconds or late):
                break
        return reads.run()

    return run


def _unit(read: Callable[[int, int], tuple[Any, float]], least: float) -> float:
    """Seconds of a sweep by the library's own clock."""
    sweeps = 10
    while (spent := read(sweeps, 1)[1]) < least:
        sweeps *= 4
    return spent / sweeps


# -- simulated bifurcation ----------------------------------------------------------------------


def _bifurcation(mode: str, qubo: Qubo, seconds: float, threads: int) -> Runner | str:
    if qubo.num_variables > _MOST_DENSE:
        return f"takes a full matrix, and there are {qubo.num_variables} variables"
    import simulated_bifurcation
    import torch

    warnings.filterwarnings("ignore", module="simulated_bifurcation")  # "no agent has converged"
    torch.set_num_threads(threads)
    matrix = qubo.penalised().to_matrix()
    diagonal = np.diag(matrix).copy()
    np.fill_diagonal(matrix, 0.0)
    model = simulated_bifurcation.build_model(
        torch.tensor(matrix, dtype=torch.float32), torch.tensor(diagonal, dtype=torch.float32)
    )
    minimise = partial(model.minimize, domain="binary", mode=mode, best_only=False, verbose=False)
    minimise(max_steps=1)
    # Enough steps for the ramp of its pressure count for more than many agents.
    for agents in _AGENTS:
        fixed, unit = calibrate(partial(_steps, minimise, agents), _least(seconds))
        if _RAMP * unit <= seconds:
            break
    else:
        return f"its {_RAMP} first steps, a ramp of pressure, alone take {_RAMP * unit:.2g} s"

    def run(seed: int) -> Run:
        torch.manual_seed(seed)
        reads = _Reads()
        while not reads.samples or (seconds - reads.charged) >= _RAMP * unit:
            most = int(min(_MOST_STEPS, (seconds - reads.charged) / unit))
            begin = time.perf_counter() + fixed
            states, energies = minimise(agents=agents, max_steps=max(1, most))
            energies = energies.double().numpy() + qubo.penalised().offset
            reads.add(states, energies, max(unit, time.perf_counter() - begin))
        return reads.run(_SINGLE)

    return run


def _steps(minimise: Callable[..., object], agents: int, count: int) -> None:
    minimise(agents=agents, max_steps=count, early_stopping=False)


# -- MQLib --------------------------------------------------------------------------------------


def _mqlib(heuristic: str, qubo: Qubo, seconds: float, threads: int) -> Runner:
    import MQLib

    model = qubo.penalised()
    half = -0.5 * (model.to_matrix() + model.to_matrix().T)  # it maximises x'Qx
    instance = MQLib.Instance("Q", half)
    more: dict[str, Any] = {}
    parameters = list(signature(MQLib.runHeuristic).parameters)
    if len(parameters) > 4 and parameters[3] != "seed":
        more[parameters[3]] = lambda *_: 1  # some releases call back at each new solution

    def run(seed: int) -> Run:
        watch = _Stopwatch()
        found = MQLib.runHeuristic(heuristic, instance, seconds, seed=seed, **more)
        wall, cpu = watch.read()
        values = model.offset - np.asarray(found["bestsolhistory_objvals"], dtype=float)
        history = zip(found["bestsolhistory_runtimes"], values.tolist(), strict=True)
        return Run(
            np.asarray(found["solution"], dtype=np.int8).reshape(1, -1),
            np.array([model.offset - found["objval"]]),
            trace=[(float(seconds), value) for seconds, value in history], wall=wall, cpu=cpu,
        )

    return run


_BOTH, _LAST, _FIRST = ("quality", "target"), ("quality",), ("target",)
_OPENJIJ = ("openjij", "openjij")
_SB = ("simulated_bifurcation", "simulated-bifurcation")
_MQLIB = ("MQLib", "MQLib")

PEERS = (
    Contender("dwave-sa", partial(_dwave_sa, "default"), uses=_BOTH),
    Contender("dwave-sa, filled", partial(_dwave_sa, "filled"), uses=_LAST),
    Contender("dwave-sa, ladder", partial(_dwave_sa, "ladder"), uses=_FIRST),
    Contender("dwave-tabu", partial(_dwave_tabu, "filled", False), uses=_LAST),
    Contender("dwave-tabu, tenure n/13", partial(_dwave_tabu, "filled", True), uses=_LAST),
    Contender("dwave-tabu, ladder", partial(_dwave_tabu, "ladder", False), uses=_FIRST),
    Contender("openjij-sa", partial(_openjij, False, "default"), *_OPENJIJ, _LAST),
    Contender("openjij-sa, filled", partial(_openjij, False, "filled"), *_OPENJIJ, _LAST),
    Contender("openjij-sa, ladder", partial(_openjij, False, "ladder"), *_OPENJIJ, _FIRST),
    Contender("openjij-sqa, filled", partial(_openjij, True, "filled"), *_OPENJIJ, _LAST),
    Contender("bifurcation, ballistic", partial(_bifurcation, "ballistic"), *_SB, _BOTH),
    Contender("bifurcation, discrete", partial(_bifurcation, "discrete"), *_SB, _BOTH),
    Contender("mqlib BURER2002", partial(_mqlib, "BURER2002"), *_MQLIB, _BOTH),
    Contender("mqlib PALUBECKIS2006", partial(_mqlib, "PALUBECKIS2006"), *_MQLIB, _BOTH),
)


def measured_in(section: str, able: Sequence[Contender]) -> Iterator[Contender]:
    """Those of them that a section measures."""
    return (contender for contender in able if section in contender.uses)
