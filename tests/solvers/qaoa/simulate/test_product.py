import subprocess
import sys

import numpy as np
import pytest

from qopt.errors import SizeError, UsageError
from qopt.forms import Qubo
from qopt.solvers.qaoa.ansatz import Angles, Ansatz, Cost, TermAngles
from qopt.solvers.qaoa.objective import ConditionalValueAtRisk, Gibbs, Mean
from qopt.solvers.qaoa.simulate import product, reference, statevector
from qopt.solvers.qaoa.simulate.product import ProductStatevector
from qopt.solvers.qaoa.simulate.statevector import Statevector

LAYERS = Angles((0.3, -0.2, 1.1), (1.4, 3.7, -0.6))
"""Mixer angles of several quadrants, and more than a turn."""

TOLERANCE = {"double": 1e-12, "single": 5e-6}


def random_tilts(n, seed=0):
    """Of every quadrant: the rotations need not be those of a probability."""
    return np.random.default_rng(seed).uniform(-np.pi, np.pi, n)


def random_terms(cost, layers=2, seed=0):
    generator = np.random.default_rng(seed)
    return TermAngles(
        generator.normal(size=(layers, cost.terms)), generator.normal(size=(layers, cost.qubits))
    )


def of_kind(kind, cost):
    return LAYERS if kind == "layers" else random_terms(cost)


def at(angles, cost, flat):
    if isinstance(angles, Angles):
        return Angles.split(flat)
    return TermAngles.split(flat, angles.layers, cost.terms, cost.qubits)


# Up to 7 qubits a register is filled up with idle ones, from 13 on it is cut in two halves.
@pytest.mark.parametrize(
    ("n", "threads"), [*((n, 1) for n in range(1, 10)), (13, 1), (13, 2), (14, 2)]
)
@pytest.mark.parametrize("kind", ["layers", "terms"])
@pytest.mark.parametrize("precision", ["double", "single"])
def test_the_state_is_the_textbook_state(random_qubo, n, kind, precision, threads):
    cost, tilts = Cost.of(random_qubo(n, seed=n, density=0.8)), random_tilts(n, seed=n)
    angles = of_kind(kind, cost)
    simulator = ProductStatevector(cost, tilts, threads, precision)
    expected, costs = reference.product_state(cost, tilts, angles), reference.diagonal(cost)
    tolerance = TOLERANCE[precision]
    state = simulator.state(angles)
    np.testing.assert_allclose(state, expected, atol=tolerance)
    assert np.linalg.norm(state) == pytest.approx(1.0, abs=tolerance)
    probabilities = simulator.probabilities(angles)
    np.testing.assert_allclose(probabilities, np.abs(expected) ** 2, atol=tolerance)
    mean = np.abs(expected) ** 2 @ costs
    assert simulator.expectation(angles) == pytest.approx(mean, abs=20 * tolerance)
    np.testing.assert_allclose(simulator.diagonal, costs, atol=10 * tolerance)


@pytest.mark.parametrize("n", [5, 13, 14, 15])
def test_level_tilts_are_the_transverse_field_mixer(random_qubo, n):
    cost = Cost.of(random_qubo(n))
    for tilts in (None, np.full(n, np.pi / 2.0)):
        simulator = ProductStatevector(cost, tilts)
        expected = Statevector(cost)
        np.testing.assert_allclose(simulator.state(LAYERS), expected.state(LAYERS), atol=1e-13)
        value, gradient = simulator.value_and_gradient(LAYERS, Mean())
        other, slopes = expected.value_and_gradient(LAYERS, Mean())
        assert value == pytest.approx(other, abs=1e-11)
        np.testing.assert_allclose(gradient, slopes, atol=1e-10)


def test_costs_of_whole_numbers_keep_the_phase(max_cut):
    cost = Cost.of(max_cut([(0, 1), (1, 2), (0, 2), (2, 3)], 4))
    tilts = random_tilts(4)
    np.testing.assert_allclose(
        ProductStatevector(cost, tilts).state(LAYERS),
        reference.product_state(cost, tilts, LAYERS), atol=1e-13,
    )


def test_the_reference_is_the_textbook_state_of_level_tilts(random_qubo):
    cost = Cost.of(random_qubo(4))
    np.testing.assert_allclose(
        reference.product_state(cost, np.full(4, np.pi / 2.0), LAYERS),
        reference.state(Ansatz(cost, LAYERS)), atol=1e-14,
    )


def test_the_start_has_the_wanted_probabilities():
    shares = np.array([0.0, 0.2, 0.5, 1.0])
    cost = Cost.of(Qubo.from_arrays(np.ones(4)))
    start = ProductStatevector(cost, 2.0 * np.arcsin(np.sqrt(shares)))
    probabilities = start.probabilities(Angles((), ()))
    bits = statevector.to_bits(np.arange(16), 4)
    np.testing.assert_allclose(probabilities @ bits, shares, atol=1e-15)


def test_the_mixer_keeps_the_start(random_qubo):
    tilts = random_tilts(5)
    simulator = ProductStatevector(Cost.of(random_qubo(5)), tilts)
    start = simulator.state(Angles((), ()))
    mixed = simulator.state(Angles((0.0,), (0.7,)))
    np.testing.assert_allclose(mixed, np.exp(-5j * 0.7) * start, atol=1e-14)


