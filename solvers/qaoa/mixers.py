"""The mixers by name, and the order in which those on groups take pairs of members."""

from typing import Literal

Mixer = Literal["x", "ring", "complete", "grover"]
"""Mixers that are simulated and that there are circuits for; all but ``x`` keep groups."""

GROUP_MIXERS: tuple[Mixer, ...] = ("ring", "complete", "grover")


def ring_pairs(members: int) -> list[tuple[int, int]]:
    """Neighbours on a ring: those from even members, those from odd ones, the closing one last.

    Two members have one pair. An even ring takes two steps of gates, an odd one three.
    """
    if members < 3:
        return [(0, 1)] if members == 2 else []
    last = members - members % 2
    starts = [*range(0, last, 2), *range(1, last, 2), *([members - 1] if members % 2 else [])]
    return [(i, (i + 1) % members) for i in starts]


def complete_pairs(members: int) -> list[tuple[int, int]]:
    """All pairs, in the rounds of a tournament: the pairs of a round are disjoint.

    The circle method: one member stays, the others move on by one place from round to round. It
    takes ``members - 1`` rounds where their number is even, else ``members``.
    """
    places = members + members % 2
    found = []
    for turn in range(places - 1):
        circle = [0, *(1 + (turn + i) % (places - 1) for i in range(places - 1))]
        for i in range(places // 2):
            pair = sorted((circle[i], circle[-1 - i]))
            if pair[1] < members:
                found.append((pair[0], pair[1]))
    return found
