"""FICO Xpress on programs, natively quadratic or linearised, with bounds."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
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

_INFINITE = 1e20

_LOOK = 50
"""Milliseconds between two looks at the bound."""

_GLOBAL = 2
"""Kind of solver: for global optima of objectives that need not be convex."""


@dataclass(frozen=True, kw_only=True)
class Xpress:
    """FICO Xpress: branch and cut on integer programs, quadratic ones too, convex or not.

    Continuous variables are taken as well. Bounds and proofs hold within a relative 1e-6,
    constraints within the program's own tolerance; answers are evaluated with the program itself.
    One seed gives one answer for a number of threads, as long as no time limit ends the run. The
    package brings a community licence for 5000 variables and constraints together, and 200 where
    the objective is quadratic; a licence of one's own is found by Xpress itself
    (``XPAUTH_PATH``). Objectives with products are solved without Xpress's presolve, which loses
    some of them. Source: FICO Xpress Optimizer Reference Manual, release 9.9.

    ``Budget.evaluations`` is Xpress's deterministic work in millionths of its unit: a million is in
    the order of one second of search, and ends it at the same point every time.

    Parameters
    ----------
    linearise : bool
        Whether products become variables of their own, tied together by the constraints, instead
        of Xpress's own treatment of a quadratic objective.
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
            _new_problem()
        return solve_program(
            "Xpress", _Search, model, linear=self.linearise, gap=self.gap, budget=budget,
            seed=seed, progress=progress, start=start, usage=usage,
        )


def _new_problem() -> Any:
    """An empty problem that prints nothing; the first one of a process takes a licence.

    Raises
    ------
    UnsupportedError
        Where there is none.
    """
    import xpress

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", xpress.LicenseWarning)
        try:
            problem = xpress.problem()
        except xpress.InterfaceError as fault:
            remedy = (
                "unset XPAUTH_PATH and XPRESS for the licence that the package brings, or see "
                "community.fico.com/s/optimization"
            )
            raise no_licence("Xpress", fault, remedy) from None
    problem.setControl("outputlog", 0)
    return problem


class _Search:
    """A model as Xpress holds it."""

    def __init__(self, model: QuadraticModel, settings: Settings) -> None:
        import xpress

        self._model = model
        self._xpress = _new_problem()
        self._configure(settings)
        try:
            self._fill()
        except xpress.SolverError as fault:
            raise _told(fault, model) from None

    def _fill(self) -> None:
        model, problem = self._model, self._xpress
        n, rows = model.num_variables, model.rows
        # Xpress takes columns: the entries of all rows, sorted by variable.
        owner = np.repeat(np.arange(len(rows.low)), np.diff(rows.start))
        order = np.argsort(rows.index, kind="stable")
        start = np.concatenate([[0], np.cumsum(np.bincount(rows.index, minlength=n))])
        # Its objective has half of x' Q x, and a pair stands for both of its places in Q.
        halved = np.where(model.row == model.col, 2.0, 1.0) * model.value
        whole = np.flatnonzero(model.integer).tolist()
        problem.loadMIQP(
            "qopt", rowtype="".join(model.senses), rhs=model.sides, rng=None,
            objcoef=model.linear.tolist(), start=start.tolist(), collen=None,
            rowind=owner[order].tolist(), rowcoef=rows.weight[order].tolist(),
            lb=np.maximum(model.lower, -_INFINITE).tolist(),
            ub=np.minimum(model.upper, _INFINITE).tolist(),
            objqcol1=model.row.tolist(), objqcol2=model.col.tolist(), objqcoef=halved.tolist(),
            coltype="I" * len(whole), entind=whole,
        )

    def _configure(self, settings: Settings) -> None:
        set_to = self._xpress.setControl
        set_to(
            {
                "threads": settings.threads,
                "randomseed": settings.seed,
                "miprelstop": settings.gap,
                "mipabsstop": 0.0,
                "miprelcutoff": 0.0,
                "mipaddcutoff": 0.0,
                "miptol": 1e-9,
                "feastol": 1e-7,
                "nlpsolver": _GLOBAL,
                "callbackchecktimedelay": _LOOK,
            }
        )
        if len(self._model.value):
            # With its presolve Xpress 9.9 takes some products of variables that it fixes for 0,
            # and calls the optimum of another objective optimal.
            set_to("presolve", 0)
        if settings.evaluations is not None:
            set_to("worklimit", settings.evaluations / WORK)

    def begin(self, values: _Floats) -> None:
        """Take an answer to start from."""
        if self._model.integer.any():  # starts are for searches with a tree
            self._xpress.addMipSol(values.tolist())

    def interrupt(self) -> None:
        """End the run soon."""
        from xpress.enums import StopType

        self._xpress.interrupt(StopType.USER)

    def run(self, seconds: float, watch: Watch) -> Found:
        """Search for at most `seconds`."""
        import xpress
        from xpress.enums import SolStatus

        problem = self._xpress
        if isfinite(seconds):
            problem.setControl("timelimit", seconds)
        _listen(problem, watch)
        try:
            ended, known = problem.optimize()
        except xpress.SolverError as fault:
            raise _told(fault, self._model) from None
        state = _state(ended, known)
        values = None
        if known in (SolStatus.OPTIMAL, SolStatus.FEASIBLE):
            values = np.array(problem.getSolution(), dtype=np.float64)
        attributes = problem.attributes
        return Found(
            state, values, _bound(problem), int(attributes.nodes),
            round(float(attributes.work) * WORK),
        )


def _told(fault: Exception, model: QuadraticModel) -> QoptError:
    text = " ".join(str(fault).split())
    if "Problem has too many" in text:
        allowed = (
            "5000 variables and constraints together, 200 where the objective is quadratic"
        )
        return licence_limit("Xpress", allowed, model)
    return SolverError(f"Xpress ended with {text}")


def _state(ended: Any, known: Any) -> State:
    from xpress.enums import SolStatus, SolveStatus

    if ended == SolveStatus.FAILED:
        raise SolverError("Xpress ended without a status: its numerics failed")
    if ended != SolveStatus.COMPLETED:
        return "limit"
    states: dict[Any, State] = {
        SolStatus.OPTIMAL: "optimal",
        SolStatus.INFEASIBLE: "infeasible",
        SolStatus.UNBOUNDED: "unbounded",
    }
    return states.get(known, "limit")


def _bound(problem: Any) -> float | None:
    """The bound of a search that has begun; before, Xpress says 0.

    Where it boxes variables without bounds in, its bound holds inside of the box alone.
    """
    from xpress.enums import SolveStatus

    attributes = problem.attributes
    if attributes.solvestatus == SolveStatus.UNSTARTED or (
        attributes.globalboundingboxapplied
    ):
        return None
    bound = float(attributes.bestbound)
    return bound if abs(bound) < _INFINITE else None


def _listen(problem: Any, watch: Watch) -> None:
    """Have `watch` told of what Xpress finds."""

    def answer(inner: Any, data: Any) -> None:
        watch.answer(np.array(inner.getCallbackSolution(), dtype=np.float64))

    interrupts = Interrupts()

    def look(inner: Any, data: Any) -> None:
        interrupts.keep()
        if (bound := _bound(inner)) is not None:
            watch.bound(bound)

    problem.addIntsolCallback(answer)
    problem.addCheckTimeCallback(look)
