"""Files that networkx writes."""

import json

import networkx as nx
import pytest

from qopt.errors import ParseError
from qopt.problems.formats import graphml, qubojson


@pytest.mark.parametrize("key", ["edges", "links"])
def test_node_link_json(tmp_path, key):
    graph = nx.path_graph(3)
    path = tmp_path / "g.json"
    path.write_text(json.dumps(nx.node_link_data(graph, edges=key)))
    assert graphml.recognises(path.name, path.read_text())
    assert not qubojson.recognises(path.name, path.read_text())
    assert nx.utils.graphs_equal(graphml.read_networkx(path), graph)


def test_graphml(tmp_path):
    graph = nx.path_graph(["a", "b", "c"])
    path = tmp_path / "g.graphml"
    nx.write_graphml(graph, path)
    assert graphml.recognises(path.name, "")
    assert set(graphml.read_networkx(path).edges) == set(graph.edges)


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("g.graphml", "<graphml><unclosed></graphml>", None),
        ("g.graphml", "<graphml></graphml>", None),
        ("g.json", '{"multigraph": false,\n\n1}', 3),
        ("g.json", '{"multigraph": false}', None),
        ("g.json", '["multigraph"]', None),
        ("g.json", "[" * 100_000, None),
    ],
)
def test_other_content_is_a_parse_error(tmp_path, name, text, line):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ParseError) as fault:
        graphml.read_networkx(path)
    assert fault.value.line == line
