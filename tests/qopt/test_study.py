import os
import signal
import threading
import time

import numpy as np
import pytest
from toys import Pick, write_pick

import qopt
from qopt import registry
from qopt.errors import InputError, MissingPackageError, UsageError
from qopt.pricing import Price, PriceList
from qopt.store import SqliteStore
from qopt.study import DEFAULT_SECONDS, DEFAULT_SOLVERS, Study

pytestmark = pytest.mark.usefixtures("toy_registry")


def test_the_grid_holds_every_seed_of_a_stochastic_solver_and_one_of_the_others():
    study = Study([Pick()], ["brute", "waits", "brute:keep=1"], seeds=range(4))
    assert [(t.label, t.seed) for t in study.tasks] == [
        ("brute", 0), *(("waits", s) for s in range(4)), ("brute:keep=1", 0)
    ]


def test_a_pair_without_a_way_is_left_out_and_said():
    study = Study([Pick()], ["brute", "routing"])
    assert len(study.tasks) == 1
    assert study.left_out == [
        "routing does not take numbers: it solves routes, and pick gives QUBOs or programs"
    ]


def test_a_solver_whose_library_is_missing_is_left_out_and_the_others_run():
    study = Study([Pick(), Pick(name="more", k=3)], ["unbuilt", "brute"], seeds=[0])
    assert [task.label for task in study.tasks] == ["brute", "brute"]
    (said,) = study.left_out
    assert said.startswith("unbuilt is left out: solver 'unbuilt' needs")
    assert said in study.run().notes
    assert study.exit_code == 0
    with pytest.raises(MissingPackageError):
        Study([Pick()], ["unbuilt"], seeds=[0])


def test_a_device_whose_library_is_missing_is_left_out_and_the_others_run(monkeypatch):
    monkeypatch.setattr(registry, "_installed", lambda module: module != "qiskit_ibm_runtime")
    lost = "qaoa:device=aer:torino,shots=100"
    study = Study([Pick()], [lost, "brute"], seeds=[0, 1])
    assert [task.label for task in study.tasks] == ["brute"]
    assert study.left_out == [
        f"{lost} is left out: device 'aer:torino' needs qiskit-ibm-runtime: pip install "
        "qiskit-ibm-runtime"
    ]
    with pytest.raises(MissingPackageError):
        Study([Pick()], [lost], seeds=[0])


def test_the_default_line_up_is_strong_on_every_form_and_ends():
    study = Study([Pick()], seeds=range(2), evaluations=50)
    assert {task.solver for task in study.tasks} == set(DEFAULT_SOLVERS) - {"pyvrp"}
    assert all(task.budget.time_limit is None for task in study.tasks)
    study = Study([Pick()], seeds=range(2))
    assert {task.budget.time_limit for task in study.tasks} == {DEFAULT_SECONDS}
    assert study.added == ["no budget was given: 10 s a run"]
    routes = Study(["tiny-n6-k3"], seeds=[0], time_limit=1.0)
    assert "pyvrp" in {task.solver for task in routes.tasks}
    assert routes.added == []


@pytest.mark.parametrize(
    ("problems", "solvers", "seeds", "message"),
    [([], ["brute"], [0], "problem"), ([Pick()], [], [0], "solver"),
     ([Pick()], ["brute"], [], "seed"),
     ([Pick(), Pick(k=3)], ["brute"], [0], "two different instances"),
     ([Pick()], ["brute"], 5, "range"), ([Pick()], ["waits"], [1.5], "whole number, got 1.5"),
     ([Pick()], ["waits"], "ab", "whole number, got 'a'"),
     ([Pick()], ["brute"], range(10**18), "at most 100000 runs"),
     ([Pick(), Pick()], ["brute", "waits"], range(30_000), "at most 100000 runs"),
     ([Pick()], ["brut"], [0], "did you mean"), ([Pick()], ["brute:x=1"], [0], "option")],
)
def test_what_cannot_be_compared_is_refused_before_anything_runs(problems, solvers, seeds, message):
    with pytest.raises(UsageError, match=message):
        Study(problems, solvers, seeds)


def test_one_crash_does_not_end_the_comparison(tmp_path):
    with SqliteStore(tmp_path / "runs.db") as store:
        comparison = qopt.compare(
            [Pick(), str(write_pick(tmp_path / "a.pick", "3 2 9"))], ["breaks", "brute"],
            seeds=range(2), store=store,
        )
        assert len(comparison.records) == len(store) == 6
    assert {str(r.status) for r in comparison.records} == {"failed", "optimal"}


def test_ctrl_c_ends_the_study_with_what_it_has():
    study = Study([Pick()], ["brute", "waits", "brute:keep=1"], seeds=[0])

    def press():
        time.sleep(0.4)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press).start()
    comparison = study.run()
    assert study.interrupted
    assert study.exit_code == 130
    assert [r.solver for r in comparison.records] == ["brute", "waits"]


def test_exit_code_tells_instances_without_an_answer():
    study = Study([Pick()], ["breaks"], seeds=[0])
    study.run()
    assert study.exit_code == 10


def test_problems_come_one_by_one_or_as_any_iterable():
    for problems in (Pick(), [Pick()], (p for p in [Pick()])):
        assert len(qopt.compare(problems, "brute", seeds=[np.int64(0)]).instances) == 1


def test_tariffs_that_cannot_be_added_are_refused_before_anything_runs():
    def price(device, currency, unit, **more):
        return Price(
            provider="us", device=device, sku=device, unit=unit, currency=currency, source="us",
            confidence="first-hand", price=1.0, charged=True, **more,
        )

    prices = PriceList((
        price("processor", "EUR", "instance hour", vcpus=2), price("torino", "USD", "shot"),
    ))
    begun = []
    study = Study([Pick()], ["brute", "qaoa:device=aer:torino"], seeds=[0])
    with pytest.raises(InputError, match="EUR and USD cannot be added"):
        study.run(prices=prices, begin=begun.append)
    assert not begun
    assert Study([Pick()], ["brute"], seeds=[0]).run(prices=prices).records


def test_compare_keeps_its_records_at_a_path(tmp_path):
    qopt.compare(Pick(), "brute", store=tmp_path / "runs.db")
    again = qopt.compare(Pick(), "brute", store=str(tmp_path / "runs.db"))
    assert again.notes == ("1 of 1 runs were in the store already",)


def test_a_hybrid_has_its_ablations_beside_it():
    study = Study([Pick()], ["parted", "parted:part=none", "brute"], seeds=range(2))
    assert {task.label for task in study.tasks} == {
        "parted", "parted:part=none", "brute", "parted:part=exact"
    }
    assert study.added == ["added as what parted is to be judged by: parted:part=exact"]
    comparison = study.run()
    assert study.added[0] in comparison.notes
    said = comparison.instances[0].findings.sentences[-1]
    assert "did not beat parted:part=exact (median run 4 against 3)" in said
    assert "undecided against parted:part=none (median run 4 against 5, rank-sum p" in said
    assert "no-ablation" not in [flag.code for flag in comparison.flags]


def test_a_hybrid_on_its_own_has_no_ablations_to_add():
    assert Study([Pick()], ["parted:part=none", "brute"], seeds=[0]).added == []
