"""A drawing of an answer: places and the ways between them, for reports to draw as they like."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import floor, isfinite, log10
from typing import Any

from .errors import InputError

MOST_POINTS = 5000
"""Places of a picture that a record keeps; of more nothing could be told apart."""

_DIGITS = 5
"""Digits kept of a coordinate, of the larger side of the picture."""


@dataclass(frozen=True)
class Point:
    """A place.

    Parameters
    ----------
    x, y : float
        Eastwards and northwards: longitude and latitude in degrees on a geographic picture.
    label : str
        What it is called.
    kind : str
        What it is: ``"depot"``, ``"client"``, ``"unserved"``.
    """

    x: float
    y: float
    label: str = ""
    kind: str = "client"


@dataclass(frozen=True)
class Path:
    """A way from place to place.

    Parameters
    ----------
    points : tuple of int
        Indices of the places in order.
    label : str
        What is told of it: ``"route 2: van, 5 stops, load 80"``.
    """

    points: tuple[int, ...]
    label: str = ""


@dataclass(frozen=True)
class Picture:
    """Places and ways, without any choice of colour or size.

    Parameters
    ----------
    points : tuple of Point
    paths : tuple of Path
    title : str
    geographic : bool
        Whether places are longitude and latitude.

    Raises
    ------
    InputError
        Where a coordinate is not finite, or a path names a place that does not exist.
    """

    points: tuple[Point, ...] = field(repr=False)
    paths: tuple[Path, ...] = field(default=(), repr=False)
    title: str = ""
    geographic: bool = False

    def __post_init__(self) -> None:
        for point in self.points:
            if not (isfinite(point.x) and isfinite(point.y)):
                raise InputError(f"place {point.label!r} lies at {point.x:g}, {point.y:g}")
        for path in self.paths:
            if any(not 0 <= index < len(self.points) for index in path.points):
                raise InputError(f"path {path.label!r} names a place that does not exist")

    @property
    def small_enough(self) -> bool:
        """Whether a record keeps it."""
        return 0 < len(self.points) <= MOST_POINTS

    def to_json(self) -> dict[str, Any]:
        """The picture as compact JSON values, coordinates rounded to what can be seen."""
        xs, ys = [p.x for p in self.points], [p.y for p in self.points]
        extent = max(max(xs) - min(xs), max(ys) - min(ys)) if self.points else 0.0
        places = _DIGITS - 1 - floor(log10(extent)) if extent > 0 else 6
        return {
            "title": self.title,
            "geographic": self.geographic,
            "x": [round(x, places) for x in xs],
            "y": [round(y, places) for y in ys],
            "labels": [p.label for p in self.points],
            "kinds": [p.kind for p in self.points],
            "paths": [{"label": path.label, "points": list(path.points)} for path in self.paths],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Picture":
        """Read back what `to_json` wrote."""
        columns = (data["x"], data["y"], data["labels"], data["kinds"])
        return cls(
            points=tuple(Point(*row) for row in zip(*columns, strict=True)),
            paths=tuple(Path(tuple(p["points"]), p["label"]) for p in data["paths"]),
            title=data["title"],
            geographic=data["geographic"],
        )
