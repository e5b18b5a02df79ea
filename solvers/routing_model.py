"""Routings as models of OR-Tools' routing library."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import ceil, inf, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.forms import Route, Routing, VehicleType
from qopt.forms.program import tolerance
from qopt.forms.whole_numbers import Measure, common_denominator, measure, power_below

_LARGEST_COST = 2.0**45
_LARGEST_AMOUNT = 2.0**31


def _measure(values: Iterable[float], reach: float) -> Measure:
    finest = _LARGEST_AMOUNT / max(reach, 1e-9)
    return measure(values, reach, largest=_LARGEST_COST, finest=finest)


@dataclass
class RoutesModel:
    """A model of OR-Tools' routing library for one routing.

    Nodes are the clients, then the depots in use, then a place where open routes end. Quantities
    are scaled to whole numbers: exactly where they have a small common denominator, else with
    amounts rounded up and limits down, so that the routes found keep the limits. Costs are rounded
    to the nearest; the caller evaluates the routes with the routing itself.

    Parameters
    ----------
    routing : Routing
        With at least one client.
    """

    routing: Routing
    manager: Any = None
    model: Any = None
    exact: bool = True
    """Whether no amount or limit was rounded."""
    kinds: list[int] = field(default_factory=list)
    """Vehicle type of each vehicle."""

    def __post_init__(self) -> None:
        from ortools.constraint_solver import pywrapcp

        routing, n = self.routing, len(self.routing.clients)
        for kind, vehicle in enumerate(routing.vehicles):
            if self._is_usable(vehicle):
                self.kinds += [kind] * min(vehicle.count, n)
        if not self.kinds:
            return
        ends = {v.start for v in routing.vehicles} | {
            v.end for v in routing.vehicles if v.end is not None
        }
        self._depots = sorted(ends)
        # A node that is no vehicle's start or end would count as a client.
        self._open = any(v.end is None for v in routing.vehicles)
        self._size = n + len(self._depots) + self._open
        self.manager = pywrapcp.RoutingIndexManager(
            self._size,
            len(self.kinds),
            [self._node(routing.vehicles[kind].start) for kind in self.kinds],
            [self._node(routing.vehicles[kind].end) for kind in self.kinds],
        )
        self.model = pywrapcp.RoutingModel(self.manager)
        self._service = np.zeros(self._size)
        self._service[:n] = [client.service for client in routing.clients]
        self._add_loads()
        self._add_shipments()
        self._add_lengths()
        unit = self._add_times()
        self._add_costs(unit)

    # -- building -------------------------------------------------------------------------------

    def _node(self, depot: int | None) -> int:
        if depot is None:
            return self._size - 1
        return len(self.routing.clients) + self._depots.index(depot)

    def _square(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """A matrix of the routing over the nodes of the model; open ends are next to all."""
        shift = len(self.routing.depots)
        places = [*range(shift, self.routing.num_locations), *self._depots]
        square = np.zeros((self._size, self._size))
        square[: len(places), : len(places)] = matrix[np.ix_(places, places)]
        # Only vehicles that stay at home go from depot to depot.
        square[len(self.routing.clients) :, len(self.routing.clients) :] = 0.0
        return square

    def _is_usable(self, vehicle: VehicleType) -> bool:
        """Whether a vehicle may leave at all; the library has idle ones keep their hours too."""
        opens, closes, late = self._hours(vehicle)
        return opens <= closes + tolerance(closes) and opens <= late + tolerance(late)

    def _hours(self, vehicle: VehicleType) -> tuple[float, float, float]:
        """Earliest and latest departure, and latest end of a route."""
        start, late = self.routing.depots[vehicle.start], vehicle.late
        if vehicle.end is not None:
            late = min(late, self.routing.depots[vehicle.end].late)
        return max(start.early, vehicle.early), start.late, late

    def _limits(self, values: Callable[[VehicleType], float]) -> list[float]:
        return [values(vehicle) for vehicle in self.routing.vehicles]

    def _register(self, matrix: NDArray[np.int64]) -> int:
        return int(self.model.RegisterTransitMatrix(matrix.tolist()))

    def _add_loads(self) -> None:
        """The load on board: what is still to be delivered, and what was collected."""
        routing = self.routing
        limits = self._limits(lambda v: v.capacity)
        if not any(isfinite(limit) for limit in limits):
            return
        demands = [client.demand for client in routing.clients]
        pickups = [client.pickup for client in routing.clients]
        carried = [shipment.load for shipment in routing.shipments]
        total = sum(demands) + sum(pickups) + sum(carried)
        limits = [min(limit, total) for limit in limits]
        unit = _measure([*demands, *pickups, *carried, *limits], total)
        self.exact &= unit.exact
        delivered = np.array([unit.amount(d) for d in demands] + [0] * (self._size - len(demands)))
        changes = -delivered
        changes[: len(pickups)] += [unit.amount(p) for p in pickups]
        for shipment in routing.shipments:
            changes[shipment.pickup] += unit.amount(shipment.load)
            changes[shipment.delivery] -= unit.amount(shipment.load)
        top = unit.amount(total) + self._size
        room = [top if limits[k] >= total else unit.limit(limits[k]) for k in self.kinds]
        if any(demands):
            self._add_load("delivered", delivered, room, from_nothing=True)
        if routing.has_pickups:
            self._add_load("load", changes, room, from_nothing=not any(demands))
        if routing.has_pickups and any(demands):
            whole = self.model.GetDimensionOrDie("delivered")
            load = self.model.GetDimensionOrDie("load")
            for number in range(len(self.kinds)):
                # All that a route delivers is on board when it leaves.
                first = load.CumulVar(self.model.Start(number))
                last = whole.CumulVar(self.model.End(number))
                self.model.solver().Add(first == last)

    def _add_load(
        self, name: str, changes: NDArray[np.int64], room: list[int], *, from_nothing: bool
    ) -> None:
        step = self.model.RegisterUnaryTransitVector(changes.tolist())
        self.model.AddDimensionWithVehicleCapacity(step, 0, room, from_nothing, name)

    def _add_shipments(self) -> None:
        """Both clients of a shipment on one route, in order."""
        if not self.routing.shipments:
            return
        step = self.model.RegisterUnaryTransitVector([1] * self._size)
        self.model.AddDimension(step, 0, self._size, True, "rank")
        rank, solver = self.model.GetDimensionOrDie("rank"), self.model.solver()
        for shipment in self.routing.shipments:
            first = self.manager.NodeToIndex(shipment.pickup)
            second = self.manager.NodeToIndex(shipment.delivery)
            self.model.AddPickupAndDelivery(first, second)
            solver.Add(self.model.VehicleVar(first) == self.model.VehicleVar(second))
            solver.Add(rank.CumulVar(first) <= rank.CumulVar(second))

    def _add_lengths(self) -> None:
        limits = self._limits(lambda v: v.max_distance)
        if not any(isfinite(limit) for limit in limits):
            return
        matrix = self._square(self.routing.distance)
        reach = float(matrix.max(axis=1).sum())
        limits = [min(limit, reach) for limit in limits]
        unit = _measure([*np.unique(matrix).tolist(), *limits], reach)
        self.exact &= unit.exact
        whole = unit.amounts(matrix)
        top = int(whole.max(axis=1).sum())
        room = [top if limits[k] >= reach else unit.limit(limits[k]) for k in self.kinds]
        self.model.AddDimensionWithVehicleCapacity(self._register(whole), 0, room, True, "length")

    def _add_times(self) -> Measure | None:
        """Clocks along the routes, where any window or limit on durations is."""
        routing = self.routing
        if not routing.has_time_windows:
            return None
        matrix = self._square(routing.duration) + self._service[:, None]
        stated = [x for window in routing.windows for x in window]
        origin = min([0.0, *(x for x in stated if isfinite(x))])
        latest = max(early for early, _ in routing.windows)
        horizon = latest - origin + float(matrix.max(axis=1).sum())
        unit = _measure(
            [*np.unique(matrix).tolist(), *stated, *self._limits(lambda v: v.max_duration)], horizon
        )
        self.exact &= unit.exact
        whole = unit.amounts(matrix)
        top = unit.amount(latest - origin) + int(whole.max(axis=1).sum())

        def window(early: float, late: float) -> tuple[int, int]:
            """A window on the model's clock, which begins at `origin`."""
            closes = min(top, unit.limit(late - origin)) if isfinite(late) else top
            return min(unit.amount(max(early - origin, 0.0)), closes), closes

        self.model.AddDimension(self._register(whole), top, top, False, "time")
        clock = self.model.GetDimensionOrDie("time")
        for c, client in enumerate(routing.clients):
            index = self.manager.NodeToIndex(c)
            clock.CumulVar(index).SetRange(*window(client.early, client.late))
        for number, kind in enumerate(self.kinds):
            vehicle = routing.vehicles[kind]
            opens, closes, late = self._hours(vehicle)
            clock.CumulVar(self.model.Start(number)).SetRange(*window(opens, closes))
            clock.CumulVar(self.model.End(number)).SetRange(*window(-inf, late))
            if vehicle.max_duration < horizon:
                clock.SetSpanUpperBoundForVehicle(unit.limit(vehicle.max_duration), number)
        return unit

    def _add_costs(self, unit: Measure | None) -> None:
        """Costs of arcs, vehicles and prizes; time costs by the clock where there is one."""
        routing = self.routing
        length, drive = self._square(routing.distance), self._square(routing.duration)
        arcs = []
        for vehicle in routing.vehicles:
            cost = vehicle.distance_cost * length
            if unit is None:
                cost = cost + vehicle.duration_cost * (drive + self._service[:, None])
            arcs.append(cost)
        spans = [0.0 if unit is None else v.duration_cost / unit.scale for v in routing.vehicles]
        stated = [x for cost in arcs for x in np.unique(cost).tolist()]
        stated += [x for v in routing.vehicles for x in (v.fixed_cost,)]
        stated += [client.prize for client in routing.clients] + spans
        reach = sum(float(cost.max(axis=1).sum()) for cost in arcs) + sum(
            abs(client.prize) for client in routing.clients
        )
        reach += sum(routing.vehicles[k].fixed_cost for k in self.kinds)
        if unit is not None:
            clock = self.model.GetDimensionOrDie("time")
            reach += max(spans) * len(self.kinds) * clock.CumulVar(0).Max()
        denominator = common_denominator(stated, inf)
        scale = power_below(_LARGEST_COST / max(reach, 1e-9))
        if denominator is not None and denominator * reach <= _LARGEST_COST:
            scale = float(denominator)
        steps = [self._register(np.rint(cost * scale).astype(np.int64)) for cost in arcs]
        for number, kind in enumerate(self.kinds):
            vehicle = routing.vehicles[kind]
            self.model.SetArcCostEvaluatorOfVehicle(steps[kind], number)
            self.model.SetFixedCostOfVehicle(round(vehicle.fixed_cost * scale), number)
            if unit is not None and spans[kind] > 0.0:
                span = max(1, round(spans[kind] * scale))
                self.model.GetDimensionOrDie("time").SetSpanCostCoefficientForVehicle(span, number)
        for c, client in enumerate(routing.clients):
            if not client.required:
                # The library takes a negative penalty for "must be visited".
                penalty = max(0, round(client.prize * scale))
                self.model.AddDisjunction([self.manager.NodeToIndex(c)], penalty)

    @property
    def first_solution(self) -> str:
        """How first routes are best built, by the library's name of the strategy.

        Its own choice builds routes one after the other, and finds none where windows are narrow.
        """
        return "PARALLEL_CHEAPEST_INSERTION" if self.routing.has_time_windows else "AUTOMATIC"

    # -- searching ------------------------------------------------------------------------------

    def search(
        self,
        first_solution: str,
        metaheuristic: str,
        ended: Callable[[], bool],
        found: Callable[[tuple[Route, ...]], None],
        seconds: float = inf,
    ) -> str:
        """Search until `ended` says so.

        Parameters
        ----------
        first_solution, metaheuristic : str
            Names of the library's strategies, in its own upper case.
        ended : callable
            Asked at every step of the search, the same number of times for the same work.
        found : callable
            Given every solution as it comes, better than those before or not.
        seconds : float
            A limit of the library's own: it does not ask `ended` while it builds a first solution,
            which takes long where there is hardly any.

        Returns
        -------
        str
            The library's status: ``"ROUTING_SUCCESS"``, ``"ROUTING_INFEASIBLE"`` and others.
        """
        from ortools.constraint_solver import pywrapcp
        from ortools.constraint_solver import routing_enums_pb2 as enums

        if not self.kinds:
            if any(client.required for client in self.routing.clients):
                return "ROUTING_INFEASIBLE"
            found(())
            return "ROUTING_SUCCESS"
        parameters = pywrapcp.DefaultRoutingSearchParameters()
        # `ended` is the limit of most searches; without any of its own the library warns.
        parameters.time_limit.FromMilliseconds(ceil(1000.0 * min(seconds, 1e7)))
        parameters.first_solution_strategy = enums.FirstSolutionStrategy.Value.Value(first_solution)
        parameters.local_search_metaheuristic = enums.LocalSearchMetaheuristic.Value.Value(
            metaheuristic
        )
        self.model.CloseModelWithParameters(parameters)
        self.model.AddSearchMonitor(self.model.solver().CustomLimit(ended))
        self.model.AddAtSolutionCallback(lambda: found(self._routes()))
        self.model.SolveWithParameters(parameters)
        return str(enums.RoutingSearchStatus.Value.Name(self.model.status()))

    def _routes(self) -> tuple[Route, ...]:
        """The routes of the solution that the search stands at."""
        routes = []
        for number, kind in enumerate(self.kinds):
            index = self.model.NextVar(self.model.Start(number)).Value()
            clients = []
            while not self.model.IsEnd(index):
                clients.append(self.manager.IndexToNode(index))
                index = self.model.NextVar(index).Value()
            if clients:
                routes.append(Route(kind, tuple(clients)))
        return tuple(routes)
