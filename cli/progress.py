"""Progress on standard error: a live line on a terminal, silence elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qopt.solver import Progress


class Watcher:
    """Shows what runs now. It is called on every report and draws at most ten times a second."""

    def __init__(self, total: int = 1) -> None:
        self.total = total
        self.begun = 0
        self._title = ""
        self._live = sys.stderr.isatty()
        if self._live:
            from rich.console import Console

            self._status = Console(stderr=True).status("", refresh_per_second=10)
            self._status.start()

    def begin(self, title: str) -> None:
        """A new run begins."""
        self.begun += 1
        self._title = f"[{self.begun}/{self.total}] {title}" if self.total > 1 else title
        self._draw(self._title)

    def report(self, progress: "Progress") -> None:
        """The run reports."""
        if not self._live:
            return
        parts = [self._title, f"{progress.elapsed:.1f} s"]
        if progress.best is not None:
            parts.append(f"best {progress.best:.8g}")
        if progress.best_bound is not None:
            parts.append(f"bound {progress.best_bound:.8g}")
        if progress.done is not None:
            parts.append(f"{100 * progress.done:.0f} %")
        if progress.note:
            parts.append(progress.note)
        self._draw("  ".join(parts))

    def _draw(self, text: str) -> None:
        if self._live:
            from rich.text import Text

            self._status.update(Text(text))

    def close(self) -> None:
        """Clear the line."""
        if self._live:
            self._status.stop()


@contextmanager
def watching(total: int = 1) -> Iterator[Watcher]:
    """A watcher that is closed at the end, whatever happens."""
    watcher = Watcher(total)
    try:
        yield watcher
    finally:
        watcher.close()
