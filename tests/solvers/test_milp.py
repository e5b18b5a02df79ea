"""HiGHS and CBC through PuLP against enumeration."""

import os
import threading
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import best_value, programs

from qopt.errors import InputError, MissingPackageError, UnsupportedError, UsageError
from qopt.forms import Ising, Program, Qubo
from qopt.solver import Budget, Progress, Status
from qopt.solvers import cbc
from qopt.solvers.bounds_qubo import program_bound, program_floor, trivial_bound
from qopt.solvers.cbc import _Reader
from qopt.solvers.milp import Milp, _Watch, rounded
from qopt.solvers.milp_model import Watch

BACKENDS = pytest.mark.parametrize("backend", ["highs", "cbc"])


def solve(model, budget=None, progress=None, **options):
    return Milp(**options).solve(model, budget or Budget(), 7, progress or Progress())


def hard(n=60, k=20, seed=1):
    """Pairs of both signs with exactly k chosen: no solver proves it in seconds."""
    rng = np.random.default_rng(seed)
    row, col = np.triu_indices(n, 1)
    return Program.build(
        linear=rng.normal(size=n), row=row, col=col, value=rng.normal(size=len(row)),
        constraints=[("chosen", range(n), 1.0, "==", k)],
    )


def best_mixed(program):
    """Best objective over whole values, each with a linear program over the continuous ones."""
    from scipy.optimize import linprog

    sign = 1.0 if program.sense == "minimise" else -1.0
    whole = np.flatnonzero(program.integer)
    ranges = [range(int(program.lower[i]), int(program.upper[i]) + 1) for i in whole]
    best = None
    for fixed in product(*ranges):
        lower, upper = program.lower.copy(), program.upper.copy()
        lower[whole] = upper[whole] = fixed
        cost = program.linear.copy()
        constant = program.offset
        for i, j, q in zip(program.row, program.col, program.value, strict=True):
            if program.integer[i] and program.integer[j]:
                constant += q * lower[i] * lower[j]
            else:  # one of the two is fixed
                a, b = (i, j) if program.integer[i] else (j, i)
                cost[b] += q * lower[a]
        rows = np.zeros((len(program.constraints), program.num_variables))
        for r, c in enumerate(program.constraints):
            rows[r, c.indices] = -c.coefficients if c.comparator == ">=" else c.coefficients
        sides = [-c.rhs if c.comparator == ">=" else c.rhs for c in program.constraints]
        found = linprog(
            sign * cost, A_ub=rows if len(rows) else None, b_ub=sides or None,
            bounds=np.column_stack([lower, upper]),
        )
        if found.status == 0:
            value = sign * found.fun + constant
            best = value if best is None or sign * value < sign * best else best
    return best


@st.composite
def mixed_programs(draw):
    """Whole and continuous variables, products of the two kinds, inequalities."""
    n = draw(st.integers(2, 4))
    integer = [True] + [draw(st.booleans()) for _ in range(n - 1)]
    number = st.sampled_from([-3.0, -1.5, -1.0, 0.0, 0.5, 1.0, 2.25])
    pairs = [
        (a, b) for a in range(n) for b in range(a, n)
        if (integer[a] or integer[b]) and draw(st.booleans())
    ]
    return Program.build(
        sense=draw(st.sampled_from(["minimise", "maximise"])),
        linear=[draw(number) for _ in range(n)],
        row=[a for a, _ in pairs], col=[b for _, b in pairs],
        value=[draw(number) for _ in pairs],
        lower=[draw(st.sampled_from([0, 0, -1])) for _ in range(n)],
        upper=[draw(st.sampled_from([1, 1, 3])) for _ in range(n)],
        integer=integer,
        offset=draw(number),
        constraints=[
            (f"row{r}", range(n), [draw(number) for _ in range(n)],
             draw(st.sampled_from(["<=", ">="])), draw(number))
            for r in range(draw(st.integers(0, 2)))
        ],
    )


def check(program, best, outcome):
    if best is None:
        assert outcome.status is Status.PROVEN_INFEASIBLE
        return
    assert outcome.status is Status.OPTIMAL
    (answer,) = outcome.answers
    assert program.violations(answer) == []
    slack = 1e-6 * max(1.0, abs(best))
    assert program.objective(answer) == pytest.approx(best, abs=slack)
    assert outcome.bound == program.objective(answer)


