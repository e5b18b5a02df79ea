"""Reads that begin from given answers."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.errors import UsageError
from qopt.forms import Group, Qubo
from qopt.registry import find
from qopt.solver import Budget, Outcome, Progress
from qopt.solvers.annealing import SimulatedAnnealing
from qopt.solvers.annealing.layout import Layout
from qopt.solvers.annealing.reads import batch_size, start_batch
from qopt.solvers.annealing.starts import MOST, feasible_starts

GROUPS = [Group((0, 1, 2, 3), 1), Group((4, 5, 6, 7, 8), 2)]


def random_qubo(n: int, density: float = 1.0, seed: int = 0) -> Qubo:
    rng = np.random.default_rng(seed)
    keep = rng.random((n, n)) < density
    return Qubo.from_matrix(np.triu(rng.integers(-9, 10, (n, n)) * keep), offset=1.5)


def solve(qubo: Qubo, start: Any, budget: Budget, **options: Any) -> Outcome:
    solver = SimulatedAnnealing(**options)
    return solver.solve(qubo, budget, 1, Progress(), start=start)


def good_answer(qubo: Qubo) -> np.ndarray:
    outcome = SimulatedAnnealing(reads=16, sweeps=500).solve(qubo, Budget(), 0, Progress())
    return np.asarray(outcome.answers[0])


def test_the_spec_says_so() -> None:
    assert find("solver", "sa").starts


@pytest.mark.parametrize(
    ("density", "groups"), [(0.1, ()), (1.0, ()), (0.1, GROUPS), (1.0, GROUPS)]
)
@pytest.mark.parametrize("evaluations", [1, 2000])
def test_the_answer_is_never_worse_than_a_start(
    density: float, groups: Any, evaluations: int
) -> None:
    qubo = random_qubo(300, density).with_groups(groups)
    good = good_answer(qubo)
    budgets = [
        Budget(evaluations=evaluations), Budget(evaluations=evaluations, threads=2),
        Budget(time_limit=0.0),
    ]
    for budget in budgets:
        outcome = solve(qubo, [good], budget)
        assert qubo.energy(outcome.answers[0]) <= qubo.energy(good)
        assert not qubo.group_violations(outcome.answers).any()
        assert outcome.usage.evaluations <= evaluations
    progress = Progress()
    progress.stop()
    stopped = SimulatedAnnealing().solve(qubo, Budget(), 1, progress, start=[good])
    np.testing.assert_array_equal(stopped.answers[0], good)
    assert progress.trace.incumbents[0][1] == pytest.approx(qubo.energy(good))


def test_a_start_is_bettered() -> None:
    qubo = random_qubo(200, 0.2)
    start = np.zeros(200, dtype=np.int8)
    outcome = solve(qubo, [start], Budget(evaluations=10**6))
    assert qubo.energy(outcome.answers[0]) < qubo.energy(start)
    assert outcome.details["starts"] == 1


@pytest.mark.parametrize("groups", [(), GROUPS])
def test_reads_begin_where_they_are_told(groups: Any) -> None:
    qubo = random_qubo(300, 0.05).with_groups(groups)
    rng = np.random.default_rng(2)
    starts = feasible_starts(qubo, rng.integers(0, 2, (3, 300)))
    layout = Layout.choose(qubo)
    batch = start_batch(layout.build(qubo), layout, batch_size(layout), rng, start=starts)
    states, energies = batch.finish()
    np.testing.assert_array_equal(states, np.resize(starts, (len(states), 300)))
    np.testing.assert_allclose(energies + qubo.offset, qubo.energies(states))
    batch.sweep(np.full(5, 1e-3, dtype=np.float32))
    batch.checkpoint()
    after, _ = batch.finish()
    assert not qubo.group_violations(after).any()
    assert (qubo.energies(after) <= qubo.energies(states)).all()


@pytest.mark.parametrize("size", [16, 300])
def test_every_other_batch_begins_at_random(size: int) -> None:
    """A start in a deep hole that no warm read leaves; the better hole is found from elsewhere."""
    # All bits alike is good: all ones by a little more than all zeros.
    pairs = np.triu(np.full((size, size), -2.0), 1)
    fields = np.full(size, size - 1.0) - 0.5
    qubo = Qubo.from_matrix(pairs + np.diag(fields))
    zeros, ones = np.zeros(size, dtype=np.int8), np.ones(size, dtype=np.int8)
    assert qubo.energy(ones) < qubo.energy(zeros)
    from_zeros = solve(qubo, [zeros], Budget(), reads=64, sweeps=40)
    assert qubo.energy(from_zeros.answers[0]) == qubo.energy(ones)
    assert any(not answer.any() for answer in from_zeros.answers)


def test_one_seed_one_answer_for_any_number_of_threads() -> None:
    qubo = random_qubo(120, 0.2)
    starts = np.random.default_rng(3).integers(0, 2, (5, 120))
    runs = [
        solve(qubo, starts, Budget(evaluations=3 * 10**5, threads=threads)) for threads in (1, 2)
    ]
    np.testing.assert_array_equal(runs[0].answers, runs[1].answers)
    other = solve(qubo, starts[:0], Budget(evaluations=3 * 10**5))
    assert not np.array_equal(other.answers, runs[0].answers)


@given(seed=st.integers(0, 99), rows=st.integers(0, 6), grouped=st.booleans())
@settings(deadline=None, max_examples=20)
def test_starts_are_mended_and_sorted(seed: int, rows: int, grouped: bool) -> None:
    qubo = random_qubo(12, seed=seed).with_groups(GROUPS if grouped else ())
    given = np.random.default_rng(seed).integers(0, 2, (rows, 12))
    states = feasible_starts(qubo, given)
    assert states.dtype == np.int8
    assert states.shape[1] == 12
    assert (len(states) > 0) == (rows > 0)
    assert not qubo.group_violations(states).any() or not rows
    assert len(np.unique(states, axis=0)) == len(states)
    assert (np.diff(qubo.energies(states)) >= 0).all() or not rows
    kept = {row.tobytes() for row in states}
    for row in given[qubo.group_violations(given) == 0] if rows else []:
        assert row.astype(np.int8).tobytes() in kept


def test_the_best_of_many_starts_are_used() -> None:
    qubo = random_qubo(12)
    every = (np.arange(1 << 12)[:, None] >> np.arange(12)) & 1
    states = feasible_starts(qubo, every)
    assert len(states) == MOST
    assert qubo.energies(states).max() <= np.sort(qubo.energies(every))[MOST - 1]


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ([[0, 1]], r"start 0 has shape \(2,\); give one value for each of 3 variables"),
        ([[0, 1, 1], [[0, 1, 1]]], r"start 1 has shape \(1, 3\)"),
        ([[0, 1, 2]], "start 0 has other values than 0 and 1"),
        ([[0.5, 1, 0]], "start 0 has other values than 0 and 1"),
        ([[-1, 1, 1]], "start 0 has other values than 0 and 1"),
        ([[float("nan"), 1, 1]], "start 0 has other values than 0 and 1"),
    ],
)
@pytest.mark.parametrize(
    "name", ["sa", "tabu", "path-relinking", "memetic", "tempering", "portfolio"]
)
def test_wrong_starts_are_refused(name: str, start: Any, message: str) -> None:
    solver = find("solver", name).load()()
    with pytest.raises(UsageError, match=message):
        solver.solve(
            Qubo.from_arrays([1.0, -1.0, 0.0]), Budget(evaluations=10), 0, Progress(), start=start
        )


def test_starts_of_models_with_nothing_to_choose() -> None:
    empty = solve(Qubo.from_arrays([], offset=2.0), [[]], Budget())
    assert np.asarray(empty.answers).shape == (1, 0)
    frozen = Qubo.from_arrays([1.0, -1.0, 2.0], groups=[Group((0, 2), 2), Group((1,), 0)])
    outcome = solve(frozen, [[0, 1, 0]], Budget())
    assert outcome.answers[0].tolist() == [1, 0, 1]
