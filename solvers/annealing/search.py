"""One run of annealing: measure the model, then rounds of reads until the budget is used."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.random import Generator, SeedSequence, default_rng
from numpy.typing import NDArray

from qopt.solver import Budget, Clock, Progress

from .layout import Layout, Model
from .pool import Incumbent, Pool
from .reads import Batch, batch_size, start_batch
from .rounds import Round, growing, most_sweeps
from .schedule import (
    DESCENT,
    ENDING,
    STEPS,
    Cooling,
    Pace,
    Sweeps,
    Until,
    cooling_range,
    given_range,
    thermodynamic_steps,
)

if TYPE_CHECKING:
    from .solver import SimulatedAnnealing

_DEFAULT_COST = 1 << 29
"""Most work without a budget, in units of `Model.sweep_cost`."""

_DEFAULT_LONG_ROUNDS = 4
"""Rounds of the longest reads that small models get at most without a budget."""

_PILOT_SWEEPS = 8
_PILOT_READS = 4
_SLICE_COST = 1 << 23
"""Work between two checkpoints, a few hundredths of a second, in all reads of a batch."""

_SLICE_SECONDS = 0.02
"""The same of a timed run, whose sweeps have been measured."""

_DEFAULT_READS = 32

_STEP_SWEEPS = 8
"""Sweeps of the pilot at each temperature of the adaptive schedule; the later half is measured."""

RESAMPLING = 0.2
"""Share of the growth of the inverse temperature that reads are resampled by.

