"""CVRPLIB solution files, ``.sol``: ``Route #1: 3 1 4`` lines and a ``Cost`` line."""

import re
from collections.abc import Iterable, Sequence
from math import isfinite
from pathlib import Path

from qopt.errors import ParseError

_ROUTE = re.compile(r"route\s*#?\s*(\d+)\s*:(.*)", re.IGNORECASE)
_COST = re.compile(r"cost\s*:?\s*(\S+)", re.IGNORECASE)


def fleet_of_name(path: Path) -> int | None:
    """Vehicles of an instance of QOBLIB, which are the ``k`` of its name; None for other files.

    Elsewhere that number is the fewest that are known to suffice. In QOBLIB's vehicle routing
    (class 09) it is a parameter of the instance, and its best known values hold for that fleet.
    """
    with path.open(encoding="utf-8-sig", errors="replace") as stream:
        comments = "".join(line for line in stream if line.startswith("#"))
    found = re.search(r"-k([1-9]\d*)(?:-|$)", path.stem) if "QOBLIB" in comments else None
    return int(found[1]) if found else None


def read_solution(path: Path) -> tuple[tuple[tuple[int, ...], ...], float | None]:
    """Read a ``.sol`` file.

    Returns
    -------
    routes : tuple of tuple of int
        Clients of each route, counted from 1 as in the file.
    cost : float or None
        What the file says that it costs.

    Raises
    ------
    ParseError
    """
    routes: list[tuple[int, ...]] = []
    cost: float | None = None
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if route := _ROUTE.fullmatch(line):
            if int(route[1]) != len(routes) + 1:
                raise ParseError(path, f"route {len(routes) + 1} was expected, got {route[1]}",
                                 number)
            routes.append(tuple(_client(path, number, token) for token in route[2].split()))
        elif stated := _COST.fullmatch(line):
            if cost is not None:
                raise ParseError(path, "the cost is given twice", number)
            cost = _finite(path, number, stated[1])
        else:
            raise ParseError(
                path, f"'Route #1: 3 1 4' or 'Cost 12' was expected, got {line[:40]!r}", number
            )
    if not routes:
        raise ParseError(path, "there is no route in the file")
    return tuple(routes), cost


def write_solution(routes: Iterable[Sequence[int]], cost: float) -> str:
    """The text of a ``.sol`` file.

    Parameters
    ----------
    routes : iterable of sequence of int
        Clients of each route, counted from 1.
    cost : float
    """
    lines = [f"Route #{i}: {' '.join(map(str, route))}" for i, route in enumerate(routes, 1)]
    return "\n".join([*lines, f"Cost {cost:.10g}"]) + "\n"


def _client(path: Path, line: int, token: str) -> int:
    if not token.isascii() or not token.isdigit() or int(token) < 1:
        raise ParseError(path, f"a client number of at least 1 was expected, got {token!r}", line)
    return int(token)


def _finite(path: Path, line: int, token: str) -> float:
    try:
        value = float(token)
    except ValueError:
        value = float("nan")
    if not isfinite(value) or "_" in token or not token.isascii():
        raise ParseError(path, f"a finite cost was expected, got {token!r}", line)
    return value
