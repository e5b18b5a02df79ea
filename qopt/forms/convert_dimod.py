"""Conversion to and from dimod: quadratic models and constrained quadratic models.

dimod's spins are ``s = 2 x - 1`` over its bits ``x``; a spin variable comes in as that bit.
"""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from ..errors import InputError, UnsupportedError, check_type
from .program import Comparator, Program
from .qubo import Qubo

_HUGE = 1e20
"""Bounds of this size and more stand for none."""

# -- Qubo -----------------------------------------------------------------------------------------


def qubo_to_dimod(qubo: Qubo) -> Any:
    """The model as a `dimod.BinaryQuadraticModel` over bits; groups become penalties.

    Variables are named by the labels, or 0, 1, ... where there are none or a label repeats.
    """
    import dimod

    model = qubo.penalised()
    named = len(set(model.labels)) == model.num_variables
    return dimod.BinaryQuadraticModel.from_numpy_vectors(
        model.linear,
        (model.row, model.col, model.value),
        model.offset,
        dimod.BINARY,
        variable_order=list(model.labels) if named else list(range(model.num_variables)),
    )


def qubo_from_dimod(bqm: Any) -> Qubo:
    """The same model from a `dimod.BinaryQuadraticModel` over bits or spins, in its order."""
    import dimod

    check_type(bqm, dimod.BinaryQuadraticModel, "a dimod BinaryQuadraticModel")
    variables = list(bqm.variables)
    if bqm.vartype is not dimod.BINARY:
        bqm = bqm.change_vartype(dimod.BINARY, inplace=False)
    vectors = bqm.to_numpy_vectors(variable_order=variables)
    row, col, value = vectors.quadratic
    return Qubo.from_arrays(
        vectors.linear_biases, row, col, value,
        offset=float(vectors.offset), labels=labels_of(variables),
    )


def labels_of(variables: Sequence[Hashable]) -> list[str]:
    """Labels for dimod's variables; none where they are just numbered from 0."""
    return [] if list(variables) == list(range(len(variables))) else _names(variables)


# -- Program --------------------------------------------------------------------------------------


def program_to_dimod(program: Program) -> Any:
    """The program as a `dimod.ConstrainedQuadraticModel`, which minimises.

    The objective of a maximisation is negated.

    Raises
    ------
    UnsupportedError
        For quadratic terms of a continuous variable, which dimod does not have.
    """
    import dimod

    if not program.integer[np.concatenate([program.row, program.col])].all():
        raise UnsupportedError(
            "dimod has no quadratic terms of continuous variables; the program has"
        )
    sign = 1.0 if program.sense == "minimise" else -1.0
    cqm = dimod.ConstrainedQuadraticModel()
    for i, name in enumerate(program.names):
        _add_variable(cqm, name, program.lower[i], program.upper[i], bool(program.integer[i]))
    names = program.names
    terms: list[tuple[Any, ...]] = [(sign * program.offset,)]
    # With zeros: the energy of an objective without variables forgets its offset.
    terms += [(name, sign * a) for name, a in zip(names, program.linear, strict=True)]
    terms += [
        (names[i], names[j], sign * v)
        for i, j, v in zip(program.row, program.col, program.value, strict=True)
    ]
    cqm.set_objective(terms)
    labels: set[str] = set()
    for k, item in enumerate(program.constraints):
        label = item.name if item.name and item.name not in labels else f"{item.name}#{k}"
        labels.add(label)
        left = [(names[i], a) for i, a in zip(item.indices, item.coefficients, strict=True)]
        cqm.add_constraint_from_iterable(left, item.comparator, item.rhs, label=label)
    return cqm


def _add_variable(cqm: Any, name: str, lower: float, upper: float, integer: bool) -> None:
    if integer and lower == 0.0 and upper == 1.0:
        cqm.add_variable("BINARY", name)
        return
    kind = "INTEGER" if integer else "REAL"
    # dimod stops at its own limits, which stand for infinity.
    widest = 2.0**53 - 1 if integer else 1e30
    cqm.add_variable(
        kind, name, lower_bound=max(lower, -widest), upper_bound=min(upper, widest)
    )


def program_from_dimod(cqm: Any) -> Program:
    """The same program from a `dimod.ConstrainedQuadraticModel`, in its order of variables.

    A spin variable ``s`` becomes the bit ``x`` of the same name, with ``s = 2 x - 1``.

    Raises
    ------
    UnsupportedError
        For quadratic and for soft constraints.
    """
    import dimod

    check_type(cqm, dimod.ConstrainedQuadraticModel, "a dimod ConstrainedQuadraticModel")
    variables = list(cqm.variables)
    place = {name: i for i, name in enumerate(variables)}
    n = len(variables)
    kinds = [cqm.vartype(name) for name in variables]
    spin = np.array([kind is dimod.SPIN for kind in kinds], dtype=bool)
    # Every variable is shift + factor * (our variable).
    shift, factor = np.where(spin, -1.0, 0.0), np.where(spin, 2.0, 1.0)
    lower, upper = np.zeros(n), np.ones(n)
    for i, kind in enumerate(kinds):
        if kind not in (dimod.SPIN, dimod.BINARY):
            widest = 2.0**53 - 1 if kind is dimod.INTEGER else _HUGE
            low, high = cqm.lower_bound(variables[i]), cqm.upper_bound(variables[i])
            lower[i] = low if low > -widest else -np.inf
            upper[i] = high if high < widest else np.inf
    linear = np.zeros(n)
    row, col, value = [], [], []
    offset = float(cqm.objective.offset)
    for name, a in cqm.objective.iter_linear():
        i = place[name]
        linear[i] += a * factor[i]
        offset += a * shift[i]
    for u, v, a in cqm.objective.iter_quadratic():
        i, j = place[u], place[v]
        row.append(i)
        col.append(j)
        value.append(a * factor[i] * factor[j])
        linear[i] += a * factor[i] * shift[j]
        linear[j] += a * factor[j] * shift[i]
        offset += a * shift[i] * shift[j]
    return Program.build(
        linear=linear, row=row, col=col, value=value, offset=offset, lower=lower, upper=upper,
        integer=[kind is not dimod.REAL for kind in kinds],
        constraints=[
            _constraint(cqm, label, place, shift, factor) for label in cqm.constraints
        ],
        names=_names(variables),
    )


def _constraint(
    cqm: Any, label: Hashable, place: dict[Any, int], shift: Any, factor: Any
) -> tuple[str, list[int], list[float], Comparator, float]:
    item = cqm.constraints[label]
    if not item.lhs.is_linear():
        raise UnsupportedError(
            f"constraint {label!r} is quadratic; a program has linear constraints only"
        )
    if item.lhs.is_soft():
        raise UnsupportedError(f"constraint {label!r} is soft; a program has hard ones only")
    indices, coefficients = [], []
    rhs = float(item.rhs) - float(item.lhs.offset)
    for name, a in item.lhs.iter_linear():
        i = place[name]
        indices.append(i)
        coefficients.append(a * factor[i])
        rhs -= a * shift[i]
    comparator: Comparator = item.sense.value
    return str(label), indices, coefficients, comparator, rhs


def _names(variables: Sequence[Hashable]) -> list[str]:
    names = [str(name) for name in variables]
    if len(set(names)) < len(names):
        raise InputError("two dimod variables have the same name as text; rename one of them")
    return names
