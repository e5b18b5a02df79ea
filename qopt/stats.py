"""Estimators: pure functions of numbers, each with its source and its limits.

Failures, time-outs and runs without a feasible answer stay in the denominator: a run that found
nothing is worse than any objective.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, inf, isfinite, log, log1p

import numpy as np

from .errors import UsageError
from .judge import TOLERANCE
from .problem import Sense

CONFIDENCE = 0.95
"""Nominal coverage of every interval that is shown."""

FARTHEST = 100.0
"""Size of an objective in sizes of its reference from which on a gap in percent says nothing."""


@dataclass(frozen=True)
class Share:
    """Successes out of trials with an exact interval.

    Parameters
    ----------
    successes, trials : int
    low, high : float
        Clopper-Pearson interval.
    """

    successes: int
    trials: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """Observed share."""
        return self.successes / self.trials


@dataclass(frozen=True)
class Gap:
    """How far an objective is from a reference; positive is worse, whatever the sense.

    Parameters
    ----------
    absolute : float
        In the problem's units.
    relative : float, optional
        As a share of the reference's size (0.01 is 1 %); None where that has no meaning: see `gap`.
    """

    absolute: float
    relative: float | None


@dataclass(frozen=True)
class TimeToSolution:
    """Seconds of repeated runs until the target is met with a given probability.

    Parameters
    ----------
    value : float
        Estimate; infinite where nothing succeeded.
    low, high : float
        Interval; `high` is infinite where the success probability may be 0.
    """

    value: float
    low: float
    high: float


# -- shares ---------------------------------------------------------------------------------------


def clopper_pearson(
    successes: float, trials: int, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Exact interval for a binomial probability.

    It covers at least at its nominal level whatever the probability and however few the trials, for
    independent trials of equal probability. 0 trials say nothing: (0, 1).

    Parameters
    ----------
    successes : float
        Whole, but for an effective count.
    trials : int
    confidence : float
        Two-sided, between 0 and 1.

    References
    ----------
    Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the
    binomial", Biometrika 26 (1934).
    """
    if not 0 <= successes <= trials:
        raise UsageError(f"successes must be between 0 and the {trials} trials, got {successes}")
    _check_confidence(confidence)
    if trials == 0:
        return 0.0, 1.0
    from scipy.special import betaincinv

    tail = (1.0 - confidence) / 2.0
    low = betaincinv(successes, trials - successes + 1, tail) if successes else 0.0
    high = betaincinv(successes + 1, trials - successes, 1.0 - tail) if successes < trials else 1.0
    return float(low), float(high)


def share(
    successes: int, trials: int, confidence: float = CONFIDENCE, independent: int | None = None
) -> Share | None:
    """A share with its exact interval; None without trials.

    Trials that come in clusters of alike ones count as that many `independent` ones: the interval
    is the one of the same share among them, as if the trials of a cluster all ended alike. This is
    the effective sample size of Korn and Graubard, "Confidence intervals for proportions with small
    expected number of positive counts estimated from survey data", Survey Methodology 24 (1998),
    at its cautious end.
    """
    if trials == 0:
        return None
    if independent is None or independent == trials:
        return Share(successes, trials, *clopper_pearson(successes, trials, confidence))
    part = successes / trials
    return Share(successes, trials, *clopper_pearson(part * independent, independent, confidence))


# -- medians --------------------------------------------------------------------------------------


def quantile(values: Sequence[float], q: float) -> float | None:
    """Quantile by linear interpolation between order statistics; None without values.

    References
    ----------
    Definition 7 of Hyndman and Fan, "Sample quantiles in statistical packages", The American
    Statistician 50 (1996); numpy's default.
    """
    if not 0.0 <= q <= 1.0:
        raise UsageError(f"a quantile lies between 0 and 1, got {q}")
    if not values:
        return None
    ordered = sorted(values)
    position = q * (len(ordered) - 1)
    below = int(position)
    part = position - below
    if part == 0.0:
        return float(ordered[below])
    return float(ordered[below] * (1.0 - part) + ordered[below + 1] * part)


def median(values: Sequence[float]) -> float | None:
    """Middle value, or the mean of the two in the middle; None without values."""
    return quantile(values, 0.5)


def median_of_runs(
    objectives: Sequence[float], without_answer: int, sense: Sense
) -> float | None:
    """Median objective of runs, those without an answer counted as worse than any.

    None where such a run is in the middle: then the median run found nothing.

    Parameters
    ----------
    objectives : sequence of float
        Of the runs that found a feasible answer.
    without_answer : int
        How many did not.
    sense : {"minimise", "maximise"}
    """
    worst = inf if sense == "minimise" else -inf
    middle = _middle([*objectives, *[worst] * without_answer])
    return middle if middle is not None and isfinite(middle) else None


def _middle(values: Sequence[float]) -> float | None:
    """`median` where infinite values may stand in the middle."""
    if not values:
        return None
    ordered = sorted(values)
    half = len(ordered) // 2
    if len(ordered) % 2 or ordered[half - 1] == ordered[half]:
        return float(ordered[half])
    return float(ordered[half - 1] / 2.0 + ordered[half] / 2.0)


