"""The knapsack problem with one or several resources."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qopt.errors import InputError, UsageError
from qopt.forms import Form, Lowering, Program
from qopt.forms.program import tolerance
from qopt.problem import Reference, Score, Sense, Violation

from .encode import bits, lower_with
from .formats.knapsack import KnapsackFile, read_knapsack


@dataclass(frozen=True, kw_only=True, eq=False)
class Knapsack:
    """Choose items of the greatest total profit that fit into every capacity.

    An answer is a vector of bits of int8, shape (items,): one where an item is taken.

    Parameters
    ----------
    name : str
    profits : array-like of float, shape (items,)
    weights : array-like of float, shape (resources, items)
        What each item takes of each resource, at least 0.
    capacities : array-like of float, shape (resources,)
        What there is of each resource, at least 0.
    reference : Reference, optional

    Raises
    ------
    InputError
        Where shapes disagree, or a number is negative (profits may be) or not finite.
    """

    kind: ClassVar[str] = "knapsack"

    name: str
    profits: NDArray[np.float64] = field(repr=False)
    weights: NDArray[np.float64] = field(repr=False)
    capacities: NDArray[np.float64]
    reference: Reference | None = None

    def __post_init__(self) -> None:
        for part in ("profits", "weights", "capacities"):
            object.__setattr__(self, part, np.asarray(getattr(self, part), dtype=np.float64))
        n, m = len(self.profits), len(self.capacities)
        if not (n and m) or self.weights.shape != (m, n):
            raise InputError(
                f"{n} profits and {m} capacities need a table of weights of shape ({m}, {n}), got "
                f"{self.weights.shape}"
            )
        if not all(np.isfinite(p).all() for p in (self.profits, self.weights, self.capacities)):
            raise InputError("a number of the knapsack is NaN or infinite; it must be finite")
        if (self.weights < 0).any() or (self.capacities < 0).any():
            raise InputError("weights and capacities of a knapsack must be at least 0")

    @classmethod
    def of(
        cls, profits: ArrayLike, weights: ArrayLike, capacity: float, *, name: str = "knapsack"
    ) -> Self:
        """A knapsack with a single resource, from weights of shape (items,)."""
        table = np.atleast_2d(np.asarray(weights, dtype=np.float64))
        return cls(name=name, profits=np.asarray(profits), weights=table,
                   capacities=np.array([capacity]))

    @classmethod
    def load(cls, path: Path, *, instance: int = 1) -> Self:
        """Read a knapsack file.

        Parameters
        ----------
        instance : int
            Which one to take from a file that holds several, counted from 1.
        """
        found: KnapsackFile = read_knapsack(path, instance)
        name = found.name or (path.stem if found.of == 1 else f"{path.stem}-{instance}")
        reference = None
        if found.best is not None:
            reference = Reference(found.best, f"{path.name}", convention="total profit")
        return cls(
            name=name, profits=found.profits, weights=found.weights, capacities=found.capacities,
            reference=reference,
        )

    @property
    def sense(self) -> Sense:
        """The profit is maximised."""
        return "maximise"

    def data(self) -> Mapping[str, Any]:
        """Profits, weights and capacities."""
        return {
            "profits": self.profits, "weights": self.weights, "capacities": self.capacities,
        }

    def describe(self) -> Mapping[str, Any]:
        """Size, and how tight the scarcest capacity is."""
        total = self.weights.sum(axis=1)
        share = np.divide(self.capacities, total, out=np.ones_like(total), where=total > 0)
        return {
            "items": len(self.profits),
            "resources": len(self.capacities),
            "tightness": round(float(min(share.min(), 1.0)), 6),
        }

    def lower(self, form: type[Form], **options: Any) -> Lowering[Any]:
        """Give the instance as a `Program`; there are no options.

        As a QUBO it goes through the program: a slack of binary digits for each capacity, no wider
        than the capacity, or unbalanced penalties without slack.
        """
        return lower_with(self, form, options)

    def to_program(self) -> Lowering[Program]:
        """Maximise the profit under one constraint for each resource."""
        program = Program.build(
            sense="maximise",
            linear=self.profits,
            constraints=[
                (self._resource(k), np.arange(len(row)), row, "<=", capacity)
                for k, (row, capacity) in enumerate(
                    zip(self.weights, self.capacities.tolist(), strict=True)
                )
            ],
            names=[f"item{i + 1}" for i in range(len(self.profits))],
        )
        return Lowering(program, decode=bits, encode=bits)

    def score(self, answer: Any) -> Score:
        """Profit of what is taken; every capacity that is exceeded is a violation."""
        x = self._check(answer)
        taken = x == 1
        violations = [
            Violation(f"item {i + 1} is undecided", 1.0) for i in np.flatnonzero(x < 0).tolist()
        ]
        for k, load in enumerate(self.weights[:, taken].sum(axis=1).tolist()):
            limit = float(self.capacities[k])
            if load > limit + tolerance(limit):
                text = f"{self._resource(k)}: {load:g} over the capacity {limit:g}"
                violations.append(Violation(text, load - limit))
        return Score(float(self.profits[taken].sum()), tuple(violations))

    def insight(self, answer: Any) -> Mapping[str, Any]:
        """What is taken, and what it needs of each resource."""
        taken = self._check(answer) == 1
        return {
            "items taken": int(taken.sum()),
            "loads": self.weights[:, taken].sum(axis=1).tolist(),
            "capacities": self.capacities.tolist(),
        }

    def encode_answer(self, answer: Any) -> Any:
        """The items that are taken, counted from 1."""
        return (np.flatnonzero(self._check(answer) == 1) + 1).tolist()

    def decode_answer(self, data: Sequence[int]) -> Any:
        """Bits from the items that are taken."""
        n = len(self.profits)
        unknown = [item for item in data if item not in range(1, n + 1)]
        if unknown:
            raise UsageError(f"there is no item {unknown[0]!r}; items are 1 to {n}")
        answer = np.zeros(n, dtype=np.int8)
        answer[np.array(data, dtype=np.int64) - 1] = 1
        return answer

    def _resource(self, k: int) -> str:
        return "weight" if len(self.capacities) == 1 else f"resource {k + 1}"

    def _check(self, answer: Any) -> NDArray[np.int8]:
        x = np.asarray(answer)
        if x.shape != self.profits.shape:
            raise UsageError(
                f"an answer has one bit for each of {len(self.profits)} items, got shape {x.shape}"
            )
        return bits(x)
