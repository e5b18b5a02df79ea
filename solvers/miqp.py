"""Convex mixed-integer quadratic programs, proven by branch and bound of our own."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError, UsageError
from qopt.forms import Program
from qopt.solver import Budget, Outcome, Progress, Status, Usage

from .milp import rounded
from .miqp_model import Convex, convex_model
from .proof import settle, without_variables

_TOLERANCE = 1e-9
"""Least relative distance of answer and bound that double precision lets us ask for."""


@dataclass(frozen=True, kw_only=True)
class Miqp:
    gap: float = 1e-7

    def solve(self, model: Program, budget: Budget, seed: int, progress: Progress) -> Outcome:
        if model.num_variables == 0:
            return without_variables(model)
        usage = Usage()
        with usage.phase("setup"):
            from .miqp_tree import Tree
        clock = budget.start()
        with usage.phase("compile"):
            convex = convex_model(model)
        if convex is None:
            reason = "the bounds and constraints leave a variable no value"
            return Outcome(Status.PROVEN_INFEASIBLE, usage=usage, reason=reason)
        best: list[NDArray[np.float64]] = []

        def answer(x):
            x = rounded(model, x)
            if model.violations(x):
                return None
            value = convex.scale*convex.sign*model.objective(x)
            if not best or value < convex.scale*convex.sign*model.objective(best[-1]):
                best.append(x)
                progress.incumbent(model.objective(x))
            return value
        tree = Tree(convex, self.gap, lambda: clock.expired or progress.stopping or (budget.evaluations is not None and tree.nodes >= budget.evaluations), answer, lambda b: progress.bound(convex.true(b)))
        with usage.phase("execute"):
            tree.run()
        usage.evaluations = tree.nodes
        return Outcome(Status.FEASIBLE if best else Status.TIME_LIMIT, best[-1:], bound=convex.true(tree.bound), usage=usage, reason=tree.state, details={"nodes": tree.nodes})
