"""What drifted between two calibrations, and which runs and circuits it touches."""

from dataclasses import replace

import factories as make
import pytest

from qopt.calibration import Calibration, GateCalibration, QubitCalibration
from qopt.drift import (
    Drift,
    recompiled,
    recompiled_run,
    recompiled_runs,
    touched,
)
from qopt.errors import InputError, SizeError, UnsupportedError, UsageError
from qopt.loading import load
from qopt.run import solve
from qopt.solver import Usage


def line(qubits: int = 5, *, name: str = "ibm_line", date: str = "2026-01-02", **errors: float):
    """Qubits in a line; ``errors`` of couplings by their first qubit: ``_2=0.5``."""
    gates = {
        name: tuple(GateCalibration((k,), error, 3e-8) for k in range(qubits))
        for name, error in (("rz", 0.0), ("sx", 1e-3), ("x", 1e-3))
    }
    gates["cz"] = tuple(
        GateCalibration((k, k + 1), errors.get(f"_{k}", 0.01), 7e-8) for k in range(qubits - 1)
    )
    one = QubitCalibration(2e-4, 1e-4, None, 0.02, 0.04, 1e-6)
    return Calibration(name, date, (one,) * qubits, gates, dt=4e-9)


def test_equal_calibrations_do_not_drift():
    drift = Drift(line(), replace(line(), source="elsewhere"))
    assert drift.same
    assert drift.changes == drift.died == drift.revived == drift.qubits_died == []


def test_what_died_and_what_came_back_is_told():
    drift = Drift(line(_1=0.9, _2=0.02), line(_0=0.5, _2=0.08))
    assert not drift.same
    assert drift.died == [(0, 1)]
    assert drift.revived == [(1, 2)]
    # what was or is dead has died or come back, and has not drifted
    assert [(c.what, c.at, c.before, c.after) for c in drift.changes] == [
        ("cz", (2, 3), 0.02, 0.08)
    ]
    before, after = drift.spreads["cz"]
    assert (before.worst, after.worst, before.dead, after.dead) == (0.02, 0.08, 1, 1)


def test_a_dead_qubit_takes_its_couplings_along():
    dead = line()
    sx = list(dead.gates["sx"])
    sx[4] = replace(sx[4], error=0.3)
    drift = Drift(line(), replace(dead, gates={**dead.gates, "sx": tuple(sx)}))
    assert drift.qubits_died == [4]
    assert drift.died == [(3, 4)]
    back = Drift(drift.after, drift.before)
    assert (back.qubits_revived, back.revived) == ([4], [(3, 4)])


def test_the_largest_change_comes_first():
    later = line(_0=0.011, _3=0.002)
    qubits = (replace(later.qubits[0], t1=1e-4, misread_zero=0.0, misread_one=0.0),
              *later.qubits[1:])
    changes = Drift(line(), replace(later, qubits=qubits)).changes
    assert [(c.what, c.at) for c in changes] == [
        ("readout", (0,)), ("cz", (3, 4)), ("t1", (0,)), ("cz", (0, 1))
    ]


def test_two_devices_are_compared_as_wholes():
    for other in (line(7, name="ibm_other"), line(4)):
        drift = Drift(line(), other)
        assert not drift.one_device
        assert drift.changes == drift.died == drift.qubits_revived == []
        assert drift.to_json()["after"]["connected_qubits"] == len(other.qubits)


def test_runs_are_sorted_by_their_calibration():
    old, new = line(), line(_0=0.02)
    records = [
        make.record(1.0, details={"calibration_hash": key}, usage=Usage(device=device), seed=seed)
        for seed, (key, device) in enumerate([
            (old.key, "aer:ibm_line"), (new.key, "aer:line with noise x0.5"), ("third", "aer:line"),
            (None, "ibm:ibm_line"), (None, "aer:other"), (None, ""),
        ])
    ]
    found = touched(records, Drift(old, new))
    told = [[record.seed for record in part] for part in (found.before, found.after, found.other)]
    assert told == [[0], [1], [2, 3]]
    assert found.to_json()["before"][0]["calibration_hash"] == old.key


@pytest.fixture
def files(tmp_path):
    def write(*calibrations: Calibration) -> tuple[str, ...]:
        names = [tmp_path / f"{k}.json" for k in range(len(calibrations))]
        for name, calibration in zip(names, calibrations, strict=True):
            calibration.write(name)
        return tuple(map(str, names))

    return write


SOLVER = "qaoa:presolve=false,optimisation_level=1,compile_tries=1"


def triangle():
    import numpy as np

    from qopt.forms import Qubo

    return Qubo.from_arrays(np.array([1.0, -2.0, 1.5]), [0, 0, 1], [1, 2, 2], [1.0, -1.0, 2.0])


def test_a_circuit_moves_away_from_a_coupling_that_died(files):
    from qopt.loading import as_problem

    problem = as_problem(triangle())
    good = line(_0=0.001, _1=0.001)
    devices = files(good, replace(good, source="again"), line(_0=0.9, _1=0.9))
    same = recompiled(problem, SOLVER, devices[:2])
    assert not same.changes
    assert same.reproduced is None
    moved = recompiled(problem, SOLVER, (devices[0], f"aer:{devices[2]}"))
    assert moved.changes
    assert set(moved.before.physical) == {0, 1, 2}
    assert set(moved.after.physical) == {2, 3, 4}
    assert moved.to_json()["changes"] is True


def test_what_cannot_be_compiled_is_said(files, monkeypatch):
    from qopt.loading import as_problem

    problem, devices = as_problem(triangle()), files(line(), line(2))
    with pytest.raises(SizeError, match="at most 2 qubits"):
        recompiled(problem, SOLVER, devices)
    with pytest.raises(UsageError, match="unknown option"):
        recompiled(problem, "sa", devices)
    with pytest.raises(UnsupportedError, match="presolve=false leaves them"):
        recompiled(problem, "qaoa", devices)
    monkeypatch.delattr("qopt.solvers.qaoa.Qaoa.compile_only")
    with pytest.raises(UnsupportedError, match="compiles no circuit"):
        recompiled(problem, "qaoa", devices)


def test_a_stored_run_is_compiled_again(files, tmp_path):
    old, new = files(line(_0=0.001, _1=0.001), line(_0=0.9, _1=0.9))
    model = tmp_path / "three.csv"
    model.write_text("1,0.5,-0.5\n0.5,-2,1\n-0.5,1,1.5\n")
    problem = load(model)
    record = solve(problem, f"{SOLVER},device=aer:{old},shots=20", seed=3).record
    again = recompiled_run(record, (old, new))
    assert again.before.hash == record.details["circuit_hash"]
    assert again.reproduced
    assert again.changes
    model.write_text("1,0.5,-0.5\n0.5,-2,1\n-0.5,1,9\n")
    with pytest.raises(InputError, match="no longer the instance of run"):
        recompiled_run(record, (old, new))
    model.unlink()
    assert "three.csv" in recompiled_runs([record], (old, new))[record.id]


def test_a_run_from_python_has_no_file(files):
    old, new = files(line(), line())
    record = make.record(1.0, facts=make.instance(path=""))
    with pytest.raises(InputError, match="made in Python"):
        recompiled_run(record, (old, new))


def test_a_changed_snapshot_is_another_run(files):
    from qopt.loading import as_problem
    from qopt.run import Task

    (file,) = files(line())
    options = {"device": f"aer:{file}"}
    key = Task(as_problem(triangle()), "qaoa", options).key
    assert Task(as_problem(triangle()), "qaoa", options).key == key
    files(line(_0=0.02))
    assert Task(as_problem(triangle()), "qaoa", options).key != key
