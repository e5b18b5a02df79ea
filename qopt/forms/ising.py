"""The Ising model: the same function as a QUBO, over spins."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Ising:
    """Minimise ``offset + sum_i h_i z_i + sum_e J_e z_row[e] z_col[e]`` over ``z`` in {-1, +1}.

    Spin ``z = 1 - 2 x`` belongs to bit ``x``: bit 0 is spin +1, the +1 eigenstate of Pauli Z, as
    in qiskit. (dimod uses ``s = 2 x - 1``, the opposite sign.)

    Parameters
    ----------
    h : ndarray of float64, shape (n,)
        Fields.
    row, col : ndarray of int64, shape (m,)
        Coupled pairs, ``row < col``, sorted by (row, col), without repeats.
    J : ndarray of float64, shape (m,)
        Couplings.
    offset : float
        Constant.
    """

    h: NDArray[np.float64] = field(repr=False)
    row: NDArray[np.int64] = field(repr=False)
    col: NDArray[np.int64] = field(repr=False)
    J: NDArray[np.float64] = field(repr=False)
    offset: float = 0.0

    @property
    def num_spins(self) -> int:
        """Number of spins."""
        return len(self.h)

    def energies(self, spins: NDArray[np.generic]) -> NDArray[np.float64]:
        """Energies of spin vectors, shape (samples, n) or (n,), as an array of shape (samples,)."""
        z = np.atleast_2d(np.asarray(spins, dtype=np.float64))
        return np.asarray(
            self.offset + z @ self.h + (z[:, self.row] * z[:, self.col]) @ self.J
        )
