"""What a solver is: a callable on one form, with a budget, that tells what it used."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from math import inf
from resource import RUSAGE_CHILDREN, getrusage
from threading import Event
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from .errors import UsageError

PHASES = (
    "lower", "presolve", "setup", "compile", "execute", "mitigate", "optimise", "postprocess",
    "decode",
)
"""The phases of a run in the order in which reports show them.

``setup`` is imports and just-in-time compilation: what a resident service pays once;
``postprocess`` is what classical post-processing takes to make `Improved` answers of samples.
"""

Phase = Literal[
    "lower", "presolve", "setup", "compile", "execute", "mitigate", "optimise", "postprocess",
    "decode",
]

WARM_START = "warm-start"
"""Code of the caveat that a quantum circuit starts from a classical answer."""


class Status(StrEnum):
    """What is known at the end of a run."""

    OPTIMAL = "optimal"
    """A feasible answer that is proven optimal."""
    FEASIBLE = "feasible"
    """A feasible answer."""
    INFEASIBLE_ANSWERS = "infeasible_answers"
    """Answers, none of them feasible."""
    PROVEN_INFEASIBLE = "proven_infeasible"
    """There is no feasible answer."""
    TIME_LIMIT = "time_limit"
    """The budget ended before there was any answer."""
    UNSUPPORTED = "unsupported"
    """The solver does not take this model: its form, its size, a licence limit."""
    FAILED = "failed"
    """The solver broke."""

    @property
    def has_answer(self) -> bool:
        """Whether a feasible answer came with it."""
        return self in (Status.OPTIMAL, Status.FEASIBLE)


@dataclass(frozen=True)
class Budget:
    """What a run may use. The clock starts when the solver's `setup` is over.

    Parameters
    ----------
    time_limit : float, optional
        Wall seconds, at least 0. A run that it ends is not repeatable to the bit.
    evaluations : int, optional
        The solver's own deterministic unit of work (objective evaluations, sweeps times variables;
        each solver's documentation says which). None leaves the solver's default.
    threads : int
        Threads that the solver may use.
    """

    time_limit: float | None = None
    evaluations: int | None = None
    threads: int = 1

    def __post_init__(self) -> None:
        limit: Any = self.time_limit
        is_number = isinstance(limit, int | float | np.number)
        if limit is not None and not (is_number and 0.0 <= limit < inf):
            raise UsageError(f"time limit must be 0 or more finite seconds, got {limit!r}")
        if limit is not None:
            object.__setattr__(self, "time_limit", float(limit))  # 5 and 5.0 are one budget
        for name in ("evaluations", "threads"):
            count = getattr(self, name)
            if count is not None and not (isinstance(count, int | np.integer) and count >= 1):
                raise UsageError(f"{name} must be a whole number above 0, got {count!r}")
            if count is not None:
                object.__setattr__(self, name, int(count))

    def start(self) -> "Clock":
        """A clock that runs from now."""
        return Clock(self.time_limit if self.time_limit is not None else inf)


class Clock:
    """Wall time since it was made, against a limit."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self._begin = time.perf_counter()

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._begin

    @property
    def remaining(self) -> float:
        """Seconds left, at least 0; infinite without a limit."""
        return max(0.0, self.limit - self.elapsed)

    @property
    def expired(self) -> bool:
        """Whether the limit has passed."""
        return self.elapsed >= self.limit


@dataclass
class Trace:
    """How a run went over time: strictly improving incumbents, and bounds.

    Parameters
    ----------
    incumbents, bounds : list of (float, float)
        Seconds since the run began and the value, in the model's own units and sense.
    """

    incumbents: list[tuple[float, float]] = field(default_factory=list)
    bounds: list[tuple[float, float]] = field(default_factory=list)

    def to_json(self) -> dict[str, list[list[float]]]:
        """The trace as JSON values."""
        return {
            "incumbents": [[seconds, value] for seconds, value in self.incumbents],
            "bounds": [[seconds, value] for seconds, value in self.bounds],
        }


@dataclass
class Span:
    """Seconds of one phase; CPU seconds count all threads and child processes."""

    wall: float = 0.0
    cpu: float = 0.0


