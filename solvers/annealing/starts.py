"""Given answers as states that a read can begin from."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import UsageError
from qopt.forms import Qubo

MOST = 64
"""Given answers that are used, the best ones."""


def checked_starts(num_variables: int, start: Sequence[Any]) -> NDArray[np.int8]:
    """Given answers as rows, shape (starts, n), whether they keep groups or not.

    Raises
    ------
    UsageError
        Where an answer has another number of bits than the model, or other values than 0 and 1.
    """
    for number, answer in enumerate(start):
        bits = np.asarray(answer)
        if bits.shape != (num_variables,):
            raise UsageError(
                f"start {number} has shape {bits.shape}; "
                f"give one value for each of {num_variables} variables"
            )
        if not np.isin(bits, (0, 1)).all():
            raise UsageError(f"start {number} has other values than 0 and 1; give bits")
    rows = [np.asarray(answer, dtype=np.int8) for answer in start]
    return np.array(rows, dtype=np.int8).reshape(len(rows), num_variables)


def feasible_starts(model: Qubo, start: Sequence[Any]) -> NDArray[np.int8]:
    """Distinct states that keep every group, best first.

    An answer that breaks groups is mended by as few flips as there are.

    Parameters
    ----------
    model : Qubo
    start : sequence of array-like of 0 and 1, shape (n,)

    Returns
    -------
    ndarray of int8, shape (at most `MOST`, n)

    Raises
    ------
    UsageError
        Where an answer has another number of bits than the model, or other values than 0 and 1.
    """
    states = checked_starts(model.num_variables, start)
    if not len(states):
        return states
    if (broken := model.group_violations(states) > 0).any():
        from ..postprocess import repair

        states[broken] = repair(model, states[broken])
    _, first = np.unique(np.packbits(states, axis=1), axis=0, return_index=True)
    states = states[np.sort(first)]
    return np.ascontiguousarray(states[np.argsort(model.energies(states), kind="stable")][:MOST])
