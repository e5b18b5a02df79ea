from math import comb

import numpy as np
import pytest

from qopt.errors import SizeError, UsageError
from qopt.forms import Group, Qubo
from qopt.solvers.qaoa.ansatz import Angles, Cost
from qopt.solvers.qaoa.objective import ConditionalValueAtRisk, Mean
from qopt.solvers.qaoa.simulate import reference, subspace
from qopt.solvers.qaoa.simulate.subspace import Subspace


def simulate(qubo, *args, **options):
    return Subspace(Cost.within_groups(qubo), qubo.groups, *args, **options)


def sizes(qubo):
    return qubo.num_variables, qubo.groups


MIXERS = ["ring", "complete", "johnson", "grover"]

ANGLES = Angles((0.3, -0.2, 1.1), (0.4, 3.7, -0.6))

TOLERANCE = {"double": 1e-11, "single": 2e-5}

# Variables, and the members and size of each group; members out of order, and free bits between.
SHAPES = {
    "one group": (6, [((0, 1, 2, 3, 4, 5), 2)]),
    "odd ring": (7, [((3, 1, 6, 0, 2, 4, 5), 3)]),
    "half of an even ring": (6, [((5, 3, 0, 1, 2, 4), 3)]),
    "more ones than zeros": (7, [((0, 4, 2, 3, 1, 6, 5), 5)]),
    "one-hot": (7, [((0, 2, 4), 1), ((6, 5, 1, 3), 1)]),
    "two members": (4, [((2, 0), 1), ((1, 3), 1)]),
    "several and free bits": (8, [((6, 1, 3), 2), ((0, 5, 2), 1)]),
    "free bits alone": (4, []),
    "none": (4, [((0, 2, 1), 0)]),
    "all": (5, [((3, 1, 2), 3), ((0, 4), 1)]),
    "single members": (4, [((1,), 1), ((2,), 0)]),
    "an empty group": (3, [((), 0)]),
    "one state": (3, [((0, 1), 2), ((2,), 0)]),
    "no variables": (0, []),
}


def grouped(n, groups, seed=3):
    generator = np.random.default_rng(seed)
    return Qubo.from_matrix(
        generator.normal(size=(n, n)), offset=1.5,
        groups=[Group(members, size) for members, size in groups],
    )


def one_group(n, k):
    return grouped(n, [(tuple(range(n)), k)])


def basis_states(simulator):
    """Little-endian index of every state of the space."""
    bits = simulator.bits(np.arange(simulator.size)).astype(np.int64)
    return bits @ (1 << np.arange(simulator.num_variables))


def all_costs(qubo, simulator):
    n = qubo.num_variables
    bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    return (qubo.energies(bits) - simulator.cost.offset) / simulator.cost.scale


