"""The risk report of a portfolio: return, volatility, tail losses, diversification, turnover.

Losses are positive figures, fractions of the portfolio's value. A figure that has no value (the
Sharpe ratio of a portfolio without risk) is None.
"""

from collections.abc import Mapping, Sequence
from math import exp, floor, pi, sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import UsageError
from qopt.numbers import plural

from .moments import Benchmark, Moments

Vector = NDArray[np.float64]


def check_levels(levels: Sequence[float]) -> None:
    """Refuse confidence levels that are none.

    Raises
    ------
    UsageError
    """
    if not levels:
        raise UsageError("levels names none; give confidence levels such as 0.95 and 0.99")
    for level in levels:
        if not 0.5 <= level < 1.0:
            raise UsageError(
                f"levels: {level:g} is no confidence level of a loss; write a fraction from 0.5 to "
                "below 1, such as 0.95"
            )


# -- tail losses ----------------------------------------------------------------------------------


def historical_tail(returns: Vector, level: float) -> tuple[float, float]:
    """Value at risk and conditional value at risk of returns that are equally likely.

    The value at risk is the least loss that is exceeded with probability ``1 - level`` at most; the
    conditional one is the mean of the worst ``1 - level`` of the distribution, of whose border
    return it takes a part.

    Parameters
    ----------
    returns : ndarray of float64, shape (periods,)
        At least one.
    level : float
        From 0.5 to below 1.

    References
    ----------
    Rockafellar and Uryasev, "Conditional value-at-risk for general loss distributions", Journal of
    Banking & Finance 26 (2002), propositions 6 and 8.
    """
    losses = np.sort(0.0 - returns)[::-1]
    tail = (1.0 - level) * len(losses)
    whole = floor(tail + 1e-9)  # a tail of 5 of 100 returns may be a little less than 5 in doubles
    at_risk = float(losses[whole])
    beyond = float((losses[:whole] - at_risk).sum())
    return at_risk, at_risk + beyond / tail


def gaussian_tail(mean: float, deviation: float, level: float) -> tuple[float, float]:
    """Value at risk and conditional value at risk of a normally distributed return.

    ``-mean + deviation * z`` and ``-mean + deviation * density(z) / (1 - level)`` with z the normal
    quantile of the level.

    References
    ----------
    McNeil, Frey and Embrechts, "Quantitative Risk Management", revised edition (2015), section 2.3.
    """
    z = NormalDist().inv_cdf(level)
    density = exp(-0.5 * z * z) / sqrt(2.0 * pi)
    return -mean + deviation * z, -mean + deviation * density / (1.0 - level)


# -- spread ---------------------------------------------------------------------------------------


def effective_assets(weights: Vector) -> float | None:
    """How many assets of equal weight would be spread as much: one over the sum of squared weights.

    The weights are those of what is invested: cash beside the assets changes nothing.

    References
    ----------
    The reciprocal of the Herfindahl index; Woerheide and Persson, "An index of portfolio
    diversification", Financial Services Review 2 (1993).
    """
    squares = float(weights @ weights)
    return float(weights.sum()) ** 2 / squares if squares > 0.0 else None


def diversification_ratio(weights: Vector, covariance: NDArray[np.float64]) -> float | None:
    """Weighted mean of the assets' volatilities over the portfolio's volatility; 1 for one asset.

    References
    ----------
    Choueifaty and Coignard, "Toward maximum diversification", Journal of Portfolio Management 35
    (2008), equation (1).
    """
    variance = float(weights @ covariance @ weights)
    parts = float(weights @ np.sqrt(np.diagonal(covariance)))
    return parts / sqrt(variance) if variance > 0.0 else None


def turnover(weights: Vector, current: Vector) -> float:
    """Half the sum of the changes of weight: the share of the portfolio that changes hands."""
    return 0.5 * float(np.abs(weights - current).sum())


# -- the report -----------------------------------------------------------------------------------


