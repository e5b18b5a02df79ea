"""The largest Sharpe ratio as programs with quadratic objectives.

A ratio is no quadratic function, so a program stands for it by way of a portfolio that is known,
with Sharpe ratio ``s0``, variance ``v0`` and excess return ``r0``:

- continuous weights: ``y = x t`` for a factor ``t > 0`` makes the excess return ``r0``; then the
  variance of ``y`` is to be small (Cornuejols and Tutuncu, Optimization Methods in Finance, 2006,
  section 8.2), and ``v / v0 = (s0 / s)**2``;
- lots: ``v / v0 - (r / r0)**2`` is negative exactly where the ratio is better than ``s0``, and its
  least value is 0 once ``s0`` is the largest (Dinkelbach, On nonlinear fractional programming,
  Management Science 13, 1967). As long as it is negative, the answer is the next known portfolio.

No affine map turns either objective into a Sharpe ratio. What the lowering states is a bound: an
affine function that is nowhere below the ratio that the model's bound allows, and meets ``s0``
where the model proves that nothing is better.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qopt.errors import InfeasibleError, InputError, SolverError
from qopt.forms import Constraint, Lowering, Program
from qopt.forms.program import constraint

from .limits import Amounts
from .lowering import Model
from .reach import out_of_reach
from .relax import cheapest, homogeneous, steepest

if TYPE_CHECKING:
    from .problem import Portfolio

Floats = NDArray[np.float64]

_WIDER = 1.0 + 1e-6
"""By how much limits are kept away from what is proven, for rounding."""


_NO_VARIANCE = 1e-12
"""Variance that counts as none, as a share of the known portfolio's."""

_LEAST_EXCESS = 1e-3
"""Smallest excess return that is looked at, as a share of the known portfolio's."""

_HALVINGS = 10
"""Steps in which the ends of the interval of excess returns are found."""


@dataclass(frozen=True, eq=False)
class Known:
    """A portfolio with positive excess return, and what it says of all that are better.

    Parameters
    ----------
    ratio, variance, excess : float
        Its Sharpe ratio, variance and excess return.
    most : float
        No portfolio has a larger Sharpe ratio.
    least_excess, largest_excess : float
        No portfolio with a smaller or larger excess return has a larger Sharpe ratio.
    proven : bool
        Whether that is so; False where portfolios of hardly any return have hardly any variance,
        or others none.
    """

    ratio: float
    variance: float
    excess: float
    most: float
    least_excess: float
    largest_excess: float
    proven: bool


def sharpe_program(
    portfolio: "Portfolio", model: Model, start: Amounts | None, *, persistent: bool = True
) -> Lowering[Program]:
    """The program that looks for a portfolio with a larger Sharpe ratio than `start`.

    Parameters
    ----------
    portfolio : Portfolio
    model : Model
    start : ndarray, optional
        A feasible portfolio. Without one of positive excess return the first program only looks for
        the largest return.
    persistent : bool
        Whether a program that neither found a better portfolio nor proved that there is none is
        solved once more, with all that is left of the budget.

    Raises
    ------
    InputError
        Where no portfolio has a return above the one without risk.
    """
    free = portfolio.aim.risk_free
    relaxed = steepest(model, free)
    if relaxed is None and cheapest(model, 1.0, 0.0, exactly=False).verdict == "infeasible":
        why = ["no weights keep all limits of the portfolio", *out_of_reach(portfolio)]
        raise InfeasibleError("; ".join(why))
    if relaxed is None:
        raise InputError(
            f"no portfolio within the limits has a return above risk_free={free:g}: its Sharpe "
            "ratio would be negative, which ranks nothing; lower risk_free or relax the limits"
        )
    known = None if start is None else _known(portfolio, model, start, relaxed)
    if known is None:
        return _largest_return(portfolio, model, persistent)
    make = _lots if portfolio.limits.whole else _homogenised
    lowering = make(portfolio, model, known)

    def refine(answers: Sequence[Any]) -> Lowering[Program] | None:
        better = _best(portfolio, [lowering.decode(answer) for answer in answers])
        if better is None or portfolio.score(better).objective <= known.ratio * _WIDER:
            return replace(lowering, refine=None) if persistent else None
        return sharpe_program(portfolio, model, better, persistent=persistent)

    return replace(lowering, refine=refine, known=start if persistent else None)


def _best(portfolio: "Portfolio", answers: Sequence[Amounts]) -> Amounts | None:
    scored = [(portfolio.score(answer), k) for k, answer in enumerate(answers)]
    feasible = [(score.objective, -k) for score, k in scored if score.feasible]
    return answers[-max(feasible)[1]] if feasible else None


