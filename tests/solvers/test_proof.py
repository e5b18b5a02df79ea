"""What a bound and an answer prove together, and that a search cut short claims nothing."""

from itertools import pairwise, permutations, product

import numpy as np
import pytest

from qopt.forms import Client, Depot, Program, Routing, VehicleType
from qopt.solver import Budget, Progress, Status
from qopt.solvers.cpsat import CpSat
from qopt.solvers.milp import Milp
from qopt.solvers.proof import activity, settle


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
    assert settle(objective, bound, sign=sign, tolerance=1e-9, floor=1e-9) == expected


def test_a_bound_of_an_objective_near_zero_is_reached_within_the_floor():
    options = {"sign": 1.0, "tolerance": 1e-9}
    assert settle(0.0, -1e-14, floor=1e-12, **options) == (Status.OPTIMAL, 0.0)
    assert settle(0.0, -1e-14, floor=0.0, **options) == (Status.FEASIBLE, -1e-14)


def test_what_counts_as_reached_does_not_grow_with_a_constant():
    options = {"sign": 1.0, "tolerance": 1e-6, "floor": 0.0, "constant": 1e9}
    assert settle(1e9 + 5.0, 1e9 + 3.0, **options) == (Status.FEASIBLE, 1e9 + 3.0)
    assert settle(1e9 + 5.0, 1e9 + 5.0 + 2e-7, **options) == (Status.OPTIMAL, 1e9 + 5.0)


@pytest.mark.parametrize("solver", [CpSat(), Milp()])
def test_a_constant_proves_no_answer_optimal(solver):
    row, col = np.triu_indices(8)
    value = np.random.default_rng(1).normal(size=len(row))
    program = Program.build(
        linear=np.zeros(8), row=row, col=col, value=value, offset=1e12, upper=np.ones(8),
        integer=np.ones(8, dtype=bool), constraints=[("k", range(8), np.ones(8), "==", 3.0)],
    )
    best = min(
        program.objective(x) for x in product((0.0, 1.0), repeat=8) if sum(x) == 3.0
    )
    outcome = solver.solve(program, Budget(), 0, Progress())
    assert outcome.status is Status.OPTIMAL
    assert program.objective(outcome.answers[0]) == best


def test_activity_counts_the_terms_of_the_answer_alone():
    program = Program.build(
        linear=[1e18, -3.0, 2.0], row=[0, 1], col=[1, 2], value=[1e18, -5.0], offset=-7.0
    )
    assert activity(program, np.array([0.0, 1.0, 1.0])) == 17.0


@pytest.mark.parametrize("penalty", [1e9, 1e12, 1e15, 1e18])
@pytest.mark.parametrize("solver", [CpSat(), Milp(), Milp(backend="cbc")])
def test_huge_coefficients_beside_small_ones_prove_nothing_false(solver, penalty):
    rng = np.random.default_rng(5)
    row, col = np.triu_indices(9, 1)
    value = np.where(rng.random(36) < 0.3, penalty, rng.integers(-9, 10, 36))
    program = Program.build(linear=rng.integers(-9, 10, 9), row=row, col=col, value=value)
    best = min(program.objective(np.array(x, dtype=float)) for x in product((0, 1), repeat=9))
    outcome = solver.solve(program, Budget(), 0, Progress())
    found = program.objective(outcome.answers[0])
    assert found >= best
    if outcome.status is Status.OPTIMAL:
        assert found == best
    if outcome.bound is not None:
        assert outcome.bound <= best + 1e-6 * abs(best)


def test_one_huge_distance_does_not_make_any_tour_the_best():
    rng = np.random.default_rng(2)
    distance = rng.integers(10, 99, (8, 8)).astype(float)
    distance[2, 3] = 1e18
    best = min(
        sum(distance[a, b] for a, b in pairwise((0, *order, 0)))
        for order in permutations(range(1, 8))
    )
    clients = tuple(Client(str(i)) for i in range(1, 8))
    routing = Routing((Depot("0"),), clients, (VehicleType(),), distance, distance)
    outcome = CpSat().solve(routing, Budget(), 0, Progress())
    objective, broken = routing.evaluate(outcome.answers[0])
    assert not broken
    assert outcome.bound <= best
    assert (outcome.status is Status.OPTIMAL) <= (objective == best)


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
