"""The ideal device: no noise, all qubits coupled, every gate its own."""

import numpy as np

from ..ansatz import Ansatz
from ..circuit import build_circuit, one_qubit_gates
from ..simulate import statevector
from .device import Compiled, Samples, Watch


class StatevectorDevice:
    """Draws shots from the exact state.

    Parameters
    ----------
    threads : int
    precision : {"double", "single"}
    """

    hypothetical = True

    name = "statevector"

    def __init__(self, threads: int = 1, precision: statevector.Precision = "double") -> None:
        self._threads, self._precision = threads, precision

    def load(self) -> None:
        """Import qiskit; the solver itself compiles the passes over amplitudes."""
        import qiskit  # noqa: F401 - the import is what takes time
        import rustworkx  # noqa: F401

    def check_size(self, qubits: int) -> None:
        """Refuse what does not fit into memory."""
        statevector.check_size(qubits, self._precision)

    def compile(self, ansatz: Ansatz, seed: int, watch: Watch) -> Compiled:
        """The logical circuit as it is."""
        circuit = build_circuit(ansatz)
        return Compiled(
            ansatz=ansatz,
            circuit=circuit,
            physical=tuple(range(circuit.num_qubits)),
            one_qubit_gates=one_qubit_gates(circuit),
            success_probability=1.0,
        )

    def sample(self, compiled: Compiled, shots: int, seed: int, watch: Watch) -> Samples:
        """Independent shots of the exact state."""
        cost = compiled.ansatz.cost
        simulator = statevector.Statevector(cost, self._threads, self._precision)
        probabilities = simulator.probabilities(compiled.ansatz.angles)
        generator = np.random.default_rng(seed)
        indices = statevector.sample(probabilities, shots, generator)
        return Samples(
            statevector.to_bits(indices, cost.qubits), method="exact state, no noise"
        )
