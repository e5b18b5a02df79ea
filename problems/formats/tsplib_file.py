"""TSPLIB files cut into keywords and sections, and what every one of them is read by.

The reader is lenient about layout (spaces round the colon, tabs, CRLF, a missing ``EOF``) and
strict about content: what it does not understand it refuses, because a section passed over is a
wrong answer later.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn

from qopt.errors import ParseError, UsageError

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
FLEET = (
    "VEHICLES_MAX_DISTANCE", "VEHICLES_MAX_DURATION", "VEHICLES_FIXED_COST",
    "VEHICLES_UNIT_DISTANCE_COST",
)
"""Limits and costs of vehicles: a keyword for all, or a section with a row for each."""
KEYWORDS = (
    "NAME", "TYPE", "COMMENT", "DIMENSION", "EDGE_WEIGHT_TYPE", "EDGE_WEIGHT_FORMAT",
    "NODE_COORD_TYPE", "DISPLAY_DATA_TYPE", *VEHICLE_KEYWORDS, *FLEET,
)
VEHICLE_SECTIONS = ("DEMAND_SECTION", "DEPOT_SECTION")
RICH_SECTIONS = (
    "TIME_WINDOW_SECTION", "SERVICE_TIME_SECTION", "PRIZE_SECTION", "BACKHAUL_SECTION",
    "PICKUP_AND_DELIVERY_SECTION", "CAPACITY_SECTION", "VEHICLES_DEPOT_SECTION",
    *(f"{name}_SECTION" for name in FLEET),
)
"""What goes beyond capacities."""
SECTIONS = (
    "NODE_COORD_SECTION", "EDGE_WEIGHT_SECTION", "DISPLAY_DATA_SECTION", "TOUR_SECTION",
    *VEHICLE_SECTIONS, *RICH_SECTIONS,
)
REFUSED = {
    "FIXED_EDGES_SECTION": "edges that every tour must use",
    "EDGE_DATA_SECTION": "a graph that lacks some edges",
    "EDGE_DATA_FORMAT": "a graph that lacks some edges",
    "RELEASE_TIME_SECTION": "loads that are not ready when the depot opens",
    "MUTUALLY_EXCLUSIVE_GROUP_SECTION": "clients of which one is to be chosen",
    "VEHICLES_ALLOWED_CLIENTS_SECTION": "clients that only some vehicles may serve",
    "VEHICLES_RELOAD_DEPOT_SECTION": "several trips of a vehicle",
    "VEHICLES_MAX_RELOADS": "several trips of a vehicle",
    "VEHICLES_MAX_RELOADS_SECTION": "several trips of a vehicle",
}
"""What files of this layout may have and no problem here can express."""
OTHER_TYPES = {
    "HCP": "a Hamiltonian cycle in a graph",
    "SOP": "sequential ordering",
    "VRPB": "backhauls after all deliveries",
}
"""Types that are known and not supported."""

_WORD = re.compile(r"([A-Za-z_]\w*)\s*(:?)\s*(.*)")


@dataclass
class Section:
    """The rows of a data section, each with its line number."""

    line: int
    rows: list[tuple[int, list[str]]] = field(default_factory=list)

    @property
    def last(self) -> int:
        """Line of the last row."""
        return self.rows[-1][0] if self.rows else self.line


@dataclass
class TsplibFile:
    """A TSPLIB file cut into keywords and sections."""

    path: Path
    keywords: dict[str, tuple[int, str]] = field(default_factory=dict)
    sections: dict[str, Section] = field(default_factory=dict)

    def fail(self, message: str, line: int | None = None) -> NoReturn:
        """Refuse the file."""
        raise ParseError(self.path, message, line)

    def type(self, types: Collection[str]) -> str:
        """The file's type, which must be one of `types`; words after it are a remark."""
        stated = self.word("TYPE").partition(" ")[0].upper()
        if stated not in types:
            wanted = " or ".join(sorted(types))
            if stated in OTHER_TYPES:
                stated += f" ({OTHER_TYPES[stated]}, which is not supported)"
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
        value = whole_of(self.path, line, text)
        if value < least:
            self.fail(f"{keyword} must be at least {least}, got {value}", line)
        return value

    def number(self, keyword: str) -> float:
        """Value of a keyword as a finite number of at least 0."""
        text = self.word(keyword)
        line = self.keywords[keyword][0]
        value = number_of(self.path, line, text)
        if value < 0:
            self.fail(f"{keyword} must be at least 0, got {text}", line)
        return value

    def section(self, name: str) -> Section:
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


