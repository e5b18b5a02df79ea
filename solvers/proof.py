"""From a solver's word to a status: what a bound and an answer prove together."""

import numpy as np

from qopt.forms import Program
from qopt.solver import Outcome, Status


def settle(
    objective: float, bound: float | None, *, sign: float, tolerance: float, scale: float
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
    scale : float
        Size of the model's coefficients, for objectives near zero.

    Returns
    -------
    status : Status
        Optimal where the bound is reached.
    bound : float or None
        Never beyond the objective; equal to it where it is reached, None where the answer beats it.
    """
    if bound is None or not np.isfinite(bound):
        return Status.FEASIBLE, None
    distance, slack = sign * (objective - bound), tolerance * max(abs(objective), abs(bound), scale)
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


def coefficient_scale(program: Program) -> float:
    """Largest objective coefficient in size, 0 for a program without any."""
    parts = [np.abs(part).max() for part in (program.linear, program.value) if len(part)]
    return float(max(parts, default=0.0))
