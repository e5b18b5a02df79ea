"""Runs that start from an answer."""

from dataclasses import replace

import numpy as np
import pytest
import toys
from click.testing import CliRunner
from command_line import one_line_error
from toys import Pick, write_pick

import qopt
from qopt.cli.solve import solve as solve_command
from qopt.errors import InputError, ParseError, UnsupportedError, UsageError
from qopt.forms import Lowering, Qubo
from qopt.run import Task
from qopt.solution import write_answer
from qopt.start import Start
from qopt.testing import check_solver

pytestmark = pytest.mark.usefixtures("toy_registry")

POOR = [1, 0, 1, 0, 0]
"""The two largest of 5, 1, 4, 2, 3."""


def test_a_solver_gets_the_answer_as_its_model_states_it():
    cold = qopt.solve(Pick(), "continues")
    solution = qopt.solve(Pick(), "continues", start=[0, 1, 0, 0, 1])
    assert cold.record.details["starts"] == []
    assert solution.record.details["starts"] == [[0, 1, 0, 0, 1]]
    assert (cold.objective, solution.objective) == (8.0, 3.0)
    assert "started from a given answer, feasible, objective 4" in solution.record.notes


def test_the_start_is_part_of_the_key():
    tasks = [Task(Pick(), "continues", start=start) for start in (None, POOR, [0, 1, 0, 0, 1])]
    assert len({task.key for task in tasks}) == 3
    assert tasks[1].preimage["start"] == {"picked": [0, 2]}
    record = qopt.solve(Pick(), "continues", start=POOR).record
    assert record.task == tasks[1].preimage
    again = Pick().decode_answer(record.task["start"])
    assert Task(Pick(), "continues", start=again).key == record.key


def test_what_a_run_wrote_is_read_again(tmp_path):
    first = qopt.solve(Pick(), "brute")
    write_answer(first, tmp_path / "answer.json")
    for path in (tmp_path / "answer.json", str(tmp_path / "answer.json")):
        assert Task(Pick(), "continues", start=path).start.answer == first.answer


def test_an_infeasible_start_is_taken_and_said():
    solution = qopt.solve(Pick(), "continues", start=[1, 1, 1, 0, 0])
    assert solution.feasible
    assert any("infeasible, objective 10" in note for note in solution.record.notes)


def test_a_solver_that_takes_none_says_which_do():
    with pytest.raises(UsageError, match=r"'brute' takes no answer to start from.*continues"):
        qopt.solve(Pick(), "brute", start=POOR)


class OneWay(Pick):
    """Cannot say an answer as bits."""

    def lower(self, form, **options):
        return replace(super().lower(form, **options), encode=None)


class Narrow(Pick):
    """Its model leaves out what does not pick two numbers."""

    def lower(self, form, **options):
        def encode(answer):
            if sum(answer) != self.k:
                raise UsageError("the model has no such answer")
            return np.asarray(answer)

        return replace(super().lower(form, **options), encode=encode)


@pytest.mark.parametrize(("problem", "start", "said"), [
    (OneWay(), POOR, "cannot state an answer to start from"),
    (Narrow(), [1, 1, 1, 0, 0], "the model has no such answer"),
])
def test_a_model_that_cannot_state_it_is_told(problem, start, said):
    with pytest.raises(UnsupportedError, match=said):
        qopt.solve(problem, "continues", start=start)


@pytest.mark.parametrize("wrong", [[1, 0], 3, {"picked": [1]}, ["x"] * 10, object()])
def test_what_is_no_answer_is_refused(wrong):
    problem = qopt.load("petersen-set")
    with pytest.raises(InputError, match="is no answer of petersen-set"):
        Start.of(problem, wrong)


@pytest.mark.parametrize(("name", "text", "fault", "said"), [
    ("missing.json", None, UsageError, "does not exist"),
    ("a.json", '{"picked": [0,', ParseError, "no JSON"),
    ("a.json", '{"bits": []}', InputError, "'picked' is missing"),
    ("a.json", "[" * 100_000, InputError, "nested too deeply"),
    ("a.json", '{"picked": [NaN]}', InputError, "NaN is no number of JSON"),
    ("a.json", "7", InputError, "holds no answer of numbers"),
    ("a.txt", "0 1", UnsupportedError, "reads an answer to start from as .json, not .txt"),
])
def test_files_that_hold_none_are_refused(tmp_path, name, text, fault, said):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(fault, match=said):
        Start.of(Pick(), tmp_path / name)


class Written(Pick):
    """Reads what it writes."""

    def read_txt(self, path):
        return [int(word) for word in path.read_text().split()]


def test_a_format_that_a_problem_reads_itself(tmp_path):
    (tmp_path / "a.txt").write_text("1 0 1 0 0\n")
    assert Start.of(Written(), tmp_path / "a.txt").answer == POOR


def test_solvers_that_forget_their_start_do_not_conform():
    check_solver("continues")
    with pytest.raises(AssertionError, match="worse than the best feasible answer"):
        check_solver("continues", {"forgets": True})


def test_a_refined_model_that_cannot_state_it_goes_without():
    from qopt.rounds import solve_in_rounds
    from qopt.solver import Budget, Progress

    given = []

    def solve(model, budget, progress, **more):
        given.append(more)
        return toys.Brute().solve(model, budget, 0, progress)

    problem = Pick()
    last = replace(problem.lower(Qubo), encode=None)
    first: Lowering = replace(problem.lower(Qubo), relaxed=True, refine=lambda answers: last)
    solve_in_rounds(
        problem, first, lambda *a, **k: replace(solve(*a, **k), bound=None), Budget(), Progress(),
        Start.of(problem, POOR),
    )
    assert [list(more) for more in given] == [["start"], []]
    assert given[0]["start"][0].tolist() == POOR


def test_the_command_line_starts_from_a_file(tmp_path):
    numbers, written = write_pick(tmp_path / "a.pick"), tmp_path / "answer.json"
    run = CliRunner().invoke
    done = run(solve_command, [str(numbers), "--solver", "continues", "-o", str(written)])
    assert "objective 8" in done.output
    start = [str(numbers), "--solver", "continues", "--start", str(written)]
    assert "objective 7" in run(solve_command, start).output
    assert "infeasible" not in run(solve_command, start).output


def test_the_command_line_refuses_in_one_line(tmp_path):
    written = tmp_path / "answer.json"
    written.write_text("[0, 2]")
    line = one_line_error(
        "solve", "petersen-set", "--solver", "exact", "--start", written, code=2
    )
    assert "takes no answer to start from" in line
