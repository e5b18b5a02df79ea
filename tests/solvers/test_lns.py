"""The hybrid: its loop, its contract with subsolvers, and its ledger."""

import threading
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as effort
from oracles import best_cost, routings

import qopt
from qopt import registry
from qopt.errors import SizeError, UnknownNameError, UsageError
from qopt.forms import Client, Depot, Route, Routing, Shipment, VehicleType
from qopt.options import split_assignments
from qopt.run import parse_solver
from qopt.solver import Budget, Outcome, Progress, Span, Status, Usage
from qopt.solvers.lns import LargeNeighbourhoodSearch
from qopt.solvers.route_neighbourhood import neighbourhood, neighbouring_routes
from qopt.study import Study


def town(size=40, seed=0, **vehicle) -> Routing:
    rng = np.random.default_rng(seed)
    places = rng.integers(0, 100, (size + 1, 2))
    distance = np.rint(np.hypot(*(places[:, None] - places[None]).T)).T
    clients = tuple(Client(f"c{i}", demand=float(rng.integers(1, 9))) for i in range(size))
    vehicles = (VehicleType(**{"count": size, "capacity": 25.0, **vehicle}),)
    return Routing((Depot("depot"),), clients, vehicles, distance, distance)


def solve(routing, iterations=4, seed=1, progress=None, **options) -> Outcome:
    solver = LargeNeighbourhoodSearch(**options)
    return solver.solve(routing, Budget(evaluations=iterations), seed, progress or Progress())


@pytest.mark.parametrize("subsolver", ["sa", "exact", "none", "random", "qaoa:p=1"])
def test_better_routes_come_out(subsolver):
    routing, progress = town(), Progress()
    outcome = solve(routing, progress=progress, subsolver=subsolver)
    cost, broken = routing.evaluate(outcome.answers[0])
    assert broken == []
    assert outcome.status is Status.FEASIBLE
    assert outcome.bound is None
    found = [value for _, value in progress.trace.incumbents]
    assert found[-1] == cost < found[0] == outcome.details["first"]
    assert found == sorted(found, reverse=True)
    assert outcome.usage.evaluations == outcome.details["iterations"] == 4
    assert 0.0 <= outcome.details["subsolver_share"] < 1.0
    assert (outcome.details["subsolver_calls"] == 0) == (subsolver == "none")
    assert outcome.details["largest_qubo"] <= 20


@pytest.mark.parametrize("budget", [Budget(evaluations=3), Budget(time_limit=0.5)])
def test_without_feasible_routes_those_that_came_nearest_are_told(monkeypatch, budget):
    monkeypatch.setattr("qopt.solvers.lns.CONSTRUCTIONS", (0, 100))
    routing = town(5, capacity=11.0, count=2)  # demands 8 and 7 and 8 are no two loads
    outcome = LargeNeighbourhoodSearch().solve(routing, budget, 0, Progress())
    assert outcome.status is Status.INFEASIBLE_ANSWERS
    assert routing.evaluate(outcome.answers[0])[1]
    starts = int(outcome.reason.split(" start")[0].split()[-1])
    assert starts == 2 if budget.time_limit is None else starts > 2
    assert "no proof" in outcome.reason


def test_one_seed_gives_one_answer():
    first, second = (solve(town(), seed=5) for _ in range(2))
    assert first.answers == second.answers
    assert solve(town(), seed=6).answers != first.answers


def test_the_first_answer_and_the_first_neighbourhood_are_those_of_the_ablations():
    """Only what the subsolver answers may tell runs apart."""
    runs = [solve(town(), 1, subsolver=name) for name in ("sa", "exact", "none")]
    assert len({run.details["first"] for run in runs}) == 1
    costs = [town().evaluate(run.answers[0])[0] for run in runs]
    assert costs[1] <= costs[0] <= costs[2]


@effort(deadline=None, max_examples=15)
@given(routing=routings(mixed=False))
def test_rich_routings_are_solved_within_their_rules(routing):
    best = best_cost(routing)
    outcome = solve(routing, 2, subsolver="exact", local_steps=50)
    if best is None:
        assert not outcome.status.has_answer
        return
    if outcome.status.has_answer:
        cost, broken = routing.evaluate(outcome.answers[0])
        assert broken == []
        assert cost >= best - 1e-6


