"""Expected returns and their covariance, checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError, UnknownNameError

from .history import History

TOLERANCE = 1e-6
"""Relative size up to which asymmetry, correlations beyond 1 and negative eigenvalues are rounding:
files round correlations to six digits."""


@dataclass(frozen=True, eq=False)
class Benchmark:
    """An index, and how the returns of some assets move with it.

    Parameters
    ----------
    name : str
    mean, variance : float
        Of the index's return, per period.
    covariance : ndarray of float64, shape (n,)
        Covariance of each asset's return with the index's.
    """

    name: str
    mean: float
    variance: float
    covariance: NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Moments:
    """Mean vector and covariance matrix of the returns of some assets.

    Parameters
    ----------
    assets : tuple of str
        Names, all different.
    mean : ndarray of float64, shape (n,)
        Expected simple return of each asset, per period.
    covariance : ndarray of float64, shape (n, n)
        Covariance of the returns, per period. It is made exactly symmetric.
    facts : mapping
        Where they come from, for people: observations, dates, treatment of missing values.
    history : History, optional
        The returns that they were estimated from, of the same assets; always per period of the
        data. It adds nothing to the moments, and so is no part of an instance's fingerprint.
    notes : tuple of str
        Sentences that whoever uses them should not miss: gaps in the data, too few of them.

    Raises
    ------
    InputError
        Where a number is not finite, a variance is negative, or the matrix is not symmetric or not
        positive semi-definite, beyond rounding.
    """

    assets: tuple[str, ...]
    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    facts: Mapping[str, Any] = field(default_factory=dict)
    history: History | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.assets)
        mean = np.array(self.mean, dtype=np.float64)
        covariance = np.array(self.covariance, dtype=np.float64)
        if n == 0:
            raise InputError("a portfolio needs at least one asset")
        if len(set(self.assets)) < n:
            twice = next(name for name in self.assets if self.assets.count(name) > 1)
            raise InputError(f"asset {twice} is given twice; names must be different")
        if mean.shape != (n,) or covariance.shape != (n, n):
            raise InputError(
                f"{n} assets need a mean of shape ({n},) and a covariance of shape ({n}, {n}), got "
                f"{mean.shape} and {covariance.shape}"
            )
        if self.history is not None and self.history.returns.shape[1] != n:
            raise InputError(
                f"{n} assets need a history of {n} columns, got {self.history.returns.shape[1]}"
            )
        _check_finite(self.assets, mean, covariance)
        _check_variances(self.assets, covariance)
        _check_symmetry(self.assets, covariance)
        covariance = 0.5 * (covariance + covariance.T)
        _check_correlations(self.assets, covariance)
        _check_semidefinite(covariance)
        mean.flags.writeable = covariance.flags.writeable = False
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "covariance", covariance)

    def __repr__(self) -> str:
        return f"Moments({len(self.assets)} assets)"

    def __len__(self) -> int:
        return len(self.assets)

    def take(self, index: Sequence[int]) -> "Moments":
        """The moments of some of the assets."""
        chosen = np.asarray(index, dtype=np.int64)
        return replace(
            self,
            assets=tuple(self.assets[i] for i in chosen),
            mean=self.mean[chosen],
            covariance=self.covariance[np.ix_(chosen, chosen)],
            history=None if self.history is None else self.history.take(index),
        )

    def split(self, index: str) -> tuple["Moments", Benchmark]:
        """The moments of all but one of the assets, and that one as an index.

        Raises
        ------
        UnknownNameError
            Where there is no such asset.
        """
        if index not in self.assets:
            raise UnknownNameError("index", index, self.assets)
        place = self.assets.index(index)
        others = [i for i in range(len(self)) if i != place]
        benchmark = Benchmark(
            index, float(self.mean[place]), float(self.covariance[place, place]),
            self.covariance[others, place],
        )
        history = None if self.history is None else self.history.split(place)
        return replace(self.take(others), history=history), benchmark

    def over(self, periods: float) -> "Moments":
        """The moments over so many periods, returns of different periods being independent."""
        return replace(self, mean=self.mean * periods, covariance=self.covariance * periods)


def _check_finite(
    assets: Sequence[str], mean: NDArray[np.float64], covariance: NDArray[np.float64]
) -> None:
    for i in np.flatnonzero(~np.isfinite(mean)).tolist():
        raise InputError(f"mean return of {assets[i]} is {mean[i]}; it must be finite")
    for i, j in np.argwhere(~np.isfinite(covariance)).tolist():
        raise InputError(
            f"covariance of {assets[i]} and {assets[j]} is {covariance[i, j]}; it must be finite"
        )


def _check_variances(assets: Sequence[str], covariance: NDArray[np.float64]) -> None:
    variance = np.diagonal(covariance)
    for i in np.flatnonzero(variance < 0.0).tolist():
        raise InputError(
            f"variance of {assets[i]} is {variance[i]:g}; a variance cannot be negative"
        )


def _scale(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """The largest size that each covariance can have."""
    deviation = np.sqrt(np.diagonal(covariance))
    return np.multiply.outer(deviation, deviation)


def _check_symmetry(assets: Sequence[str], covariance: NDArray[np.float64]) -> None:
    off = np.abs(covariance - covariance.T) - TOLERANCE * _scale(covariance)
    if off.max() > 0.0:
        i, j = divmod(int(off.argmax()), len(assets))
        raise InputError(
            f"the covariance is not symmetric: {assets[i]} and {assets[j]} have "
            f"{covariance[i, j]:g} and {covariance[j, i]:g}"
        )


def _check_correlations(assets: Sequence[str], covariance: NDArray[np.float64]) -> None:
    scale = _scale(covariance)
    beyond = np.abs(covariance) - (1.0 + TOLERANCE) * scale
    if beyond.max() > 0.0:
        i, j = divmod(int(beyond.argmax()), len(assets))
        raise InputError(
            f"covariance {covariance[i, j]:g} of {assets[i]} and {assets[j]} is beyond the product "
            f"{scale[i, j]:g} of their standard deviations: their correlation is not between -1 "
            "and 1"
        )


def _check_semidefinite(covariance: NDArray[np.float64]) -> None:
    eigenvalues = np.linalg.eigvalsh(covariance)
    least, largest = float(eigenvalues[0]), float(eigenvalues[-1])
    if least < -TOLERANCE * largest:
        raise InputError(
            f"the covariance is not positive semi-definite: its most negative eigenvalue is "
            f"{least:.3g} beside a largest of {largest:.3g}; adding {-1.01 * least:.3g} to every "
            "variance mends it, or estimate it from dates that all assets share"
        )
