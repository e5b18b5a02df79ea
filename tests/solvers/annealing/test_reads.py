"""The kernels: fields stay right, groups stay kept, and Metropolis samples what it should."""

from itertools import combinations
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from qopt.forms import Group, Qubo
from qopt.solvers.annealing import kernels
from qopt.solvers.annealing.kernels import LANES
from qopt.solvers.annealing.layout import Layout
from qopt.solvers.annealing.reads import LaneReads, RowReads, batch_size, start_batch

Rows = Literal["sparse", "dense"]


def temperatures(value: float, count: int) -> np.ndarray:
    return np.full(count, value, dtype=np.float32)


@st.composite
def qubos(draw: st.DrawFn, grouped: bool | None = None) -> Qubo:
    n = draw(st.integers(1, 9))
    whole = draw(st.booleans())
    entries = st.integers(-50, 50) if whole else st.floats(-50, 50, width=32)
    matrix = draw(arrays(np.float64, (n, n), elements=entries.map(float)))
    mask = draw(arrays(np.bool_, (n, n)))
    groups = []
    if grouped is not False and n > 1 and (grouped or draw(st.booleans())):
        order = draw(st.permutations(range(n)))
        start = 0
        while start < n and draw(st.booleans()):
            stop = draw(st.integers(start + 1, n))
            groups.append(Group(tuple(order[start:stop]), draw(st.integers(0, stop - start))))
            start = stop
    return Qubo.from_matrix(np.triu(matrix * mask), offset=draw(st.floats(-9, 9)), groups=groups)


@given(qubo=qubos(), rows=st.sampled_from(["sparse", "dense"]), double=st.booleans(),
       seed=st.integers(0, 99))
@settings(deadline=None, max_examples=60)
def test_energies_and_groups_after_any_walk(
    qubo: Qubo, rows: Rows, double: bool, seed: int
) -> None:
    layout = Layout.choose(qubo, rows=rows, real=np.float64 if double else None)
    model = layout.build(qubo)
    rng = np.random.default_rng(seed)
    batch = start_batch(model, layout, batch_size(layout), rng)
    first = batch.checkpoint().copy()
    if model.moves:
        batch.sweep(temperatures(20.0 * model.scale, 7))
    best = batch.checkpoint()
    states, energies = batch.finish()
    assert states.shape == (batch.reads, qubo.num_variables)
    assert not qubo.group_violations(states).any()
    np.testing.assert_allclose(energies + qubo.offset, qubo.energies(states), atol=1e-9)
    np.testing.assert_allclose(energies, best, atol=1e-9)
    assert (best <= first + 1e-9).all()


@given(qubo=qubos(grouped=False), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=30)
def test_changes_are_energy_differences(qubo: Qubo, seed: int) -> None:
    layout = Layout.choose(qubo, rows="dense")
    batch = start_batch(layout.build(qubo), layout, 1, np.random.default_rng(seed))
    assert isinstance(batch, RowReads)
    state, energy = batch.finish()
    flipped = np.abs(state - np.eye(qubo.num_variables, dtype=np.int8))
    changes = batch.changes(np.random.default_rng(0)) / batch._model.scale
    np.testing.assert_allclose(
        np.sort(changes), np.sort(qubo.energies(flipped) - qubo.offset - energy), atol=1e-9
    )


@pytest.mark.parametrize("rows", ["sparse", "dense"])
def test_swap_changes_are_energy_differences(rows: Rows) -> None:
    rng = np.random.default_rng(5)
    matrix = np.triu(rng.integers(-9, 10, (8, 8)))
    groups = [Group((0, 2, 4), 1), Group((1, 3, 5), 1), Group((6, 7), 1)]
    qubo = Qubo.from_matrix(matrix, groups=groups)
    layout = Layout.choose(qubo, rows=rows)
    batch = start_batch(layout.build(qubo), layout, 1, rng)
    (state,), energy = batch.finish()
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    feasible = bits[qubo.group_violations(bits) == 0]
    near = feasible[np.abs(feasible - state).sum(axis=1) <= 4]
    possible = set(qubo.energies(near) - energy[0])
    seen = {change for _ in range(30) for change in batch.changes(rng)}
    assert len(seen) > 5
    assert seen <= possible


