"""Annealing by generations: offspring of one parent, recombined part by part."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qopt.forms import Qubo
from qopt.solver import Budget, Outcome, Progress, Status, Usage

if TYPE_CHECKING:
    from .account import Account

_FOUNDER = 0.25
"""Share of the budget that makes the first parent of a line."""

_GENERATION = 1.0 / 40.0
"""Share of the budget that makes one generation."""

_PATIENCE = 24
"""Generations without gain after which another line is founded."""

_GIVEN_PATIENCE = 6
"""The same of a line that goes on from an answer to start from: others may have exhausted it."""

_REHEAT = (0.3, 0.6)
"""Range of the temperatures from which offspring cool, as a share of the hottest worth a sweep."""


@dataclass(frozen=True)
class Memetic:
    """A memetic algorithm: annealed offspring, partition crossover, the child is the next parent.

    A parent is annealed from hot to cold. Each generation then reheats copies of it a little,
    cools them side by side, and takes into the parent every part of every offspring that is better
    there (`crossover.Crossover`): on sparse models the offspring differ from the parent in many
    separate places, and each place improves by itself, whatever the size of the model. Memetic
    algorithms: Merz and Freisleben, J. Heuristics 8, 197 (2002). Where a model is dense the best of
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
        usage = Usage()
        if not model.num_variables:
            progress.incumbent(model.offset)
            return Outcome(Status.FEASIBLE, np.zeros((1, 0), dtype=np.int8), usage=usage)
        with usage.phase("setup"):
            from .account import Account
            from .crossover import warm_up_crossover
            from .layout import Layout
            from .reads import warm_up

            layout = Layout.choose(model)
            warm_up(layout)
            warm_up_crossover(layout)
        clock = budget.start()
        with usage.phase("compile"):
            laid_out = layout.build(model)
        with usage.phase("execute"):
            account = Account(model, layout, laid_out, budget, clock, seed, progress, start)
            lines = _Lines(account)
            lines.run()
            answers, counts = account.answers()
        usage.evaluations = account.proposals
        details = {
            "lines": lines.founded,
            "generations": lines.generations,
            "gains": lines.gains,
            "crossover": lines.crosses,
        }
        return Outcome(Status.FEASIBLE, answers, counts, usage=usage, details=details)


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
        hot, cold = account.measure()
        rng = account.rng(2)
        parent: NDArray[np.int8] | None = account.given[0] if len(account.given) else None
        heads: list[NDArray[np.int8]] = []
        while not account.over:
            before = account.used
            if parent is None:
                parent = self._generation(None, hot, cold, _FOUNDER / (1 + self.founded))
                self.founded += 1
            patience = _PATIENCE if self.founded else _GIVEN_PATIENCE
            idle = 0
            while not account.over and idle < patience:
                share = rng.uniform(*_REHEAT)
                child = self._generation(parent, max(cold, share * hot), cold, _GENERATION)
                idle = 0 if self._energy(child) < self._energy(parent) else idle + 1
                self.gains += idle == 0
                parent = child
            heads.append(parent)
            if len(heads) > 1:
                heads = [self._combine(np.array(sorted(heads, key=self._energy)))]
            parent = None
            if account.used <= before:
                break

    def _generation(
        self, parent: NDArray[np.int8] | None, hot: float, cold: float, share: float
    ) -> NDArray[np.int8]:
        """The child of a parent and its offspring; of the offspring alone without a parent."""
        account = self._account
        end = account.until(share)
        number = self.generations
        self.generations += 1

        def brood(b: int) -> NDArray[np.int8]:
            start = None if parent is None else parent[None, :]
            batch = account.batch(account.rng(3, number, b), start=start)
            account.walk(batch, hot, cold, end)
            states = batch.states()[np.argsort(batch.energies(), kind="stable")]
            account.keep(*batch.finish())
            return states  # not the best met: that is often the parent itself

        if self._broods == 1:
            states = brood(0)
        else:
            with ThreadPoolExecutor(self._broods) as executor:
                states = np.concatenate(list(executor.map(brood, range(self._broods))))
        family = states if parent is None else np.concatenate([parent[None, :], states])
        child = self._combine(family)
        account.step(f"generation {self.generations}")
        return child

    def _energy(self, x: NDArray[np.int8]) -> float:
        return self._account.energy(x)

    def _combine(self, family: NDArray[np.int8]) -> NDArray[np.int8]:
        account = self._account
        if self._crossover is None:
            return min(family, key=self._energy)
        child = self._crossover.combine(family)
        account.keep(child[None, :], np.array([self._energy(child)]))
        return child
