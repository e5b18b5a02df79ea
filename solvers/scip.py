"""SCIP on programs, natively quadratic or linearised, with bounds."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import SolverError
from qopt.forms import Program
from qopt.solver import Budget, Outcome, Progress, Usage

from .milp_model import Found, State
from .quadratic_model import QuadraticModel
from .quadratic_search import Settings, Watch, check_gap, solve_program

_Floats = NDArray[np.float64]

_LARGEST_WEIGHT = 2.0**30
"""Coefficient from which SCIP 10 does without its propagation of ranged rows: with equalities of
ten digits it does not come back from it, whatever the limits."""

_STATES: dict[str, State] = {
    "optimal": "optimal",
    "gaplimit": "optimal",
    "infeasible": "infeasible",
    "unbounded": "unbounded",
    "inforunbd": "unbounded",
    **dict.fromkeys(
        ("userinterrupt", "terminate", "timelimit", "totalnodelimit", "nodelimit", "memlimit"),
        "limit",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Scip:
    """SCIP: branch, cut and propagate on integer programs, quadratic ones too.

    Continuous variables, and objectives that are not convex, are taken as well. Bounds and proofs
    hold within a relative 1e-6, constraints within the program's own tolerance; answers are
    evaluated with the program itself. The search takes one thread, and without a time limit one
    seed gives one answer. Source: Bolusani and others, The SCIP Optimization Suite 9.0,
    arXiv:2402.17702.

    ``Budget.evaluations`` is the number of branch-and-bound nodes, those before restarts included.

    Parameters
    ----------
    linearise : bool, optional
        Whether products become variables of their own, tied together by the constraints; if not,
        SCIP has the objective as one quadratic constraint. None linearises where all products are
        of binaries.
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
            import pyscipopt  # noqa: F401  the import is what takes time
        linear = _pays(model) if self.linearise is None else self.linearise
        return solve_program(
            "SCIP", _Search, model, linear=linear, gap=self.gap, budget=budget, seed=seed,
            progress=progress, start=start, usage=usage,
        )


def _pays(program: Program) -> bool:
    """Whether SCIP is better off with a linearised objective."""
    return bool(program.binary[program.row].all() and program.binary[program.col].all())


class _Search:
    """A model as SCIP holds it: a quadratic objective is a variable of its own, held by a row."""

    def __init__(self, model: QuadraticModel, settings: Settings) -> None:
        import pyscipopt

        self._model, self._settings = model, settings
        self._scip = scip = pyscipopt.Model()
        scip.hideOutput()
        kinds = np.where(model.integer, "I", "C").tolist()
        quadratic = len(model.value) > 0
        costs = np.zeros_like(model.linear) if quadratic else model.linear
        self._variables = [
            scip.addVar(vtype=kind, lb=_finite(low), ub=_finite(high), obj=cost)
            for kind, low, high, cost in zip(
                kinds, model.lower.tolist(), model.upper.tolist(), costs.tolist(), strict=True
            )
        ]
        self._objective = self._quadratic_objective() if quadratic else None
        for (index, weight), sense, side in zip(
            model.row_terms(), model.senses, model.sides, strict=True
        ):
            left = pyscipopt.quicksum(
                w * self._variables[i] for i, w in zip(index, weight, strict=True)
            )
            scip.addCons(
                left <= side if sense == "L" else left >= side if sense == "G" else left == side
            )
        self._configure()

    def _quadratic_objective(self) -> Any:
        from pyscipopt import quicksum

        model, x = self._model, self._variables
        objective = self._scip.addVar(
            vtype="I" if model.whole else "C", lb=None, ub=None, obj=1.0
        )
        linear = quicksum(c * v for c, v in zip(model.linear.tolist(), x, strict=True) if c)
        pairs = quicksum(q * x[i] * x[j] for i, j, q in model.products())
        self._scip.addCons(pairs + linear - objective <= 0.0)
        return objective

    def _configure(self) -> None:
        settings, scip = self._settings, self._scip
        scip.setParams(
            {
                "misc/catchctrlc": False,
                "timing/clocktype": 2,
                "randomization/randomseedshift": settings.seed,
                "randomization/lpseed": settings.seed,
                "limits/gap": settings.gap,
                "limits/absgap": 0.0,
            }
        )
        if np.abs(self._model.rows.weight).max(initial=0.0) > _LARGEST_WEIGHT:
            scip.setParam("constraints/linear/rangedrowpropagation", False)
        if settings.evaluations is not None:
            scip.setParam("limits/totalnodes", settings.evaluations)

    def begin(self, values: _Floats) -> None:
        """Take an answer to start from."""
        solution = self._scip.createSol()
        for variable, value in zip(self._variables, values.tolist(), strict=True):
            self._scip.setSolVal(solution, variable, value)
        if self._objective is not None:
            model = self._model
            worth = float(model.linear @ values + model.value @ (
                values[model.row] * values[model.col]
            ))
            self._scip.setSolVal(solution, self._objective, worth)
        self._scip.addSol(solution)

    def interrupt(self) -> None:
        """End the run soon."""
        self._scip.interruptSolve()

    def run(self, seconds: float, watch: Watch) -> Found:
        """Search for at most `seconds`."""
        scip = self._scip
        if isfinite(seconds):
            scip.setParam("limits/time", seconds)
        scip.includeEventhdlr(_listener(self, watch), "qopt", "tells of answers and bounds")
        scip.optimizeNogil()
        status = scip.getStatus()
        if status not in _STATES:
            raise SolverError(f"SCIP ended with status {status!r}")
        values = self.values() if scip.getNSols() else None
        bound = float(scip.getDualbound())
        return Found(
            _STATES[status], values, None if scip.isInfinity(abs(bound)) else bound,
            int(scip.getNTotalNodes()),
        )

    def values(self) -> _Floats:
        """The best answer so far."""
        best = self._scip.getBestSol()
        return np.array([self._scip.getSolVal(best, v) for v in self._variables])

    def bound(self) -> float:
        """The bound so far."""
        return float(self._scip.getDualbound())


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None


def _listener(search: _Search, watch: Watch) -> Any:
    """Tells `watch` of what SCIP finds."""
    from pyscipopt import SCIP_EVENTTYPE, Eventhdlr

    kinds = (SCIP_EVENTTYPE.BESTSOLFOUND, SCIP_EVENTTYPE.DUALBOUNDIMPROVED)

    class Listener(Eventhdlr):  # type: ignore[misc]
        def eventinit(self) -> None:
            for kind in kinds:
                self.model.catchEvent(kind, self)

        def eventexec(self, event: Any) -> None:
            if event.getType() == SCIP_EVENTTYPE.BESTSOLFOUND:
                watch.answer(search.values())
            elif abs(bound := search.bound()) < 1e20:
                watch.bound(bound)

    return Listener()
