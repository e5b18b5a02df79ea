"""Choosing solvers by the form and size of the model, and saying why."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import log2
from typing import Any, NamedTuple

import numpy as np

from qopt.errors import MissingPackageError, SizeError, UnsupportedError, UsageError
from qopt.forms import Form, Program, Qubo, Routing, Table
from qopt.forms.penalise import program_to_qubo
from qopt.numbers import plural
from qopt.registry import find
from qopt.solver import Budget, Outcome, Progress, Span, Status

from .cheapest_routes import MOST_ROUTES, cheapest_routes, costs_are_sums_of_arcs
from .exact import count_answers
from .miqp_model import is_convex_as_it_stands
from .single_square import single_square

MOST_ANSWERS = 2**22
"""Answers up to which all are visited: a fraction of a second."""

TOUR_LOCATIONS = 60
"""Locations up to which CP-SAT usually proves a shortest tour within seconds."""

FLEET_CLIENTS = 16
"""Clients up to which it usually proves the best routes of a fleet."""

LISTED_CLIENTS = 30
"""Clients up to which it does so where loads are the only limit and its routes can be listed."""

PROVABLE_PAIRS = 250
"""Interacting pairs up to which linear programming usually proves the best QUBO answer in seconds;
measured on 3-regular cuts and on random sparse models."""

PROVING_SHARE = 0.7
"""Share of a time limit after which a solver that was to prove leaves the rest to a heuristic."""

ENDS_BY_ITSELF = {"exact", "sa"}
"""Solvers that need no limit."""


class Choice(NamedTuple):
    """A solver, why it, and whether it leaves time to the next one in case it proves nothing."""

    name: str
    why: str
    proves: bool = False


@dataclass(frozen=True, kw_only=True)
class Auto:
    """Chooses solvers, and runs them with their default options.

    ======================================================= =================================
    model                                                   solver
    ======================================================= =================================
    routes: one tour of at most 60 locations                cpsat, then lkh
    routes: another tour                                    lkh
    routes: a fleet with at most 16 clients, or at most 30
    and at most 60 000 sets of them that fit a vehicle      cpsat, then pyvrp
    other routes                                            pyvrp
    QUBO with at most 2**22 answers within its groups       exact
    table of values                                         exact
    other QUBO with at most 250 interacting pairs           milp, then sa
    other QUBO                                              sa
    convex quadratic program, all variables whole           miqp, then sa on its QUBO
    other convex quadratic program                          miqp
    other quadratic program, whole, with a fixed sum        milp, then sa on its QUBO
    other quadratic program, all variables whole            cpsat, then sa on its QUBO
    linear program, all variables whole and bounded         cpsat, then milp
    other program                                           milp
    ======================================================= =================================

    Convex stands for an objective that is convex to minimise or concave to maximise, and for at
    most 1500 variables; the square of one whole variable alone is counted among the others.

    The first solver gets 70 % of the time limit to prove its answer, the second one the rest; the
    better answer and the tighter bound of the two are returned. A solver that is not installed or
    refuses the model is passed over: then pyvrp stands for lkh, and routing for pyvrp. The choice
    and its reason are recorded.

    Parameters
    ----------
    patience : float
        Seconds after which a run without any budget ends, unless it is of `exact` or `sa`, which
        end by themselves: a proof may take for ever.
    """

    patience: float = 30.0

    def __post_init__(self) -> None:
        if not self.patience > 0:
            raise UsageError(f"patience must be above 0 seconds, got {self.patience}")

    def solve(self, model: Form, budget: Budget, seed: int, progress: Progress) -> Outcome:
        """Run the solvers on the list, until one that takes the model has proven its answer."""
        unlimited = budget.time_limit is None and budget.evaluations is None
        patient = replace(budget, time_limit=self.patience) if unlimited else budget
        passed: list[str] = []
        found: list[tuple[Choice, Outcome]] = []
        refusal: Exception | None = None
        spent = 0.0
        for choice in choices(model):
            limits = budget if choice.name in ENDS_BY_ITSELF and not found else patient
            if limits.time_limit is not None:
                share = PROVING_SHARE if choice.proves else 1.0
                limits = replace(limits, time_limit=max(0.0, share * limits.time_limit - spent))
            try:
                outcome = _run(choice.name, model, limits, seed, _Onward(progress, model))
            except (MissingPackageError, SizeError, UnsupportedError) as fault:
                passed.append(f"not {choice.name}: {fault}")
                refusal = fault
                continue
            found.append((choice, outcome))
            spent += _searched(outcome)
            settled = outcome.status in (Status.OPTIMAL, Status.PROVEN_INFEASIBLE)
            if settled or not choice.proves or progress.stopping or limits.time_limit is None:
                break
        if not found:
            raise UnsupportedError("; ".join(passed)) from refusal
        return _joined(model, found, passed)


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


def _value(model: Form, answer: Any) -> float:
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


def _joined(model: Form, found: list[tuple[Choice, Outcome]], passed: list[str]) -> Outcome:
    """The better answer and the tightest bound of the solvers that ran, and what all took."""
    sign = _sign(model)

    def worth(pair: tuple[Choice, Outcome]) -> float:
        answers = pair[1].answers
        return sign * _value(model, answers[0]) if len(answers) else np.inf

    choice, outcome = min(found, key=worth) if len(found) > 1 else found[0]
    outcome.usage.phases = _all_phases([run for _, run in found])
    bounds = [run.bound for _, run in found if run.bound is not None]
    outcome.bound = max(bounds, key=lambda b: sign * b) if bounds else None
    outcome.details = {
        "chosen": choice.name, "why": choice.why, "ran": [c.name for c, _ in found],
        "passed_over": passed, **outcome.details,
    }
    reasons = [f"chose {'; then '.join(f'{c.name}: {c.why}' for c, _ in found)}", *passed]
    reasons += [f"{choice.name} found the answer"] if len(found) > 1 else []
    outcome.reason = "; ".join(filter(None, [*reasons, outcome.reason]))
    return outcome


def _all_phases(outcomes: list[Outcome]) -> dict[str, Span]:
    """Seconds by phase of several runs, one after the other."""
    phases: dict[str, Span] = {}
    for outcome in outcomes:
        for name, span in outcome.usage.phases.items():
            whole = phases.setdefault(name, Span())
            whole.wall += span.wall
            whole.cpu += span.cpu
    return phases


def _run(name: str, model: Form, budget: Budget, seed: int, progress: Progress) -> Outcome:
    """One solver on the model, or on the program or QUBO that it equals."""
    spec = find("solver", name)
    solver = spec.load()()
    outcome: Outcome
    if isinstance(model, Qubo) and "qubo" not in spec.forms:
        lowering: Any = model.to_program()
    elif isinstance(model, Program) and "program" not in spec.forms:
        lowering = program_to_qubo(model)
    else:
        outcome = solver.solve(model, budget, seed, progress)
        return outcome
    outcome = solver.solve(lowering.model, budget, seed, _Translated(progress, lowering))
    if len(outcome.answers):
        answers = [lowering.decode(x) for x in outcome.answers]
        dtype = np.int8 if isinstance(model, Qubo) else np.float64
        outcome.answers = np.array(answers, dtype=dtype)
    if outcome.bound is not None:
        outcome.bound = lowering.objective(outcome.bound) if lowering.complete else None
    return outcome


class _Translated(Progress):
    """Reports a lowered model's values in the units of the model that it was lowered from."""

    def __init__(self, outer: Progress, lowering: Any) -> None:
        super().__init__()
        self._outer, self._lowering = outer, lowering
        outer.on_stop(self.stop)

    def incumbent(self, objective: float) -> None:
        self._outer.incumbent(self._lowering.objective(objective))

    def bound(self, value: float) -> None:
        if self._lowering.complete:
            self._outer.bound(self._lowering.objective(value))

    def step(self, done: float | None, note: str = "") -> None:
        self._outer.step(done, note)


