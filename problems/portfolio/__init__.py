"""Portfolio selection by mean and variance."""

from .moments import Moments
from .problem import Portfolio

__all__ = ["Moments", "Portfolio"]
