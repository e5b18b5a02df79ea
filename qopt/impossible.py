"""What simple arithmetic rules out in a routing: clients nobody can serve, loads that do not fit.

Whatever is said here is a proof: it holds for every route, detours through other locations
included.
"""

from collections.abc import Callable, Mapping, Sequence
from math import ceil, isfinite

import numpy as np
from numpy.typing import NDArray

from .forms import Routing, Shipment, VehicleType
from .forms.program import tolerance

TimeText = Callable[[float], str]
"""Writes a time for people."""


def plain(value: float) -> str:
    """A time as the number that it is."""
    return f"{value:g}"


def reasons(routing: Routing, time: TimeText = plain) -> list[str]:
    """What is in the way of every answer, a sentence each; nothing where arithmetic sees nothing.

    Parameters
    ----------
    routing : Routing
    time : callable
        Writes times and durations.
    """
    found = [
        f"client {routing.clients[c].name}: {reason}"
        for c, reason in impossible_clients(routing, time=time).items()
    ]
    required = [client for client in routing.clients if client.required]
    for word, amount in (
        ("demand", sum(c.demand for c in required)), ("send", sum(c.pickup for c in required)),
    ):
        if _above(amount, fleet_capacity(routing)):
            found.append(f"the clients {word} {amount:g} in all, {_carried(routing, amount)}")
    return found


def _carried(routing: Routing, load: float) -> str:
    """What the fleet carries, and how many vehicles the load needs where they are all alike."""
    room, vehicle = fleet_capacity(routing), routing.vehicles[0]
    count = sum(v.count for v in routing.vehicles)
    some = "1 vehicle" if count == 1 else f"{count} vehicles"
    verb = "carries" if count == 1 else "carry"
    if len(routing.vehicles) > 1 or not vehicle.capacity > 0:
        return f"{some} {verb} {room:g}"
    least = ceil(load / vehicle.capacity - 1e-9)
    return (
        f"{some} of capacity {vehicle.capacity:g} {verb} {room:g}; at least {least} vehicles are "
        "needed"
    )


def shortest_ways(matrix: NDArray[np.float64], source: int) -> NDArray[np.float64]:
    """Shortest ways from one location to all, through any others (Dijkstra, 1959).

    Parameters
    ----------
    matrix : ndarray of float64, shape (n, n)
        At least 0.
    source : int
    """
    way: NDArray[np.float64] = matrix[source].astype(np.float64)
    way[source] = 0.0
    left = np.ones(len(matrix), dtype=bool)
    for _ in range(len(matrix)):
        nearest = int(np.where(left, way, np.inf).argmin())
        left[nearest] = False
        way = np.minimum(way, way[nearest] + matrix[nearest])
    return way


def impossible_clients(
    routing: Routing, among: Sequence[int] | None = None, *, time: TimeText = plain
) -> dict[int, str]:
    """Clients that no vehicle can serve on any route, each with the reason in words.

    Parameters
    ----------
    routing : Routing
    among : sequence of int, optional
        Clients to look at; all required ones if left out.
    time : callable
        Writes times and durations.
    """
    if among is None:
        among = [c for c, client in enumerate(routing.clients) if client.required]
    found: dict[int, str] = {}
    for ways in (_direct_ways, shortest_ways):  # detours matter only where the direct way fails
        found = _unserved(routing, among, ways, time)
        if not found:
            break
    return found


Ways = Callable[[NDArray[np.float64], int], NDArray[np.float64]]
"""The ways from one location to all others in a matrix."""


def _direct_ways(matrix: NDArray[np.float64], source: int) -> NDArray[np.float64]:
    direct: NDArray[np.float64] = matrix[source]
    return direct


def _unserved(
    routing: Routing, among: Sequence[int], ways: Ways, time: TimeText
) -> dict[int, str]:
    """Clients that no vehicle can serve on the given ways, each with the reason in words."""
    there = {
        d: (ways(routing.distance, d), ways(routing.duration, d))
        for d in {v.start for v in routing.vehicles}
    }
    back = {
        d: (ways(routing.distance.T, d), ways(routing.duration.T, d))
        for d in {v.end for v in routing.vehicles if v.end is not None}
    }
    largest_first = sorted(routing.vehicles, key=lambda v: -v.capacity)
    found = {}
    for c in among:
        place, faults = routing.location(c), []
        for vehicle in largest_first:
            out = tuple(float(way[place]) for way in there[vehicle.start])
            home = (0.0, 0.0)
            if vehicle.end is not None:
                home = (float(back[vehicle.end][0][place]), float(back[vehicle.end][1][place]))
            faults.append(_fault(routing, c, vehicle, (out[0], out[1]), home, time))
            if not faults[-1]:
                break
        else:
            found[c] = faults[0]
    for shipment in routing.shipments:
        fault = _shipment_fault(routing, shipment, {d: way for d, (_, way) in there.items()}, time)
        for c, other in (
            (shipment.pickup, shipment.delivery), (shipment.delivery, shipment.pickup)
        ):
            if c in among and fault:
                found.setdefault(c, fault)
            elif c in among and other in found:
                found.setdefault(c, f"client {routing.clients[other].name} of its shipment cannot")
    return found


