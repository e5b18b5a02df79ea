"""Bounds, greedy answers and repair costs behind the penalty weights."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.forms import Group, Qubo
from qopt.forms.sufficient import (
    BitRow,
    above,
    greedy_sample,
    group_rows,
    lower_bound,
    repair_costs,
    upper_bound,
)


def all_bits(n: int) -> np.ndarray:
    return np.array(list(product((0, 1), repeat=n)), dtype=np.int8)


@st.composite
def grouped(draw) -> Qubo:
    n = draw(st.integers(1, 7))
    matrix = draw(st.lists(st.integers(-5, 5), min_size=n * n, max_size=n * n))
    members = draw(st.permutations(range(n)))
    cut = draw(st.integers(0, n))
    groups = [
        Group(tuple(part), draw(st.integers(0, len(part))))
        for part in (members[:cut], members[cut:])
        if part and draw(st.booleans())
    ]
    return Qubo.from_matrix(np.array(matrix).reshape(n, n), offset=1.5, groups=groups)


@settings(deadline=None, max_examples=120)
@given(grouped())
def test_bounds_enclose_all_samples_that_keep_the_groups(qubo: Qubo) -> None:
    bits = all_bits(qubo.num_variables)
    energies = qubo.energies(bits[qubo.group_violations(bits) == 0])
    assert lower_bound(qubo) <= energies.min() + 1e-9
    assert upper_bound(qubo) >= energies.max() - 1e-9


def test_groups_make_the_bounds_tight() -> None:
    # One of three with costs 4, 5, 6: nothing else can happen.
    one = Qubo.from_arrays([4.0, 5.0, 6.0], groups=[Group((0, 1, 2), 1)])
    assert (lower_bound(one), upper_bound(one)) == (4.0, 6.0)
    # Two groups of three; a bit meets one partner in the other group, not three.
    row, col = zip(*product(range(3), range(3, 6)), strict=True)
    pairs = Qubo.from_arrays(
        np.zeros(6), row, col, -np.ones(9), groups=[Group((0, 1, 2), 1), Group((3, 4, 5), 1)]
    )
    assert lower_bound(pairs) == -1.0
    assert lower_bound(pairs.with_groups(())) == -9.0


@st.composite
def rows(draw, n: int) -> list[BitRow]:
    out = []
    for _ in range(draw(st.integers(0, 3))):
        a = np.array(draw(st.lists(st.sampled_from([-2, -1, 1, 1, 2, 3]), min_size=n, max_size=n)))
        least, most = int(np.minimum(a, 0).sum()), int(np.maximum(a, 0).sum())
        side = draw(st.sampled_from([1, -1, 0]))
        low = least if side == 1 else draw(st.integers(least, most))
        high = most if side == -1 else draw(st.integers(low, most))
        out.append(BitRow(np.arange(n), a.astype(np.int64), low, high, side))
    return out


def keeps(row: BitRow, bits: np.ndarray) -> np.ndarray:
    activity = bits[:, row.index].astype(int) @ row.coefficients
    return (row.low <= activity) & (activity <= row.high)


@settings(deadline=None, max_examples=120)
@given(grouped(), st.data())
def test_a_greedy_sample_keeps_every_row(qubo: Qubo, data) -> None:
    constraints = data.draw(rows(qubo.num_variables)) + group_rows(qubo.groups)
    sample = greedy_sample(qubo, constraints)
    if sample is not None:
        assert all(keeps(row, sample[None])[0] for row in constraints)


def test_a_single_group_is_filled_with_the_cheapest() -> None:
    qubo = Qubo.from_arrays([3.0, -1.0, 2.0, 1.0], groups=[Group((0, 1, 2, 3), 2)])
    sample = greedy_sample(qubo, group_rows(qubo.groups))
    assert sample is not None
    assert sample.tolist() == [0, 1, 0, 1]


def test_an_assignment_is_completed() -> None:
    rng = np.random.default_rng(4)
    cells = np.arange(25).reshape(5, 5)
    ones = np.ones(5, dtype=np.int64)
    lines = [BitRow(line, ones, 1, 1, 0) for line in (*cells, *cells.T)]
    sample = greedy_sample(Qubo.from_arrays(rng.integers(1, 50, 25)), lines)
    assert sample is not None
    assert all(keeps(row, sample[None])[0] for row in lines)


def test_a_dead_end_is_admitted() -> None:
    # x = y and x + y = 1 cannot both hold, though each can.
    ones = np.array([1, 1])
    both = [BitRow(np.arange(2), np.array([1, -1]), 0, 0, 0), BitRow(np.arange(2), ones, 1, 1, 0)]
    assert greedy_sample(Qubo.from_arrays([-1.0, -1.0]), both) is None


def test_repair_costs_of_an_edge_and_a_cover() -> None:
    qubo = Qubo.from_arrays([-3.0, -5.0, -2.0], [0], [2], [1.0])
    edge = BitRow(np.array([0, 1]), np.array([1, 1]), 0, 1, 1)
    assert repair_costs(qubo, [edge]) == [3.0]  # clear bit 0: at most 3
    cover = BitRow(np.array([0, 1]), np.array([1, 1]), 1, 2, -1)
    assert repair_costs(Qubo.from_arrays([3.0, 5.0]), [cover]) == [3.0]
    # Together no move is safe: each mends one row and may break the other.
    assert repair_costs(qubo, [edge, cover]) == [None, None]


def test_a_knapsack_is_mended_by_the_cheapest_of_too_many() -> None:
    qubo = Qubo.from_arrays([-9.0, -8.0, -1.0, -7.0])
    row = BitRow(np.arange(4), np.array([2, 2, 1, 2]), 0, 4, 1)
    # 9 and 8 fit; with 7 on top the cheapest of the three costs 7.
    assert repair_costs(qubo, [row]) == [7.0]
    equality = BitRow(np.arange(4), np.array([2, 2, 1, 2]), 4, 4, 0)
    assert repair_costs(qubo, [equality]) == [None]


@pytest.mark.parametrize(("worst", "weight"), [(-3.0, 1.0), (0.0, 1.0), (2.0, 3.0), (2.5, 3.0)])
def test_weights_stay_whole_for_whole_objectives(worst: float, weight: float) -> None:
    assert above(worst, Qubo.from_arrays([1.0, -4.0])) == weight


def test_weights_have_a_margin() -> None:
    assert above(2.0, Qubo.from_arrays([0.5, -4.5])) == pytest.approx(2.0045)
