"""What an instance costs in qubits: a row for each way to encode it, and what each fits on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import comb, prod
from time import perf_counter
from typing import Any, Literal

from . import registry
from .devices import DeviceSize, device_sizes
from .errors import QoptError, UnknownNameError, UsageError
from .forms import Lowering, Penalties, Qubo
from .forms.reduce import reduce_qubo
from .forms.route_pool import check_columns
from .options import Option, check_options
from .problem import Problem
from .reduction import has_way, lower, lowering_options

MOST_MADE = 2500
"""Bits up to which a model is made where its bits are known without."""

MOST_SEARCHED = 24
"""Clients up to which route columns are searched for, to be counted: more take seconds."""

MOST_SECONDS = 5.0
"""What presolve of one model may take."""

_COLUMNS = ("columns", "seed", "weight")
"""Options of a lowering to route columns."""

_CHOICES = ("encoding", "slack")
"""Options of a lowering that name ways to write an instance in bits; the first there is counts."""

_GATE_ERROR = 0.003
"""Of a two-qubit gate: what calibrations of IBM's Heron processors show in the middle."""

Bound = Literal["valid", "relaxed", "none"]


@dataclass(frozen=True)
class Encoding:
    """One way to write an instance in bits.

    Parameters
    ----------
    name : str
        ``"one-hot"``; the form's name where there is no choice.
    form : str
        ``"qubo"`` or ``"table"``.
    options : dict
        Options of the lowering, as ``lower.NAME`` of a solver.
    qubits : int, optional
        Bits; None where they are not known without the model, which was refused.
    presolved : int, optional
        Bits that an exact presolve of the model leaves to search; None where it was not made, or
        is no QUBO.
    grows : bool
        Whether the model is solved again by what its answers tell, which may add some (cuts).
    pairs : int, optional
        Interacting pairs, with groups as penalties: couplers of an annealer, and two-qubit gates
        of one layer of QAOA with the mixer x.
    groups : int, optional
        Exactly-k groups, which mixers may keep instead.
    states : int, optional
        Bit strings that keep all groups; None without groups.
    penalties : Penalties, optional
    bound : {"valid", "relaxed", "none"}, optional
        Whether a bound on the model is one on the instance: as its optimum is, or as a relaxation,
        or not.
    fits : tuple of DeviceSize
        Devices that hold it.
    reason : str
        Why the model was not made; empty where it was.
    notes : tuple of str
        What the lowering says.
    """

    name: str
    form: str
    options: dict[str, Any] = field(default_factory=dict)
    qubits: int | None = None
    presolved: int | None = None
    grows: bool = False
    pairs: int | None = None
    groups: int | None = None
    states: int | None = None
    penalties: Penalties | None = None
    bound: Bound | None = None
    fits: tuple[DeviceSize, ...] = ()
    reason: str = ""
    notes: tuple[str, ...] = ()

    @property
    def smallest(self) -> DeviceSize | None:
        """The smallest real device that holds it."""
        real = [size for size in self.fits if size.real]
        return min(real, key=lambda size: (size.qubits, size.name), default=None)

    def to_json(self) -> dict[str, Any]:
        """The row as JSON values."""
        return {
            "encoding": self.name, "form": self.form, "options": self.options,
            "qubits": self.qubits, "presolved": self.presolved, "grows": self.grows,
            "pairs": self.pairs, "groups": self.groups, "states": self.states,
            "penalties": None if self.penalties is None else asdict(self.penalties),
            "bound": self.bound,
            "fits": [
                {"device": size.name, "qubits": size.qubits, "simulated_here": self._here(size)}
                for size in self.fits
            ],
            "smallest_device": None if self.smallest is None else self.smallest.name,
            "reason": self.reason, "notes": list(self.notes),
        }

    def _here(self, size: DeviceSize) -> bool:
        """Whether a device that holds it is simulated here at this size."""
        return size.simulated is None or self.qubits is None or self.qubits <= size.simulated

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as text, in the order of `HEAD`."""
        return (
            self.name,
            "–" if self.qubits is None else f"{self.qubits}{'+' if self.grows else ''}",
            "–" if self.pairs is None else str(self.pairs),
            "–" if self.groups is None else str(self.groups),
            _range(self.penalties),
            self.bound or "–",
            self._fit_text(),
        )

    def _fit_text(self) -> str:
        """Simulations that hold it, and the smallest real device."""
        simulators = sorted((size.qubits, size.name) for size in self.fits if not size.real)
        names = [name for _, name in simulators]
        if (least := self.smallest) is not None:
            star = "" if self._here(least) else "*"
            names.append(f"{least.name} ({least.qubits}){star}")
        return ", ".join(names) or "–"


HEAD = ("encoding", "qubits", "pairs", "groups", "penalties : costs", "bound", "fits")
"""Titles of `Encoding.cells`."""


def _range(penalties: Penalties | None) -> str:
    if penalties is None:
        return "–"
    return (
        f"{_between(penalties.least, penalties.most)} : "
        f"{_between(penalties.smallest, penalties.largest)}"
    )


def _between(least: float, most: float) -> str:
    first, last = f"{least:.3g}", f"{most:.3g}"
    return first if first == last else f"{first}-{last}"


def encodings(problem: Problem, options: Mapping[str, Any] | None = None) -> list[Encoding]:
    """Every way to write an instance in bits, in the order in which its lowerings offer them.

    A model is made, to be counted, unless its bits are known to be more than `MOST_MADE`, or it
    takes a search for the routes of more than `MOST_SEARCHED` clients.

    Parameters
    ----------
    problem : Problem
    options : mapping, optional
        Options of the lowerings, each for those that know it; an ``encoding`` leaves only that one.

    Returns
    -------
    list of Encoding

    Raises
    ------
    UsageError
        For an option that no lowering to bits knows.
    """
    given = dict(options or {})
    offered = lowering_options(registry.find("problem", problem.kind))
    ways = {
        form: offered.get(form, {}) for form in ("qubo", "table") if has_way(problem, [form])
    }
    known = {name for own in ways.values() for name in own}
    for name in given:
        if name.replace("-", "_") not in known:
            what = f"option of the lowerings of {problem.kind} to bits"
            raise UnknownNameError(what, name, known)
    devices = device_sizes()
    rows: list[Encoding] = []
    faults: list[UsageError] = []
    for form, own in ways.items():
        kept = {name: value for name, value in given.items() if name.replace("-", "_") in own}
        found = []
        for name, more in _variants(form, own, kept):
            try:
                found.append(_row(problem, name, form, {**kept, **more}, devices))
            except UsageError as fault:
                faults.append(fault)
        if not found and not kept and own:
            # No value of the choice suits this instance: what it does without one is left.
            found.append(_row(problem, form, form, {}, devices))
        rows += found
    if faults and not rows:
        raise faults[0]
    return rows


def _variants(
    form: str, own: Mapping[str, Option], given: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Names and options of the ways that a lowering offers."""
    choice = next((name for name in _CHOICES if name in own), None)
    if choice is None:
        yield form, {}
    elif choice in given:
        yield str(given[choice]), {}
    else:
        for value in own[choice].choices:
            yield (str(value) if choice == "encoding" else f"{choice}={value}"), {choice: value}


