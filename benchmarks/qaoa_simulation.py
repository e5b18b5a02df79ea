"""Statevector simulation of QAOA: expectation and gradient against other simulators."""

import argparse
import multiprocessing
import os
import resource
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np

from benchmarks._table import Column, Failure, Table
from qopt.forms import Qubo
from qopt.solvers.qaoa.ansatz import Angles, Ansatz, Cost
from qopt.solvers.qaoa.objective import Mean
from qopt.solvers.qaoa.simulate import Precision

SEED = 20_26
LAYERS = 6
ANGLES = Angles(
    tuple(float(x) for x in np.linspace(0.05, 0.3, LAYERS)),
    tuple(float(x) for x in -np.linspace(0.5, 0.1, LAYERS)),
)
PEERS = {
    "qiskit-aer": "qiskit-aer", "lightning": "pennylane-lightning", "qulacs": "qulacs",
    "qokit": "qokit",
}
"""Simulators beside ours, and what installs them."""

ALL = ("qopt single", "qopt double", *PEERS)

SLOWEST = {"qokit": 16, "qulacs": 20, "lightning": 22, "qiskit-aer": 24}
"""Qubits up to which a simulator's run does not take minutes."""


@dataclass
class Measured:
    """One simulator on one instance: seconds, and mebibytes above an idle process."""

    value: float
    forward: float
    gradient: float | None = None
    diagonal: float | None = None
    first: float | None = None
    memory: float = 0.0


# -- instances ----------------------------------------------------------------------------------


def dense(n: int) -> Qubo:
    """A spin glass: Gaussian couplings between all spins."""
    rng = np.random.default_rng(SEED + n)
    row, col = np.triu_indices(n, 1)
    couplings = rng.normal(size=len(row))
    linear = -2.0 * (np.bincount(row, couplings, n) + np.bincount(col, couplings, n))
    return Qubo.from_arrays(linear, row, col, 4.0 * couplings)


def cubic(n: int) -> Qubo:
    """MaxCut of a random 3-regular graph."""
    import networkx as nx

    edges = np.array(nx.random_regular_graph(3, n, seed=SEED).edges())
    return Qubo.from_arrays(np.full(n, -3.0), edges[:, 0], edges[:, 1], np.full(len(edges), 2.0))


INSTANCES: dict[str, Callable[[int], Qubo]] = {"dense": dense, "3-regular": cubic}


# -- simulators ---------------------------------------------------------------------------------


def seconds(work: Callable[[], object], least: float = 0.5) -> float:
    """Shortest of several runs, at least three and half a second in all."""
    times: list[float] = []
    while len(times) < 3 or (sum(times) < least and len(times) < 50):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
        if times[0] > 20.0:
            break
    return min(times)


def ours(cost: Cost, threads: int, precision: Precision) -> Measured:
    """The simulator of this project."""
    from qopt.solvers.qaoa.simulate.diagonal import diagonal
    from qopt.solvers.qaoa.simulate.statevector import Statevector

    begin = time.perf_counter()
    simulator = Statevector(cost, threads, precision)
    value = simulator.expectation(ANGLES)
    first = time.perf_counter() - begin
    simulator.value_and_gradient(ANGLES, Mean())
    return Measured(
        value,
        seconds(lambda: simulator.expectation(ANGLES)),
        seconds(lambda: simulator.value_and_gradient(ANGLES, Mean())),
        seconds(lambda: diagonal(cost, simulator._dtype, simulator._spread)),
        first,
    )


def aer(cost: Cost, threads: int) -> Measured:
    """The circuit as gates, bound and ready; the mean from the saved amplitudes."""
    from qiskit_aer import AerSimulator

    from qopt.solvers.qaoa.circuit import build_circuit

    circuit = build_circuit(Ansatz(cost, ANGLES))
    circuit.remove_final_measurements()
    circuit.save_statevector()
    simulator = AerSimulator(method="statevector", max_parallel_threads=threads)
    costs = _costs(cost)

    def run() -> float:
        state = np.asarray(simulator.run(circuit).result().get_statevector())
        return float(np.abs(state) ** 2 @ costs)

    return Measured(run(), seconds(run))


