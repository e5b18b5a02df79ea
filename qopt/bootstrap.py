"""Resampling of time series: figures of dependent observations with intervals.

Pure functions; the draws come from a generator that the caller seeds.
"""

from dataclasses import dataclass
from math import ceil, isfinite, nan

import numpy as np
from numpy.typing import NDArray

from .errors import UsageError
from .stats import CONFIDENCE

RESAMPLES = 2000
"""Resampled series of an interval: a p-value is known to 1/2001."""


@dataclass(frozen=True)
class Estimated:
    """A figure of a series with its bootstrap interval.

    Parameters
    ----------
    value : float
    low, high : float
        Symmetric interval.
    p_value : float
        Two-sided, that the true figure is 0; not corrected for the number of comparisons.
    """

    value: float
    low: float
    high: float
    p_value: float


def default_block(length: int) -> float:
    """A mean block length: the cube root of the length of the series, rounded up.

    The rate at which the length grows in Politis and Romano (1994), section 4; its constant is 1.
    """
    return float(ceil(round(length ** (1.0 / 3.0), 9)))


def stationary_bootstrap(
    length: int, block: float, resamples: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Places of resampled series, shape (resamples, length).

    Blocks begin anywhere with equal probability, wrap around the end, and have geometric lengths
    of the mean `block`: the resampled series is stationary. A mean of 1 is the ordinary bootstrap.

    Parameters
    ----------
    length : int
        Of the series.
    block : float
        Mean block length in periods, from 1 to `length`.
    resamples : int
    rng : numpy.random.Generator

    References
    ----------
    Politis and Romano, "The stationary bootstrap", Journal of the American Statistical Association
    89 (1994).
    """
    if not 1.0 <= block <= length:
        raise UsageError(
            f"the mean block length of {length} periods lies between 1 and {length}, got {block:g}"
        )
    fresh = rng.integers(0, length, (resamples, length))
    begins = rng.random((resamples, length)) < 1.0 / block
    begins[:, 0] = True
    position = np.arange(length)
    last = np.maximum.accumulate(np.where(begins, position, 0), axis=1)
    start = np.take_along_axis(fresh, last, axis=1)
    return np.asarray((start + position - last) % length)


def estimated(
    value: float, resampled: NDArray[np.float64], confidence: float = CONFIDENCE
) -> Estimated:
    """A figure with the symmetric interval of its resampled values.

    The interval is ``value +- q`` with q the quantile of ``|resampled - value|``, and the p-value
    the share of resampled values that lie at least ``|value|`` from the value: the interval leaves
    0 out just where the p-value is below ``1 - confidence``. Both hold for long series; with a
    hundred periods the interval covers a little less than it says. Resampled values that are not
    finite count as far off; of a figure that has no value nothing is known.

    References
    ----------
    Hall, "On symmetric bootstrap confidence intervals", Journal of the Royal Statistical Society B
    50 (1988); for the p-value, Davison and Hinkley, "Bootstrap methods and their application"
    (1997), equation (4.11).
    """
    if not isfinite(value):
        return Estimated(nan, nan, nan, 1.0)
    away = np.sort(np.where(np.isfinite(resampled), np.abs(resampled - value), np.inf))
    place = min(len(away) - 1, ceil(confidence * (len(away) + 1)) - 1)
    reach = float(away[place])
    far = int((away >= abs(value)).sum())
    return Estimated(value, value - reach, value + reach, (1 + far) / (1 + len(away)))
