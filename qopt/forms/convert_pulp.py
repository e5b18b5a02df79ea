"""Conversion to and from PuLP's linear programs."""

from typing import Any

import numpy as np

from ..errors import InputError, UnsupportedError, check_type
from .program import Comparator, Program


def program_to_pulp(program: Program) -> tuple[Any, list[Any]]:
    """The program as a `pulp.LpProblem`, and its variables in the program's order.

    PuLP replaces spaces and operators in names, and forgets variables that occur nowhere; the list
    has all of them. Where its names would clash, variables are called ``x0, x1, ...``.

    Raises
    ------
    UnsupportedError
        For a quadratic objective.
    """
    import pulp

    if len(program.value):
        raise UnsupportedError(
            f"PuLP has no quadratic objective; the program has {len(program.value)} quadratic "
            "terms: linearise it, or use a solver for quadratic programs"
        )
    sense = pulp.LpMinimize if program.sense == "minimise" else pulp.LpMaximize
    problem = pulp.LpProblem("program", sense)
    names = [name.translate(pulp.LpVariable.trans) for name in program.names]
    if len(set(names)) < len(names):
        names = [f"x{i}" for i in range(len(names))]
    variables = [
        problem.add_variable(
            name,
            float(low) if np.isfinite(low) else None,
            float(high) if np.isfinite(high) else None,
            pulp.LpInteger if integer else pulp.LpContinuous,
        )
        for name, low, high, integer in zip(
            names, program.lower, program.upper, program.integer, strict=True
        )
    ]
    used = np.flatnonzero(program.linear).tolist()
    problem.setObjective(
        pulp.lpSum(float(program.linear[i]) * variables[i] for i in used) + program.offset
    )
    seen: set[str] = set()
    for k, item in enumerate(program.constraints):
        left = pulp.lpSum(
            float(a) * variables[i] for i, a in zip(item.indices, item.coefficients, strict=True)
        )
        name = item.name.translate(pulp.LpVariable.trans) or "c"
        name = name if name not in seen else f"{name}_{k}"
        seen.add(name)
        if item.comparator == "<=":
            problem.addConstraint(left <= item.rhs, name)
        elif item.comparator == ">=":
            problem.addConstraint(left >= item.rhs, name)
        else:
            problem.addConstraint(left == item.rhs, name)
    return problem, variables


def program_from_pulp(problem: Any) -> Program:
    """The same program from a `pulp.LpProblem`; variables are in the order of their names."""
    import pulp

    check_type(problem, pulp.LpProblem, "a PuLP LpProblem")
    variables = sorted(problem.variables(), key=lambda variable: str(variable.name))
    place = {variable.name: i for i, variable in enumerate(variables)}
    if len(place) < len(variables):
        raise InputError("two PuLP variables have the same name; rename one of them")
    linear = np.zeros(len(variables))
    offset = 0.0
    if problem.objective is not None:
        offset = float(problem.objective.constant)
        for variable, coefficient in problem.objective.items():
            linear[place[variable.name]] += coefficient
    held = problem.constraints
    constraints = held() if callable(held) else list(held.values())  # PuLP 4 and before
    return Program.build(
        sense="minimise" if problem.sense == 1 else "maximise",
        linear=linear,
        offset=offset,
        lower=[-np.inf if v.lowBound is None else v.lowBound for v in variables],
        upper=[np.inf if v.upBound is None else v.upBound for v in variables],
        integer=[v.cat == "Integer" for v in variables],
        constraints=[_constraint(k, item, place) for k, item in enumerate(constraints, 1)],
        names=[v.name for v in variables],
    )


def _constraint(
    number: int, item: Any, place: dict[str, int]
) -> tuple[str, list[int], list[float], Comparator, float]:
    comparators: dict[int, Comparator] = {-1: "<=", 0: "==", 1: ">="}
    return (
        item.name or f"c{number}",
        [place[variable.name] for variable in item],
        [float(coefficient) for coefficient in item.values()],
        comparators[item.sense],
        -float(item.constant),
    )
