"""The noiseless simulator: 2**n amplitudes, the cost as a diagonal."""

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from qopt.errors import SizeError
from qopt.forms import Ising

from ..ansatz import Angles, Cost
from ..objective import Mean, Objective
from .diagonal import Diagonal, diagonal, is_whole
from .memory import MOST_QUBITS, free_memory, memory_text
from .sampling import to_bits
from .simulator import Amplitudes, Precision, Units
from .threads import Threads

Part = NDArray[Any]

BYTES_AN_AMPLITUDE = {"double": 16 + 16 + 3 * 8, "single": 8 + 8 + 4 + 2 * 8}
"""State, adjoint state, costs, and the probabilities and their sums in double precision."""

_ONE_TILE = 12
"""Qubits of a register that is one tile."""

WORTH_THREADS = 14
"""Qubits from which several threads are quicker than one."""

_TILE_BYTES = 2**19
"""Bytes of a tile of the high qubits: half of a usual second cache."""

REMEDY = (
    "take a smaller instance, device=mps if its couplings are sparse, or the solver rqaoa"
)
"""What fits where a register does not; what makes the model of an instance smaller is added to it
where the instance is known."""

def check_size(qubits: int, precision: Precision = "double", more: float = 0.0) -> None:
    """Refuse a register that does not fit; `more` are further bytes an amplitude.

    Raises
    ------
    SizeError
        With the limit and the memory needed.
    """
    bytes_ = BYTES_AN_AMPLITUDE[precision] + more
    fits = int(np.log2(max(2.0, free_memory() / bytes_)))
    limit = min(MOST_QUBITS, fits)
    if qubits > limit:
        raise SizeError(
            "the QAOA statevector simulator", qubits, limit, "qubits",
            f"{qubits} would need {memory_text(2**qubits, bytes_)}; {REMEDY}",
        )


