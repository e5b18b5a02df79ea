"""Swap local search: a quick and good portfolio of lots, without a proof."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .objective import quadratic_of

if TYPE_CHECKING:
    from .problem import Portfolio

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STARTS = 20
"""Random starts of a search."""

MOST_MOVES = 1000
"""Moves from one start at most."""

_BROKEN = 1e9
"""What a unit of violation counts beside an objective brought to size 1."""


def swap_search(portfolio: "Portfolio", *, starts: int = STARTS, seed: int = 0) -> Ints | None:
    """The best portfolio of lots that moves of lots find, or None where none found is feasible."""
    return next(iter(local_optima(portfolio, starts=starts, seed=seed)), None)


def local_optima(
    portfolio: "Portfolio", *, starts: int = STARTS, seed: int = 0
) -> list[Ints]:
    """Feasible portfolios of lots that no move of lots makes better, the best first.

    From random starts, the best of all moves is made until none is better: a lot, or all lots, of
    one asset go to another, or to and from cash where that may be held.

    Parameters
    ----------
    portfolio : Portfolio
        With equal weights or lots.
    starts, seed : int

    Returns
    -------
    list of ndarray of int64, shape (n,)
        Different ones.
    """
    search = _Search.of(portfolio)
    rng = np.random.default_rng(seed)
    sign = 1.0 if portfolio.sense == "minimise" else -1.0
    found: dict[bytes, tuple[float, Ints]] = {}
    for _ in range(starts):
        lots = search.descend(search.start(rng))[:-1]
        if lots.tobytes() not in found:
            score = portfolio.score(lots)
            if score.feasible:
                found[lots.tobytes()] = sign * score.objective, lots
    return [lots for _, lots in sorted(found.values(), key=lambda pair: pair[0])]


@dataclass(frozen=True, eq=False)
class _Search:
    """The portfolio with cash as its last asset.

    Parameters
    ----------
    portfolio : Portfolio
    square, linear, mean, current : ndarray of float64
        Of variance and return, cash included.
    lower, upper : ndarray of int64, shape (n + 1,)
    """

    portfolio: "Portfolio"
    square: Floats
    linear: Floats
    mean: Floats
    current: Floats
    lower: Ints
    upper: Ints

    @classmethod
    def of(cls, portfolio: "Portfolio") -> "_Search":
        limits, trading = portfolio.limits, portfolio.trading
        square, linear, _ = quadratic_of(portfolio.aim, portfolio.moments.covariance)
        n = len(limits.assets)
        lower, upper = limits.tightened()
        current = np.zeros(n) if trading is None else trading.current
        spare = limits.total - limits.fewest if limits.may_hold_cash else 0
        return cls(
            portfolio,
            np.pad(square, (0, 1)),
            np.append(linear, 0.0),
            np.append(portfolio.moments.mean, portfolio.cash_return or 0.0),
            np.append(current, 0.0),
            np.append(lower, 0).astype(np.int64),
            np.append(upper, spare).astype(np.int64),
        )

    def start(self, rng: np.random.Generator) -> Ints:
        """Lots at random: whole positions until the total is spent."""
        limits = self.portfolio.limits
        lots = self.lower.copy()
        left, least = limits.total - int(lots.sum()), max(1, int(limits.least))
        for i in rng.permutation(len(lots) - 1):
            if lots[i] == 0 and self.upper[i] >= least <= left and (
                int((lots > 0).sum()) < limits.most
            ):
                lots[i] = least
                left -= least
        while left > 0:
            open_ = np.flatnonzero((lots > 0) & (lots < self.upper))
            if not len(open_):
                open_ = np.flatnonzero(lots < self.upper)
            if not len(open_):
                break
            lots[rng.choice(open_)] += 1
            left -= 1
        return lots

    def descend(self, lots: Ints) -> Ints:
        """Make the best move until none is better."""
        nothing = Moves(lots, np.zeros((1, 1)), np.array([0]), np.array([0]))
        value = float(self._values(nothing)[0, 0])
        for _ in range(MOST_MOVES):
            best = value
            after = lots
            for moves in self._moves(lots):
                values = self._values(moves)
                k = int(values.argmin())
                if values.flat[k] < best - 1e-12 * max(1.0, abs(best)):
                    best, after = float(values.flat[k]), moves.make(k)
            if after is lots:
                break
            lots, value = after, best
        return lots

    def _moves(self, lots: Ints) -> Iterator["Moves"]:
        """One lot, and where that is less all lots, from each asset that can give to any other."""
        givers = np.flatnonzero(lots > self.lower)
        takers = np.flatnonzero(lots < self.upper)
        if not len(givers) or not len(takers):
            return
        shape = (len(givers), len(takers))
        yield Moves(lots, np.ones(shape), givers, takers)
        if (lots[givers] > 1).any():
            every = np.broadcast_to(lots[givers].astype(np.float64)[:, None], shape)
            yield Moves(lots, every, givers, takers)

    def _values(self, moves: "Moves") -> Floats:
        """Objective, brought to size 1, and violations after each move."""
        portfolio = self.portfolio
        unit = 1.0 / portfolio.limits.total
        w: Floats = moves.lots.astype(np.float64) * unit
        q = moves.step * unit
        i, j = moves.giver, moves.taker
        slope, own = 2.0 * (self.square @ w) + self.linear, np.diagonal(self.square)
        variance = portfolio.variance(moves.lots[:-1]) + q * (slope[j] - slope[i][:, None])
        variance += q**2 * (own[i][:, None] + own[j] - 2.0 * self.square[np.ix_(i, j)])
        gain = q * (self.mean[j] - self.mean[i][:, None])
        gain += portfolio.expected_return(moves.lots[:-1])
        broken = self._amounts_broken(moves) + self._counts_broken(moves)
        if portfolio.trading is not None:
            change = self._traded(w, q, moves)
            gain -= portfolio.trading.cost * change
            if portfolio.trading.max_turnover is not None:
                turnover = 0.5 * (portfolio.trading.traded(w[:-1]) + change)
                broken += np.maximum(0.0, turnover - portfolio.trading.max_turnover - 1e-9)
        if portfolio.target_return is not None:
            short = (portfolio.target_return - gain) / portfolio.return_scale
            broken += np.maximum(0.0, short - 1e-9)
        aim = portfolio.aim
        if aim.aim == "max-sharpe":
            merit = (aim.risk_free - gain) / np.sqrt(np.maximum(variance, 1e-300))
        else:
            scale = float(np.abs(own).max()) or 1.0
            merit = (aim.risk * variance - (1.0 - aim.risk) * gain) / scale
        return np.asarray(merit + _BROKEN * broken, dtype=np.float64)

    def _traded(self, w: Floats, q: Floats, moves: "Moves") -> Floats:
        """By how much each move changes what is bought and sold; cash is no trade."""
        i, j, now = moves.giver, moves.taker, self.current
        before = np.abs(w - now)
        sold = np.abs(w[i][:, None] - q - now[i][:, None]) - before[i][:, None]
        bought = np.abs(w[j] + q - now[j]) - before[j]
        return np.asarray(sold * (i < moves.cash)[:, None] + bought * (j < moves.cash))

    def _amounts_broken(self, moves: "Moves") -> Floats:
        """By how much limits on the lots of an asset or a sector are broken after each move."""
        limits, lots, i, j = self.portfolio.limits, moves.lots, moves.giver, moves.taker
        out, into = lots[i][:, None] - moves.step, lots[j] + moves.step
        least = np.full(len(lots), max(1.0, limits.least))
        least[moves.cash] = 1.0
        broken = np.maximum(0.0, self.lower[i][:, None] - out)
        broken += np.maximum(0.0, into - self.upper[j])
        for after, need in ((out, least[i][:, None]), (into, least[j])):
            broken += np.where((after > 0) & (after < need), need - after, 0.0)
        # Moving an asset onto itself moves nothing.
        broken += (i[:, None] == j) & (moves.step > 0)
        for cap in limits.caps:
            inside = np.isin(np.arange(len(lots)), cap.members)
            amount = lots[inside].sum() + moves.step * (inside[j] * 1.0 - inside[i][:, None])
            if cap.lots is not None:
                broken += np.maximum(0.0, amount - cap.lots)
            broken += np.maximum(0.0, cap.least_lots - amount)
        return broken

    def _counts_broken(self, moves: "Moves") -> Floats:
        """By how much limits on numbers of assets are broken after each move."""
        limits, lots, i, j = self.portfolio.limits, moves.lots, moves.giver, moves.taker
        held = lots > 0
        held[moves.cash] = False
        leaves = held[i][:, None] & (lots[i][:, None] == moves.step)
        joins = (lots[j] == 0) & (j < moves.cash) & (moves.step > 0)
        broken = np.zeros(moves.step.shape)
        everything = (np.arange(len(lots)) < moves.cash, limits.fewest, limits.most)
        groups = [] if limits.selecting else [everything]
        groups += [
            (np.isin(np.arange(len(lots)), cap.members), cap.least_assets,
             len(lots) if cap.assets is None else cap.assets)
            for cap in limits.caps
        ]
        for inside, fewest, most in groups:
            count = held[inside].sum() - leaves * inside[i][:, None] * 1.0 + joins * inside[j]
            broken += np.maximum(0.0, count - most) + np.maximum(0.0, fewest - count)
        return broken


@dataclass(frozen=True, eq=False)
class Moves:
    """Lots that go from each of some assets to each of others.

    Parameters
    ----------
    lots : ndarray of int64, shape (n + 1,)
        Before; cash is last.
    step : ndarray of float64, shape (givers, takers)
        How many lots go.
    giver, taker : ndarray of int64
    """

    lots: Ints
    step: Floats
    giver: Ints
    taker: Ints

    @property
    def cash(self) -> int:
        """The place of cash."""
        return len(self.lots) - 1

    def make(self, k: int) -> Ints:
        """The lots after the k-th move, row by row."""
        row, col = divmod(k, len(self.taker))
        after = self.lots.copy()
        after[self.giver[row]] -= int(self.step[row, col])
        after[self.taker[col]] += int(self.step[row, col])
        return after
