"""A look at all variables at once: which of them a rule may apply to, and bounds of large models.

What the rules do one variable at a time takes a table of neighbours, which takes time to make. On
a model that nothing can be done about, a regular graph or a dense matrix, arrays tell so at once.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..qubo import Qubo
from .lifting import ONE, ZERO, Lifting
from .pairs import MOST_NEIGHBOURS
from .single import FOLDABLE


def promising(qubo: Qubo) -> NDArray[np.int64]:
    """Variables that the rules for one and two variables may remove; groups are not seen."""
    n, row, col = qubo.num_variables, qubo.row, qubo.col
    low, high = _bounds(qubo)
    degree = np.bincount(row, minlength=n) + np.bincount(col, minlength=n)
    found = (low >= 0.0) | (high <= 0.0) | (degree <= FOLDABLE)
    few = degree <= MOST_NEIGHBOURS
    ends = _tied(qubo, low, high) & few[row] & few[col]
    found[row[ends]] = True
    found[col[ends]] = True
    return np.flatnonzero(found)


def _bounds(qubo: Qubo) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least and most of each variable's field."""
    low, high = qubo.linear.copy(), qubo.linear.copy()
    n = qubo.num_variables
    for end in (qubo.row, qubo.col):
        low += np.bincount(end, weights=np.minimum(qubo.value, 0.0), minlength=n)
        high += np.bincount(end, weights=np.maximum(qubo.value, 0.0), minlength=n)
    return low, high


def _tied(
    qubo: Qubo, low: NDArray[np.float64], high: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Pairs that `pairs.tie` may merge: its rules, with the least that a spread can be."""
    n, value = qubo.num_variables, qubo.value
    total, sizes = np.zeros(n), np.zeros(n)
    for end in (qubo.row, qubo.col):
        total += np.bincount(end, weights=value, minlength=n)
        sizes += np.bincount(end, weights=np.abs(value), minlength=n)
    opposite = value > 0.0
    sign = np.where(opposite, 1.0, -1.0)
    i, j = qubo.row, qubo.col
    # Sums over the others of the two fields, and least width that their sum or difference has.
    drift = (total[i] - value) + sign * (total[j] - value)
    width = np.maximum(np.abs(drift), np.abs(sizes[i] - sizes[j]))
    most, least = (drift + width) / 2.0, (drift - width) / 2.0
    joint = qubo.linear[i] + sign * qubo.linear[j]
    slack = 1e-9 * (np.abs(joint) + np.abs(value) + width)
    lower = [low[end] - np.minimum(value, 0.0) for end in (i, j)]
    upper = [high[end] - np.maximum(value, 0.0) for end in (i, j)]
    down = [np.where(opposite, bound <= 0.0, bound >= 0.0)
            for bound in (np.where(opposite, up, lo) for up, lo in zip(upper, lower, strict=True))]
    with_one = [np.where(opposite, lo + value >= 0.0, up + value <= 0.0)
                for up, lo in zip(upper, lower, strict=True)]
    # Opposite bits: neither is one, both are one. Equal bits: the first alone, the second alone.
    first = np.where(
        opposite, down[0] | down[1] | (joint + most <= slack),
        down[0] | with_one[1] | (value - joint - least <= slack),
    )
    second = np.where(
        opposite, with_one[0] | with_one[1] | (joint + 2.0 * value + least >= -slack),
        down[1] | with_one[0] | (value + joint + most <= slack),
    )
    return np.asarray(first & second)


def has_duplicates(qubo: Qubo) -> bool:
    """Whether two variables seem to have equal coefficients: a sum tells, by random weights."""
    n = qubo.num_variables
    weights = np.random.default_rng(0).random(n + 1)
    marks = qubo.linear * weights[n]
    for end, other in ((qubo.row, qubo.col), (qubo.col, qubo.row)):
        marks += np.bincount(end, weights=qubo.value * weights[other], minlength=n)
    return len(np.unique(np.round(marks / qubo.scale, 9))) < n


def has_parts(qubo: Qubo) -> bool:
    """Whether the model falls apart."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = qubo.num_variables
    graph = coo_array((np.ones(len(qubo.row), dtype=np.int8), (qubo.row, qubo.col)), shape=(n, n))
    return int(connected_components(graph, directed=False, return_labels=False)) > 1


def fix_by_bounds(qubo: Qubo) -> tuple[Qubo, Lifting]:
    """Fix what bounds of fields decide, all at once, until they decide nothing more.

    For models with too many pairs for a table of neighbours. Members of groups are left alone.
    """
    n = qubo.num_variables
    kept = np.arange(n)
    steps: list[tuple[int, int, int, int]] = []
    while True:
        low, high = _bounds(qubo)
        grouped = np.zeros(qubo.num_variables, dtype=bool)
        for group in qubo.groups:
            grouped[list(group.members)] = True
        decided = ~grouped & ((low >= 0.0) | (high <= 0.0))
        if not decided.any():
            return qubo, Lifting(n, kept, steps)
        # Bounds of one hold whatever the others are, so that all can be fixed together.
        ones = decided & (low < 0.0)
        steps += [(int(kept[i]), 0, 0, ONE if ones[i] else ZERO) for i in np.flatnonzero(decided)]
        qubo = _restricted(qubo, decided, ones)
        kept = kept[~decided]


def _restricted(qubo: Qubo, decided: NDArray[np.bool_], ones: NDArray[np.bool_]) -> Qubo:
    """The model with some variables fixed to one or zero."""
    bits = ones.astype(np.float64)
    linear = qubo.linear.copy()
    np.add.at(linear, qubo.row, qubo.value * bits[qubo.col])
    np.add.at(linear, qubo.col, qubo.value * bits[qubo.row])
    both = float(qubo.value @ (bits[qubo.row] * bits[qubo.col]))
    offset = qubo.offset + float(qubo.linear @ bits) + both
    place = np.cumsum(~decided) - 1
    keep = ~(decided[qubo.row] | decided[qubo.col])
    groups = [
        replace(group, members=tuple(place[list(group.members)].tolist())) for group in qubo.groups
    ]
    return Qubo.from_arrays(
        linear[~decided], place[qubo.row[keep]], place[qubo.col[keep]], qubo.value[keep],
        offset=offset, groups=groups,
        labels=[name for name, gone in zip(qubo.labels, decided, strict=False) if not gone],
    )
