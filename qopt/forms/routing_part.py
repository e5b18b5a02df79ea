"""A part of a routing: some of its clients and vehicles, as a routing of its own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from .routing import Route, Routing, Shipment

Routes = tuple[Route, ...]


@dataclass(frozen=True, eq=False)
class Part:
    """Clients and vehicles of a routing as a routing of their own.

    Parameters
    ----------
    routing : Routing
        With the chosen clients, in the order of `clients`, and the vehicles of `kinds`.
    clients : tuple of int
        The whole routing's index of each of the part's clients.
    kinds : tuple of int
        The whole routing's index of each of the part's vehicle types.
    """

    routing: Routing
    clients: tuple[int, ...] = field(repr=False)
    kinds: tuple[int, ...]

    @classmethod
    def of(cls, routing: Routing, clients: Iterable[int], counts: Sequence[int]) -> "Part":
        """Some clients, and so many vehicles of each kind.

        Parameters
        ----------
        routing : Routing
        clients : iterable of int
            With one client of a shipment the other one, too.
        counts : sequence of int
            Vehicles of each kind; kinds without any are left out.
        """
        chosen = tuple(sorted(clients))
        kinds = tuple(kind for kind, count in enumerate(counts) if count)
        places = [*range(len(routing.depots)), *map(routing.location, chosen)]
        square = np.ix_(places, places)
        index = {c: i for i, c in enumerate(chosen)}
        part = Routing(
            depots=routing.depots,
            clients=tuple(routing.clients[c] for c in chosen),
            vehicles=tuple(replace(routing.vehicles[k], count=counts[k]) for k in kinds),
            distance=routing.distance[square],
            duration=routing.duration[square],
            shipments=tuple(
                Shipment(index[s.pickup], index[s.delivery], s.load)
                for s in routing.shipments if s.pickup in index
            ),
        )
        return cls(part, chosen, kinds)

    def inner(self, routes: Iterable[Route]) -> Routes:
        """Routes of the whole routing in terms of the part."""
        client = {c: i for i, c in enumerate(self.clients)}
        return tuple(
            Route(self.kinds.index(route.vehicle), tuple(client[c] for c in route.clients))
            for route in routes
        )

    def outer(self, routes: Iterable[Route]) -> Routes:
        """Routes of the part in terms of the whole routing."""
        return tuple(
            Route(self.kinds[route.vehicle], tuple(self.clients[c] for c in route.clients))
            for route in routes
        )
