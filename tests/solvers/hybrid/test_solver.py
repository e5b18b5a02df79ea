"""The decomposing hybrid: its loop, its contract with subsolvers, and its ledger."""

import threading
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from grouped_models import incumbents, kept
from hypothesis import given, settings

from qopt import registry
from qopt.errors import SizeError, UnknownNameError, UsageError
from qopt.forms import Group, Qubo
from qopt.solver import Budget, Outcome, Progress, Span, Status, Usage
from qopt.solvers.exact import Exact
from qopt.solvers.hybrid import Hybrid, search
from qopt.solvers.postprocess import descend


def cut(n=60, degree=4, seed=0, **more) -> Qubo:
    """A maximum cut with random signs."""
    rng = np.random.default_rng(seed)
    ends = rng.integers(0, n, (2, n * degree // 2))
    row, col = ends[:, ends[0] != ends[1]]
    weight = rng.choice([-1.0, 1.0], len(row))
    linear = np.zeros(n)
    for end in (row, col):
        np.subtract.at(linear, end, weight)
    return Qubo.from_arrays(linear, row, col, 2 * weight, **more)


def solve(
    model, iterations=15, seed=1, progress=None, start=(), between="descent", **options
) -> Outcome:
    solver, budget = Hybrid(between=between, **options), Budget(evaluations=iterations)
    return solver.solve(model, budget, seed, progress or Progress(), start=start)


@pytest.mark.parametrize("subsolver", ["exact", "sa", "random", "qaoa:p=1", "rqaoa"])
def test_better_answers_come_out(subsolver):
    model, progress = cut(), Progress()
    outcome = solve(model, progress=progress, subsolver=subsolver, size=8)
    details, energy = outcome.details, model.energy(outcome.answers[0])
    found = [value for _, value in progress.trace.incumbents]
    assert outcome.status is Status.FEASIBLE
    assert outcome.bound is None
    assert found[-1] == energy < details["first"]
    assert found == sorted(found, reverse=True)
    assert details["first"] - energy == details["subsolver_gain"] + details["between_gain"]
    assert details["subsolver_improvements"] > 0
    assert outcome.usage.evaluations == details["iterations"] == 15
    assert details["subsolver_calls"] == details["subsolver_feasible"] == 15
    assert details["largest_qubo"] == 8
    assert 0.0 < details["subsolver_share"] < 1.0


def test_the_energy_of_an_exact_subsolver_is_near_the_optimum():
    model = cut(22, degree=5)
    best = model.energy(Exact().solve(model, Budget(), 0, Progress()).answers[0])
    assert model.energy(solve(model, 60, size=12).answers[0]) == best


@settings(deadline=None, max_examples=25)
@given(now=incumbents())
def test_one_subproblem_that_is_the_whole_model_is_its_optimum_with_proof(now):
    model = now.qubo
    outcome = solve(model, 3, size=10)
    best = float(model.energies(kept(model)).min())
    slack = 1e-12 * (np.abs(model.linear).sum() + np.abs(model.value).sum() + 2.5)
    assert model.energy(outcome.answers[0]) <= best + slack
    assert not model.group_violations(outcome.answers[0])[0]
    if now.able.any():
        assert outcome.status is Status.OPTIMAL
        assert abs(outcome.bound - best) <= slack
        assert outcome.details["iterations"] == 1


@pytest.mark.parametrize("choose", ["auto", "impact", "graph", "groups", "random"])
def test_groups_are_kept(choose):
    groups = [Group(tuple(range(6 * g, 6 * g + 6)), 1 + g % 3) for g in range(8)]
    model = cut(60, groups=groups)
    outcome = solve(model, choose=choose, size=12, subsolver="sa:reads=4,sweeps=50")
    assert not model.group_violations(outcome.answers[0])[0]
    assert model.energy(outcome.answers[0]) < outcome.details["first"]
    assert outcome.details["choose"] == ("graph" if choose == "auto" else choose)


def test_one_seed_gives_one_answer_whatever_the_number_of_threads():
    model = cut(200)
    first, second = (solve(model, seed=5) for _ in range(2))
    assert (first.answers == second.answers).all()
    assert (first.answers != solve(model, seed=6).answers).any()
    one, two = (
        Hybrid().solve(model, Budget(evaluations=15, threads=threads), 5, Progress())
        for threads in (1, 2)
    )
    assert (one.answers == two.answers).all()


def test_the_first_answer_is_that_of_the_ablations():
    model = cut(200)
    runs = [solve(model, subsolver=name) for name in ("sa:reads=2,sweeps=9", "exact", "none")]
    assert len({run.details["first"] for run in runs}) == 1
    alone = model.energy(runs[2].answers[0])
    assert alone == runs[2].details["first"] >= model.energy(runs[1].answers[0])
    assert (descend(model, runs[2].answers) == runs[2].answers).all()
    assert "no subsolver" in runs[2].reason
    assert runs[2].details["iterations"] == 0


def test_without_a_search_between_all_is_owed_to_the_subsolver():
    outcome = solve(cut(), between="none", size=8)
    assert outcome.details["between_gain"] == outcome.details["between_improvements"] == 0
    assert outcome.details["subsolver_gain"] > 0
    assert "between them" not in outcome.reason


# -- answers to start from ------------------------------------------------------------------------


def test_a_run_that_starts_from_answers_is_never_worse_than_they_are():
    model = cut(40)
    good = solve(model, 60, seed=3).answers[0]
    for between in ("none", "descent"):
        outcome = solve(
            model, 1, start=[np.ones(40, np.int8), good], between=between, subsolver="none"
        )
        assert outcome.details["first"] <= model.energy(good)
        assert model.energy(outcome.answers[0]) <= model.energy(good)
    stopped = Progress()
    stopped.stop()
    assert (solve(model, progress=stopped, start=[good]).answers == good).all()


def test_the_best_start_is_taken_and_broken_groups_are_repaired():
    model = Qubo.from_arrays([-5.0, -1.0, 3.0], groups=[Group((0, 1), 1)])

    def begun(*start):
        outcome = solve(model, 1, start=start, subsolver="none", between="none")
        return outcome.answers[0].tolist()

    assert begun([0, 1, 0], [1, 0, 1]) == [1, 0, 1]
    assert begun([0, 1, 0], [0, 0, 0]) == [1, 0, 0]
    with pytest.raises(UsageError, match="has shape"):
        begun([0, 1])
    with pytest.raises(UsageError, match="other values than 0 and 1"):
        begun([0, 1, 2])


# -- what the subsolver may do --------------------------------------------------------------------


@dataclass
class Spy:
    """A subsolver that does as it is told."""

    answer: str = "best"
    seen: int = 0
    stop: Progress | None = None

    def solve(self, model, budget, seed, progress):
        self.seen += 1
        assert budget.time_limit is None
        n = model.num_variables
        if self.answer == "refuses" or (self.answer == "refuses later" and self.seen > 2):
            raise SizeError("this toy", n, 1)
        if self.stop is not None:
            self.stop.stop()
            assert progress.stopping
        usage = Usage(
            phases={"execute": Span(0.5, 0.5), "setup": Span(9.0, 9.0)}, circuits=2, shots=10,
            qubits=n, device="aer:torino", simulated=True, device_seconds=0.25, evaluations=99,
        )
        if self.answer == "nothing":
            return Outcome(Status.TIME_LIMIT, usage=usage)
        if self.answer in ("worse", "broken"):
            row = np.full((1, n), self.answer == "worse", dtype=np.int8)
            return Outcome(Status.INFEASIBLE_ANSWERS, row, usage=usage)
        outcome = Exact().solve(model, budget, seed, progress)
        outcome.usage = usage
        return outcome


def spied(spy, **options) -> Hybrid:
    solver = Hybrid(between="descent", **options)
    object.__setattr__(solver, "inner", spy)
    return solver


def test_what_the_subsolver_uses_is_charged():
    spy = Spy()
    outcome = spied(spy, size=9).solve(cut(), Budget(evaluations=4), 0, Progress())
    usage = outcome.usage
    assert spy.seen == outcome.details["subsolver_calls"] == 4
    assert (usage.circuits, usage.shots, usage.qubits) == (8, 40, 9)
    assert (usage.device, usage.simulated, usage.device_seconds) == ("aer:torino", True, 1.0)
    assert usage.phases["execute"].wall > 2.0
    assert usage.setup > 36.0
    assert usage.evaluations == 4
    assert outcome.details["subsolver_share"] == pytest.approx(2.0 / usage.wall)


@pytest.mark.parametrize(
    ("answer", "group", "feasible"), [("nothing", 5, 0), ("worse", 0, 3), ("broken", 5, 0)]
)
def test_answers_that_do_not_help_are_not_taken(answer, group, feasible):
    groups = [Group(tuple(range(15)), group)] if group else []
    model = Qubo.from_arrays(np.ones(30), groups=groups)
    outcome = spied(Spy(answer)).solve(model, Budget(evaluations=3), 1, Progress())
    assert (outcome.answers == solve(model, 3, subsolver="none").answers).all()
    assert outcome.details["subsolver_gain"] == outcome.details["subsolver_moves"] == 0
    assert outcome.details["subsolver_feasible"] == feasible


def test_a_subsolver_that_takes_no_model_is_a_refusal():
    with pytest.raises(SizeError, match="a subproblem of size=20 has 20; take a smaller size"):
        spied(Spy("refuses")).solve(cut(), Budget(evaluations=3), 0, Progress())


@pytest.mark.parametrize(
    ("subsolver", "unit", "fits"),
    [("exact", "bits of choice", 28), ("exact:max_bits=9", "bits of choice", 9),
     ("qaoa", "qubits", 26)],
)
def test_subproblems_above_the_subsolvers_size_are_mended_by_size(subsolver, unit, fits):
    with pytest.raises(SizeError) as caught:
        solve(cut(), size=40, subsolver=subsolver)
    assert str(caught.value) == (
        f"subsolver={subsolver} takes at most {fits} {unit}, a subproblem of size=40 has 40; "
        f"take size={fits} or less, or another subsolver"
    )
    if fits < 20:  # the larger ones take their time
        assert solve(cut(), 1, size=fits, subsolver=subsolver).status is Status.FEASIBLE


def test_a_later_refusal_is_told():
    outcome = spied(Spy("refuses later")).solve(cut(), Budget(evaluations=5), 0, Progress())
    assert outcome.details["subsolver_refused"] == 3
    assert "refused 3 of the subproblems: this toy takes at most 1 variables" in outcome.reason


def test_a_stop_reaches_the_subsolver_and_keeps_the_answer():
    progress = Progress()
    spy = Spy(stop=progress)
    outcome = spied(spy).solve(cut(), Budget(), 0, progress)
    assert spy.seen == outcome.details["iterations"] == 1
    assert outcome.status is Status.FEASIBLE


def test_a_run_that_is_stopped_ends_with_what_it_has():
    progress = Progress()
    timer = threading.Timer(0.3, progress.stop)
    timer.start()
    outcome = Hybrid().solve(cut(3000), Budget(time_limit=60.0), 0, progress)
    assert outcome.status.has_answer
    assert progress.stopping


# -- tabu between ---------------------------------------------------------------------------------


@dataclass
class Tabu:
    """Clears one bit of the answer that it is given, as if that were all it found."""

    seen: int = 0
    best: bool = True

    def solve(self, model, budget, seed, progress, *, start):
        self.seen += 1
        assert budget.time_limit is None
        assert budget.evaluations >= model.num_variables
        answer = np.array(start[0], dtype=np.int8)
        answer[np.flatnonzero(answer)[:1]] = 0
        usage = Usage(phases={"execute": Span(0.5, 0.5)}, evaluations=99)
        return Outcome(Status.FEASIBLE, answer[None], usage=usage)


def tabued(tabu, **options) -> Hybrid:
    solver = Hybrid(**options)
    object.__setattr__(solver, "tabu", tabu)
    return solver


def test_tabu_goes_on_from_the_incumbent_and_is_credited(monkeypatch):
    monkeypatch.setattr(search.Incumbent, "descend", lambda self, ended: 0)
    tabu, ones = Tabu(), Qubo.from_arrays(np.ones(80))
    outcome = tabued(tabu, subsolver="none").solve(
        ones, Budget(evaluations=25), 0, Progress(), start=[np.ones(80, np.int8)]
    )
    assert tabu.seen == outcome.details["between_improvements"] == 3
    assert ones.energy(outcome.answers[0]) == 77.0
    assert outcome.details["between_gain"] == 3.0
    assert outcome.usage.phases["execute"].wall > 1.5
    assert outcome.usage.evaluations == 25
    assert "the tabu between them improved 3, by 3 in all" in outcome.reason


def test_what_tabu_found_last_is_told_where_the_run_then_ends(monkeypatch):
    monkeypatch.setattr(search.Incumbent, "descend", lambda self, ended: 0)
    progress = Progress()

    class Last(Tabu):
        def solve(self, *args, **more):
            progress.stop()
            return super().solve(*args, **more)

    ones = Qubo.from_arrays(np.ones(80))
    outcome = tabued(Last(), subsolver="none").solve(
        ones, Budget(evaluations=25), 0, progress, start=[np.ones(80, np.int8)]
    )
    assert ones.energy(outcome.answers[0]) == 79.0
    assert progress.trace.incumbents[-1][1] == 79.0


def test_time_is_kept_for_the_look_at_what_tabu_finds(monkeypatch):
    """On a clock of its own: tabu takes 5 seconds if it is let, and a look at its answer 3."""
    now = 0.0
    monkeypatch.setattr(
        "qopt.solver.time", SimpleNamespace(perf_counter=lambda: now, process_time=lambda: now)
    )
    monkeypatch.setattr(search.Incumbent, "descend", lambda self, ended: 0)
    move_to = search.Incumbent.move_to

    def slow(self, x):
        nonlocal now
        now += 3.0
        move_to(self, x)

    monkeypatch.setattr(search.Incumbent, "move_to", slow)
    ends = []

    class Slow(Tabu):
        def solve(self, model, budget, seed, progress, *, start):
            nonlocal now
            end = now + 5.0
            while now < end and not progress.stopping:
                now += 0.25
            ends.append(now)
            return super().solve(model, budget, seed, progress, start=start)

    outcome = tabued(Slow(), subsolver="none").solve(
        Qubo.from_arrays(np.ones(80)), Budget(time_limit=20.0), 0, Progress(),
        start=[np.ones(80, np.int8)],
    )
    assert ends == [5.0, 13.0, 17.0]  # the last one ends early
    assert now == 20.0
    assert outcome.details["between_improvements"] == 3


def test_tabu_that_finds_worse_answers_changes_nothing():
    model = Qubo.from_arrays(-np.ones(30))
    outcome = tabued(Tabu()).solve(model, Budget(evaluations=3), 0, Progress())
    assert model.energy(outcome.answers[0]) == -30.0
    assert outcome.details["between_gain"] == 0.0


def test_the_registered_tabu_search_makes_good_answers_of_subproblems():
    model = cut(200, degree=6)
    alone = solve(model, 20)
    outcome = solve(model, 20, between="tabu")
    assert outcome.details["first"] == alone.details["first"]
    assert outcome.details["between_gain"] > 0
    assert model.energy(outcome.answers[0]) < model.energy(alone.answers[0])


def test_tabu_that_is_not_installed_is_said(monkeypatch):
    without = {key: spec for key, spec in registry._all().items() if key[1] != "tabu"}
    monkeypatch.setattr(registry, "_all", lambda: without)
    with pytest.raises(UsageError, match="needs the solver 'tabu', which is not installed"):
        Hybrid(between="tabu")
    assert Hybrid(between="descent").tabu is None


# -- options --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "fault", "said"),
    [
        ({"subsolver": "cpsat"}, UsageError, "must solve QUBOs, and 'cpsat' solves"),
        ({"subsolver": "none:p=1"}, UsageError, "takes no options"),
        ({"subsolver": "qaoa:q=1"}, UnknownNameError, "subsolver 'qaoa'"),
        ({"size": 1}, UsageError, "size must be at least 2"),
        ({"choose": "best"}, UsageError, "choose must be auto, impact"),
        ({"between": "sa"}, UsageError, "between must be tabu, descent or none"),
    ],
)
def test_wrong_options_are_refused(options, fault, said):
    with pytest.raises(fault, match=said):
        Hybrid(**options)


def test_whole_groups_of_a_model_without_any_are_refused():
    with pytest.raises(UsageError, match="choose=groups opens whole groups"):
        solve(cut(), choose="groups")


def test_the_ablations_of_a_subsolver():
    assert Hybrid(subsolver="[qaoa:p=2,shots=9]").ablations() == (
        {"subsolver": "exact"}, {"subsolver": "none"},
    )
    assert Hybrid(subsolver="exact:keep=1").ablations() == ({"subsolver": "none"},)
    assert Hybrid(subsolver="none").ablations() == ()


def test_a_large_sparse_model_is_no_matrix():
    outcome = solve(cut(100_000, seed=2), 3)
    assert outcome.details["subsolver_improvements"] > 0
