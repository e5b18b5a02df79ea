"""The routing form: depots, clients, vehicles and matrices."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from math import inf, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .program import tolerance


@dataclass(frozen=True)
class Depot:
    """Where vehicles start and end.

    Parameters
    ----------
    name : str
    early, late : float
        Opening hours, in the unit of the duration matrix.
    """

    name: str
    early: float = 0.0
    late: float = inf


@dataclass(frozen=True)
class Client:
    """Somebody to be visited once.

    Parameters
    ----------
    name : str
    demand : float
        Load delivered here, at least 0.
    service : float
        Time spent here.
    early, late : float
        Time window for the start of service; arriving before `early` means waiting.
    prize : float
        What a visit earns. Only an optional client may be left out.
    required : bool
    """

    name: str
    demand: float = 0.0
    service: float = 0.0
    early: float = 0.0
    late: float = inf
    prize: float = 0.0
    required: bool = True


@dataclass(frozen=True)
class VehicleType:
    """Vehicles that are alike.

    Parameters
    ----------
    name : str
    count : int
        How many there are.
    capacity : float
        Largest load.
    start, end : int
        Depot indices; ``end=None`` is an open route, which ends at its last client.
    fixed_cost : float
        Cost of using one at all.
    distance_cost, duration_cost : float
        Cost of a unit of distance, and of a unit of time between leaving and returning.
    max_distance, max_duration : float
    """

    name: str = "vehicle"
    count: int = 1
    capacity: float = inf
    start: int = 0
    end: int | None = 0
    fixed_cost: float = 0.0
    distance_cost: float = 1.0
    duration_cost: float = 0.0
    max_distance: float = inf
    max_duration: float = inf


@dataclass(frozen=True)
class Route:
    """One vehicle's work.

    Parameters
    ----------
    vehicle : int
        Index of the vehicle type.
    clients : tuple of int
        Client indices in the order of visits, counted from 0.
    """

    vehicle: int
    clients: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Routing:
    """Serve every required client once, at the least cost.

    Locations are the depots followed by the clients: client ``c`` is location
    ``len(depots) + c``. An answer is a sequence of `Route`; routes without clients may be left out.
    The objective to minimise is fixed, distance and duration costs of the routes in use, plus the
    prizes of clients that are not visited.

    Parameters
    ----------
    depots : tuple of Depot
    clients : tuple of Client
    vehicles : tuple of VehicleType
    distance : ndarray of float64, shape (locations, locations)
        Length from row to column; need not be symmetric.
    duration : ndarray of float64, shape (locations, locations)
        Travel time from row to column.
    coordinates : ndarray of float64, shape (locations, 2), optional
        Where the locations are, for plots only.

    Raises
    ------
    InputError
        Where a matrix has the wrong shape, negative or non-finite entries, a vehicle names a depot
        that does not exist, or no vehicle can carry a required client's demand.
    """

    depots: tuple[Depot, ...]
    clients: tuple[Client, ...] = field(repr=False)
    vehicles: tuple[VehicleType, ...]
    distance: NDArray[np.float64] = field(repr=False)
    duration: NDArray[np.float64] = field(repr=False)
    coordinates: NDArray[np.float64] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        size = self.num_locations
        if not self.depots:
            raise InputError("a routing instance needs at least one depot")
        if not self.vehicles:
            raise InputError("a routing instance needs at least one vehicle")
        for name, matrix in (("distance", self.distance), ("duration", self.duration)):
            if matrix.shape != (size, size):
                raise InputError(
                    f"the {name} matrix has shape {matrix.shape}, {size} locations need "
                    f"({size}, {size})"
                )
            if not np.isfinite(matrix).all() or (matrix < 0).any():
                raise InputError(f"the {name} matrix has a negative, NaN or infinite entry")
        for vehicle in self.vehicles:
            ends = [vehicle.start] if vehicle.end is None else [vehicle.start, vehicle.end]
            if any(not 0 <= depot < len(self.depots) for depot in ends):
                raise InputError(f"vehicle {vehicle.name!r} names a depot that does not exist")
            if vehicle.count < 1 or not vehicle.capacity >= 0:
                raise InputError(
                    f"vehicle {vehicle.name!r} needs a count of at least 1 and a capacity of at "
                    f"least 0, got {vehicle.count} and {vehicle.capacity:g}"
                )
            for name in ("distance_cost", "duration_cost"):
                if not (isfinite(rate := getattr(vehicle, name)) and rate >= 0):
                    raise InputError(
                        f"vehicle {vehicle.name!r} has the {name} {rate:g}; it must be at least 0"
                    )
        largest = max(v.capacity for v in self.vehicles)
        for client in self.clients:
            if not (isfinite(client.demand) and client.demand >= 0):
                raise InputError(f"client {client.name} has demand {client.demand}")
            if not (isfinite(client.service) and client.service >= 0 and isfinite(client.prize)):
                raise InputError(
                    f"client {client.name} has service {client.service} and prize {client.prize}"
                )
            if not client.early <= client.late:
                raise InputError(
                    f"client {client.name} has time window {client.early:g} to {client.late:g}"
                )
            if client.required and client.demand > largest:
                raise InputError(
                    f"client {client.name} demands {client.demand:g}, above the largest vehicle "
                    f"capacity {largest:g}"
                )

    @property
    def num_locations(self) -> int:
        """Depots and clients together."""
        return len(self.depots) + len(self.clients)

    def location(self, client: int) -> int:
        """Row and column of a client in the matrices."""
        return len(self.depots) + client

    @cached_property
    def has_time_windows(self) -> bool:
        """Whether any window or duration limit binds at all."""
        return any(c.early > 0 or isfinite(c.late) for c in self.clients) or any(
            isfinite(v.max_duration) for v in self.vehicles
        ) or any(d.early > 0 or isfinite(d.late) for d in self.depots)

    @cached_property
    def is_tsp(self) -> bool:
        """Whether this is a plain travelling salesman problem: one closed tour, nothing else."""
        vehicle = self.vehicles[0]
        return (
            len(self.depots) == 1
            and len(self.vehicles) == 1
            and vehicle.count == 1
            and vehicle.end == vehicle.start
            and not self.has_time_windows
            and sum(c.demand for c in self.clients) <= vehicle.capacity
            and vehicle.max_distance == inf
            and vehicle.duration_cost == 0
            and all(c.required for c in self.clients)
        )

    def path(self, route: Route) -> list[int]:
        """Locations of a route in order, its depots included."""
        vehicle = self.vehicles[route.vehicle]
        stops = [vehicle.start, *(self.location(c) for c in route.clients)]
        if vehicle.end is not None:
            stops.append(vehicle.end)
        return stops

    def evaluate(self, routes: Iterable[Route]) -> tuple[float, list[tuple[str, float]]]:
        """Cost of an answer, and what it violates as (sentence, amount) pairs.

        This is the only judge of a route: it reads the instance, never a solver's own figures.
        """
        objective = 0.0
        broken: list[tuple[str, float]] = []
        visits: Counter[int] = Counter()
        used: Counter[int] = Counter()
        for number, route in enumerate(routes, 1):
            if not 0 <= route.vehicle < len(self.vehicles):
                broken.append((f"route {number}: vehicle type {route.vehicle} does not exist", 1.0))
                continue
            unknown = [c for c in route.clients if not 0 <= c < len(self.clients)]
            if unknown:
                broken.append((f"route {number}: client {unknown[0]} does not exist", 1.0))
                continue
            if not route.clients:
                continue
            used[route.vehicle] += 1
            visits.update(route.clients)
            cost, faults = self._evaluate_route(route)
            objective += cost
            broken.extend((f"route {number}: {text}", amount) for text, amount in faults)
        for c, client in enumerate(self.clients):
            if visits[c] == 0:
                if client.required:
                    broken.append((f"client {client.name} is not visited", 1.0))
                objective += client.prize
            elif visits[c] > 1:
                broken.append(
                    (f"client {client.name} is visited {visits[c]} times", float(visits[c] - 1))
                )
        for kind, count in used.items():
            vehicle = self.vehicles[kind]
            if count > vehicle.count:
                broken.append(
                    (f"{count} routes for {vehicle.count} of {vehicle.name}",
                     float(count - vehicle.count))
                )
        return objective, broken

    def _evaluate_route(self, route: Route) -> tuple[float, list[tuple[str, float]]]:
        vehicle = self.vehicles[route.vehicle]
        faults: list[tuple[str, float]] = []

        def check(text: str, amount: float, limit: float, verb: str = "over") -> None:
            if isfinite(limit) and amount > limit + tolerance(limit):
                faults.append((f"{text} {amount:g} {verb} {limit:g}", amount - limit))

        check("load", sum(self.clients[c].demand for c in route.clients), vehicle.capacity,
              "over capacity")
        stops = self.path(route)
        length = float(sum(self.distance[a, b] for a, b in pairwise(stops)))
        check("distance", length, vehicle.max_distance, "over the limit")
        elapsed = self._drive(route, stops, check)
        check("duration", elapsed, vehicle.max_duration, "over the limit")
        cost = vehicle.fixed_cost + vehicle.distance_cost * length
        return cost + vehicle.duration_cost * elapsed, faults

    def _drive(self, route: Route, stops: Sequence[int], check: Any) -> float:
        """Walk the route in time as late as it may leave; the seconds from leaving to returning."""
        slack_free = self._latest_departure(route, stops)
        clock = slack_free
        for position, (a, b) in enumerate(pairwise(stops)):
            clock += float(self.duration[a, b])
            if position < len(route.clients):
                client = self.clients[route.clients[position]]
                check(f"client {client.name}: arrival", clock, client.late, "after its window")
                clock = max(clock, client.early) + client.service
            else:
                depot = self.depots[b]
                check(f"depot {depot.name}: return", clock, depot.late, "after closing")
        return clock - slack_free

    def _latest_departure(self, route: Route, stops: Sequence[int]) -> float:
        """The latest departure that neither delays the end of the route nor adds a violation.

        It lies within the depot's opening hours. Leaving at opening time gives the earliest
        finish; waiting on the way is then moved before the departure as far as every window on
        the way allows.
        """
        depot = self.depots[stops[0]]
        opening = depot.early
        clock, shift, waited = opening, max(0.0, depot.late - opening), 0.0
        for position, (a, b) in enumerate(pairwise(stops)):
            clock += float(self.duration[a, b])
            late = (
                self.clients[route.clients[position]].late
                if position < len(route.clients)
                else self.depots[b].late
            )
            if position < len(route.clients):
                client = self.clients[route.clients[position]]
                waited += max(0.0, client.early - clock)
                # A departure later by d is felt here as d less the waiting up to here.
                shift = min(shift, max(0.0, late - max(clock, client.early)) + waited)
                clock = max(clock, client.early) + client.service
            else:
                shift = min(shift, max(0.0, late - clock) + waited)
        return opening + min(shift, waited)
