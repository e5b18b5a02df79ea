"""OR-Tools' routing library against enumeration on small instances."""

import threading
import time
from dataclasses import replace
from itertools import permutations, product
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from oracles import best_cost, routings

from qopt.errors import SizeError, UsageError
from qopt.forms import Client, Depot, Route, Routing, Shipment, VehicleType
from qopt.solver import Budget, Progress, Status
from qopt.solvers.routing import OrToolsRouting

FLEET = (VehicleType(count=3, capacity=6),)


def instance(seed, clients=5, *, depots=1, vehicles=FLEET, **more):
    rng = np.random.default_rng(seed)
    places = rng.integers(0, 60, (depots + clients, 2)).astype(float)
    matrix = np.hypot(*np.moveaxis(places[:, None] - places[None], -1, 0))
    return Routing(
        depots=tuple(Depot(f"d{i}") for i in range(depots)),
        clients=tuple(
            Client(f"c{i}", demand=float(rng.integers(1, 4)), **more) for i in range(clients)
        ),
        vehicles=vehicles, distance=np.rint(matrix), duration=np.rint(matrix),
    )


def answers(model):
    """Every way to serve every subset of clients with every kind of vehicle."""
    for chosen in product((True, False), repeat=len(model.clients)):
        served = [c for c, visit in enumerate(chosen) if visit]
        for order in permutations(served):
            for cuts in product((False, True), repeat=max(0, len(order) - 1)):
                routes = [[c] for c in order[:1]]
                for client, cut in zip(order[1:], cuts, strict=True):
                    routes.append([client]) if cut else routes[-1].append(client)
                for kinds in product(range(len(model.vehicles)), repeat=len(routes)):
                    yield [Route(k, tuple(r)) for k, r in zip(kinds, routes, strict=True)]


def optimum(model):
    scored = (model.evaluate(routes) for routes in answers(model))
    return min((value for value, broken in scored if not broken), default=None)


def solve(model, evaluations=None):
    return OrToolsRouting().solve(model, Budget(evaluations=evaluations), 0, Progress())


