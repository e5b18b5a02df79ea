"""Branch and bound on convex programs: against enumeration, peers and its own claims."""

import threading
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

import qopt
from qopt.convex import minimise_convex
from qopt.errors import InputError, SizeError, UnsupportedError, UsageError
from qopt.forms import Program
from qopt.solver import Budget, Progress, Status
from qopt.solvers import miqp_model
from qopt.solvers.auto import Auto
from qopt.solvers.cpsat import CpSat
from qopt.solvers.miqp import Miqp


def solve(program, budget=None, progress=None, **options):
    return Miqp(**options).solve(program, budget or Budget(), 0, progress or Progress())


def random_program(rng) -> Program:
    """Binaries, integers and continuous variables, some free; often with indicators."""
    bits, integers, others = rng.integers(1, 5), rng.integers(0, 3), rng.integers(0, 4)
    whole, n = bits + integers, bits + integers + others
    factors = rng.integers(-3, 4, (rng.integers(0, n + 1), n)) * rng.choice([1.0, 0.37])
    matrix = factors.T @ factors
    if rng.random() < 0.3:  # not convex in binaries
        extra = rng.normal(size=(bits, bits))
        matrix[:bits, :bits] += extra + extra.T
    lower, upper = np.zeros(n), np.ones(n)
    lower[bits:whole] = rng.integers(-3, 2, integers)
    upper[bits:whole] = lower[bits:whole] + rng.integers(0, 5, integers)
    lower[whole:] = rng.choice([0, -2, -np.inf, 0.5], others)
    upper[whole:] = rng.choice([3, np.inf, 1.5], others)
    constraints = []
    for k in range(rng.integers(0, 5)):
        members = rng.choice(n, size=rng.integers(1, n + 1), replace=False)
        weights = rng.choice([1, 1, -1, 2, 0.5, 0.3], size=len(members))
        comparator = rng.choice(["<=", ">=", "=="], p=[0.4, 0.4, 0.2])
        rhs = rng.choice([0, 1, 2, -1, 0.7])
        constraints.append((f"row{k}", members, weights, comparator, rhs))
    for i in range(whole, n):
        bit = rng.integers(0, bits)
        constraints.append((f"on{i}", [i, bit], [1, -2], "<=", 0.0))
        least = rng.choice([0.2, -1.0])
        constraints.append((f"least{i}", [i, bit], [1, -least], ">=", 0.0))
    row, col = np.triu_indices(n)
    sense, sign = [("minimise", 1.0), ("maximise", -1.0)][rng.integers(0, 2)]
    return Program.build(
        sense=sense, linear=sign * rng.integers(-5, 6, n), row=row, col=col, offset=1.5,
        value=sign * matrix[row, col] * np.where(row == col, 1.0, 2.0), lower=lower, upper=upper,
        integer=np.arange(n) < whole, constraints=constraints,
    )


def best_by_enumeration(program: Program) -> float | None:
    """Every choice of the whole variables, and Clarabel on the rest; None where none fits."""
    sign = 1.0 if program.sense == "minimise" else -1.0
    n = program.num_variables
    whole, rest = np.flatnonzero(program.integer), np.flatnonzero(~program.integer)
    matrix = np.zeros((n, n))
    matrix[program.row, program.col] = 0.5 * sign * program.value
    matrix += matrix.T
    rows = np.zeros((len(program.constraints), n))
    low, high = np.full(len(rows), -np.inf), np.full(len(rows), np.inf)
    for k, item in enumerate(program.constraints):
        rows[k, item.indices] = item.coefficients
        low[k] = item.rhs if item.comparator != "<=" else -np.inf
        high[k] = item.rhs if item.comparator != ">=" else np.inf
    ranges = [range(int(program.lower[i]), int(program.upper[i]) + 1) for i in whole]
    best = None
    for choice in product(*ranges):
        fixed = np.zeros(n)
        fixed[whole] = choice
        done = rows @ fixed
        value = fixed @ matrix @ fixed + sign * program.linear @ fixed
        if len(rest):
            found = minimise_convex(
                matrix[np.ix_(rest, rest)],
                sign * program.linear[rest] + 2.0 * matrix[rest] @ fixed,
                np.vstack([rows[:, rest], np.eye(len(rest))]),
                np.concatenate([low - done, program.lower[rest]]),
                np.concatenate([high - done, program.upper[rest]]),
            )
            value += found.objective
            if found.verdict == "infeasible":
                continue
        elif (done < low - 1e-9).any() or (done > high + 1e-9).any():
            continue
        best = value if best is None else min(best, value)
    return None if best is None else sign * best + program.offset


