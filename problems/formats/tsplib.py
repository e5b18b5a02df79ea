"""TSPLIB and CVRPLIB files: ``.tsp``, ``.atsp``, ``.vrp`` and ``.tour``.

The format is that of G. Reinelt, "TSPLIB 95" (1995), with the keywords that CVRPLIB adds for
vehicle routing (``DISTANCE``, ``SERVICE_TIME``, ``VEHICLES``). `vrplib` reads richer ones.

Nodes are numbered from 1 in the files and from 0 in what is returned.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from qopt.errors import SizeError

from .tsplib_file import (
    FLEET,
    LARGEST,
    RICH_SECTIONS,
    VEHICLE_KEYWORDS,
    VEHICLE_SECTIONS,
    Rounding,
    TsplibFile,
    by_node,
    check_node,
    display_of,
    distances_of,
    scan,
    whole_of,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TYPE_LINE = re.compile(r"^\s*TYPE\s*:\s*([A-Za-z]+)", re.MULTILINE | re.IGNORECASE)
TOUR_TYPES = frozenset({"TSP", "ATSP", "HCP", "SOP"})
"""Types of the travelling salesman; of the last two the reader says that they are not supported."""
RICH_TYPES = frozenset({
    "VRPTW", "CVRPTW", "MDVRP", "MDVRPTW", "PCVRP", "PCVRPTW", "VRPMPD", "VRPSPD", "HFVRP",
    "HFVRPTW", "DCVRP", "ACVRP", "VRP", "OVRP", "COVRP", "PDPTW", "VRPPD", "VRPB",
})
"""Types of richer vehicle routing, which `vrplib` reads; `VRPB` it says that it does not."""
_SUFFIXES = {".tsp": "TSP", ".atsp": "ATSP", ".vrp": "CVRP"}


def recognises(name: str, head: str, types: Collection[str]) -> bool:
    """Whether a file is TSPLIB of one of the given types, from its name and beginning."""
    if stated := _TYPE_LINE.search(head):
        return stated[1].upper() in types
    # A file without a TYPE is claimed by its ending, so that the parser can say what it lacks.
    ending = Path(name).suffix.lower()
    return _SUFFIXES.get(ending) in types and "DIMENSION" in head.upper()


@dataclass(frozen=True, eq=False)
class TsplibInstance:
    """What a TSPLIB instance file says.

    Parameters
    ----------
    name : str
        The file's name without its ending.
    weight_type : str
        ``EDGE_WEIGHT_TYPE`` of the file.
    distance : ndarray of float64, shape (n, n)
        Distances, the diagonal zero.
    coordinates : ndarray of float64, shape (n, 2), optional
        For plots: the display data, or else the node coordinates, as the file has them (latitude
        before longitude for ``GEO``).
    capacity : float
        Of a vehicle; 0 for a TSP.
    demand : tuple of float
        By node; empty for a TSP.
    depot : int
        Index of the depot.
    vehicles : int, optional
        Number of vehicles, where the file limits it.
    max_distance : float, optional
        Longest route, service included, where the file limits it.
    service : float
        Service time of every client.
    """

    name: str
    weight_type: str
    distance: "NDArray[np.float64]" = field(repr=False)
    coordinates: "NDArray[np.float64] | None" = field(repr=False)
    capacity: float = 0.0
    demand: tuple[float, ...] = field(default=(), repr=False)
    depot: int = 0
    vehicles: int | None = None
    max_distance: float | None = None
    service: float = 0.0


def read_instance(
    path: Path, types: Collection[str], rounding: Rounding = "tsplib"
) -> TsplibInstance:
    """Read an instance of one of the given types.

    Parameters
    ----------
    path : Path
    types : collection of {"TSP", "ATSP", "CVRP"}
        Types that are welcome.
    rounding : {"tsplib", "none", "one-decimal"}

    Raises
    ------
    ParseError
        With file and line, where the file is not a sound instance of these types.
    SizeError
        Where there are too many nodes for a full matrix.
    UsageError
        Where a rounding is asked of an explicit matrix, whose distances are given.
    """
    file = scan(path)
    kind = file.type(types)
    size = file.whole("DIMENSION", least=1)
    if size > LARGEST:
        raise SizeError("a full matrix of distances", size, LARGEST, "nodes")
    if "TOUR_SECTION" in file.sections:
        file.fail("TOUR_SECTION belongs to a file of TYPE TOUR", file.sections["TOUR_SECTION"].line)
    distance = distances_of(file, size, rounding)
    coordinates = display_of(file, size)
    weight_type = file.word("EDGE_WEIGHT_TYPE")
    beyond = (*FLEET, *RICH_SECTIONS)
    if kind != "CVRP":
        own = (*VEHICLE_KEYWORDS, *VEHICLE_SECTIONS, *beyond)
        file.refuse(own, f"does not belong to a {kind}")
        return TsplibInstance(path.stem, weight_type, distance, coordinates)
    file.refuse(beyond, "goes beyond a CVRP: read the file as kind 'vrp'")
    depot = _depot(file, size)
    return TsplibInstance(
        path.stem,
        weight_type,
        distance,
        coordinates,
        capacity=file.number("CAPACITY"),
        demand=demands_of(file, size, {depot}),
        depot=depot,
        vehicles=file.whole("VEHICLES", least=1) if "VEHICLES" in file.keywords else None,
        max_distance=file.number("DISTANCE") if "DISTANCE" in file.keywords else None,
        service=file.number("SERVICE_TIME") if "SERVICE_TIME" in file.keywords else 0.0,
    )


def read_tour(path: Path) -> tuple[int, ...]:
    """Read a ``.tour`` file.

    Returns
    -------
    tuple of int
        The nodes in order, counted from 0; each at most once.

    Raises
    ------
    ParseError
    """
    file = scan(path)
    file.type({"TOUR"})
    section = file.section("TOUR_SECTION")
    numbers = [(line, whole_of(path, line, token)) for line, row in section.rows for token in row]
    if any(number == -1 for _, number in numbers):
        end = next(i for i, (_, number) in enumerate(numbers) if number == -1)
        if numbers[end + 1 :]:
            file.fail("more than one tour; one is read", numbers[end + 1][0])
        numbers = numbers[:end]
    size = file.whole("DIMENSION", least=1) if "DIMENSION" in file.keywords else len(numbers)
    seen: set[int] = set()
    for line, node in numbers:
        check_node(path, line, node, size, seen)
    if len(numbers) != size:
        file.fail(f"TOUR_SECTION holds {len(numbers)} of {size} nodes", section.last)
    return tuple(node - 1 for _, node in numbers)


def write_tour(name: str, tour: Iterable[int]) -> str:
    """The text of a ``.tour`` file for a tour over nodes counted from 0."""
    nodes = [node + 1 for node in tour]
    head = f"NAME : {name}\nTYPE : TOUR\nDIMENSION : {len(nodes)}\nTOUR_SECTION\n"
    return head + "".join(f"{node}\n" for node in nodes) + "-1\nEOF\n"


def depots_of(file: TsplibFile, size: int) -> list[int]:
    """The depots, counted from 0, in the order of the file."""
    section = file.section("DEPOT_SECTION")
    numbers = [(line, whole_of(file.path, line, t)) for line, row in section.rows for t in row]
    if numbers and numbers[-1][1] == -1:
        numbers.pop()
    seen: set[int] = set()
    for line, node in numbers:
        check_node(file.path, line, node, size, seen)
    if not numbers:
        file.fail("DEPOT_SECTION names no depot", section.last)
    return [node - 1 for _, node in numbers]


def _depot(file: TsplibFile, size: int) -> int:
    depots = depots_of(file, size)
    if len(depots) > 1:
        file.fail(
            f"DEPOT_SECTION names {len(depots)} depots, a CVRP has one (kind 'vrp' takes several)",
            file.section("DEPOT_SECTION").last,
        )
    return depots[0]


def demands_of(
    file: TsplibFile, size: int, depots: Collection[int], section: str = "DEMAND_SECTION",
    what: str = "demand",
) -> tuple[float, ...]:
    """A number of each node that is at least 0, and 0 at depots."""
    demands = [row[0] for row in by_node(file, section, size, 1)]
    lines = {int(float(row[0])): line for line, row in file.section(section).rows}
    for node, demand in enumerate(demands, 1):
        if demand < 0:
            file.fail(f"node {node} has {what} {demand:g}, it must be at least 0", lines[node])
        if node - 1 in depots and demand != 0:
            file.fail(f"the depot, node {node}, has {what} {demand:g}; it must be 0", lines[node])
    return tuple(demands)