CASES = {
    "capacity": instance(1),
    "tour": instance(2, vehicles=(VehicleType(),)),
    "unlike vehicles": instance(3, 4, vehicles=(
        VehicleType("small", count=2, capacity=4, fixed_cost=5.0),
        VehicleType("large", count=1, capacity=9, fixed_cost=30.0, distance_cost=1.5),
    )),
    "two depots": instance(4, 4, depots=2, vehicles=(
        VehicleType("west", count=1, capacity=7), VehicleType("east", 1, 7, start=1, end=1),
    )),
    "open": instance(5, 4, vehicles=(VehicleType(count=2, capacity=7, end=None),)),
    "longest route": instance(6, 4, vehicles=(VehicleType(count=4, max_distance=150.0),)),
    "optional": instance(7, 4, required=False, prize=35.0),
    "halves": replace(instance(8, 4), distance=instance(8, 4).distance / 2 + 0.25),
    "pickups": instance(9, 4, pickup=2.0),
    "shipments": replace(
        instance(10, 4, required=False, prize=30.0), shipments=(Shipment(0, 2, 4.0), Shipment(3, 1))
    ),
    "shifts": instance(11, 4, service=5.0, vehicles=(
        VehicleType(count=2, late=110.0, duration_cost=0.5), VehicleType(early=60.0),
    )),
    "early closing": replace(
        instance(14, 3, depots=2, early=90.0), depots=(Depot("w", late=10.0), Depot("e")),
        vehicles=(
            VehicleType(end=1, duration_cost=1.0), VehicleType(start=1, end=1, fixed_cost=200.0),
        ),
    ),
    "no shift fits": replace(
        instance(12, 3), depots=(Depot("d", early=100.0),),
        vehicles=(VehicleType("day", count=2, late=90.0), VehicleType("night", early=20.0)),
    ),
    "before the epoch": replace(
        instance(13, 3, early=-90.0, late=-10.0), depots=(Depot("d", early=-200.0),),
        vehicles=(VehicleType(count=2, early=-150.0, duration_cost=1.0),),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_small_instances_are_solved_to_the_optimum_by_enumeration(name):
    model = CASES[name]
    outcome = solve(model, evaluations=100_000)
    assert outcome.status is Status.FEASIBLE
    value, broken = model.evaluate(outcome.answers[0])
    assert not broken
    assert value == pytest.approx(optimum(model))


@pytest.mark.parametrize("seed", range(4))
def test_time_windows_waiting_service_and_the_price_of_time(seed):
    rng = np.random.default_rng(seed)
    base = instance(seed + 20, 4)
    clients = tuple(
        replace(c, service=5.0, early=float(e), late=float(e + 60))
        for c, e in zip(base.clients, rng.integers(0, 120, 4), strict=True)
    )
    vehicle = VehicleType(count=3, capacity=9, duration_cost=0.5, max_duration=220.0)
    model = replace(base, clients=clients, vehicles=(vehicle,), depots=(Depot("d", 0.0, 400.0),))
    outcome = solve(model, evaluations=100_000)
    value, broken = model.evaluate(outcome.answers[0])
    assert not broken
    assert value == pytest.approx(optimum(model))


def test_a_fleet_that_cannot_leave():
    model = replace(instance(12, 3), vehicles=(VehicleType(early=50.0),), depots=(
        Depot("d", late=40.0),
    ))
    assert solve(model).status is Status.PROVEN_INFEASIBLE
    optional = replace(
        model, clients=tuple(replace(c, required=False, prize=9.0) for c in model.clients)
    )
    outcome = solve(optional)
    assert (outcome.status, outcome.answers) == (Status.FEASIBLE, [()])


def test_idle_vehicles_need_not_reach_their_end():
    far = np.array([[0.0, 90.0, 5.0], [90.0, 0.0, 5.0], [5.0, 5.0, 0.0]])
    model = Routing(
        (Depot("a"), Depot("b", late=20.0)), (Client("c"),), (VehicleType(end=1),), far, far
    )
    assert model.evaluate(solve(model).answers[0]) == (10.0, [])


def test_windows_that_no_vehicle_can_meet_are_never_answered():
    base = instance(9, 3)
    far = replace(base.clients[0], late=1.0)
    model = replace(base, clients=(far, *base.clients[1:]), duration=base.duration + 5.0)
    outcome = solve(model)
    assert not len(outcome.answers)
    assert outcome.status in (Status.TIME_LIMIT, Status.PROVEN_INFEASIBLE)
    assert optimum(model) is None


def test_the_same_answer_twice_and_an_honest_trace():
    model = instance(10, 8)
    first, second = Progress(), Progress()
    one = OrToolsRouting().solve(model, Budget(), 0, first)
    two = OrToolsRouting().solve(model, Budget(), 1, second)
    assert one.answers == two.answers
    values = [value for _, value in first.trace.incumbents]
    assert values == sorted(values, reverse=True)
    assert values[-1] == model.evaluate(one.answers[0])[0]
    assert one.usage.evaluations == two.usage.evaluations > 0


def test_budgets_and_stops():
    model = instance(11, 30, vehicles=(VehicleType(count=30, capacity=10),))
    nothing = OrToolsRouting().solve(model, Budget(time_limit=0.0), 0, Progress())
    assert nothing.status is Status.TIME_LIMIT
    few, more = solve(model, 5000), solve(model, 200_000)
    assert few.usage.evaluations < more.usage.evaluations
    progress = Progress()
    threading.Timer(0.5, progress.stop).start()
    begin = time.perf_counter()
    stopped = OrToolsRouting().solve(model, Budget(time_limit=60.0), 0, progress)
    assert stopped.status is Status.FEASIBLE
    assert time.perf_counter() - begin < 30.0


def test_edges():
    empty = Routing((Depot("d"),), (), (VehicleType(),), np.zeros((1, 1)), np.zeros((1, 1)))
    assert solve(empty).answers == [()]
    assert solve(instance(12, 1)).answers == [(Route(0, (0,)),)]
    with pytest.raises(UsageError, match="metaheuristic"):
        OrToolsRouting(metaheuristic="luck")
    size = 5000
    big = Routing(
        (Depot("d"),), tuple(Client(str(i)) for i in range(size)), (VehicleType(capacity=inf),),
        np.zeros((size + 1, size + 1)), np.zeros((size + 1, size + 1)),
    )
    with pytest.raises(SizeError, match="locations"):
        solve(big)


@settings(deadline=None, max_examples=60)
@given(routings())
def test_no_answer_is_infeasible_or_better_than_the_optimum(model):
    best = best_cost(model)
    outcome = solve(model, evaluations=5000)
    if best is None:
        assert outcome.status in (Status.PROVEN_INFEASIBLE, Status.TIME_LIMIT)
        return
    assert outcome.status in (Status.FEASIBLE, Status.TIME_LIMIT)
    for answer in outcome.answers:
        value, broken = model.evaluate(answer)
        assert broken == []
        assert value >= best - 1e-6 * max(1.0, best)


def test_fractions_without_a_common_denominator_keep_the_limits():
    # 1/3 + 1/3 + 1/3 of irrational pieces: three clients fill a vehicle to the last bit.
    base = instance(13, 6)
    third = 10.0 / 3.0 * (1 - 1e-12)
    model = replace(
        base,
        clients=tuple(replace(c, demand=third) for c in base.clients),
        vehicles=(VehicleType(count=6, capacity=10.0),),
        distance=base.distance * np.pi, duration=base.duration * np.pi,
    )
    outcome = solve(model, evaluations=20_000)
    assert outcome.status is Status.FEASIBLE
    assert model.evaluate(outcome.answers[0])[1] == []
    assert len(outcome.answers[0]) >= 2


def test_narrow_windows_do_not_keep_it_from_first_routes():
    """Where a fleet is large enough, but routes that are built one by one leave clients over."""
    rng = np.random.default_rng(0)
    at = np.vstack([[50, 50], rng.integers(0, 100, (60, 2))])
    ways = np.rint(np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1)))
    clients = []
    for c in range(1, 61):
        early = float(rng.integers(ways[0, c], 210 - ways[c, 0]))
        clients.append(Client(str(c), 10.0, service=10.0, early=early, late=early + 10.0))
    routing = Routing(
        (Depot("home", late=230.0),), tuple(clients), (VehicleType(count=25, capacity=200),),
        ways, ways,
    )
    outcome = OrToolsRouting().solve(routing, Budget(evaluations=20_000), 0, Progress())
    assert outcome.status is Status.FEASIBLE
    one_by_one = OrToolsRouting(first_solution="path-cheapest-arc")
    assert not one_by_one.solve(routing, Budget(evaluations=20_000), 0, Progress()).answers
