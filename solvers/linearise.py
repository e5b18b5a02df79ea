"""Quadratic objectives made linear: products as variables, strengthened by the constraints.

Each product in the objective becomes a variable of its own, held to the product by linear
inequalities (McCormick, Mathematical Programming 10, 1976). Multiplying the equality constraints by
a binary variable (the reformulation-linearisation technique: Adams and Sherali, Management Science
32, 1986) ties the products to each other: under "exactly k", ``sum_j x_i x_j = (k - 1) x_i``. These
rows make the difference between no useful bound and a proof for selections out of 100. Limits on a
number of binaries are multiplied by ``x_i`` and by ``1 - x_i``: under "at most k", ``sum_j x_i x_j
<= (k - 1) x_i`` and ``sum_j x_j (1 - x_i) <= k (1 - x_i)``.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qopt.errors import SizeError, UnsupportedError
from qopt.forms import Lowering, Program
from qopt.forms.program import Comparator, Constraint

from .bounds import implied_bounds

MOST_PRODUCTS = 100_000
"""Products that a linearised program may have."""

_FREELY_CREATED = 20_000
"""Products up to which every useful row of the strengthening may create those it lacks."""

_STRIDE = 1 << 31

_Floats = NDArray[np.float64]
_Ints = NDArray[np.int64]


def linearise(
    program: Program, *, strengthen: bool = True, whole: bool = False
) -> Lowering[Program]:
    """An equivalent program whose objective is linear.

    The variables of `program` come first, then the bits of expanded whole variables, then the
    products. Squares of binaries are folded into the linear terms. A product of two binaries, or of
    a binary and a bounded variable, is a new variable with the inequalities that keep it from being
    better than the product: the objective pulls it onto the product by itself. A whole variable
    that is multiplied by itself or by a variable other than a binary is written as a sum of bits.
    Where that lets an equality over whole variables be strengthened (a budget of lots), every whole
    variable in a product is, as long as there are at most 20 000 products.

    Parameters
    ----------
    program : Program
    strengthen : bool
        Whether equality constraints over binaries or bits, and limits on how many binaries are
        one, are multiplied by them. Rows are used
        where at least one of their products is in the objective already. Those that lack fewer than
        half of their products are always used, the others if they create at most 20 000 products.
    whole : bool
        Whether products of whole variables are declared whole, for solvers without continuous
        variables. They are whole at every optimal answer either way.

    Returns
    -------
    Lowering of Program
        With ``scale=1`` and ``offset=0``: objectives and bounds are those of `program`.

    Raises
    ------
    UnsupportedError
        For a product of two continuous variables, or with a variable without finite bounds.
    SizeError
        Above 100 000 products.
    """
    if not len(program.value):
        return Lowering(program, decode=lambda x: x, encode=lambda x: x)
    _check_size(int((program.row != program.col).sum()))
    draft = _Draft(program)
    draft.expand(bitwise=strengthen and draft.bits_pay())
    rows = _strengthening(draft) if strengthen else []
    keys = np.unique(np.concatenate([draft.pair_keys, *(row.keys for row in rows)]))
    products = len(keys) + len(draft.mixed)
    _check_size(products)
    first = draft.size
    draft.add_binary_products(keys, whole)
    for row in rows:
        draft.add_row(row, first + np.searchsorted(keys, row.keys))
    draft.add_mixed_products(whole)
    n = program.num_variables
    return Lowering(
        draft.program(),
        decode=lambda x: np.asarray(x, dtype=np.float64)[:n],
        encode=draft.encode,
        notes=(f"linearised with {products} products and {len(rows)} strengthening rows",),
    )


def _check_size(products: int) -> None:
    if products > MOST_PRODUCTS:
        remedy = "a heuristic on the QUBO form, such as 'sa', takes more"
        raise SizeError("linearisation", products, MOST_PRODUCTS, "products", remedy)


@dataclass(frozen=True)
class _Row:
    """A constraint times a binary, or times one less it.

    ``sum_t weights[t] product[keys[t]] + sum_j coefficients[j] x[indices[j]]`` is compared with
    `rhs`.
    """

    name: str
    indices: list[int]
    coefficients: list[float]
    comparator: Comparator
    rhs: float
    keys: _Ints
    weights: _Floats
    missing: int
    """How many of its products the objective does not have."""


class _Draft:
    """The linear program while it grows.

    Pairs of binaries have keys ``low * _STRIDE + high``, so that they are handled as whole arrays.
    """

    def __init__(self, program: Program) -> None:
        self.source = program
        self.sign = 1.0 if program.sense == "minimise" else -1.0
        self.low, self.high = implied_bounds(program)
        if (self.low > self.high).any():  # infeasible, which the solver is left to prove
            self.low, self.high = program.lower, program.upper
        self.linear: list[float] = program.linear.tolist()
        self.lower: list[float] = program.lower.tolist()
        self.upper: list[float] = program.upper.tolist()
        self.integer: list[bool] = program.integer.tolist()
        self.names = list(program.names)
        self._taken = set(program.names)
        self.offset = program.offset
        self.constraints = list(program.constraints)
        self.bitwise = False
        self.bits: dict[int, list[tuple[int, float]]] = {}
        self.pairs: dict[int, float] = {}
        self.mixed: list[tuple[int, int, float]] = []
        self.products: list[tuple[int, int]] = []

    @property
    def size(self) -> int:
        """Variables so far."""
        return len(self.linear)

    @property
    def pair_keys(self) -> _Ints:
        """Keys of the pairs of binaries in the objective."""
        return np.fromiter(self.pairs, dtype=np.int64, count=len(self.pairs))

    def _add_variable(
        self, name: str, lower: float, upper: float, integer: bool, linear: float
    ) -> int:
        while name in self._taken:
            name += "'"
        self._taken.add(name)
        self.names.append(name)
        self.lower.append(lower)
        self.upper.append(upper)
        self.integer.append(integer)
        self.linear.append(linear)
        return self.size - 1

    def _constrain(
        self, name: str, indices: list[int], coefficients: list[float], comparator: Comparator,
        rhs: float,
    ) -> None:
        terms = [(i, c) for i, c in zip(indices, coefficients, strict=True) if c != 0.0]
        where, weights = zip(*sorted(terms), strict=True)
        self.constraints.append(
            Constraint(name, np.array(where), np.array(weights), comparator, rhs)
        )

    # -- the objective in terms of binaries -----------------------------------------------------

    def bits_pay(self) -> bool:
        """Whether bits let an equality over whole variables be strengthened, and are few enough."""
        source = self.source
        width = np.where(source.integer, self.high - self.low, np.inf)
        bounded = np.isfinite(width)
        multiplied = np.zeros(len(bounded), dtype=bool)
        multiplied[source.row] = multiplied[source.col] = True
        counts = np.zeros(len(bounded))
        counts[bounded] = np.ceil(np.log2(np.maximum(width[bounded], 1.0) + 1.0))
        return bool((counts[source.row] @ counts[source.col]) <= _FREELY_CREATED) and any(
            c.comparator == "=="
            and bounded[c.indices].all()
            and (multiplied & ~source.binary)[c.indices].any()
            for c in source.constraints
        )

    def expand(self, *, bitwise: bool) -> None:
        """Sort the quadratic terms into squares, pairs of binaries and mixed products."""
        self.bitwise = bitwise
        bounded = self.source.integer & np.isfinite(self.high - self.low)
        binary = self.source.binary
        terms = zip(self.source.row, self.source.col, self.source.value, strict=True)
        for i, j, q in ((int(i), int(j), float(q)) for i, j, q in terms):
            if i == j and binary[i]:
                self.linear[i] += q
            elif i == j:
                self._expand_square(i, q)
            elif binary[i] and binary[j]:
                self.pairs[i * _STRIDE + j] = q
            elif bitwise and bounded[i] and bounded[j]:
                self._expand_both(i, j, q)
            elif binary[i] or binary[j]:
                self.mixed.append((i, j, q) if binary[i] else (j, i, q))
            else:
                self._expand_product(i, j, q)

    def _expand_square(self, i: int, q: float) -> None:
        bits, least = self._bits_of(i, i), float(self.low[i])
        # With x = L + s and s the weighted sum of bits, x^2 = 2 L x - L^2 + s^2.
        self.linear[i] += 2.0 * least * q
        self.offset -= q * least**2
        for position, (bit, weight) in enumerate(bits):
            self.linear[bit] += q * weight**2
            for other, other_weight in bits[:position]:
                self.pairs[other * _STRIDE + bit] = 2.0 * q * weight * other_weight

    def _expand_both(self, i: int, j: int, q: float) -> None:
        (first, low), (second, other_low) = self.pieces(i), self.pieces(j)
        # (L + s)(M + t) = L y + M x - L M + s t with s and t the weighted sums of bits.
        self.linear[j] += q * low
        self.linear[i] += q * other_low
        self.offset -= q * low * other_low
        for a, weight in first:
            for b, other_weight in second:
                key = min(a, b) * _STRIDE + max(a, b)
                self.pairs[key] = q * weight * other_weight

    def pieces(self, i: int) -> tuple[list[tuple[int, float]], float]:
        """Binaries with weights, and a constant, whose sum is a whole variable."""
        if self.source.binary[i]:
            return [(i, 1.0)], 0.0
        return self._bits_of(i, i), float(self.low[i])

    def _expand_product(self, i: int, j: int, q: float) -> None:
        integer, width = self.source.integer, self.high - self.low
        narrow, wide = sorted((i, j), key=lambda v: (not integer[v], width[v], v))
        self.linear[wide] += q * float(self.low[narrow])
        for bit, weight in self._bits_of(narrow, wide):
            self.mixed.append((bit, wide, q * weight))

    def _bits_of(self, i: int, partner: int) -> list[tuple[int, float]]:
        """Bits and weights whose sum is whole variable `i` less its lower bound."""
        names = self.source.names
        if not self.source.integer[i]:
            raise UnsupportedError(
                f"the objective multiplies the continuous variables {names[i]!r} and "
                f"{names[partner]!r}; products of whole variables only are linearised"
            )
        if not np.isfinite(self.high[i] - self.low[i]):
            raise _no_bounds(names[i])
        if i not in self.bits:
            self.bits[i] = [
                (self._add_variable(f"{names[i]}.bit{b}", 0.0, 1.0, True, 0.0), weight)
                for b, weight in enumerate(_bit_weights(int(self.high[i] - self.low[i])))
            ]
            indices = [i, *(bit for bit, _ in self.bits[i])]
            coefficients = [1.0, *(-weight for _, weight in self.bits[i])]
            self._constrain(
                f"bits of {names[i]}", indices, coefficients, "==", float(self.low[i])
            )
        return self.bits[i]

    # -- products as variables ------------------------------------------------------------------

    def add_binary_products(self, keys: _Ints, whole: bool) -> None:
        """A variable for each pair, with the inequalities that its objective coefficient needs."""
        for key in keys.tolist():
            a, b = divmod(key, _STRIDE)
            q = self.pairs.get(key, 0.0)
            p = self._add_product(a, b, 0.0, 1.0, whole, q)
            # Pairs that only the strengthening needs are held from both sides.
            if self.sign * q >= 0.0:
                self._constrain(self.names[p], [p, a, b], [1.0, -1.0, -1.0], ">=", -1.0)
            if self.sign * q <= 0.0:
                self._constrain(self.names[p], [p, a], [1.0, -1.0], "<=", 0.0)
                self._constrain(self.names[p], [p, b], [1.0, -1.0], "<=", 0.0)

    def add_mixed_products(self, whole: bool) -> None:
        """A variable for each product of a binary and a bounded variable."""
        for a, b, q in self.mixed:
            low, high = float(self.low[b]), float(self.high[b])
            if not np.isfinite(high - low):
                raise _no_bounds(self.names[b])
            integer = whole and self.integer[b]
            p = self._add_product(a, b, min(0.0, low), max(0.0, high), integer, q)
            if self.sign * q > 0.0:
                self._constrain(self.names[p], [p, a], [1.0, -low], ">=", 0.0)
                self._constrain(self.names[p], [p, b, a], [1.0, -1.0, -high], ">=", -high)
            else:
                self._constrain(self.names[p], [p, a], [1.0, -high], "<=", 0.0)
                self._constrain(self.names[p], [p, b, a], [1.0, -1.0, -low], "<=", -low)

    def _add_product(
        self, a: int, b: int, lower: float, upper: float, integer: bool, q: float
    ) -> int:
        self.products.append((a, b))
        return self._add_variable(
            f"{self.names[a]}*{self.names[b]}", lower, upper, integer, q
        )

    def add_row(self, row: _Row, products: _Ints) -> None:
        """One row of the strengthening, with its products as variables."""
        self._constrain(
            row.name,
            [*products.tolist(), *row.indices],
            [*row.weights.tolist(), *row.coefficients],
            row.comparator,
            row.rhs,
        )

    # -- the result -----------------------------------------------------------------------------

    def program(self) -> Program:
        """The linear program."""
        return Program.build(
            sense=self.source.sense,
            linear=self.linear,
            offset=self.offset,
            lower=self.lower,
            upper=self.upper,
            integer=self.integer,
            constraints=self.constraints,
            names=self.names,
        )

    def encode(self, answer: ArrayLike) -> _Floats:
        """Values of bits and products that go with an answer of the source."""
        values = np.asarray(answer, dtype=np.float64).tolist()
        values += [0.0] * sum(len(bits) for bits in self.bits.values())
        for i, bits in self.bits.items():
            rest = values[i] - float(self.low[i])
            for bit, weight in reversed(bits):
                values[bit] = float(rest >= weight - 0.5)
                rest -= weight * values[bit]
        values += [values[a] * values[b] for a, b in self.products]
        return np.array(values)


def _no_bounds(name: str) -> UnsupportedError:
    return UnsupportedError(
        f"the objective multiplies variable {name!r}, which has no finite bounds; linearisation "
        "needs both"
    )


def _bit_weights(width: int) -> list[float]:
    """Weights 1, 2, 4, ..., rest whose sums are exactly 0..width."""
    weights: list[float] = []
    while width > 0:
        weight = min(1 << len(weights), width)
        weights.append(float(weight))
        width -= weight
    return weights


# -- strengthening ------------------------------------------------------------------------------


def _strengthening(draft: _Draft) -> list[_Row]:
    """Products of constraints over binaries with a binary, where they are worth having.

    Pairs that an exactly-one constraint keeps at 0 are dropped from the objective on the way.
    """
    equalities = _binary_equalities(draft)
    groups = _exclusive_groups(equalities, draft.size)
    draft.pairs = {
        key: q for key, q in draft.pairs.items()
        if groups[key // _STRIDE].isdisjoint(groups[key % _STRIDE])
    }
    known = np.sort(draft.pair_keys)
    if not len(known):
        return []
    partners = _partners(known, draft.size)
    dense: list[_Row] = []
    sparse: list[_Row] = []
    created = 0
    for constraint, i in _factors(equalities, _counts(draft), partners):
        for row in _multiply(constraint, i, draft.names[i], known, groups):
            if 2 * row.missing < len(row.keys):
                dense.append(row)
                continue
            created += row.missing
            if created <= _FREELY_CREATED:
                sparse.append(row)
    return dense + sparse if created <= _FREELY_CREATED else dense


def _factors(
    equalities: list[Constraint], counts: list[Constraint], partners: list[set[int]]
) -> Iterator[tuple[Constraint, int]]:
    """Each constraint with the binaries that it is multiplied by."""
    for constraint in equalities:
        members = constraint.indices.tolist()
        for i in sorted(set(members).union(*(partners[j] for j in members))):
            yield constraint, i
    for constraint in counts:
        for i in constraint.indices.tolist():
            yield constraint, i


def _counts(draft: _Draft) -> list[Constraint]:
    """The constraints that limit how many of some binaries are one, on one side."""
    source = draft.source
    return [
        c for c in source.constraints
        if c.comparator != "==" and len(c.indices) > 2 and source.binary[c.indices].all()
        and np.ptp(c.coefficients) == 0.0
    ]


def _binary_equalities(draft: _Draft) -> list[Constraint]:
    """The equality constraints over binaries, and those that bits make so."""
    source, found = draft.source, []
    bounded = source.integer & np.isfinite(draft.high - draft.low)
    for c in source.constraints:
        if c.comparator != "==" or len(c.indices) < 2 or not bounded[c.indices].all():
            continue
        if source.binary[c.indices].all():
            found.append(c)
        elif draft.bitwise:
            indices: list[int] = []
            weights: list[float] = []
            rhs = c.rhs
            for i, coefficient in zip(c.indices.tolist(), c.coefficients.tolist(), strict=True):
                pieces, low = draft.pieces(i)
                rhs -= coefficient * low
                indices += [bit for bit, _ in pieces]
                weights += [coefficient * weight for _, weight in pieces]
            found.append(Constraint(c.name, np.array(indices), np.array(weights), "==", rhs))
    return found


def _partners(keys: _Ints, n: int) -> list[set[int]]:
    """For each variable, those that it is multiplied with."""
    partners: list[set[int]] = [set() for _ in range(n)]
    for key in keys.tolist():
        a, b = divmod(key, _STRIDE)
        partners[a].add(b)
        partners[b].add(a)
    return partners


def _exclusive_groups(equalities: list[Constraint], n: int) -> list[frozenset[int]]:
    """For each variable, the numbers of the exactly-one constraints that it is in."""
    groups: list[set[int]] = [set() for _ in range(n)]
    for number, constraint in enumerate(equalities):
        if (constraint.coefficients == constraint.rhs).all():
            for i in constraint.indices.tolist():
                groups[i].add(number)
    return [frozenset(group) for group in groups]


def _multiply(
    constraint: Constraint, i: int, name: str, known: _Ints, groups: list[frozenset[int]]
) -> Iterator[_Row]:
    """`constraint` times variable `i`, and an inequality also times one less it.

    Nothing where that says nothing about a known product.
    """
    other = constraint.indices != i
    kept = other.copy()
    if groups[i]:
        # Two members of one exactly-one constraint are never set together: their product is 0.
        kept &= [groups[i].isdisjoint(groups[j]) for j in constraint.indices.tolist()]
    others, weights = constraint.indices[kept], constraint.coefficients[kept]
    keys = np.minimum(others, i) * _STRIDE + np.maximum(others, i)
    present = known[np.minimum(np.searchsorted(known, keys), len(known) - 1)] == keys
    if not present.any():
        return
    missing = int((~present).sum())
    factor = constraint.rhs - float(constraint.coefficients[~other].sum())
    yield _Row(
        f"{constraint.name} times {name}", [i], [-factor], constraint.comparator, 0.0,
        keys, weights, missing,
    )
    if constraint.comparator != "==":
        yield _Row(
            f"{constraint.name} times 1 - {name}",
            [i, *constraint.indices[other].tolist()],
            [constraint.rhs, *constraint.coefficients[other].tolist()],
            constraint.comparator, constraint.rhs, keys, -weights, missing,
        )
