"""The continuous frontier against closed forms, and the model's points against enumeration."""

import csv
import io
import json
import re
from dataclasses import replace
from itertools import combinations
from math import sqrt
from xml.etree import ElementTree

import numpy as np
import pytest

import qopt
from qopt.analysis import check_analysis_path, write_analysis
from qopt.errors import InputError, UnsupportedError, UsageError
from qopt.problems.portfolio import Moments, Portfolio
from qopt.problems.portfolio.continuous import Markowitz
from qopt.problems.portfolio.frontier import frontier


def random_moments(n, seed):
    rng = np.random.default_rng(seed)
    returns = rng.normal(0.001, 0.03, (60, n)) @ (np.eye(n) + 0.3 * rng.normal(size=(n, n)))
    return Moments(tuple(f"a{i}" for i in range(n)), returns.mean(axis=0), np.cov(returns.T))


# -- the continuous frontier ----------------------------------------------------------------------


def test_two_assets_have_a_frontier_in_closed_form():
    covariance = np.array([[0.04, 0.006], [0.006, 0.01]])
    model = Markowitz(Moments(("A", "B"), [0.10, 0.04], covariance))
    # Least variance: w = (s22 - s12) / (s11 + s22 - 2 s12).
    w = (0.01 - 0.006) / (0.04 + 0.01 - 0.012)
    assert model.least_risk.weights == pytest.approx([w, 1 - w], abs=1e-6)
    for target in (0.06, 0.08, 0.0999):
        w = (target - 0.04) / 0.06
        weights = np.array([w, 1 - w])
        point = model.at_return(target)
        assert point.weights == pytest.approx(weights, abs=1e-7)
        assert point.variance == pytest.approx(weights @ covariance @ weights, rel=1e-7)
        # The slope of variance over return, and the risk aversion that touches there.
        slope = 2 * (covariance @ weights) @ [1, -1] / 0.06
        assert point.risk == pytest.approx(1 / (1 + slope), rel=1e-5)
        assert model.at_risk(point.risk).mean == pytest.approx(target, rel=1e-5)
    with pytest.raises(InputError, match=r"largest expected return is 0\.1"):
        model.at_return(0.11)


@pytest.mark.parametrize("seed", range(3))
def test_points_keep_the_conditions_of_optimality(seed):
    moments = random_moments(8, seed)
    model = Markowitz(moments)
    curve = model.curve(7)
    assert np.all(np.diff([point.mean for point in curve]) > 0)
    assert np.all(np.diff([point.variance for point in curve]) > 0)
    assert np.all(np.diff([point.risk for point in curve]) < 0)
    assert (curve[0].risk, curve[-1].risk) == (1.0, 0.0)
    for point in curve[:-1]:
        w, risk = point.weights, point.risk
        assert w.sum() == pytest.approx(1.0)
        assert (w >= 0.0).all()
        # What is held has the same marginal objective, and nothing else has a smaller one.
        gradient = 2 * risk * moments.covariance @ w - (1 - risk) * moments.mean
        size = np.abs(gradient).max()
        assert np.ptp(gradient[w > 1e-5]) < 1e-3 * size
        assert gradient.min() > gradient[w > 1e-5].max() - 1e-3 * size


def test_a_covariance_that_is_semidefinite_but_for_rounding():
    covariance = np.ones((3, 3)) * 0.01
    covariance[0, 1] = covariance[1, 0] = 0.01 * (1 + 5e-7)
    model = Markowitz(Moments(tuple("ABC"), [0.01, 0.02, 0.03], covariance))
    assert model.least_risk.variance == pytest.approx(0.01, rel=1e-5)


# -- the model's points ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small():
    return Portfolio(name="small", moments=random_moments(6, 5), select=2)


@pytest.fixture(scope="module")
def traced(small):
    return frontier(small, points=5, solver="exact")


def test_points_are_the_best_of_every_selection(small, traced):
    for point in traced.points:
        values = []
        for pair in combinations(range(6), 2):
            w = np.zeros(6)
            w[list(pair)] = 0.5
            variance = w @ small.moments.covariance @ w
            values.append(point.risk * variance - (1 - point.risk) * small.moments.mean @ w)
        assert point.objective == pytest.approx(min(values), rel=1e-9)
        assert point.gap == 0.0
        assert point.distance >= -1e-9
        assert point.excess_volatility >= 0.0
        assert point.volatility == pytest.approx(sqrt(point.variance))
    assert traced.points[0].risk == 1.0
    assert len(traced.curve) == 60
    assert not any("risk=" in note for note in traced.notes)
    own = frontier(replace(small, risk=0.25), points=2, solver="exact")
    assert "the instance's own risk=0.25 gives way to that of each point" in own.notes
    assert "5 of 5 proven optimal" in traced.summary


