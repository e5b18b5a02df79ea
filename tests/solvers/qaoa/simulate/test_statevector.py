import numpy as np
import pytest

from qopt.errors import SizeError
from qopt.forms import Qubo
from qopt.solvers.qaoa.ansatz import Angles, Ansatz, Cost
from qopt.solvers.qaoa.objective import ConditionalValueAtRisk, Gibbs, Mean
from qopt.solvers.qaoa.simulate import reference, sampling, statevector
from qopt.solvers.qaoa.simulate.statevector import Statevector

ANGLES = Angles((0.3, -0.2, 1.1), (0.4, 0.7, -0.6))


LARGE = Angles((0.3, -0.2, 1.1, 0.5), (1.4, 3.7, -0.8, -2.0))
"""Mixer angles of every quadrant, and more than a turn."""

TOLERANCE = {"double": 1e-11, "single": 2e-5}


def whole_qubo(n, seed=0):
    """Dense, with whole coefficients: its costs are stored as whole numbers."""
    generator = np.random.default_rng(seed)
    row, col = np.triu_indices(n, 1)
    return Qubo.from_arrays(
        generator.integers(-3, 4, n), row, col, generator.integers(-3, 4, len(row))
    )


# Up to 7 qubits a register is filled up with idle ones, from 13 on it is cut in two halves.
@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 9, 12, 13, 14, 15])
@pytest.mark.parametrize("angles", [Angles((0.4,), (0.3,)), ANGLES, LARGE])
@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("make", ["random", "whole"])
def test_the_state_is_the_textbook_state(random_qubo, n, angles, precision, make):
    cost = Cost.of(random_qubo(n, seed=n) if make == "random" else whole_qubo(n, seed=n))
    simulator = Statevector(cost, precision=precision)
    expected, costs = reference.state(Ansatz(cost, angles)), reference.diagonal(cost)
    tolerance = TOLERANCE[precision]
    np.testing.assert_allclose(simulator.diagonal, costs, atol=tolerance)
    np.testing.assert_allclose(simulator.state(angles), expected, atol=tolerance)
    np.testing.assert_allclose(
        simulator.probabilities(angles), np.abs(expected) ** 2, atol=tolerance
    )
    assert simulator.expectation(angles) == pytest.approx(
        np.abs(expected) ** 2 @ costs, abs=10 * tolerance
    )


def test_threads_do_not_change_the_state(random_qubo):
    cost = Cost.of(random_qubo(15))
    one, two = (Statevector(cost, threads) for threads in (1, 2))
    np.testing.assert_array_equal(one.state(ANGLES), two.state(ANGLES))
    value, gradient = one.value_and_gradient(ANGLES, Mean())
    again = two.value_and_gradient(ANGLES, Mean())
    assert again[0] == pytest.approx(value)
    np.testing.assert_allclose(again[1], gradient)


def test_one_simulator_serves_many_angles(random_qubo):
    cost = Cost.of(random_qubo(13))
    simulator = Statevector(cost)
    first = simulator.state(ANGLES)
    simulator.value_and_gradient(LARGE, Mean())
    np.testing.assert_array_equal(simulator.state(ANGLES), first)


@pytest.mark.parametrize("objective", [Mean(), ConditionalValueAtRisk(0.3), Gibbs(0.4)])
@pytest.mark.parametrize("n", [3, 9, 13, 14])
@pytest.mark.parametrize("angles", [Angles((0.4,), (0.3,)), ANGLES, LARGE])
def test_gradients_are_the_slopes(random_qubo, objective, n, angles):
    cost = Cost.of(random_qubo(n))
    simulator = Statevector(cost)
    value, gradient = simulator.value_and_gradient(angles, objective)
    assert value == pytest.approx(simulator.value(angles, objective))
    point, step = np.array(angles.flat), 1e-6
    slopes = [
        (
            simulator.value(Angles.split(point + step * axis), objective)
            - simulator.value(Angles.split(point - step * axis), objective)
        )
        / (2.0 * step)
        for axis in np.eye(len(point))
    ]
    scale = max(1.0, np.abs(slopes).max())
    np.testing.assert_allclose(gradient, slopes, atol=1e-6 * scale)
    coarse = Statevector(cost, precision="single").value_and_gradient(angles, objective)
    assert coarse[0] == pytest.approx(value, rel=1e-4, abs=1e-4)
    np.testing.assert_allclose(coarse[1], gradient, atol=1e-3 * scale)


