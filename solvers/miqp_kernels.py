"""Compiled quadratic programming for branch and bound. Import this module only when solving.

The relaxations of a search tree differ by a few bounds, and most of their variables sit at one.
A dual active-set method (Goldfarb and Idnani, Mathematical Programming 27, 1983) starts from the
constraints that were active at the parent node, and its systems have the size of what is free.

All kernels minimise ``x' H x / 2 + h' x`` where ``low <= x <= high`` and each row of a sparse
matrix (CSR: `start`, `index`, `weight`) lies within ``row_low .. row_high``. Multipliers `y` of
rows and `s` of bounds are above 0 where a lower limit holds and below 0 where an upper one does:
``H x + h = A' y + s``.
"""

from typing import Any

import numpy as np

from .compiled import compiled

OPTIMAL, INFEASIBLE, CUT_OFF, UNSETTLED = 0, 1, 2, 3
"""How a relaxation ended: solved, without any point, not better than the cut-off, or neither."""

_FEASIBLE = 1e-9
"""Violation that counts as none, relative to limits above one."""


@compiled
def _factorise(
    H: Any, start: Any, index: Any, weight: Any, row_status: Any,
    free: Any, n_free: int, place: Any, rows: Any, n_rows: int, L: Any, B: Any, S: Any,
) -> int:
    """Cholesky factors of the system of the working set; rows that depend on others leave it.

    ``L L' = H`` on free variables, ``B = inv(L) A'`` (by rows) and ``S S' = B' B``. Returns the
    number of rows that stay, or -1 where H is not positive definite.
    """
    for a in range(n_free):
        column = H[free[a]]
        for b in range(a + 1):
            total = column[free[b]]
            for k in range(b):
                total -= L[a, k] * L[b, k]
            if a == b:
                if total <= 0.0:
                    return -1
                L[a, a] = np.sqrt(total)
            else:
                L[a, b] = total / L[b, b]
    kept = 0
    for r in range(n_rows):
        row = rows[r]
        for a in range(n_free):
            B[kept, a] = 0.0
        for k in range(start[row], start[row + 1]):
            if place[index[k]] >= 0:
                B[kept, place[index[k]]] = weight[k]
        size = 0.0
        for a in range(n_free):
            total = B[kept, a]
            if total != 0.0 or a > 0:
                for k in range(a):
                    total -= L[a, k] * B[kept, k]
            B[kept, a] = total / L[a, a]
            size += B[kept, a] ** 2
        for q in range(kept):
            total = 0.0
            for a in range(n_free):
                total += B[kept, a] * B[q, a]
            for k in range(q):
                total -= S[kept, k] * S[q, k]
            S[kept, q] = total / S[q, q]
        rest = size
        for k in range(kept):
            rest -= S[kept, k] ** 2
        if size <= 0.0 or rest <= 1e-10 * size:
            row_status[row] = 0
            continue
        S[kept, kept] = np.sqrt(rest)
        rows[kept] = row
        kept += 1
    return kept


@compiled
def _solve(L: Any, B: Any, S: Any, n_free: int, n_rows: int, f: Any, g: Any) -> None:
    """Solve ``H x - A' y = f, A x = g``; x replaces `f` and y replaces `g`."""
    for a in range(n_free):
        total = f[a]
        for k in range(a):
            total -= L[a, k] * f[k]
        f[a] = total / L[a, a]
    for r in range(n_rows):
        total = g[r]
        for a in range(n_free):
            total -= B[r, a] * f[a]
        for k in range(r):
            total -= S[r, k] * g[k]
        g[r] = total / S[r, r]
    for r in range(n_rows - 1, -1, -1):
        g[r] /= S[r, r]
        for k in range(r):
            g[k] -= S[r, k] * g[r]
    for r in range(n_rows):
        for a in range(n_free):
            f[a] += B[r, a] * g[r]
    for a in range(n_free - 1, -1, -1):
        f[a] /= L[a, a]
        for k in range(a):
            f[k] -= L[a, k] * f[a]


