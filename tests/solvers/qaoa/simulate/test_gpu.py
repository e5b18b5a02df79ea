"""No device is needed: numpy, or numpy with what CuPy adds to it, makes the arrays."""

import importlib.util
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.errors import SizeError
from qopt.forms import Qubo
from qopt.solver import Budget, Progress
from qopt.solvers.qaoa import Qaoa
from qopt.solvers.qaoa.ansatz import Angles, Ansatz, Cost, TermAngles
from qopt.solvers.qaoa.objective import ConditionalValueAtRisk, Gibbs, Mean
from qopt.solvers.qaoa.simulate import (
    StateSimulator,
    check_size,
    draw,
    gpu,
    open_simulator,
    reference,
    statevector,
    warm_up,
)
from qopt.solvers.qaoa.simulate.gpu import GpuStatevector
from qopt.solvers.qaoa.simulate.statevector import Statevector

ANGLES = Angles((0.3, -0.2, 1.1), (0.4, 0.7, -2.6))
TOLERANCE = {"double": 1e-11, "single": 2e-5}


class Device(SimpleNamespace):
    """numpy as CuPy would be on a device of so many bytes."""

    def __init__(self, bytes_=2**30, devices=1):
        runtime = SimpleNamespace(
            getDeviceCount=lambda: devices,
            getDevice=lambda: 0,
            getDeviceProperties=lambda device: {"name": b"Imagined 1"},
            memGetInfo=lambda: (bytes_, 2 * bytes_),
        )
        super().__init__(
            cuda=SimpleNamespace(runtime=runtime),
            asnumpy=np.copy,
            get_default_memory_pool=lambda: SimpleNamespace(free_all_blocks=lambda: None),
        )

    def __getattr__(self, name):
        return getattr(np, name)


@pytest.fixture
def device(monkeypatch):
    """Makes this machine seem to have a device that is worthwhile from 3 qubits on."""

    def make(**keywords):
        module = Device(**keywords)
        monkeypatch.setitem(sys.modules, "cupy", module)
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
        monkeypatch.setattr(gpu, "_WORTHWHILE", 3)
        return module

    return make


@pytest.mark.parametrize("n", range(1, 11))
@pytest.mark.parametrize("precision", ["double", "single"])
def test_the_state_is_the_textbook_state(random_qubo, n, precision):
    cost = Cost.of(random_qubo(n, seed=n))
    simulator = GpuStatevector(cost, precision, np)
    expected, costs = reference.state(Ansatz(cost, ANGLES)), reference.diagonal(cost)
    tolerance = TOLERANCE[precision]
    np.testing.assert_allclose(simulator.diagonal, costs, atol=tolerance)
    state = simulator.state(ANGLES)
    assert state.dtype == (np.complex128 if precision == "double" else np.complex64)
    np.testing.assert_allclose(state, expected, atol=tolerance)
    probabilities = simulator.probabilities(ANGLES)
    assert probabilities.dtype == simulator.diagonal.dtype == np.float64
    np.testing.assert_allclose(probabilities, np.abs(expected) ** 2, atol=tolerance)
    mean = np.abs(expected) ** 2 @ costs
    assert simulator.expectation(ANGLES) == pytest.approx(mean, abs=10 * tolerance)
    assert simulator.expectation(Angles((), ())) == pytest.approx(costs.mean(), abs=10 * tolerance)


@pytest.mark.parametrize("n", [11, 16, 17])
def test_registers_of_several_blocks(random_qubo, n, monkeypatch):
    monkeypatch.setattr(gpu, "_SLAB", 2**10)  # more than one slab of costs
    cost = Cost.of(random_qubo(n))
    ours, other = GpuStatevector(cost, "double", np), Statevector(cost)
    np.testing.assert_allclose(ours.diagonal, other.diagonal, atol=1e-11)
    np.testing.assert_allclose(ours.state(ANGLES), other.state(ANGLES), atol=1e-12)
    value, gradient = ours.value_and_gradient(ANGLES, Mean())
    expected = other.value_and_gradient(ANGLES, Mean())
    assert value == pytest.approx(expected[0])
    np.testing.assert_allclose(gradient, expected[1], rtol=1e-9)


@pytest.mark.parametrize("objective", [Mean(), ConditionalValueAtRisk(0.3), Gibbs(0.4)])
@pytest.mark.parametrize("n", [1, 3, 6, 10])
@pytest.mark.parametrize("precision", ["double", "single"])
def test_gradients_are_the_slopes(random_qubo, objective, n, precision):
    cost = Cost.of(random_qubo(n))
    exact = GpuStatevector(cost, "double", np)
    value, gradient = GpuStatevector(cost, precision, np).value_and_gradient(ANGLES, objective)
    point, step = np.array(ANGLES.flat), 1e-6
    slopes = [
        (
            exact.value(Angles.split(point + step * axis), objective)
            - exact.value(Angles.split(point - step * axis), objective)
        )
        / (2.0 * step)
        for axis in np.eye(len(point))
    ]
    scale = max(1.0, np.abs(slopes).max())
    close = 1e-6 if precision == "double" else 1e-3
    assert value == pytest.approx(exact.value(ANGLES, objective), rel=close, abs=close)
    np.testing.assert_allclose(gradient, slopes, atol=close * scale)


