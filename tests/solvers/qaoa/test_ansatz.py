import numpy as np
import pytest

from qopt.errors import UsageError
from qopt.forms import Qubo
from qopt.solvers.qaoa.ansatz import Angles, Cost
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
