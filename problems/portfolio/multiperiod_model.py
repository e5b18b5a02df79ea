"""The objective of a multi-period portfolio: whole coefficients from exact decimals."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError

Numbers = NDArray[np.int64]

UNIT = 100_000
"""What a unit of an asset is worth in the first period."""
CAPITAL = 10
"""Capital in units: cash of 1000000."""
MOST_CASH = 15
"""Largest cash in units: four binary digits."""
MOST_SPARE = 127
"""Largest budget left in units: seven binary digits."""
MOST_UNITS = 3
"""Most units of an asset held long, and held short."""
TRADING = Fraction(1, 1000)
INTEREST = Fraction(1, 10_000)
SHORT_FEE = Fraction(25, 1_000_000)

MOST = 2**40
"""Size of a coefficient beyond which sums of them are not exact in doubles."""


def rounded(value: Fraction) -> int:
    """The nearest whole number, half away from zero, as ZIMPL's ``round``."""
    whole = floor(abs(value) + Fraction(1, 2))
    return whole if value >= 0 else -whole


@dataclass(frozen=True, eq=False)
class Coefficients:
    """Whole coefficients; a holding is an asset held long or short, in this order for each asset.

    Parameters
    ----------
    risk : ndarray of int64, shape (periods, 2 n, 2 n)
        Of the ordered pairs of holdings in a period.
    gain : ndarray of int64, shape (periods, 2 n)
        What a unit gains to the next period; 0 in the last.
    trade : ndarray of int64, shape (periods, 2 n)
        Cost of trading a unit.
    fee : ndarray of int64, shape (periods, 2 n)
        Fee on a unit held short.
    interest : int
        On a unit of cash. Cash is counted in binary digits, each with a rounded coefficient; those
        of a unit of 100000 at 0.01 % are whole already, so that their sum is this times the units.
    """

    risk: Numbers
    gain: Numbers
    trade: Numbers
    fee: Numbers
    interest: int

    @property
    def periods(self) -> int:
        """Number of periods."""
        return len(self.gain)

    def parts(self, held: Numbers) -> dict[str, int]:
        """What the objective of holdings of shape (periods, n, 2) is the sum of."""
        u = held.reshape(self.periods, -1)
        change = np.abs(np.diff(u, axis=0))
        # Between the last period but one and the last nothing is charged.
        trading = (
            int(self.trade[0] @ u[0]) + int((self.trade[1:-1] * change[:-1]).sum())
            + int(self.trade[-1] @ u[-1])
        )
        cash = CAPITAL * self.periods - int(u[:, 0::2].sum() - u[:, 1::2].sum())
        return {
            "risk": int(np.einsum("ti,tij,tj->", u, self.risk, u)),
            "gains": -int((self.gain * u).sum()),
            "trading costs": trading,
            "fees on short holdings": int((self.fee * u).sum()),
            "interest on cash": -self.interest * cash,
        }

    def linear(self) -> Numbers:
        """Linear coefficients of the holdings, shape (periods, 2 n), but for changes.

        The interest on the capital itself is a constant: `constant`.
        """
        sign = np.tile([1, -1], self.gain.shape[1] // 2)
        total = -self.gain + self.fee + self.interest * sign
        total[0] += self.trade[0]
        total[-1] += self.trade[-1]
        return np.asarray(total)

    @property
    def constant(self) -> int:
        """Interest on the whole capital in every period, negative."""
        return -self.interest * CAPITAL * self.periods

    def last_period_is_empty(self) -> bool:
        """Whether holding nothing in the last period is better than anything else.

        It is coupled to no other period. With ``m`` the least eigenvalue of the risk, holdings
        ``u`` of at most 3 units cost at least ``linear'u + min(0, m) u'u``, and ``u'u <= 3 sum u``.
        """
        least = float(np.linalg.eigvalsh(self.risk[-1].astype(np.float64))[0])
        slack = 1e-9 * float(np.abs(self.risk[-1]).sum())
        return float(self.linear()[-1].min()) + MOST_UNITS * min(0.0, least - slack) > 0.0


def coefficients(
    prices: Sequence[Sequence[Fraction]],
    covariances: Sequence[Sequence[Sequence[Fraction]]],
    risk_aversion: Fraction,
) -> Coefficients:
    """Round the coefficients of the objective, computed exactly.

    Parameters
    ----------
    prices : by period and asset
    covariances : by period and two assets
    risk_aversion : Fraction

    Raises
    ------
    InputError
        Where one is too large to be added up exactly.
    """
    value = [[price / first * UNIT for price, first in zip(row, prices[0], strict=True)]
             for row in prices]
    periods, n = len(value), len(value[0])
    risk = np.zeros((periods, 2 * n, 2 * n), dtype=np.int64)
    gain, trade, fee = (np.zeros((periods, 2 * n), dtype=np.int64) for _ in range(3))
    signs = np.multiply.outer([1, -1], [1, -1])
    for t, row in enumerate(value):
        for i in range(n):
            both = slice(2 * i, 2 * i + 2)
            if t + 1 < periods:
                gain[t, both] = _checked(rounded(value[t + 1][i] - row[i])) * np.array([1, -1])
            trade[t, both] = _checked(rounded(TRADING * row[i]))
            fee[t, 2 * i + 1] = rounded(SHORT_FEE * row[i])
            for j in range(n) if risk_aversion else ():
                pair = rounded(risk_aversion * covariances[t][i][j] * row[i] * row[j])
                risk[t, both, 2 * j : 2 * j + 2] = _checked(pair) * signs
    return Coefficients(risk, gain, trade, fee, rounded(INTEREST * UNIT))


def _checked(value: int) -> int:
    if abs(value) > MOST:
        raise InputError(
            f"a coefficient of {float(value):.3g} is too large; prices or risk_aversion are out of "
            "proportion"
        )
    return value
