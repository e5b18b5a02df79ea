"""Orders of visits: construction, local search, and exact orders of a few stops.

A tour is a list of locations that is closed: from the last one back to the first. Distances are
nested lists, which plain Python reads several times faster than array elements, and need not be
symmetric.
"""

from collections.abc import Sequence
from itertools import pairwise

Matrix = Sequence[Sequence[float]]

EXACT = 10
"""Stops up to which `shortest_order` is exact."""

_IMPROVEMENT = 1e-9
"""Gains below this are rounding errors."""


def length(tour: Sequence[int], distance: Matrix) -> float:
    """Length of a closed tour."""
    return sum(distance[a][b] for a, b in zip(tour, [*tour[1:], *tour[:1]], strict=True))


def nearest_neighbour(distance: Matrix) -> list[int]:
    """The tour that starts at location 0 and goes to the nearest unvisited location each time."""
    tour = [0]
    left = set(range(1, len(distance)))
    while left:
        row = distance[tour[-1]]
        nearest = min(left, key=lambda city: (row[city], city))
        left.remove(nearest)
        tour.append(nearest)
    return tour


def improve(tour: Sequence[int], distance: Matrix) -> list[int]:
    """A tour that neither 2-opt nor Or-opt makes shorter; its first location stays first."""
    best = list(tour)
    while _two_opt(best, distance) or _or_opt(best, distance):
        pass
    return best


def _two_opt(tour: list[int], distance: Matrix) -> bool:
    """Reverse the first stretch whose reversal makes the tour shorter; whether there was one."""
    n = len(tour)
    # Length of the tour up to each position, driven forwards and backwards.
    forth, back = [0.0], [0.0]
    for a, b in pairwise(tour):
        forth.append(forth[-1] + distance[a][b])
        back.append(back[-1] + distance[b][a])
    for i in range(1, n - 1):
        before, first = tour[i - 1], tour[i]
        for j in range(i + 1, n):
            last, after = tour[j], tour[(j + 1) % n]
            gain = (
                distance[before][first] + distance[last][after] + forth[j] - forth[i]
                - distance[before][last] - distance[first][after] - back[j] + back[i]
            )
            if gain > _IMPROVEMENT:
                tour[i : j + 1] = tour[i : j + 1][::-1]
                return True
    return False


def _or_opt(tour: list[int], distance: Matrix) -> bool:
    """Move the first stretch of at most three stops whose move makes the tour shorter."""
    n = len(tour)
    for size in range(1, min(3, n - 2) + 1):
        for i in range(1, n - size + 1):
            first, last = tour[i], tour[i + size - 1]
            rest = tour[:i] + tour[i + size :]
            before, after = tour[i - 1], tour[(i + size) % n]
            saved = distance[before][first] + distance[last][after] - distance[before][after]
            for k, a in enumerate(rest):
                b = rest[(k + 1) % len(rest)]
                spent = distance[a][first] + distance[last][b] - distance[a][b]
                if saved - spent > _IMPROVEMENT:
                    tour[:] = rest[: k + 1] + tour[i : i + size] + rest[k + 1 :]
                    return True
    return False


def shortest_order(stops: Sequence[int], distance: Matrix) -> list[int]:
    """The order of `stops` that makes the tour from location 0 through them and back short.

    Exact up to `EXACT` stops (Held and Karp, 1962), a local optimum beyond.
    """
    if len(stops) > EXACT:
        return improve([0, *stops], distance)[1:]
    if not stops:
        return []
    n = len(stops)
    # best[visited][last]: shortest way from 0 through the set `visited`, ending at `last`.
    best: list[dict[int, tuple[float, int]]] = [{} for _ in range(1 << n)]
    for i, stop in enumerate(stops):
        best[1 << i][i] = (distance[0][stop], -1)
    for visited in range(1, 1 << n):
        for last, (cost, _) in best[visited].items():
            row = distance[stops[last]]
            for i in range(n):
                if not visited >> i & 1:
                    longer = cost + row[stops[i]]
                    known = best[visited | 1 << i].get(i)
                    if known is None or longer < known[0]:
                        best[visited | 1 << i][i] = (longer, last)
    visited = (1 << n) - 1
    last = min(best[visited], key=lambda i: best[visited][i][0] + distance[stops[i]][0])
    order: list[int] = []
    while last >= 0:
        order.append(stops[last])
        visited, last = visited ^ (1 << last), best[visited][last][1]
    return order[::-1]
