"""The searches of QUBOs through the real command line."""

import json
import subprocess
import sys

import numpy as np
import pytest

from qopt.forms import Qubo
from qopt.forms.qubo_files import write_qubo


def qopt(*arguments, code=0):
    done = subprocess.run(
        [sys.executable, "-m", "qopt.cli.main", *map(str, arguments)],
        capture_output=True, text=True, timeout=120, check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.parametrize(
    ("solver", "instance", "best"),
    [
        ("memetic", "torus-8x8", 54),
        ("tempering:presolve=false", "sparse-50", -3949),
        ("portfolio", "cubic-14", 18),
    ],
)
def test_bundled_instances_are_solved(solver, instance, best):
    done = qopt("solve", instance, "--solver", solver, "--evaluations", 2_000_000, "--json")
    data = json.loads(done.stdout)
    assert (data["status"], data["objective"], data["violations"]) == ("feasible", best, [])


def test_a_bad_temperature_is_said_in_a_sentence():
    done = qopt("solve", "torus-8x8", "--solver", "tempering:beta_min=-1", code=2)
    assert "beta_min must be positive and finite, got -1.0" in done.stderr


def test_what_presolve_decided_is_explained_as_such():
    told = qopt("solve", "sparse-50", "--explain").stdout.splitlines()
    assert told[-1] == (
        "presolve decided every variable: nothing was left to choose a solver for"
    )
    assert "asked for by name" in qopt("solve", "burma5", "--solver", "cpsat", "--explain").stdout


def test_who_won_a_race_is_explained():
    solver = "portfolio:presolve=false"
    told = qopt("solve", "torus-8x8", "--solver", solver, "--evaluations", 400_000, "--explain")
    line = told.stdout.splitlines()[-1]
    assert "won the race; shares of the budget: " in line
    assert "path-relinking" in line


def test_no_time_gives_no_finder_and_no_advice_to_seek_faults():
    done = qopt("solve", "burma14", "--time-limit", 0, code=10)
    assert "found the answer" not in done.stdout
    assert "time_limit, no answer" in done.stdout
    assert "the budget ended" in done.stdout
    assert "qopt why" not in done.stderr
    assert "a time limit of 0 s was too short" in done.stderr


def test_the_bits_of_a_long_answer_are_cut(tmp_path):
    file = tmp_path / "long.json"
    write_qubo(Qubo.from_arrays(np.full(500, -1.0), [0], [1], [0.5]), file)
    lines = qopt("solve", file).stdout.splitlines()
    assert lines[lines.index("answer") + 1] == f"  {'1' * 120} ... (500 in all; --json prints all)"
    assert json.loads(qopt("solve", file, "--json").stdout)["answer"] == "1" * 500


def test_a_matrix_of_one_s_own_is_solved_or_its_fault_is_told(tmp_path):
    file = tmp_path / "own.csv"
    file.write_text("-1,2,0,0\n0,-1,2.5,0\n0,0,-1,1\n0,0,0,-2\n")
    assert "optimal, objective -3" in qopt("solve", file).stdout
    file.write_text("-1,2,0,0\n0,-1,2.5,?\n")
    assert "own.csv:2: '?' is not a finite number" in qopt("solve", file, code=3).stderr
