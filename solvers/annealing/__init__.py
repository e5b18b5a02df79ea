"""Simulated annealing of QUBOs. The numba kernels are imported only when solving."""

from .solver import SimulatedAnnealing

__all__ = ["SimulatedAnnealing"]
