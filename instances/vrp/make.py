"""Print the optimum of ``pairs-4.txt`` by visiting every answer: ``python instances/vrp/make.py``.

Its eight places and windows are made up. The capitals' coordinates are facts, rounded to four
decimals; their demands and windows are made up, too, and their optimum is proven by ``cpsat``.
"""

from collections.abc import Iterator
from itertools import permutations, product
from math import inf
from pathlib import Path

import qopt
from qopt.forms import Route, Routing


def best_cost(routing: Routing) -> float:
    """The least cost of any answer in which each shipment stays on one vehicle."""
    costs: dict[frozenset[int], float] = {}
    shipments = range(len(routing.shipments))
    best = inf
    for sides in product((0, 1), repeat=len(shipments)):
        total = 0.0
        for side in (0, 1):
            load = frozenset(s for s in shipments if sides[s] == side)
            if load not in costs:
                costs[load] = min((cost_of(routing, order) for order in orders(routing, load)),
                                  default=0.0)
            total += costs[load]
        best = min(best, total)
    return best


def orders(routing: Routing, load: frozenset[int]) -> Iterator[tuple[int, ...]]:
    """Every order in which the ends of some shipments can be visited."""
    ends = [c for s in load for c in (routing.shipments[s].pickup, routing.shipments[s].delivery)]
    yield from (order for order in permutations(ends) if order)


def cost_of(routing: Routing, order: tuple[int, ...]) -> float:
    """Cost of one route; infinite where it breaks anything but that it leaves others out."""
    cost, broken = routing.evaluate([Route(0, order)])
    return inf if any(text.startswith("route") for text, _ in broken) else cost


if __name__ == "__main__":
    problem = qopt.load(Path(__file__).with_name("pairs-4.txt"))
    print(round(best_cost(problem.routing), 10))
