"""Binary codes of bounded whole numbers, without a code outside the range."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray


def bit_values(count: int) -> list[int]:
    """What the bits of a number in ``0 .. count`` are worth: 1, 2, 4, ... and the remainder.

    Every pattern of bits is a number in the range, and every number has at least one pattern.

    >>> bit_values(9)
    [1, 2, 4, 2]
    """
    values: list[int] = []
    while count > 0:
        values.append(min(1 << len(values), count))
        count -= values[-1]
    return values


@dataclass(frozen=True, eq=False)
class BinaryCode:
    """Bits for several whole numbers, one after the other.

    Parameters
    ----------
    start : ndarray of int64, shape (numbers + 1,)
        Number ``i`` has the bits ``start[i] .. start[i + 1] - 1``.
    owner : ndarray of int64, shape (bits,)
        The number that each bit belongs to.
    worth : ndarray of int64, shape (bits,)
        What each bit adds to its number.
    """

    start: NDArray[np.int64] = field(repr=False)
    owner: NDArray[np.int64] = field(repr=False)
    worth: NDArray[np.int64] = field(repr=False)

    @classmethod
    def of(cls, counts: ArrayLike) -> "BinaryCode":
        """A code for numbers in ``0 .. counts[i]``; one that is always 0 takes no bit."""
        values = [bit_values(int(count)) for count in np.asarray(counts)]
        lengths = [len(v) for v in values]
        return cls(
            start=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            owner=np.repeat(np.arange(len(values)), lengths).astype(np.int64),
            worth=np.array([v for part in values for v in part], dtype=np.int64),
        )

    @property
    def num_bits(self) -> int:
        """Bits of all numbers together."""
        return len(self.owner)

    def decode(self, bits: NDArray[np.generic]) -> NDArray[np.int64]:
        """The numbers that `bits`, shape (bits,), stand for."""
        total = np.zeros(len(self.start) - 1, dtype=np.int64)
        np.add.at(total, self.owner, self.worth * np.asarray(bits, dtype=np.int64))
        return total

    def encode(self, numbers: NDArray[np.int64]) -> NDArray[np.int8]:
        """A pattern of bits for `numbers`, each within its range."""
        bits = np.zeros(self.num_bits, dtype=np.int8)
        rest = np.array(numbers, dtype=np.int64)
        # From the last bit down: what is left always fits into the bits below, because those are
        # 1, 2, 4, ... and the last is worth no more than all of them and one.
        for i in range(self.num_bits - 1, -1, -1):
            number = self.owner[i]
            below = self.worth[self.start[number] : i].sum()
            if rest[number] > below:
                bits[i] = 1
                rest[number] -= self.worth[i]
        return bits

    def expand(
        self, numbers: NDArray[np.int64], coefficients: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """A linear form over numbers as one over bits: indices and coefficients."""
        lengths = self.start[numbers + 1] - self.start[numbers]
        before = np.cumsum(lengths) - lengths
        index = np.arange(int(lengths.sum())) + np.repeat(self.start[numbers] - before, lengths)
        return index, np.repeat(coefficients, lengths) * self.worth[index]
