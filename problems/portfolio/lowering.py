"""A portfolio as an integer program.

The variables are the lots of every asset that is not settled beforehand, and, where the number of
assets in a sector is capped and an asset may take several lots, a bit that says whether it is held.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qopt.forms import Constraint, Lowering, Program
from qopt.forms.program import constraint
from qopt.numbers import plural

from .limits import Limits, SectorCap
from .moments import Moments


@dataclass(frozen=True, eq=False)
class _Places:
    """Where the variables are.

    Parameters
    ----------
    lower, upper : ndarray of int64, shape (n,)
        Limits of each asset's lots; the same where the asset is settled.
    lots : dict of int to int
        Variable of each asset that is not settled.
    held : dict of int to int
        Variable that says whether an asset is held, where that is no other.
    """

    lower: NDArray[np.int64]
    upper: NDArray[np.int64]
    lots: dict[int, int]
    held: dict[int, int]

    @classmethod
    def of(cls, limits: Limits) -> "_Places":
        lower, upper = limits.tightened()
        lots = {int(i): v for v, i in enumerate(np.flatnonzero(lower < upper))}
        needed = sorted(
            i for cap in limits.caps if limits.count_can_break(cap)
            for i in cap.members if lower[i] == 0 and upper[i] > 1
        )
        return cls(lower, upper, lots, {i: len(lots) + k for k, i in enumerate(needed)})


def portfolio_program(moments: Moments, risk: float, limits: Limits) -> Lowering[Program]:
    """Minimise ``risk * w'Sw - (1 - risk) * mu'w`` over lots ``w * total``, under the limits."""
    places = _Places.of(limits)
    free = np.array(sorted(places.lots), dtype=np.int64)
    settled = np.where(places.lower == places.upper, places.lower, 0).astype(np.float64)
    pairs = risk / limits.total**2 * moments.covariance
    linear = (risk - 1.0) / limits.total * moments.mean
    row, col = np.triu_indices(len(free))
    value = pairs[np.ix_(free, free)][row, col] * np.where(row == col, 1.0, 2.0)
    bits = len(places.held)
    names = [moments.assets[i] for i in free] + [f"hold {moments.assets[i]}" for i in places.held]
    model = Program.build(
        linear=np.concatenate([(linear + 2.0 * pairs @ settled)[free], np.zeros(bits)]),
        row=row, col=col, value=value,
        offset=float(settled @ pairs @ settled + linear @ settled),
        lower=np.concatenate([places.lower[free], np.zeros(bits)]),
        upper=np.concatenate([places.upper[free], np.ones(bits)]),
        constraints=_constraints(limits, places, moments.assets),
        names=names,
    )

    def decode(values: ArrayLike) -> NDArray[np.int64]:
        lots = np.where(places.lower == places.upper, places.lower, 0)
        lots[free] = np.rint(np.asarray(values)[: len(free)]).astype(np.int64)
        return lots

    def encode(answer: ArrayLike) -> NDArray[np.float64]:
        lots = np.asarray(answer)
        held = [float(lots[i] > 0) for i in places.held]
        return np.concatenate([lots[free].astype(np.float64), held])

    count = len(moments) - len(free)
    notes = (f"{count} of {plural(len(moments), 'asset')} settled beforehand",) if count else ()
    return Lowering(model, decode, encode, notes=notes)


def _constraints(limits: Limits, places: _Places, assets: Sequence[str]) -> list[Constraint]:
    total = (
        f"select exactly {limits.total}" if limits.selecting
        else f"buy exactly {plural(limits.total, 'lot')}"
    )
    everything = range(len(places.lower))
    found = [_sum_of_lots(total, everything, limits.total, places, equal=True)]
    for cap in limits.caps:
        members = list(cap.members)
        if limits.weight_can_break(cap):
            name = f"sector {cap.sector} weighs at most {cap.weight:g}"
            found.append(_sum_of_lots(name, members, cap.lots or 0, places))
        if limits.count_can_break(cap):
            found.append(_count_of_assets(cap, places))
    found += [
        constraint(
            f"{assets[i]} is held if bought", [places.lots[i], bit], [1.0, -places.upper[i]],
            "<=", 0.0,
        )
        for i, bit in places.held.items()
    ]
    return found


def _sum_of_lots(
    name: str, members: Sequence[int], limit: int, places: _Places, *, equal: bool = False
) -> Constraint:
    settled = sum(int(places.lower[i]) for i in members if i not in places.lots)
    variables = [places.lots[i] for i in members if i in places.lots]
    return constraint(name, variables, 1.0, "==" if equal else "<=", limit - settled)


def _count_of_assets(cap: SectorCap, places: _Places) -> Constraint:
    """An asset that takes one lot at most is its own bit; one that must be held is settled."""
    certain = sum(int(places.lower[i] > 0) for i in cap.members)
    bits = [
        places.held.get(i, places.lots[i])
        for i in cap.members if places.lower[i] == 0 and places.upper[i] > 0
    ]
    name = f"sector {cap.sector} has at most {plural(cap.assets or 0, 'asset')}"
    return constraint(name, bits, 1.0, "<=", (cap.assets or 0) - certain)
