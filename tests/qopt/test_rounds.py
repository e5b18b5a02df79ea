"""Runs in rounds: a lowering that learns from the answers of its model."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import toys

from qopt.errors import SizeError
from qopt.forms import Lowering, Program, Qubo
from qopt.rounds import SHARE, solve_in_rounds
from qopt.solver import Budget, Outcome, Progress, Span, Status, Usage


@dataclass(frozen=True, kw_only=True)
class Loose(toys.Pick):
    """Exactly-k as a penalty that is too weak at first, and doubled until the best answer keeps it.

    For answers that keep it the model's objective is the problem's, so its optimum is a bound.
    """

    most: int = 10
    complete: bool = True

    def lower(self, form: Any, **options: Any) -> Lowering[Any]:
        assert form is Qubo
        return self._at(0)

    def _at(self, step: int) -> Lowering[Qubo]:
        base = super().lower(Qubo)
        weight = 0.25 * 2**step

        def refine(answers: Any) -> Lowering[Any] | None:
            if self.score(base.decode(answers[0])).feasible or step >= self.most:
                return None
            return self._at(step + 1)

        return replace(
            base, model=base.model.penalised(weight), relaxed=True, refine=refine,
            notes=(f"weight {weight:g}",),
        )


def brute(keep: int = 1, **claims: Any) -> Any:
    """Enumerates, notes its budgets, and claims what it is told to."""

    def solve(model: Qubo, budget: Budget, progress: Progress) -> Outcome:
        solve.budgets.append(budget)
        outcome = toys.Brute(keep=keep).solve(model, budget, 0, progress)
        usage = Usage(
            {"execute": Span(1.0, 2.0), "setup": Span(0.0, 0.0)}, evaluations=10, shots=100,
            circuits=1, qubits=5 + len(solve.budgets), device="d", device_seconds=0.5,
            success_probability=1.0 / len(solve.budgets),
        )
        return replace(outcome, usage=usage, **claims)

    solve.budgets = []
    return solve


def run(problem: Loose, solve: Any, budget: Budget | None = None) -> Any:
    return solve_in_rounds(
        problem, problem.lower(Qubo), solve, budget or Budget(), Progress()
    )


@pytest.mark.parametrize("sense", ["minimise", "maximise"])
def test_rounds_go_on_until_the_optimum_is_proven(sense):
    problem = Loose(sense=sense)
    done = run(problem, brute())
    assert done.status is Status.OPTIMAL
    assert done.bound == problem.score(done.judged.best).objective == problem.optimum
    count = len(done.outcome.details["models"])
    assert count > 1
    assert done.notes[-1] == f"{count} rounds, a proof ended them"
    statuses = [each["status"] for each in done.outcome.details["models"]]
    assert statuses[:-1] == ["infeasible_answers"] * (count - 1)
    # Only what the problem accepts enters the trace; bounds of the weak models do, too.
    assert [value for _, value in done.trace.incumbents] == [problem.optimum]
    bounds = [value for _, value in done.trace.bounds]
    assert bounds == sorted(bounds, reverse=sense == "maximise")
    assert len(bounds) > 1


@pytest.mark.parametrize("claims", [{}, {"bound": None}])
def test_the_optimum_of_a_relaxation_is_no_optimum(claims):
    # Feasible answers are among those that come back, but the model's own best one is not.
    done = run(Loose(values=(5.0, 1.5, 4.0, 3.0, 3.0), most=0), brute(keep=30, **claims))
    assert done.judged.score.feasible
    assert done.status is Status.FEASIBLE
    assert done.bound is None if claims else done.bound < done.judged.score.objective
    assert done.notes[-1] == "1 round, nothing was left to refine"


def test_a_round_proves_nothing_where_the_lowering_leaves_answers_out():
    done = run(Loose(complete=False), brute())
    assert done.status is Status.FEASIBLE
    assert done.bound is None
    assert done.trace.bounds == []


def test_the_ledger_is_that_of_all_rounds():
    solve = brute()
    done = run(Loose(), solve)
    count, usage = len(solve.budgets), done.outcome.usage
    assert (usage.evaluations, usage.shots, usage.circuits) == (10 * count, 100 * count, count)
    assert usage.phases["execute"] == Span(float(count), 2.0 * count)
    assert usage.qubits == 5 + count
    assert usage.device_seconds == 0.5 * count
    assert usage.success_probability == 1.0 / count
    assert {"lower", "decode"} <= set(usage.phases)


def test_rounds_share_the_budget():
    solve = brute()
    done = run(Loose(), solve, Budget(time_limit=100.0, evaluations=25))
    assert [budget.evaluations for budget in solve.budgets] == [6, 3, 1]
    assert 0.9 * SHARE * 100.0 < solve.budgets[0].time_limit <= SHARE * 100.0
    assert solve.budgets[1].time_limit < solve.budgets[0].time_limit
    assert done.notes[-1] == "3 rounds, the budget ended them"
    assert done.status is Status.INFEASIBLE_ANSWERS
    assert done.bound < Loose().optimum


def test_a_model_that_is_not_refined_gets_all_of_the_budget():
    problem, solve, budget = toys.Pick(), brute(), Budget(time_limit=3.0, evaluations=7)
    lowering = problem.lower(Qubo)
    done = solve_in_rounds(problem, lowering, solve, budget, Progress())
    assert solve.budgets == [budget]
    assert done.notes == lowering.notes
    assert "models" not in done.outcome.details


def test_the_last_model_gets_what_the_others_left():
    problem, solve = Loose(most=1), brute()
    done = run(problem, solve, Budget(evaluations=100))
    assert [budget.evaluations for budget in solve.budgets] == [25, 22]    # of 25, 10 were used
    solve = brute()
    done = run(problem, solve, Budget(evaluations=48))
    assert [budget.evaluations for budget in solve.budgets] == [12, 9, 28]
    assert done.notes[-1] == "3 rounds, nothing was left to refine"


def test_the_best_answer_of_all_rounds_is_kept():
    problem = Loose()
    worse = np.array([[1, 0, 1, 0, 0]], dtype=np.int8)
    better = np.array([[0, 1, 0, 1, 0]], dtype=np.int8)
    broken = np.array([[1, 1, 1, 1, 1]], dtype=np.int8)
    queue = [(broken, 0.5), (better, None), (worse, None)]

    def solve(model: Qubo, budget: Budget, progress: Progress) -> Outcome:
        answers, bound = queue.pop(0)
        return Outcome(Status.FEASIBLE, answers, bound=bound)

    lowering = problem.lower(Qubo)
    end = replace(lowering, refine=None)
    middle = replace(lowering, refine=lambda answers: end)
    first = replace(lowering, refine=lambda answers: middle)
    done = solve_in_rounds(problem, first, solve, Budget(), Progress())
    assert problem.score(done.judged.best).objective == problem.optimum
    assert (done.status, done.bound) == (Status.FEASIBLE, 0.5)
    assert done.notes[-1].endswith("the answer and the samples are those of round 2")
    assert done.outcome.details["best_model"] == 2
    assert [value for _, value in done.trace.incumbents] == [3.0]


def test_a_bound_that_a_later_round_beats_is_dropped():
    problem = Loose()
    queue = [([1, 0, 1, 0, 0], 8.0), ([0, 1, 0, 1, 0], None)]

    def solve(model: Qubo, budget: Budget, progress: Progress) -> Outcome:
        answer, bound = queue.pop(0)
        return Outcome(Status.FEASIBLE, np.array([answer], dtype=np.int8), bound=bound)

    lowering = problem.lower(Qubo)
    first = replace(lowering, refine=lambda answers: replace(lowering, refine=None))
    done = solve_in_rounds(problem, first, solve, Budget(), Progress())
    assert (done.status, done.bound) == (Status.FEASIBLE, None)
    assert "beaten" in done.reason


def test_a_bound_one_off_is_no_proof_whatever_the_constant():
    # The first round's answers leave the best one out; its bound is one below what they reach.
    @dataclass(frozen=True, kw_only=True)
    class Moved(Loose):
        def score(self, answer: Any) -> Any:
            score = super().score(answer)
            return replace(score, objective=score.objective + 1e12)

        def _at(self, step: int) -> Lowering[Qubo]:
            lowering = super()._at(step)
            return replace(
                lowering, model=replace(lowering.model, offset=lowering.model.offset + 1e12)
            )

    exact = brute()

    def solve(model: Qubo, budget: Budget, progress: Progress) -> Outcome:
        outcome = exact(model, budget, progress)
        return replace(outcome, status=Status.FEASIBLE, bound=outcome.bound - 1.0)

    done = run(Moved(), solve)
    assert done.judged.score.feasible
    assert done.status is Status.FEASIBLE
    assert done.bound == done.judged.score.objective - 1.0


def test_an_interrupt_ends_the_rounds_with_what_there_is():
    progress, calls = Progress(), brute()

    def solve(model: Qubo, budget: Budget, progress: Progress) -> Outcome:
        progress.stop()
        return calls(model, budget, progress)

    problem = Loose()
    done = solve_in_rounds(problem, problem.lower(Qubo), solve, Budget(), progress)
    assert done.notes[-1] == "1 round, an interrupt ended them"


def test_without_an_answer_nothing_is_learnt():
    def solve(model: Qubo, budget: Budget, progress: Progress) -> Outcome:
        return Outcome(Status.TIME_LIMIT, reason="no time")

    done = run(Loose(), solve)
    assert (done.status, done.judged.score, done.bound) == (Status.TIME_LIMIT, None, None)
    assert done.notes[-1] == "1 round, there was no answer to learn from"


def test_a_model_that_outgrows_the_solver_ends_the_rounds():
    calls = brute()

    def solve(model: Qubo, budget: Budget, progress: Progress) -> Outcome:
        if calls.budgets:
            raise SizeError("the solver", 7, 6)
        return calls(model, budget, progress)

    done = run(Loose(), solve)
    assert done.notes[-1].startswith("1 round, the next model was refused: the solver takes at mo")
    with pytest.raises(SizeError):
        run(Loose(), solve, Budget())


def test_who_waited_for_the_stop_of_one_model_is_let_go():
    heard = []
    progress = Progress()
    progress.on_stop(lambda: heard.append("old"))
    progress.incumbent(3.0)
    progress.renew(lambda value: -value)
    progress.on_stop(lambda: heard.append("new"))
    progress.incumbent(2.0)
    progress.stop()
    assert heard == ["new"]
    assert progress.best == -2.0
    assert len(progress.trace.incumbents) == 1


def test_incumbents_of_a_relaxed_model_are_not_told_as_the_best():
    progress = Progress()
    progress.renew(float, relaxed=True)
    progress.incumbent(3.0)
    progress.bound(2.0)
    assert progress.best is None
    assert progress.best_bound == 2.0
    progress.renew(float)
    progress.incumbent(3.0)
    assert progress.best == 3.0


def test_a_refinement_goes_through_what_lowers_the_model_further():
    def at(level: int) -> Lowering[Program]:
        return Lowering(
            Program.build(linear=[1.0], lower=[0], upper=[2**level]),
            decode=lambda values: (level, float(values[0])),
            notes=(f"level {level}",),
            refine=lambda answers: at(level + 1) if answers[0][0] == 1.0 else None,
        )

    def to_qubo(model: Program) -> Lowering[Qubo]:
        width = int(model.upper[0])
        return Lowering(
            Qubo.from_arrays(np.ones(width)), decode=lambda bits: np.array([float(np.sum(bits))]),
            notes=(f"{width} bits",),
        )

    first = at(0).through(to_qubo)
    assert first.refine([[0]]) is None
    second = first.refine([[1]])
    assert (second.model.num_variables, second.notes) == (2, ("level 1", "2 bits"))
    assert second.decode([1, 1]) == (1, 2.0)
    assert second.refine([[0, 1]]).model.num_variables == 4


def test_a_further_lowering_that_refines_itself_keeps_the_way_back():
    deeper = Lowering("deeper", decode=lambda a: a + 1, scale=2.0, relaxed=True)
    deep = replace(deeper, model="deep", refine=lambda answers: deeper if answers else None)
    both = Lowering("source", decode=lambda a: -a, scale=-1.0).then(deep)
    assert both.relaxed
    assert both.refine([]) is None
    again = both.refine([1])
    assert (again.model, again.decode(3), again.scale) == ("deeper", -4, -2.0)
