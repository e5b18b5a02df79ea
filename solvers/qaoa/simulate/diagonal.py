"""The cost of every basis state, as small a number as it can be."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from qopt.errors import UsageError

from ..ansatz import Cost

_LOW = 10
"""Qubits whose sums are doubled up together, in the caches."""

_WHOLE = 1e-12
"""Distance from a whole multiple that is rounding."""

_MOST_PARTS = 8
"""Coefficients count as whole multiples of so many parts of the least one."""

Spread = Callable[[int, Callable[[int, int, int], Any]], list[Any]]


@dataclass(frozen=True, eq=False)
class Diagonal:
    """The normalised cost of all basis states: ``unit * stored + base``.

    Parameters
    ----------
    stored : ndarray of int16, float32 or float64, shape (2**n,)
        Whole numbers where the coefficients are multiples of one number and few, exactly; else the
        cost itself.
    unit, base : float
    """

    stored: NDArray[Any] = field(repr=False)
    unit: float = 1.0
    base: float = 0.0

    @classmethod
    def of(cls, values: NDArray[np.float64], dtype: DTypeLike = np.float64) -> "Diagonal":
        """Store given values, as whole numbers where they are whole and few.

        Parameters
        ----------
        values : ndarray of float64, shape (2**n,)
            The cost of every basis state, n at least 1.
        dtype : float32 or float64
            Of what is stored, where it is not whole numbers.

        Raises
        ------
        UsageError
            Where they are not 2**n finite numbers.
        """
        values = np.asarray(values, dtype=np.float64)
        if values.ndim != 1 or len(values) < 2 or len(values) & (len(values) - 1):
            raise UsageError(
                "the values of a cost are one for each of 2**n basis states: got an array of "
                f"shape {values.shape}"
            )
        if not np.isfinite(values).all():
            first = int(np.flatnonzero(~np.isfinite(values))[0])
            raise UsageError(
                f"the values of a cost must be finite numbers: state {first} has {values[first]}"
            )
        grid = _grid_of_values(values)
        if grid is not None:
            unit, base = grid
            return cls(((values - base) / unit).astype(np.int16), unit, base)
        # What all values have in common would cost small numbers digits.
        base = 0.0 if np.dtype(dtype) == np.float64 else float(values.mean())
        return cls((values - base).astype(dtype, copy=False), 1.0, base)

    @property
    def qubits(self) -> int:
        """Number of qubits."""
        return len(self.stored).bit_length() - 1

    @cached_property
    def spread(self) -> float:
        """Root of the variance over all states, a qubit; 1 where it vanishes. See `Cost.spread`."""
        deviation = abs(self.unit) * float(np.std(self.stored, dtype=np.float64))
        return deviation / float(np.sqrt(self.qubits)) or 1.0

    @cached_property
    def order(self) -> float:
        """Mean number of spins in its terms, by their squared coefficients; 2 for a constant.

        It is the total influence over the variance (O'Donnell, Analysis of Boolean Functions,
        2014, section 2.3): what flips of single bits change tells it without the terms.
        """
        variance = float(np.var(self.stored, dtype=np.float64))
        if variance == 0.0:
            return 2.0
        influence = 0.0
        for i in range(self.qubits):
            pairs = self.stored.reshape(-1, 2, 1 << i)
            changes = np.subtract(pairs[:, 0], pairs[:, 1], dtype=np.float64)
            influence += float(np.square(changes, out=changes).mean()) / 4.0
        return influence / variance

    def repeated(self, qubits: int) -> "Diagonal":
        """The same on so many more qubits, on which it does not depend."""
        return Diagonal(np.tile(self.stored, 2**qubits), self.unit, self.base) if qubits else self

    @property
    def values(self) -> NDArray[np.float64]:
        """The cost itself, shape (2**n,)."""
        if self.stored.dtype == np.float64:
            return self.stored
        values = self.stored.astype(np.float64)
        values *= self.unit
        values += self.base
        return values


def diagonal(
    cost: Cost, dtype: DTypeLike = np.float64, spread: Spread | None = None
) -> Diagonal:
    """Compute the cost of every basis state.

    Parameters
    ----------
    cost : Cost
    dtype : float32 or float64
        Of what is stored, where it is not whole numbers.
    spread : callable, optional
        ``spread(count, work)`` runs ``work(worker, first, last)`` on parts of ``range(count)``.
    """
    unit, base, whole = _grid(cost)
    stored = np.empty(2**cost.qubits, dtype=np.int16 if whole else dtype)
    write(stored, cost.ising.h, cost.couplings(), unit, base, spread)
    return Diagonal(stored, unit, base)


def write(
    stored: NDArray[Any], h: NDArray[np.float64], couplings: NDArray[np.float64],
    unit: float = 1.0, base: float = 0.0, spread: Spread | None = None,
) -> None:
    """Write ``(C - base) / unit`` of every basis state, for fields and symmetric couplings.

    Parameters
    ----------
    stored : ndarray of int16, float32 or float64, shape (2**n,)
        Written to.
    h : ndarray of float64, shape (n,)
    couplings : ndarray of float64, shape (n, n)
    unit, base : float
    spread : callable, optional
        See `diagonal`.
    """
    from . import kernels

    low = min(len(h), _LOW)
    own = np.empty(2**low)
    inner = couplings[:low, :low].copy()
    own[0] = 0.0
    for i in range(low):  # doubling: a spin adds its field over the lower ones, or takes it away
        half, lower = 1 << i, np.zeros(1)
        for j in range(i):
            lower = np.concatenate([lower + inner[i, j], lower - inner[i, j]])
        own[half : 2 * half] = own[:half] - lower
        own[:half] += lower

    def work(worker: int, first: int, last: int) -> None:
        kernels.write_costs(stored, low, first, last, h, couplings, own, unit, base)

    blocks = len(stored) >> low
    if spread is None:
        work(0, 0, blocks)
    else:
        spread(blocks, work)


def is_whole(cost: Cost) -> bool:
    """Whether the cost is stored as whole numbers."""
    return _grid(cost)[2]


def _grid_of_values(values: NDArray[np.float64]) -> tuple[float, float] | None:
    """Unit and base by which given whole numbers fit 16 bits; None where they do not."""
    least, most = float(values.min()), float(values.max())
    if max(-least, most) >= 2.0**53 or (values != np.rint(values)).any():
        return None
    steps = (values - least).astype(np.int64)
    unit = int(np.gcd.reduce(steps)) or 1
    span = int(most - least) // unit
    return (float(unit), least + unit * ((span + 1) // 2)) if span < 2**16 else None


def _grid(cost: Cost) -> tuple[float, float, bool]:
    """Unit and base of whole numbers that stand for the cost, and whether they fit 16 bits."""
    coefficients = np.concatenate([cost.ising.h, cost.ising.J])
    sizes = np.abs(coefficients)
    sizes = sizes[sizes > _WHOLE * sizes.max(initial=0.0)]  # less is what fields leave by rounding
    if not len(sizes):
        return 1.0, 0.0, True
    least = float(sizes.min())
    for parts in range(1, _MOST_PARTS + 1):
        multiples = sizes * (parts / least)
        if np.abs(multiples - np.rint(multiples)).max() <= _WHOLE:
            break
    else:
        return 1.0, 0.0, False
    # Every spin flips its coefficients' signs: values are two units of the coefficients apart.
    unit = 2.0 * least / parts
    if 2.0 * float(sizes.sum()) / unit >= 2**15 - 1:
        return 1.0, 0.0, False
    first = float(cost.ising.h.sum() + cost.ising.J.sum())
    return unit, first - unit * round(first / unit), True
