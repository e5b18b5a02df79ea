from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_models import qubos
from scipy.sparse import csr_array
from scipy.sparse.linalg import ArpackNoConvergence

from qopt.errors import UsageError
from qopt.forms import Qubo
from qopt.solvers.qaoa import warm_start
from qopt.solvers.qaoa.ansatz import Angles, Cost
from qopt.solvers.qaoa.simulate.product import ProductStatevector
from qopt.solvers.qaoa.warm_start import relaxed, tilts_of


def generator():
    return np.random.default_rng(0)


def pairs_of(qubo):
    """The symmetric matrix A of the pairs, with the energy linear' x + x' A x."""
    matrix = np.triu(qubo.to_matrix(), 1)
    return (matrix + matrix.T) / 2.0


def convexified(qubo):
    """Linear part and matrix of the form with the least squares that make it convex."""
    pairs = pairs_of(qubo)
    shift = max(0.0, -np.linalg.eigvalsh(pairs)[0])
    return qubo.linear - shift, pairs + shift * np.eye(len(pairs))


def minimum_over_box(linear, matrix):
    """The least value over all faces of the box, each with its own stationary point."""
    n, best = len(linear), np.inf
    for face in product((0.0, 1.0, None), repeat=n):
        x = np.array([0.0 if side is None else side for side in face])
        free = np.array([side is None for side in face])
        if free.any():
            slope = linear[free] + 2.0 * (matrix @ x)[free]
            x[free] = np.linalg.lstsq(2.0 * matrix[np.ix_(free, free)], -slope, rcond=1e-10)[0]
        if ((x >= -1e-12) & (x <= 1.0 + 1e-12)).all():
            best = min(best, linear @ x + x @ matrix @ x)
    return best


@settings(deadline=None, max_examples=60)
@given(qubos(groups=False))
def test_the_convex_relaxation_is_solved_exactly(qubo):
    c = relaxed(qubo, generator())
    assert c.shape == (qubo.num_variables,)
    assert ((c >= 0.0) & (c <= 1.0)).all()
    linear, matrix = convexified(qubo)
    value = linear @ c + c @ matrix @ c
    size = max(np.abs(qubo.linear).max(initial=0.0), np.abs(qubo.value).max(initial=0.0), 1e-300)
    assert value == pytest.approx(minimum_over_box(linear, matrix), abs=1e-7 * size)
    bits = np.array(list(product((0, 1), repeat=len(c))))
    assert value + qubo.offset <= qubo.energies(bits).min() + 1e-7 * size


