"""The simulator of Cirq."""

from ..frameworks import cirq
from .framework import Framework, FrameworkFamily

FAMILY = FrameworkFamily(
    Framework(
        name="cirq", title="Cirq", module="cirq", package="cirq-core",
        probabilities=cirq.probabilities, most_qubits=cirq.MOST_QUBITS, copies=cirq.COPIES,
    )
)
