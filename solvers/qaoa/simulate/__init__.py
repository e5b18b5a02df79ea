"""Simulators of QAOA states, all tested against one reference."""

from .batch import expectations
from .opening import check_size, draw, open_for_training, open_simulator, warm_up
from .simulator import Amplitudes, Precision, Simulator, StateSimulator, StoppedError, Units

__all__ = [
    "Amplitudes", "Precision", "Simulator", "StateSimulator", "StoppedError", "Units", "check_size",
    "draw", "expectations", "open_for_training", "open_simulator", "warm_up",
]
