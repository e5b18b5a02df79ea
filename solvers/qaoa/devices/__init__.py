"""Devices by name. Each is one file, and can compile and sample."""

from qopt.errors import UnknownNameError, UsageError

from ..simulate.simulator import Precision
from .calibrated import DEFAULT_LEVEL, DEFAULT_TRIES, PREFIX, CalibratedDevice, device_names
from .depolarising import SYNTAX, DepolarisingDevice
from .device import Compiled, Device, Samples, Watch
from .mps import NAME as MPS
from .mps import SYNTAX as MPS_SYNTAX
from .mps import MpsDevice
from .statevector import StatevectorDevice

__all__ = ["MPS", "Compiled", "Device", "Samples", "StatevectorDevice", "Watch", "open_device"]


def open_device(
    name: str,
    *,
    level: int | None = None,
    tries: int | None = None,
    trajectories: int | None = None,
    threads: int = 1,
    precision: Precision = "double",
) -> Device:
    """The device of a name; nothing heavy is imported.

    Parameters
    ----------
    name : str
        ``statevector``, ``mps``, ``mps:BOND``, ``aer:NAME`` or ``depolarizing:P1;P2;READOUT``.
    level, tries : int, optional
        Optimisation level and seeds of the compiler, for devices with couplings.
    trajectories : int, optional
        Noise trajectories, for noisy devices.
    threads : int
    precision : {"double", "single"}
        Of the amplitudes of ``statevector``.

    Raises
    ------
    UnknownNameError
        With the nearest names.
    UsageError
        Where an option does not act on the device.
    """
    if name.startswith(PREFIX):
        return CalibratedDevice(
            name,
            level=DEFAULT_LEVEL if level is None else level,
            tries=DEFAULT_TRIES if tries is None else tries,
            trajectories=trajectories,
            threads=threads,
        )
    if level is not None or tries is not None:
        raise UsageError(
            f"device {name!r} couples all qubits and needs no compiler: leave out "
            "optimisation_level, compile_seed and compile_tries"
        )
    if name.split(":")[0] in ("depolarizing", "depolarising"):
        return DepolarisingDevice(name, trajectories, threads)
    by_mps = name.split(":")[0] == MPS
    if not by_mps and name != StatevectorDevice.name:
        named = (PREFIX + each for each in device_names())
        raise UnknownNameError("device", name, [StatevectorDevice.name, MPS_SYNTAX, SYNTAX, *named])
    if trajectories is not None:
        raise UsageError(f"device {name!r} has no noise: leave out trajectories")
    if by_mps:
        return MpsDevice(name)
    return StatevectorDevice(threads, precision)
