"""Nodes: what fixing variables leaves, and multipliers carried from node to node."""

from itertools import product

import numpy as np
import pytest

from qopt.forms import Group, Qubo
from qopt.solvers.branch_and_bound_node import FREE, Dense, globalised, localised, settle
from qopt.solvers.semidefinite import Multipliers
from qopt.solvers.semidefinite_kernels import sides


def model(seed=0, n=8, groups=(), real=False):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(n, n)) * 9 if real else rng.integers(-9, 10, (n, n))
    return Qubo.from_matrix(matrix, offset=1.5, groups=groups)


def kept(qubo, values):
    """Answers that keep the groups and agree with the fixed values."""
    bits = np.array(list(product((0, 1), repeat=qubo.num_variables)), dtype=np.int8)
    agree = ((bits == values) | (values == FREE)).all(axis=1)
    return bits[agree & (qubo.group_violations(bits) == 0)]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("groups", [(), (Group((0, 3, 5), 1), Group((1, 2, 6, 7), 2))])
def test_the_rest_of_a_model_has_its_best_energy(seed, groups):
    qubo = model(seed, groups=groups, real=seed % 2 == 1)
    values = np.full(8, FREE, dtype=np.int8)
    values[[1, 4]] = [seed % 2, 1]
    rest = settle(Dense.of(qubo), values)
    best = qubo.energies(kept(qubo, values)).min()
    bits = kept(rest.qubo(), np.full(len(rest.free), FREE))
    assert len(bits) == rest.answers
    energies = rest.qubo().energies(bits)
    assert energies.min() == pytest.approx(best)
    problem, constant = rest.quadratic()
    for row, energy in zip(bits, energies, strict=True):
        z = np.concatenate([[1], 1 - 2 * row.astype(np.int64)])
        assert z @ problem.cost @ z + constant == pytest.approx(energy)
        assert not (problem.equations @ z).any()
        assert qubo.energy(rest.answer(row)) == pytest.approx(energy)


def test_groups_are_filled_and_a_broken_one_closes_the_node():
    qubo = model(groups=[Group((0, 1, 2), 1), Group((3, 4, 5), 2)])
    values = np.full(8, FREE, dtype=np.int8)
    values[[1, 3]] = [1, 0]
    rest = settle(Dense.of(qubo), values)
    assert rest.values[:6].tolist() == [0, 1, 0, 0, 1, 1]
    values[[0, 1]] = 1
    assert settle(Dense.of(qubo), values) is None


def test_only_models_alike_under_complement_are_symmetric():
    cut = Qubo.from_arrays([-2.0, -1.0, -1.0], [0, 0], [1, 2], [2.0, 2.0])
    assert Dense.of(cut).symmetric
    assert not Dense.of(cut.with_groups([Group((0, 1), 1)])).symmetric
    assert not Dense.of(model()).symmetric


@pytest.mark.parametrize("seed", range(8))
def test_multipliers_keep_their_sums_over_the_answers_of_a_node(seed):
    rng = np.random.default_rng(seed)
    n = 7
    dense = Dense.of(model(seed, n))
    corners = np.array([sorted(rng.choice(n + 1, 3, replace=False)) for _ in range(40)])
    cuts = np.unique(np.column_stack([corners, rng.integers(0, 4, 40)]), axis=0).astype(np.int32)
    at = Multipliers(rng.normal(size=n + 1), cuts, rng.random(len(cuts)))
    values = np.full(n, FREE, dtype=np.int8)
    values[rng.choice(n, 2, replace=False)] = rng.integers(0, 2, 2)
    rest = settle(dense, values)
    local = localised(rest, at)
    assert local.diagonal.sum() == pytest.approx(at.diagonal.sum())
    bits = np.array(list(product((0, 1), repeat=len(rest.free))), dtype=np.int8)
    bits = bits.reshape(2 ** len(rest.free), -1)
    excess = np.array([_excess(at, rest.answer(row)) for row in bits])
    reduced = np.array([_excess(local, row) for row in bits])
    # Triangles with two corners in one spin hold by themselves: they drop out.
    assert (reduced <= excess + 1e-9).all()
    again = localised(rest, globalised(rest, local))
    assert again.diagonal == pytest.approx(local.diagonal)
    assert again.cuts.tolist() == local.cuts.tolist()
    assert again.weights == pytest.approx(local.weights)
    inner = ~_degenerate(rest, cuts)
    alone = Multipliers(at.diagonal, cuts[inner], at.weights[inner])
    assert reduced == pytest.approx([_excess(alone, rest.answer(row)) for row in bits])


def _excess(at, bits):
    """Weighted sum of what the triangles have to spare."""
    z = np.concatenate([[1], 1 - 2 * bits.astype(np.int64)]).astype(np.float64)
    out = np.empty(len(at.cuts))
    sides(np.outer(z, z), at.cuts, out)
    return float(at.weights @ (out + 1.0))


def _degenerate(rest, cuts):
    fixed = np.concatenate([[True], rest.values != FREE])
    return fixed[cuts[:, :3]].sum(axis=1) > 1
