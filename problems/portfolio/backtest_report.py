"""A backtest as text, as JSON, as a table of returns, and as a page with wealth curves."""

from math import nan
from typing import Any

import numpy as np

from qopt.bootstrap import RESAMPLES, Estimated
from qopt.numbers import plural
from qopt.record import jsonable
from qopt.report.axes import COLOURS, WIDE, axis_title, grid, side_axis, svg
from qopt.report.markup import Markup, tag
from qopt.report.page import page
from qopt.report.plain import aligned, as_csv, table
from qopt.report.scales import Scale, linear
from qopt.stats import CONFIDENCE

from .backtest import Backtest, Track
from .performance import Calendar, Difference, drawdown

HEIGHT, TOP, BOTTOM = 380.0, 20.0, 336.0
SIDE, RIGHT = 46.0, WIDE - 12.0
DASHES = (None, "8 4", "2 3", "10 3 2 3", "5 5", "14 4", "1 5", "6 2 1 2 1 2")
"""Of the curves, in turn: where several run on top of each other, all of them show."""

_NONE = Estimated(nan, nan, nan, 1.0)


def as_json(test: Backtest) -> dict[str, Any]:
    """Conditions, figures, portfolios and comparisons."""
    data: dict[str, Any] = jsonable({
        "instance": test.problem.name, "assets": list(test.problem.assets),
        "window": test.window, "step": test.step, "cost": test.cost, "seed": test.seed,
        "periods_per_year": test.calendar.periods_per_year,
        "bootstrap": {"kind": "stationary", "mean_block": test.block, "resamples": RESAMPLES,
                      "confidence": CONFIDENCE},
        "rebalancings": list(test.dates), "periods": list(test.times),
        "strategies": [_track_json(test, track) for track in test.tracks],
        "comparisons": [difference.to_json() for difference in test.differences],
        "verdicts": verdicts(test),
        "notes": notes(test),
    })
    return data


def _track_json(test: Backtest, track: Track) -> dict[str, Any]:
    first = track.walks[0]
    return {
        "name": track.name, "summary": track.summary, "solver": track.is_solver,
        "paths": len(track.walks),
        **{
            name.lower().replace(" ", "_"): {"value": e.value, "low": e.low, "high": e.high}
            for name, by_strategy in test.figures.items()
            for e in [by_strategy.get(track.name, _NONE)]
        },
        "max_drawdown": _drawdown(track) if track.held_any else None,
        "tails": {
            level: {"value_at_risk": pair[0], "conditional_value_at_risk": pair[1]}
            for level, pair in test.tails(track).items()
        } if track.held_any else None,
        "turnover": track.turnover if track.held_any else None,
        "costs": test.spent(track) if track.held_any else None, "missed": track.missed,
        "proven_optimal": track.proven if track.is_solver else None,
        "seconds": track.seconds if track.is_solver else None,
        "returns": first.returns.tolist() if len(track.walks) == 1 else None,
        "wealth": track.wealth.tolist(),
        "portfolios": [
            {name: float(w) for name, w in zip(test.problem.assets, row, strict=True) if w}
            for row in first.weights
        ] if len(track.walks) == 1 else None,
    }


def _drawdown(track: Track) -> float:
    return sum(drawdown(path) for path in track.returns) / len(track.walks)


def as_table(test: Backtest) -> str:
    """One line a period: net return of every strategy, of random ones the mean of the paths.

    Columns of weights follow, for every asset that a strategy ever holds: filled in the periods
    that begin with a rebalancing, with the weights that it comes to. Random strategies have none.
    """
    columns = {track.name: track.returns.mean(axis=0).tolist() for track in test.tracks}
    for track in test.held:
        weights = track.walks[0].weights
        for i in np.flatnonzero(weights.any(axis=0)) if len(track.walks) == 1 else ():
            cells: list[float | None] = [None] * len(test.times)
            cells[:: test.step] = weights[:, i].tolist()
            columns[f"{track.name}: weight of {test.problem.assets[i]}"] = cells
    rows = list(zip(test.times, *columns.values(), strict=True))
    return as_csv(["period", *columns], rows)


# -- tables and sentences -------------------------------------------------------------------------


def figures_table(test: Backtest) -> tuple[list[str], list[list[str]]]:
    """Header and cells: one row a strategy."""
    levels = list(test.tails(test.tracks[0]))
    header = ["strategy", *(_title(name) for name in test.measures), "drawdown %",
              *(f"VaR {level}" for level in levels), *(f"CVaR {level}" for level in levels),
              "turnover %", "costs %", "missed"]
    return header, [_cells(test, track) for track in test.tracks]


