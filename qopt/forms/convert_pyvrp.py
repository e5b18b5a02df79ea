"""Conversion of routings to PyVRP's problem data, and of routes to and from its solutions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from math import ceil, inf, isfinite, lcm, log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, UnsupportedError
from .routing import Client, Route, Routing, Shipment, VehicleType
from .whole_numbers import Measure, as_fraction, measure

_LARGEST_SUM = 2.0**45
"""Largest sum along a route, and largest cost of all routes, in whole units of 2**63."""

_LARGEST_PENALTY = 2.0**60
"""Largest penalty of a solution, of 2**63 that PyVRP counts to."""

_FINEST_ENTRY = 2.0**20
"""Largest entry of a matrix, or largest load, in units that round."""

_FINEST_RATE = 2**12
"""Least cost of one unit where the costs of units round."""

_NO_LIMIT = int(np.iinfo(np.int64).max)
"""What PyVRP takes for no limit."""


@dataclass(frozen=True, eq=False)
class PyvrpModel:
    """A routing as PyVRP's problem data, with the way back.

    PyVRP's clients are those of the routing that belong to no shipment, in their order, counted
    from 0. Locations are those of the routing, and one more where open routes end: it lies at
    distance 0 from all others, so that closed and open routes share their matrices.

    Parameters
    ----------
    routing : Routing
    data : pyvrp.ProblemData
    cost_scale : float
        PyVRP's cost of a solution is the routing's objective times this.
    exact : bool
        Whether nothing was rounded. Otherwise distances, times and loads are rounded up and limits
        down, wherever there are limits, so that routes that are feasible for PyVRP are feasible;
        costs are rounded to the nearest.
    """

    routing: Routing
    data: Any = field(repr=False)
    cost_scale: float
    exact: bool

    @cached_property
    def _stops(self) -> dict[tuple[str, int], int]:
        """The client of each of PyVRP's activities, by kind and index."""
        stops = {("CLIENT", i): c for i, c in enumerate(_clients_alone(self.routing))}
        for i, shipment in enumerate(self.routing.shipments):
            stops["PICKUP", i], stops["DELIVERY", i] = shipment.pickup, shipment.delivery
        return stops

    def routes(self, solution: Any) -> tuple[Route, ...]:
        """The routes of a `pyvrp.Solution`."""
        stops = self._stops
        return tuple(
            Route(
                route.vehicle_type(),
                tuple(
                    stops[activity.type.name, activity.idx]
                    for activity in route
                    if not activity.is_depot()
                ),
            )
            for route in solution.routes()
        )

    def solution(self, routes: Iterable[Route]) -> Any:
        """A `pyvrp.Solution` of routes, to start a search from.

        Raises
        ------
        InputError
            Where a vehicle type or a client does not exist, a client is visited twice, a shipment
            in part or out of order, or there are more routes than vehicles.
        """
        import pyvrp

        used = [route for route in routes if route.clients]
        for route in used:
            # PyVRP itself reads past its own lists.
            if not 0 <= route.vehicle < len(self.routing.vehicles):
                raise InputError(f"vehicle type {route.vehicle} does not exist")
            unknown = [c for c in route.clients if not 0 <= c < len(self.routing.clients)]
            if unknown:
                raise InputError(f"client {unknown[0]} does not exist")
        places = {
            client: pyvrp.Activity(getattr(pyvrp.ActivityType, kind), index)
            for (kind, index), client in self._stops.items()
        }
        try:
            return pyvrp.Solution(
                self.data,
                [
                    pyvrp.Route(self.data, [places[c] for c in route.clients], route.vehicle)
                    for route in used
                ],
            )
        except (RuntimeError, ValueError) as fault:
            raise InputError(f"these routes are no solution of PyVRP's: {fault}") from fault

    def objective(self, cost: float) -> float:
        """A cost of PyVRP's in the routing's own units."""
        return cost / self.cost_scale


def routing_to_pyvrp(routing: Routing) -> PyvrpModel:
    """A routing as `pyvrp.ProblemData`, for PyVRP 0.14.

    Fractions with a small common denominator are scaled to whole numbers exactly. Costs of unit
    distance and unit time are PyVRP's own, so that limits on distance are kept in distances: with
    distances in units of 1/a and times in units of 1/b, costs are counted in the unit in which
    ``distance_cost / a``, ``duration_cost / b``, fixed costs and prizes are whole. Times are
    shifted where any of them is negative: PyVRP's clock begins at 0.

    Parameters
    ----------
    routing : Routing

    Returns
    -------
    PyvrpModel

    Raises
    ------
    UnsupportedError
        For a negative prize of an optional client, a client with demand or pickup that belongs to a
        shipment as well, and a shipment that can never be delivered.
    """
    import pyvrp

    _check(routing)
    draft = _Draft(routing)
    data = pyvrp.ProblemData(
        draft.locations(),
        [draft.client(c) for c in _clients_alone(routing)],
        draft.depots(),
        [draft.vehicle(vehicle) for vehicle in routing.vehicles],
        [draft.matrix(routing.distance, draft.length, draft.has_lengths)],
        [draft.durations()],
        shipments=[draft.shipment(shipment) for shipment in routing.shipments],
    )
    return PyvrpModel(routing, data, float(draft.cost), draft.exact)


