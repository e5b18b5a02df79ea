"""A linear program as PuLP builds it for HiGHS and CBC, and what those two report."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qopt.errors import UnsupportedError
from qopt.forms import Program
from qopt.forms.program import Constraint
from qopt.forms.whole_numbers import power_below
from qopt.solver import Progress

TOLERANCE = 1e-6
"""Scaled coefficients below this are too close to the libraries' tolerances of 1e-7 to count."""

_NO_BOUND = 1e18
"""Size from which a bound stands for none. A row that were scaled to such a variable would be lost
among tolerances, and HiGHS calls wrong answers optimal beside it."""

_LARGEST_ROW = 2.0**40
"""Rows with larger sums of sizes are scaled down to it: beside sums of 2**47 and more the
libraries' absolute tolerances of 1e-7 are below the rounding of doubles."""

_LARGEST_WHOLE_ROW = 2.0**50
"""Largest sum of sizes of a row of whole variables: above it a unit is lost in the rounding."""

State = Literal["optimal", "limit", "infeasible", "unbounded"]
"""How a search ended; ``unbounded`` also stands for "infeasible or unbounded"."""


@dataclass(frozen=True)
class Found:
    """What a backend reports of its minimisation.

    Parameters
    ----------
    state : {"optimal", "limit", "infeasible", "unbounded"}
    values : ndarray of float64, shape (n,), optional
        The best answer, unrounded.
    bound : float, optional
        Lower bound of the scaled objective.
    nodes : int
        Branch-and-bound nodes.
    evaluations : int, optional
        What the search took in the library's own unit, where that is another than nodes.
    """

    state: State
    values: NDArray[np.float64] | None = None
    bound: float | None = None
    nodes: int = 0
    evaluations: int | None = None


@dataclass(frozen=True)
class Limits:
    """What a search may use besides time, and how close it must come.

    Parameters
    ----------
    nodes : int, optional
    threads : int
    seed : int
    gap : float
        Relative gap at which the search may end.
    """

    nodes: int | None
    threads: int
    seed: int
    gap: float


class Watch:
    """Whom a search tells, and asks whether to end; this one keeps what it is told to itself."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress

    @property
    def stopping(self) -> bool:
        """Whether the search should end now."""
        return self.progress.stopping

    def answer(self, values: NDArray[np.float64]) -> None:
        """Take an improving answer of the PuLP problem."""

    def objective(self, value: float) -> None:
        """Take the objective of an improving answer of the PuLP problem, seen later if at all."""

    def bound(self, value: float) -> None:
        """Take a lower bound of the PuLP problem."""


@dataclass(frozen=True)
class PulpModel:
    """A PuLP problem that minimises ``scale * (objective - offset)``, turned where it maximises.

    The libraries' tolerances are absolute and meant for coefficients around one; the objective is
    scaled by a power of two, which rounds nothing.

    Parameters
    ----------
    problem : pulp.LpProblem
        With a column for each variable that has a coefficient.
    columns : ndarray of int64, shape (columns,)
        The program's variable of each column of the problem: PuLP orders them by name.
    rest : ndarray of float64, shape (n,)
        Values within bounds, for variables without a column.
    scale, offset : float
    sign : float
        -1 where the program maximises.
    unseen : float
        Most that all coefficients together can add to the program's objective that, once scaled,
        are within the tolerances of a library.
    outer : callable, optional
        What the program's own objective is of the linear one that stands for it.
    """

    problem: Any
    columns: NDArray[np.int64]
    rest: NDArray[np.float64]
    scale: float
    offset: float
    sign: float
    unseen: float = 0.0
    outer: Callable[[float], float] | None = None

    def true(self, value: float) -> float:
        """An objective or bound of the PuLP problem in the program's units and sense."""
        linear = self.sign * value / self.scale + self.offset
        return linear if self.outer is None else self.outer(linear)

    def values(self, columns: ArrayLike) -> NDArray[np.float64]:
        """Values of the program's variables from those of the columns."""
        values = self.rest.copy()
        values[self.columns] = columns
        return values


