"""Objectives that are the square of one whole variable, solved as that variable itself."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil, floor

import numpy as np

from qopt.forms import Program

_WHOLE = 1e-6
"""What floating point may add to a bound on a whole variable."""


@dataclass(frozen=True)
class SingleSquare:
    """A program whose objective is one of its whole variables, for one that has its square.

    On one side of zero a square grows with what is squared, so that both have the same optima; the
    linear one needs no bits and no products, whose weights span the square of the variable's range.

    Parameters
    ----------
    program : Program
    square : callable
        The source's objective, or a bound on it, from a value of the variable or a bound on that.
    """

    program: Program
    square: Callable[[float], float]


def single_square(program: Program) -> SingleSquare | None:
    """The linear stand-in of a program with one square of a variable of one sign; else None."""
    if len(program.value) != 1 or program.linear.any() or program.row[0] != program.col[0]:
        return None
    i, q = int(program.row[0]), float(program.value[0])
    if not program.integer[i] or (program.lower[i] < 0.0 < program.upper[i]):
        return None
    side = 1.0 if program.lower[i] >= 0.0 else -1.0
    linear = np.zeros(program.num_variables)
    linear[i] = side * np.sign(q)
    least, most = sorted((abs(float(program.lower[i])), abs(float(program.upper[i]))))
    rounding = ceil if program.sense == "minimise" else floor
    inwards = -_WHOLE if program.sense == "minimise" else _WHOLE

    def square(value: float) -> float:
        # A whole variable has a whole bound. The stand-in counts its size, negated with q.
        size = min(max(float(np.sign(q)) * rounding(value + inwards), least), most)
        return q * size**2 + program.offset

    none = np.zeros(0, dtype=np.int64)
    stand_in = replace(program, linear=linear, row=none, col=none, value=np.zeros(0), offset=0.0)
    return SingleSquare(stand_in, square)
