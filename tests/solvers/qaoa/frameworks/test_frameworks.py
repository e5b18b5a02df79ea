"""The same circuit, the same probabilities: on every framework that is installed."""

import sys
from functools import partial
from importlib import import_module

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from optional import installed, reason
from qiskit import QuantumCircuit
from qiskit.circuit.library import XXPlusYYGate

from qopt.errors import SizeError, UnsupportedError, UsageError
from qopt.forms import Qubo
from qopt.solvers.qaoa.ansatz import Angles, Ansatz, Cost
from qopt.solvers.qaoa.circuit import build_circuit
from qopt.solvers.qaoa.frameworks import walk as walking
from qopt.solvers.qaoa.simulate import StoppedError

KINDS = ("ising", "tilted", "ring", "complete", "grover")
# The first example imports a framework, and a fixture gives the same function in all of them.
QUIET = [
    HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.differing_executors
]


def framework(name: str, module: str, **options):
    """The parameter of a framework; its tests are skipped where it is not installed."""
    skip = pytest.mark.skipif(not installed(module), reason=reason(module))
    return pytest.param(name, options, marks=skip, id="-".join([name, *options.values()]))


FRAMEWORKS = [
    framework("qulacs", "qulacs"),
    framework("cirq", "cirq"),
    framework("braket", "braket.default_simulator"),
    framework("pennylane", "pennylane", device="default.qubit"),
    framework("pennylane", "pennylane", device="lightning.qubit"),
]


def probabilities_of(name: str, options: dict):
    module = import_module(f"qopt.solvers.qaoa.frameworks.{name}")
    return partial(module.probabilities, **options)


def zoo() -> QuantumCircuit:
    """Gates that are translated first, a global phase, a barrier, and a qubit without a gate."""
    generator = np.random.default_rng(7)
    circuit = QuantumCircuit(5, 5, global_phase=0.3)
    circuit.h([0, 1, 2, 4])
    for i, j in ((0, 1), (4, 2), (1, 4), (2, 0)):
        a, b, c, d, e, f = generator.normal(0.0, 2.0, 6).tolist()
        circuit.u(a, b, c, i)
        circuit.p(d, j)
        circuit.rxx(a, i, j)
        circuit.ryy(b, j, i)
        circuit.barrier()
        circuit.cz(i, j)
        circuit.swap(i, j)
        circuit.ecr(j, i)
        circuit.crx(e, j, i)
        circuit.sx(j)
        circuit.append(XXPlusYYGate(c, f), [j, i])
        circuit.id(i)
    circuit.measure(range(5), [4, 0, 1, 2, 3])
    return circuit


@pytest.mark.parametrize(("name", "options"), FRAMEWORKS)
class TestProbabilities:
    @pytest.mark.parametrize("kind", KINDS)
    def test_are_those_of_qiskit(self, qaoa_circuits, exact, name, options, kind):
        circuit = qaoa_circuits(kind)
        found = probabilities_of(name, options)(circuit)
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, exact(circuit), rtol=0.0, atol=1e-12)

    @given(qubits=st.integers(1, 6), seed=st.integers(0, 2**32 - 1), layers=st.integers(0, 3))
    @settings(max_examples=5, deadline=None, suppress_health_check=QUIET)
    def test_of_random_models(self, exact, name, options, qubits, seed, layers):
        generator = np.random.default_rng(seed)
        row, col = np.triu_indices(qubits, 1)
        weights = generator.normal(size=len(row)) * (generator.random(len(row)) < 0.7)
        model = Qubo.from_arrays(generator.normal(size=qubits), row, col, weights)
        angles = Angles(*generator.normal(size=(2, layers)).tolist())
        circuit = build_circuit(Ansatz(Cost.of(model), angles))
        found = probabilities_of(name, options)(circuit)
        np.testing.assert_allclose(found, exact(circuit), rtol=0.0, atol=1e-12)

    def test_of_random_gates(self, exact, name, options):
        found = probabilities_of(name, options)(zoo())
        np.testing.assert_allclose(found, exact(zoo()), rtol=0.0, atol=1e-12)

    def test_of_huge_angles(self, qaoa_circuits, exact, name, options):
        circuit = qaoa_circuits("complete", Angles((1e6, -12345.678), (9.9e5, 1e9)))
        found = probabilities_of(name, options)(circuit)
        np.testing.assert_allclose(found, exact(circuit), rtol=0.0, atol=1e-12)

    def test_without_layers(self, qaoa_circuits, exact, name, options):
        circuit = qaoa_circuits("ring", Angles((), ()))
        found = probabilities_of(name, options)(circuit)
        np.testing.assert_allclose(found, exact(circuit), rtol=0.0, atol=1e-12)

    def test_of_qubits_that_no_gate_touches(self, name, options):
        probabilities = probabilities_of(name, options)
        np.testing.assert_array_equal(probabilities(QuantumCircuit(1)), [1.0, 0.0])
        circuit = QuantumCircuit(4)
        circuit.x(2)
        np.testing.assert_array_equal(probabilities(circuit), np.arange(16) == 4)

    def test_of_a_register_in_several_pieces(self, exact, name, options, monkeypatch):
        from qopt.solvers.qaoa.frameworks import run

        monkeypatch.setattr(run, "_AMPLITUDES_A_PIECE", 64)
        np.testing.assert_allclose(
            probabilities_of(name, options)(zoo()), exact(zoo()), rtol=0.0, atol=1e-12
        )

    def test_of_too_many_qubits_are_refused(self, name, options):
        for qubits in (30, 60, 1000):
            with pytest.raises(SizeError, match=rf"at most \d+ qubits, the circuit has {qubits}"):
                probabilities_of(name, options)(QuantumCircuit(qubits))

    def test_stop_where_they_are_told_to(self, name, options):
        with pytest.raises(StoppedError):
            probabilities_of(name, options)(zoo(), stop=lambda: True)


