import numpy as np
import pytest

from qopt.errors import UsageError
from qopt.forms import Qubo
from qopt.solvers.qaoa.ansatz import Angles, Ansatz, Cost, TermAngles
from qopt.solvers.qaoa.simulate import reference


def bits_of(n):
    return (np.arange(2**n)[:, None] >> np.arange(n)) & 1


@pytest.mark.parametrize("n", [1, 2, 5])
def test_the_normalised_cost_gives_back_the_energies(random_qubo, n):
    model = random_qubo(n)
    cost = Cost.of(model)
    energies = cost.scale * reference.diagonal(cost) + cost.offset
    np.testing.assert_allclose(energies, model.energies(bits_of(n)), atol=1e-12)


def test_couplings_have_unit_root_mean_square_whatever_the_unit(random_qubo):
    model = random_qubo(6)
    cost = Cost.of(model)
    assert np.sqrt(np.mean(cost.ising.J**2)) == pytest.approx(1.0)
    for factor in (1e-200, 1e6):
        scaled = Cost.of(
            Qubo.from_arrays(model.linear * factor, model.row, model.col, model.value * factor)
        )
        np.testing.assert_allclose(scaled.ising.J, cost.ising.J)
        np.testing.assert_allclose(scaled.ising.h, cost.ising.h)
        assert scaled.scale == pytest.approx(cost.scale * factor)


def test_fields_are_normalised_where_there_are_no_couplings():
    cost = Cost.of(Qubo.from_arrays([6.0, 0.0, -6.0]))
    np.testing.assert_allclose(cost.ising.h, [-1.0, 0.0, 1.0])
    assert cost.scale == pytest.approx(3.0)


@pytest.mark.parametrize("coupling", [1e-250, -1e-13])
def test_couplings_that_are_rounding_errors_of_the_fields_set_no_unit(coupling):
    cost = Cost.of(Qubo.from_arrays([1.0, -3.0, 0.0], [0, 1], [1, 2], [coupling, coupling]))
    assert cost.scale == pytest.approx(np.sqrt(1.25), rel=0.2)
    assert np.isfinite([*cost.ising.h, *cost.ising.J, cost.spread]).all()


def test_a_constant_cost_keeps_its_unit():
    cost = Cost.of(Qubo.from_arrays([0.0, 0.0], offset=7.0))
    assert (cost.scale, cost.offset, cost.spread) == (1.0, 7.0, 1.0)


def test_the_offset_is_the_mean_over_all_bit_strings(random_qubo):
    model = random_qubo(5)
    assert Cost.of(model).offset == pytest.approx(model.energies(bits_of(5)).mean())


def test_angles_are_read_gammas_first():
    angles = Angles.split((0.1, 0.2, 0.3, 0.4))
    assert (angles.gammas, angles.betas) == ((0.1, 0.2), (0.3, 0.4))
    assert angles.flat == (0.1, 0.2, 0.3, 0.4)
    with pytest.raises(UsageError, match="got 3"):
        Angles.split((0.1, 0.2, 0.3))


def test_angles_of_terms_are_read_as_they_are_written():
    flat = np.arange(14.0)
    angles = TermAngles.split(flat, 2, 4, 3)
    assert angles.layers == 2
    np.testing.assert_array_equal(angles.gammas, [[0, 1, 2, 3], [4, 5, 6, 7]])
    np.testing.assert_array_equal(angles.betas, [[8, 9, 10], [11, 12, 13]])
    np.testing.assert_array_equal(angles.flat, flat)


def test_a_layers_angle_is_spread_over_its_terms():
    angles = TermAngles.spread(Angles((0.1, 0.2), (0.3, 0.4)), 3, 2)
    np.testing.assert_array_equal(angles.gammas, [[0.1] * 3, [0.2] * 3])
    np.testing.assert_array_equal(angles.betas, [[0.3] * 2, [0.4] * 2])


def test_wrong_numbers_of_angles_of_terms_are_refused():
    with pytest.raises(UsageError, match="2 layers of 4 terms and 3 qubits have 14 angles: got 13"):
        TermAngles.split(np.zeros(13), 2, 4, 3)
    with pytest.raises(UsageError, match=r"got \(2, 4\) and \(1, 3\)"):
        TermAngles(np.zeros((2, 4)), np.zeros((1, 3)))


def test_fields_of_zero_count_as_terms():
    assert Cost.of(Qubo.from_terms({("a", "b"): 1.0})).terms == 3


def test_as_many_gammas_as_betas():
    with pytest.raises(UsageError, match="got 1 and 2"):
        Angles((0.1,), (0.2, 0.3))


def test_mixers_within_groups_need_groups():
    with pytest.raises(UsageError, match=r"mixer=ring.*none"):
        Ansatz.of(Qubo.from_arrays([1.0, 2.0]), "ring")
