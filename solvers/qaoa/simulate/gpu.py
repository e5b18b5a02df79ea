"""The noiseless simulator on a graphics processor, by CuPy.

It is written over an array module, so that numpy runs the same lines; only the few functions at the
end ask the device for something that numpy has not.
"""

import importlib.util
from functools import cached_property, reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import SizeError

from ..ansatz import Angles, Cost
from ..objective import Mean, Objective
from .memory import free_memory, memory_text
from .sampling import to_bits
from .simulator import Amplitudes, Precision, Units
from .statevector import REMEDY, units_of, usual_angles

MOST_QUBITS = 30
"""Largest register taken, whatever the memory."""

BYTES_AN_AMPLITUDE = {"double": 3 * 16 + 8 + 2 * 8, "single": 3 * 8 + 4 + 2 * 8}
"""State, adjoint state and room for the next one, costs, and probabilities in double precision."""

_BYTES_OF_HOST = 3 * 8
"""Costs, probabilities and their sums, which samples and other objectives than the mean need."""

_WORTHWHILE = 18
"""Qubits from which a device is quicker than the CPU: below, starting its passes takes longer."""

_BLOCK = 5
"""Qubits that one matrix mixes: its products take a device about as long as the memory does."""

_SLAB = 2**24
"""Costs that are summed up together in double precision."""

Array = Any
"""An array of the module."""


