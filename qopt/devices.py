"""Quantum devices by name: families that plug-ins publish, how much they hold, and what they are.

A package publishes a family of devices as a `qopt.registry.Spec` of kind ``"device"``; its target
is a `DeviceFamily`. A device is written ``family`` or ``family:NAME``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from .calibration import Calibration
from .errors import UnknownNameError, UnsupportedError, UsageError
from .forms import Qubo
from .registry import Spec, available, find


@dataclass(frozen=True)
class DeviceSize:
    """What fits a device, by size alone.

    Parameters
    ----------
    name : str
        As solvers take it: ``"aer:torino"``.
    qubits : int
        Largest register, qubits without a usable coupling included.
    states : int, optional
        Bit strings that keep the groups of a model, up to which it is held whatever its qubits;
        None where groups take as many qubits as they have members.
    forms : tuple of str
        Forms of models that it takes.
    simulated : int, optional
        Qubits up to which it is simulated here, where that is less than the device has.
    real : bool
        Whether there is such a device, rather than a simulation alone.
    """

    name: str
    qubits: int
    states: int | None = None
    forms: tuple[str, ...] = ("qubo",)
    simulated: int | None = None
    real: bool = False

    def holds(self, form: str, qubits: int, states: int | None = None) -> bool:
        """Whether a model of a form fits.

        Parameters
        ----------
        form : str
        qubits : int
        states : int, optional
            Bit strings that keep its groups; None without groups.
        """
        if form not in self.forms:
            return False
        within = states is not None and self.states is not None and states <= self.states
        return within or qubits <= self.qubits


@dataclass(frozen=True)
class Description:
    """What a device is.

    Parameters
    ----------
    name : str
        As solvers take it.
    summary : str
        One line.
    qubits : int
        Dead ones included.
    couples_all : bool
        Whether every pair of qubits is coupled; else `calibration` tells the couplings.
    basis : tuple of str
        Names of the gates that it executes as they are, after qiskit's.
    simulated, noisy : bool
        Whether samples come from a simulation, and whether they have errors.
    calibration : Calibration, optional
        Where one is known.
    facts : dict
        Further JSON values that are worth telling: limits, versions, how credentials are found.
    """

    name: str
    summary: str
    qubits: int
    couples_all: bool
    basis: tuple[str, ...]
    simulated: bool
    noisy: bool
    calibration: Calibration | None = field(default=None, repr=False)
    facts: dict[str, Any] = field(default_factory=dict)


class DeviceFamily(Protocol):
    """Devices of one kind. Nothing here imports their libraries but `describe`, where it must."""

    def sizes(self) -> Sequence[DeviceSize]:
        """What can be opened by name, and how much it holds."""
        ...

    def describe(self, name: str) -> Description:
        """What a device is.

        Raises
        ------
        UnknownNameError
            With the nearest names.
        """
        ...

    def open(self, name: str, options: Any) -> Any:
        """The device for a solver: QAOA's `qopt.solvers.qaoa.devices.Device`, of its options.

        Raises
        ------
        UnknownNameError
            With the nearest names.
        UsageError
            Where an option does not act on the device.
        """
        ...


@dataclass(frozen=True)
class CircuitFacts:
    """A circuit as a device would execute it.

    Parameters
    ----------
    hash : str
        SHA-256 of its canonical list of instructions, its qubits numbered from 0.
    physical : tuple of int
        The device's numbers of its qubits.
    depth, two_qubit_gates : int
    success_probability : float, optional
        Estimated probability that a shot meets no error.
    """

    hash: str
    physical: tuple[int, ...] = field(repr=False)
    depth: int
    two_qubit_gates: int
    success_probability: float | None = None


class Compiling(Protocol):
    """A solver that can tell what it would execute."""

    def compile_only(
        self, model: Qubo, seed: int, details: Mapping[str, Any] | None = None
    ) -> CircuitFacts:
        """The circuit of a model on the solver's device; nothing is executed.

        Parameters
        ----------
        model : Qubo
        seed : int
            Of the run.
        details : mapping, optional
            Of an earlier run of the model, whose trained parameters are taken.
        """
        ...


SNAPSHOTS = "aer"
"""The family that opens snapshots' files, where a file stands alone for a device."""

_SPELLINGS = {"depolarising": "depolarizing"}


def family_spec(name: str) -> Spec:
    """The spec of the family that a device's name begins with.

    Raises
    ------
    UnknownNameError
        With the nearest names of devices.
    """
    family = name.partition(":")[0]
    try:
        return find("device", _SPELLINGS.get(family, family))
    except UnknownNameError:
        written = [size.name for size in device_sizes()]
        bare = [s.name for s in available("device") if s.name not in written]
        raise UnknownNameError("device", name, [*written, *bare]) from None


def full_name(name: str) -> str:
    """A device's name with its family, where a snapshot's file stands alone."""
    known = {spec.name for spec in available("device")}
    alone = name.endswith(".json") and name.partition(":")[0] not in known
    return f"{SNAPSHOTS}:{name}" if alone else name


def describe(name: str) -> Description:
    """What a device is.

    Parameters
    ----------
    name : str
        As solvers take it, or a snapshot's file.

    Raises
    ------
    UnknownNameError
        With the nearest names.
    ParseError
        Where a file is no calibration.
    MissingPackageError
        Where its package is not installed.
    """
    name = full_name(name)
    family: DeviceFamily = family_spec(name).load()
    return family.describe(name)


def calibration_of(name: str) -> Calibration:
    """The calibration of a device.

    Raises
    ------
    UnsupportedError
        Where it has none.
    """
    told = describe(name)
    if told.calibration is None:
        raise UnsupportedError(
            f"device {name!r} has no calibration ({told.summary}); those of real devices have: "
            "qopt devices list"
        )
    return told.calibration


def device_sizes() -> list[DeviceSize]:
    """All devices whose packages are installed, in the order of their families' names."""
    return [
        size for spec in available("device") if not spec.missing() for size in spec.load().sizes()
    ]


def check_snapshot_path(path: str | Path) -> None:
    """Refuse a file that could not be opened as a device afterwards.

    Raises
    ------
    UsageError
    """
    if Path(path).suffix != ".json":
        raise UsageError(f"a snapshot is a .json file, got {str(path)!r}")
    if not Path(path).absolute().parent.is_dir():
        raise UsageError(f"the folder of {path} does not exist; make it first")
