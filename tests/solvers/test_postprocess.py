"""Repair and descent against brute force, and how a solver returns what they make."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.errors import UsageError
from qopt.forms import Client, Depot, Group, Qubo, Routing, VehicleType
from qopt.solver import Budget, Outcome, Progress, Status
from qopt.solvers import postprocess
from qopt.solvers.postprocess import descend, improve, precision, repair
from qopt.solvers.qaoa import Qaoa
from qopt.solvers.random import RandomSampling


@st.composite
def cases(draw):
    """A model of up to nine bits, with groups or without, and some rows of bits."""
    n = draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kept = rng.random((n, n)) < draw(st.sampled_from([0.3, 1.0]))
    matrix = np.triu(rng.normal(size=(n, n)) * kept)
    if draw(st.booleans()):
        matrix = np.rint(3 * matrix)  # many moves of equal worth
    matrix *= draw(st.sampled_from([1.0, 1e-6, 1e9]))
    # The bits of the last part are in no group.
    parts = np.array_split(rng.permutation(n), draw(st.sampled_from([1, 2, 3])))[:-1]
    groups = [
        Group(tuple(part.tolist()), draw(st.integers(0, len(part))))
        for part in parts if len(part)
    ]
    if draw(st.booleans()):
        groups = [Group(tuple(range(n)), draw(st.integers(0, n)))]
    model = Qubo.from_matrix(matrix).with_groups(groups)
    return model, rng.integers(0, 2, (draw(st.integers(1, 6)), n)).astype(np.int8)


def slack(model):
    """Rounding of an energy: it is a sum of up to n * n coefficients."""
    return 1e-14 * (np.abs(model.linear).sum() + np.abs(model.value).sum())


def moves(model, row):
    """Every row that a move of the descent leads to."""
    grouped = {i for group in model.groups for i in group.members}
    for i in set(range(len(row))) - grouped:
        yield [i]
    for group in model.groups:
        for i, j in combinations(group.members, 2):
            if row[i] != row[j]:
                yield [i, j]


@settings(max_examples=60, deadline=None)
@given(cases())
def test_repair_makes_every_group_hold_by_the_fewest_flips(case):
    model, rows = case
    given_rows = rows.copy()
    mended = repair(model, rows)
    np.testing.assert_array_equal(rows, given_rows)
    assert mended.dtype == np.int8
    assert not model.group_violations(mended).any()
    # Groups share no bit: no fewer flips than ones off can mend them.
    np.testing.assert_array_equal((mended != rows).sum(axis=1), model.group_violations(rows))
    np.testing.assert_array_equal(repair(model, mended), mended)


def greedily_repaired(model, row):
    """One flip after another, each tried out on the whole energy."""
    row = row.copy()
    while model.group_violations(row)[0]:
        tried = []
        for group in model.groups:
            off = int(row[list(group.members)].sum()) - group.size
            for i in group.members if off else ():
                if row[i] == (off > 0):
                    flipped = row.copy()
                    flipped[i] ^= 1
                    tried.append((model.energy(flipped), flipped))
        row = min(tried, key=lambda pair: pair[0])[1]
    return row


def test_repair_takes_the_cheapest_flip_at_each_moment():
    rng = np.random.default_rng(3)
    model = Qubo.from_matrix(rng.normal(size=(9, 9))).with_groups(
        [Group((0, 3, 5, 8), 2), Group((1, 2, 7), 1)]
    )
    rows = rng.integers(0, 2, (64, 9)).astype(np.int8)
    wanted = [greedily_repaired(model, row) for row in rows]
    np.testing.assert_array_equal(repair(model, rows), wanted)


@settings(max_examples=60, deadline=None)
@given(cases())
def test_descent_ends_in_local_minima_and_keeps_groups(case):
    check_descent(*case)


def test_descent_from_many_rows_of_a_model_with_groups_and_free_bits():
    rng = np.random.default_rng(6)
    model = Qubo.from_matrix(rng.normal(size=(14, 14))).with_groups(
        [Group((0, 3, 5, 8, 13), 2), Group((1, 2, 7, 9, 10, 12), 3)]
    )
    check_descent(model, rng.integers(0, 2, (100, 14)).astype(np.int8))


def check_descent(model, rows):
    low = descend(model, rows)
    before, after = model.energies(rows), model.energies(low)
    assert (after <= before + slack(model)).all()
    for group in model.groups:
        members = list(group.members)
        np.testing.assert_array_equal(low[:, members].sum(axis=1), rows[:, members].sum(axis=1))
    for row, energy in zip(low, after, strict=True):
        for bits in moves(model, row):
            there = row.copy()
            there[bits] ^= 1
            assert model.energy(there) >= energy - precision(model) - slack(model)
    np.testing.assert_array_equal(descend(model, low), low)


def test_descent_leaves_a_local_minimum_by_no_move_of_equal_energy():
    model = Qubo.from_arrays(np.zeros(4), [0], [1], [1.0], groups=[Group((2, 3), 1)])
    rows = [[1, 0, 0, 1], [0, 1, 1, 0], [0, 0, 1, 0]]
    np.testing.assert_array_equal(descend(model, rows), rows)


def test_descent_falls_over_many_sweeps():
    # Each bit is worth setting only once the next one is set: a sweep in order sets one of them.
    n = 40
    linear = np.full(n, 1.0)
    linear[-1] = -1.0
    model = Qubo.from_arrays(linear, np.arange(n - 1), np.arange(1, n), np.full(n - 1, -2.0))
    np.testing.assert_array_equal(descend(model, np.zeros((1, n))), np.ones((1, n)))


def test_rows_of_another_model_are_refused():
    with pytest.raises(UsageError, match="2 bits, the QUBO 3"):
        repair(Qubo.from_arrays(np.zeros(3)), [[0, 1]])
    with pytest.raises(UsageError, match="4 bits, the QUBO 3"):
        descend(Qubo.from_arrays(np.zeros(3)), [[0, 1, 0, 0]])


def test_models_without_variables_or_coefficients():
    nothing = Qubo.from_arrays([])
    assert descend(nothing, np.zeros((2, 0))).shape == repair(nothing, np.zeros((2, 0))).shape
    flat = Qubo.from_arrays(np.zeros(3))
    np.testing.assert_array_equal(descend(flat, [[1, 0, 1]]), [[1, 0, 1]])


# -- beside the samples ---------------------------------------------------------------------------


MODEL = Qubo.from_matrix(np.random.default_rng(8).normal(size=(8, 8))).with_groups(
    [Group((0, 2, 4, 6), 2)]
)


def sampled(model, seed=1, shots=40):
    rows = np.random.default_rng(seed).integers(0, 2, (shots, model.num_variables))
    answers, counts = np.unique(rows.astype(np.int8), axis=0, return_counts=True)
    order = np.lexsort((model.energies(answers), model.group_violations(answers)))
    return Outcome(Status.FEASIBLE, answers[order], counts[order], reason="drawn")


def improved(model, outcome, wished, time_limit=None, progress=None):
    clock = Budget(time_limit=time_limit).start()
    return improve(model, outcome, wished, clock, progress or Progress())


@pytest.mark.parametrize(("wished", "method"), [("repair", "repair"),
                                                ("descent", "repair and descent")])
def test_what_is_made_stands_beside_the_samples(wished, method):
    outcome, progress = sampled(MODEL), Progress()
    done = improved(MODEL, outcome, wished, progress=progress)
    np.testing.assert_array_equal(done.answers, outcome.answers)
    np.testing.assert_array_equal(done.counts, outcome.counts)
    made = done.improved
    assert made.method == method
    assert made.counts.sum() == outcome.counts.sum()
    assert not MODEL.group_violations(made.answers).any()
    assert len(np.unique(made.answers, axis=0)) == len(made.answers)
    energies = MODEL.energies(made.answers)
    assert (np.diff(energies) >= 0).all()
    after = repair(MODEL, outcome.answers)
    if wished == "descent":
        after = descend(MODEL, after)
    facts = done.details["postprocess"]
    old = MODEL.penalised().energies(outcome.answers)
    assert facts["mean_energy_before"] == pytest.approx(np.average(old, weights=outcome.counts))
    assert facts["mean_energy_after"] == pytest.approx(
        np.average(MODEL.energies(after), weights=outcome.counts)
    )
    assert facts["best_energy_after"] == pytest.approx(energies[0])
    assert facts["changed"] == (after != outcome.answers).any(axis=1).sum() > 0
    assert "postprocess" in done.usage.phases
    better = energies[0] < MODEL.energy(outcome.answers[0])
    assert [v for _, v in progress.trace.incumbents] == ([energies[0]] if better else [])
    assert done.reason == "drawn"


def test_samples_that_break_every_group_may_be_mended():
    model = Qubo.from_arrays([1.0, 2.0, 3.0], groups=[Group((0, 1, 2), 1)])
    outcome = Outcome(Status.INFEASIBLE_ANSWERS, np.array([[1, 1, 1], [0, 0, 0]], dtype=np.int8))
    progress = Progress()
    done = improved(model, outcome, "repair", progress=progress)
    assert done.status is Status.FEASIBLE
    assert done.improved.answers.tolist() == [[1, 0, 0]]
    assert done.improved.counts.tolist() == [2]
    assert [v for _, v in progress.trace.incumbents] == [1.0]


def test_nothing_is_made_where_there_is_nothing_to_do():
    outcome = sampled(MODEL)
    assert improved(MODEL, outcome, "none") is outcome
    without = MODEL.with_groups([])
    done = improved(without, sampled(without), "repair")
    assert done.improved is None
    assert "the model has no groups" in done.reason
    assert improved(without, sampled(without), "descent").improved.method == "descent"
    empty = Outcome(Status.TIME_LIMIT)
    assert improved(MODEL, empty, "descent") is empty


def test_a_time_limit_leaves_rows_out_and_says_so(monkeypatch):
    done = improved(MODEL, sampled(MODEL), "descent", time_limit=0.0)
    assert done.improved is None
    assert "no time was left" in done.reason
    monkeypatch.setattr(postprocess, "_AT_ONCE", 1)
    looks = iter([False] * 3 + [True] * 100)
    monkeypatch.setattr(Progress, "stopping", property(lambda self: next(looks)))
    outcome = sampled(MODEL)
    done = improved(MODEL, outcome, "descent")
    assert done.improved.counts.sum() == outcome.counts[:3].sum()
    assert f"3 of {len(outcome.answers)} different samples" in done.reason
    assert done.details["postprocess"]["distinct"] == 3


# -- as an option of solvers ----------------------------------------------------------------------


def run(solver, model=MODEL, seed=0, **budget):
    return solver.solve(model, Budget(**budget), seed, Progress())


@pytest.mark.parametrize("solver", [Qaoa, RandomSampling])
@pytest.mark.parametrize("wished", ["repair", "descent"])
def test_samples_stay_as_they_are_drawn(solver, wished):
    size = {"shots": 60} if solver is Qaoa else {"samples": 60}
    plain, done = run(solver(**size)), run(solver(**size, postprocess=wished))
    np.testing.assert_array_equal(plain.answers, done.answers)
    np.testing.assert_array_equal(plain.counts, done.counts)
    assert plain.improved is None
    assert done.improved.counts.sum() == 60
    extra = done.details.pop("postprocess")
    assert extra["samples"] == 60
    assert plain.details == done.details
    assert "setup" in done.usage.phases


def test_descent_of_a_small_model_reaches_the_optimum():
    bits = (np.arange(2**8)[:, None] >> np.arange(8) & 1).astype(np.int8)
    best = MODEL.energies(bits[MODEL.group_violations(bits) == 0]).min()
    made = run(Qaoa(shots=200, postprocess="descent")).improved
    assert MODEL.energy(made.answers[0]) == pytest.approx(best)


def test_routes_are_left_as_they_are():
    matrix = np.random.default_rng(1).integers(1, 50, (4, 4)).astype(float)
    routes = Routing(
        depots=(Depot("d"),), clients=tuple(Client(f"c{i}") for i in range(3)),
        vehicles=(VehicleType(),), distance=matrix, duration=matrix,
    )
    outcome = run(RandomSampling(samples=5, postprocess="descent"), routes)
    assert outcome.improved is None
    assert "left routes as they are" in outcome.reason
    assert outcome.status is Status.FEASIBLE
