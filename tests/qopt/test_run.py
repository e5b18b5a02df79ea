import json
import os
import signal
import threading
import time
from dataclasses import dataclass, replace

import numpy as np
import pytest
from toys import Pick, write_pick

import qopt
from qopt.errors import SizeError, SolverError, UnknownNameError, UnsupportedError, UsageError
from qopt.problem import Reference
from qopt.record import Record
from qopt.reduction import has_way, lower
from qopt.run import Task, attempt, collect, parse_solver
from qopt.solution import exit_code, write_answer
from qopt.solver import Budget, Status
from qopt.store import SqliteStore
from qopt.testing import check_problem
from qopt.yardstick import sampled_objective

pytestmark = pytest.mark.usefixtures("toy_registry")


@pytest.mark.parametrize("sense", ["minimise", "maximise"])
def test_the_best_answer_is_scored_in_the_problem_s_own_sense(sense):
    problem = Pick(sense=sense)
    solution = qopt.solve(problem, "brute")
    assert solution.status is Status.OPTIMAL
    assert solution.objective == problem.optimum == solution.bound
    assert solution.gap == 0.0
    assert problem.score(problem.decode_answer(solution.record.answer)).objective == problem.optimum
    assert solution.record.trace["incumbents"][0][1] == problem.optimum
    assert solution.record.samples["distinct"] == 3
    assert solution.record.details == {"seen": 7}


@pytest.mark.parametrize(("bound", "relative", "words"), [
    (2.0, 0.5, "bound 2, gap 50 %"), (-1258.0, None, "bound -1258, 1261 from it"),
    (1e-29, None, "bound 1e-29, 3 from it"), (3.0, 0.0, "bound 3, gap 0 %"),
    (None, None, "3"),
])
def test_a_gap_across_or_next_to_zero_is_told_in_the_problem_s_units(bound, relative, words):
    solution = qopt.solve(Pick(), "brute")
    other = replace(solution, record=replace(solution.record, bound=bound))
    assert other.gap == relative
    assert other.gap_absolute == (None if bound is None else pytest.approx(3.0 - bound))
    assert other.to_json()["gap_absolute"] == other.gap_absolute
    assert words in repr(other)
    assert ("%" in repr(other)) == (relative is not None)


def test_a_claim_of_feasibility_that_the_score_denies_is_corrected():
    solution = qopt.solve(Pick(), "liar:lie=feasible")
    assert solution.status is Status.INFEASIBLE_ANSWERS
    assert not solution.feasible
    assert "5 numbers, exactly 2 asked" in repr(solution)
    assert "but no answer keeps every constraint" in solution.record.reason


def test_a_bound_that_an_answer_beats_is_dropped():
    solution = qopt.solve(Pick(), "liar:lie=bound")
    assert solution.status is Status.FEASIBLE
    assert solution.bound is None
    assert "bound" in solution.record.reason


def test_an_incomplete_lowering_proves_nothing():
    solution = qopt.solve(Pick(complete=False), "brute")
    assert solution.status is Status.FEASIBLE
    assert solution.bound is None
    assert solution.record.trace["bounds"] == []


@pytest.mark.parametrize("sense", ["minimise", "maximise"])
def test_an_answer_of_post_processing_is_the_run_s_and_no_sample(sense):
    problem = Pick(sense=sense)
    record = qopt.solve(problem, "polishes").record
    assert record.objective == problem.optimum
    assert record.postprocessing == "polish"
    assert record.postprocessed
    # Sums of two of 1, 2, 3, 4, 5 without the best one, counted 1, 2, ... 8.
    second = problem.optimum + (1 if sense == "minimise" else -1)
    samples = record.samples
    assert (samples["best"], samples["best_total"]) == (second, 1)
    assert (samples["total"], samples["feasible_total"], samples["distinct"]) == (36, 36, 8)
    assert sampled_objective(record) == second
    made = samples["improved"]
    assert made["answer"]
    assert (made["best"], made["total"], made["feasible_total"]) == (problem.optimum, 36, 36)
    assert record.reason == (
        f"drawn; the answer was made of samples by polish; the best sample is {second:g}"
    )
    assert Record.from_json(json.loads(json.dumps(record.to_json()))) == record


