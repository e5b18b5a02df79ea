"""Runs whose QUBO is reduced exactly before the solver sees it."""

import time
from dataclasses import replace
from typing import Any

import factories as make
import numpy as np
import pytest
from command_line import one_line_error
from toys import Pick, _qubo_answers

import qopt
from qopt.comparison import Comparison
from qopt.errors import UsageError
from qopt.forms import Group, Lowering, Qubo
from qopt.forms.reduce import PRESOLVED
from qopt.rounds import solve_in_rounds
from qopt.run import Task
from qopt.solver import Budget, Outcome, Progress, Status

pytestmark = pytest.mark.usefixtures("toy_registry")


def frustrated(n: int = 6) -> Qubo:
    """A model that no rule applies to: a cut of the complete graph."""
    row, col = np.triu_indices(n, 1)
    return Qubo.from_arrays(np.full(n, 1.0 - n), row, col, np.full(len(row), 2.0))


def with_tail(n: int = 6) -> Qubo:
    """The same with a path of three hanging on it."""
    core = frustrated(n)
    return Qubo.from_arrays(
        [*core.linear, 1.0, -1.0, -1.0], [*core.row, 0, n, n + 1],
        [*core.col, n, n + 1, n + 2], [*core.value, -3.0, 2.0, 2.0],
    )


def test_the_solver_sees_what_is_left_and_the_answer_is_whole():
    plain = qopt.solve(with_tail(), "brute")
    solution = qopt.solve(with_tail(), "reduced")
    assert solution.objective == plain.objective == solution.bound
    assert len(solution.answer) == 9
    record = solution.record
    told = record.details["presolve"]
    assert (told["variables"], told["left"], sum(told["removed"].values())) == (9, 6, 3)
    assert told["removed"]["folded"] > 0
    assert record.notes[-1].startswith("presolve: 3 of 9 variables removed (")
    assert record.usage.phases["presolve"].wall > 0.0
    assert record.caveats == {}
    assert "presolve" not in plain.record.details
    assert "presolve" not in plain.record.usage.phases


def test_the_option_is_part_of_the_key_whoever_sets_it():
    def key(*args: Any, **options: Any) -> str:
        return Task(qopt.loading.as_problem(with_tail()), *args, options).key

    assert key("reduced") == key("reduced", presolve=True) == key("reduced", presolve="true")
    assert key("reduced") != key("reduced", presolve=False)
    assert key("brute") == key("brute", presolve="no") != key("brute", presolve="yes")
    assert qopt.solve(with_tail(), "brute:presolve=yes").record.details["presolve"]["left"] == 6
    assert "presolve" not in qopt.solve(with_tail(), "reduced:presolve=false").record.details


def test_a_model_that_nothing_can_be_removed_from_is_left_as_it_is():
    record = qopt.solve(frustrated(), "reduced").record
    assert record.details["presolve"] == {"variables": 6, "left": 6, "removed": {}}
    assert not any("presolve" in note for note in record.notes)


@pytest.mark.parametrize("value", ["maybe", 3])
def test_the_option_is_true_or_false(value):
    with pytest.raises(UsageError, match="'presolve' of solver 'reduced' must be true or false"):
        qopt.solve(frustrated(), "reduced", presolve=value)


def test_it_is_refused_where_it_cannot_act():
    with pytest.raises(UsageError, match="'miqp' takes program, and presolve reduces QUBOs"):
        Task(Pick(), "miqp", {"presolve": True})
    assert Task(Pick(), "miqp", {"presolve": False}).presolves is False
    labs = qopt.load("tiny-n6-k3")
    with pytest.raises(UsageError, match="is given tiny-n6-k3 as a routing: leave presolve=true"):
        qopt.solve(labs, "random", presolve=True)


