"""Vectors of amplitudes as values of compiled code; numba has none of its own.

A `Lanes` is one machine vector. What is here is called from compiled functions only, and becomes a
few instructions on vectors. A *group* is a tuple of them: the real parts of some vectors of
amplitudes, then their imaginary parts. Amplitudes of a group differ in bits of their index, those
within a vector in the lowest ones.

Mixers are in tangent form, ``I - i t X`` for ``exp(-i beta X) / cos(beta)`` with ``t = tan(beta)``:
two fused multiply-adds an amplitude and qubit.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

import numpy as np
from llvmlite import binding, ir  # type: ignore[import-untyped]  # ships no types
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

VECTOR_BYTES = 64 if binding.get_host_cpu_features().get("avx512f") else 32
"""Bytes of a vector: the widest register of this machine, or two of them where they are shorter."""

_INT = ir.IntType(32)


class Lanes(types.Type):  # type: ignore[misc]  # numba has no types
    """The type of a vector: so many floats or doubles."""

    def __init__(self, dtype: Any, count: int) -> None:
        self.dtype, self.count = dtype, count
        super().__init__(name=f"Lanes({dtype}, {count})")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):  # type: ignore[misc]
    """A vector is one LLVM value."""

    def __init__(self, manager: Any, lanes: Lanes) -> None:
        scalar = ir.FloatType() if lanes.dtype == types.float32 else ir.DoubleType()
        super().__init__(manager, lanes, ir.VectorType(scalar, lanes.count))


def _instruction(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let compiled code call what `function` generates; its first parameter is numba's own."""
    return cast(Callable[..., Any], intrinsic(prefer_literal=True)(function))


def _lanes(array: Any) -> Lanes:
    """The vector that an array of floats is loaded into."""
    return Lanes(array.dtype, 8 * VECTOR_BYTES // array.dtype.bitwidth)


# -- pieces of LLVM -----------------------------------------------------------------------------


def _constant(kind: ir.VectorType, value: float) -> ir.Constant:
    exact = float(np.float32(value)) if kind.element == ir.FloatType() else value
    return ir.Constant(kind, [exact] * kind.count)


def _shuffle(builder: Any, value: Any, order: Iterable[int]) -> Any:
    places = list(order)
    empty = ir.Constant(value.type, ir.Undefined)
    mask = ir.Constant(ir.VectorType(_INT, len(places)), places)
    return builder.shuffle_vector(value, empty, mask)


def _splat(builder: Any, kind: ir.VectorType, value: Any) -> Any:
    empty = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(empty, value, ir.Constant(_INT, 0))
    return _shuffle(builder, first, [0] * kind.count)


def _call(builder: Any, name: str, *arguments: Any) -> Any:
    """One of LLVM's own functions on vectors."""
    kind = arguments[0].type
    suffix = f"v{kind.count}f{32 if kind.element == ir.FloatType() else 64}"
    signature = ir.FunctionType(kind, [kind] * len(arguments))
    function = cgutils.get_or_insert_function(builder.module, signature, f"llvm.{name}.{suffix}")
    return builder.call(function, arguments)


def _fma(builder: Any, a: Any, b: Any, c: Any) -> Any:
    """``a b + c``."""
    return _call(builder, "fma", a, b, c)


def _minus(builder: Any, a: Any, b: Any, c: Any) -> Any:
    """``c - a b``."""
    return _call(builder, "fma", builder.fneg(a), b, c)


def _place(
    context: Any, builder: Any, array_type: Any, array: Any, index: Any, kind: ir.VectorType
) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), kind.as_pointer())


def _load(
    context: Any, builder: Any, array_type: Any, array: Any, index: Any, lanes: Lanes
) -> Any:
    """A vector from an array, whose whole numbers or doubles are converted."""
    source, target = context.get_value_type(array_type.dtype), context.get_value_type(lanes)
    kind = ir.VectorType(source, lanes.count)
    value = builder.load(_place(context, builder, array_type, array, index, kind))
    value.align = array_type.dtype.bitwidth // 8
    if isinstance(source, ir.IntType):
        return builder.sitofp(value, target)
    if source == target.element:
        return value
    widen = source == ir.FloatType()
    return builder.fpext(value, target) if widen else builder.fptrunc(value, target)


