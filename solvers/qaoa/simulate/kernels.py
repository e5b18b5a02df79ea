"""Compiled passes over the amplitudes. Importing this module costs the import of numba.

The register is cut in two: the low qubits, whose amplitudes lie together, and the high ones. A
*pass* works on one half, tile by tile, in the caches: the rest of a layer's mixer, the phase of the
next layer, and the first half of that layer's mixer, so that a circuit of p layers reads and writes
the amplitudes p + 1 times in all. Low tiles are blocks of ``2**low`` amplitudes; high tiles are
some columns of the matrix with ``2**low`` columns, copied together for the while.

Real and imaginary parts are arrays of their own. Mixers are in tangent form (see `lanes`), and each
phase carries the factor that makes up for it. Where ``|beta|`` exceeds a quarter of pi, the mixer
of half the angle is applied twice: a tangent never exceeds 1.

Each function works on some tiles and frees Python's lock, so that the caller spreads the tiles over
threads of its own: numba's would not outlive a fork of the process.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...compiled import compiled
from .lanes import (
    VECTOR_BYTES,
    fill,
    gather,
    mix,
    mix_within,
    scatter,
    slope,
    slope_of_values,
    slope_within,
    total,
    turn,
    turn_both,
    weigh,
)

Part = NDArray[np.floating[Any]]
"""Real or imaginary parts of amplitudes, single or double precision."""

LEAST_QUBITS = 8
"""Smallest register: one group of vectors."""


# -- the cost of every basis state --------------------------------------------------------------


@compiled
def write_costs(
    out: NDArray[Any], low: int, first: int, last: int, h: NDArray[np.float64],
    couplings: NDArray[np.float64], of_low: NDArray[np.float64], unit: float, base: float,
) -> None:
    """``(C - base) / unit`` of the blocks of ``2**low`` basis states from first to last.

    Within a block the high bits are fixed and turn into fields on the low ones, whose sum over all
    low bits is doubled up; `of_low` holds what the low bits' own couplings cost.
    """
    n, size = len(h), 1 << low
    block = np.empty(size)
    spins = np.empty(n)
    whole = out.dtype.kind == "i"
    for number in range(first, last):
        block[0] = 0.0
        for i in range(low, n):
            spins[i] = 1.0 - 2.0 * ((number >> (i - low)) & 1)
            block[0] += h[i] * spins[i]
            for j in range(low, i):
                block[0] += couplings[i, j] * spins[i] * spins[j]
        for i in range(low):
            field = h[i]
            for j in range(low, n):
                field += couplings[i, j] * spins[j]
            half = 1 << i
            for k in range(half):
                lower = block[k]
                block[k] = lower + field
                block[half + k] = lower - field
        start = number * size
        for k in range(size):
            value = (block[k] + of_low[k] - base) / unit
            out[start + k] = np.rint(value) if whole else value


# -- mixers on bits above the vectors -----------------------------------------------------------


@compiled
def _sweep(
    re: Part, im: Part, base: int, size: int, stride: int, t: float, vectors: int
) -> None:
    """Mix the bits by which `vectors` vectors differ, a constant, so many entries apart."""
    width = VECTOR_BYTES // re.itemsize
    tangent = fill(re, t)
    for block in range(base, base + size, vectors * stride):
        for k in range(block, block + stride, width):
            scatter(re, im, k, stride, mix(gather(re, im, k, stride, vectors), tangent))


@compiled
def _sweeps(
    re: Part, im: Part, base: int, first: int, last: int, t: float, repeats: int
) -> None:
    """Mix the bits first to last - 1 of the ``2**last`` entries from base; three at a time."""
    size = 1 << last
    for _ in range(repeats):
        bit = first
        while last - bit >= 3 and last - bit != 4:
            _sweep(re, im, base, size, 1 << bit, t, 8)
            bit += 3
        while last - bit >= 2:
            _sweep(re, im, base, size, 1 << bit, t, 4)
            bit += 2
        if bit < last:
            _sweep(re, im, base, size, 1 << bit, t, 2)


@compiled
def bits(count: int) -> int:
    """The logarithm of a power of two."""
    bits = 0
    while (1 << bits) < count:
        bits += 1
    return bits


# -- passes forwards ----------------------------------------------------------------------------


@compiled
def forward_low(
    re: Part, im: Part, values: NDArray[Any], low: int, first: int, last: int,
    before: float, repeats_before: int, gamma: float, factor: float,
    after: float, repeats_after: int,
) -> None:
    """A pass on the low qubits: mix, phase, mix."""
    width = VECTOR_BYTES // re.itemsize
    size, start = 1 << low, bits(8 * width)
    a, b, g, f = fill(re, before), fill(re, after), fill(re, gamma), fill(re, factor)
    for tile in range(first, last):
        base = tile << low
        _sweeps(re, im, base, start, low, before, repeats_before)
        for k in range(base, base + size, 8 * width):
            x = gather(re, im, k, width, 8)
            for _ in range(repeats_before):
                x = mix(mix_within(x, a), a)
            x = turn(x, values, k, width, g, f)
            for _ in range(repeats_after):
                x = mix(mix_within(x, b), b)
            scatter(re, im, k, width, x)
        _sweeps(re, im, base, start, low, after, repeats_after)


@compiled
def finish_low(
    re: Part, im: Part, values: NDArray[Any], low: int, first: int, last: int,
    before: float, repeats_before: int,
) -> float:
    """The last pass, on the low qubits: mix, and sum ``|amplitude|^2 value``."""
    width = VECTOR_BYTES // re.itemsize
    size, start = 1 << low, bits(8 * width)
    a = fill(re, before)
    energy = 0.0
    for tile in range(first, last):
        base = tile << low
        _sweeps(re, im, base, start, low, before, repeats_before)
        sums = fill(re, 0.0)
        for k in range(base, base + size, 8 * width):
            x = gather(re, im, k, width, 8)
            for _ in range(repeats_before):
                x = mix(mix_within(x, a), a)
            sums = weigh(sums, x, values, k, width)
            scatter(re, im, k, width, x)
        energy += total(sums)
    return energy


@compiled
def fetch(
    re: Part, im: Part, low: int, rows: int, column: int, span: int, to_re: Part, to_im: Part
) -> None:
    """Copy columns of the matrix of amplitudes together."""
    width = VECTOR_BYTES // re.itemsize
    for row in range(rows):
        for k in range(0, span, width):
            x = gather(re, im, (row << low) + column + k, 0, 1)
            scatter(to_re, to_im, row * span + k, 0, x)


@compiled
def bring(
    re: Part, im: Part, low: int, rows: int, column: int, span: int, from_re: Part, from_im: Part
) -> None:
    """Copy them back."""
    width = VECTOR_BYTES // re.itemsize
    for row in range(rows):
        for k in range(0, span, width):
            x = gather(from_re, from_im, row * span + k, 0, 1)
            scatter(re, im, (row << low) + column + k, 0, x)


@compiled
def forward_high(
    re: Part, im: Part, values: NDArray[Any], low: int, rows: int, span: int,
    first: int, last: int, before: float, repeats_before: int, gamma: float, factor: float,
    after: float, repeats_after: int, own_re: Part, own_im: Part,
) -> None:
    """A pass on the high qubits, tiles of `span` columns: mix, phase, mix."""
    width = VECTOR_BYTES // re.itemsize
    start, end = bits(8 * span), bits(rows * span)
    origin = 0 * rows  # a plain 0 would be a type of its own, and compiled for apart
    a, b, g, f = fill(re, before), fill(re, after), fill(re, gamma), fill(re, factor)
    for tile in range(first, last):
        column = tile * span
        fetch(re, im, low, rows, column, span, own_re, own_im)
        _sweeps(own_re, own_im, origin, start, end, before, repeats_before)
        for row in range(0, rows, 8):
            for k in range(0, span, width):
                x = gather(own_re, own_im, row * span + k, span, 8)
                for _ in range(repeats_before):
                    x = mix(x, a)
                x = turn(x, values, (row << low) + column + k, 1 << low, g, f)
                for _ in range(repeats_after):
                    x = mix(x, b)
                scatter(own_re, own_im, row * span + k, span, x)
        _sweeps(own_re, own_im, origin, start, end, after, repeats_after)
        bring(re, im, low, rows, column, span, own_re, own_im)


@compiled
def finish_high(
    re: Part, im: Part, values: NDArray[Any], low: int, rows: int, span: int,
    first: int, last: int, before: float, repeats_before: int, own_re: Part, own_im: Part,
) -> float:
    """The last pass, on the high qubits: mix, and sum ``|amplitude|^2 value``."""
    width = VECTOR_BYTES // re.itemsize
    start, end = bits(8 * span), bits(rows * span)
    origin = 0 * rows  # a plain 0 would be a type of its own, and compiled for apart
    a = fill(re, before)
    energy = 0.0
    for tile in range(first, last):
        column = tile * span
        fetch(re, im, low, rows, column, span, own_re, own_im)
        _sweeps(own_re, own_im, origin, start, end, before, repeats_before)
        sums = fill(re, 0.0)
        for row in range(0, rows, 8):
            for k in range(0, span, width):
                x = gather(own_re, own_im, row * span + k, span, 8)
                for _ in range(repeats_before):
                    x = mix(x, a)
                sums = weigh(sums, x, values, (row << low) + column + k, 1 << low)
                scatter(own_re, own_im, row * span + k, span, x)
        energy += total(sums)
        bring(re, im, low, rows, column, span, own_re, own_im)
    return energy


# -- passes backwards ---------------------------------------------------------------------------

# The state and the adjoint state ("bra") go back together. An unscaled mixer multiplies products of
# the two by 1 + t^2 a qubit: a slope that is read after so many qubits is shrunk by as many factors
# cos^2.


@compiled
def _back_sweep(
    re: Part, im: Part, bra_re: Part, bra_im: Part, base: int, size: int, stride: int, t: float,
    repeats: int, vectors: int,
) -> float:
    """Mix the bits by which `vectors` vectors differ, a constant, and sum their slopes."""
    width = VECTOR_BYTES // re.itemsize
    tangent, sums = fill(re, t), fill(re, 0.0)
    for block in range(base, base + size, vectors * stride):
        for k in range(block, block + stride, width):
            x = gather(re, im, k, stride, vectors)
            y = gather(bra_re, bra_im, k, stride, vectors)
            sums = slope(sums, y, x)
            for _ in range(repeats):
                x = mix(x, tangent)
                y = mix(y, tangent)
            scatter(re, im, k, stride, x)
            scatter(bra_re, bra_im, k, stride, y)
    slopes: float = total(sums)
    return slopes


@compiled
def _back_sweeps(
    re: Part, im: Part, bra_re: Part, bra_im: Part, base: int, first: int, last: int, t: float,
    repeats: int, shrink: float,
) -> float:
    """Mix the bits first to last - 1 of both states, and sum their slopes."""
    size, slopes, weight = 1 << last, 0.0, 1.0
    if repeats == 0:
        return 0.0
    bit = first
    while last - bit >= 2:
        slopes += weight * _back_sweep(
            re, im, bra_re, bra_im, base, size, 1 << bit, t, repeats, 4
        )
        weight *= shrink ** (2 * repeats)
        bit += 2
    if bit < last:
        slopes += weight * _back_sweep(
            re, im, bra_re, bra_im, base, size, 1 << bit, t, repeats, 2
        )
    return slopes


@compiled
def backward_low(
    re: Part, im: Part, bra_re: Part, bra_im: Part, values: NDArray[Any], qubits: int, low: int,
    first: int, last: int, before: float, repeats_before: int, shrink_before: float,
    with_phase: bool, gamma: float, factor: float, after: float, repeats_after: int,
    shrink_after: float, slopes: NDArray[np.float64],
) -> None:
    """A pass on the low qubits; adds the slopes of the mixer before, the phase, the mixer after."""
    width = VECTOR_BYTES // re.itemsize
    size, start = 1 << low, bits(4 * width)
    a, b, g, f = fill(re, before), fill(re, after), fill(re, gamma), fill(re, factor)
    done = shrink_before ** ((qubits - low) * repeats_before)
    done_core = done * shrink_before ** ((low - start) * repeats_before)
    done_all = shrink_before ** (qubits * repeats_before)
    for tile in range(first, last):
        base = tile << low
        slopes[0] += done * _back_sweeps(
            re, im, bra_re, bra_im, base, start, low, before, repeats_before, shrink_before
        )
        s_before, s_phase, s_after = fill(re, 0.0), fill(re, 0.0), fill(re, 0.0)
        for k in range(base, base + size, 4 * width):
            x = gather(re, im, k, width, 4)
            y = gather(bra_re, bra_im, k, width, 4)
            if repeats_before:
                s_before = slope(slope_within(s_before, y, x), y, x)
                for _ in range(repeats_before):
                    x = mix(mix_within(x, a), a)
                    y = mix(mix_within(y, a), a)
            if with_phase:
                s_phase = slope_of_values(s_phase, y, x, values, k, width)
                both = turn_both(x, y, values, k, width, g, f)
                x, y = both[:8], both[8:]
            if repeats_after:
                s_after = slope(slope_within(s_after, y, x), y, x)
                for _ in range(repeats_after):
                    x = mix(mix_within(x, b), b)
                    y = mix(mix_within(y, b), b)
            scatter(re, im, k, width, x)
            scatter(bra_re, bra_im, k, width, y)
        slopes[0] += done_core * total(s_before)
        slopes[1] += done_all * total(s_phase)
        slopes[2] += total(s_after)
        slopes[2] += shrink_after ** (start * repeats_after) * _back_sweeps(
            re, im, bra_re, bra_im, base, start, low, after, repeats_after, shrink_after
        )


@compiled
def backward_high(
    re: Part, im: Part, bra_re: Part, bra_im: Part, values: NDArray[Any], qubits: int, low: int,
    rows: int, span: int, first: int, last: int, before: float, repeats_before: int,
    shrink_before: float, with_phase: bool, gamma: float, factor: float, after: float,
    repeats_after: int, shrink_after: float, slopes: NDArray[np.float64],
    own_re: Part, own_im: Part, own_bra_re: Part, own_bra_im: Part,
) -> None:
    """A pass on the high qubits."""
    width = VECTOR_BYTES // re.itemsize
    start, end = bits(4 * span), bits(rows * span)
    origin = 0 * rows
    high = bits(rows)
    a, b, g, f = fill(re, before), fill(re, after), fill(re, gamma), fill(re, factor)
    done = shrink_before ** ((qubits - high) * repeats_before)
    done_core = done * shrink_before ** ((end - start) * repeats_before)
    done_all = shrink_before ** (qubits * repeats_before)
    for tile in range(first, last):
        column = tile * span
        fetch(re, im, low, rows, column, span, own_re, own_im)
        fetch(bra_re, bra_im, low, rows, column, span, own_bra_re, own_bra_im)
        slopes[0] += done * _back_sweeps(
            own_re, own_im, own_bra_re, own_bra_im, origin, start, end, before, repeats_before,
            shrink_before,
        )
        s_before, s_phase, s_after = fill(re, 0.0), fill(re, 0.0), fill(re, 0.0)
        for row in range(0, rows, 4):
            for k in range(0, span, width):
                at, index = row * span + k, (row << low) + column + k
                x = gather(own_re, own_im, at, span, 4)
                y = gather(own_bra_re, own_bra_im, at, span, 4)
                if repeats_before:
                    s_before = slope(s_before, y, x)
                    for _ in range(repeats_before):
                        x = mix(x, a)
                        y = mix(y, a)
                if with_phase:
                    s_phase = slope_of_values(s_phase, y, x, values, index, 1 << low)
                    both = turn_both(x, y, values, index, 1 << low, g, f)
                    x, y = both[:8], both[8:]
                if repeats_after:
                    s_after = slope(s_after, y, x)
                    for _ in range(repeats_after):
                        x = mix(x, b)
                        y = mix(y, b)
                scatter(own_re, own_im, at, span, x)
                scatter(own_bra_re, own_bra_im, at, span, y)
        slopes[0] += done_core * total(s_before)
        slopes[1] += done_all * total(s_phase)
        slopes[2] += total(s_after)
        slopes[2] += shrink_after ** (2 * repeats_after) * _back_sweeps(
            own_re, own_im, own_bra_re, own_bra_im, origin, start, end, after, repeats_after,
            shrink_after,
        )
        bring(re, im, low, rows, column, span, own_re, own_im)
        bring(bra_re, bra_im, low, rows, column, span, own_bra_re, own_bra_im)


# -- the whole register -------------------------------------------------------------------------


@compiled
def tilt(
    re: Part, im: Part, values: NDArray[Any], unit: float, base: float, first: int, last: int,
    bra_re: Part, bra_im: Part,
) -> None:
    """``bra = (unit value + base) state``."""
    for k in range(first, last):
        weight = re.dtype.type(unit * values[k] + base)
        bra_re[k] = weight * re[k]
        bra_im[k] = weight * im[k]


@compiled
def square(re: Part, im: Part, first: int, last: int, out: NDArray[np.float64]) -> None:
    """Squared moduli."""
    for k in range(first, last):
        x, y = np.float64(re[k]), np.float64(im[k])
        out[k] = x * x + y * y
