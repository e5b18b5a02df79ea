import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.numbers import (
    count_text,
    digits_for,
    join,
    money_text,
    percent_text,
    plural,
    seconds_text,
    value_text,
)


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (3323.0, 6, "3323"), (72355.0, 3, "72355"), (2.5527793772e-4, 6, "0.000255278"),
        (2.5527793772e-4, 8, "0.00025527794"), (-0.0012345, 6, "-0.0012345"), (0.0, 6, "0"),
        (1234.5678, 6, "1234.57"), (None, 6, "–"), (1e20, 6, "1e+20"),
    ],
)
def test_objectives_keep_their_digits(value, digits, text):
    assert value_text(value, digits) == text


def test_different_values_never_look_equal():
    close = [2.5527793772e-4, 2.5527793999e-4]
    digits = digits_for(close)
    assert digits == 9
    assert value_text(close[0], digits) != value_text(close[1], digits)
    assert digits_for([1.0, 1.0 + 1e-12]) == 6      # a difference within rounding is none
    assert digits_for([None, 5.0]) == 6
    assert digits_for([]) == 6


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=2, max_size=6))
def test_digits_tell_values_apart(values):
    digits = digits_for(values)
    for a in values:
        for b in values:
            if abs(a - b) > 1e-9 * max(abs(a), abs(b)):
                assert value_text(a, digits) != value_text(b, digits)


@pytest.mark.parametrize(
    ("part", "text"),
    [(0.0, "0"), (0.0344, "3.44"), (1.28, "128"), (12.3456, "1235"), (None, "–"), (-0.02, "-2"),
     (1e-6, "0.0001")],
)
def test_percentages(part, text):
    assert percent_text(part) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0"), (0.0123, "0.0123"), (0.5, "0.50"), (9.999, "10.0"), (12.34, "12.3"),
     (123.4, "123"), (None, "–"), (0.00001, "0")],
)
def test_seconds(seconds, text):
    assert seconds_text(seconds) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0.0, "0"), (0.0000226667, "0.000023"), (3.77344, "3.77"), (8030.0, "8030.00"),
     (0.1234, "0.12"), (2e-9, "2e-09"), (None, "–"), (0.0816, "0.082")],
)
def test_money_is_never_rounded_to_nothing(amount, text):
    assert money_text(amount) == text


def test_words():
    assert plural(1, "run") == "1 run"
    assert plural(2, "run") == "2 runs"
    assert join([]) == ""
    assert join(["a"]) == "a"
    assert join(["a", "b", "c"]) == "a, b and c"
    assert count_text(2.5) == "2.5"
    assert count_text(2.0) == "2"
    assert count_text(None) == "–"
