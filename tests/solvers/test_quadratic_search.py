"""SCIP, Gurobi, CPLEX and Xpress: against enumeration, their budgets and their licences."""

import json
import os
import signal
import subprocess
import sys
from importlib import import_module
from threading import Timer

import numpy as np
import pytest
from command_line import one_line_error
from command_line import qopt as run
from hypothesis import given, settings
from oracles import best_value, programs

import qopt
from qopt.errors import InputError, MissingPackageError, UnsupportedError, UsageError
from qopt.forms import Program
from qopt.registry import find
from qopt.solver import Budget, Progress, Status

NAMES = ("scip", "gurobi", "cplex", "xpress")


@pytest.fixture(params=NAMES)
def library(request):
    """Every library that is installed, by its spec."""
    spec = find("solver", request.param)
    if spec.missing():
        pytest.skip(f"needs {', '.join(spec.missing())}")
    return spec


def solve(spec, program, budget=None, progress=None, start=(), seed=0, **options):
    solver = spec.load()(**options)
    return solver.solve(program, budget or Budget(), seed, progress or Progress(), start=start)


def dense(n=40, k=None, seed=0) -> Program:
    """A selection of `k` of `n` with a dense objective that is far from convex."""
    row, col = np.triu_indices(n)
    matrix = np.random.default_rng(seed).normal(size=(n, n))
    rows = [] if k is None else [("count", range(n), 1.0, "==", k)]
    return Program.build(
        linear=np.zeros(n), row=row, col=col, value=matrix[row, col], constraints=rows
    )


def continuous(sense="minimise", **more) -> Program:
    """Two continuous variables and a whole one, with an objective that is not convex."""
    return Program.build(
        sense=sense, linear=[1, -2, 0.5], row=[0, 0, 1], col=[1, 2, 1], value=[-3, 1, 1],
        lower=[-1, 0, -2], upper=[2, 3, 2], integer=[False, False, True], offset=4.0,
        constraints=[("sum", [0, 1, 2], [1, 1, 1], "<=", 3.5)], **more,
    )


@pytest.mark.parametrize("linearise", [True, False])
def test_the_optimum_of_whole_programs_is_proven(library, linearise):
    @settings(max_examples=25, deadline=None)
    @given(programs())
    def proven(program):
        best = best_value(program)
        outcome = solve(library, program, linearise=linearise)
        if best is None:
            assert outcome.status is Status.PROVEN_INFEASIBLE
            return
        assert outcome.status is Status.OPTIMAL
        assert program.violations(outcome.answers[0]) == []
        assert program.objective(outcome.answers[0]) == pytest.approx(best, rel=2e-6, abs=2e-6)
        assert outcome.bound == pytest.approx(best, rel=2e-6, abs=2e-6)

    proven()


@pytest.mark.parametrize("sense", ["minimise", "maximise"])
def test_objectives_that_are_not_convex_in_continuous_variables_are_proven(library, sense):
    program = continuous(sense)
    outcome = solve(library, program)
    steps = np.linspace(0.0, 1.0, 301)
    x = np.stack(np.meshgrid(3 * steps - 1, 3 * steps, [-2, -1, 0, 1, 2]), axis=-1).reshape(-1, 3)
    x = x[x.sum(axis=1) <= 3.5]
    terms = x[:, program.row] * x[:, program.col]
    values = program.offset + x @ program.linear + terms @ program.value
    best = values.min() if sense == "minimise" else values.max()
    assert outcome.status is Status.OPTIMAL
    assert outcome.bound == pytest.approx(best, abs=2e-2)  # the grid's mesh
    assert program.objective(outcome.answers[0]) == pytest.approx(outcome.bound, abs=1e-5)
    assert program.violations(outcome.answers[0]) == []


def test_products_with_fixed_variables_count(library):
    for lower, upper in (([1, 0], [1, 1]), ([1, 1], [1, 1]), ([2, 0], [2, 3])):
        program = Program.build(
            linear=[-640, -370], row=[0], col=[1], value=[-302], lower=lower, upper=upper
        )
        outcome = solve(library, program)
        assert outcome.status is Status.OPTIMAL
        assert outcome.answers[0].tolist() == upper


