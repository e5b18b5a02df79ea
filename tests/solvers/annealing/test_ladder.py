"""The ladder of temperatures: exchanges keep the distribution, placing keeps the order."""

import numpy as np
import pytest

from qopt.solvers.annealing.ladder import STEP, Ladder


def test_exchanges_sample_the_joint_distribution() -> None:
    # Two replicas hold energies 0 and 1; their places must be taken as exp(-sum beta E) says.
    ladder = Ladder(2.0, 0.5, 2, 1)
    rng = np.random.default_rng(0)
    rounds, cold_is_low = 40_000, 0
    for _ in range(rounds):
        ladder.exchange(np.array([[0.0, 1.0]]), rng)
        cold_is_low += ladder.order[0, 1] == 0
    odds = np.exp(1.0 / 0.5 - 1.0 / 2.0)
    assert cold_is_low / rounds == pytest.approx(odds / (1.0 + odds), abs=0.02)


def test_every_replica_stands_somewhere() -> None:
    ladder = Ladder(3.0, 0.3, 7, 2)
    rng = np.random.default_rng(1)
    for _ in range(100):
        ladder.exchange(rng.normal(size=(2, 7)), rng)
    assert (np.sort(ladder.order, axis=1) == np.arange(7)).all()
    each = ladder.of_replicas(1)
    assert np.array_equal(each[ladder.order[1]], ladder.temperatures)
    assert ((ladder.acceptance >= 0.0) & (ladder.acceptance <= 1.0)).all()


@pytest.mark.parametrize("spread", [1.0, 1e4])
def test_placing_makes_exchanges_alike(spread: float) -> None:
    # Energies of a system whose heat capacity peaks: E = -spread tanh(2 beta).
    ladder = Ladder(5.0, 0.2, 12, 1)
    rng = np.random.default_rng(2)

    def energies() -> np.ndarray:
        return -spread * np.tanh(2.0 / ladder.temperatures)

    for _ in range(30):
        ladder.exchange(np.array([energies()])[:, np.argsort(ladder.order[0])], rng)
        ladder.adapt()
    assert (np.diff(ladder.temperatures) < 0.0).all()
    assert ladder.temperatures[-1] == pytest.approx(0.2)
    steps = np.sqrt(np.diff(1.0 / ladder.temperatures) * -np.diff(energies()))
    assert steps.max() <= 1.5 * STEP
    if spread == 1.0:  # short enough to be kept whole
        assert ladder.temperatures[0] == pytest.approx(5.0)
    else:
        assert ladder.temperatures[0] < 5.0


def test_nothing_to_learn_from_leaves_it_as_it_is() -> None:
    ladder = Ladder(1.0, 1.0, 4, 1)
    ladder.adapt()
    ladder.exchange(np.zeros((1, 4)), np.random.default_rng(0))
    ladder.adapt()
    assert ladder.temperatures == pytest.approx(np.ones(4))
