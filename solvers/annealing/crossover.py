"""Partition crossover: a child that takes the better side wherever two answers differ.

The variables in which two answers of a sparse model differ fall into connected parts of its
interaction graph, and each part changes the energy by itself. So the best of all the 2**parts
answers that mix them part by part is found in one pass: partition crossover (Whitley, Hains and
Howe, GECCO 2009; Tinos, Whitley and Chicano, FOGA 2015), earlier iterative partial transcription
(Mobius, Freisleben, Merz and Schreiber, Phys. Rev. E 59, 4667, 1999). The parts are the clusters of
Houdayer's moves (Eur. Phys. J. B 22, 479, 2001). Import this module only when solving.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .crossover_kernels import take_better_parts
from .layout import Layout, Model


class Crossover:
    """Partition crossover of the answers of one model.

    Parameters
    ----------
    model : Model
        Laid out in sparse rows. Members of a group in which two answers differ stay together, so
        that a child of answers that keep the groups keeps them.

    Attributes
    ----------
    symmetric : bool
        Whether an answer and its complement have one energy, as in a maximum cut. Then the parts
        in which two answers agree may change sides as well.
    """

    def __init__(self, model: Model) -> None:
        n = model.num_variables
        self._model = model
        self._owner = np.full(n, -1, dtype=np.int32)
        lengths = np.diff(model.bounds)
        self._owner[model.home] = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
        self._seen = np.empty(n, dtype=np.int8)
        self._queue = np.empty(n, dtype=np.int32)
        self.symmetric = not len(model.home) and not len(model.ones) and _is_symmetric(model)

    def improve(self, x: NDArray[np.int8], other: NDArray[np.int8]) -> float:
        """Give `x` every part of `other` that lowers its energy, in place.

        Parameters
        ----------
        x, other : ndarray of int8, shape (n,)
            Answers that keep every group.

        Returns
        -------
        float
            Energy gained, at least 0, in units of the model as it is laid out (`Model.scale`).
        """
        m = self._model
        gained = 0.0
        for flipped in (0, 1) if self.symmetric else (0,):
            gained += take_better_parts(
                x, other, flipped, m.linear, m.start, m.index, m.weight,
                self._owner, m.bounds, m.home, self._seen, self._queue,
            )  # fmt: skip
        return gained

    def combine(
        self,
        answers: NDArray[np.int8],
        *,
        rounds: int = 8,
        stop: Callable[[], bool] = lambda: False,
    ) -> NDArray[np.int8]:
        """The child of the first answer and all others.

        Parameters
        ----------
        answers : ndarray of int8, shape (answers, n)
            At least one, the best first.
        rounds : int
            How often all others are gone through at most; it ends sooner where none has anything
            left to give.
        stop : callable
            Asked before each of the others whether to end with the child as it is.

        Returns
        -------
        ndarray of int8, shape (n,)
            No worse than any of the answers; where it was stopped, than the first.
        """
        child: NDArray[np.int8] = answers[0].copy()
        for _ in range(rounds):
            gained = 0.0
            for other in answers[1:]:
                if stop():
                    return child
                gained += self.improve(child, other)
            if not gained:
                break
        return child


def _is_symmetric(model: Model) -> bool:
    """Whether the spins of the model have no field: ``linear_i + sum_j w_ij / 2 = 0`` for all i."""
    n = model.num_variables
    row = np.repeat(np.arange(n), np.diff(model.start))
    field = np.asarray(model.linear, dtype=np.float64) + 0.5 * np.bincount(
        row, weights=model.weight, minlength=n
    )
    return bool((np.abs(field) <= 1e-9 * np.abs(model.linear)).all())


def warm_up_crossover(layout: Layout) -> None:
    """Compile, or load from the cache on disk, what crossover of such models needs."""
    from qopt.forms import Qubo

    if layout.rows == "sparse":
        tiny = Qubo.from_arrays([1.0, 1.0], [0], [1], [1.0])
        zeros = np.zeros(2, dtype=np.int8)
        Crossover(layout.build(tiny)).improve(zeros.copy(), zeros)
