"""What a search has spent of its budget, what it has found, and how its walks keep to both."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import inf
from threading import Lock
from typing import Any

import numpy as np
from numpy.random import Generator, SeedSequence, default_rng
from numpy.typing import NDArray

from qopt.forms import Qubo
from qopt.solver import Budget, Clock, Progress

from .layout import Layout, Model
from .pool import Incumbent, Pool
from .reads import Batch, batch_size, start_batch
from .rounds import most_sweeps
from .schedule import DESCENT, cooling_range
from .starts import checked_starts

DEFAULT_COST = 1 << 29
"""Most work without a budget, in units of `Model.sweep_cost`."""

DEFAULT_LONG_READS = 32
"""Reads as long as is worth while that small models get at most without a budget."""

SLICE_SECONDS = 0.02
"""Time between two looks at the clock."""

SLICE_COST = 1 << 24
"""The same in work, where evaluations are counted and nothing may hang on the clock."""

SHORT_WALK = 16
"""Sweeps below which a walk is not worth its beginning."""

_PILOT_SWEEPS = 8


class Account:
    """The budget, the answers and the incumbent of one search.

    A search without any budget is given a number of evaluations, and its proposals are counted.

    Parameters
    ----------
    qubo : Qubo
    layout : Layout
    model : Model
        The QUBO as it is laid out.
    budget : Budget
    clock : Clock
    seed : int
    progress : Progress
    start : sequence of answers
        Those that keep every group are the first in the pool.

    Attributes
    ----------
    pool : Pool
        Answers found.
    proposals : int
        Moves proposed.
    timed : bool
        Whether the clock alone decides how much is done.
    given : ndarray of int8, shape (starts, n)
        Distinct feasible answers to start from, best first.
    """

    def __init__(
        self,
        qubo: Qubo,
        layout: Layout,
        model: Model,
        budget: Budget,
        clock: Clock,
        seed: int,
        progress: Progress,
        start: Sequence[Any] = (),
    ) -> None:
        self.layout, self.model, self.clock = layout, model, clock
        self.pool = Pool(qubo.num_variables)
        self.proposals = 0
        self.timed = budget.time_limit is not None and budget.evaluations is None
        self.threads = budget.threads
        self.width = batch_size(layout)
        self._most: float = inf if self.timed else budget.evaluations or default_evaluations(model)
        self._progress, self._seed = progress, seed
        self._incumbent = Incumbent(progress, qubo.offset)
        self._closing = 0.0
        self._walked = clock.elapsed
        self._lock = Lock()
        # Unmeasured, rather too long: a first slice that is too short costs nothing.
        self._sweep_seconds = 1e-6 + 1e-8 * self.width * model.sweep_cost
        self.given = feasible_starts(qubo, start)
        if len(self.given):
            self.keep(self.given, qubo.energies(self.given) - qubo.offset)

    # -- what is left ---------------------------------------------------------------------------

    @property
    def used(self) -> float:
        """Share of the budget that is used, 0 to 1."""
        if self.timed:
            limit = self.clock.limit
            return 1.0 if limit <= 0.0 else min(1.0, self.clock.elapsed / limit)
        return min(1.0, self.proposals / self._most)

    @property
    def late(self) -> bool:
        """Whether the clock or the user ends the search: not even what it has is worked on."""
        return self._progress.stopping or self.clock.expired

    @property
    def over(self) -> bool:
        """Whether to end now; nothing less than a sweep of one read can be bought."""
        return self.late or not self.model.moves or self.affordable(1.0, 1) < 1

    def affordable(self, end: float, reads: int) -> int:
        """Sweeps of so many reads until that share of the budget is used."""
        if self.timed:
            seconds = end * self.clock.limit - self.clock.elapsed
            seconds -= self._closing if end >= 1.0 else 0.0
            return max(0, int(seconds / self._sweep_seconds))
        return max(0, int(end * self._most) - self.proposals) // (reads * self.model.moves)

    @contextmanager
    def closing(self) -> Iterator[None]:
        """Time of work that a search must still do after its last sweep, so that it is left for."""
        begin = self.clock.elapsed
        yield
        self._close(self.clock.elapsed - begin)

    def close_walks(self) -> None:
        """The same for all that was done since the last walk ended."""
        self._close(self.clock.elapsed - self._walked)

    def _close(self, seconds: float) -> None:
        # Nearly the most that it took lately: one that was held up is soon forgotten.
        self._closing = max(seconds, 0.7 * self._closing)

    @property
    def closes_in_time(self) -> bool:
        """Whether the work after the last sweep would end less than 5 % over the time limit."""
        return self.clock.elapsed + self._closing <= 1.05 * self.clock.limit

    def spend(self, sweeps: int, reads: int) -> None:
        """Count the proposals of sweeps that are done."""
        with self._lock:
            self.proposals += sweeps * reads * self.model.moves

    def reads(self) -> int:
        """Reads of the next batch: a full one, or what a small budget can walk at all."""
        if self.timed:
            return self.width
        return max(1, min(self.width, self.affordable(1.0, 1) // SHORT_WALK))

    def until(self, share: float) -> float:
        """Where a walk over a share of the budget ends: at its end where it would be too short."""
        end = min(1.0, self.used + share)
        if self.affordable(end, self.reads()) < SHORT_WALK:
            end = 1.0
        return end

    # -- what is found --------------------------------------------------------------------------

    def keep(self, states: NDArray[np.int8], energies: NDArray[np.float64]) -> None:
        """Add answers, energies without the offset, and report the best."""
        with self._lock:
            self.pool.add(states, energies)
        self.report(energies)

    def report(self, energies: NDArray[np.float64]) -> None:
        """Report the best of these energies if it is better than any so far."""
        self._incumbent.meet(float(energies.min()))

    def energy(self, x: NDArray[np.int8]) -> float:
        """Energy of one state, without the offset."""
        return float(self.energies(x[None, :])[0])

    def energies(self, states: NDArray[np.int8]) -> NDArray[np.float64]:
        """Energies of states, without the offset."""
        return energies_of(self.model, self.layout, states)

    def step(self, note: str) -> None:
        """Tell how far the search is."""
        self._progress.step(self.used, note)

    def answers(self) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
        """Answers, best first, and their counts; a random one where there was no time for any."""
        if not len(self.pool):
            batch = self.batch(self.rng(0), reads=1)
            self.report(batch.checkpoint())
            self.pool.add(*batch.finish())
        return self.pool.sorted()

    # -- walks ----------------------------------------------------------------------------------

    def rng(self, *key: int) -> Generator:
        """A generator of its own for each part of the search."""
        return default_rng(SeedSequence(self._seed, spawn_key=key))

    def batch(
        self, rng: Generator, *, reads: int | None = None, start: NDArray[np.int8] | None = None
    ) -> Batch:
        """A batch in random feasible states, or in those given."""
        return start_batch(
            self.model, self.layout, reads or self.reads(), rng, start=start, greedy=start is None
        )

    def measure(self) -> tuple[float, float]:
        """The hottest and the coldest temperature worth a sweep, and the speed, by a descent."""
        rng = self.rng(1)
        batch = self.batch(rng)
        random = batch.changes(rng)
        sweeps, begin = 0, self.clock.elapsed
        while sweeps < _PILOT_SWEEPS and not self.over and self.used < 0.1:
            if not self.affordable(0.1, batch.reads) and not self.timed:
                break
            batch.sweep(np.zeros(1, dtype=np.float32))
            self.spend(1, batch.reads)
            sweeps += 1
            self._sweep_seconds = max(1e-9, (self.clock.elapsed - begin) / sweeps)
        self.report(batch.checkpoint())
        minimum = batch.changes(rng) if sweeps else None
        with self.closing():
            self.keep(*batch.finish())
        return cooling_range(random, minimum)

    def slice(self, end: float, reads: int) -> int:
        """Sweeps until the next look at the clock, at most until `end` of the budget; 0 if none."""
        if self.timed:
            most = int(SLICE_SECONDS / self._sweep_seconds)
        else:
            most = int(SLICE_COST / (reads * max(1.0, self.model.sweep_cost)))
        return min(max(1, most), self.affordable(end, reads))

    def paced(self, sweeps: int, work: Callable[[], None]) -> None:
        """Do so many sweeps and learn their speed."""
        begin = self.clock.elapsed
        work()
        self._sweep_seconds = max(1e-9, (self.clock.elapsed - begin) / sweeps)

    def walk(self, batch: Batch, hot: float, cold: float, end: float) -> None:
        """Cool a batch geometrically until that share of the budget is used, then descend."""
        begin, place, most = self.used, 0.0, 1
        reserve = DESCENT if self.affordable(end, batch.reads) > 2 * DESCENT else 0
        while not self.over and place < 1.0:
            left = self.affordable(end, batch.reads) - reserve
            count = min(self.slice(end, batch.reads), left)
            if self.timed:  # a hot sweep may take a hundred times as long as the last, cold, one
                count, most = min(count, most), 2 * most
            if count <= 0:
                break
            goal = min(1.0, place + (1.0 - place) * count / left)
            fractions = np.linspace(place, goal, count, endpoint=False)
            self._sweep(batch, hot * (cold / hot) ** fractions)
            place = goal if self.used > begin else 1.0
            self.report(batch.checkpoint())
        if reserve:
            self._sweep(batch, np.zeros(DESCENT))
        self._walked = self.clock.elapsed
        self.report(batch.checkpoint())

    def _sweep(self, batch: Batch, temperatures: NDArray[np.float64]) -> None:
        count = len(temperatures)
        self.paced(count, lambda: batch.sweep(temperatures.astype(np.float32)))
        self.spend(count, batch.reads)


def energies_of(model: Model, layout: Layout, states: NDArray[np.int8]) -> NDArray[np.float64]:
    """Energies of states that keep every group, without the offset, from the layout's rows."""
    rng, width = default_rng(0), batch_size(layout)
    found = np.empty(len(states))
    for begin in range(0, len(states), width):
        part = states[begin : begin + width]
        found[begin : begin + width] = start_batch(
            model, layout, len(part), rng, start=part
        ).energies()
    return found / model.scale


def default_evaluations(model: Model) -> int:
    """Proposals of a run without a budget: about a second's, fewer for a small model."""
    moves = max(1, model.moves)
    by_cost = int(DEFAULT_COST / max(1.0, model.sweep_cost)) * moves
    return max(1, min(by_cost, DEFAULT_LONG_READS * most_sweeps(moves) * moves))


def distinct(states: NDArray[np.int8]) -> NDArray[np.int8]:
    """Each state once, where it is met first; quicker than sorting them."""
    packed = np.packbits(states, axis=1)
    first: dict[bytes, int] = {}
    for k, row in enumerate(packed):
        first.setdefault(row.tobytes(), k)
    return states[list(first.values())]


def feasible_starts(qubo: Qubo, start: Sequence[Any]) -> NDArray[np.int8]:
    """The distinct answers that keep every group, best first, shape (starts, n).

    `starts.feasible_starts` mends the others; here they are left out.

    Raises
    ------
    UsageError
        Where an answer is none of the model; see `starts.checked_starts`.
    """
    states = distinct(checked_starts(qubo.num_variables, start))
    states = states[qubo.group_violations(states) == 0]
    return np.ascontiguousarray(states[np.argsort(qubo.energies(states), kind="stable")])
