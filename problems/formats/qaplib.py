"""QAPLIB files: ``.dat`` with `n` and two matrices, and ``.sln`` with a solution.

A ``.dat`` file is `n`, then the `n` by `n` matrices A and B, over any line breaks. The objective is
the sum of ``A[i, j] B[p(i), p(j)]``. A ``.sln`` file is `n`, the value, and the permutation,
counted from 1.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qopt.errors import ParseError

from .plain_numbers import PlainNumbers

LARGEST = 10_000
"""So that a broken first line does not fill the memory."""


def read_dat(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both matrices, each of shape (n, n).

    Raises
    ------
    ParseError
        Where the file is cut short or goes on, or a number is missing, negative or none; the line
        is named.
    """
    numbers = PlainNumbers.read(path)
    n = numbers.whole("the size", 1, LARGEST)
    numbers.need(2 * n * n, f"two matrices of {n} by {n} numbers")
    first, second = (
        np.array(numbers.numbers(n * n, f"entry {{}} of the {which} matrix")).reshape(n, n)
        for which in ("first", "second")
    )
    numbers.end(f"two matrices of {n} by {n} numbers")
    return first, second


def read_sln(path: Path, size: int) -> tuple[float, NDArray[np.int64]]:
    """Value and permutation, counted from 0, of a solution of that size.

    Raises
    ------
    ParseError
        For another size, or something that is no permutation; the line is named.
    """
    numbers = PlainNumbers.read(path, ())
    numbers.cells[:] = [
        (line, part) for line, cell in numbers.cells for part in cell.split(",") if part
    ]
    line = numbers.line
    n = numbers.whole("the size", 1, LARGEST)
    if n != size:
        raise ParseError(path, f"a solution of size {n}, the instance has size {size}", line)
    value = numbers.number("the value")
    line = numbers.line
    order = numbers.wholes(n, "entry {} of the permutation", 1, n)
    numbers.end("the permutation")
    if len(set(order)) != n:
        raise ParseError(path, f"the {n} entries are no permutation of 1 to {n}", line)
    return value, np.array(order, dtype=np.int64) - 1


def write_sln(value: float, permutation: NDArray[np.int64]) -> str:
    """The text of a ``.sln`` file."""
    entries = " ".join(str(k + 1) for k in permutation.tolist())
    return f"{len(permutation)} {value:.15g}\n{entries}\n"
