"""Results of benchmarks: stored as JSON, and the page that is written from what is stored."""

import json
import os
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks._table import Table
from qopt.record import environment

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "benchmarks"
"""Where results are stored, one file each: ``NAME.json`` or ``NAME-LABEL.json``."""

PAGE = ROOT / "docs" / "benchmarks.md"

_PEERS = (
    "cplex", "gurobipy", "MQLib", "openjij", "pennylane-lightning", "PySCIPOpt", "qokit", "qulacs",
    "simulated-bifurcation", "torch", "xpress",
)
"""Distributions that a benchmark may measure against, beside those that every run record names."""

_HEAD = """# Benchmarks

Written by `python -m benchmarks --docs` from the results in `docs/benchmarks/`; nothing here is
copied by hand. Each table comes with the command that made it: run it again with `--save`, and then
write this page again. Times are of the machine that is named, and ratios carry further than
seconds. Peers that were not installed are named in the notes."""

_EMPTY = "No results are stored yet; `python -m benchmarks NAME --save` stores some."


@dataclass(frozen=True)
class Result:
    """One run of a benchmark, with all that is needed to repeat it.

    Parameters
    ----------
    benchmark, label : str
        Name of the benchmark, and of this run of it where there are several; empty otherwise.
    summary : str
        What the benchmark measures, in a line.
    command : str
        What was typed; of paths, the last part alone.
    date : str
        ISO 8601, in UTC.
    seconds : float
        Wall time of the whole run.
    machine : dict
        ``processor``, ``cores``, ``load`` (average over the last minute when the run began),
        ``python``, ``git`` revision, and ``packages`` with their versions.
    tables : sequence of Table
    """

    benchmark: str
    label: str
    summary: str
    command: str
    date: str
    seconds: float
    machine: dict[str, Any]
    tables: Sequence[Table] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Under which it is stored."""
        return f"{self.benchmark}-{self.label}" if self.label else self.benchmark

    def save(self, folder: Path | None = None) -> Path:
        """Write it, in place of an earlier result of that name; the file."""
        folder = folder or FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        data = {**asdict(self), "tables": [table.to_json() for table in self.tables]}
        file = folder / f"{self.name}.json"
        file.write_text(json.dumps(data, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        return file

    @classmethod
    def read(cls, file: Path) -> "Result":
        """Read back what `save` wrote."""
        data = json.loads(file.read_text(encoding="utf-8"))
        return cls(**{**data, "tables": [Table.from_json(table) for table in data["tables"]]})

    def markdown(self) -> str:
        """The result as a section of the page."""
        machine = self.machine
        packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
        title = f"{self.benchmark}: {self.label}" if self.label else self.benchmark
        return "\n\n".join([
            f"## {title}",
            self.summary,
            f"```\n{self.command}\n```",
            f"{self.date}, {self.seconds:.0f} s; {machine['processor']}, {machine['cores']} cores, "
            f"load {machine['load']} at the start; Python {machine['python']}, git "
            f"{machine['git'] or 'unknown'}; {packages}",
            *(table.markdown() for table in self.tables),
        ])


def machine() -> dict[str, Any]:
    """What a run runs on."""
    found = environment()
    packages = {**found["packages"], **dict(_versions())}
    load = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
    kept = {name: found[name] for name in ("processor", "cores", "python", "git")}
    return {**kept, "load": load, "packages": packages}


def _versions() -> list[tuple[str, str]]:
    found = []
    for name in _PEERS:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return found


def command(benchmark: str, arguments: Sequence[str]) -> str:
    """What was typed, without the folders that files and folders of instances lie in."""
    shown = [Path(a).name if os.sep in a and Path(a).exists() else a for a in arguments]
    return shlex.join(["python", "-m", "benchmarks", benchmark, *shown])


def now() -> str:
    """The time, as results have it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ")


def stored(folder: Path = FOLDER) -> list[Result]:
    """All stored results, by name."""
    found = [Result.read(file) for file in folder.glob("*.json")]
    return sorted(found, key=lambda result: (result.benchmark, result.label))


def page(results: Sequence[Result]) -> str:
    """The whole page."""
    sections = [result.markdown() for result in results] or [_EMPTY]
    return "\n\n".join([_HEAD, *sections]) + "\n"


def write(folder: Path = FOLDER, file: Path = PAGE) -> Path:
    """Write the page from what is stored; where it is."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(page(stored(folder)), encoding="utf-8")
    return file
