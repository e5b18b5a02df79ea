"""How a model is laid out for the kernels: sparse or dense rows, single or double precision.

The kernels add and subtract coefficients millions of times, so it matters where that rounds:

- A coefficient is a whole multiple of ``2**-k``, k up to 10, in nearly every model that comes from
  counts, prices or distances. Scaled by ``2**k`` everything is whole, and floating-point numbers
  hold whole numbers exactly, up to ``2**24`` in single and ``2**53`` in double precision. No field
  is larger than ``|linear_i| + sum_j |w_ij|``, whatever the state. Where the largest of these sums
  stays below ``2**24``, single precision is exact (and half the memory); below ``2**53``, double
  precision is. A sum that overflows counts as infinite, and fits neither. Moves within groups sum
  several fields and weights, so the bounds are lower there by as much.
- Everything else is scaled by the power of two that brings the largest coefficient near one, so
  that neither 1e300 nor 1e-300 leaves the range of the temperatures, and held in double precision.
  Its fields drift by rounding; they are computed anew now and then, and at the end of every read.

Scaling by a power of two rounds nothing. The dense matrix is int8, int16 or single precision where
that holds every entry exactly. Energies are summed in double precision in every case.
"""

from dataclasses import dataclass
from typing import Any, Literal
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from qopt.forms import Group, Qubo

DENSE_DEGREE = 256
"""Mean number of neighbours from which one read on contiguous rows beats reads side by side."""

DENSE_SHARE = 0.05
"""Density from which contiguous rows beat sparse ones, where reads cannot go side by side."""

MOST_BYTES = 1 << 31
"""Largest matrix of the dense layout."""

EXACT = 2.0**24
"""Single precision holds every whole number up to this size."""

_TERMS_OF_A_SWAP = 8
"""The energy change of an exchange between groups sums four fields and four weights."""


@dataclass(frozen=True)
class Model:
    """A `Qubo` laid out for the kernels, its coefficients multiplied by `scale`.

    Parameters
    ----------
    linear : ndarray of float32 or float64, shape (n,)
    matrix : ndarray, shape (n, n) or (0, 0)
        Symmetric pair coefficients of the dense layout.
    start, index, weight : ndarray
        Compressed sparse rows of the sparse layout, ascending; else empty.
    free : ndarray of int32
        Variables outside groups.
    bounds, sizes, mates, home, seat : ndarray
        Groups that have something to swap, as `kernels.Groups` has them.
    ones : ndarray of int32
        Variables that are one in every answer: members of groups that are all ones.
    scale : float
        A power of two, so that nothing is rounded.
    drifts : bool
        Whether fields that are updated a million times gather rounding errors.
    """

    linear: NDArray[Any]
    matrix: NDArray[Any]
    start: NDArray[np.int64]
    index: NDArray[np.int32]
    weight: NDArray[Any]
    free: NDArray[np.int32]
    bounds: NDArray[np.int64]
    sizes: NDArray[np.int64]
    mates: NDArray[np.int64]
    home: NDArray[np.int32]
    seat: NDArray[np.int32]
    ones: NDArray[np.int32]
    scale: float
    drifts: bool

    @property
    def num_variables(self) -> int:
        """Number of variables, frozen ones included."""
        return len(self.linear)

    @property
    def moves(self) -> int:
        """Proposals in one sweep of one read."""
        return len(self.free) + len(self.home)

    @property
    def rows(
        self,
    ) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int32], NDArray[Any]]:
        """Pair coefficients as the row kernels take them."""
        return self.matrix, self.start, self.index, self.weight

    @property
    def sweep_cost(self) -> float:
        """Rough cost of one sweep of one read, in flips that are turned down."""
        neighbours = len(self.matrix) or len(self.index) / max(1, len(self.linear))
        flips = len(self.free) * (1.0 + neighbours / 32.0)
        return flips + len(self.home) * (24.0 + neighbours / 8.0)


_BUILT: "WeakKeyDictionary[Qubo, dict[Layout, Model]]" = WeakKeyDictionary()
"""Models of the QUBOs that somebody holds; no search writes into them."""

_CHOSEN: "WeakKeyDictionary[Qubo, dict[tuple[Any, Any], Layout]]" = WeakKeyDictionary()


