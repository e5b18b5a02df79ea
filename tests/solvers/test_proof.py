"""What a bound and an answer prove together, and that a search cut short claims nothing."""

import numpy as np
import pytest

from qopt.forms import Program
from qopt.solver import Budget, Progress, Status
from qopt.solvers.cpsat import CpSat
from qopt.solvers.proof import settle


@pytest.mark.parametrize(
    ("objective", "bound", "sign", "expected"),
    [
        (10.0, 10.0, 1.0, (Status.OPTIMAL, 10.0)),
        (10.0, 10.0 - 1e-12, 1.0, (Status.OPTIMAL, 10.0)),
        (10.0, 9.0, 1.0, (Status.FEASIBLE, 9.0)),
        (10.0, 12.0, -1.0, (Status.FEASIBLE, 12.0)),
        # An answer better than the bound shows that the bound is none.
        (10.0, 11.0, 1.0, (Status.FEASIBLE, None)),
        (10.0, 0.0, -1.0, (Status.FEASIBLE, None)),
        (10.0, None, 1.0, (Status.FEASIBLE, None)),
        (10.0, float("-inf"), 1.0, (Status.FEASIBLE, None)),
    ],
)
def test_settle(objective, bound, sign, expected):
    assert settle(objective, bound, sign=sign, tolerance=1e-9, scale=1.0) == expected


@pytest.mark.parametrize("limit", [0.0, 0.05, 0.2, 0.5])
def test_a_search_cut_short_never_claims_an_optimum_it_has_not_proven(limit):
    rng = np.random.default_rng(3)
    row, col = np.triu_indices(90, 1)
    weights = rng.integers(-9, 10, len(row)).astype(float)
    program = Program.build(
        sense="maximise", linear=rng.integers(-9, 10, 90), row=row, col=col, value=weights
    )
    outcome = CpSat().solve(program, Budget(time_limit=limit), 0, Progress())
    values = [program.objective(answer) for answer in outcome.answers]
    # A plain descent already shows what a proven optimum cannot be below.
    x = np.ones(90)
    for _ in range(20):
        for i in range(90):
            flipped = x.copy()
            flipped[i] = 1.0 - x[i]
            x = max(x, flipped, key=program.objective)
    if outcome.status is Status.OPTIMAL:
        assert max(values) >= program.objective(x)
    if outcome.bound is not None:
        assert outcome.bound >= program.objective(x)