@pytest.mark.parametrize(("name", "reason"), [
    ("sa", "so sa did not run"), ("qaoa", "so no circuit ran"), ("random", "so random did not"),
])
def test_where_nothing_is_left_the_answer_is_proven_and_no_solver_is_credited(name, reason):
    path = Qubo.from_arrays([1.0, -1.0, 0.5], [0, 1], [1, 2], [-3.0, 2.0])
    best = path.energies(_qubo_answers(path)[0])[0]
    record = qopt.solve(path, name).record
    assert (record.status, record.objective, record.bound) == (Status.OPTIMAL, best, best)
    assert reason in record.reason
    assert record.caveats == {
        PRESOLVED: "presolve decided all 3 variables before the solver ran"
    }
    assert (record.usage.circuits, record.usage.shots, record.usage.qubits) == (0, 0, 0)
    assert record.samples["total"] == 1


def test_the_groups_of_a_model_are_kept():
    rng = np.random.default_rng(3)
    model = Qubo.from_arrays(
        rng.integers(-3, 4, 12).astype(float), *np.triu_indices(12, 1),
        rng.integers(-2, 3, 66).astype(float),
        groups=[Group(tuple(range(5)), 2), Group((5, 6, 7, 8), 1)],
    )
    plain, solution = qopt.solve(model, "brute"), qopt.solve(model, "reduced")
    assert solution.feasible
    assert solution.objective == plain.objective
    assert solution.record.details["presolve"]["left"] < 12


def test_samples_are_those_of_the_whole_instance():
    record = qopt.solve(with_tail(), "random:samples=50", seed=1).record
    assert record.samples["total"] == record.samples["feasible_total"] == 50
    assert record.samples["best"] == record.objective


def test_the_seconds_are_taken_off_the_time_limit(monkeypatch):
    budgets = []

    def slow(model: Qubo, **more: Any) -> Lowering[Qubo]:
        time.sleep(0.2)
        return Lowering(model, decode=lambda bits: bits)

    class Watched:
        def solve(self, model: Any, budget: Budget, seed: int, progress: Progress) -> Outcome:
            budgets.append(budget)
            return Outcome(Status.FEASIBLE, _qubo_answers(model)[:1])

    monkeypatch.setattr("qopt.run.reduce_qubo", slow)
    monkeypatch.setattr("toys.Brute", Watched)
    qopt.solve(frustrated(), "reduced", time_limit=10.0)
    assert 1.0 < budgets[0].time_limit < 9.81


def test_a_budget_of_nothing_leaves_the_model_alone():
    record = qopt.solve(with_tail(), "sa", time_limit=0.0).record
    assert "presolve" not in record.details
    assert any(note.startswith("presolve: left out") for note in record.notes)


@pytest.mark.parametrize("start", _qubo_answers(with_tail())[:40:4].tolist())
def test_a_start_is_never_lost(start):
    model = with_tail()
    solution = qopt.solve(model, "reduced-continues:forgets=true", start=start)
    assert solution.objective <= model.energy(start)


def test_a_start_that_the_reduced_model_spoils_is_still_the_answer():
    twins = Qubo.from_arrays(
        [*frustrated(5).linear, 0.0, 0.0],
        [*frustrated(5).row, 0, 1, 2, 0, 1, 2], [*frustrated(5).col, 5, 5, 5, 6, 6, 6],
        [*frustrated(5).value, 4.0, -3.0, 2.0, 4.0, -3.0, 2.0],
    )
    record = qopt.solve(twins, "reduced").record
    assert record.details["presolve"]["removed"]["duplicates"] == 1
    starts = _qubo_answers(twins)[:60]
    for start in starts.tolist():
        solution = qopt.solve(twins, "reduced-continues:forgets=true", start=start)
        assert solution.objective <= twins.energy(start)


