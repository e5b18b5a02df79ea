"""What a portfolio must keep: how much in all, of each asset and of each sector, and how many."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError
from qopt.forms.program import TOLERANCE
from qopt.numbers import plural
from qopt.problem import Violation

from .sectors import SectorCap

Weighting = Literal["equal", "lots", "continuous"]
Amounts = NDArray[Any]
"""Lots of each asset, int64, or its weight, float64, shape (n,)."""

MOST_LOTS = 10**9
"""Most lots in all: more than any budget is split into, and safe to add up."""

HELD = TOLERANCE
"""A continuous weight up to here counts as none."""


@dataclass(frozen=True, eq=False)
class Limits:
    """Constraints on the amount of each asset: its lots, or its weight where that is continuous.

    Selecting assets with equal weights is buying lots, one each at most.

    Parameters
    ----------
    assets : tuple of str
    weighting : {"equal", "lots", "continuous"}
    total : int
        Lots in all (with equal weights: those of a full portfolio), or 1 in weights.
    fewest, most : int
        Least and largest number of assets held.
    least : float
        Least amount of an asset that is held; 0 where any weight will do.
    lower, upper : ndarray, shape (n,)
        Amount of each asset, as asked: `least` if it must be held, 0 if excluded.
    caps : tuple of SectorCap
    """

    assets: tuple[str, ...]
    weighting: Weighting
    total: int
    fewest: int
    most: int
    least: float
    lower: Amounts
    upper: Amounts
    caps: tuple[SectorCap, ...] = ()

    def __post_init__(self) -> None:
        self._check_counts()
        least, needed = float(self.lower.sum()), self.fewest if self.may_hold_cash else self.total
        most = self._check_sectors()
        names = int((self.lower > 0).sum())
        if least > self.total + self.slack or names > self.most:
            raise InputError(
                f"{self._asked}, but hold names {plural(names, 'asset')}, of which each takes "
                f"{self._amount(self.least)}; hold fewer"
                if not self.selecting else
                f"{self._asked}, but hold names {names} assets, of which each takes a place; hold "
                "fewer"
            )
        if most < needed - self.slack:
            limits = "exclude" if self.selecting else (
                "max_lots, exclude" if self.whole else "max_weight, max_assets, exclude"
            )
            raise InputError(
                f"{self._asked}, but the limits leave room for {self._amount(most)} at most; ask "
                f"for less, or relax {limits} or the sector caps"
            )

    # -- what there is ------------------------------------------------------------------------

    @property
    def selecting(self) -> bool:
        """Whether assets have equal weights."""
        return self.weighting == "equal"

    @property
    def whole(self) -> bool:
        """Whether amounts are lots."""
        return self.weighting != "continuous"

    @property
    def may_hold_cash(self) -> bool:
        """Whether less than everything may be invested."""
        return self.selecting and self.fewest < self.total

    @property
    def slack(self) -> float:
        """What counts as rounding of an amount."""
        return 0.0 if self.whole else TOLERANCE

    def held(self, amounts: Amounts) -> NDArray[np.bool_]:
        """Which assets are held, shape (n,)."""
        return np.asarray(amounts > (0 if self.whole else HELD))

    def _amount(self, amount: float) -> str:
        if not self.whole:
            return f"weight {amount:g}"
        return plural(int(amount), "asset" if self.selecting else "lot")

    @property
    def _asked(self) -> str:
        if self.weighting == "lots":
            return f"budget={self.total}"
        if self.selecting and not self.may_hold_cash:
            return f"select={self.total}"
        if self.selecting:
            return f"min_assets={self.fewest}, max_assets={self.most}"
        return "the weights sum to 1"

    # -- limits that nothing can keep ---------------------------------------------------------

    def _check_counts(self) -> None:
        if self.fewest > len(self.assets):
            setting = "select" if self.fewest == self.most else "min_assets"
            raise InputError(
                f"{setting}={self.fewest} asks for more assets than the {len(self.assets)} there "
                "are"
            )
        if self.fewest * self.least > self.total + self.slack:
            raise InputError(
                f"{plural(self.fewest, 'asset')} of {self._amount(self.least)} at least are more "
                f"than {self._amount(self.total)} in all; hold fewer or ask for less of each"
            )

    def _check_sectors(self) -> float:
        """The most that fits in all; an error where a sector alone cannot be met."""
        most = float(np.sort(self.upper)[::-1][: self.most].sum())
        cut = float(self.upper.sum())
        for cap in self.caps:
            members = np.asarray(cap.members)
            upper, lower = self.upper[members], self.lower[members]
            self._check_cap(cap, lower)
            room = self._room(cap, upper, lower > 0)
            if cap.least_assets > min(int((upper > 0).sum()), cap.assets or len(members)):
                raise InputError(
                    f"sector {cap.sector}: at least {plural(cap.least_assets, 'asset')} asked, "
                    f"{int((upper > 0).sum())} can be held; ask for fewer"
                )
            if cap.least_lots > room + self.slack:
                raise InputError(
                    f"sector {cap.sector}: weight {cap.least_weight:g} at least asked, the limits "
                    f"leave room for {room / self.total:g}; ask for less"
                )
            cut -= float(upper.sum()) - room
        if sum(cap.least_assets for cap in self.caps) > self.most:
            raise InputError(
                f"the sectors ask for {sum(cap.least_assets for cap in self.caps)} assets at "
                f"least, {self.most} may be held; lower sector_min_assets"
            )
        if sum(cap.least_lots for cap in self.caps) > self.total + self.slack:
            raise InputError(
                "the least weights of the sectors sum to more than everything; lower "
                "sector_min_weight"
            )
        return min(most, cut)

    def _check_cap(self, cap: SectorCap, lower: Amounts) -> None:
        names = int((lower > 0).sum())
        if cap.assets is not None and names > cap.assets:
            raise InputError(
                f"sector {cap.sector}: {plural(names, 'asset')} to hold, the cap is "
                f"{cap.assets}; hold fewer or raise the cap"
            )
        if cap.lots is not None and float(lower.sum()) > cap.lots + self.slack:
            left = f"{cap.lots:g} of {self.total}"
            raise InputError(
                f"sector {cap.sector}: {plural(names, 'asset')} to hold, the cap of weight "
                f"{cap.weight:g} leaves {left}; hold fewer or raise the cap"
            )

    def _room(self, cap: SectorCap, upper: Amounts, held: NDArray[np.bool_]) -> float:
        """The most that fits into a sector."""
        room = float(upper.sum())
        if cap.assets is not None:
            others = np.sort(upper[~held])[::-1]
            room = float(upper[held].sum() + others[: cap.assets - int(held.sum())].sum())
        return room if cap.lots is None else min(room, float(cap.lots))

    # -- limits that can be broken ------------------------------------------------------------

    def tightened(self) -> tuple[Amounts, Amounts]:
        """Lower and upper limits of each asset, with what the total leaves for it."""
        spare = self.total - self.lower.sum()
        upper = np.minimum(self.upper, self.lower + spare)
        return self.lower, np.where(upper < self.least, 0, upper) if self.whole else upper

    def count_can_break(self, cap: SectorCap) -> bool:
        """Whether a portfolio that keeps all else can have too many assets of a sector."""
        _, upper = self.tightened()
        most = int((upper[list(cap.members)] > 0).sum())
        if self.whole:
            most = min(most, int(self._left_for(cap)))
        return cap.assets is not None and most > cap.assets

    def weight_can_break(self, cap: SectorCap) -> bool:
        """Whether a portfolio that keeps all else can have too much of a sector."""
        _, upper = self.tightened()
        most = min(float(upper[list(cap.members)].sum()), self._left_for(cap))
        return cap.lots is not None and most > cap.lots

    def _left_for(self, cap: SectorCap) -> float:
        """What the assets to hold elsewhere leave for a sector."""
        members = list(cap.members)
        return float(self.total - self.lower.sum() + self.lower[members].sum())

    def fewest_can_break(self) -> bool:
        """Whether a portfolio that keeps all else can hold too few assets."""
        if self.selecting and not self.may_hold_cash:
            return False
        _, upper = self.tightened()
        largest = np.cumsum(np.sort(upper)[::-1])
        needed = 0 if self.selecting else int(np.searchsorted(largest, self.total - self.slack)) + 1
        return self.fewest > max(needed, int((self.lower > 0).sum()))

    def most_can_break(self) -> bool:
        """Whether a portfolio that keeps all else can hold too many assets."""
        _, upper = self.tightened()
        possible = int((upper > 0).sum())
        if self.selecting and not self.may_hold_cash:
            return False
        if self.weighting == "lots":
            spare = self.total - float(self.lower.sum())
            held = int((self.lower > 0).sum())
            possible = min(possible, held + int(spare // max(self.least, 1)))
        return possible > self.most

    # -- judging ------------------------------------------------------------------------------

    def violations(self, amounts: Amounts) -> tuple[Violation, ...]:
        """Everything that `amounts`, shape (n,), break."""
        held = self.held(amounts)
        sectors = (v for cap in self.caps
                   for v in cap.violations(amounts, held, self.total, self.slack))
        return (*self._total_violations(amounts), *self._count_violations(held),
                *self._asset_violations(amounts, held), *sectors)

    def _total_violations(self, amounts: Amounts) -> Iterator[Violation]:
        total = amounts.sum()
        if self.selecting:
            if not self.fewest <= total <= self.total:
                over = total > self.total
                limit = self.total if over else self.fewest
                word = "at most" if over else "at least"
                asked = f"{word} {limit}" if self.may_hold_cash else f"exactly {limit}"
                yield Violation(
                    f"{plural(int(total), 'asset')} selected, {asked} asked",
                    float(abs(total - limit)),
                )
        elif self.whole and total != self.total:
            yield Violation(
                f"{plural(int(total), 'lot')} bought, exactly {self.total} asked",
                float(abs(total - self.total)),
            )
        elif abs(total - self.total) > self.slack:
            yield Violation(f"the weights sum to {total:g}, not to 1", float(abs(total - 1.0)))

    def _count_violations(self, held: NDArray[np.bool_]) -> Iterator[Violation]:
        count = int(held.sum())
        if self.selecting or self.fewest <= count <= self.most:
            return
        limit = self.most if count > self.most else self.fewest
        word = "exactly" if self.fewest == self.most else "at most" if count > limit else "at least"
        yield Violation(
            f"{plural(count, 'asset')} held, {word} {limit} asked", float(abs(count - limit))
        )

    def _asset_violations(
        self, amounts: Amounts, held: NDArray[np.bool_]
    ) -> Iterator[Violation]:
        low = np.where(held, np.maximum(self.lower, self.least), self.lower)
        for i in np.flatnonzero((amounts < low - self.slack) | (amounts > self.upper + self.slack)):
            text = self._fault(int(i), amounts[i], bool(held[i]))
            yield Violation(text, float(max(low[i] - amounts[i], amounts[i] - self.upper[i])))

    def _fault(self, i: int, have: float, held: bool) -> str:
        """What is wrong with the amount of one asset."""
        asset = self.assets[i]
        amount = plural(int(have), "lot") if self.whole else f"weight {have:g}"
        if have < 0:
            return f"{asset}: {amount}, a portfolio holds none short"
        if self.lower[i] > 0 and not held:
            return f"{asset} must be held and is not"
        if self.upper[i] == 0:
            return f"{asset} is excluded and held"
        if have < self.least:
            return f"{asset}: {amount} under the least of {self.least:g}"
        if self.selecting:
            return f"{asset} selected {have} times, once at most"
        return f"{asset}: {amount} over the limit of {self.upper[i]:g}"