@dataclass
class Usage:
    """Ledger of what a run used: facts only, money comes later.

    Parameters
    ----------
    phases : dict of str to Span
        Seconds by phase.
    evaluations : int
        Objective evaluations, in the solver's unit.
    circuits, shots : int
        Circuits executed and shots taken in all, those spent on angles and on mitigation included.
    qubits, depth, two_qubit_gates : int
        Of the circuit as executed, after compilation.
    logical_depth, logical_two_qubit_gates : int
        Of the same circuit before compilation.
    device : str
        Name of the quantum device; empty for classical solvers.
    simulated : bool
        Whether the device was simulated here: then device seconds are an estimate.
    hypothetical : bool
        Whether no such device exists (an ideal one, a noise model of one's own): nobody sells it.
    device_seconds : float, optional
        Time on the device, measured or (simulated) estimated from gate, readout and repetition
        times.
    one_qubit_gates : int
        Executed one-qubit gates that take time, for tariffs that count gates.
    success_probability : float, optional
        Estimated probability that a shot meets no gate or readout error.
    """

    phases: dict[str, Span] = field(default_factory=dict)
    evaluations: int = 0
    circuits: int = 0
    shots: int = 0
    qubits: int = 0
    depth: int = 0
    two_qubit_gates: int = 0
    one_qubit_gates: int = 0
    logical_depth: int = 0
    logical_two_qubit_gates: int = 0
    device: str = ""
    simulated: bool = False
    hypothetical: bool = False
    device_seconds: float | None = None
    success_probability: float | None = None

    @contextmanager
    def phase(self, name: Phase) -> Iterator[None]:
        """Add the wall and CPU seconds of the block to a phase. Do not nest."""
        wall, cpu = time.perf_counter(), _cpu_seconds()
        try:
            yield
        finally:
            span = self.phases.setdefault(name, Span())
            span.wall += time.perf_counter() - wall
            span.cpu += _cpu_seconds() - cpu

    @property
    def wall(self) -> float:
        """Wall seconds of all phases but `setup`."""
        return sum(span.wall for name, span in self.phases.items() if name != "setup")

    @property
    def cpu(self) -> float:
        """CPU seconds of all phases but `setup`."""
        return sum(span.cpu for name, span in self.phases.items() if name != "setup")

    @property
    def setup(self) -> float:
        """Wall seconds of `setup`, which only the first run of a process pays."""
        span = self.phases.get("setup")
        return 0.0 if span is None else span.wall

    def add(self, other: "Usage") -> None:
        """Add the ledger of a further run on the same device: a run in rounds has one ledger.

        Seconds, evaluations, circuits and shots are summed; the circuit that is described is the
        larger one, so that what is billed by its gates is billed no less than it took.
        """
        for name, span in other.phases.items():
            own = self.phases.setdefault(name, Span())
            own.wall += span.wall
            own.cpu += span.cpu
        self.evaluations += other.evaluations
        self.circuits += other.circuits
        self.shots += other.shots
        for name in (
            "qubits", "depth", "two_qubit_gates", "one_qubit_gates", "logical_depth",
            "logical_two_qubit_gates",
        ):
            setattr(self, name, max(getattr(self, name), getattr(other, name)))
        if other.device:
            self.device = other.device
            self.simulated, self.hypothetical = other.simulated, other.hypothetical
        if other.device_seconds is not None:
            self.device_seconds = (self.device_seconds or 0.0) + other.device_seconds
        if other.success_probability is not None:
            known = self.success_probability
            least = other.success_probability if known is None else known
            self.success_probability = min(least, other.success_probability)

    def to_json(self) -> dict[str, Any]:
        """The ledger as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Usage":
        """Read back what `to_json` wrote."""
        fields = dict(data)
        fields["phases"] = {name: Span(**span) for name, span in fields["phases"].items()}
        return cls(**fields)


def _cpu_seconds() -> float:
    children = getrusage(RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


class Progress:
    """The line between a run and whoever watches it.

    A solver reports incumbents, bounds and steps, and looks at `stopping` between pieces of work;
    a library that cannot be polled registers with `on_stop`. The trace of the run is kept here.

    Parameters
    ----------
    listener : callable, optional
        Called as ``listener(progress)`` after every report; keep it cheap.
    """

    def __init__(self, listener: Callable[["Progress"], None] | None = None) -> None:
        self.trace = Trace()
        self.done: float | None = None
        self.note = ""
        self.translate: Callable[[float], float] = float
        self.interrupted = False
        self._relaxed = False
        self._listener = listener
        self._stop = Event()
        self._callbacks: list[Callable[[], None]] = []
        self._begin = time.perf_counter()

    def renew(self, translate: Callable[[float], float], *, relaxed: bool = False) -> None:
        """Begin with a further model: an empty trace, and nobody to be called when it stops.

        Incumbents of a relaxed model need not be answers, so they are not told as the `best`.
        """
        self.trace = Trace()
        self.translate, self._relaxed = translate, relaxed
        self._callbacks = []

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return time.perf_counter() - self._begin

    @property
    def best(self) -> float | None:
        """The last incumbent in the problem's units, which `translate` gives."""
        if self._relaxed or not self.trace.incumbents:
            return None
        return self.translate(self.trace.incumbents[-1][1])

    @property
    def best_bound(self) -> float | None:
        """The last bound in the problem's units."""
        return self.translate(self.trace.bounds[-1][1]) if self.trace.bounds else None

    def incumbent(self, objective: float) -> None:
        """Report a better feasible answer, by its objective in the model's units and sense."""
        self.trace.incumbents.append((self.elapsed, float(objective)))
        self._tell()

    def bound(self, value: float) -> None:
        """Report a better proven bound, in the model's units."""
        self.trace.bounds.append((self.elapsed, float(value)))
        self._tell()

    def step(self, done: float | None, note: str = "") -> None:
        """Report the share of the work that is done, 0 to 1 (None if unknown)."""
        self.done, self.note = done, note
        self._tell()

    @property
    def stopping(self) -> bool:
        """Whether the run should end now with what it has."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Ask the solver to end with what it has; asking again changes nothing."""
        if self.stopping:
            return
        self._stop.set()
        for callback in self._callbacks:
            callback()

    def on_stop(self, callback: Callable[[], None]) -> None:
        """Have `callback` called (from another thread) when the run should end."""
        self._callbacks.append(callback)
        if self.stopping:
            callback()

    def _tell(self) -> None:
        if self._listener is not None:
            self._listener(self)


