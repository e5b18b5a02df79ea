from itertools import combinations
from math import comb

import numpy as np
import pytest

from qopt.solvers.qaoa.mixers import ring_pairs
from qopt.solvers.qaoa.simulate.subsets import (
    bits_of_subsets,
    level_bytes,
    levels,
    pair_bytes,
    pair_states,
    subsets,
)

SIZES = [(n, k) for n in range(8) for k in range(n + 1)]


def ranked(n, k):
    """Subsets as sets, in the order of the numbers that they are in binary."""
    return sorted(map(frozenset, combinations(range(n), k)), key=lambda s: sum(1 << i for i in s))


@pytest.mark.parametrize(("n", "k"), SIZES)
def test_subsets_ascend_as_binary_numbers(n, k):
    rows = subsets(n, k)
    assert rows.shape == (comb(n, k), k)
    assert [frozenset(row) for row in rows.tolist()] == ranked(n, k)
    assert (np.diff(rows, axis=1) > 0).all()
    bits = bits_of_subsets(n, k)
    assert [frozenset(np.flatnonzero(row).tolist()) for row in bits] == ranked(n, k)


@pytest.mark.parametrize(("n", "k"), SIZES)
def test_pairs_move_one_element_a_step(n, k):
    pairs, sets = pair_states(n, k, ring_pairs(n)), ranked(n, k)
    if not 0 < k < n:
        assert pairs.size == 0
        return
    steps = []
    for pair in pairs:
        moves = {
            (*(sets[i] - sets[j]), *(sets[j] - sets[i])) for i, j in pair.T.tolist()
        }
        assert len(moves) == 1
        steps += moves
        assert len(set(pair.ravel().tolist())) == 2 * comb(n - 2, k - 1)
    neighbours = {frozenset((i, (i + 1) % n)) for i in range(n)}
    assert {frozenset(step) for step in steps} == neighbours
    assert len(steps) == len(neighbours)


@pytest.mark.parametrize(("n", "k"), SIZES)
def test_levels_are_the_inclusions(n, k):
    found = levels(n, k)
    assert len(found) == min(k, n - k)
    sizes = range(min(k, n - k), 0, -1)
    for number, (t, level) in enumerate(zip(sizes, found, strict=True)):
        upper, lower = ranked(n, t), ranked(n, t - 1)
        if number == 0 and k > n - k:
            upper = [frozenset(range(n)) - kept for kept in ranked(n, k)]
        for one, below in zip(upper, level.below.tolist(), strict=True):
            assert {lower[i] for i in below} == {one - {x} for x in one}
        for one, above in zip(lower, level.above.tolist(), strict=True):
            assert {upper[i] for i in above} == {one | {x} for x in range(n) if x not in one}


@pytest.mark.parametrize(("n", "k"), [(2, 1), (7, 3), (7, 5), (6, 0), (5, 5)])
def test_the_memory_of_the_tables_is_foreseen(n, k):
    pairs = ring_pairs(n)
    assert pair_states(n, k, pairs).nbytes == pair_bytes(n, k, len(pairs))
    both = sum(level.below.nbytes + level.above.nbytes for level in levels(n, k))
    assert both == level_bytes(n, k)
