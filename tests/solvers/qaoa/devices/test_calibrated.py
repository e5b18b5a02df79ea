"""Devices by snapshots, and with their noise scaled."""

from dataclasses import replace

import numpy as np
import pytest

from qopt.calibration import Calibration, GateCalibration, QubitCalibration
from qopt.devices import describe
from qopt.errors import ParseError, SizeError, UnsupportedError, UsageError
from qopt.solvers.qaoa import Qaoa
from qopt.solvers.qaoa.ansatz import Angles, Ansatz, Cost
from qopt.solvers.qaoa.circuit import fingerprint
from qopt.solvers.qaoa.devices import DeviceOptions, open_device
from qopt.solvers.qaoa.devices.calibrated import STALE
from qopt.solvers.qaoa.devices.ibm_calibration import packaged_calibration

ANGLES = Angles((0.2,), (-0.4,))


def line(qubits: int, *, two: float | None = 0.01, date: str = "2026-01-02") -> Calibration:
    """Qubits in a line, with or without gates between them."""
    gates = {
        "rz": tuple(GateCalibration((k,), 0.0, 0.0) for k in range(qubits)),
        "sx": tuple(GateCalibration((k,), 1e-3, 30e-9) for k in range(qubits)),
        "x": tuple(GateCalibration((k,), 1e-3, 30e-9) for k in range(qubits)),
    }
    if two is not None:
        gates["cz"] = tuple(GateCalibration((k, k + 1), two, 7e-8) for k in range(qubits - 1))
    one = QubitCalibration(2e-4, 1e-4, None, 0.02, 0.04, 1e-6)
    return Calibration("ibm_line", date, (one,) * qubits, gates, dt=4e-9)


def opened(name: str, **options):
    device = open_device(name, DeviceOptions(level=1, tries=3, **options))
    device.load()
    return device


@pytest.fixture
def snapshot(tmp_path):
    def write(calibration: Calibration) -> str:
        calibration.write(tmp_path / "snapshot.json")
        return f"aer:{tmp_path / 'snapshot.json'}"

    return write


def test_a_snapshot_runs_as_the_device_it_is_of(snapshot, random_qubo, watch):
    torino = packaged_calibration("torino")
    ansatz = Ansatz(Cost.of(random_qubo(4)), ANGLES)
    drawn = []
    for name in ("aer:torino", snapshot(torino)):
        device = opened(name)
        compiled = device.compile(ansatz, 3, watch)
        samples = device.sample(compiled, 200, 1, watch)
        drawn.append((fingerprint(compiled.circuit), compiled.success_probability,
                      samples.bits.tolist(), compiled.details["calibration_hash"]))
    assert drawn[0] == drawn[1]
    assert device.name == "aer:ibm_torino"
    assert not device.hypothetical
    assert compiled.details["calibration_device"] == "ibm_torino"
    assert compiled.details["calibration_source"].endswith("snapshot.json")


@pytest.mark.parametrize(("date", "stale"), [("2020-01-01", True), ("2999-01-01T00:00:00Z", False)])
def test_old_snapshots_are_told_and_the_age_of_packaged_ones_is_known(
    snapshot, random_qubo, watch, date, stale
):
    ansatz = Ansatz(Cost.of(random_qubo(2)), ANGLES)
    compiled = opened(snapshot(line(2, date=date))).compile(ansatz, 0, watch)
    caveats = compiled.details.get("caveats", {})
    assert (STALE in caveats) == stale
    if stale:
        assert "ibm_line on 2020-01-01" in caveats[STALE]
    packaged = opened("aer:manila").compile(ansatz, 0, watch)
    assert "caveats" not in packaged.details


def test_the_caveat_reaches_the_record(snapshot, random_qubo):
    import qopt

    name = snapshot(line(2, date="2020-01-01"))
    solver = f"qaoa:device={name},shots=10,angles=0.2;-0.4,presolve=false"
    record = qopt.solve(random_qubo(2), solver).record
    assert STALE in record.caveats
    assert record.usage.device == "aer:ibm_line"
    assert record.details["calibration_date"] == "2020-01-01"


