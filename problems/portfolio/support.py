"""Continuous weights for solvers of bits: they choose the assets, a convex program the weights."""

from collections.abc import Iterator
from dataclasses import replace
from math import sqrt
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError, SolverError, UsageError
from qopt.forms import Lowering, Qubo

from .limits import Amounts
from .lowering import Model
from .relax import cheapest, steepest
from .search import local_optima, swap_search

if TYPE_CHECKING:
    from .problem import Portfolio

Floats = NDArray[np.float64]

STARTS, TRIES = 10, 5
"""Random starts of a search for sets of assets, and how many of those found get their weights."""


def best_weights(portfolio: "Portfolio", support: NDArray[np.bool_]) -> Floats | None:
    """The best continuous weights of the assets in `support`, shape (n,), each of them held.

    None where no weights of these assets keep all limits.
    """
    limits, assets = portfolio.limits, portfolio.assets
    inside = [asset for asset, chosen in zip(assets, support, strict=True) if chosen]
    if not limits.fewest <= len(inside) <= limits.most:
        return None
    for cap in limits.caps:
        count = int(support[list(cap.members)].sum())
        if count < cap.least_assets or (cap.assets is not None and count > cap.assets):
            return None
    if not set(portfolio.hold) <= set(inside) or set(portfolio.exclude) & set(inside):
        return None
    try:
        chosen = replace(
            portfolio, hold=tuple(inside) if limits.least > 0 else (), reference=None,
            exclude=tuple(asset for asset in assets if asset not in inside),
        )
        return _solved(chosen)
    except (InputError, UsageError, SolverError):
        return None


def _solved(portfolio: "Portfolio") -> Floats | None:
    """The best weights of a portfolio in which nothing is whole."""
    model = Model.of(portfolio)
    if portfolio.aim.aim == "max-sharpe":
        values = steepest(model, portfolio.aim.risk_free)
        if values is not None:
            return model.variables.decode(values)
        found = cheapest(model, 0.0, 1.0)  # no ratio is positive: the largest return
    else:
        found = cheapest(model, portfolio.aim.risk, 1.0 - portfolio.aim.risk)
    return model.variables.decode(found.values) if found.verdict == "optimal" else None


def quick_portfolio(portfolio: "Portfolio") -> Amounts | None:
    """A good feasible portfolio by swap local search, without a proof; None where none is found."""
    if portfolio.limits.whole:
        return swap_search(portfolio)
    sign = 1.0 if portfolio.sense == "minimise" else -1.0
    best: tuple[float, Floats] | None = None
    for support in _supports(portfolio):
        weights = best_weights(portfolio, support)
        if weights is None:
            continue
        score = portfolio.score(weights)
        if score.feasible and (best is None or sign * score.objective < best[0]):
            best = sign * score.objective, weights
    return None if best is None else best[1]


def _supports(portfolio: "Portfolio") -> Iterator[NDArray[np.bool_]]:
    """Sets of assets that are worth their weights.

    Those of the largest weights in the relaxation, and those that are good at equal weights: with
    and without the limits on the weights of sectors, which equal weights may miss.
    """
    order = ranking(portfolio)
    for size in _sizes(portfolio):
        yield np.isin(np.arange(len(order)), order[:size])
        for sectors in (True, False) if portfolio.limits.caps else (False,):
            try:
                proxy = _proxy(portfolio, size, sector_weights=sectors)
            except (InputError, UsageError):
                continue
            for lots in local_optima(proxy, starts=STARTS)[:TRIES]:
                yield lots > 0


def ranking(portfolio: "Portfolio") -> list[int]:
    """Assets by their weight in the relaxation, then by the slope of the objective there.

    Those that must be held come first.
    """
    model, aim = Model.of(portfolio), portfolio.aim
    amount = model.variables.affine("amount")
    values: Floats | None
    if aim.aim == "max-sharpe":
        values, risk = steepest(model, aim.risk_free), 0.5
    else:
        risk = aim.risk
        found = cheapest(model, risk, 1.0 - risk)
        values = found.values if found.verdict == "optimal" else None
    if values is None:
        values = np.array([item.lower for item in model.variables.items])
    slope = risk * (2.0 * model.square @ values + model.linear) - (1.0 - risk) * model.slope
    weights = np.round(amount.base + amount.matrix @ values, 6)
    return sorted(
        range(len(portfolio.assets)),
        key=lambda i: (
            portfolio.limits.lower[i] <= 0, -weights[i], float((amount.matrix[i] > 0) @ slope), i
        ),
    )