@settings(deadline=None, max_examples=40)
@given(qubos(groups=False))
def test_the_multilinear_relaxation_ends_where_nothing_descends(qubo):
    c = relaxed(qubo, generator(), "multilinear")
    assert ((c >= 0.0) & (c <= 1.0)).all()
    slope = qubo.linear + 2.0 * pairs_of(qubo) @ c
    size = max(np.abs(qubo.linear).max(initial=0.0), np.abs(qubo.value).max(initial=0.0))
    step = np.clip(c - slope / (size or 1.0), 0.0, 1.0) - c
    np.testing.assert_allclose(step, 0.0, atol=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_the_multilinear_relaxation_of_few_variables_finds_the_optimum(random_qubo, seed):
    qubo = random_qubo(6, seed)
    c = relaxed(qubo, generator(), "multilinear")
    np.testing.assert_array_equal(c, np.rint(c))
    bits = np.array(list(product((0, 1), repeat=6)))
    assert qubo.energy(np.rint(c)) == pytest.approx(qubo.energies(bits).min())


def test_without_preferences_the_convex_relaxation_is_undecided_and_the_other_is_not(max_cut):
    qubo = max_cut([(0, 1), (1, 2), (2, 3), (0, 3)], 4)
    np.testing.assert_allclose(relaxed(qubo, generator()), 0.5, atol=1e-6)
    cut = relaxed(qubo, generator(), "multilinear")
    assert cut.tolist() in ([0, 1, 0, 1], [1, 0, 1, 0])


@pytest.mark.parametrize("relaxation", ["convex", "multilinear"])
@pytest.mark.parametrize("factor", [2.0**-600, 2.0**40])
def test_the_unit_of_the_energy_does_not_matter(random_qubo, relaxation, factor):
    qubo = random_qubo(7)
    other = Qubo.from_arrays(qubo.linear * factor, qubo.row, qubo.col, qubo.value * factor)
    np.testing.assert_array_equal(
        relaxed(qubo, generator(), relaxation), relaxed(other, generator(), relaxation)
    )


def test_variables_without_pairs_take_their_better_side():
    c = relaxed(Qubo.from_arrays([1.0, -2.0, 0.0]), generator())
    np.testing.assert_array_equal(c, [0.0, 1.0, 0.5])


@pytest.mark.parametrize("relaxation", ["convex", "multilinear"])
def test_a_constant_decides_nothing(relaxation):
    c = relaxed(Qubo.from_arrays(np.zeros(3), offset=2.0), generator(), relaxation)
    np.testing.assert_array_equal(c, 0.5)


def test_many_variables_need_no_dense_matrix(monkeypatch):
    random, n = np.random.default_rng(3), 2500
    row = random.integers(0, n, 4 * n)
    col = (row + random.integers(1, n, 4 * n)) % n
    qubo = Qubo.from_arrays(random.normal(size=n), row, col, random.normal(size=4 * n))
    for name in ("toarray", "todense"):
        monkeypatch.setattr(csr_array, name, None)
    c = relaxed(qubo, generator())
    rounded = qubo.energy(np.rint(c))
    assert rounded < qubo.energies(random.integers(0, 2, (100, n))).min()
    np.testing.assert_array_equal(c, relaxed(qubo, generator()))


def test_eigenvalues_of_large_matrices_are_at_most_those_of_dense_ones(random_qubo, monkeypatch):
    matrix = csr_array(pairs_of(random_qubo(40)))
    dense = warm_start._least_eigenvalue(matrix, generator())
    assert dense == pytest.approx(np.linalg.eigvalsh(matrix.toarray())[0])
    monkeypatch.setattr(warm_start, "_DENSE", 0)
    least = warm_start._least_eigenvalue(matrix, generator())
    assert dense * (1.0 + 1e-5) <= least <= dense


def test_eigenvalues_that_are_not_found_are_bounded(random_qubo, monkeypatch):
    def give_up(*arguments, **options):
        raise ArpackNoConvergence("no", np.empty(0), np.empty((0, 0)))

    monkeypatch.setattr(warm_start, "_DENSE", 0)
    monkeypatch.setattr("scipy.sparse.linalg.eigsh", give_up)
    matrix = pairs_of(random_qubo(9))
    bound = warm_start._least_eigenvalue(csr_array(matrix), generator())
    assert bound <= np.linalg.eigvalsh(matrix)[0]


def test_an_unknown_relaxation_is_refused():
    with pytest.raises(UsageError, match="one of convex, multilinear, got 'semidefinite'"):
        relaxed(Qubo.from_arrays([1.0]), generator(), "semidefinite")


@settings(deadline=None, max_examples=50)
@given(st.floats(0.0, 0.5), st.lists(st.floats(0.0, 1.0), min_size=1, max_size=4))
def test_tilts_give_the_probabilities_that_epsilon_leaves(epsilon, shares):
    tilts = tilts_of(np.array(shares), epsilon)
    expected = np.clip(shares, epsilon, 1.0 - epsilon)
    np.testing.assert_allclose(np.sin(tilts / 2.0) ** 2, expected, atol=1e-15)
    assert ((tilts >= 0.0) & (tilts <= np.pi)).all()


def test_the_largest_epsilon_is_the_standard_start():
    np.testing.assert_array_equal(tilts_of(np.array([0.0, 0.3, 1.0]), 0.5), np.pi / 2.0)


def test_a_warm_start_samples_the_relaxation(random_qubo):
    qubo = random_qubo(5)
    shares = relaxed(qubo, generator())
    start = ProductStatevector(Cost.of(qubo), tilts_of(shares, 0.1))
    bits = (np.arange(32)[:, None] >> np.arange(5)) & 1
    np.testing.assert_allclose(
        start.probabilities(Angles((), ())) @ bits, np.clip(shares, 0.1, 0.9), atol=1e-14
    )


@pytest.mark.parametrize("epsilon", [-0.1, 0.51, np.nan])
def test_an_epsilon_out_of_range_is_refused(epsilon):
    with pytest.raises(UsageError, match=r"epsilon must be 0 to 0\.5, got"):
        tilts_of(np.array([0.5]), epsilon)


@pytest.mark.parametrize("share", [-0.1, 1.1, np.nan])
def test_what_is_no_probability_is_refused(share):
    with pytest.raises(UsageError, match="probabilities must be 0 to 1"):
        tilts_of(np.array([0.5, share]), 0.1)