@pytest.mark.parametrize("rows", ["sparse", "dense"])
@pytest.mark.parametrize("sizes", [(1, 1), (2, 1), (2, 3)])
def test_a_greedy_start_takes_the_best_members_one_by_one(
    rows: Rows, sizes: tuple[int, int]
) -> None:
    rng = np.random.default_rng(3)
    qubo = Qubo.from_matrix(np.triu(rng.integers(-9, 10, (9, 9)))).with_groups(
        [Group((0, 2, 4, 6), sizes[0]), Group((1, 3, 5, 7), sizes[1])]
    )
    layout = Layout.choose(qubo, rows=rows)
    model = layout.build(qubo)
    batch = start_batch(model, layout, 1, rng, greedy=True)
    (state,), energy = batch.finish()
    expected = np.zeros(9, dtype=np.int8)
    for a in range(len(model.sizes)):
        members = model.home[model.bounds[a] : model.bounds[a + 1]].tolist()
        for _ in range(model.sizes[a]):
            more = [m for m in members if not expected[m]]
            tried = [expected + np.eye(9, dtype=np.int8)[m] for m in more]
            expected = tried[int(np.argmin(qubo.energies(np.array(tried))))]
    assert qubo.energy(state) == qubo.energy(expected) == energy[0]
    batch.sweep(temperatures(20.0 * model.scale, 7))
    batch.checkpoint()
    (after,), _ = batch.finish()
    assert not qubo.group_violations(after[None]).any()
    assert qubo.energy(after) <= qubo.energy(state)


@pytest.mark.parametrize("rows", ["sparse", "dense"])
def test_flips_sample_the_boltzmann_distribution(rows: Rows) -> None:
    # Many copies of one three-variable model in one model: each read is as many samples.
    copies, beta = 400, 0.7
    one = np.array([[0.5, -2.0, 1.0], [0.0, 0.25, 1.5], [0.0, 0.0, -1.0]])
    qubo = Qubo.from_matrix(np.kron(np.eye(copies), one))
    layout = Layout.choose(qubo, rows=rows)
    model = layout.build(qubo)
    counts = np.zeros(8)
    for seed in range(1 if layout.side_by_side else 8):
        batch = start_batch(model, layout, batch_size(layout), np.random.default_rng(seed))
        batch.sweep(temperatures(model.scale / beta, 100))
        if isinstance(batch, LaneReads):
            states = ((batch._x[:, None] >> np.arange(LANES)) & 1).T
        else:
            states = batch._x[None, :]
        codes = states.reshape(-1, 3) @ [1, 2, 4]
        counts += np.bincount(codes, minlength=8)
    bits = (np.arange(8)[:, None] >> np.arange(3)) & 1
    weights = np.exp(-beta * np.einsum("si,ij,sj->s", bits, one, bits))
    expected = counts.sum() * weights / weights.sum()
    chi_squared = ((counts - expected) ** 2 / expected).sum()
    assert chi_squared < 30.0  # 7 degrees of freedom: exceeded once in 10^4 seeds


