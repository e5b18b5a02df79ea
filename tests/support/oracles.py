"""Optima of small models by enumeration, and random small models to try solvers on."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, permutations, product
from math import inf

import numpy as np
from hypothesis import strategies as st

from qopt.forms import Client, Depot, Program, Route, Routing, Shipment, VehicleType


def best_value(program: Program) -> float | None:
    """Best objective of a whole, bounded program, or None where nothing is feasible."""
    ranges = [
        range(int(np.ceil(a)), int(np.floor(b)) + 1)
        for a, b in zip(program.lower, program.upper, strict=True)
    ]
    values = [
        program.objective(x) for x in product(*ranges) if not program.violations(np.array(x, float))
    ]
    if not values:
        return None
    return min(values) if program.sense == "minimise" else max(values)


def best_cost(routing: Routing) -> float | None:
    """Least cost of a small routing over every set of routes, or None where none is feasible.

    A single route is priced and judged by `Routing.evaluate` itself; the best routes for disjoint
    sets of clients are joined by dynamic programming over the vehicle types.
    """
    n = len(routing.clients)
    skipped = {
        s: sum(routing.clients[c].prize for c in range(n) if not s >> c & 1) for s in range(1 << n)
    }
    priced: list[dict[int, float]] = [{} for _ in routing.vehicles]
    for size in range(1, n + 1):
        for order in permutations(range(n), size):
            served = sum(1 << c for c in order)
            for kind in range(len(routing.vehicles)):
                cost, broken = routing.evaluate([Route(kind, order)])
                if all(text.endswith("is not visited") for text, _ in broken):
                    cost -= skipped[served]
                    priced[kind][served] = min(cost, priced[kind].get(served, inf))
    best = {0: 0.0}
    for kind, vehicle in enumerate(routing.vehicles):
        for _ in range(min(vehicle.count, n)):
            further = dict(best)
            for served, cost in best.items():
                for more, price in priced[kind].items():
                    if not served & more and cost + price < further.get(served | more, inf):
                        further[served | more] = cost + price
            best = further
    needed = sum(1 << c for c in range(n) if routing.clients[c].required)
    totals = [cost + skipped[s] for s, cost in best.items() if s & needed == needed]
    return min(totals, default=None)


@st.composite
def programs(draw: st.DrawFn, *, fractional: bool = True, quadratic: bool = True) -> Program:
    """Whole programs of at most five variables, with squares, mixed signs and all comparators."""
    n = draw(st.integers(1, 5))
    number = st.integers(-6, 6)
    if fractional:
        number = st.one_of(
            number.map(float),
            number.map(lambda v: v / 4),
            st.floats(-5, 5, allow_nan=False).map(lambda v: v if abs(v) > 1e-3 else 0.0),
        )
    lower = [draw(st.sampled_from([0, 0, 0, -2, 1])) for _ in range(n)]
    width = [draw(st.sampled_from([1, 1, 1, 0, 3, 5])) for _ in range(n)]
    pairs = draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=6))
    constraints = []
    for number_of in range(draw(st.integers(0, 3))):
        members = draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=n, unique=True))
        weights = [draw(st.sampled_from([1, 1, 1, -1, 2, 0.5, 0.3, 1.7])) for _ in members]
        comparator = draw(st.sampled_from(["<=", ">=", "=="]))
        rhs = draw(st.sampled_from([0, 1, 1, 2, 2, 3, 0.9, -1]))
        constraints.append((f"row{number_of}", members, weights, comparator, rhs))
    return Program.build(
        sense=draw(st.sampled_from(["minimise", "maximise"])),
        linear=[draw(number) for _ in range(n)],
        row=[a for a, _ in pairs] if quadratic else (),
        col=[b for _, b in pairs] if quadratic else (),
        value=[draw(number) for _ in pairs] if quadratic else (),
        offset=draw(number),
        lower=lower,
        upper=np.add(lower, width),
        constraints=constraints,
    )


@st.composite
def routings(
    draw: st.DrawFn, *, mixed: bool = True, divisors: Sequence[float] = (1, 1, 10, 3)
) -> Routing:
    """Routings of at most four clients with every feature of the form.

    `mixed` allows demand and pickup at the clients of a shipment; matrices are whole numbers over
    one of the `divisors`.
    """
    n = draw(st.integers(1, 4))
    depots = draw(st.integers(1, 2))
    divisor = draw(st.sampled_from(divisors))
    size = depots + n

    def matrix() -> np.ndarray:
        cells = draw(st.lists(st.integers(1, 40), min_size=size * size, max_size=size * size))
        out = np.array(cells, dtype=np.float64).reshape(size, size) / divisor
        np.fill_diagonal(out, 0.0)
        return out

    timed, collected = draw(st.booleans()), draw(st.booleans())
    clients = []
    for c in range(n):
        early = draw(st.sampled_from([0.0, 0.0, 10.0, 25.0])) if timed else 0.0
        late = early + draw(st.sampled_from([inf, 5.0, 30.0, 60.0])) if timed else inf
        clients.append(
            Client(
                f"c{c}",
                demand=draw(st.sampled_from([0.0, 1.0, 2.0, 2.5])),
                pickup=draw(st.sampled_from([0.0, 1.0, 2.5])) if collected else 0.0,
                service=draw(st.sampled_from([0.0, 3.0, 1.5])),
                early=early,
                late=late,
                prize=draw(st.sampled_from([0.0, 8.0, 30.5])),
                required=draw(st.booleans()),
            )
        )
    vehicles = []
    for k in range(draw(st.integers(1, 2))):
        start = draw(st.integers(0, depots - 1))
        vehicles.append(
            VehicleType(
                f"v{k}",
                count=draw(st.integers(1, 3)),
                capacity=draw(st.sampled_from([inf, 3.0, 4.5])),
                start=start,
                end=draw(st.sampled_from([start, start, None, depots - 1])),
                fixed_cost=draw(st.sampled_from([0.0, 5.0])),
                distance_cost=draw(st.sampled_from([1.0, 0.0, 1.5])),
                duration_cost=draw(st.sampled_from([0.0, 0.0, 1.0, 0.25])),
                max_distance=draw(st.sampled_from([inf, inf, 60.0])),
                max_duration=draw(st.sampled_from([inf, inf, 70.0])),
                early=draw(st.sampled_from([0.0, 0.0, 8.0, 20.0])) if timed else 0.0,
                late=draw(st.sampled_from([inf, inf, 90.0, 60.0])) if timed else inf,
            )
        )
    opening = [
        Depot(
            f"d{d}",
            early=draw(st.sampled_from([0.0, 5.0])) if timed else 0.0,
            late=draw(st.sampled_from([inf, 120.0, 80.0])) if timed else inf,
        )
        for d in range(depots)
    ]
    pairs = draw(st.sampled_from([0, 0, 1, 2])) if n > 1 else 0
    shipments = []
    for first, second in list(pairwise(draw(st.permutations(range(n)))))[: 2 * pairs : 2]:
        load = draw(st.sampled_from([0.0, 1.0, 2.5]))
        for c in (first, second):
            plain = {} if mixed else {"demand": 0.0, "pickup": 0.0}
            clients[c] = replace(clients[c], required=clients[first].required, **plain)
        shipments.append(Shipment(first, second, load))
    return Routing(
        tuple(opening), tuple(clients), tuple(vehicles), matrix(), matrix(),
        shipments=tuple(shipments),
    )
