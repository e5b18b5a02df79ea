"""The QUBO of given routes against brute force over every choice of them."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.errors import InputError, UsageError
from qopt.forms import Client, Depot, Route, Routing, Shipment, VehicleType
from qopt.forms.route_columns import (
    RouteColumns,
    columns_to_qubo,
    proven_weights,
    routes_in_use,
)


def routing_of(clients, vehicles, distance, **more) -> Routing:
    depots = (Depot("depot"),)
    return Routing(depots, tuple(clients), tuple(vehicles), distance, distance, **more)


@st.composite
def offers(draw) -> RouteColumns:
    """Two kinds of vehicles, some clients with prizes, an answer and further routes."""
    n = draw(st.integers(1, 4))
    step = draw(st.sampled_from([1.0, 0.37]))
    numbers = draw(st.lists(st.integers(0, 30), min_size=(n + 1) ** 2, max_size=(n + 1) ** 2))
    distance = step * np.array(numbers, dtype=float).reshape(n + 1, n + 1)
    np.fill_diagonal(distance, 0.0)
    clients = [
        Client(f"c{i}", required=draw(st.booleans()), prize=step * draw(st.integers(-5, 60)))
        for i in range(n)
    ]
    parts = draw(st.lists(st.integers(0, 2), min_size=n, max_size=n))
    for i, part in enumerate(parts):  # part 2 of the optional clients stays at home
        if clients[i].required and part == 2:
            parts[i] = 0
    answer = [
        Route(part, tuple(i for i, p in enumerate(parts) if p == part))
        for part in (0, 1) if part in parts
    ]
    subsets = [s for k in range(1, n + 1) for s in combinations(range(n), k)]
    others = draw(st.lists(
        st.builds(Route, st.integers(0, 1), st.sampled_from(subsets)),
        min_size=1, max_size=8 - len(answer), unique=True,
    ))
    vehicles = [
        VehicleType("van", count=1, fixed_cost=step * draw(st.integers(0, 9))),
        VehicleType("bike", count=draw(st.integers(1, 3)), distance_cost=2.0),
    ]
    routing = routing_of(clients, vehicles, distance)
    return RouteColumns(routing, tuple(dict.fromkeys([*answer, *others])), tuple(answer))


@settings(deadline=None, max_examples=120)
@given(columns=offers())
def test_every_choice_of_columns(columns):
    """Feasible choices cost what the routing says, and all else lies above the best of them."""
    lowering = columns_to_qubo(columns)
    model, routing = lowering.model, columns.routing
    n = model.num_variables
    bits = (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.int8)
    kept = model.group_violations(bits) == 0
    whole, bare = model.penalised().energies(bits), model.energies(bits)
    found: dict[bytes, float] = {}
    judged = [routing.evaluate(lowering.decode(x)) for x in bits]
    best = min(cost for cost, broken in judged if not broken)
    for x, (cost, broken), high, low, fits in zip(bits, judged, whole, bare, kept, strict=True):
        key = x[: len(columns.routes)].tobytes()
        if broken:
            assert high > best
            assert not fits or low > best
        else:
            assert fits
            assert high == pytest.approx(low)
            assert high >= best - 1e-9
            found[key] = min(high, found.get(key, np.inf))
            assert high > best or cost == pytest.approx(best)
    for key, energy in found.items():
        chosen = [columns.routes[r] for r in np.flatnonzero(np.frombuffer(key, dtype=np.int8))]
        assert energy == pytest.approx(routing.evaluate(chosen)[0])


def test_weights_are_tight_where_prices_decide():
    """Two clients with a route each: leaving one out saves exactly its route."""
    distance = np.array([[0.0, 5, 2], [5, 0, 9], [2, 9, 0]])
    routing = routing_of([Client("a"), Client("b")], [VehicleType(count=2)], distance)
    routes = (Route(0, (0,)), Route(0, (1,)))
    columns = RouteColumns(routing, routes, routes)
    assert proven_weights(columns).tolist() == [11.0, 5.0]
    assert columns_to_qubo(columns, weight=7.5).model.penalised().energy([0, 1]) == 4 + 7.5
    assert "not proven" in columns_to_qubo(columns, weight=7.5).notes[0]
    with pytest.raises(UsageError, match="weight must be above 0"):
        columns_to_qubo(columns, weight=0.0)


def test_vehicles_that_could_run_out_are_counted():
    routing = routing_of(
        [Client(c) for c in "abc"], [VehicleType(count=2)], np.ones((4, 4)) - np.eye(4)
    )
    alone = tuple(Route(0, (c,)) for c in range(3))
    pair = Route(0, (0, 1))
    assert routes_in_use(routing, [*alone, pair], 0) == (2, 3)
    columns = RouteColumns(routing, (*alone, pair), (pair, alone[2]))
    model = columns_to_qubo(columns).model
    assert model.num_variables == 4  # the two that are needed leave none to spare
    assert len(columns.fleets) == 1
    assert model.penalised().energy([1, 1, 1, 0]) > model.penalised().energy([0, 0, 1, 1])
    enough = routing_of(routing.clients, [VehicleType(count=3)], routing.distance)
    assert RouteColumns(enough, (*alone, pair), alone).fleets == ()


def test_a_client_that_is_a_group_is_no_penalty_besides():
    routing = routing_of(
        [Client(c) for c in "abc"], [VehicleType(count=3)], np.ones((4, 4)) - np.eye(4)
    )
    routes = tuple(Route(0, stops) for stops in [(0,), (1,), (1, 2), (2,), (2, 0)])
    columns = RouteColumns(routing, routes, (routes[0], routes[1], routes[3]))
    model = columns_to_qubo(columns).model
    assert [group.members for group in model.groups] == [(0, 4), (1, 2)]
    assert model.names[2] == "route_b_c"


@pytest.mark.parametrize(
    ("stops", "said"),
    [
        ((), "no clients"),
        ((0, 0), "a client twice"),
        ((5,), "a client that does not exist"),
        ((0, 1), "one of the two clients of a shipment alone"),
        ((0, 1, 2), "load 9 over capacity 8"),
    ],
)
def test_a_column_that_is_no_route_is_refused(stops, said):
    clients = [Client("a", demand=4), Client("b", demand=5), Client("c")]
    routing = routing_of(
        clients, [VehicleType(capacity=8)], np.ones((4, 4)), shipments=(Shipment(1, 2),)
    )
    with pytest.raises(InputError, match=said):
        RouteColumns(routing, (Route(0, stops),), ())


def test_an_answer_that_serves_too_few_is_refused():
    routing = routing_of([Client("a"), Client("b")], [VehicleType()], np.ones((3, 3)))
    with pytest.raises(InputError, match="infeasible: client b is not visited"):
        RouteColumns(routing, (Route(0, (0,)),), (Route(0, (0,)),))
    with pytest.raises(InputError, match="not offered"):
        RouteColumns(routing, (Route(0, (0,)),), (Route(0, (0, 1)),))