@pytest.mark.parametrize(("members", "size"), [(5, 2), (6, 3), (4, 1)])
@pytest.mark.parametrize("rows", ["sparse", "dense"])
def test_hot_swaps_reach_every_choice_equally(members: int, size: int, rows: Rows) -> None:
    copies = 2000
    groups = [
        Group(tuple(range(members * c, members * (c + 1))), size) for c in range(copies)
    ]
    qubo = Qubo.from_arrays(np.ones(members * copies), groups=groups)
    layout = Layout.choose(qubo, rows="sparse" if rows == "sparse" else None)
    batch = start_batch(layout.build(qubo), layout, 1, np.random.default_rng(3))
    assert isinstance(batch, RowReads)
    batch.sweep(temperatures(1e6, 5))
    codes = batch._x.reshape(copies, members) @ (1 << np.arange(members))
    choices = [sum(1 << i for i in c) for c in combinations(range(members), size)]
    counts = np.array([(codes == choice).sum() for choice in choices])
    assert counts.sum() == copies
    expected = copies / len(choices)
    assert ((counts - expected) ** 2 / expected).sum() < len(choices) + 6 * len(choices) ** 0.5


def test_arithmetic_does_not_change_the_walk() -> None:
    rng = np.random.default_rng(1)
    qubo = Qubo.from_matrix(np.triu(rng.integers(-9, 10, (60, 60)) * (rng.random((60, 60)) < 0.2)))
    grouped = qubo.with_groups([Group(tuple(range(20)), 7)])
    for model, rows in ((qubo, "sparse"), (qubo, "dense"), (grouped, "sparse"), (grouped, "dense")):
        results = []
        for real in (None, np.float64):
            layout = Layout.choose(model, rows=rows, real=real)
            assert layout.real is (real or np.float32)
            batch = start_batch(
                layout.build(model), layout, batch_size(layout), np.random.default_rng(4)
            )
            scale = layout.scale
            batch.sweep((np.geomspace(30, 1, 50) * scale).astype(np.float32))
            batch.checkpoint()
            results.append(batch.finish())
        np.testing.assert_array_equal(results[0][0], results[1][0])
        np.testing.assert_array_equal(results[0][1], results[1][1])


@pytest.mark.parametrize("n", [1, 15, 16, 33, 300])
@pytest.mark.parametrize("unit", [1.0, 0.3])
def test_looking_at_sixteen_variables_at_once_is_the_same_walk(n: int, unit: float) -> None:
    # A group of one frozen variable leaves the moves as they are and forbids the look ahead.
    rng = np.random.default_rng(n)
    matrix = np.zeros((n + 1, n + 1))
    matrix[:n, :n] = np.triu(rng.integers(-9, 10, (n, n))) * unit
    whole = Qubo.from_matrix(matrix[:n, :n])
    marked = Qubo.from_matrix(matrix, groups=[Group((n,), 0)])
    walks = []
    for qubo in (whole, marked):
        layout = Layout.choose(qubo, rows="dense")
        model = layout.build(qubo)
        state = np.resize(np.array([0, 1, 1], dtype=np.int8), len(matrix))
        g, x = np.zeros(len(model.linear), model.linear.dtype), state[: len(model.linear)].copy()
        x[n:] = 0
        kernels.fields_rows(g, x, model.linear, model.rows)
        batch = RowReads(model, np.random.default_rng(0))
        kernels.sweep_rows(
            g, x, model.free, batch._groups, model.rows,
            (np.geomspace(30 * unit, 0.1 * unit, 40) * model.scale).astype(np.float32),
            np.arange(1, 2 * LANES + 1, dtype=np.uint32).reshape(2, LANES),
            np.empty(kernels.BLOCK, dtype=np.float32),
        )  # fmt: skip
        walks.append((x[:n], g[:n]))
    np.testing.assert_array_equal(walks[0][0], walks[1][0])
    np.testing.assert_array_equal(walks[0][1], walks[1][1])
    assert 0 < walks[0][0].sum() < n or n == 1


def test_sparse_and_dense_rows_walk_alike() -> None:
    rng = np.random.default_rng(2)
    qubo = Qubo.from_matrix(
        np.triu(rng.integers(-9, 10, (40, 40))),
        groups=[Group((0, 1, 2, 3), 1), Group((4, 5, 6, 7), 1), Group(tuple(range(8, 20)), 5)],
    )
    results = []
    for rows in ("sparse", "dense"):
        layout = Layout.choose(qubo, rows=rows)
        batch = start_batch(layout.build(qubo), layout, 1, np.random.default_rng(0))
        assert isinstance(batch, RowReads)
        batch.sweep(np.geomspace(50, 10, 40).astype(np.float32))
        results.append(batch._x)
    np.testing.assert_array_equal(results[0], results[1])


