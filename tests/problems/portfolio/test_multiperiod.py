"""Multi-period portfolios: rounding, scores by the definition, and lowerings by enumeration."""

from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qopt
import qopt.instances
from qopt.errors import InputError, ParseError, SizeError, UnknownNameError, UsageError
from qopt.forms import Program, Qubo
from qopt.problem import fingerprint
from qopt.problems.portfolio.multiperiod import MultiPeriod
from qopt.problems.portfolio.multiperiod_model import rounded

FOLDER = Path(qopt.instances.__file__).parent / "multiperiod"
PRICES = FOLDER / "stock_prices.txt"


@pytest.fixture(scope="module")
def small():
    return qopt.load("three-by-three")


def drawn(seed, assets=2, periods=4, **chosen):
    """An instance of prices and covariances that were drawn."""
    rng = np.random.default_rng(seed)
    prices = [[Fraction(f"{x:.2f}") for x in rng.uniform(50, 60, assets)] for _ in range(periods)]
    found = []
    for _ in range(periods):
        root = rng.normal(0, 0.02, (assets, assets))
        matrix = root @ root.T
        found.append(tuple(tuple(Fraction(f"{x:.9f}") for x in row) for row in matrix))
    return MultiPeriod(
        name="drawn", symbols=tuple("ABCDE"[:assets]), prices=tuple(map(tuple, prices)),
        covariances=tuple(found), **{"budget": 3, "risk_aversion": 1e-4, **chosen},
    )


def by_definition(problem, held):
    """The objective, term by term, with ties rounded away from zero."""
    def near(x):
        return int(abs(x) + Fraction(1, 2)) * (1 if x >= 0 else -1)

    risk = Fraction(repr(problem.risk_aversion))
    unit = [[p / q * 100_000 for p, q in zip(row, problem.prices[0], strict=True)]
            for row in problem.prices]
    last, n = len(unit) - 1, len(problem.symbols)
    total = 0
    for t, row in enumerate(unit):
        for i, j, a, b in product(range(n), range(n), (0, 1), (0, 1)):
            sign = 1 if a == b else -1
            total += near(sign * risk * problem.covariances[t][i][j] * row[i] * row[j]) * int(
                held[t][i][a] * held[t][j][b]
            )
        for i, a in product(range(n), (0, 1)):
            u = int(held[t][i][a])
            if t < last:
                total -= near((1, -1)[a] * (unit[t + 1][i] - row[i])) * u
            if t in (0, last):
                total += near(row[i] / 1000) * u
            if 0 < t < last:
                total += near(row[i] / 1000) * abs(u - int(held[t - 1][i][a]))
            if a:
                total += near(row[i] * Fraction("0.000025")) * u
        cash = 10 - int(held[t, :, 0].sum() - held[t, :, 1].sum())
        total -= sum(near(Fraction("0.0001") * 100_000 * 2**k) for k in range(4) if cash >> k & 1)
    return total


# -- judging --------------------------------------------------------------------------------------


def test_half_is_rounded_away_from_zero():
    values = [Fraction(5, 2), Fraction(-5, 2), Fraction(1, 2), Fraction(-1, 2), Fraction(249, 100)]
    assert [rounded(value) for value in values] == [3, -3, 1, -1, 2]


@pytest.mark.parametrize("seed", range(4))
def test_the_objective_is_the_sum_of_its_terms(seed):
    problem, rng = drawn(seed), np.random.default_rng(seed)
    for _ in range(20):
        held = rng.integers(0, 3, (4, 2, 2))
        assert problem.score(held).objective == by_definition(problem, held)
        assert sum(problem.insight(held)["objective"].values()) == by_definition(problem, held)


def test_what_an_answer_breaks_is_told_with_figures():
    problem = drawn(1, assets=3, budget=12)
    held = np.zeros((4, 3, 2), dtype=np.int64)
    held[1, :2, 1] = 3
    held[2, 0, 0] = 4
    held[3, :, 0] = 3
    held[3, :2, 1] = 2
    texts = {v.text: v.amount for v in problem.score(held).violations}
    assert texts == {
        "period 2: 4 units of A long, 0 to 3 are allowed": 1.0,
        "period 1: cash is 16 units, 0 to 15 are allowed": 1.0,
        "period 3: the budget left is -1 units, 0 to 127 are allowed": 1.0,
    }


