"""The one-hot QUBO of a tour: bit (p, c) says that city c is visited at position p.

City 0 is fixed as the start, so that ``n`` cities need ``(n - 1)**2`` bits. That each position
holds exactly one city is a group; that each city has exactly one position is a penalty in the
objective.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qopt.errors import SizeError
from qopt.forms import Group, Lowering, Qubo

from .tours import improve, length, nearest_neighbour

MOST_CITIES = 150
"""Cities up to which the one-hot QUBO is made: it has the square as bits, the cube as pairs."""


@dataclass(frozen=True)
class Weights:
    """Penalty weights of the one-hot encoding.

    Parameters
    ----------
    city : ndarray of float64, shape (n - 1,)
        Of ``(times visited - 1)**2``, for each city but the first.
    position : float
        Of ``(cities here - 1)**2``, for each position.
    """

    city: NDArray[np.float64]
    position: float


def proven_weights(distance: NDArray[np.float64]) -> Weights:
    """Weights with which every bit string that is no tour has more energy than the best tour.

    Distances must not be negative. Take a bit string that is no tour. Each step below lowers its
    energy, or finds that its penalties alone exceed the length ``U`` of a known tour; as there is
    a step for every fault, some tour has less energy.

    1. A position with several cities: clear the one of least weight ``B_c`` among them. Travel
       does not grow, the position's penalty falls by at least ``A``, the city's grows by at most
       ``B_c``, which is at most the second largest of all: ``A`` above that suffices.
    2. No position with several cities, and an empty one: there are fewer ones than cities, so some
       city ``c`` is missing; put it there. Travel grows by at most the longest way into ``c`` and
       out of it, ``I_c``; the penalties fall by ``A + B_c``. ``A + B_c > min(I_c, U)`` suffices.
    3. One city at each position, but some city ``c`` several times, so that some ``c'`` is missing:
       replace one ``c`` by ``c'``. Travel grows by at most

           delta(c, c') = max_a (d(a, c') - d(a, c)) + max_b (d(c', b) - d(c, b)),

       the penalties fall by at least ``B_c + B_c'``. Let ``L_c`` be half the largest ``delta``
       that involves ``c``, and ``B_c`` exceed ``min(L_c, U / 2)``. If neither minimum is the
       second, the fall is above ``delta``. If one is, say of ``c``, then ``L_c > U / 2 >= L_c'``
       and ``L_c' >= delta / 2``: again above ``delta``. If both are, the penalties exceed ``U``.

    Parameters
    ----------
    distance : ndarray of float64, shape (n, n)

    Returns
    -------
    Weights
    """
    table = distance.tolist()
    known = length(improve(nearest_neighbour(table), table), table)
    # into[c, c'] and out[c, c']: the most that replacing c by c' adds before it and behind it.
    into = (distance[:, None, :] - distance[:, :, None]).max(axis=0)
    out = (distance[None, :, :] - distance[:, None, :]).max(axis=2)
    delta = (into + out)[1:, 1:]
    np.fill_diagonal(delta, 0.0)
    local = np.maximum(delta, delta.T).max(axis=1) / 2.0
    city = _above(np.minimum(local, known / 2.0), distance)
    insertion = distance.max(axis=0)[1:] + distance.max(axis=1)[1:]
    second = np.sort(city)[-2] if len(city) > 1 else 0.0
    position = max(second, float((np.minimum(insertion, known) - city).max()), 0.0)
    return Weights(city, float(_above(np.asarray(position), distance)))


def _above(bound: NDArray[np.float64], distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Strictly above a bound: the next whole number, so that whole distances stay whole."""
    if (distance == np.rint(distance)).all():
        return np.floor(bound) + 1.0
    return bound + 1e-3 * max(float(distance.max()), 1e-6)


def tour_qubo(distance: NDArray[np.float64], weights: Weights, names: Sequence[str]) -> Qubo:
    """The QUBO; bit ``p (n - 1) + c - 1`` is city ``c`` at position ``p``, both but the start.

    Parameters
    ----------
    distance : ndarray of float64, shape (n, n)
    weights : Weights
    names : sequence of str
        Of the cities, for labels.
    """
    m = len(distance) - 1
    bit = np.arange(m * m).reshape(m, m)
    linear = np.zeros((m, m))
    linear[0] += distance[0, 1:]
    linear[-1] += distance[1:, 0]
    # Penalty B_c (sum_p x_pc - 1)**2 = B_c (1 - sum_p x_pc + 2 sum_{p<q} x_pc x_qc).
    linear -= weights.city
    a, b = np.nonzero(~np.eye(m, dtype=bool))
    hop = np.arange(m - 1)[:, None]
    p, q = np.triu_indices(m, 1)
    row = [bit[hop, a].ravel(), bit[p].ravel()]
    col = [bit[hop + 1, b].ravel(), bit[q].ravel()]
    value = [np.tile(distance[a + 1, b + 1], m - 1), np.tile(2.0 * weights.city, len(p))]
    return Qubo.from_arrays(
        linear.ravel(),
        np.concatenate(row),
        np.concatenate(col),
        np.concatenate(value),
        offset=float(weights.city.sum()),
        labels=[f"p{i + 2}_c{name}" for i in range(m) for name in names[1:]],
        groups=[
            Group(tuple(bit[i].tolist()), 1, weights.position, f"position {i + 2}")
            for i in range(m)
        ],
    )


def tour_of_bits(bits: ArrayLike, size: int) -> tuple[int, ...]:
    """The tour that bits stand for.

    A position with no city or several is left out. As there are no more positions than cities to
    place, bits that break anything give a tour that misses a city: nothing is mended.
    """
    grid = np.asarray(bits).reshape(size - 1, size - 1) > 0.5
    return (0, *(int(row.argmax()) + 1 for row in grid if row.sum() == 1))


def bits_of_tour(tour: Sequence[int]) -> NDArray[np.int8]:
    """The bits of a feasible tour, shape ((n - 1)**2,)."""
    start = list(tour).index(0)
    order = [*tour[start + 1 :], *tour[:start]]
    grid = np.zeros((len(order), len(order)), dtype=np.int8)
    for position, city in enumerate(order):
        grid[position, city - 1] = 1
    return grid.ravel()


def lower_one_hot(
    distance: NDArray[np.float64], names: Sequence[str], weight: float | None
) -> Lowering[Qubo]:
    """The lowering of a TSP to its one-hot QUBO.

    Parameters
    ----------
    distance : ndarray of float64, shape (n, n)
    names : sequence of str
        Of the cities, for labels.
    weight : float, optional
        One for all cities and positions, above 0; `proven_weights` if left out.

    Raises
    ------
    SizeError
        Above `MOST_CITIES`.
    """
    size = len(distance)
    if size > MOST_CITIES:
        raise SizeError(
            "the one-hot QUBO of a TSP", size, MOST_CITIES, "cities",
            f"this one would need {(size - 1) ** 2} qubits",
        )
    if weight is None:
        weights = proven_weights(distance)
        low, high = float(weights.city.min()), float(weights.city.max())
        said = (
            f"penalty weights {low:g} to {high:g} for cities, {weights.position:g} for "
            "positions, proven sufficient"
        )
    else:
        weights = Weights(np.full(size - 1, float(weight)), float(weight))
        said = f"penalty weight {weight:g} as asked, not proven sufficient"
    return Lowering(
        tour_qubo(distance, weights, names),
        decode=lambda bits: tour_of_bits(bits, size),
        encode=bits_of_tour,
        notes=(f"{size} cities one-hot with a fixed start = {(size - 1) ** 2} qubits", said),
    )
