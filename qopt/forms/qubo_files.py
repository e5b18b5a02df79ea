"""Files of quadratic binary models, each with its reading and its writing.

========== ============================================================================
``json``   `qopt.forms.qubo_json`: labels and groups included
``ising``  the same over spins
``bqm``    dimod's own file
``sparse`` BiqMac: ``n m``, then ``i j v`` from 1: minimise ``x' Q x`` with symmetric ``Q``,
           of which one triangle is written, so that an off-diagonal entry counts twice
``npz``    numpy arrays ``i``, ``j``, ``q`` (and ``n``, ``offset``): minimise
           ``sum q x_i x_j``, each entry once
========== ============================================================================

More are read only: square matrices as ``.csv``, as ``.npy`` and, sparse, as ``.npz`` of
``scipy.sparse.save_npz``, to minimise ``x' Q x`` (`qopt.forms.matrix_files`). And ``json`` may be
the text of dimod's ``bqm.to_serializable()``.

Where a format has no groups they are written as penalties (`Qubo.penalised`), so that the file has
the same best answers.
"""

from collections.abc import Callable, Sequence
from io import BytesIO
from math import isfinite
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, ParseError, UsageError
from .bqm_file import MAGIC, qubo_from_bqm, qubo_to_bqm
from .matrix_files import MOST_VARIABLES, qubo_from_csv, qubo_from_npy, qubo_from_sparse
from .qubo import Qubo
from .qubo_json import ising_to_json, qubo_from_json, qubo_to_json

QuboFormat = Literal["json", "ising", "bqm", "sparse", "npz"]

_MOST_BYTES = 2**32
"""What the arrays of a ``.npz`` file may take: compressed ones can be a thousand times the file."""

_MATRICES = {".csv": "csv", ".npy": "npy"}
"""Suffixes of files that are read and not written."""

__all__ = [
    "QuboFormat", "dump_qubo", "ising_to_json", "qubo_from_json", "qubo_to_biqmac", "qubo_to_bqm",
    "qubo_to_json", "qubo_to_npz", "read_qubo", "write_qubo",
]


def read_qubo(path: str | Path, *, format: QuboFormat | None = None) -> Qubo:
    """Read a QUBO file of any known format.

    Parameters
    ----------
    path : path-like
    format : {"json", "ising", "bqm", "sparse", "npz"}, optional
        Left out, the file's suffix tells (``.csv`` and ``.npy``, too), or else its content.

    Raises
    ------
    ParseError
        Where the file is not what it should be, with the line if it has lines.
    InputError
        Where there is no such file.
    """
    path = Path(path)
    name: str | None = _named(format) or _format_of(path)
    try:
        content = path.read_bytes()
    except OSError as fault:
        raise InputError(f"{path} cannot be read: {fault.strerror}") from None
    name = name or _MATRICES.get(path.suffix.lower()) or _sniffed(content)
    readers: dict[str, Callable[[bytes, Path], Qubo]] = {
        "json": _read_json, "ising": _read_json, "bqm": qubo_from_bqm, "npz": _read_npz,
        "sparse": _read_biqmac, "npy": qubo_from_npy, "csv": _read_csv,
    }
    try:
        return readers[name](content, path)
    except ParseError:
        raise
    except InputError as fault:
        raise ParseError(path, str(fault)) from None


def write_qubo(qubo: Qubo, path: str | Path, *, format: QuboFormat | None = None) -> None:
    """Write a QUBO file; the suffix tells the format unless it is named."""
    name = _named(format) or _format_of(Path(path))
    if name is None:
        raise UsageError(
            f"the suffix of {path} names no format; end it with .json, .bqm, .sparse or .npz, or "
            "name the format"
        )
    Path(path).write_bytes(dump_qubo(qubo, name))


def dump_qubo(qubo: Qubo, format: QuboFormat) -> bytes:
    """The content of the file that `write_qubo` writes."""
    if format in ("bqm", "npz"):
        return qubo_to_bqm(qubo) if format == "bqm" else qubo_to_npz(qubo)
    writers = {"json": qubo_to_json, "ising": ising_to_json, "sparse": qubo_to_biqmac}
    _named(format)
    return writers[format](qubo).encode()