@compiled
def _sort_out(
    start: Any, index: Any, weight: Any, status: Any, row_status: Any,
    free: Any, place: Any, rows: Any, pinned: Any, pins: Any,
) -> Any:
    """Lists of what the working set leaves free and of its rows.

    A row with a single free variable pins it: both drop out of the system to solve. `pinned[i]` is
    the free variable of the row ``pins[i]``, and `place` the position of each free variable, -1 of
    those at a bound, -2 of pinned ones.

    Returns
    -------
    n_free, n_rows, n_pins : int
    """
    n_free, n_rows, n_pins = 0, 0, 0
    for i in range(len(status)):
        place[i] = 0 if status[i] == 0 else -1
    for r in range(len(row_status)):
        if row_status[r] == 0:
            continue
        count, last = 0, -1
        for k in range(start[r], start[r + 1]):
            if status[index[k]] == 0:
                count += 1
                last = index[k]
        if count == 0 or (count == 1 and place[last] == -2):
            row_status[r] = 0  # the others say it already
        elif count == 1:
            place[last] = -2
            pinned[n_pins], pins[n_pins] = last, r
            n_pins += 1
        else:
            rows[n_rows] = r
            n_rows += 1
    for i in range(len(status)):
        if place[i] == 0:
            place[i] = n_free
            free[n_free] = i
            n_free += 1
    return n_free, n_rows, n_pins


@compiled
def _on_pins(
    start: Any, index: Any, weight: Any, pinned: Any, pins: Any, n_pins: int, slope: Any,
    multiplier: Any,
) -> None:
    """Multipliers of the rows that pin variables, from what is left of these variables' slopes."""
    for q in range(n_pins):
        row, j = pins[q], pinned[q]
        own = 0.0
        for k in range(start[row], start[row + 1]):
            if index[k] == j:
                own = weight[k]
        multiplier[row] = slope[j] / own
        for k in range(start[row], start[row + 1]):
            slope[index[k]] -= weight[k] * multiplier[row]
        slope[j] = 0.0


@compiled
def _size_under(L: Any, n_free: int, f: Any) -> float:
    """``f' inv(H) f`` on the free variables: the slope if no row were in the working set."""
    v = np.empty(n_free)
    size = 0.0
    for a in range(n_free):
        total = f[a]
        for k in range(a):
            total -= L[a, k] * v[k]
        v[a] = total / L[a, a]
        size += v[a] ** 2
    return size


@compiled
def _keep_possible(low: Any, high: Any, status: Any) -> None:
    """Variables without room sit at their bound, and none sits at a bound that is infinite."""
    for i in range(len(low)):
        if low[i] == high[i] and status[i] == 0:
            status[i] = -1
        if (status[i] == -1 and low[i] == -np.inf) or (status[i] == 1 and high[i] == np.inf):
            status[i] = 0


