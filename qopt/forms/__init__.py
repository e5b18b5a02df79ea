"""The neutral forms: the shared language between problems and solvers.

`Qubo`, `Program` and `Routing` describe a model and nothing else. Each is immutable, and each can
be lowered further (`Program` to `Qubo`), so that every solver can take every problem.
"""

from .ising import Ising
from .lowering import Lowering
from .program import Constraint, Program
from .qubo import Group, Qubo
from .routing import Client, Depot, Route, Routing, Shipment, VehicleType
from .schedule import Schedule

Form = Qubo | Program | Routing

FORMS: dict[str, type[Qubo] | type[Program] | type[Routing]] = {
    "qubo": Qubo,
    "program": Program,
    "routing": Routing,
}
"""Every neutral form by the name that specs, options and the command line use."""

__all__ = [
    "FORMS",
    "Client",
    "Constraint",
    "Depot",
    "Form",
    "Group",
    "Ising",
    "Lowering",
    "Program",
    "Qubo",
    "Route",
    "Routing",
    "Schedule",
    "Shipment",
    "VehicleType",
]
