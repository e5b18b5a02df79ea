"""DIMACS graphs: what is read, what is refused, with which line."""

import pytest

from qopt.errors import ParseError
from qopt.problems.formats import dimacs

GOOD = "c a path\np edge 3 2\nn 2 2.5\ne 1 2\ne 2 3 7\n"


def read(tmp_path, text):
    path = tmp_path / "graph.col"
    path.write_text(text)
    return dimacs.read_dimacs(path)


def test_edges_and_vertex_weights(tmp_path):
    graph = read(tmp_path, GOOD)
    assert graph.vertices == 3
    assert list(zip(graph.tails, graph.heads, graph.weights, strict=True)) == [
        (0, 1, 1.0), (1, 2, 7.0),
    ]
    assert graph.vertex_weights == {1: 2.5}


@pytest.mark.parametrize("count", [3, 2])
def test_an_edge_in_both_directions_is_one_edge(tmp_path, count):
    graph = read(tmp_path, f"p col 3 {count}\ne 1 2\ne 2 1\ne 2 3\n")
    assert list(zip(graph.tails, graph.heads, strict=True)) == [(0, 1), (1, 2)]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("e 1 2\n", 1, "'p edge VERTICES EDGES' first"),
        ("c only\n", None, "there is no line 'p edge"),
        ("p edge 3 2\np edge 3 2\n", 2, "second problem line"),
        ("p edge 3\n", 1, "expected 'p edge VERTICES EDGES'"),
        ("p sat 3 2\n", 1, "expected 'p edge VERTICES EDGES'"),
        ("p edge x 2\n", 1, "must be a whole number, got 'x'"),
        ("p edge 0 0\n", 1, "1 to 10000000 vertices"),
        ("c\np edge 3 2\ne 1 2\n", 2, "2 edges are announced, 1 lines"),
        ("p edge 3 1\ne 1 4\n", 2, "vertex 4 is outside 1..3"),
        ("p edge 3 1\ne 1 1\n", 2, "edge to itself"),
        ("p edge 3 2\ne 1 2 3\ne 2 1 4\n", 3, "was given in line 2"),
        ("p edge 3 1\ne 1 2 inf\n", 2, "must be a finite number"),
        ("p edge 3 0\nn 1 2\nn 1 3\n", 3, "second weight"),
        ("p edge 3 0\nn 1 nan\n", 2, "must be a finite number"),
        ("p edge 3 1\nq 1 2\n", 2, "expected 'e i j'"),
        ("p edge 3 1\ne 1\n", 2, "expected 'e i j'"),
    ],
)
def test_faults_are_named_with_their_line(tmp_path, text, line, said):
    with pytest.raises(ParseError) as fault:
        read(tmp_path, text)
    assert fault.value.line == line
    assert said in str(fault.value)


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        ("a.clq", "c long comment", True),
        ("a.txt", GOOD, True),
        ("a.txt", "p col 3 2\n", True),
        ("a.cnf", "p cnf 3 2\n", False),
        ("a.txt", "3 2\n1 2\n", False),
    ],
)
def test_recognition(name, head, expected):
    assert dimacs.recognises(name, head) is expected
