"""The risk report, against figures worked out by hand and by other means."""

from math import inf, nan, sqrt

import numpy as np
import pytest
from scipy import integrate, stats

import qopt
from qopt.errors import InputError, UsageError
from qopt.problem import fingerprint, insight_of, notes_of
from qopt.problems.portfolio import Moments, Portfolio, moments_of
from qopt.problems.portfolio.history import History
from qopt.problems.portfolio.risk import (
    check_levels,
    diversification_ratio,
    effective_assets,
    gaussian_tail,
    historical_tail,
    risk_report,
    turnover,
)


def test_historical_tail_by_hand():
    # Worst first: losses 0.10, 0.06, 0.05, 0.02, and six gains.
    returns = np.array([-0.05, 0.01, 0.02, -0.10, 0.0, 0.03, -0.02, 0.04, -0.06, 0.01])
    # A fifth of ten returns is two whole ones: exceeded by two of ten is 0.05.
    assert historical_tail(returns, 0.8) == pytest.approx((0.05, (0.10 + 0.06) / 2))
    # A quarter is two and a half: half of the third worst belongs to the tail.
    assert historical_tail(returns, 0.75) == pytest.approx(
        (0.05, (0.10 + 0.06 + 0.5 * 0.05) / 2.5)
    )
    # Less than one return: the worst one alone.
    assert historical_tail(returns, 0.99) == pytest.approx((0.10, 0.10))


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.99])
def test_historical_tail_minimises_its_convex_program(level):
    # Rockafellar and Uryasev: the conditional value at risk is the least of this over a.
    losses = -np.random.default_rng(4).normal(0.001, 0.02, 97)
    at_risk, tail = historical_tail(-losses, level)
    values = [a + np.maximum(losses - a, 0.0).mean() / (1.0 - level) for a in losses]
    assert tail == pytest.approx(min(values), rel=1e-12)
    assert np.mean(losses > at_risk) <= 1.0 - level < np.mean(losses >= at_risk)


@pytest.mark.parametrize("level", [0.5, 0.95, 0.99])
def test_gaussian_tail_is_the_integral_of_its_density(level):
    loss = stats.norm(-0.01, 0.2)
    at_risk, tail = gaussian_tail(0.01, 0.2, level)
    assert loss.cdf(at_risk) == pytest.approx(level, abs=1e-12)
    mean, _ = integrate.quad(lambda x: x * loss.pdf(x), at_risk, inf)
    assert tail == pytest.approx(mean / (1.0 - level), rel=1e-8)


def test_spread_by_hand():
    weights = np.array([0.5, 0.25, 0.25])
    assert effective_assets(weights) == pytest.approx(1 / 0.375)
    covariance = np.diag([0.04, 0.01, 0.01])
    expected = (0.5 * 0.2 + 0.5 * 0.1) / sqrt(0.25 * 0.04 + 2 * 0.0625 * 0.01)
    assert diversification_ratio(weights, covariance) == pytest.approx(expected)
    assert diversification_ratio(np.array([1.0, 0, 0]), covariance) == pytest.approx(1.0)
    assert turnover(weights, np.array([0.0, 0.5, 0.5])) == pytest.approx(0.5)


def test_report_of_moments_per_year():
    moments = Moments(("A", "B"), [0.104, 0.052], np.diag([0.52, 0.13]))
    report = risk_report(
        np.array([0.5, 0.5]), moments, periods_per_year=52, risk_free=0.026, levels=(0.9,),
        current=np.array([1.0, 0.0]),
    )
    deviation = sqrt(0.25 * 0.65)
    assert report["expected return"] == pytest.approx({"per period": 0.0015, "per year": 0.078})
    assert report["volatility"] == pytest.approx(
        {"per period": deviation / sqrt(52), "per year": deviation}
    )
    assert report["Sharpe ratio"] == pytest.approx({
        "per period": 0.052 / deviation / sqrt(52), "per year": 0.052 / deviation,
        "risk-free return": 0.026,
    })
    z = stats.norm.ppf(0.9)
    assert report["value at risk"]["90 %"] == pytest.approx(
        -0.0015 + z * deviation / sqrt(52), rel=1e-9
    )
    assert report["tail losses"].startswith("Gaussian")
    assert report["turnover"] == 0.5


def test_cash_and_an_index():
    returns = np.array([[0.1, 0.04], [-0.1, 0.0], [0.03, -0.01], [0.0, 0.02]])
    whole = moments_of(("A", "X"), History(tuple("1234"), returns))
    moments, index = whole.split("X")
    assert moments.history.benchmark.tolist() == returns[:, 1].tolist()
    report = risk_report(
        np.array([0.6]), moments, cash_return=0.01, levels=(0.75,), benchmark=index
    )
    assert report["expected return"]["per period"] == pytest.approx(0.6 * 0.0075 + 0.4 * 0.01)
    assert report["conditional value at risk"]["75 %"] == pytest.approx(0.06 - 0.004)
    difference = 0.6 * returns[:, 0] - returns[:, 1]
    assert report["tracking error"]["per period"] == pytest.approx(difference.std(ddof=1))
    slope = np.polyfit(returns[:, 1], 0.6 * returns[:, 0], 1)[0]
    assert report["tracking error"]["beta"] == pytest.approx(slope)


