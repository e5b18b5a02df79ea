"""The inner loops of tabu search, compiled by numba. Import this module only when solving.

A walk makes the best move that is not tabu, whether or not it improves. `walk_flips` flips single
variables; `walk_swaps` in `swap_kernels` keeps exactly-k groups. The same kernels relink two
answers: there every variable on which the two agree is tabu for good.

The field ``g_i = linear_i + sum_j w_ij x_j`` of every variable is kept, so that flipping it changes
the energy by ``g_i sign_i`` with ``sign_i = 1 - 2 x_i``. Variables stand in blocks of `BLOCK`, and
``low`` holds the least change of an allowed move in each block: the best move is found among the
blocks, then in one of them. Dense rows and short sparse models go over all blocks after each move,
in vectors; long sparse models look only at the blocks that a move touched.

Everything stays in one file because numba's cache on disk looks only at the file of the cached
function.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]  # ships no types
from numba import types
from numpy.typing import NDArray

from ..compiled import compiled
from .kernels import _INT, LANES, _constant, _instruction, _lanes_of, _load, _spread

BLOCK = 64
"""Variables in a block."""

NEVER = 2**31 - 1
"""The step until which a variable is tabu that must not move."""

# Places in the counters of a walk.
NOW, IMPROVED, WISH, UNSAVED = 0, 1, 2, 3


@compiled
def _next_random(state: NDArray[np.uint32]) -> np.int64:
    """32 random bits from Marsaglia's xorshift32 (J. Stat. Softw. 8(14), 2003)."""
    bits = state[0]
    bits = np.uint32(bits ^ np.uint32(bits << np.uint32(13)))
    bits = np.uint32(bits ^ np.uint32(bits >> np.uint32(17)))
    bits = np.uint32(bits ^ np.uint32(bits << np.uint32(5)))
    state[0] = bits
    return np.int64(bits)


# -- vector instructions ------------------------------------------------------------------------


def _fold(builder: Any, vector: Any) -> Any:
    """The least element of a vector, halved until one is left."""
    width = LANES
    while width > 1:
        width //= 2
        half = ir.VectorType(_INT, width)
        empty = ir.Constant(vector.type, ir.Undefined)
        low = builder.shuffle_vector(vector, empty, ir.Constant(half, list(range(width))))
        high = builder.shuffle_vector(
            vector, empty, ir.Constant(half, list(range(width, 2 * width)))
        )
        vector = builder.select(builder.fcmp_ordered("<", low, high), low, high)
    return builder.extract_element(vector, ir.Constant(_INT, 0))


def _over_block(builder: Any, block: Any, vector_at: Callable[[Any], Any]) -> Any:
    """The least element of the vectors of a block."""
    least = None
    vectors = BLOCK // LANES
    first = builder.mul(block, ir.Constant(block.type, vectors))
    for k in range(vectors):
        vector = vector_at(builder.add(first, ir.Constant(block.type, k)))
        if least is not None:
            vector = builder.select(builder.fcmp_ordered("<", vector, least), vector, least)
        least = vector
    return _fold(builder, least)


