"""What each method is worth on one circuit: bias and error over seeds, shots and time."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from qopt.analysis import Observer
from qopt.errors import QoptError, SolverError, UnsupportedError, UsageError
from qopt.forms import Qubo
from qopt.problem import Problem
from qopt.reduction import lower
from qopt.solver import Budget, Progress

from ..circuit import fingerprint, two_qubit_gates
from ..devices import Compiled, Device, Samples, Watch, open_device
from ..devices.device import DeviceOptions
from ..simulate.threads import blas_threads
from ..solver import MixerChoice, Qaoa
from ..training import AngleFinder
from .choice import Choice
from .execute import Plan, execute
from .job import Estimate, multiplier
from .mitigation import Mitigation
from .table import MitigationTable, Row

METHODS = (
    "none", "readout", "zne:zne_extrapolation=linear", "zne:zne_extrapolation=exponential",
    "zne:zne_extrapolation=richardson", "readout+zne:zne_extrapolation=linear",
    "readout+zne:zne_extrapolation=exponential", "readout+pec", "twirling", "symmetry", "cvar",
)
"""What is compared where nothing else is asked for; what cannot act is left out with its reason."""


@dataclass(frozen=True, eq=False)
class Setting:
    """The circuit that is measured on.

    Parameters
    ----------
    solver : Qaoa
    model : Qubo
    device : Device
        Loaded.
    compiled : Compiled
        With trained angles.
    ideal : float, optional
        The noiseless mean; None where the state is too large.
    watch : Watch
    """

    solver: Qaoa
    model: Qubo = field(repr=False)
    device: Device
    compiled: Compiled = field(repr=False)
    ideal: float | None
    watch: Watch


class Recorder:
    """A device that executes equal circuits once a seed, and tells how long each took.

    So methods are compared on the same shots, and each is told the time of its own.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self._kept: dict[tuple[str, int], tuple[Samples, float]] = {}
        self.seconds = 0.0

    def sample(self, compiled: Compiled, shots: int, seed: int, watch: Watch) -> Samples:
        """Shots of a circuit."""
        key = fingerprint(compiled.circuit), shots
        if key not in self._kept:
            begin = time.perf_counter()
            samples = self._device.sample(compiled, shots, seed, watch)
            self._kept[key] = samples, time.perf_counter() - begin
        samples, seconds = self._kept[key]
        self.seconds += seconds
        return samples


def mitigation(
    problem: Problem,
    *,
    device: str,
    p: int = 1,
    shots: int = 4096,
    seeds: int = 10,
    methods: Sequence[str] = METHODS,
    mixer: MixerChoice = "auto",
    seed: int = 0,
    threads: int = 1,
    observer: Observer | None = None,
) -> MitigationTable:
    """Compare methods of error mitigation on the QAOA circuit of an instance.

    Angles are trained without noise, the circuit is compiled once, and every method executes it
    anew for every seed. Bias and error are of the mean energy, against that of the same circuit
    without noise.

    Parameters
    ----------
    problem : Problem
    device : str
        With noise.
    p : int
        Layers.
    shots : int
        Of the circuit, before the methods' multipliers.
    seeds : int
        Repetitions, at least 2.
    methods : sequence of str
        ``NAME`` or ``NAME:OPTION=VALUE,...``, the options those of the solver qaoa.
    mixer : {"auto", "x", "ring", "complete", "grover"}
        As of the solver.
    seed : int
    threads : int
    observer : Observer, optional

    Raises
    ------
    UsageError
        For a device without noise, unknown methods, or fewer than two seeds.
    SizeError
        Where the circuit does not fit the device.
    """
    if not 2 <= seeds <= 1000:
        raise UsageError(f"seeds must be between 2 and 1000, got {seeds}: a bias has an error bar")
    choices = [Choice.parse(method) for method in dict.fromkeys(methods)]
    if not choices:
        raise UsageError("no mitigation to compare: name one, such as readout+zne")
    solver = Qaoa(p=p, shots=shots, device=device, mixer=mixer)
    with blas_threads(threads):
        return _study(problem, solver, choices, seeds, seed, threads, observer)


