"""What devices of vendors share: their orders, times, and circuits that they compile themselves."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from qopt.errors import SizeError

from ..ansatz import Angles, Ansatz
from ..circuit import build_circuit, fingerprint
from .device import Compiled, Watch, as_it_is
from .journal import Order

if TYPE_CHECKING:
    from qiskit import QuantumCircuit


class Orders:
    """Makes the orders of one run.

    An order names the circuit as it was before compilation, where the compiler's work is what is
    submitted: a calibration that changed between two runs does not make another job.

    Parameters
    ----------
    device : str
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._sources: dict[str, str] = {}
        self._asked: Counter[tuple[str, int, int]] = Counter()

    def compiled(self, compiled: Compiled) -> Compiled:
        """Remember what a circuit was compiled from; what is made of it later is another's."""
        if compiled.circuit.parameters:
            return compiled
        source = fingerprint(build_circuit(compiled.ansatz))
        self._sources[fingerprint(compiled.circuit)] = source
        return compiled

    def order(self, circuit: "QuantumCircuit", shots: int, seed: int) -> Order:
        """The next order for a circuit."""
        mark = fingerprint(circuit)
        mark = self._sources.get(mark, mark)
        asked = (mark, shots, seed)
        self._asked[asked] += 1
        return Order(self._device, mark, shots, seed, self._asked[asked] - 1)


def check_width(name: str, ansatz: Ansatz, most: int) -> None:
    """Refuse more qubits than a device has.

    Raises
    ------
    SizeError
    """
    if ansatz.cost.qubits > most:
        raise SizeError(
            f"device {name!r}", ansatz.cost.qubits, most, "qubits",
            "take a smaller instance or another device",
        )


def logical(ansatz: Ansatz, compiler: str) -> Compiled:
    """The circuit as it is sent to a vendor that compiles by itself: what becomes of it is its own.

    Depth and gates are those of the circuit that is sent.
    """
    sent = as_it_is(ansatz, details={"compiler": compiler})
    return replace(sent, success_probability=None)


def bind_logical(
    ansatz: Ansatz, compile_: Callable[[Ansatz, int, Watch], Compiled], seed: int, watch: Watch
) -> Callable[[Angles], Compiled]:
    """Every circuit as it is: nothing is compiled here."""
    return lambda angles: compile_(ansatz.at(angles), seed, watch)


def instant(text: Any) -> datetime | None:
    """A vendor's time stamp; None where it is none."""
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None


def between(start: datetime | None, end: datetime | None) -> float | None:
    """Seconds from one time stamp to another; None where one is not known."""
    return None if start is None or end is None else (end - start).total_seconds()