def _named(format: QuboFormat | None) -> QuboFormat | None:
    if format is not None and format not in get_args(QuboFormat):
        raise UsageError(
            f"format must be one of {', '.join(get_args(QuboFormat))}, got {format!r}"
        )
    return format


def _format_of(path: Path) -> QuboFormat | None:
    suffixes: dict[str, QuboFormat] = {
        ".json": "json", ".bqm": "bqm", ".sparse": "sparse", ".npz": "npz"
    }
    return suffixes.get(path.suffix.lower())


def _sniffed(content: bytes) -> str:
    if content.startswith(MAGIC):
        return "bqm"
    if content.startswith(b"PK"):
        return "npz"
    if content.startswith(b"\x93NUMPY"):
        return "npy"
    return "json" if content.lstrip()[:1] == b"{" else "sparse"


def _text(content: bytes, path: Path) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ParseError(path, "the file is not text") from None


# -- JSON -----------------------------------------------------------------------------------------


def _read_json(content: bytes, path: Path) -> Qubo:
    return qubo_from_json(_text(content, path), path)


# -- matrices -------------------------------------------------------------------------------------


def _read_csv(content: bytes, path: Path) -> Qubo:
    return qubo_from_csv(_text(content, path), path)


# -- numpy ----------------------------------------------------------------------------------------


def qubo_to_npz(qubo: Qubo) -> bytes:
    """The model as coordinate arrays in a ``.npz`` file; groups become penalties."""
    model = qubo.penalised()
    diagonal = np.flatnonzero(model.linear)
    stream = BytesIO()
    np.savez_compressed(
        stream,
        i=np.concatenate([diagonal, model.row]),
        j=np.concatenate([diagonal, model.col]),
        q=np.concatenate([model.linear[diagonal], model.value]),
        n=np.array(model.num_variables),
        offset=np.array(model.offset),
    )
    return stream.getvalue()


def _read_npz(content: bytes, path: Path) -> Qubo:
    try:
        with np.load(BytesIO(content), allow_pickle=False) as archive:
            size = sum(item.file_size for item in archive.zip.infolist())
            if size > _MOST_BYTES:
                raise ParseError(path, f"its arrays have {size} bytes, at most {_MOST_BYTES}")
            if "format" in archive.files:
                return qubo_from_sparse(content, path)
            arrays: dict[str, NDArray[Any]] = {name: archive[name] for name in archive.files}
    except ParseError:
        raise
    except Exception as fault:  # numpy, zipfile and zlib each raise errors of their own
        raise ParseError(path, f"not a .npz file: {fault}") from None
    if missing := [name for name in "ijq" if name not in arrays]:
        raise ParseError(
            path, f"array {missing[0]!r} is missing; i, j and q are needed (or a file of "
            "scipy.sparse.save_npz)",
        )
    i, j, q = (arrays[name] for name in "ijq")
    if not (i.ndim == j.ndim == q.ndim == 1 and len(i) == len(j) == len(q)):
        raise ParseError(path, "i, j and q must be vectors of the same length")
    if i.dtype.kind not in "iu" or j.dtype.kind not in "iu" or q.dtype.kind not in "iuf":
        raise ParseError(path, "i and j must hold whole numbers, and q numbers")
    least = int(max(i.max(initial=-1), j.max(initial=-1))) + 1
    n = _scalar(arrays, "n", least, path)
    if n != int(n) or n < least:
        raise ParseError(path, f"n is {n:g}, and the indices need {least}")
    if n > MOST_VARIABLES:
        raise ParseError(path, f"{n:g} variables are more than {MOST_VARIABLES}")
    return Qubo.from_arrays(
        np.zeros(int(n)), i, j, q, offset=_scalar(arrays, "offset", 0.0, path)
    )


def _scalar(arrays: dict[str, NDArray[Any]], name: str, default: float, path: Path) -> float:
    value = arrays.get(name)
    if value is None:
        return default
    if value.size != 1 or value.dtype.kind not in "iuf" or not np.isfinite(value).all():
        raise ParseError(path, f"{name} must be one finite number")
    return float(value.reshape(()))


# -- BiqMac ---------------------------------------------------------------------------------------


