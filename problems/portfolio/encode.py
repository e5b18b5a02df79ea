"""Whole numbers as bits inside a program: the unary code.

The one-hot code is written by `.variables`, which knows what each number of lots means; the binary
code needs no place here: `qopt.forms.penalise.program_to_qubo` gives it to any integer variable
that is left.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qopt.errors import SizeError
from qopt.forms import Constraint, Lowering, Program
from qopt.forms.program import constraint

MOST_BITS = 4096
"""Most bits; each pair of them has a coefficient."""


def unary(program: Program, chosen: NDArray[np.bool_]) -> Lowering[Program]:
    """One bit for each unit above the lower bound of some of the variables, all worth 1.

    A sum of the variables stays a sum of bits, so "exactly k in all" becomes an exactly-k group
    that swap moves and XY mixers keep. A value between the bounds has several patterns. The other
    variables stay as they are.

    Parameters
    ----------
    program : Program
    chosen : ndarray of bool, shape (n,)
        Which variables are written so; they are whole and bounded.
    """
    counts = np.where(chosen, program.upper - program.lower, 1.0)
    if counts.sum() > MOST_BITS:
        raise SizeError(
            "the unary code", int(counts.sum()), MOST_BITS, "bits", "set encoding=binary or "
            "max_lots"
        )
    counts = counts.astype(np.int64)
    owner = np.repeat(np.arange(len(counts)), counts)
    start = np.cumsum(counts) - counts
    base = np.where(chosen, program.lower, 0.0)
    pairs = np.zeros((program.num_variables,) * 2)
    pairs[program.row, program.col] = 0.5 * program.value
    pairs += pairs.T
    quadratic = pairs[np.ix_(owner, owner)]
    row, col = np.nonzero(quadratic)
    model = Program.build(
        sense=program.sense,
        linear=(program.linear + 2.0 * pairs @ base)[owner],
        row=row, col=col, value=quadratic[row, col],
        offset=program.objective(base),
        lower=np.where(chosen, 0.0, program.lower)[owner],
        upper=np.where(chosen, 1.0, program.upper)[owner],
        integer=program.integer[owner],
        constraints=[_over_bits(item, base, owner) for item in program.constraints],
        names=[
            program.names[i] if counts[i] == 1 else f"{program.names[i]}[{k - start[i]}]"
            for k, i in enumerate(owner.tolist())
        ],
    )

    def decode(bits: ArrayLike) -> NDArray[np.float64]:
        values = base.copy()
        np.add.at(values, owner, np.asarray(bits, dtype=np.float64))
        return values

    def encode(answer: ArrayLike) -> NDArray[np.float64]:
        extra = np.asarray(answer, dtype=np.float64) - base
        position = np.arange(len(owner)) - start[owner]
        bits = np.asarray(position < np.rint(extra)[owner], dtype=np.float64)
        return np.where(chosen[owner], bits, extra[owner])

    note = f"unary code: {int(counts[chosen].sum())} bits for {int(chosen.sum())} whole numbers"
    return Lowering(model, decode, encode, notes=(note,))


def _over_bits(
    item: Constraint, base: NDArray[np.float64], owner: NDArray[np.int64]
) -> Constraint:
    coefficients = np.zeros(len(base))
    coefficients[item.indices] = item.coefficients
    over_bits = coefficients[owner]
    bits = np.flatnonzero(over_bits)
    rest = item.rhs - float(coefficients @ base)
    return constraint(item.name, bits, over_bits[bits], item.comparator, rest)
