"""Market splits against enumeration, and their files."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lowerings import check_lowerings

import qopt
from qopt.errors import InputError, ParseError, UsageError
from qopt.forms import Qubo
from qopt.problems.market_split import MarketSplit


def every(n):
    return [np.array(x, dtype=np.int8) for x in product((0, 1), repeat=n)]


@st.composite
def splits(draw, objective):
    m, n = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    number = st.integers(-3, 12) if objective == "square" else st.integers(-2, 4)
    return MarketSplit(
        name="m",
        coefficients=np.array(draw(st.lists(number, min_size=m * n, max_size=m * n))).reshape(m, n),
        targets=np.array(draw(st.lists(number, min_size=m, max_size=m))),
        objective=objective,
    )


@pytest.mark.parametrize("objective", ["square", "absolute"])
@settings(deadline=None, max_examples=20)
@given(data=st.data())
def test_every_model_finds_the_least_residual(objective, data):
    problem = data.draw(splits(objective))
    check_lowerings(problem, every(problem.coefficients.shape[1]))


def test_objectives_are_squares_or_sizes():
    for objective, value in (("square", 13.0), ("absolute", 5.0)):
        problem = MarketSplit(name="m", coefficients=np.array([[1, 4], [5, 1]]),
                              targets=np.array([3, 2]), objective=objective)
        assert problem.score([1, 0]).objective == value
    assert problem.insight([1, 0]) == {"off by": [-2, 3], "equations met": 0}
    assert [v.text for v in problem.score([0.5, 1]).violations] == ["x1 is undecided"]


def test_the_square_takes_no_further_bits():
    problem = qopt.load("split-3x20")
    assert problem.lower(Qubo).model.num_variables == 20
    assert problem.reference.value == 0


@pytest.mark.parametrize(
    ("A", "b", "said"),
    [
        ([[1, 2]], [1, 2], "as many targets as rows"),
        ([[0.5]], [1], "whole numbers"),
        ([[2**30]], [1], r"above 2\*\*53"),
        ([[2**62]], [2**62], r"above 2\*\*53"),
    ],
)
def test_wrong_numbers_are_refused(A, b, said):
    with pytest.raises(InputError, match=said):
        MarketSplit(name="m", coefficients=A, targets=b)


def load(tmp_path, text, **given):
    path = tmp_path / "m.dat"
    path.write_bytes(text.encode())
    return qopt.load(path, kind="market-split", **given)


@pytest.mark.parametrize("text", ["2 3\n1 2 3 4\n5 6 7 8\n",
                                  "# QOBLIB\r\n2 3\r\n1\t2 3 4\r\n\r\n5 6 7 8"])
def test_files(tmp_path, text):
    problem = load(tmp_path, text, objective="absolute")
    assert problem.coefficients.tolist() == [[1, 2, 3], [5, 6, 7]]
    assert problem.targets.tolist() == [4, 8]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("2 3\n1 2 3 4\n5 6 7\n", 3, "the file ends before 3 coefficients"),
        ("2 3\n1 2 3\n4 5 6 7 8\n", 2, "equation 1 needs 3 coefficients and the target"),
        ("2 3\n1 2 3 4\n5 6 7 8\n9\n", 4, "goes on with '9' after 2 equations"),
        ("2 3\n1 2 3 4\n5 6 7 x\n", 3, "value 4 of equation 2 must be a whole number, got 'x'"),
        ("2 3\n1 2 3 4\n5 6 7e1 8\n", 3, "must be a whole number, got '7e1'"),
        ("2 -3\n1 2\n", 1, "the number of variables must be between 1"),
        ("2\n3\n", 1, "expected 'm n'"),
        ("", None, "empty"),
        ("1 1\n94906267 0\n", None, "the objective 'square' goes above 2"),
    ],
)
def test_faults_are_named_with_their_line(tmp_path, text, line, said):
    with pytest.raises(ParseError, match=said) as fault:
        load(tmp_path, text)
    assert fault.value.line == line


def test_answers_are_text():
    problem = MarketSplit(name="m", coefficients=np.array([[1, 4, 2]]), targets=np.array([3]))
    assert problem.encode_answer([0, 1, -1]) == "01?"
    assert problem.decode_answer("01?").tolist() == [0, 1, -1]
    with pytest.raises(UsageError, match="one bit for each of 3 variables"):
        problem.score([0])
    with pytest.raises(UsageError, match="objective must be"):
        MarketSplit(name="m", coefficients=[[1]], targets=[1], objective="cube")
