"""The mean of the lowest shots: a bound on the noiseless mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from ..devices import Compiled, Samples
from .job import Job, Reading, Result
from .observable import Observable
from .shots import mean_of


@dataclass(frozen=True)
class Tail:
    """The mean energy of the lowest share of the shots: their conditional value at risk.

    Where noise is a mixture in which no error happens with probability `alpha` or more, it is a
    lower bound of the noiseless mean, up to its own standard error; the mean of the highest share
    is an upper one (Barron et al., Nature Computational Science 4, 865, 2024).

    Parameters
    ----------
    observable : Observable
    alpha : float
        The share, above 0 and at most 1.
    """

    observable: Observable
    alpha: float

    def calibrations(self, compiled: Compiled) -> list[Job]:
        """None."""
        return []

    def read(self, samples: Samples, calibrations: Sequence[Result]) -> Reading:
        """The mean of the tail; the details tell the upper bound, too."""
        values = self.observable.values(samples.bits)
        lower = mean_of(_tail(values, self.alpha), samples.batch)
        upper = mean_of(-_tail(-values, self.alpha), samples.batch)
        return Reading(
            lower.mean, lower.error,
            details={"alpha": self.alpha, "upper": upper.mean, "upper_error": upper.error},
        )


def _tail(values: np.ndarray, alpha: float) -> np.ndarray:
    """A value a shot whose mean is that of the lowest share.

    ``t - max(t - value, 0) / alpha`` at the alpha-quantile t; its spread is that of the tail mean.
    """
    count = max(1, min(len(values), ceil(alpha * len(values) - 1e-9)))
    quantile = np.partition(values, count - 1)[count - 1]
    return np.asarray(quantile - np.maximum(quantile - values, 0.0) * len(values) / max(
        alpha * len(values), 1.0
    ))
