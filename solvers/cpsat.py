"""OR-Tools CP-SAT on programs and routings, with proven bounds."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf, isfinite
from threading import Event, Thread
from typing import Any

from qopt.errors import SolverError
from qopt.forms import Program, Routing
from qopt.solver import Budget, Clock, Outcome, Progress, Status, Usage

from .bounds_qubo import prepare_bound
from .cpsat_program import CpModel, Hint, program_model
from .cpsat_routing import routing_model
from .proof import settle, without_variables
from .starts import feasible_starts

EVALUATIONS_PER_UNIT = 1_000_000
"""Evaluations that make one unit of CP-SAT's deterministic time, which is about a second."""

_OPTIMAL_TOLERANCE = 1e-9

_ROUNDING = 2.0**-50
"""What a sum of doubles may lose, as a share of the sizes of its terms."""

_HINT_STEPS = 500_000
_HINT_SHARE = 0.1
"""Steps of local search, and share of the budget, for finding first routes."""

_FLOOR_SHARE = 0.05
"""Share of the budget for a bound by other means."""

_HINT_UNITS = 1.0
"""Deterministic time for finding a first answer of a program with products."""

_LINEAR_FIRST = (
    "max_lp", "core", "reduced_costs", "quick_restart", "no_lp", "objective_lb_search", "probing",
)
"""CP-SAT's own search strategies in the order in which further threads take them up."""


@dataclass(frozen=True, kw_only=True)
class CpSat:
    """CP-SAT: constraint programming with clause learning, linear relaxations and cuts.

    CP-SAT calculates with whole numbers. Coefficients with a small common denominator are scaled
    exactly. Other objectives are scaled to about 2**50 and rounded down, so that the bound stays
    valid; other constraints are scaled within their tolerance and rounded to the loose side. The
    answer is evaluated with the unrounded model, and called optimal only where its objective is
    within 1e-9 of the bound.

    Products in an objective are linearised; the search starts from any answer that is found without
    the linear relaxation. Bounds are never below the sum of every term at its best; those of
    quadratic programs of up to 200 bits are never below a semidefinite one
    (`bounds_qubo.program_bound`). Routings where loads are the only limit are modelled by the
    cheapest routes of the sets of clients that fit a vehicle, if these are at most 60 000, and
    others with circuit constraints. Above 8 clients the search starts from routes that local search
    finds in a part of the budget.

    With one thread, one seed gives one answer. Several threads share what they learn as it comes:
    then equally good answers may differ from run to run.

    ``Budget.evaluations`` is CP-SAT's deterministic time in millionths of its unit: a million is
    about one second of search by one thread, and ends it at the same point every time.

    Parameters
    ----------
    strengthen : bool
        Whether equality constraints over binaries are multiplied by binaries, which ties the
        products of a quadratic objective together. For programs.
    """

    strengthen: bool = True

    def solve(
        self,
        model: Program | Routing,
        budget: Budget,
        seed: int,
        progress: Progress,
        *,
        start: Sequence[Any] = (),
    ) -> Outcome:
        """Solve one program or routing; see `qopt.solver.Solver`.

        Raises
        ------
        UnsupportedError
            For continuous variables, variables without bounds, and coefficients that do not fit
            whole numbers of 64 bits.
        SizeError
            Above 100 000 products or 300 locations.
        """
        if isinstance(model, Program) and model.num_variables == 0:
            return without_variables(model)
        usage = Usage()
        with usage.phase("setup"):
            from ortools.sat.python import cp_model  # noqa: F401  the import is what takes time

            if isinstance(model, Program):
                prepare_bound(model)
        clock = budget.start()
        with usage.phase("compile"):
            built = (
                routing_model(model)
                if isinstance(model, Routing)
                else program_model(model, strengthen=self.strengthen)
            )
        if built is None:
            reason = "the bounds and constraints leave a variable no value"
            return Outcome(Status.PROVEN_INFEASIBLE, usage=usage, reason=reason)
        watcher = _watcher(built, progress)
        for answer in feasible_starts(model, start) if isinstance(model, Program) else start:
            watcher.take(answer)
        if watcher.answer is None and (clock.expired or progress.stopping):
            reason = "the budget ended while the model was built"
            return Outcome(Status.TIME_LIMIT, usage=usage, reason=reason)
        return _search(built, budget, clock, seed, progress, usage, watcher)