def test_a_tour_is_one_neighbourhood():
    solution = qopt.solve(qopt.load("burma14"), "lns", evaluations=3)
    assert solution.objective == 3323


@dataclass
class Spy:
    """A subsolver that does as it is told."""

    answer: str = "best"
    seen: int = 0
    stop: Progress | None = None

    def solve(self, model, budget, seed, progress):
        self.seen += 1
        assert budget.time_limit is None
        if self.answer == "refuses":
            raise SizeError("this toy", model.num_variables, 1)
        if self.stop is not None:
            self.stop.stop()
            assert progress.stopping
        usage = Usage(
            phases={"execute": Span(0.5, 0.5), "setup": Span(9.0, 9.0)}, circuits=2, shots=10,
            qubits=model.num_variables, device="aer:torino", simulated=True, device_seconds=0.25,
            evaluations=99,
        )
        n = model.num_variables
        if self.answer == "nothing":
            return Outcome(Status.TIME_LIMIT, usage=usage)
        if self.answer == "nonsense":
            return Outcome(Status.INFEASIBLE_ANSWERS, np.zeros((1, n), np.int8), usage=usage)
        from qopt.solvers.exact import Exact

        outcome = Exact().solve(model, budget, seed, progress)
        outcome.usage = usage
        return outcome


def spied(spy, **options) -> LargeNeighbourhoodSearch:
    solver = LargeNeighbourhoodSearch(**options)
    object.__setattr__(solver, "inner", spy)
    return solver


def test_what_the_subsolver_uses_is_charged():
    spy = Spy()
    outcome = spied(spy).solve(town(), Budget(evaluations=3), 0, Progress())
    usage, calls = outcome.usage, outcome.details["subsolver_calls"]
    assert calls == spy.seen > 0
    assert (usage.circuits, usage.shots) == (2 * calls, 10 * calls)
    assert usage.device_seconds == 0.25 * calls
    assert usage.qubits == outcome.details["largest_qubo"]
    assert (usage.device, usage.simulated) == ("aer:torino", True)
    assert usage.phases["execute"].wall > 0.5 * calls
    assert usage.setup > 9.0 * calls
    assert usage.evaluations == 3
    assert outcome.details["subsolver_share"] == pytest.approx(0.5 * calls / usage.wall)


@pytest.mark.parametrize("answer", ["nothing", "nonsense"])
def test_a_subsolver_that_fails_leaves_what_the_local_search_found(answer):
    outcome = spied(Spy(answer)).solve(town(), Budget(evaluations=3), 1, Progress())
    alone = solve(town(), 3, subsolver="none")
    assert outcome.answers == alone.answers
    assert outcome.details["master_improvements"] == outcome.details["subsolver_feasible"] == 0


def test_a_subsolver_that_takes_no_model_is_a_refusal():
    with pytest.raises(SizeError, match="this toy"):
        spied(Spy("refuses")).solve(town(), Budget(evaluations=3), 0, Progress())


def test_a_stop_reaches_the_subsolver_and_keeps_the_answer():
    progress = Progress()
    spy = Spy(stop=progress)
    outcome = spied(spy).solve(town(), Budget(), 0, progress)
    assert spy.seen == 1
    assert outcome.details["iterations"] == 1
    assert town().evaluate(outcome.answers[0])[1] == []


def test_a_run_that_is_stopped_ends_with_what_it_has():
    progress = Progress()
    timer = threading.Timer(0.3, progress.stop)
    timer.start()
    outcome = LargeNeighbourhoodSearch().solve(town(), Budget(time_limit=60.0), 0, progress)
    assert outcome.status.has_answer
    assert progress.stopping


def test_columns_keep_to_the_qubits_given():
    assert solve(town(), qubits=9).details["largest_qubo"] <= 9


@pytest.mark.parametrize(
    ("options", "fault", "said"),
    [
        ({"subsolver": "cpsat"}, UsageError, "must solve QUBOs, and 'cpsat' solves"),
        ({"subsolver": "none:p=1"}, UsageError, "takes no options"),
        ({"subsolver": "saa"}, UnknownNameError, "did you mean"),
        ({"subsolver": "qaoa:q=1"}, UnknownNameError, "subsolver 'qaoa'"),
        ({"qubits": 3}, UsageError, "qubits must be at least 8"),
        ({"local_steps": 0}, UsageError, "local_steps"),
    ],
)
def test_wrong_options_are_refused(options, fault, said):
    with pytest.raises(fault, match=said):
        LargeNeighbourhoodSearch(**options)