@pytest.mark.parametrize("makes", ["same", "worse", "broken"])
def test_a_sample_that_post_processing_does_not_better_stays_the_answer(makes):
    solution = qopt.solve(Pick(), f"polishes:makes={makes}")
    record = solution.record
    assert record.objective == record.samples["best"] == sampled_objective(record) == 4.0
    assert record.postprocessing == "polish"
    assert not record.postprocessed
    assert record.samples["improved"]["feasible_total"] == (0 if makes == "broken" else 36)
    assert "the answer is a sample; polish made none that is better" in record.reason


def test_an_answer_that_is_better_by_rounding_alone_is_a_sample():
    problem = Pick(values=(1.0, 1.0 + 1e-13, 4.0, 5.0), k=1)
    assert not qopt.solve(problem, "polishes").record.postprocessed
    problem = Pick(values=(1.0, 1.0 + 1e-6, 4.0, 5.0), k=1)
    assert qopt.solve(problem, "polishes").record.postprocessed


def test_post_processing_may_make_the_only_feasible_answer():
    record = qopt.solve(Pick(), "polishes:draws=broken").record
    assert record.status is Status.FEASIBLE
    assert record.objective == 3.0
    assert record.samples["feasible_total"] == 0
    assert record.samples["best"] is None
    assert sampled_objective(record) is None
    assert "no sample is feasible" in record.reason
    record = qopt.solve(Pick(), "polishes:draws=broken,makes=broken").record
    assert record.status is Status.INFEASIBLE_ANSWERS
    assert not record.postprocessed


def test_a_record_from_before_post_processing_is_read():
    data = json.loads(json.dumps(qopt.solve(Pick(), "brute").record.to_json()))
    assert "improved" not in data["samples"]
    del data["insight"]
    record = Record.from_json(data)
    assert (record.postprocessing, record.postprocessed) == ("", False)
    assert sampled_objective(record) == record.objective


@pytest.mark.parametrize("lie", ["empty", "counts", "nothing"])
def test_nonsense_from_a_solver_is_its_fault(lie):
    with pytest.raises(SolverError):
        qopt.solve(Pick(), f"liar:lie={lie}")


def test_unknown_names_come_with_suggestions():
    with pytest.raises(UnknownNameError, match="did you mean 'brute'"):
        qopt.solve(Pick(), "brut")
    with pytest.raises(UnknownNameError, match="did you mean 'keep'"):
        qopt.solve(Pick(), "brute:kep=2")
    with pytest.raises(UsageError, match="whole number"):
        qopt.solve(Pick(), "brute:keep=few")
    with pytest.raises(UsageError, match="seed"):
        qopt.solve(Pick(), "brute", seed=-1)
    with pytest.raises(UsageError, match="form"):
        qopt.solve(Pick(), "brute:form=routing")


def test_size_refusals_reach_the_caller_and_become_records():
    with pytest.raises(SizeError, match="at most 1 variables, the model has 5"):
        qopt.solve(Pick(), "breaks:how=size")
    record = attempt(Task(Pick(), "breaks", {"how": "size"}))
    assert record.status is Status.UNSUPPORTED
    assert "take fewer numbers" in record.reason


def test_a_crash_becomes_a_failed_record_with_its_text():
    record = attempt(Task(Pick(), "breaks"))
    assert record.status is Status.FAILED
    assert "broke: ZeroDivisionError: a fault of the solver's own" in record.reason
    assert "Traceback" in record.error
    assert record.usage.phases["execute"].wall > 0


def test_parallel_runs_of_a_solver_that_races_are_not_called_repeatable():
    assert qopt.solve(Pick(), "cpsat", threads=1).record.deterministic
    assert not qopt.solve(Pick(), "cpsat", threads=2).record.deterministic
    assert qopt.solve(Pick(), "sa", threads=2).record.deterministic


