"""The table of encodings: generic over lowerings, honest about what was not made."""

import json
from math import ceil, lgamma, log

import numpy as np
import pytest
from toys import Errands, Pick

import qopt
from qopt import registry
from qopt.devices import DeviceSize, device_sizes
from qopt.errors import SizeError, UnknownNameError, UsageError
from qopt.forms import Client, Depot, Penalties, Program, Routing, VehicleType, route_pool
from qopt.loading import as_problem
from qopt.problems.routing import Tsp, edges, onehot
from qopt.qubits import HEAD, MOST_MADE, MOST_SEARCHED, encodings, merged, remarks


def by_name(problem, options=None):
    return {row.name: row for row in encodings(problem, options)}


def fits(row):
    return {size.name for size in row.fits}


def test_every_value_of_the_encoding_has_a_row():
    rows = by_name(qopt.load("burma14"))
    assert list(rows) == ["one-hot", "edges", "rank"]
    one_hot, by_edges, rank = rows.values()
    assert (one_hot.qubits, one_hot.groups, one_hot.states) == (169, 13, 13**13)
    assert one_hot.bound == "valid"
    assert fits(one_hot) == {"mps"}
    model = qopt.load("burma14").to_qubo(encoding="edges").model
    assert (by_edges.qubits, by_edges.grows) == (91, True)
    assert by_edges.pairs == model.num_interactions
    assert by_edges.bound == "relaxed"
    assert by_edges.smallest.qubits == 120
    assert by_edges.options == {"encoding": "edges"}
    assert (rank.form, rank.qubits, rank.pairs, rank.fits) == ("table", 32, None, ())
    assert rank.reason.startswith("not made: the table of all tours by rank takes at most 24")


def test_small_instances_fit_more():
    rows = by_name(qopt.load("burma5"))
    assert {name: row.qubits for name, row in rows.items()} == {
        "one-hot": 16, "edges": 10, "rank": 4,
    }
    assert {"statevector", "mps", "aer:torino"} <= fits(rows["edges"])
    assert fits(rows["rank"]) == {"statevector"}
    assert rows["edges"].smallest.name == "aer:melbourne"
    assert rows["one-hot"].penalties == Penalties(665.0, 999.0, 153.0, 997.0)


def test_groups_need_only_the_states_that_keep_them():
    model = qopt.Qubo.from_matrix(np.ones((40, 40)), groups=[qopt.forms.Group(range(40), 3)])
    row = encodings(as_problem(model))[0]
    assert (row.name, row.qubits, row.groups, row.states) == ("qubo", 40, 1, 9880)
    assert {"statevector", "mps"} <= fits(row)
    loose = encodings(as_problem(model.with_groups([])))[0]
    assert (loose.groups, loose.states) == (0, None)
    assert "statevector" not in fits(loose)


def test_large_instances_are_counted_and_not_made(monkeypatch):
    for module, name in ((edges, "edge_qubo"), (onehot, "tour_qubo")):
        monkeypatch.setattr(module, name, lambda *given: pytest.fail("it was made"))
    rows = by_name(Tsp(distance=np.ones((280, 280))))
    assert {name: row.qubits for name, row in rows.items()} == {
        "one-hot": 279**2, "edges": 39060, "rank": ceil(lgamma(280) / log(2) - 1),
    }
    assert rows["one-hot"].reason == f"not made: above {MOST_MADE} bits only these are counted"
    assert all(row.fits == () for row in rows.values())
    assert all(row.bound is None for row in rows.values())


def test_programs_and_routes_go_on_to_qubos():
    program = Program.build(linear=[-1.0, -2.0, -3.0], constraints=[("c", [0, 1, 2], 1, "<=", 2)])
    rows = by_name(as_problem(program))
    assert list(rows) == ["slack=exact", "slack=unbalanced"]
    assert (rows["slack=exact"].qubits, rows["slack=exact"].bound) == (5, "valid")
    assert (rows["slack=unbalanced"].qubits, rows["slack=unbalanced"].bound) == (3, "none")
    assert rows["slack=exact"].penalties.smallest == 1.0
    unbounded = by_name(as_problem(Program.build(linear=[1.0], upper=[np.inf])))
    assert all("not made: " in row.reason and row.qubits is None for row in unbounded.values())


@pytest.mark.usefixtures("toy_registry")
def test_plug_ins_need_nothing_for_it():
    row = by_name(Pick())["qubo"]
    assert (row.qubits, row.groups, row.states, row.bound) == (5, 1, 10, "valid")
    assert row.penalties is not None       # by the groups' own weights
    distance = np.array([[0.0, 3, 4], [3, 0, 5], [4, 5, 0]])
    routing = Routing(
        (Depot("home"),), (Client("a"), Client("b")), (VehicleType(count=2),), distance, distance
    )
    columns = by_name(Errands(routing=routing))["qubo"]
    assert (columns.bound, columns.fits != ()) == ("none", True)


def errand_ring(clients, count=8):
    """Clients of load 1, four to a vehicle."""
    distance = np.ones((clients + 1, clients + 1)) - np.eye(clients + 1)
    return Routing(
        (Depot("home"),), tuple(Client(f"c{i}", demand=1.0) for i in range(clients)),
        (VehicleType(count=count, capacity=4.0),), distance, distance,
    )


