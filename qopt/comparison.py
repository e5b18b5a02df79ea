"""The comparison: what a set of run records says, instance by instance and solver by solver.

Everything is computed from records and from nothing else, so that stored runs can be compared again
without running. The verb that makes the records is `qopt.study.compare`.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import Any

from .errors import MissingPackageError
from .findings import (
    Findings,
    Flag,
    Floor,
    Quantum,
    budget_text,
    find,
    flags,
    made_afterwards,
)
from .numbers import digits_for, join, plural, value_text
from .pricing import PriceList, charge
from .problem import Sense
from .record import InstanceFacts, Record, canonical_json, jsonable
from .solver import PHASES
from .stats import Share, better
from .tally import Row, tally, tts_json
from .yardstick import Bound, Measure, Yardstick, measure


@dataclass(frozen=True)
class InstanceComparison:
    """Every solver on one instance.

    Parameters
    ----------
    name : str
        The instance's name; with digits of its hash where another instance has the same name.
    facts : InstanceFacts
    rows : tuple of Row
        Best rank first.
    measured : Measure
        Best answer, proven bound, yardstick, and claims that cannot be true.
    findings : Findings
    flags : tuple of Flag
    """

    name: str
    facts: InstanceFacts
    rows: tuple[Row, ...] = field(repr=False)
    measured: Measure
    findings: Findings
    flags: tuple[Flag, ...]

    @property
    def sense(self) -> Sense:
        """Whether a smaller or a larger objective is better."""
        return "maximise" if self.facts.sense == "maximise" else "minimise"

    @property
    def best(self) -> float | None:
        """Best feasible objective of all runs."""
        return self.measured.best

    @property
    def bound(self) -> Bound | None:
        """Tightest proven bound that no answer contradicts."""
        return self.measured.bound

    @property
    def yardstick(self) -> Yardstick | None:
        """What gaps are measured to."""
        return self.measured.yardstick

    @property
    def records(self) -> tuple[Record, ...]:
        """The runs, row by row."""
        return tuple(record for row in self.rows for record in row.records)

    @cached_property
    def digits(self) -> int:
        """Significant digits at which different objectives of this instance look different."""
        known = [
            value for row in self.rows for value in (row.median, row.bound, row.sampled_best)
        ]
        known += [self.yardstick.value if self.yardstick else None]
        return digits_for([*known, *(r.objective for r in self.records)])

    def to_json(self) -> dict[str, Any]:
        """The instance as JSON values."""
        return {
            **asdict(self.facts),
            "name": self.name,
            "best": self.best,
            "bound": None if self.bound is None else asdict(self.bound),
            "yardstick": None if self.yardstick is None else asdict(self.yardstick),
            "quantum": self.findings.quantum,
            "floor": self.findings.floor,
            "findings": list(self.findings.sentences),
            "flags": [asdict(flag) for flag in self.flags],
            "rows": [row.to_json() for row in self.rows],
        }


class Comparison:
    """What a set of run records says.

    Parameters
    ----------
    records : iterable of Record
        A run that is there several times, by its key, counts once: the last one.
    notes : iterable of str
        What the reader should know of how the records came about.
    prices : PriceList, optional
        Charge the runs anew by this list; the bills of the records are taken if left out.

    Attributes
    ----------
    records : tuple of Record
    notes : tuple of str
    instances : tuple of InstanceComparison
    flags : tuple of Flag
        What weakens the comparison, each once, with the instances it concerns.
    summary : tuple of str
        What it shows over all instances.

    Raises
    ------
    InputError
        Where bills are in several currencies.
    """

    def __init__(
        self,
        records: Iterable[Record],
        *,
        notes: Iterable[str] = (),
        prices: PriceList | None = None,
    ) -> None:
        self.records = tuple({record.key: record for record in records}.values())
        if prices is not None:
            self.records = tuple(_charged(record, prices) for record in self.records)
        self.notes = tuple(notes)
        self.instances = tuple(_instance(*group) for group in _by_instance(self.records))
        self.flags = _join_flags(self.instances)
        self.summary = _summary(self.instances, self.records)

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the solvers, in the order in which they first ran."""
        order = {id(record): i for i, record in enumerate(self.records)}
        rows = [row for instance in self.instances for row in instance.rows]
        rows.sort(key=lambda row: min(order[id(record)] for record in row.records))
        return tuple(dict.fromkeys(row.label for row in rows))

    @property
    def price_lists(self) -> tuple[str, ...]:
        """Versions of the price lists that the bills were made by."""
        return tuple(sorted({r.price_list for r in self.records if r.price_list}))

    def table(self) -> list[dict[str, Any]]:
        """One flat dict for each instance and solver: the rows of the CSV file and of the frame.

        Values are text, finite numbers or None. Shares of 1, gaps relative, seconds, money of the
        mean run.
        """
        return [_flat(instance, row) for instance in self.instances for row in instance.rows]

    def to_json(self) -> dict[str, Any]:
        """The whole comparison as JSON values; infinite values are None."""
        data = {
            "summary": list(self.summary),
            "notes": list(self.notes),
            "flags": [asdict(flag) for flag in self.flags],
            "price_lists": list(self.price_lists),
            "instances": [instance.to_json() for instance in self.instances],
        }
        plain: dict[str, Any] = jsonable(data)
        return plain

    def to_csv(self, path: str | Path | None = None) -> str:
        """The table as CSV, returned and, if a path is given, written; None is an empty cell."""
        text = StringIO()
        writer = csv.DictWriter(text, fieldnames=COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.table())
        if path is not None:
            Path(path).write_text(text.getvalue(), encoding="utf-8")
        return text.getvalue()

    def to_frame(self) -> Any:
        """The table as a pandas data frame.

        Raises
        ------
        MissingPackageError
            Where pandas is not installed.
        """
        try:
            import pandas as pd
        except ModuleNotFoundError:
            raise MissingPackageError("to_frame()", ["pandas"]) from None
        return pd.DataFrame(self.table(), columns=list(COLUMNS))

    def __repr__(self) -> str:
        lines = [*self.summary[:1]]
        for instance in self.instances:
            lines.append(f"  {instance.name}: {_short(instance)}")
        lines += [f"  {sentence}" for sentence in self.summary[1:]]
        if self.flags:
            lines.append(f"  {plural(len(self.flags), 'flag')}: {self._codes()}")
        return "\n".join(lines)

    def _codes(self) -> str:
        return ", ".join(dict.fromkeys(flag.code for flag in self.flags))


