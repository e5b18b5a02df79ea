"""Compiled loops over amplitudes. Importing this module costs the import of numba.

Each loop works on a part of the register and frees Python's lock, so that the caller spreads the
parts over threads of its own: numba's would not outlive a fork of the process.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

Amplitudes = NDArray[np.complex128]
Values = NDArray[np.float64]

F = TypeVar("F", bound=Callable[..., Any])

_compiled: Callable[..., Callable[[F], F]] = njit  # numba's own decorator has no types

BLOCK = 12
"""Qubits whose butterflies are done block by block: 2**12 amplitudes stay in the first caches."""


@_compiled(cache=True, nogil=True)
def apply_phase(psi: Amplitudes, diagonal: Values, gamma: float) -> None:
    """``psi[k] *= exp(-i gamma diagonal[k])`` in place."""
    for k in range(len(psi)):
        angle = gamma * diagonal[k]
        psi[k] *= complex(np.cos(angle), -np.sin(angle))


@_compiled(cache=True, nogil=True)
def _rotate(psi: Amplitudes, start: int, stop: int, stride: int, c: float, s: float) -> None:
    """``[[c, -i s], [-i s, c]]`` on the pairs (k, k + stride) for k from start to stop."""
    for k in range(start, stop):
        a, b = psi[k], psi[k + stride]
        psi[k] = complex(c * a.real + s * b.imag, c * a.imag - s * b.real)
        psi[k + stride] = complex(c * b.real + s * a.imag, c * b.imag - s * a.real)


@_compiled(cache=True, nogil=True)
def mix_blocks(psi: Amplitudes, qubits: int, c: float, s: float) -> None:
    """``exp(-i beta X)`` on the lowest `qubits` qubits, in place, block by block."""
    size = 1 << qubits
    for block in range(0, len(psi), size):
        for qubit in range(qubits):
            stride = 1 << qubit
            for start in range(block, block + size, 2 * stride):
                _rotate(psi, start, start + stride, stride, c, s)


@_compiled(cache=True, nogil=True)
def mix_qubit(
    psi: Amplitudes, qubit: int, first: int, last: int, length: int, c: float, s: float
) -> None:
    """``exp(-i beta X)`` on one qubit, in place, for the runs of pairs from first to last.

    The pairs are counted without the qubit's bit, and come in runs of `length`, a power of 2 that
    is at most ``2**qubit``.
    """
    stride = 1 << qubit
    for run in range(first, last):
        pair = run * length
        start = ((pair >> qubit) << (qubit + 1)) | (pair & (stride - 1))
        _rotate(psi, start, start + length, stride, c, s)


@_compiled(cache=True, nogil=True)
def square(psi: Amplitudes, out: Values) -> None:
    """Squared moduli."""
    for k in range(len(psi)):
        out[k] = psi[k].real ** 2 + psi[k].imag ** 2


@_compiled(cache=True, nogil=True)
def mixer_slope(left: Amplitudes, psi: Amplitudes, qubits: int, start: int, stop: int) -> float:
    """Imaginary part of ``<left| sum_i X_i |psi>``, the entries from start to stop of `left`."""
    total = 0.0
    for k in range(start, stop):
        real, imag = 0.0, 0.0
        for qubit in range(qubits):
            other = psi[k ^ (1 << qubit)]
            real += other.real
            imag += other.imag
        total += left[k].real * imag - left[k].imag * real
    return total


@_compiled(cache=True, nogil=True)
def phase_slope(left: Amplitudes, psi: Amplitudes, diagonal: Values) -> float:
    """Imaginary part of ``<left| C |psi>`` for a diagonal C."""
    total = 0.0
    for k in range(len(psi)):
        total += diagonal[k] * (left[k].real * psi[k].imag - left[k].imag * psi[k].real)
    return total


def warm_up() -> None:
    """Compile (or load from numba's cache) everything in this module."""
    psi, values = np.ones(4, dtype=np.complex128), np.zeros(4)
    apply_phase(psi, values, 0.0)
    mix_blocks(psi, 2, 1.0, 0.0)
    mix_qubit(psi, 1, 0, 1, 2, 1.0, 0.0)
    square(psi, values)
    mixer_slope(psi, psi, 2, 0, 4)
    phase_slope(psi, psi, values)
