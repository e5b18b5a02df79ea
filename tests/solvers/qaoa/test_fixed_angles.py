import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.errors import UsageError
from qopt.forms import Qubo
from qopt.solvers.qaoa.angle_search import train
from qopt.solvers.qaoa.angles import Allowance, interpolate, ramp, train_single_layer
from qopt.solvers.qaoa.ansatz import Angles, Cost
from qopt.solvers.qaoa.fixed_angles import fixed_angles, table, transferred
from qopt.solvers.qaoa.objective import Mean
from qopt.solvers.qaoa.simulate.statevector import Statevector


def cut_cost(graph: nx.Graph, weights: np.ndarray | None = None) -> Cost:
    row, col = np.array(graph.edges).T
    weights = np.ones(len(row)) if weights is None else weights
    linear = np.bincount(row, weights, len(graph)) + np.bincount(col, weights, len(graph))
    return Cost.of(Qubo.from_arrays(-linear, row, col, 2.0 * weights))


def cut(cost: Cost, angles: Angles) -> float:
    """Expected share of the edges, all of weight 1, that are cut."""
    return 0.5 - Statevector(cost).expectation(angles) / (2.0 * len(cost.ising.J))


def row(degree: float, layers: int):
    return next(each for each in table()[layers] if each.degree == degree)


def test_the_table_is_whole():
    degrees = [math.inf, *range(10, 1, -1)]
    assert list(table()) == list(range(1, 9))
    for layers, rows in table().items():
        assert [each.degree for each in rows] == degrees
        for each in rows:
            assert each.angles.layers == len(each.angles.betas) == layers
            assert min(each.angles.gammas) > 0.0 > max(each.angles.betas)


@pytest.mark.parametrize("degree", range(2, 11))
def test_one_layer_is_the_closed_form(degree):
    # Wang et al., PRA 97, 022304 (2018)
    found = row(degree, 1)
    share = 0.5 + 0.5 / math.sqrt(degree) * ((degree - 1) / degree) ** ((degree - 1) / 2)
    assert found.cut == pytest.approx(share, abs=1e-7)
    angles = fixed_angles(degree, 1)
    assert angles.gammas[0] == pytest.approx(0.5 * math.atan(1 / math.sqrt(degree - 1)), abs=1e-6)
    assert angles.betas[0] == pytest.approx(-math.pi / 8, abs=1e-6)


@pytest.mark.parametrize(("degree", "published"), [
    # Wurtz and Lykov, arXiv 2107.00677: the cut of cubic graphs
    (3.0, [0.6924, 0.7559, 0.7924, 0.8169, 0.8364, 0.8499, 0.8598, 0.8674]),
    # Basso et al., arXiv 2110.14206, table 4: half of what a spin of the SK model gains
    (math.inf, [0.3033, 0.4075, 0.4726, 0.5157, 0.5476, 0.5721, 0.5915, 0.6073]),
    # a ring: (2p + 1) / (2p + 2), Farhi et al., arXiv 1411.4028
    (2.0, [(2 * p + 1) / (2 * p + 2) for p in range(1, 9)]),
])
def test_published_values(degree, published):
    found = [row(degree, layers) for layers in range(1, 9)]
    values = [each.gain if math.isinf(degree) else each.cut for each in found]
    np.testing.assert_allclose(values, published, atol=6e-5)


@pytest.mark.parametrize(("graph", "degree", "layers"), [
    # No cycle shorter than 2p + 2: what p layers see of an edge is a tree.
    *((nx.complete_bipartite_graph(degree, degree), degree, 1) for degree in range(2, 9)),
    (nx.petersen_graph(), 3, 1),
    (nx.heawood_graph(), 3, 2),
    *((nx.cycle_graph(2 * layers + 2), 2, layers) for layers in range(1, 9)),
])
def test_graphs_of_large_girth_cut_what_the_table_says(graph, degree, layers):
    assert nx.girth(graph) >= 2 * layers + 2 or layers == 1
    cost = cut_cost(graph)
    assert cut(cost, fixed_angles(degree, layers)) == pytest.approx(
        row(degree, layers).cut, abs=1e-7
    )


def test_the_angles_are_stationary():
    simulator = Statevector(cut_cost(nx.heawood_graph()))
    _, gradient = simulator.value_and_gradient(fixed_angles(3, 2), Mean())
    np.testing.assert_allclose(gradient, 0.0, atol=1e-5)


