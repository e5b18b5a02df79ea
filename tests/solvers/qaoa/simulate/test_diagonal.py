import numpy as np
import pytest

from qopt.forms import Qubo
from qopt.solvers.qaoa.ansatz import Cost
from qopt.solvers.qaoa.simulate import reference
from qopt.solvers.qaoa.simulate.diagonal import diagonal, is_whole


def graph_cost(n, weight, seed=0):
    """A cut of a random graph with equal weights."""
    row, col = np.triu_indices(n, 1)
    keep = np.random.default_rng(seed).random(len(row)) < 0.4
    row, col = row[keep], col[keep]
    linear = -weight * (np.bincount(row, minlength=n) + np.bincount(col, minlength=n))
    return Cost.of(Qubo.from_arrays(linear, row, col, np.full(len(row), 2.0 * weight)))


@pytest.mark.parametrize("n", [3, 10, 12])
@pytest.mark.parametrize("weight", [1.0, 0.37, 1e9])
def test_equal_weights_are_small_whole_numbers(n, weight):
    cost = graph_cost(n, weight)
    found = diagonal(cost)
    assert is_whole(cost)
    assert found.stored.dtype == np.int16
    np.testing.assert_allclose(found.values, reference.diagonal(cost), rtol=1e-13, atol=1e-12)


def test_halves_and_quarters_are_whole_numbers_of_smaller_units():
    cost = Cost.of(Qubo.from_matrix([[0.5, 1.25, 3.0], [0.0, 0.75, -2.0], [0.0, 0.0, 1.0]]))
    found = diagonal(cost)
    assert found.stored.dtype == np.int16
    np.testing.assert_allclose(found.values, reference.diagonal(cost), atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_other_costs_are_stored_themselves(random_qubo, dtype):
    cost = Cost.of(random_qubo(12))
    found = diagonal(cost, dtype)
    assert found.stored.dtype == dtype
    np.testing.assert_allclose(
        found.values, reference.diagonal(cost), atol=1e-11 if dtype == np.float64 else 1e-4
    )


def test_whole_numbers_beyond_16_bits_are_stored_as_floats():
    row, col = np.triu_indices(12, 1)
    value = np.arange(1.0, len(row) + 1.0) ** 2
    cost = Cost.of(Qubo.from_arrays(np.zeros(12), row, col, value))
    found = diagonal(cost)
    assert found.stored.dtype == np.float64
    np.testing.assert_allclose(found.values, reference.diagonal(cost), atol=1e-10)


def test_a_constant_cost():
    found = diagonal(Cost.of(Qubo.from_arrays(np.zeros(3), offset=2.0)))
    assert found.values.tolist() == [0.0] * 8