@pytest.mark.parametrize("n", [3, 14])
def test_terms_that_share_their_layers_angle(random_qubo, n):
    cost = Cost.of(random_qubo(n))
    simulator = ProductStatevector(cost, random_tilts(n))
    terms = TermAngles.spread(LAYERS, cost.terms, n)
    np.testing.assert_allclose(simulator.state(terms), simulator.state(LAYERS), atol=1e-13)
    value, gradient = simulator.value_and_gradient(LAYERS, Mean())
    other, slopes = simulator.value_and_gradient(terms, Mean())
    assert other == pytest.approx(value, abs=1e-11)
    parts = at(terms, cost, slopes)
    sums = np.concatenate([parts.gammas.sum(axis=1), parts.betas.sum(axis=1)])
    np.testing.assert_allclose(sums, gradient, atol=1e-10)


@pytest.mark.parametrize("objective", [Mean(), ConditionalValueAtRisk(0.3), Gibbs(0.4)])
@pytest.mark.parametrize("n", [1, 3, 9, 13, 14])
@pytest.mark.parametrize("kind", ["layers", "terms"])
def test_gradients_are_the_slopes(random_qubo, objective, n, kind):
    cost, tilts = Cost.of(random_qubo(n)), random_tilts(n)
    angles = of_kind(kind, cost)
    simulator = ProductStatevector(cost, tilts, threads=2)
    value, gradient = simulator.value_and_gradient(angles, objective)
    assert value == pytest.approx(simulator.value(angles, objective))
    point, step = np.array(angles.flat), 1e-6
    assert gradient.shape == point.shape
    # Of many angles some, the first and last among them.
    some = np.unique(np.linspace(0, len(point) - 1, 24).astype(int))
    slopes = [
        (
            simulator.value(at(angles, cost, point + step * axis), objective)
            - simulator.value(at(angles, cost, point - step * axis), objective)
        )
        / (2.0 * step)
        for axis in np.eye(len(point))[some]
    ]
    scale = max(1.0, np.abs(slopes).max())
    np.testing.assert_allclose(gradient[some], slopes, atol=1e-6 * scale)
    coarse = ProductStatevector(cost, tilts, precision="single")
    value_of_coarse, coarse_gradient = coarse.value_and_gradient(angles, objective)
    assert value_of_coarse == pytest.approx(value, rel=1e-4, abs=1e-4)
    np.testing.assert_allclose(coarse_gradient, gradient, atol=1e-3 * scale)


def test_threads_change_nothing(random_qubo):
    cost = Cost.of(random_qubo(15))
    one, two = (ProductStatevector(cost, random_tilts(15), threads) for threads in (1, 2))
    for angles in (LAYERS, random_terms(cost)):
        np.testing.assert_array_equal(one.state(angles), two.state(angles))
        value, gradient = one.value_and_gradient(angles, Mean())
        again = two.value_and_gradient(angles, Mean())
        assert again[0] == pytest.approx(value, abs=1e-12)
        np.testing.assert_allclose(again[1], gradient, atol=1e-11)


def test_one_simulator_serves_many_angles(random_qubo):
    cost = Cost.of(random_qubo(13))
    simulator = ProductStatevector(cost, random_tilts(13))
    first = simulator.state(LAYERS)
    simulator.value_and_gradient(random_terms(cost), Gibbs(0.4))
    np.testing.assert_array_equal(simulator.state(LAYERS), first)


def test_warming_up_compiles_all_that_runs():
    # In a process of its own: other tests compile the same.
    code = """
import numpy as np
from qopt.forms import Qubo
from qopt.solvers.qaoa.ansatz import Angles, Cost, TermAngles
from qopt.solvers.qaoa.objective import Mean
from qopt.solvers.qaoa.simulate import product

def signatures():
    kernels, product_kernels = simulator._common, simulator._kernels
    return [
        len(kernel.signatures) for module in (kernels, product_kernels)
        for kernel in vars(module).values() if hasattr(kernel, "signatures")
    ]

cost = Cost.of(Qubo.from_arrays(np.linspace(0.1, 1.0, 14) ** 2, [0, 3], [1, 9], [1.0, -0.7]))
product.warm_up(cost, "single")
simulator = product.ProductStatevector(cost, np.linspace(0.0, 3.0, 14), 2, "single")
before, angles = signatures(), Angles((0.1, 0.2), (0.3, 0.4))
for each in (angles, TermAngles.spread(angles, cost.terms, 14)):
    simulator.value_and_gradient(each, Mean())
    simulator.probabilities(each)
print(sum(before) > 0, signatures() == before)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["True", "True"]


def test_wrong_tilts_and_angles_are_refused(random_qubo):
    cost = Cost.of(random_qubo(3))
    with pytest.raises(UsageError, match=r"one finite number a qubit, here 3: got shape \(2,\)"):
        ProductStatevector(cost, np.zeros(2))
    with pytest.raises(UsageError, match="not finite"):
        ProductStatevector(cost, np.array([0.0, np.nan, 1.0]))
    with pytest.raises(UsageError, match="takes 6 gammas and 3 betas a layer: got 6 and 2"):
        ProductStatevector(cost).state(TermAngles(np.zeros((1, 6)), np.zeros((1, 2))))


def test_a_register_that_does_not_fit_is_refused(monkeypatch):
    # 2**14 amplitudes of 56 bytes fit without the 8 that phases take.
    monkeypatch.setattr(statevector, "free_memory", lambda: 63.0 * 2**14)
    with pytest.raises(SizeError, match=r"at most 13 qubits, the model has 14.*GiB"):
        ProductStatevector(Cost.of(Qubo.from_arrays(np.ones(14))))
    statevector.check_size(14)
    assert product.ProductStatevector(Cost.of(Qubo.from_arrays(np.ones(3)))).qubits == 3
