"""How far the limits of a portfolio reach: why a target of return or turnover has no answer."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from qopt.forms.program import TOLERANCE, tolerance

from .lowering import Model
from .relax import cheapest

if TYPE_CHECKING:
    from .problem import Portfolio


def out_of_reach(portfolio: "Portfolio") -> Iterator[str]:
    """Sentences about a least return or a largest turnover that the other limits leave no room for.

    Each is proven by the relaxation, a linear program, of all limits but this one (and, where it is
    the turnover, but that on the return).
    """
    target, trading = portfolio.target_return, portfolio.trading
    if target is not None:
        most = _largest_return(replace(portfolio, target_return=None))
        if most is not None and most < target - TOLERANCE * portfolio.return_scale:
            yield (
                f"target_return={target:g} is out of reach: the other limits allow an expected "
                f"return of {most:.6g} at most"
            )
    if trading is not None and trading.max_turnover is not None:
        least = _least_turnover(portfolio)
        limit = trading.max_turnover
        if least is not None and least > limit + tolerance(limit):
            yield (
                f"max_turnover={limit:g} is out of reach: the other limits need a turnover of "
                f"{least:.6g} at least"
            )


def _largest_return(portfolio: "Portfolio") -> float | None:
    """What no portfolio returns more than; None where no weights keep the limits."""
    model = Model.of(portfolio)
    found = cheapest(model, 0.0, 1.0, exactly=False)
    return model.intercept - found.bound if found.verdict == "optimal" else None


def _least_turnover(portfolio: "Portfolio") -> float | None:
    """What no portfolio turns over less than: half the cost where a unit traded costs 1."""
    moments = replace(portfolio.moments, mean=np.zeros(len(portfolio.assets)))
    largest = _largest_return(replace(
        portfolio, moments=moments, cost=1.0, max_turnover=None, target_return=None,
        cash_return=None,
    ))
    return None if largest is None else -0.5 * largest
