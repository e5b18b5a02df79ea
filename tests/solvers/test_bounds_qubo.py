"""Bounds of a QUBO that cost one pass."""

from itertools import product

import numpy as np
import pytest

from qopt.forms import Ising, Qubo
from qopt.solvers.bounds_qubo import trivial_bound


@pytest.mark.parametrize("seed", range(10))
def test_the_trivial_bound_holds(seed):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(7, 7)) if seed % 2 else rng.integers(-5, 6, (7, 7))
    qubo = Qubo.from_matrix(matrix, offset=float(rng.normal()))
    bits = np.array(list(product((0, 1), repeat=7)))
    assert trivial_bound(qubo) <= qubo.energies(bits).min()


def test_it_is_the_better_of_bits_and_spins():
    ring = Ising(np.zeros(4), np.arange(3), np.arange(1, 4), np.array([1.0, -1.0, 1.0]), 0.5)
    assert trivial_bound(Qubo.from_ising(ring)) == -2.5
    assert trivial_bound(Qubo.from_arrays([-1.0, 2.0], [0], [1], [3.0], offset=7.0)) == 6.0


def test_a_model_without_variables_is_its_offset():
    assert trivial_bound(Qubo.from_arrays([], offset=2.0)) == 2.0
