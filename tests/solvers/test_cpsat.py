"""CP-SAT against enumeration, on programs and on routings."""

import threading
from dataclasses import replace
from math import inf, pi, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from oracles import best_cost, best_value, programs, routings

from qopt.errors import SizeError, UnsupportedError
from qopt.forms import Client, Depot, Ising, Program, Qubo, Route, Routing, VehicleType
from qopt.solver import Budget, Progress, Status
from qopt.solvers import cpsat_columns, cpsat_routing
from qopt.solvers.bounds_qubo import trivial_bound
from qopt.solvers.cpsat import CpSat


def solve(model, budget=None, progress=None, **options):
    return CpSat(**options).solve(model, budget or Budget(), 7, progress or Progress())


def selection(n=40, k=13, seed=1):
    """Pairs of both signs with exactly k chosen: hours to prove, no time to answer."""
    rng = np.random.default_rng(seed)
    row, col = np.triu_indices(n, 1)
    return Program.build(
        linear=rng.normal(size=n), row=row, col=col, value=rng.normal(size=len(row)),
        constraints=[("chosen", range(n), 1.0, "==", k)],
    )


def tour(n=7, seed=0, symmetric=True):
    rng = np.random.default_rng(seed)
    matrix = rng.integers(1, 60, (n + 1, n + 1)).astype(float)
    if symmetric:
        matrix = np.minimum(matrix, matrix.T)
    np.fill_diagonal(matrix, 0.0)
    clients = tuple(Client(f"c{i}") for i in range(n))
    return Routing((Depot("d"),), clients, (VehicleType(),), matrix, matrix)


# -- programs -----------------------------------------------------------------------------------


@settings(deadline=None, max_examples=80)
@given(programs())
def test_programs_are_solved_and_proven_by_enumeration(program):
    best = best_value(program)
    outcome = solve(program)
    if best is None:
        assert outcome.status is Status.PROVEN_INFEASIBLE
        return
    assert outcome.status is Status.OPTIMAL
    (answer,) = outcome.answers
    assert program.violations(answer) == []
    assert program.objective(answer) == pytest.approx(best, abs=1e-9)
    assert outcome.bound == pytest.approx(best, abs=1e-9)


@settings(deadline=None, max_examples=25)
@given(programs())
def test_bounds_and_answers_on_the_way_are_on_their_sides(program):
    best = best_value(program)
    progress = Progress()
    outcome = solve(program, Budget(evaluations=300), progress, strengthen=False)
    if best is None:
        return
    sign = 1.0 if program.sense == "minimise" else -1.0
    slack = 1e-9 * max(1.0, abs(best))
    bounds = [value for _, value in progress.trace.bounds]
    if outcome.bound is not None:
        bounds.append(outcome.bound)
    assert all(sign * bound <= sign * best + slack for bound in bounds)
    incumbents = [sign * value for _, value in progress.trace.incumbents]
    assert all(value >= sign * best - slack for value in incumbents)
    assert incumbents == sorted(set(incumbents), reverse=True)


def test_a_selection_is_proven_with_the_strengthening():
    rng = np.random.default_rng(4)
    factors = rng.normal(size=(24, 4))
    cov = factors @ factors.T * 1e-4 + np.diag(rng.uniform(1e-4, 4e-4, 24))
    row, col = np.triu_indices(24)
    program = Program.build(
        linear=-rng.uniform(0, 2e-3, 24), row=row, col=col,
        value=np.where(row == col, 1.0, 2.0) * cov[row, col],
        constraints=[("chosen", range(24), 1.0, "==", 6)],
    )
    outcome = solve(program)
    assert outcome.status is Status.OPTIMAL
    assert outcome.bound == program.objective(outcome.answers[0])
    assert not outcome.details["objective_exact"]


def test_irrational_coefficients_in_rows():
    program = Program.build(
        sense="maximise", linear=[3, 2, 2], upper=4,
        constraints=[("length", range(3), [sqrt(2), sqrt(3), np.pi], "<=", 10.0)],
    )
    outcome = solve(program)
    assert outcome.status is Status.OPTIMAL
    assert program.objective(outcome.answers[0]) == best_value(program)


