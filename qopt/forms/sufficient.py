"""Penalty weights that provably suffice, for constraints over bits.

Let ``f`` be the objective, ``f*`` its least value over feasible samples, and let every constraint
``c`` add ``w_c p_c`` with ``p_c = 0`` where it is kept (at the best slack) and ``p_c >= 1`` where
it is broken. Two bounds make ``w_c`` large enough, and constraints may mix them:

*Range.* ``w_c > U - L`` with ``L <= f`` on all samples in question and ``U >= f*``: a sample that
breaks ``c`` lies at ``L + w_c > U`` or above, whatever else it breaks.

*Repair.* A move is safe if it can break no constraint at all: clearing a bit that no constraint
needs set, setting one that none needs clear. Where safe moves alone can always mend ``c``, take a
sample that breaks only such constraints (those with a range weight are kept, or the sample is
above ``f*`` already) and mend them one after the other. While ``c`` is broken by ``v`` steps, the
cheapest safe move at hand costs at most some ``d_c`` and mends a step or more, so ``v`` moves
mend it. They cost at most ``v d_c``, and the penalty ``w_c v**2`` (or ``w_c v (v + 1) / 2``, for
a conflict with ``v`` true literals too many) saves more if ``w_c > d_c``. No other penalty grows.
The end is a feasible sample below the first one, so the first lies above ``f*``.

Exactly-k groups come on top. A sample that breaks one lies above ``f*`` if the group's weight
exceeds ``U - L`` with ``L`` taken over all samples, or by the local bound of
`Qubo.penalty_weights` on the model with its penalties: that mends this group and no other, and
ends, below the first, at a sample that keeps the groups, which is feasible or above ``f*`` as
shown. So ``L`` in the weights of the constraints needs to hold only where all groups are kept.
"""

from dataclasses import dataclass
from math import floor

import numpy as np
from numpy.typing import NDArray

from .qubo import Group, Qubo


@dataclass(frozen=True, eq=False)
class BitRow:
    """``low <= sum_t coefficients[t] * bit[index[t]] <= high``.

    Parameters
    ----------
    index, coefficients : ndarray of int64, shape (terms,)
    low, high : int
        No wider than the bits can reach.
    side : int
        1 if only `high` can be broken, -1 if only `low` can, 0 if both can.
    """

    index: NDArray[np.int64]
    coefficients: NDArray[np.int64]
    low: int
    high: int
    side: int


def above(worst: float, objective: Qubo) -> float:
    """A weight above `worst` by a margin that no solver's tolerance swallows.

    It is whole where the objective is, so that energies stay exact.
    """
    worst = max(worst, 0.0)
    if objective.is_integral:
        return float(floor(worst + 1e-9) + 1)
    return worst + 1e-3 * max(worst, objective.scale)


def lower_bound(objective: Qubo) -> float:
    """A bound below the energies of all samples that keep the groups.

    Every pair is shared evenly between its ends. A bit that is set can have, in each group, at
    most `size` set partners: the best of them are counted.
    """
    n = objective.num_variables
    start, partner, weight = objective.neighbours()
    source = np.repeat(np.arange(n), np.diff(start))
    # A bit outside all groups stands for a group of its own.
    group_of = np.arange(n) + len(objective.groups)
    most = np.ones(n + len(objective.groups), dtype=np.int64)
    for g, group in enumerate(objective.groups):
        group_of[list(group.members)] = g
        most[g] = group.size
    target = group_of[partner]
    order = np.lexsort((weight, target, source))
    source, target, weight = source[order], target[order], weight[order]
    fresh = np.ones(len(source), dtype=bool)
    fresh[1:] = (source[1:] != source[:-1]) | (target[1:] != target[:-1])
    position = np.arange(len(source))
    rank = position - np.maximum.accumulate(np.where(fresh, position, 0))
    counted = (rank < most[target] - (group_of[source] == target)) & (weight < 0)
    share = objective.linear + 0.5 * np.bincount(
        source[counted], weights=weight[counted], minlength=n
    )
    total = objective.offset
    loose = np.ones(n, dtype=bool)
    for group in objective.groups:
        members = list(group.members)
        loose[members] = False
        total += float(np.sort(share[members])[: group.size].sum())
    return total + float(np.minimum(share[loose], 0.0).sum())


def upper_bound(objective: Qubo) -> float:
    """A bound above the energies of all samples that keep the groups."""
    return -lower_bound(
        Qubo.from_arrays(
            -objective.linear, objective.row, objective.col, -objective.value,
            offset=-objective.offset, groups=objective.groups,
        )
    )


