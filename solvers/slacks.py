"""Equalities with a slack, written as inequalities.

Branch and bound in HiGHS 1.13 loses optima where ``a x + s = b`` over whole ``x``, as in ``minimise
s``, once the coefficients have four digits, with and without its presolve; with ``a x <= b`` and
``minimise b - a x`` it does not.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qopt.forms import Lowering, Program
from qopt.forms.program import Constraint

_Floats = NDArray[np.float64]


def without_slacks(program: Program) -> Lowering[Program]:
    """The program with the slacks of its equalities over whole variables replaced.

    A slack is no bit or has a cost, stands in one row alone, and is whole or continuous by itself
    where the other variables are whole. Its row becomes a pair of inequalities over those.
    Variables keep their places: a slack stays as one without any coefficient, fixed at 0.

    Parameters
    ----------
    program : Program
        Without quadratic terms.

    Returns
    -------
    Lowering of Program
        With ``scale=1`` and ``offset=0``.
    """
    uses = np.zeros(program.num_variables, dtype=np.int64)
    for item in program.constraints:
        uses[item.indices] += 1
    rows: list[Constraint] = []
    found: list[tuple[int, _Floats, Constraint]] = []
    linear, offset = program.linear.copy(), program.offset
    for item in program.constraints:
        place = _slack_of(program, item, uses)
        if place is None:
            rows.append(item)
            continue
        slack, own = int(item.indices[place]), float(item.coefficients[place])
        rest = replace(
            item, indices=np.delete(item.indices, place),
            coefficients=np.delete(item.coefficients, place),
        )
        rows += _sides(rest, own * program.lower[slack], own * program.upper[slack])
        linear[rest.indices] -= linear[slack] / own * rest.coefficients
        offset += linear[slack] / own * item.rhs
        found.append((slack, np.array([own, item.rhs]), rest))
    if not found:
        return Lowering(program, decode=lambda x: x, encode=lambda x: x)
    slacks = [slack for slack, _, _ in found]
    lower, upper = program.lower.copy(), program.upper.copy()
    linear[slacks] = lower[slacks] = upper[slacks] = 0.0

    def decode(values: _Floats) -> _Floats:
        whole = np.where(program.integer, np.rint(values), values)
        x = values.copy()
        for slack, (own, rhs), rest in found:
            x[slack] = (rhs - rest.activity(whole)) / own
        return x

    def encode(values: _Floats) -> _Floats:
        x = np.array(values, dtype=np.float64)
        x[slacks] = 0.0
        return x

    model = replace(
        program, linear=linear, offset=float(offset), lower=lower, upper=upper,
        constraints=tuple(rows),
    )
    return Lowering(model, decode=decode, encode=encode)


def _slack_of(program: Program, item: Constraint, uses: NDArray[np.int64]) -> int | None:
    """Place in a row of the variable that is its slack; None where it has none."""
    if item.comparator != "==" or len(item.indices) < 2:
        return None
    matters = (program.linear != 0.0) | ~program.binary
    alone = (uses[item.indices] == 1) & matters[item.indices]
    continuous = ~program.integer[item.indices]
    for place in np.flatnonzero(alone).tolist():
        others = np.delete(continuous, place)
        if others.any():
            continue
        ratios = np.append(np.delete(item.coefficients, place), item.rhs)
        if continuous[place] or not (ratios % item.coefficients[place]).any():
            return int(place)
    return None


def _sides(rest: Constraint, one: float, other: float) -> list[Constraint]:
    """``rest + s == rhs`` for any ``s`` between two values, as inequalities of the finite ones."""
    least, most = sorted((float(one), float(other)))
    sides = []
    if np.isfinite(least):
        sides.append(replace(rest, comparator="<=", rhs=rest.rhs - least))
    if np.isfinite(most):
        sides.append(replace(rest, comparator=">=", rhs=rest.rhs - most))
    return sides
