"""What a portfolio must keep: how many lots in all, of each asset and of each sector."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import floor, isfinite

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError, UnknownNameError, UsageError
from qopt.numbers import plural
from qopt.problem import Violation

MOST_LOTS = 10**9
"""Most lots in all: more than any budget is split into, and safe to add up."""


@dataclass(frozen=True)
class SectorCap:
    """A limit on one sector.

    Parameters
    ----------
    sector : str
    members : tuple of int
        Its assets.
    assets : int, optional
        Largest number of assets held.
    weight : float, optional
        Largest share of the portfolio.
    lots : int, optional
        The same in lots.
    """

    sector: str
    members: tuple[int, ...]
    assets: int | None = None
    weight: float | None = None
    lots: int | None = None

    def __str__(self) -> str:
        caps = []
        if self.assets is not None:
            caps.append(f"{plural(self.assets, 'asset')} at most")
        if self.weight is not None:
            lots = plural(self.lots or 0, "lot")
            caps.append(f"weight {self.weight:g} at most ({lots})")
        return f"{self.sector}: {', '.join(caps)}"


@dataclass(frozen=True, eq=False)
class Limits:
    """Constraints on the lots of each asset. Selecting k assets is buying k lots, one each at most.

    Parameters
    ----------
    assets : tuple of str
    total : int
        Lots in all, exactly.
    selecting : bool
        Whether assets are selected with equal weights, for the words of messages.
    lower, upper : ndarray of int64, shape (n,)
        Lots of each asset, as asked: 1 at least if held, 0 if excluded.
    caps : tuple of SectorCap
    """

    assets: tuple[str, ...]
    total: int
    selecting: bool
    lower: NDArray[np.int64]
    upper: NDArray[np.int64]
    caps: tuple[SectorCap, ...] = ()

    def __post_init__(self) -> None:
        asked = f"{'select' if self.selecting else 'budget'}={self.total}"
        if self.selecting and self.total > len(self.assets):
            raise InputError(
                f"{asked} asks for more assets than the {len(self.assets)} there are"
            )
        least, most = self._least(), self._most()
        if least > self.total:
            raise InputError(
                f"{asked}, but hold names {least} assets, of which each takes a place; hold fewer"
            )
        if most < self.total:
            raise InputError(
                f"{asked}, but the limits leave room for "
                f"{plural(most, 'asset' if self.selecting else 'lot')} at most; ask for less, or "
                f"relax {'exclude' if self.selecting else 'max_lots, exclude'} or the sector caps"
            )

    def _least(self) -> int:
        return int(self.lower.sum())

    def _most(self) -> int:
        """The most lots that fit; an error where a sector is full already."""
        most = int(self.upper.sum())
        for cap in self.caps:
            members = np.asarray(cap.members)
            held = self.lower[members] > 0
            if cap.assets is not None and held.sum() > cap.assets:
                raise InputError(
                    f"sector {cap.sector}: {plural(int(held.sum()), 'asset')} to hold, the cap is "
                    f"{cap.assets}; hold fewer or raise the cap"
                )
            if cap.lots is not None and self.lower[members].sum() > cap.lots:
                raise InputError(
                    f"sector {cap.sector}: {plural(int(held.sum()), 'asset')} to hold, the cap of "
                    f"weight {cap.weight:g} leaves {cap.lots} of {self.total}; hold fewer or raise "
                    "the cap"
                )
            room = self._room(cap, self.upper[members], held)
            most -= int(self.upper[members].sum()) - room
        return most

    def _room(self, cap: SectorCap, upper: NDArray[np.int64], held: NDArray[np.bool_]) -> int:
        """The most lots that fit into a sector."""
        room = int(upper.sum())
        if cap.assets is not None:
            others = np.sort(upper[~held])[::-1]
            room = int(upper[held].sum() + others[: cap.assets - int(held.sum())].sum())
        return room if cap.lots is None else min(room, cap.lots)

    def tightened(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Lower and upper limits of each asset, with what the total leaves for it."""
        spare = self.total - int(self.lower.sum())
        return self.lower, np.minimum(self.upper, self.lower + spare)

    def count_can_break(self, cap: SectorCap) -> bool:
        """Whether a portfolio that keeps all else can have too many assets of a sector."""
        _, upper = self.tightened()
        members = list(cap.members)
        most = min(int((upper[members] > 0).sum()), self._left_for(cap))
        return cap.assets is not None and most > cap.assets

    def weight_can_break(self, cap: SectorCap) -> bool:
        """Whether a portfolio that keeps all else can have too many lots of a sector."""
        _, upper = self.tightened()
        most = min(int(upper[list(cap.members)].sum()), self._left_for(cap))
        return cap.lots is not None and most > cap.lots

    def _left_for(self, cap: SectorCap) -> int:
        """Lots that the assets to hold elsewhere leave for a sector."""
        return self.total - int(self.lower.sum()) + int(self.lower[list(cap.members)].sum())

    def violations(self, lots: NDArray[np.int64]) -> tuple[Violation, ...]:
        """Everything that `lots`, shape (n,), break."""
        return (*self._total_violations(lots), *self._asset_violations(lots),
                *self._sector_violations(lots))

    def _total_violations(self, lots: NDArray[np.int64]) -> Iterator[Violation]:
        total = int(lots.sum())
        if total != self.total:
            have = plural(total, "asset") if self.selecting else plural(total, "lot")
            what = "selected" if self.selecting else "bought"
            yield Violation(
                f"{have} {what}, exactly {self.total} asked", float(abs(total - self.total))
            )

    def _asset_violations(self, lots: NDArray[np.int64]) -> Iterator[Violation]:
        for i in np.flatnonzero((lots < self.lower) | (lots > self.upper)):
            asset, have = self.assets[i], int(lots[i])
            low, high = int(self.lower[i]), int(self.upper[i])
            if have < 0:
                text = f"{asset}: {have} lots, a portfolio holds none short"
            elif have < low:
                text = f"{asset} must be held and is not"
            elif high == 0:
                text = f"{asset} is excluded and held"
            elif self.selecting:
                text = f"{asset} selected {have} times, once at most"
            else:
                text = f"{asset}: {have} lots over the limit of {high}"
            yield Violation(text, float(max(low - have, have - high)))

    def _sector_violations(self, lots: NDArray[np.int64]) -> Iterator[Violation]:
        for cap in self.caps:
            inside = lots[list(cap.members)]
            held, total = int((inside > 0).sum()), int(inside.sum())
            if cap.assets is not None and held > cap.assets:
                yield Violation(
                    f"sector {cap.sector}: {plural(held, 'asset')} over cap {cap.assets}",
                    float(held - cap.assets),
                )
            if cap.lots is not None and total > cap.lots:
                yield Violation(
                    f"sector {cap.sector}: weight {total / self.total:g} over cap {cap.weight:g}",
                    total / self.total - float(cap.weight or 0.0),
                )


