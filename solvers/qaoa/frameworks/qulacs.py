"""Circuits of qulacs."""

from typing import TYPE_CHECKING, Any

from .run import Probabilities, Stop, check_size, never, pieces, squared
from .walk import Gate, walk

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

COPIES = 3.0
"""States in memory at once: its own, numpy's, and the probabilities."""

_Z = 3
"""Numbers of the Pauli operators X, Y, Z are 1, 2, 3."""


def convert(circuit: "QuantumCircuit") -> Any:
    """The ``qulacs.QuantumCircuit`` of a circuit; its qubits are numbered as qiskit's.

    Raises
    ------
    UsageError, UnsupportedError
        Where `walk` does.
    """
    import qulacs

    found = qulacs.QuantumCircuit(circuit.num_qubits)
    for gate in walk(circuit):
        for operation in operations(gate):
            found.add_gate(operation)
    return found


def operations(gate: Gate) -> list[Any]:
    """A gate as gates of qulacs, whose RX and PauliRotation turn by ``exp(+i t/2 P)``."""
    from qulacs import gate as gates

    if gate.name == "rzz":
        return [gates.PauliRotation(list(gate.qubits), [_Z, _Z], -gate.angles[0])]
    if gate.name == "xx_plus_yy":
        # XX and YY commute.
        half = -0.5 * gate.angles[0]
        return [gates.PauliRotation(list(gate.qubits), [pauli] * 2, half) for pauli in (1, 2)]
    makers: dict[str, Any] = {
        "h": gates.H, "x": gates.X, "cx": gates.CNOT, "cz": gates.CZ,
        "rx": gates.RotX, "ry": gates.RotY, "rz": gates.RotZ,  # exp(-i t/2 P)
    }
    return [makers[gate.name](*gate.qubits, *gate.angles)]


def probabilities(circuit: "QuantumCircuit", stop: Stop = never) -> Probabilities:
    """Probabilities of all basis states, shape (2**n,).

    Raises
    ------
    SizeError
        Where the state does not fit; qulacs itself would crash.
    UsageError, UnsupportedError
        Where `walk` does.
    StoppedError
        Where `stop` ends the simulation.
    """
    gates, qubits = walk(circuit), circuit.num_qubits
    check_size("qulacs", qubits, copies=COPIES)
    import qulacs

    state = qulacs.QuantumState(qubits)
    for piece in pieces(gates, qubits, stop):
        for gate in piece:
            for operation in operations(gate):
                operation.update_quantum_state(state)
    return squared(state.get_vector())
