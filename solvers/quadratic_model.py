"""A program as libraries of integer quadratic programming take it: arrays, minimised, scaled."""

from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import inf

import numpy as np
from numpy.typing import NDArray

from qopt.errors import UnsupportedError
from qopt.forms import Program
from qopt.forms.program import Constraint

from .bounds import implied_bounds
from .milp_model import TOLERANCE, objective_scale, row_scale
from .miqp_model import Rows

_Floats = NDArray[np.float64]
_Ints = NDArray[np.int64]

_LARGEST_WHOLE_ROW = 2.0**28
"""Largest sum of sizes of a row of whole variables: from 2**29 on CPLEX 22, from 2**38 on Gurobi 13
and from 2**48 on SCIP 10 cut answers off and call the others optimal, or none feasible."""

_NO_BOUND = 1e18
"""Size from which a bound stands for none (CPLEX, SCIP and Xpress take 1e20 so). A row that were
scaled to such a variable would be lost among tolerances."""

_WHOLE = 1e-6
"""What a bound of a whole variable may lack of a whole number."""


@dataclass(frozen=True, eq=False)
class QuadraticModel:
    """Minimise ``linear' x + sum_e value_e x_row[e] x_col[e]`` over rows and bounds.

    The objective is ``sign * scale * (objective - offset)`` of the program, where `scale` is a
    power of two: the libraries' tolerances are absolute and meant for coefficients around one.
    Squares of binaries, and products with fixed variables, are linear terms. Rows without
    variables are left out.

    Parameters
    ----------
    linear, lower, upper : ndarray of float64, shape (n,)
        Bounds of whole variables are whole.
    integer : ndarray of bool, shape (n,)
    row, col : ndarray of int64, shape (m,)
        Pairs with ``row <= col``.
    value : ndarray of float64, shape (m,)
    rows : Rows
        Each has one limit, or two that are equal.
    scale, sign, offset : float
        `sign` is -1 where the program maximises.
    unseen : float
        Most that all coefficients together can add to the program's objective that, once scaled,
        are within the tolerances of a library.
    whole : bool
        Whether the objective is whole at every answer.
    """

    linear: _Floats = field(repr=False)
    lower: _Floats = field(repr=False)
    upper: _Floats = field(repr=False)
    integer: NDArray[np.bool_] = field(repr=False)
    row: _Ints = field(repr=False)
    col: _Ints = field(repr=False)
    value: _Floats = field(repr=False)
    rows: Rows = field(repr=False)
    scale: float = 1.0
    sign: float = 1.0
    offset: float = 0.0
    unseen: float = 0.0
    whole: bool = False

    @property
    def num_variables(self) -> int:
        """Number of variables."""
        return len(self.linear)

    @property
    def num_multiplied(self) -> int:
        """Number of variables in quadratic terms, which licences count."""
        return len(np.union1d(self.row, self.col))

    @property
    def binary_products(self) -> bool:
        """Whether quadratic terms are of binaries alone, which can always be made convex."""
        binary = self.integer & (self.lower >= 0.0) & (self.upper <= 1.0)
        return bool(binary[self.row].all() and binary[self.col].all())

    @property
    def density(self) -> float:
        """Share of the pairs of multiplied variables that are products."""
        n = self.num_multiplied
        return len(self.value) / max(1.0, 0.5 * n * (n - 1))

    @property
    def senses(self) -> list[str]:
        """L, G or E of each row."""
        low, high = self.rows.low, self.rows.high
        return [
            "E" if a == b else "L" if a == -inf else "G" for a, b in zip(low, high, strict=True)
        ]

    @property
    def sides(self) -> list[float]:
        """Right-hand side of each row."""
        return [float(a if b == inf else b)
                for a, b in zip(self.rows.low, self.rows.high, strict=True)]

    def row_terms(self) -> list[tuple[list[int], list[float]]]:
        """Variables and coefficients of each row."""
        start = self.rows.start.tolist()
        index, weight = self.rows.index.tolist(), self.rows.weight.tolist()
        return [(index[a:b], weight[a:b]) for a, b in pairwise(start)]

    def products(self) -> list[tuple[int, int, float]]:
        """The quadratic terms."""
        return list(zip(self.row.tolist(), self.col.tolist(), self.value.tolist(), strict=True))

    def true(self, value: float) -> float:
        """A value or bound of the model in the program's units and sense."""
        return self.sign * value / self.scale + self.offset