def _loads(
    context: Any, builder: Any, array_type: Any, where: Sequence[Any], lanes: Lanes, count: int
) -> list[Any]:
    """Vectors of an array at first, first + step, ...; `where` is these three."""
    array, index, step = where
    values = []
    for _ in range(count):
        values.append(_load(context, builder, array_type, array, index, lanes))
        index = builder.add(index, step)
    return values


def _parts(builder: Any, group: Any) -> tuple[list[Any], list[Any]]:
    """Real and imaginary vectors of a group."""
    values = cgutils.unpack_tuple(builder, group)
    half = len(values) // 2
    return values[:half], values[half:]


def _tuple(context: Any, builder: Any, signature: Any, values: Sequence[Any]) -> Any:
    return context.make_tuple(builder, signature.return_type, list(values))


# -- one vector ---------------------------------------------------------------------------------


@_instruction
def fill(typing_context: Any, array: Any, value: Any) -> Any:
    """A vector of one value, as an array's are loaded."""
    lanes = _lanes(array)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        scalar = arguments[1]
        if array.dtype == types.float32:
            scalar = builder.fptrunc(scalar, ir.FloatType())
        return _splat(builder, context.get_value_type(lanes), scalar)

    return lanes(array, types.float64), generate


@_instruction
def total(typing_context: Any, vector: Any) -> Any:
    """Sum of a vector, in double precision."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value = arguments[0]
        count = value.type.count
        if value.type.element == ir.FloatType():
            value = builder.fpext(value, ir.VectorType(ir.DoubleType(), count))
        while count > 1:
            count //= 2
            low = _shuffle(builder, value, range(count))
            high = _shuffle(builder, value, range(count, 2 * count))
            value = builder.fadd(low, high)
        return builder.extract_element(value, ir.Constant(_INT, 0))

    return types.float64(vector), generate


# -- groups in and out --------------------------------------------------------------------------


@_instruction
def gather(
    typing_context: Any, real: Any, imaginary: Any, first: Any, step: Any, count: Any
) -> Any:
    """The group of `count` vectors at first, first + step, ...; `count` is a constant."""
    lanes, vectors = _lanes(real), count.literal_value
    out = types.UniTuple(lanes, 2 * vectors)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values = [
            value
            for array_type, array in zip(signature.args[:2], arguments[:2], strict=True)
            for value in _loads(
                context, builder, array_type, (array, *arguments[2:4]), lanes, vectors
            )
        ]
        return _tuple(context, builder, signature, values)

    return out(real, imaginary, types.int64, types.int64, count), generate


@_instruction
def scatter(
    typing_context: Any, real: Any, imaginary: Any, first: Any, step: Any, group: Any
) -> Any:
    """Put a group back to where `gather` takes it from."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        halves = _parts(builder, arguments[4])
        for array_type, array, half in zip(signature.args[:2], arguments[:2], halves, strict=True):
            index = arguments[2]
            for value in half:
                place = _place(context, builder, array_type, array, index, value.type)
                builder.store(value, place).align = array_type.dtype.bitwidth // 8
                index = builder.add(index, arguments[3])
        return context.get_dummy_value()

    return types.void(real, imaginary, types.int64, types.int64, group), generate


# -- gates --------------------------------------------------------------------------------------


