"""Circuits as OpenQASM text, in the dialects that other frameworks read.

Angles are written with all their digits. Gates that readers lack are defined in the text itself or
written out: ``exp(-i t/2 ZZ)`` is ``cx``, ``rz``, ``cx`` but for Braket, which has it.
"""

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from qopt.errors import UnknownNameError

from .walk import Gate, readout, untouched, walk

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

_DEFINED = {
    # exp(-i t/2 ZZ)
    "rzz": "gate rzz(t) a, b { cx a, b; rz(t) b; cx a, b; }",
    # exp(-i t/4 (XX + YY)): the rotations turn Y into Z, and cx makes X on a, Z on b of XX, ZZ
    "xx_plus_yy": (
        "gate xx_plus_yy(t) a, b { rx(pi / 2) a; rx(pi / 2) b; cx a, b; rx(t / 2) a; rz(t / 2) b; "
        "cx a, b; rx(-pi / 2) a; rx(-pi / 2) b; }"
    ),
}

_BRAKET_NAMES = {"cx": "cnot", "rzz": "zz", "xx_plus_yy": "xy"}


def openqasm(circuit: "QuantumCircuit", dialect: str = "qasm3") -> str:
    """A circuit as text; its qubits are ``q``, its classical bits ``c``.

    Parameters
    ----------
    circuit : QuantumCircuit
    dialect : {"qasm2", "qasm3", "qasm3-braket", "qasm3-pennylane"}
        ``qasm2`` for qiskit, Cirq and most others; ``qasm3``, with the standard gates, for qiskit
        and Cirq; the other two for readers of OpenQASM 3 that include no file.

    Raises
    ------
    UnknownNameError
        For another dialect.
    UsageError, UnsupportedError
        Where `walk` does.
    """
    if dialect not in DIALECTS:
        raise UnknownNameError("dialect of OpenQASM", dialect, DIALECTS)
    return "\n".join([*DIALECTS[dialect](circuit, walk(circuit)), ""])


def _standard3(circuit: "QuantumCircuit", gates: list[Gate]) -> list[str]:
    return [
        "OPENQASM 3.0;", 'include "stdgates.inc";', *_definitions(gates), *_registers3(circuit),
        *map(_line, gates), *_measurements3(circuit),
    ]


def _pennylane3(circuit: "QuantumCircuit", gates: list[Gate]) -> list[str]:
    """PennyLane knows the standard gates, but neither an include nor qubits in definitions."""
    return [
        "OPENQASM 3.0;", *_registers3(circuit),
        *(_line(plain) for gate in gates for plain in _written_out(gate)),
        *_measurements3(circuit),
    ]


def _braket3(circuit: "QuantumCircuit", gates: list[Gate]) -> list[str]:
    """Braket has its own names of gates, and leaves qubits without a gate out of its results."""
    idle = [f"i q[{qubit}];" for qubit in untouched(gates, circuit.num_qubits)]
    return [
        "OPENQASM 3.0;", *_registers3(circuit), *idle,
        *(_line(_turned(gate), _BRAKET_NAMES) for gate in gates), *_measurements3(circuit),
    ]


def _standard2(circuit: "QuantumCircuit", gates: list[Gate]) -> list[str]:
    bits = [f"creg c[{circuit.num_clbits}];"] if circuit.num_clbits else []
    return [
        "OPENQASM 2.0;", 'include "qelib1.inc";', f"qreg q[{circuit.num_qubits}];", *bits,
        *(_line(plain) for gate in gates for plain in _written_out(gate)),
        *(f"measure q[{qubit}] -> c[{bit}];" for qubit, bit in readout(circuit)),
    ]


DIALECTS: dict[str, Callable[["QuantumCircuit", list[Gate]], list[str]]] = {
    "qasm2": _standard2,
    "qasm3": _standard3,
    "qasm3-braket": _braket3,
    "qasm3-pennylane": _pennylane3,
}
"""What writes the lines of each."""


def _definitions(gates: list[Gate]) -> list[str]:
    used = {gate.name for gate in gates}
    return [text for name, text in _DEFINED.items() if name in used]


def _registers3(circuit: "QuantumCircuit") -> list[str]:
    bits = [f"bit[{circuit.num_clbits}] c;"] if circuit.num_clbits else []
    return [f"qubit[{circuit.num_qubits}] q;", *bits]


def _measurements3(circuit: "QuantumCircuit") -> list[str]:
    return [f"c[{bit}] = measure q[{qubit}];" for qubit, bit in readout(circuit)]


def _line(gate: Gate, names: Mapping[str, str] | None = None) -> str:
    name = (names or {}).get(gate.name, gate.name)
    angles = f"({', '.join(map(repr, gate.angles))})" if gate.angles else ""
    return f"{name}{angles} {', '.join(f'q[{qubit}]' for qubit in gate.qubits)};"


def _turned(gate: Gate) -> Gate:
    """Braket's ``xy`` turns the other way."""
    if gate.name != "xx_plus_yy":
        return gate
    return gate._replace(angles=(-gate.angles[0],))


def _written_out(gate: Gate) -> list[Gate]:
    """A gate by those of qelib1.inc that every reader knows; as `_DEFINED` has it."""
    if gate.name not in _DEFINED:
        return [gate]
    a, b = gate.qubits
    cx = Gate("cx", (), gate.qubits)
    if gate.name == "rzz":
        return [cx, Gate("rz", gate.angles, (b,)), cx]
    half = (0.5 * gate.angles[0],)
    there, back = (
        [Gate("rx", (sign * math.pi / 2.0,), (qubit,)) for qubit in (a, b)] for sign in (1.0, -1.0)
    )
    return [*there, cx, Gate("rx", half, (a,)), Gate("rz", half, (b,)), cx, *back]
