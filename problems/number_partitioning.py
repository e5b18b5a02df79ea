"""Number partitioning: two parts whose sums differ least."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError, ParseError, UsageError
from qopt.forms import Form, Lowering, Program, Qubo
from qopt.problem import Reference, Score, Sense, Violation

from .encode import NEITHER, bits, lower_with
from .formats.plain_numbers import EXACT, PlainNumbers

Objective = Literal["square", "difference"]

LARGEST_SUM = 2**46
"""Sums from here on are refused."""


@dataclass(frozen=True, kw_only=True, eq=False)
class NumberPartitioning:
    """Split numbers in two so that the sums of both parts differ least.

    An answer is a vector of bits of int8, shape (numbers,): the part of each number. Every answer
    is feasible. Sums are calculated with whole numbers, without rounding.

    Parameters
    ----------
    name : str
    numbers : sequence of int
        At least 0. Their sum is below 2**46: beyond it, the tolerance with which models keep a
        limit, a share of it, is above half a unit.
    objective : {"square", "difference"}
        The square of the difference of both sums, as the quadratic models of the literature have
        it; or the difference itself, a linear model with one constraint. A model's objective is the
        problem's but for a factor and a constant, so that one problem cannot have both. The square
        must stay below 2**53: then the sum is at most 94 906 265.
    reference : Reference, optional
        In the convention of `objective`.

    Raises
    ------
    InputError
        For no numbers, a negative one, or a sum that is too large.
    """

    kind: ClassVar[str] = "number-partitioning"

    name: str
    numbers: tuple[int, ...] = field(repr=False)
    objective: Objective = "square"
    reference: Reference | None = None

    def __post_init__(self) -> None:
        given = tuple(self.numbers)
        if not given:
            raise InputError("there are no numbers to split")
        for item in given:
            if isinstance(item, bool) or not isinstance(item, int | np.integer) or item < 0:
                raise InputError(f"numbers must be whole and at least 0, got {item!r}")
        object.__setattr__(self, "numbers", tuple(int(item) for item in given))
        if self.objective not in ("square", "difference"):
            raise UsageError(
                f"objective must be 'square' or 'difference', got {self.objective!r}"
            )
        total = sum(self.numbers)
        if total >= LARGEST_SUM:
            raise InputError(
                f"the numbers sum to {total}; below 2**46 = {LARGEST_SUM} models are exact, and "
                "no larger sums are taken"
            )
        if self.objective == "square" and total**2 > EXACT:
            raise InputError(
                f"the numbers sum to {total}, whose square is above 2**53, beyond which doubles "
                "are not exact; take objective='difference'"
            )

    @classmethod
    def load(cls, path: Path, *, objective: Objective = "square") -> Self:
        """Read a file of whole numbers, separated by white space, and nothing else.

        Parameters
        ----------
        objective : {"square", "difference"}
            What is minimised: the square of the difference of both sums, or the difference.
        """
        cells = PlainNumbers.read(path)
        if not cells.left:
            cells.fail("the file holds no numbers")
        numbers = cells.wholes(cells.left, "number {}")
        try:
            return cls(name=path.stem, numbers=tuple(numbers), objective=objective)
        except InputError as fault:
            raise ParseError(path, str(fault)) from fault

    @property
    def sense(self) -> Sense:
        """The difference, or its square, is minimised."""
        return "minimise"

    @property
    def total(self) -> int:
        """Sum of all numbers."""
        return sum(self.numbers)

    def data(self) -> Mapping[str, Any]:
        """The numbers and the objective."""
        return {"numbers": list(self.numbers), "objective": self.objective}

    def describe(self) -> Mapping[str, Any]:
        """Size, and how many digits there are for each number."""
        largest = max(self.numbers)
        return {
            "numbers": len(self.numbers),
            "sum": self.total,
            "digits_per_number": round(largest.bit_length() / len(self.numbers), 6),
            "objective": self.objective,
        }

    def lower(self, form: type[Form], **options: Any) -> Lowering[Any]:
        """Give the instance as a `Program` or `Qubo`; neither has options."""
        return lower_with(self, form, options)

    def to_program(self) -> Lowering[Program]:
        """Fill one part up to half of the sum; the parts are named so that it is the lighter one.

        With the objective "difference" that is a single constraint, and the difference is what the
        filling leaves of the sum. With "square" a whole variable holds the difference.
        """
        weights = np.array(self.numbers, dtype=np.float64)
        n, total = len(weights), self.total
        names = [f"number{i + 1}" for i in range(n)]
        if self.objective == "difference":
            program = Program.build(
                linear=-2.0 * weights, offset=float(total), names=names,
                constraints=[("lighter part", np.arange(n), weights, "<=", float(total // 2))],
            )
            return Lowering(program, decode=bits, encode=self._lighter)
        program = Program.build(
            linear=np.zeros(n + 1), row=[n], col=[n], value=[1.0],
            upper=[*np.ones(n), float(total)], names=[*names, "difference"],
            constraints=[
                ("difference", np.arange(n + 1), [*(2.0 * weights), 1.0], "==", float(total))
            ],
        )

        def encode(answer: Any) -> NDArray[np.float64]:
            x = self._lighter(answer)
            return np.append(x, float(self._difference(x)))

        return Lowering(program, decode=lambda values: bits(values)[:n], encode=encode)

    def to_qubo(self) -> Lowering[Qubo]:
        """The square of the difference, without further bits; the largest number stays in part 0.

        The objective "difference" goes through its program, with binary digits of slack for what
        the lighter part lacks of half the sum.
        """
        if self.objective == "difference":
            first = self.to_program()
            return first.then(first.model.to_qubo())
        held = int(np.argmax(self.numbers))
        weights = np.delete(np.array(self.numbers, dtype=np.float64), held)
        total = float(self.total)
        i, j = np.triu_indices(len(weights), 1)
        # (S - 2 sum a x)^2 = S^2 - 4 S sum a x + 4 (sum a x)^2
        qubo = Qubo.from_arrays(
            4.0 * weights * (weights - total), i, j, 8.0 * weights[i] * weights[j],
            offset=total**2,
            labels=[f"number{k + 1}" for k in range(len(self.numbers)) if k != held],
        )

        def encode(answer: Any) -> NDArray[np.int8]:
            x = self._check(answer)
            return np.delete(x if x[held] == 0 else 1 - x, held).astype(np.int8)

        return Lowering(
            qubo, decode=lambda sample: np.insert(bits(sample), held, 0), encode=encode,
            notes=(f"{len(weights)} bits: the largest number stays in one part",),
        )

    def _lighter(self, answer: Any) -> NDArray[np.int8]:
        """The same parts, named so that part 1 is the lighter one."""
        x = self._check(answer)
        inside = sum(a for a, bit in zip(self.numbers, x.tolist(), strict=True) if bit == 1)
        return x if 2 * inside <= self.total else (1 - x).astype(np.int8)

    def _difference(self, x: NDArray[np.int8]) -> int:
        inside = sum(a for a, bit in zip(self.numbers, x.tolist(), strict=True) if bit == 1)
        return abs(self.total - 2 * inside)

    def score(self, answer: Any) -> Score:
        """The difference of both sums, or its square."""
        x = self._check(answer)
        violations = [
            Violation(f"number {i + 1} is undecided", 1.0) for i in np.flatnonzero(x < 0).tolist()
        ]
        gap = self._difference(x)
        return Score(float(gap**2 if self.objective == "square" else gap), tuple(violations))

    def insight(self, answer: Any) -> Mapping[str, Any]:
        """The sums of both parts and their difference."""
        x = self._check(answer)
        sums = [
            sum(a for a, bit in zip(self.numbers, x.tolist(), strict=True) if bit == part)
            for part in (0, 1)
        ]
        return {"sums": sums, "difference": abs(sums[0] - sums[1])}

    def encode_answer(self, answer: Any) -> Any:
        """The places, counted from 1, of the numbers in part 1 and of those in no part."""
        x = self._check(answer)
        found = {"part": (np.flatnonzero(x == 1) + 1).tolist()}
        if (x < 0).any():
            found["undecided"] = (np.flatnonzero(x < 0) + 1).tolist()
        return found

    def decode_answer(self, data: Mapping[str, Sequence[int]]) -> Any:
        """Bits from the places."""
        if "part" not in data:
            raise UsageError("an answer says which places are in one part, as 'part'")
        x = np.zeros(len(self.numbers), dtype=np.int8)
        for name, value in (("part", 1), ("undecided", NEITHER)):
            for place in data.get(name, ()):
                if place not in range(1, len(x) + 1):
                    raise UsageError(f"there is no number {place}; they are 1 to {len(x)}")
                x[place - 1] = value
        return x

    def _check(self, answer: Any) -> NDArray[np.int8]:
        x = np.asarray(answer)
        if x.shape != (len(self.numbers),):
            raise UsageError(
                f"an answer has one bit for each of {len(self.numbers)} numbers, got shape "
                f"{x.shape}"
            )
        return bits(x)
