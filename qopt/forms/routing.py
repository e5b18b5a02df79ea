"""The routing form: depots, clients, vehicles and matrices."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from math import inf, isfinite

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .program import tolerance
from .schedule import Schedule, walk


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
        Load delivered here, at least 0; it is on board from the start of the route.
    pickup : float
        Load collected here, at least 0; it stays on board to the end of the route.
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
    pickup: float = 0.0
    service: float = 0.0
    early: float = 0.0
    late: float = inf
    prize: float = 0.0
    required: bool = True


@dataclass(frozen=True)
class Shipment:
    """Load that is collected at one client and delivered to another by the same vehicle, later.

    Parameters
    ----------
    pickup, delivery : int
        Indices of the clients. Either both are visited or none.
    load : float
        At least 0.
    """

    pickup: int
    delivery: int
    load: float = 0.0


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
    early, late : float
        Shift: no departure before, no end of the route after.
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
    early: float = 0.0
    late: float = inf


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
    shipments : tuple of Shipment
        A client belongs to one of them at most.

    Raises
    ------
    InputError
        Where a matrix has the wrong shape, negative or non-finite entries, a vehicle names a depot
        or a shipment a client that does not exist. That no vehicle can carry what a client demands
        is no such fault: `qopt.impossible` finds it.
    """

    depots: tuple[Depot, ...]
    clients: tuple[Client, ...] = field(repr=False)
    vehicles: tuple[VehicleType, ...]
    distance: NDArray[np.float64] = field(repr=False)
    duration: NDArray[np.float64] = field(repr=False)
    coordinates: NDArray[np.float64] | None = field(default=None, repr=False)
    shipments: tuple[Shipment, ...] = field(default=(), repr=False)

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
        if self.coordinates is not None and (
            self.coordinates.shape != (size, 2) or not np.isfinite(self.coordinates).all()
        ):
            raise InputError(
                f"{size} locations need finite coordinates of shape ({size}, 2), got shape "
                f"{self.coordinates.shape}"
            )
        for depot in self.depots:
            if not depot.early <= depot.late:
                raise InputError(
                    f"depot {depot.name} opens at {depot.early:g} and closes at {depot.late:g}"
                )
        self._check_vehicles()
        self._check_clients()
        self._check_shipments()

    def _check_vehicles(self) -> None:
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
            for name in ("max_distance", "max_duration"):
                if not (limit := getattr(vehicle, name)) >= 0:
                    raise InputError(
                        f"vehicle {vehicle.name!r} has the {name} {limit:g}; it must be at least 0"
                    )
            if not vehicle.early <= vehicle.late:
                raise InputError(
                    f"vehicle {vehicle.name!r} has the shift {vehicle.early:g} to {vehicle.late:g}"
                )

    def _check_clients(self) -> None:
        for client in self.clients:
            for name in ("demand", "pickup"):
                if not (isfinite(load := getattr(client, name)) and load >= 0):
                    raise InputError(f"client {client.name} has {name} {load}")
            if not (isfinite(client.service) and client.service >= 0 and isfinite(client.prize)):
                raise InputError(
                    f"client {client.name} has service {client.service} and prize {client.prize}"
                )
            if not client.early <= client.late:
                raise InputError(
                    f"client {client.name} has time window {client.early:g} to {client.late:g}"
                )

    def _check_shipments(self) -> None:
        taken: set[int] = set()
        for number, shipment in enumerate(self.shipments, 1):
            for c in (shipment.pickup, shipment.delivery):
                if not 0 <= c < len(self.clients):
                    raise InputError(f"shipment {number} names client {c}, which does not exist")
                if c in taken:
                    raise InputError(
                        f"client {self.clients[c].name} belongs to two shipments; give each its own"
                    )
                taken.add(c)
            first, second = self.clients[shipment.pickup], self.clients[shipment.delivery]
            if not (isfinite(shipment.load) and shipment.load >= 0):
                raise InputError(f"shipment {number} has load {shipment.load}")
            if first.required != second.required:
                raise InputError(
                    f"shipment {number}: clients {first.name} and {second.name} must both be "
                    "required or both optional"
                )

    @property
    def num_locations(self) -> int:
        """Depots and clients together."""
        return len(self.depots) + len(self.clients)

    def location(self, client: int) -> int:
        """Row and column of a client in the matrices."""
        return len(self.depots) + client

    @cached_property
    def windows(self) -> list[tuple[float, float]]:
        """Windows of the clients, opening hours of the depots and shifts of the vehicles."""
        opening = [(c.early, c.late) for c in self.clients]
        opening += [(d.early, d.late) for d in self.depots]
        return opening + [(v.early, v.late) for v in self.vehicles]

    @cached_property
    def has_time_windows(self) -> bool:
        """Whether any window, shift or duration limit binds at all."""
        return any(early > 0 or isfinite(late) for early, late in self.windows) or any(
            isfinite(v.max_duration) for v in self.vehicles
        )

    @cached_property
    def has_pickups(self) -> bool:
        """Whether load is collected anywhere on the way."""
        return bool(self.shipments) or any(c.pickup > 0 for c in self.clients)

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
            and not self.has_pickups
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
            cost, faults = self.evaluate_route(route)
            objective += cost
            broken.extend((f"route {number}: {text}", amount) for text, amount in faults)
        for shipment in self.shipments:
            first, second = self.clients[shipment.pickup], self.clients[shipment.delivery]
            if visits[shipment.pickup] != visits[shipment.delivery]:
                broken.append(
                    (f"client {first.name} is visited {visits[shipment.pickup]} times and client "
                     f"{second.name}, where its load goes, {visits[shipment.delivery]} times", 1.0)
                )
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

    def walk(self, route: Route) -> Schedule:
        """When each stop of a route is reached, served and left, and with what load.

        The route leaves as late as that neither delays its end nor breaks a time window.
        """
        return walk(self, route)

    def evaluate_route(self, route: Route) -> tuple[float, list[tuple[str, float]]]:
        """Cost of one route with clients, and what it violates by itself, as `evaluate` gives it.

        Who else visits its clients, and how many vehicles there are, is not looked at.
        """
        vehicle, schedule = self.vehicles[route.vehicle], self.walk(route)
        faults: list[tuple[str, float]] = []

        def check(text: str, amount: float, limit: float, verb: str = "over") -> None:
            if isfinite(limit) and amount > limit + tolerance(limit):
                faults.append((f"{text} {amount:g} {verb} {limit:g}", amount - limit))

        check("load", schedule.peak_load, vehicle.capacity, "over capacity")
        faults += self._out_of_order(route)
        check("distance", schedule.distance, vehicle.max_distance, "over the limit")
        start = self.depots[vehicle.start]
        check(f"depot {start.name}: departure", schedule.departures[0], start.late, "after closing")
        for c, arrival in zip(route.clients, schedule.arrivals[1:], strict=False):
            client = self.clients[c]
            check(f"client {client.name}: arrival", arrival, client.late, "after its window")
        end = schedule.departures[-1]
        if vehicle.end is not None:
            depot = self.depots[vehicle.end]
            check(f"depot {depot.name}: return", end, depot.late, "after closing")
        check("end of the route", end, vehicle.late, "after the shift")
        check("duration", schedule.duration, vehicle.max_duration, "over the limit")
        return schedule.cost, faults

    def peak_load(self, route: Route) -> float:
        """The largest load on board at any point of a route."""
        return self.walk(route).peak_load

    @cached_property
    def load_changes(self) -> list[float]:
        """By how much the load on board changes at each client."""
        changes = [client.pickup - client.demand for client in self.clients]
        for shipment in self.shipments:
            changes[shipment.pickup] += shipment.load
            changes[shipment.delivery] -= shipment.load
        return changes

    def _out_of_order(self, route: Route) -> list[tuple[str, float]]:
        """Shipments whose delivery is not behind their pickup on the same route."""
        place = {c: i for i, c in enumerate(route.clients)}
        return [
            (f"client {self.clients[s.delivery].name} is not visited after client "
             f"{self.clients[s.pickup].name}, where its load is", 1.0)
            for s in self.shipments
            if s.delivery in place and place.get(s.pickup, len(place)) > place[s.delivery]
        ]