def test_costs_and_sectors_are_told():
    moments = Moments(("A", "B", "C"), [0.104, 0.052, 0.0], np.diag([0.52, 0.13, 0.1]))
    report = risk_report(
        np.array([0.5, 0.5, 0.0]), moments, periods_per_year=52, risk_free=0.026,
        current=np.array([1.0, 0.0, 0.0]), cost=0.01, sectors={"A": "x", "B": "y", "C": "x"},
    )
    assert report["expected return"]["per year"] == pytest.approx(0.078)
    assert report["costs"] == {
        "paid": pytest.approx(0.01), "expected return net of them": pytest.approx(0.068),
        "Sharpe ratio net of them": pytest.approx(0.042 / sqrt(0.25 * 0.65)), "unit": "per year",
    }
    assert report["sector weights"] == {"x": 0.5, "y": 0.5}


def test_cash_beside_equal_weights():
    moments = Moments(("A", "B", "C"), [0.1, 0.1, 0.0], np.diag([0.52, 0.13, 0.1]))
    problem = Portfolio(name="p", moments=moments, max_assets=4, cash_return=0.01)
    report = problem.insight([1, 0, 1])
    assert report["weights"] == {"A": 0.25, "C": 0.25}
    assert report["cash"] == 0.5
    assert report["diversification"]["effective assets"] == pytest.approx(2.0)
    assert problem.to_csv([1, 0, 1]) == "asset,lots,weight\nA,1,0.25\nC,1,0.25\ncash,,0.5\n"
    assert notes_of(problem, [1, 0, 1]) == notes_of(problem, None) == ()
    assert notes_of(problem, [0, 0, 0]) == (
        "no asset is held: all is in cash, at a return of 0.01; set min_assets to hold some",
    )
    assert problem.insight([0, 0, 0])["cash"] == 1.0


def test_gaps_are_told_with_every_run(tmp_path):
    file = tmp_path / "p.csv"
    file.write_text("date,A,B\n1,100,50\n2,110,\n3,99,55\n4,99,44\n5,98,45\n")
    note = "missing values: dates without a price of every asset are left out: 1 of 5"
    solution = qopt.solve(qopt.load(file, select=1), "exact")
    assert note in solution.record.notes
    file.write_text("date,A,B\n1,100,50\n3,99,55\n4,99,44\n5,98,45\n")
    assert not any("missing" in text for text in qopt.solve(
        qopt.load(file, select=1), "exact"
    ).record.notes)


def test_a_portfolio_without_risk_has_no_sharpe_ratio():
    report = risk_report(np.array([1.0]), Moments(("A",), [0.1], [[0.0]]))
    assert report["Sharpe ratio"]["per period"] is None
    assert report["diversification"]["diversification ratio"] is None
    nothing = risk_report(np.zeros(1), Moments(("A",), [0.1], [[1.0]]))
    assert nothing["diversification"]["effective assets"] is None


def test_prices_give_historical_tails_and_moments_gaussian_ones(tmp_path):
    file = tmp_path / "p.csv"
    file.write_text("date,A,B,C\n1,100,50,7\n2,110,50,7\n3,99,55,8\n4,99,44,6\n")
    problem = qopt.load(file, select=2, assets="A;B", levels="0.6")
    assert problem.moments.history.times == ("2", "3", "4")
    report = problem.insight([1, 1])
    # Returns of A: 0.1, -0.1, 0; of B: 0, 0.1, -0.2; of both: 0.05, 0, -0.1.
    assert report["value at risk"] == pytest.approx({"60 %": 0.0})
    assert report["conditional value at risk"] == pytest.approx({"60 %": 0.1 / 1.2})
    assert report["tail losses"].startswith("historical: 3 returns")
    bare = Portfolio(
        name="p", select=2,
        moments=Moments(problem.assets, problem.moments.mean, problem.moments.covariance),
    )
    assert bare.insight([1, 1])["tail losses"].startswith("Gaussian")
    assert fingerprint(bare) == fingerprint(problem)


def test_the_run_record_keeps_it():
    solution = qopt.solve(qopt.load("sp500-10-k4"), "exact")
    report = solution.record.insight
    assert report == insight_of(solution.problem, solution.answer)
    assert report["diversification"]["effective assets"] == pytest.approx(4)
    assert solution.to_json()["insight"] == report


def test_figures_agree_with_skfolio():
    measures = pytest.importorskip("skfolio.measures")
    problem = qopt.load("sp500-20-k5")
    lots = np.zeros(20, dtype=np.int64)
    lots[:5] = 1
    returns = problem.moments.history.returns @ problem.weights(lots)
    for level in (0.951, 0.991):
        theirs = measures.value_at_risk(returns, level), measures.cvar(returns, level)
        assert historical_tail(returns, level) == pytest.approx(theirs)


@pytest.mark.parametrize("levels", [(), (1.0,), (0.3,), (nan,), (95.0,)])
def test_levels_that_are_none(levels):
    with pytest.raises(UsageError, match="levels"):
        qopt.load("sp500-20-k5", levels=levels)
    with pytest.raises(UsageError, match="levels"):
        check_levels(levels)


def test_a_risk_free_return_is_finite():
    with pytest.raises(UsageError, match="risk_free=nan is no return"):
        Portfolio(name="p", select=1, moments=Moments(("A",), [0.1], [[1.0]]), risk_free=nan)


def test_a_history_fits_its_assets():
    with pytest.raises(InputError, match="2 periods need as many rows"):
        History(("1", "2"), np.zeros((3, 2)))
    with pytest.raises(InputError, match="returns of the benchmark"):
        History(("1", "2"), np.zeros((2, 2)), np.zeros(3))
    with pytest.raises(InputError, match="history of 1 columns"):
        Moments(("A",), [0.1], [[1.0]], history=History(("1",), np.zeros((1, 2))))
