"""Solving a model that learns from its answers: solve, judge, refine, and solve again."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import islice
from math import inf
from typing import Any

from .errors import SizeError, UnsupportedError
from .forms import Lowering
from .judge import Answers, Judged, ahead, constant_of, judge, rank_of, settle, verdict
from .problem import Problem
from .solver import Budget, Outcome, Progress, Status, Trace, Usage
from .start import Start

MOST_ROUNDS = 100
"""Models of one run at most."""

SHARE = 0.25
"""Share of what is left of a budget that a round gets whose model may be refined: solvers that use
up whatever they get must leave something to the rounds to come."""

USED_UP = 0.8
"""Share of what a round got from which on its solver is taken to have used it up."""

LEAST_SHARE = 0.02
"""Share of a time limit below which no further round begins."""

MOST_SHOWN = 1000
"""Answers of a round that its lowering may learn from, the best ones."""

Solve = Callable[..., Outcome]
"""A solver with its options and seed: called with a model, a budget and the run's progress; where
the run has an answer to start from, with ``start``, too, as `qopt.solver.Solver` has it."""


@dataclass
class Round:
    """One model that was solved, and what the problem says of its answers."""

    lowering: Lowering[Any]
    outcome: Outcome
    judged: Judged
    status: Status
    reason: str
    bound: float | None
    used_up: bool

    def to_json(self) -> dict[str, Any]:
        """What a record tells of it."""
        score = self.judged.score
        feasible = score is not None and score.feasible
        return {
            "status": self.status,
            "objective": score.objective if score is not None and feasible else None,
            "bound": self.bound,
            "seconds": self.outcome.usage.wall,
            "notes": list(self.lowering.notes),
        }


@dataclass
class Rounds:
    """What a run came to, over all its rounds.

    Parameters
    ----------
    outcome : Outcome
        That of the round with the best answer, with the ledger of all rounds.
    judged : Judged
        Of the same round.
    status, reason, bound
        As of one round, after what the others know.
    trace : Trace
        Strictly improving, in the problem's own units.
    notes : tuple of str
    """

    outcome: Outcome
    judged: Judged
    status: Status
    reason: str
    bound: float | None
    trace: Trace
    notes: tuple[str, ...]


WITHOUT_RUN = "proven by arithmetic before the run"
"""How the reason of a run ends that did not begin: the proof is no solver's merit."""


def without_run(proof: str) -> Rounds:
    """What a run comes to that need not begin: its instance is proven to have no answer."""
    outcome = Outcome(Status.PROVEN_INFEASIBLE, reason=f"{proof}; {WITHOUT_RUN}")
    return Rounds(outcome, Judged(), outcome.status, outcome.reason, None, Trace(), ())


def solve_in_rounds(
    problem: Problem,
    lowering: Lowering[Any],
    solve: Solve,
    budget: Budget,
    progress: Progress,
    start: Start | None = None,
) -> Rounds:
    """Solve a model and, as long as its lowering has something to refine, those that refine it.

    A round ends the run where it proves something, where nothing is left to refine, where the
    budget is used up, or where the refined model does not fit the solver. A model that leaves
    nothing to refine is solved again with all that is left, where its solver used up its share. The
    best answer and the tightest bound of all rounds count; bounds of lowerings that are not
    complete do not.

    Parameters
    ----------
    problem : Problem
    lowering : Lowering
    solve : callable
    budget : Budget
        Of the whole run; a round whose lowering may be refined gets a `SHARE` of what is left.
    progress : Progress
    start : Start, optional
        An answer that every round starts from whose model can state it.

    Returns
    -------
    Rounds

    Raises
    ------
    UnsupportedError
        Where the first model cannot state the start.
    """
    run = _Run(problem, solve, budget, progress, start)
    first = run.play(lowering)
    if lowering.refine is None:
        return Rounds(
            first.outcome, first.judged, first.status, first.reason, first.bound, run.trace,
            lowering.notes,
        )
    return run.joined(run.refine())