@dataclass(frozen=True)
class Layout:
    """The choice of layout and arithmetic for one model; cheap to make, before anything is built.

    Parameters
    ----------
    rows : {"sparse", "dense"}
    grouped : bool
        Whether some moves are swaps.
    real : type
        float32 where the scaled coefficients are whole and every field, and every energy change
        within groups, stays below 2**24, so that single precision is exact; else float64.
    entry : type
        Type of the dense matrix: int8 or int16 where every entry fits, for it is memory that
        limits.
    scale : float
        Power of two that makes the coefficients whole, or brings the largest near one.
    drifts : bool
        Whether arithmetic in `real` rounds.
    """

    rows: Literal["sparse", "dense"]
    grouped: bool
    real: type[Any]
    entry: type[Any]
    scale: float
    drifts: bool

    @classmethod
    def choose(
        cls,
        qubo: Qubo,
        rows: Literal["sparse", "dense"] | None = None,
        real: type[Any] | None = None,
    ) -> "Layout":
        """Choose for a model; `rows` and `real` force a choice.

        Parameters
        ----------
        qubo : Qubo
        rows : {"sparse", "dense"}, optional
        real : type, optional
            ``numpy.float64`` to forgo single precision.
        """
        chosen = _CHOSEN.setdefault(qubo, {})
        if (rows, real) not in chosen:
            chosen[rows, real] = cls._choose(qubo, rows, real)
        return chosen[rows, real]

    @classmethod
    def _choose(
        cls, qubo: Qubo, rows: Literal["sparse", "dense"] | None, real: type[Any] | None
    ) -> "Layout":
        factor = _factor_to_whole(qubo)
        largest = _largest_field(qubo) * (_TERMS_OF_A_SWAP if qubo.groups else 1)
        if factor is not None and largest * factor < EXACT and real is not np.float64:
            real = np.float32
            biggest = np.abs(qubo.value).max(initial=0.0) * factor
            entry: type[Any] = np.float32
            if biggest < 2.0**15:
                entry = np.int8 if biggest < 2.0**7 else np.int16
            scale = factor
        else:
            real = entry = np.float64
            scale = _factor_to_one(qubo)
        if rows is None:
            n = qubo.num_variables
            share = DENSE_SHARE if qubo.groups else DENSE_DEGREE / max(1, n)
            fits = n**2 * np.dtype(entry).itemsize <= MOST_BYTES
            rows = "dense" if qubo.density >= share and fits else "sparse"
        drifts = factor is None or largest * factor >= 2.0**53
        return cls(rows, bool(qubo.groups), real, entry, scale, drifts)

    @property
    def side_by_side(self) -> bool:
        """Whether many reads share each pass over the model."""
        return self.rows == "sparse" and not self.grouped

    def build(self, qubo: Qubo) -> Model:
        """Lay out the model, once for as long as it is in use: several searches may share it."""
        built = _BUILT.setdefault(qubo, {})
        if self not in built:
            built[self] = self._build(qubo)
        return built[self]

    def _build(self, qubo: Qubo) -> Model:
        n = qubo.num_variables
        live = _swappable(qubo)
        free = np.ones(n, dtype=bool)
        for group in qubo.groups:
            free[list(group.members)] = False
        full = [i for g in qubo.groups if g.size == len(g.members) for i in g.members]
        value = self._apart(qubo) * self.scale
        start, index, weight = np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, self.real)
        matrix = np.zeros((0, 0), self.entry)
        if self.rows == "dense":
            matrix = np.zeros((n, n), self.entry)
            matrix[qubo.row, qubo.col] = value
            matrix[qubo.col, qubo.row] = value
        else:
            start, index, weight = _sparse_rows(qubo, value, self.real)
        lengths = [0] + [len(g.members) for g in live]
        home = np.array([i for g in live for i in g.members], dtype=np.int32)
        seat = np.zeros(n, dtype=np.int32)
        seat[home] = np.arange(len(home), dtype=np.int32)
        return Model(
            linear=(qubo.linear * self.scale).astype(self.real),
            matrix=matrix,
            start=start,
            index=index,
            weight=weight,
            free=np.flatnonzero(free).astype(np.int32),
            bounds=np.cumsum(lengths, dtype=np.int64),
            sizes=np.array([g.size for g in live], dtype=np.int64),
            mates=_mates(live),
            home=home,
            seat=seat,
            ones=np.array(full, dtype=np.int32),
            scale=self.scale,
            drifts=self.drifts,
        )

    def _apart(self, qubo: Qubo) -> NDArray[np.float64]:
        """Pair coefficients, 0 inside exactly-one groups: there, two members never meet."""
        owner = np.full(qubo.num_variables, -1)
        for number, group in enumerate(qubo.groups):
            if group.size == 1:
                owner[list(group.members)] = number
        inside = (owner[qubo.row] >= 0) & (owner[qubo.row] == owner[qubo.col])
        return np.where(inside, 0.0, qubo.value)


