"""Reports: pure functions of a `Comparison` for the terminal, as HTML, CSV and JSON."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError

if TYPE_CHECKING:
    from ..comparison import Comparison


def _html(comparison: "Comparison") -> str:
    from . import html

    return html.render(comparison)


def _text(comparison: "Comparison") -> str:
    from . import terminal

    return terminal.render(comparison)


RENDERERS: dict[str, Callable[["Comparison"], str]] = {
    ".html": _html,
    ".csv": lambda comparison: comparison.to_csv(),
    ".json": lambda comparison: json.dumps(comparison.to_json(), indent=2, allow_nan=False) + "\n",
    ".txt": _text,
}
"""What writes a report, by the ending of the file."""


def check_report_path(path: str | Path) -> None:
    """Refuse a report that could not be written, before anything runs for it.

    Raises
    ------
    UsageError
        For an ending that no renderer has, or a folder that is not there.
    """
    file = Path(path)
    if file.suffix not in RENDERERS:
        raise UsageError(
            f"a report ends in {', '.join(RENDERERS)}, got {file.name!r}"
        )
    if not file.parent.is_dir():
        raise UsageError(f"the folder {file.parent} of the report does not exist; make it first")
    if file.is_dir():
        raise UsageError(f"{file} is a folder, a report is a file")


def write_report(comparison: "Comparison", path: str | Path) -> None:
    """Write a report in the format that the file's ending names.

    Raises
    ------
    UsageError
        As `check_report_path`.
    """
    check_report_path(path)
    file = Path(path)
    file.write_text(RENDERERS[file.suffix](comparison), encoding="utf-8")
