"""Noisy shots by qiskit-aer: the density matrix where it is small, else trajectories.

A trajectory is the pure state under one draw of the noise. Averaged over draws its probabilities
are those of the density matrix, so several shots may be taken from each without bias; but shots of
one trajectory are not independent, and the fewer trajectories, the larger the error of a mean.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import SolverError

from ..noise import Noise
from .sampling import sample, to_bits

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

MOST_QUBITS = 24
"""Largest register taken: there a trajectory of a dense circuit takes some ten seconds."""

MOST_DENSITY_QUBITS = 8
"""Up to here the density matrix is cheaper than the trajectories that it replaces: at 10 qubits and
299 two-qubit gates it took 18 s of one thread, 256 trajectories 3 s."""

_DENSITY_SECONDS = 6e-8
"""Rough seconds of one thread for an entry of the density matrix and a two-qubit gate."""

WORK = 1.5e10
"""Work of all trajectories, where their number is left to us: some 20 s of one thread."""

FEWEST_TRAJECTORIES = 8
MOST_TRAJECTORIES = 256

_SECONDS_A_UNIT = 1.5e-9
"""Rough seconds of one thread for a unit of work, to foresee a time limit."""

_OVERHEAD = 2.0**18
"""What drawing the noise of a gate costs beside its action, in amplitudes."""

_BATCH = 2**19
"""Amplitudes of the trajectories that are asked of Aer at once."""

Probabilities = NDArray[np.float64]


def default_trajectories(qubits: int, two_qubit_gates: int, shots: int) -> int:
    """How many trajectories a circuit gets: as many as `WORK` allows, within limits."""
    affordable = int(WORK / work(qubits, two_qubit_gates))
    return max(1, min(shots, MOST_TRAJECTORIES, max(FEWEST_TRAJECTORIES, affordable)))


def work(qubits: int, two_qubit_gates: int) -> float:
    """Work of one trajectory: amplitudes times two-qubit gates, with the overhead of each."""
    return (2.0**qubits + _OVERHEAD) * max(1, two_qubit_gates)


def expected_seconds(qubits: int, two_qubit_gates: int, threads: int) -> float:
    """Rough wall time of one trajectory."""
    return _SECONDS_A_UNIT * work(qubits, two_qubit_gates) / threads


def expected_density_seconds(qubits: int, two_qubit_gates: int, threads: int) -> float:
    """Rough wall time of the density matrix."""
    return _DENSITY_SECONDS * 4.0**qubits * max(1, two_qubit_gates) / threads


class NoisyCircuit:
    """A measured circuit with its noise, ready to be sampled.

    Parameters
    ----------
    circuit : QuantumCircuit
        Each qubit is measured at most once, at the end.
    noise : Noise
    threads : int
    """

    def __init__(self, circuit: "QuantumCircuit", noise: Noise, threads: int = 1) -> None:
        self.qubits = circuit.num_qubits
        self._noise = noise
        self._threads = threads
        self._gates = circuit.copy_empty_like()
        self._measured: list[tuple[int, int]] = []
        for gate in circuit.data:
            if gate.operation.name == "measure":
                self._measured.append((
                    circuit.find_bit(gate.clbits[0]).index, circuit.find_bit(gate.qubits[0]).index
                ))
            else:
                self._gates.append(_known_to_aer(gate.operation), gate.qubits)
        self._measured.sort()

    def density_matrix(self) -> Probabilities:
        """Exact probability of every state of the qubits before readout, shape (2**qubits,)."""
        return np.asarray(self._run("density_matrix", 1, 0)[0])

    def trajectories(self, count: int, seed: int) -> Probabilities:
        """The same under `count` draws of the noise, shape (count, 2**qubits)."""
        drawn = self._run("statevector", count, seed)
        # Aer runs a circuit once where none of its gates is noisy.
        return np.broadcast_to(drawn, (count, drawn.shape[1]))

    def draw(
        self, probabilities: Probabilities, shots: int, generator: np.random.Generator
    ) -> NDArray[np.int8]:
        """Shots with readout errors, shape (shots, classical bits); column ``i`` is bit ``i``."""
        bits = to_bits(sample(probabilities, shots, generator), self.qubits)
        wrong = np.where(bits == 1, self._noise.readout[:, 1], self._noise.readout[:, 0])
        read = bits ^ (generator.random(bits.shape) < wrong)
        return np.ascontiguousarray(read[:, [qubit for _, qubit in self._measured]])

    def sample_trajectories(
        self,
        count: int,
        shots: int,
        generator: np.random.Generator,
        remaining: Callable[[], float],
        expected: float = 0.0,
    ) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
        """Shots spread evenly over trajectories.

        Parameters
        ----------
        count : int
            Trajectories wanted; fewer where the time does not suffice, by the first ones' time.
        shots : int
        generator : numpy.random.Generator
        remaining : callable
            Seconds left; at 0 the run ends with the shots it has.
        expected : float
            Seconds that a trajectory is foreseen to take, before the first ones tell.

        Returns
        -------
        bits : ndarray of int8, shape (shots, classical bits)
        batch : ndarray of int64, shape (shots,)
            The trajectory of each shot.
        """
        pieces: list[NDArray[np.int8]] = []
        step = max(1, min(32, _BATCH >> self.qubits))
        left = shots
        while len(pieces) < count and remaining() > 0.0:
            begin = time.perf_counter()
            wanted = min(step, count - len(pieces))
            if expected and not pieces and expected * wanted > (seconds := remaining()):
                wanted = max(1, int(seconds / expected))
            drawn = self.trajectories(wanted, int(generator.integers(2**31)))
            if not pieces:
                pace = (time.perf_counter() - begin) / wanted
                count = min(count, wanted + int(min(count, 0.9 * remaining() / pace)))
            for probabilities in drawn:
                # The trajectories to come share what is left evenly.
                share = -(-left // (count - len(pieces)))
                pieces.append(self.draw(probabilities, share, generator))
                left -= share
        bits = np.concatenate([np.zeros((0, len(self._measured)), dtype=np.int8), *pieces])
        return bits, np.repeat(np.arange(len(pieces)), [len(piece) for piece in pieces])

    def _run(self, method: str, count: int, seed: int) -> Probabilities:
        from qiskit_aer import AerSimulator

        circuit = self._gates.copy()
        circuit.save_probabilities(pershot=method == "statevector")
        simulator = AerSimulator(
            method=method,
            noise_model=self._noise.model,
            max_parallel_threads=self._threads,
            fusion_threshold=12,
        )
        result = simulator.run(circuit, shots=count, seed_simulator=seed).result()
        if not result.success:
            raise SolverError(f"qiskit-aer failed: {result.status}")
        return np.reshape(result.data(0)["probabilities"], (-1, 2**self.qubits))


def _known_to_aer(gate: Any) -> Any:
    """The gate, or its matrix under the same name, by which it meets its noise."""
    if gate.name != "xx_plus_yy":
        return gate
    from qiskit.circuit.library import UnitaryGate

    return UnitaryGate(gate.to_matrix(), label=gate.name)
