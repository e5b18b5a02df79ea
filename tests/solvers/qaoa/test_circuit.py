import subprocess
import sys

import numpy as np
import pytest
from qiskit.quantum_info import Statevector

from qopt.errors import UsageError
from qopt.forms import Group, Qubo
from qopt.solvers.qaoa import circuit as circuits
from qopt.solvers.qaoa.ansatz import Angles, Ansatz, Cost, TermAngles
from qopt.solvers.qaoa.circuit import build_circuit
from qopt.solvers.qaoa.simulate import open_simulator, reference
from qopt.solvers.qaoa.simulate.product import ProductStatevector

ANGLES = Angles((0.3, -0.2), (0.4, 0.7))


@pytest.mark.parametrize("order", circuits.ORDERS)
@pytest.mark.parametrize("n", [1, 2, 5])
def test_the_circuit_prepares_the_textbook_state(random_qubo, n, order):
    ansatz = Ansatz(Cost.of(random_qubo(n, density=0.7)), ANGLES)
    circuit = build_circuit(ansatz, order).remove_final_measurements(inplace=False)
    overlap = np.vdot(Statevector(circuit).data, reference.state(ansatz))
    assert abs(overlap) == pytest.approx(1.0, abs=1e-12)


def test_gate_counts(random_qubo):
    model = random_qubo(5)
    circuit = build_circuit(Ansatz(Cost.of(model), ANGLES))
    assert dict(circuit.count_ops()) == {"h": 5, "rzz": 20, "rz": 10, "rx": 10, "measure": 5}
    assert circuits.two_qubit_gates(circuit) == 20
    assert circuits.one_qubit_gates(circuit) == 25
    assert circuits.one_qubit_gates(circuit, free=("rz",)) == 15


@pytest.mark.parametrize("order", circuits.ORDERS)
@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("kind", ["layers", "terms"])
def test_a_circuit_from_tilted_qubits_prepares_the_state_that_is_simulated(
    random_qubo, n, order, kind
):
    cost, generator = Cost.of(random_qubo(n, density=0.7)), np.random.default_rng(n)
    tilts = generator.uniform(0.0, np.pi, n)
    tilts[1::3] = np.pi / 2.0
    angles = ANGLES if kind == "layers" else TermAngles(
        generator.normal(size=(2, cost.terms)), generator.normal(size=(2, n))
    )
    circuit = build_circuit(Ansatz(cost, angles, tilts=tilts), order)
    assert circuit.count_ops()["measure"] == n
    data = Statevector(circuit.remove_final_measurements(inplace=False)).data
    state = ProductStatevector(cost, tilts).state(angles)
    # Qubits that start in h and rx differ from the rest by a global phase at most.
    phase = np.exp(1j * np.angle(np.vdot(data, state)))
    np.testing.assert_allclose(data * phase, state, atol=1e-12)


def test_level_tilts_need_no_more_gates(random_qubo):
    cost = Cost.of(random_qubo(4))
    # The tilt of one half, rounding error and all.
    tilts = np.full(4, 2.0 * np.arcsin(np.sqrt(0.5)))
    tilted = build_circuit(Ansatz(cost, ANGLES, tilts=tilts))
    assert circuits.fingerprint(tilted) == circuits.fingerprint(build_circuit(Ansatz(cost, ANGLES)))


def test_tilts_and_angles_of_terms_go_with_the_mixer_of_all_strings(random_qubo):
    model = grouped(random_qubo)
    cost = Cost.within_groups(model)
    terms = TermAngles(np.zeros((1, cost.terms)), np.zeros((1, 10)))
    for options in ({"tilts": np.ones(10)}, {"angles": terms}):
        with pytest.raises(UsageError, match="mixer x, not ring"):
            Ansatz(cost, mixer="ring", groups=model.groups, **options)


