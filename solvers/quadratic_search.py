"""One run of a library of integer quadratic programming: from a program to an outcome."""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import inf, isfinite
from threading import Event, Thread, current_thread, main_thread
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError, UnsupportedError, UsageError
from qopt.forms import Lowering, Program
from qopt.solver import Budget, Clock, Outcome, Progress, Status, Usage

from .linearise import linearise
from .milp import rounded
from .milp_model import Found, State
from .proof import settle, without_variables
from .quadratic_model import QuadraticModel, quadratic_model
from .starts import feasible_starts

WORK = 1_000_000
"""Evaluations that make one unit of a library's deterministic work, which is about a second."""

_OPTIMAL_TOLERANCE = 1e-6
"""Relative distance of answer and bound within which the libraries prove optimality."""

_CONTINUOUS_GAP = 1e-7
"""Smallest gap where continuous variables are multiplied: bounds come as close as the libraries'
tolerances, and no closer."""

_MOST_SEEDS = 2_000_000_000
"""Seeds that all libraries take: Gurobi's manual ends there, CPLEX refuses larger ones."""

_MOST_EVALUATIONS = 2**62
_LONGEST = 1e9
"""Evaluations and seconds above which a search has no limit: SCIP refuses figures of its own."""

_ASK = 0.02
"""Seconds between two requests to end."""

_TELL = 0.05
"""Seconds between two bounds that are passed on."""

_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Settings:
    """What a search may use besides time.

    Parameters
    ----------
    evaluations : int, optional
        At most 2**62; see each solver for what is counted.
    threads : int
    seed : int
        Less than 2 000 000 000.
    gap : float
        Relative gap at which the search may end.
    """

    evaluations: int | None
    threads: int
    seed: int
    gap: float


class Interrupts:
    """Ctrl-C, for libraries that take it while they run: Gurobi prints then, Xpress ends Python."""

    def __init__(self) -> None:
        self._handler = signal.getsignal(signal.SIGINT)

    def keep(self) -> None:
        """Give Ctrl-C back to whoever had it before; called by the library while it runs."""
        if self._handler is not None and current_thread() is main_thread():
            signal.signal(signal.SIGINT, self._handler)


class Search(Protocol):
    """A model as a library holds it, ready to run once."""

    def begin(self, values: _Floats) -> None:
        """Take a feasible answer of the model to start from; the best comes first."""
        ...

    def run(self, seconds: float, watch: "Watch") -> Found:
        """Search for at most `seconds`, infinity for no limit, and tell `watch` what is found."""
        ...

    def interrupt(self) -> None:
        """End the run soon; called from another thread, time and again, before it runs too."""
        ...


Library = Callable[[QuadraticModel, Settings], Search]
"""Builds a search; raises `UnsupportedError` where a licence does not allow it."""


def check_gap(gap: float) -> None:
    """Refuse a gap that is none.

    Raises
    ------
    UsageError
        For one that is negative, infinite or no number.
    """
    if not 0.0 <= gap < inf:
        raise UsageError(f"gap must be at least 0 and finite, got {gap}")


def licence_limit(library: str, allowed: str, model: QuadraticModel) -> UnsupportedError:
    """The error of a model that is larger than the installed licence allows."""
    return UnsupportedError(
        f"licence limit: {library} is installed with a licence for {allowed}, and the model has "
        f"{model.num_variables} variables, {model.num_multiplied} of them in quadratic terms, and "
        f"{len(model.rows.low)} constraints; install a full licence, or take 'scip'"
    )


def no_licence(library: str, fault: Exception, remedy: str) -> UnsupportedError:
    """The error of a library that finds no licence that holds."""
    text = " ".join(str(fault).split()).rstrip(".")
    return UnsupportedError(f"no licence: {library} does not start ({text}); {remedy}")


