"""Estimators of mean and covariance: sample, shrunk, exponentially weighted, and skfolio's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError, MissingPackageError, UnknownNameError, UsageError

ESTIMATORS = ("sample", "ledoit-wolf", "oas", "ewma", "skfolio:NAME")

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Estimate:
    """Mean, shape (n,), and covariance, shape (n, n), of returns per period, and how they came."""

    mean: Matrix
    covariance: Matrix
    facts: Mapping[str, Any] = field(default_factory=dict)


def estimate_moments(
    returns: Matrix, estimator: str = "sample", halflife: float | None = None
) -> Estimate:
    """Estimate mean and covariance.

    Parameters
    ----------
    returns : ndarray of float64, shape (periods, n)
        Two periods at least.
    estimator : str
        ``"sample"`` (divisor: observations less one), ``"ledoit-wolf"``, ``"oas"``, ``"ewma"``, or
        ``"skfolio:NAME"`` with the names of skfolio's estimators, joined by ``+``.
    halflife : float, optional
        With ewma: after so many periods a return counts half.

    Raises
    ------
    UnknownNameError
        For another name.
    UsageError
        For a halflife that is missing, cannot act or is not above 0.
    MissingPackageError
        Where skfolio is asked for and not installed.
    InputError
        Where the estimator cannot work on these returns.
    """
    if estimator == "ewma":
        if halflife is None:
            raise UsageError("estimator=ewma needs halflife=, the periods after which half counts")
        return exponential(returns, halflife)
    if halflife is not None:
        raise UsageError(f"halflife goes with estimator=ewma, not with estimator={estimator}")
    if estimator == "sample":
        mean = _mean(returns, np.full(len(returns), 1.0 / len(returns)), exact=True)
        return Estimate(mean, _scatter(returns - mean) / (len(returns) - 1))
    if estimator in ("ledoit-wolf", "oas"):
        return _shrunk(returns, estimator)
    if estimator.startswith("skfolio:"):
        return _of_skfolio(returns, estimator.partition(":")[2])
    raise UnknownNameError("estimator", estimator, ESTIMATORS)


def _mean(returns: Matrix, weights: Matrix, *, exact: bool = False) -> Matrix:
    """Weighted mean of rows; with equal weights the exact sum is divided once.

    Rows are added one after the other, and not by a matrix product, whose last digits depend on the
    processor: the same prices must be the same instance everywhere.
    """
    total = np.zeros(returns.shape[1])
    for row, weight in zip(returns, weights, strict=True):
        total += row if exact else weight * row
    return total / len(returns) if exact else total


def _scatter(deviations: Matrix, weights: Matrix | None = None) -> Matrix:
    """Weighted sum of outer products of rows, added one after the other as in `_mean`."""
    total = np.zeros((deviations.shape[1],) * 2)
    for t, row in enumerate(deviations):
        outer = np.multiply.outer(row, row)
        total += outer if weights is None else weights[t] * outer
    return total


def exponential(returns: Matrix, halflife: float) -> Estimate:
    """Exponentially weighted mean and covariance.

    The weight of a return that lies k periods back is ``0.5 ** (k / halflife)``, normalised to sum
    1. The covariance is about the weighted mean, divided by one less the sum of squared weights, so
    that equal weights give the sample covariance.

    References
    ----------
    J.P. Morgan and Reuters, "RiskMetrics: Technical document", 4th edition (1996), section 5.2; the
    bias correction is that of reliability weights, as in pandas' ``ewm(halflife=...).cov()``.
    """
    if not (isfinite(halflife) and halflife > 0.0):
        raise UsageError(f"halflife={halflife:g} is not above 0")
    age = np.arange(len(returns))[::-1]
    weights = 0.5 ** (age / halflife)
    weights = weights / weights.sum()
    effective = 1.0 / float((weights * weights).sum())
    if effective < 1.0 + 1e-6:
        raise InputError(
            f"halflife={halflife:g} leaves the weight of one return of {len(returns)}; it must be "
            "longer"
        )
    mean = _mean(returns, weights)
    covariance = _scatter(returns - mean, weights) / (1.0 - 1.0 / effective)
    facts = {
        "estimator": f"exponential weights, half after {halflife:g} periods",
        "effective observations": effective,
    }
    return Estimate(mean, covariance, facts)


def _shrunk(returns: Matrix, estimator: str) -> Estimate:
    """Sample mean, and covariance shrunk towards a multiple of the identity, by scikit-learn.

    References
    ----------
    Ledoit and Wolf, "A well-conditioned estimator for large-dimensional covariance matrices",
    Journal of Multivariate Analysis 88 (2004); Chen, Wiesel, Eldar and Hero, "Shrinkage algorithms
    for MMSE covariance estimation", IEEE Transactions on Signal Processing 58 (2010).
    """
    from sklearn.covariance import ledoit_wolf, oas

    _refuse_overflow(returns)
    covariance, shrinkage = (ledoit_wolf if estimator == "ledoit-wolf" else oas)(returns)
    mean = _mean(returns, np.full(len(returns), 1.0 / len(returns)), exact=True)
    title = "Ledoit-Wolf" if estimator == "ledoit-wolf" else "oracle approximating"
    facts = {
        "estimator": f"{title} shrinkage towards equal variances without correlation",
        "shrinkage": float(shrinkage),
    }
    return Estimate(mean, np.asarray(covariance), facts)


def _refuse_overflow(returns: Matrix) -> None:
    if not np.isfinite(returns).all():
        raise InputError("a return is not finite: prices differ too much from one date to the next")


# -- skfolio --------------------------------------------------------------------------------------


def _of_skfolio(returns: Matrix, names: str) -> Estimate:
    """Moments by estimators of skfolio with their own default parameters."""
    if find_spec("skfolio") is None:
        raise MissingPackageError(f"estimator=skfolio:{names}", ["skfolio"])
    prior = _prior(names)
    _refuse_overflow(returns)
    try:
        found, again = (prior.fit(returns).return_distribution_ for _ in range(2))
    except Exception as fault:  # whatever an estimator raises on returns that it cannot take
        text = f"{type(fault).__name__}: {fault}".splitlines()[0]
        raise InputError(f"estimator=skfolio:{names} fails on these returns: {text}") from None
    pairs = ((found.mu, again.mu), (found.covariance, again.covariance))
    if not all(np.array_equal(one, other) for one, other in pairs):
        raise UsageError(
            f"estimator=skfolio:{names} draws at random: the same file would be another instance "
            "every time; take one that does not"
        )
    facts: dict[str, Any] = {"estimator": f"skfolio {names}"}
    parameters = {
        key: getattr(value, "value", value)  # of an enumeration its text
        for key, value in prior.get_params(deep=True).items()
        if isinstance(value, bool | int | float | str)
    }
    facts["estimator parameters"] = parameters
    covariance = getattr(prior, "covariance_estimator_", None)
    shrinkage = getattr(covariance, "shrinkage_", None)
    if isinstance(shrinkage, float):
        facts["shrinkage"] = float(shrinkage)
    return Estimate(np.asarray(found.mu), np.asarray(found.covariance), facts)


def _prior(names: str) -> Any:
    """The prior estimator that the names ask for."""
    from skfolio import moments, prior

    parts: dict[str, Any] = {}
    for name in names.split("+"):
        made = _made(name, moments, prior)
        if isinstance(made, prior.BasePrior):
            role = "prior_estimator"
        elif isinstance(made, moments.BaseCovariance):
            role = "covariance_estimator"
        else:
            role = "mu_estimator"
        if role in parts or (parts and "prior_estimator" in {role, *parts}):
            raise UsageError(
                f"estimator=skfolio:{names} names two estimators of one thing; at most one of the "
                "covariance and one of the mean are joined by +"
            )
        parts[role] = made
    return parts.pop("prior_estimator", None) or prior.EmpiricalPrior(**parts)


def _made(name: str, *modules: Any) -> Any:
    moments, prior = modules
    bases = (moments.BaseCovariance, moments.BaseMu, prior.BasePrior)
    known = {
        each: found
        for module in modules for each in module.__all__
        if isinstance(found := getattr(module, each), type)
        and issubclass(found, bases) and found not in bases
    }
    if name not in known:
        raise UnknownNameError("estimator of skfolio", name, known)
    try:
        return known[name]()
    except TypeError as fault:
        raise UsageError(
            f"estimator=skfolio:{name} needs more than returns: {fault}"
        ) from None
