"""Parallel tempering with isoenergetic cluster moves."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qopt.forms import Qubo
from qopt.solver import Budget, Outcome, Progress

from .opening import search_on_account
from .schedule import check_betas, given_range

if TYPE_CHECKING:
    from .account import Account
    from .layout import Layout

_BETWEEN_EXCHANGES = 1 << 21
"""Work between two exchanges, in all replicas, so that exchanging costs little beside it."""

_MOST_BETWEEN = 32
"""Most sweeps between two exchanges."""

_BEGINNING = 1.0 / 32.0
"""Share of the budget in which the replicas cool to their temperatures."""

_ADAPTED_AT = (1.0 / 16.0, 1.0 / 8.0, 1.0 / 4.0)
"""Shares of the budget after which the temperatures are placed anew."""

_HARVEST = 1.0 / 32.0
"""Share of the budget between two harvests."""

_DESCENT = 4
"""Sweeps at temperature 0 that take a harvested replica to a local minimum."""


@dataclass(frozen=True, kw_only=True)
class Tempering:
    """Replica exchange, with isoenergetic cluster moves and crossover on sparse models.

    Replicas at a ladder of temperatures walk side by side, and neighbours exchange places, so that
    what is stuck when cold gets free when hot (Hukushima and Nemoto, J. Phys. Soc. Jpn. 65, 1604,
    1996). The ladder is placed by what the model's energies show of the exchanges (`Ladder.adapt`).
    On sparse models without groups there are two replicas at each temperature, which exchange
    connected parts in which they differ: parallel tempering with isoenergetic cluster moves (Zhu,
    Ochoa and Katzgraber, Phys. Rev. Lett. 115, 077201, 2015). Now and then the colder half of the
    replicas descends, and on sparse models the best answer takes their better parts
    (`crossover.Crossover`).

    Groups are kept by swap moves. The unit of ``budget.evaluations`` is a proposal; under it one
    ladder is walked whatever the number of threads, under a time limit one in each thread.

    Parameters
    ----------
    beta_min : float, optional
        Inverse temperature of the hottest replica at first, in units of one over the model's
        energy. By default a quarter of the uphill moves from random states are accepted.
    beta_max : float, optional
        Inverse temperature of the coldest replica. By default a local minimum is left by one move
        in a thousand.
    """

    beta_min: float | None = None
    beta_max: float | None = None

    def __post_init__(self) -> None:
        check_betas(self.beta_min, self.beta_max)

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
        return search_on_account(model, budget, seed, progress, start, _warm_up, self._search)

    def _search(self, account: "Account") -> dict[str, Any]:
        if account.over:
            return {"ladders": []}
        hot, cold = given_range(
            *account.measure(), self.beta_min, self.beta_max, account.model.scale
        )
        number = account.threads if account.timed else 1
        walks = [_Walk(account, k, hot, cold) for k in range(number)]
        if number == 1:
            walks[0].run()
        else:
            with ThreadPoolExecutor(number) as executor:
                list(executor.map(_Walk.run, walks))
        return {"ladders": [walk.details() for walk in walks]}


class _Walk:
    """One ladder from its beginning to the end of the budget."""

    def __init__(self, account: "Account", number: int, hot: float, cold: float) -> None:
        from .crossover import Crossover
        from .ladder import Ladder
        from .replicas import start_replicas

        self._account = account
        self._rng = rng = account.rng(2, number)
        model, layout = account.model, account.layout
        self._crossover = Crossover(model) if layout.rows == "sparse" else None
        symmetric = self._crossover is not None and self._crossover.symmetric
        self._replicas = start_replicas(model, layout, rng, account.given, symmetric=symmetric)
        self._count = self._replicas.copies * self._replicas.size
        self._ladder = Ladder(hot, cold, self._replicas.size, self._replicas.copies)
        self._hot = 0.0 if len(account.given) else hot
        work = self._count * max(1.0, model.sweep_cost)
        self._gap = int(np.clip(_BETWEEN_EXCHANGES / work, 1, _MOST_BETWEEN))
        self._elite: NDArray[np.int8] | None = None
        self._clusters = self._turn = 0

    def details(self) -> dict[str, Any]:
        """What was done, for the record."""
        scale = self._account.model.scale
        return {
            "betas": [float(scale / t) for t in self._ladder.temperatures],
            "acceptance": [float(share) for share in self._ladder.acceptance],
            "replicas": self._count,
            "sweeps_between_exchanges": self._gap,
            "cluster_moves": self._clusters,
        }

    def run(self) -> None:
        """Walk until the budget is used."""
        account = self._account
        adapted = list(_ADAPTED_AT)
        # With a time limit there is one soon, to learn how long the last one will take.
        harvest = 0.0 if account.timed else _BEGINNING
        while not account.over:
            count = min(self._gap, account.affordable(1.0, self._count))
            if count <= 0:
                break
            self._sweep(count)
            if account.used >= _BEGINNING:
                self._exchange()
            if adapted and account.used >= adapted[0]:
                adapted.pop(0)
                self._ladder.adapt()
            if account.used >= harvest:
                with account.closing():
                    self._harvest()
                harvest = account.used + _HARVEST
                account.step(f"{account.proposals} proposals")
        if account.closes_in_time:
            self._harvest()

    def _sweep(self, count: int) -> None:
        account, ladder = self._account, self._ladder
        temperatures = np.stack([ladder.of_replicas(c) for c in range(self._replicas.copies)])
        if account.used < _BEGINNING and self._hot:
            cold = float(ladder.temperatures[-1])
            now = self._hot * (cold / self._hot) ** (account.used / _BEGINNING)
            temperatures = np.maximum(temperatures, now)
        account.paced(count, lambda: self._replicas.sweep(temperatures, count))
        account.spend(count, self._count)

    def _exchange(self) -> None:
        ladder = self._ladder
        ladder.exchange(self._replicas.energies(), self._rng)
        if self._replicas.copies == 2:
            # In turn, from the middle of the ladder to its cold end: hotter, nearly all variables
            # that differ hang together. One costs about as much as a sweep.
            half = self._replicas.size // 2
            pair = ladder.order[:, half + self._turn % (self._replicas.size - half)]
            self._turn += 1
            self._clusters += self._replicas.exchange_clusters(pair[None, :], self._rng)

    def _harvest(self) -> None:
        """Take the colder half of the replicas to local minima, and the best parts of them all."""
        account, found = self._account, []
        for copy in range(self._replicas.copies):
            chosen = self._ladder.order[copy, self._replicas.size // 2 :]
            states = self._replicas.states(copy, chosen)
            for begin in range(0, len(states), account.width):
                part = states[begin : begin + account.width]
                sweeps = min(_DESCENT, account.affordable(1.0, len(part)))
                batch = account.batch(self._rng, reads=len(part), start=part)
                batch.sweep(np.zeros(sweeps, dtype=np.float32))
                account.spend(sweeps, len(part))
                batch.checkpoint()
                minima, energies = batch.finish()
                account.keep(minima, energies)
                found.append(minima[np.argsort(energies, kind="stable")])
        if self._crossover is not None:
            family = found if self._elite is None else [self._elite[None, :], *found]
            self._elite = self._crossover.combine(
                np.concatenate(family), rounds=1, stop=lambda: account.late
            )
            account.keep(self._elite[None, :], np.array([account.energy(self._elite)]))


def _warm_up(layout: "Layout") -> None:
    from .crossover import warm_up_crossover
    from .reads import tiny_model, warm_up
    from .replicas import start_replicas

    warm_up(layout)
    warm_up_crossover(layout)
    if layout.side_by_side:
        rng = np.random.default_rng(0)
        replicas = start_replicas(
            tiny_model(layout), layout, rng, np.zeros((0, 3), np.int8), symmetric=True
        )
        replicas.sweep(np.ones((replicas.copies, replicas.size)), 1)
        replicas.exchange_clusters(np.zeros((1, 2), dtype=np.int64), rng)
