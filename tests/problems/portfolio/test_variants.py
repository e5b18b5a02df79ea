"""Counts, least lots, sector minima, turnover, costs and targets, against the settings read
literally: every portfolio of a few assets is enumerated."""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import qopt
from qopt.errors import InputError, UsageError
from qopt.forms import Program, Qubo
from qopt.problems.portfolio import Moments, Portfolio
from qopt.testing import check_problem

NAMES = ("A", "B", "C", "D", "E")


def moments(n, seed):
    rng = np.random.default_rng(seed)
    spread = rng.normal(size=(n, n + 2))
    return Moments(NAMES[:n], rng.normal(0.0, 0.01, n), 1e-4 * spread @ spread.T)


@st.composite
def cases(draw):
    """Moments and settings, which may well be impossible to meet."""
    n = draw(st.integers(2, 4))
    chosen = {"risk": draw(st.sampled_from([0.0, 0.5, 1.0]))}
    if draw(st.booleans()):
        chosen["max_assets"] = draw(st.integers(1, n))
        chosen["cash_return"] = draw(st.sampled_from([0.0, 0.005]))
        if draw(st.booleans()):
            chosen["min_assets"] = draw(st.integers(1, chosen["max_assets"]))
        if chosen.get("min_assets") == chosen["max_assets"]:
            del chosen["cash_return"]
    else:
        chosen["budget"] = draw(st.integers(2, 5))
        chosen["max_lots"] = draw(st.integers(2, 4))
        chosen["min_lots"] = draw(st.integers(1, 2))
        if draw(st.booleans()):
            chosen["select"] = draw(st.integers(1, n))
        elif draw(st.booleans()):
            chosen["max_assets"] = draw(st.integers(1, n))
        else:
            chosen["min_assets"] = draw(st.integers(1, n))
    chosen["hold"] = draw(st.sampled_from([(), ("A",)]))
    extra = draw(st.sampled_from(["none", "sectors", "turnover", "cost", "target"]))
    if extra == "sectors":
        labels = draw(st.lists(st.sampled_from(["x", "y"]), min_size=n, max_size=n))
        chosen["sectors"] = dict(zip(NAMES, labels, strict=False))
        chosen["sector_min_assets"] = {labels[0]: draw(st.integers(0, 2))}
        chosen["sector_min_weight"] = {labels[0]: draw(st.sampled_from([0.0, 0.3, 0.5]))}
        chosen["sector_max_weight"] = draw(st.sampled_from([0.6, 0.8, 1.0]))
    if extra in ("turnover", "cost"):
        weights = draw(st.sampled_from([[0.5, 0.25, 0.25], [0.2, 0.4, 0.13], [0.0, 1.0]]))
        chosen["current"] = dict(zip(NAMES[:n], weights, strict=False))
        chosen["cost"] = draw(st.sampled_from([0.001, 0.02]))
    if extra == "turnover":
        chosen["max_turnover"] = draw(st.sampled_from([0.25, 0.5, 0.7]))
    if extra == "target":
        chosen["target_return"] = draw(st.sampled_from([-0.002, 0.001, 0.004]))
    return moments(n, draw(st.integers(0, 99))), chosen


def figures(model, chosen, lots):
    """Weights, net return and turnover of an answer."""
    total = chosen.get("budget") or chosen["max_assets"]
    w = np.array(lots) / total
    now = np.array([chosen.get("current", {}).get(name, 0.0) for name in model.assets])
    trades = np.abs(w - now).sum() if "current" in chosen else 0.0
    net = model.mean @ w + chosen.get("cash_return", 0.0) * (1 - w.sum())
    return w, net - chosen.get("cost", 0.0) * trades, trades / 2


