import csv
import io
import json
import sys
from dataclasses import replace
from math import isfinite

import factories as make
import pytest

import qopt
from qopt.comparison import COLUMNS, Comparison
from qopt.errors import InputError, MissingPackageError
from qopt.pricing import price_list, read_price_list, total
from qopt.record import Record
from qopt.solver import Budget, Status


def one(records, **options):
    """The comparison of one instance, and its rows by label."""
    comparison = Comparison(records, **options)
    assert len(comparison.instances) == 1
    instance = comparison.instances[0]
    return comparison, instance, {row.label: row for row in instance.rows}


def codes(comparison):
    return [flag.code for flag in comparison.flags]


def numbers(data):
    """Every number inside nested JSON values."""
    if isinstance(data, dict):
        data = list(data.values())
    if isinstance(data, list):
        for item in data:
            yield from numbers(item)
    elif isinstance(data, int | float):
        yield data


# -- counting ---------------------------------------------------------------------------------


def test_failures_stay_in_the_denominator_and_refusals_do_not():
    records = [
        *make.runs([10.0, 12.0]),
        make.record(None, seed=2, status=Status.INFEASIBLE_ANSWERS),
        make.record(None, seed=3, status=Status.TIME_LIMIT),
        make.crashed(seed=4, solver="sa"),
        make.refused(seed=0),
    ]
    _, _, rows = one(records)
    sa = rows["sa"]
    assert (sa.runs, sa.attempted, sa.answered) == (5, 5, 2)
    assert (sa.failed, sa.without_answer, sa.unsupported) == (1, 2, 0)
    assert (sa.feasible.successes, sa.feasible.trials) == (2, 5)
    assert (sa.feasible.low, sa.feasible.high) == pytest.approx((0.0527, 0.8534), abs=1e-4)
    assert sa.best == 10.0
    assert sa.median is None                      # the median run of five found nothing
    assert "ZeroDivisionError" in " ".join(sa.reasons)
    exact = rows["exact"]
    assert (exact.runs, exact.attempted, exact.unsupported) == (1, 0, 1)
    assert exact.feasible is None
    assert exact.rank is None
    assert "at most 28 variables" in exact.reasons[0]


def test_an_infeasible_answer_s_objective_is_never_the_best():
    cheat = make.record(1.0, seed=9, status=Status.INFEASIBLE_ANSWERS)
    comparison, instance, rows = one([*make.runs([10.0, 12.0]), cheat])
    assert instance.best == rows["sa"].best == 10.0
    assert comparison.table()[0]["best"] == 10.0


def test_the_median_counts_runs_without_an_answer_as_worst():
    _, _, rows = one([*make.runs([10.0, 11.0, 12.0]), make.record(None), make.record(None)])
    assert rows["sa"].median == 12.0


def test_a_run_that_is_there_twice_counts_once():
    records = make.runs([10.0, 12.0])
    comparison, _, rows = one([*records, *records])
    assert len(comparison.records) == 2
    assert rows["sa"].runs == 2


def test_samples_are_pooled_over_runs():
    _, _, rows = one([*make.optimal(100.0), *make.quantum([100.0, 120.0, None], shots=1000)])
    row = rows["qaoa:device=aer:torino,p=2"]
    assert (row.sampled_feasible.successes, row.sampled_feasible.trials) == (120, 3000)
    assert (row.sampled_hits.successes, row.sampled_hits.trials) == (1, 3000)
    assert rows["cpsat"].sampled_feasible is None


def test_samples_that_were_not_scored_leave_the_share_open():
    cut = {**make.samples(100.0, 50_000, 100), "scored": 20_000}
    _, _, rows = one([*make.optimal(100.0), *make.floor([100.0], samples=cut)])
    assert rows["random"].sampled_feasible is None


# -- what gaps are measured to ----------------------------------------------------------------


def test_a_proven_optimum_is_the_yardstick_and_named():
    facts = make.instance(reference=make.reference(3400, "a paper"))
    _, instance, rows = one([*make.optimal(3323.0, facts=facts), *make.runs([3323.0, 3400.0],
                                                                            facts=facts)])
    assert instance.yardstick.kind == "optimum"
    assert instance.yardstick.source == "proven by cpsat in this comparison"
    assert rows["sa"].best_gap.relative == 0.0
    assert rows["sa"].median_gap.absolute == pytest.approx(38.5)
    assert (rows["sa"].hits.successes, rows["sa"].hits.trials) == (1, 2)


def test_one_solver_s_bound_proves_another_s_answer():
    records = [*make.runs([100.0, 104.0]), make.record(110.0, solver="milp", role="exact",
                                                       bound=100.0)]
    _, instance, rows = one(records)
    assert instance.yardstick.kind == "optimum"
    assert instance.yardstick.source == "proven by milp in this comparison"
    assert rows["milp"].best_gap.relative == pytest.approx(0.1)


def test_a_known_value_comes_before_an_open_bound():
    facts = make.instance(reference=make.reference(100, "TSPLIB"))
    records = [make.record(101.0, facts=facts),
               make.record(103.0, facts=facts, solver="milp", role="exact", bound=80.0)]
    _, instance, rows = one(records)
    assert instance.yardstick.kind == "best known"
    assert instance.yardstick.source == "TSPLIB"
    assert instance.bound.value == 80.0
    assert rows["sa"].best_gap.relative == pytest.approx(0.01)
    assert "milp proves the lower bound 80" in " ".join(instance.findings.sentences)


