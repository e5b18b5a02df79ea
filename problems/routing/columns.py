"""Route columns: vehicle routing as the choice of some of a few generated routes.

Bit ``r`` says that route ``r`` is driven. Every client must lie on exactly one chosen route: a set
partitioning problem, whose size does not grow with the instance but with the routes that are
offered (Balinski and Quandt, 1964).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError, SizeError
from qopt.forms import Group, Qubo, Routing

from .search import Limits, RuinAndRecreate
from .tours import shortest_order

MOST_CLIENTS = 200
"""Clients up to which routes are generated."""

Stops = frozenset[int]


@dataclass(frozen=True)
class Column:
    """One route that may be chosen.

    Parameters
    ----------
    stops : tuple of int
        Clients in the order of visits, counted from 1.
    cost : float
        Length of the route.
    """

    stops: tuple[int, ...]
    cost: float


@dataclass(frozen=True)
class ColumnSet:
    """The routes that are offered, and what is known of them.

    Parameters
    ----------
    columns : tuple of Column
        All feasible for one vehicle; no two serve the same clients.
    incumbent : float
        Cost of the best answer of the search that made them; its routes are among them.
    generated : int
        Routes that they were picked from.
    """

    columns: tuple[Column, ...] = field(repr=False)
    incumbent: float
    generated: int


def generate(routing: Routing, most: int, seed: int) -> ColumnSet:
    """Search for good answers, and offer the routes of the best of them.

    The best answer's routes come first; those of further answers follow in the order of cost as
    long as there is room for all that such an answer adds. So every route offered is part of an
    answer, and routes of good answers are there to be combined. An answer is passed over if it
    would make a combination possible that needs more vehicles than there are.

    Parameters
    ----------
    routing : Routing
        One depot, one kind of vehicle, all clients required.
    most : int
        Largest number of columns.
    seed : int

    Raises
    ------
    SizeError
        Where there are more clients than the search takes, or an answer has more routes than
        columns are allowed.
    InputError
        Where the search finds no answer.
    """
    limits = Limits.of(routing)
    clients = len(limits.clients)
    if clients > MOST_CLIENTS:
        raise SizeError("the generation of route columns", clients, MOST_CLIENTS, "clients",
                        "solvers that take the routing form have no such limit")
    least = -(-limits.load(limits.clients) // limits.capacity) if limits.capacity > 0 else 1
    if least > most:
        raise SizeError("this choice of route columns", int(least), most, "routes in an answer",
                        f"set columns to {int(least)} or more")
    answers, generated = _answers(limits, seed)
    picked = set(answers[0])
    if len(picked) > most:
        raise SizeError("this choice of route columns", len(picked), most,
                        "routes in the best answer found", f"set columns to {len(picked)} or more")
    for answer in answers[1:]:
        more = picked | answer
        if len(picked) < len(more) <= most and (
            limits.vehicles >= clients or _most_routes(more, clients) <= limits.vehicles
        ):
            picked = more
        if len(picked) == most:
            break
    columns = {stops: _column(stops, limits) for stops in sorted(picked, key=sorted)}
    incumbent = sum(columns[stops].cost for stops in answers[0])
    return ColumnSet(tuple(columns.values()), incumbent, generated)


def _answers(limits: Limits, seed: int) -> tuple[list[frozenset[Stops]], int]:
    """Distinct answers of the search by cost, and the number of distinct routes in them."""
    search = RuinAndRecreate(limits, np.random.default_rng(seed))
    found: dict[frozenset[Stops], float] = {}
    for routes in search.run(_ruins(len(limits.clients))):
        answer = frozenset(map(frozenset, routes))
        cost = sum(map(limits.length, routes))
        found[answer] = min(cost, found.get(answer, inf))
    if not found:
        raise InputError(
            f"no routes were found that serve all {len(limits.clients)} clients with "
            f"{limits.vehicles} vehicles within their limits"
        )
    ranked = sorted(found, key=lambda answer: (found[answer], sorted(map(sorted, answer))))
    return ranked, len({stops for answer in found for stops in answer})


def _ruins(clients: int) -> int:
    """Effort of the search: a fraction of a second up to 20 clients, about one for 100."""
    return min(500 * clients, max(4000, min(8000, 100_000 // clients)))


def _column(stops: Stops, limits: Limits) -> Column:
    order = shortest_order(sorted(stops), limits.distance)
    return Column(tuple(order), limits.length(order))


def _most_routes(picked: set[Stops], clients: int) -> float:
    """Routes in the partition of the clients that has most of them."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    matrix = _incidence([list(stops) for stops in picked], clients)
    most = milp(
        -np.ones(len(picked)), integrality=1, bounds=Bounds(0, 1),
        constraints=LinearConstraint(matrix, 1, 1),
    )
    return float(np.rint(-most.fun)) if most.success else inf


