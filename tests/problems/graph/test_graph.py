"""The graph itself, and reading one."""

import json

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from random_graphs import graphs

from qopt.errors import InputError, ParseError, UsageError
from qopt.problems.graph import Graph, read_graph


def test_edges_are_put_in_one_order():
    first = Graph.build(3, [2, 0], [1, 1], [5.0, 7.0])
    second = Graph.build(3, [1, 1], [0, 2], [7.0, 5.0])
    for name in ("tail", "head", "weight"):
        assert getattr(first, name).tolist() == getattr(second, name).tolist()
    assert (first.tail.tolist(), first.head.tolist()) == ([0, 1], [1, 2])


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: Graph.build(0), "at least one vertex"),
        (lambda: Graph.build(2, [0], [0]), "edge to itself"),
        (lambda: Graph.build(3, [0, 1], [1, 0]), "edge 1-2 is there twice"),
        (lambda: Graph.build(2, [0], [2]), "vertices 0 to 1"),
        (lambda: Graph.build(2, [-1], [1]), "vertices 0 to 1"),
        (lambda: Graph.build(2, [0], [1], np.nan), "NaN or infinite"),
        (lambda: Graph.build(2, vertex_weight=np.inf), "NaN or infinite"),
        (lambda: Graph.build(2, names=["a", "a"]), "all different"),
        (lambda: Graph.build(2, [0, 1], [1]), "same length"),
    ],
)
def test_impossible_graphs_are_refused(build, said):
    with pytest.raises(InputError, match=said):
        build()


@settings(deadline=None, max_examples=50)
@given(graphs())
def test_components_and_complement_agree_with_networkx(graph):
    other = nx.Graph()
    other.add_nodes_from(range(graph.vertices))
    other.add_edges_from(zip(graph.tail.tolist(), graph.head.tolist(), strict=True))
    assert graph.components == nx.number_connected_components(other)
    turned = graph.complement()
    pairs = set(zip(turned.tail.tolist(), turned.head.tolist(), strict=True))
    assert pairs == {tuple(sorted(e)) for e in nx.complement(other).edges}
    assert turned.vertex_weight.tolist() == graph.vertex_weight.tolist()


@settings(deadline=None, max_examples=50)
@given(graphs())
def test_cliques_hold_every_edge_and_nothing_else(graph):
    edges = set(zip(graph.tail.tolist(), graph.head.tolist(), strict=True))
    held = {(a, b) for c in graph.cliques() for i, a in enumerate(c) for b in c[i + 1 :]}
    assert held == edges


def test_a_clique_is_one_clique():
    assert Graph.build(4, *np.triu_indices(4, 1)).cliques() == [[0, 1, 2, 3]]


def test_describe():
    graph = Graph.build(5, [0, 1], [1, 2])
    assert graph.describe() == {"vertices": 5, "edges": 2, "density": 0.2, "components": 3}


def test_from_networkx_takes_weights_and_names():
    source = nx.Graph()
    source.add_node("x", weight=4)
    source.add_edge("y", "x", weight=2.5)
    source.add_edge("y", "z")
    graph = Graph.from_networkx(source)
    assert graph.names == ("x", "y", "z")
    assert graph.vertex_weight.tolist() == [4.0, 1.0, 1.0]
    assert [graph.edge_label(e) for e in range(2)] == ["x-y", "y-z"]
    assert graph.weight.tolist() == [2.5, 1.0]


@pytest.mark.parametrize(
    "source",
    [
        nx.DiGraph([(0, 1)]),
        nx.MultiGraph([(0, 1), (0, 1)]),
        nx.Graph([(0, 0)]),
        nx.Graph([(0, 1, {"weight": "heavy"})]),
        nx.Graph([(1, "1")]),
        nx.Graph(),
    ],
)
def test_networkx_graphs_that_do_not_fit_are_refused(source):
    with pytest.raises(InputError):
        Graph.from_networkx(source)


def test_answers_by_name():
    graph = Graph.build(3, names=["a", "b", "c"])
    assert graph.chosen([1, 0, 1]) == ["a", "c"]
    assert graph.from_chosen(["c", "a"]).tolist() == [1, 0, 1]
    with pytest.raises(UsageError, match="no vertex 'd'"):
        graph.from_chosen(["d"])
    with pytest.raises(UsageError, match="one bit for each of 3 vertices"):
        graph.chosen([1, 0])
    assert Graph.build(3).chosen([1, 0, 1]) == [1, 3]
    assert Graph.build(3).from_chosen([1, 3]).tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("g.txt", "3 2\n1 2 5\n3 2 7\n"),
        ("g.col", "p edge 3 2\ne 1 2 5\ne 3 2 7\n"),
        ("g.csv", "source,target,weight\n1,2,5\n2,3,7\n"),
        ("g.json", json.dumps(nx.node_link_data(nx.Graph(
            [(1, 2, {"weight": 5}), (2, 3, {"weight": 7})]), edges="edges"))),
    ],
)
def test_one_graph_in_every_format(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    graph = read_graph(path)
    assert [graph.label(v) for v in range(3)] == ["1", "2", "3"]
    assert (graph.tail.tolist(), graph.head.tolist()) == ([0, 1], [1, 2])
    assert graph.weight.tolist() == [5.0, 7.0]


def test_a_networkx_file_that_is_no_simple_graph_is_a_parse_error(tmp_path):
    path = tmp_path / "g.json"
    path.write_text(json.dumps(nx.node_link_data(nx.DiGraph([(0, 1)]), edges="edges")))
    with pytest.raises(ParseError, match=r"g\.json: the graph is directed"):
        read_graph(path)