def _study(
    problem: Problem, solver: Qaoa, choices: Sequence[Choice], seeds: int, seed: int, threads: int,
    observer: Observer | None,
) -> MitigationTable:
    setting = _set_up(problem, solver, threads, seed)
    runs: dict[int, list[tuple[Estimate, float]]] = {i: [] for i in range(len(choices))}
    opened, refused = _open(choices, setting)
    if observer is not None:
        observer.total = seeds
    for number in range(seeds):
        if observer is not None:
            observer.begin(f"seed {number + 1}")
        recorder = Recorder(setting.device)
        own = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
        for i, method in opened.items():
            try:
                runs[i].append(_once(method, setting, recorder, own))
            except (SolverError, UsageError, UnsupportedError) as fault:
                refused[i] = str(fault)
        for i in refused:
            opened.pop(i, None)
    rows = tuple(
        Row(choice.label, reason=refused[i]) if i in refused
        else _row(choice, opened[i], setting, runs[i])
        for i, choice in enumerate(choices)
    )
    return _table(problem, setting, rows, seeds)


def _set_up(problem: Problem, solver: Qaoa, threads: int, seed: int) -> Setting:
    """Train and compile."""
    device = open_device(solver.device, DeviceOptions(threads=threads))
    if not device.noisy:
        raise UsageError(f"device {solver.device!r} has no noise: there is nothing to mitigate")
    _, lowering = lower(problem, ["qubo"])
    model: Qubo = lowering.model
    if not model.num_variables:
        raise UsageError("the model has no variables: there is no circuit")
    budget = Budget(threads=threads)
    watch = Watch(budget.start(), Progress())
    device.load()
    ansatz = solver.ansatz(model)
    device.check_size(ansatz)
    seeds = np.random.SeedSequence(seed).generate_state(2)
    finder = AngleFinder(solver, model, ansatz, budget, watch, int(seeds[0]), device)
    trained, noiseless = finder.find()
    compiled = device.compile(ansatz.at(trained.angles), int(seeds[1] % 2**31), watch)
    return Setting(solver, model, device, compiled, noiseless.get("expectation"), watch)


def _open(
    choices: Sequence[Choice], setting: Setting
) -> tuple[dict[int, Mitigation], dict[int, str]]:
    """The methods that can act, and why others cannot."""
    opened, refused = {}, {}
    compiled, device = setting.compiled, setting.device
    for i, choice in enumerate(choices):
        try:
            choice.check(device, compiled.ansatz.mixer)
            opened[i] = choice.open(setting.model, compiled.ansatz, device, compiled)
        except QoptError as fault:
            refused[i] = str(fault)
    return opened, refused


def _once(
    method: Mitigation, setting: Setting, recorder: Recorder, seed: int
) -> tuple[Estimate, float]:
    """One estimate, and the seconds that it took."""
    before, begin = recorder.seconds, time.perf_counter()
    plan = Plan.of(method, setting.compiled, setting.solver.shots, seed)
    made = time.perf_counter() - begin
    results = execute(plan, recorder, setting.watch)
    begin = time.perf_counter()
    found = method.combine(results)
    return found, made + recorder.seconds - before + time.perf_counter() - begin


def _row(
    choice: Choice, method: Mitigation, setting: Setting, runs: Sequence[tuple[Estimate, float]]
) -> Row:
    """The figures of one method."""
    jobs = method.circuits(setting.compiled, 0)
    values = np.array([found.value for found, _ in runs])
    told = [found.standard_error for found, _ in runs if found.standard_error is not None]
    bias = rmse = None
    if setting.ideal is not None:
        bias = float(values.mean() - setting.ideal)
        rmse = float(np.sqrt(np.mean((values - setting.ideal) ** 2)))
    return Row(
        choice.label,
        multiplier=multiplier(jobs),
        circuits=len(jobs),
        seconds=float(np.mean([seconds for _, seconds in runs])),
        mean=float(values.mean()),
        mean_error=float(values.std(ddof=1) / np.sqrt(len(values))),
        bias=bias,
        rmse=rmse,
        told_error=float(np.mean(told)) if told else None,
        values=tuple(values.tolist()),
    )


def _table(
    problem: Problem, setting: Setting, rows: tuple[Row, ...], seeds: int
) -> MitigationTable:
    compiled = setting.compiled
    return MitigationTable(
        instance=problem.name,
        device=setting.device.name,
        layers=setting.solver.p,
        mixer=compiled.ansatz.mixer,
        qubits=compiled.circuit.num_qubits,
        two_qubit_gates=two_qubit_gates(compiled.circuit),
        success_probability=compiled.success_probability,
        shots=setting.solver.shots,
        seeds=seeds,
        ideal=setting.ideal,
        rows=rows,
    )
