"""Plans of layers as circuits of a device's own gates."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..ansatz import Ansatz
from ..circuit import mixer_layer, start_state
from .plan import Plan
from .target import Couplings

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.transpiler import Target


def physical_circuit(
    ansatz: Ansatz, plan: Plan, couplings: Couplings, target: "Target"
) -> "QuantumCircuit":
    """The bound or parametrised circuit of an ansatz on a device, in the device's gates.

    Every second layer goes through the plan backwards, so that only one layer is ever routed.
    Qubit ``i`` of the ansatz is measured into bit ``i``.

    Parameters
    ----------
    ansatz : Ansatz
        Without groups: its mixer turns each qubit by itself.
    plan : Plan
        Of its couplings.
    couplings : Couplings
    target : Target
    """
    return _native(_routed(ansatz, plan, couplings, target), target)


def _routed(
    ansatz: Ansatz, plan: Plan, couplings: Couplings, target: "Target"
) -> "QuantumCircuit":
    """The circuit on the device's qubits, in gates that are not yet its own."""
    from qiskit import QuantumCircuit

    cost = ansatz.cost
    circuit = QuantumCircuit(target.num_qubits, cost.qubits)
    coefficients = np.append(cost.ising.h, cost.ising.J)
    at = couplings.qubits[plan.start]
    circuit.compose(start_state(ansatz), at.tolist(), inplace=True)
    for gammas, betas in zip(ansatz.angles.gammas, ansatz.angles.betas, strict=True):
        turns = (2.0 * np.asarray(gammas) * coefficients).tolist()
        for i in range(cost.qubits):
            if cost.ising.h[i] != 0.0:
                circuit.rz(turns[i], int(at[i]))
        _apply(circuit, plan, couplings.qubits, turns[cost.qubits:])
        at = couplings.qubits[plan.end]
        mixer = mixer_layer(ansatz, np.broadcast_to(betas, cost.qubits).tolist())
        circuit.compose(mixer, at.tolist(), inplace=True)
        plan = plan.reversed()
    for i, qubit in enumerate(at.tolist()):
        circuit.measure(qubit, i)
    return circuit


def _apply(
    circuit: "QuantumCircuit", plan: Plan, qubits: NDArray[np.int64], turns: list[object]
) -> None:
    """One layer. A term with a swap takes three controlled-not gates, as a swap alone does."""
    for step in plan.steps:
        a, b = int(qubits[step.first]), int(qubits[step.second])
        if not step.swapped:
            circuit.rzz(turns[step.term], a, b)
            continue
        circuit.cx(a, b)
        if step.term >= 0:
            circuit.rz(turns[step.term], b)
        circuit.cx(b, a)
        circuit.cx(a, b)


def _native(circuit: "QuantumCircuit", target: "Target") -> "QuantumCircuit":
    """The same circuit in a target's gates; it moves no qubit."""
    from qiskit.transpiler import generate_preset_pass_manager

    manager = generate_preset_pass_manager(
        1, target=target, initial_layout=list(range(circuit.num_qubits)), routing_method="none",
        seed_transpiler=0,
    )
    return manager.run(circuit)
