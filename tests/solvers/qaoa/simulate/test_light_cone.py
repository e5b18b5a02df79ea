import networkx as nx
import numpy as np
import pytest

from qopt.errors import SizeError, UsageError
from qopt.forms import Qubo
from qopt.solvers.qaoa.ansatz import Angles, Cost
from qopt.solvers.qaoa.closed_form import SingleLayer
from qopt.solvers.qaoa.objective import ConditionalValueAtRisk, Mean
from qopt.solvers.qaoa.simulate import light_cone
from qopt.solvers.qaoa.simulate.light_cone import LightCones
from qopt.solvers.qaoa.simulate.statevector import Statevector

TWO = Angles((0.4, 0.7), (-0.5, -0.3))


def cubic(n, seed=0, weights=None):
    """A cost on a random 3-regular graph; MaxCut where no weights are given."""
    edges = np.array(sorted(nx.random_regular_graph(3, n, seed=seed).edges()))
    generator = np.random.default_rng(seed)
    weight = np.ones(len(edges)) if weights is None else generator.normal(size=len(edges))
    linear = np.zeros(n) if weights == "fields" else -sum(
        np.bincount(edges[:, end], weight, n) for end in (0, 1)
    )
    if weights == "fields":
        linear = generator.normal(size=n)
    return Cost.of(Qubo.from_arrays(linear, edges[:, 0], edges[:, 1], 2.0 * weight))


@pytest.mark.parametrize("weights", [None, "couplings", "fields"])
@pytest.mark.parametrize("layers", [1, 2])
def test_the_expectation_is_that_of_the_whole_state(weights, layers):
    cost = cubic(12, seed=3, weights=weights)
    angles = Angles(TWO.gammas[:layers], TWO.betas[:layers])
    cones = LightCones(cost, layers)
    whole = Statevector(cost)
    assert cones.expectation(angles) == pytest.approx(whole.expectation(angles), abs=1e-10)
    value, gradient = cones.value_and_gradient(angles, Mean())
    expected = whole.value_and_gradient(angles, Mean())
    assert value == pytest.approx(expected[0], abs=1e-10)
    np.testing.assert_allclose(gradient, expected[1], atol=1e-9)


def test_a_large_graph_has_few_different_cones():
    cost = cubic(300)
    cones = LightCones(cost, 1)
    assert cones.distinct <= 4  # by how many triangles an edge is in
    assert cones.qubits <= 6
    angles = Angles((0.3,), (0.2,))
    expected = SingleLayer(cost).value(0.3, 0.2)
    assert cones.expectation(angles) == pytest.approx(expected, abs=1e-9)


def test_a_ring_of_any_length_has_one_cone():
    n = 500
    row = np.arange(n)
    ring = Cost.of(Qubo.from_arrays(np.full(n, -2.0), row, (row + 1) % n, np.full(n, 2.0)))
    cones = LightCones(ring, 3)
    assert (cones.distinct, cones.qubits) == (1, 8)
    # The best p layers cut the share (2 p + 1) / (2 p + 2) of an even ring's edges.
    from scipy.optimize import minimize

    def mean(flat):
        return cones.value_and_gradient(Angles.split(flat), Mean())

    start = np.array([0.4, 0.7, 0.9, -0.7, -0.5, -0.3])
    best = minimize(mean, start, jac=True, method="L-BFGS-B").fun
    assert 0.5 - best / n / 2.0 == pytest.approx(7 / 8, abs=1e-5)


def test_cones_that_are_too_large_are_refused():
    dense = Cost.of(Qubo.from_matrix(np.random.default_rng(0).normal(size=(30, 30))))
    with pytest.raises(SizeError, match="light cone of 1 layers takes at most 20 qubits"):
        LightCones(dense, 1)


def test_only_the_mean_of_the_layers_asked_for():
    cones = LightCones(cubic(8), 2)
    with pytest.raises(UsageError, match="2 layers, got 3"):
        cones.expectation(TWO.padded(3))
    with pytest.raises(UsageError, match="not the objective 'cvar'"):
        cones.value(TWO, ConditionalValueAtRisk(0.5))


@pytest.mark.parametrize(
    ("graph", "start", "share"),
    [
        (nx.dodecahedral_graph(), (0.3, -0.4), 0.6924),
        (nx.heawood_graph(), (0.25, 0.45, -0.55, -0.3), 0.7559),
    ],
)
def test_the_known_shares_of_cubic_graphs_without_short_cycles(graph, start, share):
    """Farhi et al. (arXiv 1411.4028): 0.6924 with one layer, 0.7559 with two."""
    from scipy.optimize import minimize

    edges = np.array(sorted(graph.edges()))
    n = graph.number_of_nodes()
    cost = Cost.of(
        Qubo.from_arrays(np.full(n, -3.0), edges[:, 0], edges[:, 1], np.full(len(edges), 2.0))
    )
    cones = LightCones(cost, len(start) // 2)
    assert cones.distinct == 1

    def mean(flat):
        return cones.value_and_gradient(Angles.split(flat), Mean())

    best = minimize(mean, np.array(start), jac=True, method="L-BFGS-B").fun
    assert 0.5 - best / len(edges) / 2.0 == pytest.approx(share, abs=1e-4)


def test_fewer_layers_than_those_of_the_cones():
    cost, one = cubic(8), Angles((0.3,), (-0.4,))
    deep, plain = LightCones(cost, 2), Statevector(cost)
    value, gradient = deep.value_and_gradient(one, Mean())
    expected = plain.value_and_gradient(one, Mean())
    assert value == pytest.approx(expected[0])
    np.testing.assert_allclose(gradient, expected[1], atol=1e-10)


def test_more_cones_than_fit_are_refused(monkeypatch):
    monkeypatch.setattr(light_cone, "free_memory", lambda: 1000.0)
    with pytest.raises(SizeError, match=r"light cones.*GiB"):
        LightCones(cubic(8), 2)
