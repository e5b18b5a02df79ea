"""Branch and bound proves the optima that enumeration finds."""

import json
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.cli.main import run
from qopt.errors import SizeError, UsageError
from qopt.forms import Group, Ising, Qubo
from qopt.solver import Budget, Progress, Status
from qopt.solvers import branch_and_bound_tree as search
from qopt.solvers.branch_and_bound import BranchAndBound
from qopt.solvers.branch_and_bound_node import FREE, Dense, settle


@pytest.fixture
def few_enumerated(monkeypatch):
    """Small models are branched on, too."""
    monkeypatch.setattr(search, "_ENUMERATED", 8)


def solve(model, seed=0, *, progress=None, start=(), gap=1e-7, **budget):
    progress = progress or Progress()
    return BranchAndBound(gap=gap).solve(model, Budget(**budget), seed, progress, start=start)


def optimum(model):
    bits = np.array(list(product((0, 1), repeat=model.num_variables)), dtype=np.int8)
    return model.energies(bits)[model.group_violations(bits) == 0].min()


def glass(n, seed=0):
    """Couplings of one size and random sign between all spins."""
    row, col = np.triu_indices(n, 1)
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], len(row))
    return Qubo.from_ising(Ising(np.zeros(n), row, col, signs))


@st.composite
def models(draw):
    n = draw(st.integers(1, 9))
    whole = st.integers(-6, 6).map(float)
    real = st.floats(-3.0, 3.0, allow_subnormal=False)
    entries = draw(st.lists(draw(st.sampled_from([whole, real])), min_size=n * n, max_size=n * n))
    groups = []
    if n > 3 and draw(st.booleans()):
        cut = draw(st.integers(1, n - 1))
        order = draw(st.permutations(range(n)))
        groups.append(Group(tuple(order[:cut]), draw(st.integers(0, cut))))
        groups.append(Group(tuple(order[cut:]), draw(st.integers(0, n - cut))))
    return Qubo.from_matrix(
        np.reshape(entries, (n, n)), offset=draw(st.sampled_from([0.0, 0.3, -7.0])), groups=groups
    )


@settings(deadline=None, max_examples=40)
@given(models())
def test_the_optimum_is_proven(model):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "_ENUMERATED", 8)
        progress = Progress()
        outcome = solve(model, progress=progress)
    best = optimum(model)
    slack = 1e-6 * max(abs(best), 1e-3 * model.scale)
    assert outcome.status is Status.OPTIMAL
    assert model.energy(outcome.answers[0]) == pytest.approx(best, abs=slack)
    assert not model.group_violations(outcome.answers)[0]
    assert all(value <= best + slack for _, value in progress.trace.bounds)
    assert all(value >= best - slack for _, value in progress.trace.incumbents)


def test_a_spin_glass_takes_few_nodes(few_enumerated):
    model = glass(16, seed=1)
    outcome = solve(model)
    assert outcome.status is Status.OPTIMAL
    assert outcome.bound == optimum(model)
    assert outcome.details["nodes"] < 10
    assert outcome.details["root_bound"] <= outcome.bound


def test_a_root_bound_is_rounded_up_to_what_there_can_be():
    outcome = solve(glass(30), evaluations=1)
    # Energies of an odd number of couplings, each 1 or -1, differ by multiples of 2.
    assert outcome.bound % 2 == glass(30).energy(np.zeros(30)) % 2
    assert outcome.bound >= -180.0  # all couplings at their best: -435


def test_threads_give_the_same_optimum_and_the_same_run_twice(few_enumerated):
    model = glass(14, seed=3)
    first, second = solve(model, threads=2), solve(model, threads=2)
    assert first.status is second.status is Status.OPTIMAL
    assert first.bound == optimum(model)
    assert first.details == second.details
    assert np.array_equal(first.answers, second.answers)


def test_a_run_of_so_many_nodes_keeps_a_valid_bound():
    model = glass(44, seed=2)
    progress = Progress()
    outcome = solve(model, evaluations=1, progress=progress)
    full = solve(model)
    assert full.status is Status.OPTIMAL
    assert outcome.usage.evaluations == 1
    assert outcome.bound <= full.bound <= model.energy(outcome.answers[0])
    values = [value for _, value in progress.trace.bounds]
    assert len(values) > 2
    assert values == sorted(values)


def test_answers_read_off_a_relaxation_keep_the_groups():
    model = glass(6).with_groups([Group((0, 2, 3), 2)])
    rest = settle(Dense.of(model), np.full(6, FREE, dtype=np.int8))
    inside = np.array([1.0, 0.5, -0.9, 0.2, -0.1, 0.3, -0.4])
    gram = np.outer(inside, inside)
    np.fill_diagonal(gram, 1.0)
    bits = search._nearest(gram, rest)
    # Of the spins 0.5, 0.2 and -0.1 of the group, the two least are its ones.
    assert bits.tolist() == [0, 1, 1, 1, 0, 1]
    assert rest.free[search._undecided(gram, rest)] == 3


def test_a_gap_ends_the_search_early(few_enumerated):
    rng = np.random.default_rng(1)
    model = Qubo.from_matrix(rng.normal(size=(12, 12)))
    outcome = solve(model, gap=0.5)
    assert outcome.bound <= optimum(model)
    assert outcome.status is Status.OPTIMAL or "gap of 0.5" in outcome.reason


def test_a_start_is_the_first_incumbent_and_is_never_lost():
    model = glass(40, seed=2).with_groups([Group((0, 1, 2), 1)])
    best = solve(model, time_limit=5.0).answers[0]
    progress = Progress()
    stopped = solve(model, progress=progress, start=[np.ones(40, np.int8), best], time_limit=0.0)
    assert progress.trace.incumbents[0][1] == model.energy(best)
    assert model.energy(stopped.answers[0]) == model.energy(best)
    assert stopped.status is Status.FEASIBLE


def test_a_large_constant_makes_no_answer_optimal():
    rng = np.random.default_rng(3)
    model = Qubo.from_matrix(rng.normal(size=(30, 30)), offset=1e12)
    ended = solve(model, time_limit=0.0, start=[np.zeros(30, np.int8)])
    proven = solve(model)
    assert proven.status is Status.OPTIMAL
    best = model.energy(proven.answers[0])
    assert best < 1e12 - 1.0
    assert ended.bound <= best
    assert ended.status is Status.FEASIBLE


def test_a_model_without_variables_is_its_offset():
    outcome = solve(Qubo.from_arrays([], offset=3.0))
    assert outcome.status is Status.OPTIMAL
    assert outcome.bound == 3.0


def test_what_it_refuses():
    with pytest.raises(UsageError, match="has shape"):
        solve(Qubo.from_arrays(np.ones(3)), start=[[0, 1]])
    with pytest.raises(UsageError, match="other values than 0 and 1"):
        solve(Qubo.from_arrays(np.ones(3)), start=[[0, 1, 2]])
    with pytest.raises(SizeError, match="1000"):
        solve(Qubo.from_arrays(np.ones(1001)))
    with pytest.raises(UsageError, match="gap"):
        BranchAndBound(gap=0.0)


def test_from_the_command_line(capsys):
    assert run(["solve", "sparse-50", "--solver", "branch-and-bound", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "optimal"
