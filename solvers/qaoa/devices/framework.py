"""Noiseless simulators of other frameworks as devices: what they have in common."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from qopt.devices import Description, DeviceSize
from qopt.errors import UnknownNameError

from ..ansatz import Angles, Ansatz
from ..circuit import ONE_QUBIT_GATES, TWO_QUBIT_GATES
from ..frameworks.run import Probabilities, Stop, check_size, threads
from ..frameworks.walk import readout
from ..simulate import StoppedError
from ..simulate.sampling import sample, to_bits
from .device import Compiled, DeviceOptions, Samples, Watch, as_it_is


class _Simulate(Protocol):
    def __call__(self, circuit: Any, stop: Stop) -> Probabilities: ...


@dataclass(frozen=True)
class Framework:
    """A simulator of another framework.

    Parameters
    ----------
    name : str
        Of the device: ``"pennylane:lightning.qubit"``.
    title : str
        For messages.
    load : callable
        Imports it.
    package : str
        The distribution that holds it.
    probabilities : callable
        Of all basis states of a circuit, as in `qopt.solvers.qaoa.frameworks`.
    most_qubits : int
    copies : float
        States that are in memory at once.
    warm_up : callable, optional
        Compiles what a register of so many qubits needs.
    """

    name: str
    title: str
    load: Callable[[], object]
    package: str
    probabilities: _Simulate
    most_qubits: int
    copies: float
    warm_up: Callable[[int], None] | None = None


class FrameworkDevice:
    """Draws shots from the exact state as another framework simulates it.

    Shots are drawn here, from exact probabilities: not every framework can repeat its own.

    Parameters
    ----------
    framework : Framework
    threads : int
    """

    hypothetical = simulated = True
    noisy = False

    def __init__(self, framework: Framework, threads: int = 1) -> None:
        self.name = framework.name
        self._framework, self._threads = framework, threads

    def load(self) -> None:
        """Import qiskit and the framework."""
        import numba  # noqa: F401 - the import is what takes time
        import qiskit  # noqa: F401
        import rustworkx  # noqa: F401
        import threadpoolctl  # noqa: F401

        self._framework.load()

    def check_size(self, ansatz: Ansatz) -> None:
        """Refuse what does not fit into memory, or takes the framework too long; else warm up."""
        check_size(
            self._framework.title, ansatz.cost.qubits, self._framework.most_qubits,
            self._framework.copies, whose="the model",
        )
        if self._framework.warm_up is not None:
            self._framework.warm_up(ansatz.cost.qubits)

    def compile(self, ansatz: Ansatz, seed: int, watch: Watch) -> Compiled:
        """The logical circuit as it is."""
        return as_it_is(ansatz)

    def prepare(
        self, ansatz: Ansatz, layers: int, seed: int, watch: Watch
    ) -> Callable[[Angles], Compiled]:
        """Every circuit as it is: nothing is compiled."""
        return lambda angles: self.compile(ansatz.at(angles), seed, watch)

    def sample(self, compiled: Compiled, shots: int, seed: int, watch: Watch) -> Samples:
        """Independent shots of the exact state; none where `watch` ends its simulation."""
        circuit = compiled.circuit
        try:
            with threads(self._threads):
                found = self._framework.probabilities(circuit, stop=lambda: watch.over)
        except StoppedError:
            return Samples(np.zeros((0, circuit.num_clbits), dtype=np.int8))
        states = sample(found, shots, np.random.default_rng(seed))
        return Samples(
            _read(to_bits(states, circuit.num_qubits), compiled),
            method=f"exact state by {self._framework.title}, no noise",
            details={"framework": _versioned(self._framework.package)},
        )


def _read(qubits: NDArray[np.int8], compiled: Compiled) -> NDArray[np.int8]:
    """The classical bits that the qubits are measured into."""
    bits = np.zeros((len(qubits), compiled.circuit.num_clbits), dtype=np.int8)
    for qubit, bit in readout(compiled.circuit):
        bits[:, bit] = qubits[:, qubit]
    return bits


def _versioned(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:  # built from source without metadata
        return package


class FrameworkFamily:
    """The simulators of one framework.

    Parameters
    ----------
    frameworks : Framework
        One for each device.
    """

    def __init__(self, *frameworks: Framework) -> None:
        self._frameworks = {framework.name: framework for framework in frameworks}

    def sizes(self) -> tuple[DeviceSize, ...]:
        """All of them."""
        return tuple(
            DeviceSize(each.name, each.most_qubits) for each in self._frameworks.values()
        )

    def describe(self, name: str) -> Description:
        """What it is."""
        framework = self._find(name)
        return Description(
            name, f"the exact state by {framework.title}, noiseless", framework.most_qubits,
            couples_all=True, basis=(*ONE_QUBIT_GATES, *TWO_QUBIT_GATES), simulated=True,
            noisy=False, facts={"framework": _versioned(framework.package)},
        )

    def open(self, name: str, options: DeviceOptions) -> Any:
        """The device."""
        framework = self._find(name)
        options.check(name, compiles=False, noisy=False)
        return FrameworkDevice(framework, options.threads)

    def _find(self, name: str) -> Framework:
        if name not in self._frameworks:
            raise UnknownNameError("device", name, self._frameworks)
        return self._frameworks[name]
