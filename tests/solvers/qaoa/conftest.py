import numpy as np
import pytest

from qopt.forms import Qubo
from qopt.solver import Budget, Progress
from qopt.solvers.qaoa.devices import Watch


@pytest.fixture
def random_qubo():
    """Makes dense random models with fields; asymmetric, so that a swapped bit shows."""

    def make(n: int, seed: int = 0, density: float = 1.0) -> Qubo:
        generator = np.random.default_rng(seed)
        row, col = np.triu_indices(n, 1)
        keep = generator.random(len(row)) < density
        value = generator.normal(size=len(row)) * keep
        return Qubo.from_arrays(generator.normal(size=n), row, col, value, offset=1.5)

    return make


@pytest.fixture
def max_cut():
    """Makes the QUBO whose minimum is minus the largest cut."""

    def make(edges: list[tuple[int, int]], n: int) -> Qubo:
        linear = np.zeros(n)
        for edge in edges:
            for end in edge:
                linear[end] -= 1.0
        row, col = zip(*edges, strict=True)
        return Qubo.from_arrays(linear, row, col, np.full(len(edges), 2.0))

    return make


@pytest.fixture
def watch():
    return Watch(Budget().start(), Progress())
