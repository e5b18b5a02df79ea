"""``qopt why``: why an instance has no answer, and what would mend it."""

import click

from .options import complete_instances, instance_options, json_option, print_json


@click.command()
@click.argument("file", metavar="FILE", shell_complete=complete_instances)
@click.option("--client", metavar="NAME", help="A client to ask about: what serving it would take.")
@click.option(
    "--time-limit", type=click.FloatRange(0, min_open=True), metavar="SECONDS",
    help="Wall seconds for all searches; 20 if left out.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@instance_options
@json_option
def why(
    file: str,
    client: str | None,
    time_limit: float | None,
    seed: int,
    kind: str | None,
    settings: dict[str, str],
    as_json: bool,
) -> None:
    """Say why the routes of FILE have no answer, or leave a client out, and what would mend it.

    Every change that is told comes with an answer that violates nothing once it is made. It is
    called proven smallest only where arithmetic or an exact solver proves that.
    """
    from qopt.why import diagnose

    diagnosis = diagnose(
        file, client=client, time_limit=time_limit, seed=seed, kind=kind, settings=settings
    )
    if as_json:
        print_json(diagnosis.to_json())
    else:
        click.echo(repr(diagnosis))
