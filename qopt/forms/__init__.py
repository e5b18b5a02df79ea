"""The neutral forms: the shared language between problems and solvers.

`Qubo`, `Program`, `Routing` and `Table` describe a model and nothing else. Each is immutable, and
can be lowered further (`Program` to `Qubo`), so that every solver can take every problem; but for
`Table`, the values of every bit string of a small register, which simulators take as it is.
"""

from .ising import Ising
from .lowering import Lowering
from .program import Constraint, Program
from .qubo import Group, Qubo
from .routing import Client, Depot, Route, Routing, Shipment, VehicleType
from .schedule import Schedule
from .table import Table

Form = Qubo | Program | Routing | Table

FORMS: dict[str, type[Qubo] | type[Program] | type[Routing] | type[Table]] = {
    "qubo": Qubo,
    "program": Program,
    "routing": Routing,
    "table": Table,
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
    "Table",
    "VehicleType",
]
