"""The simulator of qulacs."""

from ..frameworks import qulacs
from ..simulate.memory import MOST_QUBITS
from .framework import Framework, FrameworkFamily

FAMILY = FrameworkFamily(
    Framework(
        name="qulacs", title="qulacs", module="qulacs", package="qulacs",
        probabilities=qulacs.probabilities, most_qubits=MOST_QUBITS, copies=qulacs.COPIES,
    )
)