@pytest.mark.parametrize("n", [1, 2, 7, 8, 13])
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("precision", ["double", "single"])
def test_the_state_of_any_values_is_the_textbook_state(n, whole, precision):
    generator = np.random.default_rng(n)
    values = 50.0 + generator.integers(-9, 9, 2**n) + (0.0 if whole else generator.random(2**n))
    simulator = Statevector.of_values(values, precision=precision)
    expected, tolerance = reference.state_of_values(values, LARGE), TOLERANCE[precision]
    np.testing.assert_allclose(simulator.diagonal, values, atol=tolerance)
    np.testing.assert_allclose(simulator.state(LARGE), expected, atol=tolerance)
    assert simulator.expectation(LARGE) == pytest.approx(
        np.abs(expected) ** 2 @ values, rel=tolerance
    )


@pytest.mark.parametrize("objective", [Mean(), ConditionalValueAtRisk(0.3), Gibbs(0.4)])
@pytest.mark.parametrize("n", [3, 13])
def test_a_cost_and_its_values_are_one(random_qubo, objective, n):
    cost = Cost.of(random_qubo(n))
    by_cost, by_values = Statevector(cost), Statevector.of_values(reference.diagonal(cost))
    expected = by_cost.value_and_gradient(ANGLES, objective)
    value, gradient = by_values.value_and_gradient(ANGLES, objective)
    assert value == pytest.approx(expected[0], abs=1e-10)
    np.testing.assert_allclose(gradient, expected[1], atol=1e-9)
    assert by_values.value(ANGLES, objective) == pytest.approx(value)
    assert by_values.units == pytest.approx(by_cost.units)
    assert (by_values.cost, by_values.known_layer, by_values.qubits) == (None, None, n)


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_usual_angles_of_terms_of_k_spins_lie_in_the_valley(k):
    generator = np.random.default_rng(k)
    spins = 1 - 2 * ((np.arange(2**10)[:, None] >> np.arange(10)) & 1)
    members = [generator.choice(10, k, replace=False) for _ in range(40)]
    values = sum(generator.normal() * spins[:, chosen].prod(axis=1) for chosen in members)
    simulator = Statevector.of_values(values)
    usual = simulator.usual
    assert usual.betas[0] == pytest.approx(-np.pi / (4 * k))
    least = min(
        simulator.expectation(Angles((gamma,), (beta,)))
        for gamma in np.linspace(0.05, 1.5, 30) / simulator.units.value * 10.0
        for beta in np.linspace(-0.8, 0.8, 33)
    )
    assert simulator.expectation(usual) < 0.6 * least < 0.0


def test_usual_angles_of_couplings_are_those_of_their_cost(max_cut):
    cost = Cost.of(max_cut([(0, 1), (1, 2), (2, 3), (0, 3), (0, 2)], 4))
    by_values = Statevector.of_values(reference.diagonal(cost))
    np.testing.assert_allclose(by_values.usual.flat, Statevector(cost).usual.flat)


def test_samples_follow_the_probabilities():
    probabilities = np.array([0.0, 0.5, 0.2, 0.3, 0.0])
    drawn = sampling.sample(probabilities, 20_000, np.random.default_rng(1))
    shares = np.bincount(drawn, minlength=5) / 20_000
    assert shares[0] == shares[4] == 0.0
    # Four standard deviations of the share of 0.5.
    np.testing.assert_allclose(shares, probabilities, atol=4 * np.sqrt(0.25 / 20_000))


def test_samples_of_unnormalised_probabilities():
    drawn = sampling.sample(np.array([0.0, 3.0]), 50, np.random.default_rng(0))
    assert (drawn == 1).all()


def test_top_states():
    probabilities = np.array([0.1, 0.4, 0.1, 0.3, 0.1])
    assert sampling.top_states(probabilities, 3).tolist()[:2] == [1, 3]
    assert len(sampling.top_states(probabilities, 99)) == 5


def test_bit_i_is_variable_i():
    bits = sampling.to_bits(np.array([1, 6]), 3)
    assert bits.tolist() == [[1, 0, 0], [0, 1, 1]]
    assert bits.dtype == np.int8


def test_a_register_beyond_the_limit_is_refused_with_the_memory_it_needs():
    with pytest.raises(SizeError, match=r"at most 26 qubits, the model has 40.*GiB") as error:
        statevector.check_size(40)
    assert error.value.size == 40
    assert "e+" not in str(error.value)
    with pytest.raises(SizeError, match="1000 would need more memory than any machine has; take"):
        statevector.check_size(1000)


def test_a_register_beyond_the_free_memory_is_refused(monkeypatch):
    monkeypatch.setattr(statevector, "free_memory", lambda: 2.0**20)
    with pytest.raises(SizeError, match="at most 14 qubits"):
        statevector.check_size(15)
    statevector.check_size(14)


def test_single_precision_takes_less_memory(monkeypatch):
    monkeypatch.setattr(statevector, "free_memory", lambda: 2.0**20)
    statevector.check_size(14, "single")
    with pytest.raises(SizeError, match="at most 14 qubits"):
        statevector.check_size(15, "single")
