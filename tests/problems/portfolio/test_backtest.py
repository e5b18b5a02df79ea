"""The walk-forward backtest: no look-ahead, accounting by hand, baselines, and what it reports."""

import csv
import io
import json
import re
from dataclasses import replace
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest

import qopt
from qopt.errors import InputError, UnsupportedError, UsageError
from qopt.problems.portfolio import History, Moments, Portfolio, moments_of
from qopt.problems.portfolio.backtest import backtest
from qopt.problems.portfolio.performance import (
    Calendar,
    Measure,
    differences,
    drawdown,
    periods_per_year,
)
from qopt.problems.portfolio.strategies import (
    continuous,
    equal_weight,
    greedy,
    inverse_volatility,
    random_selection,
    rules_for,
)
from qopt.problems.portfolio.walk import instance_before, rebalancings, walk

RNG = np.random.default_rng(0)


def portfolio(returns, **settings):
    periods, n = returns.shape
    history = History(tuple(str(t) for t in range(periods)), returns)
    assets = tuple(f"a{i}" for i in range(n))
    settings = {"select": 2, "risk": 0.9, **settings}
    return Portfolio(name="p", moments=moments_of(assets, history), **settings)


RETURNS = np.random.default_rng(7).normal(0.002, 0.02, (60, 5)) * [1.0, 1.5, 0.7, 1.2, 0.9]


@pytest.fixture(scope="module")
def tested():
    return backtest(
        replace(portfolio(RETURNS), periods_per_year=52.0), window=20, step=10,
        solvers=["exact", "sa:reads=2,sweeps=10"], seed=3,
    )


# -- no look-ahead --------------------------------------------------------------------------------


@pytest.mark.parametrize("estimator", ["sample", "ledoit-wolf"])
def test_what_comes_later_changes_nothing_before(estimator):
    history = History(tuple(str(t) for t in range(60)), RETURNS, estimator=estimator)
    assets = tuple(f"a{i}" for i in range(5))
    cut = 43  # within a holding period
    later = RETURNS.copy()
    later[cut:] = RNG.normal(0.0, 0.3, later[cut:].shape)
    tracks = []
    for returns in (RETURNS, later):
        changed = replace(history, returns=returns)
        problem = Portfolio(name="p", moments=moments_of(assets, changed), select=2, risk=0.9)
        tracks.append(backtest(problem, window=20, step=10, solvers=["exact"]).tracks)
    for one, other in zip(*tracks, strict=True):
        for first, second in zip(one.walks, other.walks, strict=True):
            # Dates are 20, 30, 40 and 50: the first three come before the change.
            assert (first.weights[:3] == second.weights[:3]).all()
            assert (first.traded[:3] == second.traded[:3]).all()
            assert (first.returns[: cut - 20] == second.returns[: cut - 20]).all()
            assert (first.returns[cut - 20 :] != second.returns[cut - 20 :]).any()


def test_an_instance_is_estimated_from_its_window_alone():
    whole = portfolio(RETURNS)
    part = instance_before(whole, 35, 20)
    assert part.moments.history.times == tuple(str(t) for t in range(15, 35))
    assert np.allclose(part.moments.mean, RETURNS[15:35].mean(axis=0), rtol=1e-12)
    assert np.allclose(part.moments.covariance, np.cov(RETURNS[15:35].T), rtol=1e-12)
    assert list(rebalancings(60, 20, 15)) == [20, 35, 50]


def test_an_index_is_estimated_with_its_assets():
    history = History(tuple(str(t) for t in range(60)), RETURNS)
    moments, index = moments_of(tuple("XABCD"), history).split("X")
    problem = Portfolio(
        name="p", moments=moments, benchmark=index, select=2, objective="tracking"
    )
    part = instance_before(problem, 35, 20)
    joint = np.cov(RETURNS[15:35].T)
    assert np.allclose(part.benchmark.covariance, joint[0, 1:], rtol=1e-12)
    assert part.benchmark.variance == pytest.approx(joint[0, 0])
    assert np.allclose(part.moments.covariance, joint[1:, 1:], rtol=1e-12)


# -- accounting -----------------------------------------------------------------------------------


