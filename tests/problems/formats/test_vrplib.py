from math import inf

import pytest

import qopt
from qopt.errors import ParseError, UsageError
from qopt.forms import Shipment
from qopt.problems.formats.vrplib import read_vrplib

RICH = """NAME : rich
TYPE : MDVRPTW
DIMENSION : 5
VEHICLES : 3
EDGE_WEIGHT_TYPE : EUC_2D
NODE_COORD_SECTION
1 0 0
2 10 0
3 3 4
4 6 8
5 9 12
DEMAND_SECTION
1 0
2 0
3 5
4 5
5 6
CAPACITY_SECTION
1 10
2 15
3 10
VEHICLES_DEPOT_SECTION
1 1
2 2
3 1
TIME_WINDOW_SECTION
1 0 100
2 1 90
3 5 30
4 10 40
5 0 60
SERVICE_TIME_SECTION
1 0
2 0
3 2
4 3
5 2
PRIZE_SECTION
1 0
2 0
3 0
4 30
5 0
BACKHAUL_SECTION
1 0
2 0
3 0
4 1
5 0
VEHICLES_MAX_DURATION : 80
VEHICLES_MAX_DISTANCE_SECTION
1 70
2 60
3 70
VEHICLES_FIXED_COST : 7
DEPOT_SECTION
1
2
-1
EOF
"""

PAIRS = """NAME : pairs
TYPE : PDPTW
DIMENSION : 5
VEHICLES : 2
CAPACITY : 10
EDGE_WEIGHT_TYPE : EUC_2D
NODE_COORD_SECTION
1 0 0
2 10 0
3 3 4
4 6 8
5 9 12
PICKUP_AND_DELIVERY_SECTION
1 0 0 200 0 0 0
2 5 0 100 2 0 3
3 -5 10 100 2 2 0
4 7 0 100 2 0 5
5 -7 0 150 2 4 0
DEPOT_SECTION
1
-1
EOF
"""


@pytest.fixture
def read(tmp_path):
    def read(text, name="case.vrp"):
        path = tmp_path / name
        path.write_bytes(text.encode())
        return read_vrplib(path).routing

    return read


def same(one, other):
    columns = ("depots", "clients", "vehicles", "shipments")
    return all(getattr(one, c) == getattr(other, c) for c in columns) and (
        one.distance == other.distance
    ).all()


def test_every_section_says_what_it_means(read):
    routing = read(RICH)
    assert [(d.name, d.early, d.late) for d in routing.depots] == [
        ("depot 1", 0, 100), ("depot 2", 1, 90)
    ]
    first, second, third = routing.clients
    assert (first.name, first.demand, first.service, first.early, first.late) == ("2", 5, 2, 5, 30)
    assert (second.prize, second.required, second.pickup) == (30, False, 1)
    assert (third.required, third.pickup, third.prize) == (True, 0, 0)
    small, large = routing.vehicles
    assert (small.count, small.capacity, small.start, small.end) == (2, 10, 0, 0)
    assert (large.count, large.capacity, large.start, large.max_distance) == (1, 15, 1, 60)
    assert (small.max_duration, small.max_distance, small.fixed_cost) == (80, 70, 7)
    assert routing.distance[0, 2] == routing.duration[0, 2] == 5


def test_pickups_and_deliveries(read):
    routing = read(PAIRS)
    assert routing.shipments == (Shipment(0, 1, 5), Shipment(2, 3, 7))
    assert [(c.early, c.late, c.service) for c in routing.clients][1] == (10, 100, 2)
    assert routing.depots[0].late == 200


def test_a_plain_cvrp_is_read_too(read):
    text = PAIRS.replace("PDPTW", "CVRP").partition("PICKUP")[0] + (
        "DEMAND_SECTION\n1 0\n2 1\n3 1\n4 1\n5 1\nSERVICE_TIME : 3\nDISTANCE : 50\n"
        "DEPOT_SECTION\n1\n"
    )
    routing = read(text)
    assert routing.vehicles[0].max_duration == 50
    assert routing.vehicles[0].max_distance == inf
    assert {c.service for c in routing.clients} == {3}
    opened = read(text.replace("CVRP", "OVRP").replace("SERVICE_TIME : 3\n", ""))
    assert opened.vehicles[0].end is None
    assert opened.vehicles[0].max_distance == 50


