"""Ways to pick a portfolio from an instance: what a solver is held against in a backtest."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError, UsageError
from qopt.forms.program import TOLERANCE

from .continuous import Markowitz
from .objective import quadratic_of
from .problem import Portfolio

Weights = NDArray[np.float64]

DRAWS = 200
"""Random selections that are tried before a date is given up."""


@dataclass(frozen=True)
class Rule:
    """A way to pick weights without a solver.

    Parameters
    ----------
    name : str
    summary : str
        What it does, in a line.
    pick : callable
        Gives the weights of an instance, shape (n,), or None where it finds none, from the instance
        and a generator of random numbers.
    paths : int
        How often it is drawn: 1 but for a random one.
    """

    name: str
    summary: str
    pick: Callable[[Portfolio, np.random.Generator], Weights | None]
    paths: int = 1


def rules_for(problem: Portfolio, random_paths: int) -> list[Rule]:
    """The rules that fit an instance: those that choose need a number of assets or of lots."""
    trading, limits = problem.trading, problem.limits
    free = ""
    if trading is not None and trading.max_turnover is not None:
        free = "; its rule leaves no room for max_turnover, which it does not keep"
    rules = [
        Rule("equal weight", f"all assets alike{free}", equal_weight),
        Rule("inverse volatility", f"weights in proportion to 1 / volatility{free}",
             inverse_volatility),
        Rule("continuous", "the same objective with continuous long-only weights and no other "
             f"limit{', max_turnover neither' if free else ''}", continuous),
    ]
    if _chooses_lots(problem):
        rules.append(Rule(
            "greedy", "the same objective and limits, one asset or lot after the other", greedy
        ))
        random = Rule(
            "random", "a random selection within the same limits: the null", random_selection,
            random_paths,
        )
        return [*rules, random] if limits.most < len(problem.assets) or not limits.selecting else (
            rules
        )
    if limits.most >= len(problem.assets) or _selection(problem) is None:
        return rules
    return [
        *rules,
        Rule("greedy", f"the same objective, {limits.most} assets alike, one after the other",
             lambda instance, rng: _of_selection(greedy, instance, rng)),
        Rule("random", f"{limits.most} assets alike, selected at random: the null",
             lambda instance, rng: _of_selection(random_selection, instance, rng), random_paths),
    ]


def _chooses_lots(problem: Portfolio) -> bool:
    """Whether an answer is a fixed number of lots, or of assets of equal weight."""
    return problem.limits.whole and not problem.limits.may_hold_cash


def _selection(problem: Portfolio) -> Portfolio | None:
    """The instance that selects as many assets as may be held, with equal weights; None if none."""
    try:
        return replace(
            problem, select=problem.limits.most, min_assets=None, max_assets=None, weighting=None,
            min_weight=None, max_weight=None, cash_return=None,
        )
    except (InputError, UsageError):  # of its own limits there are some that equal weights break
        return None


def _of_selection(
    pick: Callable[[Portfolio, np.random.Generator], Weights | None],
    problem: Portfolio,
    rng: np.random.Generator,
) -> Weights | None:
    selection = _selection(problem)
    return None if selection is None else pick(selection, rng)


def equal_weight(problem: Portfolio, rng: np.random.Generator) -> Weights:
    """All assets alike; DeMiguel, Garlappi and Uppal (2009) find it hard to beat."""
    n = len(problem.assets)
    return np.full(n, 1.0 / n)


def inverse_volatility(problem: Portfolio, rng: np.random.Generator) -> Weights:
    """Weights in proportion to one over the volatility; assets without any share all of it."""
    deviation = np.sqrt(np.diagonal(problem.moments.covariance))
    if (deviation == 0.0).any():
        still = (deviation == 0.0).astype(np.float64)
        return np.asarray(still / still.sum())
    return np.asarray(1.0 / deviation / (1.0 / deviation).sum())


def continuous(problem: Portfolio, rng: np.random.Generator) -> Weights | None:
    """The same objective over all long-only weights, without any other limit."""
    model, aim = Markowitz(problem.moments), problem.aim
    if aim.aim == "max-sharpe":
        best = model.largest_sharpe(aim.risk_free)
        return None if best is None else best.weights
    if aim.benchmark is not None:
        return model.tracking(aim.benchmark.covariance).weights
    return model.at_risk(aim.risk).weights


def greedy(problem: Portfolio, rng: np.random.Generator) -> Weights | None:
    """Forward selection: of all lots that may still be bought the one that serves best.

    After each the objective is that of the lots so far, scaled to sum 1. What must be held is
    bought first, and no lot is that leaves too little turnover for the others.
    """
    limits = problem.limits
    lots = limits.lower.astype(np.int64)
    value = _values(problem)
    while lots.sum() < limits.total:
        open_ = [i for i in np.flatnonzero((lots < limits.upper) & _affordable(problem, lots))
                 if _fits(problem, lots, int(i))]
        if not open_:
            return None
        tried = np.repeat(lots[None], len(open_), axis=0)
        tried[np.arange(len(open_)), open_] += 1
        lots = tried[int(np.argmin(value(tried / tried.sum(axis=1, keepdims=True))))]
    return problem.weights(lots) if problem.score(lots).feasible else None


def _fits(problem: Portfolio, lots: NDArray[np.int64], asset: int) -> bool:
    """Whether one more lot of an asset keeps the number of assets and what sectors hold at most."""
    more = lots.copy()
    more[asset] += 1
    if (more > 0).sum() > problem.limits.most:
        return False
    for cap in problem.limits.caps:
        members = np.asarray(cap.members)
        if cap.assets is not None and (more[members] > 0).sum() > cap.assets:
            return False
        if cap.lots is not None and more[members].sum() > cap.lots:
            return False
    return True


def _affordable(problem: Portfolio, lots: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether one more lot of each asset leaves enough of the turnover to buy all the others.

    A portfolio of all lots that buys ``b`` more than it holds now sells ``b`` less what is cash
    now. The lots still to come cost least where the present holdings are bought back first.
    """
    trading, limits = problem.trading, problem.limits
    if trading is None or trading.max_turnover is None:
        return np.full(len(lots), True)
    left = int(limits.total - lots.sum())
    ahead = np.arange(left + 1)
    bought = np.maximum(
        0.0, (lots[:, None] + ahead) / limits.total - trading.current[:, None]
    )
    steps = np.where(lots[:, None] + ahead[1:] <= limits.upper[:, None], np.diff(bought), np.inf)
    cheapest = np.sort(steps, axis=None)[:left]
    total = bought[:, 0].sum() + cheapest[:-1].sum() + np.maximum(steps[:, 0], cheapest[-1])
    cash = 1.0 - float(trading.current.sum())
    return np.asarray(total <= trading.max_turnover + 0.5 * cash + TOLERANCE)


def _values(problem: Portfolio) -> Callable[[Weights], Weights]:
    """The objective of many weights at once, shape (m, n), the smaller the better."""
    square, linear, constant = quadratic_of(problem.aim, problem.moments.covariance)
    sign = 1.0 if problem.sense == "minimise" else -1.0

    def value(weights: Weights) -> Weights:
        variance = ((weights @ square) * weights).sum(axis=1) + weights @ linear + constant
        means = weights @ problem.moments.mean
        pairs: Any = zip(variance.tolist(), means.tolist(), strict=True)
        return np.array([sign * problem.aim.value(v, m) for v, m in pairs])

    return value


def random_selection(problem: Portfolio, rng: np.random.Generator) -> Weights | None:
    """Lots bought at random, one after the other, until a draw keeps every limit."""
    limits = problem.limits
    for _ in range(DRAWS):
        lots = limits.lower.astype(np.int64)
        while lots.sum() < limits.total:
            room = np.flatnonzero((lots < limits.upper) & _affordable(problem, lots))
            if not len(room):
                break
            lots[rng.choice(room)] += 1
        if lots.sum() == limits.total and problem.score(lots).feasible:
            return problem.weights(lots)
    return None
