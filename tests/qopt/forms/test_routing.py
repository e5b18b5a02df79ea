"""The routing checker: costs and violations against plain sums and brute force over departures."""

from dataclasses import replace
from itertools import pairwise
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.errors import InputError
from qopt.forms import Client, Depot, Route, Routing, Shipment, VehicleType

CLIENTS = (Client("a", demand=3), Client("b", demand=4), Client("c", demand=5))
HOME = (Depot("home"),)
VANS = (VehicleType(count=2, capacity=8),)


def make(clients=CLIENTS, depots=HOME, vehicles=VANS, **more) -> Routing:
    size = len(clients) + len(depots)
    # Not symmetric, so that the direction matters.
    distance = np.array([[10.0 * i + j if i != j else 0.0 for j in range(size)]
                         for i in range(size)])
    settings = {"distance": distance, "duration": distance / 10, **more}
    return Routing(depots=depots, clients=clients, vehicles=vehicles, **settings)


def test_cost_and_path() -> None:
    routing = make()
    assert routing.path(Route(0, (1, 0))) == [0, 2, 1, 0]
    cost, broken = routing.evaluate([Route(0, (1, 0)), Route(0, (2,)), Route(0, ())])
    assert cost == (2 + 21 + 10) + (3 + 30)
    assert broken == []


def test_every_kind_of_cost() -> None:
    vehicle = VehicleType(
        count=1, end=None, fixed_cost=100, distance_cost=2, duration_cost=3
    )
    clients = (Client("a", service=5), Client("b", prize=7, required=False))
    routing = make(clients=clients, vehicles=(vehicle,))
    assert routing.path(Route(0, (0,))) == [0, 1]
    cost, broken = routing.evaluate([Route(0, (0,))])
    assert cost == pytest.approx(100 + 2 * 1 + 3 * (0.1 + 5) + 7)
    assert broken == []
    cost, broken = routing.evaluate([Route(0, (0, 1))])
    assert cost == pytest.approx(100 + 2 * (1 + 12) + 3 * (0.1 + 5 + 1.2))


def test_two_depots() -> None:
    routing = make(
        depots=(Depot("north"), Depot("south")), vehicles=(VehicleType(start=1, end=0),)
    )
    assert routing.path(Route(0, (0,))) == [1, 2, 0]
    assert routing.location(2) == 4


def test_every_fault_is_told() -> None:
    routing = make(vehicles=(VehicleType(name="van", count=1, capacity=8, max_distance=40),))
    cost, broken = routing.evaluate([Route(0, (0, 1, 2)), Route(0, (1,))])
    texts = dict(broken)
    assert texts == {
        "route 1: load 12 over capacity 8": 4,
        "route 1: distance 66 over the limit 40": 26,
        "client b is visited 2 times": 1,
        "2 routes for 1 of van": 1,
    }
    assert cost == 66 + 22
    _, broken = routing.evaluate([Route(0, (0,))])
    assert broken == [("client b is not visited", 1.0), ("client c is not visited", 1.0)]
    _, broken = routing.evaluate([Route(3, (0, 1)), Route(0, (7,)), Route(0, (-1,))])
    assert [text for text, _ in broken[:3]] == [
        "route 1: vehicle type 3 does not exist",
        "route 2: client 7 does not exist",
        "route 3: client -1 does not exist",
    ]


def test_late_arrivals_are_told_each() -> None:
    clients = (Client("a", late=0.5, service=3), Client("b", late=3))
    depots = (Depot("home", early=1, late=5),)
    routing = make(clients=clients, depots=depots, vehicles=(VehicleType(),))
    _, broken = routing.evaluate([Route(0, (0, 1))])
    # Leave at 1, reach a at 1.1, leave at 4.1, reach b at 5.3, be home at 7.3.
    assert [(text, pytest.approx(amount)) for text, amount in broken] == [
        ("route 1: client a: arrival 1.1 after its window 0.5", 0.6),
        ("route 1: client b: arrival 5.3 after its window 3", 2.3),
        ("route 1: depot home: return 7.3 after closing 5", 2.3),
    ]


def test_waiting_moves_before_the_departure() -> None:
    clients = (Client("a", early=50),)
    vehicle = VehicleType(duration_cost=1, distance_cost=0, max_duration=2)
    routing = make(clients=clients, vehicles=(vehicle,))
    assert routing.evaluate([Route(0, (0,))]) == (pytest.approx(1.1), [])


def test_a_vehicle_does_not_leave_after_its_depot_closes() -> None:
    clients = (Client("a", early=50),)
    depots = (Depot("home", late=10), Depot("away"))
    vehicle = VehicleType(end=1, duration_cost=1, distance_cost=0)
    routing = make(clients=clients, depots=depots, vehicles=(vehicle,))
    # Leaves at 10, waits for the window at 50, and drives on.
    assert routing.evaluate([Route(0, (0,))])[0] == pytest.approx(40 + routing.duration[2, 1])


