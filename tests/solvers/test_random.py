"""The random floor: uniform, feasible where it says so, repeatable."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from qopt.errors import UsageError
from qopt.forms import (
    Client,
    Depot,
    Group,
    Qubo,
    Routing,
    Shipment,
    Table,
    VehicleType,
)
from qopt.solver import Budget, Progress, Status
from qopt.solvers import random
from qopt.solvers.random import RandomSampling


def solve(model, budget=None, seed=0, progress=None, **options):
    return RandomSampling(**options).solve(model, budget or Budget(), seed, progress or Progress())


def fleet(count=3, capacity=6.0, demands=(2.0, 3.0, 2.0, 3.0, 2.0), **client) -> Routing:
    n = len(demands) + 1
    matrix = np.random.default_rng(1).integers(1, 50, (n, n)).astype(float)
    return Routing(
        depots=(Depot("d"),),
        clients=tuple(Client(f"c{i}", demand=d, **client) for i, d in enumerate(demands)),
        vehicles=(VehicleType(count=count, capacity=capacity),),
        distance=matrix, duration=matrix,
    )


def test_every_answer_that_keeps_the_groups_is_equally_likely():
    model = Qubo.from_arrays(np.zeros(6), groups=[Group((0, 2, 5), 1), Group((1, 3), 2)])
    outcome = solve(model, samples=12_000)
    wanted = {
        bits for bits in product((0, 1), repeat=6)
        if bits[0] + bits[2] + bits[5] == 1 and bits[1] == bits[3] == 1
    }
    assert {tuple(row) for row in outcome.answers.tolist()} == wanted
    # Chi-square with 5 degrees of freedom: above 25.7 in one of ten thousand.
    expected = 12_000 / len(wanted)
    assert ((outcome.counts - expected) ** 2 / expected).sum() < 25.7
    assert outcome.counts.sum() == 12_000


def test_answers_come_best_first_with_their_counts():
    model = Qubo.from_matrix(np.random.default_rng(5).normal(size=(9, 9)))
    progress = Progress()
    outcome = solve(model, samples=300, progress=progress)
    energies = model.energies(outcome.answers)
    assert (np.diff(energies) >= 0).all()
    assert len(np.unique(outcome.answers, axis=0)) == len(outcome.answers)
    assert (outcome.counts.sum(), outcome.usage.evaluations) == (300, 300)
    assert outcome.status is Status.FEASIBLE
    assert outcome.bound is None
    assert progress.trace.incumbents[-1][1] == energies[0]


@pytest.mark.parametrize("model", [Qubo.from_arrays(np.arange(30.0)), fleet()])
def test_one_seed_one_answer(model):
    first, again, other = (solve(model, seed=seed, samples=50) for seed in (3, 3, 4))
    assert str(list(first.answers)) == str(list(again.answers)) != str(list(other.answers))


def test_evaluations_overrule_samples():
    assert solve(Qubo.from_arrays([1.0]), Budget(evaluations=17)).counts.sum() == 17


def test_no_time_is_a_time_limit():
    for model in (Qubo.from_arrays([1.0]), fleet()):
        outcome = solve(model, Budget(time_limit=0.0))
        assert (outcome.status, len(outcome.answers)) == (Status.TIME_LIMIT, 0)


def test_a_stop_keeps_what_was_drawn():
    progress = Progress(lambda p: p.stop() if p.done else None)
    outcome = solve(fleet(), progress=progress, samples=100)
    assert outcome.counts.sum() == 1
    assert "1 of 100 samples" in outcome.reason


def test_what_is_left_out_is_said(monkeypatch):
    monkeypatch.setattr(random, "MOST_KEPT", 10)
    model = Qubo.from_arrays(np.arange(1.0, 9.0))
    outcome = solve(model, samples=500)
    assert len(outcome.answers) == 10
    assert outcome.counts.sum() + outcome.details["left_out"] == 500
    assert f"{outcome.details['left_out']} samples are left out" in outcome.reason
    assert model.energy(outcome.answers[0]) == model.energies(outcome.answers).min()


def test_routes_keep_loads_and_visit_everybody():
    model = fleet()
    outcome = solve(model, samples=200)
    assert outcome.status is Status.FEASIBLE
    values = [model.evaluate(answer) for answer in outcome.answers]
    assert all(not broken for _, broken in values)
    assert [v for v, _ in values] == sorted(v for v, _ in values)


def test_orders_of_a_tour_are_equally_likely():
    model = fleet(count=1, capacity=np.inf, demands=(0.0, 0.0, 0.0))
    outcome = solve(model, samples=6000)
    assert len(outcome.answers) == 6
    assert ((outcome.counts - 1000) ** 2 / 1000).sum() < 25.7


def test_a_fleet_that_runs_out_fills_up_and_then_leaves_out():
    tight = fleet(count=2, capacity=6.0, demands=(4.0, 4.0, 2.0, 2.0))
    outcome = solve(tight, samples=300)
    broken = [tight.evaluate(answer)[1] for answer in outcome.answers]
    assert not broken[0]
    assert outcome.status is Status.FEASIBLE
    loads = [text for faults in broken for text, _ in faults if "load" in text]
    assert not loads, "capacities are kept even where clients are left out"
    impossible = fleet(count=1, capacity=6.0, demands=(4.0, 4.0))
    assert solve(impossible, samples=5).status is Status.INFEASIBLE_ANSWERS


def test_optional_clients_are_visited_half_of_the_time():
    model = fleet(count=1, capacity=np.inf, demands=(0.0,), required=False, prize=5.0)
    outcome = solve(model, samples=4000)
    visited = sum(c for a, c in zip(outcome.answers, outcome.counts, strict=True) if a)
    assert 1800 < visited < 2200


def test_pickups_and_shipments_keep_loads_and_order_and_come_in_every_order():
    plain = fleet(count=2, capacity=8.0, demands=(2.0, 3.0, 0.0, 0.0, 0.0, 0.0), pickup=1.0)
    model = replace(plain, shipments=(Shipment(2, 3, 4.0), Shipment(5, 4, 1.0)))
    outcome = solve(model, samples=400)
    assert len(outcome.answers) > 40
    faults = {text for answer in outcome.answers for text, _ in model.evaluate(answer)[1]}
    assert all(text.endswith("is not visited") for text in faults), faults
    assert outcome.status is Status.FEASIBLE
    # Load of one shipment is on board while the other's is collected, in some of the routes.
    between = [
        route.clients.index(2) < route.clients.index(5) < route.clients.index(3)
        for answer in outcome.answers for route in answer if {2, 5} <= set(route.clients)
    ]
    assert True in between
    assert False in between


def test_optional_shipments_are_left_out_whole():
    model = fleet(count=1, capacity=np.inf, demands=(0.0, 0.0), required=False, prize=5.0)
    outcome = solve(replace(model, shipments=(Shipment(1, 0),)), samples=200)
    assert {tuple(r.clients for r in answer) for answer in outcome.answers} == {(), ((1, 0),)}
    assert (outcome.counts > 60).all()


def test_samples_must_be_positive():
    with pytest.raises(UsageError):
        RandomSampling(samples=0)


def test_feasible_strings_of_a_table_are_equally_likely():
    table = Table([4.0, 9.0, 1.0, 9.0, 2.0, 9.0, 9.0, 3.0], penalty=9.0)
    outcome = solve(table, Budget(evaluations=40_000))
    assert outcome.status is Status.FEASIBLE
    assert table.energies(outcome.answers).tolist() == [1.0, 2.0, 3.0, 4.0]
    assert outcome.counts.sum() == 40_000
    assert np.abs(outcome.counts - 10_000).max() < 5 * np.sqrt(7500)


def test_tables_that_cannot_be_drawn_from():
    empty = solve(Table([2.0, 2.0], penalty=2.0))
    assert empty.status is Status.PROVEN_INFEASIBLE
    with pytest.raises(UsageError, match="postprocess=descent acts on QUBOs"):
        solve(Table([2.0, 1.0]), postprocess="descent")
