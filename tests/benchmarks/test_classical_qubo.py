"""The comparison of QUBO solvers: its arithmetic, and its smallest run."""

from itertools import pairwise
from math import inf
from statistics import median

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from benchmarks import _contenders, _qubo_speed, classical_qubo
from benchmarks._contenders import Contender, Run, calibrate, rungs
from benchmarks._instances import SHAPES, Instance
from benchmarks._qubo_quality import measure as quality
from benchmarks._qubo_target import measure as target
from benchmarks._qubo_target import times_ratio
from benchmarks._recount import Recount
from benchmarks._table import Failure
from qopt.forms import Qubo

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
    lengths = rungs(total, shortest)
    assert sum(lengths) == pytest.approx(total)
    assert lengths[0] >= min(shortest, total)
    assert all(b in (a, 2 * a) for a, b in pairwise(lengths))


def test_calibration_parts_what_a_call_takes_from_its_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    monkeypatch.setattr(_contenders.time, "perf_counter", lambda: now[0])

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


def test_what_is_left_out_and_what_was_recounted_is_said(whole: list) -> None:
    told = "\n".join(whole[0].notes + whole[0].findings)
    for peer in ("openjij", "simulated_bifurcation", "MQLib"):
        assert _contenders.find_spec(peer) or f"pip install {peer.replace('_', '-')}" in told
    assert "evaluated again in two ways" in whole[-1].findings[-1]


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
