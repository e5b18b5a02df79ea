import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import average_gate_fidelity
from qiskit_aer.noise import NoiseModel

from qopt.calibration import Calibration, GateCalibration, QubitCalibration
from qopt.solvers.qaoa import noise as noises
from qopt.solvers.qaoa.devices.ibm_calibration import packaged_calibration
from qopt.solvers.qaoa.simulate.noisy import NoisyCircuit


def channel(model: NoiseModel, gate: str, qubits: tuple[int, ...]):
    return model._local_quantum_errors[gate][qubits].to_quantumchannel()


def error_of(calibration, name: str, qubits: tuple[int, ...]) -> float:
    return next(g.error for g in calibration.gates[name] if g.qubits == qubits)


@pytest.fixture(scope="module")
def torino():
    return packaged_calibration("torino")


def test_gates_are_as_wrong_as_calibrated(torino):
    physical = (99, 98, 100)
    circuit = QuantumCircuit(3, 3)
    circuit.sx(0)
    circuit.rz(0.1, 0)
    circuit.cz(0, 1)
    circuit.cz(0, 2)
    circuit.measure(range(3), range(3))
    noise = noises.calibrated_noise(circuit, physical, torino)
    for gate, qubits in (("sx", (0,)), ("cz", (0, 1)), ("cz", (0, 2))):
        calibrated = error_of(torino, gate, tuple(physical[q] for q in qubits))
        error = 1.0 - average_gate_fidelity(channel(noise.model, gate, qubits))
        assert error == pytest.approx(calibrated, rel=1e-6)
    assert "rz" not in noise.model.noise_instructions
    assert noise.readout.shape == (3, 2)
    assert noise.readout[0, 0] == torino.qubits[99].misread_zero


def test_every_channel_can_be_drawn_beforehand(torino):
    # Kraus operators would have to be drawn from the state, which is several times slower.
    circuit = QuantumCircuit(133, 1)
    circuit.sx(range(133))
    circuit.measure(0, 0)
    noise = noises.calibrated_noise(circuit, tuple(range(133)), torino)
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


@pytest.mark.parametrize("scale", [0.0, 0.5, 2.0])
def test_scaled_noise_scales_every_gate_and_readout(torino, scale):
    physical = (99, 98)
    circuit = QuantumCircuit(2, 2)
    circuit.sx(0)
    circuit.cz(0, 1)
    noise = noises.calibrated_noise(circuit, physical, torino.scaled(scale))
    for gate, qubits in (("sx", (0,)), ("cz", (0, 1))):
        calibrated = error_of(torino, gate, tuple(physical[q] for q in qubits))
        if scale == 0.0:
            assert gate not in noise.model.noise_instructions
            continue
        error = 1.0 - average_gate_fidelity(channel(noise.model, gate, qubits))
        assert error == pytest.approx(scale * calibrated, rel=1e-6)
    assert noise.readout[1, 1] == scale * torino.qubits[98].misread_one


def test_unknown_times_do_not_relax():
    times = ((None, 1e-4), (1e-4, None))
    qubits = tuple(QubitCalibration(t1, t2, None, 0.01, 0.02) for t1, t2 in times)
    gates = {"sx": tuple(GateCalibration((k,), 1e-3, 30e-9) for k in range(2))}
    unknown = Calibration("none", "2026-01-01T00:00:00+00:00", qubits, gates)
    circuit = QuantumCircuit(2, 2)
    circuit.sx(range(2))
    noise = noises.calibrated_noise(circuit, (0, 1), unknown)
    for qubit in range(2):
        error = 1.0 - average_gate_fidelity(channel(noise.model, "sx", (qubit,)))
        assert error == pytest.approx(1e-3, rel=1e-6)
