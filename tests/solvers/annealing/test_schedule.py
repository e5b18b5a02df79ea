"""Temperatures and pace."""

import numpy as np
import pytest

from qopt.solver import Clock
from qopt.solvers.annealing.schedule import (
    COLD_ACCEPTANCE,
    DESCENT,
    HOT_ACCEPTANCE,
    REHEAT,
    Cooling,
    Sweeps,
    Until,
    cooling_range,
    thermodynamic_steps,
)


@pytest.mark.parametrize("shape", ["geometric", "linear"])
def test_cooling_goes_from_hot_to_cold(shape: str) -> None:
    cooling = Cooling(8.0, 0.5, shape)  # type: ignore[arg-type]
    temperatures = cooling.at(np.linspace(0, 1, 5))
    assert temperatures[0] == pytest.approx(8.0)
    assert temperatures[-1] == pytest.approx(0.5)
    betas = 1.0 / temperatures
    steps = np.diff(betas) if shape == "linear" else np.diff(np.log(betas))
    np.testing.assert_allclose(steps, steps[0])
    assert steps[0] > 0


def test_range_accepts_the_shares_it_promises() -> None:
    rng = np.random.default_rng(0)
    random, minimum = rng.normal(size=4000), np.abs(rng.normal(size=4000))
    hot, cold = cooling_range(random, minimum)
    uphill = random[random > 0]
    assert np.exp(-uphill / hot).mean() == pytest.approx(HOT_ACCEPTANCE, rel=1e-6)
    assert np.exp(-minimum / cold).mean() == pytest.approx(COLD_ACCEPTANCE, rel=1e-6)
    assert cold < hot


@pytest.mark.parametrize("unit", [1e-30, 1e-6, 1.0, 1e12, 1e30])
def test_range_scales_with_the_model(unit: float) -> None:
    changes = np.array([-3.0, -1.0, 0.0, 1.0, 2.0, 4.0])
    reference = cooling_range(changes, changes)
    scaled = cooling_range(changes * unit, changes * unit)
    np.testing.assert_allclose(scaled, np.array(reference) * unit)


def test_range_of_models_without_hills() -> None:
    assert cooling_range(np.zeros(5), np.zeros(5)) == (1.0, 1.0)
    assert cooling_range(np.array([-1.0]), np.array([-1.0])) == (1.0, 1.0)
    hot, cold = cooling_range(np.array([1.0, -1.0]), np.zeros(2))
    assert hot == cold > 0
    hot, cold = cooling_range(np.array([1.0, -1.0]), None)
    assert 0 < cold < hot


@pytest.mark.parametrize("total", [0, 1, 2, 3, 7, 8, 9, 100])
@pytest.mark.parametrize("slice_", [1, 3, 1000])
def test_fixed_pace_gives_every_sweep_once(total: int, slice_: int) -> None:
    cooling = Cooling(4.0, 1.0)
    slices = list(Sweeps(total, slice_).slices(cooling))
    temperatures = np.concatenate(slices)
    assert len(temperatures) == total
    assert all(len(part) <= max(slice_, DESCENT) for part in slices)
    walk = temperatures[temperatures > 0]
    assert (temperatures[len(walk):] == 0).all()
    assert (np.diff(walk) < 0).all()
    if total > 8:
        assert len(walk) == total - DESCENT
        assert walk[0] == pytest.approx(4.0)
        assert walk[-1] == pytest.approx(1.0)


class FakeClock(Clock):
    """A clock that someone else moves."""

    def __init__(self, limit: float) -> None:
        super().__init__(limit)
        self.now = 0.0

    @property
    def elapsed(self) -> float:
        return self.now


