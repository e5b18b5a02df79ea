"""TSPLIB and CVRPLIB files: ``.tsp``, ``.atsp``, ``.vrp`` and ``.tour``.

The format is that of G. Reinelt, "TSPLIB 95" (1995), with the keywords that CVRPLIB adds for
vehicle routing (``DISTANCE``, ``SERVICE_TIME``, ``VEHICLES``). The reader is lenient about layout
(spaces round the colon, tabs, CRLF, a missing ``EOF``) and strict about content: what it does not
understand it refuses, because a section passed over is a wrong answer later.

Nodes are numbered from 1 in the files and from 0 in what is returned.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn

from qopt.errors import ParseError, SizeError, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Rounding = Literal["tsplib", "none", "one-decimal"]
"""How lengths computed from coordinates are rounded.

``tsplib`` follows the rule of the file's ``EDGE_WEIGHT_TYPE`` (whole numbers), ``none`` keeps the
real length, ``one-decimal`` cuts it after the first decimal.
"""

LARGEST = 10_000
"""Nodes up to which a full matrix of distances is made (800 MB)."""

VEHICLE_KEYWORDS = ("CAPACITY", "DISTANCE", "SERVICE_TIME", "VEHICLES")
KEYWORDS = (
    "NAME", "TYPE", "COMMENT", "DIMENSION", "EDGE_WEIGHT_TYPE", "EDGE_WEIGHT_FORMAT",
    "NODE_COORD_TYPE", "DISPLAY_DATA_TYPE", *VEHICLE_KEYWORDS,
)
VEHICLE_SECTIONS = ("DEMAND_SECTION", "DEPOT_SECTION")
SECTIONS = (
    "NODE_COORD_SECTION", "EDGE_WEIGHT_SECTION", "DISPLAY_DATA_SECTION", "TOUR_SECTION",
    *VEHICLE_SECTIONS,
)
REFUSED = {
    "FIXED_EDGES_SECTION": "edges that every tour must use",
    "EDGE_DATA_SECTION": "a graph that lacks some edges",
    "EDGE_DATA_FORMAT": "a graph that lacks some edges",
}
"""What TSPLIB has and no problem here can express."""

_WORD = re.compile(r"([A-Za-z_]\w*)\s*(:?)\s*(.*)")
_TYPE_LINE = re.compile(r"^\s*TYPE\s*:\s*([A-Za-z]+)", re.MULTILINE | re.IGNORECASE)
_SUFFIXES = {".tsp": "TSP", ".atsp": "ATSP", ".vrp": "CVRP"}


def recognises(name: str, head: str, types: Collection[str]) -> bool:
    """Whether a file is TSPLIB of one of the given types, from its name and beginning."""
    if stated := _TYPE_LINE.search(head):
        return stated[1].upper() in types
    # A file without a TYPE is claimed by its ending, so that the parser can say what it lacks.
    ending = Path(name).suffix.lower()
    return _SUFFIXES.get(ending) in types and "DIMENSION" in head.upper()


@dataclass(frozen=True, eq=False)
class TsplibInstance:
    """What a TSPLIB instance file says.

    Parameters
    ----------
    name : str
        The file's name without its ending.
    weight_type : str
        ``EDGE_WEIGHT_TYPE`` of the file.
    distance : ndarray of float64, shape (n, n)
        Distances, the diagonal zero.
    coordinates : ndarray of float64, shape (n, 2), optional
        For plots: the display data, or else the node coordinates, as the file has them (latitude
        before longitude for ``GEO``).
    capacity : float
        Of a vehicle; 0 for a TSP.
    demand : tuple of float
        By node; empty for a TSP.
    depot : int
        Index of the depot.
    vehicles : int, optional
        Number of vehicles, where the file limits it.
    max_distance : float, optional
        Longest route, service included, where the file limits it.
    service : float
        Service time of every client.
    """

    name: str
    weight_type: str
    distance: "NDArray[np.float64]" = field(repr=False)
    coordinates: "NDArray[np.float64] | None" = field(repr=False)
    capacity: float = 0.0
    demand: tuple[float, ...] = field(default=(), repr=False)
    depot: int = 0
    vehicles: int | None = None
    max_distance: float | None = None
    service: float = 0.0


def read_instance(
    path: Path, types: Collection[str], rounding: Rounding = "tsplib"
) -> TsplibInstance:
    """Read an instance of one of the given types.

    Parameters
    ----------
    path : Path
    types : collection of {"TSP", "ATSP", "CVRP"}
        Types that are welcome.
    rounding : {"tsplib", "none", "one-decimal"}

    Raises
    ------
    ParseError
        With file and line, where the file is not a sound instance of these types.
    SizeError
        Where there are too many nodes for a full matrix.
    UsageError
        Where a rounding is asked of an explicit matrix, whose distances are given.
    """
    file = _scan(path)
    kind = file.type(types)
    size = file.whole("DIMENSION", least=1)
    if size > LARGEST:
        raise SizeError("a full matrix of distances", size, LARGEST, "nodes")
    if "TOUR_SECTION" in file.sections:
        file.fail("TOUR_SECTION belongs to a file of TYPE TOUR", file.sections["TOUR_SECTION"].line)
    distance = _distances(file, size, rounding)
    coordinates = _display(file, size)
    weight_type = file.word("EDGE_WEIGHT_TYPE")
    if kind != "CVRP":
        file.refuse((*VEHICLE_KEYWORDS, *VEHICLE_SECTIONS), f"does not belong to a {kind}")
        return TsplibInstance(path.stem, weight_type, distance, coordinates)
    depot = _depot(file, size)
    return TsplibInstance(
        path.stem,
        weight_type,
        distance,
        coordinates,
        capacity=file.number("CAPACITY"),
        demand=_demands(file, size, depot),
        depot=depot,
        vehicles=file.whole("VEHICLES", least=1) if "VEHICLES" in file.keywords else None,
        max_distance=file.number("DISTANCE") if "DISTANCE" in file.keywords else None,
        service=file.number("SERVICE_TIME") if "SERVICE_TIME" in file.keywords else 0.0,
    )


def read_tour(path: Path) -> tuple[int, ...]:
    """Read a ``.tour`` file.

    Returns
    -------
    tuple of int
        The nodes in order, counted from 0; each at most once.

    Raises
    ------
    ParseError
    """
    file = _scan(path)
    file.type({"TOUR"})
    section = file.section("TOUR_SECTION")
    numbers = [(line, _whole(path, line, token)) for line, row in section.rows for token in row]
    if any(number == -1 for _, number in numbers):
        end = next(i for i, (_, number) in enumerate(numbers) if number == -1)
        if numbers[end + 1 :]:
            file.fail("more than one tour; one is read", numbers[end + 1][0])
        numbers = numbers[:end]
    size = file.whole("DIMENSION", least=1) if "DIMENSION" in file.keywords else len(numbers)
    seen: set[int] = set()
    for line, node in numbers:
        _check_node(path, line, node, size, seen)
    if len(numbers) != size:
        file.fail(f"TOUR_SECTION holds {len(numbers)} of {size} nodes", section.last)
    return tuple(node - 1 for _, node in numbers)


def write_tour(name: str, tour: Iterable[int]) -> str:
    """The text of a ``.tour`` file for a tour over nodes counted from 0."""
    nodes = [node + 1 for node in tour]
    head = f"NAME : {name}\nTYPE : TOUR\nDIMENSION : {len(nodes)}\nTOUR_SECTION\n"
    return head + "".join(f"{node}\n" for node in nodes) + "-1\nEOF\n"


# -- scanning -----------------------------------------------------------------------------------


@dataclass
class _Section:
    """The rows of a data section, each with its line number."""

    line: int
    rows: list[tuple[int, list[str]]] = field(default_factory=list)

    @property
    def last(self) -> int:
        """Line of the last row."""
        return self.rows[-1][0] if self.rows else self.line


@dataclass
class _File:
    """A TSPLIB file cut into keywords and sections."""

    path: Path
    keywords: dict[str, tuple[int, str]] = field(default_factory=dict)
    sections: dict[str, _Section] = field(default_factory=dict)

    def fail(self, message: str, line: int | None = None) -> NoReturn:
        """Refuse the file."""
        raise ParseError(self.path, message, line)

    def type(self, types: Collection[str]) -> str:
        """The file's type, which must be one of `types`; words after it are a remark."""
        stated = self.word("TYPE").partition(" ")[0].upper()
        if stated not in types:
            wanted = " or ".join(sorted(types))
            self.fail(f"TYPE is {stated}, {wanted} was expected", self.keywords["TYPE"][0])
        return stated

    def word(self, keyword: str) -> str:
        """Value of a keyword that must be there."""
        if keyword not in self.keywords:
            raise ParseError(self.path, f"{keyword} is missing")
        line, value = self.keywords[keyword]
        if not value:
            raise ParseError(self.path, f"{keyword} has no value", line)
        return value

    def whole(self, keyword: str, least: int) -> int:
        """Value of a keyword as a whole number of at least `least`."""
        text = self.word(keyword)
        line = self.keywords[keyword][0]
        value = _whole(self.path, line, text)
        if value < least:
            self.fail(f"{keyword} must be at least {least}, got {value}", line)
        return value

    def number(self, keyword: str) -> float:
        """Value of a keyword as a finite number of at least 0."""
        text = self.word(keyword)
        line = self.keywords[keyword][0]
        value = _number(self.path, line, text)
        if value < 0:
            self.fail(f"{keyword} must be at least 0, got {text}", line)
        return value

    def section(self, name: str) -> _Section:
        """A section that must be there."""
        if name not in self.sections:
            raise ParseError(self.path, f"{name} is missing")
        return self.sections[name]

    def refuse(self, names: Iterable[str], why: str) -> None:
        """Fail at the first of `names` that the file has."""
        for name in names:
            if name in self.keywords:
                self.fail(f"{name} {why}", self.keywords[name][0])
            if name in self.sections:
                self.fail(f"{name} {why}", self.sections[name].line)