@_instruction
def _least_of(typing: Any, values: Any, block: Any) -> Any:
    """The least of the values of a block."""
    signature = values.dtype(values, types.int64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values, block = arguments

        def vector_at(k: Any) -> Any:
            return _load(builder, _lanes_of(context, builder, signature.args[0], values, k))

        return _over_block(builder, block, vector_at)

    return signature, generate


@_instruction
def _least_allowed(
    typing: Any, g: Any, sign: Any, until: Any, now: Any, aspired: Any, block: Any
) -> Any:
    """The least change of a flip in a block that is not tabu, or is below `aspired`."""
    signature = g.dtype(g, sign, until, types.int32, g.dtype, types.int64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        g, sign, until, now, aspired, block = arguments
        latest, wanted = _spread(builder, now), _spread(builder, aspired)

        def vector_at(k: Any) -> Any:
            field, direction, tabu = (
                _load(builder, _lanes_of(context, builder, kind, array, k))
                for kind, array in zip(signature.args[:3], (g, sign, until), strict=True)
            )
            change = builder.fmul(field, direction)
            allowed = builder.or_(
                builder.icmp_signed("<=", tabu, latest),
                builder.fcmp_ordered("<", change, wanted),
            )
            return builder.select(allowed, change, _constant(aspired.type, float("inf")))

        return _over_block(builder, block, vector_at)

    return signature, generate


# -- blocks -------------------------------------------------------------------------------------


@compiled
def _scan(
    g: NDArray[Any],
    sign: NDArray[Any],
    until: NDArray[np.int32],
    now: int,
    aspired: Any,
    low: NDArray[Any],
) -> None:
    """Least change of an allowed flip in every block."""
    for b in range(len(low)):
        low[b] = _least_allowed(g, sign, until, np.int32(now), aspired, b)


@compiled
def _least(low: NDArray[Any]) -> Any:
    """The least of all blocks."""
    least = low[0]
    for value in low:
        if value < least:
            least = value
    return least


@compiled
def _touch(key: NDArray[Any], low: NDArray[Any], j: int, change: Any) -> None:
    """Note a new change of variable j, and of its block."""
    b = j // BLOCK
    old = key[j]
    key[j] = change
    if change <= low[b]:
        low[b] = change
    elif old == low[b]:
        low[b] = _least_of(key, b)


@compiled
def open_blocks(
    g: NDArray[Any],
    sign: NDArray[Any],
    until: NDArray[np.int32],
    now: int,
    low: NDArray[Any],
    key: NDArray[Any],
) -> None:
    """Compute `low`, and `key` where it is used, anew at step `now`."""
    worst = g.dtype.type(np.inf)
    _scan(g, sign, until, now, -worst, low)
    for j in range(len(key)):
        key[j] = g[j] * sign[j] if until[j] <= now else worst


@compiled
def hoped_for(energy: float, best: float, slack: float, tenure: int) -> float:
    """A tabu move must change the energy to less than this; nothing lifts a ban for good.

    Never above 0, whatever rounding makes of the difference: that is what variables show which are
    no part of the search.
    """
    return -np.inf if tenure >= NEVER else min(0.0, best - energy - slack)


@compiled
def _find(
    g: NDArray[Any],
    sign: NDArray[Any],
    until: NDArray[np.int32],
    now: int,
    aspired: Any,
    low: NDArray[Any],
    least: Any,
    random: np.int64,
) -> np.int64:
    """An allowed variable with the least change, from a random place on."""
    blocks = len(low)
    b = (random * blocks) >> 32
    while low[b] != least:
        b = b + 1 if b + 1 < blocks else 0
    first, end = b * BLOCK, (b + 1) * BLOCK
    j = first + (random & (BLOCK - 1))
    for _ in range(BLOCK):
        if g[j] * sign[j] == least and (until[j] <= now or least < aspired):
            return j
        j = j + 1 if j + 1 < end else first
    return np.int64(-1)


@compiled
def walk_flips(
    x: NDArray[np.int8],
    sign: NDArray[Any],
    g: NDArray[Any],
    until: NDArray[np.int32],
    best_x: NDArray[np.int8],
    low: NDArray[Any],
    key: NDArray[Any],
    head: NDArray[np.int32],
    following: NDArray[np.int32],
    matrix: NDArray[Any],
    start: NDArray[np.int64],
    index: NDArray[np.int32],
    weight: NDArray[Any],
    count: NDArray[np.int64],
    value: NDArray[np.float64],
    state: NDArray[np.uint32],
    tenure: int,
    spread: int,
    steps: int,
    patience: int,
    slack: float,
) -> int:
    """Make up to so many steps; a walk may be cut into calls anywhere and stays the same.

    Parameters
    ----------
    x, best_x : ndarray of int8, shape (n,)
        The present state and the best one, updated.
    sign, g : ndarray, shape (m,)
        Signs and fields, m being n made a multiple of `BLOCK`; 0 beyond n, and `sign` is 0 at
        variables that are no part of the search. Updated.
    until : ndarray of int32, shape (m,)
        A variable may move from that step on; `NEVER` beyond n. Updated.
    low : ndarray, shape (m / BLOCK,)
    key, following, head : ndarray
        For long sparse models, else empty `key`: changes, infinite where tabu, shape (m,); and the
        variables that open at the steps ``s % len(head)`` as linked lists that end with -1.
    matrix, start, index, weight : ndarray
        `kernels.Rows`.
    count : ndarray of int64, shape (4,)
        Step, step of the last best state, a tabu move that leads to a new best state (or -1), and
        whether the best state is still to be copied. Updated.
    value : ndarray of float64, shape (2,)
        Energies of the present and of the best state. Updated.
    state : ndarray of uint32, shape (1,)
        Random generator, not zero.
    tenure, spread : int
        A variable that moved is tabu for ``tenure`` steps and up to ``spread - 1`` more; for good
        if `tenure` is `NEVER`, and then nothing is made of aspiration.
    steps : int
        Most steps to make.
    patience : int
        Steps without a new best state after which the walk ends.
    slack : float
        Differences in energy that count as none.

    Returns
    -------
    int
        Steps made; fewer than asked where the patience or the moves ran out.
    """
    real = g.dtype.type
    worst = real(np.inf)
    dense, blocks = matrix.shape[0] > 0, len(key) > 0
    now, wish = count[NOW], count[WISH]
    energy, best = value[0], value[1]
    done = 0
    while done < steps and now - count[IMPROVED] < patience:
        random = _next_random(state)
        aspired = real(hoped_for(energy, best, slack, tenure))
        least = _least(low)
        i = np.int64(-1)
        if wish >= 0 and g[wish] * sign[wish] < min(least, aspired):
            i, least = wish, g[wish] * sign[wish]
        elif least < worst:
            i = _find(g, sign, until, now, aspired, low, least, random)
        if i < 0:
            break
        if count[UNSAVED] and least >= 0:
            best_x[:] = x
            count[UNSAVED] = 0
        energy += least
        now += 1
        done += 1
        if energy < best - slack:
            best = energy
            count[IMPROVED] = now
            count[UNSAVED] = 1
        step = sign[i]
        x[i] = 1 - x[i]
        sign[i] = -step
        entering = until[i] < now
        length = tenure
        if spread:
            length += (_next_random(state) * spread) >> 32
        if entering or not blocks:  # else the list of those that open still holds it
            until[i] = NEVER if tenure >= NEVER else now + length
        aspired = real(hoped_for(energy, best, slack, tenure))
        if dense:
            for j in range(matrix.shape[0]):
                g[j] += step * matrix[i, j]
            _scan(g, sign, until, now, aspired, low)
        elif not blocks:
            for e in range(start[i], start[i + 1]):
                g[index[e]] += step * weight[e]
            _scan(g, sign, until, now, aspired, low)
        else:
            wish = np.int64(-1)
            hoped = aspired
            _touch(key, low, i, worst if until[i] > now else g[i] * sign[i])
            if entering and now < until[i] < NEVER:
                slot = until[i] & (len(head) - 1)
                following[i] = head[slot]
                head[slot] = i
            for e in range(start[i], start[i + 1]):
                j = np.int64(index[e])
                g[j] += step * weight[e]
                change = g[j] * sign[j]
                if until[j] <= now:
                    _touch(key, low, j, change)
                elif change < hoped and until[j] < NEVER:
                    wish, hoped = j, change
            slot = now & (len(head) - 1)
            j = np.int64(head[slot])
            head[slot] = -1
            while j >= 0:
                _touch(key, low, j, g[j] * sign[j])
                j = np.int64(following[j])
    if count[UNSAVED]:
        best_x[:] = x
        count[UNSAVED] = 0
    count[NOW], count[WISH] = now, wish
    value[0], value[1] = energy, best
    return done
