"""Simulated annealing as a solver: right answers, honest budgets, one seed one answer."""

import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
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
from qopt.solvers.annealing import SimulatedAnnealing


def anneal(
    qubo: Qubo, budget: Budget | None = None, seed: int = 0, **options: Any
) -> tuple[Outcome, Progress]:
    progress = Progress()
    solver = SimulatedAnnealing(**options)
    return solver.solve(qubo, budget or Budget(), seed, progress), progress


def check_outcome(qubo: Qubo, outcome: Outcome, progress: Progress) -> None:
    check_search(qubo, outcome, progress)
    assert outcome.counts is not None


@given(qubo=small_qubos(10))
@settings(deadline=None, max_examples=40)
def test_finds_the_optimum_of_small_models(qubo: Qubo) -> None:
    outcome, progress = anneal(qubo, Budget(evaluations=100_000))
    check_outcome(qubo, outcome, progress)
    assert qubo.energy(outcome.answers[0]) == pytest.approx(best_energy(qubo), abs=1e-9)
    assert outcome.usage.evaluations <= 100_000


def test_huge_and_tiny_coefficients_together() -> None:
    qubo = huge_and_tiny()
    outcome, _ = anneal(qubo)
    assert qubo.energy(outcome.answers[0]) == best_energy(qubo)


EDGES = [
    2.0**24 - 1.0, 2.0**24, 2.0**24 + 1.0, 2.0**53 - 1.0, 2.0**53, 1e10, 1e-10, 1e300, 1e-300,
    5e-324, 2.0**-1074 * 3, 1.0, 1.0 / 3.0,
]


@given(
    picks=st.lists(st.sampled_from(EDGES), min_size=1, max_size=3),
    seed=st.integers(0, 999),
    n=st.integers(1, 8),
)
@settings(deadline=None, max_examples=40)
def test_coefficients_at_the_edges_of_the_arithmetic(
    picks: list[float], seed: int, n: int
) -> None:
    """The optimum up to what energies in double precision can tell apart."""
    rng = np.random.default_rng(seed)
    matrix = np.triu(rng.choice([*picks, 0.0], (n, n)) * rng.choice([-1, 1], (n, n)))
    for groups in ((), [Group(tuple(range(min(n, 3))), 1)]):
        qubo = Qubo.from_matrix(matrix, groups=groups)
        outcome, _ = anneal(qubo, Budget(evaluations=50_000))
        best = best_energy(qubo)
        assert not qubo.group_violations(outcome.answers).any()
        resolution = 4e-16 * np.abs(matrix).sum()
        assert qubo.energy(outcome.answers[0]) - best <= resolution


def test_small_coefficients_count_beside_large_ones() -> None:
    # Both pairs are settled by 1e10; each remaining bit by its own 1 or 1e-10.
    for small in (1.0, 1e-5):
        qubo = Qubo.from_arrays(
            [1e10, 1e10, small, -small, -small], [0, 2, 3], [1, 3, 4], [-3e10, small, small / 2]
        )
        outcome, _ = anneal(qubo)
        assert outcome.answers[0].tolist() == [1, 1, 0, 1, 1]


def test_penalised_model_is_taken_too() -> None:
    qubo = random_qubo(3, 12).with_groups([Group((0, 1, 2, 3), 1), Group((4, 5, 6), 2)])
    outcome, _ = anneal(qubo.penalised())
    assert qubo.energy(outcome.answers[0]) == best_energy(qubo)


def test_permutations_need_exchanges() -> None:
    qubo, best = assignment()
    for seed in range(3):
        outcome, _ = anneal(qubo, Budget(evaluations=300_000), seed=seed)
        assert qubo.energy(outcome.answers[0]) == best


