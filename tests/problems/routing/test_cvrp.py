import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

import qopt
from qopt.errors import (
    InputError,
    ParseError,
    SizeError,
    UnknownNameError,
    UnsupportedError,
    UsageError,
)
from qopt.forms import Program, Qubo, Route, Routing
from qopt.problem import fingerprint
from qopt.problems.routing import Cvrp
from qopt.solver import Status
from qopt.testing import _best_routing, check_problem

INSTANCES = Path(str(files("qopt.instances"))) / "cvrp"

E13 = [[1], [8, 5, 3], [9, 12, 10, 6], [11, 4, 7, 2]]
P16 = [[2], [6], [8], [15, 12, 10], [14, 5], [13, 9, 7], [11, 4], [3, 1]]

FILE = """NAME : turned
TYPE : CVRP
DIMENSION : 4
EDGE_WEIGHT_TYPE : EUC_2D
CAPACITY : 10
NODE_COORD_SECTION
1 0 3
2 4 0
3 0 0
4 4 3
DEMAND_SECTION
1 7
2 5
3 0
4 2
DEPOT_SECTION
3
-1
EOF
"""


@pytest.fixture
def small():
    """Three clients, of which any two fit a vehicle."""
    return Cvrp(
        distance=[[0, 3, 4, 5], [3, 0, 5, 4], [4, 5, 0, 3], [5, 4, 3, 0]],
        demand=[5, 5, 5], capacity=10,
    )


@pytest.fixture
def turned(tmp_path):
    path = tmp_path / "turned.vrp"
    path.write_text(FILE)
    return path


# -- reading ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "routes", "cost"), [("E-n13-k4", E13, 247), ("P-n16-k8", P16, 450)]
)
def test_known_answers_have_their_known_costs(name, routes, cost):
    problem = qopt.load(INSTANCES / f"{name}.vrp")
    score = problem.score(problem.decode_answer({"routes": routes}))
    assert (score.objective, score.feasible) == (cost, True)


def test_the_small_bundled_instance_has_its_reference():
    problem = qopt.load(INSTANCES / "tiny-n6-k3.toml")
    assert problem.reference.value == _best_routing(problem.routing)
    check_problem(problem)


def test_the_depot_may_be_any_node(turned):
    problem = Cvrp.load(turned)
    # Nodes 3, 1, 2, 4: the depot, then the clients in the order of the file.
    assert problem.distance[0].tolist() == [0, 3, 4, 5]
    assert problem.demand.tolist() == [7, 5, 2]
    assert problem.coordinates.tolist() == [[0, 0], [0, 3], [4, 0], [4, 3]]
    assert problem.score((Route(0, (0, 2)), Route(0, (1,)))).objective == 12 + 8


def test_vehicles_are_those_asked_for_or_of_the_file(turned):
    assert Cvrp.load(turned).vehicles is None
    assert "at least 2" in Cvrp.load(turned).describe()["vehicles"]
    turned.write_text(FILE.replace("CAPACITY", "VEHICLES : 2\nCAPACITY"))
    assert Cvrp.load(turned).describe()["vehicles"] == 2
    assert qopt.load(turned, vehicles="3").vehicles == 3


def test_a_fleet_that_cannot_carry_the_demand_is_not_run(turned):
    for solver in ("auto", "pyvrp", "sa", "milp"):
        none = qopt.solve(Cvrp.load(turned, vehicles=1), solver)
        assert none.status is Status.PROVEN_INFEASIBLE
        assert "demand 14 in all, 1 vehicle of capacity 10 carries 10; at least 2 veh" in repr(none)
    several = qopt.compare([Cvrp.load(turned, vehicles=1)], ["pyvrp", "sa"], seeds=[0])
    told = several.instances[0].findings.sentences[0]
    assert told == "No solver found a feasible answer; arithmetic proves that there is none."
    turned.write_text(FILE.replace("1 7", "1 17"))
    heavy = qopt.solve(Cvrp.load(turned), "random")
    assert heavy.status is Status.PROVEN_INFEASIBLE
    assert "client 1: its load 17 is above the largest capacity 10" in heavy.record.reason