def scan(path: Path) -> TsplibFile:
    """Cut a file into keywords and sections.

    Raises
    ------
    ParseError
        For a keyword or section that is not known, not supported or given twice.
    """
    file = TsplibFile(path)
    section: Section | None = None
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
            section = file.sections[word] = Section(number)
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


def _keyword(file: TsplibFile, number: int, word: str, match: re.Match[str]) -> None:
    if word not in KEYWORDS:
        what = "section" if word.endswith("_SECTION") else "keyword"
        known = SECTIONS if what == "section" else KEYWORDS
        file.fail(f"{what} {word} is not supported; known are {', '.join(known)}", number)
    if not match[2]:
        file.fail(f"{word} needs a colon: '{word}: value'", number)
    if word in file.keywords and word != "COMMENT":
        file.fail(f"{word} is given twice", number)
    file.keywords[word] = (number, match[3].strip())


def number_of(path: Path, line: int, token: str) -> float:
    """A finite number, or a `ParseError`."""
    try:
        value = float(token)
    except ValueError:
        value = float("nan")
    # Python reads 1_000 and digits of any script; a file that says so is damaged.
    if not isfinite(value) or "_" in token or not token.isascii():
        raise ParseError(path, f"a finite number was expected, got {token!r}", line)
    return value


def whole_of(path: Path, line: int, token: str) -> int:
    """A whole number, or a `ParseError`."""
    value = number_of(path, line, token)
    if value != int(value):
        raise ParseError(path, f"a whole number was expected, got {token!r}", line)
    return int(value)


# -- sections -----------------------------------------------------------------------------------


def check_node(path: Path, line: int, node: int, size: int, seen: set[int]) -> None:
    """Note a node as seen; a `ParseError` where it does not exist or was seen before."""
    if not 1 <= node <= size:
        raise ParseError(path, f"node {node} is outside 1..{size}", line)
    if node in seen:
        raise ParseError(path, f"node {node} is given twice", line)
    seen.add(node)


def by_node(file: TsplibFile, name: str, size: int, fields: int) -> list[list[float]]:
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
        node = whole_of(file.path, line, row[0])
        check_node(file.path, line, node, size, seen)
        values[node - 1] = [number_of(file.path, line, token) for token in row[1:]]
    if len(seen) < size:
        missing = next(node for node in range(1, size + 1) if node not in seen)
        file.fail(f"{name} holds {len(seen)} of {size} nodes, node {missing} is missing",
                  section.last)
    return values


def distances_of(file: TsplibFile, size: int, rounding: Rounding) -> "NDArray[np.float64]":
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
    points = by_node(file, "NODE_COORD_SECTION", size, dimensions)
    try:
        return edge_weights.from_coordinates(kind, points, rounding)
    except ValueError as fault:
        raise ParseError(file.path, str(fault), file.section("NODE_COORD_SECTION").line) from None


def _explicit(file: TsplibFile, size: int) -> "NDArray[np.float64]":
    from . import edge_weights

    layout = file.word("EDGE_WEIGHT_FORMAT")
    if layout not in edge_weights.LAYOUTS:
        known = ", ".join(edge_weights.LAYOUTS)
        file.fail(
            f"EDGE_WEIGHT_FORMAT {layout} is not supported with EXPLICIT; known are {known}",
            file.keywords["EDGE_WEIGHT_FORMAT"][0],
        )
    section = file.section("EDGE_WEIGHT_SECTION")
    values = [number_of(file.path, line, token) for line, row in section.rows for token in row]
    needed = edge_weights.explicit_size(layout, size)
    if len(values) != needed:
        file.fail(
            f"EDGE_WEIGHT_SECTION holds {len(values)} numbers, {layout} of {size} nodes needs "
            f"{needed}", section.last,
        )
    return edge_weights.from_layout(layout, values, size)


def display_of(file: TsplibFile, size: int) -> "NDArray[np.float64] | None":
    """Where to draw the nodes."""
    import numpy as np

    if "DISPLAY_DATA_SECTION" in file.sections:
        return np.array(by_node(file, "DISPLAY_DATA_SECTION", size, 2))
    if "NODE_COORD_SECTION" not in file.sections:
        return None
    section = file.sections["NODE_COORD_SECTION"]
    width = max((len(row) for _, row in section.rows), default=3) - 1
    return np.array(by_node(file, "NODE_COORD_SECTION", size, max(width, 2)))[:, :2]
