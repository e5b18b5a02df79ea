"""OR-Tools' routing library on the routing form: construction and guided local search."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, floor, isfinite
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from qopt.errors import SizeError, UsageError
from qopt.forms import Route, Routing, VehicleType
from qopt.solver import Budget, Clock, Outcome, Progress, Status, Usage

from .scaling import common_denominator

MOST_LOCATIONS = 5000
"""Largest instance taken: a matrix of this size is registered for every kind of vehicle."""

_ENDLESS = 2**50
"""A whole number that no time, load or length reaches."""

_FINE = 10**6
"""Scale of data that no small common denominator makes whole."""

Strategy = Literal["path_cheapest_arc", "savings", "parallel_cheapest_insertion", "automatic"]
Metaheuristic = Literal[
    "guided_local_search", "tabu_search", "simulated_annealing", "greedy_descent"
]


@dataclass(frozen=True, kw_only=True)
class OrToolsRouting:
    """OR-Tools' routing library (Perron and Furnon, Google).

    Capacities, time windows with waiting, service times, several depots, unlike vehicles with fixed
    costs and limits, open routes and optional clients. It is a heuristic without a bound, and
    deterministic: the seed changes nothing. Its time limit is wall time. Fractional data are scaled
    to whole numbers; loads, times and lengths are rounded up and their limits down, so that what it
    finds is feasible.

    Parameters
    ----------
    first_solution : {"path_cheapest_arc", "savings", "parallel_cheapest_insertion", "automatic"}
        How the first routes are built.
    metaheuristic : str
        What leads the local search out of local optima.
    solutions : int
        Solutions that the local search visits where neither a time limit nor evaluations bound it;
        an evaluation of the budget is one such solution.
    """

    first_solution: Strategy = "path_cheapest_arc"
    metaheuristic: Metaheuristic = "guided_local_search"
    solutions: int = 2000

    def __post_init__(self) -> None:
        if self.solutions < 1:
            raise UsageError(f"solutions must be at least 1, got {self.solutions}")

    def solve(self, model: Routing, budget: Budget, seed: int, progress: Progress) -> Outcome:
        """Find routes.

        Raises
        ------
        SizeError
            Above 5000 locations.
        """
        usage = Usage()
        if model.num_locations > MOST_LOCATIONS:
            raise SizeError(
                "the routing library", model.num_locations, MOST_LOCATIONS, "locations",
                "split the clients by region",
            )
        if not model.clients:
            return Outcome(Status.FEASIBLE, [()], reason="there are no clients", usage=usage)
        with usage.phase("setup"):
            from ortools.constraint_solver import pywrapcp  # noqa: F401 - the import takes time
        clock = budget.start()
        with usage.phase("compile"):
            built = _Model(model)
        with usage.phase("execute"):
            best = _Best(model, built, progress)
            state = self._search(built, budget, clock, best, progress)
        usage.evaluations = best.seen
        return _outcome(best, state, usage, progress)

    def _search(
        self, built: "_Model", budget: Budget, clock: Clock, best: "_Best", progress: Progress
    ) -> int:
        """Run the library; the status that it ends with."""
        from ortools.constraint_solver import pywrapcp, routing_enums_pb2

        if clock.expired or progress.stopping:
            return int(routing_enums_pb2.RoutingSearchStatus.ROUTING_FAIL_TIMEOUT)
        parameters = pywrapcp.DefaultRoutingSearchParameters()
        parameters.first_solution_strategy = getattr(
            routing_enums_pb2.FirstSolutionStrategy, self.first_solution.upper()
        )
        parameters.local_search_metaheuristic = getattr(
            routing_enums_pb2.LocalSearchMetaheuristic, self.metaheuristic.upper()
        )
        if isfinite(clock.remaining):
            parameters.time_limit.FromMilliseconds(max(1, int(1000 * clock.remaining)))
        limit = budget.evaluations
        if limit is None and budget.time_limit is None:
            limit = self.solutions
        if limit is not None:
            parameters.solution_limit = limit
        built.routing.AddAtSolutionCallback(best.look)
        built.routing.AddSearchMonitor(
            built.routing.solver().CustomLimit(lambda: progress.stopping)
        )
        built.routing.SolveWithParameters(parameters)
        return int(built.routing.status())


class _Model:
    """The library's model of a routing form.

    Node ``i`` is location ``i``; one more node, free to reach, ends open routes.
    """

    def __init__(self, model: Routing) -> None:
        from ortools.constraint_solver import pywrapcp

        self.model = model
        self.kinds = [
            kind
            for kind, vehicle in enumerate(model.vehicles)
            for _ in range(min(vehicle.count, len(model.clients)))
        ]
        vehicles = [model.vehicles[kind] for kind in self.kinds]
        self.open = any(v.end is None for v in vehicles)
        away = model.num_locations
        self.manager = pywrapcp.RoutingIndexManager(
            model.num_locations + self.open,
            len(vehicles),
            [v.start for v in vehicles],
            [away if v.end is None else v.end for v in vehicles],
        )
        self.routing = pywrapcp.RoutingModel(self.manager)
        self._set_costs(vehicles)
        self._set_loads(vehicles)
        if any(isfinite(v.max_distance) for v in vehicles):
            self._set_lengths(vehicles)
        if model.has_time_windows or any(v.duration_cost for v in vehicles):
            self._set_times(vehicles)

    def _matrix(self, values: NDArray[np.float64]) -> list[list[int]]:
        """Whole entries, with the node that ends open routes."""
        size = self.model.num_locations + self.open
        whole = np.zeros((size, size), dtype=np.int64)
        whole[: len(values), : len(values)] = values
        return [[int(entry) for entry in row] for row in whole.tolist()]

    def _set_costs(self, vehicles: list[VehicleType]) -> None:
        model = self.model
        scale = _scale(
            [v.fixed_cost for v in model.vehicles],
            [c.prize for c in model.clients],
            np.concatenate([(v.distance_cost * model.distance).ravel() for v in model.vehicles]),
            [v.duration_cost for v in model.vehicles],
        )
        self.scale = scale
        arcs = [
            self.routing.RegisterTransitMatrix(
                self._matrix(np.rint(scale * v.distance_cost * model.distance))
            )
            for v in model.vehicles
        ]
        for number, (kind, vehicle) in enumerate(zip(self.kinds, vehicles, strict=True)):
            self.routing.SetArcCostEvaluatorOfVehicle(arcs[kind], number)
            self.routing.SetFixedCostOfVehicle(round(scale * vehicle.fixed_cost), number)
        for number, client in enumerate(model.clients):
            if not client.required:
                index = self.manager.NodeToIndex(model.location(number))
                self.routing.AddDisjunction([index], round(scale * client.prize))

    def _set_loads(self, vehicles: list[VehicleType]) -> None:
        model = self.model
        demands = [client.demand for client in model.clients]
        if not any(demands):
            return
        scale = _scale(demands, [v.capacity for v in vehicles])
        loads = [0] * len(model.depots) + [_up(scale * d) for d in demands] + [0] * self.open
        self.routing.AddDimensionWithVehicleCapacity(
            self.routing.RegisterUnaryTransitVector(loads),
            0,
            [_down(scale * v.capacity) for v in vehicles],
            True,
            "load",
        )

    def _set_lengths(self, vehicles: list[VehicleType]) -> None:
        distance = self.model.distance
        scale = _scale(distance.ravel(), [v.max_distance for v in vehicles])
        self.routing.AddDimensionWithVehicleCapacity(
            self.routing.RegisterTransitMatrix(self._matrix(np.ceil(scale * distance - 1e-6))),
            0,
            [_down(scale * v.max_distance) for v in vehicles],
            True,
            "distance",
        )

    def _set_times(self, vehicles: list[VehicleType]) -> None:
        """Time at a location is the start of service; a leg takes its service and the drive."""
        model = self.model
        windows = [(d.early, d.late) for d in model.depots]
        windows += [(c.early, c.late) for c in model.clients]
        service = np.array([0.0] * len(model.depots) + [c.service for c in model.clients])
        legs = model.duration + service[:, None]
        scale = _scale(
            legs.ravel(), [end for window in windows for end in window],
            [v.max_duration for v in vehicles],
        )
        leg = self.routing.RegisterTransitMatrix(self._matrix(np.ceil(scale * legs - 1e-6)))
        if self.open:
            # Service at the last client of an open route still belongs to its duration.
            whole = np.zeros((len(legs) + 1, len(legs) + 1))
            whole[: len(legs), : len(legs)] = np.ceil(scale * legs - 1e-6)
            whole[: len(legs), -1] = np.ceil(scale * service - 1e-6)
            leg = self.routing.RegisterTransitMatrix(
                [[int(entry) for entry in row] for row in whole.tolist()]
            )
        self.routing.AddDimension(leg, _ENDLESS, _ENDLESS, False, "time")
        time = self.routing.GetDimensionOrDie("time")
        for client in range(len(model.clients)):
            index = self.manager.NodeToIndex(model.location(client))
            early, late = windows[model.location(client)]
            time.CumulVar(index).SetRange(_up(scale * early), _down(scale * late))
        for number, vehicle in enumerate(vehicles):
            early, late = windows[vehicle.start]
            time.CumulVar(self.routing.Start(number)).SetRange(_up(scale * early), _ENDLESS)
            late = _ENDLESS if vehicle.end is None else _down(scale * windows[vehicle.end][1])
            time.CumulVar(self.routing.End(number)).SetMax(late)
            if isfinite(vehicle.max_duration):
                time.SetSpanUpperBoundForVehicle(_down(scale * vehicle.max_duration), number)
            if vehicle.duration_cost:
                # A unit of time is 1 / scale; the cost of one is rounded to a whole number.
                cost = round(self.scale * vehicle.duration_cost / scale)
                time.SetSpanCostCoefficientForVehicle(cost, number)
            self.routing.AddVariableMinimizedByFinalizer(time.CumulVar(self.routing.End(number)))

    def routes(self, following: Callable[[int], int]) -> tuple[Route, ...]:
        """The routes in use, by what node follows a node."""
        found = []
        depots = len(self.model.depots)
        for number, kind in enumerate(self.kinds):
            index, clients = following(self.routing.Start(number)), []
            while not self.routing.IsEnd(index):
                clients.append(self.manager.IndexToNode(index) - depots)
                index = following(index)
            if clients:
                found.append(Route(kind, tuple(clients)))
        return tuple(found)


class _Best:
    """Looks at every solution that the search visits and keeps the best by the form's own cost."""

    def __init__(self, model: Routing, built: _Model, progress: Progress) -> None:
        self.model = model
        self.built = built
        self.progress = progress
        self.seen = 0
        self.routes: tuple[Route, ...] | None = None
        self._least: int | None = None
        self._value = np.inf

    def look(self) -> None:
        """Called by the library at each solution."""
        self.seen += 1
        routing = self.built.routing
        cost = routing.CostVar().Min()
        if self._least is not None and cost >= self._least:
            return
        self._least = cost
        routes = self.built.routes(lambda index: routing.NextVar(index).Value())
        value, broken = self.model.evaluate(routes)
        if not broken and value < self._value:
            self.routes, self._value = routes, value
            self.progress.incumbent(value)


