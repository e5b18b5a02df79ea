"""The fleet of an instance, from a number of vehicles or from tables of vehicle types."""

from collections.abc import Callable, Mapping, Sequence
from math import inf, isfinite
from typing import Any

from qopt.errors import InputError, UnknownNameError, UsageError
from qopt.forms import Depot, VehicleType
from qopt.options import check_options

from .clock import number

Time = int | float | str
"""A number in the instance's unit of time, or ``HH:MM``."""

VehicleTable = dict[str, object]
"""One ``[[vehicles]]`` table of an instance file; see `vehicle_type`."""


def vehicle_type(
    *,
    name: str = "",
    count: int = 1,
    capacity: float | None = None,
    start: str | None = None,
    end: str | None = "",
    fixed_cost: float = 0.0,
    distance_cost: float = 1.0,
    duration_cost: float = 0.0,
    max_distance: float | None = None,
    max_duration: Time | None = None,
    early: Time = 0.0,
    late: Time | None = None,
    depots: Sequence[Depot] = (),
    time: Callable[[Time], float] = float,
) -> VehicleType:
    """Vehicles that are alike, as a table of an instance file describes them.

    Parameters
    ----------
    name : str
        What it is called.
    count : int
        How many there are.
    capacity : float, optional
        Largest load; none for no limit.
    start : str, optional
        Name of the depot where it starts; may be left out where there is one depot.
    end : str, optional
        Name of the depot where it ends, the one where it starts by default; ``"none"`` for an open
        route, which ends at its last client.
    fixed_cost, distance_cost, duration_cost : float
        Cost of using one, of a unit of distance, and of a unit of time on the way.
    max_distance, max_duration : float, optional
        Limits of a route; the duration in the unit of time or as ``HH:MM``.
    early, late : float or text, optional
        Shift, in the unit of time or as ``HH:MM``.
    depots : sequence of Depot
        Of the instance.
    time : callable
        Reads a time.

    Raises
    ------
    InputError
        For values that make no sense.
    UnknownNameError
        For a depot that does not exist.
    """
    if start is None and len(depots) > 1:
        raise UsageError(
            f"vehicle {name!r} needs start = the name of one of the {len(depots)} depots"
        )
    first = 0 if start is None else _depot(depots, start)
    last = first if end == "" else None if end is None else _depot(depots, end, "none")
    return VehicleType(
        name=name or "vehicle", count=count, capacity=inf if capacity is None else capacity,
        start=first, end=last, fixed_cost=fixed_cost, distance_cost=distance_cost,
        duration_cost=duration_cost,
        max_distance=inf if max_distance is None else max_distance,
        max_duration=inf if max_duration is None else time(max_duration),
        early=time(early), late=inf if late is None else time(late),
    )


def _depot(depots: Sequence[Depot], name: str, *others: str) -> int:
    """Index of a depot by its name; `others` are allowed and are no depots."""
    names = [depot.name for depot in depots]
    if name not in names:
        what = "end of a route" if others else "depot"
        raise UnknownNameError(what, name, [*names, *others])
    return names.index(name)


def fleet_of(
    vehicles: int | tuple[VehicleTable, ...] | None,
    capacity: float | None,
    depots: Sequence[Depot],
    clients: int,
    time: Callable[[Time], float],
) -> tuple[VehicleType, ...]:
    """The vehicle types of an instance.

    Parameters
    ----------
    vehicles : int, tuple of table, or None
        How many there are at each depot, or a table for each type; None for as many as needed at
        each depot.
    capacity : float, optional
        Of every vehicle, where they are alike.
    depots : sequence of Depot
    clients : int
        How many clients there are.
    time : callable
        Reads a time.

    Raises
    ------
    QoptError
        For a table with an unknown key or a value that does not fit.
    """
    if isinstance(vehicles, tuple):
        if capacity is not None:
            raise UsageError("capacity goes into each [[vehicles]] table where there are tables")
        if not vehicles:
            raise UsageError("vehicles has no table; give one for each type, or a number")
        return tuple(
            _of_table(table, i, len(vehicles), depots, time) for i, table in enumerate(vehicles, 1)
        )
    if vehicles is not None and vehicles < 1:
        raise UsageError(f"vehicles must be at least 1, got {vehicles}")
    return tuple(
        VehicleType(
            name="vehicle" if len(depots) == 1 else f"vehicle of {depot.name}",
            count=max(clients, 1) if vehicles is None else vehicles,
            capacity=inf if capacity is None else capacity, start=i, end=i,
        )
        for i, depot in enumerate(depots)
    )


def _of_table(
    table: Mapping[str, Any], place: int, size: int, depots: Sequence[Depot],
    time: Callable[[Time], float],
) -> VehicleType:
    reserved = {"depots", "time"} & set(table)
    if reserved:
        raise UnknownNameError("key of a [[vehicles]] table", min(reserved), ())
    what = "a [[vehicles]] table" if size == 1 else f"[[vehicles]] table {place}"
    if table.get("end") == "":
        raise UsageError(
            f'{what}: end names no depot; leave it out to return to the start, or set end = "none" '
            "for open routes, which end at their last client"
        )
    checked = {"name": "vehicle" if size == 1 else f"type {place}",
               **check_options(vehicle_type, table, what)}
    try:
        return vehicle_type(**checked, depots=depots, time=time)
    except InputError as fault:
        raise InputError(f"{what}: {fault}") from None


def fleet_text(vehicles: Sequence[VehicleType], clients: int) -> str:
    """The fleet in words."""
    parts = []
    for vehicle in vehicles:
        many = "any number" if vehicle.count >= clients else str(vehicle.count)
        what = [] if vehicle.capacity == inf else [f"capacity {number(vehicle.capacity)}"]
        if vehicle.end is None:
            what.append("open routes")
        for words, limit in (("distance", vehicle.max_distance),
                             ("duration", vehicle.max_duration)):
            if isfinite(limit):
                what.append(f"{words} up to {number(limit)}")
        detail = f" ({', '.join(what)})" if what else ""
        parts.append(f"{many} of {vehicle.name}{detail}")
    return "; ".join(parts)
