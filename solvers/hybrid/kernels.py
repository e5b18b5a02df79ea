"""The inner loops of decomposition, compiled by numba. Import this module only when solving.

Rows, fields and group arrays are those of `solvers.annealing.kernels` and of its `layout.Model`:
the field ``g_i = linear_i + sum_j w_ij x_j``, so that setting bit i costs ``g_i``.
"""

from typing import Any

import numpy as np

from ..annealing.kernels import add_row, fields_rows
from ..compiled import compiled

__all__ = ["collect", "descend", "fields_rows", "flip_all", "grow"]


@compiled
def _flip(
    g: Any, x: Any, i: int, matrix: Any, start: Any, index: Any, weight: Any
) -> None:
    sign = 1 - 2 * x[i]
    x[i] += sign
    add_row(g, i, sign, matrix, start, index, weight)


@compiled
def flip_all(g: Any, x: Any, which: Any, rows: Any) -> None:
    """Flip some bits, and keep all fields up to date."""
    matrix, start, index, weight = rows
    for i in which:
        _flip(g, x, i, matrix, start, index, weight)


@compiled
def _best_partner(
    g: Any, x: Any, i: int, members: Any, coupled: Any, tolerance: float, matrix: Any, start: Any,
    index: Any, weight: Any,
) -> Any:
    """The zero whose swap with the one i lowers the energy most, -1 for none, and the change."""
    add_row(coupled, i, 1, matrix, start, index, weight)
    best, partner = -tolerance, -1
    for j in members:
        if not x[j]:
            step = np.float64(g[j]) - coupled[j] - g[i]
            if step < best:
                best, partner = step, j
    if matrix.shape[0]:
        coupled[:] = 0
    else:
        for e in range(start[i], start[i + 1]):
            coupled[index[e]] = 0
    return partner, best


@compiled
def descend(
    g: Any, x: Any, free: Any, bounds: Any, home: Any, rows: Any, coupled: Any, tolerance: float,
    sweeps: int,
) -> Any:
    """First-improvement descent by flips of free bits and swaps inside groups.

    Parameters
    ----------
    g, x : ndarray
        Fields and bits, shape (n,), changed in place.
    free, bounds, home : ndarray
        Free variables, and the members of group ``a`` as ``home[bounds[a]:bounds[a + 1]]``.
    rows : tuple of ndarray
    coupled : ndarray of the type of `g`, shape (n,)
        Zeros: room for the couplings of one bit.
    tolerance : float
        A move counts only if it lowers the (scaled) energy by more.
    sweeps : int
        Passes over all moves at most.

    Returns
    -------
    flips : int
        Bits that were flipped.
    change : float
        Of the scaled energy.
    settled : bool
        Whether the last pass changed nothing.
    """
    matrix, start, index, weight = rows
    flips, change = 0, 0.0
    for _ in range(sweeps):
        before = flips
        for i in free:
            step = (1 - 2 * x[i]) * np.float64(g[i])
            if step < -tolerance:
                _flip(g, x, i, matrix, start, index, weight)
                flips += 1
                change += step
        for a in range(len(bounds) - 1):
            members = home[bounds[a] : bounds[a + 1]]
            for i in members:
                if not x[i]:
                    continue
                partner, step = _best_partner(
                    g, x, i, members, coupled, tolerance, matrix, start, index, weight
                )
                if partner >= 0:
                    _flip(g, x, i, matrix, start, index, weight)
                    _flip(g, x, partner, matrix, start, index, weight)
                    flips += 2
                    change += step
        if flips == before:
            return flips, change, True
    return flips, change, False


