"""Calibrations as files: what is written is read back, and damage is named."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import networkx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.calibration import SCHEMA, Calibration, GateCalibration, QubitCalibration, Spread
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
        (damaged("qubits", 1, 0, 0.0), "T1, T2 and dt are above 0"),
        (damaged("dt", 0), "T1, T2 and dt are above 0"),
        (damaged("qubits", 1, 6, 1.5), "from 0 to 1, got 1.5"),
        (damaged("gates", "cz", 1, 0, [0, 1]), "cz twice on the same qubits"),
        (damaged("gates", "measure", []), "'measure', which is no gate"),
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


def test_no_qubits_and_no_date_are_damage() -> None:
    data = calibration().to_json()
    for change, message in (
        ({"qubits": [], "gates": {}}, "of 0 qubits"), ({"date": "last week"}, "isoformat"),
    ):
        with pytest.raises(ParseError, match=message):
            Calibration.from_json({**data, **change})


def test_files_without_a_stated_readout_error_are_read() -> None:
    data = calibration().to_json()
    for row in data["qubits"]:
        assert row.pop() is None
    assert Calibration.from_json(data).qubits == calibration().qubits


def test_the_age_is_counted_in_days() -> None:
    now = datetime(2026, 2, 1, 3, 4, 5, tzinfo=UTC)
    assert calibration().age(now) == 30.0
    assert replace(calibration(), date="2026-01-31T04:04:05+01:00").age(now) == 1.0
    assert replace(calibration(), date="2026-01-31T03:04:05").age(now) == 1.0


def test_scaling_multiplies_errors_and_rates_and_leaves_the_dead() -> None:
    half = calibration().scaled(0.5)
    assert [g.error for g in half.gates["cz"]] == [0.002, 1.0]
    assert (half.qubits[1].t1, half.qubits[1].misread_zero) == (4e-4, 0.005)
    none = calibration().scaled(0.0)
    assert (none.qubits[2].t2, none.qubits[2].readout_error) == (None, 0.0)
    assert calibration().scaled(1000.0).gates["sx"][0].error == pytest.approx(0.2)
    assert calibration().scaled(10_000.0).gates["sx"][0].error == 1.0
    assert replace(calibration().qubits[0], stated_error=0.5).readout_error == 0.5


def lattice(*gates: tuple[tuple[int, int], float | None], sx: dict[int, float]) -> Calibration:
    qubits = tuple(QubitCalibration(None, None, None, 0.01 * k, 0.01 * k) for k in range(6))
    return Calibration("ibm_six", "2026-01-02", qubits, {
        "cx": tuple(GateCalibration(at, error, None) for at, error in gates),
        "sx": tuple(GateCalibration((k,), sx.get(k, 1e-3), None) for k in range(6)),
        "reset": (GateCalibration((0,), None, 1e-6),),
    })


def test_dead_gates_qubits_and_couplings_are_found() -> None:
    six = lattice(
        ((0, 1), 0.5), ((1, 0), 0.01),   # one direction is enough
        ((1, 2), 0.02), ((2, 3), None),  # not measured
        ((3, 4), 0.1), ((4, 5), 0.03), sx={5: 0.2},
    )
    assert six.dead_qubits == {5}
    assert six.couplings == {(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)}
    assert six.usable_couplings == {(0, 1), (1, 2)}
    assert six.dead_couplings == {(2, 3), (3, 4), (4, 5)}
    assert six.region == (0, 1, 2)
    assert six.spreads["cx"] == Spread(0.015, 0.02, (1, 2), usable=2, dead=4)
    assert six.spreads["sx"] == Spread(1e-3, 1e-3, (4,), usable=5, dead=1)
    assert six.spreads["readout"].worst_at == (5,)
    assert six.spreads["readout"].median == pytest.approx(0.025)
    assert "reset" not in six.spreads
    assert six.median_time("t1") is None
    assert calibration().median_time("t2") == 1e-4


def test_without_couplings_every_qubit_is_alone() -> None:
    assert lattice(sx={}).region == (0,)
    assert lattice(sx={}).couplings == frozenset()


@settings(max_examples=30, deadline=None)
@given(st.sets(st.tuples(st.integers(0, 8), st.integers(0, 8)).filter(lambda p: p[0] < p[1])))
def test_the_region_is_the_largest_component(pairs: set[tuple[int, int]]) -> None:
    qubits = (QubitCalibration(None, None, None, 0.0, 0.0),) * 9
    gates = {"cz": tuple(GateCalibration(pair, 0.01, None) for pair in sorted(pairs))}
    graph = networkx.Graph(sorted(pairs))
    graph.add_nodes_from(range(9))
    region = Calibration("ibm_nine", "2026-01-02", qubits, gates).region
    assert set(region) in list(networkx.connected_components(graph))
    assert len(region) == max(map(len, networkx.connected_components(graph)))
