"""Programs as CP-SAT models: whole variables and whole coefficients."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import UnsupportedError
from qopt.forms import Program

from .bounds import implied_bounds
from .bounds_qubo import program_bound
from .linearise import linearise
from .proof import activity
from .scaling import WholeObjective, whole_objective, whole_rows

_LARGEST_BOUND = 2.0**40
"""Largest bound of a variable that is passed on to CP-SAT."""


Hint = Callable[[Callable[[int], bool]], tuple[Any, list[tuple[Any, int]]] | None]

Start = Callable[[Any], list[tuple[Any, int]]]


@dataclass(frozen=True)
class CpModel:
    """A CP-SAT model that minimises, and the way back to the form it stands for.

    Parameters
    ----------
    model : ortools.sat.python.cp_model.CpModel
    answer : callable
        Turns the function that gives a variable's value into an answer of the form.
    evaluate : callable
        Objective of an answer and whether it is feasible, judged by the form itself.
    objective : WholeObjective
        From the whole objective to the form's, up to `sign`.
    sign : float
        -1 where the form maximises.
    activity : callable
        Sum of the sizes of the terms of an answer's objective.
    notes : dict
        JSON values for the record.
    linear : bool
        Whether the search should lean on the linear relaxation and its cuts.
    products : bool
        Whether there are linearised products, whose large relaxation delays the first answer.
    hint : callable, optional
        Finds a first answer by other means: told by a function when to end, it returns the
        answer and values of variables for it, or None where it found none.
    start : callable, optional
        Values of variables for an answer of the form.
    floor : callable
        A bound in the form's own units by other means, told by a function when to end.
    presolve : bool
        Whether CP-SAT should simplify the model first, which is long where variables are very many
        and constraints few.
    constant : float
        Part of the form's objective that is the same for all answers.
    """

    model: Any
    answer: Callable[[Callable[[Any], int]], Any]
    evaluate: Callable[[Any], tuple[float, bool]]
    objective: WholeObjective
    sign: float
    activity: Callable[[Any], float]
    notes: dict[str, Any]
    linear: bool = False
    products: bool = False
    hint: Hint | None = None
    presolve: bool = True
    constant: float = 0.0
    start: Start | None = None
    floor: Callable[[Callable[[], bool]], float] = lambda ended: -inf

    def bound(self, whole: float) -> float:
        """A bound of the whole objective in the form's own units and sense."""
        return self.sign * self.objective.true(whole)


def program_model(program: Program, *, strengthen: bool) -> CpModel | None:
    """The CP-SAT model of a program, or None where its bounds prove it infeasible.

    Raises
    ------
    UnsupportedError
        For continuous variables, and whole ones without bounds.
    SizeError
        Where the objective has too many products.
    """
    from ortools.sat.python import cp_model

    _check_variables(program)
    lower, upper = implied_bounds(program)
    if (lower > upper).any():
        return None
    _check_bounds(program, lower, upper)
    lowering = linearise(program, strengthen=strengthen, whole=True)
    linear = lowering.model
    added = slice(program.num_variables, None)
    lower = np.concatenate([lower, linear.lower[added]])
    upper = np.concatenate([upper, linear.upper[added]])
    width = upper - lower
    sign = 1.0 if program.sense == "minimise" else -1.0
    objective = whole_objective(
        sign * linear.linear, width, sign * (float(linear.linear @ lower) + linear.offset)
    )
    model = cp_model.CpModel()
    shifted = [model.new_int_var(0, int(w), "") for w in width.tolist()]
    for constraint in linear.constraints:
        variables = [shifted[i] for i in constraint.indices.tolist()]
        where = constraint.indices
        for row in whole_rows(constraint, lower[where], width[where]):
            _add_row(model, cp_model, variables, row.coefficients, row.low, row.high)
    model.minimize(cp_model.LinearExpr.weighted_sum(shifted, objective.coefficients.tolist()))
    first = shifted[: program.num_variables]

    def answer(value: Callable[[Any], int]) -> NDArray[np.float64]:
        return lower[: len(first)] + np.array([value(v) for v in first], dtype=np.float64)

    def start(values: NDArray[np.float64]) -> list[tuple[Any, int]]:
        assert lowering.encode is not None
        whole = np.rint(np.asarray(lowering.encode(values)) - lower).astype(np.int64)
        return list(zip(shifted, whole.tolist(), strict=True))

    return CpModel(
        model,
        answer,
        lambda x: (program.objective(x), not program.violations(x)),
        objective,
        sign,
        lambda x: activity(program, x),
        {
            "variables": linear.num_variables,
            "rows": len(linear.constraints),
            "objective_scale": objective.scale,
            "objective_exact": objective.exact,
        },
        products=linear.num_variables > program.num_variables,
        constant=program.offset,
        start=start,
        floor=lambda ended: program_bound(program, ended),
    )


def _add_row(
    model: Any, cp_model: Any, variables: list[Any], coefficients: list[int],
    low: int | None, high: int | None,
) -> None:
    if low is not None and high is not None and low > high:
        model.add_bool_or([])  # no whole number lies between: a clause that cannot be kept
        return
    domain = cp_model.Domain(
        cp_model.INT_MIN if low is None else low, cp_model.INT_MAX if high is None else high
    )
    total = cp_model.LinearExpr.weighted_sum(variables, coefficients)
    model.add_linear_expression_in_domain(total, domain)


def _check_variables(program: Program) -> None:
    continuous = np.flatnonzero(~program.integer)
    if len(continuous):
        name = program.names[int(continuous[0])]
        raise UnsupportedError(
            f"CP-SAT takes whole variables only and {name!r} is continuous; solve it with 'milp'"
        )


def _check_bounds(
    program: Program, lower: NDArray[np.float64], upper: NDArray[np.float64]
) -> None:
    wide = np.flatnonzero(np.maximum(np.abs(lower), np.abs(upper)) > _LARGEST_BOUND)
    if len(wide):
        i = int(wide[0])
        raise UnsupportedError(
            f"CP-SAT needs bounds on every variable and {program.names[i]!r} has "
            f"{program.lower[i]:g} to {program.upper[i]:g}, and the constraints imply none within "
            f"{_LARGEST_BOUND:.0g}; give it bounds, or solve it with 'milp'"
        )
