import numpy as np
import pytest

from qopt.solvers.qaoa.objective import ConditionalValueAtRisk, Gibbs, Mean

PROBABILITIES = np.array([0.1, 0.2, 0.3, 0.4])
VALUES = np.array([5.0, 1.0, 3.0, 2.0])


def test_mean():
    value, tilted = Mean().evaluate(PROBABILITIES, VALUES)
    assert value == pytest.approx(0.5 + 0.2 + 0.9 + 0.8)
    assert tilted is VALUES


@pytest.mark.parametrize(
    ("alpha", "expected"),
    [
        (0.1, 1.0),  # within the best value's probability
        (0.2, 1.0),
        (0.4, (0.2 * 1 + 0.2 * 2) / 0.4),
        (0.7, (0.2 * 1 + 0.4 * 2 + 0.1 * 3) / 0.7),
        (1.0, 2.4),
    ],
)
def test_the_mean_of_the_lowest_part(alpha, expected):
    value, _ = ConditionalValueAtRisk(alpha).evaluate(PROBABILITIES, VALUES)
    assert value == pytest.approx(expected)


def test_one_object_serves_several_diagonals():
    objective = ConditionalValueAtRisk(0.2)
    assert objective.evaluate(PROBABILITIES, VALUES)[0] == pytest.approx(1.0)
    assert objective.evaluate(PROBABILITIES, -VALUES)[0] == pytest.approx(-4.0)


@pytest.mark.parametrize("eta", [1e-6, 0.5, 3.0])
def test_gibbs(eta):
    value, tilted = Gibbs(eta).evaluate(PROBABILITIES, VALUES)
    expected = -np.log(PROBABILITIES @ np.exp(-eta * VALUES)) / eta
    assert value == pytest.approx(expected, rel=1e-6)
    # The derivative by each probability is the tilted value.
    for k in range(4):
        moved = PROBABILITIES + 1e-7 * np.eye(4)[k]
        slope = (Gibbs(eta).evaluate(moved, VALUES)[0] - value) / 1e-7
        assert tilted[k] == pytest.approx(slope, rel=1e-3, abs=1e-3)


def test_gibbs_of_small_and_large_eta_is_the_mean_and_the_least_cost_that_occurs():
    assert Gibbs(1e-9).evaluate(PROBABILITIES, VALUES)[0] == pytest.approx(2.4, abs=1e-5)
    unlikely = np.array([0.5, 0.0, 0.25, 0.25])
    value, tilted = Gibbs(1e5).evaluate(unlikely, VALUES)
    assert value == pytest.approx(2.0, abs=1e-3)
    assert np.isfinite(tilted).all()


def test_one_objective_serves_several_costs():
    objective, probabilities = ConditionalValueAtRisk(0.5), np.full(4, 0.25)
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]):
        # A new array may lie where the one before lay.
        assert objective.evaluate(probabilities, np.array(order, dtype=float))[0] == 0.5
