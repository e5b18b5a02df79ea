import numpy as np
import pytest

from qopt.errors import ParseError, SizeError, UsageError
from qopt.problems.formats.tsplib import read_instance, read_tour, recognises, write_tour

TSP = """NAME : three
TYPE : TSP
COMMENT : a triangle
DIMENSION : 3
EDGE_WEIGHT_TYPE : EUC_2D
NODE_COORD_SECTION
1 0 0
2 3 4
3 0 8.5
EOF
"""

MATRIX = """NAME: m
TYPE: TSP
DIMENSION: 4
EDGE_WEIGHT_TYPE: EXPLICIT
EDGE_WEIGHT_FORMAT: {layout}
EDGE_WEIGHT_SECTION
{numbers}
EOF
"""

CVRP = """NAME : small
COMMENT : (No of trucks: 2)
TYPE : CVRP
DIMENSION : 4
EDGE_WEIGHT_TYPE : EUC_2D
CAPACITY : 10
NODE_COORD_SECTION
1 0 0
2 0 3
3 4 0
4 4 3
DEMAND_SECTION
1 0
2 7
3 5
4 2.5
DEPOT_SECTION
 1
 -1
EOF
"""


@pytest.fixture
def write(tmp_path):
    def write(text, name="small.tsp"):
        path = tmp_path / name
        path.write_bytes(text.encode())
        return path

    return write


# -- what is read -------------------------------------------------------------------------------


def test_coordinates_are_rounded_by_the_files_own_rule(write):
    file = read_instance(write(TSP), {"TSP"})
    # sqrt(9 + 4.5**2) = 5.41 and 8.5, whose half goes up.
    assert file.distance.tolist() == [[0, 5, 9], [5, 0, 5], [9, 5, 0]]
    assert file.coordinates.tolist() == [[0, 0], [3, 4], [0, 8.5]]
    assert (file.name, file.weight_type) == ("small", "EUC_2D")


@pytest.mark.parametrize(
    ("rounding", "length"),
    [("tsplib", 5.0), ("none", np.hypot(3, 4.5)), ("one-decimal", 5.4)],
)
def test_the_rounding_is_a_setting(write, rounding, length):
    assert read_instance(write(TSP), {"TSP"}, rounding).distance[1, 2] == length


@pytest.mark.parametrize(
    "text",
    [
        TSP.replace("\n", "\r\n"),
        TSP.replace(" : ", ":\t").replace(" 8.5", "\t8.5e0 "),
        TSP.replace(" : ", ": ").replace("3 0 8.5", "  3   0.0   +85E-1"),
        TSP.replace("EOF\n", ""),
        TSP.replace("EOF\n", "EOF\nwhat follows is no part of the file\n"),
        TSP.replace("TYPE : TSP", "TYPE : TSP (three towns)", 1),
        TSP.replace("COMMENT", "COMMENT : another\nCOMMENT"),
        TSP.replace("NODE_COORD_SECTION", "NODE_COORD_SECTION :"),
        TSP.replace("NODE_COORD_SECTION\n", "\nNODE_COORD_SECTION\n# a remark\n\n"),
        TSP.replace("1 0 0\n2 3 4\n", "2 3 4\n1 0 0\n"),
        "\ufeff" + TSP,
        TSP + "\x1a",
    ],
)
def test_layout_does_not_matter(write, text):
    plain = read_instance(write(TSP), {"TSP"})
    assert (read_instance(write(text), {"TSP"}).distance == plain.distance).all()


SYMMETRIC = [[0, 1, 2, 3], [1, 0, 4, 5], [2, 4, 0, 6], [3, 5, 6, 0]]


