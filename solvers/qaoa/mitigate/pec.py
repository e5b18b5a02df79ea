"""Probabilistic error cancellation: random Paulis whose signed mean undoes the noise."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import UnsupportedError

from ..devices import Compiled
from ..noise import Noise
from ..simulate import StoppedError
from .gates import PAULIS, NativePaulis, body, measure_as, without_gates
from .job import Estimate, Job, Reading, shared_variance

CIRCUITS = 100

MOST_OVERHEAD = 1000.0
"""Shots as a multiple of the run's, beyond which the method is refused."""

_LEAST_SHARE = 0.25
"""Least shots of all random circuits, as a multiple of the run's."""

_ROUNDING = 1e-9
"""Weight of the random circuits that is none: drawing one would take for ever."""

_LEAST_KEPT = 0.01
"""Share of a Pauli that a gate's noise must leave for it to be undone."""

_COMMUTE = np.array([[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]])
"""Entry -1 where two Paulis, in the order of `PAULIS`, anticommute."""


@dataclass(frozen=True)
class Inverse:
    """The inverse of one gate's noise as a signed mixture of Paulis.

    Parameters
    ----------
    paulis : tuple of str
        Paulis on the gate's qubits, its first qubit first; that of identities first.
    weights : ndarray of float64, shape (paulis,)
        They sum to one, and may be negative.
    remainder : float
        Largest entry of the noise's transfer matrix that is not diagonal in Paulis, and so is not
        inverted.
    """

    paulis: tuple[str, ...] = field(repr=False)
    weights: NDArray[np.float64] = field(repr=False)
    remainder: float

    @cached_property
    def reached(self) -> NDArray[np.float64]:
        """The sizes of the weights, summed up."""
        return np.asarray(np.cumsum(np.abs(self.weights)))

    @property
    def norm(self) -> float:
        """Sum of the weights' sizes: by its square the shots grow."""
        return float(self.reached[-1])


@dataclass(frozen=True)
class ErrorCancellation:
    """The signed mean over random circuits (Temme et al., Phys. Rev. Lett. 119, 180509, 2017).

    After each gate comes a Pauli drawn by the size of its weight in the inverse of the gate's
    noise, and the product of their signs and norms weighs what the circuit gives. The circuit
    without any such Pauli has the largest weight and has been executed: only the others are drawn,
    which leaves less to chance. The mean is unbiased up to the noise of the drawn Paulis
    themselves, which is of second order, and where noise is no mixture of Paulis (relaxation) up to
    what is not diagonal in them.

    Parameters
    ----------
    mixed : float
        Mean of the observable over all states: what does not depend on the circuit is left out of
        the signed mean.
    noise : callable
        The noise model of a compiled circuit.
    circuits_wanted : int
        Random circuits.
    over : callable
        Asked after every piece of work whether to end.
    """

    mixed: float
    noise: Callable[[Compiled], Noise] = field(repr=False)
    circuits_wanted: int = CIRCUITS
    over: Callable[[], bool] = field(default=lambda: False, repr=False)

    def circuits(self, compiled: Compiled, seed: int) -> list[Job]:
        """The random circuits, with their signed weight as setting; none where nothing is noisy.

        Together they take the shots that their weights deserve beside those of the circuit itself.

        Raises
        ------
        UnsupportedError
            Where the shots would have to grow beyond `MOST_OVERHEAD` for the error bar to stay.
        StoppedError
            Where `over` says so: thousands of gates take seconds.
        """
        inverses = inverses_of(compiled, self.noise(compiled), self.over)
        total = one_norm(inverses.values())
        if not total**2 <= MOST_OVERHEAD:
            raise UnsupportedError(
                f"error cancellation needs {total**2:.2g} times the shots on this circuit of "
                f"{len(body(compiled.circuit))} gates, more than {MOST_OVERHEAD:g}: take "
                "mitigation=readout+zne"
            )
        plain = float(np.prod([undo.weights[0] for undo in inverses.values()]))
        rest = total - plain
        if rest <= _ROUNDING:
            return []
        generator = np.random.default_rng(seed)
        share = max(total * rest, _LEAST_SHARE) / self.circuits_wanted
        jobs = []
        for _ in range(self.circuits_wanted):
            if self.over():
                raise StoppedError
            drawn, sign = _draw(inverses, generator)
            made = with_paulis(compiled, drawn)
            jobs.append(Job(made, share, "changed", rest * sign, plain))
        return jobs

    def combine(self, jobs: Sequence[Job], readings: Sequence[Reading]) -> Estimate:
        """The signed mean."""
        signed = np.array([job.setting for job in jobs[1:]])
        if not len(signed):
            return Estimate(readings[0].mean, readings[0].error, {"one_norm": 1.0})
        plain, rest = jobs[1].beside, float(np.abs(signed[0]))
        weights = np.concatenate([[plain], signed / len(signed)])
        terms = weights * (np.array([reading.mean for reading in readings]) - self.mixed)
        error = None
        if len(signed) > 1 and readings[0].error is not None:
            own = (plain * readings[0].error) ** 2 + len(signed) * float(np.var(terms[1:], ddof=1))
            error = float(np.sqrt(own + shared_variance(weights, readings)))
        size = plain + rest
        # The weights' sum is one only in the mean; what the observable is without any circuit
        # does not depend on it.
        return Estimate(
            self.mixed + float(terms.sum()), error,
            {"random_circuits": len(signed), "one_norm": size, "shot_overhead": size**2},
        )