def test_holdings_drift_and_trades_cost_by_hand():
    returns = np.array([[0.0, 0.0]] * 2 + [[0.1, 0.0], [0.0, 0.2], [-0.5, 0.0]]) + 0.0
    problem = portfolio(np.vstack([returns, returns]), select=1)
    problem = replace(problem, moments=moments_of(("A", "B"), History(tuple("12345"), returns)))
    targets = [np.array([0.5, 0.5]), None]
    done = walk(problem, [problem] * 2, range(2, 5, 2), 0.01, lambda number, _: targets[number])
    # 0.5 of each is bought for 1 %; 0.55 and 0.5 of 1.05; then 0.55 and 0.6 of 1.15.
    assert done.returns == pytest.approx([
        0.99 * 1.05 - 1.0, 1.15 / 1.05 - 1.0, (0.275 + 0.6) / 1.15 - 1.0
    ])
    assert done.missed == (1,)
    assert done.traded == pytest.approx([1.0, 0.0])
    assert done.weights[1] == pytest.approx([0.55 / 1.15, 0.6 / 1.15])
    # Selling all that is held and buying something else trades twice.
    targets[1] = np.array([1.0, 0.0])
    done = walk(problem, [problem] * 2, range(2, 5, 2), 0.01, lambda number, _: targets[number])
    traded = 2 * 0.6 / 1.15
    assert done.traded[1] == pytest.approx(traded)
    assert done.returns[2] == pytest.approx((1 - 0.01 * traded) * 0.5 - 1.0)


def test_after_a_loss_of_everything_nothing_is_lost():
    returns = np.array([[0.0, 0.0]] * 2 + [[-1.0, -1.0], [0.1, 0.1], [0.2, 0.0], [0.1, 0.1]])
    history = History(tuple("123456"), returns)
    problem = replace(
        portfolio(returns, select=1), moments=moments_of(("A", "B"), history)
    )
    done = walk(problem, [problem] * 2, range(2, 6, 3), 0.01, lambda *_: np.array([0.5, 0.5]))
    assert done.returns[:3].tolist() == [-1.0, 0.0, 0.0]


def test_nothing_picked_is_cash():
    problem = portfolio(RETURNS)
    done = walk(problem, [problem] * 2, range(20, 60, 20), 0.01, lambda number, _: None)
    assert (done.returns == 0.0).all()


def test_figures_by_hand():
    returns = np.array([0.1, -0.2, 0.05, 0.0])
    year = Calendar(12.0, 0.001)
    assert year.growth(returns) == pytest.approx((1.1 * 0.8 * 1.05) ** 3 - 1.0)
    assert year.volatility(returns) == pytest.approx(returns.std(ddof=1) * np.sqrt(12))
    expected = (returns.mean() - 0.001) / returns.std(ddof=1) * np.sqrt(12)
    assert year.sharpe(returns) == pytest.approx(expected)
    assert np.isnan(year.sharpe(np.zeros(4)))
    assert drawdown(returns) == pytest.approx(0.2)
    assert drawdown(np.array([-0.1, -0.1])) == pytest.approx(0.19)
    assert year.growth(np.array([0.1, -1.0])) == -1.0


@pytest.mark.parametrize(
    ("times", "periods"),
    [
        ([str(day) for day in np.arange("2020-01-01", "2021-01-01", dtype="datetime64[D]")
          if np.is_busday(day)], 252.0),
        (["2020-01-01", "2020-01-02", "2020-01-03", "2020-01-04", "2020-01-05"], 365.0),
        (["2020/01/03", "2020/01/10", "2020/01/17"], 52.0),
        (["2020-01-31", "2020-02-29", "2020-03-31", "2020-04-30"], 12.0),
        (["2020-01-01", "2020-01-15", "2020-01-29"], 26.1),
        (["1", "2", "3"], None),
        (["2020-01-01", "2020-01-02"], None),
    ],
)
def test_periods_of_a_year_are_those_of_the_dates(times, periods):
    assert periods_per_year(times) == periods


def test_figures_are_of_a_year_where_the_dates_tell(tested):
    weeks = tuple(str(np.datetime64("2020-01-03") + 7 * t) for t in range(60))
    history = replace(tested.problem.moments.history, times=weeks)
    problem = replace(
        tested.problem, periods_per_year=None,
        moments=replace(tested.problem.moments, history=history),
    )
    done = backtest(problem, window=20, step=10, solvers=["exact"], seed=3)
    assert done.calendar.periods_per_year == 52.0
    assert "figures per year of 52 periods, by the dates" in done.render()
    plain = backtest(replace(tested.problem, periods_per_year=None), window=20, step=10,
                     solvers=["exact"], seed=3)
    assert "figures per period\n" in plain.render()
    value = 100.0 * plain.figures["volatility"]["exact"].value
    assert f"{value:.3f} [" in plain.render()


# -- baselines ------------------------------------------------------------------------------------


