"""Plots as inline SVG: drawn by hand, so that a page stays light and needs no network.

Each is made for a narrow screen: labels stand above what they label, one row a solver.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isnan, nan

from ..comparison import InstanceComparison
from ..numbers import money_text, percent_text, seconds_text, value_text
from ..record import Record
from ..solver import PHASES
from ..stats import gap
from ..tally import Row
from ..yardstick import objective_of
from .axes import LEFT, RIGHT, axis_title, grid, side_axis, svg
from .markup import Markup, join, tag
from .scales import Scale, gaps, linear, logarithmic

ROW = 34.0
MARGIN = 68.0
"""Width kept for the runs without an answer."""


@dataclass(frozen=True)
class Quality:
    """How answers are placed: by their gap in percent, or by their objective.

    Parameters
    ----------
    place : callable
        Gives the plotted quantity of an objective; NaN where it has none.
    fit : callable
        Makes a scale for plotted quantities.
    scale : Scale
        For the final answers.
    title : str
        Title of the axis.
    """

    place: Callable[[float], float]
    fit: Callable[[Iterable[float]], Scale]
    scale: Scale
    title: str


def quality(instance: InstanceComparison) -> Quality | None:
    """The common axis of an instance's plots; None without any answer."""
    values = [v for r in instance.records if (v := objective_of(r)) is not None]
    if not values:
        return None
    yardstick, sense = instance.yardstick, instance.sense
    if yardstick is not None:
        reference = yardstick.value
        if all(gap(v, reference, sense).relative is not None for v in values):
            def percent(value: float) -> float:
                relative = gap(value, reference, sense).relative
                return 100.0 * relative if relative is not None else nan

            name = {"optimum": "optimum", "best known": "best known", "bound": "bound"}
            title = f"gap to the {name[yardstick.kind]}, % (0 is best)"
            return Quality(percent, gaps, gaps(map(percent, values)), title)
    title = f"objective ({'smaller' if sense == 'minimise' else 'larger'} is better)"
    return Quality(lambda v: v, linear, linear(values), title)


# -- every run ------------------------------------------------------------------------------------


def run_plot(
    instance: InstanceComparison, axis: Quality, colours: Mapping[str, int]
) -> Markup:
    """Every run as a dot, one row a solver, the median as a bar; runs without an answer apart."""
    rows = [row for row in instance.rows if row.attempted]
    missing = any(row.answered < row.attempted for row in rows)
    right = RIGHT - (MARGIN if missing else 0.0)
    height = ROW * len(rows) + 34.0
    parts = [grid(axis.scale, LEFT, right, 4.0, height - 32.0), axis_title(axis.title, height)]
    if missing:
        parts.append(tag(
            "text", "no answer", x=RIGHT + 8, y=height - 19, text_anchor="end", class_="tick"
        ))
    for i, row in enumerate(rows):
        top = 4.0 + i * ROW
        parts.append(_row_label(row.label, top))
        parts.append(_dots(row, axis, instance.digits, top + 22.0, right, colours[row.label]))
    return svg(height, f"Every run on {instance.name}", parts)


