"""``qopt compare``: instances by solvers by seeds, and an honest table."""

from pathlib import Path

import click

from .options import (
    budget_options,
    complete_instances,
    complete_solvers,
    instance_options,
    json_option,
    limit_options,
    print_json,
)


@click.command()
@click.argument(
    "files", metavar="FILES...", nargs=-1, required=True,
    shell_complete=complete_instances,
)
@click.option(
    "--solver", "solvers", multiple=True, metavar="NAME[:OPTION=VALUE,...]",
    shell_complete=complete_solvers,
    help="A solver with its options; repeat for more. Left out: cpsat, milp, branch-and-bound, "
    "portfolio, pyvrp, qaoa and random, those of them that fit, for 10 s a run.",
)
@click.option(
    "--seeds", type=click.IntRange(1), default=5, show_default=True,
    help="Seeds 0 to N-1 for each solver.",
)
@instance_options
@budget_options
@limit_options
@click.option(
    "--store", type=click.Path(dir_okay=False, path_type=Path),
    help="Keep run records here; runs that it holds already are not repeated.",
)
@click.option(
    "--report", "reports", multiple=True, type=click.Path(dir_okay=False, path_type=Path),
    help="Write a report: .html, .csv, .json or .txt by its ending; repeat for more.",
)
@click.option(
    "--prices", "price_files", multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Own tariffs, laid out as qopt/pricing.toml; they bill every run. Repeat for more.",
)
@json_option
def compare(
    files: tuple[str, ...],
    solvers: tuple[str, ...],
    seeds: int,
    kind: str | None,
    settings: dict[str, str],
    time_limit: float | None,
    evaluations: int | None,
    threads: int,
    max_cost: str | None,
    max_shots: int | None,
    store: Path | None,
    reports: tuple[Path, ...],
    price_files: tuple[Path, ...],
    as_json: bool,
) -> int:
    """Run every solver on every one of FILES and compare quality, time and money."""
    from qopt.loading import load
    from qopt.pricing import price_list
    from qopt.report import check_report_path, terminal, write_report
    from qopt.store import SqliteStore
    from qopt.study import Study

    from .progress import watching

    for path in reports:
        check_report_path(path)
    prices = price_list(*price_files) if price_files else None
    problems = [load(file, kind=kind, **settings) for file in files]
    keep = SqliteStore(store) if store is not None else None
    study = Study(
        problems, solvers or None, seeds=range(seeds), time_limit=time_limit,
        evaluations=evaluations, threads=threads, max_cost=max_cost, max_shots=max_shots,
        prices=prices,
    )
    with watching(len(study.tasks)) as watcher:
        comparison = study.run(
            store=keep, begin=watcher.begin, listener=watcher.report
        )
    if keep is not None:
        keep.close()
    for path in reports:
        write_report(comparison, path)
    if as_json:
        print_json(comparison.to_json())
    else:
        terminal.show(comparison)
        for path in reports:
            click.echo(f"report: {path}")
    return study.exit_code
