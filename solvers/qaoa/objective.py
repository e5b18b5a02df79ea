"""What the angle search minimises: the mean energy, the mean of its lowest part, or Gibbs'."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Objective(Protocol):
    """A figure of a distribution over the values of a diagonal operator.

    Each is, at a given state, the expectation of another diagonal operator (the tilted one), and
    its derivative is the derivative of that expectation with the operator held fixed. So one
    adjoint pass gives the gradient of any of them.
    """

    name: str

    def evaluate(
        self, probabilities: NDArray[np.float64], diagonal: NDArray[np.float64]
    ) -> tuple[float, NDArray[np.float64]]:
        """The value and the tilted diagonal, both of shape (2**n,) where they are arrays."""
        ...


class Mean:
    """The expectation of the cost."""

    name = "mean"

    def evaluate(
        self, probabilities: NDArray[np.float64], diagonal: NDArray[np.float64]
    ) -> tuple[float, NDArray[np.float64]]:
        """Expectation; the operator is the cost itself."""
        return float(probabilities @ diagonal), diagonal


class ConditionalValueAtRisk:
    """Mean of the lowest share `alpha` of the cost (Barkoutsos et al., Quantum 4, 256, 2020).

    Parameters
    ----------
    alpha : float
        Share, above 0 and at most 1; 1 is the mean.
    """

    name = "cvar"

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha
        self._order: tuple[NDArray[np.float64], NDArray[np.int64]] | None = None

    def evaluate(
        self, probabilities: NDArray[np.float64], diagonal: NDArray[np.float64]
    ) -> tuple[float, NDArray[np.float64]]:
        """The value is ``max_t t - E[(t - C)+] / alpha``, attained at the alpha-quantile t."""
        order = self._sorted(diagonal)
        reached = np.cumsum(probabilities[order])
        position = int(np.searchsorted(reached, self.alpha * reached[-1]))
        quantile = diagonal[order[min(position, len(order) - 1)]]
        tilted = quantile - np.maximum(quantile - diagonal, 0.0) / self.alpha
        return float(probabilities @ tilted), tilted

    def _sorted(self, diagonal: NDArray[np.float64]) -> NDArray[np.int64]:
        """Indices by ascending cost; kept, since a search evaluates one diagonal many times."""
        if self._order is None or self._order[0] is not diagonal:
            self._order = (diagonal, np.argsort(diagonal, kind="stable"))
        return self._order[1]


class Gibbs:
    """The Gibbs objective ``-log E[exp(-eta C)] / eta`` (Li et al., Phys. Rev. Research 2, 023074).

    It rewards probability at low costs exponentially, and is smooth, unlike the conditional value
    at risk. With small `eta` it is the mean.

    Parameters
    ----------
    eta : float
        Above 0; for the normalised cost.
    """

    name = "gibbs"

    def __init__(self, eta: float) -> None:
        self.eta = eta

    def evaluate(
        self, probabilities: NDArray[np.float64], diagonal: NDArray[np.float64]
    ) -> tuple[float, NDArray[np.float64]]:
        """The value, and the operator whose expectation has the same derivatives."""
        # Of costs that occur the largest weight is 1, so that their sum is never 0 or infinite.
        least = float(diagonal[probabilities > 0.0].min())
        weights = np.exp(np.minimum(-self.eta * (diagonal - least), 700.0))
        total = float(probabilities @ weights)
        return least - float(np.log(total)) / self.eta, weights / (-self.eta * total)