def _charged(record: Record, prices: PriceList) -> Record:
    return replace(record, money=charge(record.usage, prices), price_list=prices.version)


# -- grouping -------------------------------------------------------------------------------------


def _by_instance(records: Sequence[Record]) -> list[tuple[str, list[Record]]]:
    """Records by what their instance is, never by its name alone."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record.instance.sha256, record.instance.sense), []).append(record)
    names = [group[0].instance.name for group in groups.values()]
    return [
        (name if names.count(name) == 1 else f"{name} [{sha256[:8]}]", group)
        for name, ((sha256, _), group) in zip(names, groups.items(), strict=True)
    ]


def _by_solver(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Records by label; runs that differ in version, budget or hidden options stay apart."""
    variants: dict[str, dict[tuple[str, str, str], list[Record]]] = {}
    for record in records:
        options = record.task.get("options", record.options)
        variant = (
            record.solver_version, canonical_json(jsonable(record.budget)),
            canonical_json(jsonable(options)),
        )
        variants.setdefault(record.label, {}).setdefault(variant, []).append(record)
    named: dict[str, list[Record]] = {}
    for label, groups in variants.items():
        if len(groups) == 1:
            named[label] = next(iter(groups.values()))
            continue
        differs = [len({variant[i] for variant in groups}) > 1 for i in range(3)]
        for (version, _, options), group in groups.items():
            words = [
                budget_text(group[0].budget) if differs[1] else "",
                version if differs[0] else "",
                f"defaults {options}" if differs[2] else "",
            ]
            named[f"{label} [{'; '.join(filter(None, words))}]"] = group
    return named


def _instance(name: str, records: Sequence[Record]) -> InstanceComparison:
    facts = next((r.instance for r in reversed(records) if r.instance.reference), None)
    facts = facts or records[-1].instance
    sense: Sense = "maximise" if facts.sense == "maximise" else "minimise"
    measured = measure(records, sense)
    rows = _ranked(
        [tally(label, runs, measured.yardstick, sense)
         for label, runs in _by_solver(records).items()],
        sense,
    )
    return InstanceComparison(
        name, facts, rows, measured, find(rows, measured, sense), flags(rows, measured)
    )