@pytest.mark.usefixtures("toy_registry")
def test_routes_of_many_clients_are_counted_without_a_search(monkeypatch):
    monkeypatch.setattr(
        route_pool, "search_answers", lambda *given, **more: pytest.fail("it searched")
    )
    problem = Errands(routing=errand_ring(MOST_SEARCHED + 1))
    row = by_name(problem, {"columns": "15"})["qubo"]
    assert (row.qubits, row.pairs, row.bound) == (15, None, None)
    assert "at most 15 bits" in row.reason
    assert "statevector" in fits(row)
    few = by_name(problem, {"columns": 6})["qubo"]
    assert few.qubits is None
    assert "set columns to 7 or more" in few.reason
    for name, value in (("columns", 0), ("columns", "x"), ("weight", -1.0), ("seed", -1)):
        with pytest.raises(UsageError, match=name):
            encodings(problem, {name: value})


def test_options_reach_the_lowerings_that_know_them():
    problem = qopt.load("tiny-n6-k3")
    rows = by_name(problem, {"columns": "3", "encoding": "columns"})
    assert list(rows) == ["columns"]
    assert rows["columns"].qubits <= 3
    assert rows["columns"].options == {"columns": "3", "encoding": "columns"}
    assert rows["columns"].bound == "none"
    assert list(by_name(qopt.load("burma5"), {"weight": "3"})) == ["one-hot", "edges", "rank"]
    with pytest.raises(UnknownNameError, match="did you mean 'columns'"):
        encodings(problem, {"column": 12})
    with pytest.raises(UsageError, match="above 0"):
        encodings(qopt.load("burma5"), {"weight": -1.0, "encoding": "edges"})


def test_rows_are_text_and_json():
    rows = encodings(qopt.load("burma14"))
    assert all(len(row.cells) == len(HEAD) for row in rows)
    one_hot, by_edges, rank = (row.cells for row in rows)
    assert one_hot[:2] == ("one-hot", "169")
    assert by_edges == (
        "edges", "91+", "1092", "0", "162-521 : 19-1.26e+03", "relaxed", "mps, aer:berlin (120)*"
    )
    assert rank == ("rank", "32", "–", "–", "–", "–", "–")
    lines = remarks(rows)
    assert lines[0].startswith("rank: not made")
    assert [line[0] for line in lines[1:3]] == ["+", "*"]
    assert lines[3] == (
        "A solver takes a row by its options: --solver NAME:lower.encoding=edges is edges."
    )
    assert "the finer a device must tell costs apart" in lines[4]
    assert lines[5].startswith("bound, on the model: valid, it is one on the instance")
    assert "; relaxed, it is one on the instance, whose" in lines[5]
    assert "none" not in lines[5]
    assert "depth is another" in lines[-2]
    # 0.997 to the power of 3900 and 1092 pairs
    assert lines[-1].endswith("every pair coupled: one-hot < 0.01 %, edges 3.8 %.")
    data = json.loads(json.dumps([row.to_json() for row in rows], allow_nan=False))
    assert data[1]["smallest_device"] == "aer:berlin"
    assert {"device": "aer:berlin", "qubits": 120, "simulated_here": False} in data[1]["fits"]


def test_rows_that_come_to_the_same_are_one():
    rows = encodings(qopt.load("sp500-20-k5"))
    one, = merged(rows)
    assert (one.name, one.qubits) == ("unary, binary, one-hot", 20)
    assert one.options == rows[0].options
    assert merged(encodings(qopt.load("burma5"))) == encodings(qopt.load("burma5"))


def test_what_a_device_holds():
    size = DeviceSize("d", 10, states=100, forms=("qubo",))
    assert size.holds("qubo", 10)
    assert not size.holds("qubo", 11)
    assert size.holds("qubo", 50, 100)
    assert not size.holds("qubo", 50, 101)
    assert not size.holds("table", 2)
    assert not DeviceSize("d", 10).holds("qubo", 11, 5)


def test_devices_are_published_as_data(monkeypatch):
    names = {size.name for size in device_sizes()}
    assert {"statevector", "mps", "aer:torino", "aer:fez"} <= names
    monkeypatch.setattr(registry, "_installed", lambda module: False)
    left = {size.name for size in device_sizes()}
    # Braket's family probes its own simulator: its other devices need none.
    assert left - {"braket:local"} == {"statevector", "mps"}


def test_penalties_of_nothing():
    assert Penalties.of([], [1.0]) is None
    assert Penalties.of([2.0], [0.0]) is None
    assert Penalties.of([2.0, 0.0, 4.0], [0.0, -3.0, 0.5]) == Penalties(2.0, 4.0, 0.5, 3.0)


def test_a_model_that_is_too_large_names_the_options_that_change_its_size():
    with pytest.raises(SizeError, match=r"; or set lower\.encoding, lower\.preselect.* qopt qubit"):
        qopt.solve(qopt.load("factor-120-k10"), "exact", presolve=False)
    free = np.triu(np.ones((40, 40)))
    with pytest.raises(SizeError) as bare:
        qopt.solve(qopt.Qubo.from_matrix(free), "exact", presolve=False)
    assert "lower." not in str(bare.value)