def test_optima_that_presolves_cut_off_are_found(library):
    weights = [97, 55, 30, 58, 79, 22, 37, 37, 81, 62]
    products = Program.build(  # Xpress 9.9 calls -13 optimal
        linear=[-6, 10, -1, 6, -5, -12, 5, -11, -9, -12], row=[0, 2, 4], col=[1, 3, 5],
        value=[4, -1, -4], constraints=[("sum", range(10), weights, "==", 300)],
    )
    weights = [9411471, 1450422, 6399304, 5556900, 3069158, 5673106, 6889715, 3386828, 6165588,
               2162994]
    cover = Program.build(  # CPLEX 22.2 calls an answer optimal that is 56 991 off
        linear=weights, constraints=[("least", range(10), weights, ">=", 16301186)]
    )
    for program in (products, cover):
        outcome = solve(library, program)
        assert outcome.status is Status.OPTIMAL
        assert outcome.bound == pytest.approx(best_value(program), rel=1e-9)


def test_rows_beyond_floating_point_are_refused(library):
    weights = [2.0**27, 2.0**27 - 1, 3.0]
    program = Program.build(linear=[1, 1, 1], constraints=[("w", range(3), weights, ">=", 5)])
    with pytest.raises(UnsupportedError, match=r"'w' sums to .* solve it with 'cpsat'"):
        solve(library, program)


def test_programs_without_an_optimum_are_told_apart(library):
    free = {"lower": -np.inf, "upper": np.inf}
    with pytest.raises(InputError, match="unbounded below"):
        solve(library, Program.build(linear=[1, 0], **free))
    with pytest.raises(InputError, match="unbounded above"):
        solve(library, Program.build(sense="maximise", linear=[1, 0], integer=False, **free))
    half = [("half", [0, 1], [2, 2], "==", 3)]
    impossible = Program.build(linear=[1, 1], constraints=half, **free)
    assert solve(library, impossible).status is Status.PROVEN_INFEASIBLE
    empty = Program.build(linear=[1, 1], constraints=[("empty", [], [], ">=", 1)])
    assert solve(library, empty).status is Status.PROVEN_INFEASIBLE


def test_programs_without_variables_or_coefficients_are_answered(library):
    nothing = solve(library, Program.build(linear=[], offset=3.0))
    assert (nothing.status, nothing.bound) == (Status.OPTIMAL, 3.0)
    flat = solve(library, Program.build(linear=[0, 0], offset=3.0))
    assert (flat.status, flat.bound) == (Status.OPTIMAL, 3.0)


def test_an_answer_is_never_worse_than_those_it_starts_from(library):
    program = dense(n=20, k=7)
    rng = np.random.default_rng(1)
    starts = [np.isin(np.arange(20), rng.permutation(20)[:7]).astype(float) for _ in range(3)]
    starts.sort(key=program.objective)
    progress = Progress()
    wrong = np.ones(20)
    ended = solve(library, program, Budget(time_limit=0.0), progress, start=[wrong, *starts])
    assert ended.answers[0].tolist() == starts[0].tolist()
    assert progress.trace.incumbents[0][1] == program.objective(starts[0])
    for linearise in (True, False):
        short = Budget(evaluations=1)
        further = solve(library, program, short, start=starts, linearise=linearise)
        assert program.objective(further.answers[0]) <= program.objective(starts[0])
    with pytest.raises(UsageError, match="needs 20 values"):
        solve(library, program, start=[np.zeros(4)])


def test_evaluations_end_the_search_at_the_same_point(library):
    program = dense(n=25)
    budget = Budget(evaluations=1 if library.name == "scip" else 10_000)
    outcomes = [solve(library, program, budget, seed=3) for _ in range(2)]
    first, second = outcomes
    assert first.status is Status.FEASIBLE
    assert (first.bound, first.usage.evaluations) == (second.bound, second.usage.evaluations)
    assert first.answers[0].tolist() == second.answers[0].tolist()
    assert first.usage.evaluations >= 1


def test_huge_seeds_and_limits_are_taken(library):
    program, best = dense(n=8), best_value(dense(n=8))
    threads = 2000 if library.name == "gurobi" else 1  # others start as many as they are told
    budget = Budget(time_limit=1e30, evaluations=2**70, threads=threads)
    outcome = solve(library, program, budget, seed=2**31 - 1)
    assert outcome.status is Status.OPTIMAL
    assert outcome.bound == pytest.approx(best)


def test_a_bound_too_large_to_count_leaves_its_rows_as_they_are(library):
    program = Program.build(
        linear=[1, 1], lower=[-np.inf, 0], upper=[np.inf, 1e25], integer=[False, True],
        constraints=[("least", [0, 1], 1.0, ">=", -4.0)],
    )
    assert solve(library, program).bound == pytest.approx(-4.0)


