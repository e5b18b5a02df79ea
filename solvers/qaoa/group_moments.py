"""Mean and deviation of a QUBO over the bit strings that keep its groups, without listing them.

A quadratic function of a random subset of fixed size splits into uncorrelated parts: a constant, a
linear one and one whose coefficients sum to zero at every element (the harmonic functions on a
slice; Filmus, Electron. J. Combin. 23, P1.23, 2016). The variance of each is a sum of squares.
"""

from math import comb, log2, perm

import numpy as np
from numpy.typing import NDArray

from qopt.forms import Group, Qubo

Floats = NDArray[np.float64]


def effective_qubits(qubo: Qubo) -> float:
    """Logarithm to base 2 of the number of bit strings that keep all groups."""
    bound = sum(len(group.members) for group in qubo.groups)
    states = sum(log2(comb(len(group.members), group.size)) for group in qubo.groups)
    return qubo.num_variables - bound + states


def moments(qubo: Qubo) -> tuple[float, float]:
    """Mean and standard deviation of the energy over all bit strings that keep the groups."""
    unit = qubo.scale
    matrix = qubo.to_matrix() / unit
    linear = np.diagonal(matrix).copy()
    pairs = matrix + matrix.T
    np.fill_diagonal(pairs, 0.0)
    share, spread = _bits(qubo)
    mean, variance = 0.0, 0.0
    for group in qubo.groups:
        block = np.ix_(group.members, group.members)
        inner = _inner(pairs[block], group)
        pairs[block] = 0.0
        mean, variance = mean + inner[0], variance + inner[1]
        linear[list(group.members)] += inner[2]
    mean += float(share @ linear) + 0.5 * float(share @ pairs @ share)
    # What a bit adds beside the means of all others, and what two add beside that of either.
    variance += float(spread @ _centred(linear + pairs @ share, qubo.groups) ** 2)
    rest = _centred(_centred(pairs, qubo.groups).T, qubo.groups)
    variance += 0.5 * float(spread @ rest**2 @ spread)
    return mean * unit + qubo.offset, float(np.sqrt(variance)) * unit


def _bits(qubo: Qubo) -> tuple[Floats, Floats]:
    """Mean of every bit, and the variance that a unit of its coefficient gives."""
    share = np.full(qubo.num_variables, 0.5)
    spread = np.full(qubo.num_variables, 0.25)
    for group in qubo.groups:
        n, members = len(group.members), list(group.members)
        if n:
            mean = group.size / n
            share[members] = mean
            spread[members] = mean * (1.0 - mean) * n / max(1, n - 1)
    return share, spread


def _inner(pairs: Floats, group: Group) -> tuple[float, float, Floats]:
    """Mean, variance beside the linear part, and linear part of a group's own pairs."""
    n, k = len(group.members), group.size
    if n < 3:
        return 0.5 * float(pairs.sum()) * (k == 2), 0.0, np.zeros(n)
    rows = pairs.sum(axis=1)
    tilt = (rows - rows.mean()) / (n - 2)
    level = rows.mean() / (n - 1)
    rest = pairs - level - tilt[:, None] - tilt
    np.fill_diagonal(rest, 0.0)
    weight = 0.0
    if n > 3:
        two, three, four = (perm(k, r) / perm(n, r) for r in (2, 3, 4))
        weight = two - 2.0 * three + four
    return level * comb(k, 2), 0.5 * weight * float(np.sum(rest**2)), (k - 1) * tilt


def _centred(values: Floats, groups: tuple[Group, ...]) -> Floats:
    """Take the mean over each group away, along the first axis."""
    centred = values.copy()
    for group in groups:
        if group.members:
            members = list(group.members)
            centred[members] -= centred[members].mean(axis=0)
    return centred
