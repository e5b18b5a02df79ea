"""LKH through elkai: the Lin-Kernighan-Helsgaun heuristic on tours."""

import json
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import permutations
from math import inf
from pathlib import Path
from tempfile import TemporaryFile
from threading import Timer
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import SizeError, SolverError, UnsupportedError, UsageError
from qopt.forms import Route, Routing
from qopt.forms.whole_numbers import common_denominator, power_below
from qopt.solver import Budget, Clock, Outcome, Progress, Status, Usage

from .lkh_runs import trials_of_runs

MOST_LOCATIONS = 3000
"""Largest instance taken: LKH reads the whole matrix as text."""

_LARGEST_LENGTH = 2.0**23
"""Largest entry of a matrix: LKH multiplies it by 100 and counts to 2**31."""

_FEWEST_LOCATIONS = 5
"""LKH takes no tour of fewer; those are enumerated."""


@dataclass(frozen=True, kw_only=True)
class Lkh:
    """Lin-Kernighan moves of five edges at a time along near-optimal candidate edges: LKH.

    Takes travelling salesman problems only, one closed tour through all clients with nothing else
    to it, symmetric or not (Helsgaun, European Journal of Operational Research 126, 2000). Lengths
    are scaled to whole numbers: exactly where they have a small common denominator and stay below
    8 million, else rounded. Each better tour is evaluated with the routing itself. There is no
    bound. LKH's licence, which elkai carries, allows non-commercial use only.

    ``Budget.evaluations`` is the number of trials in all, each a local search from a new tour that
    is built along what is known. They make runs, each from a seed of its own. The first two runs
    are of one trial, the very first without LKH's ascent, so that there is an answer soon. Without
    it there are 10 runs, also within a time limit. LKH cannot be interrupted, and tells nothing
    before a run ends: it runs in a process of its own, which is ended by the time limit and by a
    stop, and the best tour of the runs before counts. It uses one thread.

    Parameters
    ----------
    trials : int, optional
        Trials of a run after the first two; by default as many as there are locations.
    """

    trials: int | None = None

    def __post_init__(self) -> None:
        if self.trials is not None and self.trials < 1:
            raise UsageError(f"trials must be at least 1, got {self.trials}")

    def solve(self, model: Routing, budget: Budget, seed: int, progress: Progress) -> Outcome:
        """Solve one routing; see `qopt.solver.Solver`.

        Raises
        ------
        UnsupportedError
            Where the routing is more than one closed tour through all clients.
        SizeError
            Above 3000 locations.
        """
        if not model.is_tsp:
            raise UnsupportedError(
                "LKH takes one closed tour through all clients, without limits, windows, loads "
                "or choices; solve this with 'pyvrp' or 'routing'"
            )
        if model.num_locations > MOST_LOCATIONS:
            raise SizeError("LKH", model.num_locations, MOST_LOCATIONS, "locations")
        usage, clock = Usage(), budget.start()
        if model.num_locations < _FEWEST_LOCATIONS:
            return _enumerated(model, usage)
        if clock.expired or progress.stopping:
            reason = "the budget ended before the first run"
            return Outcome(Status.TIME_LIMIT, usage=usage, reason=reason)
        with usage.phase("compile"):
            task: dict[str, Any] = {
                "problem": problem_text(model.distance),
                "evaluations": budget.evaluations,
                "trials": self.trials or model.num_locations,
                "seed": seed,
                "seconds": clock.remaining if budget.time_limit is not None else None,
            }
        # CPU seconds of the process count once it is waited for, which closing the tours does.
        with usage.phase("execute"), closing(_tours(task, clock, progress)) as found:
            trials = trials_of_runs(budget.evaluations, task["trials"])
            best = _best(model, zip(trials, found, strict=False), usage, progress)
        if best is None:
            reason = "the budget ended before the first run"
            return Outcome(Status.TIME_LIMIT, usage=usage, reason=reason)
        return Outcome(Status.FEASIBLE, [best], usage=usage)


def _best(
    model: Routing, tours: Iterator[tuple[int, list[int]]], usage: Usage, progress: Progress
) -> tuple[Route, ...] | None:
    """The shortest of the tours that come after so many trials, each better one reported."""
    best, least = None, inf
    for trials, tour in tours:
        usage.evaluations += trials
        routes = _routes(tour)
        objective, broken = model.evaluate(routes)
        if not broken and objective < least:
            best, least = routes, objective
            progress.incumbent(objective)
    return best


def problem_text(distance: NDArray[np.float64]) -> str:
    """The matrix as a TSPLIB problem in whole numbers."""
    whole = _whole(distance)
    kind = "TSP" if (whole == whole.T).all() else "ATSP"
    rows = "\n".join(" ".join(map(str, row)) for row in whole.tolist())
    return (
        f"TYPE : {kind}\nDIMENSION : {len(whole)}\nEDGE_WEIGHT_TYPE : EXPLICIT\n"
        f"EDGE_WEIGHT_FORMAT : FULL_MATRIX\nEDGE_WEIGHT_SECTION\n{rows}\n"
    )


def _whole(distance: NDArray[np.float64]) -> NDArray[np.int64]:
    largest = max(float(distance.max()), 1e-9)
    fractions = np.unique(distance[distance != np.rint(distance)]).tolist()
    denominator = common_denominator(fractions)
    scale = power_below(_LARGEST_LENGTH / largest)
    if denominator is not None and denominator * largest <= _LARGEST_LENGTH:
        scale = float(denominator)
    whole = np.rint(distance * scale).astype(np.int64)
    np.fill_diagonal(whole, 0)
    return whole


def _enumerated(model: Routing, usage: Usage) -> Outcome:
    with usage.phase("execute"):
        orders = [(Route(0, order),) for order in permutations(range(len(model.clients)))]
        best = min(orders, key=lambda routes: model.evaluate(routes)[0])
    answer = tuple(route for route in best if route.clients)
    bound = model.evaluate(answer)[0]
    reason = f"all tours of {model.num_locations} locations"
    return Outcome(Status.OPTIMAL, [answer], bound=bound, usage=usage, reason=reason)


def _routes(tour: list[int]) -> tuple[Route, ...]:
    """The tour from the depot, which is location 0."""
    start = tour.index(0)
    return (Route(0, tuple(node - 1 for node in tour[start + 1 :] + tour[:start])),)


def _tours(task: dict[str, Any], clock: Clock, progress: Progress) -> Generator[list[int]]:
    """The tours of all runs as they come, until the budget ends."""
    with TemporaryFile("w+") as complaints, _process(clock, progress, complaints) as process:
        with suppress(BrokenPipeError):  # it may be ended before it has read everything
            json.dump(task, process.stdin)
            process.stdin.close()
        for line in process.stdout:
            if line.endswith("\n"):
                yield json.loads(line)
        code = process.wait()
        complaints.seek(0)
        last = (complaints.read().strip().splitlines() or [f"exit code {code}"])[-1]
    if code != 0 and not (clock.expired or progress.stopping):
        raise SolverError(f"LKH ended without an answer: {last}")


@contextmanager
def _process(clock: Clock, progress: Progress, complaints: IO[str]) -> Iterator[Any]:
    """A process of `lkh_runs` that the end of the budget and a stop kill."""
    script = Path(__file__).with_name("lkh_runs.py")
    process = subprocess.Popen(
        # -P: the folder of the script holds names of the standard library.
        [sys.executable, "-P", str(script)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints, text=True,
    )
    timer = Timer(min(clock.remaining, 1e6), process.kill)
    timer.daemon = True
    timer.start()
    progress.on_stop(process.kill)
    try:
        yield process
    finally:
        timer.cancel()
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
