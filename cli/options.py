"""Options that several commands share, and shell completion of names."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

F = TypeVar("F", bound=Callable[..., Any])


def _complete(kind: str) -> Callable[..., list[CompletionItem]]:
    """Complete names from specs; no solver is imported for it."""

    def names(context: click.Context, parameter: click.Parameter, start: str) -> Any:
        from qopt.registry import available

        return [
            CompletionItem(spec.name, help=spec.summary)
            for spec in available(kind)  # type: ignore[arg-type]  # one of the two literals below
            if spec.name.startswith(start)
        ]

    return names


def complete_instances(
    context: click.Context, parameter: click.Parameter, start: str
) -> list[CompletionItem]:
    """Complete files, and the names of bundled instances."""
    from qopt.loading import bundled

    names = [CompletionItem(e.name, help=e.title) for e in bundled() if e.name.startswith(start)]
    return [CompletionItem(start, type="file"), *names]


complete_solvers = _complete("solver")
complete_problems = _complete("problem")


def parse_settings(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    """Turn repeated ``name=value`` texts into a dict."""
    settings: dict[str, str] = {}
    for text in values:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"write name=value, got {text!r}")
        if name in settings:
            raise click.BadParameter(f"{name!r} is given twice")
        settings[name] = value
    return settings


def instance_options(function: F) -> F:
    """``--kind`` and ``--set``: how a file becomes an instance."""
    function = click.option(
        "--set", "settings", multiple=True, metavar="NAME=VALUE", callback=parse_settings,
        help="A setting of the problem, such as select=10; repeat for more.",
    )(function)
    return click.option(
        "--kind", metavar="PROBLEM", shell_complete=complete_problems,
        help="The problem, where the file's format leaves it open.",
    )(function)


def budget_options(function: F) -> F:
    """``--time-limit``, ``--evaluations`` and ``--threads``."""
    function = click.option(
        "--threads", type=click.IntRange(1), default=1, show_default=True,
        help="Threads that a solver may use.",
    )(function)
    function = click.option(
        "--evaluations", type=click.IntRange(1),
        help="Deterministic budget in the solver's own unit.",
    )(function)
    return click.option(
        "--time-limit", type=click.FloatRange(0), metavar="SECONDS",
        help="Wall seconds for the search of one run.",
    )(function)


def limit_options(function: F) -> F:
    """``--max-cost`` and ``--max-shots``: hard limits of a run."""
    function = click.option(
        "--max-shots", type=click.IntRange(1), metavar="N",
        help="Shots that one run may take, training included; what would take more is refused.",
    )(function)
    return click.option(
        "--max-cost", metavar="AMOUNT",
        help="What one run may cost, device and machine time: 5USD. Checked before anything is "
        "submitted; a simulated device counts as the real one would.",
    )(function)


def json_option(function: F) -> F:
    """``--json``: the result as JSON on standard output."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print the result as JSON."
    )(function)


def print_json(data: Any) -> None:
    """Print JSON to standard output; keys keep their order."""
    click.echo(json.dumps(data, indent=2, allow_nan=False))
