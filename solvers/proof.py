"""From a solver's word to a status: what a bound and an answer prove together."""

import numpy as np
from numpy.typing import NDArray

from qopt.forms import Program
from qopt.solver import Outcome, Status

_ROUNDING = 2.0**-51
"""Share of a constant that rounding alone may set an objective and its bound apart by."""


def settle(
    objective: float, bound: float | None, *, sign: float, tolerance: float, floor: float,
    constant: float = 0.0,
) -> tuple[Status, float | None]:
    """Status and bound of a feasible answer.

    Parameters
    ----------
    objective : float
        Of the answer, computed from the model itself.
    bound : float or None
        Proven bound, in the same units.
    sign : float
        1 where the model minimises, -1 where it maximises.
    tolerance : float
        Relative distance at which the bound counts as reached: the solver's own arithmetic.
    floor : float
        Absolute distance at which it counts as reached, too: what the solver's arithmetic loses
        where the objective is near zero.
    constant : float
        Part of both that is the same for all answers: `tolerance` is relative to the rest, as a
        million more makes no answer better.

    Returns
    -------
    status : Status
        Optimal where the bound is reached.
    bound : float or None
        Never beyond the objective; equal to it where it is reached, None where the answer beats it.
    """
    if bound is None or not np.isfinite(bound):
        return Status.FEASIBLE, None
    distance = sign * (objective - bound)
    size = max(abs(objective - constant), abs(bound - constant))
    slack = max(floor, tolerance * size, _ROUNDING * abs(constant))
    if distance < -slack:
        return Status.FEASIBLE, None  # the answer contradicts the bound, which is then no bound
    if distance <= slack:
        return Status.OPTIMAL, objective
    return Status.FEASIBLE, bound


def without_variables(program: Program) -> Outcome:
    """The outcome of a program that has no variables: its only answer is the empty one."""
    answer = np.zeros(0)
    if broken := program.violations(answer):
        return Outcome(Status.PROVEN_INFEASIBLE, reason=broken[0][0])
    return Outcome(Status.OPTIMAL, [answer], bound=program.objective(answer))


def activity(program: Program, answer: NDArray[np.float64]) -> float:
    """Sum of the sizes of the terms of an answer's objective; rounding errors are shares of it.

    The size of all coefficients would not do: beside one that is huge and not in the answer,
    everything would count as near zero.
    """
    x = np.abs(answer)
    terms = np.abs(program.linear) @ x + np.abs(program.value) @ (x[program.row] * x[program.col])
    return float(terms) + abs(program.offset)
