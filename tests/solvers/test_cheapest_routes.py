"""Cheapest routes of sets of clients against enumeration."""

from dataclasses import replace
from itertools import combinations, permutations
from math import inf

import numpy as np
import pytest

from qopt.forms import Client, Depot, Route, Routing, Shipment, VehicleType
from qopt.solvers.cheapest_routes import cheapest_routes, costs_are_sums_of_arcs


def instance(seed=0, clients=5):
    rng = np.random.default_rng(seed)
    distance, duration = rng.integers(1, 50, (2, clients + 2, clients + 2)).astype(float)
    return Routing(
        (Depot("west"), Depot("east")),
        tuple(
            Client(f"c{i}", demand=float(rng.integers(0, 4)), service=float(i))
            for i in range(clients)
        ),
        (
            VehicleType("there", capacity=5.0, end=1, fixed_cost=3.0, duration_cost=0.5),
            VehicleType("open", capacity=inf, start=1, end=None, distance_cost=2.0),
        ),
        distance, duration,
    )


@pytest.mark.parametrize("seed", range(5))
def test_every_set_that_fits_has_its_cheapest_route(seed):
    model = instance(seed)
    found = cheapest_routes(model, 1000)
    assert [routes.kind for routes in found] == [0, 1]
    for routes in found:
        listed = {int(s): i for i, s in enumerate(routes.sets)}
        fitting = set()
        for size in range(1, 6):
            for chosen in combinations(range(5), size):
                load = sum(model.clients[c].demand for c in chosen)
                if load > model.vehicles[routes.kind].capacity:
                    continue
                mask = sum(1 << c for c in chosen)
                fitting.add(mask)
                index = listed[mask]
                best = min(
                    cost for cost, _ in (
                        model.evaluate_route(Route(routes.kind, order))
                        for order in permutations(chosen)
                    )
                )
                assert routes.costs[index] == pytest.approx(best)
                route = routes.route(index)
                assert set(route.clients) == set(chosen)
                assert model.evaluate_route(route) == (pytest.approx(best), [])
        assert set(listed) == fitting


def test_too_many_sets_and_clients_that_fit_nowhere():
    model = instance()
    sets = sum(len(routes.sets) for routes in cheapest_routes(model, 1000))
    assert cheapest_routes(model, sets) is not None
    assert cheapest_routes(model, sets - 1) is None
    heavy = replace(
        model, clients=tuple(replace(c, demand=9.0, required=False) for c in model.clients)
    )
    assert [len(routes.sets) for routes in cheapest_routes(heavy, 1000)] == [0, 31]
    assert cheapest_routes(instance(clients=63), 10**9) is None


@pytest.mark.parametrize(
    "change",
    [
        {"shipments": (Shipment(0, 1),)},
        {"vehicles": (VehicleType(max_distance=9.0),)},
        {"vehicles": (VehicleType(max_duration=9.0),)},
        {"depots": (Depot("west", late=9.0), Depot("east"))},
    ],
)
def test_other_limits_are_no_sums_of_arcs(change):
    assert costs_are_sums_of_arcs(instance())
    assert not costs_are_sums_of_arcs(replace(instance(), **change))
