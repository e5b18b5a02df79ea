"""QAOA as a qiskit circuit, and what can be read off a circuit."""

import hashlib
import json
from typing import TYPE_CHECKING, Literal

import numpy as np

from .ansatz import Ansatz, Cost
from .dicke import append_dicke
from .mixers import complete_pairs, ring_pairs

if TYPE_CHECKING:
    from qiskit import QuantumCircuit


Order = Literal["colours", "rows"]
"""How the rzz gates of a layer are ordered; they commute.

``colours``: by an edge colouring, so that a layer takes at most one step more than the largest
number of couplings at a qubit (Misra and Gries, 1992): the shallowest where all qubits are coupled.
``rows``: sorted by qubits; a router halves the gates of dense costs with it.
"""

ORDERS: tuple[Order, ...] = ("colours", "rows")

_LEVEL = 1e-12
"""Distance of a tilt from pi / 2 that is rounding."""


ONE_QUBIT_GATES = ("h", "x", "rx", "ry", "rz")
TWO_QUBIT_GATES = ("rzz", "xx_plus_yy", "cx", "cz")
"""The gates that circuits are built of."""


def build_circuit(ansatz: Ansatz, order: Order = "colours") -> "QuantumCircuit":
    """The bound circuit of one- and two-qubit gates, with qubit ``i`` measured into bit ``i``."""
    from qiskit import QuantumCircuit

    cost, n = ansatz.cost, ansatz.cost.qubits
    circuit = QuantumCircuit(n, n)
    start = start_state(ansatz)
    circuit.compose(start, inplace=True)
    coefficients = np.append(cost.ising.h, cost.ising.J)
    pairs = _pairs(cost) if order == "rows" else _coloured_pairs(cost)
    for gammas, betas in zip(ansatz.angles.gammas, ansatz.angles.betas, strict=True):
        # One angle a layer, or one for each term and qubit.
        turns = (2.0 * np.asarray(gammas) * coefficients).tolist()
        # rzz(t) = exp(-i t/2 ZZ), rz(t) = exp(-i t/2 Z)
        for i, j, number in pairs:
            circuit.rzz(turns[n + number], i, j)
        for i in range(n):
            if cost.ising.h[i] != 0.0:
                circuit.rz(turns[i], i)
        if ansatz.mixer == "grover":
            _reflect(circuit, betas, start)
        else:
            mixer = mixer_layer(ansatz, np.broadcast_to(betas, n).tolist())
            circuit.compose(mixer, inplace=True)
    for i in range(n):
        circuit.measure(i, i)
    return circuit


def start_state(ansatz: Ansatz) -> "QuantumCircuit":
    """What prepares the initial state."""
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(ansatz.cost.qubits)
    for group in ansatz.groups:
        append_dicke(circuit, group.members, group.size)
    for i, tilt in _free(ansatz):
        if tilt is None:
            circuit.h(i)
        else:
            circuit.ry(tilt, i)
    return circuit


def mixer_layer(ansatz: Ansatz, betas: list[float]) -> "QuantumCircuit":
    """One layer's mixer: exchanges within groups, rotations of the other qubits.

    A tilted qubit turns about its own axis: ``Ry(theta) Rz(2 beta) Ry(-theta) =
    exp(-i beta (sin(theta) X + cos(theta) Z))`` (Egger, Marecek and Woerner, Quantum 5, 479, 2021).
    """
    from qiskit import QuantumCircuit
    from qiskit.circuit.library import XXPlusYYGate

    circuit = QuantumCircuit(ansatz.cost.qubits)
    neighbours = ring_pairs if ansatz.mixer == "ring" else complete_pairs
    for group in ansatz.groups:
        if 0 < group.size < len(group.members):
            for i, j in neighbours(len(group.members)):
                # xx_plus_yy(t) = exp(-i t/4 (XX + YY)); groups take one angle a layer
                gate = XXPlusYYGate(2.0 * betas[0])
                circuit.append(gate, [group.members[i], group.members[j]])
    for i, tilt in _free(ansatz):
        if tilt is None:
            circuit.rx(2.0 * betas[i], i)  # rx(t) = exp(-i t/2 X)
        else:
            circuit.ry(-tilt, i)
            circuit.rz(2.0 * betas[i], i)
            circuit.ry(tilt, i)
    return circuit


