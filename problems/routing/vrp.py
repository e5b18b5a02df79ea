"""Vehicle routing with whatever practice adds to it: any `Routing` as a problem."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from ..formats.tsplib_file import Rounding
from .clock import TimeUnit
from .fleet import VehicleTable
from .routed import RoutingProblem
from .vrp_files import DistanceUnit, Wishes, read


@dataclass(frozen=True, kw_only=True, eq=False)
class Vrp(RoutingProblem):
    """Rich vehicle routing: several depots, a mixed fleet, time windows, prizes, pickups.

    All of it is in the fields of `RoutingProblem`; a bare `Routing` given to `qopt.solve` is one.
    """

    kind: ClassVar[str] = "vrp"

    @classmethod
    def load(
        cls,
        path: Path,
        *,
        vehicles: int | tuple[VehicleTable, ...] | None = None,
        capacity: float | None = None,
        rounding: Rounding | None = None,
        distance: str | None = None,
        duration: str | None = None,
        speed: float | None = None,
        distance_unit: DistanceUnit | None = None,
        time_unit: TimeUnit | None = None,
    ) -> Self:
        """Read stops (CSV, GeoJSON), a VRPLIB ``.vrp`` file, or a Li and Lim file.

        Parameters
        ----------
        path : Path
        vehicles : int or tables, optional
            How many vehicles there are at each depot (as many as needed by default), or in an
            instance file a ``[[vehicles]]`` table for each type, with any of name, count,
            capacity, start, end, fixed_cost, distance_cost, duration_cost, max_distance,
            max_duration, early, late. A route ends at the depot where it starts, or at the one that
            end names; with ``end = "none"`` it is open and ends at its last client. A file that
            states its vehicles keeps their limits, and takes a number only where they are all
            alike.
        capacity : float, optional
            Largest load of a vehicle, where they are alike and the file does not say.
        rounding : {"tsplib", "none", "one-decimal"}, optional
            How distances that are computed from places are rounded: to whole numbers by the rule
            of the metric, not at all, or cut after one decimal. By default whole numbers for
            ``.vrp`` files and none otherwise.
        distance : str, optional
            CSV file beside this one with a matrix of distances, with the names of the stops or in
            their order.
        duration : str, optional
            CSV file with a matrix of travel times, in the unit of time.
        speed : float, optional
            Makes travel times from distances: in kilometres an hour where these are great circles
            between latitudes and longitudes, else in units of distance a unit of time.
        distance_unit : {"km", "m"}, optional
            Unit of distances between latitudes and longitudes; kilometres by default.
        time_unit : {"seconds", "minutes", "hours"}, optional
            What a number counts in every time of the instance; minutes by default where a time is
            written as ``HH:MM`` or stops have latitude and longitude.

        Raises
        ------
        ParseError
            With file and line.
        UsageError
            For a setting that does not go with the file.
        """
        wishes = Wishes(
            vehicles, capacity, rounding, distance, duration, speed, distance_unit, time_unit
        )
        return cls(**read(path, wishes))
