"""Exact solution of QUBOs by branch and bound with semidefinite bounds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import SizeError, UsageError
from qopt.forms import Qubo
from qopt.solver import Budget, Clock, Outcome, Progress, Status, Usage

from .annealing import SimulatedAnnealing
from .annealing.starts import feasible_starts

if TYPE_CHECKING:
    from .branch_and_bound_tree import Tree

MOST_VARIABLES = 1000
"""Variables of the largest model: each step of a bound decomposes a matrix of that size."""

_PROPOSALS = 20_000
"""Proposals of annealing for each variable, for the first incumbent."""

_SHARE = 0.2
"""Most of a time limit that annealing takes."""


@dataclass(frozen=True, kw_only=True)
class BranchAndBound:
    """Branch and bound on a QUBO, with groups or without, to a proven optimum.

    Each node's bound is a semidefinite relaxation with triangle inequalities, as in BiqMac (Rendl,
    Rinaldi and Wiegele, Mathematical Programming 121, 2010, 307-335), whose dual is climbed with
    quasi-Newton steps, as in BiqCrunch (Krislock, Malick and Roupin, ACM Transactions on
    Mathematical Software 43, 2017, 32). Exactly-k groups restrict the relaxation to a face of the
    cone and are kept in branching. Variables whose costs settle them are fixed, and nodes with few
    answers are enumerated. The first incumbent comes from simulated annealing.

    Bounds hold in floating point: what rounding can have added is taken off every one of them
    (`semidefinite.margin`). Where all coefficients are multiples of one number, they are rounded up
    to the next possible objective, and the optimum is proven exactly; else an answer is called
    optimal within a relative 1e-6 of the bound, as by `milp` and `miqp`. Relative to the energy
    without its constant, that is.

    A unit of ``budget.evaluations`` is one node. Threads share the nodes in rounds: one seed and
    number of threads gives one answer.

    Parameters
    ----------
    gap : float
        Relative distance between answer and bound at which a branch is left, at least 1e-9. Above
        1e-6 the answer is called optimal only where it reaches the bound all the same.
    """

    gap: float = 1e-7

    def __post_init__(self) -> None:
        if not 1e-9 <= self.gap < np.inf:
            raise UsageError(f"gap must be at least 1e-9 and finite, got {self.gap}")

    def solve(
        self,
        model: Qubo,
        budget: Budget,
        seed: int,
        progress: Progress,
        *,
        start: Sequence[Any] = (),
    ) -> Outcome:
        """Solve one QUBO; see `qopt.solver.Solver`.

        Raises
        ------
        SizeError
            Above 1000 variables.
        UsageError
            For wrong answers to start from.
        """
        n = model.num_variables
        if n > MOST_VARIABLES:
            remedy = "a heuristic such as 'sa' takes more"
            raise SizeError("branch and bound", n, MOST_VARIABLES, "variables", remedy)
        usage = Usage()
        with usage.phase("setup"):
            from threadpoolctl import threadpool_limits

            from .branch_and_bound_tree import Tree
            from .exact import best_of
            from .semidefinite import prepare

            prepare()
            best_of(Qubo.from_arrays([0.0]))
            SimulatedAnnealing(reads=1, sweeps=1).solve(model, Budget(evaluations=1), 0, Progress())
        clock = budget.start()
        with threadpool_limits(limits=1, user_api="blas"):
            with usage.phase("compile"):
                tree = Tree(model, self.gap, budget, clock, progress)
            with usage.phase("execute"):
                for answer in feasible_starts(model, start)[:1]:
                    tree.take(answer)
                for answer in _annealed(model, budget, clock, seed, progress):
                    tree.take(answer)
                tree.run()
        usage.evaluations = tree.nodes
        return _outcome(model, tree, usage, self.gap)


def _annealed(
    model: Qubo, budget: Budget, clock: Clock, seed: int, progress: Progress
) -> Sequence[NDArray[np.int8]]:
    """The best answer of a short run of annealing."""
    inner = Progress()
    progress.on_stop(inner.stop)
    most = _PROPOSALS * max(1, model.num_variables)
    limit = None if budget.time_limit is None else _SHARE * clock.remaining
    short = Budget(time_limit=limit, evaluations=most, threads=budget.threads)
    return list(SimulatedAnnealing().solve(model, short, seed, inner).answers[:1])


def _outcome(model: Qubo, tree: "Tree", usage: Usage, gap: float) -> Outcome:
    details = {
        "nodes": tree.nodes, "enumerated": tree.enumerated, "root_bound": tree.root_bound,
        "cuts": tree.cuts, "steps": tree.steps,
    }
    assert tree.answer is not None, "annealing gives an answer in any time"
    answers = tree.answer[None]
    if tree.proven:
        reason = f"branch and bound closed all of {tree.nodes} nodes"
        return Outcome(
            Status.OPTIMAL, answers, bound=tree.best, usage=usage, reason=reason, details=details
        )
    reason = f"ended after {tree.nodes} nodes with {tree.waiting} open"
    if not tree.waiting:
        reason = f"the search ended at its gap of {gap:g}"
    return Outcome(
        Status.FEASIBLE, answers, bound=tree.bound, usage=usage, reason=reason, details=details
    )