@_instruction
def mix(typing_context: Any, group: Any, tangent: Any) -> Any:
    """``I - i t X`` on every bit by which the vectors of a group differ."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (re, im), t = _parts(builder, arguments[0]), arguments[1]
        bit = 1
        while bit < len(re):
            re, im = (
                [_fma(builder, t, im[k ^ bit], x) for k, x in enumerate(re)],
                [_minus(builder, t, re[k ^ bit], y) for k, y in enumerate(im)],
            )
            bit *= 2
        return _tuple(context, builder, signature, re + im)

    return group(group, tangent), generate


@_instruction
def mix_within(typing_context: Any, group: Any, tangent: Any) -> Any:
    """``I - i t X`` on every bit by which amplitudes of a vector differ."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (re, im), t = _parts(builder, arguments[0]), arguments[1]
        count, bit = re[0].type.count, 1
        while bit < count:
            other = [k ^ bit for k in range(count)]
            re, im = (
                [
                    _fma(builder, t, _shuffle(builder, y, other), x)
                    for x, y in zip(re, im, strict=True)
                ],
                [
                    _minus(builder, t, _shuffle(builder, x, other), y)
                    for x, y in zip(re, im, strict=True)
                ],
            )
            bit *= 2
        return _tuple(context, builder, signature, re + im)

    return group(group, tangent), generate


def _row(
    context: Any, builder: Any, table_type: Any, table: Any, row: Any, columns: int, kind: Any
) -> list[Any]:
    """The doubles of one row of a table, each a vector of this one value."""
    data = context.make_array(table_type)(context, builder, table).data
    start, values = builder.mul(row, ir.Constant(row.type, columns)), []
    for column in range(columns):
        place = builder.gep(data, [builder.add(start, ir.Constant(row.type, column))])
        value = builder.load(place)
        if kind.element == ir.FloatType():
            value = builder.fptrunc(value, ir.FloatType())
        values.append(_splat(builder, kind, value))
    return values


def _signs(kind: ir.VectorType, bit: int) -> ir.Constant:
    """1 where a bit of the place in a vector is 0, and -1 where it is 1."""
    return ir.Constant(kind, [-1.0 if k & bit else 1.0 for k in range(kind.count)])


@_instruction
def rotate(typing_context: Any, group: Any, gates: Any, qubit: Any) -> Any:
    """``a - i (z Z + x X)`` on every bit by which the vectors of a group differ.

    The lowest of these bits is that of `qubit`, whose row of `gates` is (a, z, x).
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (re, im), row = _parts(builder, arguments[0]), arguments[2]
        kind, bit = re[0].type, 1
        while bit < len(re):
            a, z, x = _row(context, builder, gates, arguments[1], row, 3, kind)
            along = [builder.fneg(z) if k & bit else z for k in range(len(re))]
            pairs = [
                _rotated(builder, (a, along[k], x), (re[k], im[k]), (re[k ^ bit], im[k ^ bit]))
                for k in range(len(re))
            ]
            re, im = [new for new, _ in pairs], [new for _, new in pairs]
            row, bit = builder.add(row, ir.Constant(row.type, 1)), 2 * bit
        return _tuple(context, builder, signature, re + im)

    return group(group, gates, types.int64), generate


@_instruction
def rotate_within(typing_context: Any, group: Any, gates: Any) -> Any:
    """`rotate` on every bit by which amplitudes of a vector differ: the lowest qubits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        re, im = _parts(builder, arguments[0])
        kind, bit = re[0].type, 1
        row = ir.Constant(ir.IntType(64), 0)
        while bit < kind.count:
            a, z, x = _row(context, builder, gates, arguments[1], row, 3, kind)
            gate = a, builder.fmul(z, _signs(kind, bit)), x
            other = [k ^ bit for k in range(kind.count)]
            pairs = [
                _rotated(
                    builder, gate, both, tuple(_shuffle(builder, part, other) for part in both)
                )
                for both in zip(re, im, strict=True)
            ]
            re, im = [new for new, _ in pairs], [new for _, new in pairs]
            row, bit = builder.add(row, ir.Constant(row.type, 1)), 2 * bit
        return _tuple(context, builder, signature, re + im)

    return group(group, gates), generate


