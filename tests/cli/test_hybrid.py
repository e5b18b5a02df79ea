"""The decomposing hybrid on the command line, with a quantum subsolver and its ablations."""

import json

import pytest

from qopt.cli.main import run


@pytest.fixture
def command(capsys):
    """The command line in this process, for all that needs no process of its own."""

    def call(*arguments, code=0):
        assert run([str(argument) for argument in arguments]) == code
        done = capsys.readouterr()
        return done.out if code in (0, 11) and done.out else done.err

    return call


def test_a_hybrid_with_qaoa_and_its_ablations(command, tmp_path):
    solver = "hybrid:subsolver=[qaoa:p=1,device=aer:torino,shots=50],size=4"
    data = json.loads(command(
        "solve", "cubic-14", "--solver", solver, "--evaluations", 2, "--json",
    ))
    assert data["details"]["ablations"] == [{"subsolver": "exact"}, {"subsolver": "none"}]
    assert "qopt compare runs its ablations (exact and none) beside it" in data["reason"]
    assert data["usage"]["qubits"] >= 4
    assert data["usage"]["device"] == "aer:torino"
    assert data["usage"]["shots"] >= 100
    page = tmp_path / "page.html"
    out = command(
        "compare", "cubic-14", "--solver", "hybrid:size=4,subsolver=[qaoa:p=1]", "--seeds", 1,
        "--evaluations", 2, "--report", str(page),
    )
    assert "hybrid:size=4,subsolver=exact" in out
    assert "hybrid:size=4,subsolver=none" in out
    assert "against the same loop with its subsolver replaced" in out
    assert "against the same loop with its subsolver replaced" in page.read_text()


def test_a_hybrid_that_cannot_be_is_refused_in_words(command):
    said = command("solve", "cubic-14", "--solver", "hybrid:choose=groups", code=2)
    assert "take auto, impact, graph or random" in said
    said = command("solve", "torus-8x8", "--solver", "hybrid:size=40", code=4)
    assert "subsolver=exact takes at most 28 bits" in said
    assert "take size=28 or less" in said
