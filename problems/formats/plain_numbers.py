"""Files of plain numbers, read one after the other with every fault named by its line."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NoReturn

from qopt.errors import ParseError

from .graph_data import finite, lines_of

EXACT = 2**53
"""Whole numbers below this are exact as doubles; others are refused."""

MOST_NUMBERS = 10_000_000
"""So that a broken first line does not fill the memory."""


@dataclass
class PlainNumbers:
    """The cells of a text file in their order, whatever the line breaks. Make one with `read`.

    Parameters
    ----------
    path : Path
        For messages.
    cells : list of (int, str)
        Each cell with the number of its line.
    """

    path: Path
    cells: list[tuple[int, str]] = field(repr=False)
    _next: int = 0

    @classmethod
    def read(cls, path: Path, comments: tuple[str, ...] = ()) -> "PlainNumbers":
        """Split a file at white space; blank lines and those that begin a comment are left out."""
        cells = [
            (number, cell) for number, text in lines_of(path, comments) for cell in text.split()
        ]
        return cls(path, cells)

    @property
    def line(self) -> int | None:
        """Line of the next cell, or of the last one where all are read."""
        if not self.cells:
            return None
        return self.cells[min(self._next, len(self.cells) - 1)][0]

    @property
    def left(self) -> int:
        """How many cells are still to be read."""
        return len(self.cells) - self._next

    def row(self, line: int) -> list[str]:
        """The cells of a line."""
        return self._rows.get(line, [])

    @cached_property
    def _rows(self) -> dict[int, list[str]]:
        rows: dict[int, list[str]] = {}
        for number, cell in self.cells:
            rows.setdefault(number, []).append(cell)
        return rows

    def fail(self, message: str) -> NoReturn:
        """Refuse the file at the next cell."""
        raise ParseError(self.path, message, self.line)

    def text(self, what: str) -> tuple[int, str]:
        """The next cell as it stands, with its line."""
        if self._next >= len(self.cells):
            self.fail(f"the file ends before {what}; it may be cut short")
        self._next += 1
        return self.cells[self._next - 1]

    def whole(self, what: str, least: int = 0, most: int = EXACT - 1) -> int:
        """The next cell as a whole number within limits."""
        line, cell = self.text(what)
        digits = cell.removeprefix("-")
        if not (digits.isascii() and digits.isdecimal()):
            raise ParseError(self.path, f"{what} must be a whole number, got {cell!r}", line)
        # Reading thousands of digits takes a while, and Python refuses to.
        value = int(cell) if len(digits) <= 20 else (-1 if cell[0] == "-" else 1) * 10**20
        if not least <= value <= most:
            if abs(value) >= EXACT:
                self._inexact(what, cell, line)
            limits = f"at least {least}" if most == EXACT - 1 else f"between {least} and {most}"
            raise ParseError(self.path, f"{what} must be {limits}, got {cell}", line)
        return value

    def count(self, what: str, least: int = 1) -> int:
        """The next cell as the number of things that follow."""
        return self.whole(what, least, MOST_NUMBERS)

    def number(self, what: str, least: float = 0.0) -> float:
        """The next cell as a finite number of at least `least`; whole ones must be exact."""
        line, cell = self.text(what)
        value = finite(self.path, cell, line, what)
        if value < least:
            raise ParseError(self.path, f"{what} must be at least {least:g}, got {cell}", line)
        if abs(value) >= EXACT:
            self._inexact(what, cell, line)
        return value

    def _inexact(self, what: str, cell: str, line: int) -> NoReturn:
        raise ParseError(
            self.path, f"{what} must be below 2**53, where doubles are exact, got {cell}", line
        )

    def numbers(self, count: int, what: str, least: float = 0.0) -> list[float]:
        """So many numbers; ``{}`` in `what` is the place of each, counted from 1."""
        self.need(count, what.format(f"1 to {count}"))
        return [self.number(what.format(i + 1), least) for i in range(count)]

    def wholes(
        self, count: int, what: str, least: int = 0, most: int = EXACT - 1
    ) -> list[int]:
        """So many whole numbers; ``{}`` in `what` is the place of each, counted from 1."""
        self.need(count, what.format(f"1 to {count}"))
        return [self.whole(what.format(i + 1), least, most) for i in range(count)]

    def need(self, count: int, what: str) -> None:
        """Refuse a file that has fewer cells left than are needed."""
        if self.left < count:
            self._next = len(self.cells)
            self.fail(f"the file ends before {what}; it may be cut short")

    def end(self, what: str) -> None:
        """Refuse a file that goes on."""
        if self._next < len(self.cells):
            line, cell = self.cells[self._next]
            raise ParseError(self.path, f"the file goes on with {cell!r} after {what}", line)


def choose(path: Path, announced: int, instance: int) -> int:
    """The instance to take from a file that holds several, counted from 0."""
    if not 1 <= instance <= announced:
        raise ParseError(
            path,
            f"the file holds {announced} instance{'s' * (announced > 1)}, there is no "
            f"instance={instance}",
        )
    return instance - 1


def first_line_cells(numbers: PlainNumbers) -> int:
    """How many cells the first line has."""
    return len(numbers.row(numbers.cells[0][0])) if numbers.cells else 0


