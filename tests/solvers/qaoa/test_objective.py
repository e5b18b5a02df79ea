import numpy as np
import pytest

from qopt.solvers.qaoa.objective import ConditionalValueAtRisk, Mean

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
