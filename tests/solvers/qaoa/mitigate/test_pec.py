import numpy as np
import pytest
from qiskit.quantum_info import PTM, SuperOp
from qiskit_aer.noise import depolarizing_error, pauli_error, thermal_relaxation_error

from qopt.errors import UnsupportedError
from qopt.forms import Qubo
from qopt.solvers.qaoa.ansatz import Angles
from qopt.solvers.qaoa.circuit import two_qubit_gates
from qopt.solvers.qaoa.mitigate import pec
from qopt.solvers.qaoa.mitigate.job import Job, Reading
from qopt.solvers.qaoa.mitigate.observable import Observable
from qopt.solvers.qaoa.noise import depolarising_noise
from qopt.solvers.qaoa.simulate import StoppedError

NOISY = "depolarizing:0;0.12;0"


@pytest.fixture
def tiny(compiled_on):
    """Two qubits, one coupling, two layers: its observable, device and circuit."""
    model = Qubo.from_arrays([1.0, -0.5], [0], [1], [2.0], offset=0.3)
    device, compiled = compiled_on(model, NOISY, angles=Angles((0.4, 0.3), (0.5, 0.2)))
    return Observable.of(model, compiled.ansatz), device, compiled


def method(tiny, circuits=100):
    measured, device, _ = tiny
    return pec.ErrorCancellation(measured.mixed, device.noise, circuits)


def test_the_inverse_undoes_a_mixture_of_paulis():
    channel = pauli_error([("IX", 0.1), ("ZI", 0.05), ("II", 0.85)])
    undo = pec.inverse_of(channel)
    assert undo.weights.sum() == pytest.approx(1.0)
    assert undo.remainder < 1e-9
    # Named first qubit first: the channel's IX is an X on the first.
    weights = dict(zip(undo.paulis, undo.weights, strict=True))
    assert weights["XI"] < -0.05
    assert abs(weights["IX"]) < 0.02
    kept = np.zeros((16, 16))
    for pauli, weight in weights.items():
        kept += weight * PTM(SuperOp(pauli_error([(pauli[::-1], 1.0)]))).data.real
    product = kept @ PTM(SuperOp(channel)).data.real
    np.testing.assert_allclose(product, np.eye(16), atol=1e-12)


def test_relaxation_leaves_a_remainder():
    undo = pec.inverse_of(thermal_relaxation_error(50.0, 50.0, 1.0))
    assert 0.0 < undo.remainder < 0.05
    assert undo.norm > 1.0
    with pytest.raises(UnsupportedError, match="leaves nothing of a Pauli"):
        pec.inverse_of(depolarizing_error(1.0, 1))


def test_all_paulis_with_their_weights_are_the_noiseless_mean(tiny, noisy_mean):
    measured, device, compiled = tiny
    inverses = pec.inverses_of(compiled, device.noise(compiled))
    assert len(inverses) == two_qubit_gates(compiled.circuit) == 2
    (one, first), (two, second) = inverses.items()
    noise, mean = device.noise(compiled), 0.0
    for a, weight in zip(first.paulis, first.weights, strict=True):
        for b, other in zip(second.paulis, second.weights, strict=True):
            circuit = pec.with_paulis(compiled, {one: a, two: b})
            mean += weight * other * noisy_mean(measured, circuit, noise)
    ideal = noisy_mean(measured, compiled.circuit, depolarising_noise(2, 0.0, 0.0, 0.0))
    assert mean == pytest.approx(ideal, abs=1e-9)
    assert abs(noisy_mean(measured, compiled.circuit, noise) - ideal) > 0.1


def test_drawn_circuits_are_unbiased_and_the_error_bar_is_theirs(tiny, noisy_mean):
    measured, device, compiled = tiny
    noise = device.noise(compiled)
    ideal = noisy_mean(measured, compiled.circuit, depolarising_noise(2, 0.0, 0.0, 0.0))
    known, values, told = {}, [], []
    for seed in range(40):
        jobs = [Job(compiled.circuit), *method(tiny, 30).circuits(compiled, seed)]
        readings = []
        for job in jobs:
            key = str([(g.operation.name, g.operation.params, g.qubits) for g in job.circuit.data])
            if key not in known:
                known[key] = noisy_mean(measured, job.circuit, noise)
            readings.append(Reading(known[key], 0.0))
        found = method(tiny).combine(jobs, readings)
        values.append(found.value)
        told.append(found.standard_error)
    spread = np.std(values, ddof=1)
    assert abs(np.mean(values) - ideal) < 4.0 * spread / np.sqrt(len(values))
    assert np.mean(told) == pytest.approx(spread, rel=0.35)


def test_the_overhead_is_told(tiny):
    _, device, compiled = tiny
    jobs = method(tiny, 50).circuits(compiled, 0)
    inverses = pec.inverses_of(compiled, device.noise(compiled))
    size = pec.one_norm(inverses.values())
    # Of a depolarising gate: its error in Pauli terms, inverted by hand.
    kept = 1.0 - 0.12 * 16.0 / 15.0
    norm = (1.0 + 15.0 / kept) / 16.0 + 15.0 * (1.0 / kept - 1.0) / 16.0
    assert size == pytest.approx(norm**2)
    assert jobs[0].beside + abs(jobs[0].setting) == pytest.approx(size)
    assert len({job.share for job in jobs}) == 1
    found = method(tiny).combine(
        [Job(compiled.circuit), *jobs], [Reading(1.0, 0.1)] * (len(jobs) + 1)
    )
    assert found.details["one_norm"] == pytest.approx(size)
    assert found.details["shot_overhead"] == pytest.approx(size**2)


def test_hopeless_circuits_are_refused(random_qubo, compiled_on):
    model = random_qubo(6)
    device, compiled = compiled_on(model, NOISY, angles=Angles((0.4,) * 3, (0.5,) * 3))
    observable = Observable.of(model, compiled.ansatz)
    with pytest.raises(UnsupportedError, match=r"times the shots .* take mitigation=readout\+zne"):
        pec.ErrorCancellation(observable.mixed, device.noise).circuits(compiled, 0)


def test_without_noise_there_is_nothing_to_draw(compiled_on):
    device, compiled = compiled_on(Qubo.from_arrays([1.0, 1.0]), "depolarizing:0;0.1;0.1")
    cancel = pec.ErrorCancellation(0.0, device.noise)
    assert cancel.circuits(compiled, 0) == []
    found = cancel.combine([Job(compiled.circuit)], [Reading(1.5, 0.2)])
    assert (found.value, found.standard_error) == (1.5, 0.2)


@pytest.mark.parametrize("asked", [1, 4])
def test_making_circuits_can_be_stopped(tiny, asked):
    measured, device, compiled = tiny
    answers = iter([False] * (asked - 1) + [True])
    cancel = pec.ErrorCancellation(measured.mixed, device.noise, 9, lambda: next(answers))
    with pytest.raises(StoppedError):
        cancel.circuits(compiled, 0)
