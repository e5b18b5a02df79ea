"""Pictures of answers as inline SVG: places and ways, one drawing an instance."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, radians

from ..comparison import InstanceComparison
from ..numbers import value_text
from ..picture import Picture
from ..record import Record
from ..stats import better
from ..yardstick import objective_of
from .markup import Markup, join, tag

WIDTH, HEIGHT, EDGE = 560.0, 420.0, 12.0
MOST_ANSWERS = 6
"""Solvers whose answers a drawing offers, the best first."""
COLOURS = 8
MOST_NAMES, MANY = 30, 200
"""Places up to which names are written, and above which dots are small."""


def answer_map(instance: InstanceComparison) -> Markup | None:
    """The best answer of each solver on one map; None where no run left a picture.

    The first is shown, a list chooses another.
    """
    best = _best_records(instance)
    if not best:
        return None
    pictures = [Picture.from_json(record.picture or {}) for record in best]
    frame = _Frame.around(pictures[0])
    answers = [
        tag("g", _answer(picture, frame), class_="answer", data_answer=i,
            style="display:none" if i else None)
        for i, picture in enumerate(pictures)
    ]
    names = [_name(record, instance) for record in best]
    drawing = tag(
        "svg", tag("title", f"Map of the answers on {instance.name}"), answers,
        _places(pictures[0], frame), viewBox=f"0 0 {WIDTH:g} {frame.height:g}", role="img",
        tabindex="0", class_="map",
    )
    choice = tag("select", [tag("option", name, value=i) for i, name in enumerate(names)])
    shown = tag("label", "Answer of ", choice) if len(names) > 1 else f"Answer of {names[0]}"
    hint = "click it, then turn the wheel to zoom, drag to move, double-click to reset"
    caption = tag("figcaption", "Map ", tag("small", hint))
    told = tag("p", shown, " ", tag("output", class_="soft"), class_="told")
    return tag("figure", caption, drawing, told, class_="map")


def _best_records(instance: InstanceComparison) -> list[Record]:
    """The best run of each solver that left a picture, the best solver first."""
    found: list[tuple[float, Record]] = []
    for row in instance.rows:
        chosen: tuple[float, Record] | None = None
        for record in row.records:
            value = objective_of(record)
            if value is None or record.picture is None:
                continue
            if chosen is None or better(value, chosen[0], instance.sense, 0.0):
                chosen = value, record
        if chosen is not None:
            found.append(chosen)
    sign = 1.0 if instance.sense == "minimise" else -1.0
    found.sort(key=lambda pair: sign * pair[0])  # stable: rows come best rank first
    return [record for _, record in found[:MOST_ANSWERS]]


def _name(record: Record, instance: InstanceComparison) -> str:
    return f"{record.label}: {value_text(record.objective or 0.0, instance.digits)}"


@dataclass(frozen=True)
class _Frame:
    """Places fitted into the drawing, north upwards; degrees of longitude narrowed by latitude."""

    west: float
    north: float
    across: float
    scale: float
    left: float
    height: float

    @classmethod
    def around(cls, picture: Picture) -> "_Frame":
        xs, ys = [p.x for p in picture.points], [p.y for p in picture.points]
        across = 1.0
        if picture.geographic:
            across = max(0.05, cos(radians((min(ys) + max(ys)) / 2.0)))
        width, height = (max(xs) - min(xs)) * across, max(ys) - min(ys)
        room = WIDTH - 2 * EDGE, HEIGHT - 2 * EDGE
        fits = [r / size for r, size in zip(room, (width, height), strict=True) if size > 0]
        scale = min(fits, default=1.0)
        left = (WIDTH - width * scale) / 2.0
        return cls(min(xs), max(ys), across, scale, left, max(60.0, height * scale + 2 * EDGE))

    def at(self, picture: Picture, index: int) -> tuple[str, str]:
        point = picture.points[index]
        x = self.left + (point.x - self.west) * self.across * self.scale
        y = EDGE + (self.north - point.y) * self.scale
        return f"{x:.1f}".removesuffix(".0"), f"{y:.1f}".removesuffix(".0")


def _answer(picture: Picture, frame: _Frame) -> Markup:
    """Its ways, and a ring round each place that it leaves out."""
    ways = [
        tag("path", tag("title", path.label), d=_line(picture, frame, path.points),
            class_=f"way s{i % COLOURS}")
        for i, path in enumerate(picture.paths)
    ]
    rings = []
    for index, point in enumerate(picture.points):
        if point.kind == "unserved":
            x, y = frame.at(picture, index)
            label = tag("title", f"{point.label}: not served")
            rings.append(tag("circle", label, cx=x, cy=y, r=7, class_="unserved"))
    return join(ways, rings)


def _line(picture: Picture, frame: _Frame, indices: Sequence[int]) -> str:
    return "M" + "L".join(" ".join(frame.at(picture, index)) for index in indices)


def _places(picture: Picture, frame: _Frame) -> Markup:
    """Every place, with depots on top; the names where there are few."""
    order = sorted(range(len(picture.points)), key=lambda i: picture.points[i].kind == "depot")
    parts = []
    for index in order:
        point = picture.points[index]
        x, y = frame.at(picture, index)
        depot = point.kind == "depot"
        label = f"{point.label} (depot)" if depot else point.label
        # The style sheet sets the radius too, so that it stays when the map is zoomed.
        parts.append(tag(
            "circle", tag("title", label), cx=x, cy=y, r=6 if depot else 3,
            class_="depot" if depot else None,
        ))
        if len(order) <= MOST_NAMES:
            anchor = "end" if float(x) > 0.8 * WIDTH else "start"
            parts.append(tag(
                "text", point.label[:24], x=x, y=y, dx="-.7em" if anchor == "end" else ".7em",
                dy="-.4em", text_anchor=anchor, class_="tick",
            ))
    return tag("g", parts, class_="places many" if len(order) > MANY else "places")
