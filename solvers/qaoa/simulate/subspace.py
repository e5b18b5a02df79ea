"""QAOA among the bit strings that keep every exactly-k group."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from math import comb, prod, sqrt
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from qopt.errors import SizeError, UsageError
from qopt.forms import Group, Qubo

from ..ansatz import Angles, Cost
from ..mixers import complete_pairs, ring_pairs
from ..objective import Mean, Objective
from .memory import MOST_QUBITS, free_memory, memory_text
from .simulator import Amplitudes, Precision, Units
from .subsets import (
    Level,
    Table,
    bits_of_subsets,
    level_bytes,
    levels,
    pair_bytes,
    pair_states,
)
from .threads import Threads

Groups = tuple[Group, ...]
SubspaceMixer = Literal["ring", "complete", "johnson", "grover"]

_PAIRS = {"ring": ring_pairs, "complete": complete_pairs}

MOST_STATES = 2**MOST_QUBITS
"""Largest subspace taken, whatever the memory."""

_CHUNK = 2**14
"""States whose costs are computed together."""

_TILE = 2**14
"""Amplitudes that a thread rotates together: they stay in a usual second cache."""

_LEAST_SPAN = 8
"""Columns of a tile where there are as many: two lines of the cache."""

WORTH_THREADS = 2**16
"""States from which several threads are quicker than one."""


def check_size(
    qubits: int, groups: Groups, mixer: SubspaceMixer = "ring", precision: Precision = "double"
) -> int:
    """The number of states that keep all groups, where they fit.

    Raises
    ------
    SizeError
        With the limit and the memory needed.
    """
    shapes = [(len(group.members), group.size) for group in groups]
    free = qubits - sum(n for n, _ in shapes)
    size = prod(comb(n, k) for n, k in shapes) << free
    # Two states, costs, probabilities with their sums and the tilted costs in double precision.
    bytes_ = float({"double": 2 * 16, "single": 2 * 8}[precision] + 4 * 8)
    for n, k in set(shapes):
        states = comb(n, k)
        # Members of every state, and twice the places of its ones while tables are made.
        own = states * (n + 16 * k)
        if mixer == "johnson":
            own += level_bytes(n, k)
        elif mixer != "grover":
            own += pair_bytes(n, k, len(_PAIRS[mixer](n)))
        bytes_ += own / size
    if mixer == "johnson":
        bytes_ += 2.0 * 16 * max(
            (sum(comb(n, t) for t in range(min(k, n - k))) / comb(n, k) for n, k in shapes),
            default=0.0,
        )
    limit = int(min(MOST_STATES, free_memory() / bytes_))
    if size > limit:
        raise SizeError(
            "the QAOA subspace simulator", size, limit, "states that keep the groups",
            f"they would need {memory_text(size, bytes_)}; "
            "take a smaller instance or smaller groups",
        )
    return size


def warm_up(mixer: SubspaceMixer, precision: Precision = "double") -> None:
    """Compile, or load from numba's cache, what a `Subspace` runs."""
    cost, groups = Cost.of(Qubo.from_matrix(np.eye(3))), (Group((0, 1), 1),)
    simulator, angles = Subspace(cost, groups, mixer, 1, precision), Angles((0.1,), (0.1,))
    simulator.expectation(angles)
    simulator.value_and_gradient(angles, Mean())


