"""Partition crossover against enumeration of every mixture of two answers."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.forms import Group, Qubo
from qopt.solvers.annealing.crossover import Crossover
from qopt.solvers.annealing.layout import Layout


def sparse_qubo(rng: np.random.Generator, n: int, degree: float, real: bool) -> Qubo:
    matrix = rng.normal(size=(n, n)) if real else rng.integers(-5, 6, (n, n)).astype(float)
    keep = rng.random((n, n)) < degree / n
    return Qubo.from_matrix(np.triu(np.where(keep | np.eye(n, dtype=bool), matrix, 0.0)))


def cut(rng: np.random.Generator, n: int) -> Qubo:
    row, col = np.nonzero(np.triu(rng.random((n, n)) < 2.0 / n, 1))
    linear = -np.bincount(row, minlength=n) - np.bincount(col, minlength=n)
    return Qubo.from_arrays(linear, row, col, np.full(len(row), 2.0))


def crossover_of(qubo: Qubo) -> Crossover:
    return Crossover(Layout.choose(qubo, rows="sparse").build(qubo))


def parts(qubo: Qubo, members: np.ndarray) -> list[np.ndarray]:
    """Connected parts of some variables, by pairs and groups."""
    label = np.arange(qubo.num_variables)
    edges = list(zip(qubo.row, qubo.col, strict=True))
    edges += [(a, b) for g in qubo.groups for a in g.members for b in g.members]
    inside = set(members.tolist())
    for _ in range(qubo.num_variables):
        for a, b in edges:
            if a in inside and b in inside:
                label[a] = label[b] = min(label[a], label[b])
    return [members[label[members] == each] for each in np.unique(label[members])]


def best_mixture(qubo: Qubo, x: np.ndarray, other: np.ndarray) -> float:
    found = parts(qubo, np.flatnonzero(x != other))
    best = qubo.energy(x)
    for chosen in product((False, True), repeat=len(found)):
        mixed = x.copy()
        for take, part in zip(chosen, found, strict=True):
            mixed[part] = other[part] if take else x[part]
        best = min(best, qubo.energy(mixed))
    return best


@given(seed=st.integers(0, 9999), real=st.booleans())
@settings(deadline=None, max_examples=40)
def test_child_is_the_best_mixture_of_two_answers(seed: int, real: bool) -> None:
    rng = np.random.default_rng(seed)
    qubo = sparse_qubo(rng, 12, 1.5, real)
    crossover = crossover_of(qubo)
    x, other = rng.integers(0, 2, (2, 12), dtype=np.int8)
    before, wanted = qubo.energy(x), best_mixture(qubo, x, other)
    child = x.copy()
    gained = crossover.improve(child, other)
    if not crossover.symmetric:  # else parts in which they agree may change sides, too
        assert qubo.energy(child) == pytest.approx(wanted, abs=1e-9)
    scale = Layout.choose(qubo, rows="sparse").scale
    assert before - qubo.energy(child) == pytest.approx(gained / scale, abs=1e-9)


@given(seed=st.integers(0, 9999))
@settings(deadline=None, max_examples=25)
def test_children_keep_groups(seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = [Group((0, 3, 5), 1), Group((1, 2, 8, 9), 2), Group((4, 7), 2)]
    qubo = sparse_qubo(rng, 12, 1.5, False).with_groups(groups)
    answers = rng.integers(0, 2, (2, 12), dtype=np.int8)
    for group in groups:
        for answer in answers:
            answer[list(group.members)] = 0
            answer[rng.permutation(group.members)[: group.size]] = 1
    wanted = best_mixture(qubo, *answers)
    child = answers[0].copy()
    crossover_of(qubo).improve(child, answers[1])
    assert not qubo.group_violations(child[None])[0]
    assert qubo.energy(child) == pytest.approx(wanted, abs=1e-9)


def test_a_cut_is_known_by_its_symmetry() -> None:
    rng = np.random.default_rng(4)
    qubo = cut(rng, 40)
    crossover = crossover_of(qubo)
    assert crossover.symmetric
    assert not crossover_of(sparse_qubo(rng, 40, 2.0, False)).symmetric
    for _ in range(10):
        x, other = rng.integers(0, 2, (2, 40), dtype=np.int8)
        child, twin = x.copy(), x.copy()
        crossover.improve(child, other)
        crossover.improve(twin, 1 - other)
        assert qubo.energy(child) <= best_mixture(qubo, x, other)
        assert qubo.energy(twin) <= best_mixture(qubo, x, 1 - other)


def test_child_of_many_is_no_worse_than_any() -> None:
    rng = np.random.default_rng(5)
    qubo = cut(rng, 200)
    answers = rng.integers(0, 2, (6, 200), dtype=np.int8)
    child = crossover_of(qubo).combine(answers)
    # So sparse a graph falls into many parts: the child is far better than any parent.
    assert qubo.energy(child) < qubo.energies(answers).min() - 10.0
    assert np.array_equal(crossover_of(qubo).combine(answers[:1]), answers[0])


def test_a_child_is_given_as_it_is_when_it_must_end() -> None:
    rng = np.random.default_rng(3)
    qubo = sparse_qubo(rng, 60, 2.0, real=False)
    answers = rng.integers(0, 2, (9, 60), dtype=np.int8)
    crossover = crossover_of(qubo)
    asked: list[int] = []
    child = crossover.combine(answers, stop=lambda: len(asked) == 2 or bool(asked.append(1)))
    expected = crossover.combine(answers[:3], rounds=1)
    np.testing.assert_array_equal(child, expected)
    np.testing.assert_array_equal(crossover.combine(answers, stop=lambda: True), answers[0])
