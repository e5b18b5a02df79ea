"""Exact enumeration against brute force."""

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.errors import SizeError, UsageError
from qopt.forms import Group, Qubo, Table
from qopt.solver import Budget, Progress, Status
from qopt.solvers import exact
from qopt.solvers.bounds_qubo import trivial_bound
from qopt.solvers.exact import Exact, count_answers


@st.composite
def grouped_qubos(draw: st.DrawFn) -> Qubo:
    """Up to nine variables in up to three groups of any size, the rest free."""
    n = draw(st.integers(0, 9))
    order = draw(st.permutations(range(n)))
    groups, start = [], 0
    for _ in range(draw(st.integers(0, 3))):
        size = draw(st.integers(0, n - start))
        groups.append(Group(tuple(order[start : start + size]), draw(st.integers(0, size))))
        start += size
    whole = draw(st.booleans())
    rng = np.random.default_rng(draw(st.integers(0, 2**20)))
    matrix = rng.integers(-2, 3, (n, n)) if whole else rng.normal(size=(n, n))
    return Qubo.from_matrix(matrix, offset=1.5, groups=groups)


def optima(model: Qubo) -> tuple[int, float, set[bytes]]:
    """Number of answers that keep the groups, the least energy, and who has it."""
    n = model.num_variables
    bits = (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.int8).reshape(2**n, n)
    bits = bits[model.group_violations(bits) == 0]
    energies = model.energies(bits)
    close = energies <= energies.min() + 1e-9
    return len(bits), float(energies.min()), {row.tobytes() for row in bits[close]}


def solve(model, budget=None, progress=None, **options):
    return Exact(**options).solve(model, budget or Budget(), 0, progress or Progress())


@settings(deadline=None, max_examples=150)
@given(grouped_qubos())
def test_every_optimum_is_found(model):
    outcome = solve(model)
    count, best, answers = optima(model)
    assert outcome.status is Status.OPTIMAL
    assert count_answers(model) == outcome.details["visited"] == outcome.usage.evaluations == count
    assert outcome.bound == pytest.approx(best, abs=1e-9)
    assert {row.tobytes() for row in outcome.answers} == answers
    assert outcome.details["optimal_answers"] == len(answers) == len(outcome.answers)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    "groups",
    [
        [],
        [Group((0, 3, 6, 9, 12), 2), Group((1, 2, 4, 5), 1)],
        [Group(tuple(range(15)), 6)],
    ],
)
def test_blocks_and_prefixes_of_any_size(monkeypatch, groups, threads):
    monkeypatch.setattr(exact, "GRAY_BITS", 3)
    monkeypatch.setattr(exact, "CHUNK", 500)
    model = Qubo.from_matrix(np.random.default_rng(2).normal(size=(15, 15)), groups=groups)
    outcome = solve(model, Budget(threads=threads))
    count, best, answers = optima(model)
    assert outcome.details["visited"] == count
    assert outcome.bound == pytest.approx(best, abs=1e-9)
    assert {row.tobytes() for row in outcome.answers} == answers


def test_threads_change_nothing(monkeypatch):
    monkeypatch.setattr(exact, "CHUNK", 1 << 13)
    model = Qubo.from_matrix(np.random.default_rng(4).integers(-1, 2, (16, 16)))
    one, many = solve(model), solve(model, Budget(threads=4))
    assert one.answers.tolist() == many.answers.tolist()
    assert one.details == many.details


def test_all_optima_are_counted_and_some_returned():
    outcome = solve(Qubo.from_arrays(np.zeros(10)), keep=7)
    assert outcome.answers.shape == (7, 10)
    assert len(np.unique(outcome.answers, axis=0)) == 7
    assert outcome.details["optimal_answers"] == 1024


def test_energies_do_not_drift():
    rng = np.random.default_rng(8)
    model = Qubo.from_matrix(rng.normal(size=(14, 14)) * 10.0 ** rng.integers(-6, 7, (14, 14)))
    outcome = solve(model)
    assert outcome.bound == model.energy(outcome.answers[0])
    assert outcome.bound == pytest.approx(optima(model)[1], rel=1e-12)


def test_only_choices_that_keep_the_groups_are_visited():
    n = 40
    model = Qubo.from_matrix(
        np.random.default_rng(1).normal(size=(n, n)),
        groups=[Group(tuple(range(4 * g, 4 * g + 4)), 1) for g in range(7)]
        + [Group(tuple(range(28, 40)), 1)],
    )
    outcome = solve(model)
    assert outcome.details["answers"] == 4**7 * 12
    assert not model.group_violations(outcome.answers).any()


