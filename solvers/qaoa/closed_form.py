"""The energy of one QAOA layer in closed form, for any fields and couplings and any size."""

import numpy as np
from numpy.typing import NDArray

from .ansatz import Cost


class SingleLayer:
    """Expectation of the normalised cost after one layer (Ozaeta et al., arXiv 2012.03421).

    Parameters
    ----------
    cost : Cost
    """

    def __init__(self, cost: Cost) -> None:
        self._h, self._couplings = cost.ising.h, cost.couplings()
        self._row, self._col, self._J = cost.ising.row, cost.ising.col, cost.ising.J

    def value(self, gamma: float, beta: float) -> float:
        """Expectation at one pair of angles."""
        return float(self.values(gamma, np.array([beta]))[0])

    def values(self, gamma: float, betas: NDArray[np.float64]) -> NDArray[np.float64]:
        """Expectations at one phase angle and many mixer angles, shape of `betas`."""
        field, single, double = self._coefficients(gamma)
        return np.asarray(
            np.sin(2.0 * betas) * field
            + 0.5 * np.sin(4.0 * betas) * single
            - 0.5 * np.sin(2.0 * betas) ** 2 * double
        )

    def _coefficients(self, gamma: float) -> tuple[float, float, float]:
        """What multiplies sin 2b, sin(4b)/2 and -sin^2(2b)/2: sums over spins and pairs."""
        h, row, col, J = self._h, self._row, self._col, self._J
        cosines = np.cos(2.0 * gamma * self._couplings)
        field = float(np.sum(h * np.sin(2.0 * gamma * h) * cosines.prod(axis=1)))
        if not len(J):
            return field, 0.0, 0.0
        pairs = np.arange(len(J))

        def product(angles: NDArray[np.float64]) -> NDArray[np.float64]:
            """Product of cosines over all spins but the two of the pair."""
            factors = np.cos(2.0 * gamma * angles)
            factors[pairs, row] = 1.0
            factors[pairs, col] = 1.0
            return np.asarray(factors.prod(axis=1))

        first, second = self._couplings[row], self._couplings[col]
        single = J * np.sin(2.0 * gamma * J) * (
            np.cos(2.0 * gamma * h[row]) * product(first)
            + np.cos(2.0 * gamma * h[col]) * product(second)
        )
        double = J * (
            np.cos(2.0 * gamma * (h[row] + h[col])) * product(first + second)
            - np.cos(2.0 * gamma * (h[row] - h[col])) * product(first - second)
        )
        return field, float(single.sum()), float(double.sum())
