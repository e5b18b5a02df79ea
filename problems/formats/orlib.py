"""OR-Library portfolio files: ``port1.txt`` and its like.

The first number is the number of assets. Then come a mean return and a standard deviation for each
asset, and then ``i j correlation`` for every pair, with assets counted from 1. The companion files
``portef1.txt`` hold the unconstrained frontier, a mean return and a *variance* on each line: they
are no instances.

The same figures are also found as a pair of tables without headers, ``mean,deviation`` and
``i,j,correlation``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qopt.errors import ParseError

_COUNT = re.compile(r"\d+")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True, eq=False)
class PortFile:
    """What a ``port`` file says.

    Parameters
    ----------
    mean, deviation : ndarray of float64, shape (n,)
        Mean return and standard deviation, per period of the data (a week in OR-Library's).
    correlation : ndarray of float64, shape (n, n)
        Symmetric, with ones on the diagonal.
    """

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    correlation: NDArray[np.float64]


def recognises(name: str, head: str) -> bool:
    """Whether the file is a ``port`` file, or a ``portef`` file, which reading it explains."""
    text = head.removeprefix("\ufeff")
    lines = [line.split() for line in text.splitlines()[:50] if line.strip()]
    if len(lines) < 2 or not _is_moment_line(lines[1]):
        return False
    if len(lines[0]) == 1:
        return _COUNT.fullmatch(lines[0][0]) is not None
    return name.lower().startswith("portef") and _is_moment_line(lines[0])


def _is_moment_line(cells: list[str]) -> bool:
    """Two numbers, not both whole: an edge of a graph is not meant."""
    return (
        len(cells) == 2
        and all(_NUMBER.fullmatch(cell) for cell in cells)
        and not all(_COUNT.fullmatch(cell) for cell in cells)
    )


def recognises_pair(name: str, head: str) -> bool:
    """Whether the file is a table ``mean,deviation`` without a header."""
    text = head.removeprefix("\ufeff")
    lines = [line.split(",") for line in text.splitlines()[:50] if line.strip()]
    kept = lines if text.endswith("\n") or len(lines) == 1 else lines[:-1]  # the last may be cut
    return bool(kept) and all(_is_moment_line([cell.strip() for cell in line]) for line in kept)


def read_pair(path: Path, correlations: Path) -> PortFile:
    """Read a table ``mean,deviation`` and the table ``i,j,correlation`` that goes with it.

    Raises
    ------
    ParseError
        As `read_port`.
    """
    moments = [
        _moment_line(path, line, cells, f"asset {i}")
        for i, (line, cells) in enumerate(_rows(path, ","), 1)
    ]
    if not moments:
        raise ParseError(path, "the file has no assets: lines 'mean,deviation' were expected")
    means, deviations = np.array(moments).T
    correlation = _read_correlation(correlations, _rows(correlations, ","), len(moments))
    return PortFile(means, deviations, correlation)


def read_port(path: Path) -> PortFile:
    """Read a ``port`` file.

    Raises
    ------
    ParseError
        Where the file is cut short, a number is missing, not finite or out of range, or two
        entries contradict each other; the line is named.
    """
    rows = _rows(path)
    n = _read_count(path, rows)
    moments: list[tuple[float, float]] = []  # grown, for the count may be nonsense
    for i in range(n):
        line, cells = _next(path, rows, f"asset {i + 1} of {n}")
        moments.append(_moment_line(path, line, cells, f"asset {i + 1}"))
    means, deviations = np.array(moments).T
    return PortFile(means, deviations, _read_correlation(path, rows, n))


def _moment_line(path: Path, line: int, cells: list[str], asset: str) -> tuple[float, float]:
    """Mean and standard deviation of an asset."""
    if len(cells) != 2:
        raise ParseError(
            path, f"{asset} needs a mean and a standard deviation, got {_quoted(cells)}", line
        )
    mean, deviation = (_number(path, line, cell) for cell in cells)
    if deviation < 0.0:
        raise ParseError(path, f"standard deviation {cells[1]} of {asset} is negative", line)
    return mean, deviation


def _rows(path: Path, separator: str | None = None) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of every line that holds some; white space separates by default."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as fault:
        raise ParseError(path, f"not a text file in UTF-8: {fault.reason}") from None
    for line, row in enumerate(text.splitlines(), 1):
        if row.strip():
            yield line, [cell.strip() for cell in row.split(separator)]


def _next(
    path: Path, rows: Iterator[tuple[int, list[str]]], wanted: str
) -> tuple[int, list[str]]:
    try:
        return next(rows)
    except StopIteration:
        raise ParseError(path, f"the file ends before {wanted}; it may be cut short") from None


def _read_count(path: Path, rows: Iterator[tuple[int, list[str]]]) -> int:
    line, cells = _next(path, rows, "the number of assets")
    if _is_moment_line(cells):
        raise ParseError(
            path, "no number of assets on the first line: a portef file lists the frontier (mean "
            "return and variance) and is no instance; read the port file of the same number", line,
        )
    if len(cells) != 1 or not _COUNT.fullmatch(cells[0]) or int(cells[0]) < 1:
        raise ParseError(path, f"the number of assets was expected, got {_quoted(cells)}", line)
    return int(cells[0])


def _read_correlation(
    path: Path, rows: Iterator[tuple[int, list[str]]], n: int
) -> NDArray[np.float64]:
    correlation = np.full((n, n), np.nan)
    for line, cells in rows:
        if len(cells) != 3 or not all(_COUNT.fullmatch(cell) for cell in cells[:2]):
            raise ParseError(path, f"'i j correlation' was expected, got {_quoted(cells)}", line)
        i, j = int(cells[0]), int(cells[1])
        if not (1 <= i <= n and 1 <= j <= n):
            raise ParseError(path, f"pair {i} {j} is outside the assets 1 to {n}", line)
        value = _number(path, line, cells[2])
        if abs(value) > 1.0:
            raise ParseError(
                path, f"correlation {cells[2]} of assets {i} and {j} is not between -1 and 1", line
            )
        if i == j and value != 1.0:
            raise ParseError(
                path, f"correlation {cells[2]} of asset {i} with itself is not 1", line
            )
        known = correlation[i - 1, j - 1]
        if not np.isnan(known) and known != value:
            raise ParseError(
                path, f"correlation {cells[2]} of assets {i} and {j} was {known:g} before", line
            )
        correlation[i - 1, j - 1] = correlation[j - 1, i - 1] = value
    np.fill_diagonal(correlation, 1.0)
    missing = np.argwhere(np.isnan(np.triu(correlation)))
    if len(missing):
        i, j = (missing[0] + 1).tolist()
        raise ParseError(
            path, f"{len(missing)} of {n * (n - 1) // 2} correlations are missing, the first that "
            f"of assets {i} and {j}; the file may be cut short",
        )
    return correlation


def _number(path: Path, line: int, cell: str) -> float:
    if not _NUMBER.fullmatch(cell) or not isfinite(float(cell)):
        raise ParseError(path, f"a finite number was expected, got {cell!r}", line)
    return float(cell)


def _quoted(cells: list[str]) -> str:
    text = " ".join(cells)
    return repr(text if len(text) <= 40 else text[:37] + "...")