def test_an_open_bound_is_a_yardstick_that_nobody_hits():
    _, instance, rows = one([make.record(100.0, solver="milp", role="exact", bound=80.0)])
    assert instance.yardstick.kind == "bound"
    assert "lower bound by milp" in instance.yardstick.source
    assert rows["milp"].best_gap.relative == pytest.approx(0.25)
    assert rows["milp"].hits is None
    assert rows["milp"].tts is None


def test_without_any_reference_there_are_no_gaps():
    comparison, instance, rows = one(make.runs([10.0, 12.0]))
    assert instance.yardstick is None
    assert rows["sa"].best_gap is None
    assert rows["sa"].hits is None
    assert "nothing to measure it against" in instance.findings.sentences[0]
    assert comparison.table()[0]["best_gap"] is None


def test_a_best_known_value_may_be_improved():
    facts = make.instance(reference=make.reference(100, "TSPLIB"))
    _, instance, rows = one([make.record(98.0, facts=facts)])
    assert rows["sa"].best_gap.relative == pytest.approx(-0.02)
    assert rows["sa"].hits.successes == 1
    assert "better by 2 % than the best known value 100" in instance.findings.sentences[0]
    assert instance.measured.faults == ()


def test_maximising_turns_everything_round():
    facts = make.instance("cut", kind="maxcut", sense="maximise")
    records = [
        make.record(95.0, facts=facts, seed=0), make.record(100.0, facts=facts, seed=1),
        make.record(90.0, facts=facts, seed=2),
        make.record(97.0, facts=facts, solver="milp", role="exact", bound=110.0),
        make.record(96.0, facts=facts, solver="cpsat", role="exact", bound=120.0),
    ]
    _, instance, rows = one(records)
    assert instance.best == 100.0
    assert instance.bound.value == 110.0
    assert instance.bound.solver == "milp"
    assert rows["sa"].best == 100.0
    assert rows["sa"].best_gap.relative == pytest.approx(1 / 11)
    assert rows["sa"].best_gap.absolute == 10.0
    assert [row.label for row in instance.rows] == ["milp", "cpsat", "sa"]  # medians 97, 96, 95


@pytest.mark.parametrize(("sense", "tightest"), [("minimise", 90.0), ("maximise", 110.0)])
def test_a_row_shows_the_tightest_bound_that_its_solver_proved(sense, tightest):
    facts = make.instance("x", sense=sense)
    bounds = [80.0, 90.0] if sense == "minimise" else [110.0, 120.0]
    same = {"facts": facts, "solver": "milp", "role": "exact"}
    records = [make.record(100.0, bound=bound, **same) for bound in bounds]
    comparison, instance, rows = one(records)
    assert rows["milp"].bound == comparison.table()[0]["bound"] == tightest
    assert instance.bound.value == tightest


# -- claims that cannot be true ---------------------------------------------------------------


def test_a_bound_that_an_answer_beats_is_a_fault_and_not_used():
    liar = make.record(120.0, solver="milp", role="exact", bound=110.0, seed=3)
    comparison, instance, rows = one([*make.runs([100.0, 101.0]), liar])
    assert instance.bound is None
    assert instance.yardstick is None
    assert rows["sa"].best_gap is None
    fault = next(flag for flag in comparison.flags if flag.code == "fault")
    assert "bound 110 claimed by milp (seed 3) is beaten by a feasible answer of 100" in fault.text
    assert fault.text.startswith("burma14: ")


def test_a_true_bound_still_counts_beside_a_false_one():
    liar = make.record(120.0, solver="milp", role="exact", bound=110.0)
    honest = make.record(100.0, solver="cpsat", role="exact", bound=90.0)
    _, instance, _ = one([liar, honest])
    assert instance.bound.value == 90.0
    assert len(instance.measured.faults) == 1


def test_a_false_upper_bound_is_a_fault_when_maximising():
    facts = make.instance("cut", sense="maximise")
    liar = make.record(80.0, facts=facts, solver="milp", role="exact", bound=90.0)
    _, instance, _ = one([make.record(100.0, facts=facts), liar])
    assert "beaten by a feasible answer of 100" in instance.measured.faults[0]


def test_a_bound_beyond_an_answer_by_rounding_proves_it():
    _, instance, _ = one([make.record(100.0, solver="cpsat", role="exact", bound=100.0 + 1e-7)])
    assert instance.yardstick.kind == "optimum"
    assert instance.yardstick.value == 100.0


def test_a_bound_that_is_nearly_reached_proves_nothing():
    _, instance, _ = one([make.record(100.0, solver="cpsat", role="exact", bound=100.0 - 1e-5)])
    assert instance.yardstick.kind == "bound"


def test_a_proof_of_infeasibility_beside_an_answer_is_a_fault():
    wrong = make.record(None, solver="cpsat", role="exact", status=Status.PROVEN_INFEASIBLE)
    _, instance, _ = one([make.record(100.0), wrong])
    assert "claims that there is no feasible answer" in instance.measured.faults[0]


