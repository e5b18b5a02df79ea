"""What a graph file says, gathered edge by edge with every fault named by its line."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path

from qopt.errors import ParseError

MOST_VERTICES = 10_000_000
"""So that a broken first line does not fill the memory."""


@dataclass
class GraphData:
    """The vertices and edges of one file.

    Parameters
    ----------
    path : Path
        For messages.
    vertices : int
        How many there are.
    names : list of str
        One for each vertex; empty stands for ``1, 2, ...``.
    tails, heads : list of int
        Ends of the edges, counted from 0.
    weights : list of float
        Edge weights.
    vertex_weights : dict of int to float
        Weights other than 1, by vertex.
    """

    path: Path
    vertices: int = 0
    names: list[str] = field(default_factory=list)
    tails: list[int] = field(default_factory=list)
    heads: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    vertex_weights: dict[int, float] = field(default_factory=dict)
    _seen: dict[tuple[int, int], tuple[int, float]] = field(default_factory=dict, repr=False)

    @classmethod
    def numbered(cls, path: Path, text: str, line: int) -> "GraphData":
        """An empty graph with so many vertices, as the first line of a file announces."""
        vertices = whole(path, text, line, "the number of vertices")
        if not 1 <= vertices <= MOST_VERTICES:
            raise ParseError(
                path, f"a graph has 1 to {MOST_VERTICES} vertices, got {vertices}", line
            )
        return cls(path, vertices=vertices)

    def label(self, vertex: int) -> str:
        """What the file calls a vertex."""
        return self.names[vertex] if self.names else str(vertex + 1)

    def vertex(self, text: str, line: int) -> int:
        """The vertex of a one-based number."""
        number = whole(self.path, text, line, "a vertex")
        if not 1 <= number <= self.vertices:
            raise ParseError(
                self.path, f"vertex {number} is outside 1..{self.vertices}", line
            )
        return number - 1

    def add(
        self, tail: int, head: int, weight: float, line: int, *, repeats: bool = False
    ) -> None:
        """Add an edge; with `repeats` an edge said again with the same weight is one edge."""
        if tail == head:
            raise ParseError(
                self.path, f"vertex {self.label(tail)} has an edge to itself; take it out", line
            )
        pair = (tail, head) if tail < head else (head, tail)
        if pair in self._seen:
            first, known = self._seen[pair]
            if repeats and known == weight:
                return
            raise ParseError(
                self.path,
                f"the edge {self.label(tail)} {self.label(head)} was given in line {first}; "
                "keep one of them, with the sum of the weights if that is meant",
                line,
            )
        self._seen[pair] = (line, weight)
        self.tails.append(tail)
        self.heads.append(head)
        self.weights.append(weight)


def lines_of(path: Path, comments: tuple[str, ...] = ()) -> Iterator[tuple[int, str]]:
    """The lines of a text file that are neither blank nor comments, with their numbers."""
    with path.open(encoding="utf-8-sig", errors="replace") as stream:
        for number, line in enumerate(stream, 1):
            text = line.strip()
            if text and not text.startswith(comments):
                yield number, text


def is_count(text: str) -> bool:
    """Whether a text is a whole number of at most 15 digits, without a sign."""
    return text.isascii() and text.isdecimal() and len(text) <= 15


def whole(path: Path, text: str, line: int, what: str) -> int:
    """A whole number of at most 15 digits, as a file writes it."""
    if not is_count(text.removeprefix("-")):
        raise ParseError(path, f"{what} must be a whole number, got {text!r}", line)
    return int(text)


def finite(path: Path, text: str, line: int, what: str) -> float:
    """A finite number, as a file writes it."""
    try:
        value = float(text) if text.isascii() and "_" not in text else float("nan")
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise ParseError(path, f"{what} must be a finite number, got {text!r}", line)
    return value
