"""The walk along a route against figures worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.errors import InputError
from qopt.forms import Client, Depot, Route, Routing, Shipment, VehicleType

HOME = (Depot("home"),)
VAN = (VehicleType(),)


def line(clients, vehicles=VAN, depots=HOME, **more) -> Routing:
    """Locations on a line, ten apart, driven at speed two."""
    places = 10.0 * np.arange(len(depots) + len(clients))
    distance = np.abs(places[:, None] - places[None, :])
    return Routing(depots=depots, clients=tuple(clients), vehicles=vehicles, distance=distance,
                   duration=distance / 2, **more)


def test_every_figure_of_a_route_with_waiting_and_loads() -> None:
    clients = (
        Client("a", demand=3, service=1, early=20, late=25),
        Client("b", pickup=4, service=2, early=50),
        Client("c", demand=1),
    )
    vehicle = VehicleType(fixed_cost=7, distance_cost=2, duration_cost=3)
    schedule = line(clients, (vehicle,)).walk(Route(0, (0, 1, 2)))
    assert schedule.locations == (0, 1, 2, 3, 0)
    assert schedule.distances == (0, 10, 20, 30, 60)
    # Leaving at 20 reaches the first client as it closes; the rest is waited for at the second.
    assert schedule.arrivals == (20, 25, 31, 57, 72)
    assert schedule.starts == (20, 25, 50, 57, 72)
    assert schedule.departures == (20, 26, 52, 57, 72)
    assert schedule.waits == (0, 0, 19, 0, 0)
    assert schedule.loads == (4, 1, 5, 4, 4)
    assert (schedule.distance, schedule.duration, schedule.peak_load) == (60, 52, 5)
    assert schedule.cost == 7 + 2 * 60 + 3 * 52


def test_an_open_route_ends_with_the_service_of_its_last_client() -> None:
    schedule = line((Client("a", service=4),), (VehicleType(end=None),)).walk(Route(0, (0,)))
    assert schedule.locations == (0, 1)
    assert (schedule.distance, schedule.duration) == (10, 9)
    assert schedule.loads == (0, 0)


def test_a_shipment_is_on_board_between_its_two_ends() -> None:
    routing = line((Client("a"), Client("b"), Client("c")), shipments=(Shipment(0, 2, load=5),))
    assert routing.walk(Route(0, (0, 1, 2))).loads == (0, 5, 5, 0, 0)


@given(st.permutations(range(4)), st.integers(0, 4))
@settings(deadline=None, max_examples=25)
def test_the_judge_and_the_walk_agree(order, size) -> None:
    clients = tuple(Client(str(i), demand=i, service=1, early=9 * i) for i in range(4))
    routing = line(clients, (VehicleType(count=2, duration_cost=1.5),))
    routes = [Route(0, tuple(part)) for part in (order[:size], order[size:]) if part]
    cost, broken = routing.evaluate(routes)
    assert cost == pytest.approx(sum(routing.walk(route).cost for route in routes))
    assert broken == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"depots": (Depot("home", early=5, late=4),)}, "depot home opens at 5 and closes at 4"),
        ({"vehicles": (VehicleType(max_distance=-1),)}, "max_distance -1; it must be at least 0"),
    ],
)
def test_hours_and_limits_that_make_no_sense_are_refused(changes, message) -> None:
    with pytest.raises(InputError, match=message):
        line((Client("a"),), **changes)
