"""Moments from prices or returns: missing values, simple returns, and what is estimated of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError, UsageError
from qopt.numbers import plural

from ..formats.tabular import Quantity, Series
from .estimators import estimate_moments
from .history import History
from .moments import Moments

Missing = Literal["drop-dates", "forward-fill", "error"]


def estimate(
    series: Series,
    quantity: Quantity,
    *,
    missing: Missing,
    lookback: int | None,
    estimator: str = "sample",
    halflife: float | None = None,
) -> Moments:
    """Mean and covariance of simple returns, with the returns themselves as their history.

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
    estimator, halflife
        As in `estimators.estimate_moments`.

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
    returns = _returns(kept, quantity)
    if lookback is not None:
        if lookback > len(returns):
            raise InputError(
                f"lookback={lookback} asks for more than the {len(returns)} returns at hand"
            )
        returns = returns[-lookback:]
    history = History(
        kept.times[-len(returns) :], returns, estimator=estimator, halflife=halflife
    )
    return moments_of(series.assets, history, _facts(kept, quantity, returns), kept.notes)


def moments_of(
    assets: tuple[str, ...],
    history: History,
    facts: Mapping[str, Any] | None = None,
    notes: tuple[str, ...] = (),
) -> Moments:
    """Moments of returns that are at hand, per period, with these returns as their history.

    Parameters
    ----------
    assets : tuple of str
    history : History
        Two periods at least, and how to estimate.
    facts : mapping, optional
        More facts for people.
    notes : tuple of str
        What they should not miss.
    """
    returns = history.returns
    with np.errstate(over="ignore", invalid="ignore"):  # Moments refuses what is not finite
        found = estimate_moments(returns, history.estimator, history.halflife)
    about = dict(facts or {})
    if history.estimator == "sample" and len(returns) <= returns.shape[1]:
        about["note"] = (
            f"{len(returns)} returns of {returns.shape[1]} assets: the covariance has rank "
            f"{len(returns) - 1} at most, and some portfolios look free of risk; an estimator that "
            "shrinks (estimator=ledoit-wolf) mends that"
        )
        notes = (*notes, about["note"])
    return Moments(assets, found.mean, found.covariance, {**about, **found.facts}, history, notes)


def _returns(kept: "_Kept", quantity: Quantity) -> NDArray[np.float64]:
    """Simple returns from date to date; two at least."""
    returns = kept.values
    if quantity == "prices":
        with np.errstate(over="ignore"):  # Moments refuses what is not finite
            returns = kept.values[1:] / kept.values[:-1] - 1.0
    if len(returns) < 2:
        raise InputError(
            f"{plural(len(kept.times), 'date')} with {quantity} of every asset, at least "
            f"{3 if quantity == 'prices' else 2} are needed{kept.culprit}"
        )
    return returns


@dataclass(frozen=True)
class _Kept:
    """What is left of a series without gaps.

    `rule` says how, `culprit` who has most gaps, and `notes` what became of them if there were any.
    """

    times: tuple[str, ...]
    values: NDArray[np.float64]
    rule: str
    culprit: str
    notes: tuple[str, ...]


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
    notes = (f"missing values: {rule}",) if gaps.any() else ()
    return _Kept(times, filled[whole], rule, culprit, notes)


def _facts(kept: _Kept, quantity: Quantity, returns: NDArray[np.float64]) -> dict[str, Any]:
    periods = len(returns)
    span = kept.times[-periods - 1 :] if quantity == "prices" else kept.times[-periods:]
    facts: dict[str, Any] = {
        "observations": periods,
        "from": span[0],
        "to": span[-1],
        "returns": "simple, from one date to the next" if quantity == "prices" else "as given",
        "missing values": kept.rule,
    }
    return facts
