"""The runs of one solver on one instance, counted."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import isfinite
from statistics import median_low
from typing import Any

from .forms.reduce import Reduction
from .pricing import currency_of, total
from .problem import Sense
from .record import Record
from .solver import PHASES, Status
from .stats import (
    Gap,
    Share,
    TimeToSolution,
    gap,
    median,
    median_interval,
    median_of_runs,
    reached,
    share,
    time_to_solution,
)
from .yardstick import Yardstick, objective_of, sampled_objective

_COUNTED = (
    "evaluations", "circuits", "shots", "qubits", "depth", "two_qubit_gates", "logical_depth",
    "logical_two_qubit_gates",
)


@dataclass(frozen=True)
class Money:
    """Mean cost of a run, measured and estimated money apart.

    Parameters
    ----------
    measured, estimated : float, optional
        Mean over the runs that have such lines; None without any, or where an amount is unknown.
    currency : str
    runs : int
        Runs that have a bill; those that failed early have none.
    items : tuple of dict
        Mean bill: ``item``, ``basis``, ``quantity``, ``unit``, ``unit_price``, ``amount``, ``sku``,
        ``note``, ``retrieved``.
    """

    measured: float | None
    estimated: float | None
    currency: str
    runs: int
    items: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Row:
    """One solver on one instance, over its seeds.

    Every count but `unsupported` is out of `attempted`, the runs that the solver took on: failures
    and time-outs stay in the denominator, a refusal of the model's size is no failure.

    Parameters
    ----------
    label, solver, role : str
    records : tuple of Record
    rank : int, optional
        By median objective; equal medians share a rank. None where the solver took no run on.
    runs, attempted, answered, failed, unsupported, without_answer : int
        `answered` runs have a feasible answer; `without_answer` ended without one, unbroken.
    statuses : dict of str to int
    feasible : Share, optional
        Runs with a feasible answer.
    sampled_feasible : Share, optional
        Feasible samples, over all runs; None for solvers that return one answer. For its interval,
        samples that share a noise trajectory count as one.
    best, median : float, optional
        Best objective, and the median over attempted runs with those without an answer as worst.
    postprocessing : str
        Classical post-processing that worked on the samples of its runs, in words; empty if none
        did.
    postprocessed : int
        Runs whose answer it made: no sample of theirs is as good.
    sampled_best, sampled_median : float, optional
        As `best` and `median`, of the runs' best samples before post-processing.
    median_interval : tuple of (float or None), optional
        Distribution-free, 95 %; None under 6 runs.
    best_gap, median_gap : Gap, optional
        To the yardstick.
    bound : float, optional
        Tightest bound that it proved.
    hits : Share, optional
        Runs that reached the yardstick, by a sample where there was post-processing; None where
        nobody is known to have reached it.
    sampled_hits : Share, optional
        Samples that did.
    tts : TimeToSolution, optional
        Wall seconds of repeated runs until one hits with probability 99 %; None for a single run.
    wall, cpu : float, optional
        Median seconds of an attempted run, without setup.
    to_best : float, optional
        Median seconds, without setup, until a run held its answer; of the runs that have one.
    used_up : bool
        Whether every run searched to its time limit.
    setup : float, optional
        Longest setup of an attempted run, in wall seconds: the first of a process pays it.
    phases : dict of str to dict
        Mean ``wall`` and ``cpu`` seconds of an attempted run by phase.
    quantum : bool
    device : str
    simulated : bool
    counts : dict of str to float
        Medians of ``evaluations``, ``circuits``, ``shots``, ``qubits``, ``depth``,
        ``two_qubit_gates``, ``logical_depth``, ``logical_two_qubit_gates``, ``samples``,
        ``device_seconds`` and ``success_probability``, where there are any.
    money : Money
    budget : dict
    reasons : tuple of str
        Why runs ended without an answer, each once with its count.
    presolve : Reduction, optional
        What presolve removed from the model of its runs, of the first of them that has been
        reduced; None where none was.
    """

    label: str
    solver: str
    role: str
    records: tuple[Record, ...] = field(repr=False)
    rank: int | None
    runs: int
    attempted: int
    answered: int
    failed: int
    unsupported: int
    without_answer: int
    statuses: dict[str, int]
    feasible: Share | None
    sampled_feasible: Share | None
    best: float | None
    median: float | None
    postprocessing: str
    postprocessed: int
    sampled_best: float | None
    sampled_median: float | None
    median_interval: tuple[float | None, float | None] | None
    best_gap: Gap | None
    median_gap: Gap | None
    bound: float | None
    hits: Share | None
    sampled_hits: Share | None
    tts: TimeToSolution | None
    wall: float | None
    cpu: float | None
    to_best: float | None
    used_up: bool
    setup: float | None
    phases: dict[str, dict[str, float]]
    quantum: bool
    device: str
    simulated: bool
    hypothetical: bool
    counts: dict[str, float]
    money: Money
    budget: dict[str, Any]
    reasons: tuple[str, ...]
    presolve: Reduction | None

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds, in the order of the runs."""
        return tuple(r.seed for r in self.records)

    def to_json(self) -> dict[str, Any]:
        """The row as JSON values, a line for each run; an infinite end of an interval is None."""
        data = {
            name: value for name, value in vars(self).items() if name not in ("records", "tts")
        }
        for name in ("feasible", "sampled_feasible", "hits", "sampled_hits"):
            data[name] = share_json(data[name])
        for name in ("best_gap", "median_gap", "money"):
            data[name] = None if data[name] is None else asdict(data[name])
        interval = self.median_interval
        data["median_interval"] = None if interval is None else list(interval)
        data["tts99"] = tts_json(self.tts)
        data["presolve"] = None if self.presolve is None else self.presolve.to_json()
        data["reasons"] = list(self.reasons)
        data["seeds"] = list(self.seeds)
        data["run_list"] = [run_json(record) for record in self.records]
        return data


