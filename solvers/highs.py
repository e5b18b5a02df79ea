"""HiGHS in this process, on a model that PuLP passes to it."""

from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import MissingPackageError, SolverError

from .milp_model import Found, Limits, PulpModel, State, Watch

_BROKEN = ("Solve error", "Presolve error", "Postsolve error", "Unknown")
_REQUIRED = "highspy>=1.13,<1.14"


class Highs:
    """A model as HiGHS holds it, ready to run."""

    def __init__(self, model: PulpModel, limits: Limits) -> None:
        import pulp

        if not pulp.HiGHS(msg=False).available():
            raise MissingPackageError("solver 'milp' with backend 'highs'", [_REQUIRED])
        options: dict[str, Any] = {"random_seed": limits.seed % 2**31}
        if limits.nodes is not None:
            options["mip_max_nodes"] = min(limits.nodes, 2**31 - 1)
        # The absolute gap is switched off: at 1e-6 it would end small objectives early.
        self._solver = pulp.HiGHS(
            msg=False, threads=limits.threads, gapRel=limits.gap, gapAbs=0.0, **options
        )
        self._model, self._problem = model, model.problem
        self._whole = model.problem.isMIP()
        self._solver.createAndConfigureSolver(self._problem)
        if self._problem.solverModel.version().startswith("1.14."):
            # github.com/ERGO-Code/HiGHS/issues/2957: suboptimal answers called optimal.
            raise MissingPackageError("HiGHS 1.14 finds wrong optima, so that 'milp'", [_REQUIRED])
        self._solver.buildSolverModel(self._problem)

    def start_from(self, values: NDArray[np.float64]) -> None:
        """Begin with an answer of the program, shape (n,)."""
        import highspy

        solution = highspy.HighsSolution()
        solution.col_value = values[self._model.columns].tolist()
        self._problem.solverModel.setSolution(solution)

    def run(self, seconds: float, watch: Watch) -> Found:
        """Search for at most `seconds`; looks at `watch` between pieces of work, seconds apart."""
        highs = self._problem.solverModel
        if isfinite(seconds):
            highs.setOptionValue("time_limit", seconds)

        def look(event: Any) -> None:
            if watch.stopping:
                event.interrupt()

        def look_at_tree(event: Any) -> None:
            if isfinite(event.data_out.mip_dual_bound):
                watch.bound(float(event.data_out.mip_dual_bound))
            look(event)

        highs.cbSimplexInterrupt.subscribe(look)
        highs.cbIpmInterrupt.subscribe(look)
        highs.cbMipInterrupt.subscribe(look_at_tree)
        highs.cbMipImprovingSolution.subscribe(
            lambda event: watch.answer(self._model.values(event.data_out.mip_solution))
        )
        # A run with another number of threads than the thread's last one is refused otherwise.
        type(highs).resetGlobalScheduler(True)
        self._solver.callSolver(self._problem)
        if highs.modelStatusToString(highs.getModelStatus()) in _BROKEN and not watch.stopping:
            # HiGHS checks what presolve gives back, and says so where presolve went wrong. Its
            # clock goes on from the first run.
            highs.clearSolver()
            highs.setOptionValue("presolve", "off")
            self._solver.callSolver(self._problem)
        return self._found(highs)

    def _found(self, highs: Any) -> Found:
        import highspy

        info, status = highs.getInfo(), highs.getModelStatus()
        names = highspy.HighsModelStatus
        states: dict[Any, State] = {
            names.kOptimal: "optimal",
            names.kModelEmpty: "optimal",
            names.kInfeasible: "infeasible",
            names.kUnbounded: "unbounded",
            names.kUnboundedOrInfeasible: "unbounded",
            names.kTimeLimit: "limit",
            names.kIterationLimit: "limit",
            names.kSolutionLimit: "limit",
            names.kInterrupt: "limit",
            names.kMemoryLimit: "limit",
            names.kObjectiveBound: "limit",
            names.kObjectiveTarget: "limit",
        }
        if status not in states:
            raise SolverError(f"HiGHS ended with status {highs.modelStatusToString(status)!r}")
        state = states[status]
        values = None
        if int(info.primal_solution_status) == int(highspy.SolutionStatus.kSolutionStatusFeasible):
            values = self._model.values(highs.getSolution().col_value)
        bound = float(info.mip_dual_bound) if self._whole else None
        if not self._whole and state == "optimal":
            bound = float(info.objective_function_value)
        if bound is not None and not isfinite(bound):
            bound = None
        return Found(state, values, bound, max(0, int(info.mip_node_count)))