class Subspace:
    """Simulates QAOA in the space of the bit strings that keep every group.

    The space is a product of factors: the C(n, k) subsets of each exactly-k group, in their
    order, then two states for each bit in no group, ascending. A state's index is
    ``rank_1 + size_1 (rank_2 + size_2 (rank_3 + ...))``. Within a group the ranks are
    colexicographic (see `subsets`), element i of a subset being ``group.members[i]``; a free bit
    is its own rank. Without groups this is the little-endian order of `Statevector`.

    The initial state is the uniform superposition of the space: a Dicke state in each group, and
    (|0> + |1>) / sqrt 2 on each free bit. One layer is ``exp(-i gamma C)``, then the mixer, applied
    exactly, without Trotter error:

    - ``ring``: in each group the product of ``exp(-i beta (X_i X_j + Y_i Y_j) / 2)`` over the
      pairs of neighbours on a ring of the members, those from even members first, then those from
      odd ones, then the closing one where their number is odd (Hadfield et al., Algorithms 12, 34,
      2019; Wang et al., Phys. Rev. A 101, 012320, 2020). Two members have one pair.
    - ``complete``: the same product over all pairs of members, in the rounds of a tournament, as a
      circuit applies them (Wang et al., as above).
    - ``johnson``: in each group ``exp(-i beta sum_{i<j} (X_i X_j + Y_i Y_j) / 2)``, the sum over
      all pairs, for which no short circuit is known. Restricted to the group the sum is the
      adjacency matrix A of the Johnson graph J(n, k), with the eigenvalues (k - j)(n - k - j) - j
      for j from 0 to min(k, n - k) (Brouwer, Cohen and Neumaier, Distance-Regular Graphs, section
      9.1), so that any function of A is a polynomial in A.
    - ``grover``: ``exp(-i beta |s><s|)`` with the initial state s (Baertschi and Eidenbenz,
      IEEE QCE 2020, arXiv 2006.00354), on the whole space.

    With all but ``grover`` each free bit gets ``exp(-i beta X)``.

    Parameters
    ----------
    cost : Cost
        Of `Cost.within_groups`; its mean over the space is taken away.
    groups : tuple of Group
        A group's penalty weight is not used.
    mixer : {"ring", "complete", "johnson", "grover"}
    threads : int
        Threads of the passes over amplitudes.
    precision : {"double", "single"}
        Of the amplitudes.

    Attributes
    ----------
    size : int
        States of the space.
    diagonal : ndarray of float64, shape (size,)
        The normalised cost of every state.

    Raises
    ------
    SizeError
        Where the amplitudes do not fit.
    """

    where = "cpu"

    def __init__(
        self,
        cost: Cost,
        groups: Groups,
        mixer: SubspaceMixer = "ring",
        threads: int = 1,
        precision: Precision = "double",
    ) -> None:
        if mixer not in get_args(SubspaceMixer):
            names = ", ".join(get_args(SubspaceMixer))
            raise UsageError(f"mixer must be one of {names}, got {mixer!r}")
        self.size = check_size(cost.qubits, groups, mixer, precision)
        from . import subspace_kernels

        self._kernels = subspace_kernels
        self.cost = cost
        self.mixer = mixer
        self.precision = precision
        self.num_variables = cost.qubits
        # Small spaces are done before a second thread would start.
        self._threads = Threads(threads if self.size >= WORTH_THREADS else 1)
        self._spread = self._threads.spread
        self._factors = _factors(cost.qubits, groups, mixer)
        self.diagonal = self._costs(cost)
        kind = np.complex128 if precision == "double" else np.complex64
        self._ket: Amplitudes = np.empty(self.size, dtype=kind)
        self._bra: Amplitudes | None = None
        deepest = max(
            (sum(len(level.above) * self.size // factor.states for level in factor.levels)
             for factor in self._factors), default=0,
        )
        # Differences of phases cancel: single precision would lose all digits in large groups.
        self._work: Amplitudes = np.empty(deepest, dtype=np.complex128)
        self._bra_work: Amplitudes | None = None

    @property
    def known_layer(self) -> Cost | None:
        """None: there is no closed form."""
        return None

    @property
    def units(self) -> Units:
        """Usual sizes: twice those of one layer's angles."""
        usual = self.usual
        return Units(
            2.0 * usual.gammas[0], -2.0 * usual.betas[0], max(1.0, float(np.log2(self.size)))
        )

    @property
    def usual(self) -> Angles:
        """One layer's angles as most instances have them.

        Measured at the minima of one layer of selections, one-hot groups and mixtures of both with
        4 to 14 effective qubits: phases of 0.28 to 0.49 (0.16 to 0.24 for ``grover``), mixers of
        0.22 to 0.54 for ``ring``, 1.2 to 1.7 divided by the members and 3 more for ``complete``
        and ``johnson``, and 1.2 to 1.6 for ``grover``.
        """
        if self.mixer == "grover":
            return Angles((0.21,), (-1.45,))
        if self.mixer == "ring":
            return Angles((0.34,), (-0.38,))
        largest = max((len(factor.variables) for factor in self._factors), default=1)
        return Angles((0.34,), (-1.4 / (largest + 3.0),))

    def bits(self, indices: NDArray[np.int64]) -> NDArray[np.int8]:
        """Bit strings that states stand for, shape (len(indices), n)."""
        out = np.zeros((len(indices), self.num_variables), dtype=np.int8)
        for factor in self._factors:
            out[:, factor.variables] = factor.bits[indices // factor.stride % factor.states]
        return out

    def state(self, angles: Angles) -> Amplitudes:
        """Amplitudes, shape (size,)."""
        self._evolve(angles)
        return self._ket.copy()

    def probabilities(self, angles: Angles) -> NDArray[np.float64]:
        """Probability of every state, shape (size,)."""
        self._evolve(angles)
        return self._squares()

    def expectation(self, angles: Angles) -> float:
        """Expectation of the normalised cost."""
        self._evolve(angles)
        return float(sum(self._spread(self.size, lambda worker, a, b: self._kernels.mean(
            self._ket, self.diagonal, a, b
        ))))

    def value(self, angles: Angles, objective: Objective) -> float:
        """An objective of the normalised cost."""
        if isinstance(objective, Mean):
            return self.expectation(angles)
        return objective.evaluate(self.probabilities(angles), self.diagonal)[0]

    def value_and_gradient(
        self, angles: Angles, objective: Objective
    ) -> tuple[float, NDArray[np.float64]]:
        """An objective and its derivatives by gammas and betas, by the adjoint method.

        The state runs backwards through the circuit beside ``C |state>``; for each factor
        ``exp(-i t G)`` on the way ``2 Im <bra|G|ket>`` is its share of the derivative by t
        (Jones and Gacon, arXiv 2009.02823).
        """
        self._evolve(angles)
        value, tilted = objective.evaluate(self._squares(), self.diagonal)
        if self._bra is None:
            self._bra, self._bra_work = np.empty_like(self._ket), np.empty_like(self._work)
        np.multiply(self._ket, tilted, out=self._bra, casting="same_kind")
        p, ket, bra = angles.layers, self._ket, self._bra
        gradient = np.zeros(2 * p)
        for layer in reversed(range(p)):
            gamma, beta = angles.gammas[layer], angles.betas[layer]
            gradient[p + layer] = self._unmix(beta)
            gradient[layer] = sum(self._spread(
                self.size, lambda worker, a, b, gamma=gamma: self._kernels.turn_back(
                    ket, bra, self.diagonal, gamma, a, b
                )
            ))
        return value, 2.0 * gradient

    # -- layers ---------------------------------------------------------------------------------

    def _evolve(self, angles: Angles) -> None:
        """Run the circuit."""
        self._ket.fill(1.0 / sqrt(self.size))
        for gamma, beta in zip(angles.gammas, angles.betas, strict=True):
            self._spread(self.size, lambda worker, a, b, gamma=gamma: self._kernels.turn(
                self._ket, self.diagonal, gamma, a, b
            ))
            self._mix(beta)

    def _mix(self, beta: float) -> None:
        if self.mixer == "grover":
            self._reflect(self._ket, beta)
            return
        for factor in self._factors:
            if factor.pairs is not None:
                self._rotate(factor, beta)
            else:
                self._mix_johnson(factor, self._ket, self._work, beta)

    def _unmix(self, beta: float) -> float:
        """Undo the mixer on both states; half the derivative by its angle."""
        assert self._bra is not None
        assert self._bra_work is not None
        if self.mixer == "grover":
            overlap = self._total(self._bra).conjugate() * self._total(self._ket)
            self._reflect(self._ket, -beta)
            self._reflect(self._bra, -beta)
            return overlap.imag / self.size
        slope = 0.0
        for factor in reversed(self._factors):
            if factor.pairs is not None:
                slope += self._rotate_back(factor, beta)
            elif factor.levels:
                self._mix_johnson(factor, self._ket, self._work, -beta)
                self._mix_johnson(factor, self._bra, self._bra_work, -beta)
                slope += self._slope_of_johnson(factor)
        return slope

    # -- mixers ---------------------------------------------------------------------------------

    def _total(self, amplitudes: Amplitudes) -> complex:
        """Sum of amplitudes."""
        return complex(sum(self._spread(
            self.size, lambda worker, a, b: self._kernels.total(amplitudes, a, b)
        )))

    def _reflect(self, amplitudes: Amplitudes, beta: float) -> None:
        """Apply ``exp(-i beta |s><s|)``, which is ``1 + (exp(-i beta) - 1) |s><s|``."""
        amount = complex(np.exp(-1j * beta) - 1.0) * self._total(amplitudes) / self.size
        self._spread(self.size, lambda worker, a, b: self._kernels.shift(amplitudes, amount, a, b))

    def _rotate(self, factor: "_Factor", beta: float) -> None:
        turn = self._number(np.cos(beta)), self._number(np.sin(beta))
        self._over_pairs(factor, factor.steps, lambda pairs, *part: self._kernels.rotate(
            self._ket, pairs, factor.states, factor.stride, factor.span, *turn, *part
        ))

    def _rotate_back(self, factor: "_Factor", beta: float) -> float:
        turn = self._number(np.cos(beta)), self._number(np.sin(beta))
        return float(sum(self._over_pairs(
            factor, factor.steps[::-1], lambda pairs, *part: self._kernels.rotate_back(
                self._ket, self._bra, pairs, factor.states, factor.stride, factor.span,
                *turn, *part,
            )
        )))

    def _over_pairs(
        self, factor: "_Factor", steps: list[Table], work: Callable[..., Any]
    ) -> list[Any]:
        """Run ``work(pairs, first tile, last, share of the pairs, shares)`` in the threads.

        Tiles do all steps on their own; where there are too few, the threads share each step.
        """
        pairs = factor.pairs
        assert pairs is not None
        tiles = self.size // (factor.states * factor.stride) * -(-factor.stride // factor.span)
        if tiles >= self._threads.count:
            return self._spread(tiles, lambda worker, a, b: work(pairs, a, b, 0, 1))
        return [
            part for step in steps for part in self._spread(
                self._threads.count,
                lambda worker, a, b, step=step: work(
                    step, 0, tiles, worker, self._threads.count
                ),
            )
        ]

    def _mix_johnson(
        self, factor: "_Factor", ket: Amplitudes, work: Amplitudes, beta: float
    ) -> None:
        """Apply ``f(A) = exp(-i beta A)`` to one group.

        With B the inclusions of the subsets of size t - 1 in those of size t, A on the latter is
        ``B' B - t``, and ``B B'`` on the former has the same eigenvectors as their own A, with
        eigenvalues ``nu_j``. So f(A) is ``f_t + B' g B`` with f_t on those eigenvectors that B
        maps to zero, and ``g_j = (f_j - f_t) / nu_j`` a function of the smaller A, done likewise.
        Rounding grows with the group: 1e-14 for 5 of 20, 1e-10 for 12 of 24.
        """
        if not factor.levels:
            return
        parts, values = self._parts(factor, work), _layers_of_johnson(factor, beta)
        for level, source, target in zip(
            factor.levels, [ket, *parts[:-1]], parts, strict=True
        ):
            self._gather(factor, source, target, level.above, 0.0)
        parts[-1] *= values[-1]
        for level, source, target, value in reversed(list(zip(
            factor.levels, parts, [ket, *parts[:-1]], values[:-1], strict=True
        ))):
            self._gather(factor, source, target, level.below, value)

    def _slope_of_johnson(self, factor: "_Factor") -> float:
        """The imaginary part of ``<bra|A|ket>``, which is that of ``<B bra|B ket>``."""
        assert self._bra is not None
        assert self._bra_work is not None
        ket, bra = (self._parts(factor, work)[0] for work in (self._work, self._bra_work))
        self._gather(factor, self._ket, ket, factor.levels[0].above, 0.0)
        self._gather(factor, self._bra, bra, factor.levels[0].above, 0.0)
        return float(sum(self._spread(
            len(ket), lambda worker, a, b: self._kernels.overlap(bra, ket, a, b)
        )))

    def _parts(self, factor: "_Factor", work: Amplitudes) -> list[Amplitudes]:
        """Room for the smaller subsets of each level."""
        others = self.size // factor.states
        ends = np.cumsum([0] + [len(level.above) * others for level in factor.levels])
        return [work[a:b] for a, b in pairwise(ends)]

    def _gather(
        self, factor: "_Factor", source: Amplitudes, target: Amplitudes, table: Table,
        value: complex,
    ) -> None:
        states = len(source) * factor.states // self.size
        self._spread(len(target) // factor.stride, lambda worker, a, b: self._kernels.gather(
            source, target, table, states, factor.stride, complex(value), a, b
        ))

    # -- arrays and threads ---------------------------------------------------------------------

    def _costs(self, cost: Cost) -> NDArray[np.float64]:
        """The normalised cost of every state, zero in the mean."""
        values, upper = np.empty(self.size), np.triu(cost.couplings())
        for start in range(0, self.size, _CHUNK):
            indices = np.arange(start, min(start + _CHUNK, self.size))
            spins = 1.0 - 2.0 * self.bits(indices)
            values[indices] = np.einsum("ij,ij->i", spins @ upper + cost.ising.h, spins)
        values -= values.mean()
        return values

    def _squares(self) -> NDArray[np.float64]:
        """Probabilities of the state as it is, shape (size,)."""
        out = np.square(self._ket.real, dtype=np.float64)
        out += np.square(self._ket.imag, dtype=np.float64)
        return out

    def _number(self, value: float) -> Any:
        """A real number in the precision of the amplitudes, so that loops stay in it."""
        return self._ket.real.dtype.type(value)


@dataclass(frozen=True, eq=False)
class _Factor:
    """A group, or a bit in no group, as a factor of the space.

    Parameters
    ----------
    variables : ndarray of int64, shape (n,)
    bits : ndarray of int8, shape (states, n)
        Values of the variables in each state.
    stride : int
        Distance of neighbouring states among the amplitudes.
    pairs : ndarray of int32, shape (steps, 2, pairs), optional
        States that the mixer rotates; see `subsets.pair_states`.
    levels : tuple of Level
        For the mixer ``johnson``, if not `pairs`; see `subsets.levels`. Empty for a single state.
    """

    variables: NDArray[np.int64]
    bits: NDArray[np.int8] = field(repr=False)
    stride: int
    pairs: Table | None = field(default=None, repr=False)
    levels: tuple[Level, ...] = field(default=(), repr=False)

    @property
    def states(self) -> int:
        """Number of states."""
        return len(self.bits)

    @property
    def steps(self) -> list[Table]:
        """The pairs of each step alone, shapes (1, 2, pairs)."""
        assert self.pairs is not None
        return [self.pairs[i : i + 1] for i in range(len(self.pairs))]

    @property
    def span(self) -> int:
        """Columns of a tile."""
        return min(self.stride, max(_LEAST_SPAN, _TILE // self.states))


def _factors(qubits: int, groups: Groups, mixer: SubspaceMixer) -> list[_Factor]:
    """Groups, then free bits; groups of one shape share their tables."""
    shapes: dict[tuple[int, int], tuple[Any, ...]] = {}
    found, stride, free = [], 1, np.ones(qubits, dtype=bool)
    for group in groups:
        shape = len(group.members), group.size
        if shape not in shapes:
            shapes[shape] = (
                bits_of_subsets(*shape),
                pair_states(*shape, _PAIRS[mixer](shape[0])) if mixer in _PAIRS else None,
                tuple(levels(*shape)) if mixer == "johnson" else (),
            )
        members = np.array(group.members, dtype=np.int64)
        bits, pairs, inclusions = shapes[shape]
        found.append(_Factor(members, bits, stride, pairs, inclusions))
        free[members] = False
        stride *= len(bits)
    bit, flip = np.array([[0], [1]], dtype=np.int8), np.array([[[0], [1]]], dtype=np.int32)
    for variable in np.flatnonzero(free):
        found.append(_Factor(np.array([variable]), bit, stride, flip))
        stride *= 2
    return found


def _layers_of_johnson(factor: _Factor, beta: float) -> list[complex]:
    """The values ``f_t`` of `_mix_johnson`, from the largest subsets to the empty one."""
    n, k = len(factor.variables), len(factor.levels)
    j = np.arange(k + 1)
    f = np.exp(-1j * beta * ((k - j) * (n - k - j) - j))
    found = []
    for t in range(k, 0, -1):
        found.append(complex(f[-1]))
        j = np.arange(t)
        f = (f[:-1] - f[-1]) / ((t - j) * (n - t - j + 1))
    return [*found, complex(f[0])]
