"""Compiled circuits do what the logical ones do, whichever way they came onto the device."""

import numpy as np
import pytest
from qiskit.circuit import Parameter

from qopt.errors import SizeError, SolverError
from qopt.forms import Group, Qubo
from qopt.solvers.qaoa.ansatz import Angles, Ansatz, Cost
from qopt.solvers.qaoa.circuit import build_circuit
from qopt.solvers.qaoa.compile import CompileOptions, compile_ansatz, compiler, success
from qopt.solvers.qaoa.compile.equivalence import check_circuit, measured_probabilities
from qopt.solvers.qaoa.compile.physical import qubits_in_use, restrict
from qopt.solvers.qaoa.compile.success import idle_loss


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    compiler.forget()


def never() -> bool:
    return False


def options(way: str = "auto", **more: object) -> CompileOptions:
    return CompileOptions(**{"way": way, "level": 1, "tries": 1, "seed": 5, **more})


def difference(circuit, ansatz) -> float:
    found = measured_probabilities(restrict(circuit, qubits_in_use(circuit)))
    return float(np.abs(found - measured_probabilities(build_circuit(ansatz))).max())


@pytest.mark.parametrize("way", ["routes", "line", "qiskit", "auto"])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_every_way_gives_the_same_distribution(random_qubo, hexagon, way, layers) -> None:
    generator = np.random.default_rng(layers)
    angles = Angles(tuple(generator.normal(size=layers)), tuple(generator.normal(size=layers)))
    for density in (0.4, 1.0):
        ansatz = Ansatz(Cost.of(random_qubo(6, 1, density)), angles)
        routed = compile_ansatz(ansatz, hexagon, options(way), never)
        assert difference(routed.circuit, ansatz) < 1e-10
        assert all(
            tuple(routed.circuit.find_bit(q).index for q in gate.qubits) in hexagon["cz"]
            for gate in routed.circuit.data
            if gate.operation.name == "cz"
        )
        assert routed.success_probability == success(routed.circuit, hexagon).total


def test_tilted_starts_are_routed_as_well(random_qubo, line_of_six) -> None:
    tilts = np.linspace(0.3, 2.5, 5)
    ansatz = Ansatz(Cost.of(random_qubo(5)), Angles((0.4,), (0.7,)), tilts=tilts)
    routed = compile_ansatz(ansatz, line_of_six, options("routes"), never)
    assert routed.method == "commuting routes"
    assert difference(routed.circuit, ansatz) < 1e-10


def test_mixers_within_groups_are_left_to_qiskit(hexagon) -> None:
    model = Qubo.from_arrays(np.arange(4.0), [0, 1], [2, 3], [1.0, -2.0], groups=[
        Group((0, 1, 2, 3), 2)
    ])
    ansatz = Ansatz.of(model, "ring").at(Angles((0.4,), (0.7,)))
    routed = compile_ansatz(ansatz, hexagon, options(), never)
    assert routed.method == "qiskit, level 1"
    assert difference(routed.circuit, ansatz) < 1e-10


def test_a_structure_is_routed_once_and_bound_to_any_angles(
    random_qubo, hexagon, monkeypatch
) -> None:
    def ansatz(seed: int, angle: float) -> Ansatz:
        return Ansatz(Cost.of(random_qubo(6, seed)), Angles((angle,), (0.2,)))

    first = compile_ansatz(ansatz(1, 0.3), hexagon, options("routes"), never)
    monkeypatch.setattr(compiler, "_candidates", None)  # no other search
    second = compile_ansatz(ansatz(2, 0.9), hexagon, options("routes"), never)
    assert second.qubits == first.qubits
    assert difference(second.circuit, ansatz(2, 0.9)) < 1e-10
    with pytest.raises(TypeError):
        compile_ansatz(ansatz(2, 0.9), hexagon, options("routes", seed=6), never)


def test_parameters_are_bound_later(random_qubo, hexagon) -> None:
    cost = Cost.of(random_qubo(5))
    names = [Parameter(name) for name in ("g0", "g1", "b0", "b1")]
    template = compile_ansatz(
        Ansatz(cost, Angles(tuple(names[:2]), tuple(names[2:]))), hexagon, options(), never
    )
    values = [0.3, -0.8, 0.5, 1.1]
    bound = template.circuit.assign_parameters(dict(zip(names, values, strict=True)))
    ansatz = Ansatz(cost, Angles(tuple(values[:2]), tuple(values[2:])))
    assert difference(bound, ansatz) < 1e-10


