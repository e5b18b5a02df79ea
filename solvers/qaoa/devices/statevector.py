"""The ideal device: no noise, all qubits coupled, every gate its own."""

from collections.abc import Callable

from ..ansatz import Angles, Ansatz
from ..simulate import Precision, check_size, draw
from .device import Compiled, Samples, Watch, as_it_is


class StatevectorDevice:
    """Draws shots from the exact state.

    Parameters
    ----------
    threads : int
    precision : {"double", "single"}
    """

    hypothetical = True

    name = "statevector"

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
