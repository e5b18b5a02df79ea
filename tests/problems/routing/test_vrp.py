"""Rich vehicle routing: from files to routings, and its answers out again."""

import csv
import io
import json
import re
from importlib.resources import files
from itertools import product
from math import inf
from pathlib import Path

import numpy as np
import pytest

import qopt
from qopt.errors import InputError, ParseError, UnknownNameError, UnsupportedError, UsageError
from qopt.forms import Client, Depot, Qubo, Route, Routing, Shipment, VehicleType
from qopt.loading import as_problem
from qopt.problem import fingerprint
from qopt.problems.routing import Vrp
from qopt.solution import check_answer_path
from qopt.testing import check_problem

INSTANCES = Path(str(files("qopt.instances")))

STOPS = """name,type,x,y,demand,service,early,late,prize,required
home,depot,0,0,,,0,100,,
north,client,0,10,5,2,,30,,
east,client,10,0,5,2,40,60,,
far,client,50,50,1,,,,20,no
"""


@pytest.fixture
def write(tmp_path):
    def write(text=STOPS, name="stops.csv", **more):
        for other, content in more.items():
            (tmp_path / other.replace("__", ".")).write_text(content)
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


# -- tables of stops ------------------------------------------------------------------------------


def test_a_table_becomes_a_routing(write):
    problem = qopt.load(write(), vehicles=2, capacity=8)
    routing = problem.routing
    assert routing.clients[0] == Client("north", 5, service=2, late=30)
    assert routing.clients[2] == Client("far", 1, prize=20, required=False)
    assert routing.vehicles == (VehicleType(count=2, capacity=8),)
    assert routing.distance[0].tolist() == pytest.approx([0, 10, 10, 5000**0.5])
    assert problem.describe() == {
        "clients": 3, "optional clients": 1, "time windows": 2, "demand": 11.0,
        "vehicles": "2 of vehicle (capacity 8)",
        "distances": "Euclidean between x and y, not rounded",
        "durations": "equal to the distances",
    }
    score = problem.score((Route(0, (0,)), Route(0, (1,))))
    assert (score.objective, score.feasible) == (60.0, True)
    check_problem(problem)


def test_great_circles_in_kilometres_or_metres_and_travel_times_by_speed(write):
    text = """name,type,latitude,longitude,late
London,depot,51.5074,-0.1278,
Paris,client,48.8566,2.3522,23:30
"""
    path = write(text)
    problem = qopt.load(path, speed=86)
    assert problem.routing.distance[0, 1] == pytest.approx(343.5565, abs=0.001)
    assert problem.routing.duration[0, 1] == pytest.approx(343.556 / 86 * 60, abs=0.1)
    assert problem.routing.clients[0].late == 23.5 * 60
    said = problem.describe()
    assert said["distances"] == (
        "great circles in kilometres (haversine, earth radius 6371.0088 km), not rounded"
    )
    assert said["durations"] == "the distances at 86 km/h in minutes"
    metres = qopt.load(path, speed=86, distance_unit="m", rounding="tsplib", time_unit="hours")
    assert metres.routing.distance[0, 1] == 343557
    assert metres.routing.duration[0, 1] == pytest.approx(343.557 / 86)
    assert "metres" in metres.describe()["distances"]
    assert "rounded to whole numbers" in metres.describe()["distances"]
    assert metres.routing.clients[0].late == 23.5
    assert "> Paris at 04:00 >" in metres.insight((Route(0, (0,)),))["route 1"]["way"]


def test_matrices_from_files_are_put_into_the_order_of_the_locations(write):
    text = "name,type,service\na,client,1\nhome,depot,\nb,client,1\n"
    named = ",home,b,a\nhome,0,1,2\na,3,0,4\nb,5,6,0\n".replace("a,3,0,4", "a,3,4,0").replace(
        "b,5,6,0", "b,5,0,6")
    plain = "0,4,3\n2,0,1\n6,5,0\n"
    path = write(text, d__csv=named, t__csv=plain)
    problem = qopt.load(path, distance="d.csv", duration="t.csv")
    # home, a, b: in the named file home-b 1, home-a 2; the other has a, home, b as the stops do.
    assert problem.routing.distance.tolist() == [[0, 2, 1], [3, 0, 4], [5, 6, 0]]
    assert problem.routing.duration.tolist() == [[0, 2, 1], [4, 0, 3], [5, 6, 0]]
    assert problem.describe()["distances"] == "as given by the matrix"
    assert problem.picture(()) is None


