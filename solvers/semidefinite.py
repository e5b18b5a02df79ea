"""Lower bounds of a quadratic form over spins, by semidefinite relaxation with triangle cuts.

For symmetric C, ``min z'Cz`` over ``z`` in {-1, +1}^n is relaxed to ``min <C, X>`` over positive
semidefinite X with ones on the diagonal (Goemans and Williamson, Journal of the ACM 42, 1995,
1115-1145), and tightened by the triangle inequalities of the cut polytope as they are violated
(Rendl, Rinaldi and Wiegele, Mathematical Programming 121, 2010, 307-335: BiqMac). Any multipliers
``y`` of the diagonal and ``t >= 0`` of the triangles give the bound

    sum(y) - sum(t) + n lambda_min(C - Diag(y) - T'(t))

since the trace of X is n. They are found by quasi-Newton steps on a smoothed dual, whose smoothing
is taken back in steps (Malick and Roupin, Mathematical Programming 140, 2013, 99-124; Krislock,
Malick and Roupin, ACM Transactions on Mathematical Software 43, 2017, 32: BiqCrunch). Equations
``a'z = 0`` put X on a face of the cone: the matrix is projected onto the space that they leave.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .semidefinite_kernels import mix, sides, subtract_cuts, violated

_Floats = NDArray[np.float64]
_Cuts = NDArray[np.int32]

_EPSILON = float(np.finfo(np.float64).eps)

_MIXING_SWEEPS = 200
_MIXING_ENOUGH = 1e-7
"""Sweeps of the mixing method, and the gain of one, as a share of all costs, that ends it."""

_PIECE = 1 << 24
"""Multiplications of the mixing method between two looks at the clock."""

_SLACK = 0.02
"""Least violation for which a triangle is added."""

_SEPARATED = 400
"""Spins among which triangles are looked for at once: a tenth of a second."""

_INACTIVE = 1e-7
"""Multiplier, as a share of the largest one, below which a triangle is dropped."""

NO_CUTS: _Cuts = np.zeros((0, 4), dtype=np.int32)


@dataclass(frozen=True)
class Quadratic:
    """``min z'Cz`` over spins with ``z_0 = 1`` and ``A z = 0``.

    Parameters
    ----------
    cost : ndarray of float64, shape (n, n)
        Symmetric, zero diagonal.
    equations : ndarray of float64, shape (m, n)
        Rows ``a`` with ``a'z = 0``; whole numbers.
    """

    cost: _Floats
    equations: _Floats

    @property
    def size(self) -> int:
        """Number of spins, the fixed one included."""
        return len(self.cost)

    @cached_property
    def face(self) -> _Floats | None:
        """Orthonormal basis, as columns, of what the equations leave; None where all is left."""
        rows = self.equations[np.abs(self.equations).any(axis=1)]
        if not len(rows):
            return None
        full, triangle = np.linalg.qr(rows.T, mode="complete")
        rank = int((np.abs(np.diag(triangle)) > 1e-9 * np.abs(triangle).max()).sum())
        if rank < len(rows):  # rows that depend on each other: a decomposition that tells
            full, values, _ = np.linalg.svd(rows.T)
            rank = int((values > 1e-9 * values[0]).sum())
        return np.ascontiguousarray(full[:, rank:])


def spin_form(
    linear: _Floats, coupling: _Floats, weights: _Floats, sums: _Floats
) -> tuple[Quadratic, float]:
    """Bits as spins ``z = 1 - 2 x`` beside a fixed spin 0, and the constant that comes off.

    Parameters
    ----------
    linear : ndarray of float64, shape (n,)
    coupling : ndarray of float64, shape (n, n)
        Symmetric, zero diagonal: the coefficient of each pair, twice.
    weights : ndarray of float64, shape (m, n)
    sums : ndarray of float64, shape (m,)
        Equations ``weights @ x == sums``, of whole numbers.
    """
    n = len(linear)
    cost = np.zeros((n + 1, n + 1))
    cost[1:, 1:] = coupling / 8.0
    cost[0, 1:] = cost[1:, 0] = -linear / 4.0 - coupling.sum(axis=1) / 8.0
    equations = np.column_stack([2.0 * sums - weights.sum(axis=1), weights])
    constant = float(linear.sum() / 2.0 + coupling.sum() / 8.0)
    return Quadratic(cost, equations), constant


@dataclass
class Multipliers:
    """A point of the dual problem, and the bound that it gives.

    Parameters
    ----------
    diagonal : ndarray of float64, shape (n,)
    cuts : ndarray of int32, shape (cuts, 4)
        Triangles, as in `semidefinite_kernels.subtract_cuts`.
    weights : ndarray of float64, shape (cuts,)
        At least 0.
    """

    diagonal: _Floats
    cuts: _Cuts = field(default_factory=lambda: NO_CUTS)
    weights: _Floats = field(default_factory=lambda: np.zeros(0))


def dual_matrix(problem: Quadratic, at: Multipliers) -> _Floats:
    """``C - Diag(y) - T'(t)``, projected onto the face of the equations."""
    matrix = problem.cost.copy()
    np.fill_diagonal(matrix, -at.diagonal)
    subtract_cuts(matrix, at.cuts, at.weights)
    if problem.face is not None:
        matrix = problem.face.T @ matrix @ problem.face
    return matrix


