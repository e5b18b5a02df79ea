"""Exact presolve against enumeration: optima and energies of small models of every kind."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.forms import Group, Qubo
from qopt.forms.reduce import reduce_qubo
from qopt.forms.reduce.state import State


def every_answer(qubo: Qubo) -> np.ndarray:
    n = qubo.num_variables
    bits = (np.arange(1 << n)[:, None] >> np.arange(n) & 1).astype(np.int8)
    return bits[qubo.group_violations(bits) == 0]


def check(qubo: Qubo) -> Qubo:
    """The reduced model, after all that is promised of it has been looked at."""
    lowering = reduce_qubo(qubo)
    reduced, report = lowering.model, lowering.reduction
    answers = every_answer(reduced)
    assert len(answers)
    lifted = lowering.decode_all(answers)
    assert lifted.shape == (len(answers), qubo.num_variables)
    assert lifted.dtype == np.int8
    np.testing.assert_array_equal(lifted[-1], lowering.decode(answers[-1]))
    tolerance = 1e-9 * max(1.0, qubo.scale * max(1, qubo.num_interactions))
    np.testing.assert_allclose(
        qubo.energies(lifted), reduced.energies(answers), rtol=0.0, atol=tolerance
    )
    assert not qubo.group_violations(lifted).any()
    assert len(np.unique(lifted, axis=0)) == len(answers)
    best = qubo.energies(every_answer(qubo)).min()
    assert reduced.energies(answers).min() == pytest.approx(best, abs=tolerance)
    np.testing.assert_array_equal([lowering.encode(answer) for answer in lifted], answers)
    assert report.left == reduced.num_variables
    assert report.variables == qubo.num_variables
    if qubo.is_integral:
        assert reduced.is_integral
    penalised = reduced.penalised()
    strings = every_answer(reduced.with_groups(()))
    assert penalised.energies(strings).min() >= best - tolerance
    return reduced


def exact_energy(qubo: Qubo, bits: np.ndarray) -> Fraction:
    """The energy without the offset, without any rounding."""
    terms = [*qubo.linear[bits == 1], *qubo.value[(bits[qubo.row] == 1) & (bits[qubo.col] == 1)]]
    return sum(map(Fraction, terms), Fraction(0))


@pytest.mark.parametrize("big", [1e12, 1e15, 1e16, 1e18])
def test_nothing_is_lost_beside_huge_coefficients(big: float) -> None:
    for seed in range(40):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(3, 9))
        row, col = np.triu_indices(n, 1)
        value = rng.integers(-3, 4, len(row)) * rng.choice([0.0, 1.0, 0.37, big], len(row))
        linear = rng.integers(-3, 4, n) * rng.choice([1.0, 0.37, big, 0.1 * big], n)
        groups = [Group((0, 1, 2), int(rng.integers(1, 3)))] if seed % 3 == 0 else []
        qubo = Qubo.from_arrays(linear, row, col, value, groups=groups)
        lowering = reduce_qubo(qubo)
        left = every_answer(lowering.model)
        found = min(left, key=lambda bits: exact_energy(lowering.model, bits))
        best = min(exact_energy(qubo, bits) for bits in every_answer(qubo))
        assert exact_energy(qubo, lowering.decode(found)) == best


def test_a_huge_constant_rounds_no_energy_twice() -> None:
    linear = np.full(500, -0.1)
    plain = reduce_qubo(Qubo.from_arrays(linear))
    moved = reduce_qubo(Qubo.from_arrays(linear, offset=1e15))
    assert plain.model.num_variables == moved.model.num_variables == 0
    assert moved.model.offset == 1e15 + plain.model.offset


def test_coefficients_whose_sums_overflow_are_left_alone() -> None:
    qubo = Qubo.from_arrays([1e308, -1e308, 1e308], [0, 1], [1, 2], [1e308, -1e308])
    assert reduce_qubo(qubo).model is qubo


@st.composite
def models(draw, most: int = 11, grouped: bool = False) -> Qubo:
    n = draw(st.integers(1, most))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    density = draw(st.sampled_from([0.15, 0.3, 0.5, 1.0]))
    kind = draw(st.sampled_from(["whole", "real", "signs", "cut", "strong"]))
    upper = np.triu(rng.random((n, n)) < density, 1)
    values = {
        "whole": rng.integers(-4, 5, (n, n)), "real": rng.normal(size=(n, n)),
        "signs": rng.choice([-1, 1], (n, n)), "cut": np.full((n, n), 2.0),
        "strong": rng.integers(-1, 2, (n, n)) * 3.0 ** rng.integers(0, 3, (n, n)),
    }[kind] * upper
    linear = rng.integers(-3, 4, n) * draw(st.sampled_from([0.0, 1.0, 2.5]))
    if kind == "cut":
        linear = -(values + values.T).sum(axis=1) / 2.0
    row, col = np.nonzero(values)
    groups = []
    if grouped:
        order = rng.permutation(n).tolist()
        while len(order) > 1 and rng.random() < 0.8:
            size = int(rng.integers(1, min(len(order), 5) + 1))
            members, order = order[:size], order[size:]
            groups.append(Group(tuple(members), int(rng.integers(0, size + 1))))
    model = Qubo.from_arrays(
        linear, row, col, values[row, col], offset=float(rng.integers(-3, 4)), groups=groups
    )
    if not grouped or draw(st.booleans()):
        return model
    weights = zip(model.groups, model.penalty_weights(), strict=True)
    return model.with_groups([replace(group, weight=weight) for group, weight in weights])


@given(models())
@settings(max_examples=150, deadline=None)
def test_nothing_is_lost_without_groups(qubo):
    check(qubo)


@given(models(grouped=True))
@settings(max_examples=150, deadline=None)
def test_nothing_is_lost_with_groups(qubo):
    check(qubo)


@pytest.mark.parametrize("seed", range(40))
def test_whole_coefficients_of_any_size_lose_nothing(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 8))
    row, col = np.triu_indices(n, 1)
    values = rng.choice([1e14, -1e14, 1e14 + 3, -1e14 + 5, 1.0, -2.0, 0.0], n + len(row))
    qubo = Qubo.from_arrays(values[:n], row, col, values[n:], offset=-3.0)
    lowering = reduce_qubo(qubo)
    answers = every_answer(lowering.model)
    energies = qubo.energies(lowering.decode_all(answers))  # every sum is below 2**53
    np.testing.assert_array_equal(energies, lowering.model.energies(answers))
    assert energies.min() == qubo.energies(every_answer(qubo)).min()


def test_sums_that_round_cancel():
    """0.1 + 0.2 - 0.3 is no coefficient."""
    state = State(Qubo.from_arrays([0.0, 0.0], [0], [1], [0.1 + 0.2]), lambda: False)
    state.add_pair(0, 1, -0.3)
    assert state.adjacent == [{}, {}]
