"""TSPLIB edge weights: distances from coordinates, and the layouts of explicit matrices.

The formulas are those of G. Reinelt, "TSPLIB 95" (1995), section 2.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

EARTH_RADIUS = 6378.388
"""Kilometres, as TSPLIB has it."""

PI = 3.141592
"""TSPLIB's value; with the exact one some distances of its GEO instances change."""

_BLOCK = 1 << 22
"""Pairs of nodes whose distances are computed at once."""


@dataclass(frozen=True)
class Metric:
    """A rule for distances.

    Parameters
    ----------
    dimensions : int
        Coordinates of a node.
    length : callable
        Real lengths from every point of a first array, shape (a, d), to every one of a second,
        shape (b, d): an array of shape (a, b).
    whole : callable
        The rule's own rounding of these lengths to whole numbers.
    """

    dimensions: int
    length: Callable[[Array, Array], Array]
    whole: Callable[[Array], Array]


def nearest(length: Array) -> Array:
    """TSPLIB's nint, ``floor(x + 0.5)``: halves go up, where `numpy.rint` takes them to even."""
    return np.floor(length + 0.5)


def _difference(a: Array, b: Array) -> Array:
    return np.abs(a[:, None, :] - b[None, :, :])


def _euclidean(a: Array, b: Array) -> Array:
    return np.asarray(np.sqrt((_difference(a, b) ** 2).sum(axis=-1)))


def _manhattan(a: Array, b: Array) -> Array:
    return np.asarray(_difference(a, b).sum(axis=-1))


def _maximum(a: Array, b: Array) -> Array:
    return np.asarray(_difference(a, b).max(axis=-1))


def _pseudo_euclidean(a: Array, b: Array) -> Array:
    return np.asarray(np.sqrt((_difference(a, b) ** 2).sum(axis=-1) / 10.0))


def _radians(degrees: Array) -> Array:
    """Latitude or longitude written as DDD.MM, degrees and minutes; degrees cut towards zero."""
    whole = np.trunc(degrees)
    return PI * (whole + 5.0 * (degrees - whole) / 3.0) / 180.0


def _geographical(a: Array, b: Array) -> Array:
    first, second = _radians(a)[:, None, :], _radians(b)[None, :, :]
    q1 = np.cos(first[..., 1] - second[..., 1])
    q2 = np.cos(first[..., 0] - second[..., 0])
    q3 = np.cos(first[..., 0] + second[..., 0])
    cosine = 0.5 * ((1.0 + q1) * q2 - (1.0 - q1) * q3)
    return EARTH_RADIUS * np.arccos(np.clip(cosine, -1.0, 1.0))


METRICS = {
    "EUC_2D": Metric(2, _euclidean, nearest),
    "EUC_3D": Metric(3, _euclidean, nearest),
    "MAN_2D": Metric(2, _manhattan, nearest),
    "MAN_3D": Metric(3, _manhattan, nearest),
    "MAX_2D": Metric(2, _maximum, nearest),
    "MAX_3D": Metric(3, _maximum, nearest),
    "CEIL_2D": Metric(2, _euclidean, np.ceil),
    "CEIL_3D": Metric(3, _euclidean, np.ceil),
    # The floors are not of TSPLIB itself; LKH has them.
    "FLOOR_2D": Metric(2, _euclidean, np.floor),
    "FLOOR_3D": Metric(3, _euclidean, np.floor),
    "GEO": Metric(2, _geographical, lambda length: np.floor(length + 1.0)),
    # The rule "nint, and one more where that fell short" is a ceiling.
    "ATT": Metric(2, _pseudo_euclidean, np.ceil),
}
"""Every ``EDGE_WEIGHT_TYPE`` that is computed from coordinates."""


def cut_after_one_decimal(length: Array) -> Array:
    """Lengths cut to tenths."""
    # The small addition keeps a length of 0.7 that is stored as 0.6999... from becoming 0.6.
    return np.floor(10.0 * length + 1e-9) / 10.0


ROUNDINGS: dict[str, Callable[[Metric], Callable[[Array], Array]]] = {
    "tsplib": lambda metric: metric.whole,
    "none": lambda metric: lambda length: length,
    "one-decimal": lambda metric: cut_after_one_decimal,
}


def from_coordinates(kind: str, points: Any, rounding: str = "tsplib") -> Array:
    """Distances between points.

    Parameters
    ----------
    kind : str
        One of `METRICS`.
    points : array-like of float, shape (n, d)
    rounding : {"tsplib", "none", "one-decimal"}

    Returns
    -------
    ndarray of float64, shape (n, n)
        The diagonal is zero.

    Raises
    ------
    ValueError
        Where the coordinates are so large that a distance is not finite, or are no latitudes and
        longitudes.
    """
    metric = METRICS[kind]
    rounded = ROUNDINGS[rounding](metric)
    xy = np.asarray(points, dtype=np.float64).reshape(-1, metric.dimensions)
    if kind == "GEO" and (np.abs(xy) > (90.0, 180.0)).any():
        raise ValueError("GEO takes a latitude up to 90 and a longitude up to 180 degrees")
    size = len(xy)
    distance = np.empty((size, size))
    step = max(1, _BLOCK // size)
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, size, step):
            distance[start : start + step] = rounded(metric.length(xy[start : start + step], xy))
    if not np.isfinite(distance).all():
        raise ValueError("the coordinates are too large: a distance is not finite")
    np.fill_diagonal(distance, 0.0)
    return distance


def _triangle(upper: bool, by_rows: bool, diagonal: bool) -> Callable[[int], tuple[Any, Any]]:
    """Positions of a triangle in the order in which a file lists them."""

    def positions(size: int) -> tuple[Any, Any]:
        offset = 0 if diagonal else 1
        # A triangle by columns is the other one by rows, seen in the mirror.
        if upper == by_rows:
            row, col = np.triu_indices(size, offset)
        else:
            row, col = np.tril_indices(size, -offset)
        return (row, col) if by_rows else (col, row)

    return positions


LAYOUTS: dict[str, Callable[[int], tuple[Any, Any]] | None] = {
    "FULL_MATRIX": None,
    "UPPER_ROW": _triangle(True, True, False),
    "LOWER_ROW": _triangle(False, True, False),
    "UPPER_DIAG_ROW": _triangle(True, True, True),
    "LOWER_DIAG_ROW": _triangle(False, True, True),
    "UPPER_COL": _triangle(True, False, False),
    "LOWER_COL": _triangle(False, False, False),
    "UPPER_DIAG_COL": _triangle(True, False, True),
    "LOWER_DIAG_COL": _triangle(False, False, True),
}
"""Every ``EDGE_WEIGHT_FORMAT`` of an explicit matrix."""


def explicit_size(layout: str, size: int) -> int:
    """How many numbers a layout needs for `size` nodes."""
    if LAYOUTS[layout] is None:
        return size * size
    return size * (size + (1 if "DIAG" in layout else -1)) // 2


def from_layout(layout: str, values: Sequence[float], size: int) -> Array:
    """The matrix of an explicit layout, shape (size, size), with a diagonal of zero.

    The diagonal is set to zero whatever the file says: nobody drives from a place to itself, and
    files mark this with 0, 9999 or 1e8.
    """
    positions = LAYOUTS[layout]
    numbers = np.asarray(values, dtype=np.float64)
    if positions is None:
        matrix = numbers.reshape(size, size).copy()
    else:
        matrix = np.zeros((size, size))
        row, col = positions(size)
        matrix[row, col] = numbers
        matrix[col, row] = numbers
    np.fill_diagonal(matrix, 0.0)
    return matrix