def _row(
    problem: Problem, name: str, form: str, options: dict[str, Any], devices: list[DeviceSize]
) -> Encoding:
    """One encoding, counted on the model where that can be made."""
    count = getattr(problem, "count_bits", None)
    bits: int | None = None if count is None else count(form, **options)
    if bits is not None and bits > MOST_MADE:
        return Encoding(
            name, form, options, bits, fits=_holding(devices, form, bits, None),
            reason=f"not made: above {MOST_MADE} bits only these are counted",
        )
    try:
        if (most := _columns_of(problem, form, options)) is not None:
            return Encoding(
                name, form, options, most, fits=_holding(devices, form, most, None),
                reason=f"not made: at most {most} bits, one for each route that a search may offer "
                f"(columns={most}); above {MOST_SEARCHED} clients none are searched for",
            )
        _, lowering = lower(problem, [form], options)
    except UsageError:
        raise
    except QoptError as refusal:
        fits = () if bits is None else _holding(devices, form, bits, None)
        return Encoding(name, form, options, bits, fits=fits, reason=f"not made: {refusal}")
    return _counted(name, form, options, lowering, devices)


def _columns_of(problem: Problem, form: str, options: Mapping[str, Any]) -> int | None:
    """Most bits of a choice of routes whose search would take long; None for other lowerings."""
    own = lowering_options(registry.find("problem", problem.kind)).get(form, {})
    if "columns" not in own or not has_way(problem, ["routing"]):
        return None
    if "encoding" in own and options.get("encoding", own["encoding"].default) != "columns":
        return None
    routing = lower(problem, ["routing"])[1].model
    if len(routing.clients) <= MOST_SEARCHED:
        return None
    given = {name: options[name] for name in options if name in _COLUMNS}
    given = {"columns": own["columns"].default, **given}
    checked = check_options(check_columns, given, f"the lowering of {problem.kind} to {form}")
    check_columns(routing, **checked)
    return int(checked["columns"])


