"""Choosing solvers by measured features of the model, running them, and saying why."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import numpy as np

from qopt.errors import LimitError, MissingPackageError, SizeError, UnsupportedError, UsageError
from qopt.forms import Form, Program, Qubo, Table
from qopt.solver import Budget, Outcome, Progress, Status

from ..ledger import add_usage
from .device import on_device
from .features import Features, features_of
from .rules import Rule, Step, rule_for
from .translate import run_solver

LONGEST = {"start": 0.3, "probe": 1.0}
"""Seconds of the longest turn that only makes an answer to start from, or tries for a proof."""

ENDS_BY_ITSELF = ("exact", "sa", "portfolio")
"""Solvers that need no limit."""

_REFUSALS = (MissingPackageError, SizeError, UnsupportedError)


@dataclass
class Turn:
    """A step that was taken: by whom, and what came of it."""

    role: str
    solver: str
    outcome: Outcome
    value: float

    def to_json(self, translate: Callable[[float], float]) -> dict[str, Any]:
        """For the explanation; `translate` gives values in the problem's units."""
        bound = self.outcome.bound
        return {
            "role": self.role, "solver": self.solver, "status": self.outcome.status,
            "objective": translate(self.value) if np.isfinite(self.value) else None,
            "bound": None if bound is None else translate(bound),
            "seconds": _searched(self.outcome), "details": _small(self.outcome.details),
        }


@dataclass(frozen=True, kw_only=True)
class Auto:
    """Chooses solvers by measured features of the model, and runs them.

    The first row that holds is the plan:

    ============================================== =============================================
    model                                          plan
    ============================================== =============================================
    routes: one tour of at most 60 locations       cpsat proves; then lkh
    routes: another tour                           lkh
    routes: at most 16 clients, or at most 30 and  cpsat proves; then pyvrp
    at most 60 000 sets of them that fit
    other routes                                   pyvrp
    QUBO with at most 2**22 answers in its groups  exact
    QUBO with at most 500 interacting pairs, at    portfolio starts; milp proves, then
    most 10 to a variable                          branch-and-bound; then portfolio
    QUBO with at most 120 variables                milp is tried; branch-and-bound proves; then
                                                   portfolio
    other QUBO                                     portfolio
    table of values                                exact
    convex quadratic program, all whole            miqp proves; then portfolio on its QUBO
    other convex quadratic program                 miqp
    quadratic program, whole, with a fixed sum     milp proves; then portfolio on its QUBO
    other quadratic program, all whole             cpsat proves; then portfolio on its QUBO
    linear program, all whole and bounded          cpsat proves; then milp
    other program                                  milp
    ============================================== =============================================

    Convex stands for an objective that is convex to minimise or concave to maximise, and for at
    most 1500 variables; the square of one whole variable alone is counted among the others, and so
    are whole programs of which at most a quarter of the variables stand in products.

    A step that proves ends at 70 % of the time limit, and leaves the rest to the next; one that
    starts takes a tenth of it, 0.3 seconds at most, one that is tried a fifth, a second at most.
    Each step begins from the best answer so far, where its solver takes one. The best answer, those
    given to start from included, and the tightest bound are returned. Where no time is left, the
    last step alone is still taken, if there is no answer yet. Where a solver is not installed or
    refuses the model, the next of its kind stands in: pyvrp for lkh, routing for pyvrp, sa for
    portfolio. ``qopt solve FILE --explain`` prints features, rules and turns.

    Parameters
    ----------
    patience : float
        Seconds after which a run without any budget ends, unless it is of a solver that ends by
        itself: a proof may take for ever.
    device : str, optional
        A quantum device, for QUBOs and tables: QAOA runs on it where the model fits it, and
        `hybrid` with QAOA on subproblems where it does not.
    """

    patience: float = 30.0
    device: str | None = None

    def __post_init__(self) -> None:
        if not self.patience > 0:
            raise UsageError(f"patience must be above 0 seconds, got {self.patience}")

    def solve(
        self, model: Form, budget: Budget, seed: int, progress: Progress, *,
        start: Sequence[Any] = (),
    ) -> Outcome:
        """Run the plan for a model, until one of its steps has proven its answer."""
        features = features_of(model)
        rule, above = rule_for(features)
        if self.device is not None:
            rule, above = on_device(self.device, features), ()
        race = _Race(model, rule, budget, self.patience, seed, progress, list(start))
        race.run()
        if not race.turns:
            if isinstance(race.refusal, LimitError):
                raise race.refusal
            raise UnsupportedError("; ".join(race.passed)) from race.refusal
        return _joined(model, features, rule, above, race)


