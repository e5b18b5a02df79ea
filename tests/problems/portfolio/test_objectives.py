"""Sharpe ratios and tracking errors of equal weights and lots, by enumeration."""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import qopt
from qopt.errors import InfeasibleError, InputError, UnknownNameError
from qopt.forms import Program, Qubo
from qopt.problem import fingerprint
from qopt.problems.portfolio import Moments, Portfolio
from qopt.problems.portfolio.support import quick_portfolio

NAMES = ("A", "B", "C", "D", "E")


def moments(n, seed, mean=0.004):
    rng = np.random.default_rng(seed)
    spread = rng.normal(size=(n, n + 2))
    return Moments(NAMES[:n], rng.normal(mean, 0.01, n), 1e-4 * spread @ spread.T)


def enumerated(problem):
    """Every feasible portfolio of lots with its objective."""
    ranges = [range(int(high) + 1) for high in problem.limits.upper]
    scores = {lots: problem.score(np.array(lots)) for lots in product(*ranges)}
    return {lots: score.objective for lots, score in scores.items() if score.feasible}


def least(model):
    """The best answer of a program over bits and whole numbers, all of them tried."""
    ranges = [range(int(a), int(b) + 1) for a, b in zip(model.lower, model.upper, strict=True)]
    assume(np.prod([len(r) for r in ranges]) <= 5000)
    answers = [np.array(x, dtype=float) for x in product(*ranges) if not model.violations(x)]
    return min(answers, key=model.objective)


@st.composite
def sharpes(draw):
    n = draw(st.integers(3, 5))
    chosen = {"objective": "max-sharpe", "risk_free": draw(st.sampled_from([0.0, 0.003]))}
    chosen |= draw(st.sampled_from([
        {"select": 2}, {"max_assets": 3, "cash_return": 0.001}, {"budget": 4, "max_lots": 2},
    ]))
    if draw(st.booleans()):
        chosen |= {"current": {"A": 0.5, "C": 0.5}, "cost": 0.002, "max_turnover": 0.75}
    return moments(n, draw(st.integers(0, 200))), chosen


@given(case=sharpes(), form=st.sampled_from([Program, Qubo]))
@settings(max_examples=50, deadline=None)
def test_the_largest_sharpe_ratio(case, form):
    model, chosen = case
    problem = Portfolio(name="p", moments=model, **chosen)
    feasible = enumerated(problem)
    assume(feasible)
    best = max(feasible.values())
    if best <= 0:
        return
    lowering = problem.lower(form)
    rounds = 0
    while True:
        if form is Program:
            answer = least(lowering.model)
            value = lowering.model.objective(answer)
        else:
            assume(lowering.model.num_variables <= 14)
            n = lowering.model.num_variables
            bits = (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.int8)
            energies = lowering.model.penalised().energies(bits)
            answer, value = bits[energies.argmin()], float(energies.min())
        assert not lowering.complete or lowering.objective(value) >= best * (1 - 1e-7)
        further = None if lowering.refine is None else lowering.refine([answer])
        if further is None:
            break
        lowering, rounds = further, rounds + 1
        assert rounds < 20
    assert feasible[tuple(lowering.decode(answer).tolist())] == pytest.approx(best, rel=1e-6)
    assert lowering.objective(value) == pytest.approx(best, rel=1e-6)


def test_a_run_proves_the_largest_ratio():
    problem = Portfolio(name="p", moments=moments(5, 7), select=2, objective="max-sharpe")
    found = qopt.solve(problem, "exact")
    assert problem.sense == "maximise"
    assert found.record.status == "optimal"
    assert found.score.objective == pytest.approx(max(enumerated(problem).values()))


def test_a_poor_start_is_refined(monkeypatch):
    problem = Portfolio(name="p", moments=moments(5, 7), select=2, objective="max-sharpe")
    feasible = enumerated(problem)
    poor = min((v, lots) for lots, v in feasible.items() if v > 0)[1]
    monkeypatch.setattr(
        "qopt.problems.portfolio.problem.quick_portfolio", lambda problem: np.array(poor)
    )
    found = qopt.solve(problem, "exact")
    assert found.record.status == "optimal"
    assert found.score.objective == pytest.approx(max(feasible.values()))
    assert len(found.record.details["models"]) > 1
    monkeypatch.setattr("qopt.problems.portfolio.problem.quick_portfolio", lambda problem: None)
    found = qopt.solve(problem, "exact")
    assert found.score.objective == pytest.approx(max(feasible.values()))


def test_a_rate_that_nothing_beats_is_refused():
    problem = Portfolio(
        name="p", moments=moments(4, 1), select=2, objective="max-sharpe", risk_free=0.5
    )
    with pytest.raises(InputError, match=r"no portfolio .* above risk_free=0\.5"):
        problem.lower(Program)


def test_limits_that_contradict_each_other_are_no_matter_of_the_rate():
    problem = Portfolio(
        name="p", moments=moments(4, 1), select=2, objective="max-sharpe", target_return=9.0
    )
    with pytest.raises(InfeasibleError, match="no weights keep all limits"):
        problem.lower(Program)


def test_no_variance_has_no_ratio():
    model = Moments(("A", "B"), [0.1, 0.2], [[0.0, 0.0], [0.0, 1.0]])
    problem = Portfolio(name="p", moments=model, select=1, objective="max-sharpe")
    [violation] = problem.score([1, 0]).violations
    assert violation.text == "the portfolio has no variance: its Sharpe ratio is undefined"
    assert problem.score([0, 1]).objective == pytest.approx(0.2)


# -- tracking -------------------------------------------------------------------------------------


