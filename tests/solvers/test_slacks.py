"""Equalities with a slack as inequalities: the same answers, and right optima from HiGHS."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.forms import Program
from qopt.solver import Budget, Progress, Status
from qopt.solvers.milp import Milp
from qopt.solvers.slacks import without_slacks

NUMBERS = (
    15028, 83098, 65334, 36095, 8868, 70274, 34810, 86012, 33828, 64132, 18281, 54836, 7331, 76231,
)


def filling(weights, limit, *, own=1.0, cost=1.0, integer=True):
    """What ``weights`` leave of a limit, at a cost."""
    n = len(weights)
    return Program.build(
        linear=[*np.zeros(n), cost], upper=[*np.ones(n), np.inf], integer=[*[True] * n, integer],
        constraints=[("fill", range(n + 1), [*weights, own], "==", limit)],
    )


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(0, 20),
    st.sampled_from([1.0, -1.0]), st.sampled_from([2.0, -3.0, 0.0]), st.booleans(),
)
def test_every_answer_keeps_its_objective(weights, limit, own, cost, integer):
    program = filling(weights, limit, own=own, cost=cost, integer=integer)
    lowering = without_slacks(program)
    assert all(item.comparator != "==" for item in lowering.model.constraints)
    for bits in product((0.0, 1.0), repeat=len(weights)):
        x = np.array([*bits, (limit - float(np.dot(weights, bits))) / own])
        y = lowering.encode(x)
        assert bool(program.violations(x)) == bool(lowering.model.violations(y))
        assert lowering.decode(y).tolist() == x.tolist()
        assert lowering.model.objective(y) == pytest.approx(program.objective(x))


@pytest.mark.parametrize(
    "program",
    [
        filling((2, 4), 5.0, own=2.0),  # a whole slack cannot make up for an odd rest
        Program.build(  # a slack of two rows is none
            linear=[0, 1], upper=[1, 9],
            constraints=[("a", [0, 1], [3, 1], "==", 4), ("b", [0, 1], [1, 1], "<=", 9)],
        ),
        Program.build(linear=[1, 0], constraints=[("one", [0, 1], 1, "<=", 1)]),
    ],
)
def test_what_is_no_slack_stays(program):
    assert without_slacks(program).model is program


def best_difference():
    total = sum(NUMBERS)
    sums = (np.dot(NUMBERS, bits) for bits in product((0, 1), repeat=len(NUMBERS)))
    return min(abs(total - 2 * int(part)) for part in sums)


@pytest.mark.parametrize("backend", ["highs", "cbc"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_optima_of_equalities_with_a_slack_are_right(backend, seed):
    program = filling([2.0 * w for w in NUMBERS], float(sum(NUMBERS)))
    outcome = Milp(backend=backend).solve(program, Budget(), seed, Progress())
    assert outcome.status is Status.OPTIMAL
    assert program.objective(outcome.answers[0]) == outcome.bound == best_difference()


def test_a_slack_without_cost_is_found_too():
    rng = np.random.default_rng(4)
    weights, worth = rng.integers(1000, 90000, 9), rng.integers(0, 5, 9)
    limit = int(weights.sum()) // 2
    program = Program.build(
        sense="maximise", linear=[*worth, 0.0], upper=[*np.ones(9), limit],
        constraints=[("limit", range(10), [*weights, 1], "==", limit)],
    )
    best = max(
        int(np.dot(worth, bits)) for bits in product((0, 1), repeat=9)
        if np.dot(weights, bits) <= limit
    )
    outcome = Milp().solve(program, Budget(), 1, Progress())
    assert (outcome.status, outcome.bound) == (Status.OPTIMAL, best)
    assert not program.violations(outcome.answers[0])
