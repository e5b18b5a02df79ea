"""Rules for exactly-k groups.

A member of a group can only be exchanged for another. A member that `k` others dominate - putting
any of them in its place never raises the energy, whatever the other bits are - is zero in some
best answer: where it is one, one of those `k` is zero and can take its place. Terms that are the
same over all answers that keep the group become part of the offset.
"""

import numpy as np
from numpy.typing import NDArray

from .state import State

MOST_WORK = 100_000_000
"""Comparisons of coefficients for one group; larger ones are not searched for dominated members."""


def simplify(state: State) -> None:
    """Settle, rewrite and thin out every group.

    Terms that are constant over a group stay where a group carries a penalty weight of its own: it
    was proven for the terms as they are, and those that can be derived are seldom as small.
    """
    rewriting = all(group.weight is None for group in state.qubo.groups)
    for g in range(len(state.members)):
        if state.stop():
            return
        _settle(state, g)
        if state.members[g]:
            if rewriting:
                _drop_constants(state, g)
            _remove_dominated(state, g)
            _settle(state, g)


def _settle(state: State, g: int) -> None:
    """Remove a group that leaves no choice, or one bit of it."""
    members, size = sorted(state.members[g]), state.size[g]
    if size in (0, len(members)):
        for i in members:
            state.fix(i, int(size > 0), "groups")
    elif len(members) == 2:
        for i in members:
            state.group_of[i] = -1
        state.members[g] = set()
        state.merge(members[1], members[0], "groups", opposite=True)


# -- constants ----------------------------------------------------------------------------------


def _drop_constants(state: State, g: int) -> None:
    """Move what is the same over all choices of a group into the offset or the linear terms."""
    members, size = sorted(state.members[g]), state.size[g]
    _drop_inner_pairs(state, members, size)
    first = members[0]
    for outside, value in list(state.adjacent[first].items()):
        if state.group_of[outside] != g and all(
            state.adjacent[i].get(outside) == value for i in members
        ):
            for i in members:
                state.drop_pair(i, outside)
            state.linear[outside] += size * value
    common = state.linear[first]
    if common and all(state.linear[i] == common for i in members):
        state.offset += size * common
        state.rewritten = True
        for i in members:
            state.linear[i] = 0.0
            state.touch(i)


def _drop_inner_pairs(state: State, members: list[int], size: int) -> None:
    """No two members of an exactly-one group meet; pairs that are all alike add a constant."""
    inside = set(members)
    pairs = [
        (i, j, value) for i in members for j, value in state.adjacent[i].items()
        if i < j and j in inside
    ]
    every = len(pairs) == len(members) * (len(members) - 1) // 2
    if not pairs or not (size == 1 or (every and len({value for *_, value in pairs}) == 1)):
        return
    state.offset += pairs[0][2] * size * (size - 1) / 2
    for i, j, _ in pairs:
        state.drop_pair(i, j)


# -- dominated members --------------------------------------------------------------------------


def _remove_dominated(state: State, g: int) -> None:
    """Set members to zero that as many others dominate as the group has ones."""
    members, size = sorted(state.members[g]), state.size[g]
    outside = sorted({
        j for i in members for j in state.adjacent[i] if state.group_of[j] != g
    })
    if len(members) ** 2 * (len(members) + len(outside)) > MOST_WORK:
        return
    linear = np.array([state.linear[i] for i in members])
    inner, outer = _weights(state, members, members), _weights(state, members, outside)
    blocks = _blocks(state, outside)
    left = np.ones(len(members), dtype=bool)
    for row, i in enumerate(members):
        if np.count_nonzero(left) <= max(2, size) or state.stop():
            return
        costs = linear - linear[row] + _worst(outer - outer[row], blocks)
        costs += _worst_inside(inner - inner[row], row, left, size - 1)
        dominates = left & (costs <= 0.0)
        dominates[row] = False
        if np.count_nonzero(dominates) >= size:
            left[row] = False
            state.fix(i, 0, "groups")


def _weights(state: State, members: list[int], columns: list[int]) -> NDArray[np.float64]:
    """Coefficients of the pairs of members with other variables, shape (members, columns)."""
    place = {j: c for c, j in enumerate(columns)}
    weights = np.zeros((len(members), len(columns)))
    for row, i in enumerate(members):
        for j, value in state.adjacent[i].items():
            if j in place:
                weights[row, place[j]] = value
    return weights


def _blocks(state: State, columns: list[int]) -> list[tuple[list[int], int, int]]:
    """Columns by the group that they are in.

    Returns
    -------
    list of (columns, size, others)
        ``others`` members of that group have no column; free columns have the size -1.
    """
    by_group: dict[int, list[int]] = {}
    for c, j in enumerate(columns):
        by_group.setdefault(state.group_of[j], []).append(c)
    return [
        (found, -1, 0) if h < 0 else (found, state.size[h], len(state.members[h]) - len(found))
        for h, found in by_group.items()
    ]


def _worst(
    differences: NDArray[np.float64], blocks: list[tuple[list[int], int, int]]
) -> NDArray[np.float64]:
    """The most that an exchange can cost by the bits outside the group, for each row."""
    total = np.zeros(len(differences))
    for columns, size, others in blocks:
        part = differences[:, columns]
        if size < 0:
            total += np.maximum(part, 0.0).sum(axis=1)
        else:
            total += _largest(part, size, others)
    return total


def _worst_inside(
    differences: NDArray[np.float64], row: int, left: NDArray[np.bool_], ones: int
) -> NDArray[np.float64]:
    """The same by the other members of the group, of which `ones` are one beside the exchanged."""
    if ones == 0:
        return np.zeros(len(differences))
    # Neither of the two that are exchanged is among the others, nor is what was removed.
    differences[:, row] = -np.inf
    differences[:, ~left] = -np.inf
    np.fill_diagonal(differences, -np.inf)
    cut = len(differences) - ones
    return np.asarray(np.partition(differences, cut, axis=1)[:, cut:].sum(axis=1))


def _largest(part: NDArray[np.float64], size: int, others: int) -> NDArray[np.float64]:
    """Sum of the `size` largest values of each row and of `others` zeros."""
    if size == 0:
        return np.zeros(len(part))
    if size >= part.shape[1] + others:
        return np.asarray(part.sum(axis=1))
    zeros = np.zeros((len(part), min(others, size)))
    padded = np.concatenate([part, zeros], axis=1)
    cut = padded.shape[1] - size
    return np.asarray(np.partition(padded, cut, axis=1)[:, cut:].sum(axis=1))