@pytest.mark.parametrize(
    ("layout", "numbers"),
    [
        ("FULL_MATRIX", "0 1 2 3 1 0 4 5 2 4 0 6 3 5 6 0"),
        ("UPPER_ROW", "1 2 3\n4 5\n6"),
        ("LOWER_ROW", "1\n2 4\n3 5 6"),
        ("UPPER_DIAG_ROW", "0 1 2 3\n0 4 5\n0 6\n0"),
        ("LOWER_DIAG_ROW", "0 1 0 2 4 0 3 5 6 0"),
        ("UPPER_COL", "1\n2 4\n3 5 6"),
        ("LOWER_COL", "1 2 3\n4 5\n6"),
        ("UPPER_DIAG_COL", "0\n1 0\n2 4 0\n3 5 6 0"),
        ("LOWER_DIAG_COL", "0 1 2 3 0 4 5 0 6 0"),
    ],
)
def test_every_layout_of_an_explicit_matrix(write, layout, numbers):
    file = read_instance(write(MATRIX.format(layout=layout, numbers=numbers)), {"TSP"})
    assert file.distance.tolist() == SYMMETRIC
    assert file.coordinates is None


def test_an_asymmetric_matrix_keeps_its_directions_and_loses_its_diagonal(write):
    numbers = "9999 1 2 3\n4 9999 5 6\n7 8 9999 9\n1 2 3 9999"
    text = MATRIX.format(layout="FULL_MATRIX", numbers=numbers)
    file = read_instance(write(text.replace("TYPE: TSP", "TYPE: ATSP")), {"TSP", "ATSP"})
    assert file.distance.tolist() == [[0, 1, 2, 3], [4, 0, 5, 6], [7, 8, 0, 9], [1, 2, 3, 0]]


def test_display_data_are_for_plots(write):
    text = MATRIX.format(layout="UPPER_ROW", numbers="1 2 3 4 5 6")
    text = text.replace("EOF", "DISPLAY_DATA_SECTION\n1 0 0\n2 1 0\n3 1 1\n4 0 2.5\nEOF")
    file = read_instance(write(text), {"TSP"})
    assert file.coordinates.tolist() == [[0, 0], [1, 0], [1, 1], [0, 2.5]]


def test_a_cvrp(write):
    file = read_instance(write(CVRP), {"CVRP"})
    assert (file.capacity, file.demand, file.depot) == (10.0, (0.0, 7.0, 5.0, 2.5), 0)
    assert (file.vehicles, file.max_distance, file.service) == (None, None, 0.0)
    limits = "CAPACITY : 10\nVEHICLES : 3\nDISTANCE : 200\nSERVICE_TIME : 10.5"
    file = read_instance(write(CVRP.replace("CAPACITY : 10", limits)), {"CVRP"})
    assert (file.vehicles, file.max_distance, file.service) == (3, 200.0, 10.5)
    for end in ("DEPOT_SECTION\n1\nEOF\n", "DEPOT_SECTION\n1", "DEPOT_SECTION 1 -1\nEOF"):
        assert read_instance(write(CVRP.partition("DEPOT")[0] + end), {"CVRP"}).depot == 0