def test_excess_volatility_is_measured_at_the_same_return(small, traced):
    model = Markowitz(small.moments)
    for point in traced.points:
        if point.mean > model.least_risk.mean:
            least = model.at_return(point.mean)
            assert least.mean == pytest.approx(point.mean, rel=1e-5)
            assert point.frontier_volatility == pytest.approx(least.volatility)


def test_a_point_on_the_frontier_is_not_above_it(small):
    single = frontier(replace(small, select=1), points=2, solver="exact").points[-1]
    assert single.excess_volatility == 0.0
    assert single.mean == small.moments.mean.max()


def test_one_seed_gives_one_frontier(small):
    first, second = (frontier(small, points=3, solver="sa:reads=2,sweeps=20") for _ in range(2))
    for one, other in zip(first.points, second.points, strict=True):
        assert one.record.answer == other.record.answer


def test_files(traced, tmp_path):
    rows = list(csv.DictReader(io.StringIO(traced.to_csv())))
    assert [row["kind"] for row in rows] == ["continuous"] * 60 + ["model"] * 5
    assert float(rows[-1]["expected_return"]) == traced.points[-1].mean
    for row in rows:
        weights = [float(x) for name, x in row.items() if name.startswith("weight of ") and x]
        assert sum(weights) == pytest.approx(1.0)
    data = json.loads(json.dumps(traced.to_json(), allow_nan=False))
    assert len(data["points"]) == 5
    assert sum(data["points"][0]["weights"].values()) == pytest.approx(1.0)
    assert sum(data["frontier"][3]["weights"].values()) == pytest.approx(1.0)
    for name in ("f.html", "f.csv", "f.json", "f.txt"):
        write_analysis(traced, tmp_path / name)
        assert (tmp_path / name).stat().st_size > 200
    with pytest.raises(UsageError, match=r"\.html, \.csv"):
        check_analysis_path(tmp_path / "f.pdf")
    with pytest.raises(UsageError, match="does not exist"):
        check_analysis_path(tmp_path / "no" / "f.csv")


def test_the_page_stands_alone_and_shows_every_point(traced):
    text = traced.to_html()
    svg = re.search(r"<svg.*?</svg>", text, re.S)[0]
    drawing = ElementTree.fromstring(svg)
    name = "{http://www.w3.org/2000/svg}"
    assert len([c for c in drawing.iter(f"{name}circle") if "c1" in c.get("class")]) == 5
    assert not re.search(r"(src|href)=|url\(|@import|<script", text)
    assert "default-src &#x27;none&#x27;" in text
    assert "prefers-color-scheme: dark" in text


def test_names_are_escaped(tmp_path):
    moments = random_moments(2, 1)
    moments = Moments(("<b>", "&"), moments.mean, moments.covariance)
    text = frontier(Portfolio(name="<i>", moments=moments, select=1), points=2, solver="exact")
    assert "<b>" not in text.to_html()
    assert "<i>" not in text.to_html()


def test_what_has_no_frontier():
    with pytest.raises(UnsupportedError, match="is a tsp"):
        frontier(qopt.load("burma14"))
    with pytest.raises(UnsupportedError, match="objective=min-variance"):
        frontier(Portfolio(
            name="p", moments=random_moments(3, 1), select=1, objective="min-variance"
        ))
    with pytest.raises(UsageError, match="points=1"):
        frontier(qopt.load("sp500-10-k4"), points=1)


def test_runs_without_an_answer_are_told(small):
    # One draw of four assets that keeps the sector's limit by chance alone.
    sectors = {name: "even" if i % 2 else "odd" for i, name in enumerate(small.assets)}
    hard = Portfolio(
        name="hard", moments=small.moments, select=4, sectors=sectors, sector_max_assets={"odd": 1},
    )
    result = frontier(hard, points=2, solver="random:samples=1,presolve=false", seed=0)
    text = result.render()
    assert not result.answered
    assert "no feasible answer was found" in text
    assert json.loads(json.dumps(result.to_json(), allow_nan=False))["points"][0]["answer"] is None
    assert "<svg" in result.to_html()
