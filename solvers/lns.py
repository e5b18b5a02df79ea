"""Large neighbourhood search on routes, whose subproblem goes to any solver of QUBOs."""

from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any

import numpy as np

from qopt.errors import InputError, SizeError, UsageError
from qopt.forms import Lowering, Qubo, Routing
from qopt.forms.route_columns import RouteColumns, columns_to_qubo
from qopt.forms.route_pool import RoutePool, pick_columns, search_answers
from qopt.forms.routing_part import Part
from qopt.numbers import plural
from qopt.solver import Budget, Clock, Outcome, Progress, Status, Usage

from .route_neighbourhood import Routes, neighbourhood, neighbouring_routes
from .subsolver import Calls, ablations_of, open_subsolver, samples_of

ITERATIONS = 100
"""Neighbourhoods that are searched where the budget sets no limit."""

CONSTRUCTIONS = (0, 200, 2000, 20_000)
"""Iterations of the search for a first answer: of each start, where those before found none."""

FEWEST_QUBITS = 8
"""Route columns below which a neighbourhood has no room for a second answer."""


@dataclass(frozen=True, kw_only=True)
class LargeNeighbourhoodSearch:
    """Improves routes by neighbourhoods of four to six of them, chosen anew from a few columns.

    An iteration takes a random route of the incumbent and its nearest ones (Shaw, "Using constraint
    programming and local search methods to solve vehicle routing problems", CP 1998), lets a short
    local search (PyVRP's) of their clients generate routes, and offers at most `qubits` of them,
    those of the incumbent and of the best answers met, to a set partitioning QUBO, which the
    subsolver solves. The best of its answers and of those that the local search met by itself takes
    the place of the old routes where it is better, by the routing's own evaluation.

    With ``subsolver=none`` the loop is the same without the QUBO: what the local search finds by
    itself. With ``subsolver=exact`` the QUBO's optimum is taken. These are the ablations by which
    a subsolver is to be judged, and ``qopt compare`` runs them beside it.

    A unit of ``Budget.evaluations`` is an iteration; without a budget there are 100. The first
    answer is the same for all subsolvers. There is no bound.

    What the subsolver uses is in the run's ledger: shots, circuits and seconds are added up;
    qubits and depths are those of the largest circuit, gates a mean over the shots.

    Parameters
    ----------
    subsolver : str
        A solver of QUBOs with its options, in brackets where there are several: ``sa``, ``exact``,
        ``qaoa:p=2``, ``[qaoa:p=2,device=aer:torino]``; or ``none``.
    qubits : int
        Largest number of route columns of a neighbourhood, and so of qubits; at least 8.
    local_steps : int
        Iterations of the local search that generates the routes of a neighbourhood.
    """

    subsolver: str = "sa"
    qubits: int = 20
    local_steps: int = 200
    inner: Any = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        if self.qubits < FEWEST_QUBITS:
            raise UsageError(f"qubits must be at least {FEWEST_QUBITS}, got {self.qubits}")
        if self.local_steps < 1:
            raise UsageError(f"local_steps must be at least 1, got {self.local_steps}")
        object.__setattr__(self, "inner", open_subsolver(self.subsolver))

    def ablations(self) -> tuple[dict[str, Any], ...]:
        """Options of the runs that a comparison sets beside one with this subsolver."""
        return ablations_of(self.subsolver)

    def solve(self, model: Routing, budget: Budget, seed: int, progress: Progress) -> Outcome:
        """Solve one routing; see `qopt.solver.Solver`.

        Raises
        ------
        UnsupportedError
            For a routing that PyVRP does not model.
        SizeError
            Where the subsolver takes none of the QUBOs.
        """
        usage = Usage()
        with usage.phase("setup"):
            import pyvrp  # noqa: F401  importing takes time
            import scipy.optimize  # noqa: F401
        clock = budget.start()
        search = _Search(self, model, budget, clock, seed, progress, usage)
        with usage.phase("execute"):
            search.construct()
        if search.answer is None:
            return search.without_answer()
        search.run()
        usage.evaluations = max(1, search.iterations)
        return Outcome(
            Status.FEASIBLE, [search.answer], usage=usage, reason=search.said(),
            details=search.details(),
        )


