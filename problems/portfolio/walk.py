"""Walking a strategy forward through past returns: estimate, trade, hold, and again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError

from .estimate import moments_of
from .history import History
from .moments import Moments
from .problem import Portfolio

Vector = NDArray[np.float64]

Picker = Callable[[int, Portfolio], Vector | None]
"""Gives the weights at the rebalancing of that number; None leaves the holdings as they are."""


@dataclass(frozen=True, eq=False)
class Walk:
    """One strategy carried through the test.

    Parameters
    ----------
    returns : ndarray of float64, shape (periods,)
        Net of costs.
    traded : ndarray of float64, shape (dates,)
        Weight bought and sold at each rebalancing.
    weights : ndarray of float64, shape (dates, n)
        Target weights after each rebalancing.
    missed : tuple of int
        Rebalancings at which nothing was picked.
    from_cash : bool
        Whether nothing was held before the first one.
    """

    returns: Vector
    traded: Vector
    weights: NDArray[np.float64]
    missed: tuple[int, ...]
    from_cash: bool = True


def rebalancings(periods: int, window: int, step: int) -> range:
    """The periods before which a portfolio is picked, from the first whole window on."""
    return range(window, periods, step)


def instance_before(problem: Portfolio, period: int, window: int) -> Portfolio:
    """The instance as it could be estimated just before a period: from the window that ends there.

    Raises
    ------
    InputError
        Where the window has no moments.
    """
    history = problem.moments.history
    assert history is not None, "a walk needs the returns of its instance"
    part = history.window(period - window, period)
    benchmark, periods = problem.benchmark, problem.periods_per_year or 1.0
    try:
        if benchmark is None:
            return replace(problem, reference=None, moments=_over(problem.assets, part, periods))
        assert part.benchmark is not None
        joint = replace(
            part, returns=np.column_stack([part.benchmark, part.returns]), benchmark=None
        )
        whole = _over((benchmark.name, *problem.assets), joint, periods)
        moments, index = whole.split(benchmark.name)
        return replace(problem, reference=None, moments=moments, benchmark=index)
    except InputError as fault:
        raise InputError(f"the window that ends {part.times[-1]}: {fault}") from None


def _over(assets: Sequence[str], history: History, periods: float) -> Moments:
    return moments_of(tuple(assets), history).over(periods)


def walk(
    problem: Portfolio, instances: Sequence[Portfolio], dates: range, cost: float, pick: Picker
) -> Walk:
    """Carry a strategy through the periods from the first date to the end.

    At each date the weights are picked from the instance of that date alone. Trading costs are
    `cost` for each unit of weight bought or sold, the first purchase included, and are paid at
    once; then holdings drift with their returns to the next date. What is not invested is cash, at
    the instance's cash return. The first date starts from the instance's present weights, or from
    cash where it has none; later dates start from what has drifted.

    Parameters
    ----------
    problem : Portfolio
        With a history.
    instances : sequence of Portfolio
        `instance_before` each date.
    dates : range
        `rebalancings`.
    cost : float
        0.001 is ten basis points.
    pick : callable
    """
    history = problem.moments.history
    assert history is not None
    on_cash = (problem.cash_return or 0.0) / (problem.periods_per_year or 1.0)
    trading = problem.trading
    held = np.zeros(len(problem.assets)) if trading is None else trading.current
    from_cash = not held.any()
    returns: list[float] = []
    traded, targets, missed = [], [], []
    for number, (start, stop) in enumerate(_spans(dates, len(history))):
        chosen = pick(number, _with_holdings(instances[number], held, number))
        if chosen is None:
            missed.append(number)
            chosen = held
        traded.append(float(np.abs(chosen - held).sum()))
        targets.append(chosen)
        held, part = _hold(chosen, history.returns[start:stop], on_cash)
        part[0] = (1.0 - cost * traded[-1]) * (1.0 + part[0]) - 1.0
        returns.extend(part)
    return Walk(
        np.array(returns), np.array(traded), np.array(targets), tuple(missed), from_cash
    )


def _spans(dates: range, periods: int) -> Iterator[tuple[int, int]]:
    for start in dates:
        yield start, min(start + dates.step, periods)


def _with_holdings(problem: Portfolio, held: Vector, number: int) -> Portfolio:
    """The instance with what is held now, where trading matters to it."""
    if problem.trading is None or number == 0:
        return problem
    weights = {name: float(w) for name, w in zip(problem.assets, held, strict=True) if w > 0.0}
    return replace(problem, current=weights)


def _hold(
    weights: Vector, returns: NDArray[np.float64], on_cash: float
) -> tuple[Vector, list[float]]:
    """Weights at the end of the periods, and the portfolio's return in each."""
    value, cash = weights.copy(), 1.0 - float(weights.sum())
    found = []
    total = 1.0
    for row in returns:
        value = value * (1.0 + row)
        cash *= 1.0 + on_cash
        after = float(value.sum()) + cash
        found.append(after / total - 1.0 if total > 0.0 else 0.0)  # of nothing, nothing is lost
        total = after
    return (value / total if total > 0.0 else np.zeros_like(value)), found
