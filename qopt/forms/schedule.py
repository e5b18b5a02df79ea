"""What happens along a route: when each stop is reached, served and left, and with what load."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .routing import Route, Routing


@dataclass(frozen=True)
class Schedule:
    """One route walked from its first location to its last.

    All tuples have an entry a location: the start depot, the clients, and the end depot unless the
    route is open.

    Parameters
    ----------
    locations : tuple of int
        Rows of the matrices.
    distances : tuple of float
        Driven up to there.
    arrivals, starts, departures : tuple of float
        Arrival, start of service after any waiting, and its end.
    loads : tuple of float
        On board when leaving.
    cost : float
        Fixed, distance and duration cost of the route.
    """

    locations: tuple[int, ...]
    distances: tuple[float, ...]
    arrivals: tuple[float, ...]
    starts: tuple[float, ...]
    departures: tuple[float, ...]
    loads: tuple[float, ...]
    cost: float

    @property
    def waits(self) -> tuple[float, ...]:
        """Waiting before the start of service."""
        return tuple(s - a for s, a in zip(self.starts, self.arrivals, strict=True))

    @property
    def distance(self) -> float:
        """Length of the route."""
        return self.distances[-1]

    @property
    def duration(self) -> float:
        """Time from leaving to the end: driving, waiting and service."""
        return self.departures[-1] - self.departures[0]

    @property
    def peak_load(self) -> float:
        """The largest load on board at any point."""
        return max(self.loads)


def walk(routing: "Routing", route: "Route") -> Schedule:
    """Walk a route in time, leaving as late as that neither delays its end nor breaks a window."""
    vehicle, stops = routing.vehicles[route.vehicle], routing.path(route)
    steps = [float(routing.distance[a, b]) for a, b in pairwise(stops)]
    clock = latest_departure(routing, route, stops)
    arrivals, starts, departures = [clock], [clock], [clock]
    for position, (a, b) in enumerate(pairwise(stops)):
        clock += float(routing.duration[a, b])
        arrivals.append(clock)
        if position < len(route.clients):
            client = routing.clients[route.clients[position]]
            clock = max(clock, client.early)
            starts.append(clock)
            clock += client.service
        else:
            starts.append(clock)
        departures.append(clock)
    loads = _loads(routing, route, len(stops))
    distances = tuple(accumulate(steps, initial=0.0))
    cost = vehicle.fixed_cost + vehicle.distance_cost * distances[-1]
    cost += vehicle.duration_cost * (departures[-1] - departures[0])
    return Schedule(
        tuple(stops), distances, tuple(arrivals), tuple(starts), tuple(departures), loads, cost
    )


def _loads(routing: "Routing", route: "Route", size: int) -> tuple[float, ...]:
    """The load on board after each of `size` stops: what is delivered is loaded at the start."""
    first = float(sum(routing.clients[c].demand for c in route.clients))
    loads = list(accumulate((routing.load_changes[c] for c in route.clients), initial=first))
    return tuple(loads + loads[-1:] * (size - len(loads)))


def latest_departure(routing: "Routing", route: "Route", stops: Sequence[int]) -> float:
    """The latest departure that neither delays the end of the route nor adds a violation.

    It lies within the depot's opening hours and the vehicle's shift. Leaving at opening time
    gives the earliest finish; waiting on the way is then moved before the departure as far as
    every window on the way allows.
    """
    depot, vehicle = routing.depots[stops[0]], routing.vehicles[route.vehicle]
    opening = max(depot.early, vehicle.early)
    clock, shift, waited = opening, max(0.0, depot.late - opening), 0.0
    for position, (a, b) in enumerate(pairwise(stops)):
        clock += float(routing.duration[a, b])
        if position < len(route.clients):
            client = routing.clients[route.clients[position]]
            waited += max(0.0, client.early - clock)
            # A departure later by d is felt here as d less the waiting up to here.
            shift = min(shift, max(0.0, client.late - max(clock, client.early)) + waited)
            clock = max(clock, client.early) + client.service
        else:
            shift = min(shift, max(0.0, routing.depots[b].late - clock) + waited)
    shift = min(shift, max(0.0, vehicle.late - clock) + waited)
    return opening + min(shift, waited)
