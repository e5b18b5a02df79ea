"""Choosing a solver by the form and size of the model, and saying why."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import log2

import numpy as np

from qopt.errors import MissingPackageError, SizeError, UnsupportedError, UsageError
from qopt.forms import Form, Program, Qubo, Routing
from qopt.registry import find
from qopt.solver import Budget, Outcome, Progress

from .exact import count_answers

MOST_ANSWERS = 2**22
"""Answers up to which all are visited: a fraction of a second."""

TOUR_LOCATIONS = 60
"""Locations up to which CP-SAT usually proves a shortest tour within seconds."""

FLEET_CLIENTS = 10
"""Clients up to which it usually proves the best routes of a fleet."""

PROVABLE_PAIRS = 250
"""Interacting pairs up to which linear programming usually proves the best QUBO answer in seconds;
measured on 3-regular cuts and on random sparse models."""

ENDS_BY_ITSELF = {"exact", "sa"}
"""Solvers that need no limit."""

Choice = tuple[str, str]
"""Name of a solver, and why it."""


@dataclass(frozen=True, kw_only=True)
class Auto:
    """Chooses a solver, and runs it with its default options.

    ================================================== ==================================
    model                                              solver
    ================================================== ==================================
    routes: one tour of at most 60 locations           cpsat, which proves
    routes: a fleet with at most 10 clients            cpsat, which proves
    other routes                                       routing
    QUBO with at most 2**22 answers within its groups  exact, which proves
    other QUBO with at most 250 interacting pairs      milp, which proves
    other QUBO                                         sa
    program, all variables whole and bounded           cpsat
    other program                                      milp
    ================================================== ==================================

    A solver that is not installed or refuses the model is passed over for the next one: routing
    after cpsat on routes, milp after cpsat on programs, sa on QUBOs. The choice and its reason are
    recorded.

    Parameters
    ----------
    patience : float
        Seconds after which a run without any budget ends, unless it is of `exact` or `sa`, which
        end by themselves: a proof may take for ever.
    """

    patience: float = 30.0

    def __post_init__(self) -> None:
        if not self.patience > 0:
            raise UsageError(f"patience must be above 0 seconds, got {self.patience}")

    def solve(self, model: Form, budget: Budget, seed: int, progress: Progress) -> Outcome:
        """Run the first solver on the list that takes the model."""
        unlimited = budget.time_limit is None and budget.evaluations is None
        patient = replace(budget, time_limit=self.patience) if unlimited else budget
        passed: list[str] = []
        refusal: Exception | None = None
        for name, why in choices(model):
            try:
                limits = budget if name in ENDS_BY_ITSELF else patient
                outcome = _run(name, model, limits, seed, progress)
            except (MissingPackageError, SizeError, UnsupportedError) as fault:
                passed.append(f"not {name}: {fault}")
                refusal = fault
                continue
            outcome.details = {
                "chosen": name, "why": why, "passed_over": passed, **outcome.details
            }
            reasons = [f"chose {name}: {why}", *passed, outcome.reason]
            outcome.reason = "; ".join(filter(None, reasons))
            return outcome
        raise UnsupportedError("; ".join(passed)) from refusal


def _run(name: str, model: Form, budget: Budget, seed: int, progress: Progress) -> Outcome:
    """One solver on the model, or on the program that a QUBO equals where it takes no QUBO."""
    spec = find("solver", name)
    solver = spec.load()()
    if not (isinstance(model, Qubo) and "qubo" not in spec.forms):
        outcome: Outcome = solver.solve(model, budget, seed, progress)
        return outcome
    lowering = model.to_program()
    outcome = solver.solve(lowering.model, budget, seed, progress)
    if len(outcome.answers):
        outcome.answers = np.array([lowering.decode(x) for x in outcome.answers], dtype=np.int8)
    return outcome


def choices(model: Form) -> Iterator[Choice]:
    """The solvers for a model, the preferred one first, each with its reason."""
    if isinstance(model, Routing):
        yield from _for_routes(model)
    elif isinstance(model, Qubo):
        yield from _for_qubo(model)
    else:
        yield from _for_program(model)


def _for_routes(model: Routing) -> Iterator[Choice]:
    clients = len(model.clients)
    if model.is_tsp and model.num_locations <= TOUR_LOCATIONS:
        yield "cpsat", f"a tour of {model.num_locations} locations is small enough to prove"
    elif not model.is_tsp and clients <= FLEET_CLIENTS:
        yield "cpsat", f"routes to {clients} clients are few enough to prove"
    yield "routing", f"local search on routes scales to {clients} clients"


def _for_qubo(model: Qubo) -> Iterator[Choice]:
    count = count_answers(model)
    groups = f" within {len(model.groups)} groups" if model.groups else ""
    if count <= MOST_ANSWERS:
        yield "exact", f"{count} answers{groups} are few enough to visit all"
    elif model.num_interactions <= PROVABLE_PAIRS:
        yield "milp", f"{model.num_interactions} interacting pairs are few enough to prove"
    yield "sa", (
        f"2**{log2(count):.0f} answers{groups} are too many to visit; {model.num_variables} "
        f"variables, {100 * model.density:.3g} % of the pairs interact"
    )


def _for_program(model: Program) -> Iterator[Choice]:
    size = f"{model.num_variables} variables and {len(model.constraints)} constraints"
    bounded = np.isfinite(model.lower) & np.isfinite(model.upper)
    if bool((model.integer & bounded).all()):
        yield "cpsat", f"{size}, all variables whole and bounded"
        yield "milp", size
    else:
        yield "milp", f"{size}, some variables continuous or without bounds"
