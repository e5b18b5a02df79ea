"""Layouts: which rows, which arithmetic, and that a built model is the QUBO it came from."""

from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.forms import Group, Qubo
from qopt.solvers.annealing.layout import DENSE_DEGREE, Layout, Model


def pairs_of(model: Model) -> np.ndarray:
    """The symmetric matrix that a model stands for, unscaled."""
    n = model.num_variables
    if len(model.matrix):
        return model.matrix / model.scale
    matrix = np.zeros((n, n))
    row = np.repeat(np.arange(n), np.diff(model.start))
    assert (model.weight != 0).all()
    matrix[row, model.index] = model.weight / model.scale
    same_row = np.diff(row) == 0
    assert (np.diff(model.index)[same_row] > 0).all()
    return matrix


@given(
    n=st.integers(1, 12),
    seed=st.integers(0, 999),
    density=st.floats(0, 1),
    unit=st.sampled_from([1.0, 0.25, 1e-7, 0.1]),
    rows=st.sampled_from(["sparse", "dense"]),
)
@settings(deadline=None, max_examples=60)
def test_built_models_hold_the_coefficients(
    n: int, seed: int, density: float, unit: float, rows: Literal["sparse", "dense"]
) -> None:
    rng = np.random.default_rng(seed)
    matrix = np.triu(rng.integers(-9, 10, (n, n)) * (rng.random((n, n)) < density)) * unit
    qubo = Qubo.from_matrix(matrix)
    model = Layout.choose(qubo, rows=rows).build(qubo)
    off_diagonal = np.triu(matrix, 1)
    np.testing.assert_array_equal(pairs_of(model), off_diagonal + off_diagonal.T)
    np.testing.assert_array_equal(model.linear / model.scale, np.diag(matrix))


@pytest.mark.parametrize(
    ("linear", "pair", "real", "entry", "drifts"),
    [
        (3.0, -2.0, np.float32, np.int8, False),
        (0.125, -2.0, np.float32, np.int8, False),
        (0.0, 127.0, np.float32, np.int8, False),
        (0.0, -128.0, np.float32, np.int16, False),
        (0.0, 2.0**15 - 1.0, np.float32, np.int16, False),
        (0.0, 2.0**15, np.float32, np.float32, False),
        (2.0**24 - 2.0, 1.0, np.float32, np.int8, False),
        (2.0**24 - 1.0, 1.0, np.float64, np.float64, False),
        (2.0**53 - 2.0, 1.0, np.float64, np.float64, False),
        (1e10, 1.0, np.float64, np.float64, False),
        (1e10, 1e-10, np.float64, np.float64, True),
        (3.0, 40_000.0, np.float32, np.float32, False),
        (2.0**24, 1.0, np.float64, np.float64, False),
        (2.0**53, 1.0, np.float64, np.float64, True),
        (0.1, 1.0, np.float64, np.float64, True),
        (0.0, 0.0, np.float32, np.int8, False),
    ],
)
def test_arithmetic(
    linear: float, pair: float, real: type, entry: type, drifts: bool
) -> None:
    layout = Layout.choose(Qubo.from_arrays([linear, 0.0], [0], [1], [pair]))
    assert (layout.real, layout.entry, layout.drifts) == (real, entry, drifts)


def test_large_and_small_units_are_scaled_near_one() -> None:
    for unit in (1e-300, 1e-9, 1e9, 1e300):
        qubo = Qubo.from_arrays([0.3 * unit, unit], [0], [1], [0.7 * unit])
        layout = Layout.choose(qubo)
        assert 0.5 < np.abs(layout.build(qubo).linear).max() < 2.0


def test_few_neighbours_go_side_by_side_and_many_in_rows() -> None:
    rng = np.random.default_rng(0)
    few = Qubo.from_matrix(np.triu(rng.integers(1, 9, (100, 100))))
    many = Qubo.from_matrix(np.triu(rng.integers(1, 9, (DENSE_DEGREE + 50,) * 2)))
    assert Layout.choose(few).side_by_side
    assert Layout.choose(many).rows == "dense"
    grouped = few.with_groups([Group((0, 1, 2), 1)])
    assert Layout.choose(grouped).rows == "dense"
    assert not Layout.choose(grouped, rows="sparse").side_by_side


def test_groups_are_laid_out() -> None:
    groups = [
        Group((8, 9), 2),
        Group((0, 1, 2), 1),
        Group((3, 4), 0),
        Group((5, 6, 7), 1),
        Group((10, 11, 12), 2),
        Group((13, 14), 1),
    ]
    rng = np.random.default_rng(0)
    qubo = Qubo.from_matrix(np.triu(rng.integers(1, 9, (17, 17))), groups=groups)
    model = Layout.choose(qubo).build(qubo)
    assert model.free.tolist() == [15, 16]
    assert model.ones.tolist() == [8, 9]
    found = [
        (sorted(model.home[a:b].tolist()), int(size))
        for a, b, size in zip(model.bounds, model.bounds[1:], model.sizes, strict=False)
    ]
    assert sorted(found) == [([0, 1, 2], 1), ([5, 6, 7], 1), ([10, 11, 12], 2), ([13, 14], 1)]
    for b, (first, last) in enumerate(model.mates):
        partners = [found[c][0] for c in range(first, last)]
        assert partners == ([[0, 1, 2], [5, 6, 7]] if found[b][0] in partners else [])
    assert sum(last - first > 0 for first, last in model.mates) == 2
    np.testing.assert_array_equal(model.home[model.seat[model.home]], model.home)
    assert model.moves == 2 + 3 + 3 + 3 + 2
    # Members of an exactly-one group never meet: their coefficients are left out.
    assert model.matrix[0, 1] == 0
    assert model.matrix[10, 11] == qubo.to_matrix()[10, 11]
