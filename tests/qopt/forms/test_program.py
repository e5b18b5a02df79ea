"""The program form: canonical arrays, objective, violations in words."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.errors import InputError, UsageError
from qopt.forms import Constraint, Program
from qopt.forms.program import constraint, tolerance

whole = st.integers(-4, 4).map(float)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_build_keeps_the_function_and_is_canonical(data) -> None:
    n = data.draw(st.integers(1, 4))
    index = st.integers(0, n - 1)
    linear = data.draw(st.lists(whole, min_size=n, max_size=n))
    pairs = data.draw(st.lists(st.tuples(index, index, whole), max_size=10))
    program = Program.build(
        linear=linear, row=[i for i, _, _ in pairs], col=[j for _, j, _ in pairs],
        value=[v for _, _, v in pairs], offset=2.0, lower=-5, upper=5,
    )
    keys = program.row * n + program.col
    assert (program.row <= program.col).all()
    assert (np.diff(keys) > 0).all()
    assert (program.value != 0).all()
    x = data.draw(st.lists(whole, min_size=n, max_size=n))
    expected = 2.0 + np.dot(linear, x) + sum(v * x[i] * x[j] for i, j, v in pairs)
    assert program.objective(x) == pytest.approx(expected)


def test_the_defaults_are_binary() -> None:
    program = Program.build(linear=[1.0, 2.0])
    assert program.binary.tolist() == [True, True]
    assert program.names == ("x0", "x1")
    assert program.sense == "minimise"
    mixed = Program.build(
        linear=[1, 2, 3, 4], lower=[0, 1, 0, 0], upper=[1, 1, 1, 2], integer=[1, 1, 0, 1]
    )
    assert mixed.binary.tolist() == [True, True, False, False]
    assert repr(mixed) == (
        "Program(minimise, 4 variables (2 binary), 0 constraints, 0 quadratic terms)"
    )


def test_constraints_sum_repeats_and_drop_zeros() -> None:
    item = constraint("c", [2, 0, 2, 1], [1.0, 4.0, 2.0, 0.0], "<=", 5)
    assert (item.indices.tolist(), item.coefficients.tolist()) == ([0, 2], [4.0, 3.0])
    ones = constraint("d", range(3), 1.0, "==", 2)
    assert ones.coefficients.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("comparator", "values", "excess"),
    [("<=", [3, 2], 1), ("<=", [2, 2], 0), (">=", [1, 1], 2), (">=", [5, 5], 0), ("==", [3, 2], 1),
     ("==", [1, 1], 2), ("==", [2, 2], 0)],
)
def test_excess(comparator, values, excess) -> None:
    item = constraint("c", [0, 1], 1.0, comparator, 4)
    assert item.excess(np.array(values, dtype=float)) == excess


def test_violations_in_words() -> None:
    program = Program.build(
        linear=[0, 0, 0], lower=[0, -1, 0], upper=[1, 5, 2], integer=[True, True, False],
        names=["a", "b", "c"],
        constraints=[("sum", [0, 1, 2], 1.0, "<=", 3), ("tie", [0, 2], [1, -1], "==", 0)],
    )
    assert program.violations([1, 1, 1]) == []
    assert program.violations([2, -2.5, 2]) == [
        ("b = -2.5 below its bound -1", 1.5),
        ("a = 2 above its bound 1", 1.0),
        ("b = -2.5 is not whole", 0.5),
    ]
    assert program.violations([1, 5, 0]) == [
        ("sum: 6 <= 3 broken", 3.0), ("tie: 1 == 0 broken", 1.0)
    ]
    assert program.violations([1, np.nan, np.inf]) == [
        ("b = nan is not a number", np.inf), ("c = inf is not a number", np.inf)
    ]
    with pytest.raises(UsageError, match="needs 3 values"):
        program.violations([1, 1])


def test_solvers_tolerances_are_forgiven() -> None:
    program = Program.build(
        linear=[0, 0], upper=[1, 1e9], integer=[True, False],
        constraints=[("c", [0, 1], 1.0, "<=", 1e6)],
    )
    assert program.violations([1 + 5e-7, 0]) == []
    assert program.violations([1, 1e6 - 1 + 5e-4]) == []  # half a thousandth over a million
    assert program.violations([1, 1e6 - 0.5])
    assert program.violations([1 + 5e-6, 0])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"linear": [np.nan]}, "objective coefficient is NaN"),
        ({"linear": [1], "offset": np.inf}, "objective coefficient is NaN or infinite"),
        ({"linear": [1], "row": [0], "col": [0], "value": [np.nan]}, "NaN or infinite"),
        ({"linear": [1], "row": [0], "col": [1], "value": [1.0]}, r"0\.\.0"),
        ({"linear": [1], "row": [0], "col": [0, 0], "value": [1.0]}, "equal length"),
        ({"linear": [1], "lower": np.nan}, "bound is NaN"),
        ({"linear": [1], "lower": 2, "upper": 1, "names": ["k"]}, "'k' has bounds 2 > 1"),
        ({"linear": [1, 2], "names": ["a", "a"]}, "all different"),
        ({"linear": [1, 2], "names": ["a"]}, "one name for each"),
        ({"linear": [1], "constraints": [("c", [1], 1.0, "<=", 1)]}, r"'c' names .* 0\.\.0"),
        ({"linear": [1], "constraints": [("c", [0], np.inf, "<=", 1)]}, "'c' has a NaN"),
        ({"linear": [1], "constraints": [("c", [0], 1.0, "<=", np.nan)]}, "'c' has a NaN"),
    ],
)
def test_bad_programs_are_refused(arguments, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Program.build(**arguments)


def test_bad_words_are_refused() -> None:
    with pytest.raises(UsageError, match="sense must be"):
        Program.build(linear=[1], sense="min")
    with pytest.raises(UsageError, match="comparator '<' is unknown"):
        Program.build(linear=[1], constraints=[("c", [0], 1.0, "<", 1)])


def test_a_constraint_goes_in_as_it_is() -> None:
    item = Constraint("c", np.array([0]), np.array([2.0]), ">=", 1.0)
    assert Program.build(linear=[1], constraints=[item]).constraints == (item,)


@pytest.mark.parametrize("limit", [0.0, 1e-9, 1.0, 3e6, 1e7, 1e9, 1e10])
def test_a_whole_unit_is_never_rounding(limit: float) -> None:
    assert 1e-6 <= tolerance(limit) == tolerance(-limit) <= 1e-3


def test_huge_limits_forgive_what_sums_of_doubles_are_off_by() -> None:
    assert tolerance(1e14) >= np.spacing(1e14)
