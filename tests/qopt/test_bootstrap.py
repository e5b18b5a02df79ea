"""The stationary bootstrap: its blocks, and how often its intervals hold what is true."""

import numpy as np
import pytest

from qopt.bootstrap import default_block, estimated, stationary_bootstrap
from qopt.errors import UsageError
from qopt.stats import holm


def test_blocks_are_runs_of_geometric_length_that_wrap():
    rng = np.random.default_rng(1)
    places = stationary_bootstrap(50, 5.0, 2000, rng)
    assert places.shape == (2000, 50)
    assert places.min() == 0
    assert places.max() == 49
    follows = (places[:, 1:] - places[:, :-1]) % 50 == 1
    # A new block begins with probability 1/5, and by chance where the old one goes on.
    assert follows.mean() == pytest.approx(0.8 + 0.2 / 50, abs=0.01)
    # Every place is as likely as any other, in the middle and at the ends.
    counts = np.bincount(places.ravel(), minlength=50) / 2000
    assert counts == pytest.approx(np.ones(50), abs=0.15)


def test_a_block_of_one_is_the_ordinary_bootstrap_and_lengths_are_checked():
    places = stationary_bootstrap(30, 1.0, 3000, np.random.default_rng(2))
    follows = (places[:, 1:] - places[:, :-1]) % 30 == 1
    assert follows.mean() == pytest.approx(1 / 30, abs=0.005)
    assert default_block(156) == 6.0
    assert default_block(27) == 3.0
    for block in (0.5, 31.0, np.nan):
        with pytest.raises(UsageError, match="between 1 and 30"):
            stationary_bootstrap(30, block, 1, np.random.default_rng(0))


def test_one_generator_gives_one_resample():
    first, second = (stationary_bootstrap(20, 3.0, 5, np.random.default_rng(9)) for _ in range(2))
    assert (first == second).all()


def test_interval_and_p_value_say_the_same():
    resampled = 1.0 + np.arange(-500, 501) / 1000.0
    found = estimated(1.0, resampled)
    assert found.low == pytest.approx(1.0 - 0.4765, abs=0.003)
    assert found.high == pytest.approx(2.0 - found.low)
    assert found.p_value == pytest.approx(1 / 1002)
    assert estimated(0.4, resampled - 0.6).p_value == pytest.approx(203 / 1002, abs=0.0015)
    rng = np.random.default_rng(3)
    for _ in range(200):
        value = rng.normal() * 2.0
        found = estimated(value, value + rng.normal(size=199))
        assert (found.low > 0.0 or found.high < 0.0) == (found.p_value <= 0.05)
    assert estimated(np.nan, resampled).p_value == 1.0
    assert estimated(0.0, np.zeros(99)).p_value == 1.0


def test_coverage_for_dependent_series():
    # Means of an autoregressive series: an interval that ignores the dependence covers 79 %.
    rng = np.random.default_rng(4)
    series, length, rho = 300, 200, 0.4
    x = np.zeros((series, length))
    shocks = rng.normal(size=(series, length))
    x[:, 0] = shocks[:, 0] / np.sqrt(1 - rho**2)
    for t in range(1, length):
        x[:, t] = rho * x[:, t - 1] + shocks[:, t]
    covered = {1.0: 0, 12.0: 0}
    for row in x:
        for block in covered:
            places = stationary_bootstrap(length, block, 199, rng)
            found = estimated(row.mean(), row[places].mean(axis=1))
            covered[block] += found.low <= 0.0 <= found.high
    assert 0.88 <= covered[12.0] / series <= 0.98
    assert covered[1.0] / series < 0.85


def test_coverage_for_the_difference_of_two_sharpe_ratios():
    rng = np.random.default_rng(5)
    covered = rejected = 0
    tests, length = 250, 150
    for _ in range(tests):
        common = rng.normal(size=length)
        pair = 0.1 + np.array([common + 0.5 * rng.normal(size=length) for _ in range(2)])
        ratios = pair.mean(axis=1) / pair.std(axis=1, ddof=1)
        drawn = pair[:, stationary_bootstrap(length, 5.0, 199, rng)]
        resampled = drawn.mean(axis=-1) / drawn.std(axis=-1, ddof=1)
        found = estimated(ratios[0] - ratios[1], resampled[0] - resampled[1])
        covered += found.low <= 0.0 <= found.high
        rejected += found.p_value <= 0.05
    assert covered / tests >= 0.9
    assert rejected / tests <= 0.1


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.6]) == [1.0, 1.0]
    assert holm([]) == []
    # The family-wise error of independent true hypotheses stays below the level.
    rng = np.random.default_rng(6)
    errors = sum(min(holm(rng.random(10).tolist())) < 0.05 for _ in range(2000))
    assert errors / 2000 == pytest.approx(0.05, abs=0.015)