def test_one_seed_gives_one_circuit(random_qubo, hexagon) -> None:
    ansatz = Ansatz(Cost.of(random_qubo(7, 3, 0.6)), Angles((0.3,), (0.4,)))
    found = []
    for _ in range(2):
        compiler.forget()
        found.append(compile_ansatz(ansatz, hexagon, options(), never).circuit)
    assert found[0] == found[1]


def test_what_an_end_cut_short_is_not_remembered(random_qubo, hexagon) -> None:
    ansatz = Ansatz(Cost.of(random_qubo(6)), Angles((0.3,), (0.4,)))
    compile_ansatz(ansatz, hexagon, options(), lambda: True)
    assert not compiler._CHOICES


def test_a_bound_on_the_qubits_is_kept(random_qubo, hexagon) -> None:
    ansatz = Ansatz(Cost.of(random_qubo(6, 2, 0.7)), Angles((0.3,), (0.4,)))
    routed = compile_ansatz(ansatz, hexagon, options(most_qubits=7), never)
    assert len(routed.qubits) <= 7
    with pytest.raises(SizeError, match="qubits"):
        compile_ansatz(ansatz, hexagon, options(most_qubits=5), never)


def test_models_without_couplings_need_no_routing(hexagon) -> None:
    ansatz = Ansatz(Cost.of(Qubo.from_arrays([1.0, -2.0])), Angles((0.3,), (0.4,)))
    routed = compile_ansatz(ansatz, hexagon, options(), never)
    assert routed.circuit.num_nonlocal_gates() == 0
    assert difference(routed.circuit, ansatz) < 1e-10


def test_a_wrong_circuit_is_not_handed_out(random_qubo, hexagon) -> None:
    ansatz = Ansatz(Cost.of(random_qubo(4)), Angles((0.3,), (0.4,)))
    routed = compile_ansatz(ansatz, hexagon, options(), never)
    assert check_circuit(routed.circuit, ansatz)
    with pytest.raises(SolverError, match="differs from its logical one"):
        check_circuit(routed.circuit, ansatz.at(Angles((0.31,), (0.4,))))


def test_success_and_its_parts_worked_by_hand(line_of_six) -> None:
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(6, 2)
    circuit.sx(0)
    circuit.cz(0, 1)
    for _ in range(3):
        circuit.sx(1)
    circuit.measure([0, 1], [0, 1])
    found = success(circuit, line_of_six)
    assert found.gates == pytest.approx((1 - 2e-4) ** 4 * (1 - 0.004))
    assert found.readout == pytest.approx((1 - 0.01) * (1 - 0.011))
    waits = 90e-9  # qubit 0, while the other one turns
    kept = 0.5 + np.exp(-waits / 2e-4) / 6 + np.exp(-waits / 1e-4) / 3
    assert found.idle == pytest.approx(kept)
    assert found.total == pytest.approx(found.gates * found.readout * found.idle)


def test_waiting_costs_nothing_where_its_times_are_unknown() -> None:
    assert idle_loss(1e-3, None, None) == 0.0
    assert idle_loss(1e9, 1e-4, 1e-4) == pytest.approx(0.5)
    assert idle_loss(1e-5, 1e-4, 5e-4) == idle_loss(1e-5, 1e-4, 2e-4)  # no T2 above twice T1


def test_machine_code_is_there_when_a_device_is_loaded(random_qubo, watch) -> None:
    from qopt.solvers.qaoa.compile import routing_kernels
    from qopt.solvers.qaoa.devices import DeviceOptions, open_device

    device = open_device("aer:manila", DeviceOptions(tries=1))
    device.load()
    kernels = (routing_kernels.anneal_placement, routing_kernels.route)
    before = [len(kernel.signatures) for kernel in kernels]
    assert min(before) > 0
    device.compile(Ansatz(Cost.of(random_qubo(4, 0, 0.5)), Angles((0.3,), (0.4,))), 0, watch)
    assert [len(kernel.signatures) for kernel in kernels] == before
