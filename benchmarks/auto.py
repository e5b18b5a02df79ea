"""`auto` against every single classical solver in the same wall time: what its rules come from."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import qopt
from benchmarks._table import Column, Table
from qopt.errors import QoptError
from qopt.forms import Client, Depot, Group, Qubo, Routing, VehicleType
from qopt.loading import as_problem, bundled
from qopt.reduction import has_way
from qopt.registry import Spec, available

SEED = 20_26
TOLERANCE = 0.01
"""How much worse than the best single solver `auto` may be, as a share."""

QUICK = 6
"""Every so manieth bundled instance is run without ``--all``."""


class Result(NamedTuple):
    """What one solver came to on one instance; no value without a feasible answer."""

    value: float | None
    proven: bool
    seconds: float
    chosen: str


def contenders() -> list[Spec]:
    """The classical solvers that are installed, the chooser aside."""
    return [
        spec for spec in available("solver")
        if spec.role in ("exact", "heuristic") and not spec.missing()
    ]


def families(seed: int) -> Iterator[tuple[str, Any]]:
    """Generated models between what can be proven and what cannot."""
    from benchmarks._instances import random_graph, random_qubo, regular_graph, selection

    for n, density in ((30, 1.0), (60, 0.5), (100, 0.1), (250, 1.0), (1000, 0.1)):
        yield f"QUBO {n}, {density:.0%}", random_qubo(n, density, seed)
    for n in (60, 100, 200):
        yield f"3-regular {n}", regular_graph(n, 3, seed)
    for n, density in ((100, 0.1), (800, 0.06), (2000, 0.01)):
        yield f"graph {n}, {density:.0%}", random_graph(n, density, seed)
    for n, size in ((60, 10), (200, 20)):
        yield f"select {size} of {n}", selection(n, size, seed)
    yield "colouring 40", colouring(40, seed)
    for clients in (15, 30, 60):
        yield f"routes {clients}", routes(clients, seed)


def colouring(n: int, seed: int) -> Qubo:
    """Four colours for a random graph, as few clashes as possible: one-hot groups."""
    rng = np.random.default_rng(seed)
    row, col = np.triu_indices(n, 1)
    keep = rng.random(len(row)) < 0.3
    row, col = row[keep], col[keep]
    pairs = [(4 * row + c, 4 * col + c) for c in range(4)]
    first, second = (np.concatenate(part) for part in zip(*pairs, strict=True))
    groups = [Group(tuple(range(4 * v, 4 * v + 4)), 1) for v in range(n)]
    return Qubo.from_arrays(
        np.zeros(4 * n), first, second, np.ones(len(first)), groups=groups
    )


def routes(clients: int, seed: int) -> Routing:
    """Places in a square, loads of 1 to 9, and vehicles for about five clients each."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(0.0, 1000.0, (clients + 1, 2))
    matrix = np.rint(np.linalg.norm(places[:, None] - places[None], axis=2))
    return Routing(
        depots=(Depot("depot"),),
        clients=tuple(Client(f"c{i}", float(rng.integers(1, 10))) for i in range(clients)),
        vehicles=(VehicleType(count=clients, capacity=25.0),),
        distance=matrix, duration=matrix,
    )


def run(problem: Any, solver: str, seconds: float) -> Result:
    """One solver on one instance; a refusal is a result without a value."""
    try:
        solution = qopt.solve(problem, solver, seed=SEED, time_limit=seconds)
    except QoptError:
        return Result(None, False, 0.0, "")
    value = solution.objective if solution.feasible else None
    chosen = " then ".join(dict.fromkeys(solution.record.details.get("ran", [])))
    return Result(value, solution.status == "optimal", solution.record.wall, chosen)


def instances(options: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    """Those that the arguments name."""
    if options.path:
        for path in options.path:
            files = sorted(path.iterdir()) if path.is_dir() else [path]
            for file in files:
                try:
                    yield file.name, qopt.load(file)
                except QoptError as refused:
                    print(f"  {file.name} left out: {refused}")
        return
    names = options.names or [entry.name for entry in bundled()][:: 1 if options.all else QUICK]
    for name in names:
        yield name, qopt.load(name)
    if options.all:
        yield from families(SEED)


def main(arguments: Sequence[str] = ()) -> list[Table]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks auto", description=__doc__)
    parser.add_argument("path", nargs="*", type=Path, help="instance files, or folders of them")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each solver and instance")
    parser.add_argument("--all", action="store_true", help="all bundled and generated instances")
    parser.add_argument("--names", nargs="+", help="bundled instances by name")
    options = parser.parse_args(arguments)
    table = Table(
        f"auto and the best single classical solver, {options.seconds:g} s each, one thread",
        [
            Column("instance", width=20), Column("best by", width=26), Column("best", ".8g", 12),
            Column("auto", ".8g", 12), Column("gap %", ".3f"), Column("proven", width=6),
            Column("s", ".2f", 5), Column("best's s", ".2f"), Column("auto ran", width=20),
        ],
        notes=[
            f"Seed {SEED}. Gap: how much worse auto is than the best of "
            f"{', '.join(spec.name for spec in contenders())}; negative where it is better."
        ],
    ).begin()
    gaps: list[float] = []
    for name, given in instances(options):
        problem = as_problem(given)
        results = {
            spec.name: run(problem, spec.name, options.seconds)
            for spec in contenders() if has_way(problem, spec.forms)
        }
        found = {name: r for name, r in results.items() if r.value is not None}
        ours = run(problem, "auto", options.seconds)
        if not found or ours.value is None:
            table.add(name, ", ".join(found), None, ours.value, None, "", None, None, ours.chosen)
            gaps += [] if not found else [np.inf]
            continue
        sign = -1.0 if problem.sense == "maximise" else 1.0
        best = min(sign * r.value for r in found.values() if r.value is not None)
        winners = [n for n, r in found.items() if r.value is not None and sign * r.value <= best]
        gap = (sign * ours.value - best) / max(abs(best), 1e-12)
        gaps.append(gap)
        table.add(
            name, _few(winners), sign * best, ours.value, 100 * gap, "yes" if ours.proven else "",
            ours.seconds, min(found[n].seconds for n in winners), ours.chosen,
        )
    worse = sum(gap > TOLERANCE for gap in gaps)
    table.find(
        f"auto is more than {TOLERANCE:.0%} worse than the best single solver on {worse} of "
        f"{len(gaps)} instances; its largest gap is {100 * max(gaps, default=0.0):.3f} %."
    )
    return [table]


def _few(names: Sequence[str], most: int = 2) -> str:
    more = f" +{len(names) - most}" if len(names) > most else ""
    return ", ".join(names[:most]) + more
