"""A part of a QUBO has the energy of the whole, up to a constant."""

import numpy as np
from grouped_models import incumbents, kept
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.forms import Group, Qubo
from qopt.solvers.annealing.layout import Layout
from qopt.solvers.hybrid.incumbent import Incumbent
from qopt.solvers.hybrid.subproblem import Subproblem


@settings(max_examples=80, deadline=None)
@given(now=incumbents(), seed=st.integers(0, 2**32 - 1))
def test_every_answer_of_a_part_is_one_of_the_whole_and_has_its_energy(now, seed):
    rng = np.random.default_rng(seed)
    able = np.flatnonzero(now.able)
    chosen = rng.permutation(able)[: int(rng.integers(len(able) + 1))]
    part = Subproblem.of(now, chosen)
    assert part.chosen.tolist() == sorted(chosen.tolist())
    scale = np.abs(now.qubo.linear).sum() + np.abs(now.qubo.value).sum()
    for answer in kept(part.qubo):
        whole = now.x.copy()
        whole[part.chosen] = answer
        assert not now.qubo.group_violations(whole)[0]
        energy = part.qubo.energy(answer) + part.constant
        assert abs(energy - now.qubo.energy(whole)) <= 1e-13 * (scale + 2.5)


def test_a_part_of_a_group_keeps_as_many_ones_as_it_has():
    qubo = Qubo.from_arrays(np.zeros(6), groups=[Group((0, 1, 2, 3), 2)])
    now = Incumbent(qubo, np.array([1, 0, 1, 0, 1, 1]), Layout.choose(qubo).build(qubo))
    part = Subproblem.of(now, np.array([5, 3, 2, 1]))
    assert part.chosen.tolist() == [1, 2, 3, 5]
    assert part.qubo.groups == (Group((0, 1, 2), 1),)
    assert now.qubo.groups[0].size == 2
