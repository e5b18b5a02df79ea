"""Mixed-integer programming through PuLP, with HiGHS or CBC."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError, UsageError
from qopt.forms import Program
from qopt.solver import Budget, Clock, Outcome, Progress, Status, Usage

from .cbc import Cbc
from .highs import Highs
from .linearise import linearise
from .milp_model import Found, Limits, PulpModel, Watch, pulp_model
from .proof import settle, without_variables
from .single_square import single_square
from .slacks import without_slacks

_OPTIMAL_TOLERANCE = 1e-6
"""Relative distance of answer and bound within which both libraries prove optimality."""

_PASSING = 1.8
"""Time that PuLP takes to pass a model to a library, as a multiple of what building it took; the
tour of 280 cities measured."""


@dataclass(frozen=True, kw_only=True)
class Milp:
    """Branch and cut on a linear program, built with PuLP.

    Products in an objective are linearised; where it is the square of one whole variable, that
    variable stands for it. Equalities with a slack are passed on as inequalities. The answer's
    whole variables are rounded, and it is evaluated with the program itself. HiGHS and CBC
    calculate in floating point: bounds and proofs hold within a relative 1e-6, and constraints
    within the program's own tolerance.

    ``Budget.evaluations`` is the number of branch-and-bound nodes.

    Parameters
    ----------
    backend : {"highs", "cbc"}
        HiGHS runs inside the process and reports answers and bounds as they come; CBC runs as a
        child process and reports at its end.
    gap : float
        Relative distance between answer and bound at which the search may end, at least 0. Above 0
        the answer is called optimal only where it reaches the bound all the same.
    strengthen : bool
        Whether equality constraints over binaries are multiplied by binaries, which ties the
        products of a quadratic objective together.
    """

    backend: Literal["highs", "cbc"] = "highs"
    gap: float = 0.0
    strengthen: bool = True

    def __post_init__(self) -> None:
        if self.backend not in ("highs", "cbc"):
            raise UsageError(f"backend must be 'highs' or 'cbc', got {self.backend!r}")
        if not 0.0 <= self.gap < np.inf:
            raise UsageError(f"gap must be at least 0 and finite, got {self.gap}")

    def solve(self, model: Program, budget: Budget, seed: int, progress: Progress) -> Outcome:
        """Solve one program; see `qopt.solver.Solver`.

        Raises
        ------
        InputError
            Where the program is unbounded.
        UnsupportedError
            For products of continuous variables, or with variables without bounds, and for rows of
            whole variables whose sums are beyond the backend's arithmetic.
        SizeError
            Above 100 000 products.
        MissingPackageError
            Where the backend is not installed.
        """
        if model.num_variables == 0:
            return without_variables(model)
        usage = Usage()
        with usage.phase("setup"):
            import pulp  # noqa: F401  the import is what takes time
        clock = budget.start()
        with usage.phase("compile"):
            square = single_square(model)
            inner = model if square is None else square.program
            slim = without_slacks(linearise(inner, strengthen=self.strengthen).model)
            linear: Program = slim.model
            begun = clock.elapsed
            problem = pulp_model(linear, give_up=lambda: clock.expired or progress.stopping)
            if problem is not None and square is not None:
                problem = replace(problem, outer=square.square)
            passing = _PASSING * (clock.elapsed - begun)
            if problem is not None and passing < clock.remaining:
                search = self._load(problem, budget, seed)
            else:
                problem = None
        if problem is None or clock.expired or progress.stopping:
            reason = "the budget ended while the model was built"
            return Outcome(Status.TIME_LIMIT, usage=usage, reason=reason)
        watch = _Watch(model, problem, progress, slim.decode)
        with usage.phase("execute"):
            found = search.run(clock.remaining, watch)
            if found.state == "unbounded":
                found = self._told_apart(linear, budget, seed, clock, progress)
        usage.evaluations = found.nodes
        with usage.phase("decode"):
            details = {"variables": linear.num_variables, "rows": len(linear.constraints)}
            if found.values is not None:
                found = replace(found, values=slim.decode(found.values))
            return self._outcome(model, problem, found, usage, {**details, "nodes": found.nodes})

    def _load(self, problem: PulpModel, budget: Budget, seed: int) -> Highs | Cbc:
        limits = Limits(budget.evaluations, budget.threads, seed, self.gap)
        return Highs(problem, limits) if self.backend == "highs" else Cbc(problem, limits)

    def _told_apart(
        self, linear: Program, budget: Budget, seed: int, clock: Clock, progress: Progress
    ) -> Found:
        """An unbounded program has a feasible answer when its objective is left out."""
        problem = pulp_model(linear, objective=False)
        assert problem is not None
        found = self._load(problem, budget, seed).run(clock.remaining, Watch(progress))
        if found.state == "optimal":
            where = "below" if linear.sense == "minimise" else "above"
            raise InputError(
                f"the program is unbounded {where}: its objective can be improved without end; "
                "give its variables bounds"
            )
        # Bounds and values belong to the program without its objective. Without one, "infeasible
        # or unbounded" can only mean infeasible.
        return Found("limit" if found.state == "limit" else "infeasible", nodes=found.nodes)

    def _outcome(
        self,
        model: Program,
        problem: PulpModel,
        found: Found,
        usage: Usage,
        details: dict[str, Any],
    ) -> Outcome:
        if found.state == "infeasible":
            reason = f"{self.backend} proved that there is no feasible answer"
            return Outcome(Status.PROVEN_INFEASIBLE, usage=usage, reason=reason, details=details)
        bound = None if found.bound is None else problem.true(found.bound)
        if found.values is None:
            bound = None if problem.unseen else bound
            reason = f"the budget ended before {self.backend} found an answer"
            return Outcome(
                Status.TIME_LIMIT, bound=bound, usage=usage, reason=reason, details=details
            )
        answer = rounded(model, found.values[: model.num_variables])
        if broken := model.violations(answer):
            reason = f"the rounded answer breaks a constraint: {broken[0][0]}"
            return Outcome(
                Status.INFEASIBLE_ANSWERS, [answer], bound=bound, usage=usage, reason=reason,
                details=details,
            )
        tolerance = _OPTIMAL_TOLERANCE if found.state == "optimal" and self.gap == 0.0 else 1e-9
        objective = model.objective(answer)
        if bound is not None and problem.unseen > tolerance * max(abs(objective), abs(bound)):
            reason = (
                f"nothing is proven: beside the largest coefficient of the objective, others are "
                f"within {self.backend}'s tolerances"
            )
            return Outcome(
                Status.FEASIBLE, [answer], usage=usage, reason=reason, details=details
            )
        status, proven = settle(
            objective,
            bound,
            sign=problem.sign,
            tolerance=tolerance,
            floor=0.0 if problem.outer else tolerance / problem.scale,
        )
        reason = ""
        if status is not Status.OPTIMAL and found.state == "optimal":
            reason = f"{self.backend} ended at its gap of {self.gap:g}"
        return Outcome(
            status, [answer], bound=proven, usage=usage, reason=reason, details=details
        )


class _Watch(Watch):
    """Tells `progress` of answers and bounds that are better than those before."""

    def __init__(
        self, program: Program, problem: PulpModel, progress: Progress,
        decode: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    ) -> None:
        super().__init__(progress)
        self.program, self.problem, self.decode = program, problem, decode
        self.best = float("inf")
        self.proven = float("-inf")

    def answer(self, values: NDArray[np.float64]) -> None:
        """Look at an answer of the linear program."""
        answer = rounded(self.program, self.decode(values)[: self.program.num_variables])
        objective = self.program.objective(answer)
        if self.problem.sign * objective < self.best and not self.program.violations(answer):
            self.best = self.problem.sign * objective
            self.progress.incumbent(objective)

    def bound(self, value: float) -> None:
        """Look at a lower bound of the PuLP problem."""
        if value > self.proven and not self.problem.unseen:
            self.proven = value
            self.progress.bound(self.problem.true(value))


def rounded(program: Program, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """`values` with whole variables rounded; unrounded where only that is feasible.

    Only continuous variables can have been set to fit unrounded ones. A row of whole variables that
    rounding breaks is kept within the tolerance of wholeness alone, which a huge coefficient turns
    into units.
    """
    whole = np.where(program.integer, np.rint(values), values) + 0.0  # no negative zeros
    broken = [c for c in program.constraints if c.excess(whole) > c.tolerance]
    if any(program.integer[c.indices].all() for c in broken) or not program.violations(whole):
        return whole
    return whole if program.violations(values) else values
