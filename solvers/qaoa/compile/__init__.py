"""From a logical circuit to a device's gates and couplings, and what the result is worth."""

from qopt.calibration import DEAD_ERROR

from .compiler import CompileOptions, Way, compile_ansatz, forget, warm_up
from .physical import duration, qubits_in_use, restrict
from .preset import compile_circuit
from .routed import Routed
from .success import Success, success, success_probability
from .target import free_gates, largest_region, usable_target

__all__ = [
    "DEAD_ERROR", "CompileOptions", "Routed", "Success", "Way", "compile_ansatz",
    "compile_circuit", "duration", "forget", "free_gates", "largest_region", "qubits_in_use",
    "restrict", "success", "success_probability", "usable_target", "warm_up",
]
