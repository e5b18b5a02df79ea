"""How soon an answer within a thousandth of the best is there, beside dwave-samplers' time."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, exp, inf, isfinite, log
from statistics import median

import numpy as np

from benchmarks._contenders import prepared
from benchmarks._instances import Instance
from benchmarks._recount import Recount
from benchmarks._runs import Contender, Run
from benchmarks._table import Column, Table, in_words

SHARE = 0.999
"""Of the best known objective, or else of the best found."""

_REFERENCE = "dwave-"
_FACTORS = (1.0, 2.0, 5.0, 10.0, 100.0)
_CONFIDENCE = 0.95
_RESAMPLES = 10_000


@dataclass(frozen=True)
class Ratio:
    """How many times one solver's times are another's, with an exact interval.

    Parameters
    ----------
    value : float, optional
        Ratio of the medians; None where one of them is not known.
    low, high : float
        Interval for the factor between the two distributions; 0 and infinity where too few runs
        reached the target to say.
    """

    value: float | None
    low: float
    high: float


def times_ratio(first: Sequence[float], second: Sequence[float], limit: float) -> Ratio:
    """First times over second times; infinite ones are those that the limit cut off.

    The interval is that of Mann and Whitney's test turned round: it holds whatever the
    distributions, if one is a multiple of the other. A time that was cut off stands for every time
    above the limit, so that the interval only grows by it.

    References
    ----------
    Hodges and Lehmann, "Estimates of location based on rank tests", Annals of Mathematical
    Statistics 34 (1963); on the logarithms of the times.
    """
    least = np.array([min(t, limit) for t in first]), np.array([min(t, limit) for t in second])
    most = np.array(first, dtype=float), np.array(second, dtype=float)
    lows = np.sort((least[0][:, None] / most[1]).ravel())
    highs = np.sort((most[0][:, None] / least[1]).ravel())
    middle = median(first), median(second)
    value = middle[0] / middle[1] if isfinite(middle[0]) and isfinite(middle[1]) else None
    cut = _outer_pairs(len(first), len(second))
    if cut == 0:
        return Ratio(value, 0.0, inf)
    return Ratio(value, float(lows[cut - 1]), float(highs[-cut]))


def _outer_pairs(m: int, n: int) -> int:
    """Rank of the interval's ends among the m n pairs from either side; 0 with too few runs."""
    ways = np.zeros((m + 1, m * n + 1))  # so many of the first sample taken, so many pairs won
    ways[0, 0] = 1.0
    for rank in range(m + n):
        for taken in range(min(m, rank + 1), 0, -1):
            beaten = rank - (taken - 1)
            if beaten <= n:
                ways[taken, beaten:] += ways[taken - 1, : m * n + 1 - beaten]
    tail = np.cumsum(ways[m]) / comb(m + n, m)
    return int(np.count_nonzero(tail <= (1.0 - _CONFIDENCE) / 2.0))


def measure(
    able: Sequence[Contender], instances: Sequence[Instance], seconds: float,
    seeds: Sequence[int], threads: int, recount: Recount,
) -> list[Table]:
    """Times on each instance, shares solved within multiples of the fastest, and the mean."""
    table = Table(
        f"Time to {100.0 * SHARE:g} % of the best, at most {seconds:g} s",
        [
            Column("instance", width=20), Column("solver", width=23), Column("reached", width=8),
            Column("median s", ".4f"), Column("times faster", ".2f"), Column("least", ".2f", 6),
            Column("most", ".2f", 6),
        ],
        notes=[
            f"seeds {seeds[0]} to {seeds[-1]}, {in_words(threads)}; of the best value on record, "
            "or else of the best of all runs here; a median beyond the limit is not known (-)",
            "times faster: than the faster one of dwave-samplers' solvers on that instance, with "
            f"an exact {100.0 * _CONFIDENCE:g} % interval",
            "what a library needs to take in the model is not counted, and a ladder of reads that "
            "double in length lets it report early",
        ],
    ).begin()
    times: dict[str, dict[str, list[float]]] = {}
    for instance in instances:
        traces: dict[str, list[list[tuple[float, float]]]] = {}
        for name, runner in prepared(able, "target", instance.qubo, seconds, threads):
            if isinstance(runner, str):
                table.find(f"{name} left out on {instance.name}: {runner}")
                continue
            traces[name] = [_trace(name, instance, runner(seed), recount) for seed in seeds]
        target = _target(instance, traces)
        times[instance.name] = {
            name: [_first_below(trace, target, seconds) for trace in runs]
            for name, runs in traces.items()
        }
        _rows(table, instance.name, times[instance.name], seconds)
    return [table, _profile(times), _means(times, seconds)]