def test_an_answer_better_than_a_value_said_to_be_proven_is_a_fault():
    facts = make.instance(reference=make.reference(100, "TSPLIB", proven=True))
    _, instance, _ = one([make.record(98.0, facts=facts)])
    assert instance.yardstick is None
    assert "check the convention" in instance.measured.faults[0]


def test_a_known_value_better_than_a_bound_is_a_fault():
    facts = make.instance(reference=make.reference(90, "TSPLIB"))
    _, instance, _ = one(make.optimal(100.0, facts=facts))
    assert instance.yardstick.kind == "optimum"
    assert "better than the bound 100 proven by cpsat" in instance.measured.faults[0]


# -- objectives around zero -------------------------------------------------------------------


def test_an_objective_across_zero_has_absolute_gaps_alone():
    _, _, rows = one([*make.optimal(-0.001), *make.runs([0.002, -0.001, 0.003])])
    assert rows["sa"].best_gap.relative == 0.0
    assert rows["sa"].median_gap.relative is None
    assert rows["sa"].median_gap.absolute == pytest.approx(0.003)


def test_a_reference_of_zero_has_no_relative_gap():
    _, instance, rows = one([*make.optimal(0.0), *make.runs([0.0, 1.0, 2.0])])
    assert rows["sa"].best_gap.relative == 0.0
    assert rows["sa"].median_gap.relative is None
    assert instance.yardstick.kind == "optimum"


# -- grouping ---------------------------------------------------------------------------------


def test_instances_of_one_name_and_different_data_are_not_mixed():
    first, second = make.instance("x"), make.instance("x", sha256="ab" * 32)
    comparison = Comparison([*make.runs([10.0], facts=first), *make.runs([20.0], facts=second)])
    assert [i.best for i in comparison.instances] == [10.0, 20.0]
    names = [i.name for i in comparison.instances]
    assert len(set(names)) == 2
    assert names[1] == "x [abababab]"


def test_one_instance_under_two_names_is_one():
    first, second = make.instance("x"), make.instance("y", sha256=make.instance("x").sha256)
    comparison = Comparison([*make.runs([10.0], facts=first), *make.runs([20.0], facts=second)])
    assert len(comparison.instances) == 1


def test_runs_under_different_budgets_stay_apart_and_are_flagged():
    long = {"time_limit": 60.0, "evaluations": None, "threads": 1}
    comparison, _, rows = one([*make.runs([12.0]), *make.runs([10.0], budget=long)])
    assert set(rows) == {"sa [5 s]", "sa [60 s]"}
    assert "unequal-budgets" in codes(comparison)


def test_solver_versions_stay_apart():
    _, _, rows = one([*make.runs([12.0]), *make.runs([10.0], solver_version="qopt-toolkit 0.2.0")])
    assert set(rows) == {"sa [qopt-toolkit 0.1.0]", "sa [qopt-toolkit 0.2.0]"}


def test_equal_medians_share_a_rank():
    records = [
        *make.runs([10.0, 10.0, 11.0], solver="a"), *make.runs([9.0, 10.0, 12.0], solver="b"),
        *make.runs([11.0, 11.0, 11.0], solver="c"), *make.runs([None, None], solver="d"),
        make.refused(),
    ]
    _, instance, _ = one(records)
    assert [(row.label, row.rank) for row in instance.rows] == [
        ("b", 1), ("a", 1), ("c", 3), ("d", 4), ("exact", None)
    ]


# -- findings ---------------------------------------------------------------------------------


def test_no_advantage_is_said_plainly():
    _, instance, _ = one([*make.optimal(100.0), *make.quantum([110.0, 120.0])])
    assert instance.findings.quantum == "worse"
    text = " ".join(instance.findings.sentences)
    assert "did not match the classical best 100 of cpsat: best run 110, 10 % worse" in text
    assert "No quantum advantage." in text


def searching(objectives, found, **same):
    """Runs that search to their limit of 5 seconds, and have their answer after `found`."""
    used = make.usage(5.2)
    trace = {"incumbents": [[0.1, 2.0], [found + used.setup, 100.0], [4.0, 100.0 - 1e-12]],
             "bounds": []}
    return make.runs(objectives, usage=used, trace=trace, **same)


def test_a_time_to_the_best_answer_stands_beside_the_whole_time():
    late = make.record(100.0, seed=2, trace={"incumbents": [[0.3, 101.0]], "bounds": []})
    comparison, _, rows = one([
        *searching([100.0, 100.0], 0.25), make.record(None, solver="sa", seed=9),
        *make.floor([100.0, 101.0], trace={}), late,
    ])
    assert rows["sa"].to_best == pytest.approx(0.25)  # of 0.25, 0.25 and, unseen, 1
    assert rows["random"].to_best == rows["random"].wall
    table = {row["solver"]: row for row in comparison.table()}
    assert table["sa"]["to_best"] == rows["sa"].to_best
    data = comparison.to_json()["instances"][0]["rows"]
    assert {row["solver"]: row["to_best"] for row in data}["sa"] == rows["sa"].to_best
    assert late.to_best == late.wall