def group_rows(groups: tuple[Group, ...]) -> list[BitRow]:
    """Exactly-k groups as rows."""
    return [
        BitRow(np.asarray(g.members), np.ones(len(g.members), dtype=np.int64), g.size, g.size, 0)
        for g in groups
    ]


def greedy_sample(objective: Qubo, rows: list[BitRow]) -> NDArray[np.int8] | None:
    """A feasible sample, one bit after the other and without turning back; None if that fails.

    Two orders are tried, and the better end is taken. First the bits that matter most, the
    profitable set and the costly cleared, so that what is then forced falls on those that matter
    little. Then the cheapest first, each set if it may be, which suits assignments. A value is
    taken only if every row can still be kept on its own.
    """
    start, _, weight = objective.neighbours()
    n = objective.num_variables
    source = np.repeat(np.arange(n), np.diff(start))
    hope = objective.linear + 0.5 * np.bincount(source, weights=weight, minlength=n)
    found = [
        sample
        for order, eager in ((-np.abs(hope), False), (hope, True))
        if (sample := _dive(objective, rows, np.argsort(order, kind="stable"), eager)) is not None
    ]
    return min(found, key=objective.energy, default=None)


def _dive(
    objective: Qubo, rows: list[BitRow], order: NDArray[np.int64], eager: bool
) -> NDArray[np.int8] | None:
    """Fix the bits in `order`, each at one if `eager`, else by the sign of its effect so far."""
    least = [int(np.minimum(r.coefficients, 0).sum()) for r in rows]
    most = [int(np.maximum(r.coefficients, 0).sum()) for r in rows]
    terms: list[list[tuple[int, int]]] = [[] for _ in range(objective.num_variables)]
    for k, row in enumerate(rows):
        for i, a in zip(row.index.tolist(), row.coefficients.tolist(), strict=True):
            terms[i].append((k, a))
    start, partner, weight = objective.neighbours()
    sample = np.zeros(objective.num_variables, dtype=np.int8)
    effect = objective.linear.copy()
    for i in order.tolist():
        for value in (1, 0) if eager or effect[i] < 0 else (0, 1):
            # The term's contribution is now known: the least rises to it, the most falls to it.
            moves = [
                (k, a * value - min(a, 0), max(a, 0) - a * value) for k, a in terms[i]
            ]
            if all(
                least[k] + up <= rows[k].high and most[k] - down >= rows[k].low
                for k, up, down in moves
            ):
                break
        else:
            return None
        for k, up, down in moves:
            least[k] += up
            most[k] -= down
        if value:
            sample[i] = 1
            near = slice(start[i], start[i + 1])
            effect[partner[near]] += weight[near]
    return sample


def repair_costs(objective: Qubo, rows: list[BitRow]) -> list[float | None]:
    """For each row the cost ``d_c`` of the proof above; None where safe moves may not mend it."""
    setting, clearing = objective.flip_costs()
    n = objective.num_variables
    hurt_by_setting = np.zeros(n, dtype=bool)
    hurt_by_clearing = np.zeros(n, dtype=bool)
    for row in rows:
        positive = row.coefficients > 0
        if row.side >= 0:
            hurt_by_setting[row.index[positive]] = True
            hurt_by_clearing[row.index[~positive]] = True
        if row.side <= 0:
            hurt_by_clearing[row.index[positive]] = True
            hurt_by_setting[row.index[~positive]] = True
    costs: list[float | None] = []
    for row in rows:
        if row.side == 0:
            costs.append(None)
            continue
        # As "sum a x <= limit"; a bit is at fault where it adds to the sum.
        a = row.side * row.coefficients
        limit = (row.high if row.side > 0 else -row.low) - int(a[a < 0].sum())
        cost = np.where(a > 0, clearing[row.index], setting[row.index])
        safe = ~np.where(a > 0, hurt_by_clearing[row.index], hurt_by_setting[row.index])
        costs.append(_repair_cost(np.abs(a), limit, cost, safe))
    return costs


def _repair_cost(
    size: NDArray[np.int64], limit: int, cost: NDArray[np.float64], safe: NDArray[np.bool_]
) -> float | None:
    """The most that the cheapest safe move can cost while the sizes at fault exceed `limit`.

    The worst case has the costliest bits at fault; as soon as they exceed the limit, the last of
    them is the cheapest at hand.
    """
    rest = int(size[~safe].sum())
    if rest > limit:
        return None
    order = np.argsort(-cost[safe], kind="stable")
    reach = rest + np.cumsum(size[safe][order])
    first = int(np.searchsorted(reach, limit, side="right"))
    return float(cost[safe][order][first]) if first < len(reach) else 0.0
