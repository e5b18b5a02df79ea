"""Good routes by ruin and recreate, as raw material for route columns.

The search is that of Christiaens and Vanden Berghe, "Slack induction by string removals for vehicle
routing problems" (Transportation Science 54, 2020), started from the savings of Clarke and Wright
(1964). Locations are those of the `Routing`: 0 is the depot.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite, log

import numpy as np

from qopt.forms import Routing
from qopt.forms.program import tolerance

from .tours import Matrix, improve

Routes = list[list[int]]

_STRING = 10
"""Longest string of stops that is removed from one route."""

_STARTS = 4
"""Times that the search begins anew: several short searches find more than a long one."""

_BLINK = 0.01
"""Probability of passing over a position when a client is put back."""


@dataclass(frozen=True)
class Limits:
    """One kind of vehicle and one depot, in plain numbers.

    Parameters
    ----------
    distance : nested list of float
        Cost between locations.
    demand, service : list of float
        By location, 0 for the depot.
    capacity, longest : float
        Largest load; longest route, service included.
    vehicles : int
    """

    distance: Matrix = field(repr=False)
    demand: list[float] = field(repr=False)
    service: list[float] = field(repr=False)
    capacity: float
    longest: float
    vehicles: int

    @classmethod
    def of(cls, routing: Routing) -> "Limits":
        """The limits of a routing model whose travel times are its distances."""
        vehicle = routing.vehicles[0]
        return cls(
            distance=routing.distance.tolist(),
            demand=[0.0, *(client.demand for client in routing.clients)],
            service=[0.0, *(client.service for client in routing.clients)],
            capacity=_widened(vehicle.capacity),
            longest=_widened(min(vehicle.max_distance, vehicle.max_duration)),
            vehicles=vehicle.count,
        )

    @property
    def clients(self) -> range:
        """Locations of the clients."""
        return range(1, len(self.demand))

    def length(self, route: Sequence[int]) -> float:
        """Distance of a route from the depot and back."""
        at, total = 0, 0.0
        for stop in route:
            total += self.distance[at][stop]
            at = stop
        return total + self.distance[at][0]

    def duration(self, route: Sequence[int]) -> float:
        """What counts towards the longest route."""
        return self.length(route) + sum(self.service[stop] for stop in route)

    def load(self, route: Sequence[int]) -> float:
        """Load of a route."""
        return sum(self.demand[stop] for stop in route)

    def allows(self, route: Sequence[int]) -> bool:
        """Whether one vehicle can drive the route."""
        return self.load(route) <= self.capacity and (
            self.longest == inf or self.duration(route) <= self.longest
        )


def savings(limits: Limits) -> Routes:
    """Join routes end to end, the pair that saves most first, as long as a vehicle can drive them.

    The number of vehicles is not looked at.
    """
    d = limits.distance
    route_of = {i: [i] for i in limits.clients}
    pairs = sorted(
        ((d[i][0] + d[0][j] - d[i][j], i, j) for i in limits.clients for j in limits.clients
         if i != j),
        key=lambda pair: (-pair[0], pair[1:]),
    )
    for saved, i, j in pairs:
        first, second = route_of[i], route_of[j]
        if saved <= 0 or first is second or first[-1] != i or second[0] != j:
            continue
        joined = first + second
        if limits.allows(joined):
            for stop in joined:
                route_of[stop] = joined
    return list({id(route): route for route in route_of.values()}.values())


def packing(limits: Limits, rng: np.random.Generator) -> Routes | None:
    """Assign clients to vehicles around random seed clients, within the capacity.

    This is the generalised assignment of Fisher and Jaikumar, "A generalized assignment heuristic
    for vehicle routing" (Networks 11, 1981): it finds room where savings leave too many routes.
    None where there is none, or the limit of the search tree ends it first.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    d = np.asarray(limits.distance)
    demand = np.array(limits.demand[1:])
    n, k = len(demand), min(limits.vehicles, len(demand))
    seeds = [int(rng.integers(1, n + 1))]
    while len(seeds) < k:
        # The client that is farthest from the depot and all seeds so far, with some noise.
        far = np.minimum(d[1:, [0, *seeds]].min(axis=1), d[[0, *seeds], 1:].min(axis=0))
        far = (far + 1e-9 * d.max()) * rng.uniform(0.7, 1.3, n)
        far[[seed - 1 for seed in seeds]] = -1.0
        seeds.append(int(far.argmax()) + 1)
    detour = d[0, 1:, None] + d[1:, seeds] - d[0, seeds][None, :]
    once = np.kron(np.eye(n), np.ones((1, k)))
    load = np.kron(demand[None, :], np.eye(k))
    solved = milp(
        detour.ravel(), integrality=1, bounds=Bounds(0, 1),
        constraints=[LinearConstraint(once, 1, 1), LinearConstraint(load, -inf, limits.capacity)],
        options={"node_limit": 100, "mip_rel_gap": 0.05},
    )
    if solved.x is None:
        return None
    vehicle = solved.x.reshape(n, k).argmax(axis=1)
    groups = [[int(i) + 1 for i in np.flatnonzero(vehicle == v)] for v in range(k)]
    routes = [improve([0, *group], limits.distance)[1:] for group in groups if group]
    return routes if all(map(limits.allows, routes)) else None


