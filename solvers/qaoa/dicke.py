"""Circuits that prepare Dicke states: all bit strings with so many ones, alike."""

from collections.abc import Sequence
from math import acos, comb, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qiskit import QuantumCircuit


def append_dicke(circuit: "QuantumCircuit", qubits: Sequence[int], ones: int) -> None:
    """Prepare the Dicke state of some qubits that are in |0...0>, with all amplitudes positive.

    With a single one (a W state) it is shared out along a binary tree, in logarithmic depth (Cruz
    et al., Adv. Quantum Technol. 2, 1900015, 2019). Else the ones are first dealt out to two
    halves, and then spread within both at once, which halves the depth of spreading them over all
    (Baertschi and Eidenbenz, FCT 2019, arXiv 1904.07358; IEEE QCE 2022, arXiv 2207.09998).

    Parameters
    ----------
    circuit : QuantumCircuit
        Gets ry, cx, cz and x gates.
    qubits : sequence of int
    ones : int
        ``0 <= ones <= len(qubits)``.
    """
    n = len(qubits)
    if 2 * ones > n:
        append_dicke(circuit, qubits, n - ones)
        for qubit in qubits:
            circuit.x(qubit)
    elif ones == 1:
        circuit.x(qubits[0])
        _share(circuit, qubits)
    elif ones:
        first, second = qubits[: (n + 1) // 2], qubits[(n + 1) // 2 :]
        _deal(circuit, first, second, ones)
        for half in (first, second):
            _spread(circuit, half, ones)


def _share(circuit: "QuantumCircuit", qubits: Sequence[int]) -> None:
    """Share the one of the first qubit out to all of them."""
    if len(qubits) < 2:
        return
    first, second = qubits[: (len(qubits) + 1) // 2], qubits[(len(qubits) + 1) // 2 :]
    _turn_empty(circuit, first[0], second[0], 2.0 * acos(sqrt(len(first) / len(qubits))))
    circuit.cx(second[0], first[0])
    _share(circuit, first)
    _share(circuit, second)


def _deal(
    circuit: "QuantumCircuit", first: Sequence[int], second: Sequence[int], ones: int
) -> None:
    """Put each possible number of ones at the end of one half, and the rest at that of the other.

    The probabilities are those that two halves of a random subset have.
    """
    ways = [comb(len(first), ones - i) * comb(len(second), i) for i in range(ones + 1)]
    reached = [sum(ways[i:]) for i in range(ones + 1)]
    dealt, left = list(second)[::-1][:ones], list(first)[::-1][:ones]
    for i, qubit in enumerate(dealt):
        angle = 2.0 * acos(sqrt(1.0 - reached[i + 1] / reached[i]))
        if i == 0:
            circuit.ry(angle, qubit)
        else:
            _turn_empty(circuit, dealt[i - 1], qubit, angle)
    for i, qubit in enumerate(left):
        circuit.x(qubit)
        circuit.cx(dealt[ones - 1 - i], qubit)


def _spread(circuit: "QuantumCircuit", qubits: Sequence[int], most: int) -> None:
    """Turn ones at the end of a register, at most so many, into the Dicke state of that number."""
    for size in range(len(qubits), 1, -1):
        last = qubits[size - 1]
        for ones in range(1, min(most, size - 1) + 1):
            # What of the ones stays at the end, and what moves down by one place.
            target, angle = qubits[size - 1 - ones], 2.0 * acos(sqrt(ones / size))
            circuit.cx(target, last)
            if ones == 1:
                _turn(circuit, last, target, angle)
            else:
                _turn_by_two(circuit, (last, qubits[size - ones]), target, angle)
            circuit.cx(target, last)


def _turn_empty(circuit: "QuantumCircuit", control: int, target: int, angle: float) -> None:
    """Rotate a target that is in |0> by ``ry(angle)`` where the control is one."""
    circuit.ry(-0.5 * angle, target)
    circuit.cz(control, target)
    circuit.ry(0.5 * angle, target)


def _turn(circuit: "QuantumCircuit", control: int, target: int, angle: float) -> None:
    """Rotate a target by ``ry(angle)`` where the control is one."""
    circuit.ry(0.5 * angle, target)
    circuit.cx(control, target)
    circuit.ry(-0.5 * angle, target)
    circuit.cx(control, target)


def _turn_by_two(
    circuit: "QuantumCircuit", controls: tuple[int, int], target: int, angle: float
) -> None:
    """Rotate a target by ``ry(angle)`` where both controls are one."""
    for control, sign in zip(2 * controls, (1, -1, 1, -1), strict=True):
        circuit.ry(0.25 * sign * angle, target)
        circuit.cx(control, target)
