import numpy as np
import pytest

from qopt.errors import SizeError
from qopt.solvers.qaoa.ansatz import Angles, Ansatz, Cost
from qopt.solvers.qaoa.objective import ConditionalValueAtRisk, Mean
from qopt.solvers.qaoa.simulate import reference, statevector
from qopt.solvers.qaoa.simulate.statevector import Statevector

ANGLES = Angles((0.3, -0.2, 1.1), (0.4, 0.7, -0.6))


# 14 qubits have some above the block that is done in the cache.
@pytest.mark.parametrize("n", [1, 2, 3, 7, 14])
def test_the_state_is_the_textbook_state(random_qubo, n):
    cost = Cost.of(random_qubo(n, seed=n))
    simulator = Statevector(cost)
    np.testing.assert_allclose(simulator.diagonal, reference.diagonal(cost), atol=1e-11)
    expected = reference.state(Ansatz(cost, ANGLES))
    np.testing.assert_allclose(simulator.state(ANGLES), expected, atol=1e-12)


def test_threads_do_not_change_the_state(random_qubo):
    cost = Cost.of(random_qubo(14))
    one, two = (Statevector(cost, threads).state(ANGLES) for threads in (1, 2))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("objective", [Mean(), ConditionalValueAtRisk(0.3)])
def test_gradients_are_the_slopes(random_qubo, objective):
    simulator = Statevector(Cost.of(random_qubo(6)))
    value, gradient = simulator.value_and_gradient(ANGLES, objective)
    assert value == pytest.approx(simulator.value(ANGLES, objective))
    point, step = np.array(ANGLES.flat), 1e-6
    slopes = [
        (
            simulator.value(Angles.split(point + step * axis), objective)
            - simulator.value(Angles.split(point - step * axis), objective)
        )
        / (2.0 * step)
        for axis in np.eye(len(point))
    ]
    np.testing.assert_allclose(gradient, slopes, atol=1e-6)


def test_samples_follow_the_probabilities():
    probabilities = np.array([0.0, 0.5, 0.2, 0.3, 0.0])
    drawn = statevector.sample(probabilities, 20_000, np.random.default_rng(1))
    shares = np.bincount(drawn, minlength=5) / 20_000
    assert shares[0] == shares[4] == 0.0
    # Four standard deviations of the share of 0.5.
    np.testing.assert_allclose(shares, probabilities, atol=4 * np.sqrt(0.25 / 20_000))


def test_samples_of_unnormalised_probabilities():
    drawn = statevector.sample(np.array([0.0, 3.0]), 50, np.random.default_rng(0))
    assert (drawn == 1).all()


def test_top_states():
    probabilities = np.array([0.1, 0.4, 0.1, 0.3, 0.1])
    assert statevector.top_states(probabilities, 3).tolist()[:2] == [1, 3]
    assert len(statevector.top_states(probabilities, 99)) == 5


def test_bit_i_is_variable_i():
    bits = statevector.to_bits(np.array([1, 6]), 3)
    assert bits.tolist() == [[1, 0, 0], [0, 1, 1]]
    assert bits.dtype == np.int8


def test_a_register_beyond_the_limit_is_refused_with_the_memory_it_needs():
    with pytest.raises(SizeError, match=r"at most 26 qubits, the model has 40.*GiB") as error:
        statevector.check_size(40)
    assert error.value.size == 40


def test_a_register_beyond_the_free_memory_is_refused(monkeypatch):
    monkeypatch.setattr(statevector, "_free_memory", lambda: 2.0**20)
    with pytest.raises(SizeError, match="at most 14 qubits"):
        statevector.check_size(15)
    statevector.check_size(14)