def test_money_to_the_best_answer_is_the_machine_s_share_of_the_time():
    (record,) = searching([100.0], 0.25)
    whole = total(record.money, "measured")
    assert whole is not None
    assert record.money_to_best == pytest.approx(whole * 0.25 / record.wall)
    data = record.to_json()
    assert (data["to_best"], data["money_to_best"]) == (record.to_best, record.money_to_best)
    assert Record.from_json(data) == record
    assert make.record(None, solver="sa").money_to_best is None
    other = {**record.money[0], "currency": "XYZ"}
    assert replace(record, money=[*record.money, other]).money_to_best is None


def test_a_search_to_the_limit_counts_by_when_it_had_its_answer():
    _, instance, _ = one([*searching([100.0] * 2, 0.25), *make.quantum([100.0] * 2)])
    text = " ".join(instance.findings.sentences)
    assert "against 0.25 s to the best answer of sa, which searched on to its limit (5." in text
    assert "No quantum advantage." in text
    quick = make.quantum([100.0] * 2, usage=make.device_usage(0.1))
    _, instance, _ = one([*searching([100.0] * 2, 0.25), *quick])
    assert "No quantum advantage in quality." in instance.findings.sentences


def test_a_quantum_solver_without_a_device_is_simulated_all_the_same():
    ours = make.quantum([100.0] * 2, solver="rqaoa", options={}, usage=make.usage(0.5))
    comparison, instance, _ = one([*make.optimal(100.0), *ours])
    assert "a median run took 0.50 s, simulated, against" in " ".join(instance.findings.sentences)
    text = next(flag.text for flag in comparison.flags if flag.code == "simulated-device")
    assert "(rqaoa by its formulas)" in text


def test_matching_the_classical_best_is_no_advantage_either():
    comparison, instance, _ = one([*make.optimal(100.0), *make.quantum([100.0, 120.0])])
    assert instance.findings.quantum == "matched"
    text = " ".join(instance.findings.sentences)
    assert "matched the classical best 100 of cpsat in 1 of 2 runs" in text
    assert "aer:torino simulated" in text
    assert "No quantum advantage." in text
    assert "No quantum advantage." in " ".join(comparison.summary)


def test_a_better_quantum_run_is_reported_with_a_warning_and_no_verdict():
    comparison, instance, _ = one([*make.runs([105.0] * 5), *make.quantum([100.0, 120.0])])
    assert instance.findings.quantum == "better"
    text = " ".join(instance.findings.sentences)
    assert "no test was made" in text
    assert "No quantum advantage" not in text
    assert "before calling it an advantage" in " ".join(comparison.summary)


def test_a_quantum_solver_without_answers_or_rivals():
    _, instance, _ = one([*make.optimal(100.0), *make.quantum([None, None])])
    assert instance.findings.quantum == "no answer"
    comparison, instance, _ = one([*make.quantum([100.0]), *make.floor([90.0])])
    assert instance.findings.quantum == "no classical"  # the floor is no rival
    assert "no-classical" in codes(comparison)
    assert Comparison(make.optimal(1.0)).instances[0].findings.quantum is None


def test_a_clear_lead_over_random_sampling_is_tested():
    _, instance, _ = one([
        *make.optimal(100.0), *make.quantum([104.0, 105.0, 106.0, 107.0, 108.0]),
        *make.floor([114.0, 115.0, 116.0, 117.0, 118.0]),
    ])
    assert instance.findings.floor == "beaten"
    assert "rank-sum p 0.0079" in " ".join(instance.findings.sentences)


def test_a_lead_within_chance_is_undecided():
    _, instance, _ = one([
        *make.optimal(100.0), *make.quantum([104.0, 115.0, 116.0]),
        *make.floor([114.0, 117.0, 118.0]),
    ])
    assert instance.findings.floor == "undecided"


def test_who_is_not_ahead_of_random_sampling_has_not_beaten_it():
    _, instance, _ = one([*make.quantum([120.0, 121.0]), *make.floor([110.0, 111.0])])
    assert instance.findings.floor == "not beaten"
    few = make.quantum([None, None, 100.0], shots=10)
    _, instance, _ = one([*few, *make.floor([110.0, 111.0])])
    assert instance.findings.floor == "not beaten"
    assert "median run without an answer against 110.5" in " ".join(instance.findings.sentences)


def test_more_samples_than_the_floor_decide_nothing():
    better = [104.0, 105.0, 106.0, 107.0, 108.0]
    worse = [114.0, 115.0, 116.0, 117.0, 118.0]
    _, instance, _ = one([*make.quantum(better, shots=4096), *make.floor(worse, total=64)])
    assert instance.findings.floor == "undecided"
    _, instance, _ = one([*make.quantum(worse, shots=64), *make.floor(better, total=4096)])
    assert instance.findings.floor == "undecided"


def test_shots_spent_on_angles_count_as_samples():
    usage = make.device_usage(shots=4096)
    records = make.quantum([104.0, 105.0, 106.0, 107.0, 108.0], shots=64, usage=usage)
    _, instance, _ = one([*records, *make.floor([114.0, 115.0, 116.0, 117.0, 118.0], total=1000)])
    assert instance.findings.floor == "undecided"


