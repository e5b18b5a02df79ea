"""Reading a rich vehicle routing instance: which file it is, and what the settings add to it."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from math import inf, isfinite
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError, ParseError, UsageError
from qopt.forms import Client, Depot, Routing, Shipment, VehicleType

from ..formats import li_lim, solomon, stops, tabular, vrplib
from ..formats.edge_weights import from_coordinates
from ..formats.stops import Stop, Stops
from ..formats.tsplib_file import Rounding
from .clock import PER_HOUR, Clock, TimeUnit, hours_of
from .distances import convention, rounded, rounding_words
from .fleet import Time, VehicleTable, fleet_of
from .places import EARTH_RADIUS, Places, great_circles, of_tsplib

DistanceUnit = Literal["km", "m"]


@dataclass(frozen=True)
class Wishes:
    """The settings of `Vrp.load`, None where they are not given."""

    vehicles: int | tuple[VehicleTable, ...] | None = None
    capacity: float | None = None
    rounding: Rounding | None = None
    distance: str | None = None
    duration: str | None = None
    speed: float | None = None
    distance_unit: DistanceUnit | None = None
    time_unit: TimeUnit | None = None

    def __post_init__(self) -> None:
        if self.speed is not None and not self.speed > 0:
            raise UsageError(f"speed must be above 0, got {self.speed:g}")
        if self.capacity is not None and not self.capacity >= 0:
            raise UsageError(f"capacity must be at least 0, got {self.capacity:g}")

    def refuse(self, path: Path, content: str, *allowed: str) -> None:
        """Fail where a setting is given that could not do anything."""
        for item in fields(self):
            if item.name not in allowed and getattr(self, item.name) is not None:
                raise UsageError(f"{item.name} does not go with {path}, {content}; leave it out")


def read(path: Path, wishes: Wishes) -> dict[str, Any]:
    """The fields of a `Vrp` from a file.

    Raises
    ------
    QoptError
    """
    with path.open("rb") as stream:
        head = stream.read(4096).decode(errors="replace")
    if stops.recognises(path.name, head):
        way: Callable[[Path, Wishes], dict[str, Any]] = _from_stops
    elif li_lim.recognises(path.name, head):
        way = _from_li_lim
    elif solomon.recognises(path.name, head):
        raise UsageError(f"{path} has Solomon's layout: read it as kind 'vrptw'")
    elif path.suffix.lower() in (".csv", ".tsv", ".json", ".geojson"):
        way = _from_stops
    elif path.suffix.lower() == ".txt":
        way = _from_li_lim
    else:
        way = _from_vrplib
    try:
        return {"name": path.stem, **way(path, wishes)}
    except InputError as fault:
        if isinstance(fault, ParseError):
            raise
        raise ParseError(path, str(fault)) from None


# -- benchmark files ------------------------------------------------------------------------------


def _from_vrplib(path: Path, wishes: Wishes) -> dict[str, Any]:
    wishes.refuse(path, "which says everything else itself", "vehicles", "rounding")
    rounding: Rounding = wishes.rounding or "tsplib"
    file = vrplib.read_vrplib(path, rounding)
    return {
        "routing": _with_count(path, file.routing, wishes.vehicles),
        "places": of_tsplib(file.coordinates, file.weight_type),
        "distances": convention(file.weight_type, rounding),
        "durations": "equal to the distances",
    }


def _with_count(
    path: Path, routing: Routing, vehicles: int | tuple[VehicleTable, ...] | None
) -> Routing:
    if vehicles is None:
        return routing
    if isinstance(vehicles, tuple) or len(routing.vehicles) > 1:
        raise UsageError(f"{path} describes its vehicles itself; a number may replace theirs where "
                         "they are all alike")
    if vehicles < 1:
        raise UsageError(f"vehicles must be at least 1, got {vehicles}")
    return replace(routing, vehicles=(replace(routing.vehicles[0], count=vehicles),))


def _from_li_lim(path: Path, wishes: Wishes) -> dict[str, Any]:
    wishes.refuse(path, "which says everything else itself", "vehicles", "rounding")
    rounding: Rounding = wishes.rounding or "none"
    file = li_lim.read_li_lim(path)
    points = np.array([(task.x, task.y) for task in file.tasks])
    distance = from_coordinates("EUC_2D", points, rounding)
    depot = file.tasks[0]
    routing = Routing(
        depots=(Depot("0", depot.early, depot.late),),
        clients=tuple(
            Client(str(number), service=task.service, early=task.early, late=task.late)
            for number, task in enumerate(file.tasks[1:], 1)
        ),
        vehicles=(VehicleType(count=file.vehicles, capacity=file.capacity),),
        distance=distance,
        duration=distance / file.speed,
        coordinates=points,
        shipments=tuple(
            Shipment(pickup - 1, delivery - 1, file.tasks[pickup].demand)
            for pickup, delivery in file.pairs
        ),
    )
    return {
        "routing": _with_count(path, routing, wishes.vehicles),
        "distances": convention("EUC_2D", rounding),
        "durations": "equal to the distances" if file.speed == 1
        else f"the distances at speed {file.speed:g}",
    }


# -- tables of stops ------------------------------------------------------------------------------


def _from_stops(path: Path, wishes: Wishes) -> dict[str, Any]:
    file = stops.read_stops(path)
    ordered = sorted(file.stops, key=lambda stop: not stop.depot)  # stable: depots come first
    clock = _clock(file, wishes)
    places = _places(file, ordered)
    distance, distances = _distance(file, ordered, places, wishes)

    def time(value: Time) -> float:
        return _time(value, clock)

    depots = tuple(
        Depot(stop.name, *_window(file, stop, time)) for stop in ordered if stop.depot
    )
    own = [stop for stop in ordered if not stop.depot]
    clients = tuple(_client(file, stop, time) for stop in own)
    vehicles = fleet_of(wishes.vehicles, wishes.capacity, depots, len(clients), time)
    shipments = _shipments(file, own)
    _check_loads(file, clients, shipments, vehicles)
    timed = any(stop.times for stop in file.stops) or any(
        v.duration_cost or v.early or isfinite(v.late) or isfinite(v.max_duration)
        for v in vehicles
    )
    duration, durations = _duration(file, ordered, distance, wishes, clock, timed)
    routing = Routing(
        depots, clients, vehicles, distance, duration,
        None if places is None else places.points, shipments,
    )
    return {"routing": routing, "places": places, "clock": clock,
            "distances": distances, "durations": durations}


def _clock(file: Stops, wishes: Wishes) -> Clock:
    texts = [text for stop in file.stops for text in stop.times.values()]
    if isinstance(wishes.vehicles, tuple):
        keys = ("early", "late", "max_duration")
        texts += [str(table[key]) for table in wishes.vehicles for key in keys if key in table]
    of_day = any(hours_of(text) is not None for text in texts)
    implied: TimeUnit | None = "minutes" if of_day or file.geographic else None
    return Clock(wishes.time_unit or implied or "", of_day)


def _time(value: Time, clock: Clock) -> float:
    """A time in the instance's unit."""
    if isinstance(value, str):
        hours = hours_of(value)
        if hours is not None and clock.unit:
            return hours * PER_HOUR[clock.unit]
        try:
            value = float(value)
        except ValueError:
            value = float("nan")
    if not (isfinite(value) and value >= 0):
        raise InputError(f"a time of at least 0 or HH:MM was expected, got {value!r}")
    return float(value)