@settings(deadline=None, max_examples=80)
@given(programs(), st.booleans())
def test_whole_programs_by_enumeration(program, strengthen):
    check(program, best_value(program), solve(program, strengthen=strengthen))


@settings(deadline=None, max_examples=60)
@given(mixed_programs())
def test_mixed_programs_by_enumeration(program):
    check(program, best_mixed(program), solve(program))


@settings(deadline=None, max_examples=25)
@given(st.one_of(programs(), mixed_programs()))
def test_cbc_agrees_with_highs(program):
    highs, child = solve(program), solve(program, backend="cbc")
    assert highs.status is child.status
    if highs.status is Status.OPTIMAL:
        slack = 1e-6 * max(1.0, abs(highs.bound))
        assert child.bound == pytest.approx(highs.bound, abs=slack)


@BACKENDS
def test_a_continuous_program(backend):
    program = Program.build(
        sense="maximise", linear=[3, 2], offset=1, upper=10, integer=False,
        constraints=[("a", [0, 1], [1, 1], "<=", 4.5), ("b", [0, 1], [1, 3], "<=", 6)],
    )
    outcome = solve(program, backend=backend)
    assert outcome.status is Status.OPTIMAL
    assert outcome.bound == pytest.approx(14.5)


@BACKENDS
def test_small_objectives_are_proven_as_well_as_large_ones(backend):
    # With an absolute gap of 1e-6 both would end at the first answer.
    rng = np.random.default_rng(2)
    values = rng.uniform(1, 2, 18) * 1e-7
    weights = rng.uniform(1, 2, 18)
    program = Program.build(
        sense="maximise", linear=values, constraints=[("room", range(18), weights, "<=", 9.0)]
    )
    outcome = solve(program, backend=backend)
    assert outcome.status is Status.OPTIMAL
    bits = np.array(list(product((0, 1), repeat=18)))
    assert outcome.bound == pytest.approx((bits @ values)[bits @ weights <= 9.0].max(), rel=1e-9)


@BACKENDS
@pytest.mark.parametrize("integer", [True, False])
@pytest.mark.parametrize(("sense", "side"), [("minimise", "below"), ("maximise", "above")])
def test_an_unbounded_program_is_told(backend, integer, sense, side):
    sign = -1.0 if sense == "minimise" else 1.0
    program = Program.build(
        sense=sense, linear=[sign, 0], upper=np.inf, integer=integer,
        constraints=[("a", [0, 1], [1, -1], "<=", 3)],
    )
    with pytest.raises(InputError, match=f"unbounded {side}.*bounds"):
        solve(program, backend=backend)


@BACKENDS
@pytest.mark.parametrize(
    "program",
    [
        Program.build(linear=[1, 1], constraints=[("a", [0, 1], 1, ">=", 3)]),
        Program.build(linear=[1, 1], integer=False, constraints=[("a", [0, 1], 1, ">=", 3)]),
        Program.build(linear=[1], lower=0.2, upper=0.8),
        Program.build(linear=[-1, 1], upper=5, constraints=[("a", [0, 1], [2, -2], "==", 1)]),
        Program.build(linear=[1, 1], upper=np.inf, integer=False,
                      constraints=[("a", [0, 1], 1, "<=", -1)]),
    ],
    ids=["whole", "continuous", "bounds", "parity", "open above"],
)
def test_infeasible_programs_are_proven_so(backend, program):
    outcome = solve(program, backend=backend)
    assert outcome.status is Status.PROVEN_INFEASIBLE
    assert not outcome.answers
    assert outcome.bound is None


@BACKENDS
@pytest.mark.parametrize(
    ("rhs", "status"), [(1.0, Status.OPTIMAL), (-1.0, Status.PROVEN_INFEASIBLE)]
)
def test_programs_without_variables_or_terms(backend, rhs, status):
    row = ("empty", [], [], "<=", rhs)
    none = Program.build(linear=[], offset=2.0, constraints=[row])
    assert solve(none, backend=backend).status is status
    outcome = solve(Program.build(linear=[0.0, 2.0], constraints=[row]), backend=backend)
    assert outcome.status is status


