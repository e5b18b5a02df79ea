"""What can be said of one instance: computed sentences, and flags on what weakens them.

A difference is called one only where a test over seeds is named beside it (against the floor); it
speaks of this instance alone. Between other solvers no test is made, and fewer than `FEWEST_SEEDS`
runs are inconclusive.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import inf, isfinite
from typing import Literal

from .forms.lowering import CLASSICAL_COLUMNS
from .forms.reduce import PRESOLVED
from .numbers import (
    count_text,
    digits_for,
    join,
    percent_text,
    plural,
    seconds_text,
    value_text,
)
from .pricing import staleness
from .problem import Sense
from .record import Record, solver_label
from .rounds import WITHOUT_RUN
from .solver import WARM_START
from .stats import CONFIDENCE, better, gap, median_of_runs, rank_sum_test, reached
from .tally import Row
from .yardstick import Measure, objective_of, sampled_objective

FEWEST_SEEDS = 5
"""Runs under which a difference between solvers is called inconclusive."""

OVERRUN = 1.05
"""Search time over the limit that is called an overrun, with a tenth of a second of grace."""

Quantum = Literal["better", "matched", "worse", "no answer", "no classical", "presolved"]
Floor = Literal["beaten", "not beaten", "undecided"]

Value = Callable[[Record], float | None]
"""What counts of a run: its answer (`objective_of`), or its samples (`sampled_objective`)."""


@dataclass(frozen=True)
class Findings:
    """What the runs on one instance show.

    Parameters
    ----------
    sentences : tuple of str
    quantum : str, optional
        Best quantum run against the best classical one, the floor apart: ``"better"``,
        ``"matched"``, ``"worse"``, ``"no answer"``, or ``"no classical"`` where there is none to
        compare with; ``"presolved"`` where presolve left nothing to any circuit. None without a
        quantum solver. Quantum runs count by their samples: what post-processing
        made of them is not theirs.
    floor : str, optional
        Whether a quantum solver beat random sampling at equal samples: ``"beaten"``,
        ``"not beaten"`` or ``"undecided"``, by the samples of both. None where one of the two is
        missing.
    """

    sentences: tuple[str, ...]
    quantum: Quantum | None = None
    floor: Floor | None = None


@dataclass(frozen=True)
class Flag:
    """Something that weakens a comparison.

    Parameters
    ----------
    code : str
        ``"fault"``, ``"few-seeds"``, ``"unequal-budgets"`` and so on.
    text : str
    """

    code: str
    text: str


def find(rows: Sequence[Row], measured: Measure, sense: Sense) -> Findings:
    """Say what the rows of one instance show.

    Parameters
    ----------
    rows : sequence of Row
    measured : Measure
    sense : {"minimise", "maximise"}
    """
    values = [v for row in rows for v in (row.best, row.median, row.sampled_best)]
    yardstick = measured.yardstick
    digits = digits_for([*values, yardstick.value if yardstick else None])
    sentences = _best(rows, measured, sense, digits)
    quantum, words = _quantum(rows, sense, digits)
    sentences += words
    floor, words = _floor(rows, sense, digits)
    sentences += words + _postprocessed(rows, sense, digits) + _hybrids(rows, sense, digits)
    return Findings(tuple(sentences), quantum, floor)


# -- the best answer ------------------------------------------------------------------------------


def _best(rows: Sequence[Row], measured: Measure, sense: Sense, digits: int) -> list[str]:
    best, yardstick = measured.best, measured.yardstick
    if best is None:
        proof = [row.label for row in rows if "proven_infeasible" in row.statuses]
        verb = "proves" if len(proof) == 1 else "prove"
        if any(WITHOUT_RUN in reason for row in rows for reason in row.reasons):
            proof, verb = ["arithmetic"], "proves"
        tail = f"; {join(proof)} {verb} that there is none" if proof else ""
        return [f"No solver found a feasible answer{tail}."]
    finders = []
    for row in rows:
        if n := _reaching(row, best, sense):
            own = _reaching(row, best, sense, sampled_objective)
            apart = "" if own == n else f" ({n - own if own else 'all'} by post-processing)"
            apart = " (by presolve alone)" if _decided(row) else apart
            finders.append(f"{row.label} in {n} of {plural(row.attempted, 'run')}{apart}")
    head = f"Best objective {value_text(best, digits)}"
    sentences = [f"{head}, {_standing(best, measured, sense, digits)}.",
                 f"Found by {join(finders)}."]
    if yardstick is not None and yardstick.kind == "best known" and measured.bound is not None:
        side = "lower" if sense == "minimise" else "upper"
        sentences.append(
            f"{measured.bound.solver} proves the {side} bound "
            f"{value_text(measured.bound.value, digits)}; the optimum is not proven."
        )
    return sentences


def _standing(best: float, measured: Measure, sense: Sense, digits: int) -> str:
    """Where the best objective stands against the yardstick."""
    yardstick = measured.yardstick
    if yardstick is None:
        return "with nothing to measure it against: no bound is proven, no value is known"
    name = {"optimum": "the optimum", "best known": "the best known value", "bound": "the bound"}[
        yardstick.kind
    ]
    if reached(best, yardstick.value, sense) and reached(yardstick.value, best, sense):
        return f"{name} ({yardstick.source})"
    distance = distance_text(best, yardstick.value, sense)
    named = f"{name} {value_text(yardstick.value, digits)} ({yardstick.source})"
    if better(best, yardstick.value, sense):
        return f"better by {distance} than {named}"
    return f"{distance} from {named}"


def distance_text(value: float, reference: float, sense: Sense) -> str:
    """A gap in percent where that has a meaning, else in the problem's units; without sign."""
    found = gap(value, reference, sense)
    if found.relative is not None:
        return f"{percent_text(abs(found.relative))} %"
    return f"{abs(found.absolute):.3g} in the objective"


