"""Mean-variance portfolio selection with whole lots."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qopt.errors import InputError, UnknownNameError, UnsupportedError, UsageError
from qopt.forms import Form, Lowering, Program, Qubo
from qopt.forms.penalise import program_to_qubo
from qopt.options import check_options
from qopt.problem import Reference, Score, Sense

from .encode import one_hot, unary
from .limits import MOST_LOTS, Limits, sector_caps
from .lowering import portfolio_program
from .moments import Moments
from .reading import Settings, read_moments, read_sectors
from .risk import check_levels, risk_report

MOST_UNARY = 1024
"""Bits up to which the unary code is the default: it keeps the budget without penalties, at the
price of one bit a lot."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Portfolio:
    """Minimise ``risk * w'Sw - (1 - risk) * mu'w`` over portfolios of whole lots.

    Either exactly `select` assets are held with equal weights, ``w = x / select``, or exactly
    `budget` lots are bought, ``w = lots / budget``. An answer is the lots of each asset (0 or 1
    when selecting), int64, shape (n,).

    Parameters
    ----------
    name : str
    moments : Moments
        Means ``mu`` and covariance ``S`` of the assets' returns.
    select, budget, max_lots, risk, hold, exclude, sectors, sector_max_assets, sector_max_weight
        As in `load`.
    unit : str
        What returns refer to: ``"per period of the data"``.
    periods_per_year : float, optional
        How many periods of the data the moments refer to; None for one.
    risk_free, levels
        As in `load`; for the risk report alone.
    reference : Reference, optional

    Raises
    ------
    UsageError
        For settings that contradict each other or are out of range.
    InputError
        For settings that these assets cannot meet.
    """

    kind: ClassVar[str] = "portfolio"
    sense: ClassVar[Sense] = "minimise"

    name: str
    moments: Moments
    select: int | None = None
    budget: int | None = None
    max_lots: int | None = None
    risk: float = 0.5
    hold: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    sectors: Mapping[str, str] | None = None
    sector_max_assets: int | Mapping[str, int] | None = None
    sector_max_weight: float | Mapping[str, float] | None = None
    unit: str = "per period of the data"
    periods_per_year: float | None = None
    risk_free: float = 0.0
    levels: tuple[float, ...] = (0.95, 0.99)
    reference: Reference | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.risk <= 1.0:
            raise UsageError(
                f"risk={self.risk:g} is not between 0 (return alone) and 1 (variance alone)"
            )
        if not isfinite(self.risk_free):
            raise UsageError(f"risk_free={self.risk_free} is not a finite return")
        check_levels(self.levels)
        _ = self.limits  # built now, so that limits that cannot be met are refused here

    @classmethod
    def load(
        cls,
        path: Path,
        *,
        select: int | None = None,
        budget: int | None = None,
        max_lots: int | None = None,
        risk: float = 0.5,
        assets: int | tuple[str, ...] | None = None,
        hold: tuple[str, ...] = (),
        exclude: tuple[str, ...] = (),
        sectors: str | dict[str, str] | None = None,
        sector_max_assets: int | dict[str, int] | None = None,
        sector_max_weight: float | dict[str, float] | None = None,
        values: Literal["prices", "returns"] = "prices",
        missing: Literal["drop-dates", "forward-fill", "error"] = "drop-dates",
        lookback: int | None = None,
        periods_per_year: float | None = None,
        covariance: str | None = None,
        correlation: str | None = None,
        index: str | None = None,
        estimator: str = "sample",
        halflife: float | None = None,
        risk_free: float = 0.0,
        levels: tuple[float, ...] = (0.95, 0.99),
    ) -> Self:
        """Read prices, returns or means as CSV or Parquet, or an OR-Library ``port`` file.

        Exactly one of `select` and `budget` is needed.

        Parameters
        ----------
        path : Path
            A table ``date,AAPL,MSFT,...`` or ``date,asset,price``, CSV or Parquet; a table
            ``asset,mean`` (with `covariance`) or ``mean,deviation`` (with `correlation`); or a
            ``port`` file, whose assets are called asset1, asset2, ...
        select : int, optional
            Hold exactly so many assets, with equal weights.
        budget : int, optional
            Buy exactly so many lots in all; an asset weighs its lots divided by the budget.
        max_lots : int, optional
            With budget: most lots of one asset. Without it the budget alone limits them.
        risk : float
            Weight of the variance, 0 to 1; the expected return has the weight 1 - risk.
        assets : int or tuple of str, optional
            Use only the first so many assets, or those named.
        hold : tuple of str
            Assets that must be held, with one lot at least.
        exclude : tuple of str
            Assets that must not be held.
        sectors : str or dict of str to str, optional
            The sector of each asset: a table, or the name of a CSV file asset,sector that lies
            beside the data file or in the current folder.
        sector_max_assets : int or dict of str to int, optional
            Most assets held of each sector: one number for all, or by sector.
        sector_max_weight : float or dict of str to float, optional
            Largest share of each sector, 0 to 1: one number for all, or by sector.
        values : {"prices", "returns"}
            What a table with dates holds; returns are fractions, 1 % is 0.01.
        missing : {"drop-dates", "forward-fill", "error"}
            Missing values: leave out dates on which an asset has none; or carry its last price
            forward; or refuse them.
        lookback : int, optional
            Use only the last so many returns.
        periods_per_year : float, optional
            Multiply mean and covariance by it: 252 for daily data, 52 for weekly data. Without it
            they are per period of the data.
        covariance : str, optional
            With a table of means: CSV file of the covariance matrix, beside it or in the current
            folder.
        correlation : str, optional
            With a table mean,deviation without header: CSV file i,j,correlation, found alike.
        index : str, optional
            The column of a series that is the benchmark and no asset.
        estimator : str
            Of mean and covariance: sample; ledoit-wolf or oas (shrinkage); ewma (exponential
            weights, with `halflife`); or skfolio:NAME, an estimator of the package skfolio for the
            covariance (skfolio:GerberCovariance), the mean (skfolio:ShrunkMu), both
            (skfolio:DenoiseCovariance+ShrunkMu) or a prior.
        halflife : float, optional
            With ewma: after so many periods a return counts half.
        risk_free : float
            Return without risk, in the instance's unit, for the Sharpe ratio of the risk report.
        levels : tuple of float
            Confidence levels of value at risk and conditional value at risk in the risk report.
        """
        if periods_per_year is not None and periods_per_year <= 0.0:
            raise UsageError(f"periods_per_year={periods_per_year:g} is not above 0")
        moments = read_moments(path, Settings(
            values=values, missing=missing, lookback=lookback, estimator=estimator,
            halflife=halflife, index=index, covariance=covariance, correlation=correlation,
            assets=assets,
        ))
        unit = "per period of the data"
        if periods_per_year is not None:
            moments = moments.over(periods_per_year)
            unit = f"per year of {periods_per_year:g} periods"
        return cls(
            name=path.stem,
            moments=moments,
            select=select, budget=budget, max_lots=max_lots, risk=risk, hold=hold, exclude=exclude,
            sectors=None if sectors is None else read_sectors(path, sectors),
            sector_max_assets=sector_max_assets, sector_max_weight=sector_max_weight, unit=unit,
            periods_per_year=periods_per_year, risk_free=risk_free, levels=levels,
        )

    # -- reading it ---------------------------------------------------------------------------

    def __repr__(self) -> str:
        asked = f"exactly {self.select}" if self.budget is None else f"{self.budget} lots"
        return f"Portfolio({self.name}: {asked} of {len(self.assets)} assets, risk {self.risk:g})"

    @property
    def assets(self) -> tuple[str, ...]:
        """Names of the assets."""
        return self.moments.assets

    @cached_property
    def limits(self) -> Limits:
        """Limits on lots in all, of each asset and of each sector."""
        total = self._total()
        for given in (self.hold, self.exclude):
            for asset in given:
                if asset not in self.assets:
                    raise UnknownNameError("asset", asset, self.assets)
        if both := sorted(set(self.hold) & set(self.exclude)):
            raise InputError(f"asset {both[0]} is in both hold and exclude; take it out of one")
        most = 1 if self.select is not None else min(self.max_lots or total, total)
        caps = sector_caps(
            self.assets, total, self.sectors, self.sector_max_assets, self.sector_max_weight
        )
        return Limits(
            assets=self.assets,
            total=total,
            selecting=self.select is not None,
            lower=np.array([int(a in self.hold) for a in self.assets], dtype=np.int64),
            upper=np.array([0 if a in self.exclude else most for a in self.assets], dtype=np.int64),
            caps=caps,
        )

    def _total(self) -> int:
        if self.select is not None and self.budget is not None:
            raise UsageError(
                f"select={self.select} and budget={self.budget} exclude each other: give one"
            )
        if self.select is not None:
            if self.max_lots is not None:
                raise UsageError("max_lots goes with budget; select takes each asset once at most")
            return _within("select", self.select)
        if self.budget is None:
            raise UsageError(
                "a portfolio needs select=K (exactly K assets, equal weights) or budget=B (exactly "
                "B lots in all, with max_lots=M of one asset)"
            )
        if self.max_lots is not None and self.max_lots < 1:
            raise UsageError(f"max_lots={self.max_lots} leaves nothing to buy; it is 1 or more")
        return _within("budget", self.budget)

    def data(self) -> Mapping[str, Any]:
        """What defines the instance: moments, risk and limits."""
        limits = self.limits
        return {
            "assets": list(self.assets),
            "mean": self.moments.mean,
            "covariance": self.moments.covariance,
            "risk": self.risk,
            "total": limits.total,
            "lower": limits.lower,
            "upper": limits.upper,
            "caps": [[list(cap.members), cap.assets, cap.lots] for cap in limits.caps],
        }

    def describe(self) -> Mapping[str, Any]:
        """Size, settings, and where the moments come from."""
        limits = self.limits
        facts: dict[str, Any] = {"assets": len(self.assets)}
        if self.select is not None:
            facts["select"] = self.select
        else:
            facts |= {"budget": self.budget, "max lots": self.max_lots or limits.total}
        facts |= {"risk": self.risk, "objective": "risk * w'Sw - (1 - risk) * mu'w"}
        if self.hold:
            facts["hold"] = list(self.hold)
        if self.exclude:
            facts["exclude"] = list(self.exclude)
        if limits.caps:
            facts["sector caps"] = [str(cap) for cap in limits.caps]
        return {**facts, "unit": self.unit, **self.moments.facts}

    # -- judging answers ----------------------------------------------------------------------

    def weights(self, answer: ArrayLike) -> NDArray[np.float64]:
        """Share of each asset, shape (n,)."""
        return self._lots(answer) / self.limits.total

    def expected_return(self, answer: ArrayLike) -> float:
        """Expected return ``mu'w``, in the instance's unit."""
        return float(self.moments.mean @ self.weights(answer))

    def variance(self, answer: ArrayLike) -> float:
        """Variance ``w'Sw`` of the return, in the instance's unit."""
        weights = self.weights(answer)
        return float(weights @ self.moments.covariance @ weights)

    def score(self, answer: ArrayLike) -> Score:
        """Objective from means and covariance alone, and what the answer breaks."""
        objective = self.risk * self.variance(answer)
        objective -= (1.0 - self.risk) * self.expected_return(answer)
        return Score(objective, self.limits.violations(self._lots(answer)))

    def insight(self, answer: ArrayLike) -> dict[str, Any]:
        """The risk report of an answer: `problems.portfolio.risk.risk_report`."""
        return risk_report(
            self.weights(answer), self.moments, periods_per_year=self.periods_per_year,
            risk_free=self.risk_free, levels=self.levels,
        )

    def _lots(self, answer: ArrayLike) -> NDArray[np.int64]:
        given = np.asarray(answer)
        if given.shape != (len(self.assets),):
            raise UsageError(
                f"an answer needs lots of {len(self.assets)} assets, got shape {given.shape}"
            )
        with np.errstate(invalid="ignore"):  # what is not finite differs from its cast
            lots = given.astype(np.int64)
        if (lots != given).any():
            raise UsageError(f"lots are whole numbers, got {given[lots != given][0]}")
        return lots

    def encode_answer(self, answer: ArrayLike) -> dict[str, int]:
        """``{"AAPL": 1, "KO": 1}``: lots of the assets that are held."""
        lots = self._lots(answer)
        return {self.assets[i]: int(lots[i]) for i in np.flatnonzero(lots)}

    def decode_answer(self, data: Any) -> NDArray[np.int64]:
        """Lots of each asset from what `encode_answer` wrote."""
        if not isinstance(data, Mapping):
            raise InputError(f"an answer is a table of assets and lots, got {data!r:.40}")
        lots = np.zeros(len(self.assets), dtype=np.int64)
        for asset, number in data.items():
            if asset not in self.assets:
                raise UnknownNameError("asset", str(asset), self.assets)
            if isinstance(number, bool) or not isinstance(number, int) or abs(number) > MOST_LOTS:
                raise InputError(f"lots of {asset} must be a whole number, got {number!r:.40}")
            lots[self.assets.index(asset)] = number
        return lots

    def to_csv(self, answer: ArrayLike) -> str:
        """The assets held as a table ``asset,lots,weight``."""
        lots, weights = self._lots(answer), self.weights(answer)
        lines = [f"{self.assets[i]},{lots[i]},{weights[i]:.10g}" for i in np.flatnonzero(lots)]
        return "\n".join(["asset,lots,weight", *lines]) + "\n"

    # -- lowering it --------------------------------------------------------------------------

    def lower(self, form: type[Form], **options: Any) -> Lowering[Any]:
        """Give the instance as a `Qubo` or a `Program`; options are those of the methods below."""
        if form is Qubo:
            what = "the QUBO lowering of a portfolio"
            return self.to_qubo(**check_options(self.to_qubo, options, what))
        if form is Program:
            what = "the program lowering of a portfolio"
            return self.to_program(**check_options(self.to_program, options, what))
        raise UnsupportedError("a portfolio has no routes: it is given as a qubo or a program")

    def to_program(
        self, *, encoding: Literal["integer", "unary", "one-hot"] = "integer"
    ) -> Lowering[Program]:
        """The instance as a program over lots; assets that are settled beforehand drop out.

        Parameters
        ----------
        encoding : {"integer", "unary", "one-hot"}
            Whole variables; or bits: one for each lot, or one for each number of lots.
        """
        lowering = portfolio_program(self.moments, self.risk, self.limits)
        if encoding == "integer" or lowering.model.binary.all():
            return lowering
        expand = unary if encoding == "unary" else one_hot
        return lowering.then(expand(lowering.model))

    def to_qubo(
        self,
        *,
        encoding: Literal["unary", "binary", "one-hot"] | None = None,
        weight: float | None = None,
        slack: Literal["exact", "unbalanced"] = "exact",
    ) -> Lowering[Qubo]:
        """The instance as a QUBO.

        "Exactly so many" is a group, for which unpenalised moves exist; with several lots an asset
        that needs the unary code. All else is penalised, by default with weights that provably
        suffice.

        Parameters
        ----------
        encoding : {"unary", "binary", "one-hot"}, optional
            Bits of an asset that takes several lots: one for each lot; or worth 1, 2, 4, ...; or
            one for each number of lots. Without it unary up to 1024 bits, and binary beyond.
        weight : float, optional
            Penalty of the smallest violation; by default a proven one for each constraint.
        slack : {"exact", "unbalanced"}
            Sector caps with slack bits, or by unbalanced penalisation, a heuristic with fewer bits.
        """
        if encoding is None:
            lower, upper = self.limits.tightened()
            encoding = "unary" if (upper - lower).sum() <= MOST_UNARY else "binary"
        first = self.to_program(encoding="integer" if encoding == "binary" else encoding)
        return first.then(program_to_qubo(first.model, weight=weight, slack=slack))


def _within(setting: str, total: int) -> int:
    """The total, if it can be one."""
    if not 1 <= total <= MOST_LOTS:
        raise UsageError(f"{setting}={total} is no portfolio; it lies between 1 and {MOST_LOTS}")
    return total
