"""Roof duality: persistencies by the maximum flow of a network, from dwave-preprocessing.

P. L. Hammer, P. Hansen and B. Simeone, "Roof duality, complementation and persistency in quadratic
0-1 optimization", Mathematical Programming 28 (1984) 121-155; the network of Boros, Hammer and
Tavares (2006).
"""

from importlib import import_module
from importlib.util import find_spec

import numpy as np

from .state import State

MOST_PAIRS = 100_000
"""Pairs up to which the flow is sought: it takes about a second there."""

_EVEN = 1e-9
"""Relative size up to which a field counts as none."""


def fix_by_roof_duality(state: State) -> None:
    """Fix what has one value in every best answer by the roof dual of a model without groups.

    These are the strong persistencies. The weak ones, which settle ties, are left alone: those that
    the library gives (0.6.11) need not belong to one best answer; they have been seen to exclude
    all. A model that is the same with every bit negated has no strong ones.
    """
    row, col, value = state.terms()
    if not 0 < len(value) <= MOST_PAIRS or any(state.members) or not _installed():
        return
    field = np.array(state.linear)
    size = np.abs(field)
    for end in (row, col):
        np.add.at(field, end, value / 2.0)
        np.add.at(size, end, np.abs(value))
    if (np.abs(field) <= _EVEN * size).all():
        return
    import dimod
    from dwave.preprocessing import roof_duality

    model = dimod.BinaryQuadraticModel("BINARY")
    linear = np.array(state.linear)
    variables = state.survivors
    model.add_linear_from((i, float(linear[i])) for i in variables)
    model.add_quadratic_from(zip(row.tolist(), col.tolist(), value.tolist(), strict=True))
    _, fixed = roof_duality(model, strict=True)
    for i in sorted(fixed):
        state.fix(i, int(fixed[i]), "roof duality")


def prepare() -> None:
    """Import the library, which only the first run of a process pays for."""
    if _installed():
        import_module("dwave.preprocessing")


def _installed() -> bool:
    try:
        return find_spec("dwave.preprocessing") is not None
    except ModuleNotFoundError:
        return False
