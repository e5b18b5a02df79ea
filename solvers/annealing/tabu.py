"""Tabu search as a solver: options, and how it diversifies."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qopt.errors import UsageError
from qopt.forms import Qubo
from qopt.solver import Budget, Outcome, Progress

if TYPE_CHECKING:
    from .layout import Model
    from .tabu_search import Memory, Searcher, State

_POOL = 4
"""A shake chooses its moves among so many times as many variables, drawn at random."""

_RANGE = 50.0
"""The largest shake has so many times the moves of the smallest."""

_DENSE_TENURE = 0.01
_SPARSE_TENURE = 0.04
"""Tenure as a share of the variables, where every pair interacts and where few do. The first is
Glover, Lü and Hao's; on sparse graphs energies tie, and with the same tenure the walk goes round in
circles."""

_TIED_TENURE = 0.2
"""Divided by the mean number of neighbours, it is added: the fewer there are, the more tie."""

_LONGEST_TENURE = 0.15

_MOST_STEPS = 10**9
"""Most steps that an option may name: kernels hold the step until which a move is tabu in 32 bits.
"""


@dataclass(frozen=True, kw_only=True)
class TabuSearch:
    """Iterated tabu search with single flips, and with swaps inside exactly-k groups.

    Each step makes the best move that is not tabu, even if it is uphill; a variable that moved is
    tabu for some steps, unless its move leads below the best answer of the phase. A phase ends
    when it finds nothing better for `patience` steps; its best answer is shaken by a random number
    of moves, each the best among variables drawn at random, and the next phase begins there, as in
    G. Palubeckis, "Iterated tabu search for the unconstrained binary quadratic optimization
    problem", Informatica 17(2), 2006. Tenures follow F. Glover, Z. Lü and J.-K. Hao,
    "Diversification-driven tabu search for unconstrained binary quadratic problems", 4OR 8, 2010.

    Every answer keeps every group: a one and a zero of a group are swapped, and two exactly-one
    groups of equal length exchange their choices. Each thread searches on its own. The unit of
    ``budget.evaluations`` is a step, that is a move made, shared equally among the threads; under
    it one seed and one number of threads give one answer. Without any budget the work is fixed,
    about a second for a model of ordinary size.

    Parameters
    ----------
    tenure : int, optional
        Steps for which a variable that moved is tabu, at least. By default a share of the
        variables that is larger for sparse models.
    spread : int, optional
        Random addition to the tenure, at most. By default 10, or a fifth of the tenure.
    patience : int, optional
        Steps without a better answer after which a phase ends. By default a multiple of the
        number of variables.
    strength : float
        Largest share of the variables that a shake moves, above 0 and at most 1.
    """

    tenure: int | None = None
    spread: int | None = None
    patience: int | None = None
    strength: float = 0.5

    def __post_init__(self) -> None:
        check_memory(self.tenure, self.spread, self.patience)
        if not 0.0 < self.strength <= 1.0:
            raise UsageError(f"strength must be above 0 and at most 1, got {self.strength}")

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
            Where the first phases begin, shared out among the threads. Groups that one of them
            breaks are mended at random.

        Returns
        -------
        Outcome
            Distinct answers of the phases, best first, each with the number of phases that ended
            there; no bound. ``usage.evaluations`` counts steps.
        """
        from .tabu_search import search

        def memory(qubo: Qubo, model: "Model") -> "Memory":
            return choose_memory(qubo, model, self.tenure, self.spread, self.patience)

        return search(model, budget, seed, progress, start, memory, self._search)

    def _search(self, searcher: "Searcher") -> None:
        for state in searcher.starts:
            last, _ = searcher.improve(state)
        while not searcher.over:
            self._shake(searcher, last)
            last, _ = searcher.improve()

    def _shake(self, searcher: "Searcher", x: "State") -> None:
        """Move a random number of variables, as likely a few as many.

        Few leave a plateau without losing what was found; many leave a basin.
        """
        movable = np.zeros(len(x), dtype=bool)
        candidates = searcher.candidates
        # Of a handful of variables half would be too few to leave a basin.
        most = max(2.0, min(4.0, len(candidates)), self.strength * len(candidates))
        least = max(2.0, most / _RANGE)
        moves = round(least * (most / least) ** searcher.rng.random())
        chosen = searcher.rng.permutation(candidates)[: _POOL * moves]
        movable[chosen] = True
        searcher.shake(x, movable, moves)


def check_memory(tenure: int | None, spread: int | None, patience: int | None) -> None:
    """Refuse parameters that make no walk."""
    given = (("tenure", tenure, 0), ("spread", spread, 0), ("patience", patience, 1))
    for name, value, least in given:
        if value is not None and value < least:
            raise UsageError(f"{name} must be at least {least}, got {value}")
        if value is not None and value > _MOST_STEPS:
            raise UsageError(f"{name} must be at most {_MOST_STEPS}, got {value}")


def choose_memory(
    qubo: Qubo,
    model: "Model",
    tenure: int | None,
    spread: int | None,
    patience: int | None,
) -> "Memory":
    """Fill in what the user left open.

    Some variable can always move: with few of them, a tenure is cut short.
    """
    from .tabu_search import Memory

    moves = model.moves
    if tenure is None:
        share = _DENSE_TENURE + (_SPARSE_TENURE - _DENSE_TENURE) * (1.0 - qubo.density) ** 4
        degree = 2.0 * qubo.num_interactions / qubo.num_variables
        share += _TIED_TENURE / max(1.0, degree)
        tenure = 1 + int(min(share, _LONGEST_TENURE) * moves)
    if spread is None:
        spread = max(10, tenure // 5)
    if len(model.free):
        room = max(0, len(model.free) // 2 - 1)
        tenure = min(tenure, room)
        spread = min(spread, room - tenure)
    return Memory(tenure, spread + 1, patience or min(5 * max(moves, 200), 20 * moves))
