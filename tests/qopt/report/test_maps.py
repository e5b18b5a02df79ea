import re
from xml.etree import ElementTree

import factories as make

from qopt.comparison import Comparison
from qopt.picture import Path, Picture, Point
from qopt.report import html

NASTY = '<script>alert("x")</script>'


def picture(order=(0, 1, 2, 0), kind="client", geographic=True, label="Berlin"):
    points = (Point(8.0, 50.0, "home", "depot"), Point(13.0, 52.0, label, kind),
              Point(2.0, 49.0, "Paris"))
    return Picture(points, (Path(order, "route 1: van"),), "map", geographic).to_json()


def page(*records):
    text = html.render(Comparison(list(records)))
    return re.findall(r'<figure class="map">.*?</figure>', text, flags=re.DOTALL), text


def svg(figure):
    return ElementTree.fromstring(re.search(r"<svg.*</svg>", figure, flags=re.DOTALL)[0])


def test_without_pictures_there_is_no_map():
    assert page(make.record(3.0))[0] == []


def test_the_best_answer_of_each_solver_can_be_chosen_and_the_best_is_shown():
    maps, _ = page(
        make.record(9.0, solver="slow", picture=picture((0, 1, 0))),
        make.record(5.0, solver="fast", seed=0, picture=picture((0, 2, 0))),
        make.record(7.0, solver="fast", seed=1, picture=picture()),
        make.record(None, solver="none", picture=None),
    )
    assert len(maps) == 1
    options = re.findall(r"<option[^>]*>(.*?)</option>", maps[0])
    assert options == ["fast: 5", "slow: 9"]
    answers = [g for g in svg(maps[0]).iter("g") if g.get("class") == "answer"]
    assert [g.get("style") for g in answers] == [None, "display:none"]
    ways = [g.find("path").get("d") for g in answers]
    assert ways[0] != ways[1]
    assert ways[0].count("L") == 2


def test_places_lie_in_the_frame_with_north_above_and_longitudes_narrowed():
    drawing = svg(page(make.record(3.0, picture=picture()))[0][0])
    width, height = (float(n) for n in drawing.get("viewBox").split()[2:])
    at = {c.find("title").text: (float(c.get("cx")), float(c.get("cy")))
          for c in drawing.iter("circle")}
    assert set(at) == {"home (depot)", "Berlin", "Paris"}
    assert all(0 <= x <= width and 0 <= y <= height for x, y in at.values())
    assert at["Berlin"][1] < at["home (depot)"][1] < at["Paris"][1]
    # At 50.5 degrees north a degree of longitude is 0.636 of one of latitude.
    across = (at["Berlin"][0] - at["Paris"][0]) / 11
    up = (at["Paris"][1] - at["Berlin"][1]) / 3
    assert abs(across / up - 0.636) < 0.01
    flat = svg(page(make.record(3.0, picture=picture(geographic=False)))[0][0])
    xs = sorted(float(c.get("cx")) for c in flat.iter("circle"))
    ys = sorted(float(c.get("cy")) for c in flat.iter("circle"))
    assert abs((xs[-1] - xs[0]) / 11 - (ys[-1] - ys[0]) / 3) < 0.1


def test_who_is_not_served_is_ringed():
    drawing = svg(page(make.record(3.0, picture=picture((0, 2, 0), "unserved")))[0][0])
    rings = [c for c in drawing.iter("circle") if c.get("class") == "unserved"]
    assert [ring.find("title").text for ring in rings] == ["Berlin: not served"]


def test_labels_are_escaped():
    maps, text = page(make.record(3.0, picture=picture(label=NASTY)))
    assert "<script>alert" not in text
    assert any(c.find("title").text == NASTY for c in svg(maps[0]).iter("circle"))


def test_one_place_and_places_in_a_line_are_drawn():
    for points in ((Point(1, 1),), (Point(0, 5), Point(9, 5)), (Point(5, 0), Point(5, 9))):
        data = Picture(points, (Path(tuple(range(len(points)))),)).to_json()
        assert "nan" not in page(make.record(1.0, picture=data))[0][0]


def test_a_page_of_a_thousand_clients_stays_light():
    points = tuple(Point(i * 37 % 1000, i * 91 % 1000, str(i)) for i in range(1001))
    paths = tuple(Path((0, *range(i, i + 20), 0), f"route {i}") for i in range(1, 981, 20))
    data = Picture(points, paths).to_json()
    records = [make.record(5.0 + i, solver=s, picture=data) for i, s in enumerate("abcd")]
    assert len(page(*records)[1].encode()) < 300_000
