"""Whether a compiled circuit does what the logical one does."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qopt.errors import SolverError

from ..ansatz import Ansatz
from ..circuit import build_circuit
from .physical import qubits_in_use, restrict

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

MOST_QUBITS = 12
"""Qubits in use up to which states are compared: some 50 ms."""

_TOLERANCE = 1e-8
"""Largest difference of two probabilities that is rounding of a few thousand gates."""


def check_circuit(circuit: "QuantumCircuit", ansatz: Ansatz) -> bool:
    """Compare the distributions of a compiled circuit and of its logical one, where they fit.

    Larger circuits are made of a plan that `plan.check_plan` has gone through, or by qiskit.

    Parameters
    ----------
    circuit : QuantumCircuit
        On a device's qubits, measured; variable ``i`` into bit ``i``.
    ansatz : Ansatz

    Returns
    -------
    bool
        Whether it was compared: it is small enough, and its angles are numbers.

    Raises
    ------
    SolverError
        Where they differ.
    """
    used = qubits_in_use(circuit)
    if len(used) > MOST_QUBITS or circuit.parameters:
        return False
    found = measured_probabilities(restrict(circuit, used))
    expected = measured_probabilities(build_circuit(ansatz))
    difference = float(np.abs(found - expected).max())
    if difference > _TOLERANCE:
        raise SolverError(
            f"a compiled circuit differs from its logical one by {difference:.2g} in a "
            "probability; this is a fault of the compiler, and nothing was executed"
        )
    return True


def measured_probabilities(circuit: "QuantumCircuit") -> NDArray[np.float64]:
    """Probability of each value of the classical bits, bit 0 the least."""
    from qiskit.quantum_info import Statevector

    at = {
        circuit.find_bit(gate.clbits[0]).index: circuit.find_bit(gate.qubits[0]).index
        for gate in circuit.data
        if gate.operation.name == "measure"
    }
    state = Statevector(circuit.remove_final_measurements(inplace=False))
    return np.asarray(state.probabilities([at[bit] for bit in range(circuit.num_clbits)]))