def _times(file: Stops, stop: Stop, time: Callable[[Time], float]) -> dict[str, float]:
    values = {}
    for key, text in stop.times.items():
        try:
            values[key] = time(text)
        except InputError:
            file.fail(stop, f"{key} must be a number of at least 0 or HH:MM, got {text!r}")
    return values


def _window(file: Stops, stop: Stop, time: Callable[[Time], float]) -> tuple[float, float]:
    values = _times(file, stop, time)
    early, late = values.get("early", 0.0), values.get("late", inf)
    if early > late:
        file.fail(stop, f"early {stop.times['early']} lies after late {stop.times['late']}")
    return early, late


def _client(file: Stops, stop: Stop, time: Callable[[Time], float]) -> Client:
    early, late = _window(file, stop, time)
    prize = stop.loads.get("prize", 0.0)
    required = True if stop.required is None else stop.required
    if prize and required:
        file.fail(stop, "a prize counts only for an optional client: set required to no")
    return Client(
        stop.name, stop.loads.get("demand", 0.0), stop.loads.get("pickup", 0.0),
        _times(file, stop, time).get("service", 0.0), early, late, prize, required,
    )


def _shipments(file: Stops, own: list[Stop]) -> tuple[Shipment, ...]:
    index = {stop.name: i for i, stop in enumerate(own)}
    found = []
    for i, stop in enumerate(own):
        if not stop.delivery_to:
            if "load" in stop.loads:
                file.fail(stop, "a load needs delivery_to, the name of the client it goes to")
            continue
        if stop.delivery_to not in index:
            file.fail(stop, f"delivery_to names {stop.delivery_to!r}, which is no client")
        found.append(Shipment(i, index[stop.delivery_to], stop.loads.get("load", 0.0)))
    return tuple(found)


