"""From the settings of a portfolio to its limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, floor, isfinite

import numpy as np

from qopt.errors import InputError, UnknownNameError, UsageError

from .limits import HELD, MOST_LOTS, Limits, Weighting
from .sectors import ByAssets, ByWeight, sector_caps


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings that limit a portfolio, as in `Portfolio.load`."""

    select: int | None
    min_assets: int | None
    max_assets: int | None
    weighting: Weighting | None
    budget: int | None
    min_lots: int | None
    max_lots: int | None
    min_weight: float | None
    max_weight: float | None
    hold: tuple[str, ...]
    exclude: tuple[str, ...]
    sectors: Mapping[str, str] | None
    sector_min_assets: ByAssets
    sector_max_assets: ByAssets
    sector_min_weight: ByWeight
    sector_max_weight: ByWeight

    def limits(self, assets: tuple[str, ...]) -> Limits:
        """The limits on lots or weights of these assets.

        Raises
        ------
        UsageError
            For settings that contradict each other, cannot act or are out of range.
        InputError
            For settings that these assets cannot meet.
        """
        for given in (self.hold, self.exclude):
            for asset in given:
                if asset not in assets:
                    raise UnknownNameError("asset", asset, assets)
        if both := sorted(set(self.hold) & set(self.exclude)):
            raise InputError(f"asset {both[0]} is in both hold and exclude; take it out of one")
        weighting = self._weighting()
        fewest, most = self._counts(len(assets), weighting)
        total = self._total(weighting, most)
        least, largest = self._sizes(weighting, total)
        caps = sector_caps(
            assets, total, self.sectors, max_assets=self.sector_max_assets,
            max_weight=self.sector_max_weight, min_assets=self.sector_min_assets,
            min_weight=self.sector_min_weight, whole=weighting != "continuous",
        )
        if least <= 0 and (fewest or self.hold or any(cap.least_assets for cap in caps)):
            raise UsageError(
                "with weighting=continuous, assets that must be held need min_weight, the least "
                "weight of an asset that is held: min_weight=0.01, for example"
            )
        kind = np.float64 if weighting == "continuous" else np.int64
        return Limits(
            assets=assets, weighting=weighting, total=total, fewest=fewest, most=most, least=least,
            lower=np.array([least if a in self.hold else 0 for a in assets], dtype=kind),
            upper=np.array([0 if a in self.exclude else largest for a in assets], dtype=kind),
            caps=caps,
        )

    def _weighting(self) -> Weighting:
        """How held assets are weighed, and whether the settings fit that."""
        found = self.weighting or ("equal" if self.budget is None else "lots")
        if found not in ("equal", "lots", "continuous"):
            raise UsageError(f"weighting={found!r} is none of equal, lots, continuous")
        if (found == "lots") != (self.budget is not None):
            raise UsageError(
                "weighting=lots needs budget=B, so many lots in all" if found == "lots" else
                f"budget={self.budget} and weighting={found} exclude each other: give one"
            )
        for name, value in (("max_lots", self.max_lots), ("min_lots", self.min_lots)):
            if value is not None and found != "lots":
                what = "select takes each asset once at most" if found == "equal" else (
                    "continuous weights have min_weight and max_weight")
                raise UsageError(f"{name} goes with budget; {what}")
        for name, weight in (("min_weight", self.min_weight), ("max_weight", self.max_weight)):
            if weight is not None and found == "equal":
                raise UsageError(
                    f"{name} goes with weighting=continuous or budget; equal weights are all the "
                    "same"
                )
        return found

    def _counts(self, n: int, weighting: Weighting) -> tuple[int, int]:
        """Fewest and most assets held."""
        if self.select is not None:
            for name, value in (("min_assets", self.min_assets), ("max_assets", self.max_assets)):
                if value is not None:
                    raise UsageError(
                        f"select={self.select} and {name}={value} exclude each other: give one"
                    )
            exactly = _within("select", self.select)
            return exactly, exactly
        if weighting == "equal" and self.max_assets is None:
            raise UsageError(
                "a portfolio needs select=K (exactly K assets) or max_assets=K (at most K), with "
                "equal weights; or budget=B (exactly B lots in all, with max_lots=M of one asset); "
                "or weighting=continuous"
            )
        fewest, most = 0, n
        if self.max_assets is not None:
            most = min(n, _within("max_assets", self.max_assets))
        if self.min_assets is not None:
            fewest = _within("min_assets", self.min_assets)
            if fewest > (self.max_assets or fewest):
                raise UsageError(f"min_assets={fewest} is above max_assets={self.max_assets}")
        return fewest, most

    def _total(self, weighting: Weighting, most: int) -> int:
        if weighting == "continuous":
            return 1
        if self.budget is not None:
            return _within("budget", self.budget)
        return self.select or self.max_assets or most

    def _sizes(self, weighting: Weighting, total: int) -> tuple[float, float]:
        """Least and largest amount of an asset that is held."""
        low = _share("min_weight", self.min_weight, 0.0)
        high = _share("max_weight", self.max_weight, 1.0)
        if low > high:
            raise UsageError(f"min_weight={low:g} is above max_weight={high:g}")
        if weighting == "equal":
            return 1, 1
        if weighting == "continuous":
            if 0.0 < low <= 2.0 * HELD:
                raise UsageError(
                    f"min_weight={low:g} is too small to tell from nothing; it is above "
                    f"{2.0 * HELD:g}"
                )
            return low, high
        for name, lots in (("max_lots", self.max_lots), ("min_lots", self.min_lots)):
            if lots is not None and lots < 1:
                raise UsageError(f"{name}={lots} leaves nothing to buy; it is 1 or more")
        least = max(self.min_lots or 1, ceil(low * total - 1e-9))
        largest = min(self.max_lots or total, floor(high * total + 1e-9), total)
        if least > largest:
            raise UsageError(
                f"an asset that is held has {least} lots at least and {largest} at most; widen "
                "min_lots, max_lots, min_weight or max_weight"
            )
        return least, largest


def _within(setting: str, total: int) -> int:
    """The total, if it can be one."""
    if not 1 <= total <= MOST_LOTS:
        raise UsageError(f"{setting}={total} is no portfolio; it lies between 1 and {MOST_LOTS}")
    return total


def _share(setting: str, weight: float | None, default: float) -> float:
    if weight is None:
        return default
    if not (isfinite(weight) and 0.0 < weight <= 1.0):
        raise UsageError(f"{setting}={weight:g} is no weight; it lies above 0 and is at most 1")
    return weight
