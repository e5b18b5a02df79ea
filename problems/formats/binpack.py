"""Bin packing files: OR-Library's ``binpack`` files and the layout of BPPLIB.

OR-Library (``binpack1.txt``): the number of instances, and for each of them a line with its name,
a line ``capacity n best``, and `n` sizes.

BPPLIB (and Scholl, Klein and Jürgens): the number of items, the capacity, and the sizes, each in a
line of its own.
"""

from dataclasses import dataclass
from pathlib import Path

from qopt.errors import ParseError

from .graph_data import is_count
from .plain_numbers import PlainNumbers, choose, first_line_cells


@dataclass(frozen=True)
class BinPackingFile:
    """What a bin packing file says of one instance.

    Parameters
    ----------
    name : str
        Empty where the file has none.
    capacity : float
    sizes : tuple of float
    best : int, optional
        The best known number of bins.
    """

    name: str
    capacity: float
    sizes: tuple[float, ...]
    best: int | None = None


def recognises(name: str, head: str) -> bool:
    """Whether the file is OR-Library's: a count, a name, and ``capacity n best``."""
    rows = [line.split() for line in head.removeprefix("\ufeff").splitlines() if line.strip()][:4]
    return (
        [len(row) for row in rows] == [1, 1, 3, 1]
        and is_count(rows[0][0])
        and _is_name(rows[1][0])
        and is_count(rows[2][1])
        and is_count(rows[2][2])
        and all(cell[:1].isdecimal() for cell in (rows[2][0], rows[3][0]))
    )


def _is_name(cell: str) -> bool:
    """Whether a cell stands for the name of an instance: no number, and no word of a format."""
    return cell[:1].isalpha() and any(letter.isdecimal() for letter in cell)


def read_binpack(path: Path, instance: int = 1) -> BinPackingFile:
    """Read one instance of a bin packing file.

    Raises
    ------
    ParseError
        Where the file is cut short or goes on, a number is missing, negative or none, an item is
        larger than a bin, or there is no such instance; the line is named.
    """
    numbers = PlainNumbers.read(path)
    if first_line_cells(numbers) != 1:
        raise ParseError(
            path, "expected the number of items (BPPLIB) or of instances (OR-Library) alone in the "
            "first line", numbers.line,
        )
    first = numbers.count("the number of items or instances")
    if numbers.left and _is_name(numbers.cells[1][1]):
        wanted = choose(path, first, instance)
        found = [_orlib(numbers) for _ in range(first)]
        numbers.end(f"{first} instance{'s' * (first > 1)}")
        return found[wanted]
    choose(path, 1, instance)
    capacity = numbers.number("the capacity")
    packed = BinPackingFile("", capacity, _sizes(numbers, first, capacity))
    numbers.end(f"the sizes of {first} items, one in each line")
    return packed


def _orlib(numbers: PlainNumbers) -> BinPackingFile:
    line, name = numbers.text("the name of an instance")
    if not _is_name(name) or len(numbers.row(line)) != 1:
        raise ParseError(numbers.path, f"the name of an instance was expected, got {name!r}", line)
    capacity = numbers.number("the capacity")
    count = numbers.count("the number of items")
    best = numbers.whole("the best known number of bins")
    return BinPackingFile(name, capacity, _sizes(numbers, count, capacity), best or None)


def _sizes(numbers: PlainNumbers, count: int, capacity: float) -> tuple[float, ...]:
    numbers.need(count, f"the sizes of {count} items")
    sizes = []
    for i in range(count):
        line = numbers.line
        sizes.append(numbers.number(f"the size of item {i + 1}"))
        if sizes[-1] > capacity:
            raise ParseError(
                numbers.path, f"item {i + 1} of size {sizes[-1]:g} fits into no bin of capacity "
                f"{capacity:g}", line,
            )
    return tuple(sizes)
