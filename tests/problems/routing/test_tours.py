import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.problems.routing.tours import (
    improve,
    length,
    nearest_neighbour,
)


def matrix(size, seed, symmetric=False):
    d = np.random.default_rng(seed).integers(0, 30, (size, size)).astype(float)
    d = d + d.T if symmetric else d
    np.fill_diagonal(d, 0)
    return d.tolist()


@settings(deadline=None, max_examples=40)
@given(size=st.integers(1, 9), seed=st.integers(0, 10**6), symmetric=st.booleans())
def test_local_search_ends_where_no_reversal_and_no_move_helps(size, seed, symmetric):
    d = matrix(size, seed, symmetric)
    start = nearest_neighbour(d)
    assert sorted(start) == list(range(size))
    tour = improve(start, d)
    assert tour[0] == 0
    assert sorted(tour) == list(range(size))
    cost = length(tour, d)
    assert cost <= length(start, d)
    for i in range(1, size):
        for j in range(i + 1, size + 1):
            reversed_part = tour[:i] + tour[i:j][::-1] + tour[j:]
            assert length(reversed_part, d) >= cost
            rest = tour[:i] + tour[j:]
            if j - i <= 3:
                for k in range(1, len(rest) + 1):
                    assert length(rest[:k] + tour[i:j] + rest[k:], d) >= cost