def _rotated(
    builder: Any, gate: tuple[Any, Any, Any], own: Any, other: Any
) -> tuple[Any, Any]:
    """``(a - i z) own - i x other``, each a pair of vectors."""
    a, z, x = gate
    re = _fma(builder, z, own[1], builder.fmul(a, own[0]))
    im = _minus(builder, z, own[0], builder.fmul(a, own[1]))
    return _fma(builder, x, other[1], re), _minus(builder, x, other[0], im)


@_instruction
def turn(
    typing_context: Any, group: Any, values: Any, first: Any, step: Any, gamma: Any, factor: Any
) -> Any:
    """Multiply by ``factor exp(-i gamma value)``, the values at first, first + step, ..."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (re, im), (gamma_, factor_) = _parts(builder, arguments[0]), arguments[4:]
        costs = _loads(
            context, builder, signature.args[1], arguments[1:4], group.dtype, len(re)
        )
        pairs = []
        for x, y, cost in zip(re, im, costs, strict=True):
            cosine, sine = _cos_sin(builder, builder.fmul(gamma_, cost))
            cosine, sine = builder.fmul(cosine, factor_), builder.fmul(sine, factor_)
            pairs.append((
                _fma(builder, x, cosine, builder.fmul(y, sine)),
                _minus(builder, x, sine, builder.fmul(y, cosine)),
            ))
        return _tuple(context, builder, signature, [*(x for x, _ in pairs), *(y for _, y in pairs)])

    return group(group, values, types.int64, types.int64, gamma, factor), generate


@_instruction
def turn_both(
    typing_context: Any, left: Any, right: Any, values: Any, first: Any, step: Any, gamma: Any,
    factor: Any,
) -> Any:
    """`turn` for two groups with one cost: both groups, one after the other."""
    out = types.UniTuple(left.dtype, 2 * left.count)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        groups = [_parts(builder, group) for group in arguments[:2]]
        gamma_, factor_ = arguments[5:]
        costs = _loads(
            context, builder, signature.args[2], arguments[2:5], left.dtype, left.count // 2
        )
        phases = []
        for cost in costs:
            cosine, sine = _cos_sin(builder, builder.fmul(gamma_, cost))
            phases.append((builder.fmul(cosine, factor_), builder.fmul(sine, factor_)))
        values_ = []
        for re, im in groups:
            for (cosine, sine), x, y in zip(phases, re, im, strict=True):
                values_.append(_fma(builder, x, cosine, builder.fmul(y, sine)))
            for (cosine, sine), x, y in zip(phases, re, im, strict=True):
                values_.append(_minus(builder, x, sine, builder.fmul(y, cosine)))
        return _tuple(context, builder, signature, values_)

    return out(left, right, values, types.int64, types.int64, gamma, factor), generate


# -- sums ---------------------------------------------------------------------------------------


@_instruction
def weigh(
    typing_context: Any, sums: Any, group: Any, values: Any, first: Any, step: Any
) -> Any:
    """Add ``|amplitude|^2 value`` to a vector of sums."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        re, im = _parts(builder, arguments[1])
        costs = _loads(context, builder, signature.args[2], arguments[2:5], sums, len(re))
        out = arguments[0]
        for x, y, cost in zip(re, im, costs, strict=True):
            out = _fma(builder, _fma(builder, x, x, builder.fmul(y, y)), cost, out)
        return out

    return sums(sums, group, values, types.int64, types.int64), generate


def _add_slope(builder: Any, sums: Any, left: Any, right: Any) -> Any:
    """Add the imaginary part of ``conj(left) right``, each a pair of vectors."""
    out = _fma(builder, left[0], right[1], sums)
    return _minus(builder, left[1], right[0], out)


