"""A square matrix of numbers as CSV: a QUBO."""

import re
from pathlib import Path

from .edges import cells_of

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


def recognises(name: str, head: str) -> bool:
    """Whether the file ends with ``.csv`` and begins with a row of numbers, without a heading.

    Two and three columns are a matrix where they are as many rows, all of them numbers, and no list
    of pairs for all that anybody knows: rows that begin with whole numbers may be edges, or the
    correlations of an OR-Library file, unless a pair is there twice.
    """
    if Path(name).suffix.lower() != ".csv":
        return False
    text = head.removeprefix("\ufeff")
    plain = [line.partition("#")[0].strip() for line in text.splitlines()]
    rows = [cells_of(line) for line in plain if line]
    if not rows:
        return False
    columns = len(rows[0])
    whole = len(rows) > 1 or len(head) < 4096  # the last cell of the head may be cut
    if columns < 2 or not all(map(_NUMBER.fullmatch, rows[0] if whole else rows[0][:-1])):
        return False
    if columns > 3:
        return True
    numbers = all(_NUMBER.fullmatch(cell) for row in rows for cell in row)
    square = len(rows) == columns and all(len(row) == columns for row in rows)
    return square and numbers and not _may_be_pairs(rows)


def _may_be_pairs(rows: list[list[str]]) -> bool:
    """Whether all rows begin with two whole numbers, and no pair of these is there twice."""
    if not all(row[0].isdecimal() and row[1].isdecimal() for row in rows):
        return False
    return len({frozenset(map(int, row[:2])) for row in rows}) == len(rows)
