"""The best line of coupled qubits of a given length in a device."""

from math import inf

import numpy as np
from numpy.typing import NDArray

from .target import Couplings

_UNIT = 1e5
"""Costs are whole multiples of 1 / this to the solver."""

_WORK = 0.04
"""Deterministic seconds of the solver for each place of a line: the same line in every run."""


def best_line(
    couplings: Couplings, length: int, seconds: float = inf
) -> NDArray[np.int64] | None:
    """A simple path of so many places whose gates and readouts are the likeliest to succeed.

    Found by CP-SAT as a circuit through a node beside the device, which joins both ends.

    Parameters
    ----------
    couplings : Couplings
    length : int
        Places.
    seconds : float
        Wall seconds after which the best line so far is taken, or none.

    Returns
    -------
    ndarray of int64, shape (length,), or None
        None where no such line exists, or none was found in time.
    """
    if length > couplings.places or length < 1:
        return None
    if length == 1:
        return np.array([int(np.argmin(couplings.readout))], dtype=np.int64)
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    outside = couplings.places
    arcs, costs = [], []
    follows: dict[int, list[tuple[int, cp_model.IntVar]]] = {}
    for (a, b), cost in zip(couplings.pairs.tolist(), couplings.costs.tolist(), strict=True):
        for first, second in ((a, b), (b, a)):
            taken = model.new_bool_var("")
            arcs.append((first, second, taken))
            costs.append(round(_UNIT * 3 * length * cost) * taken)
            follows.setdefault(first, []).append((second, taken))
    skipped, begins = [], []
    for place in range(couplings.places):
        left_out, begin, end = (model.new_bool_var("") for _ in range(3))
        arcs += [(place, place, left_out), (outside, place, begin), (place, outside, end)]
        skipped.append(left_out)
        begins.append(begin)
        costs.append(round(_UNIT * float(couplings.readout[place])) * (1 - left_out))
    model.add_circuit(arcs)
    model.add(sum(skipped) == couplings.places - length)
    model.minimize(sum(costs))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    solver.parameters.max_deterministic_time = _WORK * length
    if seconds < inf:
        solver.parameters.max_time_in_seconds = max(0.0, seconds)
    if solver.solve(model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    line = [next(p for p, begin in enumerate(begins) if solver.value(begin))]
    while len(line) < length:
        line.append(next(q for q, taken in follows[line[-1]] if solver.value(taken)))
    return np.array(line, dtype=np.int64)