@pytest.mark.parametrize("density", [0.05, 1.0])
@pytest.mark.parametrize("grouped", [False, True])
def test_one_seed_one_answer_for_any_number_of_threads(density: float, grouped: bool) -> None:
    qubo = random_qubo(0, 300, density)
    if grouped:
        qubo = qubo.with_groups([Group(tuple(range(100)), 30), Group((100, 101, 102), 1)])
    runs = []
    for threads in (1, 1, 2, 3):
        outcome, progress = anneal(qubo, Budget(evaluations=10**6, threads=threads), seed=5)
        check_outcome(qubo, outcome, progress)
        runs.append(outcome)
    for other in runs[1:]:
        np.testing.assert_array_equal(other.answers, runs[0].answers)
        np.testing.assert_array_equal(other.counts, runs[0].counts)
        assert other.usage.evaluations == runs[0].usage.evaluations
    different, _ = anneal(qubo, Budget(evaluations=10**6), seed=6)
    assert not np.array_equal(different.answers, runs[0].answers)


def test_without_a_budget_the_work_is_fixed() -> None:
    qubo = random_qubo(1, 60)
    first, _ = anneal(qubo, seed=2)
    second, _ = anneal(qubo, Budget(threads=2), seed=2)
    np.testing.assert_array_equal(first.answers, second.answers)
    assert first.usage.evaluations == second.usage.evaluations > 0


@pytest.mark.parametrize("evaluations", [1, 59, 60, 1000, 10**5])
@pytest.mark.parametrize(
    "options", [{}, {"reads": 3}, {"sweeps": 20}, {"reads": 3, "sweeps": 20}]
)
def test_evaluations_are_never_exceeded(evaluations: int, options: dict[str, int]) -> None:
    for qubo in (random_qubo(1, 60), random_qubo(1, 60).with_groups([Group((0, 1, 2), 1)])):
        outcome, progress = anneal(qubo, Budget(evaluations=evaluations), **options)
        check_outcome(qubo, outcome, progress)
        assert outcome.usage.evaluations <= evaluations
        assert outcome.usage.evaluations == outcome.details["proposals"]
        if evaluations == 10**5 and len(options) < 2:
            assert outcome.usage.evaluations > 0.9 * evaluations


@pytest.mark.parametrize("grouped", [False, True])
def test_reads_and_sweeps_are_what_was_asked(grouped: bool) -> None:
    qubo = random_qubo(1, 40)
    if grouped:
        qubo = qubo.with_groups([Group(tuple(range(10)), 3)])
    outcome, _ = anneal(qubo, reads=21, sweeps=17)
    assert outcome.details["rounds"] == [{"reads": 21, "sweeps": 17}]
    assert outcome.counts is not None
    assert outcome.counts.sum() == 21
    outcome, _ = anneal(qubo, Budget(time_limit=0.05), sweeps=17)
    assert outcome.details["rounds"][0]["sweeps"] == 17
    outcome, _ = anneal(qubo, Budget(time_limit=0.1), reads=2)
    assert outcome.details["reads"] == 2


@pytest.mark.parametrize("threads", [1, 2])
def test_more_reads_than_there_is_time_for_end_at_the_clock(threads: int) -> None:
    qubo = random_qubo(1, 40)
    budget = Budget(time_limit=0.05, threads=threads)
    outcome, progress = anneal(qubo, budget, reads=10**12, sweeps=1)
    check_outcome(qubo, outcome, progress)


def test_every_read_is_its_own() -> None:
    qubo = random_qubo(1, 300, 0.1)
    for model in (qubo, qubo.with_groups([Group(tuple(range(100)), 30)])):
        outcome, _ = anneal(model, reads=40, sweeps=1)
        assert len(outcome.answers) == 40


