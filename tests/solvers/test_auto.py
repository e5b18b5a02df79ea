"""The choice of a solver, its reason, and what happens where the first one refuses."""

import numpy as np
import pytest

from qopt import registry
from qopt.errors import MissingPackageError, SizeError, UnsupportedError, UsageError
from qopt.forms import Client, Depot, Group, Program, Qubo, Route, Routing, VehicleType
from qopt.solver import Budget, Outcome, Progress, Status
from qopt.solvers.auto import Auto, choices


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


@pytest.mark.parametrize(
    ("model", "names"),
    [
        (routing(59), ["cpsat", "routing"]),
        (routing(60), ["routing"]),
        (routing(10, vehicles=3, capacity=5.0), ["cpsat", "routing"]),
        (routing(11, vehicles=3, capacity=5.0), ["routing"]),
        (sparse(22, 231), ["exact", "sa"]),
        (sparse(23, 250), ["milp", "sa"]),
        (sparse(23, 251), ["sa"]),
        (sparse(40, 780).with_groups([Group(tuple(range(40)), 4)]), ["exact", "sa"]),
        (sparse(40, 780).with_groups([Group(tuple(range(40)), 20)]), ["sa"]),
        (Program.build(linear=[1.0, 2.0], upper=[1, 9]), ["cpsat", "milp"]),
        (Program.build(linear=[1.0, 2.0], upper=[1, np.inf]), ["milp"]),
        (continuous(1.0), ["milp"]),
    ],
)
def test_the_rules(model, names):
    assert [name for name, _ in choices(model)] == names
    assert all(why for _, why in choices(model))


def solve(model, budget=None, **options):
    return Auto(**options).solve(model, budget or Budget(), 1, Progress())


@pytest.mark.parametrize(
    ("model", "name", "best"),
    [
        (sparse(10, 20), "exact", -30.0),
        (sparse(30, 40), "milp", -50.0),
        (Program.build(sense="maximise", linear=[1.0, 2.0], upper=[1, 9]), "cpsat", 19.0),
        (continuous(9.0), "milp", 5.0),
    ],
)
def test_the_chosen_solver_runs_and_is_named(model, name, best):
    outcome = solve(model)
    assert (outcome.status, outcome.details["chosen"]) == (Status.OPTIMAL, name)
    assert outcome.bound == pytest.approx(best)
    assert outcome.reason.startswith(f"chose {name}: {outcome.details['why']}")
    if isinstance(model, Qubo):
        assert np.asarray(outcome.answers).dtype == np.int8
        assert model.energy(outcome.answers[0]) == best
    else:
        assert model.objective(outcome.answers[0]) == pytest.approx(best)


def test_routes_are_proven_where_they_are_few():
    model = routing(5)
    outcome = solve(model)
    assert (outcome.status, outcome.details["chosen"]) == (Status.OPTIMAL, "cpsat")
    assert model.evaluate(outcome.answers[0]) == (pytest.approx(outcome.bound), [])


class Fake:
    """Stands for any solver: refuses, or notes its budget."""

    def __init__(self, fault=None):
        self.fault, self.budget = fault, None

    def __call__(self):
        return self

    def solve(self, model, budget, seed, progress):
        self.budget = budget
        if self.fault:
            raise self.fault
        return Outcome(Status.FEASIBLE, [(Route(0, ()),)], reason="done", details={"own": 1})


@pytest.fixture
def fakes(monkeypatch):
    made = {}

    class FakeSpec:
        def __init__(self, name):
            self.forms, self.load = registry.find("solver", name).forms, lambda: made[name]

    monkeypatch.setattr("qopt.solvers.auto.find", lambda kind, name: FakeSpec(name))
    return made


@pytest.mark.parametrize(
    "fault",
    [
        SizeError("cpsat", 9, 5), UnsupportedError("no"),
        MissingPackageError("solver 'cpsat'", ["ortools"]),
    ],
)
def test_a_refusal_passes_the_model_on_and_is_told(fakes, fault):
    fakes.update(cpsat=Fake(fault), routing=Fake())
    outcome = solve(routing(5))
    assert outcome.details["chosen"] == "routing"
    assert outcome.details["own"] == 1
    assert outcome.details["passed_over"] == [f"not cpsat: {fault}"]
    assert outcome.reason.endswith("; done")


def test_no_taker_is_an_error_that_names_all(fakes):
    fakes.update(cpsat=Fake(UnsupportedError("one")), routing=Fake(UnsupportedError("two")))
    with pytest.raises(UnsupportedError, match="not cpsat: one; not routing: two"):
        solve(routing(5))


def test_other_faults_are_not_hidden(fakes):
    fakes.update(cpsat=Fake(ZeroDivisionError()), routing=Fake())
    with pytest.raises(ZeroDivisionError):
        solve(routing(5))


def test_patience_limits_only_what_might_not_end(fakes):
    fakes.update(routing=Fake(), sa=Fake())
    solve(routing(100), patience=3.0)
    assert fakes["routing"].budget == Budget(time_limit=3.0)
    solve(routing(100), Budget(evaluations=5, threads=2))
    assert fakes["routing"].budget == Budget(evaluations=5, threads=2)
    solve(sparse(100, 4000))
    assert fakes["sa"].budget == Budget()


def test_patience_must_be_positive():
    with pytest.raises(UsageError):
        Auto(patience=0.0)
