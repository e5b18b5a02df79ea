"""G-set and rudy files, and plain edge lists.

G-set and rudy: a line ``n m``, then `m` lines ``i j`` or ``i j weight`` with vertices from 1 to n.

Plain edge lists have no such line: each row is ``tail head`` or ``tail head weight``, separated by
white space, commas, semicolons or tabs; vertices are named by any text. They are told from rudy by
their ending (``.csv``, ``.tsv``, ``.edges``, ``.edgelist``, ``.el``) or by a first line that is not
two whole numbers. A first row ``source,target[,weight]`` is a heading.
"""

import re
from itertools import chain
from pathlib import Path

from qopt.errors import ParseError

from .graph_data import GraphData, finite, is_count, lines_of, whole

LIST_ENDINGS = (".edges", ".edgelist", ".el")
TABLE_ENDINGS = (".csv", ".tsv")
RUDY_ENDINGS = (".rud", ".rudy", ".mc")
OTHER_ENDINGS = (".sparse", ".json", ".npz", ".npy", ".bqm", ".lp")
"""Endings of files that may look like rudy and are not."""

_COMMENTS = ("#", "%")
_HEADINGS = {
    ("source", "target"), ("from", "to"), ("tail", "head"), ("u", "v"), ("i", "j"),
    ("node1", "node2"), ("vertex1", "vertex2"),
}


def recognises(name: str, head: str) -> bool:
    """Whether the file is a rudy file or an edge list, by its ending or its first lines."""
    ending = Path(name).suffix.lower()
    if ending in LIST_ENDINGS + RUDY_ENDINGS:
        return True
    if ending in TABLE_ENDINGS:
        return _is_heading(cells_of(head.lstrip("\ufeff").partition("\n")[0].strip()))
    if ending in OTHER_ENDINGS:
        return False
    rows = rudy_rows(head)
    return rows is not None and all(row[0] != row[1] for row in rows)


def rudy_rows(head: str) -> list[tuple[int, int]] | None:
    """Vertex pairs at the beginning of a file in the layout of rudy; None for another layout.

    BiqMac's QUBO files share this layout. They differ in that their pairs may be equal: a diagonal
    entry, which no graph has.
    """
    lines = head.splitlines()
    if len(head) >= 4096:
        lines = lines[:-1]  # the last one may be cut
    rows = [line.split() for line in lines if line.strip() and not line.startswith(_COMMENTS)]
    if not rows or len(rows[0]) != 2 or not all(is_count(cell) for cell in rows[0]):
        return None
    size, count = map(int, rows[0])
    pairs = []
    for row in rows[1:]:
        if len(row) not in (2, 3) or not (is_count(row[0]) and is_count(row[1])):
            return None
        if len(row) == 3 and not re.fullmatch(r"[-+]?[\d.]+([eE][-+]?\d+)?", row[2]):
            return None
        pairs.append((int(row[0]), int(row[1])))
    if any(not 1 <= end <= size for pair in pairs for end in pair):
        return None
    return pairs if pairs or count == 0 else None


def read_edges(path: Path) -> GraphData:
    """Read a rudy file or a plain edge list.

    Raises
    ------
    ParseError
        For a wrong count, a vertex out of range, an edge from a vertex to itself, an edge given
        twice (in whichever direction), or a weight that is not a finite number.
    """
    lines = lines_of(path, _COMMENTS)
    first = next(lines, None)
    if first is None:
        raise ParseError(path, "the file holds no edges")
    cells = first[1].split()
    if (
        path.suffix.lower() not in LIST_ENDINGS + TABLE_ENDINGS
        and len(cells) == 2
        and all(is_count(cell) for cell in cells)
    ):
        return _read_rudy(path, first[0], cells, [(n, text.split()) for n, text in lines])
    return _read_list(path, [(n, cells_of(text)) for n, text in chain([first], lines)])


def _read_rudy(
    path: Path, line: int, header: list[str], rows: list[tuple[int, list[str]]]
) -> GraphData:
    graph = GraphData.numbered(path, header[0], line)
    count = whole(path, header[1], line, "the number of edges")
    columns = len(rows[0][1]) if rows else 3
    for number, row in rows:
        if len(row) != columns or columns not in (2, 3):
            raise ParseError(
                path, f"expected 'i j' or 'i j weight', alike in every line, got {len(row)} values",
                number,
            )
        weight = finite(path, row[2], number, "an edge weight") if columns == 3 else 1.0
        graph.add(graph.vertex(row[0], number), graph.vertex(row[1], number), weight, number)
    if len(rows) != count:
        raise ParseError(
            path,
            f"{count} edges are announced and {len(rows)} follow (a plain edge list without the "
            f"line 'n m' is named {LIST_ENDINGS[0]})",
            line,
        )
    return graph


def _read_list(path: Path, rows: list[tuple[int, list[str]]]) -> GraphData:
    if _is_heading(rows[0][1]):
        rows = rows[1:]
    if not rows:
        raise ParseError(path, "the file holds no edges")
    columns = len(rows[0][1])
    for number, row in rows:
        if len(row) != columns or columns not in (2, 3) or not (row[0] and row[1]):
            raise ParseError(
                path,
                f"expected 'tail head' or 'tail head weight', alike in every row, got {row}",
                number,
            )
    names = {name: None for _, row in rows for name in row[:2]}
    # Numbers are put in their order; other names stay in the order in which they come.
    ordered = sorted(names, key=int) if all(is_count(name) for name in names) else list(names)
    index = {name: i for i, name in enumerate(ordered)}
    graph = GraphData(path, vertices=len(ordered), names=ordered)
    for number, row in rows:
        weight = finite(path, row[2], number, "an edge weight") if columns == 3 else 1.0
        graph.add(index[row[0]], index[row[1]], weight, number)
    return graph


def cells_of(line: str) -> list[str]:
    """The cells of a line; quotes around them are left out."""
    for separator in (",", ";", "\t"):
        if separator in line:
            return [cell.strip().strip('"') for cell in line.split(separator)]
    return line.split()


def _is_heading(cells: list[str]) -> bool:
    return len(cells) in (2, 3) and tuple(cell.lower() for cell in cells[:2]) in _HEADINGS
