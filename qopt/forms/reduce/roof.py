"""Roof duality: persistencies by the maximum flow of a network, from dwave-preprocessing.

P. L. Hammer, P. Hansen and B. Simeone, "Roof duality, complementation and persistency in quadratic
0-1 optimization", Mathematical Programming 28 (1984) 121-155; the network of Boros, Hammer and
Tavares (2006).
"""

from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec

import numpy as np

from ..qubo import Qubo
from .state import State

MOST_PAIRS = 100_000
"""Pairs up to which the flow is sought: it takes about a second there."""

_EVEN = 1e-9
"""Relative size up to which a field counts as none."""


def fix_by_roof_duality(state: State) -> None:
    """Fix what has one value in every best answer, by the roof dual.

    Groups become penalties for it that no best answer breaks, so that what it says of all best
    answers it says of those that keep the groups.

    These are the strong persistencies. The weak ones, which settle ties, are left alone: those that
    the library gives (0.6.11) need not belong to one best answer; they have been seen to exclude
    all. A model that is the same with every bit negated has no strong ones.
    """
    if not _installed():
        return
    reduced, lifting = state.result()
    pairs = reduced.num_interactions + sum(len(group.members) ** 2 // 2 for group in reduced.groups)
    if not 0 < pairs <= MOST_PAIRS:
        return
    model = replace(reduced, labels=()).penalised()
    if _is_even(model):
        return
    from dwave.preprocessing import roof_duality

    _, fixed = roof_duality(model.to_dimod(), strict=True)
    for place in sorted(fixed):
        state.fix(int(lifting.kept[place]), int(fixed[place]), "roof duality")


def _is_even(model: Qubo) -> bool:
    """Whether a model is the same with every bit negated: spins without fields."""
    field, size = model.linear.copy(), np.abs(model.linear)
    for end in (model.row, model.col):
        np.add.at(field, end, model.value / 2.0)
        np.add.at(size, end, np.abs(model.value))
    return bool((np.abs(field) <= _EVEN * size).all())


def prepare() -> None:
    """Import the library, which only the first run of a process pays for."""
    if _installed():
        import_module("dwave.preprocessing")


def _installed() -> bool:
    try:
        return find_spec("dwave.preprocessing") is not None
    except ModuleNotFoundError:
        return False
