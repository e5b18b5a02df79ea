"""Tables as CSV: series of prices or returns over time, means, covariances, and labels.

A table has one header line; columns are separated by commas, semicolons or tabs; lines that start
with ``#`` and blank lines are skipped. Numbers have a decimal point. Four layouts are told apart
by their first data row:

- *wide*, ``date,AAPL,MSFT,...``: a date and one column an asset;
- *long*, ``date,asset,price``: a line for each date and asset, columns and lines in any order;
- *mean*, ``asset,mean``: one line an asset;
- *undated*, ``AAPL,MSFT,...``: a line for each period, in order of time, and one column an asset.

A date is year-month-day (``2020-01-31``, ``2020/1/31``, ``20200131``, with a time of day if need
be), a month (``2020-01``) or a period's number (``17``, ``T17``). Rows are sorted by it.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from math import isfinite, nan
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qopt.errors import ParseError

Layout = Literal["wide", "long", "mean", "covariance", "undated"]
Quantity = Literal["prices", "returns"]

MISSING = frozenset({"", "-", "na", "n/a", "#n/a", "nan", "null", "none"})
"""Cells that stand for a missing value, in lower case."""

_DATE_COLUMNS = frozenset({"date", "time", "datetime", "timestamp", "period", "day", "week",
                           "month", "quarter", "year"})
_ASSET_COLUMNS = frozenset({"asset", "ticker", "symbol", "name", "stock", "instrument"})
_MEAN_COLUMNS = frozenset({"mean", "mu", "return", "expected_return", "expected return",
                           "mean return", "mean_return"})
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_LOCAL_DATE = re.compile(r"\d{1,2}[./-]\d{1,2}[./-](\d{4}|\d{2})([ T].*)?")
"""A date with its day or its month first; which of them, nobody can tell."""
_DATE = re.compile(r"(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2}))?([ T].*)?")
_PERIOD = re.compile(r"[A-Za-z]?(\d{1,9})")


@dataclass(frozen=True)
class Table:
    """The cells of a file.

    Parameters
    ----------
    path : Path
    header : tuple of str
    rows : tuple of (int, tuple of str)
        Line number (of Parquet the row's) and as many cells as the header has.
    line : int, optional
        Line of the header; None in Parquet, which names its columns elsewhere.
    """

    path: Path
    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    line: int | None


@dataclass(frozen=True, eq=False)
class Series:
    """Values of several assets over time.

    Parameters
    ----------
    assets : tuple of str
    times : tuple of str
        As the file writes them, ascending.
    values : ndarray of float64, shape (times, assets)
        NaN where the file has none.
    """

    assets: tuple[str, ...]
    times: tuple[str, ...]
    values: NDArray[np.float64]


# -- telling layouts apart ------------------------------------------------------------------------


def recognises(name: str, head: str) -> bool:
    """Whether the file is a table of prices or returns, of means, or a covariance matrix.

    A table of dates is one whatever its cells look like: reading it tells what is wrong with them.
    """
    text = head.removeprefix("\ufeff")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        return False
    try:
        rows = list(csv.reader(lines[:2], delimiter=_delimiter(lines[0])))
    except csv.Error:
        return False
    header = [cell.strip() for cell in rows[0]]
    named = header[0].lower() in _DATE_COLUMNS
    # The head of a file may end within a line, and then its last cell is cut.
    cut = not text.endswith("\n") and len(lines) <= 2
    if len(lines) == 1:
        return named and len(header) > 2 and all(header[:-1])
    if len(header) < 2 or not all(header[1:]):
        return False
    first = tuple(cell.strip() for cell in rows[1])
    if named or _LOCAL_DATE.fullmatch(first[0] if first else ""):
        return True
    layout = layout_of(header, first)
    if _is_whole(first[0]) and not named and layout != "mean":
        return False  # an edge list, for all we know
    values = first[1:-1] if cut else first[1:]
    if layout == "undated":
        return False  # any table of numbers, for all we know
    return layout is not None and (layout != "wide" or all(map(_is_value, values)))


def layout_of(header: Sequence[str], first: Sequence[str]) -> Layout | None:
    """What a table holds, from its header and first data row; None if no layout fits."""
    names = [cell.lower() for cell in header]
    dated = names[0] in _DATE_COLUMNS
    if _is_number(header[1]) and not dated:
        return None  # a header of numbers is no header; below a date, it is a ticker
    if len(header) == 2 and not dated:
        # Below a column of assets, what looks like a period's number is a ticker: T1, F001, 700.
        if names[1] in _MEAN_COLUMNS and (names[0] in _ASSET_COLUMNS or _time(first[0]) is None):
            return "mean"
        if _time(first[0]) is None and not _is_number(first[0]):
            return None
    if first[0] and first[0] in header[1:]:
        return "covariance"
    if len(header) == 3 and _DATE_COLUMNS & set(names) and _ASSET_COLUMNS & set(names):
        return "long"
    if _time(first[0]) is not None:
        return "wide"
    named = not any(_is_number(cell) for cell in header)
    return "undated" if named and not dated and all(map(_is_value, first)) else None


def _delimiter(line: str) -> str:
    """The most frequent separator of a line; a comma if there is none."""
    return max(",;\t", key=line.count)


def _time(text: str) -> datetime | int | None:
    """A date or a period's number; None for anything else."""
    if match := _DATE.fullmatch(text):
        year, month, day, rest = match.groups()
        text = f"{year}-{month:0>2}-{day or '01':0>2}{rest or ''}"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        period = _PERIOD.fullmatch(text)
        return int(period[1]) if period else None
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def _date_hint(text: str) -> str:
    """How to mend a date that is none, where that is known."""
    if not _LOCAL_DATE.fullmatch(text):
        return ""
    return f"; {text} may begin with the day or the month: write dates as year-month-day"


def _is_whole(text: str) -> bool:
    return text.isdecimal() and not isinstance(_time(text), datetime)


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


def _is_value(text: str) -> bool:
    return text.lower() in MISSING or _is_number(text)


# -- reading --------------------------------------------------------------------------------------


def read_table(path: Path) -> Table:
    """Read the cells of a file.

    Raises
    ------
    ParseError
        Where the file is no text, has no header or no rows, or a row has more or fewer cells.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as fault:
        raise ParseError(path, f"not a text file in UTF-8: {fault.reason}") from None
    lines = list(_cells(path, text))
    if not lines:
        raise ParseError(path, "the file has no table: a header line was expected")
    line, header = lines[0]
    if len(header) < 2:
        raise ParseError(
            path, "a header with two columns or more, separated by commas, semicolons or tabs, was "
            f"expected, got {_short(header[0])}", line,
        )
    rows = tuple(lines[1:])
    for number, cells in rows:
        if len(cells) != len(header):
            last = " (the last line: the file may be cut short)" if number == rows[-1][0] else ""
            raise ParseError(
                path, f"{len(cells)} cells, the header has {len(header)}{last}", number
            )
    if not rows:
        raise ParseError(path, "the table has a header and no rows", line)
    return Table(path, header, rows, line)


def _cells(path: Path, text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Line number and cells of every line that holds some."""
    starts = (line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(next(starts, "")))
    try:
        for row in reader:
            cells = tuple(cell.strip() for cell in row)
            if any(cells) and not cells[0].startswith("#"):
                yield reader.line_num, cells
    except csv.Error as fault:
        raise ParseError(path, f"not a table: {fault}", reader.line_num) from None


def table_layout(table: Table) -> Layout:
    """What a table holds.

    Raises
    ------
    ParseError
        Where it fits no layout.
    """
    layout = layout_of(table.header, table.rows[0][1])
    if layout is None:
        raise ParseError(
            table.path, "no table of prices or returns (date,AAPL,MSFT,... or date,asset,price; "
            "dates as 2020-01-31) and none of means (asset,mean); the first row is "
            f"{_short(','.join(table.rows[0][1]))}{_date_hint(table.rows[0][1][0])}",
            table.rows[0][0],
        )
    return layout


def read_series(table: Table, quantity: Quantity) -> Series:
    """Read a wide, long or undated table of prices (above 0) or returns (fractions, -1 at least).

    Raises
    ------
    ParseError
        Where a cell is neither a number nor missing, a value is out of range or not finite, or a
        date or asset repeats.
    """
    layout = table_layout(table)
    if layout == "long":
        return _read_long(table, quantity)
    if layout == "undated":
        return _read_undated(table, quantity)
    _refuse_dates_that_may_be_prices(table)
    assets = _unique_names(table, table.header[1:])
    order = _time_order(table, [(line, cells[0]) for line, cells in table.rows], distinct=True)
    values = np.array([
        [_value(table, line, cell, asset, quantity)
         for cell, asset in zip(cells[1:], assets, strict=True)]
        for line, cells in table.rows
    ])
    return Series(assets, tuple(table.rows[i][1][0] for i in order), values[order])


def _refuse_dates_that_may_be_prices(table: Table) -> None:
    """Whole numbers in a first column of another name are periods only if they count on."""
    name, cells = table.header[0], [row[1][0] for row in table.rows]
    if not name or name.lower() in _DATE_COLUMNS or not all(map(_is_whole, cells)):
        return
    periods = [int(cell) for cell in cells]
    steps = {after - before for before, after in pairwise(periods)}
    if not steps <= {1} and not steps <= {-1}:
        raise ParseError(
            table.path, f"the first column {_short(name)} holds whole numbers that do not count "
            "on: call it date if they are periods, or put a column date before it if it is an "
            "asset", table.rows[0][0],
        )


def _read_undated(table: Table, quantity: Quantity) -> Series:
    assets = _unique_names(table, table.header)
    values = np.array([
        [_value(table, line, cell, asset, quantity)
         for cell, asset in zip(cells, assets, strict=True)]
        for line, cells in table.rows
    ])
    if values.shape[0] == values.shape[1] and np.array_equal(values, values.T):
        raise ParseError(
            table.path, "a symmetric matrix is a covariance and no series: give the means "
            f"(asset,mean) as the data file and this as covariance={table.path.name}"
        )
    return Series(assets, tuple(str(i + 1) for i in range(len(values))), values)


def _read_long(table: Table, quantity: Quantity) -> Series:
    date, asset, price = _long_columns(table)
    order = _time_order(table, [(line, cells[date]) for line, cells in table.rows], distinct=False)
    times: dict[datetime | int, int] = {}
    labels: list[str] = []
    for i in order:
        label = table.rows[i][1][date]
        moment = _time(label)
        assert moment is not None
        if moment not in times:
            times[moment] = len(times)
            labels.append(label)
    assets: dict[str, int] = {}
    found: dict[tuple[int, int], tuple[int, float]] = {}
    for line, cells in table.rows:
        name = cells[asset]
        if not name:
            raise ParseError(table.path, "the asset has no name", line)
        moment = _time(cells[date])
        assert moment is not None
        key = times[moment], assets.setdefault(name, len(assets))
        if key in found:
            raise ParseError(
                table.path, f"{name} on {cells[date]} is given a second time, first on line "
                f"{found[key][0]}", line,
            )
        found[key] = line, _value(table, line, cells[price], name, quantity)
    values = np.full((len(times), len(assets)), nan)
    for place, (_, value) in found.items():
        values[place] = value
    return Series(tuple(assets), tuple(labels), values)


def _long_columns(table: Table) -> tuple[int, int, int]:
    """Columns of date, asset and value, by their names."""
    names = [name.lower() for name in table.header]
    date = next(i for i, name in enumerate(names) if name in _DATE_COLUMNS)
    asset = next(i for i, name in enumerate(names) if name in _ASSET_COLUMNS)
    return date, asset, 3 - date - asset


def _time_order(
    table: Table, cells: Sequence[tuple[int, str]], *, distinct: bool
) -> list[int]:
    """Row indices by ascending time; every row's time is checked."""
    moments: list[datetime | int] = []
    seen: dict[datetime | int, int] = {}
    for line, text in cells:
        moment = _time(text)
        if moment is None or (moments and type(moment) is not type(moments[0])):
            raise ParseError(
                table.path, f"a date such as 2020-01-31 (or one kind of period number throughout) "
                f"was expected, got {_short(text)}{_date_hint(text)}", line,
            )
        if distinct and moment in seen:
            raise ParseError(
                table.path, f"date {text} is given a second time, first on line {seen[moment]}",
                line,
            )
        seen.setdefault(moment, line)
        moments.append(moment)
    return sorted(range(len(moments)), key=lambda i: moments[i])


def _value(table: Table, line: int, cell: str, asset: str, quantity: Quantity) -> float:
    """One price or return; NaN where it is missing."""
    if cell.lower() in MISSING:
        return nan
    value = _finite(table, line, cell, f"of {asset}")
    if quantity == "prices" and value <= 0.0:
        raise ParseError(
            table.path, f"price {cell} of {asset} is not above 0 (if the table holds returns, set "
            "values=returns)", line,
        )
    if quantity == "returns" and value < -1.0:
        raise ParseError(
            table.path, f"return {cell} of {asset} is a loss of more than everything; returns are "
            "fractions, 1 % is 0.01", line,
        )
    return value


def _finite(table: Table, line: int, cell: str, what: str) -> float:
    if not _is_number(cell):
        hint = "; write decimals with a point" if re.fullmatch(r"-?[\d.]+,\d+", cell) else (
            "; write percentages as fractions, 1 % is 0.01" if cell.endswith("%") else ""
        )
        raise ParseError(
            table.path, f"a finite number was expected, got {_short(cell)} {what}{hint}", line
        )
    value = float(cell)
    if not isfinite(value):
        raise ParseError(table.path, f"{cell} {what} is too large for a number", line)
    return value


def _unique_names(table: Table, names: Sequence[str]) -> tuple[str, ...]:
    seen: set[str] = set()
    for column, name in enumerate(names, len(table.header) - len(names) + 1):
        if not name:
            raise ParseError(table.path, f"column {column} has no name", table.line)
        if name in seen:
            raise ParseError(table.path, f"asset {name} has two columns", table.line)
        seen.add(name)
    return tuple(names)


def read_labels(table: Table, what: str) -> dict[str, str]:
    """Read a table of two columns: a label for each name, neither of them empty.

    Parameters
    ----------
    table : Table
    what : str
        What the label is, for messages: ``"sector"``.
    """
    if len(table.header) != 2:
        raise ParseError(
            table.path, f"two columns, asset and {what}, were expected, got {len(table.header)}",
            table.line,
        )
    labels: dict[str, str] = {}
    for line, (name, label) in table.rows:
        if not name or not label:
            raise ParseError(table.path, f"an asset and its {what} were expected", line)
        if name in labels:
            raise ParseError(table.path, f"asset {name} is given a second time", line)
        labels[name] = label
    return labels


def read_means(table: Table) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Read a table ``asset,mean``: names and finite numbers, shape (n,)."""
    means: dict[str, float] = {}
    for line, cells in table.rows:
        name, cell = cells
        if not name:
            raise ParseError(table.path, "the asset has no name", line)
        if name in means:
            raise ParseError(table.path, f"asset {name} is given a second time", line)
        means[name] = _finite(table, line, cell, f"as mean of {name}")
    return tuple(means), np.array(list(means.values()))


def read_matrix(table: Table) -> tuple[tuple[str, ...] | None, NDArray[np.float64]]:
    """Read a square matrix of finite numbers.

    It has the names of its columns in the header and those of its rows, in any order, in the first
    column; or in the header alone; or none at all (then the header is its first row).

    Returns
    -------
    names : tuple of str or None
        Of rows and columns.
    matrix : ndarray of float64, shape (n, n)
        Rows in the order of the columns.
    """
    if all(_is_number(cell) for cell in table.header):
        rows = ((table.line or 0, table.header), *table.rows)
        return None, _square(table, rows, [str(i + 1) for i in range(len(table.header))])
    first = table.header[0]
    labelled = not first or first.lower() in _ASSET_COLUMNS or not _is_number(table.rows[0][1][0])
    names = _unique_names(table, table.header[labelled:])
    if not labelled:
        return names, _square(table, table.rows, names)
    place = {name: i for i, name in enumerate(names)}
    sorted_rows: dict[int, tuple[int, tuple[str, ...]]] = {}
    for line, cells in table.rows:
        name = cells[0]
        if name not in place:
            raise ParseError(table.path, f"row {_short(name)} is none of the columns", line)
        if place[name] in sorted_rows:
            raise ParseError(table.path, f"row {name} is given a second time", line)
        sorted_rows[place[name]] = line, cells[1:]
    return names, _square(table, [sorted_rows[i] for i in sorted(sorted_rows)], names)


def _square(
    table: Table, rows: Sequence[tuple[int, tuple[str, ...]]], names: Sequence[str]
) -> NDArray[np.float64]:
    if len(rows) != len(names):
        raise ParseError(
            table.path, f"the matrix has {len(rows)} rows and {len(names)} columns; the file may "
            "be cut short", rows[-1][0],
        )
    return np.array([
        [_finite(table, line, cell, f"in column {names[j]}") for j, cell in enumerate(cells)]
        for line, cells in rows
    ])


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")
