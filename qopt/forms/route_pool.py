"""Where route columns come from: the routes of the many answers that a local search meets.

The search is PyVRP's iterated local search (Wouda, Lan and Kool, "PyVRP: a high-performance VRP
solver package", INFORMS Journal on Computing 36, 2024), begun anew a few times; its answers are
kept, each route with the cost that the routing itself gives it.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import ceil, inf
from typing import Any

from ..errors import InputError, SizeError, UnsupportedError, UsageError
from .convert_pyvrp import PyvrpModel, penalty_params, routing_to_pyvrp
from .lowering import CLASSICAL_COLUMNS, Lowering
from .qubo import Qubo
from .route_columns import (
    RouteColumns,
    check_weight,
    column_fault,
    columns_to_qubo,
    routes_in_use,
)
from .routing import Route, Routing

Routes = tuple[Route, ...]
Stops = tuple[int, frozenset[int]]
"""A kind of vehicle and the clients that it serves, in whatever order."""

STARTS = 4
"""Times that a search begins anew: several short searches find more than a long one."""


@dataclass
class RoutePool:
    """Feasible answers of a routing, and the best order found of each set of clients.

    Parameters
    ----------
    routing : Routing
    nearest : tuple of Route, optional
        What the latest search ended with, where that breaks a limit.
    """

    routing: Routing
    nearest: Routes | None = None
    _answers: set[frozenset[Stops]] = field(default_factory=set, repr=False)
    _orders: dict[Stops, tuple[float, Route]] = field(default_factory=dict, repr=False)
    _costs: dict[Route, float] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self._answers)

    @property
    def generated(self) -> int:
        """Distinct routes of all answers, whatever their order of visits."""
        return len({stops for answer in self._answers for stops in answer})

    def add(self, routes: Routes) -> bool:
        """Keep an answer if it is feasible; whether it is."""
        driven = tuple(route for route in routes if route.clients)
        costs = [self._cost(route) for route in driven]
        answer = frozenset((route.vehicle, frozenset(route.clients)) for route in driven)
        if inf in costs:
            return False
        if answer not in self._answers and self.routing.evaluate(driven)[1]:
            return False
        for route, cost in zip(driven, costs, strict=True):
            stops = (route.vehicle, frozenset(route.clients))
            if cost < self._orders.get(stops, (inf, route))[0]:
                self._orders[stops] = (cost, route)
        self._answers.add(answer)
        return True

    def _cost(self, route: Route) -> float:
        """Cost of a route; infinite where it cannot be a column."""
        if route not in self._costs:
            fault = column_fault(self.routing, route)
            self._costs[route] = inf if fault else self.routing.evaluate_route(route)[0]
        return self._costs[route]

    def ranked(self) -> list[tuple[float, Routes]]:
        """Objective and routes of every answer, the best first, each route in its best order."""
        prizes = sum(client.prize for client in self.routing.clients)
        found = []
        for answer in self._answers:
            driven = [self._orders[stops] for stops in answer]
            served = sum(
                self.routing.clients[c].prize for _, route in driven for c in route.clients
            )
            routes = tuple(sorted((route for _, route in driven), key=_order))
            found.append((sum(cost for cost, _ in driven) + prizes - served, routes))
        found.sort(key=lambda pair: (pair[0], [_order(route) for route in pair[1]]))
        return found


def _order(route: Route) -> tuple[int, tuple[int, ...]]:
    return route.vehicle, route.clients


def search_answers(
    routing: Routing,
    iterations: int,
    seed: int,
    *,
    starts: int = STARTS,
    begin: Routes | None = None,
    ended: Callable[[], bool] = lambda: False,
    enough: float = inf,
) -> RoutePool:
    """Collect the feasible answers of PyVRP's iterated local search.

    One seed and number of iterations give one pool.

    Parameters
    ----------
    routing : Routing
    iterations : int
        Of all starts together.
    seed : int
    starts : int
        Times that the search begins, each from another random solution that is improved.
    begin : tuple of Route, optional
        A feasible answer that all starts begin from instead; it is in the pool.
    ended : callable, optional
        Looked at before every iteration; where it says so the search ends with what it has.
    enough : float
        Distinct feasible answers after which the search ends.

    Raises
    ------
    UnsupportedError
        For what PyVRP does not model; see `qopt.forms.convert_pyvrp.routing_to_pyvrp`.
    """
    pool = RoutePool(routing)
    if begin is not None:
        pool.add(begin)
    if not routing.clients:
        pool.add(())
        return pool
    model = routing_to_pyvrp(routing)

    def done() -> bool:
        return len(pool) >= enough or ended()

    for number in range(starts):
        if number and done():
            break
        share = iterations // starts + (number < iterations % starts)
        _iterate(model, pool, share, (seed * starts + number) % 2**31, begin, done)
    return pool


def _iterate(
    model: PyvrpModel,
    pool: RoutePool,
    iterations: int,
    seed: int,
    begin: Routes | None,
    ended: Callable[[], bool],
) -> None:
    """One start of the search; every feasible candidate goes into the pool."""
    import pyvrp
    from pyvrp.exceptions import PenaltyBoundWarning

    local = _local_search(model.data, seed)
    parameters = penalty_params(model.data)
    penalties = pyvrp.PenaltyManager(parameters.midpoint_penalties(model.data), parameters)
    if begin is None:
        random = pyvrp.Solution.make_random(model.data, pyvrp.RandomNumberGenerator(seed=seed))
        first = local(random, penalties.max_cost_evaluator(), exhaustive=True)
    else:
        first = model.solution(begin)
    seen: set[Any] = set()

    def keep(solution: Any) -> None:
        if solution.is_feasible() and solution not in seen:
            seen.add(solution)
            pool.add(model.routes(solution))

    class Collect(pyvrp.IteratedLocalSearchCallbacks):  # type: ignore[misc]  # an untyped package
        """Keeps what the search meets."""

        def on_iteration(self, current: Any, candidate: Any, best: Any, costs: Any) -> None:
            """Look at the answer of one iteration."""
            keep(candidate)
            keep(best)

    keep(first)
    left = iterations

    def stop(best: float) -> bool:
        nonlocal left
        left -= 1
        return left < 0 or ended()

    search = pyvrp.IteratedLocalSearch(
        model.data, penalties, local, first, pyvrp.IteratedLocalSearchParams(callbacks=Collect())
    )
    with warnings.catch_warnings():
        # It warns where it finds nothing feasible, which the pool tells by itself.
        warnings.simplefilter("ignore", PenaltyBoundWarning)
        best = search.run(stop, collect_stats=False, display=False).best
    pool.nearest = None if best.is_feasible() else model.routes(best)


def _local_search(data: Any, seed: int) -> Any:
    """PyVRP's local search with its default operators."""
    import pyvrp
    from pyvrp.search import OPERATORS, LocalSearch, compute_neighbours

    random = pyvrp.RandomNumberGenerator(seed=seed)
    local = LocalSearch(data, random, compute_neighbours(data))
    for operator in OPERATORS:
        if operator.supports(data):
            local.add_operator(operator(data))
    return local


