"""Annealing by generations: offspring of one parent, recombined part by part."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qopt.forms import Qubo
from qopt.solver import Budget, Outcome, Progress

from .opening import search_on_account

if TYPE_CHECKING:
    from .account import Account
    from .layout import Layout

_FOUNDER = 0.2
"""Share of the budget that makes the first parent of a line."""

_GENERATION = 1.0 / 40.0
"""Share of the budget that makes one generation."""

_PATIENCE = 5
"""Generations without gain after which another line is founded."""

_GIVEN_PATIENCE = 3
"""The same of a line that goes on from an answer to start from: others may have exhausted it."""

_OFFSPRING = 4
"""Offspring of each parent in a batch, as long as a line has several."""

_HALVING = 2
"""Generations after which the better half of the parents goes on."""

_REHEAT = (0.3, 0.6)
"""Range of the temperatures from which offspring cool, as a share of the hottest worth a sweep."""


@dataclass(frozen=True)
class Memetic:
    """A memetic algorithm: annealed offspring, partition crossover, the child is the next parent.

    A parent is annealed from hot to cold. Each generation then reheats copies of it a little,
    cools them side by side, and takes into the parent every part of every offspring that is better
    there (`crossover.Crossover`): on sparse models the offspring differ from the parent in many
    separate places, and each place improves by itself, whatever the size of the model. Memetic
    algorithms: Merz and Freisleben, J. Heuristics 8, 197 (2002). A line begins with several
    parents, of which the better half goes on from time to time. Where a model is dense the best of
    a generation is the next parent.

    Exactly-k groups are kept by swap moves. The unit of ``budget.evaluations`` is a proposal. Under
    it the answer does not depend on the number of threads, and one thread is used.
    """

    def solve(
        self,
        model: Qubo,
        budget: Budget,
        seed: int,
        progress: Progress,
        *,
        start: Sequence[Any] = (),
    ) -> Outcome:
        """Solve a QUBO; see `qopt.solver.Solver.solve`.

        Returns
        -------
        Outcome
            Distinct answers, best first; no bound. ``usage.evaluations`` counts proposals.
        """
        return search_on_account(model, budget, seed, progress, start, _warm_up, _search)


def _warm_up(layout: "Layout") -> None:
    from .crossover import warm_up_crossover
    from .reads import warm_up

    warm_up(layout)
    warm_up_crossover(layout)


def _search(account: "Account") -> dict[str, Any]:
    lines = _Lines(account)
    lines.run()
    return {
        "lines": lines.founded,
        "generations": lines.generations,
        "gains": lines.gains,
        "crossover": lines.crosses,
    }


class _Lines:
    """Lines of parents, one after the other."""

    def __init__(self, account: "Account") -> None:
        from .crossover import Crossover

        self._account = account
        sparse = account.layout.rows == "sparse"
        self._crossover = Crossover(account.model) if sparse else None
        self.crosses = sparse
        self.founded = self.generations = self.gains = 0
        self._broods = account.threads if account.timed else 1

    def run(self) -> None:
        """Found lines until the budget is used."""
        account = self._account
        if account.over:
            return
        self._hot, self._cold = account.measure()
        self._rng = account.rng(2)
        head: NDArray[np.int8] | None = None
        parents = account.given[:1]
        while not account.over:
            before = account.used
            patience = _PATIENCE if self.founded or not len(parents) else _GIVEN_PATIENCE
            if not len(parents):
                parents = self._found()
            parents = self._raise(parents, patience)
            family = parents if head is None else np.concatenate([head[None, :], parents])
            head = self._combine(self._sorted(family))
            parents = account.given[:0]
            if account.used <= before:
                break

    def _found(self) -> NDArray[np.int8]:
        """Anneal from hot to cold: the child of all that come out, and the best of them."""
        states = self._brood(None, self._hot, _FOUNDER / (1 + self.founded))
        self.founded += 1
        states = self._sorted(states)
        most = max(1, self._account.reads() // _OFFSPRING)
        founders = np.concatenate([self._combine(states)[None, :], states[1:most]])
        self._account.close_walks()
        return founders

    def _raise(self, parents: NDArray[np.int8], patience: int) -> NDArray[np.int8]:
        """Generations until the last parent of a line gains no more."""
        idle = 0
        while not self._account.over and idle < patience:
            share = self._rng.uniform(*_REHEAT)
            hot = max(self._cold, share * self._hot)
            offspring = self._brood(parents, hot, _GENERATION)
            children = []
            for k, parent in enumerate(parents):
                own = self._sorted(offspring[k :: len(parents)])
                children.append(self._combine(np.concatenate([parent[None, :], own])))
            gained = self._energy(children[0]) < self._energy(parents[0])
            self.gains += gained
            idle = 0 if gained or len(parents) > 1 else idle + 1
            parents = self._sorted(np.array(children))
            if len(parents) > 1 and self.generations % _HALVING == 0:
                best = self._combine(parents)
                parents = np.concatenate([best[None, :], parents[1 : len(parents) // 2]])
            self._account.close_walks()
        return parents

    def _brood(
        self, parents: NDArray[np.int8] | None, hot: float, share: float
    ) -> NDArray[np.int8]:
        """Offspring of parents in turn, or of nobody, for a share of the budget."""
        account = self._account
        end = account.until(share)
        number = self.generations
        self.generations += 1

        def walk(b: int) -> NDArray[np.int8]:
            batch = account.batch(account.rng(3, number, b), start=parents)
            account.walk(batch, hot, self._cold, end)
            states = batch.states()  # not the best met: that is often the parent itself
            account.keep(*batch.finish())
            return states

        if self._broods == 1:
            states = walk(0)
        else:
            with ThreadPoolExecutor(self._broods) as executor:
                states = np.concatenate(list(executor.map(walk, range(self._broods))))
        account.step(f"generation {self.generations}")
        return states

    def _energy(self, x: NDArray[np.int8]) -> float:
        return self._account.energy(x)

    def _sorted(self, states: NDArray[np.int8]) -> NDArray[np.int8]:
        order = np.argsort(self._account.energies(states), kind="stable")
        return np.ascontiguousarray(states[order])

    def _combine(self, family: NDArray[np.int8]) -> NDArray[np.int8]:
        """The child of a family, the best of it first."""
        if self._crossover is None or len(family) == 1:
            best: NDArray[np.int8] = family[np.argmin(self._account.energies(family))]
            return best
        child = self._crossover.combine(family, stop=lambda: self._account.late)
        self._account.keep(child[None, :], self._account.energies(child[None, :]))
        return child