def _reaching(row: Row, target: float, sense: Sense, of: Value = objective_of) -> int:
    """Runs that are as good as a target."""
    values = [v for r in row.records if (v := of(r)) is not None]
    return sum(reached(v, target, sense) for v in values)


def made_afterwards(row: Row, value: float, sense: Sense) -> bool:
    """Whether post-processing alone took a row to a value: no sample of its runs is as good."""
    return row.postprocessed > 0 and (
        row.sampled_best is None or better(value, row.sampled_best, sense)
    )


# -- quantum against classical --------------------------------------------------------------------


def _quantum(
    rows: Sequence[Row], sense: Sense, digits: int
) -> tuple[Quantum | None, list[str]]:
    """The samples of each quantum row against the best classical answer, the floor's apart."""
    quantum = [row for row in rows if row.quantum and row.attempted and not _decided(row)]
    idle = [
        f"{row.label} ran no circuit: presolve decided every variable, and the answer is no merit "
        "of a quantum solver."
        for row in rows if row.quantum and _decided(row)
    ]
    if not quantum:
        return ("presolved" if idle else None), idle
    classical = [
        row for row in rows if not row.quantum and row.role != "floor" and row.best is not None
    ]
    rival = _leader(classical, sense) if classical else None
    found = [_against(row, rival, sense, digits) for row in quantum]
    order: tuple[Quantum, ...] = ("better", "no classical", "matched", "worse", "no answer")
    outcome = next(o for o in order if any(o == other for other, _ in found))
    sentences = [text for _, text in found]
    if outcome == "matched":
        quicker = rival is not None and any(
            (row.wall or 0.0) < (rival.wall or 0.0)
            for row, (own, _) in zip(quantum, found, strict=True) if own == "matched"
        )
        sentences.append(f"No quantum advantage{' in quality' if quicker else ''}.")
    elif outcome in ("worse", "no answer"):
        sentences.append("No quantum advantage.")
    return outcome, sentences + idle


def _decided(row: Row) -> bool:
    """Whether presolve left nothing to any run of a row."""
    return row.attempted > 0 and all(record.decided for record in row.records)


