"""``qopt estimate``: what a quantum run would take, before it runs."""

from pathlib import Path

import click

from .catalogue import print_table
from .options import (
    complete_instances,
    complete_solvers,
    instance_options,
    json_option,
    print_json,
)


@click.command()
@click.argument("file", metavar="FILE", shell_complete=complete_instances)
@click.option(
    "--solver", default="qaoa", show_default=True, metavar="NAME[:OPTION=VALUE,...]",
    shell_complete=complete_solvers, help="Which solver, with its options.",
)
@click.option(
    "--device", "devices", multiple=True, metavar="NAME",
    help="A device such as aer:torino; repeat for more. The solver's own if left out.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@instance_options
@click.option(
    "--time-limit", type=click.FloatRange(0), metavar="SECONDS",
    help="Wall seconds for training and compiling, for each device.",
)
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True)
@click.option(
    "--classical", is_flag=True,
    help="Solve it classically for at most 10 s beside the estimate, to compare.",
)
@click.option(
    "--prices", "price_files", multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Own tariffs, laid out as qopt/pricing.toml. Repeat for more.",
)
@json_option
def estimate(
    file: str,
    solver: str,
    devices: tuple[str, ...],
    seed: int,
    kind: str | None,
    settings: dict[str, str],
    time_limit: float | None,
    threads: int,
    classical: bool,
    price_files: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Tell what solving FILE on quantum devices would take: qubits, gates, shots, time, money.

    No circuit is run.
    """
    from qopt.estimate import estimate as estimate_run
    from qopt.loading import load
    from qopt.pricing import price_list

    told = estimate_run(
        load(file, kind=kind, **settings), solver, devices, seed=seed, time_limit=time_limit,
        threads=threads, classical=classical, prices=price_list(*price_files),
    )
    if as_json:
        print_json(told.to_json())
        return
    head, *rows = told.table()
    click.echo(f"{told.instance} by {told.solver}")
    print_table(head, rows)
    for line in told.remarks():
        click.echo(click.wrap_text(line, 98, "", "  "))