class Statevector:
    """Simulates QAOA with the transverse-field mixer for one cost.

    Parameters
    ----------
    cost : Cost or Diagonal
        Quadratic, or any cost by its values; see `of_values`.
    threads : int
        Threads of the passes over amplitudes.
    precision : {"double", "single"}
        Single precision halves time and memory; expectations are good to about six digits.

    Attributes
    ----------
    cost : Cost, optional
        None where the values are given.

    Raises
    ------
    SizeError
        Where the amplitudes do not fit.
    """

    where = "cpu"

    def __init__(
        self, cost: Cost | Diagonal, threads: int = 1, precision: Precision = "double"
    ) -> None:
        check_size(cost.qubits, precision)
        from . import kernels

        self._kernels = kernels
        self.cost = cost if isinstance(cost, Cost) else None
        self._given = cost
        self.qubits = cost.qubits
        self.precision = precision
        self._dtype = _real(precision)
        # Idle qubits fill a small register up: they stay in the mixer's own state.
        self._idle = max(0, kernels.LEAST_QUBITS - cost.qubits)
        self._width = self.qubits + self._idle
        self._low, self._span = tiles(self._width, self._dtype.itemsize)
        self._rows = 1 << (self._width - self._low)
        # Small registers are done before a second thread would start.
        self._threads = Threads(threads if self._width >= WORTH_THREADS else 1)
        self._spread = self._threads.spread
        self._costs = (
            diagonal(with_idle(cost, self._idle), self._dtype, self._spread)
            if isinstance(cost, Cost) else cost.repeated(self._idle)
        )
        self._state = self._two_arrays(self._width)
        self._bra: tuple[Part, Part] | None = None
        self._own = [
            self._two_arrays(self._width - self._low, self._span)
            for _ in range(self._threads.count)
        ]
        self._own_bra: list[tuple[Part, Part]] = []

    @classmethod
    def of_values(
        cls, values: NDArray[np.float64], threads: int = 1, precision: Precision = "double"
    ) -> "Statevector":
        """The simulator of any diagonal cost, as of a polynomial of high order.

        Angles are for the values as they are, and so are expectations.

        Parameters
        ----------
        values : ndarray of float64, shape (2**n,)
            The cost of every basis state; bit i of its index is variable i.
        threads, precision
            As for a `Cost`.

        Raises
        ------
        UsageError
            Where the values are not 2**n finite numbers, n at least 1.
        SizeError
            Where the amplitudes do not fit.
        """
        return cls(Diagonal.of(values, _real(precision)), threads, precision)

    @property
    def known_layer(self) -> Cost | None:
        """The cost, where it is quadratic: the mean of one layer is known in closed form."""
        return self.cost

    @property
    def units(self) -> Units:
        """Usual sizes of phases, mixers and objective."""
        return units_of(self._given)

    @property
    def usual(self) -> Angles:
        """One layer's angles as most instances have them."""
        return usual_angles(self._given)

    @cached_property
    def diagonal(self) -> NDArray[np.float64]:
        """The normalised cost of every basis state, shape (2**n,)."""
        return self._costs.values[: 2**self.qubits]

    def bits(self, indices: NDArray[np.int64]) -> NDArray[np.int8]:
        """Bit strings of basis states, shape (len(indices), n); column ``i`` is bit ``i``."""
        return to_bits(indices, self.qubits)

    def state(self, angles: Angles) -> Amplitudes:
        """Amplitudes, shape (2**n,)."""
        self._evolve(angles)
        re, im = (part[: 2**self.qubits] for part in self._state)
        kind = np.complex128 if self.precision == "double" else np.complex64
        out = np.empty(2**self.qubits, dtype=kind)
        out.real, out.imag = re, im
        # Each idle qubit is in (|0> + |1>) / sqrt 2 times a phase that it takes from its mixers.
        turns = sum(angles.betas) * self._idle - sum(angles.gammas) * self._costs.base
        out *= 2.0 ** (self._idle / 2) * np.exp(1j * turns)
        return out

    def probabilities(self, angles: Angles) -> NDArray[np.float64]:
        """Probability of every basis state, shape (2**n,)."""
        self._evolve(angles)
        return self._squares()

    def expectation(self, angles: Angles) -> float:
        """Expectation of the normalised cost."""
        return self._costs.unit * self._evolve(angles) + self._costs.base

    def value(self, angles: Angles, objective: Objective) -> float:
        """An objective of the normalised cost."""
        if isinstance(objective, Mean):
            return self.expectation(angles)
        return objective.evaluate(self.probabilities(angles), self.diagonal)[0]

    def value_and_gradient(
        self, angles: Angles, objective: Objective
    ) -> tuple[float, NDArray[np.float64]]:
        """An objective and its derivatives by gammas and betas, by the adjoint method.

        The state runs backwards through the circuit beside ``C |state>``, one layer at a time, so
        the derivatives cost a few forward passes whatever their number
        (Jones and Gacon, arXiv 2009.02823).
        """
        energy = self._evolve(angles)
        costs = self._costs
        if isinstance(objective, Mean):
            value = costs.unit * energy + costs.base
            self._tilt(costs.stored, costs.unit, costs.base)
        else:
            value, tilted = objective.evaluate(self._squares(), self.diagonal)
            self._tilt(np.tile(tilted, 2**self._idle), 1.0, 0.0)
        return value, self._descend(angles)

    # -- passes ---------------------------------------------------------------------------------

    @property
    def _halves(self) -> tuple[str, ...]:
        """What the register is cut into."""
        return ("low", "high") if self._rows > 1 else ("low",)

    def _evolve(self, angles: Angles) -> float:
        """Run the circuit; the mean of the stored costs."""
        re, im = self._state
        re.fill(2.0 ** (-self._width / 2))
        im.fill(0.0)
        layers = [
            (gamma * self._costs.unit, _tangent(beta))
            for gamma, beta in zip(angles.gammas, angles.betas, strict=True)
        ]
        halves, before = self._halves, _NO_MIXER
        for number, (gamma, mixer) in enumerate(layers):
            half = halves[number % len(halves)]
            first = before if len(halves) > 1 else _NO_MIXER
            self._forward(half, first, gamma, mixer.scale**self._width, mixer)
            before = mixer
        half = halves[len(layers) % len(halves)]
        return self._finish(half, before if len(halves) > 1 else _NO_MIXER)

    def _forward(
        self, half: str, before: "_Mixer", gamma: float, factor: float, after: "_Mixer"
    ) -> None:
        re, im = self._state
        stored, kernels = self._costs.stored, self._kernels
        middle = (before.tangent, before.repeats, gamma, factor, after.tangent, after.repeats)
        if half == "low":
            self._spread(self._rows, lambda worker, a, b: kernels.forward_low(
                re, im, stored, self._low, a, b, *middle
            ))
        else:
            self._spread(self._columns, lambda worker, a, b: kernels.forward_high(
                re, im, stored, self._low, self._rows, self._span, a, b, *middle,
                *self._own[worker],
            ))

    def _finish(self, half: str, before: "_Mixer") -> float:
        re, im = self._state
        stored, kernels = self._costs.stored, self._kernels
        if half == "low":
            return float(sum(self._spread(self._rows, lambda worker, a, b: kernels.finish_low(
                re, im, stored, self._low, a, b, before.tangent, before.repeats
            ))))
        return float(sum(self._spread(self._columns, lambda worker, a, b: kernels.finish_high(
            re, im, stored, self._low, self._rows, self._span, a, b,
            before.tangent, before.repeats, *self._own[worker],
        ))))

    def _descend(self, angles: Angles) -> NDArray[np.float64]:
        """Take state and adjoint state back through the circuit; slopes by gammas and betas."""
        p, unit = angles.layers, self._costs.unit
        gradient = np.zeros(2 * p)
        halves = self._halves
        mixers = [_tangent(-beta) for beta in angles.betas]
        later, turn = _NO_MIXER, 0
        if len(halves) > 1:
            later = mixers[-1]
            slopes = self._backward(halves[0], _NO_MIXER, None, later)
            gradient[-1] += slopes[2]
            turn = 1
        for layer in reversed(range(p)):
            half = halves[turn % len(halves)]
            turn += 1
            after = mixers[layer - 1] if layer and len(halves) > 1 else _NO_MIXER
            before = mixers[layer]
            slopes = self._backward(half, before, -angles.gammas[layer] * unit, after)
            gradient[p + layer] += slopes[0]
            gradient[layer] = unit * slopes[1]
            if after is not _NO_MIXER:
                gradient[p + layer - 1] += slopes[2]
        return 2.0 * gradient

    def _backward(
        self, half: str, before: "_Mixer", gamma: float | None, after: "_Mixer"
    ) -> NDArray[np.float64]:
        """One pass backwards; slopes by the mixer before, the phase and the mixer after."""
        assert self._bra is not None
        both = (*self._state, *self._bra, self._costs.stored, self._width, self._low)
        middle = (
            before.tangent, before.repeats, before.shrink, gamma is not None, gamma or 0.0,
            before.shrink ** (0.5 * self._width * before.repeats),
            after.tangent, after.repeats, after.shrink,
        )
        slopes = np.zeros((self._threads.count, 3))
        kernels = self._kernels
        if half == "low":
            self._spread(self._rows, lambda worker, a, b: kernels.backward_low(
                *both, a, b, *middle, slopes[worker]
            ))
        else:
            self._spread(self._columns, lambda worker, a, b: kernels.backward_high(
                *both, self._rows, self._span, a, b, *middle, slopes[worker],
                *self._own[worker], *self._own_bra[worker],
            ))
        return np.asarray(slopes.sum(axis=0))

    def _tilt(self, values: NDArray[Any], unit: float, base: float) -> None:
        """Make the adjoint state."""
        if self._bra is None:
            self._bra = self._two_arrays(self._width)
            self._own_bra = [
                self._two_arrays(self._width - self._low, self._span)
                for _ in range(self._threads.count)
            ]
        bra, (re, im) = self._bra, self._state
        self._spread(len(re), lambda worker, a, b: self._kernels.tilt(
            re, im, values, unit, base, a, b, *bra
        ))

    # -- arrays and threads ---------------------------------------------------------------------

    def _squares(self) -> NDArray[np.float64]:
        """Probabilities of the state as it is, shape (2**n,)."""
        re, im = self._state
        out = np.empty(2**self.qubits)
        self._spread(
            len(out), lambda worker, a, b: self._kernels.square(re, im, a, b, out)
        )
        if self._idle:
            out *= 2.0**self._idle
        return out

    @property
    def _columns(self) -> int:
        """Tiles of a pass on the high qubits."""
        return (1 << self._low) // self._span

    def _two_arrays(self, qubits: int, times: int = 1) -> "tuple[Part, Part]":
        return aligned_pair(times << qubits, self._dtype)


