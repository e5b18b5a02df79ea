"""From the present holdings to new ones: turnover and proportional costs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError, UnknownNameError, UsageError
from qopt.forms.program import TOLERANCE, tolerance
from qopt.problem import Violation

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trading:
    """The present weights, and what leaving them costs.

    Parameters
    ----------
    current : ndarray of float64, shape (n,)
        Present weight of each asset; what they lack to 1 is cash.
    cost : float
        Price of a unit of weight bought or sold.
    max_turnover : float, optional
        Largest one-way turnover, half the sum of ``|w - current|``.
    """

    current: Floats
    cost: float = 0.0
    max_turnover: float | None = None

    def traded(self, weights: Floats) -> float:
        """Weight bought and sold: the sum of ``|w - current|``."""
        return float(np.abs(weights - self.current).sum())

    def turnover(self, weights: Floats) -> float:
        """One-way turnover: half of what is bought and sold."""
        return 0.5 * self.traded(weights)

    def violations(self, weights: Floats) -> Iterator[Violation]:
        """Whether the turnover is too large."""
        limit = self.max_turnover
        if limit is not None and self.turnover(weights) > limit + tolerance(limit):
            turnover = self.turnover(weights)
            yield Violation(f"turnover {turnover:g} over the limit of {limit:g}", turnover - limit)

    def describe(self, assets: Sequence[str]) -> dict[str, Any]:
        """The settings for people."""
        held = {assets[i]: float(self.current[i]) for i in np.flatnonzero(self.current).tolist()}
        facts: dict[str, Any] = {"current": held}
        if self.cost:
            facts["cost"] = f"{self.cost:g} per unit of weight bought or sold, off the return"
        if self.max_turnover is not None:
            facts["max turnover"] = f"{self.max_turnover:g}, half the sum of |w - current|"
        return facts


def trading_of(
    assets: Sequence[str],
    current: Mapping[str, float] | None,
    cost: float | None,
    max_turnover: float | None,
) -> Trading | None:
    """The trading that the settings of a portfolio ask for, if any."""
    if current is None:
        for name, value in (("cost", cost), ("max_turnover", max_turnover)):
            if value is not None:
                raise UsageError(
                    f"{name} needs current: the present weights, a file asset,weight or a table"
                )
        return None
    if cost is None and max_turnover is None:
        raise UsageError("current without an effect: set max_turnover or cost")
    if cost is not None and not (isfinite(cost) and cost >= 0.0):
        raise UsageError(f"cost={cost:g} is no cost of trading; it is 0 or more")
    if max_turnover is not None and not (isfinite(max_turnover) and max_turnover >= 0.0):
        raise UsageError(f"max_turnover={max_turnover:g} is no turnover; it is 0 or more")
    return Trading(_weights(assets, current), cost or 0.0, max_turnover)


def _weights(assets: Sequence[str], current: Mapping[str, float]) -> Floats:
    weights = np.zeros(len(assets))
    for asset, weight in current.items():
        if asset not in assets:
            raise UnknownNameError("asset in current", asset, assets)
        if not (isfinite(weight) and weight >= 0.0):
            raise InputError(f"current weight of {asset} is {weight:g}; it is 0 or more")
        weights[list(assets).index(asset)] = weight
    if weights.sum() > 1.0 + TOLERANCE:
        raise InputError(
            f"the current weights sum to {weights.sum():g}; they are fractions of the portfolio "
            "and sum to 1 at most"
        )
    return weights