def _swappable(qubo: Qubo) -> list[Group]:
    """Groups with ones and zeros; exactly-one groups of equal length stand together."""
    live = [g for g in qubo.groups if 0 < g.size < len(g.members)]
    return sorted(live, key=lambda g: (g.size != 1, len(g.members)))


def _mates(groups: list[Group]) -> NDArray[np.int64]:
    """For each group the range of groups that it can exchange choices with, shape (groups, 2).

    These are exactly-one groups of equal length: positions of a tour, colours of vertices. Putting
    one choice in the place of another takes two swaps, and between them the answer is bad.
    """
    mates = np.zeros((len(groups), 2), dtype=np.int64)
    for length in {len(g.members) for g in groups}:
        alike = [b for b, g in enumerate(groups) if g.size == 1 and len(g.members) == length]
        if len(alike) > 1:
            mates[alike] = alike[0], alike[-1] + 1
    return mates


def _sparse_rows(
    qubo: Qubo, value: NDArray[np.float64], real: type[Any]
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[Any]]:
    """Symmetric rows without zeros, each ascending."""
    n = qubo.num_variables
    row, col, value = (part[value != 0.0] for part in (qubo.row, qubo.col, value))
    # The pairs come sorted by row, so one stable sort by column gives the lower part of each row.
    # Numbers of 16 bits are sorted by radix, four times as fast.
    by_column = np.argsort(col.astype(np.uint16) if n <= 1 << 16 else col, kind="stable")
    below = np.bincount(col, minlength=n)
    above = np.bincount(row, minlength=n)
    start = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(below + above, out=start[1:])
    index = np.empty(2 * len(row), dtype=np.int32)
    weight = np.empty(2 * len(row), dtype=real)
    # Position of an entry: start of its row, plus its rank within its part of the row.
    rank = np.arange(len(row))
    lower = start[col[by_column]] + rank - (np.cumsum(below) - below)[col[by_column]]
    upper = (start[:-1] + below)[row] + rank - (np.cumsum(above) - above)[row]
    index[lower], weight[lower] = row[by_column], value[by_column]
    index[upper], weight[upper] = col, value
    return start, index, weight


def _largest_field(qubo: Qubo) -> float:
    """No field is ever larger in size than this; infinite where the sum overflows."""
    with np.errstate(over="ignore"):
        total = np.abs(qubo.linear)
        for end in (qubo.row, qubo.col):
            total = total + np.bincount(
                end, weights=np.abs(qubo.value), minlength=qubo.num_variables
            )
        return float(total.max(initial=0.0))


def _factor_to_whole(qubo: Qubo) -> float | None:
    """Smallest power of two, up to 2**10, that makes every coefficient whole; None if none does."""
    coefficients = np.concatenate([qubo.linear, qubo.value])
    if len(coefficients) and np.abs(coefficients).max() >= 2.0**53:
        return None
    for power in range(11):
        scaled = coefficients * 2.0**power
        if (scaled == np.rint(scaled)).all():
            return 2.0**power
    return None


def _factor_to_one(qubo: Qubo) -> float:
    """Power of two that brings the largest coefficient near one, for models in odd units."""
    largest = max(np.abs(qubo.linear).max(initial=0.0), np.abs(qubo.value).max(initial=0.0))
    return float(2.0 ** -np.clip(np.floor(np.log2(largest)), -1000, 1000)) if largest else 1.0
