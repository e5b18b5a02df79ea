"""Gurobi on programs, natively quadratic or linearised, with bounds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import QoptError, SolverError
from qopt.forms import Program
from qopt.solver import Budget, Outcome, Progress, Usage

from .milp_model import Found, State
from .quadratic_model import QuadraticModel
from .quadratic_search import (
    WORK,
    Interrupts,
    Settings,
    Watch,
    check_gap,
    licence_limit,
    no_licence,
    solve_program,
)

_Floats = NDArray[np.float64]

_NO_LICENCE, _SIZE_LIMIT = (10009, 10022, 10030, 10032), 10010
"""Gurobi's numbers of errors: no licence, or no way to its server; a model too large for it."""

_INFINITE = 1e100

_MOST_THREADS = 1024
"""Threads that Gurobi takes at most."""


@dataclass(frozen=True, kw_only=True)
class Gurobi:
    """Gurobi: branch and cut on integer programs, quadratic ones too, convex or not.

    Continuous variables are taken as well. Bounds and proofs hold within a relative 1e-6,
    constraints within the program's own tolerance; answers are evaluated with the program itself.
    One seed gives one answer for a number of threads, as long as no time limit ends the run. The
    package brings a licence for 2000 variables and as many constraints, 200 of the variables in
    quadratic terms, that forbids production; a licence of one's own is found by Gurobi itself
    (``GRB_LICENSE_FILE``). Source: Gurobi Optimizer Reference Manual, version 13.

    ``Budget.evaluations`` is Gurobi's deterministic work in millionths of its unit: a million is
    about one second of search by one thread, and ends it at the same point every time.

    Parameters
    ----------
    linearise : bool
        Whether products become variables of their own, tied together by the constraints, instead
        of Gurobi's own treatment of a quadratic objective.
    gap : float
        Relative distance between answer and bound at which the search may end, at least 0. Above 0
        the answer is called optimal only where it reaches the bound all the same.
    """

    linearise: bool = False
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
            environment = _environment()
        with environment:
            return solve_program(
                "Gurobi", lambda *given: _Search(environment, *given), model,
                linear=self.linearise, gap=self.gap, budget=budget, seed=seed, progress=progress,
                start=start, usage=usage,
            )


def _environment() -> Any:
    """A silent environment, which holds the licence.

    Raises
    ------
    UnsupportedError
        Where there is none.
    """
    import gurobipy

    environment = gurobipy.Env(empty=True)
    environment.setParam("OutputFlag", 0)
    environment.setParam("LogToConsole", 0)
    try:
        environment.start()
    except gurobipy.GurobiError as fault:
        environment.dispose()
        remedy = (
            "unset GRB_LICENSE_FILE for the licence that the package brings, or see "
            "gurobi.com/licenses"
        )
        raise no_licence("Gurobi", fault, remedy) from None
    return environment


