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