def _trace(
    name: str, instance: Instance, run: Run, recount: Recount
) -> list[tuple[float, float]]:
    """Seconds and energies on the way; those of returned samples are evaluated again."""
    energies = recount.check(name, instance, run.samples, run.claimed, run.tolerance)
    if run.times is not None:
        return list(zip(run.times.tolist(), energies.tolist(), strict=True))
    best = float(energies.min(initial=inf))
    # An incumbent that no returned sample bears out does not count.
    return [(s, max(value, best)) for s, value in run.trace or []] + [(run.wall, best)]


def _target(instance: Instance, traces: dict[str, list[list[tuple[float, float]]]]) -> float:
    best = min((v for runs in traces.values() for t in runs for _, v in t), default=inf)
    if instance.known is not None:
        best = min(best, instance.known)
    return best + (1.0 - SHARE) * abs(best)


def _first_below(trace: Sequence[tuple[float, float]], target: float, limit: float) -> float:
    """When the target was first met; infinite where it was not within the limit."""
    met = [seconds for seconds, value in trace if value <= target]
    first = min(met, default=inf)
    # A read that was planned to end with the limit may end a little later.
    return max(first, 1e-6) if first <= 1.05 * limit else inf


def _faster_reference(times: dict[str, list[float]]) -> str | None:
    """The solver of dwave-samplers with the least median; of those level the first."""
    known = {name: median(t) for name, t in times.items() if name.startswith(_REFERENCE)}
    return min(known, key=lambda name: known[name]) if known else None


def _rows(
    table: Table, instance: str, times: dict[str, list[float]], limit: float
) -> None:
    reference = _faster_reference(times)
    for name, own in times.items():
        middle = median(own)
        ratio = None
        if reference is not None and name != reference:
            ratio = times_ratio(times[reference], own, limit)
        table.add(
            instance, name, f"{sum(map(isfinite, own))} of {len(own)}",
            middle if isfinite(middle) else None,
            "reference" if name == reference else ratio.value if ratio else None,
            ratio.low if ratio else None, ratio.high if ratio else None,
        )


def _profile(times: dict[str, dict[str, list[float]]]) -> Table:
    """Share of the instances that a solver solved within multiples of the fastest one's time."""
    table = Table(
        "Performance profile: share of the instances solved within a multiple of the least time",
        [Column("solver", width=23), Column("instances", "d"),
         *(Column(f"x{factor:g}", ".2f", 6) for factor in _FACTORS), Column("at all", ".2f", 6)],
        notes=["by median times, one beyond the limit being unsolved; shares change where a solver "
               "is added or removed "
               "(Dolan and Moré, Mathematical Programming 91, 2002)"],
    ).begin()
    names = dict.fromkeys(name for found in times.values() for name in found)
    fastest = {i: min(map(median, found.values()), default=inf) for i, found in times.items()}
    for name in names:
        middles = {i: median(found[name]) for i, found in times.items() if name in found}
        shares = [
            sum(isfinite(t) and t <= factor * fastest[i] * (1.0 + 1e-9)
                for i, t in middles.items()) / len(times)
            for factor in (*_FACTORS, inf)
        ]
        table.add(name, len(middles), *shares)
    return table


def _means(times: dict[str, dict[str, list[float]]], limit: float) -> Table:
    """Geometric mean over the instances of how many times faster than dwave-samplers."""
    table = Table(
        "Times faster than dwave-samplers, over the instances",
        [Column("solver", width=23), Column("instances", "d"), Column("unsolved", "d"),
         Column("mean", ".2f"), Column("least", ".2f", 6), Column("most", ".2f", 6)],
        notes=["geometric means of ratios of medians, a median beyond the limit counted as the "
               "limit; unsolved: instances where this solver's is; the interval resamples the "
               "instances (from 5 on)"],
    ).begin()
    logs: dict[str, list[float]] = {}
    unsolved: dict[str, int] = {}
    for found in times.values():
        reference = _faster_reference(found)
        if reference is None:
            continue
        base = min(median(found[reference]), limit)
        for name, own in found.items():
            if not name.startswith(_REFERENCE):
                logs.setdefault(name, []).append(log(base / min(median(own), limit)))
                unsolved[name] = unsolved.get(name, 0) + (not isfinite(median(own)))
    for name, values in logs.items():
        table.add(name, len(values), unsolved[name], exp(float(np.mean(values))),
                  *_interval(values))
    return table


def _interval(values: Sequence[float]) -> tuple[float | None, float | None]:
    """Percentile bootstrap over instances of a geometric mean, from logarithms."""
    if len(values) < 5:
        return None, None
    rng = np.random.default_rng(0)
    means = rng.choice(np.array(values), (_RESAMPLES, len(values))).mean(axis=1)
    tail = 50.0 * (1.0 - _CONFIDENCE)
    low, high = np.percentile(means, (tail, 100.0 - tail))
    return exp(low), exp(high)
