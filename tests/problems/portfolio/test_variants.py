"""Counts, least lots, sector minima, turnover, costs and targets, against the settings read
literally: every portfolio of a few assets is enumerated."""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qopt.errors import InputError, UsageError
from qopt.forms import Program, Qubo
from qopt.problems.portfolio import Moments, Portfolio

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