class _Race:
    """The turns of one plan."""

    def __init__(
        self, model: Form, rule: Rule, budget: Budget, patience: float, seed: int,
        progress: Progress, start: list[Any],
    ) -> None:
        self.turns: list[Turn] = []
        self.passed: list[str] = []
        self.refusal: Exception | None = None
        self.translate = progress.translate
        self._model, self._rule, self._seed = model, rule, seed
        self.start = start
        self._progress, self._spent = progress, 0.0
        unlimited = budget.time_limit is None and budget.evaluations is None
        self._patient = replace(budget, time_limit=patience) if unlimited else budget
        self._given = budget

    def run(self) -> None:
        """Take the steps until one settles the model or the budget is used.

        A step for which no time is left is passed over, but for the last one where there is no
        answer yet: it searches, and that gives an answer in any time.
        """
        limit = self._patient.time_limit
        timed = limit is not None
        steps = [step for step in self._rule.steps if timed or step.role not in LONGEST]
        for step in steps:
            late = limit is not None and self._spent >= limit
            if late and (self._best_turn() is not None or step is not steps[-1]):
                continue
            turn = self._take(step, alone=len(steps) == 1)
            if turn is None:
                continue
            self.turns.append(turn)
            self._spent += _searched(turn.outcome)
            settled = turn.outcome.status in (Status.OPTIMAL, Status.PROVEN_INFEASIBLE)
            if settled or self._progress.stopping or not timed:
                break

    def _take(self, step: Step, *, alone: bool) -> Turn | None:
        """The first of the step's solvers that takes the model."""
        for text in step.solvers:
            limits = self._limits(step, text, alone)
            onward = _Onward(self._progress, self._model)
            try:
                outcome = run_solver(
                    text, self._model, limits, self._seed, onward, self._best_answers()
                )
            except _REFUSALS as fault:
                self.passed.append(f"not {text}: {fault}")
                self.refusal = fault
                continue
            value = value_of(self._model, outcome.answers[0]) if len(outcome.answers) else None
            return Turn(step.role, text, outcome, inf if value is None else value)
        return None

    def _limits(self, step: Step, text: str, alone: bool) -> Budget:
        """What a solver may use in a step."""
        if (alone or text == "exact") and not self.turns and text in ENDS_BY_ITSELF:
            return self._given
        limit = self._patient.time_limit
        if limit is None:
            return self._patient
        until = step.until * limit
        until = min(until, self._spent + LONGEST.get(step.role, inf))
        return replace(self._patient, time_limit=max(0.0, until - self._spent))

    def _best_answers(self) -> list[Any]:
        """The answers to start from: the best feasible one so far, and those given."""
        best = self._best_turn()
        return self.start if best is None else [best.outcome.answers[0], *self.start]

    def _best_turn(self) -> Turn | None:
        """The turn with the best feasible answer so far."""
        feasible = [turn for turn in self.turns if np.isfinite(turn.value)]
        sign = _sign(self._model)
        return min(feasible, key=lambda turn: sign * turn.value, default=None)


class _Onward(Progress):
    """Passes on what one of several solvers reports: only incumbents better than all before."""

    def __init__(self, outer: Progress, model: Form) -> None:
        super().__init__()
        self._outer = outer
        self._sign = _sign(model)
        outer.on_stop(self.stop)

    def incumbent(self, objective: float) -> None:
        before = self._outer.trace.incumbents
        if not before or self._sign * objective < self._sign * before[-1][1]:
            self._outer.incumbent(objective)

    def bound(self, value: float) -> None:
        before = self._outer.trace.bounds
        if not before or self._sign * value > self._sign * before[-1][1]:
            self._outer.bound(value)

    def step(self, done: float | None, note: str = "") -> None:
        self._outer.step(done, note)