def _shipment_fault(
    routing: Routing, shipment: Shipment, there: Mapping[int, NDArray[np.float64]], time: TimeText
) -> str:
    """Why a shipment cannot be carried, or delivered in time by the shortest way; or nothing."""
    largest = max(v.capacity for v in routing.vehicles)
    if _above(shipment.load, largest):
        return f"its load {shipment.load:g} is above the largest capacity {largest:g}"
    first, second = routing.clients[shipment.pickup], routing.clients[shipment.delivery]
    a, b = routing.location(shipment.pickup), routing.location(shipment.delivery)
    arrival = min(
        max(routing.depots[v.start].early, v.early) + float(there[v.start][a])
        for v in routing.vehicles
    )
    loaded = max(arrival, first.early) + first.service
    if not _above(loaded + float(routing.duration[a, b]), second.late):
        return ""
    delivered = loaded + float(shortest_ways(routing.duration, a)[b])
    if not _above(delivered, second.late):
        return ""
    return (
        f"the load from client {first.name} is at client {second.name} at {time(delivered)} at the "
        f"earliest, and its window closes at {time(second.late)}"
    )


def _fault(
    routing: Routing,
    c: int,
    vehicle: VehicleType,
    out: tuple[float, float],
    home: tuple[float, float],
    time: TimeText,
) -> str:
    """Why a vehicle cannot serve a client, by the distance and time there and home; or nothing."""
    client, depot = routing.clients[c], routing.depots[vehicle.start]
    load = max(client.demand, client.pickup)
    # The largest vehicle is looked at first, and its fault is the one that is told.
    if _above(load, vehicle.capacity):
        return f"its load {load:g} is above the largest capacity {vehicle.capacity:g}"
    if _above(out[0] + home[0], vehicle.max_distance):
        return (
            f"the shortest way there and back is {out[0] + home[0]:g}, the longest route "
            f"{vehicle.max_distance:g}"
        )
    spent = out[1] + client.service + home[1]
    if _above(spent, vehicle.max_duration):
        return f"its visit takes {time(spent)}, the longest route {time(vehicle.max_duration)}"
    arrival = max(depot.early, vehicle.early) + out[1]
    if _above(arrival, client.late):
        return (
            f"nobody is there before {time(arrival)}, and its window closes at {time(client.late)}"
        )
    end = max(arrival, client.early) + client.service + home[1]
    closing = vehicle.late
    if vehicle.end is not None:
        closing = min(closing, routing.depots[vehicle.end].late)
    if _above(end, closing):
        return (
            f"its route ends at {time(end)} at the earliest, and the vehicle must end by "
            f"{time(closing)}"
        )
    return ""


def _above(amount: float, limit: float) -> bool:
    return isfinite(limit) and amount > limit + tolerance(limit)


def fleet_capacity(routing: Routing) -> float:
    """What all vehicles together carry at once."""
    return float(sum(vehicle.count * vehicle.capacity for vehicle in routing.vehicles))


def fewest_left_out(routing: Routing) -> tuple[int, str]:
    """Required clients that must be left out at least, and why; 0 where arithmetic says nothing.

    Those that nobody can serve, and of the others as many as must go, the largest first, until
    the loads that are left fit all vehicles together.
    """
    impossible = impossible_clients(routing)
    reasons = []
    if impossible:
        reasons.append("no vehicle can serve them" if len(impossible) > 1
                       else "no vehicle can serve it")
    others = [
        client for c, client in enumerate(routing.clients)
        if client.required and c not in impossible
    ]
    most = 0
    for loads in ([c.demand for c in others], [c.pickup for c in others]):
        room, left, count = fleet_capacity(routing), float(sum(loads)), 0
        for load in sorted(loads, reverse=True):
            if not _above(left, room):
                break
            left -= load
            count += 1
        most = max(most, count)
    if most:
        reasons.append("the loads exceed what all vehicles carry")
    return len(impossible) + most, " and ".join(reasons)


def fewest_more_vehicles(routing: Routing, kind: int) -> int:
    """Vehicles of a kind that the loads need at least beside those that there are."""
    required = [client for client in routing.clients if client.required]
    load = max(sum(c.demand for c in required), sum(c.pickup for c in required))
    over = load - fleet_capacity(routing)
    capacity = routing.vehicles[kind].capacity
    if not (over > tolerance(load) and capacity > 0):
        return 0
    return max(1, ceil(over / capacity - 1e-9))