def _cells(test: Backtest, track: Track) -> list[str]:
    tails = test.tails(track)
    if not track.held_any:
        return [track.name, *["–"] * (len(test.measures) + 2 * len(tails) + 3), str(track.missed)]
    return [
        track.name,
        *(_interval(by_strategy[track.name], name, test.calendar)
          for name, by_strategy in test.figures.items()),
        f"{100.0 * _drawdown(track):.1f}",
        *(f"{pair[0]:.4f}" for pair in tails.values()),
        *(f"{pair[1]:.4f}" for pair in tails.values()),
        "–" if track.turnover is None else f"{100.0 * track.turnover:.1f}",
        f"{100.0 * test.spent(track):.2f}", str(track.missed),
    ]


def _factor(measure: str) -> float:
    """Everything but a ratio is shown in percent."""
    return 1.0 if measure == "Sharpe ratio" else 100.0


def _title(measure: str) -> str:
    return measure if _factor(measure) == 1.0 else f"{measure} %"


def _interval(e: Estimated, measure: str, calendar: Calendar) -> str:
    """A figure with its interval; figures of a single period are small and have more digits."""
    factor = _factor(measure)
    digits = (1 if factor > 1.0 else 2) + (0 if calendar.periods_per_year else 2)
    value, low, high = (f"{factor * x:.{digits}f}" for x in (e.value, e.low, e.high))
    return f"{value} [{low}, {high}]"


def comparison_table(test: Backtest) -> tuple[list[str], list[list[str]]]:
    """Header and cells: one row a solver, baseline and figure."""
    header = ["solver", "against", "in", "difference", "p (Holm)", "verdict"]
    return header, [_comparison_cells(each, test.calendar) for each in test.differences]


def _comparison_cells(each: Difference, calendar: Calendar) -> list[str]:
    return [each.solver, each.baseline, _title(each.figure),
            _interval(each.estimate, each.figure, calendar),
            f"{each.corrected:.3f}", each.verdict]


def verdicts(test: Backtest) -> list[str]:
    """A sentence for each solver and figure: what is better, worse, undecided or the same."""
    words = {"better": "better than", "worse": "worse than", "undecided": "undecided against",
             "the same portfolios": "the same portfolios as"}
    found = []
    for solver in (track.name for track in test.held if track.is_solver):
        for figure in test.compared:
            sides = {
                verdict: [d.baseline for d in test.differences
                          if (d.solver, d.figure, d.verdict) == (solver, figure, verdict)]
                for verdict in words
            }
            parts = [
                f"{words[verdict]} {', '.join(names)}"
                for verdict, names in sides.items() if names
            ]
            found.append(f"{solver}, {figure}: {'; '.join(parts)}")
    return found


def heading(test: Backtest) -> str:
    """Conditions in a sentence."""
    periods = test.calendar.periods_per_year
    unit = "per period" if periods is None else f"per year of {periods:g} periods"
    if periods and test.problem.periods_per_year is None:
        unit += ", by the dates"
    return (
        f"{test.problem.name}: {plural(len(test.dates), 'rebalancing')} every "
        f"{plural(test.step, 'period')} from {test.dates[0]}, each from the {test.window} returns "
        f"before; {plural(len(test.times), 'period')} out of the sample to {test.times[-1]}; net "
        f"of {10000.0 * test.cost:g} basis points a trade; figures {unit}"
    )


