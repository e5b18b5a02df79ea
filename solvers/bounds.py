"""Variable bounds that the linear constraints of a program imply."""

import numpy as np
from numpy.typing import NDArray

from qopt.forms import Program

_ROUNDS = 8
"""Passes over the constraints; chains longer than this are left to the solver's presolve."""

_SLACK = 1e-6
"""Added before rounding, so that a bound never cuts off what the program's tolerance accepts."""


def implied_bounds(program: Program) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bounds of every variable, tightened by the activity of each constraint.

    A variable of ``sum_j a_j x_j <= b`` is at most ``b`` less the least that all others can add.
    Bounds of whole variables are rounded inwards. Where a lower bound ends up above the upper one,
    the program is infeasible.

    Returns
    -------
    lower, upper : ndarray of float64, shape (n,)
    """
    whole = program.integer
    lower, upper = program.lower.copy(), program.upper.copy()
    lower[whole] = np.ceil(lower[whole] - _SLACK)
    upper[whole] = np.floor(upper[whole] + _SLACK)
    for _ in range(_ROUNDS):
        before = (lower.copy(), upper.copy())
        for constraint in program.constraints:
            sides = {"<=": (1.0,), ">=": (-1.0,), "==": (1.0, -1.0)}[constraint.comparator]
            for sign in sides:
                _propagate(
                    constraint.indices,
                    sign * constraint.coefficients,
                    sign * constraint.rhs,
                    whole,
                    lower,
                    upper,
                )
        if np.array_equal(before[0], lower) and np.array_equal(before[1], upper):
            break
        if (lower > upper).any():
            break
    return lower + 0.0, upper + 0.0  # no negative zeros


def _propagate(
    indices: NDArray[np.int64],
    coefficients: NDArray[np.float64],
    rhs: float,
    whole: NDArray[np.bool_],
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
) -> None:
    """Tighten `lower` and `upper` in place by ``coefficients @ x[indices] <= rhs``."""
    least = np.where(
        coefficients > 0, coefficients * lower[indices], coefficients * upper[indices]
    )
    unbounded = np.isinf(least)
    if unbounded.sum() > 1:
        return
    # With one unbounded term, only that term's own variable learns something.
    told = unbounded if unbounded.any() else np.ones(len(indices), dtype=bool)
    rest = least[~unbounded].sum()
    others = np.where(unbounded, rest, rest - least)[told]
    kept, weight = indices[told], coefficients[told]
    limit = (rhs - others) / weight
    # The margin is what the program's own tolerance accepts, and more than rounding above.
    margin = _SLACK * np.maximum(np.maximum(1.0, np.abs(limit)), max(1.0, abs(rhs)) / abs(weight))
    high = np.where(whole[kept], np.floor(limit + margin), limit + margin)
    low = np.where(whole[kept], np.ceil(limit - margin), limit - margin)
    upper[kept] = np.where(weight > 0, np.minimum(upper[kept], high), upper[kept])
    lower[kept] = np.where(weight > 0, lower[kept], np.maximum(lower[kept], low))
