"""Annealing and tabu search of QUBOs. The numba kernels are imported only when solving."""

from .relinking import PathRelinking
from .solver import SimulatedAnnealing
from .tabu import TabuSearch

__all__ = ["PathRelinking", "SimulatedAnnealing", "TabuSearch"]
