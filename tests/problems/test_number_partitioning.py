"""Number partitioning against enumeration, with exact sums, and its files."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lowerings import check_lowerings

import qopt
from qopt.errors import InputError, ParseError, UsageError
from qopt.forms import Qubo
from qopt.problem import fingerprint
from qopt.problems.number_partitioning import NumberPartitioning


def every(n):
    return [np.array(x, dtype=np.int8) for x in product((0, 1), repeat=n)]


@settings(deadline=None, max_examples=30)
@given(numbers=st.lists(st.integers(0, 30), min_size=1, max_size=6),
       objective=st.sampled_from(["square", "difference"]))
def test_every_model_finds_the_least_difference(numbers, objective):
    problem = NumberPartitioning(name="n", numbers=numbers, objective=objective)
    check_lowerings(problem, every(len(problem.numbers)))




def test_objectives_are_the_difference_and_its_square():
    numbers = (4, 5, 6, 7, 8)
    for objective, value in (("difference", 4), ("square", 16)):
        problem = NumberPartitioning(name="n", numbers=numbers, objective=objective)
        assert problem.score([0, 0, 0, 1, 0]).objective == (16 if value == 4 else 256)
        assert problem.score([1, 0, 0, 1, 0]).objective == (8 if value == 4 else 64)
    assert problem.insight([1, 0, 0, 1, 0]) == {"sums": [19, 11], "difference": 8}
    assert qopt.solve(problem, "exact").objective == 0
    assert [v.text for v in problem.score([0.5, 0, 0, 1, 0]).violations] == [
        "number 1 is undecided"
    ]


def test_the_square_takes_one_bit_less_than_there_are_numbers():
    problem = NumberPartitioning(name="n", numbers=(1, 2, 3))
    assert problem.lower(Qubo).model.num_variables == 2


def test_large_numbers_are_exact_or_refused():
    numbers = (2**44 + 1, 2**44 - 1, 2**43)
    problem = NumberPartitioning(name="n", numbers=numbers, objective="difference")
    assert problem.score([1, 0, 0]).objective == 2**43 - 2
    for solver in ("cpsat", "milp", "exact"):
        assert qopt.solve(problem, solver).objective == 2**43 - 2
    with pytest.raises(InputError, match="take objective='difference'"):
        NumberPartitioning(name="n", numbers=numbers)
    with pytest.raises(InputError, match=r"sum to 70368744177664; below 2\*\*46"):
        NumberPartitioning(name="n", numbers=(2**45, 2**45), objective="difference")


def test_the_objective_is_part_of_the_instance():
    one, other = (NumberPartitioning(name="n", numbers=(1, 2), objective=o)
                  for o in ("square", "difference"))
    assert fingerprint(one) != fingerprint(other)


@pytest.mark.parametrize("numbers", [(), (-1,), (1.5,), (True,)])
def test_wrong_numbers_are_refused(numbers):
    with pytest.raises(InputError):
        NumberPartitioning(name="n", numbers=numbers)


def load(tmp_path, text, **given):
    path = tmp_path / "n.txt"
    path.write_bytes(text.encode())
    return qopt.load(path, kind="number-partitioning", **given)


@pytest.mark.parametrize("text", ["4\n5\n6\n", "4 5\t6", "\r\n4\r\n5 6\r\n"])
def test_files(tmp_path, text):
    problem = load(tmp_path, text, objective="difference")
    assert problem.numbers == (4, 5, 6)
    assert problem.objective == "difference"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("4\n5x\n", 2, "number 2 must be a whole number, got '5x'"),
        ("4\n1e3\n", 2, "must be a whole number, got '1e3'"),
        ("4 5.0\n", 1, "must be a whole number, got '5.0'"),
        ("4\n\n-5\n", 3, "number 2 must be at least 0, got -5"),
        ("4 9007199254740992\n", 1, "below 2"),
        ("4 " + "9" * 6000, 1, "below 2"),
        ("\n \n", None, "the file holds no numbers"),
        ("35184372088832\n35184372088832\n", None, "no larger sums are taken"),
        ("94906266\n", None, "take objective='difference'"),
    ],
)
def test_faults_are_named_with_their_line(tmp_path, text, line, said):
    with pytest.raises(ParseError, match=said) as fault:
        load(tmp_path, text)
    assert fault.value.line == line


def test_answers_are_places():
    problem = NumberPartitioning(name="n", numbers=(4, 5, 6))
    assert problem.encode_answer([0, 1, -1]) == {"part": [2], "undecided": [3]}
    assert problem.decode_answer({"part": [2], "undecided": [3]}).tolist() == [0, 1, -1]
    with pytest.raises(UsageError, match="there is no number 4"):
        problem.decode_answer({"part": [4]})
    with pytest.raises(UsageError, match="one bit for each of 3 numbers"):
        problem.score([0])
    with pytest.raises(UsageError, match="objective must be"):
        NumberPartitioning(name="n", numbers=(1,), objective="cube")


@pytest.mark.parametrize("wrong", [{}, {"a": 1}, []])
def test_what_names_no_part_is_no_answer(wrong):
    with pytest.raises(UsageError, match="as 'part'"):
        NumberPartitioning(name="n", numbers=(1, 2)).decode_answer(wrong)
