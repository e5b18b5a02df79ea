"""From a logical circuit to a device's gates and couplings, and what the result is worth."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from qopt.errors import SizeError, UnsupportedError

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.transpiler import Target

DEAD_ERROR = 0.1
"""Gates with at least this error are left out: calibrations mark broken couplings with error 1."""

_NOT_GATES = ("barrier", "delay")


def _compile_on_one_thread() -> None:
    """Keep qiskit's compiler off its thread pool, which a fork leaves without threads."""
    os.environ["QISKIT_IN_PARALLEL"] = "TRUE"


# Without this a worker process that was forked after a compilation waits for ever in its first one.
os.register_at_fork(after_in_child=_compile_on_one_thread)


@dataclass(frozen=True, eq=False)
class Routed:
    """A circuit on a device.

    Parameters
    ----------
    circuit : QuantumCircuit
        On all qubits of the device.
    qubits : tuple of int
        Those in use, ascending.
    success_probability : float
    seed : int
        The compiler's seed that gave it.
    compilations : int
        From which it was chosen.
    """

    circuit: "QuantumCircuit" = field(repr=False)
    qubits: tuple[int, ...]
    success_probability: float
    seed: int
    compilations: int = 1


def usable_target(target: "Target") -> "Target":
    """The same target without dead couplings.

    A coupling is dead where its gate, or a one-qubit gate of one of its qubits, has an error of
    `DEAD_ERROR` or more, or no calibration at all. Compilers do route through such couplings, and
    one of them ruins every shot.
    """
    from qiskit.transpiler import Target

    gates = [name for name in target.operation_names if _is_gate(target, name)]
    broken = {
        qubits[0]
        for name in gates
        for qubits in target[name] or ()
        if len(qubits) == 1 and name != "measure" and _error(target, name, qubits) >= DEAD_ERROR
    }
    usable = Target(
        num_qubits=target.num_qubits,
        dt=target.dt,
        granularity=target.granularity,
        min_length=target.min_length,
        pulse_alignment=target.pulse_alignment,
        acquire_alignment=target.acquire_alignment,
        qubit_properties=target.qubit_properties,
    )
    for name in gates:
        properties = {
            qubits: value
            for qubits, value in (target[name] or {}).items()
            if len(qubits) != 2
            or (_error(target, name, qubits) < DEAD_ERROR and not broken & set(qubits))
        }
        if properties:
            usable.add_instruction(target.operation_from_name(name), properties, name=name)
    return usable


def largest_region(target: "Target") -> int:
    """Number of qubits of the largest part that is connected by two-qubit gates."""
    import rustworkx

    graph = rustworkx.PyGraph()
    graph.add_nodes_from(range(target.num_qubits))
    for name in target.operation_names:
        graph.add_edges_from_no_data([q for q in target[name] or () if len(q) == 2])
    return max((len(part) for part in rustworkx.connected_components(graph)), default=0)


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

    Routing may borrow qubits beside the circuit's own. Each doubles the work of a simulator and
    hardly helps, so results that use over one more than the fewest are left out.

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
    from qiskit.transpiler import generate_preset_pass_manager
    from qiskit.transpiler.exceptions import TranspilerError

    candidates: list[Routed] = []
    seeds = np.random.default_rng(seed).integers(2**31, size=tries).tolist()
    for each, circuit in product(seeds, circuits):
        manager = generate_preset_pass_manager(level, target=target, seed_transpiler=each)
        try:
            compiled = manager.run(circuit)
        except TranspilerError as fault:
            raise UnsupportedError(
                f"qiskit cannot compile the circuit for this device: {fault.message}"
            ) from fault
        candidates.append(
            Routed(
                compiled, qubits_in_use(compiled), success_probability(compiled, target), each
            )
        )
        if over():
            break
    fewest = min(len(each.qubits) for each in candidates)
    if fewest > most_qubits:
        raise SizeError(
            "the noisy simulator", fewest, most_qubits, "qubits",
            f"that many are in use after routing {circuits[0].num_qubits} variables; another "
            "compile_seed, more compile_tries or fewer variables may fit",
        )
    width = min(fewest + 1, most_qubits)
    best = max(
        (each for each in candidates if len(each.qubits) <= width),
        key=lambda each: each.success_probability,
    )
    return replace(best, compilations=len(candidates))


def qubits_in_use(circuit: "QuantumCircuit") -> tuple[int, ...]:
    """Qubits that some gate or measurement acts on, ascending."""
    return tuple(sorted({q for _, _, qubits in _gates(circuit) for q in qubits}))


def success_probability(circuit: "QuantumCircuit", target: "Target") -> float:
    """Product of ``1 - error`` over all gates and readouts: no shot does better than this."""
    errors = [_error(target, name, qubits) for name, _, qubits in _gates(circuit)]
    return float(np.exp(np.log1p(-np.minimum(errors, 1.0 - 1e-16)).sum())) if errors else 1.0


def duration(circuit: "QuantumCircuit", target: "Target") -> float:
    """Seconds from start to end, every gate as soon as its qubits are free, readout included."""
    free = [0.0] * circuit.num_qubits
    for name, _, qubits in _gates(circuit):
        properties = target[name].get(qubits)
        length = properties.duration if properties is not None else None
        end = max(free[q] for q in qubits) + (length or 0.0)
        for q in qubits:
            free[q] = end
    return max(free, default=0.0)


def free_gates(target: "Target") -> tuple[str, ...]:
    """One-qubit gates that take no time anywhere: virtual rotations."""
    return tuple(
        name
        for name in target.operation_names
        if _is_gate(target, name)
        and all(len(q) == 1 and p is not None and p.duration == 0.0
                for q, p in (target[name] or {None: None}).items() if q is not None)
    )


def restrict(circuit: "QuantumCircuit", qubits: tuple[int, ...]) -> "QuantumCircuit":
    """The same circuit on `qubits` alone, numbered from 0; barriers and delays are left out."""
    from qiskit import QuantumCircuit

    position = {qubit: i for i, qubit in enumerate(qubits)}
    small = QuantumCircuit(len(qubits), circuit.num_clbits, global_phase=circuit.global_phase)
    for _, gate, on in _gates(circuit):
        bits = [circuit.find_bit(bit).index for bit in gate.clbits]
        small.append(gate.operation, [position[q] for q in on], bits)
    return small


def _gates(circuit: "QuantumCircuit") -> Iterator[tuple[str, Any, tuple[int, ...]]]:
    """Name, instruction and qubit numbers of every gate and measurement."""
    number = {bit: i for i, bit in enumerate(circuit.qubits)}
    for gate in circuit.data:
        if gate.operation.name not in _NOT_GATES:
            yield gate.operation.name, gate, tuple(number[bit] for bit in gate.qubits)


def _is_gate(target: "Target", name: str) -> bool:
    """Whether an operation is a gate or a measurement, and no control flow, reset or delay."""
    operation = target.operation_from_name(name)
    return not isinstance(operation, type) and name not in ("reset", "delay")


def _error(target: "Target", name: str, qubits: tuple[int, ...]) -> float:
    """Calibrated error of a gate; 0 for virtual one-qubit gates, 1 where it is unknown."""
    properties = target[name].get(qubits)
    if properties is None or properties.error is None or np.isnan(properties.error):
        return 1.0 if len(qubits) == 2 else 0.0
    return float(properties.error)
