"""Files of bare models are told from graphs and from one another."""

import pytest

from qopt.problems.formats import biqmac, edges, lp, qubojson

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
        ("a.npz", "PK\x03\x04", True),
        ("a.txt", PLAIN, False),
    ],
)
def test_qubo_files(name, head, expected):
    assert qubojson.recognises(name, head) is expected


def test_lp_files():
    assert lp.recognises("A.LP", "")
    assert not lp.recognises("a.txt", "Minimize\n")