def relaxed_value(portfolio: "Portfolio") -> float | None:
    """The objective that no portfolio betters: its best value without whole numbers.

    None where the relaxation has no solution.
    """
    model, aim = Model.of(portfolio), portfolio.aim
    if aim.aim == "max-sharpe":
        values = steepest(model, aim.risk_free)
        if values is None:
            return None
        variance = float(values @ model.square @ values + model.linear @ values) + model.constant
        return aim.value(variance, float(model.slope @ values) + model.intercept)
    found = cheapest(model, aim.risk, 1.0 - aim.risk, exactly=False)
    if found.verdict != "optimal":
        return None
    return found.bound + aim.value(model.constant, model.intercept)


def support_qubo(
    portfolio: "Portfolio", *, weight: float | None, slack: Literal["exact", "unbalanced"],
    resolution: int,
) -> Lowering[Qubo]:
    """Bits choose the assets by a proxy; the decoded answer has their best weights.

    The proxy is the objective at equal weights of so many assets, which is a selection of exactly k
    (a group). Limits on weights, turnover and return are left to the weights.
    """
    start = quick_portfolio(portfolio)
    size = int((start > 0).sum()) if start is not None else max(_sizes(portfolio))
    proxy = _proxy(portfolio, size, start)
    lowering = proxy.to_qubo(weight=weight, slack=slack, resolution=resolution)
    known: dict[bytes, Floats] = {}

    def decode(sample: Any) -> Floats:
        support = np.asarray(lowering.decode(sample)) > 0
        key = support.tobytes()
        if key not in known:
            weights = best_weights(portfolio, support)
            # Assets that no weights suit are given equal ones, which break the same limits.
            known[key] = support / max(1, support.sum()) if weights is None else weights
        return known[key].copy()

    found = "" if start is None else (
        f"; a swap local search reached {portfolio.score(start).objective:.8g}, without a proof"
    )
    return Lowering(
        lowering.model, decode, None, scale=1.0, complete=False, relaxed=True,
        notes=(
            f"the bits choose {size} assets by a proxy, {_proxy_text(proxy)} at equal weights; a "
            "convex program then sets the weights of those chosen, within all limits",
            f"energies are the proxy's; other numbers of assets than {size} are left out{found}",
            *lowering.notes,
        ),
    )


def _sizes(portfolio: "Portfolio") -> list[int]:
    """Numbers of assets to try, at most a dozen of those allowed."""
    limits = portfolio.limits
    allowed = int((limits.upper > 0).sum())
    capped = sum(
        max(0, int((limits.upper[list(cap.members)] > 0).sum()) - cap.assets)
        for cap in limits.caps if cap.assets is not None
    )
    most = min(limits.most, allowed - capped)
    if limits.least > 0:
        most = min(most, int(1.0 / limits.least + 1e-9))
    fewest = max(1, limits.fewest, int((limits.lower > 0).sum()))
    if limits.least <= 0:
        return [most]  # a weight may be none: the largest number contains the smaller ones
    return sorted(set(np.linspace(fewest, most, 12).astype(int).tolist())) if most > fewest else [
        most
    ]


def _proxy(
    portfolio: "Portfolio", size: int, start: Amounts | None = None, *,
    sector_weights: bool = False,
) -> "Portfolio":
    """The selection of exactly `size` assets with equal weights that stands for a portfolio."""
    aim = portfolio.aim
    changes: dict[str, Any] = {}
    if aim.aim == "max-sharpe" and start is not None:
        # The trade-off of variance and return at which the known portfolio is the steepest.
        ratio = portfolio.score(start).objective
        slope = max(ratio, 0.0) / (2.0 * sqrt(portfolio.variance(start)))
        changes = {"objective": "mean-variance", "risk": slope / (1.0 + slope), "risk_free": None}
    if portfolio.cost is None:
        changes["current"] = None
    limited = sector_weights or portfolio.sector_min_assets is not None or (
        portfolio.sector_max_assets is not None
    )
    if not sector_weights:
        changes |= {"sector_min_weight": None, "sector_max_weight": None}
    return replace(
        portfolio, select=size, min_assets=None, max_assets=None, weighting="equal",
        min_weight=None, max_weight=None, sectors=portfolio.sectors if limited else None,
        target_return=None, max_turnover=None, reference=None, **changes,
    )


def _proxy_text(proxy: "Portfolio") -> str:
    aim = proxy.aim
    if aim.aim == "mean-variance":
        return f"{aim.risk:g} times the variance less {1.0 - aim.risk:g} times the return"
    return "the variance" if aim.aim == "min-variance" else "the tracking variance"
