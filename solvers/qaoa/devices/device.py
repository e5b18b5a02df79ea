"""What a quantum device is: it compiles a circuit and samples it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from qopt.errors import UsageError
from qopt.solver import Clock, Progress

from ..ansatz import Angles, Ansatz
from ..circuit import build_circuit, one_qubit_gates
from ..compile.compiler import Way
from ..simulate.simulator import Precision

if TYPE_CHECKING:
    from qiskit import QuantumCircuit


LARGEST_NOISE_SCALE = 10.0
"""What noise may be multiplied by at most."""


@dataclass(frozen=True, kw_only=True)
class DeviceOptions:
    """What the user of a device may choose; None leaves it to the device.

    Parameters
    ----------
    threads : int
    precision : {"double", "single"}
        Of the amplitudes of a noiseless simulation.
    level, tries : int, optional
        Optimisation level and seeds of the compiler, for devices with couplings.
    way : {"auto", "routes", "line", "qiskit"}, optional
        How the compiler finds its way, for devices with couplings.
    trajectories : int, optional
        Noise trajectories, for simulated noise.
    noise_scale : float, optional
        What the simulated noise is multiplied by, 0 to `LARGEST_NOISE_SCALE`.
    """

    threads: int = 1
    precision: Precision = "double"
    level: int | None = None
    tries: int | None = None
    way: Way | None = None
    trajectories: int | None = None
    noise_scale: float | None = None

    def __post_init__(self) -> None:
        scale = self.noise_scale
        if scale is not None and not 0.0 <= scale <= LARGEST_NOISE_SCALE:
            raise UsageError(
                f"noise_scale must be between 0 and {LARGEST_NOISE_SCALE:g}, got {scale:g}"
            )

    def check(self, name: str, *, compiles: bool, noisy: bool) -> None:
        """Refuse options that do not act on a device.

        Parameters
        ----------
        name : str
        compiles : bool
            Whether circuits are compiled here for its couplings.
        noisy : bool
            Whether its noise is simulated here.

        Raises
        ------
        UsageError
        """
        if not compiles and (self.level, self.tries, self.way) != (None, None, None):
            raise UsageError(
                f"device {name!r} needs no compiler here: leave out optimisation_level, compiler, "
                "compile_seed and compile_tries"
            )
        if not noisy and self.trajectories is not None:
            raise UsageError(f"device {name!r} has no noise to simulate: leave out trajectories")
        if not noisy and self.noise_scale is not None:
            raise UsageError(f"device {name!r} has no simulated noise: leave out noise_scale")


def noise_words(scale: float) -> str:
    """How names and methods tell that noise was scaled; empty where it was not."""
    return "" if scale == 1.0 else f" with noise x{scale:g}"


@dataclass(frozen=True)
class Watch:
    """What a device looks at between pieces of work.

    Parameters
    ----------
    clock : Clock
    progress : Progress
    """

    clock: Clock
    progress: Progress

    @property
    def over(self) -> bool:
        """Whether to end now with what there is."""
        return self.clock.expired or self.progress.stopping

    def past(self, share: float) -> bool:
        """Whether so much of a time limit is over, or all is to end."""
        return self.over or self.clock.elapsed >= share * self.clock.limit


@dataclass(frozen=True, eq=False)
class Compiled:
    """A circuit as a device executes it.

    Parameters
    ----------
    ansatz : Ansatz
        What it prepares.
    circuit : QuantumCircuit
        On the qubits in use alone; classical bit ``i`` is variable ``i``, wherever it was routed.
    physical : tuple of int
        The device's numbers of those qubits.
    one_qubit_gates : int
        Those that take time.
    success_probability : float, optional
        Estimated probability that a shot meets no gate or readout error.
    duration : float, optional
        Seconds from the first gate to the end of readout.
    repetition_delay : float
        Seconds that the device waits between shots.
    details : dict
        JSON values for the record.
    """

    ansatz: Ansatz
    circuit: "QuantumCircuit" = field(repr=False)
    physical: tuple[int, ...] = field(repr=False)
    one_qubit_gates: int
    success_probability: float | None = None
    duration: float | None = None
    repetition_delay: float = 0.0
    details: dict[str, Any] = field(default_factory=dict, repr=False)

    def seconds(self, shots: int) -> float | None:
        """Estimated time on the device; None where gate times are unknown.

        What a seller adds to every job is part of the tariff, not of this.
        """
        if self.duration is None:
            return None
        return (self.repetition_delay + self.duration) * shots


def as_it_is(ansatz: Ansatz, details: dict[str, Any] | None = None) -> Compiled:
    """The logical circuit where every gate is native, every pair coupled and nothing fails."""
    circuit = build_circuit(ansatz)
    return Compiled(
        ansatz=ansatz,
        circuit=circuit,
        physical=tuple(range(circuit.num_qubits)),
        one_qubit_gates=one_qubit_gates(circuit),
        success_probability=1.0,
        details=details or {},
    )


@dataclass(frozen=True, eq=False)
class Samples:
    """What came out of a device.

    Parameters
    ----------
    bits : ndarray of int8, shape (shots, n)
        One row a shot; column ``i`` is variable ``i``.
    trajectories : int, optional
        Noise trajectories that the shots were drawn from; None where they are independent draws of
        the exact distribution.
    batch : ndarray of int64, shape (shots,), optional
        The trajectory of each shot.
    method : str
        How they were drawn, in words.
    details : dict
        JSON values for the record.
    """

    bits: NDArray[np.int8] = field(repr=False)
    trajectories: int | None = None
    batch: NDArray[np.int64] | None = field(default=None, repr=False)
    method: str = ""
    details: dict[str, Any] = field(default_factory=dict, repr=False)


class Device(Protocol):
    """A device. It is opened without imports, and loaded once before anything else is asked.

    Attributes
    ----------
    name : str
        As the user wrote it.
    hypothetical : bool
        Whether no such device exists.
    simulated : bool
        Whether it is simulated here, so that its seconds and money are estimates.
    noisy : bool
        Whether its samples have errors.
    """

    name: str
    hypothetical: bool
    simulated: bool
    noisy: bool

    def load(self) -> None:
        """Import libraries and read calibrations; timed as ``setup``."""
        ...

    def check_size(self, ansatz: Ansatz) -> None:
        """Refuse an ansatz that does not fit; its angles do not matter.

        Raises
        ------
        SizeError
        """
        ...

    def compile(self, ansatz: Ansatz, seed: int, watch: Watch) -> Compiled:
        """Turn a QAOA state into a circuit of the device's own gates and couplings."""
        ...

    def prepare(
        self, ansatz: Ansatz, layers: int, seed: int, watch: Watch
    ) -> Callable[[Angles], Compiled]:
        """Compile a circuit of so many layers once, to be bound to any angles."""
        ...

    def sample(self, compiled: Compiled, shots: int, seed: int, watch: Watch) -> Samples:
        """Execute a circuit; fewer shots come back where `watch` ends the run."""
        ...