def pick_columns(pool: RoutePool, most: int, *, keep: Routes = ()) -> RouteColumns:
    """Offer the routes of the best answers of a pool.

    The best answer's routes come first; those of further answers follow in the order of cost as
    long as there is room for all that such an answer adds. So every route offered is part of an
    answer, and routes of good answers are there to be combined. An answer is passed over if it
    would make a combination possible that needs more vehicles than there are.

    Parameters
    ----------
    pool : RoutePool
    most : int
        Largest number of columns.
    keep : tuple of Route
        Routes that are offered beside the best answer's whatever it takes, where there is room for
        all of them.

    Raises
    ------
    InputError
        Where the pool has no answer with routes.
    SizeError
        Where the best answer alone has more than `most` routes.
    """
    ranked = [(cost, routes) for cost, routes in pool.ranked() if routes]
    if not ranked:
        raise InputError("the search found no feasible answer with routes to choose from")
    best = ranked[0][1]
    if len(best) > most:
        raise SizeError("this choice of route columns", len(best), most,
                        "routes in the best answer found", f"set columns to {len(best)} or more")
    picked = dict.fromkeys(best)
    for routes in (keep, *(routes for _, routes in ranked[1:])):
        more = picked | dict.fromkeys(routes)
        if len(picked) < len(more) <= most and _within_fleet(pool.routing, tuple(more)):
            picked = more
        if len(picked) == most:
            break
    return RouteColumns(pool.routing, tuple(sorted(picked, key=_order)), best)