def keeps(model, chosen, lots):
    """The settings read literally."""
    n = len(lots)
    held = sum(x > 0 for x in lots)
    low, high = chosen.get("min_assets", 0), chosen.get("max_assets", n)
    if "select" in chosen:
        low = high = chosen["select"]
    if "budget" in chosen:
        each = range(chosen["min_lots"], chosen["max_lots"] + 1)
        if sum(lots) != chosen["budget"] or any(x and x not in each for x in lots):
            return False
    elif max(lots) > 1:
        return False
    if not low <= held <= high or ("A" in chosen["hold"] and not lots[0]):
        return False
    w, net, turnover = figures(model, chosen, lots)
    for sector in set(chosen.get("sectors", {}).values()):
        inside = [i for i in range(n) if chosen["sectors"][NAMES[i]] == sector]
        share, count = w[inside].sum(), sum(lots[i] > 0 for i in inside)
        if count < chosen["sector_min_assets"].get(sector, 0):
            return False
        if share < chosen["sector_min_weight"].get(sector, 0) - 1e-9:
            return False
        if share > chosen["sector_max_weight"] + 1e-9:
            return False
    return turnover <= chosen.get("max_turnover", 9) + 1e-9 and (
        net >= chosen.get("target_return", -9) - 1e-9
    )


def oracle(model, chosen):
    """Every portfolio that keeps the settings, with its objective."""
    most = chosen.get("max_lots", 1)
    found = {}
    for lots in product(range(most + 1), repeat=len(model.assets)):
        if keeps(model, chosen, lots):
            w, net, _ = figures(model, chosen, lots)
            risk = chosen["risk"]
            found[lots] = risk * w @ model.covariance @ w - (1 - risk) * net
    return found


def build(case):
    """The problem and its feasible portfolios; what is refused has none."""
    model, chosen = case
    feasible = oracle(model, chosen)
    try:
        return Portfolio(name="case", moments=model, **chosen), feasible
    except (InputError, UsageError):
        assert not feasible
        return None, feasible


@given(case=cases())
@settings(max_examples=40, deadline=None)
def test_score_agrees_with_the_settings_read_literally(case):
    problem, feasible = build(case)
    assume(problem is not None)
    for lots in product(range(-1, 4), repeat=len(problem.assets)):
        score = problem.score(np.array(lots))
        assert score.feasible == (lots in feasible)
        assert all(v.amount > 0 and v.text for v in score.violations)
        if lots in feasible:
            assert score.objective == pytest.approx(feasible[lots], abs=1e-15)


@given(case=cases(), encoding=st.sampled_from(["integer", "unary", "one-hot"]))
@settings(max_examples=60, deadline=None)
def test_program(case, encoding):
    problem, feasible = build(case)
    assume(problem is not None)
    lowering = problem.lower(Program, encoding=encoding)
    model = lowering.model
    ranges = [range(int(a), int(b) + 1) for a, b in zip(model.lower, model.upper, strict=True)]
    assume(np.prod([len(r) for r in ranges]) <= 5000)
    best = {}
    for values in product(*ranges):
        if not model.violations(values):
            item = tuple(lowering.decode(np.array(values, dtype=float)).tolist())
            energy = lowering.objective(model.objective(values))
            best[item] = min(energy, best.get(item, np.inf))
    assert set(best) == set(feasible)
    for item, value in feasible.items():
        assert best[item] == pytest.approx(value, abs=1e-12)
        values = lowering.encode(np.array(item))
        assert not model.violations(values)
        assert tuple(lowering.decode(values).tolist()) == item
        assert lowering.objective(model.objective(values)) == pytest.approx(value, abs=1e-12)


@given(case=cases(), encoding=st.sampled_from([None, "unary", "binary", "one-hot"]))
@settings(max_examples=60, deadline=None)
def test_qubo(case, encoding):
    model, chosen = case
    assume("target_return" not in chosen)  # its row needs twenty slack bits
    problem, feasible = build(case)
    assume(problem is not None and feasible)
    lowering = problem.lower(Qubo, encoding=encoding)
    model = lowering.model
    assume(model.num_variables <= 14)
    bits = (np.arange(2**model.num_variables)[:, None] >> np.arange(model.num_variables) & 1)
    bits = bits.astype(np.int8)
    items = [tuple(lowering.decode(row).tolist()) for row in bits]
    good = np.array([item in feasible for item in items])
    best = min(feasible.values())
    scale = max(abs(v) for v in feasible.values()) + 1e-6
    energies = np.array([lowering.objective(e) for e in model.penalised().energies(bits)])
    assert energies.min() == pytest.approx(best, abs=1e-8 * scale)
    assert (energies[~good] >= best - 1e-8 * scale).all()
    for item, value in feasible.items():
        row = lowering.encode(np.array(item))
        assert tuple(lowering.decode(row).tolist()) == item
        assert lowering.objective(model.energy(row)) == pytest.approx(value, abs=1e-8 * scale)


