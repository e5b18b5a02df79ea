"""A device as it was measured on a date: errors, times and couplings, as a file of its own."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from math import isfinite
from pathlib import Path
from statistics import median
from typing import Any

from .errors import ParseError
from .record import content_key

SCHEMA = "qopt-calibration/1"

DEAD_ERROR = 0.1
"""Gates with at least this error are not used: calibrations mark broken couplings with error 1."""

_TOLD_ELSEWHERE = ("measure", "delay")
"""What every qubit has, and is told with the qubits or needs no calibration."""

STALE_DAYS = 30
"""Age in days over which a snapshot is told to be old: devices drift within days."""

MOST_BYTES = 50_000_000
"""Size of a file above which it is no calibration."""


@dataclass(frozen=True)
class QubitCalibration:
    """One qubit.

    Parameters
    ----------
    t1, t2 : float, optional
        Relaxation and dephasing times in seconds.
    frequency : float, optional
        In hertz.
    misread_zero, misread_one : float
        Probability that it is read wrong when it is 0, and when it is 1.
    readout_seconds : float, optional
    stated_error : float, optional
        Readout error that the vendor states beside the two kinds, measured by itself.
    """

    t1: float | None
    t2: float | None
    frequency: float | None
    misread_zero: float
    misread_one: float
    readout_seconds: float | None = None
    stated_error: float | None = None

    @property
    def readout_error(self) -> float:
        """As stated, or the mean of both kinds."""
        if self.stated_error is not None:
            return self.stated_error
        return 0.5 * (self.misread_zero + self.misread_one)


@dataclass(frozen=True)
class GateCalibration:
    """One gate on certain qubits.

    Parameters
    ----------
    qubits : tuple of int
        In the direction in which it is calibrated.
    error : float, optional
        None where it was not measured.
    seconds : float, optional
    """

    qubits: tuple[int, ...]
    error: float | None
    seconds: float | None


@dataclass(frozen=True)
class Spread:
    """The errors of one gate, or of readout, over a device.

    Parameters
    ----------
    median, worst : float
        Of those that can be used.
    worst_at : tuple of int
        Where the worst is.
    usable, dead : int
        How many can be used, and how many cannot.
    """

    median: float
    worst: float
    worst_at: tuple[int, ...]
    usable: int
    dead: int = 0

    @classmethod
    def of(cls, errors: Mapping[tuple[int, ...], float], dead: int = 0) -> "Spread | None":
        """Of errors by place; None where there are none."""
        if not errors:
            return None
        at = max(errors, key=lambda place: (errors[place], place))
        return cls(median(errors.values()), errors[at], at, len(errors), dead)


@dataclass(frozen=True)
class Calibration:
    """A device as it was measured.

    Parameters
    ----------
    name : str
        The vendor's: ``"ibm_torino"``.
    date : str
        ISO 8601, of the last measurement in it.
    qubits : tuple of QubitCalibration
        By the device's numbers.
    gates : mapping of str to tuple of GateCalibration
        By name, after qiskit's, each sorted by qubits. Measurement is not among them.
    dt : float, optional
        Seconds of a tick, of which gates and delays last whole numbers.
    repetition_delay : float
        Seconds between shots.
    source : str
        Where it was read.
    """

    name: str
    date: str
    qubits: tuple[QubitCalibration, ...] = field(repr=False)
    gates: Mapping[str, tuple[GateCalibration, ...]] = field(repr=False)
    dt: float | None = None
    repetition_delay: float = 250e-6
    source: str = ""

    @cached_property
    def key(self) -> str:
        """SHA-256 of all that was measured; where it was read does not matter."""
        data = self.to_json()
        del data["source"]
        return content_key(data)

    @cached_property
    def dead_qubits(self) -> frozenset[int]:
        """Qubits a gate of whose own has at least `DEAD_ERROR`."""
        return frozenset(
            gate.qubits[0]
            for gates in self.gates.values()
            for gate in gates
            if len(gate.qubits) == 1 and (gate.error or 0.0) >= DEAD_ERROR
        )

    def is_dead(self, gate: GateCalibration) -> bool:
        """Whether a gate is not to be used.

        Its error is `DEAD_ERROR` or more, or it is one of several qubits and was not measured, or
        a qubit of its is dead.
        """
        if len(gate.qubits) > 1 and (gate.error is None or self.dead_qubits & set(gate.qubits)):
            return True
        return (gate.error or 0.0) >= DEAD_ERROR

    @cached_property
    def couplings(self) -> frozenset[tuple[int, int]]:
        """Pairs of qubits that have a gate, the smaller number first."""
        return frozenset(
            (min(gate.qubits), max(gate.qubits)) for gate in self._pair_gates()
        )

    @cached_property
    def usable_couplings(self) -> frozenset[tuple[int, int]]:
        """Those with a gate, in one direction or the other, that is not dead."""
        return frozenset(
            (min(gate.qubits), max(gate.qubits))
            for gate in self._pair_gates() if not self.is_dead(gate)
        )

    @property
    def dead_couplings(self) -> frozenset[tuple[int, int]]:
        """The others."""
        return self.couplings - self.usable_couplings

    def _pair_gates(self) -> list[GateCalibration]:
        return [g for gates in self.gates.values() for g in gates if len(g.qubits) == 2]

    @cached_property
    def region(self) -> tuple[int, ...]:
        """The largest set of qubits that usable couplings connect, ascending."""
        neighbours: dict[int, list[int]] = {q: [] for q in range(len(self.qubits))}
        for a, b in self.usable_couplings:
            neighbours[a].append(b)
            neighbours[b].append(a)
        best: set[int] = set()
        left = set(neighbours)
        while left:
            found, ahead = set[int](), [min(left)]
            while ahead:
                qubit = ahead.pop()
                if qubit not in found:
                    found.add(qubit)
                    ahead += neighbours[qubit]
            left -= found
            best = max(best, found, key=len)
        return tuple(sorted(best))

    @cached_property
    def spreads(self) -> dict[str, Spread]:
        """The errors of every gate that has any, by its name, and of ``"readout"``."""
        found = {}
        for name, gates in self.gates.items():
            usable = {g.qubits: g.error for g in gates if g.error is not None
                      and not self.is_dead(g)}
            dead = sum(map(self.is_dead, gates))
            if (spread := Spread.of(usable, dead)) is not None:
                found[name] = spread
        readout = Spread.of({(k,): q.readout_error for k, q in enumerate(self.qubits)})
        return found if readout is None else {**found, "readout": readout}

    def median_time(self, name: str) -> float | None:
        """Median T1 or T2 (``"t1"``, ``"t2"``) in seconds, of the qubits where it is known."""
        known = [t for q in self.qubits if (t := getattr(q, name)) is not None]
        return median(known) if known else None

    def age(self, now: datetime | None = None) -> float:
        """Days since the last measurement; dates without a time zone are taken to be UTC."""
        return ((now or datetime.now(UTC)) - _moment(self.date)).total_seconds() / 86400.0

    def scaled(self, factor: float) -> "Calibration":
        """The same device with its noise multiplied.

        Errors of gates and readout and rates of relaxation are multiplied; what exceeds 1 is 1,
        and at 0 nothing relaxes (T1 and T2 are None). Dead gates stay as they are.
        """

        def error(value: float) -> float:
            return min(1.0, factor * value)

        def seconds(time: float | None) -> float | None:
            return None if time is None or factor == 0.0 else time / factor

        return replace(
            self,
            qubits=tuple(
                replace(
                    q, t1=seconds(q.t1), t2=seconds(q.t2), misread_zero=error(q.misread_zero),
                    misread_one=error(q.misread_one),
                    stated_error=None if q.stated_error is None else error(q.stated_error),
                )
                for q in self.qubits
            ),
            gates={
                name: tuple(
                    g if g.error is None or g.error >= DEAD_ERROR
                    else replace(g, error=error(g.error))
                    for g in gates
                )
                for name, gates in self.gates.items()
            },
        )

    def to_json(self) -> dict[str, Any]:
        """The calibration as JSON values."""
        return {
            "schema": SCHEMA,
            "name": self.name,
            "date": self.date,
            "dt": self.dt,
            "repetition_delay": self.repetition_delay,
            "source": self.source,
            "qubits": [
                [
                    q.t1, q.t2, q.frequency, q.misread_zero, q.misread_one, q.readout_seconds,
                    q.stated_error,
                ]
                for q in self.qubits
            ],
            "gates": {
                name: [[list(g.qubits), g.error, g.seconds] for g in self.gates[name]]
                for name in sorted(self.gates)
            },
        }

    def write(self, path: str | Path) -> None:
        """Write the calibration as a file."""
        text = json.dumps(self.to_json(), sort_keys=True, allow_nan=False) + "\n"
        Path(path).write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, path: str | Path) -> "Calibration":
        """Read what `write` wrote.

        Raises
        ------
        ParseError
            Where the file is no calibration, with what is wrong in it.
        """
        return cls.from_json(_parsed(Path(path)), path)

    @classmethod
    def from_json(cls, data: Any, path: str | Path = "<calibration>") -> "Calibration":
        """Check and take JSON values.

        Raises
        ------
        ParseError
        """
        if not isinstance(data, dict) or data.get("schema") != SCHEMA:
            found = data.get("schema") if isinstance(data, dict) else type(data).__name__
            raise ParseError(
                path, f"is no calibration: \"schema\" must be {SCHEMA!r}, got {found!r}"
            )
        try:
            read = cls(
                name=str(data["name"]),
                date=str(data["date"]),
                qubits=tuple(_qubit(row) for row in data["qubits"]),
                gates={
                    str(name): tuple(sorted((_gate(row) for row in rows), key=lambda g: g.qubits))
                    for name, rows in data["gates"].items()
                },
                dt=_above(data["dt"]),
                repetition_delay=_positive(data["repetition_delay"]) or 0.0,
                source=str(path),
            )
            _moment(read.date)
        except (KeyError, TypeError, ValueError, AttributeError) as fault:
            what = f"{fault} is missing" if isinstance(fault, KeyError) else str(fault)
            raise ParseError(path, f"is a damaged calibration: {what}") from None
        if not read.qubits:
            raise ParseError(path, "is a calibration of 0 qubits; take a snapshot of a device")
        for name, gates in read.gates.items():
            if name in _TOLD_ELSEWHERE:
                raise ParseError(path, f"has a gate {name!r}, which is no gate: leave it out")
            if len({gate.qubits for gate in gates}) < len(gates):
                raise ParseError(path, f"has gate {name} twice on the same qubits")
            for gate in gates:
                if not all(0 <= q < len(read.qubits) for q in gate.qubits):
                    raise ParseError(
                        path, f"gate {name} acts on qubits {gate.qubits}, and there are "
                        f"{len(read.qubits)}"
                    )
        return read


def _parsed(path: Path) -> Any:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ParseError(path, f"is larger than {MOST_BYTES} bytes, which no calibration is")
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as fault:
        raise ParseError(path, f"cannot be read: {fault.strerror}") from None
    except json.JSONDecodeError as fault:
        raise ParseError(path, f"is not JSON: {fault.msg}", line=fault.lineno) from None
    except (UnicodeDecodeError, RecursionError):
        raise ParseError(path, "is not JSON") from None


def _qubit(row: Any) -> QubitCalibration:
    t1, t2, frequency, zero, one, seconds, *more = row
    (stated,) = more or (None,)
    return QubitCalibration(
        _above(t1), _above(t2), _positive(frequency), _share(zero), _share(one),
        _positive(seconds), None if stated is None else _share(stated),
    )


def _gate(row: Any) -> GateCalibration:
    qubits, error, seconds = row
    if not 1 <= len(qubits) == len(set(qubits)) or not all(type(q) is int for q in qubits):
        raise ValueError(f"a gate acts on distinct qubits by their numbers, got {qubits!r}")
    return GateCalibration(
        tuple(qubits), None if error is None else _share(error), _positive(seconds)
    )


def _moment(date: str) -> datetime:
    moment = datetime.fromisoformat(date)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _share(value: Any) -> float:
    if type(value) not in (int, float) or not 0.0 <= value <= 1.0:
        raise ValueError(f"an error is a number from 0 to 1, got {value!r}")
    return float(value)


def _above(value: Any) -> float | None:
    if value == 0.0:
        raise ValueError("T1, T2 and dt are above 0, or null where they are not known")
    return _positive(value)


def _positive(value: Any) -> float | None:
    if value is None:
        return None
    if type(value) not in (int, float) or not isfinite(value) or value < 0.0:
        raise ValueError(f"a time or frequency is a finite number from 0 on, got {value!r}")
    return float(value)
