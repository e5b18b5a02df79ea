"""The simulator of qulacs."""

from functools import partial
from importlib import import_module

from ..frameworks import qulacs
from ..simulate.memory import MOST_QUBITS
from .framework import Framework, FrameworkFamily

FAMILY = FrameworkFamily(
    Framework(
        name="qulacs", title="qulacs", load=partial(import_module, "qulacs"), package="qulacs",
        probabilities=qulacs.probabilities, most_qubits=MOST_QUBITS, copies=qulacs.COPIES,
    )
)
