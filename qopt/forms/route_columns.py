"""Route columns: a routing as the choice of some of a few given routes.

Bit ``r`` says that route ``r`` is driven. Every required client must lie on exactly one chosen
route and every optional one on at most one: a set partitioning problem (Balinski and Quandt, 1964),
whose size does not grow with the instance but with the routes that are offered. Windows, loads and
limits on distance and time are kept by each route, so that the model need not know them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import inf, isfinite

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, UsageError
from .binary_code import bit_values
from .lowering import Lowering, Penalties
from .qubo import Group, Qubo
from .routing import Route, Routing

_MARGIN = 1e-3
"""Share of the largest cost by which weights of fractional costs exceed what is proven."""


@dataclass(frozen=True, eq=False)
class RouteColumns:
    """Routes of a routing to choose from, and an answer that is made of them.

    Parameters
    ----------
    routing : Routing
    routes : tuple of Route
        Each one with clients and without violations of its own.
    answer : tuple of Route
        A feasible answer made of `routes`.

    Raises
    ------
    InputError
        Where a route breaks a limit, visits a client twice or half of a shipment, or the answer is
        infeasible or has a route that is not offered.
    """

    routing: Routing
    routes: tuple[Route, ...] = field(repr=False)
    answer: tuple[Route, ...] = field(repr=False)

    def __post_init__(self) -> None:
        for number, route in enumerate(self.routes, 1):
            if fault := column_fault(self.routing, route):
                raise InputError(f"column {number} is no route of the instance: {fault}")
        offered = set(self.routes)
        for route in self.answer:
            if route.clients and route not in offered:
                raise InputError(f"the answer has a route that is not offered: {route}")
        if broken := self.routing.evaluate(self.answer)[1]:
            raise InputError(f"the answer that the columns hold is infeasible: {broken[0][0]}")

    @cached_property
    def costs(self) -> NDArray[np.float64]:
        """Cost of each route, shape (routes,)."""
        return np.array([self.routing.evaluate_route(route)[0] for route in self.routes])

    @cached_property
    def incumbent(self) -> float:
        """Objective of `answer`."""
        return self.routing.evaluate(self.answer)[0]

    @cached_property
    def covers(self) -> NDArray[np.float64]:
        """Entry (c, r) is 1 where client ``c`` lies on route ``r``, shape (clients, routes)."""
        matrix = np.zeros((len(self.routing.clients), len(self.routes)))
        for r, route in enumerate(self.routes):
            matrix[list(route.clients), r] = 1.0
        return matrix

    @cached_property
    def fleets(self) -> tuple["Fleet", ...]:
        """Kinds of vehicles of which a choice of routes could take more than there are."""
        found = []
        for kind, vehicle in enumerate(self.routing.vehicles):
            members = [r for r, route in enumerate(self.routes) if route.vehicle == kind]
            if len(members) > vehicle.count:
                least, most = routes_in_use(self.routing, self.routes, kind)
                if most > vehicle.count:
                    found.append(Fleet(kind, tuple(members), least, vehicle.count))
        return tuple(found)


@dataclass(frozen=True)
class Fleet:
    """A limit on how many of some columns are chosen.

    Parameters
    ----------
    kind : int
        Index of the vehicle type.
    columns : tuple of int
        Routes that such a vehicle drives.
    least, most : int
        Every choice that serves the clients takes at least `least` of them; `most` there are.
    """

    kind: int
    columns: tuple[int, ...]
    least: int
    most: int


def column_fault(routing: Routing, route: Route) -> str:
    """What keeps a route from being a column, in words; empty where nothing does."""
    if not route.clients:
        return "it has no clients"
    if not 0 <= route.vehicle < len(routing.vehicles):
        return f"vehicle type {route.vehicle} does not exist"
    if not all(0 <= c < len(routing.clients) for c in route.clients):
        return "it visits a client that does not exist"
    visited = set(route.clients)
    if len(visited) < len(route.clients):
        return "it visits a client twice"
    for shipment in routing.shipments:
        if (shipment.pickup in visited) != (shipment.delivery in visited):
            return "it visits one of the two clients of a shipment alone"
    broken = routing.evaluate_route(route)[1]
    return broken[0][0] if broken else ""


def routes_in_use(routing: Routing, routes: Sequence[Route], kind: int) -> tuple[int, int]:
    """Least and most routes of a kind of vehicle among all choices that serve the clients.

    Where the search for them ends early, they are bounds.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    clients = len(routing.clients)
    entries = [(c, r) for r, route in enumerate(routes) for c in route.clients]
    rows, cols = zip(*entries, strict=True)
    covers = csr_array((np.ones(len(entries)), (rows, cols)), shape=(clients, len(routes)))
    needed = np.array([float(client.required) for client in routing.clients])
    chosen = np.array([float(route.vehicle == kind) for route in routes])

    def extreme(sign: float) -> float | None:
        solved = milp(
            sign * chosen, integrality=1, bounds=Bounds(0, 1),
            constraints=LinearConstraint(covers, needed, 1), options={"node_limit": 1000},
        )
        bound = solved.mip_dual_bound
        return None if bound is None or not np.isfinite(bound) else float(sign * bound)

    least, most = extreme(1.0), extreme(-1.0)
    return (
        0 if least is None else max(0, int(np.ceil(least - 1e-6))),
        int(chosen.sum()) if most is None else int(np.floor(most + 1e-6)),
    )


