"""A circuit on a device, and the choice between several."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from qopt.errors import SizeError

from .success import Success

if TYPE_CHECKING:
    from qiskit import QuantumCircuit


@dataclass(frozen=True, eq=False)
class Routed:
    """A circuit on a device.

    Parameters
    ----------
    circuit : QuantumCircuit
        On all qubits of the device.
    qubits : tuple of int
        Those in use, ascending.
    success : Success
    seed : int
        The compiler's seed that gave it.
    compilations : int
        From which it was chosen.
    method : str
        Who made it, in words.
    complete : bool
        Whether all that was planned was tried.
    """

    circuit: "QuantumCircuit" = field(repr=False)
    qubits: tuple[int, ...]
    success: Success
    seed: int
    compilations: int = 1
    method: str = ""
    complete: bool = True

    @property
    def success_probability(self) -> float:
        """Estimated probability that a shot meets no error."""
        return self.success.total


def likeliest(candidates: Sequence[Routed], variables: int, most_qubits: float) -> Routed:
    """The circuit that is the likeliest to succeed.

    Routing may borrow qubits beside the circuit's own. Each doubles the work of a simulator and
    hardly helps, so where the number of qubits is bounded, circuits that use over one more than the
    fewest are left out.

    Raises
    ------
    SizeError
        Where all use more than `most_qubits`.
    """
    fewest = min(len(each.qubits) for each in candidates)
    if fewest > most_qubits:
        raise SizeError(
            "the noisy simulator", fewest, int(most_qubits), "qubits",
            f"that many are in use after routing {variables} variables; another compile_seed, more "
            "compile_tries or fewer variables may fit",
        )
    width = min(fewest + 1, most_qubits)
    best = max(
        (each for each in candidates if len(each.qubits) <= width),
        key=lambda each: each.success_probability,
    )
    return replace(best, compilations=len(candidates))
