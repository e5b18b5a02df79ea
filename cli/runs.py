"""``qopt runs``: what a run store holds."""

import json
from pathlib import Path

import click

from .options import json_option, print_json

store_option = click.option(
    "--store", type=click.Path(dir_okay=False, path_type=Path), default="runs.db",
    show_default=True, help="The run store.",
)


@click.group()
def runs() -> None:
    """List, show and export stored runs."""


@runs.command("list")
@store_option
@click.option("--instance", help="Only runs of this instance.")
@click.option("--solver", help="Only runs of this solver.")
@click.option("--status", help="Only runs that ended so.")
@json_option
def list_runs(
    store: Path, instance: str | None, solver: str | None, status: str | None, as_json: bool
) -> None:
    """List runs in the order in which they started."""
    from qopt.errors import UnknownNameError
    from qopt.solver import Status
    from qopt.store import SqliteStore

    known = [str(each) for each in Status]
    if status is not None and status not in known:
        raise UnknownNameError("status", status, known)

    with SqliteStore(store, must_exist=True) as opened:
        records = list(opened.find(instance=instance, solver=solver, status=status))
    if as_json:
        names = ("id", "started", "solver", "options", "seed", "status", "objective", "wall")
        print_json([
            {"instance": r.instance.name, **{n: r.to_json()[n] for n in names}} for r in records
        ])
        return
    for r in records:
        value = "-" if r.objective is None else f"{r.objective:.10g}"
        click.echo(
            f"{r.id}  {r.started[:19]}  {r.instance.name}  {r.label}  seed {r.seed}  "
            f"{r.status}  {value}  {r.wall:.2f} s"
        )


@runs.command("show")
@click.argument("key", metavar="ID")
@store_option
@json_option
def show_run(key: str, store: Path, as_json: bool) -> None:
    """Show one run whole."""
    from qopt.store import SqliteStore

    with SqliteStore(store, must_exist=True) as opened:
        record = opened.get(key)
    data = record.to_json()
    if as_json:
        print_json(data)
        return
    for name, value in data.items():
        if name in ("task", "trace", "environment") or value in (None, "", [], {}):
            continue
        text = value if isinstance(value, str) else json.dumps(value)
        click.echo(f"{name}: {text if len(text) <= 400 else text[:400] + ' ... (--json: all)'}")


@runs.command("export")
@store_option
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write JSON lines; standard output if left out.",
)
def export_runs(store: Path, output: Path | None) -> None:
    """Write every run as one line of JSON."""
    from qopt.store import SqliteStore

    with (
        SqliteStore(store, must_exist=True) as opened,
        click.open_file(str(output) if output else "-", "w", encoding="utf-8") as stream,
    ):
        for record in opened.find():
            stream.write(json.dumps(record.to_json(), allow_nan=False) + "\n")