def test_rules():
    problem, rng = portfolio(RETURNS), np.random.default_rng(0)
    assert equal_weight(problem, rng).tolist() == [0.2] * 5
    inverse = inverse_volatility(problem, rng)
    assert inverse * RETURNS.std(axis=0, ddof=1) == pytest.approx(
        np.full(5, inverse[0] * RETURNS[:, 0].std(ddof=1))
    )
    best = continuous(problem, rng)
    lots = [np.isin(np.arange(5), pair).astype(int) for pair in combinations(range(5), 2)]
    objective = 0.9 * best @ problem.moments.covariance @ best - 0.1 * problem.moments.mean @ best
    values = [problem.score(row).objective for row in lots]
    assert objective < min(values)
    # Greedy: the best single asset, then the best to go with it.
    single = 0.9 * problem.moments.covariance.diagonal() - 0.1 * problem.moments.mean
    first = int(single.argmin())
    pairs = [v for v, row in zip(values, lots, strict=True) if row[first]]
    chosen = greedy(problem, rng)
    assert problem.score((2 * chosen).astype(int)).objective == pytest.approx(min(pairs))


def test_greedy_and_random_keep_the_limits():
    sectors = {"a0": "x", "a1": "x", "a2": "x", "a3": "y", "a4": "y"}
    problem = portfolio(
        RETURNS, select=None, budget=6, max_lots=3, hold=("a1",), exclude=("a3",), sectors=sectors,
        sector_max_weight={"x": 0.5},
    )
    rng = np.random.default_rng(1)
    for rule in (greedy, random_selection):
        lots = np.rint(6 * rule(problem, rng)).astype(int)
        assert problem.score(lots).feasible
        assert lots[1] >= 1
    assert {rule.name for rule in rules_for(problem, 5)} == {
        "equal weight", "inverse volatility", "continuous", "greedy", "random"
    }
    free = portfolio(RETURNS, select=None, weighting="continuous")
    assert {rule.name for rule in rules_for(free, 5)} == {
        "equal weight", "inverse volatility", "continuous"
    }


@pytest.mark.parametrize("limits", [
    {"weighting": "continuous", "max_assets": 2, "min_weight": 0.1},
    {"max_assets": 2, "cash_return": 0.0001},
])
def test_where_weights_are_free_rules_choose_as_many_assets_alike(limits):
    rules = {rule.name: rule for rule in rules_for(portfolio(RETURNS, select=None, **limits), 5)}
    rng = np.random.default_rng(1)
    for name in ("greedy", "random"):
        weights = rules[name].pick(portfolio(RETURNS, select=None, **limits), rng)
        assert sorted(weights) == [0.0, 0.0, 0.0, 0.5, 0.5]
    assert rules["greedy"].pick(portfolio(RETURNS, select=None, **limits), rng).tolist() == (
        greedy(portfolio(RETURNS), rng).tolist()
    )


def test_continuous_weights_follow_the_aim():
    rng = np.random.default_rng(2)
    aims = [portfolio(RETURNS, risk=None, objective=aim) for aim in ("max-sharpe", "min-variance")]
    sharpe, least = (continuous(problem, rng) for problem in aims)
    mean, covariance = aims[0].moments.mean, aims[0].moments.covariance

    def ratio(w):
        return mean @ w / np.sqrt(w @ covariance @ w)

    for _ in range(200):
        w = rng.dirichlet(np.ones(5))
        assert ratio(w) <= ratio(sharpe) + 1e-9
        assert w @ covariance @ w >= least @ covariance @ least - 1e-12
    history = History(tuple(str(t) for t in range(60)), np.column_stack([RETURNS[:, 1], RETURNS]))
    moments, index = moments_of(tuple("XABCDE"), history).split("X")
    tracking = Portfolio(
        name="p", moments=moments, benchmark=index, select=2, objective="tracking"
    )
    assert continuous(tracking, rng) == pytest.approx([0, 1, 0, 0, 0], abs=1e-4)
    falling = portfolio(-np.abs(RETURNS), risk=None, objective="min-variance")
    falling = replace(falling, objective="max-sharpe", risk_free=1.0)
    assert continuous(falling, rng) is None


def test_still_assets_have_all_of_inverse_volatility():
    problem = Portfolio(name="p", moments=Moments(tuple("AB"), [0, 0], np.diag([0, 1.0])), select=1)
    assert inverse_volatility(problem, RNG).tolist() == [1.0, 0.0]


# -- the whole ------------------------------------------------------------------------------------


