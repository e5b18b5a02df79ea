"""The frontier as one page: a plot of volatility against return, and the table."""

from math import sqrt

from qopt.report.axes import WIDE, axis_title, grid, side_axis, svg
from qopt.report.markup import Markup, tag
from qopt.report.page import page
from qopt.report.plain import table
from qopt.report.scales import Scale, linear

from .frontier import LEGEND, Frontier, FrontierPoint

HEIGHT, TOP, BOTTOM = 380.0, 20.0, 336.0
SIDE, RIGHT = 52.0, WIDE - 12.0


def frontier_page(frontier: Frontier) -> str:
    """The whole page."""
    header, rows = frontier.table()
    return page(
        f"Efficient frontier of {frontier.problem.name}",
        tag("header", tag("h1", f"Efficient frontier of {frontier.problem.name}"),
            tag("p", frontier.summary, class_="lead")),
        tag("figure", _legend(), _plot(frontier), class_="wide"),
        tag("h2", "Points of the model"),
        table(header, rows, words=2),
        tag("dl", [[tag("dt", title), tag("dd", text)] for title, text in LEGEND.items()],
            class_="facts"),
        tag("h2", "Notes"),
        tag("ul", [tag("li", note) for note in frontier.notes]),
    )


def _legend() -> Markup:
    entries = (
        (0, "continuous long-only frontier"), (1, "the model's portfolios"), (7, "single assets"),
    )
    return tag("ul", [
        tag("li", tag("span", class_=f"key c{colour}"), words) for colour, words in entries
    ], class_="legend")


def _plot(frontier: Frontier) -> Markup:
    moments = frontier.problem.moments
    singles = [
        (sqrt(float(variance)), float(mean), name)
        for variance, mean, name in zip(
            moments.covariance.diagonal(), moments.mean, moments.assets, strict=True
        )
    ]
    places = [(point.volatility, point.mean) for point in frontier.curve]
    places += [(point.volatility or 0.0, point.mean or 0.0) for point in frontier.found]
    # Single assets far off would press the frontier into a corner: they are drawn where they fit.
    reach = 1.5 * max(x for x, _ in places)
    shown = [single for single in singles if single[0] <= reach]
    across = linear([x for x, _ in places] + [x for x, _, _ in shown])
    upwards = linear([y for _, y in places] + [y for _, y, _ in shown])
    parts = [
        grid(across, SIDE, RIGHT, TOP, BOTTOM), side_axis(upwards, SIDE, TOP, BOTTOM, RIGHT),
        tag("text", "expected return", x=4, y=12, class_="tick"),
        axis_title(f"volatility, {frontier.problem.unit}", HEIGHT, WIDE),
        *(_dot(across, upwards, x, y, f"{name}: return {y:.4g}, volatility {x:.4g}", 7, 2.2)
          for x, y, name in shown),
        _curve(frontier, across, upwards),
        *(_dot(across, upwards, point.volatility or 0.0, point.mean or 0.0, _words(point), 1, 3.6)
          for point in frontier.found),
    ]
    return svg(HEIGHT, f"Efficient frontier of {frontier.problem.name}", parts, WIDE)


def _at(across: Scale, upwards: Scale, x: float, y: float) -> tuple[str, str]:
    return (
        f"{SIDE + across.place(x) * (RIGHT - SIDE):.1f}",
        f"{BOTTOM - upwards.place(y) * (BOTTOM - TOP):.1f}",
    )


def _dot(
    across: Scale, upwards: Scale, x: float, y: float, words: str, colour: int, radius: float
) -> Markup:
    cx, cy = _at(across, upwards, x, y)
    return tag("circle", tag("title", words), cx=cx, cy=cy, r=radius, class_=f"dot c{colour}")


def _curve(frontier: Frontier, across: Scale, upwards: Scale) -> Markup:
    steps = [" ".join(_at(across, upwards, p.volatility, p.mean)) for p in frontier.curve]
    return tag(
        "path", tag("title", "continuous long-only frontier"), d="M" + "L".join(steps),
        class_="curve s0",
    )


def _words(point: FrontierPoint) -> str:
    held = ", ".join(f"{name} {amount:g}" for name, amount in point.record.answer.items())
    return (
        f"risk {point.risk:.4g}: return {point.mean:.4g}, volatility {point.volatility:.4g}, "
        f"{point.record.status}; {held}"
    )
