import numpy as np
import pytest
from qiskit import QuantumCircuit

from qopt.solvers.qaoa.ansatz import Angles, Ansatz, Cost
from qopt.solvers.qaoa.circuit import build_circuit
from qopt.solvers.qaoa.noise import Noise, depolarising_noise
from qopt.solvers.qaoa.simulate import noisy, reference
from qopt.solvers.qaoa.simulate.noisy import NoisyCircuit


def forever():
    return np.inf


@pytest.fixture
def ansatz(random_qubo):
    return Ansatz(Cost.of(random_qubo(4)), Angles((0.3,), (0.5,)))


def relaxation():
    """Gates that decay to 0: noise with resets, which is not unital."""
    from qiskit_aer.noise import NoiseModel, thermal_relaxation_error

    model = NoiseModel()
    one = thermal_relaxation_error(1.0, 0.8, 0.1)
    model.add_all_qubit_quantum_error(one, ["h", "rx"])
    model.add_all_qubit_quantum_error(one.tensor(one), ["rzz"])
    return Noise(model, np.zeros((4, 2)))


def test_without_noise_both_ways_give_the_textbook_probabilities(ansatz):
    circuit = NoisyCircuit(build_circuit(ansatz), depolarising_noise(4, 0.0, 0.0, 0.0))
    expected = np.abs(reference.state(ansatz)) ** 2
    np.testing.assert_allclose(circuit.density_matrix(), expected, atol=1e-10)
    np.testing.assert_allclose(circuit.trajectories(2, 0), [expected] * 2, atol=1e-10)


@pytest.mark.parametrize("noise", [depolarising_noise(4, 0.02, 0.1, 0.0), relaxation()])
def test_trajectories_average_to_the_density_matrix(ansatz, noise):
    circuit = NoisyCircuit(build_circuit(ansatz), noise)
    exact = circuit.density_matrix()
    drawn = circuit.trajectories(4000, 7)
    assert exact.sum() == pytest.approx(1.0)
    error = drawn.std(axis=0) / np.sqrt(len(drawn))
    assert (np.abs(drawn.mean(axis=0) - exact) < 5.0 * error).all()
    # The noise is strong enough for that to mean something.
    assert np.abs(exact - np.abs(reference.state(ansatz)) ** 2).max() > 20.0 * error.max()


def test_threads_do_not_change_trajectories(ansatz):
    circuit, noise = build_circuit(ansatz), depolarising_noise(4, 0.02, 0.1, 0.0)
    one, two = (NoisyCircuit(circuit, noise, threads).trajectories(8, 3) for threads in (1, 2))
    np.testing.assert_allclose(one, two, atol=1e-14)


def test_shots_of_trajectories_follow_the_density_matrix(ansatz):
    circuit = NoisyCircuit(build_circuit(ansatz), depolarising_noise(4, 0.02, 0.1, 0.0))
    shots = 20_000
    bits, batch = circuit.sample_trajectories(1000, shots, np.random.default_rng(0), forever)
    assert bits.shape == (shots, 4)
    assert np.bincount(batch).tolist() == [20] * 1000
    shares = np.bincount(bits @ (1 << np.arange(4)), minlength=16) / shots
    # Clusters of 20 alike shots: the error is at most that of 1000 independent ones.
    np.testing.assert_allclose(shares, circuit.density_matrix(), atol=4 * np.sqrt(0.1 / 1000))


@pytest.mark.parametrize(("count", "shots"), [(3, 10), (7, 7), (5, 101)])
def test_shots_are_spread_evenly(ansatz, count, shots):
    circuit = NoisyCircuit(build_circuit(ansatz), depolarising_noise(4, 0.0, 0.0, 0.0))
    bits, batch = circuit.sample_trajectories(count, shots, np.random.default_rng(0), forever)
    sizes = np.bincount(batch)
    assert (len(bits), len(sizes)) == (shots, count)
    assert sizes.max() - sizes.min() <= 1


def test_time_that_runs_out_means_fewer_trajectories_and_all_shots(ansatz):
    circuit = NoisyCircuit(build_circuit(ansatz), depolarising_noise(4, 0.01, 0.01, 0.0))
    bits, batch = circuit.sample_trajectories(
        100, 200, np.random.default_rng(0), lambda: 1e-9
    )
    assert len(bits) == 200
    assert len(np.unique(batch)) == 32  # the first call to Aer, and nothing after it


def test_the_first_call_asks_for_no_more_than_is_foreseen_to_fit(ansatz):
    circuit = NoisyCircuit(build_circuit(ansatz), depolarising_noise(4, 0.01, 0.01, 0.0))
    left = iter([1.0, 1.0, 1e-9])
    bits, batch = circuit.sample_trajectories(
        100, 200, np.random.default_rng(0), lambda: next(left, 0.0), expected=0.2
    )
    assert len(np.unique(batch)) == 5
    assert len(bits) == 200


def test_an_end_between_calls_keeps_what_there_is(ansatz):
    circuit = NoisyCircuit(build_circuit(ansatz), depolarising_noise(4, 0.01, 0.01, 0.0))
    left = iter([1e9, 1e9, 0.0])
    bits, _ = circuit.sample_trajectories(100, 200, np.random.default_rng(0), lambda: next(left))
    assert len(bits) == 64
    bits, batch = circuit.sample_trajectories(9, 9, np.random.default_rng(0), lambda: 0.0)
    assert bits.shape == (0, 4)
    assert len(batch) == 0


def test_readout_errors_act_on_each_bit_by_its_own_rates():
    circuit = QuantumCircuit(2, 2)
    circuit.x(1)
    circuit.measure([0, 1], [0, 1])
    noise = Noise(depolarising_noise(2, 0.0, 0.0, 0.0).model, np.array([[0.3, 0.0], [0.0, 0.1]]))
    noisy_circuit = NoisyCircuit(circuit, noise)
    bits = noisy_circuit.draw(
        noisy_circuit.density_matrix(), 20_000, np.random.default_rng(0)
    )
    np.testing.assert_allclose(bits.mean(axis=0), [0.3, 0.9], atol=4 * np.sqrt(0.21 / 20_000))


def test_bits_come_out_by_their_classical_number():
    circuit = QuantumCircuit(3, 3)
    circuit.x(0)
    circuit.measure([0, 1, 2], [2, 0, 1])
    noisy_circuit = NoisyCircuit(circuit, depolarising_noise(3, 0.0, 0.0, 0.0))
    bits = noisy_circuit.draw(noisy_circuit.density_matrix(), 3, np.random.default_rng(0))
    assert bits.tolist() == [[0, 0, 1]] * 3


def test_the_default_number_of_trajectories_shrinks_with_the_circuit():
    counts = [noisy.default_trajectories(n, n * (n - 1), 1024) for n in (11, 16, 20, 24)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == noisy.MOST_TRAJECTORIES
    assert counts[-1] == noisy.FEWEST_TRAJECTORIES
    assert noisy.default_trajectories(11, 10, 5) == 5
