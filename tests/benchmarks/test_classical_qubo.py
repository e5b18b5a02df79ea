"""The comparison of QUBO solvers: its arithmetic, and its smallest run."""

import sys
from itertools import pairwise, product
from math import inf
from statistics import median
from typing import Any

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from benchmarks import _contenders, _qubo_speed, _runs, classical_qubo
from benchmarks._contenders import contenders
from benchmarks._instances import SHAPES, Instance
from benchmarks._peers import PEERS
from benchmarks._qubo_quality import measure as quality
from benchmarks._qubo_target import measure as target
from benchmarks._qubo_target import times_ratio
from benchmarks._recount import Recount
from benchmarks._runs import Contender, Run, calibrate, lengths
from benchmarks._table import Failure
from qopt.forms import Group, Qubo

TINY = ["--instances", "graph 100, 10 %", "--seconds", "0.05", "--seeds", "2"]


# -- ratios of times ----------------------------------------------------------------------------


@pytest.mark.parametrize(("m", "n"), [(4, 4), (5, 5), (5, 8), (10, 7)])
def test_interval_is_that_of_the_exact_test(m: int, n: int) -> None:
    rng = np.random.default_rng(m + n)
    first, second = rng.lognormal(size=m), rng.lognormal(0.5, size=n)
    found = times_ratio(first.tolist(), second.tolist(), inf)
    assert found.value == pytest.approx(median(first) / median(second))
    # Just inside an end the exact test accepts that factor, just outside it refuses it.
    for end, inside in ((found.low, 1.0 + 1e-9), (found.high, 1.0 - 1e-9)):
        accepted = mannwhitneyu(first, second * end * inside, method="exact").pvalue
        refused = mannwhitneyu(first, second * end / inside, method="exact").pvalue
        assert refused <= 0.05 < accepted


def test_too_few_runs_say_nothing() -> None:
    assert times_ratio([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], 10.0).low == 0.0
    assert times_ratio([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], 10.0).high == inf


def test_times_that_were_cut_off_only_widen_the_interval() -> None:
    rng = np.random.default_rng(3)
    first, second = rng.uniform(1.0, 20.0, 8), rng.uniform(1.0, 10.0, 8)
    whole = times_ratio(first.tolist(), second.tolist(), inf)
    cut = times_ratio([t if t <= 10.0 else inf for t in first], second.tolist(), 10.0)
    assert cut.low <= whole.low <= whole.high <= cut.high
    nothing = times_ratio([inf] * 8, [inf] * 8, 10.0)
    assert (nothing.value, nothing.low, nothing.high) == (None, 0.0, inf)
    never = times_ratio([inf] * 8, [1.0] * 8, 10.0)
    assert (never.value, never.low, never.high) == (None, 10.0, inf)


# -- how libraries are given their time ---------------------------------------------------------


@pytest.mark.parametrize(("total", "shortest"), [(1000.0, 64.0), (1.0, 1 / 64), (10.0, 64.0)])
def test_rungs_double_and_fill_the_time(total: float, shortest: float) -> None:
    ladder = lengths("ladder", total, shortest)
    assert lengths("filled", total, shortest) == [total]
    assert sum(ladder) == pytest.approx(total)
    assert ladder[0] >= min(shortest, total)
    assert all(b in (a, 2 * a) for a, b in pairwise(ladder))


def test_calibration_parts_what_a_call_takes_from_its_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    monkeypatch.setattr(_runs.time, "perf_counter", lambda: now[0])

    def call(count: int) -> None:
        now[0] += 0.25 + 0.001 * count

    fixed, unit = calibrate(call, 0.1)
    assert fixed == pytest.approx(0.25)
    assert unit == pytest.approx(0.001)


# -- small runs ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["graph 800, 6 %", "QUBO 60, 50 %", "select 20 of 200"])
def test_shapes_are_made_from_their_seed(name: str) -> None:
    first, second, other = (SHAPES[name](seed) for seed in (1, 1, 2))
    assert (first.value == second.value).all()
    assert not np.array_equal(first.linear, other.linear)


@pytest.fixture(scope="module")
def whole() -> list:
    """All that is measured on one small graph, but memory."""
    return classical_qubo.main([
        *TINY, "--sections", "quality", "target", "--only", "sa", "dwave",
    ])


def test_every_solver_that_is_here_has_its_rows(whole: list) -> None:
    assert {row[1] for row in whole[0].rows} == {
        "sa", "dwave-sa", "dwave-sa, filled", "dwave-tabu",
    }
    assert {row[1] for row in whole[2].rows} == {
        "sa", "dwave-sa", "dwave-sa, ladder", "dwave-tabu, ladder",
    }
    assert all(row[2] >= 0.0 and row[3] >= row[2] for row in whole[0].rows)
    assert min(row[2] for row in whole[0].rows) == 0.0


def test_what_is_left_out_is_said() -> None:
    able, told = contenders()
    names = [contender.name for contender in able]
    assert "sa" in names
    assert "dwave-sa, filled" in names
    for peer in PEERS:
        assert (peer.name in names) == (not peer.missing)
        assert not peer.missing or (peer.name in told and peer.missing in told)


def test_a_solver_that_is_not_registered_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_contenders, "OURS", ("sa", "saw"))
    able, told = contenders(["sa"])
    assert [contender.name for contender in able] == ["sa"]
    assert told == "left out: saw (no solver of that name is registered)"


