"""The travelling salesman problem: the shortest closed tour through all cities."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError, ParseError, UnsupportedError, UsageError
from qopt.forms import (
    Client,
    Depot,
    Form,
    Lowering,
    Program,
    Qubo,
    Route,
    Routing,
    Table,
    VehicleType,
)
from qopt.problem import Reference, Score, Sense, Violation

from ..encode import lower_with
from ..formats.tsplib import read_instance, read_tour, write_tour
from ..formats.tsplib_file import Rounding
from . import edges, rank
from .arcs import tour_of_values, tour_program, values_of_tour
from .distances import checked_distances, convention
from .itinerary import Itinerary
from .onehot import lower_one_hot
from .places import of_tsplib
from .told import ToldByItinerary


@dataclass(frozen=True, kw_only=True, eq=False)
class Tsp(ToldByItinerary):
    """Visit every city once and return, over the shortest way.

    An answer is a tuple of city indices in the order of visits, counted from 0, starting anywhere.
    In words, in files and in JSON cities carry TSPLIB's numbers, which start at 1.

    Parameters
    ----------
    name : str
    distance : ndarray of float64, shape (n, n)
        Length from row to column, at least 0; need not be symmetric. The diagonal is not used.
    coordinates : ndarray of float64, shape (n, 2), optional
        Where the cities are, for plots only.
    weight_type : str
        How the distances came about: TSPLIB's ``EDGE_WEIGHT_TYPE``.
    rounding : {"tsplib", "none", "one-decimal"}
        How distances that were computed from coordinates are rounded.
    reference : Reference, optional

    Raises
    ------
    InputError
        Where the matrix is not square, has fewer than two cities, or an entry that is negative,
        NaN or infinite.
    """

    kind: ClassVar[str] = "tsp"
    sense: ClassVar[Sense] = "minimise"

    name: str = "tsp"
    distance: NDArray[np.float64] = field(repr=False)
    coordinates: NDArray[np.float64] | None = field(default=None, repr=False)
    weight_type: str = "EXPLICIT"
    rounding: Rounding = "tsplib"
    reference: Reference | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "distance", checked_distances(self.distance, least=2))

    @classmethod
    def load(cls, path: Path, *, rounding: Rounding = "tsplib") -> Self:
        """Read a TSPLIB ``.tsp`` or ``.atsp`` file.

        Parameters
        ----------
        path : Path
        rounding : {"tsplib", "none", "one-decimal"}
            How distances computed from coordinates are rounded: by TSPLIB's own rule to whole
            numbers, not at all, or cut after one decimal.

        Raises
        ------
        ParseError
            With file and line.
        """
        try:
            file = read_instance(path, {"TSP", "ATSP"}, rounding)
            return cls(
                name=file.name,
                distance=file.distance,
                coordinates=file.coordinates,
                weight_type=file.weight_type,
                rounding=rounding,
            )
        except ParseError:
            raise
        except InputError as fault:
            raise ParseError(path, str(fault)) from None

    @property
    def num_cities(self) -> int:
        """Number of cities."""
        return len(self.distance)

    @property
    def symmetric(self) -> bool:
        """Whether every way is as long as the way back."""
        return bool((self.distance == self.distance.T).all())

    def data(self) -> dict[str, Any]:
        """The distances: they alone define the instance."""
        return {"distance": self.distance}

    def describe(self) -> dict[str, Any]:
        """Size and conventions for people."""
        return {
            "cities": self.num_cities,
            "symmetric": self.symmetric,
            "distances": convention(self.weight_type, self.rounding),
        }

    # -- judging ------------------------------------------------------------------------------

    def score(self, answer: Sequence[int]) -> Score:
        """Length of the closed tour, and cities that are missed, repeated or unknown."""
        tour = [int(city) for city in answer]
        known = [city for city in tour if 0 <= city < self.num_cities]
        length = sum(
            float(self.distance[a, b])
            for a, b in zip(known, [*known[1:], *known[:1]], strict=True)
        )
        visits = Counter(tour)
        broken = [
            Violation(f"city {city + 1} does not exist", 1.0)
            for city in sorted(set(tour) - set(known))
        ]
        for city in range(self.num_cities):
            if visits[city] == 0:
                broken.append(Violation(f"city {city + 1} is not visited", 1.0))
            elif visits[city] > 1:
                broken.append(
                    Violation(f"city {city + 1} is visited {visits[city]} times",
                              float(visits[city] - 1))
                )
        return Score(length, tuple(broken))

    def encode_answer(self, answer: Sequence[int]) -> dict[str, Any]:
        """A tour as JSON, with cities numbered from 1."""
        return {"tour": [int(city) + 1 for city in answer]}

    def decode_answer(self, data: Any) -> tuple[int, ...]:
        """A tour from what `encode_answer` gives.

        Raises
        ------
        InputError
        """
        try:
            return tuple(int(city) - 1 for city in data["tour"])
        except (TypeError, KeyError, ValueError):
            raise InputError('a tour is written as {"tour": [1, 3, 2]}') from None

    def to_tour(self, answer: Sequence[int]) -> str:
        """The text of a TSPLIB ``.tour`` file."""
        return write_tour(self.name, answer)

    def insight(self, answer: Iterable[int]) -> dict[str, Any]:
        """Facts of an answer for people: its longest legs."""
        tour = [int(city) for city in answer if 0 <= int(city) < self.num_cities]
        legs = sorted(
            ((float(self.distance[a, b]), a + 1, b + 1)
             for a, b in zip(tour, [*tour[1:], *tour[:1]], strict=True)), reverse=True,
        )
        facts = {f"{a} to {b}": length for length, a, b in legs[:3]}
        return {"cities": len(tour), "longest legs": facts}

    def _itinerary(self, answer: Iterable[int]) -> Itinerary:
        """The tour from city 1 on, as a route; no route where city 1 is missed or repeated."""
        routing = self.to_routing().model
        tour = list(answer)
        return Itinerary(
            routing, _routes_of_tour(tour) if tour.count(0) == 1 else (),
            places=of_tsplib(self.coordinates, self.weight_type),
        )

    def read_tour(self, path: Path) -> tuple[int, ...]:
        """An answer from a TSPLIB ``.tour`` file.

        Raises
        ------
        InputError
            Where the file is malformed, or is of another number of cities.
        """
        tour = read_tour(path)
        if len(tour) != self.num_cities:
            raise InputError(
                f"{path} is a tour of {len(tour)} cities, {self.name} has {self.num_cities}"
            )
        return tour

    # -- lowering -----------------------------------------------------------------------------

    def lower(self, form: type[Form], **options: Any) -> Lowering[Any]:
        """Give the instance in a form: `Routing`, `Program`, `Qubo` or `Table`."""
        return lower_with(self, form, options)

    def to_routing(self) -> Lowering[Routing]:
        """One vehicle without limits whose depot is the first city."""
        routing = Routing(
            depots=(Depot("1"),),
            clients=tuple(Client(str(city + 1)) for city in range(1, self.num_cities)),
            vehicles=(VehicleType(),),
            distance=self.distance,
            duration=self.distance,
            coordinates=self.coordinates,
        )
        return Lowering(routing, decode=_tour_of_routes, encode=_routes_of_tour)

    def to_program(self) -> Lowering[Program]:
        """Binary arcs with degree constraints and lifted Miller-Tucker-Zemlin order constraints.

        Raises
        ------
        SizeError
            Above 300 cities.
        """
        size = self.num_cities
        return Lowering(
            tour_program(self.distance, self._names),
            decode=lambda values: tour_of_values(values, size),
            encode=values_of_tour,
            notes=(f"{size * (size - 1)} arcs, order constraints against subtours",),
        )

    def to_qubo(
        self, *, encoding: Literal["one-hot", "edges"] = "one-hot", weight: float | None = None
    ) -> Lowering[Qubo]:
        """A QUBO by one of two encodings.

        Parameters
        ----------
        encoding : {"one-hot", "edges"}
            'one-hot': a bit for each city at each position, the first city fixed, ``(n - 1)**2``
            bits; positions are groups, that a city is visited once is a penalty. 'edges': a bit
            for each edge, ``n (n - 1) / 2`` of them, or for each arc, ``n (n - 1)``, where ways
            back are of other lengths; the number of edges at each city is a penalty, and subtours
            are cut off as they are found, by solving again with a few bits more.
        weight : float, optional
            One penalty weight for everything, above 0. By default each has the least that
            `onehot.proven_weights` or `edges.proven_weights` can prove.

        Raises
        ------
        SizeError
            Above 150 cities one-hot, 200 by edges.
        UnsupportedError
            For fewer than three cities by edges.
        """
        if weight is not None and not (np.isfinite(weight) and weight > 0):
            raise UsageError(f"weight must be above 0 and finite, got {weight}")
        if encoding == "edges":
            if self.num_cities < 3:
                raise UnsupportedError(
                    f"tours are given by edges from 3 cities on, {self.name} has "
                    f"{self.num_cities}: take encoding=one-hot"
                )
            return edges.lower_edges(self.distance, self._names, weight)
        return lower_one_hot(self.distance, self._names, weight)

    def to_table(self, *, encoding: Literal["rank"] = "rank") -> Lowering[Table]:
        """The lengths of all tours, each by its number.

        Parameters
        ----------
        encoding : {"rank"}
            'rank': the number of the tour among all, in the fewest bits that can tell them apart,
            with a length for each: for simulators only.

        Raises
        ------
        SizeError
            Where the number has more than 24 bits, from 12 cities on.
        """
        return rank.lower_rank(self.distance)

    def count_bits(self, form: str, *, encoding: str = "one-hot", **options: Any) -> int | None:
        """Bits of a QUBO or table by an encoding, without making it; None for other forms."""
        if form == "table":
            return rank.num_bits(self.num_cities, self.symmetric)
        if form != "qubo":
            return None
        if encoding == "edges":
            return edges.num_bits(self.distance)
        return (self.num_cities - 1) ** 2

    @property
    def _names(self) -> list[str]:
        return [str(city + 1) for city in range(self.num_cities)]


def _tour_of_routes(routes: Sequence[Route]) -> tuple[int, ...]:
    """Every route from the depot on: more than one route visits the depot's city again."""
    legs = [(0, *(client + 1 for client in route.clients)) for route in routes if route.clients]
    return tuple(city for leg in legs for city in leg) or (0,)


def _routes_of_tour(tour: Sequence[int]) -> tuple[Route, ...]:
    start = list(tour).index(0)
    return (Route(0, tuple(city - 1 for city in [*tour[start + 1 :], *tour[:start]])),)
