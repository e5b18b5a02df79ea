import pytest

from qopt.calibration import Calibration, GateCalibration, QubitCalibration
from qopt.errors import UnsupportedError
from qopt.solvers.qaoa.target_of import target_of

QUBITS = (
    QubitCalibration(2e-4, 1e-4, 4.8e9, 0.01, 0.03, 1.5e-6),
    QubitCalibration(None, None, None, 0.0, 0.0, stated_error=0.04),
)


def calibration(**gates: tuple[GateCalibration, ...]) -> Calibration:
    return Calibration("ibm_two", "2026-01-02T03:04:05+00:00", QUBITS, gates, dt=4e-9)


def test_gates_readout_and_times_are_carried_over():
    target = target_of(calibration(
        ecr=(GateCalibration((1, 0), 0.004, 5e-7),), rz=(GateCalibration((0,), 0.0, 0.0),)
    ))
    assert set(target["ecr"]) == {(1, 0)}
    assert target["ecr"][1, 0].error == 0.004
    assert target["ecr"][1, 0].duration == 5e-7
    assert [target["measure"][q,].error for q in range(2)] == [0.02, 0.04]
    assert target["measure"][0,].duration == 1.5e-6
    assert [each.t1 for each in target.qubit_properties] == [2e-4, None]
    assert target.dt == 4e-9
    assert "delay" in target.operation_names


def test_a_device_may_have_no_gates():
    assert target_of(calibration()).num_qubits == 2


@pytest.mark.parametrize(
    ("name", "qubits"), [("sqrt_of_not_a_gate", (0,)), ("cz", (0,)), ("sx", (0, 1))]
)
def test_a_gate_that_qiskit_does_not_know_is_named(name, qubits):
    bad = calibration(**{name: (GateCalibration(qubits, 0.1, None),)})
    with pytest.raises(UnsupportedError, match=f"{name}.*name gates after qiskit's"):
        target_of(bad)