def qubo_to_biqmac(qubo: Qubo) -> str:
    """The model as BiqMac ``.sparse`` text; groups become penalties.

    The format has no offset. It is written as a comment behind the last entry, where other readers
    have stopped and `read_qubo` finds it.
    """
    model = qubo.penalised()
    diagonal = np.flatnonzero(model.linear)
    row = np.concatenate([diagonal, model.row])
    col = np.concatenate([diagonal, model.col])
    value = np.concatenate([model.linear[diagonal], model.value / 2.0])
    order = np.lexsort((col, row))
    lines = [f"{model.num_variables} {len(row)}"]
    row, col, value = row[order] + 1, col[order] + 1, value[order]
    for i, j, v in zip(row.tolist(), col.tolist(), value.tolist(), strict=True):
        lines.append(f"{i} {j} {int(v) if v.is_integer() else repr(v)}")
    if model.offset:
        lines.append(f"# offset {model.offset!r}")
    return "\n".join([*lines, ""])


def _read_biqmac(content: bytes, path: Path) -> Qubo:
    lines = _text(content, path).splitlines()
    offset = 0.0
    entries = []
    for number, line in enumerate(lines, 1):
        plain, mark, comment = line.partition("#")
        words = comment.split()
        if mark and len(words) == 2 and words[0] == "offset":
            offset = _number(words[1], path, number)
        if plain.strip():
            entries.append((number, plain))
    if not entries:
        raise ParseError(path, "the file is empty; the first line gives n and m")
    n, m = _biqmac_header(*entries[0], path)
    if len(entries) - 1 != m:
        number = entries[-1][0]
        raise ParseError(path, f"{m} entries are announced, {len(entries) - 1} are there", number)
    table = _biqmac_table(entries[1:], n, path)
    i, j = table[:, 0].astype(np.int64) - 1, table[:, 1].astype(np.int64) - 1
    keys = np.minimum(i, j) * n + np.maximum(i, j)
    order = np.argsort(keys, kind="stable")
    repeated = order[1:][keys[order][1:] == keys[order][:-1]]
    if len(repeated):
        k = int(repeated.min())
        raise ParseError(path, f"pair {i[k] + 1} {j[k] + 1} occurs twice", entries[k + 1][0])
    value = np.where(i == j, table[:, 2], 2.0 * table[:, 2])
    return Qubo.from_arrays(np.zeros(n), i, j, value, offset=offset)


def _biqmac_header(number: int, line: str, path: Path) -> tuple[int, int]:
    try:
        n, m = map(int, line.split())
    except ValueError:
        n = m = -1
    if n < 1 or m < 0:
        raise ParseError(
            path, f"the first line is n m, variables and entries, not {line.strip()!r}", number
        )
    if n > MOST_VARIABLES:
        raise ParseError(path, f"{n} variables are more than {MOST_VARIABLES}", number)
    return n, m


def _biqmac_table(
    entries: Sequence[tuple[int, str]], n: int, path: Path
) -> NDArray[np.float64]:
    """Rows ``i j v``, checked all at once, and line by line where that finds a fault."""
    if not entries:
        return np.zeros((0, 3))
    try:
        table = np.loadtxt([line for _, line in entries], dtype=np.float64, ndmin=2)
    except ValueError:
        table = np.zeros((0, 0))
    if table.shape[1] == 3 and np.isfinite(table).all():
        index = table[:, :2]
        if ((index >= 1) & (index <= n) & (index == np.rint(index))).all():
            return table
    for number, line in entries:
        words = line.split()
        if len(words) != 3:
            raise ParseError(path, f"an entry is i j v, not {line.strip()!r}", number)
        for word in words[:2]:
            if not (word.isascii() and word.isdecimal()) or not 1 <= int(word) <= n:
                raise ParseError(path, f"{word!r} is no variable in 1..{n}", number)
        _number(words[2], path, number)
    raise ParseError(path, "the entries are not understood")


def _number(word: str, path: Path, line: int) -> float:
    try:
        value = float(word)
    except ValueError:
        value = float("nan")
    if not isfinite(value) or "_" in word or not word.isascii():
        raise ParseError(path, f"{word!r} is not a finite number", line)
    return value