FLEET = """kind = "vrp"
data = "stops.csv"
[[vehicles]]
name = "truck"
capacity = 8
fixed_cost = 10
[[vehicles]]
name = "bike"
count = 2
capacity = 5.5
end = "none"
early = 5
late = "90"
max_duration = 40
distance_cost = 0.5
"""


def test_a_fleet_of_tables(write):
    write()
    path = write(FLEET, "round.toml")
    problem = qopt.load(path)
    truck, bike = problem.routing.vehicles
    assert truck == VehicleType("truck", 1, 8, fixed_cost=10)
    assert bike == VehicleType("bike", 2, 5.5, end=None, early=5, late=90, max_duration=40,
                               distance_cost=0.5)
    assert problem.describe()["vehicles"] == (
        "1 of truck (capacity 8); 2 of bike (capacity 5.5, open routes, duration up to 40)"
    )


@pytest.mark.parametrize(
    ("old", "new", "error", "message"),
    [
        ("capacity = 8", "capcity = 8", UnknownNameError, r"\[\[vehicles\]\] table 1 'capcity'"),
        ("capacity = 8", 'capacity = "much"', UsageError, "'capacity' .* must be a finite number"),
        ("capacity = 8", "capacity = -8", InputError, "capacity of at least 0"),
        ("count = 2", "count = 2.5", UsageError, "'count' .* must be a whole number"),
        ("count = 2", "count = 0", InputError, "a count of at least 1"),
        ('end = "none"', 'end = "Rome"', UnknownNameError, "'Rome': .*'none'"),
        ('end = "none"', 'end = ""', UsageError, 'leave it out .* end = "none" for open routes'),
        ("early = 5", "early = 95", InputError, "has the shift 95 to 90"),
        ("early = 5", 'early = "soon"', InputError, "a time of at least 0 or HH:MM"),
        ("early = 5", "early = -5", InputError, "a time of at least 0"),
        ("distance_cost = 0.5", "distance_cost = -1", InputError, "must be at least 0"),
        ("fixed_cost = 10", "depots = 1", UnknownNameError, "'depots'"),
        ("fixed_cost = 10", "", None, ""),
        ('name = "truck"', 'name = "7"', None, ""),
        ('name = "truck"', "name = 7", UsageError, "'name' .* must be text"),
        ("capacity = 8", "capacity = [8]", UsageError, "'capacity' .* must be a finite number"),
        ("[[vehicles]]\nname", "capacity = 3\n[[vehicles]]\nname", UsageError, "capacity goes in"),
    ],
)
def test_a_malformed_fleet_is_refused(write, old, new, error, message):
    write()
    assert old in FLEET
    path = write(FLEET.replace(old, new, 1), "round.toml")
    if error is None:
        qopt.load(path)
        return
    with pytest.raises(error, match=message):
        qopt.load(path)


