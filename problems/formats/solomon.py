"""Vehicle routing with time windows in the layout of Solomon, and of Gehring and Homberger.

A name, a ``VEHICLE`` block with number and capacity, and a ``CUSTOMER`` block whose rows are
``number x y demand ready due service``; customer 0 is the depot, whose window is its opening hours.
Source: M. M. Solomon, "Algorithms for the vehicle routing and scheduling problems with time window
constraints", Operations Research 35 (1987).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from qopt.errors import ParseError

from .graph_data import lines_of
from .tsplib_file import number_of, whole_of

_HEAD = re.compile(r"^\s*VEHICLE\s*$.*?^\s*NUMBER\s+CAPACITY", re.M | re.S | re.I)
_COLUMNS = ("number", "x", "y", "demand", "ready time", "due date", "service time")


@dataclass(frozen=True)
class Customer:
    """A row of the file.

    Parameters
    ----------
    x, y, demand, early, late, service : float
    """

    x: float
    y: float
    demand: float
    early: float
    late: float
    service: float


@dataclass(frozen=True)
class SolomonFile:
    """What a file says.

    Parameters
    ----------
    name : str
    vehicles : int
    capacity : float
    customers : tuple of Customer
        The depot first.
    """

    name: str
    vehicles: int
    capacity: float
    customers: tuple[Customer, ...]


def recognises(name: str, head: str) -> bool:
    """Whether a file has this layout, from its beginning."""
    return _HEAD.search(head.lstrip("\ufeff").replace("\r\n", "\n")) is not None


def read_solomon(path: Path) -> SolomonFile:
    """Read a file.

    Raises
    ------
    ParseError
        With file and line, for a heading that is missing, a row with another number of columns,
        customers that are not numbered 0, 1, 2, ..., a number that is not finite, a negative
        demand or service time, or a window that closes before it opens.
    """
    rows = [(line, text.split()) for line, text in lines_of(path) if text.strip("\x1a")]
    words = [" ".join(cells).upper() for _, cells in rows]
    name, start = ("", 0) if words[:1] == ["VEHICLE"] else (" ".join(rows[0][1]), 1)
    _expect(path, rows, words, start, "VEHICLE")
    _expect(path, rows, words, start + 1, "NUMBER CAPACITY")
    if len(rows) <= start + 2:
        raise ParseError(path, "the number and capacity of vehicles are missing", rows[-1][0])
    line, cells = rows[start + 2]
    if len(cells) != 2:
        raise ParseError(path, f"number and capacity were expected, got {' '.join(cells)!r}", line)
    vehicles, capacity = whole_of(path, line, cells[0]), number_of(path, line, cells[1])
    if vehicles < 1 or capacity < 0:
        raise ParseError(path, "at least one vehicle and a capacity of at least 0 are needed, got "
                               f"{vehicles} and {capacity:g}", line)
    _expect(path, rows, words, start + 3, "CUSTOMER")
    body = start + 4
    if len(rows) > body and words[body].startswith("CUST"):
        body += 1  # the titles of the columns
    customers = tuple(_customer(path, i, *row) for i, row in enumerate(rows[body:]))
    if len(customers) < 2:
        raise ParseError(path, "a depot and at least one customer are needed", rows[-1][0])
    line = rows[body][0]
    if customers[0].demand or customers[0].service:
        raise ParseError(path, "the depot, customer 0, has a demand or service time; both must be "
                               "0", line)
    return SolomonFile(name or path.stem, vehicles, capacity, customers)


def write_solomon(file: SolomonFile) -> str:
    """The text of a file."""
    lines = [
        file.name, "", "VEHICLE", "NUMBER     CAPACITY",
        f"{file.vehicles:4d}  {_number(file.capacity):>12}", "", "CUSTOMER",
        "CUST NO.  XCOORD.   YCOORD.   DEMAND    READY TIME  DUE DATE  SERVICE TIME", "",
    ]
    for number, c in enumerate(file.customers):
        cells = (number, c.x, c.y, c.demand, c.early, c.late, c.service)
        lines.append(" ".join(f"{_number(cell):>9}" for cell in cells))
    return "\n".join(lines) + "\n"


def _expect(
    path: Path, rows: Sequence[tuple[int, list[str]]], words: Sequence[str], index: int, wanted: str
) -> None:
    if index >= len(rows):
        raise ParseError(path, f"the line {wanted!r} is missing", rows[-1][0])
    if words[index] != wanted:
        got = " ".join(rows[index][1])[:40]
        raise ParseError(path, f"the line {wanted!r} was expected, got {got!r}", rows[index][0])


def _customer(path: Path, index: int, line: int, cells: list[str]) -> Customer:
    def fail(message: str) -> NoReturn:
        raise ParseError(path, message, line)

    if len(cells) != len(_COLUMNS):
        fail(f"{len(_COLUMNS)} columns were expected ({', '.join(_COLUMNS)}), got {len(cells)}")
    number = whole_of(path, line, cells[0])
    if number != index:
        fail(f"customer {index} was expected, got {number}")
    customer = Customer(*(number_of(path, line, cell) for cell in cells[1:]))
    if customer.demand < 0 or customer.service < 0:
        fail(f"customer {number} has demand {customer.demand:g} and service time "
             f"{customer.service:g}; both must be at least 0")
    if not 0 <= customer.early <= customer.late:
        fail(f"customer {number} is open from {customer.early:g} to {customer.late:g}; the window "
             "must start at 0 or later and end after its start")
    return customer


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
