"""``qopt devices`` from the outside."""

import json

import pytest
from command_line import qopt

from qopt.calibration import Calibration
from qopt.cli.main import run
from qopt.devices import calibration_of


@pytest.fixture
def command(capsys, monkeypatch):
    """The command line in this process, which has imported its libraries: what it prints."""
    monkeypatch.setattr("warnings.showwarning", None)  # run sets it: put back afterwards

    def call(*arguments, code=0):
        assert run(list(map(str, arguments))) == code
        return capsys.readouterr()

    return call


@pytest.fixture
def told(command):
    return lambda *arguments, code=0: json.loads(command(*arguments, "--json", code=code).out)


def test_devices_are_listed():
    lines = qopt("devices", "list").stdout.splitlines()
    assert lines[0].split()[:3] == ["name", "qubits", "kind"]
    torino = next(line for line in lines if line.startswith("aer:torino "))
    assert "133" in torino
    assert "real, simulated here up to 24" in torino
    assert "QPU second" in torino
    assert any(line.startswith("depolarizing ") for line in lines)


def test_a_device_is_shown(command):
    shown = command("devices", "show", "aer:torino").out
    for text in (
        "qubits: 133", "basis: cz, rz, sx, x", "2025-02-26T15:26:08-05:00", "15-19",
        "usable, connected qubits: 129", "price: ", "source: ", "repetition delay 250 us",
    ):
        assert text in shown
    shown = command("devices", "show", "depolarizing:0.001;0.01;0.02").out
    assert "all pairs coupled" in shown
    assert "errors: one qubit gate 0.001, two qubit gate 0.01, readout 0.02" in shown
    assert "price: none known" in shown


def test_a_snapshot_is_a_device(tmp_path, told):
    file = tmp_path / "manila.json"
    done = qopt("devices", "snapshot", "aer:manila", "-o", file)
    assert "ibm_manila of 2024-05-27" in done.stdout
    assert Calibration.read(file).key == calibration_of("aer:manila").key
    assert told("devices", "show", file)["qubits"] == 5
    solver = f"qaoa:device=aer:{file},shots=20,angles=0.2;-0.3,presolve=false,noise_scale=0.5"
    record = told("solve", "sp500-10-k4", "--solver", solver, code=4)
    assert "at most 5 qubits" in record["error"]["message"]


def test_two_snapshots_are_compared_with_runs_and_circuits(tmp_path, command, told):
    first, second, store = tmp_path / "a.json", tmp_path / "b.json", tmp_path / "runs.db"
    command("devices", "snapshot", "aer:manila", "-o", first)
    data = json.loads(first.read_text())
    data["date"] = "2026-01-02T00:00:00+00:00"
    for gate in data["gates"]["cx"]:
        if set(gate[0]) == {0, 1}:
            gate[1] = 1.0
    second.write_text(json.dumps(data))
    model = tmp_path / "four.csv"
    model.write_text("1,1,0,-1\n1,-2,1,0\n0,1,1,1\n-1,0,1,-2\n")
    solver = f"qaoa:device=aer:{first},shots=20,angles=0.2;-0.3,presolve=false"
    solved = told("solve", model, "--solver", solver, "--store", store)
    found = told("devices", "diff", first, second, model, "--store", store, "--recompile",
                 "--solver", "qaoa:presolve=false,compile_tries=1")
    assert found["couplings_died"] == [[0, 1]]
    (used,) = found["runs"]["before"]
    assert solved["id"] == used["id"]
    again = found["circuits_of_runs"][used["id"]]
    assert again["reproduced"] is True
    assert again["changes"] == (again["before"]["physical"] != again["after"]["physical"] or
                                again["before"]["hash"] != again["after"]["hash"])
    assert 0 not in found["circuit"]["after"]["physical"]
    text = command("devices", "diff", first, second, "--store", store).out
    assert "couplings that died: 0-1" in text
    assert "runs with A: 1" in text
    assert "nothing drifted" in command("devices", "diff", first, "aer:manila").out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["show", "aer:torinno"], 2, "did you mean 'aer:torino'"),
        (["show", "no.json"], 3, "no.json: cannot be read"),
        (["show", "bad.json"], 3, "bad.json:1: is not JSON"),
        (["show", "depolarizing:x"], 2, "depolarizing:P1;P2;READOUT"),
        (["snapshot", "statevector", "-o", "x.json"], 5, "has no calibration"),
        (["snapshot", "aer:lima", "-o", "x.txt"], 2, "is a .json file"),
        (["diff", "aer:lima", "aer:manila", "--recompile"], 2, "give --store FILE"),
        (["diff", "aer:lima", "aer:manila", "--store", "no.db"], 8, "no run store"),
        (["diff", "aer:lima", "aer:manila", "cubic-14"], 4, "at most 5 qubits"),
    ],
)
def test_wrong_use_is_one_line(tmp_path, monkeypatch, command, arguments, code, message):
    (tmp_path / "bad.json").write_text("{")
    monkeypatch.chdir(tmp_path)
    (line,) = command("devices", *arguments, code=code).err.splitlines()
    assert message in line
