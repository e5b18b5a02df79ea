"""Semidefinite bounds hold at any multipliers, and triangles are what they say."""

from itertools import combinations, product

import numpy as np
import pytest

from qopt.solvers import semidefinite
from qopt.solvers.semidefinite import (
    Ascent,
    Multipliers,
    Quadratic,
    first_multipliers,
    margin,
)
from qopt.solvers.semidefinite_kernels import sides, subtract_cuts, violated

KINDS = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
"""Signs of the terms ij, ik and jk."""


BALANCED = (0, 0, 0, 0, 0, 1, 1, 1, 1)
TWO_OF_THREE = (1, 0, 0, 1, 1, 1, 0, 0, 0)


def spins(n):
    """Every spin vector whose first entry is one, shape (2**(n - 1), n)."""
    return np.array([(1, *rest) for rest in product((1, -1), repeat=n - 1)], dtype=np.float64)


def random_problem(seed, n=9, equations=()):
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.integers(-9, 10, (n, n)), 1).astype(np.float64)
    return Quadratic(upper + upper.T, np.array(equations, dtype=np.float64).reshape(-1, n))


def least(problem):
    """The optimum by enumeration."""
    z = spins(problem.size)
    kept = z[(z @ problem.equations.T == 0).all(axis=1)]
    return np.einsum("ki,ij,kj->k", kept, problem.cost, kept).min()


def all_cuts(n):
    return np.array(
        [(*corners, kind) for corners in combinations(range(n), 3) for kind in range(4)],
        dtype=np.int32,
    )


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("equations", [(), BALANCED, TWO_OF_THREE])
def test_no_bound_is_above_the_optimum(seed, equations):
    problem = random_problem(seed, equations=equations)
    optimum = least(problem)
    ascent = Ascent(problem, first_multipliers(problem, lambda: False), np.inf, lambda: False)
    seen = []
    for _ in range(8):
        ascent.climb(0.5, 30)
        seen.append(ascent.best)
        ascent.cut(0.01)
    assert max(seen) <= optimum
    assert seen == sorted(seen)
    assert seen[-1] >= optimum - 0.1 * abs(optimum)  # triangles all but close so few spins
    far = Multipliers(np.full(9, 3.0), all_cuts(9), np.linspace(0.0, 2.0, 4 * 84))
    lonely = Ascent(problem, far, -np.inf, lambda: False)
    lonely.climb(1.0, 1)
    assert lonely.best <= optimum


def test_mixing_gives_the_value_of_the_relaxation():
    # The five-cycle: its relaxation is -5 cos(pi / 5), and its optimum is -3.
    ring = np.zeros((5, 5))
    for i in range(5):
        ring[i, (i + 1) % 5] = ring[(i + 1) % 5, i] = 0.5
    problem = Quadratic(ring, np.zeros((0, 5)))
    at = first_multipliers(problem, lambda: False)
    assert at.diagonal.sum() == pytest.approx(-5.0 * np.cos(np.pi / 5.0), abs=1e-3)
    ascent = Ascent(problem, at, np.inf, lambda: False)
    ascent.climb(1e-3, 1)
    assert ascent.best == pytest.approx(-5.0 * np.cos(np.pi / 5.0), abs=1e-2)


def test_an_ascent_ends_where_it_is_told_to():
    problem = random_problem(1)
    at = first_multipliers(problem, lambda: False)
    assert not Ascent(problem, at, -1e9, lambda: False).climb(0.5, 30)
    ended = Ascent(problem, at, np.inf, lambda: True)
    assert not ended.climb(0.5, 30)
    assert ended.steps == 0
    assert ended.best == -np.inf


def test_triangles_hold_for_every_spin_vector_and_cut_off_other_matrices():
    cuts = all_cuts(5)
    out = np.empty(len(cuts))
    for z in spins(5):
        sides(np.outer(z, z), cuts, out)
        assert (out >= -1.0).all()
    found = np.zeros((100, 4), dtype=np.int32)
    bad = np.full((3, 3), -0.5) + 1.5 * np.eye(3)
    assert violated(bad, 0.01, found) == 1
    assert found[0].tolist() == [0, 1, 2, 0]


def test_cuts_are_taken_off_as_their_sides_say():
    rng = np.random.default_rng(2)
    cuts = all_cuts(6)
    weights = rng.random(len(cuts))
    matrix = rng.normal(size=(6, 6))
    matrix += matrix.T
    out, taken = np.empty(len(cuts)), np.zeros((6, 6))
    sides(matrix, cuts, out)
    subtract_cuts(taken, cuts, weights)
    assert (taken * matrix).sum() == pytest.approx(-weights @ out)
    i, j, k, kind = cuts.T
    terms = np.column_stack([matrix[i, j], matrix[i, k], matrix[j, k]])
    assert out == pytest.approx((KINDS[kind] * terms).sum(axis=1))


@pytest.mark.parametrize("most", [5, 40, 1000])
def test_the_worst_triangles_are_found(most):
    rng = np.random.default_rng(4)
    vectors = rng.normal(size=(12, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    gram = vectors @ vectors.T
    cuts = all_cuts(12)
    out = np.empty(len(cuts))
    sides(gram, cuts, out)
    worst = {tuple(c) for c in cuts[out < -1.0 - 0.05].tolist()}
    found = np.zeros((most, 4), dtype=np.int32)
    filled = violated(gram, 0.05, found)
    rows = {tuple(c) for c in found[:filled].tolist()}
    assert len(rows) == filled > 0
    assert rows <= worst
    assert rows == worst or most < len(worst)
    if rows != worst:
        by = dict(zip(map(tuple, cuts.tolist()), out.tolist(), strict=True))
        # Those left out are no worse than those taken, up to the width of a class.
        assert max(by[c] for c in rows) <= min(by[c] for c in worst - rows) + 2.0 / 256


def test_triangles_of_many_spins_are_looked_for_in_parts(monkeypatch):
    monkeypatch.setattr(semidefinite, "_SEPARATED", 7)
    problem = random_problem(5, n=14)
    ascent = Ascent(problem, first_multipliers(problem, lambda: False), np.inf, lambda: False)
    bounds, corners = [], set()
    for _ in range(12):
        ascent.climb(0.1 * ascent.size, 40)
        bounds.append(ascent.best)
        ascent.cut(0.01)
        corners |= set(ascent.at.cuts[:, :3].ravel().tolist())
    assert len(corners) > 7
    assert bounds[0] < bounds[-1] <= least(problem)


def test_dependent_equations_leave_the_space_that_they_leave():
    rows = [[1, 1, 1, 1, 0], [2, 2, 2, 2, 0], [0, 0, 0, 0, 0]]
    face = random_problem(0, 5, rows).face
    assert face.shape == (5, 4)
    assert np.abs(face.T @ np.array(rows[0])).max() < 1e-12
    assert random_problem(0, 5).face is None


def test_the_margin_is_small_and_grows_with_the_multipliers():
    problem = random_problem(3)
    near, far = Multipliers(np.ones(9)), Multipliers(np.full(9, 1e6))
    assert 0.0 < margin(problem, near) < 1e-8 < margin(problem, far)