def test_names_do_not_matter():
    program = Program.build(
        sense="maximise", linear=[1, 2, 3], names=["a b", "a_b", "x10"],
        constraints=[("c c", range(3), 1, "<=", 2), ("c_c", [2], 1, "<=", 0)],
    )
    for backend in ("highs", "cbc"):
        assert solve(program, backend=backend).answers[0].tolist() == [1, 1, 0]


def test_more_than_ten_variables_keep_their_order():
    # PuLP orders x10 before x2.
    program = Program.build(
        linear=[(-1.0) ** i * (i + 1) for i in range(14)], lower=range(14), upper=range(1, 15)
    )
    expected = [i + i % 2 for i in range(14)]
    for backend in ("highs", "cbc"):
        assert solve(program, backend=backend).answers[0].tolist() == expected


def test_products_of_continuous_variables_are_refused():
    program = Program.build(linear=[0, 0], integer=False, row=[0], col=[1], value=[1])
    with pytest.raises(UnsupportedError, match="continuous variables 'x0' and 'x1'"):
        solve(program)


@BACKENDS
def test_no_time_no_claim(backend):
    outcome = solve(hard(), Budget(time_limit=0.0), backend=backend)
    assert outcome.status is Status.TIME_LIMIT
    assert not outcome.answers


@BACKENDS
def test_a_time_limit_leaves_an_answer_and_a_bound(backend):
    progress = Progress()
    outcome = solve(hard(40, 13), Budget(time_limit=3.0), progress, backend=backend)
    if outcome.status is Status.TIME_LIMIT:
        pytest.skip("the machine was too slow for a first answer")
    assert outcome.status is Status.FEASIBLE
    assert outcome.bound < hard(40, 13).objective(outcome.answers[0])
    if backend == "highs":
        values = [value for _, value in progress.trace.incumbents]
        assert values == sorted(set(values), reverse=True)
        bounds = [value for _, value in progress.trace.bounds]
        assert bounds == sorted(set(bounds))


