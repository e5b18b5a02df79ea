"""qiskit's own compiler, under several seeds."""

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from qopt.errors import UnsupportedError

from .physical import qubits_in_use
from .routed import Routed, likeliest
from .success import success

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.transpiler import Target


def _compile_on_one_thread() -> None:
    """Keep qiskit's compiler off its thread pool, which a fork leaves without threads."""
    os.environ["QISKIT_IN_PARALLEL"] = "TRUE"


# Without this a worker process that was forked after a compilation waits for ever in its first one.
os.register_at_fork(after_in_child=_compile_on_one_thread)


def compile_circuit(
    circuits: "Sequence[QuantumCircuit]",
    target: "Target",
    *,
    level: int,
    seed: int,
    tries: int,
    most_qubits: int,
    over: Callable[[], bool],
) -> Routed:
    """Compile with qiskit under several seeds and keep the likeliest to succeed.

    Parameters
    ----------
    circuits : sequence of QuantumCircuit
        Circuits that do the same, with their gates in different orders.
    target : Target
        Of `usable_target`.
    level : int
        Optimisation level, 0 to 3.
    seed, tries : int
        The compiler's seeds are the first `tries` draws from this one.
    most_qubits : int
        Results that use more are left out.
    over : callable
        Asked after each compilation whether to end.

    Raises
    ------
    SizeError
        Where all results use more.
    UnsupportedError
        Where qiskit finds no way.
    """
    candidates: list[Routed] = []
    for each in preset_candidates(circuits, target, level=level, seed=seed, tries=tries):
        candidates.append(each)
        if over():
            break
    return likeliest(candidates, circuits[0].num_qubits, most_qubits)


def preset_candidates(
    circuits: "Sequence[QuantumCircuit]", target: "Target", *, level: int, seed: int, tries: int
) -> Iterator[Routed]:
    """Each circuit under each of the seeds.

    Raises
    ------
    UnsupportedError
        Where qiskit finds no way.
    """
    from qiskit.transpiler import generate_preset_pass_manager
    from qiskit.transpiler.exceptions import TranspilerError

    seeds = np.random.default_rng(seed).integers(2**31, size=tries).tolist()
    for each, circuit in product(seeds, circuits):
        manager = generate_preset_pass_manager(level, target=target, seed_transpiler=each)
        try:
            compiled = manager.run(circuit)
        except TranspilerError as fault:
            raise UnsupportedError(
                f"qiskit cannot compile the circuit for this device: {fault.message}"
            ) from fault
        yield Routed(
            compiled, qubits_in_use(compiled), success(compiled, target), each,
            method=f"qiskit, level {level}",
        )