def _within_fleet(routing: Routing, routes: Routes) -> bool:
    """Whether no choice among the routes that serves the clients takes too many vehicles."""
    for kind, vehicle in enumerate(routing.vehicles):
        offered = sum(route.vehicle == kind for route in routes)
        if offered > vehicle.count and routes_in_use(routing, routes, kind)[1] > vehicle.count:
            return False
    return True


def iterations_for(clients: int) -> int:
    """Effort of a search for columns: a fraction of a second up to 20 clients, some for 1000."""
    return min(250 * clients, max(400, min(4000, 100_000 // max(1, clients))))


def _least_routes(routing: Routing) -> int:
    """Routes that the required demand, or pickup, needs at least."""
    capacity = max(vehicle.capacity for vehicle in routing.vehicles)
    required = [client for client in routing.clients if client.required]
    load = max(sum(c.demand for c in required), sum(c.pickup for c in required))
    return ceil(load / capacity - 1e-9) if 0 < capacity < inf else min(1, len(required))


def check_columns(
    routing: Routing, *, columns: int, seed: int = 0, weight: float | None = None
) -> None:
    """What can be told of a choice of route columns before any are searched for.

    Raises
    ------
    UsageError
    SizeError
        Where an answer needs more routes than `columns`.
    """
    if columns < 1 or seed < 0:
        raise UsageError(f"columns must be at least 1 and seed 0, got {columns} and {seed}")
    check_weight(weight)
    if (least := _least_routes(routing)) > columns:
        raise SizeError("this choice of route columns", least, columns, "routes in an answer",
                        f"set columns to {least} or more")


def routing_to_columns(
    routing: Routing, *, columns: int = 20, seed: int = 0, weight: float | None = None
) -> Lowering[Qubo]:
    """Route columns: choose among at most `columns` generated routes, one bit each.

    The routes come from a classical search, which also has an answer of its own; the notes say
    what that costs. Answers from other routes are out of reach, so a bound on the model is none on
    the instance.

    Parameters
    ----------
    routing : Routing
    columns : int
        Largest number of routes to choose from, and so of qubits.
    seed : int
        Of the search that generates the routes.
    weight : float, optional
        One penalty weight for all rules, above 0. By default each has the least that
        `qopt.forms.route_columns.proven_weights` can prove.

    Returns
    -------
    Lowering
        Not complete.

    Raises
    ------
    SizeError
        Where an answer needs more routes than `columns`.
    UnsupportedError
        For what the search does not model, and where it finds no feasible answer.
    """
    check_columns(routing, columns=columns, seed=seed, weight=weight)
    clients = len(routing.clients)
    pool = search_answers(routing, iterations_for(clients), seed)
    if not pool.ranked():
        fleet = sum(vehicle.count for vehicle in routing.vehicles)
        raise UnsupportedError(
            f"{iterations_for(clients)} iterations of local search from {STARTS} starts met no "
            f"feasible routes to make columns of (clients: {clients}, vehicles: {fleet}); that is "
            "no proof that there are none: qopt why tells what is in the way, and solvers of "
            "routes (cpsat, pyvrp) need no columns"
        )
    offered = pick_columns(pool, columns)
    lowering = columns_to_qubo(offered, weight=weight)
    size = lowering.model.num_variables
    spare = size - len(offered.routes)
    counted = f" and {spare} for spare vehicles" if spare else ""
    notes = (
        f"{clients} clients in {len(offered.routes)} route columns{counted} = {size} qubits, "
        f"picked from {pool.generated} generated routes; bound not valid for the whole instance",
        f"the search that generated the routes reached {offered.incumbent:g} by itself",
        *lowering.notes,
    )
    told = (
        f"its model offers {len(offered.routes)} routes of a classical search, whose own answer "
        f"{offered.incumbent:g} is among them"
    )
    return replace(lowering, notes=notes, caveats={CLASSICAL_COLUMNS: told})
