"""The noiseless simulator: 2**n amplitudes, the cost as a diagonal."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import SizeError

from ..ansatz import Angles, Cost
from ..objective import Objective

Amplitudes = NDArray[np.complex128]

MOST_QUBITS = 26
"""Largest register taken, whatever the memory: beyond it a single layer takes minutes."""

BYTES_AN_AMPLITUDE = 16 + 16 + 3 * 8
"""State, adjoint state, diagonal, probabilities and one temporary."""

REMEDY = "take a smaller instance or, for vehicle routes, fewer columns (lower.columns=16)"
"""What fits where a register does not."""


def check_size(qubits: int) -> None:
    """Refuse a register that does not fit.

    Raises
    ------
    SizeError
        With the limit and the memory needed.
    """
    fits = int(np.log2(max(2.0, _free_memory() / BYTES_AN_AMPLITUDE)))
    limit = min(MOST_QUBITS, fits)
    if qubits > limit:
        need = 2.0 ** min(qubits, 60) * BYTES_AN_AMPLITUDE / 2**30
        raise SizeError(
            "the QAOA statevector simulator", qubits, limit, "qubits",
            f"{qubits} would need {'more than ' * (qubits > 60)}{need:.3g} GiB; {REMEDY}",
        )


def _free_memory() -> float:
    """Bytes that this machine can still give; infinite where the system does not say."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return float(line.split()[1]) * 1024.0
    except OSError:
        pass
    return float("inf")


def diagonal(cost: Cost) -> NDArray[np.float64]:
    """Values of the normalised cost of all basis states, by doubling, shape (2**n,).

    Setting bit ``i`` turns spin ``i`` from +1 to -1, which adds ``-2 (h_i + sum_j J_ij z_j)``; that
    field is itself doubled up over the lower bits. All in all four additions an entry.
    """
    n, h, J = cost.qubits, cost.ising.h, cost.couplings()
    values = np.empty(2**n)
    values[0] = h.sum() + cost.ising.J.sum()
    field = np.empty(2 ** max(n - 1, 0))
    for i in range(n):
        field[0] = h[i] + J[i].sum()
        for j in range(i):
            half = 1 << j
            np.subtract(field[:half], 2.0 * J[i, j], out=field[half : 2 * half])
        half = 1 << i
        np.multiply(field[:half], -2.0, out=values[half : 2 * half])
        values[half : 2 * half] += values[:half]
    return values