@pytest.mark.parametrize("text", [RICH, PAIRS])
@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"), lambda text: "\ufeff" + text,
        lambda text: text.replace(" ", "\t"), lambda text: text.replace("\n", "  \n"),
        lambda text: text.replace("EOF\n", ""), lambda text: text.replace(" : ", ":"),
        lambda text: text.replace("5 9 12", "5 0.9e1 1.2E+1"),
    ],
)
def test_layout_does_not_matter(read, text, change):
    assert same(read(change(text)), read(text))


@pytest.mark.parametrize(
    ("text", "old", "new", "message"),
    [
        (RICH, "2 10 0\n", "", "NODE_COORD_SECTION holds 4 of 5 nodes, node 2 is missing"),
        (RICH, "3 5 30\n", "3 5\n", "TIME_WINDOW_SECTION needs 3 numbers a line"),
        (RICH, "3 5 30\n", "3 30 5\n", "node 3 has the time window 30 to 5"),
        (RICH, "3 5 30\n", "3 -5 30\n", "node 3 has the time window -5 to 30"),
        (RICH, "3 5 30\n", "3 nan 30\n", "a finite number was expected, got 'nan'"),
        (RICH, "3 5 30\n", "4 5 30\n", "node 4 is given twice"),
        (RICH, "3 5 30\n", "9 5 30\n", r"node 9 is outside 1\.\.5"),
        (RICH, "5 6\nCAP", "5 -6\nCAP", "node 5 has demand -6, it must be at least 0"),
        (RICH, "1 0\n2 0\n3 5", "1 4\n2 0\n3 5", "the depot, node 1, has demand 4"),
        (RICH, "4 30", "4 -30", "node 4 has prize -30"),
        (RICH, "4 1\n", "4 -1\n", "node 4 has pickup -1"),
        (RICH, "4 3\n", "4 -3\n", "node 4 has service time -3"),
        (RICH, "2 15\n", "", "CAPACITY_SECTION holds 2 of 3"),
        (RICH, "2 2\n3 1\n", "2 4\n3 1\n", "vehicle 2 starts at node 4, which is no depot"),
        (RICH, "VEHICLES_DEPOT_SECTION\n1 1\n2 2\n3 1\n", "", "2 depots need VEHICLES_DEPOT"),
        (RICH, "VEHICLES : 3\n", "", "needs the number of VEHICLES"),
        (RICH, "VEHICLES : 3\n", "VEHICLES : 9e30\n", "VEHICLES must be at most 100000"),
        (RICH, "VEHICLES : 3\n", "VEHICLES : 0\n", "VEHICLES must be at least 1"),
        (RICH, "VEHICLES_MAX_DURATION : 80", "VEHICLES_MAX_DURATION : -80", "must be at least 0"),
        (RICH, "EOF", "CAPACITY : 5\nEOF", "CAPACITY contradicts CAPACITY_SECTION"),
        (RICH, "EOF", "SERVICE_TIME : 5\nEOF", "contradicts SERVICE_TIME_SECTION"),
        (RICH, "EOF", "DISTANCE : 5\nEOF", "DISTANCE could mean length or time"),
        (RICH, "EOF", "TIME_WINDOW_SECTION\n1 0 1\nEOF", "TIME_WINDOW_SECTION is given twice"),
        (RICH, "EOF", "RELEASE_TIME_SECTION\n1 0\nEOF", "not ready when the depot opens"),
        (RICH, "EOF", "VEHICLES_RELOAD_DEPOT_SECTION\n1 1\nEOF", "several trips of a vehicle"),
        (RICH, "EOF", "VEHICLES_ALLOWED_CLIENTS_SECTION\n1 3\nEOF", "only some vehicles"),
        (RICH, "EOF", "MUTUALLY_EXCLUSIVE_GROUP_SECTION\n1 3\nEOF", "one is to be chosen"),
        (RICH, "EOF", "SKILLS_SECTION\n1 3\nEOF", "section SKILLS_SECTION is not supported"),
        (RICH, "DEPOT_SECTION\n1\n2\n-1", "DEPOT_SECTION\n-1", "DEPOT_SECTION names no depot"),
        (RICH, "\nDEPOT_SECTION\n1\n2\n-1", "", "DEPOT_SECTION is missing"),
        (RICH, "DIMENSION : 5\n", "", "DIMENSION is missing"),
        (RICH, "MDVRPTW", "VRPB", r"VRPB \(backhauls after all deliveries, which is not supp"),
        (RICH, "MDVRPTW", "TSP", "TYPE is TSP"),
        (PAIRS, "3 -5 10", "3 -6 10", "node 2 must be the pickup of one other client"),
        (PAIRS, "2 2 0\n", "2 4 0\n", "node 2 must be the pickup"),
        (PAIRS, "0 5\n", "0 9\n", "node 4 must be the pickup"),
        (PAIRS, "0 5\n", "0 0\n", "node 4 must be the pickup"),
        (PAIRS, "1 0 0 200 0 0 0", "1 3 0 200 0 0 0", "the depot, node 1, has a pickup"),
        (PAIRS, "2 5 0 100 2", "2 5 0 100 -2", "node 2 has service time -2"),
        (PAIRS, "EOF", "DEMAND_SECTION\n1 0\nEOF", "does not go with PICKUP_AND_DELIVERY"),
        (PAIRS, "EOF", "TIME_WINDOW_SECTION\n1 0 1\nEOF", "contradicts PICKUP_AND_DELIVERY"),
    ],
)
def test_a_malformed_file_is_refused(read, text, old, new, message):
    assert old in text
    with pytest.raises(ParseError, match=message):
        read(text.replace(old, new, 1))


