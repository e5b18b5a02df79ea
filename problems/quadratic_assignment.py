"""The quadratic assignment problem."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError, ParseError, UsageError
from qopt.forms import Form, Group, Lowering, Program, Qubo
from qopt.problem import Reference, Score, Sense, Violation

from .encode import choices, lower_with, one_of, whole_answer
from .formats.qaplib import read_dat, read_sln, write_sln

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class QuadraticAssignment:
    """Place facilities so that what flows between them travels least.

    An answer is a permutation ``p`` of int64, shape (n,): the location of each facility, counted
    from 0, and -1 for a facility with no location or several. The objective is the sum of
    ``flow[i, j] distance[p(i), p(j)]`` over all ordered pairs, as in QAPLIB.

    Parameters
    ----------
    name : str
    flow, distance : array-like of float, shape (n, n)
        At least 0; they need not be symmetric, and diagonals count.
    reference : Reference, optional

    Raises
    ------
    InputError
        Where shapes disagree, or a number is negative or not finite.
    """

    kind: ClassVar[str] = "quadratic-assignment"

    name: str
    flow: Array = field(repr=False)
    distance: Array = field(repr=False)
    reference: Reference | None = None

    def __post_init__(self) -> None:
        for part in ("flow", "distance"):
            given = np.asarray(getattr(self, part), dtype=np.float64)
            if given.ndim != 2 or given.shape[0] != given.shape[1] or not given.size:
                raise InputError(f"{part} must be a square matrix, got shape {given.shape}")
            if not np.isfinite(given).all() or (given < 0).any():
                raise InputError(f"{part} has an entry that is negative, NaN or infinite")
            object.__setattr__(self, part, given)
        if self.flow.shape != self.distance.shape:
            raise InputError(
                f"flow has shape {self.flow.shape} and distance {self.distance.shape}"
            )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a QAPLIB ``.dat`` file; the first matrix is the flow.

        The value of a ``.sln`` file of the same name beside it becomes the reference, once the
        permutation in it is seen to have this value. QAPLIB's permutations are partly inverse to
        one another: either reading will do.
        """
        flow, distance = read_dat(path)
        problem = cls(name=path.stem, flow=flow, distance=distance)
        solution = path.with_suffix(".sln")
        if solution.is_file():
            value, order = read_sln(solution, len(flow))
            found = [problem.score(p).objective for p in (order, np.argsort(order))]
            if value not in found:
                raise ParseError(
                    solution, f"the permutation costs {found[0]:g} (read the other way round "
                    f"{found[1]:g}), and not {value:g}"
                )
            object.__setattr__(
                problem, "reference", Reference(value, f"QAPLIB, {solution.name}")
            )
        return problem

    @property
    def sense(self) -> Sense:
        """The cost is minimised."""
        return "minimise"

    def data(self) -> Mapping[str, Any]:
        """Both matrices."""
        return {"flow": self.flow, "distance": self.distance}

    def describe(self) -> Mapping[str, Any]:
        """Size, and which share of the flows is there at all."""
        flow, distance = self.flow, self.distance
        return {
            "facilities": len(flow),
            "flow_density": round(float((flow != 0).mean()), 6),
            "symmetric": bool((flow == flow.T).all() and (distance == distance.T).all()),
        }

    def lower(self, form: type[Form], **options: Any) -> Lowering[Any]:
        """Give the instance as a `Program` or `Qubo`; neither has options."""
        return lower_with(self, form, options)

    def _terms(self) -> tuple[Array, NDArray[np.int64], NDArray[np.int64], Array]:
        """Linear costs, and rows, columns and costs of pairs, of bits ``i n + k``.

        Bit ``i n + k`` is facility `i` at location `k`.
        """
        n = len(self.flow)
        linear = np.outer(np.diag(self.flow), np.diag(self.distance)).ravel()
        i, j = np.nonzero(self.flow * ~np.eye(n, dtype=bool))
        k, m = np.nonzero(~np.eye(n, dtype=bool))
        cost = self.flow[i, j][:, None] * self.distance[k, m][None, :]
        row = i[:, None] * n + k[None, :]
        col = j[:, None] * n + m[None, :]
        keep = cost != 0.0
        return linear, row[keep], col[keep], cost[keep]

    @property
    def _names(self) -> list[str]:
        n = len(self.flow)
        return [f"f{i + 1}_l{k + 1}" for i in range(n) for k in range(n)]

    def to_program(self) -> Lowering[Program]:
        """A quadratic objective; each facility has one location, and each location one facility."""
        n = len(self.flow)
        bit = np.arange(n * n).reshape(n, n)
        linear, row, col, cost = self._terms()
        program = Program.build(
            linear=linear, row=row, col=col, value=cost, names=self._names,
            constraints=[
                *((f"facility {i + 1} has a location", bit[i], 1.0, "==", 1.0) for i in range(n)),
                *((f"location {k + 1} has a facility", bit[:, k], 1.0, "==", 1.0)
                  for k in range(n)),
            ],
        )
        return Lowering(program, decode=self._decode, encode=self._encode)

    def to_qubo(self) -> Lowering[Qubo]:
        """One bit for each facility and location: a group for each facility, penalised locations.

        The weights are those of `proven_weights`.
        """
        n = len(self.flow)
        bit = np.arange(n * n).reshape(n, n)
        linear, row, col, cost = self._terms()
        location, facility = self.proven_weights
        # Penalty B (sum_i x_ik - 1)**2 = B (1 - sum_i x_ik + 2 sum_{i<j} x_ik x_jk).
        i, j = np.triu_indices(n, 1)
        qubo = Qubo.from_arrays(
            linear - location,
            np.concatenate([row, bit[i].ravel()]),
            np.concatenate([col, bit[j].ravel()]),
            np.concatenate([cost, np.full(len(i) * n, 2.0 * location)]),
            offset=location * n,
            labels=self._names,
            groups=[
                Group(tuple(bit[i].tolist()), 1, facility, f"facility {i + 1}") for i in range(n)
            ],
        )
        return Lowering(
            qubo, decode=self._decode, encode=self._encode,
            notes=(
                f"{n * n} bits: facilities to locations",
                f"a location with none or several facilities costs {location:g} times the square "
                f"of what it is off by (proven sufficient); groups weigh {facility:g}",
            ),
        )

    @cached_property
    def proven_weights(self) -> tuple[float, float]:
        """Penalty weights of locations and of facilities with which every fault costs too much.

        Costs are not negative. Take a bit string that is no permutation. Each step below lowers its
        energy, or finds that its penalties alone exceed the cost ``U`` of a known permutation; as
        there is a step for every fault, some permutation has less energy.

        1. A facility with several locations: clear one. Costs do not grow, its penalty falls by at
           least ``A``, that of the location grows by at most ``B``: ``A > B`` suffices.
        2. No facility with several locations, and one with none: there are fewer ones than
           locations, so one is empty; put the facility there. Costs grow by at most ``I``, the
           dearest place of any facility, and penalties fall by ``A + B``: ``A + B > min(I, U)``
           suffices.
        3. One location for each facility, but one location with several of them, so that another is
           empty: move one of them there. Penalties fall by at least ``2 B``, costs grow by at most
           the facility's ``delta``; of the several the one with the least is moved, so that the
           second largest ``D`` of all counts: ``2 B > min(D, U)`` suffices.
        """
        F = self.flow
        n = len(F)
        # Two facilities in one location pay nothing to each other, whatever the diagonal says.
        inner = np.diag(self.distance)
        D = self.distance - np.diag(inner)
        # out[k, l]: the most that the distance to a further place grows from k to l.
        out = (D[None, :, :] - D[:, None, :]).max(axis=2)
        into = (D.T[None, :, :] - D.T[:, None, :]).max(axis=2)
        own = inner[None, :] - inner[:, None]
        rest_out = F.sum(axis=1) - np.diag(F)
        rest_into = F.sum(axis=0) - np.diag(F)
        delta = np.sort([
            max(0.0, float((F[i, i] * own + rest_out[i] * out + rest_into[i] * into).max()))
            for i in range(n)
        ])
        placing = (
            np.outer(np.diag(F), inner) + np.outer(rest_out, D.max(axis=1))
            + np.outer(rest_into, D.max(axis=0))
        )
        known = self.score(self._descent()).objective
        second = float(delta[-2]) if n > 1 else 0.0
        location = self._above(min(second, known) / 2.0)
        facility = self._above(max(location, min(float(placing.max()), known) - location))
        return location, facility

    def _above(self, bound: float) -> float:
        """Strictly above a bound: the next whole number where all costs are whole."""
        whole = all((part == np.rint(part)).all() for part in (self.flow, self.distance))
        if whole:
            return float(np.floor(bound)) + 1.0
        return bound + 1e-3 * (float(self.flow.max() * self.distance.max()) or 1.0)

    def _descent(self) -> NDArray[np.int64]:
        """A permutation that no exchange of two facilities makes cheaper."""
        F, D = self.flow, self.distance
        p = np.arange(len(F))
        cost = float((F * D[np.ix_(p, p)]).sum())
        improved = True
        while improved:
            improved = False
            for i in range(len(p)):
                for j in range(i):
                    p[[i, j]] = p[[j, i]]
                    other = float((F * D[np.ix_(p, p)]).sum())
                    if other < cost - 1e-9 * abs(cost):
                        cost, improved = other, True
                    else:
                        p[[i, j]] = p[[j, i]]
        return p

    def _decode(self, values: Any) -> NDArray[np.int64]:
        n = len(self.flow)
        return one_of(values, [range(n)] * n)

    def _encode(self, answer: Any) -> Array:
        n = len(self.flow)
        return choices(self._check(answer), [range(n)] * n, "locations")

    def score(self, answer: Any) -> Score:
        """The cost of what is placed; every facility and location that is off is a violation."""
        p = self._check(answer)
        n = len(p)
        violations = [
            Violation(f"facility {i + 1} has not exactly one location", 1.0)
            for i in np.flatnonzero((p < 0) | (p >= n)).tolist()
        ]
        placed = np.flatnonzero((p >= 0) & (p < n))
        counts = np.bincount(p[placed], minlength=n)
        violations += [
            Violation(f"location {k + 1} has {counts[k]} facilities, there is room for one",
                      float(counts[k] - 1))
            for k in np.flatnonzero(counts > 1).tolist()
        ]
        flows = self.flow[np.ix_(placed, placed)]
        cost = float((flows * self.distance[np.ix_(p[placed], p[placed])]).sum())
        return Score(cost, tuple(violations))

    def to_sln(self, answer: Any) -> str:
        """The text of a QAPLIB ``.sln`` file."""
        return write_sln(self.score(answer).objective, self._check(answer))

    def encode_answer(self, answer: Any) -> Any:
        """The location of each facility, both counted from 1; null for none."""
        return [k + 1 if k >= 0 else None for k in self._check(answer).tolist()]

    def decode_answer(self, data: Any) -> Any:
        """Locations from a list of them, counted from 1."""
        return self._check([-1 if k is None else k - 1 for k in data])

    def _check(self, answer: Any) -> NDArray[np.int64]:
        p = np.asarray(answer)
        if p.shape != (len(self.flow),):
            raise UsageError(
                f"an answer has one location for each of {len(self.flow)} facilities, got shape "
                f"{p.shape}"
            )
        return whole_answer(p, "locations")
