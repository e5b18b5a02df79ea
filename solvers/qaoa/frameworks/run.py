"""What simulating a circuit takes in every framework: room, interruptions and threads."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from qopt.errors import SizeError

from ..simulate.memory import MOST_QUBITS, free_memory, memory_text
from ..simulate.simulator import StoppedError
from ..simulate.statevector import REMEDY
from .walk import Gate

Probabilities = NDArray[np.float64]
Stop = Callable[[], bool]

_BYTES_AN_AMPLITUDE = 16.0

_AMPLITUDES_A_PIECE = 2**22
"""Amplitudes times gates between two looks at `stop`: some 50 ms."""


def never() -> bool:
    """No reason to stop."""
    return False


def check_size(
    framework: str, qubits: int, most: int = MOST_QUBITS, copies: float = 4.0, *,
    whose: str = "the circuit",
) -> None:
    """Refuse a register that does not fit, before a library takes memory for it or breaks.

    Parameters
    ----------
    framework : str
        For the message.
    qubits : int
    most : int
        Limit by time.
    copies : float
        States that are in memory at once.
    whose : str
        For the message.

    Raises
    ------
    SizeError
    """
    bytes_ = _BYTES_AN_AMPLITUDE * copies
    limit = int(min(most, np.log2(max(2.0, free_memory() / bytes_))))
    if qubits > limit:
        raise SizeError(
            f"the simulation by {framework}", qubits, limit, "qubits",
            f"{qubits} would need {memory_text(2**qubits, bytes_)}; {REMEDY}", whose=whose,
        )


def pieces(gates: list[Gate], qubits: int, stop: Stop) -> Iterator[list[Gate]]:
    """The gates, so many at a time that `stop` is asked often enough between them.

    Raises
    ------
    StoppedError
        Where it says so.
    """
    count = max(1, _AMPLITUDES_A_PIECE >> qubits)
    for first in range(0, len(gates), count):
        if stop():
            raise StoppedError
        yield gates[first:first + count]


def squared(state: NDArray[np.complex128]) -> Probabilities:
    """Probabilities of the amplitudes, shape (2**n,)."""
    return np.asarray(state.real**2 + state.imag**2, dtype=np.float64)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Keep the libraries that are loaded by now to so many threads."""
    import numba
    from threadpoolctl import threadpool_limits

    before = numba.get_num_threads()
    # Who imports Braket's simulator by himself leaves -1 there.
    numba.set_num_threads(max(1, min(count, numba.config.NUMBA_NUM_THREADS)))
    try:
        with threadpool_limits(limits=count):
            yield
    finally:
        numba.set_num_threads(before)
