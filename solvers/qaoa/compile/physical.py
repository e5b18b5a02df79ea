"""What can be read off a circuit on a device."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.transpiler import Target

_NOT_GATES = ("barrier", "delay")


def qubits_in_use(circuit: "QuantumCircuit") -> tuple[int, ...]:
    """Qubits that some gate or measurement acts on, ascending."""
    return tuple(sorted({q for _, _, qubits in gates(circuit) for q in qubits}))


def duration(circuit: "QuantumCircuit", target: "Target") -> float:
    """Seconds from start to end, every gate as soon as its qubits are free, readout included."""
    free = [0.0] * circuit.num_qubits
    for name, _, qubits in gates(circuit):
        properties = target[name].get(qubits)
        length = properties.duration if properties is not None else None
        end = max(free[q] for q in qubits) + (length or 0.0)
        for q in qubits:
            free[q] = end
    return max(free, default=0.0)


def restrict(circuit: "QuantumCircuit", qubits: tuple[int, ...]) -> "QuantumCircuit":
    """The same circuit on `qubits` alone, numbered from 0; barriers and delays are left out."""
    from qiskit import QuantumCircuit

    position = {qubit: i for i, qubit in enumerate(qubits)}
    small = QuantumCircuit(len(qubits), circuit.num_clbits, global_phase=circuit.global_phase)
    for _, gate, on in gates(circuit):
        bits = [circuit.find_bit(bit).index for bit in gate.clbits]
        small.append(gate.operation, [position[q] for q in on], bits)
    return small


def gates(circuit: "QuantumCircuit") -> Iterator[tuple[str, Any, tuple[int, ...]]]:
    """Name, instruction and qubit numbers of every gate and measurement."""
    number = {bit: i for i, bit in enumerate(circuit.qubits)}
    for gate in circuit.data:
        if gate.operation.name not in _NOT_GATES:
            yield gate.operation.name, gate, tuple(number[bit] for bit in gate.qubits)
