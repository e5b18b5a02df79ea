"""Lower bounds of a QUBO that cost one pass over its coefficients."""

import numpy as np

from qopt.forms import Qubo

_EPSILON = float(np.finfo(np.float64).eps)


def trivial_bound(model: Qubo) -> float:
    """The better of two sums over all terms: each at its best over bits, or over spins.

    ``offset + sum min(linear, 0) + sum min(value, 0)`` for bits, and ``offset - sum |h| - sum |J|``
    of the Ising model. What rounding can have added is taken off. Groups are left out.
    """
    ising = model.to_ising()
    bits = float(np.minimum(model.linear, 0.0).sum() + np.minimum(model.value, 0.0).sum())
    spins = float(np.abs(ising.h).sum() + np.abs(ising.J).sum())
    terms = len(model.linear) + 4 * len(model.value) + 2
    size = float(np.abs(model.linear).sum() + np.abs(model.value).sum()) + abs(model.offset)
    best = max(model.offset + bits, ising.offset - spins)
    if _whole(model):
        return best  # sums of whole numbers and quarters of them are exact
    return best - terms * _EPSILON * size


def _whole(model: Qubo) -> bool:
    size = float(np.abs(model.linear).sum() + np.abs(model.value).sum()) + abs(model.offset)
    return model.is_integral and (4.0 * model.offset).is_integer() and size < 2.0**50