def _against(row: Row, rival: Row | None, sense: Sense, digits: int) -> tuple[Quantum, str]:
    """One quantum row, by its samples, against the best classical one."""
    name = _begin(_subject(row, "samples"))
    if row.sampled_best is None:
        return "no answer", f"{name} gave no feasible answer."
    ours = value_text(row.sampled_best, digits)
    if rival is None or rival.best is None:
        return "no classical", f"{name} reached {ours}, with no classical answer beside it."
    theirs = f"the classical best {value_text(rival.best, digits)} of {rival.label}"
    reaching = _reaching(row, row.sampled_best, sense, sampled_objective)
    times = f"{reaching} of {plural(row.attempted, 'run')}"
    apart = distance_text(row.sampled_best, rival.best, sense)
    if better(rival.best, row.sampled_best, sense):
        return "worse", f"{name} did not match {theirs}: best run {ours}, {apart} worse."
    if better(row.sampled_best, rival.best, sense):
        return "better", (
            f"{name} found {ours} in {times}, {apart} better than {theirs}. Whether that is "
            "an advantage depends on the flags: no test was made."
        )
    simulated = f" with {row.device} simulated" if row.simulated and row.device else ""
    return "matched", (
        f"{name} matched {theirs} in {times}; a median run took {seconds_text(row.wall)} s"
        f"{simulated}, against {seconds_text(rival.wall)} s."
    )


def _leader(rows: Sequence[Row], sense: Sense) -> Row:
    """The row with the best objective; of equal ones the one with the shortest median run."""
    pick = min if sense == "minimise" else max
    best = pick(row.best for row in rows if row.best is not None)
    level = [row for row in rows if row.best is not None and reached(row.best, best, sense)]
    return min(level, key=lambda row: row.wall if row.wall is not None else 0.0)


# -- the floor ------------------------------------------------------------------------------------


def _floor(
    rows: Sequence[Row], sense: Sense, digits: int
) -> tuple[Floor | None, list[str]]:
    """The samples of each quantum row against those of random sampling."""
    floors = [row for row in rows if row.role == "floor" and row.attempted]
    quantum = [row for row in rows if row.quantum and row.attempted and not _decided(row)]
    if not floors or not quantum:
        return None, []
    plain = [row for row in floors if not row.postprocessing] or floors
    found = [_against_floor(row, _nearest_floor(row, plain), sense, digits) for row in quantum]
    outcomes = {outcome for outcome, _ in found}
    order: tuple[Floor, ...] = ("beaten", "undecided", "not beaten")
    return next(o for o in order if o in outcomes), [text for _, text in found]


def _nearest_floor(row: Row, floors: Sequence[Row]) -> Row:
    """The floor that drew from a model of the same kind, reduced or whole; else the first."""
    return next((floor for floor in floors if _reduced(floor) == _reduced(row)), floors[0])


def _reduced(row: Row) -> bool:
    """Whether presolve took variables from the model that a row drew from."""
    told = [record.details.get("presolve") for record in row.records]
    return any(isinstance(item, dict) and bool(item.get("removed")) for item in told)


def _against_floor(row: Row, floor: Row, sense: Sense, digits: int) -> tuple[Floor, str]:
    """One quantum row against random sampling at equal samples.

    Decided by how often a sample hits the best known value, where exact intervals lie apart; else
    by the median runs, where the winner had no more samples and a rank-sum test over the runs tells
    them apart. The floor needs no test: who is not ahead has not beaten it. What post-processing
    made of samples is left out on both sides.
    """
    drawn, _, samples = _drawn(row, floor)
    if row.sampled_hits is not None and floor.sampled_hits is not None:
        # Shots spent on angles are samples that hit nothing.
        used = row.counts.get("samples", 0.0) / drawn
        low, high = used * row.sampled_hits.low, used * row.sampled_hits.high
        if low > floor.sampled_hits.high or high < floor.sampled_hits.low:
            rates = (
                f"{percent_text(used * row.sampled_hits.value)} % of its samples hit the best "
                f"value, {percent_text(floor.sampled_hits.value)} % of {floor.label}'s (exact 95 % "
                f"intervals apart, {samples})"
            )
            name = _begin(_subject(row, "samples"))
            if low > floor.sampled_hits.high:
                return "beaten", f"{name} beat random sampling: {rates}."
            return "not beaten", f"{name} did not beat random sampling: {rates}."
        hit = row.sampled_hits.value > 0.0 or floor.sampled_hits.value > 0.0
        if hit and _level(row, floor, sense):
            ours = percent_text(used * row.sampled_hits.value)
            return "undecided", (
                f"Whether {_subject(row, 'samples')} beats random sampling is undecided: the "
                f"median runs of both reach the same, and {ours} and "
                f"{percent_text(floor.sampled_hits.value)} % of their samples hit the best value "
                f"(exact 95 % intervals overlap, {samples})."
            )
    return _by_medians(row, floor, sense, digits, sampled_objective)


