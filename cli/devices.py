"""``qopt devices``: quantum devices, their calibrations, and what drifted between two."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from .catalogue import print_table
from .options import complete_instances, instance_options, json_option, print_json

if TYPE_CHECKING:
    from qopt.drift import Drift, Recompiled, Touched

_MOST = 12
"""Changes, couplings or runs that are printed; --json prints all."""


@click.group()
def devices() -> None:
    """List, show, keep and compare quantum devices.

    NAME is a device as solvers take it (aer:torino) or a snapshot's file.
    """


@devices.command("list")
@json_option
def list_devices(as_json: bool) -> None:
    """List the devices: qubits, what is real, what is missing, what is priced."""
    from qopt.inventory import rows
    from qopt.pricing import price_list

    found = rows(price_list())
    if as_json:
        print_json([row.to_json() for row in found])
        return
    head = ("name", "qubits", "kind", "price", "what")
    print_table(head, [
        (
            row.name, "-" if row.qubits is None else str(row.qubits),
            row.kind + ("" if row.simulated is None else f" up to {row.simulated}"),
            row.price or "-", row.summary + (f" (needs {row.needs})" if row.needs else ""),
        )
        for row in found
    ])


def _complete(
    context: click.Context, parameter: click.Parameter, start: str
) -> list[CompletionItem]:
    """Complete files, and names of devices."""
    from qopt.devices import device_sizes

    names = [size.name for size in device_sizes() if size.name.startswith(start)]
    return [CompletionItem(start, type="file"), *map(CompletionItem, names)]


@devices.command()
@click.argument("name", shell_complete=_complete)
@json_option
def show(name: str, as_json: bool) -> None:
    """Show one device: couplings, errors, what is dead, calibration date, price."""
    from qopt.inventory import facts
    from qopt.pricing import price_list

    told = facts(name, price_list())
    if as_json:
        print_json(told)
        return
    click.echo(f"{told['name']}: {told['summary']}")
    coupled = "all pairs coupled" if told["couples_all"] else "coupled as calibrated"
    click.echo(f"qubits: {told['qubits']}, {coupled}")
    click.echo(f"basis: {', '.join(told['basis'])}")
    if told["calibration"] is not None:
        _print_calibration(told["calibration"])
    for key, value in told["facts"].items():
        click.echo(click.wrap_text(f"{key.replace('_', ' ')}: {_words(value)}", 98, "", "  "))
    for price in told["prices"]:
        click.echo(f"price: {price['text']} by {price['provider']}, read {price['retrieved']}")
        click.echo(f"  source: {price['source']} ({price['confidence']})")
        for text in filter(None, (price["note"], price["warning"])):
            click.echo(f"  {text}")
    if not told["prices"]:
        click.echo("price: none known")


def _print_calibration(told: Mapping[str, Any]) -> None:
    click.echo(
        f"calibration: {told['device']}, {told['date']}, {told['age_days']:.0f} days old, "
        f"hash {told['hash'][:12]}"
    )
    click.echo(f"  from {told['source']}")
    dead = [f"{a}-{b}" for a, b in told["dead_couplings"]]
    click.echo(
        f"couplings: {told['couplings']}, dead: {_some(dead)}; "
        f"dead qubits: {_some(map(str, told['dead_qubits']))}"
    )
    click.echo(f"usable, connected qubits: {told['connected_qubits']}")
    print_table(("errors", "median", "worst", "at", "usable", "dead"), [
        (
            name, f"{each['median']:.3g}", f"{each['worst']:.3g}", _place(each["worst_at"]),
            str(each["usable"]), str(each["dead"]),
        )
        for name, each in told["errors"].items() if each["worst"] or each["dead"]
    ])
    times = [
        f"median {name} {1e6 * told[key]:.4g} us"
        for name, key in (("T1", "median_t1"), ("T2", "median_t2")) if told[key] is not None
    ]
    click.echo(", ".join([*times, f"repetition delay {1e6 * told['repetition_delay']:.4g} us"]))


@devices.command()
@click.argument("name", shell_complete=_complete)
@click.option(
    "--output", "-o", required=True, type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the snapshot, a .json file.",
)
@json_option
def snapshot(name: str, output: Path, as_json: bool) -> None:
    """Write the calibration of a device as a file, which solvers take as a device."""
    from qopt.devices import calibration_of, check_snapshot_path

    check_snapshot_path(output)
    calibration = calibration_of(name)
    calibration.write(output)
    if as_json:
        print_json({"written": str(output), "device": calibration.name,
                    "date": calibration.date, "hash": calibration.key})
        return
    click.echo(f"{calibration.name} of {calibration.date}, hash {calibration.key[:12]}")
    click.echo(f"written: {output}", err=True)


@devices.command()
@click.argument("before", metavar="A", shell_complete=_complete)
@click.argument("after", metavar="B", shell_complete=_complete)
@click.argument("file", metavar="[FILE]", required=False, shell_complete=complete_instances)
@instance_options
@click.option(
    "--store", type=click.Path(dir_okay=False, path_type=Path),
    help="A run store: which of its runs used either calibration.",
)
@click.option(
    "--recompile", is_flag=True,
    help="Compile the circuits of those runs again for both, and say which would change.",
)
@click.option(
    "--solver", default="qaoa", show_default=True, metavar="NAME[:OPTION=VALUE,...]",
    help="Whose circuit of FILE is compiled for both.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@json_option
def diff(
    before: str,
    after: str,
    file: str | None,
    kind: str | None,
    settings: dict[str, str],
    store: Path | None,
    recompile: bool,
    solver: str,
    seed: int,
    as_json: bool,
) -> None:
    """Compare two devices or snapshots: what drifted, and which runs and circuits it touches.

    With FILE its circuit is compiled for A and for B.
    """
    from qopt.devices import calibration_of
    from qopt.drift import Drift, recompiled, recompiled_runs, touched
    from qopt.loading import load
    from qopt.store import SqliteStore

    if recompile and store is None:
        raise click.UsageError("--recompile compiles the runs of a store: give --store FILE")
    drift = Drift(calibration_of(before), calibration_of(after))
    runs = again = None
    if store is not None:
        with SqliteStore(store, must_exist=True) as opened:
            runs = touched(opened.find(), drift)
    if runs is not None and recompile:
        again = recompiled_runs([*runs.before, *runs.after], (before, after))
    circuit = None
    if file is not None:
        problem = load(file, kind=kind, **settings)
        circuit = recompiled(problem, solver, (before, after), seed=seed)
    if as_json:
        print_json({
            **drift.to_json(),
            "runs": None if runs is None else runs.to_json(),
            "circuit": None if circuit is None else circuit.to_json(),
            "circuits_of_runs": None if again is None else {
                key: found if isinstance(found, str) else found.to_json()
                for key, found in again.items()
            },
        })
        return
    _print_drift(drift)
    if runs is not None:
        _print_runs(runs, again or {})
    if circuit is not None:
        click.echo(f"{file} by {solver}: {_circuits(circuit)}")


def _print_drift(drift: "Drift") -> None:
    for word, each in (("A", drift.before), ("B", drift.after)):
        click.echo(
            f"{word}: {each.name} of {each.date}, {len(each.region)} of {len(each.qubits)} qubits "
            f"connected, hash {each.key[:12]}"
        )
    if drift.same:
        click.echo("nothing drifted: the calibrations are the same")
        return
    print_table(("errors", "median A", "B", "worst A", "B", "dead A", "B"), [
        (
            name, *(("-" if s is None else f"{s.median:.3g}") for s in pair),
            *(("-" if s is None else f"{s.worst:.3g}") for s in pair),
            *(("-" if s is None else str(s.dead)) for s in pair),
        )
        for name, pair in drift.spreads.items()
    ])
    if not drift.one_device:
        click.echo("two devices: their qubits are not compared one by one")
        return
    for title, pairs in (("died", drift.died), ("revived", drift.revived)):
        click.echo(f"couplings that {title}: {_some(f'{a}-{b}' for a, b in pairs)}")
    for title, qubits in (("died", drift.qubits_died), ("revived", drift.qubits_revived)):
        click.echo(f"qubits that {title}: {_some(map(str, qubits))}")
    click.echo(f"figures that changed: {len(drift.changes)}; the most")
    for change in drift.changes[:_MOST]:
        click.echo(
            f"  {change.what} {_place(change.at)}: {change.before:.4g} -> {change.after:.4g}"
        )


def _print_runs(runs: "Touched", again: "Mapping[str, Recompiled | str]") -> None:
    for title, records in (
        ("runs with A", runs.before), ("runs with B", runs.after),
        ("runs with another calibration", runs.other),
    ):
        click.echo(f"{title}: {len(records)}")
        for record in records[:_MOST]:
            found = again.get(record.id, "")
            text = found if isinstance(found, str) else _circuits(found)
            click.echo(f"  {record.id}  {record.instance.name}  {record.label}  {text}".rstrip())
        if len(records) > _MOST:
            click.echo(f"  ... {len(records) - _MOST} more; --json prints all")


def _circuits(found: "Recompiled") -> str:
    first, second = (
        f"{each.two_qubit_gates} two-qubit gates, depth {each.depth}"
        + ("" if each.success_probability is None else f", success {each.success_probability:.3g}")
        for each in (found.before, found.after)
    )
    text = f"recompiling changes the circuit: A {first}; B {second}"
    if not found.changes:
        text = f"recompiling leaves the circuit as it is: {first}; {second.split(', ')[-1]} with B"
    if found.reproduced is False:
        text += " (neither is the stored circuit: its compiler was another or cut short)"
    return text


def _words(value: Any) -> str:
    """A fact on one line; tables as names with figures."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key.replace('_', ' ')} {_words(item)}" for key, item in value.items())
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _place(at: Sequence[int]) -> str:
    return "-".join(map(str, at))


def _some(words: Any) -> str:
    """A few of several words, and how many there are."""
    listed = list(words)
    if not listed:
        return "none"
    more = f", ... ({len(listed)} in all)" if len(listed) > _MOST else ""
    return ", ".join(listed[:_MOST]) + more
