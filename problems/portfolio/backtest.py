"""Walk-forward backtest: solvers and baselines on the same past, net of costs, with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from qopt.analysis import Observer
from qopt.bootstrap import RESAMPLES, Estimated, default_block, stationary_bootstrap
from qopt.errors import InfeasibleError, UnsupportedError, UsageError
from qopt.numbers import plural
from qopt.problem import Problem
from qopt.run import solve
from qopt.solution import Solution

from .performance import Calendar, Difference, Floats, Measure, differences, periods_per_year
from .problem import Portfolio
from .risk import historical_tail
from .strategies import Rule, rules_for
from .walk import Picker, Walk, instance_before, rebalancings, walk

LEAST_PERIODS = 10
"""Periods out of the sample below which figures say nothing."""
COST = 0.001
"""Cost of a unit of weight traded where neither the test nor the instance names one."""
RANDOM_PATHS = 20
"""Random selections that are carried through the test."""


@dataclass(frozen=True, eq=False)
class Track:
    """One strategy and how it fared.

    Parameters
    ----------
    name, summary : str
    is_solver : bool
    walks : tuple of Walk
        One, or several of a random strategy, whose figures are means.
    proven : int
        Rebalancings at which a solver proved its answer optimal.
    seconds : float
        Wall seconds of all its runs.
    """

    name: str
    summary: str
    is_solver: bool
    walks: tuple[Walk, ...] = field(repr=False)
    proven: int = 0
    seconds: float = 0.0

    @property
    def returns(self) -> Floats:
        """Net returns, shape (paths, periods)."""
        return np.array([walk.returns for walk in self.walks])

    @property
    def wealth(self) -> Floats:
        """Mean wealth of the paths after each period, from 1, shape (periods + 1,)."""
        growth = np.cumprod(1.0 + self.returns, axis=1).mean(axis=0)
        return np.concatenate([[1.0], growth])

    @property
    def turnover(self) -> float | None:
        """Mean one-way turnover at a rebalancing, the first purchase with cash left out."""
        later = [walk.traded[1 if walk.from_cash else 0 :] for walk in self.walks]
        return float(np.mean(later)) / 2.0 if len(later[0]) else None

    @property
    def missed(self) -> int:
        """Rebalancings without an answer, over all paths."""
        return sum(len(walk.missed) for walk in self.walks)

    @property
    def held_any(self) -> bool:
        """Whether a portfolio was ever picked: without one there is nothing to take figures of."""
        return any(len(walk.missed) < len(walk.traded) for walk in self.walks)


@dataclass(frozen=True, eq=False)
class Backtest:
    """A walk-forward test and what it shows.

    Parameters
    ----------
    problem : Portfolio
    window, step : int
        Returns of a window, and periods between rebalancings.
    cost : float
        Of each unit of weight traded.
    block : float
        Mean block length of the bootstrap, in periods.
    seed : int
    dates : tuple of str
        The last period of each window: when the portfolios are picked.
    times : tuple of str
        The periods out of the sample.
    tracks : tuple of Track
        Solvers first.
    left_out : tuple of str
        Solvers that an interrupt left out.
    """

    problem: Portfolio
    window: int
    step: int
    cost: float
    block: float
    seed: int
    dates: tuple[str, ...] = field(repr=False)
    times: tuple[str, ...] = field(repr=False)
    tracks: tuple[Track, ...] = field(repr=False)
    left_out: tuple[str, ...] = ()

    @property
    def answered(self) -> bool:
        """Whether every solver found a portfolio at some date."""
        return all(track.held_any for track in self.tracks if track.is_solver)

    @property
    def held(self) -> list[Track]:
        """The strategies that had a portfolio: those that are measured and compared."""
        return [track for track in self.tracks if track.held_any]

    @cached_property
    def calendar(self) -> Calendar:
        """How figures are put on a year."""
        given, history = self.problem.periods_per_year, self.problem.moments.history
        assert history is not None
        periods = given or periods_per_year(history.times)
        return Calendar(periods, (self.problem.risk_free or 0.0) / (given or 1.0))

    @cached_property
    def _places(self) -> NDArray[np.int64]:
        rng = np.random.default_rng([self.seed, len(self.times)])
        return stationary_bootstrap(len(self.times), self.block, RESAMPLES, rng)

    @cached_property
    def measures(self) -> dict[str, Measure]:
        """What strategies are compared in; with an index the tracking error, too."""
        calendar, paths = self.calendar, {track.name: track.returns for track in self.held}
        found = [
            Measure("return", calendar.growth, True, paths),
            Measure("volatility", calendar.volatility, False, paths),
            Measure("Sharpe ratio", calendar.sharpe, True, paths),
        ]
        history = self.problem.moments.history
        if history is not None and history.benchmark is not None:
            index = history.benchmark[self.window :]
            active = {name: series - index for name, series in paths.items()}
            found.append(Measure("tracking error", calendar.volatility, False, active))
        return {measure.name: measure for measure in found}

    @cached_property
    def figures(self) -> dict[str, dict[str, Estimated]]:
        """By measure and strategy the figure with its interval."""
        return {name: measure.estimates(self._places) for name, measure in self.measures.items()}

    @property
    def compared(self) -> list[str]:
        """The measures in which solvers are held against baselines."""
        return [name for name in self.measures if name != "return"]

    @cached_property
    def differences(self) -> list[Difference]:
        """Each solver against each baseline in every compared measure."""
        return differences(
            [track.name for track in self.held if track.is_solver],
            [track.name for track in self.held if not track.is_solver],
            [self.measures[name] for name in self.compared],
            self._places,
        )

    def tails(self, track: Track) -> dict[str, tuple[float, float]]:
        """Value at risk and conditional value at risk over one period, by level."""
        return {
            f"{100.0 * level:g} %": tuple(np.mean(
                [historical_tail(path, level) for path in track.returns], axis=0
            ).tolist())
            for level in self.problem.levels
        }

    def spent(self, track: Track) -> float:
        """Costs of the whole test as a share of the wealth, summed over the rebalancings."""
        return self.cost * float(np.mean([walk.traded.sum() for walk in track.walks]))

    def to_json(self) -> dict[str, Any]:
        """The test as JSON values."""
        from .backtest_report import as_json

        return as_json(self)

    def to_csv(self) -> str:
        """Net return of every strategy in every period, and its weights at each rebalancing."""
        from .backtest_report import as_table

        return as_table(self)

    def render(self) -> str:
        """Figures and verdicts as text."""
        from .backtest_report import as_text

        return as_text(self)

    def to_html(self) -> str:
        """The test as a page with wealth curves."""
        from .backtest_report import as_page

        return as_page(self)


def backtest(
    problem: Problem,
    *,
    window: int,
    step: int,
    solvers: Sequence[str] = ("auto",),
    cost: float | None = None,
    block: float | None = None,
    seed: int = 0,
    time_limit: float | None = None,
    threads: int = 1,
    observer: Observer | None = None,
) -> Backtest:
    """Test solvers on past returns, beside baselines, without looking ahead.

    At every rebalancing the instance is estimated anew from the window of returns before it, and
    from nothing else; the portfolio that is picked is held, its weights drifting, to the next.

    Parameters
    ----------
    problem : Portfolio
        Read from prices or returns; its settings are those of every date.
    window : int
        Returns that a portfolio is estimated from, 2 at least.
    step : int
        Periods between rebalancings, 1 at least.
    solvers : sequence of str
        Names with options.
    cost : float, optional
        Of each unit of weight bought or sold: 0.001 is ten basis points. By default the instance's
        own cost, or `COST` where it has none.
    block : float, optional
        Mean block length of the bootstrap in periods; by default `default_block`.
    seed : int
        Of the solvers, the random baseline and the bootstrap.
    time_limit : float, optional
        Wall seconds of each run.
    threads : int
    observer : Observer, optional

    Raises
    ------
    UnsupportedError
        For a problem that is no portfolio, or one without returns.
    UsageError
        For lengths that leave too little to test on, and costs that are none.
    KeyboardInterrupt
        Where a run of the first solver was interrupted: half a test says nothing. A later one and
        those after it are left out, and the notes say so.
    """
    if not isinstance(problem, Portfolio):
        raise UnsupportedError(f"a backtest is of a portfolio, {problem.name} is a {problem.kind}")
    history = problem.moments.history
    if history is None:
        raise UnsupportedError(
            f"a backtest needs past prices or returns, and {problem.name} has moments alone"
        )
    names = list(dict.fromkeys(solvers))
    if cost is None:
        cost = COST if problem.cost is None else problem.cost
    _check(len(history), window, step, cost, names)
    dates = rebalancings(len(history), window, step)
    test_length = len(history) - window
    length = default_block(test_length) if block is None else block
    stationary_bootstrap(test_length, length, 0, np.random.default_rng(0))  # refuses wrong lengths
    if observer is not None:
        observer.total = len(names) * len(dates)
    instances = [instance_before(problem, date, window) for date in dates]
    runner = _Runner(problem, instances, dates, cost, seed, time_limit, threads, observer)
    tracks = runner.of_solvers(names)
    left_out = tuple(names[len(tracks):])
    tracks += [runner.of_rule(rule) for rule in rules_for(problem, RANDOM_PATHS)]
    return Backtest(
        problem, window, step, cost, length, seed,
        tuple(history.times[t - 1] for t in dates), history.times[window:], tuple(tracks),
        left_out,
    )


def _check(periods: int, window: int, step: int, cost: float, solvers: Sequence[str]) -> None:
    if not solvers:
        raise UsageError("a backtest needs a solver: solvers=['cpsat']")
    if window < 2 or step < 1:
        raise UsageError(
            f"a window has 2 returns at least and a step 1 period, got window={window} and "
            f"step={step}"
        )
    if periods - window < LEAST_PERIODS:
        raise UsageError(
            f"{plural(periods, 'return')} with window={window} leave {max(0, periods - window)} to "
            f"test on, {LEAST_PERIODS} are needed; shorten the window"
        )
    if not 0.0 <= cost < 1.0:
        raise UsageError(f"cost={cost:g} is no cost of trading; it is a fraction from 0 to below 1")


@dataclass(frozen=True, eq=False)
class _Runner:
    """What all strategies of a test share."""

    problem: Portfolio
    instances: Sequence[Portfolio]
    dates: range
    cost: float
    seed: int
    time_limit: float | None
    threads: int
    observer: Observer | None

    def of_solvers(self, names: Sequence[str]) -> list[Track]:
        """One after the other; after an interrupt those that got to the end."""
        tracks: list[Track] = []
        for name in names:
            try:
                tracks.append(self.of_solver(name))
            except KeyboardInterrupt:
                if not tracks:
                    raise
                break
        return tracks

    def of_solver(self, name: str) -> Track:
        history = self.problem.moments.history
        assert history is not None
        solutions: list[Solution] = []

        def pick(number: int, problem: Portfolio) -> Floats | None:
            if self.observer is not None:
                end = history.times[self.dates[number] - 1]
                self.observer.begin(f"{problem.name} up to {end} by {name}")
            try:
                solution = solve(
                    problem, name, seed=self.seed, time_limit=self.time_limit,
                    threads=self.threads,
                    listener=None if self.observer is None else self.observer.report,
                )
            except InfeasibleError:
                return None
            if solution.record.interrupted:
                raise KeyboardInterrupt
            solutions.append(solution)
            return problem.weights(solution.answer) if solution.feasible else None

        done = self._walk(pick)
        return Track(
            name, "the instance, solved at every rebalancing", True, (done,),
            sum(solution.status == "optimal" for solution in solutions),
            sum(solution.record.wall for solution in solutions),
        )

    def of_rule(self, rule: Rule) -> Track:
        walks = []
        for path in range(rule.paths):
            rng = np.random.default_rng([self.seed, crc32(rule.name.encode()), path])

            def pick(
                number: int, problem: Portfolio, rng: np.random.Generator = rng
            ) -> Floats | None:
                return rule.pick(problem, rng)

            walks.append(self._walk(pick))
        return Track(rule.name, rule.summary, False, tuple(walks))

    def _walk(self, pick: Picker) -> Walk:
        return walk(self.problem, self.instances, self.dates, self.cost, pick)