def _level(row: Row, floor: Row, sense: Sense) -> bool:
    """Whether the median samples of both are equal: then medians tell nothing."""
    ours, theirs = (
        _median(_all_runs(each, sense, sampled_objective), sense) for each in (row, floor)
    )
    if ours is None or theirs is None:
        return False
    return reached(ours, theirs, sense) and reached(theirs, ours, sense)


def _drawn(row: Row, floor: Row) -> tuple[float, float, str]:
    """Samples that a run of each had, and both in words."""
    ours, theirs = _samples(row), floor.counts.get("samples", 0.0)
    if ours == theirs:
        return ours, theirs, f"{count_text(ours)} samples a run each"
    return ours, theirs, f"{count_text(ours)} and {count_text(theirs)} samples a run"


def _by_medians(
    row: Row, floor: Row, sense: Sense, digits: int, of: Value
) -> tuple[Floor, str]:
    """The median runs of both, by their answers or by their samples."""
    first, second = _all_runs(row, sense, of), _all_runs(floor, sense, of)
    ours, theirs = _median(first, sense), _median(second, sense)
    drawn = _drawn(row, floor)
    by_samples = of is sampled_objective
    rival = "random sampling" if by_samples else "random sampling that is post-processed alike"
    which = "samples" if by_samples else "answers"
    name, other = _subject(row, which), _subject(floor, which)
    beats = "beat" if row.postprocessing else "beats"
    words = (
        f"median run {value_text(ours, digits) if ours is not None else 'without an answer'} "
        f"against {value_text(theirs, digits) if theirs is not None else 'none'} of {other} "
        f"({drawn[2]})"
    )
    if ours is not None and (theirs is None or better(ours, theirs, sense)):
        chance = rank_sum_test(first, second)
        if drawn[0] <= drawn[1] and chance <= 1.0 - CONFIDENCE:
            return "beaten", f"{_begin(name)} beat {rival}: {words}; rank-sum p {chance:.2g}."
        why = "more samples" if drawn[0] > drawn[1] else f"rank-sum p {chance:.2g}"
        return "undecided", (
            f"Whether {name} {beats} {rival} is undecided: {words}; {why}."
        )
    # The floor's samples are feasible: who mostly finds none is behind with fewer samples, too.
    if (ours is None and theirs is not None) or (ours is not None and drawn[0] >= drawn[1]):
        return "not beaten", f"{_begin(name)} did not beat {rival}: {words}."
    return "undecided", f"Whether {name} {beats} {rival} is undecided: {words}."


def _all_runs(row: Row, sense: Sense, of: Value) -> list[float]:
    """Objectives of every attempted run; one without an answer is worse than any."""
    worst = inf if sense == "minimise" else -inf
    values = [v for r in row.records if (v := of(r)) is not None]
    return [*values, *[worst] * (row.attempted - len(values))]


def _median(runs: Sequence[float], sense: Sense) -> float | None:
    known = [value for value in runs if isfinite(value)]
    return median_of_runs(known, len(runs) - len(known), sense)


def _samples(row: Row) -> float:
    """Samples that a run had: all its shots, those spent on angles included."""
    return max(row.counts.get("samples", 0.0), row.counts.get("shots", 0.0), 1.0)


_ASIDES = {
    CLASSICAL_COLUMNS: "choosing among routes of a classical search",
    PRESOLVED: "most of it decided by presolve",
}
"""What is said of a row wherever it is praised or blamed, by the code of a caveat."""