def tally(
    label: str, records: Sequence[Record], yardstick: Yardstick | None, sense: Sense
) -> Row:
    """Count the runs of one solver on one instance; the rank is left open.

    Parameters
    ----------
    label : str
    records : sequence of Record
        At least one.
    yardstick : Yardstick, optional
    sense : {"minimise", "maximise"}
    """
    attempted = [r for r in records if r.status is not Status.UNSUPPORTED]
    objectives = [v for r in attempted if (v := objective_of(r)) is not None]
    failed = sum(r.status is Status.FAILED for r in attempted)
    missed = len(attempted) - len(objectives)
    pick = min if sense == "minimise" else max
    sampled = [v for r in attempted if (v := sampled_objective(r)) is not None]
    best = pick(objectives, default=None)
    middle = median_of_runs(objectives, missed, sense)
    bounds = [r.bound for r in attempted if r.bound is not None and isfinite(r.bound)]
    hits, sampled_hits, tts = _hits(attempted, yardstick, sense)
    first = records[0]
    return Row(
        label=label,
        solver=first.solver,
        role=first.role,
        records=tuple(records),
        rank=None,
        runs=len(records),
        attempted=len(attempted),
        answered=len(objectives),
        failed=failed,
        unsupported=len(records) - len(attempted),
        without_answer=missed - failed,
        statuses=dict(Counter(str(r.status) for r in records)),
        feasible=share(len(objectives), len(attempted)),
        sampled_feasible=_sampled(attempted, lambda samples: samples.get("feasible_total", 0)),
        best=best,
        median=middle,
        postprocessing=next((r.postprocessing for r in records if r.postprocessing), ""),
        postprocessed=sum(r.postprocessed and r.feasible for r in attempted),
        sampled_best=pick(sampled, default=None),
        sampled_median=median_of_runs(sampled, len(attempted) - len(sampled), sense),
        median_interval=median_interval(objectives, missed, sense),
        best_gap=_gap(best, yardstick, sense),
        median_gap=_gap(middle, yardstick, sense),
        bound=((max if sense == "minimise" else min)(bounds) if bounds else None),
        hits=hits,
        sampled_hits=sampled_hits,
        tts=tts,
        wall=median([r.wall for r in attempted]),
        cpu=median([r.cpu for r in attempted]),
        to_best=median([t for r in attempted if (t := r.to_best) is not None]),
        used_up=bool(attempted) and all(r.used_up for r in attempted),
        setup=max((r.usage.setup for r in attempted), default=None),
        phases=_phases(attempted),
        quantum=any(is_quantum(r) for r in records),
        device=next((r.usage.device for r in records if r.usage.device), ""),
        simulated=any(r.usage.simulated for r in records),
        hypothetical=any(r.usage.hypothetical for r in records),
        counts=_counts(attempted),
        money=_money(attempted),
        budget=dict(first.budget),
        reasons=_reasons(records),
        presolve=_presolve(records),
    )


def is_quantum(record: Record) -> bool:
    """Whether a run used a quantum device, real or simulated, or would have."""
    return record.role == "quantum" or bool(record.usage.device)


def _presolve(records: Sequence[Record]) -> Reduction | None:
    told = (record.details.get("presolve") for record in records)
    reductions = (
        Reduction.from_json(item) for item in told
        if isinstance(item, Mapping) and "variables" in item
    )
    return next((found for found in reductions if found.total), None)


def _gap(value: float | None, yardstick: Yardstick | None, sense: Sense) -> Gap | None:
    if value is None or yardstick is None:
        return None
    return gap(value, yardstick.value, sense)