def test_hit_rates_of_samples_decide_where_every_run_finds_the_optimum():
    often = make.samples(100.0, 1000, 1000, best_total=100)
    seldom = make.samples(100.0, 1000, 1000, best_total=10)
    exact = make.optimal(100.0)
    _, instance, _ = one([*exact, *make.quantum([100.0, 100.0], shots=1000, samples=often),
                          *make.floor([100.0, 100.0], samples=seldom)])
    assert instance.findings.floor == "beaten"
    assert "10 % of its samples hit the best value, 1 %" in " ".join(instance.findings.sentences)
    _, instance, _ = one([*exact, *make.quantum([100.0, 100.0], shots=1000, samples=seldom),
                          *make.floor([100.0, 100.0], samples=often)])
    assert instance.findings.floor == "not beaten"
    usage = make.device_usage(shots=20_000)  # 19 of 20 shots went into the angles
    _, instance, _ = one([
        *exact, *make.quantum([100.0, 100.0], shots=1000, samples=often, usage=usage),
        *make.floor([100.0, 100.0], samples=seldom),
    ])
    assert instance.findings.floor == "not beaten"


def test_shots_of_one_noise_trajectory_are_one_draw():
    lucky = {**make.samples(100.0, 1000, 1000, best_total=100), "independent": 10}
    seldom = make.samples(100.0, 1000, 1000, best_total=10)
    _, instance, rows = one([
        *make.optimal(100.0), *make.quantum([100.0, 100.0], shots=1000, samples=lucky),
        *make.floor([100.0, 100.0], samples=seldom),
    ])
    assert rows["qaoa:device=aer:torino,p=2"].sampled_hits.low < 0.02
    assert instance.findings.floor == "undecided"
    assert "10 and 1 % of their samples hit the best" in " ".join(instance.findings.sentences)


# -- caveats ------------------------------------------------------------------------------------


def test_what_a_solver_says_against_its_runs_is_a_flag():
    start = {"caveats": {"warm-start": "it starts from a classical answer"}}
    runs = make.quantum([100.0, 101.0, 102.0])
    runs = [replace(runs[0], details=start), replace(runs[1], details=start), runs[2]]
    _, instance, _ = one([*make.optimal(100.0), *runs, *make.floor([105.0] * 3)])
    (flag,) = [each for each in instance.flags if each.code == "warm-start"]
    assert flag.text.endswith(", 2 of 3 runs: it starts from a classical answer.")
    assert "from its classical start" in " ".join(instance.findings.sentences)
    assert [each.code for each in one([*make.optimal(100.0), *make.quantum([100.0])])[1].flags
            if each.code == "warm-start"] == []


def test_a_choice_among_the_routes_of_a_classical_search_is_told():
    solution = qopt.solve(qopt.load("tiny-n6-k3"), "exact", presolve=False)
    assert "own answer 263 is among them" in solution.record.caveats["classical-columns"]
    runs = [replace(run, details=solution.record.details) for run in make.quantum([100.0] * 3)]
    _, instance, _ = one([*make.optimal(100.0), *runs, *make.floor([105.0] * 3)])
    assert "choosing among routes of a classical search" in " ".join(instance.findings.sentences)
    assert "classical-columns" in [each.code for each in instance.flags]


def test_caveats_of_a_wrong_shape_are_none():
    for wrong in (None, 3, ["warm-start"]):
        (run,) = make.quantum([100.0])
        assert replace(run, details={"caveats": wrong}).caveats == {}


# -- post-processing --------------------------------------------------------------------------


QUANTUM = "qaoa:device=aer:torino,p=2,postprocess=descent"
FLOOR = "random:postprocess=descent"


def test_what_post_processing_made_is_no_merit_of_the_samples():
    records = make.polished(make.quantum([110.0, 100.0, None]), [100.0, None, 100.0])
    comparison, instance, rows = one([*make.optimal(100.0), *records])
    row = rows[QUANTUM]
    assert (row.best, row.median, row.answered) == (100.0, 100.0, 3)
    assert (row.sampled_best, row.sampled_median) == (100.0, 110.0)
    assert (row.postprocessing, row.postprocessed) == ("descent", 2)
    assert (row.hits.successes, row.hits.trials) == (1, 3)
    assert (row.sampled_hits.successes, row.sampled_hits.trials) == (1, 3 * 1024)
    assert row.tts.value > 3 * row.wall  # of one hit in three runs, not of three
    assert row.sampled_feasible.successes == 120
    text = " ".join(instance.findings.sentences)
    assert f"{QUANTUM} in 3 of 3 runs (2 by post-processing)" in text
    assert f"The samples of {QUANTUM} matched the classical best 100 of cpsat in 1 of 3" in text
    assert "post-processing (descent) made 2 of 3 answers" in text
    assert "before post-processing" in " ".join(comparison.summary)
    data = json.loads(json.dumps(row.to_json()))
    assert [run["postprocessed"] for run in data["run_list"]] == [True, False, True]
    assert [run["sampled_objective"] for run in data["run_list"]] == [110.0, 100.0, None]
    flat = next(line for line in comparison.table() if line["solver"] == QUANTUM)
    assert (flat["postprocessing"], flat["postprocessed"]) == ("descent", 2)
    assert (flat["sampled_best"], flat["sampled_median"]) == (100.0, 110.0)
    bare = next(line for line in comparison.table() if line["solver"] == "cpsat")
    assert (bare["postprocessing"], bare["postprocessed"]) == (None, None)
    assert bare["sampled_best"] == bare["best"] == 100.0


