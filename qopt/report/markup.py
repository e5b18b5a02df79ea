"""Building HTML and SVG text in which everything that is not markup is escaped."""

from html import escape
from typing import Any


class Markup(str):
    """Text that is markup already; any other text is escaped when it is put into a tag."""

    __slots__ = ()


_VOID = frozenset({"meta", "wbr", "line", "circle", "rect", "path", "polyline", "polygon"})


def tag(element: str, /, *children: Any, **attributes: Any) -> Markup:
    """One element.

    Parameters
    ----------
    element : str
        Its name.
    *children : Markup, str, number, None, or iterables of them
        Text is escaped, None left out.
    **attributes : object
        None leaves one out, True gives it without a value; ``class_`` is ``class`` and every other
        underscore a hyphen. Values are escaped.
    """
    head = "".join(_attribute(key, value) for key, value in attributes.items())
    body = "".join(_text(child) for child in children)
    if element in _VOID and not body:
        return Markup(f"<{element}{head}/>")
    return Markup(f"<{element}{head}>{body}</{element}>")


def join(*children: Any) -> Markup:
    """Several pieces one after the other."""
    return Markup("".join(_text(child) for child in children))


def _attribute(key: str, value: Any) -> str:
    if value is None or value is False:
        return ""
    name = "class" if key == "class_" else key.replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value), quote=True)}"'


def _text(child: Any) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, str | int | float):
        return escape(str(child), quote=False)
    return "".join(_text(item) for item in child)