class _Search:
    """A model as Gurobi holds it."""

    def __init__(self, environment: Any, model: QuadraticModel, settings: Settings) -> None:
        import gurobipy
        from gurobipy import GRB

        self._model, self._starts = model, 0
        self._gurobi = gurobi = gurobipy.Model(env=environment)
        kinds = np.where(model.integer, GRB.INTEGER, GRB.CONTINUOUS).tolist()
        x = gurobi.addVars(
            model.num_variables, lb=model.lower.tolist(), ub=model.upper.tolist(), vtype=kinds
        )
        self._variables = [x[i] for i in range(model.num_variables)]
        objective = gurobipy.QuadExpr(gurobipy.LinExpr(model.linear.tolist(), self._variables))
        objective.addTerms(
            model.value.tolist(), [x[i] for i in model.row.tolist()],
            [x[i] for i in model.col.tolist()],
        )
        gurobi.setObjective(
            objective if len(model.value) else objective.getLinExpr(), GRB.MINIMIZE
        )
        senses = {"L": GRB.LESS_EQUAL, "G": GRB.GREATER_EQUAL, "E": GRB.EQUAL}
        for (index, weight), sense, side in zip(
            model.row_terms(), model.senses, model.sides, strict=True
        ):
            terms = gurobipy.LinExpr(weight, [x[i] for i in index])
            gurobi.addLConstr(terms, senses[sense], side)
        self._configure(settings)

    def _configure(self, settings: Settings) -> None:
        set_to = self._gurobi.setParam
        set_to("MIPGap", settings.gap)
        set_to("MIPGapAbs", 0.0)
        set_to("Seed", settings.seed)
        set_to("Threads", min(settings.threads, _MOST_THREADS))
        set_to("IntFeasTol", 1e-9)
        set_to("FeasibilityTol", 1e-7)
        set_to("IntegralityFocus", 1)
        set_to("NonConvex", 2)
        if settings.evaluations is not None:
            set_to("WorkLimit", settings.evaluations / WORK)

    def begin(self, values: _Floats) -> None:
        """Take an answer to start from."""
        if not self._model.integer.any():
            return  # starts are for searches with a tree
        self._starts += 1
        self._gurobi.NumStart = self._starts
        self._gurobi.update()
        self._gurobi.params.StartNumber = self._starts - 1
        for variable, value in zip(self._variables, values.tolist(), strict=True):
            variable.Start = value

    def interrupt(self) -> None:
        """End the run soon."""
        self._gurobi.terminate()

    def run(self, seconds: float, watch: Watch) -> Found:
        """Search for at most `seconds`."""
        import gurobipy

        gurobi = self._gurobi
        if isfinite(seconds):
            gurobi.setParam("TimeLimit", seconds)
        try:
            gurobi.optimize(_listener(self._variables, watch))
        except gurobipy.GurobiError as fault:
            raise _told(fault, self._model) from None
        state = _state(gurobi.Status)
        values = np.array(gurobi.getAttr("X", self._variables)) if gurobi.SolCount else None
        return Found(
            state, values, _bound(gurobi, state), int(gurobi.NodeCount), round(gurobi.Work * WORK)
        )


def _told(fault: Any, model: QuadraticModel) -> QoptError:
    if fault.errno == _SIZE_LIMIT:
        allowed = "2000 variables and 2000 constraints, 200 variables in quadratic terms"
        return licence_limit("Gurobi", allowed, model)
    if fault.errno in _NO_LICENCE:
        return no_licence("Gurobi", fault, "see gurobi.com/licenses")
    return SolverError(f"Gurobi ended with error {fault.errno}: {fault.message}")


def _state(status: int) -> State:
    from gurobipy import GRB

    codes = GRB.Status
    states: dict[int, State] = {
        codes.OPTIMAL: "optimal",
        codes.INFEASIBLE: "infeasible",
        codes.INF_OR_UNBD: "unbounded",
        codes.UNBOUNDED: "unbounded",
        **dict.fromkeys(
            (codes.TIME_LIMIT, codes.WORK_LIMIT, codes.INTERRUPTED, codes.MEM_LIMIT,
             codes.NUMERIC, codes.SUBOPTIMAL, codes.NODE_LIMIT, codes.ITERATION_LIMIT),
            "limit",
        ),
    }
    if status not in states:
        raise SolverError(f"Gurobi ended with status {status}")
    return states[status]


def _bound(gurobi: Any, state: State) -> float | None:
    """The bound; a continuous and convex model has one at its end alone."""
    try:
        bound = float(gurobi.ObjBound)
    except AttributeError:
        bound = float(gurobi.ObjVal) if state == "optimal" else inf
    return bound if abs(bound) < _INFINITE else None


def _listener(variables: list[Any], watch: Watch) -> Callable[[Any, int], None]:
    from gurobipy import GRB

    codes = GRB.Callback
    interrupts = Interrupts()

    def listen(gurobi: Any, where: int) -> None:
        interrupts.keep()
        if where == codes.MIPSOL:
            watch.answer(np.array(gurobi.cbGetSolution(variables)))
        elif where == codes.MIP:
            bound = float(gurobi.cbGet(codes.MIP_OBJBND))
            if abs(bound) < _INFINITE:
                watch.bound(bound)

    return listen
