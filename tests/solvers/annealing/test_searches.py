"""What memetic, tempering and portfolio share: right answers, honest budgets, starts, one seed."""

import threading
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from qubo_searches import best_energy, check_search, huge_and_tiny, random_qubo

from qopt.errors import UsageError
from qopt.forms import Group, Qubo
from qopt.solver import Budget, Outcome, Progress
from qopt.solvers.annealing.account import Account
from qopt.solvers.annealing.layout import Layout
from qopt.solvers.annealing.memetic import Memetic
from qopt.solvers.annealing.portfolio import Portfolio, _Arm, _Race
from qopt.solvers.annealing.reads import LaneReads
from qopt.solvers.annealing.tempering import Tempering

SEARCHES = [Memetic(), Tempering(), Portfolio()]
ids = {"ids": lambda search: type(search).__name__}


def run(
    search: Any, qubo: Qubo, budget: Budget | None = None, seed: int = 0, **options: Any
) -> tuple[Outcome, Progress]:
    progress = Progress()
    return search.solve(qubo, budget or Budget(), seed, progress, **options), progress


def with_groups(qubo: Qubo) -> Qubo:
    return qubo.with_groups([Group(tuple(range(50)), 15), Group((50, 51, 52), 1)])


@pytest.mark.parametrize("search", SEARCHES, **ids)
@given(seed=st.integers(0, 999), n=st.integers(1, 9), real=st.booleans(), grouped=st.booleans())
@settings(deadline=None, max_examples=12)
def test_finds_the_optimum_of_small_models(
    search: Any, seed: int, n: int, real: bool, grouped: bool
) -> None:
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(n, n)) if real else rng.integers(-5, 6, (n, n))
    qubo = Qubo.from_matrix(np.triu(matrix), offset=-2.0)
    if grouped:
        members = tuple(rng.permutation(n)[: rng.integers(1, n + 1)].tolist())
        qubo = qubo.with_groups([Group(members, int(rng.integers(0, len(members) + 1)))])
    outcome, progress = run(search, qubo, Budget(evaluations=60_000))
    check_search(qubo, outcome, progress)
    assert qubo.energy(outcome.answers[0]) == pytest.approx(best_energy(qubo), abs=1e-9)


@pytest.mark.parametrize("search", SEARCHES, **ids)
def test_models_at_the_edge(search: Any) -> None:
    everything_fixed = Qubo.from_arrays([1.0, 2.0, 3.0], groups=[Group((0, 1, 2), 3)])
    for qubo in (
        Qubo.from_arrays([], offset=2.0), Qubo.from_arrays([-1.0]), Qubo.from_arrays([1.0]),
        Qubo.from_arrays(np.zeros(4)), everything_fixed, huge_and_tiny(),
    ):  # fmt: skip
        outcome, progress = run(search, qubo, Budget(evaluations=20_000))
        check_search(qubo, outcome, progress)
        assert qubo.energy(outcome.answers[0]) == best_energy(qubo)


@pytest.mark.parametrize("search", SEARCHES, **ids)
@pytest.mark.parametrize("density", [0.05, 1.0])
@pytest.mark.parametrize("grouped", [False, True])
def test_one_seed_one_answer_for_any_number_of_threads(
    search: Any, density: float, grouped: bool
) -> None:
    qubo = random_qubo(0, 120, density)
    qubo = with_groups(qubo) if grouped else qubo
    runs = []
    for threads in (1, 1, 3):
        outcome, progress = run(search, qubo, Budget(evaluations=400_000, threads=threads), seed=5)
        check_search(qubo, outcome, progress)
        assert 0 < outcome.usage.evaluations <= 400_000
        runs.append(outcome)
    for other in runs[1:]:
        np.testing.assert_array_equal(other.answers, runs[0].answers)
        assert other.usage.evaluations == runs[0].usage.evaluations


@pytest.mark.parametrize("search", SEARCHES, **ids)
@pytest.mark.parametrize("evaluations", [1, 59, 60, 1000, 50_000])
def test_evaluations_are_never_exceeded(search: Any, evaluations: int) -> None:
    for qubo in (random_qubo(1, 60), random_qubo(1, 60).with_groups([Group((0, 1, 2), 1)])):
        outcome, progress = run(search, qubo, Budget(evaluations=evaluations))
        check_search(qubo, outcome, progress)
        assert outcome.usage.evaluations <= evaluations


@pytest.mark.parametrize("search", SEARCHES, **ids)
@pytest.mark.parametrize("grouped", [False, True])
def test_never_worse_than_where_it_starts(search: Any, grouped: bool) -> None:
    qubo = random_qubo(2, 120, 0.05)
    qubo = with_groups(qubo) if grouped else qubo
    known, _ = run(search, qubo, Budget(evaluations=400_000))
    broken = 1 - np.asarray(known.answers[0])
    starts = [broken, *known.answers[:3]] if grouped else list(known.answers[:3])
    for budget in (Budget(time_limit=0.0), Budget(evaluations=1), Budget(evaluations=10**4)):
        outcome, progress = run(search, qubo, budget, seed=9, start=starts)
        check_search(qubo, outcome, progress)
        assert qubo.energy(outcome.answers[0]) <= qubo.energy(known.answers[0]) + 1e-9


@pytest.mark.parametrize("search", SEARCHES, **ids)
@pytest.mark.parametrize("threads", [1, 2])
def test_a_time_limit_and_a_stop_end_it(search: Any, threads: int) -> None:
    qubo = random_qubo(3, 300, 0.03)
    outcome, progress = run(search, qubo, Budget(time_limit=0.3, threads=threads))
    check_search(qubo, outcome, progress)
    assert outcome.usage.evaluations > 0
    progress = Progress()
    timer = threading.Timer(0.2, progress.stop)
    timer.start()
    begin = time.perf_counter()
    outcome = search.solve(qubo, Budget(time_limit=60.0, threads=threads), 0, progress)
    assert time.perf_counter() - begin < 30.0
    check_search(qubo, outcome, progress)


