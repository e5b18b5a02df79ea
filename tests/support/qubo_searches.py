"""Small QUBOs to try searches on, and what every outcome of a search must keep."""

import numpy as np
import pytest
from hypothesis import strategies as st

from qopt.forms import Group, Qubo
from qopt.solver import Outcome, Progress, Status


def random_qubo(seed: int, n: int, density: float = 1.0) -> Qubo:
    """Whole coefficients from -9 to 9."""
    rng = np.random.default_rng(seed)
    return Qubo.from_matrix(
        np.triu(rng.integers(-9, 10, (n, n)) * (rng.random((n, n)) < density)), offset=3.5
    )


@st.composite
def small_qubos(draw: st.DrawFn, most: int) -> Qubo:
    """Whole or real coefficients, with groups of any size now and then."""
    n = draw(st.integers(1, most))
    cuts = draw(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 5)), max_size=4))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    matrix = rng.normal(size=(n, n)) if draw(st.booleans()) else rng.integers(-5, 6, (n, n))
    groups, start = [], 0
    order = rng.permutation(n).tolist()
    for length, size in cuts:
        members = tuple(order[start : start + length])
        start += length
        if members:
            groups.append(Group(members, min(size, len(members))))
    return Qubo.from_matrix(np.triu(matrix), offset=-2.0, groups=groups)


def huge_and_tiny() -> Qubo:
    """Coefficients that single precision cannot hold together."""
    return Qubo.from_arrays(
        [1e10, -1e10, 1.0, -0.25, 3.0], [0, 1, 2], [1, 2, 3], [1e10, 1.0, -0.5], offset=1.0
    )


def assignment() -> tuple[Qubo, float]:
    """A linear assignment of 7 to 7 and its optimum: groups choose columns, penalties keep them."""
    from scipy.optimize import linear_sum_assignment

    rng = np.random.default_rng(1)
    n = 7
    cost = rng.integers(1, 30, (n, n)).astype(float)
    first, second = np.triu_indices(n, 1)
    row = np.concatenate([first * n + c for c in range(n)])
    col = np.concatenate([second * n + c for c in range(n)])
    groups = [Group(tuple(range(n * r, n * r + n)), 1) for r in range(n)]
    qubo = Qubo.from_arrays(cost.ravel(), row, col, np.full(len(row), 500.0), groups=groups)
    return qubo, float(cost[linear_sum_assignment(cost)].sum())


def best_energy(qubo: Qubo) -> float:
    """The optimum, by enumeration."""
    n = qubo.num_variables
    bits = (np.arange(1 << n)[:, None] >> np.arange(n)) & 1
    return float(qubo.energies(bits[qubo.group_violations(bits) == 0]).min())


def check_search(qubo: Qubo, outcome: Outcome, progress: Progress) -> None:
    """Distinct feasible answers, best first, and a trace that ends with the best."""
    answers = np.asarray(outcome.answers)
    assert outcome.status is Status.FEASIBLE
    assert outcome.bound is None
    assert answers.dtype == np.int8
    assert answers.shape[1] == qubo.num_variables
    assert np.isin(answers, (0, 1)).all()
    assert len(np.unique(answers, axis=0)) == len(answers)
    assert outcome.counts is None or len(outcome.counts) == len(answers)
    assert not qubo.group_violations(answers).any()
    energies = qubo.energies(answers)
    assert (np.diff(energies) >= -1e-9 * max(1.0, np.abs(energies).max())).all()
    values = [value for _, value in progress.trace.incumbents]
    assert (np.diff(values) < 0).all()
    assert values[-1] == pytest.approx(energies[0], rel=1e-9, abs=1e-9)
