"""The efficient frontier: continuous weights, and on it what an instance's own limits can reach."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.analysis import Observer
from qopt.errors import UnsupportedError, UsageError
from qopt.numbers import percent_text, plural, seconds_text, value_text
from qopt.problem import Problem
from qopt.record import Record
from qopt.report.plain import aligned, as_csv
from qopt.run import solve
from qopt.solution import Solution
from qopt.stats import gap

from .continuous import ContinuousPoint, Markowitz
from .problem import Portfolio

CURVE_POINTS = 60
"""Points of the continuous curve that are drawn."""
ROUNDING = 1e-6
"""Relative size up to which a distance from the frontier is the convex solver's rounding."""


@dataclass(frozen=True, eq=False)
class FrontierPoint:
    """What a solver found for one risk aversion, beside the continuous portfolio.

    Parameters
    ----------
    risk : float
        Weight of the variance in the objective.
    continuous : ContinuousPoint
        The continuous long-only minimiser of the same objective.
    record : Record
        The run.
    gap : float, optional
        Relative distance of the answer from the run's own bound.
    mean, variance : float, optional
        Of the answer, in the instance's unit; None without a feasible answer.
    frontier_volatility : float, optional
        The least volatility that continuous weights need for the answer's expected return.
    """

    risk: float
    continuous: ContinuousPoint = field(repr=False)
    record: Record = field(repr=False)
    gap: float | None = None
    mean: float | None = None
    variance: float | None = None
    frontier_volatility: float | None = None

    @property
    def volatility(self) -> float | None:
        """Square root of the answer's variance."""
        return None if self.variance is None else sqrt(max(0.0, self.variance))

    @property
    def excess_volatility(self) -> float | None:
        """By how much the volatility is above the frontier's at the same return: 0.05 is 5 %."""
        volatility, least = self.volatility, self.frontier_volatility
        if volatility is None or not least:
            return None
        excess = volatility / least - 1.0
        return excess if abs(excess) > ROUNDING else 0.0

    @property
    def continuous_objective(self) -> float:
        """The objective of the continuous minimiser: what no fully invested answer can beat."""
        return self.risk * self.continuous.variance - (1.0 - self.risk) * self.continuous.mean

    @property
    def objective(self) -> float | None:
        """The objective of the answer, where that is feasible."""
        return self.record.objective if self.record.feasible else None

    @property
    def distance(self) -> float | None:
        """The answer's objective less the continuous one."""
        return None if self.objective is None else self.objective - self.continuous_objective

    def to_json(self) -> dict[str, Any]:
        """The point as JSON values."""
        relative = None if self.objective is None else gap(
            self.objective, self.continuous_objective, "minimise"
        ).relative
        return {
            "risk": self.risk, "status": str(self.record.status), "reason": self.record.reason,
            "expected_return": self.mean, "variance": self.variance,
            "volatility": self.volatility, "frontier_volatility": self.frontier_volatility,
            "excess_volatility": self.excess_volatility,
            "objective": self.objective, "bound": self.record.bound, "gap_to_bound": self.gap,
            "continuous_objective": self.continuous_objective,
            "distance_to_continuous": self.distance, "gap_to_continuous": relative,
            "answer": self.record.answer if self.record.feasible else None,
            "run": self.record.id, "wall": self.record.wall,
        }


