"""Files of plain numbers are never taken for another problem's, nor other files for theirs."""

from importlib.resources import files

import pytest

import qopt
from qopt.errors import InputError, ParseError, QoptError
from qopt.loading import INSTANCES
from qopt.problems.formats.plain_numbers import PlainNumbers
from qopt.registry import available

CLASSIC = files(INSTANCES).joinpath("classic")
NAMED = {"labs-13.txt": "labs"}
OTHERS = {
    "graph/petersen.col": {"maxcut"}, "graph/cubic-14.rud": {"maxcut"},
    "graph/dense-12.rud": {"maxcut"}, "qubo/sparse-50.sparse": {"qubo"},
    "qubo/grouped-12.json": {"qubo"}, "tsp/burma14.tsp": {"tsp"}, "cvrp/E-n13-k4.vrp": {"cvrp"},
    "portfolio/sp500-20.csv": {"portfolio"}, "program/knapsack-12.lp": {"program"},
}


def recognised(name, head):
    return {s.name for s in available("problem") if s.recognises and s.recognises(name, head)}


@pytest.mark.parametrize(
    "name", [f.name for f in CLASSIC.iterdir() if f.name.endswith((".txt", ".dat"))]
)
def test_nobody_claims_them_unless_their_name_says_so(name):
    text = CLASSIC.joinpath(name).read_text()
    assert recognised(name, text[:4096]) == ({NAMED[name]} if name in NAMED else set())
    if name not in NAMED:
        with pytest.raises(InputError, match="no known format"):
            qopt.load(str(CLASSIC.joinpath(name)))


@pytest.mark.parametrize(("name", "kinds"), OTHERS.items())
def test_other_files_stay_what_they_were(name, kinds):
    text = files(INSTANCES).joinpath(name).read_text()
    assert recognised(name.rpartition("/")[2], text[:4096]) == kinds


KINDS = ["knapsack", "bin-packing", "job-shop", "number-partitioning", "market-split",
         "quadratic-assignment", "labs"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "content",
    [b"", b"\n\n", b"\x00\x01\x02\xff", b"PK\x03\x04", b"{\"a\": 1}", b"<graphml/>", b"NAME : x\n",
     b"1e999\n", b"9" * 5000, b"3 3\n1 2 z\n", b"nan nan\n", b"1_000 2\n", "١ ٢\n".encode()],
)
def test_nonsense_is_an_error_in_words(tmp_path, kind, content):
    path = tmp_path / "x.txt"
    path.write_bytes(content)
    with pytest.raises(ParseError, match=r"x\.txt"):
        qopt.load(path, kind=kind)


@pytest.mark.parametrize("kind", KINDS)
def test_every_shorter_file_is_refused_or_another_instance(tmp_path, kind):
    """Whatever is cut off behind: an error, and never an instance of the announced size."""
    name = next(e.path for e in qopt.loading.bundled() if e.kind == kind)
    whole = qopt.load(name)
    text = next(CLASSIC.joinpath(f).read_text() for f in _data_files(name))
    cells = text.split(" ") if "\n" not in text.strip() else text.rstrip().split("\n")
    for keep in range(1, len(cells)):
        path = tmp_path / "x.dat"
        path.write_text("\n".join(cells[:keep]) + "\n")
        try:
            cut = qopt.load(path, kind=kind)
        except QoptError:
            continue
        assert kind == "number-partitioning"  # the one layout that announces no size
        assert cut.describe() != whole.describe()


def _data_files(toml):
    import tomllib
    from pathlib import Path

    return [tomllib.loads(Path(toml).read_text())["data"]]


def test_cells_know_their_lines(tmp_path):
    path = tmp_path / "x.txt"
    path.write_bytes(b"\xef\xbb\xbf# note\r\n1 2\r\n\r\n 3\t4.5")
    numbers = PlainNumbers.read(path, ("#",))
    assert [numbers.whole("a"), numbers.whole("b"), numbers.line] == [1, 2, 4]
    assert numbers.row(4) == ["3", "4.5"]
    with pytest.raises(ParseError, match=r"x.txt:4: the file ends before five more"):
        numbers.need(5, "five more")
