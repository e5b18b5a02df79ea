"""DIMACS graph files: ``p edge n m``, ``e i j [weight]``, ``n i weight``, comments ``c``."""

import re
from pathlib import Path

from qopt.errors import ParseError

from .graph_data import GraphData, finite, lines_of, whole

ENDINGS = (".clq", ".col", ".mis", ".wclq", ".dimacs")

_PROBLEM = re.compile(r"^p\s+(edge|edges|col)\s", re.MULTILINE)


def recognises(name: str, head: str) -> bool:
    """Whether the file is a DIMACS graph, by its ending or its problem line."""
    return Path(name).suffix.lower() in ENDINGS or _PROBLEM.search(head) is not None


def read_dimacs(path: Path) -> GraphData:
    """Read a DIMACS graph.

    Files of the colouring challenge list an edge in both directions, or twice: that is one edge.
    The number in the problem line may count lines or different edges, as both are in use.

    Raises
    ------
    ParseError
        For a missing or second problem line, a wrong count, a vertex out of range, an edge from a
        vertex to itself, one edge with two weights, or a weight that is not a finite number.
    """
    graph = None
    announced = lines = where = 0
    for number, text in lines_of(path, ("c ", "c\t")):
        kind, *cells = text.split()
        if kind == "c":
            continue
        if kind == "p":
            if graph is not None:
                raise ParseError(path, "a second problem line", number)
            graph, announced = _problem_line(path, cells, number)
            where = number
        elif graph is None:
            raise ParseError(path, "expected the line 'p edge VERTICES EDGES' first", number)
        elif kind == "e" and len(cells) in (2, 3):
            weight = finite(path, cells[2], number, "an edge weight") if len(cells) == 3 else 1.0
            tail, head = graph.vertex(cells[0], number), graph.vertex(cells[1], number)
            graph.add(tail, head, weight, number, repeats=True)
            lines += 1
        elif kind == "n" and len(cells) == 2:
            vertex = graph.vertex(cells[0], number)
            if vertex in graph.vertex_weights:
                raise ParseError(path, f"vertex {cells[0]} has a second weight", number)
            graph.vertex_weights[vertex] = finite(path, cells[1], number, "a vertex weight")
        else:
            raise ParseError(
                path, f"expected 'e i j', 'e i j weight' or 'n i weight', got {text!r}", number
            )
    if graph is None:
        raise ParseError(path, "there is no line 'p edge VERTICES EDGES'")
    if announced not in (lines, len(graph.tails)):
        raise ParseError(
            path, f"{announced} edges are announced, {lines} lines with {len(graph.tails)} "
            "different edges follow", where,
        )
    return graph


def _problem_line(path: Path, cells: list[str], line: int) -> tuple[GraphData, int]:
    if len(cells) != 3 or cells[0] not in ("edge", "edges", "col"):
        raise ParseError(path, "expected 'p edge VERTICES EDGES'", line)
    graph = GraphData.numbered(path, cells[1], line)
    return graph, whole(path, cells[2], line, "the number of edges")