def risk_report(
    weights: Vector,
    moments: Moments,
    *,
    periods_per_year: float | None = None,
    risk_free: float = 0.0,
    levels: Sequence[float] = (0.95, 0.99),
    cash_return: float = 0.0,
    current: Vector | None = None,
    cost: float = 0.0,
    benchmark: Benchmark | None = None,
    sectors: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Facts of a portfolio for people, before costs but where they say net.

    Parameters
    ----------
    weights : ndarray of float64, shape (n,)
        Share of each asset; what they lack to 1 is cash.
    moments : Moments
        Per year where `periods_per_year` is given, else per period of the data.
    periods_per_year : float, optional
    risk_free, cash_return : float
        Return without risk, and that of the cash, in the unit of the moments.
    levels : sequence of float
        Confidence levels of the tail losses.
    current : ndarray of float64, shape (n,), optional
        The weights held now: the turnover is told.
    cost : float
        Of a unit of weight bought or sold from `current`: what is paid is told, and what is left of
        the return and the Sharpe ratio over a year, or over a period where none is given.
    benchmark : Benchmark, optional
        An index: the tracking error and the portfolio's beta are told.
    sectors : mapping of str to str, optional
        The sector of each asset: their weights are told.

    Returns
    -------
    dict
        Returns scale with the number of periods, volatilities and Sharpe ratios with its square
        root, returns of different periods being independent.
    """
    periods = periods_per_year or 1.0
    cash = (1.0 - float(weights.sum())) * cash_return / periods
    mean = float(moments.mean @ weights) / periods + cash
    deviation = sqrt(max(0.0, float(weights @ moments.covariance @ weights) / periods))
    excess = mean - risk_free / periods
    sharpe = excess / deviation if deviation > 0.0 else None

    def spans(value: float | None, factor: float) -> dict[str, float | None]:
        found = {"per period": value}
        if periods_per_year is not None:
            found["per year"] = None if value is None else value * factor
        return found

    report: dict[str, Any] = {
        "expected return": spans(mean, periods),
        "volatility": spans(deviation, sqrt(periods)),
        "Sharpe ratio": {**spans(sharpe, sqrt(periods)), "risk-free return": risk_free},
        **_tails(weights, cash, moments, (mean, deviation), levels),
        "diversification": _spread(weights, moments),
    }
    if sectors is not None:
        report["sector weights"] = _by_sector(weights, moments.assets, sectors)
    if current is not None:
        report["turnover"] = turnover(weights, current)
    if current is not None and cost > 0.0:
        paid = 2.0 * cost * turnover(weights, current)
        net = mean * periods - paid
        ratio = (net - risk_free) / (deviation * sqrt(periods)) if deviation > 0.0 else None
        report["costs"] = {
            "paid": paid, "expected return net of them": net, "Sharpe ratio net of them": ratio,
            "unit": "per period" if periods_per_year is None else "per year",
        }
    if benchmark is not None:
        error = sqrt(max(0.0, _tracking_variance(weights, moments, benchmark) / periods))
        report["tracking error"] = {"index": benchmark.name, **spans(error, sqrt(periods))}
        if benchmark.variance > 0.0:
            beta = float(benchmark.covariance @ weights) / benchmark.variance
            report["tracking error"]["beta"] = beta
    return report


def _by_sector(
    weights: Vector, assets: Sequence[str], sectors: Mapping[str, str]
) -> dict[str, float]:
    """Weight of each sector, in the order of its first asset."""
    found: dict[str, float] = {}
    for asset, weight in zip(assets, weights.tolist(), strict=True):
        if asset in sectors:
            found[sectors[asset]] = found.get(sectors[asset], 0.0) + weight
    return found


def _tracking_variance(weights: Vector, moments: Moments, benchmark: Benchmark) -> float:
    """Variance of the portfolio's return less the index's."""
    own = float(weights @ moments.covariance @ weights)
    return own - 2.0 * float(benchmark.covariance @ weights) + benchmark.variance


def _tails(
    weights: Vector, cash: float, moments: Moments, gaussian: tuple[float, float],
    levels: Sequence[float],
) -> dict[str, Any]:
    """Tail losses over one period, and what they rest on."""
    history = moments.history
    if history is not None:
        returns = history.returns @ weights + cash
        pairs = [historical_tail(returns, level) for level in levels]
        basis = (
            f"historical: {plural(len(history), 'return')} with these weights in every period, one "
            "period ahead"
        )
    else:
        pairs = [gaussian_tail(*gaussian, level) for level in levels]
        basis = "Gaussian: a normal distribution of this mean and volatility, one period ahead"
    names = [f"{100.0 * level:g} %" for level in levels]
    return {
        "value at risk": {name: pair[0] for name, pair in zip(names, pairs, strict=True)},
        "conditional value at risk": {
            name: pair[1] for name, pair in zip(names, pairs, strict=True)
        },
        "tail losses": basis,
    }


def _spread(weights: Vector, moments: Moments) -> dict[str, Any]:
    largest = int(np.argmax(weights))
    return {
        "assets held": int((np.abs(weights) > 0.0).sum()),
        "effective assets": effective_assets(weights),
        "diversification ratio": diversification_ratio(weights, moments.covariance),
        "largest weight": float(weights[largest]),
        "largest asset": moments.assets[largest],
    }
