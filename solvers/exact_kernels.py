"""Compiled enumeration of the answers of a small QUBO. Imported when solving: numba is slow."""

from typing import Any

import numpy as np

from .compiled import compiled


@compiled
def sweep(
    linear: Any,
    coupling: Any,
    chosen: Any,
    first: Any,
    limit: Any,
    resume: Any,
    free: int,
    low: int,
    prefix: int,
    units: int,
    tolerance: float,
    found: Any,
) -> Any:
    """Visit the answers of `units` consecutive units, and keep the best ones.

    Variables stand in this order: the members of each group, group by group, then the free bits. A
    unit is one choice of members for all groups and one setting of the high free bits (`prefix`);
    it holds ``2**low`` answers, one for each setting of the `low` first free bits.

    Choices run in lexicographic order. Level ``d`` is the d-th chosen member; its row of `field`
    holds, for every later variable, what setting that variable adds to the energy so far. A step
    recomputes only the levels that change, so that its cost is constant on average, and sums no
    more terms than there are levels: there is no drift.

    The low bits run in Gray code. When bit ``b`` flips, the bits below it are ``10...0``, so that
    only bits above it can have changed its field since its last flip: a flip updates the fields of
    the bits below it, one on average.

    Parameters
    ----------
    linear : ndarray of float64, shape (n,)
    coupling : ndarray of float64, shape (n, n)
        Symmetric, zero diagonal.
    chosen : ndarray of int64, shape (levels,)
        The choice to begin with, in variables; changed in place.
    first : ndarray of int64, shape (levels,)
        First member of the group where the level opens it, -1 elsewhere.
    limit : ndarray of int64, shape (levels,)
        Last variable that the level may choose.
    resume : ndarray of int64, shape (levels,)
        First variable after the group where the level closes it, -1 elsewhere.
    free : int
        Index of the first free bit.
    low : int
        Number of bits in Gray code.
    prefix : int
        Setting of the high free bits to begin with; bit 0 belongs to variable ``free + low``.
    units : int
    tolerance : float
        Energies this close count as equal.
    found : ndarray of int8, shape (kept, n)
        Filled with the best answers, in the order in which they are met.

    Returns
    -------
    best : float
    count : int
        Answers within `tolerance` of `best`; the first ``min(count, kept)`` rows of `found` are
        filled.
    """
    n = len(linear)
    levels = len(chosen)
    high = n - free - low
    energy = np.zeros(levels + 1)
    field = np.zeros((levels + 1, n))
    field[0] = linear
    local = np.empty(n - free)
    best, count = np.inf, 0
    changed = 0
    for _ in range(units):
        for d in range(changed, levels):
            c = chosen[d]
            energy[d + 1] = energy[d] + field[d, c]
            for j in range(c + 1 if resume[d] < 0 else resume[d], n):
                field[d + 1, j] = field[d, j] + coupling[c, j]
        changed = levels
        e = energy[levels]
        if n > free:
            for j in range(n - free):
                local[j] = field[levels, free + j]
            for b in range(high):
                if prefix >> b & 1:
                    e += local[low + b]
                    for j in range(n - free):
                        local[j] += coupling[free + low + b, free + j]
        for step in range(1 << low):
            if step:
                bit, rest = 0, step
                while not rest & 1:
                    rest >>= 1
                    bit += 1
                # The Gray code of `step` has the bit set if it was flipped on just now.
                sign = 1.0 if (step ^ step >> 1) >> bit & 1 else -1.0
                gain = local[bit]
                if bit:
                    gain += coupling[free + bit, free + bit - 1]
                    for j in range(bit):
                        local[j] += sign * coupling[free + bit, free + j]
                e += sign * gain
            if e <= best + tolerance:
                if e < best - tolerance:
                    best, count = e, 0
                if count < len(found):
                    row = found[count]
                    row[:] = 0
                    for d in range(levels):
                        row[chosen[d]] = 1
                    for b in range(low):
                        row[free + b] = (step ^ step >> 1) >> b & 1
                    for b in range(high):
                        row[free + low + b] = prefix >> b & 1
                count += 1
        prefix += 1
        if prefix >> high:
            prefix = 0
            changed = levels - 1
            while changed >= 0 and chosen[changed] == limit[changed]:
                changed -= 1
            if changed < 0:
                break
            chosen[changed] += 1
            for d in range(changed + 1, levels):
                chosen[d] = first[d] if first[d] >= 0 else chosen[d - 1] + 1
    return best, count