@settings(max_examples=15, deadline=None)
@given(
    st.integers(2, 8), st.integers(0, 100),
    st.lists(st.tuples(st.floats(-4, 4), st.floats(-4, 4)), min_size=1, max_size=3),
)
def test_any_circuit_is_that_of_the_cpu(n, seed, layers):
    generator = np.random.default_rng(seed)
    cost = Cost.of(Qubo.from_matrix(np.triu(generator.integers(-3, 4, (n, n)))))
    gammas, betas = zip(*layers, strict=True)
    angles = Angles(gammas, betas)
    ours, other = GpuStatevector(cost, "double", Device()), Statevector(cost)
    np.testing.assert_allclose(ours.state(angles), other.state(angles), atol=1e-12)
    found, expected = (each.value_and_gradient(angles, Mean()) for each in (ours, other))
    assert found[0] == pytest.approx(expected[0], abs=1e-11)
    np.testing.assert_allclose(found[1], expected[1], atol=1e-9)


def test_it_knows_what_the_cpu_knows(random_qubo):
    cost = Cost.of(random_qubo(4))
    ours, other = GpuStatevector(cost, "double", np), Statevector(cost)
    assert isinstance(ours, StateSimulator)
    assert (ours.units, ours.usual, ours.known_layer) == (other.units, other.usual, cost)
    indices = np.array([1, 14])
    np.testing.assert_array_equal(ours.bits(indices), other.bits(indices))
    first = ours.state(ANGLES)
    ours.value_and_gradient(ANGLES, Mean())
    np.testing.assert_array_equal(ours.state(ANGLES), first)
    assert (ours.where, other.where) == ("cpu", "cpu")


def test_a_register_beyond_the_device_is_refused_with_the_memory_it_needs(monkeypatch):
    with pytest.raises(SizeError, match=r"GPU.*at most 13 qubits, the model has 14.*GiB"):
        gpu.check_size(14, "double", Device(2**20))
    gpu.check_size(13, "double", Device(2**20))
    gpu.check_size(14, "single", Device(2**20))
    monkeypatch.setattr(gpu, "free_memory", lambda: 2.0**60)
    with pytest.raises(SizeError, match="at most 30 qubits, the model has 31"):
        gpu.check_size(31, "single", Device(2**60))
    monkeypatch.setattr(gpu, "free_memory", lambda: 24.0 * 2**16)
    with pytest.raises(SizeError, match="at most 16 qubits"):
        gpu.check_size(17, "single", Device())


def test_without_cupy_the_cpu_is_taken(random_qubo, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(gpu, "_WORTHWHILE", 1)
    assert gpu.installed() is None
    assert isinstance(open_simulator(Ansatz(Cost.of(random_qubo(4)))), Statevector)


def broken():
    raise OSError("libcuda.so.1: cannot open shared object file")


@pytest.mark.parametrize("count", [lambda: 0, broken])
def test_cupy_without_a_device_is_not_taken(random_qubo, device, count):
    device().cuda.runtime.getDeviceCount = count
    assert gpu.installed() is None
    assert isinstance(open_simulator(Ansatz(Cost.of(random_qubo(4)))), Statevector)


def test_cupy_that_cannot_be_imported_is_not_taken(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert gpu.installed() is None


def test_a_device_takes_plain_ansaetze_that_are_large_and_fit(random_qubo, device):
    device(bytes_=72 * 2**5)
    ansaetze = {n: Ansatz(Cost.of(random_qubo(n))) for n in (2, 3, 5, 6)}
    found = {n: type(open_simulator(ansatz)) for n, ansatz in ansaetze.items()}
    assert found == {2: Statevector, 3: GpuStatevector, 5: GpuStatevector, 6: Statevector}
    plain = ansaetze[3]
    assert open_simulator(plain).where == "gpu: Imagined 1"
    for other in (replace(plain, tilts=np.ones(3)), plain.at(TermAngles.none(plain.cost))):
        assert open_simulator(other).where == "cpu"
    check_size(plain)
    shots = draw(plain.at(ANGLES), 50, seed=1)
    np.testing.assert_array_equal(
        shots, draw(Ansatz(plain.cost, ANGLES, tilts=np.full(3, np.pi / 2)), 50, seed=1)
    )


def test_sizes_are_those_of_the_device(random_qubo, device, monkeypatch):
    ansatz = Ansatz(Cost.of(random_qubo(7)))
    monkeypatch.setattr(statevector, "free_memory", lambda: 56.0 * 2**6)
    with pytest.raises(SizeError, match="at most 6 qubits"):
        check_size(ansatz)
    device()
    check_size(ansatz)
    assert isinstance(open_simulator(ansatz), GpuStatevector)


def test_left_out_the_module_is_cupy(random_qubo, device):
    device()
    assert GpuStatevector(Cost.of(random_qubo(3))).where == "gpu: Imagined 1"


def test_it_is_warmed_up(random_qubo, device, monkeypatch):
    module, made = device(), []
    monkeypatch.setattr(gpu, "GpuStatevector", lambda *given: made.append(given) or _Silent())
    warm_up(Ansatz(Cost.of(random_qubo(4))), "single")
    assert made[0][1:] == ("single", module)


class _Silent:
    def value_and_gradient(self, angles, objective):
        pass

    def probabilities(self, angles):
        pass


def test_the_record_tells_what_the_training_ran_on(random_qubo, device):
    def solve():
        return Qaoa(p=2, shots=100).solve(random_qubo(5), Budget(), 0, Progress())

    by_cpu = solve()
    assert by_cpu.details["simulator"] == "cpu"
    device()
    by_gpu = solve()
    assert by_gpu.details["simulator"] == "gpu: Imagined 1"
    np.testing.assert_allclose(by_gpu.details["gammas"], by_cpu.details["gammas"], rtol=1e-3)
