"""The table of a study of error mitigation, for a terminal, a page and a file."""

from dataclasses import asdict, dataclass, field
from typing import Any

from qopt.numbers import plural, seconds_text
from qopt.report.plain import aligned, as_csv

_SIGNIFICANT = 2.0
"""Standard errors beyond which a bias is one."""


@dataclass(frozen=True)
class Row:
    """One method.

    Parameters
    ----------
    method : str
    multiplier : float, optional
        Shots as a multiple of those without mitigation; None where the method cannot act.
    circuits : int
    seconds : float, optional
        Wall seconds of one estimate, execution included.
    mean, mean_error : float, optional
        Over the seeds, and its standard error.
    bias, rmse : float, optional
        Against the noiseless mean; None where that is not known.
    told_error : float, optional
        Mean of the error bars that the method told.
    values : tuple of float
        One a seed.
    reason : str
        Why it cannot act.
    """

    method: str
    multiplier: float | None = None
    circuits: int = 0
    seconds: float | None = None
    mean: float | None = None
    mean_error: float | None = None
    bias: float | None = None
    rmse: float | None = None
    told_error: float | None = None
    values: tuple[float, ...] = field(default=(), repr=False)
    reason: str = ""


HEAD = [
    "method", "shots x", "circuits", "seconds", "mean", "bias", "+-", "RMSE", "told error",
]

LEGEND = {
    "shots x": "shots of all circuits of the method, as a multiple of those of the circuit alone",
    "seconds": "wall seconds of one estimate on this machine, simulation included",
    "bias": "mean over the seeds less the mean energy of the same circuit without noise",
    "+-": "standard error of mean and bias over the seeds",
    "RMSE": "root of the mean square distance from the noiseless mean, over the seeds",
    "told error": "mean of the error bars that the method itself tells",
}


@dataclass(frozen=True, eq=False)
class MitigationTable:
    """Methods on one circuit of one instance.

    Parameters
    ----------
    instance, device, mixer : str
    layers, qubits, two_qubit_gates : int
        Of the compiled circuit.
    success_probability : float, optional
    shots, seeds : int
    ideal : float, optional
        The noiseless mean energy; None where it cannot be computed.
    rows : tuple of Row
    """

    instance: str
    device: str
    layers: int
    mixer: str
    qubits: int
    two_qubit_gates: int
    success_probability: float | None
    shots: int
    seeds: int
    ideal: float | None
    rows: tuple[Row, ...] = field(repr=False)

    @property
    def answered(self) -> bool:
        """Whether any method could act."""
        return any(row.mean is not None for row in self.rows)

    @property
    def summary(self) -> str:
        """The circuit in a sentence."""
        success = ""
        if self.success_probability is not None:
            success = f", success probability {self.success_probability:.2g}"
        ideal = "unknown: the state is too large" if self.ideal is None else f"{self.ideal:.6g}"
        return (
            f"{self.instance} on {self.device}: p={self.layers}, mixer {self.mixer}, "
            f"{plural(self.qubits, 'qubit')}, {plural(self.two_qubit_gates, 'two-qubit gate')}"
            f"{success}; {self.shots} shots, {self.seeds} seeds; noiseless mean energy {ideal}"
        )

    @property
    def notes(self) -> list[str]:
        """How to read the rows, and what cannot be read off them."""
        notes = [
            f"{row.method}: left out: {row.reason}" for row in self.rows if row.reason
        ]
        names = {part for row in self.rows for part in row.method.partition(",")[0].split("+")}
        if "twirling" in names:
            notes.append(
                "twirling turns coherent errors into incoherent ones; the noise simulated here is "
                "incoherent (Markovian) already, so it shows nothing but the errors of its own "
                "Paulis, and no gain may be claimed from a simulation"
            )
        notes.append(
            "dynamical decoupling is not in the table: it acts on idle qubits under slow noise, "
            "which is not simulated here, so that it could show nothing"
        )
        if "cvar" in names:
            notes.append(
                "cvar is a bound of the noiseless mean from below, not an estimate of it: its bias "
                "is how loose it is"
            )
        if "pec" in names:
            notes.append(
                "pec inverts the very noise model that is simulated: on a device the model is "
                "measured, and as wrong as that"
            )
        return notes + self._verdict()

    def _verdict(self) -> list[str]:
        """Which methods show no bias, and which has the least error."""
        known = [row for row in self.rows if row.rmse is not None and row.method != "cvar"]
        if not known:
            return []
        unbiased = [
            row.method for row in known
            if abs(row.bias or 0.0) <= _SIGNIFICANT * (row.mean_error or 0.0)
        ]
        best = min(known, key=lambda row: row.rmse or 0.0)
        told = "; ".join(unbiased) or "none"
        return [
            f"no bias beyond {_SIGNIFICANT:g} standard errors: {told}",
            f"least RMSE: {best.method} ({best.rmse:.3g}) at {best.multiplier:.3g} times the shots",
        ]

    def cells(self) -> list[list[str]]:
        """The rows as text, in the order of `HEAD`."""
        return [
            [
                row.method, _text(row.multiplier, ".2f"), str(row.circuits or "–"),
                "–" if row.seconds is None else seconds_text(row.seconds),
                _text(row.mean, ".4f"), _text(row.bias, "+.4f"), _text(row.mean_error, ".4f"),
                _text(row.rmse, ".4f"), _text(row.told_error, ".4f"),
            ]
            for row in self.rows
        ]

    def render(self) -> str:
        """The table as text."""
        lines = [self.summary, "", *aligned(HEAD, self.cells()), ""]
        lines += [f"{title}: {text}" for title, text in LEGEND.items()]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)]) + "\n"

    def to_json(self) -> dict[str, Any]:
        """The study as JSON values."""
        data = asdict(self)
        data["rows"] = [{**asdict(row), "values": list(row.values)} for row in self.rows]
        return {**data, "summary": self.summary, "notes": self.notes}

    def to_csv(self) -> str:
        """One line a method."""
        columns = (
            "method", "multiplier", "circuits", "seconds", "mean", "mean_error", "bias", "rmse",
            "told_error", "reason",
        )
        return as_csv(columns, [[getattr(row, name) for name in columns] for row in self.rows])

    def to_html(self) -> str:
        """The table as a page."""
        from qopt.report.markup import tag
        from qopt.report.page import page
        from qopt.report.plain import table

        title = f"Error mitigation of {self.instance} on {self.device}"
        return page(
            title,
            tag("header", tag("h1", title), tag("p", self.summary, class_="lead")),
            table(HEAD, self.cells()),
            tag("dl", [[tag("dt", name), tag("dd", text)] for name, text in LEGEND.items()],
                class_="facts"),
            tag("h2", "Notes"),
            tag("ul", [tag("li", note) for note in self.notes]),
        )


def _text(value: float | None, spec: str) -> str:
    return "–" if value is None else format(value, spec)
