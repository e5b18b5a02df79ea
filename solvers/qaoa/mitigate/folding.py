"""Noise made larger on purpose: gates that are done, undone and done again."""

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .gates import body, inverse, is_pair, measure_as, without_gates

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

Folding = Literal["local", "global"]


def fold(
    circuit: "QuantumCircuit", factor: float, how: Folding, generator: np.random.Generator
) -> tuple["QuantumCircuit", float]:
    """The same unitary with so many times the two-qubit gates.

    After Giurgica-Tiron et al., IEEE QCE 2020, 306 (arXiv 2005.10921). 'local' makes a two-qubit
    gate G into ``G (G^-1 G)^k``, one more of them for gates drawn at random where the factor is
    no odd number; 'global' makes the whole circuit U into ``U (U^-1 U)^k``, and folds its end
    once more. Only gates of the circuit's own names are added.

    Parameters
    ----------
    circuit : QuantumCircuit
        Compiled, measured at its end.
    factor : float
        At least 1.
    how : {"local", "global"}
    generator : numpy.random.Generator

    Returns
    -------
    circuit : QuantumCircuit
    factor : float
        That was reached: two-qubit gates are whole, and a fold adds two.
    """
    gates = body(circuit)
    pairs = sum(is_pair(gate) for gate in gates)
    if not pairs:
        return circuit, 1.0
    folds = round(pairs * (factor - 1.0) / 2.0)
    folded = without_gates(circuit)
    if how == "local":
        _fold_gates(folded, gates, folds, generator)
    else:
        _fold_all(folded, gates, *divmod(folds, pairs))
    measure_as(folded, circuit)
    return folded, 1.0 + 2.0 * folds / pairs


def _fold_gates(
    folded: "QuantumCircuit", gates: list[Any], folds: int, generator: np.random.Generator
) -> None:
    places = [i for i, gate in enumerate(gates) if is_pair(gate)]
    each, left = divmod(folds, len(places))
    more = set(generator.permutation(places)[:left].tolist())
    for i, gate in enumerate(gates):
        folded.append(gate.operation, gate.qubits)
        if is_pair(gate):
            for _ in range(each + (i in more)):
                _undo(folded, [gate])
                folded.append(gate.operation, gate.qubits)


def _fold_all(folded: "QuantumCircuit", gates: list[Any], whole: int, left: int) -> None:
    places = [i for i, gate in enumerate(gates) if is_pair(gate)]
    end = gates[places[-left]:] if left else []
    for gate in gates:
        folded.append(gate.operation, gate.qubits)
    for part in [*[gates] * whole, end]:
        _undo(folded, part)
        for gate in part:
            folded.append(gate.operation, gate.qubits)


def _undo(folded: "QuantumCircuit", gates: list[Any]) -> None:
    for gate in reversed(gates):
        for operation in inverse(gate.operation):
            folded.append(operation, gate.qubits)
