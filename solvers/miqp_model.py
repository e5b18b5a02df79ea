"""Mixed-integer programs as a tree of convex relaxations needs them: arrays, minimised, scaled."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from qopt.errors import SizeError, UnsupportedError
from qopt.forms import Program
from qopt.forms.whole_numbers import power_below

from .bounds import implied_bounds

MOST_VARIABLES = 1500
"""Variables that a program may have: the quadratic part is kept as a whole matrix."""

_PROXIMAL = 1e-9
"""Curvature that is lent to directions without any, as a share of the largest."""

_TILT, _GOLDEN = 5.0, 0.5 * (5.0**0.5 - 1.0)
"""Size of the tilt, and multiples of what tell its entries apart."""

_BLOCK = 64
"""Coordinates of the spared diagonal that are moved between two looks at the clock."""

_NEGATIVE = 1e-12
"""Negative curvature that counts as rounding, as a share of the largest."""

_FLAT = 1e-10
"""Curvature below which a direction counts as flat beside binaries."""

_LINEAR = 1e-3
"""Share of the largest linear coefficient that the objective is scaled to, where it is large."""

_Floats = NDArray[np.float64]
_Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Rows:
    """Sparse rows and the limits of each: ``low <= A x <= high``.

    Parameters
    ----------
    start, index : ndarray of int64, shapes (m + 1,) and (entries,)
    weight : ndarray of float64, shape (entries,)
    low, high : ndarray of float64, shape (m,)
    """

    start: _Ints = field(repr=False)
    index: _Ints = field(repr=False)
    weight: _Floats = field(repr=False)
    low: _Floats = field(repr=False)
    high: _Floats = field(repr=False)

    @classmethod
    def of(cls, program: Program) -> "Rows":
        """The constraints of a program."""
        items = program.constraints
        none = np.zeros(0)
        return cls(
            start=np.cumsum([0, *(len(c.indices) for c in items)]).astype(np.int64),
            index=np.concatenate([none.astype(np.int64), *(c.indices for c in items)]),
            weight=np.concatenate([none, *(c.coefficients for c in items)]),
            low=np.array([c.rhs if c.comparator != "<=" else -np.inf for c in items], dtype=float),
            high=np.array([c.rhs if c.comparator != ">=" else np.inf for c in items], dtype=float),
        )

    def dense(self, n: int) -> _Floats:
        """The matrix, shape (m, n)."""
        matrix = np.zeros((len(self.low), n))
        owner = np.repeat(np.arange(len(self.low)), np.diff(self.start))
        matrix[owner, self.index] = self.weight
        return matrix


@dataclass(frozen=True, eq=False)
class Convex:
    """Minimise ``x' Q x + c' x`` over rows and bounds, some variables whole.

    Parameters
    ----------
    quadratic : ndarray of float64, shape (n, n)
        Symmetric and positive semi-definite.
    linear : ndarray of float64, shape (n,)
    constant : float
    rows : Rows
    low, high : ndarray of float64, shape (n,)
    whole, binary : ndarray of bool, shape (n,)
    scale, sign : float
        ``sign * scale`` times the program's objective is this one.
    """

    quadratic: _Floats = field(repr=False)
    linear: _Floats = field(repr=False)
    constant: float
    rows: Rows = field(repr=False)
    low: _Floats = field(repr=False)
    high: _Floats = field(repr=False)
    whole: NDArray[np.bool_] = field(repr=False)
    binary: NDArray[np.bool_] = field(repr=False)
    scale: float = 1.0
    sign: float = 1.0

    def true(self, value: float) -> float:
        """A value or bound in the program's own units and sense."""
        return float(self.sign * value / self.scale)

    def value(self, x: _Floats) -> float:
        """The objective that is minimised."""
        return float(x @ self.quadratic @ x + self.linear @ x) + self.constant

    def size(self, x: _Floats) -> float:
        """Size of the parts of the objective at `x`, which may cancel in its value."""
        return float(x @ self.quadratic @ x + np.abs(self.linear) @ np.abs(x))


