"""Capacitated vehicle routing: the shortest routes from one depot that serve every client."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil, inf, isfinite
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError, ParseError, UnsupportedError, UsageError
from qopt.forms import Client, Depot, Form, Lowering, Program, Qubo, Route, Routing, VehicleType
from qopt.forms.route_pool import routing_to_columns
from qopt.options import check_options
from qopt.problem import Reference, Score, Sense, Violation

from ..formats.cvrplib import fleet_of_name, read_solution, write_solution
from ..formats.tsplib import read_instance
from ..formats.tsplib_file import Rounding
from .arcs import routes_of_values, routes_program, values_of_routes
from .assignment import lower_assignment
from .distances import checked_distances, convention
from .itinerary import Itinerary
from .places import of_tsplib
from .told import ToldByItinerary

Routes = tuple[Route, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Cvrp(ToldByItinerary):
    """Serve every client once by routes from a depot, with little driving.

    An answer is a tuple of `qopt.forms.Route` whose clients are counted from 0. In words, in files
    and in JSON clients carry CVRPLIB's numbers: client 1 is the first node that is not the depot.

    Parameters
    ----------
    name : str
    distance : ndarray of float64, shape (n + 1, n + 1)
        Length from row to column, at least 0; location 0 is the depot. Need not be symmetric.
    demand : ndarray of float64, shape (n,)
        Of each client, at least 0.
    capacity : float
        Largest load of a vehicle.
    vehicles : int, optional
        How many vehicles there are; None for as many as needed.
    max_distance : float, optional
        Longest route, service times included.
    service : float
        Service time of each client. It counts towards `max_distance` and costs nothing.
    coordinates : ndarray of float64, shape (n + 1, 2), optional
        Where the locations are, for plots only.
    weight_type : str
        How the distances came about: TSPLIB's ``EDGE_WEIGHT_TYPE``.
    rounding : {"tsplib", "none", "one-decimal"}
        How distances that were computed from coordinates are rounded.
    reference : Reference, optional

    Raises
    ------
    InputError
        For a malformed matrix, or a demand that is negative or not finite.
    """

    kind: ClassVar[str] = "cvrp"
    sense: ClassVar[Sense] = "minimise"

    name: str = "cvrp"
    distance: NDArray[np.float64] = field(repr=False)
    demand: NDArray[np.float64] = field(repr=False)
    capacity: float
    vehicles: int | None = None
    max_distance: float | None = None
    service: float = 0.0
    coordinates: NDArray[np.float64] | None = field(default=None, repr=False)
    weight_type: str = "EXPLICIT"
    rounding: Rounding = "tsplib"
    reference: Reference | None = None

    def __post_init__(self) -> None:
        distance = checked_distances(self.distance, least=2)
        demand = np.array(self.demand, dtype=np.float64)
        if demand.shape != (len(distance) - 1,):
            raise InputError(
                f"{len(distance)} locations need {len(distance) - 1} demands, got shape "
                f"{demand.shape}"
            )
        for what, value in (("capacity", self.capacity), ("service time", self.service)):
            if not (isfinite(value) and value >= 0):
                raise InputError(f"the {what} must be finite and at least 0, got {value}")
        if self.max_distance is not None and not self.max_distance >= 0:
            raise InputError(f"the longest route must be at least 0, got {self.max_distance}")
        if self.vehicles is not None and self.vehicles < 1:
            raise InputError(f"vehicles must be at least 1, got {self.vehicles}")
        demand.flags.writeable = False
        object.__setattr__(self, "distance", distance)
        object.__setattr__(self, "demand", demand)
        _ = self.routing  # which checks each client's demand

    @classmethod
    def load(
        cls, path: Path, *, vehicles: int | None = None, rounding: Rounding = "tsplib"
    ) -> Self:
        """Read a CVRPLIB or TSPLIB ``.vrp`` file.

        Parameters
        ----------
        path : Path
        vehicles : int, optional
            How many vehicles there are. By default what the keyword VEHICLES of the file says, or
            else as many as needed; a number in the name counts in files of QOBLIB alone.
        rounding : {"tsplib", "none", "one-decimal"}
            How distances computed from coordinates are rounded: by TSPLIB's own rule to whole
            numbers, not at all, or cut after one decimal.

        Raises
        ------
        ParseError
            With file and line.
        """
        try:
            file = read_instance(path, {"CVRP"}, rounding)
            if vehicles is None:
                vehicles = file.vehicles or fleet_of_name(path)
            nodes = [file.depot, *(i for i in range(len(file.demand)) if i != file.depot)]
            return cls(
                name=file.name,
                distance=file.distance[np.ix_(nodes, nodes)],
                demand=np.array([file.demand[node] for node in nodes[1:]]),
                capacity=file.capacity,
                vehicles=vehicles,
                max_distance=file.max_distance,
                service=file.service,
                coordinates=None if file.coordinates is None else file.coordinates[nodes],
                weight_type=file.weight_type,
                rounding=rounding,
            )
        except ParseError:
            raise
        except InputError as fault:
            raise ParseError(path, str(fault)) from None

    @property
    def num_clients(self) -> int:
        """Number of clients."""
        return len(self.demand)

    @property
    def least_vehicles(self) -> int:
        """Vehicles below which the total demand cannot be carried."""
        if self.capacity == 0:
            return 1
        return max(1, ceil(float(self.demand.sum()) / self.capacity - 1e-9))

    @cached_property
    def routing(self) -> Routing:
        """The instance in the routing form."""
        limit = inf if self.max_distance is None else self.max_distance
        return Routing(
            depots=(Depot("depot"),),
            clients=tuple(
                Client(name, float(demand), service=self.service)
                for name, demand in zip(self._names, self.demand, strict=True)
            ),
            vehicles=(
                VehicleType(
                    count=self.num_clients if self.vehicles is None else self.vehicles,
                    capacity=self.capacity,
                    # A limit on time makes solvers track time: only where service counts.
                    max_distance=inf if self.service else limit,
                    max_duration=limit if self.service else inf,
                ),
            ),
            distance=self.distance,
            duration=self.distance,
            coordinates=self.coordinates,
        )

    def data(self) -> dict[str, Any]:
        """What defines the instance."""
        return {
            "distance": self.distance,
            "demand": self.demand,
            "capacity": float(self.capacity),
            "vehicles": self.vehicles,
            "max_distance": None if self.max_distance is None else float(self.max_distance),
            "service": float(self.service) if self.max_distance is not None else 0.0,
        }

    def describe(self) -> dict[str, Any]:
        """Size and conventions for people."""
        limit = {} if self.max_distance is None else {"longest route": self.max_distance}
        return {
            "clients": self.num_clients,
            "vehicles": self.vehicles
            or f"as many as needed, at least {self.least_vehicles}",
            "capacity": self.capacity,
            "demand": float(self.demand.sum()),
            **limit,
            "distances": convention(self.weight_type, self.rounding),
        }

    # -- judging ------------------------------------------------------------------------------

    def score(self, answer: Iterable[Route]) -> Score:
        """Length of all routes, and every broken limit in words."""
        objective, broken = self.routing.evaluate(answer)
        return Score(objective, tuple(Violation(text, amount) for text, amount in broken))

    def encode_answer(self, answer: Iterable[Route]) -> dict[str, Any]:
        """Routes as JSON, with clients numbered from 1 and the load of each route."""
        routes = [[int(c) + 1 for c in route.clients] for route in answer if route.clients]
        known = range(1, self.num_clients + 1)
        loads = [float(sum(self.demand[c - 1] for c in route if c in known)) for route in routes]
        return {"routes": routes, "loads": loads}

    def decode_answer(self, data: Any) -> Routes:
        """Routes from what `encode_answer` gives.

        Raises
        ------
        InputError
        """
        try:
            return tuple(
                Route(0, tuple(int(client) - 1 for client in route)) for route in data["routes"]
            )
        except (TypeError, KeyError, ValueError):
            raise InputError('routes are written as {"routes": [[1, 3], [2]]}') from None

    def to_sol(self, answer: Iterable[Route]) -> str:
        """The text of a CVRPLIB ``.sol`` file."""
        routes = tuple(answer)
        return write_solution(
            self.encode_answer(routes)["routes"], self.score(routes).objective
        )

    def _itinerary(self, answer: Iterable[Route]) -> Itinerary:
        places = of_tsplib(self.coordinates, self.weight_type)
        return Itinerary(self.routing, tuple(answer), places=places)

    def read_sol(self, path: Path) -> Routes:
        """An answer from a CVRPLIB ``.sol`` file; its cost line is not believed, `score` tells.

        Raises
        ------
        ParseError
        """
        routes, _ = read_solution(path)
        return self.decode_answer({"routes": routes})

    # -- lowering -----------------------------------------------------------------------------

    def lower(self, form: type[Form], **options: Any) -> Lowering[Any]:
        """Give the instance in a form: `Routing`, `Program` or `Qubo`."""
        ways: dict[type[Form], Any] = {
            Routing: self.to_routing, Program: self.to_program, Qubo: self.to_qubo,
        }
        if form not in ways:
            raise UnsupportedError(f"a CVRP is given as Routing, Program or Qubo, not {form!r}")
        way = ways[form]
        return way(**check_options(way, options, f"the {form.__name__} of a CVRP"))  # type: ignore[no-any-return]  # a bound method out of a table

    def to_routing(self) -> Lowering[Routing]:
        """The instance as it is."""
        return Lowering(self.routing, decode=_same, encode=_same)

    def to_program(self) -> Lowering[Program]:
        """Binary arcs with degree constraints and lifted load constraints.

        Raises
        ------
        SizeError
            Above 299 clients.
        """
        size = self.num_clients + 1
        routing = self.routing
        return Lowering(
            routes_program(routing, self.least_vehicles),
            decode=lambda values: routes_of_values(values, size),
            encode=lambda answer: values_of_routes(answer, routing),
            notes=(f"{size * (size - 1)} arcs, load constraints against subtours",),
        )

    def to_qubo(
        self,
        *,
        encoding: Literal["columns", "assignment"] = "columns",
        columns: int = 20,
        seed: int = 0,
        weight: float | None = None,
    ) -> Lowering[Qubo]:
        """A QUBO by one of two encodings; a bound on either model is none on the instance.

        Parameters
        ----------
        encoding : {"columns", "assignment"}
            'columns': choose among at most `columns` generated routes, one bit each. The routes
            come from a classical search, which also has an answer of its own; the notes say what
            that costs. 'assignment': a bit for each client in each vehicle, each client in one,
            loads within the capacity, by savings that stand in for the lengths of routes; then the
            shortest route of each vehicle is looked up.
        columns : int
            Largest number of routes to choose from, and so of qubits.
        seed : int
            Of the search that generates the routes.
        weight : float, optional
            One penalty weight for all constraints, above 0. By default each has the least that
            `qopt.forms.route_columns.proven_weights` or `qopt.forms.sufficient` can prove.

        Raises
        ------
        SizeError
            Where an answer needs more routes than `columns`, or clients and vehicles make more
            than 4000 bits.
        UnsupportedError
            Where the search finds no answer with these vehicles.
        """
        if encoding == "columns":
            return routing_to_columns(self.routing, columns=columns, seed=seed, weight=weight)
        if (columns, seed) != (20, 0):
            raise UsageError("columns and seed act only with encoding=columns")
        fleet = self.least_vehicles if self.vehicles is None else self.vehicles
        return lower_assignment(
            self.distance, self.demand, self.capacity, min(fleet, self.num_clients), weight
        )

    @property
    def _names(self) -> Sequence[str]:
        return [str(client + 1) for client in range(self.num_clients)]


def _same(answer: Iterable[Route]) -> Routes:
    return tuple(answer)
