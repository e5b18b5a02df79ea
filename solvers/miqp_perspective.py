"""The perspective relaxation of a convex program with indicators, by Clarabel."""

import numpy as np
from numpy.typing import NDArray

from .miqp_model import Convex, Indicators

_Floats = NDArray[np.float64]


def perspective(
    model: Convex, pairs: Indicators, diagonal: _Floats, seconds: float
) -> tuple[_Floats, _Floats] | None:
    """Minimise with ``d x^2`` replaced by ``d x^2 / z`` for every pair; None without a solution.

    The quotient is a variable t with ``x^2 <= t z``, a second-order cone (Akturk, Atamturk and
    Gurel, Operations Research Letters 37, 2009).

    Parameters
    ----------
    diagonal : ndarray of float64, shape (n,)
        As in `miqp_model.relaxation`.
    seconds : float
        Wall time after which it is given up.

    Returns
    -------
    x : ndarray of float64, shape (n,)
        The minimiser.
    level : ndarray of float64, shape (pairs,)
        For each pair the ``a`` whose tangent ``2 a x - a^2 z`` the dual solution names: at these
        levels `miqp_model.relaxation` has the same minimum.
    """
    import clarabel
    from scipy import sparse

    n, rows = len(model.linear), model.rows
    used = np.flatnonzero(diagonal[pairs.member] > 1e-9 * np.abs(model.quadratic).max())
    p = len(used)
    if not p:
        return None
    member, owner, d = pairs.member[used], pairs.owner[used], diagonal[pairs.member[used]]
    linear = model.linear.copy()
    linear[model.binary] += diagonal[model.binary]
    P = sparse.block_diag([2.0 * (model.quadratic - np.diag(diagonal)), np.zeros((p, p))])
    matrix = sparse.vstack([
        sparse.csr_matrix((rows.weight, rows.index, rows.start), shape=(len(rows.low), n)),
        sparse.eye(n),
    ], format="csr")
    low = np.concatenate([rows.low, model.low])
    high = np.concatenate([rows.high, model.high])
    equal = np.flatnonzero(low == high)
    above = np.flatnonzero((low < high) & np.isfinite(high))
    below = np.flatnonzero((low < high) & np.isfinite(low))
    flat = sparse.vstack([matrix[equal], matrix[above], -matrix[below]])
    t = n + np.arange(p)
    first = 3 * np.arange(p)
    # (z + t, 2 x, z - t) lies in the second-order cone.
    cone = sparse.csr_matrix(
        (
            np.concatenate([np.repeat([-1.0, -1.0, -2.0, -1.0, 1.0], p)]),
            (
                np.concatenate([first, first, first + 1, first + 2, first + 2]),
                np.concatenate([owner, t, member, owner, t]),
            ),
        ),
        shape=(3 * p, n + p),
    )
    stacked = sparse.vstack([
        sparse.hstack([flat, sparse.csr_matrix((flat.shape[0], p))]), cone,
    ], format="csc")
    limits = np.concatenate([high[equal], high[above], -low[below], np.zeros(3 * p)])
    cones = [
        clarabel.ZeroConeT(len(equal)), clarabel.NonnegativeConeT(len(above) + len(below)),
        *(clarabel.SecondOrderConeT(3) for _ in range(p)),
    ]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    settings.time_limit = seconds
    found = clarabel.DefaultSolver(
        sparse.triu(P, format="csc"), np.concatenate([linear, d]), stacked, limits, cones, settings
    ).solve()
    if str(found.status) not in ("Solved", "AlmostSolved"):
        return None
    level = np.zeros(len(pairs.member))
    duals = np.asarray(found.z)[len(limits) - 3 * p :]
    # Of the dual cone's (u, v, w), u - w is the cost d of t and -v is d a.
    level[used] = -duals[first + 1] / d
    return np.asarray(found.x)[:n], level
