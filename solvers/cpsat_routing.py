"""Routings as CP-SAT models: circuits of arcs, with loads, times and lengths along them."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate, pairwise
from math import floor, inf, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import SizeError, UnsupportedError
from qopt.forms import Route, Routing, VehicleType
from qopt.forms.program import TOLERANCE, tolerance
from qopt.forms.whole_numbers import common_denominator, power_below

from .cpsat_program import CpModel
from .routing_model import RoutesModel
from .scaling import whole_objective

MOST_LOCATIONS = 300
MOST_ARCS = 200_000
"""Arcs times vehicle types of a model, about what fits memory and the first propagation."""

_LARGEST_HORIZON = 2.0**50

_FOUND_AT_ONCE = 25
"""Clients up to which CP-SAT finds routes by itself at once."""


def routing_model(routing: Routing) -> CpModel | None:
    """The CP-SAT model of a routing; None where a client that must be served cannot be.

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
    remedy = "the heuristic 'routing' takes more"
    if routing.num_locations > MOST_LOCATIONS:
        size = routing.num_locations
        raise SizeError("CP-SAT on routes", size, MOST_LOCATIONS, "locations", remedy)
    arcs = len(routing.vehicles) * (len(routing.clients) + 1) ** 2
    if arcs > MOST_ARCS:
        raise SizeError("CP-SAT on routes", arcs, MOST_ARCS, "arcs", remedy)
    return _Draft(routing).build()


@dataclass(frozen=True)
class _Measure:
    """Whole units of a quantity that adds up along a route.

    Amounts are rounded down and limits are widened within the tolerance of the form's own check, so
    that the model never forbids a feasible route and its routes keep the limits.
    """

    scale: int
    exact: bool

    def amount(self, value: float) -> int:
        """An amount, rounded down."""
        return round(value * self.scale) if self.exact else floor(value * self.scale)

    def limit(self, value: float) -> int:
        """A finite limit, widened by half its tolerance where amounts are rounded."""
        if self.exact:
            return round(value * self.scale)
        return floor((value + 0.5 * tolerance(value)) * self.scale) + 1


def _measure(values: Iterable[float], stops: int, reach: float) -> _Measure:
    """Units for `values` that sum to at most `reach` over at most `stops` terms."""
    denominator = common_denominator(values, inf)
    if denominator is not None and denominator * reach <= _LARGEST_HORIZON:
        return _Measure(denominator, exact=True)
    scale = int(power_below(8.0 * (stops + 3) / TOLERANCE))
    if scale * reach > _LARGEST_HORIZON:
        raise UnsupportedError(
            f"times, loads or lengths up to {reach:g} with fractions need more than 64 bits as "
            "whole numbers; round them, or solve it with 'routing'"
        )
    return _Measure(scale, exact=False)


