"""Whole-number scaling: exact where it says so, on the safe side elsewhere."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.errors import UnsupportedError
from qopt.forms.program import constraint
from qopt.solvers.scaling import whole_objective, whole_rows

numbers = st.one_of(
    st.integers(-50, 50).map(float),
    st.floats(-100, 100).map(lambda v: v if abs(v) > 1e-6 else 0.0),
)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(numbers, st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=6))
def test_a_whole_objective_is_never_above_the_true_one(terms):
    linear = np.array([a for a, _, _ in terms])
    width = np.array([float(max(w, z)) for _, w, z in terms])
    z = np.array([float(z) for _, _, z in terms])
    whole = whole_objective(linear, width, constant=3.0)
    true, model = float(linear @ z) + 3.0, whole.true(float(whole.coefficients @ z))
    slack = 1e-12 * max(1.0, float(np.abs(linear) @ z))
    assert model <= true + slack
    assert model >= true - 1e-9 * max(1.0, float(np.abs(linear) @ width))
    if whole.exact:
        assert model == pytest.approx(true, abs=slack)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.tuples(numbers, st.integers(-3, 3), st.integers(0, 5)), min_size=1, max_size=5),
    st.sampled_from(["<=", ">=", "=="]),
    st.one_of(numbers, st.none()),
    st.data(),
)
def test_whole_rows_keep_feasible_points_and_refuse_clearly_broken_ones(
    terms, comparator, rhs, data
):
    weights = [a for a, _, _ in terms]
    z = np.array([data.draw(st.integers(0, w)) for _, _, w in terms], dtype=float)
    lower = np.array([float(low) for _, low, _ in terms])
    if rhs is None:  # exactly on the constraint, up to rounding in the sum
        rhs = float(np.dot(weights, lower + z))
    item = constraint("row", range(len(terms)), weights, comparator, rhs)
    width = np.array([float(w) for _, _, w in terms])[item.indices]
    kept = all(
        (row.low is None or np.dot(row.coefficients, z[item.indices]) >= row.low)
        and (row.high is None or np.dot(row.coefficients, z[item.indices]) <= row.high)
        for row in whole_rows(item, lower[item.indices], width)
    )
    excess = item.excess(lower + z)
    if excess <= 1e-12 * max(1.0, abs(rhs)):
        assert kept
    if kept:
        assert excess <= item.tolerance


def test_a_fractional_side_between_whole_sums_is_rounded_inwards():
    (row,) = whole_rows(constraint("r", [0, 1], 2, "<=", 3.5), np.zeros(2), np.ones(2))
    assert (row.coefficients, row.low, row.high) == ([2, 2], None, 3)
    (row,) = whole_rows(constraint("r", [0, 1], 2, "==", 3.5), np.zeros(2), np.ones(2))
    assert row.low > row.high


def test_coefficients_beyond_64_bits_are_refused():
    item = constraint("mass", [0, 1], [sqrt(2) * 1e12, 1e-3], "<=", 1.0)
    with pytest.raises(UnsupportedError, match=r"constraint 'mass'.*milp"):
        whole_rows(item, np.zeros(2), np.array([1e4, 1e4]))


@pytest.mark.parametrize("power", [49, 50, 51])
def test_whole_rows_of_huge_coefficients_are_exact(power):
    weights = [2.0**power + 1.0, 2.0**power - 1.0, 2.0 ** (power - 1)]
    (row,) = whole_rows(
        constraint("half", range(3), weights, "<=", sum(weights) / 2.0), np.zeros(3), np.ones(3)
    )
    assert row.coefficients == [int(w) for w in weights]
    assert row.high == int(sum(weights)) // 2


def test_rows_scaled_by_less_than_one_keep_their_side():
    """Coefficients of 2**59 leave no room for whole ones; half of each is within the tolerance."""
    weights = np.array([2.0**59, 2.0**58 + 2.0**40, 2.0**57])
    (row,) = whole_rows(
        constraint("half", range(3), weights, "<=", 2.0**59), np.zeros(3), np.ones(3)
    )
    assert row.high > max(row.coefficients) / 2 > 0
    assert row.coefficients[0] <= row.high < row.coefficients[0] + row.coefficients[2]