def quadratic_part(program: Program) -> _Floats:
    """Symmetric matrix Q of the quadratic part ``x' Q x`` to minimise, shape (n, n)."""
    sign = 1.0 if program.sense == "minimise" else -1.0
    quadratic = np.zeros((program.num_variables,) * 2)
    quadratic[program.row, program.col] = 0.5 * sign * program.value
    return np.asarray(quadratic + quadratic.T)


def is_convex_as_it_stands(program: Program) -> bool:
    """Whether the objective is convex (to maximise: concave), and within the solver's size.

    Squares count as they are written: those of binaries are not replaced.
    """
    if program.num_variables > MOST_VARIABLES:
        return False
    quadratic = quadratic_part(program)
    return is_convex(quadratic, _NEGATIVE * float(np.abs(quadratic).max(initial=0.0)))


def convex_model(program: Program) -> Convex | None:
    """The program to minimise; None where its bounds and constraints leave a variable no value.

    Squares of binaries are themselves: where the quadratic part is not convex, what its diagonal
    lacks is added to the squares of binaries and taken from their linear terms.

    Raises
    ------
    UnsupportedError
        Where the objective is not convex (to maximise: not concave), whatever the binaries'
        squares.
    SizeError
        Above 1500 variables.
    """
    n = program.num_variables
    if n > MOST_VARIABLES:
        raise SizeError("miqp", n, MOST_VARIABLES, "variables", "'milp' takes more")
    low, high = implied_bounds(program)
    if (low > high).any():
        return None
    # What constraints imply holds up to their tolerance: needed only where there is no bound.
    whole = program.integer
    low = np.where(whole | np.isinf(program.lower), low, program.lower)
    high = np.where(whole | np.isinf(program.upper), high, program.upper)
    sign = 1.0 if program.sense == "minimise" else -1.0
    quadratic = quadratic_part(program)
    curved = float(np.abs(quadratic).max(initial=0.0))
    largest = max(curved, _LINEAR * float(np.abs(program.linear).max(initial=0.0))) or 1.0
    scale = power_below(1.0 / largest)
    binary = whole & (low >= 0.0) & (high <= 1.0)
    shift = binary_shift(scale * quadratic, binary, program)
    return Convex(
        quadratic=scale * quadratic + np.diag(shift),
        linear=scale * sign * program.linear - shift,
        constant=scale * sign * program.offset,
        rows=Rows.of(program),
        low=low, high=high, whole=whole, binary=binary, scale=scale, sign=sign,
    )


def is_convex(quadratic: _Floats, slack: float) -> bool:
    """Whether no curvature is below minus `slack` (above it, for a negative slack)."""
    curved = np.flatnonzero(np.abs(quadratic).max(axis=0, initial=0.0) > 0.0)
    if slack < 0.0 and len(curved) < len(quadratic):
        return False
    block = quadratic[np.ix_(curved, curved)]
    block[np.diag_indices_from(block)] += slack
    try:
        np.linalg.cholesky(block)
    except np.linalg.LinAlgError:
        return False
    return True


def binary_shift(quadratic: _Floats, binary: NDArray[np.bool_], program: Program) -> _Floats:
    """What to add to the squares of binaries to make a quadratic part convex; 0 where it is."""
    n = len(quadratic)
    if is_convex(quadratic, _NEGATIVE):
        return np.zeros(n)
    rest = ~binary
    values, vectors = np.linalg.eigh(quadratic[np.ix_(rest, rest)])
    if len(values) and values[0] < -_NEGATIVE:
        raise _not_convex(program, rest, vectors[:, 0])
    cross = vectors.T @ quadratic[np.ix_(rest, binary)]
    flat = values <= _FLAT
    if np.abs(cross[flat]).max(initial=0.0) > _FLAT:
        raise _not_convex(program, rest, np.abs(vectors[:, flat] @ cross[flat]).max(axis=1))
    # The Schur complement of what is curved by itself: it must not bend down anywhere.
    reduced = cross[~flat] / np.sqrt(values[~flat])[:, None]
    schur = quadratic[np.ix_(binary, binary)] - reduced.T @ reduced
    shift = np.zeros(n)
    shift[binary] = _FLAT - min(0.0, float(np.linalg.eigvalsh(schur)[0]))
    if not is_convex(quadratic + np.diag(shift), 10.0 * _FLAT):
        raise _not_convex(program, rest, vectors[:, 0])
    return shift