@pytest.mark.parametrize("seed", range(60))
def test_the_best_of_all_whole_choices_is_proven(seed):
    program = random_program(np.random.default_rng(seed))
    best = best_by_enumeration(program)
    if best is None:
        assert solve(program).status is Status.PROVEN_INFEASIBLE
    elif np.isinf(best):
        with pytest.raises(InputError, match="unbounded"):
            solve(program)
    else:
        outcome = solve(program)
        assert outcome.status is Status.OPTIMAL
        assert program.violations(outcome.answers[0]) == []
        assert program.objective(outcome.answers[0]) == pytest.approx(best, rel=2e-6, abs=2e-6)
        assert outcome.bound == pytest.approx(best, rel=2e-6, abs=2e-6)


@pytest.mark.parametrize("factor", [1e-9, 1.0, 1e8])
@pytest.mark.parametrize("seed", [13, 23, 59, 125, 128])
def test_an_optimum_of_zero_is_proven_whatever_the_unit(seed, factor):
    program = random_program(np.random.default_rng(seed))
    program = replace(
        program, linear=factor * program.linear, value=factor * program.value, offset=0.0
    )
    outcome = solve(program)
    assert outcome.status is Status.OPTIMAL
    assert program.objective(outcome.answers[0]) == pytest.approx(0.0, abs=1e-9 * factor)


def test_beside_a_huge_coefficient_small_differences_are_no_rounding():
    # The search leaves branches within a share of 1e14; only then may it not claim a proof.
    program = Program.build(
        linear=[-1.0, -2.0, -3.0], row=[0, 1], col=[1, 2], value=[1e14, 1e14],
        lower=[0, 0, 0], upper=[1, 1, 1], integer=[True, True, True],
    )
    outcome = solve(program)
    best = program.objective(outcome.answers[0])
    assert outcome.status is not Status.OPTIMAL or best == -4.0


@pytest.mark.parametrize("constant", [-1e12, 1e9])
def test_a_constant_makes_no_answer_good(constant):
    program = portfolio(n=10)
    moved = replace(program, offset=constant)
    plain, outcome = solve(program), solve(moved)
    assert outcome.status is Status.OPTIMAL
    assert outcome.details["nodes"] == plain.details["nodes"]
    np.testing.assert_array_equal(outcome.answers[0], plain.answers[0])
    assert outcome.bound == pytest.approx(moved.objective(outcome.answers[0]), rel=1e-15)


def portfolio(n=14, k=4, least=0.1, seed=0, common=1.0) -> Program:
    """Weights of exactly k assets, each of at least `least` where it is held."""
    rng = np.random.default_rng(seed)
    load = common * rng.normal(size=(n, 3))
    risk = load @ load.T + np.diag(rng.uniform(0.5, 3.0, n))
    row, col = np.triu_indices(n)
    return Program.build(
        linear=np.concatenate([-rng.normal(size=n), np.zeros(n)]), row=row, col=col,
        value=risk[row, col] * np.where(row == col, 1.0, 2.0),
        integer=np.arange(2 * n) >= n,
        constraints=[
            ("all", range(n), 1.0, "==", 1.0), ("held", range(n, 2 * n), 1.0, "==", k),
            *((f"on{i}", [i, n + i], [1.0, -0.6], "<=", 0.0) for i in range(n)),
            *((f"least{i}", [i, n + i], [1.0, -least], ">=", 0.0) for i in range(n)),
        ],
    )


def test_a_cardinality_portfolio_is_proven_through_its_indicators():
    program = portfolio(9, 3)
    outcome = solve(program)
    best = best_by_enumeration(program)
    assert outcome.status is Status.OPTIMAL
    assert program.objective(outcome.answers[0]) == pytest.approx(best, rel=1e-6)
    assert outcome.details["indicators"] == 9


