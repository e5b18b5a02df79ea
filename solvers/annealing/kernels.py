"""The inner loops of annealing, compiled by numba. Import this module only when solving.

Two kernels share one idea: Metropolis' rule "accept an energy change d with probability
min(1, exp(-d / T))" is the comparison ``d <= -T ln(u)`` with u uniform in (0, 1], whose right-hand
side does not depend on the state, so sixteen thresholds are drawn at once.

- `sweep_lanes` runs `LANES` reads side by side, one in each lane of a vector: for sparse models,
  where the neighbours of a variable are scattered but the lanes of each neighbour are not.
- `sweep_rows` runs one read whose rows are contiguous (dense models), or whose moves differ from
  read to read (swaps inside groups). Without groups it looks at sixteen variables at once for the
  next one that accepts: turned-down proposals, nearly all when it is cold, cost next to nothing.

Both keep the field ``g_i = linear_i + sum_j w_ij x_j`` of every variable, so that setting bit i
costs ``g_i`` and clearing it ``-g_i``.

numba has no vector type, so the few operations on whole vectors are written as LLVM instructions;
they are portable and compile to whatever width the processor has. Everything stays in one file
because numba's cache on disk looks only at the file of the cached function.
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]  # ships no types
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from ..compiled import compiled

LANES = 16
"""Reads that `sweep_lanes` runs side by side: one bit each of the uint16 that holds a variable."""

BLOCK = 16 * LANES
"""Thresholds that `sweep_rows` draws at a time, a power of two."""

_INT = ir.IntType(32)
_FLOAT = ir.FloatType()
_MASK = ir.VectorType(ir.IntType(1), LANES)


def _instruction(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let compiled code call what `function` generates; its first parameter is numba's own."""
    return cast(Callable[..., Any], intrinsic(function))


# -- vector instructions ------------------------------------------------------------------------


def _vector(kind: ir.Type) -> ir.VectorType:
    return ir.VectorType(kind, LANES)


def _constant(kind: ir.Type, value: float) -> ir.Constant:
    return ir.Constant(_vector(kind), [value] * LANES)


def _spread(builder: Any, value: Any) -> Any:
    """The vector with one value in every lane."""
    empty = ir.Constant(_vector(value.type), ir.Undefined)
    first = builder.insert_element(empty, value, ir.Constant(_INT, 0))
    return builder.shuffle_vector(first, empty, ir.Constant(_vector(_INT), [0] * LANES))


