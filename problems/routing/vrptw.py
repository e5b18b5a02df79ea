"""Vehicle routing with time windows: the benchmark of Solomon, and of Gehring and Homberger."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from qopt.errors import InputError, ParseError, UsageError
from qopt.forms import Client, Depot, Route, Routing, VehicleType
from qopt.problem import Score

from ..formats.edge_weights import from_coordinates
from ..formats.solomon import SolomonFile, read_solomon
from ..formats.tsplib_file import Rounding
from .distances import convention
from .routed import RoutingProblem


@dataclass(frozen=True, kw_only=True, eq=False)
class Vrptw(RoutingProblem):
    """Serve every client once within its time window, by capacitated vehicles from one depot.

    The objective is the total distance. (Lists that count vehicles before distance, as SINTEF's,
    are of another objective: their distances may be longer than the best of fewer vehicles here.)
    Travel takes as long as it is far, by the same rounded matrix.

    Parameters
    ----------
    rounding : {"one-decimal", "none", "tsplib"}
        How distances were rounded.
    """

    kind: ClassVar[str] = "vrptw"

    rounding: Rounding = "one-decimal"

    @classmethod
    def load(
        cls, path: Path, *, vehicles: int | None = None, rounding: Rounding = "one-decimal"
    ) -> Self:
        """Read a file in the layout of Solomon.

        Parameters
        ----------
        path : Path
        vehicles : int, optional
            How many vehicles there are, in place of the file's number.
        rounding : {"one-decimal", "none", "tsplib"}
            How distances and travel times are rounded: cut after one decimal, the convention of
            CVRPLIB's best known values; not at all, as SINTEF has them; or to the nearest whole
            number.

        Raises
        ------
        ParseError
            With file and line.
        """
        file = read_solomon(path)
        if vehicles is not None and vehicles < 1:
            raise UsageError(f"vehicles must be at least 1, got {vehicles}")
        try:
            routing = _routing(file, vehicles or file.vehicles, rounding)
        except (InputError, ValueError) as fault:
            raise ParseError(path, str(fault)) from None
        return cls(
            name=path.stem, routing=routing, rounding=rounding,
            distances=convention("EUC_2D", rounding), durations="equal to the distances",
        )

    def describe(self) -> dict[str, Any]:
        """Size and conventions for people."""
        return {**super().describe(), "objective": "total distance"}

    def score(self, answer: Iterable[Route]) -> Score:
        """Length of all routes, and every broken limit in words."""
        score = super().score(answer)
        if self.rounding == "one-decimal":  # tenths do not add up to tenths in binary
            return Score(round(score.objective, 6), score.violations)
        return score


def _routing(file: SolomonFile, vehicles: int, rounding: Rounding) -> Routing:
    points = np.array([(customer.x, customer.y) for customer in file.customers])
    distance = from_coordinates("EUC_2D", points, rounding)
    depot, *clients = file.customers
    return Routing(
        depots=(Depot("depot", depot.early, depot.late),),
        clients=tuple(
            Client(str(number), c.demand, service=c.service, early=c.early, late=c.late)
            for number, c in enumerate(clients, 1)
        ),
        vehicles=(VehicleType(count=vehicles, capacity=file.capacity),),
        distance=distance,
        duration=distance,
        coordinates=points,
    )