class RuinAndRecreate:
    """The search: a current solution, of which strings are removed and put back greedily.

    Parameters
    ----------
    limits : Limits
    rng : numpy.random.Generator
    """

    def __init__(self, limits: Limits, rng: np.random.Generator) -> None:
        self.limits = limits
        self.rng = rng
        d = np.asarray(limits.distance)
        near = np.argsort(d[1:, 1:] + d[1:, 1:].T, axis=1, kind="stable") + 1
        self.into: Matrix = d.T.tolist()
        self.near: list[list[int]] = [[], *near.tolist()]
        self._known: dict[tuple[int, ...], list[int]] = {}
        # What one unserved client costs: more than any detour that serves it.
        self.unserved = 4.0 * float(d.max()) * len(d) + 1.0

    def run(self, ruins: int) -> Iterator[Routes]:
        """Yield every accepted solution that serves all clients, each route 2-opted.

        It begins a few times: from the savings and from random insertions, or from packings where
        these need more vehicles than there are.

        Parameters
        ----------
        ruins : int
            In all. After each start the temperature falls from half an average leg to a hundredth
            of that.
        """
        for number in range(_STARTS):
            yield from self._anneal(self._start(number), ruins // _STARTS)

    def _start(self, number: int) -> Routes:
        start = self._recreate([]) if number else savings(self.limits)
        if len(start) > self.limits.vehicles or not self._complete(start):
            start = packing(self.limits, self.rng) or start
        return sorted(start, key=self.limits.load, reverse=True)[: self.limits.vehicles]

    def _anneal(self, current: Routes, iterations: int) -> Iterator[Routes]:
        cost = self._cost(current)
        legs = len(self.limits.demand) + len(current)
        begin = 0.5 * sum(map(self.limits.length, current)) / legs
        if self._complete(current):
            yield current
        for step in range(iterations):
            temperature = begin * 0.01 ** (step / iterations)
            trial = self._recreate(self._ruin(current))
            trial_cost = self._cost(trial)
            # 1 - random() lies in (0, 1], where the logarithm is finite.
            if trial_cost < cost - temperature * log(1.0 - self.rng.random()):
                current, cost = trial, trial_cost
                if self._complete(current):
                    current = [self._polished(route) for route in current]
                    cost = self._cost(current)
                    yield current

    def _polished(self, route: list[int]) -> list[int]:
        key = tuple(route)
        if key not in self._known:
            better = improve([0, *route], self.limits.distance)[1:]
            self._known[key] = better if self.limits.allows(better) else route
        return self._known[key]

    def _complete(self, routes: Routes) -> bool:
        return sum(map(len, routes)) == len(self.limits.clients)

    def _cost(self, routes: Routes) -> float:
        missing = len(self.limits.clients) - sum(map(len, routes))
        return sum(map(self.limits.length, routes)) + self.unserved * missing

    def _ruin(self, routes: Routes) -> Routes:
        """Remove strings of stops from routes near a random client."""
        rng = self.rng
        left = [list(route) for route in routes]
        route_of = {stop: r for r, route in enumerate(left) for stop in route}
        average = len(route_of) / max(1, len(left))
        longest = max(1.0, min(_STRING, average))
        # About a third of a small instance, and ten clients of a large one, are taken out.
        removed = min(10.0, max(2.0, len(self.limits.clients) / 3.0))
        strings = int(rng.random() * (4.0 * removed / (1.0 + longest))) + 1
        touched: set[int] = set()
        for stop in self.near[int(rng.integers(1, len(self.limits.demand)))]:
            if len(touched) >= strings:
                break
            r = route_of.get(stop)
            if r is None or r in touched or stop not in left[r]:
                continue
            size = int(rng.random() * min(len(left[r]), longest)) + 1
            position = left[r].index(stop)
            first = max(0, min(position - int(rng.random() * size), len(left[r]) - size))
            del left[r][first : first + size]
            touched.add(r)
        return [route for route in left if route]

    def _recreate(self, routes: Routes) -> Routes:
        """Put every missing client where it costs least; open a route where none takes it."""
        limits, rng = self.limits, self.rng
        present = {stop for route in routes for stop in route}
        missing = [stop for stop in limits.clients if stop not in present]
        loads = [limits.load(route) for route in routes]
        home = limits.distance[0]
        order = rng.permutation(len(missing)).tolist()
        rule = rng.random()
        if rule < 4 / 11:
            order.sort(key=lambda i: -limits.demand[missing[i]])
        elif rule < 6 / 11:
            order.sort(key=lambda i: -home[missing[i]])
        elif rule < 7 / 11:
            order.sort(key=lambda i: home[missing[i]])
        for stop in (missing[i] for i in order):
            place = self._best_place(stop, routes, loads)
            if place is not None:
                r, position = place
                routes[r].insert(position, stop)
                loads[r] += limits.demand[stop]
            elif len(routes) < limits.vehicles and limits.allows([stop]):
                routes.append([stop])
                loads.append(limits.demand[stop])
        return routes

    def _best_place(
        self, stop: int, routes: Routes, loads: list[float]
    ) -> tuple[int, int] | None:
        """Route and position where a client costs least; None where no route takes it."""
        limits = self.limits
        to_stop, from_stop = self.into[stop], limits.distance[stop]
        least, best = inf, None
        for r, route in enumerate(routes):
            if loads[r] + limits.demand[stop] > limits.capacity:
                continue
            room = inf
            if limits.longest < inf:
                room = limits.longest - limits.duration(route) - limits.service[stop]
            at = 0
            blinks = self.rng.random(len(route) + 1) < _BLINK
            for position, following in enumerate([*route, 0]):
                extra = to_stop[at] + from_stop[following] - limits.distance[at][following]
                at = following
                if extra < least and extra <= room and not blinks[position]:
                    least, best = extra, (r, position)
        # A route of its own may cost less than a detour.
        if best is not None and len(routes) < limits.vehicles:
            alone = to_stop[0] + from_stop[0]
            if alone < least and limits.allows([stop]):
                return None
        return best


def _widened(limit: float) -> float:
    """A limit with what counts as rounding."""
    return limit + tolerance(limit) if isfinite(limit) else limit
