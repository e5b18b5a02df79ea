"""Noise of gates and readout, from calibrations or from three numbers."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qopt.calibration import Calibration

from .circuit import ONE_QUBIT_GATES, TWO_QUBIT_GATES
from .target_of import target_of

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
    circuit: "QuantumCircuit", physical: tuple[int, ...], calibration: Calibration
) -> Noise:
    """Noise of a compiled circuit from a device's calibration.

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
    calibration : Calibration
    """
    from qiskit_aer.noise import NoiseModel
    from qiskit_aer.noise.device.models import basic_device_gate_errors

    model = NoiseModel()
    part = _part(circuit, physical, calibration)
    for name, qubits, error in basic_device_gate_errors(target=part):
        model.add_quantum_error(error, name, list(qubits))
    known = [calibration.qubits[qubit] for qubit in physical]
    readout = [(each.misread_zero, each.misread_one) for each in known]
    return Noise(model, np.array(readout, dtype=np.float64).reshape(-1, 2))


def _part(
    circuit: "QuantumCircuit", physical: tuple[int, ...], calibration: Calibration
) -> "Target":
    """The target of the gates in use alone, renumbered, with T2 clipped to T1."""
    names = {gate.operation.name for gate in circuit.data} - {"measure"}
    known = [calibration.qubits[qubit] for qubit in physical]
    position = {qubit: i for i, qubit in enumerate(physical)}
    part = replace(
        calibration,
        qubits=tuple(replace(each, t2=_shorter(each.t1, each.t2)) for each in known),
        gates={
            name: tuple(
                replace(gate, qubits=tuple(position[q] for q in gate.qubits))
                for gate in calibration.gates[name]
                if all(q in position for q in gate.qubits)
            )
            for name in sorted(names)
        },
    )
    return target_of(part)


def _shorter(t1: float | None, t2: float | None) -> float | None:
    return t2 if t1 is None or t2 is None else min(t1, t2)


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
