"""Any objective over few bits, by its value at every bit string."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, SizeError, UsageError

MOST_BITS = 24
"""Bits of the largest table: 128 MiB of values."""


@dataclass(frozen=True, eq=False)
class Table:
    """Minimise ``values[s]`` over bit strings ``s``, bit ``i`` of the index ``s`` being variable i.

    For objectives of any degree, and for codes (the rank of a permutation) whose bits mean nothing
    one by one. Such an objective is a diagonal operator that a simulator applies at once; a circuit
    for it would need gates beyond count, so no quantum device takes it.

    Parameters
    ----------
    values : ndarray of float64, shape (2**n,)
        The objective of every bit string, n at most `MOST_BITS`.
    penalty : float, optional
        The value of strings that stand for no feasible answer, above that of all others. None where
        every string stands for one.
    labels : tuple of str
        A name for each variable; empty stands for ``x0, x1, ...``.

    Raises
    ------
    InputError
        Where the values are not ``2**n`` finite numbers, one is above the penalty, or labels and
        bits differ in number.
    SizeError
        Above `MOST_BITS` bits.
    """

    values: NDArray[np.float64] = field(repr=False)
    penalty: float | None = None
    labels: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        values = np.asarray(self.values, dtype=np.float64)
        if values.ndim != 1 or not len(values) or len(values) & (len(values) - 1):
            raise InputError(
                f"a table has a value for each of 2**n bit strings, got shape {values.shape}"
            )
        bits = len(values).bit_length() - 1
        if bits > MOST_BITS:
            raise SizeError("a table of values", bits, MOST_BITS, "bits")
        if not np.isfinite(values).all():
            raise InputError("a value of a table is NaN or infinite; values must be finite")
        if self.penalty is not None and not values.max() <= self.penalty:
            raise InputError(
                f"the penalty {self.penalty:g} of a table must be above all values of feasible "
                f"strings, the largest value is {values.max():g}"
            )
        if self.labels and len(self.labels) != bits:
            raise InputError(f"{len(self.labels)} labels for {bits} variables")
        values = values.copy()
        values.flags.writeable = False
        object.__setattr__(self, "values", values)

    def __repr__(self) -> str:
        count = len(self.values)
        few = "" if self.penalty is None else f", {self.num_feasible} of {count} strings feasible"
        return f"Table({self.num_variables} variables{few})"

    @property
    def num_variables(self) -> int:
        """Number of binary variables."""
        return len(self.values).bit_length() - 1

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Variable names: the labels, or ``x0, x1, ...``."""
        return self.labels or tuple(f"x{i}" for i in range(self.num_variables))

    @property
    def feasible(self) -> NDArray[np.bool_]:
        """Whether each string stands for a feasible answer, shape (2**n,)."""
        if self.penalty is None:
            return np.ones(len(self.values), dtype=bool)
        return np.asarray(self.values < self.penalty)

    @cached_property
    def num_feasible(self) -> int:
        """Number of strings that stand for feasible answers."""
        return int(self.feasible.sum())

    def indices(self, samples: ArrayLike) -> NDArray[np.int64]:
        """Indices of bit strings, shape (samples,)."""
        x = np.atleast_2d(np.asarray(samples))
        if x.shape[1] != self.num_variables:
            raise UsageError(f"samples have {x.shape[1]} bits, the table {self.num_variables}")
        return np.asarray(x.astype(np.int64) @ (1 << np.arange(self.num_variables)), dtype=np.int64)

    def samples(self, indices: ArrayLike) -> NDArray[np.int8]:
        """Bit strings of indices, shape (len(indices), n)."""
        rows = np.asarray(indices, dtype=np.int64)[:, None]
        return (rows >> np.arange(self.num_variables) & 1).astype(np.int8)

    def energies(self, samples: ArrayLike) -> NDArray[np.float64]:
        """Values of many bit strings, shape (samples,).

        Parameters
        ----------
        samples : array-like of 0 and 1, shape (samples, n) or (n,)
        """
        return np.asarray(self.values[self.indices(samples)])

    def energy(self, sample: ArrayLike) -> float:
        """Value of one bit string."""
        return float(self.energies(sample)[0])

    def keeps(self, samples: ArrayLike) -> NDArray[np.bool_]:
        """Whether bit strings stand for feasible answers, shape (samples,)."""
        energies = self.energies(samples)
        if self.penalty is None:
            return np.ones(len(energies), dtype=bool)
        return np.asarray(energies < self.penalty)
