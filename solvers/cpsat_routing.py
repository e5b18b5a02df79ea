"""Routings as CP-SAT models: circuits of arcs, with loads, times and lengths along them."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import SizeError
from qopt.forms import Route, Routing, VehicleType
from qopt.forms.program import tolerance

from .cheapest_routes import MOST_ROUTES, cheapest_routes, costs_are_sums_of_arcs
from .cpsat_columns import partition_model
from .cpsat_program import CpModel
from .cpsat_quantities import Values, add_lengths, add_loads, add_shipments, add_times
from .first_routes import FOUND_AT_ONCE, Ended, first_routes
from .scaling import whole_objective

MOST_LOCATIONS = 300
MOST_ARCS = 200_000
"""Arcs times vehicle types of a model, about what fits memory and the first propagation."""


def routing_model(routing: Routing) -> CpModel | None:
    """The CP-SAT model of a routing; None where a client that must be served cannot be.

    Where loads are the only limit and at most 60 000 sets of clients fit a vehicle, the model
    chooses among the cheapest routes of these sets; otherwise among arcs.

    Node 0 stands for every depot, node ``c + 1`` for client ``c``; a route is a circuit through
    node 0 (one circuit through all nodes for a travelling salesman). Where vehicle types differ,
    an arc has a literal for each type, and a client is left by the type that came. Loads, start
    times, elapsed times and lengths are variables at clients that grow along the arcs in use.

    Raises
    ------
    SizeError
        Above 300 locations, or 200 000 arcs over all vehicle types.
    UnsupportedError
        Where times, loads or lengths do not fit 64 bits as whole numbers.
    """
    remedy = "the heuristic 'pyvrp' takes more"
    if routing.num_locations > MOST_LOCATIONS:
        size = routing.num_locations
        raise SizeError("CP-SAT on routes", size, MOST_LOCATIONS, "locations", remedy)
    arcs = len(routing.vehicles) * (len(routing.clients) + 1) ** 2
    if arcs > MOST_ARCS:
        raise SizeError("CP-SAT on routes", arcs, MOST_ARCS, "arcs", remedy)
    if not routing.is_tsp and costs_are_sums_of_arcs(routing):
        columns = cheapest_routes(routing, MOST_ROUTES)
        if columns is not None:
            return partition_model(routing, columns)
    return Draft(routing).build()


@dataclass
class Draft:
    """The model while it grows. Node 0 is every depot, node ``c + 1`` client ``c``."""

    routing: Routing
    model: Any = None
    arcs: dict[tuple[int, int], Any] = field(default_factory=dict)
    """The literal of each arc."""
    typed: dict[tuple[int, int, int], Any] = field(default_factory=dict)
    """The literal of each arc for each vehicle type; the arc's own where there is one type."""
    skipped: dict[int, Any] = field(default_factory=dict)
    """For the node of each optional client, the literal of leaving it out."""
    quantities: list[Values] = field(default_factory=list)
    """What tells the values of the variables that grow along routes."""
    costs: list[tuple[Any, float, float]] = field(default_factory=list)
    """Variables, their costs and their largest values."""

    def build(self) -> CpModel | None:
        """Put the model together; None where a required client has no way in or no way out."""
        from ortools.sat.python import cp_model

        self.model = cp_model.CpModel()
        self._add_arcs()
        tails, heads = {tail for tail, _ in self.arcs}, {head for _, head in self.arcs}
        reached = (tails & heads) | set(self.skipped)
        if not reached.issuperset(self.nodes):
            return None
        self._add_circuit()
        self._add_fleet()
        self._add_quantities()
        variables = [variable for variable, _, _ in self.costs]
        linear = np.array([cost for _, cost, _ in self.costs])
        objective = whole_objective(linear, np.array([width for _, _, width in self.costs]))
        self.model.minimize(
            cp_model.LinearExpr.weighted_sum(variables, objective.coefficients.tolist())
        )
        return CpModel(
            self.model,
            self.routes,
            self._evaluate,
            objective,
            1.0,
            lambda _: 0.0,  # costs are not negative: none cancels another
            {
                "arcs": len(self.typed),
                "objective_scale": objective.scale,
                "objective_exact": objective.exact,
            },
            linear=True,
            hint=self.hint if len(self.routing.clients) > FOUND_AT_ONCE else None,
            start=self._values,
        )

    def _add_quantities(self) -> None:
        routing, adders = self.routing, []
        if any(isfinite(v.capacity) for v in routing.vehicles) and not routing.is_tsp:
            adders.append(add_loads)
        if routing.shipments:
            adders.append(add_shipments)
        if any(isfinite(v.max_distance) for v in routing.vehicles):
            adders.append(add_lengths)
        if routing.has_time_windows:
            adders.append(add_times)
        self.quantities = [add(self) for add in adders]

    def _evaluate(self, routes: tuple[Route, ...]) -> tuple[float, bool]:
        objective, broken = self.routing.evaluate(routes)
        return objective, not broken

    def routes(self, value: Callable[[Any], int]) -> tuple[Route, ...]:
        """Follow the arcs in use from node 0."""
        following: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for (tail, head, kind), literal in self.typed.items():
            if value(literal):
                following[tail].append((head, kind))
        found = []
        for node, kind in following[0]:
            clients = []
            while node != 0:
                clients.append(node - 1)
                node = following[node][0][0]
            found.append(Route(kind, tuple(clients)))
        return tuple(found)

    def hint(self, ended: Ended) -> tuple[tuple[Route, ...], list[tuple[Any, int]]] | None:
        """Routes that local search finds, with values of variables."""
        routes = first_routes(self.routing, ended)
        return None if routes is None else (routes, self._values(routes))

    def _values(self, routes: tuple[Route, ...]) -> list[tuple[Any, int]]:
        typed: set[tuple[int, int, int]] = set()
        values: list[tuple[Any, int]] = []
        for route in routes:
            stops = [0, *(c + 1 for c in route.clients), 0]
            typed |= {(a, b, route.vehicle) for a, b in pairwise(stops)}
            values += [pair for tell in self.quantities for pair in tell(route)]
        values += [(literal, int(arc in typed)) for arc, literal in self.typed.items()]
        if len(self.routing.vehicles) > 1:
            arcs = {(a, b) for a, b, _ in typed}
            values += [(literal, int(arc in arcs)) for arc, literal in self.arcs.items()]
        visited = {node for _, node, _ in typed}
        values += [(literal, int(node not in visited)) for node, literal in self.skipped.items()]
        return values

    # -- arcs and routes ------------------------------------------------------------------------

    @property
    def nodes(self) -> range:
        """The nodes of the clients."""
        return range(1, len(self.routing.clients) + 1)

    def leg(self, matrix: Any, vehicle: VehicleType, tail: int, head: int) -> float:
        """Entry of a matrix between two nodes; nothing for the end of an open route."""
        if head == 0 and vehicle.end is None:
            return 0.0
        shift = len(self.routing.depots) - 1
        start = vehicle.start if tail == 0 else tail + shift
        end = vehicle.end if head == 0 else head + shift
        return float(matrix[start, end])

    def service(self, node: int) -> float:
        """Time spent at a node."""
        return self.routing.clients[node - 1].service if node else 0.0

    def _add_arcs(self) -> None:
        nodes = range(len(self.routing.clients) + 1)
        for tail, head in ((i, j) for i in nodes for j in nodes if i != j):
            literals = []
            for kind, vehicle in enumerate(self.routing.vehicles):
                if self._is_possible(vehicle, tail, head):
                    literal = self.model.new_bool_var("")
                    self.typed[tail, head, kind] = literal
                    self.costs.append((literal, self._arc_cost(vehicle, tail, head), 1.0))
                    literals.append(literal)
            if len(literals) == 1:
                self.arcs[tail, head] = literals[0]
            elif literals:
                self.arcs[tail, head] = self.model.new_bool_var("")
                self.model.add(sum(literals) == self.arcs[tail, head])
        for c, client in enumerate(self.routing.clients):
            if not client.required:
                self.skipped[c + 1] = self.model.new_bool_var("")
                self.costs.append((self.skipped[c + 1], client.prize, 1.0))

    def hours(self, vehicle: VehicleType) -> tuple[float, float, float]:
        """Earliest and latest departure, and latest end of a route."""
        start, late = self.routing.depots[vehicle.start], vehicle.late
        if vehicle.end is not None:
            late = min(late, self.routing.depots[vehicle.end].late)
        return max(start.early, vehicle.early), start.late, late

    def into(self, node: int, kind: int) -> list[Any]:
        """Literals of the arcs by which a vehicle type comes to a node."""
        tails = range(len(self.routing.clients) + 1)
        return [self.typed[t, node, kind] for t in tails if (t, node, kind) in self.typed]

    def _is_possible(self, vehicle: VehicleType, tail: int, head: int) -> bool:
        """Whether the two nodes may follow each other on a route of this type."""
        if self._is_against_order(tail, head):
            return False
        load, capacity = self._least_load(tail, head), vehicle.capacity
        if isfinite(capacity) and load > capacity + tolerance(capacity):
            return False
        leave, closes, late = self.hours(vehicle)
        if tail == 0 and leave > closes + tolerance(closes):
            return False
        if tail:
            arrive = leave + self._soonest[vehicle.start][tail]
            leave = max(arrive, self.routing.clients[tail - 1].early) + self.service(tail)
        if head:
            late = self.routing.clients[head - 1].late
        arrive = leave + self.leg(self.routing.duration, vehicle, tail, head)
        # A service may begin late within the tolerance and pass the delay on: allow it twice.
        return arrive <= late + 2.0 * tolerance(max(1.0, abs(late), abs(arrive)))

    @cached_property
    def _pickup_of(self) -> dict[int, int]:
        """The node where the load comes from, for each node that a shipment goes to."""
        return {s.delivery + 1: s.pickup + 1 for s in self.routing.shipments}

    @cached_property
    def _sources(self) -> set[int]:
        return set(self._pickup_of.values())

    def _is_against_order(self, tail: int, head: int) -> bool:
        """Whether a route would begin with a delivery, end with a pickup, or turn a pair round."""
        if tail == 0:
            return head in self._pickup_of
        return (head == 0 and tail in self._sources) or self._pickup_of.get(tail) == head

    @cached_property
    def _aboard(self) -> list[tuple[float, float]]:
        """What is on board for a node at least, when coming to it and when leaving it."""
        needs = [(0.0, 0.0), *((c.demand, c.pickup) for c in self.routing.clients)]
        for s in self.routing.shipments:
            before, after = needs[s.pickup + 1]
            needs[s.pickup + 1] = (before, after + s.load)
            before, after = needs[s.delivery + 1]
            needs[s.delivery + 1] = (before + s.load, after)
        return needs

    def _least_load(self, tail: int, head: int) -> float:
        """The least that is on board at some point around an arc."""
        (before, left), (need, after) = self._aboard[tail], self._aboard[head]
        both = sum(
            s.load for s in self.routing.shipments if (s.pickup + 1, s.delivery + 1) == (tail, head)
        )
        return max(before + need, left + need, left + after) - both

    @cached_property
    def _soonest(self) -> dict[int, NDArray[np.float64]]:
        """Least time from each depot to each node: a way over others may be quicker."""
        routing, first = self.routing, len(self.routing.depots)
        time = routing.duration.copy()
        time[first:] += np.array([c.service for c in routing.clients])[:, None]
        # By Floyd and Warshall; scipy's takes a time of nothing for no way. Depots are passed at
        # the ends of a route only: a way over them can only be quicker.
        for via in range(len(time)):
            np.minimum(time, time[:, via, None] + time[None, via], out=time)
        return {
            depot: np.concatenate([[0.0], time[depot, first:]]) for depot in range(first)
        }

    def _arc_cost(self, vehicle: VehicleType, tail: int, head: int) -> float:
        """Cost of an arc, the service at its tail included."""
        length = self.leg(self.routing.distance, vehicle, tail, head)
        drive = self.leg(self.routing.duration, vehicle, tail, head)
        cost = vehicle.distance_cost * length
        cost += vehicle.duration_cost * (self.service(tail) + drive)
        return cost + (vehicle.fixed_cost if tail == 0 else 0.0)

    def _add_circuit(self) -> None:
        arcs = [(tail, head, literal) for (tail, head), literal in self.arcs.items()]
        arcs += [(node, node, literal) for node, literal in self.skipped.items()]
        if not any(client.required for client in self.routing.clients):
            # An idle vehicle: the circuit constraint takes a node 0 without ways for infeasible.
            idle, always = len(self.routing.clients) + 1, self.model.new_constant(1)
            arcs += [(0, idle, always), (idle, 0, always)]
        if self.routing.is_tsp and self.routing.clients:
            self.model.add_circuit(arcs)
        else:
            self.model.add_multiple_circuit(arcs)

    def _add_fleet(self) -> None:
        """Vehicles of each type, and that the type that comes is the one that leaves."""
        into: dict[tuple[int, int], list[Any]] = defaultdict(list)
        out: dict[tuple[int, int], list[Any]] = defaultdict(list)
        for (tail, head, kind), literal in self.typed.items():
            out[tail, kind].append(literal)
            into[head, kind].append(literal)
        for kind, vehicle in enumerate(self.routing.vehicles):
            if vehicle.count < len(out[0, kind]):
                self.model.add(sum(out[0, kind]) <= vehicle.count)
            if len(self.routing.vehicles) > 1:
                for node in self.nodes:
                    self.model.add(sum(into[node, kind]) == sum(out[node, kind]))
