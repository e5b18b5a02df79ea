"""The rule table: which solvers run on which models, derived from ``benchmarks/auto.py``."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from .features import Features

MOST_ANSWERS = 2**22
"""Answers up to which all are visited: a fraction of a second."""

TOUR_LOCATIONS = 60
"""Locations up to which CP-SAT usually proves a shortest tour within seconds."""

FLEET_CLIENTS = 16
"""Clients up to which it usually proves the best routes of a fleet."""

LISTED_CLIENTS = 30
"""Clients up to which it does so where loads are the only limit and its routes can be listed."""

PROVABLE_PAIRS = 500
"""Interacting pairs up to which linear programming usually proves the best QUBO answer in seconds,
where a variable meets few others."""

FEW_NEIGHBOURS = 10.0
"""Mean number of neighbours up to which that holds; above, its bounds are weak."""

PROVABLE_VARIABLES = 120
"""Variables up to which semidefinite bounds often prove the best QUBO answer in seconds."""

FEW_IN_PRODUCTS = 0.25
"""Share of a whole program's variables in products up to which its constraints are what is hard."""


class Step(NamedTuple):
    """One turn of a plan.

    Parameters
    ----------
    role : {"start", "probe", "prove", "search"}
        ``start`` makes an answer for the next step to start from, ``probe`` tries for a quick
        proof, ``prove`` may end with one, ``search`` takes what is left.
    solvers : tuple of str
        The preferred one first; the others stand in where it is not installed or refuses.
    until : float
        Share of the time limit at which the step ends.
    """

    role: Literal["start", "probe", "prove", "search"]
    solvers: tuple[str, ...]
    until: float = 1.0


class Rule(NamedTuple):
    """A row of the table: the first row of a form that holds is the plan."""

    form: str
    when: str
    holds: Callable[[Any], bool]
    why: str
    steps: tuple[Step, ...]


_FLEET = Step("search", ("pyvrp", "routing"))
_TOUR = Step("search", ("lkh", "pyvrp", "routing"))
_ANNEAL = Step("search", ("portfolio", "sa"))
_ANNEAL_PROGRAM = Step("search", ("portfolio", "sa", "milp"))
_PROBE = Step("probe", ("milp",), 0.2)
_FIRST = Step("start", ("portfolio", "sa"), 0.1)


def _prove(*solvers: str, until: float = 0.7) -> Step:
    return Step("prove", solvers, until)


def _always(_: Any) -> bool:
    return True


RULES = (
    Rule(
        "routing", f"one tour of at most {TOUR_LOCATIONS} locations",
        lambda f: f.tour and f.locations <= TOUR_LOCATIONS,
        "small enough to prove", (_prove("cpsat"), _TOUR),
    ),
    Rule(
        "routing", "one tour", lambda f: f.tour, "Lin-Kernighan moves suit tours", (_TOUR,),
    ),
    Rule(
        "routing", f"at most {FLEET_CLIENTS} clients", lambda f: f.clients <= FLEET_CLIENTS,
        "few enough to prove", (_prove("cpsat"), _FLEET),
    ),
    Rule(
        "routing",
        f"at most {LISTED_CLIENTS} clients, loads the only limit, at most 60 000 sets that fit",
        lambda f: f.clients <= LISTED_CLIENTS and f.listable,
        "the sets of clients that fit a vehicle can be listed", (_prove("cpsat"), _FLEET),
    ),
    Rule(
        "routing", "other routes", _always, "iterated local search on routes scales", (_FLEET,),
    ),
    Rule(
        "qubo", "at most 2**22 answers within its groups", lambda f: f.answers <= MOST_ANSWERS,
        "few enough to visit all", (Step("prove", ("exact",)), _ANNEAL),
    ),
    Rule(
        "qubo",
        f"at most {PROVABLE_PAIRS} interacting pairs, at most {FEW_NEIGHBOURS:g} to a variable",
        lambda f: f.pairs <= PROVABLE_PAIRS and f.neighbours <= FEW_NEIGHBOURS,
        "few enough products to prove by linear programming",
        (_FIRST, _prove("milp", until=0.5), _prove("branch-and-bound", until=0.9), _ANNEAL),
    ),
    Rule(
        "qubo", f"at most {PROVABLE_VARIABLES} variables",
        lambda f: f.variables <= PROVABLE_VARIABLES,
        "semidefinite bounds are often tight; what linear programming proves, it proves at once",
        (_PROBE, _prove("branch-and-bound"), _ANNEAL),
    ),
    Rule(
        "qubo", "other QUBOs", _always, "too many answers to visit or prove", (_ANNEAL,),
    ),
    Rule(
        "table", "any table", _always, "every value is there to be read",
        (Step("prove", ("exact",)),),
    ),
    Rule(
        "program",
        f"convex quadratic, all variables whole, over {FEW_IN_PRODUCTS:.0%} of them in products",
        lambda f: f.convex and f.whole and f.in_products > FEW_IN_PRODUCTS,
        "branch and bound on convex relaxations is tight",
        (_prove("miqp"), _ANNEAL_PROGRAM),
    ),
    Rule(
        "program", "convex quadratic, some variables continuous or without bounds",
        lambda f: f.convex and not f.whole,
        "branch and bound on convex relaxations is tight", (Step("prove", ("miqp", "milp")),),
    ),
    Rule(
        "program", "quadratic, whole, with a fixed sum",
        lambda f: f.quadratic and f.whole and f.fixed_sum,
        "its linearisation is tight", (_prove("milp"), _ANNEAL_PROGRAM),
    ),
    Rule(
        "program", "quadratic, all variables whole", lambda f: f.quadratic and f.whole,
        "bounded whole variables suit clause learning",
        (_prove("cpsat", "milp"), _ANNEAL_PROGRAM),
    ),
    Rule(
        "program", "linear, all variables whole and bounded", lambda f: f.whole,
        "bounded whole variables suit clause learning",
        (_prove("cpsat", "milp"), Step("search", ("milp",))),
    ),
    Rule(
        "program", "other programs", _always, "some variables continuous or without bounds",
        (Step("prove", ("milp",)),),
    ),
)


def rule_for(features: Features) -> tuple[Rule, tuple[Rule, ...]]:
    """The first rule that holds, and those of its form that stand above and do not."""
    above: list[Rule] = []
    for rule in RULES:
        if rule.form == features.form:
            if rule.holds(features):
                return rule, tuple(above)
            above.append(rule)
    raise AssertionError(f"no rule for {features.form}")  # the last of each form always holds