# -- penalty weights ------------------------------------------------------------------------------


def proven_weights(columns: RouteColumns) -> NDArray[np.float64]:
    """Weights at which no bit string that breaks a rule is as good as the best choice.

    Let ``y_i`` be prices of the clients and ``m_k <= 0`` of the kinds of vehicles whose number
    ``n_k`` binds, with ``sum_{i in r} y_i + m_k(r) <= c_r`` for every column and ``y_i <= p_i``
    for a client that may be left out at the prize ``p_i``. A choice that serves client ``i``
    ``1 + t_i`` times and takes ``n_k + t_k - s_k`` vehicles (``s_k >= 0`` of them said to be spare)
    costs at least ``sum y_i (1 + t_i) + sum m_k (n_k + t_k)``. So with penalties ``w t**2``, and
    ``-p_i t_i + w_i t_i (t_i + 1) / 2`` for a client that may be left out, it has at least

    ``D + sum_required (w_i t_i**2 + y_i t_i) + sum_optional,t_i>0 (w_i t_i (t_i + 1) / 2 -
    (p_i - y_i) t_i) + sum_k (w_k t_k**2 + m_k t_k)``, with ``D = sum y_i + sum m_k n_k``.

    Let ``U`` be the objective of a feasible answer and ``g = U - D``. With ``w_i > |y_i| + g``,
    ``w_i > p_i - y_i + g`` and ``w_k > |m_k| + g``, a single rule that is broken lifts this above
    ``D + g = U``, and every further one lifts it more.

    Any such prices are proof enough; these keep the weights small by a linear program, whose
    solution is checked and mended afterwards.

    Returns
    -------
    ndarray of float64, shape (clients + fleets,)
        Of the clients, then of `RouteColumns.fleets`.
    """
    rules = _Rules(columns)
    price = rules.prices()
    gap = max(0.0, columns.incumbent - float(rules.target @ price))
    bound = np.where(rules.optional, rules.most - price, np.abs(price)) + gap
    stated = np.concatenate([columns.costs, rules.most[rules.optional]])
    if (stated == np.rint(stated)).all():
        return np.asarray(np.floor(bound + 1e-9) + 1.0)
    return np.asarray(bound + _MARGIN * max(float(np.abs(stated).max(initial=0.0)), 1e-6))


class _Rules:
    """The rules of a choice, one a row: clients to be served, then vehicles that there are."""

    def __init__(self, columns: RouteColumns) -> None:
        clients, fleets = columns.routing.clients, columns.fleets
        takes = np.zeros((len(fleets), len(columns.routes)))
        for k, fleet in enumerate(fleets):
            takes[k, list(fleet.columns)] = 1.0
        self.columns = columns
        self.matrix = np.vstack([columns.covers, takes])
        self.target = np.array([1.0] * len(clients) + [float(fleet.most) for fleet in fleets])
        self.most = np.array(
            [inf if client.required else client.prize for client in clients] + [0.0] * len(fleets)
        )
        self.optional = np.array(
            [not client.required for client in clients] + [False] * len(fleets), dtype=bool
        )

    def prices(self) -> NDArray[np.float64]:
        """Prices of the rules that keep the weights small."""
        from scipy.optimize import linprog
        from scipy.sparse import block_array, csr_array, diags_array, eye_array

        n, columns = len(self.target), self.columns
        eye, one = eye_array(n), np.ones((n, 1))
        # Variables: prices, what each weight needs beside the gap, the gap, the largest weight.
        rows = block_array([
            [csr_array(self.matrix.T), None, None],
            [diags_array(1.0 - self.optional), -eye, None],
            [-eye, -eye, None],
            [None, eye, np.hstack([one, -one])],
            [csr_array(-self.target[None, :]), None, np.array([[-1.0, 0.0]])],
        ])
        right = np.concatenate([
            columns.costs, np.zeros(n), np.where(self.optional, -self.most, 0.0), np.zeros(n),
            [-columns.incumbent],
        ])
        solved = linprog(
            np.concatenate([np.zeros(n), np.ones(n), [n, n]]), A_ub=rows, b_ub=right,
            bounds=[*((None, most) for most in self.most), *[(0.0, None)] * (n + 2)],
        )
        price = solved.x[:n] if solved.x is not None else np.zeros(n)
        price = np.minimum(price, self.most)
        over = (price @ self.matrix - columns.costs) / self.matrix.sum(axis=0)
        return np.asarray(price - max(0.0, float(over.max(initial=0.0))))


# -- the model ------------------------------------------------------------------------------------


