"""The rank of a tour: all tours numbered, and the number written in as few bits as can be.

A tour grows by one city after the other: from the tour of the first cities, of which there is but
one, each further city ``k`` is inserted behind one of the ``k`` cities before it. The places are
the digits of the rank in mixed radix (a factorial number system), the last city's the lowest. Of
two cities there is one tour, of three too where ways are as long as back: so there are
``(n - 1)!`` ranks, or half as many, and each is another tour.
"""

from collections.abc import Sequence
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qopt.errors import SizeError
from qopt.forms import Lowering, Table
from qopt.forms.table import MOST_BITS

_DISTINCT = 0.1
"""How far the penalty lies above the longest tour, in ranges of their lengths."""


def _first(cities: int, symmetric: bool) -> int:
    """Cities of the tour that all others grow from."""
    return min(3 if symmetric else 2, cities)


def num_tours(cities: int, symmetric: bool) -> int:
    """How many tours there are, one direction of each where both are the same."""
    return factorial(cities - 1) // (2 if symmetric and cities > 2 else 1)


def num_bits(cities: int, symmetric: bool) -> int:
    """Bits of a rank."""
    return (num_tours(cities, symmetric) - 1).bit_length()


def tour_of_rank(rank: int, cities: int, symmetric: bool) -> tuple[int, ...]:
    """The tour of a rank, from city 0 on."""
    first = _first(cities, symmetric)
    places = []
    for city in range(cities - 1, first - 1, -1):
        rank, place = divmod(rank, city)
        places.append(place)
    tour = list(range(first))
    for city, place in zip(range(first, cities), reversed(places), strict=True):
        tour.insert(place + 1, city)
    return tuple(tour)


def rank_of_tour(tour: Sequence[int], symmetric: bool) -> int:
    """The rank of a tour, wherever it starts; where both directions are the same, of either."""
    cities = len(tour)
    first = _first(cities, symmetric)
    start = list(tour).index(0)
    order = [*tour[start:], *tour[:start]]
    if symmetric and cities > 2 and order.index(1) > order.index(2):
        order = [0, *order[:0:-1]]
    places = []
    for city in range(cities - 1, first - 1, -1):
        place = order.index(city) - 1
        places.append(place)
        order.remove(city)
    rank = 0
    for city, place in zip(range(first, cities), reversed(places), strict=True):
        rank = rank * city + place
    return rank


def all_tours(cities: int, symmetric: bool) -> NDArray[np.int8]:
    """Every tour in the order of ranks, shape (tours, cities)."""
    tours = np.arange(_first(cities, symmetric), dtype=np.int8)[None]
    for city in range(tours.shape[1], cities):
        longer = np.empty((len(tours), city, city + 1), dtype=np.int8)
        for place in range(city):
            longer[:, place, : place + 1] = tours[:, : place + 1]
            longer[:, place, place + 1] = city
            longer[:, place, place + 2 :] = tours[:, place + 1 :]
        tours = longer.reshape(-1, city + 1)
    return tours


def tour_lengths(distance: NDArray[np.float64], symmetric: bool) -> NDArray[np.float64]:
    """Length of every tour in the order of ranks, shape (tours,)."""
    tours = all_tours(len(distance), symmetric)
    total = np.zeros(len(tours))
    for place in range(len(distance)):
        total += distance[tours[:, place - 1], tours[:, place]]
    return total


def lower_rank(distance: NDArray[np.float64]) -> Lowering[Table]:
    """The lowering of a TSP to the table of the lengths of all tours by their ranks.

    Strings beyond the last rank stand for no tour; their value is above the longest one.

    Parameters
    ----------
    distance : ndarray of float64, shape (n, n)

    Raises
    ------
    SizeError
        Where ranks have more than `MOST_BITS` bits.
    """
    cities = len(distance)
    symmetric = bool((distance == distance.T).all())
    bits, count = num_bits(cities, symmetric), num_tours(cities, symmetric)
    if bits > MOST_BITS:
        raise SizeError(
            "the table of all tours by rank", bits, MOST_BITS, "qubits",
            f"{cities} cities have about 10**{len(str(count)) - 1} tours: take another encoding",
        )
    lengths = tour_lengths(distance, symmetric)
    least, most = float(lengths.min()), float(lengths.max())
    penalty = most + max(1.0 if most == least else _DISTINCT * (most - least), 1e-6 * abs(most))
    if (distance == np.rint(distance)).all():
        penalty = float(np.ceil(penalty))
    values = np.full(1 << bits, penalty)
    values[:count] = lengths
    spare = len(values) - count

    def decode(sample: ArrayLike) -> tuple[int, ...]:
        rank = int(model.indices(np.asarray(sample) > 0.5)[0])
        return tour_of_rank(rank, cities, symmetric) if rank < count else ()

    def encode(tour: Any) -> NDArray[np.int8]:
        return np.asarray(model.samples([rank_of_tour(tour, symmetric)])[0])

    model = Table(
        values, penalty if spare else None, tuple(f"rank[{bit}]" for bit in range(bits))
    )
    notes = [
        f"{cities} cities by the rank of the tour among {count}"
        f"{', both directions being one' if symmetric and cities > 2 else ''} = {bits} qubits"
    ]
    if spare:
        notes.append(f"{spare} of {len(values)} bit strings are no tour: value {penalty:g}, above "
                     f"the longest tour's {most:g}")
    notes.append("its phase is any diagonal, no sum of pairs: for simulators only")
    return Lowering(model, decode=decode, encode=encode, notes=tuple(notes))
