"""OR-Tools' routing library: local search on routes."""

from dataclasses import dataclass
from typing import Any, Literal

from qopt.errors import SizeError, UsageError
from qopt.forms import Route, Routing
from qopt.solver import Budget, Clock, Outcome, Progress, Status, Usage

from .routing_model import RoutesModel

STEPS_PER_LOCATION = 20_000
"""Steps of search for each location where the budget sets no limit."""

FirstSolution = Literal[
    "automatic",
    "path-cheapest-arc",
    "savings",
    "parallel-cheapest-insertion",
    "local-cheapest-insertion",
    "christofides",
]
Metaheuristic = Literal[
    "guided-local-search", "simulated-annealing", "tabu-search", "greedy-descent"
]

MOST_LOCATIONS = 5000
"""Largest instance taken: the library holds whole matrices, one for each kind of vehicle."""


@dataclass(frozen=True, kw_only=True)
class OrToolsRouting:
    """A first solution, then local search under a metaheuristic that leaves local optima.

    Takes every part of the routing form. Fractional data are scaled to whole numbers, on the safe
    side where they do not fit exactly; each solution is evaluated with the routing itself, and the
    best is returned. There is no bound.

    The search is deterministic and runs on one thread: the library uses no seed, and `seed` and
    ``Budget.threads`` change nothing.

    ``Budget.evaluations`` is the number of steps (decisions and moves that are tried). Without it
    and without a time limit, 20 000 steps are taken for each location.

    Parameters
    ----------
    first_solution : str
        How the first routes are built: "automatic" (parallel insertion where there are time
        windows, the library's choice otherwise), "path-cheapest-arc", "savings",
        "parallel-cheapest-insertion", "local-cheapest-insertion" or "christofides".
    metaheuristic : str
        How local optima are left: "guided-local-search", "simulated-annealing", "tabu-search", or
        "greedy-descent", which ends at the first.
    """

    first_solution: FirstSolution = "automatic"
    metaheuristic: Metaheuristic = "guided-local-search"

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("first_solution", self.first_solution, FirstSolution.__args__),  # type: ignore[attr-defined]
            ("metaheuristic", self.metaheuristic, Metaheuristic.__args__),  # type: ignore[attr-defined]
        ):
            if value not in allowed:
                raise UsageError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")

    def solve(self, model: Routing, budget: Budget, seed: int, progress: Progress) -> Outcome:
        """Solve one routing; see `qopt.solver.Solver`.

        Raises
        ------
        SizeError
            Above 5000 locations.
        """
        if model.num_locations > MOST_LOCATIONS:
            raise SizeError(
                "the routing library", model.num_locations, MOST_LOCATIONS, "locations",
                "split the clients by region",
            )
        usage = Usage()
        with usage.phase("setup"):
            from ortools.constraint_solver import pywrapcp  # noqa: F401  importing takes time
        clock = budget.start()
        if not model.clients:
            return Outcome(Status.OPTIMAL, [()], bound=0.0, usage=usage, reason="no clients")
        with usage.phase("compile"):
            routes = RoutesModel(model)
        watch = _Watch(model, budget, clock, progress)
        if watch.out_of_budget:
            reason = "the budget ended while the model was built"
            return Outcome(Status.TIME_LIMIT, usage=usage, reason=reason)
        with usage.phase("execute"):
            status = routes.search(
                self._first_solution(routes),
                _library_name(self.metaheuristic),
                watch.step,
                watch.found,
                clock.remaining,
            )
        usage.evaluations = watch.steps
        return _outcome(routes, status, watch, usage)

    def _first_solution(self, routes: RoutesModel) -> str:
        """The library's name of the strategy for first routes."""
        if self.first_solution == "automatic":
            return routes.first_solution
        return _library_name(self.first_solution)


def _library_name(option: str) -> str:
    return option.replace("-", "_").upper()


def _outcome(routes: RoutesModel, status: str, watch: "_Watch", usage: Usage) -> Outcome:
    details: dict[str, Any] = {"solutions": watch.solutions, "status": status}
    if watch.best is not None:
        return Outcome(Status.FEASIBLE, [watch.best], usage=usage, details=details)
    if watch.broken is not None:
        reason = "the routes found keep the whole-number model and break the fractional one"
        return Outcome(
            Status.INFEASIBLE_ANSWERS, [watch.broken], usage=usage, reason=reason, details=details
        )
    if status == "ROUTING_INFEASIBLE" and routes.exact:
        reason = "the routing library proved that there are no feasible routes"
        return Outcome(Status.PROVEN_INFEASIBLE, usage=usage, reason=reason, details=details)
    reason = "the search ended without feasible routes"
    return Outcome(Status.TIME_LIMIT, usage=usage, reason=reason, details=details)


class _Watch:
    """Counts steps against the budget and keeps the best routes."""

    def __init__(self, routing: Routing, budget: Budget, clock: Clock, progress: Progress) -> None:
        self.routing, self.clock, self.progress = routing, clock, progress
        self.limit = budget.evaluations or float("inf")
        if budget.evaluations is None and budget.time_limit is None:
            self.limit = STEPS_PER_LOCATION * routing.num_locations
        self.steps = self.solutions = 0
        self.objective = float("inf")
        self.best: tuple[Route, ...] | None = None
        self.broken: tuple[Route, ...] | None = None

    @property
    def out_of_budget(self) -> bool:
        """Whether the run should end now."""
        return self.steps >= self.limit or self.clock.expired or self.progress.stopping

    def step(self) -> bool:
        """Count one step; whether the search should end."""
        self.steps += 1
        return self.out_of_budget

    def found(self, routes: tuple[Route, ...]) -> None:
        """Evaluate a solution and keep it if it is the best so far."""
        self.solutions += 1
        objective, broken = self.routing.evaluate(routes)
        if broken:
            self.broken = self.broken or routes
        elif objective < self.objective:
            self.objective, self.best = objective, routes
            self.progress.incumbent(objective)
