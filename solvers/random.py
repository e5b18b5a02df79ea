"""Random answers: the floor that every sampler must beat."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import UsageError
from qopt.forms import Group, Qubo, Route, Routing, Table
from qopt.solver import Budget, Outcome, Progress, Status, Usage

from .postprocess import Postprocess, improve, load

MOST_KEPT = 20_000
"""Different answers that are returned at most, the best ones."""

CHUNK = 1 << 26
"""Coefficients that are summed between two looks at the clock."""


@dataclass(frozen=True, kw_only=True)
class RandomSampling:
    """Draws answers at random, without any search, and returns all of them.

    For a QUBO every bit string that keeps the groups is equally likely: members of an exactly-k
    group are a uniform choice of k, other bits are fair coins. For a table every string is that
    stands for a feasible answer. For routes, the clients (of the
    optional ones a fair half) are put in a uniformly random order; a vehicle takes them in this
    order until one does not fit its load, which begins the next vehicle's route. Where the fleet
    runs out, a client goes to the end of the first route that still has room, and is left out if
    there is none. Both clients of a shipment are taken at once: its delivery goes to the end of the
    route and its pickup to a random place before. Loads and the order of shipments are kept thus;
    distances, time windows and shifts are kept by luck only.

    A unit of ``budget.evaluations`` is one sample. A time limit only ends the sampling early. At
    most 20 000 different answers are returned, the best ones; how many samples that leaves out is
    said.

    Parameters
    ----------
    samples : int
        Samples to draw, unless the budget says otherwise.
    postprocess : {"none", "repair", "descent"}
        What is made of samples of a QUBO, and counted apart from them: the floor for a sampler that
        is post-processed alike. 'repair' makes exactly-k groups hold, which they do here already;
        'descent' goes on to a local minimum.
    """

    samples: int = 1024
    postprocess: Postprocess = "none"

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise UsageError(f"samples must be at least 1, got {self.samples}")

    def solve(
        self, model: Qubo | Table | Routing, budget: Budget, seed: int, progress: Progress
    ) -> Outcome:
        """Draw the samples.

        Raises
        ------
        UsageError
            Where post-processing is asked for that knows no tables.
        """
        usage = Usage()
        if isinstance(model, Table):
            if self.postprocess != "none":
                raise UsageError(f"postprocess={self.postprocess} acts on QUBOs, not on tables")
            if not model.num_feasible:
                return Outcome(
                    Status.PROVEN_INFEASIBLE, usage=usage,
                    reason="no bit string stands for a feasible answer",
                )
        wanted = self.samples if budget.evaluations is None else budget.evaluations
        rng = np.random.default_rng(seed)
        draws = _draws(model, rng)
        tally = _Tally()
        if self.postprocess != "none" and isinstance(model, Qubo):
            with usage.phase("setup"):
                load()
        clock = budget.start()
        with usage.phase("execute"):
            next(draws)
            while tally.total < wanted and not (clock.expired or progress.stopping):
                before = tally.best
                tally.add(draws.send(wanted - tally.total))
                if tally.best < before and tally.best[0] == 0.0:
                    progress.incumbent(tally.best[1])
                progress.step(tally.total / wanted)
        usage.evaluations = tally.total
        outcome = _outcome(model, tally, wanted, usage)
        return improve(model, outcome, self.postprocess, clock, progress)


Sample = tuple[Any, int, float, float]
"""What stands for an answer, how often it was drawn, by how much it is infeasible, its value."""

Draws = Iterator[list[Sample]]


@dataclass
class _Tally:
    """Different answers with their multiplicities."""

    total: int = 0
    left_out: int = 0
    best: tuple[float, float] = (inf, inf)
    seen: dict[Any, tuple[int, float, float]] = field(default_factory=dict)

    def add(self, samples: list[Sample]) -> None:
        for key, count, fault, value in samples:
            self.total += count
            known = self.seen.get(key)
            self.seen[key] = (count + (known[0] if known else 0), fault, value)
            self.best = min(self.best, (fault, value))
        if len(self.seen) > 2 * MOST_KEPT:
            self.prune()

    def prune(self) -> None:
        """Sort best first, and let go of what is beyond the limit."""
        ranked = sorted(self.seen.items(), key=lambda item: item[1][1:])
        self.left_out += sum(item[1][0] for item in ranked[MOST_KEPT:])
        self.seen = dict(ranked[:MOST_KEPT])


def _outcome(model: Qubo | Table | Routing, tally: _Tally, wanted: int, usage: Usage) -> Outcome:
    if not tally.total:
        return Outcome(
            Status.TIME_LIMIT, usage=usage, reason="the budget ended before the first sample"
        )
    tally.prune()
    answers: Any = list(tally.seen)
    if isinstance(model, Table):
        answers = model.samples(answers)
    elif isinstance(model, Qubo):
        packed = np.array([np.frombuffer(key, dtype=np.uint8) for key in answers])
        answers = np.unpackbits(packed, axis=1, count=model.num_variables).astype(np.int8)
    reasons = []
    if tally.total < wanted:
        reasons.append(f"ended after {tally.total} of {wanted} samples")
    if tally.left_out:
        reasons.append(
            f"only the best {MOST_KEPT} different answers are kept; {tally.left_out} samples "
            "are left out of the shares and averages"
        )
    feasible = tally.best[0] == 0.0
    return Outcome(
        Status.FEASIBLE if feasible else Status.INFEASIBLE_ANSWERS,
        answers,
        counts=np.array([count for count, _, _ in tally.seen.values()], dtype=np.int64),
        usage=usage,
        reason="; ".join(reasons),
        details={"samples": tally.total, "left_out": tally.left_out},
    )


def _draws(model: Qubo | Table | Routing, rng: np.random.Generator) -> Any:
    """A generator that is sent how many samples are wanted, and yields some of them."""
    if isinstance(model, Table):
        return _table_draws(model, rng)
    return _qubo_draws(model, rng) if isinstance(model, Qubo) else _routing_draws(model, rng)


def _table_draws(model: Table, rng: np.random.Generator) -> Any:
    """The same for a table; an index stands for its bit string."""
    feasible = np.flatnonzero(model.feasible)
    wanted = yield []
    while True:
        drawn = feasible[rng.integers(0, len(feasible), min(wanted, 1 << 14))]
        different, counts = np.unique(drawn, return_counts=True)
        wanted = yield [
            (int(index), int(count), 0.0, float(model.values[index]))
            for index, count in zip(different, counts, strict=True)
        ]


def _qubo_draws(model: Qubo, rng: np.random.Generator) -> Any:
    """A generator that is sent how many samples are wanted, and yields some of them."""
    work = 1 + model.num_variables + model.num_interactions
    most = min(1 << 14, max(256, CHUNK // work))
    wanted = yield []
    while True:
        bits = _uniform_bits(model, rng, min(wanted, most))
        packed = np.packbits(bits, axis=1)
        different, where, counts = np.unique(
            packed, axis=0, return_index=True, return_counts=True
        )
        values = model.energies(bits[where])
        wanted = yield [
            (row.tobytes(), int(count), 0.0, float(value))
            for row, count, value in zip(different, counts, values, strict=True)
        ]


def _uniform_bits(model: Qubo, rng: np.random.Generator, samples: int) -> NDArray[np.int8]:
    bits = rng.integers(0, 2, size=(samples, model.num_variables), dtype=np.int8)
    for group in model.groups:
        bits[:, list(group.members)] = _uniform_choices(group, rng, samples)
    return bits


def _uniform_choices(group: Group, rng: np.random.Generator, samples: int) -> NDArray[np.int8]:
    """Uniform choices of ``group.size`` members, shape (samples, members)."""
    ranks = rng.random((samples, len(group.members))).argsort(axis=1).argsort(axis=1)
    return (ranks < group.size).astype(np.int8)


def _routing_draws(model: Routing, rng: np.random.Generator) -> Any:
    """A generator that is sent how many samples are wanted, and yields one."""
    yield []
    while True:
        routes = _random_routes(model, rng)
        value, broken = model.evaluate(routes)
        yield [(routes, 1, sum(amount for _, amount in broken), value)]


def _random_routes(model: Routing, rng: np.random.Generator) -> tuple[Route, ...]:
    units = _units(model)
    order = rng.permutation(len(units)).tolist()
    heads = rng.random(len(order)) < 0.5
    fleet = [
        kind
        for kind, vehicle in enumerate(model.vehicles)
        for _ in range(min(vehicle.count, len(order)))
    ]
    if len(model.vehicles) > 1:
        fleet = rng.permutation(fleet).tolist()
    filled = _Filled(model, fleet, rng)
    current = 0
    for number in order:
        unit = units[number]
        if not model.clients[unit[0]].required and heads[number]:
            continue
        while current < len(fleet) and not filled.take(current, unit):
            current += 1
        if current == len(fleet):
            for vehicle in range(len(fleet)):
                if filled.take(vehicle, unit):
                    break
    made = (Route(kind, tuple(r)) for kind, r in zip(fleet, filled.routes, strict=True) if r)
    return tuple(sorted(made, key=lambda route: (route.vehicle, route.clients)))


def _units(model: Routing) -> list[tuple[int, ...]]:
    """Clients that are taken together: both of a shipment, in order, and each of the others."""
    partner = {s.pickup: (s.pickup, s.delivery) for s in model.shipments}
    deliveries = {s.delivery for s in model.shipments}
    return [partner.get(c, (c,)) for c in range(len(model.clients)) if c not in deliveries]


class _Filled:
    """Routes that grow while their vehicles have room."""

    def __init__(self, model: Routing, fleet: list[int], rng: np.random.Generator) -> None:
        self.model, self.fleet, self.rng = model, fleet, rng
        self.routes: list[list[int]] = [[] for _ in fleet]
        self._room = [model.vehicles[kind].capacity for kind in fleet]

    def take(self, vehicle: int, unit: tuple[int, ...]) -> bool:
        """Append to a route if there is room: clients at its end, a pickup anywhere before."""
        route = self.routes[vehicle]
        if not self.model.has_pickups:
            demand = self.model.clients[unit[0]].demand
            if demand > self._room[vehicle]:
                return False
            self._room[vehicle] -= demand
            route.append(unit[0])
            return True
        longer = [*route, unit[-1]]
        if len(unit) > 1:
            longer.insert(int(self.rng.integers(len(route) + 1)), unit[0])
        kind = self.fleet[vehicle]
        if self.model.peak_load(Route(kind, tuple(longer))) > self.model.vehicles[kind].capacity:
            return False
        self.routes[vehicle] = longer
        return True
