"""Zero-noise extrapolation: the circuit at larger noise, extrapolated to none."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..devices import Compiled
from .extrapolate import Extrapolation, extrapolate
from .folding import Folding, fold
from .job import Estimate, Job, Reading, joint_error

FACTORS = (1.0, 3.0, 5.0)


@dataclass(frozen=True)
class ZeroNoiseExtrapolation:
    """Means of folded circuits, extrapolated (Temme et al., Phys. Rev. Lett. 119, 180509, 2017).

    Parameters
    ----------
    asymptote : float
        Where an exponential ends: the mean over all states that the noise can reach.
    factors : tuple of float
        How many times the two-qubit gates of each circuit, ascending from 1. Each takes the shots
        of the run.
    folding : {"local", "global"}
    extrapolation : {"linear", "exponential", "richardson"}
    """

    asymptote: float
    factors: tuple[float, ...] = FACTORS
    folding: Folding = "local"
    extrapolation: Extrapolation = "exponential"

    def circuits(self, compiled: Compiled, seed: int) -> list[Job]:
        """All but that of factor 1, which is the compiled circuit."""
        generator = np.random.default_rng(seed)
        jobs = []
        for factor in self.factors[1:]:
            folded, reached = fold(compiled.circuit, factor, self.folding, generator)
            jobs.append(Job(folded, 1.0, "changed", reached))
        return jobs

    def combine(self, jobs: Sequence[Job], readings: Sequence[Reading]) -> Estimate:
        """The mean at factor 0."""
        factors = [job.setting for job in jobs]
        means = [reading.mean for reading in readings]
        if len(set(factors)) < len(factors):
            # Without two-qubit gates, or with too few of them, there is nothing to fold.
            return Estimate(
                means[0], readings[0].error,
                {"extrapolation": "none: the circuit has too few two-qubit gates for the factors"},
            )
        found = extrapolate(
            factors, means, [reading.error for reading in readings], self.extrapolation,
            self.asymptote,
        )
        return Estimate(
            found.value, joint_error(found.weights, readings),
            {"extrapolation": found.method, "folding": self.folding, "factors": factors,
             "means": means},
        )
