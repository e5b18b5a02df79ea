"""The comparison as one HTML file that needs nothing else: no network, no library, no server."""

import re
from collections.abc import Iterable, Mapping, Sequence

from ..comparison import Comparison, InstanceComparison
from ..findings import Flag, budget_text
from ..numbers import join as words
from ..numbers import plural, seconds_text, value_text
from ..record import Record
from ..solver import PHASES
from ..tally import Row
from . import figures, maps, reproduce, tables
from .axes import COLOURS
from .markup import Markup, join, tag
from .page import page
from .tables import Cell, Column

MOST_RUNS_LISTED = 2000
MOST_STEPS = 30_000
"""Steps of all traces together that are drawn, so that the page stays light."""


def render(comparison: Comparison) -> str:
    """The whole page.

    Everything that comes from a record is escaped, and the page's own policy forbids it to load
    anything.

    Parameters
    ----------
    comparison : Comparison
    """
    names = words(instance.name for instance in comparison.instances)
    title = f"Comparison on {names or 'no instance'}"
    colours = {
        label: i % COLOURS for i, label in enumerate(comparison.labels)
    }
    steps = max(12, min(200, MOST_STEPS // max(1, len(comparison.records))))
    return page(
        title,
        _header(comparison),
        _flags(comparison.flags, comparison.notes),
        _contents(comparison),
        [_instance(i, instance, colours, steps) for i, instance in enumerate(comparison.instances)],
        _conditions(comparison),
        _reproduce(comparison),
        _runs(comparison),
        _glossary(comparison),
        scripted=True,
    )


# -- the top --------------------------------------------------------------------------------------


def _header(comparison: Comparison) -> Markup:
    started = sorted(r.started for r in comparison.records if r.started)
    count = plural(len(comparison.instances), "instance")
    return tag(
        "header",
        tag("h1", f"Comparison of solvers on {count}"),
        tag("p", _period(started), class_="soft") if started else None,
        [tag("p", sentence, class_="lead") for sentence in comparison.summary],
    )


def _period(started: Sequence[str]) -> str:
    first, last = started[0][:16].replace("T", " "), started[-1][:16].replace("T", " ")
    return f"Runs of {first} UTC" if first == last else f"Runs from {first} to {last} UTC"


def _flags(flags: Sequence[Flag], notes: Sequence[str]) -> Markup | None:
    if not flags and not notes:
        return None
    items = [
        tag("li", flag.text, class_="fault" if flag.code == "fault" else None)
        for flag in sorted(flags, key=lambda flag: flag.code != "fault")
    ]
    return tag(
        "section",
        tag("h2", "What to know before you rely on this"),
        tag("ul", items, [tag("li", note) for note in notes]),
        class_="flags",
    )


def _contents(comparison: Comparison) -> Markup:
    links = [(f"instance-{i}", inst.name) for i, inst in enumerate(comparison.instances)]
    links += [("conditions", "Conditions"), ("reproduce", "Reproduce"), ("runs", "Every run"),
              ("reading", "How to read this")]
    return tag("nav", [tag("a", name, href=f"#{anchor}") for anchor, name in links])


# -- one instance ---------------------------------------------------------------------------------


def _instance(
    number: int, instance: InstanceComparison, colours: Mapping[str, int], steps: int
) -> Markup:
    circuits = [row for row in instance.rows if tables.has_circuits(row)]
    return tag(
        "section",
        tag("h2", instance.name, id=f"instance-{number}"),
        tag("p", f"{tables.instance_line(instance)}; {tables.yardstick_line(instance)}.",
            class_="soft"),
        tag("ul", [tag("li", sentence) for sentence in instance.findings.sentences]),
        _table(tables.main_columns(instance), instance.rows, colours),
        _figures(instance, colours, steps),
        maps.answer_map(instance),
        tag("h3", "Circuits and samples") if circuits else None,
        _table(tables.circuit_columns(instance), circuits, colours) if circuits else None,
        _reasons(instance.rows),
        _phases(instance.rows, colours),
        _facts(instance),
    )


def _table(
    columns: Sequence[Column], rows: Sequence[Row], colours: Mapping[str, int]
) -> Markup:
    """A sortable table; the first column names the solver in its colour."""
    head = [
        tag("th", tag("button", column.title, type="button", title=column.hint), scope="col",
            class_="number" if column.numeric else None)
        for column in columns
    ]
    body = []
    for row in rows:
        cells = [column.cell(row) for column in columns]
        kind = "first" if row.rank == 1 else "refused" if row.rank is None else None
        body.append(tag(
            "tr",
            tag("th", _key(colours[row.label]), _breakable(cells[0].text), scope="row",
                data_sort=cells[0].sort),
            [_cell(cell, column) for cell, column in zip(cells[1:], columns[1:], strict=True)],
            class_=kind,
        ))
    table = tag("table", tag("thead", tag("tr", head)), tag("tbody", body), class_="sortable")
    return tag("div", table, class_="scroll")


def _cell(cell: Cell, column: Column) -> Markup:
    return tag(
        "td", cell.text, data_sort=cell.sort, title=cell.hint or None,
        class_="number" if column.numeric else "words",
    )


def _breakable(label: str) -> list[str | Markup]:
    """A label that may go on in the next line before each option."""
    pieces = re.split(r"(?<=[:,])", label)
    return [part for piece in pieces for part in (piece, tag("wbr"))][:-1]


def _key(colour: int) -> Markup:
    return tag("span", class_=f"key c{colour}", aria_hidden="true")


def _figures(
    instance: InstanceComparison, colours: Mapping[str, int], steps: int
) -> Markup:
    axis = figures.quality(instance)
    shown = []
    if axis is not None:
        shown.append(_figure(
            "Every run", "a dot a run, a bar the median, a cross a run without an answer",
            figures.run_plot(instance, axis, colours),
        ))
        curves = figures.anytime_plot(instance, axis, colours, steps)
        shown.append(_figure(
            "Best answer over time", "a line a run, as the solver reported it; logarithmic time",
            curves, _solver_legend(instance, colours),
        ))
    shown.append(_figure(
        "Time by phase", "mean wall seconds of a run, setup included", figures.time_plot(instance),
        _phase_legend(instance),
    ))
    shown.append(_figure(
        "Cost of a run", "dot: measured; diamond: estimated cost on the device",
        figures.money_plot(instance),
    ))
    return tag("div", shown, class_="figures")


def _figure(
    title: str, hint: str, plot: Markup | None, legend: Markup | None = None
) -> Markup | None:
    if plot is None:
        return None
    caption = tag("figcaption", title, " ", tag("small", hint))
    return tag("figure", caption, legend, plot)


def _solver_legend(instance: InstanceComparison, colours: Mapping[str, int]) -> Markup:
    items = [
        tag("li", _key(colours[row.label]), row.label) for row in instance.rows if row.answered
    ]
    return tag("ul", items, class_="legend")


def _phase_legend(instance: InstanceComparison) -> Markup:
    used = [
        (i, phase) for i, phase in enumerate(PHASES)
        if any(phase in row.phases for row in instance.rows)
    ]
    items = [
        tag("li", tag("span", class_=f"key square p{i}", aria_hidden="true"), phase)
        for i, phase in used
    ]
    return tag("ul", items, class_="legend")


def _reasons(rows: Sequence[Row]) -> Markup | None:
    """Why runs ended without an answer."""
    items = [tag("li", f"{row.label}: {reason}") for row in rows for reason in row.reasons]
    if not items:
        return None
    return join(tag("h3", "Runs without an answer"), tag("ul", items))


def _phases(rows: Sequence[Row], colours: Mapping[str, int]) -> Markup | None:
    used = [phase for phase in PHASES if any(phase in row.phases for row in rows)]
    if not used:
        return None

    def column(phase: str, kind: str) -> Column:
        def cell(row: Row) -> Cell:
            seconds = row.phases.get(phase, {}).get(kind)
            return Cell(seconds_text(seconds), seconds)

        unit = "s" if kind == "wall" else "CPU s"
        return Column(f"{phase} {unit}", f"mean {kind} seconds of a run", cell)

    solver = Column("solver", "solver with its options", lambda r: Cell(r.label, r.label), False)
    columns = [solver, *(column(phase, kind) for phase in used for kind in ("wall", "cpu"))]
    taken = [row for row in rows if row.phases]
    return tag(
        "details", tag("summary", "Seconds by phase"), _table(columns, taken, colours)
    )


def _facts(instance: InstanceComparison) -> Markup:
    items = [join(tag("dt", name), tag("dd", text))
             for name, text in tables.instance_facts(instance)]
    return tag("details", tag("summary", "The instance"), tag("dl", items, class_="facts"))


# -- the bottom -----------------------------------------------------------------------------------


def _conditions(comparison: Comparison) -> Markup:
    records = comparison.records
    entries: list[tuple[str, list[str]]] = [
        ("Budget of a run", _distinct(budget_text(r.budget) for r in records)),
        ("Seeds", _distinct(
            f"{row.label}: {_seeds(row)}" for instance in comparison.instances
            for row in instance.rows
        )),
        ("Threads", _distinct(str(r.budget.get("threads") or 1) for r in records)),
        ("Machine", _distinct(_machine(r) for r in records)),
        ("Software", _distinct(_software(r) for r in records)),
        ("Solvers", _distinct(f"{r.solver}: {r.solver_version}" for r in records)),
        ("Price list", [
            f"version {version}" for version in comparison.price_lists
        ] + _prices(comparison)),
    ]
    items = [
        join(tag("dt", name), [tag("dd", text) for text in texts])
        for name, texts in entries if any(texts)
    ]
    return tag("section", tag("h2", "Conditions", id="conditions"), tag("dl", items))


def _distinct(texts: Iterable[str]) -> list[str]:
    return [text for text in dict.fromkeys(texts) if text]


def _seeds(row: Row) -> str:
    seeds = sorted(set(row.seeds))
    if len(seeds) > 1 and seeds == list(range(seeds[0], seeds[-1] + 1)):
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds))