def test_conformance_of_variants():
    now = {"A": 0.5, "B": 0.5}
    for chosen in (
        {"max_assets": 3, "min_assets": 1, "cash_return": 0.001},
        {"budget": 4, "max_lots": 2, "select": 3},
        {"select": 2, "current": now, "max_turnover": 0.5, "cost": 0.001},
        {"select": 2, "objective": "max-sharpe"},
        {"weighting": "continuous", "max_assets": 3, "min_weight": 0.1},
    ):
        check_problem(Portfolio(name="case", moments=moments(5, 8), **chosen))


def variables(encoding=None, **chosen):
    problem = Portfolio(name="p", moments=moments(5, 3), **chosen)
    return problem.lower(Qubo, encoding=encoding).model.num_variables


def test_qubits_of_the_variants():
    now = {"A": 0.5, "B": 0.5}
    assert variables(select=2) == 5
    assert variables(max_assets=3) == 5 + 2  # slack of 0 to 3
    assert variables(select=2, current=now, cost=0.01) == 5  # linear in a bit
    assert variables(select=2, current=now, max_turnover=0.5) == 5  # at least one of two, no slack
    assert variables(select=2, current={"A": 0.4, "B": 0.6}, cost=0.01) == 5
    lots = {"budget": 4, "max_lots": 3}
    assert variables("binary", **lots) == 5 * 2
    assert variables("one-hot", **lots) == 5 * 4
    assert variables("one-hot", **lots, current=now, cost=0.01) == 5 * 4
    assert variables("binary", **lots, current=now, cost=0.01) == 5 * 2 + 2 * (1 + 2)
    assert variables("one-hot", **lots, select=3) == 5 * 4
    assert variables("binary", **lots, select=3, min_lots=1) > 5 * 3


def test_turnover_from_holdings_that_have_drifted_is_resolved_as_asked():
    drifted = {"A": 0.48231, "B": 0.37769, "C": 0.14}
    problem = Portfolio(
        name="p", moments=moments(5, 3), select=2, current=drifted, max_turnover=0.71
    )
    fine, coarse = problem.to_qubo(), problem.to_qubo(resolution=16)
    assert coarse.model.num_variables < fine.model.num_variables
    assert not coarse.complete
    n = coarse.model.num_variables
    bits = (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.int8)
    best = coarse.decode(bits[coarse.model.penalised().energies(bits).argmin()])
    assert problem.score(best).feasible


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"min_assets": 2}, "needs select=K .* or max_assets=K"),
        ({"min_assets": 3, "max_assets": 2}, "min_assets=3 is above max_assets=2"),
        ({"select": 2, "min_lots": 1}, "min_lots goes with budget"),
        ({"select": 2, "min_weight": 0.1}, "min_weight goes with weighting=continuous or budget"),
        ({"budget": 4, "min_lots": 3, "max_lots": 2}, "3 lots at least and 2 at most"),
        ({"weighting": "lots"}, "weighting=lots needs budget"),
        ({"select": 2, "cash_return": 0.1}, "cash_return goes with equal weights of at most"),
        ({"max_assets": 6, "select": 2}, "give one"),
        ({"select": 2, "cost": 0.1}, "cost needs current"),
        ({"select": 2, "current": {"A": 1.0}, "cost": -0.1}, "no cost of trading"),
        ({"select": 2, "current": {"A": 1.0}, "max_turnover": -1.0}, "no turnover"),
        ({"select": 2, "target_return": float("inf")}, "must be finite"),
        ({"budget": 4, "select": 3, "min_lots": 2}, "3 assets of 2 lots at least are more than"),
        ({"min_assets": 6, "max_assets": 7}, "min_assets=6 asks for more assets than the 5"),
    ],
)
def test_refused_settings(chosen, words):
    with pytest.raises((InputError, UsageError), match=words):
        Portfolio(name="p", moments=moments(5, 3), **chosen)