def pulp_model(
    program: Program, *, objective: bool = True, give_up: Callable[[], bool] = lambda: False
) -> PulpModel | None:
    """Build a program with a linear objective in PuLP; None where it gave up.

    Parameters
    ----------
    program : Program
        Without quadratic terms.
    objective : bool
        Whether to keep the objective; without it any feasible answer is optimal.
    give_up : callable
        Asked now and then: large models take PuLP seconds.

    Raises
    ------
    UnsupportedError
        For a row of whole variables whose sums floating point does not hold.
    """
    import pulp

    bounds = zip(program.lower.tolist(), program.upper.tolist(), program.integer, strict=True)
    problem = pulp.LpProblem("model", pulp.LpMinimize)
    # PuLP 3.3 moves the making of variables into the problem.
    make_variable = getattr(problem, "add_variable", pulp.LpVariable)
    variables = [
        make_variable(
            f"x{i}",
            None if low <= -_NO_BOUND else low,
            None if high >= _NO_BOUND else high,
            pulp.LpInteger if whole else pulp.LpContinuous,
        )
        for i, (low, high, whole) in enumerate(bounds)
    ]
    sign = 1.0 if program.sense == "minimise" else -1.0
    linear = program.linear if objective else np.zeros(len(variables))
    scale = objective_scale(linear)
    problem += pulp.LpAffineExpression(
        list(zip(variables, (sign * scale * linear).tolist(), strict=True))
    )
    comparators = {"<=": pulp.LpConstraintLE, ">=": pulp.LpConstraintGE, "==": pulp.LpConstraintEQ}
    reach = np.maximum(np.abs(program.lower), np.abs(program.upper))
    reach[reach >= _NO_BOUND] = 1.0
    for number, item in enumerate(program.constraints):
        if number % 1024 == 0 and give_up():
            return None
        factor = row_scale(program, item, reach)
        coefficients = (factor * item.coefficients).tolist()
        terms = [(variables[i], c) for i, c in zip(item.indices, coefficients, strict=True)]
        left, rhs = pulp.LpAffineExpression(terms), factor * item.rhs
        problem += pulp.LpConstraint(left, comparators[item.comparator], f"c{number}", rhs)
    return PulpModel(
        problem,
        np.array([int(variable.name[1:]) for variable in problem.variables()], dtype=np.int64),
        np.ceil(np.clip(0.0, program.lower, program.upper)),
        scale,
        program.offset,
        sign,
        _unseen(program, linear, scale),
    )


def _unseen(program: Program, linear: NDArray[np.float64], scale: float) -> float:
    small = (linear != 0.0) & (np.abs(linear) * scale < TOLERANCE)
    if not small.any():
        return 0.0
    return float(np.abs(linear[small]) @ (program.upper[small] - program.lower[small]))


def row_scale(program: Program, item: Constraint, reach: NDArray[np.float64]) -> float:
    """1 for rows of moderate size, else the power of two that makes them so: it rounds nothing."""
    size = max(float(np.abs(item.coefficients) @ reach[item.indices]), abs(item.rhs))
    if size > _LARGEST_WHOLE_ROW and program.integer[item.indices].all():
        raise UnsupportedError(
            f"constraint {item.name!r} sums to {size:g}; above 2**50 = {_LARGEST_WHOLE_ROW:.0f} "
            "floating point cannot tell whether whole variables keep it; take larger units, or "
            "solve it with 'cpsat'"
        )
    return 1.0 if size <= _LARGEST_ROW else power_below(_LARGEST_ROW / size)


def objective_scale(linear: NDArray[np.float64]) -> float:
    """1 for whole coefficients of moderate size, else what makes the largest 512 to 1024."""
    largest = float(np.abs(linear).max(initial=0.0))
    if largest == 0.0 or (largest < 1e6 and bool((linear == np.rint(linear)).all())):
        return 1.0
    return power_below(1024.0 / largest)
