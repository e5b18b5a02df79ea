"""Amazon Braket: ``braket:local``, its simulator on this machine."""

from typing import Any

from qopt.devices import Description, DeviceSize

from ..frameworks import braket
from .device import DeviceOptions
from .framework import Framework, FrameworkFamily

PREFIX = "braket:"
LOCAL = PREFIX + "local"

_LOCAL = FrameworkFamily(
    Framework(
        name=LOCAL, title="Braket's local simulator", load=braket.load,
        package="amazon-braket-default-simulator", probabilities=braket.probabilities,
        most_qubits=braket.MOST_QUBITS, copies=braket.COPIES, warm_up=braket.warm_up,
    )
)


class BraketFamily:
    """Braket's devices; what follows the colon says where they are."""

    def sizes(self) -> tuple[DeviceSize, ...]:
        """The local simulator."""
        return _LOCAL.sizes()

    def describe(self, name: str) -> Description:
        """What it is."""
        return _LOCAL.describe(name)

    def open(self, name: str, options: DeviceOptions) -> Any:
        """The device."""
        return _LOCAL.open(name, options)


FAMILY = BraketFamily()