@compiled
def _minimise(
    H: Any, h: Any, start: Any, index: Any, weight: Any, row_low: Any, row_high: Any,
    low: Any, high: Any, status: Any, row_status: Any, free: Any, n_free: int, place: Any,
    rows: Any, n_rows: int, pinned: Any, pins: Any, n_pins: int, L: Any, B: Any, S: Any,
    f: Any, g: Any, x: Any, y: Any, s: Any,
) -> float:
    """The minimiser on a factorised working set, its multipliers and its value.

    It is calculated anew for each working set, so that errors do not add up, and refined once:
    lent curvature makes the system ill-conditioned.
    """
    n = len(h)
    for i in range(n):
        x[i] = 0.0 if status[i] == 0 else (low[i] if status[i] < 0 else high[i])
    for q in range(n_pins):
        row = pins[q]
        rest, own = row_low[row] if row_status[row] < 0 else row_high[row], 1.0
        for k in range(start[row], start[row + 1]):
            if index[k] == pinned[q]:
                own = weight[k]
            else:
                rest -= weight[k] * x[index[k]]
        x[pinned[q]] = rest / own
    s[:] = h
    y[:] = 0.0
    for j in range(n):
        if x[j] != 0.0:
            for i in range(n):
                s[i] += H[j, i] * x[j]
    for _ in range(3):
        for a in range(n_free):
            f[a] = -s[free[a]]
        for r in range(n_rows):
            row = rows[r]
            g[r] = row_low[row] if row_status[row] < 0 else row_high[row]
            for k in range(start[row], start[row + 1]):
                g[r] -= weight[k] * x[index[k]]
                if place[index[k]] >= 0:
                    f[place[index[k]]] += weight[k] * y[row]
        _solve(L, B, S, n_free, n_rows, f, g)
        for a in range(n_free):
            j = free[a]
            x[j] += f[a]
            for i in range(n):
                s[i] += H[j, i] * f[a]
        for r in range(n_rows):
            y[rows[r]] += g[r]
    value = 0.0
    for i in range(n):
        value += 0.5 * (s[i] + h[i]) * x[i]
    for r in range(n_rows):
        row = rows[r]
        for k in range(start[row], start[row + 1]):
            s[index[k]] -= weight[k] * y[row]
    _on_pins(start, index, weight, pinned, pins, n_pins, s, y)
    for a in range(n_free):
        s[free[a]] = 0.0
    return value


@compiled
def _clean(
    low: Any, high: Any, row_low: Any, row_high: Any, status: Any, row_status: Any, y: Any, s: Any
) -> bool:
    """Take all constraints out of the working set whose multipliers have the wrong sign."""
    wrong = False
    for i in range(len(low)):
        if status[i] != 0 and low[i] < high[i] and s[i] * status[i] > 0.0:
            status[i] = 0
            wrong = True
    for r in range(len(row_low)):
        if row_low[r] < row_high[r] and y[r] * row_status[r] > 0.0:
            row_status[r] = 0
            wrong = True
    return wrong


@compiled
def _most_violated(
    start: Any, index: Any, weight: Any, row_low: Any, row_high: Any, low: Any, high: Any,
    row_status: Any, place: Any, x: Any,
) -> Any:
    """The most violated constraint and its side; rows that are equations come first.

    Returns
    -------
    chosen : int
        A variable, or n and a row, or -1.
    side : int
        -1 where the lower limit is broken, 1 for the upper one.
    """
    n = len(low)
    worst, chosen, side = 0.0, -1, 0
    for r in range(len(row_low)):
        if row_status[r] != 0:
            continue
        activity, norm = 0.0, 1e-300
        for k in range(start[r], start[r + 1]):
            activity += weight[k] * x[index[k]]
            norm = max(norm, abs(weight[k]))
        urgent = 1e6 if row_low[r] == row_high[r] else 1.0
        gap = row_low[r] - activity
        if gap > _FEASIBLE * max(1.0, abs(row_low[r])) and urgent * gap > worst * norm:
            worst, chosen, side = urgent * gap / norm, n + r, -1
        gap = activity - row_high[r]
        if gap > _FEASIBLE * max(1.0, abs(row_high[r])) and urgent * gap > worst * norm:
            worst, chosen, side = urgent * gap / norm, n + r, 1
    for j in range(n):
        if place[j] == -1:
            continue
        gap = low[j] - x[j]
        if gap > _FEASIBLE * max(1.0, abs(low[j])) and gap > worst:
            worst, chosen, side = gap, j, -1
        gap = x[j] - high[j]
        if gap > _FEASIBLE * max(1.0, abs(high[j])) and gap > worst:
            worst, chosen, side = gap, j, 1
    return chosen, side