SECTORS = dict(zip(NAMES, "xxyyy", strict=True))


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"sector_min_assets": {"x": 3}}, "sector x: at least 3 assets asked, 2 can be held"),
        ({"sector_min_weight": {"x": 0.8}, "sector_max_assets": 1},
         r"sector x: weight 0\.8 at least asked, the limits leave room for 0\.333"),
        ({"sector_min_assets": 2}, "the sectors ask for 4 assets at least, 3 may be held"),
        ({"sector_min_weight": 0.6}, "sum to more than everything"),
        ({"sector_min_assets": -1}, "a least number of assets is 0 or more, got -1"),
        ({"sector_min_weight": 1.5}, "a least weight lies between 0 and 1"),
    ],
)
def test_refused_sector_limits(chosen, words):
    with pytest.raises((InputError, UsageError), match=words):
        Portfolio(name="p", moments=moments(5, 3), select=3, sectors=SECTORS, **chosen)


def test_violations_in_words():
    problem = Portfolio(
        name="p", moments=moments(5, 3), min_assets=2, max_assets=4, sectors=SECTORS,
        sector_min_assets={"x": 1}, sector_min_weight={"y": 0.25}, current={"A": 1.0},
        max_turnover=0.5,
    )
    found = {v.text: v.amount for v in problem.score([0, 0, 0, 0, 1]).violations}
    assert found == {
        "1 asset selected, at least 2 asked": 1.0,
        "sector x: 0 assets under the least of 1": 1.0,
        "turnover 0.625 over the limit of 0.5": pytest.approx(0.125),
    }
    found = [v.text for v in problem.score([1, 1, 1, 1, 1]).violations]
    assert found[0] == "5 assets selected, at most 4 asked"
    found = [v.text for v in problem.score([1, 1, 0, 0, 0]).violations]
    assert found == ["sector y: weight 0 under the least of 0.25"]
    lots = Portfolio(name="p", moments=moments(5, 3), budget=6, min_lots=2, select=2)
    assert [v.text for v in lots.score([1, 2, 3, 0, 0]).violations] == [
        "3 assets held, exactly 2 asked", "A: 1 lot under the least of 2"
    ]


def test_describe_states_the_rules():
    facts = Portfolio(
        name="p", moments=moments(5, 3), max_assets=4, cash_return=0.01, current={"A": 1.0},
        max_turnover=0.5, cost=0.001, target_return=0.0,
    ).describe()
    assert facts["weights"] == "1/4 for each asset held, the rest in cash at a return of 0.01"
    assert facts["max turnover"] == "0.5, half the sum of |w - current|"
    assert facts["cost"] == "0.001 per unit of weight bought or sold, off the return"
    assert facts["current"] == {"A": 1.0}
    assert facts["target return"] == "0 at least, net of costs"


def test_present_weights_from_a_file(tmp_path):
    (tmp_path / "p.csv").write_text("date,A,B\n2020-01-01,1,2\n2020-01-02,1.1,2\n2020-01-03,1,3\n")
    (tmp_path / "now.csv").write_text("asset,weight\nA,0.75\n")
    problem = qopt.load(tmp_path / "p.csv", select=1, current="now.csv", cost=0.01)
    assert problem.trading.current.tolist() == [0.75, 0.0]
    assert problem.expected_return([0, 1]) == pytest.approx(
        problem.moments.mean[1] - 0.01 * 1.75
    )
    (tmp_path / "now.csv").write_text("asset,weight\nA,much\n")
    with pytest.raises(InputError, match=r"now\.csv: current weight of A is 'much'"):
        qopt.load(tmp_path / "p.csv", select=1, current="now.csv", cost=0.01)
