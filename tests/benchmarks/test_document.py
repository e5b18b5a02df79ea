"""Results are stored and the page is written from them alone."""

import json
from pathlib import Path

import pytest

from benchmarks import __main__ as runner
from benchmarks import _document as document
from benchmarks._document import Result
from benchmarks._table import Column, Failure, Table


def result(label: str = "") -> Result:
    """A result as a run would give it."""
    made = Table("Gaps", [Column("instance"), Column("gap %", ".1f")])
    made.rows.append(["G1", 0.25])
    machine = {
        "processor": "a processor", "cores": 2, "load": 0.1, "python": "3.11", "git": "abc",
        "packages": {"numpy": "2.0"},
    }
    return Result("toy", label, "A toy.", "python -m benchmarks toy", "2026-01-01T00:00Z", 1.5,
                  machine, [made])


def test_the_committed_page_is_what_the_committed_results_give() -> None:
    assert document.PAGE.read_text(encoding="utf-8") == document.page(document.stored()), (
        "run python -m benchmarks --docs"
    )


def test_no_results_are_said() -> None:
    assert "No results are stored yet" in document.page([])


def test_stored_and_read_back(tmp_path: Path) -> None:
    first, second = result(), result("large")
    assert first.save(tmp_path).name == "toy.json"
    assert second.save(tmp_path).name == "toy-large.json"
    back = document.stored(tmp_path)
    assert [one.name for one in back] == ["toy", "toy-large"]
    assert document.page(back) == document.page([first, second])


def test_the_page_tells_how_each_table_was_made(tmp_path: Path) -> None:
    result().save(tmp_path)
    page = document.write(tmp_path, tmp_path / "page.md").read_text()
    for words in ("## toy", "A toy.", "```\npython -m benchmarks toy\n```", "a processor, 2 cores",
                  "load 0.1", "2026-01-01", "git abc", "numpy 2.0", "| G1 | 0.2 |"):
        assert words in page


def test_commands_tell_no_folders(tmp_path: Path) -> None:
    (tmp_path / "gset").mkdir()
    command = document.command("toy", [str(tmp_path / "gset"), "--only", "two words"])
    assert command == "python -m benchmarks toy gset --only 'two words'"


class Toy:
    """Stands for a benchmark's module."""

    def main(self, arguments: list[str]) -> list[Table]:
        if "wrong" in arguments:
            raise Failure("an energy is wrong")
        return [] if "none" in arguments else list(result().tables)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """One benchmark alone, whose results go to a folder."""
    monkeypatch.setattr(runner, "names", lambda: ["toy"])
    monkeypatch.setattr(runner, "summary", lambda _: "A toy.")
    monkeypatch.setattr(runner, "import_module", lambda _: Toy())
    monkeypatch.setattr(document, "FOLDER", tmp_path)
    return tmp_path


def test_results_are_stored_only_where_asked(toy: Path) -> None:
    assert runner.main(["toy", "--x"]) == 0
    assert list(toy.iterdir()) == []
    assert runner.main(["toy", "--x", "--save"]) == 0
    assert runner.main(["toy", "--save=large"]) == 0
    assert sorted(file.name for file in toy.iterdir()) == ["toy-large.json", "toy.json"]
    assert json.loads((toy / "toy.json").read_text())["command"] == "python -m benchmarks toy --x"


def test_a_failed_benchmark_fails_and_is_not_stored(
    toy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert runner.main(["toy", "wrong", "--save"]) == 1
    assert "toy FAILED: an energy is wrong" in capsys.readouterr().err
    assert runner.main(["toy", "none", "--save"]) == 1
    assert list(toy.iterdir()) == []


@pytest.mark.parametrize("arguments", [["other"], ["toy", "--save=A b"]])
def test_wrong_names_are_refused(toy: Path, arguments: list[str]) -> None:
    assert runner.main(arguments) == 2
