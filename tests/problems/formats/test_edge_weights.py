from math import acos, ceil, cos, floor, hypot, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.problems.formats.edge_weights import METRICS, from_coordinates, nearest

coordinate = st.integers(-20000, 20000).map(lambda k: k / 100)
points = st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=6)


def geo(a, b):
    """TSPLIB 95, section 2.4, word by word."""
    def radians(x):
        degrees = int(x)
        return 3.141592 * (degrees + 5.0 * (x - degrees) / 3.0) / 180.0

    q1 = cos(radians(a[1]) - radians(b[1]))
    q2 = cos(radians(a[0]) - radians(b[0]))
    q3 = cos(radians(a[0]) + radians(b[0]))
    cosine = 0.5 * ((1.0 + q1) * q2 - (1.0 - q1) * q3)
    return int(6378.388 * acos(max(-1.0, min(1.0, cosine))) + 1.0)


def att(a, b):
    real = sqrt(((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) / 10.0)
    whole = floor(real + 0.5)
    return whole + 1 if whole < real else whole


def euclidean(a, b):
    return sqrt((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2)


RULES = {
    "EUC_2D": lambda a, b: floor(euclidean(a, b) + 0.5),
    "CEIL_2D": lambda a, b: ceil(euclidean(a, b)),
    "MAN_2D": lambda a, b: floor(abs(a[0] - b[0]) + abs(a[1] - b[1]) + 0.5),
    "MAX_2D": lambda a, b: max(floor(abs(a[0] - b[0]) + 0.5), floor(abs(a[1] - b[1]) + 0.5)),
    "GEO": geo,
    "ATT": att,
}


@pytest.mark.parametrize("kind", RULES)
@settings(deadline=None, max_examples=60)
@given(xy=points)
def test_distances_follow_the_standard(kind, xy):
    if kind == "GEO":
        xy = [(max(-90.0, min(90.0, x)), max(-180.0, min(180.0, y))) for x, y in xy]
    matrix = from_coordinates(kind, xy)
    for i, a in enumerate(xy):
        for j, b in enumerate(xy):
            assert matrix[i, j] == (RULES[kind](a, b) if i != j else 0)


def test_three_dimensions():
    matrix = from_coordinates("EUC_3D", [(0, 0, 0), (2, 3, 6)])
    assert matrix[0, 1] == 7
    assert from_coordinates("MAN_3D", [(0, 0, 0), (2, 3, 6)])[0, 1] == 11
    assert from_coordinates("MAX_3D", [(0, 0, 0), (2, 3, 6)])[0, 1] == 6


def test_halves_go_up_and_not_to_even():
    assert nearest(np.array([0.5, 1.5, 2.5, 2.4])).tolist() == [1, 2, 3, 2]


@pytest.mark.parametrize("kind", METRICS)
def test_without_rounding_the_distance_is_real(kind):
    rng = np.random.default_rng(1)
    xy = rng.random((5, METRICS[kind].dimensions)) * 50
    real, whole = from_coordinates(kind, xy, "none"), from_coordinates(kind, xy)
    assert (whole == np.rint(whole)).all()
    assert (np.abs(whole - real) <= 1.0).all()
    assert (real != np.rint(real)).sum() == 20


def test_one_decimal_is_cut_and_not_rounded():
    matrix = from_coordinates("EUC_2D", [(0, 0), (1, 1), (0.7, 0), (0, 1.0)], "one-decimal")
    assert matrix[0].tolist() == [0, 1.4, 0.7, 1.0]
    assert from_coordinates("MAN_2D", [(0, 0), (0.7, 0.1)], "one-decimal")[0, 1] == 0.8
    assert from_coordinates("EUC_2D", [(0, 0), (1.69, 0)], "one-decimal")[0, 1] == 1.6


def test_blocks_do_not_show(monkeypatch):
    xy = np.random.default_rng(2).random((30, 2)) * 100
    whole = from_coordinates("EUC_2D", xy, "none")
    monkeypatch.setattr("qopt.problems.formats.edge_weights._BLOCK", 70)
    assert (from_coordinates("EUC_2D", xy, "none") == whole).all()
    assert whole[3, 17] == pytest.approx(hypot(*(xy[3] - xy[17])))


def test_geographical_distances_take_tsplibs_value_of_pi():
    """With the exact value this one is 11241."""
    assert from_coordinates("GEO", [(0.0, 0.0), (0.0, 100.58)])[0, 1] == 11240


@pytest.mark.parametrize("place", [(91.0, 0.0), (0.0, -181.0), (1e300, 0.0)])
def test_what_is_no_place_on_earth_is_refused(place):
    with pytest.raises(ValueError, match="latitude up to 90"):
        from_coordinates("GEO", [(0.0, 0.0), place])