def walk(routing: Routing, route: Route, departure: float) -> tuple[float, tuple[float, ...]]:
    """Duration and lateness at each stop when leaving at `departure`."""
    clock, late = departure, []
    stops = routing.path(route)
    for position, (a, b) in enumerate(pairwise(stops)):
        clock += float(routing.duration[a, b])
        if position < len(route.clients):
            client = routing.clients[route.clients[position]]
            late.append(max(0.0, clock - client.late))
            clock = max(clock, client.early) + client.service
        else:
            late.append(max(0.0, clock - routing.depots[b].late))
    return clock - departure, tuple(late)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_duration_is_the_least_over_all_departures(data) -> None:
    whole = st.integers(0, 12).map(float)
    n = data.draw(st.integers(1, 3))
    clients = []
    for k in range(n):
        early = data.draw(st.integers(0, 25))
        late = data.draw(st.sampled_from([early, early + 3, early + 10, inf]))
        clients.append(Client(f"c{k}", service=data.draw(whole) / 3 // 1, early=early, late=late))
    depots = (Depot("home", early=data.draw(st.integers(0, 5)),
                    late=data.draw(st.sampled_from([8.0, 20.0, 40.0, inf]))),)
    matrix = np.array(data.draw(st.lists(whole, min_size=(n + 1) ** 2, max_size=(n + 1) ** 2)))
    end = data.draw(st.sampled_from([0, None]))
    routing = make(
        clients=tuple(clients), depots=depots, duration=matrix.reshape(n + 1, n + 1),
        vehicles=(VehicleType(distance_cost=0, duration_cost=1, end=end),),
    )
    route = Route(0, tuple(range(n)))
    cost, broken = routing.evaluate([route])
    opening = depots[0].early
    _, least_late = walk(routing, route, opening)
    # All data are whole, so the best departure is too.
    last = min(depots[0].late, 80.0)
    departures = np.arange(opening, max(opening, last) + 1)
    durations = [
        duration
        for duration, late in (walk(routing, route, d) for d in departures)
        if late == least_late
    ]
    assert cost == min(durations)
    assert [amount for _, amount in broken] == [x for x in least_late if x > 0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"depots": ()}, "at least one depot"),
        ({"vehicles": ()}, "at least one vehicle"),
        ({"vehicles": (VehicleType(start=1),)}, "depot that does not exist"),
        ({"vehicles": (VehicleType(end=4),)}, "depot that does not exist"),
        ({"vehicles": (VehicleType(count=0),)}, "count of at least 1"),
        ({"clients": (Client("a", demand=-1),)}, "demand -1"),
        ({"clients": (Client("a", demand=float("nan")),)}, "demand nan"),
        ({"clients": (Client("a", early=5, late=4),)}, "time window 5 to 4"),
        ({"clients": (Client("a", early=float("nan")),)}, "time window nan"),
        ({"clients": (Client("a", service=-2),)}, "service -2"),
        ({"clients": (Client("a", prize=inf),)}, "prize inf"),
        ({"distance": np.zeros((3, 3))}, r"shape \(3, 3\), 4 locations need"),
        ({"duration": -np.ones((4, 4))}, "duration matrix has a negative"),
        ({"distance": np.full((4, 4), np.nan)}, "distance matrix has a negative, NaN"),
    ],
)
def test_bad_instances_are_refused(change, words: str) -> None:
    with pytest.raises(InputError, match=words):
        make(**change)


def test_an_optional_client_may_be_too_large() -> None:
    make(clients=(Client("a", demand=99, required=False),))


def test_what_counts_as_a_plain_tour() -> None:
    tour = make(vehicles=(VehicleType(),))
    assert tour.is_tsp
    assert not tour.has_time_windows
    vehicle = tour.vehicles[0]
    for other in (
        replace(vehicle, count=2), replace(vehicle, end=None), replace(vehicle, capacity=11),
        replace(vehicle, max_distance=5), replace(vehicle, duration_cost=1),
        replace(vehicle, max_duration=5),
    ):
        assert not make(vehicles=(other,)).is_tsp
    assert make(depots=(Depot("home", late=9),)).has_time_windows
    late = make(clients=(Client("a", late=9),), vehicles=(VehicleType(),))
    assert late.has_time_windows
    assert not late.is_tsp
    optional = make(clients=(Client("a", required=False),), vehicles=(VehicleType(),))
    assert not optional.is_tsp


def test_one_unit_over_a_large_capacity_is_over() -> None:
    clients = (Client("a", demand=1_000_000), Client("b", demand=2_000_001))
    routing = make(clients=clients, vehicles=(VehicleType(count=2, capacity=3_000_000),))
    _, broken = routing.evaluate([Route(0, (0, 1))])
    assert [amount for _, amount in broken] == [1.0]


@pytest.mark.parametrize("name", ["distance_cost", "duration_cost"])
@pytest.mark.parametrize("rate", [-1.0, inf, float("nan")])
def test_rates_below_nothing_are_refused(name: str, rate: float) -> None:
    with pytest.raises(InputError, match=f"{name} .* must be at least 0"):
        make(vehicles=(VehicleType(count=2, capacity=8, **{name: rate}),))


