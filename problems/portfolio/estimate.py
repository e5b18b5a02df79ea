"""Moments from prices or returns: missing values, simple returns, sample mean and covariance."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError, UsageError
from qopt.numbers import plural

from ..formats.tabular import Quantity, Series
from .history import History
from .moments import Moments

Missing = Literal["drop-dates", "forward-fill", "error"]


def estimate(
    series: Series, quantity: Quantity, *, missing: Missing, lookback: int | None
) -> Moments:
    """Sample mean and covariance (divisor: observations less one) of simple returns.

    Parameters
    ----------
    series : Series
        Prices, or returns.
    quantity : {"prices", "returns"}
        Which of them.
    missing : {"drop-dates", "forward-fill", "error"}
        Leave out every date on which an asset has no value; or carry its last price forward (dates
        before an asset's first price are left out); or refuse.
    lookback : int, optional
        Only the last so many returns.

    Raises
    ------
    InputError
        Where fewer than two returns are left, or fewer than `lookback`, or a value is missing and
        that is refused.
    UsageError
        For a rule that does not fit.
    """
    if missing == "forward-fill" and quantity == "returns":
        raise UsageError(
            "missing=forward-fill carries prices forward and a return is none; use drop-dates"
        )
    if lookback is not None and lookback < 2:
        raise UsageError(f"lookback must be at least 2 returns, got {lookback}")
    kept = _without_gaps(series, quantity, missing)
    returns = kept.values
    if quantity == "prices":
        with np.errstate(over="ignore"):  # Moments refuses what is not finite
            returns = kept.values[1:] / kept.values[:-1] - 1.0
    if len(returns) < 2:
        raise InputError(
            f"{plural(len(kept.times), 'date')} with {quantity} of every asset, at least "
            f"{3 if quantity == 'prices' else 2} are needed{kept.culprit}"
        )
    if lookback is not None:
        if lookback > len(returns):
            raise InputError(
                f"lookback={lookback} asks for more than the {len(returns)} returns at hand"
            )
        returns = returns[-lookback:]
    with np.errstate(over="ignore", invalid="ignore"):
        mean, covariance = _sample_moments(returns)
    history = History(kept.times[-len(returns) :], returns)
    return Moments(series.assets, mean, covariance, _facts(kept, quantity, returns), history)


@dataclass(frozen=True)
class _Kept:
    """What is left of a series without gaps; `rule` says how, `culprit` who has most gaps."""

    times: tuple[str, ...]
    values: NDArray[np.float64]
    rule: str
    culprit: str


def _without_gaps(series: Series, quantity: Quantity, missing: Missing) -> _Kept:
    values = series.values
    gaps = np.isnan(values)
    culprit = ""
    if gaps.any():
        worst = int(gaps.sum(axis=0).argmax())
        culprit = (
            f": {series.assets[worst]} has no value on {int(gaps[:, worst].sum())} of "
            f"{plural(len(values), 'date')}; leave it out with assets=, or choose another rule "
            "with missing="
        )
        if missing == "error":
            t, i = np.argwhere(gaps)[0]
            raise InputError(
                f"{int(gaps.sum())} values are missing, the first of {series.assets[i]} on "
                f"{series.times[t]}; set missing=drop-dates or missing=forward-fill"
            )
    filled = values
    if missing == "forward-fill":
        last = np.maximum.accumulate(np.where(gaps, 0, np.arange(len(values))[:, None]), axis=0)
        filled = np.take_along_axis(values, last, axis=0)
    whole = np.isnan(filled).sum(axis=1) == 0
    dropped = len(values) - int(whole.sum())
    carried = int((gaps & ~np.isnan(filled)).sum())
    one = quantity.removesuffix("s")
    rule = {
        "drop-dates": f"dates without a {one} of every asset are left out: {dropped} of "
        f"{len(values)}",
        "forward-fill": f"the last price is carried forward: {plural(carried, 'value')} filled; "
        f"{plural(dropped, 'date')} before an asset's first price left out",
        "error": "refused; none is missing",
    }[missing]
    times = tuple(time for time, keep in zip(series.times, whole, strict=True) if keep)
    return _Kept(times, filled[whole], rule, culprit)


def _sample_moments(
    returns: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean, shape (n,), and covariance, shape (n, n), of rows.

    Rows are added one after the other, and not by a matrix product, whose last digits depend on the
    processor: the same prices must be the same instance everywhere.
    """
    periods, n = returns.shape
    total = np.zeros(n)
    for row in returns:
        total += row
    mean = total / periods
    covariance = np.zeros((n, n))
    for row in returns - mean:
        covariance += np.multiply.outer(row, row)
    return mean, covariance / (periods - 1)


def _facts(kept: _Kept, quantity: Quantity, returns: NDArray[np.float64]) -> dict[str, Any]:
    periods, n = returns.shape
    span = kept.times[-periods - 1 :] if quantity == "prices" else kept.times[-periods:]
    facts: dict[str, Any] = {
        "observations": periods,
        "from": span[0],
        "to": span[-1],
        "returns": "simple, from one date to the next" if quantity == "prices" else "as given",
        "missing values": kept.rule,
    }
    if periods <= n:
        facts["note"] = (
            f"{periods} returns of {n} assets: the covariance has rank {periods - 1} at most, and "
            "some portfolios look free of risk"
        )
    return facts
