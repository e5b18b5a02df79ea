"""Fixtures that every test may use."""

import pytest
import toys

from qopt import registry


@pytest.fixture
def toy_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The toys are registered beside the bundled plug-ins."""
    everything = registry.gather(
        [("bundled", registry._all().values()), ("toys (toys:SPECS)", toys.SPECS)]
    )
    monkeypatch.setattr(registry, "_all", lambda: everything)