def _lanes_of(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    """Pointer to the vector of the elements from ``index * LANES`` on in a C array."""
    data = context.make_array(kind)(context, builder, array).data
    offset = builder.mul(index, ir.Constant(index.type, LANES))
    return builder.bitcast(
        builder.gep(data, [offset]), _vector(data.type.pointee).as_pointer()
    )


def _load(builder: Any, pointer: Any, align: int = 4) -> Any:
    value = builder.load(pointer)
    value.align = align  # numpy promises no more than the alignment of an element
    return value


def _store(builder: Any, value: Any, pointer: Any) -> None:
    builder.store(value, pointer).align = 4


def _draw(builder: Any, state: Any, temperature: Any) -> Any:
    """Thresholds ``-temperature ln(u)`` for u uniform in (0, 1], one in each lane.

    u has 31 bits from Marsaglia's xorshift32 (J. Stat. Softw. 8(14), 2003), one generator a lane;
    the logarithm is exponent plus a cubic in the mantissa, with an absolute error below 5e-4.
    """
    bits = _load(builder, state)
    for shift, amount in ((builder.shl, 13), (builder.lshr, 17), (builder.shl, 5)):
        bits = builder.xor(bits, shift(bits, _constant(_INT, amount)))
    _store(builder, bits, state)
    odd = builder.or_(builder.lshr(bits, _constant(_INT, 1)), _constant(_INT, 1))
    u = builder.bitcast(builder.sitofp(odd, _vector(_FLOAT)), _vector(_INT))
    exponent = builder.sub(builder.lshr(u, _constant(_INT, 23)), _constant(_INT, 127 + 31))
    fraction = builder.and_(u, _constant(_INT, 0x7FFFFF))
    mantissa = builder.bitcast(
        builder.or_(fraction, _constant(_INT, 0x3F800000)), _vector(_FLOAT)
    )
    log2 = _constant(_FLOAT, 0.1582487046718597)
    for coefficient in (-1.051875030994415, 3.047884161, -2.153620718):
        log2 = builder.fadd(builder.fmul(log2, mantissa), _constant(_FLOAT, coefficient))
    log2 = builder.fadd(builder.sitofp(exponent, _vector(_FLOAT)), log2)
    minus_ln2 = ir.Constant(_FLOAT, -0.6931471824645996)
    return builder.fmul(_spread(builder, builder.fmul(temperature, minus_ln2)), log2)


@_instruction
def _thresholds(typing: Any, out: Any, k: Any, state: Any, temperature: Any) -> Any:
    """Write thresholds to ``out[k * LANES : (k + 1) * LANES]``, and step the generators."""
    signature = types.void(out, types.int64, state, types.float32)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        out, k, state, temperature = arguments
        zero = ir.Constant(ir.IntType(64), 0)
        random = _lanes_of(context, builder, signature.args[2], state, zero)
        target = _lanes_of(context, builder, signature.args[0], out, k)
        _store(builder, _draw(builder, random, temperature), target)
        return context.get_dummy_value()

    return signature, generate


@_instruction
def _accepted(typing: Any, g: Any, x: Any, k: Any, thresholds: Any) -> Any:
    """Of the variables ``k * LANES`` and on of one read, the mask of those that accept a flip."""
    signature = types.uint16(g, x, types.int64, thresholds)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        g, x, k, thresholds = arguments
        zero = ir.Constant(ir.IntType(64), 0)
        threshold = _load(builder, _lanes_of(context, builder, signature.args[3], thresholds, zero))
        field = _load(builder, _lanes_of(context, builder, signature.args[0], g, k))
        state = _load(builder, _lanes_of(context, builder, signature.args[1], x, k), align=1)
        if field.type != threshold.type:
            threshold = builder.fpext(threshold, field.type)
        one = builder.icmp_unsigned("!=", state, ir.Constant(state.type, [0] * LANES))
        change = builder.select(one, builder.fneg(field), field)
        accept = builder.fcmp_ordered("<=", change, threshold)
        return builder.bitcast(accept, ir.IntType(LANES))

    return signature, generate


@_instruction
def _lowest(typing: Any, mask: Any) -> Any:
    """Number of the lowest bit of a mask, which is not zero."""
    signature = types.int64(types.uint16)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))
        return builder.zext(place, ir.IntType(64))

    return signature, generate


@_instruction
def _propose(typing: Any, g: Any, i: Any, x: Any, state: Any, temperature: Any) -> Any:
    """Propose to flip variable i in every read: the mask of the reads that accept."""
    signature = types.uint16(g, types.int64, types.uint16, state, types.float32)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        g, i, x, state, temperature = arguments
        zero = ir.Constant(ir.IntType(64), 0)
        random = _lanes_of(context, builder, signature.args[3], state, zero)
        threshold = _draw(builder, random, temperature)
        field = _load(builder, _lanes_of(context, builder, signature.args[0], g, i))
        if field.type != threshold.type:
            threshold = builder.fpext(threshold, field.type)
        change = builder.select(builder.bitcast(x, _MASK), builder.fneg(field), field)
        accept = builder.fcmp_ordered("<=", change, threshold)
        return builder.bitcast(accept, ir.IntType(LANES))

    return signature, generate


@_instruction
def _propose_each(typing: Any, g: Any, i: Any, x: Any, state: Any, temperatures: Any) -> Any:
    """As `_propose`, with a temperature for each read."""
    signature = types.uint16(g, types.int64, types.uint16, state, temperatures)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        g, i, x, state, temperatures = arguments
        zero = ir.Constant(ir.IntType(64), 0)
        random = _lanes_of(context, builder, signature.args[3], state, zero)
        each = _load(builder, _lanes_of(context, builder, signature.args[4], temperatures, zero))
        threshold = builder.fmul(each, _draw(builder, random, ir.Constant(_FLOAT, 1.0)))
        field = _load(builder, _lanes_of(context, builder, signature.args[0], g, i))
        if field.type != threshold.type:
            threshold = builder.fpext(threshold, field.type)
        change = builder.select(builder.bitcast(x, _MASK), builder.fneg(field), field)
        accept = builder.fcmp_ordered("<=", change, threshold)
        return builder.bitcast(accept, ir.IntType(LANES))

    return signature, generate