def lightning(cost: Cost, threads: int) -> Measured:
    """PennyLane's C++ device; gradient by its adjoint method, on the small instances."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    import pennylane as qml

    n, pairs = cost.qubits, _pairs(cost)
    device = qml.device("lightning.qubit", wires=n)
    costs = _costs(cost)

    def layers(gammas: Sequence[float], betas: Sequence[float]) -> None:
        for i in range(n):
            qml.Hadamard(i)
        for gamma, beta in zip(gammas, betas, strict=True):
            for i, j, weight in pairs:
                qml.IsingZZ(2.0 * gamma * weight, wires=[n - 1 - i, n - 1 - j])
            for i in range(n):
                qml.RX(2.0 * beta, wires=i)

    @qml.qnode(device)
    def state() -> object:
        layers(ANGLES.gammas, ANGLES.betas)
        return qml.state()

    def run() -> float:
        return float(np.abs(np.asarray(state())) ** 2 @ costs)

    measured = Measured(run(), seconds(run))
    if n <= 16:
        operator = qml.Hamiltonian(
            [weight for _, _, weight in pairs],
            [qml.PauliZ(n - 1 - i) @ qml.PauliZ(n - 1 - j) for i, j, _ in pairs],
        )

        @qml.qnode(device, diff_method="adjoint")
        def mean(gammas: Sequence[float], betas: Sequence[float]) -> object:
            layers(gammas, betas)
            return qml.expval(operator)

        point = [
            qml.numpy.array(part, requires_grad=True) for part in (ANGLES.gammas, ANGLES.betas)
        ]
        measured.gradient = seconds(lambda: qml.grad(mean)(*point))
    return measured


def qulacs(cost: Cost, threads: int) -> Measured:
    """Its circuit of Pauli rotations, the mean from its amplitudes."""
    os.environ["OMP_NUM_THREADS"] = os.environ["QULACS_NUM_THREADS"] = str(threads)
    from qulacs import QuantumCircuit, QuantumState

    n, costs = cost.qubits, _costs(cost)
    circuit = QuantumCircuit(n)
    for i in range(n):
        circuit.add_H_gate(i)
    for gamma, beta in zip(ANGLES.gammas, ANGLES.betas, strict=True):
        for i, j, weight in _pairs(cost):
            circuit.add_multi_Pauli_rotation_gate([i, j], [3, 3], -2.0 * gamma * weight)
        for i in range(n):
            circuit.add_RX_gate(i, -2.0 * beta)

    def run() -> float:
        state = QuantumState(n)
        circuit.update_quantum_state(state)
        return float(np.abs(state.get_vector()) ** 2 @ costs)

    return Measured(run(), seconds(run))


def qokit(cost: Cost, threads: int) -> Measured:
    """QOKit's simulator as its wheel installs it, costs given."""
    from qokit.fur import QAOAFURXSimulator  # type: ignore[import-not-found]

    simulator = QAOAFURXSimulator(cost.qubits, costs=_costs(cost))
    gammas, betas = (2.0 * np.array(part) for part in (ANGLES.gammas, ANGLES.betas))

    def run() -> float:
        result = simulator.simulate_qaoa(gammas, betas / 2.0)
        return float(simulator.get_expectation(result))

    return Measured(run(), seconds(run))


def _costs(cost: Cost) -> np.ndarray:
    from qopt.solvers.qaoa.simulate.diagonal import diagonal

    return diagonal(cost).values


def _pairs(cost: Cost) -> list[tuple[int, int, float]]:
    ising = cost.ising
    return list(zip(ising.row.tolist(), ising.col.tolist(), ising.J.tolist(), strict=True))


# -- limits of the machine ----------------------------------------------------------------------


def bandwidth(threads: int) -> float:
    """Bytes a second of ``a = b + c`` on arrays beyond the caches."""
    from concurrent.futures import ThreadPoolExecutor

    parts = [[np.ones(8_000_000) for _ in range(3)] for _ in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        spent = seconds(lambda: list(pool.map(lambda p: np.add(p[0], p[1], out=p[2]), parts)))
    return 3 * 8 * 8_000_000 * threads / spent


def arithmetic(threads: int, dtype: type) -> float:
    """Multiply-adds a second of the mixer's own instructions on registers."""
    from concurrent.futures import ThreadPoolExecutor

    from benchmarks._registers import spin

    re, im = np.ones(1024, dtype), np.zeros(1024, dtype)
    rounds = 200_000
    spin(re, im, 10)
    with ThreadPoolExecutor(threads) as pool:
        spent = seconds(lambda: list(pool.map(lambda _: spin(re, im, rounds), range(threads))))
    # Three bits of eight vectors of amplitudes: two multiply-adds an amplitude and bit.
    lanes = spin(re, im, 1)
    return 2.0 * 3.0 * 8.0 * lanes * rounds * threads / spent


# -- the comparison -----------------------------------------------------------------------------


def measure(name: str, kind: str, n: int, threads: int) -> Measured:
    """Run one simulator; in a process of its own."""
    idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cost = Cost.of(INSTANCES[kind](n))
    if name.startswith("qopt"):
        measured = ours(cost, threads, "single" if name.endswith("single") else "double")
    else:
        run = {"qiskit-aer": aer, "lightning": lightning, "qulacs": qulacs, "qokit": qokit}[name]
        measured = run(cost, threads)
    measured.memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - idle) / 1024.0
    return measured


