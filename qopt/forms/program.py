"""The mixed-integer program with a quadratic objective and linear constraints."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, UsageError

if TYPE_CHECKING:
    from .lowering import Lowering
    from .qubo import Qubo

Sense = Literal["minimise", "maximise"]
Comparator = Literal["<=", ">=", "=="]

TOLERANCE = 1e-6
"""Violation that still counts as satisfied, as in the MILP solvers; see `tolerance`."""


def tolerance(limit: float) -> float:
    """Violation of a limit that counts as rounding.

    A millionth, as in the MILP solvers, a billionth of limits above 1000, and never more than a
    thousandth, so that whole units always count. Beyond 1e11 it is what sums of doubles are off by.
    """
    size = abs(limit)
    return min(max(TOLERANCE, 1e-9 * size), max(1e-3, 1e-14 * size))


@dataclass(frozen=True, eq=False)
class Constraint:
    """``sum_t coefficients[t] * x[indices[t]]  (<=, >= or ==)  rhs``.

    Parameters
    ----------
    name : str
        For messages; shown when the constraint is violated.
    indices : ndarray of int64, shape (terms,)
        Variable indices, without repeats.
    coefficients : ndarray of float64, shape (terms,)
        Coefficients, none zero.
    comparator : {"<=", ">=", "=="}
    rhs : float
        Right-hand side.
    """

    name: str
    indices: NDArray[np.int64] = field(repr=False)
    coefficients: NDArray[np.float64] = field(repr=False)
    comparator: Comparator
    rhs: float

    def activity(self, values: NDArray[np.float64]) -> float:
        """Left-hand side at `values`."""
        return float(self.coefficients @ values[self.indices])

    def excess(self, values: NDArray[np.float64]) -> float:
        """By how much `values` break the constraint; 0 where they keep it."""
        gap = self.activity(values) - self.rhs
        if self.comparator == "<=":
            return max(0.0, gap)
        if self.comparator == ">=":
            return max(0.0, -gap)
        return abs(gap)

    @property
    def tolerance(self) -> float:
        """Violation below which the constraint counts as kept."""
        return tolerance(self.rhs)


@dataclass(frozen=True, eq=False)
class Program:
    """Optimise ``offset + linear' x + sum_e value_e x_row[e] x_col[e]`` under linear constraints.

    An answer is a vector of float64, shape (n,), integral where `integer` says so.

    Parameters
    ----------
    sense : {"minimise", "maximise"}
    lower, upper : ndarray of float64, shape (n,)
        Bounds, infinite where there is none. A binary variable is integer with bounds 0 and 1.
    integer : ndarray of bool, shape (n,)
        Whether a variable must be whole.
    linear : ndarray of float64, shape (n,)
        Linear objective coefficients.
    row, col : ndarray of int64, shape (m,)
        Pairs of the quadratic objective with ``row <= col`` (squares included), sorted, unique.
    value : ndarray of float64, shape (m,)
        Pair coefficients, none zero.
    offset : float
    constraints : tuple of Constraint
    names : tuple of str
        One for each variable, all different; empty stands for ``x0, x1, ...``.

    Raises
    ------
    InputError
        Where a coefficient is not finite, bounds cross, an index is out of range or a name repeats.
    """

    sense: Sense
    lower: NDArray[np.float64] = field(repr=False)
    upper: NDArray[np.float64] = field(repr=False)
    integer: NDArray[np.bool_] = field(repr=False)
    linear: NDArray[np.float64] = field(repr=False)
    row: NDArray[np.int64] = field(repr=False)
    col: NDArray[np.int64] = field(repr=False)
    value: NDArray[np.float64] = field(repr=False)
    offset: float = 0.0
    constraints: tuple[Constraint, ...] = field(default=(), repr=False)
    names: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        n = len(self.linear)
        if self.sense not in ("minimise", "maximise"):
            raise UsageError(f"sense must be 'minimise' or 'maximise', got {self.sense!r}")
        if not (len(self.lower) == len(self.upper) == len(self.integer) == n):
            raise InputError("bounds, kinds and coefficients of a program differ in length")
        if not self.names:
            object.__setattr__(self, "names", tuple(f"x{i}" for i in range(n)))
        if len(self.names) != n or len(set(self.names)) != n:
            raise InputError("a program needs one name for each variable, all different")
        finite = (self.linear, self.value, np.asarray([self.offset]))
        if not all(np.isfinite(part).all() for part in finite):
            raise InputError("an objective coefficient is NaN or infinite; it must be finite")
        if np.isnan(self.lower).any() or np.isnan(self.upper).any():
            raise InputError("a variable bound is NaN")
        crossed = np.flatnonzero(self.lower > self.upper)
        if len(crossed):
            i = int(crossed[0])
            raise InputError(
                f"variable {self.names[i]!r} has bounds {self.lower[i]:g} > {self.upper[i]:g}"
            )
        if len(self.row) and (
            self.row.min() < 0 or self.col.max() >= n or (self.row > self.col).any()
        ):
            raise InputError(f"objective pairs must satisfy 0 <= row <= col < {n}")
        for constraint in self.constraints:
            _check_constraint(constraint, n)

    @classmethod
    def build(
        cls,
        *,
        sense: Sense = "minimise",
        linear: ArrayLike,
        row: ArrayLike = (),
        col: ArrayLike = (),
        value: ArrayLike = (),
        offset: float = 0.0,
        lower: ArrayLike = 0.0,
        upper: ArrayLike = 1.0,
        integer: ArrayLike = True,
        constraints: Sequence[
            tuple[str, ArrayLike, ArrayLike, Comparator, float] | Constraint
        ] = (),
        names: Sequence[str] = (),
    ) -> "Program":
        """Make a program from arrays in any order; scalars are broadcast, repeats are summed.

        A constraint is a `Constraint` or ``(name, indices, coefficients, comparator, rhs)``, where
        a scalar coefficient stands for all indices. The defaults make every variable binary.
        """
        lin = np.array(linear, dtype=np.float64)
        n = len(lin)
        r, c = np.asarray(row, dtype=np.int64), np.asarray(col, dtype=np.int64)
        v = np.asarray(value, dtype=np.float64)
        if not (r.shape == c.shape == v.shape) or r.ndim != 1:
            raise InputError("row, col and value of an objective must be vectors of equal length")
        if len(r) and (min(r.min(), c.min()) < 0 or max(r.max(), c.max()) >= n):
            raise InputError(f"objective indices must lie in 0..{n - 1}")
        keys, where = np.unique(np.minimum(r, c) * n + np.maximum(r, c), return_inverse=True)
        total = np.bincount(where, weights=v, minlength=len(keys)).astype(np.float64)
        keep = total != 0.0
        keys, total = keys[keep], total[keep]
        divisor = max(n, 1)
        return cls(
            sense=sense,
            lower=np.broadcast_to(np.asarray(lower, dtype=np.float64), n).copy(),
            upper=np.broadcast_to(np.asarray(upper, dtype=np.float64), n).copy(),
            integer=np.broadcast_to(np.asarray(integer, dtype=np.bool_), n).copy(),
            linear=lin,
            row=keys // divisor,
            col=keys % divisor,
            value=total,
            offset=float(offset),
            constraints=tuple(
                item if isinstance(item, Constraint) else constraint(*item) for item in constraints
            ),
            names=tuple(names),
        )

    def __repr__(self) -> str:
        return (
            f"Program({self.sense}, {self.num_variables} variables "
            f"({int(self.binary.sum())} binary), {len(self.constraints)} constraints, "
            f"{len(self.value)} quadratic terms)"
        )

    @property
    def num_variables(self) -> int:
        """Number of variables."""
        return len(self.linear)

    @cached_property
    def binary(self) -> NDArray[np.bool_]:
        """Which variables are integer with bounds 0 and 1 (or fixed to one of them), shape (n,)."""
        return np.asarray(self.integer & (self.lower >= 0.0) & (self.upper <= 1.0))

    def objective(self, values: ArrayLike) -> float:
        """Objective at `values`, shape (n,), in the program's own sense."""
        x = np.asarray(values, dtype=np.float64)
        return float(self.offset + self.linear @ x + self.value @ (x[self.row] * x[self.col]))

    def violations(self, values: ArrayLike) -> list[tuple[str, float]]:
        """What `values` break, as (sentence, amount) pairs; empty where they are feasible."""
        x = np.asarray(values, dtype=np.float64)
        if x.shape != (self.num_variables,):
            raise UsageError(f"an answer needs {self.num_variables} values, got shape {x.shape}")
        found: list[tuple[str, float]] = []
        for i in np.flatnonzero(~np.isfinite(x)):
            found.append((f"{self.names[i]} = {x[i]} is not a number", float("inf")))
        if found:
            return found
        slack = np.array([tolerance(value) for value in x.tolist()])
        for i in np.flatnonzero(x < self.lower - slack):
            found.append(
                (f"{self.names[i]} = {x[i]:g} below its bound {self.lower[i]:g}",
                 float(self.lower[i] - x[i]))
            )
        for i in np.flatnonzero(x > self.upper + slack):
            found.append(
                (f"{self.names[i]} = {x[i]:g} above its bound {self.upper[i]:g}",
                 float(x[i] - self.upper[i]))
            )
        for i in np.flatnonzero(self.integer & (np.abs(x - np.rint(x)) > TOLERANCE)):
            distance = float(abs(x[i] - np.rint(x[i])))
            found.append((f"{self.names[i]} = {x[i]:g} is not whole", distance))
        for c in self.constraints:
            excess = c.excess(x)
            if excess > c.tolerance:
                text = f"{c.name}: {c.activity(x):g} {c.comparator} {c.rhs:g} broken"
                found.append((text, excess))
        return found

    # -- other forms and libraries ------------------------------------------------------------

    def to_qubo(self, **options: Any) -> "Lowering[Qubo]":
        """Lower to a QUBO; the options are those of `qopt.forms.penalise.program_to_qubo`."""
        from .penalise import program_to_qubo

        return program_to_qubo(self, **options)

    def to_qiskit(self) -> Any:
        """As a `qiskit_optimization.QuadraticProgram`."""
        from .convert_qiskit import program_to_qiskit

        return program_to_qiskit(self)

    @classmethod
    def from_qiskit(cls, quadratic_program: Any) -> "Program":
        """From a `qiskit_optimization.QuadraticProgram`; its translators read docplex models."""
        from .convert_qiskit import program_from_qiskit

        return program_from_qiskit(quadratic_program)

    def to_dimod(self) -> Any:
        """As a `dimod.ConstrainedQuadraticModel`, which minimises: a maximisation is negated."""
        from .convert_dimod import program_to_dimod

        return program_to_dimod(self)

    @classmethod
    def from_dimod(cls, cqm: Any) -> "Program":
        """From a `dimod.ConstrainedQuadraticModel`; spins ``s`` become bits ``(s + 1) / 2``."""
        from .convert_dimod import program_from_dimod

        return program_from_dimod(cqm)

    def to_pulp(self) -> tuple[Any, list[Any]]:
        """As a `pulp.LpProblem`, and its variables in this order; linear objectives only."""
        from .convert_pulp import program_to_pulp

        return program_to_pulp(self)

    @classmethod
    def from_pulp(cls, problem: Any) -> "Program":
        """From a `pulp.LpProblem`; variables are in the order of their names."""
        from .convert_pulp import program_from_pulp

        return program_from_pulp(problem)


def constraint(
    name: str, indices: ArrayLike, coefficients: ArrayLike, comparator: Comparator, rhs: float
) -> Constraint:
    """Make a `Constraint`: a scalar coefficient is broadcast, repeats summed, zeros dropped."""
    idx = np.atleast_1d(np.asarray(indices, dtype=np.int64))
    coef = np.broadcast_to(np.asarray(coefficients, dtype=np.float64), idx.shape)
    keys, where = np.unique(idx, return_inverse=True)
    total = np.bincount(where, weights=coef, minlength=len(keys)).astype(np.float64)
    keep = total != 0.0
    return Constraint(name, keys[keep], total[keep], comparator, float(rhs))


def _check_constraint(item: Constraint, n: int) -> None:
    if item.comparator not in ("<=", ">=", "=="):
        raise UsageError(f"constraint {item.name!r}: comparator {item.comparator!r} is unknown")
    if not (np.isfinite(item.coefficients).all() and np.isfinite(item.rhs)):
        raise InputError(f"constraint {item.name!r} has a NaN or infinite coefficient")
    if len(item.indices) and (item.indices.min() < 0 or item.indices.max() >= n):
        raise InputError(f"constraint {item.name!r} names a variable outside 0..{n - 1}")
