"""The incumbent's fields and energy, its descent, and where it begins."""

import numpy as np
import pytest
from grouped_models import incumbents
from hypothesis import given, settings

from qopt.forms import Group, Qubo
from qopt.solvers.annealing.layout import Layout
from qopt.solvers.hybrid import incumbent
from qopt.solvers.hybrid.incumbent import Incumbent, random_answer


def moves(now):
    """The energy change of every flip of a free bit, and of every swap inside a group."""
    before = now.qubo.energy(now.x)
    pairs = [[int(i)] for i in now.model.free]
    pairs += [
        [int(i), int(j)] for i in now.model.home for j in now.model.home
        if now.owner[i] == now.owner[j] and now.x[i] > now.x[j]
    ]
    for pair in pairs:
        other = now.x.copy()
        other[pair] ^= 1
        yield pair, now.qubo.energy(other) - before


def check(now):
    scale = np.abs(now.qubo.linear).sum() + np.abs(now.qubo.value).sum() + 2.5
    assert abs(now.energy - now.qubo.energy(now.x)) <= 1e-13 * scale
    assert not now.qubo.group_violations(now.x)[0]
    fields = now.field.copy()
    now.refresh()
    np.testing.assert_allclose(fields, now.field, rtol=0, atol=1e-13 * scale * now.model.scale)


@settings(max_examples=60, deadline=None)
@given(now=incumbents())
def test_a_descent_ends_where_no_move_lowers_the_energy(now):
    first = now.energy
    flips = now.descend(lambda: False)
    scale = np.abs(now.qubo.linear).sum() + np.abs(now.qubo.value).sum()
    check(now)
    assert now.energy <= first
    assert (flips == 0) == (now.energy == first)
    assert all(change >= -1e-11 * scale for _, change in moves(now))


@settings(max_examples=40, deadline=None)
@given(now=incumbents())
def test_flips_keep_fields_and_energy(now):
    for which, change in list(moves(now))[:1]:
        now.flip(np.array(which), change)
        check(now)


def test_a_descent_that_is_stopped_stays_where_it_is():
    qubo = Qubo.from_arrays([-1.0, -1.0])
    now = Incumbent(qubo, np.zeros(2), Layout.choose(qubo).build(qubo))
    assert now.descend(lambda: True) == 0
    assert now.energy == 0.0


def test_fields_that_drift_are_summed_anew(monkeypatch):
    rng = np.random.default_rng(0)
    qubo = Qubo.from_matrix(np.triu(rng.normal(size=(30, 30))))
    now = Incumbent(qubo, random_answer(qubo, rng), Layout.choose(qubo).build(qubo))
    now.field += 1.0
    now.flip(np.arange(3), 0.0)
    assert now.energy != pytest.approx(qubo.energy(now.x))
    monkeypatch.setattr(incumbent, "REFRESH", 6)
    now.flip(np.arange(3), 0.0)
    check(now)


def test_random_answers_keep_groups_and_reach_all_that_do():
    qubo = Qubo.from_arrays(np.zeros(4), groups=[Group((0, 1, 2), 2)])
    drawn = {tuple(random_answer(qubo, np.random.default_rng(s))) for s in range(60)}
    assert {x[:3] for x in drawn} == {(1, 1, 0), (1, 0, 1), (0, 1, 1)}
    assert {x[3] for x in drawn} == {0, 1}


def test_a_small_change_beside_large_whole_coefficients_counts():
    qubo = Qubo.from_arrays([-3.0, 1e14, 2.0], [1], [2], [-1e14])
    now = Incumbent(qubo, np.array([0, 0, 1], dtype=np.int8), Layout.choose(qubo).build(qubo))
    now.descend(lambda: False)
    assert now.x.tolist() == [1, 0, 0]
    assert now.energy == -3.0
