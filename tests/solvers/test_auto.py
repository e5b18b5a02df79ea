"""The choice of a solver, its reason, and what happens where the first one refuses."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from qopt import registry
from qopt.devices import device_sizes
from qopt.errors import MissingPackageError, SizeError, UnsupportedError, UsageError
from qopt.forms import (
    Client,
    Depot,
    Group,
    Program,
    Qubo,
    Route,
    Routing,
    Shipment,
    VehicleType,
)
from qopt.solver import Budget, Outcome, Progress, Span, Status, Usage
from qopt.solvers.auto import Auto
from qopt.solvers.auto.device import on_device
from qopt.solvers.auto.features import features_of
from qopt.solvers.auto.rules import RULES, rule_for


def routing(clients: int, vehicles: int = 1, capacity: float = np.inf) -> Routing:
    rng = np.random.default_rng(0)
    matrix = rng.integers(1, 20, (clients + 1, clients + 1)).astype(float)
    return Routing(
        depots=(Depot("d"),), clients=tuple(Client(f"c{i}", 1.0) for i in range(clients)),
        vehicles=(VehicleType(count=vehicles, capacity=capacity),),
        distance=matrix, duration=matrix,
    )


def sparse(n: int, pairs: int) -> Qubo:
    row, col = np.triu_indices(n, 1)
    return Qubo.from_arrays(np.ones(n), row[:pairs], col[:pairs], np.full(pairs, -2.0))


def continuous(upper: float) -> Program:
    return Program.build(
        sense="maximise", linear=[1.0, 2.0], integer=[True, False], upper=[1.0, upper],
        constraints=[("sum", [0, 1], 1.0, "<=", 2.5)],
    )


def quadratic(comparator: str, n: int) -> Program:
    row, col = np.triu_indices(n)
    return Program.build(
        sense="maximise", linear=np.zeros(n), row=row, col=col, value=np.cos(np.arange(len(row))),
        constraints=[("held", np.arange(n), 1.0, comparator, 2.0)],
    )


def risk(whole: bool, upper: float = 1.0, sense: str = "minimise") -> Program:
    sign = 1.0 if sense == "minimise" else -1.0
    return Program.build(
        sense=sense, linear=[-1.0, -2.0], row=[0, 0, 1], col=[0, 1, 1],
        value=sign * np.array([2.0, 1.0, 3.0]), integer=[True, whole], upper=[1.0, upper],
    )


def selection(n: int) -> Program:
    return quadratic("==", n)


def knapsack(n: int) -> Program:
    return quadratic("<=", n)


def difference(n: int) -> Program:
    """The squared difference of the first two of n variables."""
    return Program.build(
        sense="minimise", linear=[1.0] * n, row=[0, 0, 1], col=[0, 1, 1],
        value=[1.0, -2.0, 1.0], integer=[True] * n, upper=[3.0] * n,
    )


TOUR = ["lkh", "pyvrp", "routing"]
FLEET = ["pyvrp", "routing"]
ANNEAL = ["portfolio", "sa"]


@pytest.mark.parametrize(
    ("model", "plan"),
    [
        (routing(59), [["cpsat"], TOUR]),
        (routing(60), [TOUR]),
        (routing(16, vehicles=3, capacity=8.0), [["cpsat"], FLEET]),
        (routing(17, vehicles=3, capacity=8.0), [FLEET]),
        (routing(17, vehicles=6, capacity=3.0), [["cpsat"], FLEET]),
        (routing(31, vehicles=31, capacity=1.0), [FLEET]),
        (sparse(22, 231), [["exact"], ANNEAL]),
        (sparse(100, 500), [ANNEAL, ["milp"], ["branch-and-bound"], ANNEAL]),
        (sparse(100, 501), [["milp"], ["branch-and-bound"], ANNEAL]),
        (sparse(23, 250), [["milp"], ["branch-and-bound"], ANNEAL]),
        (sparse(121, 501), [ANNEAL]),
        (sparse(40, 780).with_groups([Group(tuple(range(40)), 4)]), [["exact"], ANNEAL]),
        (
            sparse(40, 780).with_groups([Group(tuple(range(40)), 20)]),
            [["milp"], ["branch-and-bound"], ANNEAL],
        ),
        (Program.build(linear=[1.0, 2.0], upper=[1, 9]), [["cpsat", "milp"], ["milp"]]),
        (Program.build(linear=[1.0, 2.0], upper=[1, np.inf]), [["milp"]]),
        (continuous(1.0), [["milp"]]),
        (selection(5), [["milp"], [*ANNEAL, "milp"]]),
        (knapsack(5), [["cpsat", "milp"], [*ANNEAL, "milp"]]),
        (risk(whole=True), [["miqp"], [*ANNEAL, "milp"]]),
        (difference(8), [["cpsat", "milp"], [*ANNEAL, "milp"]]),
        (difference(7), [["miqp"], [*ANNEAL, "milp"]]),
        (risk(whole=True, sense="maximise"), [["miqp"], [*ANNEAL, "milp"]]),
        (risk(whole=True, upper=np.inf), [["miqp", "milp"]]),
        (risk(whole=False), [["miqp", "milp"]]),
    ],
)
def test_the_rules(model, plan):
    features = features_of(model)
    rule, above = rule_for(features)
    assert [list(step.solvers) for step in rule.steps] == plan
    assert not any(earlier.holds(features) for earlier in above)
    assert rule.why
    assert features.words()


def test_the_last_rule_of_each_form_always_holds_and_names_solvers_that_exist():
    last = {rule.form: rule for rule in RULES}
    assert set(last) == {"routing", "qubo", "program", "table"}
    assert all(rule.holds(None) for rule in last.values())
    for rule in RULES:
        assert rule.steps[-1].until == 1.0 or rule.steps[-1].role != "search"
        for step in rule.steps:
            assert all(registry.find("solver", name) for name in step.solvers)


def solve(model, budget=None, **options):
    return Auto(**options).solve(model, budget or Budget(), 1, Progress())


def brute_force(model: Program) -> float:
    rows = itertools.product((0.0, 1.0), repeat=model.num_variables)
    return max(model.objective(x) for x in rows if not model.violations(x))


@pytest.mark.parametrize(
    ("model", "name", "best"),
    [
        (sparse(10, 20), "exact", -30.0),
        (sparse(30, 40), "milp", -50.0),
        (Program.build(sense="maximise", linear=[1.0, 2.0], upper=[1, 9]), "cpsat", 19.0),
        (continuous(9.0), "milp", 5.0),
        (selection(6), "milp", brute_force(selection(6))),
        (knapsack(6), "cpsat", brute_force(knapsack(6))),
        (risk(whole=True), "miqp", 0.0),
        (risk(whole=False), "miqp", -1.0 / 3.0),
    ],
)
def test_the_chosen_solver_runs_and_is_named(model, name, best):
    outcome = solve(model)
    assert (outcome.status, outcome.details["chosen"]) == (Status.OPTIMAL, name)
    assert outcome.bound == pytest.approx(best)
    ran = " then ".join(outcome.details["ran"])
    assert outcome.reason.startswith(f"chose {ran}: {outcome.details['why']}")
    if isinstance(model, Qubo):
        assert np.asarray(outcome.answers).dtype == np.int8
        assert model.energy(outcome.answers[0]) == best
    else:
        assert model.objective(outcome.answers[0]) == pytest.approx(best)


def test_what_a_probe_does_not_prove_is_left_to_the_next_step(fakes):
    model = sparse(24, 250)
    proof = Outcome(Status.OPTIMAL, np.ones((1, 24), dtype=np.int8), bound=model.energy([1] * 24))
    fakes.update({"milp": Fake(outcome=Outcome(Status.TIME_LIMIT)),
                  "branch-and-bound": Fake(outcome=proof)})
    outcome = solve(model, Budget(time_limit=100.0))
    assert fakes["milp"].budget.time_limit == 1.0  # the longest probe, not a fifth of the limit
    assert (outcome.status, outcome.details["chosen"]) == (Status.OPTIMAL, "branch-and-bound")


def test_routes_are_proven_where_they_are_few():
    model = routing(5)
    outcome = solve(model)
    assert (outcome.status, outcome.details["chosen"]) == (Status.OPTIMAL, "cpsat")
    assert model.evaluate(outcome.answers[0]) == (pytest.approx(outcome.bound), [])


def test_what_pyvrp_cannot_express_goes_to_the_routing_library():
    base = routing(20, vehicles=4, capacity=8.0)
    model = replace(base, shipments=(Shipment(0, 1, 2.0),))  # with demands of their own
    outcome = solve(model, Budget(evaluations=20_000))
    assert outcome.details["chosen"] == "routing"
    assert outcome.details["passed_over"][0].startswith("not pyvrp: client c0 belongs to a shipm")
    assert model.evaluate(outcome.answers[0])[1] == []


class Fake:
    """Stands for any solver: refuses, or notes its budget."""

    def __init__(self, fault=None, outcome=None, starts=False):
        self.fault, self.budget, self.starts, self.start = fault, None, starts, None
        self.outcome = outcome or Outcome(
            Status.FEASIBLE, [(Route(0, ()),)], reason="done", details={"own": 1}
        )

    def __call__(self):
        return self

    def solve(self, model, budget, seed, progress, **more):
        self.budget, self.start = budget, more.get("start")
        if self.fault:
            raise self.fault
        return self.outcome


@pytest.fixture
def fakes(monkeypatch):
    made = {}

    class FakeSpec:
        def __init__(self, name):
            self.name, self.starts = name, made[name].starts
            self.forms, self.load = registry.find("solver", name).forms, lambda: lambda: made[name]

    monkeypatch.setattr("qopt.solvers.auto.translate.find", lambda kind, name: FakeSpec(name))
    return made


@pytest.mark.parametrize(
    "fault",
    [
        SizeError("cpsat", 9, 5), UnsupportedError("no"),
        MissingPackageError("solver 'cpsat'", ["ortools"]),
    ],
)
def test_a_refusal_passes_the_model_on_and_is_told(fakes, fault):
    fakes.update(cpsat=Fake(fault), lkh=Fake(fault), pyvrp=Fake(fault), routing=Fake())
    outcome = solve(routing(5))
    assert outcome.details["chosen"] == "routing"
    assert outcome.details["own"] == 1
    passed = [f"not {name}: {fault}" for name in ("cpsat", "lkh", "pyvrp")]
    assert outcome.details["passed_over"] == passed
    assert outcome.reason.endswith("; done")


def test_no_taker_is_an_error_that_names_all(fakes):
    names = {"cpsat": "one", "pyvrp": "two", "routing": "three"}
    fakes.update({name: Fake(UnsupportedError(text)) for name, text in names.items()})
    with pytest.raises(UnsupportedError, match="not cpsat: one; not pyvrp: two; not routing: thr"):
        solve(routing(5, vehicles=2))


def test_other_faults_are_not_hidden(fakes):
    fakes.update(cpsat=Fake(ZeroDivisionError()), routing=Fake())
    with pytest.raises(ZeroDivisionError):
        solve(routing(5))


def test_patience_limits_only_what_might_not_end(fakes):
    fakes.update(pyvrp=Fake(), portfolio=Fake(outcome=Outcome(Status.TIME_LIMIT)))
    solve(routing(100, vehicles=2), patience=3.0)
    assert fakes["pyvrp"].budget == Budget(time_limit=3.0)
    solve(routing(100, vehicles=2), Budget(evaluations=5, threads=2))
    assert fakes["pyvrp"].budget == Budget(evaluations=5, threads=2)
    solve(sparse(200, 4000))
    assert fakes["portfolio"].budget == Budget()


def test_what_is_not_proven_in_time_is_left_to_a_heuristic_and_the_best_of_both_is_kept(fakes):
    model = selection(4)
    order = sorted(itertools.product((0.0, 1.0), repeat=4),
                   key=lambda x: (bool(model.violations(x)), -model.objective(x)))
    usage = Usage(phases={"execute": Span(6.0, 5.0), "setup": Span(1.0, 1.0)})
    milp = Outcome(Status.FEASIBLE, [order[1]], bound=99.0, usage=usage)
    later = Usage(phases={"execute": Span(3.0, 3.0)})
    second = Outcome(Status.FEASIBLE, np.array([order[0]], dtype=np.int8), usage=later)
    fakes.update(milp=Fake(outcome=milp), portfolio=Fake(outcome=second))
    outcome = solve(model, Budget(time_limit=10.0))
    assert fakes["milp"].budget.time_limit == pytest.approx(7.0)
    assert fakes["portfolio"].budget.time_limit == pytest.approx(4.0)  # what milp left, setup apart
    assert model.objective(outcome.answers[0]) == model.objective(order[0])
    assert (outcome.bound, outcome.details["chosen"]) == (99.0, "portfolio")
    assert outcome.details["ran"] == ["milp", "portfolio"]
    assert outcome.usage.phases["execute"].wall == 9.0
    turns = outcome.details["explanation"]["turns"]
    assert [(turn["seconds"], turn["bound"]) for turn in turns] == [(6.0, 99.0), (3.0, None)]
    # and the other way round
    fakes["portfolio"].outcome = Outcome(Status.FEASIBLE, np.array([order[2]], dtype=np.int8))
    outcome = solve(model, Budget(time_limit=10.0))
    assert model.objective(outcome.answers[0]) == model.objective(order[1])
    assert outcome.details["chosen"] == "milp"


def test_reports_of_a_second_solver_count_only_where_they_improve(fakes):
    class Reporting(Fake):
        def solve(self, model, budget, seed, progress):
            for value in self.values:
                progress.incumbent(value)
            return super().solve(model, budget, seed, progress)

    nothing = Outcome(Status.TIME_LIMIT)
    fakes.update(milp=Reporting(outcome=nothing), portfolio=Reporting(outcome=nothing))
    fakes["milp"].values, fakes["portfolio"].values = [1.0, 2.0], [-1.5, -2.5]  # of its QUBO
    progress = Progress()
    outcome = Auto().solve(selection(4), Budget(time_limit=9.0), 1, progress)
    assert [value for _, value in progress.trace.incumbents] == [1.0, 2.0, 2.5]
    assert outcome.status is Status.TIME_LIMIT


def test_nobody_is_said_to_have_found_an_answer_that_is_not_there(fakes):
    nothing = Outcome(Status.TIME_LIMIT, reason="the budget ended")
    fakes.update(milp=Fake(outcome=nothing), portfolio=Fake(outcome=nothing))
    outcome = solve(selection(4), Budget(time_limit=9.0))
    assert outcome.details["ran"] == ["milp", "portfolio"]
    assert outcome.reason.endswith("; none found an answer; the budget ended")


def test_a_turn_keeps_who_won_a_race_and_the_shares(fakes):
    arms = {"memetic": {"share": 0.75, "seconds": 3.0}, "tabu": {"share": 0.25, "seconds": 1.0}}
    own = {"winner": "memetic", "arms": arms, "slices": [{"arm": "tabu"}]}
    raced = Outcome(Status.FEASIBLE, np.ones((1, 200), dtype=np.int8), details=own)
    fakes.update(portfolio=Fake(outcome=raced))
    (turn,) = solve(sparse(200, 4000)).details["explanation"]["turns"]
    assert turn["details"] == {"winner": "memetic", "shares": {"memetic": 0.75, "tabu": 0.25}}


def test_each_step_starts_from_the_best_answer_so_far(fakes):
    model = sparse(30, 40)
    best = np.array([model.linear * 0 + 1], dtype=np.int8)
    first = Outcome(Status.FEASIBLE, best, usage=Usage(phases={"execute": Span(0.5, 0.5)}))
    proof = Outcome(Status.FEASIBLE, [best[0] * 0.0], bound=-99.0)
    nothing = Fake(outcome=Outcome(Status.TIME_LIMIT), starts=True)
    fakes.update({"portfolio": Fake(outcome=first, starts=True), "branch-and-bound": nothing})
    fakes.update(milp=Fake(outcome=proof, starts=True))
    outcome = Auto().solve(model, Budget(time_limit=10.0), 1, Progress())
    assert fakes["milp"].start[0].tolist() == best[0].tolist()
    assert fakes["milp"].budget.time_limit == pytest.approx(4.5)  # half, less what was spent
    assert fakes["portfolio"].start[0].tolist() == best[0].tolist()
    assert (outcome.details["chosen"], outcome.bound) == ("portfolio", -99.0)
    turns = outcome.details["explanation"]["turns"]
    assert [turn["role"] for turn in turns] == ["start", "prove", "prove", "search"]


def test_a_given_start_is_handed_on(fakes):
    fakes.update(portfolio=Fake(outcome=Outcome(Status.TIME_LIMIT), starts=True))
    start = np.ones(200, dtype=np.int8)
    Auto().solve(sparse(200, 4000), Budget(time_limit=1.0), 1, Progress(), start=[start])
    assert fakes["portfolio"].start[0] is start


def test_a_given_start_is_kept_where_no_solver_takes_it_and_all_find_worse_ones(fakes):
    model = routing(60)
    tours = [(Route(0, order),) for order in (tuple(range(60)), tuple(range(59, -1, -1)))]
    first, second = sorted(tours, key=lambda tour: model.evaluate(tour)[0])
    fakes.update(lkh=Fake(outcome=Outcome(Status.FEASIBLE, [second])))
    for found, kept in (([second], first), ([], first), ([first], first)):
        fakes["lkh"].outcome = Outcome(Status.FEASIBLE, found)
        outcome = Auto().solve(model, Budget(time_limit=1.0), 1, Progress(), start=[first])
        assert (outcome.status, outcome.answers[0]) == (Status.FEASIBLE, kept)
        assert outcome.reason.endswith("and is kept") == (found != [first])


@pytest.mark.parametrize(
    ("model", "solver"),
    [
        (sparse(10, 20), "qaoa:device=aer:torino"),
        (sparse(300, 600), "hybrid:size=16,subsolver=[qaoa:device=aer:torino]"),
    ],
)
def test_a_device_gets_what_fits_it_and_parts_of_what_does_not(model, solver):
    rule = on_device("aer:torino", features_of(model))
    assert [step.solvers for step in rule.steps] == [(solver,)]


def test_what_limits_a_device_that_is_simulated_is_told():
    size = next(d for d in device_sizes() if d.name == "aer:torino")
    assert size.simulated < 64 < size.qubits
    why = on_device("aer:torino", features_of(sparse(64, 128))).why
    assert why == (
        f"64 variables do not fit the simulation of aer:torino ({size.simulated} qubits; the "
        "device itself has 133), subproblems of 16 do"
    )


def test_a_device_takes_no_routes():
    with pytest.raises(UsageError, match="choose form=qubo"):
        Auto(device="aer:torino").solve(routing(5), Budget(), 1, Progress())


def test_without_any_time_the_step_that_searches_is_the_only_one(fakes):
    fakes.update({"milp": Fake(), "branch-and-bound": Fake()})
    fakes.update(portfolio=Fake(outcome=Outcome(Status.FEASIBLE, np.ones((1, 24), dtype=np.int8))))
    outcome = solve(sparse(24, 250), Budget(time_limit=0.0))
    assert outcome.details["ran"] == ["portfolio"]
    assert fakes["portfolio"].budget == Budget(time_limit=0.0)


@pytest.mark.parametrize(("found", "ran"), [(True, ["milp"]), (False, ["milp", "portfolio"])])
def test_a_step_that_uses_all_the_time_is_the_last_one_with_an_answer(fakes, found, ran):
    model = sparse(24, 250)
    x = np.ones((1, 24), dtype=np.int8)
    late = Usage(phases={"execute": Span(5.0, 5.0)})
    milp = Outcome(Status.FEASIBLE, x.astype(float) if found else [], usage=late)
    fakes.update({"milp": Fake(outcome=milp), "branch-and-bound": Fake()})
    fakes.update(portfolio=Fake(outcome=Outcome(Status.FEASIBLE, x)))
    outcome = solve(model, Budget(time_limit=5.0))
    assert outcome.details["ran"] == ran
    assert outcome.answers[0].tolist() == x[0].tolist()
    if not found:
        assert fakes["portfolio"].budget.time_limit == 0.0


def test_a_program_with_a_constraint_without_variables_has_a_plan():
    model = Program.build(
        linear=[1.0, 2.0], row=[0], col=[1], value=[-5.0], constraints=[("empty", [], [], "==", 0)]
    )
    assert solve(model).bound == -2.0


def test_patience_must_be_positive():
    with pytest.raises(UsageError):
        Auto(patience=0.0)


def test_the_square_of_one_whole_variable_is_proven():
    """A number partitioning of one number: the difference is that number."""
    program = Program.build(
        linear=[0.0, 0.0], row=[1], col=[1], value=[1.0], upper=[1, 408601],
        constraints=[("difference", [0, 1], [817202, 1], "==", 408601)],
    )
    outcome = Auto().solve(program, Budget(), 0, Progress())
    assert (outcome.status, outcome.bound) == (Status.OPTIMAL, 408601.0**2)
