"""The market split problem: 0-1 variables that meet several equations at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError, ParseError, UsageError
from qopt.forms import Form, Lowering, Program, Qubo
from qopt.forms.program import Comparator
from qopt.problem import Reference, Score, Sense, Violation

from .encode import bits, lower_with
from .formats.plain_numbers import EXACT, PlainNumbers, first_line_cells

Objective = Literal["square", "absolute"]

_Row = tuple[str, list[int], list[float], Comparator, float]


@dataclass(frozen=True, kw_only=True, eq=False)
class MarketSplit:
    """Choose bits ``x`` so that ``A x`` comes as near to ``b`` as can be, at best to equality.

    An answer is a vector of bits of int8, shape (variables,). Every answer is feasible: what the
    equations are off by is the objective, 0 where all are met. Sums are calculated with whole
    numbers, without rounding. The problem is that of G. Cornuejols and M. Dawande, "A class of hard
    small 0-1 programs" (IPCO 1998).

    Parameters
    ----------
    name : str
    coefficients : array-like of int, shape (equations, variables)
        The matrix ``A``.
    targets : array-like of int, shape (equations,)
        The right-hand side ``b``.
    objective : {"square", "absolute"}
        The sum of the squares of what the equations are off by, as a QUBO has it without further
        bits; or the sum of their sizes, a linear model.
    reference : Reference, optional
        In the convention of `objective`; 0 is the same in both.

    Raises
    ------
    InputError
        Where shapes disagree, a number is not whole, or sums are so large that doubles would round
        the objective.
    """

    kind: ClassVar[str] = "market-split"

    name: str
    coefficients: NDArray[np.int64] = field(repr=False)
    targets: NDArray[np.int64] = field(repr=False)
    objective: Objective = "square"
    reference: Reference | None = None

    def __post_init__(self) -> None:
        for part in ("coefficients", "targets"):
            given = np.asarray(getattr(self, part))
            if given.dtype.kind not in "iu":
                raise InputError(f"{part} of a market split must be whole numbers")
            object.__setattr__(self, part, given.astype(np.int64))
        A, b = self.coefficients, self.targets
        if A.ndim != 2 or not A.size or b.shape != (len(A),):
            raise InputError(
                f"coefficients of shape {A.shape} need as many targets as rows, got shape {b.shape}"
            )
        if self.objective not in ("square", "absolute"):
            raise UsageError(f"objective must be 'square' or 'absolute', got {self.objective!r}")
        # Python's whole numbers do not overflow.
        reach = [sum(map(abs, row)) + abs(t) for row, t in zip(A.tolist(), b.tolist(), strict=True)]
        if sum(r**2 if self.objective == "square" else r for r in reach) > EXACT:
            raise InputError(
                f"the equations reach {max(reach)}, so that the objective {self.objective!r} goes "
                "above 2**53, beyond which doubles are not exact"
            )

    @classmethod
    def load(cls, path: Path, *, objective: Objective = "square") -> Self:
        """Read a file of QOBLIB: a line ``m n``, then `m` lines of `n` coefficients and the target.

        Parameters
        ----------
        objective : {"square", "absolute"}
            What is minimised: the sum of squares of what the equations are off by, or of sizes.
        """
        A, b = _read(path)
        try:
            return cls(name=path.stem, coefficients=A, targets=b, objective=objective)
        except InputError as fault:
            raise ParseError(path, str(fault)) from fault

    @property
    def sense(self) -> Sense:
        """What the equations are off by is minimised."""
        return "minimise"

    def data(self) -> Mapping[str, Any]:
        """The equations and the objective."""
        return {
            "coefficients": self.coefficients, "targets": self.targets, "objective": self.objective
        }

    def describe(self) -> Mapping[str, Any]:
        """Size and convention."""
        return {
            "equations": len(self.targets),
            "variables": self.coefficients.shape[1],
            "objective": self.objective,
        }

    def lower(self, form: type[Form], **options: Any) -> Lowering[Any]:
        """Give the instance as a `Program` or `Qubo`; neither has options."""
        return lower_with(self, form, options)

    def to_program(self) -> Lowering[Program]:
        """Each equation with whole variables for what it is off by.

        With the objective "absolute" there are two for each, over and under, whose sum is
        minimised. With "square" there is one, at least as large as the difference either way, whose
        square is: it starts from 0, so that relaxations of the square are positive.
        """
        A, b = self.coefficients, self.targets
        m, n = A.shape
        over = np.maximum(np.maximum(A, 0).sum(axis=1) - b, 0)
        under = np.maximum(b - np.minimum(A, 0).sum(axis=1), 0)
        square = self.objective == "square"
        rows: list[_Row] = []
        for k in range(m):
            title, target = f"equation {k + 1}", float(b[k])
            places = np.arange(n)
            if square:
                rows.append((title, [*places, n + k], [*A[k], -1.0], "<=", target))
                rows.append((title, [*places, n + k], [*A[k], 1.0], ">=", target))
            else:
                rows.append((title, [*places, n + k, n + m + k], [*A[k], -1.0, 1.0], "==", target))
        off = [np.maximum(over, under)] if square else [over, under]
        sides = ["off"] if square else ["over", "under"]
        squares = np.arange(n, n + m) if square else np.arange(0)
        program = Program.build(
            linear=[0.0] * n + [0.0 if square else 1.0] * (m * len(off)),
            row=squares, col=squares, value=np.ones(len(squares)),
            upper=np.concatenate([np.ones(n), *off]),
            constraints=rows,
            names=[f"x{i + 1}" for i in range(n)]
            + [f"{side}{k + 1}" for side in sides for k in range(m)],
        )

        def encode(answer: Any) -> NDArray[np.float64]:
            x = self._check(answer)
            off = self._off(x)
            parts = [np.abs(off)] if square else [off.clip(0), (-off).clip(0)]
            return np.concatenate([x, *parts]).astype(np.float64)

        return Lowering(program, decode=lambda values: bits(values)[:n], encode=encode)

    def to_qubo(self) -> Lowering[Qubo]:
        """The sum of squares ``|A x - b|^2``, without further bits.

        The objective "absolute" goes through its program, with binary digits for what the equations
        are off by.
        """
        if self.objective == "absolute":
            first = self.to_program()
            return first.then(first.model.to_qubo())
        A, b = self.coefficients.astype(np.float64), self.targets.astype(np.float64)
        n = A.shape[1]
        gram = A.T @ A
        i, j = np.triu_indices(n, 1)
        qubo = Qubo.from_arrays(
            np.diag(gram) - 2.0 * (A.T @ b), i, j, 2.0 * gram[i, j], offset=float(b @ b),
            labels=[f"x{k + 1}" for k in range(n)],
        )
        return Lowering(qubo, decode=bits, encode=bits)

    def _off(self, x: NDArray[np.int8]) -> NDArray[np.int64]:
        return np.asarray(self.coefficients @ (x == 1).astype(np.int64) - self.targets)

    def score(self, answer: Any) -> Score:
        """What the equations are off by, in squares or sizes."""
        x = self._check(answer)
        violations = [
            Violation(f"x{i + 1} is undecided", 1.0) for i in np.flatnonzero(x < 0).tolist()
        ]
        off = self._off(x)
        value = off @ off if self.objective == "square" else np.abs(off).sum()
        return Score(float(value), tuple(violations))

    def insight(self, answer: Any) -> Mapping[str, Any]:
        """What each equation is off by."""
        off = self._off(self._check(answer))
        return {"off by": off.tolist(), "equations met": int((off == 0).sum())}

    def encode_answer(self, answer: Any) -> Any:
        """The bits as text; ``?`` is neither 0 nor 1."""
        return "".join("?" if bit < 0 else str(bit) for bit in self._check(answer).tolist())

    def decode_answer(self, data: Any) -> Any:
        """Bits from text."""
        return self._check([{"0": 0, "1": 1}.get(letter, -1) for letter in str(data)])

    def _check(self, answer: Any) -> NDArray[np.int8]:
        x = np.asarray(answer)
        if x.shape != self.coefficients.shape[1:]:
            raise UsageError(
                f"an answer has one bit for each of {self.coefficients.shape[1]} variables, got "
                f"shape {x.shape}"
            )
        return bits(x)


def _read(path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The coefficients and targets of a file, row by row."""
    numbers = PlainNumbers.read(path, ("#",))
    if first_line_cells(numbers) != 2:
        raise ParseError(
            path, "expected 'm n', the numbers of equations and variables, in the first line",
            numbers.line,
        )
    m = numbers.count("the number of equations")
    n = numbers.count("the number of variables")
    numbers.need(m * (n + 1), f"{n} coefficients and the target of each of {m} equations")
    rows = []
    for k in range(m):
        line = numbers.line or 0
        cells = len(numbers.row(line))
        if cells != n + 1:
            raise ParseError(
                path, f"equation {k + 1} needs {n} coefficients and the target in a line, got "
                f"{cells} values", line,
            )
        rows.append(numbers.wholes(n + 1, f"value {{}} of equation {k + 1}", 1 - EXACT))
    numbers.end(f"{m} equations")
    table = np.array(rows, dtype=np.int64)
    return table[:, :-1], table[:, -1]