def test_large_budgets_ask_for_a_least():
    problem = drawn(1, budget=129)
    held = np.zeros((4, 2, 2), dtype=np.int64)
    assert len(problem.score(held).violations) == 4
    held[:, 0] = 1
    assert problem.score(held).feasible
    with pytest.raises(InputError, match="asks for 13 units at least and 2 assets hold 12"):
        drawn(1, budget=140)


def test_bundled_optimum_by_enumeration(small):
    combinations = [
        np.reshape(row, (3, 2)) for row in product(range(4), repeat=6) if sum(row) <= 3
    ]
    best = {}
    for first in combinations:
        cost = small.coefficients.linear()[0] @ first.ravel()
        cost += first.ravel() @ small.coefficients.risk[0] @ first.ravel()
        best[first.tobytes()] = cost
    value = np.inf
    for second in combinations:
        held = second.ravel()
        cost = small.coefficients.linear()[1] @ held + held @ small.coefficients.risk[1] @ held
        for first in combinations:
            trade = small.coefficients.trade[1] @ np.abs(held - first.ravel())
            value = min(value, best[first.tobytes()] + cost + trade)
    assert small.reference.value == value + small.coefficients.constant == -21675
    assert small.reference.proven
    assert qopt.solve(small, "milp").objective == -21675


# -- lowering -------------------------------------------------------------------------------------

LOWERINGS = [
    (Program, {}), (Program, {"encoding": "unary"}), (Qubo, {}), (Qubo, {"spare": "binary"}),
]


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 5), budget=st.sampled_from([1, 3, 12]), data=st.data())
def test_lowerings_keep_answers_and_objectives(seed, budget, data):
    problem = drawn(seed, budget=budget)
    held = np.array(data.draw(st.lists(st.integers(0, 3), min_size=16, max_size=16)))
    held = held.reshape(4, 2, 2)
    held[-1] = 0  # left out by every lowering: provably worse
    for t in range(4):
        while held[t].sum() > budget:
            held[t][np.unravel_index(held[t].argmax(), (2, 2))] -= 1
    assert problem.coefficients.last_period_is_empty()
    for form, options in LOWERINGS:
        lowering = problem.lower(form, **options)
        encoded = lowering.encode(held)
        assert (lowering.decode(encoded) == held).all()
        value = lowering.model.energy(encoded) if form is Qubo else (
            lowering.model.objective(encoded))
        assert lowering.objective(value) == pytest.approx(problem.score(held).objective, abs=1e-6)
        if form is Program:
            assert not lowering.model.violations(encoded)


@pytest.mark.parametrize("seed", range(2))
def test_every_lowering_has_the_same_optimum(seed):
    problem = drawn(seed, assets=1, periods=3, budget=2)
    best = min(
        problem.score(held).objective
        for row in product(range(3), repeat=6)
        if problem.score(held := np.reshape(row, (3, 1, 2))).feasible
    )
    for form, options in LOWERINGS:
        lowering = problem.lower(form, **options)
        name = "exact" if form is Qubo or options else "milp"
        given_options = {f"lower.{key}": value for key, value in options.items()}
        solution = qopt.solve(problem, name, form=form.__name__.lower(), **given_options) if (
            form is Qubo
        ) else qopt.solve(problem, "milp", **given_options)
        assert solution.objective == best
        assert lowering.complete


def test_bits_are_as_few_as_said():
    problem = drawn(1, assets=3, periods=4, budget=3)
    # 3 periods of 6 holdings of 3 bits; with 3 spare units, or 2 bits for 0 to 3.
    assert problem.lower(Qubo).model.num_variables == 3 * 6 * 3 + 3 * 3
    assert problem.lower(Qubo, spare="binary").model.num_variables == 3 * 6 * 3 + 3 * 2
    notes = problem.lower(Qubo).notes
    assert notes[0] == "54 bits for 18 holdings of 0 to 3 units, none for trades"
    assert notes[1].startswith("the last period is empty")
    assert all(len(group.members) == 21 for group in problem.lower(Qubo).model.groups)
    # With a budget that nothing can reach no bit is spared.
    assert drawn(1, assets=1, periods=4, budget=6).lower(Qubo).model.num_variables == 3 * 2 * 3


def test_a_last_period_that_may_be_worth_something_stays():
    problem = drawn(1, budget=128)
    assert problem.lower(Program, encoding="unary").model.num_variables == 4 * 4 * 3
    covariance = ((Fraction(1), Fraction(-3)), (Fraction(-3), Fraction(1)))
    odd = MultiPeriod(
        name="odd", symbols=("A", "B"), prices=((Fraction(1),) * 2,) * 2,
        covariances=(covariance,) * 2, budget=3, risk_aversion=1e-3,
    )
    assert not odd.coefficients.last_period_is_empty()
    assert odd.lower(Program, encoding="unary").model.num_variables == 2 * 4 * 3