@_instruction
def slope(typing_context: Any, sums: Any, left: Any, right: Any) -> Any:
    """Add ``Im <left| X |right>`` for every bit by which the vectors of a group differ."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        out = arguments[0]
        bras, kets = (list(zip(*_parts(builder, g), strict=True)) for g in arguments[1:])
        bit = 1
        while bit < len(bras):
            for k, bra in enumerate(bras):
                out = _add_slope(builder, out, bra, kets[k ^ bit])
            bit *= 2
        return out

    return sums(sums, left, right), generate


@_instruction
def slope_within(typing_context: Any, sums: Any, left: Any, right: Any) -> Any:
    """Add ``Im <left| X |right>`` for every bit by which amplitudes of a vector differ."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        out = arguments[0]
        count, bit = out.type.count, 1
        pairs = [zip(*_parts(builder, group), strict=True) for group in arguments[1:]]
        for bra, (x, y) in zip(*pairs, strict=True):
            # The sum over the bits first: every product then serves all of them.
            around = None
            bit = 1
            while bit < count:
                other = [k ^ bit for k in range(count)]
                both = _shuffle(builder, x, other), _shuffle(builder, y, other)
                around = both if around is None else tuple(
                    builder.fadd(a, b) for a, b in zip(around, both, strict=True)
                )
                bit *= 2
            out = _add_slope(builder, out, bra, around)
        return out

    return sums(sums, left, right), generate


@_instruction
def slope_of_values(
    typing_context: Any, sums: Any, left: Any, right: Any, values: Any, first: Any, step: Any
) -> Any:
    """Add ``Im <left| value |right>``."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        out = arguments[0]
        bras, kets = (list(zip(*_parts(builder, g), strict=True)) for g in arguments[1:3])
        costs = _loads(context, builder, signature.args[3], arguments[3:6], sums, len(bras))
        for bra, ket, cost in zip(bras, kets, costs, strict=True):
            both = tuple(builder.fmul(part, cost) for part in ket)
            out = _add_slope(builder, out, bra, both)
        return out

    return sums(sums, left, right, values, types.int64, types.int64), generate


@_instruction
def add_slopes(
    typing_context: Any, sums: Any, left: Any, right: Any, axes: Any, qubit: Any
) -> Any:
    """Add ``Im <left| s X + c Z |right>`` for every bit by which the vectors of a group differ.

    The lowest of these bits is that of `qubit`, whose row of `axes` is (s, c), and whose row of
    `sums` is the vector that is added to.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        bras, kets = (list(zip(*_parts(builder, g), strict=True)) for g in arguments[1:3])
        kind, bit, row = bras[0][0].type, 1, arguments[4]
        same = [
            _add_slope(builder, _constant(kind, 0.0), *both)
            for both in zip(bras, kets, strict=True)
        ]
        while bit < len(bras):
            across = along = _constant(kind, 0.0)
            for k, bra in enumerate(bras):
                across = _add_slope(builder, across, bra, kets[k ^ bit])
                along = (builder.fsub if k & bit else builder.fadd)(along, same[k])
            _add_row(context, builder, signature, arguments, row, across, along)
            row, bit = builder.add(row, ir.Constant(row.type, 1)), 2 * bit
        return context.get_dummy_value()

    return types.void(sums, left, right, axes, types.int64), generate


