"""Bounds that constraints imply: never tighter than the feasible set, tight where it is simple."""

import numpy as np
from hypothesis import given, settings
from oracles import programs

from qopt.forms import Program
from qopt.solvers.bounds import implied_bounds


@settings(deadline=None, max_examples=60)
@given(programs())
def test_no_feasible_answer_lies_outside(program):
    lower, upper = implied_bounds(program)
    ranges = [
        np.arange(a, b + 1) for a, b in zip(program.lower, program.upper, strict=True)
    ]
    for x in np.array(np.meshgrid(*ranges)).reshape(program.num_variables, -1).T:
        if not program.violations(x):
            assert (x >= lower).all()
            assert (x <= upper).all()


def test_a_sum_bounds_its_terms():
    program = Program.build(
        linear=[1, 1], upper=np.inf, constraints=[("sum", [0, 1], [2, 3], "<=", 12.5)]
    )
    lower, upper = implied_bounds(program)
    assert lower.tolist() == [0, 0]
    assert upper.tolist() == [6, 4]


def test_bounds_pass_from_one_constraint_to_the_next():
    program = Program.build(
        linear=[1, 1, 1],
        lower=-np.inf,
        upper=np.inf,
        constraints=[("a", [0], 1, "==", 2), ("b", [0, 1], [1, -1], "==", 0),
                     ("c", [1, 2], 1, "==", 7)],
    )
    lower, upper = implied_bounds(program)
    assert lower.tolist() == upper.tolist() == [2, 2, 5]


def test_continuous_bounds_are_not_rounded():
    program = Program.build(
        linear=[1], integer=False, upper=np.inf, constraints=[("a", [0], 4, "<=", 10)]
    )
    assert 2.5 <= implied_bounds(program)[1][0] < 2.6


def test_crossed_bounds_show_an_infeasible_program():
    program = Program.build(
        linear=[1, 1], constraints=[("a", [0, 1], 1, ">=", 3)]
    )
    lower, upper = implied_bounds(program)
    assert (lower > upper).any()
