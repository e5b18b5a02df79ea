"""What tabu search and path relinking share: budget, threads, phases of a walk, answers."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from numpy.random import Generator, SeedSequence, default_rng
from numpy.typing import NDArray

from qopt.forms import Qubo
from qopt.solver import Budget, Clock, Outcome, Progress, Status, Usage

from .layout import Layout, Model
from .opening import without_variables
from .pool import Incumbent, Pool
from .starts import checked_starts
from .walks import Mask, Walk, kept_groups, lay_out, random_state, start_walk

_SLICE = 0.01
"""Seconds between two looks at the clock."""

_DEFAULT_NANOSECONDS = 1e9
_DEFAULT_STEPS = 2000
"""Work without a budget: so long by a rough estimate, at most so many steps a variable."""

State = NDArray[np.int8]


@dataclass(frozen=True)
class Memory:
    """How long moves are tabu, and how long a phase goes on.

    Parameters
    ----------
    tenure, spread : int
        A variable that moved is tabu for ``tenure`` steps and up to ``spread - 1`` more.
    patience : int
        Steps without a new best state after which a phase ends.
    """

    tenure: int
    spread: int
    patience: int


class Run:
    """What the searches of one run share.

    Parameters
    ----------
    model : Model
    offset : float
        The QUBO's constant, for the incumbents.
    budget : Budget
    clock : Clock
    seed : int
    progress : Progress
    start : sequence of ndarray
        Answers to start from, mended where they break groups.
    """

    def __init__(
        self,
        model: Model,
        offset: float,
        budget: Budget,
        clock: Clock,
        seed: int,
        progress: Progress,
        start: Sequence[Any],
    ) -> None:
        self.model = model
        self.budget = budget
        self.clock = clock
        self.progress = progress
        self.incumbent = Incumbent(progress, offset)
        self._seed = seed
        rng = self.generator(0)
        given = checked_starts(model.num_variables, start)
        self.starts = [kept_groups(model, x, rng) for x in given]

    def generator(self, *key: int) -> Generator:
        """Random numbers for one purpose."""
        return default_rng(SeedSequence(self._seed, spawn_key=key))

    @property
    def over(self) -> bool:
        """Whether the clock or the user ends the run."""
        return self.progress.stopping or self.clock.expired

    def quota(self, step_cost: float) -> float:
        """Steps of one thread."""
        if self.budget.evaluations is not None:
            return self.budget.evaluations // self.budget.threads
        if self.budget.time_limit is not None:
            return inf
        most = _DEFAULT_STEPS * max(64, self.model.moves)
        return min(_DEFAULT_NANOSECONDS / step_cost, most) // 1

    def step(self, done: int, quota: float, phases: int) -> None:
        """Tell how far the run is."""
        share = done / quota if quota < inf else self.clock.elapsed / max(self.clock.limit, 1e-9)
        self.progress.step(min(1.0, share), f"{phases} phases")


class Searcher:
    """The search of one thread.

    Parameters
    ----------
    run : Run
    number : int
        Of the thread.
    memory : Memory

    Attributes
    ----------
    starts : list of ndarray
        The states given to this thread, or else a random one.
    candidates : ndarray of int32
        Variables that can move.
    steps, phases : int
        What was done.
    """

    def __init__(self, run: Run, number: int, memory: Memory) -> None:
        self.run = run
        self.number = number
        self.rng = run.generator(1, number)
        self.walk: Walk = start_walk(run.model, self.rng)
        model, mine = run.model, run.starts[number :: run.budget.threads]
        self.starts: list[State] = mine or [self.random_state()]
        self.candidates = np.concatenate([model.free, model.home])
        self.pool = Pool(model.num_variables)
        self.steps = 0
        self.phases = 0
        self._memory = memory
        self._quota = run.quota(self.walk.step_cost)
        if run.budget.evaluations is not None and number == 0:
            self._quota += run.budget.evaluations % run.budget.threads
        self._pace = _SLICE * 1e9 / self.walk.step_cost

    @property
    def over(self) -> bool:
        """Whether this thread's part is done."""
        return self.run.over or self.steps >= self._quota

    def random_state(self) -> State:
        """A random state that keeps every group."""
        return random_state(self.run.model, self.rng)

    def improve(self, x: State | None = None) -> tuple[State, float]:
        """One phase of tabu search, from `x` or from where the walk stands: the best it met."""
        if x is None:
            self.walk.resume()
        else:
            self.walk.begin(x)
        while not self.over:
            steps = int(max(1, min(self._quota - self.steps, self._slice())))
            begin = time.perf_counter()
            memory = self._memory
            done = self.walk.walk(memory.tenure, memory.spread, steps, memory.patience)
            seconds = max(time.perf_counter() - begin, 1e-6)
            self.steps += done
            self.run.incumbent.meet(self.walk.energy)
            if done < steps:
                break
            self._pace = min(2.0 * self._pace, 0.5 * self._pace + 0.5 * _SLICE * done / seconds)
        return self._finish()

    def _slice(self) -> float:
        """Steps until the next look at the clock, which may be the last one."""
        return self._pace * min(1.0, self.run.clock.remaining / _SLICE)

    def _finish(self) -> tuple[State, float]:
        state = self.walk.best_x.copy()
        if self.run.model.drifts:
            self.walk.begin(state)
        energy = self.walk.energy
        self.phases += 1
        self.pool.add(state[None, :], np.array([energy]))
        self.run.incumbent.meet(energy)
        if self.number == 0:
            self.run.step(self.steps, self._quota, self.phases)
        return state, energy

    def shake(self, x: State, movable: Mask, moves: int) -> None:
        """Make the best moves among few variables, each at most once, whatever they cost."""
        self.walk.begin(x, movable)
        self.relink(moves)

    def path_length(self, first: State, second: State) -> int:
        """Moves between two states: flips outside groups, swaps inside."""
        free, home = self.run.model.free, self.run.model.home
        flips = np.count_nonzero(first[free] != second[free])
        return int(flips + np.count_nonzero(first[home] != second[home]) // 2)

    def relink(self, moves: int) -> int:
        """Go on moving each variable at most once; the moves made."""
        left = int(min(moves, max(0, self._quota - self.steps)))
        made = 0
        while made < left and not self.run.over:
            part = min(left - made, max(1, int(self._slice())))
            done = self.walk.relink(part)
            made += done
            if done < part:
                break
        self.steps += made
        return made


def search(
    qubo: Qubo,
    budget: Budget,
    seed: int,
    progress: Progress,
    start: Sequence[Any],
    memory: Callable[[Qubo, Model], Memory],
    strategy: Callable[[Searcher], None],
) -> Outcome:
    """Run a strategy in every thread, each with random numbers of its own.

    Parameters
    ----------
    qubo : Qubo
    budget, seed, progress, start
        As `qopt.solver.Solver.solve` has them.
    memory : callable
        Gives the walk's parameters for a model.
    strategy : callable
        Searches until `Searcher.over`; it calls `Searcher.improve` at least once.
    """
    if not qubo.num_variables:
        return without_variables(qubo, progress)
    usage = Usage()
    with usage.phase("setup"):
        layout = lay_out(qubo)
        _warm_up(qubo, layout)
    clock = budget.start()
    with usage.phase("compile"):
        run = Run(layout.build(qubo), qubo.offset, budget, clock, seed, progress, start)
        chosen = memory(qubo, run.model)
        searchers = [Searcher(run, t, chosen) for t in range(budget.threads)]
    begin = time.perf_counter()
    with usage.phase("execute"):
        _in_threads(strategy, searchers)
    seconds = time.perf_counter() - begin
    usage.evaluations = sum(searcher.steps for searcher in searchers)
    answers, counts = _merged(searchers)
    details = {
        "phases": sum(searcher.phases for searcher in searchers),
        "steps": usage.evaluations,
        "steps_per_second": usage.evaluations / max(seconds, 1e-9),
        "tenure": [chosen.tenure, chosen.tenure + max(0, chosen.spread - 1)],
        "patience": chosen.patience,
        "kernel": f"{searchers[0].walk.kernel}, {layout.rows} rows",
        "arithmetic": f"{np.dtype(layout.real).name}, {'rounded' if layout.drifts else 'exact'}",
    }
    return Outcome(Status.FEASIBLE, answers, counts, usage=usage, details=details)


def _in_threads(strategy: Callable[[Searcher], None], searchers: list[Searcher]) -> None:
    def work(searcher: Searcher) -> None:
        if searcher.run.model.moves:
            strategy(searcher)
        else:
            searcher.improve(searcher.starts[0])

    if len(searchers) == 1:
        work(searchers[0])
    else:
        with ThreadPoolExecutor(len(searchers)) as executor:
            list(executor.map(work, searchers))


def _merged(searchers: list[Searcher]) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """Answers of all threads, best first, and how many phases ended in each."""
    whole = searchers[0].pool
    for searcher in searchers[1:]:
        whole.merge(searcher.pool)
    return whole.sorted()


def _warm_up(qubo: Qubo, layout: Layout) -> None:
    """Compile, or load from the cache on disk, what the model needs."""
    from qopt.forms import Group

    tiny = Qubo.from_arrays([1.0, 1.0, 1.0], [0], [2], [1.0])
    if any(0 < group.size < len(group.members) for group in qubo.groups):
        tiny = tiny.with_groups([Group((0, 1), 1)])
    model = layout.build(tiny)
    rng = default_rng(0)
    walk = start_walk(model, rng)
    walk.begin(random_state(model, rng))
    walk.walk(1, 1, 1, 1)
