"""The square of one whole variable, solved as that variable."""

from itertools import product

import numpy as np
import pytest

from qopt.forms import Program
from qopt.solver import Budget, Progress, Status
from qopt.solvers.milp import Milp
from qopt.solvers.single_square import single_square


def squared(q, sense, bounds, offset=0.5):
    """The square of ``s`` in ``3 x + 5 y - 2 z + s == 4``."""
    return Program.build(
        sense=sense, linear=np.zeros(4), row=[3], col=[3], value=[q], offset=offset,
        lower=[0, 0, 0, bounds[0]], upper=[1, 2, 1, bounds[1]],
        constraints=[("sum", range(4), [3, 5, -2, 1], "==", 4)],
    )


@pytest.mark.parametrize("q", [1.0, -1e-8, 2.5])
@pytest.mark.parametrize("sense", ["minimise", "maximise"])
@pytest.mark.parametrize("bounds", [(0, 12), (1, 9), (-9, 0), (-12, -1)])
def test_optima_and_bounds_by_enumeration(q, sense, bounds):
    program = squared(q, sense, bounds)
    values = [
        q * s**2 + 0.5 for x, y, z in product(range(2), range(3), range(2))
        if bounds[0] <= (s := 4 - 3 * x - 5 * y + 2 * z) <= bounds[1]
    ]
    best = min(values) if sense == "minimise" else max(values)
    outcome = Milp().solve(program, Budget(), 0, Progress())
    assert outcome.status is Status.OPTIMAL
    assert program.objective(outcome.answers[0]) == pytest.approx(best, abs=1e-12)


def test_a_bound_is_rounded_to_whole_values_of_the_variable():
    square = single_square(squared(1.0, "minimise", (0, 12), offset=0.0)).square
    assert [square(b) for b in (-5.0, 0.0, 2.0000001, 2.1, 99.0)] == [0.0, 0.0, 4.0, 9.0, 144.0]
    square = single_square(squared(-1.0, "maximise", (0, 12), offset=0.0)).square
    assert [square(b) for b in (5.0, -1.9999999, -2.1)] == [0.0, -4.0, -9.0]


@pytest.mark.parametrize(
    "program",
    [
        squared(1.0, "minimise", (-3, 3)),
        Program.build(linear=[1, 0], upper=9, row=[0], col=[0], value=[1]),
        Program.build(linear=[0, 0], upper=9, row=[0], col=[1], value=[1]),
        Program.build(linear=[0], upper=9, integer=False, row=[0], col=[0], value=[1]),
    ],
)
def test_other_objectives_have_no_stand_in(program):
    assert single_square(program) is None