def test_keys_tell_tasks_apart_and_nothing_else():
    base = Task(Pick(), "brute")
    assert Task(Pick(name="renamed"), "brute", {"keep": "3"}).key == base.key
    others = [
        Task(Pick(k=3), "brute"), Task(Pick(), "brute", {"keep": 4}), Task(Pick(), "brute", {}, 1),
        Task(Pick(), "brute", {}, 0, Budget(time_limit=1.0)), Task(Pick(), "waits"),
        Task(Pick(), "brute", {"form": "qubo"}),
    ]
    assert len({base.key, *(t.key for t in others)}) == 7


def test_the_way_to_a_form():
    problem = Pick()
    assert lower(problem, ["program", "qubo"])[0] == "program"
    assert lower(problem, ["routing", "qubo"])[0] == "qubo"
    assert not has_way(problem, ["routing"])
    with pytest.raises(UnsupportedError, match="routing"):
        lower(problem, ["routing"])


def test_solver_texts():
    assert parse_solver("qaoa:p=2,angles=[0.1,0.2]") == ("qaoa", {"p": "2", "angles": "[0.1,0.2]"})
    with pytest.raises(UsageError, match="name=value"):
        parse_solver("sa:fast")


def test_collect_runs_each_key_once_and_resumes(tmp_path):
    tasks = [Task(Pick(), "brute", {}, seed) for seed in (0, 1, 1)] + [Task(Pick(), "breaks")]
    with SqliteStore(tmp_path / "runs.db") as store:
        first = list(collect(tasks, store=store))
        assert [r.status for r in first] == [Status.OPTIMAL, Status.OPTIMAL, Status.FAILED]
        assert len(store) == 3
        again = {r.key: r for r in collect(tasks, store=store)}
        # What was done is as it was; what failed is tried again.
        assert again[first[0].key].started == first[0].started
        assert again[first[2].key].started > first[2].started
        assert len(store) == 3


def test_a_run_that_was_interrupted_is_no_finished_one(tmp_path):
    task = Task(Pick(), "brute")
    with SqliteStore(tmp_path / "runs.db") as store:
        store.add(replace(attempt(task), interrupted=True, started="2000"))
        (record,) = collect([task], store=store)
        assert not record.interrupted
        assert store.get(record.key).started == record.started > "2000"


@pytest.mark.parametrize(
    ("sense", "value", "proven", "words"),
    [
        ("minimise", 4.0, True, "better than the value 4 (a book) that is said to be proven"),
        ("minimise", 4.0, False, "better than the value on file, 4 (a book)"),
        ("minimise", 2.0, True, "the reference value 2 (a book) is beyond the proven bound"),
        ("maximise", 8.0, True, "better than the value 8 (a book) that is said to be proven"),
        ("maximise", 9.5, False, "the reference value 9.5 (a book) is beyond the proven bound"),
    ],
)
def test_a_reference_that_the_run_contradicts_is_told(sense, value, proven, words):
    problem = Pick(sense=sense, reference=Reference(value, "a book", proven))
    assert words in qopt.solve(problem, "brute").record.reason


def test_a_reference_that_is_reached_is_not_told():
    problem = Pick(reference=Reference(3.0, "a book", proven=True))
    assert "a book" not in qopt.solve(problem, "brute").record.reason


def test_progress_is_told_in_the_problem_s_units():
    seen = []
    qopt.solve(Pick(sense="maximise"), "brute", listener=lambda p: seen.append(p.best))
    assert seen[-1] == Pick(sense="maximise").optimum > 0


