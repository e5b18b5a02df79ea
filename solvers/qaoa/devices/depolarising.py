"""A device of three numbers: all qubits coupled, every gate of a kind equally noisy."""

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from qopt.devices import Description, DeviceSize
from qopt.errors import SizeError, UsageError

from ..ansatz import Angles, Ansatz
from ..circuit import ONE_QUBIT_GATES, TWO_QUBIT_GATES, two_qubit_gates
from ..noise import Noise, depolarising_noise
from ..simulate.noisy import MOST_QUBITS
from ..simulate.statevector import REMEDY
from .device import Compiled, DeviceOptions, Samples, Watch, as_it_is, noise_words
from .noisy import check_share, sample_noisy

SYNTAX = "depolarizing:P1;P2;READOUT"

_KINDS = ("one-qubit gates", "two-qubit gates", "readout")

_MOST = (3 / 4, 15 / 16, 1 / 2)
"""Above these a "no error" outcome would be rarer than each error: no noise does that."""


class DepolarisingDevice:
    """Depolarising gates and symmetric readout errors.

    Parameters
    ----------
    name : str
        `SYNTAX`: the probability of a Pauli error after each one-qubit and each two-qubit gate, and
        that a bit is read wrong. Commas and slashes separate as well.
    trajectories : int, optional
    threads : int
    noise_scale : float
        What the three are multiplied by.
    execute : bool
        Whether circuits will be simulated, too.

    Raises
    ------
    UsageError
        Where the three numbers are not probabilities, or would not be when multiplied.
    """

    hypothetical = simulated = noisy = True

    def __init__(
        self,
        name: str,
        trajectories: int | None = None,
        threads: int = 1,
        noise_scale: float = 1.0,
        execute: bool = True,
    ) -> None:
        self.name = name + noise_words(noise_scale)
        self._trajectories = trajectories
        self._threads = threads
        self._scale = noise_scale
        self._execute = execute
        given = _probabilities(name)
        check_share(noise_scale, zip(_KINDS, given, _MOST, strict=True))
        self.one, self.two, self.readout = (noise_scale * each for each in given)

    def load(self) -> None:
        """Import the simulator."""
        import qiskit_aer.noise  # noqa: F401 - the import is what takes time
        import rustworkx  # noqa: F401

    def check_size(self, ansatz: Ansatz) -> None:
        """Refuse what the noisy simulator cannot hold."""
        qubits = ansatz.cost.qubits
        if self._execute and qubits > MOST_QUBITS:
            raise SizeError(f"device {self.name!r}", qubits, MOST_QUBITS, "qubits", REMEDY)

    def compile(self, ansatz: Ansatz, seed: int, watch: Watch) -> Compiled:
        """The logical circuit as it is: every gate is native, every pair coupled."""
        noise = {"one": self.one, "two": self.two, "readout": self.readout}
        compiled = as_it_is(ansatz)
        parts = {
            "gates": (1.0 - self.one) ** compiled.one_qubit_gates
            * (1.0 - self.two) ** two_qubit_gates(compiled.circuit),
            "readout": (1.0 - self.readout) ** compiled.circuit.num_qubits,
        }
        return replace(
            compiled, success_probability=parts["gates"] * parts["readout"],
            details={"noise": noise, "noise_scale": self._scale, "success": parts},
        )

    def prepare(
        self, ansatz: Ansatz, layers: int, seed: int, watch: Watch
    ) -> Callable[[Angles], Compiled]:
        """Every circuit as it is: nothing is compiled."""
        return lambda angles: self.compile(ansatz.at(angles), seed, watch)

    def sample(self, compiled: Compiled, shots: int, seed: int, watch: Watch) -> Samples:
        """Shots under the noise."""
        samples = sample_noisy(
            compiled,
            lambda: self.noise(compiled),
            shots,
            seed,
            watch,
            trajectories=self._trajectories,
            threads=self._threads,
        )
        return replace(samples, method=samples.method + noise_words(self._scale))

    def noise(self, compiled: Compiled) -> Noise:
        """The noise of a circuit's gates and readout."""
        return depolarising_noise(compiled.circuit.num_qubits, self.one, self.two, self.readout)


class DepolarisingFamily:
    """Devices of three error rates."""

    def sizes(self) -> tuple[DeviceSize, ...]:
        """None: each is made by its three numbers."""
        return ()

    def describe(self, name: str) -> Description:
        """What it is."""
        device = DepolarisingDevice(name)
        return Description(
            name, "depolarising gates and symmetric readout errors", MOST_QUBITS, couples_all=True,
            basis=(*ONE_QUBIT_GATES, *TWO_QUBIT_GATES), simulated=True, noisy=True,
            facts={"errors": {
                "one_qubit_gate": device.one, "two_qubit_gate": device.two,
                "readout": device.readout,
            }},
        )

    def open(self, name: str, options: DeviceOptions) -> DepolarisingDevice:
        """The device."""
        options.check(name, compiles=False, noisy=True)
        scale = 1.0 if options.noise_scale is None else options.noise_scale
        return DepolarisingDevice(
            name, options.trajectories, options.threads, scale, options.execute
        )


FAMILY = DepolarisingFamily()


def _probabilities(name: str) -> tuple[float, float, float]:
    parts = [part for part in re.split(r"[;,/\s]+", name.partition(":")[2]) if part]
    try:
        one, two, readout = (float(part) for part in parts)
    except ValueError:
        raise UsageError(f"a depolarising device is written {SYNTAX}, got {name!r}") from None
    for value, most in zip((one, two, readout), _MOST, strict=True):
        if not (np.isfinite(value) and 0.0 <= value <= most):
            raise UsageError(f"{value:g} in device {name!r} must lie between 0 and {most:g}")
    return one, two, readout