@compiled
def _direction(
    H: Any, start: Any, index: Any, weight: Any, free: Any, n_free: int, place: Any, rows: Any,
    n_rows: int, pinned: Any, pins: Any, n_pins: int, L: Any, B: Any, S: Any, f: Any, g: Any,
    chosen: int, side: int, dx: Any, ds: Any, dy: Any,
) -> float:
    """How point and multipliers move with the multiplier of a violated constraint.

    Returns
    -------
    slope : float
        By how much the violation shrinks with it; 0 where it does not but for rounding.
    """
    n = len(dx)
    f[:n_free] = 0.0
    g[:n_rows] = 0.0
    dx[:], ds[:], dy[:] = 0.0, 0.0, 0.0
    if chosen >= n:
        for k in range(start[chosen - n], start[chosen - n + 1]):
            ds[index[k]] += side * weight[k]
            if place[index[k]] >= 0:
                f[place[index[k]]] = -side * weight[k]
    else:
        ds[chosen] += side
        if place[chosen] >= 0:
            f[place[chosen]] = -side
    alone = _size_under(L, n_free, f)
    _solve(L, B, S, n_free, n_rows, f, g)
    for a in range(n_free):
        dx[free[a]] = f[a]
        for i in range(n):
            ds[i] += H[free[a], i] * f[a]
    for r in range(n_rows):
        row = rows[r]
        dy[row] = g[r]
        for k in range(start[row], start[row + 1]):
            ds[index[k]] -= weight[k] * g[r]
    _on_pins(start, index, weight, pinned, pins, n_pins, ds, dy)
    slope = 0.0
    if chosen >= n:
        for k in range(start[chosen - n], start[chosen - n + 1]):
            slope -= side * weight[k] * dx[index[k]]
    else:
        slope = -side * dx[chosen]
    return slope if slope > 1e-10 * alone else 0.0


@compiled
def _first_to_leave(
    low: Any, high: Any, row_low: Any, row_high: Any, status: Any, row_status: Any,
    y: Any, s: Any, dy: Any, ds: Any, step: float,
) -> Any:
    """The step at which a multiplier reaches 0, and whose it is (n and a row, or -1 for none)."""
    n, blocking = len(low), -1
    for i in range(n):
        # Multipliers at a lower limit fall to 0, those at an upper one rise to it.
        may = status[i] != 0 and low[i] < high[i] and -status[i] * ds[i] < -1e-13
        if may and s[i] / -ds[i] < step:
            step, blocking = max(0.0, s[i] / -ds[i]), i
    for r in range(len(row_low)):
        may = row_status[r] != 0 and row_low[r] < row_high[r] and -row_status[r] * dy[r] < -1e-13
        if may and y[r] / -dy[r] < step:
            step, blocking = max(0.0, y[r] / -dy[r]), n + r
    return step, blocking


@compiled
def _gap(
    start: Any, index: Any, weight: Any, row_low: Any, row_high: Any, low: Any, high: Any, x: Any,
    chosen: int, side: int,
) -> float:
    """By how much a constraint is broken on one side; at least 0."""
    n = len(low)
    gap: float = 0.0
    if chosen < n:
        gap = low[chosen] - x[chosen] if side < 0 else x[chosen] - high[chosen]
    else:
        row = chosen - n
        gap = row_low[row] if side < 0 else -row_high[row]
        for k in range(start[row], start[row + 1]):
            gap += side * weight[k] * x[index[k]]
    return max(0.0, gap)


