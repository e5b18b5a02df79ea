"""The continuous long-only portfolio of Markowitz: what whole lots and few assets are measured by.

Weights are at least 0 and sum to 1; there is no other limit. Every portfolio that is fully invested
without short sales is among them, so their frontier bounds it.
"""

from dataclasses import dataclass, field
from functools import cached_property
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from qopt.convex import minimise_convex
from qopt.errors import InputError, SolverError

from .moments import Moments

Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ContinuousPoint:
    """A portfolio of continuous weights.

    Parameters
    ----------
    weights : ndarray of float64, shape (n,)
        At least 0, of sum 1.
    mean, variance : float
        In the unit of the moments.
    risk : float
        The weight of the variance, 0 to 1, for which it minimises ``risk * w'Sw - (1 - risk) *
        mu'w``: by this the frontier is traversed.
    """

    weights: Vector = field(repr=False)
    mean: float
    variance: float
    risk: float

    @property
    def volatility(self) -> float:
        """Square root of the variance."""
        return sqrt(self.variance)


class Markowitz:
    """Continuous long-only portfolios of some assets.

    Parameters
    ----------
    moments : Moments

    References
    ----------
    Markowitz, "Portfolio selection", Journal of Finance 7 (1952).
    """

    def __init__(self, moments: Moments) -> None:
        self.moments = moments
        n = len(moments)
        # The solver's tolerances are absolute: figures of the order of one keep their digits.
        self._spread = float(np.abs(moments.mean).max()) or 1.0
        self._scale = float(np.diagonal(moments.covariance).max()) or 1.0
        self._mean = moments.mean / self._spread
        self._covariance = _semidefinite(moments.covariance / self._scale)
        self._rows = np.vstack([np.ones(n), np.eye(n)])
        self._lower = np.concatenate([[1.0], np.zeros(n)])
        self._upper = np.concatenate([[1.0], np.full(n, np.inf)])

    def at_return(self, target: float) -> ContinuousPoint:
        """Least variance with an expected return of at least `target`.

        Raises
        ------
        InputError
            Where no asset returns so much.
        """
        most = float(self.moments.mean.max())
        if target > most + 1e-12 * self._spread:
            raise InputError(
                f"no portfolio returns {target:g}: the largest expected return is {most:g}"
            )
        wanted = min(target, most) / self._spread
        found = minimise_convex(
            self._covariance, np.zeros(len(self._mean)), np.vstack([self._rows, self._mean]),
            np.append(self._lower, wanted), np.append(self._upper, np.inf),
        )
        if found.verdict != "optimal":
            raise SolverError(f"the frontier at return {target:g} is {found.verdict}")
        # The multiplier is the slope of variance over return: where the objective touches.
        slope = max(0.0, -float(found.duals[-1])) * self._scale / self._spread
        return self._point(found.values, 1.0 / (1.0 + slope))

    def at_risk(self, risk: float) -> ContinuousPoint:
        """The minimiser of ``risk * w'Sw - (1 - risk) * mu'w``."""
        weight, reward = risk * self._scale, (1.0 - risk) * self._spread
        size = max(weight, reward)
        found = minimise_convex(
            weight / size * self._covariance, -reward / size * self._mean, self._rows,
            self._lower, self._upper,
        )
        if found.verdict != "optimal":
            raise SolverError(f"the continuous portfolio at risk={risk:g} is {found.verdict}")
        return self._point(found.values, risk)

    def tracking(self, covariance: Vector) -> ContinuousPoint:
        """The minimiser of ``w'Sw - 2 covariance'w``: the nearest to an index.

        Parameters
        ----------
        covariance : ndarray of float64, shape (n,)
            Covariance of each asset's return with the index's.
        """
        found = minimise_convex(
            self._covariance, -2.0 * covariance / self._scale, self._rows, self._lower, self._upper
        )
        if found.verdict != "optimal":
            raise SolverError(f"the continuous tracking portfolio is {found.verdict}")
        return self._point(found.values, 1.0)

    def largest_sharpe(self, risk_free: float) -> ContinuousPoint | None:
        """The portfolio of the largest Sharpe ratio; None where no asset returns more than that.

        References
        ----------
        Tobin's homogenisation: the least variance of ``y >= 0`` with an excess return of 1, scaled
        to sum 1; Cornuejols and Tutuncu, "Optimization methods in finance" (2006), section 8.2.
        """
        excess = self.moments.mean - risk_free
        size = float(np.abs(excess).max())
        if excess.max() <= 1e-12 * self._spread:
            return None
        n = len(excess)
        found = minimise_convex(
            self._covariance, np.zeros(n), np.vstack([excess / size, np.eye(n)]),
            np.concatenate([[1.0], np.zeros(n)]), np.concatenate([[1.0], np.full(n, np.inf)]),
        )
        if found.verdict != "optimal":
            raise SolverError(f"the continuous portfolio of the best ratio is {found.verdict}")
        weights = np.maximum(found.values, 0.0)
        return self._point(weights / weights.sum(), 1.0)

    @cached_property
    def least_risk(self) -> ContinuousPoint:
        """The portfolio of least variance."""
        return self.at_risk(1.0)

    def curve(self, points: int) -> list[ContinuousPoint]:
        """The frontier at evenly spaced expected returns, from the least risk to the most return.

        Parameters
        ----------
        points : int
            At least 2.
        """
        lowest, highest = self.least_risk.mean, float(self.moments.mean.max())
        targets = np.linspace(lowest, highest, points)[1:-1]
        # At the far end the multiplier is not unique: there the return alone decides.
        return [self.least_risk, *map(self.at_return, targets.tolist()), self._most_return()]

    def _most_return(self) -> ContinuousPoint:
        """Of the portfolios of the largest return the one of least variance."""
        point = self.at_return(float(self.moments.mean.max()))
        return ContinuousPoint(point.weights, point.mean, point.variance, 0.0)

    def _point(self, values: Vector, risk: float) -> ContinuousPoint:
        weights = np.where(values > 1e-9, values, 0.0)
        weights /= weights.sum()
        mean = float(self.moments.mean @ weights)
        variance = max(0.0, float(weights @ self.moments.covariance @ weights))
        return ContinuousPoint(weights, mean, variance, risk)


def _semidefinite(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix without its negative eigenvalues, which are rounding (see `Moments`)."""
    values, vectors = np.linalg.eigh(matrix)
    if values[0] >= 0.0:
        return matrix
    mended = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return np.asarray(0.5 * (mended + mended.T))