def columns_to_qubo(columns: RouteColumns, *, weight: float | None = None) -> Lowering[Qubo]:
    """The QUBO of choosing columns that serve the clients, and the way back to routes.

    Required clients of which no column serves two become exactly-one groups; all other rules are
    penalties in the objective. A kind of vehicle of which a choice could take too many adds bits
    that count those to spare.

    Parameters
    ----------
    columns : RouteColumns
    weight : float, optional
        One penalty weight for all rules, above 0. By default each has the least that
        `proven_weights` can prove.

    Returns
    -------
    Lowering
        Not complete: answers with other routes are left out.

    Raises
    ------
    UsageError
        For a weight that is not above 0.
    """
    check_weight(weight)
    if weight is None:
        weights = proven_weights(columns)
        said = f"penalty weights {weights.min():g} to {weights.max():g}, proven sufficient"
    else:
        weights = np.full(len(columns.routing.clients) + len(columns.fleets), float(weight))
        said = f"penalty weight {weight:g} as asked, not proven sufficient"
    model, routes = _choice_qubo(columns, weights), columns.routes
    return Lowering(
        model,
        decode=lambda bits: tuple(
            routes[r] for r in np.flatnonzero(np.asarray(bits)[: len(routes)] > 0.5)
        ),
        complete=False,
        notes=(said,),
        penalties=Penalties.of(weights, columns.costs),
    )


def check_weight(weight: float | None) -> None:
    """Refuse a penalty weight that is not above 0.

    Raises
    ------
    UsageError
    """
    if weight is not None and not (isfinite(weight) and weight > 0):
        raise UsageError(f"weight must be above 0 and finite, got {weight}")


def _choice_qubo(columns: RouteColumns, weights: NDArray[np.float64]) -> Qubo:
    clients, size = columns.routing.clients, len(columns.routes)
    spare = [bit_values(fleet.most - fleet.least) for fleet in columns.fleets]
    total = size + sum(map(len, spare))
    rows, target = _rule_rows(columns, spare)
    optional = np.array([not client.required for client in clients], dtype=bool)
    grouped = _disjoint(columns)
    squared = weights.copy()  # weight * (row x - target)**2 ...
    squared[grouped] = 0.0
    squared[: len(clients)][optional] = 0.0
    # ... and prize (1 - v) + weight v (v - 1) / 2 for v visits to a client that may be left out.
    half = np.where(optional, 0.5 * weights[: len(clients)], 0.0)
    prize = np.array([0.0 if client.required else client.prize for client in clients])
    visits = rows[: len(clients)]
    linear = np.concatenate([columns.costs, np.zeros(total - size)])
    linear -= 2.0 * (squared * target) @ rows + (half + prize) @ visits
    square = (rows.T * squared) @ rows + (visits.T * half) @ visits
    row, col = np.nonzero(square)
    return Qubo.from_arrays(
        linear, row, col, square[row, col],
        offset=float(squared @ target**2 + prize.sum()),
        labels=[*_labels(columns), *_spare_labels(columns, spare)],
        groups=[
            Group(tuple(np.flatnonzero(columns.covers[c]).tolist()), 1, float(weights[c]),
                  f"client {clients[c].name}")
            for c in grouped
        ],
    )


def _rule_rows(
    columns: RouteColumns, spare: Sequence[Sequence[int]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The rules over all bits, spare vehicles included, and what each should add up to."""
    clients, size = len(columns.routing.clients), len(columns.routes)
    rows = np.zeros((clients + len(spare), size + sum(map(len, spare))))
    target = np.ones(len(rows))
    rows[:clients, :size] = columns.covers
    first = size
    for k, (fleet, values) in enumerate(zip(columns.fleets, spare, strict=True), clients):
        rows[k, list(fleet.columns)] = 1.0
        rows[k, first : first + len(values)] = values
        target[k] = fleet.most
        first += len(values)
    return rows, target


def _labels(columns: RouteColumns) -> list[str]:
    """Names of the columns: the clients in order, and the vehicle where there are several kinds."""
    routing = columns.routing
    names = []
    for route in columns.routes:
        kind = f"{routing.vehicles[route.vehicle].name}_" if len(routing.vehicles) > 1 else ""
        names.append(f"route_{kind}" + "_".join(routing.clients[c].name for c in route.clients))
    if len(set(names)) == len(names):
        return names
    return [f"{name}_column{r + 1}" for r, name in enumerate(names)]


def _spare_labels(columns: RouteColumns, spare: Sequence[Sequence[int]]) -> list[str]:
    return [
        f"spare_{columns.routing.vehicles[fleet.kind].name}_{fleet.kind + 1}_{b}"
        for fleet, values in zip(columns.fleets, spare, strict=True) for b in range(len(values))
    ]


def _disjoint(columns: RouteColumns) -> list[int]:
    """Required clients of which no column serves two, chosen to rule out most bit strings.

    A group of g columns leaves g of their 2**g values, which is worth g - log2(g) bits.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    required = [c for c, client in enumerate(columns.routing.clients) if client.required]
    if not required:
        return []
    covers = columns.covers[required]
    sizes = covers.sum(axis=1)
    chosen = milp(
        np.log2(sizes) - sizes, integrality=1, bounds=Bounds(0, 1),
        constraints=LinearConstraint(covers.T, -np.inf, 1), options={"node_limit": 1000},
    )
    if chosen.x is None:
        return []
    return [required[i] for i in np.flatnonzero(chosen.x > 0.5)]