@pytest.mark.parametrize(
    ("text", "settings", "error", "message"),
    [
        (STOPS, {}, UsageError, "has loads and no vehicle has a capacity"),
        (STOPS, {"capacity": 8, "speed": 0}, UsageError, "speed must be above 0"),
        (STOPS, {"capacity": 8, "vehicles": 0}, UsageError, "vehicles must be at least 1"),
        (STOPS, {"capacity": 8, "distance_unit": "km"}, UsageError, "goes with latitude and"),
        (STOPS, {"capacity": 8, "distance_unit": "mile"}, UsageError, "must be 'km' or 'm'"),
        (STOPS, {"capacity": 8, "distance": "no.csv"}, InputError, "there is no such file"),
        (STOPS.replace("20,no", "20,"), {"capacity": 8}, ParseError, "far: a prize counts only"),
        (STOPS.replace("40,60", "60,40"), {"capacity": 8}, ParseError, "early 60 lies after late"),
        (STOPS.replace("40,60", "soon,"), {"capacity": 8}, ParseError, "east: early must be a n"),
        (STOPS.replace("40,60", "-3,"), {"capacity": 8}, ParseError, "east: early must be a n"),
        (STOPS.replace("40,60", "09:60,"), {"capacity": 8}, ParseError, "east: early must be"),
        (STOPS.replace("40,60", "0:40,1:00"), {"capacity": 8}, UsageError, "has times: set speed"),
        ("name,type,x,y,late\nh,depot,0,0,\na,client,1,1,\n", {"speed": 3}, UsageError,
         "speed has nothing to act on"),
        ("name,type,x,y,late\nh,depot,0,0,\na,client,1,1,9\n", {"capacity": 3}, UsageError,
         "has no loads"),
        ("name,type,late\nh,depot,\na,client,9\n", {}, UsageError, "has no places"),
        ("name,type,x,y,delivery_to\nh,depot,0,0,\na,client,1,1,b\n", {}, ParseError,
         "a: delivery_to names 'b', which is no client"),
        ("name,type,x,y,load\nh,depot,0,0,\na,client,1,1,4\n", {"capacity": 9}, ParseError,
         "a: a load needs delivery_to"),
    ],
)
def test_tables_and_settings_that_make_no_sense_are_refused(write, text, settings, error, message):
    with pytest.raises(error, match=message):
        qopt.load(write(text), kind="vrp", **settings)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ("0,1\n1,0\n", "the matrix has 2 rows"),
        ("0,1,2\n1,0\n2,2,0\n", "2 cells, the header has 3"),
        ("0,1,2,9\n1,0,2,9\n2,2,0,9\n9,9,9,x\n", "a finite number was expected"),
        (",home,north,east,near\nhome,0,1,1,1\nnorth,1,0,1,1\neast,1,1,0,1\nnear,1,1,1,0\n",
         "no row and column for the stop 'far'"),
        ("0,1,1,1\n1,0,1,-1\n1,1,0,1\n1,1,1,0\n", "has a negative entry"),
    ],
)
def test_a_malformed_matrix_is_refused(write, matrix, message):
    path = write(d__csv=matrix)
    with pytest.raises(ParseError, match=message):
        qopt.load(path, capacity=8, distance="d.csv")


def test_shipments_from_a_table(write):
    path = write("name,type,x,y,delivery_to,load\nh,depot,0,0,,\nb,client,1,1,,\n"
                 "a,client,2,1,b,4\n")
    problem = qopt.load(path, capacity=5)
    assert problem.routing.shipments == (Shipment(1, 0, 4),)
    assert problem.describe()["shipments"] == 1
    assert problem.score((Route(0, (1, 0)),)).feasible
    assert not problem.score((Route(0, (0, 1)),)).feasible


# -- Li and Lim -----------------------------------------------------------------------------------


def test_the_bundled_pairs_have_their_proven_optimum():
    """Every choice of vehicle for each pair, each route by dynamic programming over sets."""
    problem = qopt.load("pairs-4")
    routing = problem.routing
    assert problem.reference.value == pytest.approx(132.677789)

    def best_route(pairs):
        ends = [c for s in pairs for c in (routing.shipments[s].pickup,
                                           routing.shipments[s].delivery)]
        best = inf
        stack = [()]
        while stack:
            order = stack.pop()
            cost, broken = routing.evaluate([Route(0, order)])
            late = any("window" in text or "closing" in text or "load" in text.split(":")[-1][:6]
                       or "not visited after" in text for text, _ in broken if "route" in text)
            if late:
                continue  # going on makes none of it good again
            if len(order) == len(ends):
                best = min(best, cost)
                continue
            stack += [(*order, c) for c in ends if c not in order]
        return best

    costs = {
        frozenset(pairs): best_route(pairs) if pairs else 0.0
        for pairs in (tuple(s for s in range(4) if bits[s]) for bits in product((0, 1), repeat=4))
    }
    everything = frozenset(range(4))
    best = min(costs[one] + costs[everything - one] for one in costs)
    assert best == pytest.approx(problem.reference.value, abs=1e-6)


