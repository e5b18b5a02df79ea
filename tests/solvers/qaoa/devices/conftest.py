import numpy as np
import pytest

from qopt.forms import Group, Qubo
from qopt.solvers.qaoa.ansatz import Angles, Ansatz
from qopt.solvers.qaoa.devices import jobs

ANGLES = Angles((0.4, -0.7), (0.5, 0.3))


@pytest.fixture
def lopsided():
    """A QAOA state whose bits all differ, so that an exchange of bits shows."""
    model = Qubo.from_arrays(
        [1.0, -2.0, 3.0, -0.5], [0, 1, 2], [1, 2, 3], [1.0, -1.5, 2.0]
    )
    return Ansatz.of(model, "x").at(ANGLES)


@pytest.fixture
def grouped():
    """The same within groups, with XY mixers."""
    model = Qubo.from_arrays(
        [1.0, -2.0, 3.0, -0.5, 0.2], [0, 1, 2], [1, 2, 3], [1.0, -1.5, 2.0],
        groups=[Group((0, 1, 3), 1)],
    )
    return Ansatz.of(model, "complete").at(ANGLES)


@pytest.fixture(autouse=True)
def _quick(monkeypatch, tmp_path):
    """Short pauses, and a journal of the test's own."""
    monkeypatch.setattr(jobs, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(jobs, "_LONGEST_PAUSE", 0.02)
    monkeypatch.setattr(jobs, "_SLICE", 0.005)
    monkeypatch.setenv("QOPT_JOBS", str(tmp_path / "jobs.sqlite"))


@pytest.fixture
def agree():
    """Compares shots with a distribution, bit by bit and state by state."""

    def check(bits, probabilities) -> None:
        shots, width = bits.shape
        index = bits.astype(np.int64) @ (1 << np.arange(width))
        found = np.bincount(index, minlength=2**width) / shots
        # six standard errors of the largest share
        assert np.abs(found - probabilities).max() < 6 * np.sqrt(0.25 / shots)

    return check