def _machine(record: Record) -> str:
    known = record.environment
    cores = known.get("cores")
    return ", ".join(filter(None, [
        str(known.get("processor") or ""), plural(cores, "core") if cores else "",
        str(known.get("platform") or ""),
    ]))


def _software(record: Record) -> str:
    known = record.environment
    packages = known.get("packages") or {}
    parts = [f"Python {known['python']}" if known.get("python") else ""]
    parts += [f"{name} {version}" for name, version in packages.items()]
    parts.append(f"revision {known['git']}" if known.get("git") else "")
    return ", ".join(filter(None, parts))


def _prices(comparison: Comparison) -> list[str]:
    """Every price that was used, with its date."""
    found: dict[str, str] = {}
    for instance in comparison.instances:
        for row in instance.rows:
            for item in row.money.items:
                price = "unknown" if item["unit_price"] is None else f"{item['unit_price']:g}"
                dated = f"read {item['retrieved']}" if item.get("retrieved") else "undated"
                note = f"; {item['note']}" if item["note"] else ""
                text = (
                    f"{item['sku']}: {price} {item['currency']} for one {item['unit']}, {dated}, "
                    f"{item['basis']} quantity{note}"
                )
                found[item["sku"]] = max(found.get(item["sku"], ""), text, key=len)
    return list(found.values())


