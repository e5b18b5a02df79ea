"""A race of searches: trial slices, then ever more of the budget to whatever the model answers to.

Which search is best differs from model to model, and by more than anything inside one search: a
memetic one on large sparse models, path relinking on dense ones. A race pays a part of the budget
to find out. It is successive halving (Karnin, Koren and Somekh, ICML 2013; Jamieson and Talwalkar,
AISTATS 2016) with answers handed on.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from math import ceil, inf
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import QoptError, UnknownNameError
from qopt.forms import Qubo
from qopt.registry import Spec, find
from qopt.solver import Budget, Clock, Outcome, Progress, Span, Status, Usage

from .opening import without_variables

ARMS = ("memetic", "path-relinking", "tempering", "tabu", "sa")
"""Solvers that race, where they are installed. Of two that do equally well the first goes on."""

STEPS = ("path-relinking", "tabu")
"""Solvers that count steps. A step looks at every variable, so it is worth so many proposals."""

OPENING = ("tabu", 0.02)
"""The search whose first answers are good soonest, and its share of the budget before all others:
most small models need no more."""

ROUNDS = ((5, 0.1), (2, 0.1), (1, 0.78))
"""Arms still in the race, and the share of the budget that they divide equally."""

LATE = 0.005
"""Share of the energy that a memetic search of a sparse model may be behind in the short slices: in
a long one recombination makes up for it."""

SHORT = 2000
"""Sweeps below which a race is not worth its trials, and the first arm runs alone."""

_UNIT_SECONDS = 2e-9
"""About how long a unit of `Model.sweep_cost` takes."""

_SHORT_SECONDS = 0.1
"""Time limit below which no model is raced on."""

_ELITE = 16
"""Answers that are handed on."""

_ANSWERS = 64
"""Answers that are kept."""


@dataclass
class _Arm:
    """One solver in the race."""

    name: str
    solver: Any
    starts: bool
    worth: int
    """Proposals that one of its evaluations stands for."""
    best: float = inf
    share: float = 0.0
    evaluations: int = 0
    seconds: float = 0.0
    incumbents: int = 0


@dataclass(frozen=True)
class Portfolio:
    """Races searches of a QUBO against each other.

    Tabu search opens, because it finds good answers soonest. In the first round each search gets a
    trial slice by itself; the two best go on with the best answers of all, and the winner of these
    gets the rest, again from the best answers.
    On sparse models the answers that are handed on are recombined first (`crossover.Crossover`).
    There a memetic search goes on unless it is clearly behind, for it takes longer to show.
    ``details`` tells who got what and who found the incumbent.

    The searches are memetic, path-relinking, tempering, tabu and sa, as far as they are there. The
    unit of ``budget.evaluations`` is a proposal, and a step of tabu search or path relinking counts
    as one for each variable; under it one seed gives one answer whatever the number of threads.
    With several threads the searches of a round run at the same time.
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
        if not model.num_variables:
            return without_variables(model, progress)
        usage = Usage()
        with usage.phase("setup"):
            race = _Race(model, budget, seed, progress, start)
            charged = race.warm_up()
        _charge(usage, charged)
        clock = Clock(max(0.0, budget.start().limit - charged.wall))
        with usage.phase("execute"):
            race.run(clock)
            answers = race.answers()
        usage.evaluations = race.evaluations
        return Outcome(Status.FEASIBLE, answers, usage=usage, details=race.details())


def _charge(usage: Usage, charged: Span) -> None:
    """Book what the arms did beside their set-up as what it is: it belongs to the time limit."""
    setup = usage.phases["setup"]
    setup.wall = max(0.0, setup.wall - charged.wall)
    setup.cpu = max(0.0, setup.cpu - charged.cpu)
    usage.phases["compile"] = charged


def _arms(model: Qubo) -> Iterator[_Arm]:
    for name in ARMS:
        try:
            spec: Spec = find("solver", name)
        except UnknownNameError:
            continue
        if not spec.missing():
            worth = model.num_variables if name in STEPS else 1
            yield _Arm(name, spec.load()(), spec.starts, worth)


