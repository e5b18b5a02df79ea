"""The values said to be proven are those of an enumeration here and now."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest

import qopt
import qopt.instances

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


@pytest.mark.parametrize("file", sorted(FOLDER.glob("sp500-*.toml")), ids=lambda f: f.stem)
def test_reference_is_the_optimum(file):
    problem = qopt.load(file)
    assert problem.reference.proven
    assert problem.reference.value == pytest.approx(optimum(problem), rel=1e-12)


def test_sectors_cover_the_prices():
    problem = qopt.load(FOLDER / "sp500-20.csv", select=5, sectors="sp500-20-sectors.csv",
                        sector_max_assets=1)
    assert sum(len(cap.members) for cap in problem.limits.caps) == 20
    assert {cap.assets for cap in problem.limits.caps} == {1}