def test_the_fleet_of_qoblib_is_that_of_the_name(turned):
    named = turned.rename(turned.with_name("XSH-n3-k4-01.vrp"))
    assert Cvrp.load(named).vehicles is None
    named.write_text("# This file is part of QOBLIB\n" + FILE)
    assert Cvrp.load(named).vehicles == 4
    assert Cvrp.load(named, vehicles=5).vehicles == 5
    assert Cvrp.load(named.rename(named.with_name("XSH.vrp"))).vehicles is None


def test_a_limit_on_the_route_counts_service(turned):
    limited = Cvrp.load(turned)
    turned.write_text(FILE.replace("CAPACITY", "DISTANCE : 11\nCAPACITY"))
    short = Cvrp.load(turned)
    assert short.describe()["longest route"] == 11
    pair = (Route(0, (0, 2)), Route(0, (1,)))
    assert limited.score(pair).feasible
    assert [str(v) for v in short.score(pair).violations] == [
        "route 1: distance 12 over the limit 11"
    ]
    turned.write_text(FILE.replace("CAPACITY", "DISTANCE : 13\nSERVICE_TIME : 1\nCAPACITY"))
    served = Cvrp.load(turned)
    assert [str(v) for v in served.score(pair).violations] == [
        "route 1: duration 14 over the limit 13"
    ]
    assert served.score(pair).objective == 20


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"demand": [1, 2]}, "need 3 demands"),
        ({"demand": [1, -2, 1]}, "client 2 has demand -2"),
        ({"demand": [1, float("nan"), 1]}, "client 2 has demand nan"),
        ({"capacity": float("nan")}, "capacity must be finite"),
        ({"capacity": -1}, "capacity must be finite and at least 0"),
        ({"vehicles": 0}, "at least 1"),
        ({"max_distance": float("nan")}, "longest route"),
        ({"service": -1.0}, "service time"),
        ({"distance": np.ones((3, 4))}, "square"),
    ],
)
def test_wrong_data_are_refused(small, changes, message):
    data = {"distance": small.distance, "demand": small.demand, "capacity": 10}
    with pytest.raises(InputError, match=message):
        Cvrp(**{**data, **changes})


# -- judging ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("routes", "words"),
    [
        ([[1, 2, 3]], ["route 1: load 15 over capacity 10"]),
        ([[1, 2]], ["client 3 is not visited"]),
        ([[1, 2], [3, 1]], ["client 1 is visited 2 times"]),
        ([[1, 2], [3, 4]], ["route 2: client 3 does not exist", "client 3 is not visited"]),
    ],
)
def test_violations_are_said_in_words(small, routes, words):
    score = small.score(small.decode_answer({"routes": routes}))
    assert {v.text for v in score.violations} >= {words[0]}
    assert not score.feasible


def test_a_fleet_that_is_too_small_is_said():
    problem = Cvrp(distance=np.ones((4, 4)), demand=[1, 1, 1], capacity=3, vehicles=1)
    score = problem.score(problem.decode_answer({"routes": [[1, 2], [3]]}))
    assert [str(v) for v in score.violations] == ["2 routes for 1 of vehicle"]


def test_answers_in_json_and_in_sol_files(small, tmp_path):
    answer = (Route(0, (2, 0)), Route(0, ()), Route(0, (1,)))
    data = json.loads(json.dumps(small.encode_answer(answer)))
    assert data == {"routes": [[3, 1], [2]], "loads": [10.0, 5.0]}
    assert small.score(small.decode_answer(data)) == small.score(answer)
    path = tmp_path / "a.sol"
    path.write_text(small.to_sol(answer))
    assert path.read_text() == "Route #1: 3 1\nRoute #2: 2\nCost 20\n"
    assert small.score(small.read_sol(path)) == small.score(answer)
    path.write_text("Route #1: 1 two\n")
    with pytest.raises(ParseError, match="'two'"):
        small.read_sol(path)
    with pytest.raises(InputError, match="routes are written as"):
        small.decode_answer([1, 2])