def test_li_lim_speed_makes_travel_times(tmp_path):
    text = (INSTANCES / "vrp" / "pairs-4.txt").read_text()
    path = tmp_path / "fast.txt"
    path.write_text(text.replace("2\t20\t1", "2\t20\t2", 1))
    fast = qopt.load(path)
    assert (fast.routing.duration * 2 == fast.routing.distance).all()
    assert fast.describe()["durations"] == "the distances at speed 2"
    assert "not rounded" in fast.describe()["distances"]
    whole = qopt.load(path, rounding="tsplib")
    assert (whole.routing.distance % 1 == 0).all()


# -- answers --------------------------------------------------------------------------------------


@pytest.fixture
def capitals():
    return qopt.load("capitals-12")


@pytest.fixture
def routes(capitals):
    return capitals.decode_answer({
        "routes": [["Bern", "Ljubljana"], ["Berlin", "Prague", "Vienna", "Bratislava", "Warsaw"],
                   ["Brussels", "Amsterdam"], ["Luxembourg", "Paris"]],
        "vehicles": ["truck", "truck", "van", "van"],
    })


def test_the_known_answer_has_its_known_cost(capitals, routes):
    score = capitals.score(routes)
    assert score.feasible
    assert score.objective == pytest.approx(capitals.reference.value, abs=1e-5)
    assert fingerprint(capitals) == fingerprint(qopt.load("capitals-12"))


def test_answers_come_back_from_json_and_from_solution_files(capitals, routes, tmp_path):
    text = json.dumps(capitals.encode_answer(routes))
    assert capitals.decode_answer(json.loads(text)) == routes
    path = tmp_path / "a.sol"
    path.write_text(capitals.to_sol(routes[1:]))  # one truck and one van stay at home
    assert path.read_text().startswith("Route #1: 2 10 11 4 12\nRoute #2: \nRoute #3: 5 1\n")
    assert set(capitals.read_sol(path)) == set(routes[1:])
    with pytest.raises(InputError, match="routes are written as"):
        capitals.decode_answer({"routes": [["Rome"]], "vehicles": ["van"]})
    broken = (Route(7, (0, 99)),)
    assert capitals.decode_answer(capitals.encode_answer(broken)) == broken


def test_more_routes_than_vehicles_of_several_types_are_refused(capitals, tmp_path):
    path = tmp_path / "a.sol"
    path.write_text("".join(f"Route #{i}: {i}\n" for i in range(1, 6)))
    with pytest.raises(InputError, match="5 routes for 4 vehicles"):
        capitals.read_sol(path)


def test_insight_tells_each_route_and_who_is_left_out(capitals, routes):
    facts = capitals.insight(routes)
    assert facts["vehicles used"] == 4
    assert facts["unserved"] == ["Copenhagen"]
    assert facts["prizes forgone"] == 520
    third = facts["route 3"]
    assert (third["vehicle"], third["load"], third["capacity"]) == ("van", 17, 18)
    assert (third["departure"], third["end"], third["duration"]) == ("07:00", "19:53", "12:53")
    assert third["way"] == (
        "Frankfurt at 07:00 > Brussels at 11:14 > Amsterdam at 14:17 > Frankfurt at 19:53"
    )
    lengths = [facts[f"route {i}"]["distance"] for i in range(1, 5)]
    assert facts["distance"] == pytest.approx(sum(lengths))
    json.dumps(facts, allow_nan=False)


def test_the_text_of_an_answer(write):
    problem = qopt.load(write(), vehicles=2, capacity=8)
    assert problem.to_txt((Route(0, (1,)), Route(0, (0,)))) == """\
Route 1: vehicle, 1 stop, load 5, distance 20, duration 22
  stop  arrival  wait  leaves  load  distance
  home       30     0      30     5         0
  east       40     0      42     0        10
  home       52     0      52     0        20

Route 2: vehicle, 1 stop, load 5, distance 20, duration 22
  stop   arrival  wait  leaves  load  distance
  home         0     0       0     5         0
  north       10     0      12     0        10
  home        22     0      22     0        20

Not served: far

Objective 60
"""


def test_the_table_of_an_answer_has_every_stop(capitals, routes):
    rows = list(csv.DictReader(io.StringIO(capitals.to_csv(routes))))
    assert len(rows) == 11 + 2 * 4
    assert rows[0]["name"] == "Frankfurt"
    paris = next(row for row in rows if row["name"] == "Paris")
    assert (paris["route"], paris["vehicle"], paris["stop"], paris["number"]) == ("4", "van", "2",
                                                                                   "9")
    assert (paris["arrival"], paris["wait"], paris["load"]) == ("13:52", "00:00", "0")


