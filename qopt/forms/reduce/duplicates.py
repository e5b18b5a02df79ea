"""Variables that nothing tells apart: the same terms with every other variable.

Two bits without a term between them and with equal coefficients add ``(x_i + x_j) f`` to the
energy, where ``f`` depends on the others alone: both are best at the same value. It is the rule of
sums in `pairs` for pairs that have no coefficient.
"""

from collections import defaultdict

from .state import State

MOST_NEIGHBOURS = 64
"""Neighbours up to which a variable is compared with others."""


def merge_duplicates(state: State) -> None:
    """Merge all variables in no group that are duplicates of one another."""
    alike: dict[int, list[int]] = defaultdict(list)
    for i in state.survivors:
        if state.group_of[i] < 0 and 0 < len(state.adjacent[i]) <= MOST_NEIGHBOURS:
            alike[hash((state.linear[i], frozenset(state.adjacent[i].items())))].append(i)
    for candidates in alike.values():
        while len(candidates) > 1 and not state.stop():
            kept, *others = candidates
            # All are compared before any is merged: the one that is kept takes on their terms.
            same = [i for i in others if _same(state, i, kept)]
            for i in same:
                state.merge(i, kept, "duplicates", opposite=False)
            candidates = [i for i in others if state.alive[i]]


def _same(state: State, i: int, j: int) -> bool:
    return state.linear[i] == state.linear[j] and state.adjacent[i] == state.adjacent[j]
