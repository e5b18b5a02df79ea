"""Pauli twirling: each two-qubit gate among random Paulis that undo one another."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..devices import Compiled
from .gates import NativePaulis, body, conjugates, is_pair, measure_as, without_gates
from .job import Estimate, Job, Reading, joint_error

CIRCUITS = 16


@dataclass(frozen=True)
class PauliTwirling:
    """The mean over circuits whose two-qubit gates stand among random Paulis.

    It turns coherent errors into incoherent ones (Wallman and Emerson, Phys. Rev. A 94, 052325,
    2016). Noise that is incoherent already, as all that is simulated here, it leaves as large, and
    adds that of its Paulis, which are gates of their own.

    Parameters
    ----------
    circuits_wanted : int
        Random circuits that share the run's shots, beside those of the circuit itself.
    """

    circuits_wanted: int = CIRCUITS

    def circuits(self, compiled: Compiled, seed: int) -> list[Job]:
        """The random circuits."""
        generator, paulis = np.random.default_rng(seed), NativePaulis(compiled.circuit)
        gates = body(compiled.circuit)
        ways = [conjugates(gate.operation) if is_pair(gate) else [] for gate in gates]
        jobs = []
        for _ in range(self.circuits_wanted):
            made = without_gates(compiled.circuit)
            for gate, choices in zip(gates, ways, strict=True):
                before, after, operation = ("I", "I"), ("I", "I"), gate.operation
                if choices:
                    before, after, operation = choices[int(generator.integers(len(choices)))]
                paulis.append(made, gate.qubits, before)
                made.append(operation, gate.qubits)
                paulis.append(made, gate.qubits, after)
            measure_as(made, compiled.circuit)
            jobs.append(Job(made, 1.0 / self.circuits_wanted, "changed"))
        return jobs

    def combine(self, jobs: Sequence[Job], readings: Sequence[Reading]) -> Estimate:
        """The mean of the random circuits; the circuit itself, which comes first, is left out."""
        twirled = readings[1:]
        weights = np.full(len(twirled), 1.0 / len(twirled))
        value = float(weights @ [reading.mean for reading in twirled])
        return Estimate(value, joint_error(weights, twirled), {"random_circuits": len(twirled)})