def test_braket_leaves_the_settings_of_numba_alone(monkeypatch):
    if not installed("braket.default_simulator"):
        pytest.skip(reason("braket.default_simulator"))
    import numba

    for name in [name for name in sys.modules if name.startswith("braket.default_simulator")]:
        monkeypatch.delitem(sys.modules, name)  # what changes them is the import
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 1)
    monkeypatch.setattr(numba.config, "THREADING_LAYER", "default")
    import_module("qopt.solvers.qaoa.frameworks.braket").load()
    assert "braket.default_simulator.linalg_utils" in sys.modules
    assert (numba.config.NUMBA_NUM_THREADS, numba.config.THREADING_LAYER) == (1, "default")


def test_the_compiled_kernels_of_braket_are_right_too(exact):
    if not installed("braket.default_simulator"):
        pytest.skip(reason("braket.default_simulator"))
    circuit = QuantumCircuit(12)
    circuit.compose(zoo().remove_final_measurements(inplace=False), [11, 3, 7, 0, 5], inplace=True)
    braket = import_module("qopt.solvers.qaoa.frameworks.braket")
    np.testing.assert_allclose(
        braket.probabilities(circuit), exact(circuit), rtol=0.0, atol=1e-12
    )


@pytest.mark.parametrize(("name", "options"), FRAMEWORKS[:-1])
class TestConvert:
    """What a framework makes of its own circuit, asked in its own way."""

    @pytest.mark.parametrize("kind", ["ising", "complete"])
    def test_gives_the_same_probabilities(self, qaoa_circuits, exact, name, options, kind):
        circuit = qaoa_circuits(kind)
        native = import_module(f"qopt.solvers.qaoa.frameworks.{name}").convert(circuit)
        found = globals()[f"native_{name}"](native, circuit.num_qubits)
        np.testing.assert_allclose(found, exact(circuit), rtol=0.0, atol=1e-12)

    def test_keeps_qubits_without_gates(self, name, options):
        circuit = QuantumCircuit(4)
        circuit.x(2)
        native = import_module(f"qopt.solvers.qaoa.frameworks.{name}").convert(circuit)
        found = globals()[f"native_{name}"](native, 4)
        np.testing.assert_array_equal(found, np.arange(16) == 4)


def native_qulacs(circuit, qubits):
    import qulacs

    assert circuit.get_qubit_count() == qubits
    state = qulacs.QuantumState(qubits)
    circuit.update_quantum_state(state)
    return np.abs(state.get_vector()) ** 2


def native_cirq(circuit, qubits):
    import cirq

    assert len(circuit.all_qubits()) == qubits
    result = cirq.Simulator(dtype=np.complex128).simulate(
        circuit, qubit_order=cirq.LineQubit.range(qubits)[::-1]
    )
    return np.abs(result.final_state_vector) ** 2


def native_braket(circuit, qubits):
    from braket.default_simulator.state_vector_simulation import StateVectorSimulation

    assert circuit.qubit_set == set(range(qubits))
    simulation = StateVectorSimulation(qubits, 0, 1)
    simulation.evolve(circuit.instructions)
    return reversed_bits(simulation.probabilities)


def native_pennylane(script, qubits):
    import pennylane

    whole = pennylane.tape.QuantumScript(
        script.operations, [pennylane.probs(wires=list(range(qubits))[::-1])]
    )
    return pennylane.execute([whole], pennylane.device("default.qubit", wires=qubits))[0]


def reversed_bits(values):
    qubits = len(values).bit_length() - 1
    return np.asarray(values).reshape([2] * qubits).transpose(range(qubits)[::-1]).ravel()


class TestWalk:
    def test_gives_the_gates_as_they_are(self, qaoa_circuits):
        for kind in KINDS:
            circuit = qaoa_circuits(kind)
            gates = walking.walk(circuit)
            assert {gate.name for gate in gates} <= set(walking.GATES)
            ops = {name: n for name, n in circuit.count_ops().items() if name != "measure"}
            assert sum(ops.values()) == len(gates)

    def test_reduces_angles_to_those_of_the_same_gate(self):
        from qiskit.quantum_info import Operator

        circuit = QuantumCircuit(1)
        circuit.rx(1e6, 0)
        ((_, (angle,), _),) = walking.walk(circuit)
        assert abs(angle) <= 4.0 * np.pi
        again = QuantumCircuit(1)
        again.rx(angle, 0)
        np.testing.assert_allclose(Operator(again).data, Operator(circuit).data, atol=1e-15)

    def test_reads_where_qubits_are_measured(self):
        assert walking.readout(zoo()) == [(0, 4), (1, 0), (2, 1), (3, 2), (4, 3)]
        assert walking.readout(QuantumCircuit(2)) == []

    def test_refuses_what_is_no_circuit_of_gates(self):
        from qiskit.circuit import Parameter

        free = QuantumCircuit(1)
        free.rx(Parameter("t"), 0)
        with pytest.raises(UsageError, match=r"free parameters \(t\)"):
            walking.walk(free)
        with pytest.raises(UsageError, match="without qubits"):
            walking.walk(QuantumCircuit())
        nan = QuantumCircuit(1)
        nan.rx(float("nan"), 0)
        with pytest.raises(UsageError, match="finite, got nan"):
            walking.walk(nan)
        reset = QuantumCircuit(1)
        reset.reset(0)
        with pytest.raises(UnsupportedError, match="'reset' is no gate"):
            walking.walk(reset)
        early = QuantumCircuit(1, 1)
        early.measure(0, 0)
        early.x(0)
        with pytest.raises(UnsupportedError, match="'x' follows a measurement"):
            walking.walk(early)
