"""Amazon Braket: ``braket:local``, its simulator on this machine, and devices by their ARN."""

from importlib.util import find_spec
from typing import Any

from qopt.devices import Description, DeviceSize
from qopt.errors import MissingPackageError

from ..frameworks import braket
from .braket_cloud import describe_arn, open_arn
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
        """The local simulator, where it is installed."""
        return _LOCAL.sizes() if _is_installed() else ()

    def describe(self, name: str) -> Description:
        """What it is."""
        return describe_arn(name) if _is_arn(name) else _LOCAL.describe(name)

    def open(self, name: str, options: DeviceOptions) -> Any:
        """The device."""
        if _is_arn(name):
            return open_arn(name, options)
        if name == LOCAL and not _is_installed():
            package = "amazon-braket-default-simulator"
            raise MissingPackageError(f"device {name!r}", [package], "qopt-toolkit[braket]")
        return _LOCAL.open(name, options)


def _is_installed() -> bool:
    return find_spec("braket") is not None and find_spec("braket.default_simulator") is not None


def _is_arn(name: str) -> bool:
    return name.startswith(PREFIX + "arn:")


FAMILY = BraketFamily()