@_instruction
def _push(typing: Any, g: Any, j: Any, weight: Any, flip: Any, x: Any) -> Any:
    """Tell the field of j that its neighbour flipped in the reads `flip`; `x` was its value."""
    signature = types.void(g, types.int64, g.dtype, types.uint16, types.uint16)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        g, j, weight, flip, x = arguments
        kind = weight.type
        step = builder.select(
            builder.bitcast(x, _MASK), _constant(kind, -1.0), _constant(kind, 1.0)
        )
        step = builder.select(builder.bitcast(flip, _MASK), step, _constant(kind, 0.0))
        pointer = _lanes_of(context, builder, signature.args[0], g, j)
        change = builder.fmul(_spread(builder, weight), step)
        _store(builder, builder.fadd(_load(builder, pointer), change), pointer)
        return context.get_dummy_value()

    return signature, generate


@_instruction
def _add_chosen(typing: Any, total: Any, g: Any, i: Any, x: Any, linear: Any) -> Any:
    """Add ``g[i] + linear`` to `total`, in double precision, in the reads where x is one."""
    signature = types.void(total, g, types.int64, types.uint16, types.float64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        total, g, i, x, linear = arguments
        zero = ir.Constant(ir.IntType(64), 0)
        target = _lanes_of(context, builder, signature.args[0], total, zero)
        field = _load(builder, _lanes_of(context, builder, signature.args[1], g, i))
        if field.type != _vector(linear.type):
            field = builder.fpext(field, _vector(linear.type))
        value = builder.fadd(field, _spread(builder, linear))
        value = builder.select(builder.bitcast(x, _MASK), value, _constant(linear.type, 0.0))
        _store(builder, builder.fadd(_load(builder, target), value), target)
        return context.get_dummy_value()

    return signature, generate


# -- sparse models: LANES reads side by side ----------------------------------------------------


@compiled
def fields_lanes(
    g: NDArray[Any],
    x: NDArray[np.uint16],
    linear: NDArray[Any],
    start: NDArray[np.int64],
    index: NDArray[np.int32],
    weight: NDArray[Any],
) -> None:
    """Compute the fields of given states.

    Parameters
    ----------
    g : ndarray of float32 or float64, shape (n, LANES)
        Fields, written.
    x : ndarray of uint16, shape (n,)
        States; bit r of ``x[i]`` is variable i in read r.
    linear, weight : ndarray of the type of `g`
    start, index : ndarray
        Neighbours in compressed sparse rows.
    """
    for i in range(len(x)):
        for r in range(LANES):
            g[i, r] = linear[i]
    for i in range(len(x)):
        for e in range(start[i], start[i + 1]):
            _push(g, np.int64(index[e]), weight[e], x[i], np.uint16(0))


@compiled
def sweep_lanes(
    g: NDArray[Any],
    x: NDArray[np.uint16],
    start: NDArray[np.int64],
    index: NDArray[np.int32],
    weight: NDArray[Any],
    temperatures: NDArray[np.float32],
    state: NDArray[np.uint32],
) -> None:
    """Sweep over all variables once for each temperature, in LANES reads.

    Parameters are those of `fields_lanes`, updated in place, and `state`, uint32 of shape
    (LANES,): the random generators, none zero.
    """
    for t in range(len(temperatures)):
        temperature = temperatures[t]
        for i in range(len(x)):
            old = x[i]
            flip = _propose(g, i, old, state, temperature)
            if flip:
                x[i] = old ^ flip
                for e in range(start[i], start[i + 1]):
                    _push(g, np.int64(index[e]), weight[e], flip, old)


@compiled
def sweep_ladder(
    g: NDArray[Any],
    x: NDArray[np.uint16],
    start: NDArray[np.int64],
    index: NDArray[np.int32],
    weight: NDArray[Any],
    temperatures: NDArray[np.float32],
    sweeps: int,
    state: NDArray[np.uint32],
) -> None:
    """Sweep so many times over all variables in LANES reads, each at its own temperature.

    Parameters are those of `sweep_lanes`, but for `temperatures`, of shape (LANES,).
    """
    for _ in range(sweeps):
        for i in range(len(x)):
            old = x[i]
            flip = _propose_each(g, i, old, state, temperatures)
            if flip:
                x[i] = old ^ flip
                for e in range(start[i], start[i + 1]):
                    _push(g, np.int64(index[e]), weight[e], flip, old)


@compiled
def exchange_cluster(
    lane: int,
    other_lane: int,
    root: int,
    complement: int,
    g: NDArray[Any],
    x: NDArray[np.uint16],
    other_g: NDArray[Any],
    other_x: NDArray[np.uint16],
    start: NDArray[np.int64],
    index: NDArray[np.int32],
    weight: NDArray[Any],
    seen: NDArray[np.int8],
    queue: NDArray[np.int32],
) -> int:
    """Exchange between two reads the connected part of their difference that holds `root`.

    The sum of their energies stays as it is (Houdayer, Eur. Phys. J. B 22, 479, 2001).

    Parameters
    ----------
    lane, other_lane : int
        Places of the reads in their batches.
    root : int
        A variable in which the reads differ.
    complement : int
        1 to compare with the complement of the other read, where a model has one energy for both.
    g, x, other_g, other_x : ndarray
        Fields and states of two batches, updated.
    start, index, weight : ndarray
        Neighbours in compressed sparse rows.
    seen : ndarray of int8, shape (n,)
        All zero, before and after.
    queue : ndarray of int32, shape (n,)
        Room.

    Returns
    -------
    int
        Size of the part.
    """
    bit, other_bit = np.uint16(1 << lane), np.uint16(1 << other_lane)
    queue[0] = root
    seen[root] = 1
    length = 1
    k = 0
    while k < length:
        i = queue[k]
        k += 1
        for e in range(start[i], start[i + 1]):
            j = index[e]
            differs = ((x[j] >> lane) ^ (other_x[j] >> other_lane)) & 1
            if seen[j] == 0 and differs != complement:
                seen[j] = 1
                queue[length] = j
                length += 1
    one = g.dtype.type(1)
    for k in range(length):
        i = queue[k]
        seen[i] = 0
        up = one if x[i] & bit == 0 else -one
        other_up = one if other_x[i] & other_bit == 0 else -one
        x[i] ^= bit
        other_x[i] ^= other_bit
        for e in range(start[i], start[i + 1]):
            g[index[e], lane] += up * weight[e]
            other_g[index[e], other_lane] += other_up * weight[e]
    return length


@compiled
def energies_lanes(
    g: NDArray[Any], x: NDArray[np.uint16], linear: NDArray[Any]
) -> NDArray[np.float64]:
    """Energies of LANES states from their fields: each pair is counted from both ends."""
    energy = np.zeros(LANES)
    for i in range(len(x)):
        _add_chosen(energy, g, i, x[i], np.float64(linear[i]))
    return energy / 2.0


@compiled
def copy_lanes(
    g: NDArray[Any], x: NDArray[np.uint16], source: NDArray[np.int64], target: NDArray[np.int64]
) -> None:
    """Let the reads `target` go on from where the reads `source` stand; no read is in both."""
    for i in range(len(x)):
        bits = np.int64(x[i])
        for k in range(len(target)):
            g[i, target[k]] = g[i, source[k]]
            bits &= ~(1 << target[k])
            bits |= ((bits >> source[k]) & 1) << target[k]
        x[i] = bits


# -- dense models and groups: one read ----------------------------------------------------------

Rows = tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int32], NDArray[Any]]
"""Pair coefficients as (matrix, start, index, weight): a symmetric matrix with a zero diagonal, or
one of shape (0, 0) and compressed sparse rows, ascending, with weights of the type of the fields.
"""