def _subject(row: Row, what: str) -> str:
    """A row by name: its samples or its answers, where post-processing tells them apart."""
    name = f"the {what} of {row.label}" if row.postprocessing else row.label
    helped = any(WARM_START in record.caveats for record in row.records)
    asides = [words for code, words in _ASIDES.items()
              if any(code in record.caveats for record in row.records)]
    if asides:
        name = f"{name}, {' and '.join(asides)},"
    return f"{name} from its classical start" if helped else name


def _begin(words: str) -> str:
    """Words at the beginning of a sentence; labels keep their letters."""
    return f"T{words[1:]}" if words.startswith("the ") else words


# -- post-processing ------------------------------------------------------------------------------


def _postprocessed(rows: Sequence[Row], sense: Sense, digits: int) -> list[str]:
    """What post-processing made of samples, and whether it makes as much of random ones."""
    sentences = []
    for row in rows:
        if not row.postprocessing or not row.attempted:
            continue
        made = f"{row.postprocessed} of {plural(row.attempted, 'answer')}"
        sampled = (
            f"best sample {value_text(row.sampled_best, digits)}"
            if row.sampled_best is not None else "no sample was feasible"
        )
        best = "none" if row.best is None else value_text(row.best, digits)
        sentences.append(
            f"{row.label}: post-processing ({row.postprocessing}) made {made}, each better than "
            f"the samples of its run; {sampled}, best answer {best}." if row.postprocessed else
            f"{row.label}: post-processing ({row.postprocessing}) made no answer that is better "
            "than the samples."
        )
        floor = _same_floor(row, rows)
        if row.quantum and floor is not None:
            sentences.append(_by_medians(row, floor, sense, digits, objective_of)[1])
    return sentences


def _same_floor(row: Row, rows: Sequence[Row]) -> Row | None:
    """Random sampling with the post-processing of a row."""
    return next((
        other for other in rows
        if other.role == "floor" and other.attempted and other.postprocessing == row.postprocessing
    ), None)


# -- hybrids --------------------------------------------------------------------------------------


def _hybrids(rows: Sequence[Row], sense: Sense, digits: int) -> list[str]:
    """Whether the subsolver of a hybrid is worth anything: the hybrid against its ablations."""
    sentences = []
    for row in rows:
        beside = [other for other in _ablations(row, rows) if other is not None]
        if not row.attempted or not beside:
            continue
        found = [_against_ablation(row, other, sense, digits) for other in beside]
        parts = [f"{verdict} {words}" for verdict, words in found]
        sentences.append(f"{row.label} against the same loop with its subsolver replaced: "
                         f"{'; '.join(parts)}.")
    return sentences


def _against_ablation(row: Row, other: Row, sense: Sense, digits: int) -> tuple[str, str]:
    """One hybrid against one ablation, by the median runs of both."""
    first, second = (_all_runs(each, sense, objective_of) for each in (row, other))
    ours, theirs = _median(first, sense), _median(second, sense)
    ahead = ours is not None and (theirs is None or better(ours, theirs, sense))
    said = [value_text(value, digits) if value is not None else "none" for value in (ours, theirs)]
    words = f"{other.label} (median run {said[0]} against {said[1]}"
    if not ahead:
        return "did not beat", f"{words})"
    chance = rank_sum_test(first, second)
    verdict = "beat" if chance <= 1.0 - CONFIDENCE else "undecided against"
    return verdict, f"{words}, rank-sum p {chance:.2g})"


def _ablations(row: Row, rows: Sequence[Row]) -> list[Row | None]:
    """The rows of a hybrid's ablations, by what its records say of them; None for a missing one."""
    record = next((r for r in row.records if r.details.get("ablations")), None)
    if record is None:
        return []
    known = {
        each.label: other for other in rows if other.budget == row.budget
        for each in other.records[:1] if other.attempted
    }
    return [
        known.get(solver_label(record.solver, {**record.options, **options}))
        for options in record.details["ablations"]
    ]


# -- flags ----------------------------------------------------------------------------------------


