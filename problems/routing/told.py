"""How every problem of routes tells its answers: as text, tables, GeoJSON, facts and maps."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from qopt.picture import Picture
from qopt.problem import Score

from .itinerary import Itinerary


class ToldByItinerary(ABC):
    """A problem whose answers can be driven: it gives the `Itinerary`, and has the rest of it."""

    name: str

    @abstractmethod
    def score(self, answer: Any) -> Score:
        """Judge an answer."""

    @abstractmethod
    def _itinerary(self, answer: Iterable[Any]) -> Itinerary:
        """The routes of an answer, with where and when."""

    def to_txt(self, answer: Iterable[Any]) -> str:
        """Every route with its stops, and what is known of each, for reading."""
        stops = tuple(answer)
        return self._itinerary(stops).to_txt(self.score(stops).objective)

    def to_csv(self, answer: Iterable[Any]) -> str:
        """A row for every stop of every route."""
        return self._itinerary(answer).to_csv()

    def to_geojson(self, answer: Iterable[Any]) -> str:
        """A line a route and a point a stop.

        Raises
        ------
        UnsupportedError
            Where the instance has no longitudes and latitudes.
        """
        return self._itinerary(answer).to_geojson()

    def check_answer_format(self, ending: str) -> None:
        """Refuse a file format that this instance cannot fill, before anything runs for it.

        Raises
        ------
        UnsupportedError
        """
        self._itinerary(()).check_format(ending)

    def insight(self, answer: Iterable[Any]) -> dict[str, Any]:
        """Facts of an answer for people: each route's figures."""
        return self._itinerary(answer).insight()

    def picture(self, answer: Iterable[Any]) -> Picture | None:
        """A map of the routes; None where nobody knows the places."""
        return self._itinerary(answer).picture(self.name)
