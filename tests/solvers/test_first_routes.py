"""First routes from PyVRP, and from OR-Tools where PyVRP has none."""

import numpy as np

from qopt.forms import Client, Depot, Routing, Shipment, VehicleType
from qopt.solvers import first_routes as module
from qopt.solvers.first_routes import STEPS_PER_ITERATION, first_routes


def instance(n=12, **more):
    rng = np.random.default_rng(1)
    matrix = rng.integers(1, 60, (n + 1, n + 1)).astype(float)
    clients = tuple(Client(f"c{i}", 1.0) for i in range(n))
    return Routing(
        (Depot("d"),), clients, (VehicleType(count=4, capacity=5.0),), matrix, matrix, **more
    )


class Limit:
    def __init__(self, steps):
        self.left, self.asked = steps, set()

    def __call__(self, steps):
        self.left -= steps
        self.asked.add(steps)
        return self.left < 0


def test_pyvrp_finds_them():
    model, limit = instance(), Limit(20_000)
    routes = first_routes(model, limit)
    assert model.evaluate(routes)[1] == []
    assert routes == first_routes(model, Limit(20_000))
    assert limit.asked == {STEPS_PER_ITERATION}


def test_or_tools_finds_them_where_pyvrp_refuses():
    model, limit = instance(shipments=(Shipment(0, 1),)), Limit(20_000)
    routes = first_routes(model, limit)
    assert model.evaluate(routes)[1] == []
    assert limit.asked == {1}


def test_or_tools_finds_them_where_pyvrp_does_not(monkeypatch):
    monkeypatch.setattr(module, "_by_pyvrp", lambda routing, ended: None)
    model = instance()
    assert model.evaluate(first_routes(model, Limit(20_000)))[1] == []


def test_none_are_none():
    model = instance()
    hopeless = Routing(
        model.depots, tuple(Client(f"c{i}", 1.0, late=0.5) for i in range(12)), model.vehicles,
        model.distance, model.duration,
    )
    assert first_routes(hopeless, Limit(5000)) is None
