"""What grows along the routes of a CP-SAT model: loads, lengths, times, and the order of visits.

Each function adds variables at the clients and constraints on the arcs in use to a draft of
`cpsat_routing`, and gives a function that tells their values for a route, for hints. Amounts are
rounded down and limits widened, so that no feasible route is ever forbidden.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import floor, inf, isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from qopt.errors import UnsupportedError
from qopt.forms import Route, VehicleType
from qopt.forms.program import TOLERANCE, tolerance
from qopt.forms.whole_numbers import common_denominator, power_below

if TYPE_CHECKING:
    from .cpsat_routing import Draft

Values = Callable[[Route], list[tuple[Any, int]]]
"""Variables and their values for a route."""

_LARGEST_HORIZON = 2.0**50


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
            "whole numbers; round them, or solve it with 'pyvrp'"
        )
    return _Measure(scale, exact=False)


# -- loads --------------------------------------------------------------------------------------


def add_loads(draft: "Draft") -> Values:
    """Loads on board: what is still to be delivered, and what was collected."""
    routing = draft.routing
    delivered = [c.demand for c in routing.clients]
    collected = [c.pickup for c in routing.clients]
    shipped = [s.load for s in routing.shipments]
    total = sum(delivered) + sum(collected) + sum(shipped)
    limits = [min(v.capacity, total) for v in routing.vehicles]
    stops = len(routing.clients) + len(shipped)
    unit = _measure([*delivered, *collected, *shipped, *limits], stops, total)
    capacity = [unit.limit(limit) for limit in limits]
    demand = [0, *(unit.amount(d) for d in delivered)]
    pickup = [0, *(unit.amount(p) for p in collected)]
    for amounts in (demand, pickup):
        if any(amounts):
            _add_room(draft, amounts, capacity)
    if not routing.has_pickups:
        return _add_deliveries(draft, demand, capacity)
    change = pickup.copy()
    for shipment in routing.shipments:
        change[shipment.pickup + 1] += unit.amount(shipment.load)
        change[shipment.delivery + 1] -= unit.amount(shipment.load)
    return _add_both_ways(draft, demand, change, capacity)


def _add_room(draft: "Draft", amounts: Sequence[int], capacity: Sequence[int]) -> None:
    """All vehicles that start have room for all that is delivered, or collected."""
    carried = sum(
        amounts[node] * (1 - draft.skipped[node] if node in draft.skipped else 1)
        for node in draft.nodes
    )
    room = sum(
        q * draft.typed[0, node, k]
        for k, q in enumerate(capacity)
        for node in draft.nodes
        if (0, node, k) in draft.typed
    )
    draft.model.add(room >= carried)


def _room(draft: "Draft", node: int, capacity: Sequence[int]) -> Any:
    """Capacity of the vehicle that comes to a node, or a bound on all loads if none does."""
    if len(capacity) == 1:
        return capacity[0]
    came = sum(q * literal for k, q in enumerate(capacity) for literal in draft.into(node, k))
    return came + 2 * max(capacity) * draft.skipped.get(node, 0)


def _add_deliveries(draft: "Draft", demand: Sequence[int], capacity: Sequence[int]) -> Values:
    """What a route has delivered up to each client: where nothing is collected, that is enough."""
    most = max(capacity)
    load = {n: draft.model.new_int_var(min(demand[n], most), most, "") for n in draft.nodes}
    if len(capacity) > 1:
        for node in draft.nodes:
            draft.model.add(load[node] <= _room(draft, node, capacity))
    for (tail, head), literal in draft.arcs.items():
        if tail and head:
            step = load[head] >= load[tail] + demand[head]
            draft.model.add(step).only_enforce_if(literal)

    def values(route: Route) -> list[tuple[Any, int]]:
        stops = [c + 1 for c in route.clients]
        sums = accumulate(demand[node] for node in stops)
        return list(zip((load[node] for node in stops), sums, strict=True))

    return values


def _add_both_ways(
    draft: "Draft", demand: Sequence[int], change: Sequence[int], capacity: Sequence[int]
) -> Values:
    """What is left to be delivered and what is collected, when leaving each client."""
    model, most = draft.model, max(capacity)
    rest = {n: model.new_int_var(0, most if any(demand) else 0, "") for n in draft.nodes}
    load = {n: model.new_int_var(max(0, min(change[n], most)), most, "") for n in draft.nodes}
    for node in draft.nodes:
        model.add(rest[node] + load[node] <= _room(draft, node, capacity))
    for (tail, head), literal in draft.arcs.items():
        if tail and head:
            model.add(load[head] >= load[tail] + change[head]).only_enforce_if(literal)
            model.add(rest[tail] >= rest[head] + demand[head]).only_enforce_if(literal)
    for (tail, head, kind), literal in draft.typed.items():
        if tail == 0:
            model.add(rest[head] + demand[head] <= capacity[kind]).only_enforce_if(literal)

    def values(route: Route) -> list[tuple[Any, int]]:
        stops = [c + 1 for c in route.clients]
        left, aboard, told = sum(demand[n] for n in stops), 0, []
        for node in stops:
            left, aboard = left - demand[node], aboard + change[node]
            told += [(rest[node], left), (load[node], aboard)]
        return told

    return values


# -- shipments ----------------------------------------------------------------------------------


def add_shipments(draft: "Draft") -> Values:
    """Both clients of a shipment on one route, in order."""
    model, most = draft.model, len(draft.nodes)
    rank = {n: model.new_int_var(1, most, "") for n in draft.nodes}
    # A route is known by its first client.
    first = {n: model.new_int_var(1, most, "") for n in draft.nodes}
    for (tail, head), literal in draft.arcs.items():
        if tail == 0:
            model.add(first[head] == head).only_enforce_if(literal)
        elif head:
            model.add(rank[head] >= rank[tail] + 1).only_enforce_if(literal)
            model.add(first[head] == first[tail]).only_enforce_if(literal)
    for shipment in draft.routing.shipments:
        pickup, delivery = shipment.pickup + 1, shipment.delivery + 1
        model.add(rank[delivery] >= rank[pickup] + 1)
        model.add(first[delivery] == first[pickup])
        if pickup in draft.skipped:
            model.add(draft.skipped[pickup] == draft.skipped[delivery])

    def values(route: Route) -> list[tuple[Any, int]]:
        stops = [c + 1 for c in route.clients]
        told = [(rank[node], place) for place, node in enumerate(stops, 1)]
        return told + [(first[node], stops[0]) for node in stops]

    return values


# -- lengths ------------------------------------------------------------------------------------


def add_lengths(draft: "Draft") -> Values:
    """Length of the route up to each client."""
    routing, model = draft.routing, draft.model
    finite = [v.max_distance for v in routing.vehicles if isfinite(v.max_distance)]
    reach = float(routing.distance.max(axis=1).sum())
    unit = _measure([*np.unique(routing.distance).tolist(), *finite], routing.num_locations, reach)
    top = unit.limit(reach) + 1
    length = {node: model.new_int_var(0, top, "") for node in draft.nodes}
    steps = {
        (tail, head, kind): unit.amount(
            draft.leg(routing.distance, routing.vehicles[kind], tail, head)
        )
        for tail, head, kind in draft.typed
    }
    for (tail, head, kind), literal in draft.typed.items():
        step = steps[tail, head, kind]
        so_far = length[tail] + step if tail else step
        if head:
            model.add(length[head] >= so_far).only_enforce_if(literal)
        elif isfinite(routing.vehicles[kind].max_distance):
            limit = unit.limit(routing.vehicles[kind].max_distance)
            model.add(so_far <= limit).only_enforce_if(literal)

    def values(route: Route) -> list[tuple[Any, int]]:
        told, so_far, tail = [], 0, 0
        for head in (c + 1 for c in route.clients):
            so_far += steps.get((tail, head, route.vehicle), 0)
            told.append((length[head], so_far))
            tail = head
        return told

    return values


# -- times --------------------------------------------------------------------------------------


def add_times(draft: "Draft") -> Values:
    """Start of service at each client; elapsed time and waiting where they count."""
    routing = draft.routing
    horizon = max(early for early, _ in routing.windows)
    horizon += float(routing.duration.max(axis=1).sum()) + sum(c.service for c in routing.clients)
    stated = [x for window in routing.windows for x in window]
    stated += [c.service for c in routing.clients] + [v.max_duration for v in routing.vehicles]
    unit = _measure(
        [*np.unique(routing.duration).tolist(), *stated], routing.num_locations + 2, horizon
    )
    clock = _Clock(draft, unit, unit.limit(horizon) + 1)
    for arc, literal in draft.typed.items():
        clock.add_arc(*arc, literal)
    return clock.values


class _Clock:
    """The variables of time."""

    def __init__(self, draft: "Draft", unit: _Measure, top: int) -> None:
        self.draft, self.unit, self.top = draft, unit, top
        model, routing = draft.model, draft.routing
        self.start: dict[int, Any] = {}
        self.earliest: dict[int, int] = {}
        self.waits: dict[tuple[int, int], Any] = {}
        self.limited = any(isfinite(v.max_duration) for v in routing.vehicles)
        self.elapsed = {
            node: model.new_int_var(0, top, "") for node in draft.nodes if self.limited
        }
        opening = min(draft.hours(vehicle)[0] for vehicle in routing.vehicles)
        for node in draft.nodes:
            client = routing.clients[node - 1]
            late = min(top, unit.limit(client.late)) if isfinite(client.late) else top
            early = min(unit.amount(max(client.early, opening)), late)
            self.start[node] = model.new_int_var(early, late, "")
            self.earliest[node] = early

    def _step(self, vehicle: VehicleType, tail: int, head: int) -> int:
        """Service at the tail and driving to the head."""
        drive = self.draft.leg(self.draft.routing.duration, vehicle, tail, head)
        return self.unit.amount(self.draft.service(tail) + drive)

    def add_arc(self, tail: int, head: int, kind: int, literal: Any) -> None:
        """What holds where a vehicle of this type goes from one node to the other."""
        vehicle = self.draft.routing.vehicles[kind]
        step = self._step(vehicle, tail, head)
        if tail == 0:
            self._leave(head, kind, step, literal)
        elif head == 0:
            self._return(tail, vehicle, step, literal)
        else:
            gone = self.start[head] - self.start[tail]
            self.draft.model.add(gone >= step).only_enforce_if(literal)
            if self.limited:
                grown = self.elapsed[head] >= self.elapsed[tail] + gone
                self.draft.model.add(grown).only_enforce_if(literal)
            self._pay(head, kind, gone - step, literal)

    def _leave(self, head: int, kind: int, step: int, literal: Any) -> None:
        model = self.draft.model
        opens, closes, _ = self.draft.hours(self.draft.routing.vehicles[kind])
        opening = self.unit.amount(opens)
        model.add(self.start[head] >= opening + step).only_enforce_if(literal)
        if self.limited:
            model.add(self.elapsed[head] >= step).only_enforce_if(literal)
        if isfinite(closes):
            # Leaving by closing time may mean to wait at the first client.
            away = self.start[head] - self.unit.limit(closes)
            if self.limited:
                model.add(self.elapsed[head] >= away).only_enforce_if(literal)
            self._pay(head, kind, away - step, literal)

    def _return(self, tail: int, vehicle: VehicleType, step: int, literal: Any) -> None:
        model = self.draft.model
        late = self.draft.hours(vehicle)[2]
        if isfinite(late):
            end = self.start[tail] + step
            model.add(end <= self.unit.limit(late)).only_enforce_if(literal)
        if isfinite(vehicle.max_duration):
            limit = self.unit.limit(vehicle.max_duration)
            model.add(self.elapsed[tail] + step <= limit).only_enforce_if(literal)

    def _pay(self, node: int, kind: int, waited: Any, literal: Any) -> None:
        """Waiting of a vehicle type before the service at a node costs as driving does."""
        vehicle = self.draft.routing.vehicles[kind]
        if vehicle.duration_cost <= 0:
            return
        if (node, kind) not in self.waits:
            wait = self.waits[node, kind] = self.draft.model.new_int_var(0, self.top, "")
            price = vehicle.duration_cost / self.unit.scale
            self.draft.costs.append((wait, price, float(self.top)))
        # Rounding may have made the way longer by one and its parts shorter by one.
        rounding = 0 if self.unit.exact else 2
        wait = self.waits[node, kind]
        self.draft.model.add(wait >= waited - rounding).only_enforce_if(literal)

    def values(self, route: Route) -> list[tuple[Any, int]]:
        """Each service as early as it may begin."""
        vehicle = self.draft.routing.vehicles[route.vehicle]
        now, tail, told = self.unit.amount(self.draft.hours(vehicle)[0]), 0, []
        for head in (c + 1 for c in route.clients):
            now = max(now + self._step(vehicle, tail, head), self.earliest[head])
            told.append((self.start[head], now))
            tail = head
        return told
