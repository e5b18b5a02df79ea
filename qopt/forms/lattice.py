"""A program over whole numbers counted from zero: the step between a program and its bits.

A variable is ``x = base + step * y`` with ``y`` in ``0 .. count``. Constraints become rows with
whole coefficients, ``low <= sum_t A_t y_t <= high``, so that a violation is a whole number of
steps and the smallest possible one is 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor, gcd, lcm

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InfeasibleError, UnsupportedError, UsageError
from .presolve import tighten_bounds
from .program import TOLERANCE, Comparator, Constraint, Program

_LARGEST_DENOMINATOR = 10**6
_WIDEST = 2**31
"""Most values of one variable."""


@dataclass(frozen=True, eq=False)
class Lattice:
    """The values that the variables of a program take, counted from zero.

    Parameters
    ----------
    base, step : ndarray of float64, shape (n,)
        ``x = base + step * y``.
    count : ndarray of int64, shape (n,)
        Largest ``y``; 0 for a variable that the constraints fix.
    discretised : ndarray of bool, shape (n,)
        Continuous variables, of which only some values are left.
    names : tuple of str
        Of the variables, for messages.
    """

    base: NDArray[np.float64]
    step: NDArray[np.float64]
    count: NDArray[np.int64]
    discretised: NDArray[np.bool_]
    names: tuple[str, ...] = field(repr=False)

    def values(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """The program's answer at `counts`."""
        return np.asarray(self.base + self.step * counts, dtype=np.float64)

    def counts(self, values: ArrayLike) -> NDArray[np.int64]:
        """The counts of an answer.

        Raises
        ------
        UsageError
            Where a value is none of those that the lattice has.
        """
        x = np.asarray(values, dtype=np.float64)
        if x.shape != self.base.shape:
            raise UsageError(f"an answer needs {len(self.base)} values, got shape {x.shape}")
        y = np.rint((x - self.base) / self.step).astype(np.int64)
        room = TOLERANCE * np.maximum(1.0, np.abs(x))
        off = ~(np.abs(self.values(y) - x) <= room) | (y < 0) | (y > self.count)
        for i in np.flatnonzero(off):
            last = self.base[i] + self.step[i] * self.count[i]
            raise UsageError(
                f"the lowered model has no code for {self.names[i]} = {x[i]:g}; it takes "
                f"{self.base[i]:g} to {last:g} in steps of {self.step[i]:g}"
            )
        return y


@dataclass(frozen=True, eq=False)
class Row:
    """``low <= sum_t coefficients[t] * y[index[t]] <= high``, all whole.

    Parameters
    ----------
    name : str
        Of the constraint.
    comparator : {"<=", ">=", "=="}
        Of the constraint. The side that it does not bound is bounded by the variables alone.
    index : ndarray of int64, shape (terms,)
        Variables that are not fixed.
    coefficients : ndarray of int64, shape (terms,)
        Their greatest common divisor is 1.
    low, high : int
        No wider than the variables can reach.
    exact : bool
        False where rounding to whole coefficients may exclude feasible answers. It never admits
        an infeasible one.
    """

    name: str
    comparator: Comparator
    index: NDArray[np.int64]
    coefficients: NDArray[np.int64]
    low: int
    high: int
    exact: bool = True


@dataclass(frozen=True, eq=False)
class Conflict:
    """At most one of some literals is true; it needs no slack.

    A literal is ``y`` or, where `negated`, ``1 - y``; each variable is 0 or 1. Many constraints
    are of this kind: ``x + y <= 1``, ``x + y >= 1``, ``x <= y``, ``3 x + 5 y <= 7``, at most one
    of many.

    Parameters
    ----------
    name : str
        Of the constraint.
    index : ndarray of int64, shape (literals,)
        Variables.
    negated : ndarray of bool, shape (literals,)
    """

    name: str
    index: NDArray[np.int64]
    negated: NDArray[np.bool_]