@dataclass(frozen=True, eq=False)
class Frontier:
    """A frontier and the points of a model beside it.

    Parameters
    ----------
    problem : Portfolio
    solver : str
        With its options.
    curve : tuple of ContinuousPoint
        The continuous frontier, from the least risk to the most return.
    points : tuple of FrontierPoint
        From risk=1 (least risk) to risk=0 (most return).
    notes : tuple of str
    """

    problem: Portfolio
    solver: str
    curve: tuple[ContinuousPoint, ...] = field(repr=False)
    points: tuple[FrontierPoint, ...] = field(repr=False)
    notes: tuple[str, ...] = ()

    @property
    def found(self) -> list[FrontierPoint]:
        """The points with a feasible answer."""
        return [point for point in self.points if point.mean is not None]

    @property
    def answered(self) -> bool:
        """Whether any run found a feasible answer."""
        return bool(self.found)

    @property
    def summary(self) -> str:
        """What the frontier shows, in a sentence."""
        problem, found = self.problem, self.found
        head = (
            f"{problem.name}: continuous long-only frontier of "
            f"{plural(len(problem.assets), 'asset')} and "
            f"{plural(len(self.points), 'risk aversion')} by {self.solver}"
        )
        if not found:
            return f"{head}: no feasible answer was found"
        proven = sum(point.record.status == "optimal" for point in found)
        excess = [point.excess_volatility or 0.0 for point in found]
        return (
            f"{head}: {proven} of {len(self.points)} proven optimal, volatility "
            f"{percent_text(min(excess))} to {percent_text(max(excess))} % above the frontier at "
            f"the same return, {problem.unit}"
        )

    def to_json(self) -> dict[str, Any]:
        """The frontier as JSON values."""
        return {
            "instance": self.problem.name, "unit": self.problem.unit, "solver": self.solver,
            "assets": list(self.problem.assets), "summary": self.summary,
            "frontier": [_curve_json(point, self.problem.assets) for point in self.curve],
            "points": [
                {**point.to_json(), "weights": self.weights(point)} for point in self.points
            ],
            "notes": list(self.notes),
        }

    def to_csv(self) -> str:
        """One line a point with its weights: the continuous curve, then the model's points."""
        columns = (
            "kind", "risk", "expected_return", "volatility", "variance", "frontier_volatility",
            "excess_volatility", "objective", "bound", "gap_to_bound", "continuous_objective",
            "distance_to_continuous", "status", "run",
        )
        rows: list[dict[str, Any]] = [
            {"kind": "continuous", "risk": point.risk, "expected_return": point.mean,
             "volatility": point.volatility, "variance": point.variance}
            for point in self.curve
        ]
        rows += [{"kind": "model", **point.to_json()} for point in self.points]
        weights = [_named(point.weights, self.problem.assets) for point in self.curve]
        weights += [self.weights(point) or {} for point in self.points]
        held = [name for name in self.problem.assets if any(name in each for each in weights)]
        return as_csv(
            [*columns, *(f"weight of {name}" for name in held)],
            [[*(row.get(name) for name in columns), *(each.get(name) for name in held)]
             for row, each in zip(rows, weights, strict=True)],
        )

    def weights(self, point: FrontierPoint) -> dict[str, float] | None:
        """Weights of the assets that a point holds; None without a feasible answer."""
        if not point.record.feasible:
            return None
        answer = self.problem.decode_answer(point.record.answer)
        return _named(self.problem.weights(answer), self.problem.assets)

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and cells of the model's points, as a terminal and a page show them."""
        header = ["risk", "status", "return", "volatility", "frontier", "above %", "objective",
                  "gap to bound %", "continuous objective", "assets", "seconds"]
        return header, [_cells(point) for point in self.points]

    def render(self) -> str:
        """The table as text."""
        header, rows = self.table()
        lines = [self.summary, "", *aligned(header, rows, words=2), ""]
        lines += [f"{title}: {text}" for title, text in LEGEND.items()]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)]) + "\n"

    def to_html(self) -> str:
        """The frontier as a page with its plot."""
        from .frontier_page import frontier_page

        return frontier_page(self)


LEGEND = {
    "risk": "weight of the variance; risk * variance - (1 - risk) * return is minimised",
    "frontier": "least volatility that continuous long-only weights need for the same return",
    "above %": "by how much the volatility is above the frontier",
    "gap to bound %": "distance of the objective from what the solver proved",
    "continuous objective": "what continuous long-only weights reach for the same risk",
}
"""What the columns mean."""