def _not_convex(
    program: Program, rest: NDArray[np.bool_], direction: _Floats
) -> UnsupportedError:
    name = program.names[int(np.flatnonzero(rest)[int(np.argmax(np.abs(direction)))])]
    kind = "convex" if program.sense == "minimise" else "concave"
    return UnsupportedError(
        f"the objective is not {kind} in variable {name!r} and those it is multiplied with, and "
        "only binaries can make up for that; 'cpsat' and 'milp' take whole bounded variables"
    )


@dataclass(frozen=True, eq=False)
class Indicators:
    """Variables that are 0 where a binary is: ``owner[i] = 0`` makes ``member[i] = 0``.

    Parameters
    ----------
    member, owner : ndarray of int64, shape (pairs,)
    """

    member: _Ints
    owner: _Ints


def indicators(model: Convex) -> Indicators:
    """Find them: ``x <= u z`` among the rows, and ``x >= l z`` or a lower bound of 0."""
    above: dict[int, set[int]] = {}
    below: dict[int, set[int]] = {}
    rows = model.rows
    for r in np.flatnonzero(np.diff(rows.start) == 2):
        pair = rows.index[rows.start[r] : rows.start[r] + 2]
        weights = rows.weight[rows.start[r] : rows.start[r] + 2]
        for w, z, own in ((pair[0], pair[1], weights[0]), (pair[1], pair[0], weights[1])):
            if not model.binary[z] or model.binary[w]:
                continue
            if rows.high[r] == 0.0:
                (above if own > 0 else below).setdefault(int(w), set()).add(int(z))
            if rows.low[r] == 0.0:
                (below if own > 0 else above).setdefault(int(w), set()).add(int(z))
    found: dict[int, int] = {}
    for w, owners in above.items():
        if model.low[w] < 0.0:
            owners = owners & below.get(w, set())
        if model.high[w] <= 0.0:
            continue
        if owners:
            found[w] = min(owners)
    return Indicators(np.array(list(found), dtype=np.int64),
                      np.array(list(found.values()), dtype=np.int64))


@dataclass(frozen=True, eq=False)
class Relaxation:
    """``x' H x / 2 + h' x + constant``: equal to the objective wherever whole variables are whole.

    Parameters
    ----------
    H : ndarray of float64, shape (n, n)
        Positive definite, with the proximal term `regular` on its diagonal.
    h, regular : ndarray of float64, shape (n,)
    tilt : ndarray of float64, shape (n,)
        How far beyond its bound the first proximal centre of a variable is that sits at one, for
        whole variables without curvature. It has what becomes spare under a sum put into few
        variables; otherwise it would be spread, and every variable be free.
    constant : float
    """

    H: _Floats = field(repr=False)
    h: _Floats = field(repr=False)
    regular: _Floats = field(repr=False)
    tilt: _Floats = field(repr=False)
    constant: float


