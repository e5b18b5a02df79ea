"""Removed variables as functions of those that are left, and the way back for answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.int8]

Step = tuple[int, int, int, int]
"""Variable, two that decide it, and its truth table: bit ``2 a + b`` is its value at (a, b)."""

ZERO, ONE = 0b0000, 0b1111
SAME, OPPOSITE = 0b1100, 0b0011
"""Truth tables of the constants, of a copy of the first and of its negation."""


@dataclass(frozen=True)
class Lifting:
    """Which variables are left, and how each of the others follows from two that outlived it.

    Parameters
    ----------
    variables : int
        Of the whole model.
    kept : ndarray of int64
        The variables that are left, in the order of the reduced model.
    steps : sequence of Step
        In the order of removal: a step refers to variables that were removed later, or are kept.
    """

    variables: int
    kept: NDArray[np.int64] = field(repr=False)
    steps: Sequence[Step] = field(repr=False)

    @cached_property
    def _levels(self) -> list[tuple[NDArray[Any], ...]]:
        """Steps that can be taken at once: none of a level refers to another of it."""
        if not self.steps:
            return []
        level = [0] * self.variables
        for variable, first, second, truth in reversed(self.steps):
            fixed = truth in (ZERO, ONE)
            level[variable] = 0 if fixed else 1 + max(level[first], level[second])
        table = np.array(self.steps, dtype=np.int64)
        depth = np.array([level[step[0]] for step in self.steps], dtype=np.int64)
        order = np.argsort(depth, kind="stable")
        cuts = np.flatnonzero(np.diff(depth[order])) + 1
        return [
            (*table[part, :3].T, table[part, 3].astype(np.int8)) for part in np.split(order, cuts)
        ]

    def lift(self, samples: NDArray[np.generic]) -> Bits:
        """Answers of the whole model from answers of what is left.

        Parameters
        ----------
        samples : ndarray of 0 and 1, shape (samples, left) or (left,)

        Returns
        -------
        ndarray of int8, shape (samples, variables) or (variables,)
        """
        given = np.asarray(samples)
        # Variables are rows here, so that a step reads and writes memory in one piece.
        bits = np.zeros((self.variables, *given.shape[:-1]), dtype=np.int8)
        bits[self.kept] = given.T
        for variable, first, second, table in self._levels:
            place = 2 * bits[first] + bits[second]
            shaped = table.reshape(-1, *(1,) * (bits.ndim - 1))
            bits[variable] = shaped >> place & 1
        return np.ascontiguousarray(bits.T)

    def restrict(self, sample: NDArray[np.generic]) -> Bits:
        """What an answer of the whole model says of the variables that are left."""
        return np.asarray(sample)[..., self.kept].astype(np.int8)