def _draw(
    inverses: Mapping[int, Inverse], generator: np.random.Generator
) -> tuple[dict[int, str], float]:
    """Paulis by the gates' places, at least one no identity, and the product of their signs."""
    while True:
        drawn, sign = {}, 1.0
        for i, undo in inverses.items():
            which = int(np.searchsorted(undo.reached, generator.random() * undo.norm, "right"))
            if which:
                drawn[i] = undo.paulis[which]
                sign *= float(np.sign(undo.weights[which]))
        if drawn:
            return drawn, sign


def with_paulis(compiled: Compiled, drawn: Mapping[int, str]) -> Any:
    """The circuit with Paulis after the gates at these places."""
    made, paulis = without_gates(compiled.circuit), NativePaulis(compiled.circuit)
    for i, gate in enumerate(body(compiled.circuit)):
        made.append(gate.operation, gate.qubits)
        paulis.append(made, gate.qubits, drawn.get(i, ""))
    measure_as(made, compiled.circuit)
    return made


def one_norm(inverses: Iterable[Inverse]) -> float:
    """Product of the norms of all gates' inverses."""
    return float(np.prod([each.norm for each in inverses]))


def inverses_of(
    compiled: Compiled, noise: Noise, over: Callable[[], bool] = lambda: False
) -> Mapping[int, Inverse]:
    """The inverse of every noisy gate, by its place in the circuit.

    Raises
    ------
    StoppedError
        Where `over`, asked before each kind of gate, says so.
    """
    circuit, known = compiled.circuit, dict[tuple[str, tuple[int, ...]], Inverse | None]()
    found = {}
    for i, gate in enumerate(body(circuit)):
        key = gate.operation.name, tuple(circuit.find_bit(qubit).index for qubit in gate.qubits)
        if key not in known:
            if over():
                raise StoppedError
            channel = _channel(noise, *key)
            known[key] = None if channel is None else inverse_of(channel)
        undo = known[key]
        if undo is not None:
            found[i] = undo
    return found


def _channel(noise: Noise, name: str, qubits: tuple[int, ...]) -> Any:
    """The error that a noise model puts after a gate; None where there is none."""
    # Aer tells a model's errors by no public name, but in a dictionary of all instructions.
    model: Any = noise.model
    local = model._local_quantum_errors.get(name, {})
    return local.get(qubits, model._default_quantum_errors.get(name))


def inverse_of(channel: Any) -> Inverse:
    """The inverse of a channel on one or two qubits, as far as it is diagonal in Paulis.

    Parameters
    ----------
    channel : QuantumError
        Or anything else that qiskit takes as a channel.

    Raises
    ------
    UnsupportedError
        Where it takes all from some Pauli.
    """
    from qiskit.quantum_info import PTM, SuperOp

    # Rows in the order II, IX, IY, .. ZZ, where the last letter is the first qubit's.
    transfer = np.asarray(PTM(SuperOp(channel)).data).real
    kept = np.diagonal(transfer)
    if (kept <= _LEAST_KEPT).any():
        raise UnsupportedError(
            "error cancellation cannot undo a gate whose noise leaves nothing of a Pauli: take "
            "another device or mitigation"
        )
    qubits = round(float(np.log2(len(kept))) / 2.0)
    signs = np.eye(1)
    for _ in range(qubits):
        signs = np.kron(signs, _COMMUTE)
    names = tuple("".join(reversed(letters)) for letters in product(PAULIS, repeat=qubits))
    remainder = float(np.abs(transfer - np.diag(kept)).max())
    return Inverse(names, signs @ (1.0 / kept) / len(kept), remainder)
