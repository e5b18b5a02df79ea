"""Circuits of Amazon Braket, for its local simulator."""

from typing import TYPE_CHECKING, Any

from .run import Probabilities, Stop, check_size, never, pieces, squared
from .walk import Gate, untouched, walk

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

COPIES = 5.0
MOST_QUBITS = 24

_COMPILED_FROM = 11
"""Qubits from which the simulator takes kernels that numba compiles when they are first run."""


def load() -> None:
    """Import the simulator, and put numba's settings back, which it changes for everybody."""
    import numba

    names = ("NUMBA_NUM_THREADS", "THREADING_LAYER")
    before = {name: getattr(numba.config, name) for name in names}
    import braket.default_simulator  # noqa: F401 - the import is what changes them

    for name, value in before.items():
        setattr(numba.config, name, value)


def convert(circuit: "QuantumCircuit") -> Any:
    """The ``braket.default_simulator.openqasm.circuit.Circuit`` of a circuit.

    It is what the local simulator makes of OpenQASM; the service takes the text of
    `openqasm.openqasm`. Qubits that no gate acts on get an identity: Braket would renumber the
    others. Its own order of bits begins with qubit 0 as the highest.

    Raises
    ------
    UsageError, UnsupportedError
        Where `walk` does.
    """
    load()
    from braket.default_simulator.gate_operations import Identity
    from braket.default_simulator.openqasm.circuit import Circuit

    gates = walk(circuit)
    idle = [Identity([i]) for i in untouched(gates, circuit.num_qubits)]
    return Circuit(idle + [operation(gate) for gate in gates])


def operation(gate: Gate) -> Any:
    """A gate as an operation of Braket's simulator, whose XY turns the other way."""
    from braket.default_simulator import gate_operations as gates

    if gate.name == "xx_plus_yy":
        return gates.XY(gate.qubits, -gate.angles[0])
    makers = {
        "h": gates.Hadamard, "x": gates.PauliX, "cx": gates.CX, "cz": gates.CZ,
        "rx": gates.RotX, "ry": gates.RotY, "rz": gates.RotZ, "rzz": gates.ZZ,
    }
    return makers[gate.name](gate.qubits, *gate.angles)


def probabilities(circuit: "QuantumCircuit", stop: Stop = never) -> Probabilities:
    """Probabilities of all basis states by Braket's local simulator, shape (2**n,).

    Raises
    ------
    SizeError
        Where the state does not fit; the simulator itself would go on for hours.
    UsageError, UnsupportedError
        Where `walk` does.
    StoppedError
        Where `stop` ends the simulation.
    """
    gates, qubits = walk(circuit), circuit.num_qubits
    check_size("Braket's local simulator", qubits, MOST_QUBITS, COPIES)
    load()
    from braket.default_simulator.state_vector_simulation import StateVectorSimulation

    simulation = StateVectorSimulation(qubits, 0, 1)
    for piece in pieces(gates, qubits, stop):
        simulation.evolve([operation(gate) for gate in piece])
    highest_first = simulation.state_vector.reshape([2] * qubits)
    return squared(highest_first.transpose(range(qubits)[::-1]).reshape(-1))


def warm_up(qubits: int) -> None:
    """Compile, or load from the cache, what a register of so many qubits needs."""
    from qiskit import QuantumCircuit
    from qiskit.circuit.library import XXPlusYYGate

    if qubits < _COMPILED_FROM:
        return
    circuit = QuantumCircuit(_COMPILED_FROM)
    circuit.h(0)
    circuit.x(0)
    for turn in (circuit.rx, circuit.ry, circuit.rz):
        turn(0.1, 0)
    circuit.cx(0, 1)
    circuit.cz(0, 1)
    circuit.rzz(0.1, 0, 1)
    circuit.append(XXPlusYYGate(0.1), [0, 1])
    probabilities(circuit)
