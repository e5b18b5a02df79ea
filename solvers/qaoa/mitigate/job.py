"""What passes between a device and a method: circuits with shares of the shots, and results."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from qopt.errors import UsageError

from ..devices import Compiled, Samples

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

Role = Literal["plain", "calibration", "changed"]
"""The compiled circuit itself, one that measures the device, or a changed one."""


@dataclass(frozen=True, eq=False)
class Job:
    """A circuit to execute.

    Parameters
    ----------
    circuit : QuantumCircuit
        Of the gates and on the qubits of the compiled one, as it is to be executed: compiling it
        anew would undo what was changed.
    share : float
        Shots, as a multiple of those of the run.
    role : {"plain", "calibration", "changed"}
    setting : float
        What was changed, as a number: a noise factor, a signed weight; 1 where nothing was.
    beside : float
        Weight of the compiled circuit's own result beside this one.
    """

    circuit: "QuantumCircuit" = field(repr=False)
    share: float = 1.0
    role: Role = "plain"
    setting: float = 1.0
    beside: float = 0.0


@dataclass(frozen=True, eq=False)
class Result:
    """What came out of a job."""

    job: Job
    samples: Samples


@dataclass(frozen=True, eq=False)
class Reading:
    """A mean as one circuit gave it.

    Parameters
    ----------
    mean : float
    error : float, optional
        Its standard error from the circuit's own shots; None where one shot tells none.
    slopes : ndarray of float64, shape (parameters,)
        Derivatives of the mean by parameters that several readings share, such as measured
        readout errors; empty where there are none.
    variances : ndarray of float64, shape (parameters,)
        Of those parameters.
    details : dict
        JSON values.
    """

    mean: float
    error: float | None
    slopes: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0), repr=False)
    variances: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0), repr=False)
    details: dict[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Estimate:
    """A mitigated expectation.

    Parameters
    ----------
    value : float
    standard_error : float, optional
    details : dict
        JSON values: how it was found.
    """

    value: float
    standard_error: float | None
    details: dict[str, Any] = field(default_factory=dict)


class Reader(Protocol):
    """Reads a mean from the shots of one circuit."""

    def calibrations(self, compiled: Compiled) -> list[Job]:
        """Circuits that it needs beside."""
        ...

    def read(self, samples: Samples, calibrations: Sequence[Result]) -> Reading:
        """The mean."""
        ...


class Spread(Protocol):
    """Changes a circuit, and joins what the changed ones gave."""

    def circuits(self, compiled: Compiled, seed: int) -> list[Job]:
        """The changed circuits; the compiled one itself is executed in any case."""
        ...

    def combine(self, jobs: Sequence[Job], readings: Sequence[Reading]) -> Estimate:
        """One expectation of all, those of the compiled circuit first."""
        ...


def joint_error(weights: NDArray[np.float64], readings: Sequence[Reading]) -> float | None:
    """Standard error of a weighted sum of readings whose shots are independent.

    What they share, such as measured readout errors, is counted once for all.
    """
    errors = [reading.error for reading in readings]
    if any(error is None for error in errors):
        return None
    own = float(np.sum((weights * np.array(errors, dtype=np.float64)) ** 2))
    return float(np.sqrt(own + shared_variance(weights, readings)))


def shared_variance(weights: NDArray[np.float64], readings: Sequence[Reading]) -> float:
    """Variance of a weighted sum of readings by what they share."""
    slopes = weights @ np.array([reading.slopes for reading in readings])
    return float(slopes**2 @ readings[0].variances)


def allot(jobs: Sequence[Job], shots: int) -> list[int]:
    """Shots of every job: whole numbers that together are the shares' sum of the run's shots.

    Raises
    ------
    UsageError
        Where a job would get none.
    """
    bounds = np.rint(shots * np.cumsum([0.0, *(job.share for job in jobs)])).astype(np.int64)
    given = np.diff(bounds)
    if (given < 1).any():
        raise UsageError(
            f"{shots} shots are too few for the {len(jobs)} circuits of the mitigation: take more "
            "shots or fewer mitigation_circuits"
        )
    return [int(number) for number in given]


def multiplier(jobs: Sequence[Job]) -> float:
    """Shots of all jobs as a multiple of those without mitigation."""
    return float(sum(job.share for job in jobs))
