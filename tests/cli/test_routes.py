"""Routes on the command line: what is in their way, and the hybrid."""

import json

import pytest
from command_line import qopt

from qopt.cli.main import run


@pytest.fixture
def command(capsys):
    """The command line in this process, for all that needs no process of its own."""

    def call(*arguments, code=0):
        assert run([str(argument) for argument in arguments]) == code
        done = capsys.readouterr()
        return done.out if code in (0, 11) and done.out else done.err

    return call


TIGHT = """NAME : tight
TYPE : CVRP
DIMENSION : 4
EDGE_WEIGHT_TYPE : EUC_2D
CAPACITY : 10
VEHICLES : 2
NODE_COORD_SECTION
1 0 0
2 0 5
3 5 0
4 5 5
DEMAND_SECTION
1 0
2 6
3 6
4 6
DEPOT_SECTION
1
-1
EOF
"""


def test_what_is_in_the_way_and_what_would_mend_it(tmp_path, command):
    file = tmp_path / "tight.vrp"
    file.write_text(TIGHT)
    assert f"qopt why {file}" in qopt("solve", file, code=11).stderr
    lines = command("why", file).splitlines()
    assert lines[0] == "tight: infeasible, proven by cpsat"
    assert "  leave out 1 client: 3 (proven smallest by cpsat); objective 20" in lines
    assert any("set the capacity of vehicle to 12 instead of 10" in line for line in lines)
    data = json.loads(command("why", file, "--client", 2, "--json"))
    assert data["feasible"] is False
    kinds = {mend["kind"]: mend for mend in data["mends"]}
    assert kinds["drop"]["text"] == "leave out 1 client: 2"
    assert kinds["vehicles"]["smallest"] == "proven"
    assert kinds["vehicles"]["answer"]["routes"]


def test_a_fleet_that_is_refused_and_wrong_questions(command):
    assert "carry 245" in command("solve", "P-n16-k8", "--set", "vehicles=7", code=11)
    assert "unknown client 'x'" in command("why", "P-n16-k8", "--client", "x", code=2)
    assert "why explains routes" in command("why", "cubic-14", code=5)
    assert "feasible: an answer" in command("why", "P-n16-k8")


def test_the_hybrid_and_its_ablations(command):
    data = json.loads(command(
        "solve", "P-n16-k8", "--solver", "lns:subsolver=[sa:reads=5,sweeps=20]",
        "--evaluations", 2, "--json",
    ))
    assert data["objective"] == 450
    assert "qopt compare runs its ablations" in data["reason"]
    assert data["details"]["ablations"] == [{"subsolver": "exact"}, {"subsolver": "none"}]
    out = command("compare", "P-n16-k8", "--solver", "lns", "--seeds", 1, "--evaluations", 2)
    assert "lns:subsolver=exact" in out
    assert "lns against the same loop with its subsolver replaced: did not beat" in out
