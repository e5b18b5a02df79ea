"""Figures of shots that may share noise trajectories."""

import numpy as np
from numpy.typing import NDArray


def statistics(
    energies: NDArray[np.float64], batch: NDArray[np.int64] | None
) -> dict[str, float | None]:
    """Mean, best and standard error of the shots' energies, by trajectories where they are shared.

    Shots of one trajectory are alike, so the error is that of a mean over trajectories.
    """
    values, weights = energies, np.ones(len(energies))
    if batch is not None:
        _, which, counts = np.unique(batch, return_inverse=True, return_counts=True)
        weights = counts.astype(np.float64)
        values = np.bincount(which.reshape(-1), weights=energies) / weights
    mean, error = float(energies.mean()), None
    if len(values) > 1:
        deviations = weights * (values - mean)
        correction = len(values) / (len(values) - 1)
        # Dividing by the largest first keeps the squares of huge or tiny energies in range.
        largest = float(np.abs(deviations).max()) or 1.0
        squares = (deviations / largest) ** 2
        error = largest * float(np.sqrt(correction * squares.sum()) / weights.sum())
    return {"mean": mean, "standard_error": error, "best": float(energies.min())}
