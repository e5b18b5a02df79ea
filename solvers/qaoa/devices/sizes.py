"""How much each device holds, without opening it."""

from qopt.devices import DeviceSize

from ..simulate.memory import MOST_QUBITS
from ..simulate.noisy import MOST_QUBITS as MOST_NOISY
from . import calibrated as devices
from .mps import MOST_QUBITS as MOST_MPS


def statevector() -> tuple[DeviceSize, ...]:
    """The exact state, and the states that keep groups."""
    return (
        DeviceSize("statevector", MOST_QUBITS, states=2**MOST_QUBITS, forms=("qubo", "table")),
    )


def matrix_product_state() -> tuple[DeviceSize, ...]:
    """A matrix product state."""
    return (DeviceSize("mps", MOST_MPS),)


def calibrated() -> tuple[DeviceSize, ...]:
    """IBM's devices, the smallest first; simulated with noise only up to a smaller size."""
    sizes = [
        DeviceSize(
            devices.PREFIX + name, devices.device_qubits(name), simulated=MOST_NOISY, real=True
        )
        for name in devices.device_names()
    ]
    return tuple(sorted(sizes, key=lambda size: (size.qubits, size.name)))