def choices(model: Form) -> Iterator[Choice]:
    """The solvers for a model, the preferred one first, each with its reason."""
    if isinstance(model, Routing):
        yield from _for_routes(model)
    elif isinstance(model, Qubo):
        yield from _for_qubo(model)
    elif isinstance(model, Table):
        yield Choice("exact", "a table holds the value of every bit string", proves=True)
    else:
        yield from _for_program(model)


def _for_routes(model: Routing) -> Iterator[Choice]:
    clients = len(model.clients)
    if model.is_tsp and model.num_locations <= TOUR_LOCATIONS:
        why = f"a tour of {model.num_locations} locations is small enough to prove"
        yield Choice("cpsat", why, proves=True)
    elif not model.is_tsp and clients <= FLEET_CLIENTS:
        yield Choice("cpsat", f"routes to {clients} clients are few enough to prove", proves=True)
    elif not model.is_tsp and clients <= LISTED_CLIENTS and _can_be_listed(model):
        yield Choice("cpsat", "the sets of clients that fit a vehicle can be listed", proves=True)
    if model.is_tsp:
        yield Choice("lkh", f"Lin-Kernighan moves suit a tour of {model.num_locations} locations")
    yield Choice("pyvrp", f"iterated local search on routes scales to {clients} clients")
    yield Choice("routing", f"local search on routes takes {clients} clients with every limit")


