"""What vendors of quantum devices make of a circuit that is sent, by its documented form."""

import re

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.quantum_info import Statevector

_BRAKET = {"cnot": "cx", "zz": "rzz", "xx": "rxx", "yy": "ryy", "i": "id"}


def exact(circuit: QuantumCircuit) -> NDArray[np.float64]:
    """Probabilities of a circuit without its measurements; bit i of the index is qubit i."""
    return Statevector(circuit.remove_final_measurements(inplace=False)).probabilities()


def from_braket(source: str) -> QuantumCircuit:
    """Read OpenQASM 3 of gates, as Braket names them; measurements must be q[i] into b[i]."""
    size = int(re.search(r"qubit\[(\d+)\] q;", source)[1])
    circuit, measured = QuantumCircuit(size), []
    for line in source.splitlines()[3:]:
        if found := re.fullmatch(r"b\[(\d+)\] = measure q\[(\d+)\];", line):
            assert found[1] == found[2]
            measured.append(int(found[1]))
            continue
        name, angle, on = re.fullmatch(r"(\w+)(?:\((.+)\))? (q.+);", line).groups()
        values = [] if angle is None else [eval(angle, {"pi": np.pi})]
        qubits = [int(number) for number in re.findall(r"q\[(\d+)\]", on)]
        getattr(circuit, _BRAKET.get(name, name))(*values, *qubits)
    assert sorted(measured) == list(range(size))
    return circuit


def from_ionq(program: dict) -> QuantumCircuit:
    """Read a circuit of IonQ's abstract gate set."""
    assert program["gateset"] == "qis"
    circuit = QuantumCircuit(program["qubits"])
    for gate in program["circuit"]:
        name, on = gate["gate"], gate["targets"]
        if "controls" in gate:
            assert name == "x"
            circuit.cx(gate["controls"][0], on[0])
        elif "rotation" in gate:
            getattr(circuit, {"zz": "rzz", "xx": "rxx", "yy": "ryy"}.get(name, name))(
                gate["rotation"], *on
            )
        else:
            getattr(circuit, name)(*on)
    return circuit