def test_what_was_recounted_is_said(whole: list) -> None:
    assert "evaluated again in two ways" in whole[-1].findings[-1]


def test_times_stand_beside_the_faster_of_the_library(whole: list) -> None:
    (reference,) = (row for row in whole[2].rows if row[4] == "reference")
    assert reference[1].startswith("dwave-")
    for _, name, _, seconds, faster, *_ in whole[2].rows:
        if name != reference[1] and faster is not None:
            assert faster == pytest.approx(reference[3] / seconds)
        if name.startswith("dwave-"):
            assert seconds is None or seconds >= reference[3]


def test_the_profile_ends_at_what_was_solved(whole: list) -> None:
    profile, times = whole[3], whole[2]
    for name, _, *shares in profile.rows:
        assert shares == sorted(shares)
        solved = next(row[3] for row in times.rows if row[1] == name) is not None
        assert shares[-1] == float(solved)


def test_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_qubo_speed, "_LEAST", 0.01)
    monkeypatch.setattr(_qubo_speed, "find_spec", lambda _: None)
    instance = Instance("graph 100, 10 %", SHAPES["graph 100, 10 %"](1))
    (row,) = _qubo_speed.measure([instance], 1, 1).rows
    assert min(row[3:5]) > 0.0
    assert row[6] == pytest.approx(row[3] / row[4])


def test_memory() -> None:
    (table,) = classical_qubo.main([
        "--sections", "memory", "--instances", "graph 100, 10 %", "--seconds", "0.05", "--only",
        "dwave-tabu",
    ])
    (row,) = table.rows
    assert row[1] == "dwave-tabu"
    assert 0.0 <= row[3] < row[4] < 4096.0


# -- solvers that lie ---------------------------------------------------------------------------


def liar(samples: np.ndarray, claimed: list[float] | None, trace: list) -> Contender:
    """A contender that returns this, whatever it is given."""
    def run(seed: int) -> Run:
        energies = None if claimed is None else np.array(claimed)
        return Run(samples, energies, trace=trace, wall=0.01)

    return Contender("liar", lambda qubo, seconds, threads: run)


def test_a_lie_fails_the_benchmark() -> None:
    instance = Instance("toy", Qubo.from_arrays([-1.0, -1.0], [0], [1], [3.0]))
    lying = liar(np.array([[1, 1]]), [-2.0], [])
    for measure in (quality, target):
        with pytest.raises(Failure, match="liar's own word on toy"):
            measure([lying], [instance], 0.1, [1, 2], 1, Recount())


def test_an_incumbent_that_no_sample_bears_out_does_not_count() -> None:
    instance = Instance("toy", Qubo.from_arrays([-1.0, -1.0], [0], [1], [3.0]), known=-1.0)
    boasting = liar(np.array([[0, 0]]), None, [(0.001, -1.0)])
    table = target([boasting], [instance], 0.1, [1, 2], 1, Recount())[0]
    assert table.rows[0][2:4] == ["0 of 2", None]


# -- peers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
@pytest.mark.parametrize("grouped", [False, True])
def test_peers_return_what_they_claim(peer: Contender, grouped: bool) -> None:
    if peer.missing:
        pytest.skip(peer.missing)
    qubo = SHAPES["QUBO 60, 50 %"](1)
    if grouped:
        qubo = qubo.with_groups([Group((0, 1, 2), 1)])
    runner = peer.prepare(qubo, 0.2, 1)
    if isinstance(runner, str):
        assert "tenure" in runner or "ramp" in runner
        return
    first, second = runner(1), runner(2)
    assert first.samples.shape[1] == 60
    assert first.times is None or (np.diff(first.times) >= 0.0).all()
    recount = Recount()
    for run in (first, second):
        recount.check(peer.name, Instance("toy", qubo), run.samples, run.claimed, run.tolerance)
    assert recount.claims == recount.samples == len(first.samples) + len(second.samples)


class FakeMqlib:
    """Maximises as MQLib says it does: x'Qx for a symmetric matrix, by looking at everything."""

    @staticmethod
    def Instance(problem: str, data: Any) -> np.ndarray:
        assert problem == "Q"
        matrix = data.toarray()
        assert (matrix == matrix.T).all()
        return matrix

    @staticmethod
    def runHeuristic(
        heuristic: str, instance: np.ndarray, rtsec: float, callback: Any, seed: int = -1
    ) -> dict[str, Any]:
        assert callback(None) == 1
        samples = np.array(list(product((0, 1), repeat=len(instance))))
        values = np.einsum("ki,ij,kj->k", samples, instance, samples)
        best = int(values.argmax())
        return {
            "objval": values[best], "solution": samples[best].tolist(),
            "bestsolhistory_objvals": [0.0, values[best]], "bestsolhistory_runtimes": [0.0, 0.01],
        }


def test_mqlib_is_given_the_model_as_it_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "MQLib", FakeMqlib)
    matrix = np.random.default_rng(5).normal(size=(7, 7))
    matrix[2, 2] = 0.0
    qubo = Qubo.from_matrix(matrix, offset=1.5)
    peer = next(peer for peer in PEERS if peer.name == "mqlib BURER2002")
    run = peer.prepare(qubo, 0.1, 1)(1)
    energies = Recount().check("mqlib", Instance("toy", qubo), run.samples, run.claimed, 1e-9)
    assert energies[0] == pytest.approx(qubo.energies(list(product((0, 1), repeat=7))).min())
    assert run.trace[-1] == (0.01, pytest.approx(energies[0]))