def notes(test: Backtest) -> list[str]:
    """How to read it."""
    compared = sum(each.verdict != "the same portfolios" for each in test.differences)
    found = [
        f"brackets are {100.0 * CONFIDENCE:g} % intervals of {RESAMPLES} resamples by the "
        f"stationary bootstrap of Politis and Romano with blocks of {test.block:g} periods in the "
        "mean",
        "differences are paired, period by period; verdicts are at 5 % after Holm's correction "
        f"over all {compared} comparisons of strategies that differ",
        "return is compound, that of wealth; the Sharpe ratio is of the arithmetic mean, so that "
        "it is not return over volatility",
        "one past of one market: what is undecided here may be decided elsewhere, and the other "
        "way round",
        "VaR and CVaR are losses over one period; turnover is one-way at a rebalancing, a first "
        "purchase with cash left out; costs are of the whole test, that purchase included",
    ]
    found += test.problem.moments.notes
    trading = test.problem.trading
    if trading is not None:
        found.append(
            "current is what is held at the first rebalancing; at each later one it is what the "
            "strategy holds by then"
        )
        if trading.max_turnover is not None:
            found.append(
                f"max_turnover={trading.max_turnover:g} limits every rebalancing but those of "
                "equal weight, inverse volatility and continuous, whose rules name weights and no "
                "limits"
            )
    if test.left_out:
        found.append(f"interrupted: without {', '.join(test.left_out)}")
    paths = max(len(track.walks) for track in test.tracks)
    if paths > 1:
        found.append(f"figures of random are means over {paths} random strategies")
    found += [
        f"{track.name} found no portfolio at {track.missed} of "
        f"{len(test.dates) * len(track.walks)} rebalancings and "
        + ("held what it had" if track.held_any else "has no figures and no verdict")
        for track in test.tracks if track.missed
    ]
    return found


def as_text(test: Backtest) -> str:
    """Everything for a terminal."""
    lines = [heading(test), "", *aligned(*figures_table(test)), ""]
    lines += [*aligned(*comparison_table(test), words=3), "", *verdicts(test)]
    return "\n".join([*lines, *(f"note: {note}" for note in notes(test))]) + "\n"


# -- the page -------------------------------------------------------------------------------------


def as_page(test: Backtest) -> str:
    """The whole page."""
    title = f"Backtest of {test.problem.name}"
    return page(
        title,
        tag("header", tag("h1", title), tag("p", heading(test), class_="lead")),
        tag("ul", [tag("li", sentence) for sentence in verdicts(test)]),
        tag("figure", tag("figcaption", "Wealth, net of costs"), _plot(test), _legend(test),
            class_="wide"),
        tag("h2", "Strategies"),
        *_figures(test),
        tag("dl", [
            [tag("dt", track.name), tag("dd", track.summary)] for track in test.tracks
        ], class_="facts"),
        tag("h2", "Solvers against baselines"),
        table(*comparison_table(test), words=3),
        tag("h2", "Notes"),
        tag("ul", [tag("li", note) for note in notes(test)]),
    )


def _figures(test: Backtest) -> list[Markup]:
    """The table of figures in two parts, each of which fits on the page."""
    header, rows = figures_table(test)
    cut = header.index("drawdown %") + 1
    return [
        table(header[:cut], [row[:cut] for row in rows]),
        table([header[0], *header[cut:]], [[row[0], *row[cut:]] for row in rows]),
    ]


def _legend(test: Backtest) -> Markup:
    return tag("ul", [
        tag("li", tag("svg", tag(
            "line", x1=0, x2=44, y1=6, y2=6, stroke_dasharray=DASHES[i % len(DASHES)],
            class_=f"curve s{i % COLOURS}",
        ), viewBox="0 0 44 12", aria_hidden="true"), track.name)
        for i, track in enumerate(test.tracks) if track.held_any
    ], class_="legend")


def _plot(test: Backtest) -> Markup:
    curves = [track.wealth for track in test.tracks]
    upwards = linear([float(x) for track in test.held for x in track.wealth])
    times = (test.dates[0], *test.times)
    last = len(times) - 1
    marks = tuple((float(i), times[i][:10]) for i in sorted({0, last // 3, 2 * last // 3, last}))
    across = Scale(lambda v: v / last, marks)
    parts = [
        grid(across, SIDE, RIGHT, TOP, BOTTOM), side_axis(upwards, SIDE, TOP, BOTTOM, RIGHT),
        tag("text", "wealth of 1 invested", x=4, y=12, class_="tick"),
        axis_title("end of period", HEIGHT, WIDE),
    ]
    for i, track in enumerate(test.tracks):  # the first is drawn through, others in dashes above
        if not track.held_any:
            continue
        steps = [
            f"{SIDE + across.place(t) * (RIGHT - SIDE):.1f} "
            f"{BOTTOM - upwards.place(float(x)) * (BOTTOM - TOP):.1f}"
            for t, x in enumerate(curves[i])
        ]
        words = f"{track.name}: {float(curves[i][-1]):.3f} at the end"
        parts.append(tag(
            "path", tag("title", words), d="M" + "L".join(steps),
            stroke_dasharray=DASHES[i % len(DASHES)], class_=f"curve s{i % COLOURS}",
        ))
    return svg(HEIGHT, f"Wealth in the backtest of {test.problem.name}", parts, WIDE)
