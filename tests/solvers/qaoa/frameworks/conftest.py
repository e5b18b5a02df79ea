"""QAOA circuits that every framework is asked about."""

import numpy as np
import pytest

from qopt.forms import Group
from qopt.solvers.qaoa.ansatz import Angles, Ansatz, Cost
from qopt.solvers.qaoa.circuit import build_circuit

ANGLES = Angles((0.3, -0.2), (0.4, 0.7))


@pytest.fixture
def qaoa_circuits(random_qubo):
    """Makes circuits of small random models by kind, the angles scaled by a factor."""

    def make(kind: str, angles: Angles = ANGLES):
        if kind == "ising":
            ansatz = Ansatz(Cost.of(random_qubo(6, seed=3, density=0.7)))
        elif kind == "tilted":
            tilts = np.random.default_rng(1).uniform(0.0, np.pi, 5)
            ansatz = Ansatz(Cost.of(random_qubo(5, seed=4)), tilts=tilts)
        else:
            # One-hot, two of three, and a free bit, so that qubits are not in the order of groups.
            groups = [Group((0, 3, 1), 1), Group((2, 4, 6), 2)]
            ansatz = Ansatz.of(random_qubo(7, seed=5).with_groups(groups), kind)
        return build_circuit(ansatz.at(angles))

    return make


@pytest.fixture
def exact():
    """The probabilities of a circuit by qiskit's own statevector."""
    from qiskit.quantum_info import Statevector

    return lambda circuit: Statevector(
        circuit.remove_final_measurements(inplace=False)
    ).probabilities()