def test_options_of_the_subsolver_stand_in_brackets():
    _, options = parse_solver("lns:subsolver=[sa:reads=2,sweeps=30],qubits=12")
    assert options == {"subsolver": "[sa:reads=2,sweeps=30]", "qubits": "12"}
    solver = LargeNeighbourhoodSearch(subsolver=options["subsolver"])
    assert (solver.inner.reads, solver.inner.sweeps) == (2, 30)
    assert split_assignments("subsolver=sa:reads=2") == {"subsolver": "sa:reads=2"}
    assert LargeNeighbourhoodSearch(subsolver="sa:reads=2").inner.reads == 2


def test_a_comparison_adds_the_ablations():
    study = Study(["P-n16-k8"], ["lns:qubits=12", "routing"], seeds=[0])
    assert [task.label for task in study.tasks] == [
        "lns:qubits=12", "routing", "lns:qubits=12,subsolver=exact", "lns:qubits=12,subsolver=none"
    ]
    assert registry.find("solver", "lns").forms == ("routing",)
    assert LargeNeighbourhoodSearch(subsolver="exact:keep=1").ablations() == (
        {"subsolver": "none"},
    )


def test_of_many_unserved_clients_the_nearest_are_looked_at(monkeypatch):
    monkeypatch.setattr("qopt.solvers.route_neighbourhood.MOST_UNSERVED", 1)
    places = np.array([0.0, 5, 6, 30, 31])
    distance = np.abs(places[:, None] - places[None])
    clients = tuple(Client(c, required=c == "a") for c in "abcd")
    routing = Routing((Depot("d"),), clients, (VehicleType(),), distance, distance,
                      shipments=(Shipment(1, 3),))
    part = neighbourhood(routing, (Route(0, (0,)),), [0])
    assert [client.name for client in part.routing.clients] == ["a", "b", "d"]


# -- neighbourhoods -------------------------------------------------------------------------------


def test_a_part_is_evaluated_as_the_whole_is():
    """What a part's routes cost is what the whole loses with them."""
    rng = np.random.default_rng(3)
    distance = rng.integers(1, 30, (8, 8)).astype(float)
    clients = (
        Client("a", demand=2, late=80), Client("b", demand=3), Client("from"), Client("to"),
        Client("c", prize=9, required=False), Client("d", prize=4, required=False),
    )
    vehicles = (VehicleType("van", count=2, capacity=5), VehicleType("bike", count=3, end=None))
    routing = Routing(
        (Depot("north"), Depot("south")), clients, vehicles, distance, distance / 2,
        shipments=(Shipment(2, 3, 1),),
    )
    answer = (Route(0, (0, 1)), Route(1, (2, 3)), Route(1, (4,)))
    part = neighbourhood(routing, answer, [1, 2])
    assert [client.name for client in part.routing.clients] == ["from", "to", "c", "d"]
    assert [(v.name, v.count) for v in part.routing.vehicles] == [("van", 1), ("bike", 3)]
    assert part.routing.shipments == (Shipment(0, 1, 1),)
    inner = part.inner(answer[1:])
    assert part.outer(inner) == answer[1:]
    rest = routing.evaluate_route(answer[0])[0]
    assert part.routing.evaluate(inner)[0] + rest == routing.evaluate(answer)[0]
    first = neighbourhood(routing, answer, [0])
    assert [(v.name, v.count) for v in first.routing.vehicles] == [("van", 2), ("bike", 1)]


def test_neighbours_of_a_route_are_the_nearest_ones():
    places = np.array([0.0, 1, 10, 11, 50, 51])
    distance = np.abs(places[:, None] - places[None])
    answer = tuple(Route(0, pair) for pair in [(0, 1), (2, 3), (4, 5)])
    drawn = {tuple(neighbouring_routes(distance, answer, 2, np.random.default_rng(s)))
             for s in range(20)}
    assert drawn == {(0, 1), (1, 2)}
    assert neighbouring_routes(distance, answer, 9, np.random.default_rng(0)) == [0, 1, 2]