def test_the_perspective_tightens_the_root():
    program = portfolio(20, 3, common=0.1)
    plain = miqp_model.convex_model(program)
    n = program.num_variables
    loose = minimise_convex(
        plain.quadratic, plain.linear, np.vstack([plain.rows.dense(n), np.eye(n)]),
        np.concatenate([plain.rows.low, plain.low]), np.concatenate([plain.rows.high, plain.high]),
    )
    outcome = solve(program)
    gap = outcome.bound - plain.true(loose.objective)
    assert outcome.bound - outcome.details["relaxation"] < 0.7 * gap


def test_a_relaxation_equals_the_objective_where_whole_variables_are_whole():
    rng = np.random.default_rng(3)
    model = miqp_model.convex_model(portfolio(8, 3))
    pairs = miqp_model.indicators(model)
    diagonal = miqp_model.spared(model, pairs, np.ones(16))
    assert diagonal.max() > 0.1
    assert np.linalg.eigvalsh(model.quadratic - np.diag(diagonal))[0] > -1e-9
    relaxed = miqp_model.relaxation(miqp_model.tied(model), pairs, diagonal, rng.random(8))
    for _ in range(20):
        held = rng.permutation(8) < 3
        weights = np.where(held, rng.random(8), 0.0)
        x = np.concatenate([weights / weights.sum(), held])
        value = x @ (relaxed.H - np.diag(relaxed.regular)) @ x / 2 + relaxed.h @ x
        assert value + relaxed.constant == pytest.approx(model.value(x))
    assert np.linalg.eigvalsh(relaxed.H)[0] > 0.0


def test_indicators_are_found_in_either_writing_and_only_where_zero_is_forced():
    program = Program.build(
        linear=np.zeros(7), lower=[0, -1, 0, -1, 0, 0, 0], integer=np.arange(7) >= 4,
        constraints=[
            ("a", [0, 4], [2.0, -1.0], "<=", 0.0),  # x0 <= z4 / 2
            ("b", [1, 5], [-1.0, 1.0], ">=", 0.0), ("c", [1, 5], [1.0, 1.0], ">=", 0.0),
            ("d", [2, 6], [1.0, -1.0], "<=", 0.5),  # z6 = 0 leaves x2 up to 0.5
            ("e", [3, 6], [1.0, -1.0], "<=", 0.0),  # x3 may be negative
        ],
    )
    pairs = miqp_model.indicators(miqp_model.convex_model(program))
    found = dict(zip(pairs.member.tolist(), pairs.owner.tolist(), strict=True))
    assert found == {0: 4, 1: 5}


def test_lots_agree_with_cpsat():
    program = qopt.load("sp500-6-lots").lower(Program).model
    ours, theirs = solve(program), CpSat().solve(program, Budget(), 0, Progress())
    assert ours.status is theirs.status is Status.OPTIMAL
    assert ours.bound == pytest.approx(theirs.bound, rel=1e-6)


