"""Judging an outcome: the problem's own score has the last word over the solver's claim."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import SolverError
from .forms import Lowering, Program
from .problem import Problem, Score
from .solver import Outcome, Status

MOST_SCORED = 20_000
"""Distinct answers of one run that are decoded and scored, best first by the solver's measure."""

_AT_ONCE = 1000
"""Answers that are decoded and scored together."""

TOLERANCE = 1e-9
"""Relative distance within which an objective has reached a bound."""

_ROUNDING = 1e-15
"""The same, relative to the constant of a model: what rounding alone may set apart."""

_OFF = 1e-6
"""Relative distance by which a solver's bound may be off on the wrong side."""


@dataclass
class Judged:
    """The answers of an outcome as the problem scores them.

    Parameters
    ----------
    best : object
        The best answer in the problem's own terms.
    score : Score, optional
        Its score; None without answers.
    samples : dict
        As in `qopt.record.Record`.
    origin : str
        Whose merit the best answer is, in words; empty where there was no post-processing.
    """

    best: Any = None
    score: Score | None = None
    samples: dict[str, Any] = field(default_factory=dict)
    origin: str = ""


Answers = Sequence[Any] | NDArray[np.int8]


def judge(problem: Problem, lowering: Lowering[Any], outcome: Outcome) -> Judged:
    """Decode and score every answer; keep the best feasible one, else the least infeasible.

    Answers that post-processing made of the samples are summed up apart from them. One of them is
    the best only where it is better than every sample.
    """
    constant = constant_of(lowering)
    judged = _appraise(problem, lowering, outcome.answers, outcome.counts)
    # Credit for it belongs to solvers that were told of it by the model, not to samplers.
    if lowering.known is not None and isinstance(lowering.model, Program):
        score = problem.score(lowering.known)
        if score.feasible and ahead(problem, score, judged.score, constant):
            judged.best, judged.score = lowering.known, score
            judged.origin = (
                "the answer is the one that the model was built from; the solver found none that "
                "is better"
            )
    judged.samples["independent"] = outcome.independent or judged.samples["total"]
    improved = outcome.improved
    if improved is None:
        return judged
    made = _appraise(problem, lowering, improved.answers, improved.counts)
    is_ahead = ahead(problem, made.score, judged.score, constant)
    best = judged.samples["best"]
    sampled = "no sample is feasible" if best is None else f"the best sample is {best:.10g}"
    judged.samples["improved"] = {"method": improved.method, "answer": is_ahead, **made.samples}
    if is_ahead:
        judged.best, judged.score = made.best, made.score
        judged.origin = f"the answer was made of samples by {improved.method}; {sampled}"
    else:
        judged.origin = f"the answer is a sample; {improved.method} made none that is better"
    return judged


def ahead(
    problem: Problem, made: Score | None, sampled: Score | None, constant: float = 0.0
) -> bool:
    """Whether one score is better than another, beyond rounding; any is better than none.

    The `constant` is that of `settle`.
    """
    if made is None or sampled is None:
        return made is not None
    first, second = rank_of(problem, made), rank_of(problem, sampled)
    if first[:-1] != second[:-1]:
        return first < second
    return second[-1] - first[-1] > _slack(made.objective, sampled.objective, constant)


def constant_of(lowering: Lowering[Any]) -> float:
    """What is the same in the objectives of all answers of a model, in the problem's units."""
    return lowering.objective(getattr(lowering.model, "offset", 0.0))


def _slack(
    first: float, second: float, constant: float, tolerance: float = TOLERANCE
) -> float:
    """Distance of two objectives that counts as none.

    It is relative to the objectives with or without the constant, whichever are smaller: a million
    that is the same for all answers makes none of them good.
    """
    size = max(abs(first), abs(second))
    own = max(abs(first - constant), abs(second - constant))
    return max(tolerance * min(size, own), _ROUNDING * min(size, abs(constant)))


def rank_of(problem: Problem, score: Score) -> tuple[float, float, float]:
    """Feasible answers first, then by how much they violate, then by the objective."""
    objective = score.objective if problem.sense == "minimise" else -score.objective
    broken = sum(v.amount for v in score.violations)
    return (0.0, 0.0, objective) if score.feasible else (1.0, broken, objective)


def _appraise(
    problem: Problem, lowering: Lowering[Any], answers: Answers, given: NDArray[np.int64] | None
) -> Judged:
    """Score answers, find the best one, and sum them up by multiplicity."""
    total = len(answers)
    counts = np.ones(total, dtype=np.int64) if given is None else given
    if len(counts) != total:
        raise SolverError(f"the solver returned {total} answers and {len(counts)} counts")
    sign = 1.0 if problem.sense == "minimise" else -1.0
    judged = Judged()
    best_rank: tuple[float, ...] | None = None
    objectives, weights = [], []
    for decoded, score, count in _scored(problem, lowering, answers, counts):
        if score.feasible:
            objectives.append(score.objective)
            weights.append(int(count))
        rank = rank_of(problem, score)
        if best_rank is None or rank < best_rank:
            best_rank, judged.best, judged.score = rank, decoded, score
    if judged.score is not None:
        judged.score = problem.score(judged.best)  # many at once may be summed in another order
    judged.samples = {
        "distinct": total,
        "total": int(counts.sum()),
        "scored": int(counts[:MOST_SCORED].sum()),
        "feasible_total": sum(weights),
        **_summary(objectives, weights, sign, constant_of(lowering)),
    }
    return judged


