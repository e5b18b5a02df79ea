"""Tables as Parquet: the layouts of `tabular`, in a file that keeps types.

A data frame's index, which pandas writes as a last column, is the first one here; an index without
a name is called ``date``. Rows are counted from 1. Null and NaN are missing values.
"""

import json
from datetime import UTC, date, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from qopt.errors import MissingPackageError, ParseError

from .tabular import Table

MAGIC = "PAR1"
"""What every Parquet file begins and ends with."""


def recognises(name: str, head: str) -> bool:
    """Whether the file is a Parquet file."""
    return head.startswith(MAGIC)


def read_table(path: Path) -> Table:
    """Read the cells of a file as text, numbers with every digit.

    Raises
    ------
    MissingPackageError
        Where pyarrow is not installed.
    ParseError
        Where the file is damaged, or has no rows or less than two columns.
    """
    if find_spec("pyarrow") is None:
        raise MissingPackageError(f"reading {path}", ["pyarrow"])
    import pyarrow
    from pyarrow import parquet

    try:
        frame = parquet.ParquetFile(path).read()
    except (pyarrow.ArrowException, OSError) as fault:
        text = str(fault).splitlines()[0]
        raise ParseError(path, f"not a Parquet file that can be read: {text}") from None
    index = _index_columns(frame.schema.metadata or {})
    places = sorted(range(frame.num_columns), key=lambda i: frame.column_names[i] not in index)
    names = [frame.column_names[i] for i in places]
    if len(names) < 2:
        raise ParseError(
            path, "two columns or more were expected, a date and one an asset, got "
            f"{len(names)}; write a data frame with its index"
        )
    if frame.num_rows == 0:
        raise ParseError(path, "the table has no rows")
    header = tuple("date" if name in index and _is_unnamed(name) else name for name in names)
    columns = [[_text(value) for value in frame.column(i).to_pylist()] for i in places]
    rows = tuple(enumerate(zip(*columns, strict=True), 1))
    return Table(path, tuple(name.strip() for name in header), rows, None)


def _index_columns(metadata: dict[bytes, bytes]) -> set[str]:
    """Columns that were the index of a pandas data frame, by what pandas says of it."""
    try:
        said = json.loads(metadata.get(b"pandas", b"{}")).get("index_columns", [])
    except (ValueError, AttributeError):
        return set()
    return {name for name in said if isinstance(name, str)}


def _is_unnamed(name: str) -> bool:
    return name.startswith("__index_level_")


def _text(value: Any) -> str:
    """A cell as CSV would have it; a day without its midnight."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        moment = value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
        midnight = moment.time() == moment.time().min
        return moment.date().isoformat() if midnight else moment.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return repr(value) if isinstance(value, float) else str(value).strip()