@dataclass
class _Run:
    """The rounds of one run so far."""

    problem: Problem
    solve: Solve
    budget: Budget
    progress: Progress
    start: Start | None = None
    rounds: list[Round] = field(default_factory=list)
    trace: Trace = field(default_factory=Trace)
    usage: Usage = field(default_factory=Usage)

    def __post_init__(self) -> None:
        self._clock = self.budget.start()

    # -- one round ----------------------------------------------------------------------------

    def play(self, lowering: Lowering[Any]) -> Round:
        """Solve one model and judge its answers."""
        self.progress.renew(lowering.objective, relaxed=lowering.relaxed)
        share = self._share(lowering)
        outcome = self.solve(lowering.model, share, self.progress, **self._starts(lowering))
        if lowering.reduction is not None:
            outcome.details["presolve"] = lowering.reduction.to_json()
        if lowering.caveats:
            outcome.details.setdefault("caveats", {}).update(lowering.caveats)
        decoding = Usage()
        with decoding.phase("decode"):
            judged = judge(self.problem, lowering, outcome)
            self._keep_start(lowering, judged)
            status, reason, bound = verdict(self.problem, lowering, outcome, judged)
        outcome.usage.phases = {**decoding.phases, **outcome.usage.phases}
        self.usage.add(outcome.usage)
        done = Round(
            lowering, outcome, judged, status, reason, bound, _used_up(share, outcome.usage)
        )
        self._follow(done)
        self.rounds.append(done)
        return done

    def _starts(self, lowering: Lowering[Any]) -> dict[str, list[Any]]:
        """What a solver is to start from; a refined model that cannot state it does without."""
        if self.start is None:
            return {}
        try:
            return {"start": [self.start.encoded(lowering)]}
        except UnsupportedError:
            if not self.rounds:
                raise
            return {}

    def _keep_start(self, lowering: Lowering[Any], judged: Judged) -> None:
        """The start is the answer where presolve made a worse one of it, and no better was found.

        A solver keeps the start that it is given; what presolve removed from it is put back at its
        best only where that is best whatever the other bits are.
        """
        if self.start is None or lowering.reduction is None or not lowering.reduction.total:
            return
        score = self.problem.score(self.start.answer)
        if score.feasible and ahead(self.problem, score, judged.score, constant_of(lowering)):
            judged.best, judged.score = self.start.answer, score
            judged.origin = "the answer is the one that the run started from; no better was found"

    def _share(self, lowering: Lowering[Any]) -> Budget:
        """What a round may use."""
        if lowering.refine is None and not self.rounds:
            return self.budget
        share = 1.0 if lowering.refine is None else SHARE
        time, evaluations = self._left()
        return replace(
            self.budget,
            time_limit=None if self.budget.time_limit is None else share * time,
            evaluations=(
                None if self.budget.evaluations is None else max(1, int(share * evaluations))
            ),
        )

    def _left(self) -> tuple[float, float]:
        """Seconds and evaluations that are left of the budget."""
        spent = self._clock.elapsed - self.usage.setup
        evaluations = self.budget.evaluations
        return (
            max(0.0, self._clock.limit - spent),
            inf if evaluations is None else evaluations - self.usage.evaluations,
        )

    def _follow(self, done: Round) -> None:
        """Add a round's trace to that of the run, in the problem's units."""
        lowering, own = done.lowering, self.progress.trace
        incumbents = [(t, lowering.objective(v)) for t, v in own.incumbents]
        if lowering.relaxed:
            # What the model finds best need be no answer at all: only what was judged counts.
            score = done.judged.score
            feasible = score is not None and score.feasible
            incumbents = [(self.progress.elapsed, score.objective)] if score and feasible else []
        bounds = [(t, lowering.objective(v)) for t, v in own.bounds] if lowering.complete else []
        if not self.rounds:
            self.trace = Trace(incumbents, bounds)
            return
        sign = self._sign
        self.trace.incumbents += _improving(self.trace.incumbents, incumbents, sign)
        self.trace.bounds += _improving(self.trace.bounds, bounds, -sign)

    @property
    def _sign(self) -> float:
        return 1.0 if self.problem.sense == "minimise" else -1.0

    # -- all rounds ---------------------------------------------------------------------------

    def refine(self) -> str:
        """Go on until something ends the run; what it was, in words."""
        while True:
            last = self.rounds[-1]
            if last.status in (Status.OPTIMAL, Status.PROVEN_INFEASIBLE):
                return "a proof ended them"
            if self.progress.stopping:
                return "an interrupt ended them"
            if not len(last.outcome.answers):
                return "there was no answer to learn from"
            if last.lowering.refine is None:
                return "nothing was left to refine"
            with self.usage.phase("lower"):
                refined = last.lowering.refine(_best_answers(last.outcome))
            if refined is None:
                if not last.used_up:
                    return "nothing was left to refine"
                refined = replace(last.lowering, refine=None)
            time, evaluations = self._left()
            limit = self.budget.time_limit
            if (limit is not None and time <= LEAST_SHARE * limit) or evaluations < 1:
                return "the budget ended them"
            if len(self.rounds) >= MOST_ROUNDS:
                return f"no more than {MOST_ROUNDS} are taken"
            try:
                self.play(refined)
            except (SizeError, UnsupportedError) as refusal:
                return f"the next model was refused: {refusal}"

    def joined(self, ending: str) -> Rounds:
        """What all rounds came to."""
        best = self.rounds[0]
        for other in self.rounds[1:]:
            if not self._ahead(best, other):
                best = other
        status, bound, dropped = self._verdict(best)
        last = self.rounds[-1]
        number = 1 + next(k for k, r in enumerate(self.rounds) if r is best)
        count = len(self.rounds)
        said = f"{count} {'round' if count == 1 else 'rounds'}, {ending}"
        if best is not last:
            said += f"; the answer and the samples are those of round {number}"
        details = {
            **best.outcome.details, "models": [each.to_json() for each in self.rounds],
            "best_model": number,
        }
        return Rounds(
            replace(best.outcome, usage=self.usage, details=details),
            best.judged,
            status,
            "; ".join(filter(None, [best.reason, dropped])),
            bound,
            self.trace,
            (*last.lowering.notes, said),
        )

    def _ahead(self, first: Round, second: Round) -> bool:
        """Whether the first has the better answer; later rounds go first among equals."""
        one, other = first.judged.score, second.judged.score
        if one is None or other is None:
            return other is None
        return rank_of(self.problem, one) < rank_of(self.problem, other)

    def _verdict(self, best: Round) -> tuple[Status, float | None, str]:
        """Status and bound, by the best answer and the tightest bound."""
        bounds = [each.bound for each in self.rounds if each.bound is not None]
        bound = max(bounds, key=lambda value: self._sign * value, default=None)
        score = best.judged.score
        if score is None or not score.feasible:
            return self.rounds[-1].status if score is None else best.status, bound, ""
        constant = constant_of(best.lowering)
        bound, dropped = settle(self.problem, score.objective, bound, constant)
        proven = bound is not None and bound == score.objective
        return (Status.OPTIMAL if proven else Status.FEASIBLE), bound, dropped


def _used_up(share: Budget, usage: Usage) -> bool:
    """Whether a solver took most of what it got."""
    return (share.time_limit is not None and usage.wall >= USED_UP * share.time_limit) or (
        share.evaluations is not None and usage.evaluations >= USED_UP * share.evaluations
    )


def _best_answers(outcome: Outcome) -> list[Any]:
    """Answers of a round, those that post-processing made before the samples."""
    made: Answers = () if outcome.improved is None else outcome.improved.answers
    return [*islice(made, MOST_SHOWN), *islice(outcome.answers, MOST_SHOWN)]


def _improving(
    known: list[tuple[float, float]], more: list[tuple[float, float]], sign: float
) -> list[tuple[float, float]]:
    """Those of `more` that are better than all before them."""
    best = sign * known[-1][1] if known else inf
    kept = []
    for seconds, value in more:
        if sign * value < best:
            best = sign * value
            kept.append((seconds, value))
    return kept
