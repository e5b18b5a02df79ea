"""The inner loop of partition crossover, compiled by numba; imported only when solving."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled

ROUNDING = 1e-12
"""Gains below this share of the terms they are summed from are taken for rounding errors."""


@compiled
def take_better_parts(
    x: NDArray[np.int8],
    other: NDArray[np.int8],
    flipped: int,
    linear: NDArray[Any],
    start: NDArray[np.int64],
    index: NDArray[np.int32],
    weight: NDArray[Any],
    owner: NDArray[np.int32],
    bounds: NDArray[np.int64],
    home: NDArray[np.int32],
    seen: NDArray[np.int8],
    queue: NDArray[np.int32],
) -> float:
    """Give `x` every connected part of its difference from `other` that lowers its energy.

    With every bit i of a part D changed by s_i = 1 - 2 x_i the energy changes by
    ``sum_i s_i (linear_i + sum_j w_ij (x_j + s_j [j in D] / 2))``; a neighbour of the part that
    differs belongs to it, so one breadth-first search finds the part and its change.

    Parameters
    ----------
    x, other : ndarray of int8, shape (n,)
        Answers; `x` is updated.
    flipped : int
        1 to compare with the complement of `other`.
    linear, start, index, weight : ndarray
        The model, in compressed sparse rows.
    owner : ndarray of int32, shape (n,)
        Group of each variable, or -1; a group's differing members belong to one part.
    bounds, home : ndarray
        Members of group b are ``home[bounds[b]:bounds[b + 1]]``.
    seen : ndarray of int8, shape (n,)
    queue : ndarray of int32, shape (n,)
        Room.

    Returns
    -------
    float
        Energy gained, at least 0.
    """
    for i in range(len(x)):
        seen[i] = 0 if x[i] ^ other[i] ^ flipped else 1
    gained = 0.0
    for root in range(len(x)):
        if seen[root]:
            continue
        queue[0] = root
        seen[root] = 1
        length = 1
        k = 0
        change = 0.0
        size = 0.0
        while k < length:
            i = queue[k]
            k += 1
            field = np.float64(linear[i])
            for e in range(start[i], start[i + 1]):
                j = index[e]
                if x[j] ^ other[j] ^ flipped:  # x_j + s_j / 2 is 1/2 whatever x_j
                    field += 0.5 * weight[e]
                    if seen[j] == 0:
                        seen[j] = 1
                        queue[length] = j
                        length += 1
                elif x[j]:
                    field += weight[e]
            b = owner[i]
            if b >= 0:
                for p in range(bounds[b], bounds[b + 1]):
                    j = home[p]
                    if seen[j] == 0:
                        seen[j] = 1
                        queue[length] = j
                        length += 1
            change += -field if x[i] else field
            size += abs(field)
        if change < -ROUNDING * size:
            gained -= change
            for k in range(length):
                x[queue[k]] ^= 1
    return gained