def _sign(model: Form) -> float:
    """1 where smaller is better."""
    return -1.0 if isinstance(model, Program) and model.sense == "maximise" else 1.0


def value_of(model: Form, answer: Any) -> float:
    """Objective of an answer in the model's own units; infinitely bad where it breaks the model."""
    if isinstance(model, Qubo):
        broken = bool(model.group_violations(np.asarray([answer]))[0])
        value = model.energy(answer)
    elif isinstance(model, Program):
        broken, value = bool(model.violations(answer)), model.objective(answer)
    elif isinstance(model, Table):
        broken, value = not model.keeps(answer)[0], model.energy(answer)
    else:
        value, violations = model.evaluate(answer)
        broken = bool(violations)
    return _sign(model) * np.inf if broken else value


def _searched(outcome: Outcome) -> float:
    """Seconds that a run took out of the limit."""
    usage = outcome.usage
    return sum(s.wall for name, s in usage.phases.items() if name not in ("lower", "setup"))


def _joined(
    model: Form, features: Features, rule: Rule, above: tuple[Rule, ...], race: _Race
) -> Outcome:
    """The best answer and the tightest bound of the solvers that ran, and what all took."""
    sign, turns = _sign(model), race.turns
    best = min(turns, key=lambda turn: sign * turn.value if len(turn.outcome.answers) else inf)
    proven = [t for t in turns if t.outcome.status in (Status.OPTIMAL, Status.PROVEN_INFEASIBLE)]
    best = proven[0] if proven else best  # ties: what is proven says so
    outcome = best.outcome
    told = [turn.to_json(race.translate) for turn in turns]  # before one of them stands for all
    for turn in turns:
        if turn.outcome is not outcome:
            add_usage(outcome.usage, turn.outcome.usage)
    bounds = [turn.outcome.bound for turn in turns if turn.outcome.bound is not None]
    outcome.bound = max(bounds, key=lambda b: sign * b) if bounds else None
    ran = [turn.solver for turn in turns]
    why = f"{features.words()}: {rule.why}"
    outcome.details = {
        "chosen": best.solver, "why": why, "ran": ran, "passed_over": race.passed,
        "explanation": {
            "features": features.to_json(),
            "rules_passed": [r.when for r in above],
            "rule": rule.when, "why": rule.why,
            "plan": [{"role": s.role, "solvers": s.solvers, "until": s.until} for s in rule.steps],
            "turns": told,
        },
        **outcome.details,
    }
    reasons = [f"chose {' then '.join(dict.fromkeys(ran))}: {why}", *race.passed]
    if len(set(ran)) > 1:
        finder = f"{best.solver} found the" if len(outcome.answers) else "none found an"
        reasons.append(f"{finder} answer")
    outcome.reason = "; ".join(filter(None, [*reasons, outcome.reason]))
    _keep_start(model, outcome, best.value if len(outcome.answers) else sign * inf, race.start)
    return outcome


def _keep_start(model: Form, outcome: Outcome, value: float, start: Sequence[Any]) -> None:
    """Return to the best answer given where solvers that take none found only worse ones."""
    sign = _sign(model)
    given = min(start, key=lambda answer: sign * value_of(model, answer), default=None)
    if given is None or sign * value_of(model, given) >= sign * value:
        return
    outcome.status = Status.FEASIBLE
    outcome.answers = np.array([given], dtype=np.int8) if isinstance(model, Qubo) else [given]
    outcome.counts = outcome.independent = outcome.improved = None
    outcome.reason += "; the answer it was given to start from is better, and is kept"


def _small(details: Mapping[str, Any]) -> dict[str, Any]:
    """A turn's details without their tables: single values, and the shares of arms that raced."""
    small: dict[str, Any] = {
        name: value for name, value in details.items()
        if value is None or isinstance(value, bool | int | float | str)
    }
    if isinstance(arms := details.get("arms"), Mapping):
        small["shares"] = {name: arm["share"] for name, arm in arms.items()}
    return small