@dataclass
class _Search:
    """The incumbent and the loop around it."""

    options: LargeNeighbourhoodSearch
    routing: Routing
    budget: Budget
    clock: Clock
    seed: int
    progress: Progress
    usage: Usage
    answer: Routes | None = None
    nearest: Routes | None = None
    """Routes that break a limit, where the search for a first answer ended with such."""
    starts: int = 0
    """Searches for a first answer."""
    objective: float = float("inf")
    first: float = float("inf")
    iterations: int = 0
    improvements: int = 0
    master: int = 0
    """Improvements that are owed to the subsolver: better than all that the local search met."""

    def __post_init__(self) -> None:
        self.calls = Calls(
            self.options.inner, self.budget.threads, self.progress, self.clock, self.usage,
            self.budget.meter,
        )
        self.rng = np.random.default_rng(self.seed)
        depots = len(self.routing.depots)
        apart = self.routing.distance[depots:, depots:]
        self.distance = np.minimum(apart, apart.T)
        limit = self.budget.evaluations
        if limit is None:
            limit = ITERATIONS if self.budget.time_limit is None else 2**63
        self.limit = limit

    @property
    def ended(self) -> bool:
        """Whether the run should end now."""
        return self.clock.expired or self.progress.stopping

    def construct(self) -> None:
        """Find a first answer, quickly; it does not depend on the subsolver."""
        # Under a time limit the last effort is repeated, each time from another start.
        for effort in chain(CONSTRUCTIONS, repeat(CONSTRUCTIONS[-1])):
            if self.starts == len(CONSTRUCTIONS) and self.budget.time_limit is None:
                return
            pool = search_answers(
                self.routing, effort, self.seed + self.starts, starts=1, ended=lambda: self.ended
            )
            self.starts += 1
            self.nearest = pool.nearest
            if ranked := pool.ranked():
                self._take(ranked[0][1])
                self.first = self.objective
                return
            if self.ended:
                return

    def run(self) -> None:
        """Search neighbourhood after neighbourhood."""
        while self.iterations < self.limit and not self.ended and self.answer:
            # The same draws whatever the subsolver does, so that only its answers tell runs apart.
            size = int(self.rng.integers(4, 7))
            seed = int(self.rng.integers(2**31))
            with self.usage.phase("execute"):
                part, others, pool, own = self._neighbourhood(size, seed)
                found = pool.ranked()[0]
            offered = self._offer(pool, own, found[1])
            answers = [(found[0], found[1], False)]
            if offered is not None:
                answers += self._ask(part, offered, seed)
            self._accept(part, others, own, answers)
            self.iterations += 1
            done = self.iterations / self.limit if self.limit < 2**63 else None
            self.progress.step(done, f"iteration {self.iterations}")

    def _neighbourhood(self, size: int, seed: int) -> tuple[Part, Routes, RoutePool, Routes]:
        """A part of the incumbent, its other routes, and the answers that local search meets."""
        assert self.answer is not None
        chosen = neighbouring_routes(self.distance, self.answer, size, self.rng)
        part = neighbourhood(self.routing, self.answer, chosen)
        own = part.inner(self.answer[r] for r in chosen)
        others = tuple(route for r, route in enumerate(self.answer) if r not in chosen)
        pool = search_answers(
            part.routing, self.options.local_steps, seed, begin=own, ended=lambda: self.ended
        )
        return part, others, pool, own

    def _offer(self, pool: RoutePool, own: Routes, best: Routes) -> Lowering[Qubo] | None:
        """The QUBO of the best routes; None without a subsolver or without a choice."""
        if self.options.inner is None or self.ended or not best:
            return None
        with self.usage.phase("compile"):
            try:
                columns: RouteColumns = pick_columns(pool, self.options.qubits, keep=own)
                if len(columns.routes) == len(columns.answer):
                    return None  # nothing to choose
                return columns_to_qubo(columns)
            except (SizeError, InputError):
                return None

    def _ask(
        self, part: Part, offered: Lowering[Qubo], seed: int
    ) -> list[tuple[float, Routes, bool]]:
        """What the subsolver makes of a QUBO: the objective and routes of its best answer."""
        outcome = self.calls.ask(offered.model, seed)
        if outcome is None:
            return []
        samples = samples_of(outcome)
        with self.usage.phase("decode"):
            return self._best(part, offered, samples)

    def _best(
        self, part: Part, offered: Lowering[Qubo], samples: list[Any]
    ) -> list[tuple[float, Routes, bool]]:
        """The best feasible one of the subsolver's answers, if there is one."""
        if not samples:
            return []
        for i in np.argsort(offered.model.penalised().energies(samples), kind="stable"):
            routes = offered.decode(samples[i])
            objective, broken = part.routing.evaluate(routes)
            if not broken:
                self.calls.feasible += 1
                return [(objective, routes, True)]
        return []

    def _accept(
        self, part: Part, others: Routes, own: Routes, answers: list[tuple[float, Routes, bool]]
    ) -> None:
        """Take the best of the answers, the local search's own first, if it is an improvement."""
        now = part.routing.evaluate(own)[0]
        objective, routes, by_master = min(answers, key=lambda each: each[0])
        if not objective < now - 1e-9 * max(1.0, abs(now)):
            return
        if self._take((*others, *part.outer(routes))):
            self.improvements += 1
            self.master += by_master

    def _take(self, routes: Routes) -> bool:
        """Make an answer the incumbent if the routing itself finds it feasible and better."""
        objective, broken = self.routing.evaluate(routes)
        if broken or not objective < self.objective:
            return False
        self.answer, self.objective = routes, objective
        self.progress.incumbent(objective)
        return True

    # -- what is told -----------------------------------------------------------------------------

    def without_answer(self) -> Outcome:
        """What is told where no first answer was found: the routes that came nearest to one."""
        reason = (
            "local search met no feasible routes to begin with, from "
            f"{plural(self.starts, 'start')}; that is no proof that there are none"
        )
        if self.nearest is None:
            return Outcome(Status.TIME_LIMIT, usage=self.usage, reason=reason)
        return Outcome(
            Status.INFEASIBLE_ANSWERS, [self.nearest], usage=self.usage, reason=reason
        )

    def said(self) -> str:
        """A sentence on what the subsolver was worth, and where that is tested."""
        worth = (
            f"{self.improvements} of {self.iterations} neighbourhoods improved the first answer "
            f"{self.first:g}"
        )
        if self.options.inner is None:
            return f"{worth}; no subsolver"
        return (
            f"{worth}, {self.master} of them by the subsolver beyond what the local search met; "
            "qopt compare runs its ablations (an exact subsolver, none) beside it"
        )

    def details(self) -> dict[str, Any]:
        """Figures for the record."""
        return {
            "iterations": self.iterations,
            "first": self.first,
            "improvements": self.improvements,
            "master_improvements": self.master,
            **self.calls.details(),
            "ablations": list(self.options.ablations()),
        }
