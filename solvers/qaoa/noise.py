"""Noise of gates and readout, from calibrations or from three numbers."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qopt.record import content_key

from .circuit import ONE_QUBIT_GATES, TWO_QUBIT_GATES

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.transpiler import Target
    from qiskit_aer.noise import NoiseModel

MODELLED = (
    "gate errors (relaxation during the gate and a depolarising rest, as calibrated) and readout "
    "errors; T2 above T1 counts as T1; idle decoherence and crosstalk are not modelled"
)
"""What calibrated noise stands for, for the record."""


@dataclass(frozen=True, eq=False)
class Noise:
    """Noise of one circuit.

    Parameters
    ----------
    model : NoiseModel
        Of the gates, by the circuit's own qubit numbers.
    readout : ndarray of float64, shape (qubits, 2)
        Probability that the bit is read wrong when it is 0, and when it is 1.
    """

    model: "NoiseModel" = field(repr=False)
    readout: NDArray[np.float64] = field(repr=False)


def calibrated_noise(
    circuit: "QuantumCircuit", physical: tuple[int, ...], target: "Target", properties: Any
) -> Noise:
    """Noise of a compiled circuit from a backend's calibration.

    The model is made for the gates and qubits of the circuit alone. Each gate gets thermal
    relaxation for its duration, and as much depolarising noise as brings its error to the
    calibrated one; relaxation that is worse than that stays. T2 is clipped to T1: then every
    channel is a mixture of gates and resets, whose members can be drawn before the state is known,
    which makes simulation several times faster; the gates' errors stay as calibrated.

    Parameters
    ----------
    circuit : QuantumCircuit
    physical : tuple of int
        The device's number of each qubit of the circuit.
    target : Target
    properties : BackendProperties
        For the two kinds of readout error.
    """
    from qiskit_aer.noise import NoiseModel
    from qiskit_aer.noise.device.models import basic_device_gate_errors

    model = NoiseModel()
    for name, qubits, error in basic_device_gate_errors(target=_part(circuit, physical, target)):
        model.add_quantum_error(error, name, list(qubits))
    readout = [_readout(qubit, target, properties) for qubit in physical]
    return Noise(model, np.array(readout, dtype=np.float64).reshape(-1, 2))


def _part(circuit: "QuantumCircuit", physical: tuple[int, ...], target: "Target") -> "Target":
    """The target of the gates in use alone, renumbered, with T2 clipped to T1."""
    from qiskit.transpiler import QubitProperties, Target

    times = [target.qubit_properties[qubit] for qubit in physical]
    part = Target(
        num_qubits=len(physical),
        dt=target.dt,
        qubit_properties=[
            QubitProperties(t1=each.t1, t2=None if each.t2 is None else min(each.t1, each.t2))
            for each in times
        ],
    )
    position = {qubit: i for i, qubit in enumerate(physical)}
    for name in sorted({gate.operation.name for gate in circuit.data} - {"measure"}):
        properties = {
            tuple(position[q] for q in qubits): value
            for qubits, value in target[name].items()
            if all(q in position for q in qubits)
        }
        part.add_instruction(target.operation_from_name(name), properties, name=name)
    return part


def _readout(qubit: int, target: "Target", properties: Any) -> tuple[float, float]:
    """How likely a qubit is misread when it is 0, and when it is 1."""
    known = properties.qubit_property(qubit)
    if "prob_meas1_prep0" in known and "prob_meas0_prep1" in known:
        return float(known["prob_meas1_prep0"][0]), float(known["prob_meas0_prep1"][0])
    error = target["measure"][(qubit,)].error or 0.0
    return float(error), float(error)


def depolarising_noise(qubits: int, one: float, two: float, readout: float) -> Noise:
    """The same noise on every gate of a kind.

    Parameters
    ----------
    qubits : int
    one, two : float
        Probability that a one-qubit or two-qubit gate is followed by a Pauli error, each of the 3
        or 15 that are not the identity alike.
    readout : float
        Probability that a bit is read wrong.
    """
    from qiskit_aer.noise import NoiseModel, depolarizing_error

    model = NoiseModel()
    # Aer's parameter counts the identity among the Paulis that it draws from.
    if one > 0.0:
        error = depolarizing_error(one * 4.0 / 3.0, 1)
        model.add_all_qubit_quantum_error(error, list(ONE_QUBIT_GATES))
    if two > 0.0:
        error = depolarizing_error(two * 16.0 / 15.0, 2)
        model.add_all_qubit_quantum_error(error, list(TWO_QUBIT_GATES))
    return Noise(model, np.full((qubits, 2), readout))


def calibration_key(target: "Target", properties: Any) -> str:
    """SHA-256 of a calibration snapshot: gates, coherence times, readout and date."""
    gates = {
        name: [
            [list(qubits), value.duration, value.error]
            for qubits, value in sorted((target[name] or {}).items())
            if qubits is not None and value is not None
        ]
        for name in target.operation_names
        if target[name] is not None and None not in target[name]
    }
    qubits = [
        [each.t1, each.t2, each.frequency] for each in target.qubit_properties or ()
    ]
    readout = [_readout(q, target, properties) for q in range(target.num_qubits)]
    return content_key({
        "gates": gates,
        "qubits": qubits,
        "readout": readout,
        "date": str(properties.last_update_date),
    })
