"""Distance matrices: what is checked of them, and how they are said to have come about."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError

from ..formats.edge_weights import cut_after_one_decimal, nearest
from ..formats.tsplib_file import Rounding


def checked_distances(matrix: Any, least: int) -> NDArray[np.float64]:
    """A read-only copy of a distance matrix with a diagonal of zero.

    Parameters
    ----------
    matrix : array-like of float, shape (n, n)
    least : int
        Fewest locations that make sense.

    Raises
    ------
    InputError
    """
    try:
        distance = np.array(matrix, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError("distances must be a square matrix of numbers") from None
    if distance.ndim != 2 or distance.shape[0] != distance.shape[1]:
        raise InputError(f"distances must be a square matrix, got shape {distance.shape}")
    if len(distance) < least:
        raise InputError(f"at least {least} locations are needed, got {len(distance)}")
    np.fill_diagonal(distance, 0.0)
    wrong = np.argwhere(~np.isfinite(distance) | (distance < 0))
    if len(wrong):
        i, j = (int(k) for k in wrong[0])
        raise InputError(
            f"the distance from location {i + 1} to {j + 1} is {distance[i, j]:g}; distances must "
            "be finite and at least 0"
        )
    distance.flags.writeable = False
    return distance


def rounding_words(rounding: Rounding, whole: str = "rounded to whole numbers") -> str:
    """How lengths were rounded, in words."""
    words = {"tsplib": whole, "none": "not rounded", "one-decimal": "cut after one decimal"}
    return words[rounding]


def rounded(lengths: NDArray[np.float64], rounding: Rounding) -> NDArray[np.float64]:
    """Lengths rounded to whole numbers (halves up), not at all, or cut after one decimal."""
    if rounding == "none":
        return lengths
    return cut_after_one_decimal(lengths) if rounding == "one-decimal" else nearest(lengths)


def convention(weight_type: str, rounding: Rounding) -> str:
    """How the distances came about, in words."""
    if weight_type == "EXPLICIT":
        return "EXPLICIT, as given"
    return f"{weight_type}, " + rounding_words(rounding, "whole numbers by TSPLIB's rule")
