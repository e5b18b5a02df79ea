"""What is left of a QUBO where some of its variables are fixed."""

from dataclasses import dataclass, replace
from functools import cached_property
from math import comb, prod

import numpy as np
from numpy.typing import NDArray

from qopt.forms import Group, Qubo

from .semidefinite import Multipliers, Quadratic, spin_form

_Floats = NDArray[np.float64]
_Ints = NDArray[np.int64]
_Bits = NDArray[np.int8]

FREE = -1
"""The value of a variable that is not fixed."""

_ROUNDING = 1e-14
"""What rounding may change in the cost of a variable, as a share of the sizes of its terms."""

_SIGNS = np.array([[1, 1, 1], [1, 1, -1], [1, -1, 1], [-1, 1, 1]])
"""The spins of a triangle that its inequality turns, by the kind of `semidefinite_kernels`."""


@dataclass(frozen=True)
class Dense:
    """A QUBO with its couplings in a matrix.

    Parameters
    ----------
    linear : ndarray of float64, shape (n,)
    coupling : ndarray of float64, shape (n, n)
        Symmetric, zero diagonal: the coefficient of each pair, twice.
    offset : float
    groups : tuple of (ndarray of int64, int)
        Members and size.
    """

    linear: _Floats
    coupling: _Floats
    offset: float
    groups: tuple[tuple[_Ints, int], ...]

    @classmethod
    def of(cls, model: Qubo) -> "Dense":
        """The same model."""
        upper = model.to_matrix()
        np.fill_diagonal(upper, 0.0)
        groups = tuple((np.array(g.members, dtype=np.int64), g.size) for g in model.groups)
        return cls(model.linear, upper + upper.T, model.offset, groups)

    @cached_property
    def rounding(self) -> _Floats:
        """What rounding may change in each variable's cost; nothing where all are whole."""
        whole = all((part == np.rint(part)).all() for part in (self.linear, self.coupling))
        size = np.abs(self.coupling).sum(axis=1) + np.abs(self.linear)
        return np.zeros(len(size)) if whole else _ROUNDING * size

    @property
    def symmetric(self) -> bool:
        """Whether every answer and its complement have the same energy."""
        quarter = self.coupling.sum(axis=1) / 2.0
        return not self.groups and bool((self.linear == -quarter).all())


@dataclass(frozen=True)
class Rest:
    """The free variables of a node, and the model that they leave.

    Parameters
    ----------
    values : ndarray of int8, shape (n,)
        0 or 1 where fixed, else `FREE`.
    free : ndarray of int64, shape (free,)
    model : Dense
        Over the free variables.
    """

    values: _Bits
    free: _Ints
    model: Dense

    @cached_property
    def answers(self) -> int:
        """How many answers keep the groups."""
        grouped = sum(len(members) for members, _ in self.model.groups)
        choices = prod(comb(len(members), size) for members, size in self.model.groups)
        return int(choices) << (len(self.free) - grouped)

    def answer(self, bits: NDArray[np.generic]) -> _Bits:
        """An answer of the whole model from one of this."""
        whole = self.values.copy()
        whole[self.free] = bits
        return whole

    def qubo(self) -> Qubo:
        """The model as a `Qubo`."""
        model = self.model
        row, col = np.nonzero(np.triu(model.coupling))
        groups = [Group(tuple(m.tolist()), size) for m, size in model.groups]
        return Qubo.from_arrays(
            model.linear, row, col, model.coupling[row, col], offset=model.offset, groups=groups
        )

    def quadratic(self) -> tuple[Quadratic, float]:
        """The model over spins ``z = 1 - 2 x`` and a fixed spin 0, and its constant."""
        model = self.model
        weights = np.zeros((len(model.groups), len(self.free)))
        for row, (members, _) in zip(weights, model.groups, strict=True):
            row[members] = 1.0
        sums = np.array([size for _, size in model.groups], dtype=np.float64)
        problem, constant = spin_form(model.linear, model.coupling, weights, sums)
        return problem, constant + model.offset


