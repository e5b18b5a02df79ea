"""Circuits of Cirq."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .run import Probabilities, Stop, check_size, never, pieces, squared
from .walk import Gate, untouched, walk

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

COPIES = 6.0
MOST_QUBITS = 24


def convert(circuit: "QuantumCircuit") -> Any:
    """The ``cirq.Circuit`` of a circuit: ``LineQubit(i)`` is qubit ``i``.

    Qubits that no gate acts on get an identity: Cirq would forget them. Its own order of bits
    has qubit 0 as the highest; ``qubit_order=cirq.LineQubit.range(n)[::-1]`` gives qiskit's.

    Raises
    ------
    UsageError, UnsupportedError
        Where `walk` does.
    """
    import cirq

    gates = walk(circuit)
    idle = [cirq.I(cirq.LineQubit(i)) for i in untouched(gates, circuit.num_qubits)]
    return cirq.Circuit(idle, [operation(gate) for gate in gates])


def operation(gate: Gate) -> Any:
    """A gate as an operation of Cirq."""
    import cirq

    qubits = [cirq.LineQubit(i) for i in gate.qubits]
    if gate.name == "rzz":
        # The shift makes exp(-i t/2 ZZ) of exp(i t/2) exp(-i t/2 ZZ).
        return cirq.ZZPowGate(exponent=gate.angles[0] / math.pi, global_shift=-0.5)(*qubits)
    if gate.name == "xx_plus_yy":
        return cirq.ISwapPowGate(exponent=-gate.angles[0] / math.pi)(*qubits)
    if gate.angles:
        makers = {"rx": cirq.rx, "ry": cirq.ry, "rz": cirq.rz}
        return makers[gate.name](*gate.angles)(*qubits)
    return {"h": cirq.H, "x": cirq.X, "cx": cirq.CNOT, "cz": cirq.CZ}[gate.name](*qubits)


def probabilities(circuit: "QuantumCircuit", stop: Stop = never) -> Probabilities:
    """Probabilities of all basis states by Cirq's own simulator, shape (2**n,).

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
    check_size("Cirq", qubits, MOST_QUBITS, COPIES)
    import cirq

    # Left alone, it takes single precision and factors the state.
    simulator = cirq.Simulator(dtype=np.complex128, split_untangled_states=False)
    order = cirq.LineQubit.range(qubits)[::-1]
    state = np.zeros(2**qubits, dtype=np.complex128)
    state[0] = 1.0
    for piece in pieces(gates, qubits, stop):
        found = simulator.simulate(
            cirq.Circuit([operation(gate) for gate in piece]), qubit_order=order,
            initial_state=state,
        )
        state = found.final_state_vector
    return squared(state)
