"""The cheapest route of every set of clients that fits a vehicle, by dynamic programming."""

from dataclasses import dataclass, field
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from qopt.forms import Route, Routing
from qopt.forms.program import tolerance

MOST_CLIENTS = 62
"""Clients whose set fits the bits of an integer."""

MOST_ROUTES = 60_000
"""Sets of clients up to which CP-SAT chooses among their routes: models are built in a second."""


@dataclass(frozen=True)
class CheapestRoutes:
    """Sets of clients with the cost of their cheapest route, for one vehicle type.

    By Held and Karp's recursion over sets and last clients (Journal of SIAM 10, 1962), restricted
    to the sets that keep the capacity.

    Parameters
    ----------
    kind : int
        Index of the vehicle type.
    sets : ndarray of int64, shape (m,)
        Clients as bits.
    costs : ndarray of float64, shape (m,)
        Fixed, distance and duration costs.
    """

    kind: int
    sets: NDArray[np.int64]
    costs: NDArray[np.float64]
    arcs: NDArray[np.float64] = field(repr=False)
    """Cost from row to column: row 0 from the start, column 0 to the end, others the clients."""
    _layers: dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]] = field(repr=False)
    """By size, the sets in order and the least costs of paths by their last client."""

    def route(self, index: int) -> Route:
        """The cheapest route of a set."""
        left = int(self.sets[index])
        after, clients = 0, []
        while left:
            sets, paths = self._layers[left.bit_count()]
            row = paths[np.searchsorted(sets, left)]
            client = int(np.argmin(row + self.arcs[1:, after]))
            clients.append(client)
            left, after = left & ~(1 << client), client + 1
        return Route(self.kind, tuple(reversed(clients)))


def costs_are_sums_of_arcs(routing: Routing) -> bool:
    """Whether a route's cost is a sum over its arcs, and its capacity its only limit."""
    return not (routing.has_time_windows or routing.has_pickups) and not any(
        isfinite(v.max_distance) for v in routing.vehicles
    )


def cheapest_routes(routing: Routing, most: int) -> list[CheapestRoutes] | None:
    """The cheapest routes of all sets for each vehicle type; None beyond `most` sets in all.

    Parameters
    ----------
    routing : Routing
        One for which `costs_are_sums_of_arcs` holds.
    most : int
    """
    if len(routing.clients) > MOST_CLIENTS:
        return None
    found = []
    for kind in range(len(routing.vehicles)):
        routes = _of_type(routing, kind, most)
        if routes is None:
            return None
        found.append(routes)
        most -= len(routes.sets)
    return found


def _arcs(routing: Routing, kind: int) -> NDArray[np.float64]:
    vehicle, first = routing.vehicles[kind], len(routing.depots)
    tails = [vehicle.start, *range(first, routing.num_locations)]
    heads = [0 if vehicle.end is None else vehicle.end, *tails[1:]]
    length = routing.distance[np.ix_(tails, heads)].copy()
    time = routing.duration[np.ix_(tails, heads)].copy()
    if vehicle.end is None:
        length[:, 0] = time[:, 0] = 0.0
    time[1:] += np.array([client.service for client in routing.clients])[:, None]
    arcs: NDArray[np.float64] = vehicle.distance_cost * length + vehicle.duration_cost * time
    arcs[0] += vehicle.fixed_cost
    return arcs


def _of_type(routing: Routing, kind: int, most: int) -> CheapestRoutes | None:
    arcs, n = _arcs(routing, kind), len(routing.clients)
    demand = np.array([client.demand for client in routing.clients])
    capacity = routing.vehicles[kind].capacity
    room = capacity + tolerance(capacity)
    fit = np.flatnonzero(demand <= room)
    sets = (np.int64(1) << fit.astype(np.int64)).astype(np.int64)
    paths = np.full((len(fit), n), np.inf)
    paths[np.arange(len(fit)), fit] = arcs[0, 1 + fit]
    loads, layers, total = demand[fit], {}, 0
    size = 1
    while len(sets):
        total += len(sets)
        if total > most:
            return None
        layers[size] = (sets, paths)
        sets, paths, loads = _longer(sets, paths, loads, arcs, demand, room)
        size += 1
    if not layers:
        nothing = np.empty(0)
        return CheapestRoutes(kind, nothing.astype(np.int64), nothing, arcs, layers)
    costs = [(paths + arcs[1:, 0]).min(axis=1) for _, paths in layers.values()]
    every = [sets for sets, _ in layers.values()]
    return CheapestRoutes(kind, np.concatenate(every), np.concatenate(costs), arcs, layers)


def _longer(
    sets: NDArray[np.int64], paths: NDArray[np.float64], loads: NDArray[np.float64],
    arcs: NDArray[np.float64], demand: NDArray[np.float64], room: float,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """The sets of one client more that keep the capacity, with their paths and loads."""
    made, lasts, costs, sums = [], [], [], []
    for client in range(len(demand)):
        bit = np.int64(1) << np.int64(client)
        free = np.flatnonzero(((sets & bit) == 0) & (loads + demand[client] <= room))
        made.append(sets[free] | bit)
        lasts.append(np.full(len(free), client))
        costs.append((paths[free] + arcs[1:, 1 + client]).min(axis=1, initial=np.inf))
        sums.append(loads[free] + demand[client])
    longer, first, where = np.unique(
        np.concatenate(made), return_index=True, return_inverse=True
    )
    grown = np.full((len(longer), len(demand)), np.inf)
    grown[where, np.concatenate(lasts)] = np.concatenate(costs)
    return longer, grown, np.concatenate(sums)[first]
