"""A device without noise for many qubits: shots of a matrix product state."""

import re
from collections.abc import Callable

import numpy as np

from qopt.devices import Description, DeviceSize
from qopt.errors import SizeError, UsageError

from ..ansatz import Angles, Ansatz, TermAngles
from ..circuit import ONE_QUBIT_GATES, TWO_QUBIT_GATES
from ..simulate import StoppedError
from .device import Compiled, DeviceOptions, Samples, Watch, as_it_is

NAME = "mps"
SYNTAX = "mps:BOND"

DEFAULT_BOND = 64
MOST_BOND = 512
"""With it, 200 qubits may take 7 GB."""

MOST_QUBITS = 200
"""Errors add up along the line, and so does time: beyond, shots of couplings that are no line's
would tell little of the exact state."""


class MpsDevice:
    """Draws shots from a matrix product state of bounded bond dimension.

    Exact where the bond suffices; where it does not, the samples say how much was discarded. The
    arithmetic takes one thread.

    Parameters
    ----------
    name : str
        ``mps`` or ``mps:BOND``, with the largest bond dimension that is kept. Twice the bond takes
        eight times as long.

    Raises
    ------
    UsageError
        Where the bond dimension is no whole number from 1 to `MOST_BOND`.
    """

    hypothetical = simulated = True
    noisy = False

    def __init__(self, name: str) -> None:
        self.name = name
        self.bond = _bond(name)

    def load(self) -> None:
        """Import what building and simulating the circuit takes."""
        import qiskit  # noqa: F401 - the import is what takes time
        import rustworkx  # noqa: F401
        import scipy.sparse.csgraph  # noqa: F401

    def check_size(self, ansatz: Ansatz) -> None:
        """Refuse more qubits than errors allow, and mixers that are not known here.

        Raises
        ------
        SizeError
        UsageError
            For mixers within groups, tilted starts and angles of terms.
        """
        plain = ansatz.tilts is None and not isinstance(ansatz.angles, TermAngles)
        if ansatz.mixer != "x" or not plain:
            raise UsageError(
                f"device {self.name!r} knows the mixer x from the uniform superposition alone: "
                "take mixer=x without warm_start and multi_angle"
            )
        qubits = ansatz.cost.qubits
        if qubits > MOST_QUBITS:
            raise SizeError(
                f"device {self.name!r}", qubits, MOST_QUBITS, "qubits",
                "truncation errors and time grow with every qubit; take a smaller instance",
            )

    def compile(self, ansatz: Ansatz, seed: int, watch: Watch) -> Compiled:
        """The logical circuit as it is."""
        return as_it_is(ansatz, details={"bond_dimension": self.bond})

    def prepare(
        self, ansatz: Ansatz, layers: int, seed: int, watch: Watch
    ) -> Callable[[Angles], Compiled]:
        """Every circuit as it is: nothing is compiled."""
        return lambda angles: self.compile(ansatz.at(angles), seed, watch)

    def sample(self, compiled: Compiled, shots: int, seed: int, watch: Watch) -> Samples:
        """Independent shots of the truncated state; none where `watch` ends its preparation."""
        from ..simulate.mps import MatrixProductState

        try:
            state = MatrixProductState(compiled.ansatz, self.bond, lambda: watch.over)
        except StoppedError:
            return Samples(np.zeros((0, compiled.circuit.num_clbits), dtype=np.int8))
        bits = state.sample(shots, np.random.default_rng(seed))
        loss = "no truncation"
        if state.truncation > 0.0:
            loss = (
                f"truncation error {state.truncation:.2g} (sum of discarded squared Schmidt "
                f"values), estimated fidelity {state.fidelity:.3g}"
            )
        return Samples(
            bits,
            method=f"matrix product state, bond dimension {state.reached} of {self.bond} reached, "
            f"{loss}, no noise",
            details={
                "bond_dimension_reached": state.reached,
                "truncation_error": state.truncation,
                "estimated_fidelity": state.fidelity,
            },
        )


def _bond(name: str) -> int:
    text = name.partition(":")[2] if ":" in name else str(DEFAULT_BOND)
    if not re.fullmatch(r"[0-9]{1,6}", text) or not 1 <= int(text) <= MOST_BOND:
        raise UsageError(
            f"a matrix product state is written {NAME} or {SYNTAX} with a bond dimension from 1 to "
            f"{MOST_BOND}, got {name!r}"
        )
    return int(text)


class MpsFamily:
    """Matrix product states of any bond dimension."""

    def sizes(self) -> tuple[DeviceSize, ...]:
        """That of the usual bond dimension."""
        return (DeviceSize(NAME, MOST_QUBITS),)

    def describe(self, name: str) -> Description:
        """What it is."""
        bond = MpsDevice(name).bond
        return Description(
            name, f"a matrix product state of bond dimension {bond}, noiseless", MOST_QUBITS,
            couples_all=True, basis=(*ONE_QUBIT_GATES, *TWO_QUBIT_GATES), simulated=True,
            noisy=False, facts={"bond_dimension": bond},
        )

    def open(self, name: str, options: DeviceOptions) -> MpsDevice:
        """The device."""
        options.check(name, compiles=False, noisy=False)
        return MpsDevice(name)


FAMILY = MpsFamily()