def frontier(
    problem: Problem,
    *,
    points: int = 20,
    solver: str = "auto",
    seed: int = 0,
    time_limit: float | None = None,
    threads: int = 1,
    observer: Observer | None = None,
) -> Frontier:
    """Trace the continuous frontier, and run a solver on the instance along it.

    The risk aversions are those at which the continuous portfolios have evenly spaced expected
    returns: the multiplier of the least return gives each. A weighted sum of variance and return
    finds the supported efficient portfolios only, those on the convex hull.

    Parameters
    ----------
    problem : Portfolio
        With the objective mean-variance; its own risk is not used.
    points : int
        How many risk aversions, at least 2.
    solver : str
        Name and options.
    seed : int
    time_limit : float, optional
        Wall seconds of each run.
    threads : int
    observer : Observer, optional

    Raises
    ------
    UnsupportedError
        For a problem that is no portfolio, or one with another objective.
    UsageError
        For less than two points.
    """
    if not isinstance(problem, Portfolio):
        raise UnsupportedError(f"a frontier is of a portfolio, {problem.name} is a {problem.kind}")
    if problem.objective != "mean-variance":
        raise UnsupportedError(
            f"a frontier trades variance for return: objective={problem.objective} does not go "
            "with it; leave objective out"
        )
    if points < 2:
        raise UsageError(f"a frontier has two points at least, got points={points}")
    model = Markowitz(problem.moments)
    curve = model.curve(points)
    found: list[FrontierPoint] = []
    notes = _notes(problem)
    if observer is not None:
        observer.total = len(curve)
    for number, point in enumerate(curve, 1):
        if observer is not None:
            observer.begin(f"risk {point.risk:.4g} by {solver}")
        solution = solve(
            replace(problem, risk=point.risk, reference=None), solver, seed=seed,
            time_limit=time_limit, threads=threads,
            listener=None if observer is None else observer.report,
        )
        found.append(_judged(model, model.at_risk(point.risk), solution))
        if solution.record.interrupted:
            notes.append(f"interrupted after {number} of {points} points")
            break
    drawn = curve if points >= CURVE_POINTS else model.curve(CURVE_POINTS)
    return Frontier(problem, solver, tuple(drawn), tuple(found), tuple(notes))


def _notes(problem: Portfolio) -> list[str]:
    notes = [
        "a weighted sum of variance and return finds supported efficient portfolios only: between "
        "two points there may be efficient ones that no risk aversion prefers"
    ]
    if problem.risk is not None:
        notes.append(f"the instance's own risk={problem.risk:g} gives way to that of each point")
    if problem.limits.may_hold_cash:
        notes.append(
            "the model may hold cash and the frontier is fully invested: points may lie above it"
        )
    return notes


def _judged(model: Markowitz, continuous: ContinuousPoint, solution: Solution) -> FrontierPoint:
    """A run beside the continuous portfolio of the same risk aversion."""
    risk, record = continuous.risk, solution.record
    if not solution.feasible:
        return FrontierPoint(risk, continuous, record)
    problem = solution.problem
    assert isinstance(problem, Portfolio)
    mean = problem.expected_return(solution.answer)
    least = model.least_risk
    most = float(problem.moments.mean.max())
    at_return = least if mean <= least.mean else model.at_return(min(mean, most))
    return FrontierPoint(
        risk, continuous, record, solution.gap, mean, problem.variance(solution.answer),
        at_return.volatility,
    )


def _curve_json(point: ContinuousPoint, assets: Sequence[str]) -> dict[str, Any]:
    return {
        "risk": point.risk, "expected_return": point.mean, "variance": point.variance,
        "volatility": point.volatility, "weights": _named(point.weights, assets),
    }


def _named(weights: NDArray[np.float64], assets: Sequence[str]) -> dict[str, float]:
    return {name: float(w) for name, w in zip(assets, weights, strict=True) if w}


def _cells(point: FrontierPoint) -> list[str]:
    held = point.record.answer if point.record.feasible else None
    return [
        f"{point.risk:.4g}", str(point.record.status).replace("_", " "),
        _figure(point.mean), _figure(point.volatility), _figure(point.frontier_volatility),
        percent_text(point.excess_volatility), _figure(point.objective),
        percent_text(point.gap), _figure(point.continuous_objective),
        "–" if held is None else str(len(held)), seconds_text(point.record.wall),
    ]


def _figure(value: float | None) -> str:
    return value_text(None if value is None or abs(value) == inf else value, 5)