def _dots(
    row: Row, axis: Quality, digits: int, y: float, right: float, colour: int
) -> Markup:
    parts: list[Markup] = []
    taken: list[float] = []
    lost = 0
    for record in row.records:
        value = objective_of(record)
        if value is None:
            if record.status.value != "unsupported":
                parts.append(_cross(RIGHT - 42.0 + 8.0 * (lost % 6), y, _run_words(record, digits)))
                lost += 1
            continue
        x = LEFT + axis.scale.place(axis.place(value)) * (right - LEFT)
        # Dots that would hide each other are spread upwards and downwards in turn.
        near = sum(abs(x - other) < 5.0 for other in taken)
        shift = min(9.0, 3.2 * ((near + 1) // 2)) * (1 if near % 2 else -1)
        taken.append(x)
        parts.append(tag(
            "circle", tag("title", _run_words(record, digits)), cx=f"{x:.1f}",
            cy=f"{y + shift:.1f}", r=3.4, class_=f"dot c{colour}",
        ))
    if row.median is not None:
        x = LEFT + axis.scale.place(axis.place(row.median)) * (right - LEFT)
        parts.append(tag(
            "line", tag("title", f"median {value_text(row.median, digits)}"), x1=f"{x:.1f}",
            x2=f"{x:.1f}", y1=y - 9, y2=y + 9, class_=f"median s{colour}",
        ))
    return join(parts)


def _cross(x: float, y: float, words: str) -> Markup:
    path = f"M{x - 3:.1f} {y - 3:.1f}l6 6m0 -6l-6 6"
    return tag("path", tag("title", words), d=path, class_="cross")


def _run_words(record: Record, digits: int) -> str:
    value = objective_of(record)
    text = f"seed {record.seed}: {str(record.status).replace('_', ' ')}"
    if value is not None:
        text += f", {value_text(value, digits)}"
        text += " by post-processing" if record.postprocessed else ""
    return f"{text}, {seconds_text(record.wall)} s, run {record.id}"


# -- over time ------------------------------------------------------------------------------------

Curve = tuple[Row, Record, list[tuple[float, float]]]
"""A run with its times and best values."""


def anytime_plot(
    instance: InstanceComparison, axis: Quality, colours: Mapping[str, int], points: int
) -> Markup | None:
    """Best answer so far over wall time, one stair a run; None without any trace.

    Parameters
    ----------
    points : int
        Most steps drawn of one run.
    """
    curves: list[Curve] = [
        (row, record, stairs)
        for row in instance.rows for record in row.records
        if len(stairs := _stairs(record, points)) > 1
    ]
    if not curves:
        return None
    times = logarithmic([t for _, _, stairs in curves for t, _ in stairs])
    vertical = _vertical(instance, axis, curves)
    height, top, bottom, left = 260.0, 18.0, 216.0, 46.0
    parts = [
        grid(times, left, RIGHT, top, bottom),
        side_axis(vertical, left, top, bottom),
        tag("text", axis.title, x=LEFT - 4, y=11, class_="tick"),
        tag("text", "wall seconds since the solver was set up",
            x=(left + RIGHT) / 2, y=height - 6,
            text_anchor="middle", class_="tick"),
    ]
    for row, record, stairs in curves:
        steps: list[str] = []
        for t, value in stairs:
            if isnan(quantity := axis.place(value)):
                continue
            x = left + times.place(t) * (RIGHT - left)
            y = bottom - min(1.0, max(0.0, vertical.place(quantity))) * (bottom - top)
            steps.append(f"H{x:.1f}V{y:.1f}" if steps else f"M{x:.1f} {y:.1f}")
        parts.append(tag(
            "path", tag("title", f"{row.label}, {_run_words(record, instance.digits)}"),
            d="".join(steps), class_=f"curve s{colours[row.label]}",
        ))
    return svg(height, f"Best answer over time on {instance.name}", parts)


def _vertical(instance: InstanceComparison, axis: Quality, curves: Sequence[Curve]) -> Scale:
    """The quality axis widened to the answers on the way; early ones far off are cut at the top."""
    ends = [axis.place(v) for r in instance.records if (v := objective_of(r)) is not None]
    low, high = min(ends), max(ends)
    reach = 3.0 * (high - low) if high > low else inf
    on_the_way = (axis.place(value) for _, _, stairs in curves for _, value in stairs)
    return axis.fit([*ends, *(v for v in on_the_way if low - reach <= v <= high + reach)])


def _stairs(record: Record, points: int) -> list[tuple[float, float]]:
    """Times and best values of a run to its end, thinned."""
    setup = record.usage.setup
    steps = [
        (max(float(t) - setup, 1e-4), float(v)) for t, v in record.trace.get("incumbents", [])
    ]
    final = objective_of(record)
    outside = ("lower", "setup", "decode")
    end = sum(span.wall for name, span in record.usage.phases.items() if name not in outside)
    if not steps or final is None:
        return []
    if len(steps) > points:
        # The first and the last steps stay; between them the even ones of the rest.
        chosen = {round(i * (len(steps) - 1) / (points - 1)) for i in range(points)}
        steps = [step for i, step in enumerate(steps) if i in chosen]
    return [*steps, (max(end, steps[-1][0]), final)]


# -- time and money -------------------------------------------------------------------------------


def time_plot(instance: InstanceComparison) -> Markup | None:
    """Mean wall seconds of a run, split by phase."""
    rows = [row for row in instance.rows if row.phases]
    if not rows:
        return None
    totals = [sum(span["wall"] for span in row.phases.values()) for row in rows]
    scale = linear([0.0, *totals], from_zero=True)
    height = ROW * len(rows) + 34.0
    parts = [
        grid(scale, LEFT, RIGHT, 4.0, height - 32.0), axis_title("mean wall seconds", height)
    ]
    for i, (row, whole) in enumerate(zip(rows, totals, strict=True)):
        top = 4.0 + i * ROW
        parts.append(_row_label(row.label, top, f"{seconds_text(whole)} s"))
        x = LEFT + scale.place(0.0) * (RIGHT - LEFT)
        for index, phase in enumerate(PHASES):
            seconds = row.phases.get(phase, {}).get("wall", 0.0)
            width = (scale.place(seconds) - scale.place(0.0)) * (RIGHT - LEFT)
            if width <= 0.0:
                continue
            words = f"{phase} {seconds_text(seconds)} s, {percent_text(seconds / whole)} %"
            parts.append(tag(
                "rect", tag("title", words), x=f"{x:.1f}", y=top + 16, width=f"{width:.1f}",
                height=12, class_=f"p{index}",
            ))
            x += width
    return svg(height, f"Time by phase on {instance.name}", parts)


def money_plot(instance: InstanceComparison) -> Markup | None:
    """Mean cost of a run: measured as a full dot, estimated device money as a hollow diamond."""
    rows = [r for r in instance.rows if (r.money.measured, r.money.estimated) != (None, None)]
    amounts = [m for r in rows for m in (r.money.measured, r.money.estimated) if m]
    if not amounts:
        return None
    currency = next(r.money.currency for r in rows)
    scale = logarithmic(amounts)
    height = ROW * len(rows) + 34.0
    parts = [
        grid(scale, LEFT, RIGHT, 4.0, height - 32.0),
        axis_title(f"mean cost of a run in {currency}, logarithmic", height),
    ]
    for i, row in enumerate(rows):
        top = 4.0 + i * ROW
        y = top + 22.0
        measured, estimated = row.money.measured, row.money.estimated
        text = [] if measured is None else [f"{money_text(measured)}"]
        text += [] if estimated is None else [f"device ~{money_text(estimated)}"]
        parts.append(_row_label(row.label, top, " + ".join(text)))
        for amount, kind in ((measured, "measured"), (estimated, "estimated")):
            if not amount:
                continue
            x = LEFT + scale.place(amount) * (RIGHT - LEFT)
            words = f"{kind}: {money_text(amount)} {currency}"
            if kind == "measured":
                parts.append(tag("circle", tag("title", words), cx=f"{x:.1f}", cy=y, r=4.2,
                                 class_="money"))
            else:
                path = f"M{x:.1f} {y - 6}l6 6l-6 6l-6 -6z"
                parts.append(tag("path", tag("title", words), d=path, class_="money estimate"))
    return svg(height, f"Cost of a run on {instance.name}", parts)


# -- parts ----------------------------------------------------------------------------------------


def _row_label(label: str, top: float, figure: str = "") -> Markup:
    most = 58 - len(figure)
    shown = label if len(label) <= most else label[: most - 1] + "…"
    return join(
        tag("text", tag("title", label), shown, x=LEFT, y=top + 11, class_="label"),
        tag("text", figure, x=RIGHT, y=top + 11, text_anchor="end", class_="label figure")
        if figure else None,
    )
