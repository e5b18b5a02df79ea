"""Readout errors undone within the bit strings that were seen, by IBM's package mthree."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..devices import Compiled, Samples
from .job import Job, Reading, Result
from .observable import Observable
from .readout import Errors, calibration_jobs, check_invertible, known_errors


@dataclass(frozen=True)
class MthreeReadout:
    """The mean energy of mthree's quasi-distribution (Nation et al., PRX Quantum 2, 040326, 2021).

    The error bar is that of the shots times the root of mthree's own overhead; the spread of the
    measured readout errors is not in it.

    Parameters
    ----------
    observable : Observable
    stored : ndarray of float64, shape (n, 2), optional
        Readout errors of the device's calibration; None where they are to be measured.
    """

    observable: Observable
    stored: Errors | None = field(default=None, repr=False)

    def calibrations(self, compiled: Compiled) -> list[Job]:
        """All zeros and all ones, of half the shots each, unless errors are known."""
        return [] if self.stored is not None else calibration_jobs(compiled)

    def read(self, samples: Samples, calibrations: Sequence[Result]) -> Reading:
        """The corrected mean."""
        from mthree import M3Mitigation

        errors, _ = known_errors(self.stored, calibrations)
        check_invertible(errors)
        n = samples.bits.shape[1]
        solver = M3Mitigation()
        solver.cals_from_matrices([
            np.array([[1.0 - zero, one], [zero, 1.0 - one]]) for zero, one in errors
        ])
        # Its strings have bit 0 at the right.
        counts = Counter("".join(map(str, row[::-1])) for row in samples.bits.tolist())
        quasi = solver.apply_correction(
            dict(counts), list(range(n)), return_mitigation_overhead=True
        )
        strings = sorted(quasi)
        weights = np.array([float(quasi[string]) for string in strings])
        bits = np.array([[int(bit) for bit in string[::-1]] for string in strings], dtype=np.int8)
        values, overhead = self.observable.values(bits), float(quasi.mitigation_overhead)
        mean = float(weights @ values)
        spread = float(self.observable.values(samples.bits).std())
        return Reading(
            mean, spread * float(np.sqrt(overhead / len(samples.bits))),
            details={"mean_readout_error": float(errors.mean()), "mthree_overhead": overhead},
        )
