"""Job shops against every order of operations, and their files."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lowerings import best_of, check_lowerings

import qopt
from qopt.errors import InputError, ParseError, SizeError, UsageError
from qopt.forms import Program, Qubo
from qopt.problems.job_shop import JobShop


def schedules(problem):
    """The semi-active schedules: operations start as early as an order of all of them allows."""
    jobs, operations = problem.machines.shape
    made = []
    for order in set(permutations([j for j in range(jobs) for _ in range(operations)])):
        starts = np.zeros((jobs, operations), dtype=np.int64)
        job_free, machine_free, place = [0] * jobs, {}, [0] * jobs
        for j in order:
            machine, o = int(problem.machines[j, place[j]]), place[j]
            starts[j, o] = max(job_free[j], machine_free.get(machine, 0))
            end = int(starts[j, o] + problem.durations[j, o])
            job_free[j] = machine_free[machine] = end
            place[j] += 1
        made.append(starts)
    return made


@st.composite
def shops(draw, longest=3):
    jobs, machines = draw(st.sampled_from([(1, 2), (2, 1), (2, 2), (3, 1), (3, 2), (2, 3)]))
    return JobShop(
        name="j",
        machines=[draw(st.permutations(range(machines))) for _ in range(jobs)],
        durations=[draw(st.lists(st.integers(0, longest), min_size=machines, max_size=machines))
                   for _ in range(jobs)],
    )


@settings(deadline=None, max_examples=25)
@given(problem=shops())
def test_every_model_finds_the_shortest_makespan(problem):
    known = problem.makespan_of(problem.greedy)
    check_lowerings(problem, schedules(problem), lambda s: problem.makespan_of(s) <= known)


@settings(deadline=None, max_examples=40)
@given(problem=shops(9))
def test_the_bounds_enclose_the_optimum(problem):
    best = best_of(problem, schedules(problem))
    assert problem.score(problem.greedy).feasible
    assert problem.lower_bound <= best <= problem.makespan_of(problem.greedy)


@settings(deadline=None, max_examples=10)
@given(problem=shops(2), room=st.integers(0, 2))
def test_a_wider_horizon_changes_no_optimum(problem, room):
    best = best_of(problem, schedules(problem))
    horizon = problem.makespan_of(problem.greedy) + room
    for solver, form in (("cpsat", Program), ("exact", Qubo)):
        lowering = problem.lower(form, horizon=horizon)
        assert lowering.complete
        if form is Program or lowering.model.num_variables <= 16:
            solution = qopt.solve(problem, solver, **{"lower.horizon": horizon})
            assert solution.objective == best


def test_a_horizon_that_may_be_too_short_proves_nothing():
    problem = qopt.load("shop-3x3")
    known = problem.makespan_of(problem.greedy)
    assert known > problem.lower_bound
    assert not problem.lower(Program, horizon=problem.lower_bound).complete
    assert not problem.lower(Qubo, horizon=problem.lower_bound).complete
    with pytest.raises(UsageError, match=r"no schedule ends by horizon=1: .* at least"):
        problem.lower(Qubo, horizon=1)


def test_the_optimum_of_fisher_and_thompson():
    solution = qopt.solve(qopt.load("ft06"), "cpsat", seed=1)
    assert (solution.status, solution.objective) == ("optimal", 55)
    assert solution.problem.score(solution.answer).objective == 55


def test_violations_in_words():
    problem = JobShop(name="j", machines=[[0, 1], [1, 0]], durations=[[2, 1], [1, 2]])
    score = problem.score([[0, 1], [2, 1]])
    assert [(v.text, v.amount) for v in score.violations] == [
        ("job 1 operation 2 starts 1 before job 1 operation 1 ends", 1.0),
        ("job 2 operation 2 starts 2 before job 2 operation 1 ends", 2.0),
        ("machine 0: job 1 operation 1 and job 2 operation 2 overlap by 1", 1.0),
    ]
    score = problem.score([[0, -1], [0, 2]])
    assert [v.text for v in score.violations] == ["job 1 operation 2 has no start"]
    assert problem.insight([[0, 2], [0, 2]])["schedule"]["machine 0"] == [
        {"job": 1, "start": 0, "end": 2}, {"job": 2, "start": 2, "end": 4},
    ]
    assert problem.encode_answer([[0, -1], [0, 2]]) == [[0, None], [0, 2]]
    assert problem.decode_answer([[0, None], [0, 2]]).tolist() == [[0, -1], [0, 2]]


def test_no_start_is_invented():
    problem = JobShop(name="j", machines=[[0, 1]], durations=[[2, 1]])
    assert problem.to_program().decode([0.5, 2, 3]).tolist() == [[-1, 2]]
    assert problem.to_program().decode([np.nan, -3, 3]).tolist() == [[-1, -1]]


def test_large_models_are_refused_with_their_size():
    rng = np.random.default_rng(0)
    problem = JobShop(name="j", machines=[rng.permutation(10) for _ in range(10)],
                      durations=rng.integers(50, 100, (10, 10)))
    with pytest.raises(SizeError, match="the time-indexed model takes at most 10000 bits"):
        problem.lower(Qubo)
    assert problem.lower(Program).model.num_variables <= 100 + 1 + 10 * 45


@pytest.mark.parametrize(
    ("machines", "durations", "said"),
    [([], [], "table of jobs"), ([[0]], [[1, 2]], "durations"), ([[0]], [[-1]], "at least 0"),
     ([[0]], [[0.5]], "whole"), ([[-1]], [[1]], "at least 0")],
)
def test_wrong_numbers_are_refused(machines, durations, said):
    with pytest.raises(InputError, match=said):
        JobShop(name="j", machines=machines, durations=durations)


def load(tmp_path, text):
    path = tmp_path / "j.txt"
    path.write_bytes(text.encode())
    return qopt.load(path, kind="job-shop")


@pytest.mark.parametrize("text", ["2 2\n0 2 1 1\n1 1 0 2\n",
                                  "# a comment\r\n2 2\r\n\r\n0\t2 1 1\r\n1 1 0 2"])
def test_files(tmp_path, text):
    problem = load(tmp_path, text)
    assert problem.machines.tolist() == [[0, 1], [1, 0]]
    assert problem.durations.tolist() == [[2, 1], [1, 2]]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("2 2\n0 2 1 1\n", 2, "the file ends before 2 pairs"),
        ("2 2\n0 2 1 1\n1 1 0 2\n3\n", 4, "goes on with '3' after 2 jobs"),
        ("2 2\n0 2 1 1 1\n1 0 2\n", 2, "job 1 needs 2 pairs 'machine duration' in a line, got 5"),
        ("2 2\n0 2 2 1\n1 1 0 2\n", 2, "a machine of job 1 must be between 0 and 1, got 2"),
        ("2 2\n0 2 0 1\n1 1 0 2\n", 2, "job 1 visits machine 0 twice"),
        ("2 2\n0 2 1 -1\n1 1 0 2\n", 2, "a duration of job 1 must be between"),
        ("2 2\n0 2 1 1e1\n1 1 0 2\n", 2, "must be a whole number, got '1e1'"),
        ("2 2\n0 2 1 1.5\n1 1 0 2\n", 2, "must be a whole number, got '1.5'"),
        ("2 2 2\n0 2 1 1\n1 1 0 2\n", 1, "expected 'jobs machines'"),
        ("two 2\n", 1, "the number of jobs must be a whole number, got 'two'"),
        ("# only\n", None, "expected 'jobs machines'"),
    ],
)
def test_faults_are_named_with_their_line(tmp_path, text, line, said):
    with pytest.raises(ParseError, match=said) as fault:
        load(tmp_path, text)
    assert fault.value.line == line
