"""Whole units: exact where they say so, and kept limits elsewhere."""

from fractions import Fraction
from math import inf, pi

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.forms.whole_numbers import as_fraction, common_denominator, measure, power_below


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0, 2.0], 1),
        ([0.1, 0.25], 20),
        ([1 / 3, 0.5, inf], 6),
        ([], 1),
        ([pi], None),
        ([0.1 + 0.2], None),
        ([2.0**60], None),
    ],
)
def test_common_denominator(values, expected):
    assert common_denominator(values) == expected


def test_common_denominator_keeps_within_what_is_allowed():
    assert common_denominator([0.5, 100.0], largest=201.0) == 2
    assert common_denominator([0.5, 100.0], largest=200.0) is None


def test_fractions_are_those_that_round_to_the_value():
    assert as_fraction(0.3) == Fraction(3, 10)
    assert as_fraction(-2.0) == -2
    assert as_fraction(2.0**70) == 2**70
    assert as_fraction(pi) is None
    assert power_below(0.3) == 0.25


def test_units_are_exact_where_they_can_be():
    unit = measure([0.1, 2.5, inf], 100.0, largest=1000.0, finest=1e6)
    assert (unit.scale, unit.exact) == (10.0, True)
    assert unit.amounts(np.array([0.3, 2.5])).tolist() == [3, 25]
    coarse = measure([0.1, 2.5], 100.1, largest=1000.0, finest=1e6)
    assert (coarse.scale, coarse.exact) == (2.0**19, False)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(0.01, 5.0), min_size=1, max_size=6), st.floats(0.0, 1.0))
def test_what_keeps_a_rounded_limit_keeps_the_limit(values, share):
    limit = share * sum(values)
    unit = measure([*values, limit], sum(values), largest=1e6, finest=1000.0)
    if sum(unit.amount(v) for v in values) <= unit.limit(limit):
        assert sum(values) <= limit + 1e-9
    assert unit.amounts(np.array(values)).tolist() == [unit.amount(v) for v in values]