def test_linear_programs_agree_with_cpsat():
    rng = np.random.default_rng(2)
    weights = rng.integers(20, 80, (3, 12)).astype(float)
    program = Program.build(
        sense="maximise", linear=rng.integers(20, 80, 12), upper=2,
        constraints=[(f"room{i}", range(12), w, "<=", w.sum() // 2) for i, w in enumerate(weights)],
    )
    ours, theirs = solve(program), CpSat().solve(program, Budget(), 0, Progress())
    assert ours.status is theirs.status is Status.OPTIMAL
    assert ours.bound == pytest.approx(theirs.bound)


def test_variables_without_bounds():
    program = Program.build(
        linear=[-4, 3, 0], row=[0, 0, 1], col=[0, 1, 1], value=[1, 1, 2], lower=-np.inf,
        upper=np.inf, integer=[True, False, False],
        constraints=[("tie", [1, 2], [1.0, -1.0], "==", 0.25)],
    )
    outcome = solve(program)
    # For x0 = 3 the best x1 is -(3 + x0) / 4.
    assert outcome.status is Status.OPTIMAL
    assert outcome.answers[0] == pytest.approx([3.0, -1.5, -1.75], abs=1e-6)
    assert outcome.bound == pytest.approx(-7.5)


def test_an_unbounded_program_is_told_from_an_infeasible_one():
    changes = {"linear": [1, 0], "integer": [False, True], "lower": [-np.inf, 0]}
    with pytest.raises(InputError, match="unbounded below"):
        solve(Program.build(**changes))
    with pytest.raises(InputError, match="unbounded above"):
        solve(Program.build(
            linear=[1, 0], integer=[False, True], upper=[np.inf, 1], sense="maximise"
        ))
    rows = [("odd", [1], 2.0, "==", 1.0)]
    assert solve(Program.build(**changes, constraints=rows)).status is Status.PROVEN_INFEASIBLE


@pytest.mark.parametrize(
    "constraints",
    [
        [("a", [0, 1], 1.0, ">=", 2.5)],
        [("a", [0, 1, 2], 1.0, "==", 1.5), ("b", [2], 1.0, "==", 0.25)],
        [("a", [0, 1], [1.0, -1.0], "==", 0.5)],
    ],
)
def test_infeasible_programs(constraints):
    program = Program.build(
        linear=[1, 1, 1], row=[2], col=[2], value=[1], integer=[True, True, False],
        constraints=constraints,
    )
    outcome = solve(program)
    assert outcome.status is Status.PROVEN_INFEASIBLE
    assert outcome.reason


@pytest.mark.parametrize(
    ("sense", "value", "integer", "kind"),
    [
        ("minimise", [-1.0], [False, False], "convex"),
        ("maximise", [1.0], [False, False], "concave"),
        ("minimise", [-1.0], [True, True], "convex"),
    ],
)
def test_what_is_not_convex_is_refused(sense, value, integer, kind):
    program = Program.build(
        sense=sense, linear=[0, 0], row=[0], col=[0], value=value, upper=3, integer=integer
    )
    with pytest.raises(UnsupportedError, match=f"not {kind} in variable 'x0'"):
        solve(program)


def test_a_product_of_a_binary_and_a_flat_variable_is_refused():
    program = Program.build(
        linear=[0, 1], row=[0], col=[1], value=[1], integer=[True, False], upper=[1, 2]
    )
    with pytest.raises(UnsupportedError, match="not convex in variable 'x1'"):
        solve(program)


def test_binaries_that_are_not_convex_are_made_so():
    rng = np.random.default_rng(4)
    row, col = np.triu_indices(8)
    program = Program.build(
        linear=rng.normal(size=8), row=row, col=col, value=rng.normal(size=len(row)),
        constraints=[("some", range(8), 1.0, ">=", 3)],
    )
    outcome = solve(program)
    assert outcome.status is Status.OPTIMAL
    assert outcome.bound == pytest.approx(best_by_enumeration(program))


def test_convexity_as_it_stands():
    def convex(**changes):
        return miqp_model.is_convex_as_it_stands(Program.build(linear=[0, 0], **changes))

    assert convex(row=[0, 0, 1], col=[0, 1, 1], value=[1, 2, 1])
    assert not convex(row=[0, 0, 1], col=[0, 1, 1], value=[1, 2.1, 1])
    assert convex(row=[0], col=[0], value=[-1], sense="maximise")
    assert not convex(row=[0], col=[1], value=[1])


def test_too_many_variables_are_refused_with_the_limit():
    with pytest.raises(SizeError, match="at most 1500 variables, the model has 1501"):
        solve(Program.build(linear=np.zeros(1501)))


# -- budgets ------------------------------------------------------------------------------------


@pytest.mark.parametrize("nodes", [1, 3, 10])
def test_a_search_that_ends_early_leaves_a_valid_bound(nodes):
    program = portfolio()
    best = solve(program).bound
    progress = Progress()
    outcome = solve(program, Budget(evaluations=nodes), progress)
    assert outcome.usage.evaluations <= nodes
    assert outcome.bound <= best + 1e-6 * abs(best)
    if outcome.answers:
        assert program.objective(outcome.answers[0]) >= best - 1e-6 * abs(best)
    bounds = [value for _, value in progress.trace.bounds]
    assert bounds == sorted(set(bounds))


def test_progress_tells_answers_and_bounds():
    progress = Progress()
    program = portfolio()
    outcome = solve(program, progress=progress)
    values = [value for _, value in progress.trace.incumbents]
    assert values == sorted(set(values), reverse=True)
    assert values[-1] == program.objective(outcome.answers[0])
    assert progress.trace.bounds[-1][1] == pytest.approx(outcome.bound, rel=1e-6)


def test_a_maximisation_reports_in_its_own_sense():
    source = portfolio()
    program = Program.build(
        sense="maximise", linear=-source.linear, row=source.row, col=source.col,
        value=-source.value, integer=source.integer, constraints=source.constraints, offset=2.0,
    )
    progress = Progress()
    outcome = solve(program, progress=progress)
    assert outcome.bound == pytest.approx(2.0 - solve(source).bound, rel=1e-6)
    values = [value for _, value in progress.trace.incumbents]
    assert values == sorted(values)
    assert min(value for _, value in progress.trace.bounds) >= values[-1] - 1e-5


def test_a_stop_during_the_search_keeps_answer_and_bound():
    program = portfolio(60, 12, least=0.05)
    heard = threading.Event()

    def listen(progress):
        if progress.trace.incumbents and not heard.is_set():
            heard.set()
            progress.stop()

    progress = Progress(listen)
    outcome = solve(program, progress=progress)
    assert heard.is_set()
    assert outcome.status.has_answer
    assert outcome.bound <= program.objective(outcome.answers[0])


def test_one_program_has_one_answer():
    one, two = solve(portfolio()), solve(portfolio())
    assert one.answers[0].tolist() == two.answers[0].tolist()
    assert one.details == two.details


@pytest.mark.parametrize("gap", [0.0, -1.0, float("nan"), float("inf")])
def test_options_are_checked(gap):
    with pytest.raises(UsageError, match="gap"):
        Miqp(gap=gap)


def test_a_gap_that_was_asked_for_is_no_proof():
    program = portfolio(30, 6)
    outcome = solve(program, gap=0.3)
    best = solve(program).bound
    assert outcome.bound <= best + 1e-6 * abs(best)
    if outcome.status is Status.FEASIBLE:
        assert "gap of 0.3" in outcome.reason


def test_equalities_whose_units_are_lost_in_the_tolerance_are_refused():
    """Branch and bound found no answer and called that proven; there is one of 408601**2."""
    weights = [2.0 * w for w in (971512, 22533, 436396, 878264, 960778)]
    program = Program.build(
        linear=np.zeros(6), row=[5], col=[5], value=[1.0], upper=[1, 1, 1, 1, 1, 3269483],
        constraints=[("difference", range(6), [*weights, 1], "==", 3269483)],
    )
    with pytest.raises(UnsupportedError, match=r"'difference'.*'cpsat'"):
        Miqp().solve(program, Budget(), 1, Progress())
    best = 408601.0**2
    assert Auto().solve(program, Budget(), 1, Progress()).bound == pytest.approx(best)
def test_doing_nothing_is_an_answer_before_any_node():
    # The relaxation is at 5/6 each, and rounds to (1, 1), which is too much.
    program = Program.build(
        linear=[-9.0, -9.0], row=[0, 1], col=[0, 1], value=[1.0, 1.0], upper=3.0,
        constraints=[("too much for both", [0, 1], 3.0, "<=", 5.0)],
    )
    progress = Progress()
    Miqp().solve(program, Budget(evaluations=1), 0, progress)
    assert progress.trace.incumbents[0][1] == 0.0


def test_a_start_is_reported_at_once_and_kept():
    rng = np.random.default_rng(3)
    factors = rng.normal(size=(40, 40))
    matrix = factors @ factors.T
    row, col = np.triu_indices(40)
    program = Program.build(
        sense="maximise", linear=rng.normal(size=40), row=row, col=col, value=-matrix[row, col],
        constraints=[("chosen", range(40), 1.0, "==", 7)],
    )
    best = solve(program, Budget(evaluations=3000))
    for budget in (Budget(time_limit=0.0), Budget(evaluations=1), Budget(evaluations=3000)):
        progress = Progress()
        start = [np.ones(40), best.answers[0]]
        outcome = Miqp().solve(program, budget, 0, progress, start=start)
        assert progress.trace.incumbents[0][1] == program.objective(best.answers[0])
        assert program.objective(outcome.answers[0]) >= program.objective(best.answers[0])
        assert outcome.bound >= best.bound - 1e-6 * abs(best.bound)
        assert outcome.status.has_answer