# -- pickups, shipments and shifts ---------------------------------------------------------------


def test_collected_load_stays_on_board() -> None:
    clients = (Client("a", demand=3), Client("b", pickup=4), Client("c", demand=2, pickup=1))
    routing = make(clients, vehicles=(VehicleType(capacity=5),))
    assert routing.peak_load(Route(0, (0, 1, 2))) == 6.0  # 5, then 2, 6, 5
    assert routing.peak_load(Route(0, (0, 2, 1))) == 5.0
    assert routing.evaluate([Route(0, (0, 2, 1))])[1] == []
    assert routing.evaluate([Route(0, (0, 1, 2))])[1] == [("route 1: load 6 over capacity 5", 1.0)]


@given(st.lists(st.tuples(*[st.integers(0, 5)] * 2), min_size=1, max_size=5), st.randoms())
@settings(deadline=None, max_examples=30)
def test_peak_load_is_the_largest_prefix(loads: list[tuple[int, int]], random) -> None:
    clients = tuple(Client(str(i), demand=d, pickup=p) for i, (d, p) in enumerate(loads))
    order = list(range(len(loads)))
    random.shuffle(order)
    routing = make(clients, vehicles=(VehicleType(),))
    aboard = [sum(d for d, _ in loads)]
    for c in order:
        aboard.append(aboard[-1] - loads[c][0] + loads[c][1])
    assert routing.peak_load(Route(0, tuple(order))) == max(aboard)


def test_a_shipment_is_collected_before_it_is_delivered_by_the_same_vehicle() -> None:
    clients = (Client("a"), Client("b"), Client("c"))
    routing = make(clients, vehicles=(VehicleType(count=2, capacity=6),),
                   shipments=(Shipment(2, 0, load=6.0),))
    assert routing.has_pickups
    assert routing.evaluate([Route(0, (2, 1, 0))])[1] == []
    for answer in ([Route(0, (0, 1, 2))], [Route(0, (0, 1)), Route(0, (2,))]):
        text, _ = routing.evaluate(answer)[1][0]
        assert text == "route 1: client a is not visited after client c, where its load is"
    heavy = replace(routing, clients=(Client("a"), Client("b", pickup=1), Client("c")))
    assert heavy.evaluate([Route(0, (2, 0, 1))])[1] == []
    assert heavy.evaluate([Route(0, (2, 1, 0))])[1] == [("route 1: load 7 over capacity 6", 1.0)]


def test_an_optional_shipment_is_done_whole_or_not_at_all() -> None:
    clients = tuple(Client(n, required=False, prize=5.0) for n in "abc")
    routing = make(clients, vehicles=(VehicleType(),), shipments=(Shipment(0, 1),))
    assert routing.evaluate([]) == (15.0, [])
    (first, _), = routing.evaluate([Route(0, (0, 2))])[1]
    assert first == (
        "client a is visited 1 times and client b, where its load goes, 0 times"
    )


@pytest.mark.parametrize(
    ("shipments", "fault"),
    [
        ((Shipment(0, 9),), "names client 9"),
        ((Shipment(0, 1), Shipment(1, 2)), "belongs to two"),
        ((Shipment(0, 1, load=-1.0),), "has load"),
        ((Shipment(0, 0),), "belongs to two"),
    ],
)
def test_wrong_shipments_are_refused(shipments: tuple[Shipment, ...], fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        make(shipments=shipments)


def test_a_shift_limits_departure_and_end() -> None:
    clients = (Client("a", early=0.0, late=50.0),)
    duration = np.array([[0.0, 4.0], [5.0, 0.0]])
    routing = make(clients, vehicles=(VehicleType(early=10.0, late=18.0, duration_cost=1.0),),
                   duration=duration)
    assert routing.has_time_windows
    cost, broken = routing.evaluate([Route(0, (0,))])
    assert broken == [("route 1: end of the route 19 after the shift 18", 1.0)]
    easy = replace(routing, vehicles=(VehicleType(early=10.0, late=19.0, duration_cost=1.0),))
    assert easy.evaluate([Route(0, (0,))]) == (cost, [])
    late = replace(routing, vehicles=(VehicleType(early=47.0),))
    assert late.evaluate([Route(0, (0,))])[1] == [
        ("route 1: client a: arrival 51 after its window 50", 1.0)
    ]
    with pytest.raises(InputError, match="shift 3 to 2"):
        make(vehicles=(VehicleType(capacity=9, early=3.0, late=2.0),))


def test_leaving_after_the_depot_has_closed_is_a_violation() -> None:
    routing = make(
        (Client("a"),), depots=(Depot("home", late=10.0), Depot("away")),
        vehicles=(VehicleType(early=12.0, end=1),),
    )
    assert routing.evaluate([Route(0, (0,))])[1] == [
        ("route 1: depot home: departure 12 after closing 10", 2.0)
    ]
    assert routing.windows == [(0.0, inf), (0.0, 10.0), (0.0, inf), (12.0, inf)]
