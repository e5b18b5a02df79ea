"""Whole units for fractional quantities, for solvers that calculate with whole numbers."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, frexp, inf, isfinite, lcm

import numpy as np
from numpy.typing import NDArray

LARGEST = 2.0**50
"""Largest sum of sizes of whole coefficients: sums stay exact in double precision, with room."""

_MOST_DENOMINATOR = 10**6


def common_denominator(values: Iterable[float], largest: float = LARGEST) -> int | None:
    """The least whole number that makes every value whole, or None.

    A value counts as a fraction where the fraction with a denominator up to a million rounds to
    exactly that double: 0.1 is 1/10. Infinite values are left out.

    Parameters
    ----------
    values : iterable of float
    largest : float
        Sum of the sizes of the whole values that is still accepted.
    """
    sizes = [abs(float(v)) for v in values if isfinite(v)]
    total = sum(sizes)
    denominator = 1
    for size in set(sizes):
        fraction = as_fraction(size)
        if fraction is None:
            return None
        denominator = lcm(denominator, fraction.denominator)
        if denominator * total > largest:
            return None
    return denominator if denominator * total <= largest else None


def as_fraction(value: float) -> Fraction | None:
    """The fraction with a denominator up to a million that rounds to exactly `value`, or None."""
    if float(value).is_integer():
        return Fraction(int(value))
    fraction = Fraction(value).limit_denominator(_MOST_DENOMINATOR)
    return fraction if float(fraction) == value else None


def power_below(value: float) -> float:
    """The largest power of two that is at most `value`: scaling by it never rounds."""
    return float(2.0 ** (frexp(value)[1] - 1))


@dataclass(frozen=True)
class Measure:
    """Whole units of a quantity that adds up along a route, rounded so that limits are kept.

    Parameters
    ----------
    scale : float
        Whole units in one unit of the quantity.
    exact : bool
        Whether every stated value is a whole number of units.
    """

    scale: float
    exact: bool

    def amount(self, value: float) -> int:
        """An amount, rounded up where it has to be."""
        return round(value * self.scale) if self.exact else ceil(value * self.scale)

    def limit(self, value: float) -> int:
        """A finite limit, rounded down where it has to be."""
        return round(value * self.scale) if self.exact else floor(value * self.scale)

    def amounts(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """Many amounts."""
        scaled = values * self.scale
        return (np.rint(scaled) if self.exact else np.ceil(scaled)).astype(np.int64)


def measure(values: Iterable[float], reach: float, *, largest: float, finest: float) -> Measure:
    """Units in which all values are whole, or else fine ones.

    Parameters
    ----------
    values : iterable of float
        All amounts and limits; infinite ones are left out.
    reach : float
        Largest sum of amounts along a route.
    largest : float
        Largest `reach` in exact units.
    finest : float
        Scale where there are no exact units; the next lower power of two is taken.
    """
    denominator = common_denominator(values, inf)
    if denominator is not None and denominator * reach <= largest:
        return Measure(float(denominator), exact=True)
    return Measure(power_below(finest), exact=False)
