"""A qiskit circuit as a plain list of gates."""

import math
from typing import TYPE_CHECKING, NamedTuple

from qopt.errors import UnsupportedError, UsageError

from ..circuit import ONE_QUBIT_GATES, TWO_QUBIT_GATES

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.circuit import Qubit

GATES = (*ONE_QUBIT_GATES, *TWO_QUBIT_GATES)
"""Names of the gates that a walk gives; others are translated to these first."""

_NOTHING = ("barrier", "delay", "id")
"""What changes no state."""

_TURN = 4.0 * math.pi
"""Period of every gate in its angle, signs included."""


class Gate(NamedTuple):
    """A gate of a circuit.

    Parameters
    ----------
    name : str
        One of `GATES`, as qiskit has them: ``rx``, ``ry``, ``rz`` and ``rzz`` are
        ``exp(-i t/2 P)`` with the Pauli operator P, ``xx_plus_yy`` is
        ``exp(-i t/4 (XX + YY))``.
    angles : tuple of float
        Radians, between -4 pi and 4 pi; empty for gates without one.
    qubits : tuple of int
        The control first.
    """

    name: str
    angles: tuple[float, ...]
    qubits: tuple[int, ...]


def walk(circuit: "QuantumCircuit") -> list[Gate]:
    """The gates of a circuit in the order in which they are applied, measurements left out.

    Raises
    ------
    UsageError
        For a circuit without qubits, with parameters that are not bound, or with angles that are
        not finite.
    UnsupportedError
        For what is no gate, and for gates after a measurement of their qubit.
    """
    _check(circuit)
    names = {instruction.operation.name for instruction in circuit.data}
    if names.difference(GATES, _NOTHING, ("measure",)):
        circuit = _translate(circuit)
    gates = []
    for instruction in circuit.data:
        name = instruction.operation.name
        if name in _NOTHING or name == "measure":
            continue
        qubits = tuple(circuit.find_bit(qubit).index for qubit in instruction.qubits)
        angles = tuple(_reduced(float(angle)) for angle in instruction.operation.params)
        if name == "xx_plus_yy":
            gates += _exchange(angles, qubits)
        else:
            gates.append(Gate(name, angles, qubits))
    return gates


def readout(circuit: "QuantumCircuit") -> list[tuple[int, int]]:
    """The qubits that are measured, each with the classical bit that it is read into."""
    return [
        (circuit.find_bit(found.qubits[0]).index, circuit.find_bit(found.clbits[0]).index)
        for found in circuit.data
        if found.operation.name == "measure"
    ]


def untouched(gates: list[Gate], qubits: int) -> list[int]:
    """The qubits that no gate acts on, ascending."""
    touched = {qubit for gate in gates for qubit in gate.qubits}
    return [qubit for qubit in range(qubits) if qubit not in touched]


def _check(circuit: "QuantumCircuit") -> None:
    from qiskit.circuit import Gate as QiskitGate

    if not circuit.num_qubits:
        raise UsageError("a circuit without qubits has no states: give one with at least one qubit")
    if circuit.parameters:
        names = ", ".join(sorted(each.name for each in circuit.parameters))
        raise UsageError(f"the circuit has free parameters ({names}): bind them to numbers first")
    measured: set[Qubit] = set()
    for instruction in circuit.data:
        operation = instruction.operation
        if operation.name in _NOTHING:
            continue
        if measured.intersection(instruction.qubits):
            raise UnsupportedError(
                f"{operation.name!r} follows a measurement of its qubit: only circuits whose "
                "measurements come last are taken"
            )
        if operation.name == "measure":
            measured.update(instruction.qubits)
        elif not isinstance(operation, QiskitGate):
            raise UnsupportedError(
                f"{operation.name!r} is no gate: only circuits of gates, measured at the end, are "
                "taken"
            )


def _translate(circuit: "QuantumCircuit") -> "QuantumCircuit":
    """The same circuit in gates of the list; those that are in it already stay as they are."""
    from qiskit import transpile

    return transpile(circuit, basis_gates=list(GATES), optimization_level=0)


def _reduced(angle: float) -> float:
    """The angle of the same gate near zero: frameworks that multiply by it keep all digits then."""
    if not math.isfinite(angle):
        raise UsageError(f"angles of gates must be finite, got {angle}")
    if abs(angle) <= _TURN:
        return angle
    return 2.0 * math.atan2(math.sin(0.5 * angle), math.cos(0.5 * angle))


def _exchange(angles: tuple[float, ...], qubits: tuple[int, ...]) -> list[Gate]:
    """``xx_plus_yy`` with its phase as rotations of the first qubit."""
    turn, *phases = angles
    gate = Gate("xx_plus_yy", (turn,), qubits)
    if not phases or phases[0] == 0.0:
        return [gate]
    before, after = (Gate("rz", (sign * phases[0],), qubits[:1]) for sign in (1.0, -1.0))
    return [before, gate, after]