@given(st.floats(2.0, 1000.0), st.integers(1, 8))
@settings(max_examples=50, deadline=None)
def test_other_degrees_lie_between_their_neighbours(degree, layers):
    units = np.array(fixed_angles(degree, layers).gammas) * math.sqrt(degree)
    lower = min(math.floor(degree), 10)
    upper = lower + 1 if lower < 10 else math.inf
    ends = [row(end, layers).angles.gammas for end in (lower, upper)]
    assert (units >= np.min(ends, axis=0) - 1e-12).all()
    assert (units <= np.max(ends, axis=0) + 1e-12).all()


def test_whole_degrees_are_those_of_the_table():
    for rows in table().values():
        for each in rows[1:]:
            angles = fixed_angles(each.degree, each.angles.layers)
            units = np.array(angles.gammas) * math.sqrt(each.degree)
            np.testing.assert_allclose(units, each.angles.gammas)
            np.testing.assert_allclose(angles.betas, each.angles.betas)


def test_below_a_ring_and_beyond_the_table():
    assert fixed_angles(0.5, 3) == fixed_angles(2, 3)
    deepest = fixed_angles(3, 8)
    assert fixed_angles(3, 10) == interpolate(interpolate(deepest))
    cost = cut_cost(nx.heawood_graph())
    assert cut(cost, fixed_angles(3, 10)) > cut(cost, deepest)


@pytest.mark.parametrize(("degree", "layers"), [(0.0, 1), (-3, 1), (math.inf, 1), (math.nan, 1),
                                                (3, 0)])
def test_what_is_no_degree_or_no_layer_is_refused(degree, layers):
    with pytest.raises(UsageError, match=r"above 0 and finite|1 layer or more"):
        fixed_angles(degree, layers)


@pytest.mark.parametrize("layers", [1, 2])
def test_a_graph_of_large_girth_keeps_the_tables_angles(layers):
    angles = transferred(cut_cost(nx.heawood_graph()), layers)
    np.testing.assert_allclose(angles.flat, fixed_angles(3, layers).flat, atol=1e-5)


def test_one_layer_is_the_costs_own_optimum(random_qubo):
    cost = Cost.of(random_qubo(6, seed=3))
    first = train_single_layer(cost)
    np.testing.assert_allclose(transferred(cost, 1).flat, first.flat)
    assert transferred(cost, 3, first) == transferred(cost, 3)


def test_the_unit_of_the_objective_does_not_matter(random_qubo):
    model = random_qubo(6, seed=3)
    scaled = Qubo.from_matrix(1e6 * model.to_matrix())
    np.testing.assert_allclose(
        transferred(Cost.of(model), 3).flat, transferred(Cost.of(scaled), 3).flat, rtol=1e-4
    )


@pytest.mark.parametrize("weights", ["ones", "uniform", "dense"])
def test_most_of_what_a_search_finds_without_one(weights):
    rng = np.random.default_rng(1)
    if weights == "dense":
        graph = nx.complete_graph(10)
        cost = cut_cost(graph, rng.normal(size=graph.number_of_edges()))
    else:
        graph = nx.random_regular_graph(3, 12, seed=5)
        values = rng.uniform(0.2, 1.0, graph.number_of_edges())
        cost = cut_cost(graph, values if weights == "uniform" else None)
    simulator = Statevector(cost)
    for layers in (2, 4):
        best = simulator.expectation(
            train(simulator, layers, Mean(), Allowance(400)).angles
        )
        share = simulator.expectation(transferred(cost, layers)) / best
        assert 0.9 < share < 1.01
        plain = simulator.expectation(ramp(train_single_layer(cost), layers)) / best
        assert share > plain


def test_mostly_fields_take_the_ramp_from_three_layers_on(random_qubo):
    model = random_qubo(6, seed=3)
    strong = Cost.of(Qubo.from_matrix(model.to_matrix() + np.diag(np.arange(5.0, 11.0))))
    first = train_single_layer(strong)
    assert transferred(strong, 3) == ramp(first, 3)
    assert transferred(strong, 2) != ramp(first, 2)
    weak = cut_cost(nx.complete_graph(6), np.random.default_rng(0).normal(size=15))
    assert transferred(weak, 3) != ramp(train_single_layer(weak), 3)


def test_costs_without_couplings_and_without_anything():
    fields = Cost.of(Qubo.from_arrays([1.0, -1.0, 1.0]))
    assert Statevector(fields).expectation(transferred(fields, 1)) == pytest.approx(-3.0, abs=1e-4)
    assert all(np.isfinite(transferred(Cost.of(Qubo.from_arrays([0.0, 0.0])), 2).flat))
