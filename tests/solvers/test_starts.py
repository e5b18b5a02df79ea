"""Answers to start from."""

import numpy as np
import pytest

from qopt.errors import UsageError
from qopt.forms import Program
from qopt.solvers.starts import feasible_starts


def test_feasible_ones_are_kept_rounded_and_best_first():
    program = Program.build(
        sense="maximise", linear=[1.0, 2.0, 0.5], integer=[True, True, False],
        constraints=[("room", [0, 1], 1.0, "<=", 1)],
    )
    given = [[1, 0, 0.5], [1, 1, 0], [0, 1 - 1e-7, 0.25], [0, 0, np.nan]]
    found = feasible_starts(program, given)
    assert [values.tolist() for values in found] == [[0.0, 1.0, 0.25], [1.0, 0.0, 0.5]]
    with pytest.raises(UsageError, match=r"needs 3 values, got shape \(2,\)"):
        feasible_starts(program, [[0, 1]])
