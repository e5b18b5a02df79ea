"""Circuits of PennyLane, on its simulators of statevectors."""

from typing import TYPE_CHECKING, Any

import numpy as np

from .run import Probabilities, Stop, check_size, never, pieces, squared
from .walk import Gate, walk

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

COPIES = 5.0
MOST_QUBITS = {"default.qubit": 22, "lightning.qubit": 24}
"""Devices that give exact states, and the registers that take minutes at most."""


def convert(circuit: "QuantumCircuit") -> Any:
    """The ``pennylane.tape.QuantumScript`` of a circuit, without measurements: wires are qubits.

    Its own order of bits has the first wire as the highest; a device with wires n - 1 to 0 gives
    qiskit's.

    Raises
    ------
    UsageError, UnsupportedError
        Where `walk` does.
    """
    import pennylane

    return pennylane.tape.QuantumScript([operation(gate) for gate in walk(circuit)])


def operation(gate: Gate) -> Any:
    """A gate as an operation of PennyLane, whose IsingXY turns the other way."""
    import pennylane

    if gate.name == "xx_plus_yy":
        return pennylane.IsingXY(-gate.angles[0], wires=gate.qubits)
    makers = {
        "h": pennylane.Hadamard, "x": pennylane.PauliX, "cx": pennylane.CNOT, "cz": pennylane.CZ,
        "rx": pennylane.RX, "ry": pennylane.RY, "rz": pennylane.RZ, "rzz": pennylane.IsingZZ,
    }
    return makers[gate.name](*gate.angles, wires=gate.qubits)


def probabilities(
    circuit: "QuantumCircuit", stop: Stop = never, device: str = "default.qubit"
) -> Probabilities:
    """Probabilities of all basis states by a device of `MOST_QUBITS`, shape (2**n,).

    Raises
    ------
    SizeError
        Where the state does not fit.
    UsageError, UnsupportedError
        Where `walk` does.
    StoppedError
        Where `stop` ends the simulation.
    """
    gates, qubits = walk(circuit), circuit.num_qubits
    check_size(f"PennyLane's {device}", qubits, MOST_QUBITS[device], COPIES)
    import pennylane

    wires = list(range(qubits))[::-1]
    simulator = pennylane.device(device, wires=wires)
    state = np.zeros(2**qubits, dtype=np.complex128)
    state[0] = 1.0
    for piece in pieces(gates, qubits, stop):
        start = pennylane.StatePrep(state, wires=wires, validate_norm=False)
        script = pennylane.tape.QuantumScript(
            [start, *map(operation, piece)], [pennylane.state()]
        )
        state = np.asarray(pennylane.execute([script], simulator)[0])
    return squared(state)