def test_bounds_that_only_constraints_give():
    program = Program.build(
        sense="maximise", linear=[3, 2], upper=inf,
        constraints=[("room", [0, 1], [2, 3], "<=", 12.5)],
    )
    outcome = solve(program)
    assert outcome.status is Status.OPTIMAL
    assert outcome.answers[0].tolist() == [6, 0]


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (Program.build(linear=[1, 1], integer=[True, False]), "'x1' is continuous.*milp"),
        (Program.build(linear=[-1], upper=inf), "'x0' has 0 to inf.*milp"),
        (Program.build(linear=[1], lower=-inf, upper=inf), "'x0' has -inf to inf"),
        (
            Program.build(linear=[0] * 2, upper=1e4,
                          constraints=[("mass", [0, 1], [sqrt(2) * 1e12, 1e-3], "<=", 1.0)]),
            "constraint 'mass'",
        ),
    ],
)
def test_programs_beyond_whole_numbers_are_refused_in_words(program, message):
    with pytest.raises(UnsupportedError, match=message):
        solve(program)


def test_infeasible_by_bounds_alone():
    outcome = solve(Program.build(linear=[1], lower=0.2, upper=0.8))
    assert outcome.status is Status.PROVEN_INFEASIBLE


@pytest.mark.parametrize(
    ("rhs", "status"), [(1.0, Status.OPTIMAL), (-1.0, Status.PROVEN_INFEASIBLE)]
)
def test_programs_without_variables_or_terms(rhs, status):
    row = ("empty", [], [], "<=", rhs)
    assert solve(Program.build(linear=[], offset=2.0, constraints=[row])).status is status
    assert solve(Program.build(linear=[1.0], constraints=[row])).status is status


def test_no_time_no_claim():
    outcome = solve(selection(), Budget(time_limit=0.0))
    assert outcome.status is Status.TIME_LIMIT
    assert not outcome.answers


def test_the_deterministic_budget_ends_a_search_and_repeats_it():
    progress = Progress()
    one = solve(selection(), Budget(evaluations=300_000), progress)
    two = solve(selection(), Budget(evaluations=300_000))
    assert one.status is Status.FEASIBLE
    assert one.bound < selection().objective(one.answers[0])
    assert one.answers[0].tolist() == two.answers[0].tolist()
    assert one.bound == two.bound
    assert 0 < one.usage.evaluations < 1_000_000
    assert progress.trace.incumbents[-1][1] == selection().objective(one.answers[0])


@pytest.mark.parametrize("model", [selection(), tour(60)], ids=["program", "tour"])
def test_a_stop_ends_the_search_with_what_it_has(model):
    progress = Progress()
    timer = threading.Timer(1.0, progress.stop)
    timer.start()
    outcome = solve(model, Budget(time_limit=120.0), progress)
    timer.join()
    assert outcome.usage.phases["execute"].wall < 60.0
    assert outcome.status.has_answer or outcome.status is Status.TIME_LIMIT


def test_a_stop_before_the_start():
    progress = Progress()
    progress.stop()
    assert solve(selection(), progress=progress).status is Status.TIME_LIMIT


# -- routings -----------------------------------------------------------------------------------


@settings(deadline=None, max_examples=120)
@given(routings())
def test_routings_are_solved_and_proven_by_enumeration(routing):
    check_routing(routing)


@settings(deadline=None, max_examples=40)
@given(routings())
def test_routings_that_start_from_routes_found_by_local_search(routing):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cpsat_routing, "FOUND_AT_ONCE", 0)
        patch.setattr(cpsat_columns, "FOUND_AT_ONCE", 0)
        check_routing(routing)


@settings(deadline=None, max_examples=60)
@given(routings())
def test_routings_by_arcs_where_routes_are_too_many(routing):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cpsat_routing, "MOST_ROUTES", 0)
        check_routing(routing)