def lattice_of(program: Program, continuous_step: float | None = None) -> Lattice:
    """Count the values of every variable, within the bounds that the constraints leave.

    Parameters
    ----------
    program : Program
    continuous_step : float, optional
        Step between the values left to a continuous variable, from its lower bound.

    Raises
    ------
    InfeasibleError
        Where a constraint cannot be met.
    UnsupportedError
        For a continuous variable without a step, and for one without bounds.
    """
    lower, upper = tighten_bounds(program)
    fixed = lower == upper
    continuous = ~program.integer & ~fixed
    names = program.names
    unbounded = ~(np.isfinite(lower) & np.isfinite(upper))
    if unbounded.any():
        raise UnsupportedError(
            f"variables without finite bounds have no binary code: {_listed(names, unbounded)}; "
            "bound them"
        )
    if continuous.any() and continuous_step is None:
        raise UnsupportedError(
            f"continuous variables have no exact binary code: {_listed(names, continuous)}; "
            "take them in steps (lower.continuous_step=0.1 among the solver's options), or use a "
            "solver for them, milp"
        )
    step = np.ones(program.num_variables)
    base = lower.copy()
    if continuous.any():
        assert continuous_step is not None
        step[continuous] = continuous_step
        anchor = np.where(np.isfinite(program.lower), program.lower, lower)
        first = np.ceil((lower - anchor) / step - 1e-9)
        base = np.where(continuous, anchor + first * step, base)
    count = np.floor((upper - base) / step + 1e-9)
    if (empty := count < 0).any():
        raise UnsupportedError(
            f"no multiple of continuous_step={continuous_step:g} lies within the bounds of "
            f"{_listed(names, empty)}; take a smaller step"
        )
    if (wide := count >= _WIDEST).any():
        raise UnsupportedError(
            f"variables with {_WIDEST} values and more are not coded in bits: "
            f"{_listed(names, wide)}; bound them more tightly"
        )
    return Lattice(base, step, count.astype(np.int64), continuous, names)


def _listed(names: Sequence[str], which: NDArray[np.bool_]) -> str:
    chosen = [names[i] for i in np.flatnonzero(which).tolist()]
    more = f" and {len(chosen) - 5} more" if len(chosen) > 5 else ""
    return ", ".join(chosen[:5]) + more


def rows_of(program: Program, lattice: Lattice, resolution: int) -> list[Row | Conflict]:
    """The constraints over counts; those that the variables' bounds imply are dropped.

    Parameters
    ----------
    program : Program
    lattice : Lattice
        Of `program`.
    resolution : int
        Most steps between the least and the greatest value of a row. A constraint that needs more,
        or whose coefficients are no multiples of a common unit, is rounded to the safe side.

    Raises
    ------
    InfeasibleError
        Where no value of the variables meets a constraint.
    UnsupportedError
        Where only rounding stands in the way.
    """
    found = (_row(item, lattice, resolution) for item in program.constraints)
    return [row for row in found if row is not None]


def _row(item: Constraint, lattice: Lattice, resolution: int) -> Row | Conflict | None:
    free = lattice.count[item.indices] > 0
    if not free.any():
        return None  # kept: the bounds were tightened by it
    index, given = item.indices[free], item.coefficients[free]
    rest = item.rhs - float(item.coefficients @ lattice.base[item.indices])
    slope = given * lattice.step[index]
    count = lattice.count[index]
    least = float(np.minimum(slope * count, 0.0).sum())
    most = float(np.maximum(slope * count, 0.0).sum())
    if (item.comparator == ">=" or most <= rest + TOLERANCE) and (
        item.comparator == "<=" or least >= rest - TOLERANCE
    ):
        return None
    if (conflict := _conflict(item, index, slope, count, rest)) is not None:
        return conflict
    whole = _whole(given, lattice.step[index])
    if whole is not None and int((np.abs(whole[0]) * count.astype(object)).sum()) <= resolution:
        coefficients, unit = whole
        room = min(TOLERANCE / unit, 0.49)
        low, high = ceil(rest / unit - room), floor(rest / unit + room)
        exact = True
    else:
        coefficients, low, high = _rounded(slope, count, rest, resolution)
        exact = False
    return _finish(item, lattice, index, coefficients, low, high, exact)