def relaxation(
    model: Convex, pairs: Indicators, diagonal: _Floats, level: _Floats
) -> Relaxation:
    """A relaxation that is tightened by a diagonal which the quadratic part can spare.

    For a binary, ``d x^2`` becomes ``d x``. For a variable x with indicator z, ``d x^2`` becomes
    ``d (x - a z)^2 + d (2 a x - a^2 z)``: the same where z is 0 or 1, and where ``x = a z`` in
    between it is the perspective ``d x^2 / z`` (Frangioni and Gentile, Mathematical Programming
    106, 2006), of which the last term is the tangent. It stays quadratic, so that an active-set
    method takes it.

    Parameters
    ----------
    diagonal : ndarray of float64, shape (n,)
        What is spared, at least 0 and positive only for binaries and members of `pairs`.
    level : ndarray of float64, shape (pairs,)
        The levels ``a``.
    """
    Q, c = model.quadratic.copy(), model.linear.copy()
    n = len(c)
    binary = np.flatnonzero(model.binary)
    Q[binary, binary] -= diagonal[binary]
    c[binary] += diagonal[binary]
    x, z, d = pairs.member, pairs.owner, diagonal[pairs.member]
    np.add.at(Q, (x, z), -d * level)
    np.add.at(Q, (z, x), -d * level)
    np.add.at(Q, (z, z), d * level**2)
    np.add.at(c, x, 2.0 * d * level)
    np.add.at(c, z, -d * level**2)
    regular, tilt = np.zeros(n), np.zeros(n)
    flat = model.whole & (np.abs(Q).max(axis=0, initial=0.0) == 0.0)
    size = float(np.abs(Q).max(initial=0.0)) or 1.0
    if not is_convex(Q, -0.5 * _PROXIMAL * size):
        regular[:] = 2.0 * _PROXIMAL * size
        tilt[flat] = _TILT * (1.0 + np.modf(_GOLDEN * np.arange(n))[0][flat])
    return Relaxation(2.0 * Q + np.diag(regular), c, regular, tilt, model.constant)


def tied(model: Convex) -> Convex:
    """The model with its equations squared and added: nothing where they hold, curvature beside.

    What the quadratic part can spare is then limited only where the equations hold.
    """
    rows = model.rows
    Q, c, constant = model.quadratic.copy(), model.linear.copy(), model.constant
    worth = float(np.abs(np.diag(Q)).max(initial=0.0))
    curved = np.abs(Q).max(axis=0, initial=0.0) > 0.0
    for r in np.flatnonzero(rows.low == rows.high):
        part = slice(rows.start[r], rows.start[r + 1])
        index, weight = rows.index[part], rows.weight[part]
        if len(index) < 2 or not curved[index].all():
            continue
        top = float(np.abs(weight).max())
        a, b = weight / top, rows.low[r] / top
        Q[np.ix_(index, index)] += worth * np.multiply.outer(a, a)
        c[index] -= 2.0 * worth * b * a
        constant += worth * b * b
    return replace(model, quadratic=Q, linear=c, constant=constant)


def spared(
    model: Convex, pairs: Indicators, gain: _Floats, ended: Callable[[], bool] = lambda: False
) -> _Floats:
    """A diagonal that leaves the quadratic part positive semi-definite, worth much by `gain`.

    Parameters
    ----------
    gain : ndarray of float64, shape (n,)
        What a unit of each diagonal entry adds to the bound, above 0.
    ended : callable
        Asked now and then: whether to leave it at what is found.
    """
    from .miqp_kernels import peel

    n = len(gain)
    allowed = model.binary.copy()
    allowed[pairs.member] = True
    curved = np.flatnonzero(np.abs(model.quadratic).max(axis=0, initial=0.0) > 0.0)
    diagonal = np.zeros(n)
    if not allowed[curved].any():
        return diagonal
    Q = model.quadratic[np.ix_(curved, curved)]
    size = float(np.diag(Q).max())
    margin = 1e-7 * size
    strict = is_convex(Q, -2.0 * margin)
    start = Q - (margin if strict else -margin) * np.eye(len(curved))
    inverse = np.linalg.inv(start)
    part = np.zeros(len(curved))
    weights = gain[curved] / gain[curved].max()
    barrier = 0.1 * float(weights[allowed[curved]].mean()) * size
    for sweep in range(24):
        for first in range(0, len(curved), _BLOCK):
            if not ended():
                last = min(first + _BLOCK, len(curved))
                peel(inverse, weights, allowed[curved], part, barrier, first, last)
        barrier *= 0.3 if sweep % 2 else 1.0
    if not strict:
        part = np.maximum(0.0, part - 2.0 * margin)
    while part.any() and not is_convex(Q - np.diag(part), 1e-12 * size):
        part = 0.9 * part if part.max() > 1e-9 * size else 0.0 * part
    diagonal[curved] = part
    return diagonal
