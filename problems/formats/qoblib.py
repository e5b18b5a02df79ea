"""Multi-period portfolio data of QOBLIB: prices, covariances and solutions as plain text.

``stock_prices.txt`` has lines ``day symbol price`` and ``covariance_matrices.txt`` lines ``day
symbol symbol covariance``, both perhaps compressed (``.gz``); lines that begin with ``#`` and blank
ones are skipped. Days count from 0. Numbers are kept as the exact decimals that the file writes.

Source of the layout: Koch et al., "Quantum optimization benchmarking library: the intractable
decathlon", arXiv 2504.03832, instances 06-portfolio.
"""

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from qopt.errors import ParseError

MOST_BYTES = 2**28
"""Bytes of a file after decompression, beyond which it is refused."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_NAMES = re.compile(r"(stock_prices|covariance_matrices)\.txt(\.gz)?")


@dataclass(frozen=True)
class Prices:
    """Prices of some assets on consecutive days.

    Parameters
    ----------
    symbols : tuple of str
        In the order in which the file names them.
    prices : tuple of tuple of Fraction
        By day and asset, all above 0.
    """

    symbols: tuple[str, ...]
    prices: tuple[tuple[Fraction, ...], ...]


Covariances = tuple[tuple[tuple[Fraction, ...], ...], ...]
"""By day and two assets."""


def recognises(name: str, head: str) -> bool:
    """Whether the file is one of the two tables, by its name."""
    return _NAMES.fullmatch(name) is not None


def read_prices(path: Path) -> Prices:
    """Read ``day symbol price`` lines in any order.

    Raises
    ------
    ParseError
        Where a line is malformed, a price is not above 0, or one is missing or given twice.
    """
    found: dict[tuple[int, str], Fraction] = {}
    symbols: dict[str, None] = {}
    for line, cells in _rows(path, 3, "day symbol price"):
        key = _day(path, line, cells[0]), cells[1]
        if key in found:
            raise ParseError(path, f"the price of {key[1]} on day {key[0]} is given twice", line)
        price = _number(path, line, cells[2])
        if price <= 0:
            raise ParseError(path, f"price {cells[2]} of {cells[1]} is not above 0", line)
        found[key] = price
        symbols.setdefault(cells[1])
    if not found:
        raise ParseError(path, "the file has no prices: lines 'day symbol price' were expected")
    names = tuple(symbols)
    days = max(day for day, _ in found) + 1
    if days > len(found):
        raise ParseError(path, f"{len(found)} prices cannot fill the days 0 to {days - 1}")
    for day in range(days):
        for name in names:
            if (day, name) not in found:
                raise ParseError(path, f"there is no price of {name} on day {day}")
    return Prices(names, tuple(tuple(found[d, name] for name in names) for d in range(days)))


def read_covariances(path: Path, symbols: tuple[str, ...], days: int) -> Covariances:
    """Read ``day symbol symbol covariance`` lines in any order.

    A pair may be given in one order only. Days beyond `days` are an error, as are other symbols.

    Raises
    ------
    ParseError
        Where a line is malformed, a value is missing, given twice or differs from that of the same
        pair in the other order, or a variance is negative.
    """
    place = {name: i for i, name in enumerate(symbols)}
    found: dict[tuple[int, int, int], Fraction] = {}
    for line, cells in _rows(path, 4, "day symbol symbol covariance"):
        day = _day(path, line, cells[0])
        if day >= days:
            raise ParseError(path, f"day {day} has no prices; they end on day {days - 1}", line)
        for name in cells[1:3]:
            if name not in place:
                raise ParseError(path, f"{name} has no prices", line)
        i, j = place[cells[1]], place[cells[2]]
        value = _number(path, line, cells[3])
        if i == j and value < 0:
            raise ParseError(path, f"variance {cells[3]} of {cells[1]} is negative", line)
        if (day, i, j) in found:
            raise ParseError(
                path, f"the covariance of {cells[1]} and {cells[2]} on day {day} is given twice",
                line,
            )
        other = found.get((day, j, i), value)
        if abs(other - value) > Fraction(1, 10**6) * max(abs(other), abs(value)):
            raise ParseError(
                path, f"covariance {cells[3]} of {cells[1]} and {cells[2]} on day {day} was "
                f"{float(other):g} in the other order", line,
            )
        found[day, i, j] = value
    n = len(symbols)
    for day in range(days):
        for i in range(n):
            for j in range(n):
                if (day, i, j) not in found and (day, j, i) not in found:
                    raise ParseError(
                        path, f"there is no covariance of {symbols[i]} and {symbols[j]} on day "
                        f"{day}; the file may be cut short"
                    )
    return tuple(
        tuple(
            tuple(found[day, i, j] if (day, i, j) in found else found[day, j, i] for j in range(n))
            for i in range(n)
        )
        for day in range(days)
    )


@dataclass(frozen=True)
class SolutionFile:
    """A portfolio over time: ``period symbol long short`` lines and what the head says.

    Parameters
    ----------
    path : Path
    head : dict of str to str
        Lines ``# name: value``: instance, budget, lambda, objective.
    rows : tuple of (int, int, str, int, int)
        Line number, period, symbol, units held long and short.
    """

    path: Path
    head: dict[str, str]
    rows: tuple[tuple[int, int, str, int, int], ...]


def read_solution(path: Path) -> SolutionFile:
    """Read a solution.

    Raises
    ------
    ParseError
        Where a line is malformed.
    """
    head: dict[str, str] = {}
    for text in _text(path).splitlines():
        if match := re.fullmatch(r"#\s*(\w+)\s*:\s*(.*\S)\s*", text):
            head.setdefault(match[1], match[2])
    rows = []
    for line, cells in _rows(path, 4, "period symbol long short"):
        if not (cells[2].isdecimal() and cells[3].isdecimal()) or len(cells[2] + cells[3]) > 12:
            raise ParseError(path, f"two counts were expected, got {' '.join(cells[2:])!r}", line)
        rows.append((line, _day(path, line, cells[0]), cells[1], int(cells[2]), int(cells[3])))
    return SolutionFile(path, head, tuple(rows))


def _rows(path: Path, count: int, layout: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of every line that holds some."""
    for line, text in enumerate(_text(path).splitlines(), 1):
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        cells = text.split()
        if len(cells) != count:
            short = text if len(text) <= 40 else text[:37] + "..."
            raise ParseError(path, f"'{layout}' was expected, got {short!r}", line)
        yield line, cells


def _text(path: Path) -> str:
    try:
        if path.suffix == ".gz":
            with gzip.open(path, "rb") as stream:
                data = stream.read(MOST_BYTES + 1)
        else:
            data = path.read_bytes()
    except (OSError, EOFError) as fault:
        raise ParseError(path, f"not a file that can be read: {fault}") from None
    if len(data) > MOST_BYTES:
        raise ParseError(path, f"the file has more than {MOST_BYTES} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise ParseError(path, f"not a text file in UTF-8: {fault.reason}") from None


def _day(path: Path, line: int, text: str) -> int:
    if not re.fullmatch(r"\d{1,6}", text):
        raise ParseError(path, f"a day that counts from 0 was expected, got {text!r:.40}", line)
    return int(text)


def _number(path: Path, line: int, text: str) -> Fraction:
    if not _NUMBER.fullmatch(text) or len(text) > 60:
        raise ParseError(path, f"a finite number was expected, got {text!r:.60}", line)
    return Fraction(text)
