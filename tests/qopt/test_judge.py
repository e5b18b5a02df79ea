"""When a bound is reached, and when an answer is optimal."""

import numpy as np
import pytest

from qopt.forms import Lowering, Qubo
from qopt.judge import judge, settle, verdict
from qopt.problems.generic import QuboProblem
from qopt.solver import Outcome, Status


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