@pytest.mark.parametrize("guess", [0.2, 1.0, 5.0])
def test_timed_pace_ends_in_time_and_cold(guess: float) -> None:
    clock = FakeClock(10.0)
    sweep_seconds = 2e-4
    walk: list[float] = []
    for part in Until(clock, 10.0, guess * sweep_seconds).slices(Cooling(8.0, 0.5)):
        walk.extend(part)
        clock.now += len(part) * sweep_seconds
    assert clock.now == pytest.approx(10.0, rel=0.01)
    temperatures = np.array(walk)
    assert (temperatures[-DESCENT:] == 0).all()
    cooling = temperatures[:-DESCENT]
    assert (np.diff(cooling) <= 0).all()
    assert cooling[0] == pytest.approx(8.0)
    assert cooling[-1] == pytest.approx(0.5, rel=0.05)


def test_timed_pace_after_the_end_only_descends() -> None:
    clock = FakeClock(1.0)
    clock.now = 2.0
    slices = list(Until(clock, 1.0, 0.1).slices(Cooling(8.0, 0.5)))
    assert [part.tolist() for part in slices] == [[0.0] * DESCENT]


def test_thermodynamic_speed_is_constant() -> None:
    # Heat capacity as in a two-level system: s**2 = p (1 - p) with p = 1 / (1 + exp(b)).
    temperatures = np.geomspace(5.0, 0.2, 200)
    beta = 1.0 / temperatures
    share = 1.0 / (1.0 + np.exp(beta))
    steps = thermodynamic_steps(temperatures, share, np.ones(200))
    cooling = Cooling(5.0, 0.2, "adaptive", steps)
    way = cooling.at(np.linspace(0.0, 1.0, 51))
    assert way[0] == pytest.approx(5.0)
    assert way[-1] == pytest.approx(0.2)
    middle = 2.0 / (1.0 / way[1:] + 1.0 / way[:-1])
    p = 1.0 / (1.0 + np.exp((1.0 / way[1:] + 1.0 / way[:-1]) / 2.0))
    lengths = np.sqrt(p * (1.0 - p)) * np.diff(1.0 / way)
    np.testing.assert_allclose(lengths, lengths.mean(), rtol=0.1)
    assert np.diff(middle).max() < 0.0


def test_slow_temperatures_get_more_sweeps() -> None:
    temperatures = np.geomspace(8.0, 1.0, 24)
    energies = np.linspace(0.0, -100.0, 24)
    fast = thermodynamic_steps(temperatures, energies, np.full(24, 0.5))
    slow = thermodynamic_steps(temperatures, energies, np.where(temperatures < 2.0, 0.005, 0.5))
    cold = np.linspace(0.5, 1.0, 9)
    assert (Cooling(8.0, 1.0, "adaptive", slow).at(cold)[:-1]
            < Cooling(8.0, 1.0, "adaptive", fast).at(cold)[:-1]).all()


def test_what_cannot_be_measured_gives_no_steps() -> None:
    temperatures = np.geomspace(2.0, 1.0, 5)
    assert thermodynamic_steps(temperatures[:2], np.zeros(2), np.ones(2)) == ()
    assert thermodynamic_steps(temperatures, np.zeros(5), np.ones(5)) == ()
    assert thermodynamic_steps(temperatures, np.arange(5.0), np.ones(5)) == ()
    assert thermodynamic_steps(temperatures, np.full(5, np.inf), np.ones(5)) == ()
    plain = Cooling(4.0, 1.0, "adaptive").at(np.linspace(0, 1, 3))
    np.testing.assert_allclose(plain, [4.0, 2.0, 1.0])


@pytest.mark.parametrize("shape", ["geometric", "linear", "adaptive"])
def test_reheated_reads_take_the_colder_part(shape: str) -> None:
    steps = ((0.0, np.log(8.0)), (0.3, np.log(2.0)), (1.0, np.log(0.5)))
    cooling = Cooling(8.0, 0.5, shape, steps)  # type: ignore[arg-type]
    warm = cooling.reheated()
    np.testing.assert_allclose(warm.at(np.array([0.0, 1.0])), cooling.at(np.array([REHEAT, 1.0])))