def _counted(
    name: str, form: str, options: dict[str, Any], lowering: Lowering[Any],
    devices: list[DeviceSize],
) -> Encoding:
    model = lowering.model
    bits = int(model.num_variables)
    pairs = groups = states = presolved = None
    penalties = lowering.penalties
    if isinstance(model, Qubo):
        pairs, groups = model.penalised().num_interactions, len(model.groups)
        presolved = reduce_qubo(model, stop=_Patience()).model.num_variables
        if groups:
            states = _states(model)
            if penalties is None:
                penalties = Penalties.of(model.penalty_weights(), [*model.linear, *model.value])
    bound: Bound = "relaxed" if lowering.relaxed else "valid"
    return Encoding(
        name, form, options, bits, presolved, lowering.refine is not None, pairs, groups, states,
        penalties, bound if lowering.complete else "none", _holding(devices, form, bits, states),
        notes=lowering.notes,
    )


class _Patience:
    """Whether `MOST_SECONDS` have passed since it was made."""

    def __init__(self) -> None:
        self._end = perf_counter() + MOST_SECONDS

    def __call__(self) -> bool:
        return perf_counter() > self._end


def _states(model: Qubo) -> int:
    """Bit strings that keep all groups."""
    free = model.num_variables - sum(len(group.members) for group in model.groups)
    return prod(comb(len(group.members), group.size) for group in model.groups) << free


def _holding(
    devices: list[DeviceSize], form: str, bits: int, states: int | None
) -> tuple[DeviceSize, ...]:
    return tuple(size for size in devices if size.holds(form, bits, states))


_BOUNDS: dict[Bound, str] = {
    "valid": "it is one on the instance, as its optimum is",
    "relaxed": "it is one on the instance, whose optimum may be worse than the model's",
    "none": "it says nothing, as the model leaves out answers of the instance",
}
"""What each word of the column on bounds says of a bound on the model."""


def _legend(rows: Sequence[Encoding]) -> Iterator[str]:
    """How to run a row, and what its columns mean."""
    chosen = [row for row in rows if row.options]
    if row := next((row for row in reversed(chosen) if not row.reason), None):
        options = ",".join(f"lower.{name}={value}" for name, value in row.options.items())
        name = row.name.partition(", ")[0]
        yield f"A solver takes a row by its options: --solver NAME:{options} is {name}."
    if any(row.penalties for row in rows):
        yield (
            "penalties : costs compares the sizes of the penalty weights and of the objective's "
            "coefficients: the further apart, the finer a device must tell costs apart."
        )
    if told := [f"{word}, {_BOUNDS[word]}" for word in _BOUNDS if word in {r.bound for r in rows}]:
        yield f"bound, on the model: {'; '.join(told)}."


def _percent(share: float) -> str:
    return "< 0.01 %" if share < 1e-4 else f"{100.0 * share:.2g} %"


def merged(rows: Sequence[Encoding]) -> list[Encoding]:
    """The rows as a table shows them: those that come to the same are one, by all their names."""
    kept: list[Encoding] = []
    for row in rows:
        for place, other in enumerate(kept):
            if replace(row, name=other.name, options=other.options) == other:
                kept[place] = replace(other, name=f"{other.name}, {row.name}")
                break
        else:
            kept.append(row)
    return kept


def remarks(rows: Sequence[Encoding]) -> list[str]:
    """What a reader of the table must know beside it."""
    lines = [f"{row.name}: {row.reason}" for row in rows if row.reason]
    if any(row.grows for row in rows):
        lines.append("+ solved again by what the answers tell, and cuts against them add some.")
    if any("*" in row.cells[-1] for row in rows):
        lines.append("* by its qubits; simulated here with its noise only up to fewer.")
    if told := [
        f"{row.presolved} of {row.qubits} ({row.name})" for row in rows
        if row.presolved is not None and row.presolved != row.qubits
    ]:
        lines.append(
            f"Exact presolve leaves fewer qubits, and the table shows all: {', '.join(told)}."
        )
    lines += _legend(rows)
    lines.append(
        "Fitting is a matter of size, depth is another: a layer of QAOA takes a two-qubit gate for "
        "each pair, and a device without that coupling several (of its qubits, dead couplings may "
        "leave fewer)."
    )
    shares = [
        f"{row.name} {_percent((1.0 - _GATE_ERROR) ** row.pairs)}" for row in rows if row.pairs
    ]
    if shares:
        lines.append(
            f"Shots in which all gates of one layer succeed, at an error of {100 * _GATE_ERROR:g} "
            f"% a gate and with every pair coupled: {', '.join(shares)}."
        )
    return lines
