"""Compiled parts of the semidefinite bound. Imported when solving: numba is slow."""

from typing import Any

import numpy as np

from .compiled import compiled

_BINS = 256
"""Classes of violation among which the worst triangles are chosen."""


@compiled
def mix(cost: Any, vectors: Any, sweeps: int, enough: float) -> int:
    """Coordinate descent on unit vectors: each turns against the weighted sum of the others.

    The "mixing method" for ``min <C, V'V>`` with unit columns (Wang, Chang and Kolter, 2017,
    arXiv:1706.00476). Each step minimises exactly in one vector.

    Parameters
    ----------
    cost : ndarray of float64, shape (n, n)
        Symmetric, zero diagonal.
    vectors : ndarray of float64, shape (n, rank)
        Unit rows; changed in place.
    sweeps : int
    enough : float
        A sweep that gains less than this ends it.

    Returns
    -------
    int
        Sweeps done.
    """
    n, rank = vectors.shape
    pull = np.zeros(rank)
    for sweep in range(sweeps):
        gain = 0.0
        for i in range(n):
            pull[:] = 0.0
            for j in range(n):
                c = cost[i, j]
                if c != 0.0:
                    for r in range(rank):
                        pull[r] += c * vectors[j, r]
            norm, before = 0.0, 0.0
            for r in range(rank):
                norm += pull[r] * pull[r]
                before += pull[r] * vectors[i, r]
            norm = np.sqrt(norm)
            if norm > 0.0:
                gain += 2.0 * (before + norm)
                for r in range(rank):
                    vectors[i, r] = -pull[r] / norm
        if gain < enough:
            return sweep + 1
    return sweeps


@compiled
def subtract_cuts(matrix: Any, cuts: Any, weights: Any) -> None:
    """Take the weighted triangle inequalities off a symmetric matrix, in place.

    Parameters
    ----------
    matrix : ndarray of float64, shape (n, n)
    cuts : ndarray of int32, shape (cuts, 4)
        Corners ``i < j < k`` and the kind, as in `sides`.
    weights : ndarray of float64, shape (cuts,)
    """
    for c in range(len(cuts)):
        i, j, k, kind = cuts[c, 0], cuts[c, 1], cuts[c, 2], cuts[c, 3]
        half = 0.5 * weights[c]
        ij = half if kind == 0 or kind == 1 else -half
        ik = half if kind == 0 or kind == 2 else -half
        jk = half if kind == 0 or kind == 3 else -half
        matrix[i, j] -= ij
        matrix[j, i] -= ij
        matrix[i, k] -= ik
        matrix[k, i] -= ik
        matrix[j, k] -= jk
        matrix[k, j] -= jk


@compiled
def sides(matrix: Any, cuts: Any, out: Any) -> None:
    """The left sides of triangle inequalities, which are at least -1 in a cut matrix.

    Kind 0 is ``x_ij + x_ik + x_jk``; kinds 1, 2 and 3 keep the sign of the first, second and third
    term alone.
    """
    for c in range(len(cuts)):
        i, j, k, kind = cuts[c, 0], cuts[c, 1], cuts[c, 2], cuts[c, 3]
        ij, ik, jk = matrix[i, j], matrix[i, k], matrix[j, k]
        out[c] = (
            (ij if kind == 0 or kind == 1 else -ij)
            + (ik if kind == 0 or kind == 2 else -ik)
            + (jk if kind == 0 or kind == 3 else -jk)
        )


@compiled
def violated(matrix: Any, least: float, found: Any) -> int:
    """The triangle inequalities that a matrix violates most.

    Parameters
    ----------
    matrix : ndarray of float64, shape (n, n)
    least : float
        Violations below this are let pass.
    found : ndarray of int32, shape (most, 4)
        Filled with cuts, as in `subtract_cuts`.

    Returns
    -------
    int
        Rows of `found` that are filled.
    """
    n, most = len(matrix), len(found)
    width = 2.0 / _BINS  # no violation is above 2: all entries lie between -1 and 1
    counts = np.zeros(_BINS, np.int64)
    threshold, filled = least, 0
    for collecting in range(2):
        for i in range(n):
            for j in range(i + 1, n):
                ij = matrix[i, j]
                for k in range(j + 1, n):
                    ik, jk = matrix[i, k], matrix[j, k]
                    kind, low = 0, ij + ik + jk
                    if ij - ik - jk < low:
                        kind, low = 1, ij - ik - jk
                    if ik - ij - jk < low:
                        kind, low = 2, ik - ij - jk
                    if jk - ij - ik < low:
                        kind, low = 3, jk - ij - ik
                    excess = -1.0 - low
                    if excess < threshold:
                        continue
                    if collecting == 0:
                        counts[min(_BINS - 1, int(excess / width))] += 1
                    elif filled < most:
                        found[filled, 0], found[filled, 1] = i, j
                        found[filled, 2], found[filled, 3] = k, kind
                        filled += 1
        if collecting == 0:
            total, b = 0, _BINS
            while b > 0 and total + counts[b - 1] <= most:
                b -= 1
                total += counts[b]
            # The class that does not fit whole is taken as far as it fits, if all else is empty.
            if b > 0 and total < most // 4:
                b -= 1
            threshold = max(least, b * width)
    return filled