@settings(deadline=None, max_examples=60)
@given(routings(divisors=(pi,)))
def test_numbers_without_a_common_denominator_prove_nothing_wrong(routing):
    best = best_cost(routing)
    outcome = solve(routing)
    assert outcome.status in (
        (Status.PROVEN_INFEASIBLE,) if best is None else (Status.OPTIMAL, Status.FEASIBLE)
    )
    if best is not None:
        cost, broken = routing.evaluate(outcome.answers[0])
        assert broken == []
        assert cost == pytest.approx(best, abs=1e-5)
        assert best - 1e-5 <= outcome.bound <= best + 1e-9


def check_routing(routing):
    best = best_cost(routing)
    outcome = solve(routing)
    if best is None:
        assert outcome.status is Status.PROVEN_INFEASIBLE
        return
    assert outcome.status is Status.OPTIMAL
    cost, broken = routing.evaluate(outcome.answers[0])
    assert broken == []
    assert cost == pytest.approx(best, abs=1e-6)
    assert outcome.bound == pytest.approx(best, abs=1e-6)


def test_a_detour_may_be_quicker_than_the_direct_way():
    duration = np.ones((4, 4))
    duration[0, 1] = 25.0  # from the depot to the first client, and 2 over the third
    distance = np.ones((4, 4))
    distance[2, [1, 3]] = 5.0  # the second one is best left for the depot
    check_routing(Routing(
        depots=(Depot("d", early=5.0),),
        clients=(Client("a"), Client("b", late=30.0), Client("c")),
        vehicles=(VehicleType(count=1),), distance=distance, duration=duration,
    ))


