"""Figures of return series: growth, volatility, Sharpe ratio, drawdown, and their differences.

Every figure of series takes an array of shape (..., periods) and gives one of shape (...).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from qopt.bootstrap import Estimated, estimated
from qopt.stats import CONFIDENCE, holm

Floats = NDArray[np.float64]
Figure = Callable[[Floats], Floats]
Verdict = Literal["better", "worse", "undecided", "the same portfolios"]

CONVENTIONAL = (365.0, 252.0, 52.0, 12.0, 4.0, 1.0)
"""Periods of a year: days, trading days, weeks, months, quarters, years."""


def periods_per_year(times: Sequence[str]) -> float | None:
    """How many periods a year has by their dates; None where they are no dates, or too few.

    The conventional number that is within a tenth of what is counted, or else what is counted.
    """
    try:
        first, last = (datetime.fromisoformat(times[i].replace("/", "-")) for i in (0, -1))
        days = (last - first) / timedelta(days=1)
    except (ValueError, TypeError, IndexError):
        return None
    if days < len(times) - 1 or len(times) < 3:
        return None
    counted = (len(times) - 1) * 365.25 / days
    nearest = min(CONVENTIONAL, key=lambda usual: abs(usual - counted))
    return nearest if abs(nearest - counted) <= 0.1 * nearest else round(counted, 1)


@dataclass(frozen=True)
class Calendar:
    """How figures are put on a year.

    Parameters
    ----------
    periods_per_year : float, optional
        None leaves them per period.
    risk_free : float
        Per period.
    """

    periods_per_year: float | None = None
    risk_free: float = 0.0

    @property
    def periods(self) -> float:
        """Periods of the unit."""
        return self.periods_per_year or 1.0

    def growth(self, returns: Floats) -> Floats:
        """Compound return."""
        with np.errstate(divide="ignore"):  # a loss of everything
            mean = np.log1p(np.maximum(returns, -1.0)).mean(axis=-1)
        return np.asarray(np.expm1(mean * self.periods))

    def volatility(self, returns: Floats) -> Floats:
        """Standard deviation, times the square root of the periods of a year."""
        return np.asarray(returns.std(axis=-1, ddof=1) * np.sqrt(self.periods))

    def sharpe(self, returns: Floats) -> Floats:
        """Mean excess return over standard deviation; NaN without any risk.

        References
        ----------
        Sharpe, "The Sharpe ratio", Journal of Portfolio Management 21 (1994).
        """
        deviation = returns.std(axis=-1, ddof=1)
        excess = returns.mean(axis=-1) - self.risk_free
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(deviation > 1e-15, excess / deviation, np.nan)
        return np.asarray(ratio * np.sqrt(self.periods))


def drawdown(returns: Floats) -> float:
    """Largest fall from a peak of wealth, as a share of the peak."""
    wealth = np.concatenate([[1.0], np.cumprod(1.0 + returns)])
    return float((1.0 - wealth / np.maximum.accumulate(wealth)).max())


def of_paths(figure: Figure, paths: Floats, places: NDArray[np.int64] | None = None) -> Floats:
    """Mean of a figure over paths, shape (paths, periods): one number, or one for each resample.

    Parameters
    ----------
    places : ndarray of int64, shape (resamples, periods), optional
        The same ones for every path and every strategy, so that differences are paired.
    """
    if places is None:
        return np.asarray(figure(paths).mean())
    total = np.zeros(len(places))
    for path in paths:
        total += figure(path[places])
    return total / len(paths)


@dataclass(frozen=True, eq=False)
class Measure:
    """A figure that strategies are compared in.

    Parameters
    ----------
    name : str
    figure : callable
    larger_is_better : bool
    paths : dict of str to ndarray of float64, shape (paths, periods)
        By strategy the series that it is taken of: returns, or returns less an index's.
    """

    name: str
    figure: Figure
    larger_is_better: bool
    paths: dict[str, Floats]

    def estimates(self, places: NDArray[np.int64]) -> dict[str, Estimated]:
        """By strategy the figure with its interval."""
        return {
            name: estimated(
                float(of_paths(self.figure, series)), of_paths(self.figure, series, places)
            )
            for name, series in self.paths.items()
        }


@dataclass(frozen=True)
class Difference:
    """A solver's figure less a baseline's.

    Parameters
    ----------
    solver, baseline, figure : str
    estimate : Estimated
        Of paired resamples.
    corrected : float
        P-value corrected over all comparisons of strategies that differ (Holm).
    verdict : {"better", "worse", "undecided", "the same portfolios"}
    """

    solver: str
    baseline: str
    figure: str
    estimate: Estimated
    corrected: float
    verdict: Verdict

    def to_json(self) -> dict[str, Any]:
        """The comparison as JSON values."""
        e = self.estimate
        return {
            "solver": self.solver, "baseline": self.baseline, "figure": self.figure,
            "difference": e.value, "low": e.low, "high": e.high, "p_value": e.p_value,
            "p_value_holm": self.corrected, "verdict": self.verdict,
        }


def differences(
    solvers: Sequence[str],
    baselines: Sequence[str],
    measures: Sequence[Measure],
    places: NDArray[np.int64],
) -> list[Difference]:
    """Every solver against every baseline in every measure, on paired resamples.

    Parameters
    ----------
    solvers, baselines : sequence of str
        Names in the paths of the measures.
    measures : sequence of Measure
    places : ndarray of int64, shape (resamples, periods)
    """
    found: list[tuple[str, str, Measure, Estimated]] = []
    for measure in measures:
        paths = {name: measure.paths[name] for name in (*solvers, *baselines)}
        values = {key: float(of_paths(measure.figure, each)) for key, each in paths.items()}
        drawn = {key: of_paths(measure.figure, each, places) for key, each in paths.items()}
        found += [
            (solver, baseline, measure,
             estimated(values[solver] - values[baseline], drawn[solver] - drawn[baseline]))
            for solver in solvers for baseline in baselines
        ]
    same = [_same(measure.paths[one], measure.paths[other]) for one, other, measure, _ in found]
    corrected = iter(holm([
        estimate.p_value for (*_, estimate), equal in zip(found, same, strict=True) if not equal
    ]))
    results = []
    for (solver, baseline, measure, estimate), equal in zip(found, same, strict=True):
        p = 1.0 if equal else next(corrected)
        verdict = "the same portfolios" if equal else (
            _verdict(estimate.value, measure.larger_is_better, p))
        results.append(Difference(solver, baseline, measure.name, estimate, p, verdict))
    return results


def _same(one: Floats, other: Floats) -> bool:
    """Whether two strategies earned the same in every period: they held the same."""
    return one.shape == other.shape and bool(np.abs(one - other).max() <= 1e-12)


def _verdict(difference: float, larger: bool, corrected: float) -> Verdict:
    if not corrected < 1.0 - CONFIDENCE:
        return "undecided"
    return "better" if (difference > 0.0) == larger else "worse"
