"""Rich vehicle routing in TSPLIB's layout, as VRPLIB and PyVRP have it.

Beyond a CVRP: several depots, time windows, service times by node, prizes, loads to collect,
pickups with deliveries, and vehicles that differ. Fields: the page "The VRPLIB format" of PyVRP's
documentation; ``PICKUP_AND_DELIVERY_SECTION`` as K. Helsgaun's LKH-3 (2017) writes it. Travel takes
as long as it is far.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from qopt.errors import SizeError
from qopt.forms import Client, Depot, Routing, Shipment, VehicleType

from .tsplib import RICH_TYPES, demands_of, depots_of
from .tsplib_file import (
    LARGEST,
    Rounding,
    TsplibFile,
    by_node,
    display_of,
    distances_of,
    scan,
    whole_of,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OPEN = frozenset({"OVRP", "COVRP"})
"""Types whose routes end at their last client."""

@dataclass(frozen=True, eq=False)
class VrplibInstance:
    """What a file says.

    Parameters
    ----------
    routing : Routing
        Clients in the order of their nodes. As in solution files a client's name is the number of
        its location: depots are counted from 0, then clients.
    weight_type : str
        ``EDGE_WEIGHT_TYPE``.
    coordinates : ndarray of float64, shape (locations, 2), optional
        As the file has them, in the order of the routing.
    """

    routing: Routing
    weight_type: str
    coordinates: "NDArray[np.float64] | None" = field(repr=False)


def read_vrplib(path: Path, rounding: Rounding = "tsplib") -> VrplibInstance:
    """Read a file of type CVRP or a richer one.

    Raises
    ------
    ParseError
        With file and line.
    SizeError
        Where there are too many nodes for a full matrix.
    UsageError
        Where a rounding is asked of an explicit matrix.
    """
    import numpy as np

    file = scan(path)
    kind = file.type({"CVRP", *RICH_TYPES} - {"VRPB"})
    size = file.whole("DIMENSION", least=2)
    if size > LARGEST:
        raise SizeError("a full matrix of distances", size, LARGEST, "nodes")
    file.refuse(["TOUR_SECTION"], "belongs to a file of TYPE TOUR")
    depots = depots_of(file, size)
    nodes = [*depots, *(node for node in range(size) if node not in set(depots))]
    square = np.ix_(nodes, nodes)
    distance = distances_of(file, size, rounding)[square]
    coordinates = display_of(file, size)
    windows = _windows(file, size)
    clients, shipments = _clients(file, size, nodes, len(depots), windows)
    routing = Routing(
        depots=tuple(
            Depot("depot" if len(depots) == 1 else f"depot {i}", *windows[node])
            for i, node in enumerate(depots, 1)
        ),
        clients=clients,
        vehicles=_vehicles(file, depots, len(clients), kind, bool(_services(file, size, depots))),
        distance=distance,
        duration=distance,
        coordinates=None if coordinates is None else coordinates[nodes],
        shipments=shipments,
    )
    return VrplibInstance(routing, file.word("EDGE_WEIGHT_TYPE"), routing.coordinates)


def _windows(file: TsplibFile, size: int) -> list[tuple[float, float]]:
    name = "TIME_WINDOW_SECTION"
    if "PICKUP_AND_DELIVERY_SECTION" in file.sections:
        file.refuse([name], "contradicts PICKUP_AND_DELIVERY_SECTION, which has the windows")
        rows = by_node(file, "PICKUP_AND_DELIVERY_SECTION", size, 6)
        return [_window(file, "PICKUP_AND_DELIVERY_SECTION", i, *r[1:3])
                for i, r in enumerate(rows)]
    if name not in file.sections:
        return [(0.0, inf)] * size
    return [_window(file, name, i, *row) for i, row in enumerate(by_node(file, name, size, 2))]


def _window(
    file: TsplibFile, section: str, node: int, early: float, late: float
) -> tuple[float, float]:
    if not 0 <= early <= late:
        line = _line_of(file, section, node)
        file.fail(
            f"node {node + 1} has the time window {early:g} to {late:g}; it must start at 0 or "
            "later and end after its start", line,
        )
    return early, late


def _line_of(file: TsplibFile, section: str, node: int) -> int:
    """Line of a section that speaks of a node, counted from 0."""
    rows = file.section(section).rows
    return next(line for line, row in rows if float(row[0]) == node + 1)


def _services(file: TsplibFile, size: int, depots: Collection[int]) -> list[float]:
    """Service times by node; empty where the file has none."""
    if "SERVICE_TIME_SECTION" in file.sections:
        file.refuse(["SERVICE_TIME"], "contradicts SERVICE_TIME_SECTION; give one of them")
        rows = by_node(file, "SERVICE_TIME_SECTION", size, 1)
        for node, row in enumerate(rows):
            if row[0] < 0:
                file.fail(f"node {node + 1} has service time {row[0]:g}, it must be at least 0",
                          _line_of(file, "SERVICE_TIME_SECTION", node))
        return [row[0] for row in rows]
    if "SERVICE_TIME" in file.keywords:
        time = file.number("SERVICE_TIME")
        return [0.0 if node in depots else time for node in range(size)] if time else []
    return []


def _clients(
    file: TsplibFile, size: int, nodes: list[int], depots: int,
    windows: list[tuple[float, float]],
) -> tuple[tuple[Client, ...], tuple[Shipment, ...]]:
    own = nodes[:depots]
    if "PICKUP_AND_DELIVERY_SECTION" in file.sections:
        return _pickups(file, size, nodes, depots, windows)
    if "DEMAND_SECTION" not in file.sections and "BACKHAUL_SECTION" not in file.sections:
        file.refuse(["CAPACITY", "CAPACITY_SECTION"], "has nothing to act on: no DEMAND_SECTION")

    def column(section: str, what: str) -> tuple[float, ...]:
        present = section in file.sections
        return demands_of(file, size, own, section, what) if present else (0.0,) * size

    demand, pickup = column("DEMAND_SECTION", "demand"), column("BACKHAUL_SECTION", "pickup")
    prize = column("PRIZE_SECTION", "prize")
    service = _services(file, size, own) or [0.0] * size
    clients = tuple(
        Client(
            str(number), demand[node], pickup[node], service[node], *windows[node],
            # As PyVRP's instances have it: who offers a prize may be left out.
            prize=prize[node], required=prize[node] == 0,
        )
        for number, node in enumerate(nodes[depots:], depots)
    )
    return clients, ()


def _pickups(
    file: TsplibFile, size: int, nodes: list[int], depots: int,
    windows: list[tuple[float, float]],
) -> tuple[tuple[Client, ...], tuple[Shipment, ...]]:
    """Clients that come in pairs: ``node demand early late service pickup delivery``."""
    name = "PICKUP_AND_DELIVERY_SECTION"
    file.refuse(
        ["DEMAND_SECTION", "BACKHAUL_SECTION", "SERVICE_TIME", "SERVICE_TIME_SECTION",
         "PRIZE_SECTION"], f"does not go with {name}, which has the demands and services",
    )
    rows = by_node(file, name, size, 6)
    index = {node: c for c, node in enumerate(nodes[depots:])}
    shipments = []
    lines = {int(float(row[0])): line for line, row in file.section(name).rows}
    for node, (load, _, _, service, pickup, delivery) in enumerate(rows):
        line = lines[node + 1]
        if service < 0:
            file.fail(f"node {node + 1} has service time {service:g}", line)
        if node in nodes[:depots]:
            if load or pickup or delivery:
                file.fail(f"the depot, node {node + 1}, has a pickup or delivery", line)
            continue
        partner = whole_of(file.path, line, f"{max(pickup, delivery):g}") - 1
        side = 4 if delivery else 5
        if (
            (pickup == 0) == (delivery == 0)
            or partner not in index
            or rows[partner][side] != node + 1
            or rows[partner][0] != -load
            or (load < 0) != (pickup > 0 and load != 0)
        ):
            file.fail(
                f"node {node + 1} must be the pickup of one other client or its delivery, whose "
                "row says the same with the opposite demand", line,
            )
        if delivery:
            shipments.append(Shipment(index[node], index[partner], load))
    clients = tuple(
        Client(str(number), service=rows[node][3], early=windows[node][0], late=windows[node][1])
        for number, node in enumerate(nodes[depots:], depots)
    )
    return clients, tuple(shipments)


def _vehicles(
    file: TsplibFile, depots: list[int], clients: int, kind: str, served: bool
) -> tuple[VehicleType, ...]:
    """Vehicles in the order of the file, those that are alike together."""
    count = file.whole("VEHICLES", least=1) if "VEHICLES" in file.keywords else clients

    def column(name: str, default: float) -> list[float]:
        section = f"{name}_SECTION"
        if section in file.sections:
            file.refuse([name], f"contradicts {section}; give one of them")
            if "VEHICLES" not in file.keywords:
                file.fail(f"{section} needs the number of VEHICLES", file.sections[section].line)
            return [row[0] for row in by_node(file, section, count, 1)]
        return [file.number(name) if name in file.keywords else default] * count

    longest, slowest = column("VEHICLES_MAX_DISTANCE", inf), column("VEHICLES_MAX_DURATION", inf)
    if "DISTANCE" in file.keywords:
        clash = ("TIME_WINDOW_SECTION", "VEHICLES_MAX_DISTANCE", "VEHICLES_MAX_DURATION")
        if any(n in file.keywords or n in file.sections or f"{n}_SECTION" in file.sections
               for n in clash):
            file.refuse(["DISTANCE"], "could mean length or time here; write VEHICLES_MAX_DISTANCE "
                                      "or VEHICLES_MAX_DURATION")
        limit = [file.number("DISTANCE")] * count  # CVRPLIB counts service times, too
        longest, slowest = (longest, limit) if served else (limit, slowest)
    rows = zip(
        column("CAPACITY", inf), _starts(file, depots, count), longest, slowest,
        column("VEHICLES_FIXED_COST", 0.0), column("VEHICLES_UNIT_DISTANCE_COST", 1.0),
        strict=True,
    )
    alike = Counter(rows)
    return tuple(
        VehicleType(
            name="vehicle" if len(alike) == 1 else f"type {number}", count=many, capacity=capacity,
            start=start, end=None if kind in OPEN else start, fixed_cost=fixed,
            distance_cost=unit, max_distance=far, max_duration=long,
        )
        for number, ((capacity, start, far, long, fixed, unit), many) in enumerate(
            alike.items(), 1
        )
    )


def _starts(file: TsplibFile, depots: list[int], count: int) -> list[int]:
    """The depot of each vehicle, as an index among the depots."""
    name = "VEHICLES_DEPOT_SECTION"
    if name not in file.sections:
        if len(depots) > 1:
            line = file.section("DEPOT_SECTION").last
            file.fail(f"{len(depots)} depots need {name}: the depot of each vehicle", line)
        return [0] * count
    if "VEHICLES" not in file.keywords:
        file.fail(f"{name} needs the number of VEHICLES", file.sections[name].line)
    starts = []
    for vehicle, (node,) in enumerate(by_node(file, name, count, 1)):
        if node - 1 not in depots:
            file.fail(f"vehicle {vehicle + 1} starts at node {node:g}, which is no depot",
                      _line_of(file, name, vehicle))
        starts.append(depots.index(int(node) - 1))
    return starts