def penalty_params(data: Any) -> Any:
    """PyVRP's parameters of penalties, for costs of as many digits as `data` has.

    A unit above a limit may cost more than the dearest way, as long as nothing overflows. The
    library's own 100 000 is below the cost of an arc where costs have many digits, and then
    breaking limits would pay.

    Parameters
    ----------
    data : pyvrp.ProblemData

    Returns
    -------
    pyvrp.PenaltyParams
    """
    import pyvrp

    length, time = data.distance_matrix(0), data.duration_matrix(0)
    dearest = max(
        2 * v.unit_distance_cost * int(length.max())
        + 2 * v.unit_duration_cost * int(time.max())
        + v.fixed_cost
        for v in data.vehicle_types()
    )
    loads = [sum(c.delivery + c.pickup) for c in data.clients()]
    loads += [sum(s.amount) for s in data.shipments()]
    excess = max(1, sum(loads), int(length.max(axis=1).sum()), int(time.max(axis=1).sum()))
    usual = pyvrp.PenaltyParams().max_penalty
    largest = float(max(usual, min(float(dearest), _LARGEST_PENALTY / excess)))
    return pyvrp.PenaltyParams(max_penalty=largest)


def _clients_alone(routing: Routing) -> list[int]:
    """Clients that belong to no shipment."""
    paired = {c for s in routing.shipments for c in (s.pickup, s.delivery)}
    return [c for c in range(len(routing.clients)) if c not in paired]


def _check(routing: Routing) -> None:
    for client in routing.clients:
        if not client.required and client.prize < 0:
            raise UnsupportedError(
                f"PyVRP takes prizes of at least 0 and client {client.name} has {client.prize:g}"
            )
    for shipment in routing.shipments:
        first, second = routing.clients[shipment.pickup], routing.clients[shipment.delivery]
        if second.late < first.early:
            raise UnsupportedError(
                f"client {second.name} closes at {second.late:g}, before its load is there at "
                f"client {first.name} at {first.early:g}; PyVRP takes no shipment that cannot be "
                "delivered"
            )
        for client in (first, second):
            if client.demand or client.pickup:
                raise UnsupportedError(
                    f"client {client.name} belongs to a shipment and has a demand or pickup as "
                    "well; PyVRP takes one of the two: make it two clients at one place"
                )