def _reflect(circuit: "QuantumCircuit", beta: float, start: "QuantumCircuit") -> None:
    """Apply ``exp(-i beta |s><s|)`` with the initial state s."""
    circuit.compose(start.inverse(), inplace=True)
    circuit.compose(_phase_of_zeros(circuit.num_qubits, -beta), inplace=True)
    circuit.compose(start, inplace=True)


def _free(ansatz: Ansatz) -> list[tuple[int, float | None]]:
    """The qubits in no group, and their tilts; None for that of the uniform superposition."""
    bound = {i for group in ansatz.groups for i in group.members}
    free = [i for i in range(ansatz.cost.qubits) if i not in bound]
    if ansatz.tilts is None:
        return [(i, None) for i in free]
    level = np.abs(ansatz.tilts - np.pi / 2.0) <= _LEVEL
    return [(i, None if level[i] else float(ansatz.tilts[i])) for i in free]


def _phase_of_zeros(qubits: int, phase: float) -> "QuantumCircuit":
    """Multiply the amplitude of |0...0> by ``exp(i phase)``."""
    from qiskit import QuantumCircuit, transpile
    from qiskit.circuit.library import MCPhaseGate, PhaseGate

    circuit = QuantumCircuit(qubits)
    if qubits:
        circuit.x(range(qubits))
        gate = MCPhaseGate(phase, qubits - 1) if qubits > 1 else PhaseGate(phase)
        circuit.append(gate, range(qubits))
        circuit.x(range(qubits))
    basis = [*ONE_QUBIT_GATES, *TWO_QUBIT_GATES]
    return transpile(circuit, basis_gates=basis, optimization_level=0)


def _pairs(cost: Cost) -> list[tuple[int, int, int]]:
    """The couplings as (qubit, qubit, number)."""
    ising = cost.ising
    return list(zip(ising.row.tolist(), ising.col.tolist(), range(len(ising.J)), strict=True))


def _coloured_pairs(cost: Cost) -> list[tuple[int, int, int]]:
    """The same sorted by colour."""
    import rustworkx

    graph = rustworkx.PyGraph()
    graph.add_nodes_from(range(cost.qubits))
    pairs = _pairs(cost)
    indices = graph.add_edges_from(pairs)
    colours = rustworkx.graph_misra_gries_edge_color(graph)
    by_colour = sorted(zip(indices, pairs, strict=True), key=lambda item: (colours[item[0]], item))
    return [pair for _, pair in by_colour]


def depth(circuit: "QuantumCircuit") -> int:
    """Longest chain of gates, measurements aside."""
    return int(circuit.depth(lambda gate: gate.operation.name not in ("measure", "barrier")))


def two_qubit_gates(circuit: "QuantumCircuit") -> int:
    """Number of gates on two qubits."""
    return sum(
        len(gate.qubits) == 2 and gate.operation.name != "barrier" for gate in circuit.data
    )


def one_qubit_gates(circuit: "QuantumCircuit", free: tuple[str, ...] = ()) -> int:
    """Number of gates on one qubit, those named `free` aside (rz on most devices takes no time)."""
    left_out = ("measure", "barrier", "delay", *free)
    return sum(
        len(gate.qubits) == 1 and gate.operation.name not in left_out for gate in circuit.data
    )


def fingerprint(circuit: "QuantumCircuit") -> str:
    """SHA-256 of the canonical list of instructions; equal in every process.

    An instruction is its name, parameters to 12 significant digits, qubits and classical bits; the
    global phase comes last.
    """
    position = {bit: i for i, bit in enumerate(circuit.qubits)}
    clbits = {bit: i for i, bit in enumerate(circuit.clbits)}
    instructions = [
        [
            gate.operation.name,
            [f"{float(value):.12g}" for value in gate.operation.params],
            [position[bit] for bit in gate.qubits],
            [clbits[bit] for bit in gate.clbits],
        ]
        for gate in circuit.data
    ]
    canonical = [circuit.num_qubits, instructions, f"{float(circuit.global_phase):.12g}"]
    return hashlib.sha256(json.dumps(canonical, separators=(",", ":")).encode()).hexdigest()