@compiled
def dual_active_set(
    H: Any, h: Any, start: Any, index: Any, weight: Any, row_low: Any, row_high: Any,
    low: Any, high: Any, status: Any, row_status: Any, cut_off: float, most: int,
    x: Any, y: Any, s: Any, ray: Any,
) -> Any:
    """Minimise from a working set, which is changed in place.

    Parameters
    ----------
    H : ndarray of float64, shape (n, n)
        Symmetric and positive definite.
    status, row_status : ndarray of int8, shapes (n,) and (m,)
        The working set: -1 at the lower limit, 1 at the upper one, 0 free. Any will do to start.
    cut_off : float
        The method ends when the minimum is known to be above it.
    most : int
        Pivots after which it ends `UNSETTLED`.
    x, y, s, ray : ndarray of float64, shapes (n,), (m,), (n,), (m,)
        Overwritten: point, multipliers of rows and of bounds, and where the constraints contradict
        each other the multipliers of rows that show it.

    Returns
    -------
    code : int
        `OPTIMAL`, `INFEASIBLE`, `CUT_OFF` or `UNSETTLED`.
    pivots : int
    """
    n, m = len(h), len(row_low)
    free, place = np.empty(n, np.int64), np.empty(n, np.int64)
    rows, pinned, pins = np.empty(m, np.int64), np.empty(m, np.int64), np.empty(m, np.int64)
    L = np.empty((n, n))
    widest = min(n, m) + 1
    B, S = np.empty((widest, n)), np.empty((widest, widest))
    f, g = np.empty(n), np.empty(m + 1)
    dx, ds, dy = np.zeros(n), np.zeros(n), np.zeros(m)
    cleaning, pivots = True, 0
    while True:
        _keep_possible(low, high, status)
        n_free, n_rows, n_pins = _sort_out(
            start, index, weight, status, row_status, free, place, rows, pinned, pins
        )
        for r in range(n_free, n_rows):  # a start from elsewhere
            row_status[rows[r]] = 0
        n_rows = _factorise(
            H, start, index, weight, row_status, free, n_free, place, rows, min(n_rows, n_free),
            L, B, S,
        )
        if n_rows < 0:
            return UNSETTLED, pivots
        value = _minimise(
            H, h, start, index, weight, row_low, row_high, low, high, status, row_status, free,
            n_free, place, rows, n_rows, pinned, pins, n_pins, L, B, S, f, g, x, y, s,
        )
        if cleaning and _clean(low, high, row_low, row_high, status, row_status, y, s):
            pivots += 1
            if pivots >= most:
                return UNSETTLED, pivots
            continue
        cleaning = False
        if value > cut_off:
            return CUT_OFF, pivots
        chosen, side = _most_violated(
            start, index, weight, row_low, row_high, low, high, row_status, place, x
        )
        if chosen < 0:
            return OPTIMAL, pivots
        if pivots >= most:
            return UNSETTLED, pivots
        # Along the constraint's multiplier until it holds; multipliers that reach 0 leave.
        while True:
            pivots += 1
            gap = _gap(
                start, index, weight, row_low, row_high, low, high, x, chosen, side
            )
            slope = _direction(
                H, start, index, weight, free, n_free, place, rows, n_rows, pinned, pins, n_pins,
                L, B, S, f, g, chosen, side, dx, ds, dy,
            )
            full = gap / slope if slope > 0.0 else np.inf
            step, blocking = _first_to_leave(
                low, high, row_low, row_high, status, row_status, y, s, dy, ds, full
            )
            if step == np.inf:
                ray[:] = dy
                if chosen >= n:
                    ray[chosen - n] = -side
                return INFEASIBLE, pivots
            if blocking < 0:
                if chosen >= n:
                    row_status[chosen - n] = side
                else:
                    status[chosen] = side
                break
            for i in range(n):
                x[i] += step * dx[i]
                if status[i] != 0:
                    s[i] += step * ds[i]
            for r in range(m):
                y[r] += step * dy[r]
            if blocking >= n:
                row_status[blocking - n] = 0
                y[blocking - n] = 0.0
            else:
                status[blocking] = 0
                s[blocking] = 0.0
            if pivots > most + n + m:
                return UNSETTLED, pivots
            n_free, n_rows, n_pins = _sort_out(
                start, index, weight, status, row_status, free, place, rows, pinned, pins
            )
            n_rows = _factorise(
                H, start, index, weight, row_status, free, n_free, place, rows, n_rows, L, B, S
            )
            if n_rows < 0:
                return UNSETTLED, pivots