def test_too_many_answers_are_refused_with_size_limit_and_remedy():
    with pytest.raises(SizeError, match=r"at most 28 bits of choice, the model has 29.*max_bits"):
        solve(Qubo.from_arrays(np.zeros(29)))
    half = Group(tuple(range(40)), 20)
    with pytest.raises(SizeError, match="the model has 38") as fault:
        solve(Qubo.from_arrays(np.zeros(40), groups=[half]))
    assert f"2**{np.log2(comb(40, 20)):.3g} answers" in str(fault.value)
    with pytest.raises(SizeError, match="the model has 6;"):
        solve(Qubo.from_arrays(np.zeros(6)), max_bits=5)
    wide = Qubo.from_arrays(np.zeros(5000), groups=[Group(tuple(range(5000)), 1)])
    with pytest.raises(SizeError, match="at most 4096 variables"):
        solve(wide)


def test_options_are_checked():
    for options in ({"max_bits": 0}, {"max_bits": 60}, {"keep": 0}):
        with pytest.raises(UsageError):
            Exact(**options)


def test_evaluations_end_it_early_with_the_trivial_bound():
    model = Qubo.from_matrix(np.random.default_rng(3).normal(size=(15, 15)))
    outcome = solve(model, Budget(evaluations=10_000))
    assert (outcome.status, outcome.bound) == (Status.FEASIBLE, trivial_bound(model))
    assert outcome.usage.evaluations == 8192
    assert "8192 of 32768" in outcome.reason
    again = solve(model, Budget(evaluations=10_000, threads=2))
    assert again.answers.tolist() == outcome.answers.tolist()


def test_a_stop_between_blocks_keeps_the_best(monkeypatch):
    monkeypatch.setattr(exact, "CHUNK", 1 << 12)
    model = Qubo.from_matrix(np.random.default_rng(3).normal(size=(16, 16)))
    progress = Progress(lambda p: p.stop() if p.done and p.done > 0.2 else None)
    outcome = solve(model, progress=progress)
    assert (outcome.status, outcome.bound) == (Status.FEASIBLE, trivial_bound(model))
    assert 0 < outcome.details["visited"] < 2**16
    assert model.energy(outcome.answers[0]) == pytest.approx(progress.trace.incumbents[-1][1])


def test_the_best_of_few_answers():
    model = Qubo.from_matrix(np.random.default_rng(3).normal(size=(9, 9)), offset=2.0)
    model = model.with_groups([Group((0, 4, 5), 1)])
    energy, bits = exact.best_of(model)
    assert energy == model.energy(bits) == pytest.approx(solve(model).bound)
    assert not model.group_violations(bits)[0]


def test_no_time_is_a_time_limit():
    outcome = solve(Qubo.from_arrays([1.0, -1.0]), Budget(time_limit=0.0))
    assert (outcome.status, len(outcome.answers)) == (Status.TIME_LIMIT, 0)


def test_more_candidates_than_are_kept_prove_no_more_than_rounding_allows():
    # Beside 1e13 the other coefficients are lost in the rounding of a running sum.
    rng = np.random.default_rng(0)
    model = Qubo.from_arrays(np.append(1e13, rng.uniform(-1.0, 0.0, 11)))
    best = float(model.linear[1:].sum())
    outcome = solve(model, keep=10)
    assert outcome.bound <= best + 1e-9
    assert outcome.status is Status.FEASIBLE
    assert "rounding leaves" in outcome.reason
    outcome = solve(model, keep=5000)
    assert outcome.status is Status.OPTIMAL
    assert outcome.bound == pytest.approx(best)


def test_whole_numbers_whose_sums_are_not_exact_are_no_exact_model():
    model = Qubo.from_arrays(np.array([2.0**53 - 1, 1.0, -1.0]))
    outcome = solve(model)
    assert outcome.status is Status.OPTIMAL
    assert outcome.bound == -1.0


def test_the_least_of_a_table_is_looked_up():
    progress = Progress()
    outcome = solve(Table([4.0, 1.0, 9.0, 1.0], penalty=9.0), progress=progress)
    assert (outcome.status, outcome.bound) == (Status.OPTIMAL, 1.0)
    assert outcome.answers.tolist() == [[1, 0], [1, 1]]
    assert outcome.details == {"answers": 3, "visited": 4, "optimal_answers": 2, "returned": 2}
    assert progress.trace.bounds[0][1] == progress.trace.incumbents[0][1] == 1.0
    assert solve(Table(np.zeros(8)), keep=3).answers.shape == (3, 3)
    assert solve(Table(np.zeros(8)), keep=3).details["optimal_answers"] == 8


def test_a_table_of_no_answer_is_a_proof():
    outcome = solve(Table([2.0, 2.0], penalty=2.0))
    assert outcome.status is Status.PROVEN_INFEASIBLE
    assert "none of 2 bit strings" in outcome.reason
