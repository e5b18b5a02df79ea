"""Other libraries' solvers of QUBOs, each in its best use, and given the penalised model."""

import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from inspect import signature
from itertools import repeat
from typing import Any

import numpy as np

from benchmarks._runs import (
    SINGLE,
    Contender,
    Plan,
    Reads,
    Run,
    Runner,
    Stopwatch,
    calibrate,
    enough,
    lengths,
    seconds_of,
)
from qopt.forms import Qubo

MOST_PAIRS = 1_000_000
"""Pairs up to which a model is handed to a library that takes dictionaries."""

_MOST_DENSE = 5000
"""Variables up to which a model is handed to a library as a full matrix."""

_MOST_TABU = 20_000
"""Variables up to which the library's own full matrix, in double precision, is no trouble."""

_DEFAULT_SWEEPS = 1000
_FEWEST_SWEEPS = 64
_SHORTEST_RUNG = 1.0 / 64.0

_AGENTS = (128, 32, 8)
_RAMP = 1000
_MOST_STEPS = 10_000
"""Simulated bifurcation: agents, the most that fit; steps of its ramp; its default of steps."""


# -- dwave-samplers -----------------------------------------------------------------------------


def bqm_of(qubo: Qubo) -> Any:
    """The penalised model as dimod's, with variables 0 to n - 1."""
    import dimod

    model = qubo.penalised()
    return dimod.BinaryQuadraticModel.from_numpy_vectors(
        model.linear, (model.row, model.col, model.value), model.offset, "BINARY"
    )


def _ordered(found: Any) -> tuple[np.ndarray, np.ndarray]:
    """Samples of a dimod sample set in the order of the variables, and their energies."""
    order = np.argsort(np.array(list(found.variables), dtype=np.int64))
    return found.record.sample[:, order], found.record.energy


def _dwave_sa(plan: Plan, qubo: Qubo, seconds: float, threads: int) -> Runner:
    from dwave.samplers import SimulatedAnnealingSampler

    from qopt.solvers.dwave import default_betas

    # Its own rule of temperatures, computed from arrays: its own loop over the couplings is slow.
    betas = default_betas(qubo.penalised())
    sample = partial(SimulatedAnnealingSampler().sample, bqm_of(qubo), beta_range=betas)
    fixed, unit = calibrate(
        lambda sweeps: sample(num_reads=1, num_sweeps=sweeps, seed=1), enough(seconds)
    )
    if plan == "default":
        most = 2 + int(1.5 * seconds / (unit * _DEFAULT_SWEEPS))
        return partial(_default_reads, sample, most, fixed, unit, seconds)
    planned = lengths(plan, seconds / unit, _FEWEST_SWEEPS)
    return partial(_reads_of, sample, planned, fixed, unit)


def _default_reads(
    sample: Callable[..., Any], most: int, fixed: float, unit: float, seconds: float, seed: int
) -> Run:
    """Reads of the library's own length; it asks after each of them whether to go on."""
    reads, stamps = Reads(), []
    begin = time.perf_counter() + fixed

    def over() -> bool:
        # Taking in the model varies by more than a short read takes, which is not free for that.
        least = unit * _DEFAULT_SWEEPS * (len(stamps) + 1)
        stamps.append(max(least, time.perf_counter() - begin))
        return stamps[-1] >= seconds

    found = sample(
        num_reads=most, num_sweeps=_DEFAULT_SWEEPS, seed=seed, interrupt_function=over
    )
    reads.add(*_ordered(found), time.perf_counter() - begin)
    stamps += [reads.charged] * len(found)
    reads.times = [np.array(stamps[: len(found)])]
    return reads.run()


def _reads_of(
    sample: Callable[..., Any], planned: Sequence[float], fixed: float, unit: float, seed: int
) -> Run:
    """One read a call, of so many sweeps each."""
    reads = Reads()
    for k, sweeps in enumerate(planned):
        begin = time.perf_counter() + fixed
        found = sample(num_reads=1, num_sweeps=max(1, round(sweeps)), seed=seed + 1000 * k)
        reads.add(*_ordered(found), max(unit * sweeps, time.perf_counter() - begin))
    return reads.run()


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
    fixed = seconds_of(lambda: sample(
        timeout=1, num_restarts=0, coefficient_z_first=1, lower_bound_z=1, seed=1
    ))

    def run(seed: int) -> Run:
        reads = Reads()
        for k, length in enumerate(lengths(plan, seconds, _SHORTEST_RUNG * seconds)):
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


