import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import Operator

from qopt.errors import UnsupportedError
from qopt.forms import Group
from qopt.solvers.qaoa.circuit import two_qubit_gates
from qopt.solvers.qaoa.mitigate import gates
from qopt.solvers.qaoa.mitigate.folding import fold


def unitary(circuit):
    return Operator(circuit.remove_final_measurements(inplace=False))


@pytest.mark.parametrize("how", ["local", "global"])
@pytest.mark.parametrize("factor", [1.0, 1.5, 3.0, 4.2, 5.0])
@pytest.mark.parametrize(
    ("device", "mixer"), [("aer:manila", "x"), ("depolarizing:0;0.1;0", "ring")]
)
def test_the_unitary_stays_and_its_gates_multiply(
    random_qubo, compiled_on, how, factor, device, mixer
):
    model = random_qubo(4).with_groups([Group((0, 1, 2), 1)])
    _, compiled = compiled_on(model, device, mixer)
    circuit = compiled.circuit
    folded, reached = fold(circuit, factor, how, np.random.default_rng(0))
    before = two_qubit_gates(circuit)
    assert two_qubit_gates(folded) == pytest.approx(reached * before)
    assert abs(reached - factor) <= 1.0 / before + 1e-12
    assert set(folded.count_ops()) <= set(circuit.count_ops()) | {"rz"}
    assert unitary(folded).equiv(unitary(circuit), atol=1e-10)
    assert folded.count_ops()["measure"] == 4


def test_local_folds_leave_one_qubit_gates(random_qubo, compiled_on):
    _, compiled = compiled_on(random_qubo(4), "aer:manila")
    circuit = compiled.circuit
    folded, _ = fold(circuit, 3.0, "local", np.random.default_rng(0))
    assert folded.count_ops()["sx"] == circuit.count_ops()["sx"]
    whole, _ = fold(circuit, 3.0, "global", np.random.default_rng(0))
    assert whole.count_ops()["sx"] == 3 * circuit.count_ops()["sx"]


def test_nothing_to_fold_without_two_qubit_gates():
    circuit = QuantumCircuit(1, 1)
    circuit.h(0)
    assert fold(circuit, 3.0, "local", np.random.default_rng(0)) == (circuit, 1.0)


def test_a_gate_without_an_inverse_of_its_name_is_refused():
    circuit = QuantumCircuit(2)
    circuit.iswap(0, 1)
    with pytest.raises(UnsupportedError, match="'iswap' is not undone"):
        fold(circuit, 3.0, "local", np.random.default_rng(0))


def gate(name, *angles):
    circuit = QuantumCircuit(2)
    getattr(circuit, name)(*angles, 0, 1)
    return circuit.data[0].operation


def xx_plus_yy():
    from qiskit.circuit.library import XXPlusYYGate

    return XXPlusYYGate(0.7)


@pytest.mark.parametrize(
    ("operation", "ways"),
    [(gate("cx"), 16), (gate("cz"), 16), (gate("ecr"), 16), (gate("rzz", 0.4), 16),
     (xx_plus_yy(), 8)],
)
def test_paulis_around_a_gate_leave_it(operation, ways):
    found = gates.conjugates(operation)
    assert len(found) == ways
    assert len({before for before, _, _ in found}) == ways
    for before, after, changed in found:
        around = gates.pair_matrix(after) @ changed.to_matrix() @ gates.pair_matrix(before)
        assert Operator(around).equiv(Operator(operation.to_matrix()))
        assert changed.name == operation.name


@pytest.mark.parametrize(
    ("names", "pauli"), [(("h", "rx"), "X"), (("sx", "rz"), "X"), (("x", "sx", "rz"), "Y"),
                         (("u3", "cx"), "Y"), (("u", "cx"), "Z")],
)
def test_native_paulis_are_paulis(names, pauli):
    circuit = QuantumCircuit(2)
    for name in names:
        if name == "cx":
            circuit.cx(0, 1)
        elif name == "u3":
            from qiskit.circuit.library import U3Gate

            circuit.append(U3Gate(0.1, 0.2, 0.3), [0])
        else:
            getattr(circuit, name)(*[0.1] * {"rx": 1, "rz": 1, "u": 3}.get(name, 0), 0)
    made = QuantumCircuit(1)
    gates.NativePaulis(circuit).append(made, made.qubits, pauli)
    wanted = QuantumCircuit(1)
    getattr(wanted, pauli.lower())(0)
    assert Operator(made).equiv(Operator(wanted))


def test_gates_of_which_no_pauli_is_made_are_told():
    circuit = QuantumCircuit(2)
    circuit.iswap(0, 1)
    with pytest.raises(UnsupportedError, match="no Pauli gates are known"):
        gates.NativePaulis(circuit)