# -- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("3 0 8.5\n", "", 8, "holds 2 of 3 nodes, node 3 is missing"),
        ("3 0 8.5", "3 0", 9, "3 numbers a line"),
        ("3 0 8.5", "3 0 8.5 1", 9, "3 numbers a line"),
        ("3 0 8.5", "2 0 8.5", 9, "node 2 is given twice"),
        ("3 0 8.5", "4 0 8.5", 9, r"node 4 is outside 1\.\.3"),
        ("1 0 0", "0 0 0", 7, "node 0 is outside"),
        ("3 0 8.5", "3 zero 8.5", 9, "'zero'"),
        ("3 0 8.5", "3 nan 8.5", 9, "'nan'"),
        ("3 0 8.5", "3 inf 8.5", 9, "'inf'"),
        ("3 0 8.5", "3 1_0 8.5", 9, "'1_0'"),
        ("3 0 8.5", "3.5 0 8.5", 9, "whole number"),
        ("3 0 8.5", "3 1e200 8.5", 6, "too large"),
        ("DIMENSION : 3\n", "", None, "DIMENSION is missing"),
        ("DIMENSION : 3", "DIMENSION : 4", 9, "holds 3 of 4 nodes"),
        ("DIMENSION : 3", "DIMENSION : 0", 4, "at least 1"),
        ("DIMENSION : 3", "DIMENSION : three", 4, "'three'"),
        ("DIMENSION : 3", "DIMENSION :", 4, "no value"),
        ("DIMENSION : 3", "DIMENSION 3", 4, "colon"),
        ("DIMENSION : 3", "DIMENSION : 3\nDIMENSION : 3", 5, "given twice"),
        ("TYPE : TSP\n", "", None, "TYPE is missing"),
        ("TYPE : TSP", "TYPE : HCP", 2, "TYPE is HCP"),
        ("EUC_2D", "XRAY1", 5, "XRAY1 is not supported; known are EXPLICIT, EUC_2D"),
        ("EUC_2D", "EUC_3D", 7, "4 numbers a line"),
        ("NODE_COORD_SECTION\n", "", 6, "'KEYWORD: value'"),
        ("EOF", "NODE_COORD_SECTION\n1 0 0\nEOF", 10, "given twice"),
        ("EOF", "FIXED_EDGES_SECTION\n1 2\n-1\nEOF", 10, "every tour must use"),
        ("EOF", "TIME_WINDOW_SECTION\n1 0 5\nEOF", 10, "does not belong to a TSP"),
        ("EOF", "EDGE_WEIGHT_SECTION\n1 2 3\nEOF", 10, "contradicts EDGE_WEIGHT_TYPE EUC_2D"),
        ("EOF", "TOUR_SECTION\n1 2 3\nEOF", 10, "TYPE TOUR"),
        ("EOF", "DEMAND_SECTION\n1 2\nEOF", 10, "does not belong to a TSP"),
        ("DIMENSION", "CAPACITY : 3\nDIMENSION", 4, "does not belong to a TSP"),
        ("DIMENSION", "CAPCITY : 3\nDIMENSION", 4, "keyword CAPCITY is not supported"),
    ],
)
def test_a_malformed_tsp_is_refused_with_its_line(write, old, new, line, message):
    assert old in TSP
    path = write(TSP.replace(old, new, 1))
    with pytest.raises(ParseError, match=message) as fault:
        read_instance(path, {"TSP"})
    assert fault.value.line == line
    assert str(fault.value).startswith(f"{path}:{line}: " if line else f"{path}: ")


@pytest.mark.parametrize(
    ("layout", "numbers", "line", "message"),
    [
        ("UPPER_ROW", "1 2 3\n4 5", 8, "holds 5 numbers, UPPER_ROW of 4 nodes needs 6"),
        ("UPPER_ROW", "1 2 3 4 5 6 7", 7, "holds 7 numbers"),
        ("UPPER_ROW", "1 2 3\n4 x 6", 8, "'x'"),
        ("FULL_MATRIX", "1 2 3 4 5 6", 7, "needs 16"),
        ("LOWER_DIAG_ROW", "1 2 3 4 5 6", 7, "needs 10"),
        ("UPPER_ROW", "", 6, "holds 0 numbers"),
        ("FUNCTION", "1 2 3 4 5 6", 5, "FUNCTION is not supported"),
        ("SQUARE", "1 2 3 4 5 6", 5, "SQUARE is not supported"),
    ],
)
def test_a_malformed_matrix_is_refused(write, layout, numbers, line, message):
    with pytest.raises(ParseError, match=message) as fault:
        read_instance(write(MATRIX.format(layout=layout, numbers=numbers)), {"TSP"})
    assert fault.value.line == line


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("CAPACITY : 10\n", "", None, "CAPACITY is missing"),
        ("CAPACITY : 10", "CAPACITY : -1", 6, "at least 0"),
        ("CAPACITY : 10", "CAPACITY : 10\nVEHICLES : 0", 7, "at least 1"),
        ("CAPACITY : 10", "CAPACITY : 10\nDISTANCE : -5", 7, "at least 0"),
        ("4 2.5\n", "", 15, "node 4 is missing"),
        ("4 2.5", "4 -2.5", 16, "node 4 has demand -2.5"),
        ("4 2.5", "4", 16, "2 numbers a line"),
        ("1 0\n2 7", "1 3\n2 7", 13, "the depot, node 1, has demand 3"),
        (" 1\n -1", " 1\n 2\n -1", 20, "names 2 depots"),
        (" 1\n -1", " -1", 18, "names no depot"),
        (" 1\n -1", " 9\n -1", 18, "node 9 is outside"),
        (" 1\n -1", " 30 40\n -1", 18, "node 30 is outside"),
        ("DEPOT_SECTION\n 1\n -1\n", "", None, "DEPOT_SECTION is missing"),
    ],
)
def test_a_malformed_cvrp_is_refused_with_its_line(write, old, new, line, message):
    assert old in CVRP
    with pytest.raises(ParseError, match=message) as fault:
        read_instance(write(CVRP.replace(old, new, 1)), {"CVRP"})
    assert fault.value.line == line


