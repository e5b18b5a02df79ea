"""Compiled repair and descent of bit strings. Imported when solving: numba is slow."""

from typing import Any

import numpy as np

from .compiled import compiled

SWEEPS = 8
"""Sweeps between two fresh sums of the fields: rounding adds up over no more."""


@compiled
def fields_of(start: Any, index: Any, weight: Any, linear: Any, x: Any, field: Any) -> float:
    """Fill `field` with what setting each bit adds to the energy, and return the energy.

    Parameters
    ----------
    start, index, weight : ndarray
        Couplings as `qopt.forms.Qubo.neighbours` gives them.
    linear : ndarray of float64, shape (n,)
    x : ndarray of int8, shape (n,)
    field : ndarray of float64, shape (n,)

    Returns
    -------
    float
        Without the model's offset.
    """
    field[:] = linear
    for i in range(len(x)):
        if x[i]:
            for e in range(start[i], start[i + 1]):
                field[index[e]] += weight[e]
    energy = 0.0
    for i in range(len(x)):
        if x[i]:
            energy += 0.5 * (linear[i] + field[i])
    return energy


@compiled
def flip(start: Any, index: Any, weight: Any, x: Any, field: Any, i: int) -> None:
    """Flip bit `i`, and keep the fields of its neighbours up to date."""
    sign = 1.0 - 2.0 * x[i]
    x[i] = 1 - x[i]
    for e in range(start[i], start[i + 1]):
        field[index[e]] += sign * weight[e]


@compiled
def repair(
    start: Any, index: Any, weight: Any, linear: Any, bounds: Any, members: Any, sizes: Any,
    rows: Any,
) -> None:
    """Make every group of every row hold, in place: one flip after another, the cheapest first.

    Parameters
    ----------
    start, index, weight, linear : ndarray
        As in `fields_of`.
    bounds : ndarray of int64, shape (groups + 1,)
        Group ``g`` has the members ``members[bounds[g]:bounds[g + 1]]``.
    members : ndarray of int64
    sizes : ndarray of int64, shape (groups,)
        How many members of each group are one.
    rows : ndarray of int8, shape (rows, n)
    """
    field = np.empty(len(linear))
    excess = np.empty(len(sizes), dtype=np.int64)
    for x in rows:
        missing = 0
        for g in range(len(sizes)):
            excess[g] = -sizes[g]
            for m in range(bounds[g], bounds[g + 1]):
                excess[g] += x[members[m]]
            missing += abs(excess[g])
        if missing:
            fields_of(start, index, weight, linear, x, field)
        for _ in range(missing):
            best, cheapest, where = np.inf, -1, -1
            for g in range(len(sizes)):
                if excess[g] == 0:
                    continue
                wrong = 1 if excess[g] > 0 else 0
                for m in range(bounds[g], bounds[g + 1]):
                    i = members[m]
                    if x[i] == wrong:
                        change = -field[i] if wrong else field[i]
                        if change < best:
                            best, cheapest, where = change, i, g
            excess[where] += 1 - 2 * x[cheapest]
            flip(start, index, weight, x, field, cheapest)


@compiled
def sweep_free(
    start: Any, index: Any, weight: Any, free: Any, tolerance: float, x: Any, field: Any
) -> bool:
    """Flip, in order, each free bit whose flip lowers the energy; tell whether there was one."""
    moved = False
    for i in free:
        if (1.0 - 2.0 * x[i]) * field[i] < -tolerance:
            flip(start, index, weight, x, field, i)
            moved = True
    return moved


@compiled
def sweep_group(
    start: Any, index: Any, weight: Any, members: Any, tolerance: float, x: Any, field: Any,
    coupled: Any,
) -> bool:
    """Swap, in order, each one of a group with the zero that lowers the energy most, if any does.

    `coupled` is zero, shape (n,): room for the couplings of one bit.
    """
    moved = False
    for i in members:
        if not x[i]:
            continue
        for e in range(start[i], start[i + 1]):
            coupled[index[e]] = weight[e]
        best, partner = -tolerance, -1
        for j in members:
            if not x[j]:
                change = field[j] - coupled[j] - field[i]
                if change < best:
                    best, partner = change, j
        for e in range(start[i], start[i + 1]):
            coupled[index[e]] = 0.0
        if partner >= 0:
            flip(start, index, weight, x, field, i)
            flip(start, index, weight, x, field, partner)
            moved = True
    return moved


@compiled
def descend(
    start: Any, index: Any, weight: Any, linear: Any, bounds: Any, members: Any, free: Any,
    tolerance: float, rows: Any,
) -> None:
    """Bring every row to a local minimum, in place, by sweeps until one changes nothing.

    Fields are summed anew every `SWEEPS` sweeps. If the energy has not fallen by then, all moves
    since were rounding, and the descent ends: so it ends in any case.

    Parameters
    ----------
    start, index, weight, linear : ndarray
        As in `fields_of`.
    bounds, members : ndarray of int64
        As in `repair`.
    free : ndarray of int64
        Bits in no group.
    tolerance : float
        A move counts only if it lowers the energy by more.
    rows : ndarray of int8, shape (rows, n)
    """
    field = np.empty(len(linear))
    coupled = np.zeros(len(linear))
    for x in rows:
        last, moved = np.inf, True
        while moved:
            energy = fields_of(start, index, weight, linear, x, field)
            if energy >= last:
                break
            last = energy
            for _ in range(SWEEPS):
                moved = sweep_free(start, index, weight, free, tolerance, x, field)
                for g in range(len(bounds) - 1):
                    group = members[bounds[g] : bounds[g + 1]]
                    moved |= sweep_group(
                        start, index, weight, group, tolerance, x, field, coupled
                    )
                if not moved:
                    break
