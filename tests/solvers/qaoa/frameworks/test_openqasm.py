"""Text that the readers of qiskit, Cirq, PennyLane and Braket take, without losing a digit."""

import numpy as np
import pytest
from optional import installed, reason
from qiskit import QuantumCircuit

from qopt.errors import UnknownNameError
from qopt.solvers.qaoa.frameworks.openqasm import openqasm

KINDS = ("ising", "tilted", "ring", "complete", "grover")


def needs(*modules: str):
    for module in modules:
        if not installed(module):
            pytest.skip(reason(module))


def unmeasured(text):
    """Exact probabilities are asked of circuits without measurements."""
    lines = text.splitlines()
    assert sum("= measure" in line for line in lines) in (0, 5, 6, 7)
    return "\n".join(line for line in lines if "measure" not in line)


def read_by_qiskit2(circuit):
    from qiskit import qasm2
    from qiskit.quantum_info import Statevector

    read = qasm2.loads(openqasm(circuit, "qasm2"))
    assert read.num_clbits == circuit.num_clbits
    read.remove_final_measurements()
    return Statevector(read).probabilities()


def read_by_qiskit3(circuit):
    needs("qiskit_qasm3_import")
    from qiskit import qasm3
    from qiskit.quantum_info import Statevector

    read = qasm3.loads(openqasm(circuit))
    assert read.num_clbits == circuit.num_clbits
    read.remove_final_measurements()
    return Statevector(read).probabilities()


def read_by_cirq(dialect):
    def read(circuit):
        needs("cirq", "ply")
        import cirq
        from cirq.contrib.qasm_import import circuit_from_qasm

        found = circuit_from_qasm(openqasm(circuit, dialect))
        plain = cirq.Circuit(op for op in found.all_operations() if not cirq.is_measurement(op))
        order = [cirq.NamedQubit(f"q_{i}") for i in range(circuit.num_qubits)]
        result = cirq.Simulator(dtype=np.complex128).simulate(plain, qubit_order=order[::-1])
        return np.abs(result.final_state_vector) ** 2

    return read


def read_by_pennylane(circuit):
    needs("pennylane", "openqasm3")
    import pennylane

    wires = [f"q[{i}]" for i in range(circuit.num_qubits)][::-1]
    text = unmeasured(openqasm(circuit, "qasm3-pennylane"))

    @pennylane.qnode(pennylane.device("default.qubit", wires=wires))
    def run():
        pennylane.from_qasm3(text)()
        return pennylane.probs(wires=wires)

    return np.asarray(run())


def read_by_braket(circuit):
    needs("braket.default_simulator")
    from braket.default_simulator import StateVectorSimulator
    from braket.ir.openqasm import Program

    source = unmeasured(openqasm(circuit, "qasm3-braket")) + "\n#pragma braket result probability\n"
    result = StateVectorSimulator().run(Program(source=source), shots=0)
    n = circuit.num_qubits
    values = np.asarray(result.resultTypes[0].value)
    return values.reshape([2] * n).transpose(range(n)[::-1]).ravel()


READERS = {
    "qiskit-2": read_by_qiskit2, "qiskit-3": read_by_qiskit3,
    "cirq-2": read_by_cirq("qasm2"), "cirq-3": read_by_cirq("qasm3"),
    "pennylane-3": read_by_pennylane, "braket": read_by_braket,
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", KINDS)
def test_readers_come_to_the_same_probabilities(qaoa_circuits, exact, reader, kind):
    circuit = qaoa_circuits(kind)
    found = READERS[reader](circuit)
    np.testing.assert_allclose(found, exact(circuit), rtol=0.0, atol=1e-12)


@pytest.mark.parametrize("reader", READERS)
def test_tiny_angles_and_idle_qubits_are_read(exact, reader):
    circuit = QuantumCircuit(4)
    circuit.rx(1.23456789e-5, 0)
    circuit.rzz(-1e-17, 0, 2)
    circuit.ry(1e-3, 2)
    found = READERS[reader](circuit)
    np.testing.assert_allclose(found, exact(circuit), rtol=0.0, atol=1e-15)


def test_braket_runs_the_text_as_it_is(qaoa_circuits, exact):
    needs("braket.default_simulator")
    from braket.default_simulator import StateVectorSimulator
    from braket.ir.openqasm import Program

    circuit = qaoa_circuits("ring")
    text = openqasm(circuit, "qasm3-braket")
    result = StateVectorSimulator().run(Program(source=text), shots=500)
    assert result.measuredQubits == list(range(7))
    # Every shot keeps the groups; a wrong order of bits would not.
    bits = np.asarray(result.measurements, dtype=int)
    assert (bits[:, [0, 3, 1]].sum(axis=1) == 1).all()
    assert (bits[:, [2, 4, 6]].sum(axis=1) == 2).all()


def test_an_unknown_dialect_is_refused():
    with pytest.raises(UnknownNameError, match="qasm3"):
        openqasm(QuantumCircuit(1), "qasm4")
