"""Routing of commuting terms: layouts by annealing, then swaps that help the most terms.

The terms of a cost commute, so a router need not keep their order, as one for general circuits
must. A swap on a pair with a term takes the term along for nothing.

References
----------
Lao and Browne, "2QAN: A quantum compiler for 2-local qubit Hamiltonian simulation algorithms",
ISCA 2022 (placement as a quadratic assignment, permutation-aware routing, merged swaps).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .plan import Plan, plan_of
from .routing_kernels import anneal_placement, route
from .target import Couplings, adjacency

_PLACING_POWER = 0.8
_ROUTING_POWER = 0.7
"""A term whose variables are d couplings apart costs ``(d - 1)`` to this power: the many that are
near count more than the few that are far."""

_HOT, _COLD = 3.0, 0.2
"""Temperatures of the annealing, in costs of a term of two couplings."""

_MOVES = (30_000, 2_500_000)
"""Fewest and most moves of an annealing."""

_ROUTES = 12
"""Routes that are tried from one placement; they take a hundredth of its time."""

_MIXED = ((0.05, 0.02, 0.3), (0.05, 0.0, 0.5), (0.2, 0.05, 0.3), (0.05, 0.1, 0.2))
"""Noise, calm and bonus of `route`, taken in turn."""

_QUALITY = 0.1
"""What a coupling that is as much worse than the median as the median is costs a swap more."""


@dataclass(frozen=True, eq=False)
class _Region:
    """Couplings between some of the places, renumbered from 0."""

    places: NDArray[np.int64]
    distances: NDArray[np.int64]
    beside: NDArray[np.int64]
    ways: NDArray[np.int64]
    coupling: NDArray[np.int64]
    cost: NDArray[np.float64]
    ease: NDArray[np.float64]

    @classmethod
    def of(cls, couplings: Couplings, places: NDArray[np.int64]) -> "_Region":
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import shortest_path

        number = np.full(couplings.places, -1)
        number[places] = np.arange(len(places))
        pairs = number[couplings.pairs]
        inside = (pairs >= 0).all(axis=1)
        pairs, costs = pairs[inside], couplings.costs[inside]
        size = (len(places), len(places))
        graph = coo_matrix((np.ones(len(pairs)), pairs.T), size).tocsr()
        distances = np.asarray(shortest_path(graph, directed=False, unweighted=True))
        typical = float(np.median(costs)) if len(costs) else 1.0
        worse = _QUALITY * np.clip(costs / (typical or 1.0) - 1.0, -1.0, 10.0)
        readout = couplings.readout[places]
        middle = float(np.median(readout)) if len(readout) else 1.0
        ease = _QUALITY * np.clip(readout / (middle or 1.0) - 1.0, -1.0, 10.0)
        return cls(places, distances.astype(np.int64), *adjacency(len(places), pairs), worse, ease)


def routes(
    terms: NDArray[np.int64], variables: int, couplings: Couplings, seed: int,
    over: Callable[[], bool], *, tight: bool = False,
) -> Iterator[Plan]:
    """Plans from ever new placements.

    Parameters
    ----------
    terms : ndarray of int64, shape (terms, 2)
        Pairs of variables.
    variables : int
    couplings : Couplings
        With at least as many places.
    seed : int
    over : callable
        Asked after each placement.
    tight : bool
        Whether every second placement keeps to as few places as there can be.
    """
    generator = np.random.default_rng([seed, 1])
    offsets, partners, _ = adjacency(variables, terms)
    whole = _Region.of(couplings, np.arange(couplings.places))
    moves = int(np.clip(400 * variables * couplings.places, *_MOVES))
    turn = 0
    while True:
        region = whole
        if tight and turn % 2 == 1 and variables < couplings.places:
            region = _Region.of(couplings, _cluster(couplings, variables, generator))
        yield from _from_placement(
            region, offsets, partners, terms, variables, couplings, generator, moves
        )
        turn += 1
        if over():
            return


def _from_placement(
    region: _Region, offsets: NDArray[np.int64], partners: NDArray[np.int64],
    terms: NDArray[np.int64], variables: int, couplings: Couplings,
    generator: np.random.Generator, moves: int,
) -> Iterator[Plan]:
    """The best few plans from one placement."""
    count = len(region.places)
    apart = np.maximum(0.0, np.arange(count + 1) - 1.0)
    place = generator.permutation(count)[:variables].astype(np.int64)
    holder = np.full(count, -1, dtype=np.int64)
    holder[place] = np.arange(variables)
    price = (apart**_PLACING_POWER)[region.distances].astype(np.float32)
    anneal_placement(
        price, region.ease, offsets, partners, place, holder, moves, _HOT, _COLD, generator
    )
    most = 4 * len(terms) * int(region.distances.max(initial=1)) + 16
    found: list[tuple[int, NDArray[np.int64]]] = []
    for k in range(_ROUTES):
        noise, calm, bonus = _MIXED[k % len(_MIXED)]
        swaps = np.zeros((most, 2), dtype=np.int64)
        used = route(
            region.distances, region.beside, region.ways, region.coupling, region.cost,
            apart**_ROUTING_POWER, offsets, partners, place.copy(), holder.copy(), noise, calm,
            bonus, generator, swaps,
        )
        if used <= most:
            found.append((used, region.places[swaps[:used]]))
    found.sort(key=lambda item: item[0])
    for _, swaps in found[:_ROUTES // 4]:
        yield plan_of(swaps, region.places[place], terms, couplings, "commuting routes")


def _cluster(
    couplings: Couplings, size: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """A connected set of good places, grown from a random one."""
    offsets, ways, number = couplings.neighbours
    inside = np.zeros(couplings.places, dtype=bool)
    start = int(generator.integers(couplings.places))
    inside[start] = True
    chosen = [start]
    while len(chosen) < size:
        price = np.full(couplings.places, np.inf)
        links = np.zeros(couplings.places)
        for p in chosen:
            for f in range(offsets[p], offsets[p + 1]):
                q = ways[f]
                if not inside[q]:
                    worth = couplings.costs[number[f]] + couplings.readout[q]
                    price[q] = min(price[q], worth)
                    links[q] += 1.0
        price = price / np.maximum(1.0, links) * generator.uniform(0.7, 1.3, len(price))
        best = int(np.argmin(price))
        inside[best] = True
        chosen.append(best)
    return np.sort(np.array(chosen, dtype=np.int64))
