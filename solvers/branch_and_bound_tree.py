"""The search tree of branch and bound on a QUBO."""

import heapq
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from math import inf

import numpy as np
from numpy.typing import NDArray

from qopt.forms import Qubo
from qopt.solver import Budget, Clock, Progress

from .bounds_qubo import LATTICE, energy_unit, rounded_up, trivial_bound
from .branch_and_bound_node import FREE, Dense, Rest, globalised, localised, settle
from .exact import best_of
from .semidefinite import Ascent, Multipliers, first_multipliers

_Bits = NDArray[np.int8]

_OPTIMAL_TOLERANCE = 1e-6
"""Relative distance of answer and bound at which an answer is called optimal, as in `Milp`."""

_ROUNDING = 1e-15
"""What rounding adds to an energy, at most, relative to its constant."""

_ENUMERATED = 1 << 20
"""Answers up to which a node is enumerated: some milliseconds."""

_SMOOTHING = 0.1
_FINEST = 1e-3
_COOLING = 0.7
"""First and last smoothing of a bound, as a share of its size, and its decrease in each round."""

_REHEATED = 0.03
"""Least smoothing that a branch begins with."""

_STEPS = 100
_ROUNDS = 20
"""Quasi-Newton steps of a round, and rounds of a node at most."""

_HOPE = 2.0
"""A node is left to its branches where so many rounds like the last would not close it."""

_TOLD_AFTER = 0.05
"""Seconds between bounds that are told from within the root."""

_STEP_SECONDS = 2e-9
"""What a step of a bound is thought to take before one was timed, times the cube of the size."""


@dataclass(order=True)
class _Node:
    """A part of the search: fixed values, a bound from its parent, and where that was found."""

    bound: float
    number: int
    values: _Bits = field(compare=False)
    at: Multipliers | None = field(compare=False, default=None)
    smoothing: float = field(compare=False, default=_SMOOTHING)


@dataclass(frozen=True)
class _Done:
    """What looking at a node gave.

    Parameters
    ----------
    bound : float
        Lower bound of its answers.
    answer : ndarray of int8, optional
        A good answer in it.
    closed : bool
        Whether it is done with: its bound is that of its best answer, or it has none.
    children : tuple of _Node
    enumerated : bool
        Whether all its answers were visited.
    ended : bool
        Whether time ended the work.
    steps, cuts : int
        Steps taken, and triangles in use at their end.
    """

    bound: float
    answer: _Bits | None = None
    closed: bool = False
    children: tuple[_Node, ...] = ()
    enumerated: bool = False
    ended: bool = False
    steps: int = 0
    cuts: int = 0


