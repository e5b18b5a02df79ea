"""Which simulator an ansatz gets."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import SizeError

from ..ansatz import Ansatz, TermAngles
from . import gpu, product, statevector, subspace
from .light_cone import LightCones
from .sampling import sample
from .simulator import Precision, Simulator, StateSimulator

SECONDS_A_STATE = 1.2e-6
"""Measured on one thread with 13 million states of 28 qubits."""


def open_simulator(
    ansatz: Ansatz, threads: int = 1, precision: Precision = "double"
) -> StateSimulator:
    """The simulator of an ansatz, for one phase and one mixer angle a layer.

    On a GPU, where CuPy finds one, the ansatz is the plain one and its register large.

    Raises
    ------
    SizeError
        Where the amplitudes do not fit.
    """
    if ansatz.mixer != "x":
        return subspace.Subspace(ansatz.cost, ansatz.groups, ansatz.mixer, threads, precision)
    if ansatz.tilts is not None:
        return product.ProductStatevector(ansatz.cost, ansatz.tilts, threads, precision)
    module = _gpu_for(ansatz, precision)
    if module is not None:
        return gpu.GpuStatevector(ansatz.cost, precision, module)
    return statevector.Statevector(ansatz.cost, threads, precision)


def open_for_training(
    ansatz: Ansatz, layers: int, threads: int = 1, precision: Precision = "double",
    stop: Callable[[], bool] = lambda: False,
) -> Simulator | None:
    """The simulator of an ansatz or, where it does not fit, light cones; None where these do not.

    Parameters
    ----------
    ansatz : Ansatz
    layers : int
        Most layers that will be asked for.
    threads : int
    precision : {"double", "single"}
    stop : callable, optional
        Asked between light cones whether to end, now and in every evaluation.

    Raises
    ------
    StoppedError
        Where it ended their making.
    """
    try:
        return open_simulator(ansatz, threads, precision)
    except SizeError:
        if ansatz.mixer != "x" or ansatz.tilts is not None:
            return None
    try:
        return LightCones(ansatz.cost, layers, threads, precision, stop)
    except SizeError:
        return None


def draw(
    ansatz: Ansatz, shots: int, seed: int, threads: int = 1, precision: Precision = "double"
) -> NDArray[np.int8]:
    """Independent shots of the exact state of an ansatz, shape (shots, n), sorted by state.

    Raises
    ------
    SizeError
        Where the amplitudes do not fit.
    """
    simulator: StateSimulator
    if isinstance(ansatz.angles, TermAngles):
        simulator = product.ProductStatevector(ansatz.cost, ansatz.tilts, threads, precision)
        probabilities = simulator.probabilities(ansatz.angles)
    else:
        simulator = open_simulator(ansatz, threads, precision)
        probabilities = simulator.probabilities(ansatz.angles)
    return simulator.bits(sample(probabilities, shots, np.random.default_rng(seed)))


def check_size(ansatz: Ansatz, precision: Precision = "double") -> None:
    """Refuse what does not fit, before anything is made.

    Raises
    ------
    SizeError
        With the limit and the memory needed.
    """
    if ansatz.mixer != "x":
        subspace.check_size(ansatz.cost.qubits, ansatz.groups, ansatz.mixer, precision)
    elif _is_plain(ansatz):
        if _gpu_for(ansatz, precision) is None:
            statevector.check_size(ansatz.cost.qubits, precision)
    else:
        product.check_size(ansatz.cost.qubits, precision)


def takes_threads(ansatz: Ansatz) -> bool:
    """Whether its simulator works with several threads; small ones are done before these start."""
    if ansatz.mixer != "x":
        states = subspace.check_size(ansatz.cost.qubits, ansatz.groups, ansatz.mixer)
        return states >= subspace.WORTH_THREADS
    tilted = ansatz.tilts is not None
    least = product.WORTH_THREADS if tilted else statevector.WORTH_THREADS
    return ansatz.cost.qubits >= least


def seconds_to_open(ansatz: Ansatz) -> float:
    """About how long the simulator of an ansatz takes to set up, before its first evaluation.

    Registers take no time to speak of. States within groups are listed with their costs and with
    the pairs of states that the mixer turns into each other.
    """
    if ansatz.mixer == "x":
        return 0.0
    try:
        states = subspace.check_size(ansatz.cost.qubits, ansatz.groups, ansatz.mixer)
    except SizeError:
        return 0.0  # no simulator is opened for it
    return states * SECONDS_A_STATE * (2.0 if ansatz.mixer == "complete" else 1.0)


def warm_up(ansatz: Ansatz, precision: Precision = "double") -> None:
    """Compile, or load from numba's cache, what the ansatz's simulators run."""
    if ansatz.mixer != "x":
        subspace.warm_up(ansatz.mixer, precision)
        return
    module = _gpu_for(ansatz, precision)
    if module is not None:
        gpu.warm_up(module, precision)
        return
    if ansatz.tilts is None:
        statevector.warm_up(ansatz.cost, precision)
    if not _is_plain(ansatz):
        product.warm_up(ansatz.cost, precision)


def _gpu_for(ansatz: Ansatz, precision: Precision) -> Any | None:
    """What makes arrays on a GPU, where one is there and is the place for an ansatz."""
    return gpu.module_for(ansatz.cost.qubits, precision) if _is_plain(ansatz) else None


def _is_plain(ansatz: Ansatz) -> bool:
    """Whether it starts in the uniform superposition and has one angle of a kind a layer."""
    return ansatz.tilts is None and not isinstance(ansatz.angles, TermAngles)
