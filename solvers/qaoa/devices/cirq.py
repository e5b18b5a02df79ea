"""The simulator of Cirq."""

from functools import partial
from importlib import import_module

from ..frameworks import cirq
from .framework import Framework, FrameworkFamily

FAMILY = FrameworkFamily(
    Framework(
        name="cirq", title="Cirq", load=partial(import_module, "cirq"), package="cirq-core",
        probabilities=cirq.probabilities, most_qubits=cirq.MOST_QUBITS, copies=cirq.COPIES,
    )
)