def _scan(path: Path) -> _File:
    file = _File(path)
    section: _Section | None = None
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip().strip("\x1a\ufeff")
        if not line or line.startswith("#"):
            continue
        match = _WORD.fullmatch(line)
        word = match[1].upper() if match else ""
        if word == "EOF":
            break
        if word in REFUSED:
            file.fail(f"{word} ({REFUSED[word]}) is not supported", number)
        if match and word in SECTIONS:
            if word in file.sections:
                file.fail(f"{word} is given twice", number)
            section = file.sections[word] = _Section(number)
            if match[3]:  # data on the line of the keyword: "DEPOT_SECTION 1 -1"
                section.rows.append((number, match[3].split()))
        elif match and (match[2] or word in KEYWORDS or word.endswith("_SECTION")):
            _keyword(file, number, word, match)
            section = None
        elif section is not None:
            section.rows.append((number, line.split()))
        else:
            file.fail(f"a line 'KEYWORD: value' was expected, got {line[:40]!r}", number)
    return file


def _keyword(file: _File, number: int, word: str, match: re.Match[str]) -> None:
    if word not in KEYWORDS:
        what = "section" if word.endswith("_SECTION") else "keyword"
        known = SECTIONS if what == "section" else KEYWORDS
        file.fail(f"{what} {word} is not supported; known are {', '.join(known)}", number)
    if not match[2]:
        file.fail(f"{word} needs a colon: '{word}: value'", number)
    if word in file.keywords and word != "COMMENT":
        file.fail(f"{word} is given twice", number)
    file.keywords[word] = (number, match[3].strip())


