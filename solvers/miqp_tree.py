"""Branch and bound over the whole variables of a convex program."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.convex import ConvexSolution, minimise_convex
from qopt.errors import SolverError

from .miqp_kernels import INFEASIBLE, OPTIMAL, UNSETTLED, relax
from .miqp_model import Convex, Indicators, indicators, relaxation, spared, tied
from .miqp_perspective import perspective

_Floats = NDArray[np.float64]
_Bytes = NDArray[np.int8]

WHOLE = 1e-6
"""Distance from a whole number that counts as none."""

_PIECE = 16
"""Pivots between two looks at the clock."""

_CLOSE = 1e-5
"""Relative distance to its own bound at which a relaxation of an open node counts as solved."""

_ROUNDS = 6
"""Most choices of a diagonal to spare at the root."""

_WORTH = 1e-3
"""Rise of the bound, as a share of the objective's size, from which perspective terms are kept:
deep in the tree they may be below the squares that they stand for."""

_CANDIDATES = 8
"""Most variables whose branches are tried before one is chosen."""


@dataclass(order=True)
class _Node:
    """A part of the search: the path of bounds that leads to it, and its parent's working set."""

    bound: float
    number: int
    path: tuple[Any, ...] = field(compare=False, default=())
    status: _Bytes = field(compare=False, default_factory=lambda: np.zeros(0, np.int8))
    row_status: _Bytes = field(compare=False, default_factory=lambda: np.zeros(0, np.int8))


@dataclass
class _Relaxed:
    """What solving a node's relaxation gave."""

    code: int
    bound: float
    x: _Floats
    reduced: _Floats
    status: _Bytes
    row_status: _Bytes