@dataclass
class _Race:
    """The state of one run."""

    model: Qubo
    budget: Budget
    seed: int
    progress: Progress
    start: Sequence[Any]
    evaluations: int = 0
    _incumbent: float = inf
    _found_by: str = ""
    _closing: float = 0.0
    _lock: Lock = field(default_factory=Lock)
    _running: list[Progress] = field(default_factory=list)
    _first: list[NDArray[np.int8]] = field(default_factory=list)
    _slices: list[dict[str, Any]] = field(default_factory=list)
    _known: dict[bytes, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        from .account import default_evaluations, distinct, energies_of, feasible_starts
        from .crossover import Crossover, warm_up_crossover
        from .layout import Layout
        from .reads import batch_size

        self._arms = list(_arms(self.model))
        self._timed = self.budget.time_limit is not None and self.budget.evaluations is None
        layout = Layout.choose(self.model)
        self._width = batch_size(layout)
        self._sparse = layout.rows == "sparse"
        self._default, self._of, self._distinct = default_evaluations, energies_of, distinct
        self._layout, self._crossover = layout, Crossover
        warm_up_crossover(layout)
        self._pool = feasible_starts(self.model, self.start)
        self._tell(self._pool, "start")
        self.progress.on_stop(self._stop)

    # -- set-up -----------------------------------------------------------------------------

    def warm_up(self) -> Span:
        """Have every arm compile what it needs for this model; what they took beside that.

        A run without any time is all set-up, but for laying the model out and a first answer.
        """
        wall, cpu = time.perf_counter(), time.process_time()
        laid_out = self._layout.build(self.model)
        charged = Span(time.perf_counter() - wall, time.process_time() - cpu)
        self._most = self._evaluations(laid_out)
        if self._is_short(laid_out):
            self._arms = self._arms[:1]
        nothing = Budget(time_limit=0.0, evaluations=1)
        for arm in list(self._arms):
            try:
                outcome = self._solve(arm, nothing, 0, with_start=False)
            except QoptError:  # it does not take this model
                self._arms.remove(arm)
                continue
            self._first.append(np.asarray(outcome.answers[0], dtype=np.int8))
            charged.wall += outcome.usage.wall
            charged.cpu += outcome.usage.cpu
        self._expect(charged)
        return charged

    def _expect(self, charged: Span) -> None:
        """Learn from the first answers how long it takes to look at those of a slice."""
        wall, cpu = time.perf_counter(), time.process_time()
        self._energies(np.stack(self._first))
        seconds = time.perf_counter() - wall
        self._closing = seconds * _ELITE / len(self._first)
        charged.wall += seconds
        charged.cpu += time.process_time() - cpu

    def _evaluations(self, laid_out: Any) -> float:
        if self._timed:
            return inf
        return self.budget.evaluations or self._default(laid_out)

    def _is_short(self, laid_out: Any) -> bool:
        """Whether the budget is too small for trials."""
        sweep = self._width * laid_out.sweep_cost * _UNIT_SECONDS
        limit = self.budget.time_limit
        hasty = limit is not None and limit < max(_SHORT_SECONDS, SHORT * sweep)
        return hasty or self._most < SHORT * self.model.num_variables

    # -- the race ---------------------------------------------------------------------------

    def run(self, clock: Clock) -> None:
        """Run all rounds."""
        self._clock = clock
        racing = list(self._arms)
        opener, share = OPENING
        opening = [arm for arm in racing if arm.name == opener and len(racing) > 1]
        if opening:
            self._round(0, opening, share)
        left = 1.0 - share * len(opening)
        for number, (places, share) in enumerate(ROUNDS, 1):
            racing = sorted(racing, key=self._merit)[:places]
            last = len(racing) == 1
            self._round(number, racing, left if last else share, last=last)
            left -= share
            if last or self._over:
                break

    def _merit(self, arm: _Arm) -> float:
        """By what arms are ranked, the least first."""
        if arm.name == "memetic" and self._sparse and arm.best < inf:
            return arm.best - LATE * abs(arm.best - self.model.offset)
        return arm.best

    @property
    def _over(self) -> bool:
        return self.progress.stopping or self._clock.expired

    def _round(
        self, number: int, racing: list[_Arm], share: float, *, last: bool = False
    ) -> None:
        """Run arms on equal slices of a share of the budget, from the best answers so far."""
        threads = min(self.budget.threads, len(racing))
        waves = ceil(len(racing) / threads)
        seconds = share * self._clock.limit / waves
        if last:  # all that is left, but for what follows the last slice
            reserve = max(self._closing, 0.02 * self._clock.limit)
            seconds = max(0.9 * self._clock.remaining, self._clock.remaining - reserve)
        left = self._most - self.evaluations
        proposals = left if last else share * self._most / len(racing)

        def work(k: int) -> NDArray[np.int8]:
            return self._slice(number, k, racing[k], min(left, proposals), seconds, threads)

        if threads == 1:
            found = [work(k) for k in range(len(racing))]
        else:
            with ThreadPoolExecutor(threads) as executor:
                found = list(executor.map(work, range(len(racing))))
        for arm in racing:
            arm.share += share / len(racing)
        begin = self._clock.elapsed
        self._merge(found)
        self._closing = max(self._closing, self._clock.elapsed - begin)
        self.progress.step(None, f"{', '.join(arm.name for arm in racing)}: {share:.0%}")

    def _slice(
        self, number: int, k: int, arm: _Arm, proposals: float, seconds: float, threads: int
    ) -> NDArray[np.int8]:
        """One arm's turn; the answers it found."""
        nothing = np.zeros((0, self.model.num_variables), dtype=np.int8)
        limit = min(seconds, self._clock.remaining) if self._clock.limit < inf else None
        evaluations = None if self._most == inf else int(proposals) // arm.worth
        if self._over or evaluations == 0:
            return nothing
        spread = max(1, self.budget.threads // threads) if self._timed else 1
        budget = Budget(limit, evaluations, spread)
        seed = int(np.random.SeedSequence([self.seed, number, k]).generate_state(1)[0])
        outcome = self._solve(arm, budget, seed, with_start=True)
        answers = np.asarray(outcome.answers, dtype=np.int8)[:_ELITE]
        arm.best = float(self._energies(answers[:1])[0])
        self._slices.append(
            {
                "round": number,
                "arm": arm.name,
                "seconds": outcome.usage.wall,
                "proposals": outcome.usage.evaluations * arm.worth,
                "best": arm.best,
            }
        )
        return answers

    def _solve(self, arm: _Arm, budget: Budget, seed: int, *, with_start: bool) -> Outcome:
        child = Progress(lambda progress: self._watch(progress, arm))
        with self._lock:
            self._running.append(child)
        if self.progress.stopping:
            child.stop()
        options = {"start": list(self._pool[:_ELITE])} if arm.starts and with_start else {}
        try:
            outcome: Outcome = arm.solver.solve(self.model, budget, seed, child, **options)
        finally:
            with self._lock:
                self._running.remove(child)
        used = outcome.usage.evaluations * arm.worth
        with self._lock:
            self.evaluations += used
            arm.evaluations += used
            arm.seconds += outcome.usage.wall
        return outcome

    # -- what is found ----------------------------------------------------------------------

    def _watch(self, child: Progress, arm: _Arm) -> None:
        if child.trace.incumbents:
            self._report(child.trace.incumbents[-1][1], arm.name, arm)

    def _report(self, value: float, name: str, arm: _Arm | None = None) -> None:
        """Hand on an incumbent that is better than all before it."""
        with self._lock:
            if value < self._incumbent:
                self._incumbent, self._found_by = value, name
                self.progress.incumbent(value)
                if arm is not None:
                    arm.incumbents += 1

    def _tell(self, answers: NDArray[np.int8], name: str) -> None:
        if len(answers):
            self._report(float(self._energies(answers[:1])[0]), name)

    def _stop(self) -> None:
        with self._lock:
            running = list(self._running)
        for child in running:
            child.stop()

    def _merge(self, found: list[NDArray[np.int8]]) -> None:
        """Put the best distinct answers into the pool, and what crossover makes of them."""
        self._pool = self._best(np.concatenate([self._pool, *found]))
        if self._sparse and len(self._arms) > 1 and len(self._pool) > 1:
            crossover = self._crossover(self._layout.build(self.model))
            child = crossover.combine(self._pool[:_ELITE])
            self._tell(child[None, :], "crossover")
            self._pool = self._best(np.concatenate([self._pool, child[None, :]]))

    def _energies(self, answers: NDArray[np.int8]) -> NDArray[np.float64]:
        """Energies of answers, each computed once: on dense models that takes its time."""
        keys = [row.tobytes() for row in np.packbits(answers, axis=1)]
        new = [k for k, key in enumerate(keys) if key not in self._known]
        if new:
            laid_out = self._layout.build(self.model)
            values = self._of(laid_out, self._layout, answers[new]) + self.model.offset
            self._known.update(zip([keys[k] for k in new], values.tolist(), strict=True))
        return np.array([self._known[key] for key in keys])

    def _best(self, answers: NDArray[np.int8]) -> NDArray[np.int8]:
        answers = self._distinct(answers)
        order = np.argsort(self._energies(answers), kind="stable")[:_ANSWERS]
        return np.ascontiguousarray(answers[order])

    def answers(self) -> NDArray[np.int8]:
        """Distinct answers, best first, those of the warm-up too: there may be no others."""
        return self._best(np.concatenate([self._pool, np.stack(self._first)]))

    def details(self) -> dict[str, Any]:
        """Who got what, for the record."""
        slices = sorted(self._slices, key=lambda done: (done["round"], ARMS.index(done["arm"])))
        return {
            "winner": slices[-1]["arm"] if slices else "",
            "incumbent_by": self._found_by,
            "arms": {
                arm.name: {
                    "share": arm.share,
                    "seconds": arm.seconds,
                    "proposals": arm.evaluations,
                    "incumbents": arm.incumbents,
                }
                for arm in self._arms
            },
            "slices": slices,
        }
