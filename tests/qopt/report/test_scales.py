from math import isfinite

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qopt.report import scales

finite = st.floats(-1e9, 1e9, allow_nan=False)


@pytest.mark.parametrize("make", [scales.linear, scales.gaps])
@settings(deadline=None, max_examples=80)
@given(values=st.lists(finite, max_size=8))
@example(values=[5e-324])
def test_values_lie_on_the_axis_in_order_and_ticks_with_them(make, values):
    scale = make(values)
    places = [scale.place(v) for v in sorted(values)]
    assert all(-1e-9 <= p <= 1 + 1e-9 for p in places)
    assert places == sorted(places)
    assert len(scale.ticks) <= 16
    for value, label in scale.ticks:
        assert isfinite(value)
        assert -1e-9 <= scale.place(value) <= 1 + 1e-9
        assert label


@settings(deadline=None, max_examples=80)
@given(values=st.lists(st.floats(1e-9, 1e9), max_size=8))
def test_logarithmic_values_lie_on_the_axis(values):
    scale = scales.logarithmic(values)
    places = [scale.place(v) for v in sorted(values)]
    assert all(0 <= p <= 1 for p in places)
    assert places == sorted(places)
    assert scale.place(0.0) == 0.0
    assert 2 <= len(scale.ticks) <= 8


def test_gaps_start_at_zero_and_bend_only_where_they_span_decades():
    assert [label for _, label in scales.gaps([0.0, 1.0, 2.0]).ticks] == [
        "0", "0.5", "1.0", "1.5", "2.0"
    ]
    bent = scales.gaps([0.0, 0.02, 50.0])
    assert [value for value, _ in bent.ticks] == [0.0, 0.01, 0.1, 1.0, 10.0]
    assert bent.place(0.0) == 0.0


def test_ticks_are_round_numbers_with_their_digits():
    assert [label for _, label in scales.linear([3323.0, 3400.0]).ticks] == [
        "3340", "3360", "3380", "3400"
    ]
    labels = [label for _, label in scales.linear([0.0012, 0.0018]).ticks]
    assert "0.0014" in labels
    assert [label for _, label in scales.logarithmic([0.01, 10.0]).ticks] == [
        "0.01", "0.1", "1", "10"
    ]
