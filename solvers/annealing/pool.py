"""What a search has found: its distinct answers, and the best energy it has told of."""

from math import inf
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from qopt.solver import Progress

_MOST_ANSWERS = 1000
_MOST_ANSWER_BITS = 1 << 24


class Pool:
    """Distinct answers with their energies and how often each was found."""

    def __init__(self, num_variables: int) -> None:
        self._n = num_variables
        self._most = max(1, min(_MOST_ANSWERS, _MOST_ANSWER_BITS // num_variables))
        self._found: dict[bytes, tuple[float, int]] = {}

    def __len__(self) -> int:
        return len(self._found)

    def add(self, states: NDArray[np.int8], energies: NDArray[np.float64]) -> None:
        """Add the results of a batch."""
        for packed, energy in zip(np.packbits(states, axis=1), energies, strict=True):
            key = packed.tobytes()
            _, count = self._found.get(key, (energy, 0))
            self._found[key] = (float(energy), count + 1)
        if len(self._found) > 2 * self._most:
            self._found = dict(self._best())

    def merge(self, other: "Pool") -> None:
        """Add all answers of another pool of the same model, with their counts."""
        for key, (energy, count) in other._found.items():
            self._found[key] = (energy, self._found.get(key, (energy, 0))[1] + count)

    @property
    def best(self) -> float:
        """Least energy, infinite without any answer."""
        return min((energy for energy, _ in self._found.values()), default=inf)

    def sorted(self) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
        """Answers, shape (answers, n), best first, and their counts."""
        best = self._best()
        packed = np.frombuffer(b"".join(key for key, _ in best), dtype=np.uint8)
        states = np.unpackbits(packed.reshape(len(best), -1), axis=1, count=self._n)
        counts = np.array([count for _, (_, count) in best], dtype=np.int64)
        return states.astype(np.int8), counts

    def _best(self) -> list[tuple[bytes, tuple[float, int]]]:
        return sorted(self._found.items(), key=lambda item: item[1][0])[: self._most]


class Incumbent:
    """The least energy that any thread of a search has met, reported whenever it falls.

    Parameters
    ----------
    progress : Progress
    offset : float
        The QUBO's constant, which the energies are without.
    """

    def __init__(self, progress: Progress, offset: float) -> None:
        self._progress = progress
        self._offset = offset
        self._value = inf
        self._lock = Lock()

    def meet(self, energy: float) -> None:
        """Report an energy if it is better than any so far."""
        value = energy + self._offset
        with self._lock:
            if value < self._value:
                self._value = value
                self._progress.incumbent(value)
