"""Convex quadratic programs over continuous variables, by the interior-point solver Clarabel."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import SolverError, UsageError

Verdict = Literal["optimal", "infeasible", "unbounded"]


@dataclass(frozen=True, eq=False)
class ConvexSolution:
    """What is known of a convex program.

    Parameters
    ----------
    verdict : {"optimal", "infeasible", "unbounded"}
    values : ndarray of float64, shape (n,)
        The minimiser to about eight digits; NaN unless optimal.
    objective : float
        Its value; infinite for an infeasible program, minus infinite for an unbounded one.
    bound : float
        The dual objective: no point is better, up to the solver's accuracy.
    duals : ndarray of float64, shape (rows,)
        Multiplier of each row: by how much the objective falls when its active limit is relaxed,
        above 0 where the upper limit holds, below 0 where the lower one does. NaN unless optimal.
    """

    verdict: Verdict
    values: NDArray[np.float64] = field(repr=False)
    objective: float
    bound: float
    duals: NDArray[np.float64] = field(repr=False)


def minimise_convex(
    quadratic: ArrayLike,
    linear: ArrayLike,
    matrix: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    *,
    seconds: float = np.inf,
) -> ConvexSolution:
    """Minimise ``x' quadratic x + linear' x`` where ``lower <= matrix x <= upper``.

    Parameters
    ----------
    quadratic : array-like of float, shape (n, n)
        Symmetric and positive semi-definite; a matrix that is not is an error of the caller.
    linear : array-like of float, shape (n,)
    matrix : array-like of float, shape (rows, n), or a scipy sparse matrix
    lower, upper : array-like of float, shape (rows,)
        Infinite where a row has no such limit; equal for an equation.
    seconds : float
        Wall time after which it is given up, between two iterations.

    Returns
    -------
    ConvexSolution

    Raises
    ------
    UsageError
        Where shapes do not fit or a lower limit is above the upper one.
    SolverError
        Where the solver ends without a verdict, or the time is up.

    Notes
    -----
    Clarabel: Goulart and Chen, "Clarabel: An interior-point solver for conic programs with
    quadratic objectives" (2024), https://arxiv.org/abs/2405.12762.
    """
    import clarabel
    from scipy import sparse

    q = np.asarray(linear, dtype=np.float64)
    rows = sparse.csr_matrix(matrix, dtype=np.float64)
    low, high = np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64)
    P = sparse.csc_matrix(quadratic, dtype=np.float64)
    if P.shape != (len(q), len(q)) or rows.shape != (len(low), len(q)) or low.shape != high.shape:
        raise UsageError(
            f"a convex program of {len(q)} variables and {len(low)} rows got matrices of shapes "
            f"{P.shape} and {rows.shape}"
        )
    if (low > high).any():
        raise UsageError(f"row {int(np.argmax(low > high))} has a lower limit above its upper one")
    equal = np.flatnonzero(low == high)
    above = np.flatnonzero((low < high) & np.isfinite(high))
    below = np.flatnonzero((low < high) & np.isfinite(low))
    stacked = sparse.vstack([rows[equal], rows[above], -rows[below]], format="csc")
    limits = np.concatenate([high[equal], high[above], -low[below]])
    cones = [clarabel.ZeroConeT(len(equal)), clarabel.NonnegativeConeT(len(above) + len(below))]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    settings.time_limit = seconds
    # The interface takes half of x'Px, and its upper triangle.
    solver = clarabel.DefaultSolver(
        sparse.triu(2.0 * P, format="csc"), q, stacked, limits, cones, settings
    )
    found = solver.solve()
    status = str(found.status)
    if status not in ("Solved", "AlmostSolved"):
        return _without_answer(status, len(q), len(low))
    z = np.asarray(found.z)
    duals = np.zeros(len(low))
    duals[equal] = z[: len(equal)]
    duals[above] = z[len(equal) : len(equal) + len(above)]
    duals[below] -= z[len(equal) + len(above) :]
    x = np.asarray(found.x)
    value = float(x @ (P @ x) + q @ x)
    return ConvexSolution("optimal", x, value, float(found.obj_val_dual), duals)


def _without_answer(status: str, variables: int, rows: int) -> ConvexSolution:
    nothing, none = np.full(variables, np.nan), np.full(rows, np.nan)
    if "PrimalInfeasible" in status:
        return ConvexSolution("infeasible", nothing, np.inf, np.inf, none)
    if "DualInfeasible" in status:
        return ConvexSolution("unbounded", nothing, -np.inf, -np.inf, none)
    raise SolverError(f"Clarabel ended without a verdict: {status}")
