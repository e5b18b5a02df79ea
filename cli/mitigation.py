"""``qopt mitigation``: what error mitigation is worth on an instance's circuit."""

from pathlib import Path
from typing import Any

import click

from .options import complete_instances, instance_options, json_option, print_json


@click.command()
@click.argument("file", metavar="FILE", shell_complete=complete_instances)
@click.option(
    "--device", required=True, metavar="NAME",
    help="A device with noise: aer:torino, depolarizing:P1;P2;READOUT, ...",
)
@click.option("-p", "--p", type=click.IntRange(1), default=1, show_default=True, help="Layers.")
@click.option(
    "--shots", type=click.IntRange(1), default=4096, show_default=True,
    help="Shots of the circuit, before the methods' multipliers.",
)
@click.option(
    "--seeds", type=click.IntRange(2), default=10, show_default=True,
    help="Repetitions, over which bias and error are taken.",
)
@click.option(
    "--method", "methods", multiple=True, metavar="NAME[:OPTION=VALUE,...]",
    help="A method, such as readout+zne:zne_extrapolation=linear; repeat for more. All that can "
    "act if left out.",
)
@click.option(
    "--mixer", type=click.Choice(["auto", "x", "ring", "complete", "grover"]), default="auto",
    show_default=True,
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True)
@instance_options
@click.option(
    "--output", "-o", "outputs", multiple=True, type=click.Path(dir_okay=False, path_type=Path),
    help="Write the table: .html, .csv, .json or .txt by its ending; repeat for more.",
)
@json_option
def mitigation(
    file: str,
    kind: str | None,
    settings: dict[str, str],
    methods: tuple[str, ...],
    outputs: tuple[Path, ...],
    as_json: bool,
    **chosen: Any,
) -> int:
    """Compare methods of error mitigation on the QAOA circuit of FILE, with and without each."""
    from qopt.analysis import check_analysis_path, write_analysis
    from qopt.errors import EXIT_NO_FEASIBLE_ANSWER
    from qopt.loading import load
    from qopt.registry import find

    from .progress import watching

    for path in outputs:
        check_analysis_path(path)
    problem = load(file, kind=kind, **settings)
    analyse = find("analysis", "mitigation").load()
    if methods:
        chosen["methods"] = methods
    with watching() as watcher:
        result = analyse(problem, observer=watcher, **chosen)
    for path in outputs:
        write_analysis(result, path)
    if as_json:
        print_json(result.to_json())
    else:
        click.echo(result.render(), nl=False)
        for path in outputs:
            click.echo(f"written: {path}")
    return 0 if result.answered else EXIT_NO_FEASIBLE_ANSWER
