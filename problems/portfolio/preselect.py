"""Fewer assets, so that a quantum device has room for them."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InfeasibleError, InputError, UsageError
from qopt.forms import Lowering, Qubo

from .support import quick_portfolio, ranking, relaxed_value

if TYPE_CHECKING:
    from .problem import Portfolio

Lower = Callable[["Portfolio"], Lowering[Qubo]]


def preselected(portfolio: "Portfolio", keep: int, lower: Lower) -> Lowering[Qubo]:
    """The QUBO of the `keep` assets that the relaxation likes best; all others weigh nothing.

    Assets to hold come first, then what the least numbers and weights of sectors need and, where
    turnover is limited, the present holdings; then assets by their weight in the portfolio without
    whole numbers, and those without weight there by how little they would cost it.

    Raises
    ------
    UsageError
        Where all assets or too few would be kept.
    """
    kept = _kept(portfolio, keep)
    others = [asset for asset, inside in zip(portfolio.assets, kept, strict=True) if not inside]
    try:
        part = replace(
            portfolio, exclude=tuple(dict.fromkeys([*portfolio.exclude, *others])), reference=None
        )
        lowering = lower(part)
    except (InputError, InfeasibleError) as fault:
        raise UsageError(f"preselect={keep} keeps too few assets: {fault}") from None
    notes = (
        f"{keep} of {len(portfolio.assets)} assets are kept, those of the largest weight in the "
        "relaxation; the others weigh nothing",
        _loss(portfolio, part),
    )
    return _partial(lowering, notes)


def _kept(portfolio: "Portfolio", keep: int) -> NDArray[np.bool_]:
    limits = portfolio.limits
    n = len(portfolio.assets)
    free = limits.upper > 0
    if not 1 <= keep < int(free.sum()):
        raise UsageError(
            f"preselect={keep} is not between 1 and {int(free.sum()) - 1}: {int(free.sum())} "
            "assets may be held, and fewer are to be kept"
        )
    order = [i for i in ranking(portfolio) if free[i]]
    first = [i for i in order if limits.lower[i] > 0]
    for cap in limits.caps:
        inside = [i for i in order if i in cap.members]
        room = np.cumsum([float(limits.upper[i]) for i in inside])
        needed = int(np.searchsorted(room, cap.least_lots - limits.slack)) + 1
        first += inside[: max(cap.least_assets, needed if cap.least_lots > 0 else 0)]
    if portfolio.trading is not None and portfolio.trading.max_turnover is not None:
        first += [i for i in order if portfolio.trading.current[i] > 0]
    chosen = list(dict.fromkeys([*first, *order]))[:keep]
    return np.isin(np.arange(n), chosen)


def _loss(portfolio: "Portfolio", part: "Portfolio") -> str:
    """What the others are worth, as far as a quick search tells."""
    inside, everywhere = quick_portfolio(part), quick_portfolio(portfolio)
    if inside is None or everywhere is None:
        return "a swap local search found no feasible portfolio to tell what the others are worth"
    within, overall = (portfolio.score(found).objective for found in (inside, everywhere))
    sign = 1.0 if portfolio.sense == "minimise" else -1.0
    if sign * within < sign * overall:  # a search of more assets need not find what one of few does
        overall = within
    how = "both by swap local search"
    if not portfolio.limits.whole:
        how += " over sets of assets, each with its best weights by a convex program"
    bound = relaxed_value(portfolio)
    least = "" if bound is None else (
        f"; no portfolio of any assets is {'below' if sign > 0 else 'above'} {bound:.8g}, the "
        "relaxation"
    )
    return (
        f"best within them {within:.8g}, best over all assets {overall:.8g}, a loss of "
        f"{sign * (within - overall):.3g}: {how}, without a proof{least}"
    )


def _partial(lowering: Lowering[Qubo], notes: tuple[str, ...]) -> Lowering[Qubo]:
    """A lowering that leaves out part of the portfolios, and so do those that refine it."""
    first = lowering.refine

    def refine(answers: Any) -> Lowering[Qubo] | None:
        assert first is not None
        refined = first(answers)
        return None if refined is None else _partial(refined, notes)

    return replace(
        lowering, complete=False, encode=None, notes=(*notes, *lowering.notes),
        refine=None if first is None else refine,
    )
