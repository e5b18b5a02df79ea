import json

import pytest

from qopt.errors import ParseError
from qopt.problems.formats.stops import read_stops, recognises

TABLE = """name,type,lat,lon,demand,service,early,late,prize,required,_phone
home,depot,50.1,8.7,,,06:00,22:00,,,
Paris,client,48.9,2.4,10,0:30,8:00,12:00,,yes,1
Oslo,client,59.9,10.8,1e1,0.5,,,50,no,
"""


def points(**changes):
    home = {"name": "home", "type": "depot"}
    client = {"name": "Paris", "type": "client", "demand": 5, "required": False, "prize": 3,
              **changes}
    return json.dumps({"type": "FeatureCollection", "features": [
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [8.7, 50.1]},
         "properties": home},
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [2.4, 48.9, 35]},
         "properties": client},
    ]}, indent=1)


@pytest.fixture
def read(tmp_path):
    def read(text, name="stops.csv"):
        path = tmp_path / name
        path.write_bytes(text.encode())
        return read_stops(path)

    return read


def test_what_a_table_says(read):
    file = read(TABLE)
    home, paris, oslo = file.stops
    assert file.geographic
    assert (home.depot, home.place) == (True, (8.7, 50.1))
    assert (paris.loads, paris.required) == ({"demand": 10}, True)
    assert paris.times == {"service": "0:30", "early": "8:00", "late": "12:00"}
    assert (oslo.loads, oslo.required, oslo.times) == (
        {"demand": 10, "prize": 50}, False, {"service": "0.5"}
    )


def test_what_a_collection_of_points_says(read):
    file = read(points(), "stops.geojson")
    home, paris = file.stops
    assert file.geographic
    assert (home.depot, home.place, paris.place) == (True, (8.7, 50.1), (2.4, 48.9))
    assert (paris.loads, paris.required) == ({"demand": 5, "prize": 3}, False)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"), lambda text: "\ufeff" + text,
        lambda text: text.replace(",", ";"), lambda text: text.replace(",", "\t"),
        lambda text: text.replace("\n", "\n\n"), lambda text: "# stops\n" + text,
        lambda text: text.rstrip(), lambda text: text.replace("lat,lon", "Latitude,LNG"),
        lambda text: text.replace("Paris", '"Paris"'),
    ],
)
def test_layout_does_not_matter(read, change):
    plain = [(s.name, s.place, s.loads, s.times) for s in read(TABLE).stops]
    assert [(s.name, s.place, s.loads, s.times) for s in read(change(TABLE)).stops] == plain


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("early,late", "eary,late", 1, "column 'eary' is not known"),
        ("early,late", "late,late", 1, "column 'late' is there twice"),
        ("name,type", "_name,type", 1, "column 'name' is missing"),
        ("name,type", "name,_type", 1, "column 'type' is missing"),
        ("lat,lon", "lat,_lon", 1, "longitude and latitude go together"),
        ("lat,lon", "lat,x", 1, "go together, one is missing"),
        ("Paris,client,48.9", "Paris,shop,48.9", 3, "type must be depot or client, got 'shop'"),
        ("Paris,client,48.9", ",client,48.9", 3, "a stop without a name"),
        ("Paris,client,48.9", "Oslo,client,48.9", 4, "the name 'Oslo' is given twice"),
        ("Paris,client,48.9", "Paris,client,98.9", 3, "latitude 98.9, longitude 2.4; they go up"),
        ("Paris,client,48.9", "Paris,client,nan", 3, "latitude must be a number, finite, got"),
        ("Paris,client,48.9", "Paris,client,", 3, "has a longitude and no other coordinate"),
        ("Paris,client,48.9,2.4", "Paris,client,,", 3, "Paris has no place and others have"),
        ("2.4,10", "2.4,-10", 3, "demand must be a number, finite, of at least 0, got '-10'"),
        ("2.4,10", "2.4,1_0", 3, "demand must be a number"),
        ("12:00,,yes", "12:00,,maybe", 3, "required must be yes or no, got 'maybe'"),
        ("8.7,,,06:00", "8.7,5,,06:00", 2, "home is a depot and has a demand"),
        ("home,depot,50.1,8.7,,,06:00,22:00,,,\n", "", None, "no row is of type depot"),
        (",yes,1\n", ",yes\n", 3, "10 cells, the header has 11"),
    ],
)
def test_a_malformed_table_is_refused_with_its_line(read, old, new, line, message):
    assert old in TABLE
    with pytest.raises(ParseError, match=message) as raised:
        read(TABLE.replace(old, new, 1))
    assert raised.value.line == line


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (points().replace("]", "", 1), "not JSON"),
        (points(demnd=3), "column 'demnd' is not known"),
        (points(latitude=3), "feature 2 has a point and the property latitude"),
        (points().replace("Point", "LineString", 1), "feature 1 must be a Point"),
        (points().replace("2.4", "200.4"), "longitude 200.4"),
        (points(demand="five"), "demand must be a number"),
        (points(type="depot", demand=None, required=None, prize=None), "no row is of type client"),
        ('{"type": "FeatureCollection"}', '"FeatureCollection", "features"'),
        ('{"type": "FeatureCollection", "features": [3]}', "feature 1 must be a Point"),
        ("{}", "FeatureCollection"),
    ],
)
def test_a_malformed_collection_is_refused(read, text, message):
    with pytest.raises(ParseError, match=message):
        read(text, "stops.geojson")


def test_files_are_known_by_their_content():
    assert recognises("any.csv", TABLE)
    assert recognises("any.csv", "\ufeff" + TABLE.replace(",", ";"))
    assert recognises("any.geojson", points())
    assert not recognises("prices.csv", "date,A,B\n2020-01-01,1,2\n")
    assert not recognises("labels.csv", "name,type\nx,y\n")
    assert not recognises("graph.json", '{"nodes": []}')