class _Draft:
    """The units of a routing, and its parts in those units."""

    def __init__(self, routing: Routing) -> None:
        self.routing = routing
        self.has_lengths = any(isfinite(v.max_distance) for v in routing.vehicles)
        self.is_timed = routing.has_time_windows or any(
            v.duration_cost > 0 for v in routing.vehicles
        )
        self.length_reach = float(routing.distance.max(axis=1).sum())
        self.length = self._lengths()
        self.origin, self.horizon = self._times()
        self.time = self._clock()
        self.total_load = sum(
            [c.demand + c.pickup for c in routing.clients] + [s.load for s in routing.shipments]
        )
        self.is_loaded = any(v.capacity < self.total_load for v in routing.vehicles)
        self.load = self._loads()
        self.cost, exact = self._costs()
        self.load = self._heavier(self.load)
        self.exact = exact and all(u.exact for u in (self.length, self.time, self.load))

    # -- units ----------------------------------------------------------------------------------

    def _lengths(self) -> Measure:
        reach = self.length_reach
        limits = [v.max_distance for v in self.routing.vehicles if v.max_distance < reach]
        return _measure(self.routing.distance, limits, reach)

    def _times(self) -> tuple[float, float]:
        """Where PyVRP's clock begins, and how long it can run."""
        routing = self.routing
        origin = min([0.0, *(x for window in routing.windows for x in window if isfinite(x))])
        latest = max([early for early, _ in routing.windows if isfinite(early)], default=0.0)
        horizon = latest - origin
        horizon += float(routing.duration.max(axis=1).sum())
        return origin, horizon + sum(c.service for c in routing.clients)

    def _clock(self) -> Measure:
        routing = self.routing
        if not self.is_timed:
            return Measure(1.0, exact=True)
        stated = [x for window in routing.windows for x in window]
        stated += [c.service for c in routing.clients] + [v.max_duration for v in routing.vehicles]
        binding = [x for x in stated if x - self.origin < self.horizon]
        return _measure(routing.duration, binding, self.horizon)

    def _loads(self) -> Measure:
        routing = self.routing
        if not self.is_loaded:
            return Measure(1.0, exact=True)
        loads = [x for c in routing.clients for x in (c.demand, c.pickup)]
        loads += [s.load for s in routing.shipments]
        limits = [v.capacity for v in routing.vehicles if v.capacity < self.total_load]
        return _measure(np.array(loads), limits, self.total_load)

    def _heavier(self, load: Measure) -> Measure:
        """Loads in smaller units where one unit too many could cost less than the dearest way.

        PyVRP's penalties have one upper limit for loads, lengths and times, and where the units of
        lengths are small it is low.
        """
        if not self.is_loaded:
            return load
        cost, routing = float(self.cost), self.routing
        dearest = cost * max(
            2 * v.distance_cost * float(routing.distance.max())
            + 2 * v.duration_cost * float(routing.duration.max())
            + abs(v.fixed_cost)
            for v in routing.vehicles
        )
        reach = max(self.length_reach * self.length.scale, self.horizon * self.time.scale)
        factor = min(dearest * reach / _LARGEST_PENALTY, reach / (self.total_load * load.scale))
        return replace(load, scale=load.scale * 2.0 ** max(0, ceil(log2(max(factor, 1.0)))))

    def _costs(self) -> tuple[Fraction, bool]:
        """Whole units of cost in one unit of cost, and whether all costs are whole in them."""
        vehicles = self.routing.vehicles
        rates = [(v.distance_cost, self.length.scale) for v in vehicles]
        rates += [(v.duration_cost, self.time.scale) for v in vehicles]
        sums = [v.fixed_cost for v in vehicles]
        sums += [c.prize for c in self.routing.clients if not c.required]
        reach = max(
            v.distance_cost * self.length_reach + v.duration_cost * self.horizon for v in vehicles
        ) + sum(abs(v.fixed_cost) * min(v.count, len(self.routing.clients)) for v in vehicles)
        reach += sum(c.prize for c in self.routing.clients)
        fractions = [as_fraction(x) for x in [*(rate for rate, _ in rates), *sums]]
        if None not in fractions:
            known = [f for f in fractions if f is not None]
            units = [Fraction(scale) for _, scale in rates] + [Fraction(1)] * len(sums)
            scale = lcm(*((f / unit).denominator for f, unit in zip(known, units, strict=True)))
            if scale * reach <= _LARGEST_SUM:
                return Fraction(scale), True
        least = min((rate / scale for rate, scale in rates if rate > 0), default=1.0)
        same = len({rate / scale for rate, scale in rates if rate > 0}) == 1 and not any(sums)
        finest = 1.0 / least if same else _FINEST_RATE / least
        return Fraction(min(finest, _LARGEST_SUM / max(reach, 1e-9))), False

    # -- parts ----------------------------------------------------------------------------------

    def matrix(self, values: NDArray[np.float64], unit: Measure, limited: bool) -> Any:
        """A matrix in whole units: rounded up where sums are limited, else to the nearest."""
        size = self.routing.num_locations + any(v.end is None for v in self.routing.vehicles)
        whole = np.zeros((size, size), dtype=np.int64)
        inner = whole[: len(values), : len(values)]
        inner[:] = unit.amounts(values) if limited else np.rint(values * unit.scale)
        np.fill_diagonal(inner, 0)
        return whole

    def durations(self) -> Any:
        """The matrix of durations; nothing where nothing depends on them."""
        routing = self.routing
        if self.is_timed:
            return self.matrix(routing.duration, self.time, routing.has_time_windows)
        return self.matrix(np.zeros_like(routing.duration), self.time, False)

    def locations(self) -> list[Any]:
        import pyvrp

        routing = self.routing
        names = [d.name for d in routing.depots] + [c.name for c in routing.clients]
        places = routing.coordinates
        if places is None:
            places = np.zeros((len(names), 2))
        found = [
            pyvrp.Location(float(x), float(y), name=name)
            for (x, y), name in zip(places.tolist(), names, strict=True)
        ]
        if any(v.end is None for v in routing.vehicles):
            found.append(pyvrp.Location(0.0, 0.0, name="end of open routes"))
        return found

    def depots(self) -> list[Any]:
        """Those of the routing, once more as ends where opening hours bind starts only."""
        import pyvrp

        places = [
            pyvrp.Depot(i, **self._window(depot.early, depot.late), name=depot.name)
            for i, depot in enumerate(self.routing.depots)
        ]
        for end in self._further_ends:
            if end is None:
                name = "end of open routes"
                places.append(pyvrp.Depot(self.routing.num_locations, name=name))
            else:
                depot = self.routing.depots[end]
                window = self._window(-inf, depot.late)
                places.append(pyvrp.Depot(end, **window, name=depot.name))
        return places

    @cached_property
    def _further_ends(self) -> dict[int | None, int]:
        """PyVRP's depots that are ends only: of open routes, and where depots open late."""
        depots = self.routing.depots
        ends: dict[int | None, int] = {}
        for vehicle in self.routing.vehicles:
            end = vehicle.end
            if end is None or (end != vehicle.start and depots[end].early > 0):
                ends.setdefault(end, len(depots) + len(ends))
        return ends

    def _end(self, vehicle: VehicleType) -> int:
        end = vehicle.end
        if end is None or (end != vehicle.start and end in self._further_ends):
            return self._further_ends[end]
        return end

    def _moment(self, early: float) -> int:
        return max(0, self.time.amount(early - self.origin)) if isfinite(early) else 0

    def _window(self, early: float, late: float, prefix: str = "") -> dict[str, int]:
        """A window as PyVRP's two keywords; ends beyond all that can happen are left out."""
        if not self.is_timed:
            return {}
        closes = _NO_LIMIT
        if late - self.origin < self.horizon:
            closes = max(0, self.time.limit(late - self.origin)) if isfinite(late) else 0
        opens = min(self._moment(early), closes)
        return {f"{prefix}tw_early": opens, f"{prefix}tw_late": closes}

    def _service(self, client: Client) -> int:
        return self.time.amount(client.service) if self.is_timed else 0

    def _amount(self, load: float) -> list[int]:
        """A load as PyVRP's one load dimension, or none where no capacity binds."""
        return [self.load.amount(load)] if self.is_loaded else []

    def _prize(self, *clients: Client) -> int:
        prize = sum(c.prize for c in clients if not c.required)
        return round(Fraction(prize) * self.cost)

    def client(self, c: int) -> Any:
        import pyvrp

        client = self.routing.clients[c]
        return pyvrp.Client(
            self.routing.location(c),
            delivery=self._amount(client.demand),
            pickup=self._amount(client.pickup),
            service_duration=self._service(client),
            **self._window(client.early, client.late),
            prize=self._prize(client),
            required=client.required,
            name=client.name,
        )

    def shipment(self, shipment: Shipment) -> Any:
        import pyvrp

        first = self.routing.clients[shipment.pickup]
        second = self.routing.clients[shipment.delivery]
        return pyvrp.Shipment(
            self.routing.location(shipment.pickup),
            self.routing.location(shipment.delivery),
            pickup_service_duration=self._service(first),
            **self._window(first.early, first.late, "pickup_"),
            delivery_service_duration=self._service(second),
            **self._window(second.early, second.late, "delivery_"),
            amount=self._amount(shipment.load),
            prize=self._prize(first, second),
            required=first.required,
            name=f"{first.name} to {second.name}",
        )

    def vehicle(self, vehicle: VehicleType) -> Any:
        import pyvrp

        limits: dict[str, Any] = self._window(vehicle.early, vehicle.late)
        if vehicle.max_duration < self.horizon:
            limits["shift_duration"] = max(0, self.time.limit(vehicle.max_duration))
        if vehicle.max_distance < self.length_reach:
            limits["max_distance"] = max(0, self.length.limit(vehicle.max_distance))
        if self.is_loaded:
            binds = vehicle.capacity < self.total_load
            limits["capacity"] = [self.load.limit(vehicle.capacity) if binds else _NO_LIMIT]
        per_length = self.cost / Fraction(self.length.scale)
        per_time = self.cost / Fraction(self.time.scale)
        return pyvrp.VehicleType(
            min(vehicle.count, max(1, len(self.routing.clients))),
            start_depot=vehicle.start,
            end_depot=self._end(vehicle),
            fixed_cost=round(Fraction(vehicle.fixed_cost) * self.cost),
            unit_distance_cost=round(Fraction(vehicle.distance_cost) * per_length),
            unit_duration_cost=round(Fraction(vehicle.duration_cost) * per_time),
            name=vehicle.name,
            **limits,
        )


def _measure(amounts: NDArray[np.float64], further: Sequence[float], reach: float) -> Measure:
    """Units for amounts that sum to at most `reach`, and for limits on such sums."""
    entry = float(amounts.max(initial=0.0))
    fractions = np.unique(amounts[amounts != np.rint(amounts)]).tolist()
    values = [*fractions, *further]
    finest = min(_FINEST_ENTRY / max(entry, 1e-9), _LARGEST_SUM / max(reach, 1e-9))
    return measure(values, reach, largest=_LARGEST_SUM, finest=finest)
