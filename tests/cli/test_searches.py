"""The searches of QUBOs through the real command line."""

import json
import subprocess
import sys

import pytest


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
