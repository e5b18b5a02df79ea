"""Which simulator an ansatz gets."""

from ..ansatz import Ansatz
from . import statevector, subspace
from .simulator import Precision, Simulator


def open_simulator(ansatz: Ansatz, threads: int = 1, precision: Precision = "double") -> Simulator:
    """The simulator of an ansatz; its angles do not matter.

    Raises
    ------
    SizeError
        Where the amplitudes do not fit.
    """
    if ansatz.mixer == "x":
        return statevector.Statevector(ansatz.cost, threads, precision)
    return subspace.Subspace(ansatz.cost, ansatz.groups, ansatz.mixer, threads, precision)


def check_size(ansatz: Ansatz, precision: Precision = "double") -> None:
    """Refuse what does not fit, before anything is made.

    Raises
    ------
    SizeError
        With the limit and the memory needed.
    """
    if ansatz.mixer == "x":
        statevector.check_size(ansatz.cost.qubits, precision)
    else:
        subspace.check_size(ansatz.cost.qubits, ansatz.groups, ansatz.mixer, precision)


def warm_up(ansatz: Ansatz, precision: Precision = "double") -> None:
    """Compile, or load from numba's cache, what the ansatz's simulator runs."""
    if ansatz.mixer == "x":
        statevector.warm_up(ansatz.cost, precision)
    else:
        subspace.warm_up(ansatz.mixer, precision)
