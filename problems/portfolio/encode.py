"""Whole numbers as bits inside a program: unary and one-hot codes.

The binary code needs no place here: `qopt.forms.penalise.program_to_qubo` gives it to any integer
variable that is left.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qopt.errors import SizeError
from qopt.forms import Constraint, Lowering, Program
from qopt.forms.program import constraint

MOST_BITS = 4096
"""Most bits; each pair of them has a coefficient."""


@dataclass(frozen=True, eq=False)
class _Code:
    """Variable ``i`` is its lower bound plus the sum of ``worth`` over its bits that are one.

    Parameters
    ----------
    start : ndarray of int64, shape (n + 1,)
        Variable ``i`` has the bits ``start[i] .. start[i + 1] - 1``.
    owner, worth : ndarray of int64, shape (bits,)
    """

    start: NDArray[np.int64]
    owner: NDArray[np.int64]
    worth: NDArray[np.int64]

    @classmethod
    def of(cls, worths: Sequence[NDArray[np.int64]]) -> "_Code":
        lengths = [len(part) for part in worths]
        return cls(
            start=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            owner=np.repeat(np.arange(len(worths)), lengths),
            worth=np.concatenate([np.zeros(0, dtype=np.int64), *worths]),
        )


def unary(program: Program) -> Lowering[Program]:
    """One bit for each unit above the lower bound, all worth 1.

    A sum of the variables stays a sum of bits, so "exactly k in all" becomes an exactly-k group
    that swap moves and XY mixers keep. A value between the bounds has several patterns.
    """
    code = _Code.of([np.ones(count, dtype=np.int64) for count in _counts(program, "unary")])

    def encode(answer: ArrayLike) -> NDArray[np.float64]:
        extra = np.rint(np.asarray(answer) - program.lower).astype(np.int64)
        position = np.arange(len(code.owner)) - code.start[code.owner]
        return np.asarray(position < extra[code.owner], dtype=np.float64)

    return _expand(program, code, (), encode, "unary")


def one_hot(program: Program) -> Lowering[Program]:
    """One bit for each value, of which exactly one is set; a variable of two values takes one bit.

    The lower bound has a bit of its own, worth 0, in every group.
    """
    counts = _counts(program, "one-hot")
    code = _Code.of([
        np.arange(count + 1) if count > 1 else np.ones(count, dtype=np.int64) for count in counts
    ])
    groups = [
        constraint(
            f"{program.names[i]} takes one value", np.arange(code.start[i], code.start[i + 1]),
            1.0, "==", 1.0,
        )
        for i, count in enumerate(counts) if count > 1
    ]

    def encode(answer: ArrayLike) -> NDArray[np.float64]:
        extra = np.rint(np.asarray(answer) - program.lower).astype(np.int64)
        return np.asarray(code.worth == extra[code.owner], dtype=np.float64)

    return _expand(program, code, groups, encode, "one-hot")


def _counts(program: Program, title: str) -> list[int]:
    """How far each variable can rise above its lower bound; an error where that is too much."""
    counts = [int(count) for count in program.upper - program.lower]
    if sum(counts) > MOST_BITS:
        raise SizeError(
            f"the {title} code", sum(counts), MOST_BITS, "bits", "set encoding=binary or max_lots"
        )
    return counts


def _expand(
    program: Program, code: _Code, more: Sequence[Constraint], encode: Any, title: str
) -> Lowering[Program]:
    """The program over bits."""
    base, owner, worth = program.lower, code.owner, code.worth
    pairs = np.zeros((program.num_variables,) * 2)
    pairs[program.row, program.col] = 0.5 * program.value
    pairs += pairs.T
    quadratic = pairs[np.ix_(owner, owner)] * np.multiply.outer(worth, worth)
    row, col = np.nonzero(quadratic)
    model = Program.build(
        sense=program.sense,
        linear=(program.linear + 2.0 * pairs @ base)[owner] * worth,
        row=row, col=col, value=quadratic[row, col],
        offset=program.objective(base),
        constraints=[*(_over_bits(item, program, code) for item in program.constraints), *more],
        names=_names(program, code),
    )

    def decode(bits: ArrayLike) -> NDArray[np.float64]:
        values = base.copy()
        np.add.at(values, owner, worth * np.asarray(bits, dtype=np.float64))
        return values

    note = f"{title} code: {len(owner)} bits for {program.num_variables} whole numbers"
    return Lowering(model, decode, encode, notes=(note,))


def _over_bits(item: Constraint, program: Program, code: _Code) -> Constraint:
    coefficients = np.zeros(program.num_variables)
    coefficients[item.indices] = item.coefficients
    over_bits = coefficients[code.owner] * code.worth
    bits = np.flatnonzero(over_bits)
    rest = item.rhs - float(coefficients @ program.lower)
    return constraint(item.name, bits, over_bits[bits], item.comparator, rest)


def _names(program: Program, code: _Code) -> list[str]:
    """The name itself for a single bit; ``AAPL[2]`` for the third of several."""
    lengths = np.diff(code.start)
    return [
        program.names[i] if lengths[i] == 1 else f"{program.names[i]}[{k - code.start[i]}]"
        for k, i in enumerate(code.owner.tolist())
    ]
