"""One run of annealing: measure the model, then rounds of reads until the budget is used."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import ceil, inf
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.random import Generator, SeedSequence, default_rng
from numpy.typing import NDArray

from qopt.solver import Budget, Clock, Progress

from .layout import Layout, Model
from .reads import Batch, batch_size, start_batch
from .rounds import Round, growing, most_sweeps
from .schedule import DESCENT, Cooling, Pace, Sweeps, Until, cooling_range

if TYPE_CHECKING:
    from .solver import SimulatedAnnealing

_DEFAULT_COST = 1 << 29
"""Most work without a budget, in units of `Model.sweep_cost`."""

_DEFAULT_LONG_ROUNDS = 4
"""Rounds of the longest reads that small models get at most without a budget."""

_PILOT_SWEEPS = 8
_PILOT_READS = 4
_SLICE_COST = 1 << 24
"""Work between two checkpoints, a few hundredths of a second, in all reads of a batch."""

_DEFAULT_READS = 32

_MOST_ANSWERS = 1000
_MOST_ANSWER_BITS = 1 << 24


class Pool:
    """Distinct answers with their energies and how often each was found."""

    def __init__(self, num_variables: int) -> None:
        self._n = num_variables
        self._most = max(1, min(_MOST_ANSWERS, _MOST_ANSWER_BITS // num_variables))
        self._found: dict[bytes, tuple[float, int]] = {}

    def __len__(self) -> int:
        return len(self._found)

    def add(self, states: NDArray[np.int8], energies: NDArray[np.float64]) -> None:
        """Add the results of a batch."""
        for packed, energy in zip(np.packbits(states, axis=1), energies, strict=True):
            key = packed.tobytes()
            _, count = self._found.get(key, (energy, 0))
            self._found[key] = (float(energy), count + 1)
        if len(self._found) > 2 * self._most:
            self._found = dict(self._best())

    def merge(self, other: "Pool") -> None:
        """Add all answers of another pool of the same model, with their counts."""
        for key, (energy, count) in other._found.items():
            self._found[key] = (energy, self._found.get(key, (energy, 0))[1] + count)

    def sorted(self) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
        """Answers, shape (answers, n), best first, and their counts."""
        best = self._best()
        packed = np.frombuffer(b"".join(key for key, _ in best), dtype=np.uint8)
        states = np.unpackbits(packed.reshape(len(best), -1), axis=1, count=self._n)
        counts = np.array([count for _, (_, count) in best], dtype=np.int64)
        return states.astype(np.int8), counts

    def _best(self) -> list[tuple[bytes, tuple[float, int]]]:
        return sorted(self._found.items(), key=lambda item: item[1][0])[: self._most]


@dataclass(frozen=True)
class Result:
    """What one batch came to."""

    states: NDArray[np.int8]
    energies: NDArray[np.float64]
    sweeps: int
    seconds: float


class Search:
    """The state of one run.

    Parameters
    ----------
    options : SimulatedAnnealing
    layout : Layout
    model : Model
    offset : float
        The QUBO's constant, for the incumbents.
    budget : Budget
    clock : Clock
    seed : int
    progress : Progress

    Attributes
    ----------
    pool : Pool
        Answers found.
    proposals : int
        Moves proposed, the pilot's included.
    """

    def __init__(
        self,
        options: "SimulatedAnnealing",
        layout: Layout,
        model: Model,
        offset: float,
        budget: Budget,
        clock: Clock,
        seed: int,
        progress: Progress,
    ) -> None:
        self.pool = Pool(model.num_variables)
        self.proposals = 0
        self._options = options
        self._layout = layout
        self._model = model
        self._offset = offset
        self._budget = budget
        self._clock = clock
        self._seed = seed
        self._progress = progress
        self._width = batch_size(layout)
        self._cooling = Cooling(1.0, 1.0, options.schedule)
        self._sweep_seconds = 0.0
        self._pilot: Batch | None = None
        self._rounds: list[Round] = []
        self._incumbent = inf
        self._lock = Lock()
        self._seconds = 0.0

    def run(self) -> None:
        """Search until the budget is used or the run is stopped."""
        begin = time.perf_counter()
        if self._model.moves and not self._over():
            self._measure()
            for number, planned in enumerate(self._plan()):
                self._run_round(number, planned)
                if self._over():
                    break
        if not len(self.pool):  # no time for any read: even a random answer is an answer
            batch = self._pilot or start_batch(
                self._model, self._layout, 1, self._generator(0, 0)
            )
            self._report(batch.checkpoint())
            self.pool.add(*batch.finish())
        self._seconds = time.perf_counter() - begin

    def details(self) -> dict[str, Any]:
        """What was done, for the record."""
        layout, cooling, scale = self._layout, self._cooling, self._model.scale
        exact = "exact" if not layout.drifts else "rounded"
        return {
            "reads": sum(done.reads for done in self._rounds),
            "rounds": [{"reads": done.reads, "sweeps": done.sweeps} for done in self._rounds],
            "proposals": self.proposals,
            "proposals_per_second": self.proposals / max(self._seconds, 1e-9),
            "beta_min": scale / cooling.hot,
            "beta_max": scale / cooling.cold,
            "kernel": "lanes" if layout.side_by_side else f"{layout.rows} rows",
            "arithmetic": f"{np.dtype(layout.real).name}, {exact}",
        }

    # -- how much ---------------------------------------------------------------------------

    def _over(self) -> bool:
        return self._progress.stopping or self._clock.expired

    @property
    def _timed(self) -> bool:
        """Whether the clock alone decides how much is done."""
        return self._budget.time_limit is not None and self._budget.evaluations is None

    def _affordable(self, reads: int) -> int:
        """Sweeps that each of so many reads can have with what is left of the budget."""
        if self._timed:
            batches = ceil(reads / self._width)
            turns = ceil(batches / self._budget.threads)
            return int(self._clock.remaining / (turns * self._sweep_seconds))
        most = self._budget.evaluations
        if most is None:
            moves = self._model.moves
            most = min(
                int(_DEFAULT_COST / self._model.sweep_cost) * moves,
                _DEFAULT_LONG_ROUNDS * self._group * most_sweeps(moves) * moves,
            )
        return max(0, most - self.proposals) // (reads * self._model.moves)

    def _plan(self) -> Iterator[Round]:
        """Rounds to do, made as they come, for a timed run learns its speed on the way."""
        reads, sweeps = self._options.reads, self._options.sweeps
        unlimited = self._budget.time_limit is None and self._budget.evaluations is None
        most = most_sweeps(self._model.moves)
        if reads is None and sweeps is None:
            yield from growing(self._group, most, self._affordable)
        elif reads is None:
            yield from self._alike(sweeps or 0, unlimited)
        elif sweeps is None:
            affordable = self._affordable(reads)
            yield Round(reads, min(affordable, most) if unlimited else affordable, last=True)
        elif self._budget.evaluations is not None:
            yield Round(reads, min(sweeps, self._affordable(reads)))
        else:
            yield Round(reads, sweeps)

    def _alike(self, sweeps: int, unlimited: bool) -> Iterator[Round]:
        """Rounds of reads of so many sweeps."""
        if unlimited:
            yield Round(_DEFAULT_READS, sweeps)
            return
        while self._timed or self._affordable(self._group) >= sweeps:
            yield Round(self._group, sweeps)
        if (reads := self._affordable(1) // sweeps) > 0:
            yield Round(reads, sweeps)
        elif not self._rounds:
            yield Round(1, self._affordable(1))

    @property
    def _group(self) -> int:
        """Reads in a round: where work is counted, the same for any number of threads."""
        if self._width == 1:
            return 4
        return self._width * (self._budget.threads if self._timed else 2)

    # -- doing it ---------------------------------------------------------------------------

    def _generator(self, *key: int) -> Generator:
        return default_rng(SeedSequence(self._seed, spawn_key=key))

    def _measure(self) -> None:
        """Find the range of temperatures and a first guess of the speed by a few descents."""
        model, rng = self._model, self._generator(0)
        random, minimum = [], []
        begin, sweeps = self._clock.elapsed, 0
        for _ in range(1 if self._width > 1 else _PILOT_READS):
            batch = start_batch(model, self._layout, self._width, rng)
            random.append(batch.changes(rng))
            for _ in range(_PILOT_SWEEPS):
                if not self._pilot_may_go_on():
                    break
                batch.sweep(np.zeros(1, dtype=np.float32))
                self.proposals += self._width * model.moves
                sweeps += 1
            if sweeps:
                minimum.append(batch.changes(rng))
            self._pilot = batch
        self._sweep_seconds = max(1e-9, (self._clock.elapsed - begin) / max(1, sweeps))
        hot, cold = cooling_range(
            np.concatenate(random), np.concatenate(minimum) if minimum else None
        )
        options = self._options
        if options.beta_min is not None:
            hot = model.scale / options.beta_min
            cold = min(cold, hot)
        if options.beta_max is not None:
            cold = model.scale / options.beta_max
            hot = max(cold, hot)
        self._cooling = Cooling(hot, cold, options.schedule)

    def _pilot_may_go_on(self) -> bool:
        """Whether another sweep keeps the pilot within a tenth of the budget."""
        if self._over() or self._clock.elapsed > self._clock.limit / 10.0:
            return False
        after = self.proposals + self._width * self._model.moves
        return self._budget.evaluations is None or after <= self._budget.evaluations / 10

    def _run_round(self, number: int, planned: Round) -> None:
        threads, width = self._budget.threads, self._width
        batches = ceil(planned.reads / width)
        begin = self._clock.elapsed
        slot = (self._clock.limit - begin) / ceil(batches / threads)

        def work(b: int) -> Result | None:
            pace: Pace = Sweeps(planned.sweeps, self._slice)
            if planned.last and self._timed:
                pace = Until(self._clock, begin + (b // threads + 1) * slot, self._sweep_seconds)
            reads = min(width, planned.reads - b * width)
            return self._run_batch(
                self._generator(number, b), reads, pace, greedy=number == b == 0
            )

        if threads == 1 or batches == 1:
            results = [work(b) for b in range(batches)]
        else:
            with ThreadPoolExecutor(min(threads, batches)) as executor:
                results = list(executor.map(work, range(batches)))
        done = [result for result in results if result is not None]
        for result in done:
            self.pool.add(result.states, result.energies)
            self.proposals += result.sweeps * len(result.energies) * self._model.moves
        sweeps = sum(result.sweeps for result in done)
        if sweeps:
            self._sweep_seconds = sum(result.seconds for result in done) / sweeps
        if done:
            reads = sum(len(result.energies) for result in done)
            self._note(Round(reads, sweeps // len(done)))
        self._step()

    def _note(self, done: Round) -> None:
        """Remember a round; rounds that are alike are told as one."""
        if self._rounds and self._rounds[-1].sweeps == done.sweeps:
            done = Round(self._rounds.pop().reads + done.reads, done.sweeps)
        self._rounds.append(done)

    def _run_batch(
        self, rng: Generator, reads: int, pace: Pace, *, greedy: bool
    ) -> Result | None:
        if self._over():
            return None
        begin, sweeps = time.perf_counter(), 0
        batch = start_batch(self._model, self._layout, reads, rng, greedy=greedy)
        for temperatures in pace.slices(self._cooling):
            over = self._over()
            if over:
                temperatures = np.zeros(min(DESCENT, len(temperatures)))
            batch.sweep(temperatures.astype(np.float32))
            sweeps += len(temperatures)
            self._report(batch.checkpoint())
            if over:
                break
        states, energies = batch.finish()
        self._report(energies)
        return Result(states, energies, sweeps, time.perf_counter() - begin)

    @property
    def _slice(self) -> int:
        return max(1, int(_SLICE_COST / (self._width * self._model.sweep_cost)))

    def _report(self, energies: NDArray[np.float64]) -> None:
        best = float(energies.min()) + self._offset
        with self._lock:
            if best < self._incumbent:
                self._incumbent = best
                self._progress.incumbent(best)

    def _step(self) -> None:
        done = None
        if self._timed:
            done = min(1.0, self._clock.elapsed / max(self._clock.limit, 1e-9))
        elif self._budget.evaluations is not None:
            done = self.proposals / self._budget.evaluations
        last = self._rounds[-1] if self._rounds else None
        self._progress.step(done, f"{last.reads} reads of {last.sweeps} sweeps" if last else "")
