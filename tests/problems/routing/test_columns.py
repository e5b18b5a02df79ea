"""Route columns against brute force: the search that makes them and the QUBO over them."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.errors import InputError
from qopt.problems.routing import Cvrp, columns
from qopt.problems.routing.columns import (
    Column,
    ColumnSet,
    generate,
    partition_qubo,
    proven_weights,
)


@st.composite
def offers(draw):
    """A partition of a few clients, and further columns of any cost."""
    clients = draw(st.integers(1, 5))
    everyone = range(1, clients + 1)
    subsets = [s for k in everyone for s in combinations(everyone, k)]
    parts = draw(st.lists(st.integers(0, 2), min_size=clients, max_size=clients))
    partition = [tuple(i + 1 for i, p in enumerate(parts) if p == part) for part in set(parts)]
    others = draw(st.lists(st.sampled_from(subsets), max_size=9 - len(partition), unique=True))
    sets = list(dict.fromkeys([*partition, *others]))
    whole = draw(st.booleans())
    costs = [draw(st.integers(0, 60)) * (1.0 if whole else 0.37) for _ in sets]
    offered = tuple(Column(stops, cost) for stops, cost in zip(sets, costs, strict=True))
    return ColumnSet(offered, sum(costs[: len(partition)]), len(sets)), clients


@settings(deadline=None, max_examples=150)
@given(offer=offers())
def test_every_choice_of_columns(offer):
    """Partitions cost what their routes cost, and all else lies above the best of them."""
    offered, clients = offer
    model = partition_qubo(offered, proven_weights(offered, clients), list("abcde"))
    n = model.num_variables
    bits = (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.int8)
    cost = bits @ np.array([column.cost for column in offered.columns])
    served = np.zeros((len(bits), clients), dtype=int)
    for r, column in enumerate(offered.columns):
        for stop in column.stops:
            served[:, stop - 1] += bits[:, r]
    partition = (served == 1).all(axis=1)
    best = cost[partition].min()
    grouped = model.group_violations(bits) == 0
    assert grouped[partition].all()
    for energies in (model.energies(bits), model.penalised().energies(bits)):
        assert energies[partition] == pytest.approx(cost[partition])
    assert (model.penalised().energies(bits)[~partition] > best).all()
    assert (model.energies(bits)[grouped & ~partition] > best).all()


def test_weights_are_tight_where_prices_decide():
    """Two clients with a route each: leaving one out saves exactly its route."""
    offered = ColumnSet((Column((1,), 10.0), Column((2,), 4.0)), 14.0, 2)
    assert proven_weights(offered, 2).tolist() == [11.0, 5.0]


def fleet(size=6, seed=0, **options):
    rng = np.random.default_rng(seed)
    distance = rng.integers(1, 50, (size + 1, size + 1)).astype(float)
    demand = rng.integers(1, 6, size).astype(float)
    return Cvrp(distance=distance, demand=demand, capacity=8, **options)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 1000), most=st.integers(6, 12))
def test_generated_columns_are_routes_of_answers(seed, most):
    problem = fleet(seed=seed)
    offered = generate(problem.routing, most, seed)
    assert len(offered.columns) <= most
    sets = [frozenset(column.stops) for column in offered.columns]
    assert len(set(sets)) == len(sets)
    for column in offered.columns:
        value, broken = problem.routing.evaluate(
            problem.decode_answer({"routes": [column.stops]})
        )
        assert value == column.cost
        assert not [text for text, _ in broken if "not visited" not in text]
    best, useful = np.inf, set()
    for k in range(1, len(sets) + 1):
        for chosen in combinations(range(len(sets)), k):
            if sum(len(sets[r]) for r in chosen) == 6 and len(
                frozenset().union(*(sets[r] for r in chosen))
            ) == 6:
                useful.update(chosen)
                best = min(best, sum(offered.columns[r].cost for r in chosen))
    assert useful == set(range(len(sets)))
    assert best <= offered.incumbent


def test_one_seed_gives_one_choice():
    problem = fleet(size=8)
    assert generate(problem.routing, 12, 4) == generate(problem.routing, 12, 4)


def test_columns_never_combine_to_more_vehicles_than_there_are(monkeypatch):
    problem = Cvrp(distance=np.ones((5, 5)), demand=[1] * 4, capacity=3, vehicles=2)

    def answers(limits, seed):
        listed = [[(1, 2), (3, 4)], [(1,), (2, 3, 4)], [(2,), (1, 3, 4)], [(1, 3), (2, 4)]]
        return [frozenset(map(frozenset, answer)) for answer in listed], 8

    monkeypatch.setattr(columns, "_answers", answers)
    offered = {column.stops for column in generate(problem.routing, 20, 0).columns}
    # {1}, {2} and {3, 4} would make three routes of two vehicles.
    assert {(1,), (2,)} - offered == {(2,)}
    assert {frozenset(s) for s in offered} == {
        frozenset(s) for s in [(1, 2), (3, 4), (1,), (2, 3, 4), (1, 3), (2, 4)]
    }


def test_a_tight_fleet_is_packed():
    """Savings join the wrong pairs; only one packing fits three vehicles exactly."""
    demand = [7, 3, 6, 4, 8, 2]
    rng = np.random.default_rng(3)
    distance = rng.integers(1, 20, (7, 7)).astype(float)
    problem = Cvrp(distance=distance, demand=demand, capacity=10, vehicles=3)
    offered = generate(problem.routing, 20, 0)
    assert {frozenset(c.stops) for c in offered.columns} == {
        frozenset(pair) for pair in [(1, 2), (3, 4), (5, 6)]
    }


def test_a_fleet_that_cannot_be_packed_is_said():
    problem = Cvrp(distance=np.ones((4, 4)), demand=[6, 6, 6], capacity=10, vehicles=2)
    with pytest.raises(InputError, match=r"no routes were found .* 3 clients with 2 vehicles"):
        generate(problem.routing, 20, 0)


def test_the_longest_route_is_kept():
    problem = fleet(seed=2, max_distance=120.0, service=5.0)
    offered = generate(problem.routing, 12, 0)
    for column in offered.columns:
        answer = problem.decode_answer({"routes": [column.stops]})
        assert not [t for t, _ in problem.routing.evaluate(answer)[1] if "over" in t]


def test_a_client_that_is_a_group_is_no_penalty_besides():
    offered = ColumnSet((Column((1,), 10.0), Column((2,), 4.0), Column((2, 3), 9.0),
                         Column((3,), 6.0), Column((3, 1), 8.0)), 20.0, 5)
    model = partition_qubo(offered, np.array([20.0, 30.0, 40.0]), list("abc"))
    assert [group.members for group in model.groups] == [(0, 4), (1, 2)]
    assert [group.weight for group in model.groups] == [20.0, 30.0]
    # Client 3, on columns 2, 3 and 4, is the penalty 40 (x2 + x3 + x4 - 1)**2.
    assert model.linear.tolist() == [10.0, 4.0, -31.0, -34.0, -32.0]
    assert list(zip(model.row, model.col, model.value, strict=True)) == [
        (2, 3, 80.0), (2, 4, 80.0), (3, 4, 80.0)
    ]
    assert model.offset == 40.0
    assert model.names == ("route_a", "route_b", "route_b_c", "route_c", "route_c_a")