def settle(whole: Dense, values: _Bits) -> Rest | None:
    """Fix what follows from the values that are fixed; None where a group cannot be kept.

    A group that has its ones, or needs all that are left, is fixed. A variable outside of groups
    is fixed where one of its values costs no more than the other whatever the others are.
    """
    values = values.copy()
    grouped = np.zeros(len(values), dtype=bool)
    for members, size in whole.groups:
        grouped[members] = True
        needed = size - int((values[members] == 1).sum())
        left = members[values[members] == FREE]
        if not 0 <= needed <= len(left):
            return None
        if needed in (0, len(left)):
            values[left] = int(needed > 0)
    _settle_alone(whole, values, grouped)
    free = np.flatnonzero(values == FREE)
    return Rest(values, free, _left(whole, values, free))


def _settle_alone(whole: Dense, values: _Bits, grouped: NDArray[np.bool_]) -> None:
    """Fix variables outside of groups where one value is never worse than the other, in place.

    One at a time: where ties are settled together, each may count on the other's value.
    """
    free = values == FREE
    linear = whole.linear + whole.coupling @ (values == 1)
    most = linear + np.maximum(whole.coupling, 0.0) @ free
    least = linear + np.minimum(whole.coupling, 0.0) @ free
    alone = free & ~grouped
    scale = whole.rounding
    while True:
        settled = np.flatnonzero(alone & ((most <= -scale) | (least >= scale)))
        if not len(settled):
            return
        i = int(settled[0])
        values[i] = int(most[i] <= -scale[i])
        alone[i] = False
        row = whole.coupling[i]
        most += values[i] * row - np.maximum(row, 0.0)
        least += values[i] * row - np.minimum(row, 0.0)


def _left(whole: Dense, values: _Bits, free: _Ints) -> Dense:
    """The model over the free variables."""
    ones = (values == 1).astype(np.float64)
    linear = whole.linear[free] + whole.coupling[free] @ ones
    offset = whole.offset + float(whole.linear @ ones + ones @ whole.coupling @ ones / 2.0)
    place = np.full(len(values), -1)
    place[free] = np.arange(len(free))
    groups = []
    for members, size in whole.groups:
        kept = members[values[members] == FREE]
        if len(kept):
            groups.append((place[kept], size - int((values[members] == 1).sum())))
    return Dense(linear, whole.coupling[np.ix_(free, free)], offset, tuple(groups))


# -- multipliers --------------------------------------------------------------------------------
# Those of a node go by the spins of the whole model, 0 the fixed one; of its relaxation, by what
# is left: fixed variables are spin 0, turned where their value is 1.


def globalised(rest: Rest, at: Multipliers) -> Multipliers:
    """Multipliers of a node's relaxation by the spins of the whole model."""
    spins = np.concatenate([[0], rest.free + 1])
    diagonal = np.zeros(len(rest.values) + 1)
    diagonal[spins] = at.diagonal
    cuts = at.cuts.copy()
    cuts[:, :3] = spins[at.cuts[:, :3]]
    return replace(at, diagonal=diagonal, cuts=cuts)


def localised(rest: Rest, at: Multipliers) -> Multipliers:
    """Multipliers of an ancestor as those of a node's relaxation."""
    place = np.zeros(len(rest.values) + 1, dtype=np.int64)
    place[rest.free + 1] = 1 + np.arange(len(rest.free))
    turn = np.ones(len(rest.values) + 1, dtype=np.int64)
    turn[1:][rest.values == 1] = -1
    diagonal = np.bincount(place, weights=at.diagonal, minlength=len(rest.free) + 1)
    corners = place[at.cuts[:, :3]]
    signs = _SIGNS[at.cuts[:, 3]] * turn[at.cuts[:, :3]]
    order = np.argsort(corners, axis=1, kind="stable")
    corners = np.take_along_axis(corners, order, axis=1)
    signs = np.take_along_axis(signs, order, axis=1)
    signs *= np.where(signs.sum(axis=1, keepdims=True) < 0, -1, 1)
    kinds = np.where((signs < 0).any(axis=1), 3 - signs.argmin(axis=1), 0)
    kept = (corners[:, 0] < corners[:, 1]) & (corners[:, 1] < corners[:, 2])
    keys = np.column_stack([corners, kinds])[kept]
    cuts, where = np.unique(keys, axis=0, return_inverse=True)
    weights = np.bincount(where.ravel(), weights=at.weights[kept], minlength=len(cuts))
    return Multipliers(
        diagonal.astype(np.float64), np.ascontiguousarray(cuts, dtype=np.int32),
        weights.astype(np.float64),
    )
