"""Square matrices as QUBOs: text (``.csv``), numpy's files (``.npy``) and scipy's sparse ones.

A matrix ``Q`` is to minimise ``x' Q x``: the diagonal is linear, and the entries (i, j) and (j, i)
are summed, so that a triangle with each entry once is the same model as the symmetric matrix of
their halves.
"""

from io import BytesIO
from math import isfinite
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import ParseError
from .qubo import Qubo

MOST_VARIABLES = 10**8
"""A wrong number in a file must not ask for all memory."""

_SEPARATORS = (",", ";", "\t")
"""Of the cells of a line; white space where none of them is there."""


def qubo_from_npy(content: bytes, path: Path) -> Qubo:
    """Read the content of a ``.npy`` file: one square array of numbers.

    Raises
    ------
    ParseError
        For any other file, another shape, and entries that are no finite numbers.
    """
    try:
        matrix = np.load(BytesIO(content), allow_pickle=False)
    except Exception as fault:  # numpy raises errors of many classes
        raise ParseError(path, f"not a .npy file: {fault}") from None
    if not isinstance(matrix, np.ndarray):
        raise ParseError(path, "the file is an archive of arrays: name it .npz")
    if matrix.dtype.kind not in "iuf":
        raise ParseError(path, f"a matrix of numbers is expected, got entries of {matrix.dtype}")
    return _qubo(matrix.astype(np.float64), path)


def qubo_from_sparse(content: bytes, path: Path) -> Qubo:
    """Read a ``.npz`` file of ``scipy.sparse.save_npz``: one square matrix, in any of its formats.

    Raises
    ------
    ParseError
        For any other file, another shape, and entries that are no finite numbers.
    """
    from scipy.sparse import load_npz

    try:
        matrix = load_npz(BytesIO(content))  # it takes no pickles
        if matrix.format in ("csr", "csc", "bsr"):
            matrix.check_format(full_check=True)
    except Exception as fault:  # scipy, numpy and zipfile each raise errors of their own
        raise ParseError(path, f"not a file of scipy.sparse.save_npz: {fault}") from None
    if matrix.dtype.kind not in "iuf":
        raise ParseError(path, f"a matrix of numbers is expected, got entries of {matrix.dtype}")
    _check_square(matrix.shape, path)
    if matrix.shape[0] > MOST_VARIABLES:
        raise ParseError(path, f"{matrix.shape[0]} variables are more than {MOST_VARIABLES}")
    entries = matrix.tocoo()
    value = entries.data.astype(np.float64)
    for k in np.flatnonzero(~np.isfinite(value))[:1]:
        raise _not_finite(int(entries.row[k]), int(entries.col[k]), value[k], path)
    return Qubo.from_arrays(np.zeros(matrix.shape[0]), entries.row, entries.col, value)


def qubo_from_csv(text: str, path: Path) -> Qubo:
    """Read the text of a square matrix, a row a line, without a heading.

    Cells are separated by commas, semicolons, tabs or white space. Blank lines and what follows a
    ``#`` are left out.

    Raises
    ------
    ParseError
        For a cell that is no finite number and a row of another length, with the line.
    """
    rows: list[list[float]] = []
    for number, line in enumerate(text.splitlines(), 1):
        plain = line.partition("#")[0].strip()
        if not plain:
            continue
        row = [_number(cell, path, number) for cell in _cells(plain)]
        if rows and len(row) != len(rows[0]):
            raise ParseError(
                path, f"a row of {len(row)} numbers, and those above have {len(rows[0])}", number
            )
        if len(rows) == len(row):
            text = f"a square matrix is expected, and this is row {len(rows) + 1} of {len(row)}"
            raise ParseError(path, text, number)
        rows.append(row)
    if not rows:
        raise ParseError(path, "the file holds no matrix")
    return _qubo(np.array(rows, dtype=np.float64), path)


def _cells(line: str) -> list[str]:
    """The cells of a line."""
    for separator in _SEPARATORS:
        if separator in line:
            return [cell.strip() for cell in line.split(separator)]
    return line.split()


def _qubo(matrix: NDArray[np.float64], path: Path) -> Qubo:
    _check_square(matrix.shape, path)
    if not np.isfinite(matrix).all():
        i, j = np.argwhere(~np.isfinite(matrix))[0]
        raise _not_finite(int(i), int(j), matrix[i, j], path)
    return Qubo.from_matrix(matrix)


def _check_square(shape: tuple[int, ...], path: Path) -> None:
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ParseError(path, f"a square matrix is expected, got shape {tuple(map(int, shape))}")


def _not_finite(i: int, j: int, value: float, path: Path) -> ParseError:
    return ParseError(path, f"entry [{i}, {j}] is {value}, not a finite number")


def _number(cell: str, path: Path, line: int) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = float("nan")
    if not isfinite(value) or "_" in cell or not cell.isascii():
        raise ParseError(path, f"{cell!r} is not a finite number", line)
    return value
