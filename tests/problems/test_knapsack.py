"""Knapsacks against enumeration, and their files."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lowerings import check_lowerings

import qopt
from qopt.errors import InputError, ParseError, UsageError
from qopt.forms import Qubo
from qopt.problems.knapsack import Knapsack
from qopt.reduction import lower

SMALL = Knapsack.of([6, 5, 4], [3, 2, 2], 4)

MKNAP = "2\n3 1 9\n6 5 4\n3 2 2\n4\n2 2 0\n1.5 2\n1 1\n2.5 0\n1 1\n"


def every(n):
    return [np.array(x, dtype=np.int8) for x in product((0, 1), repeat=n)]


@st.composite
def knapsacks(draw):
    n, m = draw(st.integers(1, 5)), draw(st.integers(1, 2))
    number = st.integers(0, 9)
    divisor = draw(st.sampled_from([1, 1, 2, 10]))
    weights = draw(st.lists(number, min_size=n * m, max_size=n * m))
    return Knapsack(
        name="k", profits=draw(st.lists(number, min_size=n, max_size=n)),
        weights=np.array(weights).reshape(m, n) / divisor,
        capacities=np.array(draw(st.lists(st.integers(0, 20), min_size=m, max_size=m))) / divisor,
    )


@settings(deadline=None, max_examples=25)
@given(problem=knapsacks())
def test_every_model_finds_the_greatest_profit(problem):
    check_lowerings(problem, every(len(problem.profits)))


def test_slack_is_binary_and_no_wider_than_the_capacity():
    _, lowering = lower(Knapsack.of([1] * 5, [3] * 4 + [1], 6), ["qubo"])
    assert lowering.model.num_variables == 5 + 3
    assert lowering.model.labels[5:] == ("weight.slack[0]", "weight.slack[1]", "weight.slack[2]")


def test_unbalanced_penalties_take_no_slack():
    _, lowering = lower(SMALL, ["qubo"], {"slack": "unbalanced"})
    assert isinstance(lowering.model, Qubo)
    assert lowering.model.num_variables == 3
    assert not lowering.complete


def test_violations_in_words():
    score = SMALL.score([1, 1, 0])
    assert (score.objective, [(v.text, v.amount) for v in score.violations]) == (
        11.0, [("weight: 5 over the capacity 4", 1.0)]
    )
    two = Knapsack(name="k", profits=[1], weights=[[3], [4]], capacities=[3, 2.5])
    assert [v.text for v in two.score([1]).violations] == ["resource 2: 4 over the capacity 2.5"]
    assert [v.text for v in two.score([0.5]).violations] == ["item 1 is undecided"]
    assert two.insight([1])["loads"] == [3, 4]


def test_the_sum_of_decimal_fractions_may_meet_the_capacity():
    problem = Knapsack.of([1, 1, 1], [0.1, 0.2, 0.3], 0.6)
    assert problem.score([1, 1, 1]).feasible
    assert qopt.solve(problem, "cpsat").objective == 3


@pytest.mark.parametrize(
    ("profits", "weights", "capacities", "said"),
    [
        ([1], [[1, 2]], [1], r"shape \(1, 1\), got \(1, 2\)"),
        ([], np.zeros((1, 0)), [1], "0 profits"),
        ([np.nan], [[1]], [1], "must be finite"),
        ([1], [[-1]], [1], "at least 0"),
        ([1], [[1]], [-1], "at least 0"),
    ],
)
def test_wrong_numbers_are_refused(profits, weights, capacities, said):
    with pytest.raises(InputError, match=said):
        Knapsack(name="k", profits=profits, weights=weights, capacities=capacities)


def load(tmp_path, text, **given):
    path = tmp_path / "k.txt"
    path.write_bytes(text.encode())
    return qopt.load(path, **{"kind": "knapsack", **given})


@pytest.mark.parametrize("text", ["3 4\n6 3\n5 2\n4 2\n", "3 4\r\n6\t3\r\n5 2\r\n\r\n4 2",
                                  "3 4\n6 3\n5 2\n4 2\n0 1 1\n"])
def test_plain_files(tmp_path, text):
    problem = load(tmp_path, text)
    assert problem.weights.tolist() == [[3, 2, 2]]
    assert qopt.solve(problem, "exact").objective == 9
    if text.endswith("1 1\n"):
        assert problem.reference.value == 9
        assert not problem.reference.proven


def test_or_library_files(tmp_path):
    first = load(tmp_path, MKNAP)
    assert (first.name, first.reference.value) == ("k-1", 9)
    second = load(tmp_path, MKNAP, instance="2")
    assert (second.name, second.reference) == ("k-2", None)
    assert second.profits.tolist() == [1.5, 2]
    assert second.weights.tolist() == [[1, 1], [2.5, 0]]
    single = load(tmp_path, "3 1 9\n6 5 4\n3 2 2\n4\n")
    assert single.name == "k"
    assert single.reference.value == 9


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("3 4\n6 3\n5 2\n", 3, "the file ends before the profit and weight of 3 items"),
        ("3 4\n6 3\n5 2 1\n4\n", 3, "expected 'profit weight' of item 2, got 3 values"),
        ("1 4\n6 3\n7\n", None, "bit 1 of the solution must be between 0 and 1"),
        ("2 4\n6 3\n5 2\n9 9 9\n", 4, "neither nothing nor the 2 bits of a solution"),
        ("2 4\n6 3\n5 2\n1 1\n", 4, "the solution weighs 5, over the capacity 4"),
        ("2 4\n6 3\n5 -2\n", 3, "the weight of item 2 must be at least 0, got -2"),
        ("2 4\n6 3\nx 2\n", 3, "must be a finite number, got 'x'"),
        ("2 4\n6 3\n5 nan\n", 3, "must be a finite number, got 'nan'"),
        ("2 -4\n6 3\n5 2\n", 1, "the capacity must be at least 0"),
        ("2e0 4\n6 3\n5 2\n", 1, "the number of items must be a whole number, got '2e0'"),
        ("0 4\n", 1, "between 1 and"),
        ("1 9007199254740993\n1 1\n", 1, "below 2.*53, where doubles are exact"),
        ("1 2 3 4\n", 1, "got 4 values"),
        ("1\n2 1 0\n1 2\n3 4\n", 4, "the file ends before 2 weights and 1 capacities"),
        ("1\n2 1 0\n1 2\n3 4\n5\n6\n", 6, "goes on with '6' after the only instance"),
        ("2\n1 1 0\n1\n3\n5\n", 5, "the file ends before the number of items"),
        ("999999999\n", 1, "between 1 and"),
    ],
)
def test_faults_are_named_with_their_line(tmp_path, text, line, said):
    with pytest.raises(ParseError, match=said) as fault:
        load(tmp_path, text)
    assert line is None or fault.value.line == line


PISINGER = (
    "knapPI_1_3_10_1\nn 3\nc 4\nz 9\ntime 0.00\n1,6,3,0\n2,5,2,1\n3,4,2,1\n-----\n\n"
    "knapPI_1_3_10_2\nn 1\nc 1\nz 0\ntime 0.01\n1,6,3,0\n-----\n"
)


@pytest.mark.parametrize("text", [PISINGER, PISINGER.replace("\n", "\r\n").rstrip()])
def test_files_of_pisingers_generator(tmp_path, text):
    first = load(tmp_path, text, kind=None)
    assert (first.kind, first.name, first.reference.value) == ("knapsack", "knapPI_1_3_10_1", 9)
    assert qopt.solve(first, "exact").objective == 9
    second = load(tmp_path, text, instance=2)
    assert (second.name, second.weights.tolist()) == ("knapPI_1_3_10_2", [[3]])


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("z 9", "z 10", 1, "weigh 4 of 4 and make 9, not 10"),
        ("1,6,3,0\n2,", "1,6,3,1\n2,", 1, "weigh 7 of 4"),
        ("2,5,2,1", "3,5,2,1", 7, "'2,PROFIT,WEIGHT,0 or 1' was expected, got '3,5,2,1'"),
        ("2,5,2,1", "2,5,2", 7, "was expected, got '2,5,2'"),
        ("2,5,2,1", "2,5,-2,1", 7, "the weight of item 2 must be at least 0"),
        ("2,5,2,1", "2,x,2,1", 7, "must be a finite number, got 'x'"),
        ("3,4,2,1\n-----", "3,4,2,1\n4,1,1,0\n-----", 9, "a line of hyphens behind"),
        ("time 0.01\n1,6,3,0\n-----\n", "time 0.01\n", 15, "the file ends before item 1 of"),
        ("time 0.01", "tim 0.01", 15, "the line 'time VALUE' of knapPI_1_3_10_2"),
        ("n 3", "n 3.0", 2, "the number of items must be a whole number"),
        ("n 1", "n 0", 12, "knapPI_1_3_10_2 has no items"),
    ],
)
def test_faults_of_pisingers_files(tmp_path, old, new, line, said):
    with pytest.raises(ParseError, match=said) as fault:
        load(tmp_path, PISINGER.replace(old, new, 1))
    assert fault.value.line == line


def test_there_is_no_such_instance(tmp_path):
    for text, count in ((MKNAP, 2), ("1 1\n1 1\n", 1)):
        with pytest.raises(ParseError, match=f"holds {count} instances?, there is no instance=3"):
            load(tmp_path, text, instance=3)


def test_answers_are_lists_of_items():
    assert SMALL.encode_answer([0, 1, 1]) == [2, 3]
    assert SMALL.decode_answer([2, 3]).tolist() == [0, 1, 1]
    assert SMALL.decode_answer([]).tolist() == [0, 0, 0]
    with pytest.raises(UsageError, match="no item 4"):
        SMALL.decode_answer([4])
    with pytest.raises(UsageError, match="one bit for each of 3 items"):
        SMALL.score([1])