class Tree:
    """Best-bound search, by one thread or in rounds of several.

    Parameters
    ----------
    model : Qubo
    gap : float
    budget : Budget
    clock : Clock
    progress : Progress

    Attributes
    ----------
    answer : ndarray of int8 or None
        The best answer.
    best : float
        Its energy.
    bound : float
        Lower bound of all energies.
    """

    def __init__(
        self, model: Qubo, gap: float, budget: Budget, clock: Clock, progress: Progress
    ) -> None:
        self.model, self.gap = model, gap
        self.budget, self.clock, self.progress = budget, clock, progress
        self.whole = Dense.of(model)
        self.unit = energy_unit(model)
        self.answer: _Bits | None = None
        self.best = inf
        self.bound = self.root_bound = -inf
        self.nodes = self.enumerated = self.steps = self.cuts = 0
        self._left = inf  # least bound of the branches that were left
        self._open: list[_Node] = []
        self._numbers = 0
        self._told = -inf
        self._raise(self._rounded(trivial_bound(model)))

    @property
    def waiting(self) -> int:
        """Open nodes."""
        return len(self._open)

    @property
    def proven(self) -> bool:
        """Whether the best answer is known to be optimal."""
        return self.bound >= self.best - self._slack(_OPTIMAL_TOLERANCE)

    def take(self, answer: _Bits) -> None:
        """Keep an answer of the model if it is feasible and better than the best."""
        if self.model.group_violations(answer)[0]:
            return
        energy = self.model.energy(answer)
        if energy < self.best:
            self.best, self.answer = energy, answer
            self.progress.incumbent(energy)

    def run(self) -> None:
        """Search until the optimum is proven or the budget is used."""
        values = np.full(self.model.num_variables, FREE, dtype=np.int8)
        if len(values) and self.whole.symmetric:
            # An answer and its complement are alike: one variable may be chosen freely.
            values[int(np.abs(self.whole.coupling).sum(axis=1).argmax())] = 0
        self._open = [_Node(self.bound, 0, values)]
        with ThreadPoolExecutor(self.budget.threads) as pool:
            while self._open and not self._ended(0.0) and not self.proven:
                chosen = self._next()
                done = (
                    list(pool.map(self._look, chosen)) if len(chosen) > 1
                    else [self._look(node) for node in chosen]
                )
                for node, result in zip(chosen, done, strict=True):
                    self._enter(node, result)
                self._tell()

    # -- the order of work ------------------------------------------------------------------

    def _next(self) -> list[_Node]:
        """The open nodes of least bound: one for each thread."""
        count = min(self.budget.threads, len(self._open))
        if self.budget.evaluations is not None:
            count = min(count, self.budget.evaluations - self.nodes)
        return [heapq.heappop(self._open) for _ in range(max(1, count))]

    def _ended(self, seconds: float) -> bool:
        """Whether to end now, where the next piece of work takes so many seconds."""
        spent = self.budget.evaluations is not None and self.nodes >= self.budget.evaluations
        return spent or self.progress.stopping or self.clock.remaining <= seconds

    def _enter(self, node: _Node, done: _Done) -> None:
        self.steps += done.steps
        self.enumerated += done.enumerated
        self.cuts = max(self.cuts, done.cuts)
        if done.answer is not None:
            self.take(done.answer)
        bound = max(node.bound, self._rounded(done.bound))
        if node.number == 0:
            self.root_bound = bound
        if done.ended:
            heapq.heappush(self._open, _Node(bound, node.number, node.values, node.at))
            return
        self.nodes += 1
        if done.closed or self._hopeless(bound):
            self._left = min(self._left, bound)
            return
        for child in done.children:
            self._numbers += 1
            child.bound, child.number = max(bound, child.bound), self._numbers
            heapq.heappush(self._open, child)

    def _tell(self) -> None:
        """Report the bound: the least of what is open and what was left."""
        least = min(self._left, self._open[0].bound if self._open else inf)
        while self._open and self._hopeless(self._open[0].bound):
            self._left = min(self._left, heapq.heappop(self._open).bound)
        self._raise(min(least, self.best))
        self.progress.step(None, f"{self.nodes} nodes, {self.waiting} open")

    def _raise(self, bound: float) -> None:
        if bound > self.bound:
            self.bound = bound
            self.progress.bound(bound)

    # -- bounds and energies ----------------------------------------------------------------

    def _slack(self, gap: float) -> float:
        """Distance to the best energy that counts as none."""
        if self.unit:
            return 1e-6 * self.unit
        # The constant is no part of what is to be found, but it is part of what rounds.
        size = max(abs(self.best - self.model.offset), 1e-3 * self.model.scale)
        return max(gap * size, _ROUNDING * abs(self.model.offset))

    def _hopeless(self, bound: float) -> bool:
        """Whether nothing better than the best answer is left below a bound."""
        return bound >= self.best - self._slack(self.gap)

    def _rounded(self, bound: float) -> float:
        """A bound, raised to the next energy that there can be."""
        return rounded_up(bound, self.model.offset, self.unit)

    @property
    def _target(self) -> float:
        """A bound from which on a node is hopeless."""
        if self.unit:
            steps = abs(self.best - self.model.offset) / self.unit
            return self.best - self.unit * (1.0 - min(1.0, 1e-3 + 2.0 * LATTICE * steps))
        return self.best - self._slack(self.gap)

    # -- one node ---------------------------------------------------------------------------

    def _look(self, node: _Node) -> _Done:
        rest = settle(self.whole, node.values)
        if rest is None:
            return _Done(inf, closed=True)
        if not len(rest.free):
            return _Done(rest.model.offset, rest.answer(np.zeros(0)), closed=True)
        # A choice of members costs a row of couplings, a flip in Gray code nothing to speak of.
        cost = 1 + len(rest.free) // 8 if rest.model.groups else 1
        if rest.answers * cost <= _ENUMERATED:
            energy, bits = best_of(rest.qubo())
            return _Done(energy, rest.answer(bits), closed=True, enumerated=True)
        return self._relax(node, rest)

    def _relax(self, node: _Node, rest: Rest) -> _Done:
        """Bound a node by its relaxation, and branch."""
        problem, constant = rest.quadratic()
        seconds = _STEP_SECONDS * problem.size**3

        def ended() -> bool:
            return self._ended(seconds)

        def told(bound: float) -> None:
            if node.number == 0 and self.clock.elapsed > self._told + _TOLD_AFTER:
                self._told = self.clock.elapsed
                self._raise(min(self.best, self._rounded(bound + constant)))

        above = node.at
        at = first_multipliers(problem, ended) if above is None else localised(rest, above)
        ascent = Ascent(problem, at, self._target - constant, ended, told)
        smoothing = self._climb(ascent, node.smoothing)
        bound = ascent.best + constant
        answer = rest.answer(_nearest(ascent.gram, rest))
        done = _Done(bound, answer, steps=ascent.steps, cuts=len(ascent.at.cuts))
        if ended():
            return replace(done, ended=True)
        branch = int(rest.free[_undecided(ascent.gram, rest)])
        here = globalised(rest, ascent.at)
        children = []
        for value in (0, 1):
            values = rest.values.copy()
            values[branch] = value
            children.append(_Node(bound, 0, values, here, max(smoothing, _REHEATED)))
        return replace(done, children=tuple(children))

    def _climb(self, ascent: Ascent, smoothing: float) -> float:
        """Rounds of steps and cuts until the bound suffices or rises too slowly.

        Returns the smoothing to go on with.
        """
        for number in range(_ROUNDS):
            before = ascent.best
            more = ascent.climb(smoothing * ascent.size, _STEPS)
            slow = _HOPE * (ascent.best - before) < ascent.target - ascent.best
            if not more or (slow and number > 1):
                break
            ascent.cut()
            smoothing = max(_FINEST, _COOLING * smoothing)
        return smoothing


def _spins(gram: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the relaxation makes of each free spin, between -1 and 1."""
    scale = np.sqrt(np.maximum(np.diag(gram), 1e-12))
    return np.asarray(gram[0, 1:] / (scale[0] * scale[1:]))


def _nearest(gram: NDArray[np.float64], rest: Rest) -> _Bits:
    """The answer of the rest that is nearest to the relaxation and keeps the groups."""
    spins = _spins(gram)
    bits = (spins < 0.0).astype(np.int8)
    for members, size in rest.model.groups:
        bits[members] = 0
        bits[members[np.argsort(spins[members], kind="stable")[:size]]] = 1
    return bits


def _undecided(gram: NDArray[np.float64], rest: Rest) -> int:
    """The free variable that the relaxation is least sure of; of equals, the most coupled one."""
    sure = np.abs(_spins(gram))
    weight = np.abs(rest.model.coupling).sum(axis=1) + np.abs(rest.model.linear)
    return int(np.lexsort((-weight, np.round(sure, 6)))[0])