def test_strategies_and_comparisons(tested):
    names = [track.name for track in tested.tracks]
    assert names == ["exact", "sa:reads=2,sweeps=10", "equal weight", "inverse volatility",
                     "continuous", "greedy", "random"]
    exact = tested.tracks[0]
    assert exact.proven == 4
    assert exact.missed == 0
    assert tested.answered
    assert len(tested.differences) == 2 * 5 * 2
    assert tested.spent(exact) == pytest.approx(0.001 * exact.walks[0].traded.sum())
    assert exact.turnover == pytest.approx(exact.walks[0].traded[1:].mean() / 2)
    for figures in tested.figures.values():
        for estimate in figures.values():
            assert estimate.low <= estimate.value <= estimate.high
    assert len(tested.tracks[-1].walks) == 20


def test_each_date_is_solved_as_an_instance_of_its_own(tested):
    problem = instance_before(tested.problem, 40, 20)
    weights = tested.tracks[0].walks[0].weights[2]
    values = [
        problem.score(np.isin(np.arange(5), pair).astype(int)).objective
        for pair in combinations(range(5), 2)
    ]
    found = problem.score(np.rint(2 * weights).astype(int)).objective
    assert found == pytest.approx(min(values))


def test_one_seed_gives_one_test(tested):
    again = backtest(
        tested.problem, window=20, step=10, solvers=["exact", "sa:reads=2,sweeps=10"], seed=3
    )
    assert again.to_csv() == tested.to_csv()
    assert [d.to_json() for d in again.differences] == [d.to_json() for d in tested.differences]


def test_a_difference_that_is_there_is_found():
    calm, wild = RNG.normal(0.001, 0.01, (1, 200)), RNG.normal(0.001, 0.05, (1, 200))
    places = RNG.integers(0, 200, (500, 200))
    year = Calendar()
    paths = {"calm": calm, "wild": wild, "same": calm}
    measures = [Measure("volatility", year.volatility, False, paths),
                Measure("Sharpe ratio", year.sharpe, True, paths)]
    found = differences(["calm"], ["wild", "same"], measures, places)
    assert [d.verdict for d in found[:2]] == ["better", "the same portfolios"]
    assert found[0].corrected <= 2.0 * found[0].estimate.p_value  # those that differ count alone
    assert found[1].estimate.value == 0.0
    (back,) = differences(["wild"], ["calm"], measures[:1], places)
    assert back.verdict == "worse"


def test_with_an_index_the_tracking_error_is_compared():
    history = History(tuple(str(t) for t in range(60)), RETURNS)
    moments, index = moments_of(tuple("XABCD"), history).split("X")
    problem = Portfolio(
        name="p", moments=moments, benchmark=index, select=2, objective="tracking"
    )
    done = backtest(problem, window=20, step=10, solvers=["exact"])
    active = done.tracks[0].returns[0] - RETURNS[20:, 0]
    assert done.figures["tracking error"]["exact"].value == pytest.approx(active.std(ddof=1))
    assert done.compared == ["volatility", "Sharpe ratio", "tracking error"]
    assert len(done.differences) == 3 * 5
    assert "tracking error %" in done.render()
    assert done.to_json()["strategies"][0]["tracking_error"]["value"] > 0.0


def test_reports(tested):
    text = tested.render()
    assert text.startswith("p: 4 rebalancings every 10 periods from 19, each from the 20 returns")
    assert "blocks of 4 periods" in text
    rows = list(csv.DictReader(io.StringIO(tested.to_csv())))
    assert len(rows) == 40
    assert float(rows[5]["exact"]) == tested.tracks[0].returns[0, 5]
    exact = tested.tracks[0].walks[0].weights
    for i, asset in enumerate(tested.problem.assets):
        if exact[:, i].any():
            cells = [row[f"exact: weight of {asset}"] for row in rows]
            assert [float(cell) for cell in cells[::10]] == exact[:, i].tolist()
            assert set(cells) - set(cells[::10]) == {""}
    assert not any(name.startswith("random: weight") for name in rows[0])
    data = json.loads(json.dumps(tested.to_json(), allow_nan=False))
    assert data["bootstrap"] == {"kind": "stationary", "mean_block": 4.0, "resamples": 2000,
                                 "confidence": 0.95}
    assert len(data["strategies"][0]["portfolios"]) == 4
    page = tested.to_html()
    drawing = ElementTree.fromstring(re.search(r"<svg.*?</svg>", page, re.S)[0])
    assert len(list(drawing.iter("{http://www.w3.org/2000/svg}path"))) == 7
    assert not re.search(r"(src|href)=|url\(|@import|<script", page)
    assert all(sentence.split(",")[0] in page for sentence in data["verdicts"])


def test_turnover_limits_speak_of_what_is_held():
    problem = portfolio(RETURNS, select=None, budget=4, max_turnover=0.25, current={"a0": 1.0})
    done = backtest(problem, window=20, step=10, solvers=["cpsat"], cost=0.0).tracks[0]
    # The first date starts from the instance's own holdings, the later ones from what has drifted.
    assert done.walks[0].weights[0][0] >= 0.75 - 1e-9
    assert (done.walks[0].traded[1:] <= 0.5 + 1e-6).all()