def margin(problem: Quadratic, at: Multipliers) -> float:
    """What rounding can have added to a bound at these multipliers.

    The eigenvalues of LAPACK are exact for a matrix that differs from the given one by at most a
    modest multiple of the size times epsilon, relative to its norm (LAPACK Users' Guide, section
    4.7.1). The multiple is taken as 16, which covers the assembly and projection of the matrix,
    too.
    """
    n = problem.size
    mass = float(np.abs(at.diagonal).sum() + 3.0 * at.weights.sum())
    return 16.0 * n * n * _EPSILON * (float(np.linalg.norm(problem.cost)) + mass)


def first_multipliers(problem: Quadratic, ended: Callable[[], bool]) -> Multipliers:
    """Multipliers of the relaxation without cuts and equations, by the mixing method."""
    n = problem.size
    rank = int(np.ceil(np.sqrt(2.0 * n))) + 1
    vectors = np.random.default_rng(n).normal(size=(n, rank))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    enough = _MIXING_ENOUGH * float(np.abs(problem.cost).sum())
    piece = max(1, _PIECE // (n * n * rank))
    for _ in range(0, _MIXING_SWEEPS, piece):
        if ended() or mix(problem.cost, vectors, piece, enough) < piece:
            break
    return Multipliers(-np.linalg.norm(problem.cost @ vectors, axis=1))


class _EnoughError(Exception):
    """Ends the library's steps: the bound suffices, or the time is over."""


class Ascent:
    """Raises the bound of one problem by quasi-Newton steps and further triangles.

    Parameters
    ----------
    problem : Quadratic
    start : Multipliers
    target : float
        A bound from which on nothing more is needed.
    ended : callable
        Asked at every step whether to end.
    told : callable
        Given every better bound.

    Attributes
    ----------
    best : float
        The best bound so far, less the `margin` for rounding.
    at : Multipliers
        Where it was found.
    gram : ndarray of float64, shape (n, n)
        The matrix X of the last step: an approximate solution of the relaxation.
    size : float
        A bound's size for one entry of X: the unit in which smoothing is chosen.
    """

    def __init__(
        self, problem: Quadratic, start: Multipliers, target: float, ended: Callable[[], bool],
        told: Callable[[float], None] = lambda bound: None,
    ) -> None:
        self.problem, self.target, self.ended, self.told = problem, target, ended, told
        self.at, self.best = start, -np.inf
        self.gram: _Floats = np.eye(problem.size)
        self.size = abs(float(start.diagonal.sum())) / problem.size**2 or 1.0
        self.steps = 0
        self._cuts, self._weights, self._diagonal = start.cuts, start.weights, start.diagonal
        self._smoothing = 1.0
        self._found = np.zeros((8 * problem.size, 4), dtype=np.int32)

    def climb(self, smoothing: float, steps: int) -> bool:
        """Take quasi-Newton steps at one smoothing; whether there is more to be done."""
        from scipy.optimize import minimize

        n = self.problem.size
        if self.problem.face is not None and not self.problem.face.shape[1]:
            return False  # no spins keep the equations
        self._smoothing = smoothing
        start = np.concatenate([self._diagonal, self._weights])
        free: list[tuple[float | None, None]] = [(None, None)] * n
        bounds = [*free, *[(0.0, None)] * len(self._cuts)]
        try:
            minimize(
                self._value, start, jac=True, method="L-BFGS-B", bounds=bounds,
                options={"maxiter": steps, "maxfun": steps + steps // 2, "maxcor": 10, "ftol": 1e-9,
                         "gtol": 1e-3},
            )
        except _EnoughError:
            return False
        return True

    def _value(self, point: _Floats) -> tuple[float, _Floats]:
        """The smoothed dual and its gradient, both negated; keeps the best bound."""
        if self.ended():
            raise _EnoughError
        n, face, alpha = self.problem.size, self.problem.face, self._smoothing
        here = Multipliers(point[:n].copy(), self._cuts, point[n:].copy())
        self._diagonal, self._weights = here.diagonal, here.weights
        values, vectors = np.linalg.eigh(dual_matrix(self.problem, here))
        total = float(here.diagonal.sum() - here.weights.sum())
        self.steps += 1
        bound = total + n * float(values[0]) - margin(self.problem, here)
        if bound > self.best:
            self.best, self.at = bound, here
            self.told(bound)
        negative = int(np.searchsorted(values, 0.0))
        low = values[:negative]
        part = vectors[:, :negative] * np.sqrt(-low / alpha)
        if face is not None:
            part = face @ part
        self.gram = part @ part.T
        if self.best > self.target:
            raise _EnoughError
        out = np.empty(len(self._cuts))
        sides(self.gram, self._cuts, out)
        smoothed = total - float(low @ low) / (2.0 * alpha) - alpha * n * n / 2.0
        gradient = np.concatenate([np.diag(self.gram) - 1.0, 1.0 + out])
        return -smoothed, gradient

    def cut(self, least: float = _SLACK) -> int:
        """Drop triangles that do nothing, add those that are violated; how many were added."""
        found = self._violated(least)
        keep = self._weights > _INACTIVE * self._weights.max(initial=0.0)
        self._cuts, self._weights = self._cuts[keep], self._weights[keep]
        known = {row.tobytes() for row in self._cuts}
        new = np.array([row for row in found if row.tobytes() not in known], dtype=np.int32)
        new = new.reshape(-1, 4)
        self._cuts = np.ascontiguousarray(np.concatenate([self._cuts, new]))
        self._weights = np.concatenate([self._weights, np.zeros(len(new))])
        return len(new)

    def _violated(self, least: float) -> _Cuts:
        """The triangles that the last matrix violates most, among some spins of many."""
        n = self.problem.size
        spins = np.arange(n, dtype=np.int32)
        if n > _SEPARATED:
            chosen = np.random.default_rng(self.steps).choice(n, _SEPARATED, replace=False)
            spins = np.sort(chosen).astype(np.int32)
        gram = self.gram[np.ix_(spins, spins)]
        scale = np.sqrt(np.maximum(np.diag(gram), 1e-9))
        found = self._found[: violated(gram / np.outer(scale, scale), least, self._found)]
        return np.column_stack([spins[found[:, :3]], found[:, 3]])


def prepare() -> None:
    """Compile what bounds use."""
    problem = Quadratic(np.ones((4, 4)) - np.eye(4), np.zeros((0, 4)))
    ascent = Ascent(problem, first_multipliers(problem, lambda: False), np.inf, lambda: False)
    for _ in range(2):
        ascent.climb(0.1, 2)
        ascent.cut(-1.0)
