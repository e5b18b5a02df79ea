"""The returns that moments were estimated from: what a risk report looks back on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError


@dataclass(frozen=True, eq=False, repr=False)
class History:
    """Simple returns of some assets, period by period and without gaps.

    Parameters
    ----------
    times : tuple of str
        The end of each period, as the file writes it, ascending.
    returns : ndarray of float64, shape (periods, n)
        One column an asset.
    benchmark : ndarray of float64, shape (periods,), optional
        Returns of the index that the assets are measured against.
    estimator : str
        How moments are estimated from them: `estimators.estimate_moments`.
    halflife : float, optional
        Of exponential weights.

    Raises
    ------
    InputError
        Where the shapes do not fit.
    """

    times: tuple[str, ...]
    returns: NDArray[np.float64]
    benchmark: NDArray[np.float64] | None = None
    estimator: str = "sample"
    halflife: float | None = None

    def __post_init__(self) -> None:
        returns = np.array(self.returns, dtype=np.float64)
        if returns.ndim != 2 or len(returns) != len(self.times):
            raise InputError(
                f"{len(self.times)} periods need as many rows of returns, got shape {returns.shape}"
            )
        returns.flags.writeable = False
        object.__setattr__(self, "returns", returns)
        if self.benchmark is None:
            return
        benchmark = np.array(self.benchmark, dtype=np.float64)
        if benchmark.shape != (len(self.times),):
            raise InputError(
                f"{len(self.times)} periods need as many returns of the benchmark, got shape "
                f"{benchmark.shape}"
            )
        benchmark.flags.writeable = False
        object.__setattr__(self, "benchmark", benchmark)

    def __repr__(self) -> str:
        periods, n = self.returns.shape
        return f"History({periods} periods of {n} assets)"

    def __len__(self) -> int:
        return len(self.times)

    def take(self, index: Sequence[int]) -> "History":
        """The returns of some of the assets."""
        return replace(self, returns=self.returns[:, np.asarray(index, dtype=np.int64)])

    def split(self, place: int) -> "History":
        """The returns of all but one of the assets, those of that one as the benchmark's."""
        others = [i for i in range(self.returns.shape[1]) if i != place]
        return replace(
            self, returns=self.returns[:, others], benchmark=self.returns[:, place]
        )

    def window(self, start: int, stop: int) -> "History":
        """The periods from `start` up to `stop`, which is left out."""
        return replace(
            self,
            times=self.times[start:stop],
            returns=self.returns[start:stop],
            benchmark=None if self.benchmark is None else self.benchmark[start:stop],
        )
