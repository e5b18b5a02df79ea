"""Compiled loops of the subspace simulator. Importing this module costs the import of numba.

The amplitudes are a flat complex array. Seen from one factor of the subspace, they are an array of
shape (blocks, states of the factor, stride), in C order. Each function works on a part of them and
frees Python's lock, so that the caller spreads the parts over threads of its own.
"""

from math import cos, sin
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...compiled import compiled

Amplitudes = NDArray[np.complexfloating[Any, Any]]
Table = NDArray[np.int32]


@compiled
def turn(
    ket: Amplitudes, costs: NDArray[np.float64], gamma: float, first: int, last: int
) -> None:
    """Multiply by ``exp(-i gamma C)``."""
    for k in range(first, last):
        x, c, s = ket[k], cos(gamma * costs[k]), sin(gamma * costs[k])
        ket[k] = complex(c * x.real + s * x.imag, c * x.imag - s * x.real)


@compiled
def turn_back(
    ket: Amplitudes, bra: Amplitudes, costs: NDArray[np.float64], gamma: float,
    first: int, last: int,
) -> float:
    """Undo `turn` on both; the imaginary part of ``<bra|C|ket>``."""
    slope = 0.0
    for k in range(first, last):
        x, y, c, s = ket[k], bra[k], cos(gamma * costs[k]), sin(gamma * costs[k])
        slope += costs[k] * (y.real * x.imag - y.imag * x.real)
        ket[k] = complex(c * x.real - s * x.imag, c * x.imag + s * x.real)
        bra[k] = complex(c * y.real - s * y.imag, c * y.imag + s * y.real)
    return slope


@compiled
def mean(
    ket: Amplitudes, costs: NDArray[np.float64], first: int, last: int
) -> float:
    """Sum of ``|amplitude|^2 C``."""
    energy = 0.0
    for k in range(first, last):
        x = ket[k]
        energy += costs[k] * (x.real * x.real + x.imag * x.imag)
    return energy


@compiled
def overlap(bra: Amplitudes, ket: Amplitudes, first: int, last: int) -> float:
    """The imaginary part of ``<bra|ket>``."""
    slope = 0.0
    for k in range(first, last):
        slope += bra[k].real * ket[k].imag - bra[k].imag * ket[k].real
    return slope


@compiled
def total(ket: Amplitudes, first: int, last: int) -> complex:
    """Sum of amplitudes."""
    re, im = 0.0, 0.0
    for k in range(first, last):
        re += ket[k].real
        im += ket[k].imag
    return complex(re, im)


@compiled
def shift(ket: Amplitudes, amount: complex, first: int, last: int) -> None:
    """Add the same to every amplitude."""
    for k in range(first, last):
        ket[k] += amount


@compiled
def rotate(
    ket: Amplitudes, pairs: Table, states: int, stride: int, span: int, c: float, s: float,
    first: int, last: int, share: int, shares: int,
) -> None:
    """Apply ``exp(-i beta X)`` to pairs of states of a factor, one step after the other.

    Works on tiles of `span` columns, all steps on one before the next; and on one of so many equal
    shares of the pairs of each step, which do not meet.
    """
    across = (stride + span - 1) // span
    begin, end = pairs.shape[2] * share // shares, pairs.shape[2] * (share + 1) // shares
    for tile in range(first, last):
        column = tile % across * span
        start = tile // across * states * stride + column
        width = min(span, stride - column)
        for step in range(pairs.shape[0]):
            for pair in range(begin, end):
                i = start + pairs[step, 0, pair] * stride
                j = start + pairs[step, 1, pair] * stride
                for k in range(width):
                    x, y = ket[i + k], ket[j + k]
                    ket[i + k] = complex(c * x.real + s * y.imag, c * x.imag - s * y.real)
                    ket[j + k] = complex(c * y.real + s * x.imag, c * y.imag - s * x.real)


@compiled
def rotate_back(
    ket: Amplitudes, bra: Amplitudes, pairs: Table, states: int, stride: int, span: int,
    c: float, s: float, first: int, last: int, share: int, shares: int,
) -> float:
    """Undo `rotate` on both; the sum over steps of the imaginary part of ``<bra|X|ket>``."""
    across = (stride + span - 1) // span
    begin, end = pairs.shape[2] * share // shares, pairs.shape[2] * (share + 1) // shares
    slope = 0.0
    for tile in range(first, last):
        column = tile % across * span
        start = tile // across * states * stride + column
        width = min(span, stride - column)
        for back in range(pairs.shape[0]):
            step = pairs.shape[0] - 1 - back
            for pair in range(begin, end):
                i = start + pairs[step, 0, pair] * stride
                j = start + pairs[step, 1, pair] * stride
                for k in range(width):
                    x, y, u, v = ket[i + k], ket[j + k], bra[i + k], bra[j + k]
                    slope += u.real * y.imag - u.imag * y.real + v.real * x.imag - v.imag * x.real
                    ket[i + k] = complex(c * x.real - s * y.imag, c * x.imag + s * y.real)
                    ket[j + k] = complex(c * y.real - s * x.imag, c * y.imag + s * x.real)
                    bra[i + k] = complex(c * u.real - s * v.imag, c * u.imag + s * v.real)
                    bra[j + k] = complex(c * v.real - s * u.imag, c * v.imag + s * u.real)
    return slope


@compiled
def gather(
    source: Amplitudes, target: Amplitudes, table: Table, states: int, stride: int,
    factor: complex, first: int, last: int,
) -> None:
    """Write ``target[r] = factor target[r] + sum_j source[table[r, j]]``, rows of all blocks.

    `states` counts the rows of a block of the source, `table` has a row for each of the target's.
    """
    rows, terms = table.shape
    for row in range(first, last):
        block, r = row // rows * states, row % rows
        if stride == 1:  # the sum stays in a register
            value = 0.0 * factor
            if factor != 0.0:  # the target may not be written yet
                value = factor * target[row]
            for j in range(terms):
                value += source[block + table[r, j]]
            target[row] = value
            continue
        base = row * stride
        for k in range(base, base + stride):
            target[k] = factor * target[k] if factor != 0.0 else 0.0 * factor
        for j in range(terms):
            start = (block + table[r, j]) * stride
            for k in range(stride):
                target[base + k] += source[start + k]
