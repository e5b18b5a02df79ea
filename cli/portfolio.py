"""``qopt portfolio``: analyses of a portfolio, found through the registry."""

from pathlib import Path
from typing import Any

import click

from .options import (
    complete_instances,
    complete_solvers,
    instance_options,
    json_option,
    print_json,
)

time_option = click.option(
    "--time-limit", type=click.FloatRange(0), metavar="SECONDS",
    help="Wall seconds for the search of each run.",
)
threads_option = click.option(
    "--threads", type=click.IntRange(1), default=1, show_default=True,
    help="Threads that a solver may use.",
)
output_option = click.option(
    "--output", "-o", "outputs", multiple=True, type=click.Path(dir_okay=False, path_type=Path),
    help="Write the result: .html, .csv, .json or .txt by its ending; repeat for more.",
)


@click.group()
def portfolio() -> None:
    """Trace the efficient frontier of a portfolio, or test a strategy on past prices."""


@portfolio.command()
@click.argument("file", metavar="FILE", shell_complete=complete_instances)
@click.option(
    "--points", type=click.IntRange(2), default=20, show_default=True,
    help="Risk aversions, from the least risk to the most return.",
)
@click.option(
    "--solver", default="auto", show_default=True, metavar="NAME[:OPTION=VALUE,...]",
    shell_complete=complete_solvers, help="Which solver, with its options.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@instance_options
@time_option
@threads_option
@output_option
@json_option
def frontier(
    file: str,
    points: int,
    solver: str,
    seed: int,
    kind: str | None,
    settings: dict[str, str],
    time_limit: float | None,
    threads: int,
    outputs: tuple[Path, ...],
    as_json: bool,
) -> int:
    """Trace the continuous frontier of FILE, and what the instance's own limits reach of it."""
    from qopt.loading import load
    from qopt.registry import find

    from .progress import watching

    _check(outputs)
    problem = load(file, kind=kind, **settings)
    analyse = find("analysis", "portfolio-frontier").load()
    with watching() as watcher:
        result = analyse(
            problem, points=points, solver=solver, seed=seed, time_limit=time_limit,
            threads=threads, observer=watcher,
        )
    return _finish(result, outputs, as_json)


@portfolio.command()
@click.argument("file", metavar="FILE", shell_complete=complete_instances)
@click.option(
    "--window", type=click.IntRange(2), required=True, metavar="RETURNS",
    help="Returns that each portfolio is estimated from.",
)
@click.option(
    "--step", type=click.IntRange(1), required=True, metavar="PERIODS",
    help="Periods from one rebalancing to the next.",
)
@click.option(
    "--solver", "solvers", multiple=True, default=("auto",), show_default=True,
    metavar="NAME[:OPTION=VALUE,...]", shell_complete=complete_solvers,
    help="A solver with its options; repeat for more.",
)
@click.option(
    "--cost", type=click.FloatRange(0, 1, max_open=True),
    help="Cost of a unit of weight bought or sold; that of the instance if left out, else 0.001.",
)
@click.option(
    "--block", type=click.FloatRange(1), metavar="PERIODS",
    help="Mean block length of the bootstrap; the cube root of the periods if left out.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@instance_options
@time_option
@threads_option
@output_option
@json_option
def backtest(
    file: str,
    window: int,
    step: int,
    solvers: tuple[str, ...],
    cost: float | None,
    block: float | None,
    seed: int,
    kind: str | None,
    settings: dict[str, str],
    time_limit: float | None,
    threads: int,
    outputs: tuple[Path, ...],
    as_json: bool,
) -> int:
    """Walk solvers and baselines forward through the prices in FILE, without looking ahead."""
    from qopt.loading import load
    from qopt.registry import find

    from .progress import watching

    _check(outputs)
    problem = load(file, kind=kind, **settings)
    analyse = find("analysis", "portfolio-backtest").load()
    with watching() as watcher:
        result = analyse(
            problem, window=window, step=step, solvers=solvers, cost=cost, block=block, seed=seed,
            time_limit=time_limit, threads=threads, observer=watcher,
        )
    return _finish(result, outputs, as_json)


def _check(outputs: tuple[Path, ...]) -> None:
    from qopt.analysis import check_analysis_path

    for path in outputs:
        check_analysis_path(path)


def _finish(result: Any, outputs: tuple[Path, ...], as_json: bool) -> int:
    """Print and write a result; the exit code says whether there is any answer."""
    from qopt.analysis import write_analysis
    from qopt.errors import EXIT_NO_FEASIBLE_ANSWER

    for path in outputs:
        write_analysis(result, path)
    if as_json:
        print_json(result.to_json())
    else:
        click.echo(result.render(), nl=False)
        for path in outputs:
            click.echo(f"written: {path}")
    return 0 if result.answered else EXIT_NO_FEASIBLE_ANSWER
