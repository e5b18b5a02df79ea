"""One QAOA layer in closed form, for any fields and couplings and any number of spins."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qopt.forms import Qubo

from .ansatz import Cost

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Correlations:
    """Means of one spin and of coupled pairs of spins after one layer, at one phase angle.

    At the mixer angle beta, ``<Z_i>`` is ``sin(2 beta) field[i]`` and ``<Z_i Z_j>`` of the pair e
    is ``sin(4 beta) / 2 single[e] - sin(2 beta)^2 / 2 double[e]``.

    Parameters
    ----------
    field : ndarray of float64, shape (n,)
    single, double : ndarray of float64, shape (m,)
        In the order of the cost's couplings.
    """

    field: Floats
    single: Floats
    double: Floats

    def at(self, beta: float) -> tuple[Floats, Floats]:
        """Means of the spins, shape (n,), and of the pairs, shape (m,)."""
        pairs = 0.5 * np.sin(4.0 * beta) * self.single - 0.5 * np.sin(2.0 * beta) ** 2 * self.double
        return np.sin(2.0 * beta) * self.field, pairs


class SingleLayer:
    """Expectation of the normalised cost after one layer (Ozaeta et al., arXiv 2012.03421).

    The time of an evaluation is that of going through the neighbours of both ends of every
    coupling: n^3 for dense costs, n for sparse ones.

    Parameters
    ----------
    cost : Cost
    """

    def __init__(self, cost: Cost) -> None:
        ising = cost.ising
        self._h, self._row, self._col, self._J = ising.h, ising.row, ising.col, ising.J
        ends, others = np.append(self._row, self._col), np.append(self._col, self._row)
        order = np.lexsort((others, ends))
        self._neighbours = others[order].astype(np.int64)
        self._weights = np.append(self._J, self._J)[order]
        counts = np.bincount(ends, minlength=cost.qubits)
        self._first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

    def value(self, gamma: float, beta: float) -> float:
        """Expectation at one pair of angles."""
        return float(self.values(gamma, np.array([beta]))[0])

    def values(self, gamma: float, betas: Floats) -> Floats:
        """Expectations at one phase angle and many mixer angles, shape of `betas`."""
        found = self.correlations(gamma)
        field = float(self._h @ found.field)
        single, double = float(self._J @ found.single), float(self._J @ found.double)
        return np.asarray(
            np.sin(2.0 * betas) * field
            + 0.5 * np.sin(4.0 * betas) * single
            - 0.5 * np.sin(2.0 * betas) ** 2 * double
        )

    def correlations(self, gamma: float) -> Correlations:
        """What the means of spins and of coupled pairs are made of, at one phase angle."""
        from . import closed_form_kernels as kernels

        h, J, row, col = self._h, self._J, self._row, self._col
        cosines, sines = np.cos(2.0 * gamma * self._weights), np.sin(2.0 * gamma * self._weights)
        spins, pairs = np.empty(len(h)), np.empty((len(J), 4))
        kernels.of_spins(self._first, cosines, spins)
        kernels.of_pairs(row, col, self._first, self._neighbours, cosines, sines, pairs)
        single = np.sin(2.0 * gamma * J) * (
            np.cos(2.0 * gamma * h[row]) * pairs[:, 0] + np.cos(2.0 * gamma * h[col]) * pairs[:, 1]
        )
        double = (
            np.cos(2.0 * gamma * (h[row] + h[col])) * pairs[:, 2]
            - np.cos(2.0 * gamma * (h[row] - h[col])) * pairs[:, 3]
        )
        return Correlations(np.sin(2.0 * gamma * h) * spins, single, double)


def warm_up() -> None:
    """Compile, or load from numba's cache, what `SingleLayer` runs."""
    SingleLayer(Cost.of(Qubo.from_arrays([0.0, 0.0], [0], [1], [1.0]))).value(0.1, 0.1)
