"""Convex programs against answers known in closed form."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.convex import minimise_convex
from qopt.errors import SolverError, UsageError


def test_minimum_variance_weights_are_the_closed_form() -> None:
    factors = np.random.default_rng(1).normal(size=(6, 6))
    S = factors @ factors.T + np.eye(6)
    found = minimise_convex(S, np.zeros(6), np.ones((1, 6)), [1.0], [1.0])
    expected = np.linalg.solve(S, np.ones(6))
    expected /= expected.sum()
    assert found.verdict == "optimal"
    np.testing.assert_allclose(found.values, expected, atol=1e-7)
    assert found.objective == pytest.approx(expected @ S @ expected, rel=1e-7)
    assert found.bound == pytest.approx(found.objective, rel=1e-6)


@given(st.integers(1, 6), st.integers(0, 1000))
@settings(deadline=None, max_examples=20)
def test_the_conditions_of_karush_kuhn_and_tucker_hold(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(n, n))
    P, q = factors @ factors.T + 0.1 * np.eye(n), rng.normal(size=n)
    A = np.vstack([np.ones((1, n)), np.eye(n)])
    lower, upper = np.r_[1.0, np.zeros(n)], np.r_[1.0, np.full(n, np.inf)]
    found = minimise_convex(P, q, A, lower, upper)
    assert (A @ found.values >= lower - 1e-7).all()
    np.testing.assert_allclose(2 * P @ found.values + q + A.T @ found.duals, 0.0, atol=1e-5)
    assert (found.duals[1:] <= 1e-7).all()
    np.testing.assert_allclose(found.duals[1:] * found.values, 0.0, atol=1e-5)


def test_what_has_no_answer_is_told_apart() -> None:
    one = np.ones((1, 1))
    assert minimise_convex(one, [0.0], [[1.0], [1.0]], [2.0, -np.inf], [np.inf, 1.0]
                           ).verdict == "infeasible"
    assert minimise_convex(0 * one, [1.0], one, [-np.inf], [0.0]).verdict == "unbounded"


def test_shapes_and_crossed_limits_are_refused() -> None:
    with pytest.raises(UsageError, match="2 variables and 1 rows"):
        minimise_convex(np.eye(3), [0.0, 0.0], np.ones((1, 2)), [0.0], [1.0])
    with pytest.raises(UsageError, match="row 0"):
        minimise_convex(np.eye(1), [0.0], np.ones((1, 1)), [1.0], [0.0])


def test_a_run_out_of_time_gives_no_verdict() -> None:
    with pytest.raises(SolverError, match="MaxTime"):
        minimise_convex(np.eye(3), -np.ones(3), np.eye(3), np.zeros(3), np.ones(3), seconds=0.0)
