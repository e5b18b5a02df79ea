"""Fixtures that every test may use."""

import os

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