def _ranked(rows: Sequence[Row], sense: Sense) -> tuple[Row, ...]:
    """Rows in order of their median objective; equal medians share a rank.

    Solvers whose median run found nothing follow by their feasible share, those that took no run on
    come last, without a rank.
    """
    sign = 1.0 if sense == "minimise" else -1.0

    def order(row: Row) -> tuple[float, ...]:
        share = row.feasible.value if row.feasible else 0.0
        return (
            float(row.attempted == 0),
            float(row.median is None),
            sign * row.median if row.median is not None else -share,
            sign * row.best if row.best is not None else 0.0,
            row.wall or 0.0,
        )

    ranked: list[Row] = []
    for place, row in enumerate(sorted(rows, key=order), start=1):
        above = ranked[-1] if ranked else None
        rank = None if row.attempted == 0 else place
        if rank is not None and above is not None and _level(above, row, sense):
            rank = above.rank
        ranked.append(replace(row, rank=rank))
    return tuple(ranked)


def _level(above: Row, row: Row, sense: Sense) -> bool:
    if above.median is None or row.median is None:
        return above.median is row.median and above.answered == row.answered == 0
    return not better(above.median, row.median, sense)


# -- the whole ------------------------------------------------------------------------------------


def _join_flags(instances: Sequence[InstanceComparison]) -> tuple[Flag, ...]:
    """Each flag once; instances are named where it does not concern all of them."""
    found: dict[Flag, list[str]] = {}
    for instance in instances:
        for flag in instance.flags:
            found.setdefault(flag, []).append(instance.name)
    return tuple(
        flag if len(names) == len(instances) and flag.code != "fault"
        else Flag(flag.code, f"{join(names)}: {flag.text}")
        for flag, names in found.items()
    )


def _summary(instances: Sequence[InstanceComparison], records: Sequence[Record]) -> tuple[str, ...]:
    solvers = dict.fromkeys(row.label for instance in instances for row in instance.rows)
    sentences = [
        f"{plural(len(instances), 'instance')}, {plural(len(solvers), 'solver')}, "
        f"{plural(len(records), 'run')}."
    ]
    optimal = sum(_solved(instance) for instance in instances)
    if instances:
        sentences.append(
            f"A proven optimum was found on {optimal} of {plural(len(instances), 'instance')}."
        )
    return (*sentences, *_quantum_summary(instances), *_floor_summary(instances))


def _solved(instance: InstanceComparison) -> bool:
    yardstick, best = instance.yardstick, instance.best
    return (
        yardstick is not None and best is not None and yardstick.kind == "optimum"
        and not better(yardstick.value, best, instance.sense)
    )


def _quantum_summary(instances: Sequence[InstanceComparison]) -> list[str]:
    found = {i.name: i.findings.quantum for i in instances if i.findings.quantum is not None}
    if not found:
        return []
    counts = Counter(found.values())
    words: dict[str, Quantum] = {
        "better": "better", "equal": "matched", "worse": "worse",
        "without a feasible answer": "no answer", "without a classical rival": "no classical",
        "decided by presolve": "presolved",
    }
    parts = [f"{text} on {counts[kind]}" for text, kind in words.items() if counts[kind]]
    refused = sum(
        i.findings.quantum is None and any(row.quantum for row in i.rows) for i in instances
    )
    parts += [f"refused on {refused}"] if refused else []
    worked_on = any(row.quantum and row.postprocessing for i in instances for row in i.rows)
    samples = " by its samples, before post-processing," if worked_on else ""
    head = f"Best quantum run{samples} against best classical run: {join(parts)}."
    if counts["better"]:
        names = join(name for name, outcome in found.items() if outcome == "better")
        return [f"{head} Read the flags of {names} before calling it an advantage."]
    if counts["no classical"] == len(found):
        return [head]
    return [f"{head} No quantum advantage."]


def _floor_summary(instances: Sequence[InstanceComparison]) -> list[str]:
    counts = Counter(i.findings.floor for i in instances if i.findings.floor is not None)
    order: tuple[Floor, ...] = ("beaten", "not beaten", "undecided")
    parts = [f"{outcome} on {counts[outcome]}" for outcome in order if counts[outcome]]
    if not parts:
        return []
    reduced = sum(
        i.findings.floor is not None and any(row.quantum and row.presolve for row in i.rows)
        for i in instances
    )
    before = f"; on {reduced} of them presolve had reduced the model before" if reduced else ""
    return [f"Random sampling at equal samples, by any quantum solver: {join(parts)}{before}."]


def _short(instance: InstanceComparison) -> str:
    """One line of an instance."""
    if instance.best is None:
        return "no feasible answer"
    best = instance.best
    first = [
        f"{row.label} (post-processed)" if made_afterwards(row, best, instance.sense)
        else row.label
        for row in instance.rows
        if row.best is not None and not better(best, row.best, instance.sense)
    ]
    text = f"best {value_text(best, instance.digits)} by {join(first)}"
    if instance.yardstick is not None:
        text += f", {'optimal' if _solved(instance) else instance.yardstick.source}"
    return text