@pytest.mark.parametrize(
    ("sampled", "outcome", "words"),
    [(110.0, "worse", f"The samples of {QUANTUM} did not match"),
     (None, "no answer", f"The samples of {QUANTUM} gave no feasible answer")],
)
def test_a_quantum_row_is_judged_by_its_samples(sampled, outcome, words):
    records = make.polished(make.quantum([sampled] * 5), [90.0] * 5)
    comparison, instance, _ = one([*make.runs([100.0] * 5), *records])
    assert instance.best == 90.0
    assert instance.findings.quantum == outcome
    text = " ".join(instance.findings.sentences)
    assert words in text
    assert f"Found by {QUANTUM} in 5 of 5 runs (all by post-processing)." in text
    assert "No quantum advantage." in text
    assert f"by {QUANTUM} (post-processed)" in repr(comparison)


def test_post_processing_that_made_nothing_better_is_said():
    records = make.polished(make.quantum([100.0] * 5), [None] * 5)
    comparison, instance, rows = one([*make.optimal(100.0), *records])
    assert rows[QUANTUM].postprocessed == 0
    text = " ".join(instance.findings.sentences)
    assert "made no answer that is better than the samples" in text
    assert "by post-processing" not in text
    assert "(post-processed)" not in repr(comparison)


def test_samples_meet_samples_and_answers_meet_answers_of_the_floor():
    worse, better = [114.0, 115.0, 116.0, 117.0, 118.0], [104.0, 105.0, 106.0, 107.0, 108.0]
    ends = [101.0, 101.0, 101.0, 101.0, 102.0]
    records = [
        *make.optimal(100.0), *make.polished(make.quantum(better), ends),
        *make.floor(worse), *make.polished(make.floor(worse), ends),
    ]
    comparison, instance, _ = one(records)
    assert instance.findings.floor == "beaten"  # the samples of both
    text = " ".join(instance.findings.sentences)
    assert (
        f"The samples of {QUANTUM} beat random sampling: median run 106 against 116 of random ("
        in text
    )
    assert (
        f"The answers of {QUANTUM} did not beat random sampling that is post-processed alike: "
        f"median run 101 against 101 of the answers of {FLOOR}" in text
    )
    assert "bare-floor" not in codes(comparison)


def test_answers_that_beat_the_same_post_processing_of_random_samples():
    quantum = make.polished(make.quantum([110.0] * 5), [101.0, 101.5, 102.0, 102.5, 103.0])
    floor = make.polished(make.floor([110.0] * 5), [105.0, 106.0, 107.0, 108.0, 109.0])
    _, instance, _ = one([*make.optimal(100.0), *quantum, *floor])
    assert instance.findings.floor == "not beaten"
    text = " ".join(instance.findings.sentences)
    assert f"The samples of {QUANTUM} did not beat random sampling: " in text
    assert f"median run 110 against 110 of the samples of {FLOOR} (" in text
    assert (
        f"The answers of {QUANTUM} beat random sampling that is post-processed alike: " in text
    )


def test_a_floor_without_the_post_processing_is_flagged():
    quantum = make.polished(make.quantum([110.0] * 5), [101.0] * 5)
    for floor in (make.floor([120.0] * 5),
                  make.polished(make.floor([120.0] * 5), [105.0] * 5, "repair and descent")):
        comparison, instance, _ = one([*make.optimal(100.0), *quantum, *floor])
        assert "alike" not in " ".join(instance.findings.sentences)
        assert "bare-floor" in codes(comparison)
        text = next(flag.text for flag in comparison.flags if flag.code == "bare-floor")
        assert QUANTUM in text
    comparison, _, _ = one([*make.optimal(100.0), *make.quantum([110.0]), *make.floor([120.0])])
    assert "bare-floor" not in codes(comparison)


def test_no_feasible_answer_at_all():
    proof = make.record(None, solver="cpsat", role="exact", status=Status.PROVEN_INFEASIBLE)
    comparison, instance, _ = one([*make.runs([None, None]), proof])
    assert instance.best is None
    assert instance.findings.sentences[0] == (
        "No solver found a feasible answer; cpsat proves that there is none."
    )
    second = make.record(None, solver="milp", role="exact", status=Status.PROVEN_INFEASIBLE)
    _, instance, _ = one([proof, second])
    assert "cpsat and milp prove that there is none" in instance.findings.sentences[0]
    assert "no feasible answer" in repr(comparison)


# -- flags ------------------------------------------------------------------------------------


def hybrid(part, values):
    options = {} if part == "clever" else {"part": part}
    wanted = [{"part": "exact"}, {"part": "none"}] if part == "clever" else []
    return make.runs(values, solver="hybrid", options=options, details={"ablations": wanted})


