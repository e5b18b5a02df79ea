"""Rules for two variables with a coefficient: what ties one to the other.

Of the four values that two bits can take together, one need not be considered where another is at
least as good whatever the other variables are. Where (0, 1) and (1, 0) both need not be, the bits
are equal; where (0, 0) and (1, 1), each is the negation of the other. These are the rules of Lewis
and Glover (2017) and of Glover, Lewis and Kochenberger (2018) that merge two variables, and one
more: a value need not be considered either where twice its energy is at least the sum of those of
two others, as one of these is then no worse. In terms of spins that one says
``|J_ij| >= sum_m |J_im -+ J_jm| + |h_i -+ h_j|``.
"""

from .state import State

MOST_NEIGHBOURS = 50
"""Neighbours up to which the pairs of a variable are looked at."""


def tie(state: State, i: int) -> bool:
    """Merge a variable with one of its neighbours, if that can be; whether it was."""
    if state.group_of[i] >= 0 or len(state.adjacent[i]) > MOST_NEIGHBOURS:
        return False
    low, high = state.field_bounds(i)
    for j, value in state.adjacent[i].items():
        if state.group_of[j] >= 0 or len(state.adjacent[j]) > MOST_NEIGHBOURS:
            continue
        bounds = (low - min(0.0, value), high - max(0.0, value))
        opposite = value > 0.0
        if (_are_opposite if opposite else _are_equal)(state, i, j, value, bounds):
            state.merge(i, j, "merged", opposite=opposite)
            return True
    return False


def _are_equal(
    state: State, i: int, j: int, value: float, bounds: tuple[float, float]
) -> bool:
    """Whether (0, 1) and (1, 0) need not be considered.

    `bounds` are those of the field of `i` while ``x_j`` is zero.
    """
    low, high = bounds
    if low >= 0.0 and high + value <= 0.0:
        return True
    other_low, other_high = state.field_bounds(j)
    other_low -= value  # the pair's coefficient is negative
    setting = low >= 0.0 or other_high + value <= 0.0  # i alone is one
    clearing = other_low >= 0.0 or high + value <= 0.0  # j alone is one
    if setting and clearing:
        return True
    if not _could_cancel(state, i, j, value):
        return False
    least, most = _spread(state, i, j, -1.0)
    apart = state.linear[i] - state.linear[j]
    setting = setting or value - apart - least <= 0.0
    clearing = clearing or value + apart + most <= 0.0
    return setting and clearing


def _are_opposite(
    state: State, i: int, j: int, value: float, bounds: tuple[float, float]
) -> bool:
    """Whether (0, 0) and (1, 1) need not be considered."""
    low, high = bounds
    if high <= 0.0 and low + value >= 0.0:
        return True
    other_low, other_high = state.field_bounds(j)
    other_high -= value  # the pair's coefficient is positive
    neither = high <= 0.0 or other_high <= 0.0
    both = low + value >= 0.0 or other_low + value >= 0.0
    if neither and both:
        return True
    if not _could_cancel(state, i, j, value):
        return False
    least, most = _spread(state, i, j, 1.0)
    together = state.linear[i] + state.linear[j]
    neither = neither or together + most <= 0.0
    both = both or together + 2.0 * value + least >= 0.0
    return neither and both


def _could_cancel(state: State, i: int, j: int, value: float) -> bool:
    """Whether the coefficients of two variables can be so alike that the rule of sums applies.

    The spread of a sum over others is at least the difference of the widths of the two fields: a
    test that is quicker than the spread itself.
    """
    widths = [high - low for low, high in (state.field_bounds(i), state.field_bounds(j))]
    return abs(widths[0] - widths[1]) <= 2.0 * abs(value) * (1.0 + 1e-9)


def _spread(state: State, i: int, j: int, sign: float) -> tuple[float, float]:
    """Least and most of ``sum_m (w_im + sign w_jm) x_m`` over the others."""
    first, second = state.adjacent[i], state.adjacent[j]
    least = most = 0.0
    for m, value in first.items():
        if m != j:
            total = value + sign * second.get(m, 0.0)
            least, most = least + min(0.0, total), most + max(0.0, total)
    for m, value in second.items():
        if m != i and m not in first:
            total = sign * value
            least, most = least + min(0.0, total), most + max(0.0, total)
    return least, most