def solve_program(
    name: str,
    library: Library,
    program: Program,
    *,
    linear: bool,
    gap: float,
    budget: Budget,
    seed: int,
    progress: Progress,
    start: Sequence[Any],
    usage: Usage,
) -> Outcome:
    """Solve one program with a library.

    Parameters
    ----------
    name : str
        Of the library, for sentences.
    library : callable
        Builds a `Search`.
    program : Program
    linear : bool
        Whether products are linearised first, strengthened by the constraints.
    gap : float
        Relative distance of answer and bound at which the search may end.
    budget : Budget
    seed : int
    progress : Progress
    start : sequence of array-like
        Answers to start from; infeasible ones are left out.
    usage : Usage
        The ledger so far.

    Raises
    ------
    InputError
        Where the program is unbounded.
    UnsupportedError
        Where there is no licence, or it does not allow the model's size; where products are to be
        linearised that cannot be; for rows of whole variables that are beyond floating point; and
        for an objective of which the library finds no bound.
    UsageError
        Where an answer to start from has another number of values than the program.
    SizeError
        Above 100 000 products, where they are linearised.
    """
    if program.num_variables == 0:
        return without_variables(program)
    evaluations = budget.evaluations
    if evaluations is not None:
        evaluations = min(evaluations, _MOST_EVALUATIONS)
    settings = Settings(evaluations, budget.threads, seed % _MOST_SEEDS, gap)
    run = _Run(name, library, program, settings, budget.start(), progress)
    watch = Watch(program, progress)
    starts = feasible_starts(program, start)
    for answer in starts:
        watch.keep(answer)
    with usage.phase("compile"):
        lowering = _lowered(program, linear and not run.ended)
        model = quadratic_model(lowering.model)
        if model is None:
            reason = "the bounds and constraints leave a variable no value"
            return Outcome(Status.PROVEN_INFEASIBLE, usage=usage, reason=reason)
        watch.model = model
        search = None if run.ended else library(model, run.fitting(model))
    if search is None or run.ended:
        reason = "the budget ended while the model was built"
        return _outcome(run, watch, Found("limit"), usage, reason)
    for answer in starts:
        assert lowering.encode is not None, "a linearisation knows the values of its products"
        search.begin(np.asarray(lowering.encode(answer), dtype=np.float64))
    with usage.phase("execute"):
        found = run.search(search, watch)
        if found.state == "unbounded":
            found = run.told_apart(lowering.model, found)
        watch.mend(found.values, run)
    usage.evaluations = found.nodes if found.evaluations is None else found.evaluations
    with usage.phase("decode"):
        return _outcome(run, watch, found, usage)


def _lowered(program: Program, linear: bool) -> Lowering[Program]:
    if linear:
        return linearise(program)
    return Lowering(program, decode=lambda x: x, encode=lambda x: x)


@dataclass(frozen=True)
class _Run:
    """What all searches of one run share."""

    name: str
    library: Library
    program: Program
    settings: Settings
    clock: Clock
    progress: Progress

    @property
    def ended(self) -> bool:
        return self.clock.expired or self.progress.stopping

    def fitting(self, model: QuadraticModel) -> Settings:
        """The settings, with a gap that bounds of the model can come within."""
        if (model.integer[model.row] & model.integer[model.col]).all():
            return self.settings
        return replace(self.settings, gap=max(self.settings.gap, _CONTINUOUS_GAP))

    def search(self, search: Search, watch: "Watch") -> Found:
        """Run a search, ended by the clock or a stop."""
        seconds = self.clock.remaining
        with _stopped_by(self.progress, search):
            return search.run(seconds if seconds < _LONGEST else inf, watch)

    def solved(self, program: Program, *, objective: bool = True) -> Found:
        """What a further search of another program finds, telling nobody."""
        model = quadratic_model(program, objective=objective)
        if model is None:
            return Found("infeasible")
        watch = Watch(program, Progress())
        watch.model = model
        return self.search(self.library(model, self.fitting(model)), watch)

    def told_apart(self, program: Program, found: Found) -> Found:
        """An unbounded program has a feasible answer when its objective is left out."""
        bare = self.solved(program, objective=False)
        if bare.state == "optimal":
            where = "below" if program.sense == "minimise" else "above"
            raise InputError(
                f"the program is unbounded {where}: its objective can be improved without end; "
                "give its variables bounds"
            )
        # Without an objective, "infeasible or unbounded" can only mean infeasible.
        state: State = "limit" if bare.state == "limit" else "infeasible"
        return replace(found, state=state, values=None, bound=None)


