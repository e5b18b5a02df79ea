"""What a portfolio is to be good at."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from qopt.errors import UsageError
from qopt.forms.program import Sense
from qopt.problem import Violation

from .moments import Benchmark

Aim = Literal["mean-variance", "min-variance", "max-sharpe", "tracking"]

FORMULAS: dict[str, str] = {
    "mean-variance": "risk * w'Sw - (1 - risk) * mu'w",
    "min-variance": "w'Sw",
    "max-sharpe": "(mu'w - risk_free) / sqrt(w'Sw)",
    "tracking": "variance of the return less the index's: w'Sw - 2 c'w + v",
}
"""With costs and cash, ``mu'w`` is the return net of costs and with that of the cash."""


_ROUNDING = 1e-14
"""Variance, as a share of what it would be without any cancelling, that is rounding."""


@dataclass(frozen=True, eq=False)
class Objective:
    """One of the aims, as a function of the variance and the expected return.

    Parameters
    ----------
    aim : {"mean-variance", "min-variance", "max-sharpe", "tracking"}
    risk : float
        Weight of the variance, 0 to 1; 1 but for "mean-variance".
    risk_free : float
        Return without risk that "max-sharpe" compares with.
    benchmark : Benchmark, optional
        The index of "tracking".
    """

    aim: Aim = "mean-variance"
    risk: float = 1.0
    risk_free: float = 0.0
    benchmark: Benchmark | None = None

    @property
    def sense(self) -> Sense:
        """A Sharpe ratio is to be large, all else small."""
        return "maximise" if self.aim == "max-sharpe" else "minimise"

    def variance(self, weights: NDArray[np.float64], covariance: NDArray[np.float64]) -> float:
        """Of the return, or, for tracking, of the return less the index's.

        One that is mere rounding is none: a Sharpe ratio would be divided by it.
        """
        found = float(weights @ covariance @ weights)
        if self.aim == "max-sharpe":
            size = float(np.abs(weights) @ np.abs(covariance) @ np.abs(weights))
            return found if found > _ROUNDING * size else 0.0
        if self.benchmark is not None:
            found += self.benchmark.variance - 2.0 * float(self.benchmark.covariance @ weights)
        return found

    def value(self, variance: float, expected_return: float) -> float:
        """The objective; a Sharpe ratio without variance counts as 0."""
        if self.aim == "max-sharpe":
            excess = expected_return - self.risk_free
            return excess / sqrt(variance) if variance > 0.0 else 0.0
        return self.risk * variance - (1.0 - self.risk) * expected_return

    def violations(self, variance: float) -> Iterator[Violation]:
        """A Sharpe ratio needs a risk to divide by."""
        if self.aim == "max-sharpe" and variance <= 0.0:
            yield Violation("the portfolio has no variance: its Sharpe ratio is undefined", 1.0)

    def describe(self) -> dict[str, Any]:
        """The settings for people."""
        facts: dict[str, Any] = {"objective": FORMULAS[self.aim]}
        if self.aim == "mean-variance":
            facts = {"risk": self.risk, **facts}
        if self.aim == "max-sharpe":
            facts = {**facts, "risk free": self.risk_free}
        if self.benchmark is not None:
            facts = {**facts, "index": self.benchmark.name}
        return facts


def objective_of(
    aim: Aim, risk: float | None, risk_free: float | None, benchmark: Benchmark | None
) -> Objective:
    """The objective that the settings of a portfolio ask for."""
    if aim not in FORMULAS:
        raise UsageError(f"objective={aim!r} is none of {', '.join(FORMULAS)}")
    if risk is not None and aim != "mean-variance":
        raise UsageError(f"risk goes with objective=mean-variance, not with {aim}")
    if aim == "tracking" and benchmark is None:
        raise UsageError("objective=tracking needs index: the name of the index's column")
    if risk is not None and not 0.0 <= risk <= 1.0:
        raise UsageError(
            f"risk={risk:g} is not between 0 (return alone) and 1 (variance alone)"
        )
    if risk_free is not None and not np.isfinite(risk_free):
        raise UsageError(f"risk_free={risk_free:g} is no return; it must be finite")
    weight = 1.0 if aim != "mean-variance" else 0.5 if risk is None else risk
    return Objective(aim, weight, risk_free or 0.0, benchmark if aim == "tracking" else None)


def quadratic_of(
    objective: Objective, covariance: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """``w'Aw + b'w + c``, the variance that the objective speaks of.

    That of the return, or, for tracking, that of the return less the index's.
    """
    index = objective.benchmark
    if index is None:
        return covariance, np.zeros(len(covariance)), 0.0
    return covariance, -2.0 * index.covariance, index.variance