class Statevector:
    """Simulates QAOA with the transverse-field mixer for one cost.

    Parameters
    ----------
    cost : Cost
    threads : int
        Threads of the loops over amplitudes.

    Raises
    ------
    SizeError
        Where the amplitudes do not fit.
    """

    def __init__(self, cost: Cost, threads: int = 1) -> None:
        check_size(cost.qubits)
        from . import kernels

        self._kernels = kernels
        self.qubits = cost.qubits
        self.diagonal = diagonal(cost)
        # Small registers are done before a second thread would start.
        self._threads = threads if self.qubits > kernels.BLOCK + 1 else 1
        self._pool = ThreadPoolExecutor(self._threads) if self._threads > 1 else None

    def state(self, angles: Angles) -> Amplitudes:
        """Amplitudes, shape (2**n,)."""
        psi = np.full(2**self.qubits, 2.0 ** (-self.qubits / 2), dtype=np.complex128)
        for gamma, beta in zip(angles.gammas, angles.betas, strict=True):
            self._phase(psi, gamma)
            self._mix(psi, beta)
        return psi

    def probabilities(self, angles: Angles) -> NDArray[np.float64]:
        """Probability of every basis state, shape (2**n,)."""
        return self._squares(self.state(angles))

    def value(self, angles: Angles, objective: Objective) -> float:
        """An objective of the normalised cost."""
        return objective.evaluate(self.probabilities(angles), self.diagonal)[0]

    def value_and_gradient(
        self, angles: Angles, objective: Objective
    ) -> tuple[float, NDArray[np.float64]]:
        """An objective and its derivatives by gammas and betas, by the adjoint method.

        The state runs backwards through the circuit beside ``C |state>``, one layer at a time, so
        the derivatives cost about three forward passes whatever their number
        (Jones and Gacon, arXiv 2009.02823).
        """
        kernels, p = self._kernels, angles.layers
        psi = self.state(angles)
        value, tilted = objective.evaluate(self._squares(psi), self.diagonal)
        left = tilted * psi
        gradient = np.empty(2 * p)
        for layer in reversed(range(p)):
            slopes = self._spread(
                len(psi), lambda a, b: kernels.mixer_slope(left, psi, self.qubits, a, b)
            )
            gradient[p + layer] = 2.0 * sum(slopes)
            for vector in (psi, left):
                self._mix(vector, -angles.betas[layer])
            slopes = self._spread(
                len(psi),
                lambda a, b: kernels.phase_slope(left[a:b], psi[a:b], self.diagonal[a:b]),
            )
            gradient[layer] = 2.0 * sum(slopes)
            for vector in (psi, left):
                self._phase(vector, -angles.gammas[layer])
        return value, gradient

    def _phase(self, psi: Amplitudes, gamma: float) -> None:
        self._spread(
            len(psi),
            lambda a, b: self._kernels.apply_phase(psi[a:b], self.diagonal[a:b], gamma),
        )

    def _mix(self, psi: Amplitudes, beta: float) -> None:
        c, s = float(np.cos(beta)), float(np.sin(beta))
        low = min(self.qubits, self._kernels.BLOCK)
        self._spread(
            len(psi) >> low,
            lambda a, b: self._kernels.mix_blocks(psi[a << low : b << low], low, c, s),
        )
        for qubit in range(low, self.qubits):
            self._mix_qubit(psi, qubit, 1 << low, c, s)

    def _mix_qubit(self, psi: Amplitudes, qubit: int, run: int, c: float, s: float) -> None:
        self._spread(
            len(psi) // (2 * run),
            lambda a, b: self._kernels.mix_qubit(psi, qubit, a, b, run, c, s),
        )

    def _squares(self, psi: Amplitudes) -> NDArray[np.float64]:
        out = np.empty(len(psi))
        self._spread(len(psi), lambda a, b: self._kernels.square(psi[a:b], out[a:b]))
        return out

    def _spread(self, count: int, work: Callable[[int, int], Any]) -> list[Any]:
        """Run `work` on equal parts of ``range(count)``, one a thread; the results in order."""
        if self._pool is None:
            return [work(0, count)]
        ends = [count * i // self._threads for i in range(self._threads + 1)]
        return list(self._pool.map(work, ends[:-1], ends[1:]))


def sample(
    probabilities: NDArray[np.float64], shots: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Basis states drawn by their probabilities, ascending, shape (shots,).

    Parameters
    ----------
    probabilities : ndarray of float64, shape (2**n,)
        Not negative; need not sum to one exactly.
    """
    reached = np.cumsum(probabilities)
    thresholds = np.sort(generator.random(shots)) * reached[-1]
    found = np.searchsorted(reached, thresholds, side="right")
    return np.asarray(np.minimum(found, len(reached) - 1), dtype=np.int64)


def top_states(probabilities: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """The most probable basis states, most probable first, shape (min(count, 2**n),)."""
    count = min(count, len(probabilities))
    best = np.argpartition(-probabilities, count - 1)[:count]
    return np.asarray(best[np.lexsort((best, -probabilities[best]))])


def to_bits(indices: NDArray[np.int64], qubits: int) -> NDArray[np.int8]:
    """Bits of basis-state indices, shape (len(indices), qubits); column ``i`` is bit ``i``."""
    return ((indices[:, None] >> np.arange(qubits)) & 1).astype(np.int8)