@pytest.mark.parametrize("bad", [{"beta_min": 0.0}, {"beta_max": float("nan")},
                                 {"beta_min": 2.0, "beta_max": 1.0}])  # fmt: skip
def test_bad_options_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="beta"):
        Tempering(**bad)


def test_tempering_keeps_to_given_temperatures_at_its_cold_end() -> None:
    qubo = random_qubo(4, 80, 0.1)
    outcome, _ = run(
        Tempering(beta_min=0.01, beta_max=0.5), qubo, Budget(evaluations=10**6)
    )
    (ladder,) = outcome.details["ladders"]
    assert ladder["betas"][-1] == pytest.approx(0.5)
    assert min(ladder["betas"]) >= 0.01 * (1.0 - 1e-9)
    assert ladder["cluster_moves"] > 0
    assert ladder["replicas"] == 32


def test_cluster_moves_keep_the_sum_of_energies() -> None:
    rng = np.random.default_rng(6)
    qubo = random_qubo(6, 90, 0.02)
    model = Layout.choose(qubo).build(qubo)
    first, second = LaneReads(model, 16, rng), LaneReads(model, 16, rng)
    moved = 0
    for k in range(50):
        lane, other = int(rng.integers(16)), int(rng.integers(16))
        before = first.energies()[lane] + second.energies()[other]
        states = first.states()[lane] + second.states()[other]
        size = first.exchange_cluster(lane, second, other, k % 2 == 1, rng)
        if k % 2 == 0:  # compared with the complement, sums of states may change
            after = first.energies()[lane] + second.energies()[other]
            assert after == pytest.approx(before, abs=1e-6)
            assert (first.states()[lane] + second.states()[other] == states).all()
        moved += size > 0
        for batch in (first, second):  # the fields follow the states
            energies = qubo.energies(batch.states()) - qubo.offset
            assert batch.energies() / model.scale == pytest.approx(energies, abs=1e-6)
    assert moved > 40


def test_portfolio_tells_who_got_what() -> None:
    qubo = random_qubo(7, 100, 0.1)
    outcome, progress = run(Portfolio(), qubo, Budget(evaluations=2_000_000))
    details = outcome.details
    assert details["winner"] in details["arms"]
    assert details["incumbent_by"] in {*details["arms"], "crossover"}
    assert sum(arm["share"] for arm in details["arms"].values()) == pytest.approx(1.0)
    assert {"memetic", "tempering", "sa"} <= set(details["arms"])
    proposals = sum(done["proposals"] for done in details["slices"])
    assert proposals <= outcome.usage.evaluations
    last = details["slices"][-1]
    assert last["arm"] == details["winner"]
    assert progress.trace.incumbents[-1][1] <= min(done["best"] for done in details["slices"])


def test_portfolio_does_not_race_on_a_shoestring() -> None:
    outcome, _ = run(Portfolio(), random_qubo(7, 100, 0.1), Budget(evaluations=50_000))
    assert [done["arm"] for done in outcome.details["slices"]] == ["memetic"]


class Recorded:
    """A batch that notes how many sweeps it is asked for at a time."""

    reads = 1

    def __init__(self) -> None:
        self.calls: list[int] = []

    def sweep(self, temperatures: NDArray[np.float32]) -> None:
        self.calls.append(len(temperatures))

    def checkpoint(self) -> NDArray[np.float64]:
        return np.zeros(1)


def test_a_timed_walk_begins_with_few_sweeps_whatever_the_last_ones_took() -> None:
    qubo = random_qubo(8, 50)
    layout = Layout.choose(qubo)
    budget = Budget(time_limit=0.05)
    account = Account(qubo, layout, layout.build(qubo), budget, budget.start(), 0, Progress())
    account.paced(10**6, lambda: None)  # a million sweeps in no time
    batch = Recorded()
    account.walk(batch, 2.0, 1.0, 1.0)
    assert batch.calls[:4] == [1, 2, 4, 8]


def test_the_portfolio_computes_the_energy_of_an_answer_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from qopt.solvers.annealing import account

    calls: list[set[bytes]] = []

    def energies_of(model: Any, layout: Any, states: NDArray[np.int8]) -> NDArray[np.float64]:
        calls.append({state.tobytes() for state in states})
        return original(model, layout, states)

    original = account.energies_of
    # The searches inside have their own: only what the race asks for counts.
    monkeypatch.setattr(account, "energies_of", energies_of)
    monkeypatch.setattr(
        account.Account, "energies", lambda self, x: original(self.model, self.layout, x)
    )
    qubo = random_qubo(9, 80)
    outcome, progress = run(Portfolio(), qubo, Budget(evaluations=1_000_000))
    check_search(qubo, outcome, progress)
    assert len(calls) > 1
    assert sum(map(len, calls)) == len(set().union(*calls))


@pytest.mark.parametrize(("density", "first"), [(0.02, "memetic"), (1.0, "sa")])
def test_a_memetic_search_of_a_sparse_model_may_lag(density: float, first: str) -> None:
    qubo = random_qubo(10, 400, density)
    race = _Race(qubo, Budget(), 0, Progress(), [])
    memetic, sa = (_Arm(name, None, True, 1) for name in ("memetic", "sa"))
    memetic.best, sa.best = qubo.offset - 999.0, qubo.offset - 1000.0
    assert min((memetic, sa), key=race._merit).name == first
    memetic.best = qubo.offset - 990.0  # clearly behind
    assert min((memetic, sa), key=race._merit) is sa
