"""Whole-number forms of fractional coefficients, with every rounding on the safe side."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from qopt.errors import UnsupportedError
from qopt.forms.program import Constraint
from qopt.forms.whole_numbers import LARGEST, common_denominator, power_below

_LARGEST_ROW = 2.0**58
"""Largest sum of sizes in a whole row of a constraint, of 2**63 that CP-SAT takes."""


@dataclass(frozen=True)
class WholeObjective:
    """A minimisation over ``z >= 0`` with whole coefficients, each rounded down.

    ``(coefficients @ z) / scale + constant`` is at most the true objective, so that a lower bound
    of the one is a lower bound of the other.

    Parameters
    ----------
    coefficients : ndarray of int64, shape (n,)
    scale : float
    constant : float
    exact : bool
        Whether nothing was rounded.
    """

    coefficients: NDArray[np.int64]
    scale: float
    constant: float
    exact: bool

    def true(self, whole: float) -> float:
        """A value or bound of ``coefficients @ z`` in the units of the true objective."""
        return whole / self.scale + self.constant


def whole_objective(
    linear: NDArray[np.float64], width: NDArray[np.float64], constant: float = 0.0
) -> WholeObjective:
    """Whole coefficients for minimising ``linear @ z + constant`` over whole ``0 <= z <= width``.

    Coefficients with a small common denominator are scaled by it. Others are scaled by the power of
    two that brings the largest sum to about 2**50, and rounded down.
    """
    reach = np.abs(linear) * np.maximum(width, 1.0)
    total = float(reach.sum())
    share = float(np.abs(linear).sum()) / total if total > 0.0 else 1.0
    denominator = common_denominator(linear.tolist(), LARGEST * share)
    scale = float(denominator) if denominator is not None else power_below(LARGEST / total)
    whole = np.rint(linear * scale) if denominator is not None else np.floor(linear * scale)
    return WholeObjective(whole.astype(np.int64), scale, constant, denominator is not None)


@dataclass(frozen=True)
class WholeRow:
    """``low <= coefficients @ z <= high`` over whole ``z >= 0``; a side may be None."""

    coefficients: list[int]
    low: int | None
    high: int | None


def whole_rows(
    constraint: Constraint, lower: NDArray[np.float64], width: NDArray[np.float64]
) -> list[WholeRow]:
    """A constraint over ``x = lower + z`` in whole numbers, never tighter than it is.

    Coefficients with a small common denominator are scaled by it. Others are scaled by a power of
    two and rounded to the loose side, so finely that whatever keeps the whole row breaks the
    constraint by less than its tolerance: bounds stay valid and answers stay feasible.

    Parameters
    ----------
    constraint : Constraint
    lower, width : ndarray of float64, shape (terms,)
        Whole, for the constraint's own variables.

    Raises
    ------
    UnsupportedError
        Where that takes numbers too large for 64 bits.
    """
    a, slack = constraint.coefficients, constraint.tolerance / 2.0
    upper_side, lower_side = constraint.comparator != ">=", constraint.comparator != "<="
    small = float(np.abs(a) @ (np.abs(lower) + width)) <= LARGEST
    if small and constraint.rhs.is_integer() and bool((a == np.rint(a)).all()):  # most rows
        side = int(constraint.rhs) - int(a @ lower)
        whole = a.astype(np.int64).tolist()
        return [WholeRow(whole, side if lower_side else None, side if upper_side else None)]
    rhs = Fraction(constraint.rhs)
    most = _LARGEST_ROW / max(1.0, float(width.max(initial=1.0)))
    denominator = common_denominator(a.tolist(), most)
    if denominator is not None:
        whole = [round(c * denominator) for c in a.tolist()]
        shift = sum(c * int(low) for c, low in zip(whole, lower.tolist(), strict=True))
        target = rhs * denominator - shift
        margin = Fraction(min(slack * denominator, 0.25))
        return [
            WholeRow(
                whole,
                ceil(target - margin) if lower_side else None,
                floor(target + margin) if upper_side else None,
            )
        ]
    scale = 2.0 * power_below(max(1.0, float(width.sum())) / slack)
    if scale * float(np.abs(a) @ np.maximum(width, 1.0)) > _LARGEST_ROW:
        raise UnsupportedError(
            f"constraint {constraint.name!r} has fractional coefficients that need more than 64 "
            "bits as whole numbers; solve it with 'milp'"
        )
    target = rhs - sum(Fraction(c) * int(low) for c, low in zip(a, lower, strict=True))
    rows = []
    if upper_side:
        high = floor((target + Fraction(slack)) * Fraction(scale))
        rows.append(WholeRow(np.floor(a * scale).astype(np.int64).tolist(), None, high))
    if lower_side:
        low = ceil((target - Fraction(slack)) * Fraction(scale))
        rows.append(WholeRow(np.ceil(a * scale).astype(np.int64).tolist(), low, None))
    return rows
