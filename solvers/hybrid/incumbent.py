"""The answer that is being improved, with the fields of all its variables."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from qopt.forms import Qubo

from ..annealing.layout import Model
from ..postprocess import precision
from . import kernels

SWEEPS = 8
"""Passes of a descent between two looks at the clock."""

REFRESH = 4096
"""Flips after which fields that gather rounding errors are summed anew."""


class Incumbent:
    """A feasible answer of a QUBO, its energy, and what each flip would change.

    Parameters
    ----------
    qubo : Qubo
    x : ndarray of int8, shape (n,)
        Keeps every group; copied.
    model : Model
        `qubo` laid out for the kernels.

    Attributes
    ----------
    x : ndarray of int8, shape (n,)
    field : ndarray of float32 or float64, shape (n,)
        What setting each bit adds to the energy, times ``model.scale``.
    energy : float
        In the QUBO's units, its offset included.
    tolerance : float
        Changes of the scaled energy that are not larger count as none.
    owner : ndarray of int32, shape (n,)
        Which of the groups with a choice a variable belongs to; -1 for none of them.
    able : ndarray of bool, shape (n,)
        Variables that can change: all but the members of groups that leave no choice.
    """

    def __init__(self, qubo: Qubo, x: NDArray[np.int8], model: Model) -> None:
        self.qubo = qubo
        self.model = model
        self.x = np.array(x, dtype=np.int8)
        self.field = np.empty_like(self.model.linear)
        self.energy = 0.0
        self.refresh()
        # Where no sum rounds, every change counts: 4 beside 1e14, too.
        self.tolerance = precision(qubo) * self.model.scale if self.model.drifts else 0.0
        n = len(self.x)
        groups = len(self.model.sizes)
        self.owner = np.full(n, -1, dtype=np.int32)
        self.owner[self.model.home] = np.repeat(
            np.arange(groups, dtype=np.int32), np.diff(self.model.bounds)
        )
        self.able = np.zeros(n, dtype=bool)
        self.able[self.model.free] = True
        self.able[self.model.home] = True
        self._coupled = np.zeros_like(self.field)

    @property
    def rows(self) -> tuple[Any, ...]:
        """Pair coefficients as the kernels take them."""
        return self.model.rows

    def refresh(self) -> None:
        """Sum fields and energy anew."""
        kernels.fields_rows(self.field, self.x, self.model.linear, self.rows)
        ones = self.x == 1
        total = self.model.linear[ones].sum(dtype=np.float64)
        total += self.field[ones].sum(dtype=np.float64)
        self.energy = float(total) / (2.0 * self.model.scale) + self.qubo.offset
        self._flips = 0

    def flip(self, which: NDArray[np.int64], change: float) -> None:
        """Flip some bits, whose change of the energy is known."""
        kernels.flip_all(self.field, self.x, which, self.rows)
        self.energy += change
        self._count(len(which))

    def descend(self, ended: Callable[[], bool]) -> int:
        """Go down to a local minimum of flips and of swaps inside groups.

        Parameters
        ----------
        ended : callable
            Asked between pieces of work whether to end early.

        Returns
        -------
        int
            Bits that were flipped on the way.
        """
        m, total = self.model, 0
        while not ended():
            before = self.energy
            flips, change, settled = kernels.descend(
                self.field, self.x, m.free, m.bounds, m.home, self.rows, self._coupled,
                self.tolerance, SWEEPS,
            )
            total += flips
            self.energy += change / m.scale
            self._count(flips)
            # An energy that does not fall over a whole piece moves by rounding alone.
            if settled or self.energy >= before:
                break
        return total

    def move_to(self, x: NDArray[np.int8]) -> None:
        """Take another answer that keeps every group."""
        self.x[:] = x
        self.refresh()

    def _count(self, flips: int) -> None:
        self._flips += flips
        if self.model.drifts and self._flips >= REFRESH:
            self.refresh()


def random_answer(qubo: Qubo, rng: Generator) -> NDArray[np.int8]:
    """A uniformly random answer that keeps every group, shape (n,)."""
    x = rng.integers(0, 2, size=qubo.num_variables, dtype=np.int8)
    for group in qubo.groups:
        members = np.asarray(group.members, dtype=np.int64)
        x[members] = 0
        x[rng.permutation(members)[: group.size]] = 1
    return x
