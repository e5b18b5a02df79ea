"""The variables of a portfolio's program: how the amount of each asset is written down.

Each variable belongs to one asset, and three things are linear in the variables: the amount of the
asset, whether it is held, and how much of it is bought beyond what it weighs at present.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import floor
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qopt.errors import SizeError
from qopt.forms import Constraint
from qopt.forms.program import Comparator, constraint

from .encode import MOST_BITS
from .limits import HELD, Amounts, Limits

Floats = NDArray[np.float64]
Code = Literal["integer", "one-hot"]


@dataclass(frozen=True, eq=False)
class Affine:
    """A quantity of each asset, ``base + matrix @ x``.

    Parameters
    ----------
    base : ndarray of float64, shape (n,)
    matrix : ndarray of float64, shape (n, variables)
    """

    base: Floats
    matrix: Floats

    def total(self, factors: ArrayLike = 1.0) -> tuple[float, Floats]:
        """Constant and coefficients of the sum over assets, each times its factor."""
        weights = np.broadcast_to(np.asarray(factors, dtype=np.float64), self.base.shape)
        return float(weights @ self.base), weights @ self.matrix


@dataclass(frozen=True, eq=False)
class Variable:
    """One variable.

    Parameters
    ----------
    name : str
    asset : int
    lower, upper : float
    integer : bool
    value : callable
        Its value, given the amount of the asset.
    amount, held, bought : float
        What a unit of it adds to each of the three quantities.
    role : {"amount", "other"}
        Whether it writes down the amount itself.
    """

    name: str
    asset: int
    lower: float
    upper: float
    integer: bool
    value: Callable[[float], float] = field(repr=False)
    amount: float = 0.0
    held: float = 0.0
    bought: float = 0.0
    role: Literal["amount", "other"] = "other"


@dataclass(frozen=True, eq=False)
class Needs:
    """What the rows and the objective speak of.

    Parameters
    ----------
    held : ndarray of bool, shape (n,)
        Whose number of assets held is limited.
    bought : bool
        Whether trading matters.
    current : ndarray of float64, shape (n,)
        Present amounts.
    """

    held: NDArray[np.bool_]
    bought: bool
    current: Floats


class Variables:
    """The variables of all assets.

    Parameters
    ----------
    limits : Limits
    needs : Needs
    code : {"integer", "one-hot"}
        Lots as one whole variable each, or as one bit for each number of lots.
    """

    def __init__(self, limits: Limits, needs: Needs, code: Code) -> None:
        self.limits = limits
        self.needs = needs
        n = len(limits.assets)
        self.base = {what: np.zeros(n) for what in ("amount", "held", "bought")}
        self.items: list[Variable] = []
        self.rows: list[Constraint] = []
        self.settled = 0
        lower, upper = limits.tightened()
        if code == "one-hot" and limits.whole:
            bits = int((upper - lower + 1)[upper - lower > 1].sum())
            if bits > MOST_BITS:
                raise SizeError(
                    "the one-hot code", bits, MOST_BITS, "bits", "set encoding=binary or max_lots"
                )
        for i in range(n):
            if not limits.whole:
                self._add_weight(i, float(lower[i]), float(upper[i]))
            else:
                self._add_lots(i, int(lower[i]), int(upper[i]), code)

    # -- what they mean -----------------------------------------------------------------------

    def affine(self, what: Literal["amount", "held", "bought"]) -> Affine:
        """One of the three quantities."""
        matrix = np.zeros((len(self.limits.assets), len(self.items)))
        for v, item in enumerate(self.items):
            matrix[item.asset, v] = getattr(item, what)
        return Affine(self.base[what], matrix)

    @property
    def lots(self) -> NDArray[np.bool_]:
        """Which variables are the lots of an asset, shape (variables,)."""
        return np.array([item.role == "amount" for item in self.items], dtype=np.bool_)

    def decode(self, values: ArrayLike) -> Amounts:
        """Amounts of all assets; a weight that rounding alone left to an asset not held is none."""
        amount = self.affine("amount")
        found = amount.base + amount.matrix @ np.asarray(values, dtype=np.float64)
        if self.limits.whole:
            return np.rint(found).astype(np.int64)
        return np.where(np.abs(found) <= HELD, 0.0, found)

    def encode(self, amounts: Amounts) -> Floats:
        """Values of all variables."""
        return np.array([item.value(float(amounts[item.asset])) for item in self.items])

    # -- making them --------------------------------------------------------------------------

    def _bought(self, i: int, amount: float) -> float:
        return max(0.0, amount - float(self.needs.current[i]))

    def _settle(self, i: int, amount: float) -> None:
        self.base["amount"][i] += amount
        self.base["held"][i] += float(amount > 0)
        self.base["bought"][i] += self._bought(i, amount)

    def _add_lots(self, i: int, lower: int, upper: int, code: Code) -> None:
        least = int(self.limits.least)
        values = [v for v in range(lower, upper + 1) if v == 0 or v >= least] if (
            upper - lower <= MOST_BITS) else []
        if lower == upper:
            self.settled += 1
            self._settle(i, lower)
        elif len(values) == 2:
            self._add_choice(i, values[0], values[1])
        elif code == "one-hot":
            self._add_one_hot(i, values)
        else:
            self._add_whole(i, lower, upper)

    def _add_choice(self, i: int, low: int, high: int) -> None:
        """Two amounts: one bit, in which all is linear."""
        self._settle(i, low)
        self.items.append(Variable(
            self.limits.assets[i], i, 0.0, 1.0, True, lambda a: float(a >= high),
            float(high - low), float(high > 0) - float(low > 0),
            self._bought(i, high) - self._bought(i, low), "amount",
        ))

    def _add_one_hot(self, i: int, values: Sequence[int]) -> None:
        """A bit for each amount, in which all is linear."""
        name, start = self.limits.assets[i], len(self.items)
        self.items += [
            Variable(
                f"{name}[{v}]", i, 0.0, 1.0, True, _is(v), float(v), float(v > 0),
                self._bought(i, v), "amount",
            )
            for v in values
        ]
        places = range(start, len(self.items))
        self.rows.append(constraint(f"{name} takes one value", list(places), 1.0, "==", 1.0))

    def _add_whole(self, i: int, lower: int, upper: int) -> None:
        """A whole variable; a bit for being held and parts that are bought where they matter."""
        name, least = self.limits.assets[i], int(self.limits.least)
        lots = self._add(Variable(
            name, i, float(lower), float(upper), True, lambda a: a, 1.0, role="amount"
        ))
        if lower > 0:
            self.base["held"][i] = 1.0
        elif self.needs.held[i] or least > 1:
            bit = self._add(Variable(
                f"hold {name}", i, 0.0, 1.0, True, lambda a: float(a > 0), held=1.0
            ))
            self._row(f"{name} is held if bought", {lots: 1.0, bit: -upper}, "<=", 0.0)
            if least > 1 or self._counts_fewest(i):
                what = f"{name} has {least} lots at least" if least > 1 else f"{name} is bought"
                self._row(f"{what} if held", {lots: 1.0, bit: -least}, ">=", 0.0)
        if self.needs.bought:
            self._add_bought_lots(i, lots, lower, upper)

    def _counts_fewest(self, i: int) -> bool:
        limits = self.limits
        return limits.fewest_can_break() or any(
            cap.least_assets and i in cap.members for cap in limits.caps
        )

    def _add_bought_lots(self, i: int, lots: int, lower: int, upper: int) -> None:
        """Lots beyond the present ones, of which a part of one may be a fraction."""
        name, current = self.limits.assets[i], float(self.needs.current[i])
        whole = floor(current + 1e-9)
        if whole >= upper:
            return
        if whole < lower or current <= 0.0:  # beyond the present ones throughout
            self.base["bought"][i] = -current
            self._shift_bought(lots, 1.0)
            return
        first = 1.0 - (current - whole) if current - whole > 1e-9 else 1.0
        terms = {lots: 1.0}
        if first < 1.0:
            part = self._add(Variable(
                f"buy first of {name}", i, 0.0, 1.0, True,
                lambda a: float(a > whole), bought=first,
            ))
            terms[part] = -1.0
        start = whole + (first < 1.0)
        if upper > start:
            more = self._add(Variable(
                f"buy {name}", i, 0.0, float(upper - start), True,
                lambda a: max(0.0, a - start), bought=1.0,
            ))
            terms[more] = -1.0
        self._row(f"{name} beyond {whole} lots is bought", terms, "<=", float(whole))

    def _add_weight(self, i: int, lower: float, upper: float) -> None:
        """A continuous weight; a bit for being held and what is bought where they matter."""
        name, least = self.limits.assets[i], self.limits.least
        if upper <= 0.0 or lower == upper:
            self.settled += 1
            self._settle(i, upper)
            return
        weight = self._add(Variable(
            name, i, lower, upper, False, lambda a: a, 1.0, role="amount"
        ))
        if lower > 0.0:
            self.base["held"][i] = 1.0
        elif self.needs.held[i] or least > 0.0:
            bit = self._add(Variable(
                f"hold {name}", i, 0.0, 1.0, True, lambda a: float(a > HELD), held=1.0
            ))
            self._row(f"{name} is held if bought", {weight: 1.0, bit: -upper}, "<=", 0.0)
            if least > 0.0:
                self._row(
                    f"{name} weighs {least:g} at least if held", {weight: 1.0, bit: -least},
                    ">=", 0.0,
                )
        current = float(self.needs.current[i])
        if not self.needs.bought or current >= upper:
            return
        if current <= lower:
            self.base["bought"][i] = -current
            self._shift_bought(weight, 1.0)
            return
        more = self._add(Variable(
            f"buy {name}", i, 0.0, upper - current, False,
            lambda a: max(0.0, a - current), bought=1.0,
        ))
        self._row(
            f"{name} beyond {current:g} is bought", {weight: 1.0, more: -1.0}, "<=", current
        )

    def _add(self, item: Variable) -> int:
        self.items.append(item)
        return len(self.items) - 1

    def _shift_bought(self, place: int, bought: float) -> None:
        """All that this variable adds to the amount is bought."""
        self.items[place] = replace(self.items[place], bought=bought)

    def _row(
        self, name: str, terms: dict[int, float], comparator: Comparator, rhs: float
    ) -> None:
        self.rows.append(constraint(name, list(terms), list(terms.values()), comparator, rhs))


def _is(number: int) -> Callable[[float], float]:
    return lambda amount: float(amount == number)


def needs_of(
    limits: Limits, current: Floats | None, *, every: bool, caps: Iterable[Sequence[int]]
) -> Needs:
    """Which assets need to be counted: all of them, or those of some sectors."""
    n = len(limits.assets)
    held = np.full(n, every)
    for members in caps:
        held[list(members)] = True
    return Needs(held, current is not None, np.zeros(n) if current is None else current)