def sector_caps(
    assets: Sequence[str],
    total: int,
    sectors: Mapping[str, str] | None,
    max_assets: int | Mapping[str, int] | None,
    max_weight: float | Mapping[str, float] | None,
) -> tuple[SectorCap, ...]:
    """The caps of all sectors that have one, sorted by sector.

    Parameters
    ----------
    assets : sequence of str
    total : int
        Lots in all.
    sectors : mapping of str to str, optional
        Sector of each asset; those of other assets are not looked at.
    max_assets, max_weight : number or mapping of str to number, optional
        One cap for all sectors, or by sector.
    """
    capped = max_assets is not None or max_weight is not None
    if sectors is None:
        if capped:
            raise UsageError("sector caps need sectors: a file asset,sector or a table of them")
        return ()
    if not capped:
        raise UsageError("sectors without a cap: set sector_max_assets or sector_max_weight")
    members: dict[str, list[int]] = {}
    for i, asset in enumerate(assets):
        if asset not in sectors:
            raise InputError(f"asset {asset} has no sector; give every asset one")
        members.setdefault(sectors[asset], []).append(i)
    counts = _by_sector("sector_max_assets", max_assets, members)
    weights = _by_sector("sector_max_weight", max_weight, members)
    for name, weight in weights.items():
        if not (isfinite(weight) and 0.0 <= weight <= 1.0):
            raise UsageError(f"sector {name}: a weight cap lies between 0 and 1, got {weight:g}")
    for name, count in counts.items():
        if count < 0:
            raise UsageError(f"sector {name}: a cap on assets is 0 or more, got {count}")
    return tuple(
        SectorCap(
            sector=name,
            members=tuple(members[name]),
            assets=int(counts[name]) if name in counts else None,
            weight=weights.get(name),
            # A cap of 0.3 on 10 lots is 3 lots, although 0.1 * 3 is more than 0.3 in floats.
            lots=floor(weights[name] * total + 1e-9) if name in weights else None,
        )
        for name in sorted(counts.keys() | weights.keys())
    )


def _by_sector(
    setting: str, cap: float | Mapping[str, float] | None, members: Mapping[str, Sequence[int]]
) -> dict[str, float]:
    if cap is None:
        return {}
    if not isinstance(cap, Mapping):
        return dict.fromkeys(members, cap)
    for name in cap:
        if name not in members:
            raise UnknownNameError(f"sector in {setting}", name, members)
    return dict(cap)