@_instruction
def add_slopes_within(
    typing_context: Any, sums: Any, left: Any, right: Any, axes: Any
) -> Any:
    """`add_slopes` for every bit by which amplitudes of a vector differ: the lowest qubits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        bras, kets = (list(zip(*_parts(builder, g), strict=True)) for g in arguments[1:3])
        kind, bit = bras[0][0].type, 1
        row, same = ir.Constant(ir.IntType(64), 0), _constant(kind, 0.0)
        for bra, ket in zip(bras, kets, strict=True):
            same = _add_slope(builder, same, bra, ket)
        while bit < kind.count:
            other, across = [k ^ bit for k in range(kind.count)], _constant(kind, 0.0)
            for bra, (x, y) in zip(bras, kets, strict=True):
                both = _shuffle(builder, x, other), _shuffle(builder, y, other)
                across = _add_slope(builder, across, bra, both)
            along = builder.fmul(same, _signs(kind, bit))
            _add_row(context, builder, signature, arguments, row, across, along)
            row, bit = builder.add(row, ir.Constant(row.type, 1)), 2 * bit
        return context.get_dummy_value()

    return types.void(sums, left, right, axes), generate


def _add_row(
    context: Any, builder: Any, signature: Any, arguments: Any, row: Any, across: Any, along: Any
) -> None:
    """Add ``s across + c along`` to a row of sums, by the row (s, c) of axes."""
    kind = across.type
    sine, cosine = _row(context, builder, signature.args[3], arguments[3], row, 2, kind)
    index = builder.mul(row, ir.Constant(row.type, kind.count))
    place = _place(context, builder, signature.args[0], arguments[0], index, kind)
    value = builder.load(place)
    value.align = signature.args[0].dtype.bitwidth // 8
    value = _fma(builder, sine, across, _fma(builder, cosine, along, value))
    builder.store(value, place).align = signature.args[0].dtype.bitwidth // 8


# -- sines --------------------------------------------------------------------------------------

# Moshier's Cephes: polynomials on a quarter turn around 0, and pi / 2 in parts whose multiples are
# exact, so that the reduction loses nothing for phases of many turns.
_SINE = {
    32: (-1.6666654611e-1, 8.3321608736e-3, -1.9515295891e-4),
    64: (
        -1.66666666666666307295e-1, 8.33333333332211858878e-3, -1.98412698295895385996e-4,
        2.75573136213857245213e-6, -2.50507477628578072866e-8, 1.58962301576546568060e-10,
    ),
}
_COSINE = {
    32: (4.166664568298827e-2, -1.388731625493765e-3, 2.443315711809948e-5),
    64: (
        4.16666666666665929218e-2, -1.38888888888730564116e-3, 2.48015872888517045348e-5,
        -2.75573141792967388112e-7, 2.08757008419747316778e-9, -1.13585365213876817300e-11,
    ),
}
_HALF_PI = {
    32: (1.5703125, 4.83751296997e-4, 7.54978995489e-8),
    64: (1.57079625129699707031, 7.54978941586159635335e-8, 5.39030285815811905290e-15),
}


def _cos_sin(builder: Any, x: Any) -> tuple[Any, Any]:
    """Cosines and sines of a vector."""
    kind = x.type
    bits = 32 if kind.element == ir.FloatType() else 64
    whole = ir.VectorType(ir.IntType(bits), kind.count)

    def polynomial(coefficients: Sequence[float], z: Any) -> Any:
        value = _constant(kind, coefficients[-1])
        for coefficient in reversed(coefficients[:-1]):
            value = _fma(builder, value, z, _constant(kind, coefficient))
        return value

    def integer(value: int) -> ir.Constant:
        return ir.Constant(whole, [value] * kind.count)

    quarters = _call(builder, "rint", builder.fmul(x, _constant(kind, 2.0 / math.pi)))
    rest = x
    for part in _HALF_PI[bits]:
        rest = _minus(builder, quarters, _constant(kind, part), rest)
    z = builder.fmul(rest, rest)
    sine = _fma(builder, builder.fmul(polynomial(_SINE[bits], z), z), rest, rest)
    cosine = _fma(builder, _constant(kind, -0.5), z, _constant(kind, 1.0))
    cosine = _fma(builder, builder.fmul(polynomial(_COSINE[bits], z), z), z, cosine)
    quadrant = builder.fptosi(quarters, whole)
    odd = builder.icmp_signed("!=", builder.and_(quadrant, integer(1)), integer(0))

    def signed(value: Any, quarter: Any) -> Any:
        """Turn the sign where the second bit of the quadrant is set."""
        sign = builder.shl(builder.and_(quarter, integer(2)), integer(bits - 2))
        return builder.bitcast(builder.xor(builder.bitcast(value, whole), sign), kind)

    return (
        signed(builder.select(odd, sine, cosine), builder.add(quadrant, integer(1))),
        signed(builder.select(odd, cosine, sine), quadrant),
    )