def _number(path: Path, line: int, token: str) -> float:
    try:
        value = float(token)
    except ValueError:
        value = float("nan")
    # Python reads 1_000 and digits of any script; a file that says so is damaged.
    if not isfinite(value) or "_" in token or not token.isascii():
        raise ParseError(path, f"a finite number was expected, got {token!r}", line)
    return value


def _whole(path: Path, line: int, token: str) -> int:
    value = _number(path, line, token)
    if value != int(value):
        raise ParseError(path, f"a whole number was expected, got {token!r}", line)
    return int(value)


# -- sections -----------------------------------------------------------------------------------


def _check_node(path: Path, line: int, node: int, size: int, seen: set[int]) -> None:
    if not 1 <= node <= size:
        raise ParseError(path, f"node {node} is outside 1..{size}", line)
    if node in seen:
        raise ParseError(path, f"node {node} is given twice", line)
    seen.add(node)


def _by_node(file: _File, name: str, size: int, fields: int) -> list[list[float]]:
    """Rows ``node value ...`` of a section, in the order of the nodes."""
    section = file.section(name)
    values: list[list[float]] = [[] for _ in range(size)]
    seen: set[int] = set()
    for line, row in section.rows:
        if len(row) != fields + 1:
            file.fail(
                f"{name} needs {fields + 1} numbers a line (node and {fields}), got {len(row)}",
                line,
            )
        node = _whole(file.path, line, row[0])
        _check_node(file.path, line, node, size, seen)
        values[node - 1] = [_number(file.path, line, token) for token in row[1:]]
    if len(seen) < size:
        missing = next(node for node in range(1, size + 1) if node not in seen)
        file.fail(f"{name} holds {len(seen)} of {size} nodes, node {missing} is missing",
                  section.last)
    return values


