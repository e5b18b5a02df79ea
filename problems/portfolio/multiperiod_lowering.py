"""Multi-period portfolios as programs over whole numbers, and over bits."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qopt.errors import SizeError
from qopt.forms import Constraint, Lowering, Program
from qopt.forms.program import constraint

from .multiperiod_model import CAPITAL, MOST_CASH, MOST_SPARE, MOST_UNITS, Coefficients

MOST_BITS = 20_000
"""Most bits; the pairs of each period have coefficients."""

EMPTY = "the last period is empty: holding nothing then is better than anything else"


def as_integers(
    model: Coefficients, budget: int, symbols: Sequence[str]
) -> Lowering[Program]:
    """Whole variables: units held, and by how much they change where that costs."""
    periods, width = model.gain.shape
    count = periods * width
    changing = max(0, periods - 2) * width
    top = np.full(count + changing, float(MOST_UNITS))
    empty = _is_empty_at_the_end(model, budget)
    if empty:
        top[(periods - 1) * width : count] = 0.0
    row, col, value = _pairs(model.risk)
    names = _names(symbols, periods)
    changes = [
        constraint(f"{'rise' if sign > 0 else 'fall'} of {names[now]}",
                   [now, now - width, count + now - width], [sign, -sign, -1.0], "<=", 0.0)
        for now in range(width, width + changing) for sign in (1.0, -1.0)
    ]
    members = np.arange(count).reshape(periods, width // 2, 2, 1)
    program = Program.build(
        linear=np.concatenate([model.linear().ravel(), model.trade[1:-1].ravel()]),
        row=row, col=col, value=value, offset=float(model.constant), upper=top,
        constraints=[*_limits(members, MOST_UNITS, budget), *changes],
        names=[*names, *_names(symbols, periods, "change of ")[width : width + changing]],
    )

    def decode(values: ArrayLike) -> NDArray[np.int64]:
        units = np.rint(np.asarray(values)[:count]).astype(np.int64)
        return np.asarray(units.reshape(periods, width // 2, 2))

    def encode(answer: ArrayLike) -> NDArray[np.float64]:
        held = np.asarray(answer, dtype=np.float64).reshape(periods, width)
        change = np.abs(np.diff(held, axis=0))[:-1]
        return np.concatenate([held.ravel(), change.ravel()])

    return Lowering(program, decode, encode, notes=(EMPTY,) if empty else ())


def as_bits(
    model: Coefficients, budget: int, symbols: Sequence[str], *, spare: Literal["unary", "none"]
) -> Lowering[Program]:
    """Three bits for each holding, all worth one unit.

    The change of a holding is ``sum_k |x_k - y_k|``, and ``|x - y| = x + y - 2 x y`` for bits:
    quadratic, without further variables. A count has several patterns; the sum is least where they
    differ in as few bits as can be, and then it is the change of the count.

    Parameters
    ----------
    model : Coefficients
    budget : int
    symbols : sequence of str
    spare : {"unary", "none"}
        Whether the budget that is left has a bit for each unit, which makes the limit an equation.
    """
    periods, width = model.gain.shape
    kept = periods - 1 if _is_empty_at_the_end(model, budget) else periods
    bits = np.arange(kept * width * MOST_UNITS).reshape(kept, width, MOST_UNITS)
    limited = budget < width * MOST_UNITS
    room = min(budget, MOST_SPARE) if spare == "unary" and limited else 0
    if bits.size + kept * room > MOST_BITS:
        raise SizeError("the unary code", bits.size + kept * room, MOST_BITS, "bits",
                        "use a solver of programs, or fewer assets or periods")
    terms = [_risk_of_bits(model, bits)]
    linear = np.repeat(model.linear()[:kept], MOST_UNITS, axis=1).astype(np.float64)
    for t in range(1, min(kept, periods - 1)):
        price = np.repeat(model.trade[t], MOST_UNITS).astype(np.float64)
        linear[t] += price
        linear[t - 1] += price
        terms.append((bits[t - 1].ravel(), bits[t].ravel(), -2.0 * price))
    spares = bits.size + np.arange(kept * room).reshape(kept, room)
    row, col, value = (np.concatenate(parts) for parts in zip(*terms, strict=True))
    names = [f"{name}[{k}]" for name in _names(symbols, kept) for k in range(MOST_UNITS)]
    names += [f"spare {k} in period {t}" for t in range(kept) for k in range(room)]
    program = Program.build(
        linear=np.concatenate([linear.ravel(), np.zeros(spares.size)]),
        row=row, col=col, value=value, offset=float(model.constant),
        constraints=_limits(bits.reshape(kept, width // 2, 2, MOST_UNITS), 1, budget, spares),
        names=names,
    )

    def decode(values: ArrayLike) -> NDArray[np.int64]:
        held = np.zeros((periods, width), dtype=np.int64)
        given = np.rint(np.asarray(values)[: bits.size]).astype(np.int64)
        held[:kept] = given.reshape(bits.shape).sum(axis=2)
        return held.reshape(periods, width // 2, 2)

    def encode(answer: ArrayLike) -> NDArray[np.float64]:
        held = np.asarray(answer, dtype=np.int64).reshape(periods, width)[:kept]
        ones = np.arange(MOST_UNITS) < held[:, :, None]
        left = np.arange(room) < (budget - held.sum(axis=1))[:, None]
        return np.concatenate([ones.ravel(), left.ravel()]).astype(np.float64)

    note = (
        f"{bits.size} bits for {kept * width} holdings of 0 to {MOST_UNITS} units, "
        "none for trades"
    )
    notes = (note, EMPTY) if kept < periods else (note,)
    return Lowering(program, decode, encode, notes=notes)


Pairs = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]


def _pairs(risk: NDArray[np.int64]) -> Pairs:
    """The ordered pairs of all periods as pairs of variables."""
    period, i, j = np.nonzero(risk)
    width = risk.shape[1]
    values = risk[period, i, j].astype(np.float64)
    return period * width + i, period * width + j, values


def _risk_of_bits(model: Coefficients, bits: NDArray[np.int64]) -> Pairs:
    """The risk of sums of bits: every pair of bits of a pair of holdings."""
    row, col, value = _pairs(model.risk[: len(bits)])
    flat = bits.reshape(-1, MOST_UNITS)
    first = np.repeat(flat[row], MOST_UNITS, axis=1)
    second = np.tile(flat[col], (1, MOST_UNITS))
    return first.ravel(), second.ravel(), np.repeat(value, MOST_UNITS**2)


def _limits(
    members: NDArray[np.int64], most: int, budget: int, spares: NDArray[np.int64] | None = None
) -> list[Constraint]:
    """Budget and cash of each period; what the counts keep anyway is left out.

    Parameters
    ----------
    members : ndarray of int64, shape (periods, n, 2, parts)
        Variables of the units long and short of each asset.
    most : int
        Largest value of each.
    spares : ndarray of int64, shape (periods, room), optional
        Bits that count the budget left.
    """
    found: list[Constraint] = []
    for t, places in enumerate(members):
        whole, long = places.ravel(), places[:, 0].ravel()
        signs = np.where(np.isin(whole, long), 1.0, -1.0)
        reach = most * len(long)
        if spares is not None and len(spares[t]):
            found.append(constraint(
                f"budget in period {t}", np.concatenate([whole, spares[t]]), 1.0, "==", budget
            ))
        else:
            if budget < 2 * reach:
                found.append(constraint(f"budget in period {t}", whole, 1.0, "<=", budget))
            if budget > MOST_SPARE:
                least = budget - MOST_SPARE
                found.append(constraint(f"budget left in period {t}", whole, 1.0, ">=", least))
        if min(budget, reach) > CAPITAL:
            found.append(constraint(f"cash in period {t}", whole, signs, "<=", CAPITAL))
        if min(budget, reach) > MOST_CASH - CAPITAL:
            least = CAPITAL - MOST_CASH
            found.append(constraint(f"most cash in period {t}", whole, signs, ">=", least))
    return found


def _names(symbols: Sequence[str], periods: int, prefix: str = "") -> list[str]:
    return [
        f"{prefix}{symbol} {side} in period {t}"
        for t in range(periods) for symbol in symbols for side in ("long", "short")
    ]


def _is_empty_at_the_end(model: Coefficients, budget: int) -> bool:
    """Whether the last period may be left out: nothing must be held, and nothing is worth it."""
    return budget <= MOST_SPARE and model.last_period_is_empty()