def test_betas_are_what_was_asked() -> None:
    qubo = random_qubo(1, 40)
    outcome, _ = anneal(qubo, beta_min=0.02, beta_max=1.5, schedule="linear", reads=1, sweeps=9)
    assert outcome.details["beta_min"] == pytest.approx(0.02)
    assert outcome.details["beta_max"] == pytest.approx(1.5)
    hot, _ = anneal(qubo, beta_max=1e-9, reads=64, sweeps=9)
    assert hot.details["beta_min"] == pytest.approx(1e-9)
    automatic, _ = anneal(qubo, reads=64, sweeps=9)
    assert 0 < automatic.details["beta_min"] < automatic.details["beta_max"]


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("density", [0.1, 1.0])
def test_the_adaptive_schedule_solves_too(grouped: bool, density: float) -> None:
    qubo = random_qubo(2, 15, density)
    if grouped:
        qubo = qubo.with_groups([Group((0, 1, 2, 3, 4), 2)])
    outcome, progress = anneal(qubo, Budget(evaluations=600_000), schedule="adaptive")
    check_outcome(qubo, outcome, progress)
    assert outcome.details["schedule"] == "adaptive"
    assert qubo.energy(outcome.answers[0]) == best_energy(qubo)
    assert outcome.usage.evaluations <= 600_000
    again, _ = anneal(qubo, Budget(evaluations=600_000, threads=2), schedule="adaptive")
    np.testing.assert_array_equal(again.answers, outcome.answers)


def test_a_schedule_that_cannot_be_measured_is_told() -> None:
    outcome, _ = anneal(random_qubo(2, 15), Budget(evaluations=1000), schedule="adaptive")
    assert outcome.details["schedule"] == "geometric"


def test_reads_give_way_unless_they_are_counted() -> None:
    qubo = random_qubo(2, 200, 0.1)
    budget = Budget(evaluations=3 * 10**7)
    assert anneal(qubo, budget)[0].details["resampled"] > 0
    assert anneal(qubo, budget, resample=False)[0].details["resampled"] == 0
    assert anneal(qubo, budget, reads=32)[0].details["resampled"] == 0
    assert anneal(qubo, budget, reads=32, resample=True)[0].details["resampled"] > 0


@pytest.mark.parametrize("grouped", [False, True])
def test_no_time_gives_a_random_answer(grouped: bool) -> None:
    qubo = random_qubo(1, 40)
    if grouped:
        qubo = qubo.with_groups([Group(tuple(range(10)), 3)])
    outcome, progress = anneal(qubo, Budget(time_limit=0.0))
    check_outcome(qubo, outcome, progress)
    assert outcome.usage.evaluations == 0


def test_time_is_used_and_the_trace_tells() -> None:
    qubo = random_qubo(4, 400, 0.05)
    outcome, progress = anneal(qubo, Budget(time_limit=0.3, threads=2))
    check_outcome(qubo, outcome, progress)
    phases = outcome.usage.phases
    assert set(phases) == {"setup", "compile", "execute"}
    assert phases["execute"].wall > 0.2
    assert progress.done == pytest.approx(1.0, abs=0.1)
    assert "reads" in progress.note


@pytest.mark.parametrize("grouped", [False, True])
def test_a_stop_ends_the_run_with_what_it_has(grouped: bool) -> None:
    qubo = random_qubo(4, 400, 0.05)
    if grouped:
        qubo = qubo.with_groups([Group(tuple(range(10)), 3)])
    anneal(qubo, Budget(time_limit=0.0))  # compile first
    progress = Progress()
    timer = threading.Timer(0.1, progress.stop)
    timer.start()
    sweeps = 10**6  # half a minute
    outcome = SimulatedAnnealing(sweeps=sweeps, reads=1).solve(qubo, Budget(), 0, progress)
    timer.join()
    check_outcome(qubo, outcome, progress)
    assert 0 < outcome.usage.evaluations < sweeps * qubo.num_variables


def test_a_stop_before_the_start() -> None:
    qubo = random_qubo(4, 30)
    progress = Progress()
    progress.stop()
    outcome = SimulatedAnnealing().solve(qubo, Budget(), 0, progress)
    check_outcome(qubo, outcome, progress)
    assert outcome.usage.evaluations == 0