def test_a_stop_ends_the_search_with_its_best_answer(library):
    program, progress = dense(n=60), Progress()
    start = np.zeros(60)
    timer = Timer(0.5, progress.stop)
    timer.start()
    outcome = solve(library, program, Budget(time_limit=60), progress, start=[start])
    timer.join()
    assert outcome.status is Status.FEASIBLE
    assert outcome.usage.wall < 30.0
    values = [value for _, value in progress.trace.incumbents]
    assert values == sorted(values, reverse=True)
    assert values[-1] == program.objective(outcome.answers[0])
    assert all(bound <= values[-1] for _, bound in progress.trace.bounds)


def test_a_gap_is_no_proof(library):
    outcome = solve(library, dense(n=30), gap=10.0)
    assert outcome.status is Status.FEASIBLE
    assert outcome.reason.endswith("ended at its gap of 10")
    with pytest.raises(UsageError, match="gap must be at least 0"):
        solve(library, dense(n=4), gap=-1.0)


def test_nothing_is_printed(library, capfd):
    solve(library, dense(n=12, k=4))
    solve(library, continuous())
    assert capfd.readouterr() == ("", "")


def test_ctrl_c_stays_with_qopt(library, capfd):
    Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()
    found = qopt.solve(dense(n=60), library.name, time_limit=60)
    assert found.record.interrupted
    assert found.record.wall < 30.0
    assert capfd.readouterr() == ("", "")


def test_the_command_line_gives_json_alone():
    if find("solver", "scip").missing():
        pytest.skip("needs pyscipopt")
    done = run("solve", "sp500-10-k4", "--solver", "scip", "--json")
    found = json.loads(done.stdout)
    assert (found["status"], found["solver"], done.stderr) == ("optimal", "scip", "")


@pytest.mark.parametrize(
    ("name", "size", "allowed"),
    [("gurobi", 201, "2000 variables"), ("cplex", 1001, "1000 variables"),
     ("xpress", 201, "5000 variables")],
)
def test_a_model_above_the_licence_is_unsupported(name, size, allowed):
    spec = find("solver", name)
    if spec.missing():
        pytest.skip(f"needs {', '.join(spec.missing())}")
    index = np.arange(size - 1)
    chain = Program.build(
        linear=np.ones(size), row=index, col=index + 1, value=np.where(index % 2, 1.0, -3.0)
    )
    try:
        outcome = solve(spec, chain, Budget(time_limit=2))
    except UnsupportedError as fault:
        text = str(fault)
        assert text.startswith("licence limit: ")
        assert allowed in text
        assert f"the model has {size} variables" in text
    else:  # a full licence is installed
        assert outcome.bound is not None


def test_a_licence_that_is_not_there_is_told(monkeypatch):
    spec = find("solver", "gurobi")
    if spec.missing():
        pytest.skip("needs gurobipy")
    monkeypatch.setenv("GRB_LICENSE_FILE", "/no/such/licence")
    with pytest.raises(UnsupportedError, match=r"no licence: .*unset GRB_LICENSE_FILE"):
        solve(spec, dense(n=4))


def test_a_licence_that_a_process_does_not_find_is_told():
    if find("solver", "xpress").missing():
        pytest.skip("needs xpress")
    code = (
        "from qopt.cli.main import main; import os, sys; os.environ['XPAUTH_PATH'] = '/no/such'; "
        "sys.argv = ['qopt', 'solve', 'sp500-10-k4', '--solver', 'xpress']; main()"
    )
    arguments = [sys.executable, "-c", code]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (UnsupportedError.exit_code, "")
    assert done.stderr.startswith("qopt: error: no licence: ")
    assert "unset XPAUTH_PATH" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_library_is_told_with_the_extra_that_installs_it(name, monkeypatch):
    monkeypatch.setattr("qopt.registry.find_spec", lambda module: None)
    with pytest.raises(MissingPackageError) as caught:
        find("solver", name).load()
    assert str(caught.value).endswith(f": pip install 'qopt-toolkit[{name}]'")


def test_a_program_with_a_missing_library_ends_the_command_in_one_line():
    for name in NAMES:
        if find("solver", name).missing():
            text = one_line_error("solve", "sp500-10-k4", "--solver", name, code=6)
            assert f"qopt-toolkit[{name}]" in text
            return
    pytest.skip("all four libraries are installed")


def test_libraries_work_beside_each_other(library):
    for other in ("milp", "cpsat"):
        spec = find("solver", other)
        import_module(spec.target.partition(":")[0])
        knapsack = Program.build(
            sense="maximise", linear=[5, 4, 3], constraints=[("w", range(3), [2, 3, 1], "<=", 4)]
        )
        assert spec.load()().solve(knapsack, Budget(), 0, Progress()).bound == 8.0
        assert solve(library, knapsack).bound == 8.0
