"""Knapsack files as D. Pisinger's generator writes them: ``knapPI_1_50_1000.csv``.

Each instance is a block::

    knapPI_1_50_1000_1
    n 50
    c 995
    z 8373
    time 0.00
    1,94,485,0
    ...
    -----

with the capacity `c`, the best profit `z`, and for each item its number, profit, weight, and
whether the best solution takes it.
"""

from dataclasses import dataclass
from pathlib import Path

from qopt.errors import ParseError

from .graph_data import finite, lines_of, whole

_HEADS = ("n", "c", "z", "time")


@dataclass
class Block:
    """One instance of a file.

    Parameters
    ----------
    name : str
    line : int
        Where it begins.
    capacity, best : float
    items : list of (float, float)
        Profit and weight of each.
    """

    name: str
    line: int
    capacity: float
    best: float
    items: list[tuple[float, float]]


def recognises(name: str, head: str) -> bool:
    """Whether the file begins with a name and the lines of `n`, `c` and `z`."""
    rows = [line.split() for line in head.removeprefix("\ufeff").splitlines() if line.strip()][:4]
    return [row[0] for row in rows[1:]] == ["n", "c", "z"] and rows[0][0].startswith("knapPI")


def read_blocks(path: Path) -> list[Block]:
    """Every instance of a file.

    Raises
    ------
    ParseError
        Where a block is cut short or goes on, items are out of order, a number is missing, negative
        or none, or the marked items do not fit or make another profit; the line is named.
    """
    rows = list(lines_of(path))
    blocks: list[Block] = []
    place = 0
    while place < len(rows):
        place = _read_block(path, rows, place, blocks)
    return blocks


def _read_block(
    path: Path, rows: list[tuple[int, str]], place: int, blocks: list[Block]
) -> int:
    """Read one block; gives the place behind it."""
    first, name = rows[place]
    facts = _facts(path, rows, place, name)
    items, taken = [], []
    for i in range(1, int(facts["n"]) + 1):
        row = _row(path, rows, place + len(_HEADS) + i, f"item {i} of {name}")
        profit, weight, marked = _item(path, *row, i)
        items.append((profit, weight))
        if marked:
            taken.append((profit, weight))
    place += len(_HEADS) + len(items) + 1
    line, text = _row(path, rows, place, f"the line of hyphens behind {name}")
    if set(text) != {"-"}:
        raise ParseError(path, f"a line of hyphens behind {name} was expected, got {text!r}", line)
    best, load = sum(p for p, _ in taken), sum(w for _, w in taken)
    if load > facts["c"] or best != facts["z"]:
        raise ParseError(
            path, f"the marked items of {name} weigh {load:g} of {facts['c']:g} and make "
            f"{best:g}, not {facts['z']:g}", first,
        )
    blocks.append(Block(name, first, facts["c"], facts["z"], items))
    return place + 1


def _facts(
    path: Path, rows: list[tuple[int, str]], place: int, name: str
) -> dict[str, float]:
    """The values of the lines behind a name."""
    facts: dict[str, float] = {}
    for key in _HEADS:
        place += 1
        line, text = _row(path, rows, place, f"the line {key!r} of {name}")
        cells = text.split()
        if len(cells) != 2 or cells[0] != key:
            raise ParseError(path, f"the line '{key} VALUE' of {name} was expected, got {text!r}",
                             line)
        facts[key] = _number(path, cells[1], line, f"{key} of {name}")
        if key == "n" and whole(path, cells[1], line, "the number of items") < 1:
            raise ParseError(path, f"{name} has no items", line)
    return facts


def _item(path: Path, line: int, text: str, number: int) -> tuple[float, float, bool]:
    """Profit and weight of an item, and whether it is marked."""
    cells = [cell.strip() for cell in text.split(",")]
    if len(cells) != 4 or cells[0] != str(number) or cells[3] not in ("0", "1"):
        raise ParseError(path, f"'{number},PROFIT,WEIGHT,0 or 1' was expected, got {text!r}", line)
    profit = _number(path, cells[1], line, f"the profit of item {number}")
    return profit, _number(path, cells[2], line, f"the weight of item {number}"), cells[3] == "1"


def _row(path: Path, rows: list[tuple[int, str]], place: int, what: str) -> tuple[int, str]:
    if place >= len(rows):
        raise ParseError(path, f"the file ends before {what}; it may be cut short", rows[-1][0])
    return rows[place]


def _number(path: Path, text: str, line: int, what: str) -> float:
    value = finite(path, text, line, what)
    if not 0.0 <= value < 2**53:
        raise ParseError(path, f"{what} must be at least 0 and below 2**53, got {text}", line)
    return value