def test_ctrl_c_keeps_the_best_answer(tmp_path):
    def press():
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    threading.Thread(target=press).start()
    solution = qopt.solve(Pick(), "waits")
    assert solution.feasible
    assert "interrupted" in solution.record.reason
    assert solution.record.interrupted
    assert not solution.record.deterministic
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_ends_a_grid_and_keeps_what_is_done():
    def press():
        time.sleep(0.4)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press).start()
    tasks = [Task(Pick(), "brute"), Task(Pick(), "waits"), Task(Pick(), "brute", {"keep": 1})]
    seen = []
    with pytest.raises(KeyboardInterrupt):
        seen.extend(iter_into(seen, collect(tasks)))
    assert [r.solver for r in seen] == ["brute", "waits"]


def iter_into(seen, records):
    for record in records:
        seen.append(record)
    return []


def test_answers_are_written_in_the_formats_that_the_problem_has(tmp_path):
    solution = qopt.solve(Pick(), "brute")
    write_answer(solution, tmp_path / "a.json")
    assert (tmp_path / "a.json").read_text() == '{\n  "picked": [\n    1,\n    3\n  ]\n}\n'
    write_answer(solution, tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_text() == "0 1 0 1 0\n"
    with pytest.raises(UnsupportedError, match=r"\.json or \.txt"):
        write_answer(solution, tmp_path / "a.sol")


def test_exit_codes():
    assert exit_code(Status.OPTIMAL) == exit_code(Status.FEASIBLE) == 0
    assert exit_code(Status.PROVEN_INFEASIBLE) == 11
    assert exit_code(Status.TIME_LIMIT) == exit_code(Status.INFEASIBLE_ANSWERS) == 10


def test_a_solution_prints_short_and_makes_a_frame(tmp_path):
    solution = qopt.solve(qopt.load(write_pick(tmp_path / "a.pick")), "brute:keep=2")
    assert repr(solution).startswith("a by brute:keep=2: optimal, objective 3\n")
    frame = solution.to_frame()
    assert frame.shape[0] == 1
    assert frame.loc[0, "objective"] == 3.0
    data = solution.to_json()
    wanted = {"instance", "solver", "seed", "status", "objective", "feasible", "violations",
              "bound", "gap", "answer", "usage", "cost"}
    assert wanted <= set(data)


@pytest.mark.parametrize(("best", "words"), [
    (3.0, "best known 3 (by hand), reached"),
    (2.0, "best known 2 (by hand), 1 (50 %) worse"),
    (4.0, "best known 4 (by hand), 1 (25 %) better"),
    (-1.0, "best known -1 (by hand), 4 worse"),
])
def test_an_answer_stands_beside_what_is_known(tmp_path, best, words):
    problem = qopt.load(write_pick(tmp_path / "a.pick"))
    solution = qopt.solve(replace(problem, reference=Reference(best, "by hand")), "brute:keep=2")
    assert f"  {words}\n" in repr(solution)


def test_a_solver_is_given_by_name(tmp_path):
    with pytest.raises(UsageError, match="solver's name with its options"):
        qopt.solve(qopt.load(write_pick(tmp_path / "a.pick")), Task)


# -- facts of an answer --------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class TellingPick(Pick):
    def insight(self, answer):
        return {"picked": np.flatnonzero(answer), "mean": {"all": np.float64(3.0), "bad": np.nan}}


def test_a_problem_may_say_more_of_an_answer():
    record = qopt.solve(TellingPick(), "brute").record
    assert record.insight == {"picked": [1, 3], "mean": {"all": 3.0, "bad": None}}
    assert record.to_json()["insight"] == record.insight
    assert qopt.solve(Pick(), "brute").record.insight == {}


@dataclass(frozen=True, kw_only=True)
class RamblingPick(Pick):
    def insight(self, answer):
        return [1, 2]


@dataclass(frozen=True, kw_only=True)
class FicklePick(Pick):
    def insight(self, answer):
        return {"now": time.perf_counter_ns()}


def test_conformance_looks_at_insights():
    check_problem(TellingPick())
    with pytest.raises(AssertionError, match="insight gave list, a mapping is needed"):
        check_problem(RamblingPick())
    with pytest.raises(AssertionError, match="something else of the same answer"):
        check_problem(FicklePick())
