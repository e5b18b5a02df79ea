import numpy as np
import pytest

from qopt.errors import UsageError
from qopt.forms import Qubo
from qopt.solvers.qaoa.ansatz import Cost
from qopt.solvers.qaoa.simulate import reference
from qopt.solvers.qaoa.simulate.diagonal import Diagonal, diagonal, is_whole


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


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("values", "unit"),
    [([3, 11, 7, -1], 4.0), ([0, 65535, 2, 1], 1.0), ([-5, 10**9, -5, 10**9], 10.0**9 + 5),
     ([7, 7], 1.0), ([2.0**40 + 6, 2.0**40], 6.0)],
)
def test_given_whole_numbers_are_stored_in_16_bits(values, unit, dtype):
    found = Diagonal.of(np.array(values, dtype=np.float64), dtype)
    assert (found.stored.dtype, found.unit) == (np.int16, unit)
    np.testing.assert_array_equal(found.values, values)


@pytest.mark.parametrize("values", [[0, 65536, 1, 1], [0.5, 1.0], [2.0**60, 0.0]])
def test_other_given_values_are_stored_themselves(values):
    given = np.array(values, dtype=np.float64)
    found = Diagonal.of(given)
    assert found.stored.dtype == np.float64
    np.testing.assert_array_equal(found.values, values)
    given[:] = 9.0  # what was given is the caller's own
    np.testing.assert_array_equal(found.values, values)


def test_single_precision_keeps_the_digits_of_small_differences():
    values = 1e6 + np.random.default_rng(0).normal(size=16)
    found = Diagonal.of(values, np.float32)
    assert found.stored.dtype == np.float32
    np.testing.assert_allclose(found.values, values, atol=1e-6)


@pytest.mark.parametrize("unit", [0.37, 1.0])
def test_the_spread_of_values_is_that_of_their_cost(random_qubo, unit):
    cost = Cost.of(random_qubo(7))
    found = Diagonal.of(reference.diagonal(cost))
    assert (found.qubits, found.spread) == (7, pytest.approx(cost.spread))
    graph = graph_cost(6, unit)
    assert diagonal(graph).spread == pytest.approx(graph.spread)
    assert Diagonal.of(np.full(8, 3.0)).spread == 1.0


def test_the_order_is_the_mean_number_of_spins_of_terms_by_their_squares():
    spins = 1.0 - 2.0 * ((np.arange(16)[:, None] >> np.arange(4)) & 1)
    values = 5.0 + 3.0 * spins[:, 1] + 2.0 * spins[:, 0] * spins[:, 2] - spins.prod(axis=1)
    for given in (values, 0.5 * values, values + 0.25):
        assert Diagonal.of(given).order == pytest.approx((9 * 1 + 4 * 2 + 1 * 4) / 14)
    assert Diagonal.of(np.full(4, 1.5)).order == 2.0


@pytest.mark.parametrize(
    ("values", "complaint"),
    [(np.zeros(3), r"shape \(3,\)"), (np.zeros(1), r"shape \(1,\)"), (np.zeros(0), r"shape \(0,\)"),
     (np.zeros((2, 2)), r"shape \(2, 2\)"), (np.array([1.0, np.inf]), "state 1 has inf"),
     (np.array([np.nan, 1.0]), "state 0 has nan")],
)
def test_what_is_no_list_of_values_is_refused(values, complaint):
    with pytest.raises(UsageError, match=complaint):
        Diagonal.of(values)