def _reproduce(comparison: Comparison) -> Markup:
    blocks = [
        tag("pre", text)
        for instance in comparison.instances for text in reproduce.commands(instance)
    ]
    return tag(
        "section", tag("h2", "Reproduce", id="reproduce"),
        tag("p", "A run that a time limit ended is not repeatable to the bit.", class_="soft"),
        blocks,
    )


def _runs(comparison: Comparison) -> Markup:
    head = tag("h2", "Every run", id="runs")
    count = len(comparison.records)
    if count > MOST_RUNS_LISTED:
        return tag("section", head, tag("p", f"{count} runs: too many to list here; the JSON and "
                                             "the store have them all."))
    titles = [("run", False), ("instance", False), ("solver", False), ("seed", True),
              ("status", False), ("objective", True), ("bound", True), ("wall s", True)]
    columns = [
        tag("th", tag("button", title, type="button"), scope="col",
            class_="number" if numeric else None)
        for title, numeric in titles
    ]
    lines = [
        _run_line(instance, row, record)
        for instance in comparison.instances for row in instance.rows for record in row.records
    ]
    table = tag("table", tag("thead", tag("tr", columns)), tag("tbody", lines), class_="sortable")
    return tag(
        "section", head,
        tag("details", tag("summary", plural(count, "run")), tag("div", table, class_="scroll")),
    )