def _outcome(best: _Best, state: int, usage: Usage, progress: Progress) -> Outcome:
    from ortools.constraint_solver.routing_enums_pb2 import RoutingSearchStatus

    details: dict[str, Any] = {"solutions": best.seen}
    if best.routes is not None:
        return Outcome(Status.FEASIBLE, [best.routes], usage=usage, details=details)
    if state == RoutingSearchStatus.ROUTING_INFEASIBLE:
        return Outcome(
            Status.PROVEN_INFEASIBLE, usage=usage, details=details,
            reason="the routing library found the model infeasible before any search",
        )
    ended = "interrupted" if progress.stopping else "the search ended"
    return Outcome(
        Status.TIME_LIMIT, usage=usage, details=details,
        reason=f"{ended} without routes; this proves nothing, a longer time limit may help",
    )


def _scale(*parts: Any) -> float:
    """A scale that makes data whole where a small one does, else one fine enough."""
    values = np.concatenate([np.asarray(part, dtype=np.float64).ravel() for part in parts])
    values = values[np.isfinite(values)]
    exact = common_denominator(np.unique(values).tolist())
    if exact is not None:
        return float(exact)
    largest = float(np.abs(values).max(initial=1.0))
    return min(float(_FINE), 2.0**40 / max(largest, 1.0))


def _up(value: float) -> int:
    return min(_ENDLESS, ceil(value - 1e-6)) if isfinite(value) else _ENDLESS


def _down(value: float) -> int:
    return min(_ENDLESS, floor(value + 1e-6)) if isfinite(value) else _ENDLESS