def test_ragged_matrices_are_refused_and_whole_ones_read(read):
    head = "TYPE : VRPTW\nDIMENSION : 3\nEDGE_WEIGHT_TYPE : EXPLICIT\n"
    head += "EDGE_WEIGHT_FORMAT : FULL_MATRIX\nEDGE_WEIGHT_SECTION\n"
    tail = "DEPOT_SECTION\n1\n-1\n"
    assert read(head + "0 1 2\n3 0 4\n5 6 0\n" + tail).distance.tolist() == [
        [0, 1, 2], [3, 0, 4], [5, 6, 0]
    ]
    with pytest.raises(ParseError, match="holds 8 numbers, FULL_MATRIX of 3 nodes needs 9"):
        read(head + "0 1 2\n3 0\n5 6 0\n" + tail)


def test_files_find_their_kind_by_their_type(tmp_path):
    path = tmp_path / "case.vrp"
    path.write_text(RICH)
    assert qopt.load(path).kind == "vrp"
    path.write_text(RICH.replace("MDVRPTW", "CVRP"))
    with pytest.raises(ParseError, match="goes beyond a CVRP: read the file as kind 'vrp'"):
        qopt.load(path)
    assert qopt.load(path, kind="vrp").describe()["depots"] == 2
    path.write_text(RICH.replace("MDVRPTW", "SOP"))
    with pytest.raises(ParseError, match=r"TYPE is SOP \(sequential ordering, which is not supp"):
        qopt.load(path)


def test_settings_that_the_file_answers_are_refused(tmp_path):
    path = tmp_path / "case.vrp"
    path.write_text(RICH)
    with pytest.raises(UsageError, match="speed does not go with"):
        qopt.load(path, speed=3)
    with pytest.raises(UsageError, match="describes its vehicles itself"):
        qopt.load(path, vehicles=3)
    path.write_text(PAIRS)
    assert qopt.load(path, vehicles=3).routing.vehicles[0].count == 3
    assert "not rounded" in qopt.load(path, rounding="none").describe()["distances"]


def test_what_the_routing_refuses_names_the_file(tmp_path):
    path = tmp_path / "case.vrp"
    path.write_text(RICH.replace("2 15\n", "2 -15\n"))
    with pytest.raises(ParseError, match=r"case\.vrp: .* got 1 and -15"):
        qopt.load(path)