Groups = tuple[
    NDArray[np.int64],
    NDArray[np.int64],
    NDArray[np.int64],
    NDArray[np.int32],
    NDArray[np.int32],
    NDArray[np.int32],
    NDArray[np.int32],
]
"""The exactly-k groups that have something to swap, as (bounds, sizes, mates, home, seat, members,
place).

Group b asks for ``sizes[b]`` ones among ``home[bounds[b]:bounds[b + 1]]``, and variable i sits at
``home[seat[i]]``. ``members`` holds the same variables with the ones of each group first, and
``place`` is its inverse; a read changes these two. Group b exchanges choices with the groups from
``mates[b, 0]`` up to ``mates[b, 1]``; an empty range forbids it.
"""

# numba counts references whenever it unpacks a tuple of arrays or calls with one, at a cost above
# that of a proposal: turned-down proposals do neither.


@compiled
def add_row(
    g: NDArray[Any],
    i: int,
    sign: int,
    matrix: NDArray[Any],
    start: NDArray[np.int64],
    index: NDArray[np.int32],
    weight: NDArray[Any],
) -> None:
    """Tell the neighbours of i that it went up (sign 1) or down (sign -1)."""
    scale = g.dtype.type(sign)
    if matrix.shape[0]:
        for j in range(len(g)):
            g[j] += scale * matrix[i, j]
    else:
        for e in range(start[i], start[i + 1]):
            g[index[e]] += scale * weight[e]


