"""networkx graphs say the same, both ways."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from random_models import assert_same_qubo, qubos

from qopt.errors import InputError, UnsupportedError
from qopt.forms import Group, Qubo


@settings(deadline=None, max_examples=40)
@given(qubos(groups=False))
def test_round_trip(qubo: Qubo) -> None:
    assert_same_qubo(Qubo.from_networkx(qubo.to_networkx()), qubo)


def test_attributes() -> None:
    qubo = Qubo.from_arrays([1.0, 0.0, 2.0], [0], [2], [5.0], offset=3.0, labels=["a", "b", "c"])
    graph = qubo.to_networkx()
    assert graph.nodes["c"] == {"bias": 2.0}
    assert graph.edges["a", "c"] == {"weight": 5.0}
    assert graph.graph["offset"] == 3.0
    assert graph.number_of_edges() == 1


def test_defaults_and_loops() -> None:
    graph = nx.MultiGraph([("u", "v"), ("u", "v"), ("v", "v")])
    qubo = Qubo.from_networkx(graph)
    assert qubo.labels == ("u", "v")
    assert qubo.linear.tolist() == [0.0, 1.0]
    assert qubo.value.tolist() == [2.0]


def test_groups_become_penalties() -> None:
    qubo = Qubo.from_arrays([0.0, 0.0], groups=[Group((0, 1), 1, weight=4.0)])
    assert qubo.to_networkx().edges[0, 1]["weight"] == 8.0


def test_bad_graphs_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="undirected"):
        Qubo.from_networkx(nx.DiGraph([(0, 1)]))
    with pytest.raises(InputError, match="no number"):
        Qubo.from_networkx(nx.Graph([(0, 1, {"weight": "heavy"})]))
    with pytest.raises(InputError, match="finite"):
        Qubo.from_networkx(nx.Graph([(0, 1, {"weight": np.nan})]))
