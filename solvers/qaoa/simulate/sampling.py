"""Drawing states by their probabilities, and the bits of basis states."""

import numpy as np
from numpy.typing import NDArray


def sample(
    probabilities: NDArray[np.float64], shots: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Basis states drawn by their probabilities, ascending, shape (shots,).

    Parameters
    ----------
    probabilities : ndarray of float64, shape (2**n,)
        Not negative; need not sum to one exactly.
    """
    reached = np.cumsum(probabilities)
    thresholds = np.sort(generator.random(shots)) * reached[-1]
    found = np.searchsorted(reached, thresholds, side="right")
    return np.asarray(np.minimum(found, len(reached) - 1), dtype=np.int64)


def top_states(probabilities: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """The most probable basis states, most probable first, shape (min(count, 2**n),)."""
    count = min(count, len(probabilities))
    best = np.argpartition(-probabilities, count - 1)[:count]
    return np.asarray(best[np.lexsort((best, -probabilities[best]))])


def to_bits(indices: NDArray[np.int64], qubits: int) -> NDArray[np.int8]:
    """Bits of basis-state indices, shape (len(indices), qubits); column ``i`` is bit ``i``."""
    return ((indices[:, None] >> np.arange(qubits)) & 1).astype(np.int8)
