"""Quadratic assignment against every permutation, and QAPLIB's files."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lowerings import best_of, check_lowerings

import qopt
from qopt.errors import InputError, ParseError, UsageError
from qopt.forms import Qubo
from qopt.problems.quadratic_assignment import QuadraticAssignment

DAT = "2\n0 3\n1 0\n\n0 5\n7 0\n"


def every(n):
    return [np.array(p) for p in permutations(range(n))]


@st.composite
def assignments(draw, most=3):
    n = draw(st.integers(1, most))
    divisor = draw(st.sampled_from([1, 1, 4, 10]))
    number = st.integers(0, 9).map(lambda v: v / divisor)

    def matrix():
        return np.array(draw(st.lists(number, min_size=n * n, max_size=n * n))).reshape(n, n)

    return QuadraticAssignment(name="q", flow=matrix(), distance=matrix())


@settings(deadline=None, max_examples=25)
@given(problem=assignments())
def test_every_model_finds_the_least_cost(problem):
    check_lowerings(problem, every(len(problem.flow)))


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 10**6), symmetric=st.booleans())
def test_the_penalties_suffice_for_four_facilities(seed, symmetric):
    rng = np.random.default_rng(seed)
    flow, distance = rng.integers(0, 9, (2, 4, 4)) * (rng.random((2, 4, 4)) < 0.7)
    if symmetric:
        flow, distance = flow + flow.T, distance + distance.T
    problem = QuadraticAssignment(name="q", flow=flow, distance=distance)
    model = problem.lower(Qubo).model.penalised()
    strings = (np.arange(2**16)[:, None] >> np.arange(16) & 1).astype(np.int8)
    energies = model.energies(strings)
    grid = strings.reshape(-1, 4, 4)
    whole = (grid.sum(axis=1) == 1).all(axis=1) & (grid.sum(axis=2) == 1).all(axis=1)
    assert energies[whole].min() == best_of(problem, every(4))
    assert energies[~whole].min() > energies[whole].min()


def test_nugent_vollmann_and_ruml():
    problem = qopt.load("nug5")
    assert best_of(problem, every(5)) == problem.reference.value == 50


def test_violations_in_words():
    problem = QuadraticAssignment(name="q", flow=np.ones((3, 3)), distance=np.ones((3, 3)))
    score = problem.score([1, 1, -1])
    assert [(v.text, v.amount) for v in score.violations] == [
        ("facility 3 has not exactly one location", 1.0),
        ("location 2 has 2 facilities, there is room for one", 1.0),
    ]
    assert score.objective == 4
    assert problem.encode_answer([1, 1, -1]) == [2, 2, None]
    assert problem.decode_answer([2, 2, None]).tolist() == [1, 1, -1]
    with pytest.raises(UsageError, match="one location for each of 3 facilities"):
        problem.score([0])


@pytest.mark.parametrize(
    ("flow", "distance", "said"),
    [([[1, 2]], [[1]], "square"), ([[1]], [[1, 2], [3, 4]], "shape"), ([[-1]], [[1]], "negative"),
     ([[1]], [[np.nan]], "NaN")],
)
def test_wrong_numbers_are_refused(flow, distance, said):
    with pytest.raises(InputError, match=said):
        QuadraticAssignment(name="q", flow=flow, distance=distance)


def load(tmp_path, text, solution=None):
    path = tmp_path / "q.dat"
    path.write_bytes(text.encode())
    if solution is not None:
        path.with_suffix(".sln").write_bytes(solution.encode())
    return qopt.load(path, kind="quadratic-assignment")


@pytest.mark.parametrize("text", [DAT, "2 0 3 1 0 0 5 7 0", "2\r\n0 3 1\r\n0 0\t5\r\n7 0"])
def test_files(tmp_path, text):
    problem = load(tmp_path, text)
    assert problem.flow.tolist() == [[0, 3], [1, 0]]
    assert problem.distance.tolist() == [[0, 5], [7, 0]]
    assert [problem.score(p).objective for p in ([0, 1], [1, 0])] == [22, 26]


@pytest.mark.parametrize("solution", ["2 22\n1 2\n", " 2  22 \r\n 1,2\r\n"])
def test_a_solution_beside_it_is_the_reference(tmp_path, solution):
    reference = load(tmp_path, DAT, solution).reference
    assert (reference.value, reference.proven) == (22, False)


def test_solutions_are_written_and_read(tmp_path):
    problem = load(tmp_path, DAT)
    assert problem.to_sln([1, 0]) == "2 26\n2 1\n"
    again = load(tmp_path, DAT, problem.to_sln([1, 0]))
    assert again.reference.value == 26


def test_a_permutation_may_be_the_inverse(tmp_path):
    flow, distance = np.random.default_rng(1).integers(0, 9, (2, 3, 3))
    problem = QuadraticAssignment(name="q", flow=flow, distance=distance)
    p = np.array([1, 2, 0])
    rows = [*flow.tolist(), *distance.tolist()]
    text = "3\n" + "\n".join(" ".join(map(str, row)) for row in rows)
    value = problem.score(p).objective
    assert value != problem.score(np.argsort(p)).objective
    inverse = " ".join(str(k + 1) for k in np.argsort(p))
    assert load(tmp_path, text, f"3 {value:g}\n{inverse}\n").reference.value == value


@pytest.mark.parametrize(
    ("solution", "said"),
    [
        ("3 22\n1 2 3\n", "sln:1: a solution of size 3, the instance has size 2"),
        ("2 21\n1 2\n", "sln: the permutation costs 22 .* and not 21"),
        ("2 22\n1 1\n", "sln:2: the 2 entries are no permutation"),
        ("2 22\n1 3\n", "sln:2: entry 2 of the permutation must be between 1 and 2"),
        ("2 22\n1\n", "the file ends before entry 1 to 2"),
        ("2 22\n1 2\n3\n", "sln:3: the file goes on"),
    ],
)
def test_wrong_solutions_are_refused(tmp_path, solution, said):
    with pytest.raises(ParseError, match=said):
        load(tmp_path, DAT, solution)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("2\n0 3\n1 0\n0 5\n7\n", 5, "the file ends before two matrices of 2 by 2"),
        (DAT + "8\n", 7, "goes on with '8' after two matrices"),
        ("2\n0 x\n1 0\n0 5\n7 0\n", 2, "entry 2 of the first matrix must be a finite number"),
        ("2\n0 3\n1 0\n0 -5\n7 0\n", 4, "entry 2 of the second matrix must be at least 0"),
        ("2\n0 3\n1 0\n0 inf\n7 0\n", 4, "finite"),
        ("2.0\n0 3\n", 1, "the size must be a whole number"),
        ("0\n", 1, "between 1 and 10000"),
        ("99999999\n", 1, "between 1 and 10000"),
    ],
)
def test_faults_are_named_with_their_line(tmp_path, text, line, said):
    with pytest.raises(ParseError, match=said) as fault:
        load(tmp_path, text)
    assert fault.value.line == line