def _check_loads(
    file: Stops, clients: tuple[Client, ...], shipments: tuple[Shipment, ...],
    vehicles: tuple[VehicleType, ...],
) -> None:
    carried = any(c.demand or c.pickup for c in clients) or any(s.load for s in shipments)
    limited = any(isfinite(vehicle.capacity) for vehicle in vehicles)
    if carried and not limited:
        raise UsageError(f"{file.path} has loads and no vehicle has a capacity: set capacity, or "
                         "give it in the [[vehicles]] tables")
    if limited and not carried:
        raise UsageError(f"vehicles have a capacity and {file.path} has no loads (demand, pickup "
                         "or load)")


# -- distances and durations ----------------------------------------------------------------------


def _places(file: Stops, ordered: list[Stop]) -> Places | None:
    points = [stop.place for stop in ordered if stop.place is not None]
    return Places(np.array(points), file.geographic) if points else None


def _distance(
    file: Stops, ordered: list[Stop], places: Places | None, wishes: Wishes
) -> tuple[NDArray[np.float64], str]:
    """The matrix and how it came about, in words."""
    rounding: Rounding = wishes.rounding or "none"
    if wishes.distance is not None:
        for name in ("rounding", "distance_unit"):
            if getattr(wishes, name) is not None:
                raise UsageError(f"{name} does not go with distances from a file; leave it out")
        return _matrix(file, ordered, wishes.distance, "distance"), "as given by the matrix"
    if places is None:
        raise UsageError(f"{file.path} has no places (latitude and longitude, or x and y): set "
                         "distance to a file with the matrix")
    if not places.geographic:
        if wishes.distance_unit is not None:
            raise UsageError("distance_unit goes with latitude and longitude; leave it out")
        matrix = from_coordinates("EUC_2D", places.points, rounding)
        return matrix, f"Euclidean between x and y, {rounding_words(rounding)}"
    unit = wishes.distance_unit or "km"
    metres = unit == "m"
    matrix = rounded(great_circles(places) * (1000.0 if metres else 1.0), rounding)
    return matrix, (
        f"great circles in {'metres' if metres else 'kilometres'} (haversine, earth radius "
        f"{EARTH_RADIUS} km), {rounding_words(rounding)}"
    )


def _duration(
    file: Stops, ordered: list[Stop], distance: NDArray[np.float64], wishes: Wishes,
    clock: Clock, timed: bool,
) -> tuple[NDArray[np.float64], str]:
    """Travel times and how they came about, in words."""
    unit = f" in {clock.unit}" if clock.unit else ""
    if not timed:
        for name in ("speed", "duration", "time_unit"):
            if getattr(wishes, name) is not None:
                raise UsageError(f"{name} has nothing to act on: {file.path} has no times, and the "
                                 "vehicles neither shift nor cost of time")
        return distance, "not used"
    if wishes.duration is not None:
        if wishes.speed is not None:
            raise UsageError("give speed or duration, not both")
        return _matrix(file, ordered, wishes.duration, "duration"), f"as given by the matrix{unit}"
    by_road = file.geographic and wishes.distance is None
    if wishes.speed is None:
        if by_road or clock.of_day:
            raise UsageError(f"{file.path} has times: set speed, or duration to a file with the "
                             "matrix of travel times")
        return distance, f"equal to the distances{unit}"
    if not by_road:
        return distance / wishes.speed, f"the distances at speed {wishes.speed:g}{unit}"
    if not clock.unit:
        raise UsageError("set time_unit")
    factor = PER_HOUR[clock.unit] / (1000.0 if wishes.distance_unit == "m" else 1.0)
    return distance / wishes.speed * factor, f"the distances at {wishes.speed:g} km/h{unit}"


def _matrix(
    file: Stops, ordered: list[Stop], name: str, setting: str
) -> NDArray[np.float64]:
    """A matrix from a file beside the stops, in the order of the locations."""
    path = next((p for p in (file.path.parent / name, Path(name)) if p.is_file()), None)
    if path is None:
        raise InputError(f"{setting}={name}: there is no such file beside {file.path} or here")
    names, matrix = tabular.read_matrix(tabular.read_table(path))
    given = names if names is not None else tuple(stop.name for stop in file.stops)
    wanted = [stop.name for stop in ordered]
    if len(matrix) != len(wanted):
        raise ParseError(path, f"the matrix has {len(matrix)} rows, {file.path} has {len(wanted)} "
                               "stops")
    missing = [stop for stop in wanted if stop not in given]
    if missing:
        raise ParseError(path, f"there is no row and column for the stop {missing[0]!r}")
    order = [given.index(stop) for stop in wanted]
    if (matrix < 0).any():
        raise ParseError(path, f"the {setting} matrix has a negative entry")
    np.fill_diagonal(matrix, 0.0)
    return matrix[np.ix_(order, order)]

