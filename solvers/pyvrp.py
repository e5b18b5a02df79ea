"""PyVRP: iterated local search on routes."""

import warnings
from dataclasses import dataclass
from typing import Any

from qopt.errors import SizeError, UsageError
from qopt.forms import Route, Routing
from qopt.forms.convert_pyvrp import PyvrpModel, penalty_params, routing_to_pyvrp
from qopt.solver import Budget, Clock, Outcome, Progress, Status, Usage

ITERATIONS = 10_000
"""Iterations where the budget sets no limit."""

MOST_LOCATIONS = 10_000
"""Largest instance taken: the library holds whole matrices."""


@dataclass(frozen=True, kw_only=True)
class PyVrp:
    """Local search on routes that starts again from perturbed solutions: PyVRP.

    Solutions are perturbed, descend by moves between neighbouring clients, and are accepted by late
    acceptance hill climbing; limits may be broken on the way, at prices that follow how often they
    are. The search is the library's own with its own parameters (Wouda, Lan and Kool, INFORMS
    Journal on Computing 36, 2024).

    Takes every part of the routing form but what `qopt.forms.convert_pyvrp` names. Fractional data
    are scaled to whole numbers, on the safe side where they do not fit exactly; each better
    solution is evaluated with the routing itself, and the best is returned. There is no bound.

    ``Budget.evaluations`` is the number of iterations, each a perturbation with its descent.
    Without it and without a time limit there are 10 000. The library runs on one thread and is not
    interrupted within an iteration, nor while it builds its first solution: with thousands of
    clients that takes seconds.

    Parameters
    ----------
    neighbours : int
        How many of the nearest other clients moves look at, for each client.
    perturbations : int
        Largest number of changes before a descent, at least 1.
    history : int
        Length of the history that late acceptance compares with: longer is slower and finds better
        routes in long runs.
    restart_after : int
        Iterations without a better solution after which the search starts again from the best.
    """

    neighbours: int = 50
    perturbations: int = 25
    history: int = 300
    restart_after: int = 150_000

    def __post_init__(self) -> None:
        for name in ("neighbours", "perturbations", "history", "restart_after"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be at least 1, got {getattr(self, name)}")

    def solve(self, model: Routing, budget: Budget, seed: int, progress: Progress) -> Outcome:
        """Solve one routing; see `qopt.solver.Solver`.

        Raises
        ------
        SizeError
            Above 10 000 locations.
        UnsupportedError
            Where PyVRP cannot express the routing.
        """
        if model.num_locations > MOST_LOCATIONS:
            raise SizeError(
                "PyVRP", model.num_locations, MOST_LOCATIONS, "locations",
                "split the clients by region",
            )
        usage = Usage()
        with usage.phase("setup"):
            import pyvrp
            from pyvrp.exceptions import PenaltyBoundWarning
        clock = budget.start()
        if not model.clients:
            return Outcome(Status.OPTIMAL, [()], bound=0.0, usage=usage, reason="no clients")
        with usage.phase("compile"):
            converted = routing_to_pyvrp(model)
        watch = _Watch(converted, budget, clock, progress)
        if watch.out_of_budget:
            reason = "the budget ended while the model was built"
            return Outcome(Status.TIME_LIMIT, usage=usage, reason=reason)
        with usage.phase("execute"), warnings.catch_warnings():
            # That penalties cannot grow is no news: the status tells whether routes were found.
            warnings.simplefilter("ignore", PenaltyBoundWarning)
            result = pyvrp.solve(
                converted.data,
                watch.stop,
                seed=seed % 2**32,
                collect_stats=False,
                display=False,
                params=self._parameters(converted, watch),
            )
        usage.evaluations = result.num_iterations
        return watch.outcome(result.best, usage)

    def _parameters(self, converted: PyvrpModel, watch: "_Watch") -> Any:
        import pyvrp
        from pyvrp.search import NeighbourhoodParams, PerturbationParams

        return pyvrp.SolveParams(
            ils=pyvrp.IteratedLocalSearchParams(
                num_iters_no_improvement=self.restart_after,
                history_length=self.history,
                callbacks=watch.callbacks(),
            ),
            penalty=penalty_params(converted.data),
            neighbourhood=NeighbourhoodParams(num_neighbours=self.neighbours),
            perturbation=PerturbationParams(max_perturbations=self.perturbations),
        )


class _Watch:
    """Ends the search with the budget, and keeps the best routes."""

    def __init__(
        self, converted: PyvrpModel, budget: Budget, clock: Clock, progress: Progress
    ) -> None:
        self.converted, self.clock, self.progress = converted, clock, progress
        self.limit: float = budget.evaluations or float("inf")
        if budget.evaluations is None and budget.time_limit is None:
            self.limit = ITERATIONS
        self.iterations = 0
        self.solutions = 0
        self.objective = float("inf")
        self.best: tuple[Route, ...] | None = None

    @property
    def out_of_budget(self) -> bool:
        """Whether the run should end now."""
        return self.iterations >= self.limit or self.clock.expired or self.progress.stopping

    def stop(self, _cost: float) -> bool:
        """PyVRP's stopping criterion, asked before each iteration."""
        ended = self.out_of_budget
        self.iterations += 1
        return ended

    def callbacks(self) -> Any:
        """PyVRP's callbacks for the first and for every better solution."""
        import pyvrp

        watch = self

        class Callbacks(pyvrp.IteratedLocalSearchCallbacks):  # type: ignore[misc]
            def on_start(self, search: Any) -> None:
                watch.found(search.initial_solution)

            def on_best(self, best: Any) -> None:
                watch.found(best)

        return Callbacks()

    def found(self, solution: Any) -> None:
        """Evaluate a solution and keep it if it is the best so far."""
        self.solutions += 1
        routes = self.converted.routes(solution)
        objective, broken = self.converted.routing.evaluate(routes)
        if not broken and objective < self.objective:
            self.objective, self.best = objective, routes
            self.progress.incumbent(objective)

    def outcome(self, last: Any, usage: Usage) -> Outcome:
        """The best feasible routes, or else those that the search ended with."""
        details = {
            "solutions": self.solutions,
            "cost_scale": self.converted.cost_scale,
            "exact": self.converted.exact,
        }
        if self.best is not None:
            return Outcome(Status.FEASIBLE, [self.best], usage=usage, details=details)
        return Outcome(
            Status.INFEASIBLE_ANSWERS, [self.converted.routes(last)], usage=usage,
            reason="the search ended without feasible routes", details=details,
        )