def _known(
    portfolio: "Portfolio", model: Model, start: Amounts, relaxed: Floats
) -> Known | None:
    variance = portfolio.variance(start)
    excess = portfolio.expected_return(start) - portfolio.aim.risk_free
    if excess <= 0.0 or variance <= 0.0:
        return None
    ratio = excess / sqrt(variance)
    top, floor = _variance(model, relaxed), _NO_VARIANCE * variance
    top_excess = float(model.slope @ relaxed) + model.intercept - portfolio.aim.risk_free
    most = top_excess / sqrt(max(top, floor))
    low, high, proven = _excess_range(model, portfolio.aim.risk_free, ratio, excess)
    # Where risks cancel, ratios have no bound.
    proven = proven and top > floor
    return Known(ratio, variance, excess, max(most, ratio) * _WIDER, low, high, proven)


def _excess_range(
    model: Model, free: float, ratio: float, excess: float
) -> tuple[float, float, bool]:
    """Between which excess returns a portfolio can have a larger Sharpe ratio than `ratio`.

    The least standard deviation at an excess return is a convex function of it, so that the returns
    at which it is small enough are an interval around `excess`, whose ends are bisected.
    """

    def worse(trial: float) -> bool:
        try:
            found = cheapest(model, 1.0, 0.0, expected=trial + free, exactly=False)
        except SolverError:
            return False
        if found.verdict != "optimal":
            return found.verdict == "infeasible"
        return ratio * sqrt(max(0.0, found.bound + model.constant)) > trial * _WIDER

    richest = cheapest(model, 0.0, 1.0, exactly=False)
    low, high = _LEAST_EXCESS * excess, (model.intercept - richest.bound - free) * _WIDER
    proven = worse(low)
    inner = excess
    for _ in range(_HALVINGS if proven else 0):
        middle = 0.5 * (low + inner)
        low, inner = (middle, inner) if worse(middle) else (low, middle)
    inner = excess
    for _ in range(_HALVINGS):
        middle = 0.5 * (inner + high)
        inner, high = (inner, middle) if worse(middle) else (middle, high)
    return low, max(high, excess), proven


def _variance(model: Model, values: Floats) -> float:
    return float(values @ model.square @ values + model.linear @ values) + model.constant


def _largest_return(
    portfolio: "Portfolio", model: Model, persistent: bool
) -> Lowering[Program]:
    """The portfolio of the largest return, to begin with."""

    def refine(answers: Sequence[Any]) -> Lowering[Program] | None:
        start = _best(portfolio, [model.variables.decode(answer) for answer in answers])
        if start is None or portfolio.score(start).objective <= 0.0:
            return None
        return sharpe_program(portfolio, model, start, persistent=persistent)

    return Lowering(
        model.program(0.0, 1.0), model.variables.decode, model.variables.encode,
        scale=-1.0, complete=False, relaxed=True, refine=refine,
        notes=(*model.notes, "no portfolio to begin with is known: the largest return is sought"),
    )


# -- lots: parametric -----------------------------------------------------------------------------


def _lots(portfolio: "Portfolio", model: Model, known: Known) -> Lowering[Program]:
    """Minimise ``v / v0 - (r / r0)**2`` where ``r`` is not too small to be better."""
    slope = model.slope / known.excess
    intercept = (model.intercept - portfolio.aim.risk_free) / known.excess
    least = known.least_excess / known.excess
    parametric = replace(
        model,
        square=model.square / known.variance - np.multiply.outer(slope, slope),
        linear=model.linear / known.variance - 2.0 * intercept * slope,
        constant=model.constant / known.variance - intercept**2,
        constraints=(*model.constraints, *_excess_row(model, known, slope, intercept)),
    )
    # (s0 / s)**2 = v / v0 * (r0 / r)**2 >= 1 + L / (r / r0)**2 where L <= 0 is a bound.
    lowest = ((known.ratio / known.most) ** 2 - 1.0) * least**2
    scale = (known.most - known.ratio) / lowest
    return Lowering(
        parametric.program(1.0, 0.0), model.variables.decode, model.variables.encode,
        scale=scale, offset=known.ratio, complete=known.proven, relaxed=True,
        notes=(*model.notes, _note(known, "v / v0 - (r / r0)^2")),
    )


def _excess_row(
    model: Model, known: Known, slope: Floats, intercept: float
) -> tuple[Constraint, ...]:
    """The row ``r >= least``, where a return below that could look good."""
    poorest = cheapest(model, 0.0, -1.0, exactly=False)
    calmest = cheapest(model, 1.0, 0.0, exactly=False)
    if known.proven and poorest.verdict == calmest.verdict == "optimal":
        # A loss looks good only where it is larger than the ratio times the standard deviation.
        deviation = sqrt(max(0.0, calmest.bound + model.constant))
        if poorest.bound / known.excess + intercept >= -known.ratio * deviation / known.excess:
            return ()
    least = known.least_excess / known.excess
    return (constraint(
        "excess return of a better portfolio", np.arange(len(slope)), slope, ">=",
        least - intercept,
    ),)


