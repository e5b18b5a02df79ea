"""Routes for people: as words, tables, GeoJSON and pictures."""

import csv
import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from qopt.errors import UnsupportedError
from qopt.forms import Route, Routing, Schedule
from qopt.picture import Path, Picture, Point

from .clock import Clock, number
from .places import Places


@dataclass(frozen=True)
class Itinerary:
    """An answer to a routing, walked through.

    Routes that name a vehicle or client that does not exist are left out: there is nothing to walk.

    Parameters
    ----------
    routing : Routing
    answer : iterable of Route
    clock : Clock
        How times are written.
    places : Places, optional
        Where the locations are.
    """

    routing: Routing
    answer: Iterable[Route]
    clock: Clock = field(default_factory=Clock)
    places: Places | None = None

    @cached_property
    def walked(self) -> list[tuple[Route, Schedule]]:
        """Every route in use with its schedule."""
        routing = self.routing
        sound = [
            route for route in self.answer
            if route.clients
            and 0 <= route.vehicle < len(routing.vehicles)
            and all(0 <= c < len(routing.clients) for c in route.clients)
        ]
        return [(route, routing.walk(route)) for route in sound]

    @cached_property
    def unserved(self) -> list[int]:
        """Clients that no route visits."""
        served = {c for route, _ in self.walked for c in route.clients}
        return [c for c in range(len(self.routing.clients)) if c not in served]

    @cached_property
    def timed(self) -> bool:
        """Whether times say more than distances do."""
        routing = self.routing
        return (
            routing.has_time_windows
            or any(client.service for client in routing.clients)
            or any(vehicle.duration_cost for vehicle in routing.vehicles)
            or not np.array_equal(routing.distance, routing.duration)
        )

    @cached_property
    def loaded(self) -> bool:
        """Whether anything is carried."""
        return self.routing.has_pickups or any(c.demand for c in self.routing.clients)

    def name(self, location: int) -> str:
        """What a location is called."""
        depots = self.routing.depots
        if location < len(depots):
            return depots[location].name
        return self.routing.clients[location - len(depots)].name

    # -- for reading --------------------------------------------------------------------------

    def insight(self) -> dict[str, Any]:
        """Facts of the answer: vehicles used, totals, clients left out, and each route's figures.

        Distances, durations and loads are in the instance's own units.
        """
        routing = self.routing
        facts: dict[str, Any] = {
            "vehicles used": len(self.walked),
            "distance": _tidy(sum(s.distance for _, s in self.walked)),
        }
        if self.timed:
            facts["duration"] = self._time(sum(s.duration for _, s in self.walked))
            facts["waiting"] = self._time(sum(sum(s.waits) for _, s in self.walked))
        if self.unserved:
            facts["unserved"] = [routing.clients[c].name for c in self.unserved]
            facts["prizes forgone"] = _tidy(sum(routing.clients[c].prize for c in self.unserved))
        facts["routes"] = [self._figures(*walked) for walked in self.walked]
        return facts

    def _figures(self, route: Route, schedule: Schedule) -> dict[str, Any]:
        vehicle = self.routing.vehicles[route.vehicle]
        figures: dict[str, Any] = {"vehicle": vehicle.name, "stops": len(route.clients)}
        if self.loaded:
            figures["load"] = _tidy(schedule.peak_load)
            if np.isfinite(vehicle.capacity):
                figures["capacity"] = _tidy(vehicle.capacity)
        figures["distance"] = _tidy(schedule.distance)
        if self.timed:
            figures["duration"] = self._time(schedule.duration)
            figures["departure"] = self._time(schedule.departures[0])
            figures["end"] = self._time(schedule.departures[-1])
            figures["waiting"] = self._time(sum(schedule.waits))
        figures["way"] = [
            f"{self.name(place)} {self.clock.text(start)}" if self.timed else self.name(place)
            for place, start in zip(schedule.locations, schedule.starts, strict=True)
        ]
        return figures

    def _time(self, value: float) -> Any:
        return self.clock.text(value) if self.clock.of_day else _tidy(value)

    def to_txt(self, objective: float) -> str:
        """Every route with its stops, arrivals and loads, for reading."""
        lines = []
        for i, (route, schedule) in enumerate(self.walked, 1):
            lines += [f"Route {i}: {self.summary(route, schedule)}", *self._stops(schedule), ""]
        if self.unserved:
            names = ", ".join(self.routing.clients[c].name for c in self.unserved)
            lines += [f"Not served: {names}", ""]
        return "\n".join([*lines, f"Objective {objective:.10g}"]) + "\n"

    def _stops(self, schedule: Schedule) -> list[str]:
        """A table with a line a stop."""
        columns: list[tuple[str, Callable[[int], str]]] = [
            ("stop", lambda i: self.name(schedule.locations[i]))
        ]
        if self.timed:
            columns += [
                ("arrival", lambda i: self.clock.text(schedule.arrivals[i])),
                ("wait", lambda i: self.clock.text(schedule.waits[i])),
                ("leaves", lambda i: self.clock.text(schedule.departures[i])),
            ]
        if self.loaded:
            columns.append(("load", lambda i: number(schedule.loads[i])))
        columns.append(("distance", lambda i: number(schedule.distances[i])))
        texts = [
            [title, *(cell(i) for i in range(len(schedule.locations)))] for title, cell in columns
        ]
        widths = [max(map(len, column)) for column in texts]
        return [
            "  " + "  ".join(
                cell.rjust(width) if k else cell.ljust(width)
                for k, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in zip(*texts, strict=True)
        ]

    def summary(self, route: Route, schedule: Schedule) -> str:
        """A route's figures on a line."""
        stops = len(route.clients)
        parts = [self.routing.vehicles[route.vehicle].name, f"{stops} stop{'s' * (stops != 1)}"]
        if self.loaded:
            parts.append(f"load {number(schedule.peak_load)}")
        parts.append(f"distance {number(schedule.distance)}")
        if self.timed:
            parts.append(f"duration {self.clock.text(schedule.duration)}")
        return ", ".join(parts)

    # -- for machines -------------------------------------------------------------------------

    def check_format(self, ending: str) -> None:
        """Refuse a format that the instance cannot fill.

        Raises
        ------
        UnsupportedError
            For GeoJSON where the instance has no longitudes and latitudes.
        """
        if ending == "geojson" and (self.places is None or not self.places.geographic):
            raise UnsupportedError(
                "GeoJSON needs longitude and latitude, which this instance does not have; write "
                "the routes as .csv or .txt"
            )

    def to_csv(self) -> str:
        """A table with a row for every stop of every route, depots included, in order.

        ``number`` is the location: depots are counted from 0, then clients. Times are as the
        instance writes them.
        """
        table = io.StringIO()
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow([
            "route", "vehicle", "stop", "number", "name", "arrival", "wait", "start", "departure",
            "load", "distance",
        ])
        for i, (route, schedule) in enumerate(self.walked, 1):
            vehicle = self.routing.vehicles[route.vehicle].name
            for stop, place in enumerate(schedule.locations):
                writer.writerow([
                    i, vehicle, stop, place, self.name(place),
                    self._time(schedule.arrivals[stop]), self._time(schedule.waits[stop]),
                    self._time(schedule.starts[stop]), self._time(schedule.departures[stop]),
                    _tidy(schedule.loads[stop]), _tidy(schedule.distances[stop]),
                ])
        return table.getvalue()

    def to_geojson(self) -> str:
        """A FeatureCollection (RFC 7946): a line a route, a point a stop.

        Raises
        ------
        UnsupportedError
            Where the instance has no longitudes and latitudes.
        """
        self.check_format("geojson")
        at = [] if self.places is None else self.places.points.round(6).tolist()
        features = []
        for i, (route, schedule) in enumerate(self.walked, 1):
            figures = self._figures(route, schedule)
            del figures["way"]
            features.append(_feature(
                "LineString", [at[place] for place in schedule.locations],
                {"route": i, **figures, "cost": _tidy(schedule.cost)},
            ))
        for i, (route, schedule) in enumerate(self.walked, 1):
            for stop, c in enumerate(route.clients, 1):
                place = self.routing.location(c)
                features.append(_feature("Point", at[place], {
                    "name": self.name(place), "kind": "client", "route": i, "stop": stop,
                    "arrival": self._time(schedule.arrivals[stop]),
                    "wait": self._time(schedule.waits[stop]), "load": _tidy(schedule.loads[stop]),
                }))
        for place, depot in enumerate(self.routing.depots):
            features.append(_feature("Point", at[place], {"name": depot.name, "kind": "depot"}))
        for c in self.unserved:
            place = self.routing.location(c)
            told = {"name": self.name(place), "kind": "unserved"}
            features.append(_feature("Point", at[place], told))
        collection = {"type": "FeatureCollection", "features": features}
        return json.dumps(collection, indent=1, allow_nan=False) + "\n"

    def picture(self, title: str) -> Picture | None:
        """A map of the routes; None where nobody knows the places."""
        if self.places is None:
            return None
        unserved = {self.routing.location(c) for c in self.unserved}
        depots = len(self.routing.depots)
        points = tuple(
            Point(
                float(x), float(y), self.name(i),
                "depot" if i < depots else "unserved" if i in unserved else "client",
            )
            for i, (x, y) in enumerate(self.places.points)
        )
        paths = tuple(
            Path(schedule.locations, f"route {i}: {self.summary(route, schedule)}")
            for i, (route, schedule) in enumerate(self.walked, 1)
        )
        return Picture(points, paths, title, self.places.geographic)


def _tidy(value: float) -> float | int:
    """A number without the noise of summing decimals."""
    tidy = round(float(value), 6)
    return int(tidy) if tidy == int(tidy) else tidy


def _feature(kind: str, coordinates: Any, properties: dict[str, Any]) -> dict[str, Any]:
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "geometry": geometry, "properties": properties}
