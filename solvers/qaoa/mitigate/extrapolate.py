"""From means at larger noise to that without any."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qopt.errors import UsageError

Extrapolation = Literal["linear", "exponential", "richardson"]


@dataclass(frozen=True)
class Extrapolated:
    """A value at no noise.

    Parameters
    ----------
    value : float
    standard_error : float, optional
        None where a mean's is unknown.
    weights : ndarray of float64, shape (means,)
        Derivatives of the value by the means.
    method : str
        What was fitted.
    """

    value: float
    standard_error: float | None
    weights: NDArray[np.float64] = field(repr=False)
    method: str


def extrapolate(
    factors: Sequence[float],
    means: Sequence[float],
    errors: Sequence[float | None],
    how: Extrapolation,
    asymptote: float = 0.0,
) -> Extrapolated:
    """The mean at factor 0, with its error bar.

    Parameters
    ----------
    factors : sequence of float
        Of the noise; at least two different ones.
    means : sequence of float
    errors : sequence of float or None
        Standard errors of the means, taken as independent.
    how : {"linear", "exponential", "richardson"}
        A line by weighted least squares; ``asymptote + b exp(-c factor)`` by weighted least
        squares on its logarithm; the polynomial through all means (Temme, Bravyi and Gambetta,
        Phys. Rev. Lett. 119, 180509, 2017).
    asymptote : float
        Where an exponential ends. Means on both sides of it have no exponential: a line is taken
        then, and told.

    Raises
    ------
    UsageError
        For fewer than two different factors, or factors that occur twice.
    """
    x, y = np.array(factors, dtype=np.float64), np.array(means, dtype=np.float64)
    if len(x) < 2 or len(np.unique(x)) < len(x):
        raise UsageError(
            f"an extrapolation needs at least two factors, all different, got {list(factors)}"
        )
    known = None if any(e is None for e in errors) else np.array(errors, dtype=np.float64)
    method = str(how)
    if how == "richardson":
        weights = _lagrange(x)
        value = float(weights @ y)
    elif how == "exponential" and _one_side(y - asymptote):
        value, weights = _exponential(x, y - asymptote, known)
        value += asymptote
    else:
        if how == "exponential":
            method = "linear, for the means lie on both sides of an exponential's end"
        weights = _line(x, known)
        value = float(weights @ y)
    error = None if known is None else float(np.sqrt(np.sum((weights * known) ** 2)))
    return Extrapolated(value, error, weights, method)


def _one_side(heights: NDArray[np.float64]) -> bool:
    return bool((heights > 0.0).all() or (heights < 0.0).all())


def _lagrange(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights of the polynomial through all points, at 0."""
    return np.array([
        np.prod([other / (other - own) for other in np.delete(x, i)]) for i, own in enumerate(x)
    ])


def _line(x: NDArray[np.float64], errors: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Weights of the least-squares line at 0."""
    trust = np.ones(len(x))
    if errors is not None and (errors > 0.0).all():
        trust = 1.0 / errors
    trust = trust / trust.max()
    design = np.stack([np.ones(len(x)), x], axis=1) * trust[:, None]
    return np.asarray(np.linalg.pinv(design)[0] * trust)


def _exponential(
    x: NDArray[np.float64], heights: NDArray[np.float64], errors: NDArray[np.float64] | None
) -> tuple[float, NDArray[np.float64]]:
    """Height at 0 of an exponential that ends in 0, and its derivatives by the heights.

    An error of a height is, in its logarithm, as large as it is relative to the height.
    """
    size = np.abs(heights)
    relative = (np.ones(len(x)) if errors is None or (errors <= 0.0).any() else errors) / size
    weights = _line(x, relative)
    value = float(np.sign(heights[0]) * np.exp(weights @ np.log(size)))
    return value, value * weights / heights
