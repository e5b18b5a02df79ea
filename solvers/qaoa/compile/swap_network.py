"""The swap network on a line: every two variables meet once.

References
----------
Kivlichan et al., "Quantum simulation of electronic structure with linear depth and connectivity",
Phys. Rev. Lett. 120, 110501 (2018); O'Gorman et al., "Generalized swap networks for near-term
quantum computing", arXiv 1905.05118 (2019).
"""

import numpy as np
from numpy.typing import NDArray

from .plan import Plan, Step


def swap_network(terms: NDArray[np.int64], line: NDArray[np.int64]) -> Plan:
    """Every term while its variables meet on a line of places; as many layers as variables.

    Swaps that no later term needs are left out.

    Parameters
    ----------
    terms : ndarray of int64, shape (terms, 2)
        Pairs of variables.
    line : ndarray of int64, shape (variables,)
        The place of each variable, neighbours coupled.
    """
    number = {(min(u, v), max(u, v)): k for k, (u, v) in enumerate(terms.tolist())}
    order = list(range(len(line)))
    places = line.tolist()
    met: list[Step] = []
    for layer in range(len(order)):
        for k in range(layer % 2, len(order) - 1, 2):
            u, v = order[k], order[k + 1]
            term = number.get((min(u, v), max(u, v)), -1)
            met.append(Step(places[k], places[k + 1], term, True))
            order[k], order[k + 1] = v, u
    needed: list[Step] = []
    later: set[int] = set()
    for step in reversed(met):
        ends = {step.first, step.second}
        if not ends & later:
            if step.term < 0:
                continue
            step = step._replace(swapped=False)
        needed.append(step)
        later |= ends
    needed.reverse()
    holder = dict(zip(places, range(len(places)), strict=True))
    for step in needed:
        if step.swapped:
            a, b = step.first, step.second
            holder[a], holder[b] = holder[b], holder[a]
    end = np.empty(len(line), dtype=np.int64)
    for place, variable in holder.items():
        end[variable] = place
    return Plan(line, end, tuple(needed), "swap network on a line")