def test_too_many_bits_are_refused(small):
    many = MultiPeriod(
        name="many", symbols=tuple(f"s{i}" for i in range(100)),
        prices=((Fraction(1),) * 100,) * 60, covariances=(((Fraction(0),) * 100,) * 100,) * 60,
        budget=3,
    )
    with pytest.raises(SizeError, match="unary code"):
        many.lower(Qubo)


# -- answers and files ----------------------------------------------------------------------------


def test_solutions_are_written_and_read(small, tmp_path):
    held = np.zeros((3, 3, 2), dtype=np.int64)
    held[0, 2, 1], held[1, 2, 0] = 3, 3
    assert small.to_sol(held) == (
        "# instance: three-by-three\n# budget: 3\n# lambda: 1e-05\n# objective: -21675\n"
        "0 GAMMA 0 3\n1 GAMMA 3 0\n"
    )
    file = tmp_path / "a.sol"
    file.write_text(small.to_sol(held))
    assert (small.read_sol(file) == held).all()
    assert (small.decode_answer(small.encode_answer(held)) == held).all()
    bare = tmp_path / "bare.sol"
    bare.write_text("0 GAMMA 0 3\n\n1\tGAMMA\t3\t0\r\n")
    assert (small.read_sol(bare) == held).all()


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("0 GAMMA 0\n", 1, "'period symbol long short' was expected"),
        ("0 DELTA 0 3\n", 1, "'DELTA'"),
        ("3 GAMMA 0 3\n", 1, "period 3 is not between 0 and 2"),
        ("0 GAMMA 0 3\n0 GAMMA 0 3\n", 2, "given twice"),
        ("0 GAMMA 0 x\n", 1, "two counts were expected"),
        ("0 GAMMA 0 -3\n", 1, "two counts were expected"),
        ("# objective: -1\n0 GAMMA 0 3\n", None, "belongs to another instance"),
    ],
)
def test_bad_solutions(small, tmp_path, text, line, words):
    file = tmp_path / "a.sol"
    file.write_text(text)
    with pytest.raises(ParseError) as caught:
        small.read_sol(file)
    assert words in str(caught.value)
    assert caught.value.line == line


def test_bad_answers(small):
    for data, words in (([], "table of holdings"), ({"x": 1}, "table of holdings")):
        with pytest.raises(InputError, match=words):
            small.decode_answer(data)
    key = "holdings"
    for row, fault in (([0, "GAMMA", 1], InputError), ([0, "X", 1, 1], UnknownNameError),
                       ([9, "GAMMA", 1, 1], InputError), ([0, "GAMMA", 1.5, 1], InputError)):
        with pytest.raises(fault):
            small.decode_answer({key: [row]})
    with pytest.raises(UsageError, match="shape"):
        small.score(np.zeros(3))
    with pytest.raises(UsageError, match="whole numbers"):
        small.score(np.full((3, 3, 2), 0.5))


def test_choices_and_settings(small):
    part = qopt.load(PRICES, budget=2, assets="GAMMA;ALPHA", periods=2)
    assert part.symbols == ("ALPHA", "GAMMA")
    assert len(part.prices) == 2
    assert part.name == "multiperiod"
    same = qopt.load(PRICES, budget="3", risk_aversion="0.00001")
    assert fingerprint(same) == fingerprint(small)
    assert fingerprint(qopt.load(PRICES, budget=3, risk_aversion=2e-5)) != fingerprint(small)
    for chosen, words in (
        ({"budget": 0}, "budget=0"), ({"budget": 3, "risk_aversion": -1}, "risk_aversion=-1"),
        ({"budget": 3, "periods": 1}, "periods=1"), ({"budget": 3, "periods": 4}, "periods=4"),
        ({"budget": 3, "assets": "OMEGA"}, "OMEGA"), ({"budget": 3, "assets": 4}, "assets=4"),
        ({"budget": 3, "covariance": "no.txt"}, "no.txt"), ({}, "needs option 'budget'"),
        ({"budget": 3, "risk_aversion": 1e30}, "too large"),
    ):
        with pytest.raises((InputError, UsageError), match=words):
            qopt.load(PRICES, **chosen).score(np.zeros((3, 3, 2)))
