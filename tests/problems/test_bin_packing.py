"""Bin packing against enumeration, its bounds, and its files."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lowerings import best_of, check_lowerings, partitions

import qopt
from qopt.errors import InputError, ParseError, UsageError
from qopt.problems.bin_packing import BinPacking
from qopt.problems.formats import binpack

ORLIB = " 2\n u3_00\n 10 3 2\n6\n5\n4\n t2_01\n 1.5 2 0\n0.5\n1.0\n"


@st.composite
def instances(draw, most=5):
    divisor = draw(st.sampled_from([1, 1, 10]))
    sizes = draw(st.lists(st.integers(0, 10), min_size=1, max_size=most))
    return BinPacking(name="b", capacity=10 / divisor, sizes=np.array(sizes) / divisor)


@settings(deadline=None, max_examples=20)
@given(problem=instances(4))
def test_every_model_finds_the_fewest_bins(problem):
    check_lowerings(
        problem, partitions(len(problem.sizes)),
        lambda packing: len(np.unique(packing)) <= problem.upper_bound,
    )


@settings(deadline=None, max_examples=40)
@given(problem=instances())
def test_the_bounds_enclose_the_optimum(problem):
    best = best_of(problem, partitions(len(problem.sizes)))
    assert problem.lower_bound <= best <= problem.upper_bound
    assert problem.score(problem.first_fit).feasible


@pytest.mark.parametrize(
    ("sizes", "bound"),
    [([6, 6, 6], 3), ([7, 7, 4, 4], 3), ([5, 5, 5, 5], 2), ([0, 0], 1), ([4, 4, 4, 4, 4], 2)],
)
def test_the_bound_of_martello_and_toth(sizes, bound):
    assert BinPacking(name="b", capacity=10, sizes=sizes).lower_bound == bound


def test_violations_in_words():
    problem = BinPacking(name="b", capacity=10, sizes=[6, 5, 4])
    score = problem.score([0, 0, -1])
    assert [(v.text, v.amount) for v in score.violations] == [
        ("item 3 is not in exactly one bin", 1.0), ("bin 1: load 11 over capacity 10", 1.0),
    ]
    assert problem.score([4, 2, 4]) == problem.score([0, 1, 0])
    assert problem.insight([4, 2, 4])["loads"] == {"bin 3": 5.0, "bin 5": 10.0}
    assert problem.encode_answer([4, 2, -1]) == [5, 3, None]
    assert problem.decode_answer([5, 3, None]).tolist() == [4, 2, -1]
    with pytest.raises(UsageError, match="one bin for each of 3 items"):
        problem.score([1])


@pytest.mark.parametrize(
    ("sizes", "capacity", "said"),
    [([], 1, "at least one item"), ([2], 1, "item 1 has size 2"), ([1, -1], 1, "item 2"),
     ([np.inf], 1, "finite"), ([1], np.nan, "finite")],
)
def test_wrong_numbers_are_refused(sizes, capacity, said):
    with pytest.raises(InputError, match=said):
        BinPacking(name="b", capacity=capacity, sizes=sizes)


def load(tmp_path, text, **given):
    path = tmp_path / "b.txt"
    path.write_bytes(text.encode())
    return qopt.load(path, **{"kind": "bin-packing", **given})


@pytest.mark.parametrize("text", ["3\n10\n6\n5\n4\n", "3\r\n10\r\n6\r\n5\r\n4", "3\n10\n6 5\t4\n"])
def test_bpplib_files(tmp_path, text):
    problem = load(tmp_path, text)
    assert (problem.name, problem.capacity, problem.sizes.tolist()) == ("b", 10, [6, 5, 4])
    assert qopt.solve(problem, "cpsat").objective == 2


def test_or_library_files(tmp_path):
    first = load(tmp_path, ORLIB, kind=None)
    assert (first.kind, first.name, first.reference.value) == ("bin-packing", "u3_00", 2)
    second = load(tmp_path, ORLIB, instance=2)
    assert (second.name, second.capacity, second.reference) == ("t2_01", 1.5, None)
    assert second.sizes.tolist() == [0.5, 1.0]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("3\n10\n6\n5\n", 4, "the file ends before the sizes of 3 items"),
        ("3\n10\n6\n5\n4\n3\n", 6, "goes on with '3' after the sizes of 3 items"),
        ("2\n10\n6 2\n5 1\n", 4, "goes on with '5'"),
        ("2\n10\n6\n11\n", 4, "item 2 of size 11 fits into no bin of capacity 10"),
        ("2\n10\n6\n-1\n", 4, "the size of item 2 must be at least 0"),
        ("2\n10\n6\nx\n", 4, "must be a finite number, got 'x'"),
        ("2 10\n6\n5\n", 1, "alone in the first line"),
        ("-2\n10\n", 1, "the number of items or instances must be between 1"),
        ("1\n u3_00\n 10 3 2\n6\n5\n", 5, "the file ends before the sizes of 3 items"),
        ("2\n u3_00\n 10 1 2\n6\n5\n", 5, "the name of an instance was expected, got '5'"),
        ("1\n u3_00\n 10 1 2\n6\n u4\n", 5, "goes on with 'u4' after 1 instance"),
        ("1\n u3_00\n 10 1 2.5\n6\n", 3, "must be a whole number, got '2.5'"),
    ],
)
def test_faults_are_named_with_their_line(tmp_path, text, line, said):
    with pytest.raises(ParseError, match=said) as fault:
        load(tmp_path, text)
    assert fault.value.line == line


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (ORLIB, True),
        ("1\r\n u1_0\r\n 10 1 1\r\n4\r\n", True),
        ("3\n10\n6\n5\n", False),
        ("3 2\n1 2\n1 3\n", False),
        ("NAME : x\nTYPE : TSP\n1 2 3\n4\n", False),
        ("31\n.001309 .043208\n.004177 .040258\n", False),
    ],
)
def test_only_or_library_files_are_recognised(head, expected):
    assert binpack.recognises("x.txt", head) is expected
