"""Sampling a compiled circuit under noise: shared by the simulated devices."""

from collections.abc import Callable, Iterable
from math import floor

import numpy as np

from qopt.errors import UsageError

from ..circuit import two_qubit_gates
from ..noise import Noise
from ..simulate.noisy import (
    MOST_DENSITY_QUBITS,
    NoisyCircuit,
    default_trajectories,
    expected_density_seconds,
    expected_seconds,
)
from .device import Compiled, Samples, Watch


def sample_noisy(
    compiled: Compiled,
    make_noise: Callable[[], Noise],
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
    The noise is made only once it is clear that the time suffices for one trajectory.
    """
    qubits, gates = compiled.circuit.num_qubits, two_qubit_gates(compiled.circuit)
    by_density = (
        qubits <= MOST_DENSITY_QUBITS
        and trajectories is None
        and expected_density_seconds(qubits, gates, threads) < watch.clock.remaining
    )
    if not by_density and expected_seconds(qubits, gates, threads) > watch.clock.remaining:
        return Samples(np.zeros((0, compiled.circuit.num_clbits), dtype=np.int8))
    circuit = NoisyCircuit(compiled.circuit, make_noise(), threads)
    generator = np.random.default_rng(seed)
    if by_density:
        bits = circuit.draw(circuit.density_matrix(), shots, generator)
        return Samples(bits, method="density matrix, independent shots")
    count = trajectories or default_trajectories(qubits, gates, shots)
    bits, batch = circuit.sample_trajectories(
        count, shots, generator, lambda: 0.0 if watch.over else watch.clock.remaining,
        expected_seconds(qubits, gates, threads),
    )
    drawn = int(batch[-1]) + 1 if len(batch) else 0
    method = f"{drawn} noise trajectories, each sampled {len(bits) / max(1, drawn):.3g} times"
    if drawn < count:
        method += f" ({count} were planned; the time limit or an interrupt ended them)"
    return Samples(bits, drawn, batch, method)


def check_share(scale: float, errors: Iterable[tuple[str, float, float]]) -> None:
    """Refuse to scale noise beyond what an error can be.

    Parameters
    ----------
    scale : float
    errors : iterable of (str, float, float)
        What goes wrong, how likely it is unscaled, and the largest probability that it can have.

    Raises
    ------
    UsageError
        With the largest scale that suits all.
    """
    known = list(errors)
    most = min((limit / error for _, error, limit in known if error > 0.0), default=scale)
    for what, error, limit in known:
        if scale * error > limit * (1.0 + 1e-12):
            raise UsageError(
                f"noise_scale={scale:g} makes the error of {what} {scale * error:.3g}, and it "
                f"cannot exceed {limit:g}: take at most {floor(1000 * most) / 1000:g} here"
            )
