"""``qopt solve``: one instance, one solver."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from qopt.solution import Solution


@click.command()
@click.argument("file", metavar="FILE", shell_complete=complete_instances)
@click.option(
    "--solver", default="auto", show_default=True, metavar="NAME[:OPTION=VALUE,...]",
    shell_complete=complete_solvers, help="Which solver, with its options.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@instance_options
@budget_options
@limit_options
@click.option(
    "--start", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Start from the answer in this file, as --output writes it.",
)
@click.option(
    "--store", type=click.Path(dir_okay=False, path_type=Path), help="Keep the run record here."
)
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False, path_type=Path),
    help="Write the answer to a file: .json, or a format of the problem (.sol, .csv).",
)
@click.option(
    "--explain", is_flag=True,
    help="Print why these solvers were chosen: features, rules, plan, what each turn gave.",
)
@json_option
def solve(
    file: str,
    solver: str,
    seed: int,
    kind: str | None,
    settings: dict[str, str],
    time_limit: float | None,
    evaluations: int | None,
    threads: int,
    max_cost: str | None,
    max_shots: int | None,
    start: Path | None,
    store: Path | None,
    output: Path | None,
    explain: bool,
    as_json: bool,
) -> int:
    """Solve FILE and print the best answer found."""
    from qopt.loading import load
    from qopt.run import solve as run_solver
    from qopt.solution import check_answer_path, exit_code, write_answer
    from qopt.store import SqliteStore

    from .progress import watching

    problem = load(file, kind=kind, **settings)
    if output is not None:
        check_answer_path(problem, output)
    keep = SqliteStore(store) if store is not None else None
    with watching() as watcher:
        watcher.begin(f"{problem.name} by {solver}")
        solution = run_solver(
            problem, solver, seed=seed, time_limit=time_limit, evaluations=evaluations,
            threads=threads, start=start, max_cost=max_cost, max_shots=max_shots,
            listener=watcher.report,
        )
    if keep is not None:
        keep.add(solution.record)
        keep.close()
    if as_json:
        print_json(solution.to_json())
    else:
        _print(solution)
    if explain and not as_json:
        for line in solution.explanation():
            click.echo(line)
    if output is not None and solution.answer is None:
        click.echo(f"qopt: no answer was found; {output} is not written", err=True)
    elif output is not None:
        write_answer(solution, output)
        click.echo(f"written: {output}", err=True)
    if not solution.status.has_answer:
        from qopt.why import advice

        if hint := advice(solution, file, kind, settings):
            click.echo(hint, err=True)
    return exit_code(solution.status)


def _print(solution: "Solution") -> None:
    click.echo(repr(solution))
    for note in solution.record.notes:
        click.echo(f"  {note}")
    if solution.record.answer is not None:
        click.echo("answer")
        for line in _answer_lines(solution.record.answer):
            click.echo(f"  {line}")
    for line in _insight_lines(solution.record.insight):
        click.echo(line)


def _insight_lines(facts: Mapping[str, Any]) -> list[str]:
    """Facts of an answer for reading: one a line, those of a table behind its name."""
    lines = []
    for name, value in facts.items():
        if isinstance(value, Mapping):
            parts = [f"{key} {_figure(item)}" for key, item in value.items()]
            lines.append(f"{name}: {', '.join(parts)}")
        else:
            lines.append(f"{name}: {_figure(value)}")
    return lines


def _figure(value: Any) -> str:
    """A fact: figures to six digits, tables within tables as JSON."""
    if value is None:
        return "none"
    if isinstance(value, Mapping):
        return json.dumps(value)
    return f"{value:.6g}" if isinstance(value, float) else _words(value)


def _answer_lines(answer: Any, most: int = 40) -> list[str]:
    """An answer for reading: one entry a line, long ones cut with a hint."""
    lines: list[str] = []
    for name, value in answer.items() if isinstance(answer, dict) else [("", answer)]:
        title = f"{name}: " if name else ""
        if isinstance(value, list) and any(isinstance(item, list) for item in value):
            lines.extend(f"{title}{_words(item)}" for item in value)
        else:
            lines.append(title + _words(value))
    if len(lines) > most:
        return [*lines[:most], f"... {len(lines) - most} more; --json prints all"]
    return lines


_LONGEST = 120
"""Characters of a text, such as the bits of a QUBO's answer, that are printed."""


def _words(value: Any, most: int = 60) -> str:
    """A value on one line."""
    if isinstance(value, list):
        words = [_words(item) for item in value]
        if len(words) > most:
            return " ".join(words[:most]) + f" ... ({len(words)} in all; --json prints all)"
        return " ".join(words)
    if isinstance(value, str) and len(value) > _LONGEST:
        return f"{value[:_LONGEST]} ... ({len(value)} in all; --json prints all)"
    return f"{value:.10g}" if isinstance(value, float) else str(value)
