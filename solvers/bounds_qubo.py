"""Lower bounds of QUBOs and of programs of bits, for any exact solver."""

from collections.abc import Callable
from math import ceil, gcd, inf, isfinite

import numpy as np
from numpy.typing import NDArray

from qopt.forms import Program, Qubo
from qopt.forms.whole_numbers import common_denominator

_EPSILON = float(np.finfo(np.float64).eps)

LATTICE = 1e-9
"""Share of its number of units by which a bound may be above a possible energy and still mean it:
far more than rounding adds."""

MOST_SEMIDEFINITE = 200
"""Variables up to which a program's semidefinite bound is calculated: some tenths of a second."""

_SMOOTHING = (0.1, 0.07, 0.05, 0.035, 0.025, 0.015, 0.01)
"""Smoothing of each round of the semidefinite bound, as a share of its size."""

_STEPS = 25


def trivial_bound(model: Qubo) -> float:
    """The better of two sums over all terms: each at its best over bits, or over spins.

    ``offset + sum min(linear, 0) + sum min(value, 0)`` for bits, and ``offset - sum |h| - sum |J|``
    of the Ising model. What rounding can have added is taken off. Groups are left out.
    """
    ising = model.to_ising()
    bits = float(np.minimum(model.linear, 0.0).sum() + np.minimum(model.value, 0.0).sum())
    spins = float(np.abs(ising.h).sum() + np.abs(ising.J).sum())
    terms = len(model.linear) + 4 * len(model.value) + 2
    size = float(np.abs(model.linear).sum() + np.abs(model.value).sum()) + abs(model.offset)
    best = max(model.offset + bits, ising.offset - spins)
    if model.is_integral and (4.0 * model.offset).is_integer() and size < 2.0**50:
        return best  # sums of whole numbers and quarters of them are exact
    return best - terms * _EPSILON * size


def energy_unit(model: Qubo) -> float:
    """The largest number of which all coefficients are multiples; 0 where there is none."""
    values = np.unique(np.abs(np.concatenate([model.linear, model.value])))
    values = values[values > 0.0]
    denominator = common_denominator(values.tolist())
    if denominator is None or not len(values):
        return 0.0
    return gcd(*(round(v * denominator) for v in values.tolist())) / denominator


def rounded_up(bound: float, offset: float, unit: float) -> float:
    """A bound raised to the next energy there can be, ``offset`` and a multiple of ``unit``."""
    if not unit or not isfinite(bound):
        return bound
    steps = (bound - offset) / unit
    return offset + unit * ceil(steps - LATTICE * max(1.0, abs(steps)))


# -- programs -----------------------------------------------------------------------------------


def program_floor(program: Program) -> float:
    """A bound of a program's objective from its terms and the bounds of its variables.

    Returns
    -------
    float
        A lower bound where the program minimises, an upper one where it maximises; infinite where
        a term is not bounded.
    """
    sign = 1.0 if program.sense == "minimise" else -1.0
    if program.binary.all():
        return sign * trivial_bound(_as_qubo(program))
    least, size = sign * program.offset, abs(program.offset)
    low, high = program.lower, program.upper
    with np.errstate(invalid="ignore"):
        linear = np.array([sign * program.linear * low, sign * program.linear * high])
        ends = [a[program.row] * b[program.col] for a in (low, high) for b in (low, high)]
        products = np.array(ends)
        square = (program.row == program.col) & (low < 0.0)[program.row] & (high > 0.0)[program.row]
        products = np.vstack([products, np.where(square, 0.0, products[0])])
        products[1:3, program.row == program.col] = products[0, program.row == program.col]
        products = sign * program.value * products
    linear[:, program.linear == 0.0] = 0.0
    for part in (linear, products):
        if np.isnan(part).any():
            return -sign * inf
        least += float(part.min(axis=0).sum())
        size += float(np.abs(part).max(axis=0).sum())
    if not isfinite(size):
        return -sign * inf if not isfinite(least) else sign * least
    return sign * (least - 4.0 * (len(low) + len(program.value) + 2) * _EPSILON * size)


def program_bound(program: Program, ended: Callable[[], bool]) -> float:
    """The better of `program_floor` and, for a quadratic program of bits, a semidefinite bound.

    The semidefinite bound is the one of `semidefinite`, on the face of those equations that are of
    whole numbers; other constraints are left out. Up to 200 variables; `ended` is asked between
    its steps.
    """
    floor = program_floor(program)
    if not _is_few_bits(program) or ended():
        return floor
    sign = 1.0 if program.sense == "minimise" else -1.0
    model = _as_qubo(program)
    found = rounded_up(_semidefinite(model, *_equations(program), ended), model.offset,
                       energy_unit(model))
    return sign * max(sign * floor, found)


def prepare_bound(program: Program) -> None:
    """Compile what `program_bound` needs for a program, if anything."""
    if _is_few_bits(program):
        from .semidefinite import prepare

        prepare()


def _is_few_bits(program: Program) -> bool:
    few = 2 < program.num_variables <= MOST_SEMIDEFINITE
    return few and len(program.value) > 0 and bool(program.binary.all())


def _as_qubo(program: Program) -> Qubo:
    """The objective of a program of bits, to minimise."""
    sign = 1.0 if program.sense == "minimise" else -1.0
    return Qubo.from_arrays(
        sign * program.linear, program.row, program.col, sign * program.value,
        offset=sign * program.offset,
    )


def _equations(program: Program) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights and sums of the equations of whole numbers."""
    rows, sums = [], []
    for item in program.constraints:
        numbers = np.append(item.coefficients, item.rhs)
        moderate = bool((np.abs(numbers) < 2.0**20).all() and (numbers == np.rint(numbers)).all())
        if item.comparator == "==" and moderate and len(item.indices):
            row = np.zeros(program.num_variables)
            row[item.indices] = item.coefficients
            rows.append(row)
            sums.append(item.rhs)
    return np.array(rows).reshape(-1, program.num_variables), np.array(sums, dtype=np.float64)


def _semidefinite(
    model: Qubo, weights: NDArray[np.float64], sums: NDArray[np.float64],
    ended: Callable[[], bool],
) -> float:
    from threadpoolctl import threadpool_limits

    from .semidefinite import Ascent, first_multipliers, spin_form

    upper = model.to_matrix()
    np.fill_diagonal(upper, 0.0)
    problem, constant = spin_form(model.linear, upper + upper.T, weights, sums)
    with threadpool_limits(limits=1, user_api="blas"):
        ascent = Ascent(problem, first_multipliers(problem, ended), inf, ended)
        for smoothing in _SMOOTHING:
            if not ascent.climb(smoothing * ascent.size, _STEPS):
                break
            ascent.cut()
    return ascent.best + constant + model.offset