def test_a_fingerprint_tells_fleets_apart_and_not_names(small):
    data = {"distance": small.distance, "demand": small.demand, "capacity": 10}
    assert fingerprint(Cvrp(**data, name="other")) == fingerprint(small)
    assert fingerprint(Cvrp(**data, vehicles=2)) != fingerprint(small)
    assert fingerprint(Cvrp(**data, max_distance=50.0)) != fingerprint(small)


# -- lowering -----------------------------------------------------------------------------------


def test_the_routing_form_is_the_instance(small):
    lowering = small.lower(Routing)
    answer = (Route(0, (0, 1)), Route(0, (2,)))
    assert lowering.decode(lowering.encode(answer)) == answer
    assert lowering.model.vehicles[0].count == 3
    assert not lowering.model.has_time_windows
    assert lowering.model.evaluate(answer)[0] == small.score(answer).objective


def test_qubits_are_told_and_the_bound_is_not_the_instances():
    problem = qopt.load(INSTANCES / "P-n16-k8.vrp")
    lowering = problem.lower(Qubo)
    n = lowering.model.num_variables
    assert n <= 20
    assert not lowering.complete
    assert f"15 clients in {n} route columns = {n} qubits" in lowering.notes[0]
    assert "not valid for the whole instance" in lowering.notes[0]
    assert "reached 450" in lowering.notes[1]
    assert lowering.notes[2].endswith("proven sufficient")


@pytest.mark.parametrize(("name", "optimum"), [("E-n13-k4", 247), ("P-n16-k8", 450)])
def test_columns_of_known_instances_hold_the_optimum(name, optimum):
    problem = qopt.load(INSTANCES / f"{name}.vrp")
    lowering = problem.to_qubo()
    model = lowering.model.penalised()
    n = model.num_variables
    bits = (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.int8)
    best = bits[model.energies(bits).argmin()]
    score = problem.score(lowering.decode(best))
    assert (score.objective, score.feasible) == (optimum, True)
    assert model.energy(best) == optimum


def test_lowering_options_are_checked(small):
    assert small.lower(Qubo, columns="7").model.num_variables <= 7
    weights = {g.weight for g in small.lower(Qubo, weight=100).model.groups}
    assert weights == {100.0}
    with pytest.raises(UnknownNameError, match="did you mean 'columns'"):
        small.lower(Qubo, column=7)
    with pytest.raises(UnknownNameError):
        small.lower(Program, columns=7)
    with pytest.raises(UsageError, match="columns must be at least 1"):
        small.to_qubo(columns=0)
    with pytest.raises(UsageError, match="weight must be above 0"):
        small.to_qubo(weight=-1.0)
    with pytest.raises(SizeError, match="set columns to 2 or more"):
        small.to_qubo(columns=1)


def test_sizes_are_refused_before_the_search():
    problem = Cvrp(distance=np.ones((302, 302)), demand=np.ones(301), capacity=10)
    with pytest.raises(SizeError, match="set columns to 31 or more"):
        problem.to_qubo()
    with pytest.raises(SizeError, match="300 nodes"):
        problem.to_program()


def test_a_fleet_that_cannot_be_packed_is_said():
    problem = Cvrp(distance=np.ones((4, 4)), demand=[6, 6, 6], capacity=10, vehicles=2)
    with pytest.raises(UnsupportedError, match=r"no feasible routes .*clients: 3, vehicles: 2\)"):
        problem.to_qubo()


def test_a_file_without_clients_is_told_with_its_name(tmp_path):
    path = tmp_path / "lonely.vrp"
    path.write_text(
        "NAME : lonely\nTYPE : CVRP\nDIMENSION : 1\nEDGE_WEIGHT_TYPE : EUC_2D\nCAPACITY : 9\n"
        "NODE_COORD_SECTION\n1 0 0\nDEMAND_SECTION\n1 0\nDEPOT_SECTION\n1\n-1\nEOF\n"
    )
    with pytest.raises(ParseError, match=r"lonely\.vrp"):
        Cvrp.load(path)