def test_models_with_nothing_to_choose() -> None:
    empty, progress = anneal(Qubo.from_arrays([], offset=2.0))
    assert np.asarray(empty.answers).shape == (1, 0)
    assert progress.trace.incumbents[-1][1] == 2.0
    zero = Qubo.from_arrays([0.0] * 4)
    outcome, progress = anneal(zero)
    check_outcome(zero, outcome, progress)
    assert len(outcome.answers) == 16
    one = Qubo.from_arrays([-1.0])
    assert anneal(one)[0].answers[0].tolist() == [1]
    frozen = Qubo.from_arrays([1.0, -1.0, 2.0], groups=[Group((0, 2), 2), Group((1,), 0)])
    outcome, progress = anneal(frozen)
    check_outcome(frozen, outcome, progress)
    assert outcome.answers[0].tolist() == [1, 0, 1]


def test_answers_are_capped() -> None:
    qubo = Qubo.from_arrays([0.0] * 20)
    outcome, progress = anneal(qubo, reads=4000, sweeps=1)
    check_outcome(qubo, outcome, progress)
    assert len(outcome.answers) == 1000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reads": 0}, "reads must be at least 1, got 0"),
        ({"sweeps": -3}, "sweeps must be at least 1, got -3"),
        ({"beta_min": 0.0}, "beta_min must be positive and finite, got 0.0"),
        ({"beta_max": float("inf")}, "beta_max must be positive"),
        ({"beta_min": 2.0, "beta_max": 1.0}, "beta_min must not be above beta_max"),
        ({"schedule": "cosine"}, "'geometric', 'linear' or 'adaptive', got 'cosine'"),
    ],
)
def test_bad_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        SimulatedAnnealing(**options)


def test_every_option_is_documented() -> None:
    for option in options_of(SimulatedAnnealing).values():
        assert option.help, option.name


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_importing_the_solver_does_not_import_numba() -> None:
    code = (
        "import sys, qopt.solvers.annealing as a; a.SimulatedAnnealing(); "
        "print([m for m in ('numba', 'llvmlite', 'scipy') if m in sys.modules])"
    )
    assert run_python(code) == "[]"


def test_works_without_a_place_for_the_cache() -> None:
    code = (
        "import numba.core.caching as c\n"
        "c.CacheImpl._locator_classes = []\n"
        "for name in ('CompileResultCacheImpl', 'CodeLibraryCacheImpl', '_CacheImpl'):\n"
        "    if hasattr(c, name): getattr(c, name)._locator_classes = []\n"
        "from qopt.solvers.annealing import kernels\n"
        "from qopt.solvers.annealing.kernels import sweep_lanes\n"
        "from numba.core.caching import NullCache\n"
        "assert isinstance(sweep_lanes._cache, NullCache)\n"
        "from qopt.forms import Qubo\n"
        "from qopt.solver import Budget, Progress\n"
        "from qopt.solvers.annealing import SimulatedAnnealing\n"
        "out = SimulatedAnnealing().solve(Qubo.from_arrays([-1.0, 2.0]), Budget(), 0, Progress())\n"
        "print(out.answers[0].tolist())"
    )
    assert run_python(code) == "[1, 0]"


def test_an_answer_that_stands_alone_is_met() -> None:
    """Each of six groups takes two spare bits at 0, or a pair that relieves its own high cost."""
    rng = np.random.default_rng(1)
    matrix = np.zeros((6 * 22, 6 * 22))
    groups = []
    for a in range(6):
        first = 22 * a
        own = rng.integers(1000, 1100, 20)
        matrix[np.arange(first, first + 20), np.arange(first, first + 20)] = own
        for i in range(0, 20, 2):
            matrix[first + i, first + i + 1] = -(own[i] + own[i + 1]) + 10
        groups.append(Group(tuple(range(first, first + 22)), 2))
    outcome, _ = anneal(Qubo.from_matrix(matrix, groups=groups), reads=1, sweeps=20)
    assert outcome.answers[0].reshape(6, 22)[:, 20:].all()
