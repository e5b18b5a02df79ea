"""Where a warm start begins: probabilities of the bits, from a relaxation or a classical answer."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from qopt.errors import UsageError
from qopt.forms import Qubo
from qopt.solver import Budget, Progress

from ..annealing import SimulatedAnnealing

if TYPE_CHECKING:
    from scipy.sparse import csr_array

WarmStartName = Literal["none", "convex", "multilinear", "annealing"]

DEFAULT_EPSILON = {"convex": 0.1, "multilinear": 0.1, "annealing": 0.25}
"""How far probabilities are kept from 0 and 1; for rounded starts as Egger et al. have it."""

_SWEEPS = 100
"""Sweeps of the one annealing walk that gives a start."""

Vector = NDArray[np.float64]
Relaxation = Literal["convex", "multilinear"]

_STARTS = 4
"""Random starts of a relaxation that is not convex, beside the halves."""

_DENSE = 200
"""Variables up to which eigenvalues are those of a dense matrix."""

_TOLERANCE = 1e-6
"""Part of itself by which an eigenvalue of a larger matrix may be off."""


@dataclass(frozen=True, eq=False)
class WarmStart:
    """Where a circuit starts instead of in the uniform superposition.

    Parameters
    ----------
    method : str
    epsilon : float
    probabilities : ndarray of float64, shape (n,)
        Of ones, before `epsilon` keeps them from 0 and 1.
    """

    method: str
    epsilon: float
    probabilities: Vector = field(repr=False)

    @property
    def tilts(self) -> Vector:
        """Rotations of the qubits; see `tilts_of`."""
        return tilts_of(self.probabilities, self.epsilon)

    @property
    def bits(self) -> NDArray[np.int8]:
        """The classical answer that it stands for: every probability rounded."""
        return (self.probabilities > 0.5).astype(np.int8)


def warm_start(qubo: Qubo, method: WarmStartName, epsilon: float | None, seed: int) -> WarmStart:
    """Find a start classically.

    Parameters
    ----------
    qubo : Qubo
        Without groups: penalise them first.
    method : {"convex", "multilinear", "annealing"}
        A relaxation of `relaxed`, or the answer of one short walk of simulated annealing.
    epsilon : float, optional
        0.1 for relaxations and 0.25 for annealing if left out.
    seed : int
    """
    if epsilon is None:
        epsilon = DEFAULT_EPSILON[method]
    if method in ("convex", "multilinear"):
        random = np.random.default_rng(seed)
        return WarmStart(method, epsilon, relaxed(qubo, random, method))
    walk = SimulatedAnnealing(reads=1, sweeps=_SWEEPS)
    answer = walk.solve(qubo, Budget(), seed % 2**31, Progress()).answers[0]
    return WarmStart(method, epsilon, np.asarray(answer, dtype=np.float64))


def relaxed(
    qubo: Qubo, random: np.random.Generator, relaxation: Relaxation = "convex"
) -> Vector:
    """Probabilities of ones: a minimum of a QUBO's continuous relaxation over the box [0, 1]^n.

    A QUBO does not tell ``x_i`` from ``x_i^2``, which are equal for bits and not between them. The
    two relaxations differ in what they take it for:

    - ``convex``: ``mu sum_i (x_i^2 - x_i)`` is added, with the least ``mu`` that makes the form
      convex (Hammer and Rubin, RIRO 4 (V3), 67, 1970). The minimum is global, and its value a
      lower bound of every energy. Where no variable has a preference, as in MaxCut, all are 1/2.
    - ``multilinear``: the energy as it is. A form without squares is not convex unless it has no
      pairs; its local minima are bit strings, or as low as some. The best of several descents is
      taken, the first of them from all 1/2.

    Parameters
    ----------
    qubo : Qubo
        Groups are left out: penalise them first.
    random : Generator
        Of the starts.
    relaxation : {"convex", "multilinear"}

    Returns
    -------
    ndarray of float64, shape (n,)
        1/2 where the energy is constant.

    Raises
    ------
    UsageError
        Where there is no such relaxation.
    """
    if relaxation not in get_args(Relaxation):
        raise UsageError(
            f"relaxation must be one of {', '.join(get_args(Relaxation))}, got {relaxation!r}"
        )
    n = qubo.num_variables
    largest = max(float(np.abs(part).max(initial=0.0)) for part in (qubo.linear, qubo.value))
    halves = np.full(n, 0.5)
    if largest == 0.0:
        return halves
    form = _Form.of(qubo, largest)
    if relaxation == "convex":
        return form.convex(random).descend(halves)[1]
    starts = [halves, *random.random((_STARTS, n))]
    return min((form.descend(start) for start in starts), key=lambda found: found[0])[1]


def tilts_of(probabilities: Vector, epsilon: float) -> Vector:
    """Rotations ``theta = 2 arcsin(sqrt(c))`` to the state whose bits are 1 with probability c.

    The c are kept from 0 and 1 by `epsilon` (Egger, Marecek and Woerner, Quantum 5, 479, 2021,
    arXiv 2009.10095): no layer moves a qubit that starts in |0> or |1>, its mixer being diagonal.

    Parameters
    ----------
    probabilities : ndarray of float64, shape (n,)
    epsilon : float
        From 0, all as they are, to 1/2, the uniform superposition.

    Raises
    ------
    UsageError
        Where `epsilon` or a probability is out of range.
    """
    if not 0.0 <= epsilon <= 0.5:
        raise UsageError(f"epsilon must be 0 to 0.5, got {epsilon}")
    if not ((probabilities >= 0.0) & (probabilities <= 1.0)).all():
        raise UsageError(f"probabilities must be 0 to 1, got {probabilities}")
    shares = np.clip(probabilities, epsilon, 1.0 - epsilon)
    # The arcsine by both legs of its triangle: exact to the last digit at 0, 1/2 and 1.
    return np.asarray(2.0 * np.arctan2(np.sqrt(shares), np.sqrt(1.0 - shares)))


@dataclass(frozen=True, eq=False)
class _Form:
    """``linear' x + x' pairs x / 2 + square sum_i x_i^2``, the symmetric pairs without diagonal."""

    linear: Vector = field(repr=False)
    pairs: "csr_array" = field(repr=False)
    square: float = 0.0

    @classmethod
    def of(cls, qubo: Qubo, unit: float) -> "_Form":
        """The energy in units of so much, without its offset."""
        from scipy.sparse import csr_array

        n = qubo.num_variables
        begin, index, weight = qubo.neighbours()
        return cls(qubo.linear / unit, csr_array((weight / unit, index, begin), shape=(n, n)))

    def convex(self, random: np.random.Generator) -> "_Form":
        """The same at all bit strings, with the least squares that make it convex."""
        square = max(0.0, -0.5 * _least_eigenvalue(self.pairs, random))
        return _Form(self.linear - square, self.pairs, square)

    def descend(self, start: Vector) -> tuple[float, Vector]:
        """A minimum over the box, by L-BFGS-B, and where it is."""
        from scipy.optimize import minimize

        def evaluate(x: Vector) -> tuple[float, Vector]:
            of_pairs = self.pairs @ x
            value = self.linear @ x + 0.5 * (of_pairs @ x) + self.square * (x @ x)
            return float(value), self.linear + of_pairs + 2.0 * self.square * x

        end = minimize(
            evaluate, start, jac=True, method="L-BFGS-B", bounds=[(0.0, 1.0)] * len(start),
            options={"maxiter": 10_000, "maxfun": 100_000, "ftol": 0.0, "gtol": 1e-9},
        )
        return float(end.fun), np.clip(end.x, 0.0, 1.0)


def _least_eigenvalue(matrix: "csr_array", random: np.random.Generator) -> float:
    """The least eigenvalue of a symmetric matrix; of a large one, slightly less than it."""
    from scipy.sparse.linalg import ArpackNoConvergence, eigsh

    n = matrix.shape[0]
    if n <= _DENSE:
        return float(np.linalg.eigvalsh(matrix.toarray())[0])
    try:
        found = float(eigsh(
            matrix, 1, which="SA", v0=random.random(n), tol=_TOLERANCE, return_eigenvectors=False
        )[0])
    except ArpackNoConvergence:
        return -float(abs(matrix).sum(axis=1).max())  # Gershgorin's circles
    return found - _TOLERANCE * abs(found)