def _search(
    built: CpModel, budget: Budget, clock: Clock, seed: int, progress: Progress, usage: Usage,
    watcher: Any,
) -> Outcome:
    from ortools.sat.python import cp_model

    first, solver = cp_model.CpSolver(), cp_model.CpSolver()
    first.best_bound_callback = solver.best_bound_callback = watcher.bound
    with usage.phase("execute"), _stopped_by(progress, first, solver):
        spent = 0.0
        end = clock.elapsed + _FLOOR_SHARE * clock.remaining
        watcher.raise_to(built.floor(lambda: clock.elapsed > end or progress.stopping))
        if watcher.answer is not None and built.start is not None:
            _hint(built.model, built.start(watcher.answer))
        elif built.hint is not None:
            spent = _take_hint(built.hint, built.model, budget, clock, progress, watcher)
        elif built.products:
            _configure(first.parameters, built, budget, clock, seed)
            spent = _find_hint(built, cp_model, first, watcher)
        _configure(solver.parameters, built, budget, clock, seed, spent)
        if watcher.closed:
            solver.parameters.max_time_in_seconds = 0.0
        status = solver.solve(built.model, watcher)
    spent += solver.deterministic_time
    usage.evaluations = round(spent * EVALUATIONS_PER_UNIT)
    with usage.phase("decode"):
        return _outcome(built, cp_model, solver, status, watcher, usage)


def _take_hint(
    hint: Hint, model: Any, budget: Budget, clock: Clock, progress: Progress, watcher: Any
) -> float:
    """Let the main search start from an answer that other means find in a part of the time.

    Returns its steps as deterministic time.
    """
    steps = 0
    most = min(_HINT_STEPS, _HINT_SHARE * (budget.evaluations or inf))
    end = clock.elapsed + _HINT_SHARE * clock.remaining

    def ended(further: int) -> bool:
        nonlocal steps
        steps += further
        return steps > most or clock.elapsed > end or progress.stopping

    if (found := hint(ended)) is not None:
        answer, values = found
        watcher.take(answer)
        _hint(model, values)
    return steps / EVALUATIONS_PER_UNIT


def _hint(model: Any, values: list[tuple[Any, int]]) -> None:
    """Let the search start from values of variables."""
    # A variable may stand for several arcs of a small instance; CP-SAT takes one hint for each.
    hinted = {variable.index: (variable, value) for variable, value in values}
    for variable, value in hinted.values():
        model.add_hint(variable, value)


def _find_hint(built: CpModel, cp_model: Any, solver: Any, watcher: Any) -> float:
    """Search for any answer without the linear relaxation; the main search starts from it.

    Returns the deterministic time spent.
    """
    parameters = solver.parameters
    parameters.num_workers = 1
    parameters.linearization_level = 0
    parameters.stop_after_first_solution = True
    parameters.max_deterministic_time = min(parameters.max_deterministic_time, _HINT_UNITS)
    status = solver.solve(built.model, watcher)
    if status in (cp_model.FEASIBLE, cp_model.OPTIMAL):
        built.model.clear_hints()
        for index, value in enumerate(solver.response_proto.solution):
            built.model.add_hint(built.model.get_int_var_from_proto_index(index), value)
    return float(solver.deterministic_time)


@contextmanager
def _stopped_by(progress: Progress, *solvers: Any) -> Iterator[None]:
    """While open, a stop of `progress` ends the searches of `solvers`."""
    ended = Event()

    def halt() -> None:
        # Asking again covers a stop that comes before a search has begun to listen.
        def ask() -> None:
            while not ended.wait(0.02):
                for solver in solvers:
                    solver.stop_search()

        Thread(target=ask, name="qopt-cpsat-stop", daemon=True).start()

    progress.on_stop(halt)
    try:
        yield
    finally:
        ended.set()


