"""A method as a pair: the circuits it needs, and the expectation that their results come to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qopt.errors import UsageError

from ..devices import Compiled
from .job import Estimate, Job, Reader, Result, Spread, joint_error
from .observable import Observable
from .readout import TensoredReadout
from .shots import Plain


@dataclass(frozen=True, eq=False)
class Mitigation:
    """A way to read shots, a way to change circuits, or both.

    Parameters
    ----------
    name : str
    observable : Observable
    spread : Spread, optional
        What changes circuits.
    reader : Reader, optional
        What reads the mean of each; the plain mean if left out.
    """

    name: str
    observable: Observable
    spread: Spread | None = None
    reader: Reader | None = None

    def circuits(self, compiled: Compiled, seed: int) -> list[Job]:
        """All circuits: the compiled one, those that measure the device, the changed ones.

        Parameters
        ----------
        compiled : Compiled
        seed : int
            Of what is drawn; one seed gives the same circuits.
        """
        jobs = [Job(compiled.circuit), *self._read.calibrations(compiled)]
        return jobs if self.spread is None else [*jobs, *self.spread.circuits(compiled, seed)]

    def combine(self, results: Sequence[Result]) -> Estimate:
        """The mitigated expectation.

        Parameters
        ----------
        results : sequence of Result
            Of all circuits, in any order but the compiled one before the changed ones.

        Raises
        ------
        UsageError
            Where a circuit has no shots.
        """
        if any(not len(result.samples.bits) for result in results):
            raise UsageError("a circuit of the mitigation has no shots: nothing can be combined")
        measured = [result for result in results if result.job.role == "calibration"]
        ours = [result for result in results if result.job.role != "calibration"]
        readings = [self._read.read(result.samples, measured) for result in ours]
        first = readings[0]
        if self.spread is None:
            return Estimate(first.mean, joint_error(np.ones(1), [first]), first.details)
        found = self.spread.combine([result.job for result in ours], readings)
        return Estimate(found.value, found.standard_error, first.details | found.details)

    def most_likely(self, results: Sequence[Result]) -> dict[str, Any]:
        """What readout mitigation makes of the compiled circuit's distribution; else empty."""
        if not isinstance(self.reader, TensoredReadout):
            return {}
        measured = [result for result in results if result.job.role == "calibration"]
        plain = next(result for result in results if result.job.role == "plain")
        return self.reader.most_likely(plain.samples, measured)

    def raw(self, results: Sequence[Result]) -> Estimate:
        """What the compiled circuit gave as it is."""
        plain = next(result for result in results if result.job.role == "plain")
        reading = Plain(self.observable).read(plain.samples, [])
        return Estimate(reading.mean, reading.error)

    @property
    def _read(self) -> Reader:
        return Plain(self.observable) if self.reader is None else self.reader
