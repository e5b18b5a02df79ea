"""Exact solution of a small QUBO by visiting every answer that keeps its groups."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from math import ceil, comb, inf, log2, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import SizeError, UsageError
from qopt.forms import Group, Qubo, Table
from qopt.solver import Budget, Clock, Outcome, Progress, Status, Usage

from .bounds_qubo import trivial_bound

GRAY_BITS = 12
"""Bits that one run of the Gray code changes before the energy is computed afresh."""

CHUNK = 1 << 21
"""Answers between two looks at the clock; a few milliseconds."""

UNIT_COST = 64
"""What beginning a unit costs at most, in answers."""

MOST_BITS = 48
"""Largest limit that may be asked for; 2**48 answers take days."""

MOST_VARIABLES = 4096
"""Variables of the largest model, whatever its groups leave open: couplings are held densely."""

ROUNDING = 1e-12
"""Rounding error of an energy in a run of the Gray code, relative to the sum of all coefficients:
``2**GRAY_BITS`` additions, each off by at most ``2**-53``."""


@dataclass(frozen=True, kw_only=True)
class Exact:
    """Visits every answer of a QUBO that keeps its groups, and proves the optimum.

    In a table, which holds the value of every bit string, the least is looked up.

    Without groups there are ``2**n`` answers; an exactly-k group of n bits leaves C(n, k) choices
    instead of ``2**n``. Choices of members run in lexicographic order, the other bits in Gray code.
    A unit of ``budget.evaluations`` is one answer visited, in steps of the size of a block; a run
    that ends early has only the sum of every term at its best as a bound. Threads share the blocks.

    Parameters
    ----------
    max_bits : int
        Refuse a model with more than ``2**max_bits`` answers to visit; at most 48. Every bit
        doubles the time: 28 take less than a second on one thread, 36 some minutes.
    keep : int
        Optimal answers to return at most; all are counted. What is counted is what presolve leaves,
        which keeps one optimum for sure: ``presolve=false`` counts them all.
    """

    max_bits: int = 28
    keep: int = 1000

    def __post_init__(self) -> None:
        if not 1 <= self.max_bits <= MOST_BITS:
            raise UsageError(f"max_bits must be 1 to {MOST_BITS}, got {self.max_bits}")
        if self.keep < 1:
            raise UsageError(f"keep must be at least 1, got {self.keep}")

    def solve(
        self, model: Qubo | Table, budget: Budget, seed: int, progress: Progress
    ) -> Outcome:
        """Visit every answer; the seed plays no part."""
        usage = Usage()
        if isinstance(model, Table):
            return self._look_up(model, usage, progress)
        total = self._check_size(model)
        with usage.phase("setup"):
            from .exact_kernels import sweep

            _sweep_block(sweep, _Space(Qubo.from_arrays([0.0])), 0, 1, 0.0, 1)
        clock = budget.start()
        with usage.phase("compile"):
            space = _Space(model)
        with usage.phase("execute"):
            floor = trivial_bound(model)
            progress.bound(floor)
            search = _Search(space, self.keep, budget, clock, progress)
            search.run(sweep)
        usage.evaluations = search.visited
        return self._outcome(model, search, total, usage, floor)

    def _check_size(self, model: Qubo) -> int:
        """How many answers there are to visit."""
        total = count_answers(model)
        bits = ceil(log2(total))
        if bits > self.max_bits:
            raise SizeError(
                "exact enumeration", bits, self.max_bits, "bits of choice",
                f"{model.num_variables} variables and {len(model.groups)} groups leave "
                f"2**{log2(total):.3g} answers; raise max_bits (each bit doubles the time) or take "
                "a heuristic such as sa",
            )
        if model.num_variables > MOST_VARIABLES:
            raise SizeError("exact enumeration", model.num_variables, MOST_VARIABLES)
        return total

    def _look_up(self, model: Table, usage: Usage, progress: Progress) -> Outcome:
        """The least values of a table."""
        with usage.phase("execute"):
            best = float(model.values.min())
            least = np.flatnonzero(model.values == best)
        count = len(model.values)
        usage.evaluations = count
        details = {"answers": model.num_feasible, "visited": count}
        if not model.num_feasible:
            return Outcome(
                Status.PROVEN_INFEASIBLE, usage=usage, details=details,
                reason=f"none of {count} bit strings stands for a feasible answer",
            )
        progress.incumbent(best)
        progress.bound(best)
        answers = model.samples(least[: self.keep])
        return Outcome(
            Status.OPTIMAL, answers, bound=best, usage=usage,
            reason=f"the least of the values of {count} bit strings",
            details={**details, "optimal_answers": len(least), "returned": len(answers)},
        )

    def _outcome(
        self, model: Qubo, search: "_Search", total: int, usage: Usage, floor: float
    ) -> Outcome:
        details = {"answers": total, "visited": search.visited}
        if search.visited == 0:
            return Outcome(
                Status.TIME_LIMIT, bound=floor, usage=usage, details=details,
                reason="the budget ended before the first answer",
            )
        answers, count = search.best_answers()
        energies = model.energies(answers)
        order = np.argsort(energies, kind="stable")
        answers, energies = answers[order], energies[order]
        whole = count == len(answers)
        if whole:
            # All candidates are here: those that only rounding brought in can be told apart.
            close = energies <= energies[0] + ROUNDING / 10 * search.space.scale
            answers, count = answers[close], int(close.sum())
        if search.visited < total:
            reason = f"ended after {search.visited} of {total} answers"
            return Outcome(
                Status.FEASIBLE, answers, bound=min(floor, float(energies[0])), usage=usage,
                reason=reason, details=details,
            )
        best = float(energies[0])
        details = {**details, "optimal_answers": count, "returned": len(answers)}
        reason = f"every one of {total} answers was visited"
        if whole or search.space.exact:
            search.progress.bound(best)
            return Outcome(
                Status.OPTIMAL, answers, bound=best, usage=usage, reason=reason, details=details
            )
        # One of those that were not kept may be better by as much as rounding hides.
        bound = min(best, search.best + search.space.offset - search.space.tolerance)
        search.progress.bound(bound)
        reason += f"; rounding leaves {count} that may be the best, and keep={self.keep} of them"
        return Outcome(
            Status.FEASIBLE, answers, bound=bound, usage=usage, reason=reason, details=details
        )


def count_answers(model: Qubo) -> int:
    """How many bit strings keep the groups of a model."""
    grouped = sum(len(group.members) for group in model.groups)
    choices = prod(comb(len(group.members), group.size) for group in model.groups)
    return int(choices) << (model.num_variables - grouped)


def best_of(model: Qubo) -> tuple[float, NDArray[np.int8]]:
    """Energy and bits of the best answer of a model with few answers, by visiting them all."""
    from .exact_kernels import sweep

    space = _Space(model)
    _, _, found = _sweep_block(sweep, space, 0, space.units, space.tolerance, 16)
    answers = np.zeros((len(found), space.variables), dtype=np.int8)
    answers[:, space.order] = found
    energies = model.energies(answers)
    best = int(energies.argmin())
    return float(energies[best]), answers[best]


class _Space:
    """The answers of a model in the order in which they are visited, cut into units."""

    def __init__(self, model: Qubo) -> None:
        # Members of empty groups are zero in every answer; they are left out.
        self.groups = [group for group in model.groups if group.size > 0]
        # The group with most choices changes fastest, so that most steps are cheap.
        self.groups.sort(key=lambda group: comb(len(group.members), group.size))
        grouped = [i for group in self.groups for i in group.members]
        taken = {i for group in model.groups for i in group.members}
        bits = [i for i in range(model.num_variables) if i not in taken]
        self.order = np.array(grouped + bits, dtype=np.int64)
        self.variables = model.num_variables
        self.free = len(grouped)
        self.low = min(len(bits), GRAY_BITS)
        self.high = len(bits) - self.low
        self.choices = prod(comb(len(g.members), g.size) for g in self.groups)
        self.units = self.choices << self.high
        upper = model.to_matrix()
        np.fill_diagonal(upper, 0.0)
        self.coupling = np.ascontiguousarray((upper + upper.T)[np.ix_(self.order, self.order)])
        self.linear = model.linear[self.order]
        self.offset = model.offset
        self.scale = float(np.abs(self.linear).sum() + np.abs(self.coupling).sum() / 2)
        self.exact = model.is_integral and self.scale < 2.0**53
        self.tolerance = 0.25 if self.exact else ROUNDING * self.scale
        self.first, self.limit, self.resume = self._levels()

    def _levels(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """The arrays that `exact_kernels.sweep` describes."""
        first, limit, resume = [], [], []
        start = 0
        for group in self.groups:
            end = start + len(group.members)
            for level in range(group.size):
                first.append(start if level == 0 else -1)
                limit.append(end - group.size + level)
                resume.append(end if level == group.size - 1 else -1)
            start = end
        return np.array(first, np.int64), np.array(limit, np.int64), np.array(resume, np.int64)

    def choice(self, rank: int) -> NDArray[np.int64]:
        """The members that the choice of this rank takes, as positions in `order`."""
        chosen: list[int] = []
        end = self.free
        for group in reversed(self.groups):
            size = comb(len(group.members), group.size)
            end -= len(group.members)
            chosen = [end + member for member in _combination(group, rank % size)] + chosen
            rank //= size
        return np.array(chosen, dtype=np.int64)


def _combination(group: Group, rank: int) -> list[int]:
    """The combination of this rank in lexicographic order, as positions in the group."""
    members = []
    position = 0
    for left in range(group.size, 0, -1):
        while (block := comb(len(group.members) - position - 1, left - 1)) <= rank:
            rank -= block
            position += 1
        members.append(position)
        position += 1
    return members


def _sweep_block(
    sweep: Any, space: _Space, start: int, units: int, tolerance: float, keep: int
) -> tuple[float, int, NDArray[np.int8]]:
    """Best energy, number of answers that have it, and some of these, among some units."""
    found = np.zeros((keep, len(space.order)), dtype=np.int8)
    best, count = sweep(
        space.linear, space.coupling, space.choice(start >> space.high), space.first, space.limit,
        space.resume, space.free, space.low, start & ((1 << space.high) - 1), units, tolerance,
        found,
    )
    return best, count, found[: min(count, keep)].copy()


@dataclass
class _Search:
    """Blocks of answers, visited by one thread or several."""

    space: _Space
    keep: int
    budget: Budget
    clock: Clock
    progress: Progress
    visited: int = 0
    best: float = inf
    results: list[tuple[int, float, int, NDArray[np.int8]]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, sweep: Any) -> None:
        """Visit all blocks, or those that the budget allows."""
        blocks = self._blocks()

        def work() -> None:
            while not (self.progress.stopping or self.clock.expired):
                with self._lock:
                    block = next(blocks, None)
                if block is None:
                    return
                self._visit(sweep, *block)

        with ThreadPoolExecutor(self.budget.threads) as pool:
            for done in [pool.submit(work) for _ in range(self.budget.threads)]:
                done.result()

    def _blocks(self) -> Iterator[tuple[int, int]]:
        """First unit and number of units of each block."""
        unit = 1 << self.space.low
        units = self.space.units
        if self.budget.evaluations is not None:
            units = min(units, max(1, self.budget.evaluations // unit))
        step = max(1, CHUNK // (unit + UNIT_COST))
        return ((start, min(step, units - start)) for start in range(0, units, step))

    def _visit(self, sweep: Any, start: int, units: int) -> None:
        space = self.space
        best, count, found = _sweep_block(sweep, space, start, units, space.tolerance, self.keep)
        with self._lock:
            self.visited += units << space.low
            if best < self.best - space.tolerance:
                self.progress.incumbent(best + space.offset)
            self.best = min(self.best, best)
            self.results = [
                result for result in [*self.results, (start, best, count, found)]
                if result[1] <= self.best + space.tolerance
            ]
            self.progress.step((start + units) / space.units)

    def best_answers(self) -> tuple[NDArray[np.int8], int]:
        """The best answers that were kept, in the order of visits, and how many there are."""
        results = sorted(self.results, key=lambda result: result[0])
        found = np.concatenate([result[3] for result in results])[: self.keep]
        answers = np.zeros((len(found), self.space.variables), dtype=np.int8)
        answers[:, self.space.order] = found
        return answers, sum(result[2] for result in results)
