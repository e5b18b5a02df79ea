"""Inverses and Paulis of the gates that a compiled circuit has, made of the same gates."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from math import pi
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import UnsupportedError

from ..circuit import ONE_QUBIT_GATES, TWO_QUBIT_GATES

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

PAULIS = "IXYZ"

Pair = tuple[str, str]
"""A Pauli on each qubit of a gate, its first qubit first."""

_MATRICES: dict[str, NDArray[np.complex128]] = {
    "I": np.eye(2, dtype=np.complex128),
    "X": np.array([[0, 1], [1, 0]], dtype=np.complex128),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.array([[1, 0], [0, -1]], dtype=np.complex128),
}


def body(circuit: "QuantumCircuit") -> list[Any]:
    """Its gates, in order; measurements come after them."""
    return [gate for gate in circuit.data if gate.operation.name != "measure"]


def without_gates(circuit: "QuantumCircuit") -> "QuantumCircuit":
    """An empty circuit of the same qubits and bits."""
    return circuit.copy_empty_like()


def measure_as(circuit: "QuantumCircuit", like: "QuantumCircuit") -> None:
    """Append the measurements of another circuit."""
    for gate in like.data:
        if gate.operation.name == "measure":
            circuit.append(gate.operation, gate.qubits, gate.clbits)


def is_pair(gate: Any) -> bool:
    """Whether an instruction is a gate on two qubits."""
    return len(gate.qubits) == 2 and gate.operation.name != "barrier"


def inverse(operation: Any) -> list[Any]:
    """Gates of the same names that undo one, with as many that take time.

    Raises
    ------
    UnsupportedError
        For a gate that is undone by none of its own name.
    """
    from qiskit.circuit.library import RZGate

    if operation.name == "sx":
        # Z sqrt(X) Z is its inverse, and rz takes no time where sqrt(X) is a device's own.
        return [RZGate(pi), operation, RZGate(-pi)]
    undone = operation.inverse()
    if undone.name != operation.name:
        raise UnsupportedError(
            f"the gate {operation.name!r} is not undone by gates of the device: take another "
            "mitigation"
        )
    return [undone]


class NativePaulis:
    """Paulis made of the gates that a circuit shows its device to have, up to a phase.

    Parameters
    ----------
    circuit : QuantumCircuit
        Compiled.

    Raises
    ------
    UnsupportedError
        Where it has no gate that could make them.
    """

    def __init__(self, circuit: "QuantumCircuit") -> None:
        names = {gate.operation.name for gate in body(circuit)}
        logical = names <= {*ONE_QUBIT_GATES, *TWO_QUBIT_GATES}
        flip, turn = _flip(names, logical), _turn(names, logical)
        self._gates = {"I": [], "X": flip, "Y": [*flip, *turn], "Z": turn}

    def append(
        self, circuit: "QuantumCircuit", qubits: Sequence[Any], paulis: Sequence[str]
    ) -> None:
        """Append a Pauli on each of the first qubits."""
        for qubit, pauli in zip(qubits, paulis, strict=False):
            for gate in self._gates[pauli]:
                circuit.append(gate, [qubit])


def _flip(names: set[str], logical: bool) -> list[Any]:
    from qiskit.circuit.library import RXGate, SXGate, U3Gate, UGate, XGate

    if logical or "x" in names:
        return [XGate()]
    for name, gates in (
        ("sx", [SXGate(), SXGate()]), ("rx", [RXGate(pi)]), ("u3", [U3Gate(pi, 0.0, pi)]),
        ("u2", [U3Gate(pi, 0.0, pi)]), ("u", [UGate(pi, 0.0, pi)]),
    ):
        if name in names:
            return list(gates)
    raise UnsupportedError(_no_pauli(names))


def _turn(names: set[str], logical: bool) -> list[Any]:
    from qiskit.circuit.library import RZGate, U1Gate, UGate

    if logical or names & {"rz", "sx", "rx"}:
        return [RZGate(pi)]
    if names & {"u1", "u2", "u3"}:
        return [U1Gate(pi)]
    if "u" in names:
        return [UGate(0.0, 0.0, pi)]
    raise UnsupportedError(_no_pauli(names))


def _no_pauli(names: set[str]) -> str:
    told = ", ".join(sorted(names)) or "none"
    return f"no Pauli gates are known of a device's gates {told}: take another mitigation"


def conjugates(operation: Any) -> list[tuple[Pair, Pair, Any]]:
    """Ways to put Paulis around a two-qubit gate that leave what it does, up to a phase.

    Returns
    -------
    list of (before, after, operation)
        ``after . operation . before`` is the gate itself; the operation is the same, or with its
        angle turned round. Gates of the Clifford group have all 16.
    """
    found = []
    matrix = np.asarray(operation.to_matrix())
    turned = inverse(operation)[0] if operation.params else operation
    for before, after, turns in _ways(operation.name, matrix.tobytes(), bool(operation.params)):
        found.append((before, after, turned if turns else operation))
    return found


@lru_cache(maxsize=4096)
def _ways(name: str, data: bytes, turns: bool) -> tuple[tuple[Pair, Pair, bool], ...]:
    """The Paulis of `conjugates`, and whether the angle is turned round."""
    matrix = np.frombuffer(data, dtype=np.complex128).reshape(4, 4)
    candidates = [(matrix, False), (matrix.conj().T, True)] if turns else [(matrix, False)]
    pairs = [(a, b) for a, b in product(PAULIS, PAULIS)]
    found = []
    for before in pairs:
        for after in [before] if turns else pairs:
            for candidate, turned in candidates:
                around = pair_matrix(after) @ candidate @ pair_matrix(before)
                if abs(abs(np.vdot(matrix, around)) - 4.0) < 1e-9:
                    found.append((before, after, turned))
                    break
            else:
                continue
            break
    return tuple(found)


def pair_matrix(pair: Pair) -> NDArray[np.complex128]:
    """Matrix of Paulis on two qubits, the first of them least significant."""
    return np.asarray(np.kron(_MATRICES[pair[1]], _MATRICES[pair[0]]))
