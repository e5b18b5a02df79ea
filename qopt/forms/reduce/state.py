"""A QUBO in the making: its terms as tables that rules take variables out of, one by one."""

from collections import Counter, deque
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from ..qubo import Group, Qubo
from .lifting import ONE, OPPOSITE, SAME, ZERO, Lifting, Step

_CANCELLED = 1e-15
"""Relative size below which a sum of two coefficients has cancelled, where sums round: a few units
in the last place."""

_SPAN = 2.0**40
"""Ratio of the largest and the smallest coefficient up to which sums that round are trusted."""

_LARGEST = 1e300
"""Size of a sum from which on others might overflow."""

_POWERS = 11
"""Coefficients are added as whole multiples of ``2**-k``, k below this, where that is exact."""


class State:
    """The terms of a QUBO while rules remove variables from it.

    Parameters
    ----------
    qubo : Qubo
    stop : callable
        Whether to end with what has been done; looked at between variables.

    Attributes
    ----------
    linear : list of float
    adjacent : list of dict of int to float
        Neighbours of each variable with the coefficient of the pair.
    group_of : list of int
        Which group a variable is in; -1 for none.
    members : list of set of int
        Of each group; empty where the group is decided.
    size : list of int
        How many members of each group are one.
    offset : float
        What was added to the model's own, which may be so large that every sum with it rounds.
    """

    def __init__(self, qubo: Qubo, stop: Callable[[], bool]) -> None:
        n = qubo.num_variables
        self.qubo = qubo
        self.stop = stop
        self.linear: list[float] = qubo.linear.tolist()
        self.offset = 0.0
        self.adjacent: list[dict[int, float]] = [{} for _ in range(n)]
        pairs = zip(qubo.row.tolist(), qubo.col.tolist(), qubo.value.tolist(), strict=True)
        for a, b, value in pairs:
            self.adjacent[a][b] = value
            self.adjacent[b][a] = value
        self.group_of = [-1] * n
        self.members = [set(group.members) for group in qubo.groups]
        self.size = [group.size for group in qubo.groups]
        for g, group in enumerate(qubo.groups):
            for i in group.members:
                self.group_of[i] = g
        self.alive = [True] * n
        self.rewritten = False
        self.steps: list[Step] = []
        self.removed: Counter[str] = Counter()
        self._cancelled = 0.0 if _adds_exactly(qubo) else _CANCELLED
        self._bounds: list[tuple[float, float] | None] = [None] * n
        self._queue: deque[int] = deque()
        self._queued = [False] * n

    # -- what is to be looked at --------------------------------------------------------------

    def touch(self, i: int) -> None:
        """Have a variable looked at (again): one of its terms has changed."""
        self._bounds[i] = None
        if not self._queued[i]:
            self._queued[i] = True
            self._queue.append(i)

    def touch_all(self, variables: Iterable[int]) -> None:
        """Have variables looked at."""
        for i in variables:
            self.touch(i)

    def next(self) -> int | None:
        """A variable that is left and to be looked at; None where there is none."""
        while self._queue and not self.stop():
            i = self._queue.popleft()
            self._queued[i] = False
            if self.alive[i]:
                return i
        return None

    @property
    def pending(self) -> bool:
        """Whether there is something to be looked at."""
        return bool(self._queue)

    @property
    def survivors(self) -> list[int]:
        """The variables that are left."""
        return [i for i, alive in enumerate(self.alive) if alive]

    # -- bounds -------------------------------------------------------------------------------

    def field_bounds(self, i: int) -> tuple[float, float]:
        """The least and the most that setting a variable can change the energy by.

        They are those of the time when it was last touched: where a group has become smaller since,
        they may be closer together.
        """
        known = self._bounds[i]
        if known is None:
            known = self._bounds[i] = self._find_bounds(i)
        return known

    def _find_bounds(self, i: int) -> tuple[float, float]:
        low = high = self.linear[i]
        grouped: dict[int, list[float]] = {}
        for j, value in self.adjacent[i].items():
            if self.group_of[j] >= 0:
                grouped.setdefault(self.group_of[j], []).append(value)
            elif value < 0.0:
                low += value
            else:
                high += value
        for g, values in grouped.items():
            padded = sorted(values + [0.0] * (len(self.members[g]) - len(values)))
            size = self.size[g]
            low += sum(padded[:size])
            high += sum(padded[len(padded) - size :])
        return low, high

    # -- removing variables -------------------------------------------------------------------

    def fix(self, i: int, value: int, rule: str) -> None:
        """Give a variable its value."""
        if value:
            self.offset += self.linear[i]
        for j, coefficient in self.adjacent[i].items():
            if value:
                self.linear[j] += coefficient
            del self.adjacent[j][i]
            self.touch(j)
        self._remove(i, 0, 0, ONE if value else ZERO, rule)
        g = self.group_of[i]
        if g >= 0:
            self.members[g].discard(i)
            self.size[g] -= value
            self.touch_all(self.members[g])

    def merge(self, i: int, j: int, rule: str, *, opposite: bool) -> None:
        """Put ``x_j`` or ``1 - x_j`` in place of ``x_i``; `i` is in no group."""
        sign = -1.0 if opposite else 1.0
        terms = self.adjacent[i]
        shared = terms.pop(j, 0.0)
        self.adjacent[j].pop(i, None)
        if opposite:
            self.offset += self.linear[i]
        else:
            self.linear[j] += shared
        self.linear[j] = self._sum(self.linear[j], sign * self.linear[i])
        for k, coefficient in terms.items():
            del self.adjacent[k][i]
            if opposite:
                self.linear[k] = self._sum(self.linear[k], coefficient)
            self.add_pair(j, k, sign * coefficient)
            self.touch(k)
        self.touch(j)
        self._remove(i, j, j, OPPOSITE if opposite else SAME, rule)

    def fold(self, i: int, rule: str) -> None:
        """Eliminate a variable in no group with one or two neighbours.

        Its best value depends on theirs alone; the least energy that it adds is a function of two
        bits, and so again a QUBO.
        """
        field = self.linear[i]
        neighbours = list(self.adjacent[i].items())
        (j, a), (k, b) = neighbours if len(neighbours) == 2 else (neighbours[0], (-1, 0.0))
        fields = (field, field + b, field + a, field + a + b)
        least = [min(0.0, value) for value in fields]
        table = sum(1 << place for place, value in enumerate(fields) if value < 0.0)
        del self.adjacent[j][i]
        self.offset += least[0]
        self.linear[j] = self._sum(self.linear[j], least[2] - least[0])
        self.touch(j)
        if k >= 0:
            del self.adjacent[k][i]
            self.linear[k] = self._sum(self.linear[k], least[1] - least[0])
            apart = self._sum(least[3], -least[1]), self._sum(least[0], -least[2])
            self.add_pair(j, k, self._sum(*apart))
            self.touch(k)
        self._remove(i, j, k if k >= 0 else j, table, rule)

    def _remove(self, i: int, first: int, second: int, table: int, rule: str) -> None:
        self.adjacent[i] = {}
        self.alive[i] = False
        self.steps.append((i, first, second, table))
        self.removed[rule] += 1

    # -- changing terms -----------------------------------------------------------------------

    def add_pair(self, i: int, j: int, value: float) -> None:
        """Add to the coefficient of a pair; it goes where that cancels."""
        total = self._sum(self.adjacent[i].get(j, 0.0), value)
        if total == 0.0:
            self.adjacent[i].pop(j, None)
            self.adjacent[j].pop(i, None)
        else:
            self.adjacent[i][j] = total
            self.adjacent[j][i] = total

    def drop_pair(self, i: int, j: int) -> None:
        """Remove the term of a pair that is constant over all answers, or zero."""
        del self.adjacent[i][j], self.adjacent[j][i]
        self.rewritten = True
        self.touch(i)
        self.touch(j)

    def _sum(self, first: float, second: float) -> float:
        """A sum that is zero where all but rounding has cancelled."""
        total = first + second
        return 0.0 if abs(total) <= self._cancelled * max(abs(first), abs(second)) else total

    # -- what is left -------------------------------------------------------------------------

    def terms(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Pairs that are left, by the variables' old numbers: row, col and value."""
        row, col, value = [], [], []
        for i, terms in enumerate(self.adjacent):
            for j, coefficient in terms.items():
                if i < j:
                    row.append(i)
                    col.append(j)
                    value.append(coefficient)
        return (
            np.array(row, dtype=np.int64), np.array(col, dtype=np.int64),
            np.array(value, dtype=np.float64),
        )

    def result(self) -> tuple[Qubo, Lifting]:
        """The reduced model, and the way back from it."""
        kept = np.array(self.survivors, dtype=np.int64)
        place = np.zeros(self.qubo.num_variables, dtype=np.int64)
        place[kept] = np.arange(len(kept))
        row, col, value = self.terms()
        groups = [
            Group(
                tuple(place[sorted(members)].tolist()), size,
                None if self.rewritten else group.weight, group.name,
            )
            for group, members, size in zip(
                self.qubo.groups, self.members, self.size, strict=True
            )
            if members
        ]
        labels = [self.qubo.names[i] for i in kept] if self.qubo.labels else ()
        reduced = Qubo.from_arrays(
            np.array([self.linear[i] for i in kept], dtype=np.float64), place[row], place[col],
            value, offset=self.qubo.offset + self.offset, labels=labels, groups=groups,
        )
        return reduced, Lifting(self.qubo.num_variables, kept, self.steps)


def is_precise(qubo: Qubo) -> bool:
    """Whether rounding can be told from what the coefficients say.

    Beside 1e16, a difference of one is lost where two coefficients are added, and with it the best
    answer.
    """
    sizes = np.abs(np.concatenate([qubo.linear, qubo.value]))
    sizes = sizes[sizes > 0.0]
    if not len(sizes) or _adds_exactly(qubo):
        return True
    largest = float(sizes.max())
    return largest <= _SPAN * float(sizes.min()) and largest < _LARGEST / len(sizes)


def _adds_exactly(qubo: Qubo) -> bool:
    """Whether no sum of coefficients rounds, whatever the rules add up.

    Terms of a reduced model are differences of at most four energies that the model can take.
    """
    values = np.concatenate([qubo.linear, qubo.value])
    with np.errstate(over="ignore"):
        largest = 4.0 * float(np.abs(values).sum())
    return any(
        largest * 2.0**power <= 2.0**53
        and bool((values * 2.0**power == np.rint(values * 2.0**power)).all())
        for power in range(_POWERS)
    )
