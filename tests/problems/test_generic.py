"""Bare QUBOs and programs as problems."""

import numpy as np
import pytest
from hypothesis import given, settings
from random_models import qubos

import qopt
from qopt.errors import UnsupportedError, UsageError
from qopt.forms import Group, Program, Qubo
from qopt.problem import fingerprint
from qopt.problems.generic import ProgramProblem, QuboProblem
from qopt.testing import check_problem

# Minimise x'Qx: 2 x1 - 3 x2 + x3 + 2 (-4 x1 x2 + 5 x2 x3).
SPARSE = "3 5\n1 1 2\n2 2 -3\n3 3 1\n1 2 -4\n2 3 5\n"

LP = """Maximize
 profit: 3 a + 2 b + 1.5 c
Subject To
 room: 2 a + 2 b + c <= 4.5
Bounds
 0 <= b <= 3
 0 <= c <= 0.5
Binaries
 a
Generals
 b
End
"""


@pytest.fixture
def sparse(tmp_path):
    path = tmp_path / "three.sparse"
    path.write_text(SPARSE)
    return path


def test_biqmac_counts_pairs_twice(sparse):
    problem = qopt.load(sparse)
    assert (problem.kind, problem.name, problem.sense) == ("qubo", "three", "minimise")
    assert problem.score([1, 1, 0]).objective == 2 - 3 - 8
    assert problem.score([1, 1, 1]).objective == 2 - 3 + 1 - 8 + 10
    assert problem.describe()["objective"] == "energy, minimised"


def test_maximise_shows_minus_the_energy(sparse):
    low, high = qopt.load(sparse), qopt.load(sparse, sense="maximise")
    assert high.sense == "maximise"
    assert high.describe()["objective"] == "minus the energy, maximised"
    assert fingerprint(low) != fingerprint(high)
    for problem, value in ((low, -9.0), (high, 9.0)):
        solution = qopt.solve(problem, "exact")
        assert (solution.objective, solution.bound, solution.status) == (value, value, "optimal")
        assert solution.record.answer == "110"


def test_a_wrong_sense_is_refused(sparse):
    with pytest.raises(UsageError, match="sense"):
        qopt.load(sparse, sense="larger")
    with pytest.raises(UsageError, match="sense"):
        QuboProblem(name="q", qubo=Qubo.from_arrays([1.0]), sense="larger")


@settings(deadline=None, max_examples=40)
@given(qubos())
def test_score_is_the_energy_and_the_groups(qubo):
    problem = QuboProblem(name="q", qubo=qubo)
    n = qubo.num_variables
    bits = np.arange(2**n)[:, None] >> np.arange(n) & 1
    energies, violations = qubo.energies(bits), qubo.group_violations(bits)
    for x, energy, broken in zip(bits, energies, violations, strict=True):
        score = problem.score(x)
        assert score.objective == pytest.approx(energy, abs=1e-9)
        assert sum(v.amount for v in score.violations) == broken
        assert problem.decode_answer(problem.encode_answer(x)).tolist() == x.tolist()


def test_many_answers_are_judged_as_each_alone():
    rng = np.random.default_rng(1)
    qubo = Qubo.from_matrix(rng.normal(size=(6, 6)), groups=[Group((0, 1, 2), 1)])
    problem = QuboProblem(name="q", qubo=qubo, sense="maximise")
    answers = [*rng.integers(0, 2, (20, 6)), np.array([0.5, 0, 1, 0, 0, 0])]
    for one, other in zip(map(problem.score, answers), problem.score_many(answers), strict=True):
        assert one.objective == pytest.approx(other.objective, nan_ok=True)
        assert one.violations == other.violations
    assert any(problem.score(x).feasible for x in answers)


def test_conformance():
    rng = np.random.default_rng(0)
    grouped = Qubo.from_matrix(rng.normal(size=(8, 8)), offset=3.0, groups=[Group((1, 4, 6), 2)])
    check_problem(QuboProblem(name="q", qubo=grouped))
    check_problem(QuboProblem(name="q", qubo=grouped, sense="maximise"))


def test_broken_groups_and_undecided_bits_are_named():
    qubo = Qubo.from_arrays(np.zeros(3), groups=[Group((0, 1, 2), 1, name="pick one")])
    problem = QuboProblem(name="q", qubo=qubo)
    assert [(v.text, v.amount) for v in problem.score([1, 1, 1]).violations] == [
        ("pick one: 3 of its bits are one, exactly 1 must be", 2.0)
    ]
    assert [v.text for v in problem.score([1, 0, 0.5]).violations] == ["x2 is neither 0 nor 1"]
    with pytest.raises(UsageError, match="one bit for each of 3 variables"):
        problem.score([1, 0])
    with pytest.raises(UnsupportedError, match="qubo gives qubo, not program"):
        problem.lower(Program)


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "mix.lp"
    path.write_text(LP)
    return qopt.load(path)


def test_a_program_keeps_its_own_sense(program):
    assert (program.kind, program.name, program.sense) == ("program", "mix", "maximise")
    assert program.describe() == {
        "variables": 3, "binary": 1, "integer": 1, "continuous": 1, "constraints": 1,
        "quadratic_terms": 0,
    }
    solution = qopt.solve(program, "milp")
    assert (solution.status, solution.objective) == ("optimal", 3 + 2 + 0.75)
    assert solution.record.answer == {"a": 1, "b": 1, "c": 0.5}


def test_a_program_judges_answers(program):
    order = program.program.names
    values = {"a": 1.0, "b": 1.5, "c": 0.5}
    texts = [v.text for v in program.score([values[name] for name in order]).violations]
    assert texts == ["b = 1.5 is not whole", "room: 5.5 <= 4.5 broken"]
    assert program.score([0, 0, 0]).feasible


def test_answers_of_a_program_by_name(program):
    answer = program.decode_answer({"c": 0.25, "b": 1, "a": 0})
    assert program.encode_answer(answer) == {"a": 0, "b": 1, "c": 0.25}
    with pytest.raises(UsageError, match="misses a value for 'c'"):
        program.decode_answer({"b": 1, "a": 0})
    with pytest.raises(UsageError, match="unknown variable 'd'"):
        program.decode_answer({"b": 1, "a": 0, "c": 0, "d": 1})


def test_conformance_of_programs():
    model = Program.build(
        sense="maximise", linear=[5, 4, 3], row=[0], col=[2], value=[-2],
        constraints=[("size", [0, 1, 2], [2, 3, 1], "<=", 4)], names=["a", "b", "c"],
    )
    check_problem(ProgramProblem(name="p", program=model))


def test_any_change_of_a_program_changes_its_fingerprint():
    def build(**changes):
        parts = {"linear": [1, 2], "constraints": [("c", [0, 1], 1.0, "<=", 1)], **changes}
        return fingerprint(ProgramProblem(name="p", program=Program.build(**parts)))

    changed = [
        build(), build(sense="maximise"), build(linear=[1, 3]), build(offset=1.0),
        build(upper=2.0), build(integer=False), build(names=["a", "b"]),
        build(row=[0], col=[1], value=[1]),
        build(constraints=[("c", [0, 1], 1.0, "<=", 2)]),
        build(constraints=[("c", [0, 1], 1.0, ">=", 1)]),
        build(constraints=[("c", [0], 1.0, "<=", 1)]),
        build(constraints=[]),
    ]
    assert len(set(changed)) == len(changed)
