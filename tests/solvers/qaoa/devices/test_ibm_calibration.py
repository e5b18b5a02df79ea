"""Calibrations read from the package's files are those of the package's own fake backends."""

import os
from importlib import import_module

import pytest

from qopt.calibration import Calibration
from qopt.errors import MissingPackageError, ParseError
from qopt.solvers.qaoa import compile as compiler
from qopt.solvers.qaoa.devices import ibm_calibration
from qopt.solvers.qaoa.devices.ibm_calibration import device_names, packaged_calibration
from qopt.solvers.qaoa.target_of import target_of

# Of each kind one: directed and undirected couplings, two kinds of two-qubit gates in one device,
# a second measurement, one qubit, no dt, no supported instructions, a qubit without times.
KINDS = (
    "armonk", "boston", "brussels", "burlington", "cairo", "melbourne", "nairobi", "poughkeepsie",
    "sherbrooke", "torino",
)
NAMES = device_names() if os.environ.get("QOPT_ALL_DEVICES") else KINDS

LEFT_OUT = {"if_else", "for_loop", "switch_case", "while_loop", "measure_2", "reset_2"}


def fake_backend(name: str):
    module = import_module("qiskit_ibm_runtime.fake_provider.fake_backend")
    home = import_module(f"qiskit_ibm_runtime.fake_provider.backends.{name}")
    return next(
        value() for value in vars(home).values()
        if isinstance(value, type) and issubclass(value, module.FakeBackendV2)
    )


def alike(found, expected) -> bool:
    """Equal up to rounding; None equals None alone."""
    told = [[-1.0 if x is None else x for x in each] for each in (found, expected)]
    return told[0] == pytest.approx(told[1], rel=1e-12)


def figures(target, name: str):
    return {
        qubits: (None, None) if known is None else (known.error, known.duration)
        for qubits, known in target[name].items()
    }


@pytest.mark.parametrize("name", NAMES)
def test_the_target_is_that_of_the_fake_backend(name):
    backend, calibration = fake_backend(name), packaged_calibration(name)
    theirs, ours = backend.target, target_of(calibration)
    assert ours.num_qubits == theirs.num_qubits == ibm_calibration.device_qubits(name)
    assert set(theirs.operation_names) - LEFT_OUT == set(ours.operation_names)
    for operation in ours.operation_names:
        expected = figures(theirs, operation)
        found = figures(ours, operation)
        assert set(found) == set(expected)
        for qubits, pair in found.items():
            assert alike(pair, expected[qubits])
    assert alike([ours.dt], [theirs.dt])
    for qubit, expected in zip(ours.qubit_properties, theirs.qubit_properties, strict=True):
        assert alike(
            (qubit.t1, qubit.t2, qubit.frequency),
            (expected.t1, expected.t2, expected.frequency),
        )
    properties = backend.properties()
    assert [q.misread_one for q in calibration.qubits] == [
        properties.qubit_property(i, "prob_meas0_prep1")[0] for i in range(ours.num_qubits)
    ]
    delay = getattr(backend.configuration(), "default_rep_delay", 250e-6)
    assert calibration.repetition_delay == pytest.approx(delay)


def test_every_calibration_is_read_whole_and_written_back():
    for name in NAMES:
        calibration = packaged_calibration(name)
        assert Calibration.from_json(calibration.to_json()).key == calibration.key
        assert len(calibration.qubits) == ibm_calibration.device_qubits(name)
        assert calibration.name.startswith("ibm")
        assert calibration.age() > 0


def test_files_of_another_layout_are_named(tmp_path, monkeypatch):
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "conf_odd.json").write_text('{"backend_name": "ibm_odd"}')
    (tmp_path / "odd" / "props_odd.json").write_text('{"last_update_date": "2026-01-01"}')
    monkeypatch.setattr(ibm_calibration, "_folder", lambda: tmp_path)
    with pytest.raises(ParseError, match=r"props_odd.json: is not laid out.*'qubits'"):
        packaged_calibration("odd")


def test_the_package_is_missed_by_name(monkeypatch):
    monkeypatch.setattr(ibm_calibration, "find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match="pip install qiskit-ibm-runtime"):
        device_names.__wrapped__()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_usable_is_what_the_compiler_takes(name):
    calibration = packaged_calibration(name)
    usable = compiler.usable_target(target_of(calibration))
    assert len(calibration.region) == compiler.largest_region(usable)
    assert calibration.usable_couplings == {
        (min(qubits), max(qubits))
        for operation in usable.operation_names
        for qubits in usable[operation] or ()
        if len(qubits) == 2
    }
