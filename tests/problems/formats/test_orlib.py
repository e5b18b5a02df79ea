"""OR-Library port files, good and bad."""

from pathlib import Path

import numpy as np
import pytest

import qopt
from qopt.errors import InputError, ParseError, UsageError
from qopt.problem import fingerprint
from qopt.problems.formats import orlib

DATA = Path(__file__).parent.parent / "data" / "portfolio"


def head(path):
    return path.read_bytes()[:4096].decode(errors="replace")


def test_blank_lines_tabs_and_carriage_returns():
    port = orlib.read_port(DATA / "port_crlf_tabs.txt")
    assert port.mean.tolist() == [0.001309, -0.004177, 0.001487]
    assert port.deviation.tolist() == [0.043208, 0.040258, 0.041342]
    assert port.correlation.tolist() == [
        [1.0, 0.562289, -0.125], [0.562289, 1.0, 0.5], [-0.125, 0.5, 1.0]
    ]


def test_pairs_in_any_order_and_both_triangles(tmp_path):
    file = tmp_path / "port.txt"
    file.write_text("2\n.1 .2\n.3 .4\n2 1 -.5\n1 2 -.5\n")
    assert np.array_equal(orlib.read_port(file).correlation, [[1.0, -0.5], [-0.5, 1.0]])


def test_one_asset_needs_no_pairs(tmp_path):
    file = tmp_path / "port.txt"
    file.write_text("1\n.1 .2\n")
    assert orlib.read_port(file).correlation.tolist() == [[1.0]]


BAD = [
    ("port_truncated_means.txt", None, "before asset 3 of 3"),
    ("port_many_assets.txt", None, "before asset 2 of 999999999999"),
    ("port_truncated_pairs.txt", None, "2 of 3 correlations are missing, the first that of"),
    ("port_pair_outside.txt", 7, "pair 1 3 is outside the assets 1 to 2"),
    ("port_negative_deviation.txt", 3, "deviation -.2 of asset 2 is negative"),
    ("port_nan.txt", 3, "'nan'"),
    ("port_infinite.txt", 3, "'1e999'"),
    ("port_ragged.txt", 3, "'.1 .2 .3'"),
    ("port_correlation_above_one.txt", 4, "not between -1 and 1"),
    ("port_contradiction.txt", 5, "was 0.5 before"),
    ("port_diagonal.txt", 4, "with itself is not 1"),
    ("port_word.txt", 4, "'half'"),
    ("port_no_assets.txt", 1, "number of assets was expected, got '0'"),
    ("portef.txt", 1, "is no instance; read the port file"),
]


@pytest.mark.parametrize(("name", "line", "words"), BAD, ids=[name for name, _, _ in BAD])
def test_bad_files_name_their_line(name, line, words):
    with pytest.raises(ParseError) as caught:
        orlib.read_port(DATA / "bad" / name)
    assert words in str(caught.value)
    assert caught.value.line == line
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "known"),
    [
        ("port1.txt", " 2\n .1 .2\n .3 .4\n", True),
        ("other", "\ufeff2\r\n-1e-3\t.2\r\n", True),
        ("portef1.txt", " .01 .02\n .03 .04\n", True),
        ("values.txt", " .01 .02\n .03 .04\n", False),
        ("graph.txt", "3\n1 2\n2 3\n", False),
        ("G1", "800 19176\n1 2 1\n", False),
        ("one.txt", "3\n", False),
        ("empty", "", False),
    ],
)
def test_recognises(name, text, known):
    assert orlib.recognises(name, text) is known


def test_bundled_table_is_none():
    assert not orlib.recognises("prices_wide.csv", head(DATA / "prices_wide.csv"))


# -- the pair of tables ---------------------------------------------------------------------------


def pair(tmp_path, moments, correlations):
    first, second = tmp_path / "return.csv", tmp_path / "risk.csv"
    first.write_text(moments)
    second.write_text(correlations)
    return first, second


def test_a_pair_of_tables_says_what_a_port_file_says(tmp_path):
    first, second = pair(
        tmp_path, "0.001309, 0.043208\r\n-4.177e-3,.040258", "1,1,1.000000\n1,2,0.5\n2,2,1\n"
    )
    assert orlib.recognises_pair(first.name, head(first))
    assert not orlib.recognises_pair(second.name, head(second))
    with pytest.raises(UsageError, match="could be portfolio or qubo"):
        qopt.load(first, select=1, correlation="risk.csv")  # two by two numbers are a matrix, too
    problem = qopt.load(first, kind="portfolio", select=1, correlation="risk.csv")
    (tmp_path / "port.txt").write_text("2\n.001309 .043208\n-.004177 .040258\n1 2 .5\n")
    assert fingerprint(problem) == fingerprint(qopt.load(tmp_path / "port.txt", select=1))
    with pytest.raises(UsageError, match="correlation="):
        qopt.load(first, kind="portfolio", select=1)
    with pytest.raises(InputError, match="no such file"):
        qopt.load(first, kind="portfolio", select=1, correlation="none.csv")


@pytest.mark.parametrize(
    ("moments", "correlations", "line", "words"),
    [
        (".1,.2\n.1,.2,.3\n", "1,2,0\n", 2, "asset 2 needs a mean and a standard deviation"),
        (".1,.2\n.1,-.2\n", "1,2,0\n", 2, "deviation -.2 of asset 2 is negative"),
        (".1,.2\n.1,nan\n", "1,2,0\n", 2, "got 'nan'"),
        (".1,.2\n.1,.3\n", "1,2,1.5\n", 1, "is not between -1 and 1"),
        (".1,.2\n.1,.3\n", "1,3,0.5\n", 1, "outside the assets 1 to 2"),
        (".1,.2\n.1,.3\n", "1,2\n", 1, "'i j correlation' was expected"),
        (".1,.2\n.1,.3\n", "\n", None, "1 of 1 correlations are missing"),
    ],
)
def test_bad_pairs(tmp_path, moments, correlations, line, words):
    with pytest.raises(ParseError) as caught:
        orlib.read_pair(*pair(tmp_path, moments, correlations))
    assert words in str(caught.value)
    assert caught.value.line == line
