"""Routings as set partitioning in CP-SAT: each client on one of the cheapest routes of its sets."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np

from qopt.forms import Route, Routing

from .cheapest_routes import CheapestRoutes
from .cpsat_program import CpModel
from .first_routes import FOUND_AT_ONCE, Ended, first_routes
from .scaling import whole_objective


def partition_model(routing: Routing, columns: list[CheapestRoutes]) -> CpModel | None:
    """The set-partitioning model over all routes; None where a client to be served is on none.

    Its linear relaxation is far tighter than that of circuits, so that fleets are proven wherever
    the routes can be listed (Balinski and Quandt, Operations Research 12, 1964).

    Parameters
    ----------
    routing : Routing
    columns : list of CheapestRoutes
        Of every vehicle type.
    """
    from ortools.sat.python import cp_model

    on_some = 0
    for routes in columns:
        on_some |= int(np.bitwise_or.reduce(routes.sets, initial=0))
    if any(client.required and not on_some >> c & 1 for c, client in enumerate(routing.clients)):
        return None
    draft = _Draft(routing, columns, cp_model.CpModel())
    variables, costs = draft.build()
    objective = whole_objective(np.array(costs), np.ones(len(costs)))
    draft.model.minimize(
        cp_model.LinearExpr.weighted_sum(variables, objective.coefficients.tolist())
    )
    return CpModel(
        draft.model,
        draft.routes,
        draft.evaluate,
        objective,
        1.0,
        lambda _: 0.0,  # costs are not negative: none cancels another
        {
            "routes": sum(len(routes.sets) for routes in columns),
            "objective_scale": objective.scale,
            "objective_exact": objective.exact,
        },
        linear=True,
        hint=draft.hint if len(routing.clients) > FOUND_AT_ONCE else None,
        start=draft.values,
        presolve=False,
    )


@dataclass
class _Draft:
    routing: Routing
    columns: list[CheapestRoutes]
    model: Any

    def build(self) -> tuple[list[Any], list[float]]:
        """Add variables and constraints; the variables and their costs."""
        model = self.model
        self.taken = [[model.new_bool_var("") for _ in c.sets] for c in self.columns]
        self.skipped = {
            c: model.new_bool_var("")
            for c, client in enumerate(self.routing.clients)
            if not client.required
        }
        for c in range(len(self.routing.clients)):
            choices = [self.skipped[c]] if c in self.skipped else []
            for routes, taken in zip(self.columns, self.taken, strict=True):
                choices += [taken[i] for i in np.flatnonzero(routes.sets >> c & 1).tolist()]
            model.add_exactly_one(choices)
        for vehicle, taken in zip(self.routing.vehicles, self.taken, strict=True):
            if vehicle.count < len(self.routing.clients):
                model.add(sum(taken) <= vehicle.count)
        variables = [v for taken in self.taken for v in taken] + list(self.skipped.values())
        costs = [cost for routes in self.columns for cost in routes.costs.tolist()]
        return variables, costs + [self.routing.clients[c].prize for c in self.skipped]

    def routes(self, value: Callable[[Any], int]) -> tuple[Route, ...]:
        """The routes that are taken."""
        return tuple(
            routes.route(i)
            for routes, taken in zip(self.columns, self.taken, strict=True)
            for i, variable in enumerate(taken)
            if value(variable)
        )

    def evaluate(self, routes: tuple[Route, ...]) -> tuple[float, bool]:
        """Cost, and whether the routes are feasible."""
        objective, broken = self.routing.evaluate(routes)
        return objective, not broken

    def hint(self, ended: Ended) -> tuple[tuple[Route, ...], list[tuple[Any, int]]] | None:
        """Routes that local search finds, with values of variables."""
        routes = first_routes(self.routing, ended)
        return None if routes is None else (routes, self.values(routes))

    def values(self, routes: tuple[Route, ...]) -> list[tuple[Any, int]]:
        """Values of variables for routes."""
        values = [pair for taken in self.taken for pair in zip(taken, repeat(0), strict=False)]
        visited = {c for route in routes for c in route.clients}
        for route in routes:
            clients = np.int64(sum(1 << c for c in route.clients))
            place = np.flatnonzero(self.columns[route.vehicle].sets == clients)
            values += [(self.taken[route.vehicle][i], 1) for i in place.tolist()]
        return values + [(v, int(c not in visited)) for c, v in self.skipped.items()]
