"""Analyses: runs of a whole study of one problem, such as a frontier or a backtest.

A package publishes an analysis as a `qopt.registry.Spec` of kind ``"analysis"``. Its target is a
function ``analysis(problem_or_file, *, ..., observer=None)`` that gives an `Analysis`.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from .errors import UsageError
from .solver import Progress


class Observer(Protocol):
    """Who watches the runs of an analysis.

    Attributes
    ----------
    total : int
        How many runs there are; the analysis sets it.
    """

    total: int

    def begin(self, title: str) -> None:
        """A new run begins."""
        ...

    def report(self, progress: Progress) -> None:
        """The run reports."""
        ...


class Analysis(Protocol):
    """What an analysis gives back."""

    @property
    def answered(self) -> bool:
        """Whether any of its runs found a feasible answer."""
        ...

    def render(self) -> str:
        """The result as text for a terminal; it ends with a line break."""
        ...

    def to_json(self) -> dict[str, Any]:
        """The result as JSON values."""
        ...

    def to_csv(self) -> str:
        """The figures as a table."""
        ...

    def to_html(self) -> str:
        """The result as one page that needs nothing else."""
        ...


WRITERS: dict[str, Callable[[Analysis], str]] = {
    ".html": lambda analysis: analysis.to_html(),
    ".csv": lambda analysis: analysis.to_csv(),
    ".json": lambda analysis: json.dumps(analysis.to_json(), indent=2, allow_nan=False) + "\n",
    ".txt": lambda analysis: analysis.render(),
}
"""What writes an analysis, by the ending of the file."""


def check_analysis_path(path: str | Path) -> None:
    """Refuse a file that an analysis could not be written to, before anything runs for it.

    Raises
    ------
    UsageError
        For an ending that has no writer, or a folder that is not there.
    """
    file = Path(path)
    if file.suffix not in WRITERS:
        raise UsageError(f"a result ends in {', '.join(WRITERS)}, got {file.name!r}")
    if not file.parent.is_dir():
        raise UsageError(f"the folder {file.parent} of the result does not exist; make it first")
    if file.is_dir():
        raise UsageError(f"{file} is a folder, a result is a file")


def write_analysis(analysis: Analysis, path: str | Path) -> None:
    """Write an analysis in the format that the file's ending names.

    Raises
    ------
    UsageError
        As `check_analysis_path`.
    """
    check_analysis_path(path)
    file = Path(path)
    file.write_text(WRITERS[file.suffix](analysis), encoding="utf-8")
