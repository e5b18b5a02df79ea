"""QAOA from any product state, with own rotation axes and, if wanted, an angle a term and qubit."""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import UsageError

from ..ansatz import Angles, Cost, TermAngles
from ..objective import Mean, Objective
from . import diagonal as costs_of_states
from . import statevector
from .sampling import to_bits
from .simulator import Amplitudes, Precision, Units
from .statevector import (
    Part,
    aligned_pair,
    small_like,
    tiles,
    units_of,
    usual_angles,
    with_idle,
)
from .threads import Threads

AnyAngles = Angles | TermAngles

_BYTES_OF_PHASES = {"double": 8, "single": 4}
"""Bytes an amplitude that phases with an angle a term take."""

WORTH_THREADS = 13
"""Qubits from which several threads are quicker than one."""


def check_size(qubits: int, precision: Precision = "double") -> None:
    """Refuse a register that does not fit.

    Raises
    ------
    SizeError
        With the limit and the memory needed.
    """
    statevector.check_size(qubits, precision, _BYTES_OF_PHASES[precision])


class ProductStatevector:
    """Simulates QAOA whose initial state and mixer are products over the qubits, for one cost.

    The initial state is ``prod_i Ry(theta_i) |0>``, in which bit i is 1 with the probability
    ``sin(theta_i / 2)^2``. The mixer of a layer is ``prod_i exp(-i beta_i G_i)`` with
    ``G_i = sin(theta_i) X_i + cos(theta_i) Z_i``, whose eigenstate of +1 is the initial state
    (warm-start QAOA: Egger, Marecek and Woerner, Quantum 5, 479, 2021, arXiv 2009.10095, where beta
    has the opposite sign). Tilts of pi / 2 give the transverse-field mixer on the uniform
    superposition, as `Statevector` has it.

    Angles are one gamma and one beta a layer, or one a term and qubit (`TermAngles`: multi-angle
    QAOA, Herrman et al., Scientific Reports 12, 6781, 2022, arXiv 2109.11455).

    Parameters
    ----------
    cost : Cost
    tilts : ndarray of float64, shape (n,), optional
        The theta_i, in radians; pi / 2 if left out.
    threads : int
        Threads of the passes over amplitudes.
    precision : {"double", "single"}
        Single precision halves time and memory; expectations are good to about six digits.

    Raises
    ------
    SizeError
        Where the amplitudes do not fit.
    UsageError
        Where the tilts are not n finite numbers.
    """

    where = "cpu"

    def __init__(
        self,
        cost: Cost,
        tilts: NDArray[np.float64] | None = None,
        threads: int = 1,
        precision: Precision = "double",
    ) -> None:
        check_size(cost.qubits, precision)
        from . import kernels, product_kernels

        self._kernels, self._common = product_kernels, kernels
        self.cost, self.qubits, self.terms = cost, cost.qubits, cost.terms
        self.precision = precision
        self._dtype = np.dtype(np.float64 if precision == "double" else np.float32)
        # Idle qubits fill a small register up; with a tilt of 0 and no mixer they stay in |0>.
        self._width = max(cost.qubits, kernels.LEAST_QUBITS)
        self._cost = with_idle(cost, self._width - cost.qubits)
        self._tilts = np.zeros(self._width)
        self._tilts[: cost.qubits] = _checked(tilts, cost.qubits)
        self._axes = np.stack([np.sin(self._tilts), np.cos(self._tilts)], axis=1)
        self._low, self._span = tiles(self._width, self._dtype.itemsize)
        self._rows = 1 << (self._width - self._low)
        # Small registers are done before a second thread would start.
        self._threads = Threads(threads if self._width >= WORTH_THREADS else 1)
        self._spread = self._threads.spread
        self._costs = costs_of_states.diagonal(self._cost, self._dtype, self._spread)
        self._ket = aligned_pair(1 << self._width, self._dtype)
        self._own = self._columns_of_threads()

    @property
    def known_layer(self) -> Cost | None:
        """None: there is no closed form."""
        return None

    @property
    def units(self) -> Units:
        """Usual sizes of phases, mixers and objective."""
        return units_of(self.cost)

    @property
    def usual(self) -> Angles:
        """One layer's angles as most instances have them from the uniform superposition."""
        return usual_angles(self.cost)

    def bits(self, indices: NDArray[np.int64]) -> NDArray[np.int8]:
        """Bit strings of basis states, shape (len(indices), n); column ``i`` is bit ``i``."""
        return to_bits(indices, self.qubits)

    @cached_property
    def diagonal(self) -> NDArray[np.float64]:
        """The normalised cost of every basis state, shape (2**n,)."""
        return self._costs.values[: 2**self.qubits]

    def state(self, angles: AnyAngles) -> Amplitudes:
        """Amplitudes, shape (2**n,)."""
        self._evolve(angles)
        out = np.empty(
            2**self.qubits, dtype=np.complex128 if self.precision == "double" else np.complex64
        )
        out.real, out.imag = (part[: len(out)] for part in self._ket)
        if isinstance(angles, Angles):  # stored costs leave the base out
            out *= np.exp(-1j * sum(angles.gammas) * self._costs.base)
        return out

    def probabilities(self, angles: AnyAngles) -> NDArray[np.float64]:
        """Probability of every basis state, shape (2**n,)."""
        self._evolve(angles)
        return self._squares()

    def expectation(self, angles: AnyAngles) -> float:
        """Expectation of the normalised cost."""
        self._evolve(angles)
        return self._mean()

    def value(self, angles: AnyAngles, objective: Objective) -> float:
        """An objective of the normalised cost."""
        if isinstance(objective, Mean):
            return self.expectation(angles)
        return objective.evaluate(self.probabilities(angles), self.diagonal)[0]

    def value_and_gradient(
        self, angles: AnyAngles, objective: Objective
    ) -> tuple[float, NDArray[np.float64]]:
        """An objective and its derivatives by all angles, in the order of ``angles.flat``.

        By the adjoint method: the state runs backwards through the circuit beside ``C |state>``;
        for each factor ``exp(-i t G)`` on the way ``2 Im <bra|G|ket>`` is its share of the
        derivative by t (Jones and Gacon, arXiv 2009.02823).
        """
        self._evolve(angles)
        costs = self._costs
        if isinstance(objective, Mean):
            value = self._mean()
            self._tilt(costs.stored, costs.unit, costs.base)
        else:
            value, tilted = objective.evaluate(self._squares(), self.diagonal)
            self._tilt(np.pad(tilted, (0, (1 << self._width) - len(tilted))), 1.0, 0.0)
        return value, self._descend(angles)

    # -- layers ---------------------------------------------------------------------------------

    def _evolve(self, angles: AnyAngles) -> None:
        """Run the circuit."""
        self._check(angles)
        ket, kernels = self._ket, self._kernels
        of_low, of_high = (
            _product(part) for part in (self._tilts[: self._low], self._tilts[self._low :])
        )
        self._spread(self._rows, lambda worker, a, b: kernels.start(
            *ket, of_low, of_high, self._low, a, b
        ))
        for layer in range(angles.layers):
            self._forward(*self._phase(angles, layer), self._gates(angles, layer, 1.0))

    def _forward(
        self, values: NDArray[Any], gamma: float, gates: NDArray[np.float64]
    ) -> None:
        """Do one layer."""
        ket, kernels = self._ket, self._kernels
        self._spread(self._rows, lambda worker, a, b: kernels.forward_low(
            *ket, values, self._low, a, b, gamma, gates
        ))
        if self._rows > 1:
            self._spread(self._columns, lambda worker, a, b: kernels.forward_high(
                *ket, self._low, self._rows, self._span, a, b, gates, *self._own[worker]
            ))

    def _check(self, angles: AnyAngles) -> None:
        if len(angles.gammas) != len(angles.betas):
            raise UsageError(
                f"every layer has gammas and betas: got {len(angles.gammas)} and "
                f"{len(angles.betas)} layers of them"
            )
        if isinstance(angles, Angles):
            return
        shapes = angles.gammas.shape[1], angles.betas.shape[1]
        if shapes != (self.terms, self.qubits):
            raise UsageError(
                f"this cost takes {self.terms} gammas and {self.qubits} betas a layer: "
                f"got {shapes[0]} and {shapes[1]}"
            )

    def _phase(self, angles: AnyAngles, layer: int) -> tuple[NDArray[Any], float]:
        """Values of all basis states, and a factor: the phases of a layer, up to a constant."""
        if isinstance(angles, Angles):
            return self._costs.stored, angles.gammas[layer] * self._costs.unit
        ising, gammas = self._cost.ising, angles.gammas[layer]
        fields, couplings = ising.h.copy(), np.zeros((self._width, self._width))
        fields[: self.qubits] *= gammas[: self.qubits]
        couplings[ising.row, ising.col] = ising.J * gammas[self.qubits :]
        couplings += couplings.T
        costs_of_states.write(self._phases, fields, couplings, spread=self._spread)
        return self._phases, 1.0

    @cached_property
    def _phases(self) -> Part:
        """Where the phases of a layer are written whose terms have their own angles."""
        return np.empty(1 << self._width, dtype=self._dtype)

    def _gates(self, angles: AnyAngles, layer: int, sign: float) -> NDArray[np.float64]:
        """Rows (a, z, x) of the mixers ``a - i (z Z + x X)`` of a layer, or of their inverses."""
        betas = np.zeros(self._width)
        betas[: self.qubits] = angles.betas[layer]
        sines = sign * np.sin(betas)[:, None] * self._axes
        return np.stack([np.cos(betas), sines[:, 1], sines[:, 0]], axis=1)

    # -- the way back ---------------------------------------------------------------------------

    def _descend(self, angles: AnyAngles) -> NDArray[np.float64]:
        """Take state and adjoint state back through the circuit; the derivatives."""
        of_gammas, of_betas = [], []
        for layer in reversed(range(angles.layers)):
            phase, slopes = self._backward(*self._phase(angles, layer), self._gates(
                angles, layer, -1.0
            ))
            if isinstance(angles, Angles):
                of_gammas.append(np.array([phase * self._costs.unit]))
                of_betas.append(slopes.sum(keepdims=True))
            else:
                of_gammas.append(self._coefficients * self._moments_of_terms())
                of_betas.append(slopes)
        return 2.0 * np.concatenate([*of_gammas[::-1], *of_betas[::-1], np.zeros(0)])

    def _backward(
        self, values: NDArray[Any], gamma: float, gates: NDArray[np.float64]
    ) -> tuple[float, NDArray[np.float64]]:
        """Undo one layer; the slopes of its phase and of its mixers, shape (n,)."""
        kernels, states, axes = self._kernels, (*self._ket, *self._bra), self._axes
        slopes = np.zeros((self._threads.count, self._width))
        vector = kernels.VECTOR_BYTES // self._dtype.itemsize
        sums = np.zeros((self._threads.count, self._width, vector), self._dtype)
        if self._rows > 1:
            self._spread(self._columns, lambda worker, a, b: kernels.backward_high(
                *states, self._low, self._rows, self._span, a, b, gates, axes, sums[worker],
                slopes[worker], *self._own[worker], *self._own_bra[worker],
            ))
        phase = sum(self._spread(self._rows, lambda worker, a, b: kernels.backward_low(
            *states, values, self._low, a, b, -gamma, gates, axes, sums[worker], slopes[worker]
        )))
        return float(phase), np.asarray(slopes.sum(axis=0)[: self.qubits])

    def _moments_of_terms(self) -> NDArray[np.float64]:
        """``Im <bra| Z..Z |ket>`` of the Z of every term, shape (n + m,)."""
        ising, own = self._cost.ising, 1 << np.arange(self.qubits)
        masks = np.concatenate([own, own[ising.row] | own[ising.col]])
        sums = np.zeros((self._threads.count, self.terms))
        states = (*self._ket, *self._bra)
        self._spread(self._rows, lambda worker, a, b: self._kernels.add_moments(
            *states, self._low, a, b, masks, sums[worker]
        ))
        return np.asarray(sums.sum(axis=0))

    @property
    def _coefficients(self) -> NDArray[np.float64]:
        """Those of the terms, shape (n + m,)."""
        return np.concatenate([self._cost.ising.h[: self.qubits], self._cost.ising.J])

    @cached_property
    def _bra(self) -> tuple[Part, Part]:
        """The adjoint state."""
        return aligned_pair(1 << self._width, self._dtype)

    @cached_property
    def _own_bra(self) -> list[tuple[Part, Part]]:
        return self._columns_of_threads()

    # -- the whole register ---------------------------------------------------------------------

    def _tilt(self, values: NDArray[Any], unit: float, base: float) -> None:
        """Make the adjoint state."""
        self._spread(1 << self._width, lambda worker, a, b: self._common.tilt(
            *self._ket, values, unit, base, a, b, *self._bra
        ))

    def _mean(self) -> float:
        """Expectation of the cost in the state as it is."""
        energy = sum(self._spread(self._rows, lambda worker, a, b: self._kernels.mean(
            *self._ket, self._costs.stored, self._low, a, b
        )))
        return float(self._costs.unit * energy + self._costs.base)

    def _squares(self) -> NDArray[np.float64]:
        """Probabilities of the state as it is, shape (2**n,)."""
        out = np.empty(2**self.qubits)
        self._spread(len(out), lambda worker, a, b: self._common.square(*self._ket, a, b, out))
        return out

    def _columns_of_threads(self) -> list[tuple[Part, Part]]:
        """Where each thread copies the columns of a tile of the high qubits."""
        size = self._rows * self._span
        return [aligned_pair(size, self._dtype) for _ in range(self._threads.count)]

    @property
    def _columns(self) -> int:
        """Tiles of a pass on the high qubits."""
        return (1 << self._low) // self._span


def warm_up(cost: Cost, precision: Precision = "double") -> None:
    """Compile, or load from numba's cache, what a `ProductStatevector` of such a cost runs."""
    small = ProductStatevector(small_like(cost), None, 1, precision)
    angles = Angles((0.1,), (0.1,))
    for each in (angles, TermAngles.spread(angles, small.terms, small.qubits)):
        small.value_and_gradient(each, Mean())
    small.probabilities(angles)


def _checked(tilts: NDArray[np.float64] | None, qubits: int) -> NDArray[np.float64]:
    """The tilts, or those of the uniform superposition."""
    if tilts is None:
        return np.full(qubits, np.pi / 2.0)
    values = np.asarray(tilts, dtype=np.float64)
    if values.shape != (qubits,) or not np.isfinite(values).all():
        raise UsageError(
            f"tilts are one finite number a qubit, here {qubits}: got shape {values.shape}"
            + (" with numbers that are not finite" * (not np.isfinite(values).all()))
        )
    return values


def _product(tilts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Amplitudes of the initial state of some qubits."""
    out = np.ones(1)
    for tilt in tilts:
        out = np.concatenate([np.cos(tilt / 2.0) * out, np.sin(tilt / 2.0) * out])
    return out
