"""Machine code for `routing`: where variables are placed, and which places are swapped in turn.

Graphs are adjacency lists as `target.adjacency` gives them.
"""

import numpy as np
from numpy.typing import NDArray

from ...compiled import compiled

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

_STUCK = 20
"""Swaps in a row without a new pair of neighbours, after which the nearest pair is led together."""


@compiled
def anneal_placement(
    price: Singles, ease: Floats, offsets: Ints, partners: Ints, place: Ints, holder: Ints,
    moves: int, hot: float, cold: float, generator: np.random.Generator,
) -> None:
    """Anneal where variables stand, so that those with a common term stand near each other.

    Parameters
    ----------
    price : shape (places, places)
        What a term costs whose variables are there.
    ease : shape (places,)
        What it costs to use a place.
    offsets, partners
        Terms by variable.
    place, holder
        The place of each variable and the variable at each place or -1; both are changed.
    moves : int
        Of a variable to a place, which may change it for another.
    hot, cold : float
        First and last temperature of a geometric schedule.
    """
    variables, places = len(place), len(holder)
    cooling = (cold / hot) ** (1.0 / max(1, moves))
    temperature = hot
    for _ in range(moves):
        temperature *= cooling
        u = int(generator.random() * variables)
        new = int(generator.random() * places)
        old = place[u]
        if new == old:
            continue
        v = holder[new]
        change = 0.0
        for k in range(offsets[u], offsets[u + 1]):
            w = partners[k]
            if w != v:
                change += price[new, place[w]] - price[old, place[w]]
        if v >= 0:
            for k in range(offsets[v], offsets[v + 1]):
                w = partners[k]
                if w != u:
                    change += price[old, place[w]] - price[new, place[w]]
        else:
            change += ease[new] - ease[old]
        if change <= 0.0 or generator.random() < np.exp(-change / temperature):
            place[u], holder[new], holder[old] = new, u, v
            if v >= 0:
                place[v] = old


@compiled
def route(
    distances: Ints, beside: Ints, ways: Ints, coupling: Ints, cost: Floats, worth: Floats,
    offsets: Ints, partners: Ints, place: Ints, holder: Ints, noise: float, calm: float,
    bonus: float, generator: np.random.Generator, swaps: Ints,
) -> int:
    """Swap until all variables with a common term have been neighbours.

    Terms commute, so each is done whenever its variables are neighbours. A swap is chosen by how
    much nearer it brings the terms that are left; one on a pair with a term takes no more gates
    than the term alone would and one more, which is its bonus.

    Parameters
    ----------
    distances : shape (places, places)
    worth : shape (places + 1,)
        What a term costs whose variables are so far apart.
    beside, ways, coupling
        Offsets, neighbouring places and the number of the coupling, of `Couplings.neighbours`.
    cost : shape (couplings,)
        Added to the price of a swap on each.
    offsets, partners, place, holder
        As for `anneal_placement`; the last two are changed.
    noise, calm, bonus : float
        Random part of a price; price of a layer of swaps at a place; what a swap on a pair with a
        term is worth.
    swaps : shape (most, 2)
        Receives the places of each swap.

    Returns
    -------
    int
        Number of swaps; `most` where they did not suffice.
    """
    variables, places = len(place), len(holder)
    pending = np.ones(len(partners), np.uint8)
    merged = np.zeros(len(partners), np.uint8)
    left = 0
    for u in range(variables):
        for k in range(offsets[u], offsets[u + 1]):
            if distances[place[u], place[partners[k]]] == 1:
                pending[k] = 0
            else:
                left += 1
    layers = np.zeros(places)
    count, stuck, last = 0, 0, -1
    while left > 0 and count < len(swaps):
        best, p, q, chosen = np.inf, -1, -1, -1
        for a in range(places):
            for f in range(beside[a], beside[a + 1]):
                b = ways[f]
                u, v = holder[a], holder[b]
                if b < a or coupling[f] == last or (u < 0 and v < 0):
                    continue
                price, acts, own = 0.0, False, False
                if u >= 0:
                    for k in range(offsets[u], offsets[u + 1]):
                        w = partners[k]
                        if w == v:
                            own = merged[k] == 0
                        elif pending[k]:
                            acts = True
                            price += worth[distances[b, place[w]]] - worth[distances[a, place[w]]]
                if v >= 0:
                    for k in range(offsets[v], offsets[v + 1]):
                        w = partners[k]
                        if w != u and pending[k]:
                            acts = True
                            price += worth[distances[a, place[w]]] - worth[distances[b, place[w]]]
                if not acts:
                    continue
                price += cost[coupling[f]] + calm * max(layers[a], layers[b])
                price += noise * generator.random()
                if own:
                    price -= bonus
                if price < best:
                    best, p, q, chosen = price, a, b, coupling[f]
        stuck += 1
        if stuck > _STUCK or p < 0:
            nearest, u, v = places + 1, -1, -1
            for x in range(variables):
                for k in range(offsets[x], offsets[x + 1]):
                    if pending[k] and distances[place[x], place[partners[k]]] < nearest:
                        nearest, u, v = distances[place[x], place[partners[k]]], x, partners[k]
            p = place[u]
            for f in range(beside[p], beside[p + 1]):
                if distances[ways[f], place[v]] < nearest:
                    q, chosen = ways[f], coupling[f]
        u, v = holder[p], holder[q]
        holder[p], holder[q] = v, u
        if u >= 0:
            place[u] = q
        if v >= 0:
            place[v] = p
        swaps[count, 0], swaps[count, 1] = p, q
        count += 1
        last = chosen
        layers[p] = layers[q] = max(layers[p], layers[q]) + 1.0
        for x in (u, v):
            if x < 0:
                continue
            for k in range(offsets[x], offsets[x + 1]):
                w = partners[k]
                if w in (u, v):
                    merged[k] = 1
                if pending[k] and distances[place[x], place[w]] == 1:
                    pending[k] = 0
                    for g in range(offsets[w], offsets[w + 1]):
                        if partners[g] == x:
                            pending[g] = 0
                    left -= 2
                    stuck = 0
    return count if left == 0 else len(swaps) + 1
