"""``qopt problems``, ``qopt solvers``, ``qopt instances``: what there is."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import click

from .options import complete_problems, complete_solvers, json_option, print_json

if TYPE_CHECKING:
    from qopt.options import Option
    from qopt.registry import Spec


@click.command()
@click.argument("name", required=False, shell_complete=complete_problems)
@json_option
def problems(name: str | None, as_json: bool) -> None:
    """List the problems, or the settings of one."""
    _catalogue("problem", name, as_json)


@click.command()
@click.argument("name", required=False, shell_complete=complete_solvers)
@json_option
def solvers(name: str | None, as_json: bool) -> None:
    """List the solvers, or the options of one."""
    _catalogue("solver", name, as_json)


@click.command()
@json_option
def instances(as_json: bool) -> None:
    """List the bundled instances, with where they come from and what is known of them."""
    from qopt.loading import bundled

    entries = bundled()
    if as_json:
        print_json([entry.to_json() for entry in entries])
        return
    rows = [
        (e.name, e.kind, e.title, "" if e.best_known is None else f"{e.best_known:.10g}",
         "proven" if e.proven else "") for e in entries
    ]
    print_table(("name", "kind", "what", "best known", ""), rows)
    click.echo("\nUse a name as FILE: qopt solve burma14. --json shows source, convention, path.")


def _catalogue(kind: Literal["problem", "solver"], name: str | None, as_json: bool) -> None:
    from qopt.errors import pip_install
    from qopt.registry import available, find

    if name is not None:
        _one(find(kind, name), as_json)
        return
    specs = available(kind)
    if as_json:
        print_json([_spec_json(spec) for spec in specs])
        return
    rows = []
    for spec in specs:
        missing = spec.missing()
        third = spec.role or "" if kind == "solver" else spec.formats
        wanted = [spec.install] if spec.install else missing
        note = f" (needs {pip_install(wanted)})" if missing else ""
        rows.append((spec.name, ", ".join(spec.forms), third, spec.summary + note))
    print_table(("name", "forms", "role" if kind == "solver" else "reads", "what"), rows)


def _one(spec: "Spec", as_json: bool) -> None:
    from qopt.errors import pip_install
    from qopt.options import options_of
    from qopt.reduction import lowering_options

    target = spec.described()
    options = options_of(target if spec.kind == "solver" else target.load)
    lowerings = lowering_options(spec) if spec.kind == "problem" else {}
    if as_json:
        data = {**_spec_json(spec), "options": _options_json(options)}
        if spec.kind == "problem":
            data["lowering"] = {form: _options_json(own) for form, own in lowerings.items()}
        print_json(data)
        return
    click.echo(f"{spec.name}: {spec.summary}")
    click.echo(f"forms: {', '.join(spec.forms)}   from: {spec.origin}")
    if missing := spec.missing():
        click.echo(f"needs: {pip_install([spec.install] if spec.install else missing)}")
    if spec.formats:
        click.echo(f"reads: {spec.formats}")
    if spec.kind == "solver":
        click.echo(f"starts from an answer (--start FILE): {_plain(spec.starts)}")
    if spec.kind == "solver" and "qubo" in spec.forms:
        click.echo(f"QUBOs are reduced exactly first (presolve=true): {_plain(spec.presolve)}")
    _print_options("settings (--set name=value)" if lowerings else "options", options)
    for form, own in lowerings.items():
        if own:
            _print_options(f"lowering to a {form} (--solver NAME:lower.name=value)", own, "lower.")


def _options_json(options: "Mapping[str, Option]") -> list[dict[str, Any]]:
    return [
        {"name": o.name, "type": o.type_name, "required": o.required,
         "default": None if o.required else o.default, "help": o.help}
        for o in options.values()
    ]


def _print_options(title: str, options: "Mapping[str, Option]", prefix: str = "") -> None:
    click.echo(title)
    for option in options.values():
        default = "required" if option.required else f"default {_plain(option.default)}"
        click.echo(f"  {prefix}{option.name}: {option.type_name}; {default}")
        if option.help:
            click.echo(click.wrap_text(option.help, 96, "      ", "      "))


def _spec_json(spec: "Spec") -> dict[str, Any]:
    return {
        "name": spec.name, "kind": spec.kind, "summary": spec.summary, "forms": list(spec.forms),
        "role": spec.role, "formats": spec.formats, "origin": spec.origin,
        "missing": list(spec.missing()),
        **({"starts": spec.starts, "presolve": spec.presolve} if spec.kind == "solver" else {}),
    }


def _plain(value: Any) -> str:
    words = {None: "none", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else str(value)


def print_table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Left-aligned columns; the last one may run on."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        click.echo("  ".join([*cells, row[-1]]).rstrip())
