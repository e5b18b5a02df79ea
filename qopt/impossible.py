"""What simple arithmetic rules out in a routing: clients nobody can serve, loads that do not fit.

Whatever is said here is a proof: it holds for every route, detours through other locations
included.
"""

from collections.abc import Mapping, Sequence
from math import ceil, isfinite

import numpy as np
from numpy.typing import NDArray

from .forms import Routing, Shipment, VehicleType
from .forms.program import tolerance


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


def impossible_clients(routing: Routing, among: Sequence[int] | None = None) -> dict[int, str]:
    """Clients that no vehicle can serve on any route, each with the reason in words.

    Parameters
    ----------
    routing : Routing
    among : sequence of int, optional
        Clients to look at; all required ones if left out.
    """
    if among is None:
        among = [c for c, client in enumerate(routing.clients) if client.required]
    ends = {v.start for v in routing.vehicles}
    returns = {v.end for v in routing.vehicles if v.end is not None}
    there = {
        d: (shortest_ways(routing.distance, d), shortest_ways(routing.duration, d)) for d in ends
    }
    back = {
        d: (shortest_ways(routing.distance.T, d), shortest_ways(routing.duration.T, d))
        for d in returns
    }
    found = {}
    for c in among:
        place, faults = routing.location(c), []
        for vehicle in routing.vehicles:
            out = tuple(float(way[place]) for way in there[vehicle.start])
            home = (0.0, 0.0)
            if vehicle.end is not None:
                home = (float(back[vehicle.end][0][place]), float(back[vehicle.end][1][place]))
            faults.append(_fault(routing, c, vehicle, (out[0], out[1]), home))
        if all(faults):
            found[c] = faults[0]
    for shipment in routing.shipments:
        fault = _shipment_fault(routing, shipment, {d: way for d, (_, way) in there.items()})
        for c, other in (
            (shipment.pickup, shipment.delivery), (shipment.delivery, shipment.pickup)
        ):
            if c in among and fault:
                found.setdefault(c, fault)
            elif c in among and other in found:
                found.setdefault(c, f"client {routing.clients[other].name} of its shipment cannot")
    return found


def _shipment_fault(
    routing: Routing, shipment: Shipment, there: Mapping[int, NDArray[np.float64]]
) -> str:
    """Why a shipment cannot be delivered in time, by the shortest way from its pickup; or not."""
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
        f"the load from client {first.name} is at client {second.name} at {delivered:g} at the "
        f"earliest, and its window closes at {second.late:g}"
    )


def _fault(
    routing: Routing,
    c: int,
    vehicle: VehicleType,
    out: tuple[float, float],
    home: tuple[float, float],
) -> str:
    """Why a vehicle cannot serve a client, by the distance and time there and home; or nothing."""
    client, depot = routing.clients[c], routing.depots[vehicle.start]
    load = max(client.demand, client.pickup)
    if _above(load, vehicle.capacity):
        return f"its load {load:g} is above the capacity {vehicle.capacity:g}"
    if _above(out[0] + home[0], vehicle.max_distance):
        return (
            f"the shortest way there and back is {out[0] + home[0]:g}, the longest route "
            f"{vehicle.max_distance:g}"
        )
    spent = out[1] + client.service + home[1]
    if _above(spent, vehicle.max_duration):
        return f"its visit takes {spent:g}, the longest route {vehicle.max_duration:g}"
    arrival = max(depot.early, vehicle.early) + out[1]
    if _above(arrival, client.late):
        return f"nobody is there before {arrival:g}, and its window closes at {client.late:g}"
    end = max(arrival, client.early) + client.service + home[1]
    closing = vehicle.late
    if vehicle.end is not None:
        closing = min(closing, routing.depots[vehicle.end].late)
    if _above(end, closing):
        return f"its route ends at {end:g} at the earliest, and the vehicle must end by {closing:g}"
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
