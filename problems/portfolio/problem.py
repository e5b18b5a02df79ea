"""Portfolio selection: which assets to hold, and how much of each."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qopt.errors import InputError, UnknownNameError, UnsupportedError, UsageError
from qopt.forms import Form, Lowering, Program, Qubo
from qopt.forms.penalise import program_to_qubo
from qopt.forms.program import TOLERANCE
from qopt.options import check_options
from qopt.problem import Reference, Score, Sense, Violation

from .encode import unary
from .limits import MOST_LOTS, Amounts, Limits, Weighting
from .lowering import Model, portfolio_program
from .moments import Benchmark, Moments
from .objective import Aim, Objective, objective_of
from .preselect import preselected
from .reach import out_of_reach
from .reading import Reading, read_current, read_moments, read_sectors
from .risk import check_levels, risk_report
from .settings import Settings
from .sharpe import sharpe_program
from .support import quick_portfolio, support_qubo
from .trading import Trading, trading_of

MOST_UNARY = 1024
"""Bits up to which the unary code is the default: it keeps the budget without penalties, at the
price of one bit a lot."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Portfolio:
    """Choose assets and their weights ``w``: low variance ``w'Sw``, high expected return ``mu'w``.

    Weights are equal, or whole lots, or continuous:

    - equal: exactly `select` assets of weight ``1 / select``; or at most `max_assets`, each of
      weight ``1 / max_assets``, and the rest stays in cash, without risk, at `cash_return`;
    - lots: exactly `budget` lots are bought, ``w = lots / budget``;
    - continuous: any weights that sum to 1.

    An answer is the lots of each asset (0 or 1 with equal weights), int64, shape (n,), or its
    weights, float64, where those are continuous; up to a millionth of weight is rounding.

    Parameters
    ----------
    name : str
    moments : Moments
        Means ``mu`` and covariance ``S`` of the assets' returns.
    benchmark : Benchmark, optional
        The index to track, or to report beside.
    unit : str
        What returns refer to: ``"per period of the data"``.
    periods_per_year : float, optional
        How many periods of the data the moments refer to; None for one.
    reference : Reference, optional
    select, min_assets, max_assets, weighting, budget, min_lots, max_lots, min_weight, max_weight, \
    objective, risk, risk_free, target_return, cash_return, current, cost, max_turnover, hold, \
    exclude, sectors, sector_min_assets, sector_max_assets, sector_min_weight, sector_max_weight, \
    levels
        As in `load`.

    Raises
    ------
    UsageError
        For settings that contradict each other, cannot act or are out of range.
    InputError
        For settings that these assets cannot meet.
    """

    kind: ClassVar[str] = "portfolio"

    name: str
    moments: Moments
    select: int | None = None
    min_assets: int | None = None
    max_assets: int | None = None
    weighting: Weighting | None = None
    budget: int | None = None
    min_lots: int | None = None
    max_lots: int | None = None
    min_weight: float | None = None
    max_weight: float | None = None
    objective: Aim = "mean-variance"
    risk: float | None = None
    risk_free: float | None = None
    target_return: float | None = None
    cash_return: float | None = None
    current: Mapping[str, float] | None = None
    cost: float | None = None
    max_turnover: float | None = None
    hold: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    sectors: Mapping[str, str] | None = None
    sector_min_assets: int | Mapping[str, int] | None = None
    sector_max_assets: int | Mapping[str, int] | None = None
    sector_min_weight: float | Mapping[str, float] | None = None
    sector_max_weight: float | Mapping[str, float] | None = None
    benchmark: Benchmark | None = None
    unit: str = "per period of the data"
    periods_per_year: float | None = None
    levels: tuple[float, ...] = (0.95, 0.99)
    reference: Reference | None = None

    def __post_init__(self) -> None:
        # All of it is built now, so that what contradicts itself or cannot be met is refused here.
        _ = self.aim, self.limits, self.trading
        for name, value in (("target_return", self.target_return),
                            ("cash_return", self.cash_return)):
            if value is not None and not np.isfinite(value):
                raise UsageError(f"{name}={value:g} is no return; it must be finite")
        if self.cash_return is not None and not self.limits.may_hold_cash:
            raise UsageError(
                "cash_return goes with equal weights of at most max_assets assets: all other "
                "portfolios are fully invested"
            )
        check_levels(self.levels)

    @classmethod
    def load(
        cls,
        path: Path,
        *,
        select: int | None = None,
        min_assets: int | None = None,
        max_assets: int | None = None,
        weighting: Weighting | None = None,
        budget: int | None = None,
        min_lots: int | None = None,
        max_lots: int | None = None,
        min_weight: float | None = None,
        max_weight: float | None = None,
        objective: Aim = "mean-variance",
        risk: float | None = None,
        risk_free: float | None = None,
        index: str | None = None,
        target_return: float | None = None,
        cash_return: float | None = None,
        current: str | dict[str, float] | None = None,
        cost: float | None = None,
        max_turnover: float | None = None,
        assets: int | tuple[str, ...] | None = None,
        hold: tuple[str, ...] = (),
        exclude: tuple[str, ...] = (),
        sectors: str | dict[str, str] | None = None,
        sector_min_assets: int | dict[str, int] | None = None,
        sector_max_assets: int | dict[str, int] | None = None,
        sector_min_weight: float | dict[str, float] | None = None,
        sector_max_weight: float | dict[str, float] | None = None,
        values: Literal["prices", "returns"] = "prices",
        missing: Literal["drop-dates", "forward-fill", "error"] = "drop-dates",
        lookback: int | None = None,
        periods_per_year: float | None = None,
        covariance: str | None = None,
        correlation: str | None = None,
        estimator: str = "sample",
        halflife: float | None = None,
        levels: tuple[float, ...] = (0.95, 0.99),
    ) -> Self:
        """Read prices, returns or means as CSV or Parquet, or an OR-Library ``port`` file.

        One of `select`, `max_assets`, `budget` and ``weighting=continuous`` is needed.

        Parameters
        ----------
        path : Path
            A table ``date,AAPL,MSFT,...`` or ``date,asset,price``, CSV or Parquet; a table
            ``asset,mean`` (with `covariance`) or ``mean,deviation`` (with `correlation`); or a
            ``port`` file, whose assets are called asset1, asset2, ...
        select : int, optional
            Hold exactly so many assets.
        min_assets, max_assets : int, optional
            Hold at least and at most so many assets. With equal weights each weighs 1 / max_assets
            and the rest stays in cash.
        weighting : {"equal", "lots", "continuous"}, optional
            How assets that are held are weighed: all alike, by whole lots, or freely. Without it
            by lots where budget is given, and else equally.
        budget : int, optional
            Buy exactly so many lots in all; an asset weighs its lots divided by the budget.
        min_lots, max_lots : int, optional
            With budget: least lots of an asset that is held, and most lots of one. Without it the
            budget alone limits them.
        min_weight, max_weight : float, optional
            Least weight of an asset that is held, and largest weight of one, above 0 up to 1; with
            budget or continuous weights.
        objective : {"mean-variance", "min-variance", "max-sharpe", "tracking"}
            Weigh variance against return by risk; the least variance; the largest Sharpe ratio;
            or the least variance of the return less that of the index.
        risk : float, optional
            Weight of the variance, 0 to 1; the expected return has the weight 1 - risk. 0.5 unless
            given; for objective mean-variance.
        risk_free : float, optional
            Return that the Sharpe ratio compares with, in the unit of the returns; 0 unless given.
            For objective max-sharpe and for the risk report.
        index : str, optional
            The column of the index among the series, which is no asset. For objective tracking and
            for the risk report.
        target_return : float, optional
            Least expected return, net of costs, in the unit of the returns.
        cash_return : float, optional
            Return of what stays in cash, in the unit of the returns; 0 unless given.
        current : str or dict of str to float, optional
            Present weight of each asset: a table, or the name of a CSV file asset,weight that lies
            beside the data file or in the current folder. What is not named weighs nothing.
        cost : float, optional
            Cost of a unit of weight bought or sold, taken off the expected return: 0.001 is ten
            basis points. It is not multiplied by periods_per_year.
        max_turnover : float, optional
            Largest one-way turnover: half the sum of the changes of weight from current, in size.
        assets : int or tuple of str, optional
            Use only the first so many assets, or those named.
        hold : tuple of str
            Assets that must be held, with one lot or the least weight at least.
        exclude : tuple of str
            Assets that must not be held.
        sectors : str or dict of str to str, optional
            The sector of each asset: a table, or the name of a CSV file asset,sector that lies
            beside the data file or in the current folder.
        sector_min_assets, sector_max_assets : int or dict of str to int, optional
            Least and most assets held of each sector: one number for all, or by sector.
        sector_min_weight, sector_max_weight : float or dict of str to float, optional
            Least and largest share of each sector, 0 to 1: one number for all, or by sector.
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
        estimator : str
            Of mean and covariance: sample; ledoit-wolf or oas (shrinkage); ewma (exponential
            weights, with `halflife`); or skfolio:NAME, an estimator of the package skfolio for the
            covariance (skfolio:GerberCovariance), the mean (skfolio:ShrunkMu), both
            (skfolio:DenoiseCovariance+ShrunkMu) or a prior.
        halflife : float, optional
            With ewma: after so many periods a return counts half.
        levels : tuple of float
            Confidence levels of value at risk and conditional value at risk in the risk report.
        """
        if periods_per_year is not None and periods_per_year <= 0.0:
            raise UsageError(f"periods_per_year={periods_per_year:g} is not above 0")
        moments = read_moments(path, Reading(
            values=values, missing=missing, lookback=lookback, estimator=estimator,
            halflife=halflife, index=index, covariance=covariance, correlation=correlation,
            assets=assets,
        ))
        unit, benchmark = "per period of the data", None
        if periods_per_year is not None:
            moments = moments.over(periods_per_year)
            unit = f"per year of {periods_per_year:g} periods"
        if index is not None:
            moments, benchmark = moments.split(index)
        return cls(
            name=path.stem,
            moments=moments, benchmark=benchmark, unit=unit,
            select=select, min_assets=min_assets, max_assets=max_assets, weighting=weighting,
            budget=budget, min_lots=min_lots, max_lots=max_lots, min_weight=min_weight,
            max_weight=max_weight, objective=objective, risk=risk, risk_free=risk_free,
            target_return=target_return, cash_return=cash_return,
            current=None if current is None else read_current(path, current),
            cost=cost, max_turnover=max_turnover, hold=hold, exclude=exclude,
            sectors=None if sectors is None else read_sectors(path, sectors),
            sector_min_assets=sector_min_assets, sector_max_assets=sector_max_assets,
            sector_min_weight=sector_min_weight, sector_max_weight=sector_max_weight,
            periods_per_year=periods_per_year, levels=levels,
        )

    # -- reading it ---------------------------------------------------------------------------

    def __repr__(self) -> str:
        aim = self.objective if self.aim.aim != "mean-variance" else f"risk {self.aim.risk:g}"
        return f"Portfolio({self.name}: {self._asked()} of {len(self.assets)} assets, {aim})"

    def _asked(self) -> str:
        limits = self.limits
        if limits.weighting == "lots":
            return f"{limits.total} lots"
        count = f"exactly {limits.most}" if limits.fewest == limits.most else (
            f"{limits.fewest} to {limits.most}" if limits.fewest else f"at most {limits.most}"
        )
        return count if limits.selecting else f"continuous weights of {count}"

    @property
    def assets(self) -> tuple[str, ...]:
        """Names of the assets."""
        return self.moments.assets

    @property
    def sense(self) -> Sense:
        """A Sharpe ratio is maximised, all else minimised."""
        return self.aim.sense

    @cached_property
    def aim(self) -> Objective:
        """The objective with its parameters."""
        return objective_of(self.objective, self.risk, self.risk_free, self.benchmark)

    @cached_property
    def limits(self) -> Limits:
        """Limits on lots or weights in all, of each asset and of each sector."""
        settings = Settings(**{field.name: getattr(self, field.name) for field in fields(Settings)})
        found = settings.limits(self.assets)
        if self.aim.aim == "max-sharpe" and found.may_hold_cash and found.fewest == 0:
            return replace(found, fewest=1)  # cash alone has no Sharpe ratio
        return found

    @cached_property
    def trading(self) -> Trading | None:
        """The present weights and what leaving them costs, where that matters."""
        return trading_of(self.assets, self.current, self.cost, self.max_turnover)

    def data(self) -> Mapping[str, Any]:
        """What defines the instance: moments, objective and limits."""
        limits, aim = self.limits, self.aim
        return {
            "assets": list(self.assets),
            "mean": self.moments.mean,
            "covariance": self.moments.covariance,
            "risk": aim.risk,
            "total": limits.total,
            "lower": limits.lower,
            "upper": limits.upper,
            "caps": [[list(cap.members), cap.assets, cap.lots] for cap in limits.caps],
            **self._further_data(),
        }

    def _further_data(self) -> dict[str, Any]:
        """What only some instances have."""
        limits, aim, trading = self.limits, self.aim, self.trading
        found: dict[str, Any] = {}
        if aim.aim == "max-sharpe":
            found["risk free"] = aim.risk_free
        if aim.benchmark is not None:
            found["index"] = [aim.benchmark.variance, aim.benchmark.covariance]
        if limits.weighting == "continuous":
            found["weighting"] = "continuous"
        if limits.least > 1 or not limits.whole:
            found["least"] = limits.least
        if limits.fewest_can_break() or limits.most_can_break():
            found["held"] = [limits.fewest, limits.most]
        if limits.may_hold_cash:
            found["cash"] = self.cash_return or 0.0
        if any(cap.least_assets or cap.least_lots for cap in limits.caps):
            found["least of sectors"] = [[c.least_assets, c.least_lots] for c in limits.caps]
        if trading is not None:
            found["trading"] = [trading.current, trading.cost, trading.max_turnover]
        if self.target_return is not None:
            found["target"] = self.target_return
        return found

    def describe(self) -> Mapping[str, Any]:
        """Size, settings, and where the moments come from."""
        limits = self.limits
        facts: dict[str, Any] = {"assets": len(self.assets), **self._amounts_asked()}
        facts |= self.aim.describe()
        if self.benchmark is not None:
            facts["index"] = self.benchmark.name
        if self.target_return is not None:
            facts["target return"] = f"{self.target_return:g} at least, net of costs"
        if self.trading is not None:
            facts |= self.trading.describe(self.assets)
        if self.hold:
            facts["hold"] = list(self.hold)
        if self.exclude:
            facts["exclude"] = list(self.exclude)
        if limits.caps:
            facts["sector caps"] = [str(cap) for cap in limits.caps]
        return {**facts, "unit": self.unit, **self.moments.facts}

    def _amounts_asked(self) -> dict[str, Any]:
        """How many assets, and how much of each, for people."""
        limits = self.limits
        facts: dict[str, Any] = {}
        if self.select is not None:
            facts["select"] = self.select
        if self.min_assets is not None:
            facts["min assets"] = self.min_assets
        if self.max_assets is not None:
            facts["max assets"] = self.max_assets
        if limits.may_hold_cash:
            facts["weights"] = (
                f"1/{limits.total} for each asset held, the rest in cash at a return of "
                f"{self.cash_return or 0.0:g}"
            )
        elif limits.weighting == "lots":
            facts |= {"budget": self.budget, "max lots": int(self.limits.upper.max())}
            if limits.least > 1:
                facts["min lots"] = int(limits.least)
        elif limits.weighting == "continuous":
            facts["weights"] = "continuous, fully invested"
            facts["weight if held"] = f"{limits.least:g} to {float(limits.upper.max()):g}"
        return facts

    # -- judging answers ----------------------------------------------------------------------

    def weights(self, answer: ArrayLike) -> NDArray[np.float64]:
        """Share of each asset, shape (n,)."""
        return np.asarray(self._amounts(answer) / self.limits.total, dtype=np.float64)

    def expected_return(self, answer: ArrayLike) -> float:
        """Expected return in the instance's unit: ``mu'w`` and that of cash, less trading costs."""
        return self._return_of(self.weights(answer))

    def _return_of(self, weights: NDArray[np.float64]) -> float:
        found = float(self.moments.mean @ weights)
        if self.cash_return:
            found += self.cash_return * (1.0 - float(weights.sum()))
        if self.trading is not None:
            found -= self.trading.cost * self.trading.traded(weights)
        return found

    def variance(self, answer: ArrayLike) -> float:
        """Variance ``w'Sw`` of the return, or of the return less the index's when tracking."""
        return self.aim.variance(self.weights(answer), self.moments.covariance)

    def score(self, answer: ArrayLike) -> Score:
        """Objective from means and covariance alone, and what the answer breaks."""
        amounts = self._amounts(answer)
        weights = np.asarray(amounts / self.limits.total, dtype=np.float64)
        variance = self.aim.variance(weights, self.moments.covariance)
        expected = self._return_of(weights)
        broken = [*self.limits.violations(amounts), *self.aim.violations(variance)]
        if self.trading is not None:
            broken += self.trading.violations(weights)
        target = self.target_return
        if target is not None and expected < target - TOLERANCE * self.return_scale:
            broken.append(Violation(
                f"expected return {expected:g} under the target of {target:g}", target - expected
            ))
        return Score(self.aim.value(variance, expected), tuple(broken))

    def insight(self, answer: ArrayLike) -> dict[str, Any]:
        """The weights where an answer is lots, and `problems.portfolio.risk.risk_report`."""
        trading, weights = self.trading, self.weights(answer)
        facts: dict[str, Any] = {}
        if self.limits.whole and weights.any():
            facts["weights"] = {
                self.assets[i]: float(weights[i]) for i in np.flatnonzero(weights)
            }
        if self.limits.may_hold_cash:
            facts["cash"] = 1.0 - float(weights.sum())
        return facts | risk_report(
            weights, self.moments, periods_per_year=self.periods_per_year,
            risk_free=self.risk_free or 0.0, cash_return=self.cash_return or 0.0,
            levels=self.levels, current=None if trading is None else trading.current,
            cost=0.0 if trading is None else trading.cost,
            benchmark=self.benchmark, sectors=self.sectors,
        )

    def notes(self, answer: ArrayLike | None) -> tuple[str, ...]:
        """Gaps in the data, limits out of reach, and a portfolio of nothing but cash."""
        if answer is None or not self.score(answer).feasible:
            return (*self.moments.notes, *out_of_reach(self))
        if not self.limits.may_hold_cash or self._amounts(answer).any():
            return self.moments.notes
        return (*self.moments.notes, (
            f"no asset is held: all is in cash, at a return of {self.cash_return or 0.0:g}; set "
            "min_assets to hold some"
        ))

    @cached_property
    def return_scale(self) -> float:
        """The largest mean or target in size; a millionth of it is rounding of a return."""
        sizes = [float(np.abs(self.moments.mean).max()), abs(self.target_return or 0.0)]
        return max(sizes) or 1.0

    def _amounts(self, answer: ArrayLike) -> Amounts:
        """Lots or weights of each asset, checked."""
        given = np.asarray(answer)
        noun = "lots" if self.limits.whole else "weights"
        if given.shape != (len(self.assets),):
            raise UsageError(
                f"an answer needs {noun} of {len(self.assets)} assets, got shape {given.shape}"
            )
        if not self.limits.whole:
            weights = given.astype(np.float64)
            if not np.isfinite(weights).all():
                raise UsageError(f"weights are finite, got {weights[~np.isfinite(weights)][0]}")
            return weights
        with np.errstate(invalid="ignore"):  # what is not finite differs from its cast
            lots = given.astype(np.int64)
        if (lots != given).any():
            raise UsageError(f"lots are whole numbers, got {given[lots != given][0]}")
        return lots

    def encode_answer(self, answer: ArrayLike) -> dict[str, int | float]:
        """``{"AAPL": 1, "KO": 1}``: lots, or weights, of the assets that are held."""
        amounts = self._amounts(answer)
        return {self.assets[i]: amounts[i].item() for i in np.flatnonzero(amounts)}

    def decode_answer(self, data: Any) -> Amounts:
        """Lots or weights of each asset from what `encode_answer` wrote."""
        whole = self.limits.whole
        noun = "lots" if whole else "weights"
        if not isinstance(data, Mapping):
            raise InputError(f"an answer is a table of assets and {noun}, got {data!r:.40}")
        amounts = np.zeros(len(self.assets), dtype=np.int64 if whole else np.float64)
        for asset, number in data.items():
            if asset not in self.assets:
                raise UnknownNameError("asset", str(asset), self.assets)
            kinds = int if whole else (int, float)
            if isinstance(number, bool) or not isinstance(number, kinds) or (
                not abs(number) <= MOST_LOTS
            ):
                what = f"lots of {asset} must be a whole number" if whole else (
                    f"the weight of {asset} must be a number")
                raise InputError(f"{what}, got {number!r:.40}")
            amounts[self.assets.index(asset)] = number
        return amounts

    def to_csv(self, answer: ArrayLike) -> str:
        """The assets held as a table ``asset,lots,weight``, without lots for continuous weights.

        What is not invested has the last row, ``cash``, without lots.
        """
        amounts, weights = self._amounts(answer), self.weights(answer)
        held = np.flatnonzero(amounts)
        if self.limits.whole:
            lines = [f"{self.assets[i]},{amounts[i]},{weights[i]:.10g}" for i in held]
            if amounts.sum() < self.limits.total:
                lines.append(f"cash,,{1.0 - weights.sum():.10g}")
            return "\n".join(["asset,lots,weight", *lines]) + "\n"
        return "\n".join(
            ["asset,weight", *(f"{self.assets[i]},{weights[i]:.10g}" for i in held)]
        ) + "\n"

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
        """The instance as a program over lots or weights; what is settled beforehand drops out.

        The largest Sharpe ratio takes several programs, each from the best portfolio so far.

        Parameters
        ----------
        encoding : {"integer", "unary", "one-hot"}
            Whole variables; or bits: one for each lot, or one for each number of lots.
        """
        return self._program(encoding)

    def _program(
        self, encoding: Literal["integer", "unary", "one-hot"], *, persistent: bool = True
    ) -> Lowering[Program]:
        if encoding != "integer" and not self.limits.whole:
            raise UsageError(f"encoding={encoding} goes with lots; continuous weights have none")
        model = Model.of(self, "one-hot" if encoding == "one-hot" else "integer")
        if self.aim.aim == "max-sharpe":
            lowering = sharpe_program(
                self, model, quick_portfolio(self), persistent=persistent
            )
        else:
            lowering = portfolio_program(self, model)
        if encoding != "unary" or lowering.model.binary.all():
            return lowering
        return lowering.through(lambda program: unary(program, model.variables.lots))

    def to_qubo(
        self,
        *,
        encoding: Literal["unary", "binary", "one-hot"] | None = None,
        preselect: int | None = None,
        weight: float | None = None,
        slack: Literal["exact", "unbalanced"] = "exact",
        resolution: int = 2**20,
    ) -> Lowering[Qubo]:
        """The instance as a QUBO.

        "Exactly so many" is a group, for which unpenalised moves exist; with several lots an asset
        that needs the unary code. All else is penalised, by default with weights that provably
        suffice. With continuous weights the bits choose the assets, by the objective at equal
        weights, and a convex program sets the weights of those chosen.

        Parameters
        ----------
        encoding : {"unary", "binary", "one-hot"}, optional
            Bits of an asset that takes several lots: one for each lot; or worth 1, 2, 4, ...; or
            one for each number of lots, which needs no further bits to tell whether an asset is
            held and what is bought. Without it unary up to 1024 bits, and binary beyond.
        preselect : int, optional
            Keep only so many assets, those of the largest weight in the relaxation, so that a
            quantum device has room for them; the notes say what that may cost.
        weight : float, optional
            Penalty of the smallest violation; by default a proven one for each constraint.
        slack : {"exact", "unbalanced"}
            Limits with slack bits, or by unbalanced penalisation, a heuristic with fewer bits.
        resolution : int
            Most steps into which a limit on turnover or return is resolved: 16 take five slack
            bits. Limits that need more are rounded to the safe side.
        """
        if preselect is not None:
            return preselected(
                self, preselect,
                lambda part: part.to_qubo(
                    encoding=encoding, weight=weight, slack=slack, resolution=resolution
                ),
            )
        if not self.limits.whole:
            if encoding is not None:
                raise UsageError(
                    f"encoding={encoding} goes with lots; continuous weights have none"
                )
            return support_qubo(self, weight=weight, slack=slack, resolution=resolution)
        if encoding is None:
            lower, upper = self.limits.tightened()
            encoding = "unary" if (upper - lower).sum() <= MOST_UNARY else "binary"
        # A sampler that found nothing better is not asked again.
        first = self._program("integer" if encoding == "binary" else encoding, persistent=False)
        return first.through(
            lambda program: program_to_qubo(
                program, weight=weight, slack=slack, resolution=resolution
            )
        )
