"""Files of bare models are told from graphs and from one another."""

import pytest

from qopt.problems.formats import biqmac, edges, lp, matrix, qubojson, tabular

DIAGONAL = "3 2\n1 1 -4\n1 2 3\n"
PLAIN = "3 2\n1 3 -4\n1 2 3\n"


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        ("bqp.sparse", PLAIN, True),
        ("bqp.txt", DIAGONAL, True),
        ("bqp", DIAGONAL, True),
        ("bqp.txt", PLAIN, False),
        ("bqp.edges", DIAGONAL, False),
        ("graph.rud", DIAGONAL, False),
        ("bqp.txt", "3 2\n1 1 x\n", False),
    ],
)
def test_biqmac(name, head, expected):
    assert biqmac.recognises(name, head) is expected
    assert not (expected and edges.recognises(name, head))


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        ("a.json", '{\n "format": "qopt-qubo", ', True),
        ("a.json", '{"h": [1], "J": []}', True),
        ("a.json", '{"linear": [1]}', True),
        ("a.json", '{"nodes": [], "multigraph": false}', False),
        ("a.bqm", "DIMODBQM", True),
        ("a", "DIMODBQM\x02", True),
        ("a.npy", "\x93NUMPY", True),
        ("a.json", '{"type": "BinaryQuadraticModel", ', True),
        ("a.json", '{"bias_type": "float64", ', True),
        ("a.npz", "PK\x03\x04", True),
        ("a.txt", PLAIN, False),
    ],
)
def test_qubo_files(name, head, expected):
    assert qubojson.recognises(name, head) is expected


def test_lp_files():
    assert lp.recognises("A.LP", "")
    assert not lp.recognises("a.txt", "Minimize\n")


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        ("q.csv", "1,2,3,4\n0,1,2,x\n", True),  # reading it tells what is wrong
        ("q.csv", "\ufeff-1; 0.5; 0\n# note\n0; 2e3; 1\n0;0;.5", True),
        ("q.csv", "0,1,1\n1,0,1\n1,1,0\n", True),  # edges would have a pair twice
        ("q.csv", "1,2,3\n2,3,4\n3,4,5\n", False),  # symmetric, and edges of a path all the same
        ("q.csv", "0,1\n1,0\n", True),
        ("q.csv", "-1,2\n2,-1\n", True),
        ("q.csv", "-1,2\n2\n", False),
        ("q.csv", "1,2\n3,4\n", False),  # edges
        ("q.csv", "5\n", False),
        ("q.csv", "1,2,1\n2,3,1\n1,3,1\n", False),  # edges
        ("q.csv", "1,1,1\n1,2,.5\n2,2,1\n", False),  # correlations
        ("q.csv", "0.1,0.2\n0.3,0.4\n", True),
        ("q.csv", "1,2\n3,4\n5,6\n", False),
        ("q.csv", "source,target\n1,2\n", False),
        ("q.csv", "date,A,B,C\n2020-01-01,1,2,3\n", False),
        ("q.csv", ("0.25," * 1000)[:4096], True),
        ("q.csv", "", False),
        ("q.txt", "1,2,3,4\n", False),
    ],
)
def test_matrices(name, head, expected):
    assert matrix.recognises(name, head) is expected
    assert not (expected and (edges.recognises(name, head) or tabular.recognises(name, head)))
