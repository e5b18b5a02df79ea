"""Fixtures that every test may use, and what is told at the end of a run."""

import os
from collections import Counter

import pytest
import toys
from hypothesis import settings

from qopt import registry

# Where a run decides over a change it must be repeatable; elsewhere it looks at new examples.
settings.register_profile("repeatable", derandomize=True, deadline=None)
if os.environ.get("CI"):
    settings.load_profile("repeatable")


@pytest.fixture
def toy_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The toys are registered beside the bundled plug-ins."""
    everything = registry.gather(
        [("bundled", registry._all().values()), ("toys (toys:SPECS)", toys.SPECS)]
    )
    monkeypatch.setattr(registry, "_all", lambda: everything)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was skipped, by reason: a run that is green proves nothing about it."""
    skipped = Counter(
        str(report.longrepr[2]).removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple)
    )
    if skipped:
        terminalreporter.section("skipped")
        for reason, count in sorted(skipped.items(), key=lambda item: (-item[1], item[0])):
            terminalreporter.write_line(f"{count:5}  {reason}")
