"""Neighbourhoods of an answer: some neighbouring routes, as a routing of their own."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qopt.forms import Route, Routing
from qopt.forms.routing_part import Part

Routes = tuple[Route, ...]

MOST_UNSERVED = 50
"""Clients whom nobody serves that are looked at beside those of the routes."""


def neighbourhood(routing: Routing, answer: Routes, chosen: Sequence[int]) -> Part:
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
    used = Counter(route.vehicle for route in answer)
    taken = Counter(answer[r].vehicle for r in chosen)
    counts = [
        taken[kind] + vehicle.count - used[kind] for kind, vehicle in enumerate(routing.vehicles)
    ]
    return Part.of(routing, {*inside, *_unserved_near(routing, answer, inside)}, counts)


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
