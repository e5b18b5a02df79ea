"""QAOA: ansatz, angles, simulators, circuits, compilation, noise and devices, one file each."""

from .solver import Qaoa

__all__ = ["Qaoa"]
