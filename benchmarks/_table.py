"""Tables of results: printed as they fill, kept as JSON, rendered as Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import isfinite
from textwrap import fill
from typing import Any

Cell = float | int | str | None
"""What stands in a cell; None is nothing to tell."""


_PAGE = 100
"""Characters of a printed line of text."""


class Failure(Exception):  # noqa: N818  # a finding, not a programming error
    """A benchmark found what must not be: a wrong answer, a table that does not agree."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Parameters
    ----------
    heading : str
        With the unit, where there is one: ``"gap %"``.
    spec : str
        Format of its numbers, as of `format`: ``".2f"``. Columns with one are aligned to the right.
    width : int
        Characters in print, at least those of the heading.
    """

    heading: str
    spec: str = ""
    width: int = 8

    def text(self, cell: Cell) -> str:
        """A cell as it is shown."""
        if cell is None:
            return "-"
        if isinstance(cell, str):
            return cell
        if isinstance(cell, float) and not isfinite(cell):
            return "inf" if cell > 0 else "-inf" if cell < 0 else "-"
        return format(cell, self.spec)

    def pad(self, text: str) -> str:
        """The text in the column's width."""
        width = max(self.width, len(self.heading))
        return text.rjust(width) if self.spec else text.ljust(width)


@dataclass
class Table:
    """Rows under headings, with notes on how to read them.

    Parameters
    ----------
    title : str
    columns : sequence of Column
    notes : list of str
        How to read the rows; printed above them.
    rows : list of list
        One cell a column.
    findings : list of str
        What the rows come to, and what was left out; `find` prints them where it stands.
    """

    title: str
    columns: Sequence[Column]
    notes: list[str] = field(default_factory=list)
    rows: list[list[Cell]] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    # -- while it is measured -------------------------------------------------------------------

    def begin(self) -> "Table":
        """Print what stands above the rows; the table itself."""
        print(f"\n{self.title}")
        for note in self.notes:
            print(fill(note, _PAGE))
        print(self._line(column.heading for column in self.columns), flush=True)
        return self

    def add(self, *cells: Cell) -> None:
        """Keep a row and print it."""
        if len(cells) != len(self.columns):
            raise ValueError(f"{len(cells)} cells for {len(self.columns)} columns")
        self.rows.append([_plain(cell) for cell in cells])
        print(self._row(self.rows[-1]), flush=True)

    def find(self, text: str) -> None:
        """Keep a sentence on the rows, and print it."""
        self.findings.append(text)
        print(fill(text, _PAGE), flush=True)

    # -- what it looks like ---------------------------------------------------------------------

    def text(self) -> str:
        """The whole table as it is printed."""
        headings = self._line(column.heading for column in self.columns)
        rows = [self._row(row) for row in self.rows]
        notes = [fill(note, _PAGE) for note in self.notes]
        return "\n".join([self.title, *notes, headings, *rows, *self.findings])

    def markdown(self) -> str:
        """The table as a section of a page."""
        lines = [f"### {self.title}", ""]
        if self.notes:
            lines += [*(f"- {note}" for note in self.notes), ""]
        lines.append(_pipes(column.heading for column in self.columns))
        lines.append(_pipes("---:" if column.spec else "---" for column in self.columns))
        for row in self.rows:
            lines.append(_pipes(self._texts(row)))
        if self.findings:
            lines += ["", *(f"- {finding}" for finding in self.findings)]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """The table as JSON values; infinite numbers as text."""
        data = asdict(self)
        data["rows"] = [
            [column.text(cell) if isinstance(cell, float) and not isfinite(cell) else cell
             for column, cell in zip(self.columns, row, strict=True)]
            for row in self.rows
        ]
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Table":
        """Read back what `to_json` wrote."""
        return cls(**{**data, "columns": [Column(**column) for column in data["columns"]]})

    def _texts(self, row: Sequence[Cell]) -> list[str]:
        return [column.text(cell) for column, cell in zip(self.columns, row, strict=True)]

    def _row(self, row: Sequence[Cell]) -> str:
        return self._line(self._texts(row))

    def _line(self, texts: Iterable[str]) -> str:
        padded = [column.pad(text) for column, text in zip(self.columns, texts, strict=True)]
        return "  ".join(padded).rstrip()


def in_words(threads: int) -> str:
    """So many threads."""
    return "one thread" if threads == 1 else f"{threads} threads"


def _plain(cell: Any) -> Cell:
    """Numpy's numbers as Python's own, so that they are JSON."""
    plain: Cell = cell.item() if hasattr(cell, "item") else cell
    return plain


def _pipes(texts: Iterable[str]) -> str:
    return "| " + " | ".join(text.replace("|", "\\|") for text in texts) + " |"
