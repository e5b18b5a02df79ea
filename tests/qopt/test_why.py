"""Diagnoses of infeasible routes: mends of known least size, and brute force on random ones."""

from dataclasses import replace
from itertools import combinations
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import best_cost, routings
from toys import Errands, Pick

import qopt
from qopt.errors import UnknownNameError, UnsupportedError, UsageError
from qopt.forms import Client, Depot, Routing, Shipment, VehicleType
from qopt.impossible import (
    fewest_left_out,
    fewest_more_vehicles,
    impossible_clients,
    reasons,
    shortest_ways,
)
from qopt.mending import Mender, without
from qopt.solver import Budget, Status
from qopt.why import advice, diagnose

HOME = (Depot("home"),)
VAN = (VehicleType("van"),)


def line(places, clients, vehicles=VAN, depots=HOME, **more) -> Routing:
    """Places on a line, the depots first; times are distances."""
    at = np.array(places, dtype=float)
    distance = np.abs(at[:, None] - at[None])
    return Routing(depots, tuple(clients), tuple(vehicles), distance, distance, **more)


def told(routing, **options):
    """A diagnosis, its mends checked by the routing itself, by kind."""
    found = diagnose(routing, **options)
    for mend in found.mends:
        assert mend.changed.evaluate(mend.answer) == (pytest.approx(mend.objective), [])
        assert mend.amount > 0
    return found, {mend.kind: mend for mend in found.mends}


def test_a_window_that_is_missed():
    found, mends = told(line([0, 10, -10], [Client("east", late=12), Client("west", late=12)]))
    assert found.feasible is False
    assert found.finding == "infeasible, proven by cpsat"
    assert {kind: mend.amount for kind, mend in mends.items()} == {
        "drop": 1, "vehicles": 1, "window": 18
    }
    assert {mend.proof for mend in found.mends} == {"cpsat"}
    assert "until 30 instead of 12 (18 later)" in mends["window"].text
    assert mends["vehicles"].text == "1 more of van: 2 instead of 1"
    text = repr(found)
    assert "each of these would mend it" in text
    assert "(proven smallest by cpsat)" in text


def test_a_client_out_of_reach():
    found, mends = told(line([0, 10, 3], [Client("a", late=8), Client("b")]))
    assert found.finding == "infeasible, proven by arithmetic"
    assert found.reasons == (
        "client a: nobody is there before 10, and its window closes at 8",
    )
    assert mends["window"].amount == 2
    assert mends["drop"].proof == "arithmetic: no vehicle can serve it"
    assert "vehicles" not in mends


def test_a_depot_that_closes_before_the_client_opens():
    found, mends = told(
        line([0, 10], [Client("a", early=50, service=5)], depots=(Depot("home", 0, 40),))
    )
    assert "ends at 65 at the earliest, and the vehicle must end by 40" in found.reasons[0]
    assert mends["window"].text.endswith("from 25 instead of 50 (25 earlier)")
    assert mends["closing"].text == "set the closing time of home to 65 instead of 40"


@pytest.mark.parametrize(
    ("vehicle", "kind", "least"),
    [
        ({"max_distance": 15}, "distance", 20),
        ({"late": 15}, "shift", 20),
        ({"max_duration": 15}, "duration", 22),
    ],
)
def test_limits_that_are_too_tight(vehicle, kind, least):
    routing = line([0, 10, 3], [Client("a", service=2 if kind == "duration" else 0), Client("b")],
                   [VehicleType("van", **vehicle)])
    found, mends = told(routing)
    assert mends[kind].amount == least - 15
    assert mends[kind].proof == "cpsat"
    assert f"to {least} instead of 15" in mends[kind].text
    assert found.feasible is False


def test_loads_that_cannot_be_packed():
    vehicles = [VehicleType("van", count=2, capacity=10)]
    clients = [Client(c, demand=6) for c in "abc"]
    _, mends = told(line([0, 5, 9, 14], clients, vehicles))
    assert {kind: mend.amount for kind, mend in mends.items()} == {
        "drop": 1, "vehicles": 1, "capacity": 2
    }
    assert {mend.proof for mend in mends.values()} == {"cpsat"}


def test_too_many_loads_are_counted():
    vehicles = [VehicleType("van", count=1, capacity=10)]
    found, mends = told(line([0, 1, 2, 3], [Client(c, demand=7) for c in "abc"], vehicles))
    assert found.reasons == (
        "the clients demand 21 in all, 1 vehicle of capacity 10 carries 10; at least 3 vehicles "
        "are needed",
    )
    assert mends["drop"].amount == 2
    assert mends["drop"].proof == "arithmetic: the loads exceed what all vehicles carry"
    assert mends["vehicles"].amount == 2
    assert mends["vehicles"].proof == "arithmetic: the loads need that many"
    assert mends["capacity"].amount == 11


def test_a_shipment_that_comes_too_late():
    clients = [Client("p", early=20), Client("q", late=15), Client("b")]
    found, mends = told(line([0, 10, 3, 5], clients, shipments=(Shipment(0, 1, 1),)))
    assert "the load from client p is at client q at 27 at the earliest" in found.reasons[0]
    assert mends["drop"].amount == 2
    assert "client q until 27 instead of 15" in mends["window"].text


