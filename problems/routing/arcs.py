"""Two-index programs over arcs: bit ``x_i_j`` says that somebody drives from i straight to j.

Subtours are excluded by order or load variables after Miller, Tucker and Zemlin (1960), lifted
after Desrochers and Laporte, "Improvements and extensions to the Miller-Tucker-Zemlin subtour
elimination constraints" (1991). Nothing assumes symmetric distances.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qopt.errors import SizeError
from qopt.forms import Constraint, Program, Route, Routing

MOST_NODES = 300
"""Nodes up to which the programs are made: they have a constraint for every pair."""


class Arcs:
    """Numbering of the arcs between `size` nodes, row by row without the diagonal."""

    def __init__(self, size: int) -> None:
        self.size = size
        tail, head = np.nonzero(~np.eye(size, dtype=bool))
        self.tail: NDArray[np.int64] = tail
        self.head: NDArray[np.int64] = head

    def __len__(self) -> int:
        return len(self.tail)

    def index(self, i: int, j: int) -> int:
        """Number of the arc from i to j."""
        return i * (self.size - 1) + j - (j > i)

    def leaving(self, i: int) -> NDArray[np.int64]:
        """Numbers of the arcs out of i, by the node they lead to."""
        return np.arange(i * (self.size - 1), (i + 1) * (self.size - 1))

    def entering(self, j: int) -> NDArray[np.int64]:
        """Numbers of the arcs into j, by the node they come from."""
        return np.flatnonzero(self.head == j)

    def chosen(self, values: ArrayLike) -> tuple[list[list[int]], set[int]]:
        """Successors of each node, and the nodes without exactly one arc in and one out."""
        on = np.flatnonzero(np.asarray(values)[: len(self)] > 0.5)
        successors: list[list[int]] = [[] for _ in range(self.size)]
        for arc in on:
            successors[self.tail[arc]].append(int(self.head[arc]))
        entered = np.bincount(self.head[on], minlength=self.size)
        broken = {i for i in range(self.size) if len(successors[i]) != 1 or entered[i] != 1}
        return successors, broken


@dataclass
class _Draft:
    """A program in the making: arcs first, then further variables."""

    arcs: Arcs
    names: list[str]
    upper: list[float]
    lower: list[float] = field(init=False)
    whole: list[bool] = field(init=False)
    constraints: list[Constraint] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lower = [0.0] * len(self.arcs)
        self.whole = [True] * len(self.arcs)

    def variables(
        self, names: Iterable[str], lower: Sequence[float], upper: Sequence[float], whole: bool
    ) -> list[int]:
        """Add variables; their indices."""
        first = len(self.names)
        self.names.extend(names)
        self.lower.extend(lower)
        self.upper.extend(upper)
        self.whole.extend([whole] * (len(self.names) - first))
        return list(range(first, len(self.names)))

    def at_most(self, name: str, terms: dict[int, float], rhs: float) -> None:
        """Add ``sum of terms <= rhs``."""
        kept = {i: c for i, c in terms.items() if c != 0.0}
        self.constraints.append(
            Constraint(name, np.array(list(kept)), np.array(list(kept.values())), "<=", float(rhs))
        )

    def once(self, nodes: Iterable[int], names: Sequence[str]) -> None:
        """Every node is left once and entered once."""
        ones = np.ones(self.arcs.size - 1)
        for i in nodes:
            leaving, entering = self.arcs.leaving(i), self.arcs.entering(i)
            self.constraints.append(Constraint(f"leave_{names[i]}", leaving, ones, "==", 1.0))
            self.constraints.append(Constraint(f"enter_{names[i]}", entering, ones, "==", 1.0))

    def in_order(self, nodes: Sequence[int], names: Sequence[str]) -> None:
        """No cycle among `nodes` alone: each has a place in an order that arcs follow."""
        m = len(nodes)
        place = dict(zip(nodes, self.variables(
            [f"place_{names[i]}" for i in nodes], [1.0] * m, [float(m)] * m, whole=True
        ), strict=True))
        for i in nodes:
            for j in nodes:
                if i != j:
                    self.at_most(
                        f"order_{names[i]}_{names[j]}",
                        {place[i]: 1.0, place[j]: -1.0, self.arcs.index(i, j): float(m),
                         self.arcs.index(j, i): m - 2.0},
                        m - 1.0,
                    )

    def program(self, distance: NDArray[np.float64]) -> Program:
        """The program that minimises the length of the arcs in use."""
        cost = np.zeros(len(self.names))
        cost[: len(self.arcs)] = distance[self.arcs.tail, self.arcs.head]
        return Program.build(
            linear=cost, lower=self.lower, upper=self.upper, integer=self.whole,
            constraints=self.constraints, names=self.names,
        )


def _draft(size: int, names: Sequence[str]) -> _Draft:
    if size > MOST_NODES:
        raise SizeError(
            "the program over arcs", size, MOST_NODES, "nodes",
            "a solver that takes the routing form has no such limit",
        )
    arcs = Arcs(size)
    titles = [
        f"x_{names[i]}_{names[j]}"
        for i, j in zip(arcs.tail.tolist(), arcs.head.tolist(), strict=True)
    ]
    return _Draft(arcs, titles, [1.0] * len(arcs))


# -- one tour -----------------------------------------------------------------------------------


def tour_program(distance: NDArray[np.float64], names: Sequence[str]) -> Program:
    """The shortest tour: arcs in row order, then the place of each city but the first."""
    size = len(distance)
    draft = _draft(size, names)
    draft.once(range(size), names)
    draft.in_order(range(1, size), names)
    return draft.program(distance)


def tour_of_values(values: ArrayLike, size: int) -> tuple[int, ...]:
    """The tour that starts at 0 and follows the arcs in use.

    Cities on it that are not left and entered exactly once are named twice, so that values which
    break a constraint on arcs never become a feasible tour.
    """
    successors, broken = Arcs(size).chosen(values)
    tour = [0]
    while successors[tour[-1]] and (following := successors[tour[-1]][0]) not in tour:
        tour.append(following)
    return (*tour, *(city for city in tour if city in broken))


def values_of_tour(tour: Sequence[int]) -> NDArray[np.float64]:
    """Values of the program of `tour_program` for a feasible tour."""
    size = len(tour)
    arcs = Arcs(size)
    start = list(tour).index(0)
    order = [*tour[start:], *tour[:start]]
    values = np.zeros(len(arcs) + size - 1)
    for place, city in enumerate(order):
        values[arcs.index(city, order[(place + 1) % size])] = 1.0
        if place:
            values[len(arcs) + city - 1] = place
    return values


# -- many routes --------------------------------------------------------------------------------


def routes_program(routing: Routing, fewest: int) -> Program:
    """The cheapest routes of one kind of vehicle from one depot, node 0; at least `fewest`.

    After the arcs come the load of each client's vehicle behind it, then, where they are needed,
    the places of clients without demand and the distance (or time) driven up to each client.
    """
    size = routing.num_locations
    names = ["depot", *(client.name for client in routing.clients)]
    vehicle = routing.vehicles[0]
    draft = _draft(size, names)
    draft.once(range(1, size), names)
    out = draft.arcs.leaving(0)
    ones = np.ones(len(out))
    draft.constraints.append(Constraint("fewest_routes", out, ones, ">=", float(fewest)))
    if vehicle.count < size - 1:
        draft.constraints.append(Constraint("vehicles", out, ones, "<=", float(vehicle.count)))
    _limit_loads(draft, [client.demand for client in routing.clients], vehicle.capacity, names)
    # Load variables rise along arcs only where there is demand.
    idle = [i for i, client in enumerate(routing.clients, 1) if client.demand == 0]
    if len(idle) > 1:
        draft.in_order(idle, names)
    for limit, matrix, service in (
        (vehicle.max_distance, routing.distance, [0.0] * (size - 1)),
        (vehicle.max_duration, routing.duration, [client.service for client in routing.clients]),
    ):
        if isfinite(limit):
            _limit_length(draft, matrix, service, limit, names)
    return draft.program(routing.distance)


def _limit_loads(
    draft: _Draft, demand: Sequence[float], capacity: float, names: Sequence[str]
) -> None:
    """Loads add up along arcs, and stay within the capacity."""
    whole = all(d == round(d) for d in demand)
    top = float(np.floor(capacity)) if whole and capacity < inf else capacity
    top = min(top, sum(demand))
    arcs = draft.arcs
    load = draft.variables(
        [f"load_{name}" for name in names[1:]], demand, [top] * len(demand), whole
    )
    for i, first in enumerate(demand):
        for j, second in enumerate(demand):
            there, back = arcs.index(i + 1, j + 1), arcs.index(j + 1, i + 1)
            if i != j and first + second > top * (1.0 + 1e-9):
                draft.upper[there] = 0.0
            elif i != j:
                draft.at_most(
                    f"load_{names[i + 1]}_{names[j + 1]}",
                    {load[i]: 1.0, load[j]: -1.0, there: top, back: top - first - second},
                    top - second,
                )


def _limit_length(
    draft: _Draft, matrix: NDArray[np.float64], service: Sequence[float], limit: float,
    names: Sequence[str],
) -> None:
    """What is driven and served adds up along arcs, and stays within the limit."""
    whole = bool((matrix == np.rint(matrix)).all()) and all(s == round(s) for s in service)
    arcs = draft.arcs
    m = len(service)
    kind = "time" if any(service) else "driven"
    driven = draft.variables(
        [f"{kind}_{name}" for name in names[1:]], [0.0] * m, [limit] * m, whole
    )
    for i in range(m):
        out, home = float(matrix[0, i + 1]), float(service[i] + matrix[i + 1, 0])
        draft.at_most(
            f"{kind}_from_depot_{names[i + 1]}", {driven[i]: -1.0, arcs.index(0, i + 1): out}, 0.0
        )
        draft.at_most(
            f"{kind}_to_depot_{names[i + 1]}", {driven[i]: 1.0, arcs.index(i + 1, 0): home}, limit
        )
        for j in range(m):
            if i != j:
                step = float(service[i] + matrix[i + 1, j + 1])
                draft.at_most(
                    f"{kind}_{names[i + 1]}_{names[j + 1]}",
                    {driven[i]: 1.0, driven[j]: -1.0, arcs.index(i + 1, j + 1): limit + step},
                    limit,
                )


def routes_of_values(values: ArrayLike, size: int) -> tuple[Route, ...]:
    """The routes that the arcs out of the depot begin.

    As in `tour_of_values`, a client on them with a wrong number of arcs is named twice.
    """
    successors, broken = Arcs(size).chosen(values)
    routes: list[Route] = []
    for first in successors[0]:
        stops = [first]
        while successors[stops[-1]]:
            following = successors[stops[-1]][0]
            if following == 0 or following in stops:
                break
            stops.append(following)
        named = [*stops, *(stop for stop in stops if stop in broken)]
        routes.append(Route(0, tuple(stop - 1 for stop in named)))
    return tuple(routes)


def values_of_routes(routes: Iterable[Route], routing: Routing) -> NDArray[np.float64]:
    """Values of the program of `routes_program` for feasible routes."""
    arcs = Arcs(routing.num_locations)
    m = len(routing.clients)
    vehicle = routing.vehicles[0]
    idle = [c for c, client in enumerate(routing.clients) if client.demand == 0]
    values = np.zeros(len(arcs))
    load, driven, elapsed = np.zeros(m), np.zeros(m), np.zeros(m)
    place: dict[int, float] = {}
    for route in routes:
        carried, at, distance, time = 0.0, 0, 0.0, 0.0
        for c in route.clients:
            values[arcs.index(at, c + 1)] = 1.0
            carried += routing.clients[c].demand
            distance += float(routing.distance[at, c + 1])
            time += float(routing.duration[at, c + 1])
            load[c], driven[c], elapsed[c] = carried, distance, time
            time += routing.clients[c].service
            if c in idle:
                place[c] = len(place) + 1.0
            at = c + 1
        if at:
            values[arcs.index(at, 0)] = 1.0
    parts = [values, load]
    if len(idle) > 1:
        parts.append(np.array([place[c] for c in idle]))
    if isfinite(vehicle.max_distance):
        parts.append(driven)
    if isfinite(vehicle.max_duration):
        parts.append(elapsed)
    return np.concatenate(parts)
