"""Devices of vendors through the real command line, with nobody to be reached."""

import json

import pytest
from command_line import one_line_error, qopt

from qopt.forms import Qubo
from qopt.forms.qubo_files import write_qubo

KEY = "s3cr3t-of-ionq"


@pytest.fixture(autouse=True)
def _cut_off(monkeypatch, tmp_path):
    """No credentials of the user's, no network, and a journal of the test's own."""
    for name in ("IONQ_API_KEY", "IONQ_API_TOKEN", "QISKIT_IBM_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("QOPT_JOBS", str(tmp_path / "jobs.sqlite"))
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # where nothing listens
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.json"
    write_qubo(Qubo.from_arrays([1.0, -2.0, 3.0], [0, 1], [1, 2], [1.0, -1.5]), path)
    return path


def test_a_fake_device_of_ibm_solves(model):
    done = qopt(
        "solve", model, "--solver", "qaoa:device=ibm:fake_manila,shots=300,presolve=false", "--json"
    )
    data = json.loads(done.stdout)
    assert data["objective"] == -2.0


def test_missing_credentials_end_with_12_and_how_to_set_them(model):
    solver = "qaoa:device=ionq:qpu.forte-1,presolve=false"
    error = one_line_error("solve", model, "--solver", solver, code=12)
    assert "set the environment variable IONQ_API_KEY" in error


def test_a_vendor_out_of_reach_leaves_no_trace_of_the_key(model, monkeypatch, tmp_path):
    monkeypatch.setenv("IONQ_API_KEY", KEY)
    done = qopt(
        "solve", model, "--solver", "qaoa:device=ionq:qpu.forte-1,presolve=false",
        "--time-limit", 2, "--store", tmp_path / "runs.sqlite", "--json", code=10,
    )
    assert "before a job was submitted" in done.stdout
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert KEY not in done.stdout + done.stderr
    assert KEY.encode() not in written
    assert (tmp_path / "jobs.sqlite").exists()
    assert (tmp_path / "runs.sqlite").exists()


def test_a_misspelt_device_is_told_with_the_nearest(model):
    error = one_line_error("solve", model, "--solver", "qaoa:device=ibm:fake_torin", code=2)
    assert "ibm:fake_torino" in error
