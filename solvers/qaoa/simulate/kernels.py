"""Compiled loops over amplitudes. Importing this module costs the import of numba."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

F = TypeVar("F", bound=Callable[..., Any])

_compiled: Callable[..., Callable[[F], F]] = njit  # numba's own decorator has no types

Amplitudes = NDArray[np.complex128]
Values = NDArray[np.float64]

_BLOCK = 12
"""Qubits whose butterflies are done block by block: 2**12 amplitudes stay in the first caches."""


@_compiled(cache=True, parallel=True)
def apply_phase(psi: Amplitudes, diagonal: Values, gamma: float) -> None:
    """``psi[k] *= exp(-i gamma diagonal[k])`` in place."""
    for k in prange(len(psi)):
        angle = gamma * diagonal[k]
        psi[k] *= complex(np.cos(angle), -np.sin(angle))


@_compiled(cache=True)
def _butterflies(part: Amplitudes, stride: int, c: float, s: float) -> None:
    for base in range(0, len(part), 2 * stride):
        for k in range(base, base + stride):
            a, b = part[k], part[k + stride]
            part[k] = complex(c * a.real + s * b.imag, c * a.imag - s * b.real)
            part[k + stride] = complex(c * b.real + s * a.imag, c * b.imag - s * a.real)


@_compiled(cache=True, parallel=True)
def apply_mixer(psi: Amplitudes, qubits: int, beta: float) -> None:
    """``exp(-i beta sum_i X_i) psi`` in place."""
    c, s = np.cos(beta), np.sin(beta)
    low = min(qubits, _BLOCK)
    size = 1 << low
    for block in prange(len(psi) >> low):
        part = psi[block * size : (block + 1) * size]
        for qubit in range(low):
            _butterflies(part, 1 << qubit, c, s)
    for qubit in range(low, qubits):
        stride = 1 << qubit
        for piece in prange((len(psi) >> 1) >> low):
            # The piece-th run of `size` pairs: insert a zero at the qubit's place.
            first = piece * size
            start = ((first >> qubit) << (qubit + 1)) | (first & (stride - 1))
            for k in range(start, start + size):
                a, b = psi[k], psi[k + stride]
                psi[k] = complex(c * a.real + s * b.imag, c * a.imag - s * b.real)
                psi[k + stride] = complex(c * b.real + s * a.imag, c * b.imag - s * a.real)


@_compiled(cache=True, parallel=True)
def probabilities(psi: Amplitudes) -> Values:
    """Squared moduli."""
    out = np.empty(len(psi))
    for k in prange(len(psi)):
        out[k] = psi[k].real ** 2 + psi[k].imag ** 2
    return out


@_compiled(cache=True, parallel=True)
def mixer_slope(left: Amplitudes, psi: Amplitudes, qubits: int) -> float:
    """Imaginary part of ``<left| sum_i X_i |psi>``."""
    total = 0.0
    for k in prange(len(psi)):
        real, imag = 0.0, 0.0
        for qubit in range(qubits):
            other = psi[k ^ (1 << qubit)]
            real += other.real
            imag += other.imag
        total += left[k].real * imag - left[k].imag * real
    return total


@_compiled(cache=True, parallel=True)
def phase_slope(left: Amplitudes, psi: Amplitudes, diagonal: Values) -> float:
    """Imaginary part of ``<left| C |psi>`` for a diagonal C."""
    total = 0.0
    for k in prange(len(psi)):
        total += diagonal[k] * (left[k].real * psi[k].imag - left[k].imag * psi[k].real)
    return total


def warm_up() -> None:
    """Compile (or load from numba's cache) everything in this module."""
    psi, values = np.ones(4, dtype=np.complex128), np.zeros(4)
    apply_phase(psi, values, 0.0)
    apply_mixer(psi, 2, 0.0)
    probabilities(psi)
    mixer_slope(psi, psi, 2)
    phase_slope(psi, psi, values)
