"""The way from a problem to a form that a solver takes."""

from collections.abc import Mapping, Sequence
from typing import Any

from . import registry
from .errors import InfeasibleError, InputError, UnsupportedError
from .forms import FORMS, Lowering, Program, Qubo
from .forms.penalise import program_to_qubo
from .options import Option, check_options, options_of
from .problem import Problem


def native_forms(problem: Problem) -> tuple[str, ...]:
    """The forms that a problem gives by itself, the tightest first."""
    return registry.find("problem", problem.kind).forms


def forms_for(problem: Problem, solver: registry.Spec) -> tuple[str, ...]:
    """The forms that a solver takes, in its own order; a chooser takes the problem's tightest."""
    if solver.role != "chooser":
        return solver.forms
    native = [name for name in native_forms(problem) if name in solver.forms]
    return (*native, *(name for name in solver.forms if name not in native))


def lowering_options(spec: registry.Spec) -> dict[str, dict[str, Option]]:
    """Options of a problem's lowering by form: ``lower.NAME`` among the options of a solver."""
    target = spec.load()
    methods = {form: getattr(target, f"to_{form}", None) for form in spec.forms}
    if "qubo" not in methods and "program" in methods:
        methods["qubo"] = program_to_qubo
    return {form: options_of(method) for form, method in methods.items() if method is not None}


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
        Options of the problem's lowering and, where a program is lowered further, of
        `qopt.forms.penalise.program_to_qubo`.

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
        return "qubo", _through_program(problem, options)
    if "program" in forms and "qubo" in native:
        return "program", problem.lower(Qubo, **options).through(Qubo.to_program)
    raise UnsupportedError(
        f"{problem.kind} gives {', '.join(native)}, and there is no way from there to "
        f"{' or '.join(forms)}"
    )


def _through_program(problem: Problem, options: Mapping[str, Any]) -> Lowering[Qubo]:
    """Lower to a program and that to a QUBO, each with its own options."""
    later = options_of(program_to_qubo)
    first = problem.lower(Program, **{n: v for n, v in options.items() if n not in later})
    given = {n: v for n, v in options.items() if n in later}
    checked = check_options(program_to_qubo, given, "the lowering of a program to a QUBO")
    try:
        return first.through(lambda model: program_to_qubo(model, **checked))
    except InfeasibleError as fault:
        if first.complete:
            raise
        raise InputError(f"in the program that stands for part of the instance, {fault}") from fault