@pytest.mark.parametrize("mixer", MIXERS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("precision", ["double", "single"])
def test_the_state_is_that_of_the_operators_on_all_bit_strings(mixer, shape, precision):
    qubo = grouped(*SHAPES[shape])
    simulator = simulate(qubo, mixer, precision=precision)
    expected = reference.subspace_state(qubo, mixer, ANGLES, all_costs(qubo, simulator))
    found = np.zeros(2**qubo.num_variables, dtype=complex)
    # What the operators carry out of the space would be missing here.
    found[basis_states(simulator)] = simulator.state(ANGLES)
    tolerance = TOLERANCE[precision]
    np.testing.assert_allclose(found, expected, atol=tolerance)
    probabilities = simulator.probabilities(ANGLES)
    np.testing.assert_allclose(
        probabilities, np.abs(expected[basis_states(simulator)]) ** 2, atol=tolerance
    )
    assert probabilities.sum() == pytest.approx(1.0, abs=10 * tolerance)
    assert simulator.expectation(ANGLES) == pytest.approx(
        probabilities @ simulator.diagonal, abs=10 * tolerance
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_the_states_are_the_bit_strings_that_keep_every_group(shape):
    qubo = grouped(*SHAPES[shape])
    simulator = simulate(qubo)
    bits = simulator.bits(np.arange(simulator.size))
    assert bits.dtype == np.int8
    assert bits.shape == (simulator.size, qubo.num_variables)
    assert not qubo.group_violations(bits).any()
    np.testing.assert_array_equal(
        np.sort(basis_states(simulator)), np.flatnonzero(reference.keeps_groups(qubo))
    )


def test_the_first_group_counts_fastest_and_free_bits_slowest():
    simulator = simulate(grouped(4, [((3, 1, 2), 1)]))
    assert simulator.bits(np.array([0, 1, 2, 3])).tolist() == [
        [0, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 1],
    ]


def test_without_groups_the_order_is_that_of_the_statevector():
    np.testing.assert_array_equal(basis_states(simulate(grouped(5, []))), np.arange(32))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("factor", [1.0, 1e-200, 1e200])
def test_the_diagonal_is_the_normalised_energy(shape, factor):
    plain = grouped(*SHAPES[shape])
    qubo = Qubo.from_matrix(
        factor * plain.to_matrix(), offset=1.5 * factor, groups=plain.groups
    )
    simulator = simulate(qubo)
    energies = qubo.energies(simulator.bits(np.arange(simulator.size)))
    restored = [simulator.cost.energy(value) for value in simulator.diagonal]
    np.testing.assert_allclose(restored, energies, rtol=1e-11, atol=1e-11 * factor)
    assert simulator.cost.offset == pytest.approx(energies.mean(), abs=1e-11 * factor)
    if simulator.size > 1:
        spread = np.std(simulator.diagonal) / np.sqrt(np.log2(simulator.size))
        assert spread == pytest.approx(1.0)


@pytest.mark.parametrize("shape", ["one group", "several and free bits", "one-hot"])
def test_the_least_cost_is_the_optimum(shape):
    qubo = grouped(*SHAPES[shape])
    simulator = simulate(qubo)
    n = qubo.num_variables
    bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    kept = bits[qubo.group_violations(bits) == 0]
    least = simulator.bits(np.array([np.argmin(simulator.diagonal)]))
    np.testing.assert_array_equal(least[0], kept[np.argmin(qubo.energies(kept))])


def test_a_penalty_on_a_kept_group_changes_nothing():
    qubo = grouped(*SHAPES["several and free bits"])
    penalised = qubo.penalised(7.0).with_groups(qubo.groups)
    plain, other = simulate(qubo), simulate(penalised)
    np.testing.assert_allclose(other.diagonal, plain.diagonal, atol=1e-11)
    assert other.cost.scale == pytest.approx(plain.cost.scale)


def test_a_constant_cost_has_a_diagonal_of_zeros():
    # Every state has the same terms, but their sums round differently.
    matrix = np.diag([0.1] * 6 + [0.3] * 3) + 0.7 * np.triu(np.ones((9, 9)), 1)
    matrix[:6, 6:] = 0.37
    groups = [Group((0, 1, 2, 3, 4, 5), 3), Group((6, 7, 8), 1)]
    simulator = simulate(Qubo.from_matrix(matrix, groups=groups))
    assert simulator.cost.scale == 1.0
    assert simulator.cost.offset == pytest.approx(0.3 + 0.3 + 3 * 0.7 + 3 * 0.37)
    np.testing.assert_allclose(simulator.diagonal, 0.0, atol=1e-12)


@pytest.mark.parametrize("mixer", MIXERS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("objective", [Mean(), ConditionalValueAtRisk(0.35)])
def test_gradients_are_the_slopes(mixer, shape, objective):
    simulator = simulate(grouped(*SHAPES[shape]), mixer)
    value, gradient = simulator.value_and_gradient(ANGLES, objective)
    assert value == pytest.approx(simulator.value(ANGLES, objective))
    point, step = np.array(ANGLES.flat), 1e-6
    slopes = [
        (
            simulator.value(Angles.split(point + step * axis), objective)
            - simulator.value(Angles.split(point - step * axis), objective)
        )
        / (2.0 * step)
        for axis in np.eye(len(point))
    ]
    scale = max(1.0, np.abs(slopes).max())
    np.testing.assert_allclose(gradient, slopes, atol=1e-6 * scale)
    coarse = simulate(grouped(*SHAPES[shape]), mixer, precision="single")
    found = coarse.value_and_gradient(ANGLES, objective)
    assert found[0] == pytest.approx(value, rel=1e-4, abs=1e-4)
    np.testing.assert_allclose(found[1], gradient, atol=1e-3 * scale)


@pytest.mark.parametrize("mixer", MIXERS)
def test_one_simulator_serves_many_angles(mixer):
    simulator = simulate(grouped(*SHAPES["several and free bits"]), mixer)
    first = simulator.state(ANGLES)
    simulator.value_and_gradient(Angles((0.1,), (2.0,)), Mean())
    np.testing.assert_array_equal(simulator.state(ANGLES), first)


# One group, whose pairs the threads share; and several, whose tiles they share.
@pytest.mark.parametrize("shape", [
    (9, [(tuple(range(9)), 4)]),
    (12, [((0, 3, 5, 7, 8), 2), ((1, 2, 4), 1), ((9, 6), 1)]),
])
@pytest.mark.parametrize("mixer", MIXERS)
def test_threads_do_not_change_the_state(monkeypatch, mixer, shape):
    monkeypatch.setattr(subspace, "WORTH_THREADS", 1)
    qubo = grouped(*shape)
    one, three = (simulate(qubo, mixer, threads) for threads in (1, 3))
    np.testing.assert_allclose(three.state(ANGLES), one.state(ANGLES), atol=1e-14)
    value, gradient = one.value_and_gradient(ANGLES, Mean())
    again = three.value_and_gradient(ANGLES, Mean())
    assert again[0] == pytest.approx(value)
    np.testing.assert_allclose(again[1], gradient, atol=1e-12)


@pytest.mark.parametrize("mixer", MIXERS)
def test_tiles_cut_through_a_stride(monkeypatch, mixer):
    qubo = grouped(9, [((0, 2, 4, 6, 8), 2), ((1, 3, 5), 1)])
    whole = simulate(qubo, mixer)
    expected = whole.value_and_gradient(ANGLES, Mean())[1]
    monkeypatch.setattr(subspace, "_TILE", 1)
    tiled = simulate(qubo, mixer)
    np.testing.assert_array_equal(tiled.state(ANGLES), whole.state(ANGLES))
    np.testing.assert_allclose(tiled.value_and_gradient(ANGLES, Mean())[1], expected, atol=1e-12)


@pytest.mark.parametrize(("n", "k"), [(20, 5), (20, 10), (18, 14), (200, 1), (60, 59)])
def test_the_johnson_mixer_is_unitary_in_a_large_group(n, k):
    # The uniform state has the eigenvalue k (n - k).
    simulator = simulate(one_group(n, k), "johnson")
    assert simulator.size == comb(n, k)
    angles = Angles((0.0,) * 6, (0.9, -0.4, 2.2, 1.3, -5.0, 0.7))
    turned = simulator.state(angles) * np.sqrt(simulator.size)
    phase = np.exp(-1j * sum(angles.betas) * k * (n - k))
    np.testing.assert_allclose(turned, phase, atol=1e-10)
    generic = Angles((0.7,) * 6, angles.betas)
    assert simulator.probabilities(generic).sum() == pytest.approx(1.0, abs=1e-11)
    # Turning back and forth comes out where it began only if the mixer is unitary.
    forth = Angles((0.7, 0.0, 0.0), (0.9, 1.1, -2.0))
    alone = Angles((0.7,), (0.0,))
    np.testing.assert_allclose(simulator.state(forth), simulator.state(alone), atol=1e-11)
    coarse = simulate(one_group(n, k), "johnson", precision="single")
    assert np.linalg.norm(coarse.state(forth) - simulator.state(alone)) < 1e-5


def test_a_space_beyond_the_limit_is_refused_with_the_memory_it_needs():
    with pytest.raises(SizeError, match=r"QAOA subspace.*the model has 155117520;.*GiB") as error:
        simulate(one_group(30, 15))
    assert error.value.size == comb(30, 15)
    assert error.value.limit <= subspace.MOST_STATES
    with pytest.raises(SizeError, match="more memory than any machine has"):
        subspace.check_size(*sizes(one_group(200, 100)))


@pytest.mark.parametrize("mixer", MIXERS)
def test_a_space_beyond_the_free_memory_is_refused(monkeypatch, mixer):
    monkeypatch.setattr(subspace, "free_memory", lambda: 2.0**20)
    assert subspace.check_size(*sizes(one_group(12, 4)), mixer) == comb(12, 4)
    with pytest.raises(SizeError, match="GiB"):
        subspace.check_size(*sizes(one_group(20, 5)), mixer)


def test_single_precision_takes_less_memory(monkeypatch):
    limits = []
    monkeypatch.setattr(subspace, "free_memory", lambda: 2.0**20)
    for precision in ("double", "single"):
        with pytest.raises(SizeError) as error:
            subspace.check_size(*sizes(one_group(20, 5)), "grover", precision)
        limits.append(error.value.limit)
    assert limits[0] < limits[1]


def test_an_unknown_mixer_is_refused():
    with pytest.raises(UsageError, match="ring, complete, johnson, grover, got 'star'"):
        simulate(one_group(4, 2), "star")


@pytest.mark.parametrize("mixer", MIXERS)
@pytest.mark.parametrize("precision", ["double", "single"])
def test_nothing_is_compiled_after_warming_up(mixer, precision):
    from qopt.solvers.qaoa.simulate import subspace_kernels

    def compiled():
        loops = [loop for loop in vars(subspace_kernels).values() if hasattr(loop, "signatures")]
        return sum(len(loop.signatures) for loop in loops)

    subspace.warm_up(mixer, precision)
    before = compiled()
    simulator = simulate(grouped(*SHAPES["several and free bits"]), mixer, 1, precision)
    simulator.expectation(ANGLES)
    simulator.value_and_gradient(ANGLES, ConditionalValueAtRisk(0.5))
    assert before
    assert compiled() == before
