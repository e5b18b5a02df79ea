"""Tabu search and path relinking: right answers, honest budgets, one seed one answer."""

import json
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from qubo_searches import (
    assignment,
    best_energy,
    check_search,
    huge_and_tiny,
    random_qubo,
    small_qubos,
)

from qopt.errors import UsageError
from qopt.forms import Group, Qubo
from qopt.options import options_of
from qopt.solver import Budget, Outcome, Progress
from qopt.solvers.annealing import PathRelinking, TabuSearch
from qopt.solvers.annealing.layout import Layout
from qopt.solvers.annealing.relinking import Elite
from qopt.solvers.annealing.walks import Walk, random_state, start_walk

SOLVERS = [TabuSearch, PathRelinking]


def solve(
    solver: Any, qubo: Qubo, budget: Budget | None = None, seed: int = 0, **more: Any
) -> tuple[Outcome, Progress]:
    progress = Progress()
    return solver.solve(qubo, budget or Budget(), seed, progress, **more), progress


def check_outcome(qubo: Qubo, outcome: Outcome, progress: Progress) -> None:
    check_search(qubo, outcome, progress)
    assert outcome.counts is not None
    assert outcome.counts.sum() == outcome.details["phases"]


# -- walks --------------------------------------------------------------------------------------


def check_walk(qubo: Qubo, walk: Walk) -> None:
    """The walk's energies are those of its states, and no flip was lost."""
    scale = walk._model.scale
    assert walk.energy == pytest.approx(qubo.energy(walk.best_x) - qubo.offset, abs=1e-6)
    assert walk._value[0] / scale == pytest.approx(qubo.energy(walk.x) - qubo.offset, abs=1e-6)
    assert not qubo.group_violations(np.array([walk.x, walk.best_x])).any()


@pytest.mark.parametrize("rows", ["dense", "sparse"])
@pytest.mark.parametrize("real", [False, True])
@pytest.mark.parametrize("grouped", [False, True])
def test_walks_keep_their_books(rows: Any, real: bool, grouped: bool) -> None:
    rng = np.random.default_rng(3)
    for n, density in ((9, 1.0), (200, 0.3), (700, 0.004)):
        matrix = rng.normal(size=(n, n)) if real else rng.integers(-3, 4, (n, n))
        groups = [Group((0, 3, 4), 1), Group((1, 2, 8), 1), Group((5, 6, 7), 2)]
        qubo = Qubo.from_matrix(
            np.triu(matrix * (rng.random((n, n)) < density)), groups=groups if grouped else ()
        )
        model = Layout.choose(qubo, rows=rows).build(qubo)
        walk = start_walk(model, rng)
        walk.begin(random_state(model, rng))
        assert walk.walk(2, 3, 5000, 1 << 30) == 5000
        check_walk(qubo, walk)
        start = walk.best_x.copy()
        walk.begin(start)
        assert walk.walk(2, 3, 10**6, 50) < 10**6
        check_walk(qubo, walk)
        assert walk.energy <= qubo.energy(start) - qubo.offset + 1e-9