@compiled
def safe_bound(
    H: Any, h: Any, regular: Any, centre: Any, start: Any, index: Any, weight: Any, row_low: Any,
    row_high: Any, low: Any, high: Any, x: Any, y: Any, reduced: Any,
) -> float:
    """A lower bound that holds for any `x` and `y`, however inexact.

    A convex function lies above its tangent at `x`; the tangent less ``y' (A x - limits)`` is
    least at a bound of each variable (Neumaier and Shcherbina, Mathematical Programming 99, 2004).
    A multiplier whose limit is infinite counts as 0.

    Parameters
    ----------
    H, h : ndarray
        With the proximal term ``regular (x - centre)^2 / 2``, which is taken out again.
    reduced : ndarray of float64, shape (n,)
        Overwritten: the tangent's slope in each variable, less what the rows account for.
    """
    n, m = len(h), len(row_low)
    reduced[:] = h
    for j in range(n):
        if x[j] != 0.0:
            for i in range(n):
                reduced[i] += H[j, i] * x[j]
    bound = 0.0
    largest = 0.0
    for i in range(n):
        # f(x) - f'(x) x is minus half the quadratic part.
        own = 0.5 * (reduced[i] - h[i]) * x[i]
        bound -= own - 0.5 * regular[i] * x[i] * x[i]
        reduced[i] -= regular[i] * (x[i] - centre[i])
        largest = max(largest, abs(reduced[i]))
    for r in range(m):
        if y[r] == 0.0:
            continue
        limit = row_low[r] if y[r] > 0.0 else row_high[r]
        if abs(limit) == np.inf:
            continue
        bound += y[r] * limit
        for k in range(start[r], start[r + 1]):
            reduced[index[k]] -= weight[k] * y[r]
    for i in range(n):
        if reduced[i] == 0.0:
            continue
        limit = low[i] if reduced[i] > 0.0 else high[i]
        if abs(limit) == np.inf:
            if abs(reduced[i]) > 1e-9 * max(1.0, largest):
                return -np.inf
            bound -= abs(reduced[i] * x[i])
        else:
            bound += reduced[i] * limit
    return bound


@compiled
def _contradiction(
    start: Any, index: Any, weight: Any, row_low: Any, row_high: Any, low: Any, high: Any, ray: Any
) -> bool:
    """Whether rows weighted by `ray` ask for more than the bounds of the variables allow."""
    combined = np.zeros(len(low))
    wanted, size = 0.0, 1e-12
    for r in range(len(ray)):
        if ray[r] == 0.0:
            continue
        limit = row_low[r] if ray[r] > 0.0 else row_high[r]
        if abs(limit) == np.inf:
            continue
        wanted += ray[r] * limit
        size += abs(ray[r]) * max(1.0, abs(limit))
        for k in range(start[r], start[r + 1]):
            combined[index[k]] += weight[k] * ray[r]
    reach = 0.0
    for i in range(len(low)):
        if combined[i] == 0.0:
            continue
        limit = high[i] if combined[i] > 0.0 else low[i]
        if abs(limit) == np.inf:
            if abs(combined[i]) > 1e-11 * size:
                return False
        else:
            reach += combined[i] * limit
    return reach < wanted - 1e-8 * size