@BACKENDS
def test_nodes_are_the_deterministic_budget(backend):
    rng = np.random.default_rng(6)
    weights = rng.integers(20, 80, (6, 30)).astype(float)
    program = Program.build(
        sense="maximise", linear=rng.integers(20, 80, 30),
        constraints=[(f"room{i}", range(30), w, "<=", w.sum() // 3)
                     for i, w in enumerate(weights)],
    )
    one, two = (solve(program, Budget(evaluations=3), backend=backend) for _ in range(2))
    assert one.usage.evaluations == two.usage.evaluations <= 20
    assert [a.tolist() for a in one.answers] == [a.tolist() for a in two.answers]
    if one.status is Status.FEASIBLE:
        assert one.bound > program.objective(one.answers[0])


@BACKENDS
def test_a_stop_ends_the_search(backend):
    progress = Progress()
    timer = threading.Timer(1.0, progress.stop)
    timer.start()
    outcome = solve(hard(), Budget(time_limit=300.0), progress, backend=backend)
    timer.join()
    assert outcome.usage.wall < 100.0
    assert outcome.status in (Status.FEASIBLE, Status.TIME_LIMIT)


def test_a_gap_that_was_asked_for_is_no_proof():
    rng = np.random.default_rng(6)
    weights = rng.integers(20, 80, (6, 30)).astype(float)
    program = Program.build(
        sense="maximise", linear=rng.integers(20, 80, 30),
        constraints=[(f"room{i}", range(30), w, "<=", w.sum() // 3)
                     for i, w in enumerate(weights)],
    )
    outcome = solve(program, gap=0.2)
    value = program.objective(outcome.answers[0])
    assert outcome.status is Status.FEASIBLE
    assert "gap of 0.2" in outcome.reason
    assert value < outcome.bound <= 1.26 * value


@pytest.mark.parametrize("threads", [2, 1])
def test_threads_may_change_from_run_to_run(threads):
    program = Program.build(linear=[-1, -2], constraints=[("a", [0, 1], 1, "<=", 1)])
    assert solve(program, Budget(threads=threads)).status is Status.OPTIMAL
    assert solve(program, Budget(threads=3 - threads)).status is Status.OPTIMAL


def test_nothing_is_printed(capfd):
    for backend in ("highs", "cbc"):
        solve(hard(12, 4), backend=backend)
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err == ""


def test_cbc_refuses_what_13_digits_do_not_hold():
    digits = Program.build(
        linear=[1, 1], lower=[0, 0], upper=[9, 9],
        constraints=[("e", [0, 1], [1234567.12345678, 1.0], "==", 1234567.12345678 * 3 + 4)],
    )
    with pytest.raises(UnsupportedError, match=r"reads 13 digits.*backend=highs"):
        solve(digits, backend="cbc")
    assert solve(digits).answers[0].tolist() == [3.0, 4.0]


def test_a_missing_cbc_is_named(monkeypatch):
    monkeypatch.setattr("pulp.apis.coin_api.pulp_cbc_path", "/nowhere/cbc")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(MissingPackageError, match=r"backend 'cbc'.*pulp\[cbc\]"):
        solve(Program.build(linear=[1]), backend="cbc")


@pytest.mark.parametrize(
    ("headline", "expected"),
    [
        ("Optimal - objective value 3", ("optimal", True)),
        ("Stopped on time - objective value 3", ("limit", True)),
        ("Stopped on nodes (no integer solution - continuous used) - objective value 3",
         ("limit", False)),
        ("Integer infeasible - objective value 3", ("unbounded", False)),
        ("Unbounded - objective value 3", ("unbounded", False)),
    ],
)
def test_what_cbc_says_of_its_end(headline, expected):
    assert cbc._state(headline) == expected


@pytest.mark.parametrize(
    "options", [{"backend": "glpk"}, {"gap": -0.1}, {"gap": float("nan")}]
)
def test_options_are_checked(options):
    with pytest.raises(UsageError, match=next(iter(options))):
        Milp(**options)


def halves(power):
    """The lighter of two parts of three numbers near 2**power: best is 2**(power - 1) - 2."""
    weights = [2.0**power + 1.0, 2.0**power - 1.0, 2.0 ** (power - 1)]
    return Program.build(
        linear=[-2.0 * w for w in weights], offset=sum(weights),
        constraints=[("half", range(3), weights, "<=", sum(weights) / 2.0)],
    )


@pytest.mark.parametrize("power", [30, 41, 47, 48])
def test_huge_coefficients_are_solved_right(power):
    outcome = solve(halves(power))
    assert outcome.status is Status.OPTIMAL
    assert outcome.bound == 2.0 ** (power - 1) - 2.0


@pytest.mark.parametrize(("backend", "power"), [("highs", 50), ("cbc", 35)])
def test_coefficients_beyond_a_backends_arithmetic_are_refused(backend, power):
    with pytest.raises(UnsupportedError, match="sums to"):
        solve(halves(power), backend=backend)


def test_a_whole_answer_is_not_bent_to_keep_an_equality():
    """Without rounding, wholeness to a millionth is worth 60 units of this row."""
    weights = [37414057.0, 52617939.0, 61204413.0, 45119967.0, 66530521.0]
    values = np.array([1.0, 1.0 + 5e-7, 0.0, 0.0, 0.0])
    row = ("sum", range(5), weights, "==", float(np.dot(weights, values)))
    program = Program.build(linear=np.ones(5), constraints=[row])
    assert not program.violations(values)
    assert rounded(program, values).tolist() == [1.0, 1.0, 0.0, 0.0, 0.0]


# -- bounds by other means, answers to start from, and what is told on the way --------------------


def glass(n, seed=0):
    """A spin glass of bits: couplings of random sign between all pairs."""
    row, col = np.triu_indices(n, 1)
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], len(row))
    return Qubo.from_ising(Ising(np.zeros(n), row, col, signs))


@BACKENDS
def test_a_start_is_reported_at_once_and_kept(backend):
    program = glass(30).to_program().model
    good = np.arange(30) % 2 * 1.0
    progress = Progress()
    outcome = Milp(backend=backend).solve(
        program, Budget(time_limit=0.5), 0, progress, start=[np.full(30, 0.3), good]
    )
    value = program.objective(good)
    assert progress.trace.incumbents[0][1] == min(value, program.objective(np.zeros(30)))
    assert program.objective(outcome.answers[0]) <= value
    assert outcome.status.has_answer


