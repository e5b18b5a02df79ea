import pytest

from qopt.errors import ParseError
from qopt.problems.formats.cvrplib import read_solution, write_solution

TEXT = "Route #1: 3 1\nRoute #2: 2\nCost 12\n"


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "a.sol"
        path.write_bytes(text.encode())
        return path

    return write


def test_the_written_file_is_the_golden_one_and_reads_back(write):
    assert write_solution([(3, 1), (2,)], 12.0) == TEXT
    assert read_solution(write(TEXT)) == (((3, 1), (2,)), 12.0)
    assert write_solution([(1,)], 10.25).endswith("Cost 10.25\n")


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("\n", "\r\n"),
        TEXT.replace("Route #", "route ").replace("Cost", "\n# remark\ncost:"),
        TEXT.replace("3 1", " 3\t1 "),
    ],
)
def test_layout_does_not_matter(write, text):
    assert read_solution(write(text)) == (((3, 1), (2,)), 12.0)


def test_the_cost_may_be_missing(write):
    assert read_solution(write("Route #1: 1\n")) == (((1,),), None)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("Route #1: 3 x\n", 1, "'x'"),
        ("Route #1: 3 0\n", 1, "at least 1"),
        ("Route #1: 3 -1\n", 1, "'-1'"),
        ("Route #1: 3\nRoute #3: 2\n", 2, "route 2 was expected"),
        ("Route #1: 3\nCost many\n", 2, "finite cost"),
        ("Route #1: 3\nCost nan\n", 2, "finite cost"),
        ("Route #1: 3\nCost 1\nCost 2\n", 3, "twice"),
        ("Route #1: 3\n2 1\n", 2, "was expected, got '2 1'"),
        ("Cost 3\n", None, "no route"),
    ],
)
def test_a_malformed_file_is_refused_with_its_line(write, text, line, message):
    with pytest.raises(ParseError, match=message) as fault:
        read_solution(write(text))
    assert fault.value.line == line
