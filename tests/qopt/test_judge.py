"""When a bound is reached, and when an answer is optimal."""

import numpy as np
import pytest

from qopt.forms import Lowering, Qubo
from qopt.judge import judge, settle, verdict
from qopt.problems.generic import QuboProblem
from qopt.solver import Improved, Outcome, Status


@pytest.mark.parametrize(("objective", "bound", "constant", "reached"), [
    (5.0, 5.0 - 1e-10, 0.0, True),
    (5.0, 5.0 - 1e-6, 0.0, False),
    (1e12 - 5.0, 1e12 - 6.0, 1e12, False),
    (1e12 - 5.0, 1e12 - 5.0 - 1e-4, 1e12, True),  # what rounding makes of such numbers
    (1.0, 0.0, 1e12, False),
])
def test_a_constant_hides_no_distance(objective, bound, constant, reached):
    problem = QuboProblem(name="q", qubo=Qubo.from_arrays([1.0]))
    settled, dropped = settle(problem, objective, bound, constant)
    assert (settled == objective) is reached
    assert not dropped


def test_a_bound_that_an_answer_beats_by_one_is_dropped_whatever_the_constant():
    problem = QuboProblem(name="q", qubo=Qubo.from_arrays([1.0]))
    bound, dropped = settle(problem, 1e12 - 6.0, 1e12 - 5.0, 1e12)
    assert bound is None
    assert "beaten" in dropped


def test_samples_that_differ_by_one_are_told_apart_whatever_the_constant():
    problem = QuboProblem(name="q", qubo=Qubo.from_arrays([-1.0, -1.0], offset=1e12))
    samples = np.array([[1, 0], [1, 1], [0, 0]], dtype=np.int8)
    lowering = problem.lower(Qubo)
    judged = judge(problem, lowering, Outcome(Status.FEASIBLE, samples))
    assert judged.samples["best_total"] == 1
    made = Improved(np.array([[1, 1]], dtype=np.int8), method="a search")
    outcome = Outcome(Status.FEASIBLE, samples[[0, 2]], improved=made)
    judged = judge(problem, lowering, outcome)
    assert judged.score is not None
    assert judged.score.objective == 1e12 - 2.0


def test_a_bound_one_below_is_no_proof_whatever_the_offset():
    qubo = Qubo.from_arrays([-1.0, -1.0], offset=1e12)
    problem = QuboProblem(name="q", qubo=qubo)
    lowering = problem.lower(Qubo)
    assert isinstance(lowering, Lowering)
    one = Outcome(Status.FEASIBLE, np.array([[1, 0]], dtype=np.int8), bound=1e12 - 2.0)
    status, _, bound = verdict(problem, lowering, one, judge(problem, lowering, one))
    assert (status, bound) == (Status.FEASIBLE, 1e12 - 2.0)
    both = Outcome(Status.FEASIBLE, np.array([[1, 1]], dtype=np.int8), bound=1e12 - 2.0)
    assert verdict(problem, lowering, both, judge(problem, lowering, both))[0] is Status.OPTIMAL