def _note(known: Known, objective: str) -> str:
    return (
        f"largest Sharpe ratio: {objective} is minimised from a known portfolio of ratio "
        f"{known.ratio:.6g}"
    )


# -- continuous weights: homogenised --------------------------------------------------------------


def _homogenised(portfolio: "Portfolio", model: Model, known: Known) -> Lowering[Program]:
    """Minimise the variance of ``y = x t`` over ``v0`` where its excess return is ``r0``."""
    items = model.variables.items
    count = len(items)
    least, most = known.excess / known.largest_excess, known.excess / known.least_excess  # of t
    low, high = (np.array([getattr(item, side) for item in items]) for side in ("lower", "upper"))
    bits = [v for v, item in enumerate(items) if item.integer]
    # Variables: y (for a bit: its product with t), t, and the bits themselves.
    place = {v: count + 1 + k for k, v in enumerate(bits)}
    matrix = homogeneous(model) / known.variance
    row, col = np.triu_indices(count + 1)
    value = matrix[row, col] * np.where(row == col, 1.0, 2.0)
    free = portfolio.aim.risk_free
    rows = [constraint(
        "excess return", np.arange(count + 1),
        np.append(model.slope, model.intercept - free) / known.excess, "==", 1.0,
    )]
    rows += [_scaled_row(item, place, count) for item in model.constraints]
    for v, item in enumerate(items):
        if v in place:
            rows += _product(item.name, (v, place[v], count), least, most)
            continue
        if item.upper < inf:
            rows.append(constraint(f"{item.name} at most", [v, count], [1.0, -item.upper], "<=", 0))
        if item.lower > 0.0:
            rows.append(
                constraint(f"{item.name} at least", [v, count], [1.0, -item.lower], ">=", 0)
            )
    names = [f"{item.name} scaled" for item in items] + ["scale"] + [items[v].name for v in bits]
    program = Program.build(
        linear=np.zeros(len(names)), row=row, col=col, value=value,
        lower=np.concatenate([np.minimum(low, 0.0), [least], np.zeros(len(bits))]),
        upper=np.concatenate([high * most, [most], np.ones(len(bits))]),
        integer=np.concatenate([np.zeros(count + 1), np.ones(len(bits))]).astype(np.bool_),
        constraints=rows, names=names,
    )

    def decode(values: ArrayLike) -> Amounts:
        x = np.asarray(values, dtype=np.float64)
        if x[count] <= 0.0:
            return np.zeros(len(portfolio.assets))
        return model.variables.decode(x[:count] / x[count])

    def encode(amounts: Amounts) -> Floats:
        x = model.variables.encode(amounts)
        factor = known.excess / (portfolio.expected_return(amounts) - free)
        return np.concatenate([x * factor, [factor], x[bits]])

    scale = (known.ratio - known.most) / (1.0 - (known.ratio / known.most) ** 2)
    return Lowering(
        program, decode, encode, scale=scale, offset=known.ratio - scale, complete=known.proven,
        relaxed=True,
        notes=(*model.notes, _note(known, "the variance of weights scaled to the same return")),
    )


def _scaled_row(item: Constraint, place: dict[int, int], count: int) -> Constraint:
    """A row times ``t``; one that speaks of bits alone stays as it is."""
    indices = item.indices.tolist()
    if indices and all(v in place for v in indices):
        return replace(item, indices=np.array([place[v] for v in indices]))
    return constraint(
        item.name, [*indices, count], [*item.coefficients.tolist(), -item.rhs],
        item.comparator, 0.0,
    )


def _product(
    name: str, places: tuple[int, int, int], least: float, most: float
) -> list[Constraint]:
    """Rows that make ``y`` the product of a bit with ``t``, which lies between `least` and `most`.

    Parameters
    ----------
    name : str
    places : (int, int, int)
        Of ``y``, the bit and ``t``.
    least, most : float
    """
    y, bit, t = places
    return [
        constraint(f"{name} scaled if held", [y, bit], [1.0, -most], "<=", 0.0),
        constraint(f"{name} scaled at least", [y, bit], [1.0, -least], ">=", 0.0),
        constraint(f"{name} scaled", [y, t, bit], [1.0, -1.0, -least], "<=", -least),
        constraint(f"{name} scaled whole", [y, t, bit], [1.0, -1.0, -most], ">=", -most),
    ]
