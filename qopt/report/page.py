"""The frame of a page that needs nothing else: no network, no library, no server."""

from importlib.resources import files
from typing import Any

from .markup import Markup, tag


def page(title: str, *body: Any, scripted: bool = False) -> str:
    """A whole HTML document; its own policy forbids it to load anything.

    Parameters
    ----------
    title : str
    *body : Markup, str, None, or iterables of them
    scripted : bool
        Whether tables can be sorted by their header buttons.
    """
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    if scripted:
        policy += "; script-src 'unsafe-inline'"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        tag("style", _asset("page.css")),
    )
    script = tag("script", _asset("page.js")) if scripted else None
    return f"<!doctype html>\n{tag('html', head, tag('body', body, script), lang='en')}\n"


def _asset(name: str) -> Markup:
    return Markup(files(__package__).joinpath(name).read_text(encoding="utf-8"))
