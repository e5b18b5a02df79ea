"""Parts that plots share: the drawing itself, grids, titles and lines."""

from collections.abc import Sequence

from .markup import Markup, join, tag
from .scales import Scale

WIDTH = 400.0
"""Of a drawing that stands beside others; one across the page is `WIDE`."""
WIDE = 900.0
LEFT, RIGHT = 8.0, 388.0
COLOURS = 8
"""Colours of series that the style sheet knows, used in turn."""


def svg(height: float, title: str, parts: Sequence[Markup], width: float = WIDTH) -> Markup:
    """A drawing; its title is read to those who do not see it."""
    return tag(
        "svg", tag("title", title), parts, viewBox=f"0 0 {width:g} {height:g}", role="img",
        xmlns="http://www.w3.org/2000/svg",
    )


def grid(scale: Scale, left: float, right: float, top: float, bottom: float) -> Markup:
    """Vertical lines at the ticks, their labels below."""
    parts = []
    for value, label in scale.ticks:
        x = left + scale.place(value) * (right - left)
        parts.append(tag("line", x1=f"{x:.1f}", x2=f"{x:.1f}", y1=top, y2=bottom, class_="grid"))
        anchor = "start" if x < left + 8 else "end" if x > right - 8 else "middle"
        parts.append(tag(
            "text", label, x=f"{x:.1f}", y=bottom + 13, text_anchor=anchor, class_="tick"
        ))
    return join(parts)


def side_axis(
    scale: Scale, left: float, top: float, bottom: float, right: float = RIGHT
) -> Markup:
    """Horizontal lines at the ticks, their labels on the left."""
    parts = []
    for value, label in scale.ticks:
        y = bottom - scale.place(value) * (bottom - top)
        if top - 1 <= y <= bottom + 1:
            parts.append(tag(
                "line", x1=left, x2=right, y1=f"{y:.1f}", y2=f"{y:.1f}", class_="grid"
            ))
            parts.append(tag(
                "text", label, x=left - 5, y=f"{y + 4:.1f}", text_anchor="end", class_="tick"
            ))
    return join(parts)


def axis_title(title: str, height: float, width: float = WIDTH) -> Markup:
    """The title of the horizontal axis, at the foot of a drawing of this height."""
    return tag(
        "text", title, x=width / 2, y=height - 5, text_anchor="middle", class_="tick"
    )