def _hits(
    attempted: Sequence[Record], yardstick: Yardstick | None, sense: Sense
) -> tuple[Share | None, Share | None, TimeToSolution | None]:
    """Runs and samples that reached a target, and the time until one does."""
    if yardstick is None or not yardstick.is_target or not attempted:
        return None, None, None
    target = yardstick.value

    def hit(value: float | None) -> bool:
        return value is not None and reached(value, target, sense)

    successes = sum(hit(sampled_objective(r)) for r in attempted)
    sampled = _sampled(
        attempted,
        lambda samples: samples.get("best_total", 0) if hit(samples.get("best")) else 0,
    )
    mean = sum(r.wall for r in attempted) / len(attempted)
    # One run is no estimate of a probability.
    tts = time_to_solution(successes, len(attempted), mean) if len(attempted) > 1 else None
    return share(successes, len(attempted)), sampled, tts


def _sampled(attempted: Sequence[Record], count: Any) -> Share | None:
    """A share of all samples; None where a run gives single answers, or some were not scored."""
    totals = [int(r.samples.get("total") or 0) for r in attempted]
    if max(totals, default=0) <= 1:
        return None
    if any(r.samples.get("scored", n) != n for r, n in zip(attempted, totals, strict=True) if n):
        return None
    independent = sum(int(r.samples.get("independent") or 0) for r in attempted)
    found = sum(int(count(r.samples)) for r in attempted if r.samples)
    return share(found, sum(totals), independent=independent or None)


def _phases(attempted: Sequence[Record]) -> dict[str, dict[str, float]]:
    """Mean seconds by phase, so that the parts add up to the mean of the whole."""
    phases = {}
    for phase in PHASES:
        spans = [r.usage.phases[phase] for r in attempted if phase in r.usage.phases]
        if spans:
            phases[phase] = {
                "wall": sum(s.wall for s in spans) / len(attempted),
                "cpu": sum(s.cpu for s in spans) / len(attempted),
            }
    return phases


def _counts(attempted: Sequence[Record]) -> dict[str, float]:
    values: dict[str, list[float]] = {
        name: [float(count) for r in attempted if (count := getattr(r.usage, name))]
        for name in _COUNTED
    }
    values["samples"] = [float(r.samples["total"]) for r in attempted if r.samples.get("total")]
    for name in ("device_seconds", "success_probability"):
        known = (getattr(r.usage, name) for r in attempted)
        values[name] = [value for value in known if value is not None and isfinite(value)]
    # The lower of two middle ones: a count that some run had.
    return {name: median_low(v) for name, v in values.items() if v}


def _money(attempted: Sequence[Record]) -> Money:
    bills = [r.money for r in attempted if r.money]
    lines = [line for bill in bills for line in bill]
    means = []
    for basis in ("measured", "estimated"):
        own = [bill for bill in bills if any(line["basis"] == basis for line in bill)]
        sums = [total(bill, basis) for bill in own]
        known = [s for s in sums if s is not None]
        means.append(sum(known) / len(known) if known and len(known) == len(sums) else None)
    return Money(means[0], means[1], currency_of(lines), len(bills), _mean_bill(lines, len(bills)))


def _mean_bill(lines: Iterable[Mapping[str, Any]], bills: int) -> tuple[dict[str, Any], ...]:
    """Lines of all bills, joined by item, as a mean over bills."""
    joined: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for line in lines:
        joined.setdefault((line["item"], line["basis"], line["sku"]), []).append(line)
    items = []
    for same in joined.values():
        item = {**same[-1]}
        for name in ("quantity", "amount"):
            values = [line[name] for line in same]
            item[name] = None if None in values else sum(values) / bills
        items.append(item)
    return tuple(items)


def _reasons(records: Sequence[Record]) -> tuple[str, ...]:
    found = Counter(r.reason or r.error or str(r.status) for r in records if not r.feasible)
    return tuple(text if n == 1 else f"{text} ({n} runs)" for text, n in found.items())


# -- JSON -----------------------------------------------------------------------------------------


def share_json(found: Share | None) -> dict[str, Any] | None:
    """A share with its value and interval."""
    return None if found is None else {**asdict(found), "value": found.value}


def tts_json(found: TimeToSolution | None) -> dict[str, float | None] | None:
    """Seconds; None inside stands for infinity."""
    if found is None:
        return None
    return {n: v if isfinite(v) else None for n, v in asdict(found).items()}


def run_json(record: Record) -> dict[str, Any]:
    """One line of a run."""
    return {
        "id": record.id, "seed": record.seed, "status": str(record.status),
        "reason": record.reason, "feasible": record.feasible, "objective": record.objective,
        "bound": record.bound, "wall": record.wall, "cpu": record.cpu, "to_best": record.to_best,
        "money_to_best": record.money_to_best,
        "sampled_objective": sampled_objective(record), "postprocessed": record.postprocessed,
    }
