"""What the runs on one instance are measured against, and claims that cannot all be true."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal

from .numbers import digits_for, value_text
from .problem import Sense
from .record import Record
from .solver import Status
from .stats import better, reached

SLACK = 1e-6
"""Relative distance up to which a bound beyond an objective is rounding, as in `qopt.judge`."""


@dataclass(frozen=True)
class Bound:
    """The best proven bound of a comparison that no answer contradicts.

    Parameters
    ----------
    value : float
    solver : str
        Label of the solver that proved it.
    """

    value: float
    solver: str


@dataclass(frozen=True)
class Yardstick:
    """The value that gaps are measured to.

    Parameters
    ----------
    value : float
    kind : {"optimum", "best known", "bound"}
        A proven optimum, the best value anybody is known to have found, or a bound that no answer
        has reached.
    source : str
        Provenance in words.
    """

    value: float
    kind: Literal["optimum", "best known", "bound"]
    source: str

    @property
    def is_target(self) -> bool:
        """Whether an answer of that value exists, so that reaching it is a success."""
        return self.kind != "bound"


@dataclass(frozen=True)
class Measure:
    """Everything known of an instance from all of its records.

    Parameters
    ----------
    best : float, optional
        Best feasible objective of the set.
    bound : Bound, optional
    yardstick : Yardstick, optional
    faults : tuple of str
        Claims that contradict a scored answer or each other.
    """

    best: float | None
    bound: Bound | None
    yardstick: Yardstick | None
    faults: tuple[str, ...]


def objective_of(record: Record) -> float | None:
    """Objective of a run's feasible answer; None without one."""
    value = record.objective
    return value if record.feasible and value is not None and isfinite(value) else None


def sampled_objective(record: Record) -> float | None:
    """Objective of the best feasible sample, before any post-processing; None without one.

    Where none was made, the answer of the run.
    """
    if not record.postprocessed:
        return objective_of(record)
    value = record.samples.get("best")
    return value if isinstance(value, int | float) and isfinite(value) else None


def measure(records: Sequence[Record], sense: Sense) -> Measure:
    """Find the yardstick for the records of one instance.

    A proven optimum comes first, then the instance's own reference value, then an open bound: the
    gap to an open bound says as much of the bound as of the answers. Scored answers have the last
    word: a bound that one of them beats is a fault and is not used.

    Parameters
    ----------
    records : sequence of Record
        Of one instance.
    sense : {"minimise", "maximise"}
    """
    pick = min if sense == "minimise" else max
    objectives = [v for r in records if (v := objective_of(r)) is not None]
    best = pick(objectives) if objectives else None
    bound, faults = _best_bound(records, best, sense)
    if best is not None:
        faults += [
            f"{r.label} (seed {r.seed}) claims that there is no feasible answer, and there is one"
            for r in records
            if r.status is Status.PROVEN_INFEASIBLE
        ]
    optimum = None
    # A bound within SLACK beyond the answer is rounding: the answer has reached it, too.
    if bound is not None and best is not None and reached(best, bound.value, sense):
        optimum = Yardstick(best, "optimum", f"proven by {bound.solver} in this comparison")
    reference, more = _reference(records, best, bound, sense)
    faults += more
    open_bound = None
    if bound is not None:
        side = "lower" if sense == "minimise" else "upper"
        source = f"{side} bound by {bound.solver} in this comparison, not reached"
        open_bound = Yardstick(bound.value, "bound", source)
    return Measure(best, bound, optimum or reference or open_bound, tuple(faults))


def _best_bound(
    records: Sequence[Record], best: float | None, sense: Sense
) -> tuple[Bound | None, list[str]]:
    """The tightest bound that no answer beats, and a fault for each bound that one does."""
    found: Bound | None = None
    faults = []
    for record in records:
        value = record.bound
        if value is None or not isfinite(value):
            continue
        if best is not None and better(best, value, sense, SLACK):
            digits = digits_for([best, value])
            faults.append(
                f"the bound {value_text(value, digits)} claimed by {record.label} (seed "
                f"{record.seed}) is beaten by a feasible answer of {value_text(best, digits)}: "
                "it is not used"
            )
        elif found is None or better(found.value, value, sense, 0.0):
            found = Bound(value, "presolve" if record.decided else record.label)
    return found, faults


def _reference(
    records: Sequence[Record], best: float | None, bound: Bound | None, sense: Sense
) -> tuple[Yardstick | None, list[str]]:
    """The instance's own reference value, unless an answer or a bound contradicts it."""
    known = [r.instance.reference for r in records if r.instance.reference is not None]
    if not known:
        return None, []
    reference = known[-1]
    value, proven = float(reference["value"]), bool(reference.get("proven"))
    named = reference.get("source") or "source not named"
    source = f"proven: {named}" if proven and not named.startswith("proven") else named
    convention = reference.get("convention")
    hint = f"check the convention ({convention})" if convention else "check the convention"
    if proven and best is not None and better(best, value, sense, SLACK):
        return None, [
            f"an answer of {value_text(best)} is better than {value_text(value)} ({source}): {hint}"
        ]
    if bound is not None and better(value, bound.value, sense, SLACK):
        return None, [
            f"the value {value_text(value)} ({source}) is better than the bound "
            f"{value_text(bound.value)} proven by {bound.solver}: {hint}"
        ]
    return Yardstick(value, "optimum" if proven else "best known", source), []