def _distances(file: _File, size: int, rounding: Rounding) -> "NDArray[np.float64]":
    """The matrix, from coordinates or from the explicit weights."""
    from . import edge_weights

    kind = file.word("EDGE_WEIGHT_TYPE")
    if kind == "EXPLICIT":
        if rounding != "tsplib":
            raise UsageError(
                f"{file.path} gives its distances itself (EXPLICIT): rounding={rounding} does not "
                "apply, leave it out"
            )
        return _explicit(file, size)
    if kind not in edge_weights.METRICS:
        known = ", ".join(["EXPLICIT", *edge_weights.METRICS])
        file.fail(f"EDGE_WEIGHT_TYPE {kind} is not supported; known are {known}",
                  file.keywords["EDGE_WEIGHT_TYPE"][0])
    file.refuse(["EDGE_WEIGHT_SECTION"], f"contradicts EDGE_WEIGHT_TYPE {kind}")
    dimensions = edge_weights.METRICS[kind].dimensions
    points = _by_node(file, "NODE_COORD_SECTION", size, dimensions)
    try:
        return edge_weights.from_coordinates(kind, points, rounding)
    except ValueError as fault:
        raise ParseError(file.path, str(fault), file.section("NODE_COORD_SECTION").line) from None


def _explicit(file: _File, size: int) -> "NDArray[np.float64]":
    from . import edge_weights

    layout = file.word("EDGE_WEIGHT_FORMAT")
    if layout not in edge_weights.LAYOUTS:
        known = ", ".join(edge_weights.LAYOUTS)
        file.fail(
            f"EDGE_WEIGHT_FORMAT {layout} is not supported with EXPLICIT; known are {known}",
            file.keywords["EDGE_WEIGHT_FORMAT"][0],
        )
    section = file.section("EDGE_WEIGHT_SECTION")
    values = [_number(file.path, line, token) for line, row in section.rows for token in row]
    needed = edge_weights.explicit_size(layout, size)
    if len(values) != needed:
        file.fail(
            f"EDGE_WEIGHT_SECTION holds {len(values)} numbers, {layout} of {size} nodes needs "
            f"{needed}", section.last,
        )
    return edge_weights.from_layout(layout, values, size)


def _display(file: _File, size: int) -> "NDArray[np.float64] | None":
    """Where to draw the nodes."""
    import numpy as np

    if "DISPLAY_DATA_SECTION" in file.sections:
        return np.array(_by_node(file, "DISPLAY_DATA_SECTION", size, 2))
    if "NODE_COORD_SECTION" not in file.sections:
        return None
    section = file.sections["NODE_COORD_SECTION"]
    width = max((len(row) for _, row in section.rows), default=3) - 1
    return np.array(_by_node(file, "NODE_COORD_SECTION", size, max(width, 2)))[:, :2]


def _depot(file: _File, size: int) -> int:
    section = file.section("DEPOT_SECTION")
    numbers = [(line, _whole(file.path, line, t)) for line, row in section.rows for t in row]
    if numbers and numbers[-1][1] == -1:
        numbers.pop()
    seen: set[int] = set()
    for line, node in numbers:
        _check_node(file.path, line, node, size, seen)
    if len(numbers) != 1:
        file.fail(f"DEPOT_SECTION names {len(numbers)} depots, exactly one is supported",
                  section.last)
    return numbers[0][1] - 1


def _demands(file: _File, size: int, depot: int) -> tuple[float, ...]:
    demands = [row[0] for row in _by_node(file, "DEMAND_SECTION", size, 1)]
    lines = {int(float(row[0])): line for line, row in file.section("DEMAND_SECTION").rows}
    for node, demand in enumerate(demands, 1):
        if demand < 0:
            file.fail(f"node {node} has demand {demand:g}, it must be at least 0", lines[node])
    if demands[depot] != 0:
        file.fail(f"the depot, node {depot + 1}, has demand {demands[depot]:g}; it must be 0",
                  lines[depot + 1])
    return tuple(demands)