class Watch:
    """Judges answers by the program itself, keeps the best, and tells `progress` of it."""

    def __init__(self, program: Program, progress: Progress) -> None:
        self.program, self.progress = program, progress
        self.model: QuadraticModel | None = None
        self.best: _Floats | None = None
        self.least = inf
        self._sign = 1.0 if program.sense == "minimise" else -1.0
        self._proven, self._told = -inf, -inf

    def answer(self, values: Any) -> None:
        """Look at an answer of the model, whose first variables are the program's."""
        first = np.asarray(values, dtype=np.float64)[: self.program.num_variables]
        answer = rounded(self.program, _clipped(self.program, first))
        if np.isfinite(answer).all() and not self.program.violations(answer):
            self.keep(answer)

    def keep(self, answer: _Floats) -> None:
        """Keep a feasible answer of the program if it is the best one."""
        objective = self.program.objective(answer)
        if self._sign * objective < self.least:
            self.least, self.best = self._sign * objective, answer
            self.progress.incumbent(objective)

    def bound(self, value: float) -> None:
        """Look at a lower bound of the model."""
        model = self.model
        if model is None or model.unseen or not isfinite(value) or value <= self._proven:
            return
        if self.progress.elapsed >= self._told + _TELL:
            self._proven, self._told = value, self.progress.elapsed
            self.progress.bound(model.true(value))

    def mend(self, values: _Floats | None, run: _Run) -> None:
        """Look at the last answer; where rounding breaks it, fit what is continuous once more."""
        program = self.program
        if values is None:
            return
        self.answer(values)
        whole = program.integer
        first = _clipped(program, values[: program.num_variables])
        answer = rounded(program, first)
        if whole.all() or not whole.any() or not program.violations(answer) or run.ended:
            return
        fixed = np.rint(first)
        found = run.solved(
            replace(
                program, lower=np.where(whole, fixed, program.lower),
                upper=np.where(whole, fixed, program.upper),
            )
        )
        if found.values is not None:
            self.answer(found.values)


def _clipped(program: Program, values: _Floats) -> _Floats:
    """Values within bounds, which libraries keep up to their tolerances."""
    return np.clip(values, program.lower, program.upper)


@contextmanager
def _stopped_by(progress: Progress, search: Search) -> Iterator[None]:
    """While open, a stop of `progress` interrupts the search."""
    ended = Event()

    def halt() -> None:
        # Asking again covers a stop that comes before a search has begun to listen.
        def ask() -> None:
            while not ended.is_set():
                search.interrupt()
                ended.wait(_ASK)

        threads.append(Thread(target=ask, name="qopt-search-stop", daemon=True))
        threads[-1].start()

    threads: list[Thread] = []
    progress.on_stop(halt)
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _outcome(
    run: _Run, watch: Watch, found: Found, usage: Usage, reason: str = ""
) -> Outcome:
    model, program, name = watch.model, run.program, run.name
    assert model is not None
    details: dict[str, Any] = {
        "variables": model.num_variables, "rows": len(model.rows.low),
        "products": len(model.value), "nodes": found.nodes,
    }
    if found.state == "infeasible" and watch.best is None:
        reason = f"{name} proved that there is no feasible answer"
        return Outcome(Status.PROVEN_INFEASIBLE, usage=usage, reason=reason, details=details)
    known = found.bound is not None and isfinite(found.bound) and found.state != "infeasible"
    bound = model.true(found.bound) if known and found.bound is not None else None
    if watch.best is None:
        return _without_answer(run, model, found, bound, usage, details, reason)
    objective = program.objective(watch.best)
    tolerance = _OPTIMAL_TOLERANCE if found.state == "optimal" and run.settings.gap == 0.0 else 1e-9
    constant = program.offset
    if bound is not None and model.unseen > tolerance * max(
        abs(objective - constant), abs(bound - constant)
    ):
        bound, reason = None, (
            "nothing is proven: beside the largest coefficient of the objective, others are "
            f"within {name}'s tolerances"
        )
    status, proven = settle(
        objective, bound, sign=model.sign, tolerance=tolerance, floor=tolerance / model.scale,
        constant=constant,
    )
    if status is not Status.OPTIMAL and found.state == "optimal" and not reason:
        reason = f"{name} ended at its gap of {run.settings.gap:g}"
    return Outcome(
        status, [watch.best], bound=proven, usage=usage, reason=reason, details=details
    )


def _without_answer(
    run: _Run, model: QuadraticModel, found: Found, bound: float | None, usage: Usage,
    details: dict[str, Any], reason: str,
) -> Outcome:
    bound = None if model.unseen else bound
    if found.values is not None:
        program = run.program
        answer = rounded(program, _clipped(program, found.values[: program.num_variables]))
        broken = program.violations(answer)
        return Outcome(
            Status.INFEASIBLE_ANSWERS, [answer], bound=bound, usage=usage, details=details,
            reason=f"the rounded answer breaks a constraint: {broken[0][0]}",
        )
    reason = reason or f"the budget ended before {run.name} found an answer"
    return Outcome(Status.TIME_LIMIT, bound=bound, usage=usage, reason=reason, details=details)
