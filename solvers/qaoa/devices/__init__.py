"""Devices by name. Each family is one file; a device compiles and samples."""

from qopt.devices import DeviceFamily, family_spec, full_name

from .device import Compiled, Device, DeviceOptions, Samples, Watch

__all__ = ["Compiled", "Device", "DeviceOptions", "Samples", "Watch", "open_device"]


def open_device(name: str, options: DeviceOptions | None = None) -> Device:
    """The device of a name; nothing heavy is imported.

    Parameters
    ----------
    name : str
        ``statevector``, ``mps:BOND``, ``aer:NAME``, ``depolarizing:P1;P2;READOUT``, or of any
        family that is published to the registry; or a snapshot's file, ``FILE.json``.
    options : DeviceOptions, optional

    Raises
    ------
    UnknownNameError
        With the nearest names.
    UsageError
        Where an option does not act on the device.
    MissingPackageError
        Where the package of its family is not installed.
    """
    name = full_name(name)
    family: DeviceFamily = family_spec(name).load()
    device: Device = family.open(name, options or DeviceOptions())
    return device
