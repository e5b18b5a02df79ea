"""Where locations are: on a plane, or on the earth."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError

EARTH_RADIUS = 6371.0088
"""Kilometres: the mean radius of the earth (IUGG 1980)."""


@dataclass(frozen=True, eq=False)
class Places:
    """Coordinates of the locations, for maps.

    Parameters
    ----------
    points : ndarray of float64, shape (n, 2)
        x and y; longitude and latitude in decimal degrees where geographic.
    geographic : bool
    """

    points: NDArray[np.float64] = field(repr=False)
    geographic: bool = False

    def __post_init__(self) -> None:
        points = np.array(self.points, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
            raise InputError("places need two finite coordinates each")
        if self.geographic and (np.abs(points) > (180.0, 90.0)).any():
            raise InputError("a longitude lies beyond 180 or a latitude beyond 90 degrees")
        points.flags.writeable = False
        object.__setattr__(self, "points", points)


def of_tsplib(coordinates: NDArray[np.float64] | None, weight_type: str) -> Places | None:
    """Places of a TSPLIB file, whose GEO coordinates are latitude and longitude as DDD.MM."""
    if coordinates is None:
        return None
    if weight_type != "GEO":
        return Places(coordinates)
    whole = np.trunc(coordinates)
    degrees = (whole + (coordinates - whole) * 5.0 / 3.0)[:, ::-1]
    on_earth = bool((np.abs(degrees) <= (180.0, 90.0)).all())  # display data need not be
    return Places(degrees, geographic=True) if on_earth else Places(coordinates)


def great_circles(places: Places) -> NDArray[np.float64]:
    """Kilometres between places on a sphere of `EARTH_RADIUS`, shape (n, n), not rounded.

    The haversine formula: R. W. Sinnott, "Virtues of the haversine", Sky and Telescope 68 (1984).
    """
    longitude, latitude = np.radians(places.points).T
    across = np.sin((latitude[:, None] - latitude[None, :]) / 2.0) ** 2
    along = np.sin((longitude[:, None] - longitude[None, :]) / 2.0) ** 2
    inner = across + np.cos(latitude)[:, None] * np.cos(latitude)[None, :] * along
    return np.asarray(2.0 * EARTH_RADIUS * np.arcsin(np.sqrt(np.clip(inner, 0.0, 1.0))))
