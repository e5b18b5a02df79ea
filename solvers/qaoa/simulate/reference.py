"""The yardstick of every simulator: QAOA written as in the textbook, for small n."""

import numpy as np
from numpy.typing import NDArray

from ..ansatz import Ansatz, Cost


def diagonal(cost: Cost) -> NDArray[np.float64]:
    """Values of the normalised cost of all basis states, shape (2**n,)."""
    indices = np.arange(2**cost.qubits)
    bits = (indices[:, None] >> np.arange(cost.qubits)) & 1
    return cost.ising.energies(1 - 2 * bits)


def state(ansatz: Ansatz) -> NDArray[np.complex128]:
    """Amplitudes of the QAOA state, shape (2**n,)."""
    cost, n = ansatz.cost, ansatz.cost.qubits
    values = diagonal(cost)
    psi = np.full(2**n, 2.0 ** (-n / 2), dtype=np.complex128)
    for gamma, beta in zip(ansatz.angles.gammas, ansatz.angles.betas, strict=True):
        psi = psi * np.exp(-1j * gamma * values)
        mixer = np.array(
            [[np.cos(beta), -1j * np.sin(beta)], [-1j * np.sin(beta), np.cos(beta)]]
        )
        for qubit in range(n):
            # C order: the last axis is bit 0.
            psi = np.moveaxis(psi.reshape([2] * n), n - 1 - qubit, 0)
            psi = np.tensordot(mixer, psi, axes=1)
            psi = np.moveaxis(psi, 0, n - 1 - qubit).reshape(-1)
    return psi