def _openjij(quantum: bool, plan: Plan, qubo: Qubo, seconds: float, threads: int) -> Runner | str:
    import openjij

    model = qubo.penalised()
    if model.num_interactions > MOST_PAIRS:
        return f"takes a dictionary of couplings, and there are {model.num_interactions}"
    # The simulated quantum annealing has a fixed temperature, made for couplings of about one.
    energy = float(np.abs(model.to_ising().J).max(initial=0.0)) or 1.0 if quantum else 1.0
    taken, sparse = openjij_model(model, energy), is_sparse(model)
    sampler = openjij.SQASampler() if quantum else openjij.SASampler()

    def read(sweeps: int, seed: int) -> tuple[Any, float]:
        # One read a call: with a seed, all reads of a call are the same. Its own clock leaves the
        # conversion of the model out.
        found = sampler.sample(taken, num_reads=1, num_sweeps=sweeps, seed=seed, sparse=sparse)
        return found, float(sum(found.info["list_exec_times"])) * 1e-6

    sweeps = 10
    while (spent := read(sweeps, 1)[1]) < enough(seconds):
        sweeps *= 4
    unit = spent / sweeps

    def run(seed: int) -> Run:
        reads = Reads()
        planned = lengths(plan, seconds / unit, _FEWEST_SWEEPS)
        for k, sweeps in enumerate(repeat(_DEFAULT_SWEEPS) if plan == "default" else planned):
            found, spent = read(max(1, round(sweeps)), seed + 1000 * k)
            samples, energies = _ordered(found)
            reads.add(samples, energy * energies, spent)
            over = reads.charged >= seconds or reads.watch.read()[0] > 3.0 * seconds
            if plan == "default" and over:
                break
        return reads.run()

    return run


# -- simulated bifurcation ----------------------------------------------------------------------


def _bifurcation(mode: str, qubo: Qubo, seconds: float, threads: int) -> Runner | str:
    if qubo.num_variables > _MOST_DENSE:
        return f"takes a full matrix, and there are {qubo.num_variables} variables"
    import torch

    warnings.filterwarnings("ignore", module="simulated_bifurcation")  # "no agent has converged"
    torch.set_num_threads(threads)
    minimise = partial(
        _polynomial(qubo.penalised()).minimize, domain="binary", mode=mode, best_only=False,
        verbose=False,
    )
    minimise(max_steps=1)
    for agents in _AGENTS:
        fixed, unit = calibrate(partial(_steps, minimise, agents), 0.2 * enough(seconds))
        if _RAMP * unit <= seconds:
            break
    else:
        return f"its first {_RAMP} steps, a ramp of pressure, alone take {_RAMP * unit:.2g} s"

    def run(seed: int) -> Run:
        torch.manual_seed(seed)
        reads = Reads()
        while not reads.samples or seconds - reads.charged >= _RAMP * unit:
            most = int(min(_MOST_STEPS, (seconds - reads.charged) / unit))
            begin = time.perf_counter() + fixed
            states, energies = minimise(agents=agents, max_steps=max(1, most))
            spent = max(unit, time.perf_counter() - begin)
            reads.add(states, energies.double().numpy() + qubo.penalised().offset, spent)
        return reads.run(SINGLE)

    return run


def _polynomial(qubo: Qubo) -> Any:
    import simulated_bifurcation
    import torch

    matrix = qubo.to_matrix()
    np.fill_diagonal(matrix, 0.0)
    parts = (torch.tensor(part, dtype=torch.float32) for part in (matrix, qubo.linear))
    return simulated_bifurcation.build_model(*parts)


def _steps(minimise: Callable[..., object], agents: int, count: int) -> None:
    minimise(agents=agents, max_steps=count, early_stopping=False)


# -- MQLib --------------------------------------------------------------------------------------


def _mqlib(heuristic: str, qubo: Qubo, seconds: float, threads: int) -> Runner:
    import MQLib
    from scipy.sparse import coo_matrix

    model = qubo.penalised()
    diagonal = np.flatnonzero(model.linear)
    row = np.concatenate([model.row, model.col, diagonal])
    col = np.concatenate([model.col, model.row, diagonal])
    halves = np.concatenate([model.value / 2.0, model.value / 2.0, model.linear[diagonal]])
    n = model.num_variables
    instance = MQLib.Instance("Q", coo_matrix((-halves, (row, col)), shape=(n, n)))  # maximised
    parameters = list(signature(MQLib.runHeuristic).parameters)
    more: dict[str, Any] = {}
    if parameters[3] != "seed":
        more[parameters[3]] = lambda *_: 1  # some releases call back at each new solution

    def run(seed: int) -> Run:
        watch = Stopwatch()
        found = MQLib.runHeuristic(heuristic, instance, seconds, seed=seed, **more)
        wall, cpu = watch.read()
        values = model.offset - np.asarray(found["bestsolhistory_objvals"], dtype=float)
        history = zip(map(float, found["bestsolhistory_runtimes"]), values.tolist(), strict=True)
        return Run(
            np.asarray(found["solution"], dtype=np.int8).reshape(1, n),
            np.array([model.offset - found["objval"]]), trace=list(history), wall=wall, cpu=cpu,
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
"""Every peer in each of its uses; what is not installed is said, not measured."""
