"""Which variables a subproblem opens."""

from itertools import pairwise
from typing import get_args

import networkx
import numpy as np
import pytest
from grouped_models import incumbents
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.forms import Group, Qubo
from qopt.solvers.annealing.layout import Layout
from qopt.solvers.hybrid import choice
from qopt.solvers.hybrid.choice import Chooser, suited
from qopt.solvers.hybrid.incumbent import Incumbent, random_answer
from qopt.solvers.hybrid.solver import Choose
from qopt.solvers.hybrid.subproblem import Subproblem

WAYS = [way for way in get_args(Choose) if way != "auto"]


def rng(seed=0):
    return np.random.default_rng(seed)


def incumbent_of(qubo, rows=None, seed=0):
    layout = Layout.choose(qubo, rows=rows)
    return Incumbent(qubo, random_answer(qubo, rng(seed)), layout.build(qubo))


def grid(side):
    edges = np.array(networkx.convert_node_labels_to_integers(
        networkx.grid_2d_graph(side, side)
    ).edges)
    return Qubo.from_arrays(-np.ones(side**2), edges[:, 0], edges[:, 1], np.ones(len(edges)))


@settings(max_examples=80, deadline=None)
@given(now=incumbents(), size=st.integers(2, 8), how=st.sampled_from(WAYS))
def test_what_is_chosen_can_change(now, size, how):
    if how == "groups" and not len(now.model.sizes):
        how = "graph"
    first, second = (Chooser(now, size, how, rng(1)) for _ in range(2))
    for step in range(4):
        chosen = first.next(rng(step))
        assert len(set(chosen.tolist())) == len(chosen) <= size
        assert now.able[chosen].all()
        assert len(chosen) or not now.able.any()
        assert all(0 < g.size < len(g.members) for g in Subproblem.of(now, chosen).qubo.groups)
        assert (chosen == second.next(rng(step))).all()


@pytest.mark.parametrize("how", ["impact", "random"])
def test_a_pass_goes_over_all_variables(how):
    chooser = Chooser(incumbent_of(grid(6)), 9, how, rng())
    opened = np.concatenate([chooser.next(rng(step)) for step in range(4)])
    assert sorted(opened.tolist()) == list(range(36))
    assert len(chooser.next(rng(9))) == 9


@pytest.mark.parametrize("rows", ["sparse", "dense"])
def test_a_part_of_the_graph_hangs_together(rows):
    qubo = grid(12)
    graph = qubo.to_networkx()
    chooser = Chooser(incumbent_of(qubo, rows), 15, "graph", rng())
    parts = [chooser.next(rng(step)) for step in range(10)]
    for part in parts:
        names = [list(graph)[i] for i in part]
        assert len(part) == 15
        assert networkx.is_connected(graph.subgraph(names))
    assert len({tuple(sorted(part)) for part in parts}) == 10


def test_small_parts_of_a_graph_are_put_together():
    qubo = Qubo.from_arrays(np.zeros(40), np.arange(0, 40, 2), np.arange(1, 40, 2), np.ones(20))
    chosen = Chooser(incumbent_of(qubo), 8, "graph", rng()).next(rng())
    assert len(chosen) == 8
    assert {i ^ 1 for i in chosen.tolist()} == set(chosen.tolist())


def test_impact_takes_what_changes_the_energy_most(monkeypatch):
    monkeypatch.setattr(choice, "SHORTLIST", 1)
    qubo = Qubo.from_arrays([1.0, -9.0, 3.0, 8.0, -2.0, 5.0])
    chooser = Chooser(incumbent_of(qubo), 2, "impact", rng())
    assert [set(chooser.next(rng(s)).tolist()) for s in range(3)] == [{1, 3}, {5, 2}, {4, 0}]


def test_impact_of_a_member_is_that_of_its_best_swap():
    qubo = Qubo.from_arrays([4.0, 1.0, 2.0, 9.0, -3.0], groups=[Group((0, 1, 2, 3), 2)])
    now = Incumbent(qubo, np.array([1, 1, 0, 0, 0]), Layout.choose(qubo).build(qubo))
    impact = Chooser(now, 2, "impact", rng())._impacts() / now.model.scale
    assert impact.tolist() == [2.0, 1.0, 2.0, 5.0, 3.0]


def test_whole_groups_and_the_related_ones_first():
    groups = [Group(tuple(range(3 * a, 3 * a + 3)), 1) for a in range(6)]
    # Groups 0-1, 2-3 and 4-5 are pairs.
    row = np.concatenate([np.arange(6 * p, 6 * p + 3) for p in range(3)])
    qubo = Qubo.from_arrays(np.zeros(18), row, row + 3, np.ones(9), groups=groups)
    chooser = Chooser(incumbent_of(qubo), 7, "groups", rng())
    opened = [sorted(chooser.next(rng(s)).tolist()) for s in range(3)]
    pairs = [list(range(6 * p, 6 * p + 6)) for p in range(3)]
    assert sorted(opened) == pairs


def test_of_a_group_too_large_a_part_with_ones_and_zeros_is_opened():
    qubo = Qubo.from_matrix(np.ones((30, 30)), groups=[Group(tuple(range(30)), 10)])
    now = incumbent_of(qubo)
    part = Subproblem.of(now, Chooser(now, 8, "groups", rng()).next(rng()))
    assert [(len(g.members), g.size) for g in part.qubo.groups] == [(8, 4)]


@pytest.mark.parametrize(
    ("lengths", "way"), [([], "graph"), ([3, 3, 3, 3], "groups"), ([9, 9], "graph")]
)
def test_what_suits_a_model(lengths, way):
    bounds = np.cumsum([0, *lengths])
    groups = [Group(tuple(range(a, b)), 1) for a, b in pairwise(bounds)]
    qubo = Qubo.from_arrays(np.zeros(max(4, bounds[-1])), groups=groups)
    assert suited(incumbent_of(qubo), 10) == way