def _run_line(instance: InstanceComparison, row: Row, record: Record) -> Markup:
    status = str(record.status).replace("_", " ")
    figures_ = [
        (value_text(record.objective, instance.digits), record.objective),
        (value_text(record.bound, instance.digits), record.bound),
        (seconds_text(record.wall), record.wall),
    ]
    return tag(
        "tr",
        tag("th", record.id, scope="row", data_sort=record.id),
        [tag("td", text, data_sort=text, class_="words") for text in (instance.name, row.label)],
        tag("td", record.seed, data_sort=record.seed, class_="number"),
        tag("td", status, data_sort=status, title=record.reason or None),
        [tag("td", text, data_sort=value, class_="number") for text, value in figures_],
    )


_TERMS = (
    ("Feasible", "Runs with an answer that keeps every constraint, by the instance's own check, of "
     "the runs that the solver took on. A failure, a time-out or an infeasible answer stays in the "
     "denominator; a refusal of the model's size does not. Intervals are exact (Clopper-Pearson, "
     "95 %)."),
    ("Median", "Objective of the median run. A run without a feasible answer counts as worse than "
     "any other. Solvers are ranked by it; equal medians share a rank."),
    ("Gap", "Distance of the best and of the median run from a proven optimum, else from the best "
     "known value, else from an open bound; the line under the instance's name says which, and who "
     "says so. In percent of that value, or in the objective's own units where the objective "
     "touches or crosses zero."),
    ("Hits", "Runs that reached the proven optimum or the best known value, by a sample where "
     "there was post-processing."),
    ("Post-processing", "Classical repair or descent that works on the samples of a run and makes "
     "better answers of them. Its answers count as the run's own in feasible, best, median and "
     "gap, never as the sampler's: hits, shares of samples, and the comparisons of a quantum "
     "solver with classical solvers and with random sampling go by the samples as they were "
     "drawn. Whether these are worth more than random ones to start from is shown by random "
     "sampling with the same post-processing."),
    ("Wall and CPU seconds", "Median of a run, from lowering the instance to scoring the answers; "
     "CPU seconds count all threads. A simulated device's time is the simulator's."),
    ("To best", "Median seconds, without setup, until a run held its answer. A solver that "
     "searches until its time is up has the whole limit as its wall seconds and its cost, whenever "
     "it found the answer; one that draws samples ends with its samples."),
    ("Setup", "Imports and just-in-time compilation, which the first run of a process pays for all "
     "that follow: the longest of the runs, apart from their seconds and their cost. Compiling a "
     "circuit and setting its angles belong to a run and are in its seconds."),
    ("Cost", "Mean cost of a run: its wall time without setup (or half of its CPU time, if that is "
     "more) on a rented machine with two processors. Simulating a device is part of it."),
    ("Device cost", "What the same shots would cost on the real device: an estimate, never added "
     "to the cost. A dash or a question mark is unknown, not nothing."),
    ("Random sampling", "The floor: a solver that draws samples has shown something only where it "
     "beats random feasible samples in equal number, all its shots counted. It is said to beat it "
     "where exact intervals of the hit rates are apart (shots of one noise trajectory counted as a "
     "single draw), or an exact rank-sum test over the runs "
     "gives p at most 5 %; not corrected for the number of solvers and instances."),
    ("Differences", "Between other solvers no test is made: that one row stands above another is "
     "no proof that the solver is better."),
)


def _glossary(comparison: Comparison) -> Markup:
    items = [join(tag("dt", term), tag("dd", text)) for term, text in _TERMS]
    return tag("section", tag("h2", "How to read this", id="reading"), tag("dl", items))
