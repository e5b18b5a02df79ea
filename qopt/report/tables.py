"""The table of an instance, as the terminal and the page show it: columns, cells, marks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..comparison import Comparison, InstanceComparison
from ..findings import made_afterwards
from ..numbers import (
    count_text,
    join,
    money_text,
    percent_text,
    plural,
    seconds_text,
    value_text,
)
from ..stats import Gap, Share
from ..tally import Row

ESTIMATE = "~"
"""Stands before every figure that is an estimate."""


@dataclass(frozen=True)
class Cell:
    """One cell.

    Parameters
    ----------
    text : str
    sort : float or str, optional
        What the cell is sorted by; None sorts last.
    hint : str
        More of it, for whoever asks.
    """

    text: str
    sort: float | str | None = None
    hint: str = ""


@dataclass(frozen=True)
class Column:
    """One column.

    Parameters
    ----------
    title, hint : str
    cell : callable
        Gives the cell of a row.
    numeric : bool
        Whether to align it to the right.
    """

    title: str
    hint: str
    cell: Callable[[Row], Cell]
    numeric: bool = True


def main_columns(instance: InstanceComparison) -> list[Column]:
    """Quality, time and money of every solver on an instance."""
    digits = instance.digits
    kind = {"optimum": "the optimum", "best known": "the best known value", "bound": "the bound"}
    to = kind[instance.yardstick.kind] if instance.yardstick else "a known value"
    currency = next((r.money.currency for r in instance.rows if r.money.currency), "")
    currency = "$" if currency == "USD" else currency

    def value(number: float | None) -> Cell:
        return Cell(value_text(number, digits), number, "" if number is None else repr(number))

    columns = [
        Column("solver", "solver with its options", lambda r: Cell(r.label, r.label), False),
        Column("runs", "runs, one a seed", lambda r: Cell(str(r.runs), r.runs)),
        Column("feasible", "runs with a feasible answer, of those that the solver took on", _found),
        Column("best", "best objective of a feasible answer", lambda r: value(r.best)),
        Column(
            "median", "objective of the median run; runs without an answer count as worst",
            lambda r: value(r.median),
        ),
    ]
    if any(r.postprocessing for r in instance.rows):
        columns.append(_best_sample(instance.digits))
    gaps = [g for r in instance.rows for g in (r.best_gap, r.median_gap) if g is not None]
    if gaps and all(g.relative is not None for g in gaps):
        columns.append(Column(
            "gap %", f"distance from {to}: best run / median run",
            lambda r: _gaps(r, relative=True),
        ))
    elif gaps:
        columns.append(Column(
            "gap", f"best run / median run: distance from {to} in the objective's units",
            lambda r: _gaps(r, relative=False),
        ))
    return [
        *columns,
        Column(
            "hits", f"runs that reached {to}, before any post-processing", lambda r: _share(r.hits)
        ),
        Column("status", "how the runs ended", _status, False),
        Column(
            "wall s", "median seconds of a run, without setup",
            lambda r: Cell(seconds_text(r.wall), r.wall),
        ),
        Column(
            "to best s",
            "median seconds until a run held its answer, without setup; it may have searched on",
            lambda r: Cell(seconds_text(r.to_best), r.to_best),
        ),
        Column(
            "CPU s", "median processor seconds of a run, all threads, without setup",
            lambda r: Cell(seconds_text(r.cpu), r.cpu),
        ),
        Column(
            "setup s", "longest setup of a run: imports and compilation that a process pays once",
            lambda r: Cell(seconds_text(r.setup), r.setup),
        ),
        Column(
            f"cost {currency}".strip(), "mean cost of a run by measured use at list prices",
            lambda r: Cell(money_text(r.money.measured), r.money.measured, _bill(r, "measured")),
        ),
        Column(
            f"device {currency}".strip(),
            "mean cost of a run on the quantum device, estimated from a simulated run",
            _device_money,
        ),
    ]


def circuit_columns(instance: InstanceComparison) -> list[Column]:
    """Circuits and samples of solvers that draw samples on an instance."""

    def count(name: str) -> Callable[[Row], Cell]:
        return lambda r: Cell(count_text(r.counts.get(name)), r.counts.get(name))

    def compiled(name: str) -> Callable[[Row], Cell]:
        def cell(row: Row) -> Cell:
            logical, final = row.counts.get(f"logical_{name}"), row.counts.get(name)
            if final is None:
                return Cell("–")
            before = "" if logical is None else f"{count_text(logical)} → "
            return Cell(f"{before}{count_text(final)}", final)

        return cell

    # What the samples came to stands first: what the circuits cost may be a long way to the right.
    return [
        Column("solver", "solver with its options", lambda r: Cell(r.label, r.label), False),
        Column("samples", "samples that were scored in a run", count("samples")),
        Column(
            "hits %", "share of samples with the best known value, all runs together",
            lambda r: _percent(r.sampled_hits),
        ),
        Column(
            "feasible samples %", "share of feasible samples, all runs together",
            lambda r: _percent(r.sampled_feasible),
        ),
        _best_sample(instance.digits),
        Column("best answer", "best objective of a run's answer, and what made it",
               lambda r: _best_answer(r, instance)),
        Column(
            "presolve", "variables that presolve removed before the solver ran", _presolved, False
        ),
        Column("device", "quantum device", lambda r: Cell(_device(r), r.device), False),
        Column("qubits", "qubits of the circuit", count("qubits")),
        Column("depth", "depth before and after compilation", compiled("depth")),
        Column("2-qubit gates", "before and after compilation", compiled("two_qubit_gates")),
        Column("circuits", "circuits executed in a run", count("circuits")),
        Column("shots", "shots of a run, those for angles included", count("shots")),
        Column(
            "no error %", "estimated probability that a shot meets no gate or readout error",
            _clean,
        ),
        Column("device s", "seconds on the device in a run", _device_seconds),
    ]


def has_circuits(row: Row) -> bool:
    """Whether a row belongs into the table of circuits and samples."""
    return row.quantum or row.sampled_feasible is not None


def phase_words(row: Row) -> str:
    """Mean seconds by phase in words."""
    return ", ".join(f"{p} {seconds_text(s['wall'])} s" for p, s in row.phases.items())


def instance_line(instance: InstanceComparison) -> str:
    """Kind, size and sense of an instance in a line; conventions in words are left to the page."""
    size = [
        f"{name} {_plain(value)}" for name, value in instance.facts.size.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    return "; ".join(filter(None, [instance.facts.kind, ", ".join(size), instance.sense]))


def instance_facts(instance: InstanceComparison) -> list[tuple[str, str]]:
    """Everything that is said of an instance: sizes, conventions, settings, reference, hash."""
    facts = instance.facts
    known = [(name, _plain(value)) for name, value in facts.size.items()]
    known += [(f"setting {name}", _plain(value)) for name, value in facts.settings.items()]
    if facts.reference is not None:
        proven = "proven optimal" if facts.reference.get("proven") else "best known"
        convention = facts.reference.get("convention")
        known.append((
            "reference value",
            ", ".join(filter(None, [
                value_text(facts.reference["value"], 12), proven,
                facts.reference.get("source") or "source not named", convention,
            ])),
        ))
    known += [("file", facts.path)] if facts.path else []
    return [*known, ("SHA-256 of the data", facts.sha256)]


def yardstick_line(instance: InstanceComparison) -> str:
    """What gaps are measured to, in a line."""
    yardstick = instance.yardstick
    if yardstick is None:
        return "no bound is proven and no value is known: no gaps"
    word = {"optimum": "optimum", "best known": "best known", "bound": "bound"}[yardstick.kind]
    value = value_text(yardstick.value, instance.digits)
    return f"gaps to the {word} {value} ({yardstick.source})"


def reason_lines(instance: InstanceComparison) -> list[str]:
    """Why runs ended without an answer, a line for each solver and reason."""
    return [
        f"{row.label}: {reason if len(reason) <= 300 else reason[:300] + ' ...'}"
        for row in instance.rows for reason in row.reasons
    ]


def legend(comparison: Comparison) -> list[str]:
    """What the marks and the money in the tables mean."""
    rows = [row for instance in comparison.instances for row in instance.rows]
    lines = [
        "feasible: runs with a feasible answer; median: of all runs, those without an answer as "
        "worst; gap: best run / median run; hits: runs that reached the value gaps are measured to",
        "to best: seconds until a run held its answer; what searches to its limit has all of it "
        "as wall s",
        "setup: imports and compilation, which a process pays once, not in wall s, CPU s and cost",
    ]
    if any(row.postprocessing for row in rows):
        lines.append(
            "post-processing: best, median and gap are of the answers that it made; best sample "
            "and hits of the samples before it"
        )
    if any(row.simulated and row.device for row in rows):
        lines.append(f"{ESTIMATE} an estimate: the device was simulated; ? no price is known")
    skus = sorted({
        item["sku"] for row in rows for item in row.money.items if item["basis"] == "measured"
    })
    if skus:
        versions = join(comparison.price_lists)
        lines.append(
            f"cost: measured seconds at the price of {join(skus)}"
            + (f" (price list {versions})" if versions else "")
        )
    return lines


# -- cells ----------------------------------------------------------------------------------------


def _best_sample(digits: int) -> Column:
    """Best objective of a sample: what a solver found without post-processing."""
    def cell(row: Row) -> Cell:
        if not row.postprocessing and not has_circuits(row):
            return Cell("–")
        value = row.sampled_best
        return Cell(value_text(value, digits), value, "" if value is None else repr(value))

    hint = "best objective of a feasible sample, before any post-processing"
    return Column("best sample", hint, cell)


def _best_answer(row: Row, instance: InstanceComparison) -> Cell:
    if row.best is None:
        return Cell("–")
    made = made_afterwards(row, row.best, instance.sense)
    by = f" ({row.postprocessing})" if made else ""
    hint = f"{row.postprocessed} of {plural(row.attempted, 'answer')} made by post-processing"
    return Cell(
        f"{value_text(row.best, instance.digits)}{by}", row.best, hint if row.postprocessing else ""
    )


def _found(row: Row) -> Cell:
    if row.feasible is None:
        return Cell("refused", None, "; ".join(row.reasons))
    hint = [interval_text(row.feasible), *row.reasons]
    return Cell(f"{row.answered}/{row.attempted}", row.feasible.value, "; ".join(hint))


def interval_text(share: Share) -> str:
    """The exact interval of a share in words."""
    return (
        f"{percent_text(share.value)} %, exact 95 % interval {percent_text(share.low)} to "
        f"{percent_text(share.high)} %"
    )


def _share(share: Share | None) -> Cell:
    if share is None:
        return Cell("–")
    return Cell(f"{share.successes}/{share.trials}", share.value, interval_text(share))


def _percent(share: Share | None) -> Cell:
    if share is None:
        return Cell("–")
    hint = f"{share.successes} of {plural(share.trials, 'sample')}: {interval_text(share)}"
    return Cell(percent_text(share.value), share.value, hint)


def _gaps(row: Row, *, relative: bool) -> Cell:
    def text(gap: Gap | None) -> str:
        if gap is None:
            return "–"
        if relative:
            return percent_text(gap.relative)
        return f"{gap.absolute:.3g}"

    if row.best_gap is None and row.median_gap is None:
        return Cell("–")
    shown = row.median_gap or row.best_gap
    sort = None if shown is None else shown.absolute
    return Cell(f"{text(row.best_gap)} / {text(row.median_gap)}", sort)


def _status(row: Row) -> Cell:
    names = {status.replace("_", " "): n for status, n in row.statuses.items()}
    text = ", ".join(names if len(names) == 1 else (f"{n} {s}" for s, n in names.items()))
    return Cell(text, text, "; ".join(row.reasons))


def _presolved(row: Row) -> Cell:
    if row.presolve is None:
        return Cell("–")
    return Cell(f"{row.presolve.total} of {row.presolve.variables}", None, row.presolve.size)


def _device(row: Row) -> str:
    if not row.device:
        return "–"
    return f"{row.device} (simulated)" if row.simulated else row.device


def _device_money(row: Row) -> Cell:
    """Estimated device money; what a real device cost is measured, and stands under cost."""
    if row.money.estimated is None:
        sold = row.device and row.simulated and not row.hypothetical
        missing = "no price is known for this device" if sold else ""
        return Cell("?" if missing else "–", None, missing)
    text = ESTIMATE + money_text(row.money.estimated)
    return Cell(text, row.money.estimated, _bill(row, "estimated"))


def _device_seconds(row: Row) -> Cell:
    seconds = row.counts.get("device_seconds")
    if seconds is None:
        return Cell("–")
    return Cell((ESTIMATE if row.simulated else "") + seconds_text(seconds), seconds)


def _clean(row: Row) -> Cell:
    value = row.counts.get("success_probability")
    if value is None:
        return Cell("–")
    return Cell((ESTIMATE if value < 1 else "") + percent_text(value), value)


def _bill(row: Row, basis: str) -> str:
    """The mean bill of a run in words."""
    parts = []
    for item in row.money.items:
        if item["basis"] != basis:
            continue
        quantity = "?" if item["quantity"] is None else f"{item['quantity']:.3g}"
        price = "?" if item["unit_price"] is None else f"{item['unit_price']:g}"
        note = f" ({item['note']})" if item["note"] else ""
        parts.append(
            f"{item['item']}: {quantity} × {item['unit']} at {price} {item['currency']}, "
            f"{item['sku']}{note}"
        )
    return "; ".join(parts)


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " ".join(map(_plain, value)) if len(value) <= 6 else f"({len(value)})"
    return str(value)
