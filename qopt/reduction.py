"""The way from a problem to a form that a solver takes."""

from collections.abc import Mapping, Sequence
from typing import Any

from . import registry
from .errors import UnsupportedError
from .forms import FORMS, Lowering, Program, Qubo
from .forms.penalise import program_to_qubo
from .problem import Problem


def native_forms(problem: Problem) -> tuple[str, ...]:
    """The forms that a problem gives by itself, the tightest first."""
    return registry.find("problem", problem.kind).forms


def has_way(problem: Problem, forms: Sequence[str]) -> bool:
    """Whether a problem can be given in one of `forms`, directly or by lowering a form further."""
    native = set(native_forms(problem))
    return bool(native & set(forms)) or (
        ("qubo" in forms and "program" in native) or ("program" in forms and "qubo" in native)
    )


def lower(
    problem: Problem, forms: Sequence[str], options: Mapping[str, Any] | None = None
) -> tuple[str, Lowering[Any]]:
    """Give a problem in the first of `forms` that it offers, or else by lowering a form further.

    Parameters
    ----------
    problem : Problem
    forms : sequence of str
        Names of forms, the preferred one first.
    options : mapping, optional
        Options of the problem's lowering.

    Returns
    -------
    form : str
    lowering : Lowering

    Raises
    ------
    UnsupportedError
        Where there is no way.
    """
    options = options or {}
    native = native_forms(problem)
    for name in forms:
        if name in native:
            return name, problem.lower(FORMS[name], **options)
    if "qubo" in forms and "program" in native:
        first = problem.lower(Program, **options)
        return "qubo", first.then(program_to_qubo(first.model))
    if "program" in forms and "qubo" in native:
        first = problem.lower(Qubo, **options)
        return "program", first.then(first.model.to_program())
    raise UnsupportedError(
        f"{problem.kind} gives {', '.join(native)}, and there is no way from there to "
        f"{' or '.join(forms)}"
    )
