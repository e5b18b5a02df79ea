"""PyVRP against enumeration on small instances, and against itself run by hand."""

import threading
import time
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from oracles import best_cost, routings

from qopt.errors import SizeError, UnsupportedError, UsageError
from qopt.forms import Client, Depot, Route, Routing, Shipment, VehicleType
from qopt.forms.convert_pyvrp import penalty_params, routing_to_pyvrp
from qopt.solver import Budget, Progress, Status
from qopt.solvers.pyvrp import PyVrp

FLEET = (VehicleType(count=3, capacity=6),)


def instance(seed, clients=5, *, vehicles=FLEET, depots=1, **more):
    rng = np.random.default_rng(seed)
    places = rng.integers(0, 60, (depots + clients, 2)).astype(float)
    matrix = np.rint(np.hypot(*np.moveaxis(places[:, None] - places[None], -1, 0)))
    return Routing(
        depots=tuple(Depot(f"d{i}") for i in range(depots)),
        clients=tuple(
            Client(f"c{i}", demand=float(rng.integers(1, 4)), **more) for i in range(clients)
        ),
        vehicles=vehicles, distance=matrix, duration=matrix,
    )


def solve(model, evaluations=300, seed=0, progress=None, **options):
    budget = Budget(evaluations=evaluations)
    return PyVrp(**options).solve(model, budget, seed, progress or Progress())


def shipped(model):
    clients = tuple(replace(client, demand=0.0) for client in model.clients)
    pairs = (Shipment(0, 3, 4.0), Shipment(4, 1, 3.0))
    return replace(model, clients=clients, shipments=pairs)


CASES = {
    "capacity": instance(1),
    "tour": instance(2, vehicles=(VehicleType(),)),
    "unlike vehicles": instance(3, vehicles=(
        VehicleType("small", count=2, capacity=4, fixed_cost=5.0),
        VehicleType("large", count=1, capacity=9, fixed_cost=30.0, distance_cost=1.5),
    )),
    "two depots": instance(4, depots=2, vehicles=(
        VehicleType("west", count=1, capacity=7), VehicleType("east", 1, 7, start=1, end=1),
    )),
    "open": instance(5, vehicles=(VehicleType(count=2, capacity=7, end=None),)),
    "longest route": instance(6, 4, vehicles=(VehicleType(count=4, max_distance=150.0),)),
    "optional": instance(7, required=False, prize=35.0),
    "halves": replace(instance(8), distance=instance(8).distance / 2 + 0.25),
    "pickups": instance(9, pickup=2.0),
    "shipments": shipped(instance(10)),
    "shifts": instance(11, service=5.0, vehicles=(
        VehicleType(count=3, late=110.0, duration_cost=0.5), VehicleType(early=60.0),
    )),
    "pi": replace(instance(12), distance=instance(12).distance * np.pi),
}


@pytest.mark.parametrize("name", CASES)
def test_small_instances_are_solved_to_the_optimum_by_enumeration(name):
    model = CASES[name]
    outcome = solve(model)
    assert outcome.status is Status.FEASIBLE
    value, broken = model.evaluate(outcome.answers[0])
    assert broken == []
    assert value == pytest.approx(best_cost(model))


@settings(deadline=None, max_examples=60)
@given(routings(mixed=False))
def test_no_answer_is_infeasible_or_better_than_the_optimum(model):
    best = best_cost(model)
    try:
        outcome = solve(model, 100)
    except UnsupportedError:
        assert model.shipments
        return
    value, broken = model.evaluate(outcome.answers[0])
    if best is None:
        assert outcome.status is Status.INFEASIBLE_ANSWERS
        assert broken
    elif outcome.status is Status.FEASIBLE:
        assert broken == []
        assert value >= best - 1e-6 * max(1.0, best)


def test_the_library_by_hand_finds_the_same_routes():
    import pyvrp
    import pyvrp.stop

    model = instance(13, 40, vehicles=(VehicleType(count=40, capacity=10),))
    progress = Progress()
    outcome = solve(model, 200, seed=3, progress=progress)
    converted = routing_to_pyvrp(model)
    hand = pyvrp.solve(
        converted.data, pyvrp.stop.MaxIterations(200), seed=3, collect_stats=False, display=False
    )
    assert outcome.answers == [converted.routes(hand.best)]
    assert outcome.usage.evaluations == hand.num_iterations == 200
    values = [value for _, value in progress.trace.incumbents]
    assert values == sorted(set(values), reverse=True)
    assert values[-1] == model.evaluate(outcome.answers[0])[0] == hand.cost()


def test_one_seed_one_answer_and_others_look_elsewhere():
    model = instance(14, 40, vehicles=(VehicleType(count=40, capacity=10),))
    answers = [solve(model, 30, seed).answers for seed in (1, 1, 2, 2**40)]
    assert answers[0] == answers[1]
    assert answers[0] != answers[2]


def test_options_reach_the_search():
    model = instance(15, 40, vehicles=(VehicleType(count=40, capacity=10),))
    usual = solve(model, 60).answers
    for option in ({"neighbours": 2}, {"perturbations": 1}, {"history": 1}, {"restart_after": 3}):
        assert solve(model, 60, **option).answers != usual, option
    with pytest.raises(UsageError, match="neighbours must be at least 1, got 0"):
        PyVrp(neighbours=0)


def test_budgets_and_stops():
    model = instance(16, 60, vehicles=(VehicleType(count=60, capacity=10),))
    nothing = PyVrp().solve(model, Budget(time_limit=0.0), 0, Progress())
    assert nothing.status is Status.TIME_LIMIT
    progress = Progress()
    threading.Timer(0.3, progress.stop).start()
    begin = time.perf_counter()
    stopped = PyVrp().solve(model, Budget(time_limit=60.0), 0, progress)
    assert stopped.status is Status.FEASIBLE
    assert time.perf_counter() - begin < 30.0
    assert solve(instance(1, 3), None).usage.evaluations == 10_000


def test_what_cannot_be_served_is_answered_with_what_it_breaks():
    model = instance(17, late=1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcome = solve(model, 2000)
    assert outcome.status is Status.INFEASIBLE_ANSWERS
    assert model.evaluate(outcome.answers[0])[1]
    assert "without feasible routes" in outcome.reason


def test_costs_with_many_digits_do_not_make_overload_pay():
    """A kilometre at 0.13, in metres: a whole unit of cost is far below the cost of an arc."""
    cheap = VehicleType(count=9, capacity=3.0, distance_cost=0.00013)
    model = instance(18, 8, vehicles=(cheap,))
    model = replace(model, distance=1e6 * model.distance)
    converted = routing_to_pyvrp(model)
    assert converted.cost_scale == 100_000
    assert penalty_params(converted.data).max_penalty >= 2 * 13 * model.distance.max()
    outcome = solve(model)
    assert outcome.status is Status.FEASIBLE
    assert model.evaluate(outcome.answers[0])[1] == []


def test_edges():
    empty = Routing((Depot("d"),), (), (VehicleType(),), np.zeros((1, 1)), np.zeros((1, 1)))
    assert solve(empty).answers == [()]
    assert solve(instance(12, 1)).answers == [(Route(0, (0,)),)]
    nobody = solve(instance(19, 2, required=False))
    assert (nobody.status, nobody.answers) == (Status.FEASIBLE, [()])
    size = 10_001
    big = Routing(
        (Depot("d"),), tuple(Client(str(i)) for i in range(size)), (VehicleType(),),
        *np.broadcast_to(0.0, (2, size + 1, size + 1)),
    )
    with pytest.raises(SizeError, match="locations"):
        solve(big)