@compiled
def relax(
    H: Any, h: Any, regular: Any, tilt: Any, around: Any, start: Any, index: Any, weight: Any,
    row_low: Any, row_high: Any, low: Any, high: Any, status: Any, row_status: Any,
    cut_off: float, most: int, tolerance: float, x: Any, reduced: Any,
) -> Any:
    """Minimise a convex program from a working set, by the proximal point method where needed.

    Where `regular` is above 0 the objective is not strictly convex by itself: H contains it, and
    the minimisation is repeated around its own result (Rockafellar, SIAM Journal on Control and
    Optimization 14, 1976) until bound and value are within `tolerance`.

    Parameters
    ----------
    tilt : ndarray of float64, shape (n,)
        How far beyond its bound the centre of a variable that sits at one is, less in each round.
    around : ndarray of float64, shape (n,)
        The first centre; overwritten by the last one, for a call that goes on.
    x : ndarray of float64, shape (n,)
        Overwritten by the point that is found.
    reduced : ndarray of float64, shape (n,)
        Overwritten as in `safe_bound`.

    Returns
    -------
    code : int
    bound : float
        Safe, whatever the code says.
    pivots : int
    """
    n, m = len(h), len(row_low)
    y, s, ray = np.zeros(m), np.zeros(n), np.zeros(m)
    shifted = h.copy()
    slopes = np.zeros(n)
    best, spent, fading = -np.inf, 0, 1.0
    rounds = 1 + 60 * int(regular.max() > 0.0) if n else 1
    code = UNSETTLED
    for _ in range(rounds):
        for i in range(n):
            shifted[i] = h[i] - regular[i] * around[i]
        code, pivots = dual_active_set(
            H, shifted, start, index, weight, row_low, row_high, low, high, status, row_status,
            cut_off, most - spent, x, y, s, ray,
        )
        spent += pivots
        if code == INFEASIBLE:
            sure = _contradiction(start, index, weight, row_low, row_high, low, high, ray)
            return (INFEASIBLE, np.inf, spent) if sure else (UNSETTLED, best, spent)
        bound = safe_bound(
            H, shifted, regular, around, start, index, weight, row_low, row_high, low, high, x, y,
            slopes,
        )
        if bound > best or best == -np.inf:
            best = bound
            reduced[:] = slopes
        if code == UNSETTLED or best > cut_off:
            return code, best, spent
        if code == CUT_OFF:
            cut_off = np.inf  # the proximal term was what exceeded it
        value = 0.0
        for i in range(n):
            total = h[i] - 0.5 * regular[i] * x[i]
            for j in range(n):
                total += 0.5 * H[i, j] * x[j]
            value += total * x[i]
        if code == OPTIMAL and value - best <= tolerance:
            return OPTIMAL, best, spent
        fading *= 0.1
        for i in range(n):
            around[i] = x[i] + fading * tilt[i] * status[i]
    return code, best, spent


@compiled
def peel(
    inverse: Any, gain: Any, allowed: Any, diagonal: Any, barrier: float, first: int, last: int
) -> None:
    """Move a diagonal out of a positive definite matrix, by coordinate ascent under a barrier.

    Maximises ``gain' d + barrier log det(Q - diag(d))`` over ``d >= 0`` where `allowed`, one
    coordinate after the other, each in closed form (Dong, SIAM Journal on Optimization 26, 2016).

    Parameters
    ----------
    inverse : ndarray of float64, shape (n, n)
        Of ``Q - diag(diagonal)``; changed in place, as is `diagonal`.
    first, last : int
        The coordinates from `first` on, before `last`.
    """
    n = len(gain)
    column = np.empty(n)
    for i in range(first, last):
        if not allowed[i]:
            continue
        step = max(1.0 / inverse[i, i] - barrier / gain[i], -diagonal[i])
        diagonal[i] += step
        # Sherman and Morrison: the matrix loses `step` at (i, i).
        scale = step / (1.0 - step * inverse[i, i])
        column[:] = inverse[i]
        for a in range(n):
            for b in range(n):
                inverse[a, b] += scale * column[a] * column[b]


def prepare() -> None:
    """Compile the kernels, or load their machine code."""
    one, row = np.ones(1), np.zeros(1, np.int64)
    relax(
        np.eye(1), -one, np.zeros(1), np.zeros(1), np.zeros(1), np.array([0, 1]), row, one, -one,
        one, np.zeros(1), one, np.zeros(1, np.int8), np.zeros(1, np.int8), np.inf, 9, 1e-9,
        np.zeros(1), np.zeros(1),
    )
    peel(np.eye(1), one, np.ones(1, np.bool_), np.zeros(1), 0.5, 0, 1)
