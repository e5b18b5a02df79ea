"""Small parts of a model that are not connected to the rest: their best values, by enumeration."""

import numpy as np
from numpy.typing import NDArray

from .state import State

MOST_VARIABLES = 16
"""Variables of a part that is enumerated."""

MOST_ANSWERS = 1 << 22
"""Answers that are enumerated in all."""


def solve_components(state: State) -> None:
    """Solve all connected parts but the largest that have at most `MOST_VARIABLES` variables."""
    parts = connected_parts(state)
    largest = max(parts, key=len, default=[])
    answers = 0
    for part in parts:
        if part is largest or len(part) > MOST_VARIABLES:
            continue
        answers += 1 << len(part)
        if answers > MOST_ANSWERS or state.stop():
            return
        for i, value in zip(part, _best(state, part).tolist(), strict=True):
            state.fix(i, value, "components")


def connected_parts(state: State) -> list[list[int]]:
    """Variables by connected part; members of a group are connected."""
    seen = [not alive for alive in state.alive]
    parts = []
    for first in state.survivors:
        if seen[first]:
            continue
        seen[first] = True
        part = [first]
        for i in part:  # it grows while it is gone through
            g = state.group_of[i]
            for j in (*state.adjacent[i], *(state.members[g] if g >= 0 else ())):
                if not seen[j]:
                    seen[j] = True
                    part.append(j)
        parts.append(sorted(part))
    return parts


def _best(state: State, part: list[int]) -> NDArray[np.int64]:
    """The best values of a part that keep its groups."""
    n = len(part)
    place = {i: c for c, i in enumerate(part)}
    bits = (np.arange(1 << n)[:, None] >> np.arange(n) & 1).astype(np.float64)
    for g in sorted({state.group_of[i] for i in part} - {-1}):
        ones = bits[:, [place[i] for i in sorted(state.members[g])]].sum(axis=1)
        bits = bits[ones == state.size[g]]
    matrix = np.zeros((n, n))
    for i in part:
        for j, value in state.adjacent[i].items():
            matrix[place[i], place[j]] = value / 2.0
    linear = np.array([state.linear[i] for i in part])
    energies = bits @ linear + np.einsum("ij,ij->i", bits @ matrix, bits)
    return np.asarray(bits[int(energies.argmin())], dtype=np.int64)