def _scored(
    problem: Problem, lowering: Lowering[Any], answers: Answers, counts: NDArray[np.int64]
) -> Iterator[tuple[Any, Score, int]]:
    """Decoded answers with their scores, many at once where the problem offers that."""
    many = getattr(problem, "score_many", None)
    for start in range(0, min(len(answers), MOST_SCORED), _AT_ONCE):
        end = min(start + _AT_ONCE, MOST_SCORED)
        decoded = lowering.decode_all(answers[start:end])
        scores = many(decoded) if many else [problem.score(answer) for answer in decoded]
        yield from zip(decoded, scores, counts[start:end].tolist(), strict=True)


def _summary(
    objectives: list[float], weights: list[int], sign: float, constant: float
) -> dict[str, Any]:
    """Best, median, mean and share of the best over feasible samples, by multiplicity."""
    if not objectives:
        return {"best": None, "best_total": 0, "median": None, "mean": None}
    values, repeats = np.asarray(objectives), np.asarray(weights)
    order = np.argsort(sign * values, kind="stable")
    values, repeats = values[order], repeats[order]
    middle = int(np.searchsorted(np.cumsum(repeats), repeats.sum() / 2.0))
    best = float(values[0])
    reached = np.abs(values - best) <= _slack(best, best, constant)
    return {
        "best": best,
        "best_total": int(repeats[reached].sum()),
        "median": float(values[middle]),
        "mean": float(np.average(values, weights=repeats)),
    }


def verdict(
    problem: Problem, lowering: Lowering[Any], outcome: Outcome, judged: Judged
) -> tuple[Status, str, float | None]:
    """Status, reason and bound, after the score has had its say over the solver's claim."""
    status, reason = outcome.status, [outcome.reason] if outcome.reason else []
    bound = None
    if outcome.bound is not None and np.isfinite(outcome.bound) and lowering.complete:
        bound = lowering.objective(outcome.bound)
    if judged.score is None:
        if status is Status.PROVEN_INFEASIBLE and not lowering.complete:
            reason.append("the lowered model has no answer, but it leaves out part of the instance")
            return Status.UNSUPPORTED, "; ".join(reason), None
        if status.has_answer or status is Status.INFEASIBLE_ANSWERS:
            raise SolverError(f"the solver claims {status} and returned no answer")
        return status, "; ".join(reason), bound
    if not judged.score.feasible:
        if status.has_answer:
            reason.append(
                f"{status} for the model that it was given, but no answer keeps every constraint "
                "of the instance"
            )
        return Status.INFEASIBLE_ANSWERS, "; ".join(reason), bound
    objective = judged.score.objective
    bound, dropped = settle(problem, objective, bound, constant_of(lowering))
    if dropped:
        return Status.FEASIBLE, "; ".join([*reason, dropped]), None
    if status is Status.OPTIMAL and not lowering.complete:
        reason.append("optimal for the lowered model, which leaves out part of the instance")
        return Status.FEASIBLE, "; ".join(reason), None
    if status is Status.OPTIMAL and bound is None and not lowering.relaxed:
        bound = objective
    reason += _contradiction(problem, objective, bound)
    if bound == objective:
        return Status.OPTIMAL, "; ".join(reason), bound
    return Status.FEASIBLE, "; ".join(reason), bound


def settle(
    problem: Problem, objective: float, bound: float | None, constant: float = 0.0
) -> tuple[float | None, str]:
    """A bound beside the objective that was reached.

    The `constant` is the part of both that is the same for all answers (`constant_of`); what
    counts as reached does not grow with it.

    Returns
    -------
    bound : float, optional
        The objective itself where it is reached within rounding, None where it is beaten.
    dropped : str
        That it is beaten, in words; empty otherwise.
    """
    if bound is None:
        return None, ""
    beyond = (bound - objective) * (1.0 if problem.sense == "minimise" else -1.0)
    if beyond > _slack(objective, bound, constant, _OFF):
        return None, f"the claimed bound {bound:.10g} is beaten by the answer: dropped"
    reached = -beyond <= _slack(objective, bound, constant)
    return (objective if reached else bound), ""


def _contradiction(problem: Problem, objective: float, bound: float | None) -> list[str]:
    """What an answer and a bound say against the instance's own reference value."""
    reference = problem.reference
    if reference is None:
        return []
    sign = 1.0 if problem.sense == "minimise" else -1.0
    known = f"{reference.value:.10g} ({reference.source or 'source not named'})"
    slack = 1e-6 * max(abs(objective), abs(reference.value))
    if sign * (reference.value - objective) > slack:
        if not reference.proven:
            return [f"better than the value on file, {known}"]
        return [f"better than the value {known} that is said to be proven: check its convention"]
    if bound is not None and sign * (bound - reference.value) > slack:
        return [f"the reference value {known} is beyond the proven bound: check its convention"]
    return []