class Tree:
    """The search: best bound first, each time down to the end of a branch.

    Parameters
    ----------
    model : Convex
    tolerance : float
        Relative distance between answer and bound within which a branch is left.
    ended : callable
        Asked between pieces of work, with the nodes so far: whether to end now.
    remaining : callable
        Seconds that are left.
    tell_answer : callable
        Given an answer; returns its value, or None where it is not feasible.
    tell_bound : callable
        Given better bounds.
    """

    def __init__(
        self,
        model: Convex,
        tolerance: float,
        ended: Callable[[int], bool],
        remaining: Callable[[], float],
        tell_answer: Callable[[_Floats], float | None],
        tell_bound: Callable[[float], None],
    ) -> None:
        self.plain, self.model = model, tied(model)
        self.tolerance, self._ended, self._remaining = tolerance, ended, remaining
        self.tell_answer, self.tell_bound = tell_answer, tell_bound
        self.pairs: Indicators = indicators(model)
        n = len(model.linear)
        self.low, self.high = model.low.copy(), model.high.copy()
        self.best, self.answer = np.inf, np.zeros(0)
        self.bound, self.lost = -np.inf, np.inf
        self.nodes, self.state = 0, "limit"
        self.size = 1e-6
        self.gains, self.tries = np.zeros((2, n)), np.zeros((2, n))
        self.heap: list[_Node] = []
        self.pushed = 0
        self.root_reduced, self.root_x, self.root_bound = np.zeros(n), np.zeros(n), -np.inf

    def begin_with(self, answer: _Floats) -> None:
        """Take an answer before the search: what is no better is left out."""
        value = self.tell_answer(answer)
        if value is not None and value < self.best:
            self.best, self.answer = value, np.clip(answer, self.plain.low, self.plain.high)

    def run(self) -> None:
        """Search until all is settled or `ended` says so."""
        node = None if self.ended else self._root()
        if node is None:
            return
        heapq.heappush(self.heap, node)
        while self.heap and not self.ended:
            node = heapq.heappop(self.heap)
            if node.bound >= self.cut_off:
                self.heap.clear()
                break
            self._raise_bound(min(node.bound, self.lost))
            self._plunge(node)
        if self.heap:
            self._raise_bound(min(self.heap[0].bound, self.lost))
            return
        self.state = "infeasible" if self.best == np.inf and self.lost == np.inf else "optimal"
        self._raise_bound(min(self.cut_off, self.lost))

    @property
    def ended(self) -> bool:
        """Whether the search should end."""
        return self._ended(self.nodes)

    @property
    def cut_off(self) -> float:
        """What a branch must be better than."""
        if self.best == np.inf:
            return np.inf
        return self.best - self.tolerance * max(abs(self.best), 1e-4 * self.size)

    def _raise_bound(self, bound: float) -> None:
        if bound > self.bound and np.isfinite(bound):
            self.bound = bound
            self.tell_bound(bound)

    # -- relaxations ----------------------------------------------------------------------------

    def _relaxed(
        self, low: _Floats, high: _Floats, status: _Bytes, row_status: _Bytes, centre: _Floats,
        pivots: int | None = None, *, exact: bool = False,
    ) -> _Relaxed:
        """Solve the relaxation within bounds from a working set."""
        R, rows = self.relaxation, self.model.rows
        x, reduced = centre.copy(), np.zeros(len(centre))
        status, row_status = status.copy(), row_status.copy()
        close = 0.1 * self.tolerance if exact else _CLOSE
        close *= max(min(abs(self.best), self.size), 1e-3 * self.size)
        most = _PIECE if pivots is None else pivots
        around = x + R.tilt * status
        bound, spent = -np.inf, 0
        while True:
            code, found, used = relax(
                R.H, R.h, R.regular, R.tilt, around, rows.start, rows.index, rows.weight,
                rows.low, rows.high, low, high, status, row_status, self.cut_off - R.constant,
                most, close, x, reduced,
            )
            bound = max(bound, found + R.constant)
            spent += used
            through = code != UNSETTLED or used < most or spent > 50 * (len(low) + len(rows.low))
            if through or pivots is not None or self.ended:
                return _Relaxed(code, bound, x, reduced, status, row_status)

    def _by_interior_point(self, low: _Floats, high: _Floats) -> ConvexSolution | None:
        """The relaxation without any strengthening, by Clarabel; None where that fails."""
        model = self.plain
        matrix = np.vstack([model.rows.dense(len(low)), np.eye(len(low))])
        try:
            return minimise_convex(
                model.quadratic, model.linear, matrix,
                np.concatenate([model.rows.low, low]), np.concatenate([model.rows.high, high]),
                seconds=self._remaining(),
            )
        except SolverError:
            return None

    def _root(self) -> _Node | None:
        """Choose the relaxation; None where it says all."""
        if self.plain.whole.all():  # doing nothing is often allowed, and costs nothing to try
            self._take(np.clip(np.zeros(len(self.low)), self.low, self.high))
        first = self._by_interior_point(self.low, self.high)
        if first is not None and first.verdict == "unbounded":
            self.state = "unbounded"
            return None
        n, m = len(self.low), len(self.model.rows.low)
        x, duals = np.clip(np.zeros(n), self.low, self.high), np.zeros(m)
        if first is not None and first.verdict == "optimal":
            x, duals = first.values, first.duals[:m]
        self.size = max(1e-6, self.plain.size(x))
        status, row_status = _guess(x, self.low, self.high, duals)
        nothing = np.zeros(len(self.pairs.member))
        self.relaxation = relaxation(self.model, self.pairs, np.zeros(n), nothing)
        status[(self.relaxation.tilt > 0.0) & (x < 0.99 * self.high)] = -1
        found = self._relaxed(self.low, self.high, status, row_status, x)
        refuted = first is not None and first.verdict == "infeasible"
        if found.code == INFEASIBLE or (refuted and found.code != OPTIMAL):
            self.state = "infeasible"
            return None
        if found.code == OPTIMAL:
            self._round(found)
            found = self._strengthened(found)
            self._round(found)
        self.root_x, self.root_reduced, self.root_bound = found.x, found.reduced, found.bound
        self._raise_bound(found.bound)
        return _Node(found.bound, 0, (), found.status, found.row_status)

    def _strengthened(self, first: _Relaxed) -> _Relaxed:
        """Spare a diagonal for what is fractional, again and again while that raises the bound."""
        found, kept, kept_relaxation = first, first, self.relaxation
        worth = _WORTH * self.size if len(self.pairs.member) else 0.0
        gain: _Floats | None = None
        for _ in range(_ROUNDS if self.plain.whole.any() else 0):
            if found.code != OPTIMAL or self.ended or not self._fractional(found.x).any():
                break
            fresh = _gains(self.plain, self.pairs, found.x)
            gain = fresh if gain is None else 0.5 * (gain + fresh)
            diagonal = spared(self.model, self.pairs, gain, lambda: self.ended)
            found = self._with(diagonal, found)
            gained = found.bound - kept.bound
            if found.bound >= self.cut_off:
                return found
            if found.code == OPTIMAL and found.bound > first.bound + worth and gained > 0.0:
                kept, kept_relaxation = found, self.relaxation
            if gained <= 1e-3 * self.size:
                break
        self.relaxation = kept_relaxation
        return kept

    def _with(self, diagonal: _Floats, found: _Relaxed) -> _Relaxed:
        """The root's relaxation with another diagonal spared."""
        level, x = np.zeros(len(self.pairs.member)), found.x
        solution = perspective(self.model, self.pairs, diagonal, self._remaining())
        if solution is not None:
            x, level = solution
        else:
            diagonal = np.where(self.plain.binary, diagonal, 0.0)
        self.relaxation = relaxation(self.model, self.pairs, diagonal, level)
        return self._relaxed(self.low, self.high, found.status, found.row_status, x)

    # -- the tree -------------------------------------------------------------------------------

    def _plunge(self, node: _Node) -> None:
        """Solve a node and one child after the other, down to the end of a branch."""
        path, status, row_status = node.path, node.status, node.row_status
        bound, x = node.bound, self.root_x
        branched: tuple[int, int, float] | None = None
        while True:
            low, high = self._bounds(path)
            if (low > high).any():
                return
            found = self._relaxed(low, high, status, row_status, x)
            self.nodes += 1
            found.bound = max(found.bound, bound)
            if branched is not None and found.code == OPTIMAL:
                self._learn(branched, found.bound - bound)
            bound = found.bound
            if found.code == INFEASIBLE or bound >= self.cut_off:
                return
            if found.code != OPTIMAL:
                if self.ended:
                    self._push(bound, path, found.status, found.row_status)
                    return
                first = self._by_interior_point(low, high)
                if first is not None and first.verdict == "infeasible":
                    return
                found.x = x if first is None or first.verdict != "optimal" else first.values
                found.reduced = np.zeros(len(x))
            x, status, row_status = found.x, found.status, found.row_status
            path = self._tightened(path, found, low, high)
            fractional = self._fractional(x) & (low < high)
            if not fractional.any():
                found = self._relaxed(low, high, status, row_status, x, exact=True)
                if found.code == OPTIMAL:
                    x, status, row_status = found.x, found.status, found.row_status
                self._offer(x, low, high, status, row_status)
                bound = max(bound, found.bound)
                if bound >= self.cut_off:
                    return
                fractional = self.plain.whole & (low < high)
                if not fractional.any():
                    self.lost = min(self.lost, bound)
                    return
            choice = self._choose(np.flatnonzero(fractional), found, low, high)
            variable, value, up_first = choice
            down, up = (path, variable, low[variable], value), (path, variable, value + 1.0,
                                                                high[variable])
            near, far = (up, down) if up_first else (down, up)
            self._push(bound, far, status, row_status)
            path = near
            share = x[variable] - value
            branched = (int(up_first), variable, 1.0 - share if up_first else share)
            if self.ended:
                self._push(bound, path, status, row_status)
                return

    def _push(self, bound: float, path: Any, status: _Bytes, row_status: _Bytes) -> None:
        self.pushed += 1
        heapq.heappush(self.heap, _Node(bound, self.pushed, path, status, row_status))

    def _bounds(self, path: Any) -> tuple[_Floats, _Floats]:
        """Bounds at a node, with what they say of variables that have an indicator."""
        low, high = self.low.copy(), self.high.copy()
        while path:
            path, i, least, most = path
            low[i], high[i] = np.maximum(low[i], least), np.minimum(high[i], most)
        off = high[self.pairs.owner] < 0.5
        low[self.pairs.member[off]] = np.maximum(low[self.pairs.member[off]], 0.0)
        high[self.pairs.member[off]] = np.minimum(high[self.pairs.member[off]], 0.0)
        return low, high

    def _tightened(self, path: Any, found: _Relaxed, low: _Floats, high: _Floats) -> Any:
        """Leave out values of whole variables that the reduced costs rule out."""
        room = self.cut_off - found.bound
        if not np.isfinite(room):
            return path
        slopes = found.reduced
        limit = np.where(slopes > 0.0, low, high)
        movable = self.plain.whole & (low < high) & (slopes != 0.0) & np.isfinite(limit)
        reach = np.full(len(slopes), np.inf)
        reach[movable] = np.floor(room / np.abs(slopes[movable]) + 1e-9)
        certain = movable & (reach < high - low)
        for i in np.flatnonzero(certain):
            if slopes[i] > 0.0:
                high[i] = low[i] + reach[i]
            else:
                low[i] = high[i] - reach[i]
            path = (path, i, low[i], high[i])
        return path

    def _fractional(self, x: _Floats) -> NDArray[np.bool_]:
        return np.asarray(self.plain.whole & (np.abs(x - np.rint(x)) > WHOLE))

    def _choose(
        self, candidates: NDArray[np.int64], found: _Relaxed, low: _Floats, high: _Floats
    ) -> tuple[int, float, bool]:
        """The variable to branch on, the value below, and whether to go up first."""
        x = found.x
        floor = np.minimum(np.floor(x[candidates] + WHOLE), high[candidates] - 1.0)
        floor = np.maximum(floor, low[candidates])
        share = np.clip(x[candidates] - floor, 0.0, 1.0)
        known = self.tries[:, candidates]
        order = np.argsort(-(np.minimum(share, 1.0 - share)), kind="stable")
        fresh = [k for k in order if known[:, k].min() == 0][:_CANDIDATES]
        for k in fresh:
            self._try_branches(int(candidates[k]), floor[k], share[k], found, low, high)
        rates = self.gains[:, candidates] / np.maximum(self.tries[:, candidates], 1.0)
        tried = self.tries[:, candidates] > 0
        mean = [rates[d][tried[d]].mean() if tried[d].any() else 1.0 for d in (0, 1)]
        least = 1e-9 * self.size
        fall = np.where(tried[0], rates[0], mean[0]) * share
        rise = np.where(tried[1], rates[1], mean[1]) * (1.0 - share)
        k = int(np.argmax(np.maximum(fall, least) * np.maximum(rise, least)))
        return int(candidates[k]), float(floor[k]), bool(share[k] >= 0.5)

    def _try_branches(
        self, i: int, floor: float, share: float, found: _Relaxed, low: _Floats, high: _Floats
    ) -> None:
        """Learn what the branches of a variable add to the bound, from a few pivots each."""
        for way, (least, most) in enumerate(((low[i], floor), (floor + 1.0, high[i]))):
            if self.tries[way, i] or self.ended:
                continue
            lows, highs = low.copy(), high.copy()
            lows[i], highs[i] = least, most
            child = self._relaxed(lows, highs, found.status, found.row_status, found.x, 10)
            gain = child.bound - found.bound if child.bound < np.inf else self.size
            self._learn((way, i, share if way == 0 else 1.0 - share), max(gain, 0.0))

    def _learn(self, branched: tuple[int, int, float], gain: float) -> None:
        way, i, distance = branched
        self.gains[way, i] += gain / max(distance, 1e-3)
        self.tries[way, i] += 1.0

    # -- answers --------------------------------------------------------------------------------

    def _offer(
        self, x: _Floats, low: _Floats, high: _Floats, status: _Bytes, row_status: _Bytes
    ) -> None:
        """Take a point whose whole variables are whole, exactly."""
        whole = self.plain.whole
        answer = np.where(whole, np.rint(x), x)
        if not whole.all() and np.abs(answer - x).max(initial=0.0) > 1e-10:
            low, high = low.copy(), high.copy()
            low[whole] = high[whole] = answer[whole]
            found = self._relaxed(low, high, status, row_status, x, exact=True)
            if found.code == OPTIMAL:
                answer = np.where(whole, answer, found.x)
        self._take(answer)
        if whole.all() and self.best < np.inf:
            self._take(exchange(self.plain, self.answer, lambda: self.ended))

    def _round(self, found: _Relaxed) -> None:
        """Look for a first answer beside a relaxation's solution.

        Whole variables are rounded down, and those with the largest remainders up, until they
        add up to what they did: that keeps a sum that is fixed.
        """
        whole = np.flatnonzero(self.plain.whole)
        if self.ended or not len(whole):
            return
        values = np.floor(found.x[whole] + WHOLE)
        rest = found.x[whole] - values
        count = int(np.rint(rest.sum()))
        values[np.argsort(-rest, kind="stable")[:count]] += 1.0
        if not np.isfinite(values).all():
            return
        x = found.x.copy()
        x[whole] = np.clip(values, self.low[whole], self.high[whole])
        if len(whole) < len(x):
            path: Any = ()
            for i in whole:
                path = (path, int(i), x[i], x[i])
            low, high = self._bounds(path)
            fixed = self._relaxed(low, high, found.status, found.row_status, x, exact=True)
            if fixed.code != OPTIMAL:
                return
            x = np.where(self.plain.whole, x, fixed.x)
        self._take(x)
        if self.plain.whole.all() and self.best < np.inf:
            self._take(exchange(self.plain, self.answer, lambda: self.ended))

    def _take(self, answer: _Floats) -> None:
        value = self.tell_answer(np.clip(answer, self.plain.low, self.plain.high))
        if value is not None and value < self.best:
            self.best, self.answer = value, np.clip(answer, self.plain.low, self.plain.high)
            self._tighten_root()

    def _tighten_root(self) -> None:
        found = _Relaxed(
            OPTIMAL, self.root_bound, self.root_x, self.root_reduced, np.zeros(0, np.int8),
            np.zeros(0, np.int8),
        )
        self._tightened((), found, self.low, self.high)