@dataclass
class Improved:
    """Answers that classical post-processing made of a run's samples.

    Parameters
    ----------
    answers : sequence
        Distinct answers of the model, best first, as in `Outcome`.
    counts : ndarray of int64, shape (answers,), optional
        Of how many samples each was made; all one if left out.
    method : str
        What made them, in words: ``"repair and descent"``. Runs whose words are equal were
        post-processed alike.
    """

    answers: Sequence[Any] | NDArray[np.int8] = field(repr=False)
    counts: NDArray[np.int64] | None = field(default=None, repr=False)
    method: str = "post-processing"


@dataclass
class Outcome:
    """What a solver returns.

    Parameters
    ----------
    status : Status
        What the solver claims of its model. The core re-scores every answer; a claim of feasibility
        that the score denies is corrected, and said.
    answers : sequence
        Distinct answers of the model, best first by the solver's own measure: rows of a 0/1 array
        of int8, shape (answers, n), for a `Qubo` or `Table`; vectors of float64 for a
        `Program`; tuples of `Route` for a `Routing`.
    counts : ndarray of int64, shape (answers,), optional
        How often each was seen (shots, reads); all one if left out.
    independent : int, optional
        How many independent draws the samples amount to, where they are not independent of each
        other (shots that share a noise trajectory); all of them if left out.
    bound : float, optional
        Proven bound in the model's own units (a lower one when it minimises), or None.
    usage : Usage
    reason : str
        A sentence beside the status.
    details : dict
        JSON values for the record: angles, expectation, chosen sub-solver.
    improved : Improved, optional
        Answers that classical post-processing made of the samples: scored like them, counted apart
        from them, so that its merit is not taken for the sampler's.
    """

    status: Status
    answers: Sequence[Any] | NDArray[np.int8] = field(default=(), repr=False)
    counts: NDArray[np.int64] | None = field(default=None, repr=False)
    independent: int | None = None
    bound: float | None = None
    usage: Usage = field(default_factory=Usage, repr=False)
    reason: str = ""
    details: dict[str, Any] = field(default_factory=dict, repr=False)
    improved: Improved | None = None


class Solver(Protocol):
    """A solver: an object with its options as keyword-only parameters, and one method.

    It sees a form, never the problem, so that it cannot flatter itself.

    A hybrid, whose parts can be replaced, has one more method: ``ablations()`` gives the options in
    which each of its ablations departs from it, as ``({"subsolver": "none"},)``. A comparison runs
    them beside it, and finds them by ``details["ablations"]`` of its outcome.

    A solver that can start from answers takes one more keyword, ``start``, and its spec says
    ``starts=True``: answers of the model, best first, feasible or not, as `Outcome` has them. It
    uses as many as it can, and its answer is never worse than the best feasible one of them.

    A solver whose options name files has a static method ``files(options)`` that gives a hash of
    what each holds, by option: a run's key follows it, so that a changed file is another run.
    """

    def solve(self, model: Any, budget: Budget, seed: int, progress: Progress) -> Outcome:
        """Solve one model.

        Parameters
        ----------
        model : Qubo, Program, Routing or Table
            One of the forms that the solver's spec names.
        budget : Budget
            Keep within 5 % of the time limit.
        seed : int
            Everything random flows from it, through ``numpy.random.default_rng(seed)`` or a
            library's own seed.
        progress : Progress
            Report to it, and stop when it says so.

        Raises
        ------
        SizeError
            Where the model is too large; recorded as ``unsupported``.
        """
        ...
