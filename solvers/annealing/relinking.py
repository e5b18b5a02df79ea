"""Path relinking as a solver: tabu search between a set of good answers and new ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qopt.errors import UsageError
from qopt.forms import Qubo
from qopt.solver import Budget, Outcome, Progress

from .tabu import check_memory, choose_memory

if TYPE_CHECKING:
    from .layout import Model
    from .tabu_search import Memory, Searcher, State

_NEAR = 0.01
"""Answers that differ in fewer than this share of the variables are near each other."""


@dataclass(frozen=True, kw_only=True)
class PathRelinking:
    """Path relinking between elite answers, each improved by tabu search.

    An elite set of answers is kept. Two of them are relinked: from the one, the variables in which
    the two differ change one after the other, always the one that costs least, and the best answer
    of the middle of that path is improved by a phase of tabu search. It enters the set if it is
    better than the worst member and far enough from better ones, and is then relinked with all
    others. When all pairs are done, the set is built anew around its best member. Source: Y. Wang,
    Z. Lü, F. Glover and J.-K. Hao, "Path relinking for unconstrained binary quadratic
    programming", European Journal of Operational Research 223(3), 2012.

    Every answer keeps every group: within groups, paths go by swaps. Steps, threads and budgets
    are those of the solver ``tabu``; each thread has an elite set of its own.

    Parameters
    ----------
    elite : int
        Members of the elite set, at least 2.
    margin : float
        Share of a path at either end where no answer is taken, at least 0 and below 0.5.
    tenure : int, optional
        Steps for which a variable that moved is tabu, at least. By default as ``tabu`` has it.
    spread : int, optional
        Random addition to the tenure, at most. By default as ``tabu`` has it.
    patience : int, optional
        Steps without a better answer after which a phase of tabu search ends. By default as
        ``tabu`` has it.
    """

    elite: int = 10
    margin: float = 0.3
    tenure: int | None = None
    spread: int | None = None
    patience: int | None = None

    def __post_init__(self) -> None:
        check_memory(self.tenure, self.spread, self.patience)
        if self.elite < 2:
            raise UsageError(f"elite must be at least 2, got {self.elite}")
        if not 0.0 <= self.margin < 0.5:
            raise UsageError(f"margin must be at least 0 and below 0.5, got {self.margin}")

    def solve(
        self,
        model: Qubo,
        budget: Budget,
        seed: int,
        progress: Progress,
        *,
        start: Sequence[Any] = (),
    ) -> Outcome:
        """Search a QUBO; see `qopt.solver.Solver.solve`.

        Parameters
        ----------
        start : sequence of ndarray of int8, shape (n,)
            The first members of the elite sets, shared out among the threads. Groups that one of
            them breaks are mended at random.

        Returns
        -------
        Outcome
            Distinct answers of the phases, best first, each with the number of phases that ended
            there; no bound. ``usage.evaluations`` counts steps, and ``details["paths"]`` the paths
            that were walked; the reason tells where there was none.
        """
        from .tabu_search import search

        paths = [0] * budget.threads

        def memory(qubo: Qubo, model: "Model") -> "Memory":
            return choose_memory(qubo, model, self.tenure, self.spread, self.patience)

        def walk(searcher: "Searcher") -> None:
            paths[searcher.number] = self._search(searcher)

        outcome = search(model, budget, seed, progress, start, memory, walk)
        outcome.details["paths"] = sum(paths)
        if model.num_variables and not sum(paths):
            outcome.reason = "no path was walked: the answer is one of tabu search alone"
        return outcome

    def _search(self, searcher: "Searcher") -> int:
        """Relink until the budget is used; the paths that were walked."""
        paths = 0
        elite = Elite(self.elite, len(searcher.candidates))
        for state in searcher.starts:
            elite.add(*searcher.improve(state))
        while not searcher.over:
            self._fill(searcher, elite)
            while not searcher.over and (pair := elite.next_pair(searcher.rng)) is not None:
                for first, second in (pair, pair[::-1]):
                    if not searcher.over:
                        elite.add(*self._between(searcher, first, second))
                        paths += 1
            elite.keep_best()
        return paths

    def _fill(self, searcher: "Searcher", elite: "Elite") -> None:
        """Random answers, improved, until the set is full or no more can be told apart."""
        for _ in range(2 * self.elite):
            if searcher.over or elite.full:
                return
            elite.add(*searcher.improve(searcher.random_state()))

    def _between(
        self, searcher: "Searcher", first: "State", second: "State"
    ) -> tuple["State", float]:
        """The best answer on the middle of the path from one answer to another, improved."""
        apart = first != second
        length = searcher.path_length(first, second)
        ends = int(self.margin * length)
        searcher.shake(first, apart, ends)
        searcher.walk.forget()
        searcher.relink(length - 2 * ends)
        return searcher.improve(searcher.walk.best_x.copy())


class Elite:
    """Good answers that are apart from each other, and the pairs still to be relinked.

    Parameters
    ----------
    most : int
        Members of a full set.
    num_variables : int
        Variables that can differ.
    """

    def __init__(self, most: int, num_variables: int) -> None:
        self._most = most
        self._near = max(1.0, _NEAR * num_variables)
        self._members: list[tuple[float, State]] = []
        self._pairs: list[tuple[State, State]] = []

    @property
    def full(self) -> bool:
        """Whether a new member displaces an old one."""
        return len(self._members) >= self._most

    def add(self, state: "State", energy: float) -> bool:
        """Take an answer in if it is good enough and not near a better one; whether it was."""
        near = [
            k for k, (_, other) in enumerate(self._members)
            if np.count_nonzero(other != state) < self._near
        ]  # fmt: skip
        if any(self._members[k][0] <= energy for k in near):
            return False
        kept = [member for k, member in enumerate(self._members) if k not in near]
        if len(kept) >= self._most:
            worst = max(range(len(kept)), key=lambda k: kept[k][0])
            if kept[worst][0] <= energy:
                return False
            kept.pop(worst)
        here = {id(other) for _, other in kept}
        self._pairs = [pair for pair in self._pairs if id(pair[0]) in here and id(pair[1]) in here]
        self._pairs += [(state, other) for _, other in kept]
        self._members = [*kept, (energy, state)]
        return True

    def next_pair(self, rng: np.random.Generator) -> tuple["State", "State"] | None:
        """A pair that was not relinked yet, taken at random; None if there is none."""
        return self._pairs.pop(int(rng.integers(len(self._pairs)))) if self._pairs else None

    def keep_best(self) -> None:
        """Forget all members but the best."""
        self._members = [min(self._members, key=lambda member: member[0])]
        self._pairs = []
