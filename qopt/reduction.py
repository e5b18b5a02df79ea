"""The way from a problem to a form that a solver takes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import registry
from .errors import InfeasibleError, InputError, UnsupportedError, UsageError
from .forms import FORMS, Lowering, Qubo
from .forms.penalise import program_to_qubo
from .forms.route_pool import routing_to_columns
from .impossible import plain, reasons
from .options import Option, check_options, options_of
from .problem import Problem

_TO_QUBO: dict[str, Callable[..., Lowering[Qubo]]] = {
    "program": program_to_qubo, "routing": routing_to_columns,
}
"""How a form is lowered further to a QUBO."""

RUN_OPTIONS = ("form", "presolve")
"""Options that every solver takes beside its own and those of a lowering, ``lower.NAME``."""

_SIZELESS = ("weight", "seed")
"""Options of a lowering that change no number of bits."""

_MOST_TOLD = 3
"""Reasons why there is no answer that fit into a sentence."""


def native_forms(problem: Problem) -> tuple[str, ...]:
    """The forms that a problem gives by itself, the tightest first."""
    return registry.find("problem", problem.kind).forms


def ruled_out(problem: Problem) -> str:
    """What leaves a problem of routes without any answer, by arithmetic; empty where nothing does.

    Parameters
    ----------
    problem : Problem
    """
    if "routing" not in native_forms(problem):
        return ""
    found = reasons(problem.lower(FORMS["routing"]).model, time_text_of(problem))
    more = f"; and {len(found) - _MOST_TOLD} more" if len(found) > _MOST_TOLD else ""
    return "; ".join(found[:_MOST_TOLD]) + more


def time_text_of(problem: Problem) -> Callable[[float], str]:
    """How a problem writes its times: by its own ``time_text``, or as plain numbers."""
    written: Callable[[float], str] = getattr(problem, "time_text", plain)
    return written


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
    if "qubo" not in spec.forms and (further := _further(spec.forms)) is not None:
        methods["qubo"] = _TO_QUBO[further]
    return {form: options_of(method) for form, method in methods.items() if method is not None}


def own_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Of the options of a run, those of the solver itself."""
    return {
        name: value for name, value in options.items()
        if name not in RUN_OPTIONS and not name.startswith("lower.")
    }


def size_remedy(problem: Problem, model: Any) -> str:
    """What may make a model in bits smaller: the options of its lowering; empty where none can.

    Parameters
    ----------
    problem : Problem
    model : object
        A form that the problem was lowered to.
    """
    form = next((name for name in ("qubo", "table") if isinstance(model, FORMS[name])), "")
    offered = lowering_options(registry.find("problem", problem.kind)).get(form, {})
    names = [f"lower.{name}" for name in offered if name not in _SIZELESS]
    if not names:
        return ""
    return f"or set {', '.join(names)}, whose bits qopt qubits counts"


def has_way(problem: Problem, forms: Sequence[str]) -> bool:
    """Whether a problem can be given in one of `forms`, directly or by lowering a form further."""
    native = set(native_forms(problem))
    return bool(native & set(forms)) or (
        ("qubo" in forms and not native.isdisjoint(_TO_QUBO))
        or ("program" in forms and "qubo" in native)
    )


def lower(
    problem: Problem, forms: Sequence[str], options: Mapping[str, Any] | None = None
) -> tuple[str, Lowering[Any]]:
    """Give a problem in the first of `forms` that it offers, or else by lowering a form further.

    Where options are given, forms whose lowering does not take them are passed over: with
    ``encoding="rank"``, which only the lowering to a `Table` knows, it is that one.

    Parameters
    ----------
    problem : Problem
    forms : sequence of str
        Names of forms, the preferred one first.
    options : mapping, optional
        Options of the problem's lowering and, where a program or routing is lowered further, of
        `qopt.forms.penalise.program_to_qubo` or `qopt.forms.route_pool.routing_to_columns`.

    Returns
    -------
    form : str
    lowering : Lowering

    Raises
    ------
    UnsupportedError
        Where there is no way.
    UsageError
        For an option that no lowering takes.
    """
    options = options or {}
    native = native_forms(problem)
    offered = [name for name in forms if name in native]
    if offered:
        name = _taking(problem, offered, options)
        return name, problem.lower(FORMS[name], **options)
    if "qubo" in forms and (further := _further(native)) is not None:
        return "qubo", _to_qubo(problem, further, options)
    if "program" in forms and "qubo" in native:
        return "program", problem.lower(Qubo, **options).through(Qubo.to_program)
    raise UnsupportedError(
        f"{problem.kind} gives {', '.join(native)}, and there is no way from there to "
        f"{' or '.join(forms)}"
    )


def _taking(problem: Problem, offered: Sequence[str], options: Mapping[str, Any]) -> str:
    """The first form whose lowering takes the options.

    Raises
    ------
    UsageError
        Where none does: in the words of all that have options.
    """
    refused: list[UsageError] = []
    told: list[UsageError] = []
    for name in offered:
        way = getattr(problem, f"to_{name}", None)
        if way is None or not options:
            return name
        try:
            check_options(way, options, f"the lowering of {problem.kind} to {name}")
        except UsageError as fault:
            refused.append(fault)
            told += [fault] if options_of(way) else []
        else:
            return name
    if len(told) > 1:
        raise UsageError("; ".join(map(str, told)))
    raise (told or refused)[0]


def _further(native: Sequence[str]) -> str | None:
    """The tightest form of a problem that can be lowered to a QUBO."""
    return next((name for name in native if name in _TO_QUBO), None)


def _to_qubo(problem: Problem, form: str, options: Mapping[str, Any]) -> Lowering[Qubo]:
    """Lower to a form and that to a QUBO, each with its own options."""
    onward = _TO_QUBO[form]
    later = options_of(onward)
    first = problem.lower(FORMS[form], **{n: v for n, v in options.items() if n not in later})
    given = {n: v for n, v in options.items() if n in later}
    checked = check_options(onward, given, f"the lowering of a {form} to a QUBO")
    try:
        return first.through(lambda model: onward(model, **checked))
    except InfeasibleError as fault:
        if first.complete:
            raise
        raise InputError(f"in the {form} that stands for part of the instance, {fault}") from fault
