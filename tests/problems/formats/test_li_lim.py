import pytest

from qopt.errors import ParseError
from qopt.problems.formats.li_lim import read_li_lim, recognises

FILE = """25\t200\t1
0\t40\t50\t0\t0\t1236\t0\t0\t0
1\t45\t68\t-10\t912\t967\t90\t2\t0
2\t45\t70\t10\t825\t870\t90\t0\t1
3\t42\t66\t20\t65\t146\t90\t0\t4
4\t42\t68\t-20\t727\t782\t90\t3\t0
"""


def read(tmp_path, text):
    path = tmp_path / "lc101.txt"
    path.write_bytes(text.encode())
    return read_li_lim(path)


def test_what_a_file_says(tmp_path):
    file = read(tmp_path, FILE)
    assert (file.vehicles, file.capacity, file.speed) == (25, 200, 1)
    assert file.pairs == ((2, 1), (3, 4))
    assert file.tasks[3].demand == 20
    assert (file.tasks[1].early, file.tasks[1].late, file.tasks[1].service) == (912, 967, 90)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"), lambda text: "\ufeff" + text,
        lambda text: text.replace("\t", "   "), lambda text: text.replace("\n", " \t\n"),
        lambda text: text.rstrip(), lambda text: text + "\n\n",
        lambda text: text.replace("1236", "1.236e3"),
    ],
)
def test_layout_does_not_matter(tmp_path, change):
    assert read(tmp_path, change(FILE)) == read(tmp_path, FILE)


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("25\t200\t1\n", "", 1, "vehicles capacity speed"),
        ("25\t200", "0\t200", 1, "at least one vehicle"),
        ("25\t200", "2.5\t200", 1, "a whole number"),
        ("200\t1\n", "200\t0\n", 1, "a speed above 0"),
        ("3\t42\t66", "5\t42\t66", 5, "task 3 was expected, got 5"),
        ("\t0\t4\n", "\t0\n", 5, "9 columns were expected"),
        ("3\t42\t66\t20", "3\t42\t66\tnan", 5, "a finite number"),
        ("3\t42\t66\t20", "3\t42\t66\t21", 5, "task 3 must be the pickup"),
        ("3\t42\t66\t20", "3\t42\t66\t-20", 5, "task 3 must be the pickup"),
        ("\t0\t4\n", "\t0\t9\n", 5, "task 3 must be the pickup"),
        ("\t0\t4\n", "\t0\t1\n", 5, "task 3 must be the pickup"),
        ("\t0\t4\n", "\t0\t0\n", 5, "task 3 must be the pickup"),
        ("\t0\t4\n", "\t1\t4\n", 5, "task 3 must be the pickup"),
        ("\t3\t0\n", "\t2\t0\n", 5, "task 3 must be the pickup"),
        ("65\t146", "146\t65", 5, "the window 146 to 65"),
        ("65\t146\t90", "65\t146\t-9", 5, "service time -9"),
        ("0\t40\t50\t0", "0\t40\t50\t5", 2, "the depot, task 0"),
    ],
)
def test_a_malformed_file_is_refused_with_its_line(tmp_path, old, new, line, message):
    assert old in FILE
    with pytest.raises(ParseError, match=message) as raised:
        read(tmp_path, FILE.replace(old, new, 1))
    assert raised.value.line == line


def test_a_missing_row_is_noticed(tmp_path):
    with pytest.raises(ParseError, match="task 3 must be the pickup"):
        read(tmp_path, FILE[: FILE.index("4\t42")])
    with pytest.raises(ParseError, match="a pickup and a delivery are needed"):
        read(tmp_path, FILE[: FILE.index("1\t45")])


def test_files_are_known_by_their_content():
    assert recognises("any", FILE)
    assert not recognises("any", "3 3\n1 2\n")
    assert not recognises("any", "a b c\n" + FILE.partition("\n")[2])
