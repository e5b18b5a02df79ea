"""What libraries are given equals the program."""

import numpy as np
import pytest
from hypothesis import given, settings
from oracles import programs

from qopt.forms import Program
from qopt.solvers.quadratic_model import quadratic_model


@settings(max_examples=60, deadline=None)
@given(programs())
def test_the_model_has_the_programs_objective_and_rows(program):
    model = quadratic_model(program)
    if model is None:
        assert (np.ceil(program.lower) > np.floor(program.upper)).any()
        return
    rng = np.random.default_rng(0)
    for _ in range(4):
        x = rng.integers(model.lower, model.upper + 1).astype(float)
        value = model.linear @ x + model.value @ (x[model.row] * x[model.col])
        assert model.true(value) == pytest.approx(program.objective(x), rel=1e-12, abs=1e-9)
        sides = zip(program.constraints, model.row_terms(), model.senses, model.sides, strict=True)
        for item, (index, weight), sense, side in sides:
            assert {"L": "<=", "G": ">=", "E": "=="}[sense] == item.comparator
            assert (weight @ x[index], side) == pytest.approx((item.activity(x), item.rhs))


def test_squares_of_binaries_and_products_with_fixed_variables_are_linear():
    program = Program.build(
        linear=[1, 1, 1, 1], row=[0, 0, 1, 2, 3], col=[0, 1, 2, 3, 3], value=[5, 7, 2, 3, 4],
        lower=[0, 0, 2, 0], upper=[1, 1, 2, 3],
    )
    model = quadratic_model(program)
    assert model.linear.tolist() == [6, 5, 1, 7]
    assert model.products() == [(0, 1, 7), (3, 3, 4)]
    assert model.num_multiplied == 3
    assert not model.binary_products


def test_tiny_coefficients_are_counted_as_unseen():
    program = Program.build(linear=[1e9, 1e-9], row=[0], col=[1], value=[1e-8], upper=[1, 5])
    assert quadratic_model(program).unseen == pytest.approx(5e-9 + 5e-8)
    assert quadratic_model(Program.build(linear=[1, 2])).unseen == 0.0


def test_bounds_and_rows_that_leave_no_answer_are_seen():
    assert quadratic_model(Program.build(linear=[1], lower=0.3, upper=0.7)) is None
    empty = [("empty", [], [], "==", 1)]
    assert quadratic_model(Program.build(linear=[1], constraints=empty)) is None