def flags(rows: Sequence[Row], measured: Measure) -> tuple[Flag, ...]:
    """What weakens a comparison on one instance."""
    found = [Flag("fault", text[:1].upper() + text[1:] + ".") for text in measured.faults]
    found += _line_up_flags(rows, measured)
    found += _budget_flags(rows)
    found += _device_flags(rows)
    found += _record_flags(rows)
    for row in rows:
        found += _caveats(row)
    return tuple(found)


def _caveats(row: Row) -> list[Flag]:
    """What a solver itself says that weakens its runs; of several runs the first one's words."""
    said: dict[str, list[str]] = {}
    for record in row.records:
        for code, text in record.caveats.items():
            said.setdefault(code, []).append(text)
    return [
        Flag(code, f"{row.label}, {len(texts)} of {plural(row.attempted, 'run')}: {texts[0]}.")
        for code, texts in said.items()
    ]


def _line_up_flags(rows: Sequence[Row], measured: Measure) -> list[Flag]:
    found = []
    classical = [row for row in rows if not row.quantum and row.role != "floor" and row.attempted]
    quantum = [row for row in rows if row.quantum and row.attempted]
    known = measured.yardstick is not None and measured.yardstick.kind == "optimum"
    if not classical:
        found.append(Flag("no-classical", "No classical solver in the line-up beside the floor."))
    elif not known and not any(row.role == "exact" for row in classical):
        found.append(Flag(
            "no-exact",
            "No exact solver in the line-up and no proven optimum: the best answer may be far from "
            "it, and a weak classical side flatters every other solver.",
        ))
    found += _floor_flags(rows, quantum)
    found += _presolve_flags(rows)
    if alone := [row.label for row in rows if None in _ablations(row, rows)]:
        found.append(Flag(
            "no-ablation",
            f"The ablations of {join(alone)} are not all in the line-up: whether its subsolver is "
            "worth anything is not shown.",
        ))
    most = max((row.attempted for row in rows), default=0)
    # One run among many seeds is a solver that its seed does not change.
    few = {
        row.label: row.attempted for row in rows
        if 0 < row.attempted < FEWEST_SEEDS and not (row.attempted == 1 and most > 1)
    }
    if few:
        counts = set(few.values())
        each = (
            f"{counts.pop()} each" if len(counts) == 1
            else join(f"{label} {count}" for label, count in few.items())
        )
        found.append(Flag(
            "few-seeds",
            f"Fewer than {FEWEST_SEEDS} seeds ({each}): inconclusive about differences between "
            "solvers.",
        ))
    return found


def _floor_flags(rows: Sequence[Row], quantum: Sequence[Row]) -> list[Flag]:
    """What is not shown for want of random sampling, plain or post-processed alike."""
    found = []
    if quantum and not any(row.role == "floor" and row.attempted for row in rows):
        found.append(Flag(
            "no-floor",
            "Random sampling is not in the line-up: whether a sampler does better than chance is "
            "not shown.",
        ))
    bare = [row.label for row in quantum if row.postprocessing and _same_floor(row, rows) is None]
    if bare:
        found.append(Flag(
            "bare-floor",
            f"No random sampling with the post-processing of {join(bare)} is in the line-up: "
            "whether the answers owe anything to the circuit is not shown.",
        ))
    return found


def _presolve_flags(rows: Sequence[Row]) -> list[Flag]:
    """Samplers of which some had their model reduced, and others the whole of it."""
    reduced: dict[bool, list[str]] = {True: [], False: []}
    for row in rows:
        if row.attempted and (row.quantum or row.role == "floor"):
            reduced[_reduced(row)].append(row.label)
    if not all(reduced.values()):
        return []
    return [Flag(
        "uneven-presolve",
        f"{join(reduced[True])} drew from a model that presolve had reduced, "
        f"{join(reduced[False])} from the whole one: what sets them apart may be presolve.",
    )]