def test_a_feasible_instance_is_said_to_be_so():
    found, mends = told(line([0, 1, 2], [Client("a"), Client("b")]), client="b")
    assert found.feasible
    assert found.finding == (
        "feasible: an answer of objective 4 violates nothing; it serves client b"
    )
    assert mends == {}
    (route,) = found.to_json()["answer"]
    assert route["vehicle"] == "van"
    assert set(route["clients"]) == {"a", "b"}


def test_a_client_that_is_not_worth_the_way():
    clients = [Client("a", prize=5, required=False), Client("b")]
    found, mends = told(line([0, 10, 3], clients), client="a")
    assert found.feasible
    assert "leaves out client a" in found.finding
    assert "costs 14 more, its prize is 5" in mends["prize"].text
    assert mends["prize"].amount == 9
    assert "would have it served" in repr(found)
    rich = [Client("a", prize=50, required=False), Client("b")]
    assert "serves client a" in told(line([0, 10, 3], rich), client="a")[0].finding


def test_an_optional_client_that_nobody_can_serve():
    clients = [Client("a", prize=50, required=False, late=7), Client("b")]
    found, mends = told(line([0, 10, 3], clients), client="a")
    assert found.reasons == (
        "client a: nobody is there before 10, and its window closes at 7",
    )
    assert list(mends) == ["window"]
    assert mends["window"].amount == 3


def test_the_client_asked_about_is_the_one_to_leave_out():
    routing = line([0, 10, -10], [Client("east", late=12), Client("west", late=12)])
    for name in ("east", "west"):
        _, mends = told(routing, client=name)
        assert mends["drop"].text == f"leave out 1 client: {name}"
        assert f"client {name} until 30" in mends["window"].text


def test_what_cannot_be_asked():
    routing = line([0, 1], [Client("a")])
    with pytest.raises(UnknownNameError, match="unknown client 'z'"):
        diagnose(routing, client="z")
    with pytest.raises(UsageError, match="above 0 seconds"):
        diagnose(routing, time_limit=0.0)


@pytest.mark.usefixtures("toy_registry")
def test_problems_that_give_routes_and_others():
    routing = line([0, 10, 3], [Client("a", late=8), Client("b")])
    found = qopt.diagnose(Errands(routing=routing))
    assert found.to_json()["mends"][0]["answer"] == [[0, [1]]]
    with pytest.raises(UnsupportedError, match="why explains routes, and pick gives qubo"):
        diagnose(Pick())
    late = qopt.solve(Errands(routing=routing), "cpsat")
    assert advice(late, "a.toml").startswith("qopt why a.toml ")
    open_end = replace(late, record=replace(late.record, status=Status.TIME_LIMIT))
    assert advice(open_end, "a.toml").startswith("qopt why a.toml ")
    hasty = replace(open_end, record=replace(open_end.record, budget={"time_limit": 0.0}))
    assert advice(hasty, "a.toml").startswith("a time limit of 0 s was too short")
    fine = line([0, 1], [Client("a")])
    assert advice(qopt.solve(Errands(routing=fine), "cpsat"), "a.toml") == ""
    assert advice(qopt.solve(Pick(), "brute"), "a.pick") == ""


def test_a_cvrp_is_explained_in_its_own_terms(tmp_path):
    file = tmp_path / "small.vrp"
    file.write_text(
        "NAME : small\nTYPE : CVRP\nDIMENSION : 3\nEDGE_WEIGHT_TYPE : EUC_2D\nCAPACITY : 10\n"
        "NODE_COORD_SECTION\n1 0 0\n2 0 5\n3 5 0\nDEMAND_SECTION\n1 0\n2 6\n3 7\n"
        "DEPOT_SECTION\n1\n-1\nEOF\n"
    )
    found = diagnose(file, settings={"vehicles": "1"})
    assert found.feasible is False
    assert found.subject.name == "small"
    assert [(m.kind, m.amount, m.proof[:10]) for m in found.mends] == [
        ("drop", 1, "arithmetic"), ("vehicles", 1, "arithmetic"), ("capacity", 3, "cpsat")
    ]
    assert diagnose(file).feasible


def test_a_load_above_the_largest_vehicle():
    vehicles = [VehicleType("van", capacity=5), VehicleType("bike", capacity=2)]
    clients = [
        Client("heavy", demand=9), Client("a", demand=2), Client("from"), Client("to"),
        Client("far", required=False, prize=1.0),
    ]
    routing = line([0, 1, 2, 3, 4, 50], clients, vehicles, shipments=(Shipment(2, 3, 7),))
    found, mends = told(routing)
    assert found.reasons == (
        "client heavy: its load 9 is above the largest capacity 5",
        "client from: its load 7 is above the largest capacity 5",
        "client to: its load 7 is above the largest capacity 5",
        "the clients demand 11 in all, 2 vehicles carry 7",
    )
    assert mends["drop"].text == "leave out 3 clients: heavy, from and to"
    larger = [m.changed.vehicles for m in found.mends if m.kind == "capacity"]
    assert [(van.capacity, bike.capacity) for van, bike in larger] == [(9, 2), (5, 9)]
    assert "optional and not visited, its prizes in the objective: far" in repr(found)
    assert found.to_json()["mends"][0]["optional_not_visited"] == ["far"]
    run = qopt.solve(routing, "sa")
    assert run.status is Status.PROVEN_INFEASIBLE
    assert "; and 1 more; proven by arithmetic before the run" in run.record.reason
    assert advice(run, "my stops.csv", "vrp", {"capacity": "5"}).startswith(
        "qopt why 'my stops.csv' --kind vrp --set capacity=5 "
    )


