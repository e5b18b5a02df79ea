"""Portfolio selection by mean and variance."""

from .estimate import moments_of
from .history import History
from .moments import Moments
from .problem import Portfolio

__all__ = ["History", "Moments", "Portfolio", "moments_of"]
