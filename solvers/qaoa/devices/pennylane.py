"""Simulators of PennyLane: ``pennylane:DEVICE``."""

from functools import partial
from importlib import import_module

from ..frameworks import pennylane
from .framework import Framework, FrameworkFamily

PREFIX = "pennylane:"

FAMILY = FrameworkFamily(
    *(
        Framework(
            name=PREFIX + device, title=f"PennyLane's {device}",
            load=partial(import_module, "pennylane"),
            package="pennylane", probabilities=partial(pennylane.probabilities, device=device),
            most_qubits=most, copies=pennylane.COPIES,
        )
        for device, most in pennylane.MOST_QUBITS.items()
    )
)