def test_damaged_snapshots_are_refused_before_anything_runs(tmp_path):
    file = tmp_path / "bad.json"
    file.write_text('{"schema": "qopt-calibration/1"}')
    for refused in (lambda: Qaoa(device=f"aer:{file}"), lambda: describe(f"aer:{file}")):
        with pytest.raises(ParseError, match=r"bad.json: is a damaged calibration"):
            refused()
    with pytest.raises(ParseError, match="cannot be read"):
        open_device(f"aer:{tmp_path / 'none.json'}")


@pytest.mark.parametrize("two", [None, 0.5])
def test_a_snapshot_without_usable_couplings_takes_single_qubits(snapshot, random_qubo, watch, two):
    device = opened(snapshot(line(4, two=two)))
    with pytest.raises(SizeError, match="at most 1 qubits, the model has 2"):
        device.check_size(Ansatz(Cost.of(random_qubo(2))))
    single = Ansatz(Cost.of(random_qubo(1)), ANGLES)
    device.check_size(single)
    assert len(device.sample(device.compile(single, 0, watch), 50, 0, watch).bits) == 50


def test_scaled_noise_changes_the_samples_and_not_the_circuit(random_qubo, watch):
    model = random_qubo(5, seed=2)
    ansatz = Ansatz(Cost.of(model), ANGLES)
    hashes, energies, successes = set(), [], []
    for scale in (0.0, 0.5, None, 2.0):
        device = opened("aer:manila", noise_scale=scale)
        compiled = device.compile(ansatz, 3, watch)
        samples = device.sample(compiled, 20_000, 1, watch)
        hashes.add(fingerprint(compiled.circuit))
        energies.append(float(model.energies(samples.bits).mean()))
        successes.append(compiled.success_probability)
        assert device.hypothetical == (scale is not None)
        assert ("noise x" in samples.method) == ("noise x" in device.name) == device.hypothetical
        assert compiled.details["noise_scale"] == (1.0 if scale is None else scale)
    assert len(hashes) == 1
    assert energies == sorted(energies)
    assert successes[0] == 1.0
    # log of a product of (1 - error): half the noise, about half the exponent.
    expected = np.log(successes[2]) * np.array([0.5, 1.0, 2.0])
    assert np.log(successes[1:]) == pytest.approx(expected, rel=0.05)


def test_without_noise_the_samples_are_those_of_the_state(random_qubo, watch):
    from qopt.solvers.qaoa.simulate import reference

    ansatz = Ansatz(Cost.of(random_qubo(3)), ANGLES)
    device = opened("aer:manila", noise_scale=0.0)
    bits = device.sample(device.compile(ansatz, 0, watch), 20_000, 1, watch).bits
    shares = np.bincount(bits @ (1 << np.arange(3)), minlength=8) / 20_000
    np.testing.assert_allclose(
        shares, np.abs(reference.state(ansatz)) ** 2, atol=4 * np.sqrt(0.25 / 20_000)
    )


@pytest.mark.parametrize("scale", [-0.1, 10.5, float("nan"), float("inf")])
def test_scales_out_of_range_are_refused(scale):
    with pytest.raises(UsageError, match="noise_scale must be between 0 and 10"):
        Qaoa(device="aer:manila", noise_scale=scale)


@pytest.mark.parametrize("device", ["statevector", "mps:8"])
def test_devices_without_noise_have_none_to_scale(device):
    with pytest.raises(UsageError, match="leave out noise_scale"):
        Qaoa(device=device, noise_scale=0.5)


def test_noise_is_not_scaled_beyond_chance(snapshot, random_qubo, watch):
    ansatz = Ansatz(Cost.of(random_qubo(2)), ANGLES)
    name = snapshot(line(2, two=0.09))
    with pytest.raises(UsageError, match=r"gate cz on \[0, 1\] 0.9, .* take at most 8.333 here"):
        opened(name, noise_scale=10.0).compile(ansatz, 0, watch)
    opened(name, noise_scale=8.333).compile(ansatz, 0, watch)
    with pytest.raises(UsageError, match=r"readout 0.6, .* 0.5: take at most 2.5 here"):
        open_device("depolarizing:0;0;0.2", DeviceOptions(noise_scale=3.0))


