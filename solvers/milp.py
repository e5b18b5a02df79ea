"""Mixed-integer programming through PuLP, with HiGHS or CBC."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError, UsageError
from qopt.forms import Program
from qopt.solver import Budget, Clock, Outcome, Progress, Status, Usage

from .bounds_qubo import prepare_bound, program_bound, program_floor
from .cbc import Cbc
from .highs import Highs
from .linearise import linearise
from .milp_model import Found, Limits, PulpModel, Watch, pulp_model
from .proof import settle, without_variables
from .single_square import single_square
from .slacks import without_slacks
from .starts import feasible_starts

_OPTIMAL_TOLERANCE = 1e-6
"""Relative distance of answer and bound within which both libraries prove optimality."""

_BOUND_SHARE = 0.05
"""Share of the budget for a bound by other means."""

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
    within the program's own tolerance. Bounds are never below the sum of every term at its best;
    those of quadratic programs of up to 200 bits are never below a semidefinite one
    (`bounds_qubo.program_bound`).

    ``Budget.evaluations`` is the number of branch-and-bound nodes.

    Parameters
    ----------
    backend : {"highs", "cbc"}
        HiGHS runs inside the process; CBC runs as a child process, and what it reports is read from
        its log.
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

    def solve(
        self,
        model: Program,
        budget: Budget,
        seed: int,
        progress: Progress,
        *,
        start: Sequence[Any] = (),
    ) -> Outcome:
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

            prepare_bound(model)
        clock = budget.start()
        watch = _Watch(model, progress)
        for given in feasible_starts(model, start):
            watch.take(given)
        with usage.phase("compile"):
            square = single_square(model)
            inner = model if square is None else square.program
            lowering = linearise(inner, strengthen=self.strengthen)
            slim = lowering.then(without_slacks(lowering.model))
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
            return watch.ended("the budget ended while the model was built", usage)
        watch.problem, watch.decode = problem, slim.decode
        with usage.phase("execute"):
            end = clock.elapsed + _BOUND_SHARE * clock.remaining
            watch.raise_to(program_bound(model, lambda: clock.elapsed > end or progress.stopping))
            if watch.found is not None and slim.encode is not None:
                search.start_from(slim.encode(watch.found))
            found = search.run(clock.remaining, watch)
            if found.state == "unbounded":
                found = self._told_apart(linear, budget, seed, clock, progress)
        usage.evaluations = found.nodes
        with usage.phase("decode"):
            details = {"variables": linear.num_variables, "rows": len(linear.constraints)}
            if found.values is not None:
                found = replace(found, values=slim.decode(found.values))
            return self._outcome(model, watch, found, usage, {**details, "nodes": found.nodes})

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
        watch: "_Watch",
        found: Found,
        usage: Usage,
        details: dict[str, Any],
    ) -> Outcome:
        problem, broken = watch.problem, ""
        assert problem is not None
        if found.values is not None:
            answer = rounded(model, found.values[: model.num_variables])
            violations = model.violations(answer)
            broken = violations[0][0] if violations else ""
            watch.take(answer)
        if found.state == "infeasible" and watch.found is None:
            reason = f"{self.backend} proved that there is no feasible answer"
            return Outcome(Status.PROVEN_INFEASIBLE, usage=usage, reason=reason, details=details)
        bound = None if found.bound is None else problem.true(found.bound)
        if watch.found is None and not broken:
            bound = watch.tighter(None if problem.unseen else bound)
            reason = f"the budget ended before {self.backend} found an answer"
            return Outcome(
                Status.TIME_LIMIT, bound=bound, usage=usage, reason=reason, details=details
            )
        if watch.found is None:
            reason = f"the rounded answer breaks a constraint: {broken}"
            return Outcome(
                Status.INFEASIBLE_ANSWERS, [answer], bound=watch.tighter(bound), usage=usage,
                reason=reason, details=details,
            )
        tolerance = _OPTIMAL_TOLERANCE if found.state == "optimal" and self.gap == 0.0 else 1e-9
        objective, reason, constant = model.objective(watch.found), "", model.offset
        if bound is not None and problem.unseen > tolerance * max(
            abs(objective - constant), abs(bound - constant)
        ):
            bound = None
            reason = (
                f"nothing is proven: beside the largest coefficient of the objective, others are "
                f"within {self.backend}'s tolerances"
            )
        status, proven = settle(
            objective,
            bound,
            sign=problem.sign,
            tolerance=tolerance,
            floor=0.0 if problem.outer else tolerance / problem.scale,
            constant=constant,
        )
        if status is not Status.OPTIMAL:  # what holds anyway needs no slack for the search's losses
            status, proven = settle(
                objective, watch.tighter(proven), sign=problem.sign, tolerance=1e-9, floor=0.0,
                constant=constant,
            )
        if status is Status.OPTIMAL:
            reason = ""
        elif not reason and found.state == "optimal":
            reason = f"{self.backend} ended at its gap of {self.gap:g}"
        return Outcome(
            status, [watch.found], bound=proven, usage=usage, reason=reason, details=details
        )


class _Watch(Watch):
    """Keeps the best answer, and tells `progress` of answers and bounds better than before.

    Attributes
    ----------
    found : ndarray of float64 or None
        The best answer of the program.
    problem : PulpModel
        Set before the search.
    decode : callable
        From an answer of the linear program to one of the program.
    """

    def __init__(self, program: Program, progress: Progress) -> None:
        super().__init__(progress)
        self.program = program
        self.sign = 1.0 if program.sense == "minimise" else -1.0
        self.problem: PulpModel | None = None
        self.decode: Callable[[NDArray[np.float64]], NDArray[np.float64]] = lambda x: x
        self.found: NDArray[np.float64] | None = None
        self._best = self._reported = np.inf
        self._told = self._floor = -np.inf

    @property
    def stopping(self) -> bool:
        """Whether the search should end: by order, or because the best answer is optimal."""
        if self.found is None or not np.isfinite(self._floor):
            return self.progress.stopping
        constant = self.sign * self.program.offset
        size = max(abs(self._best - constant), abs(self._floor - constant))
        return self.progress.stopping or self._best - self._floor <= 1e-9 * size

    def answer(self, values: NDArray[np.float64]) -> None:
        """Look at an answer of the linear program."""
        self.take(rounded(self.program, self.decode(values)[: self.program.num_variables]))

    def take(self, answer: NDArray[np.float64]) -> None:
        """Look at an answer of the program."""
        objective = self.program.objective(answer)
        if self.sign * objective < self._best and not self.program.violations(answer):
            self._best, self.found = self.sign * objective, answer
            self._tell_of(objective)

    def objective(self, value: float) -> None:
        """Look at the objective of an answer of the PuLP problem that is not here yet."""
        assert self.problem is not None
        if not self.problem.unseen:
            self._tell_of(self.problem.true(value))

    def bound(self, value: float) -> None:
        """Look at a lower bound of the PuLP problem."""
        assert self.problem is not None
        if not self.problem.unseen:
            self._tell(self.problem.true(value))

    def raise_to(self, bound: float) -> None:
        """Take a bound that holds whatever the library says."""
        if np.isfinite(bound):
            self._floor = max(self._floor, self.sign * bound)
            self._tell(bound)

    def tighter(self, bound: float | None) -> float | None:
        """The better of a bound and the one that holds anyway."""
        known = [self.sign * bound] if bound is not None else []
        known += [self._floor] if np.isfinite(self._floor) else []
        return self.sign * max(known) if known else None

    def ended(self, reason: str, usage: Usage) -> Outcome:
        """The outcome of a run that ends before its search."""
        self.raise_to(program_floor(self.program))
        if self.found is None:
            return Outcome(
                Status.TIME_LIMIT, bound=self.tighter(None), usage=usage, reason=reason
            )
        return Outcome(
            Status.FEASIBLE, [self.found], bound=self.tighter(None), usage=usage, reason=reason
        )

    def _tell_of(self, objective: float) -> None:
        if self.sign * objective < self._reported:
            self._reported = self.sign * objective
            self.progress.incumbent(objective)

    def _tell(self, bound: float) -> None:
        if self.sign * bound > self._told:
            self._told = self.sign * bound
            self.progress.bound(bound)


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