# -- the flat table -------------------------------------------------------------------------------


def _flat(instance: InstanceComparison, row: Row) -> dict[str, Any]:
    """One row as flat columns."""
    return {
        "instance": instance.name,
        "sha256": instance.facts.sha256,
        "kind": instance.facts.kind,
        "sense": instance.sense,
        "solver": row.label,
        "role": row.role,
        "rank": row.rank,
        **{name: getattr(row, name) for name in _COUNTS},
        "statuses": ";".join(f"{status}={n}" for status, n in sorted(row.statuses.items())),
        **_share_columns("feasible_share", row.feasible),
        **_share_columns("sampled_feasible_share", row.sampled_feasible),
        **_quality_columns(instance, row),
        **_share_columns("hit_share", row.hits),
        **_share_columns("sampled_hit_share", row.sampled_hits),
        **_time_columns(row),
        "device": row.device or None,
        "device_simulated": row.simulated if row.device else None,
        **{name: row.counts.get(name) for name in _MEDIANS},
        "money_measured": row.money.measured,
        "money_estimated": row.money.estimated,
        "currency": row.money.currency or None,
        "time_limit": row.budget.get("time_limit"),
        "evaluation_limit": row.budget.get("evaluations"),
        "threads": row.budget.get("threads"),
        "seeds": ";".join(map(str, row.seeds)),
    }


_COUNTS = ("runs", "attempted", "answered", "failed", "unsupported", "without_answer")
_MEDIANS = (
    "evaluations", "samples", "circuits", "shots", "qubits", "depth", "two_qubit_gates",
    "logical_depth", "logical_two_qubit_gates", "device_seconds", "success_probability",
)


def _share_columns(name: str, share: Share | None) -> dict[str, float | None]:
    if share is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    return {name: share.value, f"{name}_low": share.low, f"{name}_high": share.high}


def _quality_columns(instance: InstanceComparison, row: Row) -> dict[str, Any]:
    yardstick = instance.yardstick
    low, high = row.median_interval or (None, None)
    columns: dict[str, Any] = {
        "best": row.best,
        "median": row.median,
        "median_low": low,
        "median_high": high,
        "postprocessing": row.postprocessing or None,
        "postprocessed": row.postprocessed if row.postprocessing else None,
        "sampled_best": row.sampled_best,
        "sampled_median": row.sampled_median,
        "yardstick": yardstick.value if yardstick else None,
        "yardstick_kind": yardstick.kind if yardstick else None,
        "yardstick_source": yardstick.source if yardstick else None,
    }
    for name, gap in (("best", row.best_gap), ("median", row.median_gap)):
        columns[f"{name}_gap"] = gap.relative if gap else None
        columns[f"{name}_gap_absolute"] = gap.absolute if gap else None
    columns["bound"] = row.bound
    columns["presolve_removed"] = row.presolve.total if row.presolve else None
    columns["presolve_answers_removed"] = row.presolve.answers_removed if row.presolve else None
    return columns


def _time_columns(row: Row) -> dict[str, Any]:
    tts = tts_json(row.tts) or {}
    return {
        "tts99": tts.get("value"),
        "tts99_low": tts.get("low"),
        "tts99_high": tts.get("high"),
        "wall": row.wall,
        "to_best": row.to_best,
        "cpu": row.cpu,
        "setup": row.setup,
        **{f"wall_{phase}": row.phases.get(phase, {}).get("wall") for phase in PHASES},
    }


COLUMNS = (
    "instance", "sha256", "kind", "sense", "solver", "role", "rank", *_COUNTS, "statuses",
    "feasible_share", "feasible_share_low", "feasible_share_high",
    "sampled_feasible_share", "sampled_feasible_share_low", "sampled_feasible_share_high",
    "best", "median", "median_low", "median_high", "postprocessing", "postprocessed",
    "sampled_best", "sampled_median", "yardstick", "yardstick_kind", "yardstick_source",
    "best_gap", "best_gap_absolute", "median_gap", "median_gap_absolute", "bound",
    "presolve_removed", "presolve_answers_removed",
    "hit_share", "hit_share_low", "hit_share_high",
    "sampled_hit_share", "sampled_hit_share_low", "sampled_hit_share_high",
    "tts99", "tts99_low", "tts99_high", "wall", "to_best", "cpu", "setup",
    *(f"wall_{phase}" for phase in PHASES),
    "device", "device_simulated", *_MEDIANS, "money_measured", "money_estimated", "currency",
    "time_limit", "evaluation_limit", "threads", "seeds",
)
"""Columns of `Comparison.table`, in order."""
