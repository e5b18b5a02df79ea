"""Compiled passes of the product-state simulator. Importing this module costs the import of numba.

The register is cut as in `kernels`: a pass works on the low qubits, whose amplitudes lie together,
or on the high ones, by tiles of some columns that are copied together for the while. A layer is two
passes: the phase with the mixers of the low qubits, then the mixers of the high ones.

Gates are tables of doubles, a row (a, z, x) a qubit, which stands for ``a - i (z Z + x X)``; axes
are tables with a row (s, c) a qubit for the generator ``s X + c Z``. Sums of slopes are kept as
vectors, a row a qubit, and added up in double precision after every tile.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...compiled import compiled
from .kernels import Part, bits, bring, fetch
from .lanes import (
    VECTOR_BYTES,
    add_slopes,
    add_slopes_within,
    fill,
    gather,
    rotate,
    rotate_within,
    scatter,
    slope_of_values,
    total,
    turn,
    turn_both,
    weigh,
)

Table = NDArray[np.float64]


@compiled
def start(
    re: Part, im: Part, of_low: Table, of_high: Table, low: int, first: int, last: int
) -> None:
    """The product of the amplitudes of the low qubits and those of the high ones."""
    for tile in range(first, last):
        base, factor = tile << low, of_high[tile]
        for k in range(len(of_low)):
            re[base + k] = factor * of_low[k]
            im[base + k] = 0.0


# -- forwards -----------------------------------------------------------------------------------


@compiled
def _sweep(
    re: Part, im: Part, base: int, size: int, bit: int, gates: Table, qubit: int, vectors: int
) -> None:
    """Rotate the bits by which `vectors` vectors differ, a constant, the lowest being `bit`."""
    width, stride = VECTOR_BYTES // re.itemsize, 1 << bit
    for block in range(base, base + size, vectors * stride):
        for k in range(block, block + stride, width):
            scatter(re, im, k, stride, rotate(gather(re, im, k, stride, vectors), gates, qubit))


@compiled
def _sweeps(
    re: Part, im: Part, base: int, first: int, last: int, gates: Table, qubit: int
) -> None:
    """Rotate the bits first to last - 1 of the ``2**last`` entries from base; three at a time.

    The bit `first` is that of `qubit`.
    """
    size, bit = 1 << last, first
    while last - bit >= 3 and last - bit != 4:
        _sweep(re, im, base, size, bit, gates, qubit + bit - first, 8)
        bit += 3
    while last - bit >= 2:
        _sweep(re, im, base, size, bit, gates, qubit + bit - first, 4)
        bit += 2
    if bit < last:
        _sweep(re, im, base, size, bit, gates, qubit + bit - first, 2)


@compiled
def forward_low(
    re: Part, im: Part, values: NDArray[Any], low: int, first: int, last: int, gamma: float,
    gates: Table,
) -> None:
    """The phase, then the mixers of the low qubits."""
    width = VECTOR_BYTES // re.itemsize
    size, inner = 1 << low, bits(width)
    g, one = fill(re, gamma), fill(re, 1.0)
    for tile in range(first, last):
        base = tile << low
        for k in range(base, base + size, 8 * width):
            x = turn(gather(re, im, k, width, 8), values, k, width, g, one)
            scatter(re, im, k, width, rotate(rotate_within(x, gates), gates, inner))
        _sweeps(re, im, base, inner + 3, low, gates, inner + 3)


@compiled
def forward_high(
    re: Part, im: Part, low: int, rows: int, span: int, first: int, last: int, gates: Table,
    own_re: Part, own_im: Part,
) -> None:
    """The mixers of the high qubits, tiles of `span` columns."""
    begin, end = bits(span), bits(rows * span)
    origin = 0 * rows  # a plain 0 would be a type of its own, and compiled for apart
    for tile in range(first, last):
        fetch(re, im, low, rows, tile * span, span, own_re, own_im)
        _sweeps(own_re, own_im, origin, begin, end, gates, low)
        bring(re, im, low, rows, tile * span, span, own_re, own_im)


@compiled
def mean(
    re: Part, im: Part, values: NDArray[Any], low: int, first: int, last: int
) -> float:
    """Sum of ``|amplitude|^2 value``."""
    width = VECTOR_BYTES // re.itemsize
    energy = 0.0
    for tile in range(first, last):
        base = tile << low
        sums = fill(re, 0.0)
        for k in range(base, base + (1 << low), 8 * width):
            sums = weigh(sums, gather(re, im, k, width, 8), values, k, width)
        energy += total(sums)
    return energy


# -- backwards ----------------------------------------------------------------------------------

# The state and the adjoint state ("bra") go back together. A generator commutes with all of its
# layer's mixers, so that its slope may be read at any time before its own qubit's rotation is
# undone, or after.


@compiled
def _back_sweep(
    re: Part, im: Part, bra_re: Part, bra_im: Part, base: int, size: int, bit: int, gates: Table,
    axes: Table, qubit: int, sums: Part, vectors: int,
) -> None:
    """Rotate the bits by which `vectors` vectors differ, and add their slopes."""
    width, stride = VECTOR_BYTES // re.itemsize, 1 << bit
    for block in range(base, base + size, vectors * stride):
        for k in range(block, block + stride, width):
            x = gather(re, im, k, stride, vectors)
            y = gather(bra_re, bra_im, k, stride, vectors)
            add_slopes(sums, y, x, axes, qubit)
            scatter(re, im, k, stride, rotate(x, gates, qubit))
            scatter(bra_re, bra_im, k, stride, rotate(y, gates, qubit))


@compiled
def _back_sweeps(
    re: Part, im: Part, bra_re: Part, bra_im: Part, base: int, first: int, last: int,
    gates: Table, axes: Table, qubit: int, sums: Part,
) -> None:
    """Rotate the bits first to last - 1 of both states, and add their slopes."""
    size, bit = 1 << last, first
    while last - bit >= 2:
        _back_sweep(
            re, im, bra_re, bra_im, base, size, bit, gates, axes, qubit + bit - first, sums, 4
        )
        bit += 2
    if bit < last:
        _back_sweep(
            re, im, bra_re, bra_im, base, size, bit, gates, axes, qubit + bit - first, sums, 2
        )


@compiled
def _flush(sums: Part, first: int, last: int, slopes: Table) -> None:
    """Add the sums of the qubits first to last - 1 up, and begin anew."""
    for qubit in range(first, last):
        for k in range(sums.shape[1]):
            slopes[qubit] += sums[qubit, k]
            sums[qubit, k] = 0.0


@compiled
def backward_high(
    re: Part, im: Part, bra_re: Part, bra_im: Part, low: int, rows: int, span: int, first: int,
    last: int, gates: Table, axes: Table, sums: Part, slopes: Table, own_re: Part, own_im: Part,
    own_bra_re: Part, own_bra_im: Part,
) -> None:
    """Undo the mixers of the high qubits; adds their slopes."""
    begin, end = bits(span), bits(rows * span)
    origin = 0 * rows
    for tile in range(first, last):
        column = tile * span
        fetch(re, im, low, rows, column, span, own_re, own_im)
        fetch(bra_re, bra_im, low, rows, column, span, own_bra_re, own_bra_im)
        _back_sweeps(
            own_re, own_im, own_bra_re, own_bra_im, origin, begin, end, gates, axes, low, sums
        )
        _flush(sums, low, low + bits(rows), slopes)
        bring(re, im, low, rows, column, span, own_re, own_im)
        bring(bra_re, bra_im, low, rows, column, span, own_bra_re, own_bra_im)


@compiled
def backward_low(
    re: Part, im: Part, bra_re: Part, bra_im: Part, values: NDArray[Any], low: int, first: int,
    last: int, gamma: float, gates: Table, axes: Table, sums: Part, slopes: Table,
) -> float:
    """Undo the mixers of the low qubits and the phase; adds their slopes, gives the phase's."""
    width = VECTOR_BYTES // re.itemsize
    size, inner = 1 << low, bits(width)
    g, one = fill(re, gamma), fill(re, 1.0)
    phase = 0.0
    for tile in range(first, last):
        base = tile << low
        _back_sweeps(
            re, im, bra_re, bra_im, base, inner + 2, low, gates, axes, inner + 2, sums
        )
        of_phase = fill(re, 0.0)
        for k in range(base, base + size, 4 * width):
            x = gather(re, im, k, width, 4)
            y = gather(bra_re, bra_im, k, width, 4)
            add_slopes_within(sums, y, x, axes)
            x, y = rotate_within(x, gates), rotate_within(y, gates)
            add_slopes(sums, y, x, axes, inner)
            x, y = rotate(x, gates, inner), rotate(y, gates, inner)
            of_phase = slope_of_values(of_phase, y, x, values, k, width)
            both = turn_both(x, y, values, k, width, g, one)
            scatter(re, im, k, width, both[:8])
            scatter(bra_re, bra_im, k, width, both[8:])
        phase += total(of_phase)
        _flush(sums, 0, low, slopes)
    return phase


@compiled
def _transform(values: Table) -> None:
    """The Walsh-Hadamard transform, in place: entry m is ``sum_k (-1)^popcount(k & m) value_k``."""
    half = len(values) >> 1
    while half:
        for block in range(0, len(values), 2 * half):
            for k in range(block, block + half):
                x, y = values[k], values[k + half]
                values[k], values[k + half] = x + y, x - y
        half >>= 1


@compiled
def add_moments(
    re: Part, im: Part, bra_re: Part, bra_im: Part, low: int, first: int, last: int,
    masks: NDArray[np.int64], sums: Table,
) -> None:
    """Add ``Im <bra| Z..Z |ket>`` to a sum for each mask of qubits; phases do not change it.

    Of each tile, all of them are entries of one transform; the high qubits give it a sign.
    """
    size = 1 << low
    own = np.empty(size)
    for tile in range(first, last):
        base = tile << low
        for k in range(size):
            own[k] = bra_re[base + k] * im[base + k] - bra_im[base + k] * re[base + k]
        _transform(own)
        for number in range(len(masks)):
            value, ones = own[masks[number] & (size - 1)], tile & (masks[number] >> low)
            while ones:
                value, ones = -value, ones & (ones - 1)
            sums[number] += value
