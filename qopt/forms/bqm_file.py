"""The ``.bqm`` files of dimod, versions 1 and 2 of its published format.

They are written by dimod and read here: dimod's own reader trusts what the file says, and a damaged
one can bring the whole process down.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, ParseError
from .convert_dimod import labels_of, qubo_to_dimod
from .ising import Ising
from .qubo import Qubo

MAGIC = b"DIMODBQM"

_BIASES = ("float64", "float32", "int64", "int32", "int16", "int8")
_INDICES = ("int64", "int32", "int16", "uint64", "uint32", "uint16")


def qubo_to_bqm(qubo: Qubo) -> bytes:
    """The model as dimod's ``.bqm`` file; groups become penalties."""
    with qubo_to_dimod(qubo).to_file() as stream:
        return bytes(stream.read())


def qubo_from_bqm(content: bytes, source: str | Path = "<bytes>") -> Qubo:
    """Read the content of a ``.bqm`` file; spins ``s`` become bits ``(s + 1) / 2``.

    Raises
    ------
    ParseError
        For anything that the format does not allow.
    """
    try:
        return _read(content)
    except _DamageError as fault:
        raise ParseError(source, f"not a dimod .bqm file: {fault}") from None
    except InputError as fault:
        raise ParseError(source, str(fault)) from None


class _DamageError(Exception):
    """What is wrong with the file."""


def _read(content: bytes) -> Qubo:
    header, version, at = _header(content)
    n, m = header["shape"]
    bias = np.dtype(header["dtype"]).newbyteorder("<")
    index = np.dtype(header["itype"]).newbyteorder("<")
    degree = np.dtype(header["ntype"]).newbyteorder("<")
    offset, at = _array(content, at, bias, 1)
    first, at = _array(content, at, np.dtype([("start", degree), ("bias", bias)]), n)
    pairs, at = _array(content, at, np.dtype([("other", index), ("bias", bias)]), 2 * m)
    row, col, value = _lower_triangle(
        np.append(first["start"].astype(np.int64), 2 * m),
        pairs["other"].astype(np.int64), pairs["bias"].astype(np.float64),
    )
    labels = _labels(header, version, content[at:], n)
    linear = first["bias"].astype(np.float64)
    if header["vartype"] == "BINARY":
        return Qubo.from_arrays(
            linear, row, col, value, offset=float(offset[0]), labels=labels
        )
    # dimod's spin is s = 2 x - 1, ours z = 1 - 2 x.
    plain = Qubo.from_ising(Ising(-linear, row, col, value, float(offset[0])))
    return Qubo.from_arrays(
        plain.linear, plain.row, plain.col, plain.value, offset=plain.offset, labels=labels
    )


def _header(content: bytes) -> tuple[dict[str, Any], int, int]:
    """The header, the major version, and where the data begin."""
    if not content.startswith(MAGIC) or len(content) < 14:
        raise _DamageError("it does not begin with DIMODBQM and a header")
    version = content[8]
    if version not in (1, 2):
        raise _DamageError(f"version {version} of the format; 1 and 2 are read")
    end = 14 + int.from_bytes(content[10:14], "little")
    if end > len(content):
        raise _DamageError("it ends within the header")
    header = _json(content[14:end])
    if not isinstance(header, dict):
        raise _DamageError("its header is no JSON object")
    choices = {
        "dtype": _BIASES, "itype": _INDICES, "ntype": _INDICES, "vartype": ("BINARY", "SPIN")
    }
    for key, known in choices.items():
        if header.get(key) not in known:
            raise _DamageError(f"{key} is {header.get(key)!r}, and not one of {', '.join(known)}")
    shape = header.get("shape")
    if not (
        isinstance(shape, list) and len(shape) == 2
        and all(type(size) is int and 0 <= size <= len(content) for size in shape)
    ):
        raise _DamageError(f"shape {shape!r} does not fit {len(content)} bytes")
    return header, version, end


def _array(
    content: bytes, at: int, dtype: np.dtype[Any], count: int
) -> tuple[NDArray[Any], int]:
    end = at + count * dtype.itemsize
    if end > len(content):
        raise _DamageError("it is truncated")
    return np.frombuffer(content[at:end], dtype=dtype), end


def _lower_triangle(
    start: NDArray[np.int64], other: NDArray[np.int64], bias: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Every pair once, from neighbourhoods that hold each from both its ends."""
    n = len(start) - 1
    degree = np.diff(start)
    if (n and start[0] != 0) or (degree < 0).any() or start[-1] != len(other):
        raise _DamageError("its neighbourhoods do not fit its shape")
    source = np.repeat(np.arange(n), degree)
    if len(other) and (other.min() < 0 or other.max() >= n or (other == source).any()):
        raise _DamageError("a pair names a variable that does not exist")
    below, above = other < source, other > source
    order = np.lexsort((other[above], source[above]))
    mirror = np.lexsort((source[below], other[below]))
    row, col, value = source[above][order], other[above][order], bias[above][order]
    if not (
        np.array_equal(row, other[below][mirror])
        and np.array_equal(col, source[below][mirror])
        and np.array_equal(value, bias[below][mirror], equal_nan=True)
    ):
        raise _DamageError("a pair differs between its two ends")
    return row, col, value


def _labels(header: dict[str, Any], version: int, rest: bytes, n: int) -> list[str]:
    """Labels from the header (version 1) or from the section behind the data (version 2)."""
    labels = header.get("variables")
    if version == 2:
        if labels is False:
            return []
        if labels is not True or rest[:4] != b"VARS":
            raise _DamageError("its labels are missing")
        size = int.from_bytes(rest[4:8], "little")
        if len(rest) < 8 + size:
            raise _DamageError("it is truncated")
        labels = _json(rest[8 : 8 + size])
    if not isinstance(labels, list) or len(labels) != n:
        raise _DamageError(f"it has no list of {n} labels")
    return labels_of([tuple(label) if isinstance(label, list) else label for label in labels])


def _json(content: bytes) -> Any:
    try:
        return json.loads(content.decode("ascii"))
    except (ValueError, RecursionError):
        raise _DamageError("its header or labels are no JSON text") from None
