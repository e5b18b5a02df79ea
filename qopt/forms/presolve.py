"""Bounds on variables that follow from the linear constraints of a program."""

import numpy as np
from numpy.typing import NDArray

from ..errors import InfeasibleError
from .program import TOLERANCE, Constraint, Program

_ROUNDS = 20
"""Passes over the constraints; bounds may creep on for ever in tiny steps."""

_EXACT = 1e-12
"""Relative error allowed for a sum of floats."""


def tighten_bounds(program: Program) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bounds that every feasible answer keeps, by activity of one constraint at a time.

    A constraint ``sum a_i x_i <= b`` bounds each variable by what is left when all others are at
    their best bound. Every answer that `Program.violations` finds feasible lies within the result,
    and bounds of integer variables are whole.

    Returns
    -------
    lower, upper : ndarray of float64, shape (n,)
        Infinite where nothing bounds the variable.

    Raises
    ------
    InfeasibleError
        Where a constraint cannot be met within the bounds; it is named.
    """
    box = _Box(program)
    changed = np.ones(program.num_variables, dtype=bool)
    for _ in range(_ROUNDS):
        box.changed[:] = False
        for item in program.constraints:
            if len(item.indices) == 0 or changed[item.indices].any():
                box.tighten(item)
        if not box.changed.any():
            break
        changed = box.changed.copy()
    return box.lower, box.upper


class _Box:
    """Bounds in the making."""

    def __init__(self, program: Program) -> None:
        self.names = program.names
        self.integer = program.integer
        self.lower, self.upper = program.lower.copy(), program.upper.copy()
        self.changed = np.zeros(program.num_variables, dtype=bool)
        whole = self.integer
        self.lower[whole] = np.ceil(self.lower[whole] - TOLERANCE)
        self.upper[whole] = np.floor(self.upper[whole] + TOLERANCE)
        for i in np.flatnonzero(self.lower > self.upper):
            raise InfeasibleError(
                f"variable {self.names[i]!r} must be whole, and no whole number lies between "
                f"{program.lower[i]:g} and {program.upper[i]:g}"
            )

    def tighten(self, item: Constraint) -> None:
        """Take both sides of a constraint into account."""
        if item.comparator in ("<=", "=="):
            self._tighten_side(item, 1.0)
        if item.comparator in (">=", "=="):
            self._tighten_side(item, -1.0)

    def _tighten_side(self, item: Constraint, sign: float) -> None:
        """Bounds from ``sum a x <= limit``, with ``a`` and ``limit`` those of `item` by `sign`."""
        a, index = sign * item.coefficients, item.indices
        limit = sign * item.rhs + item.tolerance
        least = np.where(a > 0, a * self.lower[index], a * self.upper[index])
        finite = np.isfinite(least)
        total = float(least[finite].sum())
        error = _EXACT * (float(np.abs(least[finite]).sum()) + abs(limit))
        unbounded = len(least) - int(finite.sum())
        if unbounded == 0 and total > limit + error:
            word = "at least" if sign > 0 else "at most"
            raise InfeasibleError(
                f"constraint {item.name!r} cannot be met: its left-hand side is {word} "
                f"{sign * total:g} within the bounds, {item.comparator} {item.rhs:g} is asked"
            )
        if unbounded > 1:
            return
        # What the others leave to each variable; with one unbounded term, to that one alone.
        reach = np.flatnonzero(~finite) if unbounded else np.arange(len(a))
        others = total - np.where(finite, least, 0.0)[reach]
        room = (limit + error - others) / a[reach]
        rising = a[reach] > 0
        self._cap(item, index[reach[rising]], room[rising])
        self._lift(item, index[reach[~rising]], room[~rising])

    def _cap(self, item: Constraint, index: NDArray[np.int64], value: NDArray[np.float64]
                  ) -> None:
        whole = self.integer[index]
        value = np.where(whole, np.floor(value + _room(value)), value)
        better = self._is_better(self.upper[index] - value, index)
        self.upper[index[better]] = value[better]
        self._check(item, index[better])

    def _lift(self, item: Constraint, index: NDArray[np.int64], value: NDArray[np.float64]
                  ) -> None:
        whole = self.integer[index]
        value = np.where(whole, np.ceil(value - _room(value)), value)
        better = self._is_better(value - self.lower[index], index)
        self.lower[index[better]] = value[better]
        self._check(item, index[better])

    def _is_better(self, gain: NDArray[np.float64], index: NDArray[np.int64]
                   ) -> NDArray[np.bool_]:
        """Whether a bound gains enough: anything for whole variables, else a visible share."""
        width = self.upper[index] - self.lower[index]
        least = np.where(self.integer[index], 0.0, 1e-3 * np.where(np.isfinite(width), width, 0.0))
        return np.asarray(gain > least)

    def _check(self, item: Constraint, index: NDArray[np.int64]) -> None:
        self.changed[index] = True
        gap = self.lower[index] - self.upper[index]
        for i in index[gap > 0]:
            if self.lower[i] - self.upper[i] > _room(self.upper[i]):
                raise InfeasibleError(
                    f"constraint {item.name!r} cannot be met: it leaves no value for variable "
                    f"{self.names[i]!r}"
                )
            self.lower[i] = self.upper[i]


def _room(value: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    """What a float may lie off a whole number."""
    return np.asarray(1e-9 * np.maximum(1.0, np.where(np.isfinite(value), np.abs(value), 1.0)))