def test_a_hybrid_is_tested_against_its_ablations():
    low, high = [10.0, 11, 12, 10, 11, 12], [20.0, 21, 22, 20, 21, 22]
    records = [*hybrid("clever", low), *hybrid("exact", low), *hybrid("none", high)]
    comparison, instance, _ = one(records)
    said = instance.findings.sentences[-1]
    assert said.startswith("hybrid against the same loop with its subsolver replaced: did not beat")
    assert "beat hybrid:part=none (median run 11 against 21, rank-sum p 0.0" in said
    assert "no-ablation" not in codes(comparison)
    comparison, instance, _ = one([*hybrid("clever", low), *hybrid("none", high)])
    assert "no-ablation" in codes(comparison)
    comparison, _, _ = one([*hybrid("clever", low), *make.runs(high)])
    assert [f.text for f in comparison.flags if f.code == "no-ablation"] == [
        "The ablations of hybrid are not all in the line-up: whether its subsolver is worth "
        "anything is not shown."
    ]


def test_a_sound_comparison_of_classical_solvers_has_no_flags_but_prices():
    comparison, _, _ = one([*make.optimal(100.0), *make.runs([100.0, 101.0, 102.0, 103.0, 104.0])])
    assert set(codes(comparison)) <= {"stale-prices"}


def test_weak_comparisons_are_flagged():
    comparison, _, _ = one([*make.runs([100.0] * 3), *make.quantum([110.0] * 3)])
    assert {"no-exact", "no-floor", "few-seeds", "simulated-device"} <= set(codes(comparison))
    text = next(flag.text for flag in comparison.flags if flag.code == "few-seeds")
    assert "inconclusive" in text
    assert "(3 each)" in text


def test_a_single_run_among_many_seeds_is_a_solver_that_seeds_do_not_change():
    comparison, _, _ = one([*make.optimal(100.0, seeds=5), make.record(101.0, solver="routing")])
    assert "few-seeds" not in codes(comparison)
    comparison, _, _ = one([make.record(100.0, solver="cpsat", role="exact", bound=100.0),
                            make.record(101.0)])
    assert "few-seeds" in codes(comparison)


def test_missing_budgets_are_flagged():
    budget = {"time_limit": None, "evaluations": None, "threads": 1}
    comparison, _, _ = one(make.runs([1.0], budget=budget))
    assert "no-time-limit" in codes(comparison)
    counted = {**budget, "evaluations": 1000}
    comparison, _, _ = one(make.runs([1.0], budget=counted))
    assert "own unit" in next(f.text for f in comparison.flags if f.code == "no-time-limit")


def test_an_overrun_time_limit_is_flagged():
    # 0.95 of the wall time is search: 7.6 s of 5 s
    comparison, _, _ = one(make.runs([1.0], usage=make.usage(8.0)))
    text = next(flag.text for flag in comparison.flags if flag.code == "overrun")
    assert "sa 1.52 times the limit" in text
    comparison, _, _ = one(make.runs([1.0], usage=make.usage(5.1 / 0.95)))
    assert "overrun" not in codes(comparison)


def test_different_machines_and_missing_bills_are_flagged():
    other = {**make.ENVIRONMENT, "host": "elsewhere"}
    comparison, _, _ = one([*make.runs([1.0, 2.0]), make.record(3.0, environment=other),
                            make.crashed(solver="sa")])
    assert {"machines", "no-bill"} <= set(codes(comparison))


def test_old_prices_are_flagged_by_the_day_of_the_runs():
    def when(started):
        return codes(Comparison(make.runs([1.0], started=started)))

    assert "stale-prices" in when("2026-11-21T10:00:00+00:00")
    assert "stale-prices" not in when("2026-06-02T10:00:00+00:00")
    assert "stale-prices" not in when("")


def test_a_flag_of_all_instances_is_said_once():
    first, second = make.instance("x"), make.instance("y")
    comparison = Comparison([*make.runs([1.0], facts=first), *make.runs([1.0], facts=second)])
    assert codes(comparison).count("few-seeds") == 1
    assert "x" not in next(f.text for f in comparison.flags if f.code == "few-seeds").split(":")[0]


# -- time and money ---------------------------------------------------------------------------


def test_phases_but_setup_add_up_to_the_mean_run():
    _, _, rows = one([make.record(1.0, usage=make.usage(1.0), seed=0),
                      make.record(2.0, usage=make.usage(3.0), seed=1)])
    spans = {name: span["wall"] for name, span in rows["sa"].phases.items()}
    assert sum(spans.values()) - spans["setup"] == pytest.approx(2.0)
    assert rows["sa"].wall == pytest.approx(2.0)
    assert rows["sa"].setup == pytest.approx(0.6)  # of the run that paid most


def test_a_phase_that_only_some_runs_had_is_still_a_mean_over_all():
    _, _, rows = one([make.record(1.0, usage=make.usage(1.0)), make.crashed(solver="sa")])
    assert rows["sa"].phases["setup"]["wall"] == pytest.approx(0.1)
    assert sum(span["wall"] for span in rows["sa"].phases.values()) == pytest.approx(0.85)