def test_a_detour_of_no_time_is_a_way():
    duration = np.array([[0.0, 9.0, 0.0], [1.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    check_routing(Routing(
        depots=(Depot("d"),), clients=(Client("a", late=5.0), Client("b")),
        vehicles=(VehicleType(count=1),), distance=np.ones((3, 3)), duration=duration,
    ))


@pytest.mark.parametrize("late", [5.0, 50.0])
def test_a_client_that_nobody_reaches_in_time_is_no_fault_of_the_model(late):
    duration = np.full((2, 2), 9.0)
    routing = Routing(
        depots=(Depot("d"),), clients=(Client("a", late=late),),
        vehicles=(VehicleType(count=2, capacity=3.0),), distance=np.ones((2, 2)),
        duration=duration,
    )
    outcome = solve(routing)
    assert outcome.status is (Status.PROVEN_INFEASIBLE if late < 9.0 else Status.OPTIMAL)


@pytest.mark.parametrize("symmetric", [True, False])
def test_tours(symmetric):
    routing = tour(6, seed=3, symmetric=symmetric)
    outcome = solve(routing)
    assert outcome.status is Status.OPTIMAL
    assert len(outcome.answers[0]) == 1
    assert outcome.bound == best_cost(routing)


def test_capacities_split_a_tour():
    base = tour(6, seed=5)
    clients = tuple(replace(c, demand=float(1 + i % 3)) for i, c in enumerate(base.clients))
    fleet = (VehicleType(count=6, capacity=5.0),)
    routing = replace(base, clients=clients, vehicles=fleet)
    outcome = solve(routing)
    assert outcome.status is Status.OPTIMAL
    assert len(outcome.answers[0]) >= 3
    assert outcome.bound == best_cost(routing)


def test_too_few_vehicles_are_proven_infeasible():
    base = tour(4)
    clients = tuple(replace(c, demand=2.0) for c in base.clients)
    routing = replace(base, clients=clients, vehicles=(VehicleType(count=2, capacity=3.0),))
    assert solve(routing).status is Status.PROVEN_INFEASIBLE


def test_waiting_is_paid_for_where_time_costs():
    # Two orders of equal length; one waits 50 at the second client.
    matrix = np.array([[0.0, 10, 10], [10, 0, 10], [10, 10, 0]])
    clients = (Client("late", early=80.0), Client("soon", early=0.0, late=25.0))
    vehicle = VehicleType(distance_cost=1.0, duration_cost=1.0)
    routing = Routing((Depot("d"),), clients, (vehicle,), matrix, matrix)
    outcome = solve(routing)
    assert outcome.answers[0] == (Route(0, (1, 0)),)
    assert outcome.bound == routing.evaluate(outcome.answers[0])[0] > 60.0


@pytest.mark.parametrize("limit", [inf, 45.0])
def test_a_depot_that_closes_early_makes_its_vehicles_wait_on_the_way(limit):
    matrix = np.full((4, 4), 5.0)
    check_routing(Routing(
        depots=(Depot("west", late=10.0), Depot("east")),
        clients=(Client("a", early=50.0), Client("b", prize=70.0, required=False)),
        vehicles=(
            VehicleType("w", end=1, duration_cost=1.0, max_duration=limit),
            VehicleType("e", start=1, end=1, fixed_cost=60.0),
        ),
        distance=matrix, duration=matrix,
    ))


def test_nobody_to_visit():
    routing = Routing((Depot("d"),), (), (VehicleType(),), np.zeros((1, 1)), np.zeros((1, 1)))
    outcome = solve(routing)
    assert (outcome.status, outcome.answers[0], outcome.bound) == (Status.OPTIMAL, (), 0.0)


def test_a_larger_tour_has_an_answer_from_the_start():
    progress = Progress()
    outcome = solve(tour(40), Budget(evaluations=200_000), progress)
    assert outcome.status.has_answer
    assert progress.trace.incumbents[0][1] >= progress.trace.incumbents[-1][1]


def test_several_threads():
    routing = tour(12, seed=2)
    one, two = solve(routing), solve(routing, Budget(threads=2))
    assert one.status is two.status is Status.OPTIMAL
    assert one.bound == two.bound


@pytest.mark.parametrize(
    ("routing", "message"),
    [
        (tour(300), "at most 300 locations, the model has 301.*'pyvrp'"),
        (
            replace(tour(150), vehicles=tuple(VehicleType(f"v{i}") for i in range(9))),
            "at most 200000 arcs",
        ),
    ],
)
def test_large_routings_are_refused_with_what_would_fit(routing, message):
    with pytest.raises(SizeError, match=message):
        solve(routing)


# -- bounds by other means, and answers to start from ---------------------------------------------


def glass(n, seed=0):
    """A spin glass of bits: couplings of random sign between all pairs, and its qubo."""
    row, col = np.triu_indices(n, 1)
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], len(row))
    qubo = Qubo.from_ising(Ising(np.zeros(n), row, col, signs))
    return qubo, qubo.to_program().model


def test_a_bound_is_never_weaker_than_the_sum_of_all_terms_at_their_best():
    qubo, program = glass(60)
    outcome = CpSat().solve(program, Budget(evaluations=1), 0, Progress())
    assert outcome.bound >= trivial_bound(qubo)
    assert outcome.bound >= -0.3 * len(qubo.value)  # semidefinite, where the sum is -1770


def test_a_start_is_reported_at_once_and_kept():
    _, program = glass(40, seed=2)
    best = CpSat().solve(program, Budget(time_limit=2.0), 0, Progress()).answers[0]
    progress = Progress()
    outcome = CpSat().solve(
        program, Budget(time_limit=0.0), 0, progress, start=[np.zeros(40), best]
    )
    assert progress.trace.incumbents[0][1] == program.objective(best)
    assert program.objective(outcome.answers[0]) == program.objective(best)


def test_a_start_may_be_infeasible_or_for_routes():
    model = Program.build(linear=[1, 2], constraints=[("one", [0, 1], 1.0, ">=", 1)])
    outcome = CpSat().solve(model, Budget(), 0, Progress(), start=[np.zeros(2)])
    assert outcome.status is Status.OPTIMAL
    assert outcome.answers[0].tolist() == [1.0, 0.0]
    routing = tour(10)
    first = CpSat().solve(routing, Budget(evaluations=100_000), 0, Progress()).answers
    progress = Progress()
    again = CpSat().solve(routing, Budget(evaluations=10), 0, progress, start=first)
    value = routing.evaluate(first[0])[0]
    assert progress.trace.incumbents[0][1] == value
    assert routing.evaluate(again.answers[0])[0] <= value