def _conflict(
    item: Constraint, index: NDArray[np.int64], slope: NDArray[np.float64],
    count: NDArray[np.int64], rest: float,
) -> Conflict | None:
    """The constraint as "at most one literal", where that says the same."""
    if item.comparator == "==" or len(index) < 2 or (count > 1).any():
        return None
    sign = 1.0 if item.comparator == "<=" else -1.0
    a = sign * slope
    limit = sign * rest - float(a[a < 0].sum()) + item.tolerance
    size = np.sort(np.abs(a))
    if size[-1] <= limit < size[0] + size[1]:
        return Conflict(item.name, index, a < 0)
    return None


def _fraction(value: float) -> Fraction | None:
    """The fraction with a small denominator whose nearest float is `value`."""
    near = Fraction(value).limit_denominator(_LARGEST_DENOMINATOR)
    return near if float(near) == value else None


def _whole(
    given: NDArray[np.float64], step: NDArray[np.float64]
) -> tuple[NDArray[np.int64], float] | None:
    """Coefficients times steps as whole multiples of a common unit, and that unit."""
    parts = [_product(_fraction(a), _fraction(s)) for a, s in zip(given, step, strict=True)]
    scale = 1.0
    if any(part is None for part in parts):
        scale = float(np.abs(given * step).min())
        parts = [_fraction(v) for v in given * step / scale]
    fractions = [part for part in parts if part is not None]
    if len(fractions) < len(parts):
        return None
    denominator = lcm(*(f.denominator for f in fractions))
    numbers = [f.numerator * (denominator // f.denominator) for f in fractions]
    divisor = gcd(*numbers)
    if max(map(abs, numbers)) // divisor >= 2**53:
        return None
    whole = np.array([number // divisor for number in numbers], dtype=np.int64)
    return whole, scale * divisor / denominator


def _product(a: Fraction | None, b: Fraction | None) -> Fraction | None:
    return None if a is None or b is None else a * b


def _rounded(
    slope: NDArray[np.float64], count: NDArray[np.int64], rest: float, resolution: int
) -> tuple[NDArray[np.int64], int, int]:
    """Coefficients rounded to `resolution` steps, and limits narrowed by all that rounding errs.

    Whatever keeps the rounded row keeps the constraint within its tolerance.
    """
    span = float(np.abs(slope) @ count)
    scale = resolution / span
    coefficients = np.rint(slope * scale).astype(np.int64)
    error = float(np.abs(coefficients / scale - slope) @ count) + 1e-12 * (span + abs(rest))
    high = floor((rest + TOLERANCE - error) * scale)
    low = ceil((rest - TOLERANCE + error) * scale)
    return coefficients, low, high


def _finish(
    item: Constraint, lattice: Lattice, index: NDArray[np.int64],
    coefficients: NDArray[np.int64], low: int, high: int, exact: bool,
) -> Row | None:
    """Narrow the limits to what the variables can reach; drop a row that they imply."""
    used = coefficients != 0
    index, coefficients = index[used], coefficients[used]
    count = lattice.count[index]
    divisor = int(np.gcd.reduce(coefficients)) if len(coefficients) else 1
    coefficients = coefficients // divisor
    low, high = -(-low // divisor), high // divisor
    least = int(np.minimum(coefficients * count, 0).sum())
    most = int(np.maximum(coefficients * count, 0).sum())
    low = least if item.comparator == "<=" else max(low, least)
    high = most if item.comparator == ">=" else min(high, most)
    if low > high:
        if not exact:
            raise UnsupportedError(
                f"constraint {item.name!r} cannot be kept with coefficients rounded to whole "
                "steps; give them as fractions with small denominators, or a larger resolution"
            )
        if lattice.discretised[index].any():
            raise UnsupportedError(
                f"constraint {item.name!r} cannot be met with values in steps of continuous_step"
            )
        raise InfeasibleError(
            f"constraint {item.name!r} cannot be met: no whole values of its variables give "
            f"{item.comparator} {item.rhs:g}"
        )
    if low == least and high == most:
        return None
    return Row(item.name, item.comparator, index, coefficients, low, high, exact)
