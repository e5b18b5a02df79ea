"""First routes for a solver that proves: found fast, by local search."""

from collections.abc import Callable
from math import inf

from qopt.errors import UnsupportedError
from qopt.forms import Route, Routing
from qopt.forms.convert_pyvrp import penalty_params, routing_to_pyvrp

from .routing_model import RoutesModel

FOUND_AT_ONCE = 8
"""Clients up to which CP-SAT needs no first routes."""

STEPS_PER_ITERATION = 1000
"""Steps of OR-Tools' local search that take about as long as an iteration of PyVRP."""

DESCENT_SECONDS = 2.0
"""Longest search by OR-Tools, which cannot be asked to end before it has a first solution."""

Ended = Callable[[int], bool]
"""Told the steps of search that begin now; whether it should end instead."""


def first_routes(routing: Routing, ended: Ended) -> tuple[Route, ...] | None:
    """Feasible routes by PyVRP, or by OR-Tools' descent where PyVRP has none; None if both fail."""
    try:
        routes = _by_pyvrp(routing, ended)
    except UnsupportedError:
        routes = None
    return _by_descent(routing, ended) if routes is None else routes


def _by_pyvrp(routing: Routing, ended: Ended) -> tuple[Route, ...] | None:
    import pyvrp

    converted = routing_to_pyvrp(routing)
    result = pyvrp.solve(
        converted.data, lambda _: ended(STEPS_PER_ITERATION), collect_stats=False, display=False,
        params=pyvrp.SolveParams(penalty=penalty_params(converted.data)),
    )
    routes = converted.routes(result.best)
    return None if routing.evaluate(routes)[1] else routes


def _by_descent(routing: Routing, ended: Ended) -> tuple[Route, ...] | None:
    best: tuple[float, tuple[Route, ...] | None] = (inf, None)

    def found(routes: tuple[Route, ...]) -> None:
        nonlocal best
        objective, broken = routing.evaluate(routes)
        if not broken and objective < best[0]:
            best = (objective, routes)

    model = RoutesModel(routing)
    model.search(
        model.first_solution, "GREEDY_DESCENT", lambda: ended(1), found, DESCENT_SECONDS
    )
    return best[1]
