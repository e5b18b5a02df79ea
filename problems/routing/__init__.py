"""Routing problems: the travelling salesman, and vehicle routing from plain to rich."""

from .cvrp import Cvrp
from .tsp import Tsp
from .vrp import Vrp
from .vrptw import Vrptw

__all__ = ["Cvrp", "Tsp", "Vrp", "Vrptw"]
