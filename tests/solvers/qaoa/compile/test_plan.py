"""Plans by routes and by swap networks do every term once, where their variables are neighbours."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.solvers.qaoa.compile.plan import Plan, Step, check_plan
from qopt.solvers.qaoa.compile.routing import routes
from qopt.solvers.qaoa.compile.swap_network import swap_network
from qopt.solvers.qaoa.compile.target import Couplings

from .conftest import HEXAGON, device

COUPLINGS = Couplings.of(device(HEXAGON))


def some_routes(terms: np.ndarray, variables: int, seed: int, tight: bool = False) -> list[Plan]:
    calls = []

    def over() -> bool:
        calls.append(1)
        return len(calls) >= 2

    return list(routes(terms, variables, COUPLINGS, seed, over, tight=tight))


@given(st.integers(2, 15), st.integers(0, 2**31), st.floats(0.1, 1.0), st.booleans())
@settings(max_examples=25, deadline=None)
def test_routes_of_random_graphs(variables: int, seed: int, density: float, tight: bool) -> None:
    pairs = np.array(list(combinations(range(variables), 2)))
    kept = np.random.default_rng(seed).random(len(pairs)) < density
    terms = pairs[kept].reshape(-1, 2)
    plans = some_routes(terms, variables, seed, tight)
    assert plans
    for plan in plans:
        check_plan(plan, terms, COUPLINGS)
        check_plan(plan.reversed(), terms, COUPLINGS)
        assert plan.gates >= 2 * len(terms)
        assert plan.loss(COUPLINGS, 1) <= plan.loss(COUPLINGS, 2)
        if tight and variables < 15:
            assert len(plan.used()) <= 15
    assert min(len(plan.used()) for plan in plans) >= variables


def test_one_seed_gives_the_same_routes() -> None:
    terms = np.array(list(combinations(range(9), 2)))
    first, second = some_routes(terms, 9, 3), some_routes(terms, 9, 3)
    assert [plan.steps for plan in first] == [plan.steps for plan in second]


def test_neighbours_need_no_swaps() -> None:
    terms = np.array(HEXAGON)
    best = min(some_routes(terms, 15, 0), key=lambda plan: plan.gates)
    assert best.gates == 2 * len(terms)
    assert not any(step.swapped for step in best.steps)


@pytest.mark.parametrize("variables", range(2, 9))
def test_a_swap_network_lets_all_pairs_meet(variables: int) -> None:
    line = np.arange(variables)
    terms = np.array(list(combinations(range(variables), 2)))
    plan = swap_network(terms, line)
    check_plan(plan, terms, COUPLINGS)
    check_plan(plan.reversed(), terms, COUPLINGS)
    assert plan.gates <= 3 * len(terms)
    assert plan.depth <= 3 * variables


def test_a_swap_network_leaves_out_what_no_term_needs() -> None:
    plan = swap_network(np.array([[0, 1]]), np.arange(6))
    assert plan.steps == (Step(0, 1, 0, False),)
    assert swap_network(np.zeros((0, 2), dtype=np.int64), np.arange(4)).steps == ()


@pytest.mark.parametrize(
    ("steps", "fault"),
    [
        ([Step(0, 2, 0, False)], "not coupled"),
        ([Step(1, 2, 0, False)], "on other variables"),
        ([], "not every term"),
        ([Step(0, 1, 0, False), Step(0, 1, 0, False)], "not every term"),
        ([Step(0, 1, 0, True)], "variables end elsewhere"),
    ],
)
def test_a_wrong_plan_is_found_out(steps: list[Step], fault: str) -> None:
    at = np.array([0, 1, 2])
    with pytest.raises(AssertionError, match=fault):
        check_plan(Plan(at, at, tuple(steps)), np.array([[0, 1]]), COUPLINGS)


def test_the_depth_counts_what_waits() -> None:
    at = np.arange(4)
    steps = (Step(0, 1, 0, False), Step(2, 3, 1, False), Step(1, 2, 2, True))
    plan = Plan(at, at, steps)
    assert (plan.gates, plan.depth) == (7, 5)
