"""What of a device can be used: its gates, its good couplings and the distances along them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qopt.calibration import DEAD_ERROR

if TYPE_CHECKING:
    from qiskit.transpiler import Target


def usable_target(target: "Target") -> "Target":
    """The same target without dead couplings.

    A coupling is dead where its gate, or a one-qubit gate of one of its qubits, has an error of
    `DEAD_ERROR` or more, or no calibration at all. Compilers do route through such couplings, and
    one of them ruins every shot.
    """
    from qiskit.transpiler import Target

    gates = [name for name in target.operation_names if is_gate(target, name)]
    broken = {
        qubits[0]
        for name in gates
        for qubits in target[name] or ()
        if len(qubits) == 1 and name != "measure" and error(target, name, qubits) >= DEAD_ERROR
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
            or (error(target, name, qubits) < DEAD_ERROR and not broken & set(qubits))
        }
        if properties:
            usable.add_instruction(target.operation_from_name(name), properties, name=name)
    return usable


def largest_region(target: "Target") -> int:
    """Number of qubits of the largest part that is connected by two-qubit gates."""
    return len(_largest(target))


def free_gates(target: "Target") -> tuple[str, ...]:
    """One-qubit gates that take no time anywhere: virtual rotations."""
    return tuple(
        name
        for name in target.operation_names
        if is_gate(target, name)
        and all(len(q) == 1 and p is not None and p.duration == 0.0
                for q, p in (target[name] or {None: None}).items() if q is not None)
    )


def is_gate(target: "Target", name: str) -> bool:
    """Whether an operation is a gate or a measurement, and no control flow, reset or delay."""
    operation = target.operation_from_name(name)
    return not isinstance(operation, type) and name not in ("reset", "delay")


def error(target: "Target", name: str, qubits: tuple[int, ...]) -> float:
    """Calibrated error of a gate; 0 for virtual one-qubit gates, 1 where it is unknown."""
    properties = target[name].get(qubits)
    if properties is None or properties.error is None or np.isnan(properties.error):
        return 1.0 if len(qubits) == 2 else 0.0
    return float(properties.error)


@dataclass(frozen=True, eq=False)
class Couplings:
    """The largest connected region of a device, its qubits renumbered as places from 0.

    Parameters
    ----------
    qubits : ndarray of int64, shape (places,)
        The device's number of each place, ascending.
    pairs : ndarray of int64, shape (couplings, 2)
        Places that are coupled, the smaller one first.
    costs : ndarray of float64, shape (couplings,)
        ``-log(1 - error)`` of the better two-qubit gate of each coupling.
    seconds : ndarray of float64, shape (couplings,)
        Its duration; 0 where it is unknown.
    readout : ndarray of float64, shape (places,)
        ``-log(1 - error)`` of the readout.
    decay : ndarray of float64, shape (places,)
        Fidelity that a second of waiting costs while it is short: ``1 / (6 T1) + 1 / (3 T2)``.
    """

    qubits: NDArray[np.int64]
    pairs: NDArray[np.int64] = field(repr=False)
    costs: NDArray[np.float64] = field(repr=False)
    seconds: NDArray[np.float64] = field(repr=False)
    readout: NDArray[np.float64] = field(repr=False)
    decay: NDArray[np.float64] = field(repr=False)

    @classmethod
    def of(cls, target: "Target") -> "Couplings":
        """The couplings of a target of `usable_target`."""
        qubits = np.array(_largest(target), dtype=np.int64)
        place = {int(qubit): k for k, qubit in enumerate(qubits)}
        best: dict[tuple[int, int], tuple[float, float]] = {}
        for name, pair in _coupled(target):
            if pair[0] in place:
                worth = error(target, name, pair), target[name][pair].duration or 0.0
                ends = sorted((place[pair[0]], place[pair[1]]))
                key = ends[0], ends[1]
                best[key] = min(best.get(key, worth), worth)
        pairs = sorted(best)
        measured = [
            error(target, "measure", (int(q),)) if "measure" in target.operation_names else 0.0
            for q in qubits
        ]
        return cls(
            qubits,
            np.array(pairs, dtype=np.int64).reshape(-1, 2),
            _costs([best[pair][0] for pair in pairs]),
            np.array([best[pair][1] for pair in pairs]),
            _costs(measured),
            np.array([_decay(target, int(q)) for q in qubits]),
        )

    @property
    def places(self) -> int:
        """Number of places."""
        return len(self.qubits)

    @cached_property
    def neighbours(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Offsets by place, neighbouring places, and the number of the coupling to each."""
        return adjacency(self.places, self.pairs)

    @cached_property
    def number(self) -> dict[tuple[int, int], int]:
        """The number of the coupling of two places, the smaller one first."""
        return {(a, b): k for k, (a, b) in enumerate(self.pairs.tolist())}

    @cached_property
    def distances(self) -> NDArray[np.int64]:
        """Couplings on the shortest way between two places, shape (places, places)."""
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import shortest_path

        row, col = self.pairs.T
        size = (self.places, self.places)
        graph = coo_matrix((np.ones(len(row)), (row, col)), size).tocsr()
        return np.asarray(shortest_path(graph, directed=False, unweighted=True)).astype(np.int64)


def adjacency(
    nodes: int, pairs: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Offsets by node, neighbours, and the number of the pair that leads to each."""
    ends = np.concatenate([pairs, pairs[:, ::-1]]).reshape(-1, 2)
    number = np.concatenate([np.arange(len(pairs))] * 2).astype(np.int64)
    order = np.lexsort((ends[:, 1], ends[:, 0]))
    offsets = np.searchsorted(ends[order, 0], np.arange(nodes + 1)).astype(np.int64)
    return offsets, np.ascontiguousarray(ends[order, 1]), np.ascontiguousarray(number[order])


def _largest(target: "Target") -> list[int]:
    """The qubits of the largest connected part, ascending."""
    import rustworkx

    graph = rustworkx.PyGraph()
    graph.add_nodes_from(range(target.num_qubits or 0))
    graph.add_edges_from_no_data([pair for _, pair in _coupled(target)])
    parts = [sorted(part) for part in rustworkx.connected_components(graph)]
    return max(parts, key=lambda part: len(part), default=[])


def _coupled(target: "Target") -> Iterator[tuple[str, tuple[int, int]]]:
    for name in target.operation_names:
        for qubits in target[name] or ():
            if qubits is not None and len(qubits) == 2:
                yield name, qubits


def _decay(target: "Target", qubit: int) -> float:
    known = target.qubit_properties[qubit] if target.qubit_properties else None
    if known is None:
        return 0.0
    t1, t2 = known.t1 or np.inf, known.t2 or np.inf
    return float(1.0 / (6.0 * t1) + 1.0 / (3.0 * min(t2, 2.0 * t1)))


def _costs(errors: list[float]) -> NDArray[np.float64]:
    return -np.log1p(-np.minimum(np.array(errors, dtype=np.float64), 1.0 - 1e-16))
