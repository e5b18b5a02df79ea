"""Calibrations as files: what is written is read back, and damage is named."""

import json

import pytest

from qopt.calibration import SCHEMA, Calibration, GateCalibration, QubitCalibration
from qopt.errors import ParseError


def calibration() -> Calibration:
    qubits = tuple(
        QubitCalibration(2e-4, 1e-4, 4.8e9, 0.01 * k, 0.02, 1.5e-6) for k in range(3)
    )
    gates = {
        "cz": (GateCalibration((0, 1), 0.004, 68e-9), GateCalibration((1, 2), 1.0, None)),
        "sx": tuple(GateCalibration((k,), 2e-4, 32e-9) for k in range(3)),
    }
    return Calibration("ibm_three", "2026-01-02T03:04:05+00:00", qubits, gates, dt=4e-9)


def test_what_is_written_is_read_back(tmp_path) -> None:
    file = tmp_path / "three.json"
    calibration().write(file)
    read = Calibration.read(file)
    assert (read.qubits, read.gates, read.date) == (
        calibration().qubits, calibration().gates, calibration().date
    )
    assert read.key == calibration().key
    assert read.source == str(file)


def test_the_key_changes_with_any_figure() -> None:
    data = calibration().to_json()
    data["gates"]["cz"][0][1] = 0.0041
    assert Calibration.from_json(data).key != calibration().key


def damaged(*path_and_value: object) -> str:
    data = calibration().to_json()
    *path, value = path_and_value
    place = data
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return json.dumps(data)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON"),
        ("[1, 2]", "is no calibration"),
        ("{\n\"schema\": }", ":2: is not JSON"),
        (damaged("schema", "qopt-calibration/99"), "must be 'qopt-calibration/1', got"),
        (damaged("gates", "cz", 0, 1, 1.5), "from 0 to 1, got 1.5"),
        (damaged("gates", "cz", 0, 1, float("nan")), "from 0 to 1, got nan"),
        (damaged("gates", "cz", 0, 0, [0, 7]), r"acts on qubits \(0, 7\), and there are 3"),
        (damaged("gates", "cz", 0, 0, [1, 1]), "distinct qubits"),
        (damaged("qubits", 1, 0, -1.0), "from 0 on, got -1.0"),
        (damaged("qubits", 1, [1.0]), "damaged calibration"),
        (damaged("qubits", 5), "damaged calibration"),
        (json.dumps({"schema": SCHEMA, "name": "x"}), "'date' is missing"),
    ],
)
def test_damage_is_named(tmp_path, text, message) -> None:
    file = tmp_path / "bad.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ParseError, match=message):
        Calibration.read(file)


def test_a_missing_file_and_one_that_is_no_text(tmp_path) -> None:
    with pytest.raises(ParseError, match="cannot be read"):
        Calibration.read(tmp_path / "none.json")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ParseError, match="is not JSON"):
        Calibration.read(tmp_path / "bytes.json")
