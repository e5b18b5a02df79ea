"""Low autocorrelation binary sequences."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError, SizeError, UsageError
from qopt.forms import Form, Lowering, Program, Qubo, Table
from qopt.forms.program import Comparator
from qopt.forms.table import MOST_BITS
from qopt.problem import Reference, Score, Sense, Violation

from .encode import bits, lower_with
from .formats.labs import LONGEST, read_length

LONGEST_MODEL = 200
"""The longest sequence that is modelled: there are 328 350 terms of degree four."""

OPTIMA = (
    1, 2, 2, 7, 3, 8, 12, 13, 5, 10, 6, 19, 15, 24, 32, 25, 29, 26, 26, 39, 47, 36, 36, 45, 37, 50,
    62, 59, 67, 64, 64, 65, 73, 82, 86, 87, 99, 108, 108, 101, 109, 122, 118, 131, 135, 140, 136,
    153, 153, 166, 170, 175, 171, 192, 188, 197, 205, 218, 226, 235, 207, 208, 240, 257,
)
"""The least energies of the lengths 3 to 66 (Packebusch and Mertens, table 1)."""

_SOURCE = "Packebusch and Mertens, J. Phys. A 49 (2016) 165001, by exhaustive search"

_Pair = tuple[int, int]
_Row = tuple[str, list[int], list[float], Comparator, float]
_Affine = tuple[float, dict[int, float]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Labs:
    """Find a sequence of signs whose shifted copies agree and differ about as often.

    An answer is a vector of bits of int8, shape (length,): the sign ``z = 1 - 2 bit``. With
    ``C_k = sum_i z_i z_{i+k}`` the energy ``sum_k C_k**2`` over ``k = 1, ..., length - 1`` is
    minimised. Every answer is feasible.

    Parameters
    ----------
    name : str
    length : int
        3 to 10 000; models are given up to 200.
    reference : Reference, optional
        Left out, the proven optimum for lengths 3 to 66.

    Raises
    ------
    InputError
        For a length out of range.
    """

    kind: ClassVar[str] = "labs"

    name: str
    length: int
    reference: Reference | None = None

    def __post_init__(self) -> None:
        if not 3 <= self.length <= LONGEST:
            raise InputError(f"a sequence has 3 to {LONGEST} signs, got {self.length}")
        if self.reference is None and 3 <= self.length < 3 + len(OPTIMA):
            best = float(OPTIMA[self.length - 3])
            object.__setattr__(self, "reference", Reference(best, _SOURCE, True, "energy"))

    @classmethod
    def load(cls, path: Path, *, length: int | None = None) -> Self:
        """Read a file that holds the length of the sequence, and nothing else.

        Parameters
        ----------
        length : int, optional
            The length, in place of that in the file.
        """
        found = read_length(path)
        if length is None or length == found:
            return cls(name=path.stem, length=found)
        return cls(name=f"labs{length:03d}", length=length)

    @property
    def sense(self) -> Sense:
        """The energy is minimised."""
        return "minimise"

    def data(self) -> Mapping[str, Any]:
        """The length."""
        return {"length": self.length}

    def describe(self) -> Mapping[str, Any]:
        """The length, and how many products of four signs the energy has."""
        n = self.length
        terms = sum((n - 2 * k) * (n - 2 * k - 1) // 2 for k in range(1, n // 2))
        return {"length": n, "terms_of_degree_four": terms}

    def lower(self, form: type[Form], **options: Any) -> Lowering[Any]:
        """Give the instance as a `Qubo`, `Program` or `Table`; options are those of `to_table`."""
        if self.length > LONGEST_MODEL:
            raise SizeError("a model of these sequences", self.length, LONGEST_MODEL, "signs")
        return lower_with(self, form, options)

    @cached_property
    def _quadruples(self) -> list[tuple[_Pair, _Pair]]:
        """Pairs ``(a, b), (c, d)`` with ``b - a = d - c``, whose four places differ, each set once.

        ``C_k**2`` is ``n - k`` plus twice the products of two of its terms. Where these share a
        place, a product of two signs is left. Four different places ``a < b, c < d`` with
        ``a + d = b + c`` come twice, for ``k = b - a`` and for ``k = c - a``: the shorter shift is
        taken, so that few pairs of places are multiplied.
        """
        n = self.length
        return [
            ((a, a + k), (c, c + k))
            for k in range(1, n // 2)
            for a in range(n - k)
            for c in range(a + k + 1, n - k)
        ]

    def to_qubo(self) -> Lowering[Qubo]:
        """Products of four signs as products of two products, each held by a bit of its own.

        ``x_a x_b`` becomes a bit ``y`` by the penalty ``x_a x_b - 2 x_a y - 2 x_b y + 3 y``
        (I. G. Rosenberg, 1975). Pairs are those of `_quadruples`; signs 0 and 1 are positive, since
        turning all signs, or every other one, changes no energy: pairs with them need no bit.

        A pair in `N` products of degree four, which have the factor 4, gets the weight ``16 N``.
        This suffices: write ``u = 1 - 2 x_a - 2 x_b + 4 y`` for a product of signs, `u*` for its
        true value, and `p` for the penalty without weight. Either ``u = u*`` and ``p = 0``, or
        ``|u| = 3``, ``|u*| = 1`` with ``p = 1``, or ``u = 5, u* = 1`` with ``p = 3``. In all cases
        ``u v + 4 p_u + 4 p_v >= u* v*``, as the few of them show, so that no choice of the bits for
        products has less energy than the true one, which has the energy of the sequence.
        """
        model = _Products(self.length, [p for quad in self._quadruples for p in quad])
        terms = _Terms(model.size)
        terms.offset = float(sum(range(1, self.length)))
        for a, d in self._twofold():
            terms.add(2.0, model.sign(a), model.sign(d))
        for first, second in self._quadruples:
            terms.add(4.0, model.product(first), model.product(second))
        for (a, b), count in model.counts.items():
            terms.hold(16.0 * count, model.bit(a), model.bit(b), model.places[a, b])
        return Lowering(
            terms.qubo(model.names), decode=model.decode,
            encode=lambda answer: model.encode(self._check(answer)),
            notes=(
                f"{model.size} bits: {self.length - model.fixed} for signs, two more are fixed by "
                f"symmetry, {len(model.places)} for products, held by penalties that are proven "
                "sufficient",
            ),
        )

    def _twofold(self) -> Iterator[_Pair]:
        """Products of two signs in the energy, each twice: of a term with the next one."""
        for a in range(self.length):
            for d in range(a + 2, self.length, 2):
                yield a, d

    def to_program(self) -> Lowering[Program]:
        """A linear program over signs, their products, and squares held by their tangents.

        Each product of two signs that a shift needs is a bit; ``C_k`` is a sum of them that has
        every other whole value, and its square, a variable, lies above the line through each two
        neighbouring values: that is exact.
        """
        n = self.length
        model = _Products(n, [(i, i + k) for k in range(1, n - 1) for i in range(n - k)])
        shifts = range(1, n - 1)  # C_{n-1} is one product: its square is 1
        rows = model.rows()
        for k in shifts:
            rows += self._tangents(k, model)
        program = Program.build(
            linear=[0.0] * model.size + [1.0] * len(shifts), offset=1.0,
            lower=[0.0] * model.size + [float((n - k) % 2) for k in shifts],
            upper=[1.0] * model.size + [float((n - k) ** 2) for k in shifts],
            constraints=rows, names=[*model.names, *(f"square{k}" for k in shifts)],
        )

        def encode(answer: Any) -> NDArray[np.float64]:
            x = self._check(answer)
            squares = self.correlations(x)[:-1].astype(np.float64) ** 2
            return np.concatenate([model.encode(x), squares])

        return Lowering(program, decode=model.decode, encode=encode)

    def _tangents(self, shift: int, model: "_Products") -> list[_Row]:
        """That the square of a correlation lies above the line through each two of its values."""
        count = self.length - shift
        constant = 0.0
        sums: defaultdict[int, float] = defaultdict(float)
        for i in range(count):
            c, part = model.product((i, i + shift))
            constant += c
            for place, coefficient in part.items():
                sums[place] += coefficient
        rows: list[_Row] = []
        for v in range(-count, count, 2):
            # From v to v + 2 the line through both squares is (2 v + 2) C - v (v + 2).
            slope = 2.0 * v + 2.0
            rows.append((
                f"square {shift} above {v}", [model.size + shift - 1, *sums],
                [1.0, *(-slope * coefficient for coefficient in sums.values())], ">=",
                slope * constant - v * (v + 2.0),
            ))
        return rows

    def to_table(self, *, symmetry: bool = True) -> Lowering[Table]:
        """The energy of every sequence, for simulators that take objectives of any degree.

        Parameters
        ----------
        symmetry : bool
            Fix the first two signs, so that two bits less are needed: turning all signs, or every
            other one, changes no energy.
        """
        fixed = 2 if symmetry else 0
        free = self.length - fixed
        if free > MOST_BITS:
            raise SizeError("a table of sequences", self.length, MOST_BITS + fixed, "signs")
        states = np.arange(2**free, dtype=np.uint32) << np.uint32(fixed)
        energies = np.zeros(len(states), dtype=np.int32)
        for k in range(1, self.length):
            # Where a sequence and its copy differ, the product of both signs is negative.
            differ = (states ^ (states >> np.uint32(k))) & np.uint32(2 ** (self.length - k) - 1)
            energies += (self.length - k - 2 * np.bitwise_count(differ).astype(np.int32)) ** 2
        table = Table(
            energies.astype(np.float64),
            labels=tuple(f"x{i + 1}" for i in range(fixed, self.length)),
        )

        def decode(sample: Any) -> NDArray[np.int8]:
            return np.concatenate([np.zeros(fixed, dtype=np.int8), bits(sample)])

        return Lowering(
            table, decode=decode,
            encode=lambda answer: (
                _canonical(self._check(answer))[fixed:] if symmetry else self._check(answer)
            ),
            notes=(f"{free} bits, one for each sign" + (" but two" if symmetry else ""),),
        )

    def correlations(self, answer: Any) -> NDArray[np.int64]:
        """``C_1, ..., C_{n-1}`` of a sequence, shape (length - 1,)."""
        z = 1 - 2 * (self._check(answer) == 1).astype(np.int64)
        return np.correlate(z, z, "full")[self.length:]

    def score(self, answer: Any) -> Score:
        """The energy."""
        x = self._check(answer)
        violations = [
            Violation(f"bit {i + 1} is undecided", 1.0) for i in np.flatnonzero(x < 0).tolist()
        ]
        c = self.correlations(x)
        return Score(float(c @ c), tuple(violations))

    def insight(self, answer: Any) -> Mapping[str, Any]:
        """The merit factor ``n**2 / (2 energy)`` and the largest correlation in size."""
        c = self.correlations(answer)
        return {
            "merit factor": self.length**2 / (2.0 * float(c @ c)),
            "largest correlation": int(np.abs(c).max()),
        }

    def encode_answer(self, answer: Any) -> Any:
        """The signs as text; ``?`` is neither."""
        return "".join({0: "+", 1: "-"}.get(bit, "?") for bit in self._check(answer).tolist())

    def decode_answer(self, data: Any) -> Any:
        """Bits from signs, or from bits as text."""
        known = {"+": 0, "-": 1, "0": 0, "1": 1}
        return self._check([known.get(letter, -1) for letter in str(data)])

    def _check(self, answer: Any) -> NDArray[np.int8]:
        x = np.asarray(answer)
        if x.shape != (self.length,):
            raise UsageError(
                f"an answer has one bit for each of {self.length} signs, got shape {x.shape}"
            )
        return bits(x)


class _Terms:
    """A QUBO in the making.

    Parameters
    ----------
    size : int
        How many bits there are.
    """

    def __init__(self, size: int) -> None:
        self.linear = np.zeros(size)
        self.pairs: defaultdict[_Pair, float] = defaultdict(float)
        self.offset = 0.0

    def add(self, weight: float, first: _Affine, second: _Affine) -> None:
        """Add the product of two affine functions of bits."""
        (c, left), (e, right) = first, second
        self.offset += weight * c * e
        for part, factor in ((left, e), (right, c)):
            for i, coefficient in part.items():
                self.linear[i] += weight * factor * coefficient
        for i, f in left.items():
            for j, g in right.items():
                if i == j:
                    self.linear[i] += weight * f * g
                else:
                    self.pairs[min(i, j), max(i, j)] += weight * f * g

    def hold(self, weight: float, a: int, b: int, product: int) -> None:
        """Add the penalty that is 0 where a bit is the product of two others, and else 1 or 3."""
        self.pairs[a, b] += weight
        self.pairs[a, product] -= 2.0 * weight
        self.pairs[b, product] -= 2.0 * weight
        self.linear[product] += 3.0 * weight

    def qubo(self, labels: list[str]) -> Qubo:
        """The sum of all that was added."""
        row, col = ([pair[k] for pair in self.pairs] for k in (0, 1))
        return Qubo.from_arrays(
            self.linear, row, col, list(self.pairs.values()), offset=self.offset, labels=labels
        )


class _Products:
    """Bits for signs and for the products of pairs of them.

    Signs 0 and 1 are positive: no bits. A pair of two other signs has a bit for ``x_a x_b``.

    Parameters
    ----------
    length : int
    pairs : list of (int, int)
        The pairs that are multiplied, once for each time they are.
    """

    fixed = 2

    def __init__(self, length: int, pairs: list[_Pair]) -> None:
        self.length = length
        self.counts = Counter(pair for pair in pairs if min(pair) >= self.fixed)
        first = length - self.fixed
        self.places = {pair: first + k for k, pair in enumerate(sorted(self.counts))}
        self.size = first + len(self.places)

    def bit(self, sign: int) -> int:
        """Place of the bit of a sign that is not fixed."""
        return sign - self.fixed

    def sign(self, place: int) -> _Affine:
        """A sign as constant and coefficients of bits."""
        return (1.0, {}) if place < self.fixed else (1.0, {self.bit(place): -2.0})

    def product(self, pair: _Pair) -> _Affine:
        """A product of two signs as constant and coefficients of bits."""
        terms = {self.bit(place): -2.0 for place in pair if place >= self.fixed}
        if pair in self.places:
            terms[self.places[pair]] = 4.0
        return 1.0, terms

    def rows(self) -> list[_Row]:
        """Constraints that hold the bits of products to them."""
        found: list[_Row] = []
        for (a, b), y in self.places.items():
            i, j, title = self.bit(a), self.bit(b), f"product {a + 1} {b + 1}"
            found += [
                (title, [y, i], [1.0, -1.0], "<=", 0.0),
                (title, [y, j], [1.0, -1.0], "<=", 0.0),
                (title, [y, i, j], [1.0, -1.0, -1.0], ">=", -1.0),
            ]
        return found

    @property
    def names(self) -> list[str]:
        """A name for each bit."""
        return [
            *(f"x{i + 1}" for i in range(self.fixed, self.length)),
            *(f"x{a + 1}x{b + 1}" for a, b in self.places),
        ]

    def decode(self, values: Any) -> NDArray[np.int8]:
        """The sequence, whatever the bits of products say."""
        free = bits(np.asarray(values, dtype=np.float64)[: self.length - self.fixed])
        return np.concatenate([np.zeros(self.fixed, dtype=np.int8), free])

    def encode(self, x: NDArray[np.int8]) -> NDArray[np.int8]:
        """The bits of the sequence's image that begins with two positive signs."""
        image = _canonical(x)
        held = [image[a] & image[b] for a, b in self.places]
        return np.concatenate([image[self.fixed:], np.array(held, dtype=np.int8)])


def _canonical(x: NDArray[np.int8]) -> NDArray[np.int8]:
    """The image of a sequence that begins with two positive signs and has its energy."""
    image = x ^ x[0]
    return np.asarray(image ^ (image[1] * (np.arange(len(x)) % 2)).astype(np.int8), dtype=np.int8)
