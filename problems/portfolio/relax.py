"""A portfolio's model without whole variables: convex programs, solved at once.

With integrality left out they bound what any portfolio can reach; where nothing was whole they give
the best weights themselves.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.convex import ConvexSolution, minimise_convex

from .lowering import Model

Floats = NDArray[np.float64]

_NEAR, _CLOSE, _EXACT = 1e-5, 1e-4, 1e-12
"""How near to a limit a minimiser is held by it; how far it may move for that; and what is no
violation then."""


def cheapest(
    model: Model, risk: float, reward: float, *, expected: float | None = None,
    exactly: bool = True,
) -> ConvexSolution:
    """Minimise ``risk * variance - reward * return`` over the model's variables, whole or not.

    Constants are left out of the objective. The expected return may be given. Where only the bound
    is of interest, the minimiser need not meet its limits to the last digit, `exactly`.
    """
    matrix, lower, upper = _rows(model)
    if expected is not None:
        from scipy import sparse

        size = float(np.abs(model.slope).max(initial=0.0)) or 1.0
        matrix = sparse.vstack([matrix, sparse.csr_matrix(model.slope[None, :] / size)])
        rest = (expected - model.intercept) / size
        lower, upper = np.append(lower, rest), np.append(upper, rest)
    square, linear = risk * model.square, risk * model.linear - reward * model.slope
    # Returns and variances are small; the solver's accuracy is that of numbers near 1.
    unit = max(float(np.abs(square).max(initial=0.0)), float(np.abs(linear).max(initial=0.0)))
    unit = unit or 1.0
    minimise = _minimise if exactly else minimise_convex
    found = minimise(square / unit, linear / unit, matrix, lower, upper)
    return replace(
        found, objective=unit * found.objective, bound=unit * found.bound, duals=unit * found.duals
    )


def steepest(model: Model, risk_free: float) -> Floats | None:
    """The variables, whole or not, with the largest Sharpe ratio; None where none is positive.

    With ``y = x t`` for a factor ``t >= 0`` the variance of ``y`` is minimised at an excess return
    of 1: Cornuejols and Tutuncu, Optimization Methods in Finance (2006), section 8.2.
    """
    from scipy import sparse

    matrix, lower, upper = _rows(model)
    count, size = len(model.slope), _scale(model, risk_free)
    excess = np.append(model.slope, model.intercept - risk_free) / size
    limits = [excess[None, :], np.eye(1, count + 1, count)]
    bounds: list[tuple[float, float]] = [(1.0, 1.0), (0.0, np.inf)]
    dense = matrix.toarray()
    for sign, side in ((1.0, upper), (-1.0, lower)):
        known = np.isfinite(side)
        limits.append(sign * np.column_stack([dense[known], -side[known]]))
        bounds += [(-np.inf, 0.0)] * int(known.sum())
    low, high = (np.array(part) for part in zip(*bounds, strict=True))
    unit = float(np.abs(homogeneous(model)).max()) or 1.0
    found = _minimise(
        homogeneous(model) / unit, np.zeros(count + 1), sparse.csr_matrix(np.vstack(limits)),
        low, high,
    )
    if found.verdict != "optimal" or found.values[-1] <= 1e-9:
        return None
    return np.asarray(found.values[:-1] / found.values[-1])


def _minimise(
    square: Floats, linear: Floats, matrix: Any, lower: Floats, upper: Floats
) -> ConvexSolution:
    """As `minimise_convex`; then limits that hold the minimiser are met to the last digit.

    An interior point stays a little inside of its limits. The minimiser over the limits that hold
    it, taken as equations, takes its place if it is close by and keeps all others.
    """
    from scipy.linalg import lstsq

    found = minimise_convex(square, linear, matrix, lower, upper)
    if found.verdict != "optimal":
        return found
    rows, x = matrix.toarray(), found.values
    at = rows @ x
    limit = np.where(found.duals > 0.0, upper, lower)
    near = np.abs(at - limit) <= _NEAR * np.maximum(1.0, np.abs(at))
    holds = (lower == upper) | (near & (np.abs(found.duals) > np.abs(at - limit)))
    active, count = rows[holds], len(x)
    system = np.block([[2.0 * square, active.T], [active, np.zeros((len(active),) * 2)]])
    right = np.concatenate([-linear, limit[holds]])
    # A pivoted QR decomposition takes a tenth of the time of singular values.
    solved = lstsq(
        system, right, cond=np.finfo(np.float64).eps * len(system), lapack_driver="gelsy"
    )[0][:count]
    at = rows @ solved
    keeps = (at >= lower - _EXACT).all() and (at <= upper + _EXACT).all()
    if not keeps or np.abs(solved - x).max(initial=0.0) > _CLOSE * (1.0 + np.abs(x).max(initial=0)):
        return found
    value = float(solved @ square @ solved + linear @ solved)
    return replace(found, values=solved, objective=value)


def homogeneous(model: Model) -> Floats:
    """The matrix ``H`` with variance ``(x, 1)' H (x, 1)``, shape (variables + 1, variables + 1)."""
    half = 0.5 * model.linear[:, None]
    return np.block([[model.square, half], [half.T, np.array([[model.constant]])]])


def _scale(model: Model, risk_free: float) -> float:
    """The largest return in size, so that coefficients are near 1."""
    sizes = np.abs(np.append(model.slope, model.intercept - risk_free))
    return float(sizes.max()) or 1.0


def _rows(model: Model) -> tuple[Any, Floats, Floats]:
    """Constraints and bounds as ``lower <= matrix x <= upper``."""
    from scipy import sparse

    items, rows = model.variables.items, model.constraints
    count = len(items)
    matrix = np.zeros((len(rows), count))
    for k, row in enumerate(rows):
        matrix[k, row.indices] = row.coefficients
    rhs = np.array([row.rhs for row in rows])
    kinds = np.array([row.comparator for row in rows])
    low = np.where(kinds == "<=", -np.inf, rhs)
    high = np.where(kinds == ">=", np.inf, rhs)
    return (
        sparse.csr_matrix(np.vstack([matrix, np.eye(count)])),
        np.concatenate([low, [item.lower for item in items]]),
        np.concatenate([high, [item.upper for item in items]]),
    )