@dataclass
class _Draft:
    """The model while it grows. Node 0 is every depot, node ``c + 1`` client ``c``."""

    routing: Routing
    model: Any = None
    arcs: dict[tuple[int, int], Any] = field(default_factory=dict)
    """The literal of each arc."""
    typed: dict[tuple[int, int, int], Any] = field(default_factory=dict)
    """The literal of each arc for each vehicle type; the arc's own where there is one type."""
    skipped: dict[int, Any] = field(default_factory=dict)
    """For the node of each optional client, the literal of leaving it out."""
    loads: dict[int, Any] = field(default_factory=dict)
    """For the node of each client, the load when leaving it, where loads are limited."""
    demands: list[int] = field(default_factory=list)
    """Demand of each node, in whole units."""
    costs: list[tuple[Any, float, float]] = field(default_factory=list)
    """Variables, their costs and their largest values."""

    def build(self) -> CpModel | None:
        """Put the model together; None where a required client has no way in or no way out."""
        from ortools.sat.python import cp_model

        self.model = cp_model.CpModel()
        self._add_arcs()
        tails, heads = {tail for tail, _ in self.arcs}, {head for _, head in self.arcs}
        reached = (tails & heads) | set(self.skipped)
        if not reached.issuperset(self._nodes):
            return None
        self._add_circuit()
        self._add_fleet()
        if any(isfinite(v.capacity) for v in self.routing.vehicles) and not self.routing.is_tsp:
            self._add_loads()
        if any(isfinite(v.max_distance) for v in self.routing.vehicles):
            self._add_lengths()
        if self.routing.has_time_windows:
            self._add_times()
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
            hint=self.hint if len(self.routing.clients) > _FOUND_AT_ONCE else None,
        )

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

    def hint(
        self, ended: Callable[[], bool]
    ) -> tuple[tuple[Route, ...], list[tuple[Any, int]]] | None:
        """Routes that the routing library finds by descent, with values of arcs and loads."""
        best: tuple[float, tuple[Route, ...]] = (inf, ())

        def found(routes: tuple[Route, ...]) -> None:
            nonlocal best
            objective, feasible = self._evaluate(routes)
            if feasible and objective < best[0]:
                best = (objective, routes)

        RoutesModel(self.routing).search("AUTOMATIC", "GREEDY_DESCENT", ended, found)
        if best[0] == inf:
            return None
        return best[1], self._values(best[1])

    def _values(self, routes: tuple[Route, ...]) -> list[tuple[Any, int]]:
        typed: set[tuple[int, int, int]] = set()
        values: list[tuple[Any, int]] = []
        for route in routes:
            stops = [0, *(c + 1 for c in route.clients), 0]
            typed |= {(a, b, route.vehicle) for a, b in pairwise(stops)}
            if self.loads:
                sums = accumulate(self.demands[node] for node in stops[1:-1])
                values += zip((self.loads[node] for node in stops[1:-1]), sums, strict=True)
        values += [(literal, int(arc in typed)) for arc, literal in self.typed.items()]
        if len(self.routing.vehicles) > 1:
            arcs = {(a, b) for a, b, _ in typed}
            values += [(literal, int(arc in arcs)) for arc, literal in self.arcs.items()]
        visited = {node for _, node, _ in typed}
        values += [(literal, int(node not in visited)) for node, literal in self.skipped.items()]
        return values

    # -- arcs and routes ------------------------------------------------------------------------

    @property
    def _nodes(self) -> range:
        """The nodes of the clients."""
        return range(1, len(self.routing.clients) + 1)

    def _leg(self, matrix: Any, vehicle: VehicleType, tail: int, head: int) -> float:
        """Entry of a matrix between two nodes; nothing for the end of an open route."""
        if head == 0 and vehicle.end is None:
            return 0.0
        shift = len(self.routing.depots) - 1
        start = vehicle.start if tail == 0 else tail + shift
        end = vehicle.end if head == 0 else head + shift
        return float(matrix[start, end])

    def _service(self, node: int) -> float:
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

    def _is_possible(self, vehicle: VehicleType, tail: int, head: int) -> bool:
        """Whether the two nodes may follow each other on a route of this type."""
        clients = self.routing.clients
        load = sum(clients[node - 1].demand for node in (tail, head) if node)
        if isfinite(vehicle.capacity) and load > vehicle.capacity + tolerance(vehicle.capacity):
            return False
        leave = self.routing.depots[vehicle.start].early
        if tail:
            arrive = leave + self._soonest[vehicle.start][tail]
            leave = max(arrive, clients[tail - 1].early) + self._service(tail)
        late = inf
        if head:
            late = clients[head - 1].late
        elif vehicle.end is not None:
            late = self.routing.depots[vehicle.end].late
        arrive = leave + self._leg(self.routing.duration, vehicle, tail, head)
        # A service may begin late within the tolerance and pass the delay on: allow it twice.
        return arrive <= late + 2.0 * tolerance(max(1.0, abs(late), abs(arrive)))

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
        length = self._leg(self.routing.distance, vehicle, tail, head)
        drive = self._leg(self.routing.duration, vehicle, tail, head)
        cost = vehicle.distance_cost * length
        cost += vehicle.duration_cost * (self._service(tail) + drive)
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
                for node in self._nodes:
                    self.model.add(sum(into[node, kind]) == sum(out[node, kind]))

    # -- what grows along a route ---------------------------------------------------------------

    def _into(self, node: int, kind: int) -> list[Any]:
        tails = range(len(self.routing.clients) + 1)
        return [self.typed[t, node, kind] for t in tails if (t, node, kind) in self.typed]

    def _add_loads(self) -> None:
        clients, vehicles = self.routing.clients, self.routing.vehicles
        total = sum(c.demand for c in clients)
        limits = [min(v.capacity, total) for v in vehicles]
        unit = _measure([*(c.demand for c in clients), *limits], len(clients), total)
        demand = self.demands = [0, *(unit.amount(c.demand) for c in clients)]
        capacity = [unit.limit(limit) for limit in limits]
        most = max(capacity)
        load = self.loads
        for node in self._nodes:
            load[node] = self.model.new_int_var(min(demand[node], most), most, "")
            if len(vehicles) > 1:
                room = sum(
                    q * literal for k, q in enumerate(capacity) for literal in self._into(node, k)
                )
                self.model.add(load[node] <= room + most * self.skipped.get(node, 0))
        for (tail, head), literal in self.arcs.items():
            if tail and head:
                step = load[head] >= load[tail] + demand[head]
                self.model.add(step).only_enforce_if(literal)
        # All vehicles that start have room for all that is delivered.
        carried = sum(
            demand[node] * (1 - self.skipped[node] if node in self.skipped else 1)
            for node in self._nodes
        )
        room = sum(
            q * self.typed[0, node, k]
            for k, q in enumerate(capacity)
            for node in self._nodes
            if (0, node, k) in self.typed
        )
        self.model.add(room >= carried)

    def _add_lengths(self) -> None:
        routing = self.routing
        finite = [v.max_distance for v in routing.vehicles if isfinite(v.max_distance)]
        reach = float(routing.distance.max(axis=1).sum())
        unit = _measure(
            [*np.unique(routing.distance).tolist(), *finite], routing.num_locations, reach
        )
        top = unit.limit(reach) + 1
        length = {node: self.model.new_int_var(0, top, "") for node in self._nodes}
        for (tail, head, kind), literal in self.typed.items():
            vehicle = routing.vehicles[kind]
            step = unit.amount(self._leg(routing.distance, vehicle, tail, head))
            so_far = length[tail] + step if tail else step
            if head:
                self.model.add(length[head] >= so_far).only_enforce_if(literal)
            elif isfinite(vehicle.max_distance):
                limit = unit.limit(vehicle.max_distance)
                self.model.add(so_far <= limit).only_enforce_if(literal)

    def _add_times(self) -> None:
        routing = self.routing
        clients, depots = routing.clients, routing.depots
        opening = max([c.early for c in clients] + [d.early for d in depots], default=0.0)
        horizon = opening + float(routing.duration.max(axis=1).sum())
        horizon += sum(c.service for c in clients)
        stated = [x for c in clients for x in (c.service, c.early, c.late)]
        stated += [x for d in depots for x in (d.early, d.late)]
        stated += [v.max_duration for v in routing.vehicles]
        unit = _measure(
            [*np.unique(routing.duration).tolist(), *stated], routing.num_locations + 2, horizon
        )
        self._add_starts(unit, horizon)

    def _add_starts(self, unit: _Measure, horizon: float) -> None:
        """Start of service at each client; elapsed time and waiting where they count."""
        routing, model = self.routing, self.model
        top = unit.limit(horizon) + 1
        start, elapsed = {}, {}
        limited = any(isfinite(v.max_duration) for v in routing.vehicles)
        for node in self._nodes:
            client = routing.clients[node - 1]
            late = min(top, unit.limit(client.late)) if isfinite(client.late) else top
            start[node] = model.new_int_var(min(unit.amount(client.early), late), late, "")
            if limited:
                elapsed[node] = model.new_int_var(0, top, "")
        waits: dict[tuple[int, int], Any] = {}
        for (tail, head, kind), literal in self.typed.items():
            vehicle = routing.vehicles[kind]
            drive = self._leg(routing.duration, vehicle, tail, head)
            step = unit.amount(self._service(tail) + drive)
            if tail == 0:
                opening = unit.amount(routing.depots[vehicle.start].early)
                model.add(start[head] >= opening + step).only_enforce_if(literal)
                if limited:
                    model.add(elapsed[head] >= step).only_enforce_if(literal)
            elif head == 0:
                if vehicle.end is not None and isfinite(routing.depots[vehicle.end].late):
                    closing = unit.limit(routing.depots[vehicle.end].late)
                    model.add(start[tail] + step <= closing).only_enforce_if(literal)
                if isfinite(vehicle.max_duration):
                    limit = unit.limit(vehicle.max_duration)
                    model.add(elapsed[tail] + step <= limit).only_enforce_if(literal)
            else:
                gone = start[head] - start[tail]
                model.add(gone >= step).only_enforce_if(literal)
                if limited:
                    model.add(elapsed[head] >= elapsed[tail] + gone).only_enforce_if(literal)
                if vehicle.duration_cost > 0:
                    wait = self._wait(waits, head, kind, unit, top)
                    # Rounding may have made `gone` longer by one and `step` shorter by one.
                    rounding = 0 if unit.exact else 2
                    model.add(wait >= gone - step - rounding).only_enforce_if(literal)

    def _wait(
        self, waits: dict[tuple[int, int], Any], node: int, kind: int, unit: _Measure, top: int
    ) -> Any:
        """Waiting of a vehicle type before the service at a node, paid for."""
        if (node, kind) not in waits:
            wait = waits[node, kind] = self.model.new_int_var(0, top, "")
            cost = self.routing.vehicles[kind].duration_cost / unit.scale
            self.costs.append((wait, cost, float(top)))
        return waits[node, kind]
