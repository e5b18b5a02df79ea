"""Values that others published or computed: low autocorrelation sequences, a portfolio.

The numbers of QOKit 0.1.4 (Lykov et al., SC-W 2023, arXiv 2309.04841) were printed by its
simulators ``QAOAFURXSimulator`` and ``QAOAFURXYRingSimulator`` in plain Python, the latter from
``generate_dicke_state_fast``. By experiment their layer is ``exp(-i gamma C / 2)``, then
``exp(-i beta X)`` on each qubit, or ``exp(-i beta (XX + YY) / 2)`` on the pairs of a ring in our
own order: gammas are halved here, betas are taken as they are.
"""

import numpy as np
import pytest

from qopt.forms import Group, Qubo
from qopt.solvers.qaoa.angle_search import train
from qopt.solvers.qaoa.angles import Allowance
from qopt.solvers.qaoa.ansatz import Angles, Cost
from qopt.solvers.qaoa.objective import Mean
from qopt.solvers.qaoa.simulate import reference
from qopt.solvers.qaoa.simulate.statevector import Statevector
from qopt.solvers.qaoa.simulate.subspace import Subspace

LEAST_ENERGIES = (1, 2, 2, 7, 3, 8, 12, 13, 5, 10, 6, 19, 15, 24)
"""Of 3 to 16 spins: Packebusch and Mertens, J. Phys. A 49, 165001 (2016), table 1."""

GAMMAS, BETAS = (0.031, 0.047, 0.059), (0.63, 0.41, 0.17)
"""In QOKit's convention."""


def autocorrelations(n):
    """``E(s) = sum_k (sum_i s_i s_{i+k})^2`` of all sequences of n spins, shape (2**n,)."""
    spins = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
    return sum(
        (spins[:, : n - k] * spins[:, k:]).sum(axis=1) ** 2 for k in range(1, n)
    ).astype(np.float64)


def ours(gammas, betas):
    """Angles of QOKit in our convention."""
    return Angles(tuple(gamma / 2.0 for gamma in gammas), tuple(betas))


@pytest.mark.parametrize(("n", "least"), list(enumerate(LEAST_ENERGIES, start=3)))
def test_least_energies_of_low_autocorrelation_sequences(n, least):
    simulator = Statevector.of_values(autocorrelations(n))
    assert simulator.diagonal.min() == least


@pytest.mark.parametrize("n", [4, 7, 9, 13])
@pytest.mark.parametrize(("precision", "close"), [("double", 1e-10), ("single", 1e-3)])
def test_sequences_at_random_angles(n, precision, close):
    values, generator = autocorrelations(n), np.random.default_rng(n)
    simulator = Statevector.of_values(values, 2, precision)
    for layers in (1, 4):
        angles = Angles.split(generator.normal(size=2 * layers) * 0.5)
        state = reference.state_of_values(values, angles)
        np.testing.assert_allclose(simulator.state(angles), state, atol=close / 10.0)
        mean = np.abs(state) ** 2 @ values
        assert simulator.expectation(angles) == pytest.approx(mean, rel=close)


@pytest.mark.parametrize(
    ("n", "layers", "mean", "overlap"),
    [
        (8, 1, 22.42512395529255, 0.07340278492560212),
        (8, 3, 53.97467924601614, 0.040328972972625124),
        (10, 1, 39.74016496830831, 0.05279606603019756),
        (10, 3, 95.23267591460338, 0.00540281066321418),
    ],
)
def test_sequences_as_qokit_has_them(n, layers, mean, overlap):
    values = autocorrelations(n)
    simulator, angles = Statevector.of_values(values), ours(GAMMAS[:layers], BETAS[:layers])
    assert simulator.expectation(angles) == pytest.approx(mean, abs=1e-9)
    best = values == values.min()
    assert simulator.probabilities(angles)[best].sum() == pytest.approx(overlap, abs=1e-9)


def test_angles_are_trained_for_costs_of_high_order():
    values = autocorrelations(10)
    simulator = Statevector.of_values(values)
    one, three = (train(simulator, p, Mean(), Allowance()).angles for p in (1, 3))
    reached = [values.mean(), simulator.expectation(one), simulator.expectation(three)]
    grid = min(
        simulator.expectation(Angles((gamma,), (beta,)))
        for gamma in np.linspace(0.0, 0.1, 41) for beta in np.linspace(-0.8, 0.8, 65)
    )
    assert grid * 0.99 < reached[1] <= grid
    assert reached[2] < 0.8 * reached[1] < 0.8 * 0.8 * reached[0]


MEANS = np.array([0.05, -0.02, 0.11, 0.07, 0.01, -0.04, 0.09])
RISK_AVERSION = 0.5


def covariance(n):
    """Of n made-up assets."""
    i = np.arange(n)
    return 0.02 * np.minimum.outer(i + 1, i + 1) / n + 0.03 * np.diag(1 + i % 3)


def portfolio(n, k):
    """Choose k of n assets with the least ``q x' covariance x - means x``."""
    matrix = RISK_AVERSION * covariance(n) - np.diag(MEANS[:n])
    model = Qubo.from_matrix(matrix)
    group = (Group(tuple(range(n)), k),)
    return Qubo(model.linear, model.row, model.col, model.value, groups=group)


@pytest.mark.parametrize(
    ("n", "k", "least", "most", "mean"),
    [
        (6, 3, -0.125, 0.20666666666666667, 0.04083333333333332),
        (7, 2, -0.11714285714285715, 0.15214285714285714, -0.002380952380952382),
    ],
)
def test_all_choices_of_a_portfolio_as_qokit_has_them(n, k, least, most, mean):
    cost = Cost.within_groups(portfolio(n, k))
    values = cost.energy(Subspace(cost, portfolio(n, k).groups).diagonal)
    found = values.min(), values.max(), values.mean()
    np.testing.assert_allclose(found, (least, most, mean), atol=1e-12)


@pytest.mark.parametrize(
    ("n", "k", "gammas", "betas", "mean"),
    [
        (6, 3, (7.3,), (0.37,), 0.07103202444890536),
        (6, 3, (5.1, -3.7, 9.9), (0.53, 0.29, -0.41), 0.03120555715006856),
        (7, 2, (7.3,), (0.37,), 0.03112314239329549),
        (7, 2, (5.1, -3.7, 9.9), (0.53, 0.29, -0.41), 0.0014731206160501394),
    ],
)
def test_rings_from_dicke_states_as_qokit_has_them(n, k, gammas, betas, mean):
    model = portfolio(n, k)
    cost = Cost.within_groups(model)
    simulator = Subspace(cost, model.groups, "ring")
    angles = ours([gamma * cost.scale for gamma in gammas], betas)
    assert cost.energy(simulator.expectation(angles)) == pytest.approx(mean, abs=1e-12)
