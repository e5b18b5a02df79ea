"""What all text formats share: marks of the encoding, and which digits make numbers."""

import pytest

import qopt
from qopt.errors import ParseError
from qopt.problem import fingerprint

TSP = """NAME: a
TYPE: TSP
DIMENSION: 3
EDGE_WEIGHT_TYPE: EUC_2D
NODE_COORD_SECTION
1 0 0
2 3 0
3 0 4
EOF
"""
LP = "Minimize\n x\nSubject To\n c: x >= 1\nBinary\n x\nEnd\n"
SPARSE = "2 2\n1 1 -1\n1 2 3\n"


@pytest.mark.parametrize(("name", "text"), [("a.tsp", TSP), ("a.lp", LP), ("a.sparse", SPARSE)])
def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path, name, text):
    loaded = []
    for mark in ("", "\ufeff"):
        (tmp_path / name).write_text(mark + text, encoding="utf-8")
        loaded.append(fingerprint(qopt.load(tmp_path / name)))
    assert loaded[0] == loaded[1]


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.tsp", TSP.replace("2 3 0", "2 ٣ 0")), ("a.tsp", TSP.replace("2 3 0", "2 3_0 0")),
     ("a.sparse", SPARSE.replace("1 2 3", "1 ٢ 3")),
     ("a.sparse", SPARSE.replace("1 2 3", "1 2 ٣"))],
)
def test_digits_of_other_scripts_are_no_numbers_of_a_file(tmp_path, name, text):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ParseError, match=r"٣|٢|3_0"):
        qopt.load(tmp_path / name)
