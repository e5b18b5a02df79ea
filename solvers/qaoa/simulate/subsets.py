"""Subsets of fixed size in colexicographic order, and how they neighbour each other.

The subsets of size k of ``0 .. n - 1`` are ranked as the numbers with k ones in binary, ascending:
``{p_1 < ... < p_k}`` has rank ``sum_j C(p_j, j)`` (Knuth, TAOCP 4A, section 7.2.1.3).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.int32]


def subsets(n: int, k: int) -> NDArray[np.int64]:
    """Every subset by rank, its elements ascending, shape (C(n, k), k)."""
    found = np.zeros((1, 0), dtype=np.int64)
    for size in range(1, k + 1):
        # The subsets with largest element v extend those of 0 .. v - 1, which are ranked first.
        largest = np.arange(size - 1, n - k + size)
        counts = [comb(int(v), size - 1) for v in largest]
        below = np.concatenate([found[:count] for count in counts])
        found = np.column_stack([below, np.repeat(largest, counts)])
    return found


def bits_of_subsets(n: int, k: int) -> NDArray[np.int8]:
    """Every subset by rank, as bits, shape (C(n, k), n)."""
    elements = subsets(n, k)
    out = np.zeros((len(elements), n), dtype=np.int8)
    np.put_along_axis(out, elements, 1, axis=1)
    return out


def pair_states(n: int, k: int, pairs: Sequence[tuple[int, int]]) -> Table:
    """Subsets that differ by one element for another, for pairs of elements.

    Returns
    -------
    ndarray of int32, shape (len(pairs), 2, C(n - 2, k - 1))
        For each pair (i, j): ranks of the subsets that hold i and not j, and of those that hold j
        in its place.
    """
    count = comb(n - 2, k - 1) if n > 1 and k else 0
    if not count:
        return np.zeros((0, 2, 0), dtype=np.int32)
    held = np.ascontiguousarray(bits_of_subsets(n, k).T).astype(bool)
    found = np.empty((len(pairs), 2, count), dtype=np.int32)
    for states, (i, j) in zip(found, pairs, strict=True):
        # Swapping one element for another keeps the order of the subsets that hold the first.
        states[0] = np.flatnonzero(held[i] & ~held[j])
        states[1] = np.flatnonzero(held[j] & ~held[i])
    return found


@dataclass(frozen=True, eq=False)
class Level:
    """Inclusions between the subsets of size t and those of size t - 1.

    Parameters
    ----------
    below : ndarray of int32, shape (C(n, t), t)
        Ranks of the subsets with one element fewer.
    above : ndarray of int32, shape (C(n, t - 1), n - t + 1)
        Ranks of the subsets with one element more.
    """

    below: Table
    above: Table


def levels(n: int, k: int) -> list[Level]:
    """Inclusions from size ``min(k, n - k)`` down to size 1.

    Where k exceeds half of n, subsets of the largest size stand for their complements, and are
    ranked by these.
    """
    found: list[Level] = []
    for t in range(min(k, n - k), 0, -1):
        rows, binomials = subsets(n, t), _binomials(n, t)
        places = np.arange(t)
        kept = binomials[rows, places + 1]
        moved = binomials[rows, places]  # elements above the missing one move down one place
        rank = kept.cumsum(axis=1) - kept + moved[:, ::-1].cumsum(axis=1)[:, ::-1] - moved
        order = np.argsort(rank.ravel(), kind="stable") // t
        below, above = rank, order.reshape(comb(n, t - 1), n - t + 1)
        if t < k and not found:  # complements come in the opposite order
            below, above = below[::-1], len(rows) - 1 - above
        found.append(Level(_table(below), _table(above)))
    return found


def pair_bytes(n: int, k: int, pairs: int) -> int:
    """Memory of `pair_states`."""
    return 8 * pairs * (comb(n - 2, k - 1) if n > 1 and k else 0)


def level_bytes(n: int, k: int) -> int:
    """Memory of `levels`, without what making them takes for the while."""
    return 8 * sum(t * comb(n, t) for t in range(1, min(k, n - k) + 1))


def _binomials(n: int, most: int) -> NDArray[np.int64]:
    """``C(v, r)`` for v below n and r up to `most`, shape (n, most + 1)."""
    found = np.zeros((n, most + 1), dtype=np.int64)
    found[:, 0] = 1
    for v in range(1, n):
        found[v, 1:] = found[v - 1, 1:] + found[v - 1, :-1]
    return found


def _table(ranks: NDArray[np.int64]) -> Table:
    return np.ascontiguousarray(ranks, dtype=np.int32)
