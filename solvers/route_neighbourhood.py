"""A part of a routing: some neighbouring routes of an answer, as a routing of its own."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from qopt.forms import Route, Routing, Shipment

Routes = tuple[Route, ...]

MOST_UNSERVED = 50
"""Clients whom nobody serves that are looked at beside those of the routes."""


@dataclass(frozen=True, eq=False)
class Part:
    """Clients and vehicles of a routing as a routing of their own.

    Parameters
    ----------
    routing : Routing
        With the chosen clients, in the order of `clients`, and the vehicles of `kinds`.
    clients : tuple of int
        The whole routing's index of each of the part's clients.
    kinds : tuple of int
        The whole routing's index of each of the part's vehicle types.
    """

    routing: Routing
    clients: tuple[int, ...] = field(repr=False)
    kinds: tuple[int, ...]

    @classmethod
    def of(cls, routing: Routing, answer: Routes, chosen: Sequence[int]) -> "Part":
        """The clients of some routes of an answer, and near them those that nobody serves.

        The part's vehicles are those of the chosen routes and all that stand idle.

        Parameters
        ----------
        routing : Routing
        answer : tuple of Route
            Feasible, each route with clients.
        chosen : sequence of int
            Indices of routes of the answer.
        """
        inside = [c for r in chosen for c in answer[r].clients]
        clients = sorted({*inside, *_unserved_near(routing, answer, inside)})
        used = Counter(route.vehicle for route in answer)
        taken = Counter(answer[r].vehicle for r in chosen)
        free = {
            kind: taken[kind] + vehicle.count - used[kind]
            for kind, vehicle in enumerate(routing.vehicles)
        }
        kinds = tuple(kind for kind, count in free.items() if count)
        depots = len(routing.depots)
        places = np.array([*range(depots), *(depots + c for c in clients)])
        square = np.ix_(places, places)
        index = {c: i for i, c in enumerate(clients)}
        part = Routing(
            depots=routing.depots,
            clients=tuple(routing.clients[c] for c in clients),
            vehicles=tuple(replace(routing.vehicles[k], count=free[k]) for k in kinds),
            distance=routing.distance[square],
            duration=routing.duration[square],
            shipments=tuple(
                Shipment(index[s.pickup], index[s.delivery], s.load)
                for s in routing.shipments if s.pickup in index
            ),
        )
        return cls(part, tuple(clients), kinds)

    def inner(self, routes: Iterable[Route]) -> Routes:
        """Routes of the whole routing in terms of the part."""
        client = {c: i for i, c in enumerate(self.clients)}
        return tuple(
            Route(self.kinds.index(route.vehicle), tuple(client[c] for c in route.clients))
            for route in routes
        )

    def outer(self, routes: Iterable[Route]) -> Routes:
        """Routes of the part in terms of the whole routing."""
        return tuple(
            Route(self.kinds[route.vehicle], tuple(self.clients[c] for c in route.clients))
            for route in routes
        )


def _unserved_near(routing: Routing, answer: Routes, inside: Sequence[int]) -> set[int]:
    """Clients that nobody serves, the nearest ones, with both ends of their shipments."""
    served = {c for route in answer for c in route.clients}
    left = [c for c in range(len(routing.clients)) if c not in served]
    if len(left) > MOST_UNSERVED:
        here, there = ([routing.location(c) for c in group] for group in (inside, left))
        apart = routing.distance[np.ix_(here, there)].min(axis=0)
        left = [left[i] for i in np.argsort(apart, kind="stable")[:MOST_UNSERVED]]
    near = set(left)
    pairs = [{s.pickup, s.delivery} for s in routing.shipments]
    return near.union(*(pair for pair in pairs if pair & near))


def neighbouring_routes(
    distance: NDArray[np.float64], answer: Routes, size: int, rng: np.random.Generator
) -> list[int]:
    """A random route and those nearest to it.

    The distance of a route is the mean, over the clients of the first one, of the distance to its
    nearest client.

    Parameters
    ----------
    distance : ndarray of float64, shape (clients, clients)
    answer : tuple of Route
        Each route with clients.
    size : int
        Routes to choose; all where there are no more.
    rng : numpy.random.Generator

    Returns
    -------
    list of int
        Indices of routes, in ascending order.
    """
    first = int(rng.integers(len(answer)))
    rows = distance[list(answer[first].clients)]
    apart = [rows[:, list(route.clients)].min(axis=1).mean() for route in answer]
    apart[first] = -1.0
    return sorted(np.argsort(apart, kind="stable")[:size].tolist())