def median_interval(
    objectives: Sequence[float],
    without_answer: int,
    sense: Sense,
    confidence: float = CONFIDENCE,
) -> tuple[float | None, float | None] | None:
    """Distribution-free interval for the median objective over seeds.

    Two order statistics that enclose the median with at least the stated probability. Under 6 runs
    none do at 95 %, and the answer is None; an end is None where a run without an answer stands
    there. Over seeds on one instance alone: it says nothing of other instances.

    References
    ----------
    Conover, "Practical Nonparametric Statistics", 3rd edition (1999), section 3.2.
    """
    _check_confidence(confidence)
    worst = inf if sense == "minimise" else -inf
    ordered = sorted([*objectives, *[worst] * without_answer])
    n, tail, rank = len(ordered), 0.0, 0
    while rank < n // 2 and tail + comb(n, rank) / 2**n <= (1.0 - confidence) / 2.0:
        tail += comb(n, rank) / 2**n
        rank += 1
    if rank == 0:
        return None
    low, high = ordered[rank - 1], ordered[n - rank]
    return (low if isfinite(low) else None), (high if isfinite(high) else None)


# -- tests ----------------------------------------------------------------------------------------


def rank_sum_test(first: Sequence[float], second: Sequence[float]) -> float:
    """Two-sided exact p-value that two sets of runs come from one distribution; ties share ranks.

    The share of all ways to deal the pooled runs into sets of these sizes whose rank sum is at
    least as far from its mean. For independent runs on one instance; not paired, not corrected for
    the number of comparisons. Under 4 runs each it cannot fall below 5 %.

    Parameters
    ----------
    first, second : sequence of float
        Infinite values stand for runs without an answer. An empty one gives 1.

    References
    ----------
    Mann and Whitney, "On a test of whether one of two random variables is stochastically larger
    than the other", Annals of Mathematical Statistics 18 (1947); with midranks, as Conover (1999),
    section 5.1.
    """
    pooled = sorted([*first, *second])
    # Twice the midrank, so that ties stay whole numbers.
    doubled = {v: 2 * pooled.index(v) + pooled.count(v) + 1 for v in set(pooled)}
    most = sum(doubled[v] for v in pooled)
    # ways[k, s]: in how many ways k of the runs seen so far have the rank sum s.
    ways = np.zeros((len(first) + 1, most + 1))
    ways[0, 0] = 1.0
    for value in pooled:
        rank = doubled[value]
        ways[1:, rank:] += ways[:-1, :-rank].copy()
    centre = len(first) * (len(pooled) + 1)
    observed = abs(sum(doubled[v] for v in first) - centre)
    far = np.abs(np.arange(most + 1) - centre) >= observed
    return float(ways[-1, far].sum() / ways[-1].sum())


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for the number of comparisons, in the order given.

    Rejecting where one is below a level keeps the probability of any false rejection below that
    level, whatever the dependence between the comparisons.

    References
    ----------
    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6 (1979).
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[i]))
        corrected[i] = largest
    return corrected


# -- quality --------------------------------------------------------------------------------------


def gap(objective: float, reference: float, sense: Sense) -> Gap:
    """Distance of an objective from a reference.

    The relative gap is the distance as a share of the reference's absolute value. It is given only
    where both values lie on the same side of zero: a scale that touches or crosses zero has no
    meaningful percentage, and neither has a reference so near to zero that the objective is
    `FARTHEST` times as large. An objective that has reached the reference has both gaps 0.
    """
    if reached(objective, reference, sense) and reached(reference, objective, sense):
        return Gap(0.0, 0.0)
    absolute = objective - reference if sense == "minimise" else reference - objective
    if not (objective > 0.0 < reference or objective < 0.0 > reference):
        return Gap(absolute, None)
    if abs(objective) >= FARTHEST * abs(reference):
        return Gap(absolute, None)
    return Gap(absolute, absolute / abs(reference))


def reached(
    objective: float, target: float, sense: Sense, tolerance: float = TOLERANCE
) -> bool:
    """Whether an objective is as good as a target, up to a relative tolerance."""
    slack = tolerance * max(abs(objective), abs(target))
    return objective <= target + slack if sense == "minimise" else objective >= target - slack


def better(first: float, second: float, sense: Sense, tolerance: float = TOLERANCE) -> bool:
    """Whether the first objective is better than the second by more than the tolerance."""
    return not reached(second, first, sense, tolerance)


# -- time -----------------------------------------------------------------------------------------


def time_to_solution(
    successes: int,
    trials: int,
    seconds: float,
    *,
    target: float = 0.99,
    confidence: float = CONFIDENCE,
) -> TimeToSolution | None:
    """Seconds of independent repeats until one succeeds with probability `target`; at least a run.

    ``seconds * max(1, log(1 - target) / log(1 - p))`` with p the success probability. The exact
    interval of p is pushed through this decreasing function, so the coverage is that of p's own
    interval; where nothing succeeded it has no upper end. The spread of `seconds` is not in it.

    Parameters
    ----------
    successes, trials : int
    seconds : float
        Mean of a run, those that failed included.
    target : float
        Between 0 and 1.

    References
    ----------
    Ronnow et al., "Defining and detecting quantum speedup", Science 345 (2014).
    """
    if not 0.0 < target < 1.0:
        raise UsageError(f"target probability must lie between 0 and 1, got {target}")
    found = share(successes, trials, confidence)
    if found is None:
        return None

    def push(p: float) -> float:
        if p <= 0.0:
            return inf
        return seconds * (1.0 if p >= target else max(1.0, log(1.0 - target) / log1p(-p)))

    return TimeToSolution(push(found.value), push(found.high), push(found.low))


def _check_confidence(confidence: float) -> None:
    if not 0.0 < confidence < 1.0:
        raise UsageError(f"confidence must lie between 0 and 1, got {confidence}")
