import json

import numpy as np
import pytest

from qopt.errors import InputError
from qopt.picture import MOST_POINTS, Path, Picture, Point


def test_a_picture_comes_back_from_json_with_coordinates_as_fine_as_the_eye():
    points = (Point(4.123456789, 50.0, "here", "depot"), Point(16.0, 48.987654321, "there"))
    picture = Picture(points, (Path((0, 1, 0), "route 1"),), "map", geographic=True)
    data = json.loads(json.dumps(picture.to_json()))
    again = Picture.from_json(data)
    assert again.to_json() == data
    assert (again.paths, again.title, again.geographic) == (picture.paths, "map", True)
    assert again.points[0].kind == "depot"
    for one, other in zip(points, again.points, strict=True):
        assert abs(one.x - other.x) < 12 / 10_000
    assert data["x"][0] == 4.123


@pytest.mark.parametrize("extent", [1e-9, 1.0, 1e9])
def test_places_stay_apart_at_any_extent(extent):
    xs = np.linspace(0, extent, 50)
    data = Picture(tuple(Point(float(x), 0.0) for x in xs)).to_json()
    assert len(set(data["x"])) == 50


def test_only_pictures_that_can_be_seen_are_kept():
    assert not Picture(()).small_enough
    assert Picture((Point(0, 0),) * MOST_POINTS).small_enough
    assert not Picture((Point(0, 0),) * (MOST_POINTS + 1)).small_enough
    assert Picture((Point(3, 3),)).to_json()["x"] == [3]


def test_nonsense_is_refused():
    with pytest.raises(InputError, match="'a' lies at nan"):
        Picture((Point(float("nan"), 0, "a"),))
    with pytest.raises(InputError, match="'r' names a place that does not exist"):
        Picture((Point(0, 0),), (Path((0, 1), "r"),))