class GpuStatevector:
    """Simulates QAOA with the transverse-field mixer for one cost: `Statevector` on a GPU.

    The amplitudes stay on the device. A mixer is the same small unitary on one block of qubits
    after another: the amplitudes as a matrix, whose columns are the states of the lowest block,
    are multiplied by it and come out transposed, so that the next block is the lowest one. After
    the last block every qubit is in its place again.

    Parameters
    ----------
    cost : Cost
    precision : {"double", "single"}
        Of the amplitudes; sums are in double precision either way.
    module : module, optional
        What makes arrays: CuPy if left out; numpy runs the same on the CPU, for tests.

    Attributes
    ----------
    where : str
        What it runs on.

    Raises
    ------
    SizeError
        Where the amplitudes do not fit.
    """

    def __init__(
        self, cost: Cost, precision: Precision = "double", module: Any | None = None
    ) -> None:
        xp: Any = module
        if module is None:
            import cupy

            xp = cupy
        check_size(cost.qubits, precision, xp)
        self.cost = cost
        self.qubits = cost.qubits
        self.precision = precision
        self.where = device_name(xp)
        self._xp = xp
        double = precision == "double"
        self._kind = np.dtype(np.complex128 if double else np.complex64)
        self._real = np.dtype(np.float64 if double else np.float32)
        blocks = -(-self.qubits // _BLOCK)
        self._blocks = [(self.qubits + i) // blocks for i in range(blocks)]
        self._flips = {size: xp.asarray(_flips(size), self._kind) for size in self._blocks}
        self._costs = self._diagonal()
        self._ket, self._room = (xp.empty(2**self.qubits, self._kind) for _ in range(2))
        self._bra: Array = None

    @property
    def known_layer(self) -> Cost | None:
        """The cost: the mean of one layer is known in closed form."""
        return self.cost

    @property
    def units(self) -> Units:
        """Usual sizes of phases, mixers and objective."""
        return units_of(self.cost)

    @property
    def usual(self) -> Angles:
        """One layer's angles as most instances have them."""
        return usual_angles(self.cost)

    @cached_property
    def diagonal(self) -> NDArray[np.float64]:
        """The normalised cost of every basis state, shape (2**n,), on the host."""
        return to_host(self._xp, self._costs).astype(np.float64)

    def bits(self, indices: NDArray[np.int64]) -> NDArray[np.int8]:
        """Bit strings of basis states, shape (len(indices), n); column ``i`` is bit ``i``."""
        return to_bits(indices, self.qubits)

    def state(self, angles: Angles) -> Amplitudes:
        """Amplitudes, shape (2**n,), on the host."""
        self._evolve(angles)
        return to_host(self._xp, self._ket)

    def probabilities(self, angles: Angles) -> NDArray[np.float64]:
        """Probability of every basis state, shape (2**n,), on the host."""
        self._evolve(angles)
        return self._squares()

    def expectation(self, angles: Angles) -> float:
        """Expectation of the normalised cost."""
        self._evolve(angles)
        return self._mean()

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
        if isinstance(objective, Mean):
            value, tilted = self._mean(), self._costs
        else:
            value, of_host = objective.evaluate(self._squares(), self.diagonal)
            tilted = self._xp.asarray(of_host, self._costs.dtype)
        if self._bra is None:
            self._bra = self._xp.empty_like(self._ket)
        self._xp.multiply(self._ket, tilted, out=self._bra)
        p = angles.layers
        gradient = np.zeros(2 * p)
        for layer in reversed(range(p)):
            gradient[p + layer] = self._unmix(angles.betas[layer])
            self._xp.multiply(self._ket, self._costs, out=self._room)
            gradient[layer] = -self._inner(self._bra).imag
            turn = self._phase(-angles.gammas[layer])
            self._ket *= turn
            self._bra *= turn
        return value, 2.0 * gradient

    # -- layers ---------------------------------------------------------------------------------

    def _evolve(self, angles: Angles) -> None:
        """Run the circuit."""
        self._ket.fill(2.0 ** (-self.qubits / 2))
        for gamma, beta in zip(angles.gammas, angles.betas, strict=True):
            self._ket *= self._phase(gamma)
            mixers = self._mixers(beta)
            for size in self._blocks:
                self._ket = self._turn(mixers[size], self._ket)

    def _unmix(self, beta: float) -> float:
        """Undo the mixer on both states; half the derivative by its angle."""
        mixers, slope = self._mixers(-beta), 0.0
        for size in self._blocks:
            self._ket = self._turn(mixers[size], self._ket)
            self._bra = self._turn(mixers[size], self._bra)
            # The block is the highest one now, and its flips commute with its mixer.
            shape = 2**size, -1
            self._xp.dot(
                self._flips[size], self._ket.reshape(shape), out=self._room.reshape(shape)
            )
            slope -= self._inner(self._bra).imag
        return slope

    def _turn(self, matrix: Array, amplitudes: Array) -> Array:
        """Multiply the lowest block by a matrix and make it the highest; room is swapped in."""
        size = len(matrix)
        out, self._room = self._room, amplitudes
        self._xp.dot(matrix, amplitudes.reshape(-1, size).T, out=out.reshape(size, -1))
        return out

    def _phase(self, gamma: float) -> Array:
        """``exp(-i gamma C)`` of every basis state, in the room."""
        re, im = self._room.real, self._room.imag
        self._xp.multiply(self._costs, -gamma, out=im)
        self._xp.cos(im, out=re)
        self._xp.sin(im, out=im)
        return self._room

    def _mixers(self, beta: float) -> dict[int, Array]:
        """``exp(-i beta sum X)`` on blocks of each size."""
        one = np.array([[np.cos(beta), -1j * np.sin(beta)], [-1j * np.sin(beta), np.cos(beta)]])
        return {
            size: self._xp.asarray(reduce(np.kron, [one] * size), self._kind)
            for size in self._flips
        }

    # -- sums -----------------------------------------------------------------------------------

    def _mean(self) -> float:
        """Expectation of the cost in the state as it is."""
        self._xp.multiply(self._ket, self._costs, out=self._room)
        return self._inner(self._ket).real

    def _inner(self, other: Array) -> complex:
        """``<room|other>``, summed in double precision; uses the room up."""
        self._xp.conjugate(self._room, out=self._room)
        self._room *= other
        return complex(self._room.sum(dtype=np.complex128))

    def _squares(self) -> NDArray[np.float64]:
        """Probabilities of the state as it is, shape (2**n,), on the host."""
        out, other = (part.astype(np.float64) for part in (self._ket.real, self._ket.imag))
        out *= out
        other *= other
        out += other
        return to_host(self._xp, out)

    def _diagonal(self) -> Array:
        """The normalised cost of every basis state.

        The register is cut in two: what couples the halves is a product of two small matrices.
        """
        xp, n = self._xp, self.qubits
        low = (n + 1) // 2
        h, couplings = xp.asarray(self.cost.ising.h), xp.asarray(self.cost.couplings())
        own, halves = [], []
        for part in (slice(0, low), slice(low, n)):
            width = part.stop - part.start
            spins = 1.0 - 2.0 * ((xp.arange(2**width)[:, None] >> xp.arange(width)) & 1)
            pairs = spins @ xp.triu(couplings[part, part]) + h[part]
            own.append((pairs * spins).sum(axis=1))
            halves.append(spins)
        between = couplings[:low, low:].T @ halves[0].T
        costs = xp.empty((2 ** (n - low), 2**low), self._real)
        step = max(1, _SLAB >> low)
        for row in range(0, len(costs), step):
            slab = halves[1][row : row + step] @ between
            slab += own[0]
            slab += own[1][row : row + step, None]
            costs[row : row + step] = slab
        return costs.reshape(-1)


def _flips(size: int) -> NDArray[np.float64]:
    """The sum of X over a block of qubits, shape (2**size, 2**size)."""
    states = np.arange(2**size)
    ones = np.bitwise_count(states[:, None] ^ states)
    return np.asarray(ones == 1, dtype=np.float64)


def check_size(qubits: int, precision: Precision, module: Any) -> None:
    """Refuse a register that does not fit on the device, or whose samples do not fit beside it.

    Raises
    ------
    SizeError
        With the limit and the memory needed.
    """
    bytes_ = BYTES_AN_AMPLITUDE[precision]
    fits = min(device_memory(module) / bytes_, free_memory() / _BYTES_OF_HOST)
    limit = min(MOST_QUBITS, int(np.log2(max(2.0, fits))))
    if qubits > limit:
        raise SizeError(
            "the QAOA statevector simulator on the GPU", qubits, limit, "qubits",
            f"{qubits} would need {memory_text(2**qubits, bytes_)}; {REMEDY}",
        )


def module_for(qubits: int, precision: Precision) -> Any | None:
    """CuPy, where a GPU takes such a register and is quicker than the CPU; else None."""
    module = installed() if _WORTHWHILE <= qubits <= MOST_QUBITS else None
    if module is None:
        return None
    try:
        check_size(qubits, precision, module)
    except SizeError:
        return None
    return module


def installed() -> Any | None:
    """CuPy, where it is installed and has a device; never raises."""
    if importlib.util.find_spec("cupy") is None:
        return None
    try:
        import cupy

        return cupy if cupy.cuda.runtime.getDeviceCount() > 0 else None
    except Exception:
        # Without a driver, or with libraries of another version, CuPy fails in ways of its own
        # (ImportError, CUDARuntimeError, OSError, ...): whatever it is, the CPU goes on.
        return None


def warm_up(module: Any, precision: Precision = "double") -> None:
    """Compile, or load from CuPy's cache, what a `GpuStatevector` runs."""
    from qopt.forms import Qubo

    small = GpuStatevector(Cost.of(Qubo.from_matrix(np.eye(2 * _BLOCK))), precision, module)
    small.value_and_gradient(Angles((0.1,), (0.1,)), Mean())
    small.probabilities(Angles((0.1,), (0.1,)))


# -- what numpy has not -------------------------------------------------------------------------


def to_host(module: Any, array: Array) -> NDArray[Any]:
    """A copy in the host's memory."""
    return np.array(array) if module is np else np.asarray(module.asnumpy(array))


def device_memory(module: Any) -> float:
    """Bytes that the device can still give, those included that CuPy keeps for later arrays."""
    if module is np:
        return free_memory()
    module.get_default_memory_pool().free_all_blocks()
    return float(module.cuda.runtime.memGetInfo()[0])


def device_name(module: Any) -> str:
    """``gpu: <its name>``; ``cpu`` for numpy."""
    if module is np:
        return "cpu"
    runtime = module.cuda.runtime
    name = runtime.getDeviceProperties(runtime.getDevice())["name"]
    return f"gpu: {name.decode()}"
