"""Compiling QAOA for devices: gates, depth, success and seconds, beside qiskit's and tket's."""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from benchmarks._instances import random_graph, regular_graph
from benchmarks._table import Column, Table
from qopt.forms import Qubo
from qopt.solvers.qaoa.ansatz import Angles, Ansatz, Cost
from qopt.solvers.qaoa.circuit import build_circuit, two_qubit_gates
from qopt.solvers.qaoa.compile import (
    CompileOptions,
    Routed,
    compile_ansatz,
    forget,
    success,
)
from qopt.solvers.qaoa.compile.preset import preset_candidates
from qopt.solvers.qaoa.compile.target import Couplings
from qopt.solvers.qaoa.devices.calibrated import PREFIX, CalibratedDevice

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.transpiler import Target

SEED = 20_26
DEVICES = ("torino", "fez", "sherbrooke")

SHAPES: dict[str, Callable[[int], Qubo]] = {
    "3-regular 4": lambda seed: regular_graph(4, 3, seed),
    "3-regular 12": lambda seed: regular_graph(12, 3, seed),
    "3-regular 100": lambda seed: regular_graph(100, 3, seed),
    "graph 50, 10 %": lambda seed: random_graph(50, 0.1, seed),
    "graph 30, 50 %": lambda seed: random_graph(30, 0.5, seed),
    "dense 50": lambda seed: random_graph(50, 1.0, seed),
    "dense 100": lambda seed: random_graph(100, 1.0, seed),
}
"""Cut problems by name."""

_LONGEST = 60.0
"""Seconds after which a compiler gets no further seed."""


def main(arguments: Sequence[str] = ()) -> list[Table]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks compile", description=__doc__)
    parser.add_argument("--devices", nargs="+", default=DEVICES, metavar="NAME",
                        help="IBM devices by name: torino fez sherbrooke ...")
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=["3-regular 100"],
                        metavar="SHAPE",
                        help="of " + ", ".join(map(repr, SHAPES)).replace("%", "%%"))
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--tries", type=int, default=4, help="seeds of every compiler")
    parser.add_argument("--levels", type=int, nargs="*", default=[1, 2, 3], choices=range(4),
                        help="of qiskit's compiler")
    options = parser.parse_args(arguments)
    table = _table(options)
    gains: list[tuple[float, float]] = []
    for name in options.devices:
        target = _target(name)
        for shape in options.shapes:
            ansatz = _ansatz(SHAPES[shape](SEED), options.layers)
            gains += _rows(table, name, shape, ansatz, target, options)
    if gains:
        gates, depths = np.array(gains).T
        table.find(
            f"beside qiskit's level {max(options.levels)}, qopt takes {np.min(gates):.2f} to "
            f"{np.max(gates):.2f} times its two-qubit gates and {np.min(depths):.2f} to "
            f"{np.max(depths):.2f} times its two-qubit depth"
        )
    return [table]


def _table(options: argparse.Namespace) -> Table:
    table = Table(
        f"QAOA circuits of {options.layers} layer{'s' * (options.layers > 1)} on IBM's devices",
        [
            Column("device", width=10), Column("instance", width=14), Column("compiler", width=17),
            Column("gates", "d", 6), Column("depth", "d", 6), Column("x gates", ".2f", 6),
            Column("x depth", ".2f", 6), Column("log success", ".1f"), Column("gates'", ".1f", 6),
            Column("readout's", ".1f", 6), Column("idle's", ".1f", 6), Column("s", ".2f", 6),
            Column("seeds", "d", 5),
        ],
        notes=[
            f"seed {SEED}; couplings with errors of 10 % and more are left out for all; each "
            f"compiler with {options.tries} seeds, its likeliest circuit to succeed; seconds: of "
            "all of them",
            "gates and depth: of two qubits; times: of qiskit's highest level; all to all: were "
            "every pair coupled, as controlled-not gates, in the order of an edge colouring",
            "success: natural logarithm of the estimated probability that no gate, readout or "
            "waiting fails",
        ],
    ).begin()
    if not _has_tket():
        table.find("left out: tket (not installed: pip install pytket pytket-qiskit)")
    return table