@compiled
def _take(
    i: int, size: int, g: Any, x: Any, owner: Any, bounds: Any, home: Any, opposite: Any,
    taken: Any, chosen: Any, count: int,
) -> int:
    """Take a variable if there is room; a member alone in its part brings a partner to swap with.

    `opposite` counts, for each group, the ones (column 1) and zeros (column 0) that are taken.
    """
    group = owner[i]
    partner = -1
    if group >= 0 and opposite[group, 1 - x[i]] == 0:
        best = np.inf
        for m in range(bounds[group], bounds[group + 1]):
            j = home[m]
            cost = -np.float64(g[j]) if x[j] else np.float64(g[j])
            if x[j] != x[i] and not taken[j] and cost < best:
                best, partner = cost, j
        if partner < 0:
            return count
    if count + 1 + (partner >= 0) > size:
        return count
    for j in (i, partner):
        if j >= 0:
            taken[j] = True
            chosen[count] = j
            count += 1
            if group >= 0:
                opposite[group, x[j]] += 1
    return count


@compiled
def collect(
    order: Any, size: int, g: Any, x: Any, owner: Any, bounds: Any, home: Any, opposite: Any,
    taken: Any, chosen: Any, count: int,
) -> int:
    """Take variables in a given order until there are `size` of them; how many there are.

    Parameters
    ----------
    order : ndarray of int
        Variables that are wanted, the most wanted first; none in a group without a choice.
    size : int
    g, x : ndarray, shape (n,)
    owner : ndarray of int32, shape (n,)
        The group of each variable, -1 for none.
    bounds, home : ndarray
        As in `descend`.
    opposite : ndarray of int64, shape (groups, 2)
        Zeros and ones of each group that are taken.
    taken : ndarray of bool, shape (n,)
    chosen : ndarray of int64, shape (size,)
        The first `count` are there already; written.
    count : int
    """
    for i in order:
        if count >= size:
            break
        if not taken[i]:
            count = _take(
                i, size, g, x, owner, bounds, home, opposite, taken, chosen, count
            )
    return count


@compiled
def grow(
    seed: int, size: int, rows: Any, able: Any, strength: Any, appeal: Any, g: Any, x: Any,
    owner: Any, bounds: Any, home: Any, opposite: Any, taken: Any, chosen: Any, count: int,
) -> int:
    """Take a variable, and then always the one most strongly drawn to those taken.

    That is the sum of its couplings with them in size, times its appeal.

    Parameters
    ----------
    seed : int
        Variable to begin with.
    size : int
    rows : tuple of ndarray
    able : ndarray of bool, shape (n,)
        Variables that may be taken.
    strength : ndarray of float64, shape (n,)
        Zeros; zeros again on return.
    appeal : ndarray of float64, shape (n,)
        Positive factors of each variable's couplings.
    g, x, owner, bounds, home, opposite, taken, chosen, count
        As in `collect`.

    Returns
    -------
    int
        How many are taken: fewer than `size` where what hangs together has come to its end.
    """
    matrix, start, index, weight = rows
    n = len(x)
    touched = np.empty(n if matrix.shape[0] else 64, dtype=np.int64)
    met = 0
    spread, current = count, seed
    while True:
        count = _take(current, size, g, x, owner, bounds, home, opposite, taken, chosen, count)
        strength[current] = -1.0
        while spread < count:
            i = chosen[spread]
            spread += 1
            begin, end = (0, n) if matrix.shape[0] else (start[i], start[i + 1])
            if met + end - begin > len(touched):
                longer = np.empty(2 * (met + end - begin), dtype=np.int64)
                longer[:met] = touched[:met]
                touched = longer
            for e in range(begin, end):
                j = np.int64(e) if matrix.shape[0] else np.int64(index[e])
                w = matrix[i, e] if matrix.shape[0] else weight[e]
                if w == 0 or not able[j] or strength[j] < 0.0:
                    continue
                if strength[j] == 0.0:
                    touched[met] = j
                    met += 1
                strength[j] += abs(np.float64(w)) * appeal[j]
        current, most = -1, 0.0
        if count < size:
            for t in range(met):
                j = touched[t]
                if not taken[j] and strength[j] > most:
                    current, most = j, strength[j]
        if current < 0:
            break
    strength[seed] = 0.0
    for t in range(met):
        strength[touched[t]] = 0.0
    for t in range(count):
        strength[chosen[t]] = 0.0
    return count
