from itertools import combinations

import pytest

from qopt.solvers.qaoa.mixers import complete_pairs, ring_pairs


def test_even_pairs_come_first_and_the_closing_one_of_an_odd_ring_last():
    assert [i for i, _ in ring_pairs(6)] == [0, 2, 4, 1, 3, 5]
    assert [i for i, _ in ring_pairs(5)] == [0, 2, 1, 3, 4]
    assert ring_pairs(2) == [(0, 1)]
    assert ring_pairs(1) == ring_pairs(0) == []


@pytest.mark.parametrize("members", range(3, 12))
def test_a_ring_has_every_pair_of_neighbours_once(members):
    neighbours = {frozenset((i, (i + 1) % members)) for i in range(members)}
    assert len(ring_pairs(members)) == members
    assert {frozenset(pair) for pair in ring_pairs(members)} == neighbours


@pytest.mark.parametrize("members", range(12))
def test_the_complete_mixer_takes_every_pair_once_in_rounds_of_disjoint_ones(members):
    pairs = complete_pairs(members)
    assert sorted(pairs) == list(combinations(range(members), 2))
    size, rounds = members // 2, members - 1 + members % 2
    if members > 1:
        assert len(pairs) == size * rounds
        for start in range(0, len(pairs), size):
            assert len({i for pair in pairs[start:start + size] for i in pair}) == 2 * size