def _real(precision: Precision) -> np.dtype[Any]:
    """What the parts of amplitudes are stored as."""
    return np.dtype(np.float64 if precision == "double" else np.float32)


def units_of(cost: Cost | Diagonal) -> Units:
    """Usual sizes of phases, mixers and objective with the transverse field."""
    return Units(1.0 / cost.spread, 1.0, max(1, cost.qubits) * cost.spread)


def usual_angles(cost: Cost | Diagonal) -> Angles:
    """One layer's angles as most instances have them with the transverse field.

    At small phases terms of k spins give way most where the mixer's angle is ``-pi / (4 k)``.
    """
    order = 2.0 if isinstance(cost, Cost) else cost.order
    return Angles((float(np.sqrt(0.5 / order)) / cost.spread,), (-np.pi / (4.0 * order),))


class _Mixer(NamedTuple):
    """``exp(-i beta X)`` in tangent form, applied so many times.

    `scale` makes up for all of it on one qubit, `shrink` for one time on a product of two states.
    """

    tangent: float
    repeats: int
    scale: float
    shrink: float


_NO_MIXER = _Mixer(0.0, 0, 1.0, 1.0)


def _tangent(beta: float) -> _Mixer:
    """Reduce an angle by multiples of pi, and halve it where its tangent would exceed 1."""
    turns = round(beta / np.pi)
    rest = beta - turns * np.pi
    repeats = 1 if abs(rest) <= np.pi / 4.0 else 2
    cosine = float(np.cos(rest / repeats))
    sign = -1.0 if turns % 2 else 1.0
    return _Mixer(float(np.tan(rest / repeats)), repeats, sign * cosine**repeats, cosine**2)


