"""The comparison on a terminal: a table an instance, then what it shows and what weakens it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..comparison import Comparison, InstanceComparison
from .tables import Cell, Column, instance_line, legend, main_columns, reason_lines, yardstick_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def show(comparison: Comparison, console: "Console | None" = None) -> None:
    """Print a comparison: with styles on a terminal, as plain aligned text elsewhere.

    Parameters
    ----------
    comparison : Comparison
    console : rich.console.Console, optional
        Standard output, if left out.
    """
    from rich.console import Console

    console = console or Console()
    if not console.is_terminal:
        console.file.write(render(comparison))
        return
    from rich.text import Text

    for instance in comparison.instances:
        console.print()
        console.print(Text(instance.name, style="bold"), Text(instance_line(instance), style="dim"))
        console.print(Text(yardstick_line(instance), style="dim"))
        for table in _tables(instance, console.width):
            console.print(table)
        for line in reason_lines(instance):
            console.print(Text(line, style="dim"))
        for sentence in instance.findings.sentences:
            console.print(Text(sentence))
    console.print()
    for line in legend(comparison):
        console.print(Text(line, style="dim"))
    console.print()
    for sentence in comparison.summary:
        console.print(Text(sentence, style="bold"))
    for note in comparison.notes:
        console.print(Text(f"note: {note}"))
    for flag in comparison.flags:
        style = "bold red" if flag.code == "fault" else "yellow"
        console.print(Text(f"{flag.code}: ", style=style) + Text(flag.text))


def render(comparison: Comparison) -> str:
    """The comparison as plain text; nothing is cut, lines may be long."""
    lines: list[str] = []
    for instance in comparison.instances:
        lines += [f"{instance.name}: {instance_line(instance)}", yardstick_line(instance)]
        lines += _plain_table(instance)
        lines += [*reason_lines(instance), *instance.findings.sentences, ""]
    lines += [*legend(comparison), "", *comparison.summary]
    lines += [f"note: {note}" for note in comparison.notes]
    lines += [f"{flag.code}: {flag.text}" for flag in comparison.flags]
    return "\n".join(lines).strip("\n") + "\n"


def _shown(instance: InstanceComparison) -> tuple[list[Column], list[list[Cell]]]:
    """Columns that say something, and their cells."""
    cells = [(c, [c.cell(row) for row in instance.rows]) for c in main_columns(instance)]
    kept = [(c, column) for c, column in cells if any(cell.text != "–" for cell in column)]
    return [c for c, _ in kept], [list(row) for row in zip(*(c for _, c in kept), strict=True)]


def _plain_table(instance: InstanceComparison) -> list[str]:
    columns, rows = _shown(instance)
    texts = [[c.title for c in columns], *([cell.text for cell in row] for row in rows)]
    widths = [max(len(line[i]) for line in texts) for i in range(len(columns))]
    return [
        "  ".join(
            text.rjust(width) if column.numeric else text.ljust(width)
            for text, width, column in zip(line, widths, columns, strict=True)
        ).rstrip()
        for line in texts
    ]


def _tables(instance: InstanceComparison, width: int) -> list["Table"]:
    """The table, in several parts one under the other where it is wider than the terminal."""
    columns, rows = _shown(instance)
    room = [
        max(len(text) for text in (column.title, *(row[i].text for row in rows))) + 3
        for i, column in enumerate(columns)
    ]
    # Words may take several lines, figures may not: they are never broken or cut.
    room[0] = min(room[0], max(16, width // 3))
    room = [
        r if c.numeric or i == 0 else min(r, 18)
        for i, (r, c) in enumerate(zip(room, columns, strict=True))
    ]
    parts: list[list[int]] = [[]]
    left = width - room[0]
    for i in range(1, len(columns)):
        if room[i] > left and parts[-1]:
            parts.append([])
            left = width - room[0]
        parts[-1].append(i)
        left -= room[i]
    return [_table(instance, columns, rows, {0: room[0], **{i: room[i] for i in part}})
            for part in parts]


def _table(
    instance: InstanceComparison,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Cell]],
    room: Mapping[int, int],
) -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for i, space in room.items():
        if columns[i].numeric:
            table.add_column(columns[i].title, justify="right", no_wrap=True)
        else:
            table.add_column(columns[i].title, overflow="fold", max_width=space - 3)
    for row, cells in zip(instance.rows, rows, strict=True):
        table.add_row(
            *(Text(cells[i].text) for i in room),
            style="bold" if row.rank == 1 else ("dim" if row.rank is None else None),
        )
    return table