def test_depolarising_noise_is_scaled(random_qubo, watch):
    device = open_device("depolarizing:0.01;0.1;0.2", DeviceOptions(noise_scale=0.5))
    assert (device.one, device.two, device.readout) == (0.005, 0.05, 0.1)
    assert "noise x0.5" in device.name
    device.load()
    compiled = device.compile(Ansatz(Cost.of(random_qubo(2)), ANGLES), 0, watch)
    assert compiled.details["noise_scale"] == 0.5
    assert device.sample(compiled, 10, 0, watch).method.endswith("with noise x0.5")


def test_the_description_carries_the_calibration(snapshot):
    told = describe("aer:torino")
    assert told.calibration.key == packaged_calibration("torino").key
    assert told.qubits == 133
    assert "2025-02-26" in told.summary
    assert set(told.basis) == {"cz", "rz", "sx", "x"}
    assert describe(snapshot(line(3))).name == "aer:ibm_line"


def test_a_model_is_compiled_without_executing_it(snapshot, random_qubo):
    solver = Qaoa(device=snapshot(line(3)), p=2)
    facts = solver.compile_only(random_qubo(3), seed=1)
    assert facts == solver.compile_only(random_qubo(3), seed=1)
    assert set(facts.physical) == {0, 1, 2}
    assert facts.two_qubit_gates >= 2 * 2 * 3
    assert 0.0 < facts.success_probability < 1.0
    with pytest.raises(SizeError):
        solver.compile_only(random_qubo(4), seed=1)


@pytest.mark.parametrize("more", ["", ",multi_angle=true", ",warm_start=convex"])
def test_the_circuit_of_a_run_is_compiled_again(snapshot, random_qubo, more):
    import qopt

    name, model = snapshot(line(2)), random_qubo(2)
    text = f"qaoa:device={name},shots=10,optimisation_level=1{more},presolve=false"
    record = qopt.solve(model, text, seed=5).record
    options = {k: v for k, v in record.options.items() if k != "presolve"}
    facts = Qaoa(**options).compile_only(model, 5, record.details)
    assert facts.hash == record.details["circuit_hash"]


def test_a_file_alone_is_a_device(snapshot):
    name = snapshot(line(3)).removeprefix("aer:")
    assert open_device(name).name == "aer:ibm_line"
    files = Qaoa.files({"device": name})
    assert files == Qaoa.files({"device": f"aer:{name}"}) == {"device": line(3).key}
    assert Qaoa.files({}) == Qaoa.files({"device": "aer:torino"}) == {}


def test_a_scaled_device_has_no_price(snapshot, random_qubo):
    import qopt

    name = snapshot(replace(line(2), name="ibm_torino"))
    solver = f"qaoa:device={name},shots=10,angles=0.2;-0.4,presolve=false"
    plain, scaled = (
        qopt.solve(random_qubo(2), f"{solver}{more}").record for more in ("", ",noise_scale=0.5")
    )
    assert any("aer:ibm_torino" in each["item"] for each in plain.money)
    assert not any("device" in each["item"] for each in scaled.money)
    assert scaled.usage.hypothetical
    assert not plain.usage.hypothetical
    assert scaled.usage.device == "aer:ibm_torino with noise x0.5"
    assert "with noise x0.5" in scaled.reason
    assert plain.details["circuit_hash"] == scaled.details["circuit_hash"]


def test_a_device_without_the_gates_for_it_is_refused(snapshot, random_qubo, watch):
    poor = line(2)
    bare = replace(poor, gates={"cz": poor.gates["cz"]})
    with pytest.raises(UnsupportedError, match="cannot compile the circuit"):
        opened(snapshot(bare)).compile(Ansatz(Cost.of(random_qubo(2)), ANGLES), 0, watch)
