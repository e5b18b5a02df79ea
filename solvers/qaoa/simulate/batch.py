"""Many sets of angles of one circuit, as a landscape or a population has them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..ansatz import Angles, Ansatz
from .opening import open_simulator, takes_threads
from .simulator import Precision
from .threads import Threads


def expectations(
    ansatz: Ansatz,
    many: Sequence[Angles],
    threads: int = 1,
    precision: Precision = "double",
) -> NDArray[np.float64]:
    """Expectation of the normalised cost at each set of angles.

    Each thread takes sets of its own where one set is too little work for several threads; else
    all threads work on one set after another. Either way a value is, to the last bit, what a
    simulator with so many threads gives for its set alone.

    Parameters
    ----------
    ansatz : Ansatz
        Its own angles are not looked at.
    many : sequence of Angles
        They may differ in their numbers of layers.
    threads : int
    precision : {"double", "single"}
        Of the amplitudes.

    Returns
    -------
    ndarray of float64, shape (len(many),)

    Raises
    ------
    SizeError
        Where the amplitudes do not fit.
    """
    workers, inner = (1, threads) if takes_threads(ansatz) else (min(threads, len(many)), 1)
    out = np.empty(len(many))

    def work(worker: int, first: int, last: int) -> None:
        simulator = open_simulator(ansatz, inner, precision)
        out[first:last] = [simulator.expectation(angles) for angles in many[first:last]]

    if many:
        Threads(workers).spread(len(many), work)
    return out
