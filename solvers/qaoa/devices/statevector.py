"""The ideal device: no noise, all qubits coupled, every gate its own."""

from collections.abc import Callable

from qopt.devices import Description, DeviceSize
from qopt.errors import UnknownNameError

from ..ansatz import Angles, Ansatz
from ..circuit import ONE_QUBIT_GATES, TWO_QUBIT_GATES
from ..simulate import Precision, check_size, draw
from ..simulate.memory import MOST_QUBITS
from .device import Compiled, DeviceOptions, Samples, Watch, as_it_is

NAME = "statevector"


class StatevectorDevice:
    """Draws shots from the exact state.

    Parameters
    ----------
    threads : int
    precision : {"double", "single"}
    """

    name = NAME
    hypothetical = simulated = True
    noisy = False

    def __init__(self, threads: int = 1, precision: Precision = "double") -> None:
        self._threads, self._precision = threads, precision

    def load(self) -> None:
        """Import qiskit; the solver itself compiles the passes over amplitudes."""
        import qiskit  # noqa: F401 - the import is what takes time
        import rustworkx  # noqa: F401

    def check_size(self, ansatz: Ansatz) -> None:
        """Refuse what does not fit into memory."""
        check_size(ansatz, self._precision)

    def compile(self, ansatz: Ansatz, seed: int, watch: Watch) -> Compiled:
        """The logical circuit as it is."""
        return as_it_is(ansatz)

    def prepare(
        self, ansatz: Ansatz, layers: int, seed: int, watch: Watch
    ) -> Callable[[Angles], Compiled]:
        """Every circuit as it is: nothing is compiled."""
        return lambda angles: self.compile(ansatz.at(angles), seed, watch)

    def sample(self, compiled: Compiled, shots: int, seed: int, watch: Watch) -> Samples:
        """Independent shots of the exact state."""
        bits = draw(compiled.ansatz, shots, seed, self._threads, self._precision)
        return Samples(bits, method="exact state, no noise")


class StatevectorFamily:
    """The exact state, and the states that keep groups."""

    def sizes(self) -> tuple[DeviceSize, ...]:
        """One, for tables too."""
        return (DeviceSize(NAME, MOST_QUBITS, states=2**MOST_QUBITS, forms=("qubo", "table")),)

    def describe(self, name: str) -> Description:
        """What it is."""
        _check(name)
        return Description(
            name, "the exact state, noiseless, in memory", MOST_QUBITS, couples_all=True,
            basis=(*ONE_QUBIT_GATES, *TWO_QUBIT_GATES), simulated=True, noisy=False,
        )

    def open(self, name: str, options: DeviceOptions) -> StatevectorDevice:
        """The device."""
        _check(name)
        options.check(name, compiles=False, noisy=False)
        return StatevectorDevice(options.threads, options.precision)


def _check(name: str) -> None:
    if name != NAME:
        raise UnknownNameError("device", name, [NAME])


FAMILY = StatevectorFamily()
