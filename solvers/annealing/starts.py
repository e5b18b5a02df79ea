"""Given answers as states that a read can begin from."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import UsageError
from qopt.forms import Qubo

MOST = 64
"""Given answers that are used, the best ones."""


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
    n = model.num_variables
    for number, answer in enumerate(start):
        bits = np.asarray(answer)
        if bits.shape != (n,):
            raise UsageError(
                f"start {number} has shape {bits.shape}; give one value for each of {n} variables"
            )
        if not np.isin(bits, (0, 1)).all():
            raise UsageError(f"start {number} has other values than 0 and 1; give bits")
    if not len(start):
        return np.zeros((0, n), dtype=np.int8)
    states = np.array([np.asarray(answer) for answer in start]).astype(np.int8)
    if (broken := model.group_violations(states) > 0).any():
        from ..postprocess import repair

        states[broken] = repair(model, states[broken])
    _, first = np.unique(np.packbits(states, axis=1), axis=0, return_index=True)
    states = states[np.sort(first)]
    return np.ascontiguousarray(states[np.argsort(model.energies(states), kind="stable")][:MOST])
