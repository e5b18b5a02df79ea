"""Limits that the others leave no room for: what can be had instead."""

import re
from itertools import combinations

import numpy as np
import pytest

import qopt
from qopt.errors import InfeasibleError
from qopt.problem import notes_of
from qopt.problems.portfolio import Moments, Portfolio


def portfolio(**chosen):
    rng = np.random.default_rng(4)
    spread = rng.normal(size=(6, 8))
    moments = Moments(tuple("ABCDEF"), rng.normal(0.01, 0.01, 6), 1e-4 * spread @ spread.T)
    return Portfolio(name="p", moments=moments, **chosen)


def selections(problem):
    return [np.isin(np.arange(6), pair).astype(int) for pair in combinations(range(6), 2)]


def figure(note):
    return float(re.search(r"(?:return|turnover) of (\S+) at", note)[1])


def test_the_largest_return_is_told():
    problem = portfolio(select=2, target_return=0.5, exclude=("B",))
    (note,) = notes_of(problem, None)
    best = max(problem.expected_return(row) for row in selections(problem) if not row[1])
    assert note.startswith("target_return=0.5 is out of reach")
    assert figure(note) == pytest.approx(best, rel=1e-5)
    assert notes_of(problem, selections(problem)[0]) == (note,)
    assert note in qopt.solve(problem, "miqp").record.notes


def test_the_least_turnover_is_told():
    current = {"A": 0.4, "B": 0.3, "C": 0.3}
    problem = portfolio(select=2, max_turnover=0.1, current=current)
    (note,) = notes_of(problem, None)
    least = min(problem.trading.turnover(problem.weights(row)) for row in selections(problem))
    assert figure(note) == pytest.approx(least, rel=1e-5)
    free = portfolio(weighting="continuous", max_weight=0.25, max_turnover=0.1, current=current)
    assert figure(notes_of(free, None)[0]) == pytest.approx(0.25, rel=1e-5)


def test_costs_and_turnover_lower_the_return_in_reach():
    problem = portfolio(
        weighting="continuous", target_return=0.5, max_turnover=0.5, cost=0.001, current={"A": 1.0}
    )
    (note,) = notes_of(problem, None)
    best = int(np.argmax(problem.moments.mean))
    expected = problem.moments.mean
    reached = 0.5 * expected[best] + 0.5 * expected[0] - 0.001 if best else expected[0]
    assert figure(note) == pytest.approx(reached, rel=1e-4)


def test_limits_within_reach_are_not_blamed():
    problem = portfolio(select=2, target_return=-1.0, max_turnover=1.0, current={"A": 1.0})
    assert notes_of(problem, None) == ()


def test_the_sharpe_ratio_tells_it_too():
    problem = portfolio(budget=5, objective="max-sharpe", target_return=0.5)
    with pytest.raises(InfeasibleError, match=r"target_return=0\.5 is out of reach"):
        qopt.solve(problem, "cpsat")
