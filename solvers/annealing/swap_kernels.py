"""The inner loop of tabu search within exactly-k groups, compiled by numba.

A step flips a variable outside groups, swaps a one and a zero of a group, or lets two exactly-one
groups of equal length exchange their choices, whichever is best and not tabu. In an exactly-one
group every swap is looked at; in a larger group those of the `WIDTH` ones and the `WIDTH` zeros
that are cheapest to move alone. The best swap of a group is remembered until a neighbour of the
group moves or one of its variables is no longer tabu.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from .kernels import Groups, Rows, _sparse_weight
from .tabu_kernels import (
    IMPROVED,
    NEVER,
    NOW,
    UNSAVED,
    _find,
    _least,
    _next_random,
    _scan,
    hoped_for,
)

WIDTH = 16
"""Ones, and zeros, of a group with several ones that a step tries with each other."""

EXCHANGES = 512
"""Exchanges between groups that a step looks at, at most about."""


@compiled
def _weight_between(
    i: int,
    j: int,
    matrix: NDArray[Any],
    start: NDArray[np.int64],
    index: NDArray[np.int32],
    weight: NDArray[Any],
) -> Any:
    if matrix.shape[0]:
        return weight.dtype.type(matrix[i, j])
    return _sparse_weight(i, j, start, index, weight)


@compiled
def _cheapest(
    g: NDArray[Any],
    direction: int,
    members: NDArray[np.int32],
    begin: int,
    end: int,
    barred: NDArray[np.int32],
    limit: int,
    found: NDArray[np.int32],
) -> int:
    """The members of begin:end, not barred after `limit`, with the least ``direction * g``."""
    count = 0
    for p in range(begin, end):
        i = members[p]
        if barred[i] > limit:
            continue
        if count == len(found) and direction * g[i] >= direction * g[found[count - 1]]:
            continue
        if count < len(found):
            count += 1
        k = count - 1
        while k > 0 and direction * g[i] < direction * g[found[k - 1]]:
            found[k] = found[k - 1]
            k -= 1
        found[k] = i
    return count


@compiled
def _best_swap(
    a: int,
    g: NDArray[Any],
    groups: Groups,
    rows: Rows,
    barred: NDArray[np.int32],
    limit: int,
    random: int,
    room: NDArray[np.int32],
) -> Any:
    """The best swap of a group without variables barred after `limit`: change, down and up."""
    bounds, sizes, _, _, _, members, _ = groups
    matrix, start, index, weight = rows
    first, last = bounds[a], bounds[a + 1]
    edge = first + sizes[a]
    best, best_down, best_up = g.dtype.type(np.inf), np.int32(-1), np.int32(-1)
    if sizes[a] == 1:
        down = members[first]
        p = edge + ((random * (last - edge)) >> 32)
        for _ in range(last - edge):
            up = members[p]
            if g[up] < best and barred[up] <= limit:
                best, best_down, best_up = g[up], down, up
            p = p + 1 if p + 1 < last else edge
        return best - g[down], best_down, best_up
    downs, ups = room[:WIDTH], room[WIDTH:]
    most_downs = _cheapest(g, -1, members, first, edge, barred, limit, downs)
    most_ups = _cheapest(g, 1, members, edge, last, barred, limit, ups)
    for down in downs[:most_downs]:
        for up in ups[:most_ups]:
            change = g[up] - g[down] - _weight_between(down, up, matrix, start, index, weight)
            if change < best:
                best, best_down, best_up = change, down, up
    return best, best_down, best_up


@compiled
def _best_exchange(
    g: NDArray[Any],
    groups: Groups,
    rows: Rows,
    barred: NDArray[np.int32],
    limit: int,
    aspired: Any,
    random: int,
) -> Any:
    """The best exchange among about `EXCHANGES`, from a random group on: change and both groups.

    A barred exchange counts where its change is below `aspired`.
    """
    bounds, sizes, mates, home, seat, members, _ = groups
    matrix, start, index, weight = rows
    best, best_a, best_b = g.dtype.type(np.inf), np.int64(-1), np.int64(-1)
    a, looked = (random * len(sizes)) >> 32, 0
    for _ in range(len(sizes)):
        down = members[bounds[a]]
        for b in range(mates[a, 0], mates[a, 1]):
            shift = bounds[b] - bounds[a]
            down_b = members[bounds[b]]
            up, up_b = home[seat[down_b] - shift], home[seat[down] + shift]
            later = max(barred[up], barred[up_b])
            if up == down or later == NEVER:
                continue
            change = g[up] + g[up_b] - g[down] - g[down_b]
            change += _weight_between(down, down_b, matrix, start, index, weight)
            change += _weight_between(up, up_b, matrix, start, index, weight)
            change -= _weight_between(down, up_b, matrix, start, index, weight)
            change -= _weight_between(down_b, up, matrix, start, index, weight)
            if change < best and (later <= limit or change < aspired):
                best, best_a, best_b = change, a, b
        looked += mates[a, 1] - mates[a, 0]
        if looked >= EXCHANGES:
            break
        a = a + 1 if a + 1 < len(sizes) else 0
    return best, best_a, best_b


@compiled
def _choose_swap(
    g: NDArray[Any],
    groups: Groups,
    rows: Rows,
    barred: NDArray[np.int32],
    now: int,
    aspired: Any,
    wake: NDArray[np.int64],
    kept: NDArray[Any],
    moves: NDArray[np.int32],
    room: NDArray[np.int32],
    random: int,
) -> Any:
    """The best swap of all groups that is allowed: change, down and up.

    ``kept[a]`` and ``moves[a]`` remember the best open swap of group a and the best of all, until
    step ``wake[a]``.
    """
    bounds, members = groups[0], groups[5]
    best, best_down, best_up = g.dtype.type(np.inf), np.int32(-1), np.int32(-1)
    a = (random * len(wake)) >> 32
    for _ in range(len(wake)):
        if wake[a] <= now:
            kept[a, 0], moves[a, 0], moves[a, 1] = _best_swap(
                a, g, groups, rows, barred, now, random, room
            )
            kept[a, 1], moves[a, 2], moves[a, 3] = _best_swap(
                a, g, groups, rows, barred, NEVER - 1, random, room
            )
            wake[a] = NEVER
            for i in members[bounds[a] : bounds[a + 1]]:
                if now < barred[i] < wake[a]:
                    wake[a] = barred[i]
        if kept[a, 0] < best:
            best, best_down, best_up = kept[a, 0], moves[a, 0], moves[a, 1]
        if kept[a, 1] < min(best, aspired):
            best, best_down, best_up = kept[a, 1], moves[a, 2], moves[a, 3]
        a = a + 1 if a + 1 < len(wake) else 0
    return best, best_down, best_up


@compiled
def _add_row(
    i: int,
    step: Any,
    g: NDArray[Any],
    rows: Rows,
    owner: NDArray[np.int32],
    wake: NDArray[np.int64],
) -> None:
    """Tell the neighbours of i, and their groups, that it moved by `step`."""
    matrix, start, index, weight = rows
    if matrix.shape[0]:
        for j in range(matrix.shape[0]):
            g[j] += step * matrix[i, j]
        wake[:] = 0
    else:
        for e in range(start[i], start[i + 1]):
            j = index[e]
            g[j] += step * weight[e]
            if owner[j] >= 0:
                wake[owner[j]] = 0
        if owner[i] >= 0:
            wake[owner[i]] = 0


@compiled
def _length(tenure: int, spread: int, state: NDArray[np.uint32]) -> int:
    return tenure + ((_next_random(state) * spread) >> 32)


@compiled
def _swap(
    down: int,
    up: int,
    x: NDArray[np.int8],
    g: NDArray[Any],
    groups: Groups,
    rows: Rows,
    owner: NDArray[np.int32],
    wake: NDArray[np.int64],
) -> None:
    """Clear one member of a group and set another."""
    members, place = groups[5], groups[6]
    p, q = place[down], place[up]
    members[p], members[q] = up, down
    place[down], place[up] = q, p
    x[down], x[up] = 0, 1
    one = g.dtype.type(1)
    _add_row(down, -one, g, rows, owner, wake)
    _add_row(up, one, g, rows, owner, wake)


@compiled
def walk_swaps(
    x: NDArray[np.int8],
    sign: NDArray[Any],
    g: NDArray[Any],
    until: NDArray[np.int32],
    barred: NDArray[np.int32],
    best_x: NDArray[np.int8],
    low: NDArray[Any],
    groups: Groups,
    owner: NDArray[np.int32],
    wake: NDArray[np.int64],
    kept: NDArray[Any],
    moves: NDArray[np.int32],
    room: NDArray[np.int32],
    rows: Rows,
    count: NDArray[np.int64],
    value: NDArray[np.float64],
    state: NDArray[np.uint32],
    tenure: int,
    spread: int,
    steps: int,
    patience: int,
    slack: float,
) -> int:
    """Make up to so many steps in a model with groups; `tabu_kernels.walk_flips` without.

    Parameters
    ----------
    x, sign, g, until, best_x, low, count, value, state, tenure, spread, steps, patience, slack
        As in `walk_flips`; `sign` is 0 and `until` is `NEVER` at members of groups.
    barred : ndarray of int32, shape (n,)
        `until` of members of groups.
    groups : tuple of ndarray
        `kernels.Groups`, updated.
    owner : ndarray of int32, shape (n,)
        Group of each variable, or -1.
    wake : ndarray of int64, shape (groups,)
        Step from which the best swap of a group must be looked for anew; 0 at first.
    kept, moves : ndarray, shapes (groups, 2) and (groups, 4)
        Room for the best swaps.
    room : ndarray of int32, shape (2 * WIDTH,)
    rows : tuple of ndarray
        `kernels.Rows`.

    Returns
    -------
    int
        Steps made; fewer than asked where the patience or the moves ran out. A step at which every
        move is tabu passes.
    """
    real = g.dtype.type
    worst = real(np.inf)
    sizes, mates, members = groups[1], groups[2], groups[5]
    bounds, home, seat = groups[0], groups[3], groups[4]
    exchanging = False
    for a in range(len(sizes)):
        exchanging = exchanging or mates[a, 0] < mates[a, 1]
    flipping = len(home) < len(x)
    now, energy, best = count[NOW], value[0], value[1]
    done = 0
    while done < steps and now - count[IMPROVED] < patience:
        random = _next_random(state)
        aspired = real(hoped_for(energy, best, slack, tenure))
        least, down, up = _choose_swap(
            g, groups, rows, barred, now, aspired, wake, kept, moves, room, random
        )
        i, a, b = np.int64(-1), np.int64(-1), np.int64(-1)
        if flipping:
            _scan(g, sign, until, now, aspired, low)
            flip = _least(low)
            if flip < least:
                least = flip
                i = _find(g, sign, until, now, aspired, low, flip, random)
        if exchanging:
            change, first, second = _best_exchange(
                g, groups, rows, barred, now, aspired, random
            )
            if change < least:
                least, i, a, b = change, np.int64(-1), first, second
        if least == worst and tenure >= NEVER:
            break
        now += 1
        done += 1
        if least == worst:
            continue
        if count[UNSAVED] and least >= 0:
            best_x[:] = x
            count[UNSAVED] = 0
        energy += least
        if energy < best - slack:
            best = energy
            count[IMPROVED] = now
            count[UNSAVED] = 1
        if i >= 0:
            step = sign[i]
            x[i] = 1 - x[i]
            sign[i] = -step
            until[i] = NEVER if tenure >= NEVER else now + _length(tenure, spread, state)
            _add_row(i, step, g, rows, owner, wake)
            continue
        shift = np.int64(0)
        if a >= 0:
            down, shift = members[bounds[a]], bounds[b] - bounds[a]
            up = home[seat[members[bounds[b]]] - shift]
        for _ in range(2):
            owns = owner[down]
            length = NEVER - now if tenure >= NEVER else _length(tenure, spread, state)
            barred[down] = now + length
            if sizes[owns] > 1:  # ones are few: they are free again sooner
                barred[up] = now + (length if tenure >= NEVER else min(length, sizes[owns] // 2))
            _swap(down, up, x, g, groups, rows, owner, wake)
            if a < 0:
                break
            down, up = home[seat[up] + shift], home[seat[down] + shift]
    if count[UNSAVED]:
        best_x[:] = x
        count[UNSAVED] = 0
    count[NOW] = now
    value[0], value[1] = energy, best
    return done