def test_baselines_that_choose_keep_the_turnover():
    problem = portfolio(
        RETURNS, max_turnover=0.55, cost=0.002, current={"a3": 0.45, "a4": 0.4, "a0": 0.1}
    )
    done = backtest(problem, window=20, step=10, solvers=["exact"])
    assert done.cost == 0.002
    tracks = {track.name: track for track in done.tracks}
    for name in ("exact", "greedy", "random"):
        assert tracks[name].missed == 0
        mean = np.mean([path.traded.mean() for path in tracks[name].walks])
        assert tracks[name].turnover == pytest.approx(mean / 2)
        for path in tracks[name].walks:
            start = np.array([0.1, 0.0, 0.0, 0.45, 0.4])
            assert 0.0 < path.traded[0] == np.abs(path.weights[0] - start).sum() <= 1.1 + 1e-6
            assert (path.traded <= 1.1 + 1e-6).all()
    assert max(tracks["continuous"].walks[0].traded) > 1.1
    assert "max_turnover, which it does not keep" in tracks["equal weight"].summary
    assert "max_turnover=0.55 limits every rebalancing but" in done.render()


def test_what_never_had_a_portfolio_has_no_figures():
    problem = portfolio(RETURNS, max_turnover=0.01, current={"a3": 0.9, "a4": 0.1})
    done = backtest(problem, window=20, step=10, solvers=["exact"])
    assert not done.answered
    assert {d.solver for d in done.differences} == set()
    row = next(row for row in done.render().splitlines() if row.startswith("greedy"))
    assert row.split() == ["greedy", *["–"] * 10, "4"]
    assert "greedy found no portfolio at 4 of 4 rebalancings and has no figures" in done.render()
    entry = next(s for s in done.to_json()["strategies"] if s["name"] == "greedy")
    assert entry["volatility"] == {"value": None, "low": None, "high": None}
    assert entry["tails"] is None
    assert done.to_html().count("<path") == 3


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"window": 1, "step": 5}, "window=1"),
        ({"window": 20, "step": 0}, "step=0"),
        ({"window": 55, "step": 5}, "60 returns with window=55 leave 5 to test on"),
        ({"window": 80, "step": 5}, "leave 0 to test on"),
        ({"window": 20, "step": 5, "cost": 1.0}, "cost=1"),
        ({"window": 20, "step": 5, "cost": -0.1}, "cost=-0.1"),
        ({"window": 20, "step": 5, "solvers": ()}, "needs a solver"),
        ({"window": 20, "step": 5, "block": 41.0}, "between 1 and 40"),
    ],
)
def test_refused_settings(settings, words):
    with pytest.raises(UsageError, match=re.escape(words)):
        backtest(portfolio(RETURNS), **settings)


def test_what_has_no_past():
    with pytest.raises(UnsupportedError, match="is a tsp"):
        backtest(qopt.load("burma14"), window=5, step=1)
    bare = Portfolio(name="bare", moments=Moments(("A",), [0.1], [[1.0]]), select=1)
    with pytest.raises(UnsupportedError, match="has moments alone"):
        backtest(bare, window=5, step=1)


def test_a_window_that_fails_is_named():
    broken = RETURNS.copy()
    broken[10] = 1e200
    with pytest.raises(InputError, match="the window that ends 1"):
        backtest(replace(portfolio(RETURNS), moments=replace(
            portfolio(RETURNS).moments, history=History(tuple(str(t) for t in range(60)), broken)
        )), window=15, step=5)


@pytest.mark.parametrize("runs", [1, 5, 9])
def test_an_interrupt_keeps_the_solvers_that_got_to_the_end(runs):
    class Stopping:
        total = 0
        begun = 0

        def begin(self, title):
            self.begun += 1
            if self.begun == runs:
                raise KeyboardInterrupt

        def report(self, progress):
            pass

    def test():
        return backtest(
            portfolio(RETURNS), window=20, step=10, solvers=["exact", "random", "milp"],
            observer=Stopping(),
        )

    if runs == 1:
        with pytest.raises(KeyboardInterrupt):
            test()
        return
    done = test()
    names = [track.name for track in done.tracks if track.is_solver]
    assert names == (["exact"] if runs == 5 else ["exact", "random"])
    left = "random, milp" if runs == 5 else "milp"
    assert f"interrupted: without {left}" in done.to_json()["notes"]
    assert f"interrupted: without {left}" in done.render()
