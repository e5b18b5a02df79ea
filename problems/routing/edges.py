"""The edge QUBO of a tour: a bit for every way between two cities, subtours cut off as they come.

Where all ways are as long as back, a bit stands for an undirected edge, ``n (n - 1) / 2`` of them,
and every city has two edges. Otherwise it stands for an arc, ``n (n - 1)`` of them; that every city
is left once is a group, and every city is entered once. What the objective and these degrees leave
best may be several subtours. Each is a set S of cities with as many edges inside as cities; a cut
says that there are at most ``|S| - 1``. Cuts are added only against subtours that were found
(Dantzig, Fulkerson and Johnson, Operations Research 2, 393, 1954).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qopt.errors import SizeError
from qopt.forms import Group, Lowering, Penalties, Qubo
from qopt.forms.binary_code import BinaryCode, bit_values

from .tours import improve, length, nearest_neighbour

MOST_CITIES = 200
"""Cities up to which the edge QUBO is made: its pairs grow with the cube."""


@dataclass(frozen=True)
class Cut:
    """At most ``len(cities) - 1`` of the edges inside a set of cities.

    With ``k`` edges inside, the penalty is ``h (h - 1)`` for ``h = k + len(cities) % 2 - 2 t`` and
    a slack ``t``, 0 to `slack`: it is 0 for two neighbouring ``k`` at each ``t``, so that ``t``
    needs only half of the values that ``k`` has, and it is 2 for ``k = len(cities)``.

    Parameters
    ----------
    cities : tuple of int
        Ascending; at most half of all cities.
    """

    cities: tuple[int, ...]

    @property
    def slack(self) -> int:
        """Largest value of the slack."""
        return (len(self.cities) - 1 + len(self.cities) % 2) // 2

    @property
    def worth(self) -> NDArray[np.int64]:
        """What the slack's bits are worth."""
        return np.array(bit_values(self.slack), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Ways:
    """The edges or arcs of an instance, in the order of their bits.

    Parameters
    ----------
    distance : ndarray of float64, shape (n, n)
    names : sequence of str
        Of the cities, for labels.
    """

    distance: NDArray[np.float64] = field(repr=False)
    names: Sequence[str] = field(repr=False)

    @property
    def cities(self) -> int:
        """Number of cities."""
        return len(self.distance)

    @cached_property
    def directed(self) -> bool:
        """Whether bits stand for arcs."""
        return not bool((self.distance == self.distance.T).all())

    @cached_property
    def ends(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where each way begins and ends, city by city."""
        n = self.cities
        if self.directed:
            start, end = np.nonzero(~np.eye(n, dtype=bool))
        else:
            start, end = np.triu_indices(n, 1)
        return start.astype(np.int64), end.astype(np.int64)

    @cached_property
    def lengths(self) -> NDArray[np.float64]:
        """Length of each way."""
        return self.distance[self.ends]

    @cached_property
    def labels(self) -> list[str]:
        """A name for each way: ``3-7`` for an edge, ``3>7`` for an arc."""
        sign = ">" if self.directed else "-"
        return [
            f"{self.names[a]}{sign}{self.names[b]}" for a, b in zip(*self.ends, strict=True)
        ]

    def at(self, city: int) -> NDArray[np.int64]:
        """The bits whose number at a city is penalised: its edges, or the arcs into it."""
        start, end = self.ends
        return np.flatnonzero(end == city if self.directed else (start == city) | (end == city))

    def inside(self, cities: Iterable[int]) -> NDArray[np.int64]:
        """The bits of the ways between two cities of a set."""
        member = np.zeros(self.cities, dtype=bool)
        member[list(cities)] = True
        start, end = self.ends
        return np.flatnonzero(member[start] & member[end])

    @property
    def degree(self) -> int:
        """How many of the bits `at` a city are one."""
        return 1 if self.directed else 2


@dataclass(frozen=True)
class Weights:
    """Penalty weights of the edge encoding.

    Parameters
    ----------
    city : ndarray of float64, shape (n,)
        Of ``(edges at the city - 2)**2``, or ``(arcs into it - 1)**2``.
    cut : float
        Of a cut's ``h (h - 1)``.
    leaving : float
        Of ``(arcs out of a city - 1)**2``, for who does not keep groups.
    proven : bool
    """

    city: NDArray[np.float64]
    cut: float
    leaving: float
    proven: bool = True


def proven_weights(ways: Ways) -> Weights:
    """Weights with which bits that break a degree or a cut have more energy than the best tour.

    Let ``U`` be the length of a known tour, and let a choice of ways be no shorter than
    ``L - sum_i D_i(v_i)`` where ``v_i`` are its deviations from the degrees: `_Bound` gives such
    ``L`` and ``D_i``. Deviations come in pairs, for their sum is even (of arcs, with groups kept,
    zero). So

        B_i v**2 > D_i(v) + min(|v|, 2) (U - L) / 2   for all v

    puts what breaks a degree above ``U``. What keeps all degrees is no shorter than ``L``, and a
    broken cut costs ``2 C`` at least: ``C > (U - L) / 2``. Lengths are not negative, so a penalty
    above ``U`` keeps the groups of arcs, whatever else is broken.

    The bound holds for any potentials of the cities. Those that make the weights smallest are
    looked for by subgradient steps towards the tightest bound (Held and Karp, 1971).

    Parameters
    ----------
    ways : Ways

    Returns
    -------
    Weights
    """
    table = ways.distance.tolist()
    known = length(improve(nearest_neighbour(table), table), table)
    potential, gap = np.zeros(ways.cities), known
    best = np.full(ways.cities, np.inf)
    least, pace = -np.inf, 1.0
    for _ in range(_STEPS):
        bound = _Bound.at(ways, potential)
        needed = bound.needed(known)
        if needed.sum() < best.sum():
            best, gap = needed, max(known - bound.least, 0.0)
        pace, least = pace if bound.least > least else 0.97 * pace, max(least, bound.least)
        size = float(bound.slope @ bound.slope)
        if size == 0.0:
            break
        potential = potential + pace * (known - bound.least) / size * bound.slope
    exact = bool((ways.distance == np.rint(ways.distance)).all())
    room = 1e-3 * max(float(ways.distance.max()), 1e-6)

    def above(bound: Any) -> Any:
        """The next whole number where distances are whole: then energies are."""
        return np.floor(bound + 1e-9) + 1.0 if exact else bound + room

    return Weights(above(best), float(above(gap / 2.0)), float(above(known)))


_STEPS = 200
"""Subgradient steps towards small weights."""


@dataclass(frozen=True, eq=False)
class _Bound:
    """A choice of ways is no shorter than ``least - sum_i saved_i(v_i)``.

    Parameters
    ----------
    least : float
    saved : ndarray of float64, shape (n, deviations)
    size : ndarray of int64, shape (deviations,)
        The sizes of the deviations, none of which is 0.
    slope : ndarray of float64, shape (n,)
        A subgradient of `least` by the potentials.
    """

    least: float
    saved: NDArray[np.float64]
    size: NDArray[np.int64]
    slope: NDArray[np.float64]

    @classmethod
    def at(cls, ways: Ways, potential: NDArray[np.float64]) -> "_Bound":
        """The bound of some potentials, one for each city."""
        n, k = ways.cities, ways.degree
        deviation = np.array([v for v in range(-k, n - k) if v != 0], dtype=np.int64)
        reduced = ways.distance - potential
        if ways.directed:
            # A way counts its reduced length where it begins, which each city is exactly once.
            np.fill_diagonal(reduced, np.inf)
            nearest = reduced.argmin(axis=1)
            least = potential.sum() + reduced.min(axis=1).sum()
            # Deviations sum to zero: any constant may be taken off the potentials.
            centred = potential - (potential.max() + potential.min()) / 2.0
            slope = np.asarray(1.0 - np.bincount(nearest, minlength=n), dtype=np.float64)
            return cls(float(least), -np.outer(centred, deviation), np.abs(deviation), slope)
        # A way counts half of its reduced length at each of its ends.
        reduced -= potential[:, None]
        np.fill_diagonal(reduced, np.inf)
        order = reduced.argsort(axis=1)
        steps = np.take_along_axis(reduced, order, axis=1)[:, : n - 1] / 2.0
        counted = np.concatenate([np.zeros((n, 1)), np.cumsum(steps, axis=1)], axis=1)
        least = k * potential.sum() + counted[:, k].sum()
        saved = counted[:, [k]] - counted[:, deviation + k] - np.outer(potential, deviation)
        slope = 1.0 - np.bincount(order[:, :k].ravel(), minlength=n) / 2.0
        return cls(float(least), saved, np.abs(deviation), slope)

    def needed(self, known: float) -> NDArray[np.float64]:
        """What the weights of all cities must exceed, beside a tour of length `known`."""
        gap = max(known - self.least, 0.0)
        room = self.saved + np.minimum(self.size, 2) * gap / 2.0
        return np.asarray((room / self.size**2).max(axis=1))


def edge_qubo(ways: Ways, weights: Weights, cuts: Sequence[Cut]) -> Qubo:
    """The QUBO: bits of ways, then those of the cuts' slacks.

    Parameters
    ----------
    ways : Ways
    weights : Weights
    cuts : sequence of Cut
    """
    n = len(ways.lengths)
    slacks = [cut.worth for cut in cuts]
    linear = np.concatenate([ways.lengths, np.zeros(sum(map(len, slacks)))])
    row, col, value = [], [], []
    offset = 0.0

    def add(index: NDArray[np.int64], factor: NDArray[Any], shift: float, weight: float) -> None:
        """Add ``weight (h**2 + shift h)`` for ``h = factor . bits``, constants aside."""
        linear[index] += weight * factor * (factor + shift)
        a, b = np.triu_indices(len(index), 1)
        row.append(index[a])
        col.append(index[b])
        value.append(2.0 * weight * factor[a] * factor[b])

    for city in range(ways.cities):
        index, weight = ways.at(city), float(weights.city[city])
        add(index, np.ones(len(index)), -2.0 * ways.degree, weight)
        offset += weight * ways.degree**2
    at = n
    for cut, worth in zip(cuts, slacks, strict=True):
        inside = ways.inside(cut.cities)
        index = np.concatenate([inside, np.arange(at, at + len(worth))])
        # h (h - 1) for h = odd + sum of the bits is a polynomial in that sum.
        odd = len(cut.cities) % 2
        add(index, np.concatenate([np.ones(len(inside)), -2.0 * worth]), 2 * odd - 1, weights.cut)
        at += len(worth)
    labels = [
        f"cut{c + 1}[{b}]" for c, worth in enumerate(slacks) for b in range(len(worth))
    ]
    return Qubo.from_arrays(
        linear, np.concatenate(row), np.concatenate(col), np.concatenate(value), offset=offset,
        labels=[*ways.labels, *labels], groups=_groups(ways, weights),
    )


def _groups(ways: Ways, weights: Weights) -> list[Group]:
    """Of the arcs out of a city, one."""
    if not ways.directed:
        return []
    start, _ = ways.ends
    return [
        Group(
            tuple(np.flatnonzero(start == city).tolist()), 1, weights.leaving,
            f"ways out of {ways.names[city]}",
        )
        for city in range(ways.cities)
    ]


def components(ways: Ways, bits: ArrayLike) -> list[tuple[int, ...]]:
    """The sets of cities that chosen ways connect, each ascending."""
    root = list(range(ways.cities))

    def find(city: int) -> int:
        while root[city] != city:
            root[city] = root[root[city]]
            city = root[city]
        return city

    for way in chosen(ways, bits):
        root[find(int(ways.ends[0][way]))] = find(int(ways.ends[1][way]))
    sets: dict[int, list[int]] = {}
    for city in range(ways.cities):
        sets.setdefault(find(city), []).append(city)
    return [tuple(cities) for cities in sets.values()]


def chosen(ways: Ways, bits: ArrayLike) -> NDArray[np.int64]:
    """The ways whose bits are one."""
    return np.flatnonzero(np.asarray(bits)[: len(ways.lengths)] > 0.5)


def tour_of_bits(ways: Ways, bits: ArrayLike) -> tuple[int, ...]:
    """The tour that bits stand for; nothing is mended.

    Bits that break a degree give the cities whose degree is right, which leaves one out; several
    subtours give that of the first city.
    """
    picked = chosen(ways, bits)
    start, end = ways.ends[0][picked], ways.ends[1][picked]
    out, into = (np.bincount(side, minlength=ways.cities) for side in (start, end))
    right = (out == 1) & (into == 1) if ways.directed else out + into == 2
    if not right.all():
        return tuple(np.flatnonzero(right).tolist())
    after: dict[int, list[int]] = {city: [] for city in range(ways.cities)}
    for a, b in zip(start.tolist(), end.tolist(), strict=True):
        after[a].append(b)
        if not ways.directed:
            after[b].append(a)
    tour, city, before = [0], after[0][0], 0
    while city != 0:
        tour.append(city)
        ahead = after[city]
        city, before = (ahead[-1] if ahead[0] == before else ahead[0]), city
    return tuple(tour)


def bits_of_tour(ways: Ways, cuts: Sequence[Cut], tour: Sequence[int]) -> NDArray[np.int8]:
    """The bits of a feasible tour, those of the slacks included."""
    n = ways.cities
    taken = np.zeros((n, n), dtype=bool)
    taken[list(tour), [*tour[1:], *tour[:1]]] = True
    if not ways.directed:
        taken |= taken.T
    bits = [taken[ways.ends].astype(np.int8)]
    for cut in cuts:
        inside = int(bits[0][ways.inside(cut.cities)].sum())
        bits.append(_slack_bits(cut, (inside + len(cut.cities) % 2) // 2))
    return np.concatenate(bits)


def _slack_bits(cut: Cut, value: int) -> NDArray[np.int8]:
    return BinaryCode.of([cut.slack]).encode(np.array([min(value, cut.slack)]))


def new_cuts(
    ways: Ways, known: Sequence[Cut], answers: Sequence[Any], below: float
) -> list[Cut]:
    """Cuts against the subtours of the best answer that has any, up to the first tour.

    Every set of cities with as many chosen ways inside as cities is cut off but the largest, and of
    a set and the other cities the smaller: with all degrees right, both say the same. Subtours that
    are no shorter than a tour that was found, of length `below`, are none to cut off.
    """
    for bits in answers:
        picked = chosen(ways, bits)
        sets = sorted(components(ways, bits), key=len)
        if len(sets) == 1 and len(tour_of_bits(ways, bits)) == ways.cities:
            return []
        full = [
            cities for cities in sets[:-1]
            if np.isin(ways.inside(cities), picked).sum() >= len(cities)
        ]
        cuts = dict.fromkeys(_cut(ways, cities) for cities in full)
        fresh = [cut for cut in cuts if cut not in known]
        if fresh and float(ways.lengths[picked].sum()) < below:
            return fresh
    return []


def tour_length(ways: Ways, bits: ArrayLike) -> float:
    """The length of the tour that bits stand for; infinite where they are none."""
    if len(tour_of_bits(ways, bits)) < ways.cities:
        return inf
    return float(ways.lengths[chosen(ways, bits)].sum())


def _cut(ways: Ways, cities: tuple[int, ...]) -> Cut:
    if 2 * len(cities) <= ways.cities:
        return Cut(cities)
    return Cut(tuple(sorted(set(range(ways.cities)) - set(cities))))


def lower_edges(
    distance: NDArray[np.float64], names: Sequence[str], weight: float | None
) -> Lowering[Qubo]:
    """The lowering of a TSP to its edge QUBO, without cuts at first.

    Parameters
    ----------
    distance : ndarray of float64, shape (n, n)
    names : sequence of str
    weight : float, optional
        One for all penalties, above 0; proven ones if left out.

    Raises
    ------
    SizeError
        Above `MOST_CITIES`.
    """
    ways = Ways(distance, names)
    if ways.cities > MOST_CITIES:
        raise SizeError(
            "the edge QUBO of a TSP", ways.cities, MOST_CITIES, "cities",
            f"this one would need {num_bits(distance)} qubits",
        )
    weights = proven_weights(ways)
    if weight is not None:
        same = np.full(ways.cities, float(weight))
        weights = Weights(same, float(weight), float(weight), proven=False)
    return _lowering(ways, weights, (), inf)


def num_bits(distance: NDArray[np.float64]) -> int:
    """Bits of the edge QUBO without cuts."""
    n = len(distance)
    return n * (n - 1) // (2 if (distance == distance.T).all() else 1)


def _lowering(
    ways: Ways, weights: Weights, cuts: tuple[Cut, ...], shortest: float
) -> Lowering[Qubo]:
    """The lowering with some cuts, after a tour of length `shortest` was found."""

    def refine(answers: Sequence[Any]) -> Lowering[Qubo] | None:
        below = min((tour_length(ways, bits) for bits in answers), default=inf)
        fresh = new_cuts(ways, cuts, answers, min(below, shortest))
        return _lowering(ways, weights, (*cuts, *fresh), min(below, shortest)) if fresh else None

    model = edge_qubo(ways, weights, cuts)
    # Subtours take at least three cities each, of arcs two.
    split = ways.cities >= (4 if ways.directed else 6)
    return Lowering(
        model,
        decode=lambda bits: tour_of_bits(ways, bits),
        encode=lambda tour: bits_of_tour(ways, cuts, tour),
        notes=_notes(ways, weights, cuts, model, split),
        relaxed=split,
        refine=refine if split else None,
        penalties=Penalties.of(
            [*weights.city, *([weights.cut] if split else []),
             *([weights.leaving] if ways.directed else [])],
            ways.lengths,
        ),
    )


def _notes(
    ways: Ways, weights: Weights, cuts: tuple[Cut, ...], model: Qubo, split: bool
) -> tuple[str, ...]:
    kind = "arcs" if ways.directed else "edges"
    count = len(ways.lengths)
    bits = f"{ways.cities} cities by {count} {kind}"
    if cuts:
        slack = _several(model.num_variables - count, "slack bit")
        bits += f" and {slack} of {_several(len(cuts), 'subtour cut')}"
    low, high = float(weights.city.min()), float(weights.city.max())
    if weights.proven:
        span = f"{low:g}" if low == high else f"{low:g} to {high:g}"
        said = f"penalty weights {span} for degrees, {weights.cut:g} for cuts, proven sufficient"
    else:
        said = f"penalty weight {low:g} as asked, not proven sufficient"
    notes = [f"{bits} = {model.num_variables} qubits", said]
    if split:
        notes.append("subtours are cut off as they are found: until then the model is a relaxation")
    return tuple(notes)


def _several(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")