def quadratic_model(program: Program, *, objective: bool = True) -> QuadraticModel | None:
    """The model of a program; None where bounds or an empty row leave no answer.

    Parameters
    ----------
    program : Program
    objective : bool
        Whether the model has the program's objective, or none.

    Raises
    ------
    UnsupportedError
        For rows of whole variables that are beyond floating point.
    """
    whole = program.integer
    lower, upper = program.lower.copy(), program.upper.copy()
    lower[whole], upper[whole] = np.ceil(lower[whole] - _WHOLE), np.floor(upper[whole] + _WHOLE)
    empty = [item for item in program.constraints if not len(item.indices)]
    nothing = np.zeros(0)
    if (lower > upper).any() or any(item.excess(nothing) > item.tolerance for item in empty):
        return None
    linear, row, col, value = _minimised(program, lower, upper)
    if not objective:
        linear, row, col, value = 0.0 * linear, row[:0], col[:0], value[:0]
    largest = np.concatenate([linear, value])
    scale = objective_scale(largest)
    return QuadraticModel(
        linear=scale * linear, lower=lower, upper=upper, integer=whole,
        row=row, col=col, value=scale * value, rows=_rows(program),
        scale=scale, sign=1.0 if program.sense == "minimise" else -1.0, offset=program.offset,
        unseen=_unseen(program, linear, row, col, value, scale),
        whole=bool(scale == 1.0 and (largest == np.rint(largest)).all() and whole.all()),
    )


def _minimised(
    program: Program, lower: _Floats, upper: _Floats
) -> tuple[_Floats, _Ints, _Ints, _Floats]:
    """Objective to minimise; squares of binaries and products with fixed variables are linear.

    Xpress 9.9 takes a product of a fixed and a free binary for 0.
    """
    sign = 1.0 if program.sense == "minimise" else -1.0
    row, col, value = program.row, program.col, program.value
    binary = program.integer & (lower >= 0.0) & (upper <= 1.0)
    fixed = lower == upper
    linear = program.linear.copy()
    square = (row == col) & binary[row]
    first, second = fixed[row] & ~square, fixed[col] & ~fixed[row]
    np.add.at(linear, row[square], value[square])
    np.add.at(linear, col[first], value[first] * lower[row[first]])
    np.add.at(linear, row[second], value[second] * lower[col[second]])
    kept = ~(square | first | second)
    return sign * linear, row[kept], col[kept], sign * value[kept]


def _rows(program: Program) -> Rows:
    reach = np.maximum(np.abs(program.lower), np.abs(program.upper))
    reach[reach >= _NO_BOUND] = 1.0
    items = []
    for item in program.constraints:
        _check_row(program, item, reach)
        factor = row_scale(program, item, reach)
        items.append(
            replace(item, coefficients=factor * item.coefficients, rhs=factor * item.rhs)
        )
    return Rows.of(replace(program, constraints=tuple(c for c in items if len(c.indices))))


def _check_row(program: Program, item: Constraint, reach: _Floats) -> None:
    size = max(float(np.abs(item.coefficients) @ reach[item.indices]), abs(item.rhs))
    if size > _LARGEST_WHOLE_ROW and program.integer[item.indices].all():
        raise UnsupportedError(
            f"constraint {item.name!r} sums to {size:g}; above 2**28 = {_LARGEST_WHOLE_ROW:.0f} of "
            "whole variables, branch and bound in floating point loses answers; take larger units, "
            "or solve it with 'cpsat'"
        )


def _unseen(
    program: Program, linear: _Floats, row: _Ints, col: _Ints, value: _Floats, scale: float
) -> float:
    small = (linear != 0.0) & (np.abs(linear) * scale < TOLERANCE)
    tiny = np.abs(value) * scale < TOLERANCE
    if not (small.any() or tiny.any()):
        return 0.0
    low, high = implied_bounds(program)
    reach = np.maximum(np.abs(low), np.abs(high))
    total = np.abs(linear[small]) @ reach[small]
    return float(total + np.abs(value[tiny]) @ (reach[row[tiny]] * reach[col[tiny]]))