@compiled
def _sparse_weight(
    i: int, j: int, start: NDArray[np.int64], index: NDArray[np.int32], weight: NDArray[Any]
) -> Any:
    """Coefficient of the pair (i, j) in sparse rows, 0 where there is none."""
    low, end = start[i], start[i + 1]
    high = end
    while low < high:
        middle = (low + high) >> 1
        if index[middle] < j:
            low = middle + 1
        else:
            high = middle
    found = weight.dtype.type(0)
    if low < end and index[low] == j:
        found = weight[low]
    return found


@compiled
def fields_rows(g: NDArray[Any], x: NDArray[np.int8], linear: NDArray[Any], rows: Rows) -> None:
    """Compute the fields of one state.

    Parameters
    ----------
    g : ndarray of float32 or float64, shape (n,)
        Fields, written.
    x : ndarray of int8, shape (n,)
    linear : ndarray of the type of `g`
    rows : tuple of ndarray
    """
    matrix, start, index, weight = rows
    for i in range(len(x)):
        g[i] = linear[i]
    for i in range(len(x)):
        if x[i]:
            add_row(g, i, 1, matrix, start, index, weight)


@compiled
def take_greedily(
    g: NDArray[Any],
    x: NDArray[np.int8],
    bounds: NDArray[np.int64],
    sizes: NDArray[np.int64],
    home: NDArray[np.int32],
    rows: Rows,
) -> None:
    """Give each group the ones that it asks for, every time the member of the least energy.

    Parameters are those of `fields_rows` and `Groups`; no group has a one before.
    """
    matrix, start, index, weight = rows
    for a in range(len(sizes)):
        for _ in range(sizes[a]):
            best = -1
            for p in range(bounds[a], bounds[a + 1]):
                i = home[p]
                if x[i] == 0 and (best < 0 or g[i] < g[best]):
                    best = i
            x[best] = 1
            add_row(g, best, 1, matrix, start, index, weight)


