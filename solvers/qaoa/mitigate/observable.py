"""The energy that is estimated, shot by shot."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from qopt.forms import Ising, Qubo

from ..ansatz import Ansatz


@dataclass(frozen=True, eq=False)
class Observable:
    """The energy of the QUBO that a circuit was made for, as an Ising model.

    Groups that the circuit's mixer keeps have no penalties in it, others have.

    Parameters
    ----------
    ising : Ising
        The energy of spins z is ``offset + h z + z J z``; z is 1 for the bit 0.
    """

    ising: Ising = field(repr=False)

    @classmethod
    def of(cls, model: Qubo, ansatz: Ansatz) -> "Observable":
        """What the ansatz of a model minimises."""
        return cls((model if ansatz.groups else model.penalised()).to_ising())

    @property
    def mixed(self) -> float:
        """Its mean over all bit strings: what is left of it when noise has taken all."""
        return float(self.ising.offset)

    def values(self, bits: NDArray[np.int8]) -> NDArray[np.float64]:
        """Energy of every shot, shape (shots,)."""
        return self.at(1.0 - 2.0 * bits.astype(np.float64))

    def at(self, factors: NDArray[np.float64]) -> NDArray[np.float64]:
        """The energy with any numbers in place of the spins, shape (shots,)."""
        ising = self.ising
        pairs = (factors[:, ising.row] * factors[:, ising.col]) @ ising.J
        return np.asarray(ising.offset + factors @ ising.h + pairs)

    def slopes(self, factors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Derivatives of `at` by every factor, shape (shots, n)."""
        ising, n = self.ising, self.ising.num_spins
        couplings = np.zeros((n, n))
        np.add.at(couplings, (ising.row, ising.col), ising.J)
        return np.asarray(ising.h + factors @ (couplings + couplings.T))