def test_measurements_keep_the_order_of_variables(random_qubo):
    circuit = build_circuit(Ansatz(Cost.of(random_qubo(4)), ANGLES))
    measured = [
        (circuit.find_bit(gate.qubits[0]).index, circuit.find_bit(gate.clbits[0]).index)
        for gate in circuit.data
        if gate.operation.name == "measure"
    ]
    assert measured == [(i, i) for i in range(4)]


def test_coloured_order_is_shallow(max_cut):
    # A ring of 12: two colours, or three by Vizing's bound; sorted by qubits it takes 11 steps.
    ansatz = Ansatz(
        Cost.of(max_cut([(i, (i + 1) % 12) for i in range(12)], 12)), Angles((0.3,), (0.4,))
    )
    assert circuits.depth(build_circuit(ansatz)) <= 2 + 3
    assert circuits.depth(build_circuit(ansatz, "rows")) > 8


def test_fields_of_zero_need_no_gate():
    circuit = build_circuit(Ansatz(Cost.of(Qubo.from_arrays([0.0, 1.0])), ANGLES))
    assert circuit.count_ops()["rz"] == 2


def test_fingerprints_tell_circuits_apart(random_qubo):
    cost = Cost.of(random_qubo(4))
    one, same, other = (
        circuits.fingerprint(build_circuit(Ansatz(cost, angles)))
        for angles in (ANGLES, ANGLES, Angles((0.3, -0.2), (0.4, 0.71)))
    )
    assert one == same != other


def test_fingerprints_are_equal_in_every_process():
    code = (
        "from qiskit import QuantumCircuit\n"
        "from qopt.solvers.qaoa.circuit import fingerprint\n"
        "c = QuantumCircuit(2, 2); c.h(0); c.rzz(0.1, 0, 1); c.measure(0, 1)\n"
        "print(fingerprint(c))"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1
    assert len(runs.pop().strip()) == 64


def grouped(random_qubo):
    """One-hot, k of n, more ones than zeros, a group that is one state, and a free bit."""
    groups = [Group((0, 3, 1), 1), Group((2, 4, 5, 8), 2), Group((6, 7), 2)]
    return random_qubo(10).with_groups(groups)


@pytest.mark.parametrize("mixer", ["ring", "complete", "grover"])
def test_a_circuit_that_keeps_groups_prepares_the_textbook_state(random_qubo, mixer):
    model = grouped(random_qubo)
    ansatz = Ansatz.of(model, mixer).at(ANGLES)
    circuit = build_circuit(ansatz).remove_final_measurements(inplace=False)
    bits = (np.arange(2**10)[:, None] >> np.arange(10)) & 1
    costs = (model.energies(bits) - ansatz.cost.offset) / ansatz.cost.scale
    prepared = Statevector(circuit).data
    textbook = reference.subspace_state(model, mixer, ANGLES, costs)
    assert abs(np.vdot(prepared, textbook)) == pytest.approx(1.0, abs=1e-11)
    simulator = open_simulator(ansatz)
    kept = simulator.bits(np.arange(len(simulator.diagonal))) @ (1 << np.arange(10))
    np.testing.assert_allclose(
        np.abs(prepared[kept]) ** 2, simulator.probabilities(ANGLES), atol=1e-11
    )


@pytest.mark.parametrize("mixer", ["ring", "complete", "grover"])
def test_the_initial_state_is_that_of_no_layers(random_qubo, mixer):
    ansatz = Ansatz.of(grouped(random_qubo), mixer)
    circuit = build_circuit(ansatz).remove_final_measurements(inplace=False)
    kept = reference.keeps_groups(grouped(random_qubo))
    expected = kept / np.sqrt(kept.sum())
    np.testing.assert_allclose(Statevector(circuit).data, expected, atol=1e-12)


def test_every_gate_is_one_that_noise_is_known_of(random_qubo):
    for mixer in ("ring", "complete", "grover"):
        circuit = build_circuit(Ansatz.of(grouped(random_qubo), mixer).at(ANGLES))
        known = {*circuits.ONE_QUBIT_GATES, *circuits.TWO_QUBIT_GATES, "measure"}
        assert set(circuit.count_ops()) <= known
