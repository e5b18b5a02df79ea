"""What is measured of a model before solvers are chosen for it."""

from dataclasses import dataclass
from functools import cached_property
from math import log2
from typing import Any

import numpy as np

from qopt.forms import Form, Program, Qubo, Routing, Table
from qopt.numbers import plural

from ..cheapest_routes import MOST_ROUTES, cheapest_routes, costs_are_sums_of_arcs
from ..exact import count_answers
from ..miqp_model import is_convex_as_it_stands
from ..single_square import single_square


@dataclass(frozen=True)
class RoutingFeatures:
    """Of routes to be planned."""

    model: Routing
    form = "routing"

    @cached_property
    def clients(self) -> int:
        """Clients, optional ones included."""
        return len(self.model.clients)

    @cached_property
    def tour(self) -> bool:
        """Whether it is one closed tour through all locations."""
        return self.model.is_tsp

    @cached_property
    def locations(self) -> int:
        """Depots and clients."""
        return self.model.num_locations

    @cached_property
    def listable(self) -> bool:
        """Whether loads alone limit the routes, and the sets of clients that fit can be listed."""
        return bool(
            costs_are_sums_of_arcs(self.model) and cheapest_routes(self.model, MOST_ROUTES)
        )

    def words(self) -> str:
        """The model in a few words."""
        if self.tour:
            return f"a tour of {self.locations} locations"
        return f"routes to {plural(self.clients, 'client')}"

    def to_json(self) -> dict[str, Any]:
        """What costs nothing to measure."""
        return {"form": "routing", "clients": self.clients, "tour": self.tour}


@dataclass(frozen=True)
class QuboFeatures:
    """Of a quadratic binary model."""

    model: Qubo
    form = "qubo"

    @cached_property
    def variables(self) -> int:
        """Binary variables."""
        return self.model.num_variables

    @cached_property
    def pairs(self) -> int:
        """Pairs of variables that interact."""
        return self.model.num_interactions

    @cached_property
    def density(self) -> float:
        """Share of all pairs that interact."""
        return self.model.density

    @cached_property
    def neighbours(self) -> float:
        """Mean number of variables that one interacts with."""
        return 2.0 * self.pairs / max(1, self.variables)

    @cached_property
    def groups(self) -> int:
        """Groups of which exactly k are one."""
        return len(self.model.groups)

    @cached_property
    def answers(self) -> int:
        """Bit strings that keep the groups."""
        return count_answers(self.model)

    def words(self) -> str:
        """The model in a few words."""
        groups = f" within {plural(self.groups, 'group')}" if self.groups else ""
        count = f"2**{log2(self.answers):.0f}" if self.answers > 9999 else f"{self.answers}"
        return (
            f"{plural(self.variables, 'variable')}, {100 * self.density:.3g} % of the pairs "
            f"interact, {count} answers{groups}"
        )

    def to_json(self) -> dict[str, Any]:
        """All of them; of the number of answers the binary logarithm."""
        return {
            "form": "qubo", "variables": self.variables, "pairs": self.pairs,
            "density": self.density, "groups": self.groups, "bits": log2(max(1, self.answers)),
            "integral": self.model.is_integral,
        }


@dataclass(frozen=True)
class TableFeatures:
    """Of a table of values."""

    model: Table
    form = "table"

    def words(self) -> str:
        """The model in a few words."""
        return "a table that holds the value of every bit string"

    def to_json(self) -> dict[str, Any]:
        """What there is to tell."""
        return {"form": "table", "variables": self.model.num_variables}


@dataclass(frozen=True)
class ProgramFeatures:
    """Of an integer program."""

    model: Program
    form = "program"

    @cached_property
    def variables(self) -> int:
        """Variables of all kinds."""
        return self.model.num_variables

    @cached_property
    def constraints(self) -> int:
        """Linear constraints."""
        return len(self.model.constraints)

    @cached_property
    def whole(self) -> bool:
        """Whether all variables are whole and bounded."""
        bounded = np.isfinite(self.model.lower) & np.isfinite(self.model.upper)
        return bool((self.model.integer & bounded).all())

    @cached_property
    def binary(self) -> bool:
        """Whether all variables are 0 or 1."""
        return self.whole and bool((self.model.lower >= 0).all() and (self.model.upper <= 1).all())

    @cached_property
    def products(self) -> int:
        """Products in the objective, squares included."""
        return len(self.model.value)

    @cached_property
    def quadratic(self) -> bool:
        """Whether the objective has products."""
        return self.products > 0

    @cached_property
    def convex(self) -> bool:
        """Whether it is quadratic and convex to minimise or concave to maximise.

        The square of one variable alone does not count: it is solved as that variable itself.
        """
        return (
            self.quadratic and single_square(self.model) is None
            and is_convex_as_it_stands(self.model)
        )

    @cached_property
    def in_products(self) -> float:
        """Share of the variables that stand in products."""
        standing = np.union1d(self.model.row, self.model.col)
        return len(standing) / max(1, self.variables)

    @cached_property
    def fixed_sum(self) -> bool:
        """Whether a constraint fixes the plain sum of all variables in products."""
        needed = np.union1d(self.model.row, self.model.col)
        return any(
            c.comparator == "==" and len(c.indices) > 0 and np.ptp(c.coefficients) == 0
            and bool(np.isin(needed, c.indices).all())
            for c in self.model.constraints
        )

    def words(self) -> str:
        """The model in a few words."""
        return f"{plural(self.variables, 'variable')} and {plural(self.constraints, 'constraint')}"

    def to_json(self) -> dict[str, Any]:
        """All of them."""
        return {
            "form": "program", "variables": self.variables, "constraints": self.constraints,
            "products": self.products, "whole": self.whole, "convex": self.convex,
        }


Features = RoutingFeatures | QuboFeatures | TableFeatures | ProgramFeatures
"""Of any form; each is measured when it is first asked for."""


def features_of(model: Form) -> Features:
    """The features of a model; nothing is measured yet."""
    if isinstance(model, Routing):
        return RoutingFeatures(model)
    if isinstance(model, Qubo):
        return QuboFeatures(model)
    if isinstance(model, Table):
        return TableFeatures(model)
    return ProgramFeatures(model)
