"""Tables of texts: aligned for a terminal, as CSV, and as markup."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from .markup import Markup, tag


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> list[str]:
    """Lines of a table; the first `words` columns are words, the others figures to the right."""
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    return [
        "  ".join(
            text.ljust(width) if i < words else text.rjust(width)
            for i, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]


def as_csv(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table as CSV; numbers with every digit, None as an empty cell."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([
            "" if cell is None else repr(cell) if isinstance(cell, float) else cell for cell in row
        ])
    return out.getvalue()


def table(header: Sequence[str], rows: Sequence[Sequence[Any]], words: int = 1) -> Markup:
    """A table as markup, in a frame that scrolls; the first column heads its row."""
    def cell(i: int, text: Any) -> Markup:
        if i == 0:
            return tag("th", text, scope="row")
        return tag("td", text, class_="number" if i >= words else "words")

    titles = [
        tag("th", tag("span", title, class_="head"), scope="col",
            class_="number" if i >= words else None)
        for i, title in enumerate(header)
    ]
    body = [tag("tr", [cell(i, text) for i, text in enumerate(row)]) for row in rows]
    return tag(
        "div", tag("table", tag("thead", tag("tr", titles)), tag("tbody", body)), class_="scroll"
    )
