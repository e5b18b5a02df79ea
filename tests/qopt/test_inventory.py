"""What is shown of devices."""

from datetime import date

import pytest

from qopt import registry
from qopt.devices import calibration_of, check_snapshot_path, full_name
from qopt.errors import UnknownNameError, UnsupportedError, UsageError
from qopt.inventory import facts, rows
from qopt.pricing import price_list
from qopt.registry import Spec

PRICES = price_list()


def by_name():
    return {row.name: row for row in rows(PRICES)}


def test_every_device_has_a_row():
    found = by_name()
    torino = found["aer:torino"]
    assert (torino.qubits, torino.kind, torino.needs) == (133, "real, simulated here", "")
    assert torino.simulated < 133
    assert "USD a QPU second" in torino.price
    assert found["statevector"].kind == found["depolarizing"].kind == "simulation"
    assert found["statevector"].price == found["depolarizing"].price == ""
    assert found["depolarizing"].qubits is None
    assert torino.to_json()["price_known"] is True


def test_a_missing_package_is_told_with_its_line(monkeypatch):
    far = Spec("device", "far", "far away", "no_such:FAMILY", requires=(("no_such", "far-sdk"),),
               install="qopt-toolkit[far]")
    everything = {**registry._all(), ("device", "far"): far}
    monkeypatch.setattr(registry, "_all", lambda: everything)
    row = by_name()["far"]
    assert (row.qubits, row.kind) == (None, "")
    assert row.needs == "pip install 'qopt-toolkit[far]'"


def test_a_device_is_told_with_its_calibration_and_price():
    told = facts("aer:torino", PRICES, date(2026, 10, 1))
    calibration = told["calibration"]
    assert calibration["date"].startswith("2025-02-26")
    assert len(calibration["dead_couplings"]) == 11  # 22 directed ones
    assert calibration["connected_qubits"] == 129
    assert calibration["errors"]["cz"]["dead"] == 22
    errors = calibration["errors"]["cz"]
    assert 0.001 < errors["median"] < errors["worst"] < 0.1
    assert told["prices"][0]["source"]
    assert told["prices"][0]["warning"] == ""
    late = facts("aer:torino", PRICES, date(2028, 10, 1))
    assert "more than 90 days" in late["prices"][0]["warning"]


def test_a_device_without_usable_couplings_has_single_qubits():
    kyoto = facts("aer:kyoto", PRICES)["calibration"]
    assert kyoto["connected_qubits"] == 1
    assert len(kyoto["dead_couplings"]) == kyoto["couplings"] == 144
    assert facts("statevector", PRICES)["calibration"] is None


def test_a_snapshot_costs_what_its_device_costs(tmp_path):
    file = tmp_path / "lima.json"
    calibration_of("aer:lima").write(file)
    told = facts(str(file), PRICES)
    assert told["prices"] == facts("aer:lima", PRICES)["prices"]
    assert told["calibration"]["source"] == str(file)


def test_names_of_devices():
    assert full_name("a/b.json") == "aer:a/b.json"
    assert full_name("aer:b.json") == "aer:b.json"
    assert full_name("aer:torino") == "aer:torino"
    with pytest.raises(UnknownNameError, match="'aer:torino'"):
        facts("torino", PRICES)
    with pytest.raises(UnsupportedError, match="has no calibration"):
        calibration_of("statevector")
    for path, message in (("x.txt", "is a .json file"), ("/no/such/x.json", "does not exist")):
        with pytest.raises(UsageError, match=message):
            check_snapshot_path(path)
