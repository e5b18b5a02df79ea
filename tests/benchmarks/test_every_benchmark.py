"""Every benchmark runs at its smallest setting and gives tables that can be stored."""

import json
from importlib import import_module

import pytest

from benchmarks import __main__ as runner
from benchmarks import fixed_angles, qaoa_simulation
from benchmarks._table import Failure, Table

SMALLEST = {
    "auto": ["--names", "three-by-three", "burma5", "--seconds", "0.1"],
    "classical_qubo": [
        "--instances", "QUBO 60, 50 %", "--seconds", "0.02", "--seeds", "1", "--sections",
        "quality", "--only", "dwave-tabu",
    ],
    "compile": [
        "--devices", "manila", "--shapes", "3-regular 4", "--tries", "1", "--levels", "1",
    ],
    "fixed_angles": ["--layers", "1"],
    "mitigation": [
        "--qubits", "3", "--layers", "1", "--shots", "100", "--seeds", "2", "--devices",
        "depolarizing:0.01;0.02;0.02", "--methods", "readout+zne", "symmetry",
    ],
    "portfolio_proofs": [
        "--kinds", "exactly", "--assets", "8", "--held", "2", "--seconds", "1", "--solvers",
        "miqp",
    ],
    "presolve": ["--variables", "50"],
    "qaoa_angles": ["--quick", "--instances", "grouped-12", "--depths", "1"],
    "qaoa_simulation": ["--qubits", "4", "--simulators", "qopt double", "--threads", "1"],
    "qaoa_subspace": ["--cases", "4 of 12", "--threads", "1"],
    "transferred_angles": ["--count", "1", "--families", "grouped-12", "--depths", "1"],
}


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulators are not started anew, nor the machine's limits measured: both take seconds."""
    monkeypatch.setattr(qaoa_simulation, "in_a_process", qaoa_simulation.measure)
    monkeypatch.setattr(qaoa_simulation, "_limits", lambda *_: None)


@pytest.mark.parametrize("name", SMALLEST)
@pytest.mark.usefixtures("in_this_process")
def test_smallest_setting(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    tables = import_module(f"benchmarks.{name}").main(SMALLEST[name])
    printed = capsys.readouterr().out
    assert tables
    for table in tables:
        assert table.rows
        assert table.title in printed
        kept = Table.from_json(json.loads(json.dumps(table.to_json(), allow_nan=False)))
        assert kept.markdown() == table.markdown()


@pytest.mark.parametrize("name", runner.names())
def test_listed_with_a_line_of_its_own(name: str) -> None:
    assert runner.summary(name).strip()


@pytest.mark.parametrize("name", runner.names())
def test_its_arguments_are_told(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        import_module(f"benchmarks.{name}").main(["--help"])
    assert ended.value.code == 0
    assert f"usage: python -m benchmarks {name}" in capsys.readouterr().out


def test_a_wrong_table_of_angles_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fixed_angles.PUBLISHED, 3.0, (0.7,) * 8)
    with pytest.raises(Failure, match="1 rows differ"):
        fixed_angles.main(["--layers", "1"])