def _budget_flags(rows: Sequence[Row]) -> list[Flag]:
    budgets: dict[str, list[str]] = {}
    for row in rows:
        budgets.setdefault(budget_text(row.budget), []).append(row.label)
    found = []
    if len(budgets) > 1:
        parts = [f"{join(labels)} {text}" for text, labels in budgets.items()]
        found.append(Flag("unequal-budgets", f"Budgets are unequal: {'; '.join(parts)}."))
    if all(row.budget.get("time_limit") is None for row in rows):
        counted = any(row.budget.get("evaluations") is not None for row in rows)
        found.append(Flag(
            "no-time-limit",
            "Budgets count evaluations in each solver's own unit: they are not equal work."
            if counted else "No budget was set: every solver used its own default.",
        ))
    late = [f"{row.label} {factor:.2f} times" for row in rows if (factor := _overrun(row)) > 1]
    if late:
        found.append(Flag("overrun", f"Time limits were overrun: {join(late)} the limit."))
    return found


def budget_text(budget: dict[str, object]) -> str:
    """A budget in words."""
    limit, evaluations = budget.get("time_limit"), budget.get("evaluations")
    threads = budget.get("threads") or 1
    parts = [
        f"{limit:g} s" if isinstance(limit, int | float) else "",
        f"{evaluations} evaluations" if evaluations is not None else "",
        f"{threads} threads" if threads != 1 else "",
    ]
    words = ", ".join(filter(None, parts[:2])) or "the solver's default"
    return ", ".join(filter(None, [words, parts[2]]))


def _overrun(row: Row) -> float:
    """Longest search over the limit, 0 where it was kept; setting up, lowering, decoding apart."""
    worst = 0.0
    for record in row.records:
        limit = record.budget.get("time_limit")
        if not limit:
            continue
        outside = ("setup", "lower", "decode")
        spent = sum(s.wall for name, s in record.usage.phases.items() if name not in outside)
        if spent > OVERRUN * limit + 0.1:
            worst = max(worst, spent / limit)
    return worst


def _device_flags(rows: Sequence[Row]) -> list[Flag]:
    found = []
    devices = sorted({row.device for row in rows if row.device and row.simulated})
    if devices:
        found.append(Flag(
            "simulated-device",
            f"Quantum devices were simulated ({join(devices)}): wall seconds are the simulator's, "
            "device seconds and device money are estimates.",
        ))
    unpriced = sorted({
        row.device for row in rows
        if row.device and not row.hypothetical
        and row.answered and row.money.estimated is None
        and not any(item["item"].startswith("device") for item in row.money.items)
    })
    if unpriced:
        found.append(Flag(
            "no-tariff",
            f"No price is known for {join(unpriced)}: its device money is left out, not 0.",
        ))
    return found


def _record_flags(rows: Sequence[Row]) -> list[Flag]:
    records = [record for row in rows for record in row.records]
    found = []
    if cut := sum(record.interrupted for record in records):
        found.append(Flag(
            "interrupted",
            f"{plural(cut, 'run')} ended by hand, before the budget was used: kept runs of that "
            "kind are run again when the comparison is repeated with their store.",
        ))
    hosts = {
        (r.environment.get("host"), r.environment.get("processor"), r.environment.get("cores"))
        for r in records
    }
    if len(hosts) > 1:
        found.append(Flag(
            "machines", "Runs come from different machines: their seconds cannot be compared."
        ))
    without_bill = sum(row.attempted - row.money.runs for row in rows)
    if without_bill and any(row.money.runs for row in rows):
        found.append(Flag(
            "no-bill",
            f"{plural(without_bill, 'failed run')} without a bill: left out of mean costs.",
        ))
    day = max((d for r in records if (d := _day(r.started)) is not None), default=None)
    if day is not None:
        old = {
            f"{item['sku']} ({item.get('retrieved') or 'undated'})"
            for row in rows for item in row.money.items
            if staleness(item["sku"], item.get("retrieved") or "", day)
        }
        if old:
            found.append(Flag(
                "stale-prices",
                f"Prices older than 90 days when used, or undated: {join(sorted(old))}.",
            ))
    return found


def _day(started: str) -> date | None:
    try:
        return datetime.fromisoformat(started).astimezone(UTC).date()
    except ValueError:
        return None
