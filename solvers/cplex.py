"""CPLEX on programs, natively quadratic or linearised, with bounds."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import QoptError, SolverError, UnsupportedError
from qopt.forms import Program
from qopt.solver import Budget, Outcome, Progress, Usage

from .milp_model import Found, State
from .quadratic_model import QuadraticModel
from .quadratic_search import (
    WORK,
    Settings,
    Watch,
    check_gap,
    licence_limit,
    no_licence,
    solve_program,
)

_Floats = NDArray[np.float64]

TICKS = 1000
"""Ticks of CPLEX's deterministic clock that count as one unit of work."""

_SIZE_LIMIT, _LICENCES = 1016, range(32000, 33000)
"""CPLEX's numbers of errors: a model too large for the licence; no licence."""

_REMEDY = "see ibm.com/products/ilog-cplex-optimization-studio"

_INFINITE = 1e20

_STATES: dict[State, tuple[int, ...]] = {
    "optimal": (1, 5, 101, 102, 115),
    "infeasible": (3, 103),
    "unbounded": (2, 4, 118, 119),
    "limit": (6, *range(10, 14), 20, 21, 25, *range(104, 115), 127, 131, 132),
}
"""CPLEX's numbers of statuses, as in its group of macros CPX_STAT and CPXMIP."""

_NO_RELAXATION = 133
"""Status of an objective that is not convex in variables without bounds."""

_GLOBAL = 3
"""Optimality target: the global optimum of an objective that need not be convex."""

_SPARSE = 0.25
"""Share of all pairs up to which CPLEX linearises products: cuts out of 120 and selections out of
100 variables are then proven in a second, and not at all the other way about."""


@dataclass(frozen=True, kw_only=True)
class Cplex:
    """CPLEX: branch and cut on integer programs, quadratic ones too, convex or not.

    Continuous variables are taken as well. Bounds and proofs hold within a relative 1e-6,
    constraints within the program's own tolerance; answers are evaluated with the program itself.
    One seed gives one answer for a number of threads, as long as no time limit ends the run. The
    package brings a licence for 1000 variables and 1000 constraints. Source: IBM ILOG CPLEX
    Optimization Studio, CPLEX User's Manual, version 22.

    ``Budget.evaluations`` is CPLEX's deterministic time in thousandths of its ticks: a million is
    in the order of one second of search, and ends it at the same point every time.

    Parameters
    ----------
    linearise : bool, optional
        Whether products become variables of their own, tied together by the constraints; if not,
        CPLEX keeps the objective quadratic. None has CPLEX linearise products of binaries itself
        where they are at most a quarter of all pairs, and keep the objective quadratic otherwise.
    gap : float
        Relative distance between answer and bound at which the search may end, at least 0. Above 0
        the answer is called optimal only where it reaches the bound all the same.
    """

    linearise: bool | None = None
    gap: float = 0.0

    def __post_init__(self) -> None:
        check_gap(self.gap)

    def solve(
        self, model: Program, budget: Budget, seed: int, progress: Progress, *,
        start: Sequence[Any] = (),
    ) -> Outcome:
        """Solve one program; see `qopt.solver.Solver`, and `solve_program` for what it raises."""
        usage = Usage()
        with usage.phase("setup"):
            # Ctrl-C is qopt's to pass on; CPLEX reads this once, when it is imported.
            os.environ.setdefault("CPLEX_PY_DISABLE_SIGHANDLER", "1")
            import cplex  # noqa: F401  the import is what takes time
        return solve_program(
            "CPLEX", lambda *given: _Search(*given, sparse=self.linearise is None), model,
            linear=bool(self.linearise), gap=self.gap, budget=budget, seed=seed,
            progress=progress, start=start, usage=usage,
        )


