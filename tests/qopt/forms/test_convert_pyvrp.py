"""PyVRP's own feasibility and cost of routes against the routing's evaluation."""

from dataclasses import replace
from itertools import permutations
from math import pi

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import routings

from qopt.errors import InputError, UnsupportedError
from qopt.forms import Client, Depot, Route, Routing, Shipment, VehicleType
from qopt.forms.convert_pyvrp import routing_to_pyvrp


def routing(*clients, vehicle=None, depot=None, step=10.0, **more) -> Routing:
    """Places on a line, a step apart; the depot is at its beginning."""
    place = step * np.arange(len(clients) + 1)
    matrix = np.abs(place[:, None] - place[None])
    return Routing(
        (depot or Depot("d"),), clients, (vehicle or VehicleType(count=2),), matrix, matrix, **more
    )


def judged(model, routes):
    """Whether PyVRP takes the routes, and their cost in the routing's units."""
    import pyvrp

    solution = model.solution(routes)
    evaluator = pyvrp.CostEvaluator([0.0] * model.data.num_load_dimensions, 0.0, 0.0)
    feasible = solution.is_feasible()
    return feasible, model.objective(evaluator.penalised_cost(solution))


def pairs_fit(routing, order):
    place = {c: i for i, c in enumerate(order)}
    ends = [(place.get(s.pickup), place.get(s.delivery)) for s in routing.shipments]
    return all(a == b or (None not in (a, b) and a < b) for a, b in ends)


@settings(deadline=None, max_examples=150)
@given(routings(mixed=False), st.data())
def test_pyvrp_judges_routes_as_the_routing_does(routing, data):
    ends = [(routing.clients[s.pickup], routing.clients[s.delivery]) for s in routing.shipments]
    if any(second.late < first.early for first, second in ends):
        with pytest.raises(UnsupportedError, match="cannot be delivered"):
            routing_to_pyvrp(routing)
        return
    model = routing_to_pyvrp(routing)
    assert model.exact
    size = data.draw(st.integers(0, len(routing.clients)))
    orders = [p for p in permutations(range(len(routing.clients)), size) if pairs_fit(routing, p)]
    order = data.draw(st.sampled_from(orders or [()]))
    routes = [Route(data.draw(st.integers(0, len(routing.vehicles) - 1)), order)] if order else []
    objective, broken = routing.evaluate(routes)
    feasible, cost = judged(model, routes)
    assert feasible == (not broken)
    if feasible:
        assert cost == pytest.approx(objective, abs=1e-6)
    assert model.routes(model.solution(routes)) == tuple(routes)


CLIENT = Client("c", 1.0)


def test_the_clock_is_that_of_the_routing():
    """Waiting is free before leaving, and paid for on the way only where windows force it."""
    vehicle = VehicleType(duration_cost=1.0, distance_cost=0.0)
    model = routing(
        Client("a", early=100.0, late=100.0, service=5.0), Client("b", early=130.0),
        vehicle=vehicle,
    )
    feasible, cost = judged(routing_to_pyvrp(model), [Route(0, (0, 1))])
    assert feasible
    assert cost == model.evaluate([Route(0, (0, 1))])[0] == 10 + 30 + 20


def test_leaving_by_closing_time_may_mean_to_wait():
    model = Routing(
        (Depot("a", late=10.0), Depot("b")), (Client("c", early=50.0),),
        (VehicleType(end=1, duration_cost=1.0, distance_cost=0.0),),
        np.full((3, 3), 7.0), np.full((3, 3), 7.0),
    )
    cost = model.evaluate([Route(0, (0,))])[0]
    assert judged(routing_to_pyvrp(model), [Route(0, (0,))]) == (True, cost)
    assert cost == 57.0 - 10.0


def test_open_routes_end_at_the_last_client():
    model = routing(CLIENT, replace(CLIENT, name="e"), vehicle=VehicleType(
        end=None, max_distance=20.0, max_duration=20.0, duration_cost=0.5
    ))
    assert judged(routing_to_pyvrp(model), [Route(0, (0, 1))]) == (True, 30.0)
    back = replace(model, vehicles=(replace(model.vehicles[0], end=0),))
    assert not judged(routing_to_pyvrp(back), [Route(0, (0, 1))])[0]


def test_ends_do_not_wait_for_a_depot_to_open():
    model = Routing(
        (Depot("a"), Depot("b", early=500.0)), (CLIENT,), (VehicleType(end=1, duration_cost=1.0),),
        np.full((3, 3), 7.0), np.full((3, 3), 7.0),
    )
    assert judged(routing_to_pyvrp(model), [Route(0, (0,))]) == (True, 28.0)


def test_negative_times_are_shifted():
    model = routing(
        Client("c", early=-20.0, late=-15.0), Client("e", early=3.0),
        vehicle=VehicleType(early=-30.0, late=40.0, duration_cost=1.0), depot=Depot("d", -40.0),
    )
    assert model.evaluate([Route(0, (0, 1))]) == (40.0 + 48.0, [])
    assert judged(routing_to_pyvrp(model), [Route(0, (0, 1))]) == (True, 88.0)


