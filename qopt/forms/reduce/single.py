"""Rules for one variable: bounds of its field decide it, or it has few neighbours.

The field of a variable is what setting it adds to the energy. A field that is never negative makes
zero a best value whatever the others are, and one that is never positive makes one a best value:
the first-order persistencies of Boros, Hammer and Tavares (2006) and rules 1.0 and 1.1 of Lewis
and Glover (2017). A field that depends on one or two others alone makes the variable a function of
these.
"""

from .state import State

FOLDABLE = 2
"""Most neighbours of a variable that is folded: three leave a product of three bits."""


def decide(state: State, i: int) -> bool:
    """Remove a variable, if it can be, on its own; whether it was."""
    if state.group_of[i] >= 0:
        return False
    degree = len(state.adjacent[i])
    low, high = state.field_bounds(i)
    if low >= 0.0 or high <= 0.0:
        state.fix(i, int(low < 0.0), "persistency" if degree else "isolated")
    elif degree <= FOLDABLE:
        state.fold(i, "folded")
    else:
        return False
    return True
