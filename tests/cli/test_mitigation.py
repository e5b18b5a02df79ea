"""``qopt mitigation`` through the real command line."""

import json

import numpy as np
import pytest
from command_line import one_line_error, qopt

NOISY = "depolarizing:0.001;0.02;0.03"


@pytest.fixture
def model(tmp_path):
    matrix = np.triu(np.random.default_rng(0).normal(size=(4, 4)))
    path = tmp_path / "four.csv"
    np.savetxt(path, matrix, delimiter=",")
    return path


def test_the_table_is_printed_and_written(model, tmp_path):
    done = qopt(
        "mitigation", model, "--device", NOISY, "--shots", 200, "--seeds", 2, "--method", "none",
        "--method", "readout+zne:zne_extrapolation=linear", "-o", tmp_path / "table.html",
        "--json",
    )
    data = json.loads(done.stdout)
    assert [row["method"] for row in data["rows"]] == ["raw", "readout+zne, linear"]
    assert data["rows"][1]["multiplier"] == 4.0
    assert "Error mitigation" in (tmp_path / "table.html").read_text()


def test_a_solve_tells_raw_and_mitigated(model):
    done = qopt(
        "solve", model, "--solver",
        f"qaoa:device={NOISY},mitigation=readout+zne,shots=200,presolve=false",
        "--json",
    )
    told = json.loads(done.stdout)["details"]["mitigation"]
    assert told["method"] == "readout+zne"
    assert told["shots"] == 800


def test_faults_are_one_line(model):
    assert "no noise" in one_line_error("mitigation", model, "--device", "statevector", code=2)
    assert "mitigation" in one_line_error(
        "mitigation", model, "--device", NOISY, "--method", "zero", code=2
    )
    assert "a result ends in" in one_line_error(
        "mitigation", model, "--device", NOISY, "-o", "x.pdf", code=2
    )