def test_measured_and_estimated_money_stay_apart():
    _, _, rows = one([*make.runs([1.0, 1.0], usage=make.usage(3600.0)), *make.quantum([2.0])])
    assert rows["sa"].money.measured == pytest.approx(0.0816)
    assert rows["sa"].money.estimated is None
    quantum = rows["qaoa:device=aer:torino,p=2"].money
    assert quantum.estimated == pytest.approx(1.6 * (2 + 0.00035 * 1024))
    assert quantum.measured == pytest.approx(3.0 * 0.0816 / 3600)
    assert {item["basis"] for item in quantum.items} == {"measured", "estimated"}


def test_an_unpriced_device_has_no_money_and_a_flag():
    usage = make.device_usage(device="statevector", device_seconds=None)
    comparison, _, rows = one(make.quantum([2.0], usage=usage))
    assert rows["qaoa:device=aer:torino,p=2"].money.estimated is None
    assert "no-tariff" in codes(comparison)


def test_other_prices_change_the_bill_and_the_version(tmp_path):
    own = tmp_path / "own.toml"
    own.write_text(
        '[[price]]\nprovider = "us"\ndevice = "processor"\nsku = "rack"\nunit = "instance hour"\n'
        'price = 2.0\ncurrency = "EUR"\nsource = "us"\nconfidence = "first-hand"\n'
        "vcpus = 2\ncharged = true\n"
    )
    records = make.runs([1.0], usage=make.usage(3600.0))
    comparison, _, rows = one(records, prices=read_price_list(own))
    assert rows["sa"].money.measured == pytest.approx(2.0)
    assert rows["sa"].money.currency == "EUR"
    assert comparison.price_lists == (read_price_list(own).version,)
    with pytest.raises(InputError, match="EUR and USD"):
        Comparison([*comparison.records, *make.runs([2.0])])
    assert Comparison(records).price_lists == (price_list().version,)


def test_time_to_solution_where_nothing_hit_has_no_upper_end():
    comparison, _, rows = one([*make.optimal(100.0), *make.runs([101.0] * 10)])
    tts = rows["sa"].to_json()["tts99"]
    assert tts["value"] is None
    assert tts["high"] is None
    assert tts["low"] == pytest.approx(12.48, abs=0.01)  # runs of one second
    flat = {row["solver"]: row for row in comparison.table()}
    assert flat["sa"]["tts99_high"] is None
    assert flat["cpsat"]["tts99"] == pytest.approx(1.0)


# -- writing it down --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def demo():
    return Comparison(make.demo_records(), notes=["routing does not take etf-20"])


def test_the_csv_file_reads_back(demo, tmp_path):
    text = demo.to_csv(tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_text() == text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == sum(len(i.rows) for i in demo.instances)
    for row, flat in zip(rows, demo.table(), strict=True):
        for name, value in flat.items():
            if isinstance(value, float):
                assert float(row[name]) == value
            else:
                assert row[name] == ("" if value is None else str(value))


def test_names_with_commas_quotes_and_lines_survive_csv():
    nasty = 'a,"b"\nc'
    comparison = Comparison(make.runs([1.0], facts=make.instance(nasty), solver="s,a"))
    rows = list(csv.DictReader(io.StringIO(comparison.to_csv())))
    assert rows[0]["instance"] == nasty
    assert rows[0]["solver"] == "s,a"


def test_json_and_table_hold_finite_values_or_none(demo):
    data = json.loads(json.dumps(demo.to_json(), allow_nan=False))
    assert all(isfinite(value) for value in numbers(data))
    assert all(isfinite(value) for row in demo.table() for value in numbers(row))
    assert [i["name"] for i in data["instances"]] == [i.name for i in demo.instances]
    runs = [run for i in data["instances"] for row in i["rows"] for run in row["run_list"]]
    assert len(runs) == len(demo.records)
    assert data["notes"] == ["routing does not take etf-20"]


def test_values_that_are_not_finite_are_no_answers():
    broken = make.record(float("nan"), seed=1)
    _, instance, rows = one([make.record(5.0, seed=0, bound=float("-inf")), broken])
    assert rows["sa"].answered == 1
    assert instance.bound is None
    assert instance.best == 5.0


def test_the_frame_has_a_row_for_each_instance_and_solver(demo):
    pytest.importorskip("pandas")
    frame = demo.to_frame()
    assert tuple(frame.columns) == COLUMNS
    assert len(frame) == len(demo.table())
    assert frame.loc[frame.solver == "cpsat", "best"].tolist()[0] == 3323.0


def test_a_missing_pandas_is_one_sentence(demo, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingPackageError, match="pip install pandas"):
        demo.to_frame()


def test_the_comparison_prints_as_a_short_summary(demo):
    text = repr(demo)
    assert text.splitlines()[0] == "4 instances, 7 solvers, 104 runs."
    assert "burma14: best 3323 by cpsat" in text
    assert len(text.splitlines()) < 15


def test_nothing_to_compare_is_no_fault():
    comparison = Comparison([])
    assert comparison.instances == ()
    assert comparison.table() == []
    assert comparison.to_csv().startswith("instance,")
    assert "0 instances" in repr(comparison)


def test_budgets_of_records_are_those_of_the_core():
    """The factory's budget has the keys that runs write."""
    assert set(Budget().to_json()) == set(make.record().budget)
