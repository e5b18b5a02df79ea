"""Bin packing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError, UsageError
from qopt.forms import Form, Lowering, Program
from qopt.forms.program import Comparator, tolerance
from qopt.problem import Reference, Score, Sense, Violation

from .encode import choices, lower_with, one_of, renumbered, whole_answer
from .formats.binpack import read_binpack

_Row = tuple[str, list[int], list[float], Comparator, float]


@dataclass(frozen=True, kw_only=True, eq=False)
class BinPacking:
    """Pack items into as few bins of one capacity as possible.

    An answer is a vector of int64, shape (items,): the bin of each item, counted from 0, and -1
    for an item that is in no bin or in several.

    Parameters
    ----------
    name : str
    capacity : float
    sizes : array-like of float, shape (items,)
        At least 0 and at most the capacity.
    reference : Reference, optional

    Raises
    ------
    InputError
        For no items, a size that is negative, not finite or above the capacity.
    """

    kind: ClassVar[str] = "bin-packing"

    name: str
    capacity: float
    sizes: NDArray[np.float64] = field(repr=False)
    reference: Reference | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "sizes", np.asarray(self.sizes, dtype=np.float64))
        if self.sizes.ndim != 1 or not len(self.sizes):
            raise InputError("bin packing needs at least one item")
        if not (np.isfinite(self.sizes).all() and np.isfinite(self.capacity)):
            raise InputError("a size or the capacity is NaN or infinite; both must be finite")
        for i in np.flatnonzero((self.sizes < 0) | (self.sizes > self.capacity))[:1].tolist():
            raise InputError(
                f"item {i + 1} has size {self.sizes[i]:g}; sizes lie between 0 and the capacity "
                f"{self.capacity:g}"
            )

    @classmethod
    def load(cls, path: Path, *, instance: int = 1) -> Self:
        """Read a bin packing file of OR-Library or BPPLIB.

        Parameters
        ----------
        instance : int
            Which one to take from an OR-Library file that holds several, counted from 1.
        """
        found = read_binpack(path, instance)
        reference = None
        if found.best is not None:
            reference = Reference(found.best, path.name, convention="number of bins")
        return cls(
            name=found.name or path.stem, capacity=found.capacity, sizes=np.array(found.sizes),
            reference=reference,
        )

    @property
    def sense(self) -> Sense:
        """The number of bins is minimised."""
        return "minimise"

    def data(self) -> Mapping[str, Any]:
        """Capacity and sizes."""
        return {"capacity": self.capacity, "sizes": self.sizes}

    def describe(self) -> Mapping[str, Any]:
        """Size, and between which numbers of bins the optimum lies."""
        return {
            "items": len(self.sizes),
            "capacity": self.capacity,
            "bins_at_least": self.lower_bound,
            "bins_at_most": self.upper_bound,
        }

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """The items from the largest to the smallest, shape (items,)."""
        return np.argsort(-self.sizes, kind="stable").astype(np.int64)

    @cached_property
    def lower_bound(self) -> int:
        """Bins that are needed: the bound L2.

        Items above ``capacity - a`` and those above half the capacity need a bin each; what the
        latter leave free takes some of the items from `a` to half the capacity, for any `a`
        (S. Martello and P. Toth, "Lower bounds and reduction procedures for the bin packing
        problem", Discrete Applied Mathematics 28, 1990).
        """
        slack, sizes = tolerance(self.capacity), self.sizes
        half = self.capacity / 2.0
        best = 1
        for a in [0.0, *np.unique(sizes[sizes <= half]).tolist()]:
            large = sizes > self.capacity - a + slack
            middle = ~large & (sizes > half + slack)
            small = (sizes >= a) & (sizes <= half + slack)
            free = float(middle.sum()) * self.capacity - float(sizes[middle].sum())
            rest = float(sizes[small].sum()) - free
            # A tolerance for each item: sums of decimal fractions are off by their rounding.
            more = ceil((rest - slack * len(sizes)) / self.capacity) if rest > 0.0 else 0
            best = max(best, int(large.sum() + middle.sum()) + max(more, 0))
        return best

    @cached_property
    def first_fit(self) -> NDArray[np.int64]:
        """A packing: from the largest item to the smallest, each into the first bin it fits."""
        packing = np.zeros(len(self.sizes), dtype=np.int64)
        loads: list[float] = []
        limit = self.capacity + tolerance(self.capacity)
        for i in self.order.tolist():
            size = float(self.sizes[i])
            bin_ = next((b for b, load in enumerate(loads) if load + size <= limit), len(loads))
            if bin_ == len(loads):
                loads.append(0.0)
            loads[bin_] += size
            packing[i] = bin_
        return packing

    @property
    def upper_bound(self) -> int:
        """Bins that suffice: those of the first-fit packing."""
        return int(self.first_fit.max()) + 1

    def lower(self, form: type[Form], **options: Any) -> Lowering[Any]:
        """Give the instance as a `Program`; there are no options.

        As a QUBO it goes through the program: a group for each item, and a slack of binary digits
        for each bin.
        """
        return lower_with(self, form, options)

    def to_program(self) -> Lowering[Program]:
        """Items to bins, of which no more are offered than first-fit needs.

        Bins are numbered by their largest item, so that item ``i`` in the order of sizes goes to
        one of the bins ``0..i``, those that are too large to share have a bin of their own, and
        used bins come first. Every packing has such a numbering.
        """
        offered = self._offered()
        start = np.concatenate([[0], np.cumsum([len(bins) for bins in offered])]).astype(np.int64)
        least, most = self.lower_bound, self.upper_bound
        used = {b: int(start[-1]) + k for k, b in enumerate(range(least, most))}
        rows: list[_Row] = [
            (f"item {i + 1} in one bin", list(range(start[i], start[i + 1])),
             [1.0] * len(offered[i]), "==", 1.0)
            for i in range(len(offered))
        ]
        for b in range(most):
            rows.extend(self._bin_rows(b, offered, start, used))
        for b in range(least, most - 1):
            rows.append((f"bin {b + 2} after bin {b + 1}", [used[b + 1], used[b]], [1.0, -1.0],
                         "<=", 0.0))
        linear = np.zeros(int(start[-1]) + len(used))
        linear[int(start[-1]):] = 1.0
        program = Program.build(
            linear=linear, offset=float(least), constraints=rows,
            names=[f"i{i + 1}_b{b + 1}" for i, bins in enumerate(offered) for b in bins]
            + [f"used{b + 1}" for b in used],
        )
        return Lowering(
            program,
            decode=lambda values: one_of(values, offered),
            encode=lambda answer: self._encode(answer, offered, used),
            notes=(f"{least} to {most} bins, by the bound L2 and first-fit",),
        )

    def _bin_rows(
        self, b: int, offered: list[list[int]], start: NDArray[np.int64], used: Mapping[int, int]
    ) -> list[_Row]:
        """That bin `b` holds no more than it can, and nothing where it is not used."""
        # The bins of an item are consecutive.
        inside = [i for i, bins in enumerate(offered) if bins[0] <= b <= bins[-1]]
        bits = [int(start[i]) + b - offered[i][0] for i in inside]
        sizes = [float(self.sizes[i]) for i in inside]
        title = f"bin {b + 1}"
        if b not in used:
            return [(title, bits, sizes, "<=", self.capacity)]
        rows: list[_Row] = [(title, [*bits, used[b]], [*sizes, -self.capacity], "<=", 0.0)]
        # An item of size 0 would lie in a bin that is not used.
        rows += [
            (f"item {i + 1} opens {title}", [bit, used[b]], [1.0, -1.0], "<=", 0.0)
            for i, bit in zip(inside, bits, strict=True) if self.sizes[i] == 0.0
        ]
        return rows

    def _offered(self) -> list[list[int]]:
        """The bins to which each item may go."""
        order = self.order.tolist()
        alone = int((self.sizes > self.capacity / 2.0 + tolerance(self.capacity)).sum())
        offered: list[list[int]] = [[] for _ in order]
        for place, i in enumerate(order):
            offered[i] = [place] if place < alone else list(range(min(place + 1, self.upper_bound)))
        return offered

    def _encode(
        self, answer: Any, offered: list[list[int]], used: Mapping[int, int]
    ) -> NDArray[np.float64]:
        packing = renumbered(self._check(answer), self.order)
        head = choices(packing, offered, "bins")
        return np.concatenate([head, [float(b in packing) for b in used]])

    def score(self, answer: Any) -> Score:
        """How many bins hold an item; what is over the capacity is a violation, by its amount."""
        packing = self._check(answer)
        violations = [
            Violation(f"item {i + 1} is not in exactly one bin", 1.0)
            for i in np.flatnonzero(packing < 0).tolist()
        ]
        filled = np.unique(packing[packing >= 0])
        for b in filled.tolist():
            load = float(self.sizes[packing == b].sum())
            if load > self.capacity + tolerance(self.capacity):
                text = f"bin {b + 1}: load {load:g} over capacity {self.capacity:g}"
                violations.append(Violation(text, load - self.capacity))
        return Score(float(len(filled)), tuple(violations))

    def insight(self, answer: Any) -> Mapping[str, Any]:
        """The load of every bin that holds an item."""
        packing = self._check(answer)
        filled = np.unique(packing[packing >= 0]).tolist()
        return {
            "loads": {f"bin {b + 1}": float(self.sizes[packing == b].sum()) for b in filled},
            "capacity": self.capacity,
        }

    def encode_answer(self, answer: Any) -> Any:
        """The bin of each item, both counted from 1; null for none."""
        return [b + 1 if b >= 0 else None for b in self._check(answer).tolist()]

    def decode_answer(self, data: Any) -> Any:
        """Bins from a list of them, counted from 1."""
        return self._check([-1 if b is None else b - 1 for b in data])

    def _check(self, answer: Any) -> NDArray[np.int64]:
        packing = np.asarray(answer)
        if packing.shape != self.sizes.shape:
            raise UsageError(
                f"an answer has one bin for each of {len(self.sizes)} items, got shape "
                f"{packing.shape}"
            )
        return whole_answer(packing, "bins")
