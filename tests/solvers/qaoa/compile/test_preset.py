import multiprocessing

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Measure, Parameter
from qiskit.circuit.library import CZGate, RZGate, SXGate, XGate
from qiskit.transpiler import InstructionProperties, Target

from qopt.errors import SizeError, UnsupportedError
from qopt.solvers.qaoa import compile as compiler


@pytest.fixture
def line():
    """Four qubits in a line; the coupling of 2 and 3 is dead, and so is qubit 0's sx gate."""
    target = Target(num_qubits=4)

    def properties(errors, duration):
        return {q: InstructionProperties(duration, error) for q, error in errors.items()}

    ones = {(0,): 0.5, (1,): 0.001, (2,): 0.002, (3,): 0.001}
    target.add_instruction(SXGate(), properties(ones, 30e-9))
    target.add_instruction(XGate(), properties({(q,): 0.001 for q in range(4)}, 30e-9))
    target.add_instruction(RZGate(Parameter("t")), properties({(q,): 0.0 for q in range(4)}, 0.0))
    target.add_instruction(
        CZGate(), properties({(0, 1): 0.01, (1, 2): 0.02, (2, 3): 1.0, (1, 3): 0.03}, 70e-9)
    )
    target.add_instruction(Measure(), properties({(q,): 0.1 for q in range(4)}, 1e-6))
    return target


def never():
    return False


def test_dead_couplings_are_left_out(line):
    usable = compiler.usable_target(line)
    assert set(usable["cz"]) == {(1, 2), (1, 3)}
    assert set(usable["sx"]) == set(line["sx"])
    assert compiler.largest_region(line) == 4
    assert compiler.largest_region(usable) == 3


def test_a_coupling_without_calibration_is_dead(line):
    line.update_instruction_properties("cz", (1, 2), InstructionProperties(70e-9, None))
    assert (1, 2) not in compiler.usable_target(line)["cz"]


def test_success_probability_of_a_circuit_worked_by_hand(line):
    circuit = QuantumCircuit(4, 2)
    circuit.sx(1)
    circuit.rz(0.3, 1)
    circuit.sx(2)
    circuit.cz(1, 2)
    circuit.barrier()
    circuit.measure([1, 2], [0, 1])
    assert compiler.success_probability(circuit, line) == pytest.approx(
        (1 - 0.001) * (1 - 0.002) * (1 - 0.02) * (1 - 0.1) ** 2
    )
    # sx beside sx, then cz, then readout; rz takes no time
    assert compiler.duration(circuit, line) == pytest.approx(30e-9 + 70e-9 + 1e-6)
    assert compiler.qubits_in_use(circuit) == (1, 2)
    assert compiler.free_gates(line) == ("rz",)


def test_a_dead_gate_leaves_no_hope(line):
    circuit = QuantumCircuit(4)
    circuit.cz(2, 3)
    assert compiler.success_probability(circuit, line) < 1e-15


def test_compilation_keeps_to_live_couplings_and_reports_the_best_seed(line):
    circuit = QuantumCircuit(3, 3)
    for i, j in ((0, 1), (1, 2), (0, 2)):
        circuit.rzz(0.3 + i, i, j)
    circuit.measure(range(3), range(3))
    usable = compiler.usable_target(line)
    routed = compiler.compile_circuit(
        [circuit], usable, level=3, seed=5, tries=3, most_qubits=4, over=never
    )
    used = {
        tuple(sorted(routed.circuit.find_bit(q).index for q in gate.qubits))
        for gate in routed.circuit.data
        if gate.operation.name == "cz"
    }
    assert used == {(1, 2), (1, 3)}
    seeds = np.random.default_rng(5).integers(2**31, size=3).tolist()
    assert routed.seed in seeds
    singles = [
        compiler.compile_circuit(
            [circuit], usable, level=3, seed=5, tries=count, most_qubits=4, over=never
        ).success_probability
        for count in (1, 2, 3)
    ]
    assert singles == sorted(singles)
    assert singles[-1] == routed.success_probability


def test_a_circuit_that_spills_over_the_limit_is_refused(line):
    circuit = QuantumCircuit(3, 3)
    circuit.measure(range(3), range(3))
    with pytest.raises(SizeError, match="at most 2 qubits, the model has 3"):
        compiler.compile_circuit(
            [circuit], line, level=1, seed=0, tries=2, most_qubits=2, over=never
        )


def test_what_the_compiler_cannot_do_is_unsupported(line):
    circuit = QuantumCircuit(5)
    for i in range(4):
        circuit.cz(i, i + 1)
    with pytest.raises(UnsupportedError, match="qiskit cannot compile"):
        compiler.compile_circuit(
            [circuit], line, level=1, seed=0, tries=1, most_qubits=9, over=never
        )


def test_restriction_keeps_gates_and_classical_bits():
    circuit = QuantumCircuit(6, 2, global_phase=0.5)
    circuit.cz(5, 2)
    circuit.barrier()
    circuit.measure(5, 0)
    circuit.measure(2, 1)
    small = compiler.restrict(circuit, (2, 5))
    assert small.num_qubits == 2
    assert small.global_phase == 0.5
    assert [
        (gate.operation.name, [small.find_bit(q).index for q in gate.qubits])
        for gate in small.data
    ] == [("cz", [1, 0]), ("measure", [1]), ("measure", [0])]
    assert [small.find_bit(small.data[i].clbits[0]).index for i in (1, 2)] == [0, 1]


def test_a_worker_forked_after_a_compilation_compiles_too(random_qubo, watch):
    from qopt.solvers.qaoa.ansatz import Angles, Ansatz, Cost
    from qopt.solvers.qaoa.devices import DeviceOptions, open_device

    ansatz = Ansatz(Cost.of(random_qubo(12)), Angles((0.3,), (0.4,)))
    device = open_device("aer:torino", DeviceOptions(tries=1))
    device.load()
    device.compile(ansatz, 0, watch)
    worker = multiprocessing.get_context("fork").Process(
        target=device.compile, args=(ansatz, 0, watch)
    )
    worker.start()
    worker.join(60.0)
    waiting = worker.is_alive()
    worker.kill()
    assert not waiting
    assert worker.exitcode == 0
