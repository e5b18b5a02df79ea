"""Pictures, tables and facts of tours and plain routes."""

import csv
import io
import json

import numpy as np
import pytest

import qopt
from qopt.errors import InputError, UnsupportedError
from qopt.problems.routing.clock import Clock, hours_of, number
from qopt.problems.routing.places import Places, great_circles, of_tsplib


def test_a_geographic_tour_is_drawn_where_it_is():
    problem = qopt.load("burma14")
    picture = problem.picture(tuple(range(14)))
    assert picture.geographic
    # City 1 lies at 16.47 north, 96.10 east in degrees and minutes.
    first = picture.points[0]
    assert (first.x, first.y) == pytest.approx((96 + 10 / 60, 16 + 47 / 60))
    assert picture.paths[0].points == (*range(14), 0)
    line = json.loads(problem.to_geojson(tuple(range(14))))["features"][0]["geometry"]
    assert line["coordinates"][0] == [96.166667, 16.783333]
    assert len(line["coordinates"]) == 15


def test_a_tour_tells_its_longest_legs_and_its_order():
    problem = qopt.load("burma5")
    n = problem.num_cities
    facts = problem.insight(tuple(range(n)))
    legs = sorted((float(problem.distance[i, (i + 1) % n]) for i in range(n)), reverse=True)
    assert list(facts["longest legs"].values()) == legs[:3]
    rows = list(csv.DictReader(io.StringIO(problem.to_csv(tuple(range(n))))))
    assert [row["name"] for row in rows] == ["1", "2", "3", "4", "5", "1"]
    assert float(rows[-1]["distance"]) == problem.score(tuple(range(n))).objective
    assert "Objective" in problem.to_txt(tuple(range(n)))


@pytest.mark.parametrize("answer", [(), (1, 2), (0, 0, 1), (0, 1, 2, 3, 9)])
def test_a_broken_tour_is_still_told(answer):
    problem = qopt.load("burma5")
    problem.insight(answer)
    assert problem.picture(answer).points
    problem.to_csv(answer)


def test_plain_routes_are_told_without_times():
    problem = qopt.load("P-n16-k8")
    answer = problem.decode_answer({"routes": [[8], [5, 14]]})
    facts = problem.insight(answer)
    assert (facts["vehicles used"], facts["distance"]) == (2, 64 + 62)
    assert facts["routes"][1] == {
        "vehicle": "vehicle", "stops": 2, "load": 30, "capacity": 35, "distance": 62,
        "way": ["depot", "5", "14", "depot"],
    }
    assert len(facts["unserved"]) == 12
    assert not problem.picture(answer).geographic
    with pytest.raises(UnsupportedError, match="GeoJSON"):
        problem.to_geojson(answer)
    assert problem.to_txt(answer).startswith("Route 1: vehicle, 1 stop, load 28, distance 64\n")


def test_explicit_distances_without_display_data_have_no_map():
    assert qopt.load("gr17").picture(tuple(range(17))) is None


def test_great_circles_of_known_length():
    quarter = great_circles(Places(np.array([[0.0, 0.0], [90.0, 0.0], [0.0, 90.0]]), True))
    assert quarter == pytest.approx((1 - np.eye(3)) * 6371.0088 * np.pi / 2)
    across = great_circles(Places(np.array([[179.5, 0.0], [-179.5, 0.0]]), True))
    assert across[0, 1] == pytest.approx(6371.0088 * np.pi / 180)
    poles = great_circles(Places(np.array([[0.0, 90.0], [0.0, -90.0]]), True))
    assert poles[0, 1] == pytest.approx(6371.0088 * np.pi)


def test_places_off_the_earth_are_refused_or_planar():
    with pytest.raises(InputError, match="beyond 180"):
        Places(np.array([[200.0, 0.0]]), True)
    assert not of_tsplib(np.array([[300.0, 500.0]]), "GEO").geographic
    assert of_tsplib(np.array([[16.47, 96.10]]), "GEO").geographic


@pytest.mark.parametrize(
    ("text", "hours"),
    [("08:30", 8.5), ("8:30", 8.5), ("26:00", 26), ("0:00:36", 0.01), ("8.5", None),
     ("8:60", None), ("830", None), ("-1:00", None)],
)
def test_times_of_day(text, hours):
    assert hours_of(text) == (None if hours is None else pytest.approx(hours))


def test_times_and_numbers_in_words():
    assert Clock("minutes", True).text(510) == "08:30"
    assert Clock("hours", True).text(25.5) == "25:30"
    assert Clock("seconds", True).text(59.6 * 60) == "01:00"
    assert Clock("minutes").text(510.126) == "510.13"
    assert [number(v) for v in (0.0, 100.0, 0.5, -0.25, 1e20)] == [
        "0", "100", "0.5", "-0.25", "100000000000000000000"
    ]