class _Search:
    """A model as CPLEX holds it."""

    def __init__(self, model: QuadraticModel, settings: Settings, *, sparse: bool) -> None:
        """Take a model; `sparse` has CPLEX linearise an objective with few products itself."""
        import cplex

        self._model, self._sparse = model, sparse
        self._aborter = cplex.Aborter()
        try:
            self._cplex = cplex.Cplex()
        except cplex.exceptions.CplexError as fault:
            raise no_licence("CPLEX", fault, _REMEDY) from None
        for stream in ("log", "results", "warning", "error"):
            getattr(self._cplex, f"set_{stream}_stream")(None)
        self._cplex.use_aborter(self._aborter)
        self._fill()
        self._configure(settings)

    def _fill(self) -> None:
        from cplex import SparsePair

        model, problem = self._model, self._cplex
        kinds = np.where(model.integer, problem.variables.type.integer,
                         problem.variables.type.continuous)
        # With kinds the model counts as one of whole variables.
        mixed = {"types": "".join(kinds.tolist())} if model.integer.any() else {}
        problem.variables.add(
            obj=model.linear.tolist(), lb=np.maximum(model.lower, -_INFINITE).tolist(),
            ub=np.minimum(model.upper, _INFINITE).tolist(), **mixed,
        )
        problem.linear_constraints.add(
            lin_expr=[SparsePair(index, weight) for index, weight in model.row_terms()],
            senses="".join(model.senses), rhs=model.sides,
        )
        # CPLEX's objective has half of x' Q x, and each pair stands in Q twice.
        pairs = [(i, j, 2.0 * q if i == j else q) for i, j, q in model.products()]
        if pairs:
            problem.objective.set_quadratic_coefficients(pairs)

    def _configure(self, settings: Settings) -> None:
        own = self._cplex.parameters
        own.threads.set(settings.threads)
        own.parallel.set(own.parallel.values.deterministic)
        own.randomseed.set(settings.seed)
        own.mip.tolerances.mipgap.set(min(settings.gap, 1.0))  # the largest it takes
        own.mip.tolerances.absmipgap.set(0.0)
        own.mip.tolerances.integrality.set(0.0)
        own.simplex.tolerances.feasibility.set(1e-7)
        own.clocktype.set(own.clocktype.values.wall)
        # With a second presolve of relaxations CPLEX 22.2 cuts off optima of knapsacks whose
        # weights have seven digits: it calls an answer optimal that is one per cent off.
        own.preprocessing.relax.set(0)
        if not self._model.binary_products:
            own.optimalitytarget.set(_GLOBAL)
        elif not self._sparse or self._model.density > _SPARSE:
            own.preprocessing.qtolin.set(0)
        if settings.evaluations is not None:
            own.dettimelimit.set(settings.evaluations / WORK * TICKS)

    def begin(self, values: _Floats) -> None:
        """Take an answer to start from."""
        from cplex import SparsePair

        if self._model.integer.any():  # starts are for searches with a tree
            starts = self._cplex.MIP_starts
            starts.add(
                SparsePair(list(range(len(values))), values.tolist()),
                starts.effort_level.check_feasibility,
            )

    def interrupt(self) -> None:
        """End the run soon."""
        self._aborter.abort()

    def run(self, seconds: float, watch: Watch) -> Found:
        """Search for at most `seconds`."""
        import cplex

        problem = self._cplex
        if isfinite(seconds):
            problem.parameters.timelimit.set(seconds)
        if self._model.integer.any():
            kinds = cplex.callbacks.Context.id
            problem.set_callback(_Listener(watch), kinds.global_progress)
        begun = problem.get_dettime()
        try:
            problem.solve()
        except cplex.exceptions.CplexError as fault:
            raise _told(fault, self._model) from None
        work = round((problem.get_dettime() - begun) / TICKS * WORK)
        solution = problem.solution
        state = _state(solution.get_status(), solution.get_status_string())
        values = None
        if solution.is_primal_feasible():
            values = np.array(solution.get_values(), dtype=np.float64)
        nodes = 0
        with suppress(cplex.exceptions.CplexError):
            nodes = int(solution.progress.get_num_nodes_processed())
        return Found(state, values, self._bound(state), nodes, work)

    def _bound(self, state: State) -> float | None:
        """The bound; a continuous and convex model has one at its end alone."""
        import cplex

        solution = self._cplex.solution
        try:
            bound = float(solution.MIP.get_best_objective())
        except cplex.exceptions.CplexError:
            if state != "optimal":
                return None
            bound = float(solution.get_objective_value())
        return bound if abs(bound) < _INFINITE else None


def _told(fault: Any, model: QuadraticModel) -> QoptError:
    number = fault.args[2] if len(fault.args) > 2 else 0
    if number == _SIZE_LIMIT:
        return licence_limit("CPLEX", "1000 variables and 1000 constraints", model)
    if number in _LICENCES:
        return no_licence("CPLEX", fault.args[0], _REMEDY)
    return SolverError(f"CPLEX ended with {fault.args[0]}")


def _state(status: int, text: str) -> State:
    if status == _NO_RELAXATION:
        raise UnsupportedError(
            "CPLEX finds no bound of an objective that is not convex in variables without bounds; "
            "give them bounds"
        )
    for state, numbers in _STATES.items():
        if status in numbers:
            return state
    raise SolverError(f"CPLEX ended with status {status}: {text}")


class _Listener:
    """Tells `watch` of what CPLEX finds."""

    def __init__(self, watch: Watch) -> None:
        self._watch, self._least = watch, _INFINITE

    def invoke(self, context: Any) -> None:
        """What CPLEX calls, with its global progress."""
        from cplex.callbacks import Context

        bound = float(context.get_double_info(Context.info.best_bound))
        if abs(bound) < _INFINITE:
            self._watch.bound(bound)
        best = float(context.get_double_info(Context.info.best_solution))
        if best < self._least:
            self._least = best
            self._watch.answer(np.array(context.get_incumbent()))
