import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.forms import Route
from qopt.problems.routing import Cvrp
from qopt.problems.routing.search import Limits, RuinAndRecreate, packing, savings
from qopt.testing import _best_routing


def fleet(size, seed, **options):
    rng = np.random.default_rng(seed)
    xy = rng.integers(0, 60, (size + 1, 2))
    distance = np.floor(np.hypot(*np.moveaxis(xy[:, None] - xy[None], -1, 0)) + 0.5)
    demand = rng.integers(1, 6, size).astype(float)
    return Cvrp(distance=distance, demand=demand, capacity=9, **options)


def routes_of(found):
    return [Route(0, tuple(stop - 1 for stop in route)) for route in found]


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), size=st.integers(1, 9))
def test_savings_are_feasible_and_no_worse_than_single_trips(seed, size):
    problem = fleet(size, seed)
    score = problem.score(routes_of(savings(Limits.of(problem.routing))))
    assert score.feasible
    assert score.objective <= problem.score([Route(0, (c,)) for c in range(size)]).objective


@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 10**6))
def test_the_search_yields_feasible_answers_and_finds_small_optima(seed):
    problem = fleet(5, seed)
    search = RuinAndRecreate(Limits.of(problem.routing), np.random.default_rng(seed))
    scores = [problem.score(routes_of(found)) for found in search.run(600)]
    assert all(score.feasible for score in scores)
    assert min(score.objective for score in scores) == _best_routing(problem.routing)


@pytest.mark.parametrize("seed", range(5))
def test_a_packing_keeps_the_fleet_and_the_capacity(seed):
    problem = fleet(9, seed)
    fewest = problem.least_vehicles + 1
    limits = Limits.of(fleet(9, seed, vehicles=fewest).routing)
    found = packing(limits, np.random.default_rng(seed))
    assert found is not None
    assert len(found) <= fewest
    assert problem.score(routes_of(found)).feasible


def test_zero_distances_end_the_search_too():
    problem = Cvrp(distance=np.zeros((4, 4)), demand=[1, 1, 1], capacity=2)
    search = RuinAndRecreate(Limits.of(problem.routing), np.random.default_rng(0))
    assert all(problem.score(routes_of(found)).feasible for found in search.run(50))
