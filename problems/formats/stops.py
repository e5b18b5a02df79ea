"""Stops of a delivery round as people keep them: a CSV table, or a GeoJSON FeatureCollection.

Columns of the table, or properties of the features: ``name``, ``type`` (depot or client), the
place (``latitude`` and ``longitude``, or ``x`` and ``y``; a feature has its point), ``demand``,
``pickup``, ``service``, ``early``, ``late``, ``prize``, ``required``, and for loads that go from
stop to stop ``delivery_to`` (a name) and ``load``. An empty cell is the default. Names that begin
with ``_`` are remarks; any other that is not known is refused, since a misspelt column is a wrong
instance.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any, Literal, NoReturn

from qopt.errors import ParseError

from . import tabular

ALIASES = {"lat": "latitude", "lon": "longitude", "lng": "longitude", "long": "longitude"}
PLACES: tuple[tuple[str, str], ...] = (("longitude", "latitude"), ("x", "y"))
LOADS = ("demand", "pickup", "prize", "load")
TIMES = ("service", "early", "late")
WORDS = ("name", "type", "delivery_to", "required")
COLUMNS = (*WORDS, *LOADS, *TIMES, "latitude", "longitude", "x", "y")

_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class Stop:
    """A row: a depot or a client.

    Parameters
    ----------
    line : int or None
        Of the table.
    name : str
    depot : bool
    place : tuple of float, optional
        Longitude and latitude in degrees, or x and y.
    loads : mapping of str to float
        ``demand``, ``pickup``, ``prize`` and ``load`` where the row gives them.
    times : mapping of str to str
        ``service``, ``early`` and ``late`` as written.
    required : bool, optional
    delivery_to : str
        Name of the client to which its load goes; empty for none.
    """

    line: int | None
    name: str
    depot: bool
    place: tuple[float, float] | None
    loads: Mapping[str, float]
    times: Mapping[str, str]
    required: bool | None
    delivery_to: str


@dataclass(frozen=True)
class Stops:
    """All rows of a file.

    Parameters
    ----------
    path : Path
    stops : tuple of Stop
        In the order of the file.
    geographic : bool
        Whether places are longitude and latitude.
    """

    path: Path
    stops: tuple[Stop, ...] = field(repr=False)
    geographic: bool

    def fail(self, stop: Stop, message: str) -> NoReturn:
        """Refuse the file because of a row."""
        raise ParseError(self.path, f"{stop.name}: {message}", stop.line)


def recognises(name: str, head: str) -> bool:
    """Whether a file is a table of stops or a collection of points, from its beginning."""
    text = head.lstrip("\ufeff").lstrip()
    if text.startswith("{"):
        return '"FeatureCollection"' in text and Path(name).suffix.lower() in (".geojson", ".json")
    first = next((line for line in text.splitlines() if line and not line.startswith("#")), "")
    header = {_column(cell) for cell in re.split("[,;\t]", first)}
    return "name" in header and "type" in header and bool(
        header & {"latitude", "x", "demand", "early", "service", "pickup", "delivery_to"}
    )


def read_stops(path: Path) -> Stops:
    """Read a table or a FeatureCollection.

    Raises
    ------
    ParseError
        With file and line where there is one: for an unknown or missing column, a name that is
        missing or given twice, a number that is not finite, a load below 0, a place off the
        earth, half a place, or no depot or client at all.
    """
    head = path.read_text(encoding="utf-8-sig", errors="replace").lstrip()[:1]
    rows = _features(path) if head == "{" else _table(path)
    geographic = any("latitude" in row for _, row in rows)
    stops = tuple(_stop(path, line, row, geographic) for line, row in rows)
    seen: set[str] = set()
    for stop in stops:
        if stop.name in seen:
            raise ParseError(path, f"the name {stop.name!r} is given twice", stop.line)
        seen.add(stop.name)
    for kind, wanted in (("depot", True), ("client", False)):
        if all(stop.depot is not wanted for stop in stops):
            raise ParseError(path, f"no row is of type {kind}")
    placed = [stop for stop in stops if stop.place is not None]
    if placed and len(placed) < len(stops):
        missing = next(stop for stop in stops if stop.place is None)
        raise ParseError(path, f"{missing.name} has no place and others have", missing.line)
    return Stops(path, stops, geographic)


def _column(text: str) -> str:
    name = text.strip().strip('"').lower().replace(" ", "_")
    return ALIASES.get(name, name)


def _table(path: Path) -> list[tuple[int | None, dict[str, str]]]:
    table = tabular.read_table(path)
    names = [_column(cell) for cell in table.header]
    _check_columns(path, names, table.line)
    return [
        (line, {name: cell for name, cell in zip(names, cells, strict=True) if cell})
        for line, cells in table.rows
    ]


def _features(path: Path) -> list[tuple[int | None, dict[str, str]]]:
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as fault:
        raise ParseError(path, f"not a text file in UTF-8: {fault.reason}") from None
    except ValueError as fault:
        raise ParseError(path, f"not JSON: {fault}", getattr(fault, "lineno", None)) from None
    features = data.get("features") if isinstance(data, dict) else None
    if not isinstance(features, list) or data.get("type") != "FeatureCollection":
        raise ParseError(path, 'a GeoJSON {"type": "FeatureCollection", "features": [...]} was '
                               "expected")
    return [(None, _feature(path, number, item)) for number, item in enumerate(features, 1)]


def _feature(path: Path, number: int, item: Any) -> dict[str, str]:
    geometry = item.get("geometry") if isinstance(item, dict) else None
    point = geometry if isinstance(geometry, dict) and geometry.get("type") == "Point" else {}
    at = point.get("coordinates")
    if not isinstance(at, list) or len(at) not in (2, 3):
        raise ParseError(path, f"feature {number} must be a Point with longitude and latitude")
    properties = item.get("properties") or {}
    if not isinstance(properties, dict):
        raise ParseError(path, f"feature {number}: properties must be an object")
    row = {_column(key): _cell(value) for key, value in properties.items() if value is not None}
    both = [name for name in ("longitude", "latitude", "x", "y") if name in row]
    if both:
        raise ParseError(path, f"feature {number} has a point and the property {both[0]}")
    _check_columns(path, list(row), None, required=())
    return {**row, "longitude": _cell(at[0]), "latitude": _cell(at[1])}


def _cell(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _check_columns(
    path: Path, names: list[str], line: int | None, required: tuple[str, ...] = ("name", "type")
) -> None:
    for name in names:
        if name not in COLUMNS and not name.startswith("_"):
            raise ParseError(
                path, f"column {name!r} is not known; known are {', '.join(COLUMNS)}, and any that "
                "begins with _ for remarks", line,
            )
        if names.count(name) > 1:
            raise ParseError(path, f"column {name!r} is there twice", line)
    for name in required:
        if name not in names:
            raise ParseError(path, f"column {name!r} is missing", line)
    for pair in PLACES:
        if len(set(pair) & set(names)) == 1:
            raise ParseError(path, f"{' and '.join(pair)} go together, one is missing", line)
    if "x" in names and "latitude" in names:
        raise ParseError(path, "give longitude and latitude or x and y, not both", line)


def _stop(path: Path, line: int | None, row: Mapping[str, str], geographic: bool) -> Stop:
    name, kind = row.get("name", ""), row.get("type", "").lower()
    if not name or not name.isprintable():
        raise ParseError(path, "a stop without a name", line)
    if kind not in ("depot", "client"):
        raise ParseError(path, f"{name}: type must be depot or client, got {kind!r}", line)
    required = row.get("required")
    if required is not None and required.lower() not in _TRUTH:
        raise ParseError(path, f"{name}: required must be yes or no, got {required!r}", line)
    stop = Stop(
        line=line,
        name=name,
        depot=kind == "depot",
        place=_place(path, line, row, geographic),
        loads={key: _number(path, line, name, key, row[key], least=0.0)
               for key in LOADS if key in row},
        times={key: row[key] for key in TIMES if key in row},
        required=None if required is None else _TRUTH[required.lower()],
        delivery_to=row.get("delivery_to", ""),
    )
    if stop.depot:
        idle = [key for key in (*LOADS, "service", "required", "delivery_to") if key in row]
        if idle:
            raise ParseError(path, f"{name} is a depot and has a {idle[0]}", line)
    return stop


def _place(
    path: Path, line: int | None, row: Mapping[str, str], geographic: bool
) -> tuple[float, float] | None:
    pair = PLACES[0] if geographic else PLACES[1]
    given = [key for key in pair if key in row]
    if not given:
        return None
    if len(given) == 1:
        raise ParseError(path, f"{row['name']} has a {given[0]} and no other coordinate", line)
    values = [_number(path, line, row["name"], key, row[key]) for key in pair]
    if geographic and (abs(values[0]) > 180 or abs(values[1]) > 90):
        raise ParseError(
            path, f"{row['name']} lies at latitude {values[1]:g}, longitude {values[0]:g}; they go "
            "up to 90 and 180 degrees", line,
        )
    return values[0], values[1]


def _number(
    path: Path, line: int | None, name: str, key: str, text: str, least: float | None = None
) -> float:
    kind: Literal["finite", "finite, of at least 0"] = (
        "finite" if least is None else "finite, of at least 0"
    )
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value) or "_" in text or (least is not None and value < least):
        raise ParseError(path, f"{name}: {key} must be a number, {kind}, got {text!r}", line)
    return value
