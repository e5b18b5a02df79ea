"""QAOA as a qiskit circuit, and what can be read off a circuit."""

import hashlib
import json
from typing import TYPE_CHECKING, Literal

from .ansatz import Ansatz, Cost

if TYPE_CHECKING:
    from qiskit import QuantumCircuit


Order = Literal["colours", "rows"]
"""How the rzz gates of a layer are ordered; they commute.

``colours``: by an edge colouring, so that a layer takes at most one step more than the largest
number of couplings at a qubit (Misra and Gries, 1992): the shallowest where all qubits are coupled.
``rows``: sorted by qubits; a router halves the gates of dense costs with it.
"""

ORDERS: tuple[Order, ...] = ("colours", "rows")


def build_circuit(ansatz: Ansatz, order: Order = "colours") -> "QuantumCircuit":
    """The bound circuit of h, rz, rzz and rx gates, with qubit ``i`` measured into bit ``i``."""
    from qiskit import QuantumCircuit

    cost, n = ansatz.cost, ansatz.cost.qubits
    circuit = QuantumCircuit(n, n)
    for i in range(n):
        circuit.h(i)
    pairs = _pairs(cost) if order == "rows" else _coloured_pairs(cost)
    for gamma, beta in zip(ansatz.angles.gammas, ansatz.angles.betas, strict=True):
        # rzz(t) = exp(-i t/2 ZZ), rz(t) = exp(-i t/2 Z), rx(t) = exp(-i t/2 X)
        for i, j, coupling in pairs:
            circuit.rzz(2.0 * gamma * coupling, i, j)
        for i in range(n):
            if cost.ising.h[i] != 0.0:
                circuit.rz(2.0 * gamma * float(cost.ising.h[i]), i)
            circuit.rx(2.0 * beta, i)
    for i in range(n):
        circuit.measure(i, i)
    return circuit


def _pairs(cost: Cost) -> list[tuple[int, int, float]]:
    """The couplings as (qubit, qubit, weight)."""
    ising = cost.ising
    return list(zip(ising.row.tolist(), ising.col.tolist(), ising.J.tolist(), strict=True))


def _coloured_pairs(cost: Cost) -> list[tuple[int, int, float]]:
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
