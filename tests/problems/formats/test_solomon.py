from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qopt.errors import ParseError
from qopt.problems.formats.solomon import (
    Customer,
    SolomonFile,
    read_solomon,
    recognises,
    write_solomon,
)

BUNDLED = Path(str(files("qopt.instances"))) / "vrptw" / "windows-12.txt"

FILE = """R2
VEHICLE
NUMBER     CAPACITY
  2         10

CUSTOMER
CUST NO.  XCOORD.   YCOORD.    DEMAND   READY TIME  DUE DATE   SERVICE   TIME

    0      40         50          0          0       1236          0
    1      45         68          4        912        967         90
    2      45.5       7e1         3        825        870         90
"""

GOLDEN = """R2

VEHICLE
NUMBER     CAPACITY
   2            10

CUSTOMER
CUST NO.  XCOORD.   YCOORD.   DEMAND    READY TIME  DUE DATE  SERVICE TIME

        0        40        50         0         0      1236         0
        1        45        68         4       912       967        90
        2      45.5        70         3       825       870        90
"""


def read(tmp_path, text):
    path = tmp_path / "case.txt"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_solomon(path)


def test_what_a_file_says(tmp_path):
    file = read(tmp_path, FILE)
    assert (file.name, file.vehicles, file.capacity) == ("R2", 2, 10)
    assert file.customers[2] == Customer(45.5, 70, 3, 825, 870, 90)


def test_the_written_text_is_this_and_reads_back(tmp_path):
    file = read(tmp_path, FILE)
    assert write_solomon(file) == GOLDEN
    assert read(tmp_path, GOLDEN) == file


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("  ", "\t"),
        lambda text: text.replace("\n", "   \n"),
        lambda text: text + "\n\n\x1a\n",
        lambda text: text.replace("VEHICLE", "Vehicle").replace("CUSTOMER", "customer"),
        lambda text: text.replace("4        912", "4.0      9.12e2"),
        lambda text: "\n".join(line for line in text.splitlines() if line.strip()),
        lambda text: text.rstrip(),
        lambda text: "\n".join(
            line for line in text.splitlines() if not line.startswith("CUST NO")
        ),
    ],
)
def test_layout_does_not_matter(tmp_path, change):
    assert read(tmp_path, change(FILE)) == read(tmp_path, FILE)


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("VEHICLE\n", "", 2, "'VEHICLE' was expected, got 'NUMBER CAPACITY'"),
        ("NUMBER     CAPACITY\n", "", 3, "'NUMBER CAPACITY' was expected"),
        ("CUSTOMER\n", "", 6, "'CUSTOMER' was expected"),
        ("  2         10\n", "", 5, "number and capacity were expected, got 'CUSTOMER'"),
        ("  2         10", "  2", 4, "number and capacity were expected"),
        ("  2         10", "  2.5       10", 4, "a whole number was expected"),
        ("  2         10", "  0         10", 4, "at least one vehicle"),
        ("  2         10", "  2        -10", 4, "capacity of at least 0"),
        ("    2      45.5", "    3      45.5", 11, "customer 2 was expected, got 3"),
        ("    2      45.5", "    1      45.5", 11, "customer 2 was expected, got 1"),
        ("870         90\n", "870\n", 11, "7 columns were expected"),
        ("870         90\n", "870         90  1\n", 11, "got 8"),
        ("45.5", "nan", 11, "a finite number was expected, got 'nan'"),
        ("45.5", "1e999", 11, "a finite number was expected"),
        ("45.5", "4_5", 11, "a finite number was expected"),
        ("45.5", "x", 11, "a finite number was expected, got 'x'"),
        (" 3        825", "-3        825", 11, "customer 2 has demand -3"),
        ("870         90", "870        -90", 11, "service time -90"),
        ("825        870", "870        825", 11, "is open from 870 to 825"),
        ("825        870", "-5        870", 11, "must start at 0 or later"),
        ("          0          0       1236", "         7          0       1236", 9,
         "the depot, customer 0, has a demand"),
    ],
)
def test_a_malformed_file_is_refused_with_its_line(tmp_path, old, new, line, message):
    assert old in FILE
    with pytest.raises(ParseError, match=message) as raised:
        read(tmp_path, FILE.replace(old, new, 1))
    assert raised.value.line == line


@pytest.mark.parametrize("text", ["R2\n", "VEHICLE\n", FILE[: FILE.index("    1  ")],
                                  FILE[: FILE.index("CUSTOMER")]])
def test_a_file_cut_short_is_refused(tmp_path, text):
    with pytest.raises(ParseError):
        read(tmp_path, text)


def test_files_are_known_by_their_content():
    assert recognises("any", FILE)
    assert recognises("any", "\ufeff" + FILE.replace("\n", "\r\n"))
    assert recognises("any", BUNDLED.read_text())
    assert not recognises("windows.txt", "3 3\n1 2\n")


amounts = st.one_of(st.integers(0, 999).map(float), st.floats(0, 1e6))


@given(st.lists(st.tuples(amounts, amounts, amounts, amounts, amounts, amounts), min_size=1,
                max_size=4), st.integers(1, 99), amounts)
def test_any_file_comes_back(tmp_path_factory, rows, vehicles, capacity):
    customers = [Customer(1, 2, 0, 0, 100, 0)]
    customers += [Customer(x, y, q, min(a, b), max(a, b), s) for x, y, q, a, b, s in rows]
    file = SolomonFile("any", vehicles, capacity, tuple(customers))
    assert read(tmp_path_factory.mktemp("solomon"), write_solomon(file)) == file
