"""The best line against all lines."""

from itertools import pairwise, permutations

import numpy as np
import pytest

from qopt.solvers.qaoa.compile.lines import best_line
from qopt.solvers.qaoa.compile.target import Couplings

from .conftest import HEXAGON, device


def price(couplings: Couplings, line: list[int]) -> float:
    gates = [couplings.number[min(a, b), max(a, b)] for a, b in pairwise(line)]
    return 3 * len(line) * float(couplings.costs[gates].sum()) + float(
        couplings.readout[line].sum()
    )


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_no_line_is_better(length: int) -> None:
    pairs = [(0, 1), (1, 2), (2, 3), (3, 0), (3, 4), (1, 5)]
    errors = np.random.default_rng(length).uniform(0.001, 0.05, len(pairs)).tolist()
    couplings = Couplings.of(device(pairs, errors))
    found = best_line(couplings, length)
    assert found is not None
    every = [
        price(couplings, list(line))
        for line in permutations(range(6), length)
        if all(
            (min(a, b), max(a, b)) in couplings.number
            for a, b in pairwise(line)
        )
    ]
    assert price(couplings, found.tolist()) == pytest.approx(min(every), abs=1e-4)


def test_a_line_that_is_not_there() -> None:
    couplings = Couplings.of(device(HEXAGON))
    longest = best_line(couplings, 13)  # a tail and all of the ring
    assert longest is not None
    assert len(set(longest.tolist())) == 13
    assert best_line(couplings, 14) is None
    assert best_line(couplings, 16) is None
    assert best_line(couplings, 0) is None