def _ansatz(qubo: Qubo, layers: int) -> Ansatz:
    return Ansatz(Cost.of(qubo), Angles((0.3,) * layers, (0.4,) * layers))


def _target(name: str) -> "Target":
    device = CalibratedDevice(PREFIX + name)
    device.load()
    return device.target


def _rows(
    table: Table, name: str, shape: str, ansatz: Ansatz, target: "Target",
    options: argparse.Namespace,
) -> Iterator[tuple[float, float]]:
    """The rows of an instance; qopt's gates and depth as shares of qiskit's."""
    found: dict[str, tuple[Routed, float, int]] = {}
    for level in options.levels:
        circuit = build_circuit(ansatz)
        found[f"qiskit, level {level}"] = _best(
            preset_candidates([circuit], target, level=level, seed=SEED, tries=options.tries)
        )
    if _has_tket():
        found["tket"] = _best(_by_tket(build_circuit(ansatz), target))
    forget()
    begin = time.perf_counter()
    wished = CompileOptions(seed=SEED, tries=options.tries)
    routed = compile_ansatz(ansatz, target, wished, lambda: False)
    found["qopt"] = routed, time.perf_counter() - begin, options.tries
    best = found.get(f"qiskit, level {max(options.levels, default=3)}")
    free = _all_to_all(ansatz)
    table.add(name, shape, "all to all", *free, None, None, None, None, None, None, None, None)
    for label, (routed, seconds, seeds) in found.items():
        gates, depth = _size(routed.circuit)
        ratio = (None, None) if best is None else tuple(
            own / other for own, other in zip((gates, depth), _size(best[0].circuit), strict=True)
        )
        parts = [float(np.log(p)) for p in routed.success.to_json().values()]
        table.add(
            name, shape, label, gates, depth, *ratio, sum(parts), *parts, seconds, seeds
        )
        if label == "qopt" and best is not None:
            yield float(ratio[0] or 0.0), float(ratio[1] or 0.0)


def _size(circuit: "QuantumCircuit") -> tuple[int, int]:
    """Two-qubit gates, and the longest chain of them."""
    chain = circuit.depth(lambda gate: len(gate.qubits) == 2 and gate.operation.name != "barrier")
    return two_qubit_gates(circuit), int(chain)


def _all_to_all(ansatz: Ansatz) -> tuple[int, int]:
    """Two controlled-not gates for each coupling, one coupling after the other at each qubit."""
    circuit = build_circuit(ansatz)
    gates, depth = _size(circuit)
    return 2 * gates, 2 * depth


def _best(candidates: Iterator[Routed]) -> tuple[Routed, float, int]:
    """The likeliest to succeed, wall seconds and seeds."""
    begin, found = time.perf_counter(), []
    for routed in candidates:
        found.append(routed)
        if time.perf_counter() - begin > _LONGEST:
            break
    seconds = time.perf_counter() - begin
    return max(found, key=lambda routed: routed.success_probability), seconds, len(found)


def _has_tket() -> bool:
    return find_spec("pytket") is not None and find_spec("pytket.extensions.qiskit") is not None


def _by_tket(circuit: "QuantumCircuit", target: "Target") -> Iterator[Routed]:
    """Tket's default passes for an IBM device; it takes no seed."""
    from pytket.architecture import Architecture
    from pytket.extensions.qiskit import qiskit_to_tk, tk_to_qiskit
    from pytket.passes import (
        DecomposeBoxes,
        DefaultMappingPass,
        FullPeepholeOptimise,
        SequencePass,
    )
    from qiskit.transpiler import generate_preset_pass_manager

    couplings = Couplings.of(target)
    converted = qiskit_to_tk(circuit)
    architecture = Architecture(couplings.pairs.tolist())
    SequencePass([
        DecomposeBoxes(), FullPeepholeOptimise(), DefaultMappingPass(architecture),
    ]).apply(converted)
    mapped = tk_to_qiskit(converted)
    # Its register ends with the last node in use.
    layout = couplings.qubits[: mapped.num_qubits].tolist()
    native = generate_preset_pass_manager(
        1, target=target, initial_layout=layout, routing_method="none"
    ).run(mapped)
    yield Routed(native, (), success(native, target), 0, method="tket")
