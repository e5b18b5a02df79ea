"""Reading the mean of all shots as they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..devices import Compiled, Samples
from ..shot_statistics import statistics
from .job import Job, Reading, Result
from .observable import Observable


@dataclass(frozen=True)
class Plain:
    """The mean energy of the shots.

    Parameters
    ----------
    observable : Observable
    """

    observable: Observable

    def calibrations(self, compiled: Compiled) -> list[Job]:
        """None."""
        return []

    def read(self, samples: Samples, calibrations: Sequence[Result]) -> Reading:
        """The mean."""
        return mean_of(self.observable.values(samples.bits), samples.batch)


def mean_of(
    values: NDArray[np.float64], batch: NDArray[np.int64] | None, **more: Any
) -> Reading:
    """Mean of a value a shot, with its standard error."""
    found = statistics(values, batch)
    mean = found["mean"]
    assert mean is not None
    return Reading(mean, found["standard_error"], **more)