def test_times_are_told_as_the_file_writes_them(tmp_path):
    file = tmp_path / "stops.csv"
    file.write_text(
        "name,type,x,y,early,late\nhome,depot,0,0,08:00,18:00\n"
        "a,client,90.2,0,,09:00\nb,client,1,0,,12:00\n"
    )
    found = diagnose(file, settings={"speed": "1", "time_unit": "minutes"})
    assert found.reasons == (
        "client a: nobody is there before 09:30:12, and its window closes at 09:00",
    )
    mends = {mend.kind: mend.text for mend in found.mends}
    assert mends["window"] == (
        "open the window of client a until 09:30:12 instead of 09:00 (00:30:12 later)"
    )



# -- against brute force --------------------------------------------------------------------------


def fewest(routing) -> int:
    """Required clients that must be left out, by trying every set of them."""
    required = [c for c, client in enumerate(routing.clients) if client.required]
    for size in range(len(required) + 1):
        for left in combinations(required, size):
            halves = [len({s.pickup, s.delivery} & set(left)) == 1 for s in routing.shipments]
            if not any(halves) and best_cost(without(routing, list(left))) is not None:
                return size
    raise AssertionError("an answer without clients is always feasible")


@settings(deadline=None, max_examples=25)
@given(routing=routings(mixed=False), tight=st.sampled_from([inf, 14.0, 6.0]))
def test_fewest_clients_are_left_out(routing, tight):
    routing = replace(routing, clients=tuple(
        replace(client, late=max(client.early, min(client.late, client.early + tight)))
        for client in routing.clients
    ))
    least = fewest(routing)
    assert fewest_left_out(routing)[0] <= least
    mend = Mender(routing, Budget(time_limit=20.0).start()).drop()
    if least == 0:
        assert mend is None
        return
    assert mend is not None
    assert mend.amount >= least
    if mend.proof:
        assert mend.amount == least


@settings(deadline=None, max_examples=40)
@given(routing=routings(), capacity=st.sampled_from([0.0, 1.0, 2.0]))
def test_reasons_are_proofs(routing, capacity):
    small = tuple(replace(v, count=1, capacity=capacity) for v in routing.vehicles)
    routing = replace(routing, vehicles=small)
    if reasons(routing):
        assert best_cost(routing) is None


@settings(deadline=None, max_examples=40)
@given(routing=routings())
def test_what_arithmetic_rules_out_is_impossible(routing):
    for c, reason in impossible_clients(routing, range(len(routing.clients))).items():
        assert reason
        pairs = [{s.pickup, s.delivery} for s in routing.shipments]
        both = next((pair for pair in pairs if c in pair), {c})
        needed = replace(routing, clients=tuple(
            replace(client, required=i in both) for i, client in enumerate(routing.clients)
        ))
        assert best_cost(needed) is None


def test_the_shortest_way_may_lead_elsewhere():
    ways = np.array([[0.0, 9, 2], [5, 0, 1], [7, 3, 0]])
    assert shortest_ways(ways, 0).tolist() == [0, 5, 2]
    # The direct way to "far" takes 9 and the window closes at 6: over "near" it takes 5.
    routing = Routing(HOME, (Client("far", late=6), Client("near")), VAN, ways, ways)
    assert impossible_clients(routing) == {}


def test_vehicles_that_the_loads_need():
    vehicles = [VehicleType("van", count=1, capacity=10), VehicleType("truck", capacity=15)]
    routing = line([0, 1, 2, 3, 4], [Client(c, demand=9) for c in "abcd"], vehicles)
    assert fewest_more_vehicles(routing, 0) == 2
    assert fewest_more_vehicles(routing, 1) == 1
    assert fewest_more_vehicles(line([0, 1], [Client("a", demand=1)]), 0) == 0


def test_a_smaller_change_that_the_proof_finds_is_told(monkeypatch):
    """Local search that stops too early is put right by the solver that was to prove it."""
    routing = line([0, 10, -10], [Client("east", late=12), Client("west", late=12)])
    mender = Mender(routing, Budget(time_limit=20.0).start())
    right = next(mender.vehicles())
    poor = (3.0, right.answer)
    monkeypatch.setattr(Mender, "_least", lambda self, *given, **more: poor)
    (mend,) = mender.vehicles()
    assert mend.amount == 2
    (better,) = mender.proven([mend])
    assert (better.amount, better.proof) == (1, "cpsat")
    assert better.text == "1 more of van: 2 instead of 1"
    assert better.changed.evaluate(better.answer)[1] == []
