"""Simulators of QAOA states, all tested against one reference."""

from .opening import check_size, draw, open_simulator, warm_up
from .simulator import Amplitudes, Precision, Simulator, Units

__all__ = [
    "Amplitudes", "Precision", "Simulator", "Units", "check_size", "draw", "open_simulator",
    "warm_up",
]
