"""A square matrix of numbers as CSV: a QUBO."""

import re
from pathlib import Path

from .edges import cells_of

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


def recognises(name: str, head: str) -> bool:
    """Whether the file ends with ``.csv`` and begins with a row of numbers, without a heading.

    Two columns are pairs of another kind for all that anybody knows, and so are three, unless they
    are as many rows and do not begin with the numbers of two places, as edges do.
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
    if columns < 3 or not all(map(_NUMBER.fullmatch, rows[0] if whole else rows[0][:-1])):
        return False
    if columns > 3:
        return True
    numbers = all(_NUMBER.fullmatch(cell) for row in rows for cell in row)
    square = len(rows) == columns and all(len(row) == columns for row in rows)
    return square and numbers and not all(map(_is_triple, rows))


def _is_triple(row: list[str]) -> bool:
    return row[0].isdecimal() and row[1].isdecimal()
