"""Devices that fit on a page: a line, a ring and a piece of a heavy hexagon."""

from collections.abc import Sequence

import numpy as np
import pytest
from qiskit.circuit import Measure, Parameter
from qiskit.circuit.library import CZGate, RZGate, SXGate, XGate
from qiskit.transpiler import InstructionProperties, QubitProperties, Target


def device(pairs: Sequence[tuple[int, int]], errors: Sequence[float] | None = None) -> Target:
    """A target with these couplings; errors grow along the list where none are given."""
    qubits = 1 + max(max(pair) for pair in pairs)
    if errors is None:
        errors = np.linspace(0.004, 0.012, len(pairs)).tolist()
    times = [QubitProperties(t1=2e-4, t2=1e-4) for _ in range(qubits)]
    target = Target(num_qubits=qubits, dt=1e-9, qubit_properties=times)
    ones = {(q,): InstructionProperties(30e-9, 2e-4) for q in range(qubits)}
    target.add_instruction(SXGate(), ones)
    target.add_instruction(XGate(), dict(ones))
    target.add_instruction(
        RZGate(Parameter("t")), {(q,): InstructionProperties(0.0, 0.0) for q in range(qubits)}
    )
    both = {
        ends: InstructionProperties(70e-9, error)
        for (a, b), error in zip(pairs, errors, strict=True)
        for ends in ((a, b), (b, a))
    }
    target.add_instruction(CZGate(), both)
    target.add_instruction(
        Measure(), {(q,): InstructionProperties(1e-6, 0.01 + 0.001 * q) for q in range(qubits)}
    )
    return target


HEXAGON = [(k, (k + 1) % 12) for k in range(12)] + [(0, 12), (4, 13), (8, 14)]
"""A heavy hexagon with three tails."""


@pytest.fixture
def hexagon() -> Target:
    return device(HEXAGON)


@pytest.fixture
def line_of_six() -> Target:
    return device([(k, k + 1) for k in range(5)])