def aligned_pair(size: int, dtype: DTypeLike) -> tuple[Part, Part]:
    """Real and imaginary parts; their first entries begin a line of the cache."""
    itemsize = np.dtype(dtype).itemsize
    parts = []
    for _ in range(2):
        raw = np.empty(size + 64 // itemsize, dtype=dtype)
        skip = (-raw.ctypes.data % 64) // itemsize
        parts.append(raw[skip : skip + size])
    return parts[0], parts[1]


def with_idle(cost: Cost, idle: int) -> Cost:
    """The same cost on so many more qubits, on which it does not depend."""
    if not idle:
        return cost
    ising = cost.ising
    wider = Ising(np.append(ising.h, np.zeros(idle)), ising.row, ising.col, ising.J)
    return Cost(wider, cost.scale, cost.offset)


def tiles(qubits: int, itemsize: int) -> tuple[int, int]:
    """How many low qubits there are, and the columns of a tile of the high ones."""
    if qubits <= _ONE_TILE:
        return qubits, 0
    low = max(_ONE_TILE - 2, (qubits + 1) // 2)
    rows = 1 << (qubits - low)
    most = _TILE_BYTES // (2 * rows * itemsize)
    return low, max(64 // itemsize, min(most, 256 // itemsize))


def warm_up(cost: Cost, precision: Precision = "double") -> None:
    """Compile, or load from numba's cache, what a `Statevector` of such a cost runs."""
    angles = Angles((0.1,), (0.1,))
    small = Statevector(small_like(cost), 1, precision)
    small.value_and_gradient(angles, Mean())
    small.probabilities(angles)


def small_like(cost: Cost) -> Cost:
    """A cost that is stored alike, on the fewest qubits that are cut in two halves."""
    qubits = _ONE_TILE + 1
    fields = np.zeros(qubits) if is_whole(cost) else np.full(qubits, 0.1 * np.pi)
    return Cost(Ising(fields, *_one_pair(), np.ones(1)))


def _one_pair() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return np.zeros(1, dtype=np.int64), np.ones(1, dtype=np.int64)