@pytest.mark.parametrize("rows", ["sparse", "dense"])
def test_drifting_fields_are_computed_anew(rows: Rows) -> None:
    # Adding 1e15 and taking it away again rounds the fraction of a field, every time a little.
    matrix = np.triu(np.random.default_rng(0).normal(size=(12, 12)))
    matrix[:6, 6:] *= 1e15
    qubo = Qubo.from_matrix(matrix)
    layout = Layout.choose(qubo, rows=rows)
    assert layout.drifts
    model = layout.build(qubo)
    batch = start_batch(model, layout, 1, np.random.default_rng(1))
    assert isinstance(batch, LaneReads | RowReads)
    for _ in range(50):
        batch.sweep(temperatures(1e15 * model.scale, 100))
    batch.sweep(temperatures(0.0, 0))
    fields = np.array(batch._g).reshape(12, -1)[:, 0] / model.scale
    pairs = np.triu(matrix, 1)
    exact = qubo.linear + (pairs + pairs.T) @ (batch._x & 1)
    np.testing.assert_allclose(fields, exact, rtol=0.0, atol=4.0)


def lanes_of(qubo: Qubo, reads: int = LANES, seed: int = 0) -> LaneReads:
    layout = Layout.choose(qubo, rows="sparse")
    return LaneReads(layout.build(qubo), reads, np.random.default_rng(seed))


def present(batch: LaneReads) -> np.ndarray:
    return ((batch._x[:, None] >> np.arange(LANES)) & 1).T.astype(np.int8)


@given(qubo=qubos(grouped=False), fall=st.sampled_from([0.0, 1e-3, 0.1, 10.0]),
       reads=st.integers(1, LANES), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=30)
def test_resampled_reads_are_copies_with_their_own_fields(
    qubo: Qubo, fall: float, reads: int, seed: int
) -> None:
    batch = lanes_of(qubo, reads, seed)
    before, energies = present(batch), batch.energies()
    moved = batch.resample(fall, np.random.default_rng(seed))
    after = present(batch)
    changed = (before[:reads] != after[:reads]).any(axis=1)
    assert changed.sum() <= moved < reads
    np.testing.assert_array_equal(before[reads:], after[reads:])
    known = {row.tobytes() for row in before[:reads]}
    assert all(row.tobytes() in known for row in after[:reads])
    expected = qubo.energies(after[:reads]) - qubo.offset
    np.testing.assert_allclose(batch.energies() / batch._model.scale, expected, atol=1e-9)
    assert batch.energies().min() == pytest.approx(energies.min(), abs=1e-9)
    if fall == 0.0:
        assert not moved


def test_reads_are_copied_as_often_as_their_weights_say() -> None:
    qubo = Qubo.from_arrays(np.arange(1.0, 7.0))
    total, expected = np.zeros(LANES), np.zeros(LANES)
    for seed in range(400):
        batch = lanes_of(qubo, seed=1)
        energies, before = batch.energies(), present(batch)
        batch.resample(0.3, np.random.default_rng(seed))
        after = present(batch)
        alike = (after[:, None] == before[None]).all(axis=2)
        total += (alike / alike.sum(axis=1, keepdims=True)).sum(axis=0)
        weights = np.exp(-0.3 * energies)
        expected += LANES * weights / weights.sum()
    groups = {round(float(e), 6) for e in energies}
    for energy in groups:
        same = np.isclose(energies, energy)
        assert total[same].sum() == pytest.approx(expected[same].sum(), rel=0.1, abs=60.0)