def test_costs_per_unit_keep_the_limits_in_distances():
    """A dear and a cheap vehicle share one matrix; each keeps its own longest route."""
    vehicles = (
        VehicleType("dear", distance_cost=2.5, max_distance=19.5, fixed_cost=0.75),
        VehicleType("cheap", distance_cost=0.3, max_distance=20.0),
    )
    model = replace(routing(CLIENT), vehicles=vehicles)
    converted = routing_to_pyvrp(model)
    assert judged(converted, [Route(0, (0,))])[0] is False
    assert judged(converted, [Route(1, (0,))]) == (True, pytest.approx(6.0))


def test_numbers_without_a_common_denominator_keep_limits_and_nearly_the_costs():
    model = routing(
        *(Client(f"c{i}", demand=pi, prize=pi * 9, required=False, late=40 * pi) for i in range(5)),
        vehicle=VehicleType(
            count=3, capacity=3.01 * pi, distance_cost=pi, duration_cost=1 / pi, fixed_cost=pi / 7,
            max_distance=31 * pi,
        ),
        step=pi,
    )
    converted = routing_to_pyvrp(model)
    assert not converted.exact
    seen = set()
    for routes in ([Route(0, order)] for order in permutations(range(5), 3)):
        objective, broken = model.evaluate(routes)
        feasible, cost = judged(converted, routes)
        seen.add(feasible)
        assert not (feasible and broken)
        assert cost == pytest.approx(objective, rel=1e-3)
    assert True in seen
    assert not judged(converted, [Route(0, (0, 1, 2, 3))])[0]  # four loads, room for three


def test_one_price_of_distance_costs_nothing_in_precision():
    """Where only distance is paid for, PyVRP's cost is its distance, whatever the price."""
    model = routing(CLIENT, vehicle=VehicleType(distance_cost=pi))
    converted = routing_to_pyvrp(model)
    assert converted.data.vehicle_type(0).unit_distance_cost == 1
    assert judged(converted, [Route(0, (0,))])[1] == pytest.approx(20 * pi, rel=1e-12)


def test_integer_instances_go_over_as_they_are():
    model = routing(*(Client(f"c{i}", float(i)) for i in range(4)), vehicle=VehicleType(4, 9, 5.0))
    model = replace(model, vehicles=(VehicleType("v", count=9, capacity=5.0),))
    converted = routing_to_pyvrp(model)
    assert (converted.exact, converted.cost_scale) == (True, 1.0)
    assert (converted.data.distance_matrix(0) == model.distance).all()
    vehicle = converted.data.vehicle_type(0)
    assert (vehicle.num_available, vehicle.capacity, vehicle.unit_distance_cost) == (4, [5], 1)
    assert [c.delivery for c in converted.data.clients()] == [[0], [1], [2], [3]]
    loose = replace(model, vehicles=(VehicleType(capacity=6.0),))
    assert routing_to_pyvrp(loose).data.num_load_dimensions == 0


def test_shipments_have_their_own_numbers():
    """PyVRP's clients are counted without those of shipments."""
    model = routing(
        *(Client(str(i)) for i in range(4)), shipments=(Shipment(2, 0, 1.0),),
        vehicle=VehicleType(capacity=1.0),
    )
    converted = routing_to_pyvrp(model)
    routes = (Route(0, (1, 2, 3, 0)),)
    assert converted.routes(converted.solution(routes)) == routes
    assert (converted.data.num_clients, converted.data.num_shipments) == (2, 1)


@pytest.mark.parametrize(
    ("routes", "message"),
    [
        ([Route(0, (7,))], "client 7"),
        ([Route(3, (0,))], "vehicle type 3"),
        ([Route(0, (0,)), Route(0, (0,))], "no solution"),
        ([Route(0, (1, 2))], "no solution"),
        ([Route(0, (0,)), Route(0, (3,)), Route(0, (2, 1))], "no solution"),
    ],
)
def test_routes_that_are_no_answer_are_refused(routes, message):
    model = routing(*(Client(str(i)) for i in range(4)), shipments=(Shipment(2, 1),))
    with pytest.raises(InputError, match=message):
        routing_to_pyvrp(model).solution(routes)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (routing(Client("c", prize=-1.0, required=False)), "client c has -1"),
        (routing(CLIENT, Client("e"), shipments=(Shipment(0, 1),)), "client c belongs"),
        (
            routing(Client("a", early=9.0), Client("b", late=8.0), shipments=(Shipment(0, 1),)),
            "client b closes at 8",
        ),
    ],
)
def test_what_pyvrp_cannot_express_is_refused(model, message):
    with pytest.raises(UnsupportedError, match=message):
        routing_to_pyvrp(model)
