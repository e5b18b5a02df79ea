"""What every problem that is a `Routing` shares: judging, files of answers, maps."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from qopt.errors import InputError, UnsupportedError
from qopt.forms import Form, Lowering, Route, Routing
from qopt.options import check_options
from qopt.problem import Reference, Score, Sense, Violation

from ..formats.cvrplib import read_solution, write_solution
from .clock import Clock
from .fleet import fleet_text
from .itinerary import Itinerary
from .places import Places
from .told import ToldByItinerary

Routes = tuple[Route, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class RoutingProblem(ToldByItinerary):
    """Serve clients by routes, at the least cost, within every limit of a `Routing`.

    A problem derives from it with its `kind` and its own way to `load`. An answer is a tuple of
    `qopt.forms.Route` whose clients are counted from 0. In files locations are numbered: depots
    from 0, then clients, so that with one depot the clients are 1, 2, ... as CVRPLIB has them.

    Parameters
    ----------
    name : str
    routing : Routing
    places : Places, optional
        Where the locations are, for maps.
    clock : Clock
        How times are written.
    distances, durations : str
        How they came about, in words: metric, unit and rounding.
    reference : Reference, optional
    """

    kind: ClassVar[str]
    sense: ClassVar[Sense] = "minimise"

    name: str = "routes"
    routing: Routing
    places: Places | None = field(default=None, repr=False)
    clock: Clock = field(default_factory=Clock)
    distances: str = "as given"
    durations: str = "as given"
    reference: Reference | None = None

    def __post_init__(self) -> None:
        if self.places is not None and len(self.places.points) != self.routing.num_locations:
            raise InputError(
                f"{self.routing.num_locations} locations have {len(self.places.points)} places"
            )
        if self.places is None and self.routing.coordinates is not None:
            object.__setattr__(self, "places", Places(self.routing.coordinates))

    # -- the instance -------------------------------------------------------------------------

    def data(self) -> dict[str, Any]:
        """What defines the instance; names and places do not."""
        routing = self.routing
        columns = {
            "clients": ("demand", "pickup", "service", "early", "late", "prize", "required"),
            "depots": ("early", "late"),
            "vehicles": (
                "count", "capacity", "start", "fixed_cost", "distance_cost", "duration_cost",
                "max_distance", "max_duration", "early", "late",
            ),
        }
        table: dict[str, Any] = {
            group: {
                name: np.array([getattr(item, name) for item in getattr(routing, group)],
                               dtype=np.float64)
                for name in names
            }
            for group, names in columns.items()
        }
        table["vehicles"]["end"] = [vehicle.end for vehicle in routing.vehicles]
        table["shipments"] = [[s.pickup, s.delivery, float(s.load)] for s in routing.shipments]
        return {**table, "distance": routing.distance, "duration": routing.duration}

    def describe(self) -> dict[str, Any]:
        """Size and conventions for people."""
        routing = self.routing
        clients = routing.clients
        facts: dict[str, Any] = {"clients": len(clients)}
        counts = {
            "depots": len(routing.depots) if len(routing.depots) > 1 else 0,
            "optional clients": sum(not client.required for client in clients),
            "time windows": sum(c.early > 0 or c.late < np.inf for c in clients),
            "shipments": len(routing.shipments),
            "demand": float(sum(client.demand for client in clients)),
            "collected": float(sum(client.pickup for client in clients)),
        }
        facts |= {name: count for name, count in counts.items() if count}
        facts["vehicles"] = fleet_text(routing.vehicles, len(clients))
        facts["distances"] = self.distances
        if self._timed:
            facts["durations"] = self.durations
        return facts

    @cached_property
    def _timed(self) -> bool:
        return Itinerary(self.routing, ()).timed

    def time_text(self, value: float) -> str:
        """A time as the file writes it: ``"08:30"`` where there are times of day."""
        return self.clock.precise(value)

    # -- judging ------------------------------------------------------------------------------

    def score(self, answer: Iterable[Route]) -> Score:
        """Cost of all routes and prizes forgone, and every broken limit in words."""
        objective, broken = self.routing.evaluate(answer)
        return Score(objective, tuple(Violation(text, amount) for text, amount in broken))

    def encode_answer(self, answer: Iterable[Route]) -> dict[str, Any]:
        """Routes as JSON: names or numbers of the clients, and the vehicle types where they differ.

        A client without a name of its own has the number of its location.
        """
        routes = [route for route in answer if route.clients]
        known = range(len(self._labels))
        first = len(self.routing.depots)
        data: dict[str, Any] = {
            "routes": [
                [self._labels[c] if c in known else int(c) + first for c in route.clients]
                for route in routes
            ]
        }
        if len(self.routing.vehicles) > 1 or any(route.vehicle for route in routes):
            kinds = range(len(self.routing.vehicles))
            data["vehicles"] = [
                self._types[k] if (k := int(route.vehicle)) in kinds else k + 1 for route in routes
            ]
        return data

    def decode_answer(self, data: Any) -> Routes:
        """Routes from what `encode_answer` gives.

        Raises
        ------
        InputError
        """
        first = len(self.routing.depots)
        clients = {label: c for c, label in enumerate(self._labels)}
        types = {label: k for k, label in enumerate(self._types)}

        def index(label: Any, known: dict[int | str, int], start: int) -> int:
            return known[label] if isinstance(label, str) else int(label) - start

        try:
            routes = [tuple(index(c, clients, first) for c in route) for route in data["routes"]]
            kinds = [index(k, types, 1) for k in data.get("vehicles", [1] * len(routes))]
            return tuple(Route(k, route) for k, route in zip(kinds, routes, strict=True))
        except (TypeError, KeyError, ValueError, AttributeError):
            raise InputError(
                'routes are written as {"routes": [[1, 3], [2]], "vehicles": [1, 2]}, with numbers '
                "or known names; vehicles may be left out where there is one type"
            ) from None

    @cached_property
    def _labels(self) -> list[int | str]:
        """What clients are called in JSON: their names, or numbers where these say the same."""
        first = len(self.routing.depots)
        return _labels([client.name for client in self.routing.clients], first)

    @cached_property
    def _types(self) -> list[int | str]:
        """What vehicle types are called in JSON."""
        return _labels([vehicle.name for vehicle in self.routing.vehicles], 1)

    def _itinerary(self, answer: Iterable[Route]) -> Itinerary:
        return Itinerary(self.routing, tuple(answer), self.clock, self.places)

    # -- files --------------------------------------------------------------------------------

    def to_sol(self, answer: Iterable[Route]) -> str:
        """The text of a CVRPLIB ``.sol`` file.

        With several vehicle types every vehicle has its line, in the order of the types, as PyVRP
        reads them: one without a number is a vehicle that stays at home.
        """
        routes = [route for route in answer if route.clients]
        objective = self.score(routes).objective
        first = len(self.routing.depots)
        if len(self.routing.vehicles) == 1:
            return write_solution([[c + first for c in r.clients] for r in routes], objective)
        lines: list[list[int]] = []
        for kind, vehicle in enumerate(self.routing.vehicles):
            own = [[c + first for c in r.clients] for r in routes if r.vehicle == kind]
            lines += own + [[]] * (vehicle.count - len(own))
        while lines and not lines[-1]:
            lines.pop()
        return write_solution(lines, objective)

    def read_sol(self, path: Path) -> Routes:
        """An answer from a CVRPLIB ``.sol`` file; its cost line is not believed, `score` tells.

        Raises
        ------
        ParseError
        InputError
            Where there are more routes than vehicles of several types.
        """
        lines, _ = read_solution(path)
        kinds = [k for k, v in enumerate(self.routing.vehicles) for _ in range(v.count)]
        if len(self.routing.vehicles) == 1:
            kinds = [0] * len(lines)
        elif len(lines) > len(kinds):
            raise InputError(f"{path} has {len(lines)} routes for {len(kinds)} vehicles")
        first = len(self.routing.depots)
        return tuple(
            Route(kind, tuple(place - first for place in line))
            for line, kind in zip(lines, kinds, strict=False) if line
        )

    # -- lowering -----------------------------------------------------------------------------

    def lower(self, form: type[Form], **options: Any) -> Lowering[Any]:
        """Give the instance as `Routing`; there are no options."""
        if form is not Routing:
            raise UnsupportedError(f"a {self.kind.upper()} is given as Routing, not {form!r}")
        check_options(self.to_routing, options, f"the Routing of a {self.kind.upper()}")
        return self.to_routing()

    def to_routing(self) -> Lowering[Routing]:
        """The instance as it is."""
        return Lowering(self.routing, decode=_same, encode=_same)


def _same(answer: Iterable[Route]) -> Routes:
    return tuple(answer)


def _labels(names: list[str], first: int) -> list[int | str]:
    """Names, or numbers from `first` where the names are these or do not tell all apart."""
    telling = len(set(names)) == len(names)
    return [
        name if telling and name != str(number) else number
        for number, name in enumerate(names, first)
    ]
