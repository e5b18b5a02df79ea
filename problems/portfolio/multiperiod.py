"""A portfolio traded over several periods, long and short, as in QOBLIB's 06-portfolio."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qopt.errors import InputError, ParseError, UnknownNameError, UnsupportedError, UsageError
from qopt.forms import Form, Lowering, Program, Qubo
from qopt.forms.penalise import program_to_qubo
from qopt.options import check_options
from qopt.problem import Reference, Score, Sense, Violation

from ..formats import qoblib
from .multiperiod_lowering import as_bits, as_integers
from .multiperiod_model import CAPITAL, MOST_UNITS, Coefficients, coefficients
from .reading import chosen_assets

Holdings = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class MultiPeriod:
    """Trade units of some assets over several periods: little risk, much gain, few costs.

    A unit of an asset is worth 100000 in the first period and moves with the price. In each period
    0 to 3 units of each asset are held long, and 0 to 3 short. An answer is these counts, int64,
    shape (periods, assets, 2), long before short.

    The objective is minimised: ``risk_aversion`` times the variance of the value held, less the
    gains from one period to the next, plus trading costs of 0.1 % of what is bought and sold, plus
    a fee of 0.0025 % on what is short, less interest of 0.01 % on cash. Each coefficient is rounded
    to a whole number, half away from zero. The capital is 10 units: in each period 10 less the
    units long plus those short lies from 0 to 15. Units long and short together are `budget` at
    most, and no more than 127 less.

    Trading between the last period but one and the last is free, and what is held in the last
    period is liquidated at its costs.

    Parameters
    ----------
    name : str
    symbols : tuple of str
        The assets.
    prices : tuple of tuple of Fraction
        By period and asset, above 0.
    covariances : tuple of tuple of tuple of Fraction
        Of relative returns, by period and two assets.
    budget : int
    risk_aversion : float
        Its decimal digits count exactly.
    reference : Reference, optional

    References
    ----------
    Koch et al., "Quantum optimization benchmarking library: the intractable decathlon", arXiv
    2504.03832, 06-portfolio, model ``bqp_u3_c10``; the checker that comes with it.
    """

    kind: ClassVar[str] = "multiperiod"
    sense: ClassVar[Sense] = "minimise"

    name: str
    symbols: tuple[str, ...]
    prices: tuple[tuple[Fraction, ...], ...]
    covariances: qoblib.Covariances
    budget: int
    risk_aversion: float = 0.0
    reference: Reference | None = None

    def __post_init__(self) -> None:
        if not (isfinite(self.risk_aversion) and self.risk_aversion >= 0.0):
            raise UsageError(f"risk_aversion={self.risk_aversion:g} is not 0 or more")
        if not 1 <= self.budget <= 10**6:
            raise UsageError(f"budget={self.budget} is no number of units; it is 1 or more")
        if len(self.prices) < 2:
            raise InputError(f"{len(self.prices)} period leaves nothing to trade; give two or more")
        if self.budget - 127 > 2 * MOST_UNITS * len(self.symbols):
            raise InputError(
                f"budget={self.budget} asks for {self.budget - 127} units at least and "
                f"{len(self.symbols)} assets hold {2 * MOST_UNITS * len(self.symbols)} at most"
            )

    @classmethod
    def load(
        cls,
        path: Path,
        *,
        budget: int,
        risk_aversion: float = 0.0,
        assets: int | tuple[str, ...] | None = None,
        periods: int | None = None,
        covariance: str | None = None,
    ) -> Self:
        """Read ``stock_prices.txt`` and the covariances beside it.

        Parameters
        ----------
        path : Path
            Lines ``day symbol price``; perhaps compressed, ``.gz``.
        budget : int
            Most units held long and short together in a period.
        risk_aversion : float
            Weight of the variance, 0 or more (lambda in QOBLIB).
        assets : int or tuple of str, optional
            Use only the first so many assets, or those named.
        periods : int, optional
            Use only the first so many periods.
        covariance : str, optional
            File of the covariances beside it; ``covariance_matrices.txt``, with or without ``.gz``,
            unless given.
        """
        if path.name.startswith("covariance_matrices"):
            raise InputError(f"{path} holds covariances: give the stock_prices.txt beside it")
        table = qoblib.read_prices(path)
        found = qoblib.read_covariances(
            _covariance_file(path, covariance), table.symbols, len(table.prices)
        )
        chosen = chosen_assets(table.symbols, assets)
        count = len(table.prices) if periods is None else periods
        if not 2 <= count <= len(table.prices):
            raise InputError(f"periods={count} is not between 2 and the {len(table.prices)} there")
        name = path.parent.name if path.name.startswith("stock_prices") else path.stem
        return cls(
            name=name or path.stem,
            symbols=tuple(table.symbols[i] for i in chosen),
            prices=tuple(tuple(row[i] for i in chosen) for row in table.prices[:count]),
            covariances=tuple(
                tuple(tuple(matrix[i][j] for j in chosen) for i in chosen)
                for matrix in found[:count]
            ),
            budget=budget, risk_aversion=risk_aversion,
        )

    # -- reading it ---------------------------------------------------------------------------

    def __repr__(self) -> str:
        return (
            f"MultiPeriod({self.name}: {len(self.symbols)} assets, {len(self.prices)} periods, "
            f"budget {self.budget}, risk aversion {self.risk_aversion:g})"
        )

    @cached_property
    def coefficients(self) -> Coefficients:
        """The rounded coefficients of the objective."""
        return coefficients(self.prices, self.covariances, Fraction(repr(self.risk_aversion)))

    def data(self) -> Mapping[str, Any]:
        """What defines the instance, numbers as exact fractions."""
        return {
            "symbols": list(self.symbols),
            "prices": [[str(price) for price in row] for row in self.prices],
            "covariances": [[[str(v) for v in row] for row in m] for m in self.covariances],
            "budget": self.budget,
            "risk aversion": str(Fraction(repr(self.risk_aversion))),
        }

    def describe(self) -> Mapping[str, Any]:
        """Size and conventions."""
        return {
            "assets": len(self.symbols), "periods": len(self.prices), "budget": self.budget,
            "risk aversion": self.risk_aversion,
            "objective": "risk - gains + costs - interest, whole coefficients",
            "units": f"0 to {MOST_UNITS} long and short of each asset, capital {CAPITAL}",
        }

    # -- judging answers ----------------------------------------------------------------------

    def score(self, answer: ArrayLike) -> Score:
        """Objective from the prices and covariances, and what the answer breaks."""
        held = self._holdings(answer)
        parts = self.coefficients.parts(held)
        return Score(float(sum(parts.values())), tuple(self._violations(held)))

    def insight(self, answer: ArrayLike) -> dict[str, Any]:
        """What the objective is made of, and how much is held in each period."""
        held = self._holdings(answer)
        return {
            "objective": {name: int(v) for name, v in self.coefficients.parts(held).items()},
            "units long": held[:, :, 0].sum(axis=1).tolist(),
            "units short": held[:, :, 1].sum(axis=1).tolist(),
        }

    def _violations(self, held: Holdings) -> list[Violation]:
        found = []
        for t, i, d in np.argwhere((held < 0) | (held > MOST_UNITS)).tolist():
            count = int(held[t, i, d])
            found.append(Violation(
                f"period {t}: {count} units of {self.symbols[i]} {('long', 'short')[d]}, 0 to "
                f"{MOST_UNITS} are allowed", float(max(-count, count - MOST_UNITS)),
            ))
        long, short = held.sum(axis=1).T.tolist()
        for t, (bought, sold) in enumerate(zip(long, short, strict=True)):
            for what, value, most in (
                ("cash", CAPITAL - bought + sold, 15),
                ("the budget left", self.budget - bought - sold, 127),
            ):
                if not 0 <= value <= most:
                    found.append(Violation(
                        f"period {t}: {what} is {value} units, 0 to {most} are allowed",
                        float(max(-value, value - most)),
                    ))
        return found

    def _holdings(self, answer: ArrayLike) -> Holdings:
        given = np.asarray(answer)
        shape = (len(self.prices), len(self.symbols), 2)
        if given.shape != shape:
            raise UsageError(f"an answer needs counts of shape {shape}, got {given.shape}")
        with np.errstate(invalid="ignore"):  # what is not finite differs from its cast
            held = given.astype(np.int64)
        if (held != given).any():
            raise UsageError(f"units are whole numbers, got {given[held != given][0]}")
        return held

    def _rows(self, answer: ArrayLike) -> list[list[Any]]:
        held = self._holdings(answer)
        return [
            [t, self.symbols[i], *held[t, i].tolist()]
            for t, i in np.argwhere(held.any(axis=2)).tolist()
        ]

    def encode_answer(self, answer: ArrayLike) -> dict[str, Any]:
        """``{"holdings": [[0, "GOOG", 1, 0], ...]}``: period, asset, units long and short."""
        return {"holdings": self._rows(answer)}

    def decode_answer(self, data: Any) -> Holdings:
        """Counts from what `encode_answer` wrote."""
        rows = data.get("holdings") if isinstance(data, Mapping) else None
        if not isinstance(rows, list):
            raise InputError(f"an answer is a table of holdings, got {data!r:.40}")
        held = np.zeros((len(self.prices), len(self.symbols), 2), dtype=np.int64)
        for row in rows:
            if not (isinstance(row, list) and len(row) == 4):
                raise InputError(f"a row has period, asset, long and short, got {row!r:.40}")
            self._put(held, *row)
        return held

    def _put(self, held: Holdings, period: Any, symbol: Any, long: Any, short: Any) -> None:
        numbers = (period, long, short)
        if any(isinstance(x, bool) or not isinstance(x, int) or abs(x) > 10**6 for x in numbers):
            raise InputError(f"period and units are whole numbers, got {numbers}")
        if not 0 <= period < len(self.prices):
            raise InputError(f"period {period} is not between 0 and {len(self.prices) - 1}")
        if symbol not in self.symbols:
            raise UnknownNameError("asset", str(symbol), self.symbols)
        held[period, self.symbols.index(symbol)] = long, short

    def to_sol(self, answer: ArrayLike) -> str:
        """The answer in the layout of QOBLIB's solutions: ``period symbol long short``."""
        lines = [
            f"# instance: {self.name}", f"# budget: {self.budget}",
            f"# lambda: {self.risk_aversion!r}", f"# objective: {self.score(answer).objective:.0f}",
            *(" ".join(map(str, row)) for row in self._rows(answer)),
        ]
        return "\n".join(lines) + "\n"

    def read_sol(self, path: str | Path) -> Holdings:
        """Read an answer that `to_sol` wrote.

        Raises
        ------
        ParseError
            Where a line is malformed or names what there is not, a row is given twice, or the
            objective in the head is not that of the answer: then it belongs to another instance.
        """
        file = qoblib.read_solution(Path(path))
        held = np.zeros((len(self.prices), len(self.symbols), 2), dtype=np.int64)
        seen: set[tuple[int, str]] = set()
        for line, period, symbol, long, short in file.rows:
            if (period, symbol) in seen:
                raise ParseError(path, f"{symbol} in period {period} is given twice", line)
            seen.add((period, symbol))
            try:
                self._put(held, period, symbol, long, short)
            except (InputError, UsageError) as fault:
                raise ParseError(path, str(fault), line) from None
        said = file.head.get("objective")
        value = self.score(held).objective
        if said is not None and said != f"{value:.0f}":
            raise ParseError(
                path, f"the head says objective {said}, in {self.name} it is {value:.0f}: the "
                "solution belongs to another instance, budget or lambda"
            )
        return held

    # -- lowering it --------------------------------------------------------------------------

    def lower(self, form: type[Form], **options: Any) -> Lowering[Any]:
        """Give the instance as a `Qubo` or a `Program`; options are those of the methods below."""
        if form is Qubo:
            what = "the QUBO lowering of a multi-period portfolio"
            return self.to_qubo(**check_options(self.to_qubo, options, what))
        if form is Program:
            what = "the program lowering of a multi-period portfolio"
            return self.to_program(**check_options(self.to_program, options, what))
        raise UnsupportedError("a portfolio has no routes: it is given as a qubo or a program")

    def to_program(
        self, *, encoding: Literal["integer", "unary"] = "integer"
    ) -> Lowering[Program]:
        """The instance as a program.

        Parameters
        ----------
        encoding : {"integer", "unary"}
            Whole variables and one for each change of a holding; or three bits for each holding,
            whose changes are quadratic.
        """
        if encoding == "integer":
            return as_integers(self.coefficients, self.budget, self.symbols)
        return as_bits(self.coefficients, self.budget, self.symbols, spare="none")

    def to_qubo(
        self,
        *,
        spare: Literal["unary", "binary"] | None = None,
        weight: float | None = None,
    ) -> Lowering[Qubo]:
        """The instance as a QUBO: three bits for each holding and no bit for its changes.

        Parameters
        ----------
        spare : {"unary", "binary"}, optional
            The budget that is left in a period: one bit a unit, so that "exactly so many" is a
            group, for which unpenalised moves exist; or as few bits as possible, with penalties.
            Without it unary up to a budget of 16.
        weight : float, optional
            Penalty of the smallest violation; by default a proven one for each constraint.
        """
        chosen = spare or ("unary" if self.budget <= 16 else "binary")
        first = as_bits(
            self.coefficients, self.budget, self.symbols,
            spare="unary" if chosen == "unary" else "none",
        )
        return first.then(program_to_qubo(first.model, weight=weight))


def _covariance_file(path: Path, name: str | None) -> Path:
    names = (name,) if name else ("covariance_matrices.txt.gz", "covariance_matrices.txt")
    for each in names:
        if (path.parent / each).is_file():
            return path.parent / each
    raise InputError(f"there is no {' or '.join(names)} beside {path}; name it with covariance=")