def _guess(
    x: _Floats, low: _Floats, high: _Floats, duals: _Floats
) -> tuple[_Bytes, _Bytes]:
    """A working set from an interior point's solution."""
    status = np.zeros(len(x), np.int8)
    near = 1e-6 * np.maximum(1e-3, np.where(np.isfinite(high - low), high - low, 1.0))
    status[high - x < near] = 1
    status[x - low < near] = -1
    row_status = np.zeros(len(duals), np.int8)
    strong = np.abs(duals) > 1e-6 * np.abs(duals).max(initial=1e-12)
    row_status[strong] = np.sign(duals[strong])
    return status, row_status


def _gains(model: Convex, pairs: Indicators, x: _Floats) -> _Floats:
    """What a unit of the diagonal adds to the bound at `x`, and a little for all."""
    gain = np.zeros(len(x))
    bits = np.clip(x[model.binary], 0.0, 1.0)
    gain[model.binary] = bits * (1.0 - bits)
    w, z = x[pairs.member], x[pairs.owner]
    there = z > WHOLE
    gain[pairs.member] = np.where(there, w * w * (1.0 - z) / np.maximum(z, WHOLE), 0.0)
    return np.maximum(gain, 0.02 * max(float(gain.max(initial=0.0)), 1e-9))


def exchange(model: Convex, answer: _Floats, ended: Callable[[], bool]) -> _Floats:
    """Move units between whole variables, and in or out, while that improves the answer.

    Every pair of variables is looked at, and the best move taken (swap local search).
    """
    x, Q, rows = answer.copy(), model.quadratic, model.rows
    n = len(x)
    matrix = rows.dense(n)
    slack = 1e-9 * np.maximum(1.0, np.abs(x).max(initial=1.0))
    while not ended():
        slope = 2.0 * Q @ x + model.linear
        # Index n of either side stands for no variable: a single move.
        down = np.append(np.where(x > model.low, np.diag(Q) - slope, np.inf), 0.0)
        up = np.append(np.where(x < model.high, np.diag(Q) + slope, np.inf), 0.0)
        gain = down[:, None] + up[None, :]
        gain[:n, :n] -= 2.0 * Q
        np.fill_diagonal(gain, np.inf)
        active = matrix @ x
        for r in range(len(rows.low)):
            steps = np.append(matrix[r], 0.0)
            after = active[r] + steps[None, :] - steps[:, None]
            gain[(after < rows.low[r] - slack) | (after > rows.high[r] + slack)] = np.inf
        best = np.unravel_index(int(np.argmin(gain)), gain.shape)
        if not gain[best] < -1e-12 * max(1e-9, abs(model.value(x))):
            break
        x[best[0] : best[0] + 1] -= 1.0
        x[best[1] : best[1] + 1] += 1.0
    return x
