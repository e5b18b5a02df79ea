"""The sparse quadratic binary model, with exactly-k groups."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import comb, lgamma, log, log2
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, UsageError, check_type
from .ising import Ising
from .lowering import Lowering
from .program import Constraint, Program

_CHUNK = 1 << 24
"""Elements of the largest temporary that `Qubo.energies` makes."""


@dataclass(frozen=True)
class Group:
    """Exactly `size` of the bits in `members` are one.

    Parameters
    ----------
    members : tuple of int
        Variable indices, without repeats.
    size : int
        How many of them are one, ``0 <= size <= len(members)``.
    weight : float, optional
        A penalty weight that is proven sufficient for this group by whoever made the model. None
        lets `Qubo.penalised` derive one.
    name : str
        What the group stands for (``"position 3"``), for messages.
    """

    members: tuple[int, ...]
    size: int
    weight: float | None = None
    name: str = ""


@dataclass(frozen=True, eq=False)
class Qubo:
    """Minimise ``offset + sum_i linear_i x_i + sum_e value_e x_row[e] x_col[e]`` over bits.

    Bit ``i`` of a sample is variable ``i``. Groups are hard constraints beside the objective: a
    solver that honours them (swap moves, XY mixers) minimises the objective as it stands; any
    other takes `penalised()`.

    Build one with `from_arrays`, `from_matrix` or `from_terms`, which bring it into the canonical
    form that the constructor checks for.

    Parameters
    ----------
    linear : ndarray of float64, shape (n,)
        Coefficient of each variable.
    row, col : ndarray of int64, shape (m,)
        Pairs with ``row < col``, sorted by (row, col), each at most once.
    value : ndarray of float64, shape (m,)
        Coefficient of each pair; none is zero.
    offset : float
        Constant term.
    labels : tuple of str
        A name for each variable; empty stands for ``x0, x1, ...``.
    groups : tuple of Group
        Pairwise disjoint exactly-k groups.

    Raises
    ------
    InputError
        Where a coefficient is not finite, shapes disagree, an index is out of range, a group is
        impossible or two groups overlap.
    """

    linear: NDArray[np.float64] = field(repr=False)
    row: NDArray[np.int64] = field(repr=False)
    col: NDArray[np.int64] = field(repr=False)
    value: NDArray[np.float64] = field(repr=False)
    offset: float = 0.0
    labels: tuple[str, ...] = field(default=(), repr=False)
    groups: tuple[Group, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        n = len(self.linear)
        if not (len(self.row) == len(self.col) == len(self.value)):
            raise InputError("row, col and value of a QUBO must have the same length")
        coefficients = (self.linear, self.value, np.asarray([self.offset]))
        if not all(np.isfinite(part).all() for part in coefficients):
            raise InputError("a QUBO coefficient is NaN or infinite; coefficients must be finite")
        if len(self.row):
            if self.row.min() < 0 or self.col.max() >= n or (self.row >= self.col).any():
                raise InputError(f"QUBO pairs must satisfy 0 <= row < col < {n}")
            order = self.row * n + self.col
            if (order[1:] <= order[:-1]).any():
                raise InputError("QUBO pairs must be sorted and unique; use Qubo.from_arrays")
        if self.labels and len(self.labels) != n:
            raise InputError(f"{len(self.labels)} labels for {n} variables")
        _check_groups(self.groups, n)
        for array in (self.linear, self.row, self.col, self.value):
            array.flags.writeable = False

    # -- making one ---------------------------------------------------------------------------

    @classmethod
    def from_arrays(
        cls,
        linear: ArrayLike,
        row: ArrayLike = (),
        col: ArrayLike = (),
        value: ArrayLike = (),
        *,
        offset: float = 0.0,
        labels: Sequence[str] = (),
        groups: Iterable[Group] = (),
    ) -> "Qubo":
        """Make a QUBO from coordinate arrays in any order.

        Repeated pairs and both triangles are summed, diagonal entries move to `linear` (a bit is
        its own square), and pairs that cancel are dropped.
        """
        lin = np.array(linear, dtype=np.float64)
        if lin.ndim != 1:
            raise InputError(f"linear coefficients must be one-dimensional, got shape {lin.shape}")
        n = len(lin)
        r = np.asarray(row, dtype=np.int64)
        c = np.asarray(col, dtype=np.int64)
        v = np.asarray(value, dtype=np.float64)
        if not (r.shape == c.shape == v.shape) or r.ndim != 1:
            raise InputError("row, col and value of a QUBO must be vectors of the same length")
        if len(r) and (min(r.min(), c.min()) < 0 or max(r.max(), c.max()) >= n):
            raise InputError(f"QUBO indices must lie in 0..{n - 1}")
        diagonal = r == c
        np.add.at(lin, r[diagonal], v[diagonal])
        low, high, v = np.minimum(r, c)[~diagonal], np.maximum(r, c)[~diagonal], v[~diagonal]
        keys, total = low * n + high, v
        if (keys[1:] <= keys[:-1]).any():
            keys, where = np.unique(keys, return_inverse=True)
            total = np.bincount(where, weights=v, minlength=len(keys)).astype(np.float64)
        keep = total != 0.0
        keys, total = keys[keep], total[keep]
        divisor = max(n, 1)
        return cls(
            lin, keys // divisor, keys % divisor, total, float(offset), tuple(labels), tuple(groups)
        )

    @classmethod
    def from_matrix(
        cls,
        matrix: ArrayLike,
        *,
        offset: float = 0.0,
        labels: Sequence[str] = (),
        groups: Iterable[Group] = (),
    ) -> "Qubo":
        """Make the QUBO ``x' Q x + offset``; entries (i, j) and (j, i) of `matrix` are summed."""
        q = _real(matrix)
        if q.ndim != 2 or q.shape[0] != q.shape[1]:
            raise InputError(f"a QUBO matrix must be square, got shape {q.shape}")
        if not np.isfinite(q).all():
            raise InputError("a QUBO coefficient is NaN or infinite; coefficients must be finite")
        row, col = np.nonzero(q)
        return cls.from_arrays(
            np.zeros(len(q)), row, col, q[row, col], offset=offset, labels=labels, groups=groups
        )

    @classmethod
    def from_terms(
        cls, terms: Mapping[tuple[Any, ...], float], *, offset: float = 0.0
    ) -> "Qubo":
        """Make a QUBO from ``{(): c, (a,): l, (a, b): q}`` over any hashable variable names."""
        names: dict[Any, int] = {}
        for term in terms:
            if not isinstance(term, tuple):
                raise UsageError(f"terms are tuples of names, ('a', 'b') or ('a',), got {term!r}")
            for name in term:
                names.setdefault(name, len(names))
        row, col, value = [], [], []
        for term, coefficient in terms.items():
            if len(term) > 2:
                raise InputError(f"term {term!r} has degree {len(term)}; a QUBO takes at most 2")
            if not term:
                offset += coefficient
                continue
            row.append(names[term[0]])
            col.append(names[term[-1]])
            value.append(coefficient)
        return cls.from_arrays(
            np.zeros(len(names)), row, col, value, offset=offset, labels=[str(x) for x in names]
        )

    @classmethod
    def from_ising(cls, ising: Ising) -> "Qubo":
        """The same function over bits, with ``z = 1 - 2 x``."""
        linear = -2.0 * ising.h
        np.subtract.at(linear, ising.row, 2.0 * ising.J)
        np.subtract.at(linear, ising.col, 2.0 * ising.J)
        offset = ising.offset + float(ising.h.sum() + ising.J.sum())
        return cls.from_arrays(linear, ising.row, ising.col, 4.0 * ising.J, offset=offset)

    # -- reading it ---------------------------------------------------------------------------

    def __repr__(self) -> str:
        groups = f", {len(self.groups)} groups" if self.groups else ""
        return f"Qubo({self.num_variables} variables, {self.num_interactions} pairs{groups})"

    @property
    def num_variables(self) -> int:
        """Number of binary variables."""
        return len(self.linear)

    @property
    def num_interactions(self) -> int:
        """Number of pairs with a non-zero coefficient."""
        return len(self.value)

    @property
    def density(self) -> float:
        """Share of all pairs that interact, 0 to 1."""
        n = self.num_variables
        return 2.0 * self.num_interactions / (n * (n - 1)) if n > 1 else 0.0

    @property
    def answer_bits(self) -> float:
        """Binary logarithm of the number of bit strings that keep the groups."""
        free = self.num_variables - sum(len(group.members) for group in self.groups)
        return free + sum(_choice_bits(len(g.members), g.size) for g in self.groups)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Variable names: the labels, or ``x0, x1, ...``."""
        return self.labels or tuple(f"x{i}" for i in range(self.num_variables))

    @cached_property
    def is_integral(self) -> bool:
        """Whether every coefficient but the offset is a whole number below 2**53."""
        return all(
            bool((part == np.rint(part)).all() and (np.abs(part) < 2.0**53).all())
            for part in (self.linear, self.value)
        )

    def energies(self, samples: ArrayLike) -> NDArray[np.float64]:
        """Energies of many samples at once, groups aside.

        Parameters
        ----------
        samples : array-like of 0 and 1, shape (samples, n) or (n,)
            Bit ``i`` of a row is variable ``i``.

        Returns
        -------
        ndarray of float64, shape (samples,)
        """
        x = np.atleast_2d(np.asarray(samples))
        if x.shape[1] != self.num_variables:
            raise UsageError(f"samples have {x.shape[1]} bits, the QUBO {self.num_variables}")
        out = np.empty(len(x))
        dense = self.density > 0.25
        width = max(1, self.num_variables if dense else self.num_interactions)
        step = max(1, _CHUNK // width)
        matrix = self.to_matrix() if dense else None
        for start in range(0, len(x), step):
            part = x[start : start + step].astype(np.float64)
            if matrix is not None:
                out[start : start + step] = np.einsum("ij,ij->i", part @ matrix, part)
            else:
                pairs = part[:, self.row] * part[:, self.col]
                out[start : start + step] = part @ self.linear + pairs @ self.value
        return out + self.offset

    def energy(self, sample: ArrayLike) -> float:
        """Energy of one sample, groups aside."""
        return float(self.energies(sample)[0])

    def group_violations(self, samples: ArrayLike) -> NDArray[np.int64]:
        """Sum over groups of ``|ones - size|`` for each sample, shape (samples,)."""
        x = np.atleast_2d(np.asarray(samples))
        total = np.zeros(len(x), dtype=np.int64)
        for group in self.groups:
            ones = x[:, list(group.members)].sum(axis=1, dtype=np.int64)
            total += np.abs(ones - group.size)
        return total

    def to_matrix(self) -> NDArray[np.float64]:
        """Upper triangular matrix Q with ``x' Q x + offset`` the energy, shape (n, n)."""
        matrix = np.zeros((self.num_variables, self.num_variables))
        matrix[self.row, self.col] = self.value
        np.fill_diagonal(matrix, self.linear)
        return matrix

    def to_ising(self) -> Ising:
        """The same function over spins, with ``z = 1 - 2 x``. Groups are left out."""
        quarter = self.value / 4.0
        h = -self.linear / 2.0
        np.subtract.at(h, self.row, quarter)
        np.subtract.at(h, self.col, quarter)
        offset = self.offset + float(self.linear.sum() / 2.0 + quarter.sum())
        return Ising(h, self.row, self.col, quarter, offset)

    def neighbours(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Symmetric adjacency in compressed sparse rows.

        Returns
        -------
        start : ndarray of int64, shape (n + 1,)
            Row ``i`` occupies ``start[i]:start[i + 1]``.
        index : ndarray of int64, shape (2 m,)
            Neighbours, ascending in each row.
        weight : ndarray of float64, shape (2 m,)
            Pair coefficients.
        """
        n = self.num_variables
        source = np.concatenate([self.row, self.col])
        target = np.concatenate([self.col, self.row])
        order = np.lexsort((target, source))
        start = np.zeros(n + 1, dtype=np.int64)
        np.cumsum(np.bincount(source, minlength=n), out=start[1:])
        return start, target[order], np.concatenate([self.value, self.value])[order]

    def flip_costs(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The most that setting a bit can add to the energy, and the most that clearing it can.

        Returns
        -------
        setting, clearing : ndarray of float64, shape (n,)
            Over all samples of the other bits.
        """
        setting, clearing = self.linear.copy(), -self.linear
        positive, negative = np.maximum(self.value, 0.0), np.minimum(self.value, 0.0)
        for end in (self.row, self.col):
            np.add.at(setting, end, positive)
            np.subtract.at(clearing, end, negative)
        return setting, clearing

    # -- other libraries ----------------------------------------------------------------------

    def to_dimod(self) -> Any:
        """As a `dimod.BinaryQuadraticModel` over bits; groups become penalties."""
        from .convert_dimod import qubo_to_dimod

        return qubo_to_dimod(self)

    @classmethod
    def from_dimod(cls, bqm: Any) -> "Qubo":
        """From a `dimod.BinaryQuadraticModel` over bits or spins."""
        from .convert_dimod import qubo_from_dimod

        return qubo_from_dimod(bqm)

    def to_networkx(self) -> Any:
        """As a `networkx.Graph` with ``bias`` and ``weight``; groups become penalties."""
        from .convert_networkx import qubo_to_networkx

        return qubo_to_networkx(self)

    @classmethod
    def from_networkx(cls, graph: Any) -> "Qubo":
        """From a `networkx.Graph` with node attribute ``bias`` and edge attribute ``weight``."""
        from .convert_networkx import qubo_from_networkx

        return qubo_from_networkx(graph)

    def to_pauli(self) -> Any:
        """As a `qiskit.quantum_info.SparsePauliOp`; variable i is qubit i. Groups are left out."""
        from .convert_qiskit import to_pauli

        return to_pauli(self)

    # -- groups and penalties -----------------------------------------------------------------

    def penalty_weights(self) -> tuple[float, ...]:
        """For each group, a penalty weight that provably suffices.

        With weight ``w`` the penalty is ``w (ones - size)**2``. A group that carries its own
        weight keeps it. Otherwise the bound is local: take a sample with ``v`` ones too many. There
        are at least ``size + 1`` ones, so the cheapest of them to clear costs at most the
        (size + 1)-th largest clearing cost in the group, and ``v`` such steps mend the group while
        the penalty saves ``w v**2 >= w v``; ones too few go alike. Any weight above that cost puts
        every sample that breaks the group above some sample that keeps it.
        """
        up, down = self.flip_costs()
        weights = []
        for group in self.groups:
            if group.weight is not None:
                weights.append(group.weight)
                continue
            members, k = list(group.members), group.size
            worst = 0.0
            if k < len(members):
                worst = max(worst, float(np.sort(down[members])[::-1][k]))
            if k > 0:
                worst = max(worst, float(np.sort(up[members])[::-1][len(members) - k]))
            weights.append(worst + max(1e-6 * abs(worst), self.scale * 1e-6))
        return tuple(weights)

    @cached_property
    def scale(self) -> float:
        """Largest coefficient in size, the offset aside; 1 for a model without any."""
        sizes = [np.abs(part).max() for part in (self.linear, self.value) if len(part)]
        return float(max(sizes, default=1.0)) or 1.0

    def penalised(self, weight: float | None = None) -> "Qubo":
        """The same model without groups: each becomes a penalty ``w (ones - size)**2``.

        Parameters
        ----------
        weight : float, optional
            One weight for every group; by default each group's own `penalty_weights`, with which
            no sample that breaks a group lies below the best one that keeps them all.
        """
        if not self.groups:
            return self
        if weight is not None and not (np.isfinite(weight) and weight > 0.0):
            raise UsageError(f"penalty weight must be positive and finite, got {weight}")
        linear = self.linear.copy()
        offset = self.offset
        rows, cols, values = [self.row], [self.col], [self.value]
        weights = self.penalty_weights() if weight is None else [weight] * len(self.groups)
        for group, w in zip(self.groups, weights, strict=True):
            members = np.asarray(group.members, dtype=np.int64)
            linear[members] += w * (1 - 2 * group.size)
            offset += w * group.size**2
            i, j = np.triu_indices(len(members), 1)
            rows.append(members[i])
            cols.append(members[j])
            values.append(np.full(len(i), 2.0 * w))
        return Qubo.from_arrays(
            linear,
            np.concatenate(rows),
            np.concatenate(cols),
            np.concatenate(values),
            offset=offset,
            labels=self.labels,
        )

    def to_program(self) -> Lowering[Program]:
        """The same model as a binary program, with each group as an equality constraint."""
        constraints = [
            Constraint(
                group.name or f"group {k}",
                np.array(sorted(group.members), dtype=np.int64),
                np.ones(len(group.members)),
                "==",
                float(group.size),
            )
            for k, group in enumerate(self.groups)
        ]
        program = Program.build(
            linear=self.linear, row=self.row, col=self.col, value=self.value, offset=self.offset,
            constraints=constraints, names=self.names if len(set(self.names)) == len(self.names)
            else (),
        )
        return Lowering(
            program,
            decode=lambda values: np.rint(values).astype(np.int8),
            encode=lambda sample: np.asarray(sample, dtype=np.float64),
        )

    def with_groups(self, groups: Iterable[Group]) -> "Qubo":
        """The same objective with other groups."""
        return replace(self, groups=tuple(groups))


def _choice_bits(n: int, k: int) -> float:
    """Binary logarithm of the number of ways to choose k of n."""
    if n <= 1000:
        return log2(comb(n, k))
    return (lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)) / log(2.0)


def _real(matrix: ArrayLike) -> NDArray[np.float64]:
    """A matrix of real numbers."""
    try:
        found = np.asarray(matrix)
        if np.iscomplexobj(found):
            raise InputError("a QUBO matrix must be real, got complex numbers")
        return np.asarray(found, dtype=np.float64)
    except (TypeError, ValueError) as fault:
        raise InputError(f"no matrix of numbers: {fault}") from None


def _check_groups(groups: tuple[Group, ...], n: int) -> None:
    seen: set[int] = set()
    for group in groups:
        check_type(group, Group, "a Group(members, size) of qopt.forms")
        title = f"group {group.name!r}" if group.name else f"group of {len(group.members)}"
        if not 0 <= group.size <= len(group.members):
            raise InputError(
                f"{title} asks for exactly {group.size} of {len(group.members)} variables"
            )
        if any(not 0 <= i < n for i in group.members):
            raise InputError(f"{title} names a variable outside 0..{n - 1}")
        if len(set(group.members)) != len(group.members) or seen & set(group.members):
            raise InputError(f"{title} overlaps another group or repeats a variable")
        seen |= set(group.members)
