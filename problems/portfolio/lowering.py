"""A portfolio as a mixed-binary program with a quadratic objective."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qopt.forms import Constraint, Lowering, Program
from qopt.forms.program import Comparator, constraint
from qopt.numbers import plural

from .limits import Limits
from .objective import quadratic_of
from .variables import Affine, Code, Needs, Variables, needs_of

if TYPE_CHECKING:
    from .problem import Portfolio

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Model:
    """What a portfolio's objective and limits are over its variables ``x``.

    Parameters
    ----------
    variables : Variables
    constraints : tuple of Constraint
    square : ndarray of float64, shape (variables, variables)
    linear : ndarray of float64, shape (variables,)
    constant : float
        The variance is ``x' square x + linear' x + constant``.
    slope : ndarray of float64, shape (variables,)
    intercept : float
        The expected return, net of costs, is ``slope' x + intercept``.
    """

    variables: Variables
    constraints: tuple[Constraint, ...]
    square: Floats
    linear: Floats
    constant: float
    slope: Floats
    intercept: float

    @classmethod
    def of(cls, portfolio: "Portfolio", code: Code = "integer") -> "Model":
        """The variance, the return and the limits of a portfolio."""
        limits, trading = portfolio.limits, portfolio.trading
        variables = Variables(limits, _needs(portfolio), code)
        amount, bought = variables.affine("amount"), variables.affine("bought")
        total = limits.total
        square, linear, constant = quadratic_of(portfolio.aim, portfolio.moments.covariance)
        base, matrix = amount.base / total, amount.matrix / total
        slope = portfolio.moments.mean - (portfolio.cash_return or 0.0)
        intercept = portfolio.cash_return or 0.0
        first, rest = slope @ base, slope @ matrix
        if trading is not None:
            traded, change = traded_of(amount, bought, trading.current * total)
            first -= trading.cost * traded / total
            rest = rest - trading.cost * change / total
        form = cls(
            variables, (), matrix.T @ square @ matrix, (2.0 * square @ base + linear) @ matrix,
            float(base @ square @ base + linear @ base) + constant, rest, float(first) + intercept,
        )
        return cls(**{**vars(form), "constraints": tuple(_constraints(portfolio, form))})

    def program(self, risk: float, reward: float) -> Program:
        """Minimise ``risk * variance - reward * return``."""
        row, col = np.triu_indices(len(self.linear))
        value = risk * self.square[row, col] * np.where(row == col, 1.0, 2.0)
        items = self.variables.items
        return Program.build(
            linear=risk * self.linear - reward * self.slope,
            row=row, col=col, value=value,
            offset=risk * self.constant - reward * self.intercept,
            lower=[item.lower for item in items] or 0.0,
            upper=[item.upper for item in items] or 1.0,
            integer=[item.integer for item in items] or True,
            constraints=self.constraints,
            names=[item.name for item in items],
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """How many assets are no matter of choice."""
        count, n = self.variables.settled, len(self.variables.limits.assets)
        return (f"{count} of {plural(n, 'asset')} settled beforehand",) if count else ()


def portfolio_program(portfolio: "Portfolio", form: Model) -> Lowering[Program]:
    """Minimise ``risk * variance - (1 - risk) * return`` under the limits."""
    risk = portfolio.aim.risk
    return Lowering(
        form.program(risk, 1.0 - risk), form.variables.decode, form.variables.encode,
        notes=form.notes,
    )


def traded_of(amount: Affine, bought: Affine, current: Floats) -> tuple[float, Floats]:
    """Constant and coefficients of what is bought and sold: twice what is bought, less the growth.

    ``|a - c| = 2 max(0, a - c) - (a - c)``.
    """
    (base, change), (more, growth) = amount.total(), bought.total()
    return 2.0 * more - base + float(current.sum()), 2.0 * growth - change


def _needs(portfolio: "Portfolio") -> Needs:
    limits, trading = portfolio.limits, portfolio.trading
    counted = not limits.selecting and (limits.fewest_can_break() or limits.most_can_break())
    return needs_of(
        limits, None if trading is None else trading.current * limits.total, every=counted,
        caps=[cap.members for cap in limits.caps
              if limits.count_can_break(cap) or cap.least_assets],
    )


def _constraints(portfolio: "Portfolio", form: Model) -> list[Constraint]:
    variables, limits = form.variables, portfolio.limits
    amount, held = variables.affine("amount"), variables.affine("held")
    found = [*_totals(limits, amount), *variables.rows, *_counts(limits, held)]
    for cap in limits.caps:
        members = np.isin(np.arange(len(limits.assets)), cap.members).astype(np.float64)
        name = f"sector {cap.sector}"
        if limits.weight_can_break(cap):
            found.append(
                _row(f"{name} weighs at most {cap.weight:g}", amount, "<=", cap.lots or 0, members)
            )
        if cap.least_lots > 0:
            found.append(_row(
                f"{name} weighs at least {cap.least_weight:g}", amount, ">=", cap.least_lots,
                members,
            ))
        if limits.count_can_break(cap):
            most = cap.assets or 0
            found.append(
                _row(f"{name} has at most {plural(most, 'asset')}", held, "<=", most, members)
            )
        if cap.least_assets > 0:
            found.append(_row(
                f"{name} has at least {plural(cap.least_assets, 'asset')}", held, ">=",
                cap.least_assets, members,
            ))
    return [*found, *_turnover(portfolio, form), *_target(portfolio, form)]


def _totals(limits: Limits, amount: Affine) -> list[Constraint]:
    if limits.weighting == "continuous":
        return [_row("invest everything", amount, "==", 1.0)]
    if limits.weighting == "lots":
        return [_row(f"buy exactly {plural(limits.total, 'lot')}", amount, "==", limits.total)]
    if not limits.may_hold_cash:
        return [_row(f"select exactly {limits.total}", amount, "==", limits.total)]
    rows = []
    if limits.most_can_break():
        rows.append(_row(f"select at most {limits.most}", amount, "<=", limits.most))
    if limits.fewest_can_break():
        rows.append(_row(f"select at least {limits.fewest}", amount, ">=", limits.fewest))
    return rows


def _counts(limits: Limits, held: Affine) -> list[Constraint]:
    """Rows on the number of assets; with equal weights those are the totals."""
    if limits.selecting:
        return []
    most, fewest = limits.most_can_break(), limits.fewest_can_break()
    if most and fewest and limits.most == limits.fewest:
        return [_row(f"hold exactly {plural(limits.most, 'asset')}", held, "==", limits.most)]
    rows = []
    if most:
        rows.append(
            _row(f"hold at most {plural(limits.most, 'asset')}", held, "<=", limits.most)
        )
    if fewest:
        rows.append(
            _row(f"hold at least {plural(limits.fewest, 'asset')}", held, ">=", limits.fewest)
        )
    return rows


def _turnover(portfolio: "Portfolio", form: Model) -> list[Constraint]:
    """Twice the turnover, in lots; the growth drops out where everything is invested."""
    trading, limits = portfolio.trading, portfolio.limits
    if trading is None or trading.max_turnover is None:
        return []
    amount, bought = form.variables.affine("amount"), form.variables.affine("bought")
    current = trading.current * limits.total
    name, limit = f"turnover at most {trading.max_turnover:g}", trading.max_turnover * limits.total
    if not limits.may_hold_cash:
        growth = limits.total - float(current.sum())
        return [_row(name, bought, "<=", _near(limit + 0.5 * growth))]
    traded, change = traded_of(amount, bought, current)
    return [_tidy(name, change, "<=", 2.0 * limit - traded)]


def _target(portfolio: "Portfolio", form: Model) -> list[Constraint]:
    """In units of the largest mean, so that a solver's rounding is small beside it."""
    if portfolio.target_return is None:
        return []
    unit = portfolio.return_scale
    return [constraint(
        f"expected return at least {portfolio.target_return:g}", np.arange(len(form.slope)),
        form.slope / unit, ">=", (portfolio.target_return - form.intercept) / unit,
    )]


def _row(
    name: str, quantity: Affine, comparator: Comparator, rhs: float,
    factors: Sequence[float] | Floats | float = 1.0,
) -> Constraint:
    base, coefficients = quantity.total(factors)
    return _tidy(name, coefficients, comparator, rhs - base)


def _tidy(name: str, coefficients: Floats, comparator: Comparator, rhs: float) -> Constraint:
    """Coefficients that are whole but for rounding are made whole, which needs fewer slack bits."""
    places = np.flatnonzero(coefficients)
    near = [_near(value) for value in coefficients[places].tolist()]
    return constraint(name, places, near, comparator, _near(rhs))


def _near(value: float) -> float:
    return float(round(value)) if abs(value - round(value)) < 1e-9 else value
