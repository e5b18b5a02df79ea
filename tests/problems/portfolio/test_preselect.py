"""Fewer assets for quantum devices, and the search that tells what that costs."""

import re
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qopt
from qopt.errors import UsageError
from qopt.forms import Qubo
from qopt.problems.portfolio import Moments, Portfolio
from qopt.problems.portfolio.search import local_optima, swap_search


def moments(n, seed):
    rng = np.random.default_rng(seed)
    spread = rng.normal(size=(n, n + 2))
    names = tuple(f"A{i}" for i in range(n))
    return Moments(names, rng.normal(0.01, 0.01, n), 1e-4 * spread @ spread.T)


def portfolio(n=10, seed=1, **chosen):
    return Portfolio(name="p", moments=moments(n, seed), **{"select": 3, **chosen})


def scores(problem, k):
    n = len(problem.assets)
    found = {}
    for inside in combinations(range(n), k):
        score = problem.score(np.isin(np.arange(n), inside).astype(int))
        if score.feasible:
            found[inside] = score.objective
    return found


# -- the search -----------------------------------------------------------------------------------


@given(
    seed=st.integers(0, 99),
    chosen=st.sampled_from([
        {}, {"objective": "max-sharpe"}, {"objective": "min-variance"}, {"hold": ("A4",)},
        {"current": {"A0": 0.5, "A1": 0.5}, "max_turnover": 0.7, "cost": 0.004},
        {"target_return": 0.012},
        {"sectors": {f"A{i}": "xyz"[i % 3] for i in range(10)}, "sector_max_assets": 1,
         "sector_min_assets": {"x": 1}},
    ]),
)
@settings(max_examples=30, deadline=None)
def test_the_search_finds_the_best_of_few(seed, chosen):
    problem = portfolio(seed=seed, **chosen)
    best = scores(problem, 3)
    found = swap_search(problem)
    if not best:
        assert found is None
        return
    value = problem.score(found)
    assert value.feasible
    wished = max(best.values()) if problem.sense == "maximise" else min(best.values())
    assert value.objective == pytest.approx(wished, rel=1e-9)


def test_the_search_moves_lots_and_cash():
    lots = portfolio(select=None, budget=6, max_lots=4, min_lots=2)
    assert lots.score(swap_search(lots)).feasible
    calm = portfolio(select=None, max_assets=4, min_assets=2, objective="min-variance")
    assert swap_search(calm).sum() == 2


def test_local_optima_are_different_and_sorted():
    problem = portfolio(n=10, seed=3)
    found = [problem.score(lots).objective for lots in local_optima(problem)]
    assert found == sorted(found)
    assert len(set(found)) == len(found)


def test_the_search_is_repeatable():
    problem = portfolio(n=30, seed=5, select=6)
    assert swap_search(problem).tolist() == swap_search(problem).tolist()


# -- fewer assets ---------------------------------------------------------------------------------


def test_others_weigh_nothing_and_the_loss_is_told():
    problem = portfolio()
    lowering = problem.lower(Qubo, preselect=5)
    assert lowering.model.num_variables == 5
    assert not lowering.complete
    assert lowering.notes[0].startswith("5 of 10 assets are kept")
    best = scores(problem, 3)
    kept = {problem.assets.index(name) for name in lowering.model.names}
    within = min(value for inside, value in best.items() if set(inside) <= kept)
    overall = min(best.values())
    assert f"best within them {within:.8g}, best over all assets {overall:.8g}" in lowering.notes[1]
    assert f"a loss of {within - overall:.3g}" in lowering.notes[1]
    assert "without a proof" in lowering.notes[1]


@pytest.mark.parametrize("chosen", [
    {}, {"select": None}, {"objective": "max-sharpe"}, {"cost": 0.001, "current": {"A0": 1.0}},
])
def test_the_loss_of_continuous_weights_is_within_what_the_relaxation_allows(chosen):
    free = {"weighting": "continuous", "min_weight": 0.1}
    problem = portfolio(**{**free, **chosen})
    note = problem.to_qubo(preselect=4).notes[1]
    within, overall, bound = (float(re.search(pattern, note)[1]) for pattern in (
        r"within them (\S+),", r"over all assets (\S+),",
        r"no portfolio of any assets is (?:below|above) (\S+),",
    ))
    sign = 1.0 if problem.sense == "minimise" else -1.0
    assert sign * bound <= sign * overall + 1e-9 <= sign * within + 2e-9
    best = qopt.solve(portfolio(**{**free, **chosen}), "miqp").objective
    assert sign * bound <= sign * best + 1e-7
    assert sign * best <= sign * overall + 1e-7


def test_what_must_be_held_and_what_sectors_need_is_kept():
    worst = "A7"
    sectors = {f"A{i}": "rare" if i in (2, 5) else "common" for i in range(10)}
    problem = portfolio(hold=(worst,), sectors=sectors, sector_min_assets={"rare": 1})
    lowering = problem.lower(Qubo, preselect=4)
    every = lowering.decode(np.ones(lowering.model.num_variables, dtype=np.int8))
    assert every.sum() == 4
    assert every[7] == 1
    assert every[[2, 5]].sum() == 1


def test_present_holdings_are_kept_where_turnover_is_limited():
    problem = portfolio(
        current={"A0": 1 / 3, "A1": 1 / 3, "A2": 1 / 3}, max_turnover=1 / 3
    )
    assert {"A0", "A1", "A2"} <= set(problem.lower(Qubo, preselect=5).model.names)


@pytest.mark.parametrize("keep", [0, 2, 10, 11])
def test_numbers_that_do_not_fit(keep):
    with pytest.raises(UsageError, match=f"preselect={keep}"):
        portfolio().lower(Qubo, preselect=keep)


@pytest.mark.parametrize("chosen", [
    {}, {"objective": "max-sharpe"}, {"weighting": "continuous", "min_weight": 0.1},
    {"select": None, "budget": 4, "max_lots": 2},
])
def test_runs_with_fewer_assets_claim_no_proof(chosen):
    problem = portfolio(**chosen)
    found = qopt.solve(problem, "exact", **{"lower.preselect": 6})
    assert found.score.feasible
    assert found.record.status == "feasible"
    assert found.record.bound is None