@compiled
def _flip_pass(
    g: NDArray[Any],
    x: NDArray[np.int8],
    free: NDArray[np.int32],
    rows: Rows,
    temperature: np.float32,
    state: NDArray[np.uint32],
    thresholds: NDArray[np.float32],
) -> None:
    """Propose one flip for each free variable."""
    matrix, start, index, weight = rows
    for begin in range(0, len(free), BLOCK):
        count = min(BLOCK, len(free) - begin)
        for k in range((count + LANES - 1) // LANES):
            _thresholds(thresholds, k, state, temperature)
        for k in range(count):
            i = free[begin + k]
            if x[i] == 0:
                if g[i] <= thresholds[k]:
                    x[i] = 1
                    add_row(g, i, 1, matrix, start, index, weight)
            elif -g[i] <= thresholds[k]:
                x[i] = 0
                add_row(g, i, -1, matrix, start, index, weight)


@compiled
def _scan_pass(
    g: NDArray[Any],
    x: NDArray[np.int8],
    rows: Rows,
    temperature: np.float32,
    state: NDArray[np.uint32],
    thresholds: NDArray[np.float32],
) -> int:
    """Propose one flip for each variable, as `_flip_pass` does, but for up to LANES - 1 at the end.

    Returns how many were proposed.
    """
    matrix, start, index, weight = rows
    for k in range(len(x) // LANES):
        _thresholds(thresholds, 0, state, temperature)
        accepted = _accepted(g, x, k, thresholds)
        while accepted:
            place = _lowest(np.uint16(accepted))
            i = k * LANES + place
            sign = 1 - 2 * x[i]
            x[i] ^= 1
            add_row(g, i, sign, matrix, start, index, weight)
            accepted = _accepted(g, x, k, thresholds) & (0xFFFE << place)
    return len(x) // LANES * LANES


@compiled
def _pick(random: np.uint32, begin: int, end: int) -> np.int64:
    """A place in begin:end from the high bits of a random number."""
    return begin + ((np.int64(random) * (end - begin)) >> 32)


@compiled
def _move(
    g: NDArray[Any],
    x: NDArray[np.int8],
    down: int,
    up: int,
    members: NDArray[np.int32],
    place: NDArray[np.int32],
    matrix: NDArray[Any],
    start: NDArray[np.int64],
    index: NDArray[np.int32],
    weight: NDArray[Any],
) -> None:
    """Clear one member of a group and set another."""
    p, q = place[down], place[up]
    members[p], members[q] = up, down
    place[down], place[up] = q, p
    x[down], x[up] = 0, 1
    if matrix.shape[0]:
        one = g.dtype.type(1)
        for j in range(len(g)):
            g[j] += one * matrix[up, j] - one * matrix[down, j]
    else:
        for e in range(start[down], start[down + 1]):
            g[index[e]] -= weight[e]
        for e in range(start[up], start[up + 1]):
            g[index[e]] += weight[e]


@compiled
def swap_pass(
    g: NDArray[Any],
    x: NDArray[np.int8],
    groups: Groups,
    rows: Rows,
    temperature: np.float32,
    state: NDArray[np.uint32],
    thresholds: NDArray[np.float32],
    record: NDArray[np.float64],
) -> None:
    """Propose one swap for each member of each group.

    Where a group has mates, every other proposal exchanges its choice with that of a mate instead.
    With room in `record` for one number a member, energy changes are written there and no move is
    made. The other parameters are those of `sweep_rows`.
    """
    bounds, sizes, mates, home, seat, members, place = groups
    matrix, start, index, weight = rows
    dense = matrix.shape[0] > 0
    random = state[1, 0]
    for a in range(len(sizes)):
        first, last = bounds[a], bounds[a + 1]
        edge = first + sizes[a]
        for p in range(first, last):
            k = p & (BLOCK - 1)
            if k == 0:
                for v in range((min(BLOCK, len(members) - p) + LANES - 1) // LANES):
                    _thresholds(thresholds, v, state, temperature)
            random = np.uint32(random ^ np.uint32(random << np.uint32(13)))
            random = np.uint32(random ^ np.uint32(random >> np.uint32(17)))
            random = np.uint32(random ^ np.uint32(random << np.uint32(5)))
            exchange = mates[a, 0] < mates[a, 1] and random & np.uint32(1) == 1
            if exchange:
                b = _pick(random, mates[a, 0], mates[a, 1])
                shift = bounds[b] - first
                down, down_b = members[first], members[bounds[b]]
                up, up_b = home[seat[down_b] - shift], home[seat[down] + shift]
                change = g[up] + g[up_b] - g[down] - g[down_b]
                if dense:
                    change += matrix[down, down_b] + matrix[up, up_b]
                    change -= matrix[down, up_b] + matrix[down_b, up]
                else:
                    change += _sparse_weight(down, down_b, start, index, weight)
                    change += _sparse_weight(up, up_b, start, index, weight)
                    change -= _sparse_weight(down, up_b, start, index, weight)
                    change -= _sparse_weight(down_b, up, start, index, weight)
            else:
                q = _pick(random, edge, last) if p < edge else _pick(random, first, edge)
                down, up = (members[p], members[q]) if p < edge else (members[q], members[p])
                down_b, up_b = down, up
                change = g[up] - g[down]
                if sizes[a] > 1:  # members of an exactly-one group never meet
                    if dense:
                        change -= matrix[down, up]
                    else:
                        change -= _sparse_weight(down, up, start, index, weight)
            if len(record):
                record[p] = change
            elif change <= thresholds[k] and down != up:
                _move(g, x, down, up, members, place, matrix, start, index, weight)
                if exchange:
                    _move(g, x, down_b, up_b, members, place, matrix, start, index, weight)
    state[1, 0] = random


@compiled
def sweep_rows(
    g: NDArray[Any],
    x: NDArray[np.int8],
    free: NDArray[np.int32],
    groups: Groups,
    rows: Rows,
    temperatures: NDArray[np.float32],
    state: NDArray[np.uint32],
    thresholds: NDArray[np.float32],
) -> None:
    """Sweep over the free variables and the groups once for each temperature, in one read.

    A sweep proposes one flip for each free variable, then for each member of each group one swap
    with a random member of the opposite value, so that every group keeps its number of ones.

    Parameters
    ----------
    g, x, rows
        As in `fields_rows`; `g` and `x` are updated.
    free : ndarray of int32
        Variables outside groups.
    groups : tuple of ndarray
        Updated.
    temperatures : ndarray of float32
    state : ndarray of uint32, shape (2, LANES)
        Random generators, none zero: of the thresholds, and of the partners in swaps. Updated.
    thresholds : ndarray of float32, shape (BLOCK,)
        Room for the thresholds of one block of proposals.
    """
    record = np.empty(0)
    for temperature in temperatures:
        done = 0
        if len(free) == len(x):
            done = _scan_pass(g, x, rows, temperature, state, thresholds)
        _flip_pass(g, x, free[done:], rows, temperature, state, thresholds)
        swap_pass(g, x, groups, rows, temperature, state, thresholds, record)