def test_a_file_cut_anywhere_is_refused_or_whole(write):
    """No beginning of a file passes for another instance."""
    whole = read_instance(write(CVRP), {"CVRP"})
    for end in range(len(CVRP)):
        try:
            part = read_instance(write(CVRP[:end]), {"CVRP"})
        except ParseError:
            continue
        assert CVRP[end:].split() in (["-1", "EOF"], ["1", "EOF"], ["EOF"], ["OF"], ["F"], [])
        assert part.demand == whole.demand


def test_rounding_does_not_apply_to_explicit_distances(write):
    path = write(MATRIX.format(layout="UPPER_ROW", numbers="1 2 3 4 5 6"))
    with pytest.raises(UsageError, match="rounding=none"):
        read_instance(path, {"TSP"}, "none")


def test_a_matrix_that_is_too_large_is_refused_before_it_is_made(write):
    with pytest.raises(SizeError, match="10000 nodes, the model has 85900"):
        read_instance(write(TSP.replace("DIMENSION : 3", "DIMENSION : 85900")), {"TSP"})


# -- recognising, tours -------------------------------------------------------------------------


def test_files_are_recognised_by_their_type():
    assert recognises("a.txt", TSP, {"TSP", "ATSP"})
    assert recognises("a.tsp", TSP.replace("TYPE : TSP", "TYPE: TSP (three towns)"), {"TSP"})
    assert not recognises("a.tsp", TSP, {"CVRP"})
    assert recognises("a.vrp", CVRP, {"CVRP"})
    assert not recognises("a.tour", write_tour("t", (0, 1)), {"TSP", "ATSP", "CVRP"})
    assert recognises("a.tsp", TSP.replace("TYPE : TSP\n", ""), {"TSP"})
    assert not recognises("a.txt", TSP.replace("TYPE : TSP\n", ""), {"TSP"})
    assert not recognises("G1", "800 19176\n1 2 1\n", {"TSP", "ATSP", "CVRP"})


def test_a_tour_survives_the_trip_to_a_file(write):
    path = write(write_tour("t", (0, 2, 1, 3)), "t.tour")
    assert path.read_text().splitlines()[4:] == ["1", "3", "2", "4", "-1", "EOF"]
    assert read_tour(path) == (0, 2, 1, 3)


@pytest.mark.parametrize(
    "body", ["1 3 2\n-1\nEOF\n", "1\n3\n2\n", "1 3\n2 -1", "1 3 2 -1\n"]
)
def test_tours_are_read_in_any_layout(write, body):
    assert read_tour(write("TYPE : TOUR\nDIMENSION : 3\nTOUR_SECTION\n" + body)) == (0, 2, 1)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("1 3\n-1\n", "holds 2 of 3"),
        ("1 3 3\n-1\n", "node 3 is given twice"),
        ("1 2 4\n-1\n", "node 4 is outside"),
        ("1 2 x\n-1\n", "'x'"),
        ("1 2 3\n-1\n1 3 2\n-1\n", "more than one tour"),
        ("1 2 3 1\n", "given twice"),
    ],
)
def test_a_malformed_tour_is_refused(write, body, message):
    with pytest.raises(ParseError, match=message):
        read_tour(write("TYPE : TOUR\nDIMENSION : 3\nTOUR_SECTION\n" + body))


def test_an_instance_is_no_tour(write):
    with pytest.raises(ParseError, match="TYPE is TSP, TOUR was expected"):
        read_tour(write(TSP))
