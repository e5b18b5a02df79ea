"""Answers that a solver of programs starts from."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import UsageError
from qopt.forms import Program


def feasible_starts(program: Program, start: Sequence[Any]) -> list[NDArray[np.float64]]:
    """The answers that keep the program, best first; whole variables are rounded.

    Parameters
    ----------
    program : Program
    start : sequence of array-like, shape (n,)
        Answers, feasible or not.

    Raises
    ------
    UsageError
        Where one has another number of values than the program has variables.
    """
    sign = 1.0 if program.sense == "minimise" else -1.0
    found = []
    for answer in start:
        values = np.asarray(answer, dtype=np.float64)
        if values.shape != (program.num_variables,):
            raise UsageError(
                f"an answer to start from needs {program.num_variables} values, got shape "
                f"{values.shape}"
            )
        values = np.where(program.integer, np.rint(values), values) + 0.0
        if not program.violations(values):
            found.append(values)
    return sorted(found, key=lambda values: sign * program.objective(values))