@pytest.mark.parametrize("rows", ["dense", "sparse"])
def test_exchanges_of_fields_near_the_end_of_single_precision_keep_their_books(rows: Any) -> None:
    rng = np.random.default_rng(4)
    linear = rng.choice([-1.0, 1.0], 40) * (2.0**23 + 2.0 * rng.integers(0, 99, 40) + 1.0)
    row, col = np.triu_indices(40, 1)
    groups = [Group(tuple(range(4 * a, 4 * a + 4)), 1 + a // 5) for a in range(10)]
    qubo = Qubo.from_arrays(linear, row, col, rng.integers(-9, 10, len(row)), groups=groups)
    model = Layout.choose(qubo, rows=rows).build(qubo)
    walk = start_walk(model, rng)
    walk.begin(random_state(model, rng))
    assert walk.walk(2, 3, 1000, 1 << 30) == 1000
    check_walk(qubo, walk)


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("density", [0.005, 0.5])
def test_a_walk_is_the_same_however_it_is_cut(grouped: bool, density: float) -> None:
    rng = np.random.default_rng(1)
    matrix = np.triu(rng.normal(size=(600, 600)) * (rng.random((600, 600)) < density))
    qubo = Qubo.from_matrix(matrix, groups=[Group(tuple(range(9)), 3)] if grouped else ())
    model = Layout.choose(qubo, rows="sparse").build(qubo)
    ends = []
    for cut in (40_000, 777):
        rng = np.random.default_rng(5)
        walk = start_walk(model, rng)
        walk.begin(random_state(model, rng))
        for begin in range(0, 40_000, cut):
            walk.walk(10, 5, min(cut, 40_000 - begin), 1 << 30)
        ends.append((walk.x.copy(), walk.best_x.copy(), walk.energy))
    np.testing.assert_array_equal(ends[0][0], ends[1][0])
    np.testing.assert_array_equal(ends[0][1], ends[1][1])
    assert ends[0][2] == ends[1][2]


@pytest.mark.parametrize("density", [0.005, 0.01, 1.0])
def test_each_step_is_the_best_that_is_not_tabu(density: float) -> None:
    qubo = random_qubo(2, 300, density)
    matrix = np.zeros((300, 300))
    matrix[qubo.row, qubo.col] = matrix[qubo.col, qubo.row] = qubo.value
    for rows in ("sparse", "dense"):
        model = Layout.choose(qubo, rows=rows).build(qubo)  # type: ignore[arg-type]
        rng = np.random.default_rng(0)
        walk = start_walk(model, rng)
        walk.begin(random_state(model, rng))
        moved: dict[int, int] = {}
        best = qubo.energy(walk.x)
        for step in range(300):
            before, tenure = walk.x.copy(), 7
            sign = 1 - 2 * before.astype(float)
            energies = qubo.energy(before) + sign * (qubo.linear + matrix @ before)
            allowed = [j for j in range(300) if step - moved.get(j, -99) > tenure]
            wanted = energies[allowed].min()
            if energies.min() < best:  # aspiration
                wanted = min(wanted, energies.min())
            assert walk.walk(tenure, 0, 1, 1 << 30) == 1
            (flipped,) = np.flatnonzero(walk.x != before)
            assert qubo.energy(walk.x) == wanted
            moved[int(flipped)] = step
            best = min(best, wanted)


@pytest.mark.parametrize("grouped", [False, True])
def test_relinking_moves_each_difference_once(grouped: bool) -> None:
    groups = [Group(tuple(range(20)), 6), Group((20, 21, 22), 1), Group((23, 24, 25), 1)]
    qubo = random_qubo(4, 40).with_groups(groups if grouped else ())
    model = Layout.choose(qubo).build(qubo)
    rng = np.random.default_rng(0)
    walk = start_walk(model, rng)
    for _ in range(20):
        first, second = random_state(model, rng), random_state(model, rng)
        walk.begin(first, first != second)
        walk.relink(1000)
        np.testing.assert_array_equal(walk.x, second)


# -- solvers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SOLVERS)
@given(qubo=small_qubos(9))
@settings(deadline=None, max_examples=25)
def test_finds_the_optimum_of_small_models(kind: Any, qubo: Qubo) -> None:
    outcome, progress = solve(kind(patience=100), qubo, Budget(evaluations=20_000))
    check_outcome(qubo, outcome, progress)
    assert qubo.energy(outcome.answers[0]) == pytest.approx(best_energy(qubo), abs=1e-9)
    assert outcome.usage.evaluations <= 20_000


@pytest.mark.parametrize("kind", SOLVERS)
def test_huge_and_tiny_coefficients_together(kind: Any) -> None:
    qubo = huge_and_tiny()
    outcome, _ = solve(kind(), qubo, Budget(evaluations=10_000))
    assert qubo.energy(outcome.answers[0]) == best_energy(qubo)


@pytest.mark.parametrize("kind", SOLVERS)
def test_permutations_need_exchanges(kind: Any) -> None:
    qubo, best = assignment()
    outcome, _ = solve(kind(), qubo, Budget(evaluations=30_000))
    assert qubo.energy(outcome.answers[0]) == best


@pytest.mark.parametrize("kind", SOLVERS)
@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("threads", [1, 3])
def test_one_seed_one_answer(kind: Any, grouped: bool, threads: int) -> None:
    qubo = random_qubo(0, 150, 0.5)
    if grouped:
        qubo = qubo.with_groups([Group(tuple(range(100)), 30), Group((100, 101, 102), 1)])
    budget = Budget(evaluations=20_000, threads=threads)
    runs = []
    for _ in range(2):
        outcome, progress = solve(kind(patience=500), qubo, budget, 5)
        check_outcome(qubo, outcome, progress)
        assert outcome.usage.evaluations == 20_000
        runs.append(outcome)
    np.testing.assert_array_equal(runs[0].answers, runs[1].answers)
    np.testing.assert_array_equal(runs[0].counts, runs[1].counts)
    few = Budget(evaluations=3 * threads, threads=threads)
    first, second = (solve(kind(), qubo, few, seed)[0] for seed in (5, 6))
    assert not np.array_equal(first.answers, second.answers)


@pytest.mark.parametrize("kind", SOLVERS)
def test_without_a_budget_the_work_is_fixed(kind: Any) -> None:
    qubo = random_qubo(1, 20)
    first, _ = solve(kind(), qubo, seed=2)
    second, _ = solve(kind(), qubo, seed=2)
    np.testing.assert_array_equal(first.answers, second.answers)
    assert first.usage.evaluations == second.usage.evaluations > 0


@pytest.mark.parametrize("kind", SOLVERS)
def test_a_start_is_never_made_worse(kind: Any) -> None:
    qubo = random_qubo(1, 60).with_groups([Group(tuple(range(10)), 3)])
    good, _ = solve(kind(), qubo, Budget(evaluations=50_000))
    broken = np.ones(60, dtype=np.int8)
    for budget in (Budget(evaluations=1), Budget(time_limit=0.0), Budget(evaluations=2, threads=2)):
        outcome, progress = solve(kind(), qubo, budget, start=[good.answers[0], broken])
        check_outcome(qubo, outcome, progress)
        np.testing.assert_array_equal(outcome.answers[0], good.answers[0])


@pytest.mark.parametrize("kind", SOLVERS)
@pytest.mark.parametrize("grouped", [False, True])
def test_no_time_and_a_stop_before_the_start_give_a_random_answer(kind: Any, grouped: bool) -> None:
    qubo = random_qubo(1, 40).with_groups([Group(tuple(range(10)), 3)] if grouped else ())
    outcome, progress = solve(kind(), qubo, Budget(time_limit=0.0))
    check_outcome(qubo, outcome, progress)
    assert outcome.usage.evaluations == 0
    stopped = Progress()
    stopped.stop()
    outcome = kind().solve(qubo, Budget(), 0, stopped)
    check_outcome(qubo, outcome, stopped)
    assert outcome.usage.evaluations == 0


@pytest.mark.parametrize("kind", SOLVERS)
def test_a_stop_ends_the_run_with_what_it_has(kind: Any) -> None:
    qubo = random_qubo(4, 400, 0.05)
    solve(kind(), qubo, Budget(time_limit=0.0))  # compile first
    progress = Progress()
    timer = threading.Timer(0.1, progress.stop)
    timer.start()
    outcome = kind().solve(qubo, Budget(evaluations=10**9), 0, progress)
    timer.join()
    check_outcome(qubo, outcome, progress)
    assert 0 < outcome.usage.evaluations < 10**9


@pytest.mark.parametrize("kind", SOLVERS)
def test_time_is_used_in_every_thread(kind: Any) -> None:
    qubo = random_qubo(4, 400, 0.05)
    outcome, progress = solve(kind(), qubo, Budget(time_limit=0.2, threads=2))
    check_outcome(qubo, outcome, progress)
    assert set(outcome.usage.phases) == {"setup", "compile", "execute"}
    assert outcome.usage.phases["execute"].wall > 0.1
    assert "phases" in progress.note


@pytest.mark.parametrize("kind", SOLVERS)
def test_models_with_nothing_to_choose(kind: Any) -> None:
    empty, progress = solve(kind(), Qubo.from_arrays([], offset=2.0))
    assert np.asarray(empty.answers).shape == (1, 0)
    assert progress.trace.incumbents[-1][1] == 2.0
    zero = Qubo.from_arrays([0.0] * 4)
    outcome, progress = solve(kind(), zero, Budget(evaluations=5000))
    check_outcome(zero, outcome, progress)
    assert solve(kind(), Qubo.from_arrays([-1.0]))[0].answers[0].tolist() == [1]
    frozen = Qubo.from_arrays([1.0, -1.0, 2.0], groups=[Group((0, 2), 2), Group((1,), 0)])
    outcome, progress = solve(kind(), frozen)
    check_outcome(frozen, outcome, progress)
    assert outcome.answers[0].tolist() == [1, 0, 1]
    single = Qubo.from_arrays([1.0, -1.0, 2.0], groups=[Group((1,), 1)])
    assert solve(kind(), single)[0].answers[0].tolist() == [0, 1, 0]


def test_the_elite_set_keeps_what_is_good_and_apart() -> None:
    rng = np.random.default_rng(0)
    elite = Elite(2, 300)
    states = np.array([[0] * 300, [1] * 300, [0] * 298 + [1] * 2, [0, 1] * 150], dtype=np.int8)
    assert elite.add(states[0], -5.0)
    assert not elite.full
    assert not elite.add(states[2], -4.0)  # near a better one
    assert elite.add(states[1], -3.0)
    assert elite.full
    assert not elite.add(states[3], -2.0)  # worse than the worst
    assert elite.add(states[2], -6.0)  # takes the place of the one that it is near
    pair = elite.next_pair(rng)
    assert pair is not None
    assert {int(state.sum()) for state in pair} == {2, 300}
    assert elite.next_pair(rng) is None
    elite.keep_best()
    assert not elite.full
    assert elite.add(states[0], -7.0)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (TabuSearch, {"tenure": -1}, "tenure must be at least 0, got -1"),
        (TabuSearch, {"spread": -2}, "spread must be at least 0, got -2"),
        (TabuSearch, {"tenure": 10**10}, "tenure must be at most 1000000000, got 10000000000"),
        (TabuSearch, {"patience": 0}, "patience must be at least 1, got 0"),
        (TabuSearch, {"strength": 0.0}, "strength must be above 0 and at most 1, got 0.0"),
        (PathRelinking, {"elite": 1}, "elite must be at least 2, got 1"),
        (PathRelinking, {"margin": 0.5}, "margin must be at least 0 and below 0.5, got 0.5"),
        (PathRelinking, {"tenure": -1}, "tenure must be at least 0, got -1"),
    ],
)
def test_bad_options_are_refused(kind: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        kind(**options)


@pytest.mark.parametrize("kind", SOLVERS)
def test_every_option_is_documented(kind: Any) -> None:
    for option in options_of(kind).values():
        assert option.help, option.name


def test_options_are_what_was_asked() -> None:
    qubo = random_qubo(1, 60)
    outcome, _ = solve(
        TabuSearch(tenure=3, spread=2, patience=70), qubo, Budget(evaluations=10_000)
    )
    assert outcome.details["tenure"] == [3, 5]
    assert outcome.details["patience"] == 70
    assert outcome.details["phases"] > 10


def test_importing_the_solvers_does_not_import_numba() -> None:
    code = (
        "import sys, qopt.solvers.annealing as a; a.TabuSearch(); a.PathRelinking(); "
        "print([m for m in ('numba', 'llvmlite', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["tabu", "path-relinking"])
def test_runs_from_the_command_line(name: str) -> None:
    found = []
    for solver in (f"{name}:tenure=2", "exact"):
        done = subprocess.run(
            [sys.executable, "-m", "qopt.cli.main", "solve", "grouped-12", "--solver", solver,
             "--evaluations", "5000", "--json"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        found.append(json.loads(done.stdout))
    assert found[0]["feasible"]
    assert found[0]["objective"] == found[1]["objective"]


def test_path_relinking_tells_how_many_paths_it_walked() -> None:
    qubo = random_qubo(3, 40)
    short, _ = solve(PathRelinking(), qubo, Budget(evaluations=50))
    assert short.details["paths"] == 0
    assert short.reason == "no path was walked: the answer is one of tabu search alone"
    long, _ = solve(
        PathRelinking(elite=3, patience=20), random_qubo(3, 120),
        Budget(evaluations=40_000, threads=2),
    )
    assert 0 < long.details["paths"] < long.details["phases"]
    assert long.reason == ""
