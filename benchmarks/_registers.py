"""The mixer's instructions on registers alone: what the machine's arithmetic allows."""

import numpy as np
from numba import njit

from qopt.solvers.qaoa.simulate.lanes import VECTOR_BYTES, fill, gather, mix, scatter


@njit(nogil=True, cache=True)
def spin(re: np.ndarray, im: np.ndarray, rounds: int) -> int:
    """Mix eight vectors so many times over; the lanes of a vector."""
    width = VECTOR_BYTES // re.itemsize
    tangent = fill(re, 1e-9)
    group = gather(re, im, 0, width, 8)
    for _ in range(rounds):
        group = mix(group, tangent)
    scatter(re, im, 0, width, group)
    return width
