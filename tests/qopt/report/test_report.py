import csv
import json
import shlex

import factories as make
import pytest

from qopt.comparison import Comparison
from qopt.errors import UsageError
from qopt.report import check_report_path, reproduce, write_report


@pytest.fixture(scope="module")
def comparison():
    return Comparison(make.demo_records())


def test_the_ending_chooses_the_format(comparison, tmp_path):
    for ending in ("html", "csv", "json", "txt"):
        write_report(comparison, tmp_path / f"report.{ending}")
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")
    with (tmp_path / "report.csv").open() as stream:
        assert len(list(csv.DictReader(stream))) == len(comparison.table())
    data = json.loads((tmp_path / "report.json").read_text())
    assert data["summary"] == list(comparison.summary)
    assert (tmp_path / "report.txt").read_text().startswith("burma14: tsp")


@pytest.mark.parametrize(
    ("name", "message"),
    [("report.pdf", "ends in"), ("report", "ends in"), ("missing/report.html", "does not exist")],
)
def test_a_report_that_cannot_be_written_is_refused_beforehand(tmp_path, name, message):
    with pytest.raises(UsageError, match=message):
        check_report_path(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_report(tmp_path):
    (tmp_path / "x.html").mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        check_report_path(tmp_path / "x.html")


def words(command):
    return shlex.split(command.replace("\\\n", " "), comments=True)


def test_the_command_repeats_settings_options_and_budget_exactly():
    facts = make.instance("a b", path="my data/a b.csv", kind="portfolio",
                          settings={"select": 5, "risk": 0.1 + 0.2, "names": ["x", "y"],
                                    "caps": {"Energy": 2, "Health Care": 0.5}})
    budget = {"time_limit": 2.5, "evaluations": 1000, "threads": 2}
    same = {"facts": facts, "budget": budget}
    records = [
        *make.runs([1.0, 2.0], solver="qaoa", options={"angles": [1 / 3, 0.5], "cvar": 0.1,
                                                       "trace": True, "mixer": None}, **same),
        *make.runs([1.0, 2.0], **same),
    ]
    (command,) = reproduce.commands(Comparison(records).instances[0])
    given = words(command)
    assert given[:3] == ["qopt", "compare", "my data/a b.csv"]
    pairs = list(zip(given[3::2], given[4::2], strict=True))
    assert ("--set", "risk=0.30000000000000004") in pairs
    assert ("--set", "names=x;y") in pairs
    assert ("--set", "caps=Energy=2;Health Care=0.5") in pairs
    assert ("--solver", f"qaoa:angles={1 / 3!r};0.5,cvar=0.1,mixer=none,trace=true") in pairs
    assert ("--seeds", "2") in pairs
    assert ("--time-limit", "2.5") in pairs
    assert ("--evaluations", "1000") in pairs
    assert ("--threads", "2") in pairs


@pytest.mark.parametrize(
    ("path", "said"), [("round.toml", False), ("capitals-12", False), ("stops.csv", True)]
)
def test_settings_that_only_an_instance_file_can_hold_are_not_put_on_the_command_line(path, said):
    facts = make.instance(path=path, settings={"speed": 75.0, "vehicles": [{"count": 2}]})
    (command,) = reproduce.commands(Comparison([make.record(1.0, facts=facts)]).instances[0])
    assert "speed=75.0" in command
    assert "vehicles=" not in command
    assert ("# vehicles: given as tables" in command) is said


def test_other_seeds_budgets_and_missing_files_are_said():
    facts = make.instance(path="")
    other = {"time_limit": 9.0, "evaluations": None, "threads": 1}
    records = [make.record(1.0, seed=7, facts=facts), make.record(1.0, facts=facts, budget=other)]
    commands = reproduce.commands(Comparison(records).instances[0])
    assert len(commands) == 2
    assert any("# the runs had the seeds 7" in command for command in commands)
    assert all("# made in Python" in command for command in commands)
