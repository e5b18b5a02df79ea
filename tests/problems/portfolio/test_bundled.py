"""The values said to be proven are those of an enumeration here and now, where that is quick."""

from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest

import qopt
import qopt.instances
from qopt.problems.portfolio.support import quick_portfolio

FOLDER = Path(qopt.instances.__file__).parent / "portfolio"


def optimum(problem):
    """Least objective of all lots within the limits, by plain loops over the definition."""
    limits = problem.limits
    ranges = [range(low, min(high, limits.total) + 1)
              for low, high in zip(limits.lower, limits.upper, strict=True)]
    best = np.inf
    for lots in _with_sum(ranges, limits.total):
        if any(sum(lots[i] for i in cap.members) > cap.lots for cap in limits.caps):
            continue
        w = np.array(lots) / limits.total
        value = problem.risk * w @ problem.moments.covariance @ w
        best = min(best, value - (1 - problem.risk) * problem.moments.mean @ w)
    return best


def _with_sum(ranges, total):
    if len(ranges) > 10:  # by halves, so that 20 assets do not take a million lists
        half = len(ranges) // 2
        right = {}
        for part in product(*ranges[half:]):
            right.setdefault(sum(part), []).append(part)
        for part in product(*ranges[:half]):
            for other in right.get(total - sum(part), ()):
                yield part + other
        return
    for part in product(*ranges):
        if sum(part) == total:
            yield part


@pytest.mark.parametrize("name", ["sp500-10-k4", "sp500-20-k5", "sp500-6-lots"])
def test_reference_is_the_optimum(name):
    problem = qopt.load(FOLDER / f"{name}.toml")
    assert problem.reference.proven
    assert problem.reference.value == pytest.approx(optimum(problem), rel=1e-12)


def test_sectors_cover_the_prices():
    problem = qopt.load(FOLDER / "sp500-20.csv", select=5, sectors="sp500-20-sectors.csv",
                        sector_max_assets=1)
    assert sum(len(cap.members) for cap in problem.limits.caps) == 20
    assert {cap.assets for cap in problem.limits.caps} == {1}


def sets_of_five(problem):
    """Weights of all sets of five, with their returns and variances."""
    sets = np.array(list(combinations(range(20), 5)))
    w = np.zeros((len(sets), 20))
    w[np.arange(len(sets))[:, None], sets] = 0.2
    return w, w @ problem.moments.mean, np.einsum("si,ij,sj->s", w, problem.moments.covariance, w)


def test_reference_with_turnover_is_the_optimum():
    problem = qopt.load(FOLDER / "sp500-20-turnover.toml")
    w, expected, variance = sets_of_five(problem)
    now = np.array([0.2 * (asset in ("AAPL", "AMD", "BAC", "XOM", "UNH"))
                    for asset in problem.assets])
    traded = np.abs(w - now).sum(axis=1)
    value = 0.9 * variance - 0.1 * (expected - 0.005 * traded)
    assert problem.reference.value == pytest.approx(value[traded <= 0.8 + 1e-9].min(), rel=1e-12)


def test_reference_of_the_sharpe_ratio_is_the_optimum():
    problem = qopt.load(FOLDER / "sp500-20-sharpe.toml")
    _, expected, variance = sets_of_five(problem)
    best = ((expected - 0.02) / np.sqrt(variance)).max()
    assert problem.reference.value == pytest.approx(best, rel=1e-12)


def test_reference_of_continuous_weights_is_reached():
    problem = qopt.load(FOLDER / "sp500-20-continuous.toml")
    score = problem.score(quick_portfolio(problem))
    assert score.feasible
    assert problem.reference.value == pytest.approx(score.objective, rel=1e-9)


def test_reference_of_the_factor_model_is_reached():
    problem = qopt.load(FOLDER / "factor-120-k10.toml")
    score = problem.score(quick_portfolio(problem))
    assert score.feasible
    assert problem.reference.value == pytest.approx(score.objective, rel=1e-9)
