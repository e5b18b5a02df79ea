"""``qopt qubits``: what an instance costs in qubits."""

import click

from .catalogue import print_table
from .options import (
    complete_instances,
    instance_options,
    json_option,
    parse_settings,
    print_json,
)


@click.command()
@click.argument("file", metavar="FILE", shell_complete=complete_instances)
@instance_options
@click.option(
    "--lower", "lowering", multiple=True, metavar="NAME=VALUE", callback=parse_settings,
    help="An option of the lowerings, such as columns=16; repeat for more.",
)
@json_option
def qubits(
    file: str,
    kind: str | None,
    settings: dict[str, str],
    lowering: dict[str, str],
    as_json: bool,
) -> None:
    """Show the ways to encode FILE in qubits, and the devices that hold each."""
    from qopt.loading import load
    from qopt.qubits import HEAD, encodings, merged, remarks

    problem = load(file, kind=kind, **settings)
    rows = encodings(problem, lowering)
    if as_json:
        print_json(
            {"instance": problem.name, "kind": problem.kind,
             "encodings": [row.to_json() for row in rows]}
        )
        return
    rows = merged(rows)
    click.echo(f"{problem.name}: {problem.kind}")
    print_table(HEAD, [row.cells for row in rows])
    for line in remarks(rows):
        click.echo(click.wrap_text(line, 98, "", "  "))
