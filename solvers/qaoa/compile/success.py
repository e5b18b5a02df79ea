"""The estimated probability that nothing goes wrong in a shot, and what it is made of."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp, expm1, log1p
from typing import TYPE_CHECKING

import numpy as np

from .physical import gates
from .target import error

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.transpiler import Target

_CERTAIN = 1.0 - 1e-16


@dataclass(frozen=True)
class Success:
    """Probabilities that no error happens, by its source; a shot needs all of them.

    Parameters
    ----------
    gates : float
        Product of ``1 - error`` over the gates.
    readout : float
        The same over the measurements.
    idle : float
        Product over the qubits of the fidelity of waiting: the average gate fidelity
        ``1/2 + exp(-t/T1)/6 + exp(-t/T2)/3`` of relaxation for its idle time t.
    """

    gates: float
    readout: float
    idle: float

    @property
    def total(self) -> float:
        """All together."""
        return self.gates * self.readout * self.idle

    def to_json(self) -> dict[str, float]:
        """The parts as JSON values."""
        return {"gates": self.gates, "readout": self.readout, "idle": self.idle}


def success(circuit: "QuantumCircuit", target: "Target") -> Success:
    """Estimate for a circuit on a device's qubits.

    A qubit's idle time runs from its first two-qubit gate (what stands before can wait for it) to
    the common measurement, its gates left out. Every gate begins as soon as its qubits are free.
    """
    lost = {"gates": 0.0, "readout": 0.0}
    for name, _, qubits in gates(circuit):
        part = "readout" if name == "measure" else "gates"
        lost[part] += log1p(-min(error(target, name, qubits), _CERTAIN))
    idle = 0.0
    for qubit, seconds in _idle_seconds(circuit, target):
        idle += log1p(-min(_decay(target, qubit, seconds), _CERTAIN))
    return Success(exp(lost["gates"]), exp(lost["readout"]), exp(idle))


def success_probability(circuit: "QuantumCircuit", target: "Target") -> float:
    """All of `success` together."""
    return success(circuit, target).total


def idle_loss(seconds: float, t1: float | None, t2: float | None) -> float:
    """One minus the average gate fidelity of waiting; unknown times do not count.

    T2 is never above twice T1, whatever a calibration says.
    """
    if t1 is not None and t2 is not None:
        t2 = min(t2, 2.0 * t1)
    lost = [0.0 if not t else -expm1(-seconds / t) for t in (t1, t2)]
    return lost[0] / 6.0 + lost[1] / 3.0


def _decay(target: "Target", qubit: int, seconds: float) -> float:
    known = (target.qubit_properties or {})[qubit] if target.qubit_properties else None
    return 0.0 if known is None else idle_loss(seconds, known.t1, known.t2)


def _idle_seconds(circuit: "QuantumCircuit", target: "Target") -> Iterator[tuple[int, float]]:
    """The qubits that meet another one, and how long each waits."""
    free = np.zeros(circuit.num_qubits)
    first: dict[int, float] = {}
    busy = np.zeros(circuit.num_qubits)
    for name, _, qubits in gates(circuit):
        if name == "measure":
            continue
        properties = target[name].get(qubits)
        length = (properties.duration if properties is not None else None) or 0.0
        begin = max(free[q] for q in qubits)
        for q in qubits:
            free[q] = begin + length
            if len(qubits) > 1:
                first.setdefault(q, begin)
            if q in first:
                busy[q] += length
    end = float(free.max(initial=0.0))
    for q, begin in first.items():
        yield q, end - begin - float(busy[q])
