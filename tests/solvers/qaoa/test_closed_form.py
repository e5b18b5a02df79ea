import numpy as np
import pytest

from qopt.forms import Qubo
from qopt.solvers.qaoa.ansatz import Angles, Ansatz, Cost
from qopt.solvers.qaoa.closed_form import SingleLayer
from qopt.solvers.qaoa.simulate import reference


@pytest.mark.parametrize("density", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_one_layer_in_closed_form_is_the_expectation(random_qubo, n, density):
    cost = Cost.of(random_qubo(n, seed=n, density=density))
    layer = SingleLayer(cost)
    for gamma, beta in np.random.default_rng(n).uniform(-2.0, 2.0, (5, 2)):
        psi = reference.state(Ansatz(cost, Angles((gamma,), (beta,))))
        expected = float(np.abs(psi) ** 2 @ reference.diagonal(cost))
        assert layer.value(gamma, beta) == pytest.approx(expected, abs=1e-10)


def test_many_mixer_angles_at_once(random_qubo):
    layer = SingleLayer(Cost.of(random_qubo(4)))
    betas = np.linspace(-1.0, 1.0, 7)
    expected = [layer.value(0.3, beta) for beta in betas]
    np.testing.assert_allclose(layer.values(0.3, betas), expected)


def test_a_constant_cost_is_zero():
    assert SingleLayer(Cost.of(Qubo.from_arrays([0.0, 0.0]))).value(0.3, 0.2) == 0.0


@pytest.mark.parametrize("density", [0.3, 1.0])
def test_correlations_are_means_of_the_state(random_qubo, density):
    cost = Cost.of(random_qubo(6, seed=4, density=density))
    gamma, beta = 0.7, -0.4
    weights = np.abs(reference.state(Ansatz(cost, Angles((gamma,), (beta,))))) ** 2
    spins = 1 - 2 * (np.arange(64)[:, None] >> np.arange(6) & 1)
    means, pairs = SingleLayer(cost).correlations(gamma).at(beta)
    np.testing.assert_allclose(means, weights @ spins, atol=1e-12)
    expected = weights @ (spins[:, cost.ising.row] * spins[:, cost.ising.col])
    np.testing.assert_allclose(pairs, expected, atol=1e-12)


def test_a_large_sparse_cost_takes_little_memory():
    n = 200_000  # a dense matrix of its couplings would take 320 GB
    ring = Cost.of(Qubo.from_arrays(
        np.full(n, -2.0), np.arange(n - 1), np.arange(1, n), np.full(n - 1, 2.0)
    ))
    # Away from the ends a chain's p = 1 optimum is -1/2 a coupling, at gamma = beta = pi / 8.
    value = SingleLayer(ring).value(np.pi / 8.0, np.pi / 8.0)
    assert abs(value / (n - 1)) == pytest.approx(0.5, rel=1e-3)
