"""Convex mixed-integer quadratic programs, proven by branch and bound."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError, UnsupportedError, UsageError
from qopt.forms import Program
from qopt.solver import Budget, Clock, Outcome, Progress, Status, Usage

from .bounds_qubo import program_floor
from .milp import rounded
from .proof import activity, settle, without_variables
from .starts import feasible_starts

if TYPE_CHECKING:
    from .miqp_model import Convex
    from .miqp_tree import Tree

_OPTIMAL_TOLERANCE = 1e-6
"""Relative distance of answer and bound at which an answer is called optimal, as in `Milp`."""

_LARGEST_WHOLE_ROW = 2.0**16
"""Largest sum of sizes of an equality of whole variables, in units of its smallest coefficient:
beyond it a value within a millionth of a whole one may be off by a unit, and optima are lost."""

_CANCELLED = 1e-4
"""Share of the objective's parts below which its value counts as their cancellation."""

_OF_LEAST, _OF_LARGEST = 1e3, 1e-7
"""Multiples of the smallest and of the largest coefficient up to which the relaxation's parts say
what is near zero: beside a huge coefficient, small ones must not pass for rounding, unless they are
below 1e-17 of it."""


@dataclass(frozen=True, kw_only=True)
class Miqp:
    """Branch and bound on convex quadratic relaxations, for programs as they are.

    It takes continuous, integer and binary variables, free and negative ones too, and an objective
    whose quadratic part is convex (to maximise: concave). Nothing is linearised. Squares of
    binaries are themselves, so that a quadratic part that is not convex in binaries is made so;
    in other variables it is refused.

    The relaxation at the root is strengthened. A diagonal that the quadratic part can spare, found
    by coordinate ascent on the semidefinite problem (Dong, SIAM Journal on Optimization 26, 2016,
    1962-1985), goes into the linear terms of binaries (Billionnet and Elloumi, Mathematical
    Programming 109, 2007, 55-68), and into perspective terms of variables that a binary switches
    off (Frangioni and Gentile, Mathematical Programming 106, 2006, 225-236): rows ``x <= u z``
    with ``x >= 0`` or ``x >= l z``, as in portfolios with a minimum holding. Equations are squared
    and added first, which lets more be spared under "exactly k". The relaxations are solved by a
    warm-started dual active-set method (Goldfarb and Idnani, Mathematical Programming 27, 1983,
    1-33; Bertsimas and Shioda, Computational Optimization and Applications 43, 2009, 1-22, for
    portfolios). Bounds are calculated from the dual so that they hold however inexact a
    relaxation's solution is (Neumaier and Shcherbina, Mathematical Programming 99, 2004, 283-296),
    up to the rounding of double precision.

    An answer is called optimal where it is within a relative 1e-6 of the bound. Constraints hold
    within the program's own tolerance. The search takes one thread, and without a time limit one
    program gives one answer. ``Budget.evaluations`` is the number of nodes.

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
        model: Program,
        budget: Budget,
        seed: int,
        progress: Progress,
        *,
        start: Sequence[Any] = (),
    ) -> Outcome:
        """Solve one program; see `qopt.solver.Solver`. The seed is not needed.

        Raises
        ------
        InputError
            Where the program is unbounded.
        UnsupportedError
            Where the objective is not convex (to maximise: not concave) in variables that are not
            binary, and for equalities of whole variables with very large terms.
        SizeError
            Above 1500 variables.
        """
        if model.num_variables == 0:
            return without_variables(model)
        usage = Usage()
        with usage.phase("setup"):
            from threadpoolctl import threadpool_limits

            from .miqp_kernels import prepare
            from .miqp_model import convex_model
            from .miqp_tree import Tree

            prepare()
        clock = budget.start()
        with threadpool_limits(limits=1, user_api="blas"):
            with usage.phase("compile"):
                _check_equalities(model)
                # Tolerances are relative, and a constant makes no answer good.
                bare = replace(model, offset=0.0)
                convex = convex_model(bare)
            if convex is None:
                reason = "the bounds and constraints leave a variable no value"
                return Outcome(Status.PROVEN_INFEASIBLE, usage=usage, reason=reason)
            answers = _Answers(bare, convex, progress, model.offset)
            tree = Tree(
                convex, self.gap, _ended(clock, budget, progress), lambda: clock.remaining,
                answers.take, answers.bound,
            )
            with usage.phase("execute"):
                for answer in feasible_starts(model, start)[:1]:
                    tree.begin_with(answer)
                tree.run()
                if tree.state == "unbounded":
                    return self._told_apart(model, budget, clock, progress, usage)
        usage.evaluations = tree.nodes
        with usage.phase("decode"):
            return self._outcome(tree, answers, usage)

    def _told_apart(
        self, model: Program, budget: Budget, clock: Clock, progress: Progress, usage: Usage
    ) -> Outcome:
        """A program with an unbounded relaxation is unbounded itself where it has any answer."""
        from .miqp_model import convex_model
        from .miqp_tree import Tree

        nothing = np.zeros(0)
        bare = replace(
            model, linear=np.zeros(model.num_variables), row=nothing.astype(np.int64),
            col=nothing.astype(np.int64), value=nothing, offset=0.0,
        )
        convex = convex_model(bare)
        assert convex is not None, "bounds and constraints are the same"
        answers = _Answers(bare, convex, Progress())
        tree = Tree(
            convex, self.gap, _ended(clock, budget, progress), lambda: clock.remaining,
            answers.take, _keep,
        )
        tree.run()
        if answers.best is not None:
            where = "below" if model.sense == "minimise" else "above"
            raise InputError(
                f"the program is unbounded {where}: its objective can be improved without end; "
                "give its variables bounds"
            )
        if tree.state == "infeasible":
            reason = "branch and bound proved that there is no feasible answer"
            return Outcome(Status.PROVEN_INFEASIBLE, usage=usage, reason=reason)
        reason = "the budget ended before an answer was found"
        return Outcome(Status.TIME_LIMIT, usage=usage, reason=reason)

    def _outcome(self, tree: "Tree", answers: "_Answers", usage: Usage) -> Outcome:
        root = answers.true(tree.root_bound)
        details: dict[str, Any] = {
            "nodes": tree.nodes, "relaxation": None if root is None else root + answers.constant,
            "indicators": len(tree.pairs.member),
        }
        if tree.state == "infeasible":
            reason = "branch and bound proved that there is no feasible answer"
            return Outcome(Status.PROVEN_INFEASIBLE, usage=usage, reason=reason, details=details)
        bound = answers.true(tree.bound)
        floor = program_floor(answers.program)
        if bound is None and np.isfinite(floor):
            bound = floor
        status, reason = Status.TIME_LIMIT, ""
        if answers.best is not None:
            status, bound = settle(
                answers.program.objective(answers.best), bound, sign=answers.convex.sign,
                tolerance=_OPTIMAL_TOLERANCE,
                floor=_OPTIMAL_TOLERANCE * _CANCELLED * _size(tree, answers, answers.best),
            )
            if status is not Status.OPTIMAL and tree.state == "optimal":
                reason = f"the search ended at its gap of {self.gap:g}"
        elif tree.state == "limit":
            reason = "the budget ended before an answer was found"
        else:
            reason = "no answer was found that keeps every constraint within its tolerance"
        return Outcome(
            status, [] if answers.best is None else [answers.best],
            bound=None if bound is None else bound + answers.constant,
            usage=usage, reason=reason, details=details,
        )


def _size(tree: "Tree", answers: "_Answers", best: NDArray[np.float64]) -> float:
    """What rounding is a share of: the size of the objective's parts.

    Those of the answer itself or, as all of these may be zero, those of the root's relaxation, as
    far as these are not due to coefficients beside which others are lost.
    """
    program = answers.program
    sizes = np.abs(np.concatenate([program.linear, program.value]))
    least = float(sizes[sizes > 0.0].min(initial=np.inf))
    most = max(_OF_LEAST * least, _OF_LARGEST * float(sizes.max(initial=0.0)))
    return max(activity(program, best), min(tree.size / answers.convex.scale, most))


def _check_equalities(model: Program) -> None:
    """Refuse an equality of which wholeness to a millionth is worth a good part of a unit.

    Raises
    ------
    UnsupportedError
    """
    reach = np.maximum(np.abs(model.lower), np.abs(model.upper))
    reach[np.isinf(reach)] = 1.0
    for item in model.constraints:
        whole = model.integer[item.indices]
        if item.comparator != "==" or not len(whole) or not whole.all():
            continue
        size = max(float(np.abs(item.coefficients) @ reach[item.indices]), abs(item.rhs))
        if size > _LARGEST_WHOLE_ROW * float(np.abs(item.coefficients).min()):
            raise UnsupportedError(
                f"constraint {item.name!r} is an equality of whole variables and its terms add up "
                f"to {size:g}, above {_LARGEST_WHOLE_ROW:.0f} of its smallest coefficient: branch "
                "and bound in floating point loses answers of it; solve it with 'cpsat'"
            )


def _ended(clock: Clock, budget: Budget, progress: Progress) -> Callable[[int], bool]:
    """Whether a search that has seen so many nodes should end."""

    def ended(nodes: int) -> bool:
        spent = budget.evaluations is not None and nodes >= budget.evaluations
        return spent or clock.expired or progress.stopping

    return ended


def _keep(bound: float) -> None:
    """Tell nobody."""


class _Answers:
    """Judges answers by the program itself, keeps the best, and tells of it.

    The program has no constant; what is told to others has the `constant` that it was given.
    """

    def __init__(
        self, program: Program, convex: "Convex", progress: Progress, constant: float = 0.0
    ) -> None:
        self.program, self.convex, self.progress = program, convex, progress
        self.constant = constant
        self.best: NDArray[np.float64] | None = None
        self._least = np.inf

    def take(self, values: NDArray[np.float64]) -> float | None:
        """The value that the search minimises; None where the answer breaks a constraint."""
        answer = rounded(self.program, values)
        if self.program.violations(answer):
            return None
        objective = self.program.objective(answer)
        value = self.convex.sign * self.convex.scale * objective
        if value < self._least:
            self._least, self.best = value, answer
            self.progress.incumbent(objective + self.constant)
        return value

    def bound(self, value: float) -> None:
        """Pass a bound of the search on."""
        true = self.true(value)
        if true is not None:
            self.progress.bound(true + self.constant)

    def true(self, value: float) -> float | None:
        """A bound in the program's units; None where there is none."""
        return self.convex.true(value) if np.isfinite(value) else None