def _incidence(columns: Sequence[Sequence[int]], clients: int) -> NDArray[np.float64]:
    """Entry (i, r) is 1 where client i + 1 lies on route r."""
    matrix = np.zeros((clients, len(columns)))
    for r, stops in enumerate(columns):
        matrix[[stop - 1 for stop in stops], r] = 1.0
    return matrix


# -- the model ----------------------------------------------------------------------------------


def proven_weights(offered: ColumnSet, clients: int) -> NDArray[np.float64]:
    """Weight of each client's penalty, so that no bit string beats the best partition.

    Let ``pi`` be prices with ``sum_{i in r} pi_i <= c_r`` for every column, of either sign. With
    client ``i`` served ``1 + t_i`` times, the chosen columns cost at least
    ``sum pi_i (1 + t_i)``, so with their penalties at least
    ``sum pi_i + sum (w_i t_i**2 + pi_i t_i)``. Let ``U`` be the cost of a partition and
    ``g = U - sum pi_i``. With ``w_i > |pi_i| + g``, one client with ``t_i != 0`` lifts this above
    ``sum pi_i + g = U``, and every other such client lifts it further.

    Any prices are proof enough; these are the ones that keep the weights small, from a linear
    program: minimise ``n w_max + sum w_i``, with the feasibility of its solution checked and
    mended afterwards.

    Parameters
    ----------
    offered : ColumnSet
    clients : int

    Returns
    -------
    ndarray of float64, shape (clients,)
    """
    from scipy.optimize import linprog

    matrix = _incidence([column.stops for column in offered.columns], clients).T
    cost = np.array([column.cost for column in offered.columns])
    n, eye = clients, np.eye(clients)
    one, none = np.ones((n, 1)), np.zeros((n, 1))
    # Variables: pi (n), |pi| (n), the gap g, and w_max.
    rows = np.vstack([
        np.hstack([matrix, np.zeros_like(matrix), np.zeros((len(cost), 2))]),
        np.hstack([eye, -eye, none, none]),
        np.hstack([-eye, -eye, none, none]),
        np.hstack([np.zeros((n, n)), eye, one, -one]),
        np.concatenate([-np.ones(n), np.zeros(n), [-1.0, 0.0]])[None, :],
    ])
    right = np.concatenate([cost, np.zeros(3 * n), [-offered.incumbent]])
    solved = linprog(
        np.concatenate([np.zeros(n), np.ones(n), [n, n]]), A_ub=rows, b_ub=right,
        bounds=[(None, None)] * n + [(0, None)] * (n + 2),
    )
    price = solved.x[:n] if solved.x is not None else np.zeros(n)
    sizes = matrix.sum(axis=1)
    price = price - max(0.0, float(((matrix @ price - cost) / sizes).max()))
    gap = max(0.0, offered.incumbent - float(price.sum()))
    bound = np.abs(price) + gap
    if (cost == np.rint(cost)).all():
        return np.asarray(np.floor(bound + 1e-9) + 1.0)
    return np.asarray(bound + 1e-3 * max(float(cost.max()), 1e-6))


def partition_qubo(
    offered: ColumnSet, weights: NDArray[np.float64], names: Sequence[str]
) -> Qubo:
    """The QUBO of choosing columns that partition the clients.

    Clients of which no column serves two become groups; all others are penalties in the objective.

    Parameters
    ----------
    offered : ColumnSet
    weights : ndarray of float64, shape (clients,)
    names : sequence of str
        Of the clients, for labels.
    """
    covers = _incidence([column.stops for column in offered.columns], len(weights))
    grouped = _disjoint(covers)
    linear = np.array([column.cost for column in offered.columns])
    offset = 0.0
    square = np.zeros((len(linear), len(linear)))
    for i, weight in enumerate(weights):
        if i not in grouped:
            linear -= weight * covers[i]
            offset += weight
            square += 2.0 * weight * np.outer(covers[i], covers[i])
    row, col = np.triu_indices(len(linear), 1)
    return Qubo.from_arrays(
        linear, row, col, square[row, col], offset=offset,
        labels=["route_" + "_".join(names[s - 1] for s in c.stops) for c in offered.columns],
        groups=[
            Group(tuple(np.flatnonzero(covers[i]).tolist()), 1, float(weights[i]),
                  f"client {names[i]}")
            for i in grouped
        ],
    )


def _disjoint(covers: NDArray[np.float64]) -> list[int]:
    """Clients of which no column serves two, chosen to rule out most bit strings.

    A group of g columns leaves g of their 2**g values, which is worth g - log2(g) bits.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    sizes = covers.sum(axis=1)
    chosen = milp(
        np.log2(sizes) - sizes, integrality=1, bounds=Bounds(0, 1),
        constraints=LinearConstraint(covers.T, -np.inf, 1), options={"node_limit": 1000},
    )
    return [] if chosen.x is None else np.flatnonzero(chosen.x > 0.5).tolist()
