"""The loop of the decomposing hybrid: subproblem, subsolver, acceptance, search between."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any

import numpy as np
from numpy.random import Generator, SeedSequence, default_rng
from numpy.typing import NDArray

from qopt.errors import SizeError, UsageError
from qopt.forms import Group, Qubo
from qopt.numbers import join, plural
from qopt.solver import Budget, Clock, Outcome, Progress, Status, Usage

from ..annealing.layout import Layout
from ..annealing.starts import feasible_starts
from ..ledger import add_usage
from ..subsolver import Calls, Within, samples_of
from .choice import Chooser, suited
from .incumbent import Incumbent, random_answer
from .solver import SMALLEST, Hybrid
from .subproblem import Subproblem

ITERATIONS = 100
"""Subproblems where the budget sets no limit."""

PERIOD = 10
"""Subproblems from one tabu search to the next, which the first precedes."""

TABU_MOVES = 20
"""Steps of a tabu search between subproblems, per variable."""

MOST_TABU_MOVES = 100_000
"""Steps of it at most, so that large models are left time for subproblems."""


@dataclass
class Tally:
    """What the incumbent owes to whom."""

    first: float = 0.0
    """Energy before the first subproblem."""
    by_subsolver: int = 0
    """Subproblems that the subsolver improved."""
    subsolver_gain: float = 0.0
    """How much lower the energy is for it."""
    moves: int = 0
    """Subproblems that the subsolver moved to an equal answer."""
    by_between: int = 0
    """Improvements by the search between subproblems."""
    between_gain: float = 0.0


class Search:
    """One run.

    Parameters
    ----------
    options : Hybrid
    qubo : Qubo
    layout : Layout
    budget : Budget
    clock : Clock
        Of the whole run.
    seed : int
    progress : Progress
    usage : Usage
        Of the whole run; filled.
    """

    def __init__(
        self,
        options: Hybrid,
        qubo: Qubo,
        layout: Layout,
        budget: Budget,
        clock: Clock,
        seed: int,
        progress: Progress,
        usage: Usage,
    ) -> None:
        self._options, self._qubo, self._layout = options, qubo, layout
        self._budget, self._clock = budget, clock
        self._seed, self._progress, self._usage = seed, progress, usage
        self._calls = Calls(options.inner, budget.threads, progress, clock, usage, budget.meter)
        self._limit: float = ITERATIONS if budget.time_limit is None else inf
        if budget.evaluations is not None:
            self._limit = budget.evaluations
        self._iterations = 0
        self._tally = Tally()
        self._bound: float | None = None
        self._settled = False
        # Seconds that it takes to look at what a tabu search found: the next one ends so much
        # before the run, for a look at a large model takes its time.
        self._look = 0.0
        self._changed = False

    def _ended(self) -> bool:
        """Whether the run should end now."""
        return self._clock.expired or self._progress.stopping

    def begin(self, start: Sequence[Any]) -> None:
        """Make the first answer: of those given the best, or a random one, and a descent from it.

        It does not depend on the subsolver.
        """
        with self._usage.phase("compile"):
            given = feasible_starts(self._qubo, start)
            x = given[0] if len(given) else random_answer(self._qubo, self._rng(0))
            self._first_x = x
            self._now = Incumbent(self._qubo, x, self._layout.build(self._qubo))
            how = self._options.choose
            if how == "groups" and not len(self._now.model.sizes):
                raise UsageError(
                    "choose=groups opens whole groups, and the model has none that leave a choice; "
                    "take auto, impact, graph or random"
                )
            self._how = suited(self._now, self._options.size) if how == "auto" else how
            self._chooser = Chooser(self._now, self._options.size, self._how, self._rng(1))
        self._best = self._began = self._now.energy
        self._progress.incumbent(self._best)
        if self._options.between != "none":
            with self._usage.phase("execute"):
                self._now.descend(self._ended)
            self._told()
        self._tally.first = self._now.energy
        self._settled = not self._now.able.any()

    def run(self) -> None:
        """Solve subproblem after subproblem."""
        none = self._options.inner is None
        while self._iterations < self._limit and not self._ended() and not self._settled:
            if self._options.between == "tabu" and self._iterations % PERIOD == 0:
                self._tabu(self._rng(2, self._iterations))
            elif none and self._options.between != "tabu":
                self._settled = True
                break
            if self._ended():
                break
            if not none:
                self._subproblem(self._rng(3, self._iterations))
            if self._changed and self._options.between != "none":
                self._descend()
            self._iterations += 1
            self._told()
            done = self._iterations / self._limit if isfinite(self._limit) else None
            self._progress.step(done, plural(self._iterations, "subproblem"))
        self._told()  # of a round that the clock ended half-way, too

    # -- one iteration ----------------------------------------------------------------------------

    def _subproblem(self, rng: Generator) -> None:
        """Open some variables, ask the subsolver, and take its answer if it is no worse."""
        with self._usage.phase("compile"):
            part = Subproblem.of(self._now, self._chooser.next(rng))
        if not len(part.chosen):
            return
        try:
            outcome = self._calls.ask(part.qubo, int(rng.integers(2**31)))
        except SizeError as fault:
            raise self._too_large(fault) from fault
        if outcome is None:
            return
        samples = samples_of(outcome)
        if samples:
            with self._usage.phase("decode"):
                self._accept(part, np.asarray(samples, dtype=np.int8), rng)
        if len(part.chosen) == self._now.able.sum() and outcome.bound is not None:
            self._bound = outcome.bound + part.constant
            self._settled = outcome.status is Status.OPTIMAL

    def _too_large(self, fault: SizeError) -> SizeError:
        """The refusal of the first subproblem, in the words of this solver's options."""
        options = self._options
        # What counts no more than the variables fits where they are as few.
        fits = fault.limit >= SMALLEST and fault.size <= self._calls.largest
        size = f"size={fault.limit} or less" if fits else "a smaller size"
        return SizeError(
            f"subsolver={options.subsolver}", fault.size, fault.limit, fault.unit,
            f"take {size}, or another subsolver", f"a subproblem of size={options.size}",
        )

    def _accept(self, part: Subproblem, samples: NDArray[np.int8], rng: Generator) -> None:
        """Move to the best of the samples that keep the groups, unless the present one is better.

        Of several that are equally good one that differs from the present answer is drawn.
        """
        samples = samples[part.qubo.group_violations(samples) == 0]
        if not len(samples):
            return
        self._calls.feasible += 1
        now = self._now.x[part.chosen]
        change = part.qubo.energies(samples) - part.qubo.energy(now)
        tolerance = self._now.tolerance / self._now.model.scale
        least = float(change.min())
        if least > tolerance:
            return
        other = (samples != now).any(axis=1) & (change <= least + tolerance)
        if not other.any():
            return
        pick = int(rng.choice(np.flatnonzero(other)))
        which = part.chosen[samples[pick] != now]
        self._now.flip(which, float(change[pick]))
        self._changed = True
        if change[pick] < -tolerance:
            self._tally.by_subsolver += 1
            self._tally.subsolver_gain -= float(change[pick])
        else:
            self._tally.moves += 1

    def _descend(self) -> None:
        before = self._now.energy
        with self._usage.phase("execute"):
            flips = self._now.descend(self._ended)
        self._changed = False
        self._credit(before, flips > 0)

    def _tabu(self, rng: Generator) -> None:
        """Let the registered tabu search go on from the present answer."""
        before = self._now.energy
        # On one thread, for with another number it gives another answer.
        steps = min(TABU_MOVES * self._qubo.num_variables, MOST_TABU_MOVES)
        clock = Clock(max(0.0, self._clock.remaining - self._look))
        outcome: Outcome = self._options.tabu.solve(
            self._qubo, Budget(evaluations=steps), int(rng.integers(2**31)),
            Within(self._progress, clock), start=[self._now.x.copy()],
        )
        add_usage(self._usage, outcome.usage)
        if not len(outcome.answers):
            return
        answer = np.asarray(outcome.answers[0], dtype=np.int8)
        if self._qubo.group_violations(answer)[0] or (answer == self._now.x).all():
            return
        with self._usage.phase("execute"):
            begin = self._clock.elapsed
            if self._qubo.energy(answer) <= before:
                self._now.move_to(answer)
            self._look = max(self._look, self._clock.elapsed - begin)
        self._credit(before, self._now.energy < before)

    def _credit(self, before: float, moved: bool) -> None:
        """Note what the search between subproblems was worth."""
        gain = before - self._now.energy
        if moved and gain > 0.0:
            self._tally.by_between += 1
            self._tally.between_gain += gain

    def _told(self) -> None:
        """Report the present answer if it is better than all before it."""
        if self._now.energy < self._best - self._now.tolerance / self._now.model.scale:
            self._best = self._now.energy
            self._progress.incumbent(self._best)

    def _rng(self, *key: int) -> Generator:
        """Draws of one place, whatever the subsolver does: only its answers tell runs apart."""
        return default_rng(SeedSequence(self._seed, spawn_key=key))

    # -- what is told -----------------------------------------------------------------------------

    def outcome(self) -> Outcome:
        """The answer, and what was done."""
        self._usage.evaluations = max(1, self._iterations)
        with self._usage.phase("decode"):
            x = self._better()[None, :]
        solved = self._settled and self._bound is not None
        return Outcome(
            Status.OPTIMAL if solved else Status.FEASIBLE, x, bound=self._bound,
            usage=self._usage, reason=self._said(solved), details=self._details(),
        )

    def _better(self) -> NDArray[np.int8]:
        """The present answer, unless moves to equal ones added up to a rounding error."""
        slack = max(1, self._iterations) * self._now.tolerance / self._now.model.scale
        if self._began - self._now.energy > slack:
            return self._now.x.copy()  # without energies, which take their time on large models
        answers: NDArray[np.int8] = np.array([self._first_x, self._now.x], dtype=np.int8)
        energies = self._qubo.energies(answers)
        best: NDArray[np.int8] = answers[0 if energies[0] < energies[1] else 1]
        return best

    def _said(self, solved: bool) -> str:
        """A sentence on what each part was worth, and where that is tested."""
        told, options = self._tally, self._options
        if solved:
            return "one subproblem was the whole model, and the subsolver proved its optimum"
        first = f"begun at an energy of {told.first:g}"
        between = (
            f"the {options.between} between them improved {told.by_between}, by "
            f"{told.between_gain:g} in all"
        )
        parts = [first]
        if options.inner is not None:
            parts.append(
                f"of {plural(self._calls.made, 'subproblem')} the subsolver improved "
                f"{told.by_subsolver}, by {told.subsolver_gain:g} in all, and moved {told.moves} "
                "to equal answers"
            )
        if options.between == "tabu" or (options.between == "descent" and self._calls.made):
            parts.append(between)
        if options.inner is None:
            parts.append("no subsolver")
        if self._calls.refused:
            parts.append(
                f"the subsolver refused {self._calls.refused} of the subproblems: "
                f"{self._calls.refusal}"
            )
        if beside := [one["subsolver"] for one in options.ablations()]:
            parts.append(f"qopt compare runs its ablations ({join(beside)}) beside it")
        return "; ".join(parts)

    def _details(self) -> dict[str, Any]:
        """Figures for the record."""
        told = self._tally
        return {
            "iterations": self._iterations,
            "choose": self._how,
            "between": self._options.between,
            "first": told.first,
            "subsolver_improvements": told.by_subsolver,
            "subsolver_gain": told.subsolver_gain,
            "subsolver_moves": told.moves,
            "between_improvements": told.by_between,
            "between_gain": told.between_gain,
            **self._calls.details(),
            "ablations": list(self._options.ablations()),
        }


def warm_up(qubo: Qubo) -> Layout:
    """Choose the model's layout, and compile (or load from the disk) what it needs."""
    layout = Layout.choose(qubo)
    tiny = Qubo.from_arrays([-1.0, 1.0, 1.0], [0], [2], [1.0], groups=[Group((0, 1), 1)])
    now = Incumbent(tiny, np.array([0, 1, 0], dtype=np.int8), layout.build(tiny))
    for how in ("graph", "random"):
        chosen = Chooser(now, SMALLEST, how, default_rng(0)).next(default_rng(0))
        now.flip(chosen[:0], 0.0)
    now.descend(lambda: False)
    return layout