def _configure(
    parameters: Any, built: CpModel, budget: Budget, clock: Clock, seed: int, spent: float = 0.0
) -> None:
    """Set the parameters of a search that comes after `spent` units of deterministic time."""
    parameters.num_workers = budget.threads
    if built.linear:
        # On circuits the cuts of level 2 prove in a second what takes the default half a minute.
        parameters.linearization_level = 2
        parameters.subsolvers.extend(_LINEAR_FIRST)
    if not built.presolve:
        parameters.cp_model_presolve = False
        parameters.symmetry_level = parameters.cp_model_probing_level = 0
    parameters.random_seed = seed % 2**31
    parameters.catch_sigint_signal = False  # the search runs outside the main thread
    if budget.time_limit is not None:
        parameters.max_time_in_seconds = clock.remaining
    if budget.evaluations is not None:
        units = budget.evaluations / EVALUATIONS_PER_UNIT - spent
        parameters.max_deterministic_time = max(0.0, units)


def _watcher(built: CpModel, progress: Progress) -> Any:
    """Tells `progress` of incumbents and bounds that are better than those before."""
    from ortools.sat.python import cp_model

    class Watcher(cp_model.CpSolverSolutionCallback):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.best = self.proven = inf
            self.answer: Any = None

        def on_solution_callback(self) -> None:
            self.take(built.answer(self.value))
            if self.closed:
                self.stop_search()

        @property
        def closed(self) -> bool:
            """Whether the best answer reaches the bound."""
            if self.answer is None or not isfinite(self.proven):
                return False
            constant = built.sign * built.constant
            size = max(abs(self.best - constant), abs(self.proven - constant))
            return self.best - self.proven <= _OPTIMAL_TOLERANCE * size

        def take(self, answer: Any) -> None:
            objective, feasible = built.evaluate(answer)
            if feasible and built.sign * objective < self.best:
                self.best, self.answer = built.sign * objective, answer
                progress.incumbent(objective)

        def bound(self, whole: float) -> None:
            self.raise_to(built.bound(whole))

        def raise_to(self, value: float) -> None:
            if not isfinite(value):
                return
            if self.proven == inf or built.sign * value > self.proven:
                self.proven = built.sign * value
                progress.bound(value)

    return Watcher()


def _outcome(
    built: CpModel, cp_model: Any, solver: Any, status: Any, watcher: Any, usage: Usage
) -> Outcome:
    details = {**built.notes, "conflicts": solver.num_conflicts, "branches": solver.num_branches}
    if status == cp_model.MODEL_INVALID:
        raise SolverError(f"CP-SAT refuses the model: {built.model.validate().splitlines()[0]}")
    if status == cp_model.INFEASIBLE and watcher.answer is None:
        reason = "CP-SAT proved that there is no feasible answer"
        return Outcome(Status.PROVEN_INFEASIBLE, usage=usage, reason=reason, details=details)
    # A search that ended before its first bound reports 0: only those of the callback are real.
    if status != cp_model.UNKNOWN:
        watcher.raise_to(built.bound(solver.best_objective_bound))
    bound = built.sign * watcher.proven if isfinite(watcher.proven) else None
    if status == cp_model.UNKNOWN and watcher.answer is None:
        reason = "the budget ended before CP-SAT found an answer"
        return Outcome(
            Status.TIME_LIMIT, bound=bound, usage=usage, reason=reason, details=details
        )
    answer = built.answer(solver.value) if watcher.answer is None else watcher.answer
    objective, feasible = built.evaluate(answer)
    if not feasible:
        reason = "CP-SAT's answer keeps the whole-number model and breaks the fractional one"
        return Outcome(
            Status.INFEASIBLE_ANSWERS, [answer], bound=bound, usage=usage, reason=reason,
            details=details,
        )
    verdict, proven = settle(
        objective, bound, sign=built.sign, tolerance=_OPTIMAL_TOLERANCE,
        floor=_ROUNDING * built.activity(answer), constant=built.constant,
    )
    reason = ""
    if verdict is not Status.OPTIMAL and status == cp_model.OPTIMAL:
        reason = "proven up to the rounding of the objective to whole numbers"
    return Outcome(verdict, [answer], bound=proven, usage=usage, reason=reason, details=details)
