"""Other frameworks' simulators on the command line."""

import json

import pytest
from command_line import one_line_error, qopt
from optional import installed, reason

needs_qulacs = pytest.mark.skipif(not installed("qulacs"), reason=reason("qulacs"))


@needs_qulacs
def test_a_run_on_qulacs_is_that_on_the_own_simulator():
    ours, theirs = (
        json.loads(
            qopt("solve", "sp500-10-k4", "--solver", f"qaoa:device={device},shots=200", "--json")
            .stdout
        )
        for device in ("statevector", "qulacs")
    )
    assert theirs["usage"]["device"] == "qulacs"
    assert theirs["usage"]["shots"] == 200
    assert theirs["feasible"]
    assert theirs["answer"] == ours["answer"]
    assert theirs["objective"] == ours["objective"]


@needs_qulacs
def test_registers_that_qulacs_would_crash_on_are_refused():
    line = one_line_error("solve", "torus-8x8", "--solver", "qaoa:device=qulacs", code=4)
    assert "the simulation by qulacs takes at most" in line
