from math import comb, log2

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.forms import Group, Qubo
from qopt.solvers.qaoa.group_moments import effective_qubits, moments


@st.composite
def grouped(draw):
    """A model with groups of any shapes, their members in any order, and free bits."""
    n = draw(st.integers(1, 10))
    order = draw(st.permutations(range(n)))
    groups, start = [], 0
    while start < n and draw(st.booleans()):
        members = tuple(order[start : start + draw(st.integers(1, n - start))])
        start += len(members)
        groups.append(Group(members, draw(st.integers(0, len(members)))))
    matrix = np.random.default_rng(draw(st.integers(0, 1000))).normal(size=(n, n))
    return Qubo.from_matrix(matrix + 0.5, offset=draw(st.sampled_from([0.0, -3.5])), groups=groups)


def energies_of_kept(qubo):
    n = qubo.num_variables
    bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    return qubo.energies(bits[qubo.group_violations(bits) == 0])


@settings(deadline=None, max_examples=150)
@given(qubo=grouped())
def test_the_moments_are_those_of_the_listed_strings(qubo):
    energies = energies_of_kept(qubo)
    mean, deviation = moments(qubo)
    assert mean == pytest.approx(energies.mean(), abs=1e-10)
    assert deviation == pytest.approx(energies.std(), abs=1e-7)
    assert effective_qubits(qubo) == pytest.approx(np.log2(len(energies)))


@pytest.mark.parametrize("factor", [1e-250, 1e250])
def test_units_do_not_matter(factor):
    generator = np.random.default_rng(1)
    matrix, groups = generator.normal(size=(8, 8)), [Group((0, 2, 4, 5, 7), 2)]
    mean, deviation = moments(Qubo.from_matrix(matrix, groups=groups))
    scaled = moments(Qubo.from_matrix(factor * matrix, groups=groups))
    assert scaled == pytest.approx((factor * mean, factor * deviation))


def test_no_state_is_listed():
    n = 200
    qubo = Qubo.from_matrix(np.ones((n, n)), groups=[Group(tuple(range(n)), 100)])
    mean, deviation = moments(qubo)
    assert mean == pytest.approx(100**2)
    assert deviation == pytest.approx(0.0, abs=1e-6)
    assert effective_qubits(qubo) == pytest.approx(log2(comb(200, 100)))


def test_a_model_without_variables():
    assert moments(Qubo.from_arrays([], offset=2.0)) == (2.0, 0.0)