def in_a_process(name: str, kind: str, n: int, threads: int) -> Measured | str:
    """The same without what other simulators left behind; words where it cannot be run."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        try:
            return pool.submit(measure, name, kind, n, threads).result()
        except ImportError:
            return f"not installed: pip install {PEERS[name]}"


def main(arguments: Sequence[str] = ()) -> list[Table]:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks qaoa_simulation", description=__doc__
    )
    parser.add_argument("--qubits", type=int, nargs="+", default=[16, 20])
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--simulators", nargs="+", choices=ALL, default=ALL)
    options = parser.parse_args(arguments)
    table = Table(
        "Expectation and gradient of statevector simulators",
        [
            Column("instance", width=10), Column("n", "d", 3), Column("simulator", width=12),
            Column("forward", ".2f"), Column("ratio", ".1f"), Column("gradient", ".2f"),
            Column("forwards", ".2f"), Column("diagonal", ".2f"), Column("first", ".2f"),
            Column("MiB", ".0f"),
        ],
        notes=[
            f"seed {SEED}, p = {LAYERS}, {options.threads} threads; milliseconds, best of several",
            "ratio: qiskit-aer's time to this one's; first: the first energy, machine code on disk",
            "MiB: above the process without the simulator, libraries included",
        ],
    ).begin()
    wrong = [
        name for kind in INSTANCES for n in options.qubits
        for name in _compare(table, kind, n, options.threads, options.simulators)
    ]
    _limits(table, options.threads, max(options.qubits))
    if wrong:
        raise Failure(f"another expectation than double precision's: {', '.join(wrong)}")
    return [table]


def _compare(
    table: Table, kind: str, n: int, threads: int, simulators: Sequence[str]
) -> list[str]:
    """Add the rows of one instance; the simulators whose expectation is wrong."""
    found: dict[str, Measured | str] = {}
    for name in simulators:
        if n <= SLOWEST.get(name, 26):
            found[name] = in_a_process(name, kind, n, threads)
    reference, exact = found.get("qiskit-aer"), found.get("qopt double")
    strayed = []
    for name, one in found.items():
        if isinstance(one, str):
            table.add(kind, n, name, one, *[None] * 6)
            continue
        ratio = reference.forward / one.forward if isinstance(reference, Measured) else None
        if isinstance(exact, Measured):
            wrong = abs(one.value - exact.value) > 1e-3 * max(1.0, abs(exact.value))
            strayed += [f"{name} on {kind} {n}"] if wrong else []
        table.add(
            kind, n, name, _ms(one.forward), ratio, _ms(one.gradient),
            None if one.gradient is None else one.gradient / one.forward,
            _ms(one.diagonal), _ms(one.first), one.memory,
        )
    return strayed


def _limits(table: Table, threads: int, n: int) -> None:
    """What this machine could do at best."""
    speed = bandwidth(threads)
    table.find(f"adding arrays: {speed / 1e9:.1f} GB/s")
    for dtype, name in ((np.float32, "single"), (np.float64, "double")):
        rate = arithmetic(threads, dtype)
        size = np.dtype(dtype).itemsize
        work = 2.0 * n * LAYERS * 2.0**n / rate
        traffic = (4 * LAYERS + 5) * size * 2.0**n / speed
        table.find(
            f"{name}: {rate / 1e9:.0f} thousand million multiply-adds a second in registers; at "
            f"n = {n} the mixers alone take {1e3 * work:.2f} ms, one read and write of the "
            f"amplitudes a layer {1e3 * traffic:.2f} ms"
        )


def _ms(value: float | None) -> float | None:
    return None if value is None else 1e3 * value
