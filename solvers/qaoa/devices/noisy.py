"""Sampling a compiled circuit under noise: shared by the simulated devices."""

import numpy as np

from ..circuit import two_qubit_gates
from ..noise import Noise
from ..simulate.noisy import (
    MOST_DENSITY_QUBITS,
    NoisyCircuit,
    default_trajectories,
    expected_seconds,
)
from .device import Compiled, Samples, Watch


def sample_noisy(
    compiled: Compiled,
    noise: Noise,
    shots: int,
    seed: int,
    watch: Watch,
    *,
    trajectories: int | None,
    threads: int,
) -> Samples:
    """Shots of a compiled circuit under noise.

    Small circuits are sampled from their density matrix, unless trajectories are asked for; larger
    ones from as many trajectories as were asked for, as is affordable, or as the time limit allows.
    """
    circuit = NoisyCircuit(compiled.circuit, noise, threads)
    generator = np.random.default_rng(seed)
    if circuit.qubits <= MOST_DENSITY_QUBITS and trajectories is None:
        bits = circuit.draw(circuit.density_matrix(), shots, generator)
        return Samples(bits, shots, method="density matrix, independent shots")
    gates = two_qubit_gates(compiled.circuit)
    count = trajectories or default_trajectories(circuit.qubits, gates, shots)
    if expected_seconds(circuit.qubits, gates, threads) > watch.clock.remaining:
        return Samples(np.zeros((0, compiled.circuit.num_clbits), dtype=np.int8), 0)
    bits, batch = circuit.sample_trajectories(
        count, shots, generator, lambda: 0.0 if watch.over else watch.clock.remaining
    )
    drawn = int(batch[-1]) + 1 if len(batch) else 0
    if drawn == len(bits):
        return Samples(bits, drawn, method="trajectories, one a shot")
    method = f"{drawn} noise trajectories, each sampled {len(bits) / max(1, drawn):.3g} times"
    if drawn < count:
        method += f" ({count} were planned; the time limit or an interrupt ended them)"
    return Samples(bits, drawn, batch, method)
