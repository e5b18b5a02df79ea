"""Where route columns come from: pools of answers, the choice among them, and their QUBO."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import best_cost, routings

from qopt.errors import InputError, SizeError, UnsupportedError, UsageError
from qopt.forms import Client, Depot, Route, Routing, Shipment, VehicleType
from qopt.forms.route_pool import (
    RoutePool,
    iterations_for,
    pick_columns,
    routing_to_columns,
    search_answers,
)

VANS = (VehicleType(count=6, capacity=8),)


def fleet(size=6, seed=0, vehicles=VANS, **client) -> Routing:
    rng = np.random.default_rng(seed)
    distance = rng.integers(1, 50, (size + 1, size + 1)).astype(float)
    np.fill_diagonal(distance, 0.0)
    clients = tuple(
        Client(f"c{i}", demand=float(rng.integers(1, 6)), **client) for i in range(size)
    )
    return Routing((Depot("depot"),), clients, vehicles, distance, distance)


def rich(seed=0) -> Routing:
    """Two kinds of vehicles, windows, a shipment, and clients that may be left out."""
    rng = np.random.default_rng(seed)
    places = rng.integers(0, 30, (7, 2))
    distance = np.abs(places[:, None] - places[None]).sum(axis=2).astype(float)
    clients = (
        Client("a", demand=3, late=60, service=2),
        Client("b", demand=4, early=20, late=90),
        Client("c", demand=2, prize=15, required=False),
        Client("d", demand=5, prize=70, required=False),
        Client("from"),
        Client("to"),
    )
    vehicles = (
        VehicleType("van", count=2, capacity=8, fixed_cost=10),
        VehicleType("bike", count=1, capacity=4, end=None, distance_cost=2, max_distance=40),
    )
    return Routing(
        (Depot("depot"),), clients, vehicles, distance, distance, shipments=(Shipment(4, 5, 2),)
    )


def answers_of(routing, routes):
    """Every feasible choice of routes with its objective."""
    for k in range(len(routes) + 1):
        for chosen in combinations(routes, k):
            cost, broken = routing.evaluate(chosen)
            if not broken:
                yield cost, chosen


@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 1000), most=st.integers(6, 10), rich_one=st.booleans())
def test_columns_are_routes_of_answers(seed, most, rich_one):
    routing = rich(seed) if rich_one else fleet(seed=seed)
    offered = pick_columns(search_answers(routing, 200, seed), most)
    assert 0 < len(offered.routes) <= most
    stops = {(route.vehicle, frozenset(route.clients)) for route in offered.routes}
    assert len(stops) == len(offered.routes)
    assert not any(routing.evaluate_route(route)[1] for route in offered.routes)
    found = list(answers_of(routing, offered.routes))
    assert min(cost for cost, _ in found) <= offered.incumbent
    assert {route for _, chosen in found for route in chosen} == set(offered.routes)
    assert offered.fleets == ()  # no choice takes more vehicles than there are


@pytest.mark.parametrize("make", [fleet, rich])
def test_the_search_finds_the_best_answer_of_a_small_instance(make):
    routing = make(seed=5)
    pool = search_answers(routing, 400, 0)
    cost, routes = pool.ranked()[0]
    assert routing.evaluate(routes) == (pytest.approx(cost), [])
    assert cost == pytest.approx(best_cost(routing))
    costs = [each for each, _ in pool.ranked()]
    assert costs == sorted(costs)


def test_one_seed_gives_one_choice():
    first, second = (pick_columns(search_answers(fleet(8), 300, 4), 12) for _ in range(2))
    assert first.routes == second.routes
    assert search_answers(fleet(8), 300, 4).ranked() == search_answers(fleet(8), 300, 4).ranked()


def test_a_pool_keeps_feasible_answers_and_their_best_orders():
    routing = fleet(3, vehicles=(VehicleType(count=2, capacity=100),))
    pool = RoutePool(routing)
    orders = [Route(0, order) for order in [(0, 1, 2), (2, 1, 0), (1, 0, 2)]]
    for route in orders:
        assert pool.add((route, Route(0, ())))
    assert not pool.add((Route(0, (0, 1)),))
    assert not pool.add((Route(0, (0,)), Route(0, (1,)), Route(0, (2,))))
    assert pool.generated == 1
    best = min(orders, key=lambda route: routing.evaluate_route(route)[0])
    assert pool.ranked() == [(routing.evaluate([best])[0], (best,))]


def test_columns_never_combine_to_more_vehicles_than_there_are():
    routing = Routing(
        (Depot("depot"),), tuple(Client(c, demand=1) for c in "abcd"),
        (VehicleType(count=2, capacity=3),), np.ones((5, 5)), np.ones((5, 5)),
    )
    pool = RoutePool(routing)
    for one, two in [((0, 1), (2, 3)), ((0,), (1, 2, 3)), ((1,), (0, 2, 3)), ((0, 2), (1, 3))]:
        assert pool.add((Route(0, one), Route(0, two)))
    offered = {route.clients for route in pick_columns(pool, 20).routes}
    # {a}, {b} and {c, d} would make three routes of two vehicles.
    assert len({(0,), (1,), (2, 3)} & offered) == 2


def test_kept_routes_are_offered_beside_the_best():
    routing = fleet(6, vehicles=(VehicleType(count=6, capacity=9),))
    alone = tuple(Route(0, (c,)) for c in range(6))
    pool = search_answers(routing, 200, 0, starts=1, begin=alone)
    offered = pick_columns(pool, 20, keep=alone)
    assert set(alone) <= set(offered.routes)
    assert offered.incumbent < routing.evaluate(alone)[0]


@settings(deadline=None, max_examples=60)
@given(routing=routings(mixed=False, divisors=(1, np.pi, 0.003 * np.pi)))
def test_where_there_are_feasible_routes_some_are_found(routing):
    """Penalties are high enough for costs of many digits."""
    best = best_cost(routing)
    try:
        pool = search_answers(routing, iterations_for(len(routing.clients)), 0)
    except UnsupportedError:  # a shipment that cannot be delivered
        return
    assert bool(pool.ranked()) == (best is not None)
    if best is not None:
        assert pool.nearest is None
        assert pool.ranked()[0][0] >= best - 1e-9 * max(1.0, best)


@pytest.mark.parametrize("fixed", [0.0, 1000.0])
@pytest.mark.parametrize("unit", [1e-2, 1.0, 1e2])
def test_columns_of_vans_that_are_nearly_full(unit, fixed):
    """A load too many costs more than any way and vehicle, in whatever unit."""
    rng = np.random.default_rng(1)
    places = unit * rng.uniform(0, 100, (10, 2))
    distance = np.hypot(*(places[:, None] - places[None]).T)
    loads = (2, 3, 4, 3, 2, 1, 2, 2)
    routing = Routing(
        (Depot("north"), Depot("south")),
        tuple(Client(f"c{i}", demand=load, late=500.0 * unit) for i, load in enumerate(loads)),
        (
            VehicleType("truck", count=2, capacity=6, end=None, distance_cost=1.2),
            VehicleType("van", count=2, capacity=5, start=1, end=1, fixed_cost=fixed),
        ),
        distance, distance,
    )
    assert routing_to_columns(routing).model.num_variables >= 4


def test_a_search_ends_when_it_is_told():
    looks = []
    pool = search_answers(fleet(), 400, 0, ended=lambda: looks.append(1) or len(looks) > 3)
    assert pool.ranked()
    assert len(looks) < 10


def test_without_an_answer_there_are_no_columns():
    tight = fleet(3, vehicles=(VehicleType(count=1, capacity=6),))
    with pytest.raises(UnsupportedError, match=r"no feasible routes .*clients: 3, vehicles: 1\)"):
        routing_to_columns(
            Routing(tight.depots, tuple(Client(str(i), demand=2.5) for i in range(3)),
                    tight.vehicles, tight.distance, tight.duration), columns=3
        )
    nobody = fleet(3, required=False)  # no prizes: nobody is worth the way
    with pytest.raises(InputError, match="no feasible answer with routes"):
        pick_columns(RoutePool(nobody), 5)
    with pytest.raises(SizeError, match="set columns to 2 or more"):
        routing_to_columns(fleet(3, vehicles=(VehicleType(count=3, capacity=6),)), columns=1)
    with pytest.raises(UsageError, match="columns must be at least 1"):
        routing_to_columns(tight, columns=0)


def test_the_qubo_of_a_rich_routing_holds_the_best_choice():
    routing = rich(3)
    lowering = routing_to_columns(routing, columns=10)
    n = lowering.model.num_variables
    bits = (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.int8)
    energies = lowering.model.penalised().energies(bits)
    cost, broken = routing.evaluate(lowering.decode(bits[energies.argmin()]))
    assert (cost, broken) == (pytest.approx(energies.min()), [])
    assert cost == pytest.approx(best_cost(routing))
    assert not lowering.complete
    assert f"6 clients in {n} route columns = {n} qubits" in lowering.notes[0]
