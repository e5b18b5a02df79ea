"""Compiled products over the neighbours of spins and of pairs of spins."""

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@compiled
def of_pairs(
    row: Ints, col: Ints, first: Ints, neighbours: Ints, cosines: Floats, sines: Floats,
    products: Floats,
) -> None:
    """For each pair (i, j) four products over all other spins k, into rows of `products`.

    Of ``cos a_k``, ``cos b_k``, ``cos(a_k + b_k)`` and ``cos(a_k - b_k)``, where ``a`` and ``b``
    are the angles of i and of j towards k. Neighbours of spin i stand, sorted, from ``first[i]`` to
    ``first[i + 1]``, with the cosines and sines of their angles; towards others the angle is 0.
    """
    for pair in range(len(row)):
        i, j = row[pair], col[pair]
        p, end_p, q, end_q = first[i], first[i + 1], first[j], first[j + 1]
        single_i, single_j, plus, minus = 1.0, 1.0, 1.0, 1.0
        while p < end_p or q < end_q:
            at_p = neighbours[p] if p < end_p else len(first)
            at_q = neighbours[q] if q < end_q else len(first)
            k = min(at_p, at_q)
            cos_i, sin_i, cos_j, sin_j = 1.0, 0.0, 1.0, 0.0
            if at_p == k:
                cos_i, sin_i = cosines[p], sines[p]
                p += 1
            if at_q == k:
                cos_j, sin_j = cosines[q], sines[q]
                q += 1
            if k in (i, j):
                continue
            single_i *= cos_i
            single_j *= cos_j
            plus *= cos_i * cos_j - sin_i * sin_j
            minus *= cos_i * cos_j + sin_i * sin_j
        products[pair, 0] = single_i
        products[pair, 1] = single_j
        products[pair, 2] = plus
        products[pair, 3] = minus


@compiled
def of_spins(first: Ints, cosines: Floats, products: Floats) -> None:
    """For each spin the product of its neighbours' cosines."""
    for i in range(len(first) - 1):
        product = 1.0
        for p in range(first[i], first[i + 1]):
            product *= cosines[p]
        products[i] = product
