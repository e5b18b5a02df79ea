"""Limits on sectors: least and largest number of assets, and least and largest weight."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError, UnknownNameError, UsageError
from qopt.numbers import plural
from qopt.problem import Violation

ByAssets = int | Mapping[str, int] | None
ByWeight = float | Mapping[str, float] | None


@dataclass(frozen=True)
class SectorCap:
    """The limits of one sector.

    Parameters
    ----------
    sector : str
    members : tuple of int
        Its assets.
    assets : int, optional
        Largest number of assets held.
    weight : float, optional
        Largest share of the portfolio.
    lots : float, optional
        The same in lots; with continuous weights the share itself.
    least_assets, least_weight, least_lots : optional
        The least of each; 0 where there is none.
    whole : bool
        Whether amounts are lots.
    """

    sector: str
    members: tuple[int, ...]
    assets: int | None = None
    weight: float | None = None
    lots: float | None = None
    least_assets: int = 0
    least_weight: float = 0.0
    least_lots: float = 0
    whole: bool = True

    def __str__(self) -> str:
        caps = []
        if self.least_assets:
            caps.append(f"{plural(self.least_assets, 'asset')} at least")
        if self.assets is not None:
            caps.append(f"{plural(self.assets, 'asset')} at most")
        if self.least_weight:
            caps.append(f"weight {self.least_weight:g} at least{self._lots(self.least_lots)}")
        if self.weight is not None:
            caps.append(f"weight {self.weight:g} at most{self._lots(self.lots or 0)}")
        return f"{self.sector}: {', '.join(caps)}"

    def _lots(self, amount: float) -> str:
        return f" ({plural(int(amount), 'lot')})" if self.whole else ""

    def violations(
        self, amounts: NDArray[np.generic], held: NDArray[np.bool_], total: int, slack: float
    ) -> Iterator[Violation]:
        """What amounts, shape (n,), break; `slack` is what counts as rounding."""
        members = list(self.members)
        count, inside = int(held[members].sum()), float(amounts[members].sum())
        if self.assets is not None and count > self.assets:
            yield Violation(
                f"sector {self.sector}: {plural(count, 'asset')} over cap {self.assets}",
                float(count - self.assets),
            )
        if count < self.least_assets:
            yield Violation(
                f"sector {self.sector}: {plural(count, 'asset')} under the least of "
                f"{self.least_assets}",
                float(self.least_assets - count),
            )
        share = inside / total
        if self.lots is not None and inside > self.lots + slack:
            yield Violation(
                f"sector {self.sector}: weight {share:g} over cap {self.weight:g}",
                share - float(self.weight or 0.0),
            )
        if self.least_lots > 0 and inside < self.least_lots - slack:
            yield Violation(
                f"sector {self.sector}: weight {share:g} under the least of {self.least_weight:g}",
                self.least_weight - share,
            )


def sector_caps(
    assets: Sequence[str],
    total: int,
    sectors: Mapping[str, str] | None,
    *,
    max_assets: ByAssets = None,
    max_weight: ByWeight = None,
    min_assets: ByAssets = None,
    min_weight: ByWeight = None,
    whole: bool = True,
) -> tuple[SectorCap, ...]:
    """The limits of all sectors that have one, sorted by sector.

    Parameters
    ----------
    assets : sequence of str
    total : int
        Lots in all; 1 where weights are continuous.
    sectors : mapping of str to str, optional
        Sector of each asset; those of other assets are not looked at.
    max_assets, max_weight, min_assets, min_weight : number or mapping of str to number, optional
        One limit for all sectors, or by sector.
    whole : bool
        Whether amounts are lots.
    """
    limited = any(part is not None for part in (max_assets, max_weight, min_assets, min_weight))
    if sectors is None:
        if limited:
            raise UsageError("sector caps need sectors: a file asset,sector or a table of them")
        return ()
    if not limited:
        raise UsageError(
            "sectors without a cap: set sector_max_assets, sector_max_weight, sector_min_assets or "
            "sector_min_weight"
        )
    members: dict[str, list[int]] = {}
    for i, asset in enumerate(assets):
        if asset not in sectors:
            raise InputError(f"asset {asset} has no sector; give every asset one")
        members.setdefault(sectors[asset], []).append(i)
    most = _counts("sector_max_assets", max_assets, members)
    least = _counts("sector_min_assets", min_assets, members)
    heaviest = _shares("sector_max_weight", max_weight, members)
    lightest = _shares("sector_min_weight", min_weight, members)
    return tuple(
        SectorCap(
            sector=name,
            members=tuple(members[name]),
            assets=int(most[name]) if name in most else None,
            weight=heaviest.get(name),
            lots=_lots_below(heaviest[name], total, whole) if name in heaviest else None,
            least_assets=int(least.get(name, 0)),
            least_weight=lightest.get(name, 0.0),
            least_lots=_lots_above(lightest.get(name, 0.0), total, whole),
            whole=whole,
        )
        for name in sorted(most.keys() | least.keys() | heaviest.keys() | lightest.keys())
    )


def _lots_below(share: float, total: int, whole: bool) -> float:
    # A cap of 0.3 on 10 lots is 3 lots, although 0.1 * 3 is more than 0.3 in floats.
    return floor(share * total + 1e-9) if whole else share


def _lots_above(share: float, total: int, whole: bool) -> float:
    return ceil(share * total - 1e-9) if whole else share


def _counts(
    setting: str, limit: ByAssets, members: Mapping[str, Sequence[int]]
) -> dict[str, float]:
    counts = _by_sector(setting, limit, members)
    for name, count in counts.items():
        if count < 0:
            kind = "cap on" if "max" in setting else "least number of"
            raise UsageError(f"sector {name}: a {kind} assets is 0 or more, got {count}")
    return counts


def _shares(
    setting: str, limit: ByWeight, members: Mapping[str, Sequence[int]]
) -> dict[str, float]:
    shares = _by_sector(setting, limit, members)
    for name, weight in shares.items():
        if not (isfinite(weight) and 0.0 <= weight <= 1.0):
            kind = "weight cap" if "max" in setting else "least weight"
            raise UsageError(f"sector {name}: a {kind} lies between 0 and 1, got {weight:g}")
    return shares


def _by_sector(
    setting: str, limit: float | Mapping[str, float] | None, members: Mapping[str, Sequence[int]]
) -> dict[str, float]:
    if limit is None:
        return {}
    if not isinstance(limit, Mapping):
        return dict.fromkeys(members, limit)
    for name in limit:
        if name not in members:
            raise UnknownNameError(f"sector in {setting}", name, members)
    return dict(limit)
