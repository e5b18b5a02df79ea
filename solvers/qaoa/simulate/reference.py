"""The yardstick of every simulator: QAOA written as in the textbook, for small n."""

import numpy as np
from numpy.typing import NDArray

from qopt.forms import Qubo

from ..ansatz import Angles, Ansatz, Cost, TermAngles
from ..mixers import complete_pairs, ring_pairs

Matrix = NDArray[np.complex128]

_PAULI = {
    "I": np.eye(2, dtype=np.complex128),
    "X": np.array([[0, 1], [1, 0]], dtype=np.complex128),
    "Y": np.array([[0, -1j], [1j, 0]], dtype=np.complex128),
    "Z": np.array([[1, 0], [0, -1]], dtype=np.complex128),
}


def diagonal(cost: Cost) -> NDArray[np.float64]:
    """Values of the normalised cost of all basis states, shape (2**n,)."""
    indices = np.arange(2**cost.qubits)
    bits = (indices[:, None] >> np.arange(cost.qubits)) & 1
    return cost.ising.energies(1 - 2 * bits)


def state(ansatz: Ansatz) -> NDArray[np.complex128]:
    """Amplitudes of the QAOA state, shape (2**n,)."""
    assert isinstance(ansatz.angles, Angles)
    return state_of_values(diagonal(ansatz.cost), ansatz.angles)


def state_of_values(values: NDArray[np.float64], angles: Angles) -> NDArray[np.complex128]:
    """Amplitudes of the QAOA state of any diagonal cost, both of shape (2**n,)."""
    n = len(values).bit_length() - 1
    psi = np.full(2**n, 2.0 ** (-n / 2), dtype=np.complex128)
    for gamma, beta in zip(angles.gammas, angles.betas, strict=True):
        psi = psi * np.exp(-1j * gamma * values)
        mixer = np.array(
            [[np.cos(beta), -1j * np.sin(beta)], [-1j * np.sin(beta), np.cos(beta)]]
        )
        for qubit in range(n):
            psi = _apply(mixer, psi, qubit)
    return psi


def product_state(
    cost: Cost, tilts: NDArray[np.float64], angles: Angles | TermAngles
) -> NDArray[np.complex128]:
    """Amplitudes of `product.ProductStatevector`, shape (2**n,)."""
    from scipy.linalg import expm

    ising, n = cost.ising, cost.qubits
    spins = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
    terms = np.hstack([ising.h * spins, ising.J * spins[:, ising.row] * spins[:, ising.col]])
    psi = np.ones(1, dtype=np.complex128)
    for tilt in tilts:
        psi = np.kron([np.cos(tilt / 2), np.sin(tilt / 2)], psi)
    for gammas, betas in zip(angles.gammas, angles.betas, strict=True):
        psi = psi * np.exp(-1j * terms @ np.broadcast_to(gammas, terms.shape[1]))
        for qubit, (tilt, beta) in enumerate(zip(tilts, np.broadcast_to(betas, n), strict=True)):
            generator = np.sin(tilt) * _PAULI["X"] + np.cos(tilt) * _PAULI["Z"]
            psi = _apply(expm(-1j * beta * generator), psi, qubit)
    return psi


def _apply(gate: Matrix, psi: NDArray[np.complex128], qubit: int) -> NDArray[np.complex128]:
    """A gate on one qubit."""
    n = len(psi).bit_length() - 1
    # C order: the last axis is bit 0.
    psi = np.moveaxis(psi.reshape([2] * n), n - 1 - qubit, 0)
    psi = np.tensordot(gate, psi, axes=1)
    return np.moveaxis(psi, 0, n - 1 - qubit).reshape(-1)


def keeps_groups(qubo: Qubo) -> NDArray[np.bool_]:
    """Which basis states keep every group, shape (2**n,)."""
    n = qubo.num_variables
    bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    return np.asarray(qubo.group_violations(bits) == 0)


def subspace_generators(qubo: Qubo, mixer: str) -> list[Matrix]:
    """The mixers of `subspace.Subspace` as matrices on all 2**n basis states.

    A layer's mixer is the product of ``exp(-i beta G)``, the first of the list applied first.
    """
    n = qubo.num_variables
    if mixer == "grover":
        start = keeps_groups(qubo).astype(np.complex128)
        return [np.outer(start, start) / start.sum()]
    found: list[Matrix] = []
    for group in qubo.groups:
        size = len(group.members)
        order = ring_pairs(size) if mixer == "ring" else complete_pairs(size)
        swaps = [_hop(n, group.members[i], group.members[j]) for i, j in order]
        found += [sum(swaps, _operator(n, {}) * 0.0)] if mixer == "johnson" else swaps
    free = set(range(n)).difference(*(group.members for group in qubo.groups))
    return found + [_operator(n, {i: "X"}) for i in sorted(free)]


def subspace_state(
    qubo: Qubo, mixer: str, angles: Angles, costs: NDArray[np.float64]
) -> NDArray[np.complex128]:
    """Amplitudes of `subspace.Subspace` on all basis states, shape (2**n,).

    Parameters
    ----------
    costs : ndarray of float64, shape (2**n,)
        The normalised cost of every basis state.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.linalg import expm_multiply

    generators = [csr_array(generator) for generator in subspace_generators(qubo, mixer)]
    psi = keeps_groups(qubo).astype(np.complex128)
    psi /= np.linalg.norm(psi)
    for gamma, beta in zip(angles.gammas, angles.betas, strict=True):
        psi = psi * np.exp(-1j * gamma * costs)
        for generator in generators:
            psi = expm_multiply(-1j * beta * generator, psi, traceA=-1j * beta * generator.trace())
    return psi


def _hop(n: int, i: int, j: int) -> Matrix:
    """``(X_i X_j + Y_i Y_j) / 2``."""
    return (_operator(n, {i: "X", j: "X"}) + _operator(n, {i: "Y", j: "Y"})) / 2.0


def _operator(n: int, paulis: dict[int, str]) -> Matrix:
    """A product of Pauli operators, qubit 0 the last factor of the Kronecker product."""
    out = np.eye(1, dtype=np.complex128)
    for i in range(n):
        out = np.asarray(np.kron(_PAULI[paulis.get(i, "I")], out), dtype=np.complex128)
    return out