def test_geojson_has_a_line_a_route_and_a_point_a_stop(capitals, routes):
    data = json.loads(capitals.to_geojson(routes))
    lines = [f for f in data["features"] if f["geometry"]["type"] == "LineString"]
    dots = [f for f in data["features"] if f["geometry"]["type"] == "Point"]
    assert (len(lines), len(dots)) == (4, 13)
    assert lines[2]["geometry"]["coordinates"][0] == [8.6821, 50.1109]  # longitude first
    assert lines[2]["properties"]["vehicle"] == "van"
    kinds = {f["properties"]["name"]: f["properties"]["kind"] for f in dots}
    assert (kinds["Copenhagen"], kinds["Frankfurt"], kinds["Paris"]) == (
        "unserved", "depot", "client"
    )


def test_geojson_without_longitudes_is_refused_before_anything_runs(write, tmp_path):
    problem = qopt.load(write(), vehicles=2, capacity=8)
    with pytest.raises(UnsupportedError, match="GeoJSON needs longitude and latitude"):
        check_answer_path(problem, tmp_path / "a.geojson")
    check_answer_path(problem, tmp_path / "a.csv")
    with pytest.raises(UnsupportedError, match="GeoJSON needs"):
        problem.to_geojson(())


def test_the_picture_of_an_answer_is_kept_with_the_run(capitals, routes):
    picture = capitals.picture(routes)
    assert picture.geographic
    assert [p.label for p in picture.points if p.kind == "unserved"] == ["Copenhagen"]
    assert picture.paths[3].points == (0, 8, 9, 0)
    assert picture.paths[3].label.startswith("route 4: van, 2 stops, load 17")
    record = qopt.solve(capitals, "random", seed=0).record
    assert len(record.picture["x"]) == 13


# -- bare routings --------------------------------------------------------------------------------


def bare(clients=3, **more):
    rng = np.random.default_rng(5)
    distance = rng.integers(1, 20, (clients + 1, clients + 1)).astype(float)
    np.fill_diagonal(distance, 0)
    return Routing(
        (Depot("d"),), tuple(Client("same", demand=1) for _ in range(clients)),
        (VehicleType(count=2, capacity=2),), distance, distance, **more,
    )


def test_a_bare_routing_is_a_problem_and_is_solved():
    problem = as_problem(bare())
    assert (problem.kind, problem.name) == ("vrp", "routing")
    check_problem(problem)
    solution = qopt.solve(bare(), "cpsat")
    assert solution.feasible
    served = sorted(c for r in solution.answer for c in r.clients)
    assert served == [0, 1, 2]
    assert problem.encode_answer((Route(0, (2, 0)),)) == {"routes": [[3, 1]]}  # names tell nothing


def test_coordinates_of_a_bare_routing_are_its_map():
    assert Vrp(name="a", routing=bare()).picture(()) is None
    at = np.array([[0, 0], [1, 2], [3, 4], [5, 6]], dtype=float)
    assert len(Vrp(name="a", routing=bare(coordinates=at)).picture(()).points) == 4
    with pytest.raises(InputError, match=r"need finite coordinates of shape \(4, 2\)"):
        bare(coordinates=at[:2])


def test_there_is_no_other_form():
    problem = as_problem(bare())
    with pytest.raises(UnsupportedError, match="given as Routing"):
        problem.lower(Qubo)
    with pytest.raises(UnknownNameError):
        problem.lower(Routing, columns=3)


def test_the_data_tell_instances_apart():
    one, other = (Vrp(routing=bare(), name=n) for n in "ab")
    assert fingerprint(one) == fingerprint(other)
    changed = Vrp(routing=bare(shipments=(Shipment(0, 1, 0.0),)))
    assert fingerprint(changed) != fingerprint(one)


def test_the_command_line_prints_the_convention_with_the_known_value():
    text = repr(qopt.solve(qopt.load("windows-12"), "cpsat"))
    assert re.search(r"best known 288\.3 \(.*; distances cut after one decimal\), reached", text)