@pytest.fixture
def series(tmp_path):
    rng = np.random.default_rng(4)
    returns = rng.normal(0.001, 0.02, (30, 4))
    index = returns @ [0.4, 0.3, 0.2, 0.1] + rng.normal(0, 0.001, 30)
    file = tmp_path / "returns.csv"
    rows = [
        f"2020-01-{day + 1:02d},{','.join(map(repr, [*part.tolist(), float(whole)]))}"
        for day, (part, whole) in enumerate(zip(returns, index, strict=True))
    ]
    file.write_text("date,A,B,C,D,INDEX\n" + "\n".join(rows) + "\n")
    return file, returns, index


def tracking(file, **chosen):
    return qopt.load(file, objective="tracking", index="INDEX", values="returns", **chosen)


def test_the_tracking_error_is_that_of_the_series(series):
    file, returns, index = series
    problem = tracking(file, select=2)
    assert problem.assets == ("A", "B", "C", "D")
    for lots in ([1, 1, 0, 0], [0, 0, 1, 1]):
        active = returns @ (np.array(lots) / 2) - index
        assert problem.score(lots).objective == pytest.approx(np.var(active, ddof=1))
    assert problem.describe()["index"] == "INDEX"


@pytest.mark.parametrize("form", [Program, Qubo])
def test_the_closest_portfolio_of_lots(series, form):
    problem = tracking(series[0], budget=4, max_lots=2)
    best = min(enumerated(problem).values())
    found = qopt.solve(problem, "exact" if form is Qubo else "cpsat")
    assert found.score.objective == pytest.approx(best, rel=1e-9)
    assert found.record.status == "optimal"


def test_continuous_weights_follow_the_index_closest(series):
    problem = tracking(series[0], weighting="continuous")
    weights = quick_portfolio(problem)
    assert weights == pytest.approx([0.4, 0.3, 0.2, 0.1], abs=0.05)


def test_settings_of_tracking(series):
    file = series[0]
    per_year = tracking(file, select=2, periods_per_year=52)
    assert per_year.score([1, 1, 0, 0]).objective == pytest.approx(
        52 * tracking(file, select=2).score([1, 1, 0, 0]).objective
    )
    assert tracking(file, select=1, assets=2).assets == ("A", "B")
    assert tracking(file, select=1, assets="B;D").assets == ("B", "D")
    with pytest.raises(UnknownNameError, match="index"):
        qopt.load(file, select=1, objective="tracking", index="DAX", values="returns")
    beside = qopt.load(file, select=1, index="INDEX", values="returns")  # for the risk report
    assert beside.insight(np.eye(len(beside.assets), dtype=np.int64)[0])["tracking error"]


def test_aims_are_different_instances_and_the_same_aim_is_one():
    def made(**chosen):
        return fingerprint(Portfolio(name="p", moments=moments(4, 1), select=2, **chosen))

    assert made(objective="min-variance") == made(risk=1.0)
    assert len({made(), made(objective="min-variance"), made(objective="max-sharpe"),
                made(objective="max-sharpe", risk_free=0.1), made(target_return=0.0)}) == 5


@pytest.mark.parametrize("chosen", [{"max_assets": 1}, {"max_assets": 2, "min_weight": 0.3}])
def test_risks_that_cancel_leave_a_sharpe_ratio_without_a_bound(chosen):
    spread = np.array([0.1, -0.2, 0.3])
    problem = Portfolio(
        name="p", moments=Moments(NAMES[:3], [0.03, 0.02, 0.04], np.outer(spread, spread)),
        weighting="continuous", objective="max-sharpe", target_return=0.025, **chosen,
    )
    found = qopt.solve(problem, "miqp", time_limit=5)
    assert found.feasible
    if chosen["max_assets"] == 1:
        assert found.objective == pytest.approx(0.3)


def test_a_known_portfolio_is_the_answer_where_none_better_is_found():
    problem = Portfolio(
        name="p", moments=moments(5, 3), weighting="continuous", objective="max-sharpe",
        max_assets=2, min_weight=0.1,
    )
    start = quick_portfolio(problem)
    assert problem.lower(Program).known.tolist() == start.tolist()
    assert problem.lower(Qubo).known is None  # samplers are judged by their samples alone
    found = qopt.solve(problem, "miqp", time_limit=0.0)
    assert found.status == "feasible"
    assert found.objective == problem.score(start).objective
    assert "the model was built from" in found.record.reason
    assert found.record.samples["total"] == 0


@pytest.mark.parametrize("solver", ["auto", "sa"])
@pytest.mark.parametrize(
    "chosen", [{"select": 1, "hold": ("A",)}, {"budget": 2, "exclude": ("B", "C")}]
)
def test_a_sharpe_ratio_of_which_nothing_is_left_to_choose(chosen, solver):
    model = Moments(NAMES[:3], [0.03, 0.02, 0.04], np.diag([0.01, 0.02, 0.03]))
    problem = Portfolio(name="p", moments=model, objective="max-sharpe", **chosen)
    assert qopt.solve(problem, solver).objective == pytest.approx(0.3)
    with pytest.raises(InfeasibleError):
        qopt.solve(Portfolio(
            name="p", moments=model, objective="max-sharpe", target_return=0.035, **chosen,
        ), solver)


def test_risks_that_cancel_give_no_sharpe_ratio():
    spread = np.array([0.1, -0.2, 0.3])
    problem = Portfolio(
        name="p", moments=Moments(NAMES[:3], [0.03, 0.02, 0.04], np.outer(spread, spread)),
        weighting="continuous", objective="max-sharpe",
    )
    score = problem.score([2 / 3, 1 / 3, 0.0])
    assert not score.feasible
    assert "no variance" in score.violations[0].text
    found = qopt.solve(problem, "miqp", time_limit=2)
    assert not found.feasible or found.objective < 1e6
