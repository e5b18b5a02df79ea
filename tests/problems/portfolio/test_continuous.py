"""Continuous weights: every set of assets is tried, its weights by a solver of its own."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

import qopt
from qopt.convex import minimise_convex
from qopt.errors import InputError, UnknownNameError, UsageError
from qopt.forms import Program, Qubo
from qopt.problems.portfolio import Moments, Portfolio
from qopt.problems.portfolio.support import best_weights, quick_portfolio

NAMES = ("A", "B", "C", "D", "E")


def moments(n, seed):
    rng = np.random.default_rng(seed)
    spread = rng.normal(size=(n, n + 2))
    return Moments(NAMES[:n], rng.normal(0.01, 0.01, n), 1e-4 * spread @ spread.T)


@st.composite
def cases(draw):
    n = draw(st.integers(3, 5))
    chosen = {"weighting": "continuous", "min_weight": draw(st.sampled_from([0.05, 0.2]))}
    chosen["max_weight"] = draw(st.sampled_from([0.5, 0.7, 1.0]))
    if draw(st.booleans()):
        chosen["select"] = draw(st.integers(2, 3))
    else:
        chosen["max_assets"] = draw(st.integers(2, 3))
    if draw(st.booleans()):
        chosen["hold"] = ("B",)
    chosen |= draw(st.sampled_from([
        {}, {"risk": 0.9}, {"risk": 0.0}, {"objective": "min-variance"},
        {"objective": "max-sharpe"}, {"objective": "max-sharpe", "risk_free": 0.002},
    ]))
    extra = draw(st.sampled_from(["none", "sectors", "trading", "target"]))
    if extra == "sectors":
        chosen["sectors"] = dict(zip(NAMES, "xxyyy", strict=True))
        chosen["sector_min_weight"] = {"x": 0.3}
        chosen["sector_max_weight"] = 0.75
        chosen["sector_max_assets"] = 2
    if extra == "trading":
        chosen["current"] = {"A": 0.5, "B": 0.3, "C": 0.1}
        chosen["max_turnover"] = draw(st.sampled_from([0.2, 0.45]))
        chosen["cost"] = 0.003
    if extra == "target":
        chosen["target_return"] = 0.008
    return moments(n, draw(st.integers(0, 99))), chosen


def oracle(problem):
    """The best objective over all sets of assets, by SLSQP on each."""
    limits, n = problem.limits, len(problem.assets)
    best = np.inf if problem.sense == "minimise" else -np.inf
    for size in range(max(1, limits.fewest), limits.most + 1):
        for inside in combinations(range(n), size):
            value = by_slsqp(problem, inside)
            if value is not None:
                best = min(best, value) if problem.sense == "minimise" else max(best, value)
    return best


def by_slsqp(problem, inside):
    """The best objective with exactly these assets, None where there is none."""
    limits, n, m = problem.limits, len(problem.assets), len(inside)
    now = np.array([(problem.current or {}).get(a, 0.0) for a in problem.assets])
    cost = problem.cost or 0.0

    def spread(x):  # weights and, behind them, what is bought of each
        w = np.zeros(n)
        w[list(inside)] = x[:m]
        return w

    def net(x):
        traded = (2 * x[m:].sum() - x[:m].sum() + now.sum()) if problem.current else 0.0
        return problem.moments.mean @ spread(x) - cost * traded

    def variance(x):
        return spread(x) @ problem.moments.covariance @ spread(x)

    def value(x):
        if problem.objective == "max-sharpe":
            return -(net(x) - (problem.risk_free or 0.0)) / np.sqrt(variance(x))
        risk = 1.0 if problem.objective == "min-variance" else problem.aim.risk
        return (risk * variance(x) - (1 - risk) * net(x)) * 1e3

    rules = [{"type": "eq", "fun": lambda x: x[:m].sum() - 1}]
    if problem.current:
        rules.append({"type": "ineq", "fun": lambda x: x[m:] - x[:m] + now[list(inside)]})
        rules.append({"type": "ineq", "fun": lambda x: (
            2 * problem.max_turnover - (2 * x[m:].sum() - x[:m].sum() + now.sum()))})
    if problem.target_return:
        rules.append({"type": "ineq", "fun": lambda x: 100 * (net(x) - problem.target_return)})
    for cap in limits.caps:
        place = [k for k, i in enumerate(inside) if i in cap.members]
        if cap.assets is not None and len(place) > cap.assets:
            return None
        rules.append({"type": "ineq", "fun": lambda x, p=place, c=cap: c.lots - x[p].sum()})
        rules.append({"type": "ineq", "fun": lambda x, p=place, c=cap: x[p].sum() - c.least_lots})
    if any(a in problem.hold and i not in inside for i, a in enumerate(problem.assets)):
        return None
    if m * limits.least > 1 or m * limits.upper[0] < 1 - 1e-9:
        return None
    values = []
    for x0 in (np.full(m, 1 / m), now[list(inside)] / max(now[list(inside)].sum(), 1e-9)):
        start = np.concatenate([np.clip(x0, limits.least, limits.upper[0]), np.full(m, 0.3)])
        found = minimize(value, start, method="SLSQP", constraints=rules,
                         bounds=[(limits.least, limits.upper[0])] * m + [(0, 1)] * m,
                         options={"ftol": 1e-12, "maxiter": 500})
        score = problem.score(spread(found.x))
        if score.feasible:
            values.append(score.objective)
    if not values:
        return None
    return min(values) if problem.sense == "minimise" else max(values)


def best_by_supports(problem):
    """The best objective over all sets of assets, by the convex programs under test."""
    n, scores = len(problem.assets), []
    for size in range(1, n + 1):
        for inside in combinations(range(n), size):
            weights = best_weights(problem, np.isin(np.arange(n), inside))
            if weights is not None:
                scores.append(problem.score(weights))
    assert all(score.feasible for score in scores)
    values = [score.objective for score in scores]
    return (min(values) if problem.sense == "minimise" else max(values)) if values else None


def build(case):
    model, chosen = case
    try:
        return Portfolio(name="case", moments=model, **chosen)
    except (InputError, UsageError):
        return None


@given(case=cases())
@settings(max_examples=10, deadline=None)
def test_weights_of_a_support_against_another_solver(case):
    problem = build(case)
    assume(problem is not None)
    found, best = best_by_supports(problem), oracle(problem)
    if found is None:
        assert not np.isfinite(best)
        return
    sign = 1.0 if problem.sense == "minimise" else -1.0
    assume(np.isfinite(best))
    if problem.objective != "max-sharpe" or best > 1e-3:  # a negative ratio is no aim
        assert sign * found <= sign * best + 1e-6 * max(abs(best), 1e-4)
        assert sign * found >= sign * best - 2e-3 * max(abs(best), 1e-4)


def solved(model):
    """The best answer of a program, every pattern of its bits tried."""
    bits = np.flatnonzero(model.integer)
    rest = np.flatnonzero(~model.integer)
    square = np.zeros((model.num_variables,) * 2)
    square[model.row, model.col] = 0.5 * model.value
    square += square.T
    rows = np.zeros((len(model.constraints), model.num_variables))
    for k, item in enumerate(model.constraints):
        rows[k, item.indices] = item.coefficients
    low = np.array([-np.inf if c.comparator == "<=" else c.rhs for c in model.constraints])
    high = np.array([np.inf if c.comparator == ">=" else c.rhs for c in model.constraints])
    best, answer = np.inf, None
    for pattern in range(2 ** len(bits)):
        x = np.zeros(model.num_variables)
        x[bits] = pattern >> np.arange(len(bits)) & 1
        shift = rows @ x
        alone = np.abs(rows[:, rest]).sum(axis=1) == 0
        if (shift[alone] < low[alone] - 1e-9).any() or (shift[alone] > high[alone] + 1e-9).any():
            continue
        found = minimise_convex(  # of numbers near 1
            1e3 * square[np.ix_(rest, rest)], 1e3 * (model.linear + 2 * square @ x)[rest],
            np.vstack([rows[~alone][:, rest], np.eye(len(rest))]),
            np.concatenate([(low - shift)[~alone], model.lower[rest]]),
            np.concatenate([(high - shift)[~alone], model.upper[rest]]),
        )
        if found.verdict == "optimal":
            x[rest] = found.values
            if model.objective(x) < best:
                best, answer = model.objective(x), x
    return best, answer


@given(case=cases())
@settings(max_examples=15, deadline=None)
def test_program(case):
    problem = build(case)
    assume(problem is not None)
    best = best_by_supports(problem)
    assume(best is not None and (problem.objective != "max-sharpe" or best > 1e-3))
    lowering = problem.lower(Program)
    value, answer = solved(lowering.model)
    weights = lowering.decode(answer)
    score = problem.score(weights)
    assert score.feasible
    scale = max(abs(best), 1e-5)
    if problem.objective != "max-sharpe":
        assert lowering.refine is None
        assert lowering.objective(value) == pytest.approx(best, abs=1e-5 * scale)
        assert lowering.objective(lowering.model.objective(lowering.encode(weights))) == (
            pytest.approx(score.objective, abs=1e-6 * scale)
        )
        return
    for _ in range(9):
        assert not lowering.complete or lowering.objective(value) >= best - 1e-5 * scale
        if lowering.refine is None or (further := lowering.refine([answer])) is None:
            break
        lowering = further
        value, answer = solved(lowering.model)
    assert lowering.complete
    assert lowering.objective(value) == pytest.approx(best, abs=1e-5 * scale)
    assert problem.score(lowering.decode(answer)).objective == pytest.approx(best, rel=1e-4)


def portfolio(**chosen):
    return Portfolio(name="p", moments=moments(5, 3), weighting="continuous", **chosen)


def test_bits_choose_the_assets_and_a_convex_program_the_weights():
    problem = portfolio(select=2, min_weight=0.1, max_weight=0.8, risk=0.9)
    lowering = problem.lower(Qubo)
    model = lowering.model
    [group] = model.groups
    assert (model.num_variables, group.size) == (5, 2)
    assert not lowering.complete
    assert lowering.relaxed
    bits = (np.arange(32)[:, None] >> np.arange(5) & 1).astype(np.int8)
    kept = bits[model.group_violations(bits) == 0]
    scores = [problem.score(lowering.decode(row)) for row in kept]
    assert all(score.feasible for score in scores)
    assert min(score.objective for score in scores) == pytest.approx(best_by_supports(problem))
    assert not problem.score(lowering.decode(np.ones(5, dtype=np.int8))).feasible
    assert not problem.score(lowering.decode(np.zeros(5, dtype=np.int8))).feasible


def test_supports_that_no_weights_suit_are_found_infeasible():
    problem = portfolio(
        select=2, min_weight=0.1, current={"A": 0.5, "B": 0.5}, max_turnover=0.2
    )
    lowering = problem.lower(Qubo)
    good = lowering.decode(np.array([1, 1, 0, 0, 0]))
    bad = problem.score(lowering.decode(np.array([0, 0, 1, 1, 0])))
    assert problem.score(good).feasible
    assert [v.text for v in bad.violations] == ["turnover 1 over the limit of 0.2"]


def test_a_quick_portfolio_is_feasible_and_good():
    problem = portfolio(select=3, min_weight=0.1, risk=0.95)
    found = problem.score(quick_portfolio(problem))
    assert found.feasible
    assert found.objective <= best_by_supports(problem) + 1e-3 * abs(found.objective)


def test_violations_of_weights():
    problem = portfolio(
        max_assets=3, min_weight=0.1, max_weight=0.6, hold=("A",), exclude=("E",),
        current={"A": 1.0}, max_turnover=0.5, target_return=0.5,
    )
    found = {v.text for v in problem.score([0.0, 0.05, 0.7, -0.1, 0.2]).violations}
    assert found == {
        "the weights sum to 0.85, not to 1",
        "A must be held and is not",
        "B: weight 0.05 under the least of 0.1",
        "C: weight 0.7 over the limit of 0.6",
        "D: weight -0.1, a portfolio holds none short",
        "E is excluded and held",
        "turnover 1.025 over the limit of 0.5",
        next(text for text in found if text.startswith("expected return")),
    }
    assert next(text for text in found if text.startswith("expected")).endswith(
        "under the target of 0.5"
    )


def test_answers():
    problem = portfolio(max_assets=3, min_weight=0.1)
    weights = np.array([0.25, 0.0, 0.0, 0.75, 0.0])
    assert problem.encode_answer(weights) == {"A": 0.25, "D": 0.75}
    assert problem.decode_answer({"D": 0.75, "A": 0.25}).tolist() == weights.tolist()
    assert problem.to_csv(weights) == "asset,weight\nA,0.25\nD,0.75\n"
    for bad in ({"A": "much"}, {"A": True}, {"A": float("nan")}):
        with pytest.raises(InputError, match="the weight of A must be a number"):
            problem.decode_answer(bad)
    with pytest.raises(UsageError, match="finite"):
        problem.score([np.nan, 0, 0, 0, 1])


@pytest.mark.parametrize(
    ("chosen", "fault", "words"),
    [
        ({"select": 2}, UsageError, "need min_weight"),
        ({"max_assets": 2, "max_weight": 0.4}, InputError, r"room for weight 0\.8 at most"),
        ({"select": 3, "min_weight": 0.4}, InputError, "more than weight 1 in all"),
        ({"max_lots": 3}, UsageError, "max_lots goes with budget"),
        ({"budget": 3}, UsageError, "exclude each other"),
        ({"min_weight": 0.5, "max_weight": 0.4}, UsageError, "is above max_weight"),
        ({"min_weight": -0.5}, UsageError, "is no weight"),
        ({"cash_return": 0.1}, UsageError, "cash_return goes with equal weights"),
        ({"max_turnover": 0.5}, UsageError, "max_turnover needs current"),
        ({"current": {"A": 1.0}}, UsageError, "current without an effect"),
        ({"current": {"A": 1.2}, "cost": 0.1}, InputError, r"current weights sum to 1\.2"),
        ({"current": {"Z": 1.2}, "cost": 0.1}, UnknownNameError, "asset in current"),
        ({"objective": "min-variance", "risk": 0.1}, UsageError, "risk goes with objective=mean"),
        ({"objective": "tracking"}, UsageError, "needs index"),
        ({"objective": "max-return"}, UsageError, "is none of"),
    ],
)
def test_refused_settings(chosen, fault, words):
    with pytest.raises(fault, match=words):
        portfolio(**chosen)


def test_codes_of_lots_do_not_fit():
    with pytest.raises(UsageError, match="goes with lots"):
        portfolio(max_assets=2).lower(Qubo, encoding="unary")
    with pytest.raises(UsageError, match="goes with lots"):
        portfolio(max_assets=2).lower(Program, encoding="one-hot")


def test_a_sampler_that_chooses_assets_reports_weights():
    problem = portfolio(select=2, min_weight=0.1, risk=0.9)
    found = qopt.solve(problem, "exact", form="qubo")
    assert found.score.feasible
    assert found.record.bound is None
    assert sum(found.record.answer.values()) == pytest.approx(1.0)


def test_a_sampler_chooses_no_more_assets_than_the_sectors_leave():
    problem = Portfolio(
        name="p", moments=moments(5, 2), weighting="continuous",
        sectors=dict(zip(NAMES, "xxyyy", strict=True)), sector_max_assets=1,
    )
    assert quick_portfolio(problem) is not None
    found = qopt.solve(problem, "exact")
    assert found.feasible
    assert found.objective == pytest.approx(qopt.solve(problem, "miqp").objective)
