import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import average_gate_fidelity
from qiskit_aer.noise import NoiseModel
from qiskit_ibm_runtime.fake_provider import FakeTorino

from qopt.solvers.qaoa import noise as noises
from qopt.solvers.qaoa.simulate.noisy import NoisyCircuit


def channel(model: NoiseModel, gate: str, qubits: tuple[int, ...]):
    return model._local_quantum_errors[gate][qubits].to_quantumchannel()


@pytest.fixture(scope="module")
def torino():
    return FakeTorino()


def test_gates_are_as_wrong_as_calibrated(torino):
    physical = (99, 98, 100)
    circuit = QuantumCircuit(3, 3)
    circuit.sx(0)
    circuit.rz(0.1, 0)
    circuit.cz(0, 1)
    circuit.cz(0, 2)
    circuit.measure(range(3), range(3))
    noise = noises.calibrated_noise(circuit, physical, torino.target, torino.properties())
    for gate, qubits in (("sx", (0,)), ("cz", (0, 1)), ("cz", (0, 2))):
        calibrated = torino.target[gate][tuple(physical[q] for q in qubits)].error
        error = 1.0 - average_gate_fidelity(channel(noise.model, gate, qubits))
        assert error == pytest.approx(calibrated, rel=1e-6)
    assert "rz" not in noise.model.noise_instructions
    assert noise.readout.shape == (3, 2)
    expected = torino.properties().qubit_property(99, "prob_meas1_prep0")[0]
    assert noise.readout[0, 0] == expected


def test_every_channel_can_be_drawn_beforehand(torino):
    # Kraus operators would have to be drawn from the state, which is several times slower.
    circuit = QuantumCircuit(133, 1)
    circuit.sx(range(133))
    circuit.measure(0, 0)
    noise = noises.calibrated_noise(
        circuit, tuple(range(133)), torino.target, torino.properties()
    )
    names = {
        gate.operation.name
        for errors in noise.model._local_quantum_errors.values()
        for error in errors.values()
        for part in error.circuits
        for gate in part.data
    }
    assert "reset" in names
    assert "kraus" not in names


def test_the_parameters_are_probabilities_of_an_error():
    # X errors and Y errors flip the bit: 2 of 3 after one gate, 8 of 15 after two.
    circuit = QuantumCircuit(2, 2)
    circuit.rz(0.0, 0)
    circuit.measure(range(2), range(2))
    one = NoisyCircuit(circuit, noises.depolarising_noise(2, 0.3, 0.0, 0.0)).density_matrix()
    np.testing.assert_allclose(one, [0.8, 0.2, 0.0, 0.0], atol=1e-12)
    circuit = QuantumCircuit(2, 2)
    circuit.rzz(0.0, 0, 1)
    two = NoisyCircuit(circuit, noises.depolarising_noise(2, 0.3, 0.15, 0.0)).density_matrix()
    # Of 15 Paulis 3 leave both bits, and each of the three flips takes 4.
    np.testing.assert_allclose(two, [0.88, 0.04, 0.04, 0.04], atol=1e-12)


def test_the_calibration_key_follows_the_figures(torino):
    properties = torino.properties()
    key = noises.calibration_key(torino.target, properties)
    assert key == noises.calibration_key(FakeTorino().target, FakeTorino().properties())
    other = FakeTorino()
    other.target["sx"][(0,)].error = 0.123
    assert noises.calibration_key(other.target, properties) != key