An annealed population (K. Hukushima, Y. Iba, AIP Conference Proceedings 690, 2003) takes all of it;
sixteen reads would then soon descend from one.
"""


@dataclass(frozen=True)
class Result:
    """What one batch came to."""

    states: NDArray[np.int8]
    energies: NDArray[np.float64]
    sweeps: int
    resampled: int
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
    start : ndarray of int8, shape (starts, n)
        Feasible states to begin from, best first.

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
        start: NDArray[np.int8],
    ) -> None:
        self.pool = Pool(model.num_variables)
        self.proposals = 0
        self._options = options
        self._layout = layout
        self._model = model
        self._budget = budget
        self._clock = clock
        self._seed = seed
        self._progress = progress
        self._start = start
        self._resampled = 0
        self._width = batch_size(layout)
        self._cooling = Cooling(1.0, 1.0, options.schedule)
        self._sweep_seconds = 0.0
        self._start_seconds = 0.0
        self._pilot: Batch | None = None
        self._rounds: list[Round] = []
        self._incumbent = Incumbent(progress, offset)
        self._seconds = 0.0

    def run(self) -> None:
        """Search until the budget is used or the run is stopped."""
        begin = time.perf_counter()
        given = self._take_start()
        if self._model.moves and not self._over():
            self._measure()
            for number, planned in enumerate(self._plan()):
                self._run_round(number, planned)
                if self._over():
                    break
        if given is not None and self.pool.best > given[1][0]:
            self.pool.add(*given)
        if not len(self.pool):  # no time for any read: even a random answer is an answer
            batch = self._pilot or start_batch(
                self._model, self._layout, 1, self._generator(0, 0)
            )
            self._report(batch.checkpoint())
            self.pool.add(*batch.finish())
        self._seconds = time.perf_counter() - begin

    def _take_start(self) -> tuple[NDArray[np.int8], NDArray[np.float64]] | None:
        """The best given state, shape (1, n), and its energy; reported."""
        if not len(self._start):
            return None
        best = self._start[:1]
        batch = start_batch(
            self._model, self._layout, 1, self._generator(0, 0), start=best
        )
        self._report(batch.checkpoint())
        return batch.finish()

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
            "schedule": cooling.shape,
            "starts": len(self._start),
            "resampled": self._resampled,
            "kernel": "lanes" if layout.side_by_side else f"{layout.rows} rows",
            "arithmetic": f"{np.dtype(layout.real).name}, {exact}",
        }

    # -- how much ---------------------------------------------------------------------------

    def _over(self) -> bool:
        return self._progress.stopping or self._clock.expired

    def _closing(self, more: float = 0.0) -> bool:
        """Whether what is left of the time, but for `more` seconds, is needed to end a read."""
        return self._over() or self._clock.remaining < ENDING * self._sweep_seconds + more

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
        if self._timed and self._budget.threads == 1 and not len(self._start):
            return self._width
        return self._width * (max(2, self._budget.threads) if self._timed else 2)

    # -- doing it ---------------------------------------------------------------------------

    def _generator(self, *key: int) -> Generator:
        return default_rng(SeedSequence(self._seed, spawn_key=key))

    def _measure(self) -> None:
        """Find the range of temperatures and a first guess of the speed by a few descents."""
        model, rng = self._model, self._generator(0)
        random, minimum = [], []
        seconds, sweeps = 0.0, 0
        for _ in range(1 if self._width > 1 else _PILOT_READS):
            begin = time.perf_counter()
            batch = start_batch(model, self._layout, self._width, rng)
            self._start_seconds = time.perf_counter() - begin
            random.append(batch.changes(rng))
            for _ in range(_PILOT_SWEEPS):
                if not self._pilot_may_go_on():
                    break
                begin = time.perf_counter()
                batch.sweep(np.zeros(1, dtype=np.float32))
                seconds += time.perf_counter() - begin
                self.proposals += self._width * model.moves
                sweeps += 1
            if sweeps:
                minimum.append(batch.changes(rng))
            self._pilot = batch
        self._sweep_seconds = max(1e-9, seconds / max(1, sweeps))
        hot, cold = cooling_range(
            np.concatenate(random), np.concatenate(minimum) if minimum else None
        )
        options = self._options
        hot, cold = given_range(hot, cold, options.beta_min, options.beta_max, model.scale)
        self._cooling = Cooling(hot, cold, options.schedule)
        if options.schedule == "adaptive":
            self._adapt(rng)

    def _adapt(self, rng: Generator) -> None:
        """Lay out the adaptive schedule by a quick walk from hot to cold; else a geometric one."""
        hot, cold, model = self._cooling.hot, self._cooling.cold, self._model
        temperatures = np.geomspace(hot, cold, STEPS)
        energies, accepted = [], []
        batch = start_batch(model, self._layout, self._width, rng)
        for temperature in temperatures:
            seen = []
            for step in range(_STEP_SWEEPS):
                if not self._pilot_may_go_on():
                    break
                batch.sweep(np.full(1, temperature, dtype=np.float32))
                self.proposals += self._width * model.moves
                if 2 * step >= _STEP_SWEEPS:
                    seen.append(float(batch.energies().mean()))
            if not seen:
                break
            energies.append(float(np.mean(seen)))
            uphill = np.maximum(batch.changes(rng), 0.0)
            accepted.append(float(np.exp(-uphill / temperature).mean()))
        steps = (
            thermodynamic_steps(temperatures, np.array(energies), np.array(accepted))
            if len(energies) == STEPS and hot > cold
            else ()
        )
        shape = self._cooling.shape if steps else "geometric"
        self._cooling = Cooling(hot, cold, shape, steps)

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

        def run(b: int) -> Result | None:
            pace: Pace = Sweeps(planned.sweeps, self._slice)
            if planned.last and self._timed:
                pace = Until(self._clock, begin + (b // threads + 1) * slot, self._sweep_seconds)
            reads = min(width, planned.reads - b * width)
            return self._run_batch(self._generator(number, b), reads, pace, number, b)

        waiting = iter(range(batches))  # there may be a billion of them: not a future for each
        found: dict[int, Result] = {}

        def work(_: int) -> None:
            for b in waiting:
                if self._over():
                    break
                if (result := run(b)) is not None:
                    found[b] = result

        if threads == 1 or batches == 1:
            work(0)
        else:
            with ThreadPoolExecutor(min(threads, batches)) as executor:
                list(executor.map(work, range(min(threads, batches))))
        self._book([found[b] for b in sorted(found)])

    def _book(self, done: list[Result]) -> None:
        """Take in what the batches of a round came to, in their order."""
        for result in done:
            self.pool.add(result.states, result.energies)
            self._resampled += result.resampled
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

    def _begin_batch(
        self, rng: Generator, reads: int, number: int, b: int
    ) -> tuple[Batch, Cooling]:
        """Batch b of a round and its temperatures: every other one begins from given answers."""
        given = len(self._start) > 0
        if not given or b % 2:
            greedy = number == 0 and b == given
            return start_batch(self._model, self._layout, reads, rng, greedy=greedy), self._cooling
        turn = 0 if self._layout.side_by_side else (number + b // 2) % len(self._start)
        start = np.roll(self._start, -turn, axis=0)
        batch = start_batch(self._model, self._layout, reads, rng, start=start)
        return batch, self._cooling.reheated()

    def _run_batch(
        self, rng: Generator, reads: int, pace: Pace, number: int, b: int
    ) -> Result | None:
        if self._closing(self._start_seconds):
            return None
        begin, sweeps, last = time.perf_counter(), 0, 0.0
        batch, cooling = self._begin_batch(rng, reads, number, b)
        resampled = 0
        for temperatures in pace.slices(cooling):
            over = self._closing()
            if over:
                temperatures = np.zeros(min(DESCENT, len(temperatures)))
            coldest = float(temperatures[-1]) if len(temperatures) else 0.0
            if self._options.resamples and last > 0.0 and coldest > 0.0:
                resampled += batch.resample(RESAMPLING * (1.0 / coldest - 1.0 / last), rng)
            last = coldest
            batch.sweep(temperatures.astype(np.float32))
            sweeps += len(temperatures)
            self._report(batch.checkpoint())
            if over:
                break
        states, energies = batch.finish()
        self._report(energies)
        return Result(states, energies, sweeps, resampled, time.perf_counter() - begin)

    @property
    def _slice(self) -> int:
        most = _SLICE_COST / (self._width * self._model.sweep_cost)
        if self._timed:
            most = min(most, _SLICE_SECONDS / self._sweep_seconds)
        return max(1, int(most))

    def _report(self, energies: NDArray[np.float64]) -> None:
        self._incumbent.meet(float(energies.min()))

    def _step(self) -> None:
        done = None
        if self._timed:
            done = min(1.0, self._clock.elapsed / max(self._clock.limit, 1e-9))
        elif self._budget.evaluations is not None:
            done = self.proposals / self._budget.evaluations
        last = self._rounds[-1] if self._rounds else None
        self._progress.step(done, f"{last.reads} reads of {last.sweeps} sweeps" if last else "")