@BACKENDS
def test_a_search_starts_from_the_answer_that_it_is_given(backend):
    rng = np.random.default_rng(5)
    weights = rng.integers(10, 99, (5, 40)).astype(float)
    program = Program.build(
        sense="maximise", linear=rng.integers(10, 99, 40),
        row=[0, 1], col=[2, 3], value=[5.0, -4.0],
        constraints=[(f"room{i}", range(40), w, "<=", w.sum() // 3)
                     for i, w in enumerate(weights)],
    )
    best = solve(program, backend=backend)
    assert best.status is Status.OPTIMAL
    short = Milp(backend=backend).solve(
        program, Budget(evaluations=1), 0, Progress(), start=best.answers
    )
    assert program.objective(short.answers[0]) == program.objective(best.answers[0])
    assert short.bound >= best.bound


@BACKENDS
def test_a_bound_is_never_weaker_than_the_sum_of_all_terms_at_their_best(backend):
    qubo = glass(50)
    program = qubo.to_program().model
    outcome = solve(program, Budget(time_limit=1.0), backend=backend)
    assert outcome.bound >= trivial_bound(qubo)
    given_time = program_bound(program, lambda: False)
    assert given_time >= -0.35 * len(qubo.value)  # semidefinite; the sum is -1225


def test_cbc_tells_what_it_writes_as_it_comes():
    told = []

    class Ear(Watch):
        def objective(self, value):
            told.append(("answer", value))

        def bound(self, value):
            told.append(("bound", value))

    with _Reader(Ear(Progress())) as reader:
        os.write(reader.end, b"Cbc0012I Integer solution of -20115.76 found by Reduced search\nCbc")
        reader.look()
        os.write(reader.end, b"0010I After 0 nodes, 1 on tree, 1e+50 best solution, best possible ")
        reader.look()
        os.write(reader.end, b"-23894.406 (0.05 seconds)\nbest possible -1e+50)\n")
        reader.look()
    assert [kind for kind, _ in told] == ["answer", "bound"]
    assert -20115.76 < told[0][1] < -20115.0
    assert -23895.0 < told[1][1] < -23894.406
    assert reader.answers
    assert reader.bound == told[1][1]
    assert reader.log.count("\n") == 3


@BACKENDS
def test_answers_and_bounds_are_told_on_the_way(backend):
    rng = np.random.default_rng(1)
    program = Program.build(
        sense="maximise", linear=rng.integers(10, 99, 80) + 0.37,
        constraints=[(f"room{i}", range(80), rng.integers(10, 99, 80), "<=", 1500)
                     for i in range(6)],
    )
    progress = Progress()
    outcome = solve(program, Budget(time_limit=3.0), progress, backend=backend)
    values = [value for _, value in progress.trace.incumbents]
    bounds = [value for _, value in progress.trace.bounds]
    assert len(values) > 1
    assert values == sorted(set(values))
    assert values[-1] == pytest.approx(program.objective(outcome.answers[0]))
    assert len(bounds) > 1
    assert bounds == sorted(set(bounds), reverse=True)
    assert bounds[-1] >= values[-1] - 1e-6


def test_a_search_without_a_bound_by_other_means_goes_on_after_its_first_answer():
    program = Program.build(linear=[1.0, 0.0], lower=-np.inf, upper=np.inf, integer=False)
    watch = _Watch(program, Progress())
    watch.take(np.zeros(2))
    watch.raise_to(program_floor(program))
    assert not watch.stopping
    watch.raise_to(-1.0)
    assert not watch.stopping
    watch.take(np.array([-1.0, 0.0]))
    assert watch.stopping
    assert watch.tighter(-2.0) == -1.0
    assert watch.tighter(None) == -1.0
    assert watch.tighter(-0.5) == -0.5


def test_a_stop_before_the_first_answer_leaves_a_bound():
    progress = Progress()
    timer = threading.Timer(0.5, progress.stop)
    timer.start()
    program = hard(90, 30)
    outcome = solve(program, Budget(time_limit=300.0), progress, backend="cbc")
    timer.join()
    assert outcome.bound >= program_floor(program)


@BACKENDS
@pytest.mark.parametrize("bound", [1e15, 1e19, 1e25, np.inf])
def test_huge_bounds_do_not_hide_a_constraint(backend, bound):
    program = Program.build(
        linear=[1.0, 1.0], lower=[-np.inf, 0.0], upper=[np.inf, bound], integer=[False, True],
        constraints=[("least", [0, 1], 1.0, ">=", -4.0)],
    )
    outcome = solve(program, Budget(10.0), backend=backend)
    assert outcome.status is Status.OPTIMAL
    assert program.objective(outcome.answers[0]) == pytest.approx(-4.0)
