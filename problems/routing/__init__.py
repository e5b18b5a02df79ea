"""Routing problems: the travelling salesman and capacitated vehicle routing."""

from .cvrp import Cvrp
from .tsp import Tsp

__all__ = ["Cvrp", "Tsp"]