def test_models_that_are_refined_are_reduced_every_time():
    problem = Pick()
    seen = []

    def weight(step: int) -> Lowering[Qubo]:
        base = problem.lower(Qubo)
        more = weight(step + 1) if step < 2 else None
        return replace(
            base, model=base.model.penalised(10.0 * (step + 1)), relaxed=True,
            refine=None if more is None else lambda answers: more,
        )

    def solve(model: Qubo, budget: Budget, progress: Progress) -> Outcome:
        seen.append(model.num_variables)
        return Outcome(Status.FEASIBLE, _qubo_answers(model)[:3])

    def halved(model: Qubo) -> Lowering[Qubo]:
        return Lowering(
            model.with_groups([]), decode=lambda bits: bits, notes=(f"{len(seen)} seen",)
        )

    done = solve_in_rounds(
        problem, weight(0).through(halved), solve, Budget(evaluations=100), Progress()
    )
    assert seen == [5, 5, 5]
    assert "2 seen" in done.notes
    assert done.judged.score is not None
    assert done.judged.score.objective == problem.optimum


def test_findings_say_what_presolve_decided():
    told = {"caveats": {PRESOLVED: "presolve decided 9 of 12 variables before the solver ran"}}
    decided = [replace(r, details=told) for r in make.quantum([100.0] * 5)]
    records = [*make.optimal(100.0), *decided, *make.floor([130.0] * 5)]
    (instance,) = Comparison(records).instances
    flag = next(each for each in instance.flags if each.code == PRESOLVED)
    assert "5 of 5 runs: presolve decided 9 of 12 variables" in flag.text
    assert "most of it decided by presolve," in " ".join(instance.findings.sentences)


def test_no_circuit_is_credited_with_what_presolve_decided():
    nothing = {"presolve": {"variables": 12, "left": 0, "removed": {"folded": 12}}}
    proven = [
        replace(r, details=nothing, bound=90.0, status=Status.OPTIMAL)
        for r in make.quantum([90.0] * 5)
    ]
    weak = make.runs([100.0] * 5, solver="sa", role="heuristic")
    comparison = Comparison([*weak, *proven, *make.floor([130.0] * 5)])
    (instance,) = comparison.instances
    words = " ".join(instance.findings.sentences)
    assert (instance.findings.quantum, instance.findings.floor) == ("presolved", None)
    assert "the optimum (proven by presolve in this comparison)" in words
    assert "in 5 of 5 runs (by presolve alone)" in words
    assert "ran no circuit: presolve decided every variable" in words
    assert "better than the classical best" not in words
    summary = " ".join(comparison.summary)
    assert "decided by presolve on 1. No quantum advantage." in summary


def test_samplers_with_and_without_presolve_are_told_apart():
    told = {"presolve": {"variables": 12, "left": 3, "removed": {"folded": 9}}}
    reduced = [replace(r, details=told) for r in make.quantum([100.0] * 5)]
    whole, alike = make.floor([130.0] * 5), [
        replace(r, details=told) for r in make.floor([130.0] * 5)
    ]

    def codes(floor: list[Any]) -> list[str]:
        (instance,) = Comparison([*make.optimal(100.0), *reduced, *floor]).instances
        return [flag.code for flag in instance.flags]

    assert "uneven-presolve" in codes(whole)
    assert "uneven-presolve" not in codes(alike)


def test_a_sampler_is_measured_by_the_floor_that_drew_from_the_same_model():
    told = {"presolve": {"variables": 12, "left": 3, "removed": {"folded": 9}}}
    whole = [
        replace(r, options={"presolve": False}) for r in make.floor([130.0] * 5)
    ]
    reduced = [replace(r, details=told) for r in make.floor([100.0] * 5)]
    quantum = make.quantum([110.0] * 5)
    (instance,) = Comparison([*make.optimal(100.0), *reduced, *whole, *quantum]).instances
    assert instance.findings.floor == "beaten"
    (instance,) = Comparison([*make.optimal(100.0), *reduced, *quantum]).instances
    assert instance.findings.floor == "not beaten"


def test_the_command_line_takes_the_option():
    line = one_line_error("solve", "sparse-50", "--solver", "sa:presolve=maybe", code=2)
    assert "must be true or false" in line
