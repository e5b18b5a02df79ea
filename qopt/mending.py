"""Searches for the smallest changes that make a routing feasible, each verified by an answer."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from math import inf, isfinite
from typing import Any

import numpy as np

from . import registry
from .errors import QoptError
from .forms import Client, Route, Routing, VehicleType
from .forms.route_pool import search_answers
from .forms.routing_part import Part
from .impossible import (
    TimeText,
    fewest_left_out,
    fewest_more_vehicles,
    impossible_clients,
    plain,
)
from .numbers import join, plural
from .solver import Budget, Clock, Outcome, Progress, Status

Routes = tuple[Route, ...]

PROVABLE_CLIENTS = 40
"""Clients up to which an exact solver is asked for a proof."""

FEW_CLIENTS = 16
"""Clients up to which it is asked for an answer wherever local search finds none."""

MOST_SECONDS = 60.0
"""Longest time that one proof may take."""

STEPS = 12
"""Halvings of the range in which a limit is sought."""

_FINEST = 1e-3
"""Share of a limit at which the halving ends."""


@dataclass(frozen=True)
class Mend:
    """A change that makes an instance feasible, with an answer that shows it.

    Parameters
    ----------
    kind : str
        ``"drop"``, ``"vehicles"``, ``"window"``, ``"capacity"``, ``"distance"``, ``"duration"``,
        ``"shift"`` or ``"closing"``.
    text : str
        The change, in words with amounts.
    amount : float
        How large it is, in its own unit.
    proof : str
        What proves that no smaller change of this kind will do; empty where this is the smallest
        that was found.
    changed : Routing
        The instance after the change.
    answer : tuple of Route
        Without violations by ``changed.evaluate``, in terms of the instance before the change.
    objective : float
        Of the answer, in the changed instance.
    smaller : Routing, optional
        The instance in which the change is one unit less, where changes come in whole units: a
        proof that it has no answer proves this change to be the smallest.
    closer : callable, optional
        Tells the change anew from an answer of `smaller`.
    """

    kind: str
    text: str
    amount: float
    proof: str
    changed: Routing = field(repr=False)
    answer: Routes = field(repr=False)
    objective: float
    smaller: Routing | None = field(default=None, repr=False)
    closer: "Callable[[Routes], Mend | None] | None" = field(default=None, repr=False)


@dataclass
class Mender:
    """Searches under one clock, of which each has its share.

    Parameters
    ----------
    routing : Routing
    clock : Clock
    seed : int
    time : callable
        Writes times and durations for people.
    """

    routing: Routing
    clock: Clock
    seed: int = 0
    time: TimeText = plain
    _until: float = field(init=False, repr=False, default=inf)

    @contextmanager
    def taking(self, share: float) -> Iterator[None]:
        """While open, searches end after a share of the whole time at the latest."""
        self._until = self.clock.elapsed + share * self.clock.limit
        try:
            yield
        finally:
            self._until = inf

    @property
    def remaining(self) -> float:
        """Seconds left to the search in progress."""
        return max(0.0, min(self.clock.remaining, self._until - self.clock.elapsed))

    @property
    def iterations(self) -> int:
        """Iterations of one search for routes."""
        return max(200, min(2000, 100_000 // max(1, len(self.routing.clients))))

    def best(self, routing: Routing, *, share: float = 1.0) -> Routes | None:
        """The best answer that local search finds in a share of the time; None for none."""
        return next(iter(self.answers(routing, share=share)), None)

    def any(self, routing: Routing) -> Routes | None:
        """The first feasible answer that local search finds, or an exact solver of a few clients.

        None where neither finds one in its share of the time.
        """
        found = self.answers(routing, enough=1)
        if found or len(routing.clients) > FEW_CLIENTS:
            return found[0] if found else None
        outcome = self.prove(routing, share=0.15)
        if outcome is None or not outcome.status.has_answer:
            return None
        routes = tuple(outcome.answers[0])
        return None if routing.evaluate(routes)[1] else routes

    def answers(
        self,
        routing: Routing,
        *,
        share: float = 1.0,
        enough: float = inf,
        begin: Routes | None = None,
    ) -> list[Routes]:
        """Feasible answers that local search finds, the best first."""
        end = self.clock.elapsed + share * self.remaining
        # What a visit costs beyond its prize is no matter of feasibility, and who cannot be served
        # need not be looked at.
        hopeless = impossible_clients(routing, range(len(routing.clients)))
        if any(routing.clients[c].required for c in hopeless):
            return []
        sought = replace(routing, clients=tuple(
            replace(client, prize=max(0.0, client.prize)) for client in routing.clients
        ))
        part = Part.of(
            sought, set(range(len(routing.clients))) - set(hopeless),
            [vehicle.count for vehicle in routing.vehicles],
        )
        try:
            pool = search_answers(
                part.routing, self.iterations, self.seed, starts=2,
                begin=None if begin is None else part.inner(begin),
                ended=lambda: self.clock.elapsed > end, enough=enough,
            )
        except QoptError:
            return []
        return [part.outer(routes) for _, routes in pool.ranked()]

    def prove(self, routing: Routing, *, share: float = 1.0) -> Outcome | None:
        """What an exact solver finds out in a share of the time; None where it cannot be asked."""
        spec = registry.find("solver", "cpsat")
        if spec.missing() or len(routing.clients) > PROVABLE_CLIENTS or not self.remaining:
            return None
        budget = Budget(time_limit=share * min(self.remaining, MOST_SECONDS))
        try:
            outcome: Outcome = spec.load()().solve(routing, budget, self.seed, Progress())
        except QoptError:
            return None
        return outcome

    def proven(self, mends: Sequence[Mend]) -> Iterator[Mend]:
        """Mends with proofs that they are the smallest, as far as the time that is left allows.

        Where the exact solver finds a smaller one instead, that is told.
        """
        open_ones = sum(not mend.proof and mend.smaller is not None for mend in mends)
        for mend in mends:
            if mend.proof or mend.smaller is None:
                yield mend
                continue
            with self.taking(self.clock.remaining / open_ones / self.clock.limit):
                yield self._proven(mend)
            open_ones -= 1

    def _proven(self, mend: Mend) -> Mend:
        while not mend.proof and mend.smaller is not None:
            outcome = self.prove(mend.smaller)
            if outcome is not None and outcome.status is Status.PROVEN_INFEASIBLE:
                return replace(mend, proof="cpsat")
            if outcome is None or not outcome.status.has_answer or mend.closer is None:
                break
            closer = mend.closer(tuple(outcome.answers[0]))
            if closer is None or closer.amount >= mend.amount:
                break
            mend = closer
        return mend

    def mend(
        self,
        kind: str,
        text: str,
        amount: float,
        changed: Routing,
        routes: Routes,
        *,
        proof: str = "",
        smaller: Routing | None = None,
        closer: Callable[[Routes], Mend | None] | None = None,
    ) -> Mend | None:
        """A change as it is told, if its answer has no violation in the changed instance."""
        objective, broken = changed.evaluate(routes)
        if broken:
            return None
        routes = tuple(route for route in routes if route.clients)
        return Mend(kind, text, amount, proof, changed, routes, objective, smaller, closer)

    # -- clients --------------------------------------------------------------------------------

    def drop(self, more_vehicles: Mend | None = None) -> Mend | None:
        """Leave out the fewest required clients, and of all such answers take the cheapest.

        Parameters
        ----------
        more_vehicles : Mend, optional
            Its answer without its smallest routes is where the search begins.
        """
        routing = self.routing
        required = [c for c, client in enumerate(routing.clients) if client.required]
        loose = replace(routing, clients=tuple(
            replace(c, required=False, prize=0.0 if not c.required else _dear(routing))
            for c in routing.clients
        ))
        begin = None if more_vehicles is None else _within_fleet(routing, more_vehicles.answer)
        answers = self.answers(loose, share=0.5, begin=begin)
        outcome = self.prove(_free(_counting(routing)))
        if outcome is not None and outcome.status.has_answer:
            answers.append(tuple(outcome.answers[0]))
        price = _more_than_all_routes(routing)
        strict = replace(loose, clients=tuple(
            replace(c, prize=price if c.prize else 0.0) for c in loose.clients
        ))
        routes = min(answers, key=lambda answer: _worth(strict, answer), default=())
        served = {c for route in routes for c in route.clients}
        left = [c for c in required if c not in served]
        if not left or not isfinite(_worth(strict, routes)):
            return None
        least, proof = fewest_left_out(routing)
        proof = f"arithmetic: {proof}"
        if least < len(left):
            bound = None if outcome is None else outcome.bound
            proven = bound is not None and bound > len(left) - 1 + 1e-6
            proof = "cpsat" if proven else ""
        names = join([routing.clients[c].name for c in left])
        text = f"leave out {plural(len(left), 'client')}: {names}"
        return self.mend("drop", text, len(left), without(routing, left), routes,
                         proof=proof)

    # -- vehicles -------------------------------------------------------------------------------

    def vehicles(self) -> Iterator[Mend]:
        """The fewest further vehicles of each kind that will do alone."""
        for kind, vehicle in enumerate(self.routing.vehicles):
            found = self._more_vehicles(kind, vehicle)
            if found is not None:
                yield found

    def _more_vehicles(self, kind: int, vehicle: VehicleType) -> Mend | None:
        needed = fewest_more_vehicles(self.routing, kind)

        def changed(count: float) -> Routing:
            most = len(self.routing.clients) + vehicle.count
            return with_vehicle(
                self.routing, kind, replace(vehicle, count=int(min(most, count)))
            )

        def told(count: int, routes: Routes) -> Mend | None:
            more = count - vehicle.count
            text = f"{more} more of {vehicle.name}{_capacity(vehicle)}: {count} instead of "
            return self.mend(
                "vehicles", f"{text}{vehicle.count}", more, changed(count), routes,
                proof="arithmetic: the loads need that many" if needed >= more else "",
                smaller=changed(count - 1), closer=lambda fewer: told(count - 1, fewer),
            )

        found = self._least(
            vehicle.count, vehicle.count + max(0, needed - 1), changed,
            lambda routes: sum(route.vehicle == kind and bool(route.clients) for route in routes),
            whole=True,
        )
        return None if found is None else told(int(found[0]), found[1])

    # -- windows --------------------------------------------------------------------------------

    def windows(self, dropped: Mend) -> Mend | None:
        """Widen the windows of the clients that a mend left out, until all are served."""
        left = [
            c for c, client in enumerate(self.routing.clients)
            if client.required and not dropped.changed.clients[c].required
        ]
        changed, routes, words, total = dropped.changed, dropped.answer, [], 0.0
        for c in left:
            if any(c in route.clients for route in routes):
                continue  # it came in with the other client of its shipment
            trials = [
                (found, who) for who in self._together(c)
                if (found := self._widen(changed, routes, who, halve=len(left) == 1)) is not None
            ]
            if not trials:
                return None
            found, who = min(trials, key=lambda trial: self._widened_by(trial[0][0], trial[1]))
            changed, routes = found
            words.append(
                f"client {self.routing.clients[who].name} "
                f"{self._widening(self.routing.clients[who], changed.clients[who])}"
            )
            total += self._widened_by(changed, who)
        if total <= 0.0:
            return None
        if len(left) == 1:
            return self._one_window(dropped.changed, changed, routes, left[0])
        return self.mend("window", f"open the window of {join(words)}", total, changed, routes)

    def _one_window(self, base: Routing, changed: Routing, routes: Routes, c: int) -> Mend | None:
        """The mend that opens the window of one client."""
        old, new = self.routing.clients[c], changed.clients[c]
        by = self._widened_by(changed, c)

        def closer(found: Routes) -> Mend | None:
            fitted = self._fitted(base, found, c)
            return None if fitted is None else self._one_window(base, *fitted, c)

        # Opened by one unit less, on both sides.
        less = replace(old, late=old.late + by - 1.0, early=old.early - by + 1.0)
        text = f"open the window of client {old.name} {self._widening(old, new)}"
        return self.mend(
            "window", text, by, changed, routes,
            smaller=with_client(changed, c, less) if _whole(self.routing) else None, closer=closer,
        )

    def _together(self, c: int) -> tuple[int, ...]:
        """A client and, where it belongs to a shipment, the other one."""
        for s in self.routing.shipments:
            if c in (s.pickup, s.delivery):
                return (s.pickup, s.delivery)
        return (c,)

    def _widen(
        self, base: Routing, routes: Routes, c: int, *, halve: bool
    ) -> tuple[Routing, Routes] | None:
        """The instance with the least widening of one client's window that was found, and routes.

        Every place in the routes at hand is tried and, to `halve` it, whether a solver finds routes
        for half of that widening, and so on.
        """
        client = self.routing.clients[c]
        if client.early <= 0.0 and client.late == inf:
            return None  # it is open already
        best = self._insert(base, routes, c)
        if best is None:
            opened = with_client(base, c, replace(client, early=-inf, late=inf))
            found = self.any(opened)
            best = None if found is None else self._fitted(base, found, c)
        if best is None or not halve:
            return best
        whole = _whole(self.routing)
        for side in ("late", "early"):
            wide, near = getattr(best[0].clients[c], side), getattr(client, side)
            for _ in range(STEPS):
                middle = 0.5 * (wide + near)
                if whole:
                    middle = float(np.floor(middle)) if side == "late" else float(np.ceil(middle))
                if not isfinite(middle) or middle in (wide, near) or not self.remaining:
                    break
                if abs(wide - near) <= 1e-3 * max(1.0, abs(near)):
                    break
                trial = with_client(base, c, replace(best[0].clients[c], **{side: middle}))
                found = self.any(trial)
                fitted = None if found is None else self._fitted(base, found, c)
                if fitted is None:
                    near = middle
                else:
                    best, wide = fitted, getattr(fitted[0].clients[c], side)
                    if wide == getattr(client, side):
                        break
        return best

    def _insert(
        self, base: Routing, routes: Routes, c: int
    ) -> tuple[Routing, Routes] | None:
        """The place in the routes at hand that needs the least widening."""
        if any(c in (s.pickup, s.delivery) for s in base.shipments):
            return None
        used = [sum(route.vehicle == k for route in routes) for k in range(len(base.vehicles))]
        empty = [Route(k, ()) for k, v in enumerate(base.vehicles) if used[k] < v.count]
        best: tuple[float, float, int, Route] | None = None
        for r, route in enumerate((*routes, *empty)):
            for place in range(len(route.clients) + 1):
                stops = (*route.clients[:place], c, *route.clients[place:])
                trial = Route(route.vehicle, stops)
                changed = self._opened(base, trial, c)
                if changed is None:
                    continue
                cost, broken = changed.evaluate_route(trial)
                by = self._widened_by(changed, c)
                if not broken and (best is None or (by, cost) < best[:2]):
                    best = (by, cost, r, trial)
        if best is None:
            return None
        _, _, r, trial = best
        return self._fitted(base, (*routes[:r], trial, *routes[r + 1 :]), c)

    def _widening(self, old: Client, new: Client) -> str:
        """A wider window in words."""
        parts, time = [], self.time
        if new.late > old.late:
            by = time(new.late - old.late)
            parts.append(f"until {time(new.late)} instead of {time(old.late)} ({by} later)")
        if new.early < old.early:
            by = time(old.early - new.early)
            parts.append(f"from {time(new.early)} instead of {time(old.early)} ({by} earlier)")
        return " and ".join(parts) or "as it is"

    def _widened_by(self, changed: Routing, c: int) -> float:
        old, new = self.routing.clients[c], changed.clients[c]
        return (new.late - old.late if new.late > old.late else 0.0) + old.early - new.early

    def _fitted(self, base: Routing, routes: Routes, c: int) -> tuple[Routing, Routes] | None:
        """The instance with the window that routes need for a client, if they are then feasible."""
        route = next((route for route in routes if c in route.clients), None)
        if route is None:
            return None
        changed = self._opened(base, route, c)
        return None if changed is None or changed.evaluate(routes)[1] else (changed, routes)

    def _opened(self, base: Routing, route: Route, c: int) -> Routing | None:
        """The instance with the window that a route needs for a client, if any window will do."""
        first, last = _span(base, route, c)
        client = self.routing.clients[c]
        if first > last:
            return None
        return with_client(base, c, replace(
            client, late=max(client.late, first), early=min(client.early, max(first, last))
        ))

    # -- limits ---------------------------------------------------------------------------------

    def limits(self) -> Iterator[Mend]:
        """The least limit of each kind of vehicle, or closing time, that will do alone."""
        for kind, vehicle in enumerate(self.routing.vehicles):
            for name, word, told in _LIMITS:
                found = self._raise(
                    word, getattr(vehicle, name), partial(_with_limit, self.routing, kind, name),
                    partial(_most_reached, self.routing, kind, name), (told, f"of {vehicle.name}"),
                )
                if found is not None:
                    yield found
        for d, depot in enumerate(self.routing.depots):
            found = self._raise(
                "closing", depot.late, partial(_with_closing, self.routing, d),
                partial(_latest_return, self.routing, d), ("closing time", f"of {depot.name}"),
            )
            if found is not None:
                yield found

    def _raise(
        self,
        kind: str,
        now: float,
        changed: Callable[[float], Routing],
        reached: Callable[[Routes], float],
        told: tuple[str, str],
    ) -> Mend | None:
        """The least value of a limit at which routes are found, by halving the range."""
        whole = _whole(self.routing)
        written = plain if kind in ("capacity", "distance") else self.time
        found = self._least(now, now, changed, reached, whole=whole) if isfinite(now) else None
        if found is None:
            return None

        def mended(value: float, routes: Routes) -> Mend | None:
            text = f"set the {told[0]} {told[1]} to {written(value)} instead of {written(now)}"
            return self.mend(
                kind, text, value - now, changed(value), routes,
                smaller=changed(value - 1.0) if whole else None,
                closer=lambda found: mended(min(value - 1.0, max(now, reached(found))), found),
            )

        return mended(*found)

    def _least(
        self,
        now: float,
        lowest: float,
        changed: Callable[[float], Routing],
        reached: Callable[[Routes], float],
        *,
        whole: bool,
    ) -> tuple[float, Routes] | None:
        """The least value above `now` at which routes are found, and those, by halving the range.

        None where there are none whatever the value, or without any change.
        """
        routes = None if not self.remaining else self.any(changed(inf))
        if routes is None:
            return None
        wide, near = max(now, reached(routes)), lowest
        if wide <= now or changed(wide).evaluate(routes)[1]:
            return None
        for _ in range(STEPS):
            middle = 0.5 * (wide + near)
            middle = float(np.floor(middle)) if whole else middle
            if middle <= near or wide - near <= _FINEST * max(1.0, abs(now)):
                break
            found = None if not self.remaining else self.any(changed(middle))
            if found is None:
                near = middle
            else:
                routes, wide = found, min(middle, max(now, reached(found)))
        return (wide, routes) if wide > now else None


_LIMITS = (
    ("capacity", "capacity", "capacity"),
    ("max_distance", "distance", "longest distance"),
    ("max_duration", "duration", "longest duration"),
    ("late", "shift", "end of the shift"),
)
"""Limits of a vehicle: the field, the kind of mend, and the words."""


# -- changed instances ----------------------------------------------------------------------------


def without(routing: Routing, left: list[int]) -> Routing:
    """The routing in which some clients need not be visited, and are worth nothing."""
    gone = set(left)
    gone |= {c for s in routing.shipments for c in (s.pickup, s.delivery)
             if s.pickup in gone or s.delivery in gone}
    return replace(routing, clients=tuple(
        replace(client, required=False, prize=0.0) if c in gone else client
        for c, client in enumerate(routing.clients)
    ))


def with_client(routing: Routing, c: int, client: Client) -> Routing:
    """The routing with another client in place of one.

    The other client of its shipment becomes required, or optional, with it.
    """
    pair = {x for s in routing.shipments if c in (s.pickup, s.delivery)
            for x in (s.pickup, s.delivery)}
    return replace(routing, clients=tuple(
        client if i == c
        else replace(other, required=client.required) if i in pair else other
        for i, other in enumerate(routing.clients)
    ))


def with_vehicle(routing: Routing, kind: int, vehicle: VehicleType) -> Routing:
    """The routing with another kind of vehicle in place of one."""
    return replace(
        routing, vehicles=(*routing.vehicles[:kind], vehicle, *routing.vehicles[kind + 1 :])
    )


def _with_limit(routing: Routing, kind: int, name: str, value: float) -> Routing:
    """The routing with another limit of a kind of vehicle."""
    changes: dict[str, Any] = {name: value}
    return with_vehicle(routing, kind, replace(routing.vehicles[kind], **changes))


def _with_closing(routing: Routing, d: int, late: float) -> Routing:
    """The routing with another closing time of a depot."""
    depot = replace(routing.depots[d], late=late)
    return replace(routing, depots=(*routing.depots[:d], depot, *routing.depots[d + 1 :]))


def _worth(routing: Routing, routes: Routes) -> float:
    """Objective of an answer; infinite where it breaks the routing."""
    objective, broken = routing.evaluate(routes)
    return inf if broken else objective


def _counting(routing: Routing) -> Routing:
    """The routing in which each required client may be left out at the price of one."""
    return replace(routing, clients=tuple(
        replace(client, required=False, prize=1.0 if client.required else 0.0)
        for client in routing.clients
    ))


def _free(routing: Routing) -> Routing:
    """The routing in which driving costs nothing."""
    return replace(routing, vehicles=tuple(
        replace(v, fixed_cost=0.0, distance_cost=0.0, duration_cost=0.0) for v in routing.vehicles
    ))


def _dear(routing: Routing) -> float:
    """A price of a client that is above the cost of nearly any visit to it."""
    matrix = routing.distance, routing.duration
    return float(np.ceil(1.0 + max(
        3.0 * (v.distance_cost * matrix[0].max() + v.duration_cost * matrix[1].max())
        + abs(v.fixed_cost) for v in routing.vehicles
    )))


def _within_fleet(routing: Routing, routes: Routes) -> Routes:
    """The routes with most clients, as many of each kind as there are vehicles."""
    kept: list[Route] = []
    for route in sorted(routes, key=lambda route: -len(route.clients)):
        alike = sum(other.vehicle == route.vehicle for other in kept)
        if alike < routing.vehicles[route.vehicle].count:
            kept.append(route)
    return tuple(kept)


def _more_than_all_routes(routing: Routing) -> float:
    """A whole number above the cost of any answer."""
    most = 0.0
    for vehicle in routing.vehicles:
        length = vehicle.distance_cost * float(routing.distance.max(axis=1).sum())
        time = float(routing.duration.max(axis=1).sum()) + sum(c.service for c in routing.clients)
        ends = [x for c in routing.clients for x in (c.early, c.late) if isfinite(x)]
        time += max(ends, default=0.0) - min(ends, default=0.0)
        most = max(most, 2.0 * length + 2.0 * vehicle.duration_cost * time)
        most = max(most, most + abs(vehicle.fixed_cost) * len(routing.clients))
    return float(np.ceil(1.0 + most + sum(abs(c.prize) for c in routing.clients)))


def _whole(routing: Routing) -> bool:
    """Whether all data are whole numbers: then the least change of a limit is one, too."""
    stated = [x for c in routing.clients for x in (c.demand, c.pickup, c.service, c.early, c.late)]
    stated += [x for d in routing.depots for x in (d.early, d.late)]
    stated += [x for v in routing.vehicles
               for x in (v.capacity, v.max_distance, v.max_duration, v.early, v.late)]
    stated += [s.load for s in routing.shipments]
    finite = np.array([x for x in stated if isfinite(x)])
    return all(
        bool((values == np.rint(values)).all())
        for values in (finite, routing.distance, routing.duration)
    )


def _span(routing: Routing, route: Route, c: int) -> tuple[float, float]:
    """Earliest arrival at a client of a route, and latest start there, its own window aside."""
    vehicle, stops = routing.vehicles[route.vehicle], routing.path(route)
    place = route.clients.index(c)
    clock = max(routing.depots[vehicle.start].early, vehicle.early)
    for i, at in enumerate(route.clients[: place + 1]):
        clock += float(routing.duration[stops[i], stops[i + 1]])
        if i < place:
            client = routing.clients[at]
            clock = max(clock, client.early) + client.service
    latest = vehicle.late
    if vehicle.end is not None:
        latest = min(latest, routing.depots[vehicle.end].late)
        latest -= float(routing.duration[stops[-2], stops[-1]])
    for i in range(len(route.clients) - 1, place, -1):
        client = routing.clients[route.clients[i]]
        latest = min(client.late, latest - client.service)
        latest -= float(routing.duration[stops[i], stops[i + 1]])
    return clock, latest - routing.clients[c].service


def _most_reached(routing: Routing, kind: int, limit: str, routes: Routes) -> float:
    """The most that routes of a kind of vehicle take of a limit."""
    driven = [route for route in routes if route.vehicle == kind and route.clients]
    return max((_reached(routing, route, limit) for route in driven), default=0.0)


def _latest_return(routing: Routing, d: int, routes: Routes) -> float:
    """The latest end of a route at a depot, where each leaves as early as it may."""
    driven = [r for r in routes if r.clients and routing.vehicles[r.vehicle].end == d]
    return max((_reached(routing, route, "late") for route in driven), default=0.0)


def _reached(routing: Routing, route: Route, limit: str) -> float:
    """What a route takes of a limit."""
    if limit == "capacity":
        return routing.peak_load(route)
    vehicle = routing.vehicles[route.vehicle]
    if limit == "late":
        return _earliest_end(routing, route)
    length, time = (1.0, 0.0) if limit == "max_distance" else (0.0, 1.0)
    bare = replace(vehicle, fixed_cost=0.0, distance_cost=length, duration_cost=time)
    return with_vehicle(routing, route.vehicle, bare).evaluate_route(route)[0]


def _earliest_end(routing: Routing, route: Route) -> float:
    """When a route ends that leaves at once."""
    vehicle, stops = routing.vehicles[route.vehicle], routing.path(route)
    clock = max(routing.depots[vehicle.start].early, vehicle.early)
    for i, (a, b) in enumerate(pairwise(stops)):
        clock += float(routing.duration[a, b])
        if i < len(route.clients):
            client = routing.clients[route.clients[i]]
            clock = max(clock, client.early) + client.service
    return clock


def _capacity(vehicle: VehicleType) -> str:
    return f" (capacity {vehicle.capacity:g})" if isfinite(vehicle.capacity) else ""
