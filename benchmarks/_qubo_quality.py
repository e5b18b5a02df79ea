"""How good answers are after equal time: best and median gap over seeds."""

from collections.abc import Sequence
from math import inf, isfinite
from statistics import median

import numpy as np

from benchmarks._contenders import prepared
from benchmarks._instances import Instance
from benchmarks._recount import Recount
from benchmarks._runs import Contender, Run
from benchmarks._table import Column, Table, in_words

_LEVEL = 1e-9
"""Relative difference up to which two energies are one."""


def measure(
    able: Sequence[Contender], instances: Sequence[Instance], seconds: float,
    seeds: Sequence[int], threads: int, recount: Recount,
) -> list[Table]:
    """The table of all instances, and what it comes to for each solver."""
    table = Table(
        f"Quality after {seconds:g} s",
        [
            Column("instance", width=20), Column("solver", width=23), Column("best gap %", ".4f"),
            Column("median gap %", ".4f"), Column("at best", width=7), Column("time", ".2f", 5),
            Column("CPU", ".2f", 5), Column("best energy", ".10g", 14),
        ],
        notes=[
            f"seeds {seeds[0]} to {seeds[-1]}, {in_words(threads)}",
            "gaps to the best value on record, or else to the best of all runs here; at best: runs "
            "that reached that",
            "time and CPU: of the longest run, as shares of the time given; what a library needs "
            "to take in the model is in them, beside the time that it searches",
        ],
    ).begin()
    medians: dict[str, list[float]] = {}
    firsts: dict[str, int] = {}
    for instance in instances:
        found: dict[str, tuple[list[float], list[Run]]] = {}
        for name, runner in prepared(able, "quality", instance.qubo, seconds, threads):
            if isinstance(runner, str):
                table.find(f"{name} left out on {instance.name}: {runner}")
                continue
            runs = [runner(seed) for seed in seeds]
            found[name] = [best_of(name, instance, run, recount) for run in runs], runs
        _rows(table, instance, found, seconds)
        reference = _reference(instance, [v for values, _ in found.values() for v in values])
        middle = {name: _gap(median(values), reference) for name, (values, _) in found.items()}
        for name, gap in middle.items():
            medians.setdefault(name, []).append(gap)
            firsts[name] = firsts.get(name, 0) + (gap <= min(middle.values()) + 100.0 * _LEVEL)
    return [table, _summary(medians, firsts)]


def best_of(name: str, instance: Instance, run: Run, recount: Recount) -> float:
    """Energy of the best feasible sample; infinite without one."""
    energies = recount.check(name, instance, run.samples, run.claimed, run.tolerance)
    return float(energies.min(initial=inf))


def _reference(instance: Instance, values: Sequence[float]) -> float:
    best = min(values, default=inf)
    return best if instance.known is None else min(best, instance.known)


def _gap(value: float, reference: float) -> float:
    """How far a value is above the reference, in per cent; infinite without a value."""
    if not isfinite(value):
        return inf
    return 100.0 * (value - reference) / max(abs(reference), 1e-300)


def _rows(
    table: Table, instance: Instance, found: dict[str, tuple[list[float], list[Run]]],
    seconds: float,
) -> None:
    reference = _reference(instance, [v for values, _ in found.values() for v in values])
    for name, (values, runs) in found.items():
        gaps = [_gap(value, reference) for value in values]
        at_best = sum(gap <= 100.0 * _LEVEL for gap in gaps)
        table.add(
            instance.name, name, _or_none(min(gaps)), _or_none(median(gaps)),
            f"{at_best} of {len(gaps)}", max(run.wall for run in runs) / seconds,
            max(run.cpu for run in runs) / seconds, min(values),
        )
    if instance.known is not None and reference < instance.known:
        table.find(f"{instance.name}: {reference:.10g} is below the value on record, "
                   f"{instance.known:.10g} ({instance.source})")


def _or_none(gap: float) -> float | str:
    return gap if isfinite(gap) else "none"


def _summary(medians: dict[str, list[float]], firsts: dict[str, int]) -> Table:
    """For each solver, over the instances."""
    table = Table(
        "Quality over the instances: median gaps",
        [
            Column("solver", width=23), Column("instances", "d"), Column("first or level", "d"),
            Column("mean %", ".4f"), Column("worst %", ".4f"),
        ],
        notes=["infinite: half of the runs on an instance found no feasible answer"],
    ).begin()
    for name, gaps in sorted(medians.items(), key=lambda item: float(np.mean(item[1]))):
        table.add(name, len(gaps), firsts[name], float(np.mean(gaps)), max(gaps))
    return table
