"""Rudy files and edge lists: what is read, what is refused, with which line."""

import pytest

from qopt.errors import ParseError
from qopt.problems.formats import edges

TRIANGLE = "3 3\n1 2 4\n1 3 -5\n2 3 0.5\n"


def read(tmp_path, text, name="graph.txt"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return edges.read_edges(path)


def test_a_weighted_rudy_file(tmp_path):
    graph = read(tmp_path, "# a comment\n" + TRIANGLE)
    assert (graph.vertices, graph.names) == (3, [])
    assert list(zip(graph.tails, graph.heads, graph.weights, strict=True)) == [
        (0, 1, 4.0), (0, 2, -5.0), (1, 2, 0.5),
    ]


def test_a_rudy_file_without_weights_and_with_an_isolated_vertex(tmp_path):
    graph = read(tmp_path, "4 2 \r\n1 2\r\n\r\n4 2\r\n")
    assert graph.vertices == 4
    assert (graph.tails, graph.heads, graph.weights) == ([0, 3], [1, 1], [1.0, 1.0])


def test_a_graph_without_edges(tmp_path):
    assert read(tmp_path, "2 0\n").vertices == 2


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("g.csv", "source,target,weight\nb,a,2\nc,a,3\n"),
        ("g.csv", "\ufeffFrom;To;Cost\nb;a;2\nc;a;3\n"),
        ("g.csv", '"b","a",2\n"c","a",3\n'),
        ("g.tsv", "b\ta\t2\nc\ta\t3\n"),
        ("g.edges", "b a 2\n# comment\nc a 3\n"),
        ("g.txt", "b a 2\nc a 3\n"),
    ],
)
def test_edge_lists_with_names(tmp_path, name, text):
    graph = read(tmp_path, text, name)
    assert graph.names == ["b", "a", "c"]
    assert (graph.tails, graph.heads, graph.weights) == ([0, 2], [1, 1], [2.0, 3.0])


def test_numbers_in_an_edge_list_are_names_in_their_order(tmp_path):
    graph = read(tmp_path, "10 2\n2 0\n", "g.el")
    assert graph.names == ["0", "2", "10"]
    assert list(zip(graph.tails, graph.heads, strict=True)) == [(2, 1), (1, 0)]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("3 3\n1 2 4\n1 3 -5\n", 1, "3 edges are announced and 2 follow"),
        ("3 1\n1 2 4\n1 3 -5\n", 1, "1 edges are announced and 2 follow"),
        ("3 2\n1 2 4\n3 3 1\n", 3, "vertex 3 has an edge to itself"),
        ("3 2\n1 2 4\n2 1 4\n", 3, "was given in line 2"),
        ("3 1\n1 4 4\n", 2, "vertex 4 is outside 1..3"),
        ("3 1\n0 1 4\n", 2, "vertex 0 is outside 1..3"),
        ("3 1\n-1 1 4\n", 2, "vertex -1 is outside 1..3"),
        ("3 1\n1 2 nan\n", 2, "must be a finite number, got 'nan'"),
        ("3 1\n1 2 1e999\n", 2, "must be a finite number, got '1e999'"),
        ("3 1\n1 2 1_0\n", 2, "must be a finite number, got '1_0'"),
        ("3 1\n1 x 4\n", 2, "must be a whole number, got 'x'"),
        ("3 1\n1 1.5 4\n", 2, "must be a whole number, got '1.5'"),
        ("3 1\n1 ² 4\n", 2, "must be a whole number"),
        ("3 1\n1 " + 5000 * "2" + " 4\n", 2, "must be a whole number"),
        ("3 2\n1 2 4\n1 3\n", 3, "alike in every line"),
        ("3 1\n1 2 4 5\n", 2, "got 4 values"),
        ("0 0\n", 1, "1 to 10000000 vertices"),
        ("99999999999 1\n1 2\n", 1, "1 to 10000000 vertices"),
        ("a b 1\nb c\n", 2, "alike in every row"),
        ("a b x\n", 1, "must be a finite number, got 'x'"),
        ("a\n", 1, "expected 'tail head'"),
        ("a a\n", 1, "vertex a has an edge to itself"),
        ("a b\nb a\n", 2, "the edge b a was given in line 1"),
        ("# nothing\n", None, "holds no edges"),
    ],
)
def test_faults_are_named_with_their_line(tmp_path, text, line, said):
    with pytest.raises(ParseError) as fault:
        read(tmp_path, text)
    assert fault.value.line == line
    assert said in str(fault.value)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize("text", ["source,target\n", "a,,1\n", "a,b,1,2\n"])
def test_broken_tables(tmp_path, text):
    with pytest.raises(ParseError):
        read(tmp_path, text, "g.csv")


def test_binary_data_is_a_parse_error(tmp_path):
    with pytest.raises(ParseError):
        read(tmp_path, bytes(range(128, 256)) * 5)


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        ("G1.txt", TRIANGLE, True),
        ("g05_100.0", TRIANGLE, True),
        ("x.rud", "5 0\n", True),
        ("x.edges", "anything", True),
        ("x.csv", "Source,Target\na,b\n", True),
        ("prices.csv", "date,A,B\n2020-01-01,1,2\n", False),
        ("x.sparse", TRIANGLE, False),
        ("x.txt", "3 2\n1 1 4\n1 2 3\n", False),
        ("x.txt", "3 1\n1 4 4\n", False),
        ("x.txt", "31\n0.001 0.02\n", False),
        ("x.txt", "3 2\n0.5 0.5\n", False),
        ("x.txt", "3 2\n1 2 4 5\n", False),
        ("x.txt", "3 2\n1 2 x\n", False),
        ("x.txt", "3 ²\n", False),
        ("x.txt", "3 2\n", False),
        ("x.tsp", "NAME: a\nTYPE: TSP\n", False),
        ("x.txt", "", False),
    ],
)
def test_recognition(name, head, expected):
    assert edges.recognises(name, head) is expected


def test_a_line_that_the_head_cuts_does_not_count():
    head = ("9 2000\n" + "1 2 10\n" * 1000)[:4094] + "1 "
    assert len(head) == 4096
    assert edges.recognises("x.txt", head)
