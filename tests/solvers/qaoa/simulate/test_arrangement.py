import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.forms import Ising
from qopt.solvers.qaoa.simulate.arrangement import arrange


def ising(graph: nx.Graph, weights: np.ndarray | None = None) -> Ising:
    edges = sorted(tuple(sorted(edge)) for edge in graph.edges)
    row, col = np.array(edges, dtype=np.int64).reshape(-1, 2).T
    J = np.ones(len(row)) if weights is None else weights
    return Ising(np.zeros(len(graph)), row, col, J)


def length(model: Ising, order: np.ndarray) -> float:
    places = np.argsort(order)
    return float(np.abs(model.J) @ np.abs(places[model.row] - places[model.col]))


def shuffled(graph: nx.Graph, seed: int) -> nx.Graph:
    names = np.random.default_rng(seed).permutation(len(graph)).tolist()
    return nx.relabel_nodes(graph, dict(zip(sorted(graph), names, strict=True)))


def test_a_shuffled_path_is_laid_out_straight():
    model = ising(shuffled(nx.path_graph(30), 1))
    assert length(model, arrange(model)) == 29


def test_a_shuffled_ring_is_folded():
    model = ising(shuffled(nx.cycle_graph(30), 1))
    assert length(model, arrange(model)) == 2 * 29


def test_components_stay_apart():
    model = ising(shuffled(nx.disjoint_union_all([nx.path_graph(5)] * 3 + [nx.empty_graph(2)]), 4))
    assert length(model, arrange(model)) == 3 * 4


def test_strong_couplings_are_kept_short():
    # Of a triangle's sides one must have length 2: the weakest.
    model = ising(nx.complete_graph(3), np.array([5.0, 0.1, -5.0]))
    assert length(model, arrange(model)) == pytest.approx(10.2)


@given(st.integers(2, 9), st.integers(0, 2**31))
@settings(max_examples=25, deadline=None)
def test_an_arrangement_is_a_permutation_no_longer_than_the_given_order(n, seed):
    graph = nx.gnp_random_graph(n, 0.4, seed=seed)
    weights = np.random.default_rng(seed).normal(size=graph.number_of_edges())
    model = ising(graph, weights)
    order = arrange(model)
    assert sorted(order.tolist()) == list(range(n))
    assert length(model, order) <= length(model, np.arange(n)) + 1e-9


def test_a_single_qubit():
    assert arrange(ising(nx.empty_graph(1))).tolist() == [0]