def _can_be_listed(model: Routing) -> bool:
    listed = costs_are_sums_of_arcs(model) and cheapest_routes(model, MOST_ROUTES)
    return bool(listed)


def _for_qubo(model: Qubo) -> Iterator[Choice]:
    count = count_answers(model)
    groups = f" within {plural(len(model.groups), 'group')}" if model.groups else ""
    if count <= MOST_ANSWERS:
        yield Choice("exact", f"{count} answers{groups} are few enough to visit all")
    elif model.num_interactions <= PROVABLE_PAIRS:
        why = f"{model.num_interactions} interacting pairs are few enough to prove"
        yield Choice("milp", why, proves=True)
    yield Choice("sa", (
        f"2**{log2(count):.0f} answers{groups} are too many to visit; {model.num_variables} "
        f"variables, {100 * model.density:.3g} % of the pairs interact"
    ))


def _for_program(model: Program) -> Iterator[Choice]:
    size = (
        f"{plural(model.num_variables, 'variable')} and "
        f"{plural(len(model.constraints), 'constraint')}"
    )
    bounded = np.isfinite(model.lower) & np.isfinite(model.upper)
    whole = bool((model.integer & bounded).all())
    quadratic = len(model.value) > 0
    convex = quadratic and single_square(model) is None and is_convex_as_it_stands(model)
    if convex:
        yield Choice("miqp", f"{size}, a convex quadratic objective", proves=whole)
    if whole and quadratic:
        if not convex and _sum_is_fixed(model):
            why = f"{size}, quadratic with a fixed sum: the linearisation is tight"
            yield Choice("milp", why, proves=True)
        elif not convex:
            yield Choice("cpsat", f"{size}, all variables whole and bounded", proves=True)
        yield Choice("sa", f"annealing takes {plural(len(model.value), 'quadratic term')} as it is")
        yield Choice("milp", size)
    elif whole:
        yield Choice("cpsat", f"{size}, all variables whole and bounded", proves=True)
        yield Choice("milp", size)
    else:
        yield Choice("milp", f"{size}, some variables continuous or without bounds")


def _sum_is_fixed(model: Program) -> bool:
    """Whether a constraint fixes the plain sum of all variables of the quadratic objective."""
    needed = set(model.row.tolist()) | set(model.col.tolist())
    return any(
        c.comparator == "==" and np.ptp(c.coefficients) == 0 and needed <= set(c.indices.tolist())
        for c in model.constraints
    )
