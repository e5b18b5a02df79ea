"""A part of a QUBO: some variables are open, all others stay as an answer has them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.forms import Group, Qubo

from .incumbent import Incumbent


@dataclass(frozen=True)
class Subproblem:
    """A QUBO over the chosen variables of a larger one.

    For every answer that keeps the groups, the energy of the whole is that of the part plus
    `constant`.

    Parameters
    ----------
    qubo : Qubo
        Its variable ``a`` is variable ``chosen[a]`` of the whole. What the others contribute is in
        its linear terms; of each group the chosen members form a group with as many ones as they
        have now.
    chosen : ndarray of int64, shape (size,)
        Ascending.
    constant : float
    """

    qubo: Qubo
    chosen: NDArray[np.int64]
    constant: float

    @classmethod
    def of(cls, incumbent: Incumbent, chosen: NDArray[np.int64]) -> "Subproblem":
        """The part that some variables make, all others being fixed at the incumbent."""
        chosen = np.sort(chosen)
        now = incumbent.x[chosen]
        row, col, value = _pairs(incumbent, chosen)
        linear = incumbent.field[chosen].astype(np.float64) / incumbent.model.scale
        np.subtract.at(linear, row, value * now[col])
        np.subtract.at(linear, col, value * now[row])
        qubo = Qubo.from_arrays(
            linear, row, col, value, groups=_groups(incumbent.owner[chosen], now)
        )
        return cls(qubo, chosen, incumbent.energy - qubo.energy(now))


def _groups(owner: NDArray[np.int32], now: NDArray[np.int8]) -> list[Group]:
    """The chosen part of each group, as it is kept."""
    found = []
    for group in np.unique(owner[owner >= 0]):
        members = np.flatnonzero(owner == group)
        found.append(Group(tuple(members.tolist()), int(now[members].sum())))
    return found


def _pairs(
    incumbent: Incumbent, chosen: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Pairs among the chosen variables, by their positions, sorted."""
    model: Any = incumbent.model
    if len(model.matrix):
        block = model.matrix[np.ix_(chosen, chosen)].astype(np.float64)
        row, col = np.nonzero(np.triu(block, 1))
        return row, col, block[row, col] / model.scale
    begin, length = model.start[chosen], np.diff(model.start)[chosen]
    row = np.repeat(np.arange(len(chosen)), length)
    entry = np.arange(len(row)) - np.repeat(np.cumsum(length) - length - begin, length)
    other = model.index[entry]
    col = np.searchsorted(chosen, other)
    col[col == len(chosen)] = 0
    inside = (chosen[col] == other) & (col > row)
    return row[inside], col[inside], model.weight[entry[inside]].astype(np.float64) / model.scale
